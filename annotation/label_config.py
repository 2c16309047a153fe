"""Label configs: what a Label Studio XML config asks for, and what is wrong with one.

Pure, and without Label Studio's SDK: web workers read configs at every claim and submission and
must stay small. A config comes from an owner and is read as hostile: no entities, no DTD, a cap
on its size.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException, ElementTree

from annotation.label_tags import (
    CONTROLS,
    ENTERPRISE,
    LABEL_KINDS,
    OBJECTS,
    OPTION_TAGS,
    OTHERS,
)

MAX_SIZE = 100_000
MAX_DEPTH = 40
_VARIABLE = re.compile(r"\$(\w+)")


class Unreadable(ValueError):
    """The config is not XML that we are willing to read."""


@dataclass(frozen=True)
class ObjectTag:
    """A tag that shows something of the task, such as `Text`."""

    name: str
    kind: str
    attributes: Mapping[str, str]

    @property
    def variable(self) -> str | None:
        """The field of the task's data that it shows, when it shows exactly one."""
        value = self.attributes.get("valuelist") or self.attributes.get("value") or ""
        match = _VARIABLE.fullmatch(value)
        return match[1] if match else None


@dataclass(frozen=True)
class Control:
    """A tag that people answer with, such as `Choices`."""

    name: str
    kind: str
    to_names: tuple[str, ...]
    attributes: Mapping[str, str]
    options: tuple[str, ...] = ()
    paths: frozenset[tuple[str, ...]] = frozenset()
    within: tuple[Mapping[str, str], ...] = field(default=())

    def is_on(self, attribute: str) -> bool:
        """Return whether a yes-or-no attribute says yes."""
        return self.attributes.get(attribute, "").lower() == "true"

    @property
    def required(self) -> bool:
        """Whether people must answer it."""
        return self.is_on("required")

    @property
    def is_multiple(self) -> bool:
        """Whether it takes several options at once."""
        return self.attributes.get("choice", "") == "multiple"

    @property
    def is_dynamic(self) -> bool:
        """Whether its options come with each task."""
        return self.attributes.get("value", "").startswith("$")

    @property
    def is_labels(self) -> bool:
        """Whether it marks regions with labels."""
        return self.kind in LABEL_KINDS


@dataclass(frozen=True)
class LabelConfig:
    """A config, read."""

    root: Element
    controls: Mapping[str, Control]
    objects: Mapping[str, ObjectTag]

    @cached_property
    def variables(self) -> list[str]:
        """The fields of the task's data that the config shows, in its own order."""
        found = (
            name
            for element in self.root.iter()
            for value in element.attrib.values()
            for name in _VARIABLE.findall(value)
        )
        return list(dict.fromkeys(found))

    @cached_property
    def relation_options(self) -> frozenset[str]:
        """The names that a relation between two regions may carry."""
        return frozenset(
            name
            for element in self.root.iter("Relation")
            if (name := element.get("alias") or element.get("value"))
        )

    def buckets(self, name: str) -> frozenset[str]:
        """Return the columns of a ranking into which things are sorted; none where all are."""
        return frozenset(
            bucket.get("name") or ""
            for ranker in self.root.iter("Ranker")
            if ranker.get("name") == name
            for bucket in ranker.iter("Bucket")
        )

    def most_uses(self, name: str) -> Mapping[str, int]:
        """Return how often each label of a control may be set, where that is limited."""
        control = self.controls[name]
        limits: dict[str, int] = {}
        for element in self.root.iter(control.kind):
            if element.get("name") != name:
                continue
            whole = control.attributes.get("maxusages", "")
            for label in element.iter("Label"):
                limit = _lower(label).get("maxusages") or whole
                value = label.get("alias") or label.get("value")
                if value and limit.isdecimal() and int(limit):
                    limits[value] = int(limit)
        return limits

    @cached_property
    def required_variables(self) -> list[str]:
        """The fields without which a task cannot be shown."""
        names = (tag.variable for tag in self.objects.values())
        return list(dict.fromkeys(name for name in names if name))


@lru_cache(maxsize=256)
def parse(config: str) -> LabelConfig:
    """Read a config, or raise `Unreadable`. Safe on hostile XML."""
    root = _root(config)
    parents = {child: parent for parent in root.iter() for child in parent}
    controls: dict[str, Control] = {}
    objects: dict[str, ObjectTag] = {}
    for element in root.iter():
        name = element.get("name")
        if element.tag in CONTROLS and name and element.get("toName"):
            controls[name] = _control(element, parents)
        elif element.tag in OBJECTS and name:
            objects[name] = ObjectTag(name, element.tag, _lower(element))
    return LabelConfig(root, controls, objects)


def variables(config: str) -> list[str]:
    """List the fields of the task's data that a config shows; none when it cannot be read."""
    try:
        return parse(config).variables
    except Unreadable:
        return []


def for_editor(config: str) -> str:
    """Return the config as the sandboxed editor needs it.

    HyperText that is not inline is drawn in a nested frame, whose document the editor cannot
    reach from an opaque origin.
    """
    root = _root(config)
    found = [element for element in root.iter("HyperText") if element.get("inline") != "true"]
    for element in found:
        element.set("inline", "true")
    return tostring(root, encoding="unicode") if found else config


def unknown_tags(parsed: LabelConfig) -> Iterator[str]:
    """Yield the tags that Label Studio Community's editor cannot show."""
    known = CONTROLS | OBJECTS | OPTION_TAGS | OTHERS
    for element in parsed.root.iter():
        tag = str(element.tag)
        if tag not in known and tag not in ENTERPRISE:
            yield tag


def _root(config: str) -> Element:
    if len(config) > MAX_SIZE:
        raise Unreadable("too long")
    try:
        root: Element = ElementTree.fromstring(config.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as problem:
        raise Unreadable(str(problem)) from None
    if _depth(root) > MAX_DEPTH:
        raise Unreadable("too deep")
    return root


def _depth(root: Element) -> int:
    # By levels and not by recursion: a hostile config may be as deep as it is long.
    depth, level = 0, [root]
    while level and depth <= MAX_DEPTH:
        depth, level = depth + 1, [child for element in level for child in element]
    return depth


def _control(element: Element, parents: Mapping[Element, Element]) -> Control:
    paths = tuple(_paths(element, ()))
    return Control(
        name=element.attrib["name"],
        kind=element.tag,
        to_names=tuple(name.strip() for name in element.attrib["toName"].split(",")),
        attributes=_lower(element),
        options=tuple(path[-1] for path in paths),
        paths=frozenset(paths),
        within=tuple(_lower(parent) for parent in _ancestors(element, parents)),
    )


def _paths(element: Element, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the options below a control, each with the options above it."""
    for child in element:
        value = child.get("alias") or child.get("value")
        if child.tag in OPTION_TAGS and value:
            if _lower(child).get("selectable", "").lower() != "false":
                yield (*above, value)
            yield from _paths(child, (*above, value))
        else:
            yield from _paths(child, above)


def _ancestors(element: Element, parents: Mapping[Element, Element]) -> Iterator[Element]:
    while element in parents:
        element = parents[element]
        yield element


def _lower(element: Element) -> dict[str, str]:
    # The editor reads the names of attributes without regard to case.
    return {name.lower(): value for name, value in element.attrib.items()}


def repeated(names: list[Any]) -> list[Any]:
    """Return the names that appear more than once."""
    ordered = sorted(names)
    return sorted({left for left, right in pairwise(ordered) if left == right})
