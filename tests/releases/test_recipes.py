"""What owners choose for a release, and what it does to rows, splits and files."""

import json
import re
import sys
import zipfile
from collections import Counter
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
import yaml
from sqlmodel import select

from accounts.models import Purpose, User
from annotation.aggregation import Method
from annotation.models import State as WorkState
from annotation.models import Task
from core.clock import now
from releases import builds, croissant, formats_made, jobs, rebuild, storage
from releases.formats import VOTES, paths_of
from releases.models import State
from releases.recipe import Duplicates, Marks, Personal, Recipe, SplitBy, Step
from tests.factories import release_kinds
from tests.factories.annotation import choice, make_assignment, make_desk, make_task
from tests.factories.consents import make_consent
from tests.factories.releases import add_validated, build_release, make_release, make_work
from tests.jobs_run import run_jobs


@pytest.fixture
def root(app, settings):
    return settings.data_dir.resolve() / "releases"


def rows(root, release, config="data"):
    folder = storage.folder(root, release)
    return [
        row | {"split": split}
        for split in release.facts["splits"]
        for path in paths_of(release.facts, split, config)
        for row in pq.read_table(folder / path).to_pylist()
    ]


def vote(session, desk, number, *clauses, text=None, **changes):
    """Add a task whose experts say different things."""
    data = {"text": text or f"Clause {number}: words of its own."}
    task = make_task(
        session,
        desk.project,
        external_id=f"v-{number}",
        data=data,
        group_key=f"g-{number}",
        **changes,
    )
    for expert, clause in zip(desk.experts, clauses, strict=False):
        make_assignment(
            session,
            desk.project,
            expert=expert,
            task=task,
            state=WorkState.ACCEPTED,
            result=choice(clause),
        )
    return task


def test_filters_leave_out_what_they_say_and_count_it(app, session, root):
    desk = make_desk(session, experts=3, tasks=0, overlap=3)
    for number in range(4):
        vote(session, desk, number, "grant", "grant", "grant")
    vote(session, desk, 10, "grant", "grant", "patent")
    vote(session, desk, 11, "grant")
    vote(session, desk, 12, "warranty", "warranty", "warranty")

    wanted = Recipe(min_answers=2, min_agreement=0.9, labels=("grant",))
    release = build_release(app, session, desk, recipe=wanted)

    assert sorted(row["id"] for row in rows(root, release)) == ["v-0", "v-1", "v-2", "v-3"]
    assert release.facts["left_out"] == {"few_answers": 1, "low_agreement": 1, "other_label": 1}
    assert release.facts["recipe"]["min_agreement"] == 0.9


def test_answers_that_wait_are_in_only_where_wanted(app, session, root):
    desk = make_work(session, tasks=2)
    task = make_task(session, desk.project, external_id="t-wait", group_key="w")
    make_assignment(
        session,
        desk.project,
        expert=desk.experts[0],
        task=task,
        state=WorkState.SUBMITTED,
        result=choice("grant"),
    )

    without = build_release(app, session, desk)
    with_it = build_release(app, session, desk, recipe=Recipe(waiting=True))

    assert "t-wait" not in {row["id"] for row in rows(root, without)}
    [row] = [row for row in rows(root, with_it) if row["id"] == "t-wait"]
    assert row["review_path"] == "waiting"


def test_a_learned_label_stands_beside_the_majority_with_soft_labels(app, session, root):
    desk = make_desk(session, experts=3, tasks=0, overlap=3)
    for number in range(12):  # two of three are always wrong where the answer is known
        truth, wrong = ("grant", "patent") if number % 2 else ("patent", "grant")
        vote(session, desk, 100 + number, truth, wrong, wrong, gold=choice(truth))
    vote(session, desk, 1, "grant", "patent", "patent")
    vote(session, desk, 2, "patent", "grant", "grant")

    release = build_release(app, session, desk, recipe=Recipe(method=Method.DAWID_SKENE))

    by_id = {row["id"]: row for row in rows(root, release)}
    assert set(by_id) == {"v-1", "v-2"}  # known answers teach, and stay out
    assert (by_id["v-1"]["label"], by_id["v-1"]["majority"]) == ("grant", "patent")
    assert json.loads(by_id["v-1"]["result"])[0]["value"]["choices"] == ["grant"]
    soft = by_id["v-1"]["probabilities"]
    assert soft[0]["label"] == "grant"
    assert soft[0]["probability"] == by_id["v-1"]["confidence"] > 0.5
    assert release.facts["method"] == {
        "asked": "dawid_skene",
        "used": "dawid_skene",
        "rounds": release.facts["method"]["rounds"],
        "known_answers": 12,
    }
    assert release.facts["beside_majority"] == {"rows": 2, "differ": 2}


