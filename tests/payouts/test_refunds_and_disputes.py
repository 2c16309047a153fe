"""Where refunds meet disputes and the daily comparison: nothing leaves while a bank decides."""

import pytest
from sqlmodel import select

from core.clock import now
from payouts import budgets, charges, disputes, reconciliation, refundable, refunds, words
from payouts.charge_models import Charge
from payouts.models import ReconciliationState
from payouts.refund_models import RefundPart, RefundState
from tests.factories.payouts import eur, make_budget
from tests.factories.refunds import make_refund
from tests.payouts.test_refunds import ask, given_back, letters, part_of, where
from tests.payouts.test_sending import equal_to_stripe


@pytest.fixture
def case(desk, session):
    """A project with two payments; the bank behind the first can be made to ask it back."""
    desk.budget(session, 5_000)  # pays the rail's fees
    budget = make_budget(session)
    first, _second = (desk.deposit(session, budget, 5_000) for _ in range(2))
    charge = session.get(Charge, first).stripe_charge_id

    class Case:
        project_id = budget.project_id

        def dispute(self):
            self.id = desk.bench.control(f"/charges/{charge}/dispute")["id"]
            disputes.reread(self.id, desk.rail)
            session.expire_all()

        def close(self, outcome):
            desk.bench.control(f"/disputes/{self.id}/close", outcome=outcome)
            disputes.reread(self.id, desk.rail)
            session.expire_all()

        @property
        def disputed(self):
            session.expire_all()
            return session.get(Charge, first).is_disputed

    found = Case()
    found.budget = budget
    return found


def test_nothing_is_refunded_while_a_payment_is_disputed(desk, session, jobs, case):
    case.dispute()
    jobs()

    with pytest.raises(refunds.Contested), session.begin_nested():
        make_refund(session, case.budget, amount=100)

    assert refundable.of(session, case.project_id, at=now()).most == eur(0)
    assert case.disputed
    assert given_back(desk) == []


def test_what_was_asked_before_the_dispute_goes_back_into_the_budget(desk, session, jobs, case):
    made = ask(session, case.budget, 4_000)
    case.dispute()

    jobs()

    part = part_of(session, made)
    assert (part.state, part.trouble) == (RefundState.FAILED, refunds.FROZEN)
    assert where(session, case.budget) == (10_000, 10_000, 0)
    assert given_back(desk) == []
    assert len(letters(session, "refund_failed")) == 1
    assert "disputed" in words.refund_trouble(part)
    assert equal_to_stripe(desk, session)


def test_after_a_won_dispute_all_of_it_can_go_back(desk, session, jobs, case):
    case.dispute()
    case.close("won")
    jobs()

    assert not case.disputed
    made = ask(session, case.budget, 6_000)
    jobs()

    states = [part.state for part in refunds.parts(session, made.id)]
    assert states[0] is RefundState.SUCCEEDED  # the newer payment; of the other, Stripe decides
    assert equal_to_stripe(desk, session)


def test_after_a_lost_dispute_only_other_payments_give_back(desk, session, jobs, case):
    case.dispute()
    case.close("lost")
    jobs()

    found = refundable.of(session, case.project_id, at=now())

    assert (found.most, found.unspent) == (eur(5_000), eur(5_000))
    made = ask(session, case.budget, 5_000)
    jobs()
    assert part_of(session, made).state is RefundState.SUCCEEDED
    assert where(session, case.budget) == (0, 0, 0)
    assert equal_to_stripe(desk, session)


def what(desk):
    [row] = reconciliation.run(desk.rail)
    return row.state, [(one["what"], one["minor"], one["explained"]) for one in row.findings]


def test_a_refund_that_was_not_read_yet_is_explained_and_heals(desk, session, case):
    made = ask(session, case.budget, 4_000)
    desk.fault("lose_answer", path="/v1/refunds")
    refunds.send(part_of(session, made).id, desk.rail)

    assert what(desk) == (ReconciliationState.EXPLAINED, [("refund", -4_000, True)])

    part = part_of(session, made)
    part.try_at = None
    session.commit()
    assert refunds.look_up(part.id, desk.rail) is RefundState.SUCCEEDED
    assert equal_to_stripe(desk, session)


def test_a_refund_made_by_hand_in_the_dashboard_is_an_alarm(desk, session, jobs, case):
    charge = session.exec(select(Charge).where(Charge.project_id == case.project_id)).first()
    desk.bench.v1.refunds.create({"charge": charge.stripe_charge_id, "amount": 700})
    charges.reread(charge.deposit_id, desk.rail)
    session.expire_all()

    assert what(desk) == (ReconciliationState.ALARM, [("foreign", -700, False)])
    assert session.get(Charge, charge.deposit_id).room == eur(4_300)


def test_a_refund_that_only_our_books_have_is_an_alarm(desk, session, jobs, case):
    made = ask(session, case.budget, 4_000)
    jobs()
    assert equal_to_stripe(desk, session)
    part = session.exec(select(RefundPart).where(RefundPart.refund_id == made.id)).one()
    part.stripe_refund_id = "re_nowhere"
    session.commit()

    state, found = what(desk)

    assert state is ReconciliationState.ALARM
    assert ("refund_missing", 4_000, False) in found


def test_budgets_count_no_money_that_a_bank_gave_back(desk, session, jobs, case):
    ask(session, case.budget, 4_000)
    jobs()
    session.expire_all()
    assert budgets.summary(session, case.project_id).funded == eur(6_000)
