"""The operator's page of an expert's payouts: withholding them, with reasons, and lifting that."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlmodel import col, select
from wtforms import SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from accounts.models import Decision
from core import audit
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, page_of, read
from experts.models import Expert
from payouts import holds, words
from payouts.blueprint import bp
from payouts.models import Payout

ENOUGH = Length(
    min=holds.WORDS_AT_LEAST,
    max=4000,
    message=_l("Write 20 to 4,000 characters: the expert reads it."),
)


class HoldForm(FlaskForm):  # type: ignore[misc]
    """Why payouts are withheld."""

    code = SelectField(
        _l("Reason"),
        [InputRequired(_l("Choose one."))],
        # None is chosen beforehand: whoever refuses says why.
        choices=[
            SelectChoice("", _l("Choose")),
            *(SelectChoice(code, said) for code, said in holds.REASONS.items()),
        ],
    )
    words = TextAreaField(_l("Why"), validators=[ENOUGH])
    evidence = TextAreaField(_l("Evidence"), validators=[ENOUGH])


@bp.get("/operator/money/experts/<int:expert_id>")
@requires("money.see")
def expert_money(expert_id: int) -> ResponseReturnValue:
    """Show an expert's payouts, and whether they are withheld."""
    found = find(Expert, expert_id)
    audit.record_reading(
        "money.read", by=current_user.id, subject=f"expert:{expert_id}", of=expert_id
    )
    return _page(found, HoldForm(formdata=None))


@bp.post("/operator/money/experts/<int:expert_id>/withhold")
@requires("money.see")
@recently_signed_in
def withhold(expert_id: int) -> ResponseReturnValue:
    """Withhold payouts, with reasons."""
    found = find(Expert, expert_id)
    form = read(HoldForm)
    if isinstance(form, Problems):
        return _page(found, form.form), 422
    cause = holds.Cause(form.code.data, form.words.data, form.evidence.data)
    holds.withhold(db_session(), expert_id, cause, by=current_user, at=now())
    flash(_("Withheld. What is owed stays owed; the expert has a letter with the reasons."))
    return redirect(url_for(".expert_money", expert_id=expert_id))


@bp.post("/operator/money/experts/<int:expert_id>/send-again")
@requires("money.see")
@recently_signed_in
def send_again(expert_id: int) -> ResponseReturnValue:
    """Lift the hold."""
    find(Expert, expert_id)
    holds.lift(db_session(), expert_id, by=current_user, at=now())
    flash(_("Payouts of this expert are sent again."))
    return redirect(url_for(".expert_money", expert_id=expert_id))


def _page(expert: Expert, form: HoldForm) -> str:
    session = db_session()
    held = holds.of(session, expert.user_id)
    return render_template(
        "payouts/expert_money.html",
        expert=expert,
        held=held,
        decision=session.get(Decision, held.decision_id) if held else None,
        reasons=holds.REASONS,
        form=form,
        words=words,
        listing=page_of(_payouts(expert.user_id)),
    )


def _payouts(expert_id: int) -> object:
    return select(Payout).where(Payout.expert_id == expert_id).order_by(col(Payout.id).desc())
