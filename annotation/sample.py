"""The work sample of a project: its rule, who has to take it, and which tasks it is made of.

`standing` is the one answer to whether an expert may work, with the reason; claims ask it.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import func, literal
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from accounts.models import User
from annotation import measures
from annotation.label_config import Unreadable, parse
from annotation.models import Assignment, Task
from annotation.sample_models import (
    GrantKind,
    SampleAnswer,
    SampleGrant,
    SampleRule,
    SampleState,
    WorkSample,
)
from core import audit
from core.clock import now
from core.errors import Conflict, Invalid
from projects.models import Project, id_of

LEAST, MOST = 3, 8
# So many known answers are looked at for one choice; more would only cost time.
LOOKED_AT = 200
# A known answer that most of at least so many missed may be wrong itself.
DOUBT_FROM = 3


class TooFewGold(Invalid):
    """A work sample of %(wanted)s tasks needs as many known answers; there are %(there)s.

    Add tasks with known answers on the page “Tasks”, or ask for fewer tasks.
    """


class NothingIsPaid(Invalid):
    """This project pays for no qualification tasks, so a work sample has nothing to pay.

    Take the tick away, or say on the project's page what a qualification task pays.
    """


class SampleNeeded(Conflict):
    """This project asks for a work sample before the first task. Yours is not passed yet."""


class Why(StrEnum):
    """Why an expert may work, or what stands before their first task."""

    NO_RULE = "no_rule"
    WAS_THERE = "was_there"
    LET_IN = "let_in"
    PASSED = "passed"
    TO_TAKE = "to_take"
    UNDER_WAY = "under_way"
    WITH_A_PERSON = "with_a_person"
    TOO_SOON = "too_soon"
    NO_ATTEMPTS = "no_attempts"
    FEW_GOLD = "few_gold"


IN = (Why.NO_RULE, Why.WAS_THERE, Why.LET_IN, Why.PASSED)


@dataclass(frozen=True)
class Asked:
    """What an owner asks of experts before their first task."""

    tasks: int
    pass_share: float
    floor_share: float = 0.0
    attempts: int = 2
    delay_days: int = 7
    minutes: int = 60
    valid_days: int = 365
    reveals: bool = False
    paid: bool = False


@dataclass(frozen=True)
class Standing:
    """Where an expert stands with a project's work sample."""

    why: Why
    rule: SampleRule | None = None
    past: tuple[WorkSample, ...] = ()
    attempts_left: int = 0
    start_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def may_work(self) -> bool:
        """Whether tasks can be claimed."""
        return self.why in IN

    @property
    def last(self) -> WorkSample | None:
        """The latest attempt."""
        return self.past[0] if self.past else None


@dataclass(frozen=True)
class GoldCount:
    """How many tasks of a project have a known answer, and how many of them can be compared."""

    known: int
    usable: int


def rule_of(session: Session, project_id: int) -> SampleRule | None:
    """Return the rule that is in force in a project, if there is one."""
    found = newest_rule(session, project_id)
    return found if found is not None and found.is_on else None


def newest_rule(session: Session, project_id: int) -> SampleRule | None:
    """Return the last version of the rule, also where it asks nothing any more."""
    query = select(SampleRule).where(SampleRule.project_id == project_id)
    return session.exec(query.order_by(col(SampleRule.version).desc()).limit(1)).first()


def standing(
    session: Session, project_id: int, expert_id: int, *, at: datetime | None = None
) -> Standing:
    """Return whether an expert may work on a project as far as its work sample goes, and why."""
    rule = rule_of(session, project_id)
    if rule is None:
        return Standing(Why.NO_RULE)
    at = at or now()
    past = _attempts(session, project_id, expert_id)
    grants = _grants(session, project_id, expert_id)
    here = Standing(Why.TO_TAKE, rule, past)
    if any(one.kind is GrantKind.LET_IN for one in grants):
        return replace(here, why=Why.LET_IN)
    if _worked_before(session, rule, expert_id):
        return replace(here, why=Why.WAS_THERE)
    proof = next((one for one in past if one.valid_until and one.valid_until > at), None)
    if proof is not None:
        return replace(here, why=Why.PASSED, valid_until=proof.valid_until)
    return _before(session, here, grants, expert_id, at)


def check_may_work(session: Session, project: Project, expert_id: int, *, at: datetime) -> None:
    """Refuse whoever has to pass the project's work sample first."""
    if not standing(session, id_of(project), expert_id, at=at).may_work:
        raise SampleNeeded


