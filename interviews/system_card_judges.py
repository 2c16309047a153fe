"""What the system card says of judges by a language model and of the gates they have to pass.

The one place for it: where judges run, this module says so, with their figures.
"""

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from core.settings import Settings
from experts.fields import Field
from interviews import gate, judge_health, judge_runs
from interviews.judge_models import JudgeRun, JudgeVersion


def lines(session: Session, settings: Settings) -> list[tuple[str, str]]:
    """Return what judges there are, and which gate lets one be used, as names and words."""
    known = judge_health.versions(session) if settings.llm_base_url and settings.llm_model else []
    if known:
        return _judges(session, known[0][0], settings)
    return [
        (_("Judges"), _("None: no language model judges answers here.")),
        (_("Gates"), _("None is needed: there is nothing to let through.")),
    ]


def _judges(session: Session, version: JudgeVersion, settings: Settings) -> list[tuple[str, str]]:
    """Return which models judge, and in which fields they may."""
    found = {field: gate.state(session, version.digest, field) for field in Field}
    opened = [
        str(field.label) for field, one in found.items() if gate.holds(session, one, settings)
    ]
    words = _(
        "%(models)s. Two readings of each answer in words near the line, by consent only, with"
        " quotes that stand in the answer. They can add points and take none away; where they"
        " differ, a person reads.",
        models=", ".join(version.models),
    )
    gates = _(
        "Judges are used in a field only while they agree with people on a fixed set of answers."
        " Open now: %(fields)s.",
        fields=", ".join(opened) or _("none"),
    )
    read = _readings(judge_runs.last_finished(session, version.digest))
    return [(_("Judges"), str(words)), (_("Gates"), f"{gates} {read}".strip())]


def _readings(run: JudgeRun | None) -> str:
    """Say how many people's readings the figures rest on."""
    found = ((run.results if run else None) or {}).get("whole", {}).get("readings")
    if not found or not found["most"]:
        return ""
    if found["most"] == 1:
        return str(
            _("Each answer of the set had one reading by a person, so the figures are weak.")
        )
    if found["by_one"]:
        return str(
            ngettext(
                "%(num)s answer of the set had one reading only, the others more.",
                "%(num)s answers of the set had one reading only, the others more.",
                found["by_one"],
            )
        )
    return str(
        ngettext(
            "Each answer of the set had at least %(num)s reading by a person.",
            "Each answer of the set had at least %(num)s readings by people.",
            found["least"],
        )
    )
