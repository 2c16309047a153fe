"""Two projects, two experts, two operators and a rail: what the rules share."""

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize
from sqlmodel import Session, select

from core.clock import now
from payouts import budgets, charges, earnings, reconciliation, requests, sending
from payouts.models import Payout, PayoutState, Reservation
from tests.conftest import Live
from tests.factories.accounts import make_user
from tests.factories.payouts import eur, make_budget, make_deposit, make_expert
from tests.payouts.conftest import new_key
from tests.payouts.machine.world import Killed, World

ASKED = [PayoutState.SENDING, PayoutState.UNKNOWN]
REFUSALS = (budgets.AlreadyEarned, budgets.NotReserved, budgets.OutOfBudget, budgets.Frozen)
some_project = st.integers(0, 1)
some_expert = st.integers(0, 1)


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
        self.reviews: list[str] = []
        with self.live.transaction() as session:
            self.projects = [make_budget(session).project_id for _ in range(2)]
            self.experts = [make_expert(session).id for _ in range(2)]
            self.operators = [make_user(session, "operator").id for _ in range(2)]
        self.start = self.standings()
        self._some_history()
        self._first_payouts()

    def _some_history(self) -> None:
        """Fund both projects and let both experts have earned, so that any act finds money."""
        for number, project_id in enumerate(self.projects):
            with self.live.transaction() as session:
                self.deposit(session, project_id, 9000, 90, is_settled=True)
                for pay in (900, 700, 350):
                    self.number += 1
                    row_id = self.assignment(self.number)
                    budgets.reserve(session, project_id, row_id, eur(pay), eur(50), now())
                    if pay > 350:
                        expert_id = self.experts[number]
                        earnings.earn(session, project_id, row_id, expert_id, now())

    def _first_payouts(self) -> None:
        """Send one payout to each, so that something can be taken back."""
        ids = []
        with self.live.transaction() as session:
            for expert_id in self.experts:
                row = requests.on_demand(session, expert_id, eur(800), key=new_key(), at=now())
                ids.append(row.id or 0)
        self.in_turn(ids, sending.send)

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
        except REFUSALS as refusal:
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
        self.in_turn(ids, act)

    def in_turn(self, ids: list[int], act: Callable[[int, Any], Any]) -> None:
        """Put rows to the rail one after another; a crash ends it."""
        with self.live.app.app_context():
            for row_id in ids:
                try:
                    act(row_id, self.world)
                except Killed:
                    self.done["crashes"] += 1
                    return

    def payouts(self, session: Session, states: list[PayoutState]) -> list[Payout]:
        """Return this run's payouts that are in some states."""
        mine = Payout.expert_id.in_(self.experts), Payout.state.in_(states)  # type: ignore[attr-defined]
        return list(session.exec(select(Payout).where(*mine)))

    def deposit(
        self, session: Session, project_id: int, amount: int, fee: int, *, is_settled: bool
    ) -> None:
        """Let an owner pay in."""
        budget = budgets.of(session, project_id)
        row = make_deposit(session, budget, amount=amount, fee=fee, is_settled=is_settled)
        charge_id = charges.of(session, row.id or 0).stripe_charge_id
        self.world.pay_in(charge_id, amount, fee, is_settled=is_settled)

    def standings(self) -> int:
        """Return what the rail holds for us by our books."""
        with self.live.transaction() as session:
            return total(session)


def total(session: Session) -> int:
    """Return what the rail holds for us, by our books."""
    return sum(one.total.minor for one in reconciliation.held(session))