def test_votes_carry_a_lasting_key_only_of_those_who_agreed(app, session, root):
    desk = make_work(session, tasks=4)
    make_consent(
        session, session.get_one(User, desk.experts[0].user_id), Purpose.NAME_IN_PROVENANCE
    )

    first = build_release(app, session, desk, recipe=Recipe(votes=True))
    second = build_release(app, session, desk, recipe=Recipe(votes=True))

    votes = rows(root, first, VOTES)
    assert len(votes) == 8 == sum(first.facts["votes"].values())
    assert Counter(one["annotator"] is None for one in votes) == {True: 4, False: 4}
    assert len({one["voter"] for one in votes}) == 2
    later = rows(root, second, VOTES)
    assert {one["annotator"] for one in later} == {one["annotator"] for one in votes}
    assert not {one["voter"] for one in later} & {one["voter"] for one in votes}
    split = {row["id"]: row["split"] for row in rows(root, first)}
    assert all(split[one["id"]] == one["split"] for one in votes)
    assert {len(row["annotators"]) for row in rows(root, first)} == {1}
    assert "votes" in (storage.folder(root, first) / "README.md").read_text("utf-8")


def test_rows_that_say_the_same_are_in_one_split_for_good(app, session, root):
    desk = make_desk(session, experts=1, tasks=0)
    for number in range(30):
        vote(
            session, desk, number, "grant", text=f"Clause {number} is unlike every other {number}."
        )
    first = build_release(app, session, desk)
    before = {row["id"]: row["split"] for row in rows(root, first)}
    test = next(name for name, split in before.items() if split == "test")
    words = f"  clause {test[2:]} is UNLIKE every other {test[2:]}. "
    vote(session, desk, 99, "grant", text=words)

    together = build_release(app, session, desk)
    dropped = build_release(app, session, desk, recipe=Recipe(duplicates=Duplicates.DROP))

    after = {row["id"]: row["split"] for row in rows(root, together)}
    assert after.pop("v-99") == "test"
    assert after == before
    assert together.facts["duplicates"]["exact"] == 1
    assert "v-99" not in {row["id"] for row in rows(root, dropped)}
    assert dropped.facts["changes"]["tombstones"] == {"duplicate": 1}


def test_by_time_the_oldest_train_and_rows_never_change_sides(app, session, root):
    desk = make_desk(session, experts=1, tasks=0)
    for number in range(20):
        data = {"text": f"Clause {number}", "written": f"2026-01-{number + 1:02d}"}
        task = make_task(session, desk.project, external_id=f"d-{number}", data=data)
        make_assignment(
            session,
            desk.project,
            expert=desk.experts[0],
            task=task,
            state=WorkState.ACCEPTED,
            result=choice("grant"),
        )
    wanted = Recipe(split_by=SplitBy.TIME, split_field="written")

    first = build_release(app, session, desk, recipe=wanted)
    add_validated(session, desk, 500, data={"text": "Late", "written": "2027-01-01"}, group_key="l")
    second = build_release(app, session, desk)  # the series keeps its rule

    split = {row["id"]: row["split"] for row in rows(root, first)}
    assert (split["d-0"], split["d-19"]) == ("train", "test")
    assert Counter(split.values()) == {"train": 16, "validation": 2, "test": 2}
    later = {row["id"]: row["split"] for row in rows(root, second)}
    assert later.pop("t-500") == "test"
    assert later == split


def test_personal_data_is_reported_or_hidden_and_marks_keep_their_places(app, session, root):
    desk = make_desk(session, experts=1, tasks=0)
    text = "Write to jean.dupont@example.fr or call 01 42 68 53 00 today."
    mark = (9, 32, "Party")
    result = choice("grant", mark)
    result[1]["value"]["text"] = text[9:32]
    task = make_task(session, desk.project, external_id="p-1", data={"text": text}, group_key="p")
    make_assignment(
        session,
        desk.project,
        expert=desk.experts[0],
        task=task,
        state=WorkState.ACCEPTED,
        result=result,
    )

    reported = build_release(app, session, desk)
    masked = build_release(app, session, desk, recipe=Recipe(personal=Personal.MASK, votes=True))

    assert reported.facts["personal_data"]["found"] == {"email": 1, "phone": 1}
    [row] = rows(root, masked)
    assert len(row["text"]) == len(text)
    assert row["text"].startswith("Write to [EMAIL]")
    whole = b"".join(p.read_bytes() for p in storage.folder(root, masked).rglob("*.parquet"))
    assert "jean.dupont" not in json.dumps([row, rows(root, masked, VOTES)], default=str)
    assert b"jean.dupont" not in whole


