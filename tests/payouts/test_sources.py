"""Payouts draw on charges that have not settled, the oldest first, and never beyond them."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core.clock import now
from core.ports import PayoutRefused
from payouts import answers, charges, earnings, ledger, requests, sending, sources
from payouts.charge_models import Charge, PartState, PayoutPart
from payouts.models import Payout, PayoutState
from tests.factories.payouts import eur, make_budget, make_earning, make_expert
from tests.factories.refunds import make_charge
from tests.payouts.conftest import new_key
from tests.payouts.test_sending import equal_to_stripe

LATER = timedelta(minutes=5)


def ask(session, expert, amount):
    payout = requests.on_demand(session, expert.id, eur(amount), key=new_key(), at=now())
    session.commit()
    return payout


def parts(session):
    session.expire_all()
    return session.exec(select(PayoutPart).order_by(PayoutPart.id)).all()


def states(session):
    session.expire_all()
    rows = session.exec(select(Payout).order_by(Payout.id)).all()
    return [(row.amount_minor, row.state.value) for row in rows]


def test_a_payout_that_settled_money_does_not_cover_draws_on_the_charge_it_was_earned_in(
    slow_desk, session, jobs
):
    payout = slow_desk.payout(session)

    jobs()

    [transfer] = slow_desk.transfers()
    [part] = parts(session)
    charge = session.get(Charge, part.deposit_id)
    assert (transfer.amount, transfer.source_transaction) == (1000, charge.stripe_charge_id)
    assert (part.state, part.rest_payout_id, charge.drawn_minor) == (PartState.SENT, None, 1000)
    assert charge.pending_minor == 2000 - 55 - 1000
    assert states(session) == [(1000, "sent")]
    assert earnings.owed(session, payout.expert_id) == []
    assert equal_to_stripe(slow_desk, session)
    slow_desk.pass_time(timedelta(days=3))
    charges.reread(part.deposit_id, slow_desk.rail)
    assert ledger.balance(session, ledger.pending("eur")) == eur(0)
    assert equal_to_stripe(slow_desk, session)


def test_settled_money_goes_first(desk, session, jobs):
    desk.payout(session)

    jobs()

    assert desk.transfers()[0].source_transaction is None
    assert parts(session) == []


def test_it_takes_the_oldest_charge_first_and_the_rest_from_the_next(slow_desk, session, jobs):
    desk, expert = slow_desk, slow_desk.expert(session)
    budget = make_budget(session)
    first, second = (desk.deposit(session, budget, amount) for amount in (1_500, 4_000))
    make_earning(session, budget, expert.id, pay=3_000)
    ask(session, expert, 3_000)

    jobs()

    assert states(session) == [(1_500, "sent"), (1_500, "sent")]
    assert [(part.deposit_id, part.amount_minor, part.wanted_minor) for part in parts(session)] == [
        (first, 1_500, 3_000),
        (second, 1_500, 1_500),
    ]
    sent = {one.source_transaction: one.amount for one in desk.transfers()}
    assert sorted(sent.values()) == [1_500, 1_500]
    assert len({one.metadata["reference"] for one in desk.transfers()}) == 2
    assert equal_to_stripe(desk, session)


def test_other_projects_pay_for_nothing_that_was_not_earned_there(slow_desk, session, jobs):
    desk, expert = slow_desk, slow_desk.expert(session)
    ours, others = make_budget(session), make_budget(session)
    desk.deposit(session, ours, 2_000)
    rich = desk.deposit(session, others, 90_000)
    make_earning(session, ours, expert.id, pay=1_500)
    make_earning(session, others, expert.id, pay=700)
    ask(session, expert, 2_200)

    jobs()

    assert session.get(Charge, rich).drawn_minor == 700
    assert sorted(states(session)) == [(700, "sent"), (1_500, "sent")]


def test_without_any_source_it_waits_and_says_until_when(slow_desk, session, sign_in):
    desk, expert = slow_desk, slow_desk.expert(session)
    budget = make_budget(session)
    deposit_id = desk.deposit(session, budget, 2_000)
    make_earning(session, budget, expert.id, pay=1_000)
    session.get(Charge, deposit_id).is_disputed = True
    payout = ask(session, expert, 1_000)

    assert sending.send(payout.id, desk.rail) is PayoutState.WAITING_FUNDS

    page = sign_in(expert).get("/earnings").text
    assert "The owners’ payments have not cleared" in page
    assert "The next payment settles on" in page


def test_a_refused_charge_is_not_drawn_on_again_and_the_next_one_is_tried(slow_desk, session, jobs):
    desk, expert = slow_desk, slow_desk.expert(session)
    budget = make_budget(session)
    first, second = (desk.deposit(session, budget, 3_000) for _ in range(2))
    make_earning(session, budget, expert.id, pay=1_000)
    charge = session.get(Charge, first)
    # Somebody has given it back in Stripe's dashboard, and nobody has told us yet.
    desk.bench.v1.refunds.create({"charge": charge.stripe_charge_id})
    ask(session, expert, 1_000)

    jobs()

    assert [(part.deposit_id, part.state.value) for part in parts(session)] == [
        (first, "returned"),
        (second, "sent"),
    ]
    charge = session.get(Charge, first)
    assert (charge.drawn_minor, charge.refused_at is not None) == (0, True)
    assert states(session) == [(1_000, "sent")]
    assert len(desk.transfers()) == 1


@pytest.mark.parametrize("fault", ["lose_answer", "500_after", "lose_request", "500"])
def test_a_lost_answer_from_a_charge_is_looked_up_and_never_sent_twice(slow_desk, session, fault):
    desk, payout = slow_desk, slow_desk.payout(session)
    sending.send(payout.id, desk.rail)  # refused: nothing has settled
    desk.fault(fault)

    assert sending.send(payout.id, desk.rail) is PayoutState.UNKNOWN
    desk.pass_time(LATER)
    assert sending.look_up(payout.id, desk.rail) is PayoutState.SENT

    assert len(desk.transfers()) == 1
    assert desk.transfers()[0].source_transaction
    assert equal_to_stripe(desk, session)


def test_killed_between_claim_and_question_it_goes_on_under_the_same_name(slow_desk, session):
    desk, payout = slow_desk, slow_desk.payout(session)
    sending.send(payout.id, desk.rail)
    asked = sending.claim(session, payout.id, at=now())
    session.commit()
    assert asked.charge_id is not None

    desk.pass_time(LATER)
    assert sending.look_up(payout.id, desk.rail) is PayoutState.SENT

    [transfer] = desk.transfers()
    assert transfer.metadata["reference"] == asked.reference
    assert transfer.source_transaction == asked.charge_id


def test_killed_after_stripe_has_it_the_part_and_the_rest_are_recorded_once(
    slow_desk, session, jobs
):
    desk, expert = slow_desk, slow_desk.expert(session)
    budget = make_budget(session)
    for amount in (1_500, 4_000):
        desk.deposit(session, budget, amount)
    make_earning(session, budget, expert.id, pay=3_000)
    payout = ask(session, expert, 3_000)
    sending.send(payout.id, desk.rail)
    asked = sending.claim(session, payout.id, at=now())
    session.commit()
    found = desk.rail.send_from(
        asked.charge_id, asked.amount, to=asked.to, reference=asked.reference
    )

    desk.pass_time(LATER)
    sending.look_up(payout.id, desk.rail)
    answers.record_sent(session, payout.id, asked.attempt, found, at=now())  # a late second answer
    session.commit()
    jobs()

    assert states(session) == [(1_500, "sent"), (1_500, "sent")]
    assert len(desk.transfers()) == 2
    assert equal_to_stripe(desk, session)


def test_an_attempt_that_never_arrived_gives_its_claim_back(slow_desk, session, jobs):
    desk, payout = slow_desk, slow_desk.payout(session)
    sending.send(payout.id, desk.rail)
    desk.fault("lose_request")
    sending.send(payout.id, desk.rail)
    desk.pass_time(timedelta(hours=25))

    assert sending.look_up(payout.id, desk.rail) is PayoutState.READY

    [part] = parts(session)
    assert part.state is PartState.RETURNED
    assert session.get(Charge, part.deposit_id).drawn_minor == 0
    desk.pass_time(timedelta(days=2))
    jobs()
    assert states(session) == [(1_000, "sent")]
    assert len(desk.transfers()) == 1


def test_two_payouts_never_claim_more_than_a_charge_has(session):
    budget = make_budget(session)
    charge = make_charge(session, budget, amount=2_000, settled_at=None, pending_minor=1_900)
    payouts = []
    for pay in (1_000, 800):
        expert = make_expert(session)
        make_earning(session, budget, expert.id, pay=pay)
        payout = requests.on_demand(session, expert.id, eur(pay), key=new_key(), at=now())
        payout.reason = sources.TOO_LITTLE
        payouts.append(payout)
    charge.refunded_minor = 500
    session.flush()

    claims = [sending.claim(session, payout.id, at=now()) for payout in payouts]

    assert [claim.amount.minor for claim in claims] == [1_000, 500]
    assert {claim.charge_id for claim in claims} == {charge.stripe_charge_id}
    assert charge.drawn_minor + charge.refunded_minor == charge.amount_minor


def test_the_rest_keeps_its_place_when_the_part_is_refused_for_the_payee(slow_desk, session):
    desk, payout = slow_desk, slow_desk.payout(session)
    sending.send(payout.id, desk.rail)
    asked = sending.claim(session, payout.id, at=now())
    session.commit()
    from core.ports import PayeeNotReady

    state = answers.record_refused(
        session, payout.id, asked.attempt, PayeeNotReady("account_closed"), at=now()
    )

    assert state is PayoutState.BLOCKED
    assert session.get(Payout, payout.id).amount == eur(1_000)
    [part] = parts(session)
    charge = session.get(Charge, part.deposit_id)
    assert (part.state, charge.drawn_minor, charge.refused_at) == (PartState.RETURNED, 0, None)


def test_earnings_that_were_paid_before_are_not_drawn_for_again(slow_desk, session):
    old, new = make_budget(session, funded=5_000), make_budget(session, funded=5_000)
    expert = make_expert(session)
    make_earning(session, old, expert.id, pay=2_000)
    ledger.post(
        session,
        "test:paid",
        [ledger.Entry("a", ledger.owed(expert.id, "eur"), ledger.clearing("eur"), eur(2_000))],
        at=now(),
        narration="paid",
        cause="test:1",
    )
    make_earning(session, new, expert.id, pay=1_200)

    assert sources.unpaid_by_project(session, expert.id, "eur") == {new.project_id: eur(1_200)}


def test_what_a_payout_drew_cannot_be_rewritten(slow_desk, session):
    from sqlalchemy.exc import DBAPIError

    payout = slow_desk.payout(session)
    sending.send(payout.id, slow_desk.rail)
    sending.send(payout.id, slow_desk.rail)
    [part] = parts(session)

    part.amount_minor -= 1
    with pytest.raises(DBAPIError, match="stays"), session.begin_nested():
        session.flush()


def test_a_refusal_is_an_answer_that_counts_once(slow_desk, session):
    desk, payout = slow_desk, slow_desk.payout(session)
    sending.send(payout.id, desk.rail)
    asked = sending.claim(session, payout.id, at=now())
    session.commit()

    for _ in range(2):
        answers.record_refused(session, payout.id, asked.attempt, PayoutRefused("x"), at=now())

    [part] = parts(session)
    assert session.get(Charge, part.deposit_id).drawn_minor == 0
