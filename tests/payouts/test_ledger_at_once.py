"""Many connections post on the same accounts in crossing orders: nothing is lost or overdrawn."""

import random
from collections import Counter

import pytest
from sqlmodel import select

from core.clock import now
from payouts import ledger, ledger_audit
from payouts.models import Account
from tests.annotation.test_at_once import at_once
from tests.factories.payouts import eur

THREADS, EACH = 12, 25


@pytest.mark.timeout(120)
def test_crossing_orders_neither_deadlock_nor_lose_anything_nor_break_a_floor(live):
    budgets = [ledger.budget(number, "eur") for number in range(1, 4)]
    others = [ledger.reserve(1, "eur"), ledger.owed(7, "eur"), ledger.fees(2, "eur")]
    purses = [*budgets, *others]
    with live.transaction() as session:
        # Those of a project are opened with it. Opening one in the middle, by two who hold others
        # that both need, is another matter: one of them is refused, and tries again.
        ledger.open_accounts(session, [*purses, ledger.clearing("eur")])
        for number, purse in enumerate(budgets):
            funds = ledger.Entry("a", ledger.clearing("eur"), purse, eur(400))
            ledger.post(session, f"fund:{number}", [funds], at=now(), narration="", cause="")

    def worker(seed):
        def work():
            chance = random.Random(seed)
            came: Counter[ledger.Purse] = Counter()
            refused = 0
            for number in range(EACH):
                pairs = [chance.sample(purses, 2) for _ in range(chance.randrange(1, 4))]
                entries = [
                    ledger.Entry(str(n), debit, credit, eur(chance.randrange(1, 90)))
                    for n, (debit, credit) in enumerate(pairs)
                ]
                try:
                    with live.transaction() as session:
                        event = f"crossing:{seed}:{number}"
                        ledger.post(session, event, entries, at=now(), narration="", cause="")
                except ledger.Overdrawn:
                    refused += 1
                    continue
                for entry in entries:
                    came[entry.credit] += entry.amount.minor
                    came[entry.debit] -= entry.amount.minor
            return came, refused

        return work

    done = at_once([worker(seed) for seed in range(THREADS)])

    total = Counter(dict.fromkeys(budgets, 400))
    for came, _ in done:
        for purse, minor in came.items():
            total[purse] += minor
    with live.transaction() as session:
        assert ledger.problems(session) == []
        assert {p: m.minor for p, m in ledger.balances(session, purses).items()} == {
            purse: total[purse] for purse in purses
        }
    assert 0 < sum(refused for _, refused in done) < THREADS * EACH


def test_one_event_posted_by_many_at_once_counts_once(live):
    entry = ledger.Entry("a", ledger.clearing("eur"), ledger.budget(5, "eur"), eur(10))

    def work():
        with live.transaction() as session:
            return ledger.post(session, "once", [entry], at=now(), narration="", cause="")

    assert sorted(at_once([work] * 8)) == [False] * 7 + [True]
    with live.transaction() as session:
        assert ledger.balance(session, ledger.budget(5, "eur")) == eur(10)


def test_accounts_opened_by_many_at_once_are_opened_once(live):
    rounds = [[ledger.owed(ten * 10 + n, "eur") for n in range(8)] for ten in range(1, 13)]

    def work(mine):
        def open_them():
            with live.transaction() as session:
                ledger.open_accounts(session, mine)

        return open_them

    for purses in rounds:
        assert at_once([work(purses[:6]), work(purses[2:]), work(purses[::-1])]) == [None] * 3
    with live.transaction() as session:
        assert len(session.exec(select(Account)).all()) == sum(map(len, rounds))
        assert ledger_audit.problems(session) == []
