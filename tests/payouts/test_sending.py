"""Payouts leave once, whatever the network, Stripe or a crash does. Real SDK, real sandbox."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core.clock import now
from core.models import Letter
from core.money import Money
from payouts import (
    answers,
    earnings,
    ledger,
    ledger_audit,
    payees,
    policy,
    reconciliation,
    requests,
    runs,
    sending,
)
from payouts import jobs as payout_jobs
from payouts.models import PayeeState, Payout, PayoutState, ReconciliationState, Rhythm
from tests.factories.payouts import (
    eur,
    make_budget,
    make_earning,
    make_expert,
    make_payout,
    make_rail_outage,
)
from tests.payouts.conftest import draw_on_nothing, new_key

ANSWERED = timedelta(minutes=4)


def equal_to_stripe(desk, session):
    """Whether our books and the sandbox's are equal to the cent, and ours sound."""
    session.expire_all()
    assert ledger_audit.problems(session) == []
    rows = reconciliation.run(desk.rail)
    return [row.state for row in rows] == [ReconciliationState.EQUAL]


def state(session, payout):
    session.expire_all()
    return session.get(Payout, payout.id).state


def test_a_payout_leaves_once_and_the_books_are_equal(desk, session):
    payout = desk.payout(session)

    assert sending.send(payout.id, desk.rail) is PayoutState.SENT
    assert sending.send(payout.id, desk.rail) is PayoutState.SENT

    session.expire_all()
    [transfer] = desk.transfers()
    assert (transfer.amount, transfer.currency) == (1000, "eur")
    assert transfer.metadata["reference"] == payout.reference
    assert earnings.owed(session, payout.expert_id) == []
    assert equal_to_stripe(desk, session)


def test_the_job_of_a_request_sends_it_and_writes_a_letter(desk, session, jobs):
    payout = desk.payout(session)

    assert "payouts.send" in jobs()

    assert state(session, payout) is PayoutState.SENT
    letters = session.exec(select(Letter).where(Letter.template == "payouts/payout_sent")).all()
    assert len(letters) == 1
    assert "€10.00 is on its way to you" in letters[0].subject


def test_a_lost_answer_is_looked_up_and_never_paid_twice(desk, session):
    payout = desk.payout(session)
    desk.fault("lose_answer")

    assert sending.send(payout.id, desk.rail) is PayoutState.UNKNOWN
    assert ledger.balance(session, ledger.in_flight(payout.expert_id, "eur")) == eur(1000)

    assert sending.look_up(payout.id, desk.rail) is PayoutState.UNKNOWN  # not its time yet
    desk.pass_time(ANSWERED)
    assert sending.look_up(payout.id, desk.rail) is PayoutState.SENT
    assert len(desk.transfers()) == 1
    assert equal_to_stripe(desk, session)


def test_a_lost_request_is_asked_again_under_the_same_name(desk, session):
    payout = desk.payout(session)
    desk.fault("lose_request")

    assert sending.send(payout.id, desk.rail) is PayoutState.UNKNOWN
    desk.pass_time(ANSWERED)
    assert sending.look_up(payout.id, desk.rail) is PayoutState.SENT

    [transfer] = desk.transfers()
    assert transfer.metadata["reference"].startswith(f"payout-{payout.id}-1-")


def test_after_a_day_without_a_trace_a_new_attempt_begins(desk, session, jobs):
    payout = desk.payout(session)
    desk.fault("lose_request")
    sending.send(payout.id, desk.rail)
    desk.pass_time(timedelta(hours=25))

    assert sending.look_up(payout.id, desk.rail) is PayoutState.READY
    assert ledger.balance(session, ledger.owed(payout.expert_id, "eur")) == eur(1000)
    jobs()

    [transfer] = desk.transfers()
    assert transfer.metadata["reference"].startswith(f"payout-{payout.id}-2-")
    assert equal_to_stripe(desk, session)


def test_after_a_day_with_a_trace_nothing_is_sent_again(desk, session):
    payout = desk.payout(session)
    desk.fault("lose_answer")
    sending.send(payout.id, desk.rail)
    desk.pass_time(timedelta(hours=25))

    assert sending.look_up(payout.id, desk.rail) is PayoutState.SENT

    assert len(desk.transfers()) == 1
    assert equal_to_stripe(desk, session)


