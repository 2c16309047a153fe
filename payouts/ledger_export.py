"""The ledger as files for others: beancount, which checks it anew, and CSV for spreadsheets.

Both are read in one snapshot of the database and written line by line, so that the sums belong to
the moves however many there are. Amounts in beancount are whole minor units, as in the ledger: of
cents written with a point, beancount would let one pass as rounding.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.db import transaction
from core.errors import Invalid
from payouts import ledger
from payouts.models import Account, AccountKind, Move

AT_ONCE = 1000
DAY = timedelta(days=1)
FIRST_DAY = date(2011, 1, 1)  # older than Stripe
OPENING = "Equity:Opening-Balances"

# What an account is called, and whether it is one of many; the number after it says whose.
NAMES = {
    AccountKind.PROJECT_BUDGET: ("Liabilities:Projects:Budget", "Project"),
    AccountKind.PROJECT_RESERVE: ("Liabilities:Projects:Reserve", "Project"),
    AccountKind.EXPERT_OWED: ("Liabilities:Experts:Owed", "Expert"),
    AccountKind.EXPERT_IN_FLIGHT: ("Liabilities:Experts:In-Flight", "Expert"),
    AccountKind.PLATFORM_FEES: ("Income:Fees", "Project"),
    AccountKind.PLATFORM_OWN: ("Equity:Own-Money", ""),
    AccountKind.LOSSES: ("Expenses:Losses", ""),
    AccountKind.DISPUTES: ("Assets:Disputes", ""),
    AccountKind.CLEARING: ("Assets:Stripe:Clearing", ""),
    AccountKind.PENDING: ("Assets:Stripe:Pending", ""),
    AccountKind.RAIL_FEES: ("Expenses:Stripe-Fees", ""),
}
COLUMNS = (
    *("number", "reference", "event", "happened_at", "recorded_at"),
    *("from", "from_whose", "to", "to_whose", "amount", "currency", "minor_units"),
    *("narration", "cause"),
)


class BadPeriod(Invalid):
    """A period is two days like 2026-01-31, the first before the last. Either may be left out."""


@dataclass(frozen=True)
class Period:
    """Whole days in UTC, by when things happened; None is without end."""

    first: date | None = None
    last: date | None = None

    @property
    def begins(self) -> datetime | None:
        """The first moment inside."""
        return datetime.combine(self.first, time(), tzinfo=UTC) if self.first else None

    @property
    def ends(self) -> datetime | None:
        """The first moment after it."""
        return datetime.combine(self.last + DAY, time(), tzinfo=UTC) if self.last else None


def period(first: str, last: str) -> Period:
    """Read a period from what was typed, or raise `BadPeriod`."""
    try:
        found = Period(*(date.fromisoformat(day) if day else None for day in (first, last)))
        begins, ends = found.begins, found.ends
    except (ValueError, OverflowError):
        raise BadPeriod from None
    if begins and ends and begins >= ends:
        raise BadPeriod
    return found


def beancount(during: Period) -> Iterator[str]:
    """Write the moves of a period as beancount, each with its reference, and what they sum to.

    An account's last line is what the ledger keeps as its balance, so that `bean-check` compares
    it with the moves.
    """
    with transaction() as session:
        _one_snapshot(session)
        yield 'option "title" "Ledger of Doyen"\n\n'
        names = _names(session)
        first_day = _first_day(session)
        opened = during.first or first_day
        codes = sorted({code for _, code in names.values()})
        yield from (f"{first_day} commodity {code}\n" for code in codes)
        yield from (f"{first_day} open {name} {code}\n" for name, code in names.values())
        yield f"{first_day} open {OPENING}\n\n"
        if during.begins:
            yield from _opening(session, names, during.begins, opened)
        last_day = opened
        for move, *_ in _moves(session, during):
            last_day = max(last_day, move.happened_at.astimezone(UTC).date())
            yield _transaction(move, names)
        yield "\n"
        ended = (during.last or last_day) + DAY
        for account_id, minor in _closing(session, during).items():
            name, code = names[account_id]
            yield f"{ended} balance {name} {-minor} {code}\n"


def as_csv(during: Period) -> Iterator[str]:
    """Write the moves of a period as CSV, the oldest first."""
    yield _line(COLUMNS)
    with transaction() as session:
        _one_snapshot(session)
        for move, debit, credit in _moves(session, during):
            whose = (debit.kind, debit.owner_id, credit.kind, credit.owner_id)
            amount = ledger.amount(move)
            yield _line(
                (
                    move.id,
                    move.reference,
                    move.event,
                    move.happened_at.astimezone(UTC).isoformat(),
                    move.recorded_at.astimezone(UTC).isoformat(),
                    *whose,
                    amount.decimal,
                    move.currency.upper(),
                    amount.minor,
                    move.narration,
                    move.cause,
                )
            )


def _one_snapshot(session: Session) -> None:
    # Where tests share one connection, its transaction has begun before and is theirs alone.
    if isinstance(session.get_bind(), Engine):
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(text("set transaction read only"))


def _moves(session: Session, during: Period) -> Iterator[tuple[Move, Account, Account]]:
    debit, credit = aliased(Account), aliased(Account)
    question = (
        select(Move, debit, credit)
        .join(debit, debit.id == col(Move.debit_account_id))  # type: ignore[arg-type]
        .join(credit, credit.id == col(Move.credit_account_id))  # type: ignore[arg-type]
        .order_by(col(Move.id))
    )
    if during.begins:
        question = question.where(col(Move.happened_at) >= during.begins)
    if during.ends:
        question = question.where(col(Move.happened_at) < during.ends)
    # Closed as well when whoever reads the file stops half-way.
    with session.execute(question, execution_options={"yield_per": AT_ONCE}) as found:
        for part in found.partitions():
            yield from part  # the session forgets a row once nobody holds it


def _names(session: Session) -> dict[int, tuple[str, str]]:
    """Name every account in beancount's way, and its commodity."""
    question = select(Account.id, Account.kind, Account.owner_id, Account.currency)
    found = {}
    for account_id, kind, owner_id, code in session.exec(question.order_by(col(Account.id))):
        name, whose = NAMES[AccountKind(kind)]
        full = f"{name}:{whose}-{owner_id}" if whose else name
        found[account_id or 0] = (f"{full}:{code.upper()}", f"{code.upper()}.MINOR")
    return found


