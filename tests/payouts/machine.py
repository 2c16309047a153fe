"""Acts of owners, experts, operators and a faulty network, in any order, for the proof and a test.

One mixin a topic holds its rules; `promises` is what must be true after every step. A machine is
bound to a live app: `bound(live)`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from accounts import decisions
from accounts.decisions import About, Evidence, Reason, Taken
from accounts.models import DecisionKind
from core.clock import now
from core.errors import DomainError
from core.money import Money
from core.ports import NotEnoughFunds, OutcomeUnknown, PayeeNotReady, PayoutRefused
from payouts import budgets, earnings, ledger, ledger_audit, reconciliation, requests, sending
from payouts.models import Payout, PayoutState, Reservation, ReservationState
from tests.conftest import Live
from tests.factories.accounts import make_user
from tests.factories.payouts import earn_part, eur, make_budget, make_deposit, make_expert
from tests.payouts.conftest import new_key

ASKED = [PayoutState.SENDING, PayoutState.UNKNOWN]
some_project = st.integers(0, 1)
some_expert = st.integers(0, 1)


class Killed(BaseException):
    """The process dies here."""


class World:
    """What has truly happened at a rail that keeps its promises and whose answers get lost."""

    def __init__(self) -> None:
        self.held = 0
        self.sent: dict[str, tuple[str, int]] = {}
        self.next = "ok"

    def payee_balance(self, _account_id: str, currency: str) -> Money:
        """Nobody's account is below nothing here."""
        return Money(0, currency)

    def send(self, amount: Money, *, to: str, reference: str) -> str:
        """Send once for a reference; answer as the next fault says."""
        fault, self.next = self.next, "ok"
        if fault == "killed before":
            raise Killed
        if fault == "lost before":
            raise OutcomeUnknown("timeout")
        if reference not in self.sent:
            self._first(fault, amount, reference)
        if fault == "killed after":
            raise Killed
        if fault == "lost after":
            raise OutcomeUnknown("timeout")
        return self.sent[reference][0]

    def find_sent(self, *, to: str, reference: str, since: Any) -> str | None:
        """Look a transfer up."""
        fault, self.next = self.next, "ok"
        if fault.startswith("killed"):
            raise Killed
        if fault.startswith("lost"):
            raise OutcomeUnknown("timeout")
        return self.sent[reference][0] if reference in self.sent else None

    def _first(self, fault: str, amount: Money, reference: str) -> None:
        if fault == "refused":
            raise PayoutRefused("odd")
        if fault == "not ready":
            raise PayeeNotReady("insufficient_capabilities_for_transfer")
        if amount.minor > self.held:
            raise NotEnoughFunds("balance_insufficient")
        self.sent[reference] = (f"tr_{reference}", amount.minor)
        self.held -= amount.minor


FAULTS = ["lost before", "lost after", "refused", "not ready", "killed before", "killed after"]