@pytest.mark.parametrize("fault", ["500", "500_after", "429"])
def test_trouble_at_stripe_is_survived(desk, session, fault):
    payout = desk.payout(session)
    desk.fault(fault)

    assert sending.send(payout.id, desk.rail) is PayoutState.UNKNOWN
    desk.pass_time(timedelta(hours=25))  # a 500 is remembered under its key for a day
    while state(session, payout) is PayoutState.UNKNOWN:
        sending.look_up(payout.id, desk.rail)
        desk.pass_time(timedelta(hours=1))
    if state(session, payout) is PayoutState.READY:
        sending.send(payout.id, desk.rail)

    assert len(desk.transfers()) == 1
    assert equal_to_stripe(desk, session)


def test_while_stripe_is_away_looks_become_rarer_and_nothing_moves(desk, session):
    payout = desk.payout(session)
    desk.fault("lose_answer")
    sending.send(payout.id, desk.rail)
    desk.fault("500", method="", path="/v1", times=1000)
    make_rail_outage(session)
    waits = []
    for minutes in (5, 10, 20, 40, 60):
        desk.pass_time(timedelta(minutes=minutes))
        before = now()
        assert sending.look_up(payout.id, desk.rail) is PayoutState.UNKNOWN
        session.expire_all()
        waits.append(session.get(Payout, payout.id).try_at - before)
    desk.bench.control("/faults/clear")

    rounded = [int(wait / timedelta(minutes=1)) for wait in waits]
    assert rounded == sorted(rounded)
    assert (rounded[0], rounded[-1]) == (2, 30)
    assert session.get(Payout, payout.id).looks == 0  # nobody could look
    desk.pass_time(timedelta(minutes=31))
    assert sending.look_up(payout.id, desk.rail) is PayoutState.SENT
    assert len(desk.transfers()) == 1


class Crash(BaseException):
    """The process is gone."""


class CrashingRail:
    """A rail whose caller dies just before or just after it is asked."""

    def __init__(self, rail, when):
        self.rail, self.when = rail, when

    def send(self, *args, **kwargs):
        if self.when == "before":
            raise Crash
        self.rail.send(*args, **kwargs)
        raise Crash

    def payee_balance(self, *args):
        return self.rail.payee_balance(*args)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_around_the_question_is_finished_by_the_sweep(desk, session, jobs, when):
    payout = desk.payout(session)
    with pytest.raises(Crash):
        sending.send(payout.id, CrashingRail(desk.rail, when))
    assert state(session, payout) is PayoutState.SENDING

    payout_jobs.look_up_lost_payouts()
    jobs()
    assert state(session, payout) is PayoutState.SENDING  # it may still be under way
    desk.pass_time(ANSWERED)
    payout_jobs.look_up_lost_payouts()
    jobs()

    assert state(session, payout) is PayoutState.SENT
    assert len(desk.transfers()) == 1
    assert equal_to_stripe(desk, session)


def test_a_lost_job_is_made_up_for_by_the_sweep(desk, session, jobs):
    payout = desk.payout(session)
    from sqlalchemy import text

    session.execute(text("delete from procrastinate_jobs"))
    session.commit()

    assert payout_jobs.send_due_payouts() == 1
    jobs()

    assert state(session, payout) is PayoutState.SENT


def test_without_available_funds_it_waits_and_leaves_when_they_clear(slow_desk, session, jobs):
    desk = slow_desk
    payout = desk.payout(session)
    draw_on_nothing(session)

    assert sending.send(payout.id, desk.rail) is PayoutState.WAITING_FUNDS
    assert ledger.balance(session, ledger.owed(payout.expert_id, "eur")) == eur(1000)
    desk.pass_time(timedelta(days=2, minutes=1))
    payout_jobs.send_due_payouts()
    jobs()

    assert state(session, payout) is PayoutState.SENT
    assert len(desk.transfers()) == 1
    assert equal_to_stripe(desk, session)


def test_funds_that_arrive_wake_what_waits(slow_desk, session, jobs):
    payout = slow_desk.payout(session)
    draw_on_nothing(session)
    sending.send(payout.id, slow_desk.rail)
    slow_desk.bench.control("/clock/advance", days=3)

    assert sending.funds_arrived(session) == 1
    session.commit()
    jobs()

    assert state(session, payout) is PayoutState.SENT


def test_an_expert_without_details_is_told_once_and_paid_on_the_day_they_complete_them(
    desk, session, jobs
):
    expert = desk.expert(session, onboarded=False)
    budget = desk.budget(session)
    make_earning(session, budget, expert.id, pay=2000)
    desk.ahead = until_friday()
    assert payout_jobs.make_weekly_payouts() == 1
    jobs()
    [payout] = session.exec(select(Payout)).all()
    assert state(session, payout) is PayoutState.BLOCKED

    payout_jobs.send_due_payouts()
    jobs()
    template = "payouts/details_needed"
    assert len(session.exec(select(Letter).where(Letter.template == template)).all()) == 1

    account_id = payees.known(session, expert.id).stripe_account_id
    desk.bench.control(f"/accounts/{account_id}/onboard")
    payout_jobs.reread_payee(expert.id)
    jobs()

    assert state(session, payout) is PayoutState.SENT
    assert equal_to_stripe(desk, session)


