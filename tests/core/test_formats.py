"""Figures as people read them."""

from hypothesis import given
from hypothesis import strategies as st

from core import formats

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
