"""Statements of months and totals of years: equal to the ledger to the cent, whatever happens."""

import csv
import io
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from core.clock import now
from core.money import Money
from payouts import csv_lines, ledger, overview, sheets, statements, totals
from payouts.ledger import Entry
from payouts.models import Payout, PayoutState
from payouts.sheets import Month
from tests.factories.payouts import (
    earn_part,
    eur,
    make_budget,
    make_earning,
    make_expert,
    make_reservation,
)
from tests.payouts.test_statements import pay

YEAR = 2025


@pytest.fixture
def expert(session):
    return make_expert(session)


def at(month, day=10):
    return datetime(YEAR, month, day, 12, tzinfo=UTC)


def post(session, name, debit, credit, minor, when, cause="bonus:1", narration="bonus"):
    entries = [Entry("amount", debit, credit, eur(minor))]
    return ledger.post(session, name, entries, at=when, narration=narration, cause=cause)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["earn", "part", "bonus", "send", "refused", "back"]),
        st.integers(1, 12),
        st.integers(1, 9_000),
    ),
    min_size=1,
    max_size=14,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=ACTS)
def test_every_month_and_year_add_up_to_the_ledger(session, acts):
    with session.begin_nested() as savepoint:
        expert = make_expert(session)
        budget = make_budget(session, funded=900_000)
        other = make_expert(session)
        make_earning(session, budget, other.id, pay=777, at=at(3))
        for number, (act, month, minor) in enumerate(acts):
            _do(session, expert, budget, number, act, at(month), minor)

        mine = [ledger.owed(expert.id, "eur"), ledger.in_flight(expert.id, "eur")]
        held = sum((one for one in ledger.balances(session, mine).values()), eur(0))
        months = [
            sheets.of(session, expert.id, "eur", Month(YEAR, n), at=now()) for n in range(1, 13)
        ]
        year = next(iter(totals.of_year(session, YEAR, expert.id)), None)

        assert months[0].opening == eur(0)
        assert months[-1].closing == held
        for before, after in pairwise(months):
            assert before.closing == after.opening
        for sheet in months:
            lines = list(sheets.lines(session, expert.id, "eur", sheet.month))
            came = sum((line.amount for line in lines), eur(0))
            assert sheet.opening + came == sheet.closing
            assert sheet.opening + sheet.credited - sheet.paid == sheet.closing
        if year is None:
            assert held == eur(0)
        else:
            assert year.whole.credited - year.whole.paid == held
            for quarter in range(4):
                three = months[quarter * 3 : quarter * 3 + 3]
                assert year.quarters[quarter].credited == sum((m.credited for m in three), eur(0))
                assert year.quarters[quarter].paid == sum((m.paid for m in three), eur(0))
        everybody = list(totals.of_year(session, YEAR))
        assert [one for one in everybody if one.expert_id == expert.id] == ([year] if year else [])
        savepoint.rollback()


