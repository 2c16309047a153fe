"""Rows of annotation, valid by default, and a project that is ready for work."""

import itertools
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from accounts.models import Organisation, User
from annotation import assignment as leases
from annotation import refusal
from annotation.models import Annotation, Assignment, State, Task, Verdict
from core.clock import now
from core.money import Money
from experts.models import Expert
from payouts import budgets, ledger
from projects.models import Answer, GuidelineVersion, Invitation, Project, id_of
from projects.models import State as ProjectState
from tests.factories.accounts import make_member, make_owner
from tests.factories.experts import make_expert, make_skill

_numbers = itertools.count(1)

CLAUSES = """
<View>
  <Text name="text" value="$text"/>
  <Choices name="clause" toName="text" choice="single" required="true">
    <Choice value="grant"/><Choice value="patent"/><Choice value="redistribution"/>
    <Choice value="warranty"/><Choice value="liability"/><Choice value="termination"/>
    <Choice value="other"/>
  </Choices>
  <Labels name="spans" toName="text">
    <Label value="Party"/><Label value="Obligation"/>
  </Labels>
</View>
"""
TEXT = "The licensor grants you a licence. You shall keep this notice."


@dataclass
class Desk:
    """An open and funded project with its owner and experts who take part."""

    project: Project
    owner: User
    organisation: Organisation
    experts: list[Expert] = field(default_factory=list)

    @property
    def project_id(self) -> int:
        assert self.project.id is not None
        return self.project.id


def choice(clause: str = "grant", *marks: tuple[int, int, str]) -> list[dict[str, Any]]:
    """Return an answer in Label Studio's format: a clause, and marks as (start, end, label)."""
    result: list[dict[str, Any]] = [
        {
            "id": "c1",
            "from_name": "clause",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": [clause]},
        }
    ]
    for number, (start, end, label) in enumerate(marks):
        result.append(
            {
                "id": f"m{number}",
                "from_name": "spans",
                "to_name": "text",
                "type": "labels",
                "value": {"start": start, "end": end, "text": TEXT[start:end], "labels": [label]},
            }
        )
    return result


def make_desk(
    session: Session, *, experts: int = 1, tasks: int = 1, funds: int = 100_000, **changes: Any
) -> Desk:
    """Make an open project with tasks, a budget and experts who said yes."""
    owner, organisation = make_owner(session)
    project = make_project(session, owner, organisation, **changes)
    desk = Desk(project, owner, organisation)
    budgets.open(
        session,
        project_id=desk.project_id,
        organisation_id=project.organisation_id,
        title=project.title,
        currency=project.currency,
    )
    fund(session, project, funds)
    for _ in range(tasks):
        make_task(session, project)
    desk.experts = [join(session, project) for _ in range(experts)]
    return desk


def make_project(
    session: Session, owner: User, organisation: Organisation, **changes: Any
) -> Project:
    """Make an open project of the demo's kind, with its guidelines frozen as version 1."""
    at = now()
    values: dict[str, Any] = {
        "organisation_id": organisation.id,
        "title": f"Licence clauses {next(_numbers)}",
        "brief": "Say what a clause does, and mark who is bound to what.",
        "guidelines": "Read the whole clause. Mark the parties and what they must do.",
        "guidelines_version": 1,
        "label_config": CLAUSES,
        "price_minor": 420,
        "fee_bps": 1500,
        "overlap": 2,
        "state": ProjectState.OPEN,
        "published_at": at,
        "created_by": owner.id,
        "created_at": at,
        "saved_at": at,
        "state_at": at,
    }
    project = Project(**(values | changes))
    session.add(project)
    session.flush()
    assert project.id is not None
    assert owner.id is not None
    session.add(
        GuidelineVersion(
            project_id=project.id,
            version=project.guidelines_version,
            text=project.guidelines,
            written_by=owner.id,
            written_at=at,
        )
    )
    session.flush()
    return project


def fund(session: Session, project: Project, minor: int) -> None:
    """Put money into a project's budget, as a paid deposit does."""
    assert project.id is not None
    if minor:
        ledger.post(
            session,
            f"test-funds:{project.id}:{next(_numbers)}",
            [
                ledger.Entry(
                    "funds",
                    ledger.clearing(project.currency),
                    ledger.budget(project.id, project.currency),
                    Money(minor, project.currency),
                )
            ],
            at=now(),
            narration="funds for a test",
            cause="test",
        )


def join(session: Session, project: Project, expert: Expert | None = None) -> Expert:
    """Let an expert with the project's skill take part in it."""
    expert = expert or make_expert(session)
    make_skill(session, expert, field=project.field)
    assert project.id is not None
    at = now()
    session.add(
        Invitation(
            project_id=project.id,
            expert_id=expert.user_id,
            state=Answer.ACCEPTED,
            score=90,
            reasons=[],
            offered_at=at,
            answer_by=at + timedelta(days=3),
            answered_at=at,
        )
    )
    session.flush()
    return expert


