"""The one table of states: words, icon and tone of every chip. What is not here is not shown."""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True)
class Shown:
    """How a state is shown: never by its colour alone."""

    words: Any
    icon: str
    tone: str


STATES: dict[str, dict[str, Shown]] = {
    "assignment": {
        "waiting": Shown(_l("Waits for you"), "hourglass", "info"),
        "active": Shown(_l("Active"), "pencil", "info"),
        "submitted": Shown(_l("In review"), "hourglass-split", "wait"),
        "accepted": Shown(_l("Accepted"), "check-circle", "ok"),
        "partly_accepted": Shown(_l("Partly accepted"), "circle-half", "ok"),
        "rejected": Shown(_l("Rejected"), "x-octagon", "stop"),
        "returned": Shown(_l("Returned"), "arrow-return-left", "off"),
        "expired": Shown(_l("Expired"), "clock-history", "off"),
        "skipped": Shown(_l("Skipped"), "skip-forward", "off"),
    },
    "outside_edit": {
        "open": Shown(_l("To look at"), "eye", "wait"),
        "refused": Shown(_l("Refused"), "x-octagon", "stop"),
        "noted": Shown(_l("On record"), "archive", "info"),
        "put_back": Shown(_l("Undone there"), "arrow-counterclockwise", "ok"),
    },
    "model_run": {
        "running": Shown(_l("Being asked"), "arrow-repeat", "info"),
        "done": Shown(_l("Brought in"), "check-circle", "ok"),
        "stopped": Shown(_l("Stopped"), "pause-circle", "off"),
        "failed": Shown(_l("Given up"), "exclamation-octagon", "stop"),
    },
    "payout": {
        "ready": Shown(_l("Ready"), "wallet2", "info"),
        "sending": Shown(_l("On its way"), "send", "info"),
        "sent": Shown(_l("On its way"), "send", "info"),
        "paid": Shown(_l("Paid"), "check2-all", "ok"),
        "unknown": Shown(_l("Being looked up"), "question-circle", "wait"),
        "waiting_funds": Shown(_l("Waiting for funds"), "hourglass-split", "wait"),
        "blocked": Shown(_l("Needs your details"), "person-exclamation", "wait"),
        "bank_refused": Shown(_l("Refused by the bank"), "exclamation-octagon", "stop"),
        "failed": Shown(_l("Not sent"), "slash-circle", "stop"),
    },
    "reservation": {
        "held": Shown(_l("Reserved"), "lock", "info"),
        "earned": Shown(_l("Earned"), "check-circle", "ok"),
        "released": Shown(_l("Back in the budget"), "arrow-return-left", "off"),
    },
    "deposit": {
        "open": Shown(_l("Waiting for you"), "hourglass-split", "wait"),
        "processing": Shown(_l("On its way"), "send", "info"),
        "paid": Shown(_l("In the budget"), "check-circle", "ok"),
        "failed": Shown(_l("Did not arrive"), "exclamation-octagon", "stop"),
        "expired": Shown(_l("Expired"), "clock-history", "off"),
        "unclear": Shown(_l("Being looked up"), "question-circle", "wait"),
    },
    "topup": {
        "setting_up": Shown(_l("Card not saved yet"), "hourglass-split", "wait"),
        "on": Shown(_l("On"), "check-circle", "ok"),
        "off": Shown(_l("Off"), "dash-circle", "off"),
    },
    "refund": {
        "ready": Shown(_l("On its way"), "send", "info"),
        "sending": Shown(_l("On its way"), "send", "info"),
        "unknown": Shown(_l("Being looked up"), "question-circle", "wait"),
        "pending": Shown(_l("On its way"), "send", "info"),
        "needs_person": Shown(_l("Somebody must act"), "person-exclamation", "wait"),
        "succeeded": Shown(_l("Refunded"), "check-circle", "ok"),
        "partly": Shown(_l("Refunded in part"), "circle-half", "wait"),
        "failed": Shown(_l("Back in the budget"), "arrow-counterclockwise", "stop"),
    },
    "payee": {
        "none": Shown(_l("Not set up"), "dash-circle", "off"),
        "started": Shown(_l("Begun"), "pencil", "wait"),
        "pending": Shown(_l("Being checked"), "hourglass-split", "info"),
        "restricted": Shown(_l("Needs your details"), "person-exclamation", "wait"),
        "active": Shown(_l("Can receive money"), "check-circle", "ok"),
        "closed": Shown(_l("Closed"), "archive", "off"),
    },
    "appeal": {
        "received": Shown(_l("Received"), "envelope-check", "info"),
        "second_look": Shown(_l("Second look"), "eye", "wait"),
        "with_operator": Shown(_l("With the operator"), "arrow-up-circle", "wait"),
        "changed": Shown(_l("Decision changed"), "arrow-repeat", "ok"),
        "changed_in_part": Shown(_l("Changed in part"), "circle-half", "ok"),
        "stands": Shown(_l("Decision stands"), "dash-circle", "off"),
        "withdrawn": Shown(_l("Withdrawn"), "arrow-return-left", "off"),
    },
    "project": {
        "draft": Shown(_l("Draft"), "file-earmark", "off"),
        "recruiting": Shown(_l("Recruiting"), "people", "info"),
        "open": Shown(_l("Open"), "play-circle", "info"),
        "paused": Shown(_l("Paused"), "pause-circle", "wait"),
        "completed": Shown(_l("Completed"), "flag", "ok"),
        "archived": Shown(_l("Archived"), "archive", "off"),
    },
    "invitation": {
        "offered": Shown(_l("To answer"), "envelope-open", "wait"),
        "accepted": Shown(_l("You take part"), "check-circle", "ok"),
        "declined": Shown(_l("Declined"), "dash-circle", "off"),
        "withdrawn": Shown(_l("Withdrawn"), "arrow-return-left", "off"),
        "expired": Shown(_l("Expired"), "clock-history", "off"),
    },
    # The same invitations, as the owner sees them.
    "invited": {
        "offered": Shown(_l("Waiting for an answer"), "envelope", "info"),
        "accepted": Shown(_l("Takes part"), "check-circle", "ok"),
        "declined": Shown(_l("Declined"), "dash-circle", "off"),
        "withdrawn": Shown(_l("Withdrawn"), "arrow-return-left", "off"),
        "expired": Shown(_l("Expired"), "clock-history", "off"),
    },
    "interview": {
        "planned": Shown(_l("Not started"), "calendar-event", "off"),
        "active": Shown(_l("Under way"), "pencil", "info"),
        "submitted": Shown(_l("Being read"), "hourglass-split", "wait"),
        "scored": Shown(_l("Being read"), "hourglass-split", "wait"),
        "review": Shown(_l("With a person"), "eye", "wait"),
        "passed": Shown(_l("Passed"), "check-circle", "ok"),
        "failed": Shown(_l("Not passed"), "dash-circle", "wait"),
        "not_passed": Shown(_l("Not passed"), "dash-circle", "wait"),
        "abandoned": Shown(_l("Left unfinished"), "clock-history", "off"),
        "expired": Shown(_l("Expired"), "clock-history", "off"),
        "withdrawn": Shown(_l("Withdrawn"), "arrow-return-left", "off"),
    },
    "sample": {
        "active": Shown(_l("Under way"), "pencil", "info"),
        "review": Shown(_l("With a person"), "eye", "wait"),
        "passed": Shown(_l("Passed"), "check-circle", "ok"),
        "failed": Shown(_l("Not passed"), "dash-circle", "wait"),
        "expired": Shown(_l("Expired"), "clock-history", "off"),
        "tried": Shown(_l("Tried out"), "eyeglasses", "off"),
    },
    "release": {
        "requested": Shown(_l("Requested"), "hourglass-split", "info"),
        "building": Shown(_l("Being built"), "hourglass-split", "info"),
        "proposed": Shown(_l("Waits for your yes"), "eye", "wait"),
        "ready": Shown(_l("Fixed for good"), "lock", "ok"),
        "published": Shown(_l("Fixed for good"), "lock", "ok"),
        "failed": Shown(_l("Not built"), "exclamation-octagon", "stop"),
        "withdrawn": Shown(_l("Withdrawn"), "arrow-return-left", "off"),
    },
    "release_request": {
        "open": Shown(_l("Waits for the owner"), "hourglass-split", "wait"),
        "granted": Shown(_l("Granted"), "check-circle", "ok"),
        "refused": Shown(_l("Refused"), "x-octagon", "stop"),
        "withdrawn": Shown(_l("Withdrawn"), "arrow-return-left", "off"),
        "ended": Shown(_l("Taken back by the owner"), "dash-circle", "stop"),
        "expired": Shown(_l("Expired"), "clock-history", "off"),
    },
    "letter": {
        "waiting": Shown(_l("Waiting"), "hourglass-split", "info"),
        "sent": Shown(_l("Sent"), "send", "ok"),
        "refused": Shown(_l("Could not be delivered"), "exclamation-octagon", "stop"),
    },
    "webhook": {
        "active": Shown(_l("Active"), "check-circle", "ok"),
        "failing": Shown(_l("Not answering"), "exclamation-octagon", "wait"),
        "paused": Shown(_l("Paused"), "pause-circle", "wait"),
        "ended": Shown(_l("Ended"), "dash-circle", "off"),
    },
    "delivery": {
        "waiting": Shown(_l("Waiting"), "hourglass-split", "info"),
        "delivered": Shown(_l("Delivered"), "check-circle", "ok"),
        "failed": Shown(_l("Given up"), "x-octagon", "stop"),
    },
}

TONE_ICONS = {
    "ok": "check-circle-fill",
    "info": "info-circle-fill",
    "wait": "exclamation-triangle-fill",
    "stop": "x-octagon-fill",
    "off": "dash-circle-fill",
    "ai": "stars",
}


class NoSuchState(LookupError):
    """The table lacks a state: add the line, so that people read words and not a key."""


def state_of(kind: str, state: str) -> Shown:
    """Return how a state is shown."""
    try:
        return STATES[kind][str(state)]
    except KeyError:
        raise NoSuchState(f"core/states.py shows no {kind!r} in state {str(state)!r}") from None


def tone_icon(tone: str, filled: bool = True) -> str:
    """Return the icon that goes with a tone."""
    icon = TONE_ICONS[tone]
    return icon if filled else icon.removesuffix("-fill")
