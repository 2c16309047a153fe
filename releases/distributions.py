"""The statistics of a release as people read them: columns in words, histograms and charts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _

from core import charts, formats
from releases import shown
from releases.models import Release

LABELS = 20
WIDTH, HEIGHT, GAP = 240, 56, 2


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram: what it counts, how many, and where it is drawn."""

    low: str
    high: str
    count: int
    x: float
    y: float
    width: float
    height: float

    @property
    def words(self) -> str:
        """What it counts."""
        return str(_("%(low)s to %(high)s", low=self.low, high=self.high))


@dataclass(frozen=True)
class Column:
    """A column: what it is, what it holds, and how that is spread."""

    name: str
    type: str
    terms: list[tuple[str, str]]
    bars: list[Bar]
    bars_of: str
    top: list[tuple[str, int, float]]


@dataclass(frozen=True)
class Labels:
    """How often each label is given in each split: rows and shares in percent."""

    rows: list[tuple[str, list[tuple[int, float]]]]
    chart: charts.Figure | None
    more: int


def columns(release: Release, counted: Mapping[str, Any]) -> list[Column]:
    """Return the columns: what experts said first, then the data, then what says how it came."""
    order = ("label", "confidence", "agreement")
    found = [_column(one) for one in counted["columns"]]
    first = [one for name in order for one in found if one.name == name]
    return first + [one for one in found if one.name not in order]


def labels(release: Release, counted: Mapping[str, Any]) -> Labels | None:
    """Return how the labels are spread over the splits; None where there is none."""
    splits = [one for one in shown.splits_of(release) if one in counted["labels"]]
    by_split = [counted["labels"][one] for one in splits]
    sums: dict[str, int] = {}
    for some in by_split:
        for label, count in some.items():
            sums[label] = sums.get(label, 0) + count
    if not set(sums) - {""}:
        return None
    order = sorted(sums, key=lambda one: (-sums[one], one))
    sizes = [sum(some.values()) or 1 for some in by_split]
    rows = [
        (
            label or _("(none)"),
            [
                (some.get(label, 0), some.get(label, 0) / size)
                for some, size in zip(by_split, sizes, strict=True)
            ],
        )
        for label in order[:LABELS]
    ]
    return Labels(rows, _chart(splits, rows), max(0, len(order) - LABELS))


def _chart(splits: list[str], rows: list[tuple[str, list[tuple[int, float]]]]) -> charts.Figure:
    return charts.sideways(
        charts.Plan(
            caption=_("Share of each label, by split"),
            alt=_(
                "%(caption)s. The numbers are in the table below the chart.",
                caption=_("Share of each label, by split"),
            ),
            axis=_("Label"),
            labels=[_cut(label) for label, _shares in rows],
            series=[
                charts.Series(split, [100 * shares[place][1] for _label, shares in rows])
                for place, split in enumerate(splits)
            ],
            show=lambda value: formats.percent(value / 100),
            exact=lambda value: formats.percent(value / 100, 1),
        )
    )


def _column(one: Mapping[str, Any]) -> Column:
    bars = one["histogram"]
    return Column(
        one["name"],
        one["type"],
        _terms(one),
        _bars(one, bars) if bars else [],
        _bars_of(one["measure"]),
        [(value or _("(none)"), many, many / one["rows"]) for value, many in one["top"]],
    )


def _terms(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    missing = _("none")
    if one["missing"]:
        share = formats.percent(one["missing"] / one["rows"], 1)
        missing = f"{formats.number(one['missing'])} ({share})"
    found = [(_("Missing"), missing)]
    if one["distinct"] is not None:
        found.append((_("Different values"), formats.number(one["distinct"])))
    elif one["measure"] in ("characters", "value", "time"):
        found.append((_("Different values"), _("more than %(most)s", most=formats.number(10_000))))
    if one["mean"] is not None:
        found.append((_range_of(one["measure"]), _range(one)))
    return found


def _range(one: Mapping[str, Any]) -> str:
    low, high, mean = (_written(one, one[name]) for name in ("min", "max", "mean"))
    if one["measure"] == "time":
        return str(_("%(low)s to %(high)s", low=low, high=high))
    return str(_("%(low)s to %(high)s, on average %(mean)s", low=low, high=high, mean=mean))


def _range_of(measure: str) -> str:
    words = {
        "items": _("Items in a row"),
        "characters": _("Characters"),
        "time": _("When"),
    }
    return str(words.get(measure, _("Value")))


def _bars_of(measure: str) -> str:
    words = {
        "items": _("Rows by number of items"),
        "characters": _("Rows by length in characters"),
        "time": _("Rows by time"),
    }
    return str(words.get(measure, _("Rows by value")))


def _bars(one: Mapping[str, Any], found: Mapping[str, list[float]]) -> list[Bar]:
    counts = [int(count) for count in found["counts"]]
    most, step = max(counts) or 1, WIDTH / len(counts)
    made = []
    for place, count in enumerate(counts):
        low, high = (_written(one, found["edges"][place + more]) for more in (0, 1))
        # What is there can be seen, however little it is.
        height = max(1.5, HEIGHT * count / most) if count else 0
        x = place * step + GAP / 2
        made.append(
            Bar(
                low,
                high,
                count,
                round(x, 1),
                round(HEIGHT - height, 1),
                step - GAP,
                round(height, 1),
            )
        )
    return made


def _written(one: Mapping[str, Any], value: float) -> str:
    if one["measure"] == "time":
        return formats.day(datetime.fromtimestamp(value / 1e6, UTC))
    if one["measure"] in ("items", "characters") or value == int(value):
        digits = 0 if value == int(value) else 1
        return formats.number(value, digits)
    return formats.number(value, 2)


def _cut(label: str) -> str:
    return label if len(label) <= 40 else label[:39].rstrip() + "…"
