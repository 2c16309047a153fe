"""What pages and releases read: progress, validated rows, answers as they are shown."""

import json
from datetime import timedelta

import pytest

from annotation import progress, project_home, released, shown
from annotation.label_config import parse
from annotation.models import State
from core.clock import now
from tests.factories.annotation import (
    CLAUSES,
    TEXT,
    choice,
    join,
    make_assignment,
    make_desk,
    make_task,
)

PARTY, DUTY = (0, 12, "Party"), (39, 61, "Obligation")


@pytest.fixture
def made(session):
    return make_desk(session, tasks=0, experts=3)


def answered(session, made, *clauses, state=State.ACCEPTED, **task):
    item = make_task(session, made.project, slots=3, slots_left=3, **task)
    for expert, clause in zip(made.experts, clauses, strict=False):
        make_assignment(
            session,
            made.project,
            expert=expert,
            task=item,
            state=state,
            result=choice(clause, PARTY),
        )
    return item


def test_a_release_reads_accepted_answers_by_task(session, made):
    item = answered(session, made, "grant", "grant", "patent", group_key="MIT")
    answered(session, made, "grant", state=State.SUBMITTED)
    answered(session, made, "grant", state=State.REJECTED)

    (row,) = released.read(session, [made.project_id], until=now())

    assert (row.task.id, row.task.external_id, row.task.group_key) == (
        item.id,
        item.external_id,
        "MIT",
    )
    assert json.loads(row.task.data)["text"] == TEXT
    assert [one.expert_id for one in row.answers] == [e.user_id for e in made.experts]
    first = row.answers[0]
    assert (first.state, first.decided_rule, first.lead_seconds) == ("accepted", None, 540)
    assert json.loads(first.result) == choice("grant", PARTY)


def test_a_release_reads_one_project_only_in_order(session, made):
    other = make_desk(session, tasks=0, experts=3)
    answered(session, other, "grant")
    items = [answered(session, made, "grant", "patent").id for _ in range(3)]

    rows = list(released.read(session, [made.project_id], until=now()))

    assert [row.task.id for row in rows] == items
    assert {len(row.answers) for row in rows} == {2}


def test_a_release_reads_answers_by_task_and_claim_whatever_the_order_they_lie_in(session, made):
    first, second = (make_task(session, made.project, slots=4, slots_left=4) for _ in range(2))
    # Its result is read with those of the others, and is nobody's.
    refused = join(session, made.project)
    make_assignment(
        session,
        made.project,
        expert=refused,
        task=first,
        state=State.REJECTED,
        result=choice("other"),
    )
    for expert in made.experts[::-1]:
        for task, clause in ((second, "patent"), (first, "grant")):
            make_assignment(
                session,
                made.project,
                expert=expert,
                task=task,
                state=State.ACCEPTED,
                result=choice(clause),
            )

    rows = list(released.read(session, [made.project_id], until=now()))

    assert [row.task.id for row in rows] == [first.id, second.id]
    wanted = [one.user_id for one in made.experts[::-1]]
    for row, clause in zip(rows, ("grant", "patent"), strict=True):
        assert [one.expert_id for one in row.answers] == wanted
        assert {one.result for one in row.answers} == {row.answers[0].result}
        assert released.result_of(row.answers[0]) == choice(clause)


def test_those_count_as_having_worked_who_have_an_answer_that_counts(session, made):
    other = make_desk(session, tasks=0, experts=1)
    answered(session, other, "grant")
    states = (State.ACCEPTED, State.SUBMITTED, State.REJECTED)
    for expert, state in zip(made.experts, states, strict=True):
        make_assignment(session, made.project, expert=expert, state=state, result=choice("grant"))
        make_assignment(session, made.project, expert=expert, state=State.EXPIRED)
    accepted, waiting, _ = (one.user_id for one in made.experts)

    def who(*desks, **also):
        ids = [one.project_id for one in desks]
        return sorted(session.scalars(released.experts_of(ids, **also)))

    assert who(made) == [accepted]
    assert who(made, waiting=True) == sorted([accepted, waiting])
    assert who(made, other) == sorted([accepted, other.experts[0].user_id])


