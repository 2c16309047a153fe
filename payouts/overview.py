"""What an expert is shown of their money: where it is, every amount, what came by week.

All of it is read from the ledger and its rows; nothing here moves or rounds anything.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Text, case, cast, func, literal, null, union_all
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.money import Money
from payouts import ledger, movements, policy, statements
from payouts.extra_pay_models import ExtraPay, ExtraState
from payouts.models import (
    OPEN_STATES,
    Account,
    AccountKind,
    Move,
    Payout,
    PayoutState,
    ProjectBudget,
    Reservation,
    ReservationState,
)

WEEKS = 8
MONTHS = 12


@dataclass(frozen=True)
class Standing:
    """Where an expert's money in one currency is."""

    currency: str
    reserved: Money
    in_hand: int
    in_review: Money
    submitted: int
    review_by: datetime | None
    owed: Money
    on_its_way: Money
    sent_this_year: Money
    payouts_this_year: int


@dataclass(frozen=True)
class ByProject:
    """What one project has credited, and what it has in review."""

    project_id: int
    title: str
    credited: Money
    in_review: Money


@dataclass(frozen=True)
class Week:
    """What was earned in a week or month, by where it is now; `monday` is its first day."""

    monday: date
    sent: Money
    owed: Money
    in_review: Money


def currencies(session: Session, expert_id: int) -> list[str]:
    """Return the currencies that an expert has had to do with, the usual one first."""
    question = (
        select(col(Reservation.currency), func.count())
        .where(Reservation.expert_id == expert_id)
        .group_by(col(Reservation.currency))
        .order_by(func.count().desc(), col(Reservation.currency))
    )
    worked = [code for code, _ in session.exec(question)]
    owned = select(Account.currency).where(
        Account.kind == AccountKind.EXPERT_OWED, Account.owner_id == expert_id
    )
    others = session.exec(owned.order_by(col(Account.currency)))
    return list(dict.fromkeys([*worked, *others])) or ["eur"]


def standing(session: Session, expert_id: int, currency: str, *, at: datetime) -> Standing:
    """Where an expert's money is, in one currency."""
    reserved, submitted, in_hand, in_review, review_by = _held(session, expert_id, currency)
    purses = [ledger.owed(expert_id, currency), ledger.in_flight(expert_id, currency)]
    now_in = ledger.balances(session, purses)
    sent, at_bank, count = _sent(session, expert_id, currency, at)
    return Standing(
        currency=currency,
        reserved=reserved,
        in_hand=in_hand,
        in_review=submitted,
        submitted=in_review,
        review_by=review_by,
        owed=now_in[purses[0]],
        on_its_way=now_in[purses[1]] + at_bank,
        sent_this_year=sent,
        payouts_this_year=count,
    )


def amounts(
    expert_id: int,
    *,
    state: str | None = None,
    project_id: int | None = None,
    since: date | None = None,
    currency: str | None = None,
) -> Any:
    """Select every amount of an expert, newest first: works, payouts, other credits; filtered."""
    parts = (_works(expert_id), _extras(expert_id), _payouts(expert_id), _others(expert_id))
    found = union_all(*parts).subquery()
    question = select_columns(found)
    if state:
        question = question.where(found.c.state == state)
    if project_id is not None:
        question = question.where(found.c.project_id == project_id)
    if currency is not None:
        question = question.where(found.c.currency == currency)
    if since is not None:
        question = question.where(found.c.at >= since)
    return question.order_by(found.c.at.desc(), found.c.row_id.desc())


def projects(session: Session, expert_id: int) -> list[ProjectBudget]:
    """Return the projects that an expert has worked in, by title."""
    worked = select(Reservation.project_id).where(Reservation.expert_id == expert_id)
    question = select(ProjectBudget).where(col(ProjectBudget.project_id).in_(worked))
    return list(session.exec(question.order_by(col(ProjectBudget.title))))


def weeks(
    session: Session,
    expert_id: int,
    currency: str,
    *,
    at: datetime,
    project_id: int | None = None,
    months: bool = False,
) -> list[Week]:
    """What was earned in the last weeks or months, from the ledger.

    The oldest earnings count as the ones that were sent. Of one project nobody can say which of
    its earnings a payout carried, so there all that is accepted is `owed`.
    """
    starts = _months_before(at) if months else _weeks_before(at)
    unit = "month" if months else "week"
    earned = _earned_by(session, expert_id, currency, unit, project_id)
    review = _in_review_by(session, expert_id, currency, unit, project_id)
    left = ledger.balance(session, ledger.owed(expert_id, currency)).minor
    found = []
    for start in reversed(starts):
        then = earned.get(start, 0)
        still_owed = then if project_id is not None else max(0, min(left, then))
        left -= still_owed
        found.append(
            Week(
                start,
                Money(then - still_owed, currency),
                Money(still_owed, currency),
                Money(review.get(start, 0), currency),
            )
        )
    return found[::-1]


