"""The ledger as files: `bean-check` agrees with our sums, and a spreadsheet runs nothing."""

import csv
import io
import subprocess
import sys
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from click.testing import CliRunner

from core.clock import now
from core.money import Money
from payouts import budgets, earnings, ledger, ledger_export
from payouts.cli import group
from payouts.ledger_export import NAMES, BadPeriod, Period
from payouts.models import AccountKind
from tests.factories.accounts import make_user
from tests.factories.payouts import (
    earn_part,
    make_budget,
    make_earning,
    make_expert,
    make_reservation,
)

ALL = Period()


def bean_check(folder, words):
    """Return what beancount's own checker says of a file; nothing when it holds."""
    file = folder / "ledger.beancount"
    file.write_text(words, encoding="utf-8")
    code = "from beancount.scripts.check import main; main()"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, "--no-cache", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert bool(ran.returncode) == bool(ran.stderr.strip()), (ran.returncode, ran.stderr)
    return ran.stderr


def post(session, event, debit, credit, minor, at, words="test"):
    entry = ledger.Entry("a", debit, credit, Money(minor, debit.currency))
    ledger.post(session, event, [entry], at=at, narration=words, cause="test:1")


@pytest.fixture
def rich(session):
    """Moves of every kind of account, in two currencies, over some months."""
    budget = make_budget(session, funded=50_000)
    expert = make_expert(session)
    make_earning(session, budget, expert.id, pay=1000)
    part = make_reservation(session, budget, pay=421, fee=63)
    earn_part(session, budget.project_id, part.assignment_id, expert.id, Fraction(1, 3))
    earnings.complete(session, budget.project_id, part.assignment_id, now())
    gone = make_reservation(session, budget)
    budgets.release(session, budget.project_id, gone.assignment_id, now())
    own, clearing = ledger.platform_own("jpy"), ledger.clearing("jpy")
    winter, spring = datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    post(session, "topup:1", clearing, own, 7000, winter, 'a "quoted"\n\\ name')
    post(session, "dispute:1:1:opened", ledger.disputes("jpy"), clearing, 300, spring)
    post(session, "dispute:1:1:lost", ledger.losses("jpy"), ledger.disputes("jpy"), 200, spring)
    post(session, "pay:1", ledger.pending("jpy"), ledger.budget(7, "jpy"), 900, spring)
    in_flight = ledger.in_flight(expert.id, "eur")
    post(session, "pay:2", ledger.owed(expert.id, "eur"), in_flight, 600, spring)
    session.commit()
    return session


def test_every_kind_of_account_has_a_name():
    assert NAMES.keys() == set(AccountKind)


def test_beancount_agrees_with_every_balance(rich, tmp_path):
    words = "".join(ledger_export.beancount(ALL))

    assert bean_check(tmp_path, words) == ""
    assert words.count(" balance ") == words.count(" open ") - 1
    assert "1000 EUR.MINOR" in words


@pytest.mark.parametrize("first", ["", "2026-02-01"])
@pytest.mark.parametrize("last", ["", "2026-03-31", "2026-01-31"])
def test_beancount_agrees_for_a_period(rich, tmp_path, first, last):
    if first > (last or "9"):
        return
    words = "".join(ledger_export.beancount(ledger_export.period(first, last)))

    assert bean_check(tmp_path, words) == ""
    assert ("brought forward" in words) == bool(first)


def test_one_amount_that_is_a_cent_off_fails(rich, tmp_path):
    words = "".join(ledger_export.beancount(ALL))

    whole = words.replace("  1000 EUR", "  1001 EUR", 1).replace("  -1000 EUR", "  -1001 EUR", 1)
    half = words.replace("  1000 EUR", "  1001 EUR", 1)

    assert "Balance failed" in bean_check(tmp_path, whole)
    assert "does not balance" in bean_check(tmp_path, half)


def test_a_spreadsheet_gets_every_move_and_runs_none(rich, tmp_path):
    post(rich, "odd:1", ledger.clearing("eur"), ledger.platform_own("eur"), 5, now(), "=1+1")
    rich.commit()

    rows = list(csv.DictReader(io.StringIO("".join(ledger_export.as_csv(ALL)))))

    assert rows[-1]["narration"] == "'=1+1"
    assert (rows[-1]["amount"], rows[-1]["currency"], rows[-1]["minor_units"]) == (
        "0.05",
        "EUR",
        "5",
    )
    assert {row["amount"] for row in rows if row["currency"] == "JPY"} == {
        "7000",
        "300",
        "200",
        "900",
    }


def test_an_empty_ledger_is_a_sound_file(session, tmp_path):
    assert bean_check(tmp_path, "".join(ledger_export.beancount(ALL))) == ""


def test_a_long_ledger_is_written_in_parts(session, tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_export, "AT_ONCE", 3)
    for number in range(10):
        post(session, f"own:{number}", ledger.clearing("eur"), ledger.platform_own("eur"), 5, now())
    session.commit()

    assert bean_check(tmp_path, "".join(ledger_export.beancount(ALL))) == ""


def test_what_is_posted_meanwhile_is_in_the_next_file(live, tmp_path):
    own, clearing = ledger.platform_own("eur"), ledger.clearing("eur")
    with live.transaction() as session:
        post(session, "own:1", clearing, own, 5, now())

    with live.app.app_context():
        lines = ledger_export.beancount(ALL)
        words = next(lines) + next(lines)
        with live.transaction() as session:
            post(session, "own:2", clearing, own, 7, now())
        words += "".join(lines)

    assert "own:2" not in words
    assert bean_check(tmp_path, words) == ""


@pytest.mark.parametrize(
    ("first", "last"), [("2026-02-01", "2026-01-31"), ("yesterday", ""), ("", "9999-12-31")]
)
def test_a_period_that_is_none_is_refused(first, last):
    with pytest.raises(BadPeriod):
        ledger_export.period(first, last)


def test_a_period_ends_with_its_last_day():
    found = ledger_export.period("2026-01-31", "2026-01-31")

    assert found == Period(date(2026, 1, 31), date(2026, 1, 31))
    assert found.ends == datetime(2026, 2, 1, tzinfo=UTC)


def test_the_command_writes_both_files(rich, tmp_path):
    bean, sheet = tmp_path / "a.beancount", tmp_path / "a.csv"

    ran = CliRunner().invoke(
        group, ["ledger", "export", "--beancount", str(bean), "--csv", str(sheet)]
    )

    assert ran.exit_code == 0, ran.output
    assert bean_check(tmp_path, bean.read_text("utf-8")) == ""
    assert len(sheet.read_text("utf-8").splitlines()) > 10
    export = ["ledger", "export"]
    assert "Name a file" in CliRunner().invoke(group, export).output
    odd = CliRunner().invoke(group, [*export, "--csv", "-", "--first", "now"])
    assert "two days like" in odd.output


def test_an_operator_downloads_both_and_others_nothing(rich, sign_in, tmp_path):
    operator, owner = make_user(rich, "operator"), make_user(rich, "owner")
    rich.commit()
    at = "/operator/money/ledger"

    assert bean_check(tmp_path, sign_in(operator).get(f"{at}.beancount").text) == ""
    sheet = sign_in(operator).get(f"{at}.csv?first=2026-01-01&last=2026-01-31")

    assert len(list(csv.reader(io.StringIO(sheet.text)))) == 2
    assert sheet.mimetype == "text/csv"
    assert sign_in(operator).get(f"{at}.csv?first=now").status_code == 422
    for address in (f"{at}.csv", f"{at}.beancount"):
        assert sign_in(owner).get(address).status_code == 403
