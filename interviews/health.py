"""What the operator page says of interviews: who waits for a person, and how the model is."""

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from core import formats, model_calls
from core.clock import now
from core.health import Finding
from core.models import CallOutcome
from core.settings import current_settings
from experts.fields import Field
from interviews import accommodations, gaps, modes, spend, waiting

QUEUE = "interviews_operator.all_interviews"


def readings(session: Session) -> list[Finding]:
    """Whether interviews near the line wait, and for too long."""
    found, name = waiting.times(session, now()), _("Interviews")
    if found.late:
        words = _("%(count)s have waited for a person longer than promised.", count=found.late)
        return [Finding(name, "stop", words, QUEUE)]
    if found.waiting:
        words = _("%(count)s wait for a person to read them.", count=found.waiting)
        return [Finding(name, "wait", f"{words} {_lately(found)}".strip(), QUEUE)]
    words = _("Nobody waits for a person to read.")
    return [Finding(name, "ok", f"{words} {_lately(found)}".strip(), QUEUE)]


def _lately(found: waiting.Times) -> str:
    if found.middle is None or found.most is None:
        return ""
    return str(
        _(
            "In the last eight weeks half were read within %(middle)s, nine of ten within"
            " %(most)s.",
            middle=formats.duration(found.middle),
            most=formats.duration(found.most),
        )
    )


def requests(session: Session) -> list[Finding]:
    """Whether somebody waits for an accommodation, and for too long."""
    count, late = accommodations.late(session, now())
    name = _("Accommodations")
    if late:
        words = _("%(count)s have waited for an answer longer than promised.", count=late)
        return [Finding(name, "stop", words)]
    if count:
        return [Finding(name, "wait", _("%(count)s wait for an answer.", count=count))]
    return [Finding(name, "ok", _("Nobody waits for an answer."))]


def language_model(session: Session) -> list[Finding]:
    """Whether the language model answers, and whether it still may be asked."""
    settings = current_settings()
    model, name = modes.model_of(settings), _("Language model")
    if model is None:
        return []
    if model_calls.at_limit(session, settings, now()):
        words = _("The limit of thirty days is reached. Interviews go on without the model.")
        return [Finding(name, "wait", words)]
    latest = spend.latest(session, model.name, now())
    if latest and latest[0] is CallOutcome.REFUSED:
        words = _(
            "%(host)s refuses what is asked: see the address, the key and the name of the"
            " model. Interviews go on without it.",
            host=model.host,
        )
        return [Finding(name, "stop", words)]
    if latest and latest[0] is CallOutcome.DOWN:
        words = _(
            "%(host)s has not answered the last time. Interviews wait or go on without"
            " the model, as their people like.",
            host=model.host,
        )
        return [Finding(name, "wait", words)]
    bad = sum(outcome is not CallOutcome.ANSWERED for outcome in latest)
    if bad * 2 > len(latest):
        words = _(
            "%(bad)s of the last %(count)s answers could not be used; questions of ours stood"
            " in their place.",
            bad=bad,
            count=len(latest),
        )
        return [Finding(name, "wait", words)]
    if not latest:
        words = _(
            "%(model)s at %(host)s; not asked in the last hour.", model=model.name, host=model.host
        )
        return [Finding(name, "ok", words)]
    return [
        Finding(name, "ok", _("%(model)s at %(host)s answers.", model=model.name, host=model.host))
    ]


def what_is_asked(session: Session) -> list[Finding]:
    """Whether banks have all that templates of fields and projects ask."""
    name = _("Templates of interviews")
    fields = [str(field.label) for field in Field if gaps.of_field(session, field) is not None]
    lacking = [gap for _project, _organisation, gap in gaps.of_projects(session)]
    held_up = sum(gap.is_held_up for gap in lacking)
    said = []
    if fields:
        words = _("The bank lacks what the template asks in: %(fields)s.", fields=", ".join(fields))
        said.append(words)
    if lacking:
        words = ngettext(
            "%(num)s project asks for what its bank no longer has; its owners are told.",
            "%(num)s projects ask for what their banks no longer have; their owners are told.",
            len(lacking),
        )
        said.append(words)
    if held_up:
        words = ngettext(
            "%(num)s of them lets nobody new in.", "%(num)s of them let nobody new in.", held_up
        )
        said.append(words)
    if said:
        return [Finding(name, "wait", " ".join(said))]
    return [Finding(name, "ok", _("All that is asked can be asked."))]


CHECKS = [readings, requests, language_model, what_is_asked]
