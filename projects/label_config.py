"""Read Label Studio label configs without trusting them. Pure: text in, facts or problems out.

A config is written by an owner and shown to experts, so it is parsed with defusedxml, held to
the tags that the community editor really registers, and never evaluated.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from flask_babel import gettext as _

LARGEST = 100_000
DEEPEST = 30

DATA_TAGS = frozenset(
    [
        "Audio",
        "AudioPlus",
        "HyperText",
        "Image",
        "List",
        "Paragraphs",
        "Pdf",
        "Table",
        "Text",
        "TimeSeries",
        "Video",
    ]
)
# With valueType="url" a task names a file of the project; an import refuses other addresses.
BY_FILE = frozenset(["HyperText", "Paragraphs", "Table", "Text", "TimeSeries"])
# Each control names the data that it marks with `toName`. The value tells how its values are
# written inside it: <Label>, <Choice>, or not at all.
CONTROLS: Mapping[str, str | None] = MappingProxyType(
    {
        "Choices": "Choice",
        "Taxonomy": "Choice",
        "Labels": "Label",
        "BitmaskLabels": "Label",
        "BrushLabels": "Label",
        "EllipseLabels": "Label",
        "HyperTextLabels": "Label",
        "KeyPointLabels": "Label",
        "ParagraphLabels": "Label",
        "PolygonLabels": "Label",
        "RectangleLabels": "Label",
        "TimeSeriesLabels": "Label",
        "TimelineLabels": "Label",
        "VectorLabels": "Label",
        "Bitmask": None,
        "Brush": None,
        "DateTime": None,
        "Ellipse": None,
        "KeyPoint": None,
        "MagicWand": None,
        "Number": None,
        "Pairwise": None,
        "Polygon": None,
        "Ranker": None,
        "Rating": None,
        "Rectangle": None,
        "TextArea": None,
        "Vector": None,
        "VideoRectangle": None,
    }
)
# The other tags that the editor of Label Studio Community 1.23.2 registers. What is missing here
# (Chat, OcrLabels, ReactCode, …) passes the server's own check and then fails on the expert's page.
OTHER_TAGS = frozenset(
    [
        "Bucket",
        "Channel",
        "Choice",
        "Collapse",
        "Dialog",
        "Filter",
        "Header",
        "Label",
        "Markdown",
        "MultiChannel",
        "PagedView",
        "Panel",
        "Relation",
        "Relations",
        "Shortcut",
        "Style",
        "View",
    ]
)
TAGS = DATA_TAGS | OTHER_TAGS | frozenset(CONTROLS)


@dataclass(frozen=True)
class DataTag:
    """A part of the page that shows data: `<Text name="text" value="$text"/>`."""

    name: str
    tag: str
    variable: str | None
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Control:
    """A part of the page that an expert answers with. `kind` is the `type` of its results."""

    name: str
    tag: str
    to_names: tuple[str, ...]
    values: tuple[str, ...]
    attributes: Mapping[str, str]

    @property
    def kind(self) -> str:
        """The `type` that Label Studio writes in the results of this control."""
        return self.tag.lower()

    @property
    def is_required(self) -> bool:
        """Whether an answer without this control is refused."""
        return self.attributes.get("required", "").lower() == "true"

    @property
    def is_single(self) -> bool:
        """Whether at most one of the values may be chosen."""
        return self.attributes.get("choice", "single").lower().startswith("single")

    @property
    def is_per_region(self) -> bool:
        """Whether the control is answered for each marked region, not once for the task."""
        return self.attributes.get("perRegion", "").lower() == "true"

    @property
    def has_dynamic_values(self) -> bool:
        """Whether the values come with each task (`value="$options"`)."""
        return CONTROLS[self.tag] is not None and "$" in self.attributes.get("value", "")


class Unreadable(ValueError):
    """The config is not XML that may be read. Its text says why, to a person."""


def config_problems(config: str) -> list[str]:
    """All that is wrong with a config, in words, all at once. Empty when it may be used."""
    try:
        root = _parse(config)
    except Unreadable as why:
        return [str(why)]
    return list(dict.fromkeys([*_tag_problems(root), *_name_problems(root), *_use_problems(root)]))


def variables(config: str) -> frozenset[str]:
    """The fields that each task's data must hold: the `$names` of the config."""
    found = (_variable(value) for tag in _parse(config).iter() for value in tag.attrib.values())
    return frozenset(name for name in found if name)


def data_tags(config: str) -> list[DataTag]:
    """The parts of the page that show data, in the order of the page."""
    return list(_data_tags(_parse(config)))


def controls(config: str) -> list[Control]:
    """The parts of the page that an expert answers with, in the order of the page."""
    return list(_controls(_parse(config)))


