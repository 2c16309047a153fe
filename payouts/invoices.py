"""Invoices: what an organisation spent in a month, read from the ledger, issued once and for ever.

A month is over for good an hour after its end: moves count by the time that they were recorded,
and nothing is recorded in the past. So an issued paper never needs a correction.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import organisations
from accounts.models import Organisation
from core import audit, messages
from core.errors import Conflict
from core.settings import current_settings
from payouts.invoice_models import BillingDetails, Invoice
from payouts.models import ProjectBudget

GRACE = timedelta(hours=1)
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(7220160)")
# Every move between the money of an organisation's projects and everything else, summed by where
# it went. `away` is what left, so what came in is below nothing.
MOVES = text("""
    with mine as (
        select a.id, a.owner_id as project_id
        from ledger_account a join project_budget b on b.project_id = a.owner_id
        where b.organisation_id = :organisation_id and a.currency = :currency
            and a.kind in ('project_budget', 'project_reserve')
    ), legs as (
        select mine.project_id, m.credit_account_id as other_id, m.amount as away,
            m.recorded_at, m.event
        from mine join ledger_move m on m.debit_account_id = mine.id
        where m.recorded_at < :until
        union all
        select mine.project_id, m.debit_account_id, -m.amount, m.recorded_at, m.event
        from mine join ledger_move m on m.credit_account_id = mine.id
        where m.recorded_at < :until
    )
    select legs.project_id, other.kind, legs.recorded_at >= :since as is_new,
        legs.away > 0 as is_out, sum(legs.away) as away, count(*) as moves,
        count(*) filter (where legs.event ~ '^assignment.*earned$') as works
    from legs join ledger_account other on other.id = legs.other_id
    where other.kind not in ('project_budget', 'project_reserve')
    group by 1, 2, 3, 4
""")
# Whose projects had any move in a month, and in which currencies.
ACTIVE = text("""
    select distinct b.organisation_id, a.currency
    from ledger_move m
    join ledger_account a on a.id in (m.debit_account_id, m.credit_account_id)
    join project_budget b on b.project_id = a.owner_id
    where a.kind in ('project_budget', 'project_reserve')
        and m.recorded_at >= :since and m.recorded_at < :until
        and not exists (
            select 1 from invoice i where i.organisation_id = b.organisation_id
                and i.currency = a.currency and i.month = :month
        )
    order by 1, 2