def introduce(
    session: Session, project: Project, asked: Asked, *, by: User, at: datetime
) -> SampleRule:
    """Ask for a work sample from now on; what is asked already stays as it is.

    `project` is locked by the caller, so that two owners make two versions and not one twice.
    """
    there = gold_count(session, project).usable
    if there < asked.tasks:
        raise TooFewGold(wanted=asked.tasks, there=there)
    if asked.paid and not project.qualification_tasks:
        raise NothingIsPaid
    before = newest_rule(session, id_of(project))
    if before is not None and before.is_on and _asks(before) == asked:
        return before
    since = before.since if before is not None and before.is_on else at
    return _new_version(session, project, before, asked, since, by, at, is_on=True)


def end(session: Session, project: Project, *, by: User, at: datetime) -> None:
    """Ask for no work sample any more; everybody may work. What is under way can be finished."""
    before = newest_rule(session, id_of(project))
    if before is not None and before.is_on:
        _new_version(session, project, before, _asks(before), before.since, by, at, is_on=False)


def grant(
    session: Session,
    project: Project,
    expert_id: int,
    kind: GrantKind,
    words: str,
    *,
    by: User,
    at: datetime,
) -> None:
    """Let an expert in by hand, or give them another try; a second press changes nothing."""
    after = len(_attempts(session, id_of(project), expert_id))
    known = _grants(session, id_of(project), expert_id)
    if any(one.kind is kind and one.after == after for one in known):
        return
    session.add(
        SampleGrant(
            project_id=id_of(project),
            expert_id=expert_id,
            kind=kind,
            after=after,
            words=words.strip(),
            made_by=id_of(by),
            made_at=at,
        )
    )
    audit.record(
        session,
        f"sample.{kind}",
        by=by.id,
        subject=f"project:{project.id}",
        details={"expert_id": expert_id, "words": words.strip()},
    )


def gold_count(session: Session, project: Project) -> GoldCount:
    """Count the known answers of a project; more than enough are not all looked at."""
    known = session.exec(
        select(func.count()).where(col(Task.project_id) == project.id, col(Task.gold).is_not(None))
    ).one()
    return GoldCount(known, len(_usable(session, project, "")))


def choose(
    session: Session, project: Project, seed: str, number: int, *, expert_id: int | None
) -> list[Task]:
    """Choose known answers by a seed: none that the expert has seen, spread over what they name.

    Those that most have missed come last: the known answer itself may be wrong.
    """
    found = _usable(session, project, seed, unseen_by=expert_id)
    doubted = doubtful(session, id_of(project))
    shelves: dict[tuple[bool, tuple[str, ...]], deque[Task]] = {}
    for task in found:
        shelf = (task.id in doubted, measures.labels(task.gold or []))
        shelves.setdefault(shelf, deque()).append(task)
    sound = deque(shelf for key, shelf in shelves.items() if not key[0])
    rest = deque(shelf for key, shelf in shelves.items() if key[0])
    chosen: list[Task] = []
    for row in (sound, rest):
        while row and len(chosen) < number:
            next_up = row.popleft()
            chosen.append(next_up.popleft())
            if next_up:
                row.append(next_up)
    return chosen


def doubtful(session: Session, project_id: int) -> set[int]:
    """Return the tasks whose known answer most experts missed: it may be wrong."""
    half = func.count().filter(col(SampleAnswer.score) < 0.5)
    rows = session.execute(
        select_columns(col(SampleAnswer.task_id))
        .join(WorkSample, col(WorkSample.id) == col(SampleAnswer.sample_id))
        .where(
            col(WorkSample.project_id) == project_id,
            col(WorkSample.expert_id).is_not(None),
            col(SampleAnswer.score).is_not(None),
        )
        .group_by(col(SampleAnswer.task_id))
        .having((func.count() >= DOUBT_FROM) & (2 * half > func.count()))
    )
    return set(rows.scalars())


def was_shown_to(expert_id: int) -> Any:
    """Return the condition that a task stood in a work sample of an expert."""
    return (
        select_columns(literal(1))
        .select_from(SampleAnswer)
        .join(WorkSample, col(WorkSample.id) == col(SampleAnswer.sample_id))
        .where(col(SampleAnswer.task_id) == col(Task.id), col(WorkSample.expert_id) == expert_id)
        .exists()
    )


def _usable(
    session: Session, project: Project, seed: str, *, unseen_by: int | None = None
) -> list[Task]:
    """Return known answers that can be compared, in an order by a seed."""
    try:
        config = parse(project.label_config)
    except Unreadable:
        return []
    query = select(Task).where(Task.project_id == project.id, col(Task.gold).is_not(None))
    if unseen_by is not None:
        had = select_columns(literal(1)).where(
            col(Assignment.task_id) == col(Task.id), col(Assignment.expert_id) == unseen_by
        )
        query = query.where(~had.exists(), ~was_shown_to(unseen_by))
    lot = func.md5(func.concat(seed, col(Task.id)))
    found = session.exec(query.order_by(lot, col(Task.id)).limit(LOOKED_AT))
    return [task for task in found if measures.is_measurable(config, task.gold or [])]


