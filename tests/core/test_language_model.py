"""The adapter against a real endpoint that answers well, badly, late or not at all."""

import json
from datetime import timedelta

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from core import language_model, model_calls
from core.clock import now
from core.language_model import OpenAiModel
from core.model_calls import MILLION
from core.models import CallOutcome
from core.ports import ModelDown, ModelNonsense, ModelRefused, ModelUse, Said
from core.settings import Settings
from proofs import scripted_model
from proofs.scripted_model import Fault

ASKED = [Said("system", "Judge."), Said("user", "The answer.")]
GOOD = json.dumps({"met": True, "quote": "The answer."})


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    met: bool
    quote: str


@pytest.fixture
def endpoint():
    with scripted_model.running(lambda _asked: GOOD) as model:
        yield model


@pytest.fixture
def model(endpoint):
    made = OpenAiModel(endpoint.base_url, "tiny", "k3y", timeout=1)
    made._client = made._client.with_options(max_retries=0)
    yield made
    made._client.close()


def test_an_answer_comes_in_its_form_with_what_it_took(model, endpoint):
    answer = model.ask(ASKED, Form, most_tokens=50)

    assert answer.value == Form(met=True, quote="The answer.")
    assert (answer.use.model, answer.use.tokens_in, answer.use.tokens_out) == ("tiny", 3, 5)
    [asked] = endpoint.asked
    assert asked["response_format"]["json_schema"]["schema"]["required"] == ["met", "quote"]
    assert asked["max_tokens"] == 50


@pytest.mark.parametrize("form", ["json_object", "words"])
def test_an_endpoint_that_knows_no_schema_is_asked_without(endpoint, form):
    model = OpenAiModel(endpoint.base_url, "tiny", "", timeout=1, form=form)
    answer = model.ask(ASKED, Form, most_tokens=50)
    model._client.close()

    assert answer.value.met
    assert endpoint.asked[0].get("response_format") in ({"type": "json_object"}, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure! {",
        '{"met": "yes", "quote": "x"}',
        '{"met": true}',
        '{"met": true, "quote": "x", "score": 10}',
        '[{"met": true, "quote": "x"}]',
        "null",
        '{"met": true, "quote": "' + "x" * 300_000 + '"}',
    ],
)
def test_what_has_another_form_is_said_to(model, endpoint, text):
    endpoint.script = lambda _asked: text

    with pytest.raises(ModelNonsense) as raised:
        model.ask(ASKED, Form, most_tokens=50)

    assert raised.value.use.model == "tiny"
    assert raised.value.__suppress_context__


def test_a_fence_around_json_is_taken_off(model, endpoint):
    endpoint.script = lambda _asked: f"```json\n{GOOD}\n```"

    assert model.ask(ASKED, Form, most_tokens=50).value.met


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Fault(status=500), ModelDown),
        (Fault(status=429), ModelDown),
        (Fault(status=401), ModelRefused),
        (Fault(status=404), ModelRefused),
        (Fault(status=400), ModelRefused),
        (Fault(silence=1.5), ModelDown),
        (Fault(cut=True), ModelDown),
    ],
)
def test_trouble_is_told_apart_and_quotes_nothing(model, endpoint, fault, trouble):
    endpoint.script = lambda _asked: fault

    with pytest.raises(trouble) as raised:
        model.ask(ASKED, Form, most_tokens=50)

    assert "The answer" not in str(raised.value)
    assert "k3y" not in str(raised.value)


def test_an_endpoint_that_is_away_is_down():
    model = OpenAiModel("http://127.0.0.1:9/v1", "tiny", "", timeout=1)
    with pytest.raises(ModelDown):
        model.ask(ASKED, Form, most_tokens=50)
    model._client.close()


def test_an_answer_streams_with_what_it_took(model, endpoint):
    endpoint.script = lambda _asked: "One two three."
    stream = model.stream(ASKED, most_tokens=50)

    assert list(stream) == ["One", " two", " three."]
    assert stream.use.tokens_out == 3


def test_a_stream_that_stops_in_the_middle_is_down(model, endpoint):
    endpoint.script = lambda _asked: Fault(text="One two three four.", cut=True)
    stream = model.stream(ASKED, most_tokens=50)

    with pytest.raises(ModelDown):
        list(stream)


def test_speech_becomes_words(endpoint):
    endpoint.heard = " Bonjour. "
    transcriber = language_model.transcriber(
        _settings(llm_base_url=endpoint.base_url, llm_transcribe_model="ear")
    )

    assert transcriber.transcribe(b"RIFF", name="a.wav", language="fr").value == "Bonjour."
    transcriber._client.close()


def test_only_what_the_settings_name_is_there():
    assert language_model.first(_settings()) is None
    assert language_model.transcriber(_settings(llm_transcribe_model="ear")) is None
    both = _settings(llm_base_url="http://a.test/v1", llm_model="one", llm_second_model="two")
    second = language_model.second(both)
    assert (second.name, second.host) == ("two", "a.test")
    apart = _settings(llm_second_base_url="http://b.test/v1", llm_second_model="two")
    assert language_model.second(apart).host == "b.test"


def test_limits_count_what_calls_took(session):
    settings = _settings(llm_price_in=200, llm_price_out=600, llm_month_limit=1)
    at = now()
    assert model_calls.may_ask(session, settings, subject="interview:1", at=at)

    _note(session, settings, "interview:1", 3_000, 500, at)
    assert model_calls.spent(session, "eur", at) == 3_000 * 200 + 500 * 600
    assert model_calls.may_ask(session, settings, subject="interview:1", at=at)

    _note(session, settings, "interview:2", 500, 0, at)
    assert model_calls.spent(session, "eur", at) == MILLION
    assert not model_calls.may_ask(session, settings, subject="interview:1", at=at)
    later = at + timedelta(days=31)
    assert model_calls.may_ask(session, settings, subject="interview:1", at=later)


def test_prices_may_be_fractions_and_are_reckoned_exactly(session):
    settings = _settings(llm_price_in="0.15", llm_price_out="7.5")

    _note(session, settings, "interview:1", 1_000, 3, now())

    assert model_calls.spent(session, "eur", now()) == 173  # 172.5, up to the next millionth


def test_one_interview_takes_only_so_many_tokens(session):
    settings = _settings(llm_interview_tokens=1_000)
    _note(session, settings, "interview:1", 900, 100, now())

    assert not model_calls.may_ask(session, settings, subject="interview:1", at=now())
    assert model_calls.may_ask(session, settings, subject="interview:2", at=now())


def _note(session, settings, subject, tokens_in, tokens_out, at):
    use = ModelUse("tiny", tokens_in, tokens_out, 10)
    model_calls.note(
        session,
        settings,
        purpose="test",
        subject=subject,
        use=use,
        at=at,
        outcome=CallOutcome.ANSWERED,
    )
    session.flush()


def _settings(**changes):
    secrets = {"secret_key": SecretStr("x"), "security_password_salt": SecretStr("1")}
    return Settings(_env_file=None, **secrets, **changes)
