"""What has truly happened at a rail that keeps its promises and whose answers get lost."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from core.clock import now
from core.money import Money
from core.ports import (
    NotEnoughFunds,
    OutcomeUnknown,
    PayeeNotReady,
    PayoutRefused,
    RailCharge,
    RailDispute,
    RailEntry,
    RailRefund,
    RailReversal,
)

FAULTS = ["lost before", "lost after", "refused", "not ready", "killed before", "killed after"]
DISPUTE_FEE = 15
Answer = TypeVar("Answer")


class Killed(BaseException):
    """The process dies here."""


@dataclass
class AtRail:
    """A charge as the rail has it: `pending` is what of it has not settled."""

    amount: int
    pending: int
    room: int
    refunded: int = 0
    is_settled: bool = True
    is_disputed: bool = False


@dataclass
class Given:
    """A refund as the rail has it."""

    charge_id: str
    told: RailRefund

    @property
    def moved(self) -> int:
        """What of it is away from the rail."""
        is_away = self.told.has_moved and self.told.state != "failed"
        return self.told.amount.minor if is_away else 0


class World:
    """The rail: its money, and what it was asked and has done, by our references."""

    def __init__(self) -> None:
        self.settled = 0
        self.next = "ok"
        self.charges: dict[str, AtRail] = {}
        self.sent: dict[str, tuple[str, int]] = {}
        self.refunds: dict[str, Given] = {}
        self.reversals: dict[str, list[RailReversal]] = {}
        self.disputes: dict[str, RailDispute] = {}
        self.number = 0

    @property
    def held(self) -> int:
        """All that the rail holds for the platform."""
        return self.settled + sum(charge.pending for charge in self.charges.values())

    def pay_in(self, charge_id: str, amount: int, fee: int, *, is_settled: bool) -> None:
        """Charge an owner."""
        net = amount - fee
        self.charges[charge_id] = AtRail(amount, 0 if is_settled else net, amount)
        self.charges[charge_id].is_settled = is_settled
        self.settled += net if is_settled else 0

    def settle(self, charge_id: str) -> None:
        """Let what is left of a charge become available."""
        charge = self.charges[charge_id]
        self.settled += charge.pending
        charge.pending, charge.is_settled = 0, True

    def open_dispute(self, charge_id: str, amount: int) -> None:
        """Let a bank ask an amount back: it is taken at once, with a fee."""
        charge = self.charges[charge_id]
        name = self._name("du")
        charge.is_disputed = True
        told = RailDispute(
            name, charge_id, None, self._eur(amount), "general", "needs_response",
            has_evidence=False, due_at=now(), opened_at=now(),
        )  # fmt: skip
        self.disputes[name] = replace(told, entries=(self._line(name, -amount, DISPUTE_FEE),))

    def close_dispute(self, name: str, state: str) -> None:
        """Let the bank decide; it may win for us even after it was lost."""
        told = self.disputes[name]
        entries = told.entries
        if state == "won" and told.state != "won":
            entries = (*entries, self._line(name, told.amount.minor, 0))
        self.disputes[name] = replace(told, state=state, entries=entries)

    def take_back_by_hand(self, transfer_id: str, amount: int) -> None:
        """Take a transfer back in the rail's dashboard."""
        self._reverse(transfer_id, amount, None)

    def go_on_refunding(self) -> None:
        """Give back what waited for funds."""
        for given in self.refunds.values():
            if given.told.state == "pending":
                self._move(given)

    def send_back(self, reference: str) -> None:
        """Let a bank send a refund back."""
        given = self.refunds[reference]
        charge = self.charges[given.charge_id]
        self.settled += given.moved
        charge.refunded -= given.told.amount.minor
        charge.room += given.told.amount.minor
        given.told = replace(given.told, state="failed", trouble="lost_or_stolen_card")

    # What our code asks

    def payee_balance(self, _account_id: str, currency: str) -> Money:
        """Nobody's account is below nothing here."""
        return Money(0, currency)

    def send(self, amount: Money, *, to: str, reference: str) -> str:
        """Send settled money, once for a reference."""
        return self._ask(reference, self.sent, lambda: self._sent(amount, reference))[0]

    def send_from(self, charge_id: str, amount: Money, *, to: str, reference: str) -> str:
        """Send from a charge, once for a reference."""
        draw = lambda: self._drawn(charge_id, amount, reference)  # noqa: E731
        return self._ask(reference, self.sent, draw)[0]

    def find_sent(self, *, to: str, reference: str, since: Any) -> str | None:
        """Look a transfer up."""
        found = self._look(reference, self.sent)
        return found[0] if found else None

    def charge(self, charge_id: str) -> RailCharge:
        """Read a charge."""
        found = self.charges[charge_id]
        amount, refunded = self._eur(found.amount), self._eur(found.refunded)
        return RailCharge(charge_id, amount, refunded, found.is_disputed, found.is_settled)

    def give_back(self, charge_id: str, amount: Money, *, reference: str) -> RailRefund:
        """Refund a part of a charge, once for a reference."""
        give = lambda: self._given(charge_id, amount)  # noqa: E731
        return self._ask(reference, self.refunds, give).told

    def find_refund(self, _charge_id: str, *, reference: str) -> RailRefund | None:
        """Look a refund up."""
        found = self._look(reference, self.refunds)
        return found.told if found else None

    def refund(self, refund_id: str) -> RailRefund:
        """Read a refund again."""
        return next(one.told for one in self.refunds.values() if one.told.id == refund_id)

    def taken_back(self, transfer_id: str) -> list[RailReversal]:
        """Read what was taken back of a transfer."""
        return list(self.reversals.get(transfer_id, []))

    def take_back(self, transfer_id: str, amount: Money, *, reference: str) -> RailReversal:
        """Take a transfer back, once for a reference."""
        known = {one.reference: one for one in self.taken_back(transfer_id)}
        take = lambda: self._reverse(transfer_id, amount.minor, reference)  # noqa: E731
        return self._ask(reference, known, take)

    def _ask(self, reference: str, known: dict[Any, Answer], act: Callable[[], Answer]) -> Answer:
        """Do what is asked for once, and answer as the next fault says."""
        fault, self.next = self.next, "ok"
        if fault == "killed before":
            raise Killed
        if fault == "lost before":
            raise OutcomeUnknown("timeout")
        if reference not in known:
            if fault == "refused":
                raise PayoutRefused("odd")
            if fault == "not ready":
                raise PayeeNotReady("insufficient_capabilities_for_transfer")
            known[reference] = act()
        if fault == "killed after":
            raise Killed
        if fault == "lost after":
            raise OutcomeUnknown("timeout")
        return known[reference]

    def _look(self, reference: str, known: dict[str, Answer]) -> Answer | None:
        fault, self.next = self.next, "ok"
        if fault.startswith("killed"):
            raise Killed
        if fault.startswith("lost"):
            raise OutcomeUnknown("timeout")
        return known.get(reference)

    def _sent(self, amount: Money, reference: str) -> tuple[str, int]:
        if amount.minor > self.settled:
            raise NotEnoughFunds("balance_insufficient")
        self.settled -= amount.minor
        return (f"tr_{reference}", amount.minor)

    def _drawn(self, charge_id: str, amount: Money, reference: str) -> tuple[str, int]:
        charge = self.charges[charge_id]
        if charge.is_disputed or amount.minor > charge.room:
            raise PayoutRefused("transfer_source_balance_parameters_mismatch")
        charge.room -= amount.minor
        self._leave(charge, amount.minor)
        return (f"tr_{reference}", amount.minor)

    def _given(self, charge_id: str, amount: Money) -> Given:
        charge = self.charges[charge_id]
        if charge.is_disputed:
            raise PayoutRefused("charge_disputed")
        if amount.minor > charge.room:
            raise PayoutRefused("charge_already_refunded")
        charge.room -= amount.minor
        charge.refunded += amount.minor
        told = RailRefund(self._name("re"), "pending", amount, False, "insufficient_funds")
        given = Given(charge_id, told)
        self._move(given)
        return given

    def _move(self, given: Given) -> None:
        charge, amount = self.charges[given.charge_id], given.told.amount.minor
        if (self.settled if charge.is_settled else charge.pending) < amount:
            return
        self._leave(charge, amount)
        given.told = replace(given.told, state="succeeded", has_moved=True, trouble=None)

    def _leave(self, charge: AtRail, minor: int) -> None:
        if charge.is_settled:
            self.settled -= minor
        else:
            charge.pending -= minor

    def _reverse(self, transfer_id: str, minor: int, reference: str | None) -> RailReversal:
        self.settled += minor
        name = self._name("trr")
        made = RailReversal(name, f"txn_{name}", self._eur(minor), reference, now())
        self.reversals.setdefault(transfer_id, []).append(made)
        return made

    def _line(self, source: str, minor: int, fee: int) -> RailEntry:
        self.settled += minor - fee
        name = self._name("txn")
        net, cost = self._eur(minor - fee), self._eur(fee)
        return RailEntry(name, "adjustment", net, source, None, now(), fee=cost)

    def _name(self, kind: str) -> str:
        self.number += 1
        return f"{kind}_{id(self)}_{self.number}"

    def _eur(self, minor: int) -> Money:
        return Money(minor, "eur")
