"""Projects that ask for a work sample, and attempts at it."""

from typing import Any

from sqlmodel import Session

from accounts.models import User
from annotation import sample, sample_course
from annotation.models import Task
from annotation.sample import Asked
from annotation.sample_models import (
    GrantKind,
    SampleAnswer,
    SampleGrant,
    SampleRule,
    SampleState,
    WorkSample,
)
from core.clock import now
from projects.models import Project, id_of
from tests.factories.annotation import Desk, choice, make_desk, make_task

CLAUSES = ("grant", "patent", "warranty", "liability", "other")


def make_sample_desk(
    session: Session, *, gold: int = 5, asked: Asked | None = None, **changes: Any
) -> Desk:
    """Make a project with known answers of several clauses, and ask for a work sample of 3."""
    desk = make_desk(session, **({"tasks": 2} | changes))
    for number in range(gold):
        known = choice(CLAUSES[number % len(CLAUSES)], (4, 12, "Party"))
        make_task(session, desk.project, gold=known)
    if asked is not None or gold >= sample.LEAST:
        make_rule(session, desk.project, by=desk.owner, asked=asked)
    return desk


def make_rule(
    session: Session, project: Project, *, by: User, asked: Asked | None = None
) -> SampleRule:
    """Ask for a work sample."""
    asked = asked or Asked(tasks=3, pass_share=0.7)
    return sample.introduce(session, project, asked, by=by, at=now())


def make_sample(session: Session, desk: Desk, expert_id: int | None = None) -> WorkSample:
    """Begin an attempt of an expert of a project."""
    person = expert_id or desk.experts[0].user_id
    return sample_course.start(session, desk.project, person, at=now())


def make_expired_sample(session: Session, like: WorkSample) -> WorkSample:
    """Make an attempt whose time ran out after its first task, beside another of its person."""
    kept = like.model_dump(exclude={"id", "attempt", "state", "finished_at"})
    made = WorkSample(
        **kept, attempt=like.attempt + 1, state=SampleState.EXPIRED, finished_at=like.expires_at
    )
    session.add(made)
    session.flush()
    first = sample_course.answers(session, like)[0]
    answered = {"result": choice(), "ended_at": now(), "score": 1.0, "parts": []}
    session.add(SampleAnswer(sample_id=made.key, position=1, task_id=first.task_id, **answered))
    session.flush()
    return made


def answer_sample(
    session: Session, desk: Desk, found: WorkSample, right: int, **how: Any
) -> WorkSample:
    """Hand in every task: so many as they are known, and the rest wrong."""
    from_gold = tasks_of(session, found)
    for number, (position, gold) in enumerate(from_gold):
        result = gold if number < right else choice("termination", (0, 3, "Obligation"))
        sample_course.hand_in(
            session, found, desk.project, position, result, at=how.get("at") or now()
        )
    session.flush()
    return found


def tasks_of(session: Session, found: WorkSample) -> list[tuple[int, Any]]:
    """Return the places of an attempt with their known answers."""
    listed = sample_course.answers(session, found)
    return [(one.position, session.get_one(Task, one.task_id).gold) for one in listed]


def make_grant(
    session: Session, desk: Desk, kind: GrantKind, *, expert_id: int, by: User, words: str
) -> SampleGrant:
    """Let an expert in, or give them another try."""
    made = SampleGrant(
        project_id=id_of(desk.project),
        expert_id=expert_id,
        kind=kind,
        after=0,
        words=words,
        made_by=id_of(by),
        made_at=now(),
    )
    session.add(made)
    session.flush()
    return made
