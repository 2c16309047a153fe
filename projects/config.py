"""Label configs of our own: a few templates that are filled with an owner's words. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import quoteattr

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from projects import label_config

OTHER = "other"
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ufffe\uffff]")
CLAUSES = ("grant", "patent", "redistribution", "warranty", "liability", "termination", OTHER)
PARTS = ("Party", "Obligation")


class Kind(StrEnum):
    """The templates, and `own` for a config that somebody wrote."""

    CLAUSES = "clauses"
    CHOICE = "choice"
    CHOICE_AND_SPANS = "choice-and-spans"
    RATING = "rating"
    FREE_TEXT = "free-text"
    OWN = "own"


@dataclass(frozen=True)
class Template:
    """A template: what it is good for, and which lists fill it."""

    title: LazyString
    words: LazyString
    choices: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()


TEMPLATES: dict[Kind, Template] = {
    Kind.CLAUSES: Template(
        _l("Clauses of a licence"),
        _l("Say what a passage does, and mark the parties and what they must do."),
        CLAUSES,
        PARTS,
    ),
    Kind.CHOICE: Template(
        _l("One choice"), _l("Read a text and choose one answer."), ("yes", "no", "unclear")
    ),
    Kind.CHOICE_AND_SPANS: Template(
        _l("One choice and passages"),
        _l("Choose one answer and mark the passages that show it."),
        ("yes", "no", "unclear"),
        ("Evidence",),
    ),
    Kind.RATING: Template(_l("Rating"), _l("Rate a text from one to five, and say why.")),
    Kind.FREE_TEXT: Template(_l("Free text"), _l("Answer in your own words.")),
    Kind.OWN: Template(
        _l("Your own config"), _l("Write or paste a config in Label Studio’s language.")
    ),
}


def build(kind: Kind, choices: Sequence[str] = (), spans: Sequence[str] = ()) -> str:
    """Return the config of a template, filled."""
    clause, marks = ("clause", "spans") if kind is Kind.CLAUSES else ("answer", "spans")
    parts = {
        Kind.CLAUSES: [_choices(clause, choices), _labels(marks, spans)],
        Kind.CHOICE: [_choices(clause, choices)],
        Kind.CHOICE_AND_SPANS: [_choices(clause, choices), _labels(marks, spans)],
        Kind.RATING: [
            '  <Rating name="rating" toName="text" maxRating="5" required="true"/>',
            '  <TextArea name="reason" toName="text" rows="3" maxSubmissions="1"/>',
        ],
        Kind.FREE_TEXT: [
            '  <TextArea name="answer" toName="text" rows="6" maxSubmissions="1" required="true"/>'
        ],
    }[kind]
    return "\n".join(["<View>", '  <Text name="text" value="$text"/>', *parts, "</View>"])


def filled_with(config: str) -> tuple[Kind, list[str], list[str]]:
    """Return the template and the lists that give a config; `own` when none does."""
    try:
        found = {control.tag: list(control.values) for control in label_config.controls(config)}
    except label_config.Unreadable:
        return Kind.OWN, [], []
    choices, spans = found.get("Choices", []), found.get("Labels", [])
    for kind in (kind for kind in Kind if kind is not Kind.OWN):
        if build(kind, choices, spans) == config.strip():
            return kind, choices, spans
    return Kind.OWN, [], []


def lines(text: str) -> list[str]:
    """Return the lines of a list that somebody typed, without empty ones.

    Signs that nobody sees come along from Word and PDF, and XML may hold none of them.
    """
    found = (_UNSEEN.sub("", line).strip() for line in re.split(r"[\r\n]+", text))
    return [line for line in found if line]


def _choices(name: str, values: Sequence[str]) -> str:
    inside = "\n".join(f"    <Choice value={quoteattr(value)}/>" for value in values)
    return (
        f'  <Choices name="{name}" toName="text" choice="single" required="true">\n'
        f"{inside}\n  </Choices>"
    )


def _labels(name: str, values: Sequence[str]) -> str:
    inside = "\n".join(f"    <Label value={quoteattr(value)}/>" for value in values)
    return f'  <Labels name="{name}" toName="text">\n{inside}\n  </Labels>'
