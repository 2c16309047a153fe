"""Media files of every kind in the server's own editor, by links that die with the lease."""

import base64
import io
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Frame, Response, expect
from sqlmodel import select

from annotation import tasks
from annotation.models import Annotation, Task
from core.clock import now
from tests.annotation.label_studio import media
from tests.annotation.label_studio.bench_window import Bench, choose, editor
from tests.annotation.label_studio.templates import view
from tests.browser import Window, served
from tests.conftest import Live
from tests.factories.annotation import claimed, make_desk
from tests.factories.media import make_media

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.browser,
    pytest.mark.xdist_group("label_studio"),
]

EVERY_KIND = view(
    '<Choices name="kind" toName="image"><Choice value="heard"/><Choice value="seen"/></Choices>',
    '<Image name="image" value="$image"/>',
    '<Audio name="audio" value="$audio"/>',
    '<Video name="video" value="$video" framerate="12"/>',
    '<Pdf name="pdf" value="$pdf"/>',
    '<TimeSeries name="series" value="$series" valueType="url" timeColumn="time" sep=",">'
    '<Channel column="load"/></TimeSeries>',
)
NAMES = {
    "image": "scan.png",
    "audio": "tone.wav",
    "video": "film.webm",
    "pdf": "clause.pdf",
    "series": "load.csv",
}


def held(address: str) -> bytes:
    """Return what an address holds."""
    return base64.b64decode(address.split(",")[1])


def until(frame: Frame, script: str) -> None:
    """Wait until something is so in the frame, whose policy lets no script wait in it."""
    for _ in range(100):
        if frame.evaluate(script):
            return
        frame.wait_for_timeout(100)
    raise AssertionError(f"never so: {script}")


@pytest.fixture
def window(bench: Live, chromium: Browser) -> Iterator[tuple[Bench, Window]]:
    """A bench with a task that shows a file of every kind."""
    settings = bench.app.extensions["doyen.settings"]
    with served(bench.app) as home, chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{home}/about")
        film = media.film(page)
        series = media.series()
        rows = zip(series["time"], series["load"], strict=True)
        contents = {
            "image": held(media.picture()),
            "audio": held(media.sound()),
            "video": held(film),
            "pdf": held(media.document()),
            "series": "\n".join(["time,load", *(f"{a},{b}" for a, b in rows)]).encode(),
        }
        with bench.transaction() as session:
            desk = make_desk(session, tasks=0, label_config=EVERY_KIND)
            for field, name in NAMES.items():
                how = {"by": desk.owner, "settings": settings, "content": contents[field]}
                make_media(session, desk.project, name=name, **how)
            data = {field: f"media:{name}" for field, name in NAMES.items()}
            line = io.BytesIO(json.dumps({"data": data}).encode())
            tasks.import_file(session, desk.project, "a.jsonl", line, by=desk.owner, at=now())
            task = session.exec(select(Task)).one()
            lease = claimed(session, desk.project, desk.experts[0].user_id, at=now())
            work = Bench(bench, lease.expert_id, lease.id or 0, task.id or 0)
        bench.client().get("/editor/frame")  # the editor's files come before the first task
        with work.window(chromium, home) as window:
            window.picky = False
            yield work, window
            window.faults.clear()  # the editor's own warnings are not ours


def test_files_of_every_kind_are_shown_and_a_link_that_ran_out_is_renewed(window):
    work, shown = window
    page = shown.page
    answers: list[Response] = []
    page.on("response", lambda one: answers.append(one) if "/media/" in one.url else None)
    page.goto(shown.home + work.path)
    frame = editor(page)

    until(frame, "[...document.images].some((one) => one.naturalWidth === 320)")
    until(frame, "document.querySelector('video')?.readyState >= 1")
    expect(page.locator(".dy-document")).to_be_visible()
    until(frame, "document.querySelectorAll('[class*=imeseries] path, svg path.path').length > 0")
    expect(frame.locator("canvas").first).to_be_visible()
    by_name = {one.url.rsplit("/", 1)[1].split("?")[0] for one in answers if one.ok}
    assert by_name == set(NAMES.values())

    # Seeking asks for a part of the film.
    parts = page.evaluate(
        """async (address) => {
          const answer = await fetch(address, { headers: { Range: "bytes=10-19" } });
          return [answer.status, (await answer.arrayBuffer()).byteLength];
        }""",
        next(one.url for one in answers if one.url.endswith(NAMES["video"])),
    )
    assert parts == [206, 10]
    assert any(one.status == 206 for one in answers)
    frame.evaluate("document.querySelector('video').currentTime = 0.8")
    until(frame, "document.querySelector('video').currentTime > 0.7")

    # A link that ran out is said in words and renewed, and what was labelled stays.
    choose(page, "seen")
    old = frame.evaluate("document.querySelector('video').currentSrc")
    page.route("**/media/**", lambda route: route.fulfill(status=410), times=1)
    frame.evaluate("document.querySelector('video').load()")
    expect(page.locator("[data-notice]")).to_contain_text("The file has a fresh link")
    until(frame, f"document.querySelector('video').currentSrc !== '{old}'")
    until(frame, "document.querySelector('video').readyState >= 1")

    page.get_by_role("button", name=re.compile("Hand in")).click()
    expect(page.locator("[data-editor]")).to_have_count(0)
    with work.live.transaction() as session:
        [answer] = session.exec(select(Annotation.result)).all()
    assert answer[0]["value"] == {"choices": ["seen"]}
    assert page.request.get(old).status == 410
