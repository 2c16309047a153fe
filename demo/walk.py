"""The whole main job without a person: the pages, the letters and the API, as people use them.

Nothing here reaches into the database. Each run makes people and a project of its own, so that a
walk may be repeated on the same demo.
"""

import secrets
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from demo import (
    cast,
    expert,
    label_studio_count,
    licences,
    owner,
    state,
    tokens,
    train,
    words,
)
from demo.expert import Person
from demo.owner import Terms
from demo.stack import Addresses
from demo.visitor import Visitor

TASKS = 240
KNOWN = 24
PUSHED_SECONDS = 180


@dataclass
class Told:
    """What the walk has found out, for the table at its end."""

    rows: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, what: str, value: object) -> None:
        """Add a row."""
        self.rows.append((what, str(value)))

    def check(self, holds: bool, otherwise: str) -> None:
        """Note what should hold and does not."""
        if not holds:
            self.wrong.append(otherwise)

    def show(self) -> None:
        """Print the table."""
        wide = max(len(what) for what, _ in self.rows)
        print("\n  " + "─" * (wide + 44))
        for what, value in self.rows:
            print(f"  {what:<{wide}}  {value}")
        print("  " + "─" * (wide + 44))
        for broken in self.wrong:
            print(f"  WRONG: {broken}")


