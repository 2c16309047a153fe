"""What people learn of restrictions, withheld payouts and erasures: on each page, in letters."""

import pytest
from sqlmodel import select

from accounts.models import User
from core.clock import now
from core.models import Letter
from experts import credentials, restrictions
from experts.models import AccountStanding, Expert
from experts.restrictions import Proposal
from payouts import holds
from tests.factories.accounts import make_user
from tests.factories.annotation import make_desk
from tests.factories.decisions import WORDS, contest
from tests.factories.experts import make_expert, make_licence
from tests.factories.payouts import make_budget, make_earning
from tests.factories.payouts import make_expert as make_paid_expert
from tests.factories.privacy import make_erasure


@pytest.fixture
def operators(session):
    return [make_user(session, "operator") for _ in range(2)]


def propose(session, expert_id, by, standing=AccountStanding.RESTRICTED):
    proposal = Proposal(standing, "copied_answers", WORDS, WORDS, WORDS)
    expert = session.get(Expert, expert_id)
    return restrictions.propose(session, expert, proposal, by=by, at=now())


def restrict(session, expert_id, operators):
    made = propose(session, expert_id, operators[0])
    session.flush()
    decision = restrictions.confirm(session, made, by=operators[1], at=now())
    session.commit()
    return decision


def withhold(session, expert_id, by):
    held = holds.withhold(
        session, expert_id, holds.Cause("legal_order", WORDS, WORDS), by=by, at=now()
    )
    session.commit()
    return held


def test_earnings_promise_nothing_while_payouts_are_withheld(session, sign_in, operators):
    budget = make_budget(session, funded=10_000)
    expert = make_paid_expert(session)
    make_earning(session, budget, expert.id, pay=2400)
    session.commit()
    client = sign_in(expert)
    before = client.get("/earnings").text
    held = withhold(session, expert.id, operators[0])

    after = client.get("/earnings").text
    pressed = client.post(
        "/earnings/payouts", data={"minor": "2400", "currency": "eur", "key": "a" * 32}
    )

    for words in ("Pay me", "Can receive money", "sent on"):
        assert words in before
        assert words not in after
    assert "withheld since" in after
    assert "stays owed" in after
    assert f'href="/decisions/{held.decision_id}"' in after
    assert "withheld since" not in client.get(f"/decisions/{held.decision_id}").text
    assert pressed.status_code == 409
    assert f'href="/decisions/{held.decision_id}"' in pressed.text


@pytest.mark.parametrize("path", ["/profile", "/today", "/work", "/invitations", "/earnings"])
def test_a_restricted_expert_reads_so_on_every_page(session, sign_in, operators, path):
    desk = make_desk(session, experts=1)
    expert = session.get(User, desk.experts[0].user_id)
    session.commit()
    client = sign_in(expert)
    assert "restricted since" not in client.get(path).text
    decision = restrict(session, expert.id, operators)

    page = client.get(path)

    assert page.status_code == 200
    assert "Your account is restricted since" in page.text
    assert "What is in hand may be finished" in page.text
    assert f'href="/decisions/{decision.id}"' in page.text
    for words in ("You receive invitations", "within minutes", "Take a task", "is in order"):
        assert words not in page.text


def test_a_closed_account_says_until_when_that_can_be_undone(session, sign_in):
    user = make_user(session, "expert")
    make_erasure(session, user)
    session.commit()

    for path in ("/today", "/account", "/earnings"):
        assert "is erased on" in sign_in(user).get(path).text
    assert "is erased on" not in sign_in(user).get("/account/erase").text


def test_other_operators_learn_of_a_proposal(session, sign_in, operators):
    expert = make_expert(session)
    propose(session, expert.user_id, operators[0])
    session.commit()

    letters = session.exec(
        select(Letter).where(Letter.template == "experts/restriction_proposed")
    ).all()

    assert [one.user_id for one in letters] == [operators[1].id]
    assert f"/operator/experts/{expert.user_id}" in letters[0].body
    assert WORDS not in letters[0].body
    page = sign_in(operators[1]).get("/operator").text
    assert "Proposal waits" in sign_in(operators[1]).get("/operator/people").text
    assert f"1 proposal waits for a second operator: {expert.pseudonym}" in page


def test_an_appeal_that_nobody_may_answer_is_seen_before_and_after(session, sign_in, operators):
    expert = make_expert(session)
    made = propose(session, expert.user_id, operators[0])
    session.commit()
    where = f"/operator/experts/{expert.user_id}"
    assert "nobody is left who could answer" in sign_in(operators[1]).get(where).text
    appeal = contest(session, restrictions.confirm(session, made, by=operators[1], at=now()))
    session.commit()

    stuck = sign_in(operators[0]).get("/operator").text
    make_user(session, "operator")
    session.commit()

    words = f"Appeal {appeal.id}: everybody who could answer it took the decision"
    assert words in stuck
    assert words not in sign_in(operators[0]).get("/operator").text


def test_a_third_operator_takes_the_warning_away(session, sign_in, operators):
    make_user(session, "operator")
    expert = make_expert(session)
    propose(session, expert.user_id, operators[0])
    session.commit()

    for one in operators:
        page = sign_in(one).get(f"/operator/experts/{expert.user_id}")
        assert "nobody is left who could answer" not in page.text


def test_a_decision_that_has_ended_says_so(session, sign_in, operators):
    user = make_paid_expert(session)
    expert = make_expert(session, user)
    licence = make_licence(session, expert)
    decision = restrict(session, user.id, operators)
    held = withhold(session, user.id, operators[0])
    refused = credentials.refuse(
        session, licence, words=WORDS, evidence=WORDS, by=operators[0], at=now()
    )
    session.commit()
    client = sign_in(user)
    pages = [f"/decisions/{n}" for n in (decision.id, held.decision_id, refused.id)]
    assert ["No longer in force" in client.get(one).text for one in pages] == [False] * 3

    restrictions.lift(session, expert, by=operators[0], at=now())
    holds.lift(session, user.id, by=operators[0], at=now())
    session.commit()

    assert ["No longer in force" in client.get(one).text for one in pages] == [True, True, False]
    assert "until the restriction is lifted" not in client.get(pages[0]).text
