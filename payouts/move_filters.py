"""Which moves of a budget an owner wishes to see: by what they were for, and by days."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, not_, or_
from sqlmodel import col
from werkzeug.datastructures import MultiDict

from payouts.models import Move

# By how the name of an event begins or ends; what none of them names is "other".
KINDS: dict[str, tuple[LazyString, str]] = {
    "in": (_l("Paid in"), "deposit:%:paid"),
    "reserved": (_l("Reserved"), "assignment:%:reserved"),
    "released": (_l("Given back"), "assignment:%:released"),
    "earned": (_l("Accepted work"), "assignment:%:earned"),
    "refunds": (_l("Refunds"), "refund%"),
}


@dataclass(frozen=True)
class Wanted:
    """What is asked for in an address; what cannot be read asks for nothing."""

    what: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self.what or self.since or self.until)

    def address(self) -> dict[str, str]:
        """Return it as parameters of an address."""
        named = {"what": self.what, "since": self.since, "until": self.until}
        return {name: str(value) for name, value in named.items() if value}


def read(args: MultiDict[str, str]) -> Wanted:
    """Read what an address asks for."""
    what = args.get("what", "")
    return Wanted(
        what if what in KINDS or what == "other" else "",
        args.get("since", type=date.fromisoformat),
        args.get("until", type=date.fromisoformat),
    )


def narrowed(query: Any, wanted: Wanted) -> Any:
    """Return a query of moves without those that are not wanted."""
    conditions = []
    event = col(Move.event)
    if wanted.what == "other":
        conditions.append(not_(or_(*(event.like(pattern) for _words, pattern in KINDS.values()))))
    elif wanted.what:
        conditions.append(event.like(KINDS[wanted.what][1]))
    if wanted.since is not None:
        conditions.append(col(Move.happened_at) >= _begin(wanted.since))
    if wanted.until is not None and wanted.until < date.max:
        conditions.append(col(Move.happened_at) < _begin(wanted.until + timedelta(days=1)))
    return query.where(and_(*conditions)) if conditions else query


def _begin(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
