"""Transfers taken back: by two, with a decision, to whom the cause says, and booked once."""

from datetime import timedelta

import pytest
from sqlmodel import select

from accounts.models import Decision, DecisionKind
from core.clock import now
from core.models import Letter
from payouts import attention, bank_words, ledger, news, reconciliation, reversals, trust
from payouts import jobs as payout_jobs
from payouts.dispute_models import Reversal, ReversalState
from payouts.models import AccountKind, Payout, PayoutState, ReconciliationState
from tests.factories.accounts import make_user
from tests.factories.payouts import eur
from tests.payouts.conftest import new_key

WHY = "The bank has closed the account, and the payout came back to Stripe."
PROOF = "Stripe's page of the payout says account_closed, seen today at noon."


def cause(code="not_reached"):
    return reversals.Cause(code, WHY, PROOF)


@pytest.fixture
def two(session):
    found = make_user(session, "operator"), make_user(session, "operator")
    session.commit()
    return found


@pytest.fixture
def sent(desk, session, jobs):
    payout = desk.payout(session, amount=3000)
    jobs()
    session.expire_all()
    return session.get(Payout, payout.id)


def propose(session, payout, by, minor=3000, code="not_reached", key=None):
    row = reversals.propose(
        session, payout.id, eur(minor), cause(code), key=key or new_key(), by=by, at=now()
    )
    session.commit()
    return row


def agree(session, row, by):
    reversals.agree(session, row.id, by=by, at=now())
    session.commit()


def owed(session, payout):
    return ledger.balance(session, ledger.owed(payout.expert_id, "eur"))


def is_equal(desk):
    [row] = reconciliation.run(desk.rail)
    return row.state is ReconciliationState.EQUAL


def test_a_payout_that_cannot_arrive_is_owed_again(desk, session, jobs, two, sent):
    row = propose(session, sent, two[0])
    with pytest.raises(reversals.NeedsASecond):
        reversals.agree(session, row.id, by=two[0], at=now())
    assert owed(session, sent) == eur(0)

    agree(session, row, two[1])
    jobs()
    session.expire_all()

    assert session.get(Reversal, row.id).state is ReversalState.DONE
    found = session.get(Payout, sent.id)
    assert (found.state, found.reason) == (PayoutState.FAILED, "taken_back")
    assert owed(session, sent) == eur(3000)
    assert desk.transfers()[0].amount_reversed == 3000
    decision = session.exec(select(Decision)).one()
    assert decision.kind is DecisionKind.PAYOUT_WITHHELD
    assert (decision.decided_by, decision.second_by) == (two[0].id, two[1].id)
    assert decision.contest_until is not None
    assert is_equal(desk)


def test_the_same_form_twice_proposes_once_and_too_much_is_refused(session, two, sent):
    key = new_key()
    assert propose(session, sent, two[0], key=key).id == propose(session, sent, two[0], key=key).id

    with pytest.raises(reversals.AnotherIsOpen):
        propose(session, sent, two[0])
    session.rollback()
    [row] = reversals.waiting(session) or [None]
    if row is not None:
        reversals.withdraw(session, row.id, by=two[1], at=now())
        with pytest.raises(reversals.TooMuch):
            propose(session, sent, two[0], minor=3001)


def test_money_sent_twice_makes_good_the_platforms_loss_and_an_appeal_owes_it_again(
    desk, session, jobs, two, sent
):
    row = propose(session, sent, two[0], minor=1000, code="sent_twice")
    agree(session, row, two[1])
    jobs()
    session.expire_all()

    losses = ledger.Purse(AccountKind.LOSSES, 0, "eur")
    assert ledger.balance(session, losses) == eur(1000)
    assert (owed(session, sent), session.get(Payout, sent.id).state) == (eur(0), PayoutState.SENT)
    assert is_equal(desk)

    decision = session.exec(select(Decision)).one()
    assert trust.withholds(session, decision)
    for _ in range(2):
        trust.send_again(session, decision, two[1], now())
    assert owed(session, sent) == eur(1000)
    assert not trust.withholds(session, decision)


