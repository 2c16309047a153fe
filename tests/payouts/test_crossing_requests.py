"""Two requests that open accounts in crossing order wait for each other: one begins anew."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

import pytest
from flask import Response, flash, get_flashed_messages
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from werkzeug.routing import Rule

from core.access import public
from core.clock import now
from core.db import db_session, transaction
from payouts import ledger
from tests.factories.payouts import eur

FIRST, SECOND = ledger.owed(71, "eur"), ledger.owed(72, "eur")


class Crossing:
    """A view that opens one new account, waits for its like, and opens the other's."""

    def __init__(self, live, *, apart=False):
        self.live, self.apart = live, apart
        self.barrier, self.lock, self.tries = Barrier(2), Lock(), [0, 0]
        live.app.url_map.add(Rule("/crossing/<int:n>", endpoint="crossing", methods=["POST"]))
        live.app.view_functions["crossing"] = public(lambda n: self.view(n))

    def view(self, n):
        mine, other = (FIRST, SECOND) if n == 0 else (SECOND, FIRST)
        with self.lock:
            self.tries[n] += 1
            is_first = self.tries[n] == 1
        if self.apart and is_first:
            with transaction() as session:
                session.execute(text("select 1"))
        session = db_session()
        flash(f"done {n}")
        ledger.open_accounts(session, [mine])
        if is_first:
            self.barrier.wait()
        entry = ledger.Entry("a", ledger.clearing("eur"), other, eur(10))
        back = ledger.Entry("b", ledger.clearing("eur"), mine, eur(1))
        entries = [back, entry]
        ledger.post(session, f"crossing:{n}:x", entries, at=now(), narration="", cause="")
        return Response("|".join(get_flashed_messages()), mimetype="text/plain")

    def both(self):
        def ask(n):
            try:
                return self.live.client().post(f"/crossing/{n}")
            except OperationalError as lost:
                return lost

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(ask, range(2)))


@pytest.fixture
def opened(live):
    with live.transaction() as session:
        ledger.open_accounts(session, [ledger.clearing("eur")])
    return live


@pytest.mark.timeout(60)
def test_the_one_that_lost_is_done_once_more_and_both_count_once(opened):
    crossing = Crossing(opened)

    answers = crossing.both()

    assert [answer.status_code for answer in answers] == [200, 200]
    assert sum(crossing.tries) >= 3  # they did wait for each other
    assert [answer.text for answer in answers] == ["done 0", "done 1"]  # said once
    with opened.transaction() as session:
        assert ledger.balance(session, FIRST) == ledger.balance(session, SECOND) == eur(11)
        assert ledger.problems(session) == []


@pytest.mark.timeout(60)
def test_one_that_may_have_committed_something_is_not_done_again(opened):
    crossing = Crossing(opened, apart=True)

    answers = crossing.both()

    lost = [one for one in answers if isinstance(one, OperationalError)]
    assert [one.orig.sqlstate for one in lost] == ["40P01"]
    assert crossing.tries == [1, 1]
    with opened.transaction() as session:
        assert ledger.balance(session, FIRST) + ledger.balance(session, SECOND) == eur(11)


def test_other_faults_are_not_tried_again(live):
    tries = []

    def view():
        tries.append(1)
        db_session().execute(text("select 1 / 0"))

    live.app.url_map.add(Rule("/broken", endpoint="broken", methods=["POST"]))
    live.app.view_functions["broken"] = public(view)
    with pytest.raises(Exception, match="division by zero"):
        live.client().post("/broken")
    assert tries == [1]
