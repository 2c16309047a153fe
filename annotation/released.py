"""Work as releases read it, in bulk: tasks in order with the answers that count, as columns.

PostgreSQL puts some thousand tasks into one row of columns, with JSON as text, and works on the
next ones while these are looked at; so memory stays flat and a million tasks take seconds. What it
sends becomes columns of Arrow as it is: no text is made a string of Python's on the way. How many
are read at once follows from how long they are. Several questions are asked: the caller's
session must see one state of the database (`core.db.snapshot`).
"""

import json
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format
from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Text,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlmodel import Session, col

from annotation import media, media_kinds
from annotation.loop_models import AnswerOrigin, AnswerPlacing, ModelAnswer
from annotation.models import Annotation, Assignment, State, Task
from core import db
from projects.models import Project

# How many tasks, and how much text, are read at once; the first time few, for all may be long.
AT_ONCE, FIRST, TEXT_AT_ONCE = 8_000, 200, 12_000_000
VALIDATED = (State.ACCEPTED, State.PARTLY_ACCEPTED)
Ints = NDArray[np.int64]
# In the place of a moment or a number that is not there.
NEVER, NONE = int(np.iinfo(np.int64).min), -1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# PostgreSQL counts from the year 2000.
_SINCE = 946_684_800_000_000
_OF_TASKS = ("task_ids", "external_ids", "group_keys", "data")
_OF_ANSWERS = (
    *("places", "assignments", "experts", "states", "rules", "submitted", "decided"),
    *("seconds", "pays", "currencies", "results"),
)
_ARRAY_HEAD = 20
_ELEMENT = np.dtype([("size", ">i4"), ("value", ">i8")])
# Stands between states, rules and currencies, which are our own words and never hold it.
_BETWEEN = b"\n"


class TaskRow(NamedTuple):
    """A task: its data as PostgreSQL writes JSON, which is the same for the same data."""

    id: int
    project_id: int
    external_id: str
    group_key: str | None
    data: str
    gold: list[dict[str, Any]] | None


class AnswerRow(NamedTuple):
    """An answer: its result as PostgreSQL writes JSON, and how it came to count."""

    task_id: int
    assignment_id: int
    expert_id: int
    state: str
    decided_rule: str | None
    submitted_at: datetime
    decided_at: datetime | None
    lead_seconds: int | None
    pay_minor: int
    currency: str
    result: str


class Extra(NamedTuple):
    """What few answers have: the prediction they began with, and models that they compare."""

    origin: str | None
    model_version: str | None
    placings: tuple[tuple[str, int, int | None], ...]


@dataclass(frozen=True)
class Read:
    """A task with its answers, in the order in which these were claimed."""

    task: TaskRow
    answers: tuple[AnswerRow, ...]
    extras: dict[int, Extra]


