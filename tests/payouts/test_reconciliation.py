"""Our books against Stripe's: equal, explained, or an alarm; never repaired in silence."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core.clock import now
from payouts import attention, budgets, ledger, reconciliation, sending
from payouts import jobs as payout_jobs
from payouts.models import DepositState, Payout, PayoutState, Reconciliation, ReconciliationState
from tests.factories.payouts import eur, make_budget, make_deposit, make_earning


def compare(desk):
    [row] = reconciliation.run(desk.rail)
    return row


def what(row):
    return [(finding["what"], finding["minor"], finding["explained"]) for finding in row.findings]


def test_before_any_money_both_are_nothing(desk, session):
    assert payout_jobs.reconcile() == "eur equal"


def test_after_payments_and_payouts_both_are_equal(desk, session, jobs):
    desk.payout(session)
    jobs()

    row = compare(desk)

    assert row.state is ReconciliationState.EQUAL
    assert row.difference == eur(0)
    assert row.available + row.pending == row.ledger
    assert row.findings == []


def test_pending_funds_count_as_held(slow_desk, session):
    slow_desk.budget(session, 50_000)

    row = compare(slow_desk)

    assert (row.available, row.pending) == (eur(0), eur(49_225))
    assert row.state is ReconciliationState.EQUAL


def test_a_payout_whose_answer_is_lost_is_explained_and_heals(desk, session):
    payout = desk.payout(session)
    desk.fault("lose_answer")
    sending.send(payout.id, desk.rail)

    row = compare(desk)

    assert row.state is ReconciliationState.EXPLAINED
    assert what(row) == [("payout", -1000, True)]
    desk.pass_time(timedelta(minutes=5))
    sending.look_up(payout.id, desk.rail)
    assert compare(desk).state is ReconciliationState.EQUAL


def test_a_payment_that_was_not_read_yet_is_explained(desk, session):
    desk.budget(session)
    late = make_deposit(session, make_budget(session), state="open")
    late.stripe_checkout_id = late.stripe_checkout_url = None
    session.commit()
    from payouts import deposits

    deposits.begin(late.id, desk.rail, title="B", back_to="http://localhost/b")
    session.refresh(late)
    desk.bench.control(f"/checkout/{late.stripe_checkout_id}/pay")

    row = compare(desk)

    assert row.state is ReconciliationState.EXPLAINED
    assert what(row) == [("deposit", 49_225, True)]


def test_a_charge_that_we_did_not_make_is_an_alarm(desk, session):
    desk.budget(session)
    desk.bench.paid(10_000)

    row = compare(desk)

    assert row.state is ReconciliationState.ALARM
    [(kind, _minor, explained)] = what(row)
    assert (kind, explained) == ("foreign", False)
    assert [need.kind for need in attention.needed(session, at=now())] == ["reconciliation"]


def test_a_payout_that_only_our_books_have_is_an_alarm(desk, session, jobs):
    payout = desk.payout(session)
    jobs()
    session.expire_all()
    invented = session.get(Payout, payout.id)
    budget = desk.budget(session)
    make_earning(session, budget, payout.expert_id, pay=3000)
    ledger.post(
        session,
        "forged",
        [
            ledger.Entry(
                "a", ledger.owed(payout.expert_id, "eur"), ledger.clearing("eur"), eur(3000)
            )
        ],
        at=now(),
        narration="",
        cause="",
    )
    invented.stripe_transfer_id, invented.amount_minor = "tr_nowhere", 3000
    session.commit()

    row = compare(desk)

    assert row.state is ReconciliationState.ALARM
    assert ("payout_missing", 3000, False) in what(row)
    # The real transfer has lost its row, and is strange to us now.
    assert sum(minor for _, minor, _ in what(row)) == row.difference.minor


def test_an_unclear_payment_is_an_alarm(desk, session):
    deposit_id = desk.deposit(session, make_budget(session), 50_000)
    from payouts.models import Deposit

    other = desk.budget(session)
    deposit = session.get(Deposit, deposit_id)
    assert budgets.available(session, other.project_id)
    deposit.state, deposit.stripe_charge_id = DepositState.UNCLEAR, None
    session.commit()

    assert [need.kind for need in attention.needed(session, at=now())] == ["deposit"]


def test_only_what_came_since_the_last_equal_day_is_looked_through(desk, session):
    desk.budget(session)
    compare(desk)
    desk.pass_time(timedelta(days=30))
    asked = []
    entries = desk.rail.entries
    desk.rail.entries = lambda since: asked.append(since) or entries(since)
    desk.bench.paid(10_000)

    compare(desk)

    assert asked
    assert min(asked) > now() - timedelta(days=32)


def test_every_comparison_is_kept_and_the_newest_is_shown(desk, session):
    desk.budget(session)
    first, second = compare(desk), compare(desk)

    assert [row.id for row in reconciliation.latest(session)] == [second.id]
    assert first.id in [row.id for row in session.exec(select(Reconciliation))]


@pytest.mark.parametrize("kind", ["500", "429"])
def test_when_stripe_is_away_nothing_is_claimed(desk, session, kind):
    desk.fault(kind, path="/v1/balance", method="GET")

    assert "cannot be asked" in payout_jobs.reconcile()
    assert session.exec(select(Reconciliation)).all() == []


def test_a_failed_payout_needs_a_person_for_two_weeks(desk, session):
    payout = desk.payout(session)
    payout.state, payout.ended_at, payout.reason = PayoutState.FAILED, now(), "odd"
    session.commit()

    assert [need.subject for need in attention.needed(session, at=now())] == [f"payout:{payout.id}"]
    assert attention.needed(session, at=now() + timedelta(days=15)) == []
