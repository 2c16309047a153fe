"""Letters to people: rows written in the caller's transaction, delivered by a job."""

import re
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any, Protocol

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from core import formats, jobs, mail
from core.clock import now
from core.db import transaction
from core.models import Letter, LetterState
from core.ports import LetterRefused, Mailer
from core.settings import Settings, current_settings

# Letters with links that open something to whoever has them: an account, an organisation.
FOR_ONE_ONLY = ("security/", "accounts/member_invitation")
# Of these, the ones whose link alone is enough; the longest of them lives for five days.
KEYS = "security/"
KEYS_LIVE = timedelta(days=5)
LINK = re.compile(r"\bhttps?://\S+")


class Addressee(Protocol):
    """Whoever can be written to: an id, an address and a language."""

    id: int | None
    email: str
    locale: str | None


def write(session: Session, *, to: Addressee, template: str, **context: Any) -> Letter:
    """Write a letter in the person's language and let a job deliver it.

    `template` is like `payouts/payout_sent`; the first line of what it renders is the subject.
    """
    return write_to(
        session,
        address=to.email,
        user_id=to.id,
        language=to.locale or current_settings().languages[0],
        template=template,
        **context,
    )


def write_to(
    session: Session,
    *,
    address: str,
    user_id: int | None,
    language: str,
    template: str,
    **context: Any,
) -> Letter:
    """Write a letter to an address that may belong to nobody yet."""
    with formats.of_letter(language):
        # Without what surrounds pages: a letter knows nobody who happens to be signed in.
        words = current_app.jinja_env.get_template(f"messages/{template}.txt")
        text = words.render(language=language, **context)
    subject, _, body = text.strip().partition("\n")
    return post(
        session,
        address=address,
        user_id=user_id,
        language=language,
        template=template,
        subject=subject.strip(),
        body=body.strip() + "\n",
    )


def post(session: Session, **row: Any) -> Letter:
    """Store a letter whose words are ready, and let a job deliver it."""
    letter = Letter(written_at=now(), **row)
    session.add(letter)
    session.flush()  # the job needs the letter's id
    jobs.defer(session, "core.deliver_letter", queue="letters", letter_id=letter.id)
    return letter


def without_links(letter: Letter) -> str:
    """Return the words of a letter for others than its addressee: no link that is theirs alone."""
    if not letter.template.startswith(FOR_ONE_ONLY):
        return letter.body
    with force_locale(letter.language):
        return _without(letter.body, _("(link hidden: it is the addressee's alone)"))


def forget_keys(session: Session, *, at: datetime, limit: int = 500) -> int:
    """Take the links out of letters whose links open nothing any more; return how many.

    Nobody who reads the database or an old backup should have to be trusted with them.
    """
    question = (
        select_rows(Letter)
        .where(
            col(Letter.template).startswith(KEYS),
            col(Letter.written_at) < at - KEYS_LIVE,
            col(Letter.body).regexp_match("https?://"),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = session.exec(question).all()
    for letter in found:
        with force_locale(letter.language):
            letter.body = _without(letter.body, _("(the time of this link is over)"))
    return len(found)


def deliver(letter_id: int, mailer: Mailer, settings: Settings) -> str:
    """Send a waiting letter; one that was sent or refused is left alone."""
    with transaction() as session:
        letter = session.get(Letter, letter_id)
        if letter is None or letter.state is not LetterState.WAITING:
            return "nothing to do"
        message = mail.compose(
            sender=settings.mail_from,
            to=parseaddr(letter.address)[1] or letter.address,
            subject=letter.subject,
            body=letter.body,
            letter_id=letter_id,
        )
        letter.attempts += 1
    try:
        mailer.send(message)
    except LetterRefused as refusal:
        return _close(letter_id, LetterState.REFUSED, trouble=str(refusal))
    return _close(letter_id, LetterState.SENT)


def waiting(session: Session) -> list[int]:
    """Return the letters that nobody has delivered yet."""
    found = session.execute(select(Letter.id).where(Letter.state == LetterState.WAITING))  # type: ignore[call-overload]
    return [letter_id for (letter_id,) in found]


def _without(words: str, instead: str) -> str:
    return LINK.sub(lambda _found: instead, words)


def _close(letter_id: int, state: LetterState, trouble: str | None = None) -> str:
    with transaction() as session:
        letter = session.get(Letter, letter_id, with_for_update=True)
        if letter is not None:
            letter.state = state
            letter.trouble = trouble
            letter.sent_at = now() if state is LetterState.SENT else None
    return state.value