def by_project(session: Session, expert_id: int, currency: str, limit: int = 10) -> list[ByProject]:
    """What each project has credited to an expert, and what it still reviews; the most first."""
    around = movements.border(session, [ledger.owed(expert_id, currency)])
    inner = (
        movements.crossing(around, col(movements.FACING.kind).in_(movements.OF_PROJECTS))
        .order_by(None)
        .subquery()
    )
    project, amount = inner.c.project_id, inner.c.signed
    question = select_columns(project, func.sum(amount)).group_by(project)
    credited = {row[0]: int(row[1]) for row in session.execute(question)}
    review = select_columns(col(Reservation.project_id), func.sum(Reservation.pay_minor)).where(
        *_reviewed(expert_id, currency)
    )
    in_review = {
        row[0]: int(row[1]) for row in session.execute(review.group_by(col(Reservation.project_id)))
    }
    ids = sorted(credited.keys() | in_review.keys(), key=lambda id_: -credited.get(id_, 0))[:limit]
    titles = session.exec(select(ProjectBudget).where(col(ProjectBudget.project_id).in_(ids)))
    named = {row.project_id: row.title for row in titles}
    return [
        ByProject(
            id_,
            named[id_],
            Money(credited.get(id_, 0), currency),
            Money(in_review.get(id_, 0), currency),
        )
        for id_ in ids
    ]


def open_payout(session: Session, expert_id: int, currency: str) -> Payout | None:
    """Return the payout of an expert that is asked for and not sent yet."""
    question = select(Payout).where(
        Payout.expert_id == expert_id,
        Payout.currency == currency,
        col(Payout.state).in_(OPEN_STATES),
    )
    return session.exec(question).first()


def refused_by_bank(session: Session, expert_id: int, currency: str) -> Payout | None:
    """Return the newest payout of an expert if their bank has sent it back."""
    newest = session.exec(statements.payouts(expert_id).where(Payout.currency == currency)).first()
    refused = newest is not None and newest.state is PayoutState.BANK_REFUSED
    return newest if refused else None


def _held(
    session: Session, expert_id: int, currency: str
) -> tuple[Money, Money, int, int, datetime | None]:
    submitted = col(Reservation.submitted_at).is_not(None)
    pay = func.sum(Reservation.pay_minor)
    question = select_columns(
        pay.filter(~submitted),
        pay.filter(submitted),
        func.count().filter(~submitted),
        func.count().filter(submitted),
        func.max(Reservation.review_by),
    ).where(
        col(Reservation.expert_id) == expert_id,
        col(Reservation.currency) == currency,
        col(Reservation.state) == ReservationState.HELD,
    )
    reserved, in_review, in_hand, waiting, review_by = session.execute(question).one()
    beside = _extra_sum(session, expert_id, currency, ExtraState.HELD)
    return (
        Money(int(reserved or 0) + beside, currency),
        Money(int(in_review or 0), currency),
        in_hand,
        waiting,
        review_by,
    )


def _sent(
    session: Session, expert_id: int, currency: str, at: datetime
) -> tuple[Money, Money, int]:
    """What was sent this year, what of all that is not at the bank yet, and how many payouts."""
    new_year = at.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    this_year = col(Payout.sent_at) >= new_year
    amount = func.sum(Payout.amount_minor - statements.sum_given_back())
    question = select_columns(
        amount.filter(this_year),
        amount.filter(col(Payout.state) == PayoutState.SENT),
        func.count().filter(this_year),
    ).where(
        col(Payout.expert_id) == expert_id,
        col(Payout.currency) == currency,
        col(Payout.state).in_(statements.ARRIVED),
    )
    sent, on_way, count = session.execute(question).one()
    return Money(int(sent or 0), currency), Money(int(on_way or 0), currency), count


def _works(expert_id: int) -> Any:
    held = col(Reservation.state) == ReservationState.HELD
    in_part = col(Reservation.earned_minor) < col(Reservation.pay_minor)
    state = case(
        (held & col(Reservation.submitted_at).is_(None), "active"),
        (held, "submitted"),
        ((col(Reservation.state) == ReservationState.EARNED) & in_part, "partly_accepted"),
        (col(Reservation.state) == ReservationState.EARNED, "accepted"),
        # Only what was handed in can be refused, and only a refusal gives that back.
        (col(Reservation.submitted_at).is_not(None), "rejected"),
        else_="returned",
    )
    amount = case((held, col(Reservation.pay_minor)), else_=col(Reservation.earned_minor))
    return (
        select_columns(
            literal("work").label("what"),
            col(Reservation.assignment_id).label("row_id"),
            col(Reservation.project_id).label("project_id"),
            col(ProjectBudget.title).label("title"),
            func.coalesce(
                Reservation.ended_at, Reservation.submitted_at, Reservation.held_at
            ).label("at"),
            state.label("state"),
            amount.label("minor"),
            col(Reservation.currency).label("currency"),
            col(Reservation.review_by).label("next_at"),
        )
        .join(ProjectBudget, col(ProjectBudget.project_id) == col(Reservation.project_id))
        .where(col(Reservation.expert_id) == expert_id)
    )


