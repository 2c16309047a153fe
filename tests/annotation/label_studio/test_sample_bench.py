"""A work sample in a real browser, with the server's own editor and a real pointer."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from accounts.models import User
from annotation import sample_course
from annotation.sample_models import SampleAnswer, SampleState, WorkSample
from core.clock import now
from tests import browser as browsers
from tests.annotation.label_studio.bench_window import choose, editor, mark
from tests.browser import served
from tests.factories.annotation import choice, make_task
from tests.factories.samples import make_rule, make_sample_desk

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.browser,
    pytest.mark.xdist_group("label_studio"),
]


def test_a_work_sample_is_taken_by_mouse_also_without_a_network_and_too_late(bench, chromium):
    with bench.transaction() as session:
        desk = make_sample_desk(session, gold=0)
        for _ in range(3):
            make_task(session, desk.project, gold=choice("grant", (4, 12, "Party")))
        make_rule(session, desk.project, by=desk.owner)
        project_id, expert_id = desk.project_id, desk.experts[0].user_id
    with bench.transaction() as session:
        client = bench.client(session.get_one(User, expert_id))
    cookie = client.get_cookie("doyen")

    with served(bench.app) as home, browsers.window(chromium, home) as window:
        page = window.page
        page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": home}])
        window.picky = False
        window.open(f"/work-samples/projects/{project_id}")
        page.get_by_role("button", name="Start the work sample").click()

        page.wait_for_url(re.compile(r"/tasks/1$"))
        mark(page, "licensor", "Party")
        choose(page, "grant")
        page.get_by_role("button", name=re.compile("Hand in")).dblclick()

        page.wait_for_url(re.compile(r"/tasks/2$"))
        choose(page, "patent")
        page.context.set_offline(True)
        page.get_by_role("button", name=re.compile("Hand in")).click()
        expect(page.locator("[data-notice]")).to_contain_text("No connection")
        page.context.set_offline(False)
        page.get_by_role("button", name=re.compile("Hand in")).click()

        page.wait_for_url(re.compile(r"/tasks/3$"))
        editor(page)
        with bench.transaction() as session:
            found = session.exec(select(WorkSample)).one()
            found.started_at = now() - timedelta(hours=2)
            found.expires_at = now() - timedelta(seconds=1)
            session.add(found)
        choose(page, "grant")
        page.get_by_role("button", name=re.compile("Hand in")).click()
        expect(page.locator("[data-notice]")).to_contain_text("time of this work sample is over")
        page.get_by_role("link", name="See how the work sample stands").click()
        expect(page.get_by_role("heading", level=2).first).to_contain_text("time was over")
        window.faults.clear()  # the console tells of the network and of the refusal

    with bench.transaction() as session:
        first, second, third = session.exec(
            select(SampleAnswer).order_by(SampleAnswer.position)  # type: ignore[arg-type]
        ).all()
        assert (first.score, second.score) == (1.0, 0.0)
        assert (third.result, third.draft[0]["value"]) == (None, {"choices": ["grant"]})
        assert sample_course.expire_next(session, at=now())
        assert session.exec(select(WorkSample)).one().state is SampleState.EXPIRED