def _first_day(session: Session) -> date:
    found = session.execute(text("select min(happened_at) from ledger_move")).scalar()
    return min(found.astimezone(UTC).date(), FIRST_DAY) if found else FIRST_DAY


def _opening(
    session: Session, names: dict[int, tuple[str, str]], before: datetime, on: date
) -> Iterator[str]:
    """Bring in what was there before the period."""
    for account_id, minor in _sums(session, "happened_at < :moment", before).items():
        if minor:
            name, code = names[account_id]
            yield f'{on} * "brought forward"\n  {name}  {-minor} {code}\n'
            yield f"  {OPENING}  {minor} {code}\n"


def _closing(session: Session, during: Period) -> dict[int, int]:
    """Return what accounts hold at the end: as the ledger keeps it, less what came later."""
    rows = session.execute(text("select id, balance from ledger_account order by id")).all()
    kept = {row.id: int(row.balance) for row in rows}
    later = _sums(session, "happened_at >= :moment", during.ends) if during.ends else {}
    return {account_id: minor - later.get(account_id, 0) for account_id, minor in kept.items()}


def _sums(session: Session, where: str, moment: datetime) -> dict[int, int]:
    question = f"""
        select account_id, sum(amount) from (
            select credit_account_id as account_id, amount from ledger_move where {where}
            union all
            select debit_account_id, -amount from ledger_move where {where}
        ) legs group by 1 order by 1
    """  # noqa: S608 - our own words
    rows = session.execute(text(question), {"moment": moment})
    return {account_id: int(minor) for account_id, minor in rows}


def _transaction(move: Move, names: dict[int, tuple[str, str]]) -> str:
    (debit, code), (credit, _) = names[move.debit_account_id], names[move.credit_account_id]
    day = move.happened_at.astimezone(UTC).date()
    return (
        f"{day} * {_quoted(move.narration)}\n"
        f"  reference: {_quoted(move.reference)}\n"
        f"  event: {_quoted(move.event)}\n"
        f"  cause: {_quoted(move.cause)}\n"
        f"  {debit}  {move.amount} {code}\n"
        f"  {credit}  -{move.amount} {code}\n"
    )


def _quoted(words: str) -> str:
    plain = " ".join(words.split())
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _line(cells: Any) -> str:
    out = io.StringIO()
    # A cell that a spreadsheet would take for a formula is text.
    texts = (str(cell) for cell in cells)
    csv.writer(out).writerow(
        f"'{words}" if words[:1] in tuple("=+-@\t\r") else words for words in texts
    )
    return out.getvalue()