def test_an_account_that_was_restricted_in_between_blocks_the_payout(desk, session):
    payout = desk.payout(session)
    account_id = payees.known(session, payout.expert_id).stripe_account_id
    desk.bench.control(f"/accounts/{account_id}/restrict")

    assert sending.send(payout.id, desk.rail) is PayoutState.BLOCKED

    assert ledger.balance(session, ledger.owed(payout.expert_id, "eur")) == eur(1000)
    session.expire_all()
    assert session.get(Payout, payout.id).reason == "insufficient_capabilities_for_transfer"


def test_an_account_that_has_left_is_noticed(desk, session):
    expert = desk.expert(session)
    account_id = payees.known(session, expert.id).stripe_account_id

    payees.close(session, account_id, at=now())

    assert payees.known(session, expert.id).state is PayeeState.CLOSED


def test_a_late_answer_of_an_earlier_attempt_changes_nothing(session):
    expert = make_expert(session)
    payout = make_payout(session, expert.id, state=PayoutState.SENDING, attempt=2)

    found = answers.record_sent(session, payout.id, 1, "tr_late", at=now())

    assert found is PayoutState.SENDING
    assert payout.stripe_transfer_id is None


def test_a_payout_whose_money_is_gone_fails_without_asking_stripe(desk, session):
    expert = make_expert(session)
    payout = make_payout(session, expert.id)

    assert sending.send(payout.id, desk.rail) is PayoutState.FAILED
    session.expire_all()
    assert payout.reason == "owed_less"
    assert desk.transfers() == []


def test_a_definite_refusal_gives_the_money_back(desk, session):
    payout = desk.payout(session)
    payee = payees.known(session, payout.expert_id)
    payee.stripe_account_id = "acct_of_nobody"
    session.commit()

    assert sending.send(payout.id, desk.rail) in (PayoutState.FAILED, PayoutState.BLOCKED)
    assert ledger.balance(session, ledger.owed(payout.expert_id, "eur")) == eur(1000)


# Requests


def test_the_same_form_makes_one_payout(session):
    expert, key = make_expert(session), new_key()
    make_earning(session, make_budget(session, funded=5000), expert.id, pay=1000)

    first = requests.on_demand(session, expert.id, eur(1000), key=key, at=now())
    second = requests.on_demand(session, expert.id, eur(1000), key=key, at=now())

    assert first.id == second.id


def test_two_tabs_make_one_payout_at_a_time(session):
    expert = make_expert(session)
    make_earning(session, make_budget(session, funded=5000), expert.id, pay=2000)

    first = requests.on_demand(session, expert.id, eur(1000), key=new_key(), at=now())
    second = requests.on_demand(session, expert.id, eur(1000), key=new_key(), at=now())

    assert first.id == second.id


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (1001, requests.MoreThanOwed),
        (499, requests.TooLittle),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(session, asked, error):
    expert = make_expert(session)
    make_earning(session, make_budget(session, funded=5000), expert.id, pay=1000)

    with pytest.raises(error) as refusal:
        requests.on_demand(session, expert.id, eur(asked), key=new_key(), at=now())

    assert "€" in refusal.value.words


def test_without_an_account_a_request_is_refused(session):
    expert = make_expert(session, payee=None)
    make_earning(session, make_budget(session, funded=5000), expert.id, pay=1000)

    with pytest.raises(requests.DetailsNeeded):
        requests.on_demand(session, expert.id, eur(1000), key=new_key(), at=now())


def test_another_persons_key_makes_no_payout_of_theirs(session):
    expert, other, key = make_expert(session), make_expert(session), new_key()
    budget = make_budget(session, funded=9000)
    for one in (expert, other):
        make_earning(session, budget, one.id, pay=1000)
    requests.on_demand(session, other.id, eur(1000), key=key, at=now())

    with pytest.raises(requests.UsedForm):
        requests.on_demand(session, expert.id, eur(1000), key=key, at=now())


def until_friday() -> timedelta:
    """How far ahead the next payday is, with an hour to spare."""
    return policy.next_payday(now()) - now() + timedelta(hours=1)


