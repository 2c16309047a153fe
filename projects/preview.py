"""What experts will answer with, in words: the controls of a label config. Pure."""

from dataclasses import dataclass

from flask_babel import gettext as _

from projects import label_config
from projects.label_config import Control


@dataclass(frozen=True)
class Preview:
    """The controls of a config in words, and the fields that each task must have."""

    controls: list[tuple[str, str, tuple[str, ...]]]
    fields: list[str]


def of(config: str) -> Preview:
    """Say what a config asks; nothing when it cannot be read."""
    try:
        controls = label_config.controls(config)
        fields = sorted(label_config.variables(config))
    except label_config.Unreadable:
        return Preview([], [])
    return Preview([(_title(one), _words(one), one.values) for one in controls], fields)


def _title(control: Control) -> str:
    return control.name or control.tag


def _words(control: Control) -> str:
    if control.tag == "Choices":
        words = _("Choose one:") if control.is_single else _("Choose any:")
    elif control.tag.endswith("Labels"):
        words = _("Mark passages or regions as:")
    elif control.tag == "Taxonomy":
        words = _("Choose from a tree:")
    elif control.tag == "Rating":
        words = _("Rate from 1 to %(most)s", most=control.attributes.get("maxRating", "5"))
    elif control.tag == "TextArea":
        words = _("Write in your own words")
    else:
        words = {
            "Number": _("Give a number"),
            "DateTime": _("Give a date"),
            "Pairwise": _("Choose the better of two"),
            "Ranker": _("Put in order"),
        }.get(control.tag, _("Mark regions"))
    return str(words)
