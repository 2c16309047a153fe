"""The first pass of a build: reads the answers and sets down what the recipe does not leave out.

On the way it counts what columns, splits and the learned label need to know of all rows together.
"""

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from annotation import aggregation, agreement
from annotation.aggregation import Method
from annotation.released import AnswerRow, Read
from releases import columns, duplicates, personal_scan, rows, splits, spool
from releases.recipe import Duplicates, Personal
from releases.rows import LeftOut, Reading, Row, Setting

Beat = Callable[[int], None]
KNOWN_ANSWER, NOT_FINAL = "known_answer", "not_final"


@dataclass
class Gathered:
    """What was counted on the way; its size hardly grows with the number of rows."""

    rows: int = 0
    tasks: int = 0
    answers: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    by_project: Counter[int] = field(default_factory=Counter)
    kinds: columns.Kinds = field(default_factory=dict)
    groups: dict[str, Counter[str]] | None = field(default_factory=dict)
    experts: set[int] = field(default_factory=set)
    found: duplicates.Finder | None = None
    ballot: "Ballot" = field(default_factory=lambda: Ballot())
    digest: Any = field(default_factory=hashlib.sha256)

    def add_kinds(self, data: Mapping[str, Any]) -> None:
        """Note the sort of each field of the data."""
        for key, value in data.items():
            kind = columns.kind_of(value)
            kinds = self.kinds.get(key)
            if kinds is None:
                kinds = self.kinds[key] = set()
            if kind is not None:
                kinds.add(kind)

    def add_group(self, group: str, label: str | None) -> None:
        """Count a row of a group, while groups are so few that the salt matters."""
        if self.groups is None:
            return
        self.groups.setdefault(group, Counter())[label or ""] += 1
        if len(self.groups) > splits.FEW_GROUPS:
            self.groups = None


@dataclass
class Ballot:
    """The votes for labels, as numbers, with what is known of some tasks."""

    tasks: "array[int]" = field(default_factory=lambda: array("i"))
    experts: "array[int]" = field(default_factory=lambda: array("i"))
    labels: "array[int]" = field(default_factory=lambda: array("i"))
    names: dict[str, int] = field(default_factory=dict)
    people: dict[int, int] = field(default_factory=dict)
    known: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def add(
        self, answers: Iterable[AnswerRow], readings: Iterable[Reading], known: str | None
    ) -> int:
        """Take the votes on a task, and return its number."""
        place = self.count
        self.count += 1
        if known is not None:
            self.known[place] = self._number(known)
        for one, said in zip(answers, readings, strict=True):
            if said.label is not None:
                self.tasks.append(place)
                self.experts.append(self.people.setdefault(one.expert_id, len(self.people)))
                self.labels.append(self._number(said.label))
        return place

    def merged(self, method: Method) -> aggregation.Merged:
        """Return how likely each label is for each task."""
        # Labels are numbered as they were met, and named in the end: the order changes nothing.
        return aggregation.merge(
            aggregation.Votes(
                np.frombuffer(self.tasks, dtype=np.int32),
                np.frombuffer(self.experts, dtype=np.int32),
                np.frombuffer(self.labels, dtype=np.int32),
                task_count=self.count,
                label_count=len(self.names),
                known=self.known,
            ),
            method,
        )

    def _number(self, label: str) -> int:
        return self.names.setdefault(label, len(self.names))


def gather(
    folder: Path, found: Iterable[Read], setting: Setting, shown: list[str], beat: Beat
) -> Gathered:
    """Set down the rows of a release."""
    recipe, gathered = setting.recipe, Gathered()
    if recipe.duplicates is not Duplicates.IGNORE:
        gathered.found = duplicates.Finder(folder, near=recipe.near)
    with _spools(folder, votes=recipe.votes) as (kept, votes, left):
        for one in found:
            _digest(gathered, one)
            try:
                row, answers, readings = _row(one, setting, gathered)
            except LeftOut as reason:
                gathered.left_out[str(reason)] += 1
                row_id = rows.row_id(one.task.project_id, one.task.external_id, setting.primary)
                left.add({"id": row_id, "reason": str(reason)})
                continue
            _finish(gathered, row, one, answers, setting, shown)
            if votes is not None:
                _add_votes(votes, row, one, answers, readings, setting, gathered.rows)
            kept.add(row)
            gathered.rows += 1
            beat(gathered.rows)
    return gathered


