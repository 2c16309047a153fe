"""Dictation: agreed to, in memory, in words when it fails; typing is there in any case."""

from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlmodel import select

from accounts.models import Purpose
from core import language_model
from core.models import CallOutcome, ModelCall
from core.ports import ModelDown, ModelRefused, ports
from interviews import editions, speech
from interviews.accommodation_models import Need
from interviews.items import Short
from proofs import scripted_model
from tests.conftest import make_settings
from tests.factories.accounts import make_user
from tests.factories.consents import make_consent
from tests.factories.interviews import make_interview
from tests.factories.people import make_accommodation

WEBM = b"\x1a\x45\xdf\xa3" + bytes(3000)
SOUND = {"Content-Type": "audio/webm", "Accept": "application/json"}


class Silent:
    """A transcriber that fails in a given way."""

    name = "speech-1"

    def __init__(self, trouble):
        self.trouble = trouble

    def transcribe(self, audio, *, name, language):
        raise self.trouble


@pytest.fixture
def user(session):
    return make_user(session, "expert")


@pytest.fixture
def endpoint():
    with scripted_model.running(lambda _asked: "") as model:
        yield model


@pytest.fixture
def hearing(app, monkeypatch, tmp_path, endpoint):
    """An app with a speech model."""
    known = make_settings(
        tmp_path,
        llm_base_url=endpoint.base_url,
        llm_transcribe_model="speech-1",
        llm_api_key=SecretStr("k"),
    )
    monkeypatch.setitem(app.extensions, "doyen.settings", known)
    with app.app_context():
        plain = ports()
    made = language_model.transcriber(known)
    monkeypatch.setitem(app.extensions, "doyen.ports", replace(plain, transcriber=made))
    yield endpoint
    made._client.close()


@pytest.fixture
def interview(session, user):
    """An interview whose open question asks for words."""
    made = make_interview(session, user)
    bank = editions.of(session, made)
    item = next(item for item in bank.items if isinstance(item.question, Short))
    made.plan = [{"item": item.id, "order": {}}, *made.plan[1:]]
    session.flush()
    return made


def send(client, interview, audio=WEBM):
    return client.post(f"/interviews/{interview.id}/speech", data=audio, headers=SOUND)


def test_a_recording_becomes_words_and_is_counted(session, user, interview, hearing, sign_in):
    make_consent(session, user, Purpose.VOICE)
    hearing.heard = "  The buyer needs\n consent. "

    answer = send(sign_in(user), interview)

    assert answer.json == {"words": "The buyer needs consent."}
    [call] = session.exec(select(ModelCall)).all()
    assert (call.purpose, call.subject) == ("speech", f"interview:{interview.id}")


def test_it_is_offered_where_it_is_possible_and_nowhere_else(
    session, user, interview, hearing, sign_in
):
    client = sign_in(user)
    page = client.get(f"/interviews/{interview.id}")
    assert "data-dictate" in page.text
    assert "microphone=(self)" in page.headers["Permissions-Policy"]
    assert "microphone=()" in client.get("/interviews").headers["Permissions-Policy"]

    make_accommodation(session, user, need=Need.TEXT_ONLY)
    page = client.get(f"/interviews/{interview.id}")

    assert "data-dictate" not in page.text
    assert "microphone=()" in page.headers["Permissions-Policy"]
    make_consent(session, user, Purpose.VOICE)
    assert send(client, interview).status_code == 409


def test_without_a_speech_model_nothing_is_offered(user, interview, sign_in):
    client = sign_in(user)

    assert "data-dictate" not in client.get(f"/interviews/{interview.id}").text
    assert send(client, interview).status_code == 409


def test_without_agreement_nothing_is_sent(session, user, interview, hearing, sign_in):
    client = sign_in(user)
    assert send(client, interview).status_code == 422
    assert session.exec(select(ModelCall)).all() == []

    page = f"/interviews/{interview.id}/voice"
    assert client.post(page, data={"version": "old"}).status_code == 409
    assert client.post(page, data={"version": "2026-11"}).json == {"agreed": True}
    assert send(client, interview).status_code == 200


@pytest.mark.parametrize(
    ("audio", "status"),
    [
        (b"", 422),
        (b"\x1a\x45\xdf\xa3", 422),
        (b"<script>alert(1)</script>" * 100, 422),
        (WEBM + bytes(speech.LARGEST), 413),
    ],
)
def test_what_is_no_recording_never_leaves(
    session, user, interview, hearing, sign_in, audio, status
):
    make_consent(session, user, Purpose.VOICE)

    assert send(sign_in(user), interview, audio).status_code == status
    assert session.exec(select(ModelCall)).all() == []


def test_silence_is_said_to_be_silence(session, user, interview, hearing, sign_in):
    make_consent(session, user, Purpose.VOICE)
    hearing.heard = " … "

    answer = send(sign_in(user), interview)

    assert answer.status_code == 422
    assert "Nothing was heard" in answer.text
    assert session.exec(select(ModelCall.outcome)).all() == [CallOutcome.NONSENSE]


@pytest.mark.parametrize(
    ("trouble", "status", "outcome"),
    [
        (ModelDown("x"), 503, CallOutcome.DOWN),
        (ModelRefused("x"), 502, CallOutcome.REFUSED),
    ],
)
def test_trouble_is_said_in_words_and_counted(
    app, session, user, interview, hearing, sign_in, monkeypatch, trouble, status, outcome
):
    make_consent(session, user, Purpose.VOICE)
    known = replace(app.extensions["doyen.ports"], transcriber=Silent(trouble))
    monkeypatch.setitem(app.extensions, "doyen.ports", known)

    answer = send(sign_in(user), interview)

    assert answer.status_code == status
    assert "type" in answer.text
    assert session.exec(select(ModelCall.outcome)).all() == [outcome]
