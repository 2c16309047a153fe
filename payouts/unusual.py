"""What is unusual about a payout, for the person who agrees to it: pure, and never a verdict."""

from dataclasses import dataclass
from datetime import date
from statistics import median

from core.money import Money

ENOUGH = 3  # fewer payouts say nothing of what is usual
TIMES = 3


@dataclass(frozen=True)
class Facts:
    """What is known of a payout: what it pays, and what was paid before, newest first."""

    amount: Money
    earlier: tuple[Money, ...]
    missing: Money
    bonus: Money
    projects: frozenset[int | None]
    days: frozenset[date]


def found(facts: Facts) -> list[str]:
    """Return the names of what is unusual, the gravest first; `behind_words` has the words."""
    checks = {
        "unexplained": facts.missing.minor > 0,
        "first": not facts.earlier,
        "much_more": _is_much_more(facts),
        "one_day": len(facts.projects) == 1 and len(facts.days) == 1,
        "mostly_bonus": 2 * facts.bonus.minor > facts.amount.minor,
    }
    return [name for name, is_so in checks.items() if is_so]


def usual(earlier: tuple[Money, ...]) -> Money | None:
    """Return the middle of somebody's payouts; None when they are too few."""
    if len(earlier) < ENOUGH:
        return None
    return Money(int(median(one.minor for one in earlier)), earlier[0].currency)


def _is_much_more(facts: Facts) -> bool:
    before = usual(facts.earlier)
    return before is not None and facts.amount.minor >= TIMES * before.minor
