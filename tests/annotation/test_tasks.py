"""Files of tasks: all or nothing, twice is once, each wrong line with what to do."""

import io
import json
import tracemalloc
from tempfile import TemporaryFile

import pytest
from sqlalchemy import text
from sqlmodel import select

from annotation import task_files, tasks
from annotation.models import Task
from core.clock import now
from projects.models import State as ProjectState
from tests.factories.annotation import CLAUSES, choice, make_desk

GOOD = [
    {"id": 1, "data": {"text": "Grant of rights.", "licence": "MIT"}, "group": "MIT"},
    {"id": "two", "data": {"text": "No warranty."}, "gold": {"clause": "warranty"}},
    {"data": {"text": "No liability."}, "priority": 3},
]


@pytest.fixture
def made(session):
    return make_desk(session, tasks=0, experts=0)


def lines(*rows):
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()


def bring(session, made, content, name="tasks.jsonl"):
    content = content if isinstance(content, bytes) else content.encode()
    return tasks.import_file(
        session, made.project, name, io.BytesIO(content), by=made.owner, at=now()
    )


def stored(session):
    return session.exec(select(Task).order_by(Task.id)).all()


def test_a_file_becomes_tasks(session, made):
    done = bring(session, made, lines(*GOOD))

    one, two, three = stored(session)
    assert (done.added, done.known) == (3, 0)
    assert (one.external_id, one.group_key, one.gold) == ("1", "MIT", None)
    assert one.data == {"text": "Grant of rights.", "licence": "MIT"}
    assert two.gold[0]["value"] == {"choices": ["warranty"]}
    assert three.external_id.startswith("sha256:")
    assert three.priority == 3
    assert {task.slots_left for task in (one, two, three)} == {made.project.overlap}
    assert made.project.task_count == 3


def test_tasks_of_a_draft_follow_how_many_answers_each_gets(session, made):
    made.project.state, made.project.published_at = ProjectState.DRAFT, None
    bring(session, made, lines(*GOOD))

    made.project.overlap = 5
    session.flush()
    session.expire_all()
    assert {(task.slots, task.slots_left) for task in stored(session)} == {(5, 5)}

    made.project.state, made.project.published_at = ProjectState.OPEN, now()
    session.flush()
    made.project.overlap = 1  # no page offers it; what people agreed to stays
    session.flush()
    session.expire_all()
    assert {task.slots for task in stored(session)} == {5}


def test_the_same_file_again_adds_nothing(session, made):
    bring(session, made, lines(*GOOD))

    again = bring(session, made, lines(*GOOD, {"id": "new", "data": {"text": "New."}}))

    assert (again.added, again.known) == (1, 3)
    assert made.project.task_count == 4


def test_a_csv_becomes_the_same_tasks(session, made):
    content = (
        "\ufeffid,text,licence,group,gold.clause\r\n"
        '1,"Grant, of\nrights.",MIT,a,grant\r\n'
        "\r\n"
        "2,No warranty.,BSD,,\r\n"
    )

    done = bring(session, made, content, "tasks.csv")

    one, two = stored(session)
    assert done.added == 2
    assert one.data == {"text": "Grant, of\nrights.", "licence": "MIT"}
    assert one.gold[0]["value"] == {"choices": ["grant"]}
    assert (two.gold, two.group_key) == (None, None)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_the_example_can_be_brought_in(session, made, kind):
    example = task_files.example(CLAUSES, kind)

    assert bring(session, made, example, f"example.{kind}").added == 2
    assert [task.gold is not None for task in stored(session)] == [True, False]


BAD_LINES = {
    "not json": "Correct the JSON",
    "[1]": "Write each line as an object",
    '"text"': "Write each line as an object",
    '{"data": []}': "Write each line as an object",
    '{"data": {"licence": "MIT"}}': "Add “text”",
    '{"data": {"text": ""}}': "Add “text”",
    '{"data": {"text": null}}': "Add “text”",
    '{"data": {"text": "x"}, "meta": 1}': "Move “meta”",
    '{"data": {"text": "x"}, "id": 1.5}': "Write “id”",
    '{"data": {"text": "x"}, "id": true}': "Write “id”",
    '{"data": {"text": "x"}, "id": " "}': "Shorten “id”",
    json.dumps({"data": {"text": "x"}, "id": "x" * 201}): "Shorten “id”",
    '{"data": {"text": "x"}, "group": []}': "Write “group”",
    '{"data": {"text": "x"}, "priority": "high"}': "Write “priority”",
    '{"data": {"text": "x\\u0000"}}': "Remove signs",
    '{"data": {"text": "\\ud800"}}': "Remove signs",
    '{"data": {"text": "x", "a": 1e999}}': "Remove signs",
    '{"data": {"text": "x", "a": NaN}}': "Remove signs",
    '{"data": {"text": "x"}, "gold": {"nope": "grant"}}': "no choices named “nope”",
    '{"data": {"text": "x"}, "gold": {"clause": "nope"}}': "Correct the known answer",
    '{"data": {"text": "x"}, "gold": "grant"}': "Correct the known answer",
    json.dumps(
        {"data": {"text": "x"}, "gold": choice("grant", (0, 12, "Party"))}
    ): "Correct the known answer",
    "[" * 100_000: "nested too deeply",
    json.dumps({"data": {"text": "x" * 1_000_001}}): "Shorten this line",
    '{"data": {"text": "x", "n": ' + "9" * 5000 + "}}": "Shorten the numbers",
    '{"data": {"text": x}}': "near its character 19",
}


