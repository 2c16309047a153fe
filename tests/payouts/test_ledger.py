"""The ledger refuses what would make it wrong, whoever asks: our code or raw SQL."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from core.clock import now
from core.money import Money
from payouts import ledger
from payouts.models import Account, AccountKind, Move
from tests.factories.payouts import eur

BUDGET = ledger.budget(5, "eur")
RESERVE = ledger.reserve(5, "eur")
CLEARING = ledger.clearing("eur")


def post(session, event, *entries):
    return ledger.post(session, event, entries, at=now(), narration="test", cause="test:1")


def entry(name, debit, credit, minor):
    return ledger.Entry(name, debit, credit, Money(minor, debit.currency))


@pytest.fixture
def funded(session):
    post(session, "funded", entry("a", CLEARING, BUDGET, 1000))
    return session


def test_a_move_debits_one_account_and_credits_another(funded):
    assert ledger.balance(funded, BUDGET) == eur(1000)
    assert ledger.balance(funded, CLEARING) == eur(-1000)
    assert ledger.problems(funded) == []


def test_an_event_counts_once(funded):
    assert post(funded, "once", entry("a", BUDGET, RESERVE, 100)) is True
    assert post(funded, "once", entry("a", BUDGET, RESERVE, 100)) is False

    assert ledger.balance(funded, RESERVE) == eur(100)


def test_an_event_with_other_moves_is_our_mistake(funded):
    post(funded, "once", entry("a", BUDGET, RESERVE, 100))

    with pytest.raises(ledger.ReusedReference):
        post(funded, "once", entry("a", BUDGET, RESERVE, 101))


def test_a_group_is_posted_as_a_whole_or_not_at_all(funded):
    with pytest.raises(ledger.Overdrawn):
        post(
            funded,
            "group",
            entry("a", BUDGET, RESERVE, 600),
            entry("b", BUDGET, ledger.fees(5, "eur"), 401),
        )

    assert ledger.balance(funded, BUDGET) == eur(1000)
    assert ledger.balance(funded, RESERVE) == eur(0)


def test_a_group_counts_as_a_whole_against_the_floors(funded):
    post(
        funded,
        "through",
        entry("out", RESERVE, ledger.owed(7, "eur"), 300),
        entry("in", BUDGET, RESERVE, 300),
    )

    assert ledger.balance(funded, ledger.owed(7, "eur")) == eur(300)


@pytest.mark.parametrize(
    "broken",
    [
        ledger.Entry("zero", BUDGET, RESERVE, Money(0, "eur")),
        ledger.Entry("below", BUDGET, RESERVE, Money(-1, "eur")),
        ledger.Entry("other currency", BUDGET, ledger.reserve(5, "usd"), Money(1, "eur")),
        ledger.Entry("other amount", BUDGET, RESERVE, Money(1, "usd")),
        ledger.Entry("same account", BUDGET, BUDGET, Money(1, "eur")),
    ],
    ids=lambda one: one.name,
)
def test_an_unsound_move_is_our_mistake(funded, broken):
    with pytest.raises(ValueError, match=broken.name):
        post(funded, "broken", broken)


def refused(session, statement, **values):
    """Run raw SQL that the database must refuse; return its words."""
    with pytest.raises(IntegrityError) as error, session.begin_nested():
        session.execute(text(statement), values)
    return str(error.value.orig)


def account_id(session, purse):
    found = select(Account.id).where(
        Account.kind == purse.kind,
        Account.owner_id == purse.owner_id,
        Account.currency == purse.currency,
    )
    return session.exec(found).one()


RAW = """
    insert into ledger_move (reference, event, debit_account_id, credit_account_id, currency,
        amount, happened_at, recorded_at, narration, cause)
    values (:reference, 'raw', :debit, :credit, :currency, :amount, now(), now(), '', '')
