"""Disputes: read again in any order, booked once, the project frozen, earned pay never touched."""

import json
from datetime import timedelta

import pytest
from sqlmodel import select

from accounts.models import User, WebhookMessage
from annotation.models import Assignment
from core.clock import now
from core.models import AuditEvent, Letter
from core.ports import RailDispute, RailEntry, RailNews
from payouts import attention, budgets, disputes, health, ledger, news, reconciliation, sending
from payouts import jobs as payout_jobs
from payouts.dispute_models import Dispute, DisputeState
from payouts.models import (
    AccountKind,
    Deposit,
    DepositState,
    PayoutState,
    ProjectBudget,
    ReconciliationState,
)
from projects.models import Invitation
from tests.factories.accounts import make_member, make_organisation, make_user
from tests.factories.annotation import make_desk
from tests.factories.books import make_dispute
from tests.factories.payouts import eur, make_budget, make_earning, make_reservation
from tests.factories.webhooks import make_endpoint
from tests.payouts.test_budgets import at_once

FEE = eur(1500)


class Contested:
    """A project whose only payment is disputed, with a pair of hands for the bank."""

    def __init__(self, desk, session, *, amount=50_000, **how):
        self.desk, self.session = desk, session
        self.budget = desk.budget(session, amount)
        self.charge = session.exec(
            select(Deposit.stripe_charge_id).where(Deposit.project_id == self.budget.project_id)
        ).one()
        self.id = desk.bench.control(f"/charges/{self.charge}/dispute", **how)["id"]

    def reread(self):
        found = disputes.reread(self.id, self.desk.rail)
        self.session.expire_all()
        return found

    def bank(self, path, **how):
        self.desk.bench.control(f"/disputes/{self.id}/{path}", **how)
        return self.reread()

    @property
    def available(self):
        return budgets.available(self.session, self.budget.project_id)


def in_account(session, kind):
    return ledger.balance(session, ledger.Purse(AccountKind(kind), 0, "eur"))


def letters(session):
    return sorted(letter.template for letter in session.exec(select(Letter)))


def books_are_equal(desk):
    [row] = reconciliation.run(desk.rail)
    return row.state is ReconciliationState.EQUAL


def test_a_dispute_takes_the_money_aside_and_freezes_the_project(desk, session):
    make_user(session, "operator")
    case = Contested(desk, session)

    found = case.reread()

    assert (found.state, found.project_id) == (DisputeState.TO_ANSWER, case.budget.project_id)
    assert found.due_at > now()
    assert in_account(session, "disputes") == eur(-50_000)
    assert in_account(session, "rail_fees") == -(eur(775) + FEE)
    assert case.available == eur(50_000)
    with pytest.raises(budgets.Frozen), session.begin_nested():
        make_reservation(session, case.budget)
    assert books_are_equal(desk)
    assert {"payouts/dispute_opened", "payouts/dispute_to_answer"} <= set(letters(session))


def test_work_in_hand_goes_on_and_earned_pay_leaves_while_frozen(desk, session):
    expert = desk.expert(session)
    budget = desk.budget(session, 50_000)
    row = make_reservation(session, budget, pay=3000, fee=300, expert_id=expert.id)
    session.commit()
    charge = session.exec(
        select(Deposit.stripe_charge_id).where(Deposit.project_id == budget.project_id)
    ).one()
    desk.budget(session, 100_000)  # other money at the rail
    made = desk.bench.control(f"/charges/{charge}/dispute")
    disputes.reread(made["id"], desk.rail)

    from payouts import earnings, requests
    from tests.payouts.conftest import new_key

    earnings.earn(session, budget.project_id, row.assignment_id, expert.id, now())
    payout = requests.on_demand(session, expert.id, eur(3000), key=new_key(), at=now())
    session.commit()

    assert sending.send(payout.id, desk.rail) is PayoutState.SENT


def test_a_won_dispute_brings_the_money_back_and_the_project_goes_on(desk, session):
    case = Contested(desk, session)
    case.reread()

    found = case.bank("close", outcome="won")

    assert (found.state, found.borne_minor, found.lost_minor) == (DisputeState.WON, 0, 0)
    assert in_account(session, "disputes") == eur(0)
    assert case.available == eur(50_000)
    make_reservation(session, case.budget)
    session.commit()
    assert books_are_equal(desk)


