"""The audit trail and the fair-hiring pages in a real Chromium, in both languages."""

from typing import Any

import pytest
from sqlalchemy import text

from accounts.models import User
from core import audit, seals
from core.clock import now
from interviews import fairness
from interviews.models import Ethnicity, Sex
from tests.browser import Window
from tests.conftest import Live
from tests.core.test_seals import AS_MASTER
from tests.factories.accounts import make_user
from tests.factories.experts import make_expert
from tests.factories.interviews import answer_all, make_interview, right, unknown

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_operator_reads_the_trail_and_the_report(
    live: Live, browser_page: Window, language: str
) -> None:
    with live.transaction() as session:
        operator = make_user(session, "operator", locale=language, name="Ada Nguyen")
        for number in range(60):
            audit.record(session, "payout.sent", by=None, subject=f"payout:{number}")
        _people(session)
        for number in range(3):
            audit.record(
                session,
                "interview.read",
                by=operator.id,
                subject=f"interview:{number + 1}",
                details={"of": 3, "reason": "\u202eright to left"},
            )
        session.expunge_all()
    with live.app.app_context():
        seals.seal_all()
        with live.transaction() as session:
            seals.check(session, at=now())
    window = _signed_in(browser_page, live, operator)

    for name, path in {
        "audit": "/operator/audit",
        "audit-none": "/operator/audit?row=nothing:1",
        "audit-filtered": "/operator/audit?row=payout&page=2",
        "operator": "/operator",
        "fair-hiring": "/operator/fair-hiring",
        "fair-hiring-none": "/operator/fair-hiring?since=2001-01-01&until=2001-02-01",
    }.items():
        window.open(path)
        window.look(f"aud-{name}-{language}")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_expert_says_what_they_like_and_erases_it(
    live: Live, browser_page: Window, language: str
) -> None:
    with live.transaction() as session:
        user = make_user(session, "expert", locale=language)
        session.expunge_all()
    window = _signed_in(browser_page, live, user)

    window.open("/account")
    window.look(f"aud-account-{language}")
    window.open("/account/fair-hiring")
    window.page.check("input[name=sex][value=female]")
    window.page.check("input[name=ethnicity][value=asian]")
    window.press("Save" if language == "en" else "Enregistrer")
    window.look(f"aud-declaration-{language}")
    window.press("Erase what I declared" if language == "en" else "Effacer ce que j’ai déclaré")

    with live.transaction() as session:
        assert fairness.declared(session, user.id) is None


def test_everybody_reads_the_public_summary(live: Live, browser_page: Window) -> None:
    open_ = live.app.extensions["doyen.settings"].model_copy(
        update={"fair_hiring_public": True, "fair_hiring_public_at_least": 2}
    )
    live.app.extensions["doyen.settings"] = open_
    with live.transaction() as session:
        _people(session)
        session.flush()
        session.execute(text(AS_MASTER))
        session.execute(text("update interview set decided_at = decided_at - interval '40 days'"))

    browser_page.open("/fair-hiring")
    browser_page.look("aud-public")


def _people(session: Any) -> None:
    said = [
        (right, Sex.FEMALE, Ethnicity.ASIAN),
        (unknown, Sex.FEMALE, Ethnicity.WHITE),
        (right, Sex.FEMALE, Ethnicity.WHITE),
        (right, Sex.MALE, Ethnicity.ASIAN),
        (right, Sex.MALE, Ethnicity.WHITE),
        (unknown, Sex.MALE, Ethnicity.BLACK),
        (right, Sex.MALE, Ethnicity.PACIFIC),
        (unknown, None, None),
    ]
    for how, sex, ethnicity in said:
        expert = make_expert(session)
        user = session.get_one(User, expert.user_id)
        answer_all(session, make_interview(session, user), how)
        if sex is not None:
            fairness.declare(session, expert.user_id, sex, ethnicity, at=now())


def _signed_in(window: Window, live: Live, user: Any) -> Window:
    cookie = live.client(user).get_cookie("doyen")
    assert cookie is not None
    window.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": window.home}])
    return window
