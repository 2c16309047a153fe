"""The gate before judges: a version is used in a field only while its gate is open there.

A run on the frozen set opens it where the figures hold; an operator may close it at any time. A new
prompt, model or way of asking is another version, and a changed question another rubric: both are
shut until a run has measured them. Who raises the bars shuts what no longer reaches them at once.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from accounts.models import User
from core import audit
from core.errors import Invalid
from core.settings import Settings, current_settings
from experts.fields import Field
from interviews import measures, rubrics
from interviews.items import Item
from interviews.judge_models import Gate, JudgeRun, JudgeVersion

WORDS_AT_LEAST = 10


class WhyClosed(Invalid):
    """Say in at least %(letters)s characters why you close it: others read it here."""


def state(session: Session, version: str, field: Field) -> Gate | None:
    """Return what was last done to a gate; None means that it was never opened."""
    query = select(Gate).where(Gate.version == version, Gate.field == field)
    return session.exec(query.order_by(col(Gate.id).desc()).limit(1)).first()


def allows(session: Session, version: str, field: Field, item: Item) -> bool:
    """Say whether judges may read answers to an item."""
    results = _results(session, state(session, version, field))
    if results is None or lacks(results, field, current_settings()):
        return False
    measured = results.get("rubrics", {}).get(rubrics.digest(item))
    return bool(measured and measured["read"])


def holds(session: Session, gate: Gate | None, settings: Settings) -> bool:
    """Say whether a gate is open, and what opened it still reaches what the settings ask now."""
    results = _results(session, gate)
    return gate is not None and results is not None and not lacks(results, gate.field, settings)


def lacks(results: dict[str, Any], field: Field, settings: Settings) -> list[str]:
    """Return which bars of the settings a run does not reach in a field, or in all of its set."""
    bars, found = measures.bars(settings), results.get("fields", {}).get(str(field))
    if found is None or "whole" not in results:
        return ["answers"]
    of_all = measures.lacking(results["whole"], bars, bars.answers)
    return of_all + measures.lacking(found, bars, bars.answers_per_field)


def follow(session: Session, run: JudgeRun, at: datetime) -> list[Field]:
    """Open the gates that a finished run opens, close the others; return the open ones."""
    _hold(session, run.version)
    opened = []
    for field in Field:
        found = (run.results or {})["fields"].get(str(field))
        opens, last = bool(found and found["opens"]), state(session, run.version, field)
        if last is not None and last.by is not None and not _is_new(run, last):
            continue  # closed by hand: only judges who are asked anew open it
        if opens:
            opened.append(field)
        elif last is None or not last.is_open:
            continue
        words = "" if opens else "the figures of a run no longer hold"
        _add(session, run.version, field, opens, run.id, None, words, at)
    return opened


def close(
    session: Session, version: str, field: Field, words: str, *, by: User, at: datetime
) -> bool:
    """Close a gate by hand; False where it is not open. The next run that passes opens it."""
    if len(words.strip()) < WORDS_AT_LEAST:
        raise WhyClosed(letters=WORDS_AT_LEAST)
    _hold(session, version)
    last = state(session, version, field)
    if last is None or not last.is_open:
        return False
    _add(session, version, field, False, None, by.id, words.strip(), at)
    return True


def _results(session: Session, gate: Gate | None) -> dict[str, Any] | None:
    """Return the figures that opened a gate; None where it is shut."""
    if gate is None or not gate.is_open or gate.run_id is None:
        return None
    return session.get_one(JudgeRun, gate.run_id).results or {}


def _is_new(run: JudgeRun, closed: Gate) -> bool:
    """Return whether judges were asked after a gate was closed, not only counted again."""
    return run.counted_from is None and run.begun_at > closed.at


def _hold(session: Session, version: str) -> None:
    """Let nobody else open or close gates of a version until the transaction ends."""
    session.get(JudgeVersion, version, with_for_update=True)


def _add(
    session: Session,
    version: str,
    field: Field,
    is_open: bool,
    run_id: int | None,
    by: int | None,
    words: str,
    at: datetime,
) -> None:
    session.add(
        Gate(
            version=version,
            field=field,
            is_open=is_open,
            run_id=run_id,
            by=by,
            words=words,
            at=at,
        )
    )
    audit.record(
        session,
        "judges.opened" if is_open else "judges.closed",
        by=by,
        subject=f"judge_version:{version[:12]}",
        details={"field": str(field), "run": run_id},
    )
