"""Rows about the mirror of projects in Label Studio, valid by default."""

import itertools
from typing import Any

from sqlmodel import Session

from accounts.models import User
from annotation.loop_models import Prediction
from annotation.mirror_models import (
    BackendCheck,
    EditKind,
    EditState,
    Extra,
    MirrorExtra,
    MirrorGate,
    MirrorLook,
    MirrorRun,
    OutsideEdit,
)
from annotation.mirror_prediction_models import MirrorPrediction, MirrorShown
from annotation.mirror_verdict_models import MirrorVerdict
from annotation.models import Annotation, Assignment, LabelStudioProject
from core.clock import now
from tests.factories.annotation import choice

_numbers = itertools.count(1)


def make_edit(session: Session, answer: Annotation, **changes: Any) -> OutsideEdit:
    """Make an edit of an answer, which the owner has not looked at."""
    at = now()
    values: dict[str, Any] = {
        "project_id": answer.project_id,
        "task_id": answer.task_id,
        "annotation_id": answer.id,
        "kind": EditKind.CHANGED,
        "label_studio_annotation_id": next(_numbers),
        "result": choice("warranty"),
        "troubles": [],
        "author_name": "somebody@example.org",
        "edited_at": at,
        "seen_at": at,
        "state": EditState.OPEN,
    }
    edit = OutsideEdit(**(values | changes))
    session.add(edit)
    session.flush()
    return edit


def make_mirror(session: Session, project_id: int, **changes: Any) -> MirrorRun:
    """Let a project have a mirror that was looked at and compared."""
    at = now()
    session.add(
        LabelStudioProject(
            project_id=project_id, label_studio_project_id=90_000 + next(_numbers), created_at=at
        )
    )
    session.add(MirrorLook(project_id=project_id, looked_at=at, try_at=at))
    values: dict[str, Any] = {
        "project_id": project_id,
        "mends": False,
        "begun_at": at,
        "found": {"tasks": 4, "tasks_lost": 0},
        "ended_at": at,
        "try_at": at,
    }
    run = MirrorRun(**(values | changes))
    session.add(run)
    session.flush()
    return run


def make_extra(session: Session, task_id: int, row_id: int, **changes: Any) -> MirrorExtra:
    """Note a skip that Label Studio has."""
    values: dict[str, Any] = {
        "kind": Extra.SKIP,
        "row_id": row_id,
        "task_id": task_id,
        "label_studio_annotation_id": next(_numbers),
        "pushed_at": now(),
    }
    extra = MirrorExtra(**(values | changes))
    session.add(extra)
    session.flush()
    return extra


def make_gate(session: Session, organisation_id: int, by: User, *, is_open: bool) -> MirrorGate:
    """Open or shut an organisation's way in."""
    gate = MirrorGate(
        organisation_id=organisation_id,
        is_open=is_open,
        changed_by=by.id or 0,
        changed_at=now(),
    )
    session.add(gate)
    session.flush()
    return gate


def make_check(session: Session, **changes: Any) -> BackendCheck:
    """Keep what a Label Studio that is set up well says of itself."""
    facts: dict[str, Any] = {
        "version": "1.23.2",
        "edition": "Community",
        "has_closed_signup": True,
        "has_telemetry": False,
        "takes_legacy_tokens": False,
        "is_private": True,
        "token_kind": "personal",
    }
    row = BackendCheck(checked_at=now(), **({"facts": facts} | changes))
    row = session.merge(row)
    session.flush()
    return row


def make_mirrored_prediction(
    session: Session, prediction: Prediction, **changes: Any
) -> MirrorPrediction:
    """Note a prediction that Label Studio has, and how far its project was looked through."""
    values: dict[str, Any] = {
        "prediction_id": prediction.id,
        "project_id": prediction.project_id,
        "task_id": prediction.task_id,
        "rule_version": 1,
        "label_studio_prediction_id": next(_numbers),
        "pushed_at": now(),
    }
    place = {"project_id": prediction.project_id, "rule_version": 1, "last_id": prediction.id}
    noted = MirrorPrediction(**(values | changes))
    session.add_all([noted, MirrorShown(**place)])
    session.flush()
    return noted


def make_mirrored_verdict(session: Session, lease: Assignment, **changes: Any) -> MirrorVerdict:
    """Note a verdict that Label Studio was told of."""
    values: dict[str, Any] = {
        "assignment_id": lease.id,
        "project_id": lease.project_id,
        "task_id": lease.task_id,
        "decided_at": lease.decided_at,
        "pushed_at": now(),
    }
    noted = MirrorVerdict(**(values | changes))
    session.add(noted)
    session.flush()
    return noted
