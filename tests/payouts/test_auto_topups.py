"""A saved card is charged as agreed: once for each name, never beyond the month, never after no."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError
from sqlmodel import col, select

from accounts import organisations
from accounts.models import Membership
from core.clock import now
from core.models import AuditEvent, Letter
from core.money import Money
from core.ports import PayoutRefused
from payouts import auto_topups, budgets, deposits, ledger, news, references, stuck
from payouts import jobs as payout_jobs
from payouts.models import Deposit, DepositOrigin, DepositState, ProjectBudget
from payouts.topup_models import AutoTopUp, TopUpEnd, TopUpState
from tests.factories.accounts import make_member, make_owner, make_user
from tests.factories.payouts import (
    eur,
    make_budget,
    make_deposit,
    make_earning,
    make_expert,
    make_reservation,
)
from tests.factories.topups import make_topup
from tests.payouts.conftest import a_desk, new_key

GOOD, DECLINES, NO_FUNDS, ASKS = (
    "4242424242424242",
    "4000000000000341",
    "4000008260003178",
    "4000002760003184",
)
BACK = "http://localhost/back"


class Owned:
    """An owner's budget with an agreement whose card was really saved at the sandbox."""

    def __init__(self, desk, session, *, card=GOOD, funded=0, **terms):
        self.desk, self.session = desk, session
        self.owner, self.organisation = make_owner(session)
        self.budget = make_budget(session, organisation_id=self.organisation.id, funded=funded)
        self.id = self.agree(**terms).id
        self.save(card)

    def agree(self, below=10_000, amount=20_000, month=60_000, days=None):
        found = auto_topups.agree(
            self.session,
            self.budget,
            auto_topups.Terms(eur(below), eur(amount), eur(month), days),
            key=new_key(),
            by=self.owner,
            at=now(),
        )
        self.session.commit()
        auto_topups.begin(found.id, self.desk.rail, name="A", email="a@example.org", back_to=BACK)
        return found

    def save(self, card):
        self.session.refresh(self.row)
        self.desk.bench.control(f"/checkout/{self.row.stripe_setup_id}/pay", card=card)
        auto_topups.reread(self.id, self.desk.rail)
        self.session.expire_all()

    @property
    def row(self):
        return self.session.get(AutoTopUp, self.id)

    def charges(self):
        self.session.expire_all()
        question = select(Deposit).where(Deposit.origin == DepositOrigin.TOP_UP)
        return list(self.session.exec(question.order_by(Deposit.id)))

    def paid(self):
        """What the sandbox has really taken."""
        found = self.desk.bench.v1.payment_intents.list({"limit": 100}).auto_paging_iter()
        return [one.amount for one in found if one.status == "succeeded"]

    def available(self):
        return budgets.available(self.session, self.budget.project_id)


def letters(session, name):
    return session.exec(select(Letter).where(Letter.template == f"payouts/{name}")).all()


def test_a_card_is_saved_and_charged_when_the_budget_runs_low(desk, session, jobs):
    it = Owned(desk, session)

    jobs()

    assert (it.row.state, it.row.card_last4) == (TopUpState.ON, "4242")
    (charge,) = it.charges()
    assert (charge.state, charge.amount, charge.fee_minor) == (
        DepositState.PAID,
        eur(20_000),
        325,
    )
    assert charge.stripe_charge_id
    assert (it.available(), it.paid()) == (eur(20_000), [20_000])
    assert desk.bench.available() == 20_000 - 325
    assert [letter.user_id for letter in letters(session, "topped_up")] == [it.owner.id]
    assert len(letters(session, "topup_on")) == 1
    assert letters(session, "deposit_paid") == []
    assert payout_jobs.top_up_budgets() == 0
    actions = set(session.exec(select(AuditEvent.action)))
    assert {"topup.agreed", "topup.on", "deposit.paid"} <= actions
    assert ledger.problems(session) == []


def test_enough_money_is_left_alone(desk, session, jobs):
    it = Owned(desk, session, funded=10_000)

    jobs()

    assert payout_jobs.top_up_budgets() == 0
    assert it.charges() == []