"""


@pytest.fixture
def raw(funded):
    post(funded, "dollars", entry("a", ledger.clearing("usd"), ledger.budget(5, "usd"), 1000))
    post(funded, "reserve", entry("a", BUDGET, RESERVE, 1))
    ids = {
        "debit": account_id(funded, BUDGET),
        "credit": account_id(funded, RESERVE),
        "usd": account_id(funded, ledger.budget(5, "usd")),
    }

    def insert(**changes):
        values = {"reference": "raw", "currency": "eur", "amount": 10, **ids, **changes}
        return refused(funded, RAW, **values)

    insert.ids = ids
    return insert


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": 0}, "amount_above_zero"),
        ({"amount": -10}, "amount_above_zero"),
        ({"currency": "usd"}, "foreign key"),
        ({"credit": "usd"}, "foreign key"),
        ({"credit": "debit"}, "two_accounts"),
        ({"reference": "funded/a"}, "uq_ledger_move_reference"),
        ({"amount": 1_000_000}, "floor_holds"),
        ({"debit": 987_654_321}, "foreign key"),
    ],
    ids=str,
)
def test_the_database_refuses_an_unsound_move(raw, changes, words):
    by_name = {key: raw.ids.get(value, value) for key, value in changes.items()}

    assert words in raw(**by_name)


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_move set amount = amount + 1",
        "update ledger_move set narration = 'nothing to see'",
        "delete from ledger_move",
        "truncate ledger_move",
    ],
)
def test_a_move_is_for_ever(funded, statement):
    assert "for ever" in refused(funded, statement) or "never changed" in refused(funded, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_account set balance = balance + 1",
        "update ledger_account set floor = null",
        "update ledger_account set currency = 'usd'",
        "update ledger_account set owner_id = 6",
        "delete from ledger_account where kind = 'platform_fees'",
        "insert into ledger_account (kind, owner_id, currency, balance)"
        " values ('clearing', 9, 'eur', 5)",
    ],
)
def test_an_account_is_changed_by_moves_alone(funded, statement):
    ledger.open_accounts(funded, [ledger.fees(5, "eur")])

    assert "by moves alone" in refused(funded, statement)


def test_an_unknown_kind_of_account_is_refused(funded):
    statement = "insert into ledger_account (kind, owner_id, currency) values ('escrow', 1, 'eur')"

    assert "kind_known" in refused(funded, statement)


def test_the_check_finds_a_balance_that_does_not_follow_from_the_moves(funded):
    funded.execute(text("alter table ledger_account disable trigger all"))
    funded.execute(text("update ledger_account set balance = balance + 1 where kind = 'clearing'"))

    found = ledger.problems(funded)

    assert any("moves -1000" in problem for problem in found)
    assert any("eur sum to 1" in problem for problem in found)


def test_moves_of_an_account_come_newest_first(funded):
    post(funded, "second", entry("a", BUDGET, RESERVE, 5))

    moves = funded.exec(ledger.moves_of([BUDGET])).all()

    assert [move.event for move in moves] == ["second", "funded"]


def test_totals_are_by_currency_and_kind(funded):
    post(funded, "dollars", entry("a", ledger.clearing("usd"), ledger.budget(5, "usd"), 7))

    totals = ledger.totals(funded)

    assert totals["usd"][AccountKind.PROJECT_BUDGET] == Money(7, "usd")
    assert totals["eur"][AccountKind.CLEARING] == eur(-1000)


def test_nothing_but_the_ledger_names_the_table_of_moves():
    # STYLE: `payouts/ledger.py` alone writes Move. Others may read it.
    from pathlib import Path

    root = Path(ledger.__file__).parent.parent
    packages = ["core", "accounts", "experts", "payouts", "projects", "annotation", "interviews"]
    writers = [
        path.name
        for package in [*packages, "releases"]
        for path in (root / package).rglob("*.py")
        if "ledger_post(" in (words := path.read_text("utf-8"))
        or "insert into ledger_move" in words
        or "insert(Move" in words
        or "Move(" in words.replace("class Move(", "").replace("select(Move", "")
    ]
    assert writers == ["ledger.py"]
    assert Move.__tablename__ == "ledger_move"