def test_weekly_payouts_are_made_once_a_week(desk, session, jobs):
    expert = desk.expert(session)
    budget = desk.budget(session)
    make_earning(session, budget, expert.id, pay=2000)
    session.commit()
    desk.ahead = until_friday()

    assert payout_jobs.make_weekly_payouts() == 1
    assert payout_jobs.make_weekly_payouts() == 0
    jobs()
    make_earning(session, budget, expert.id, pay=3000)
    session.commit()
    assert payout_jobs.make_weekly_payouts() == 0  # next week's

    desk.ahead += timedelta(days=7)
    assert payout_jobs.make_weekly_payouts() == 1
    jobs()
    amounts = [payout.amount_minor for payout in session.exec(select(Payout)).all()]
    assert sorted(amounts) == [2000, 3000]
    assert equal_to_stripe(desk, session)


def test_each_is_paid_on_the_weekday_of_their_choice_and_once_a_week(session):
    monday = policy.next_payday(now(), 0) + timedelta(hours=1)
    thursday, friday = monday + timedelta(days=3), monday + timedelta(days=4)
    early, usual = make_expert(session), make_expert(session)
    budget = make_budget(session, funded=90_000)
    payees.choose_rhythm(session, early.id, Rhythm.WEEKLY, at=now(), payday=0)
    for one in (early, usual):
        make_earning(session, budget, one.id, pay=2000)
    session.commit()

    [plan] = runs.plans(session, monday, by_clock=True)
    assert {verdict: one.count for verdict, one in plan.sums.items()} == {
        "paid": 1,
        "other_day": 1,
    }
    assert requests.weekly(session, usual.id, "eur", at=monday) is None
    first = requests.weekly(session, early.id, "eur", at=monday)
    assert first.week == policy.week_of(monday)
    first.state, first.ended_at = PayoutState.FAILED, monday
    session.commit()

    # A change of day does not make two payouts in one week, and the page says so.
    payee = payees.choose_rhythm(session, early.id, Rhythm.WEEKLY, at=monday, payday=3)
    assert payees.next_payday(session, payee, at=monday) == policy.next_payday(thursday, 3)
    [plan] = runs.plans(session, thursday, by_clock=True)
    assert {verdict: one.count for verdict, one in plan.sums.items()} == {
        "this_week": 1,
        "other_day": 1,
    }
    [plan] = runs.plans(session, friday, by_clock=True)
    assert plan.made.count == 1


def test_nothing_is_made_before_payday_nor_for_those_who_ask_themselves(desk, session):
    weekly, on_demand = make_expert(session), make_expert(session)
    budget = make_budget(session, funded=90_000)
    payees.choose_rhythm(session, on_demand.id, Rhythm.ON_DEMAND, at=now())
    for one in (weekly, on_demand):
        make_earning(session, budget, one.id, pay=2000)
    session.commit()
    friday = now() + until_friday()

    assert runs.begin_by_clock(friday - timedelta(hours=2, days=3)) is None
    [plan] = runs.plans(session, friday)
    assert {verdict: one.count for verdict, one in plan.sums.items()} == {
        "paid": 1,
        "on_demand": 1,
    }
    assert requests.weekly(session, on_demand.id, "eur", at=friday) is None


def test_less_than_the_least_is_kept_for_another_week(session):
    expert = make_expert(session)
    make_earning(session, make_budget(session, funded=5000), expert.id, pay=499)

    [plan] = runs.plans(session, now() + until_friday())
    assert plan.made.count == 0
    assert plan.sums[runs.Verdict.TOO_LITTLE].count == 1


def test_amounts_in_two_currencies_are_two_payouts(session):
    expert = make_expert(session)
    make_earning(session, make_budget(session, funded=5000), expert.id, pay=1000)
    make_earning(session, make_budget(session, funded=5000, currency="usd"), expert.id, pay=1000)

    first = requests.on_demand(session, expert.id, eur(1000), key=new_key(), at=now())
    second = requests.on_demand(session, expert.id, Money(1000, "usd"), key=new_key(), at=now())

    assert first.id != second.id


def test_ten_workers_send_one_payout_once(live, tmp_path):
    import threading

    from tests.payouts.conftest import a_desk

    with a_desk(live.app, tmp_path, instant_settlement=True) as desk:
        with live.transaction() as session:
            payout = desk.payout(session)
        ends = []

        def work(number):
            with live.app.app_context():
                act = sending.look_up if number % 2 else sending.send
                ends.append(act(payout.id, desk.rail))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert PayoutState.SENT in ends
        assert len(desk.transfers()) == 1
        with live.transaction() as session:
            assert equal_to_stripe(desk, session)
