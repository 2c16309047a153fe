"""Pages of money: who may see them, what they say, and that a second click does no harm."""

import threading
import time

import pytest
from sqlmodel import select

from accounts.models import User
from annotation.models import State
from core.clock import now
from core.ports import RailDown
from payouts import budgets, payees, reconciliation, requirements
from payouts import jobs as payout_jobs
from payouts.models import Deposit, Payee, Payout, PayoutState, Reconciliation, Rhythm
from tests.factories.accounts import make_member, make_organisation, make_user
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.payouts import (
    eur,
    make_budget,
    make_deposit,
    make_earning,
    make_expert,
    make_payout,
    make_reservation,
    submitted,
)
from tests.payouts.conftest import a_desk, new_key


@pytest.fixture
def owned(session):
    """A budget, and a person of its organisation."""
    organisation = make_organisation(session)
    owner = make_member(session, organisation)
    return make_budget(session, organisation_id=organisation.id), owner


# Owners


def test_an_owner_sees_the_budgets_of_their_organisation_only(session, sign_in, owned):
    budget, owner = owned
    make_budget(session, title="Somebody else’s")

    page = sign_in(owner).get("/budget")

    assert budget.title in page.text
    assert "Somebody else" not in page.text


def test_an_owner_without_projects_is_told_what_to_do(session, sign_in):
    page = sign_in(make_member(session, make_organisation(session))).get("/budget")

    assert "No budget yet" in page.text


def test_a_budget_without_money_says_how_to_pay_in(sign_in, owned):
    budget, owner = owned

    page = sign_in(owner).get(f"/projects/{budget.project_id}/budget")

    assert "There is no money in this budget yet" in page.text


def test_a_budget_shows_where_the_money_is(session, sign_in, owned):
    budget, owner = owned
    make_deposit(session, budget, amount=50_000)
    make_reservation(session, budget)
    make_earning(session, budget, make_expert(session).id)

    page = sign_in(owner).get(f"/projects/{budget.project_id}/budget")

    for words in ("€500.00", "€490.34", "€4.83", "€4.20", "Work accepted: pay", "Pay reserved"):
        assert words in page.text


def test_a_used_up_budget_says_what_it_means(session, sign_in, owned):
    budget, owner = owned
    make_deposit(session, budget, amount=500)
    make_reservation(session, budget, pay=500, fee=0)

    page = sign_in(owner).get(f"/projects/{budget.project_id}/budget")

    assert "The budget is used up" in page.text


@pytest.mark.parametrize(
    "path",
    ["budget", "budget.csv", "budget/fund", "budget/deposits/1"],
)
def test_nobody_else_learns_that_a_budget_exists(session, sign_in, owned, path):
    budget, _owner = owned
    stranger = make_member(session, make_organisation(session))

    assert sign_in(stranger).get(f"/projects/{budget.project_id}/{path}").status_code == 404
    assert sign_in(make_expert(session)).get("/budget").status_code == 403


def test_every_move_comes_as_a_file(session, sign_in, owned):
    budget, owner = owned
    make_deposit(session, budget, amount=50_000)
    make_reservation(session, budget)

    file = sign_in(owner).get(f"/projects/{budget.project_id}/budget.csv")

    lines = file.text.splitlines()
    assert file.mimetype == "text/csv"
    assert lines[0].startswith("time,what,from,to,amount")
    assert len(lines) == 4
    assert ",4.20,eur,assignment:" in lines[2] + lines[1]


def fund(client, budget, amount="500", key=None):
    path = f"/projects/{budget.project_id}/budget/fund"
    return client.post(path, data={"amount": amount, "key": key or new_key()})


def test_paying_in_leads_to_stripe_and_counts_when_stripe_says_so(desk, session, sign_in, owned):
    budget, owner = owned
    client = sign_in(owner)

    to_stripe = fund(client, budget, "1,234.50")

    assert to_stripe.status_code == 302
    assert to_stripe.location.startswith(desk.bench.url)
    [deposit] = session.exec(select(Deposit)).all()
    assert deposit.amount == eur(123_450)
    page = f"/projects/{budget.project_id}/budget/deposits/{deposit.id}"
    # Coming back proves nothing: Stripe is asked, and says that it is not paid.
    assert "Not paid yet" in client.get(f"{page}?paid=yes").text
    session.refresh(deposit)
    desk.bench.control(f"/checkout/{deposit.stripe_checkout_id}/pay")
    assert "€1,234.50 is in the budget" in client.get(page).text
    assert "€1,234.50 is in the budget" in client.get(page).text
    assert budgets.available(session, budget.project_id) == eur(123_450)


