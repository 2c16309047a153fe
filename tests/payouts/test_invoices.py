"""Invoices and receipts: equal to the ledger, numbered without a gap, never changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core import jobs as core_jobs
from core.clock import now
from core.models import Letter
from payouts import budgets, earnings, invoices, ledger
from payouts.invoice_models import BillingDetails, Invoice
from tests.conftest import Live
from tests.factories.accounts import make_member, make_organisation, make_owner, make_user
from tests.factories.payouts import (
    earn_part,
    make_billing_details,
    make_budget,
    make_deposit,
    make_earning,
    make_expert,
    make_invoice,
    make_reservation,
)

MONTH = date(2027, 3, 1)
WITHIN = datetime(2027, 3, 15, 12, tzinfo=UTC)
AFTER = datetime(2027, 4, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at(app):
    """Let it be the middle of a month; `at(time)` lets it be another time."""

    def set_clock(time):
        app.extensions["doyen.clock"] = lambda: time

    set_clock(WITHIN)
    yield set_clock
    del app.extensions["doyen.clock"]


def text_of(paper: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(paper)).pages)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["fund", "earn", "part", "hold", "release"]),
        st.integers(1, 3000),
        st.integers(0, 1),
    ),
    max_size=12,
)


@given(acts=ACTS)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_an_invoice_equals_the_ledger_whatever_happened(session, acts):
    organisation = make_organisation(session)
    projects = [make_budget(session, organisation_id=organisation.id) for _ in range(2)]
    stranger = make_budget(session, funded=9_000)
    expert = make_expert(session)
    make_earning(session, stranger, expert.id, pay=100)
    for budget in projects:
        make_deposit(session, budget, amount=50_000)
    paid, earned = 100_000, 0
    for act, amount, which in acts:
        budget = projects[which]
        if act == "fund":
            make_deposit(session, budget, amount=500 + amount)
            paid += 500 + amount
            continue
        row = make_reservation(session, budget, pay=amount, expert_id=expert.id)
        if act == "earn":
            earnings.earn(session, budget.project_id, row.assignment_id, expert.id, now())
            earned += row.pay_minor
        elif act == "part":
            earned += earn_part(
                session, budget.project_id, row.assignment_id, expert.id, Fraction(1, 3)
            ).minor
        elif act == "release":
            budgets.release(session, budget.project_id, row.assignment_id, now())
    session.flush()

    found = invoices.figures(session, organisation.id, "eur", MONTH)

    purses = [
        make(one.project_id, "eur") for one in projects for make in (ledger.budget, ledger.reserve)
    ]
    left = sum(amount.minor for amount in ledger.balances(session, purses).values())
    fees = sum(
        ledger.balance(session, ledger.fees(one.project_id, "eur")).minor for one in projects
    )
    assert (found.closing, found.paid_in, found.pay, found.fees) == (left, paid, earned, fees)
    assert found.spent == sum(one.pay + one.fees for one in found.projects.values())


def test_what_was_before_a_month_is_its_opening_and_nothing_else(session, app):
    budget = make_budget(session, funded=5_000)
    following = invoices.bounds(MONTH)[1].date()

    found = invoices.figures(session, budget.organisation_id, "eur", following)

    assert (found.opening, found.closing, found.moves) == (5_000, 5_000, 0)


def test_the_clock_issues_the_month_that_is_over_once_and_tells_the_admins(session, app, at):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    make_deposit(session, budget, amount=5_000)
    expert = make_expert(session)
    make_earning(session, budget, expert.id, pay=400)
    make_billing_details(session, organisation.id)
    session.commit()
    at(AFTER - timedelta(minutes=90))
    assert core_jobs.run(app, "payouts.issue_invoices") == 0  # within the hour of grace
    at(AFTER)

    assert core_jobs.run(app, "payouts.issue_invoices") == 1
    assert core_jobs.run(app, "payouts.issue_invoices") == 0

    session.expire_all()
    [invoice] = session.exec(select(Invoice)).all()
    assert invoice.month == MONTH
    assert invoice.figures["pay"] == 400
    assert invoice.parties["buyer"]["name"] == "Nordlicht GmbH"
    letters = session.exec(select(Letter).where(Letter.template == "payouts/invoice_issued")).all()
    assert [letter.address for letter in letters] == [owner.email]
    assert f"/invoices/{invoice.id}.pdf" in letters[0].body


def test_many_at_once_number_invoices_without_a_gap(live: Live):
    live.app.extensions["doyen.clock"] = lambda: WITHIN
    with live.transaction() as session:
        organisations = []
        for _ in range(6):
            _owner, organisation = make_owner(session)
            make_budget(session, organisation_id=organisation.id, funded=1_000)
            organisations.append(organisation.id)
        for_fun = [*organisations, *organisations]

    def issue(organisation_id):
        with live.transaction() as session:
            made = invoices.issue(session, organisation_id, "eur", MONTH, at=AFTER)
            return made.number

    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(issue, for_fun))

    assert sorted(set(numbers)) == [1, 2, 3, 4, 5, 6]
    assert numbers[:6] == numbers[6:]


@pytest.mark.parametrize(
    "sql",
    [
        "update invoice set spent_minor = 1",
        "delete from invoice",
        "truncate invoice",
        "insert into invoice (year, number, organisation_id, month, currency, spent_minor, parties,"
        " figures, issued_at) select year, number + 5, organisation_id, '2020-01-01', currency, 0,"
        " parties, figures, issued_at from invoice",
    ],
)
def test_the_database_keeps_invoices_as_they_were_issued(session, sql):
    make_invoice(session, make_organisation(session).id)

    with pytest.raises(DBAPIError, match=r"never changed|no gap"):
        session.execute(text(sql))


def test_a_paper_says_all_of_it_in_the_language_of_whoever_reads(session, sign_in):
    owner, organisation = make_owner(session)
    spent = [{"title": "#panic() <b>", "pay": 12_345, "fees": 1_852, "works": 7}]
    invoice = make_invoice(
        session,
        organisation.id,
        buyer="Łódź & Söhne",
        spent_minor=14_197,
        figures={
            "opening": 0,
            "paid_in": 20_000,
            "returned": 0,
            "disputed": 0,
            "pay": 12_345,
            "fees": 1_852,
            "closing": 5_803,
            "projects": spent,
        },
    )
    session.commit()

    english = sign_in(owner).get(f"/invoices/{invoice.id}.pdf")
    owner.locale = "fr"
    session.commit()
    french = sign_in(owner).get(f"/invoices/{invoice.id}.pdf")

    said = text_of(english.data)
    for words in (
        "2026-00001",
        "October 2026",
        "Łódź & Söhne",
        "#panic() <b>",
        "€141.97",
        "€58.03",
    ):
        assert words in said, words
    assert "octobre 2026" in text_of(french.data)
    assert english.headers["Content-Disposition"].endswith('"invoice-2026-00001.pdf"')


def test_a_receipt_is_there_once_a_payment_has_arrived(session, sign_in):
    owner, organisation = make_owner(session)
    budget = make_budget(session, organisation_id=organisation.id)
    paid = make_deposit(session, budget, amount=12_300, opened_by=owner.id)
    waiting = make_deposit(session, budget, state="open", opened_by=owner.id)
    session.commit()
    client, path = sign_in(owner), f"/projects/{budget.project_id}/budget/deposits"

    assert "€123.00" in text_of(client.get(f"{path}/{paid.id}/receipt.pdf").data)
    assert client.get(f"{path}/{waiting.id}/receipt.pdf").status_code == 404
    assert "Receipt (PDF)" in client.get(f"{path}/{paid.id}").text


def test_an_admin_says_to_whom_invoices_are_made_out(session, sign_in):
    owner, organisation = make_owner(session)
    session.commit()
    client, path = sign_in(owner), f"/organisations/{organisation.id}/billing"
    good = {"legal_name": "Nordlicht GmbH", "address": "Hafenstrasse 3\n20457 Hamburg"}
    good |= {"country": "DE", "vat_number": "de 123.456.789"}

    bad = client.post(path, data=good | {"vat_number": "12", "legal_name": ""})
    assert bad.status_code == 422
    assert "FR12345678901" in bad.text
    for _twice in range(2):
        page = client.post(path, data=good, follow_redirects=True)

    assert "Nordlicht GmbH" in page.text
    session.expire_all()
    assert session.get(BillingDetails, organisation.id).vat_number == "DE123456789"


def test_a_member_reads_and_only_an_admin_changes(session, sign_in):
    _owner, organisation = make_owner(session)
    member = make_member(session, organisation, "member")
    invoice = make_invoice(session, organisation.id)
    other, _theirs = make_owner(session)
    session.commit()

    assert sign_in(member).get(f"/invoices/{invoice.id}.pdf").status_code == 200
    assert sign_in(member).get(f"/organisations/{organisation.id}/billing").status_code == 404
    assert sign_in(other).get(f"/invoices/{invoice.id}.pdf").status_code in (403, 404)
    assert sign_in(make_user(session, "expert")).get("/invoices").status_code == 403


def test_last_months_invoice_is_made_on_demand_and_said_when_there_is_none(session, sign_in, at):
    owner, organisation = make_owner(session)
    make_budget(session, organisation_id=organisation.id, funded=2_000)
    session.commit()
    client, path = sign_in(owner), f"/organisations/{organisation.id}/invoices"

    said = client.post(path, follow_redirects=True).text
    assert "There is nothing to invoice for February 2027" in said
    assert "No invoice yet" in client.get("/invoices").text
    at(AFTER)
    client = sign_in(owner)
    for _twice in range(2):
        page = client.post(path, follow_redirects=True).text
    assert "March 2027" in page
    assert len(session.exec(select(Invoice)).all()) == 1


def test_a_month_that_runs_has_no_invoice(session):
    budget = make_budget(session, funded=2_000)

    with pytest.raises(invoices.NotOver):
        invoices.issue(session, budget.organisation_id, "eur", MONTH, at=now())
