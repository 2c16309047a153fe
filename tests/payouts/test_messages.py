"""The operator's pages of what Stripe told: filters, what came of it, and looking again."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core.clock import now
from core.models import AuditEvent
from payouts import jobs as payout_jobs
from payouts import news
from payouts.models import RailEvent, RailEventState
from tests.factories.accounts import make_user
from tests.factories.payouts import make_rail_event


@pytest.fixture
def operator(session, sign_in):
    return sign_in(make_user(session, "operator"))


def failing_reading(monkeypatch):
    class Odd(Exception):
        pass

    def fails(_event, _rail):
        raise Odd("a value of somebody")

    monkeypatch.setitem(news.READINGS, "balance.available", fails)
    return Odd


def test_the_list_is_filtered_and_says_when_there_is_nothing(session, operator):
    assert "Stripe has told nothing yet" in operator.get("/operator/money/messages").text
    make_rail_event(session, kind="payout.paid", stripe_account_id="acct_1", outcome="1 paid")
    make_rail_event(session, kind="balance.available")
    session.commit()

    page = operator.get("/operator/money/messages?kind=payout.&account=acct_1&state=waiting").text
    assert "payout.paid" in page
    assert "1 paid" in page
    assert "balance.available" not in page
    for odd in ("kind=%25", "state=odd&account=acct_1", "since=never&kind=payout", "page=99999"):
        assert operator.get(f"/operator/money/messages?{odd}").status_code == 200
    assert "No message is like that" in operator.get("/operator/money/messages?kind=%25").text


def test_what_can_never_be_read_ends_in_the_open_and_can_be_looked_into_again(
    desk, session, operator, monkeypatch, jobs
):
    odd = failing_reading(monkeypatch)
    row = make_rail_event(session, kind="balance.available", tries=news.MOST_TRIES - 2)
    session.commit()

    for state in (RailEventState.WAITING, RailEventState.FAILED):
        with pytest.raises(odd):
            payout_jobs.look_into(row.id)
        session.expire_all()
        assert session.get(RailEvent, row.id).state is state

    assert session.get(RailEvent, row.id).outcome == "Odd"  # the kind of mistake, and no value
    assert payout_jobs.take_up_news() == 0
    assert "were given up" in operator.get("/operator/money").text
    assert "nobody looks any more" in operator.get(f"/operator/money/messages/{row.id}").text
    monkeypatch.undo()
    for _twice in range(2):
        operator.post(f"/operator/money/messages/{row.id}/again")
    jobs()

    session.expire_all()
    again = session.get(RailEvent, row.id)
    assert (again.state, again.tries) == (RailEventState.HANDLED, 1)
    acts = session.exec(
        select(AuditEvent.action).where(AuditEvent.subject == f"rail_event:{row.id}")
    )
    assert set(acts) == {"rail_event.replayed"}


def test_all_that_was_given_up_lately_is_looked_into_again(desk, session, operator, jobs):
    lately, older = (
        make_rail_event(
            session,
            kind="balance.available",
            state=RailEventState.FAILED,
            received_at=now() - timedelta(days=days),
        )
        for days in (2, 40)
    )
    session.commit()

    page = operator.post("/operator/money/messages/again", follow_redirects=True).text
    assert "One message is looked into again." in page
    jobs()

    session.expire_all()
    assert session.get(RailEvent, lately.id).state is RailEventState.HANDLED
    assert session.get(RailEvent, older.id).state is RailEventState.FAILED
    page = operator.post("/operator/money/messages/again", follow_redirects=True).text
    assert "No message was given up." in page


def test_a_message_that_is_not_for_us_is_kept_and_left_alone(session, operator):
    row = make_rail_event(session, kind="customer.created", state=RailEventState.IGNORED)
    session.commit()

    page = operator.post(f"/operator/money/messages/{row.id}/again", follow_redirects=True).text

    assert "kept and not acted upon" in page
    session.expire_all()
    assert session.get(RailEvent, row.id).state is RailEventState.IGNORED


def test_each_try_waits_longer_than_the_one_before(session):
    waits = []
    for tries in range(news.MOST_TRIES):
        row = make_rail_event(session, tries=tries, tried_at=now())
        waits.append(news.next_look(row) - row.tried_at)

    assert waits == sorted(waits)
    assert timedelta(days=2) < sum(waits, timedelta()) < timedelta(days=4)


def test_what_stripe_could_not_bring_is_fetched_or_said_to_be_out_of_reach(desk, operator):
    fetched = operator.post("/operator/money/messages/collect", follow_redirects=True).text
    assert "Stripe has nothing that we do not know." in fetched
    desk.fault("500", path="/v1/events", method="GET", times=9)

    away = operator.post("/operator/money/messages/collect", follow_redirects=True).text
    assert "Nothing was fetched" in away


@pytest.mark.parametrize("path", ["/operator/money/messages", "/operator/money/messages/evt_1"])
def test_nobody_but_an_operator_reads_them(session, sign_in, path):
    for role in ("expert", "owner"):
        assert sign_in(make_user(session, role)).get(path).status_code == 403
