"""The items of a bank as a list: searched, filtered and sorted, with how each of them fares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interviews import evidence
from interviews.bank_check import Content, leaves
from interviews.bank_check import Problem as Wrong
from interviews.bank_forms import new_item
from interviews.statistics import ItemFigures

LANGUAGES = ("en", "fr")
NO_LETTERS = ("kind",)


@dataclass(frozen=True)
class Line:
    """An item in the list."""

    item: Content
    is_retired: bool
    problems: int
    figures: ItemFigures | None

    @property
    def id(self) -> str:
        """Its number."""
        return str(self.item.get("id"))

    @property
    def kind(self) -> str:
        """The kind of its question."""
        return str(self.item["question"].get("kind"))

    def title(self, language: str) -> str:
        """Its title, in the other language where it lacks this one."""
        title = self.item.get("title") or {}
        other = "fr" if language == "en" else "en"
        return title.get(language) or title.get(other) or ""

    def lacks(self, language: str) -> bool:
        """Whether words are missing in a language."""
        return any(not value for path, value in leaves(self.item) if path.endswith(f".{language}"))


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for."""

    words: str = ""
    competency: str = ""
    kind: str = ""
    lacks: str = ""
    core: str = ""
    state: str = "asked"
    sort: str = "number"

    @classmethod
    def of(cls, args: Mapping[str, str]) -> "Wanted":
        """Read what stands in an address."""
        names = ("competency", "kind", "lacks", "core", "state", "sort")
        found = {name: args[name] for name in names if args.get(name)}
        return cls(words=args.get("q", "").strip()[:200], **found)

    def fits(self, line: Line) -> bool:
        """Return whether an item is what is looked for."""
        item = line.item
        if self.state != "all" and line.is_retired != (self.state == "retired"):
            return False
        if self.state == "wrong" and not line.problems:
            return False
        if self.competency and item.get("competency") != self.competency:
            return False
        if self.kind and line.kind != self.kind:
            return False
        if self.core and (item.get("core") or "none") != self.core:
            return False
        if self.lacks in LANGUAGES and not line.lacks(self.lacks):
            return False
        return not self.words or _says(item, self.words)


def lines(
    content: Content, problems: Sequence[Wrong], figures: Mapping[str, ItemFigures]
) -> list[Line]:
    """Return all items of a bank under work."""
    counts: dict[str | None, int] = {}
    for problem in problems:
        counts[problem.item] = counts.get(problem.item, 0) + 1
    return [
        Line(item, is_retired, counts.get(item.get("id"), 0), figures.get(item.get("id", "")))
        for name, is_retired in (("items", False), ("retired", True))
        for item in content[name]
    ]


def chosen(all_lines: list[Line], wanted: Wanted) -> list[Line]:
    """Return what is looked for, in the order asked for."""
    key = SORTS.get(wanted.sort, SORTS["number"])
    return sorted((line for line in all_lines if wanted.fits(line)), key=key)


def is_untouched(item: Content) -> bool:
    """Return whether nothing is written in an item yet."""
    kind = item["question"].get("kind", "")
    bare = new_item(item["id"], kind, item.get("competency", "")) if kind else {}
    return item == bare


def _figure(name: str) -> Callable[[Line], Any]:
    def key(line: Line) -> Any:
        found = getattr(line.figures, name) if line.figures else None
        return (found is None, -(found or 0) if name == "given" else (found or 0), line.id)

    return key


def _difficulty(line: Line) -> Any:
    found = line.item.get("difficulty")
    return (not isinstance(found, int | float), found if isinstance(found, int | float) else 0)


SORTS: dict[str, Callable[[Line], Any]] = {
    "number": lambda line: line.id,
    "difficulty": _difficulty,
    "given": _figure("given"),
    "points": _figure("points"),
    "goes_with": _figure("goes_with"),
}


def _says(item: Content, words: str) -> bool:
    wanted = evidence.plain(words).split()
    said = evidence.plain(" ".join(str(value) for _path, value in leaves(item)))
    return all(f" {word}" in said for word in wanted)
