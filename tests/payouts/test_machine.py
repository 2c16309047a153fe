"""Every order of fund, reserve, release, earn, ask and answer keeps the ledger's promises."""

from collections import defaultdict
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import select

from core.clock import now
from core.errors import DomainError
from core.money import Money
from core.ports import NotEnoughFunds, OutcomeUnknown, PayeeNotReady, PayoutRefused
from payouts import budgets, earnings, ledger, reconciliation, requests, sending
from payouts.models import Payout, PayoutState, Reservation, ReservationState
from tests.conftest import Live
from tests.factories.payouts import earn_part, eur, make_budget, make_deposit, make_expert
from tests.payouts.conftest import new_key

STEPS = 40
RUNS = 12


class World:
    """What has truly happened at a rail that keeps its promises and whose answers get lost."""

    def __init__(self) -> None:
        self.held = 0
        self.sent: dict[str, tuple[str, int]] = {}
        self.next = "ok"

    def send(self, amount: Money, *, to: str, reference: str) -> str:
        """Send once for a reference; answer as the next fault says."""
        fault, self.next = self.next, "ok"
        if fault == "lost before":
            raise OutcomeUnknown("timeout")
        if fault == "refused" and reference not in self.sent:
            raise PayoutRefused("odd")
        if fault == "not ready" and reference not in self.sent:
            raise PayeeNotReady("insufficient_capabilities_for_transfer")
        if amount.minor > self.held and reference not in self.sent:
            raise NotEnoughFunds("balance_insufficient")
        if reference not in self.sent:
            self.sent[reference] = (f"tr_{len(self.sent)}", amount.minor)
            self.held -= amount.minor
        if fault == "lost after":
            raise OutcomeUnknown("timeout")
        return self.sent[reference][0]

    def payee_balance(self, account_id: str, currency: str) -> Money:
        """Say that the payee owes nothing."""
        return Money(0, currency)

    def find_sent(self, *, to: str, reference: str, since: Any) -> str | None:
        """Look a transfer up."""
        fault, self.next = self.next, "ok"
        if fault == "lost before":
            raise OutcomeUnknown("timeout")
        return self.sent[reference][0] if reference in self.sent else None


