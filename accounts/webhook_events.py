"""What webhooks may tell: one table of events, with words, an example, and who can choose each.

Data is thin: ids, states and addresses to ask for more. Of experts it holds nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from accounts.models import OrganisationKind

TEST = "webhook.test"  # sent by a button, to the one endpoint where it was pressed
BOTH = frozenset(OrganisationKind)
OWNERS = frozenset({OrganisationKind.OWNER})
PROJECT = {"project_id": 12}
WORK = {"assignment_id": 4711, "task_id": 291, "project_id": 12}


@dataclass(frozen=True)
class Event:
    """Something that happens: its words, an example of its data, and which organisations see it."""

    words: Any
    example: dict[str, Any]
    kinds: frozenset[OrganisationKind]


EVENTS = {
    "release.published": Event(
        _l("A release that you may read is ready"),
        {
            "release_id": 7,
            "project_id": 12,
            "name": "northlight/contract-clauses",
            "version": "1.2.0",
            "revision": "v1.2.0",
            "commit": "7d1f9a6c0b5e4f3a2d1c0b9a8f7e6d5c4b3a2918",
            "rows": 1200,
            "endpoint": "https://doyen.example",
            "url": "https://doyen.example/api/v1/releases/7",
        },
        BOTH,
    ),
    "release.failed": Event(
        _l("A release could not be built"), {"release_id": 7, "project_id": 12}, OWNERS
    ),
    "release.access_granted": Event(
        _l("You may read the releases of another organisation’s project"), PROJECT, BOTH
    ),
    "release.access_ended": Event(
        _l("You may no longer read the releases of a project"), PROJECT, BOTH
    ),
    "release.access_requested": Event(
        _l("An organisation asks to read the releases of a project"),
        {**PROJECT, "request_id": 5},
        OWNERS,
    ),
    "release.access_refused": Event(
        _l("A request to read the releases of a project was refused"),
        {**PROJECT, "request_id": 5},
        BOTH,
    ),
    "project.opened": Event(_l("A project is published or goes on"), PROJECT, OWNERS),
    "project.paused": Event(_l("A project is paused"), PROJECT, OWNERS),
    "project.completed": Event(_l("A project is completed"), PROJECT, OWNERS),
    "project.frozen": Event(
        _l("A payment of a project is disputed: no new tasks"), PROJECT, OWNERS
    ),
    "project.unfrozen": Event(
        _l("No payment of a project is disputed any more: it goes on"), PROJECT, OWNERS
    ),
    "tasks.imported": Event(_l("Tasks were added to a project"), {**PROJECT, "added": 500}, OWNERS),
    "budget.funded": Event(
        _l("Money came into a project’s budget"),
        {**PROJECT, "deposit_id": 3, "amount_minor": 50_000, "currency": "eur"},
        OWNERS,
    ),
    "budget.low": Event(_l("A project’s budget does not pay for another answer"), PROJECT, OWNERS),
    "assignment.accepted": Event(_l("Work was accepted"), WORK, OWNERS),
    "assignment.partly_accepted": Event(_l("Work was accepted in part"), WORK, OWNERS),
    "assignment.rejected": Event(_l("Work was not accepted"), WORK, OWNERS),
}
WORDS = {TEST: _l("A test"), **{name: event.words for name, event in EVENTS.items()}}


def offered(kind: OrganisationKind) -> dict[str, Event]:
    """Return the events that an organisation of a kind can choose."""
    return {name: event for name, event in EVENTS.items() if kind in event.kinds}


def unfit(kind: OrganisationKind, names: Iterable[str]) -> list[str]:
    """Return the names that an organisation of a kind cannot choose."""
    known = offered(kind)
    return [name for name in names if name not in known]
