"""Decisions and appeals: what the database refuses, who answers, what is told and repaired."""

import io
from datetime import timedelta
from fractions import Fraction

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from accounts import appeals, decisions
from accounts.decisions import About, Evidence, Reason, ReasonsNeeded, SecondPersonNeeded, Taken
from accounts.models import IN_FAVOUR, Appeal, AppealOutcome, Decision, DecisionKind, User
from annotation.models import State
from core import uploads
from core.clock import now
from core.models import AuditEvent, Letter, Upload
from experts import credentials, restrictions, trust
from experts.models import AccountStanding, Expert
from experts.restrictions import Proposal
from payouts import earnings, holds, requests, sending
from payouts.models import PayoutState
from projects import matching
from proofs import unreasoned
from tests.factories.accounts import make_user
from tests.factories.annotation import make_desk, second_member
from tests.factories.decisions import (
    WORDS,
    answer,
    changed,
    contest,
    decision_of,
    make_refused,
    stands,
)
from tests.factories.experts import make_expert, make_licence, make_skill
from tests.factories.payouts import eur, make_budget, make_earning, make_payout
from tests.factories.payouts import make_expert as make_paid_expert
from tests.factories.projects import make_project

SAID = {"en": "A sentence that gives the reason in words."}
REASON = Reason("copied_answers", SAID, [Evidence(SAID)], SAID)


@pytest.fixture
def made(session):
    return make_desk(session, tasks=3, experts=2)


@pytest.fixture
def operators(session):
    return [make_user(session, "operator") for _ in range(3)]


def record(session, kind, expert, **changes):
    at = now()
    values = {
        "taken": Taken(by=make_user(session, "operator").id),
        "reason": REASON,
        "at": at,
        "contest_until": at + timedelta(days=14),
    }
    about = About(expert.user_id, f"expert:{expert.user_id}", SAID, "/profile")
    return decisions.record(session, kind, about, **(values | changes))


def refused_by_database(session, statement, **values):
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text(statement), values)
    return True


# What the database refuses


def test_no_adverse_state_without_its_own_whole_decision_that_stays(session):
    found = unreasoned.attempts(session)

    assert found.gaps == []
    assert found.passed == len(unreasoned.STATES) == len(set(DecisionKind) - set(IN_FAVOUR))
    assert found.tried > 80


def test_an_attempt_that_is_not_refused_is_found(session):
    session.execute(text("DROP TRIGGER restricted_has_decision ON expert"))
    session.execute(text("DROP TRIGGER appeal_fits ON appeal"))

    gaps = unreasoned.attempts(session).gaps

    assert "not refused: expert_restricted: another kind" in gaps
    assert "not refused: DELETE FROM appeal" in gaps


def test_an_appeal_is_answered_by_another_person_once_and_stays_as_written(session, app, made):
    lease = make_refused(session, made)
    asked = contest(session, decision_of(session, lease))
    session.flush()
    reply = "UPDATE appeal SET outcome = 'stands', reply = repeat('x', 30), answered_at = now()"

    for by in (made.owner.id, lease.expert_id):
        assert refused_by_database(session, f"{reply}, answered_by = {by}")
    assert refused_by_database(session, "UPDATE appeal SET words = repeat('y', 40)")
    assert refused_by_database(session, "DELETE FROM appeal")
    assert refused_by_database(session, "UPDATE appeal SET outcome = 'stands', answered_at = now()")

    answer(session, app, asked, stands(), make_user(session, "operator"))
    session.flush()
    assert refused_by_database(session, "UPDATE appeal SET reply = repeat('z', 40)")


def test_what_is_over_cannot_be_contested_even_by_hand(session, made):
    decision = decision_of(session, make_refused(session, made))

    assert refused_by_database(
        session,
        "INSERT INTO appeal (decision_id, ground, words, asked_at, answer_by)"
        f" VALUES ({decision.id}, 'facts', repeat('x', 30), now() + interval '20 days',"
        " now() + interval '30 days')",
    )


def test_a_decision_without_reasons_or_second_person_is_not_recorded(session):
    expert = make_expert(session)

    for broken in (
        Reason("", SAID, [Evidence(SAID)], SAID),
        Reason("x", {"en": " "}, [Evidence(SAID)], SAID),
        Reason("x", SAID, [], SAID),
        Reason("x", SAID, [Evidence(SAID)], {}),
    ):
        with pytest.raises(ReasonsNeeded):
            record(session, DecisionKind.PAYOUT_WITHHELD, expert, reason=broken)
    with pytest.raises(SecondPersonNeeded):
        record(session, DecisionKind.EXPERT_REMOVED, expert)


# Who answers, and when