@pytest.fixture
def spacy(app, monkeypatch):
    """Stand in for spaCy, which is not among our needs, with a model that knows one name."""
    name = "Jeanne Martin"

    def pipe(texts, batch_size):
        for text in texts:
            at = text.find(name)
            ends = [] if at < 0 else [(at, at + len(name), "PER"), (0, at, "LOC")]
            yield SimpleNamespace(
                ents=[SimpleNamespace(start_char=a, end_char=b, label_=c) for a, b, c in ends]
            )

    def load(pipeline, exclude):
        if pipeline == "away":
            raise OSError
        return SimpleNamespace(pipe=pipe, meta={"version": "3.8.0"})

    def use(pipeline):
        known = app.extensions["doyen.settings"]
        named = known.model_copy(update={"name_pipelines": {"en": pipeline}})
        monkeypatch.setitem(app.extensions, "doyen.settings", named)

    monkeypatch.setitem(sys.modules, "spacy", SimpleNamespace(load=load, __version__="3.8.18"))
    return use


def test_names_are_looked_for_where_something_can_and_it_is_said_where_not(
    app, session, root, sign_in, spacy
):
    desk = make_desk(session, experts=2, tasks=0, overlap=2)
    written = {"from_name": "why", "to_name": "text", "type": "textarea"}
    said = [*choice("grant"), written | {"value": {"text": ["Because Jeanne Martin asks."]}}]
    for number, words in enumerate(["Ms Jeanne Martin signs.", "x " * 15_000 + "Jeanne Martin"]):
        task = make_task(session, desk.project, external_id=f"n-{number}", data={"text": words})
        for expert in desk.experts:
            make_assignment(
                session, desk.project, expert=expert, task=task, state=WorkState.ACCEPTED,
                result=said,
            )  # fmt: skip
    client, path = sign_in(desk.owner), f"/projects/{desk.project_id}/releases/new"

    assert "this instance has no language model" in client.get(path).text
    spacy("en_known")
    assert "Guessed by en_known" in client.get(path).text
    plain = build_release(app, session, desk)
    recipe = Recipe(names=True, personal=Personal.MASK, votes=True)
    masked = build_release(app, session, desk, recipe=recipe)
    spacy("away")
    failed = build_release(app, session, desk, recipe=recipe)

    assert plain.facts["personal_data"] == {"asked": "report", "rows": 0, "found": {}}
    looked = masked.facts["personal_data"]
    assert looked["names"] == "en_known 3.8.0, spaCy 3.8.18"
    assert (looked["rows"], looked["found"]["name"]) == (2, 4)
    assert "Ms [NAME]******* signs." in [row["text"] for row in rows(root, masked)]
    held = json.dumps([rows(root, masked), rows(root, masked, VOTES)], default=str)
    assert "Jeanne" not in held
    assert "it misses some" in (storage.folder(root, masked) / "README.md").read_text()
    pages = [client.get(f"/releases/{one.id}").text for one in (plain, masked, failed)]
    assert "Names of persons, places and stories were not looked for." in pages[0]
    assert "looked for by en_known 3.8.0, spaCy 3.8.18, which misses some" in pages[1]
    assert "what does that is not installed" in pages[2]
    spacy("en_known")
    assert rebuild.verify(masked, root).is_same


def test_votes_hide_the_parts_of_a_secret_that_their_own_task_holds(app, session, root):
    desk = make_desk(session, experts=2, tasks=0, overlap=2)
    text = "Write to jean.dupont@example.fr today."
    for number, words in enumerate(["Nothing here.", text, "Nothing again.", text]):
        task = make_task(
            session, desk.project, external_id=f"p-{number}", data={"text": words}, group_key="p"
        )
        for expert in desk.experts:
            result = choice("grant", (9, 20, "Party"))
            result[1]["value"]["text"] = text[9:20]
            make_assignment(
                session, desk.project, expert=expert, task=task, state=WorkState.ACCEPTED,
                result=result,
            )  # fmt: skip

    masked = build_release(app, session, desk, recipe=Recipe(personal=Personal.MASK, votes=True))

    quoted = {
        (vote["id"], json.loads(vote["result"])[1]["value"]["text"])
        for vote in rows(root, masked, VOTES)
    }
    hidden, plain = "*" * 11, "jean.dupont"  # where the task has no address, it is a word
    assert quoted == {("p-0", plain), ("p-1", hidden), ("p-2", plain), ("p-3", hidden)}
    assert [p.name for p in storage.folder(root, masked).rglob("*.spool")] == []