def test_a_second_click_leads_to_the_same_checkout(desk, session, sign_in, owned):
    budget, owner = owned
    client, key = sign_in(owner), new_key()

    first, second = fund(client, budget, key=key), fund(client, budget, key=key)

    assert first.location == second.location
    assert len(session.exec(select(Deposit)).all()) == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Say how much"),
        ("lots", "Write an amount such as"),
        ("1,500", "Write an amount such as"),  # fifteen hundred, or one and a half?
        ("-5", "Write an amount such as"),
        ("5.005", "Write an amount such as"),
        ("4.99", "The smallest amount is €5.00"),
        ("1000000", "The largest amount at once is €999,999.99"),
        ("1e5", "Write an amount such as"),
        ("٥٠٠", "Write an amount such as"),
    ],
)
def test_an_amount_that_cannot_be_used_is_kept_and_explained(session, sign_in, owned, typed, words):
    budget, owner = owned

    page = fund(sign_in(owner), budget, typed)

    assert page.status_code == 422
    assert words in page.text
    assert "Error:" in page.text
    assert session.exec(select(Deposit)).all() == []


@pytest.mark.parametrize("typed", ["500", "500.00", "€500", "500,00", "500 ", "0500", "500 €"])
def test_an_amount_may_be_written_in_several_ways(desk, session, sign_in, owned, typed):
    budget, owner = owned

    fund(sign_in(owner), budget, typed)

    assert session.exec(select(Deposit)).one().amount == eur(50_000)


def test_when_stripe_is_away_nothing_is_charged(desk, session, sign_in, owned):
    budget, owner = owned
    client = sign_in(owner)
    desk.fault("500", path="/v1/checkout/sessions")

    back = fund(client, budget)
    page = client.get(back.location.removeprefix("http://localhost"))

    assert "Stripe cannot be reached at the moment. Nothing was charged." in page.text
    [deposit] = session.exec(select(Deposit)).all()
    assert deposit.stripe_checkout_id is None


def test_a_payment_of_another_project_is_not_shown_here(session, sign_in, owned):
    budget, owner = owned
    other = make_deposit(session, make_budget(session))

    page = sign_in(owner).get(f"/projects/{budget.project_id}/budget/deposits/{other.id}")

    assert page.status_code == 404


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("processing", "do not pay again"),
        ("failed", "The bank refused the payment"),
        ("expired", "was open for too long"),
        ("unclear", "Do not pay again"),
    ],
)
def test_every_state_of_a_payment_says_what_it_means(session, sign_in, owned, app, state, words):
    budget, owner = owned
    deposit = make_deposit(session, budget, state="open", stripe_checkout_id=None)
    deposit.state = state
    session.commit()

    page = sign_in(owner).get(f"/projects/{budget.project_id}/budget/deposits/{deposit.id}")

    assert words in page.text


# Experts


def test_an_expert_without_work_sees_an_honest_empty_page(session, sign_in):
    page = sign_in(make_expert(session, payee=None)).get("/earnings")

    assert page.status_code == 200
    assert "No amounts yet" in page.text
    assert "Set up your account" in page.text


def test_earnings_show_where_the_money_is(session, sign_in):
    expert = make_expert(session)
    budget = make_budget(session, funded=100_000)
    make_reservation(session, budget, expert_id=expert.id)
    row = make_reservation(session, budget, expert_id=expert.id, pay=3780)
    submitted(session, row.assignment_id, review_by=now(), at=now())
    make_earning(session, budget, expert.id, pay=18_640)

    page = sign_in(expert).get("/earnings")

    for words in ("€4.20", "1 task in hand", "€37.80", "€186.40", "Pay me €186.40 now"):
        assert words in page.text


def test_earnings_are_filtered_and_paged(session, sign_in):
    expert = make_expert(session)
    budget = make_budget(session, funded=100_000)
    for _ in range(25):
        make_earning(session, budget, expert.id)
    client = sign_in(expert)

    assert "Page 1 of 2" in client.get("/earnings").text
    assert "Page 2 of 2" in client.get("/earnings?page=2").text
    assert "Nothing matches these filters" in client.get("/earnings?state=returned").text
    assert client.get("/earnings?state=nonsense&since=never&project=x&page=-1").status_code == 200
    assert "25 amounts" in client.get(f"/earnings?project={budget.project_id}").text