def test_with_nobody_else_in_the_organisation_the_operator_answers(session, app, made, operators):
    asked = contest(session, decision_of(session, make_refused(session, made)))

    assert asked.escalated_at is not None
    assert appeals.waiting_for(session, made.owner) == 0
    assert appeals.waiting_for(session, operators[0]) == 1
    with pytest.raises(appeals.OwnDecision):
        answer(session, app, asked, changed(), made.owner)
    answer(session, app, asked, stands(), operators[0])


def test_the_operator_answers_for_an_organisation_only_when_it_is_about_to_be_late(
    session, app, made, operators
):
    other = second_member(session, made)
    asked = contest(session, decision_of(session, make_refused(session, made)))
    stranger = make_desk(session).owner

    for nobody in (operators[0], stranger):
        with pytest.raises(appeals.NotYours):
            answer(session, app, asked, stands(), nobody)
    assert appeals.waiting_for(session, other) == 1
    assert appeals.escalate_due(session, at=now() + timedelta(days=9)) == 0
    assert appeals.escalate_due(session, at=now() + timedelta(days=11)) == 1
    assert appeals.escalate_due(session, at=now() + timedelta(days=11)) == 0

    told = session.exec(select(Letter).where(Letter.template == "accounts/appeal_escalated")).all()
    assert {one.user_id for one in told} == {one.id for one in operators}
    answer(session, app, asked, stands(), operators[0])


def test_an_appeal_taken_back_leaves_the_decision_and_cannot_be_sent_again(session, app, made):
    decision = decision_of(session, make_refused(session, made))
    asked = contest(session, decision)

    for _click in range(2):
        appeals.withdraw(session, decision, asked, at=now())

    assert asked.outcome is AppealOutcome.WITHDRAWN
    assert contest(session, decision) is asked
    with pytest.raises(appeals.AlreadyAnswered):
        answer(session, app, asked, changed(), make_user(session, "operator"))


def test_appeals_need_words_and_end(session, made):
    decision = decision_of(session, make_refused(session, made))

    with pytest.raises(appeals.WordsNeeded):
        contest(session, decision, "No.")
    with pytest.raises(appeals.TooLate):
        contest(session, decision, at=now() + timedelta(days=15))


def test_the_figures_count_by_kind(session, app, made, operators):
    leases = [make_refused(session, made) for _ in range(3)]
    first, second, _third = (decision_of(session, one) for one in leases)
    answer(session, app, contest(session, first), changed(), operators[0])
    contest(session, second)

    [found] = appeals.statistics(session)

    assert (found.kind, found.decisions, found.appeals) == (DecisionKind.WORK_REJECTED, 3, 2)
    assert (found.changed, found.stands, found.waiting) == (1, 0, 1)
    assert found.days == pytest.approx(0, abs=0.01)


def test_work_paid_in_part_is_paid_in_full_when_the_decision_is_changed(
    session, app, made, operators
):
    lease = make_refused(session, made, state=State.PARTLY_ACCEPTED)
    half = earnings.earn(
        session, lease.project_id, lease.id, lease.expert_id, now(), part=Fraction(1, 2)
    )
    asked = contest(session, decision_of(session, lease))

    answer(session, app, asked, changed(), operators[0])

    assert half < lease.pay
    assert earnings.owed(session, lease.expert_id) == [lease.pay]
    assert (lease.state, lease.reason_code) == (State.ACCEPTED, None)


def test_every_adverse_kind_can_be_repaired(app):
    adverse = set(DecisionKind) - set(IN_FAVOUR)

    assert app.extensions["doyen.repairs"].keys() == adverse


# Restrictions, licences, payouts


PROPOSAL = Proposal(
    AccountStanding.RESTRICTED,
    "copied_answers",
    "Forty answers in a row equal those of another account.",
    "Tasks 12 to 51, each handed in within a minute.",
    "Answers that were written for these tasks.",
)


def restricted(session, expert, operators):
    asked = restrictions.propose(session, expert, PROPOSAL, by=operators[0], at=now())
    session.flush()
    restrictions.confirm(session, asked, by=operators[1], at=now())
    session.flush()
    return decision_of(session, expert)


def test_a_restriction_takes_two_people_and_is_told_the_same_day(session, operators):
    expert = make_expert(session)
    asked = restrictions.propose(session, expert, PROPOSAL, by=operators[0], at=now())
    session.flush()

    with pytest.raises(restrictions.AnotherPerson):
        restrictions.confirm(session, asked, by=operators[0], at=now())
    assert expert.standing is AccountStanding.ACTIVE
    for _click in range(2):
        restrictions.confirm(session, asked, by=operators[1], at=now())

    decision = decision_of(session, expert)
    assert (decision.decided_by, decision.second_by) == (operators[0].id, operators[1].id)
    assert decision.title["en"] == "Account as an expert"
    assert "Answers were copied" not in decision.reason_words["fr"]
    assert all(PROPOSAL.words in words for words in decision.reason_words.values())
    [letter] = session.exec(select(Letter).where(Letter.user_id == expert.user_id)).all()
    for part in (PROPOSAL.words, PROPOSAL.evidence, PROPOSAL.would_change, "You may contest it"):
        assert part in letter.body
    with pytest.raises(restrictions.Restricted):
        restrictions.check_may_work(session, expert.user_id)


