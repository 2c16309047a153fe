"""Pages about the instance itself: its health, its settings, its letters."""

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select, text

from core import audit, health, messages
from core.access import public, require, requires
from core.clock import now
from core.db import db_session, find
from core.models import Letter
from core.settings import current_settings, shown
from core.web import json_problem, page_of

bp = Blueprint("core", __name__)


@bp.get("/health")
@public
def alive() -> ResponseReturnValue:
    """Say whether this process answers and its database does; for supervisors."""
    try:
        db_session().execute(text("select 1"))
    except Exception:  # noqa: BLE001 - whatever is wrong with the database, the answer is no
        return json_problem(503, "The database does not answer.")
    return jsonify({"status": "ok"})


@bp.get("/operator")
@requires("operator.see")
def operator() -> ResponseReturnValue:
    """Show that all is well, or what is not."""
    findings = health.findings(db_session())
    return render_template("core/operator.html", findings=findings, now=now())


@bp.get("/operator/settings")
@requires("operator.see")
def settings() -> ResponseReturnValue:
    """Show how this instance is set up; secrets only as set or not."""
    return render_template("core/settings.html", rows=shown(current_settings()))


@bp.get("/letters")
@public
def letters() -> ResponseReturnValue:
    """Show the letters that this instance wrote: to operators, or to all in a demo."""
    _require_letters()
    query = select(Letter).order_by(Letter.id.desc())  # type: ignore[union-attr]
    asked = request.args.get("to", "").strip().lower()
    if asked:
        query = query.where(Letter.address == asked)  # type: ignore[arg-type]
    return render_template(
        "core/letters.html",
        page=page_of(query),
        asked=asked,
        open=current_settings().letters_page_open,
    )


@bp.get("/letters/<int:letter_id>")
@public
def letter(letter_id: int) -> ResponseReturnValue:
    """Show one letter."""
    _require_letters()
    found = find(Letter, letter_id)
    if current_user.is_authenticated:
        me = current_user.id
        audit.record_reading("letter.read", by=me, subject=f"letter:{letter_id}", of=found.user_id)
    body = found.body if current_settings().letters_page_open else messages.without_links(found)
    return render_template("core/letter.html", letter=found, body=body)


def _require_letters() -> None:
    if not current_settings().letters_page_open:
        require("operator.see")
