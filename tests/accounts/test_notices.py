"""What pages say on top to a person whose account is restricted, unpaid or about to be erased."""

import pytest

from accounts.models import User
from core.clock import now
from experts import restrictions
from experts.models import AccountStanding, Expert
from experts.restrictions import Proposal
from payouts import holds
from tests.factories.accounts import make_user
from tests.factories.annotation import make_desk
from tests.factories.decisions import WORDS
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
