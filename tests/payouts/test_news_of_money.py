"""What Stripe tells of settling, debits and refunds is only where to look, in any order."""

import random
from datetime import timedelta

import pytest
from sqlmodel import select

from payouts import budgets, ledger, refunds
from payouts.charge_models import Charge
from payouts.models import Deposit, DepositState, RailEvent, RailEventState
from payouts.refund_models import RefundState
from tests.factories.payouts import eur, make_budget
from tests.payouts.test_news import event, post
from tests.payouts.test_refunds import ask, part_of
from tests.payouts.test_sending import equal_to_stripe

PAYS, FAILS = "DE89370400440532013000", "DE62370400440532013001"


def told(desk, client, *starts, twice=False):
    """Bring all that the sandbox would tell of these kinds, in a random order."""
    found = [one.to_dict() for one in desk.bench.v1.events.list({"limit": 100}).data]
    wanted = [one for one in found if one["type"].startswith(starts)]
    random.Random(4).shuffle(wanted)
    for one in wanted * (2 if twice else 1):
        assert post(client, one).status_code == 200
    return [one["type"] for one in wanted]


def test_a_debit_is_booked_by_its_news_and_settles_by_the_news_of_the_balance(
    slow_desk, client, session, jobs
):
    desk, budget = slow_desk, make_budget(session)
    deposit_id = desk.deposit(session, budget, 10_000, iban=PAYS)
    desk.pass_time(timedelta(days=5, minutes=1))

    kinds = told(desk, client, "checkout.session.async", "charge.", twice=True)
    jobs()

    assert "checkout.session.async_payment_succeeded" in kinds
    session.expire_all()
    assert session.get(Deposit, deposit_id).state is DepositState.PAID
    assert session.get(Charge, deposit_id).settled_at is None
    desk.pass_time(timedelta(days=2, minutes=1))
    assert "balance.available" in told(desk, client, "balance.")
    jobs()
    session.expire_all()
    assert session.get(Charge, deposit_id).settled_at is not None
    assert equal_to_stripe(desk, session)


def test_a_debit_that_failed_is_known_by_its_news(slow_desk, client, session, jobs):
    deposit_id = slow_desk.deposit(session, make_budget(session), 10_000, iban=FAILS)
    slow_desk.pass_time(timedelta(days=5, minutes=1))

    told(slow_desk, client, "checkout.session.async")
    jobs()

    session.expire_all()
    assert session.get(Deposit, deposit_id).state is DepositState.FAILED


def test_a_refund_that_comes_back_is_known_by_its_news(desk, client, session, jobs):
    budget = make_budget(session)
    desk.deposit(session, budget, 10_000)
    part = part_of(session, ask(session, budget, 4_000))
    refunds.send(part.id, desk.rail)
    session.expire_all()
    desk.bench.control(f"/refunds/{part.stripe_refund_id}/fail")

    kinds = told(desk, client, "refund.", "charge.refund", twice=True)
    jobs()

    assert {"refund.created", "refund.failed", "charge.refund.updated"} <= set(kinds)
    session.expire_all()
    assert refunds.of(session, part.id).state is RefundState.FAILED
    assert budgets.available(session, budget.project_id) == eur(10_000)
    assert equal_to_stripe(desk, session)


def test_a_refund_whose_answer_was_lost_is_found_by_its_news(desk, client, session, jobs):
    budget = make_budget(session)
    desk.deposit(session, budget, 10_000)
    part = part_of(session, ask(session, budget, 4_000))
    desk.fault("lose_answer", "/v1/refunds")
    refunds.send(part.id, desk.rail)
    desk.ahead += timedelta(minutes=5)

    told(desk, client, "refund.")
    jobs(ahead=timedelta(minutes=6))

    session.expire_all()
    assert refunds.of(session, part.id).state is RefundState.SUCCEEDED


def test_a_refund_made_by_hand_lessens_what_can_go_back_and_moves_nothing_here(
    desk, client, session, jobs
):
    budget = make_budget(session)
    deposit_id = desk.deposit(session, budget, 10_000)
    charge = session.get(Charge, deposit_id)
    desk.bench.v1.refunds.create({"charge": charge.stripe_charge_id, "amount": 2_500})

    told(desk, client, "refund.", "charge.refunded")
    jobs()

    session.expire_all()
    charge = session.get(Charge, deposit_id)
    assert (charge.refunded_elsewhere_minor, charge.room) == (2_500, eur(7_500))
    assert ledger.balance(session, ledger.budget(budget.project_id, "eur")) == eur(10_000)
    outcomes = {row.kind: row.outcome for row in session.exec(select(RailEvent))}
    assert outcomes["refund.created"] == "not ours"


@pytest.mark.parametrize(
    ("kind", "about", "outcome"),
    [
        ("refund.failed", {"id": "re_1"}, "not ours"),
        ("refund.updated", {"id": "re_1", "metadata": {"reference": "refund-9-1-abc"}}, "not ours"),
        ("charge.refunded", {"id": "ch_other"}, "not ours"),
        ("charge.updated", {"id": ""}, "not ours"),
        ("charge.updated", {"id": "x" * 5_000, "amount": -(10**20)}, "not ours"),
        (
            "checkout.session.async_payment_failed",
            {"id": "cs_9", "metadata": {"reference": "deposit-9999-abc"}},
            "not ours",
        ),
    ],
)
def test_foreign_news_is_kept_and_moves_nothing(desk, client, session, jobs, kind, about, outcome):
    assert post(client, event(kind, about)).status_code == 200
    jobs()

    row = session.exec(select(RailEvent)).one()
    assert (row.state, row.outcome) == (RailEventState.HANDLED, outcome)


def test_news_of_one_reference_of_a_refund_names_no_other_instance(desk, client, session, jobs):
    budget = make_budget(session)
    desk.deposit(session, budget, 10_000)
    part = part_of(session, ask(session, budget, 4_000))
    about = {"id": "re_1", "metadata": {"reference": f"refund-{part.id}-1-000000000000"}}

    post(client, event("refund.failed", about))
    jobs()

    row = session.exec(select(RailEvent)).one()
    assert row.outcome == "not ours"
    assert budgets.available(session, budget.project_id) == eur(6_000)
