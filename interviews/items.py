"""The item bank: questions in English and French with their keys, checks, sources and rules.

A bank is a file of `interviews/bank/`, checked when it is read, so that a `Bank` can be trusted.
Keys and explanations stay on the server: `forms` and the templates never send them to a page.
"""

import hashlib
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from experts.fields import Field as Knowledge

FOLDER = Path(__file__).resolve().parent / "bank"

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Share = Annotated[float, Field(ge=0, le=1)]
Asked = TypeVar("Asked", bound=BaseModel)


class Part(BaseModel):
    """A piece of a bank: unchangeable, and nothing in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Text(Part):
    """The same words in both languages."""

    en: Words
    fr: Words

    def in_(self, language: str) -> str:
        """Return the words in a language, in English where we have no other."""
        return self.fr if language == "fr" else self.en


class Passage(Part):
    """A text to read before the question, and where it comes from."""

    text: Text
    source: Text


def _several(options: dict[Key, Text]) -> dict[Key, Text]:
    if not 3 <= len(options) <= 8:
        raise ValueError("a question has three to eight options")
    for language in ("en", "fr"):
        if len({text.in_(language).casefold() for text in options.values()}) != len(options):
            raise ValueError(f"two options read the same in {language}")
    return options


Options = Annotated[dict[Key, Text], AfterValidator(_several)]


class Single(Part):
    """One option is right."""

    kind: Literal["single"]
    prompt: Text
    options: Options
    answer: Key

    @model_validator(mode="after")
    def _check(self) -> Self:
        return _keyed(self, [self.answer])


class Multiple(Part):
    """Several options are right, and at least one is wrong."""

    kind: Literal["multiple"]
    prompt: Text
    options: Options
    answer: list[Key] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.answer) == len(self.options):
            raise ValueError("at least one option must be wrong")
        return _keyed(self, self.answer)


class Ordering(Part):
    """All options, to be put in order. They must not be listed in that order in the file."""

    kind: Literal["ordering"]
    prompt: Text
    options: Options
    answer: list[Key]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sorted(self.answer) != sorted(self.options):
            raise ValueError("the answer must name every option once")
        if self.answer == sorted(self.answer):
            raise ValueError("the names of the options give the order away")
        return _keyed(self, self.answer)


class Numeric(Part):
    """A number, right within a tolerance."""

    kind: Literal["numeric"]
    prompt: Text
    unit: Text
    answer: float
    tolerance: float = Field(default=0, ge=0)


class Sentence(Part):
    """The one sentence of a passage that is wrong; sentences keep their order."""

    kind: Literal["sentence"]
    prompt: Text
    options: Options
    answer: Key

    @model_validator(mode="after")
    def _check(self) -> Self:
        return _keyed(self, [self.answer])


class Check(Part):
    """A yes-or-no point that an answer in words makes; `interviews.evidence` reads the forms."""

    words: Text
    forms: list[Words] = Field(min_length=1)


class Short(Part):
    """An answer in a few sentences, read by checks; so many met checks make the full point."""

    kind: Literal["short"]
    prompt: Text
    checks: dict[Key, Check] = Field(min_length=2)
    needed: int = Field(ge=1)
    accepted: Text
    refused: Text

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.needed > len(self.checks):
            raise ValueError("more checks are needed than there are")
        return self


class Case(Part):
    """Several questions on one text, answered on one page."""

    kind: Literal["case"]
    prompt: Text
    parts: dict[Key, Annotated[Single | Multiple | Numeric, Field(discriminator="kind")]] = Field(
        min_length=2, max_length=4
    )


Closed = Single | Multiple | Ordering | Numeric | Sentence
Question = Closed | Short | Case


class Item(Part):
    """A question with what is known about it."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}-\d{3,5}$")]
    competency: Key
    core: Literal["A", "B"] | None = None
    difficulty: float = Field(ge=-3, le=3)
    discrimination: float = Field(default=1.0, ge=0.2, le=3)
    exposure_cap: Share = 0.4
    sources_allowed: bool = False
    seconds: int = Field(ge=20, le=600)
    title: Text
    passage: Passage | None = None
    question: Annotated[Question, Field(discriminator="kind")]
    explanation: Text
    source: Words
    reveal: bool = False

    @property
    def kind(self) -> str:
        """The kind of its question."""
        return self.question.kind


class Competency(Part):
    """A part of a field that is measured by itself."""

    label: Text
    about: Text


