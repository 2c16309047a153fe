"""Every form that moves money, or decides about it, handed in twice: one effect, and words.

`FORMS` says for each POST address how its form looks when somebody is about to press the button.
`require_registered(app)` walks the URL map, so that a new address without its line is told, with
what to add. `walk` then hands each form in twice in a row and twice at once, on real connections,
and compares the whole database, the sandbox, and what the ledger promises.
"""

import itertools
import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import stripe
from flask import Flask
from sqlmodel import Session, select

from accounts.models import Appeal, User
from annotation.models import State as Lease
from core.clock import now
from core.money import Money
from payouts import (
    bonus_rules,
    floors,
    holds,
    invoices,
    ledger_audit,
    payout_stops,
    reconciliation,
    requests,
    reversals,
    runs,
    sending,
)
from payouts.dispute_models import ReversalState
from payouts.models import Payout, PayoutState, ProjectBudget, RailEventState, Reservation
from payouts.run_models import ApprovalCause
from projects import bonus_rule_routes, lifecycle, steps
from projects.steps import Step
from proofs.payout_crashes import losing, terminated, unheard
from tests.conftest import Live
from tests.factories.accounts import make_member, make_owner, make_user
from tests.factories.annotation import (
    Desk as Work,
)
from tests.factories.annotation import choice, make_assignment, make_desk, make_task
from tests.factories.books import make_payout_stop, make_reversal
from tests.factories.decisions import contest, decision_of
from tests.factories.experts import make_expert as make_profile
from tests.factories.payouts import (
    make_approval,
    make_budget,
    make_deposit,
    make_earning,
    make_expert,
    make_payout,
    make_rail_event,
    make_run,
)
from tests.factories.projects import make_project
from tests.factories.topups import make_topup
from tests.payouts.conftest import Desk, new_key

WHY = "The bank has closed the account, so the money came back."
REASONS = {"code": "amount", "words": WHY, "evidence": "Tasks 1 to 9 of today, and their times."}
CAUSE = holds.Cause(**REASONS)
TAX = {
    "first_name": "Ada",
    "last_name": "Martin",
    "born_on": "1980-05-04",
    "street": "3 rue des Lilas",
    "city": "Lyon",
    "country": "FR",
    "residence_1-country": "FR",
    "residence_1-number": "30 23 217 600 053",
    "us_person": "no",
    "seen": "0",
}
# Packages whose forms all move money, or stand between people and theirs: each POST has a line.
WATCHED = (
    "payouts",
    "bonuses",
    "bonus_rules",
    "projects",
    "drafts",
    "annotation",
    "annotation_owner",
)
# Forms of these packages that move nothing, and why nobody's money depends on a second click.
BESIDE = {
    "payouts.platform_news": "signed by Stripe; tests/payouts/test_hostile_news.py",
    "payouts.payees_news": "signed by Stripe; tests/payouts/test_hostile_news.py",
    "projects.publish_guidelines": "words only",
    "projects.withdraw_invitation": "no money is set aside for an invitation",
    "drafts.create_project": "a draft has no money; its form counts once by `core.once`",
    "annotation.save_draft": "what was typed so far",
    "annotation.alive": "only notes that the page is open",
    "annotation.extend": "pay stays set aside; tests/annotation/test_shares.py presses it twice",
    "annotation_owner.import_tasks": "tasks cost nothing before they are claimed",
}
# Forms of other packages that do move money.
ELSEWHERE = ("decisions.answer",)


class NotRegistered(LookupError):
    """Forms about money that nobody hands in twice; the message says what to add."""


