"""Letters that anybody may ask for by writing an address: known or not, the page does the same.

The page only leaves a job; whether the address belongs to somebody is looked up by the worker. So
neither words nor time tell who has an account.
"""

from flask import current_app
from flask_babel import gettext as _
from flask_security.confirmable import generate_confirmation_link
from flask_security.recoverable import generate_reset_link
from sqlmodel import Session, col, select

from accounts.models import User
from core import cipher, formats, jobs, messages

RECOVER, CONFIRM = "recover", "confirm"
PURPOSE = "address of a letter"


def ask(session: Session, kind: str, email: str, language: str) -> None:
    """Leave a job for the letter."""
    jobs.defer(
        session,
        "accounts.send_account_letter",
        kind=kind,
        # Jobs stay for a while and are logged: an address that somebody typed lies in neither.
        sealed=cipher.encrypt(PURPOSE, email.strip().lower()[:254]),
        language=language,
    )


def send(session: Session, kind: str, sealed: str, language: str) -> str:
    """Write the letter, when the address is somebody's who may have it."""
    email = cipher.decrypt(PURPOSE, sealed)
    user = session.exec(select(User).where(User.email == email, col(User.active))).first()
    if user is None:
        return "nobody"
    with formats.of_letter(user.locale or language):
        if user.confirmed_at is None:
            link, _token = generate_confirmation_link(user)  # type: ignore[no-untyped-call]
            subject = _("Confirm your address")
            return _write(session, user, "confirmation_instructions", subject, link)
        if kind == CONFIRM:
            return "confirmed before"
        link, _token = generate_reset_link(user)  # type: ignore[no-untyped-call]
        return _write(session, user, "reset_instructions", _("Choose a new password"), link)


def _write(session: Session, user: User, template: str, subject: str, link: str) -> str:
    words = current_app.jinja_env.get_template(f"security/email/{template}.txt")
    messages.post(
        session,
        address=user.email,
        user_id=user.id,
        language=user.locale or "en",
        template=f"security/{template}",
        subject=subject,
        body=words.render(user=user, confirmation_link=link, reset_link=link).strip() + "\n",
    )
    return template