def test_it_is_charged_before_one_more_task_is_out_of_reach(desk, session, jobs):
    it = Owned(desk, session, funded=5000, below=1)
    make_reservation(session, it.budget, pay=2200, fee=330)
    session.commit()

    jobs()  # 24.70 is left, and a task costs 25.30

    assert it.paid() == [20_000]


@pytest.mark.parametrize(
    ("card", "ended", "trouble"),
    [
        (DECLINES, TopUpEnd.DECLINED, "generic_decline"),
        (NO_FUNDS, TopUpEnd.DECLINED, "insufficient_funds"),
        (ASKS, TopUpEnd.AUTHENTICATION, "authentication_required"),
    ],
)
def test_a_card_that_says_no_ends_it_with_a_letter(desk, session, jobs, card, ended, trouble):
    it = Owned(desk, session, card=card)

    jobs()

    (charge,) = it.charges()
    assert (charge.state, charge.trouble) == (DepositState.FAILED, trouble)
    assert (it.row.state, it.row.ended_for) == (TopUpState.OFF, ended)
    (letter,) = letters(session, "topup_stopped")
    assert f"/projects/{it.budget.project_id}/budget/fund" in letter.body
    assert payout_jobs.top_up_budgets() == 0
    jobs()
    assert len(it.charges()) == 1
    assert it.row.card_forgotten_at is not None
    assert desk.bench.v1.payment_methods.retrieve(it.row.stripe_card_id).customer is None


def test_the_most_of_a_month_is_never_passed_and_told_once(desk, session, jobs):
    it = Owned(desk, session, below=100_000, amount=20_000, month=50_000)

    for _ in range(5):
        payout_jobs.top_up_budgets()
        jobs()

    assert it.paid() == [20_000, 20_000]
    assert len(letters(session, "topup_most")) == 1
    assert it.row.state is TopUpState.ON
    desk.ahead = timedelta(days=32)
    assert payout_jobs.top_up_budgets() == 1


def test_a_new_agreement_does_not_begin_the_month_anew(desk, session, jobs):
    it = Owned(desk, session, below=100_000, amount=20_000, month=30_000)
    jobs()

    it.id = it.agree(below=100_000, amount=20_000, month=30_000).id
    it.save(GOOD)
    jobs()

    assert it.paid() == [20_000]
    rows = session.exec(select(AutoTopUp).order_by(AutoTopUp.id)).all()
    assert [row.ended_for for row in rows] == [TopUpEnd.REPLACED, None]


def test_once_off_nothing_is_charged_and_the_card_is_forgotten(desk, session, jobs):
    it = Owned(desk, session, funded=50_000)
    jobs()

    for _click in range(2):
        auto_topups.turn_off(session, it.budget.project_id, by=it.owner, at=now())
    make_reservation(session, it.budget, pay=40_000, fee=0)
    session.commit()
    payout_jobs.top_up_budgets()
    jobs()

    assert (it.charges(), it.row.ended_for) == ([], TopUpEnd.OWNER)
    assert desk.bench.v1.payment_methods.retrieve(it.row.stripe_card_id).customer is None


def test_off_between_the_decision_and_the_charge_charges_nothing(desk, session, jobs):
    it = Owned(desk, session)
    auto_topups.consider(session, it.id, at=now())
    auto_topups.turn_off(session, it.budget.project_id, by=it.owner, at=now())
    session.commit()

    jobs()
    desk.ahead = timedelta(minutes=5)
    payout_jobs.top_up_budgets()
    jobs()

    (charge,) = it.charges()
    assert (charge.state, it.paid()) == (DepositState.EXPIRED, [])


@pytest.mark.parametrize("fault", ["500", "429", "lose_request", "lose_answer", "500_after"])
def test_a_lost_question_or_answer_charges_once(desk, session, jobs, fault):
    it = Owned(desk, session)
    desk.fault(fault, path="/v1/payment_intents", times=1)

    jobs()
    desk.ahead = timedelta(minutes=2)
    for _sweep in range(3):
        payout_jobs.top_up_budgets()
        jobs()
        desk.ahead += timedelta(minutes=2)

    assert it.paid() == [20_000]
    assert [one.state for one in it.charges()] == [DepositState.PAID]
    assert it.available() == eur(20_000)


