"""A rehearsal: one fixed scenario through the real adapter, step by step, each with a verdict.

The one rule: it knows the rail and nothing else. No session, no ledger, no row of the instance.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from core.money import Money
from core.ports import Checkout, PayoutRefused, RailDown
from payouts.stripe_test_mode import StripeTestMode

Answer = TypeVar("Answer")
Until = Callable[[], bool]


class Differs(Exception):
    """The rail did something else than our adapter, or our sandbox, takes for granted."""


class NotHere(Exception):
    """A step that cannot be taken here, and why."""


class Verdict(StrEnum):
    """What came of a step."""

    OK = "ok"
    DIFFERS = "differs"
    SKIPPED = "not possible here"


class Person(Protocol):
    """Does what no program may do at Stripe: click hosted pages, and let time pass."""

    def pays(self, checkout: Checkout, done: Until) -> None:
        """Pay a checkout, or raise `NotHere`."""

    def onboards(self, account_id: str, url: str, done: Until) -> None:
        """Give a payee's details, or raise `NotHere`."""

    def waits_a_day(self, done: Until) -> None:
        """Wait for what a bank does within a day, or raise `NotHere`."""


@dataclass
class Scene:
    """What the steps share: who acts, on whose behalf, and what was made so far."""

    rail: StripeTestMode
    person: Person
    run: str
    began: datetime
    currency: str = "eur"
    country: str = "FR"
    payee: str = ""  # an account that a person has onboarded before
    patience: int = 30
    made: dict[str, str] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)  # by the source of a balance line
    told: set[tuple[str, str]] = field(default_factory=set)  # events that must follow

    def name(self, what: str) -> str:
        """Return a reference that no other rehearsal uses."""
        return f"rehearsal:{self.run}:{what}"

    def money(self, minor: int) -> Money:
        """Return an amount in the currency of the rehearsal."""
        return Money(minor, self.currency)

    def need(self, what: str) -> str:
        """Return what an earlier step has made."""
        if what not in self.made:
            raise NotHere(f"an earlier step did not give it: {what}")
        return self.made[what]

    def moves(self, source_id: str, minor: int) -> None:
        """Note that a balance line with this source must follow."""
        self.moved[source_id] = self.moved.get(source_id, 0) + minor

    def soon(self, done: Until) -> bool:
        """Ask until something is so; Stripe does some things within seconds."""
        for _ in range(self.patience):
            if done():
                return True
            time.sleep(1)
        return done()


Act = Callable[[Scene], str]


@dataclass(frozen=True)
class Step:
    """One act and what it checks; `assumes` names what the sandbox takes for granted."""

    title: str
    act: Act
    assumes: tuple[str, ...] = ()
    is_vital: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of a step, in words."""

    step: Step
    verdict: Verdict
    said: str


@dataclass
class Steps:
    """The steps of a scenario, in their order."""

    found: list[Step] = field(default_factory=list)

    def __call__(self, title: str, *assumes: str, is_vital: bool = False) -> Callable[[Act], Act]:
        """Add a function as the next step."""

        def keep(act: Act) -> Act:
            self.found.append(Step(title, act, assumes, is_vital))
            return act

        return keep


def walk(steps: Iterable[Step], scene: Scene) -> Iterator[Outcome]:
    """Take each step and yield what came of it; a vital one that fails is the last."""
    for step in steps:
        outcome = _take(step, scene)
        yield outcome
        if step.is_vital and outcome.verdict is not Verdict.OK:
            return


def _take(step: Step, scene: Scene) -> Outcome:
    try:
        return Outcome(step, Verdict.OK, step.act(scene))
    except NotHere as why:
        return Outcome(step, Verdict.SKIPPED, str(why))
    except Differs as why:
        return Outcome(step, Verdict.DIFFERS, str(why))
    except (RailDown, PayoutRefused) as trouble:
        return Outcome(step, Verdict.DIFFERS, f"{type(trouble).__name__}: {trouble}")
    except (KeyError, TypeError, ValueError, AttributeError) as trouble:
        words = f"an answer could not be read: {type(trouble).__name__} {trouble}"
        return Outcome(step, Verdict.DIFFERS, words)


def differs(outcomes: list[Outcome]) -> bool:
    """Whether a step differs."""
    return any(one.verdict is Verdict.DIFFERS for one in outcomes)


def summary(outcomes: list[Outcome]) -> str:
    """Return the last line: that it held, or what differs."""
    skipped = sum(one.verdict is Verdict.SKIPPED for one in outcomes)
    wrong = [one.step.title for one in outcomes if one.verdict is Verdict.DIFFERS]
    if wrong:
        return f"rehearsal: {len(wrong)} of {len(outcomes)} steps differ: {'; '.join(wrong)}"
    return f"rehearsal: held ({len(outcomes)} steps, {skipped} skipped)"


def check(holds: object, why: str) -> None:
    """Raise `Differs` unless something holds."""
    if not holds:
        raise Differs(why)


def refused(kind: type[Exception], act: Callable[[], object]) -> str:
    """Do what must be refused in exactly this way; return the rail's code for it."""
    try:
        found = act()
    except kind as refusal:
        check(type(refusal) is kind, f"{type(refusal).__name__} instead of {kind.__name__}")
        return str(getattr(refusal, "code", refusal))
    raise Differs(f"it was not refused: {found}")


def written(money: Money) -> str:
    """Return an amount for a terminal."""
    return f"{money.decimal} {money.currency.upper()}"
