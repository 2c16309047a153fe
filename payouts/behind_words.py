"""The words of the work behind a payout: what kind it is, and what is unusual about it."""

from typing import Any

from flask_babel import lazy_gettext as _l

from payouts import movement_words

KINDS = {
    "task": _l("Work accepted"),
    "part": _l("Work accepted in part"),
    "review": _l("Review"),
    "qualification": _l("Qualification task"),
    "bonus": _l("Bonus"),
    "other": _l("Other credits"),
}
# What is unusual, and what it may mean.
UNUSUAL = {
    "unexplained": (
        _l("More than the ledger explains"),
        _l("The earnings below come to less than the amount. Find out why before you agree."),
    ),
    "first": (
        _l("The first payout"),
        _l("Nothing was ever sent to this person in this currency."),
    ),
    "much_more": (
        _l("Much more than usual"),
        _l("At least three times what this person’s payouts usually are."),
    ),
    "one_day": (
        _l("All from one project in one day"),
        _l("Every earning was credited by one project on the same day."),
    ),
    "mostly_bonus": (
        _l("Mostly bonuses"),
        _l("More than half was given by an owner beside the price of the work."),
    ),
}


def of_earning(row: Any) -> str:
    """Say which task, review or bonus an earning was for."""
    return movement_words.cause(row.cause) or str(KINDS["other"])