def test_two_tasks_never_get_one_id(app, session, root, sign_in):
    desk = make_work(session, tasks=2)
    other = make_work(session, tasks=2, organisation_id=desk.organisation.id)
    recipe = Recipe(others=(other.project_id,))
    waiting = make_release(session, desk, recipe=recipe)
    task = make_task(session, desk.project, external_id=f"p{other.project_id}:t-000")
    make_task(session, desk.project, external_id=f"p{other.project_id + 1}:t-000")
    client = sign_in(desk.owner)

    assert builds.same_id(session, desk.project_id, [other.project_id]) == task.external_id
    assert builds.same_id(session, desk.project_id, []) is None
    with pytest.raises(builds.SameId):
        builds._check_sources(session, desk.project, recipe.others)
    session.commit()
    assert jobs.build(waiting.id) == "two tasks of one id"
    session.expire_all()
    assert waiting.trouble == builds.SAME_ID
    left, live = (storage.start(root, one) for one in (waiting.id, make_release(session, desk).id))
    session.commit()
    jobs.take_up_builds()
    assert (left.exists(), live.exists()) == (False, True)  # what nobody builds any more is cleared
    assert "has the id that a task of another one" in client.get(f"/releases/{waiting.id}").text


def test_several_projects_with_one_form_make_one_release(app, session, root):
    desk = make_work(session, tasks=3)
    other = make_work(session, tasks=3, organisation_id=desk.organisation.id)

    release = build_release(app, session, desk, recipe=Recipe(others=(other.project_id,)))

    found = {row["id"] for row in rows(root, release)}
    assert found == {f"t-00{n}" for n in range(3)} | {
        f"p{other.project_id}:t-00{n}" for n in range(3)
    }
    assert [one["rows"] for one in release.facts["projects"]] == [3, 3]


def test_projects_that_ask_for_other_things_are_refused(session):
    desk = make_work(session, tasks=2)
    other = make_work(session, tasks=2, organisation_id=desk.organisation.id)
    other.project.label_config = other.project.label_config.replace("grant", "royalty")
    foreign = make_work(session, tasks=2)

    with pytest.raises(builds.OtherForm):
        make_release(session, desk, recipe=Recipe(others=(other.project_id,)))
    with pytest.raises(builds.OtherOrganisation):
        make_release(session, desk, recipe=Recipe(others=(foreign.project_id,)))


def test_rows_of_one_document_are_in_one_split_and_stay_there(app, session, root):
    desk = make_desk(session, experts=1, tasks=0)
    for number in range(60):
        data = {"text": f"Clause {number} of its own.", "document": f"paper {number // 3}"}
        add_validated(session, desk, number, data=data, group_key=f"g-{number}")
    wanted = Recipe(split_by=SplitBy.FIELD, split_field="document")

    first = build_release(app, session, desk, recipe=wanted)
    add_validated(
        session, desk, 90, data={"text": "A late page.", "document": "paper 3"}, group_key="g-90"
    )
    add_validated(session, desk, 91, data={"text": "Without a document."}, group_key="g-91")
    second = build_release(app, session, desk)

    before, after = rows(root, first), rows(root, second)
    where = {}
    for row in before:
        where.setdefault(row["document"], set()).add(row["split"])
    assert {len(splits) for splits in where.values()} == {1}
    assert {row["split"] for row in before} == {"train", "validation", "test"}
    assert {row["id"]: row["split"] for row in before}.items() <= {
        row["id"]: row["split"] for row in after
    }.items()
    [late] = [row for row in after if row["id"] == "t-090"]
    assert {late["split"]} == where["paper 3"]
    [alone] = [row for row in after if row["id"] == "t-091"]
    assert (alone["document"], alone["group"]) == (None, "g-91")
    assert second.facts["split_rule"]["field"] == "document"


