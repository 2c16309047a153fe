"""What a row says of a task: the final answer, how sure it is, and how it became final."""

from datetime import UTC, datetime, timedelta

import pytest

from annotation import agreement
from annotation.validated import ValidatedAnnotation, ValidatedTask
from releases import rows
from tests.factories.annotation import choice

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def answer(number, result, how="AG-1", at=AT):
    return ValidatedAnnotation(
        annotation_id=number,
        expert_id=number,
        pseudonym=f"K-{number}",
        result=result,
        label=agreement.label(result),
        state="accepted",
        decided_how=how,
        lead_seconds=60,
        submitted_at=at,
        decided_at=at,
    )


def task(*answers, **changes):
    values = {
        "task_id": 1,
        "external_id": "t-1",
        "group_key": "mit",
        "data": {"text": "The licensor grants you a licence."},
        "is_gold": False,
        "label": None,
        "spans": (),
        "agreement": None,
        "annotations": answers,
    }
    return ValidatedTask(**(values | changes))


def row(*answers, until=AT, **changes):
    return rows.row_of(task(*answers, **changes), "key", until=until)


def test_a_row_holds_the_answer_of_more_than_half():
    mark = (4, 12, "Party")
    found = row(
        answer(1, choice("grant", mark)), answer(2, choice("grant", mark)), answer(3, choice())
    )

    assert found["label"] == "grant"
    assert found["spans"] == [{"start": 4, "end": 12, "label": "Party", "text": "licensor"}]
    assert found["annotator_count"] == 3
    assert found["confidence"] == 1.0
    assert found["group"] == "mit"


def test_confidence_and_agreement_say_how_far_the_answers_go_together():
    found = row(answer(1, choice("grant")), answer(2, choice("grant")), answer(3, choice("patent")))

    assert found["confidence"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["agreement"] == pytest.approx(1 / 3)


def test_without_more_than_half_there_is_no_row():
    assert row(answer(1, choice("grant")), answer(2, choice("patent"))) is None


def test_what_was_accepted_later_does_not_count_yet():
    later = answer(2, choice("patent"), at=AT + timedelta(hours=1))

    assert row(later) is None
    assert row(answer(1, choice("grant")), later)["annotator_count"] == 1


@pytest.mark.parametrize(
    ("how", "path"),
    [
        (["AG-1", "AG-1"], "agreement"),
        (["person", "AG-1"], "review"),
        (["SL-1", "AG-1"], "silence"),
        (["XX-9"], "XX-9"),
    ],
)
def test_the_path_names_how_answers_became_final(how, path):
    answers = [answer(number, choice(), one) for number, one in enumerate(how)]

    assert row(*answers)["review_path"] == path


def test_a_task_without_a_group_is_its_own():
    assert row(answer(1, choice()), group_key=None)["group"] == "t-1"


def test_the_hash_changes_with_the_answer_and_not_with_who_gave_it():
    one = row(answer(1, choice("grant")))
    other_person = row(answer(7, choice("grant")))
    other_answer = row(answer(1, choice("patent")))

    assert one["row_hash"] == other_person["row_hash"]
    assert one["row_hash"] != other_answer["row_hash"]


def test_marks_alone_make_a_row_too():
    only_marks = choice("grant", (4, 12, "Party"))[1:]

    found = row(answer(1, only_marks), answer(2, only_marks))

    assert found["label"] is None
    assert found["confidence"] == 1.0
    assert len(found["spans"]) == 1
