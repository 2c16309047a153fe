"""Payouts, and an operator's corrections."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from core.clock import now
from core.errors import DomainError
from payouts import ledger, requests, sending
from payouts.models import PayoutState
from tests.factories.payouts import eur
from tests.payouts.conftest import new_key
from tests.payouts.machine.books import ASKED, Books, some_expert, some_project
from tests.payouts.machine.world import FAULTS


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
