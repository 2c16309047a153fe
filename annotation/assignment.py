"""Leases: an expert takes a task, works on it, hands it in or gives it back.

A lease exists only with a slot of its task taken and its pay reserved, in one transaction; what
ends it without an answer gives both back. Rows are locked in one order: assignment, task, money.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from annotation import beside_pay, loop, results, rules, sample, shares, slots
from annotation.models import IN_HAND, Annotation, Assignment, Draft, State, Task
from core import asking, audit, jobs
from core.clock import now
from core.errors import Conflict, Invalid, NotAllowed
from core.quick import Part
from experts import restrictions, skills
from payouts import budgets, policy
from projects import entry, invitations
from projects.models import Project, Validation, id_of
from projects.models import State as ProjectState
from projects.terms import CONTEST_DAYS

HANDED_IN = (State.SUBMITTED, State.ACCEPTED, State.REJECTED, State.PARTLY_ACCEPTED)
EXTENSIONS = 2  # how often a lease may be given its time again
REASON_AT_MOST = 2000
# Functions of the database (migrations 0093, 0104, 0114, 0116, 0117): what a claim asks, takes and
# reserves, and what a hand-in writes, are one question each, or one for both.
CLAIM = """
    select * from claim_lease(%(project)s, %(expert)s, %(tasks)s, %(most)s, %(at)s, %(noted_at)s,
        %(due)s, %(pay)s, %(fee)s, %(code)s, cast(%(terms)s as jsonb), %(taken)s)
"""
# Claims of an expert in a project come one after the other, as in `claim_lease`.
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(:project, :expert)")
HAND_IN = """
    select hand_in(%(lease)s, cast(%(result)s as jsonb), %(submitted_at)s, %(review_by)s,
        %(lead_seconds)s, cast(%(jobs)s as jsonb), %(seen)s) as made
"""
HAND_IN_AND_CLAIM = """
    select * from hand_in_and_claim(%(lease)s, cast(%(result)s as jsonb), %(submitted_at)s,
        %(review_by)s, %(lead_seconds)s, cast(%(jobs)s as jsonb), %(seen)s, %(project)s,
        %(expert)s, %(tasks)s, %(most)s, %(noted_at)s, %(due)s, %(pay)s, %(fee)s, %(code)s,
        cast(%(terms)s as jsonb))
"""
NO_DRAFT = datetime.min.replace(tzinfo=UTC)  # named by a page that has seen none
OPEN_WAITING = text("select open_waiting(:project, :expert, :at)")
# With these in the terms a hand-in has more to write.
MORE_AT_HAND_IN = {"prediction", "order", "qualification_minor"}
# Of a lease, its project and its task: what a hand-in needs, and the claim of the next task.
IN_WHOLE = (
    Part(
        Assignment,
        "a",
        (
            *("id", "task_id", "project_id", "expert_id", "state", "currency", "terms"),
            *("claimed_at", "opened_at"),
        ),
    ),
    Part(
        Project,
        "p",
        (
            "id",
            "label_config",
            "task_count",
            "lease_minutes",
            "price_minor",
            "currency",
            "fee_bps",
            "guidelines_version",
            "review_days",
            "validation",
            "overlap",
            "uses_models",
            "tasks_in_hand",
        ),
    ),
    Part(Task, "t", ("id", "data")),
)
COLUMNS = ", ".join(part.columns for part in IN_WHOLE)
JOINED = "(assignment a join project p on p.id = a.project_id join task t on t.id = a.task_id)"
WHOLE = f"""
    select {COLUMNS} from {JOINED} where a.id = %(assignment_id)s
