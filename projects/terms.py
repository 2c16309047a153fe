"""The terms of a project in words: all of them, before anybody answers. Also used in letters."""

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from core import formats
from core.money import Money
from projects import lifecycle, pricing
from projects.models import Project
from projects.rates import Rate

# For so long an expert may contest a refusal; annotation puts it into the terms of each task.
CONTEST_DAYS = 14

Row = tuple[str, str] | tuple[str, str, str]


def rows(project: Project, available: Money, rate: Rate) -> list[Row]:
    """Return the terms as name, value and note."""
    return [*_pay(project, rate), *_work(project), *_verdict(project), _funding(project, available)]


def _pay(project: Project, rate: Rate) -> list[Row]:
    price = pricing.of(project)
    pay = _(
        "%(pay)s for each accepted task. No fee is taken from it.", pay=formats.money(price.pay)
    )
    time = _(
        "%(minutes)s, as the owner estimates",
        minutes=formats.duration(timedelta(minutes=price.minutes)),
    )
    by_hour = _("That is about %(rate)s.", rate=formats.rate(rate.hourly))
    paid: list[Row] = [(_("Pay"), pay), *_first_tasks(project)]
    if not rate.is_observed:
        return [*paid, (_("Usual time"), time, by_hour)]
    time = _(
        "%(time)s, the middle of the %(answers)s newest accepted answers",
        time=_minutes(rate.seconds),
        answers=formats.number(rate.answers),
    )
    half = _(
        "Half of them took between %(lower)s and %(upper)s, which is %(low)s to %(high)s.",
        lower=_minutes(rate.lower_seconds),
        upper=_minutes(rate.upper_seconds),
        low=formats.rate(rate.low),
        high=formats.rate(rate.high),
    )
    return [*paid, (_("Usual time"), time, f"{by_hour} {half}")]


def _first_tasks(project: Project) -> list[Row]:
    """What the first tasks pay whatever becomes of them; nothing where they do not."""
    if not project.qualification_tasks:
        return []
    words = ngettext(
        "%(pay)s when you hand in your first task here, whatever becomes of it; "
        "the pay above comes on top if it is accepted",
        "%(pay)s when you hand in each of your first %(num)s tasks here, whatever becomes of it; "
        "the pay above comes on top if it is accepted",
        project.qualification_tasks,
        pay=formats.money(project.qualification),
    )
    return [(_("Qualification"), words)]


def _minutes(seconds: int) -> str:
    """Say a time in whole minutes, rounded up."""
    return formats.duration(timedelta(minutes=-(-seconds // 60)))


def _work(project: Project) -> list[Row]:
    tasks = ngettext("%(num)s task in all", "%(num)s tasks in all", project.task_count)
    each = ngettext("%(num)s expert works on each", "%(num)s experts work on each", project.overlap)
    much = f"{tasks}, {each}"
    deadline = _(
        "%(time)s after you start it. You may return it at any time without penalty",
        time=formats.duration(timedelta(minutes=project.lease_minutes)),
    )
    return [
        (_("How much"), much),
        *_shares(project),
        *_in_hand(project),
        (_("Deadline of a task"), deadline),
    ]


def _in_hand(project: Project) -> list[Row]:
    """How many tasks one expert may have in hand; nothing where it is one."""
    if project.tasks_in_hand == 1:
        return []
    words = _(
        "Up to %(num)s: the one you work on, and others that wait for you with their pay reserved. "
        "Each has its whole time from when you open it",
        num=project.tasks_in_hand,
    )
    return [(_("Tasks in hand"), words)]


def _shares(project: Project) -> list[Row]:
    """How many tasks one expert may take; nothing where it is as many as come."""
    words = []
    if project.most_a_day is not None:
        words.append(
            ngettext("%(num)s task in 24 hours", "%(num)s tasks in 24 hours", project.most_a_day)
        )
    if project.most_each is not None:
        words.append(ngettext("%(num)s task in all", "%(num)s tasks in all", project.most_each))
    return [(_("At most for one expert"), ", ".join(words))] if words else []


def _verdict(project: Project) -> list[Row]:
    review = ngettext(
        "Within %(num)s day. If the owner says nothing, your work is accepted",
        "Within %(num)s days. If the owner says nothing, your work is accepted",
        project.review_days,
    )
    in_part = _(
        "A person says how many percent of the pay are earned, and why. What is credited to you is "
        "never taken back, and the rest can be contested"
    )
    refused = _(
        "You get the reason, the clause of the guidelines and the evidence, and %(days)s days "
        "to contest it",
        days=CONTEST_DAYS,
    )
    return [
        (_("What decides"), str(project.validation.label)),
        (_("Review"), review),
        (_("If work is accepted in part"), in_part),
        (_("If work is refused"), refused),
    ]


def _funding(project: Project, available: Money) -> Row:
    answers = lifecycle.affordable(available, project)
    if answers:
        there = ngettext(
            "Yes. The project’s budget pays for %(num)s more answer",
            "Yes. The project’s budget pays for %(num)s more answers",
            answers,
        )
    else:
        there = _("Not at the moment. Tasks are given out again when the owner adds money")
    note = _("A task can only be started when its pay is reserved for you.")
    return (_("Is the money there?"), there, note)
