"""An unexplained difference stops the payouts of its currency until it is gone or two agree."""

from datetime import timedelta

import pytest
from sqlmodel import select

from core.clock import now
from core.models import Letter
from payouts import jobs as payout_jobs
from payouts import ledger, payout_stops, reconciliation, sending, words
from payouts.books_models import EntryState, KeptEntry, PayoutStop
from payouts.models import AccountKind, Payout, PayoutState, ReconciliationState
from tests.factories.accounts import make_user
from tests.factories.payouts import eur

SAID = "A colleague paid a test card on Stripe's page; it is refunded on Friday."


def compare(desk):
    [row] = reconciliation.run(desk.rail)
    return row


def own(session, kind="platform_own"):
    return ledger.balance(session, ledger.Purse(AccountKind(kind), 0, "eur"))


@pytest.fixture
def operators(session):
    found = [make_user(session, "operator") for _ in range(2)]
    session.commit()
    return found


def drift(desk):
    """Let somebody pay at Stripe what this instance knows nothing of."""
    return desk.bench.paid(10_000)


def test_drift_stops_payouts_until_one_explains_and_another_releases(
    desk, session, jobs, operators
):
    one, two = operators
    payout = desk.payout(session)
    drift(desk)
    assert compare(desk).state is ReconciliationState.ALARM

    jobs()
    session.expire_all()
    assert session.get(Payout, payout.id).state is PayoutState.READY
    assert "differ" in words.waits_for(session.get(Payout, payout.id))
    assert desk.transfers() == []
    [stop] = payout_stops.standing(session)
    assert stop.unexplained.minor > 0
    letters = session.exec(select(Letter.template)).all()
    assert letters.count("payouts/books_differ") == 2

    with pytest.raises(payout_stops.NotExplained):
        payout_stops.release(session, stop.id, read_at=None, by=two.id, at=now())
    payout_stops.explain(session, stop.id, SAID, by=one.id, at=now())
    with pytest.raises(payout_stops.NeedsASecond):
        payout_stops.release(session, stop.id, read_at=stop.explained_at, by=one.id, at=now())
    earlier = stop.explained_at - timedelta(minutes=1)
    with pytest.raises(payout_stops.NotExplained):
        payout_stops.release(session, stop.id, read_at=earlier, by=two.id, at=now())
    payout_stops.release(session, stop.id, read_at=stop.explained_at, by=two.id, at=now())
    session.commit()
    jobs()
    session.expire_all()

    assert session.get(Payout, payout.id).state is PayoutState.SENT
    row = compare(desk)
    assert row.state is ReconciliationState.EXPLAINED
    assert payout_stops.standing(session) == []
    with pytest.raises(payout_stops.Ended):
        payout_stops.release(session, stop.id, read_at=stop.explained_at, by=one.id, at=now())


def test_a_new_difference_stops_anew_and_old_words_do_not_cover_it(desk, session, operators):
    one, two = operators
    desk.budget(session)
    drift(desk)
    compare(desk)
    [stop] = payout_stops.standing(session)
    payout_stops.explain(session, stop.id, SAID, by=one.id, at=now())
    session.commit()

    drift(desk)
    compare(desk)
    session.expire_all()
    [same] = payout_stops.standing(session)
    assert (same.id, same.explanation, len(same.findings)) == (stop.id, None, 2)

    payout_stops.explain(session, stop.id, SAID, by=one.id, at=now())
    payout_stops.release(session, stop.id, read_at=stop.explained_at, by=two.id, at=now())
    session.commit()
    drift(desk)
    assert compare(desk).state is ReconciliationState.ALARM
    [third] = payout_stops.standing(session)
    assert len(third.findings) == 1


def test_when_the_books_agree_again_payouts_go_out_by_themselves(desk, session, jobs):
    payout = desk.payout(session)
    ledger.post(
        session,
        "slip",
        [ledger.Entry("a", ledger.clearing("eur"), ledger.losses("eur"), eur(77))],
        at=now(),
        narration="a slip",
        cause="test",
    )
    session.commit()
    assert compare(desk).state is ReconciliationState.ALARM
    jobs()
    ledger.post(
        session,
        "slip-corrected",
        [ledger.Entry("a", ledger.losses("eur"), ledger.clearing("eur"), eur(77))],
        at=now(),
        narration="a slip corrected",
        cause="test",
    )
    session.commit()

    assert compare(desk).state is ReconciliationState.EQUAL
    jobs()
    session.expire_all()

    assert session.get(Payout, payout.id).state is PayoutState.SENT
    assert session.exec(select(PayoutStop)).one().released_by is None