@dataclass(frozen=True)
class Sent:
    """A form as its button sends it: who, where to, what."""

    by: User
    path: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Ground:
    """What forms are made on: rows that are committed, and a sandbox behind the rail."""

    session: Session
    desk: Desk
    operator: User
    other: User
    payee: User  # with an account at the sandbox
    funds: ProjectBudget  # really paid in

    def owner(self, **changes: Any) -> tuple[User, ProjectBudget]:
        """Make an owner with a funded budget."""
        owner, organisation = make_owner(self.session)
        budget = make_budget(
            self.session, organisation_id=organisation.id, **({"funded": 50_000} | changes)
        )
        return owner, budget

    def earner(self, pay: int = 3000, **changes: Any) -> User:
        """Make an expert to whom something is owed."""
        expert: User = make_expert(self.session, **changes)
        make_profile(self.session, expert)
        make_earning(
            self.session, make_budget(self.session, funded=pay * 2), expert.id or 0, pay=pay
        )
        return expert

    def payout(self, **changes: Any) -> Payout:
        """Make a payout of money that is owed."""
        expert = self.earner()
        return make_payout(self.session, expert.id or 0, amount=3000, **changes)

    def sent_payout(self) -> Payout:
        """Make a payout that has really left."""
        payout = self.ready()
        sending.send(payout.id or 0, self.desk.rail)
        self.session.refresh(payout)
        assert payout.state is PayoutState.SENT, payout.reason
        return payout

    def ready(self) -> Payout:
        """Make a payout that is about to leave."""
        payee_id = self.payee.id or 0
        make_earning(self.session, self.funds, payee_id, pay=3000)
        money = Money(3000, "eur")
        payout = requests.on_demand(self.session, payee_id, money, key=new_key(), at=now())
        self.session.commit()
        return payout

    def expert_of(self, work: Work) -> User:
        """Return the first expert of a project."""
        return self.session.get_one(User, work.experts[0].user_id)


@dataclass(frozen=True)
class Form:
    """How a form is made, and what of it is not an effect.

    `notes` are tables in which each click leaves a line, because each one reads something again
    or is a word that counts anew; `may_refuse` says that the second click is told why not.
    """

    make: Callable[[Ground], Sent]
    notes: frozenset[str] = frozenset()


def _begin_deposit(on: Ground) -> Sent:
    owner, budget = on.owner(funded=0)
    path = f"/projects/{budget.project_id}/budget/fund"
    return Sent(owner, path, {"amount": "125.00", "key": new_key()})


def _go_on_paying(on: Ground) -> Sent:
    owner, budget = on.owner(funded=0)
    deposit = make_deposit(on.session, budget, state="open", opened_by=owner.id)
    deposit.stripe_checkout_id = deposit.stripe_checkout_url = None
    return Sent(owner, f"/projects/{budget.project_id}/budget/deposits/{deposit.id}/checkout")


def _agree_top_up(on: Ground) -> Sent:
    owner, budget = on.owner()
    terms = {"below": "50", "amount": "100", "month_most": "400", "agreed": "y", "key": new_key()}
    return Sent(owner, f"/projects/{budget.project_id}/budget/top-up", terms)


def _end_top_up(on: Ground) -> Sent:
    owner, budget = on.owner()
    make_topup(on.session, budget)
    return Sent(owner, f"/projects/{budget.project_id}/budget/top-up/off")


def _make_refund(on: Ground) -> Sent:
    owner, organisation = make_owner(on.session)
    budget = on.desk.budget(on.session, 5000, organisation_id=organisation.id)
    path = f"/projects/{budget.project_id}/budget/refund"
    return Sent(owner, path, {"amount": "30.00", "key": new_key()})


def _billing(on: Ground) -> Sent:
    owner, organisation = make_owner(on.session)
    said = {"legal_name": "Nordlicht", "address": "Hafen 3", "country": "DE", "vat_number": ""}
    return Sent(owner, f"/organisations/{organisation.id}/billing", said)


@contextmanager
def last_month(desk: Desk) -> Iterator[None]:
    """Let it be the middle of the month whose invoices are due."""
    before, last = desk.ahead, invoices.last_month(now())
    desk.ahead += datetime(last.year, last.month, 15, tzinfo=UTC) - now()
    try:
        yield
    finally:
        desk.ahead = before


def _make_invoices(on: Ground) -> Sent:
    owner, budget = on.owner()
    with last_month(on.desk):  # what is invoiced is what was recorded then
        make_earning(on.session, budget, make_expert(on.session).id, pay=700)
    return Sent(owner, f"/organisations/{budget.organisation_id}/invoices")


def _open_account(on: Ground) -> Sent:
    expert = make_user(on.session, "expert")
    make_profile(on.session, expert)
    return Sent(expert, "/earnings/account", {"country": "FR"})


def _request_payout(on: Ground) -> Sent:
    said = {"minor": "2500", "currency": "eur", "key": new_key()}
    return Sent(on.earner(), "/earnings/payouts", said)


def _choose_rhythm(on: Ground) -> Sent:
    return Sent(on.earner(), "/earnings/rhythm", {"rhythm": "on_demand"})


