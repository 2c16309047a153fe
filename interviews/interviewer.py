"""The interviewer speaks: a model writes, sentence by sentence, and each is looked at first.

The only part of a talk that asks the network: no session, no transaction. What comes is bounded in
time and length; where nothing comes that may be shown, a question of ours stands in its place.
"""

import re
import time
from collections.abc import Callable, Generator, Iterator

from core.models import CallOutcome
from core.ports import LanguageModel, ModelDown, ModelStream, ModelUse
from interviews import conduct
from interviews.conduct import LONGEST
from interviews.talk import Line, Spoken
from interviews.talk_models import Writer

MOST_TOKENS = 120
SOON = 5.0  # seconds: what fails faster is tried once more
LETTERS_OF_TOKEN = 4  # about, where an endpoint does not count
END = re.compile(r"[.!?…]+[\"'”»)\s]*(?=\s|$)")

Speaking = Generator[str, None, Spoken]


def speak(
    line: Line,
    model: LanguageModel,
    *,
    patience: float,
    clock: Callable[[], float] = time.monotonic,
) -> Speaking:
    """Give sentences as they may be shown, and return what came of it.

    Where what is returned says something else than what was given, that is what counts. Raises as
    the model does.
    """
    begun = clock()
    try:
        return (yield from _once(line, model, begun, patience, clock))
    except ModelDown:
        # Whoever was away a moment ago is not asked twice, nor one who had time to answer.
        if clock() - begun > SOON:
            raise
    return (yield from _once(line, model, begun, patience, clock))


def _once(
    line: Line, model: LanguageModel, begun: float, patience: float, clock: Callable[[], float]
) -> Speaking:
    heard: list[str] = []
    kept: list[str] = []
    is_bad = False
    stream = model.stream(line.said, most_tokens=MOST_TOKENS)
    try:
        for sentence in _sentences(_in_time(stream, heard, begun, patience, clock)):
            if conduct.fault(sentence, kept, line.ground) is not None:
                is_bad = True
                break
            kept.append(sentence)
            yield sentence
            if sentence.rstrip("\"'”» ").endswith("?"):
                break  # one question is enough; whatever comes after it nobody hears
    except ModelDown:
        if not kept:
            raise
        # It stopped in the middle: what was shown gives way to a question of ours.
    finally:
        stream.close()
    use = _used(stream, line, heard, model.name, begun, clock)
    if is_bad or not conduct.is_question(kept):
        return Spoken(line.template, Writer.TEMPLATE, use, CallOutcome.NONSENSE)
    return Spoken(" ".join(kept), Writer.MODEL, use, CallOutcome.ANSWERED)


def _in_time(
    stream: ModelStream,
    heard: list[str],
    begun: float,
    patience: float,
    clock: Callable[[], float],
) -> Iterator[str]:
    """Give the pieces, and note them; who drips for too long is as good as away."""
    for piece in stream:
        heard.append(piece)
        yield piece
        if clock() - begun > patience:
            raise ModelDown("the answer takes too long")


def _sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Cut what comes into sentences; one without an end is cut where it is too long anyway."""
    rest = ""
    for piece in pieces:
        rest += piece
        # The last end may go on (“1.” and then “5”), so it waits for the next piece.
        while (end := END.search(rest)) is not None and end.end() < len(rest):
            sentence, rest = rest[: end.end()].strip(), rest[end.end() :]
            if sentence:
                yield sentence
        if len(rest) > LONGEST:
            yield rest.strip()
            return
    if rest.strip():
        yield rest.strip()


def _used(
    stream: ModelStream,
    line: Line,
    heard: list[str],
    name: str,
    begun: float,
    clock: Callable[[], float],
) -> ModelUse:
    """Return what it took, guessed by the length where the endpoint has not said so."""
    known = stream.use
    told = sum(len(one.text) for one in line.said)
    return ModelUse(
        model=name,
        tokens_in=(known.tokens_in if known else 0) or told // LETTERS_OF_TOKEN + 1,
        tokens_out=(known.tokens_out if known else 0)
        or len("".join(heard)) // LETTERS_OF_TOKEN + bool(heard),
        milliseconds=round((clock() - begun) * 1000),
    )