def test_the_platforms_own_acts_are_booked_under_stripes_own_lines(desk, session):
    desk.budget(session, 100_000)
    bench = desk.bench
    bench.v1.topups.create({"amount": 5000, "currency": "eur"})
    paid = bench.v1.payouts.create({"amount": 3000, "currency": "eur"})
    bench.control("/lines", type="stripe_fee", amount=-120)
    bench.control("/lines", type="tax_fee", amount=-20)
    bench.control("/lines", type="connect_collection_transfer", amount=-700)

    row = compare(desk)

    assert row.state is ReconciliationState.EQUAL
    assert own(session) == eur(2000)
    assert own(session, "rail_fees") == eur(-1525 - 140)
    assert own(session, "losses") == eur(-700)
    bench.control(f"/payouts/{paid.id}/fail", code="account_closed")
    assert compare(desk).state is ReconciliationState.EQUAL
    session.expire_all()
    assert own(session) == eur(5000)
    assert compare(desk).state is ReconciliationState.EQUAL  # and nothing is booked twice
    kinds = {line.kind for line in session.exec(select(KeptEntry))}
    assert {"charge", "topup", "payout", "payout_failure", "stripe_fee"} <= kinds
    assert all(line.state is EntryState.BOOKED for line in session.exec(select(KeptEntry)))


def test_what_stripe_keeps_back_is_explained_and_stops_nothing(desk, session):
    desk.budget(session)
    desk.bench.control("/lines", type="reserve_hold", amount=-900)

    row = compare(desk)

    assert row.state is ReconciliationState.EXPLAINED
    assert [finding["what"] for finding in row.findings] == ["reserved"]
    desk.bench.control("/lines", type="reserve_release", amount=900)
    assert compare(desk).difference == eur(0)
    assert payout_stops.standing(session) == []


def test_a_line_that_is_killed_half_way_is_kept_and_booked_once(desk, session, monkeypatch):
    desk.budget(session)
    for _ in range(3):
        desk.bench.v1.topups.create({"amount": 1000, "currency": "eur"})
    monkeypatch.setattr(reconciliation, "BATCH", 2)
    real, calls = reconciliation._keep, []

    def dying(session, batch):
        calls.append(batch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(session, batch)

    monkeypatch.setattr(reconciliation, "_keep", dying)
    with pytest.raises(KeyboardInterrupt):
        reconciliation.run(desk.rail)

    assert compare(desk).state is ReconciliationState.EQUAL
    assert own(session) == eur(3000)


def test_stripe_away_for_a_day_leaves_nothing_out(desk, session):
    desk.budget(session)
    compare(desk)
    desk.bench.v1.topups.create({"amount": 1000, "currency": "eur"})
    desk.fault("500", path="/v1/balance_transactions", method="GET")
    assert "cannot be asked" in payout_jobs.reconcile()

    desk.pass_time(timedelta(days=1, hours=2))

    assert compare(desk).state is ReconciliationState.EQUAL
    assert own(session) == eur(1000)


def test_an_account_below_nothing_gets_nothing_and_is_told_once(desk, session, jobs):
    payout = desk.payout(session)
    account = payout.stripe_account_id or desk.bench.v1.accounts.list().data[0].id
    desk.bench.control("/lines", type="adjustment", amount=-5000, account=account)

    for _ in range(3):
        sending.send(payout.id, desk.rail)
        payout_jobs.send_due_payouts()
        desk.pass_time(timedelta(hours=7))
    jobs()
    session.expire_all()

    found = session.get(Payout, payout.id)
    assert (found.state, found.reason, found.attempt) == (
        PayoutState.BLOCKED,
        "negative_balance",
        0,
    )
    assert desk.transfers() == []
    assert "below zero" in words.waits_for(found)
    told = session.exec(select(Letter.template)).all()
    assert told.count("payouts/account_below_nothing") == 1

    desk.bench.control("/lines", type="adjustment", amount=5000, account=account)
    sending.balance_changed(session, account)
    session.commit()
    jobs()
    session.expire_all()
    assert session.get(Payout, payout.id).state is PayoutState.SENT


def test_while_an_account_cannot_be_read_nothing_is_sent(desk, session):
    payout = desk.payout(session)
    desk.fault("500", path="/v1/balance", method="GET")

    assert sending.send(payout.id, desk.rail) is PayoutState.READY
    assert sending.send(payout.id, desk.rail) is PayoutState.READY  # not due yet
    desk.pass_time(timedelta(minutes=2))
    assert sending.send(payout.id, desk.rail) is PayoutState.SENT
