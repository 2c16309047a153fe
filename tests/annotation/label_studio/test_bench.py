"""The bench in a real browser, with the server's own editor in its frame."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from annotation.models import Annotation, State
from tests.annotation.label_studio.bench_window import choose, mark, take_a_task
from tests.browser import served

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.browser,
    pytest.mark.xdist_group("label_studio"),
]


def answer_of(live: Any, assignment_id: int) -> list[dict[str, Any]]:
    with live.transaction() as session:
        found = session.exec(
            select(Annotation).where(Annotation.assignment_id == assignment_id)
        ).all()
        return [part for annotation in found for part in annotation.result]


def test_a_task_is_labelled_by_mouse_and_handed_in(bench, chromium):
    work = take_a_task(bench)
    with served(bench.app) as home, work.window(chromium, home) as window:
        page = window.open(work.path)
        mark(page, "licensor", "Party")
        choose(page, "grant")
        window.check()
        window.look("bench")

        page.get_by_role("button", name=re.compile("Hand in")).click()
        page.wait_for_url(re.compile(r"/work(/\d+)?$"))
        expect(page.locator("[data-editor]")).to_have_count(0)

    parts = {part["type"]: part["value"] for part in answer_of(bench, work.assignment_id)}
    assert parts["choices"] == {"choices": ["grant"]}
    assert parts["labels"] == {"start": 4, "end": 12, "text": "licensor", "labels": ["Party"]}
    assert work.assignment().state is State.SUBMITTED
