"""Dates and times as the editor writes them, by the format that a config gives. Pure."""

import re
from collections.abc import Iterator
from datetime import datetime

from flask_babel import lazy_gettext as _l

from annotation.label_config import Control
from annotation.problems import Problem

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?")
# What the editor's library and Python write in the same way.
_SHARED = re.compile(r"(%[YmdHMSyjIp%]|[^%])+")


def date_problems(control: Control, answer: str) -> Iterator[Problem]:
    """Yield what is wrong with a date or time."""
    only = control.attributes.get("only", "")
    if only == "time":
        if not _TIME.fullmatch(answer):
            yield _unread(control)
        return
    form = control.attributes.get("format") or _form(only)
    if not _SHARED.fullmatch(form):
        return  # by the name of a month, say, in the language of whoever wrote it
    try:
        day = datetime.strptime(answer, form)  # noqa: DTZ007 - it has no zone, and needs none
    except ValueError:
        yield _unread(control)
        return
    if day.strftime(form) != answer:
        yield _unread(control)
        return
    # Compared as the editor does, which reads these limits as texts.
    iso = day.strftime("%Y" if "year" in only else "%Y-%m-%d").zfill(4)
    low, high = control.attributes.get("min"), control.attributes.get("max")
    if (low and iso < low) or (high and high != "current" and iso > high):
        yield Problem(
            "out_of_range", _l("“%(control)s” is out of its range.", control=control.name)
        )


def _form(only: str) -> str:
    return "%Y-%m-%dT%H:%M" if not only or "time" in only else "%Y-%m-%d"


def _unread(control: Control) -> Problem:
    return Problem(
        "malformed", _l("“%(control)s” holds something unexpected.", control=control.name)
    )
