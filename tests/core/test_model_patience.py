"""While a model is away, one question at a time finds out whether it is back; nobody else waits."""

import pytest

from core.model_patience import PAUSE, ModelAway, PatientModel
from core.ports import ModelDown, ModelRefused, Said

SAID = [Said("user", "Hello.")]


class Stream:
    use = None

    def __init__(self, pieces):
        self.pieces = pieces

    def __iter__(self):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def close(self):
        """Nothing to close."""


class Model:
    name, host = "small", "a.test"

    def __init__(self):
        self.asked = 0
        self.trouble = None
        self.pieces = ["Yes."]

    def ask(self, _said, _form, *, most_tokens):
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return most_tokens

    def stream(self, _said, *, most_tokens):
        self.ask(_said, None, most_tokens=most_tokens)
        return Stream(self.pieces)


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def models(clock):
    patient, brief = Model(), Model()
    return PatientModel(patient, brief, clock=lambda: clock[0]), patient, brief


def fail(model, trouble=ModelDown):
    with pytest.raises(trouble):
        model.ask(SAID, None, most_tokens=1)


def test_who_is_away_is_asked_by_one_at_a_time(models, clock):
    model, patient, brief = models
    patient.trouble = brief.trouble = ModelDown("away")
    fail(model)
    fail(model)

    fail(model, ModelAway)
    assert (patient.asked, brief.asked) == (2, 0)

    clock[0] += PAUSE
    fail(model)
    fail(model, ModelAway)
    assert (patient.asked, brief.asked) == (2, 1)

    clock[0] += PAUSE
    brief.trouble = None
    assert model.ask(SAID, None, most_tokens=7) == 7
    patient.trouble = None
    assert model.ask(SAID, None, most_tokens=8) == 8


def test_a_stream_that_stalls_counts_though_it_was_opened(models):
    model, patient, _brief = models
    patient.pieces = [ModelDown("silent")]
    for _ in range(2):
        with pytest.raises(ModelDown):
            list(model.stream(SAID, most_tokens=1))

    with pytest.raises(ModelAway):
        model.stream(SAID, most_tokens=1)


def test_a_refusal_is_an_answer(models):
    model, patient, _brief = models
    patient.trouble = ModelRefused("key")
    for _ in range(5):
        fail(model, ModelRefused)

    assert patient.asked == 5  # it is asked each time: nothing was taken for silence


def test_before_a_page_the_one_with_little_patience_asks(models, app):
    model, patient, brief = models
    with app.test_request_context():
        assert list(model.stream(SAID, most_tokens=1)) == ["Yes."]

    assert (patient.asked, brief.asked) == (0, 1)
