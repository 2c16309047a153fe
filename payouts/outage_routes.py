"""What every page of money may say: whether the rail answers."""

from typing import Any

from core.db import db_session
from payouts import outages
from payouts.blueprint import bp


@bp.app_context_processor
def rail() -> dict[str, Any]:
    """Let a page ask whether an outage lasts."""
    return {"rail_outage": lambda: outages.current(db_session())}
