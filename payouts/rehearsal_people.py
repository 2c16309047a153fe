"""Who clicks hosted pages in a rehearsal: our sandbox's controls, or a person at a terminal."""

import time
from collections.abc import Callable

import httpx

from core.ports import Checkout
from payouts.rehearsal import NotHere, Until

PATIENCE = 10  # a sandbox may be told to be as slow as Stripe


class NoSandbox(Exception):
    """Nobody answers there as Doyen's Stripe sandbox does."""


class SandboxPerson:
    """Clicks by the controls of our sandbox, and moves its clock."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")
        try:
            found = httpx.get(f"{self.base}/_sandbox/health", timeout=10).json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            raise NoSandbox(base) from problem
        if not isinstance(found, dict) or found.get("status") != "ok":
            raise NoSandbox(base)

    def pays(self, checkout: Checkout, done: Until) -> None:
        """Pay with the card that works."""
        self._control(f"/checkout/{checkout.id}/pay", {}, done)

    def onboards(self, account_id: str, url: str, done: Until) -> None:
        """Give the details of a test person."""
        self._control(f"/accounts/{account_id}/onboard", {}, done)

    def waits_a_day(self, done: Until) -> None:
        """Move the sandbox's clock by a day."""
        self._control("/clock/advance", {"days": 1}, done)

    def _control(self, path: str, body: dict[str, int], done: Until) -> None:
        answer = httpx.post(f"{self.base}/_sandbox{path}", json=body, timeout=30)
        if answer.status_code != 200:
            raise NotHere(f"the sandbox's control {path} answered {answer.status_code}")
        for _ in range(PATIENCE):
            if done():
                return
            time.sleep(1)


class PatientPerson:
    """Shows a link, and waits while somebody clicks it."""

    pause = 3

    def __init__(self, seconds: int, say: Callable[[str], None]) -> None:
        self.seconds, self.say = seconds, say

    def pays(self, checkout: Checkout, done: Until) -> None:
        """Wait for a payment with 4242 4242 4242 4242."""
        self._wait(f"pay with 4242 4242 4242 4242: {checkout.url}", done)

    def onboards(self, account_id: str, url: str, done: Until) -> None:
        """Wait for an onboarding with Stripe's test data."""
        self._wait(f"onboard {account_id} with test data: {url}", done)

    def waits_a_day(self, done: Until) -> None:
        """Wait for what Stripe's test mode does after a while."""
        self._wait("nothing to click, Stripe's test bank takes its time", done)

    def _wait(self, task: str, done: Until) -> None:
        if done():
            return
        if not self.seconds:
            raise NotHere(f"it needs a person and time, run with --wait 900 ({task})")
        self.say(f"         waiting up to {self.seconds} s: {task}")
        ends = time.monotonic() + self.seconds
        while time.monotonic() < ends:
            time.sleep(self.pause)
            if done():
                return
        raise NotHere(f"nobody did it within {self.seconds} s: {task}")
