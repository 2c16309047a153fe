"""The way into Label Studio for owners: shut until an operator opens it for an organisation.

The Community edition has no walls inside: whoever has an account there sees and changes every
project of everybody. So the way is for instances whose organisations trust each other, and
whatever owners change there comes back as an edit beside our answers.
"""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from accounts.models import User
from annotation import pushing
from annotation.mirror_models import MirrorGate
from core import audit
from core.errors import Conflict
from projects.models import Project, id_of


class WayShut(Conflict):
    """The way into Label Studio is not open for your organisation. The operator can open it."""


class NotThere(Conflict):
    """Label Studio does not have this project yet. It is brought there within minutes."""


def is_open(session: Session, organisation_id: int) -> bool:
    """Return whether the owners of an organisation are shown the way in."""
    gate = session.get(MirrorGate, organisation_id)
    return gate is not None and gate.is_open


def open_way(session: Session, organisation_id: int, *, by: User, at: datetime) -> None:
    """Show the owners of an organisation the way in; the same again changes nothing."""
    if not is_open(session, organisation_id):
        _turn(session, organisation_id, "opened", by=by, at=at)


def shut_way(session: Session, organisation_id: int, *, by: User, at: datetime) -> None:
    """Show it to them no more; the same again changes nothing."""
    if is_open(session, organisation_id):
        _turn(session, organisation_id, "shut", by=by, at=at)


def address(session: Session, project: Project, public_url: str, *, by: User) -> str:
    """Return where a project stands in Label Studio, and note who asked for it."""
    if not public_url or not is_open(session, project.organisation_id):
        raise WayShut
    there = pushing.project_there(session, id_of(project))
    if there is None:
        raise NotThere
    audit.record_reading("mirror.opened", by=id_of(by), subject=f"project:{project.id}", of=None)
    return f"{public_url.rstrip('/')}/projects/{there}/data"


def _turn(session: Session, organisation_id: int, to: str, *, by: User, at: datetime) -> None:
    values = {
        "organisation_id": organisation_id,
        "is_open": to == "opened",
        "changed_by": id_of(by),
        "changed_at": at,
    }
    session.execute(
        insert(MirrorGate)
        .values(values)
        .on_conflict_do_update(index_elements=["organisation_id"], set_=values)
    )
    audit.record(
        session,
        f"mirror.gate_{to}",
        by=by.id,
        subject=f"organisation:{organisation_id}",
    )
