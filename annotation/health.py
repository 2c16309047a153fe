"""What the operator page says of Label Studio: how it is set up, and whether it agrees with us."""

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from annotation import backend_checks, mirror_reports
from core.clock import now
from core.health import Finding
from core.settings import current_settings


def label_studio(session: Session) -> list[Finding]:
    """Whether it answers and is set up as it should be."""
    name = "Label Studio"
    at = now()
    check = backend_checks.last(session)
    found = backend_checks.verdicts(check, current_settings().data_dir / "editor", at=at)
    for tone in ("stop", "wait"):
        bad = [one for one in found if one.tone == tone]
        if bad:
            parts = "; ".join(f"{one.part}: {one.words}" for one in bad)
            return [Finding(name, tone, _("%(what)s See “Label Studio”.", what=parts + " "))]
    return [Finding(name, "ok", _("Answers, and is set up as it should be."))]


def agreement(session: Session) -> list[Finding]:
    """Whether the last comparisons have found differences."""
    name = _("Label Studio’s copy")
    troubled = mirror_reports.count_differing(session)
    if troubled:
        words = ngettext(
            "One project differs from ours. See “Label Studio”.",
            "%(num)s projects differ from ours. See “Label Studio”.",
            troubled,
        )
        return [Finding(name, "wait", words)]
    return [Finding(name, "ok", _("Agrees with ours as last compared."))]


CHECKS = [label_studio, agreement]