def test_a_lost_dispute_is_borne_by_what_is_unspent_and_the_rest_is_our_loss(desk, session):
    case = Contested(desk, session)
    expert = desk.expert(session)
    session.get_one(type(case.budget), case.budget.project_id)
    make_earning(session, case.budget, expert.id, pay=20_000, fee=3000)
    session.commit()
    case.reread()

    found = case.bank("close", outcome="lost")

    assert (found.borne, found.lost) == (eur(27_000), eur(23_000))
    assert case.available == eur(0)
    assert in_account(session, "losses") == eur(-23_000)
    assert in_account(session, "disputes") == eur(0)
    assert ledger.balance(session, ledger.owed(expert.id, "eur")) == eur(20_000)
    summary = budgets.summary(session, case.budget.project_id)
    assert (summary.funded, summary.spent) == (eur(23_000), eur(20_000))
    assert not budgets.is_frozen(session, case.budget.project_id)
    assert books_are_equal(desk)
    assert ledger.problems(session) == []


def test_a_lost_dispute_that_is_won_late_is_given_back_to_whom_it_was_taken_from(desk, session):
    case = Contested(desk, session)
    make_earning(session, case.budget, desk.expert(session).id, pay=20_000, fee=3000)
    session.commit()
    case.reread()
    case.bank("close", outcome="lost")

    found = case.bank("close", outcome="won")

    assert (found.state, found.borne_minor, found.lost_minor) == (DisputeState.WON, 0, 0)
    assert case.available == eur(27_000)
    assert in_account(session, "losses") == eur(0)
    assert books_are_equal(desk)


def test_an_inquiry_moves_no_money_and_freezes_nothing(desk, session):
    case = Contested(desk, session, inquiry=True)

    assert case.reread().state is DisputeState.INQUIRY
    assert in_account(session, "disputes") == eur(0)
    make_reservation(session, case.budget)
    session.commit()

    assert case.bank("escalate").state is DisputeState.TO_ANSWER
    assert in_account(session, "disputes") == eur(-50_000)
    assert budgets.is_frozen(session, case.budget.project_id)


def test_an_inquiry_that_is_closed_changes_nothing(desk, session):
    case = Contested(desk, session, inquiry=True)
    case.reread()

    assert case.bank("close", outcome="won").state is DisputeState.INQUIRY_CLOSED
    assert in_account(session, "disputes") == eur(0)
    assert books_are_equal(desk)


def test_two_disputes_of_one_charge_and_parts_of_it_stand_apart(desk, session):
    case = Contested(desk, session, amount=50_000)
    first = case.bank("close", outcome="lost")
    # The sandbox lets the bank ask for what is left only, so the first one took a part.
    assert first.amount == eur(50_000)

    other = Contested(desk, session, amount=20_000)
    other_budget = other.budget
    other.reread()
    assert not budgets.is_frozen(session, case.budget.project_id)
    assert budgets.is_frozen(session, other_budget.project_id)


def test_parts_of_one_payment_freeze_until_the_last_is_decided(desk, session):
    budget = desk.budget(session, 50_000)
    charge = session.exec(select(Deposit.stripe_charge_id)).one()
    one, two = (
        desk.bench.control(f"/charges/{charge}/dispute", amount=amount)["id"]
        for amount in (10_000, 15_000)
    )
    for dispute_id in (one, two):
        disputes.reread(dispute_id, desk.rail)
    assert in_account(session, "disputes") == eur(-25_000)

    desk.bench.control(f"/disputes/{one}/close", outcome="lost")
    disputes.reread(one, desk.rail)
    session.expire_all()
    assert budgets.available(session, budget.project_id) == eur(40_000)
    assert budgets.is_frozen(session, budget.project_id)

    desk.bench.control(f"/disputes/{two}/close", outcome="won")
    disputes.reread(two, desk.rail)
    session.expire_all()
    assert budgets.available(session, budget.project_id) == eur(40_000)
    assert not budgets.is_frozen(session, budget.project_id)
    assert books_are_equal(desk)


