"""Media files of every kind in the server's own editor, by links that die with the lease."""

import base64
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Response, expect
from sqlmodel import select

from annotation import tasks
from annotation.models import Annotation, State, Task
from core.clock import now
from projects.label_config import config_problems
from tests.annotation.label_studio import media
from tests.annotation.label_studio.bench_window import Bench, choose, editor
from tests.annotation.label_studio.templates import view
from tests.browser import Window, served
from tests.conftest import Live
from tests.factories.annotation import claimed, make_assignment, make_desk, make_task
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
    assert config_problems(EVERY_KIND) == []  # an owner may post it
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


MARKED = view(
    '<Labels name="spans" toName="text"><Label value="Party"/></Labels>',
    '<Text name="text" value="$text"/>',
    '<RectangleLabels name="boxes" toName="image"><Label value="Seal"/></RectangleLabels>',
    '<Image name="image" value="$image"/>',
)
SPAN = {"start": 4, "end": 12, "text": "licensor", "labels": ["Party"]}
BOX = {"x": 20, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["Seal"]}
GIVEN: list[dict[str, Any]] = [
    {"id": "a", "from_name": "spans", "to_name": "text", "type": "labels", "value": SPAN},
    {"id": "b", "from_name": "boxes", "to_name": "image", "type": "rectanglelabels", "value": BOX}
    | {"original_width": 320, "original_height": 240, "image_rotation": 0},
]
NOW = "JSON.stringify(Htx.annotationStore.selected.serializeAnnotation())"


def test_an_answer_is_seen_in_the_editor_and_nothing_in_it_can_be_changed(bench, chromium):
    settings = bench.app.extensions["doyen.settings"]
    with bench.transaction() as session:
        desk = make_desk(session, tasks=0, label_config=MARKED)
        how = {"by": desk.owner, "settings": settings, "content": held(media.picture())}
        make_media(session, desk.project, name="scan.png", **how)
        data = {"text": "The licensor grants a licence.", "image": "media:scan.png"}
        task = make_task(session, desk.project, data=data)
        lease = make_assignment(
            session, desk.project, task=task, state=State.SUBMITTED, result=GIVEN
        )
        work = Bench(bench, desk.owner.id or 0, lease.id or 0, task.id or 0)
        queue = f"/projects/{desk.project_id}/review?all=1"
    bench.client().get("/editor/frame")

    with served(bench.app) as home, work.window(chromium, home) as shown:
        page, sent = shown.page, []
        page.on("request", lambda one: sent.append(one.url) if one.method != "GET" else None)
        shown.picky = False
        shown.open(queue)
        page.get_by_role("link", name="See it in the editor").click()
        frame = page.frame_locator("[data-editor]")
        expect(frame.get_by_text("licensor").first).to_be_visible(timeout=30_000)
        inside = next(one for one in page.frames if one.url.endswith("/editor/frame"))
        until(inside, "Htx.annotationStore.selected.regions.length === 2")
        until(inside, "Htx.annotationStore.selected.objects[1].currentImageEntity.imageLoaded")
        before = inside.evaluate(NOW)
        assert [one["value"] for one in json.loads(before)] == [one["value"] for one in GIVEN]

        # Labels by mouse and key, a box drawn and one dragged, deleted, undone, handed in.
        stage = frame.locator(".konvajs-content").first.bounding_box()
        assert stage is not None
        for label in ("Seal", "Party"):
            frame.get_by_text(label, exact=True).first.click()
            page.keyboard.press("2")
            for x, y in ((0.6, 0.3), (0.3, 0.4)):
                page.mouse.move(stage["x"] + x * stage["width"], stage["y"] + y * stage["height"])
                page.mouse.down()
                page.mouse.move(stage["x"] + 0.9 * stage["width"], stage["y"] + 200, steps=4)
                page.mouse.up()
        for keys in ("Backspace", "Delete", "Control+Backspace", "Control+z", "Control+Enter"):
            page.keyboard.press(keys)
        inside.wait_for_timeout(300)

        assert inside.evaluate(NOW) == before
        assert sent == []
        expect(frame.get_by_role("button", name=re.compile("Submit|Update|Skip"))).to_have_count(0)
        shown.faults.clear()  # the editor's own warnings are not ours
        shown.picky = True
        shown.check()
