"""Media files of projects: taken in piece by piece, named by tasks, served by links."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from accounts.models import User
from annotation import assignment as leases
from annotation import (
    health,
    media,
    media_end,
    media_kinds,
    media_links,
    media_watch,
    released,
    review,
    tasks,
)
from annotation.media_links import Holder
from annotation.media_models import MediaEnd, MediaUpload, TaskMedia, TaskMediaUse
from annotation.models import Assignment, State, Task
from core import content
from core.clock import now
from core.models import AuditEvent, Letter
from projects.models import Project
from projects.models import State as ProjectState
from tests.factories.annotation import Desk, claimed, make_assignment, make_desk
from tests.factories.media import PIXEL, make_media

IMAGE = """
<View><Image name="image" value="$image"/>
<Choices name="kind" toName="image"><Choice value="a"/><Choice value="b"/></Choices></View>
"""
OTHER = PIXEL + b"\0"  # what follows the end of a PNG is ignored


@pytest.fixture
def desk(session: Session) -> Desk:
    return make_desk(session, tasks=0, label_config=IMAGE)


def bring(client: Any, project_id: int, content: bytes, **wanted: Any) -> Any:
    """Send a file as the page does, in two pieces."""
    body = {"name": "scans/one.png", "size": len(content), "stamp": "1", **wanted}
    begun = client.post(f"/projects/{project_id}/media/uploads", json=body)
    if begun.status_code != 200:
        return begun
    here = begun.json["received"]
    middle = max(here, len(content) // 2)
    for start, piece in ((here, content[here:middle]), (middle, content[middle:])):
        sent = client.post(
            f"{begun.json['pieces']}?start={start}",
            data=piece,
            content_type="application/octet-stream",
        )
        assert sent.status_code == 200, sent.text
    return client.post(begun.json["finish"], json={"replaces": wanted.get("replaces", False)})


def get(client: Any, path: str, **how: Any) -> Any:
    """Fetch a file and let go of it."""
    with client.get(path, **how) as response:
        _ = response.data
        return response


def import_(session: Session, desk: Desk, *names: str) -> tasks.Imported:
    lines = "\n".join(json.dumps({"data": {"image": name}}) for name in names)
    stream = io.BytesIO(lines.encode())
    return tasks.import_file(session, desk.project, "x.jsonl", stream, by=desk.owner, at=now())


def test_a_file_comes_in_by_pieces_once(session, sign_in, desk, settings):
    client = sign_in(desk.owner)

    for _ in range(2):
        assert bring(client, desk.project_id, PIXEL).status_code == 200

    [file] = session.exec(select(TaskMedia))
    assert (file.name, file.kind, file.size) == ("scans/one.png", "image/png", len(PIXEL))
    assert media.path_of(file, settings).read_bytes() == PIXEL
    assert session.exec(select(MediaUpload)).all() == []
    assert (
        len(session.exec(select(AuditEvent).where(AuditEvent.action == "media.added")).all()) == 1
    )


def test_sending_goes_on_where_it_stopped(session, sign_in, desk):
    client = sign_in(desk.owner)
    body = {"name": "scans/one.png", "size": len(PIXEL), "stamp": "1"}
    begun = client.post(f"/projects/{desk.project_id}/media/uploads", json=body)
    kind = {"content_type": "application/octet-stream"}
    client.post(f"{begun.json['pieces']}?start=0", data=PIXEL[:20], **kind)
    # A piece that comes twice, and one from beyond.
    assert client.post(f"{begun.json['pieces']}?start=0", data=PIXEL[:20], **kind).json == {
        "received": 20
    }
    assert client.post(f"{begun.json['pieces']}?start=40", data=b"x", **kind).status_code == 409

    assert (
        client.post(f"/projects/{desk.project_id}/media/uploads", json=body).json["received"] == 20
    )
    assert bring(client, desk.project_id, PIXEL).status_code == 200
    assert session.exec(select(TaskMedia)).one().size == len(PIXEL)


def test_whoever_missed_the_answer_asks_again_and_gets_the_same(session, sign_in, desk):
    client = sign_in(desk.owner)
    body = {"name": "scans/one.png", "size": len(PIXEL), "stamp": "1"}
    begun = client.post(f"/projects/{desk.project_id}/media/uploads", json=body).json
    kind = {"content_type": "application/octet-stream"}
    client.post(f"{begun['pieces']}?start=0", data=PIXEL, **kind)

    answers = [client.post(begun["finish"], json={"replaces": False}) for _ in range(3)]

    assert [one.status_code for one in answers] == [200] * 3
    assert all(one.json == answers[0].json for one in answers)
    stranger = sign_in(make_desk(session, tasks=0).owner)
    assert stranger.post(begun["finish"], json={"replaces": False}).status_code in (403, 404)


def test_what_was_moved_away_before_a_crash_is_sent_anew(session, sign_in, desk, settings):
    client = sign_in(desk.owner)
    uploads = f"/projects/{desk.project_id}/media/uploads"
    body = {"name": "scans/one.png", "size": len(PIXEL), "stamp": "1"}
    begun = client.post(uploads, json=body).json
    kind = {"content_type": "application/octet-stream"}
    client.post(f"{begun['pieces']}?start=0", data=PIXEL, **kind)
    # The request that made a file of it moved it, and was never kept.
    upload = session.exec(select(MediaUpload)).one()
    content.take_in(media.root(settings), upload.key, str(upload.organisation_id), "0" * 64)

    assert client.post(uploads, json=body).json["received"] == 0
    assert bring(client, desk.project_id, PIXEL).status_code == 200


def test_strange_json_is_refused_and_nothing_fails(sign_in, desk):
    client = sign_in(desk.owner)
    uploads = f"/projects/{desk.project_id}/media/uploads"
    begun = client.post(uploads, json={"name": "a.png", "size": len(PIXEL), "stamp": "1"}).json

    assert client.post(begun["finish"], json=["replaces"]).status_code == 409
    half = client.post(uploads, json={"name": "\ud800.png", "size": 9, "stamp": "1"})
    assert half.status_code == 400


@pytest.mark.parametrize(
    ("name", "content", "status", "words"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "is no picture"),
        ("a.png", b"<html><script>1</script></html>", 422, "is no picture"),
        ("../a.png", PIXEL, 422, "Rename"),
        ("a.csv", b"a,b\n1,\xff", 422, "is no picture"),
        ("a.png", b"", 422, "is empty"),
        ("a.mp4", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", 422, "is no picture"),
    ],
)
def test_what_browsers_should_not_show_is_refused(
    session, sign_in, desk, name, content, status, words
):
    answer = bring(sign_in(desk.owner), desk.project_id, content, name=name)

    assert answer.status_code == status
    assert words in answer.json["title"]
    assert session.exec(select(TaskMedia)).all() == []
    assert session.exec(select(MediaUpload)).all() == []


def test_a_form_sends_files_without_scripts(session, sign_in, desk):
    client = sign_in(desk.owner)
    files = [(io.BytesIO(PIXEL), "a.png"), (io.BytesIO(b"no picture"), "b.png")]
    files += [(io.BytesIO(b"no picture"), f"c{number}.png") for number in range(11)]

    page = client.post(
        f"/projects/{desk.project_id}/media",
        data={"files": files},
        content_type="multipart/form-data",
        follow_redirects=True,
    )

    assert page.status_code == 200
    assert "“b.png” is no picture" in page.text
    assert "2 more files were not taken." in page.text
    assert [file.name for file in session.exec(select(TaskMedia))] == ["a.png"]


def test_a_quota_holds_and_one_content_counts_once(session, desk, settings):
    small = settings.model_copy(update={"media_quota_mb": 1})
    big = PIXEL + b"\0" * 700_000
    make_media(session, desk.project, by=desk.owner, settings=small, name="a.png", content=big)

    with pytest.raises(media.QuotaFull):
        make_media(session, desk.project, by=desk.owner, settings=small, name="b.png", content=big)

    make_media(session, desk.project, by=desk.owner, settings=settings, name="b.png", content=big)
    assert media.room(session, desk.organisation.id or 0, small).kept == len(big)


def test_an_import_names_files_that_are_there(session, desk, settings):
    make_media(session, desk.project, by=desk.owner, settings=settings)
    make_media(
        session, desk.project, by=desk.owner, settings=settings, name="t.csv", content=b"a\n"
    )

    with pytest.raises(tasks.BadFile) as bad:
        import_(session, desk, "media:a.png", "media:no.png", "media:t.csv", "https://x.org/a.png")

    assert [one.number for one in bad.value.troubles] == [2, 3, 4]
    assert "it is not there" in bad.value.troubles[0].words
    assert "of a kind" in bad.value.troubles[1].words
    assert "reaches no other address" in bad.value.troubles[2].words
    assert import_(session, desk, "media:a.png").added == 1
    assert len(session.exec(select(TaskMediaUse)).all()) == 1


def test_a_file_that_goes_while_an_import_comes_is_missed_in_words(live, settings):
    with live.transaction() as session:
        desk = make_desk(session, tasks=0, label_config=IMAGE)
        file = make_media(session, desk.project, by=desk.owner, settings=settings)
        media_id, owner_id = file.id, desk.owner.id

    def import_now():
        with live.transaction() as session:
            project = session.get_one(Project, desk.project_id, with_for_update=True)
            owner = session.get_one(User, owner_id)
            stream = io.BytesIO(b'{"data": {"image": "media:a.png"}}')
            return tasks.import_file(session, project, "x.jsonl", stream, by=owner, at=now())

    with ThreadPoolExecutor(1) as pool, live.transaction() as session:
        media.remove(session, media_id, by=owner_id)
        coming = pool.submit(import_now)
        with pytest.raises(TimeoutError):
            coming.result(timeout=0.5)
        session.commit()
        with pytest.raises(tasks.BadFile):
            coming.result(timeout=10)


def test_a_file_changes_only_while_nobody_has_worked_with_it(session, desk, settings):
    file = make_media(session, desk.project, by=desk.owner, settings=settings)
    how = {"by": desk.owner, "settings": settings, "content": OTHER}
    import_(session, desk, "media:a.png")
    with pytest.raises(media.NameTaken):
        make_media(session, desk.project, **how)
    make_media(session, desk.project, **how, replaces=True)
    assert file.replaced_at is not None
    with pytest.raises(media.InUse):
        media.remove(session, file.id, by=desk.owner.id)

    claimed(session, desk.project, desk.experts[0].user_id, at=now())

    with pytest.raises(media.WorkedWith):
        make_media(session, desk.project, by=desk.owner, settings=settings, replaces=True)
    session.flush()
    file.sha256 = "0" * 64
    with pytest.raises(DBAPIError, match="stays as it is"), session.begin_nested():
        session.flush()


def test_a_link_is_the_leases_and_dies_with_it(session, client, sign_in, desk, settings):
    file = make_media(session, desk.project, by=desk.owner, settings=settings)
    import_(session, desk, "media:a.png")
    lease = claimed(session, desk.project, desk.experts[0].user_id, at=now())
    expert = sign_in(session.get_one(User, lease.expert_id))

    address = expert.get(f"/work/{lease.id}/task.json").json["task"]["data"]["image"]

    path = "/" + address.split("/", 3)[3]
    whole = get(client, path)  # without a session: the frame has none
    assert whole.status_code == 200
    assert whole.data == PIXEL
    assert whole.headers["Content-Type"] == "image/png"
    assert whole.headers["Cache-Control"].startswith("private")
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert whole.headers["Content-Disposition"].startswith("attachment")
    assert whole.headers["Access-Control-Allow-Origin"] == "*"
    part = get(client, path, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.data) == (206, b"PNG")
    assert part.headers["Content-Range"] == f"bytes 1-3/{len(PIXEL)}"
    same = get(client, path, headers={"If-None-Match": whole.headers["ETag"]})
    assert same.status_code == 304
    assert client.get(path.replace("/media/", "/media/x")).status_code == 404

    later = now() + timedelta(minutes=16)
    token = path.split("/")[2]
    with pytest.raises(media_links.LinkOver):
        media_links.open_(session, token, settings, at=later)
    leases.is_alive(session, lease, at=later)
    session.expire_all()
    assert media_links.open_(session, token, settings, at=later).id == file.id

    leases.give_back(session, session.get_one(Assignment, lease.id), at=now())
    session.flush()
    gone = client.get(path)
    assert gone.status_code == 410
    assert "has run out" in gone.text


def test_owners_open_a_file_and_delete_only_what_no_task_shows(session, sign_in, desk, settings):
    file = make_media(session, desk.project, by=desk.owner, settings=settings)
    owner = sign_in(desk.owner)

    assert get(owner, f"/media-files/{file.id}", follow_redirects=True).data == PIXEL
    assert "a.png" in owner.get(f"/projects/{desk.project_id}/media?q=A.P").text
    assert "No file has that" in owner.get(f"/projects/{desk.project_id}/media?q=zebra").text
    owner.post(f"/media-files/{file.id}/delete")

    assert session.exec(select(TaskMedia)).all() == []
    token = media_links.token(settings, file, Holder.MEMBER, desk.owner.id, at=now())
    assert owner.get(f"/media/{token}/a.png").status_code == 404


def test_what_was_drawn_is_reviewed_over_its_picture(session, sign_in, settings):
    config = (
        '<View><Image name="image" value="$image"/><RectangleLabels name="box" toName="image">'
        '<Label value="Seal"/></RectangleLabels></View>'
    )
    desk = make_desk(session, tasks=0, label_config=config)
    file = make_media(session, desk.project, by=desk.owner, settings=settings)
    import_(session, desk, "media:a.png")
    place = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0}
    box = {"id": "m1", "from_name": "box", "to_name": "image", "type": "rectanglelabels"}
    box |= {"value": place | {"rectanglelabels": ["Seal"]}}
    box |= {"original_width": 200, "original_height": 100, "image_rotation": 0}
    task = session.exec(select(Task)).one()
    make_assignment(session, desk.project, task=task, state=State.SUBMITTED, result=[box])

    page = sign_in(desk.owner).get(f"/projects/{desk.project_id}/review?all=1").text

    assert f'<img src="/media-files/{file.id}"' in page
    assert '<polygon points="20.0,20.0 80.0,20.0 80.0,60.0 20.0,60.0"/>' in page
    assert "box at 10% from the left" in page
    assert "Nothing was chosen" not in page


def test_a_sweep_takes_contents_that_nobody_has(session, desk, settings):
    file = make_media(session, desk.project, by=desk.owner, settings=settings)
    make_media(session, desk.project, by=desk.owner, settings=settings, name="b.png", content=OTHER)
    path = media.path_of(file, settings)
    media.remove(session, file.id, by=desk.owner.id)

    media.sweep(session, settings, at=now())
    assert path.exists()
    assert media.sweep(session, settings, at=now() + timedelta(days=2)) >= 1
    assert not path.exists()


def test_what_the_disk_lost_is_seen_by_the_operator_and_told_to_the_expert(
    session, client, sign_in, desk, settings
):
    file = make_media(session, desk.project, by=desk.owner, settings=settings)
    kept = make_media(
        session, desk.project, by=desk.owner, settings=settings, name="b.png", content=OTHER
    )
    import_(session, desk, "media:a.png")
    lease = claimed(session, desk.project, desk.experts[0].user_id, at=now())
    expert = sign_in(session.get_one(User, lease.expert_id))
    path = media.path_of(file, settings)

    def look() -> int:
        batch = media_watch.next_up(session)
        return media_watch.note(session, batch, media_watch.examine(batch, settings), at=now())

    assert look() == 0
    assert expert.get(f"/work/{lease.id}/task.json").json["lost"] == []
    path.unlink()
    damaged = media.path_of(kept, settings)
    damaged.write_bytes(OTHER[:-1] + b"x")

    assert [look(), look()][1] == 2
    assert expert.get(f"/work/{lease.id}/task.json").json["lost"] == ["a.png"]
    [finding] = health.media_files(session)
    assert (finding.tone, "a.png" in finding.words) == ("stop", True)
    owner = sign_in(desk.owner)
    assert "missing here" in owner.get(f"/projects/{desk.project_id}/media").text
    lost = owner.get(f"/media-files/{file.id}", follow_redirects=True)
    assert (lost.status_code, "is missing on this instance" in lost.text) == (404, True)

    make_media(session, desk.project, by=desk.owner, settings=settings)
    make_media(session, desk.project, by=desk.owner, settings=settings, name="b.png", content=OTHER)
    assert (path.read_bytes(), damaged.read_bytes()) == (PIXEL, OTHER)
    assert [look(), look()] == [0, 0]


def test_files_of_a_completed_project_go_after_a_letter_and_only_when_nothing_needs_them(
    session, sign_in, desk, settings
):
    file = make_media(session, desk.project, by=desk.owner, settings=settings)
    import_(session, desk, "media:a.png")
    task = session.exec(select(Task)).one()
    answer = make_assignment(session, desk.project, task=task, state=State.SUBMITTED, result=[])
    over = now() - timedelta(days=400)
    desk.project.state, desk.project.state_at = ProjectState.COMPLETED, over
    session.flush()
    keeps = settings.model_copy(update={"retention_days": {"media": 365}})
    path, before = media.path_of(file, settings), now() - timedelta(days=365)

    assert media_end.planned(session, desk.project, settings) is None
    assert not media_end.tell_next(session, keeps, at=now()), "a verdict is to come"
    review.decide(session, answer, review.ACCEPT, by=desk.owner, at=now())
    session.flush()
    told = now() - timedelta(days=31)
    assert media_end.tell_next(session, keeps, at=told)
    assert not media_end.tell_next(session, keeps, at=now()), "once"
    letter = session.exec(select(Letter).where(Letter.template == "annotation/media_ends")).one()
    assert desk.project.title in letter.subject
    end = session.exec(select(MediaEnd)).one()
    due, end.due_at = end.due_at, now() + timedelta(days=1)
    assert media_end.remove(session, before) == 0, "not before the day that was told"
    assert media_end.planned(session, desk.project, keeps) == end.due_at
    end.due_at = due
    assert (media_end.remove(session, before), media_end.remove(session, before)) == (1, 0)

    media.sweep(session, settings, at=now() + timedelta(days=2))
    assert not path.exists()
    session.expire_all()
    [found] = released.read(session, [desk.project_id], until=now())
    assert json.loads(found.task.data) == {"image": f"media:a.png#sha256={file.sha256}"}
    owner = sign_in(desk.owner)
    for path in (f"/projects/{desk.project_id}/media", f"/work/{answer.id}/answer"):
        assert "were removed on" in owner.get(path).text
    gone = owner.get(f"/media-files/{file.id}", follow_redirects=True)
    assert (gone.status_code, file.sha256 in gone.text) == (410, True)
    assert media_watch.next_up(session).there == []


def test_releases_keep_the_name_and_a_fingerprint(session, desk, settings):
    file = make_media(session, desk.project, by=desk.owner, settings=settings)
    import_(session, desk, "media:a.png")
    task = session.exec(select(Task)).one()
    make_assignment(session, desk.project, task=task, state=State.ACCEPTED, result=[])

    [found] = released.read(session, [desk.project_id], until=now())

    assert json.loads(found.task.data) == {"image": f"media:a.png#sha256={file.sha256}"}


def test_fields_that_name_files_follow_from_the_config():
    config = """
    <View><Image name="a" valueList="$pages"/><Paragraphs name="p" value="$talk" audioUrl="$sound"/>
    <Text name="t" value="$words"/><HyperText name="h" value="$page" valueType="url"/>
    <Choices name="c" toName="t"><Choice value="x"/><Choice value="y"/></Choices></View>
    """

    assert set(media_kinds.fields(config)) == {"pages", "sound", "page"}
    data = {"pages": ["media:1.png", "data:image/png;base64,"], "words": "media: a word"}
    assert media_kinds.names(data, config) == [("pages", "1.png")]
