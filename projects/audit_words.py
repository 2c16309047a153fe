"""What the audit trail says of projects and invitations."""

from flask_babel import lazy_gettext as _l

from core.audit_words import Row

ACTIONS = {
    "project.created": _l("Project drafted"),
    "project.edited": _l("Draft of a project changed"),
    "project.criteria": _l("Criteria of a project changed"),
    "project.open": _l("Project opened"),
    "project.paused": _l("Project paused"),
    "project.completed": _l("Project completed"),
    "project.underpaid": _l("Pay of a project below the floor"),
    "project.pay_recovered": _l("Pay of a project above the floor again"),
    "guidelines.published": _l("Guidelines published"),
    "invitation.offered": _l("Invitation offered"),
    "invitation.accepted": _l("Invitation accepted"),
    "invitation.declined": _l("Invitation declined"),
    "invitation.withdrawn": _l("Invitation taken back"),
}
ROWS = {
    "project": Row(_l("Project %(id)s")),
    "invitation": Row(_l("Invitation %(id)s")),
}
