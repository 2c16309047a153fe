"""What a handler is given, and where it says which question it answers.

The one rule: a handler sees parameters that have been read and a transaction that is open; it
returns an object or raises a `Refusal`, and knows nothing of HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from payouts.sandbox.errors import missing
from payouts.sandbox.params import Table
from payouts.sandbox.settings import Settings
from payouts.sandbox.store import Doc, Tx


@dataclass(frozen=True)
class Call:
    """One request of the API."""

    tx: Tx
    params: Doc
    account: str  # '' is the platform
    base_url: str
    path: str

    @property
    def settings(self) -> Settings:
        """What this sandbox was started with."""
        return self.tx.settings

    def find(self, kind: str, id_: str) -> Doc:
        """Return an object of the account that asks, or refuse with 404."""
        found = self.tx.get(kind, id_, account=self.account)
        if found is None:
            raise missing(kind, id_)
        return found


Handler = Callable[..., Doc]


@dataclass(frozen=True)
class Route:
    """One operation of the API."""

    method: str
    rule: str
    table: Table
    handler: Handler


@dataclass
class Routes:
    """The operations of one resource."""

    found: list[Route] = field(default_factory=list)

    def get(self, rule: str, table: Table) -> Callable[[Handler], Handler]:
        """Answer GET on `rule` with parameters as in `table`."""
        return self._add("GET", rule, table)

    def post(self, rule: str, table: Table) -> Callable[[Handler], Handler]:
        """Answer POST on `rule` with parameters as in `table`."""
        return self._add("POST", rule, table)

    def delete(self, rule: str) -> Callable[[Handler], Handler]:
        """Answer DELETE on `rule`."""
        return self._add("DELETE", rule, {})

    def _add(self, method: str, rule: str, table: Table) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.found.append(Route(method, rule, table, handler))
            return handler

        return keep