class Books(RuleBasedStateMachine):
    """Two projects, two experts and a rail; and the tools that the rules share."""

    live: ClassVar[Live]
    done: ClassVar[Counter[str]]

    @initialize()
    def begin(self) -> None:
        """Open accounts for this run; the database may hold those of earlier ones."""
        self.world = World()
        self.number = 0
        self.mistakes: list[str] = []
        with self.live.transaction() as session:
            self.projects = [make_budget(session).project_id for _ in range(2)]
            self.experts = [make_expert(session).id for _ in range(2)]
        self.start = self._standings()
        self._some_history()

    def _some_history(self) -> None:
        """Fund both projects and let both experts have earned, so that any act finds money."""
        for number, project_id in enumerate(self.projects):
            with self.live.transaction() as session:
                make_deposit(session, budgets.of(session, project_id), amount=9000, fee=90)
                self.world.held += 8910
                for pay in (900, 700, 350):
                    self.number += 1
                    row_id = self.assignment(self.number)
                    budgets.reserve(session, project_id, row_id, eur(pay), eur(50), now())
                    if pay > 350:
                        expert_id = self.experts[number]
                        earnings.earn(session, project_id, row_id, expert_id, now())

    def note(self, act: str, outcome: str = "done") -> None:
        """Count a step."""
        self.done["steps"] += 1
        self.done[act if outcome == "done" else f"{act}, {outcome}"] += 1

    def of_one(self, name: str, data: st.DataObject, act: Callable[[Session, Any], Any]) -> None:
        """Let something happen to one assignment's reservation, if it may."""
        number = self.assignment(data.draw(st.integers(1, self.number)))
        try:
            with self.live.transaction() as session:
                row = session.get(Reservation, number)
                if row is not None:
                    act(session, row)
        except (budgets.AlreadyEarned, budgets.NotReserved, budgets.OutOfBudget) as refusal:
            self.note(name, type(refusal).__name__)
        else:
            self.note(name)

    def assignment(self, number: int) -> int:
        """Number an assignment as no other run does."""
        return self.projects[0] * 1000 + number

    def each(self, states: list[PayoutState], act: Callable[[int, Any], Any]) -> None:
        """Let something happen to the payouts in some states; a crash ends it."""
        with self.live.transaction() as session:
            rows = self.payouts(session, states)
            for payout in rows:
                payout.try_at = None
            ids = [payout.id or 0 for payout in rows]
        with self.live.app.app_context():
            for payout_id in ids:
                try:
                    act(payout_id, self.world)
                except Killed:
                    self.done["crashes"] += 1
                    return

    def payouts(self, session: Session, states: list[PayoutState]) -> list[Payout]:
        """Return this run's payouts that are in some states."""
        mine = Payout.expert_id.in_(self.experts), Payout.state.in_(states)  # type: ignore[attr-defined]
        return list(session.exec(select(Payout).where(*mine)))

    def _standings(self) -> int:
        with self.live.transaction() as session:
            return _total(session)


class Funding(Books):
    """Owners pay in."""

    @rule(project=some_project, amount=st.integers(500, 5000), fee=st.integers(0, 90))
    def fund(self, project: int, amount: int, fee: int) -> None:
        """Pay a deposit, less the rail's fee."""
        with self.live.transaction() as session:
            budget = budgets.of(session, self.projects[project])
            make_deposit(session, budget, amount=amount, fee=fee)
        self.world.held += amount - fee
        self.note("fund")