def _save_tax_details(on: Ground) -> Sent:
    return Sent(on.earner(), "/earnings/tax", TAX)


def _approve_payout(on: Ground) -> Sent:
    approval = make_approval(on.session, on.payout())
    path = f"/operator/money/approvals/{approval.id}/approve"
    return Sent(on.operator, path, {"words": "Looked at the work."})


def _refuse_payout(on: Ground) -> Sent:
    approval = make_approval(on.session, on.payout())
    return Sent(on.operator, f"/operator/money/approvals/{approval.id}/refuse", REASONS)


def _begin_run(on: Ground) -> Sent:
    for run_id in runs.unfinished(on.session):  # one is at work at a time
        runs.make(run_id)
    on.earner()
    return Sent(on.operator, "/operator/money/runs", {"key": new_key()})


def _approve_run(on: Ground) -> Sent:
    run = make_run(on.session, begun_by=on.other.id)
    for payout in (on.payout(), on.payout()):
        make_approval(
            on.session, payout, cause=ApprovalCause.RUN, run_id=run.id, asked_by=on.other.id
        )
    return Sent(on.operator, f"/operator/money/runs/{run.id}/approve", {"words": "All read."})


def _withhold(on: Ground) -> Sent:
    return Sent(on.operator, f"/operator/money/experts/{on.earner().id}/withhold", REASONS)


def _send_again(on: Ground) -> Sent:
    expert = on.earner()
    holds.withhold(on.session, expert.id or 0, CAUSE, by=on.other, at=now())
    make_payout(
        on.session, expert.id or 0, amount=3000, state=PayoutState.BLOCKED, reason="withheld"
    )
    return Sent(on.operator, f"/operator/money/experts/{expert.id}/send-again")


def _try_now(on: Ground) -> Sent:
    later = now() + timedelta(hours=2)
    waiting = on.payout(
        state=PayoutState.WAITING_FUNDS, reason="balance_insufficient", try_at=later
    )
    return Sent(on.operator, f"/operator/money/payouts/{waiting.id}/try")


def _look_now(on: Ground) -> Sent:
    """A payout whose answer was lost on its way: the rail has it."""
    payout = on.ready()
    on.desk.fault("lose_answer")
    assert sending.send(payout.id or 0, on.desk.rail) is PayoutState.UNKNOWN
    on.session.refresh(payout)
    return Sent(on.operator, f"/operator/money/payouts/{payout.id}/look")


def _propose_take_back(on: Ground) -> Sent:
    payout = on.sent_payout()
    cause = {"code": "not_reached", "words": WHY, "evidence": "Stripe’s page says account_closed."}
    data = cause | {"amount": "30.00", "key": new_key()}
    return Sent(on.operator, f"/operator/money/payouts/{payout.id}/take-back", data)


def _agree_to_reversal(on: Ground) -> Sent:
    row = make_reversal(on.session, on.sent_payout(), proposed_by=on.other.id)
    return Sent(on.operator, f"/operator/money/reversals/{row.id}/agree")


def _withdraw_reversal(on: Ground) -> Sent:
    row = make_reversal(on.session, on.sent_payout(), proposed_by=on.other.id)
    return Sent(on.operator, f"/operator/money/reversals/{row.id}/withdraw")


def _found(on: Ground) -> Any:
    made = {"cause": None, "words": None, "evidence": None, "proposed_by": None}
    line = {"stripe_reversal_id": f"trr_{uuid4().hex}", "stripe_entry_id": f"txn_{uuid4().hex}"}
    return make_reversal(on.session, on.sent_payout(), state=ReversalState.FOUND, **made, **line)


def _say_reversal(on: Ground) -> Sent:
    said = {"code": "not_reached", "words": WHY, "evidence": "Stripe’s page says account_closed."}
    return Sent(on.operator, f"/operator/money/reversals/{_found(on).id}/say", said)


def _agree_to_found(on: Ground) -> Sent:
    row = _found(on)
    cause = reversals.Cause("not_reached", WHY, "Stripe's page says account_closed.")
    reversals.say(on.session, row.id, cause, by=on.other, at=now())
    return Sent(on.operator, f"/operator/money/reversals/{row.id}/agree")