def test_an_answer_that_was_lost_for_days_is_found_and_not_asked_for_again(desk, session, jobs):
    it = Owned(desk, session)
    desk.fault("lose_answer", path="/v1/payment_intents", times=1)
    jobs()

    desk.pass_time(timedelta(days=3))  # the key of the first question is forgotten
    payout_jobs.top_up_budgets()
    jobs()

    assert it.paid() == [20_000]
    assert it.available() == eur(20_000)


def test_a_question_that_never_arrived_is_given_up_and_made_anew_under_another_name(
    desk, session, jobs
):
    it = Owned(desk, session)
    desk.fault("lose_request", path="/v1/payment_intents", times=1)
    jobs()

    desk.pass_time(timedelta(days=2))
    for _sweep in range(2):
        payout_jobs.top_up_budgets()
        jobs()

    assert [one.state for one in it.charges()] == [DepositState.EXPIRED, DepositState.PAID]
    assert it.paid() == [20_000]


@pytest.mark.parametrize("killed", ["before asking", "after asking"])
def test_a_worker_that_is_killed_charges_once(desk, session, jobs, killed):
    it = Owned(desk, session)
    auto_topups.consider(session, it.id, at=now())
    session.commit()
    (charge,) = it.charges()
    if killed == "after asking":
        desk.rail.charge_saved(
            charge.amount,
            customer_id=it.row.stripe_customer_id,
            card_id=it.row.stripe_card_id,
            reference=charge.reference,
            title="Licence clauses",
        )

    desk.ahead = timedelta(minutes=5)
    payout_jobs.top_up_budgets()
    jobs()
    jobs()

    assert it.paid() == [20_000]
    assert [one.state for one in it.charges()] == [DepositState.PAID]


def refusing(rail, name, code="resource_missing"):
    """Let one question be refused for certain, as when a customer was deleted at Stripe."""

    class Refusing:
        def __getattr__(self, asked):
            return getattr(rail, asked)

    def refuse(*_args, **_more):
        raise PayoutRefused(code)

    found = Refusing()
    setattr(found, name, refuse)
    return found


def test_a_look_up_that_is_refused_ends_it_tells_the_owner_and_is_not_called_a_refused_card(
    desk, session
):
    it = Owned(desk, session)
    auto_topups.consider(session, it.id, at=now())
    session.commit()
    (charge,) = it.charges()

    for _time in range(2):
        said = auto_topups.charge(charge.id, refusing(desk.rail, "find_saved_charge"))
        assert said == "unclear"

    (charge,) = it.charges()
    assert (charge.state, charge.trouble) == (
        DepositState.UNCLEAR,
        "look-up refused: resource_missing",
    )
    assert (it.row.state, it.row.ended_for) == (TopUpState.OFF, TopUpEnd.NOT_TOLD)
    (letter,) = letters(session, "topup_untold")
    assert letter.user_id == it.owner.id
    assert letters(session, "topup_stopped") == []
    assert it.paid() == []
    kinds = [row.kind for row in session.execute(stuck.listed(now()))]
    assert kinds == ["deposit"]


def test_what_was_refused_once_is_asked_about_daily_and_booked_when_it_was_charged(
    desk, session, jobs
):
    it = Owned(desk, session)
    auto_topups.consider(session, it.id, at=now())
    session.commit()
    (charge,) = it.charges()
    desk.fault("lose_answer", path="/v1/payment_intents", times=1)
    auto_topups.charge(charge.id, desk.rail)
    auto_topups.charge(charge.id, refusing(desk.rail, "find_saved_charge"))
    assert it.charges()[0].state is DepositState.UNCLEAR
    assert auto_topups.to_take_up(session, now() + timedelta(hours=23)) == []

    later = now() + timedelta(hours=25)
    assert auto_topups.to_take_up(session, later) == [charge.id]
    assert auto_topups.to_take_up(session, now() + timedelta(days=31)) == []
    auto_topups.charge(charge.id, desk.rail)

    assert it.charges()[0].state is DepositState.PAID
    assert (it.available(), it.paid()) == (eur(20_000), [20_000])


