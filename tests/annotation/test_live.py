"""The page of an owner that says how a project goes now, and what is foreseen."""

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlmodel import Session

from annotation import editor_assets, forecast, live, newer_guidelines, review, tally
from annotation.editor_bundle import Bundle
from annotation.forecast import Pace
from annotation.models import State
from core.clock import now
from core.settings import Settings
from projects import guidelines
from projects.models import State as ProjectState
from tests.clients import CheckedClient
from tests.factories.annotation import make_assignment, make_desk, make_task
from tests.factories.questions import make_question

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)
WEEK_AGO = AT - timedelta(days=30)


@pytest.mark.parametrize(
    ("left", "pace", "days"),
    [
        (0, Pace(50, 100, WEEK_AGO), None),  # nothing is left
        (10, Pace(9, 9, WEEK_AGO), None),  # too few to say
        (10, Pace(0, 0, None), None),
        (100, Pace(10, 140, WEEK_AGO), (5, 10)),  # 20 a day in the week, 10 in the last
        (140, Pace(0, 140, WEEK_AGO), (7, 7)),  # a day of rest says nothing
        (480, Pace(20, 20, AT - timedelta(minutes=5)), (1, 1)),  # an hour is the least
        (100_000, Pace(10, 10, WEEK_AGO), (None, None)),
    ],
)
def test_the_end_is_foreseen_between_two_paces(left: int, pace: Pace, days: Any) -> None:
    found = forecast.of(left, pace, AT)

    if days is None:
        assert found is None
    else:
        ends = [AT + timedelta(days=one) if one is not None else None for one in days]
        assert found is not None
        assert [found.earliest, found.latest] == ends


def test_who_works_now_and_what_was_done_is_counted(session: Session) -> None:
    desk = make_desk(session, experts=3, tasks=2)
    one, two, three = desk.experts
    open_now = make_assignment(session, desk.project, expert=one)
    open_now.seen_at = now()
    make_assignment(session, desk.project, expert=two)
    for state in (State.SUBMITTED, State.ACCEPTED, State.REJECTED):
        make_assignment(session, desk.project, expert=three, state=state)
    make_question(session, open_now)
    session.flush()

    found = live.of(session, desk.project, zone="Europe/Paris", at=now())

    assert [worker.has_open for worker in found.workers] == [True, False]
    assert (found.has_open, found.in_hand, found.to_review) == (1, 2, 1)
    assert (found.answers, found.pace.last_day, found.experts_today) == (2, 3, 1)
    assert found.questions == 1
    assert [len(found.by_hour), len(found.by_day)] == [24, 14]
    assert [found.by_hour[-1][1], found.by_day[-1][1]] == [3, 3]
    assert found.end is None


def test_what_is_tallied_is_what_counting_says(session: Session) -> None:
    desk = make_desk(session, experts=2, tasks=3, overlap=2)
    one, two = desk.experts
    task = make_task(session, desk.project)
    taken = make_assignment(session, desk.project, expert=one, task=task, state=State.SUBMITTED)
    make_assignment(session, desk.project, expert=two, state=State.ACCEPTED)
    session.execute(
        text("update task set slots_left = slots_left - 1 where id = :id"), {"id": task.id}
    )
    gone = make_task(session, desk.project)
    session.flush()
    review.decide(session, taken, review.ACCEPT, by=desk.owner, at=now())
    session.delete(gone)
    session.flush()

    noted = tally.of(session, desk.project_id)
    assert tally.correct(session, desk.project_id) is False
    assert (noted.accepted, noted.partly_accepted) == (2, 0)
    assert tally.fold(session) == 1
    assert tally.of(session, desk.project_id) == noted
    session.execute(text("update work_tally set slots_left = slots_left + 7"))
    assert tally.correct(session, desk.project_id) is True
    assert tally.of(session, desk.project_id) == noted


def test_days_stay_days_where_the_clock_is_changed() -> None:
    at = datetime(2026, 10, 26, 9, tzinfo=UTC)  # clocks went back the night before

    starts = live.days(at, "Europe/Paris")

    assert [start.hour for start in starts[-2:]] == [22, 23]
    assert live.hours(at, "Asia/Kolkata")[-1].minute == 30


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_the_page_shows_and_pauses_and_resumes(session: Session, sign_in: Any, locale: str) -> None:
    desk = make_desk(session, tasks=1)
    desk.owner.locale = locale
    owner, url = sign_in(desk.owner), f"/projects/{desk.project_id}/live"
    assert owner.get(url).status_code == 200
    make_assignment(session, desk.project, expert=desk.experts[0])
    make_assignment(session, desk.project, state=State.SUBMITTED)
    session.flush()

    part = owner.get(f"{url}?part=1").text
    assert desk.experts[0].pseudonym in part
    assert "<html" not in part
    for _ in range(2):
        assert owner.post(f"{url}/pause").location.endswith("/live")
    session.refresh(desk.project)
    assert desk.project.state is ProjectState.PAUSED
    assert "/live/resume" in owner.get(url).text
    owner.post(f"{url}/resume")
    session.refresh(desk.project)
    assert desk.project.state is ProjectState.OPEN


def test_a_newer_version_of_the_guidelines_is_shown_with_what_differs(
    session: Session, sign_in: Any
) -> None:
    desk = make_desk(session, tasks=0, guidelines="One.\n\nTwo.\n\nThree.")
    lease = make_assignment(
        session, desk.project, expert=desk.experts[0], task=make_task(session, desk.project)
    )
    text = "One.\r\n\r\nTwo, and <b>more</b>.\r\n\r\nThree."
    guidelines.publish(session, desk.project, text, by=desk.owner, at=now())
    session.flush()

    newer = newer_guidelines.of(session, lease, desk.project)
    assert newer is not None
    assert newer.parts is not None
    assert [(part.words, part.is_added) for part in newer.parts] == [
        ("Two.", False),
        ("Two, and <b>more</b>.", True),
    ]
    long = "\n\n".join(map(str, range(500)))
    assert newer_guidelines.compare(long, "a") is None


def test_files_of_the_editor_are_packed_for_browsers_that_take_them_so(
    app: Flask, settings: Settings, client: CheckedClient
) -> None:
    target = editor_assets.folder(settings.data_dir / "editor", "1-a")
    bundle = Bundle(1, (1,), 1, {"main.js": b"let a;" * 99, "a.wasm": b"wasm"})
    editor_assets._keep(target, bundle)

    plain = client.get("/editor/assets/1-a/main.js")
    packed = client.get("/editor/assets/1-a/main.js", headers={"Accept-Encoding": "br, gzip"})
    other = client.get("/editor/assets/1-a/a.wasm", headers={"Accept-Encoding": "gzip"})
    outside = client.get("/editor/assets/1-a/../../x.js", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert (plain.mimetype, plain.vary.as_set()) == (packed.mimetype, packed.vary.as_set())
    assert (other.data, outside.status_code) == (b"wasm", 404)
    for one in (plain, packed, other, outside):
        one.close()
