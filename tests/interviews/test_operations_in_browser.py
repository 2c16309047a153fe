"""Calibrations, the queue and the system card in a real Chromium: usable by all."""

from datetime import timedelta

import pytest

from core.clock import now
from experts.fields import Field
from interviews import conversation
from interviews.models import Mode
from tests.factories.accounts import make_user
from tests.factories.calibration import make_calibration
from tests.factories.interviews import answer_all, make_interview, right
from tests.interviews.test_browser import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ADAPTIVE = True


def test_the_pages_of_operators_and_the_card_can_be_used_by_all(live, browser_page):
    with live.transaction() as session:
        operator = make_user(session, "operator", locale="fr")
        run = make_calibration(session, field=Field.LAW).id
        interview = make_interview(session, at=now() - timedelta(days=8))
        conversation.switch(session, interview, Mode.PERSON, now() - timedelta(days=8))
        session.flush()
        answer_all(session, interview, right, at=now() - timedelta(days=8))
        session.expunge_all()
    window = signed_in(browser_page, live, operator)
    window.picky = True

    for name, address in {
        "calibration": "/operator/interviews/calibration?field=law",
        "calibration-item": f"/operator/interviews/calibration/{run}/law-001",
        "interview-queue": "/operator/interviews",
        "interview-statistics": "/operator/interviews/statistics?field=law",
        "system-card": "/interviews/system-card",
    }.items():
        window.open(address)
        window.look(name)
        assert window.page.url.endswith(address)
        assert window.page.locator("h1").inner_text().strip()