def test_a_card_page_that_is_refused_ends_what_was_begun(desk, session, sign_in):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    row = make_topup(session, budget, state=TopUpState.SETTING_UP, stripe_setup_id="cs_gone")
    row.agreed_by = owner.id
    session.commit()

    for _time in range(2):
        auto_topups.reread(row.id, refusing(desk.rail, "card_setup"))
    session.expire_all()

    assert (row.state, row.ended_for) == (TopUpState.OFF, TopUpEnd.NOT_TOLD)
    assert len(letters(session, "topup_untold")) == 1
    page = sign_in(owner).get(f"/projects/{budget.project_id}/budget/top-up").text
    assert "Stripe does not say what became of the card" in page


def test_an_undecided_charge_is_listed_as_stuck(session, sign_in):
    budget = make_budget(session)
    row = make_topup(session, budget)
    deposits.open(
        session,
        budget.project_id,
        eur(20_000),
        key=new_key(),
        by=None,
        at=now() - timedelta(hours=2),
        auto_topup_id=row.id,
    )
    session.commit()

    page = sign_in(make_user(session, "operator")).get("/operator/money/stuck?kind=topup").text

    assert "Charge of a saved card without an answer" in page
    assert "€200.00" in page


def spend(session, budget, minor, at):
    expert = make_expert(session)
    make_earning(session, budget, expert.id, pay=minor, fee=1, at=at)
    session.commit()


@pytest.mark.parametrize(("spent", "begins"), [(9_000, True), (1_000, False)])
def test_a_budget_that_lasts_less_than_agreed_is_topped_up_before_it_is_low(
    desk, session, jobs, spent, begins
):
    it = Owned(desk, session, funded=50_000, below=1_000, days=7)
    jobs()
    assert it.charges() == []
    spend(session, it.budget, spent, now() - timedelta(hours=5))

    assert auto_topups.due(session, now()) == []  # its pace was looked at a moment ago
    later = now() + timedelta(minutes=16)
    assert auto_topups.due(session, later) == [it.id]
    said = auto_topups.consider(session, it.id, at=later)
    session.commit()

    assert said.endswith("begun") is begins
    if not begins:
        assert auto_topups.due(session, later) == []
    jobs()
    assert it.paid() == ([20_000] if begins else [])


def test_by_pace_the_most_of_a_month_is_not_passed_either(desk, session, jobs):
    it = Owned(desk, session, funded=50_000, below=1_000, days=60, month=20_000)
    spend(session, it.budget, 9_000, now() - timedelta(hours=5))
    first = auto_topups.consider(session, it.id, at=now())
    session.commit()
    jobs()
    session.expire_all()

    again = auto_topups.consider(session, it.id, at=now())

    assert first.endswith("begun")
    assert again == "the most of this month is charged"
    assert it.paid() == [20_000]


def test_the_days_are_agreed_to_in_words_and_never_change(session, sign_in, desk):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    session.commit()
    client, where = sign_in(owner), f"/projects/{budget.project_id}/budget/top-up"
    form = {"below": "100", "amount": "200", "month_most": "600", "agreed": "y", "key": new_key()}

    for days in ("0", "61", "x"):
        assert client.post(where, data={**form, "days": days}).status_code == 422
    client.post(where, data={**form, "days": "5"})
    row = session.exec(select(AutoTopUp)).one()

    assert row.days_least == 5
    assert "lasts less than 5 days at the pace of late" in row.words
    with pytest.raises(DatabaseError), session.begin_nested():
        session.execute(update(AutoTopUp).values(days_least=6))
    assert client.post(where, data={**form, "days": "6"}).status_code == 409


def test_news_of_a_charge_books_it_once(desk, session):
    it = Owned(desk, session)
    auto_topups.consider(session, it.id, at=now())
    session.commit()
    (charge,) = it.charges()
    event = type("E", (), {"reference": charge.reference})()

    outcomes = [news._deposit(event, desk.rail) for _ in range(2)]

    assert outcomes == [f"deposit {charge.id} paid"] * 2
    assert it.paid() == [20_000]
    assert references.row_of(session, it.row.reference) is it.row
    assert references.row_of(session, f"autotopup-{it.id}-000000000000") is None