def _do(session, expert, budget, number, act, when, minor):
    owed, flying = ledger.owed(expert.id, "eur"), ledger.in_flight(expert.id, "eur")
    if act == "earn":
        make_earning(session, budget, expert.id, pay=minor, fee=minor // 7, at=when)
    elif act == "part":
        row = make_reservation(session, budget, pay=minor + 1, expert_id=expert.id, at=when)
        earn_part(session, budget.project_id, row.assignment_id, expert.id, Fraction(1, 3), at=when)
    elif act == "bonus":
        source = ledger.budget(budget.project_id, "eur")
        post(session, f"bonus:{expert.id}:{number}:bonus", source, owed, minor, when)
    else:
        minor = min(minor, ledger.balance(session, owed).minor)
        if minor:
            event = f"payout:{expert.id}{number}:1"
            post(session, f"{event}:taken", owed, flying, minor, when, "payout:1", "payout begun")
            if act == "refused":
                post(session, f"{event}:returned", flying, owed, minor, when, "payout:1", "refused")
                return
            clearing = ledger.clearing("eur")
            post(session, f"{event}:sent", flying, clearing, minor, when, "payout:1", "payout sent")
            if act == "back":
                post(session, f"{event}:reversed", clearing, owed, minor, when, "payout:1", "back")


def test_totals_count_fees_and_tasks_by_quarter(session, expert):
    budget = make_budget(session, funded=90_000)
    make_earning(session, budget, expert.id, pay=1000, fee=150, at=at(2))
    make_earning(session, budget, expert.id, pay=2000, fee=300, at=at(3))
    make_earning(session, budget, expert.id, pay=500, fee=75, at=at(7))
    dollars = make_budget(session, funded=90_000, currency="usd")
    make_earning(session, dollars, expert.id, pay=400, fee=60, at=at(12, 31))

    euros, in_dollars = totals.of_year(session, YEAR, expert.id)

    assert [(q.credited, q.fees, q.activities) for q in euros.quarters] == [
        (eur(3000), eur(450), 2),
        (eur(0), eur(0), 0),
        (eur(500), eur(75), 1),
        (eur(0), eur(0), 0),
    ]
    assert in_dollars.whole.credited == Money(400, "usd")
    assert totals.years(session, expert.id) == [YEAR]


def test_a_bonus_stands_on_statements_and_pages_by_itself(session, sign_in, expert):
    budget = make_budget(session, funded=90_000, title="Clauses")
    make_earning(session, budget, expert.id, pay=1000)
    source, owed = ledger.budget(budget.project_id, "eur"), ledger.owed(expert.id, "eur")
    post(session, "bonus:7:bonus", source, owed, 500, now(), narration="for care")
    payout = pay(session, expert, 1500)

    found = statements.of(session, payout)

    assert sorted(line.amount for line in found.lines) == [eur(500), eur(1000)]
    assert found.kept == eur(0)
    page = sign_in(expert).get("/earnings").text
    assert "€5.00" in page
    assert [one.credited for one in overview.by_project(session, expert.id, "eur")] == [eur(1500)]


def month_now():
    return f"{now():%Y-%m}"


def text_of(paper):
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(paper)).pages)


def test_the_statement_of_a_month_comes_as_a_paper_and_as_a_file(session, sign_in, expert):
    budget = make_budget(session, funded=90_000, title='=HYPERLINK("x") #read("/etc/passwd")')
    make_earning(session, budget, expert.id, pay=2000)
    row = make_reservation(session, budget, pay=900, expert_id=expert.id)
    earn_part(session, budget.project_id, row.assignment_id, expert.id, Fraction(2, 3))
    pay(session, expert, 1500)
    client = sign_in(expert)
    asked = f"month={month_now()}&currency=eur"

    listed = client.get("/earnings/statements").text
    paper = client.get(f"/earnings/month.pdf?{asked}")
    file = client.get(f"/earnings/month.csv?{asked}").text

    assert f"month={month_now()}" in listed
    assert paper.mimetype == "application/pdf"
    said = " ".join(text_of(paper.data).split())
    for words in ("€20.00", "€6.00", "€11.00", "Half of the parties", "Work accepted in part"):
        assert words in said
    rows = list(csv.DictReader(io.StringIO(file)))
    assert [one["amount"] for one in rows] == ["", "20.00", "6.00", "-15.00", ""]
    assert rows[-1]["balance"] == "11.00"
    assert rows[1]["project"].startswith("'=HYPERLINK")


def test_the_statement_of_a_payout_comes_as_a_paper_and_as_a_file(session, sign_in, expert):
    make_earning(session, make_budget(session, funded=90_000), expert.id, pay=2000)
    payout = pay(session, expert, 1500)
    client = sign_in(expert)
    address = f"/earnings/statements/{payout.id}"

    first, second = client.get(f"{address}.pdf").data, client.get(f"{address}.pdf").data

    assert "€15.00" in text_of(first)
    assert first == second
    assert "kept for the next payout,,,,-5.00,eur" in client.get(f"{address}.csv").text
    assert sign_in(make_expert(session)).get(f"{address}.pdf").status_code == 404
    waiting = Payout(
        expert_id=expert.id,
        amount_minor=500,
        currency="eur",
        state=PayoutState.READY,
        request_key="x" * 16,
        requested_at=now(),
    )
    session.add(waiting)
    session.flush()
    assert client.get(f"/earnings/statements/{waiting.id}.pdf").status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        "month=2025-13&currency=eur",
        "month=2025-1&currency=eur",
        "month=2025-01&currency=zzz",
        "month=2999-01&currency=eur",
    ],
)
def test_a_month_that_cannot_be_is_not_there(sign_in, expert, asked):
    for kind in ("pdf", "csv"):
        assert sign_in(expert).get(f"/earnings/month.{kind}?{asked}").status_code == 404