""")


class NotOver(Conflict):
    """This month is not over yet. Its invoice can be made an hour after its end."""


class NothingMoved(Conflict):
    """Nothing was spent or paid in during this month, so there is no invoice for it."""


@dataclass
class Spent:
    """What one project spent in a month."""

    title: str
    pay: int = 0
    fees: int = 0
    works: int = 0


@dataclass
class Figures:
    """What happened to an organisation's money in a month, in minor units of one currency.

    opening + paid_in - returned - disputed - pay - fees = closing
    """

    opening: int = 0
    paid_in: int = 0
    returned: int = 0
    disputed: int = 0
    pay: int = 0
    fees: int = 0
    moves: int = 0
    projects: dict[int, Spent] = field(default_factory=lambda: defaultdict(lambda: Spent("")))

    @property
    def spent(self) -> int:
        """Pay and fees together."""
        return self.pay + self.fees

    @property
    def closing(self) -> int:
        """What was left at the end."""
        return self.opening + self.paid_in - self.returned - self.disputed - self.spent

    def stored(self) -> dict[str, Any]:
        """Return them as an invoice keeps them."""
        return {
            **{name: getattr(self, name) for name in ("opening", "paid_in", "returned")},
            **{name: getattr(self, name) for name in ("disputed", "pay", "fees", "closing")},
            "projects": [vars(one) for _, one in sorted(self.projects.items()) if vars(one)["pay"]],
        }


def figures(session: Session, organisation_id: int, currency: str, month: date) -> Figures:
    """Read a month of an organisation from the ledger."""
    since, until = bounds(month)
    asked = {"organisation_id": organisation_id, "currency": currency}
    found = Figures()
    for row in session.execute(MOVES, {**asked, "since": since, "until": until}):
        if row.is_new:
            _count(found, row)
        else:
            found.opening -= int(row.away)
    titles = select(ProjectBudget.project_id, ProjectBudget.title).where(
        col(ProjectBudget.project_id).in_(list(found.projects))
    )
    for project_id, title in session.exec(titles):
        found.projects[project_id].title = title
    return found


def issue(
    session: Session, organisation_id: int, currency: str, month: date, *, at: datetime
) -> Invoice:
    """Issue the invoice of a month, once: again, the first one is returned."""
    if at < bounds(month)[1] + GRACE:
        raise NotOver
    session.execute(ONE_AT_A_TIME)  # numbers have no gap, and a month has one invoice
    known = session.exec(
        select(Invoice).where(
            Invoice.organisation_id == organisation_id,
            Invoice.currency == currency,
            Invoice.month == month,
        )
    ).first()
    if known is not None:
        return known
    found = figures(session, organisation_id, currency, month)
    if not found.moves:
        raise NothingMoved
    invoice = Invoice(
        year=at.year,
        number=_next_number(session, at.year),
        organisation_id=organisation_id,
        month=month,
        currency=currency,
        spent_minor=found.spent,
        parties=_parties(session, organisation_id),
        figures=found.stored(),
        issued_at=at,
    )
    session.add(invoice)
    session.flush()  # the letter and the trail name it
    audit.record(session, "invoice.issued", by=None, subject=f"invoice:{invoice.id}")
    for admin in organisations.admins(session, organisation_id):
        messages.write(session, to=admin, template="payouts/invoice_issued", invoice=invoice)
    return invoice


def due(session: Session, *, at: datetime) -> list[tuple[int, str, date]]:
    """Return the organisations, currencies and months that are over and have no invoice yet."""
    month = last_month(at)
    since, until = bounds(month)
    if at < until + GRACE:
        return []
    rows = session.execute(ACTIVE, {"since": since, "until": until, "month": month})
    return [(row.organisation_id, row.currency, month) for row in rows]


def of(organisation_ids: Sequence[int]) -> Any:
    """Select the invoices of organisations, newest first."""
    mine = col(Invoice.organisation_id).in_(organisation_ids)
    newest = (col(Invoice.month).desc(), col(Invoice.year).desc(), col(Invoice.number).desc())
    return select(Invoice).where(mine).order_by(*newest)


def change_details(
    session: Session, organisation_id: int, values: dict[str, str], *, by: int, at: datetime
) -> bool:
    """Keep to whom invoices are made out from now on; False when that stood there already."""
    made = insert(BillingDetails).values(
        organisation_id=organisation_id, changed_by=by, changed_at=at, **values
    )
    is_other = or_(
        *(getattr(BillingDetails, name).is_distinct_from(values[name]) for name in values)
    )
    kept = made.on_conflict_do_update(
        index_elements=["organisation_id"],
        set_=values | {"changed_by": by, "changed_at": at},
        where=is_other,
    )
    return session.execute(kept.returning(col(BillingDetails.organisation_id))).first() is not None


def bounds(month: date) -> tuple[datetime, datetime]:
    """Return when a month begins and ends, in UTC."""
    begins = datetime(month.year, month.month, 1, tzinfo=UTC)
    return begins, (begins + timedelta(days=32)).replace(day=1)


def last_month(at: datetime) -> date:
    """Return the first day of the month before."""
    this = at.astimezone(UTC).date().replace(day=1)
    return (this - timedelta(days=1)).replace(day=1)


def _count(found: Figures, row: Any) -> None:
    away, project = int(row.away), found.projects[row.project_id]
    found.moves += int(row.moves)
    if row.kind == "platform_fees":
        found.fees += away
        project.fees += away
    elif row.kind in ("expert_owed", "expert_in_flight"):
        found.pay += away
        project.pay += away
        project.works += int(row.works)
    elif row.kind in ("disputes", "losses"):
        found.disputed += away
    elif away < 0:
        found.paid_in -= away
    else:
        found.returned += away


def _next_number(session: Session, year: int) -> int:
    last = session.exec(select(func.max(Invoice.number)).where(Invoice.year == year)).one()
    return 1 + (last or 0)


def _parties(session: Session, organisation_id: int) -> dict[str, Any]:
    settings = current_settings()
    details = session.get(BillingDetails, organisation_id)
    country = details.country if details else ""
    notes = settings.invoice_notes
    organisation = session.get_one(Organisation, organisation_id)
    return {
        "issuer": {
            "name": settings.invoice_issuer_name,
            "address": settings.invoice_issuer_address,
            "vat_number": settings.invoice_issuer_vat_number,
        },
        "buyer": {
            "name": details.legal_name if details else organisation.name,
            "address": details.address if details else "",
            "country": country,
            "vat_number": details.vat_number if details else "",
        },
        "note": notes.get(country, notes.get("*", "")),
    }
