"""Requirements and reasons of the matching rule in words, for the expert and for the owner."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from core import formats
from experts import places
from experts.fields import Field
from projects import matching
from projects.models import Project


@dataclass(frozen=True)
class Explained:
    """A part of the score: what counted, how much, and because of what."""

    title: str
    weight: int
    points: int
    because: str


def explained(reasons: Iterable[dict[str, Any]]) -> list[Explained]:
    """Say the reasons of an invitation in words."""
    return [
        Explained(_title(reason), reason["weight"], reason["points"], _because(reason))
        for reason in reasons
    ]


def requirements(project: Project) -> list[str]:
    """Say what a project asks of everybody whom it invites."""
    return [_requirement(fact) for fact in matching.requirements(project)]


def _title(reason: dict[str, Any]) -> str:
    titles = {
        "interview": _("Interview"),
        "practice": _("Years of practice"),
        "language": _("Language of the texts"),
        "newcomer": _("Share for newcomers"),
    }
    return str(titles[reason["what"]])


def _because(reason: dict[str, Any]) -> str:
    what = reason["what"]
    if what == "interview":
        passed = formats.day(datetime.fromisoformat(reason["passed_at"]))
        return str(_("%(level)s of 100, passed %(day)s", level=reason["level"], day=passed))
    if what == "practice":
        if reason["years"] is None:
            return str(_("No years in this field on the profile"))
        return str(ngettext("%(num)s year", "%(num)s years", reason["years"]))
    if what == "language":
        return places.language_name(reason["language"], formats.locale())
    if reason["points"]:
        return str(_("In no project in the last %(days)s days", days=matching.NEW_FOR.days))
    return str(_("Takes part in a project already"))


def _requirement(fact: dict[str, Any]) -> str:
    here = formats.locale()
    if fact["what"] == "skill":
        field = Field(fact["field"]).label
        words = _(
            "An interview passed in %(field)s, at %(level)s of 100 or more",
            field=str(field).lower(),
            level=fact["level"],
        )
        return str(words)
    if fact["what"] == "years":
        years = fact["years"]
        return str(
            ngettext("%(num)s year of practice or more", "%(num)s years of practice or more", years)
        )
    if fact["what"] == "language":
        return str(
            _("Works in %(language)s", language=places.language_name(fact["language"], here))
        )
    names = ", ".join(places.country_name(code, here) for code in fact["countries"])
    return str(_("Practises in one of these: %(countries)s", countries=names))
