"""Validated work to release, releases, and organisations that read them."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from sqlmodel import Session

from accounts.models import Organisation, OrganisationKind, User
from annotation.models import State as WorkState
from annotation.released import EPOCH, NEVER, NONE, Batch, Read
from core.clock import now
from releases import builds
from releases.builds import Wish
from releases.models import Release, ReleaseGrant
from releases.readings import Readings
from releases.rows import REASONS, Setting, group_names, rows_of
from tests.factories.accounts import make_member, make_organisation
from tests.factories.annotation import Desk, choice, make_assignment, make_desk, make_task
from tests.jobs_run import run_jobs

CLAUSES = ("grant", "warranty", "liability")


def make_work(session: Session, *, tasks: int = 12, experts: int = 2, **changes: Any) -> Desk:
    """Make a project whose experts agree on all of some tasks, in groups of two."""
    desk = make_desk(session, experts=experts, tasks=0, **changes)
    for number in range(tasks):
        add_validated(session, desk, number)
    return desk


def add_validated(session: Session, desk: Desk, number: int, **changes: Any) -> None:
    """Add a task that all experts of a desk have answered alike, and that is accepted."""
    values = {
        "external_id": f"t-{number:03d}",
        "group_key": f"licence-{number // 2}",
        "data": {"text": f"Clause {number}: you must keep this notice.", "weight": number},
    }
    task = make_task(session, desk.project, **(values | changes))
    marks = [(10, 13, "Party")] if number % 2 else []
    for expert in desk.experts:
        make_assignment(
            session,
            desk.project,
            expert=expert,
            task=task,
            state=WorkState.ACCEPTED,
            result=choice(CLAUSES[number % len(CLAUSES)], *marks),
        )


def batch_of(found: Read) -> Batch:
    """Return one task with its answers as builds read it."""

    def counted(at: datetime | None) -> int:
        return NEVER if at is None else (at - EPOCH) // timedelta(microseconds=1)

    task, answers = found.task, found.answers
    numbers, texts = partial(np.array, dtype=np.int64), partial(pa.array, type=pa.string())
    return Batch(
        project_id=task.project_id,
        task_ids=numbers([task.id]),
        external_ids=texts([task.external_id]),
        group_keys=texts([task.group_key]),
        data=texts([task.data]),
        gold={} if task.gold is None else {0: task.gold},
        places=numbers([0] * len(answers)),
        assignments=numbers([one.assignment_id for one in answers]),
        experts=numbers([one.expert_id for one in answers]),
        states=texts([one.state for one in answers]),
        rules=texts([one.decided_rule for one in answers]),
        submitted=numbers([counted(one.submitted_at) for one in answers]),
        decided=numbers([counted(one.decided_at) for one in answers]),
        seconds=numbers(
            [NONE if one.lead_seconds is None else one.lead_seconds for one in answers]
        ),
        pays=numbers([one.pay_minor for one in answers]),
        currencies=texts([one.currency for one in answers]),
        results=texts([one.result for one in answers]),
        extras=found.extras,
    )


def row_of(found: Read, setting: Setting) -> dict[str, Any]:
    """Return the row of a task, or why it is left out under `left_out`."""
    made = rows_of(batch_of(found), setting, Readings(setting.recipe.marks), learned=True)
    if made.reasons[0]:
        return {"left_out": REASONS[made.reasons[0]]}
    made.table["group"] = group_names(made.table, made, setting.recipe)
    return {name: column[0].as_py() for name, column in made.table.items()}


def wish(**changes: Any) -> Wish:
    """Return what an owner says of a release."""
    values: dict[str, Any] = {
        "changelog": "First release.",
        "licence": "cc-by-4.0",
        "limits": "English only.",
        "with_gold": False,
    }
    return Wish(**(values | changes))


def make_release(session: Session, desk: Desk, **changes: Any) -> Release:
    """Make a release that is being built, with its job in the queue."""
    at = changes.pop("asked_at", None) or now()
    release = builds.ask(session, desk.project, wish(**changes), by=desk.owner, at=at)
    session.flush()
    return release


def build_release(app: Any, session: Session, desk: Desk, **changes: Any) -> Release:
    """Make a release and build it, in a test's transaction."""
    release = make_release(session, desk, **changes)
    session.commit()
    run_jobs(app)
    session.expire_all()
    return session.get_one(Release, release.id)


def make_ml_team(session: Session, **changes: Any) -> tuple[User, Organisation]:
    """Make a person of an ML team."""
    team = make_organisation(session, kind=OrganisationKind.ML_TEAM)
    return make_member(session, team, **changes), team


def make_grant(session: Session, desk: Desk, organisation: Organisation) -> ReleaseGrant:
    """Let an organisation read a project's releases."""
    granted = ReleaseGrant(
        project_id=desk.project_id,
        organisation_id=organisation.id or 0,
        granted_by=desk.owner.id or 0,
        granted_at=now(),
    )
    session.add(granted)
    session.flush()
    return granted