def _explain_stop(on: Ground) -> Sent:
    stop = _stop(on)
    return Sent(on.operator, f"/operator/money/stops/{stop.id}/explain", {"words": WHY})


def _release_stop(on: Ground) -> Sent:
    stop = _stop(on, explanation=WHY, by=on.other.id)
    read = {"read_at": stop.explained_at.isoformat()}
    return Sent(on.operator, f"/operator/money/stops/{stop.id}/release", read)


def _stop(on: Ground, **how: Any) -> Any:
    # Each in a currency of its own: one stop of a currency stands at a time.
    codes = iter(("sek", "nok", "dkk", "pln", "czk", "huf", "ron", "isk", "hkd", "sgd", "nzd"))
    standing = payout_stops.currencies(on.session)
    return make_payout_stop(
        on.session, currency=next(code for code in codes if code not in standing), **how
    )


def _replay_event(on: Ground) -> Sent:
    event = make_rail_event(
        on.session, kind="balance.available", object_id="bal", state=RailEventState.FAILED
    )
    return Sent(on.operator, f"/operator/money/events/{event.id}/replay")


def _replay_failed(on: Ground) -> Sent:
    make_rail_event(
        on.session, kind="balance.available", object_id="bal", state=RailEventState.FAILED
    )
    since = {"since": (now() - timedelta(days=1)).date().isoformat()}
    return Sent(on.operator, "/operator/money/events/replay-failed", since)


def _mark_seen(on: Ground) -> Sent:
    failed = on.payout(state=PayoutState.FAILED, ended_at=now(), reason="refused")
    seen = {"subject": f"payout:{failed.id}:failed:{failed.attempt}"}
    return Sent(on.operator, "/operator/money/stuck/seen", seen)


def _compare_now(on: Ground) -> Sent:
    on.session.commit()
    reconciliation.run(on.desk.rail)
    return Sent(on.operator, "/operator/money/compare")


def _show_expert_tax(on: Ground) -> Sent:
    return Sent(on.operator, f"/operator/money/experts/{on.earner().id}/tax")


def _write_floor(on: Ground) -> Sent:
    since = (floors.today(now()) + timedelta(days=3)).isoformat()
    said = {"country": "FR", "currency": "eur", "amount": "12.02", "since": since}
    said |= {"words": "Follows the minimum wage.", "key": new_key()}
    return Sent(on.operator, "/operator/money/floors", said)


def _bonus_rule(on: Ground) -> Sent:
    work = make_desk(on.session, tasks=0, experts=2, funds=100_000)
    budget = on.session.get_one(ProjectBudget, work.project_id)
    for expert in work.experts:
        make_earning(on.session, budget, expert.user_id, pay=1000)
    rule = bonus_rules.Rule(work.project_id, 1, None, None, 1000)
    fee_bps = work.project.fee_bps
    plan = bonus_rules.plan(on.session, rule, 1, fee_bps=fee_bps, by=work.owner.id or 0)
    said = {"shown": bonus_rule_routes._mark(plan), "key": new_key()}
    said["words"] = "For the whole of November, with our thanks."
    query = "tasks=1&kind=share&value=10&round=1"
    return Sent(work.owner, f"/projects/{work.project_id}/bonuses/rule?{query}", said)


def _bonus(on: Ground) -> Sent:
    work = make_desk(on.session)
    expert = work.experts[0]
    make_assignment(on.session, work.project, expert=expert, state=Lease.SUBMITTED)
    for row in on.session.exec(
        select(Reservation).where(Reservation.project_id == work.project_id)
    ):
        row.submitted_at = now()
    said = {"expert": expert.pseudonym, "amount": "25.00", "key": new_key()}
    said["words"] = "Your notes on clause 3 saved us a week of work."
    return Sent(work.owner, f"/projects/{work.project_id}/bonuses", said)


def _change_state(act: str) -> Callable[[Ground], Sent]:
    def make(on: Ground) -> Sent:
        work = make_desk(on.session)
        if act == "resume":
            lifecycle.pause(on.session, work.project, by=work.owner, at=now())
        return Sent(work.owner, f"/projects/{work.project_id}/{act}")

    return make


