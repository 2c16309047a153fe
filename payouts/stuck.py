"""Everything of money that waits for a person or for too long, as one question by age.

`attention.py` names what counts on the page Money and on Health; here stands the whole list, with
pages, for those who work through it.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, cast, column, func, literal, null, select, table, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from payouts import outages
from payouts.deposits import UNDECIDED
from payouts.models import (
    Deposit,
    DepositOrigin,
    DepositState,
    Payout,
    PayoutState,
    RailEvent,
    RailEventState,
)
from payouts.news_models import SeenNeed
from payouts.run_models import PayoutApproval

WAITS_LONG = timedelta(days=3)  # longer than owners' payments take to clear
UNDECIDED_LONG = timedelta(hours=1)
NOT_HEARD = timedelta(minutes=30)
# The tables of the job engine, which are not ours.
JOBS = table("procrastinate_jobs", *map(column, ("id", "task_name", "status", "queue_name")))
EVENTS = table("procrastinate_events", column("job_id"), column("at"))
KINDS = (
    "unknown",
    "failed",
    "bank_refused",
    "blocked",
    "waiting",
    "approval",
    "deposit",
    "topup",
    "news",
    "job",
)


def listed(at: datetime, kind: str | None = None) -> Any:
    """Return the question of all that is stuck, the oldest first."""
    rows = union_all(*_parts(at)).subquery()
    seen = select(col(SeenNeed.subject)).where(col(SeenNeed.subject) == rows.c.subject)
    question = select(rows).where(~seen.exists()).order_by(rows.c.since, rows.c.subject)
    return question.where(rows.c.kind == kind) if kind else question


def counts(session: Session, at: datetime) -> tuple[int, datetime | None]:
    """Return how many things are stuck, and since when the oldest is."""
    rows = listed(at).order_by(None).subquery()
    found = session.execute(select(func.count(), func.min(rows.c.since)).select_from(rows)).one()
    return int(found[0]), found[1]


def see(session: Session, subject: str, *, by: int, at: datetime) -> bool:
    """Note that a person has seen a thing as it is now, until it changes; False if one had."""
    row = {"subject": subject, "seen_by": by, "seen_at": at}
    made = insert(SeenNeed).values(row).on_conflict_do_nothing().returning(col(SeenNeed.subject))
    return session.execute(made).first() is not None


def _parts(at: datetime) -> list[Any]:
    state = PayoutState
    long_ago = at - WAITS_LONG
    ready_long = (col(Payout.state) == state.READY) & (
        col(Payout.requested_at) < at - timedelta(hours=1)
    )
    # While the rail is away, that stands in one place and not beside each payout.
    ready_long &= col(Payout.reason).is_distinct_from(outages.AWAY)
    unapproved = select(col(PayoutApproval.id)).where(
        col(PayoutApproval.payout_id) == col(Payout.id), col(PayoutApproval.answered_at).is_(None)
    )
    waits = (col(Payout.state) == state.WAITING_FUNDS) & (col(Payout.requested_at) < long_ago)
    blocked = (col(Payout.state) == state.BLOCKED) & (col(Payout.requested_at) < long_ago)
    asked, ended = col(Payout.requested_at), col(Payout.ended_at)
    return [
        _payouts("unknown", col(Payout.state) == state.UNKNOWN, col(Payout.sending_at)),
        _payouts("failed", col(Payout.state) == state.FAILED, ended),
        _payouts("bank_refused", col(Payout.state) == state.BANK_REFUSED, ended),
        _payouts("blocked", blocked, asked),
        _payouts("waiting", waits | (ready_long & ~unapproved.exists()), asked),
        _payouts("approval", (col(Payout.state) == state.READY) & unapproved.exists(), asked),
        _deposits(),
        _topups(at),
        _news(at),
        _jobs(),
    ]


def _payouts(kind: str, where: Any, since: Any) -> Any:
    number = cast(col(Payout.id), String)
    return select(
        literal(kind).label("kind"),
        ("payout:" + number + ":" + kind + ":" + cast(col(Payout.attempt), String)).label(
            "subject"
        ),
        number.label("number"),
        func.coalesce(since, col(Payout.requested_at)).label("since"),
        col(Payout.amount_minor).label("minor"),
        col(Payout.currency).label("currency"),
        col(Payout.reason).label("note"),
    ).where(where)


def _deposits() -> Any:
    number = cast(col(Deposit.id), String)
    return select(
        literal("deposit"),
        "deposit:" + number + ":unclear",
        number,
        col(Deposit.opened_at),
        col(Deposit.amount_minor),
        col(Deposit.currency),
        col(Deposit.trouble),
    ).where(col(Deposit.state) == DepositState.UNCLEAR)


def _topups(at: datetime) -> Any:
    """Charges of saved cards that are undecided for long: a card answers at once."""
    number = cast(col(Deposit.id), String)
    return select(
        literal("topup"),
        "deposit:" + number + ":undecided",
        number,
        col(Deposit.opened_at),
        col(Deposit.amount_minor),
        col(Deposit.currency),
        col(Deposit.trouble),
    ).where(
        col(Deposit.origin) == DepositOrigin.TOP_UP,
        col(Deposit.state).in_(UNDECIDED),
        col(Deposit.opened_at) < at - UNDECIDED_LONG,
    )


def _news(at: datetime) -> Any:
    state, came = col(RailEvent.state), col(RailEvent.received_at)
    unheard = (state == RailEventState.WAITING) & (came < at - NOT_HEARD)
    return select(
        literal("news"),
        "rail_event:" + col(RailEvent.id) + ":" + col(RailEvent.state),
        col(RailEvent.id),
        col(RailEvent.received_at),
        null(),
        null(),
        col(RailEvent.outcome),
    ).where((state == RailEventState.FAILED) | unheard)


def _jobs() -> Any:
    """Name the jobs of money that the engine has given up; sweeps do most of them anew."""
    number = cast(JOBS.c.id, String)
    last = select(func.max(EVENTS.c.at)).where(EVENTS.c.job_id == JOBS.c.id).scalar_subquery()
    return select(
        literal("job"),
        "job:" + number,
        number,
        func.coalesce(last, func.now()),
        null(),
        null(),
        JOBS.c.task_name,
    ).where(JOBS.c.queue_name == "money", cast(JOBS.c.status, String) == "failed")