def test_a_restriction_is_lifted_by_an_appeal_that_neither_of_the_two_answers(
    session, app, operators
):
    expert = make_expert(session)
    asked = contest(session, restricted(session, expert, operators))

    for who in operators[:2]:
        with pytest.raises(appeals.OwnDecision):
            answer(session, app, asked, changed(), who)
    answer(session, app, asked, changed(), operators[2])

    session.refresh(expert)
    assert expert.standing is AccountStanding.ACTIVE
    restrictions.check_may_work(session, expert.user_id)


def test_a_lifted_restriction_reopens_invitations(session, app, operators):
    project = make_project(session, state="open")
    expert = make_expert(session)
    make_skill(session, expert, field=project.field)
    asked = contest(session, restricted(session, expert, operators))
    assert matching.shortlist(session, project, 10) == []

    answer(session, app, asked, changed(), operators[2])
    session.flush()

    assert [one.expert for one in matching.shortlist(session, project, 10)] == [expert]


def test_a_refused_licence_counts_again_after_an_appeal(session, app, operators):
    licence = make_licence(session, make_expert(session))
    for _click in range(2):
        credentials.refuse(session, licence, words=WORDS, evidence=WORDS, by=operators[0], at=now())
    session.flush()
    assert not licence.is_current(now().date())

    answer(session, app, contest(session, decision_of(session, licence)), changed(), operators[1])

    session.refresh(licence)
    assert licence.refused_at is None


def test_a_changed_refusal_leaves_a_later_one_alone(session, operators):
    licence = make_licence(session, make_expert(session))
    credentials.refuse(session, licence, words=WORDS, evidence=WORDS, by=operators[0], at=now())
    first = decision_of(session, licence)
    trust.recognise(session, first, operators[1], now())
    credentials.refuse(session, licence, words=WORDS, evidence=WORDS, by=operators[0], at=now())
    session.flush()

    trust.recognise(session, first, operators[1], now())

    assert licence.refused_at is not None
    assert licence.decision_id != first.id


def test_the_list_marks_what_is_no_longer_in_force(session, sign_in, operators):
    expert = make_expert(session)
    licence = make_licence(session, expert)
    credentials.refuse(session, licence, words=WORDS, evidence=WORDS, by=operators[0], at=now())
    session.flush()
    client = sign_in(_user(session, expert))
    before = client.get("/decisions").text

    trust.recognise(session, decision_of(session, licence), operators[1], now())
    session.flush()

    assert "No longer in force." not in before
    assert "No longer in force." in client.get("/decisions").text


def test_withheld_payouts_wait_and_are_sent_when_the_decision_is_changed(session, app, operators):
    person = make_paid_expert(session).id
    for _task in range(3):
        make_earning(session, make_budget(session, funded=5000), person)
    payout = make_payout(session, person, amount=600)
    cause = holds.Cause("stolen_account", WORDS, "Sign-ins from two countries in one hour.")
    for _click in range(2):
        held = holds.withhold(session, person, cause, by=operators[0], at=now())
    session.flush()

    assert sending.claim(session, payout.id, at=now()) is None
    assert payout.state is PayoutState.BLOCKED
    with pytest.raises(requests.Withheld):
        requests.on_demand(session, person, eur(500), key="once", at=now())

    asked = contest(session, session.get(Decision, held.decision_id))
    answer(session, app, asked, changed(), operators[1])
    session.flush()

    assert payout.state is PayoutState.READY
    assert sending.claim(session, payout.id, at=now()) is not None


# Pages


def test_a_stranger_sees_no_decision_and_no_appeal(session, sign_in, made):
    lease = make_refused(session, made)
    asked = contest(session, decision_of(session, lease))
    session.commit()
    stranger = sign_in(make_desk(session).owner)
    expert = sign_in(make_user(session, "expert"))

    for client, where, status in (
        (stranger, f"/appeals/{asked.id}", 404),
        (stranger, f"/decisions/{lease.decision_id}", 404),
        (expert, f"/decisions/{lease.decision_id}", 404),
        (expert, f"/appeals/{asked.id}", 403),
        (expert, "/appeals", 403),
    ):
        assert client.get(where).status_code == status
    assert session.exec(select(Appeal)).one().is_open


