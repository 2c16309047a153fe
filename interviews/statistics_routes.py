"""The page on which operators see how the items of a bank and its interviews fare."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from core import formats
from core.access import requires
from core.clock import now
from core.db import db_session
from core.errors import NotFound
from interviews import bank_drafts, banks, modes, statistics
from interviews.items import Bank

bp = Blueprint("interview_statistics", __name__)


@bp.get("/operator/interviews/statistics")
@requires("interview.review")
def of_bank() -> ResponseReturnValue:
    """Show the way of interviews in a field, and the figures of its items."""
    bank = _bank(request.args.get("field"))
    session, at, language = db_session(), now(), str(formats.locale().language)
    return render_template(
        "interviews/statistics.html",
        bank=bank,
        banks=list(banks.every(session).values()),
        way=statistics.way(session, bank.field, at=at),
        groups=statistics.groups(session, bank.field, at=at),
        pace=statistics.pace(session, bank.field, at=at),
        ways=modes.NAMES,
        figures_of_items=statistics.items(session, bank, language, at=at),
        editor=_editor(bank),
        enough=statistics.ENOUGH,
        language=language,
    )


def _bank(name: str | None) -> Bank:
    """Return the bank of a field, the first where none is named."""
    there = banks.every(db_session())
    if name is None:
        return next(iter(there.values()))
    found = next((bank for field, bank in there.items() if field == name), None)
    if found is None:
        raise NotFound
    return found


def _editor(bank: Bank) -> dict[str, str]:
    """Return where each item is written, where the bank is being edited."""
    draft = bank_drafts.of(db_session(), bank.field, None)
    if draft is None:
        return {}
    content = bank_drafts.content_of(draft)
    return {
        one["id"]: url_for("item_bank_items.item", bank_id=draft.id, item_id=one["id"])
        for one in [*content["items"], *content["retired"]]
    }
