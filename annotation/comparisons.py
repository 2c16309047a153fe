"""Answers of models as tasks: brought in by a file, compared blind, and turned back to the models.

A file gives each task's answers with the models' names; the task's data holds the answers alone,
shuffled. Who sees them, sees no name; what stands for which model is kept beside.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from flask_babel import gettext as _
from sqlalchemy import text
from sqlmodel import Session, col, select

from accounts.models import User
from annotation import blind, task_files, tasks
from annotation.label_config import parse
from annotation.loop_models import ModelAnswer
from annotation.storable import is_storable
from annotation.task_files import Trouble, UnreadableLine
from annotation.tasks import BadFile, Imported, require_labels
from core import audit
from core.errors import Conflict
from projects.models import Project, id_of

MAX_NAME = 100
MAX_ANSWER = 100_000
KEYS = frozenset({"id", "data", "answers", "group", "priority"})
STAGE = text("""
    create temp table model_answer_upload (line int, external_id text, slot int, model text)
    on commit drop
""")
OTHER_MODELS = text("""
    select min(u.line), u.external_id from model_answer_upload u
    join task t on t.project_id = :project and t.external_id = u.external_id
    join model_answer a on a.task_id = t.id and a.slot = u.slot and a.model <> u.model
    group by u.external_id order by 1 limit 100
""")
KEEP = text("""
    insert into model_answer (project_id, task_id, slot, model)
    select :project, t.id, u.slot, u.model from model_answer_upload u
    join task t on t.project_id = :project and t.external_id = u.external_id
    on conflict do nothing
""")
BY_POSITION = text("""
    select position, count(*) as seen, count(place) as placed,
           count(*) filter (where place = 1) as first, avg(place) as mean_place
    from answer_placing where project_id = :project group by position order by position
""")
BY_MODEL = text("""
    select m.model, count(*) as seen, count(p.place) as placed,
           count(*) filter (where p.place = 1) as first, avg(p.place) as mean_place
    from answer_placing p join model_answer m on m.id = p.model_answer_id
    where p.project_id = :project group by m.model
    order by count(*) filter (where p.place = 1)::float / greatest(count(p.place), 1) desc, m.model
    limit 100
""")
CHANCE = text("""
    select avg(1.0 / counted) from (
        select count(*) as counted from answer_placing
        where project_id = :project and place is not null group by assignment_id) as one
