"""The operator's pages of the audit trail: the list with its filters, and the same as CSV."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import get_timezone
from flask_login import current_user
from sqlalchemy import false
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from core import audit, audit_words, seals
from core.access import requires
from core.db import db_session, transaction
from core.models import AuditEvent
from core.web import page_of

bp = Blueprint("audit", __name__)
FILTERS = ("person", "act", "row", "address", "since", "until")
COLUMNS = ("id", "at", "act", "words", "row", "by", "address", "details")
AT_ONCE = 500


@bp.get("/operator/audit")
@requires("operator.see")
def audit_trail() -> ResponseReturnValue:
    """Show who did what to which row, the newest first, as the filters say."""
    session = db_session()
    chosen = _chosen()
    page = page_of(_query(chosen).order_by(col(AuditEvent.id).desc()), per=50)
    waiting, _oldest = seals.unsealed(session)
    return render_template(
        "core/audit_trail.html",
        page=page,
        shown=audit_words.shown(session, page.rows),
        chosen=chosen,
        filled={name: words for name, words in chosen.items() if words},
        acts=audit_words.acts(),
        unread=_unread(chosen),
        waiting=waiting,
        checked=seals.last_check(session),
    )


@bp.get("/operator/audit.csv")
@requires("operator.see")
def audit_csv() -> ResponseReturnValue:
    """Give the rows that the filters choose, oldest first; people by their ids only."""
    query = _query(_chosen()).order_by(col(AuditEvent.id))
    audit.record_reading(
        "audit.exported", by=current_user.id, subject="audit:trail", filters=_filled(_chosen())
    )
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(stream_with_context(_csv(query)), mimetype="text/csv", headers=headers)


def _chosen() -> dict[str, str]:
    return {name: request.args.get(name, "").strip() for name in FILTERS}


def _filled(chosen: dict[str, str]) -> list[str]:
    # Which filters, not what was typed: that may be somebody's address.
    return [name for name, words in chosen.items() if words]


def _query(chosen: dict[str, str]) -> SelectOfScalar[AuditEvent]:
    query = select(AuditEvent)
    if chosen["person"]:
        kind, _colon, id_ = audit_words.row_named(chosen["person"]).partition(":")
        typed = id_ if kind == "user" else chosen["person"]
        found = audit_words.all_words().person_of(db_session(), typed)
        query = query.where(false() if found is None else AuditEvent.by_user_id == found)
    if chosen["act"]:
        query = query.where(col(AuditEvent.action).startswith(chosen["act"], autoescape=True))
    if chosen["row"]:
        query = query.where(_row(chosen["row"]))
    if chosen["address"]:
        query = query.where(col(AuditEvent.address).startswith(chosen["address"], autoescape=True))
    if _unread(chosen):
        query = query.where(false())
    since, until = _day(chosen["since"]), _day(chosen["until"])
    if since:
        query = query.where(col(AuditEvent.at) >= since)
    if until:
        query = query.where(col(AuditEvent.at) < until + timedelta(days=1))
    return query


def _row(asked: str) -> Any:
    """Return the condition for a row like `assignment:12`, or for all of a kind."""
    kind, colon, id_ = audit_words.row_named(asked).partition(":")
    if colon and id_:
        return col(AuditEvent.subject) == f"{kind}:{id_}"
    return col(AuditEvent.subject).startswith(f"{kind}:", autoescape=True)


def _unread(chosen: dict[str, str]) -> list[str]:
    """Return what was typed as a day and is none."""
    typed = (chosen["since"], chosen["until"])
    return [words for words in typed if words and _day(words) is None]


def _day(words: str) -> datetime | None:
    """Return the beginning of a day where the person who asks is."""
    try:
        day = date.fromisoformat(words)
        begins = datetime.combine(day, time(), tzinfo=get_timezone()).astimezone(UTC)
        return begins if begins + timedelta(days=1) else None  # the last day of all has no end
    except (ValueError, OverflowError):
        return None


def _csv(query: SelectOfScalar[AuditEvent]) -> Iterator[str]:
    yield _line(COLUMNS)
    # The request's own session ends before the last line has left.
    with transaction() as session:
        found = session.exec(query, execution_options={"yield_per": AT_ONCE})
        for event in found:
            cells = (event.id, event.at.isoformat(), event.action, audit_words.act(event.action))
            by = "" if event.by_user_id is None else event.by_user_id
            details = "; ".join(f"{key}: {value}" for key, value in event.details.items())
            yield _line((*cells, event.subject, by, event.address or "", details))


def _line(cells: Any) -> str:
    out = io.StringIO()
    # A cell that a spreadsheet would take for a formula is text.
    texts = (str(cell) for cell in cells)
    csv.writer(out).writerow(
        f"'{text}" if text[:1] in tuple("=+-@\t\r") else text for text in texts
    )
    return out.getvalue()
