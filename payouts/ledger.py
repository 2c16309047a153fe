"""The ledger: double entry, append-only. Nothing else writes `Move`.

A group of moves is posted as a whole under the name of one event, and an event counts once.
Whoever posts holds the accounts until the end of the transaction, always locked in one order.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, or_, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core.clock import now
from core.errors import Conflict
from core.money import Money
from payouts.models import Account, AccountKind, Move

# What these hold is other people's or earned, so they never go below nothing. Clearing and pending
# are what the rail holds for us, fees and losses are spent, disputes are claimed: these stand on
# the other side. The platform may take out what it has earned as well as what it put in.
FLOORED = {
    AccountKind.PROJECT_BUDGET,
    AccountKind.PROJECT_RESERVE,
    AccountKind.EXPERT_OWED,
    AccountKind.EXPERT_IN_FLIGHT,
    AccountKind.PLATFORM_FEES,
}
# Accounts of a project are locked before those of experts, so that two acceptances in one
# project queue at its reserve and never wait for each other in a circle.
NAMED: tuple[Any, ...] = (col(Account.kind), col(Account.owner_id), col(Account.currency))
PROJECT_FIRST = case((col(Account.kind).in_(["project_budget", "project_reserve"]), 0), else_=1)


class Overdrawn(Conflict):
    """There is not enough money for this."""


class ReusedReference(ValueError):
    """One event was posted twice with different moves."""


class Purse(NamedTuple):
    """The name of an account: what for, whose, in which currency."""

    kind: AccountKind
    owner_id: int
    currency: str


class Entry(NamedTuple):
    """One move to be posted, with a name that is its own within the event."""

    name: str
    debit: Purse
    credit: Purse
    amount: Money


@dataclass(frozen=True)
class _Held:
    id: int
    balance: int
    floor: int | None


def budget(project_id: int, currency: str) -> Purse:
    """Where a project's unspent money is."""
    return Purse(AccountKind.PROJECT_BUDGET, project_id, currency)


def reserve(project_id: int, currency: str) -> Purse:
    """Where the pay of a project's running assignments is."""
    return Purse(AccountKind.PROJECT_RESERVE, project_id, currency)


def fees(project_id: int, currency: str) -> Purse:
    """Where the platform's fees of a project are: one account each, so that nobody queues."""
    return Purse(AccountKind.PLATFORM_FEES, project_id, currency)


def owed(expert_id: int, currency: str) -> Purse:
    """Where what an expert has earned waits."""
    return Purse(AccountKind.EXPERT_OWED, expert_id, currency)


def in_flight(expert_id: int, currency: str) -> Purse:
    """Where an expert's money is while the rail is asked to send it."""
    return Purse(AccountKind.EXPERT_IN_FLIGHT, expert_id, currency)


def clearing(currency: str) -> Purse:
    """What the rail holds for us."""
    return Purse(AccountKind.CLEARING, 0, currency)


def pending(currency: str) -> Purse:
    """What the rail holds for us and has not settled yet."""
    return Purse(AccountKind.PENDING, 0, currency)


def rail_fees(currency: str) -> Purse:
    """What the rail has charged us."""
    return Purse(AccountKind.RAIL_FEES, 0, currency)


def disputes(currency: str) -> Purse:
    """What banks have taken back and is still being argued about."""
    return Purse(AccountKind.DISPUTES, 0, currency)


def losses(currency: str) -> Purse:
    """What the platform has lost for good: disputes that no budget could bear."""
    return Purse(AccountKind.LOSSES, 0, currency)


def platform_own(currency: str) -> Purse:
    """The platform's own money at the rail: put in to cover losses, or taken out as its income."""
    return Purse(AccountKind.PLATFORM_OWN, 0, currency)


def post(
    session: Session,
    event: str,
    entries: Sequence[Entry],
    *,
    at: datetime,
    narration: str,
    cause: str,
) -> bool:
    """Post the moves of one event, all or none; False when the event was posted before.

    Raises `Overdrawn` when an account would go below its floor, before anything is written,
    and `ReusedReference` when the event was posted with other moves.
    """
    for entry in entries:
        _check_sound(entry)
    session.flush()  # rows that the caller has added must not wait behind the accounts' locks
    held = _lock(session, {purse for entry in entries for purse in (entry.debit, entry.credit)})
    rows = [_row(event, entry, held, at, narration, cause) for entry in entries]
    if _already_posted(session, event, rows):
        return False
    _check_floors(held, rows)
    session.execute(INSERT, {name: [row[name] for row in rows] for name in rows[0]})
    return True


def posted(session: Session, event: str) -> dict[str, Money]:
    """What one event moved, by the names of its entries; nothing when it was never posted."""
    question = select(Move).where(Move.event == event)
    return {
        move.reference.removeprefix(f"{event}/"): amount(move) for move in session.exec(question)
    }


def balance(session: Session, purse: Purse) -> Money:
    """What an account holds now; an account that was never used holds nothing."""
    found = session.exec(select(col(Account.balance)).where(_is_one_of([purse]))).first()
    return Money(found or 0, purse.currency)


def balances(session: Session, purses: Iterable[Purse]) -> dict[Purse, Money]:
    """What several accounts hold, in one question."""
    wanted = list(purses)
    question = select(Account).where(_is_one_of(wanted))
    rows: Iterable[Account] = (
        session.exec(question.execution_options(populate_existing=True)) if wanted else []
    )
    found = {Purse(row.kind, row.owner_id, row.currency): row.balance for row in rows}
    return {purse: Money(found.get(purse, 0), purse.currency) for purse in wanted}


