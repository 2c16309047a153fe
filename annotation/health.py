"""What the operator page says of annotation: work samples that wait for people of projects."""

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from annotation import sample_waiting
from core import formats
from core.clock import now
from core.health import Finding

PAGE = "samples_waiting.every"


def samples(session: Session) -> list[Finding]:
    """Whether work samples near the line wait, and whether any waits for good."""
    at = now()
    found, name = sample_waiting.counts(session, at), _("Work samples")
    if found.first is None:
        return [Finding(name, "ok", _("None waits for a person of a project."), PAGE)]
    age = formats.duration(at - found.first)
    if found.stuck:
        words = ngettext(
            "%(num)s waits longer than promised, and no rule can decide it: its project has to.",
            "%(num)s wait longer than promised, and no rule can decide them: their projects have"
            " to.",
            found.stuck,
        )
        return [Finding(name, "stop", str(words), PAGE)]
    words = ngettext(
        "%(num)s waits for a person of its project, for %(age)s.",
        "%(num)s wait for people of their projects, the first for %(age)s.",
        found.waiting,
        age=age,
    )
    return [Finding(name, "wait", str(words), PAGE)]


CHECKS = [samples]
