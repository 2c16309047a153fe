"""What banks and the rail do beside payouts: settle, give back, take back, dispute."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlmodel import Session, col, select

from accounts.models import Decision, User
from core.clock import now
from core.errors import DomainError
from payouts import charges, disputes, ledger, refunds, reversals
from payouts.charge_models import Charge
from payouts.dispute_models import Reversal, ReversalCause, ReversalState
from payouts.models import PayoutState
from payouts.refund_models import RefundPart, RefundState
from tests.factories.payouts import eur
from tests.payouts.conftest import new_key
from tests.payouts.machine.books import Books, some_project

CAUSE_WORDS = ("The account of the expert was closed.", "A letter of the bank of last Monday.")
REFUSED_REFUNDS = (refunds.MoreThanUnspent, refunds.Contested)


class Settling(Books):
    """Charges settle at the rail; our books follow when they read them."""

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Let a charge become available."""
        waiting = [name for name, one in self.world.charges.items() if not one.is_settled]
        if waiting:
            self.world.settle(data.draw(st.sampled_from(waiting)))
            self.note("settled at the rail")

    @rule()
    def read_charges(self) -> None:
        """Read all charges that have not settled in our books, or may be disputed."""
        with self.live.transaction() as session:
            question = select(Charge.deposit_id).where(col(Charge.project_id).in_(self.projects))
            ids = list(session.exec(question))
        self.in_turn(ids, charges.reread)
        self.note("charges read")


class Refunding(Books):
    """Owners ask unspent money back."""

    @rule(project=some_project, amount=st.integers(1, 6000))
    def ask_back(self, project: int, amount: int) -> None:
        """Ask for a refund, of more than is there as well; the second click finds the first."""
        asked = (self.projects[project], eur(amount))
        how: Any = {"key": new_key(), "by": self.operators[0], "at": now()}
        try:
            with self.live.transaction() as session:
                made = refunds.ask(session, *asked, **how)
        except REFUSED_REFUNDS as refusal:
            self.note("ask back", type(refusal).__name__)
            return
        with self.live.transaction() as session:
            assert refunds.ask(session, *asked, **how).id == made.id
        self.note("ask back")

    @rule()
    def send_refunds(self) -> None:
        """Put to the rail what is due."""
        self.in_turn(self._parts(RefundState.READY), refunds.send)
        self.note("refunds sent")

    @rule()
    def read_refunds(self) -> None:
        """Look up what has no answer, and read again what has one."""
        self.in_turn(self._parts(*refunds.ASKED), refunds.look_up)
        done = (*refunds.WAITING, RefundState.SUCCEEDED)
        self.in_turn(self._parts(*done), refunds.reread)
        self.note("refunds read")

    @rule()
    def funds_for_refunds(self) -> None:
        """Let the rail go on with what waited for funds."""
        self.world.go_on_refunding()

    @precondition(lambda self: self.world.refunds)
    @rule(data=st.data())
    def bank_returns(self, data: st.DataObject) -> None:
        """Let a bank send a refund back, even after it had succeeded."""
        name = data.draw(st.sampled_from(sorted(self.world.refunds)))
        if self.world.refunds[name].told.state != "failed":
            self.world.send_back(name)
            self.note("refund sent back")

    def _parts(self, *states: RefundState) -> list[int]:
        with self.live.transaction() as session:
            rows = parts_of(session, self.projects)
            found = [part for part in rows if part.state in states]
            for part in found:
                part.try_at = None
            return [part.id or 0 for part in found]


class Disputing(Books):
    """Banks ask payments back, and decide."""

    @precondition(lambda self: len(self.world.disputes) < 3)
    @rule(data=st.data())
    def dispute(self, data: st.DataObject) -> None:
        """Let a bank ask a payment back, whole or in part."""
        sound = [n for n, one in self.world.charges.items() if not one.is_disputed]
        if not sound:
            return
        name = data.draw(st.sampled_from(sound))
        charge = self.world.charges[name]
        if charge.amount > charge.refunded:
            amount = data.draw(st.integers(1, charge.amount - charge.refunded))
            self.world.open_dispute(name, amount)
            self.note("dispute")

    @precondition(lambda self: self.world.disputes)
    @rule(data=st.data(), state=st.sampled_from(["under_review", "won", "lost"]))
    def decide(self, data: st.DataObject, state: str) -> None:
        """Let a bank decide; what was lost may be won after all."""
        name = data.draw(st.sampled_from(sorted(self.world.disputes)))
        order = ["needs_response", "under_review", "lost", "won"]
        if order.index(state) > order.index(self.world.disputes[name].state):
            self.world.close_dispute(name, state)
            self.note(f"dispute {state}")

    @rule()
    def read_disputes(self) -> None:
        """Read them all: what banks have taken and given is booked, the project freezes or goes on.

        Earned pay stays as it was.
        """
        for told in self.world.disputes.values():
            with self.live.transaction() as session:
                before = self._owed(session)
                disputes.record(session, told, at=now())
                assert self._owed(session) == before
        if self.world.disputes:
            self.note("disputes read")

    def _owed(self, session: Session) -> int:
        purses = [ledger.owed(expert_id, "eur") for expert_id in self.experts]
        return sum(ledger.balance(session, purse).minor for purse in purses)


