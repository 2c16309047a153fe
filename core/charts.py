"""Charts as SVG in the page: drawn by pygal, stripped bare, coloured by our stylesheet.

Bars start at zero, guides are horizontal, at most four series; each chart is drawn twice, wide
and for phones, and carries its numbers as a table.
"""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree as ET

import pygal
from markupsafe import Markup
from pygal.style import Style

from core import formats

# pygal hooks into every import for the sake of its maps, with a hook that Python no longer knows.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != "pygal"]

WIDE, HALF, NARROW = (640, 240), (500, 230), (330, 220)
SERIES_AT_MOST = 4
DROPPED = {"defs", "title", "desc", "script"}
DROPPED_CLASSES = {"titles", "legends", "tooltip-overlay", "text-overlay"}
LIVE_CLASSES = {"reactive", "tooltip-trigger", "nofill", "always_show"}
LONG_NUMBER = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class Series:
    """One line or colour of a chart."""

    words: str
    values: Sequence[float]


@dataclass(frozen=True)
class Plan:
    """What to draw: `show` writes the numbers of the axis, `exact` those of the table below.

    `axis` heads the table's first column, `alt` says in words what the chart shows; `half` is for
    a chart that has another beside it. Of many labels every `every`th is written, on phones every
    second of these.
    """

    caption: str
    alt: str
    axis: str
    labels: Sequence[str]
    series: Sequence[Series]
    note: str = ""
    half: bool = False
    every: int = 1
    show: Callable[[float], str] = formats.number
    exact: Callable[[float], str] | None = None

    @property
    def rows(self) -> list[list[str]]:
        """The numbers as a table."""
        write = self.exact or self.show
        columns = zip(*(line.values for line in self.series), strict=True)
        return [
            [label, *map(write, values)] for label, values in zip(self.labels, columns, strict=True)
        ]


@dataclass(frozen=True)
class Figure:
    """A chart as it stands in a page: drawn wide and for phones."""

    plan: Plan
    wide: Markup
    narrow: Markup


def bars(plan: Plan) -> Figure:
    """Draw bars; several series are stacked."""
    return _figure(pygal.StackedBar if len(plan.series) > 1 else pygal.Bar, plan)


def lines(plan: Plan) -> Figure:
    """Draw lines; the second is dashed."""
    return _figure(pygal.Line, plan)


def sideways(plan: Plan) -> Figure:
    """Draw one bar below the other, the first on top: for labels that are long or many."""
    upended = replace(
        plan,
        labels=plan.labels[::-1],
        series=[Series(line.words, line.values[::-1]) for line in plan.series],
    )
    high = 40 + 34 * len(plan.labels)
    wide, narrow = (
        _clean(_drawn(pygal.HorizontalBar, upended, size, 1), size, class_, plan.alt)
        for size, class_ in (
            ((WIDE[0], high), "d-none d-md-block"),
            ((NARROW[0], high), "d-md-none"),
        )
    )
    return Figure(plan, wide, narrow)


def _figure(kind: type[Any], plan: Plan) -> Figure:
    if len(plan.series) > SERIES_AT_MOST:
        raise ValueError("a chart has at most four series; fold the rest or use a table")
    size = HALF if plan.half else WIDE
    wide = _clean(_drawn(kind, plan, size, plan.every), size, "d-none d-md-block", plan.alt)
    narrow = _clean(_drawn(kind, plan, NARROW, 2 * plan.every), NARROW, "d-md-none", plan.alt)
    return Figure(plan, wide, narrow)


def _drawn(kind: type[Any], plan: Plan, size: tuple[int, int], every: int) -> ET.Element:
    """Draw once; `every` second label on phones, so that the words keep their size."""
    ticks = _ticks(_top(plan.series, stacked=kind is pygal.StackedBar))
    chart = kind(
        width=size[0],
        height=size[1],
        js=[],
        style=Style(font_family="inherit", label_font_size=13, major_label_font_size=13),
        show_legend=False,
        show_x_guides=False,
        margin=6,
        margin_right=24 if kind is pygal.Line else 6,
        spacing=8,
        print_values=False,
        zero=0,
        range=(0, ticks[-1]),
        y_labels=ticks,
        y_labels_major=[],
        value_formatter=plan.show,
        truncate_label=-1,
        show_minor_x_labels=every == 1,
        x_labels_major_every=every,
        dots_size=2.5,
        disable_xml_declaration=True,
    )
    chart.x_labels = list(plan.labels)
    for line in plan.series:
        chart.add(line.words, list(line.values))
    return ET.fromstring(chart.render(is_unicode=True))  # noqa: S314 - drawn by ourselves just now


def _top(series: Sequence[Series], *, stacked: bool) -> float:
    if stacked:
        return max(
            (sum(column) for column in zip(*(s.values for s in series), strict=True)), default=0
        )
    return max((max(line.values, default=0) for line in series), default=0)


def _ticks(top: float) -> list[float]:
    """Return round steps from zero to the top or just above: at most six."""
    if top <= 0:
        return [0, 1]
    step = 10.0**-3
    while top / step > 5:
        step *= 2.5 if f"{step:e}".startswith("2") else 2
    count = int(-(-top // step))
    return [round(step * i, 6) for i in range(count + 1)]


def _clean(tree: ET.Element, size: tuple[int, int], class_: str, alt: str) -> Markup:
    _strip(tree)
    for name in list(tree.attrib):
        del tree.attrib[name]
    tree.attrib.update(
        {
            "class": f"pygal-chart {class_}",
            "viewBox": f"0 0 {size[0]} {size[1]}",
            "role": "img",
            "aria-label": alt,
        }
    )
    return Markup(ET.tostring(tree, encoding="unicode"))  # noqa: S704 - serialised, so escaped


def _strip(element: ET.Element) -> None:
    """Leave shapes and texts only: no style, script, id or hidden value."""
    element.tag = element.tag.rpartition("}")[2]
    for child in list(element):
        _strip(child)
        classes = set(child.get("class", "").split())
        empty = child.tag == "g" and not len(child)
        if child.tag in DROPPED or classes & DROPPED_CLASSES or empty:
            element.remove(child)
    for name, value in list(element.attrib.items()):
        if name in {"id", "style", "rx", "ry"} or "}" in name:
            del element.attrib[name]
        elif name == "class":
            element.attrib[name] = " ".join(c for c in value.split() if c not in LIVE_CLASSES)
        else:
            element.attrib[name] = LONG_NUMBER.sub(lambda n: f"{float(n[0]):.1f}", value)
