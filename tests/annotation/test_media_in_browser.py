"""The page of media files, in a real Chromium: files go in pieces."""

from typing import Any

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from accounts.models import User
from annotation.media_models import TaskMedia
from tests.annotation.test_media import IMAGE
from tests.annotation.test_pages_in_browser import enter
from tests.factories.annotation import make_desk
from tests.factories.media import PIXEL

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("language", ["en", "fr"])
def test_files_are_sent_in_pieces_and_what_is_wrong_is_said(
    live: Any, browser_page: Any, language: str
) -> None:
    with live.transaction() as session:
        desk = make_desk(session, tasks=0, label_config=IMAGE)
        session.get_one(User, desk.owner.id).locale = language
        owner, project_id = desk.owner, desk.project_id
    enter(live, browser_page, owner)
    page = browser_page.open(f"/projects/{project_id}/media")
    big = PIXEL + b"\0" * 9_000_000  # three pieces
    files = [
        {"name": "scan.png", "mimeType": "image/png", "buffer": big},
        {"name": "page.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"},
    ]
    page.route("**/media-uploads/*start=4000000", lambda route: route.abort(), times=1)

    page.locator("[name=files]").set_input_files(files)
    page.locator("[data-media-upload] button").click()

    expect(page.locator("[data-media-refused]")).to_contain_text("page.svg", timeout=15_000)
    listed = page.get_by_role("link", name="scan.png")
    expect(listed).to_be_visible()  # what came is shown beside the reasons for what did not
    browser_page.faults.clear()  # the browser names what was refused, and what could not leave
    page.locator("[name=files]").set_input_files(files[:1])
    with page.expect_navigation():
        page.locator("[data-media-upload] button").click()
    expect(listed).to_be_visible()
    browser_page.check()
    browser_page.look(f"media-{language}")
    with live.transaction() as session:
        assert [file.size for file in session.exec(select(TaskMedia))] == [len(big)]
