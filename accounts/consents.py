"""Consents, one for each purpose: given, withdrawn, and given again; the last word counts.

A consent counts while it is the person's last word on its purpose and its words are the current
ones: a new version asks again. Rows are only ever added.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from accounts import consent_texts
from accounts.models import Consent, ConsentText, Purpose, User
from core import audit
from core.errors import Conflict


class OtherWords(Conflict):
    """The words have changed since the page was opened. Please read them again, then decide."""


@dataclass(frozen=True)
class Standing:
    """Where a person stands on a purpose."""

    purpose: Purpose
    is_given: bool
    # The last word was a yes, to words that are no longer asked for.
    is_outdated: bool
    since: datetime | None
    history: Sequence[tuple[Consent, ConsentText]]


def given(session: Session, user_id: int, purpose: Purpose) -> bool:
    """Say whether a person's consent to a purpose is in force."""
    return in_force(session, user_id, purpose) is not None


def in_force(session: Session, user_id: int, purpose: Purpose) -> Consent | None:
    """Return the row of a consent that is in force."""
    query = select(Consent).where(col(Consent.id).in_(_counting(purpose)))
    return session.exec(query.where(Consent.user_id == user_id)).first()


def givers(purpose: Purpose) -> Any:
    """Return the query of the ids of those whose consent to a purpose is in force."""
    named = col(Consent.user_id).is_not(None)
    return select(Consent.user_id).where(col(Consent.id).in_(_counting(purpose)), named)


def givers_among(session: Session, user_ids: Collection[int], purpose: Purpose) -> set[int]:
    """Return which of some people have agreed to a purpose."""
    found = session.exec(givers(purpose).where(col(Consent.user_id).in_(user_ids)))
    return {one for one in found if one is not None}


def give(
    session: Session,
    user_id: int,
    purpose: Purpose,
    *,
    version: str,
    language: str,
    address: str | None,
    at: datetime,
) -> bool:
    """Store that a person agrees; False when they had agreed already."""
    text = consent_texts.current(purpose)
    if version != text.version:
        raise OtherWords
    hold(session, user_id)
    if given(session, user_id, purpose):
        return False
    words, spoken = text.in_(language)
    digest = _freeze(session, purpose, text.version, spoken, words, at)
    _add(session, user_id, purpose, digest, given=True, address=address, at=at)
    return True


def withdraw(
    session: Session, user_id: int, purpose: Purpose, *, address: str | None, at: datetime
) -> bool:
    """Store that a person no longer agrees; False when there is nothing to withdraw."""
    hold(session, user_id)
    last = _last(session, user_id, purpose)
    if last is None or not last.given:
        return False
    _add(session, user_id, purpose, last.text, given=False, address=address, at=at)
    return True


def can_be_withdrawn(session: Session, user_id: int, purpose: Purpose) -> bool:
    """Say whether a person's last word on a purpose was a yes, to whatever version."""
    last = _last(session, user_id, purpose)
    return last is not None and last.given


def history(session: Session, user_id: int) -> list[tuple[Consent, ConsentText]]:
    """Return all that a person has given and withdrawn, with the words, newest first."""
    query = (
        select(Consent, ConsentText)
        .join(ConsentText, col(ConsentText.digest) == col(Consent.text))
        .where(Consent.user_id == user_id)
        .order_by(col(Consent.id).desc())
    )
    return list(session.exec(query))


def standings(session: Session, user_id: int) -> list[Standing]:
    """Return where a person stands on each purpose."""
    rows = history(session, user_id)
    return [_standing(purpose, rows) for purpose in Purpose]


def hold(session: Session, user_id: int) -> None:
    """Let nobody else give or withdraw for this person until the transaction ends."""
    query = select(User.id).where(User.id == user_id)
    session.exec(query.with_for_update(key_share=True)).one()


def _counting(purpose: Purpose) -> Any:
    """Return the ids of the rows that are their person's last word, a yes, to the words of now."""
    later = aliased(Consent)
    after = select(later.id).where(
        later.user_id == Consent.user_id, later.purpose == purpose, col(later.id) > col(Consent.id)
    )
    return (
        select(Consent.id)
        .join(ConsentText, col(ConsentText.digest) == col(Consent.text))
        .where(
            Consent.purpose == purpose,
            col(Consent.given),
            ConsentText.version == consent_texts.current(purpose).version,
            ~after.exists(),
        )
    )


def _standing(purpose: Purpose, rows: Sequence[tuple[Consent, ConsentText]]) -> Standing:
    own = [(one, text) for one, text in rows if one.purpose is purpose]
    if not own:
        return Standing(purpose, is_given=False, is_outdated=False, since=None, history=own)
    last, text = own[0]
    is_current = text.version == consent_texts.current(purpose).version
    return Standing(
        purpose,
        is_given=last.given and is_current,
        is_outdated=last.given and not is_current,
        since=last.at,
        history=own,
    )


def _last(session: Session, user_id: int, purpose: Purpose) -> Consent | None:
    query = select(Consent).where(Consent.user_id == user_id, Consent.purpose == purpose)
    return session.exec(query.order_by(col(Consent.id).desc()).limit(1)).first()


def _freeze(
    session: Session, purpose: Purpose, version: str, language: str, words: str, at: datetime
) -> str:
    """Keep words as they are agreed to, once; return what names them."""
    digest = consent_texts.digest(purpose, version, language, words)
    session.execute(
        insert(ConsentText)
        .values(
            digest=digest,
            purpose=purpose,
            version=version,
            language=language,
            words=words,
            first_used_at=at,
        )
        .on_conflict_do_nothing(index_elements=["digest"])
    )
    return digest


def _add(
    session: Session,
    user_id: int,
    purpose: Purpose,
    text: str,
    *,
    given: bool,
    address: str | None,
    at: datetime,
) -> None:
    row = Consent(user_id=user_id, purpose=purpose, text=text, given=given, at=at, address=address)
    session.add(row)
    session.flush()  # whoever begins what needs it names its id
    what = "given" if given else "withdrawn"
    details = {"purpose": str(purpose), "consent_id": row.id}
    audit.record(session, f"consent.{what}", by=user_id, subject=f"user:{user_id}", details=details)
