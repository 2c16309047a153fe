"""How long things are kept: a default for each rule of retention, and the least that law asks.

Pure: settings are checked against it at start. Zero days mean that nothing goes.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Period:
    """Days that something is kept by default, and the least where there is one."""

    days: int
    least: int = 0
    because: str = ""


PERIODS: dict[str, Period] = {
    "letters": Period(730),
    "jobs": Period(90),
    "unconfirmed": Period(30),
    "appeal_files": Period(365),
    "tax_details": Period(
        3653, 1827, "EU directive 2021/514 asks for five to ten years of records"
    ),
    "answer_prints": Period(730),
    "downloads": Period(730),
    # Off unless the operator says how long.
    "transcripts": Period(0, 183, "an interview can be contested and checked for six months"),
    "media": Period(0, 90, "work on them can be contested and looked at again for some weeks"),
    "decisions": Period(0, 183, "article 26 of the EU AI act asks for six months of records"),
}


def checked(given: Mapping[str, int]) -> dict[str, int]:
    """Return the periods as they are, or raise `ValueError` that says what is wrong."""
    unknown = sorted(set(given) - set(PERIODS))
    if unknown:
        raise ValueError(f"no rule is called {', '.join(unknown)}; there are {', '.join(PERIODS)}")
    for name, days in given.items():
        period = PERIODS[name]
        if days < 0:
            raise ValueError(f"{name}: give a number of days, or 0 to keep for good")
        if 0 < days < period.least:
            raise ValueError(
                f"{name}: at least {period.least} days, since {period.because}; or 0 to keep"
            )
    return dict(given)


def days(given: Mapping[str, int], name: str) -> int:
    """Return the days of a rule: what the operator says, or the default."""
    return given.get(name, PERIODS[name].days)
