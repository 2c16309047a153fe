"""What came to an expert and what left, move by move, from the ledger alone.

Every move that crosses the border of somebody's accounts is here, whatever it was for: a new kind
of credit needs no change, only words where `words.py` has none yet.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, exists, func, or_
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from core.money import Money
from payouts import ledger
from payouts.models import Account, AccountKind, Move, ProjectBudget

OF_PROJECTS = (AccountKind.PROJECT_BUDGET, AccountKind.PROJECT_RESERVE)
OF_EXPERTS = (AccountKind.EXPERT_OWED, AccountKind.EXPERT_IN_FLIGHT)
FACING = aliased(Account)  # the account on the other side of a move


@dataclass(frozen=True)
class Movement:
    """One amount that came (above zero) or left; `act` names what for, as `words.py` knows it."""

    move_id: int
    at: datetime
    act: str
    narration: str
    cause: str
    facing: AccountKind
    project_id: int | None
    title: str
    in_part: bool
    amount: Money

    @property
    def is_payout(self) -> bool:
        """Whether it is money that went to the rail, or came back from it."""
        return self.facing in (AccountKind.CLEARING, AccountKind.PENDING)


@dataclass(frozen=True)
class Border:
    """The accounts of an expert that count as one, in one currency."""

    ids: tuple[int, ...]
    currency: str

    @property
    def came(self) -> Any:
        """The condition that a move comes in."""
        return col(Move.credit_account_id).in_(self.ids)

    @property
    def left(self) -> Any:
        """The condition that a move goes out."""
        return col(Move.debit_account_id).in_(self.ids)

    @property
    def signed(self) -> Any:
        """What a move adds: less than nothing when it goes out."""
        return case((self.came, col(Move.amount)), else_=-col(Move.amount))


def border(session: Session, purses: Iterable[ledger.Purse]) -> Border:
    """Draw the border around some accounts of one currency; one never used holds nothing."""
    wanted = list(purses)
    question = select(Account.id).where(
        Account.currency == wanted[0].currency,
        Account.owner_id == wanted[0].owner_id,
        col(Account.kind).in_([purse.kind for purse in wanted]),
    )
    return Border(tuple(id_ or 0 for id_ in session.exec(question)), wanted[0].currency)


def of_expert(session: Session, expert_id: int, currency: str) -> Border:
    """Draw the border around all that is an expert's: owed, and on its way."""
    return border(
        session, [ledger.owed(expert_id, currency), ledger.in_flight(expert_id, currency)]
    )


def crossing(around: Border, *where: Any) -> Any:
    """Select what crosses a border, oldest first."""
    back = aliased(Move)
    facing_id = case((around.came, col(Move.debit_account_id)), else_=col(Move.credit_account_id))
    in_part = exists().where(col(back.reference) == func.concat(col(Move.event), "/pay-back"))
    return (
        select_columns(
            col(Move.id),
            col(Move.happened_at),
            col(Move.reference),
            col(Move.narration),
            col(Move.cause),
            col(FACING.kind),
            col(ProjectBudget.project_id),
            col(ProjectBudget.title),
            in_part.label("in_part"),
            around.signed.label("signed"),
        )
        .select_from(Move)
        .join(FACING, col(FACING.id) == facing_id)
        .outerjoin(
            ProjectBudget,
            col(FACING.kind).in_(OF_PROJECTS)
            & (col(ProjectBudget.project_id) == col(FACING.owner_id)),
        )
        .where(or_(around.came, around.left), ~(around.came & around.left), *where)
        .order_by(col(Move.happened_at), col(Move.id))
    )


def read(session: Session, around: Border, *where: Any) -> Iterator[Movement]:
    """Read what crosses a border, oldest first."""
    rows = session.execute(crossing(around, *where).execution_options(yield_per=500))
    for move_id, at, reference, narration, cause, kind, project_id, title, in_part, minor in rows:
        event, _slash, name = reference.rpartition("/")
        yield Movement(
            move_id=move_id,
            at=at,
            act=f"{event.rpartition(':')[2]}/{name}",
            narration=narration,
            cause=cause,
            facing=kind,
            project_id=project_id,
            title=title or "",
            in_part=in_part,
            amount=Money(int(minor), around.currency),
        )


def balance(session: Session, around: Border, *where: Any) -> Money:
    """What the moves add up to."""
    question = select_columns(func.coalesce(func.sum(around.signed), 0)).where(
        or_(around.came, around.left), ~(around.came & around.left), *where
    )
    return Money(int(session.execute(question).scalar_one()), around.currency)
