"""The owner's page of bonuses: giving one for work in a project, and those that were form."""

from decimal import Decimal
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlmodel import col, select
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from core import formats, once
from core.access import recently_signed_in, require, requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, page_of, read
from experts.forms import stripped
from experts.models import Expert
from payouts import bonuses, budgets, extra_pay
from payouts.bonuses import Bonus
from payouts.extra_pay_models import ExtraKind
from payouts.forms import amount_of
from projects.models import Project, id_of

bp = Blueprint("bonuses", __name__)


class BonusForm(FlaskForm):  # type: ignore[misc]
    """To whom, how much, and what for."""

    expert = SelectField(
        _l("Expert"),
        [InputRequired(_l("Choose the expert."))],
        description=_l("Those who have handed in work in this project."),
    )
    amount = StringField(
        _l("Amount"),
        [InputRequired(_l("Say how much.")), Length(max=40)],
        description=_l("What the expert gets, whole. The fee comes on top."),
        render_kw={"autocomplete": "off", "inputmode": "decimal"},
    )
    words = TextAreaField(
        _l("What the bonus is for"),
        [
            Length(
                min=bonuses.WORDS_AT_LEAST,
                max=1000,
                message=_l("Write 20 to 1,000 characters: the expert reads it."),
            )
        ],
        filters=[stripped],
    )
    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])

    def __init__(self, currency: str, people: list[Expert], **more: Any) -> None:
        super().__init__(**more)
        self.currency = currency
        self.people = {one.pseudonym: one.user_id for one in people}
        self.expert.choices = [
            SelectChoice("", _("Choose")),
            *(SelectChoice(name, name) for name in self.people),
        ]

    def validate_amount(self, field: StringField) -> None:
        """Take an amount above zero that was written without doubt."""
        try:
            self.money = amount_of(field.data, self.currency)
        except ValueError:
            example = formats.number(Decimal("25.50"), 2)
            raise ValidationError(
                _("Write an amount such as %(example)s.", example=example)
            ) from None
        if not self.money:
            raise ValidationError(_("Write an amount above zero."))


@bp.get("/projects/<int:project_id>/bonuses")
@requires("budget.fund")
def project_bonuses(project_id: int) -> ResponseReturnValue:
    """Show the form, and the bonuses that were form."""
    project = _project(project_id)
    wish = {"key": once.new_key(), "expert": request.args.get("expert", "")}
    return _page(project, BonusForm(project.currency, _people(project), data=wish))


@bp.post("/projects/<int:project_id>/bonuses")
@requires("budget.fund")
@recently_signed_in
def give_bonus(project_id: int) -> ResponseReturnValue:
    """Give a bonus, once."""
    project = _project(project_id)
    form = read(BonusForm, currency=project.currency, people=_people(project))
    if isinstance(form, Problems):
        return _page(project, form.form), 422
    bonus = Bonus(project_id, form.people[form.expert.data], form.money, form.words.data)
    try:
        bonuses.give(
            db_session(),
            bonus,
            fee_bps=project.fee_bps,
            key=form.key.data,
            by=current_user,
            at=now(),
        )
    except budgets.OutOfBudget:
        form.amount.errors = [_("The budget does not hold this amount and the fee on it.")]
        return _page(project, form), 409
    flash(_said(bonus, form), "success")
    return redirect(url_for(".project_bonuses", project_id=project_id))


def _project(project_id: int) -> Project:
    project = find(Project, project_id)
    require("budget.fund", project)
    return project


def _people(project: Project) -> list[Expert]:
    ids = set(bonuses.experts(db_session(), id_of(project))) - {current_user.id}
    question = select(Expert).where(col(Expert.user_id).in_(ids)).order_by(col(Expert.pseudonym))
    return list(db_session().exec(question))


def _page(project: Project, form: BonusForm) -> str:
    session = db_session()
    listing = page_of(extra_pay.of_project(id_of(project), ExtraKind.BONUS), per=20)
    ids = [one.expert_id for one in listing.rows]
    found = session.exec(select(Expert).where(col(Expert.user_id).in_(ids)))
    return render_template(
        "projects/project_bonuses.html",
        project=project,
        form=form,
        listing=listing,
        names={one.user_id: one.pseudonym for one in found},
        available=budgets.available(session, id_of(project)),
    )


def _said(bonus: Bonus, form: BonusForm) -> str:
    return str(
        _(
            "%(expert)s gets %(amount)s, and has a letter with your words.",
            expert=form.expert.data,
            amount=formats.money(bonus.amount),
        )
    )