def test_earnings_come_as_a_file_in_which_no_formula_runs(session, sign_in):
    expert = make_expert(session)
    budget = make_budget(session, funded=100_000, title="=HYPERLINK(1)")
    make_earning(session, budget, expert.id)

    file = sign_in(expert).get("/earnings.csv")

    assert ",'=HYPERLINK(1),accepted,4.20,eur" in file.text


def pay_form(minor=1000, key=None):
    return {"minor": str(minor), "currency": "eur", "key": key or new_key()}


def test_the_button_pays_what_it_says_once(session, sign_in, desk, jobs):
    expert = desk.expert(session)
    make_earning(session, desk.budget(session), expert.id, pay=1000)
    session.commit()
    client, form = sign_in(expert), pay_form()

    first, second = (client.post("/earnings/payouts", data=form) for _ in range(2))
    jobs()
    third = client.post("/earnings/payouts", data=form)

    assert {first.status_code, second.status_code, third.status_code} == {302}
    assert len(desk.transfers()) == 1
    assert "Your payout is on its way" in client.get("/earnings").text


def test_more_than_is_owed_is_refused_in_words(session, sign_in):
    expert = make_expert(session)
    make_earning(session, make_budget(session, funded=9000), expert.id, pay=1000)

    page = sign_in(expert).post("/earnings/payouts", data=pay_form(2000))

    assert page.status_code == 409
    assert "You asked for €20.00, and €10.00 is owed to you now. Nothing was sent." in page.text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"minor": "-5", "currency": "eur", "key": "k" * 32},
        {"minor": "1000", "currency": "xbt", "key": "k" * 32},
        {"minor": "0", "currency": "eur", "key": "k" * 32},
        {"minor": "1" * 13, "currency": "eur", "key": "k" * 32},
        {"minor": "1000", "currency": "eur", "key": "short"},
    ],
)
def test_a_forged_button_sends_nothing(session, sign_in, form):
    expert = make_expert(session)
    make_earning(session, make_budget(session, funded=9000), expert.id, pay=1000)

    assert sign_in(expert).post("/earnings/payouts", data=form).status_code == 302

    assert session.exec(select(Payout)).all() == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("blocked", "Complete your details"),
        ("unknown", "nothing is sent again until we know"),
        ("waiting_funds", "have not cleared at Stripe yet"),
        ("bank_refused", "Check your bank details"),
        ("failed", "Owed to you as before"),
        ("sent", "At your bank in two to three working days"),
    ],
)
def test_every_state_of_a_payout_says_what_happens_next(session, sign_in, state, words):
    expert = make_expert(session)
    payout = make_payout(session, expert.id, state=PayoutState(state))
    if state in ("sent", "bank_refused"):
        payout.sent_at = now()
    session.flush()

    assert words in sign_in(expert).get("/earnings").text


def test_a_statement_can_be_read_and_belongs_to_one_person(session, sign_in, desk, jobs):
    payout = desk.payout(session)
    jobs()
    session.expire_all()
    from accounts.models import User

    expert = session.get(User, payout.expert_id)
    client = sign_in(expert)

    page = client.get(f"/earnings/statements/{payout.id}")

    assert f"{payout.id:05d}" in page.text
    assert "Licence clauses" in page.text
    assert "Work accepted" in page.text
    assert "Fees taken from you" in page.text
    assert f"/earnings/statements/{payout.id}" in client.get("/earnings/statements").text
    other = sign_in(make_expert(session))
    assert other.get(f"/earnings/statements/{payout.id}").status_code == 404


def test_a_payout_that_has_not_left_has_no_statement(session, sign_in):
    expert = make_expert(session)
    payout = make_payout(session, expert.id)
    client = sign_in(expert)

    assert client.get(f"/earnings/statements/{payout.id}").status_code == 404
    assert "No statement yet" in client.get("/earnings/statements").text