""")


class CannotCompare(Conflict):
    """The labels of this project compare no answers.

    They need one Pairwise over two fields, or one Ranker over a List, and no other question about
    what is compared.
    """


@dataclass(frozen=True)
class Placed:
    """How often answers came first: those of a model, or those at one position."""

    name: str
    seen: int
    placed: int
    first: int
    mean_place: float | None

    @property
    def first_share(self) -> float | None:
        """The share of placed answers that came first."""
        return self.first / self.placed if self.placed else None


@dataclass(frozen=True)
class Results:
    """What comparisons came to so far; `chance` is the share that positions would have alone."""

    models: Sequence[Placed]
    positions: Sequence[Placed]
    chance: float | None

    @property
    def bias(self) -> float | None:
        """How much more often than by chance what stood first was put first."""
        first = self.positions[0].first_share if self.positions else None
        return None if first is None or self.chance is None else first - self.chance


def plan_of(project: Project) -> blind.Plan | None:
    """Return how the labels of a project compare answers, if they do."""
    if not project.label_config:
        return None
    found = blind.plan(parse(project.label_config))
    return found if isinstance(found, blind.Plan) else None


def import_file(
    session: Session, project: Project, stream: IO[bytes], *, by: User, at: datetime
) -> Imported:
    """Add tasks with answers of models, all or none; raise `BadFile` with what is wrong, by line.

    `project` is locked by the caller.
    """
    require_labels(project)
    how = plan_of(project)
    if how is None:
        raise CannotCompare
    session.execute(text("drop table if exists pg_temp.model_answer_upload"))
    session.execute(STAGE)
    with tempfile.TemporaryFile() as made:
        _write(session, how, project, stream, made)
        made.seek(0)
        done = tasks.import_file(session, project, "answers.jsonl", made, by=by, at=at)
    others = session.execute(OTHER_MODELS, {"project": project.id}).all()
    if others:
        raise BadFile([Trouble(line, _other_models(name)) for line, name in others])
    session.execute(KEEP, {"project": project.id})
    project.uses_models = True
    session.add(project)
    audit.record(
        session,
        "comparisons.added",
        by=by.id,
        subject=f"project:{project.id}",
        details={"added": done.added},
    )
    return done


def results(session: Session, project_id: int) -> Results | None:
    """Return what comparisons came to; None where a project has none."""
    question = select(ModelAnswer.id).where(ModelAnswer.project_id == project_id)
    if session.exec(question.limit(1)).first() is None:
        return None
    asked = {"project": project_id}
    chance = session.execute(CHANCE, asked).scalar_one()
    return Results(
        models=[Placed(*row) for row in session.execute(BY_MODEL, asked)],
        positions=[Placed(*row) for row in session.execute(BY_POSITION, asked)],
        chance=None if chance is None else float(chance),
    )


def models_of(session: Session, project_id: int) -> list[str]:
    """Return the names of the models whose answers a project compares."""
    question = select(ModelAnswer.model).where(ModelAnswer.project_id == project_id).distinct()
    return list(session.exec(question.order_by(col(ModelAnswer.model)).limit(100)))


def _write(
    session: Session, how: blind.Plan, project: Project, stream: IO[bytes], made: IO[bytes]
) -> None:
    """Write the file of tasks that the import of tasks reads, line for line."""
    troubles: list[Trouble] = []
    written = 0
    driver: Any = session.connection().connection.driver_connection
    copied = "copy model_answer_upload (line, external_id, slot, model) from stdin"
    with driver.cursor() as cursor, cursor.copy(copied) as copy:
        for number, row in task_files.json_rows(stream):
            try:
                if isinstance(row, UnreadableLine):
                    raise row
                task, models = _task(how, id_of(project), row)
            except UnreadableLine as reason:
                troubles.append(Trouble(number, str(reason)))
                if len(troubles) >= tasks.TROUBLED_AT_MOST:
                    break
                continue
            made.write(b"\n" * (number - written - 1))
            made.write(json.dumps(task, ensure_ascii=False).encode() + b"\n")
            written = number
            for slot, model in enumerate(models, start=1):
                copy.write_row((number, task["id"], slot, model))
    if troubles:
        raise BadFile(troubles[: tasks.SHOWN], max(0, len(troubles) - tasks.SHOWN))


def _task(how: blind.Plan, project_id: int, row: Any) -> tuple[dict[str, Any], list[str]]:
    """Return a line as a task, with the models in the order of its data."""
    if not isinstance(row, dict) or not isinstance(row.get("data"), dict):
        raise UnreadableLine(_('Write each line as an object with “data”: {"data": {…}}.'))
    if unknown := sorted(map(str, row.keys() - KEYS)):
        raise UnreadableLine(
            _("Move “%(key)s” into “data”, or remove it: a task has no such part.", key=unknown[0])
        )
    answers = _answers(how, row.get("answers"))
    if any(name in row["data"] for name in how.fields):
        raise UnreadableLine(
            _("Leave “%(name)s” out of “data”: the answers go there.", name=how.fields[0])
        )
    if not is_storable(row):
        raise UnreadableLine(
            _("Remove signs that cannot be kept (NUL, broken characters, numbers without end).")
        )
    given = row.get("id")
    external_id = str(given).strip() if given not in (None, "") else ""
    external_id = external_id or task_files.name_of({"data": row["data"], "answers": answers})
    models = blind.shuffled(f"{project_id}/{external_id}", sorted(answers))
    data = {**row["data"], **blind.filled(how, [answers[name] for name in models])}
    more = {key: row[key] for key in ("group", "priority") if key in row}
    return {"id": external_id, "data": data, **more}, models


def _answers(how: blind.Plan, given: Any) -> dict[str, str]:
    """Return the answers by model, from an object or from a list of objects."""
    pairs = list(_pairs(given))
    least = blind.LEAST if how.is_list else how.most
    if not least <= len(pairs) <= how.most:
        raise UnreadableLine(
            _(
                "Give this task from %(least)s to %(most)s answers of models.",
                least=least,
                most=how.most,
            )
        )
    if len({name for name, _words in pairs}) != len(pairs):
        raise UnreadableLine(_("Give each answer of this task a model of its own."))
    return dict(pairs)


def _pairs(given: Any) -> Iterator[tuple[str, str]]:
    rows: list[tuple[Any, Any]] = list(given.items()) if isinstance(given, Mapping) else []
    if isinstance(given, list):
        rows = [
            (one.get("model"), one.get("text")) if isinstance(one, Mapping) else (None, None)
            for one in given
        ]
    for name, words in rows:
        is_named = isinstance(name, str) and 0 < len(name.strip()) <= MAX_NAME
        if not is_named or not isinstance(words, str) or not 0 < len(words) <= MAX_ANSWER:
            raise UnreadableLine(
                _("Write each answer as the name of a model and a text, neither of them empty.")
            )
        yield str(name).strip(), words


def _other_models(external_id: str) -> str:
    return str(
        _(
            "Give this task a new id: “%(id)s” is in the project with answers of other models.",
            id=external_id,
        )
    )
