"""The operator's list of all that is stuck about money, with its age and what to do."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.validators import InputRequired, Length

from core import audit
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session
from core.errors import Invalid
from core.web import Problems, page_of, read
from payouts import answers, stuck, words
from payouts.blueprint import bp
from payouts.models import PayoutState
from payouts.sending import CLAIMABLE


class SubjectNeeded(Invalid):
    """Load the page again, then press the button."""


class SeenForm(FlaskForm):  # type: ignore[misc]
    """Which stuck thing was seen, as it is now."""

    subject = HiddenField(validators=[InputRequired(), Length(max=200)])


@bp.get("/operator/money/stuck")
@requires("money.see")
def stuck_list() -> ResponseReturnValue:
    """Show all that is stuck, the oldest first."""
    kind = request.args.get("kind", "")
    chosen = kind if kind in stuck.KINDS else None
    listing = page_of(stuck.listed(now(), chosen), scalars=False)
    return render_template("payouts/stuck_list.html", listing=listing, kind=chosen, words=words)


@bp.post("/operator/money/stuck/seen")
@requires("money.see")
@recently_signed_in
def mark_seen() -> ResponseReturnValue:
    """Mark a thing as seen; once it changes it is listed again."""
    form = read(SeenForm)
    if isinstance(form, Problems):
        raise SubjectNeeded
    session, subject = db_session(), form.subject.data
    if stuck.see(session, subject, by=current_user.id, at=now()):
        audit.record(session, "money.seen", by=current_user.id, subject=subject)
    flash(_("Marked as seen. Should it change, it stands here again."))
    return redirect(url_for(".stuck_list"))


@bp.post("/operator/money/payouts/<int:payout_id>/try")
@requires("money.see")
@recently_signed_in
def try_now(payout_id: int) -> ResponseReturnValue:
    """Try a waiting payout now, before it is due again; twice does no harm."""
    session = db_session()
    payout = answers.of(session, payout_id, lock=True)
    is_tried = payout.state is PayoutState.READY and payout.try_at is None  # the second click
    if payout.state in CLAIMABLE and not is_tried:
        payout.state, payout.try_at = PayoutState.READY, None
        answers.defer_send(session, payout)
        subject = f"payout:{payout_id}"
        audit.record(session, "payout.tried", by=current_user.id, subject=subject)
    flash(_("It is tried now. Load the page again to see what came of it."))
    return redirect(url_for(".stuck_list"))
