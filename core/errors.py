"""The ways in which a request of a person can fail; each has one status and one page.

A package's errors stand beside the function that raises them. Their docstring is what
the person reads, so it is plain, polite and complete; `%(name)s` in it is filled from the
keyword arguments of the error.
"""

from inspect import cleandoc

from flask_babel import gettext


class DomainError(Exception):
    """Something that you asked for could not be done."""

    status = 500
    problem = ""  # its own type in `core.problems`, where the status does not say enough

    def __init__(self, **facts: object) -> None:
        super().__init__(facts)
        self.facts = facts

    @property
    def words(self) -> str:
        """What the person reads, in their language."""
        return str(gettext(message_of(type(self)), **self.facts))

    @property
    def challenge(self) -> str:
        """What `WWW-Authenticate` says of it, for programs with a token."""
        return ""

    def __str__(self) -> str:
        """Return the untranslated words, for logs."""
        text = message_of(type(self))
        return text % self.facts if self.facts else text


class NotFound(DomainError):
    """There is nothing at this address, or it is not yours to see."""

    status = 404


class NotAllowed(DomainError):
    """Your account may not do this."""

    status = 403


class Invalid(DomainError):
    """What was sent cannot be used."""

    status = 422


class Conflict(DomainError):
    """This can no longer be done, because something has changed in the meantime."""

    status = 409


class TooOften(DomainError):
    """That was tried too often. You can try again at %(time)s, in %(wait)s. Nothing was changed."""

    status = 429

    def __init__(self, *, seconds: int, **facts: object) -> None:
        super().__init__(**facts)
        self.seconds = seconds


def message_of(kind: type[DomainError]) -> str:
    """Return the words of an error class: its docstring on one line per paragraph."""
    paragraphs = cleandoc(kind.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
