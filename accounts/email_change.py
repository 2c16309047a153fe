"""Another e-mail address for an account: asked for, proven by a letter to it, then changed.

The page only leaves a row and a job; whether the address is somebody's already is looked up by the
worker. So neither words nor time tell who has an account. While its link works, the letter to the
new address is in nobody's copy of their data: only who reads that mailbox has the link.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from accounts import sign_ins
from accounts.models import EmailChange, MemberInvitation, SignInEnd, User
from core import audit, jobs, messages
from core.errors import Conflict, NotFound
from core.models import Letter

LASTS = timedelta(hours=24)


class LinkOver(NotFound):
    """This link does not work here.

    It may be over (it works once, for 24 hours, and ends when you ask for another address or
    change your password), or it belongs to an account other than the one that you are signed in to.
    """


class AddressTaken(Conflict):
    """This address belongs to another account by now. Your address stays as it was."""


def ask(session: Session, user: User, email: str, *, language: str, at: datetime) -> EmailChange:
    """Ask for another address; the one asked for before is forgotten, with its link."""
    user = _locked(session, user)
    waiting = of(session, user, at=at)
    if waiting is not None and waiting.email == email and waiting.token_hash is None:
        return waiting  # the second click
    forget(session, user)
    assert user.id is not None
    change = EmailChange(user_id=user.id, email=email, asked_at=at, expires_at=at + LASTS)
    session.add(change)
    session.flush()  # the job needs the id
    jobs.defer(session, "accounts.send_email_change_letter", change_id=change.id, language=language)
    audit.record(session, "account.email_asked", by=user.id, subject=f"user:{user.id}")
    return change


def of(session: Session, user: User, *, at: datetime) -> EmailChange | None:
    """Return the change that somebody asked for and that still waits."""
    query = select(EmailChange).where(
        EmailChange.user_id == user.id,
        col(EmailChange.done_at).is_(None),
        EmailChange.expires_at > at,
    )
    return session.exec(query).first()


def take_back(session: Session, user: User) -> None:
    """Forget what was asked for; a second time changes nothing."""
    if forget(session, _locked(session, user)):
        audit.record(session, "account.email_taken_back", by=user.id, subject=f"user:{user.id}")


def send(session: Session, change_id: int, language: str, *, at: datetime) -> str:
    """Write the letter to the new address: with the link, or saying that it is an account's."""
    asked = session.get(EmailChange, change_id)
    if asked is None:
        return "nothing to do"
    _locked(session, session.get_one(User, asked.user_id))
    change = session.get(EmailChange, change_id, with_for_update=True, populate_existing=True)
    if change is None or change.token_hash is not None:
        return "nothing to do"
    token = secrets.token_urlsafe(32)
    change.token_hash, change.expires_at = _hashed(token), at + LASTS
    session.add(change)
    holder = session.exec(select(User).where(User.email == change.email)).first()
    if holder is not None:
        # The token was shown to nobody, so there is no link that could be followed.
        own = holder.id == change.user_id
        messages.write(session, to=holder, template="accounts/email_has_account", own=own)
        return "an account's already"
    user = session.get_one(User, change.user_id)
    letter = messages.write_to(
        session,
        address=change.email,
        user_id=None,
        language=user.locale or language,
        template="accounts/email_confirm",
        token=token,
    )
    change.letter_id = letter.id
    return "sent"


def by_link(session: Session, user: User, token: str, *, at: datetime) -> EmailChange:
    """Return the change that a link of one's own stands for, while it works or once it is done."""
    query = select(EmailChange).where(
        EmailChange.user_id == user.id, EmailChange.token_hash == _hashed(token)
    )
    change = session.exec(query).first()
    if change is None or change.expires_at <= at:
        raise LinkOver
    return change


def confirm(session: Session, user: User, token: str, *, secret: str, at: datetime) -> None:
    """Change the address by the link that went to it; a second click changes nothing.

    Of two people who confirm one address at once, the second is refused by the database.
    """
    user = _locked(session, user)
    change = by_link(session, user, token, at=at)
    if change.done_at is not None:
        return
    assert user.id is not None
    old = user.email
    _take(session, user, change.email, at)
    _keep_what_went_to(session, old, user.id)
    letter_id, change.letter_id, change.done_at = change.letter_id, None, at
    session.add(change)
    _forget_letters(session, [letter_id])
    messages.write_to(
        session,
        address=old,
        user_id=user.id,
        language=user.locale or "en",
        template="accounts/email_changed",
        at=at,
    )
    sign_ins.end_others(session, user.id, secret, SignInEnd.SECURITY, at=at)
    audit.record(session, "account.email_changed", by=user.id, subject=f"user:{user.id}")


def forget(session: Session, user: User) -> int:
    """Forget what a person asked for, with the letter and its link; return how many."""
    return _forget(session, col(EmailChange.user_id) == user.id)


def sweep(session: Session, *, at: datetime) -> int:
    """Forget what was not confirmed in time, and what was done a while ago."""
    return _forget(session, col(EmailChange.expires_at) <= at)


def _forget(session: Session, which: Any) -> int:
    gone = session.execute(delete(EmailChange).where(which).returning(col(EmailChange.letter_id)))
    letters = list(gone.scalars())
    _forget_letters(session, letters)
    return len(letters)


def _forget_letters(session: Session, ids: list[int | None]) -> None:
    session.flush()  # a row may still name the letter
    session.execute(delete(Letter).where(col(Letter.id).in_([id_ for id_ in ids if id_])))


def _locked(session: Session, user: User) -> User:
    # Always the person first, then the change: two requests at once wait for each other.
    session.flush()  # what the row is read over
    return session.get_one(User, user.id, with_for_update=True, populate_existing=True)


def _take(session: Session, user: User, email: str, at: datetime) -> None:
    try:
        with session.begin_nested():
            user.email, user.confirmed_at = email, at
            # Links that were sent to the old address, for a new password say, rest on this.
            user.fs_uniquifier = uuid4().hex
            session.add(user)
    except IntegrityError as taken:
        raise AddressTaken from taken


def _keep_what_went_to(session: Session, old: str, user_id: int) -> None:
    """Let invitations and letters to the old address stay this person's, whoever has it next."""
    for table, address in ((MemberInvitation, MemberInvitation.email), (Letter, Letter.address)):
        nobodys = col(table.user_id).is_(None)
        session.execute(update(table).where(col(address) == old, nobodys).values(user_id=user_id))


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
