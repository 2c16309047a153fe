"""The card of the interview system, for everybody: to read, and as a file."""

import json

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from core import formats
from core.access import public
from core.clock import now
from core.db import db_session
from core.errors import NotFound
from core.settings import current_settings
from interviews import system_card

bp = Blueprint("system_card", __name__)


@bp.get("/interviews/system-card")
@public
def card() -> ResponseReturnValue:
    """Show the card as it is now, and when it has changed."""
    session, language = db_session(), str(formats.locale().language)
    return render_template(
        "interviews/system_card.html",
        card=system_card.card(session, current_settings(), at=now()),
        changes=system_card.changes(session, language),
    )


@bp.get("/interviews/system-card.md")
@public
def as_markdown() -> ResponseReturnValue:
    """Give the card as Markdown."""
    found = system_card.card(db_session(), current_settings(), at=now())
    return _file(system_card.markdown(found), "text/markdown", "md")


@bp.get("/interviews/system-card.json")
@public
def as_json() -> ResponseReturnValue:
    """Give the card as JSON; with `?version=`, a content as it was kept."""
    wanted = request.args.get("version")
    if wanted is not None:
        kept = system_card.version(db_session(), wanted)
        if kept is None:
            raise NotFound
        return _file(kept.content, "application/json", "json")
    found = system_card.card(db_session(), current_settings(), at=now())
    said = system_card.as_json(found, str(formats.locale().language))
    return _file(json.dumps(said, ensure_ascii=False, indent=1), "application/json", "json")


def _file(body: str, kind: str, ending: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="system-card.{ending}"'}
    return Response(body, mimetype=kind, headers=headers)
