"""Bonuses by rule: an owner rewards everybody in a project who meets it, at once or not at all.

In one round nobody gets the bonus of the same rule twice: its name, the round and the expert are
the reference of the pay, which the database takes once. Whoever meets the rule later gets it by
giving the same round again; a new round is begun by the owner, on purpose.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from sqlalchemy import func, text
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid
from core.money import Money, zero
from payouts import bonuses, budgets, extra_pay, ledger, policy
from payouts.bonus_rule_models import BonusGiving
from payouts.extra_pay import Extra
from payouts.extra_pay_models import ExtraKind, ExtraPay
from payouts.models import Reservation, ReservationState

AT_ONCE = 500  # the rest is given by pressing again
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(7220173, :project_id)")
Measure = Callable[[Session, int], dict[int, float]]


class Nobody(Conflict):
    """Nobody meets the rule who has not had this bonus in this round already."""


class Changed(Conflict):
    """People or amounts have changed since the page was shown. Look at it again; nothing left."""


class UsedForm(Conflict):
    """The form was used before, for another rule. Load the page again and fill it in anew."""


class NoSuchRound(Invalid):
    """Begin one round after the other: this one cannot begin yet."""


@dataclass(frozen=True)
class Rule:
    """Who gets a bonus, and how much: a fixed amount, or a share of what the work has earned."""

    project_id: int
    least_tasks: int
    least_agreement: int | None
    each: Money | None
    share_bps: int | None

    @property
    def name(self) -> str:
        """Its terms as one name: the same terms are the same rule."""
        amount = f"each{self.each.minor}" if self.each else f"share{self.share_bps}"
        return f"tasks{self.least_tasks}-agreement{self.least_agreement or 0}-{amount}"

    def pay(self, earned: Money) -> Money:
        """Return what somebody gets who has earned so much in the project."""
        return self.each if self.each is not None else earned.share_bps(self.share_bps or 0)


@dataclass(frozen=True)
class Line:
    """What one expert would get, and why."""

    expert_id: int
    tasks: int
    earned: Money
    agreement: float | None
    pay: Money
    fee: Money


@dataclass(frozen=True)
class Plan:
    """Who would get the bonus of a rule in a round; `had` have had it, `later` do not fit in."""

    rule: Rule
    round: int
    lines: list[Line]
    had: int
    later: int
    currency: str

    @property
    def pay(self) -> Money:
        """What all of them would get."""
        return sum((line.pay for line in self.lines), zero(self.currency))

    @property
    def fee(self) -> Money:
        """The fee on top."""
        return sum((line.fee for line in self.lines), zero(self.currency))

    @property
    def cost(self) -> Money:
        """What leaves the budget."""
        return self.pay + self.fee


def last_round(session: Session, rule: Rule) -> int:
    """Return the newest round of a rule; 0 while it was never given."""
    question = select(func.coalesce(func.max(BonusGiving.round), 0)).where(
        BonusGiving.project_id == rule.project_id, BonusGiving.rule == rule.name
    )
    return int(session.exec(question).one())


def plan(session: Session, rule: Rule, number: int, *, fee_bps: int, by: int) -> Plan:
    """Return who would get what in a round; nobody gives to themselves."""
    if not 1 <= number <= last_round(session, rule) + 1:
        raise NoSuchRound
    code = budgets.of(session, rule.project_id).currency
    measured = _agreement(session, rule)
    met = [
        Line(expert_id, tasks, earned, measured.get(expert_id), pay, policy.fee(pay, fee_bps))
        for expert_id, tasks, earned in _workers(session, rule, code)
        if expert_id != by and (pay := rule.pay(earned)) and _agrees(rule, measured, expert_id)
    ]
    known = _paid(session, rule, number)
    left = [line for line in met if _reference(rule, number, line.expert_id) not in known]
    return Plan(
        rule, number, left[:AT_ONCE], len(met) - len(left), len(left[AT_ONCE:]), currency=code
    )


def give(
    session: Session,
    asked: Plan,
    words: str,
    *,
    fee_bps: int,
    key: str,
    by: User,
    at: datetime,
) -> BonusGiving:
    """Give what a page has shown, all of it or nothing; the second click finds the first.

    Raises `Changed` when it would be other people or amounts than were shown, and
    `budgets.OutOfBudget` when the budget does not hold all of it.
    """
    rule = asked.rule
    if len(words.strip()) < bonuses.WORDS_AT_LEAST:
        raise bonuses.WordsNeeded(letters=bonuses.WORDS_AT_LEAST)
    session.execute(ONE_AT_A_TIME, {"project_id": rule.project_id})
    known = already(session, rule, key)
    if known is not None:
        return known
    found = plan(session, rule, asked.round, fee_bps=fee_bps, by=by.id or 0)
    if not found.lines:
        raise Nobody
    if found.lines != asked.lines:
        raise Changed
    _hold(session, found)
    for line in found.lines:
        _give_one(session, found, line, words.strip(), by, at)
    return _record(session, found, words.strip(), key, by, at)


def already(session: Session, rule: Rule, key: str) -> BonusGiving | None:
    """Return what a form has given before."""
    known = session.exec(select(BonusGiving).where(BonusGiving.request_key == key)).first()
    if known is not None and (known.project_id, known.rule) != (rule.project_id, rule.name):
        raise UsedForm
    return known


def givings(project_id: int) -> Any:
    """Select what was given by rules in a project, newest first."""
    question = select(BonusGiving).where(BonusGiving.project_id == project_id)
    return question.order_by(col(BonusGiving.id).desc())


def fingerprint(found: Plan) -> str:
    """Name what a page shows, so that exactly this is given: people, amounts and their order."""
    return ",".join(f"{line.expert_id}:{line.pay.minor}" for line in found.lines)


def init_app(app: Flask, parts: Iterable[Any]) -> None:
    """Tell an app which module measures how often experts agree with others."""
    app.extensions["doyen.agreement"] = [part.AGREEMENT for part in parts]


def _agreement(session: Session, rule: Rule) -> dict[int, float]:
    if rule.least_agreement is None:
        return {}
    asks: list[Measure] = current_app.extensions.get("doyen.agreement", [])
    return {who: share for ask in asks for who, share in ask(session, rule.project_id).items()}


def _agrees(rule: Rule, measured: dict[int, float], expert_id: int) -> bool:
    if rule.least_agreement is None:
        return True
    share = measured.get(expert_id)
    return share is not None and share * 100 >= rule.least_agreement


def _workers(session: Session, rule: Rule, code: str) -> list[tuple[int, int, Money]]:
    """Return who has had enough work accepted, with its number and what it has earned."""
    earned: Any = func.sum(col(Reservation.earned_minor))
    question = (
        select_columns(col(Reservation.expert_id), func.count(), earned)
        .where(
            col(Reservation.project_id) == rule.project_id,
            col(Reservation.expert_id).is_not(None),
            col(Reservation.state) == ReservationState.EARNED,
            col(Reservation.earned_minor) > 0,
        )
        .group_by(col(Reservation.expert_id))
        .having(func.count() >= rule.least_tasks)
        .order_by(col(Reservation.expert_id))
    )
    return [
        (expert_id, count, Money(int(minor), code))
        for expert_id, count, minor in session.execute(question)
    ]


def _reference(rule: Rule, number: int, expert_id: int) -> str:
    return f"bonus-rule:{rule.project_id}:{rule.name}:{number}:{expert_id}"


def _paid(session: Session, rule: Rule, number: int) -> set[str]:
    begin = f"bonus-rule:{rule.project_id}:{rule.name}:{number}:"
    question = select(ExtraPay.reference).where(
        ExtraPay.project_id == rule.project_id, col(ExtraPay.reference).startswith(begin)
    )
    return set(session.exec(question))


def _hold(session: Session, found: Plan) -> None:
    """Hold every account that is needed, in the one order of the ledger, or raise."""
    budgets.check_not_frozen(session, found.rule.project_id)
    source = ledger.budget(found.rule.project_id, found.currency)
    fees = ledger.fees(found.rule.project_id, found.currency)
    owed = [ledger.owed(line.expert_id, found.currency) for line in found.lines]
    ledger.open_accounts(session, [source, fees, *owed])
    if ledger.balance(session, source) < found.cost:
        raise budgets.OutOfBudget


def _give_one(
    session: Session, found: Plan, line: Line, words: str, by: User, at: datetime
) -> None:
    extra = Extra(
        ExtraKind.BONUS,
        found.rule.project_id,
        line.expert_id,
        line.pay,
        line.fee,
        words=words,
        given_by=by.id,
    )
    reference = _reference(found.rule, found.round, line.expert_id)
    made = extra_pay.give(session, extra, reference, at=at)
    if made is not None:
        bonuses.tell(session, made, by)


def _record(
    session: Session, found: Plan, words: str, key: str, by: User, at: datetime
) -> BonusGiving:
    rule = found.rule
    row = BonusGiving(
        project_id=rule.project_id,
        rule=rule.name,
        round=found.round,
        least_tasks=rule.least_tasks,
        least_agreement=rule.least_agreement,
        each_minor=rule.each.minor if rule.each else None,
        share_bps=rule.share_bps,
        currency=found.currency,
        people=len(found.lines),
        pay_minor=found.pay.minor,
        fee_minor=found.fee.minor,
        words=words,
        request_key=key,
        given_by=by.id,
        given_at=at,
    )
    session.add(row)
    session.flush()  # the audit names its id
    audit.record(
        session,
        "bonus.given_by_rule",
        by=by.id,
        subject=f"bonus_giving:{row.id}",
        details={"project_id": rule.project_id, "rule": rule.name, "round": found.round}
        | {"people": row.people, "amount": row.pay_minor, "fee": row.fee_minor},
    )
    return row
