"""How a language model is waited for: once for a page, longer in jobs, never by everybody.

The one rule is that of `payouts.stripe_http`: while nothing answers, one question at a time finds
out whether it does again, and all others are told at once. So no page hangs.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from flask import has_request_context

from core.ports import Form, LanguageModel, ModelAnswer, ModelDown, ModelStream, ModelUse, Said

UNTIL_AWAY = 2  # questions in a row that nothing answered
PAUSE = 15  # seconds until the next one is let through


class ModelAway(ModelDown):
    """The model was not asked, since it has not answered a moment ago."""


class PatientModel:
    """A language model, asked by one with much patience or by one with little."""

    def __init__(
        self,
        patient: LanguageModel,
        brief: LanguageModel,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.host = patient.name, patient.host
        self._patient, self._brief, self._clock = patient, brief, clock
        self._lock = threading.Lock()
        self._unanswered, self._again_at = 0, 0.0

    def ask(self, said: Sequence[Said], form: type[Form], *, most_tokens: int) -> ModelAnswer[Form]:
        """Return an answer in a form. Raises `ModelNonsense` where the answer has another."""
        model = self._admit()
        with _Heard(self):
            return model.ask(said, form, most_tokens=most_tokens)

    def stream(self, said: Sequence[Said], *, most_tokens: int) -> ModelStream:
        """Return an answer in words as it comes."""
        model = self._admit()
        with _Heard(self, at_end=False):  # it is answered once a piece of it comes
            return _PatientStream(self, model.stream(said, most_tokens=most_tokens))

    def note_answer(self) -> None:
        """Note that it answers."""
        with self._lock:
            self._unanswered = 0

    def note_silence(self) -> None:
        """Note that nothing was answered."""
        with self._lock:
            self._unanswered += 1
            self._again_at = self._clock() + PAUSE

    def _admit(self) -> LanguageModel:
        """Return who asks; refuse while another one finds out whether anything answers."""
        with self._lock:
            if self._unanswered < UNTIL_AWAY:
                return self._brief if has_request_context() else self._patient
            if self._clock() < self._again_at:
                raise ModelAway("nothing answered a moment ago")
            self._again_at = self._clock() + PAUSE
            return self._brief


class _PatientStream:
    """A stream that tells whether anything came of it."""

    def __init__(self, model: PatientModel, stream: ModelStream) -> None:
        self.use: ModelUse | None = None
        self._model, self._stream = model, stream

    def __iter__(self) -> Iterator[str]:
        """Go through the pieces. Raises `ModelDown` where they stop before the end."""
        with _Heard(self._model, at_end=False):
            for piece in self._stream:
                self._model.note_answer()
                yield piece
        self.use = self._stream.use

    def close(self) -> None:
        """Hear no more of it; safe to call twice."""
        self._stream.close()


class _Heard:
    """Notes whether what is done in it was answered."""

    def __init__(self, model: PatientModel, *, at_end: bool = True) -> None:
        self._model, self._at_end = model, at_end

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, trouble: BaseException | None, _trace: object) -> None:
        if isinstance(trouble, ModelDown):
            self._model.note_silence()
        elif self._at_end and not isinstance(trouble, GeneratorExit):
            self._model.note_answer()  # a refusal, or nonsense, is an answer as well


def of(patient: LanguageModel | None, brief: LanguageModel | None) -> PatientModel | None:
    """Return a model that is waited for with patience, where there is one."""
    return PatientModel(patient, brief) if patient and brief else None