def test_a_dispute_after_a_refund_takes_what_is_left(desk, session):
    budget = desk.budget(session, 50_000)
    charge = session.exec(select(Deposit.stripe_charge_id)).one()
    desk.bench.v1.refunds.create({"charge": charge, "amount": 20_000})

    made = desk.bench.control(f"/charges/{charge}/dispute")
    found = disputes.reread(made["id"], desk.rail)

    assert found.amount == eur(30_000)
    assert in_account(session, "disputes") == eur(-30_000)
    assert budgets.is_frozen(session, budget.project_id)


def test_a_dispute_of_a_payment_that_is_not_booked_yet_still_finds_its_project(desk, session):
    case = Contested(desk, session)
    deposit = session.exec(select(Deposit)).one()
    deposit.state, deposit.stripe_charge_id = DepositState.OPEN, None
    session.commit()

    assert case.reread().project_id == case.budget.project_id


def test_a_dispute_of_a_strange_payment_is_the_platforms(desk, session):
    intent = desk.bench.paid(10_000)
    made = desk.bench.control(f"/charges/{intent.latest_charge.id}/dispute")

    found = disputes.reread(made["id"], desk.rail)
    desk.bench.control(f"/disputes/{made['id']}/close", outcome="lost")
    found = disputes.reread(made["id"], desk.rail)

    assert (found.project_id, found.lost) == (None, eur(10_000))


def test_news_in_any_order_and_twice_comes_to_the_same(desk, session):
    case = Contested(desk, session)
    early = desk.rail.dispute(case.id)
    desk.bench.control(f"/disputes/{case.id}/close", outcome="lost")
    late = desk.rail.dispute(case.id)

    for told in (late, early, early, late):
        disputes.record(session, told, at=now())
        session.commit()
    session.expire_all()

    [row] = session.exec(select(Dispute)).all()
    assert (row.state, row.borne) == (DisputeState.LOST, eur(50_000))
    assert case.available == eur(0)
    assert letters(session).count("payouts/dispute_closed") == 1
    assert "payouts/dispute_opened" not in letters(session)
    assert ledger.problems(session) == []


def test_the_webhook_is_a_hint_to_read_again(desk, session, jobs):
    case = Contested(desk, session)
    for event in reversed(desk.bench.v1.events.list({"limit": 10}).data):
        if event.type.startswith("charge.dispute."):
            news.store(
                session,
                RailNews(event.id, event.type, case.id, None, None, now()),
                at=now(),
            )
    session.commit()
    jobs()
    session.expire_all()

    assert session.exec(select(Dispute)).one().state is DisputeState.TO_ANSWER


def test_a_dispute_whose_news_never_came_is_found_by_the_sweep_and_by_the_books(desk, session):
    case = Contested(desk, session)
    assert payout_jobs.reread_disputes() == "1 read"
    assert budgets.is_frozen(session, case.budget.project_id)

    other = Contested(desk, session)
    assert books_are_equal(desk)
    session.expire_all()
    assert budgets.is_frozen(session, other.budget.project_id)


def test_evidence_that_is_due_soon_needs_a_person_until_it_is_sent(desk, session):
    case = Contested(desk, session)
    case.reread()
    assert attention.needed(session, at=now()) == []

    late = now() + timedelta(days=5)
    assert [need.kind for need in attention.needed(session, at=late)] == ["dispute"]
    assert case.bank("answer").state is DisputeState.REVIEWED
    assert attention.needed(session, at=late) == []


def test_four_at_once_book_a_loss_once(live):
    with live.transaction() as session:
        budget = make_budget(session, funded=50_000)
        charge = session.exec(select(Deposit.stripe_charge_id)).one()
    line = RailEntry("txn_1", "adjustment", eur(-51_500), "du_1", None, now(), FEE)
    told = RailDispute(
        "du_1", charge, None, eur(50_000), "general", "lost", False, None, now(), (line,)
    )

    def record(_number):
        with live.transaction() as session:
            disputes.record(session, told, at=now())

    assert at_once(4, record) == {"done": 4}
    with live.transaction() as session:
        assert budgets.available(session, budget.project_id) == eur(0)
        assert in_account(session, "disputes") == eur(0)
        lost = select(AuditEvent).where(AuditEvent.action == "dispute.lost")
        assert len(session.exec(lost).all()) == 1
        assert ledger.problems(session) == []


