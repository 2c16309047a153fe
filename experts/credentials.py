"""Refusing a declared licence, with reasons; it then counts for nothing until that is changed."""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlmodel import Session

from accounts import decision_letters, decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import Decision, DecisionKind, User
from core.errors import NotAllowed
from experts.models import Licence
from experts.restrictions import WORDS_AT_LEAST, WordsNeeded

CONTEST_FOR = timedelta(days=30)


class OwnLicence(NotAllowed):
    """Nobody decides on a licence of their own."""


def refuse(
    session: Session, licence: Licence, *, words: str, evidence: str, by: User, at: datetime
) -> Decision | None:
    """Say that a licence is not recognised; `licence` is locked. A second click does nothing."""
    if licence.refused_at is not None:
        return None
    if by.id == licence.expert_id:
        raise OwnLicence
    if min(len(words.strip()), len(evidence.strip())) < WORDS_AT_LEAST:
        raise WordsNeeded
    decision = decisions.record(
        session,
        DecisionKind.CREDENTIAL_REFUSED,
        About(
            person_id=licence.expert_id,
            subject=f"licence:{licence.id}",
            title=decisions.said(lambda: f"{licence.title}, {licence.issuer}"),
            path="/profile#licences",
        ),
        taken=Taken(by=by.id),
        reason=Reason(
            code="not_confirmed",
            words={by.locale or "en": words},
            evidence=[Evidence(words={by.locale or "en": evidence}, at=at)],
            would_change=decisions.said(_would_change),
        ),
        at=at,
        contest_until=at + CONTEST_FOR,
    )
    licence.refused_at, licence.decision_id = at, decision.id
    session.add(licence)
    decision_letters.tell(session, decision)
    return decision


def _would_change() -> str:
    return str(_("A proof of the licence from its issuer, or an entry in its public register."))
