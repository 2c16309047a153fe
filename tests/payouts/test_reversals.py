"""Transfers taken back: by two, with a decision, to whom the cause says, and booked once."""

import csv
from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlmodel import select

from accounts.models import Decision, DecisionKind, User
from core.clock import now
from core.models import Letter
from core.money import Money
from core.ports import RailReversal
from payouts import (
    attention,
    bank_words,
    behind,
    ledger,
    news,
    overview,
    reconciliation,
    requests,
    reversals,
    statements,
    tax,
    tax_exports,
    totals,
    trust,
)
from payouts import jobs as payout_jobs
from payouts.dispute_models import Reversal, ReversalState
from payouts.models import AccountKind, Payout, PayoutState, ReconciliationState
from tests.factories.accounts import make_user
from tests.factories.payouts import eur
from tests.factories.tax import make_tax_profile
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


def test_what_came_back_in_part_is_a_line_of_its_own_wherever_the_payout_is_told(
    desk, session, jobs, sign_in, two, sent
):
    agree(session, propose(session, sent, two[0], minor=1000), two[1])
    jobs()
    session.expire_all()
    sent = session.get(Payout, sent.id)
    assert owed(session, sent) == eur(1000)

    it = statements.of(session, sent)
    assert (it.payout.amount, it.net) == (eur(3000), eur(2000))
    client = sign_in(session.get(User, sent.expert_id))
    page = client.get(f"/earnings/statements/{sent.id}").text
    assert "Came back on" in page
    assert "Paid, less what came back" in page
    assert "€20.00" in page
    file = client.get(f"/earnings/statements/{sent.id}.csv").text
    assert [row[4] for row in csv.reader(file.splitlines())][-2:] == ["-10.00", "20.00"]
    paper = client.get(f"/earnings/statements/{sent.id}.pdf").data
    assert "less what came back: €20.00" in _words(paper)
    [year] = totals.of_year(session, now().year, sent.expert_id)
    assert (year.whole.sent, year.whole.returned, year.whole.paid) == (
        eur(3000),
        eur(1000),
        eur(2000),
    )
    assert "Came back in quarter" in client.get("/earnings/years").text
    assert "came back" in client.get("/earnings/statements").text
    assert "Came back" in _words(client.get("/earnings/month.pdf").data)
    assert "came back" in _words(client.get("/earnings/years.pdf").data)
    standing = overview.standing(session, sent.expert_id, "eur", at=now())
    assert standing.sent_this_year == eur(2000)


def test_after_a_payout_came_back_whole_the_next_statement_still_adds_up(
    desk, session, jobs, two, sent
):
    agree(session, propose(session, sent, two[0]), two[1])
    jobs()
    again = requests.on_demand(session, sent.expert_id, eur(3000), key=new_key(), at=now())
    session.commit()
    jobs()
    session.expire_all()
    first, second = session.get(Payout, sent.id), session.get(Payout, again.id)
    assert (first.state, second.state) == (PayoutState.FAILED, PayoutState.SENT)

    assert statements.has_one(first)
    assert (statements.of(session, first).net, statements.of(session, first).kept) == (
        eur(0),
        eur(0),
    )
    it = statements.of(session, second)
    assert [(line.what, line.amount) for line in it.lines] == [
        ("Payout taken back, owed again", eur(3000))
    ]
    assert (it.brought, it.kept, it.works) == (eur(0), eur(0), 0)
    assert [one.kind for one in behind.of(session, second).groups] == ["other"]


class NextYear:
    """A rail that takes a transfer back long after it was sent."""

    def taken_back(self, transfer_id):
        return []

    def take_back(self, transfer_id, amount, *, reference):
        return RailReversal("trr_1", "txn_1", amount, reference, now() + timedelta(days=400))


def test_what_came_back_in_a_later_year_counts_in_that_year(session, two, sent):
    row = propose(session, sent, two[0])
    agree(session, row, two[1])
    assert reversals.ask(row.id, NextYear()) == "done"
    session.expire_all()
    before, later = sent.sent_at.year, row.ended_at.year
    assert later > before

    [then] = totals.of_year(session, before, sent.expert_id)
    [after] = totals.of_year(session, later, sent.expert_id)

    assert (then.whole.paid, then.whole.returned) == (eur(3000), eur(0))
    assert (after.whole.sent, after.whole.returned) == (eur(0), eur(3000))
    assert after.whole.returned_earlier == eur(3000)
    assert after.whole.credited == eur(0)
    make_tax_profile(session, sent.expert_id, us_person="yes", statement=tax.W9)
    [head, line] = tax_exports.nec(session, later, Money(200_000, "usd"))
    cells = dict(zip(*csv.reader([head, line]), strict=True))
    assert cells["box_1_nonemployee_compensation"] == "0.00"
    assert cells["came_back_of_earlier_years"] == "30.00"
    assert cells["to_correct_in_earlier_years"] == "30.00"


def _words(paper):
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(BytesIO(paper)).pages).split()
    )
