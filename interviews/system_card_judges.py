"""What the system card says of judges by a language model and of the gates they have to pass.

The one place for it: where judges run, this module says so, with their figures.
"""

from flask_babel import gettext as _
from sqlmodel import Session

from core.settings import Settings
from experts.fields import Field
from interviews import gate, judge_health
from interviews.judge_models import JudgeVersion


def lines(session: Session, settings: Settings) -> list[tuple[str, str]]:
    """Return what judges there are, and which gate lets one be used, as names and words."""
    known = judge_health.versions(session) if settings.llm_base_url and settings.llm_model else []
    if known:
        return _judges(session, known[0][0])
    return [
        (_("Judges"), _("None: no language model judges answers here.")),
        (_("Gates"), _("None is needed: there is nothing to let through.")),
    ]


def _judges(session: Session, version: JudgeVersion) -> list[tuple[str, str]]:
    """Return which models judge, and in which fields they may."""
    found = {field: gate.state(session, version.digest, field) for field in Field}
    opened = [str(field.label) for field, one in found.items() if one is not None and one.is_open]
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
    return [(_("Judges"), str(words)), (_("Gates"), str(gates))]
