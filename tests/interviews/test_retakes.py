"""When another attempt may start: a table, no database."""

from datetime import UTC, datetime, timedelta

import pytest

from interviews import retakes
from interviews.items import Retakes
from interviews.retakes import Attempt

POLICY = Retakes(attempts=3, within_days=365, delay_days=14, delay_days_unfinished=1)
DAY = datetime(2026, 11, 1, 12, tzinfo=UTC)


def ago(days, *, finished=True):
    at = DAY - timedelta(days=days)
    return Attempt(started_at=at - timedelta(hours=1), ended_at=at, finished=finished)


@pytest.mark.parametrize(
    ("past", "days"),
    [
        ([], 0),
        ([ago(14)], 0),
        ([ago(13)], 1),
        ([ago(0)], 14),
        ([ago(0, finished=False)], 1),
        ([ago(2, finished=False)], 0),
        ([ago(100), ago(20)], 0),
    ],
)
def test_the_delay_after_the_last_attempt(past, days):
    assert retakes.may_start_from(past, POLICY, DAY) == DAY + timedelta(days=days)


def test_a_fourth_attempt_waits_until_the_first_leaves_the_year():
    past = [ago(300), ago(200), ago(100)]

    start = retakes.may_start_from(past, POLICY, DAY)

    assert start == past[0].started_at + timedelta(days=365)
    assert retakes.used(past, POLICY, DAY) == 3
    assert retakes.used(past, POLICY, start) == 2
