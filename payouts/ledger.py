"""The ledger: double entry, append-only. Nothing else writes `Move`.

A group of moves is posted as a whole under the name of one event, and an event counts once.
Whoever posts holds the accounts until the end of the transaction, always locked in one order.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, or_, text, tuple_
from sqlmodel import Session, col, select

from core.clock import now
from core.errors import Conflict, NotFound
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
NAMED: tuple[Any, ...] = (col(Account.kind), col(Account.owner_id), col(Account.currency))


class Overdrawn(Conflict):
    """There is not enough money for this."""


class NotPosted(NotFound):
    """No event of this name is in the ledger."""


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
    said = session.execute(POST, _asked(event, entries, at, narration, cause)).scalar()
    if said == "overdrawn":
        raise Overdrawn
    if said == "reused":
        raise ReusedReference(event)
    return said == "posted"


def correct(session: Session, event: str, *, at: datetime, reason: str) -> bool:
    """Take an event back by moves the other way round; False when it was taken back before.

    Nothing that was posted changes. Raises `NotPosted` when there is nothing to take back, and
    `Overdrawn` when what it moved is no longer where it went.
    """
    moves = session.exec(select(Move).where(Move.event == event).order_by(col(Move.id))).all()
    if not moves:
        raise NotPosted
    wanted = {
        number for move in moves for number in (move.debit_account_id, move.credit_account_id)
    }
    accounts = session.exec(select(Account).where(col(Account.id).in_(wanted)))
    purses = {row.id: Purse(row.kind, row.owner_id, row.currency) for row in accounts}
    back = [
        Entry(
            move.reference.removeprefix(f"{event}/"),
            debit=purses[move.credit_account_id],
            credit=purses[move.debit_account_id],
            amount=amount(move),
        )
        for move in moves
    ]
    known = posted(session, f"correction:{event}")
    if known:
        return False
    return post(
        session,
        f"correction:{event}",
        back,
        at=at,
        narration=f"correction: {reason}",
        cause=moves[0].cause,
    )


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
    asked = _purses(sorted(set(purses)))
    if asked["kinds"]:
        session.execute(OPEN, asked)


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


# One question (migrations 0058, 0073): it locks the accounts, projects first, then by id, so that
# two acceptances in one project queue at its reserve and never wait for each other in a circle;
# compares with what the event has posted before; checks the floors; and inserts the group at
# once, so that the trigger changes the balances once and sees the group as a whole.
POST = text("""
    select ledger_post(
        :event, :at, :recorded_at, :narration, :cause,
        cast(:kinds as text[]), cast(:owners as int[]), cast(:codes as text[]),
        cast(:floors as bigint[]), cast(:names as text[]), cast(:debits as int[]),
        cast(:credits as int[]), cast(:amounts as bigint[])
    )
""")
OPEN = text("""
    select ledger_open(
        cast(:kinds as text[]), cast(:owners as int[]), cast(:codes as text[]),
        cast(:floors as bigint[])
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


def _asked(
    event: str, entries: Sequence[Entry], at: datetime, narration: str, cause: str
) -> dict[str, Any]:
    purses = sorted({purse for entry in entries for purse in (entry.debit, entry.credit)})
    place = {purse: number for number, purse in enumerate(purses, start=1)}
    return {
        "event": event,
        "at": at,
        "recorded_at": now(),
        "narration": narration,
        "cause": cause,
        **_purses(purses),
        "names": [entry.name for entry in entries],
        "debits": [place[entry.debit] for entry in entries],
        "credits": [place[entry.credit] for entry in entries],
        "amounts": [entry.amount.minor for entry in entries],
    }


def _purses(purses: Sequence[Purse]) -> dict[str, list[Any]]:
    return {
        "kinds": [str(purse.kind) for purse in purses],
        "owners": [purse.owner_id for purse in purses],
        "codes": [purse.currency for purse in purses],
        "floors": [0 if purse.kind in FLOORED else None for purse in purses],
    }


def _is_one_of(purses: Iterable[Purse]) -> Any:
    return tuple_(*NAMED).in_(list(purses))
