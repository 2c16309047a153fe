"""What the operator page shows of releases."""

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session, col, select

from core.clock import now
from core.health import Finding
from releases import jobs, requests, storage, target
from releases.models import Release, State

LONG = timedelta(minutes=30)
REQUESTS = "release_readers.queue"
CHECKED = 20  # newest releases


def builds(session: Session) -> list[Finding]:
    """Whether each build comes to its end."""
    kept_out = select(Release).where(
        Release.state == State.BUILDING, col(Release.waits_for).is_not(None)
    )
    stopped = len(session.exec(kept_out).all())
    if stopped:
        words = ngettext(
            "The files of %(num)s release cannot be kept: no room, no right or no answer. Look at"
            " the disk and at RELEASES_URL; it is tried again every five minutes for two hours.",
            "The files of %(num)s releases cannot be kept: no room, no right or no answer. Look at"
            " the disk and at RELEASES_URL; they are tried again every five minutes for two hours.",
            stopped,
        )
        return [Finding(_("Builds of releases"), "stop", words)]
    waiting = select(Release).where(
        Release.state == State.BUILDING, col(Release.asked_at) < now() - LONG
    )
    slow = len(session.exec(waiting).all())
    if not slow:
        return [Finding(_("Builds of releases"), "ok", _("None waits for long."))]
    words = ngettext(
        "%(num)s release has been in the making for over half an hour.",
        "%(num)s releases have been in the making for over half an hour.",
        slow,
    )
    return [Finding(_("Builds of releases"), "wait", words)]


def files(session: Session) -> list[Finding]:
    """Whether the files of the newest releases are there and as long as they were built."""
    newest = (
        select(Release)
        .where(Release.state == State.READY)
        .order_by(col(Release.id).desc())
        .limit(CHECKED)
    )
    root, name = jobs.releases_folder(), _("Files of releases")
    found = session.exec(newest).all()
    if found and storage.is_away(root):
        words = _(
            "The folder of releases is empty or not there. Is its disk there? Builds wait for it,"
            " and downloads are refused."
        )
        return [Finding(name, "stop", words)]
    try:
        damaged = [one for one in found if not storage.is_whole(root, one)]
    except target.Unreachable:
        words = _(
            "The place that RELEASES_URL names does not answer. Builds wait for it; what has a copy"
            " here can still be downloaded."
        )
        return [Finding(name, "stop", words)]
    if not damaged:
        return [Finding(name, "ok", _("Those of the newest releases are whole."))]
    names = ", ".join(f"{one.facts['name']} {one.version}" for one in damaged)
    words = _("Damaged or missing: %(names)s. Restore the folder from a backup.", names=names)
    return [Finding(name, "stop", words)]


def asked(session: Session) -> list[Finding]:
    """How many requests to read wait; owners answer them, so it is no trouble of an operator's."""
    name, count = _("Requests to read releases"), requests.count_all_open(session)
    if not count:
        return [Finding(name, "ok", _("Nobody waits for an answer."), REQUESTS)]
    words = ngettext("%(num)s waits for its owner.", "%(num)s wait for their owners.", count)
    return [Finding(name, "ok", words, REQUESTS)]


CHECKS = [builds, files, asked]
