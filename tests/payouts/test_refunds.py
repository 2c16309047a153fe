"""Unspent money goes back to who paid it in: once, never more, and nothing is lost on the way."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from core.clock import now
from core.models import AuditEvent, Letter
from payouts import budgets, charges, ledger, refundable, refunds
from payouts import jobs as money_jobs
from payouts.charge_models import Charge
from payouts.refund_models import RefundPart, RefundState
from tests.factories.accounts import make_user
from tests.factories.payouts import eur, make_budget, make_earning, make_expert, make_reservation
from tests.factories.refunds import make_charge, make_refund, make_refund_part
from tests.payouts.conftest import new_key
from tests.payouts.test_sending import equal_to_stripe

LATER = timedelta(minutes=5)


def ask(session, budget, amount, **how):
    by = how.pop("by", None) or make_user(session, "owner").id
    made = refunds.ask(
        session, budget.project_id, eur(amount), key=how.pop("key", new_key()), by=by, at=now()
    )
    session.commit()
    return made


def part_of(session, made):
    session.expire_all()
    [part] = refunds.parts(session, made.id)
    return part


def where(session, budget):
    session.expire_all()
    found = budgets.summary(session, budget.project_id)
    return (found.funded.minor, found.available.minor, found.reserved.minor)


def letters(session, name):
    return session.exec(select(Letter).where(Letter.template == f"payouts/{name}")).all()


def given_back(desk):
    return [(one.amount, one.status) for one in desk.bench.v1.refunds.list({"limit": 100}).data]


def test_a_refund_leaves_the_budget_at_once_and_goes_back_once(desk, session, jobs):
    budget = desk.budget(session, 10_000)

    made = ask(session, budget, 4_000)
    assert where(session, budget) == (10_000, 6_000, 4_000)
    jobs()
    assert refunds.send(part_of(session, made).id, desk.rail) is RefundState.SUCCEEDED

    assert given_back(desk) == [(4_000, "succeeded")]
    assert where(session, budget) == (6_000, 6_000, 0)
    assert ledger.balance(session, ledger.rail_fees("eur")) == eur(-175)  # ours, as before
    assert [len(letters(session, name)) for name in ("refund_asked", "refund_done")] == [1, 1]
    assert equal_to_stripe(desk, session)
    told = session.exec(select(AuditEvent).where(AuditEvent.subject == f"refund:{made.id}")).all()
    assert [event.action for event in told] == ["refund.asked", "refund.succeeded"]


def test_it_goes_to_the_newest_payment_first_each_under_its_own_name(desk, session, jobs):
    budget = make_budget(session)
    first, second = (desk.deposit(session, budget, amount) for amount in (5_000, 3_000))

    made = ask(session, budget, 4_000)
    jobs()

    session.expire_all()
    found = refunds.parts(session, made.id)
    assert [(part.deposit_id, part.amount_minor) for part in found] == [
        (second, 3_000),
        (first, 1_000),
    ]
    assert len({part.reference for part in found}) == 2
    assert refunds.state_of(found) == "succeeded"
    assert len(letters(session, "refund_done")) == 1
    assert equal_to_stripe(desk, session)


def test_the_same_form_twice_is_one_refund_and_another_amount_is_refused(desk, session, jobs):
    budget, key, me = desk.budget(session, 10_000), new_key(), make_user(session, "owner").id

    one, two = (ask(session, budget, 4_000, key=key, by=me) for _ in range(2))
    with pytest.raises(refunds.UsedForm):
        ask(session, budget, 5_000, key=key, by=me)
    jobs()

    assert one.id == two.id
    assert given_back(desk) == [(4_000, "succeeded")]


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_and_less_are_refused(session, amount):
    with pytest.raises(refunds.NothingAsked):
        ask(session, make_budget(session, funded=5_000), amount)


def test_reserved_and_spent_money_does_not_go_back(session):
    budget = make_budget(session, funded=10_000)
    make_reservation(session, budget, pay=2_000, fee=300)
    make_earning(session, budget, make_expert(session).id, pay=1_000, fee=150)

    can = refundable.of(session, budget.project_id, at=now())
    assert (can.most, can.reserved, can.spent) == (eur(6_550), eur(2_300), eur(1_150))
    with pytest.raises(refunds.MoreThanUnspent, match=r"65\.50"):
        ask(session, budget, 6_551)

    assert where(session, budget) == (10_000, 6_550, 2_300)
    assert session.exec(select(RefundPart)).all() == []


def test_a_disputed_payment_and_one_too_old_do_not_go_back(session):
    budget = make_budget(session)
    make_charge(session, budget, amount=1_000, is_disputed=True)
    old = now() - timedelta(days=181)
    make_charge(session, budget, amount=2_000, method="sepa_debit", paid_at=old)
    make_charge(session, budget, amount=4_000, paid_at=old)

    can = refundable.of(session, budget.project_id, at=now())

    assert (can.most, can.disputed, can.too_old) == (eur(4_000), eur(1_000), eur(2_000))
    with pytest.raises(refunds.MoreThanUnspent):
        ask(session, budget, 4_001)


def test_what_payouts_drew_before_it_settled_does_not_go_back_of_that_payment(session):
    budget = make_budget(session)
    make_charge(session, budget, amount=1_000, drawn_minor=700)

    assert refundable.of(session, budget.project_id, at=now()).most == eur(300)


def test_a_refund_of_a_payment_that_has_not_settled_comes_out_of_what_is_pending(
    slow_desk, session, jobs
):
    budget = slow_desk.budget(session, 10_000)
    ask(session, budget, 10_000)

    jobs()

    assert where(session, budget) == (0, 0, 0)
    assert ledger.balance(session, ledger.pending("eur")) == eur(175)  # the fee is lacking there
    assert equal_to_stripe(slow_desk, session)
    slow_desk.pass_time(timedelta(days=3))
    charge = session.exec(select(Charge)).one()
    charges.reread(charge.deposit_id, slow_desk.rail)
    session.expire_all()
    assert ledger.balance(session, ledger.pending("eur")) == eur(0)
    assert equal_to_stripe(slow_desk, session)


def test_a_refund_that_waits_for_funds_is_booked_when_it_has_left(desk, session, jobs):
    budget = desk.budget(session, 10_000)
    made = ask(session, budget, 10_000)  # Stripe's fee is lacking

    jobs()

    part = part_of(session, made)
    assert (part.state, part.trouble, part.booked_at) == (
        RefundState.PENDING,
        "insufficient_funds",
        None,
    )
    assert where(session, budget) == (10_000, 0, 10_000)
    assert equal_to_stripe(desk, session)
    desk.deposit(session, make_budget(session), 5_000)
    desk.bench.control("/clock/tick")
    refunds.reread(part.id, desk.rail)
    part = part_of(session, made)
    assert (part.state, part.booked_at is not None) == (RefundState.SUCCEEDED, True)
    assert equal_to_stripe(desk, session)


def test_a_refund_on_its_way_is_read_again_by_the_sweep(desk, session, jobs):
    budget = make_budget(session)
    desk.deposit(session, budget, 10_000, card="4000000000007726")
    made = ask(session, budget, 4_000)
    jobs()
    assert part_of(session, made).state is RefundState.PENDING
    assert equal_to_stripe(desk, session)

    desk.pass_time(timedelta(days=1, minutes=1))
    assert money_jobs.go_on_refunding() == 1
    jobs()

    assert part_of(session, made).state is RefundState.SUCCEEDED
    assert equal_to_stripe(desk, session)


def test_a_refund_that_comes_back_after_it_had_succeeded_is_in_the_budget_again(
    desk, session, jobs
):
    budget = make_budget(session)
    desk.deposit(session, budget, 10_000)
    made = ask(session, budget, 4_000)
    jobs()
    part = part_of(session, made)
    desk.bench.control(f"/refunds/{part.stripe_refund_id}/fail")

    for _ in range(2):
        assert refunds.reread(part.id, desk.rail) is RefundState.FAILED

    assert where(session, budget) == (10_000, 10_000, 0)
    assert equal_to_stripe(desk, session)
    assert len(letters(session, "refund_failed")) == 1
    assert refunds.state_of(refunds.parts(session, made.id)) == "failed"
    again = ask(session, budget, 10_000)  # there is room again
    assert again.amount == eur(10_000)


def test_a_refused_refund_is_in_the_budget_again_and_says_why(desk, session, jobs, sign_in):
    budget = make_budget(session)
    deposit_id = desk.deposit(session, budget, 10_000)
    made = ask(session, budget, 4_000)
    charge_id = session.get(Charge, deposit_id).stripe_charge_id
    desk.bench.control(f"/charges/{charge_id}/dispute")

    jobs()

    part = part_of(session, made)
    assert (part.state, part.trouble) == (RefundState.FAILED, "charge_disputed")
    assert where(session, budget) == (10_000, 10_000, 0)
    assert session.get(Charge, deposit_id).is_disputed
    assert refundable.of(session, budget.project_id, at=now()).most == eur(0)


@pytest.mark.parametrize("fault", ["lose_answer", "500_after", "lose_request", "500"])
def test_a_lost_answer_is_looked_up_and_nothing_goes_back_twice(desk, session, fault):
    budget = desk.budget(session, 10_000)
    part = part_of(session, ask(session, budget, 4_000))
    desk.fault(fault, "/v1/refunds")

    assert refunds.send(part.id, desk.rail) is RefundState.UNKNOWN
    assert refunds.look_up(part.id, desk.rail) is RefundState.UNKNOWN  # not yet
    desk.pass_time(LATER)
    assert refunds.look_up(part.id, desk.rail) is RefundState.SUCCEEDED

    assert given_back(desk) == [(4_000, "succeeded")]
    assert equal_to_stripe(desk, session)


def test_killed_after_each_step_it_goes_on_and_gives_back_once(desk, session, jobs):
    budget = desk.budget(session, 10_000)
    # asked, and the job is lost
    made = ask(session, budget, 1_000)
    from sqlalchemy import text

    session.execute(text("delete from procrastinate_jobs"))
    session.commit()
    # claimed, and not asked
    second = part_of(session, ask(session, budget, 2_000))
    refunds.claim(session, second.id, at=now())
    # asked, and not recorded
    third = part_of(session, ask(session, budget, 3_000))
    asked = refunds.claim(session, third.id, at=now())
    session.commit()
    desk.rail.give_back(asked.charge_id, asked.amount, reference=asked.reference)

    desk.pass_time(LATER)
    for _ in range(2):
        money_jobs.go_on_refunding()
        jobs()

    assert sorted(given_back(desk)) == [
        (1_000, "succeeded"),
        (2_000, "succeeded"),
        (3_000, "succeeded"),
    ]
    assert part_of(session, made).attempt == 1
    assert where(session, budget) == (4_000, 4_000, 0)
    assert equal_to_stripe(desk, session)


def test_stripe_away_for_a_day_loses_nothing(desk, session, jobs):
    budget = desk.budget(session, 10_000)
    made = ask(session, budget, 4_000)
    desk.fault("lose_request", "/v1/refunds", times=50)
    desk.fault("lose_request", "/v1/refunds", times=50, method="GET")
    jobs()
    for _ in range(3):
        desk.pass_time(timedelta(hours=9))
        money_jobs.go_on_refunding()
        jobs()
    assert part_of(session, made).state is RefundState.UNKNOWN
    assert where(session, budget) == (10_000, 6_000, 4_000)

    desk.bench.control("/faults/clear")
    for _ in range(2):
        desk.pass_time(timedelta(hours=9))
        money_jobs.go_on_refunding()
        jobs()

    part = part_of(session, made)
    assert (part.state, part.attempt) == (RefundState.SUCCEEDED, 2)
    assert given_back(desk) == [(4_000, "succeeded")]


def test_an_answer_about_another_amount_needs_a_person_and_books_nothing(session):
    from core.ports import RailRefund

    part = make_refund_part(session, make_budget(session, funded=5_000))
    told = RailRefund("re_1", "succeeded", eur(-100), has_moved=True)

    refunds.record(session, part.id, told, at=now())

    assert (part.state, part.booked_at) == (RefundState.NEEDS_PERSON, None)


def test_a_reading_that_comes_late_turns_nothing_back(session):
    from core.ports import RailRefund

    part = make_refund_part(session, make_budget(session, funded=5_000))
    for state in ("succeeded", "pending", "failed", "succeeded"):
        told = RailRefund("re_1", state, eur(100), has_moved=True)
        refunds.record(session, part.id, told, at=now())

    assert part.state is RefundState.FAILED
    assert ledger.problems(session) == []


def test_what_was_asked_back_cannot_be_rewritten(session):
    made = make_refund(session, make_budget(session))

    made.amount_minor += 1
    with pytest.raises(DBAPIError, match="stays"), session.begin_nested():
        session.flush()


def test_many_owners_and_experts_at_once_take_the_last_money_once(live):
    with live.app.app_context(), Session(live.engine) as session:
        budget = make_budget(session, funded=10_000)
        project_id, me = budget.project_id, make_user(session, "owner").id
        session.commit()
    outcomes = []

    def give_back():
        with live.app.app_context(), Session(live.engine) as session:
            try:
                made = refunds.ask(session, project_id, eur(3_000), key=new_key(), by=me, at=now())
                session.commit()
                outcomes.append(made.amount.minor)
            except refunds.MoreThanUnspent:
                session.rollback()

    def work(number):
        with live.app.app_context(), Session(live.engine) as session:
            try:
                budgets.reserve(session, project_id, 900_000 + number, eur(900), eur(100), now())
                session.commit()
                outcomes.append(1_000)
            except budgets.OutOfBudget:
                session.rollback()

    threads = [threading.Thread(target=give_back) for _ in range(6)]
    threads += [threading.Thread(target=work, args=[number]) for number in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    with live.app.app_context(), Session(live.engine) as session:
        found = budgets.summary(session, project_id)
        charge = session.exec(select(Charge).where(Charge.project_id == project_id)).one()
        assert found.available.minor == 10_000 - sum(outcomes)
        assert found.available.minor < 1_000 + 2_000
        assert charge.refunded_minor == sum(amount for amount in outcomes if amount == 3_000)
        assert ledger.problems(session) == []
