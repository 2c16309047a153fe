"""Which labels are probably wrong, by the experts' votes and by what the texts say. Pure.

Two judges, of which neither has seen the task that it judges: what the experts are like on other
tasks, and a classifier that learned from other texts. Their word together goes to cleanlab, which
says which labels it contradicts. Heavy libraries are loaded with this module, so only the job that
makes a report loads it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from annotation import aggregation
from annotation.aggregation import Votes
from releases.noise_work import Doubt, Item, Looked, Question, Trouble

LEAST_TASKS, LEAST_PER_LABEL, FOLDS = 20, 3, 5
READING = {
    "ngram_range": (1, 2),
    "sublinear_tf": True,
    "max_features": 50_000,
    "token_pattern": r"(?u)\b\w+\b",  # also words of one letter
}
WORD = re.compile(r"\w")
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def look(question: Question) -> Looked:
    """Return the labels of one question that are probably wrong, the least likely first."""
    items, labels, given = _told_apart(question.items)
    left_out = len(question.items) - len(items)
    if len(items) < LEAST_TASKS:
        return Looked((), len(items), left_out, trouble=Trouble.TOO_FEW)
    if len(labels) < 2:
        return Looked((), len(items), left_out, trouble=Trouble.ONE_LABEL)
    several = any(len(item.votes) > 1 for item in items)
    texts = [item.text if WORD.search(item.text) else "" for item in items]
    readable = sum(map(bool, texts)) * 2 > len(texts)
    if not several and not readable:
        return Looked((), len(items), left_out, trouble=Trouble.ONE_VOTE)
    frequent = np.bincount(given, minlength=len(labels)) / len(given)
    voted = _by_votes(items, labels) if several else np.tile(frequent, (len(items), 1))
    read = _by_texts(texts, given) if readable else np.tile(frequent, (len(items), 1))
    # Judges who know nothing of each other: what one says counts as often as the other says it.
    both = voted * read / frequent
    both /= both.sum(axis=1, keepdims=True)
    scores = get_label_quality_scores(given, both)
    wrong = _contradicted(given, both)
    if several:
        wrong |= both.argmax(axis=1) != given
    if readable:
        wrong |= _contradicted(given, read)
    found = [
        _doubt(items[at], labels, int(given[at]), (scores[at], both[at], voted[at], read[at]))
        for at in np.flatnonzero(wrong)
        if items[at].known is None
    ]
    found.sort(key=lambda one: (one.score, one.task_id))
    return Looked(tuple(found), len(items), left_out, used_votes=several, used_text=readable)


def _told_apart(items: Sequence[Item]) -> tuple[list[Item], list[str], Ints]:
    """Return the tasks with a label that is frequent enough to learn from, and their labels."""
    leading = [(item, item.known or _majority(item)) for item in items if item.votes]
    counted = Counter(label for _item, label in leading)
    labels = sorted(label for label, count in counted.items() if count >= LEAST_PER_LABEL)
    kept = [(item, label) for item, label in leading if label in labels]
    numbers = np.array([labels.index(label) for _item, label in kept], dtype=np.int64)
    return [item for item, _label in kept], labels, numbers


def _majority(item: Item) -> str:
    """Return what most chose; of labels that as many chose, the first by name."""
    counted = Counter(label for _expert, label in item.votes)
    return min(counted, key=lambda label: (-counted[label], label))


def _by_votes(items: Sequence[Item], labels: Sequence[str]) -> Floats:
    """Say how likely each label is by the votes, and what their experts are like elsewhere."""
    number = {label: place for place, label in enumerate(labels)}
    experts: dict[int, int] = {}
    rows = [
        (task, experts.setdefault(expert, len(experts)), number[label])
        for task, item in enumerate(items)
        for expert, label in item.votes
        if label in number
    ]
    tasks, people, said = np.array(rows, dtype=np.int64).T
    known = {task: number[item.known] for task, item in enumerate(items) if item.known in number}
    votes = Votes(tasks, people, said, len(items), len(labels), known)
    return aggregation.out_of_sample(votes, folds=FOLDS)


def _by_texts(texts: Sequence[str], given: Ints) -> Floats:
    """Say how likely each label is by what was learned from the other texts."""
    model = make_pipeline(
        TfidfVectorizer(**READING),
        LogisticRegression(max_iter=1000, C=10),
    )
    folds = StratifiedKFold(min(FOLDS, int(np.bincount(given).min())), shuffle=True, random_state=0)
    said: Floats = cross_val_predict(model, texts, given, cv=folds, method="predict_proba")
    return np.maximum(said, 1e-6)


def _contradicted(given: Ints, said: Floats) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = find_label_issues(given, said, n_jobs=1)
    return found


def _doubt(
    item: Item, labels: Sequence[str], given: int, said: tuple[float, Floats, Floats, Floats]
) -> Doubt:
    score, both, voted, read = said
    others = np.where(np.arange(len(labels)) == given, -1.0, both)
    counted = Counter(label for _expert, label in item.votes)
    return Doubt(
        task_id=item.task_id,
        given=labels[given],
        likely=labels[int(others.argmax())],
        score=round(float(score), 6),
        votes=dict(sorted(counted.items())),
        reasons=tuple(_reasons(counted, labels, given, voted, read)),
    )


def _reasons(
    counted: Counter[str], labels: Sequence[str], given: int, voted: Floats, read: Floats
) -> Iterable[tuple[str, str, float]]:
    """Yield why, the plainest reason first: a code, a label and a share."""
    if counted.total() == 1:
        yield "alone", labels[given], 1.0
    elif len(counted) > 1:
        yield "split", labels[given], counted[labels[given]] / counted.total()
    if int(voted.argmax()) != given and counted.total() > 1:
        yield "votes", labels[int(voted.argmax())], round(float(voted.max()), 4)
    if int(read.argmax()) != given:
        yield "text", labels[int(read.argmax())], round(float(read.max()), 4)