def _save_pay(on: Ground) -> Sent:
    owner, organisation = make_owner(on.session)
    draft = make_project(on.session, organisation, by=owner)
    pay = {"price": "5.10", "usual_minutes": "9", "overlap": "2", "validation": "agreement"}
    pay |= {"lease_minutes": "120", "review_days": "7", "seen": steps.seen(draft, Step.PAY)}
    return Sent(owner, f"/projects/{draft.id}/pay", pay)


def _publish(on: Ground) -> Sent:
    owner, organisation = make_owner(on.session)
    draft = make_project(on.session, organisation, by=owner, funded=50_000)
    return Sent(owner, f"/projects/{draft.id}/publish")


def _claim(on: Ground) -> Sent:
    work = make_desk(on.session, tasks=3)
    return Sent(on.expert_of(work), f"/work/claim/{work.project_id}")


def _in_hand(act: str, **data: Any) -> Callable[[Ground], Sent]:
    def make(on: Ground) -> Sent:
        work = make_desk(on.session, tasks=2)
        lease = make_assignment(on.session, work.project, expert=work.experts[0])
        return Sent(on.expert_of(work), f"/work/{lease.id}/{act}", data)

    return make


def _ahead(act: str, *, waiting: int = 0) -> Callable[[Ground], Sent]:
    def make(on: Ground) -> Sent:
        work = make_desk(on.session, tasks=9, tasks_in_hand=waiting or 2)
        expert = work.experts[0]
        lease = make_assignment(on.session, work.project, expert=expert)
        for _ in range(waiting):
            make_assignment(on.session, work.project, expert=expert, state=Lease.WAITING)
        return Sent(on.expert_of(work), f"/work/{lease.id}/{act}")

    return make


def _again(on: Ground) -> Sent:
    work = make_desk(on.session, tasks=2)
    lease = make_assignment(on.session, work.project, expert=work.experts[0], state=Lease.EXPIRED)
    return Sent(on.expert_of(work), f"/work/{lease.id}/again")


def _decide(verdict: str, **data: Any) -> Callable[[Ground], Sent]:
    def make(on: Ground) -> Sent:
        work = make_desk(on.session, overlap=1)
        lease = make_assignment(
            on.session, work.project, expert=work.experts[0], state=Lease.SUBMITTED
        )
        return Sent(work.owner, f"/review/{lease.id}", {"verdict": verdict} | data)

    return make


def _consensus(on: Ground) -> Sent:
    work = make_desk(on.session, experts=3, tasks=0, overlap=3)
    task = make_task(on.session, work.project)
    for expert in work.experts:
        make_assignment(on.session, work.project, expert=expert, task=task, state=Lease.SUBMITTED)
    return Sent(work.owner, f"/projects/{work.project_id}/review/accept-consensus")


def _answer_appeal(on: Ground) -> Sent:
    work = make_desk(on.session)
    refused = make_assignment(
        on.session, work.project, expert=work.experts[0], state=Lease.REJECTED
    )
    appeal: Appeal = contest(on.session, decision_of(on.session, refused))
    on.session.flush()
    by = make_member(on.session, work.organisation)
    reply = "You are right, and the guidelines say so in their second sentence."
    return Sent(by, f"/appeals/{appeal.id}", {"outcome": "changed", "words": reply})


REFUSAL = {
    "reason_code": "wrong_answer",
    "clause": "2.1",
    "words": "The clause limits liability; it grants nothing to anybody.",
}
# A reading of Stripe or of somebody's numbers is noted each time; nothing else may happen.
AUDITED = frozenset({"audit_event", "audit_unsealed"})

