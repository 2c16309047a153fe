"""What tests of money may ask for: our app with Stripe's real SDK and a sandbox behind it."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from pydantic import SecretStr
from sqlmodel import select

from core.clock import now
from core.money import Money
from core.settings import Settings
from payouts import deposits, payees, requests
from payouts.charge_models import Charge
from payouts.models import Payout, ProjectBudget
from payouts.sandbox import server
from payouts.sandbox.settings import Settings as SandboxSettings
from payouts.stripe_connect import StripeConnect
from tests.conftest import make_settings
from tests.factories.accounts import make_user
from tests.factories.payouts import make_budget, make_earning
from tests.payouts.sandbox.bench import Bench, CheckedHttp, told_wrongly


@dataclasses.dataclass
class Desk:
    """Our app, its rail and the sandbox behind it; each request is checked against the spec."""

    app: Flask
    rail: StripeConnect
    bench: Bench
    ahead: timedelta = timedelta(0)

    def deposit(self, session: Any, budget: ProjectBudget, amount: int, **how: Any) -> int:
        """Pay into a budget by checkout, as owners do; `card` or `iban` say by what."""
        payer = make_user(session, "owner")
        deposit = deposits.open(
            session,
            budget.project_id,
            Money(amount, budget.currency),
            key=new_key(),
            by=payer.id,
            at=now(),
        )
        session.commit()
        deposits.begin(deposit.id, self.rail, title="Budget", back_to="http://localhost/back")
        session.refresh(deposit)
        self.bench.control(f"/checkout/{deposit.stripe_checkout_id}/pay", **how)
        deposits.reread(deposit.id, self.rail)
        session.refresh(deposit)
        return deposit.id

    def budget(self, session: Any, amount: int = 100_000, **changes: Any) -> ProjectBudget:
        """Make a budget that was really paid into."""
        budget = make_budget(session, **changes)
        self.deposit(session, budget, amount)
        return budget

    def expert(self, session: Any, *, onboarded: bool = True) -> Any:
        """Make an expert with a real account at the sandbox."""
        user = make_user(session, "expert")
        session.commit()
        payees.onboarding_url(
            user.id,
            self.rail,
            country="FR",
            refresh_url="http://localhost/r",
            return_url="http://localhost/d",
        )
        if onboarded:
            account_id = payees.known(session, user.id).stripe_account_id
            self.bench.control(f"/accounts/{account_id}/onboard")
            payees.reread(user.id, self.rail)
        session.expire_all()
        return user

    def payout(self, session: Any, *, amount: int = 1000, expert: Any = None) -> Payout:
        """Make a payout that is ready, of money that was earned and really paid in."""
        expert = expert or self.expert(session)
        budget = self.budget(session, amount=max(2000, amount * 2))
        make_earning(session, budget, expert.id, pay=amount)
        payout = requests.on_demand(
            session, expert.id, Money(amount, "eur"), key=new_key(), at=now()
        )
        session.commit()
        return payout

    def pass_time(self, length: timedelta) -> None:
        """Let time pass, here and at the sandbox."""
        self.ahead += length
        self.bench.control("/clock/advance", seconds=int(length.total_seconds()))

    def fault(self, kind: str, path: str = "/v1/transfers", **how: Any) -> None:
        """Let the network or Stripe fail on the next requests."""
        self.bench.control("/faults", **{"kind": kind, "path": path, "method": "POST", **how})

    def transfers(self) -> list[Any]:
        """Everything that the sandbox has sent."""
        return list(self.bench.v1.transfers.list({"limit": 100}).auto_paging_iter())


def new_key() -> str:
    """Return a key as forms carry one."""
    from core import once

    return once.new_key()


def settings_for(data_dir: Path, url: str) -> Settings:
    """Return settings that name a sandbox."""
    changes: dict[str, Any] = {
        "stripe_api_base": url,
        "stripe_api_key": SecretStr("sk_test_0123456789"),
    }
    return make_settings(data_dir, **changes)


@contextmanager
def a_desk(app: Flask, folder: Path, **sandbox: Any) -> Iterator[Desk]:
    """Serve a sandbox and let an app use it."""
    made = SandboxSettings(data=folder / "sandbox", **sandbox)
    with server.running(made) as found, httpx.Client(timeout=30) as web:
        rail = StripeConnect(settings_for(folder, found.url))
        bench = Bench(found.url, web)
        rail.client = bench.client(CheckedHttp(timeout=10), retries=0)
        desk = Desk(app, rail, bench)
        known = app.extensions["doyen.ports"]
        app.extensions["doyen.ports"] = dataclasses.replace(known, payout_rail=rail)
        app.extensions["doyen.clock"] = _clock(desk)
        try:
            yield desk
            assert told_wrongly(found.sandbox.store) == []
        finally:
            app.extensions["doyen.ports"] = known
            del app.extensions["doyen.clock"]


def _clock(desk: Desk) -> Callable[[], datetime]:
    from datetime import UTC

    return lambda: datetime.now(UTC) + desk.ahead


@pytest.fixture
def desk(app: Flask, tmp_path: Path) -> Iterator[Desk]:
    """An app whose rail is a sandbox with funds available at once."""
    with a_desk(app, tmp_path, instant_settlement=True) as found:
        yield found


@pytest.fixture
def slow_desk(app: Flask, tmp_path: Path) -> Iterator[Desk]:
    """An app whose rail is a sandbox where funds settle after two days, as in Europe."""
    with a_desk(app, tmp_path) as found:
        yield found


def draw_on_nothing(session: Any) -> None:
    """Let no payout draw on charges that have not settled."""
    for row in session.exec(select(Charge)).all():
        row.refused_at = now()
    session.commit()