"""  # noqa: S608 - our own columns


@dataclass(frozen=True)
class Claimed:
    """What came of asking for a task with a hand-in."""

    came: str
    lease: int | None


class NotInvited(NotAllowed):
    """You are not part of this project. Its tasks are for experts who were invited and said yes."""


class NotOpen(Conflict):
    """This project gives out no tasks at the moment. You are still part of it."""


class SkillNeeded(Conflict):
    """This project asks for a skill that you have not proven yet, or whose proof has run out.

    An interview in the field of the project proves it.
    """


class NoTask(Conflict):
    """No task for you now. You are still part of this project."""


class LeaseOver(Conflict):
    """The time for this task ran out before you handed it in, and the task went back to all.

    Your answer is kept as a draft. If the task is still open, it is offered to you again with it.
    """


class GivenBack(Conflict):
    """You gave this task back, so it can no longer be handed in."""


class NotAgain(Conflict):
    """This task is no longer open to you: others have taken it meanwhile."""


class HandedIn(Conflict):
    """This task was already handed in, so it can no longer be changed or given back."""


class NotOpened(Conflict):
    """This task waits for you and is not open yet: it opens after the one in work."""


class NoMoreTime(Conflict):
    """This task has been given its time again as often as its terms allow."""


class ReasonMissing(Invalid):
    """Say in a few words, at most %(most)s characters, why you skip this task."""


class WrongAnswer(Invalid):
    """The answer cannot be handed in yet."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__()
        self.problems = problems


class NotADraft(Invalid):
    """The draft cannot be kept: it is too large, or not what the editor writes."""


class TwoVersions(Conflict):
    """This task was worked on in another window or on another device as well.

    Nothing is lost: load the page again, and choose which version to go on with.
    """

    def __init__(self, kept: Draft) -> None:
        super().__init__()
        self.kept = kept


def claim(session: Session, project: Project, expert_id: int, *, at: datetime) -> int:
    """Lease the next task of a project to an expert; return the lease, or the one in work.

    What waits is opened before anything new is taken. Raises `NoTask` when nothing is open to them
    and `budgets.OutOfBudget` when the pay of one more task is not there; then nothing is taken.
    """
    session.flush()
    asked = _asked(project, expert_id, at)
    found = asking.ask(session, CLAIM, asked)
    if found.came == "look":
        _look(session, project, expert_id, found, at)
        if (opened := _opened(session, project, expert_id, at)) is not None:
            return opened
        shares.check(session, project, expert_id, at=at)
        with session.begin_nested():  # what is taken goes back with the refusal
            return _lease_by_steps(session, project, expert_id, asked, at)
    return _leased(found)


def claim_and_commit(session: Session, project: Project, expert_id: int, *, at: datetime) -> int:
    """Claim as the last thing of a request; where nothing stands against it, it is committed."""
    asked, queue = _asked(project, expert_id, at), _queue(project)
    found = asking.ask_and_commit(session, CLAIM, asked, queue=queue)
    if found.came == "look":
        return claim(session, project, expert_id, at=at)
    return _leased(found)


def take_again(session: Session, lease: Assignment, project: Project, *, at: datetime) -> int:
    """Lease a task anew whose time ran out on an expert, while it is open; the draft comes along.

    Otherwise it would come after all others. Whoever holds a task of the project stays with that.
    """
    one = {"project": lease.project_id, "expert": lease.expert_id}
    session.execute(ONE_AT_A_TIME, one)
    held = in_hand(session, lease.project_id, lease.expert_id)
    if held is not None:
        return id_of(held)
    check_may_work(session, project, lease.expert_id, at=at)
    budgets.check_not_frozen(session, lease.project_id)
    shares.check(session, project, lease.expert_id, at=at)
    asked = _asked(project, lease.expert_id, at)
    with session.begin_nested():  # the slot goes back where the budget does not pay for it
        if lease.state is not State.EXPIRED or not slots.take_again(session, lease):
            raise NotAgain
        return _lease_taken(session, project, asked, lease.task_id, at, is_again=True)


def check_may_work(session: Session, project: Project, expert_id: int, *, at: datetime) -> None:
    """Refuse unless the expert takes part, and has passed the work sample where one is asked."""
    check_part(session, project, expert_id, at=at)
    sample.check_may_work(session, project, expert_id, at=at)