class Machine(RuleBasedStateMachine):
    """Acts of owners, experts and a faulty network, in any order."""

    live: Live

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.number = 0
        with self.live.transaction() as session:
            self.projects = [make_budget(session).project_id for _ in range(2)]
            self.experts = [make_expert(session).id for _ in range(2)]
        self.start = self._standings()

    @rule(project=st.integers(0, 1), amount=st.integers(500, 5000), fee=st.integers(0, 90))
    def fund(self, project: int, amount: int, fee: int) -> None:
        with self.live.transaction() as session:
            budget = budgets.of(session, self.projects[project])
            make_deposit(session, budget, amount=amount, fee=fee)
        self.world.held += amount - fee

    @rule(project=st.integers(0, 1), pay=st.integers(1, 2000), bps=st.integers(0, 3000))
    def reserve(self, project: int, pay: int, bps: int) -> None:
        self.number += 1
        number = self._assignment(self.number)
        with self.live.transaction() as session:
            project_id = self.projects[project]
            before = budgets.available(session, project_id)
            fee = eur(pay).share_bps(bps)
            try:
                budgets.reserve(session, project_id, number, eur(pay), fee, now())
            except budgets.OutOfBudget:
                assert before < eur(pay) + fee
            else:
                assert budgets.available(session, project_id) == before - eur(pay) - fee

    @precondition(lambda self: self.number)
    @rule(data=st.data(), expert=st.integers(0, 1), thirds=st.integers(0, 3))
    def earn(self, data: st.DataObject, expert: int, thirds: int) -> None:
        self._end(
            data,
            lambda session, row: earn_part(
                session,
                row.project_id,
                row.assignment_id,
                self.experts[expert],
                Fraction(thirds, 3),
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        self._end(
            data,
            lambda session, row: earnings.complete(
                session, row.project_id, row.assignment_id, now()
            ),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self._end(
            data,
            lambda session, row: budgets.release(session, row.project_id, row.assignment_id, now()),
        )

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def reserve_again(self, data: st.DataObject) -> None:
        self._end(
            data,
            lambda session, row: budgets.reserve_again(
                session, row.project_id, row.assignment_id, now()
            ),
        )

    @rule(expert=st.integers(0, 1), amount=st.integers(400, 4000))
    def ask(self, expert: int, amount: int) -> None:
        try:
            with self.live.transaction() as session:
                requests.on_demand(
                    session, self.experts[expert], eur(amount), key=new_key(), at=now()
                )
        except DomainError:
            pass  # more than is owed, or too little

    @rule(fault=st.sampled_from(["lost before", "lost after", "refused", "not ready"]))
    def break_something(self, fault: str) -> None:
        self.world.next = fault

    @rule()
    def send(self) -> None:
        self._each([PayoutState.READY, PayoutState.WAITING_FUNDS], sending.send)

    @rule()
    def look(self) -> None:
        self._each([PayoutState.SENDING, PayoutState.UNKNOWN], sending.look_up)

    @rule()
    def unblock(self) -> None:
        with self.live.transaction() as session:
            for payout in self._payouts(session, [PayoutState.BLOCKED]):
                payout.state = PayoutState.READY

    @invariant()
    def the_ledger_is_sound(self) -> None:
        if not hasattr(self, "experts"):
            return
        with self.live.transaction() as session:
            assert ledger.problems(session) == []

    @invariant()
    def nothing_is_lost_or_made(self) -> None:
        """Budgets, reserves, experts and fees are what the rail holds, but for lost answers."""
        if not hasattr(self, "experts"):
            return
        with self.live.transaction() as session:
            asked = self._payouts(session, [PayoutState.SENDING, PayoutState.UNKNOWN])
            unrecorded = sum(
                payout.amount_minor for payout in asked if payout.reference in self.world.sent
            )
        assert self._standings() - self.start == self.world.held + unrecorded

    @invariant()
    def nobody_is_paid_twice(self) -> None:
        if not hasattr(self, "experts"):
            return
        per_payout: dict[str, int] = defaultdict(int)
        for reference in self.world.sent:
            per_payout["-".join(reference.split("-")[:2])] += 1
        assert set(per_payout.values()) <= {1}

    @invariant()
    def every_reserved_cent_belongs_to_a_held_reservation(self) -> None:
        if not hasattr(self, "experts"):
            return
        with self.live.transaction() as session:
            for project_id in self.projects:
                held = [
                    row.pay + row.fee
                    for row in session.exec(
                        select(Reservation).where(
                            Reservation.project_id == project_id,
                            Reservation.state == ReservationState.HELD,
                        )
                    )
                ]
                reserve = ledger.balance(session, ledger.reserve(project_id, "eur"))
                assert reserve == sum(held, eur(0))

    def _end(self, data: st.DataObject, act: Any) -> None:
        number = self._assignment(data.draw(st.integers(1, self.number)))
        try:
            with self.live.transaction() as session:
                row = session.get(Reservation, number)
                if row is not None:
                    act(session, row)
        except (budgets.AlreadyEarned, budgets.NotReserved, budgets.OutOfBudget):
            pass  # it has ended in the other way, or the money is used elsewhere

    def _assignment(self, number: int) -> int:
        return self.projects[0] * 1000 + number

    def _each(self, states: list[PayoutState], act: Any) -> None:
        with self.live.transaction() as session:
            rows = self._payouts(session, states)
            for payout in rows:
                payout.try_at = None
            ids = [payout.id for payout in rows]
        with self.live.app.app_context():
            for payout_id in ids:
                act(payout_id, self.world)

    def _payouts(self, session: Any, states: list[PayoutState]) -> list[Payout]:
        mine = Payout.expert_id.in_(self.experts), Payout.state.in_(states)  # type: ignore[attr-defined]
        return list(session.exec(select(Payout).where(*mine)))

    def _standings(self) -> int:
        with self.live.transaction() as session:
            return sum(one.total.minor for one in reconciliation.held(session))


def test_no_order_of_events_breaks_the_ledger(live):
    machine = type("Bound", (Machine,), {"live": live})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
