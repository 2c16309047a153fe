"""Dictation with a made microphone, counts of how an answer came, and the pages around them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from core import language_model
from core.clock import now
from interviews import editions
from interviews.items import Short
from interviews.signal_models import AnswerSignal
from proofs import scripted_model
from tests.browser import DEBIAN, QUIET, served, window
from tests.conftest import make_settings
from tests.factories.accounts import make_user
from tests.factories.interviews import make_interview
from tests.factories.people import make_accommodation
from tests.interviews.test_browser import person, signed_in
from tests.interviews.test_integrity import PASTED, in_words, write
from tests.interviews.test_signals import ESSAY

COPIES = True
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
FAKE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
HEARD = "L’acheteur a besoin d’un consentement."


@pytest.fixture
def hearing(live, tmp_path):
    """A live app with a speech model, and a window whose microphone is made."""
    with scripted_model.running(lambda _asked: "") as endpoint:
        endpoint.heard = HEARD
        known = make_settings(
            tmp_path,
            llm_base_url=endpoint.base_url,
            llm_transcribe_model="speech-1",
            llm_api_key=SecretStr("k"),
        )
        made = language_model.transcriber(known)
        live.app.extensions["doyen.settings"] = known
        plain = live.app.extensions["doyen.ports"]
        live.app.extensions["doyen.ports"] = replace(plain, transcriber=made)
        yield endpoint
        made._client.close()


@pytest.fixture
def microphone(chromium, live, hearing):
    own = {"executable_path": str(DEBIAN)} if DEBIAN.exists() else {}
    browser = chromium.browser_type.launch(args=[*QUIET, *FAKE], **own)
    with served(live.app) as url, window(browser, url) as opened:
        opened.page.context.grant_permissions(["microphone"], origin=url)
        yield opened
    browser.close()


def test_an_answer_is_dictated_changed_pasted_and_sent(live, microphone):
    user, operator = person(live, "expert", "fr"), person(live, "operator", "en")
    with live.transaction() as session:
        interview = make_interview(session, session.merge(user), at=now() - timedelta(minutes=5))
        bank = editions.of(session, interview)
        words = [one for one in in_words(session).plan if _is_short(bank, one)]
        interview.plan = words[:2]
        number = interview.id
        candidate = make_user(session, "expert", locale="en")
        reviewed = write(session, in_words(session, candidate), ESSAY, measured=PASTED)
        done = reviewed.id
        make_accommodation(session, session.merge(user))
        session.flush()
        session.expunge_all()
    seen = signed_in(microphone, live, user)
    page = seen.page
    seen.open(f"/interviews/{number}")
    page.get_by_text("Parler au lieu d’écrire").click()
    seen.check()
    seen.look("people-dictate")
    page.get_by_role("button", name="J’accepte la dictée").click()
    page.get_by_role("button", name="Enregistrer", exact=True).click()
    stop = page.get_by_role("button", name="Arrêter et transcrire")
    stop.wait_for()
    page.wait_for_timeout(400)
    page.get_by_role("button", name="Jeter").click()
    page.get_by_text("Rien n’a été envoyé").wait_for()
    page.get_by_role("button", name="Enregistrer", exact=True).click()
    stop.wait_for()
    page.wait_for_timeout(400)
    seen.look("people-recording")
    stop.click()
    page.get_by_text("Les mots se trouvent à la fin").wait_for()
    field = page.locator("textarea[name=answer]")
    assert field.input_value() == HEARD
    field.press_sequentially(" Oui.")
    page.evaluate(
        "words => { const field = document.querySelector('textarea[name=answer]'); field.focus();"
        " const end = field.value.length; field.setRangeText(words, end, end, 'end');"
        " field.dispatchEvent(new InputEvent('input', { inputType: 'insertFromPaste' })); }",
        ESSAY,
    )
    seen.picky = False
    seen.press("Envoyer et continuer")

    with live.transaction() as session:
        mine = select(AnswerSignal).where(AnswerSignal.letters > len(ESSAY))
        [kept] = [one for one in session.exec(mine) if one.measured and one.away == 0]
        assert (kept.pasted, kept.pastes, kept.bursts) == (len(ESSAY), 1, 0)
        assert kept.first_key_ms is not None
        assert kept.letters == len(HEARD) + len(" Oui.") + len(ESSAY)

    seen.picky = True
    for path, name in (
        ("/interviews/accommodations", "people-accommodations"),
        ("/interviews/practice", "people-practice"),
    ):
        seen.open(path)
        seen.look(name)
    seen.press("Je ne sais pas")
    seen.look("people-practice-explained")
    signed_in(seen, live, candidate).open(f"/interviews/{done}/result")
    seen.look("people-result")
    signed_in(seen, live, operator).open(f"/operator/interviews/{done}")
    seen.look("people-review")
    for path in ("/operator/interviews/signals", "/operator/accommodations"):
        seen.open(path)
        seen.look(f"people-{path.rsplit('/', 1)[1]}")


def _is_short(bank, step):
    return isinstance(bank.item(step["item"]).question, Short)