def test_rows_that_are_not_sure_enough_are_left_out_and_counted(app, session, root):
    desk = make_desk(session, experts=3, tasks=0, overlap=3)
    vote(session, desk, 1, "grant", "grant", "grant")
    vote(session, desk, 2, "grant", "grant", "patent")
    vote(session, desk, 3, "grant")

    release = build_release(app, session, desk, recipe=Recipe(min_confidence=0.7))

    assert sorted(row["id"] for row in rows(root, release)) == ["v-1", "v-3"]
    assert release.facts["left_out"] == {"low_confidence": 1}
    assert all(row["confidence"] >= 0.7 for row in rows(root, release))


def test_boxes_that_overlap_are_one_in_the_release_and_its_formats(app, session, root):
    desk = release_kinds.make_joined(session, tasks=1)

    release = build_release(app, session, desk, recipe=Recipe(marks=Marks.OVERLAP))

    [row] = rows(root, release)
    painted, box = json.loads(row["result"])
    assert (box["value"]["x"], box["score"], painted["score"]) == (25, 1.0, 1.0)  # the middle one
    assert (row["confidence"], row["span_confidence"]) == (0.933333, [])
    assert release.facts["recipe"]["marks"] == "overlap"
    card = yaml.safe_load((storage.folder(root, release) / "README.md").read_text().split("---")[1])
    shape = {one["name"]: one for one in card["dataset_info"]["features"]}
    assert shape["span_confidence"]["sequence"] == "float64"  # as `datasets` reads the header
    assert shape["annotators"]["sequence"] == "string"
    [field] = [
        one
        for one in croissant.document(release.facts)["recordSet"][0]["field"]
        if one["name"] == "span_confidence"
    ]
    assert (field["dataType"], field["repeated"]) == ("sc:Float", True)
    assert rebuild.verify(release, root).is_same
    [split] = release.facts["splits"]
    marks = json.loads((root / formats_made.place(release, "coco") / f"{split}.json").read_text())
    ink, seal = marks["annotations"]  # and not the stamp that one person alone has drawn
    assert (seal["bbox"], seal["area"], ink["iscrowd"]) == ([10.0, 2.0, 20.0, 6.0], 120.0, 1)
    packed = {
        name: zipfile.ZipFile(root / formats_made.place(release, name) / f"{split}.zip")
        for name in ("yolo", "voc", "masks")
    }
    first = {name: one.read(one.namelist()[0]) for name, one in packed.items()}
    assert first["yolo"].decode() == "0 0.500000 0.250000 0.500000 0.300000\n"
    corners = "<xmin>11</xmin><ymin>3</ymin><xmax>30</xmax><ymax>8</ymax>"
    assert (first["voc"].count(b"<object>"), corners in first["voc"].decode()) == (1, True)
    assert first["masks"].startswith(b"\x89PNG")


def test_it_waits_for_a_yes_where_its_owner_wants_to_look_first(app, session):
    desk = make_work(session, tasks=3)
    wanted = {"look_first": True}

    waiting = build_release(app, session, desk, **wanted)
    assert (waiting.state, waiting.version) == (State.PROPOSED, "1.0.0")
    assert make_release(session, desk).id == waiting.id  # one at a time

    builds.confirm(session, waiting, by=desk.owner, at=now())
    builds.confirm(session, waiting, by=desk.owner, at=now())
    assert waiting.state is State.READY
    session.commit()
    assert {"releases.sign_waiting", "releases.make_formats"} <= set(run_jobs(app))
    with pytest.raises(builds.NotWaiting):
        builds.decline(session, waiting, by=desk.owner, at=now())


def test_what_its_owner_does_not_want_is_gone_and_can_be_asked_for_again(
    app, session, root, sign_in
):
    desk = make_work(session, tasks=3)
    waiting = build_release(app, session, desk, look_first=True)
    place = storage.folder(root, waiting)
    assert place.is_dir()

    client = sign_in(desk.owner)
    assert "waits for your yes" in client.get(f"/releases/{waiting.id}").text
    client.post(f"/releases/{waiting.id}/decline")
    run_jobs(app)

    session.expire_all()
    assert (waiting.state, waiting.trouble) == (State.FAILED, builds.NOT_WANTED)
    assert not place.exists()
    client.post(f"/releases/{waiting.id}/again")
    assert builds.open_one(session, desk.project_id).look_first


def test_the_owner_may_ask_for_a_larger_step(app, session):
    desk = make_work(session, tasks=2)
    build_release(app, session, desk)

    assert build_release(app, session, desk, recipe=Recipe(step=Step.MINOR)).version == "1.1.0"


