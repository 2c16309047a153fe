"""The operator's pages of payout runs: the dry run, the run, and the second person's answer."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlmodel import col, select
from wtforms import HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length

from accounts.models import Decision
from core import once
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session, find
from core.money import Money
from core.ports import PayoutRefused, RailDown, ports
from core.web import Problems, page_of, read
from experts.models import Expert
from payouts import approving, behind, behind_words, holds, runs, words
from payouts.blueprint import bp
from payouts.hold_routes import HoldForm
from payouts.models import Payout
from payouts.run_models import PayoutApproval, PayoutInRun, PayoutRun


class RunForm(FlaskForm):  # type: ignore[misc]
    """The button that makes the payouts."""

    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])


class AgreeForm(FlaskForm):  # type: ignore[misc]
    """What the second person has looked at."""

    words = TextAreaField(
        _l("What you looked at"),
        validators=[
            Length(min=approving.WORDS_AT_LEAST, max=1000, message=_l("Say it in a few words."))
        ],
    )


@bp.get("/operator/money/runs")
@requires("money.see")
def runs_list() -> ResponseReturnValue:
    """Show the runs, newest first."""
    listing = page_of(select(PayoutRun).order_by(col(PayoutRun.id).desc()))
    return render_template("payouts/runs_list.html", listing=listing, words=words)


@bp.get("/operator/money/runs/plan")
@requires("money.see")
def run_plan() -> ResponseReturnValue:
    """Show what a run would do now: who is paid, who is not, and why."""
    return _plan_page()


@bp.post("/operator/money/runs")
@requires("money.see")
@recently_signed_in
def begin_run() -> ResponseReturnValue:
    """Begin a run; the same form sent twice begins one."""
    form = read(RunForm)
    if isinstance(form, Problems):
        return _plan_page(), 422
    run = runs.begin(db_session(), key=form.key.data, by=current_user.id, at=now())
    return redirect(url_for(".run_page", run_id=run.id))


@bp.get("/operator/money/runs/<int:run_id>")
@requires("money.see")
def run_page(run_id: int) -> ResponseReturnValue:
    """Show what a run has made."""
    return _run_page(find(PayoutRun, run_id), AgreeForm(formdata=None))


@bp.post("/operator/money/runs/<int:run_id>/approve")
@requires("money.see")
@recently_signed_in
def approve_run(run_id: int) -> ResponseReturnValue:
    """Agree to all that waits because the run is over its limit."""
    run = find(PayoutRun, run_id)
    form = read(AgreeForm)
    if isinstance(form, Problems):
        return _run_page(run, form.form), 422
    count = approving.approve_run(db_session(), run_id, form.words.data, by=current_user, at=now())
    flash(ngettext("Agreed: one payout leaves.", "Agreed: %(num)s payouts leave.", count))
    return redirect(url_for(".run_page", run_id=run_id))


@bp.get("/operator/money/approvals")
@requires("money.see")
def approvals_list() -> ResponseReturnValue:
    """Show the payouts that wait for a second person, the longest waiting first."""
    question = select(PayoutApproval).where(col(PayoutApproval.answered_at).is_(None))
    listing = page_of(question.order_by(col(PayoutApproval.id)))
    return render_template("payouts/approvals_list.html", listing=listing)


@bp.get("/operator/money/approvals/<int:approval_id>")
@requires("money.see")
def approval_page(approval_id: int) -> ResponseReturnValue:
    """Show one payout that is over a limit, with the two answers."""
    found = find(PayoutApproval, approval_id)
    return _approval_page(found, AgreeForm(formdata=None), HoldForm(formdata=None))


@bp.post("/operator/money/approvals/<int:approval_id>/approve")
@requires("money.see")
@recently_signed_in
def approve_payout(approval_id: int) -> ResponseReturnValue:
    """Agree: the payout leaves."""
    found = find(PayoutApproval, approval_id)
    form = read(AgreeForm)
    if isinstance(form, Problems):
        return _approval_page(found, form.form, HoldForm(formdata=None)), 422
    approving.approve(db_session(), approval_id, form.words.data, by=current_user, at=now())
    flash(_("Agreed. The payout leaves within a few minutes."))
    return redirect(url_for(".approvals_list"))


@bp.post("/operator/money/approvals/<int:approval_id>/refuse")
@requires("money.see")
@recently_signed_in
def refuse_payout(approval_id: int) -> ResponseReturnValue:
    """Refuse, by a decision with reasons."""
    found = find(PayoutApproval, approval_id)
    form = read(HoldForm)
    if isinstance(form, Problems):
        return _approval_page(found, AgreeForm(formdata=None), form.form), 422
    cause = holds.Cause(form.code.data, form.words.data, form.evidence.data)
    approving.refuse(db_session(), approval_id, cause, by=current_user, at=now())
    flash(_("Refused. What is owed stays owed; the expert has a letter with the reasons."))
    return redirect(url_for(".approvals_list"))


def _plan_page() -> str:
    available = _available()
    session = db_session()
    plans = runs.plans(session, now())
    for plan in plans:
        nothing = Money(0, plan.currency)
        plan.available = None if available is None else available.get(plan.currency, nothing)
    verdict = request.args.get("verdict", "")
    chosen = verdict if verdict in words.VERDICTS else None
    listing = page_of(runs.lines(session, now(), chosen), per=50, scalars=False)
    return render_template(
        "payouts/run_plan.html",
        plans=plans,
        listing=listing,
        names=_names(listing.rows),
        verdict=chosen,
        made=runs.MADE,
        words=words,
        form=RunForm(formdata=None, data={"key": once.new_key()}),
    )


def _available() -> dict[str, Money] | None:
    """Ask Stripe what it can send now; None when it does not answer."""
    db_session().close()  # nothing stays open while the rail is asked
    try:
        found = ports().payout_rail.balances()
    except (RailDown, PayoutRefused):
        return None
    return {one.available.currency: one.available for one in found}


def _names(rows: Any) -> dict[int, str]:
    ids = {row.expert_id for row in rows}
    found = db_session().exec(select(Expert).where(col(Expert.user_id).in_(ids)))
    return {one.user_id: one.pseudonym for one in found}


def _run_page(run: PayoutRun, form: AgreeForm) -> str:
    session = db_session()
    question = (
        select(Payout, PayoutApproval)
        .join(PayoutInRun, col(PayoutInRun.payout_id) == col(Payout.id))
        .outerjoin(
            PayoutApproval,
            (col(PayoutApproval.payout_id) == col(Payout.id))
            & col(PayoutApproval.approved).is_not(False),
        )
        .where(PayoutInRun.run_id == run.id)
        .order_by(col(Payout.id))
    )
    listing = page_of(question, scalars=False)
    waiting = session.exec(
        select(PayoutApproval).where(
            PayoutApproval.run_id == run.id,
            PayoutApproval.cause == "run",
            col(PayoutApproval.answered_at).is_(None),
        )
    ).all()
    return render_template(
        "payouts/run_page.html",
        run=run,
        listing=listing,
        names=_names([payout for payout, _approval in listing.rows]),
        waiting=waiting,
        asked_by_me=run.begun_by == current_user.id,
        behind={
            payout.id: behind.of(session, payout)
            for payout, approval in listing.rows
            if approval and not approval.answered_at and payout.is_open
        },
        behind_words=behind_words,
        words=words,
        form=form,
    )


def _approval_page(found: PayoutApproval, agree: AgreeForm, refuse: HoldForm) -> str:
    session = db_session()
    payout = session.get_one(Payout, found.payout_id)
    return render_template(
        "payouts/approval_page.html",
        approval=found,
        payout=payout,
        expert=session.get(Expert, payout.expert_id),
        decision=session.get(Decision, found.decision_id) if found.decision_id else None,
        work=behind.of(session, payout),
        earnings=page_of(behind.earnings(session, payout), per=50, scalars=False),
        behind_words=behind_words,
        words=words,
        mine=current_user.id in (found.asked_by, payout.expert_id),
        agree=agree,
        refuse=refuse,
    )
