"""What the operator page says of experts: whether a proposal waits for a second operator."""

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from core.health import Finding
from experts import restrictions


def proposals(session: Session) -> list[Finding]:
    """Whether somebody is proposed to be restricted or removed, and who."""
    name = _("Restrictions")
    found = restrictions.waiting(session)
    if not found:
        return [Finding(name, "ok", _("No proposal waits for a second operator."))]
    words = ngettext(
        "%(num)s proposal waits for a second operator: %(experts)s. See “People”.",
        "%(num)s proposals wait for a second operator: %(experts)s. See “People”.",
        len(found),
        experts=", ".join(expert.pseudonym for _proposal, expert in found),
    )
    return [Finding(name, "wait", words)]


CHECKS = [proposals]
