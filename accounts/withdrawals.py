"""What each package does when a consent is withdrawn, told before and done in the same transaction.

A package says so in its `consent_effects.py`: `EFFECTS` by purpose. Each describes, from the
person's real rows, what would happen, and carries it out. The app brings them together.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType

from flask import Flask, current_app
from flask_babel import force_locale
from sqlmodel import Session

from accounts import consent_words, consents
from accounts.models import Purpose, User
from core import messages
from core.settings import current_settings

Describe = Callable[[Session, int, datetime], list[str]]
CarryOut = Callable[[Session, int, datetime], None]


@dataclass(frozen=True)
class Effect:
    """What a package does when a consent ends: in words beforehand, and in deeds."""

    describe: Describe
    carry_out: CarryOut


Effects = dict[Purpose, list[Effect]]


def init_app(app: Flask, modules: Iterable[ModuleType]) -> None:
    """Tell an app what effects there are."""
    found: Effects = {purpose: [] for purpose in Purpose}
    for module in modules:
        for purpose, effect in module.EFFECTS.items():
            found[purpose].append(effect)
    app.extensions["doyen.consent_effects"] = found


def of_app() -> Effects:
    """Return the effects of the running app."""
    found: Effects = current_app.extensions["doyen.consent_effects"]
    return found


def described(
    session: Session, effects: Effects, user_id: int, purpose: Purpose, at: datetime
) -> list[str]:
    """Say what withdrawing would do now, from the person's own rows."""
    return [line for one in effects[purpose] for line in one.describe(session, user_id, at)]


def withdraw(
    session: Session,
    effects: Effects,
    user: User,
    purpose: Purpose,
    *,
    address: str | None,
    at: datetime,
) -> bool:
    """Withdraw a consent, carry out what follows, and write a receipt; a second time is nothing."""
    user_id, language = _id(user), user.locale or current_settings().languages[0]
    consents.hold(session, user_id)
    with force_locale(language):
        lines: Sequence[str] = described(session, effects, user_id, purpose, at)
    if not consents.withdraw(session, user_id, purpose, address=address, at=at):
        return False
    for one in effects[purpose]:
        one.carry_out(session, user_id, at)
    messages.write(
        session,
        to=user,
        template="accounts/consent_withdrawn",
        title=consent_words.TITLES[purpose],
        lines=lines,
        at=at,
        url=f"{current_settings().public_url}/account/consents",
    )
    return True


def nothing(_session: Session, _user_id: int, _at: datetime) -> None:
    """Do nothing more: what depended on the consent asks for it each time."""


def _id(user: User) -> int:
    if user.id is None:
        raise ValueError("the person is not stored yet")
    return user.id
