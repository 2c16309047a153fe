"""What about money needs a person: stuck, refused, unclear, or not explained."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func
from sqlmodel import Session, col, select

from core import formats
from core.money import Money
from payouts import disputes, ledger_audit, outages, policy, reconciliation, reversals
from payouts.charge_models import Charge
from payouts.models import (
    Deposit,
    DepositState,
    Payout,
    PayoutState,
    RailEvent,
    RailEventState,
    ReconciliationState,
)
from payouts.news_models import SeenNeed
from payouts.refund_models import RefundPart, RefundState
from payouts.refunds import OPEN

FAILED_LATELY = timedelta(days=14)
STUCK_AFTER = timedelta(minutes=30)
SHOWN = 50
REFUNDS_TAKE = timedelta(days=10)
SETTLING_TAKES = timedelta(days=3)


@dataclass(frozen=True)
class Need:
    """One thing for a person: what it is about, how it stands, what to do."""

    subject: str
    kind: str
    state: str
    title: str
    words: str
    amount: Money | None = None
    payout_id: int | None = None
    url: str | None = None


def needed(session: Session, *, at: datetime) -> list[Need]:
    """Return all that needs a person, money that may be in two places first."""
    return [
        *_broken_ledger(session),
        *_away(session, at),
        *_lost(session),
        *_unclear(session),
        *_alarms(session),
        *_disputed(session, at),
        *_reversals(session),
        *_owing(session),
        *_failed(session, at),
        *_refunds(session, at),
        *_unsettled(session, at),
        *_unheard(session, at),
    ]


def payout_counts(session: Session) -> dict[str, int]:
    """How many payouts are in each state."""
    question = select(col(Payout.state), func.count()).group_by(col(Payout.state))
    return {str(state): count for state, count in session.exec(question)}


def _broken_ledger(session: Session) -> list[Need]:
    last = ledger_audit.latest(session)
    if last is None or not last.problems:
        return []
    words = _(
        "Checked %(when)s: %(problem)s. See doyen check-ledger for all.",
        when=formats.date_time(last.at),
        problem=last.problems[0],
    )
    title = ngettext(
        "One promise of the ledger does not hold",
        "%(num)s promises of the ledger do not hold",
        len(last.problems),
    )
    return [Need("ledger:0", "ledger", "broken", title, words)]


def _away(session: Session, at: datetime) -> list[Need]:
    """Say once that the rail is away, however much waits for it."""
    row = outages.current(session)
    if row is None or row.began_at > at - outages.TELL_AFTER:
        return []
    words = _(
        "Since %(when)s. Nothing is lost: payments and payouts wait, and go on by themselves as"
        " soon as it answers.",
        when=formats.date_time(row.began_at),
    )
    words += " " + _("If Stripe’s page says that all is well there, look at your own network.")
    title = _("Stripe does not answer at the moment")
    return [Need(f"rail:{row.id}", "rail", "away", title, words, url=outages.STATUS_PAGE)]


def _lost(session: Session) -> list[Need]:
    question = select(Payout).where(Payout.state == PayoutState.UNKNOWN).order_by(col(Payout.id))
    return [_lost_need(row) for row in session.exec(question.limit(SHOWN))]


def _lost_need(row: Payout) -> Need:
    words = _("Stripe’s answer never came. Nothing is sent again until we know.")
    if row.try_at:
        words += " " + _(
            "Next look %(when)s, number %(number)s.",
            when=formats.date_time(row.try_at),
            number=row.looks + 1,
        )
    if row.looks >= policy.LOOKS_UNTIL_A_PERSON:
        words += " " + _("Ask Stripe’s support about %(reference)s.", reference=row.reference)
    return _payout_need(row, words, payout_id=row.id)


def _failed(session: Session, at: datetime) -> list[Need]:
    question = (
        select(Payout)
        .where(Payout.state == PayoutState.FAILED, col(Payout.ended_at) > at - FAILED_LATELY)
        .order_by(col(Payout.ended_at).desc())
    )
    return [
        _payout_need(
            row,
            _(
                "Stripe refused it (%(code)s). The amount is owed as before.",
                code=row.reason or "–",
            ),
        )
        for row in session.exec(question.limit(SHOWN))
    ]


def _payout_need(row: Payout, words: str, payout_id: int | None = None) -> Need:
    return Need(
        subject=f"payout:{row.id}",
        kind="payout",
        state=row.state,
        title=_("Payout %(number)s", number=row.id),
        words=words,
        amount=row.amount,
        payout_id=payout_id,
    )


def _unclear(session: Session) -> list[Need]:
    question = select(Deposit).where(Deposit.state == DepositState.UNCLEAR)
    return [
        Need(
            subject=f"deposit:{row.id}",
            kind="deposit",
            state=row.state,
            title=_("Payment %(number)s", number=row.id),
            words=_(
                "Paid, but not as asked (%(trouble)s), so it is not in the budget. Compare it "
                "with Stripe’s dashboard.",
                trouble=row.trouble or "–",
            ),
            amount=row.amount,
        )
        for row in session.exec(question.limit(SHOWN))
    ]


def _refunds(session: Session, at: datetime) -> list[Need]:
    """Refunds that Stripe cannot go on with, or that are on their way for too long."""
    state = col(RefundPart.state)
    long = state.in_(OPEN) & (col(RefundPart.sending_at) < at - REFUNDS_TAKE)
    question = select(RefundPart).where((state == RefundState.NEEDS_PERSON) | long)
    return [
        Need(
            subject=f"refund:{row.refund_id}",
            kind="refund",
            state=row.state,
            title=_("Refund %(number)s", number=row.refund_id),
            words=_(
                "Stripe has not given it back (%(trouble)s). Open %(reference)s in Stripe’s "
                "dashboard: it may wait for the person who paid, or for funds.",
                trouble=row.trouble or row.state,
                reference=row.stripe_refund_id or row.reference,
            ),
            amount=row.amount,
        )
        for row in session.exec(question.order_by(col(RefundPart.id)).limit(SHOWN))
    ]


def _unsettled(session: Session, at: datetime) -> list[Need]:
    """Payments that should have settled days ago."""
    question = select(Charge).where(
        col(Charge.settled_at).is_(None), col(Charge.settles_at) < at - SETTLING_TAKES
    )
    return [
        Need(
            subject=f"deposit:{row.deposit_id}",
            kind="charge",
            state="pending",
            title=_("Payment %(number)s", number=row.deposit_id),
            words=_(
                "Stripe said it would settle on %(day)s, and it has not. Payouts that draw on it "
                "arrive later.",
                day=formats.day(row.settles_at) if row.settles_at else "–",
            ),
            amount=row.amount,
        )
        for row in session.exec(question.order_by(col(Charge.deposit_id)).limit(SHOWN))
    ]


def _alarms(session: Session) -> list[Need]:
    return [
        Need(
            subject=f"reconciliation:{row.id}",
            kind="reconciliation",
            state=row.state,
            title=_("Ledger and Stripe differ in %(currency)s", currency=row.currency.upper()),
            words=_("Payouts in it stand still until two people have explained and released it."),
            amount=row.difference,
            url=url_for("payouts.books"),
        )
        for row in reconciliation.latest(session)
        if row.state is ReconciliationState.ALARM
    ]


def _disputed(session: Session, at: datetime) -> list[Need]:
    soon = disputes.to_answer(session, until=at + disputes.DUE_SOON)
    return [
        Need(
            subject=f"dispute:{row.id}",
            kind="dispute",
            state=row.state,
            title=_("Dispute %(number)s", number=row.id),
            words=_(
                "Evidence is taken until %(when)s; without it the dispute is lost.",
                when=formats.date_time(row.due_at),
            ),
            amount=row.amount,
            url=url_for("payouts.dispute", dispute_id=row.id),
        )
        for row in soon[:SHOWN]
        if row.due_at is not None
    ]


def _reversals(session: Session) -> list[Need]:
    words = {
        "proposed": _("To be taken back: another operator has to agree or to withdraw it."),
        "found": _("Taken back at Stripe by hand: two people have to say what it was."),
    }
    return [
        Need(
            subject=f"reversal:{row.id}",
            kind="reversal",
            state=row.state,
            title=_("Payout %(number)s", number=row.payout_id),
            words=words[row.state],
            amount=row.amount,
            url=url_for("payouts.reversals_list"),
        )
        for row in reversals.waiting(session)[:SHOWN]
    ]


def _owing(session: Session) -> list[Need]:
    question = select(Payout).where(
        Payout.state == PayoutState.BLOCKED, Payout.reason == "negative_balance"
    )
    return [
        replace(
            _payout_need(
                row,
                _(
                    "The expert’s account at Stripe is below zero, so nothing is sent into it."
                    " Stripe’s page says why; it is tried again by itself."
                ),
            ),
            url=url_for("payouts.expert_money", expert_id=row.expert_id),
        )
        for row in session.exec(question.order_by(col(Payout.id)).limit(SHOWN))
    ]


def _unheard(session: Session, at: datetime) -> list[Need]:
    failed = col(RailEvent.state) == RailEventState.FAILED
    seen = select(SeenNeed).where(SeenNeed.subject == "rail_event:" + col(RailEvent.id) + ":failed")
    late = (col(RailEvent.state) == RailEventState.WAITING) & (
        col(RailEvent.received_at) < at - STUCK_AFTER
    )
    stuck: Any = (late | (failed & ~seen.exists()),)
    count = session.exec(select(func.count()).select_from(RailEvent).where(*stuck)).one()
    if not count:
        return []
    words = _("Each stands with its error and its tries on the page “Messages of Stripe”.")
    title = _("%(count)s messages of Stripe could not be read", count=count)
    return [Need("rail_event", "news", "waiting", title, words)]
