"""What language models are asked, what it costs, and where the limits are.

Texts are not kept here: what for, about what, tokens, cost and how it went.
"""

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from sqlmodel import Session, col, func, select

from core.models import CallOutcome, ModelCall
from core.ports import ModelUse
from core.settings import Settings

MILLION = 1_000_000


def note(
    session: Session,
    settings: Settings,
    *,
    purpose: str,
    subject: str,
    use: ModelUse,
    at: datetime,
    outcome: CallOutcome = CallOutcome.ANSWERED,
) -> ModelCall:
    """Keep what a call took; `subject` is what it was about, such as "interview:12"."""
    exact = use.tokens_in * settings.llm_price_in + use.tokens_out * settings.llm_price_out
    cost = int(Decimal(exact).to_integral_value(ROUND_CEILING))  # to the next millionth of a coin
    row = ModelCall(
        purpose=purpose,
        subject=subject,
        model=use.model,
        outcome=outcome,
        tokens_in=use.tokens_in,
        tokens_out=use.tokens_out,
        milliseconds=use.milliseconds,
        cost=cost,
        currency=settings.llm_currency,
        at=at,
    )
    session.add(row)
    return row


def may_ask(session: Session, settings: Settings, *, subject: str, at: datetime) -> bool:
    """Say whether the limits of the month and of one subject leave room for another call."""
    if tokens_of(session, subject) >= settings.llm_interview_tokens:
        return False
    return not at_limit(session, settings, at)


def at_limit(session: Session, settings: Settings, at: datetime) -> bool:
    """Say whether the limit of the month is reached, so that nothing more is asked."""
    limit = settings.llm_month_limit
    return bool(limit) and spent(session, settings.llm_currency, at) >= limit * MILLION


def tokens_of(session: Session, subject: str) -> int:
    """Return the tokens, in and out, that calls about something took."""
    tokens = func.coalesce(func.sum(ModelCall.tokens_in + ModelCall.tokens_out), 0)
    return int(session.exec(select(tokens).where(ModelCall.subject == subject)).one())


def spent(session: Session, currency: str, at: datetime) -> int:
    """Return what the calls of the thirty days before cost, in millionths of the smallest coin."""
    cost = func.coalesce(func.sum(ModelCall.cost), 0)
    since = col(ModelCall.at) > at - timedelta(days=30)
    return int(session.exec(select(cost).where(since, ModelCall.currency == currency)).one())