@dataclass(frozen=True)
class Batch:
    """Some tasks of a project, each with an answer at least, and these answers: in columns.

    Answers stand in the order of their tasks and, for one task, of claiming. Moments are counted
    in microseconds since 1970.
    """

    project_id: int
    task_ids: Ints
    external_ids: pa.Array
    group_keys: pa.Array
    data: pa.Array
    # Known answers, by the place of their task here.
    gold: dict[int, list[dict[str, Any]]]
    # The place here of each answer's task.
    places: Ints
    assignments: Ints
    experts: Ints
    states: pa.Array
    rules: pa.Array
    submitted: Ints
    decided: Ints
    seconds: Ints
    pays: Ints
    currencies: pa.Array
    results: pa.Array
    extras: dict[int, Extra] = field(default_factory=dict)

    @property
    def tasks(self) -> int:
        """How many tasks there are."""
        return len(self.external_ids)

    @cached_property
    def counts(self) -> Ints:
        """How many answers each task has."""
        return np.bincount(self.places, minlength=self.tasks)

    @cached_property
    def people(self) -> tuple[list[int], Ints]:
        """The different experts, and the place among them of each answer's."""
        return coded(self.experts)

    @cached_property
    def ways(self) -> tuple[list[tuple[str, str | None]], Ints]:
        """The different states with the rule that decided, and the place of each answer's."""
        states, first = coded(self.states)
        rules, second = coded(self.rules)
        pairs, which = coded(first * len(rules) + second)
        return [(states[one // len(rules)], rules[one % len(rules)]) for one in pairs], which

    def first(self, count: int) -> "Batch":
        """Return the first tasks, with their answers."""
        if count >= self.tasks:
            return self
        own = {name: getattr(self, name)[:count] for name in _OF_TASKS}
        end = int(np.searchsorted(self.places, count))
        own |= {name: getattr(self, name)[:end] for name in _OF_ANSWERS}
        known = {place: one for place, one in self.gold.items() if place < count}
        return replace(self, gold=known, **own)

    def reads(self) -> Iterator[Read]:
        """Yield the tasks one by one, each with its answers as rows."""
        ends, answers = np.cumsum(self.counts).tolist(), self._answers()
        names, groups, data = (
            one.to_pylist() for one in (self.external_ids, self.group_keys, self.data)
        )
        for place, end in enumerate(ends):
            first = ends[place - 1] if place else 0
            yield Read(
                TaskRow(
                    int(self.task_ids[place]),
                    self.project_id,
                    names[place],
                    groups[place],
                    data[place],
                    self.gold.get(place),
                ),
                tuple(answers[first:end]),
                self.extras,
            )

    def _answers(self) -> list[AnswerRow]:
        columns = zip(
            self.task_ids[self.places].tolist(),
            self.assignments.tolist(),
            self.experts.tolist(),
            self.states.to_pylist(),
            self.rules.to_pylist(),
            self._times(),
            self.pays.tolist(),
            self.currencies.to_pylist(),
            self.results.to_pylist(),
            strict=True,
        )
        return [
            AnswerRow(task, number, expert, state, rule, at, until, seconds, pay, currency, result)
            for (
                task,
                number,
                expert,
                state,
                rule,
                (at, until, seconds),
                pay,
                currency,
                result,
            ) in columns
        ]

    def _times(self) -> Iterator[tuple[datetime, datetime | None, int | None]]:
        for handed_in, decided, seconds in zip(
            self.submitted.tolist(), self.decided.tolist(), self.seconds.tolist(), strict=True
        ):
            submitted = moment(handed_in)
            assert submitted is not None
            yield submitted, moment(decided), None if seconds == NONE else seconds


def coded(values: Any) -> tuple[list[Any], Ints]:
    """Return the different values, mostly in the order in which they are met, and which each is."""
    found = values
    if not isinstance(values, pa.DictionaryArray):
        found = pa.array(values).dictionary_encode(null_encoding="encode")
    return found.dictionary.to_pylist(), found.indices.to_numpy().astype(np.int64)


def moment(counted: int) -> datetime | None:
    """Return the moment that is counted in microseconds."""
    return None if counted == NEVER else EPOCH + timedelta(microseconds=counted)


def read(
    session: Session, project_ids: Sequence[int], *, until: datetime, waiting: bool = False
) -> Iterator[Read]:
    """Yield the tasks of projects that have answers, one by one: for looking at few."""
    for batch in batches(session, project_ids, until=until, waiting=waiting, timed=True):
        yield from batch.reads()


def batches(
    session: Session,
    project_ids: Sequence[int],
    *,
    until: datetime,
    waiting: bool = False,
    timed: bool = False,
) -> Generator[Batch, None, None]:
    """Yield the tasks of projects that have answers, and those answers as they were at a time.

    Answers count that were accepted by then; with `waiting`, also those handed in and not decided.
    When they were handed in, and how long they took, is read for `waiting` or `timed` only.
    Whoever does not go to the end must close it before the session asks anything else.
    """
    projects = [(one, media.hashes(session, one), _has_extras(session, one)) for one in project_ids]
    with _ahead(session) as servers:
        for project_id, files, extras in projects:
            wanted = _Wanted(project_id, until, waiting, timed or waiting, extras)
            for batch in _of_project(servers, wanted):
                yield _with_hashes(batch, files)


def experts_of(project_ids: Sequence[int], *, waiting: bool = False) -> Any:
    """Return the question who has answers in projects that count: `batches` says which do.

    Of millions of assignments, a few are looked at for each expert: an index has them in order.
    """
    own, expert = col(Assignment.project_id), col(Assignment.expert_id)
    first = select(func.min(expert)).where(own == Project.id).correlate(Project)
    known = (
        select(col(Project.id).label("project_id"), first.scalar_subquery().label("expert_id"))
        .where(col(Project.id).in_(project_ids))
        .cte("known", recursive=True)
    )
    same = own == known.c.project_id
    later = select(func.min(expert)).where(same, expert > known.c.expert_id).correlate(known)
    known = known.union_all(
        select(known.c.project_id, later.scalar_subquery()).where(known.c.expert_id.is_not(None))
    )
    states = [str(one) for one in (*VALIDATED, *([State.SUBMITTED] if waiting else []))]
    counts = (
        select(col(Assignment.id))
        .where(own == known.c.project_id, expert == known.c.expert_id)
        .where(col(Assignment.state).in_(states))
        # In the order of the index, so that it is used: the planner would rather try its luck.
        .order_by(col(Assignment.claimed_at))
        .limit(1)
        .correlate(known)
    )
    return select(known.c.expert_id).where(counts.scalar_subquery().is_not(None)).distinct()


def data_of(task: TaskRow) -> dict[str, Any]:
    """Return the data of a task."""
    data: dict[str, Any] = json.loads(task.data)
    return data


def result_of(answer: AnswerRow) -> list[dict[str, Any]]:
    """Return the result of an answer."""
    result: list[dict[str, Any]] = json.loads(answer.result)
    return result


class _Asking:
    """Asks questions at a connection whose answers are fetched later."""

    def __init__(self, connection: Connection) -> None:
        self.connection: Any = connection.connection.driver_connection
        self.dialect = connection.dialect
        self.made: dict[Any, tuple[str, Mapping[str, Any]]] = {}

    def ask(self, question: Any, values: Mapping[str, Any], *, raw: bool = False) -> Any:
        """Send a question; `fetchone` and `fetchall` of what is returned wait for the answer.

        Texts of `raw` answers stay bytes.
        """
        if question not in self.made:
            made = question.compile(
                dialect=self.dialect, compile_kwargs={"render_postcompile": True}
            )
            self.made[question] = str(made), made.params
        words, given = self.made[question]
        cursor = self.connection.cursor(binary=True)
        if raw:
            cursor.adapters.register_loader("text", _Bytes)
        cursor.execute(words, {**given, **values})
        return cursor


class _Bytes(Loader):
    """Leaves a text as it was sent."""

    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


@dataclass(frozen=True)
class _Servers:
    """Where questions are asked: for results at one of its own, as they take half of the time."""

    first: _Asking
    results: _Asking


@contextmanager
def _ahead(session: Session) -> Iterator[_Servers]:
    """Let two servers work on questions before earlier answers are read.

    Not where others use the same connection, as in a test's transaction: they would meet.
    """
    first = _Asking(session.connection())
    if not isinstance(session.get_bind(), Engine):
        yield _Servers(first, first)
        return
    if not db.is_snapshot(session):
        with first.connection.pipeline():
            yield _Servers(first, first)
        return
    with db.beside(session) as other:
        for one in (session.connection(), other):
            one.exec_driver_sql("set local jit = off")  # it would take longer than it saves
        results = _Asking(other)
        with first.connection.pipeline(), results.connection.pipeline():
            yield _Servers(first, results)


@dataclass(frozen=True)
class _Tasks:
    """Tasks that were read, and nothing of their answers."""

    ids: Ints
    external_ids: pa.Array
    group_keys: pa.Array
    data: pa.Array
    gold: list[bytes | None]


@dataclass(frozen=True)
class _Wanted:
    """What is read of a project."""

    project_id: int
    until: datetime
    waiting: bool
    timed: bool
    extras: bool


def _of_project(servers: _Servers, wanted: _Wanted) -> Iterator[Batch]:
    """Yield the batches of a project; while one is looked at, the next is being read."""
    size, project_id = min(FIRST, AT_ONCE), wanted.project_id
    tasks = _fetched_tasks(_ask_tasks(servers, project_id, 0, size))
    answers = _ask_answers(servers, wanted, tasks) if tasks else None
    following = _ask_tasks(servers, project_id, int(tasks.ids[-1]), size) if tasks else None
    while tasks is not None and answers is not None:
        fetched, tasks_after = answers.fetched(), _fetched_tasks(following)
        if tasks_after is not None:
            answers = _ask_answers(servers, wanted, tasks_after)
            size = _how_many(tasks, fetched)
            following = _ask_tasks(servers, project_id, int(tasks_after.ids[-1]), size)
        found = _batch(project_id, tasks, fetched)
        tasks = tasks_after
        if found is not None:
            yield found


def _how_many(tasks: _Tasks, answers: "_Answers") -> int:
    long: int = tasks.data.nbytes + answers.long
    return max(1, min(AT_ONCE, len(tasks.ids) * TEXT_AT_ONCE // (long + 1)))


def _ask_tasks(servers: _Servers, project_id: int, after: int, size: int) -> Any:
    given = {"project": project_id, "after": after, "size": size}
    return servers.first.ask(_tasks_question(), given, raw=True)


@cache
def _tasks_question() -> Any:
    own = (
        select(
            col(Task.id),
            col(Task.external_id),
            col(Task.group_key),
            cast(col(Task.data), Text).label("data"),
            col(Task.gold),
        )
        .where(col(Task.project_id) == _given("project"), col(Task.id) > _given("after"))
        .order_by(col(Task.id))
        .limit(_given("size"))
        .subquery()
    )
    return select(
        _numbers(own.c.id),
        *_sizes_and_text(own.c.external_id),
        *_sizes_and_text(own.c.group_key),
        *_sizes_and_text(own.c.data),
        func.array_agg(cast(own.c.gold, Text)),
    )


def _fetched_tasks(cursor: Any) -> _Tasks | None:
    ids, *sent = cursor.fetchone() if cursor is not None else (None,)
    if ids is None:
        return None
    names, groups, data = (_texts(*sent[at : at + 2]) for at in (0, 2, 4))
    return _Tasks(_array(ids), names, groups, data, sent[6])


@dataclass(frozen=True)
class _Answers:
    """What was sent of the answers to some tasks: assignments, results, and what few have."""

    assignments: Sequence[Any]
    results: Sequence[Any]
    extras: dict[int, Extra]

    @property
    def long(self) -> int:
        """How many bytes the results have, also those of answers that do not count."""
        return len(self.results[2] or b"")


@dataclass(frozen=True)
class _Asked:
    """The questions for the answers to some tasks."""

    assignments: Any
    results: Any
    extras: Sequence[Any]

    def fetched(self) -> _Answers:
        """Wait for the answers."""
        assignments, results = self.assignments.fetchone(), self.results.fetchone()
        extras = _found_extras(*(one.fetchall() for one in self.extras)) if self.extras else {}
        return _Answers(assignments, results, extras)


def _ask_answers(servers: _Servers, wanted: _Wanted, tasks: _Tasks) -> _Asked:
    span = {
        "project": wanted.project_id,
        "first": int(tasks.ids[0]),
        "last": int(tasks.ids[-1]),
    }
    assignments = _assignments_question(waiting=wanted.waiting, timed=wanted.timed)
    return _Asked(
        servers.first.ask(assignments, {**span, "until": wanted.until}, raw=True),
        servers.results.ask(_results_question(timed=wanted.timed), span, raw=True),
        [servers.first.ask(one, span) for one in _extras()] if wanted.extras else (),
    )


@cache
def _assignments_question(*, waiting: bool, timed: bool) -> Any:
    own = _assignments(waiting=waiting).subquery()
    words = (own.c.state, own.c.decided_rule, own.c.currency)
    return select(
        *map(_numbers, (own.c.task_id, own.c.id, own.c.expert_id)),
        *(func.string_agg(func.coalesce(one, ""), _BETWEEN.decode()) for one in words),
        func.array_send(
            func.array_agg(func.coalesce(own.c.decided_at, text("'-infinity'::timestamptz")))
        ),
        _numbers(own.c.pay_minor),
        *([_numbers(func.coalesce(own.c.lead_seconds, NONE))] if timed else []),
    )


def _assignments(*, waiting: bool) -> Any:
    counts = col(Assignment.state).in_([str(one) for one in VALIDATED]) & (
        col(Assignment.decided_at) <= _given("until")
    )
    if waiting:
        counts |= (col(Assignment.state) == str(State.SUBMITTED)) & (
            col(Assignment.submitted_at) <= _given("until")
        )
    return select(
        col(Assignment.task_id),
        col(Assignment.id),
        col(Assignment.expert_id),
        col(Assignment.state),
        col(Assignment.decided_rule),
        col(Assignment.decided_at),
        col(Assignment.lead_seconds),
        col(Assignment.pay_minor),
        col(Assignment.currency),
    ).where(_own(), _between(Assignment), counts)


@cache
def _results_question(*, timed: bool) -> Any:
    """Return what asks for all results: joining them here takes a quarter of PostgreSQL's time."""
    own = (
        select(
            col(Annotation.assignment_id),
            col(Annotation.submitted_at),
            cast(col(Annotation.result), Text).label("result"),
        )
        .where(col(Annotation.project_id) == _given("project"), _between(Annotation))
        # Taken for itself, so that the text of a result is made once.
        .offset(literal_column("0"))
        .subquery()
    )
    return select(
        _numbers(own.c.assignment_id),
        *_sizes_and_text(own.c.result),
        *([func.array_send(func.array_agg(own.c.submitted_at))] if timed else []),
    )


def _between(model: type[Assignment | Annotation]) -> Any:
    return col(model.task_id).between(_given("first"), _given("last"))


def _own() -> Any:
    return col(Assignment.project_id) == _given("project")


def _batch(project_id: int, tasks: _Tasks, answers: _Answers) -> Batch | None:
    """Put tasks and their answers together; tasks without any are left away."""
    sent, found = answers.assignments, answers.results
    if sent[0] is None or found[0] is None:
        return None
    of_tasks, assignments, *rest = _in_order(
        *map(_array, sent[:3]),
        *map(_words, sent[3:6]),
        _moments(sent[6]),
        *map(_array, sent[7:]),
    )
    has_result, place = _places_in(_array(found[0]), assignments)
    if not has_result.all():
        of_tasks, assignments, *rest = (
            _taken(one, np.flatnonzero(has_result)) for one in (of_tasks, assignments, *rest)
        )
    if not len(assignments):
        return None
    experts, states, rules, currencies, decided, pays, *more = rest
    results, *times = _texts(*found[1:3]), *map(_moments, found[3:])
    if place is not None:
        results, *times = (_taken(one, place) for one in (results, *times))
    seconds = more[0] if more else np.full(len(assignments), NONE)
    submitted = times[0] if times else np.full(len(assignments), NEVER)
    where = np.searchsorted(tasks.ids, of_tasks)
    has_any = np.bincount(where, minlength=len(tasks.ids)) > 0
    names, groups, data = tasks.external_ids, tasks.group_keys, tasks.data
    gold = tasks.gold
    if not has_any.all():
        here = np.flatnonzero(has_any)
        names, groups, data = (one.take(pa.array(here)) for one in (names, groups, data))
        gold = [gold[at] for at in here.tolist()]
    known = ((at, json.loads(one)) for at, one in enumerate(gold) if one is not None)
    return Batch(
        project_id,
        tasks.ids[has_any],
        names,
        groups,
        data,
        {at: one for at, one in known if one is not None},
        (np.cumsum(has_any) - 1)[where],
        assignments,
        experts,
        states,
        rules,
        submitted,
        decided,
        seconds,
        pays,
        currencies,
        results,
        answers.extras,
    )


def _places_in(known: Ints, wanted: Ints) -> tuple[NDArray[np.bool_], Ints | None]:
    """Say which of some numbers are known, and the places of these; none where all are in place."""
    if np.array_equal(known, wanted):
        return np.ones(len(wanted), bool), None
    order = np.argsort(known)
    place = order[np.minimum(np.searchsorted(known, wanted, sorter=order), len(known) - 1)]
    here = known[place] == wanted
    return here, place[here]


def _in_order(of_tasks: Ints, assignments: Ints, *others: Any) -> list[Any]:
    """Return columns by task and then by claiming; they mostly come so, and sorting takes long."""
    next_task, later = np.diff(of_tasks), np.diff(assignments) > 0
    if ((next_task > 0) | ((next_task == 0) & later)).all():
        return [of_tasks, assignments, *others]
    order = np.lexsort((assignments, of_tasks))
    return [_taken(one, order) for one in (of_tasks, assignments, *others)]


def _taken(column: Any, places: Ints) -> Any:
    return column.take(pa.array(places)) if isinstance(column, pa.Array) else column[places]


def _sizes_and_text(column: Any) -> tuple[Any, Any]:
    """Return how many bytes each text has, and all texts as one."""
    size = func.coalesce(func.octet_length(column), NONE)
    return _numbers(size), func.string_agg(column, "")


def _texts(sizes: bytes, text: bytes | None) -> pa.Array:
    """Return texts as a column that lies where they were read."""
    size = _array(sizes)
    here = size != NONE
    ends = np.cumsum(np.where(here, size, 0))
    offsets = np.concatenate((np.zeros(1, np.int32), ends.astype(np.int32)))
    bits = None if here.all() else pa.py_buffer(np.packbits(here, bitorder="little"))
    return pa.StringArray.from_buffers(
        len(size), pa.py_buffer(offsets), pa.py_buffer(text or b""), bits
    )


def _words(text: bytes) -> pa.Array:
    """Return words of which few are different, and mostly all the same."""
    text += _BETWEEN
    first = text[: text.index(_BETWEEN) + 1]
    count = len(text) // len(first)
    if text == first * count:
        words = pa.array([first.decode().rstrip("\n") or None], pa.string())
        return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), words)
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _BETWEEN[0]) + 1
    offsets = np.concatenate((np.zeros(1, np.int32), ends.astype(np.int32)))
    each = pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(text))
    found = each.dictionary_encode()
    words = [one.rstrip("\n") or None for one in found.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(found.indices, pa.array(words, pa.string()))


def _numbers(column: Any) -> Any:
    """Return whole numbers as PostgreSQL sends an array of them."""
    return func.array_send(func.array_agg(cast(column, BigInteger)))


def _array(sent: bytes) -> Ints:
    return np.frombuffer(sent, _ELEMENT, offset=_ARRAY_HEAD)["value"].astype(np.int64)


def _moments(sent: bytes) -> Ints:
    found = _array(sent)
    return np.where(found == NEVER, NEVER, found + np.where(found == NEVER, 0, _SINCE))


def _given(name: str) -> Any:
    return bindparam(name, required=False)


def _with_hashes(batch: Batch, files: Mapping[str, str]) -> Batch:
    """Name each media file with a fingerprint of its content, for good."""
    if not files:
        return batch
    named = [
        json.dumps(media.with_hashes(json.loads(one), files), ensure_ascii=False)
        if media_kinds.SCHEME in one
        else one
        for one in batch.data.to_pylist()
    ]
    return replace(batch, data=pa.array(named, pa.string()))


def _has_extras(session: Session, project_id: int) -> bool:
    """Say whether any answer of a project began with a prediction, or compares models."""
    return any(
        session.execute(select(exists().where(own))).scalar_one()
        for own in (
            col(AnswerOrigin.project_id) == project_id,
            col(ModelAnswer.project_id) == project_id,
        )
    )


@cache
def _extras() -> tuple[Any, Any]:
    """Return what asks for all that answers to some tasks have beside their result."""
    origins = (
        select(
            col(Assignment.id),
            cast(col(AnswerOrigin.origin), Text),
            col(AnswerOrigin.model_version),
        )
        .join(AnswerOrigin, col(AnswerOrigin.assignment_id) == col(Assignment.id))
        .where(col(AnswerOrigin.project_id) == _given("project"), _own(), _between(Assignment))
    )
    one = func.jsonb_build_array(
        col(ModelAnswer.model), col(AnswerPlacing.position), col(AnswerPlacing.place)
    )
    placings = (
        select(
            col(Assignment.id), func.jsonb_agg(aggregate_order_by(one, col(AnswerPlacing.position)))
        )
        .join(AnswerPlacing, col(AnswerPlacing.assignment_id) == col(Assignment.id))
        .join(ModelAnswer, col(ModelAnswer.id) == col(AnswerPlacing.model_answer_id))
        .where(_own(), _between(Assignment))
        .group_by(col(Assignment.id))
    )
    return origins, placings


def _found_extras(origins: Sequence[Any], placings: Sequence[Any]) -> dict[int, Extra]:
    found: dict[int, Extra] = defaultdict(lambda: Extra(None, None, ()))
    for assignment_id, origin, version in origins:
        found[assignment_id] = Extra(origin, version, ())
    for assignment_id, placed in placings:
        before = found[assignment_id]
        found[assignment_id] = before._replace(placings=tuple(tuple(one) for one in placed))
    return dict(found)
