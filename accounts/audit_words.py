"""What the audit trail says of accounts and organisations, and how it calls people."""

from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from accounts.models import User
from core.audit_words import Row

ACTIONS = {
    "account.registered": _l("Account registered"),
    "account.made_operator": _l("Made an operator"),
    "organisation.founded": _l("Organisation founded"),
    "organisation.invited": _l("Invited to an organisation"),
    "organisation.joined": _l("Joined an organisation"),
    "organisation.declined": _l("Declined to join an organisation"),
    "organisation.withdrew": _l("Invitation to an organisation taken back"),
    "organisation.role_admin": _l("Member made an admin"),
    "organisation.role_member": _l("Admin made a member"),
    "organisation.removed": _l("Member removed"),
    "token.made": _l("Token made"),
    "token.renewed": _l("Secret of a new token shown again, as another one"),
    "token.revoked": _l("Token ended"),
    "webhook.made": _l("Webhook made"),
    "webhook.changed": _l("Webhook changed"),
    "webhook.rotated": _l("Secret of a webhook changed"),
    "webhook.paused": _l("Webhook paused"),
    "webhook.resumed": _l("Webhook goes on"),
    "webhook.ended": _l("Webhook ended"),
    "webhook.tested": _l("Test sent to a webhook"),
    "webhook.replayed": _l("Messages sent again to a webhook"),
    "decision.sample_failed": _l("Decision: work sample not passed"),
    "decision.question_hidden": _l("Decision: question hidden"),
    "decision.sample_passed": _l("Decision: work sample passed"),
    "decision.interview_failed": _l("Decision: interview not passed"),
    "decision.work_rejected": _l("Decision: work not accepted"),
    "decision.work_partly_accepted": _l("Decision: work accepted in part"),
    "decision.expert_restricted": _l("Decision: account restricted"),
    "decision.expert_removed": _l("Decision: account removed from work"),
    "decision.payout_withheld": _l("Decision: payouts withheld"),
    "decision.credential_refused": _l("Decision: licence not recognised"),
    "decision.interview_passed": _l("Decision of a rule: interview passed"),
    "decision.work_accepted": _l("Decision of a rule: work accepted"),
    "appeal.read": _l("Appeal of another person read"),
    "appeal.filed": _l("Appeal received"),
    "appeal.withdrawn": _l("Appeal taken back"),
    "appeal.escalated": _l("Appeal brought before the operator"),
    "appeal.changed": _l("Appeal answered: decision changed"),
    "appeal.stands": _l("Appeal answered: decision stands"),
    "data.asked": _l("Copy of one’s own data asked for"),
    "data.made": _l("Copy of a person’s data made"),
    "data.fetched": _l("Copy of one’s own data downloaded"),
    "erasure.asked": _l("Erasure asked for"),
    "erasure.undone": _l("Erasure undone"),
    "erasure.done": _l("Person erased"),
    "consent.given": _l("Agreement given"),
    "consent.withdrawn": _l("Agreement withdrawn"),
    "sign_in.ended": _l("A device of one’s own signed out from afar"),
    "sign_in.others_ended": _l("All other devices signed out"),
    "account.password_changed": _l("Password changed"),
    "account.password_reset": _l("Password chosen anew by letter"),
    "account.email_asked": _l("Another e-mail address asked for"),
    "account.email_taken_back": _l("Wish for another e-mail address taken back"),
    "account.email_changed": _l("E-mail address changed"),
    "account.second_factor_on": _l("Second factor turned on"),
    "account.second_factor_off": _l("Second factor turned off"),
    "account.recovery_codes_made": _l("Recovery codes made"),
    "account.passkey_added": _l("Passkey added"),
    "account.passkey_deleted": _l("Passkey deleted"),
    "people.read": _l("List of people read"),
}
ROWS = {
    "user": Row(_l("Person %(id)s"), "accounts.people"),
    "organisation": Row(_l("Organisation %(id)s")),
    "token": Row(_l("Token %(id)s")),
    "sign_in": Row(_l("Signed-in device %(id)s")),
    "webhook": Row(_l("Webhook %(id)s")),
    "people": Row(_l("List of people"), "accounts.people"),
}


def names(session: Session, ids: set[int]) -> dict[int, str]:
    """Return the names of people; those who gave none have none."""
    query = select(User.id, User.name).where(col(User.id).in_(ids), User.name != "")
    return {id_: name for id_, name in session.exec(query) if id_ is not None}


def person_of(session: Session, words: str) -> int | None:
    """Return the person whom an id or an address names."""
    if words.isdecimal() and len(words) < 10:
        return int(words)
    return session.exec(select(User.id).where(User.email == words.lower())).first()