def test_a_release_is_built_again_with_the_same_hashes(app, session, root):
    desk = make_work(session, tasks=12)
    make_consent(
        session, session.get_one(User, desk.experts[0].user_id), Purpose.NAME_IN_PROVENANCE
    )
    build_release(app, session, desk)
    add_validated(session, desk, 40)
    everything = Recipe(
        votes=True, jsonl=True, csv=True, near=True, method=Method.WEIGHTED, personal=Personal.MASK
    )
    release = build_release(app, session, desk, recipe=everything)
    add_validated(session, desk, 60)  # comes later, and changes nothing of it
    desk.project.title = "Another title"
    session.flush()

    found = rebuild.verify(release, root)

    assert (found.differing, found.same_inputs, found.same_writer) == ([], True, True)
    assert list((root / storage.UNFINISHED).glob(f"{release.id}-*")) == []


def test_a_rebuild_says_when_answers_have_changed_since(app, session, root):
    desk = make_work(session, tasks=3)
    release = build_release(app, session, desk)
    task = make_task(session, desk.project, external_id="new", group_key="n")
    make_assignment(
        session,
        desk.project,
        expert=desk.experts[0],
        task=task,
        state=WorkState.ACCEPTED,
        result=choice("grant"),
        decided_at=release.asked_at,
    )

    found = rebuild.verify(release, root)

    assert not found.same_inputs
    assert found.differing


def test_the_page_shows_what_choices_leave_and_builds_them(app, session, sign_in):
    desk = make_work(session, tasks=6)
    client = sign_in(desk.owner)
    path = f"/projects/{desk.project_id}/releases/new"
    chosen = {"changelog": "First.", "licence": "other", "min_answers": "2", "labels": ["grant"]}

    assert "Dawid" in client.get(path).text
    looked = client.post(path, data=chosen | {"look": "1"})
    assert looked.status_code == 422
    assert "2 rows, of 6 tasks with answers." in looked.text
    assert "Another label" in looked.text
    assert builds.open_one(session, desk.project_id) is None
    wrong = client.post(path, data=chosen | {"split_by": "field"})
    assert "Choose the field that names the document." in wrong.text
    client.post(path, data=chosen | {"votes": "y"})

    asked = builds.open_one(session, desk.project_id)
    assert asked.recipe["labels"] == ["grant"]
    assert asked.recipe["votes"] is True


def test_any_two_releases_can_be_compared_on_a_page(app, session, sign_in):
    desk = make_work(session, tasks=4)
    first = build_release(app, session, desk)
    for number in range(10, 13):
        add_validated(session, desk, number)
    build_release(app, session, desk)
    third = build_release(app, session, desk, recipe=Recipe(labels=("grant", "warranty")))
    client = sign_in(desk.owner)

    page = client.get(f"/releases/{third.id}/changes").text
    assert "Another label" in page  # what is gone, and why
    page = client.get(f"/releases/{third.id}/changes?since={first.id}").text
    assert "Changes since 1.0.0" in page
    assert "Distribution of labels" in page
    assert "first release" in client.get(f"/releases/{first.id}/changes").text
    for task in session.exec(select(Task).where(Task.project_id == desk.project_id)):
        task.data = task.data | {"text": "Other words."}
    fourth = build_release(app, session, desk, recipe=Recipe(labels=("grant", "warranty")))
    page = client.get(f"/releases/{fourth.id}/changes").text
    assert "t-001" in page.split("Answer or data changed")[1].split("Removed")[0]
    assert "<del>" not in page  # the labels are the same as before
    form = client.get(f"/projects/{desk.project_id}/releases/new").text
    assert re.search(r"<select[^>]*disabled[^>]*name=\"split_by\"", form)
    for label in ("grant", "warranty"):  # as the release before was made
        assert re.search(rf"<input[^>]*checked[^>]*name=\"labels\"[^>]*value=\"{label}\"", form)
    sent = {"changelog": "More.", "licence": "other", "once": "k1"}
    assert client.post(f"/projects/{desk.project_id}/releases", data=sent).status_code == 302
    fifth = builds.open_one(session, desk.project_id)
    assert fifth.recipe == fourth.recipe
    assert jobs.build(fifth.id).startswith("3.0.1")
    sent |= {"min_answers": "1", "once": "k2"}
    assert client.post(f"/projects/{desk.project_id}/releases/new", data=sent).status_code == 302
