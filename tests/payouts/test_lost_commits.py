"""The database's connection lost exactly at a commit: whole or absent, said, and once after.

Every form is walked by `make prove P=payouts`; here are those by which most money moves, and what
moves money without a form.
"""

import itertools
from contextlib import suppress

import pytest
from click.testing import CliRunner
from sqlalchemy.exc import DBAPIError
from sqlmodel import func, select

from core import jobs
from core.clock import now
from core.db import transaction
from core.models import AuditEvent, Letter
from payouts import cli, deposits, disputes, ledger_audit, reversals, sending
from payouts.invoice_models import Invoice
from payouts.models import Deposit, Move, Payout
from proofs import money_forms
from proofs.payout_crashes import losing, terminated, unheard
from tests.factories.accounts import make_user
from tests.factories.books import make_reversal
from tests.factories.payouts import make_budget, make_earning, make_expert
from tests.payouts.conftest import a_desk

FORMS = {
    "payouts.begin_deposit",
    "bonuses.give_bonus",
    "annotation.claim",
    "annotation_owner.decide[0]",  # accepted
    "annotation_owner.decide[2]",  # accepted in part
    "payouts.request_payout",
    "payouts.agree_to_reversal[1]",
    "payouts.release_stop",
}


@pytest.mark.timeout(300)
def test_a_click_whose_commit_is_lost_is_whole_or_absent_and_the_next_does_it_once(live, tmp_path):
    with a_desk(live.app, tmp_path, instant_settlement=True) as desk:
        lost = money_forms.lose_commits(live, desk, tmp_path, FORMS)

    assert lost.gaps == []
    assert lost.commits >= 2 * lost.forms


class Money:
    """Acts of money that no form sends, each made anew for every commit that is lost."""

    def __init__(self, live, desk):
        self.live, self.desk = live, desk
        with live.transaction() as session:
            self.expert = desk.expert(session).id
            self.budget = desk.budget(session, 900_000)
            self.operator = make_user(session, "operator").email

    def correction(self, session):
        budget = make_budget(session, funded=5000)
        event = session.exec(
            select(Move.event).where(Move.event.like("deposit%")).order_by(Move.id.desc())
        ).first()
        assert budget
        given = ["ledger", "correct", event, "--by", self.operator, "--reason", "a slip"]
        return lambda: CliRunner().invoke(cli.group, given, catch_exceptions=False)

    def deposit(self, session):
        owner = make_user(session, "owner")
        made = deposits.open(
            session,
            self.budget.project_id,
            money_forms.Money(5000, "eur"),
            key=money_forms.new_key(),
            by=owner.id,
            at=now(),
        )
        session.commit()
        deposits.begin(made.id, self.desk.rail, title="Budget", back_to="http://localhost/back")
        session.refresh(made)
        self.desk.bench.control(f"/checkout/{made.stripe_checkout_id}/pay")
        return lambda: deposits.reread(made.id, self.desk.rail)

    def dispute(self, session):
        budget = self.desk.budget(session, 5000)
        charge = session.exec(
            select(Deposit.stripe_charge_id).where(Deposit.project_id == budget.project_id)
        ).one()
        found = self.desk.bench.control(f"/charges/{charge}/dispute")["id"]
        self.desk.bench.control(f"/disputes/{found}/close", outcome="lost")
        return lambda: disputes.reread(found, self.desk.rail)

    def taking_back(self, session):
        from payouts import requests

        make_earning(session, self.budget, self.expert, pay=1000)
        thousand = money_forms.Money(1000, "eur")
        payout = requests.on_demand(
            session, self.expert, thousand, key=money_forms.new_key(), at=now()
        )
        session.commit()
        sending.send(payout.id, self.desk.rail)
        session.refresh(payout)
        row = make_reversal(session, payout)
        reversals.agree(session, row.id, by=make_user(session, "operator"), at=now())
        return lambda: reversals.ask(row.id, self.desk.rail)

    def invoices(self, session):
        with money_forms.last_month(self.desk):
            budget = make_budget(session, funded=5000)
            make_earning(session, budget, make_expert(session).id, pay=700)
        return lambda: jobs.run(self.live.app, "payouts.issue_invoices")


ACTS = ("correction", "deposit", "dispute", "taking_back", "invoices")
COUNTED = (Move, AuditEvent, Letter, Invoice, Payout)


@pytest.mark.timeout(300)
def test_an_act_without_a_form_whose_commit_is_lost_is_done_once_by_the_next_try(live, tmp_path):
    with a_desk(live.app, tmp_path, instant_settlement=True) as desk:
        desk.rail.client = desk.bench.client(money_forms.stripe.RequestsClient(timeout=10))
        money = Money(live, desk)
        wrong, count = [], 0
        for act in ACTS:
            made = did(live, money, act, None, None)
            assert any(made), act
            for way in (terminated, unheard):
                for number in itertools.count(1):
                    found = did(live, money, act, number, way)
                    if found is None:
                        break
                    count += 1
                    if found != made:
                        wrong.append(f"{act}, commit {number} {way.__name__}: {found}, not {made}")
        with live.transaction() as session:
            wrong += ledger_audit.problems(session)

    assert wrong == []
    assert count >= 2 * len(ACTS)


def did(live, money, act, number, way):
    """Do an act, lose a commit of it, do it again; return how many rows it has made in all."""
    with live.transaction() as session:
        do = getattr(money, act)(session)
    before = rows(live)
    if number is not None:
        with (
            losing(live.engine, number, way) as lost,
            live.app.app_context(),
            suppress(DBAPIError),
        ):
            do()
        if not lost:
            return None
    with live.app.app_context():
        do()
    return tuple(after - one for after, one in zip(rows(live), before, strict=True))


def rows(live):
    with live.app.app_context(), transaction() as session:
        return [session.exec(select(func.count()).select_from(one)).one() for one in COUNTED]
