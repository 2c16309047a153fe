"""The operator's pages of disputes: what banks ask back, until when evidence is taken, the end."""

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from core.access import requires
from core.db import db_session, find
from core.settings import current_settings
from core.web import page_of
from payouts import books_words, dashboard, disputes, ledger, words
from payouts.blueprint import bp
from payouts.dispute_models import Dispute
from payouts.models import Move, ProjectBudget


@bp.get("/operator/money/disputes")
@requires("money.see")
def disputes_list() -> ResponseReturnValue:
    """Show the disputes: those that wait for evidence first, the soonest on top."""
    question = select(Dispute).order_by(
        col(Dispute.closed_at).desc().nulls_first(),
        col(Dispute.due_at).nulls_last(),
        col(Dispute.id).desc(),
    )
    return render_template(
        "payouts/disputes_list.html", listing=page_of(question), words=books_words
    )


@bp.get("/operator/money/disputes/<int:dispute_id>")
@requires("money.see")
def dispute(dispute_id: int) -> ResponseReturnValue:
    """Show one dispute and every amount that moved for it."""
    found = find(Dispute, dispute_id)
    session = db_session()
    moves = select(Move).where(Move.cause == f"dispute:{found.id}").order_by(col(Move.id))
    return render_template(
        "payouts/dispute.html",
        dispute=found,
        budget=session.get(ProjectBudget, found.project_id) if found.project_id else None,
        moves=session.exec(moves).all(),
        outstanding=disputes.outstanding(session, found),
        at_stripe=dashboard.address(current_settings(), found.stripe_dispute_id),
        words=books_words,
        amount=ledger.amount,
        narration=words.move,
    )