def test_a_paper_is_in_the_language_of_its_reader(session, sign_in):
    expert = make_expert(session, locale="fr")
    make_earning(session, make_budget(session, funded=200_000), expert.id, pay=123_456, fee=0)
    client = sign_in(expert)

    said = " ".join(text_of(client.get("/earnings/month.pdf").data).split())

    assert "Relevé de" in said
    assert "Travail accepté" in said
    assert "1 234,56 €" in said
    assert "Totaux de" in text_of(client.get("/earnings/years.pdf").data)


def test_an_empty_month_says_so(sign_in, expert):
    paper = sign_in(expert).get("/earnings/month.pdf?month=2025-01&currency=eur")

    assert "Nothing came and nothing left" in text_of(paper.data)


def test_a_month_with_many_lines_is_folded_by_day(monkeypatch, session, sign_in, expert):
    from payouts import statement_papers

    monkeypatch.setattr(statement_papers, "LINES_AT_MOST", 2)
    budget = make_budget(session, funded=90_000)
    for _ in range(4):
        make_earning(session, budget, expert.id, pay=300)

    asked = f"month={month_now()}&currency=eur"
    said = text_of(sign_in(expert).get(f"/earnings/month.pdf?{asked}").data)

    assert "Work accepted, 4 amounts" in said
    assert "€12.00" in said


def test_the_totals_of_a_year_have_a_page_and_a_paper(session, sign_in, expert):
    make_earning(session, make_budget(session, funded=90_000), expert.id, pay=2000, at=at(5))
    client = sign_in(expert)

    page = client.get("/earnings/years").text
    paper = client.get(f"/earnings/years.pdf?year={YEAR}").data

    assert f"Totals of {YEAR}" in page
    assert "€20.00" in page
    assert "€20.00" in text_of(paper)
    empty = client.get("/earnings/years.pdf?year=2001").data
    assert "Nothing was credited or paid to you" in text_of(empty)
    assert client.get("/earnings/years?year=x").status_code == 404
    assert "Nothing in 2001" in client.get("/earnings/years?year=2001").text


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_no_cell_is_a_formula(cells):
    [row] = csv.reader(io.StringIO(csv_lines.line(*cells)), strict=True) or [[]]

    for typed, cell in zip(cells, row, strict=True):
        assert cell.endswith(typed) or "\r" in typed or "\n" in typed
        assert csv_lines.NUMBER.fullmatch(cell) or not cell.lstrip(" ").startswith(tuple("=+-@"))


def test_months_follow_each_other():
    assert Month(2025, 12).next == Month(2026, 1)
    assert Month(2024, 2).last_day.day == 29
    assert sheets.month_of("2026-02") == Month(2026, 2)
    assert Month(2026, 2).until - timedelta(days=1) == datetime(2026, 2, 28, tzinfo=UTC)


def test_the_chart_of_one_project_and_of_a_year(session, sign_in, expert):
    first, second = make_budget(session, funded=90_000), make_budget(session, funded=90_000)
    make_earning(session, first, expert.id, pay=1000)
    make_earning(session, second, expert.id, pay=400)

    months = overview.weeks(session, expert.id, "eur", at=now(), months=True)
    of_one = overview.weeks(session, expert.id, "eur", at=now(), project_id=second.project_id)

    assert len(months) == overview.MONTHS
    assert months[-1].owed == eur(1400)
    assert of_one[-1].owed == eur(400)
    page = sign_in(expert).get(f"/earnings?project={second.project_id}&period=year").text
    assert "Earned by month" in page