def check_part(session: Session, project: Project, expert_id: int, *, at: datetime) -> None:
    """Refuse unless the expert said yes to the project, has the skill, and the project is open."""
    if not invitations.is_member(session, id_of(project), expert_id):
        raise NotInvited
    restrictions.check_may_work(session, expert_id)
    if project.state is not ProjectState.OPEN:
        raise NotOpen
    if not _has_skill(session, project, expert_id, at):
        raise SkillNeeded
    lacking = entry.refusal(session, project, expert_id, at)
    if lacking is not None:
        raise lacking


def in_hand(session: Session, project_id: int, expert_id: int) -> Assignment | None:
    """Return the lease on the task of a project that an expert works on, if any."""
    return session.exec(
        select(Assignment).where(
            Assignment.project_id == project_id,
            Assignment.expert_id == expert_id,
            Assignment.state == State.ACTIVE,
        )
    ).first()


def save_draft(session: Session, lease: Assignment, result: Any, *, at: datetime) -> datetime:
    """Keep what was typed so far; also after the time ran out, since nothing typed is lost.

    Returns since when this version is kept: saving the same again makes no new one.
    """
    if lease.state in HANDED_IN:
        raise HandedIn
    if lease.state is State.WAITING:
        raise NotOpened
    if not is_result(result):
        raise NotADraft
    kept = draft_of(session, lease)
    if kept is not None and kept.result == result:
        return kept.saved_at
    row = {"assignment_id": lease.id, "result": result, "saved_at": at}
    session.execute(
        insert(Draft).values(row).on_conflict_do_update(index_elements=["assignment_id"], set_=row)
    )
    return at


def draft_of(session: Session, lease: Assignment) -> Draft | None:
    """Return what was typed so far."""
    return session.get(Draft, lease.id)


def check_draft(session: Session, lease: Assignment, result: Any, *, base: Any) -> None:
    """Refuse to put a page's version over one that the page has not seen.

    `base` says when the draft that the page began with was saved, as it was told; `lease` is
    locked by the caller.
    """
    kept = draft_of(session, lease)
    if kept is not None and kept.saved_at.isoformat() != base and kept.result != result:
        raise TwoVersions(kept)


def submit(
    session: Session,
    lease: Assignment,
    project: Project,
    result: Any,
    *,
    base: Any = None,
    at: datetime,
) -> int:
    """Hand in an answer, once; return the annotation, again that of the first time.

    `base` is as in `check_draft`, or None from whoever keeps no drafts. Raises `WrongAnswer` with
    all that is wrong, and `TwoVersions`.
    """
    session.refresh(lease, ["state"], with_for_update=True)
    if lease.state in HANDED_IN:
        return id_of(annotation_of(session, lease))
    kept, asked = _checked(session, lease, project, result, base, at)
    session.flush()
    made: Any = asking.ask(session, HAND_IN, asked).made
    if made is None:
        check_draft(session, lease, result, base=base)  # it may say the same
        made = asking.ask(session, HAND_IN, asked | {"seen": None}).made
    _note_handed_in(lease, asked)
    loop.note(session, project, lease, kept)
    beside_pay.earn(session, lease, at)
    return int(made)


def submit_and_claim(
    session: Session,
    lease: Assignment,
    project: Project,
    result: Any,
    *,
    base: Any = None,
    at: datetime,
) -> Claimed | None:
    """Hand in an answer as `submit` does, and ask for the next task; `next_lease` goes on with it.

    Where a hand-in has nothing to do besides, both are one question, and are committed with it.
    """
    if lease.state in HANDED_IN or project.uses_models or lease.terms.keys() & MORE_AT_HAND_IN:
        submit(session, lease, project, result, base=base, at=at)
        return None
    _kept, asked = _checked(session, lease, project, result, base, at)
    asked |= _asked(project, lease.expert_id, at)
    found = asking.ask_and_commit(session, HAND_IN_AND_CLAIM, asked, queue=_queue(project))
    if found.made is None:  # it is no longer active, or another draft is kept
        submit(session, lease, project, result, base=base, at=at)
        return None
    _note_handed_in(lease, asked)
    return Claimed(found.came, found.next_lease)


