"""Answers as people read them: the choices, the marks, the text with its marks. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from annotation import agreement, shown_parts
from annotation.agreement import Result, Span
from annotation.label_config import LabelConfig
from annotation.shown_parts import Drawing, Said

TEXT_KINDS = ("Text", "HyperText", "Paragraphs")
QUOTED_AT_MOST = 300


@dataclass(frozen=True)
class Choice:
    """What was chosen under one control."""

    control: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """A marked passage, in its own words."""

    span: Span
    words: str
    shade: int


@dataclass(frozen=True)
class Piece:
    """A part of a text with the labels that cover it; `ends` are those that end with it."""

    words: str
    labels: tuple[str, ...]
    ends: tuple[str, ...]
    shade: int


@dataclass(frozen=True)
class Shown:
    """One answer, ready for a page."""

    choices: tuple[Choice, ...]
    marks: tuple[Mark, ...]
    pieces: tuple[Piece, ...]
    said: tuple[Said, ...]
    drawings: tuple[Drawing, ...]
    others: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was answered."""
        return not (self.choices or self.marks or self.said or self.others)


def text_of(config: LabelConfig, data: Mapping[str, Any]) -> str:
    """Return the first text that a task shows, or its first value when it shows none."""
    for tag in config.objects.values():
        if tag.kind in TEXT_KINDS and tag.variable and isinstance(data.get(tag.variable), str):
            return str(data[tag.variable])
    return next((str(value) for value in data.values() if isinstance(value, str)), "")


def answer(config: LabelConfig, data: Mapping[str, Any], result: Result) -> Shown:
    """Return an answer as it is shown."""
    in_text = [part for part in result if shown_parts.is_in_text(config, part)]
    spans = sorted(agreement.spans(in_text), key=lambda span: (span.start, span.end, span.label))
    chosen = agreement.choices([part for part in result if shown_parts.is_choice(part)])
    text = text_of(config, data)
    shades = _shades(config)
    parts = shown_parts.read(config, data, result, shades)
    return Shown(
        choices=tuple(Choice(control, values) for control, values in chosen.items()),
        marks=tuple(_mark(span, text, shades) for span in spans),
        pieces=tuple(_pieces(text, spans, shades)) if spans else (),
        said=parts.said,
        drawings=parts.drawings,
        others=parts.unread,
    )


def _mark(span: Span, text: str, shades: Mapping[str, int]) -> Mark:
    words = text[span.start : span.end]
    if len(words) > QUOTED_AT_MOST:
        words = words[:QUOTED_AT_MOST].rstrip() + "…"
    return Mark(span, words, shades.get(span.label, 1))


def _pieces(text: str, spans: Sequence[Span], shades: Mapping[str, int]) -> list[Piece]:
    """Cut a text wherever a mark begins or ends, so that marks may overlap."""
    edges = {0, len(text)}
    edges |= {edge for span in spans for edge in (span.start, span.end) if 0 < edge < len(text)}
    cuts = sorted(edges)
    pieces = []
    for start, end in pairwise(cuts):
        over = [span for span in spans if span.start <= start and end <= span.end]
        pieces.append(
            Piece(
                words=text[start:end],
                labels=tuple(span.label for span in over),
                ends=tuple(span.label for span in over if span.end == end),
                shade=shades.get(over[-1].label, 1) if over else 0,
            )
        )
    return pieces


def _shades(config: LabelConfig) -> dict[str, int]:
    """Give each label one of five shades, in the order of the config."""
    labels = (
        option
        for control in config.controls.values()
        if control.is_labels
        for option in control.options
    )
    return {label: number % 5 + 1 for number, label in enumerate(dict.fromkeys(labels))}