def test_when_the_account_does_not_cover_it_nothing_is_moved_and_the_expert_is_told(
    desk, session, jobs, two, sent
):
    account = session.get(Payout, sent.id).stripe_account_id
    desk.bench.control("/lines", type="adjustment", amount=-2500, account=account)
    row = propose(session, sent, two[0])
    agree(session, row, two[1])
    jobs()
    session.expire_all()

    found = session.get(Reversal, row.id)
    assert (found.state, found.trouble) == (ReversalState.REFUSED, "balance_insufficient")
    assert owed(session, sent) == eur(0)
    assert "payouts/not_taken_back" in session.exec(select(Letter.template)).all()
    assert is_equal(desk)


@pytest.mark.parametrize("fault", ["lose_request", "lose_answer", "500_after"])
def test_a_lost_answer_takes_back_once(desk, session, jobs, two, sent, fault):
    row = propose(session, sent, two[0])
    agree(session, row, two[1])
    path = f"/v1/transfers/{sent.stripe_transfer_id}/reversals"
    desk.fault(fault, path=path)
    jobs()
    session.expire_all()
    assert session.get(Reversal, row.id).state is ReversalState.ASKING

    # With an answer lost, wait until the key has died; else before the money goes to the bank.
    desk.pass_time(timedelta(hours=1 if fault == "lose_request" else 30))
    assert payout_jobs.take_back_overdue() == 1
    jobs()
    session.expire_all()

    assert session.get(Reversal, row.id).state is ReversalState.DONE
    assert desk.transfers()[0].amount_reversed == 3000
    assert owed(session, sent) == eur(3000)
    assert is_equal(desk)


@pytest.mark.parametrize("found_by", ["news", "books"])
def test_one_made_by_hand_waits_for_two_people(desk, session, jobs, two, sent, found_by):
    desk.bench.v1.transfers.reversals.create(sent.stripe_transfer_id, {"amount": 1200})
    if found_by == "news":
        event = desk.bench.v1.events.list({"type": "transfer.reversed"}).data[0]
        from payouts import stripe_objects

        news.store(session, stripe_objects.news(event.to_dict()), at=now())
        session.commit()
        jobs()
    else:
        assert not is_equal(desk)
    session.expire_all()

    row = session.exec(select(Reversal)).one()
    assert (row.state, row.amount) == (ReversalState.FOUND, eur(1200))
    assert "reversal" in [need.kind for need in attention.needed(session, at=now())]
    with pytest.raises(reversals.Settled):
        reversals.agree(session, row.id, by=two[1], at=now())
    reversals.say(session, row.id, cause(), by=two[0], at=now())
    with pytest.raises(reversals.NeedsASecond):
        reversals.agree(session, row.id, by=two[0], at=now())
    agree(session, row, two[1])

    assert owed(session, sent) == eur(1200)
    assert session.get(Payout, sent.id).state is PayoutState.SENT
    assert is_equal(desk)


def test_nobody_takes_back_their_own_and_nothing_without_reasons(session, two, sent):
    from accounts.models import User

    expert = session.get(User, sent.expert_id)
    with pytest.raises(reversals.OwnPayout):
        propose(session, sent, expert)
    short = reversals.Cause("not_reached", "short", PROOF)
    with pytest.raises(reversals.ReasonNeeded):
        reversals.propose(session, sent.id, eur(1), short, key=new_key(), by=two[0], at=now())


def test_why_a_bank_refused_is_kept_and_said(desk, session, jobs, sent):
    account = sent.stripe_account_id
    desk.pass_time(timedelta(days=2))
    [bank] = desk.bench.v1.payouts.list({}, {"stripe_account": account}).data
    desk.bench.control(f"/payouts/{bank.id}/fail", code="account_closed")
    from payouts import answers

    told = desk.rail.bank_transfer(account, bank.id)
    answers.record_bank(session, sent.expert_id, told, at=now())

    assert (sent.state, sent.reason) == (PayoutState.BANK_REFUSED, "account_closed")
    letter = session.exec(select(Letter).where(Letter.template == "payouts/bank_refused")).one()
    assert "The bank account is closed." in letter.body
    assert bank_words.why("a_new_code") == "The bank’s reason: a_new_code."
