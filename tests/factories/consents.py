"""Consents, to the words of now."""

from datetime import datetime

from sqlmodel import Session, col, select

from accounts import consent_texts, consents
from accounts.models import Consent, Purpose, User
from core.clock import now


def make_consent(
    session: Session, user: User, purpose: Purpose, *, at: datetime | None = None
) -> Consent:
    """Let a person agree to a purpose."""
    assert user.id is not None
    version = consent_texts.current(purpose).version
    consents.give(
        session,
        user.id,
        purpose,
        version=version,
        language="en",
        address="192.0.2.1",
        at=at or now(),
    )
    query = select(Consent).where(Consent.user_id == user.id, Consent.purpose == purpose)
    return session.exec(query.order_by(col(Consent.id).desc())).first()  # type: ignore[return-value]