@dataclass
class Walk:
    """One walk on a running demo."""

    addresses: Addresses
    folder: Path
    run: str = field(default_factory=lambda: f"-{secrets.token_hex(3)}")
    tasks: int = TASKS
    terms: Terms = field(default_factory=Terms)
    told: Told = field(default_factory=Told)
    at_step: Callable[[str], None] = lambda _step: None
    started: float = field(default_factory=time.monotonic)

    def all(self) -> Told:
        """Walk from registration to the trained model."""
        self._step("An owner registers, posts a project, loads licence texts and pays in")
        self._post()
        self._step("Experts register, fill in profiles and are interviewed")
        self._screen()
        self._step("The project is published; experts are matched, invited and accept")
        owner.publish(self.owner, self.project_id)
        self._each(lambda visitor, _: expert.accept_invitation(visitor, self.title))
        self._step("Experts label in parallel")
        self._label()
        self._step("The owner reviews what the experts did not agree on")
        self._review()
        self._step("Experts give Stripe their details and are paid")
        self._pay()
        self._step("A release is built, read by an ML team and trains a model")
        self._release()
        self._step("The ledger is held against Stripe, Label Studio against us")
        self._reconcile()
        self.told.add("time", f"{time.monotonic() - self.started:.0f} s")
        return self.told

    @property
    def title(self) -> str:
        """The project's title, unique to this run."""
        return f"{words.TITLE}{self.run.replace('-', ' ')}"

    def _post(self) -> None:
        self.owner = cast.owner(self.addresses.web, self.folder, run=self.run)
        self.project_id = owner.post_project(self.owner, self.title, self.terms)
        passages = list(licences.passages(limit=self.tasks, known=KNOWN))
        owner.load_tasks(self.owner, self.project_id, passages)
        self.loaded = len(passages)
        self.known = sum("gold" in one for one in passages)
        self._say(f"{self.loaded} passages, the answers to {self.known} are known")
        owner.pay_in(self.owner, self.project_id, self.terms.budget)

    def _screen(self) -> None:
        def one(person: Person) -> tuple[Person, Visitor, str]:
            visitor = cast.expert(self.addresses.web, self.folder, person, run=self.run)
            expert.fill_profile(visitor, person)
            outcome = expert.interview(visitor, person)
            self._say(f"{person.name}: {outcome}")
            return person, visitor, outcome

        with ThreadPoolExecutor(3) as pool:
            screened = list(pool.map(one, cast.EXPERTS))
        self.experts = [(visitor, person) for person, visitor, out in screened if out == "passed"]
        self.told.add("experts screened", f"{len(screened)}, passed {len(self.experts)}")
        for person, _, outcome in screened:
            self.told.check(
                (outcome == "passed") == person.knows_law, f"{person.name} was {outcome}"
            )

    def _label(self) -> None:
        total = self.loaded * self.terms.overlap
        done = [0] * len(self.experts)

        def one(numbered: tuple[int, tuple[Visitor, Person]]) -> None:
            number, (visitor, person) = numbered
            for done[number] in expert.work(visitor, self.project_id, person):
                self._progress(sum(done), total, "answers handed in")

        with ThreadPoolExecutor(len(self.experts)) as pool:
            list(pool.map(one, enumerate(self.experts)))
        self._end_progress()
        # What was refused or skipped comes back; the end of the queue is the end of the work.
        self.told.add("answers handed in", f"{sum(done)} on {self.loaded} tasks")
        self.told.check(sum(done) == total, f"{sum(done)} answers instead of {total}")

    def _review(self) -> None:
        accepted, rejected = owner.review(self.owner, self.project_id)
        self._say(f"reviewed: {accepted} accepted, {rejected} rejected with reasons")
        # A rejected answer opens its slot again, for an expert who has not seen the task.
        for visitor, person in self.experts:
            for _ in expert.work(visitor, self.project_id, person):
                pass
        more, again = owner.review(self.owner, self.project_id)
        self.counts = owner.counts(self.owner, self.project_id)
        self.told.add(
            "reviewed by the owner", f"{accepted + more} accepted, {rejected + again} not"
        )
        self.told.add("accepted in all", self.counts.accepted)
        self.told.add("agreement", f"alpha {self.counts.alpha}")

    def _pay(self) -> None:
        def one(pair: tuple[Visitor, Person]) -> int:
            visitor, person = pair
            expert.onboard(visitor)
            paid = expert.be_paid(visitor)
            self._say(f"{person.name}: {paid / 100:.2f}")
            return paid

        with ThreadPoolExecutor(2) as pool:
            self.paid = sum(pool.map(one, self.experts))
        price = int(self.terms.price.replace(".", ""))
        self.told.add("paid to experts", f"{self.paid / 100:.2f} EUR")
        self.told.check(
            self.paid == self.counts.accepted * price,
            f"paid {self.paid}, accepted {self.counts.accepted} at {price}",
        )

    def _release(self) -> None:
        team = cast.ml_team(self.addresses.web, self.folder, run=self.run)
        release_id = owner.build_release(self.owner, self.project_id, [cast.slug_of(team)])
        token = tokens.make(team)
        facts = train.run(self.addresses.web, token, release_id)
        usual = facts["by_always_saying_the_most_frequent"]
        self.told.add("release built", f"{facts['release']} {facts['version']}")
        self.told.add("rows", facts["rows"])
        self.told.add(
            "accuracy of the model",
            f"{facts['accuracy']:.2f} on {facts['tested_on']} held-out rows "
            f"({usual:.2f} by always saying the most frequent)",
        )
        self.told.check(facts["rows"] == self.loaded - self.known, f"{facts['rows']} rows")

    def _reconcile(self) -> None:
        money = self._settled_money()
        for code, row in money["currencies"].items():
            stripe = row["stripe_available"] + row["stripe_pending"]
            self.told.add(
                f"ledger and Stripe, {code.upper()}",
                f"{row['ledger'] / 100:.2f} and {stripe / 100:.2f}",
            )
            self.told.check(row["difference"] == 0, f"books differ: {row}")
        self.told.check(money["ledger_problems"] == [], f"ledger: {money['ledger_problems']}")
        self.told.check(money["needs_a_person"] == [], f"waiting: {money['needs_a_person']}")

        self._count_in_label_studio()

    def _count_in_label_studio(self) -> None:
        """Wait until Label Studio has every answer, and see that it has none twice."""
        wanted = self.counts.accepted + self.counts.rejected
        token = state.settings(self.folder)["LABEL_STUDIO_TOKEN"]
        until = time.monotonic() + PUSHED_SECONDS
        there = distinct = 0
        while there != wanted and time.monotonic() < until:
            time.sleep(2)
            with suppress(httpx.HTTPError, label_studio_count.NotThere):
                there, distinct = label_studio_count.annotations(
                    self.addresses.label_studio, token, self.title
                )
        self.told.add("answers in Label Studio", f"{there} of {wanted}")
        self.told.check(
            there == distinct == wanted, f"Label Studio has {there}, {distinct} distinct"
        )

    def _settled_money(self) -> Any:
        operator = cast.operator(self.addresses.web, self.folder)
        return operator.json("/operator/money?recount=1")

    def _each(self, act: Callable[[Visitor, Person], Any]) -> None:
        with ThreadPoolExecutor(len(self.experts)) as pool:
            list(pool.map(lambda pair: act(*pair), self.experts))

    def _step(self, step: str) -> None:
        print(f"\n[{time.monotonic() - self.started:5.0f} s] {step}", flush=True)
        self.at_step(step)

    def _say(self, said: str) -> None:
        print(f"          {said}", flush=True)

    def _progress(self, done: int, total: int, what: str) -> None:
        if sys.stdout.isatty():
            print(f"\r          {done} of {total} {what}", end="", flush=True)
        elif done % 25 == 0:
            self._say(f"{done} of {total} {what}")

    def _end_progress(self) -> None:
        if sys.stdout.isatty():
            print(flush=True)


def run(addresses: Addresses, folder: Path) -> int:
    """Walk once and print the table; 0 when all is as it should be."""
    told = Walk(addresses, folder).all()
    told.show()
    return 1 if told.wrong else 0