FORMS: dict[str, Form | list[Form]] = {
    # owners
    "payouts.begin_deposit": Form(_begin_deposit),
    "payouts.go_on_paying": Form(_go_on_paying),
    "payouts.agree_top_up": Form(_agree_top_up),
    "payouts.end_top_up": Form(_end_top_up),
    # Payments are read again before each asking.
    "payouts.make_refund": Form(_make_refund, frozenset({"charge"})),
    "payouts.change_billing": Form(_billing),
    "payouts.make_invoices": Form(_make_invoices),
    "bonuses.give_bonus": Form(_bonus),
    "bonus_rules.give_by_rule": Form(_bonus_rule),
    "payouts.write_floor": Form(_write_floor),
    "projects.change_state": [Form(_change_state(act)) for act in ("pause", "resume", "complete")],
    "drafts.save_step": Form(_save_pay),
    "drafts.publish_project": Form(_publish),
    "annotation_owner.decide": [
        Form(_decide("accepted")),
        Form(_decide("rejected", **REFUSAL)),
        Form(_decide("partly_accepted", percent="40", **REFUSAL)),
    ],
    "annotation_owner.accept_consensus": Form(_consensus),
    "decisions.answer": Form(_answer_appeal),
    # experts
    "annotation.claim": Form(_claim),
    "annotation.take_again": Form(_again),
    "annotation.submit": Form(_in_hand("submit", result=choice())),
    "annotation.skip": Form(_in_hand("skip", reason="not my field")),
    "annotation.give_back": Form(_in_hand("return")),
    "ahead.take": Form(_ahead("ahead")),
    "ahead.give_back": Form(_ahead("ahead/return", waiting=2)),
    # A page for details is good for one visit, so each click leads to a fresh one.
    "payouts.open_account": Form(_open_account, frozenset({"sandbox account_link"})),
    "payouts.request_payout": Form(_request_payout),
    "payouts.choose_rhythm": Form(_choose_rhythm),
    "payouts.save_tax_details": Form(_save_tax_details),
    # operators
    "payouts.approve_payout": Form(_approve_payout),
    "payouts.refuse_payout": Form(_refuse_payout),
    "payouts.begin_run": Form(_begin_run),
    "payouts.approve_run": Form(_approve_run),
    "payouts.withhold": Form(_withhold),
    "payouts.send_again": Form(_send_again),
    "payouts.try_now": Form(_try_now),
    "payouts.look_now": Form(_look_now, AUDITED),
    "payouts.propose_take_back": Form(_propose_take_back),
    "payouts.agree_to_reversal": [Form(_agree_to_reversal), Form(_agree_to_found)],
    "payouts.withdraw_reversal": Form(_withdraw_reversal),
    "payouts.say_reversal": Form(_say_reversal),
    "payouts.explain_stop": Form(_explain_stop),
    "payouts.release_stop": Form(_release_stop),
    "payouts.replay_event": Form(_replay_event),
    "payouts.replay_failed_events": Form(_replay_failed),
    "payouts.mark_seen": Form(_mark_seen),
    # The last that needs payouts to leave stands above: most money here was never at Stripe, so a
    # comparison stops them.
    "payouts.compare_now": Form(_compare_now, frozenset({"reconciliation"})),
    "payouts.fetch_events": Form(
        lambda on: Sent(on.operator, "/operator/money/events/fetch"), AUDITED
    ),
    "payouts.show_expert_tax": Form(_show_expert_tax, AUDITED),
}


# Forms by which nothing moves: a commit of theirs that is lost is not worth the time of a proof.
QUIET = {
    "payouts.write_floor",
    "payouts.compare_now",
    "payouts.fetch_events",
    "payouts.show_expert_tax",
    "payouts.mark_seen",
    "payouts.replay_event",
    "payouts.replay_failed_events",
    "payouts.choose_rhythm",
    "payouts.change_billing",
    "payouts.save_tax_details",
    "drafts.save_step",
}


def require_registered(app: Flask, known: dict[str, Any] = FORMS) -> None:
    """Raise `NotRegistered` when a form about money is in no table, or a line has no form."""
    posts = {
        rule.endpoint: str(rule)
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
    }
    watched = {name for name in posts if name.partition(".")[0] in WATCHED or name in ELSEWHERE}
    lacking = sorted(watched - known.keys() - BESIDE.keys())
    gone = sorted((known.keys() | BESIDE.keys()) - posts.keys())
    if lacking:
        told = "\n".join(
            f'    "{name}": Form(_how_it_is_made),  # {posts[name]}' for name in lacking
        )
        raise NotRegistered(
            "In proofs/money_forms.py nobody hands these in twice. Add to FORMS how each form looks"
            f" when its button is pressed, or to BESIDE why no money depends on it:\n{told}"
        )
    if gone:
        raise NotRegistered(f"In proofs/money_forms.py: no form of {', '.join(gone)} is left")


@dataclass
class Counts:
    """What the walk came to."""

    forms: int = 0
    clicks: int = 0
    effects: int = 0
    gaps: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.forms} forms handed in twice in a row and twice at once, {self.clicks} clicks,"
            f" {self.effects} rows made once, {len(self.gaps)} gaps"
        )