def make_task(session: Session, project: Project, **changes: Any) -> Task:
    """Make a task with all its slots free."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "project_id": project.id,
        "external_id": f"task-{number}",
        "data": {"text": TEXT, "licence": "MIT"},
        "slots": project.overlap,
        "slots_left": project.overlap,
        "position": number,
        "created_at": now(),
    }
    task = Task(**(values | changes))
    session.add(task)
    session.flush()
    return task


def make_assignment(
    session: Session,
    project: Project,
    *,
    expert: Expert | None = None,
    task: Task | None = None,
    state: State = State.ACTIVE,
    result: list[dict[str, Any]] | None = None,
    **changes: Any,
) -> Assignment:
    """Make an assignment in a state, with its slot, its reserve and, handed in, its annotation."""
    expert = expert or join(session, project)
    task = task or make_task(session, project)
    at = now()
    lease = _lease(project, task, expert, at - timedelta(minutes=9))
    facts = _facts(project, state, at)
    against = facts.pop("against", None)
    before = facts if against is None else _facts(project, State.SUBMITTED, at)
    _set(lease, before | (changes if against is None else {}))
    session.add(lease)
    task.slots_left -= 1
    session.flush()
    assert lease.id is not None
    assert project.id is not None
    budgets.reserve(
        session, project.id, lease.id, lease.pay, lease.fee, at, expert_id=expert.user_id
    )
    if state in leases.HANDED_IN:
        make_annotation(session, lease, result=result if result is not None else choice())
    if against is not None:
        lease.decision_id = refusal.record(session, lease, **against).id
        _set(lease, facts | changes)
        session.flush()
    return lease


def claimed(session: Session, project: Project, expert_id: int, *, at: datetime) -> Assignment:
    """Let an expert claim, and return the lease."""
    lease_id = leases.claim(session, project, expert_id, at=at)
    return session.get_one(Assignment, lease_id, populate_existing=True)


def handed_in(
    session: Session, lease: Assignment, project: Project, result: Any, *, at: datetime
) -> Annotation:
    """Hand an answer in, and return it as it is kept."""
    return session.get_one(Annotation, leases.submit(session, lease, project, result, at=at))


def make_annotation(session: Session, lease: Assignment, **changes: Any) -> Annotation:
    """Make what was handed in with an assignment."""
    values: dict[str, Any] = {
        "assignment_id": lease.id,
        "task_id": lease.task_id,
        "project_id": lease.project_id,
        "expert_id": lease.expert_id,
        "result": choice(),
        "submitted_at": lease.submitted_at or now(),
    }
    annotation = Annotation(**(values | changes))
    session.add(annotation)
    session.flush()
    return annotation


def _lease(project: Project, task: Task, expert: Expert, at: datetime) -> Assignment:
    asked = leases._asked(project, expert.user_id, at)
    return Assignment(
        task_id=id_of(task),
        project_id=id_of(project),
        expert_id=expert.user_id,
        pay_minor=asked["pay"],
        fee_minor=asked["fee"],
        currency=asked["code"],
        terms=json.loads(asked["terms"]),
        claimed_at=at,
        due_at=asked["due"],
    )


def _facts(project: Project, state: State, at: Any) -> dict[str, Any]:
    """Return the columns that a state asks for."""
    facts: dict[str, Any] = {"state": state, "taken_ahead": state is State.WAITING}
    if state in leases.HANDED_IN:
        facts |= {"submitted_at": at, "review_by": at + timedelta(days=7), "lead_seconds": 540}
    if state in (State.RETURNED, State.EXPIRED, State.SKIPPED):
        facts |= {"left_at": at}
    if state is State.SKIPPED:
        facts |= {"skip_reason": "not my field"}
    if state in (State.ACCEPTED, State.REJECTED, State.PARTLY_ACCEPTED):
        facts |= {"verdict": Verdict(state), "decided_at": at, "decided_by": project.created_by}
    if state in (State.REJECTED, State.PARTLY_ACCEPTED):
        facts |= {
            "reason_code": "wrong_answer",
            "reason_clause": "2.1",
            "reason_words": "The clause limits liability; it grants nothing.",
            # The decision that the state needs, made before it.
            "against": {
                "verdict": Verdict(state),
                "ground": refusal.Ground(
                    "wrong_answer", "2.1", "The clause limits liability; it grants nothing."
                ),
                "by": project.created_by,
                "at": at,
            },
        }
    return facts


def _set(lease: Assignment, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(lease, name, value)


def second_member(session: Session, desk: Desk) -> User:
    """Let one more person be a member of the project's organisation."""
    return make_member(session, desk.organisation, "member")
