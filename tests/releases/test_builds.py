"""A release from being asked for to being fixed, whatever happens on the way."""

import hashlib
import json
from datetime import timedelta

import pyarrow.parquet as pq
import pytest
import yaml
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from annotation import released
from annotation.models import State as WorkState
from annotation.models import Task
from core.clock import now
from core.models import Letter
from releases import about, assembly, builds, health, jobs, storage
from releases.models import Release, State
from tests.factories.annotation import choice, join, make_assignment, make_desk, make_task
from tests.factories.releases import add_validated, build_release, make_release, make_work, wish
from tests.jobs_run import run_jobs


@pytest.fixture
def root(app, settings):
    return settings.data_dir.resolve() / "releases"


def tables(root, release):
    folder = storage.folder(root, release)
    return {
        split: pq.read_table(folder / f"data/{split}-00000-of-00001.parquet")
        for split in release.facts["splits"]
    }


def ids(root, release):
    return {split: found["id"].to_pylist() for split, found in tables(root, release).items()}


def every(found):
    return [one for some in found.values() for one in some]


def test_a_release_holds_the_validated_rows_in_three_splits(app, session, root):
    desk = make_work(session, tasks=12)

    release = build_release(app, session, desk)

    assert (release.state, release.version) == (State.READY, "1.0.0")
    assert release.row_count == 12
    found = ids(root, release)
    assert set(found) == {"train", "validation", "test"}
    assert sorted(every(found)) == [f"t-{number:03d}" for number in range(12)]


def test_no_group_is_in_two_splits(app, session, root):
    release = build_release(app, session, make_work(session, tasks=20))

    groups = [set(found["group"].to_pylist()) for found in tables(root, release).values()]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 10


def test_a_row_says_what_is_needed_and_names_nobody(app, session, root):
    desk = make_work(session, tasks=4)

    release = build_release(app, session, desk)

    row = next(
        row
        for found in tables(root, release).values()
        for row in found.to_pylist()
        if row["id"] == "t-001"
    )
    assert row["text"] == "Clause 1: you must keep this notice."
    assert (row["weight"], row["label"], row["review_path"]) == (1, "warranty", "review")
    assert row["spans"][0]["label"] == "Party"
    assert (row["confidence"], row["agreement"], row["annotator_count"]) == (1.0, 1.0, 2)
    assert row["annotators"] == []  # nobody has agreed to be known from release to release
    assert row["credential_classes"] == ["interview-strong"]
    assert row["price_class"] == "eur 1-5"
    text_of_all = json.dumps([row, release.facts], default=str)
    assert not any(expert.pseudonym in text_of_all for expert in desk.experts)


def test_agreement_counts_those_who_were_refused_too(app, session, root):
    desk = make_work(session, tasks=4)
    third = join(session, desk.project)
    refused = {"state": WorkState.REJECTED, "result": choice("patent")}
    for task in session.exec(select(Task)).all():
        task.slots, task.slots_left = 3, 1
        make_assignment(session, desk.project, expert=third, task=task, **refused)

    release = build_release(app, session, desk)

    before = release.facts["work"]["agreement_before_review"]
    assert before["tasks"] == 4
    assert before["pairs"] == pytest.approx(1 / 3, abs=0.001)
    assert release.facts["agreement"]["mean"] == 1.0
    card = (storage.folder(root, release) / "README.md").read_text("utf-8")
    assert "refused ones and those in their place too" in card
    assert "refused answers are not among them" in card


