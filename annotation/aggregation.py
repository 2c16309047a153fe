"""From several answers to one: vote, vote weighted by known answers, Dawid–Skene. Pure.

Votes are three columns of whole numbers (task, expert, label), so that millions of them are
merged in seconds and in bounded memory. Known answers are held fast: they teach the model and are
never changed by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64] | NDArray[np.int32]
Floats = NDArray[np.float64]

# Pseudo-counts of each expert's table of right and wrong answers (shared/field: best or tied in
# 16 of 19 real sets): a little everywhere, more on the diagonal, so that few answers mean little.
SPREAD, DIAGONAL = 0.3, 1.0
# With more labels than this, a table for each expert has too few answers to fill it.
MOST_LABELS = 10
ROUNDS, ENOUGH = 50, 1e-4
# A person's accuracy before any known answer is seen counts as this many of them, half right.
BEFORE_KNOWN = 0.5
# Nobody's vote weighs less than nothing, or so much that it cannot be outvoted.
LEAST, MOST = 0.02, 6.0


class Method(StrEnum):
    """How several answers become one."""

    MAJORITY = "majority"
    WEIGHTED = "weighted"
    DAWID_SKENE = "dawid_skene"


@dataclass(frozen=True)
class Votes:
    """One vote in each place: the number of its task, of its expert and of its label."""

    tasks: Ints
    experts: Ints
    labels: Ints
    task_count: int
    label_count: int
    # The label that is known of some tasks.
    known: Mapping[int, int] = field(default_factory=dict)

    @property
    def expert_count(self) -> int:
        """How many experts have voted, counted from their numbers."""
        return int(self.experts.max()) + 1 if len(self.experts) else 0


@dataclass(frozen=True)
class Merged:
    """How likely each label is for each task, by which method, and in how many rounds."""

    probabilities: Floats
    method: Method
    rounds: int = 0


def merge(votes: Votes, method: Method) -> Merged:
    """Merge votes; where Dawid–Skene has too many labels to tell, votes are weighted instead."""
    if method is Method.DAWID_SKENE and votes.label_count <= MOST_LABELS:
        return dawid_skene(votes)
    if method is Method.MAJORITY:
        return Merged(shares(votes), Method.MAJORITY)
    return weighted(votes)


def shares(votes: Votes) -> Floats:
    """Return the share of the votes that each label has; nothing where nobody voted."""
    counts = np.zeros((votes.task_count, votes.label_count))
    np.add.at(counts, (votes.tasks, votes.labels), 1.0)
    return _normal(counts)


def weighted(votes: Votes) -> Merged:
    """Weigh each vote by how its expert answered the tasks that are known."""
    weights = _weights(votes)
    sums = np.zeros((votes.task_count, votes.label_count))
    np.add.at(sums, (votes.tasks, votes.labels), weights[votes.experts])
    return Merged(_held(_softmax(sums), votes), Method.WEIGHTED)


def dawid_skene(votes: Votes) -> Merged:
    """Learn each expert's table of right and wrong answers and the labels together, by EM."""
    found, rounds, moved = _held(shares(votes), votes), 0, 1.0
    while moved >= ENOUGH and rounds < ROUNDS:
        before, found = found, _held(_expect(votes, *_learn(votes, found)), votes)
        moved = float(np.abs(found - before).max(initial=0.0))
        rounds += 1
    return Merged(found, Method.DAWID_SKENE, rounds)


def out_of_sample(votes: Votes, *, folds: int = 5) -> Floats:
    """Say how likely each label is by what experts are like on other tasks than that one.

    Tasks are dealt into folds; what is learned of experts on all others judges those of one.
    """
    said = np.zeros((votes.task_count, votes.label_count))
    for fold in range(folds):
        others = votes.tasks % folds != fold
        known = {task: label for task, label in votes.known.items() if task % folds != fold}
        rest = _some(votes, others, known)
        learned = dawid_skene(rest).probabilities
        # Tasks of this fold have no votes in the rest: they teach nothing.
        learned[fold::folds] = 0.0
        own = _some(votes, ~others, {})
        said[fold::folds] = _expect(own, *_learn(rest, learned, of=votes.expert_count))[fold::folds]
    return said


def _some(votes: Votes, which: NDArray[np.bool_], known: Mapping[int, int]) -> Votes:
    rows = (votes.tasks[which], votes.experts[which], votes.labels[which])
    return Votes(*rows, votes.task_count, votes.label_count, known)


def _learn(votes: Votes, found: Floats, *, of: int | None = None) -> tuple[Floats, Floats]:
    """Return the table of each expert (of so many) as logarithms, and how frequent labels are."""
    size, experts = votes.label_count, of or votes.expert_count
    place = votes.experts.astype(np.int64) * size + votes.labels
    table = np.empty((experts, size, size))
    for true in range(size):
        counted = np.bincount(place, found[votes.tasks, true], experts * size)
        table[:, true, :] = counted.reshape(experts, size) + SPREAD
        table[:, true, true] += DIAGONAL
    table /= table.sum(axis=2, keepdims=True)
    frequent = found.sum(axis=0) + 1.0
    return np.log(table), np.log(frequent / frequent.sum())


def _expect(votes: Votes, table: Floats, frequent: Floats) -> Floats:
    sums = np.empty((votes.task_count, votes.label_count))
    for true in range(votes.label_count):
        said = table[votes.experts, true, votes.labels]
        sums[:, true] = np.bincount(votes.tasks, said, votes.task_count) + frequent[true]
    return _softmax(sums)


def _weights(votes: Votes) -> Floats:
    """Return the weight of each expert's vote: the log-odds of being right, from known answers."""
    known = np.full(votes.task_count, -1, dtype=np.int64)
    for task, label in votes.known.items():
        known[task] = label
    asked = known[votes.tasks] >= 0
    right = asked & (known[votes.tasks] == votes.labels)
    seen = np.bincount(votes.experts[asked], minlength=votes.expert_count)
    good = np.bincount(votes.experts[right], minlength=votes.expert_count)
    if not len(votes.known):
        return np.ones(votes.expert_count)
    accuracy = (BEFORE_KNOWN + good) / (2 * BEFORE_KNOWN + seen)
    others = max(votes.label_count - 1, 1)
    # Half right of none seen is a vote like any other, whatever the number of labels.
    odds = np.where(seen > 0, np.log(accuracy * others / (1 - accuracy)), 1.0)
    clipped: Floats = np.clip(odds, LEAST, MOST)
    return clipped


def _held(found: Floats, votes: Votes) -> Floats:
    """Put the known labels in their places."""
    if votes.known:
        tasks = np.fromiter(votes.known.keys(), dtype=np.int64)
        found[tasks] = 0.0
        found[tasks, np.fromiter(votes.known.values(), dtype=np.int64)] = 1.0
    return found


def _normal(counts: Floats) -> Floats:
    total = counts.sum(axis=1, keepdims=True)
    normal: Floats = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return normal


def _softmax(sums: Floats) -> Floats:
    sums -= sums.max(axis=1, keepdims=True, initial=-np.inf)
    np.exp(sums, out=sums)
    return _normal(sums)
