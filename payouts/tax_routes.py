"""Pages of tax details: an expert's own, and an operator's reading of them, which is noted."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from core import audit
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, find
from core.settings import current_settings
from core.web import Problems, read
from experts.models import Expert
from payouts import holds, tax, tax_forms, tax_holds, tax_numbers, tax_words
from payouts.blueprint import bp
from payouts.tax_forms import TaxForm


@bp.get("/earnings/tax")
@requires("payout.request")
@recently_signed_in
def tax_details() -> ResponseReturnValue:
    """Show one's tax details, with the numbers masked, and what is missing."""
    profile = tax.current(db_session(), current_user.id)
    form = tax_forms.filled(tax.opened(profile), profile.version if profile else 0)
    return _page(form)


@bp.post("/earnings/tax")
@requires("payout.request")
@recently_signed_in
def save_tax_details() -> ResponseReturnValue:
    """Save one's tax details, whole or in part; what waited for them is sent."""
    session, me, at = db_session(), current_user.id, now()
    form = read(TaxForm, before=tax.opened(tax.current(session, me)))
    if isinstance(form, Problems):
        return _page(form.form), 422
    details = form.details(at)
    if odd := tax.odd_numbers(details):
        return _page(form, odd=tax_words.odd(odd)), 422
    wants_w8 = current_settings().tax_asks_w8
    try:
        saved = tax_holds.keep(
            session, me, details, seen=int(form.seen.data), wants_w8=wants_w8, at=at
        )
    except tax.ChangedMeanwhile as changed:
        return _page(form, odd=changed.words), 409
    if saved.is_complete:
        flash(_("Saved. Your tax details are complete."), "success")
        return redirect(url_for(".earnings_page"))
    flash(_("Saved. Something is still missing: it is listed on the page."), "info")
    return redirect(url_for(".tax_details"))


@bp.get("/operator/money/experts/<int:expert_id>/tax")
@requires("money.see")
@recently_signed_in
def expert_tax(expert_id: int) -> ResponseReturnValue:
    """Show an expert's tax details to an operator, with the numbers masked."""
    found = find(Expert, expert_id)
    audit.record_reading(
        "tax.read", by=current_user.id, subject=f"expert:{expert_id}", of=expert_id
    )
    return _operators_page(found, masked=True)


@bp.post("/operator/money/experts/<int:expert_id>/tax")
@requires("money.see")
@recently_signed_in
def show_expert_tax(expert_id: int) -> ResponseReturnValue:
    """Show the numbers in full, once; the reading is noted before anything is shown."""
    found = find(Expert, expert_id)
    audit.record_reading(
        "tax.numbers_read", by=current_user.id, subject=f"expert:{expert_id}", of=expert_id
    )
    return _operators_page(found, masked=False)


def _page(form: TaxForm, odd: str = "") -> str:
    session, me = db_session(), current_user.id
    profile = tax.current(session, me)
    known = tax.opened(profile)
    wants_w8 = current_settings().tax_asks_w8
    held = holds.of(session, me)
    asked = tax_holds.open_request(session, me)
    return render_template(
        "payouts/tax_details.html",
        form=form,
        odd=odd,
        profile=profile,
        missing=tax_words.missing(tax.missing(known, wants_w8=wants_w8)) if profile else [],
        hints=_hints(form, known),
        vat=tax_numbers.masked(known.vat_number),
        wants_w8=wants_w8,
        asked=asked,
        is_held=bool(asked and held and held.decision_id == asked.decision_id),
        history=tax.history(session, me)[:10],
        unreadable=profile is not None and known == tax.Details(),
    )


def _hints(form: TaxForm, known: tax.Details) -> list[str]:
    """Say which number is known for the country that each part of the form names."""
    numbers = {one.country: tax_numbers.masked(one.number) for one in known.residences}
    return [numbers.get(one.form.country.data or "", "") for one in form.residences]


def _operators_page(expert: Expert, *, masked: bool) -> str:
    session = db_session()
    profile = tax.current(session, expert.user_id)
    details = tax.opened(profile)
    values: dict[str, Any] = {
        "residences": tax_words.residences(details, masked=masked),
        "vat": tax_numbers.masked(details.vat_number) if masked else details.vat_number,
        "country": tax_words.country(details.country) if details.country else "",
    }
    return render_template(
        "payouts/expert_tax.html",
        expert=expert,
        profile=profile,
        details=details,
        masked=masked,
        missing=tax_words.missing(tax.missing(details, wants_w8=current_settings().tax_asks_w8)),
        asked=tax_holds.open_request(session, expert.user_id),
        history=tax.history(session, expert.user_id)[:20],
        us_numbers=tax_words.US_NUMBERS,
        **values,
    )