def next_lease(
    session: Session, project: Project, expert_id: int, found: Claimed | None, *, at: datetime
) -> int:
    """Return the next lease that was asked for with a hand-in; raises what `claim` does."""
    if found is None or found.came == "look":
        return claim(session, project, expert_id, at=at)
    return _leased(found)


def in_whole(
    session: Session, assignment_id: int, found: Any = None
) -> tuple[Assignment, Project, Task] | None:
    """Return a lease with its project and its task, not locked, in one question or in none.

    Of each only what a hand-in needs is read at once; the rest comes when it is asked for. `found`
    is what was read of them with the question of who asks, if they were.
    """
    if found is None or not hasattr(found, "a_id"):
        found = asking.ask(session, WHOLE, {"assignment_id": assignment_id}, reads=True)
    if found is None or found.a_id is None:
        return None
    lease, project, task = IN_WHOLE
    return lease.row(session, found), project.row(session, found), task.row(session, found)


def annotation_of(session: Session, lease: Assignment) -> Annotation:
    """Return what was handed in with an assignment."""
    return session.exec(select(Annotation).where(Annotation.assignment_id == lease.id)).one()


def skip(session: Session, lease: Assignment, reason: str, *, at: datetime) -> None:
    """Leave a task with a reason; the expert does not see it again, others do."""
    if lease.state is State.SKIPPED:
        return
    _check_not_handed_in(lease)
    if lease.state in slots.GIVEN_BACK:
        return  # it went back to all already
    if lease.state is State.WAITING:
        raise NotOpened
    if not 0 < len(reason.strip()) <= REASON_AT_MOST:
        raise ReasonMissing(most=REASON_AT_MOST)
    lease.skip_reason = reason.strip()
    _end(session, lease, State.SKIPPED, at)
    audit.record(
        session,
        "assignment.skipped",
        by=lease.expert_id,
        subject=f"assignment:{lease.id}",
    )


def give_back(session: Session, lease: Assignment, *, at: datetime) -> None:
    """Return a task without an answer and without a penalty."""
    _check_not_handed_in(lease)
    if lease.state in IN_HAND:
        give_back_all(session, [lease], at=at)


def give_back_all(session: Session, held: Sequence[Assignment], *, at: datetime) -> None:
    """Return several tasks, locked by the caller; tasks before money, so nobody waits in a ring."""
    for lease in held:
        lease.state, lease.left_at = State.RETURNED, at
    session.flush()
    for task_id in sorted(lease.task_id for lease in held):
        slots.reopen(session, task_id)
    for lease in sorted(held, key=lambda one: (one.project_id, id_of(one))):
        release = budgets.release_unseen if lease.is_unseen else budgets.release
        release(session, lease.project_id, id_of(lease), at)
        beside_pay.release(session, lease, at)


def extend(session: Session, lease: Assignment, *, number: int, at: datetime) -> None:
    """Give a lease its time again, counted from now; `lease` is locked by the caller.

    `number` says which extension is meant, from 1: the second click of one changes nothing.
    """
    _check_not_handed_in(lease)
    if lease.state is State.ACTIVE and lease.extended >= number:
        return
    _check_active(lease)
    if lease.extended >= lease.terms.get("extensions", 0):
        raise NoMoreTime
    lease.extended += 1
    lease.due_at = max(lease.due_at, at + timedelta(minutes=lease.terms["lease_minutes"]))
    session.add(lease)
    audit.record(
        session, "assignment.extended", by=lease.expert_id, subject=f"assignment:{lease.id}"
    )


def is_alive(session: Session, lease: Assignment, *, at: datetime) -> None:
    """Note that somebody has the page of a lease open; nothing waits for it.

    What waits for that person beside it is seen as well, save what somebody holds at the moment.
    """
    if lease.state is not State.ACTIVE:
        return
    waiting = (
        select(Assignment.id)
        .where(
            Assignment.project_id == lease.project_id,
            Assignment.expert_id == lease.expert_id,
            Assignment.state == State.WAITING,
        )
        .with_for_update(skip_locked=True)
    )
    for seen in (
        (col(Assignment.id) == lease.id) & (col(Assignment.state) == State.ACTIVE),
        col(Assignment.id).in_(waiting),
    ):
        session.execute(
            update(Assignment)
            .where(seen)
            .values(seen_at=at)
            .execution_options(synchronize_session=False)
        )