@pytest.mark.parametrize(("line", "words"), BAD_LINES.items(), ids=lambda value: value[:30])
def test_a_bad_line_is_named_with_what_to_do(session, made, line, words):
    with pytest.raises(tasks.BadFile) as caught:
        bring(session, made, lines(GOOD[0], line, GOOD[1]))

    assert [trouble.number for trouble in caught.value.troubles] == [2]
    assert words in caught.value.troubles[0].words
    assert stored(session) == []


@pytest.mark.parametrize(
    ("content", "number", "words"),
    [
        ("text,text\na,b\n", 1, "a name of its own"),
        ("text,\na,b\n", 1, "a name of its own"),
        ("text,id\na,1\nb\n", 3, "Give this line 2 cells"),
        ('text,id\n"a,1\n', 2, "Correct the quotes"),
        ("text,gold.clause\na,nope\n", 2, "Correct the known answer"),
        ("text\n\n", 1, "the file is empty"),
        ("", 1, "the file is empty"),
    ],
)
def test_a_bad_csv_is_named_with_what_to_do(session, made, content, number, words):
    with pytest.raises(tasks.BadFile) as caught:
        bring(session, made, content, "tasks.csv")

    assert caught.value.troubles[0].number == number
    assert words in caught.value.troubles[0].words


@pytest.mark.parametrize("between", [";", "\t"])
def test_a_table_from_excel_comes_in_whatever_stands_between_its_columns(session, made, between):
    content = f"id{between}text\n1{between}A party, and another.\n"

    bring(session, made, content, "tasks.csv")

    (task,) = stored(session)
    assert (task.external_id, task.data["text"]) == ("1", "A party, and another.")


def test_a_cell_may_be_as_long_as_a_line(session, made):
    bring(session, made, "id,text\n1," + "x" * 200_000 + "\n", "tasks.csv")

    (task,) = stored(session)
    assert len(task.data["text"]) == 200_000


def test_what_is_not_utf_8_is_named(session, made):
    with pytest.raises(tasks.BadFile) as caught:
        bring(session, made, lines(GOOD[0]) + b"\n\xff\xfe\n")

    assert "Save the file as UTF-8" in caught.value.troubles[0].words


def test_an_id_twice_in_a_file_is_named_with_both_lines(session, made):
    row = {"id": "a", "data": {"text": "One."}}

    with pytest.raises(tasks.BadFile) as caught:
        bring(session, made, lines(row, GOOD[0], {**row, "data": {"text": "Two."}}))

    assert caught.value.troubles[0].number == 3
    assert "“a” is used on line 1 already" in caught.value.troubles[0].words


def test_a_task_does_not_change_once_it_is_in(session, made):
    bring(session, made, lines(*GOOD))

    with pytest.raises(tasks.BadFile) as caught:
        bring(session, made, lines({"id": "two", "data": {"text": "Other."}}))

    assert "with other content" in caught.value.troubles[0].words


def test_many_bad_lines_are_counted(session, made):
    with pytest.raises(tasks.BadFile) as caught:
        bring(session, made, lines(*["{}"] * 130))

    assert (len(caught.value.troubles), caught.value.more) == (100, 30)


def test_a_completed_project_takes_no_more(session, made):
    made.project.state = ProjectState.COMPLETED

    with pytest.raises(tasks.Closed):
        bring(session, made, lines(*GOOD))


def test_two_projects_may_use_the_same_ids(session, made):
    other = make_desk(session, tasks=0, experts=0)

    assert bring(session, made, lines(*GOOD)).added == 3
    assert bring(session, other, lines(*GOOD)).added == 3


def test_hostile_text_is_only_text(session, made, sign_in):
    evil = "<img src=x onerror=alert(1)><script>alert(1)</script>{{ 7*7 }}"
    bring(session, made, lines({"id": evil[:40], "data": {"text": evil}, "group": "<b>"}))
    session.commit()

    page = sign_in(made.owner).get(f"/projects/{made.project_id}/tasks").text

    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "&lt;img src=x" in page
    assert "{{ 7*7 }}" in page


def test_known_answers_come_among_the_others(session, made):
    rows = [{"id": n, "data": {"text": f"Clause {n}."}} for n in range(60)]
    for row in rows[:20]:
        row["gold"] = {"clause": "grant"}
    bring(session, made, lines(*rows))

    in_order = sorted(stored(session), key=lambda task: -task.position)
    first_half = sum(task.gold is not None for task in in_order[:30])
    assert 3 < first_half < 17


def test_an_open_project_pushes_what_came_in(session, made, app):
    bring(session, made, lines(*GOOD))

    names = session.execute(text("select task_name from procrastinate_jobs")).scalars().all()
    assert names == ["annotation.push_project"]


def test_a_large_file_comes_in_with_little_memory(session, made):
    with TemporaryFile() as file:
        for number in range(20_000):
            row = {"id": number, "data": {"text": f"Clause {number}. " + "x" * 300}}
            file.write(json.dumps(row).encode() + b"\n")
        size = file.tell()
        file.seek(0)
        tracemalloc.start()
        done = tasks.import_file(session, made.project, "t.jsonl", file, by=made.owner, at=now())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert done.added == 20_000
    assert peak < size / 3


def test_the_examples_in_the_contract_of_the_demo_are_read():
    row = {"data": {"text": "x", "licence": "MIT", "package": "a"}, "group": "a", "id": "a-1"}

    (line,) = task_files.read("a.jsonl", io.BytesIO(lines(row)), CLAUSES)

    assert line == task_files.Line(1, "a-1", row["data"], None, "a", 0)