def test_an_expert_chooses_when_they_are_paid(session, sign_in):
    expert = make_expert(session)
    client = sign_in(expert)

    assert "Every Friday" in client.get("/earnings").text
    for wrong in ({"rhythm": "daily"}, {"rhythm": "weekly", "payday": "5"}, {"payday": "x"}):
        assert client.post("/earnings/rhythm", data=wrong).status_code == 422
    chosen = {"rhythm": "weekly", "payday": "1"}
    assert client.post("/earnings/rhythm", data=chosen).status_code == 302
    assert "Every Tuesday" in client.get("/earnings").text
    assert "the next payout leaves on Tuesday" in client.get("/earnings/rhythm").text
    assert client.post("/earnings/rhythm", data={"rhythm": "on_demand"}).status_code == 302

    session.expire_all()
    assert session.get(Payee, expert.id).rhythm is Rhythm.ON_DEMAND


def test_an_expert_sets_up_an_account_and_stripe_says_when_it_is_ready(session, sign_in, desk):
    expert = make_user(session, "expert")
    session.commit()
    client = sign_in(expert)
    assert "Go to Stripe" in client.get("/earnings/account").text

    to_stripe = client.post("/earnings/account", data={"country": "FR"})
    again = client.post("/earnings/account", data={"country": "FR"})

    assert to_stripe.location.startswith(desk.bench.url)
    assert again.location.startswith(desk.bench.url)
    account_id = payees.known(session, expert.id).stripe_account_id
    assert len(desk.bench.v1.accounts.list().data) == 1
    # Coming back proves nothing.
    assert client.get("/earnings/account/return").location.endswith("/earnings/account")
    assert "Not finished yet" in client.get("/earnings/account").text
    assert client.get("/earnings/account/refresh").location.startswith(desk.bench.url)
    desk.bench.control(f"/accounts/{account_id}/onboard")
    assert client.get("/earnings/account/return").location.endswith("/earnings")
    assert "Your account can receive money" in client.get("/earnings/account").text


@pytest.mark.parametrize("country", ["KP", "", "fr", "France"])
def test_a_country_that_cannot_be_paid_is_not_offered(session, sign_in, country):
    expert = make_user(session, "expert")

    page = sign_in(expert).post("/earnings/account", data={"country": country})

    assert page.status_code == 422


def test_when_stripe_is_away_an_account_can_be_opened_later(session, sign_in, desk):
    expert = make_user(session, "expert")
    session.commit()
    client = sign_in(expert)
    desk.fault("500", path="/v2/core/accounts")

    client.post("/earnings/account", data={"country": "FR"})

    assert "Stripe cannot be reached" in client.get("/earnings/account").text
    assert payees.known(session, expert.id).stripe_account_id is None


# Operators


@pytest.fixture
def operator(session):
    return make_user(session, "operator")


def test_only_operators_see_all_money(session, sign_in, operator, owned):
    _budget, owner = owned

    assert sign_in(operator).get("/operator/money").status_code == 200
    for other in (owner, make_expert(session)):
        assert sign_in(other).get("/operator/money").status_code == 403


def test_the_operator_sees_ledger_and_stripe_side_by_side(session, sign_in, operator, desk, jobs):
    desk.payout(session)
    jobs()
    client = sign_in(operator)

    assert "not compared yet" in client.get("/operator/money").text
    client.post("/operator/money/compare")
    page = client.get("/operator/money")

    assert "All is well" in page.text
    assert "Held, by our ledger" in page.text
    assert "Compared just now" in page.text


def test_programs_of_the_operator_get_the_same_as_json(session, sign_in, operator, desk, jobs):
    desk.payout(session)
    jobs()

    answer = sign_in(operator).get(
        "/operator/money?recount=1", headers={"Accept": "application/json"}
    )

    euros = answer.json["currencies"]["eur"]
    assert euros["difference"] == 0
    assert euros["ledger"] == euros["stripe_available"] + euros["stripe_pending"] == 945
    assert answer.json["ledger_problems"] == []
    assert answer.json["payouts"] == {"sent": 1}
    assert answer.json["needs_a_person"] == []


def test_a_lost_payout_is_shown_and_can_be_looked_up_now(session, sign_in, operator, desk):
    payout = desk.payout(session)
    desk.fault("lose_answer")
    payout_jobs.send(payout.id)
    client = sign_in(operator)

    assert "Stripe’s answer never came" in client.get("/operator/money").text
    client.post(f"/operator/money/payouts/{payout.id}/look")

    session.expire_all()
    assert session.get(Payout, payout.id).state is PayoutState.SENT
    assert "Looked up: we know now" in client.get("/operator/money").text