def expire_next(session: Session, *, at: datetime) -> Assignment | None:
    """End one lease whose time ran out, the oldest first; its draft is kept.

    One in a transaction: tasks and budgets of several would be held in no order.
    """
    lease = session.exec(
        select(Assignment)
        .where(Assignment.state == State.ACTIVE, col(Assignment.due_at) < at)
        .order_by(col(Assignment.due_at))
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).first()
    if lease is not None:
        _end(session, lease, State.EXPIRED, at)
    return lease


def _look(session: Session, project: Project, expert_id: int, found: Any, at: datetime) -> None:
    """Refuse where something stands against a claim; the database has seen that it may."""
    if not found.is_clear:
        check_may_work(session, project, expert_id, at=at)
    if found.is_frozen:
        raise budgets.Frozen


def _opened(session: Session, project: Project, expert_id: int, at: datetime) -> int | None:
    """Open the first of the tasks that wait for an expert; what waits was counted when taken."""
    if project.tasks_in_hand == 1:
        return None
    asked = {"project": project.id, "expert": expert_id, "at": at}
    lease: int | None = session.execute(OPEN_WAITING, asked).scalar_one()
    return lease


def _lease_by_steps(
    session: Session, project: Project, expert_id: int, asked: dict[str, Any], at: datetime
) -> int:
    """Lease a task under terms that depend on the task or on what the expert did before."""
    slot = slots.take(session, project, expert_id)
    if slot is None:
        raise NoTask
    task_id, is_again = slot
    return _lease_taken(session, project, asked, task_id, at, is_again=is_again)


def _lease_taken(
    session: Session,
    project: Project,
    asked: dict[str, Any],
    task_id: int,
    at: datetime,
    *,
    is_again: bool,
) -> int:
    """Lease a task whose slot is taken already."""
    expert_id = asked["expert"]
    terms = terms_of(session, project, task_id, expert_id)
    first = beside_pay.qualification_pay(session, project, expert_id)
    if first:
        terms["qualification_minor"] = first
    asked = asked | {"terms": json.dumps(terms), "taken": task_id}
    lease_id = _leased(asking.ask(session, CLAIM, asked))
    if first:
        beside_pay.reserve(session, session.get_one(Assignment, lease_id), at)
    if is_again:
        bring_draft(session, session.get_one(Assignment, lease_id))
    return lease_id


def _leased(found: Any) -> int:
    if found.came == "no_task":
        raise NoTask
    if found.came == "overdrawn":
        raise budgets.OutOfBudget
    return int(found.lease)


def _has_skill(session: Session, project: Project, expert_id: int, at: datetime) -> bool:
    return any(
        skill.field == project.field and skill.level >= project.min_level and skill.expires_at > at
        for skill in skills.held(session, expert_id)
    )


def _asked(project: Project, expert_id: int, at: datetime) -> dict[str, Any]:
    return {
        "project": project.id,
        "expert": expert_id,
        "tasks": project.task_count,
        "most": slots.COUNTED,
        "at": at,
        "noted_at": now(),
        "due": at + timedelta(minutes=project.lease_minutes),
        "pay": project.price.minor,
        "fee": policy.fee(project.price, project.fee_bps).minor,
        "code": project.currency,
        "terms": json.dumps(_terms(project)),
        "taken": None,
    }


def _queue(project: Project) -> tuple[str, int]:
    """Return where claims wait for one another anyway: at the budget of the project."""
    return "claims", id_of(project)