class Reversing(Books):
    """Payouts are taken back by two operators, or by hand at the rail."""

    @rule(data=st.data(), cause=st.sampled_from(list(ReversalCause)))
    def propose(self, data: st.DataObject, cause: str) -> None:
        """Propose to take a sent payout back, of more than is left as well."""
        with self.live.transaction() as session:
            sent = self.payouts(session, list(reversals.SENT))
            if not sent:
                return
            payout = data.draw(st.sampled_from(sent))
            amount = eur(data.draw(st.integers(1, payout.amount_minor + 50)))
            said = reversals.Cause(cause, *CAUSE_WORDS)
            by = session.get_one(User, self.operators[0])
            try:
                reversals.propose(
                    session, payout.id or 0, amount, said, key=new_key(), by=by, at=now()
                )
            except DomainError as refusal:
                self.note("reversal proposed", type(refusal).__name__)
            else:
                self.note("reversal proposed")

    @rule(second=st.sampled_from([True, True, False]))
    def agree(self, second: bool) -> None:
        """Agree to all that waits; whoever proposed cannot."""
        with self.live.transaction() as session:
            by = session.get_one(User, self.operators[second])
            for row in self._of(session, ReversalState.PROPOSED, ReversalState.FOUND):
                if row.cause is None:
                    continue
                try:
                    reversals.agree(session, row.id or 0, by=by, at=now())
                except reversals.NeedsASecond:
                    self.note("reversal agreed", "NeedsASecond")
                else:
                    assert second
                    self.note("reversal agreed")

    @rule()
    def take_back(self) -> None:
        """Ask the rail for what was agreed."""
        with self.live.transaction() as session:
            ids = [row.id or 0 for row in self._of(session, ReversalState.ASKING)]
        self.in_turn(ids, reversals.ask)
        self.note("taken back")

    @rule(data=st.data())
    def take_back_by_hand(self, data: st.DataObject) -> None:
        """Take a transfer back in the rail's dashboard."""
        left = {
            name: minor - sum(one.amount.minor for one in self.world.taken_back(name))
            for name, minor in self.world.sent.values()
        }
        names = sorted(name for name, minor in left.items() if minor > 0)
        if names:
            name = data.draw(st.sampled_from(names))
            self.world.take_back_by_hand(name, data.draw(st.integers(1, left[name])))
            self.note("taken back by hand")

    @rule(cause=st.sampled_from(list(ReversalCause)))
    def explain(self, cause: str) -> None:
        """Find what was taken back by hand, and say what it was."""
        with self.live.app.app_context():
            for transfer_id in self.world.reversals:
                reversals.look_for(transfer_id, self.world)
        with self.live.transaction() as session:
            by = session.get_one(User, self.operators[0])
            for row in self._of(session, ReversalState.FOUND):
                said = reversals.Cause(cause, *CAUSE_WORDS)
                reversals.say(session, row.id or 0, said, by=by, at=now())
                self.note("explained")

    @rule()
    def make_good(self) -> None:
        """Owe again what an appeal found was rightly theirs; twice changes nothing."""
        with self.live.transaction() as session:
            by = session.get_one(User, self.operators[1])
            for row in self._of(session, ReversalState.DONE):
                if row.cause == ReversalCause.SENT_TWICE:
                    decision = session.exec(
                        select(Decision).where(Decision.id == row.decision_id)
                    ).one()
                    for _ in range(2):
                        reversals.make_good(session, decision, by, now())
                    self.note("made good")

    def _of(self, session: Session, *states: ReversalState) -> list[Reversal]:
        ids = [payout.id for payout in self.payouts(session, list(PayoutState))]
        question = select(Reversal).where(
            col(Reversal.payout_id).in_(ids), col(Reversal.state).in_(states)
        )
        return list(session.exec(question.order_by(col(Reversal.id))))


def parts_of(session: Session, projects: list[int]) -> list[RefundPart]:
    """Return the parts of the refunds of projects."""
    question = select(RefundPart).where(col(RefundPart.project_id).in_(projects))
    return list(session.exec(question.order_by(col(RefundPart.id))))