def _extras(expert_id: int) -> Any:
    state = case(
        (col(ExtraPay.state) == ExtraState.HELD, "active"),
        (col(ExtraPay.state) == ExtraState.EARNED, "accepted"),
        else_="returned",
    )
    returned = col(ExtraPay.state) == ExtraState.RELEASED
    return (
        select_columns(
            cast(col(ExtraPay.kind), Text),
            col(ExtraPay.id),
            col(ExtraPay.project_id),
            col(ProjectBudget.title),
            func.coalesce(ExtraPay.ended_at, ExtraPay.held_at),
            state,
            case((returned, 0), else_=col(ExtraPay.pay_minor)),
            col(ExtraPay.currency),
            null(),
        )
        .join(ProjectBudget, col(ProjectBudget.project_id) == col(ExtraPay.project_id))
        .where(col(ExtraPay.expert_id) == expert_id)
    )


def _extra_sum(session: Session, expert_id: int, currency: str, state: ExtraState) -> int:
    question = select(func.coalesce(func.sum(ExtraPay.pay_minor), 0)).where(
        ExtraPay.expert_id == expert_id, ExtraPay.currency == currency, ExtraPay.state == state
    )
    return int(session.exec(question).one())


def _payouts(expert_id: int) -> Any:
    return select_columns(
        literal("payout"),
        col(Payout.id),
        null(),
        null(),
        func.coalesce(Payout.sent_at, Payout.requested_at),
        cast(col(Payout.state), Text),
        -col(Payout.amount_minor),
        col(Payout.currency),
        func.coalesce(Payout.ended_at, Payout.try_at),
    ).where(col(Payout.expert_id) == expert_id)


def _others(expert_id: int) -> Any:
    """What was credited for neither work nor pay beside it, such as a payout that came back."""
    mine, facing = aliased(Account), aliased(Account)
    return (
        select_columns(
            literal("credit"),
            cast(col(Move.id), Integer),
            col(ProjectBudget.project_id),
            col(ProjectBudget.title),
            col(Move.happened_at),
            literal("accepted"),
            col(Move.amount),
            col(Move.currency),
            null(),
        )
        .join(mine, col(mine.id) == col(Move.credit_account_id))
        .join(facing, col(facing.id) == col(Move.debit_account_id))
        .outerjoin(
            ProjectBudget,
            col(facing.kind).in_(movements.OF_PROJECTS)
            & (col(ProjectBudget.project_id) == col(facing.owner_id)),
        )
        .where(
            col(mine.kind) == AccountKind.EXPERT_OWED,
            col(mine.owner_id) == expert_id,
            col(facing.kind) != AccountKind.EXPERT_IN_FLIGHT,
            ~col(Move.cause).regexp_match("^(assignment|bonus|review|qualification):"),
        )
    )


def _weeks_before(at: datetime) -> list[date]:
    first = policy.week_of(at) - timedelta(weeks=WEEKS - 1)
    return [first + timedelta(weeks=n) for n in range(WEEKS)]


def _months_before(at: datetime) -> list[date]:
    last = at.astimezone(UTC).date()
    return [
        date(last.year - (last.month <= back), (last.month - 1 - back) % 12 + 1, 1)
        for back in reversed(range(MONTHS))
    ]


def _earned_by(
    session: Session, expert_id: int, currency: str, unit: str, project_id: int | None
) -> dict[date, int]:
    around = movements.border(session, [ledger.owed(expert_id, currency)])
    where: list[Any] = [col(movements.FACING.kind).in_(movements.OF_PROJECTS)]
    if project_id is not None:
        where.append(col(movements.FACING.owner_id) == project_id)
    inner = movements.crossing(around, *where).order_by(None).subquery()
    start, amount = func.date_trunc(unit, inner.c.happened_at), inner.c.signed
    question = select_columns(start, func.sum(amount)).group_by(start)
    return {begun.date(): int(total) for begun, total in session.execute(question)}


def _in_review_by(
    session: Session, expert_id: int, currency: str, unit: str, project_id: int | None
) -> dict[date, int]:
    start = func.date_trunc(unit, col(Reservation.submitted_at))
    question = select_columns(start, func.sum(Reservation.pay_minor)).where(
        *_reviewed(expert_id, currency)
    )
    if project_id is not None:
        question = question.where(col(Reservation.project_id) == project_id)
    found = session.execute(question.group_by(start))
    return {begun.date(): int(total) for begun, total in found}


def _reviewed(expert_id: int, currency: str) -> tuple[Any, ...]:
    return (
        col(Reservation.expert_id) == expert_id,
        col(Reservation.currency) == currency,
        col(Reservation.state) == ReservationState.HELD,
        col(Reservation.submitted_at).is_not(None),
    )
