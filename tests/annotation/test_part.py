"""Work accepted in part: a share with its reasons, contested, and the rest paid; once each."""

import pytest
from sqlmodel import select

from accounts.models import Appeal, Decision, DecisionKind, User
from annotation import review
from annotation.models import Assignment, State, Task, Verdict
from annotation.review import Ruling
from core import formats
from core.clock import now
from core.models import Letter
from payouts import budgets, earnings, ledger
from payouts.models import Reservation
from tests.factories.annotation import make_assignment, make_desk, make_task, second_member
from tests.factories.payouts import eur

WORDS = "The clause is right; of the two parties only one is marked."
HALF = {
    "verdict": "partly_accepted",
    "reason_code": "incomplete",
    "words": WORDS,
    "clause": "2.1",
    "percent": "50",
}


def half(percent=50):
    return Ruling(Verdict.PARTLY_ACCEPTED, "incomplete", WORDS, "2.1", percent)


@pytest.fixture
def made(session):
    return make_desk(session, tasks=0, experts=2, funds=2000)


def submitted(session, made, **changes):
    task = make_task(session, made.project, slots=1, slots_left=1)
    values = {"expert": made.experts[0], "task": task, "state": State.SUBMITTED}
    lease = make_assignment(session, made.project, **(values | changes))
    session.commit()
    return lease


def test_a_part_is_paid_with_its_decision_and_the_rest_goes_back(session, made):
    lease = submitted(session, made)

    for _click in range(2):
        review.decide(session, lease, half(), by=made.owner, at=now())
    session.flush()

    assert earnings.owed(session, lease.expert_id) == [eur(210)]
    summary = budgets.summary(session, made.project_id)
    assert (summary.available.minor, summary.reserved.minor) == (2000 - 210 - 32, 0)
    assert summary.fees.minor == 32  # 31.5 of 63, rounded half up once
    assert session.get(Task, lease.task_id).slots_left == 0
    decision = session.get_one(Decision, lease.decision_id)
    assert decision.kind is DecisionKind.WORK_PARTLY_ACCEPTED
    assert "€2.10 of €4.20" in decision.reason_words["en"]
    assert "2,10\xa0€ sur 4,20\xa0€" in decision.reason_words["fr"]
    letter = session.exec(select(Letter)).one()
    assert letter.template == "annotation/work_accepted_in_part"
    for part in ("€2.10", "€4.20", WORDS, "You may contest it until", "the rest is paid to you"):
        assert part in letter.body
    assert ledger.problems(session) == []


def test_another_share_is_another_verdict(session, made):
    lease = submitted(session, made)
    review.decide(session, lease, half(), by=made.owner, at=now())

    with pytest.raises(review.AlreadyReviewed):
        review.decide(session, lease, half(60), by=made.owner, at=now())
    with pytest.raises(review.AlreadyReviewed):
        review.decide(session, lease, half(), by=second_member(session, made), at=now())

    assert earnings.owed(session, lease.expert_id) == [eur(210)]


@pytest.mark.parametrize("percent", [None, -5, 0, 100, 250])
def test_no_part_without_a_share_that_is_one(session, made, percent):
    lease = submitted(session, made)

    with pytest.raises(review.ShareNeeded):
        review.decide(session, lease, half(percent), by=made.owner, at=now())


def test_a_share_of_a_cent_is_none(session):
    made = make_desk(session, tasks=0, experts=1, funds=200, price_minor=1)
    lease = submitted(session, made)

    for percent in (49, 50):  # nothing, and all
        with pytest.raises(review.ShareNeeded):
            review.decide(session, lease, half(percent), by=made.owner, at=now())


@pytest.mark.parametrize(
    "change",
    [
        {"percent": ""},
        {"percent": "0"},
        {"percent": "100"},
        {"percent": "half"},
        {"percent": "12.5"},
        {"words": "too short"},
        {"clause": ""},
        {"reason_code": "made_up"},
    ],
)
def test_the_form_asks_for_all_of_it(session, made, sign_in, change):
    lease = submitted(session, made)

    page = sign_in(made.owner).post(f"/review/{lease.id}", data=HALF | change)

    assert page.status_code == 422
    assert "to put right" in page.text
    session.expire_all()
    assert session.get(Assignment, lease.id).state is State.SUBMITTED


def test_a_share_is_read_contested_and_the_rest_is_paid(session, made, sign_in):
    lease = submitted(session, made)
    other = second_member(session, made)
    session.commit()
    expert = sign_in(session.get(User, lease.expert_id))
    queue = sign_in(made.owner).get(f"/projects/{made.project_id}/review?all=1").text
    assert "Accept in part" in queue

    for _click in range(2):
        done = sign_in(made.owner).post(f"/review/{lease.id}", data=HALF, follow_redirects=True)
    assert "accepted in part. €2.10 of €4.20 go to the expert" in done.text
    page = expert.get(f"/work/{lease.id}").text
    for part in (
        "is accepted in part",
        "€2.10 of its pay of €4.20 are credited to you",
        "€2.10 return to the project",
        "Incomplete",
        WORDS,
        "What would have changed it",
        "Contest this decision",
    ):
        assert part in page
    earned = expert.get("/earnings").text
    assert "Partly accepted" in earned
    assert "€2.10" in earned
    session.expire_all()
    decision = f"/decisions/{session.get(Assignment, lease.id).decision_id}"
    asked = {"words": "Both parties are marked: see the first and last word.", "ground": "facts"}
    expert.post(f"{decision}/appeal", data=asked)
    look = f"/appeals/{session.exec(select(Appeal)).one().id}"
    assert "pays €2.10 from the budget" in sign_in(other).get(look).text
    answer = {"outcome": "changed", "words": "You are right: the second party is there too."}
    for _click in range(2):
        assert sign_in(other).post(look, data=answer).status_code == 302

    session.expire_all()
    assert session.get(Assignment, lease.id).state is State.ACCEPTED
    assert session.get(Reservation, lease.id).earned == lease.pay
    assert earnings.owed(session, lease.expert_id) == [lease.pay]
    assert "first accepted in part" in expert.get(f"/work/{lease.id}").text
    told = session.exec(
        select(Letter).where(Letter.template == "annotation/refusal_overturned")
    ).one()
    assert formats.money(eur(210)) in told.body
    budget = sign_in(made.owner).get(f"/projects/{made.project_id}/budget").text
    assert "Accepted in full after all: rest of the pay" in budget
