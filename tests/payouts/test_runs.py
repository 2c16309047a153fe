"""Payout runs, the second person above a limit, and what is stuck. Real SDK, real sandbox."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from accounts.models import Decision, DecisionKind
from core.clock import now
from core.models import Letter
from payouts import approvals, approving, holds, ledger, runs, sending, stuck
from payouts import jobs as payout_jobs
from payouts.cli import group
from payouts.models import Payout, PayoutState
from payouts.run_models import PayoutApproval, PayoutInRun, PayoutRun, RunState
from tests.factories.accounts import make_user
from tests.factories.payouts import (
    make_approval,
    make_budget,
    make_earning,
    make_expert,
    make_payout,
    make_rail_event,
)
from tests.payouts.conftest import new_key

WHY = holds.Cause("amount", "The sum is not what this work would pay.", "Tasks 1 to 9 of today.")


@pytest.fixture
def limits(app):
    """Set limits for a payout and a run, in cents."""
    before = app.extensions["doyen.settings"]

    def set_to(payout=None, run=None):
        changes = {
            "payout_limits": {"eur": payout} if payout is not None else {},
            "payout_run_limits": {"eur": run} if run is not None else {},
        }
        app.extensions["doyen.settings"] = before.model_copy(update=changes)

    yield set_to
    app.extensions["doyen.settings"] = before


def owed(session, *amounts, expert=make_expert):
    budget = make_budget(session, funded=900_000)
    people = [expert(session) for _amount in amounts]
    for one, amount in zip(people, amounts, strict=True):
        make_earning(session, budget, one.id, pay=amount)
    session.commit()
    return people


def only_approval(session):
    session.expire_all()
    return session.exec(select(PayoutApproval)).one()


def test_the_dry_run_says_who_is_paid_and_who_is_not_and_why(app, session, limits):
    limits(payout=5000)
    operator = make_user(session, "operator")
    *_others, held = owed(session, 1000, 6000, 100, 2000, 3000)
    unready = make_expert(session, payee=None)
    make_earning(session, make_budget(session, funded=9000), unready.id, pay=700)
    holds.withhold(session, held.id, WHY, by=operator, at=now())
    session.commit()

    [plan] = runs.plans(session, now())

    assert {str(verdict): one.amount.minor for verdict, one in plan.sums.items()} == {
        "paid": 3000,
        "approval": 6000,
        "too_little": 100,
        "account": 700,
        "withheld": 3000,
    }
    assert plan.made.count == 4
    assert session.exec(select(Payout)).all() == []


def test_a_run_pays_each_once_and_the_same_form_begins_one(desk, session, jobs):
    operator = make_user(session, "operator")
    first, second = desk.expert(session), desk.expert(session)
    budget = desk.budget(session)
    for one in (first, second):
        make_earning(session, budget, one.id, pay=1500)
    session.commit()
    key = new_key()

    run = runs.begin(session, key=key, by=operator.id, at=now())
    assert runs.begin(session, key=key, by=operator.id, at=now()).id == run.id
    assert runs.begin(session, key=new_key(), by=operator.id, at=now()).id == run.id
    session.commit()
    jobs()
    assert runs.make(run.id) == 0

    session.expire_all()
    assert session.get(PayoutRun, run.id).state is RunState.MADE
    assert session.get(PayoutRun, run.id).totals["eur"] == {
        "planned": 3000,
        "count": 2,
        "minor": 3000,
    }
    assert len(session.exec(select(PayoutInRun)).all()) == 2
    assert len(desk.transfers()) == 2
    assert ledger.problems(session) == []


def test_a_killed_run_is_taken_up_where_it_stood(session, jobs, monkeypatch):
    owed(session, 1000, 2000, 3000)
    run = runs.begin(session, key=new_key(), by=make_user(session, "operator").id, at=now())
    session.commit()
    real, made = runs._make_one, []

    def dies_at_the_second(*args):
        if made:
            raise KeyboardInterrupt
        made.append(real(*args))
        return made[-1]

    monkeypatch.setattr(runs, "_make_one", dies_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        runs.make(run.id)
    monkeypatch.setattr(runs, "_make_one", real)

    assert payout_jobs.take_up_runs() == 1
    assert runs.make(run.id) == 2
    session.expire_all()
    assert sorted(one.amount_minor for one in session.exec(select(Payout))) == [1000, 2000, 3000]
    assert payout_jobs.take_up_runs() == 0


def test_above_the_limit_nothing_leaves_before_a_second_person_agrees(desk, session, jobs, limits):
    limits(payout=1000)
    operator, other = make_user(session, "operator"), make_user(session, "operator")
    expert = desk.expert(session)
    make_earning(session, desk.budget(session), expert.id, pay=1500)
    session.commit()
    runs.begin(session, key=new_key(), by=operator.id, at=now())
    session.commit()

    jobs()
    assert desk.transfers() == []
    approval = only_approval(session)
    letters = session.exec(select(Letter).where(Letter.template == "payouts/approval_needed"))
    assert [letter.user_id for letter in letters] == [other.id]
    with pytest.raises(approving.SecondPersonNeeded):
        approving.approve(session, approval.id, "Looked at it", by=operator, at=now())
    session.rollback()

    for _click in range(2):
        approving.approve(session, approval.id, "Looked at all tasks", by=other, at=now())
        session.commit()
    jobs()

    [transfer] = desk.transfers()
    assert transfer.amount == 1500
    with pytest.raises(approving.AnsweredBefore):
        approving.refuse(session, approval.id, WHY, by=other, at=now())


def test_the_database_itself_refuses_to_send_over_the_limit(session, limits):
    limits(payout=1000)
    approvals.most(session, "eur")
    payout = make_payout(session, make_expert(session).id, amount=1001)
    payout.state, payout.sending_at = PayoutState.SENDING, now()

    with pytest.raises(IntegrityError, match="second person"):
        session.flush()
    session.rollback()


def test_the_database_refuses_the_answer_of_who_asked_or_is_paid(session):
    expert, operator = make_expert(session), make_user(session, "operator")
    approval = make_approval(session, make_payout(session, expert.id), asked_by=operator.id)
    session.commit()
    for answering in (operator, expert):
        approval.answered_by, approval.answered_at = answering.id, now()
        approval.approved, approval.words = True, "It is fine"
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_a_refusal_is_a_decision_and_lifting_it_asks_anew(desk, session, jobs, limits):
    limits(payout=1000)
    other = make_user(session, "operator")
    payout = desk.payout(session, amount=1500)
    jobs()
    approval = only_approval(session)

    approving.refuse(session, approval.id, WHY, by=other, at=now())
    session.commit()
    jobs()
    session.expire_all()
    decision = session.exec(select(Decision)).one()
    assert decision.kind is DecisionKind.PAYOUT_WITHHELD
    assert decision.contest_until > now()
    assert session.get(Payout, payout.id).state is PayoutState.BLOCKED

    holds.lift(session, payout.expert_id, by=other, at=now())
    session.commit()
    jobs()
    session.expire_all()
    assert desk.transfers() == []
    waiting = approvals.live(session, payout.id)
    assert waiting is not None
    assert waiting.answered_at is None
    approving.approve(session, waiting.id, "It is right after all", by=other, at=now())
    session.commit()
    jobs()
    assert len(desk.transfers()) == 1


def test_a_run_over_its_limit_waits_and_one_answer_lets_all_leave(desk, session, jobs, limits):
    limits(run=2000)
    other = make_user(session, "operator")
    budget = desk.budget(session)
    for one in (desk.expert(session), desk.expert(session)):
        make_earning(session, budget, one.id, pay=1500)
    session.commit()
    run = runs.begin(session, key=new_key(), by=make_user(session, "operator").id, at=now())
    session.commit()
    jobs()
    assert desk.transfers() == []

    assert approving.approve_run(session, run.id, "Known projects", by=other, at=now()) == 2
    session.commit()
    jobs()

    assert len(desk.transfers()) == 2


def test_an_expert_is_told_only_after_a_day_and_once(desk, session, jobs, limits):
    limits(payout=1000)
    desk.payout(session, amount=1500)
    jobs()
    assert payout_jobs.tell_of_waiting_approvals() == 0
    desk.ahead = timedelta(hours=25)

    assert payout_jobs.tell_of_waiting_approvals() == 1
    assert payout_jobs.tell_of_waiting_approvals() == 0
    letters = session.exec(select(Letter).where(Letter.template == "payouts/approval_waits")).all()
    assert "takes longer" in letters[0].subject


def test_a_payout_within_the_limit_needs_nobody(desk, session, limits):
    limits(payout=1000)
    payout = desk.payout(session, amount=1000)

    assert sending.send(payout.id, desk.rail) is PayoutState.SENT


def test_what_is_stuck_is_listed_by_age_and_what_was_seen_is_not(session):
    operator, expert = make_user(session, "operator"), make_expert(session)
    old = now() - timedelta(days=5)
    make_payout(session, expert.id, state=PayoutState.WAITING_FUNDS, requested_at=old)
    make_payout(session, expert.id, state=PayoutState.FAILED, ended_at=now())
    make_rail_event(session, state="failed", received_at=old - timedelta(days=1))
    session.flush()

    rows = session.execute(stuck.listed(now())).all()
    assert [row.kind for row in rows] == ["news", "waiting", "failed"]
    stuck.see(session, rows[2].subject, by=operator.id, at=now())
    stuck.see(session, rows[2].subject, by=operator.id, at=now())
    assert stuck.counts(session, now())[0] == 2


def test_the_pages_work_for_an_operator(desk, session, sign_in, jobs, limits):
    limits(payout=1000)
    asking, other = make_user(session, "operator"), make_user(session, "operator")
    expert = desk.expert(session)
    make_earning(session, desk.budget(session), expert.id, pay=1500)
    session.commit()
    client = sign_in(asking)
    for address in ("runs", "runs/plan", "approvals", "stuck", "events"):
        assert client.get(f"/operator/money/{address}").status_code == 200
    key = new_key()

    for _click in range(2):
        made = client.post("/operator/money/runs", data={"key": key})
        assert made.status_code == 302
    jobs()
    assert session.exec(select(PayoutRun)).one().begun_by == asking.id
    page = client.get(made.location)
    assert "Needs approval" in page.text
    approval = only_approval(session)
    address = f"/operator/money/approvals/{approval.id}"
    assert client.post(f"{address}/approve", data={"words": "fine by me"}).status_code == 403

    client = sign_in(other)
    assert "€15.00" in client.get(address).text
    assert client.post(f"{address}/approve", data={"words": ""}).status_code == 422
    for _click in range(2):
        answer = client.post(f"{address}/approve", data={"words": "Looked at it"})
        assert answer.status_code == 302
    jobs()
    assert len(desk.transfers()) == 1


def test_the_command_says_what_a_run_would_do_and_does_nothing(desk, session):
    owed(session, 1500, 100)

    said = CliRunner().invoke(group, ["payout-plan"]).output

    assert "15.00 EUR  Is sent" in said
    assert "below the least amount" in said
    assert "EUR: 1 payouts, 15.00 in all" in said
    assert "0.00 available at Stripe" in said
    assert session.exec(select(Payout)).all() == []
