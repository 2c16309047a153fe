"""What the language models of interviews take: tokens, cost and time, by interview and day.

Costs are in millionths of the smallest coin, as calls keep them, and shown in hundredths: up to the
next one, so that what costs something is never shown as nothing, and what is left is the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, select

from core import formats, model_calls
from core.model_calls import MILLION
from core.models import CallOutcome, ModelCall
from core.settings import Settings

DAYS = 30
SHOWN = 100  # parts of the smallest coin
LATEST = 50
SUMS = """
    count(*) as calls,
    count(*) filter (where outcome <> 'answered') as troubled,
    coalesce(sum(tokens_in), 0) as tokens_in,
    coalesce(sum(tokens_out), 0) as tokens_out,
    coalesce(sum(cost), 0) as cost,
    coalesce(sum(milliseconds), 0) as milliseconds
"""
BY_DAY = text(f"""
    select (at at time zone 'UTC')::date as day, purpose, {SUMS} from model_call
    where at > :since and currency = :currency group by 1, 2 order by 1 desc, 2
""")  # noqa: S608 - the text is ours
BY_INTERVIEW = text(f"""
    select split_part(subject, ':', 2)::int as interview, max(at) as last, {SUMS} from model_call
    where at > :since and currency = :currency and subject ~ '^interview:[0-9]{{1,9}}$'
    group by 1 order by 2 desc limit :latest
""")  # noqa: S608 - the text is ours
IN_ALL = text(f"""
    select {SUMS} from model_call where at > :since and currency = :currency
""")  # noqa: S608 - the text is ours


@dataclass(frozen=True)
class Took:
    """What some calls took."""

    calls: int
    troubled: int
    tokens_in: int
    tokens_out: int
    cost: str
    time: timedelta
    day: date | None = None
    purpose: str = ""
    interview: int | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class Spend:
    """What was taken in the last thirty days, and what is left of the limit."""

    in_all: Took
    by_day: list[Took]
    by_interview: list[Took]
    limit: str | None
    left: str | None
    interview_tokens: int


def of(session: Session, settings: Settings, at: datetime) -> Spend:
    """Return what was taken."""
    asked = {"since": at - timedelta(days=DAYS), "currency": settings.llm_currency}
    currency, limit = settings.llm_currency, settings.llm_month_limit * SHOWN
    left = max(0, limit - _shown(model_calls.spent(session, currency, at)))
    return Spend(
        in_all=_took(session.execute(IN_ALL, asked).one(), currency),
        by_day=[_took(row, currency) for row in session.execute(BY_DAY, asked)],
        by_interview=[
            _took(row, currency)
            for row in session.execute(BY_INTERVIEW, asked | {"latest": LATEST})
        ],
        limit=formats.money_fine(limit, currency) if limit else None,
        left=formats.money_fine(left, currency) if limit else None,
        interview_tokens=settings.llm_interview_tokens,
    )


def latest(session: Session, name: str, at: datetime) -> Sequence[CallOutcome]:
    """Return how the latest calls of a model in the last hour went, the last first."""
    query = select(ModelCall).where(
        ModelCall.model == name, col(ModelCall.at) > at - timedelta(hours=1)
    )
    found = session.exec(query.order_by(col(ModelCall.id).desc()).limit(20))
    return [one.outcome for one in found]


def _took(row: object, currency: str) -> Took:
    found = row._mapping  # type: ignore[attr-defined]
    return Took(
        calls=found["calls"],
        troubled=found["troubled"],
        tokens_in=int(found["tokens_in"]),
        tokens_out=int(found["tokens_out"]),
        cost=formats.money_fine(_shown(int(found["cost"])), currency),
        time=timedelta(milliseconds=int(found["milliseconds"])),
        day=found.get("day"),
        purpose=found.get("purpose", ""),
        interview=found.get("interview"),
        last=found.get("last"),
    )


def _shown(millionths: int) -> int:
    return -(-millionths * SHOWN // MILLION)