class Work(Books):
    """Assignments: claimed, returned, expired, accepted whole or in part, rejected, appealed."""

    @rule(project=some_project, pay=st.integers(1, 2000), bps=st.integers(0, 3000))
    def claim(self, project: int, pay: int, bps: int) -> None:
        """Reserve the pay and fee of an assignment."""
        self.number += 1
        with self.live.transaction() as session:
            project_id = self.projects[project]
            before = budgets.available(session, project_id)
            fee = eur(pay).share_bps(bps)
            number = self.assignment(self.number)
            try:
                budgets.reserve(session, project_id, number, eur(pay), fee, now())
            except budgets.OutOfBudget:
                assert before < eur(pay) + fee
                self.note("claim", "OutOfBudget")
            else:
                assert budgets.available(session, project_id) == before - eur(pay) - fee
                self.note("claim")

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def claim_twice(self, data: st.DataObject) -> None:
        """Ask for a reserve again, as a retry does: nothing changes, other terms are refused."""

        def again(session: Session, row: Reservation) -> None:
            if row.round > 1 or row.state is ReservationState.RELEASED:
                return
            terms = (row.project_id, row.assignment_id, row.pay)
            budgets.reserve(session, *terms, row.fee, now())
            try:
                budgets.reserve(session, *terms, row.fee + eur(1), now())
            except budgets.OtherTerms:
                return
            raise AssertionError("other terms were taken")

        self.of_one("claim twice", data, again)

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def hand_in(self, data: st.DataObject) -> None:
        """Note that the work is in review."""
        self.of_one(
            "hand in",
            data,
            lambda session, row: budgets.submitted(
                session, row.assignment_id, review_by=now(), at=now()
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data(), how=st.sampled_from(["return", "expire", "reject"]))
    def end_without_pay(self, data: st.DataObject, how: str) -> None:
        """Give the reserve back: a task returned, run out, or refused on review with a decision."""

        def end(session: Session, row: Reservation) -> None:
            if row.submitted_at is not None and row.state is ReservationState.HELD:
                refuse(session, row.assignment_id, self.experts[0])
            budgets.release(session, row.project_id, row.assignment_id, now())

        self.of_one(how, data, end)

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def take_without_reasons(self, data: st.DataObject) -> None:
        """Take the pay of work that was handed in without a decision: the database refuses."""

        def take(session: Session, row: Reservation) -> None:
            if row.submitted_at is None or row.state is not ReservationState.HELD or row.round > 1:
                return
            with (
                pytest.raises(IntegrityError, match="only with a decision"),
                session.begin_nested(),
            ):
                budgets.release(session, row.project_id, row.assignment_id, now())

        self.of_one("take without reasons", data, take)

    @precondition(lambda self: self.number)
    @rule(data=st.data(), expert=some_expert)
    def accept(self, data: st.DataObject, expert: int) -> None:
        """Credit all of it."""
        self.of_one(
            "accept",
            data,
            lambda session, row: earnings.earn(
                session, row.project_id, row.assignment_id, self.experts[expert], now()
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data(), expert=some_expert, share=st.fractions(0, 1, max_denominator=40))
    def accept_in_part(self, data: st.DataObject, expert: int, share: Fraction) -> None:
        """Credit a share, with its decision."""
        self.of_one(
            "part-accept",
            data,
            lambda session, row: earn_part(
                session, row.project_id, row.assignment_id, self.experts[expert], share
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        """Pay the rest of a part payment, as an appeal that is upheld does."""
        self.of_one(
            "complete",
            data,
            lambda session, row: earnings.complete(
                session, row.project_id, row.assignment_id, now()
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data(), expert=some_expert)
    def appeal(self, data: st.DataObject, expert: int) -> None:
        """Repair a refusal: reserve once more and credit, in one transaction."""

        def repair(session: Session, row: Reservation) -> None:
            budgets.reserve_again(session, row.project_id, row.assignment_id, now())
            earnings.earn(session, row.project_id, row.assignment_id, self.experts[expert], now())

        self.of_one("appeal repaired", data, repair)

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def reserve_again(self, data: st.DataObject) -> None:
        """Set aside once more what was given back, without crediting yet."""
        self.of_one(
            "reserve again",
            data,
            lambda session, row: budgets.reserve_again(
                session, row.project_id, row.assignment_id, now()
            ),
        )


class Paying(Books):
    """Payouts: asked for, sent, lost, looked up, refused, crashed."""

    @rule(expert=some_expert, amount=st.integers(400, 4000))
    def ask(self, expert: int, amount: int) -> None:
        """Ask for a payout, of more than is owed as well."""
        try:
            with self.live.transaction() as session:
                requests.on_demand(
                    session, self.experts[expert], eur(amount), key=new_key(), at=now()
                )
        except DomainError as refusal:
            self.note("ask", type(refusal).__name__)
        else:
            self.note("ask")

    @rule(fault=st.sampled_from(FAULTS))
    def break_something(self, fault: str) -> None:
        """Let the next question to the rail fail, or the process die at it."""
        self.world.next = fault
        self.note(fault)

    @rule()
    def send(self) -> None:
        """Send what is due."""
        self.each([PayoutState.READY, PayoutState.WAITING_FUNDS], sending.send)
        self.note("pay")

    @rule()
    def look(self) -> None:
        """Look up what has no answer."""
        self.each(ASKED, sending.look_up)
        self.note("look up")

    @rule()
    def keys_die(self) -> None:
        """Let a day and more pass over what has no answer: its key may pay twice from now on."""
        with self.live.transaction() as session:
            for payout in self.payouts(session, ASKED):
                payout.sending_at = now() - timedelta(days=2)
        self.note("keys die")

    @rule()
    def unblock(self) -> None:
        """Complete the details that were missing."""
        with self.live.transaction() as session:
            for payout in self.payouts(session, [PayoutState.BLOCKED]):
                payout.state = PayoutState.READY
        self.note("unblock")


class Correcting(Books):
    """An operator's mistake, and its correction by a new move."""

    @rule(project=some_project, amount=st.integers(1, 300))
    def mistake(self, project: int, amount: int) -> None:
        """Write fees off that should have stayed."""
        name = f"mistake:{self.projects[0]}:{len(self.mistakes)}"
        entry = ledger.Entry(
            "fee", ledger.fees(self.projects[project], "eur"), ledger.losses("eur"), eur(amount)
        )
        try:
            with self.live.transaction() as session:
                ledger.post(session, name, [entry], at=now(), narration="a mistake", cause=name)
        except ledger.Overdrawn:
            self.note("mistake", "Overdrawn")
        else:
            self.mistakes.append(name)
            self.note("mistake")

    @precondition(lambda self: self.mistakes)
    @rule(data=st.data())
    def correct(self, data: st.DataObject) -> None:
        """Correct one, once; the second time changes nothing."""
        name = data.draw(st.sampled_from(self.mistakes))
        with self.live.transaction() as session:
            ledger.correct(session, name, at=now(), reason="should have stayed")
        with self.live.transaction() as session:
            assert not ledger.correct(session, name, at=now(), reason="should have stayed")
        self.note("correct")


class Promises(Books):
    """What must be true after every step; the audit asks most of it."""

    @invariant()
    def promises(self) -> None:
        """Check them all in one transaction."""
        if not hasattr(self, "start"):
            return
        with self.live.transaction() as session:
            assert ledger_audit.problems(session) == []
            self._nothing_is_lost_or_made(session)
        self._nobody_is_paid_twice()
        self.done["checks"] += 1

    def _nothing_is_lost_or_made(self, session: Session) -> None:
        """Budgets, reserves, experts and fees are what the rail holds, but for lost answers."""
        asked = self.payouts(session, ASKED)
        unrecorded = sum(p.amount_minor for p in asked if p.reference in self.world.sent)
        assert _total(session) - self.start == self.world.held + unrecorded

    def _nobody_is_paid_twice(self) -> None:
        per_payout: dict[str, int] = defaultdict(int)
        for reference in self.world.sent:
            per_payout["-".join(reference.split("-")[:2])] += 1
        assert set(per_payout.values()) <= {1}


class Machine(Funding, Work, Paying, Correcting, Promises):
    """All of it."""


def run(live: Live, *, runs: int, steps: int) -> Counter[str]:
    """Let a machine run so often with so many steps; return what was done, by act."""
    done: Counter[str] = Counter()
    machine = type("Bound", (Machine,), {"live": live, "done": done})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    return done


def refuse(session: Session, assignment_id: int, expert_id: int) -> None:
    """Refuse work with the decision that the database asks for."""
    said = {"en": "The parties are not marked."}
    decisions.record(
        session,
        DecisionKind.WORK_REJECTED,
        About(expert_id, f"assignment:{assignment_id}", said, f"/work/{assignment_id}"),
        taken=Taken(by=make_user(session, "owner").id),
        reason=Reason("incomplete", said, [Evidence(said)], said),
        at=now(),
        contest_until=now() + timedelta(days=14),
    )
    session.flush()


def _total(session: Session) -> int:
    return sum(one.total.minor for one in reconciliation.held(session))
