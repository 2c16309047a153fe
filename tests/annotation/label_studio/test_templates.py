"""Templates in the server's own editor: a person answers, our checks agree, and that is stored."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from annotation import results
from annotation.models import Annotation, State
from tests.annotation.label_studio import media
from tests.annotation.label_studio.bench_window import Bench, take_a_task
from tests.annotation.label_studio.conftest import bench_app
from tests.annotation.label_studio.hands import Hands
from tests.annotation.label_studio.templates import TEMPLATES, Template
from tests.browser import served, window
from tests.conftest import Live
from tests.label_studio_server import Server

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.browser,
    pytest.mark.xdist_group("label_studio"),
]


@dataclass
class Room:
    """One instance and one browser window, for all templates after another."""

    live: Live
    home: str
    page: Page
    folder: Path
    left: list[str] = field(default_factory=list)

    @cached_property
    def film(self) -> str:
        """A film, recorded by this browser."""
        self.page.goto(f"{self.home}/")
        return media.film(self.page)

    @cached_property
    def sound(self) -> str:
        """A sound at an address of ours: the editor fetches none from an address that holds it."""
        version = next(self.folder.iterdir())
        (version / "tone.wav").write_bytes(base64.b64decode(media.sound().split(",")[1]))
        return f"{self.home}/editor/assets/{version.name}/tone.wav"

    def data(self, template: Template) -> dict[str, Any]:
        """Return a task's data, with the media that are made here."""
        made = {"video": "film", "audio": "sound"}
        return {
            name: getattr(self, made[name]) if value == "…" else value
            for name, value in template.data.items()
        }


@pytest.fixture(scope="module")
def room(
    postgres: str, label_studio: Server, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("templates")
    with bench_app(postgres, folder, label_studio) as live, served(live.app) as home:
        live.client().get("/editor/frame")  # the editor's files come before the first task
        with window(chromium, home) as shown:
            files = live.app.extensions["doyen.settings"].data_dir / "editor" / "versions"
            room = Room(live, home, shown.page, files)
            shown.page.on("requestfinished", lambda request: room.left.append(request.url))
            yield room
            shown.faults.clear()  # the editor's own warnings are not ours


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_worked_with_by_hand_and_stored_as_done(room: Room, name: str):
    template = TEMPLATES[name]
    data = room.data(template)
    work = take_a_task(room.live, data=data, label_config=template.config)
    work.sign_in(room.page, room.home)

    room.page.goto(room.home + work.path)
    template.act(Hands(room.page))
    room.page.keyboard.press("Control+Enter")
    expect(room.page.locator("[data-editor]")).to_have_count(0, timeout=8000)

    answer = stored(work)
    if callable(template.comes):
        assert template.comes(answer), answer
    else:
        assert [part["value"] for part in answer] == template.comes
    assert work.assignment().state is State.SUBMITTED
    assert results.problems(template.config, data, answer) == []
    assert results.config_problems(template.config) == []
    inside = (room.home, "data:", "blob:", "about:", "chrome")  # its own viewer of documents
    assert not [url for url in room.left if not url.startswith(inside)]


def stored(work: Bench) -> list[dict[str, Any]]:
    """Return the one answer that the database has."""
    with work.live.transaction() as session:
        question = select(Annotation.result).where(Annotation.assignment_id == work.assignment_id)
        return session.exec(question).one()
