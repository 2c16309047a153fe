"""Several answers become one: shares, weights from known answers, Dawid and Skene's model."""

import numpy as np
import pytest

from annotation import aggregation
from annotation.aggregation import Method, Votes


def votes(rows, *, known=None, labels=2):
    tasks, experts, said = np.array(rows, dtype=np.int32).T
    return Votes(tasks, experts, said, int(tasks.max()) + 1, labels, known or {})


def crowd(*, tasks, skills, seed=3, known=0):
    """Simulate experts who are right with a probability of their own."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, tasks)
    rows = [
        (task, expert, truth[task] if rng.random() < skill else (truth[task] + 1) % 3)
        for task in range(tasks)
        for expert, skill in enumerate(skills)
    ]
    return votes(rows, known={n: int(truth[n]) for n in range(known)}, labels=3), truth


def test_shares_are_those_of_the_votes():
    found = aggregation.shares(votes([(0, 0, 1), (0, 1, 1), (0, 2, 0), (1, 0, 0)]))

    assert found.tolist() == [pytest.approx([1 / 3, 2 / 3]), [1.0, 0.0]]


@pytest.mark.parametrize("method", [Method.WEIGHTED, Method.DAWID_SKENE])
def test_known_answers_show_who_is_right_although_most_are_not(method):
    given, truth = crowd(tasks=200, skills=(0.95, 0.3, 0.35), known=60)

    found = aggregation.merge(given, method).probabilities[60:].argmax(axis=1)
    plain = aggregation.merge(given, Method.MAJORITY).probabilities[60:].argmax(axis=1)

    assert (found == truth[60:]).mean() > 0.9 > (plain == truth[60:]).mean()


def test_a_known_label_is_never_changed_by_votes():
    given = votes([(0, 0, 1), (0, 1, 1), (0, 2, 1)], known={0: 0})

    assert aggregation.dawid_skene(given).probabilities[0].tolist() == [1.0, 0.0]


def test_with_many_labels_votes_are_weighted_instead():
    given = votes([(0, 0, 11), (1, 0, 3)], labels=12)

    assert aggregation.merge(given, Method.DAWID_SKENE).method is Method.WEIGHTED


@pytest.mark.parametrize("method", list(Method))
def test_nobody_has_voted_at_all(method):
    nothing = np.zeros(0, np.int32)

    found = aggregation.merge(Votes(nothing, nothing, nothing, 2, 2), method)

    assert found.probabilities.shape == (2, 2)