def test_progress_counts(session, made):
    answered(session, made, "grant", "grant", "grant")
    answered(session, made, "grant", "patent", "grant", state=State.SUBMITTED)
    make_task(session, made.project)
    make_assignment(session, made.project)
    make_assignment(session, made.project, state=State.REJECTED)

    counts = progress.counts(session, made.project)

    assert (counts.tasks, counts.done, counts.untouched) == (5, 1, 1)
    assert (counts.in_hand, counts.waiting, counts.accepted, counts.rejected) == (1, 3, 3, 1)


def test_progress_measures_agreement_and_known_answers(session, made):
    answered(session, made, "grant", "grant", "patent", gold=choice("grant"))

    whole, rows = progress.measures(session, made.project)

    assert whole.pairwise == 1 / 3
    assert whole.alpha == 0.0
    assert (whole.gold_right, whole.gold_seen) == (2, 3)
    by_name = {row.pseudonym: row for row in rows}
    assert [by_name[e.pseudonym].agreement for e in made.experts] == [0.5, 0.5, 0.0]
    assert [by_name[e.pseudonym].gold_right for e in made.experts] == [1, 1, 0]
    assert {row.minutes for row in rows} == {9.0}


def test_progress_of_nothing_is_nothing(session, made):
    whole, rows = progress.measures(session, made.project)

    assert (whole.alpha, whole.pairwise, whole.compared, rows) == (None, None, 0, [])
    assert progress.counts(session, made.project).tasks == 0


def test_accepted_by_day_ends_today(session, made):
    make_assignment(session, made.project, state=State.ACCEPTED)
    make_assignment(
        session, made.project, state=State.ACCEPTED, decided_at=now() - timedelta(days=3)
    )

    days = progress.accepted_by_day(session, made.project, at=now())

    assert len(days) == 14
    assert days[-1] == (now().date(), 1)
    assert days[-4][1] == 1


def test_the_home_of_a_project_says_what_waits(session, made, app):
    answered(session, made, "grant", "patent", state=State.SUBMITTED)
    with app.test_request_context():
        needs = [
            need for ask in project_home.NEEDS for need in ask(session, made.project, made.owner)
        ]
        figures = [one for ask in project_home.FIGURES for one in ask(session, made.project)]

    assert [need.words for need in needs] == ["2 answers to review"]
    assert needs[0].url == f"/projects/{made.project_id}/review"
    assert figures[0].value == "0"


def test_an_answer_is_shown_with_its_marks_in_the_text():
    found = shown.answer(parse(CLAUSES), {"text": TEXT}, choice("grant", PARTY, DUTY))

    assert [(one.control, one.values) for one in found.choices] == [("clause", ("grant",))]
    assert [(mark.words, mark.shade) for mark in found.marks] == [
        ("The licensor", 1),
        ("shall keep this notice", 2),
    ]
    assert "".join(piece.words for piece in found.pieces) == TEXT
    assert [piece.labels for piece in found.pieces] == [("Party",), (), ("Obligation",), ()]


def test_marks_that_overlap_are_cut_where_they_meet():
    found = shown.answer(
        parse(CLAUSES), {"text": TEXT}, choice("grant", (0, 12, "Party"), (4, 19, "Obligation"))
    )

    assert [(piece.words, piece.labels, piece.ends) for piece in found.pieces][:3] == [
        ("The ", ("Party",), ()),
        ("licensor", ("Party", "Obligation"), ("Party",)),
        (" grants", ("Obligation",), ("Obligation",)),
    ]


def test_what_only_the_editor_can_show_is_counted():
    found = shown.answer(
        parse(CLAUSES), {"text": TEXT}, [{"type": "unknown", "value": {"thing": 3}}]
    )

    assert (found.choices, found.others) == ((), 1)
