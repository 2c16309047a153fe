"""The rules that may accept work without a person, and the reasons that a refusal may have.

A rule has a name with its version in it, which each decision records: a change of what it does is
a new rule. No rule refuses work; only a person does.
"""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

AGREEMENT = "AG-1"
SILENCE = "SL-1"
# How work is paid in part: a whole percentage that a person sets with a reason, rounded half up
# to the smallest coin; the rest by subtraction. Terms of assignments name it.
PART = "PT-1"

RULES: dict[str, Any] = {
    AGREEMENT: _l(
        "All experts who were asked have answered, all gave the same answer, "
        "and it does not contradict a known answer."
    ),
    SILENCE: _l("The time for review ran out without a word from the owner."),
}


@dataclass(frozen=True)
class Reason:
    """Why work may be refused, and what would have been accepted instead."""

    words: Any
    would_change: Any


REASONS: dict[str, Reason] = {
    "wrong_answer": Reason(
        _l("Wrong answer"),
        _l("The answer that the guidelines lead to, as the reviewer describes it under “Why”."),
    ),
    "guideline_not_followed": Reason(
        _l("Guideline not followed"),
        _l("The same work, done as the guideline that the reviewer names asks for."),
    ),
    "incomplete": Reason(
        _l("Incomplete"),
        _l("The same work with the parts that the reviewer found missing."),
    ),
    "marks_misplaced": Reason(
        _l("Marks in the wrong place"),
        _l("Marks from the first to the last word that the guidelines ask for."),
    ),
    "unrelated": Reason(
        _l("Does not answer the task"),
        _l("Any answer that comes from reading this task."),
    ),
}
WORDS_AT_LEAST = 20