def test_what_a_saved_card_is_charged_for_is_never_paid_on_a_page_as_well(desk, session, sign_in):
    it = Owned(desk, session)
    auto_topups.consider(session, it.id, at=now())
    session.commit()
    (charge,) = it.charges()
    where = f"/projects/{it.budget.project_id}/budget/deposits/{charge.id}"

    with pytest.raises(ValueError, match="never paid on a page"):
        deposits.begin(charge.id, desk.rail, title="B", back_to=BACK)
    answer = sign_in(it.owner).post(f"{where}/checkout")

    assert answer.headers["Location"].endswith(where)
    assert "Pay €200.00" not in sign_in(it.owner).get(where).text
    assert deposits.forget_unopened(session, now() + timedelta(days=3)) == 0


def test_a_completed_project_is_charged_no_more(desk, session, jobs):
    it = Owned(desk, session, funded=50_000)
    budgets.close(session, it.budget.project_id, at=now())
    session.commit()

    payout_jobs.top_up_budgets()

    assert (it.row.ended_for, it.charges()) == (TopUpEnd.CLOSED, [])


def test_a_card_that_was_never_saved_begins_nothing(desk, session, jobs):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    it = Owned.__new__(Owned)
    it.desk, it.session, it.owner, it.budget = desk, session, owner, budget
    it.id = it.agree().id

    desk.pass_time(timedelta(hours=25))
    payout_jobs.top_up_budgets()
    jobs()

    session.expire_all()
    assert (it.row.state, it.row.ended_for) == (TopUpState.OFF, TopUpEnd.NOT_FINISHED)
    assert letters(session, "topup_on") == []


def test_who_has_left_the_organisation_gets_no_letters_and_admins_do(desk, session, jobs):
    it = Owned(desk, session)
    admin = make_member(session, it.organisation, "admin")
    mine = session.get_one(Membership, (it.organisation.id, it.owner.id))
    organisations.remove(session, mine, by=admin, at=now())
    session.commit()

    jobs()

    assert [letter.user_id for letter in letters(session, "topped_up")] == [admin.id]


def test_the_terms_stay_and_what_ended_does_not_begin_again(session):
    row = make_topup(session, make_budget(session), state=TopUpState.OFF, ended_for="owner")

    for change in ({"amount_minor": 90_000}, {"state": TopUpState.ON, "ended_for": None}):
        wanted = update(AutoTopUp).where(col(AutoTopUp.id) == row.id).values(**change)
        with pytest.raises(DatabaseError), session.begin_nested():
            session.execute(wanted)


def test_of_one_project_one_is_on(session):
    budget = make_budget(session)
    make_topup(session, budget)

    with pytest.raises(DatabaseError), session.begin_nested():
        make_topup(session, budget)


def test_a_top_up_of_another_currency_than_the_budget_is_not_thinkable(session):
    budget = make_budget(session, currency="usd")
    row = make_topup(session, budget)

    assert row.amount == Money(20_000, "usd")
    assert auto_topups.due(session, now()) == [row.id]


def test_two_clocks_and_many_workers_charge_once(live, tmp_path):
    with a_desk(live.app, tmp_path, instant_settlement=True) as desk:
        with live.transaction() as session:
            owner, organisation = make_owner(session)
            budget = make_budget(session, organisation_id=organisation.id)
            row = auto_topups.agree(
                session,
                budget,
                auto_topups.Terms(eur(10_000), eur(20_000), eur(60_000)),
                key=new_key(),
                by=owner,
                at=now(),
            )
            topup_id, project_id = row.id, budget.project_id
        with live.app.app_context():
            auto_topups.begin(topup_id, desk.rail, name="A", email="a@b.example", back_to=BACK)
        with live.transaction() as session:
            setup_id = session.get_one(AutoTopUp, topup_id).stripe_setup_id
        desk.bench.control(f"/checkout/{setup_id}/pay")

        def step(number):
            with live.app.app_context():
                if number % 3 == 0:
                    auto_topups.reread(topup_id, desk.rail)
                payout_jobs.top_up_budgets()
                with live.transaction() as session:
                    ids = session.exec(select(Deposit.id)).all()
                for deposit_id in ids:
                    auto_topups.charge(deposit_id, desk.rail)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(step, range(18)))

        with live.transaction() as session:
            found = session.exec(select(Deposit)).all()
            assert [one.state for one in found] == [DepositState.PAID]
            assert budgets.available(session, project_id) == eur(20_000)
            assert len(letters(session, "topped_up")) == 1
        assert desk.bench.available() == 20_000 - 325