def test_differences_are_listed_with_what_is_known(session, sign_in, operator, desk):
    desk.budget(session)
    desk.bench.paid(10_000)
    reconciliation.run(desk.rail)

    page = sign_in(operator).get("/operator/money")

    assert "Something at Stripe that this instance did not cause" in page.text
    assert "not explained" in page.text


def test_when_stripe_is_away_the_operator_is_told(session, sign_in, operator, desk):
    desk.fault("500", path="/v1/balance", method="GET", times=2)
    client = sign_in(operator)

    client.post("/operator/money/compare")

    answer = client.get("/operator/money", headers={"Accept": "application/json"})
    assert answer.json["currencies"] is None
    assert "Nothing was compared" in client.get("/operator/money").text


# French, and many at once


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/earnings", "Ce qui est accepté vous est dû"),
        ("/earnings/account", "Votre compte pour les versements"),
        ("/earnings/rhythm", "Quand vous êtes payé"),
        ("/earnings/statements", "Relevés"),
    ],
)
def test_pages_are_in_french_for_those_who_read_french(session, sign_in, path, words):
    expert = make_expert(session, locale="fr")

    assert words in sign_in(expert).get(path).text


def test_ten_clicks_at_once_make_one_payout(live, tmp_path):
    with a_desk(live.app, tmp_path, instant_settlement=True) as desk:
        with live.transaction() as session:
            expert = desk.expert(session)
            make_earning(session, desk.budget(session), expert.id, pay=1000)
        statuses = []

        def click(key):
            statuses.append(
                live.client(expert).post("/earnings/payouts", data=pay_form(key=key)).status_code
            )

        shared = new_key()
        threads = [
            threading.Thread(target=click, args=(shared if n % 2 else new_key(),))
            for n in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        live.run_jobs()

        assert statuses == [302] * 10
        assert len(desk.transfers()) == 1


def test_requests_survive_a_rail_that_fails_in_every_way(session, sign_in, owned, app):
    import dataclasses

    class Away:
        def __getattr__(self, name):
            def ask(*_args, **_kwargs):
                raise RailDown("away")

            return ask

    budget, owner = owned
    known = app.extensions["doyen.ports"]
    app.extensions["doyen.ports"] = dataclasses.replace(known, payout_rail=Away())
    try:
        deposit = make_deposit(session, budget, state="open")
        page = sign_in(owner).get(f"/projects/{budget.project_id}/budget/deposits/{deposit.id}")
        assert "Not up to date" in page.text
        expert = make_expert(session)
        back = sign_in(expert).get("/earnings/account/return")
        assert back.location.endswith("/earnings/account")
    finally:
        app.extensions["doyen.ports"] = known


def test_what_stripe_asks_for_is_said_in_words(app):
    missing = ["individual.first_name", "individual.last_name", "tos_acceptance.ip", "a.new.one"]

    with app.test_request_context():
        said = [(str(one.what), one.code) for one in requirements.asks(missing)]

    assert said == [
        ("your name", ""),
        ("your agreement to Stripe’s terms", ""),
        ("something else", "a.new.one"),
    ]


def test_refused_work_is_called_so_and_not_returned(session, sign_in):
    desk, at = make_desk(session), now()
    lease = make_assignment(session, desk.project, state=State.REJECTED)
    submitted(session, lease.id, review_by=at, at=at)
    budgets.release(session, desk.project_id, lease.id, at)
    client = sign_in(session.get_one(User, lease.expert_id))

    page = client.get("/earnings?state=rejected").text

    assert "the reasons are with the task" in page
    assert "Given back to the project" not in page


@pytest.mark.parametrize("act", ["compare", "payouts/1/look"])
def test_comparing_and_looking_up_ask_for_a_recent_sign_in(session, sign_in, act):
    operator = make_user(session, "operator")
    session.commit()
    client = sign_in(operator)
    with client.session_transaction() as cookie:
        cookie["fs_paa"] = time.time() - 16 * 60

    asked = client.post(f"/operator/money/{act}")

    assert asked.status_code == 422
    assert 'type="password"' in asked.text
    assert session.exec(select(Reconciliation)).all() == []