def _row(
    one: Read, setting: Setting, gathered: Gathered
) -> tuple[Row, list[AnswerRow], list[Reading]]:
    learned = setting.recipe.method is not Method.MAJORITY
    if one.task.gold is not None and not setting.recipe.with_gold:
        if learned:  # it stays out, and teaches who is often right
            readings = [rows.reading(answer.result) for answer in one.answers]
            gathered.ballot.add(one.answers, readings, agreement.label(one.task.gold))
        raise LeftOut(KNOWN_ANSWER)
    row, answers, readings = rows.row_of(one, setting)
    if row["undecided"] and not learned:
        raise LeftOut(NOT_FINAL)
    row["place"], row["others"] = -1, None
    if learned:
        known = agreement.label(one.task.gold) if one.task.gold is not None else None
        row["place"] = gathered.ballot.add(answers, readings, known)
        row["others"] = _others(answers, readings)
    return row, answers, readings


def _finish(
    gathered: Gathered,
    row: Row,
    one: Read,
    answers: list[AnswerRow],
    setting: Setting,
    shown: list[str],
) -> None:
    """Add what follows from the data of the task, and count the row."""
    recipe, data = setting.recipe, json.loads(one.task.data)
    row["group"] = rows.group_of(row, data, one, recipe)
    row["moment"] = rows.moment_of(data, answers, recipe)
    row["personal"] = _personal(data, row) if recipe.personal is not Personal.OFF else []
    if gathered.found is not None:
        gathered.found.add(duplicates.words_of(data, shown))
    gathered.add_kinds(data)
    gathered.add_group(row["group"], row["label"])
    gathered.experts.update(row["experts"])
    gathered.by_project[one.task.project_id] += 1
    gathered.answers += len(answers)


def _personal(data: Mapping[str, Any], row: Row) -> list[str]:
    found = personal_scan.kinds_in(data) if personal_scan.may_hold(row["data"]) else []
    if '"textarea"' in row["result"]:
        found += personal_scan.kinds_in(json.loads(row["result"]))
    return found


def _others(answers: list[AnswerRow], readings: list[Reading]) -> list[dict[str, Any]] | None:
    firsts: dict[str | None, str] = {}
    for one, said in zip(answers, readings, strict=True):
        firsts.setdefault(said.label, one.result)
    if len(firsts) < 2:
        return None
    return [{"label": label, "result": result} for label, result in firsts.items()]


def _add_votes(
    votes: spool.Spool,
    row: Row,
    one: Read,
    answers: list[AnswerRow],
    readings: list[Reading],
    setting: Setting,
    number: int,
) -> None:
    for answer, said in zip(answers, readings, strict=True):
        extra = one.extras.get(answer.assignment_id)
        level = setting.levels.get((one.task.project_id, answer.expert_id))
        votes.add(
            {
                "row": number,
                "id": row["id"],
                "expert": answer.expert_id,
                "label": said.label,
                "result": answer.result,
                "state": answer.state,
                "review_path": rows.path(answer),
                "credential_class": rows.credential_class(level),
                "price_class": rows.price_class(answer.pay_minor, answer.currency),
                "seconds": answer.lead_seconds,
                "submitted_at": answer.submitted_at,
                "started_from": (extra and extra.origin) or "blank",
            }
        )


def _digest(gathered: Gathered, one: Read) -> None:
    """Take a task and its answers into the hash of all that went in, which a rebuild compares."""
    gathered.tasks += 1
    task = one.task
    said = [f"{task.project_id} {task.external_id}\n{task.group_key}\n{task.data}\n{task.gold}"]
    said += [
        f"{a.assignment_id} {a.expert_id} {a.state} {a.decided_rule} {a.decided_at} {a.result}"
        for a in one.answers
    ]
    gathered.digest.update("\n".join(said).encode())


@contextmanager
def _spools(
    folder: Path, *, votes: bool
) -> Iterator[tuple[spool.Spool, spool.Spool | None, spool.Spool]]:
    with ExitStack() as stack:
        yield (
            stack.enter_context(spool.Spool(folder / spool.ROWS, spool.ROW)),
            stack.enter_context(spool.Spool(folder / spool.VOTES, spool.VOTE)) if votes else None,
            stack.enter_context(spool.Spool(folder / spool.LEFT, spool.LEFT_OUT)),
        )
