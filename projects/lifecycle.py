"""From draft to completed. What experts were told when a project was published stays so."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_babel import gettext as _
from sqlalchemy import update
from sqlmodel import Session, col

from accounts import webhooks
from accounts.models import Organisation, User
from core import audit, jobs
from core.errors import Conflict
from core.money import Money
from experts.fields import Field
from payouts import budgets, policy
from projects import guidelines, label_config, pricing
from projects.models import Answer, Invitation, PausedFor, Project, State, id_of


class Step(StrEnum):
    """Where in the making of a project something is written."""

    BRIEF = "brief"
    LABELS = "labels"
    PAY = "pay"
    CRITERIA = "criteria"
    TASKS = "tasks"
    BUDGET = "budget"


@dataclass(frozen=True)
class Missing:
    """Something that stands in the way of publishing, and the step where it is put right."""

    step: Step
    words: str


# What a new project proposes; the owner says otherwise in the form of pay and rules.
PROPOSED_IN_HAND = 2


class NotReady(Conflict):
    """The project cannot be published yet. All that is missing is listed on this page."""


class TasksWouldNotFit(Conflict):
    """The tasks that are in the project were checked for other fields than these labels need."""


class Published(Conflict):
    """What experts were told stays: a published project keeps its brief, labels, pay and rules."""


class BudgetUsedUp(Conflict):
    """The budget does not cover another task. The project goes on by itself once you pay in."""


class WrongState(Conflict):
    """The project has moved on, and this can no longer be done. Load the page again to see it."""


def create(
    session: Session,
    organisation: Organisation,
    *,
    title: str,
    currency: str,
    fee_bps: int,
    by: User,
    at: datetime,
    field: Field = Field.LAW,
) -> Project:
    """Begin a draft, and open its budget."""
    project = Project(
        organisation_id=id_of(organisation),
        title=title,
        field=field,
        currency=currency,
        fee_bps=fee_bps,
        tasks_in_hand=PROPOSED_IN_HAND,
        created_by=id_of(by),
        created_at=at,
        saved_at=at,
        state_at=at,
    )
    session.add(project)
    session.flush()  # the budget needs the id
    _open_budget(session, project)
    _record(session, project, "project.created", by)
    return project


def edit(
    session: Session, project: Project, *, by: User, at: datetime, **values: object
) -> list[str]:
    """Change a draft, and return the names of what has changed."""
    require_draft(project)
    if "label_config" in values and fields_lacking(project, str(values["label_config"])):
        raise TasksWouldNotFit
    changed = _change(session, project, "project.edited", by, at, values)
    if "title" in changed:
        _open_budget(session, project)
    return changed


def fields_lacking(project: Project, config: str) -> list[str]:
    """Return the fields that a config needs and that imported tasks were never checked for."""
    if not project.task_count or config == project.label_config or not project.label_config:
        return []
    known = label_config.variables(project.label_config)
    return sorted(label_config.variables(config) - known)


def require_draft(project: Project) -> None:
    """Refuse to change what experts have been told."""
    if not project.is_draft:
        raise Published


def missing(session: Session, project: Project) -> list[Missing]:
    """Say everything that stands in the way of publishing, all at once."""
    return [*_unwritten(project), *_wrong_labels(project), *_unfunded(session, project)]


def publish(session: Session, project: Project, *, by: User, at: datetime) -> None:
    """Open a draft to experts; a second time changes nothing."""
    if project.state is State.OPEN:
        return
    if not project.is_draft:
        raise WrongState
    if missing(session, project):
        raise NotReady
    guidelines.publish(session, project, project.guidelines, by=by, at=at)
    project.published_at = at
    _move(session, project, State.OPEN, by, at)
    find_experts(session, project)


def pause(session: Session, project: Project, *, by: User, at: datetime) -> None:
    """Stop new tasks and invitations for a while; what experts have in hand goes on.

    A project that its budget has paused then stays paused when money arrives.
    """
    if project.state is not State.PAUSED or project.paused_for is not None:
        _require(project, State.OPEN, State.PAUSED)
        _move(session, project, State.PAUSED, by, at)


def resume(session: Session, project: Project, *, by: User, at: datetime) -> None:
    """Go on after a pause."""
    if project.state is not State.OPEN:
        _require(project, State.PAUSED)
        if project.paused_for is PausedFor.BUDGET and not covers_a_task(session, project):
            raise BudgetUsedUp
        _move(session, project, State.OPEN, by, at)
        find_experts(session, project)


def pause_for_budget(session: Session, project: Project, *, at: datetime) -> None:
    """Stop new tasks because the budget does not cover one; what is in hand is paid."""
    _require(project, State.OPEN)
    _move(session, project, State.PAUSED, None, at, paused_for=PausedFor.BUDGET)


def resume_funded(session: Session, project: Project, *, at: datetime) -> None:
    """Go on by itself, now that the budget covers a task again."""
    if project.state is State.PAUSED and project.paused_for is PausedFor.BUDGET:
        _move(session, project, State.OPEN, None, at)
        find_experts(session, project)


def covers_a_task(session: Session, project: Project) -> bool:
    """Return whether the budget pays for one more answer."""
    return affordable(budgets.available(session, id_of(project)), project) > 0


def complete(session: Session, project: Project, *, by: User, at: datetime) -> None:
    """End a project for good; its open invitations are taken back."""
    if project.state is State.COMPLETED:
        return
    _require(project, State.OPEN, State.PAUSED)
    session.execute(
        update(Invitation)
        .where(col(Invitation.project_id) == project.id, col(Invitation.state) == Answer.OFFERED)
        .values(state=Answer.WITHDRAWN, answered_at=at)
    )
    _move(session, project, State.COMPLETED, by, at)
    budgets.close(session, id_of(project), at=at)


def set_criteria(
    session: Session, project: Project, *, by: User, at: datetime, **values: object
) -> list[str]:
    """Change whom a project is offered to; also later, since nobody who takes part is sent away."""
    if project.state is State.COMPLETED:
        raise WrongState
    changed = _change(session, project, "project.criteria", by, at, values)
    if changed and project.state is State.OPEN:
        find_experts(session, project)
    return changed


def find_experts(session: Session, project: Project) -> None:
    """Let a job offer the project to those whom it fits, after this transaction."""
    jobs.defer(
        session,
        "projects.offer",
        project_id=project.id,
        queueing_lock=f"projects.offer:{project.id}",
    )


def _unwritten(project: Project) -> Iterator[Missing]:
    if not project.brief.strip():
        yield Missing(Step.BRIEF, _("Write the brief: what the work is for."))
    if not project.guidelines.strip():
        yield Missing(Step.BRIEF, _("Write the guidelines: what the experts shall do."))
    if project.price_minor <= 0:
        yield Missing(Step.PAY, _("Set the pay for a task."))
    if not project.languages:
        yield Missing(Step.CRITERIA, _("Name at least one language that the experts must know."))
    if project.task_count == 0:
        yield Missing(Step.TASKS, _("Import the tasks."))


def _wrong_labels(project: Project) -> Iterator[Missing]:
    if not project.label_config.strip():
        yield Missing(Step.LABELS, _("Choose what the experts answer with."))
        return
    for problem in label_config.config_problems(project.label_config):
        yield Missing(Step.LABELS, _("Labels: %(problem)s", problem=problem))


def _unfunded(session: Session, project: Project) -> Iterator[Missing]:
    if project.price_minor <= 0:
        return
    cost = pricing.of(project).cost
    if budgets.available(session, id_of(project)) < cost:
        yield Missing(Step.BUDGET, _("Fund the budget with the cost of at least one answer."))


def affordable(available: Money, project: Project) -> int:
    """Return how many answers a budget pays for."""
    if project.price_minor <= 0:
        return 0
    return policy.affordable(available, project.price, project.fee_bps)


def _open_budget(session: Session, project: Project) -> None:
    budgets.open(
        session,
        project_id=id_of(project),
        organisation_id=project.organisation_id,
        title=project.title,
        currency=project.currency,
    )


def _change(
    session: Session,
    project: Project,
    action: str,
    by: User,
    at: datetime,
    values: dict[str, object],
) -> list[str]:
    changed = sorted(name for name, value in values.items() if getattr(project, name) != value)
    for name in changed:
        setattr(project, name, values[name])
    if changed:
        project.saved_at = at
        _record(session, project, action, by, changed=changed)
    return changed


def _require(project: Project, *states: State) -> None:
    if project.state not in states:
        raise WrongState


def _move(
    session: Session,
    project: Project,
    to: State,
    by: User | None,
    at: datetime,
    *,
    paused_for: PausedFor | None = None,
) -> None:
    before, project.state, project.state_at = project.state, to, at
    project.paused_for = paused_for
    more = {"paused_for": str(paused_for)} if paused_for else {}
    _record(session, project, f"project.{to}", by, before=before, **more)
    event = f"project.{'opened' if to is State.OPEN else to}"
    webhooks.emit(session, project.organisation_id, event, {"project_id": project.id})


def _record(
    session: Session, project: Project, action: str, by: User | None, **details: object
) -> None:
    who = by.id if by is not None else None
    audit.record(session, action, by=who, subject=f"project:{project.id}", details=details)
