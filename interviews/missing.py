"""What was missing in an interview: where points were left, and what the rule would still need.

Only what the answers below it show as well: no key of a question that others are still asked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from interviews import outcome, scoring
from interviews.items import Bank
from interviews.models import Interview, State
from interviews.results import ShownAnswer
from interviews.scoring import Scorecard


@dataclass(frozen=True)
class Left:
    """A question that did not earn its whole point, and the checks that were not found."""

    position: int
    title: str
    points: str
    is_unknown: bool
    unmet: list[str]


def by_competency(answers: Iterable[ShownAnswer]) -> dict[str, list[Left]]:
    """Return the questions that left points, by competency."""
    found: dict[str, list[Left]] = {}
    for one in answers:
        if one.tone != "ok":
            unmet = [check["words"] for check in one.checks if not check["met"]]
            left = Left(one.position, one.title, one.points, one.is_unknown, unmet)
            found.setdefault(one.competency, []).append(left)
    return found


def for_a_pass(interview: Interview, card: Scorecard | None, bank: Bank) -> str:
    """Say what the rule would still need while a person reads; a failed result says it itself."""
    if interview.state is not State.REVIEW or card is None:
        return ""
    causes = scoring.causes(card, bank.rule)
    return outcome.what_would_change(card, bank) if causes else ""
