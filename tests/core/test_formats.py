"""Figures as people read them."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core import formats
from core.clock import now

SHARES = st.floats(0, 1)


def test_what_is_short_of_a_line_never_reads_as_the_line(app):
    @given(value=SHARES, line=SHARES)
    def reads(value, line):
        words = formats.percent_short_of(value, line)
        assert (
            (words != formats.percent(line)) if value < line else (words == formats.percent(value))
        )

    with app.test_request_context():
        reads()


def test_digits_come_only_where_they_tell_something(app):
    with app.test_request_context():
        assert formats.percent_short_of(0.31, 0.6) == "31%"
        assert formats.percent_short_of(0.2469, 0.25) == "24.7%"
        assert formats.percent_short_of(0.24996, 0.25) == "just under 25%"


def test_what_began_not_long_ago_is_urgent_only_in_its_last_quarter(app):
    at = now()

    def tone(left: int, begun: int | None) -> str:
        since = None if begun is None else at - timedelta(minutes=begun)
        return formats.due(at + timedelta(minutes=left, seconds=1), since=since).tone

    with app.test_request_context():
        assert [tone(59, None), tone(59, 0), tone(16, 44), tone(14, 46)] == ["stop", "", "", "stop"]
        assert [tone(120, None), tone(120, 2000), tone(59, 2000)] == ["wait", "", "stop"]
