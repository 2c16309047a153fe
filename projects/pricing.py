"""What a task pays, what it costs, and what that is by the hour. Pure.

The fee comes on top of the pay: nothing is taken from what an expert earns.
"""

from dataclasses import dataclass

from core.money import Money
from payouts import policy, rates
from projects.models import Project


@dataclass(frozen=True)
class Price:
    """The price of one answer to one task."""

    pay: Money
    fee: Money
    minutes: int

    @property
    def cost(self) -> Money:
        """What one answer takes from the budget."""
        return self.pay + self.fee

    @property
    def hourly(self) -> Money:
        """What an expert earns by the hour at the usual speed, never rounded up."""
        return hourly(self.pay, self.minutes)


def of(project: Project) -> Price:
    """Return the price that a project pays."""
    fee = policy.fee(project.price, project.fee_bps)
    return Price(project.price, fee, project.usual_minutes)


def hourly(pay: Money, minutes: int) -> Money:
    """Return pay by the hour in whole units; below ten units cents are kept.

    Rounded down, because a rate that nobody reaches is a promise that is broken.
    """
    return rates.hourly(pay, minutes * 60)


def whole(project: Project) -> Money:
    """Return what all answers to all tasks cost."""
    return of(project).cost * (project.task_count * project.overlap)