def totals(session: Session) -> dict[str, dict[AccountKind, Money]]:
    """The sum of each kind of account, by currency."""
    code, kind = col(Account.currency), col(Account.kind)
    question = select(code, kind, func.sum(Account.balance)).group_by(code, kind)
    found: dict[str, dict[AccountKind, Money]] = defaultdict(dict)
    for in_currency, of_kind, minor in session.exec(question):
        found[in_currency][of_kind] = Money(int(minor), in_currency)
    return dict(found)


def open_accounts(session: Session, purses: Iterable[Purse]) -> None:
    """Open accounts that will be needed, so that nobody has to while others wait."""
    _lock(session, set(purses))


def moves_of(purses: Iterable[Purse]) -> Any:
    """Select the moves that touch some accounts, newest first."""
    accounts = select(col(Account.id)).where(_is_one_of(purses)).scalar_subquery()
    touched = or_(
        col(Move.debit_account_id).in_(accounts), col(Move.credit_account_id).in_(accounts)
    )
    return select(Move).where(touched).order_by(col(Move.id).desc())


def amount(move: Move) -> Money:
    """What a move moved."""
    return Money(move.amount, move.currency)


def problems(session: Session) -> list[str]:
    """Recompute what the ledger promises, and say each promise that it breaks."""
    found = [
        f"account {account}: balance {kept}, moves {counted}"
        for account, kept, counted in session.execute(RECOUNT)
    ]
    found += [
        f"all accounts in {code} sum to {total}, not to nothing"
        for code, total in session.execute(SUMS)
    ]
    return found


# One statement, so that the trigger changes the balances once and sees the group as a whole.
INSERT = text("""
    insert into ledger_move (
        reference, event, debit_account_id, credit_account_id, currency, amount,
        happened_at, recorded_at, narration, cause
    )
    select * from unnest(
        cast(:reference as text[]), cast(:event as text[]), cast(:debit_account_id as int[]),
        cast(:credit_account_id as int[]), cast(:currency as text[]), cast(:amount as bigint[]),
        cast(:happened_at as timestamptz[]), cast(:recorded_at as timestamptz[]),
        cast(:narration as text[]), cast(:cause as text[])
    )
""")
RECOUNT = text("""
    with counted as (
        select account_id, sum(amount) as total from (
            select credit_account_id as account_id, amount from ledger_move
            union all select debit_account_id, -amount from ledger_move
        ) legs group by account_id
    )
    select id, balance, coalesce(total, 0) from ledger_account
    left join counted on account_id = id
    where balance <> coalesce(total, 0) or balance < floor
""")
SUMS = text("select currency, sum(balance) from ledger_account group by 1 having sum(balance) <> 0")


def _check_sound(entry: Entry) -> None:
    # Our own mistakes, so they are not words for people; the database refuses them as well.
    if entry.amount.minor <= 0:
        raise ValueError(f"{entry.name}: a move is above zero")
    if {entry.debit.currency, entry.credit.currency} != {entry.amount.currency}:
        raise ValueError(f"{entry.name}: a move stays in one currency")
    if entry.debit == entry.credit:
        raise ValueError(f"{entry.name}: a move has two accounts")


def _lock(session: Session, purses: set[Purse]) -> dict[Purse, _Held]:
    held = _lock_existing(session, purses)
    missing = purses - held.keys()
    if missing:
        session.execute(
            insert(Account).values([_new(p) for p in sorted(missing)]).on_conflict_do_nothing()
        )
        held = _lock_existing(session, purses)
    return held


def _lock_existing(session: Session, purses: set[Purse]) -> dict[Purse, _Held]:
    question = (
        select(Account)
        .where(_is_one_of(purses))
        .order_by(PROJECT_FIRST, col(Account.id))
        .with_for_update(key_share=True)  # a foreign key's check need not wait for us
        .execution_options(populate_existing=True)
    )
    return {
        Purse(row.kind, row.owner_id, row.currency): _Held(row.id or 0, row.balance, row.floor)
        for row in session.exec(question)
    }


def _new(purse: Purse) -> dict[str, Any]:
    floor = 0 if purse.kind in FLOORED else None
    return {**purse._asdict(), "balance": 0, "floor": floor}


def _row(
    event: str, entry: Entry, held: dict[Purse, _Held], at: datetime, narration: str, cause: str
) -> dict[str, Any]:
    return {
        "reference": f"{event}/{entry.name}",
        "event": event,
        "debit_account_id": held[entry.debit].id,
        "credit_account_id": held[entry.credit].id,
        "currency": entry.amount.currency,
        "amount": entry.amount.minor,
        "happened_at": at,
        "recorded_at": now(),
        "narration": narration,
        "cause": cause,
    }


def _already_posted(session: Session, event: str, rows: Sequence[dict[str, Any]]) -> bool:
    columns = ("reference", "debit_account_id", "credit_account_id", "amount")
    question = select(*(getattr(Move, name) for name in columns)).where(Move.event == event)
    known = {tuple(row) for row in session.exec(question)}
    if known and known != {tuple(row[name] for name in columns) for row in rows}:
        raise ReusedReference(event)
    return bool(known)


def _check_floors(held: dict[Purse, _Held], rows: Sequence[dict[str, Any]]) -> None:
    change: dict[int, int] = defaultdict(int)
    for row in rows:
        change[row["debit_account_id"]] -= row["amount"]
        change[row["credit_account_id"]] += row["amount"]
    for account in held.values():
        if account.floor is not None and account.balance + change[account.id] < account.floor:
            raise Overdrawn


def _is_one_of(purses: Iterable[Purse]) -> Any:
    return tuple_(*NAMED).in_(list(purses))