def _terms(project: Project) -> dict[str, Any]:
    return {
        "guidelines_version": project.guidelines_version,
        "fee_bps": project.fee_bps,
        "part_rule": rules.PART,
        "lease_minutes": project.lease_minutes,
        "extensions": EXTENSIONS,
        "review_days": project.review_days,
        "contest_days": CONTEST_DAYS,
        "validation": str(project.validation),
        "overlap": project.overlap,
    }


def terms_of(session: Session, project: Project, task_id: int, expert_id: int) -> dict[str, Any]:
    """Return the terms of a lease that begins now, with those that depend on its task."""
    return _terms(project) | loop.terms(session, project, task_id, expert_id)


def bring_draft(session: Session, lease: Assignment) -> None:
    """Copy what the expert had typed on this task before it went back."""
    earlier = session.exec(
        select(Draft)
        .join(Assignment, col(Assignment.id) == col(Draft.assignment_id))
        .where(Assignment.task_id == lease.task_id, Assignment.expert_id == lease.expert_id)
        .order_by(col(Draft.saved_at).desc())
        .limit(1)
    ).first()
    if earlier is not None:
        session.add(
            Draft(assignment_id=id_of(lease), result=earlier.result, saved_at=earlier.saved_at)
        )


def _check_active(lease: Assignment) -> None:
    if lease.state is State.EXPIRED:
        raise LeaseOver
    if lease.state is State.WAITING:
        raise NotOpened
    if lease.state is not State.ACTIVE:
        raise GivenBack


def _check_not_handed_in(lease: Assignment) -> None:
    if lease.state in HANDED_IN:
        raise HandedIn


def _checked(
    session: Session, lease: Assignment, project: Project, result: Any, base: Any, at: datetime
) -> tuple[Any, dict[str, Any]]:
    """Check an answer; return it as it is kept, and what the database is told of it."""
    _check_active(lease)
    result = loop.as_kept(project, lease, result)
    task = session.get_one(Task, lease.task_id)
    wrong = results.problems(project.label_config, task.data, result)
    if wrong:
        raise WrongAnswer([str(problem) for problem in wrong])
    return result, {
        "lease": lease.id,
        "result": json.dumps(result),
        "jobs": jobs.as_json(_what_follows(lease, project)),
        "submitted_at": at,
        "review_by": at + timedelta(days=lease.terms["review_days"]),
        "lead_seconds": int((at - lease.begun_at).total_seconds()),
        "seen": None if base is None else _moment(base),
    }


def _moment(base: Any) -> datetime:
    """Return when the draft was saved that a page has seen; what means none of ours is none."""
    try:
        seen = datetime.fromisoformat(base)
    except (TypeError, ValueError):
        return NO_DRAFT
    return seen if seen.tzinfo else NO_DRAFT


def _note_handed_in(lease: Assignment, asked: dict[str, Any]) -> None:
    set_committed_value(lease, "state", State.SUBMITTED)  # the row has it already
    for name in ("submitted_at", "review_by", "lead_seconds"):
        set_committed_value(lease, name, asked[name])


def is_result(result: Any) -> bool:
    """Say whether something sent is a list of parts that may be kept, right or wrong."""
    return (
        isinstance(result, list)
        and all(isinstance(part, dict) for part in result)
        and results.is_storable(result)
    )


def _what_follows(lease: Assignment, project: Project) -> list[jobs.Job]:
    push = jobs.Job(
        "annotation.push_answers",
        {"project_id": lease.project_id},
        lock=f"label-studio:{lease.project_id}",
        queueing_lock=f"push-answers:{lease.project_id}",
        queue="labelling",
    )
    validate = jobs.Job(
        "annotation.validate_handed_in",
        {},
        queueing_lock="annotation.validate_handed_in",
    )
    return [push, validate] if project.validation is Validation.AGREEMENT else [push]


def _end(session: Session, lease: Assignment, state: State, at: datetime) -> None:
    lease.state = state
    lease.left_at = at
    session.add(lease)
    slots.reopen(session, lease.task_id)
    budgets.release(session, lease.project_id, id_of(lease), at)
    beside_pay.release(session, lease, at)