def test_whoever_claims_in_a_frozen_project_is_told_and_nothing_is_taken(session, sign_in):
    desk = make_desk(session, tasks=2)
    expert = session.get(User, desk.experts[0].user_id)
    budget = session.get_one(ProjectBudget, desk.project_id)
    make_dispute(session, budget)
    disputes.freeze(session, desk.project_id, at=now())
    session.commit()

    answer = sign_in(expert).post(f"/work/claim/{desk.project_id}")

    assert answer.status_code == 409
    assert "A payment of the owner is disputed" in answer.text
    assert session.exec(select(Assignment)).all() == []


def test_experts_read_of_a_freeze_where_they_would_start_and_where_their_money_is(session, sign_in):
    desk = make_desk(session, tasks=2)
    expert = session.get(User, desk.experts[0].user_id)
    budget = session.get_one(ProjectBudget, desk.project_id)
    make_reservation(session, budget, expert_id=expert.id)
    invitation = session.exec(select(Invitation).where(Invitation.expert_id == expert.id)).one()
    client = sign_in(expert)
    paths = ("/work", f"/invitations/{invitation.id}", "/earnings")
    said = (
        "No new tasks: a payment of its owner",
        "No new tasks at the moment",
        "no new tasks since",
    )
    for path, words in zip(paths, said, strict=True):
        assert words not in client.get(path).text

    make_dispute(session, budget)
    disputes.freeze(session, desk.project_id, at=now())
    session.commit()

    for path, words in zip(paths, said, strict=True):
        assert words in client.get(path).text
    assert f"/work/claim/{desk.project_id}" not in client.get("/work").text


def test_a_freeze_and_its_end_are_told_to_the_owners_endpoint_once(session):
    organisation = make_organisation(session)
    budget = make_budget(session, organisation_id=organisation.id)
    make_endpoint(session, organisation, events=["project.frozen", "project.unfrozen"])
    row = make_dispute(session, budget)

    for _time in range(2):
        disputes.freeze(session, budget.project_id, at=now())
    row.state, row.closed_at = DisputeState.WON, now()
    session.flush()
    for _time in range(2):
        disputes.freeze(session, budget.project_id, at=now())

    found = session.exec(select(WebhookMessage).order_by(WebhookMessage.id)).all()
    assert [one.type for one in found] == ["project.frozen", "project.unfrozen"]
    assert json.loads(found[0].body)["data"] == {"project_id": budget.project_id}


def test_the_health_page_counts_disputes_and_says_when_evidence_is_due(session):
    assert health.contested(session) == []
    row = make_dispute(session, due_at=now() + timedelta(days=6))
    [found] = health.contested(session)
    assert (found.tone, "Evidence is due by" in found.words) == ("wait", True)

    row.due_at = now() + timedelta(days=1)
    session.flush()
    [found] = health.contested(session)
    assert found.tone == "stop"

    row.has_evidence = True
    session.flush()
    [found] = health.contested(session)
    assert (found.tone, "Evidence" in found.words) == ("wait", False)


def test_an_operator_sees_the_dispute_and_an_owner_the_freeze(session, sign_in):
    organisation = make_organisation(session)
    owner, operator = make_member(session, organisation), make_user(session, "operator")
    budget = make_budget(session, organisation_id=organisation.id, funded=50_000)
    row = make_dispute(session, budget, reason="product_not_received")
    disputes.freeze(session, budget.project_id, at=now())
    session.commit()

    page = sign_in(operator).get(f"/operator/money/disputes/{row.id}")
    assert "The service was not received" in page.text
    assert row.stripe_dispute_id in page.text
    assert (
        "The project is frozen" in sign_in(owner).get(f"/projects/{budget.project_id}/budget").text
    )