def test_the_pages_of_an_operator_restrict_refuse_and_withhold(session, sign_in, operators):
    expert = make_expert(session)
    licence = make_licence(session, expert)
    session.commit()
    first, second = sign_in(operators[0]), sign_in(operators[1])
    where = f"/operator/experts/{expert.user_id}"
    proposal = {
        "standing": "restricted",
        "reason_code": "copied_answers",
        "words": PROPOSAL.words,
        "evidence": PROPOSAL.evidence,
        "would_change": PROPOSAL.would_change,
    }

    assert first.post(f"{where}/propose", data=proposal | {"words": "no"}).status_code == 422
    assert first.post(f"{where}/propose", data=proposal).status_code == 302
    assert first.post(f"{where}/propose", data=proposal).status_code == 409
    asked = restrictions.open_for(session, expert.user_id)
    confirm = f"/operator/proposals/{asked.id}/confirm"
    assert first.post(confirm).status_code == 403
    assert PROPOSAL.words in second.get(where).text
    for _click in range(2):
        assert second.post(confirm).status_code == 302
    session.expire_all()
    assert session.get(Expert, expert.user_id).standing is AccountStanding.RESTRICTED
    assert second.post(f"{where}/lift").status_code == 302

    refuse = f"/operator/licences/{licence.id}/refuse"
    assert first.get(refuse).status_code == 200
    assert first.post(refuse, data={"words": "no"}).status_code == 422
    assert first.post(refuse, data={"words": WORDS, "evidence": WORDS}).status_code == 302

    money = f"/operator/money/experts/{expert.user_id}"
    cause = {"code": "legal_order", "words": WORDS, "evidence": WORDS}
    assert first.post(f"{money}/withhold", data=cause | {"words": ""}).status_code == 422
    assert first.post(f"{money}/withhold", data=cause).status_code == 302
    assert "Withheld since" in first.get(money).text
    assert first.post(f"{money}/send-again").status_code == 302
    assert "Withheld since" not in first.get(money).text

    # The expert reads all of it, and nobody else may do any of it.
    page = sign_in(_user(session, expert)).get("/decisions")
    for words in ("Account restricted", "Licence not recognised", "Payouts withheld"):
        assert words in page.text
    stranger = sign_in(make_user(session, "expert"))
    for path in (where, money, refuse):
        assert stranger.get(path).status_code == 403


def _user(session, expert):
    return session.get(User, expert.user_id)


def test_the_figures_are_open_to_everybody(client, session, made):
    assert "No decision against anybody yet" in client.get("/decisions/figures").text
    make_refused(session, made)
    session.commit()

    assert "Work not accepted" in client.get("/decisions/figures").text


def test_files_of_an_appeal_are_seen_by_its_person_and_its_reviewers_only(
    session, sign_in, made, operators, monkeypatch
):
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    lease = make_refused(session, made)
    session.commit()
    person = session.get(User, lease.expert_id)
    client, where = sign_in(person), f"/decisions/{lease.decision_id}/appeal"
    said = {"ground": "facts", "words": WORDS}
    good = {"files": [(io.BytesIO(b"%PDF-1.7 proof"), "proof.pdf")]}

    for problem, files in (
        ("is no PDF", [(b"MZ not a document", "bad.pdf")]),
        ("is no PDF", [(b"not a picture", "bad.png")]),
        ("is empty", [(b"", "bad.txt")]),
        ("is larger than 10 MB", [(b"%PDF-" + bytes(2000), "bad.pdf")]),
        ("five files at most", [(b"words", f"{number}.txt") for number in range(6)]),
    ):
        sent = {"files": [(io.BytesIO(content), name) for content, name in files]}
        page = client.post(where, data=said | sent)
        assert page.status_code == 422
        assert "<title>Error:" in page.text
        assert problem in page.text.partition('id="files-error">')[2].partition("</div>")[0]
        assert WORDS in page.text
        assert page.text.count(" checked ") == 1
    assert session.exec(select(Appeal)).first() is None
    assert client.post(where, data=said | good).status_code == 302
    again = {"files": [(io.BytesIO(b"%PDF-1.7 proof"), "proof.pdf")]}
    assert client.post(where, data=said | again).status_code == 302

    asked = session.exec(select(Appeal)).one()
    [upload] = session.exec(select(Upload)).all()
    file = f"/appeals/{asked.id}/files/{upload.id}"
    assert "proof.pdf" in client.get(f"/decisions/{lease.decision_id}").text
    assert client.get(file).data == b"%PDF-1.7 proof"
    assert sign_in(operators[0]).get(file).data == b"%PDF-1.7 proof"
    assert sign_in(made.owner).get(file).status_code == 200
    for nobody in (make_desk(session).owner, make_user(session, "expert")):
        assert sign_in(nobody).get(file).status_code in (403, 404)
    assert client.get(f"/appeals/{asked.id}/files/{upload.id + 1}").status_code == 404
    read = session.exec(select(AuditEvent).where(AuditEvent.action == "appeal.read")).all()
    assert {one.by_user_id for one in read} == {operators[0].id, made.owner.id}