class Rule(Part):
    """How points become an outcome: mark of the whole, floor of each competency, certainty."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}-\d+$")]
    version: int = Field(ge=1)
    pass_mark: Share
    floor: Share
    certainty: Annotated[float, Field(gt=0.5, lt=1)]
    contest_days: int = Field(ge=7)

    @property
    def name(self) -> str:
        """How the rule is cited in a decision."""
        return f"{self.code}/{self.version}"

    def floor_of(self, competency: str) -> float:
        """Return the floor of a competency; templates may set one for each (`interviews.terms`)."""
        return self.floor


class Retakes(Part):
    """When an interview may be taken again; one left before its first answer never counts."""

    attempts: int = Field(ge=1)
    within_days: int = Field(ge=1)
    delay_days: int = Field(ge=0)
    delay_days_unfinished: int = Field(ge=0)


class Adaptive(Part):
    """How many questions an interview has at least and at most that ends when enough is known."""

    least: int = Field(ge=1)
    most: int = Field(ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.least > self.most:
            raise ValueError("the longest interview is shorter than the shortest")
        return self


class Template(Part):
    """How long an interview is and for how long it stays open.

    With `adaptive` the questions follow from the answers, else from the lot: `per_competency` each.
    """

    per_competency: int = Field(ge=1)
    adaptive: Adaptive | None = None
    minutes: int = Field(ge=5)
    open_hours: int = Field(ge=1)


class Bank(Part):
    """All items of a field, and the rules under which they are asked.

    Those of `retired` are asked no more; they stay, so that no other takes their id.
    """

    field: Knowledge
    version: int = Field(ge=1)
    template: Template
    rule: Rule
    retakes: Retakes
    competencies: dict[Key, Competency] = Field(min_length=2)
    items: list[Item]
    retired: list[Item] = []

    @model_validator(mode="after")
    def _check(self) -> Self:
        _once("id", (item.id for item in [*self.items, *self.retired]))
        for language in ("en", "fr"):
            _once("prompt", (_asked(item, language) for item in self.items))
        for key in self.competencies:
            _check_competency(key, self.of(key), self.template.per_competency)
        adaptive = self.template.adaptive
        if adaptive and not len(self.competencies) <= adaptive.least <= len(self.items) / 2:
            raise ValueError("the shortest interview asks once in each competency, at least")
        unknown = {item.competency for item in self.items} - set(self.competencies)
        if unknown:
            raise ValueError(f"no such competency: {', '.join(sorted(unknown))}")
        return self

    def of(self, competency: str) -> list[Item]:
        """Return the items of a competency."""
        return [item for item in self.items if item.competency == competency]

    def item(self, item_id: str) -> Item:
        """Return an item by its id."""
        return next(item for item in self.items if item.id == item_id)

    @property
    def weights(self) -> dict[str, float]:
        """How much each competency counts; none where all count alike (`interviews.terms`)."""
        return {}

    @property
    def must_cover(self) -> frozenset[str]:
        """The items that everybody gets, beside the core items (`interviews.terms`)."""
        return frozenset()

    @property
    def asks_others(self) -> bool:
        """Whether somebody who comes again gets other questions, as far as there are any."""
        return True

    @property
    def follow_ups(self) -> int:
        """How many questions a language model may ask after an answer in words, at most."""
        return 2

    @property
    def origin(self) -> str:
        """The edition that its items come from (`interviews.terms`)."""
        return self.digest

    @property
    def kinds(self) -> frozenset[str]:
        """Which kinds of questions may be asked."""
        return frozenset(item.kind for item in self.items)

    @property
    def questions(self) -> int:
        """How many questions an interview has, at most."""
        if self.template.adaptive is not None:
            return self.template.adaptive.most
        return self.template.per_competency * len(self.competencies)

    @property
    def questions_least(self) -> int:
        """How many questions it has at least."""
        return self.template.adaptive.least if self.template.adaptive else self.questions

    def minutes(self, questions: int) -> int:
        """Return how long so many questions take on average."""
        seconds = sum(item.seconds for item in self.items) / len(self.items)
        return max(1, round(seconds * questions / 60))

    @cached_property
    def digest(self) -> str:
        """What tells this edition from every other."""
        # Without what came later than the first editions, where there is none of it.
        later = {"retired"} if not self.retired else set()
        return hashlib.sha256(self.model_dump_json(exclude=later).encode()).hexdigest()


def read(file: Path) -> Bank:
    """Read and check a bank."""
    return Bank.model_validate_json(file.read_bytes())


@cache
def banks() -> dict[Knowledge, Bank]:
    """Return the starter banks, as they came with this version (`banks.current` is what counts)."""
    found = [read(file) for file in sorted(FOLDER.glob("*.json"))]
    return {bank.field: bank for bank in found}


def _keyed(question: Asked, answer: list[str]) -> Asked:
    options: dict[str, Any] = question.options  # type: ignore[attr-defined]
    if not set(answer) <= set(options):
        raise ValueError("the answer names an option that is not there")
    if len(set(answer)) != len(answer):
        raise ValueError("the answer names an option twice")
    return question


def _once(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"two items have the same {what}: {value}")
        seen.add(value)


def _asked(item: Item, language: str) -> str:
    passage = item.passage.text.in_(language) if item.passage else ""
    return " ".join(f"{passage} {item.question.prompt.in_(language)}".casefold().split())


def _check_competency(key: str, items: list[Item], needed: int) -> None:
    # The core item of the other series is not asked.
    if len(items) - 1 < needed:
        raise ValueError(f"{key} has fewer items than an interview asks")
    for series in ("A", "B"):
        if sum(item.core == series for item in items) != 1:
            raise ValueError(f"{key} needs exactly one core item of series {series}")