@dataclass
class Lost:
    """What became of commits that were lost."""

    forms: int = 0
    commits: int = 0
    gaps: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.commits} commits of {self.forms} forms lost: whole or absent, and once after"


# What changes beside every request, and says nothing of it.
BESIDES = {"once_key", "sign_in", "rate_count", "alembic_version"}
SANE = (200, 302, 303, 409, 422)
# What a page, or an answer to the bench, says when the database is away.
SORRY = re.compile("done as a whole or not at all|Something failed on our side")
TABLES = """
    select table_name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'
      and table_name not like 'procrastinate%' order by 1
"""

DIGEST = """
    select '{table}', count(*), md5(coalesce(string_agg(t::text, '' order by t::text), ''))
    from "{table}" t
"""


def walk(live: Live, desk: Desk, folder: Path, *, rounds: int = 1) -> Counts:
    """Hand every form in twice in a row, and in so many rounds twice at once.

    `folder` is where the sandbox of the desk was made in.
    """
    require_registered(live.app)
    counts = Counts()
    with _presses(live, desk, folder, counts) as presses:
        for press in presses:
            press.all(rounds)
    return counts


def lose_commits(live: Live, desk: Desk, folder: Path, only: Collection[str] = ()) -> Lost:
    """Lose each commit of every form, or of some: unwritten, and written but unheard; try again."""
    counts = Counts()
    lost = Lost()
    live.app.config["TESTING"] = False  # errors become pages, as they do for people
    with _presses(live, desk, folder, counts) as presses:
        for press in presses:
            if not only or {press.name, press.name.partition("[")[0]} & set(only):
                lost.forms += 1
                lost.commits += press.lose_commits()
    live.app.config["TESTING"] = True
    lost.gaps = counts.gaps
    return lost


@contextmanager
def _presses(live: Live, desk: Desk, folder: Path, counts: Counts) -> Iterator[Iterator["Press"]]:
    if now().day == 1:  # a month is over for good an hour after its end
        desk.ahead = timedelta(hours=2)
    # What Stripe's description says of each answer is asked elsewhere.
    desk.rail.client = desk.bench.client(stripe.RequestsClient(timeout=10))
    with live.transaction() as session:
        make_profile(session, payee := desk.expert(session))
        funds = desk.budget(session, 900_000).project_id
        people = Ids(*(make_user(session, "operator").id for _ in range(2)), payee.id, funds)
    with psycopg.connect(live.url, autocommit=True, options="-c jit=off") as base:
        tables = [name for (name,) in base.execute(TABLES) if name not in BESIDES]
        asked = " union all ".join(DIGEST.format(table=table) for table in tables).encode()
        known = (live, desk, people, counts, base, asked, folder / "sandbox" / "sandbox.sqlite3")
        yield (
            Press(*known, f"{name}[{number}]", form)
            for name, forms in FORMS.items()
            for number, form in enumerate(forms if isinstance(forms, list) else [forms])
        )
    with live.transaction() as session:
        counts.gaps += [f"the ledger: {one}" for one in ledger_audit.problems(session)]


class Ids(NamedTuple):
    """Whom every form may need."""

    operator: int
    other: int
    payee: int
    funds: int


@dataclass(frozen=True)
class Seen:
    """Everything that there is: how many rows of each table, and a digest of their content."""

    rows: Counter[str]
    content: dict[str, str]

    def other_than(self, before: "Seen") -> set[str]:
        """Return what differs."""
        kinds = {kind for kind in self.rows if self.rows[kind] != before.rows[kind]}
        return kinds | {one for one in self.content if self.content[one] != before.content[one]}


