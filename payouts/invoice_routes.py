"""Owners' papers: monthly invoices, receipts of payments, and to whom they are made out."""

import re
from datetime import date
from typing import Any

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from accounts import organisations
from accounts.models import Organisation, OrganisationKind
from core import audit, formats
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.web import Problems, page_of, read
from experts import places
from payouts import invoices, papers
from payouts.blueprint import bp
from payouts.invoice_models import BillingDetails, Invoice
from payouts.models import Deposit, DepositState, ProjectBudget

VAT_NUMBER = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,13}")


class BillingForm(FlaskForm):  # type: ignore[misc]
    """To whom invoices are made out."""

    legal_name = StringField(
        _l("Legal name"), [InputRequired(_l("Write the name.")), Length(max=200)]
    )
    address = TextAreaField(
        _l("Address"), [InputRequired(_l("Write the address.")), Length(max=500)]
    )
    country = SelectField(_l("Country"), [InputRequired(_l("Choose a country."))])
    vat_number = StringField(_l("VAT number"), [Length(max=30)])

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        known = places.countries(formats.locale())
        self.country.choices = [
            SelectChoice("", _("Choose")),
            *(SelectChoice(code, name) for code, name in known),
        ]

    def validate_vat_number(self, field: StringField) -> None:
        """Take a number that looks like one: two letters of the country, then digits or letters."""
        field.data = re.sub(r"[\s.\-]", "", field.data or "").upper()
        if field.data and not VAT_NUMBER.fullmatch(field.data):
            raise ValidationError(
                _("Write the number with the country’s two letters, such as FR12345678901.")
            )


@bp.get("/invoices")
@requires("budget.see")
def invoice_list() -> ResponseReturnValue:
    """List the invoices of one's organisations, newest first."""
    session = db_session()
    mine = organisations.of(session, current_user.id, OrganisationKind.OWNER)
    listing = page_of(invoices.of([one.id or 0 for one in mine]))
    return render_template(
        "payouts/invoice_list.html",
        listing=listing,
        organisations={one.id: one for one in mine},
        details={one.id: session.get(BillingDetails, one.id) for one in mine},
        month_of=papers.month_name,
    )


@bp.get("/invoices/<int:invoice_id>.pdf")
@requires("budget.see")
def invoice_pdf(invoice_id: int) -> ResponseReturnValue:
    """Give an invoice as it was issued."""
    row = find(Invoice, invoice_id)
    require("budget.see", row)
    return _pdf(papers.invoice(row), f"invoice-{row.name}.pdf")


@bp.get("/projects/<int:project_id>/budget/deposits/<int:deposit_id>/receipt.pdf")
@requires("budget.see")
def receipt_pdf(project_id: int, deposit_id: int) -> ResponseReturnValue:
    """Give the receipt of a payment that was made."""
    budget, deposit = find(ProjectBudget, project_id), find(Deposit, deposit_id)
    require("budget.see", budget)
    if deposit.project_id != project_id or deposit.state is not DepositState.PAID:
        raise NotFound
    buyer = find(Organisation, budget.organisation_id)
    details = db_session().get(BillingDetails, buyer.id)
    return _pdf(papers.receipt(deposit, budget, buyer.name, details), f"receipt-{deposit.id}.pdf")


@bp.get("/organisations/<int:organisation_id>/billing")
@requires("organisation.manage")
def billing(organisation_id: int) -> ResponseReturnValue:
    """Show to whom invoices are made out."""
    found = _owner(organisation_id)
    details = db_session().get(BillingDetails, organisation_id)
    known = details.model_dump() if details else {"legal_name": found.name}
    return _billing_page(found, BillingForm(data=known))


@bp.post("/organisations/<int:organisation_id>/billing")
@requires("organisation.manage")
def change_billing(organisation_id: int) -> ResponseReturnValue:
    """Write down to whom invoices are made out; those that were issued stay as they are."""
    found = _owner(organisation_id)
    form = read(BillingForm)
    if isinstance(form, Problems):
        return _billing_page(found, form.form), 422
    values = {
        "legal_name": form.legal_name.data.strip(),
        "address": form.address.data.strip(),
        "country": form.country.data,
        "vat_number": form.vat_number.data,
    }
    me, at = current_user.id, now()
    if invoices.change_details(db_session(), organisation_id, values, by=me, at=at):
        audit.record(db_session(), "billing.changed", by=me, subject=f"billing:{organisation_id}")
    flash(_("Saved. It stands on every invoice from now on."), "success")
    return redirect(url_for(".invoice_list"))


@bp.post("/organisations/<int:organisation_id>/invoices")
@requires("organisation.manage")
def make_invoices(organisation_id: int) -> ResponseReturnValue:
    """Issue the invoices of the month that is over, without waiting for the clock."""
    _owner(organisation_id)
    session = db_session()
    made = [
        invoices.issue(session, organisation, currency, month, at=now())
        for organisation, currency, month in invoices.due(session, at=now())
        if organisation == organisation_id
    ]
    if made:
        flash(_("The invoice is there."), "success")
    else:
        last: date = invoices.last_month(now())
        flash(_("There is nothing to invoice for %(month)s.", month=formats.month(last)), "info")
    return redirect(url_for(".invoice_list"))


def _owner(organisation_id: int) -> Organisation:
    found = find(Organisation, organisation_id)
    require("organisation.manage", found)
    if found.kind is not OrganisationKind.OWNER:
        raise NotFound
    return found


def _billing_page(found: Organisation, form: BillingForm) -> str:
    return render_template("payouts/billing.html", organisation=found, form=form)


def _pdf(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype="application/pdf", headers=headers)
