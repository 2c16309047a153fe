"""What a sandbox is started with. The one rule: this never changes while it runs.

Stripe publishes its European standard price for European Economic Area cards as 1.5 % + €0.25.
That the sandbox takes this fee, in every currency, is an assumption, as are the two days until
funds are available and the fee of 15.00 for a dispute: real ones depend on contract and card.
"""

from dataclasses import dataclass
from pathlib import Path

API_VERSION = "2026-05-27.dahlia"
DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Webhook:
    """Where events go, and the secret that they are signed with."""

    url: str
    secret: str


@dataclass(frozen=True)
class Settings:
    """One sandbox: where it keeps its state and how its Stripe behaves."""

    data: Path
    platform_webhooks: tuple[Webhook, ...] = ()
    connect_webhooks: tuple[Webhook, ...] = ()
    public_url: str = ""  # empty: links in answers use the host that the question was sent to
    country: str = "FR"
    currency: str = "eur"
    fee_bps: int = 150
    fee_fixed: int = 25
    dispute_fee: int = 1500
    instant_settlement: bool = False
    accounts_v2: bool = True  # older platforms have none
    capture_seconds: int = 0  # until the balance line of a card payment is written
    webhook_timeout: float = 10.0

    @property
    def settlement_seconds(self) -> int:
        """How long a payment is pending before its funds are available."""
        return 0 if self.instant_settlement else 2 * DAY

    @property
    def debit_seconds(self) -> int:
        """How long a bank takes to answer a debit."""
        return 0 if self.instant_settlement else 5 * DAY

    def fee(self, amount: int) -> int:
        """Return the fee for a card payment, rounded half up in whole minor units."""
        return (amount * self.fee_bps + 5000) // 10_000 + self.fee_fixed
