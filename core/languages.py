"""Which language and time zone a page is in: the person's own, else their browser's, else ours."""

from flask import current_app, has_request_context, request
from flask_login import current_user

COOKIE = "language"
NAMES = {"en": "English", "fr": "Français"}


def offered() -> tuple[str, ...]:
    """Return the languages of this instance, the first one being its own."""
    languages: tuple[str, ...] = current_app.config["LANGUAGES"]
    return languages


def choose() -> str:
    """Return the language of this request."""
    if not has_request_context():
        return offered()[0]
    of_person = getattr(current_user, "locale", None)
    for wish in (of_person, request.cookies.get(COOKIE)):
        if wish in offered():
            return str(wish)
    return request.accept_languages.best_match(offered(), offered()[0])


def zone() -> str | None:
    """Return the time zone of the person who asks, if they have said so.

    Who says it is known to the right of core: `doyen.zone_of` is a function from a person.
    """
    asked = current_app.extensions.get("doyen.zone_of") if has_request_context() else None
    return asked(current_user) if asked and current_user.is_authenticated else None