def test_the_page_agrees_saves_shows_and_ends(desk, session, sign_in, jobs):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id, title="<b>Clauses</b>")
    session.commit()
    client, where = sign_in(owner), f"/projects/{budget.project_id}/budget/top-up"
    form = {"below": "100", "amount": "200", "month_most": "600", "agreed": "y", "key": new_key()}

    empty = client.get(where).text
    wrong = client.post(where, data={**form, "month_most": "199", "agreed": ""})
    first, second = (client.post(where, data=form) for _ in range(2))
    half = client.get(where).text
    row = session.exec(select(AutoTopUp)).one()
    desk.bench.control(f"/checkout/{row.stripe_setup_id}/pay")
    on = client.get(where).text
    jobs()
    charged = client.get(where).text
    off = client.post(f"{where}/off")

    assert "Let the budget be topped up by itself" in empty
    assert "&lt;b&gt;Clauses" in empty
    assert wrong.status_code == 422
    assert "cannot be less than one charge" in wrong.text
    assert "Without your agreement" in wrong.text
    assert first.headers["Location"] == second.headers["Location"]
    assert "/pay/cs_test_" in first.headers["Location"]
    assert "Card not saved yet" in half
    assert "Visa ending in 4242" in on
    assert "€200.00 of at most €600.00" in charged
    assert off.status_code == 302
    session.expire_all()
    assert session.exec(select(AutoTopUp)).one().ended_for is TopUpEnd.OWNER


def test_a_form_cannot_be_used_for_other_terms(desk, session, sign_in):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    session.commit()
    client, where = sign_in(owner), f"/projects/{budget.project_id}/budget/top-up"
    form = {"below": "100", "amount": "200", "month_most": "600", "agreed": "y", "key": new_key()}
    client.post(where, data=form)

    assert client.post(where, data={**form, "amount": "300"}).status_code == 409


def test_stripe_away_while_agreeing_charges_nothing_and_can_be_gone_on_with(desk, session, sign_in):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    session.commit()
    client, where = sign_in(owner), f"/projects/{budget.project_id}/budget/top-up"
    form = {"below": "100", "amount": "200", "month_most": "600", "agreed": "y", "key": new_key()}
    desk.fault("500", path="/v1/customers", times=1)

    away = client.post(where, data=form, follow_redirects=True)
    again = client.post(where, data=form)

    assert "Stripe cannot be reached" in away.text
    assert "/pay/cs_test_" in again.headers["Location"]


@pytest.mark.parametrize("who", ["stranger", "expert"])
def test_nobody_else_sees_or_changes_it(session, sign_in, who):
    budget = make_budget(session)
    make_topup(session, budget)
    other = make_owner(session)[0] if who == "stranger" else make_expert(session)
    client = sign_in(other)
    where = f"/projects/{budget.project_id}/budget/top-up"

    assert client.get(where).status_code in (403, 404)
    assert client.post(where).status_code in (403, 404)
    assert client.post(f"{where}/off").status_code in (403, 404)
    assert session.exec(select(AutoTopUp)).one().state is TopUpState.ON
    assert session.get_one(ProjectBudget, budget.project_id)


def test_agreeing_asks_for_a_recent_sign_in_and_ending_does_not(session, sign_in, desk):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    make_topup(session, budget)
    make_deposit(session, budget)
    session.commit()
    client, where = sign_in(owner), f"/projects/{budget.project_id}/budget/top-up"
    with client.session_transaction() as cookie:
        cookie["fs_paa"] = time.time() - 16 * 60
    form = {"below": "100", "amount": "200", "month_most": "600", "agreed": "y", "key": new_key()}

    asked = client.post(where, data=form)
    client.post(f"{where}/off")

    assert "/pay/" not in asked.headers.get("Location", "")
    assert len(session.exec(select(AutoTopUp)).all()) == 1
    session.expire_all()
    assert session.exec(select(AutoTopUp)).one().state is TopUpState.OFF
