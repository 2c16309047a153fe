"""Questions of experts beside their task, and the answers of owners."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlmodel import Session, select

from accounts.models import Appeal, Decision, DecisionKind, User
from annotation import question_letters, questions
from annotation.models import State, Task
from annotation.question_models import AnswerFor, Question
from core.clock import now
from core.models import AuditEvent, Letter
from tests.factories.accounts import make_member
from tests.factories.annotation import Desk, choice, make_assignment, make_desk, make_task
from tests.factories.questions import make_question

HOSTILE = '<script>alert("x")</script> {{ 7 * 7 }} \u202e'


@pytest.fixture
def desk(session: Session) -> Desk:
    return make_desk(session, experts=2, tasks=0)


@pytest.fixture
def leases(session: Session, desk: Desk) -> list[Any]:
    """Two experts on one task."""
    task = make_task(session, desk.project)
    return [make_assignment(session, desk.project, expert=one, task=task) for one in desk.experts]


def user(session: Session, lease: Any) -> User:
    return session.get_one(User, lease.expert_id)


def asked(words: str = "May a clause be both?", **more: str) -> dict[str, str]:
    return {"words": words, "about": "task", "reference": str(uuid4()), **more}


def test_a_question_is_asked_once_however_often_it_is_sent(session, sign_in, desk, leases):
    client, form = sign_in(user(session, leases[0])), asked(HOSTILE)

    for _ in range(2):
        response = client.post(f"/work/{leases[0].id}/questions?part=1", data=form)

    assert response.status_code == 200
    assert "Your question is with the owner." in response.text
    assert "&lt;script&gt;" in response.text
    assert "<script>" not in response.text
    [question] = session.exec(select(Question))
    assert question.words == HOSTILE
    assert session.exec(select(AuditEvent).where(AuditEvent.action == "question.asked")).one()


def test_what_is_wrong_with_a_question_is_said_beside_it(session, sign_in, leases):
    client = sign_in(user(session, leases[0]))

    empty = client.post(f"/work/{leases[0].id}/questions", data=asked("  "))
    long = client.post(f"/work/{leases[0].id}/questions?part=1", data=asked("x" * 2001))
    strange = client.post(f"/work/{leases[0].id}/questions", data=asked(reference="1"))

    assert [one.status_code for one in (empty, long, strange)] == [422, 422, 422]
    assert "x" * 2001 in long.text
    assert session.exec(select(Question)).first() is None


def test_who_has_handed_in_reads_and_does_not_ask(session, sign_in, desk):
    lease = make_assignment(session, desk.project, expert=desk.experts[0], state=State.SUBMITTED)
    client = sign_in(user(session, lease))

    assert client.get(f"/work/{lease.id}/questions").status_code == 200
    assert client.post(f"/work/{lease.id}/questions", data=asked()).status_code == 409


def test_no_more_questions_wait_than_an_owner_can_bear(session, leases):
    for _ in range(questions.WAITING_AT_MOST):
        make_question(session, leases[0])

    with pytest.raises(questions.TooManyWaiting):
        questions.ask(
            session, leases[0], about="task", words="One more?", reference=uuid4(), at=now()
        )


def test_an_answer_for_all_stands_beside_the_task_of_others_without_a_name(
    session, sign_in, desk, leases
):
    question = make_question(session, leases[0], words="Does §4 count?")
    owner = sign_in(desk.owner)
    form = {"answer": "Yes, see 2.3.", "answer_for": "all"}

    assert owner.post(f"/questions/{question.id}/answer", data=form).status_code == 302
    page = sign_in(user(session, leases[1])).get(f"/work/{leases[1].id}").text

    assert "Does §4 count?" in page
    assert "Yes, see 2.3." in page
    assert "Another expert" in page
    assert desk.experts[0].pseudonym not in page


def test_an_answer_for_the_asker_is_read_by_nobody_else(session, sign_in, desk, leases):
    make_question(
        session, leases[0], words="Only mine", answer="Only yours", answered_by=desk.owner.id
    )

    own = sign_in(user(session, leases[0])).get(f"/work/{leases[0].id}").text
    other = sign_in(user(session, leases[1])).get(f"/work/{leases[1].id}/questions").text

    assert "Only yours" in own
    assert "Only yours" not in other
    assert "Only mine" not in other


def test_an_answer_on_another_task_stands_in_the_list_of_the_project(session, desk, leases):
    other = make_assignment(session, desk.project)
    shared = make_question(
        session, other, answer="A", answer_for=AnswerFor.ALL, answered_by=desk.owner.id
    )

    listed = session.exec(questions.of_project(leases[0])).all()

    assert listed == [shared]
    assert questions.beside(session, leases[0]).of_task == []


def test_a_question_is_answered_once(session, sign_in, desk, leases):
    question = make_question(session, leases[0])
    owner = sign_in(desk.owner)
    url = f"/questions/{question.id}/answer"

    first = owner.post(url, data={"answer": "One", "answer_for": "asker"})
    again = owner.post(url, data={"answer": "One", "answer_for": "asker"})
    other = owner.post(url, data={"answer": "Two", "answer_for": "all"})

    assert [one.status_code for one in (first, again, other)] == [302, 302, 409]
    session.refresh(question)
    assert question.answer == "One"


def test_an_answer_can_be_corrected_for_a_while(session, desk, leases):
    question = make_question(
        session, leases[0], answer="Eys", answered_by=desk.owner.id, seen_at=now()
    )
    how = {"answer_for": AnswerFor.ALL, "by": desk.owner}

    questions.change_answer(session, question, "Yes", at=now(), **how)

    assert (question.answer, question.seen_at) == ("Yes", None)
    with pytest.raises(questions.TooLateToChange):
        questions.change_answer(session, question, "No", at=now() + questions.CHANGEABLE, **how)


def test_a_question_is_changed_or_taken_back_until_it_is_answered(session, sign_in, desk, leases):
    question = make_question(session, leases[0])
    client = sign_in(user(session, leases[0]))

    changed = client.post(f"/questions/{question.id}/change", data={"words": "Better words?"})
    session.refresh(question)
    assert (changed.status_code, question.words) == (302, "Better words?")
    answered = make_question(session, leases[0], answer="A", answered_by=desk.owner.id)
    refused = client.post(f"/questions/{answered.id}/take-back")
    gone = client.post(f"/questions/{question.id}/take-back?part=1")
    late = sign_in(desk.owner).post(
        f"/questions/{question.id}/answer", data={"answer": "Too late", "answer_for": "all"}
    )

    assert (refused.status_code, gone.status_code, late.status_code) == (409, 200, 404)
    assert "took it back" in late.text
    session.expire_all()
    assert [one.id for one in session.exec(select(Question))] == [answered.id]
    assert not questions.may_change(answered, now())


def test_what_is_hidden_stays_with_the_asker_with_its_reason(session, sign_in, desk, leases):
    question = make_question(
        session,
        leases[0],
        words="Names a person",
        answer="A",
        answer_for=AnswerFor.ALL,
        answered_by=desk.owner.id,
    )
    owner = sign_in(desk.owner)

    short = owner.post(f"/questions/{question.id}/hide", data={"reason": "no"})
    hidden = owner.post(
        f"/questions/{question.id}/hide", data={"reason": "It names a person of the contract."}
    )
    own = sign_in(user(session, leases[0])).get(f"/work/{leases[0].id}").text
    other = sign_in(user(session, leases[1])).get(f"/work/{leases[1].id}").text
    assert (short.status_code, hidden.status_code) == (422, 302)
    assert short.text.count("Error:") == 1
    assert "It names a person of the contract." in own
    assert "Names a person" not in other

    owner.post(f"/questions/{question.id}/show")
    assert "Names a person" in sign_in(user(session, leases[1])).get(f"/work/{leases[1].id}").text


def test_hiding_is_a_decision_that_the_asker_contests_and_an_appeal_undoes(
    session, sign_in, desk, leases
):
    question = make_question(
        session,
        leases[0],
        words="Why do the guidelines contradict the law?",
        answer="They do not.",
        answer_for=AnswerFor.ALL,
        answered_by=desk.owner.id,
    )
    asker, reason = user(session, leases[0]), {"reason": "It insults the authors of them."}
    owner = sign_in(desk.owner)
    for _ in range(2):
        owner.post(f"/questions/{question.id}/hide", data=reason)

    [decision] = session.exec(select(Decision).where(Decision.person_id == asker.id)).all()
    assert decision.kind is DecisionKind.QUESTION_HIDDEN
    assert (decision.subject, decision.decided_by) == (
        f"task_question:{question.id}",
        desk.owner.id,
    )
    client = sign_in(asker)
    assert f"/decisions/{decision.id}" in client.get(f"/work/{leases[0].id}").text
    assert "It insults the authors" in client.get(f"/decisions/{decision.id}").text
    said = {"ground": "facts", "words": "It insults nobody: it asks why two clauses differ."}
    assert client.post(f"/decisions/{decision.id}/appeal", data=said).status_code == 302

    appeal = session.exec(select(Appeal).where(Appeal.decision_id == decision.id)).one()
    admin = make_member(session, desk.organisation)
    page = sign_in(admin).get(f"/appeals/{appeal.id}").text
    assert "Why do the guidelines contradict the law?" in page
    answer = {"outcome": "changed", "words": "It asks something, and insults nobody at all."}
    assert sign_in(admin).post(f"/appeals/{appeal.id}", data=answer).status_code == 302

    session.expire_all()
    assert question.hidden_at is None
    again = sign_in(desk.owner).post(f"/questions/{question.id}/hide", data=reason)
    assert again.status_code == 409
    assert "It stays shown" in again.text


def test_an_answer_is_new_until_it_was_seen(session, sign_in, desk, leases):
    make_question(session, leases[0], answer="A", answered_by=desk.owner.id)
    client = sign_in(user(session, leases[0]))

    assert questions.beside(session, leases[0]).unseen == 1
    assert client.post(f"/work/{leases[0].id}/questions/seen", json={}).status_code == 200
    session.expire_all()
    assert questions.beside(session, leases[0]).unseen == 0
    alive = client.post(f"/work/{leases[0].id}/alive", json={}).json
    assert alive["answered_at"] is not None


def test_owners_see_what_waits_by_pseudonym(session, sign_in, desk, leases):
    make_question(session, leases[0], words=HOSTILE)
    session.get_one(Task, leases[0].task_id).gold = choice()
    session.flush()
    owner = sign_in(desk.owner)

    page = owner.get(f"/projects/{desk.project_id}/questions").text
    home = owner.get(f"/projects/{desk.project_id}").text

    assert "1 question waits" in page
    assert desk.experts[0].pseudonym in page
    assert "&lt;script&gt;" in page
    assert "would give it away" in page
    assert "1 question to answer" in home
    for which in ("answered", "hidden", "nonsense"):
        assert owner.get(f"/projects/{desk.project_id}/questions?which={which}").status_code == 200


def test_owners_get_one_letter_for_many_questions_and_then_some_quiet(session, desk, leases):
    earlier = now() - timedelta(minutes=20)
    for _ in range(3):
        make_question(session, leases[0], asked_at=earlier)
    make_question(session, leases[1])

    told = [question_letters.tell_next(session, at=now()) for _ in range(2)]
    make_question(session, leases[0], asked_at=earlier)
    told.append(question_letters.tell_next(session, at=now()))

    assert told == [True, False, False]
    [letter] = session.exec(select(Letter).where(Letter.template.contains("questions_waiting")))
    assert letter.user_id == desk.owner.id
    assert letter.subject.startswith("4 questions")


def test_an_asker_gets_a_letter_unless_they_have_seen_the_answer(session, desk, leases):
    earlier = now() - timedelta(minutes=20)
    how = {"answer": "A", "answered_by": desk.owner.id, "answered_at": earlier}
    for _ in range(2):
        make_question(session, leases[0], **how)
    make_question(session, leases[1], seen_at=now(), **how)

    told = [question_letters.tell_next(session, at=now()) for _ in range(2)]

    assert told == [True, False]
    [letter] = session.exec(select(Letter).where(Letter.template.contains("questions_answered")))
    assert letter.user_id == leases[0].expert_id
    assert f"/work/{leases[0].id}/questions" in letter.body
