"""Speech turned into words for an answer: in memory, never stored, edited before it counts.

A recording goes from the page to the endpoint's audio API and is gone with the request. The words
come back into the field, where their person reads and corrects them; typing is always equal.
"""

from collections.abc import Mapping

from flask_babel import gettext as _

from core.errors import Conflict, DomainError, Invalid
from core.models import CallOutcome
from core.ports import ModelDown, ModelNonsense, ModelRefused, ModelUse, Transcriber

LARGEST = 6 * 1024 * 1024  # bytes; three minutes of what browsers record are well below
LONGEST = 180  # seconds; the page stops by itself
SMALLEST = 200  # bytes; less is no recording
LETTERS_AT_MOST = 4000
# By the first bytes, whatever the page calls it.
FORMATS: Mapping[str, tuple[int, bytes]] = {
    "webm": (0, b"\x1a\x45\xdf\xa3"),
    "ogg": (0, b"OggS"),
    "mp4": (4, b"ftyp"),
    "wav": (0, b"RIFF"),
}


class NotOffered(Conflict):
    """Nothing can be dictated here. Please type your answer; it counts the same."""


class NotAgreed(Invalid):
    """Dictation needs your agreement first. Typing needs none."""


class TooLong(Invalid):
    """The recording is longer than three minutes. Please record it in parts, or type."""

    status = 413


class NoRecording(Invalid):
    """What arrived is no recording that can be read. Please try again, or type."""


class NotReached(DomainError):
    """The speech model does not answer at the moment. Please try again in a minute, or type."""

    status = 503


class NotTaken(DomainError):
    """The speech model does not take this recording. Please type your answer."""

    status = 502


class NothingHeard(DomainError):
    """Nothing was heard in the recording. Please speak nearer to the microphone, or type."""

    status = 422


class EnoughAsked(Conflict):
    """The limit of dictation for this interview or this month is reached. Please type."""


def format_of(audio: bytes) -> str:
    """Return the format of a recording, or refuse what is none."""
    if len(audio) > LARGEST:
        raise TooLong
    if len(audio) >= SMALLEST:
        for name, (at, mark) in FORMATS.items():
            if audio[at : at + len(mark)] == mark:
                return name
    raise NoRecording


def words_of(
    transcriber: Transcriber, audio: bytes, *, language: str
) -> tuple[str, ModelUse, CallOutcome, DomainError | None]:
    """Ask for the words of a recording; no transaction may be open.

    What went wrong is returned, not raised, so that the call is noted either way.
    """
    name = f"answer.{format_of(audio)}"
    unknown = ModelUse(model=transcriber.name, tokens_in=0, tokens_out=0, milliseconds=0)
    try:
        heard = transcriber.transcribe(audio, name=name, language=language)
    except ModelDown:
        return "", unknown, CallOutcome.DOWN, NotReached()
    except ModelRefused:
        return "", unknown, CallOutcome.REFUSED, NotTaken()
    except ModelNonsense as trouble:
        return "", trouble.use, CallOutcome.NONSENSE, NothingHeard()
    said = " ".join(heard.value.split())[:LETTERS_AT_MOST]
    if not any(letter.isalnum() for letter in said):
        return "", heard.use, CallOutcome.NONSENSE, NothingHeard()
    return said, heard.use, CallOutcome.ANSWERED, None


def about(transcriber: Transcriber, host: str) -> str:
    """Say where a recording goes."""
    words: str = _("%(model)s, at %(host)s", model=transcriber.name, host=host)
    return words