def _parse(config: str) -> Element:
    if len(config) > LARGEST:
        raise Unreadable(_("The config is too long: %(most)s characters at most.", most=LARGEST))
    try:
        root: Element = ElementTree.fromstring(config.strip(), forbid_dtd=True)
    except ElementTree.ParseError as wrong:
        line, column = wrong.position
        raise Unreadable(
            _(
                "The config is not well-formed XML. Look at line %(line)s, character %(column)s.",
                line=line,
                column=column + 1,
            )
        ) from wrong
    except (DefusedXmlException, ValueError) as wrong:
        raise Unreadable(_("Remove the document type and the entities from the config.")) from wrong
    if _depth(root) > DEEPEST:
        raise Unreadable(_("The tags of the config are nested too deeply."))
    return root


def _depth(root: Element) -> int:
    depth, level = 0, [root]
    while level:
        depth, level = depth + 1, [child for tag in level for child in tag]
    return depth


def _variable(value: str) -> str | None:
    """`text` for `$text`, `$text.body` and `$text[0]`; None for a fixed value."""
    if not value.startswith("$"):
        return None
    return value[1:].split(".")[0].split("[")[0].strip() or None


def _data_tags(root: Element) -> Iterator[DataTag]:
    for tag in root.iter():
        if tag.tag in DATA_TAGS:
            source = tag.get("value") or tag.get("valueList") or ""
            yield DataTag(tag.get("name", ""), tag.tag, _variable(source), dict(tag.attrib))


def _controls(root: Element) -> Iterator[Control]:
    for tag in root.iter():
        if tag.tag in CONTROLS:
            yield Control(
                name=tag.get("name", ""),
                tag=tag.tag,
                to_names=tuple(part.strip() for part in tag.get("toName", "").split(",") if part),
                values=_values(tag),
                attributes=dict(tag.attrib),
            )


def _values(control: Element) -> tuple[str, ...]:
    child = CONTROLS[control.tag]
    if child is None:
        return ()
    # Label Studio writes the alias into results where there is one.
    return tuple((tag.get("alias") or tag.get("value") or "") for tag in control.iter(child))


def _tag_problems(root: Element) -> Iterator[str]:
    if root.tag != "View":
        yield _("Put everything inside one <View> tag.")
    right = {name.lower(): name for name in TAGS}
    for name in dict.fromkeys(str(tag.tag) for tag in root.iter()):
        if name in TAGS:
            continue
        if name.lower() in right:
            yield _("Write <%(tag)s> as <%(right)s>.", tag=name, right=right[name.lower()])
        else:
            yield _("The tag <%(tag)s> cannot be shown by the editor. Remove it.", tag=name)
    for tag in root.iter():
        if (_is_by_address(tag) and not _is_own_file(tag)) or tag.get("apiUrl"):
            yield _(
                "<%(tag)s> would fetch its content from an address. Put the content in the tasks.",
                tag=tag.tag,
            )


def _is_by_address(tag: Element) -> bool:
    return tag.get("valueType", "").lower() == "url"


def _is_own_file(tag: Element) -> bool:
    """Say whether each task names a file of the project, which lies on this instance."""
    return tag.tag in BY_FILE and re.fullmatch(r"\$\w+", tag.get("value", "")) is not None


def _name_problems(root: Element) -> Iterator[str]:
    data, answers = list(_data_tags(root)), list(_controls(root))
    named: list[DataTag | Control] = [*data, *answers]
    if not data:
        yield _("Show something to label: add a tag such as <Text>.")
    if not answers:
        yield _("Let experts answer: add at least one control, such as <Choices> or <Labels>.")
    for nameless in dict.fromkeys(tag.tag for tag in named if not tag.name):
        yield _("Give <%(tag)s> a name.", tag=nameless)
    for name, times in Counter(tag.name for tag in named).items():
        if name and times > 1:
            yield _(
                "The name “%(name)s” is used %(times)s times. Use it once.", name=name, times=times
            )
    yield from _target_problems(answers, {tag.name for tag in data})


def _target_problems(answers: list[Control], shown: set[str]) -> Iterator[str]:
    for control in answers:
        if not control.to_names:
            yield _("Say what “%(name)s” marks: add toName.", name=control.name or control.tag)
        for target in control.to_names:
            if target not in shown:
                yield _(
                    "“%(name)s” marks “%(target)s”, which the config does not show.",
                    name=control.name or control.tag,
                    target=target,
                )


def _use_problems(root: Element) -> Iterator[str]:
    shown = list(_data_tags(root))
    if shown and not any(tag.variable for tag in shown):
        name = shown[0].name or "text"
        yield _('Take “%(name)s” from the tasks: write value="$%(name)s".', name=name)
    for control in _controls(root):
        name = control.name or control.tag
        if CONTROLS[control.tag] is None or control.has_dynamic_values:
            continue
        if not control.values:
            yield _("“%(name)s” has nothing to choose from.", name=name)
        for value, times in Counter(control.values).items():
            if not value:
                yield _("A choice of “%(name)s” has no value.", name=name)
            elif times > 1 and control.tag != "Taxonomy":
                yield _(
                    "“%(name)s” offers “%(value)s” twice. Two that are alike cannot be told apart.",
                    name=name,
                    value=value,
                )
