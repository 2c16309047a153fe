"""Every promise of the ledger is read again; what breaks one is said; a correction is a move."""

from dataclasses import replace
from fractions import Fraction

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlmodel import select

from core.clock import now
from core.models import AuditEvent
from core.ports import RailRefund
from payouts import attention, budgets, earnings, health, ledger, ledger_audit, refunds
from payouts.cli import group
from payouts.jobs import check_ledger
from payouts.ledger_models import LedgerCheck
from payouts.models import Move, PayoutState
from tests.factories.accounts import make_user
from tests.factories.payouts import (
    earn_part,
    eur,
    make_budget,
    make_earning,
    make_expert,
    make_ledger_check,
    make_payout,
    make_reservation,
)
from tests.factories.refunds import make_refund_part


@pytest.fixture
def rich(session):
    """A ledger with a little of everything."""
    budget = make_budget(session, funded=50_000)
    expert = make_expert(session)
    make_earning(session, budget, expert.id, pay=1000)
    held = make_reservation(session, budget)
    budgets.release(session, budget.project_id, held.assignment_id, now())
    part = make_reservation(session, budget, pay=421, fee=63)
    earn_part(session, budget.project_id, part.assignment_id, expert.id, Fraction(1, 3))
    earnings.complete(session, budget.project_id, part.assignment_id, now())
    make_reservation(session, budget)
    make_refund_part(session, budget)
    back = make_refund_part(session, budget)
    told = RailRefund("re_of_audit", "succeeded", back.amount, has_moved=True)
    for state in ("succeeded", "failed"):
        refunds.record(session, back.id or 0, replace(told, state=state), at=now())
    session.flush()
    return session


def test_a_ledger_with_a_little_of_everything_is_sound(rich):
    assert ledger_audit.problems(rich) == []


BREAKS = {
    "have not settled are 7": "update charge set settled_at = null, pending_minor = 7",
    "of refund": "update refund_part set booked_at = now() where booked_at is null",
    "set aside were": "update refund set amount_minor = amount_minor + 1",
    "returned 0": "update refund_part set state = 'failed' where state = 'ready'",
    "reserve of project": "update reservation set pay_minor = pay_minor + 1 where state = 'held'",
    "reservation": "update reservation set state = 'released' where state = 'earned'",
    "round 2": "update reservation set round = 2 where state = 'earned'",
    "deposit": "update deposit set amount_minor = amount_minor - 1",
    "floor": "update ledger_account set floor = null where kind = 'project_budget'",
    "balance": "update ledger_account set balance = balance + 1 where kind = 'clearing'",
    "is not of event": "update ledger_move set reference = 'x' || id where event like 'deposit:%'",
    "several goes": "update ledger_move set recorded_at = recorded_at + interval '1 minute'"
    " where reference like '%earned/fee'",
    "from project_reserve to expert_owed": "update ledger_move set event ="
    " replace(event, 'earned', 'released'), reference = replace(reference, 'earned', 'released')"
    " where event like '%:earned'",
}


@pytest.mark.parametrize(("words", "statement"), BREAKS.items())
def test_whoever_breaks_a_promise_past_the_triggers_is_found(rich, words, statement):
    for table in ("ledger_move", "ledger_account", "reservation", "refund", "refund_part"):
        rich.execute(text(f"alter table {table} disable trigger user"))

    rich.execute(text(statement.replace(":", r"\:")))

    assert any(words in problem for problem in ledger_audit.problems(rich))


def test_a_payout_that_the_ledger_does_not_know_is_found(rich):
    expert = make_expert(rich)
    make_payout(rich, expert.id, state=PayoutState.SENT, attempt=1, stripe_transfer_id="tr_1")
    make_payout(rich, make_expert(rich).id, state=PayoutState.UNKNOWN, attempt=1)

    found = ledger_audit.problems(rich)

    assert len([problem for problem in found if problem.startswith("payout")]) == 2