def seed_for(project_id: int, person_id: int, attempt: int) -> str:
    """Return the seed of an attempt: the same whenever it is begun."""
    return sha256(f"work-sample:{project_id}:{person_id}:{attempt}".encode()).hexdigest()[:16]


def _before(
    session: Session,
    here: Standing,
    grants: Iterable[SampleGrant],
    expert_id: int,
    at: datetime,
) -> Standing:
    rule = here.rule
    assert rule is not None
    if any(one.is_open(at) for one in here.past):
        return replace(here, why=Why.UNDER_WAY)
    if any(one.state is SampleState.REVIEW for one in here.past):
        return replace(here, why=Why.WITH_A_PERSON)
    counted = _counted(session, here.past)
    extra = [one for one in grants if one.kind is GrantKind.ANOTHER_TRY]
    left = rule.attempts + len(extra) - len(counted)
    here = replace(here, attempts_left=max(0, left))
    if left <= 0:
        return replace(here, why=Why.NO_ATTEMPTS)
    waits = not any(one.after == len(here.past) for one in extra)
    if counted and waits:
        ended = counted[0].finished_at or counted[0].expires_at
        start = ended + timedelta(days=rule.delay_days)
        if start > at:
            return replace(here, why=Why.TOO_SOON, start_from=start)
    project = session.get_one(Project, rule.project_id)
    again = resumed(session, here.past)
    if not again and len(choose(session, project, "", rule.tasks, expert_id=expert_id)) < LEAST:
        return replace(here, why=Why.FEW_GOLD)
    return here


def resumed(session: Session, past: Iterable[WorkSample]) -> list[int]:
    """Return the tasks of the last attempt when none of them was handed in: they come again."""
    last = next(iter(past), None)
    if last is None or last.state is not SampleState.EXPIRED or _counted(session, [last]):
        return []
    query = select(SampleAnswer.task_id).where(SampleAnswer.sample_id == last.id)
    return list(session.exec(query.order_by(col(SampleAnswer.position))))


def _counted(session: Session, past: Iterable[WorkSample]) -> list[WorkSample]:
    """Return the attempts that count: all but those in which nothing was handed in."""
    listed = list(past)
    expired = [one.id for one in listed if one.state is not SampleState.FAILED]
    begun = set(
        session.exec(
            select(SampleAnswer.sample_id)
            .where(col(SampleAnswer.sample_id).in_(expired), col(SampleAnswer.result).is_not(None))
            .distinct()
        )
    )
    return [one for one in listed if one.state is SampleState.FAILED or one.id in begun]


def _attempts(session: Session, project_id: int, expert_id: int) -> tuple[WorkSample, ...]:
    query = select(WorkSample).where(
        WorkSample.project_id == project_id, WorkSample.expert_id == expert_id
    )
    return tuple(session.exec(query.order_by(col(WorkSample.attempt).desc())))


def _grants(session: Session, project_id: int, expert_id: int) -> list[SampleGrant]:
    query = select(SampleGrant).where(
        SampleGrant.project_id == project_id, SampleGrant.expert_id == expert_id
    )
    return list(session.exec(query))


def _worked_before(session: Session, rule: SampleRule, expert_id: int) -> bool:
    query = select(Assignment.id).where(
        Assignment.project_id == rule.project_id,
        Assignment.expert_id == expert_id,
        col(Assignment.claimed_at) < rule.since,
    )
    return session.exec(query.limit(1)).first() is not None


def _asks(rule: SampleRule) -> Asked:
    names: Mapping[str, Any] = {name: getattr(rule, name) for name in Asked.__dataclass_fields__}
    return Asked(**names)


def _new_version(
    session: Session,
    project: Project,
    before: SampleRule | None,
    asked: Asked,
    since: datetime,
    by: User,
    at: datetime,
    *,
    is_on: bool,
) -> SampleRule:
    made = SampleRule(
        project_id=id_of(project),
        version=before.version + 1 if before else 1,
        is_on=is_on,
        since=since,
        made_by=id_of(by),
        made_at=at,
        **vars(asked),
    )
    session.add(made)
    session.flush()  # its name holds its number
    audit.record(
        session,
        "sample.rule_set" if is_on else "sample.rule_ended",
        by=by.id,
        subject=f"project:{project.id}",
        details={"version": made.version, **vars(asked)},
    )
    return made
