"""What a project asks, in a real Chromium: for its owner in English, for an expert in French."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from accounts.models import User
from core.clock import now
from tests.factories.annotation import make_desk
from tests.factories.experts import make_expert
from tests.factories.projects import make_invitation
from tests.factories.templates import make_passed, make_template
from tests.interviews.test_browser import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ADAPTIVE = True


def test_the_pages_of_a_projects_interview_can_be_used_by_all(live, browser_page):
    with live.transaction() as session:
        desk = make_desk(session, experts=0)
        expert = make_expert(session)
        user = session.get_one(User, expert.user_id)
        user.locale = "fr"
        make_passed(session, user, at=now() - timedelta(days=1))
        make_invitation(session, desk.project, expert)
        session.execute(text("delete from competency_proof where competency = 'data'"))
        owner, project_id = desk.owner, desk.project_id
        session.flush()
        session.expunge_all()

    window = signed_in(browser_page, live, owner)
    window.open(f"/projects/{project_id}/interview")
    window.press("Show what it means")
    window.look("project-interview-owner")
    window.press("Ask this from now on")
    assert window.page.get_by_text("The project asks this from now on").is_visible()

    with live.transaction() as session:
        project = session.merge(desk.project)
        make_template(session, project, session.merge(owner), at=now())
        session.expunge_all()
    window = signed_in(window, live, user)
    window.open(f"/projects/{project_id}/your-interview")
    window.look("project-interview-expert")
    window.press("Lire la notice et choisir")
    window.look("project-interview-before")