def test_the_hourly_check_is_kept_and_raises_an_alarm_once(rich, app):
    rich.commit()
    assert "0 problems" in check_ledger()
    assert [one.tone for one in health.books(rich)] == ["ok"]
    rich.execute(text("alter table deposit disable trigger user"))
    rich.execute(text("update deposit set amount_minor = amount_minor - 1"))
    rich.commit()

    assert "1 problems" in check_ledger()
    assert "1 problems" in check_ledger()

    rich.expire_all()
    [finding] = health.books(rich)
    assert (finding.tone, "one promise" in finding.words) == ("stop", True)
    [need] = [one for one in attention.needed(rich, at=now()) if one.kind == "ledger"]
    assert "deposit" in need.words
    told = rich.exec(select(AuditEvent).where(AuditEvent.action == "ledger.broken")).all()
    assert len(told) == 1
    assert len(rich.exec(select(LedgerCheck)).all()) == 3


def test_a_check_that_is_long_ago_is_said(session):
    from datetime import timedelta

    assert "Not checked yet" in health.books(session)[0].words
    make_ledger_check(session, at=now() - timedelta(days=1))

    assert health.books(session)[0].tone == "wait"


def earned_event(session):
    return session.exec(select(Move.event).where(Move.event.like("%:earned"))).first()


def test_a_correction_takes_an_event_back_once_and_changes_nothing_that_was_posted(rich):
    event = earned_event(rich)
    before = ledger.posted(rich, event)

    assert ledger.correct(rich, event, at=now(), reason="wrong expert") is True
    assert ledger.correct(rich, event, at=now(), reason="again") is False

    assert ledger.posted(rich, event) == before == ledger.posted(rich, f"correction:{event}")
    assert ledger_audit.problems(rich) == []
    assert ledger.correct(rich, f"correction:{event}", at=now(), reason="was right") is True
    assert ledger_audit.problems(rich) == []


def test_a_correction_never_breaks_a_floor(rich):
    event = rich.exec(select(Move.event).where(Move.event.like("deposit:%"))).first()

    with pytest.raises(ledger.Overdrawn):
        ledger.correct(rich, event, at=now(), reason="was never paid")
    with pytest.raises(ledger.NotPosted):
        ledger.correct(rich, "nothing:1", at=now(), reason="odd")


def correct(*arguments):
    return CliRunner().invoke(group, ["ledger", "correct", *arguments])


def test_the_command_needs_an_operator_and_a_reason_and_leaves_a_trace(rich):
    operator = make_user(rich, "operator")
    other = make_user(rich, "owner")
    event = earned_event(rich)
    rich.commit()

    nobody = correct(event, "--by", other.email, "--reason", "odd")
    silent = correct(event, "--by", operator.email, "--reason", " ")
    unknown = correct("nothing:1", "--by", operator.email, "--reason", "odd")
    done = correct(event, "--by", operator.email.upper(), "--reason", "credited twice")
    again = correct(event, "--by", operator.email, "--reason", "credited twice")

    assert "is no operator" in nobody.output
    assert "needs a reason" in silent.output
    assert "No event of this name" in unknown.output
    assert [one.exit_code for one in (nobody, silent, unknown, done, again)] == [1, 2, 1, 0, 0]
    assert "is taken back." in done.output
    assert "before" in again.output
    [told] = rich.exec(select(AuditEvent).where(AuditEvent.action == "ledger.corrected")).all()
    assert (told.by_user_id, told.details) == (
        operator.id,
        {"event": event, "reason": "credited twice"},
    )


def test_the_command_says_why_a_correction_is_refused(rich):
    operator = make_user(rich, "operator")
    event = rich.exec(select(Move.event).where(Move.event.like("deposit:%"))).first()
    rich.commit()

    refused = correct(event, "--by", operator.email, "--reason", "was never paid")

    assert "not enough money" in refused.output
    assert ledger.posted(rich, f"correction:{event}") == {}
    assert eur(0) == ledger.balance(rich, ledger.losses("eur"))
