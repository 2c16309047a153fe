"""What the operator page says of annotation: Label Studio, work samples that wait, files."""

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from annotation import backend_checks, media_watch, mirror_reports, sample_waiting
from core import formats
from core.clock import now
from core.health import Finding
from core.settings import current_settings

PAGE = "samples_waiting.every"


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


def media_files(session: Session) -> list[Finding]:
    """Whether media files are missing on the disk, or are not as they came in."""
    name, lost = _("Media files"), media_watch.lost(session)
    if not lost.files:
        return [Finding(name, "ok", _("All that were looked at are there."))]
    words = ngettext(
        "%(num)s file is missing or damaged on the disk: “%(first)s”. Restore %(folder)s from the"
        " backup; “doyen media” says which it is. Its owner can also send it again"
        " under the same name.",
        "%(num)s files are missing or damaged on the disk, the first “%(first)s”. Restore"
        " %(folder)s from the backup; “doyen media” says which they are. Their owners"
        " can also send them again under the same names.",
        lost.files,
        first=lost.first,
        folder="DATA_DIR/media",
    )
    return [Finding(name, "stop", str(words))]


CHECKS = [label_studio, agreement, samples, media_files]