@dataclass(frozen=True)
class Press:
    """One form, handed in as people do who press twice."""

    live: Live
    desk: Desk
    people: Ids
    counts: Counts
    base: psycopg.Connection[Any]
    question: bytes
    sandbox: Path
    name: str
    form: Form

    def all(self, rounds: int) -> None:
        """Hand the form in twice in a row, then others like it twice at once."""
        self.counts.forms += 1
        made = self._in_a_row()
        for _round in range(rounds):
            self._at_once(made)

    def _in_a_row(self) -> Counter[str]:
        sent, before = self._made(), self._seen()
        client = self.live.client(sent.by)
        first, after = self._post(sent, client), self._seen()
        made = after.rows - before.rows
        self.counts.effects += made.total()
        if first >= 400:
            self._gap(f"the first click was answered {first}")
        if not self.form.notes and before == after:
            self._gap("the first click did nothing")
        second, again = self._post(sent, client), self._seen()
        if second not in SANE:
            self._gap(f"the second click was answered {second}")
        if changed := again.other_than(after) - self.form.notes:
            self._gap(f"the second click changed {sorted(changed)}")
        return made

    def _at_once(self, made: Counter[str]) -> None:
        sent, before = self._made(), self._seen()
        start, said = threading.Barrier(2), list[int]()

        def click(client: Any) -> None:
            start.wait()
            said.append(self._post(sent, client))

        threads = [
            threading.Thread(target=click, args=[self.live.client(sent.by)]) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(said) != 2 or any(status not in SANE for status in said) or min(said) >= 400:
            self._gap(f"two clicks at once were answered {said}")
        self._compare(self._seen().rows - before.rows, made, "two clicks at once made")

    def lose_commits(self) -> int:
        """Lose each commit of a click in turn, click again; compare with a click that went well.

        Where all is one commit, what was lost has to be there as a whole or not at all.
        """
        sent, before = self._made(), self._seen()
        self._post(sent, self.live.client(sent.by))
        made = self._seen().rows - before.rows
        lost = 0
        for way in (terminated, unheard):
            after_first = Counter[str]()
            for number in itertools.count(1):
                found = self._lose(number, way, made)
                if found is None:
                    break
                lost += 1
                after_first = found if number == 1 else after_first
            if number == 2:  # there was one commit
                wanted = made if way is unheard else Counter[str]()
                self._compare(after_first, wanted, f"after the {way.__name__} commit there were")
        return lost

    def _lose(
        self, number: int, way: Callable[..., None], made: Counter[str]
    ) -> Counter[str] | None:
        """Lose the commit of a number; return what was made by then, None when there is none."""
        what = f"commit {number} {way.__name__}"
        sent, before = self._made(), self._seen()
        client = self.live.client(sent.by)
        with losing(self.live.engine, number, way) as hit:
            said = self._post(sent, client)
        if not hit:
            return None
        found = self._seen().rows - before.rows
        if said not in (503, *SANE):
            self._gap(f"{what}: answered {said}")
        again = self._post(sent, client)
        if again not in SANE:
            self._gap(f"{what}: the next click was answered {again}")
        self._compare(self._seen().rows - before.rows, made, f"{what}: both clicks made")
        return found

    def _compare(self, found: Counter[str], wanted: Counter[str], words: str) -> None:
        for table in (found.keys() | wanted.keys()) - self.form.notes:
            if found[table] != wanted[table]:
                self._gap(f"{words} {found[table]} in {table} instead of {wanted[table]}")

    def _made(self) -> Sent:
        with self.live.transaction() as session:
            sent = self.form.make(self._ground(session))
            session.flush()
            session.refresh(sent.by)
            return sent

    def _ground(self, session: Session) -> Ground:
        people = [session.get_one(User, one) for one in self.people[:3]]
        return Ground(session, self.desk, *people, session.get_one(ProjectBudget, self.people[3]))

    def _post(self, sent: Sent, client: Any) -> int:
        self.counts.clicks += 1
        how = (
            {"json": sent.data}
            if isinstance(sent.data.get("result"), list)
            else {"data": sent.data}
        )
        try:
            answer = client.post(sent.path, **how)
            if answer.status_code >= 500 and not SORRY.search(answer.text):
                self._gap(f"answered {answer.status_code} with {answer.text[:200]}")
            return int(answer.status_code)
        except Exception as trouble:  # noqa: BLE001 - whatever it is, it is a gap
            self._gap(f"{type(trouble).__name__}: {str(trouble)[:300]}")
            return 500

    def _gap(self, words: str) -> None:
        self.counts.gaps.append(f"{self.name}: {words}")

    def _seen(self) -> Seen:
        """Count and digest the rows of every table, and count what the sandbox has."""
        rows, content = Counter[str](), {}
        for table, count, digest in self.base.execute(self.question, prepare=True):
            rows[table], content[table] = count, digest
        with closing(sqlite3.connect(self.sandbox)) as file:
            for kind, count in file.execute("select kind, count(*) from object group by 1"):
                rows[f"sandbox {kind}"] = count
        return Seen(rows, content)
