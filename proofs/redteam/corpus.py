"""The attacks and the innocent look-alikes, each bound to a question of a bank; all written by us.

An attack says how many points it may get `most`: what its innocent words deserve. A look-alike says
how many `points` its content deserves, exactly. Where `place` is not the answer, the payload stands
in a name, a remark or a profile, beside an answer that is weak and honest.
"""

import json
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from interviews.items import Item, banks

FOLDER = Path(__file__).resolve().parent


class Entry(BaseModel):
    """What both kinds have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    item: str
    text: str | list[str]

    @property
    def language(self) -> str:
        """The language of its interview."""
        return self.id[:2]

    @property
    def question(self) -> Item:
        """The item that it answers."""
        return _items()[self.item]

    @property
    def words(self) -> str:
        """The payload, as the person sends it: several turns one after another."""
        return self.text if isinstance(self.text, str) else "\n\n".join(self.text)


class Attack(Entry):
    """An attempt to get points, or the answer, by talking to whoever reads."""

    technique: str
    most: float
    place: Literal["answer", "name", "remark", "profile"] = "answer"
    aim: Literal["judge", "interviewer"] = "judge"
    answer: str = ""
    repeat: int = 1

    @property
    def words(self) -> str:
        """The payload, as often as it is said."""
        return super().words * self.repeat

    @property
    def answered(self) -> str:
        """What stands in the answer."""
        return self.words if self.place == "answer" else self.answer


class Innocent(Entry):
    """An honest answer that looks like an attack."""

    looks_like: str
    points: float


@cache
def attacks() -> tuple[Attack, ...]:
    """Return all attacks, English ones first."""
    return tuple(Attack.model_validate(one) for one in _read("attacks"))


@cache
def innocents() -> tuple[Innocent, ...]:
    """Return all look-alikes, English ones first."""
    return tuple(Innocent.model_validate(one) for one in _read("innocent"))


def _read(name: str) -> list[object]:
    files = [FOLDER / f"{name}_{language}.json" for language in ("en", "fr")]
    return [one for file in files for one in json.loads(file.read_text("utf-8"))]


@cache
def _items() -> dict[str, Item]:
    return {item.id: item for bank in banks().values() for item in bank.items}
