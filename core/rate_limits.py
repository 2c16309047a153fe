"""How often something may be tried: counted in PostgreSQL, or in Redis where a setting names one.

Each count is written in a transaction of its own, before the work that it guards: a request that
fails is counted, and of many at once no more than the limit go on. Who tries is kept as a hash.
"""

import hashlib
import hmac
import ipaddress
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, current_app
from flask_babel import format_timedelta, get_timezone
from limits import RateLimitItem, parse_many
from limits.errors import ConfigurationError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import delete, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from core import formats
from core.clock import now
from core.db import transaction
from core.errors import TooOften
from core.models import RateCount
from core.settings import BadSettings, Settings

# The window begins with the first try and never moves: trying on does not lengthen it.
COUNT = text("""
    insert into rate_count as known (key, count, ends_at)
    values (:key, :amount, clock_timestamp() + make_interval(secs => :seconds))
    on conflict (key) do update set
        count = case when known.ends_at <= clock_timestamp()
                     then excluded.count else known.count + excluded.count end,
        ends_at = case when known.ends_at <= clock_timestamp()
                       then excluded.ends_at else known.ends_at end
    returning count
""")
LEFT = text(
    "select count, ends_at from rate_count where key = :key and ends_at > clock_timestamp()"
)


class PostgresCounts(Storage):
    """Counts of the `limits` library as rows, each changed by one statement."""

    STORAGE_SCHEME = None

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the database may raise."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and return how often it is now."""
        given = {"key": key, "seconds": expiry, "amount": amount}
        with transaction() as session:
            return int(session.execute(COUNT, given).scalar_one())

    def get(self, key: str) -> int:
        """Return how often it was."""
        found = self._row(key)
        return int(found.count) if found else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since 1970."""
        found = self._row(key)
        return float(found.ends_at.timestamp()) if found else time.time()

    def check(self) -> bool:
        """Return whether the database answers."""
        with transaction() as session:
            return bool(session.execute(text("select true")).scalar_one())

    def reset(self) -> int:
        """Forget all counts; return how many there were."""
        with transaction() as session:
            gone = session.execute(delete(RateCount))
        return int(gone.rowcount)  # type: ignore[attr-defined]

    def clear(self, key: str) -> None:
        """Forget one count."""
        with transaction() as session:
            session.execute(delete(RateCount).where(col(RateCount.key) == key))

    def _row(self, key: str) -> Any:
        with transaction() as session:
            return session.execute(LEFT, {"key": key}).first()


@dataclass(frozen=True)
class Limits:
    """The limits of an instance by name, and where tries are counted."""

    items: Mapping[str, list[RateLimitItem]]
    counts: FixedWindowRateLimiter
    key: bytes

    def count(self, name: str, who: str) -> None:
        """Count a try, or raise `TooOften` when there were enough."""
        for item in self.items[name]:
            if not self.counts.hit(item, name, self._hashed(who)):
                ends = self.counts.get_window_stats(item, name, self._hashed(who)).reset_time
                raise _too_often(ends)

    def forget(self, name: str, who: str) -> None:
        """Begin anew for somebody who has shown that they are right."""
        for item in self.items[name]:
            self.counts.clear(item, name, self._hashed(who))

    def _hashed(self, who: str) -> str:
        return hmac.new(self.key, who.encode(), hashlib.sha256).hexdigest()


def init_app(app: Flask, settings: Settings, defaults: Mapping[str, str]) -> None:
    """Give an app its limits, or say at once what is wrong with the settings for them."""
    unknown = settings.rate_limits.keys() - defaults.keys()
    if unknown:
        raise BadSettings(f"RATE_LIMITS: no limit is called {', '.join(sorted(unknown))}")
    items = {}
    for name, words in {**defaults, **settings.rate_limits}.items():
        try:
            items[name] = parse_many(words)
        except ValueError as problem:
            raise BadSettings(f"RATE_LIMITS: {name}: {problem}") from None
    key = hashlib.sha256(b"rate limits\0" + settings.secret_key.get_secret_value().encode())
    counts = FixedWindowRateLimiter(_storage(settings.rate_limit_url.get_secret_value()))
    app.extensions["doyen.rate_limits"] = Limits(items, counts, key.digest())


def limits() -> Limits:
    """Return the limits of the running app."""
    known: Limits = current_app.extensions["doyen.rate_limits"]
    return known


def network(address: str | None) -> str:
    """Return what an address is counted as: of IPv6 the part that one household has."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def sweep() -> int:
    """Delete the counts whose window is over; return how many."""
    with transaction() as session:
        gone = session.execute(delete(RateCount).where(col(RateCount.ends_at) < now()))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _storage(url: str) -> Any:
    if not url:
        return PostgresCounts()
    if not url.startswith(("redis://", "rediss://", "redis+unix://")):
        raise BadSettings("RATE_LIMIT_URL: give an address like redis://127.0.0.1:6379/0, or none")
    try:
        return storage_from_string(
            url, wrap_exceptions=True, socket_connect_timeout=2, socket_timeout=2
        )
    except ConfigurationError:
        raise BadSettings(
            "RATE_LIMIT_URL: Redis needs the library `redis`: install `limits[redis]`"
        ) from None


def _too_often(ends: float) -> TooOften:
    seconds = max(1, math.ceil(ends - time.time()))
    at = datetime.fromtimestamp(ends, UTC) + timedelta(minutes=1)  # whole minutes, never too early
    return TooOften(
        seconds=seconds,
        time=f"{formats.clock(at)} ({get_timezone() or 'UTC'})",
        wait=format_timedelta(timedelta(seconds=max(60, seconds)), threshold=1.2),
    )