def test_every_file_has_its_hash_and_the_commit_follows_from_them(app, session, root):
    release = build_release(app, session, make_work(session))

    folder = storage.folder(root, release)
    sums = dict(
        reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    on_disk = {path.as_posix() for path in storage.files(folder)} - {"SHA256SUMS"}
    assert set(sums) == on_disk
    for path, digest in sums.items():
        assert hashlib.sha256((folder / path).read_bytes()).hexdigest() == digest
    listed = {one["path"]: one["sha256"] for one in release.facts["files"]}
    assert listed == {path: sums[path] for path in sums if path != "manifest.json"}
    assert json.loads((folder / "manifest.json").read_text()) == release.facts
    assert folder.name == release.commit


def test_the_card_can_be_read_by_the_hubs_clients(app, session, root):
    release = build_release(app, session, make_work(session))

    card = (storage.folder(root, release) / "README.md").read_text("utf-8")
    _, header, body = card.split("---\n", 2)
    facts = yaml.safe_load(header)
    assert facts["license"] == "cc-by-4.0"
    [config] = facts["configs"]
    assert {file["split"] for file in config["data_files"]} == set(release.facts["splits"])
    for split in facts["dataset_info"]["splits"]:
        assert split["num_examples"] == release.facts["splits"][split["name"]]
    names = [feature["name"] for feature in facts["dataset_info"]["features"]]
    assert names == tables(root, release)["train"].column_names
    assert "English only." in body
    assert "4.20 EUR an accepted answer; 28.00 EUR an hour as observed." in body


def test_built_twice_it_is_the_same_to_the_byte(app, session, root, tmp_path):
    desk = make_work(session)
    first = build_release(app, session, desk)
    folder = storage.folder(root, first)
    kept = {path.as_posix(): (folder / path).read_bytes() for path in storage.files(folder)}

    again = Release(**first.model_dump(exclude={"id"}))
    again.asked_at = first.asked_at
    facts = about.About(**{**vars(about.read(session, first)), "previous": None, "rule": None})
    work = storage.start(tmp_path, 1)
    found = released.batches(session, [desk.project_id], until=first.asked_at)
    gathered = assembly.set_down(work, found, again, facts, lambda rows: None)
    built = assembly.assemble(tmp_path, work, again, facts, gathered, lambda rows: None)

    place = tmp_path / str(desk.project_id) / built.commit
    assert built.commit == first.commit
    assert {path.as_posix(): (place / path).read_bytes() for path in storage.files(place)} == kept


def test_gold_stays_out_unless_asked_for(app, session, root):
    desk = make_work(session, tasks=6)
    add_validated(session, desk, 50, gold=choice("grant"))

    without = build_release(app, session, desk)
    with_it = build_release(app, session, desk, with_gold=True)

    assert "t-050" not in every(ids(root, without))
    assert without.facts["left_out"] == {"known_answer": 1}
    assert "t-050" in every(ids(root, with_it))


def test_work_that_is_not_final_stays_out(app, session, root):
    desk = make_work(session, tasks=3)
    for state, result in (
        (WorkState.SUBMITTED, choice("grant")),
        (WorkState.REJECTED, choice("grant")),
    ):
        task = make_task(session, desk.project, external_id=f"t-{state}")
        make_assignment(
            session, desk.project, expert=desk.experts[0], task=task, state=state, result=result
        )
    split_vote = make_task(session, desk.project, external_id="t-split")
    for expert, clause in zip(desk.experts, ("grant", "patent"), strict=True):
        make_assignment(
            session,
            desk.project,
            expert=expert,
            task=split_vote,
            state=WorkState.ACCEPTED,
            result=choice(clause),
        )

    release = build_release(app, session, desk)

    assert sorted(every(ids(root, release))) == ["t-000", "t-001", "t-002"]
    assert release.facts["left_out"] == {"not_final": 1}


def test_the_version_follows_and_rows_keep_their_split(app, session, root):
    desk = make_work(session, tasks=10)
    first = build_release(app, session, desk)
    same = build_release(app, session, desk, changelog="Nothing new.")
    for number in range(10, 16):
        add_validated(session, desk, number)
    more = build_release(app, session, desk, changelog="Six more.")

    assert [first.version, same.version, more.version] == ["1.0.0", "1.0.1", "1.1.0"]
    assert more.facts["changes"]["added"] == 6
    assert more.facts["changes"]["since"] == "1.0.1"
    for split, found in ids(root, first).items():
        assert set(found) <= set(ids(root, more)[split])


def test_a_changed_answer_is_a_major_step(app, session):
    desk = make_work(session, tasks=4)
    build_release(app, session, desk)
    session.execute(
        text("update annotation set result = replace(result::text, 'grant', 'patent')::jsonb")
    )

    release = build_release(app, session, desk)

    assert release.version == "2.0.0"
    assert release.facts["changes"]["examples"]["changed"][0]["new"] == "patent"


def test_asking_twice_is_one_release(session):
    desk = make_work(session, tasks=2)

    first = make_release(session, desk)

    assert make_release(session, desk, changelog="Again.").id == first.id
    assert len(builds.of(session, desk.project_id)) == 1


def test_there_is_nothing_to_release_without_an_accepted_answer(session):
    desk = make_desk(session, tasks=3)

    with pytest.raises(builds.NothingToRelease):
        builds.ask(session, desk.project, wish(), by=desk.owner, at=now())


def test_a_release_of_gold_alone_fails_with_words(app, session):
    desk = make_work(session, tasks=0)
    add_validated(session, desk, 1, gold=choice("grant"))

    release = build_release(app, session, desk)

    assert (release.state, release.trouble) == (State.FAILED, builds.NOTHING)
    letter = session.exec(select(Letter).where(Letter.user_id == desk.owner.id)).one()
    assert "could not be built" in letter.subject


def test_who_asked_is_told_when_it_is_ready(app, session):
    desk = make_work(session, tasks=3)

    release = build_release(app, session, desk)

    letter = session.exec(select(Letter).where(Letter.user_id == desk.owner.id)).one()
    assert "version 1.0.0, is ready" in letter.subject
    assert f"/releases/{release.id}" in letter.body
    assert "3 rows" in letter.body


@pytest.mark.parametrize(
    "change",
    ["version = '9.9.9'", "commit = repeat('0', 40)", "manifest = '{}'", "state = 'building'"],
)
def test_the_database_refuses_to_change_a_ready_release(app, session, change):
    release = build_release(app, session, make_work(session, tasks=2))

    with pytest.raises(IntegrityError, match="fixed for good"):
        session.execute(text(f"update release set {change} where id = {release.id}"))


def test_the_database_refuses_to_delete_a_ready_release(app, session):
    release = build_release(app, session, make_work(session, tasks=2))

    with pytest.raises(IntegrityError, match="fixed for good"):
        session.execute(text(f"delete from release where id = {release.id}"))


def test_a_held_release_is_left_to_its_worker(session):
    release = make_release(session, make_work(session, tasks=2))

    assert builds.take(session, release.id, at=now()) is not None
    assert builds.take(session, release.id, at=now()) is None
    assert builds.stuck(session, at=now()) == []


def test_a_release_whose_worker_died_is_taken_up_by_the_sweep(app, session):
    release = make_release(session, make_work(session, tasks=2))
    builds.take(session, release.id, at=now() - timedelta(hours=1))
    session.execute(text("delete from procrastinate_jobs"))
    session.commit()

    with app.app_context():
        assert jobs.take_up_builds() == 1
    run_jobs(app)

    session.expire_all()
    found = session.get_one(Release, release.id)
    assert (found.state, found.attempts) == (State.READY, 2)


def test_a_build_that_fails_each_time_is_given_up_and_says_so(app, session, monkeypatch):
    def fails(*_anything):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(assembly, "assemble", fails)
    release = make_release(session, make_work(session, tasks=2))
    session.commit()

    for _ in range(builds.ATTEMPTS):
        with app.app_context(), pytest.raises(RuntimeError, match="of ours"):
            jobs.build(release.id)
    with app.app_context():
        assert jobs.build(release.id) == "nothing to do"

    session.expire_all()
    found = session.get_one(Release, release.id)
    assert (found.state, found.trouble) == (State.FAILED, builds.GAVE_UP)


def test_a_job_that_runs_again_changes_nothing(app, session, root):
    release = build_release(app, session, make_work(session, tasks=2))
    before = release.model_dump()

    with app.app_context():
        assert jobs.build(release.id) == "nothing to do"

    session.expire_all()
    assert session.get_one(Release, release.id).model_dump() == before


def test_a_project_of_odd_words_and_data_is_released(app, session, root):
    desk = make_work(session, tasks=0, title="Été: «clauses» \N{PILE OF POO} / ..%2f")
    odd = {"text": 'a "b" \\ \u2028 \N{PILE OF POO}', "x y": [1, {"k": None}], "label": "theirs"}
    add_validated(session, desk, 1, data=odd, external_id="../../../etc/passwd", group_key="")

    release = build_release(app, session, desk)

    assert release.state is State.READY
    [row] = tables(root, release)[next(iter(release.facts["splits"]))].to_pylist()
    assert row["text"] == odd["text"]
    assert json.loads(row["x y"]) == odd["x y"]
    assert row["data_label"] == "theirs"
    assert release.facts["name"] == "ete-clauses-2f"


def test_the_operator_sees_a_build_that_takes_too_long(app, session):
    assert [finding.tone for finding in health.builds(session)] == ["ok"]

    long = timedelta(hours=1)
    made = make_release(session, make_work(session, tasks=2), asked_at=now() - long)

    [finding] = health.builds(session)
    assert finding.tone == "wait"
    assert "1 release has been in the making" in finding.words
    made.waits_for = builds.STORAGE  # somebody must make room, however short it has waited
    [finding] = health.builds(session)
    assert (finding.tone, "no room" in finding.words) == ("stop", True)


def test_formats_are_made_by_one_job_at_a_time(app, session, release):
    task = app.extensions["doyen.tasks"]["releases.make_formats"]

    locks = session.execute(
        text("select lock from procrastinate_jobs where task_name = 'releases.make_formats'")
    ).scalars()

    assert task.lock == "releases.make_formats"
    assert set(locks) == {task.lock}
