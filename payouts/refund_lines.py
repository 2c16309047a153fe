"""Which lines of the rail's books are our refunds: gone back, come back, or on their way."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sqlmodel import Session, col, select

from core.money import Money
from payouts import references
from payouts.refund_models import RefundPart, RefundState

WENT, CAME_BACK = ("refund", "payment_refund"), ("refund_failure", "payment_failure_refund")


class Line(Protocol):
    """What is asked of a line."""

    @property
    def id(self) -> str:
        """Its own id."""

    @property
    def kind(self) -> str:
        """What moved."""

    @property
    def source_id(self) -> str | None:
        """The refund that it is about."""

    @property
    def reference(self) -> str | None:
        """Our name for that."""


class Known(NamedTuple):
    """What our books have of a line, or whether it is to come."""

    subject: str
    booked: Money | None = None
    is_coming: bool = False


def known(session: Session, lines: Sequence[Line]) -> dict[str, Known]:
    """Return what our refunds know of lines, by the ids of the lines."""
    ours = [line for line in lines if line.kind in (*WENT, *CAME_BACK)]
    ids = [line.source_id for line in ours if line.source_id]
    rows = session.exec(select(RefundPart).where(col(RefundPart.stripe_refund_id).in_(ids)))
    by_id = {row.stripe_refund_id: row for row in rows}
    found = {}
    for line in ours:
        row = by_id.get(line.source_id) or references.row_of(session, line.reference)
        if isinstance(row, RefundPart):
            found[line.id] = _of(row, line.kind)
    return found


def _of(row: RefundPart, kind: str) -> Known:
    subject = f"refund:{row.refund_id}"
    if row.booked_at is None:
        return Known(subject, is_coming=row.state is not RefundState.FAILED)
    if kind in WENT:
        return Known(subject, -row.amount)
    if row.state is RefundState.FAILED:
        return Known(subject, row.amount)
    return Known(subject, is_coming=True)
