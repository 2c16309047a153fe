"""Links to media files: signed, for one holder, and dead soon after the holder stops.

A link is the whole authority, since the editor's frame has no cookie. It names what it is for: a
lease, a work sample, a member of the project's organisation or an answer, and works while that
stands:

- of a lease: while the task is in hand, and within some minutes of the page's last sign of life;
- of a work sample: within some minutes of its making, while the sample is open;
- of a member: within some minutes of its making, while they are a member;
- of an answer, for its expert and who looks again: within some minutes of its making, while a
  verdict is to come, or one against it is contested or can be.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from sqlmodel import Session, col, select

from accounts import organisations
from annotation import media_kinds, media_watch, refusal
from annotation.media_models import TaskMedia
from annotation.models import Assignment, State
from annotation.sample_models import WorkSample
from core.errors import DomainError, NotFound
from core.settings import Settings


class Holder(StrEnum):
    """What a link is bound to."""

    LEASE = "a"
    SAMPLE = "s"
    MEMBER = "m"
    ANSWER = "w"


class LinkOver(DomainError):
    """This link to a file has run out. Load the page that showed it again to get a new one."""

    status = 410


Link = Callable[[TaskMedia], str]


def token(
    settings: Settings, file: TaskMedia, holder: Holder, holder_id: int, *, at: datetime
) -> str:
    """Return what stands in a link."""
    made: Any = _signer(settings).dumps([holder, holder_id, file.id, int(at.timestamp())])
    return str(made)


def open_(session: Session, given: str, settings: Settings, *, at: datetime) -> TaskMedia:
    """Return the file that a link leads to now; raise `NotFound` or `LinkOver`."""
    holder, holder_id, media_id, made_at = _read(given, settings)
    file = session.get(TaskMedia, media_id)
    if file is None:
        raise NotFound
    since = at - timedelta(minutes=settings.media_link_minutes)
    made = datetime.fromtimestamp(made_at, UTC)
    check = {
        Holder.LEASE: _of_lease,
        Holder.SAMPLE: _of_sample,
        Holder.MEMBER: _of_member,
        Holder.ANSWER: _of_answer,
    }
    if not check[holder](session, holder_id, file, made, since, at):
        raise LinkOver
    return file


def with_links(
    session: Session, project_id: int, config: str, data: Mapping[str, Any], link: Link
) -> dict[str, Any]:
    """Return what the editor shows of a task, with links where it names files."""
    named = media_kinds.names(data, config)
    if not named:
        return dict(data)
    links = {file.name: link(file) for file in _named(session, project_id, named)}
    fields = {field for field, _name in named}
    return {
        name: media_kinds.replaced(value, links) if name in fields else value
        for name, value in data.items()
    }


def absent(
    session: Session, project_id: int, config: str, data: Mapping[str, Any], settings: Settings
) -> list[str]:
    """Return the files of a task that cannot be shown now, by name."""
    named = media_kinds.names(data, config)
    return media_watch.absent(_named(session, project_id, named), settings) if named else []


def _named(
    session: Session, project_id: int, named: Iterable[tuple[str, str]]
) -> Sequence[TaskMedia]:
    names = {name for _field, name in named}
    return session.exec(
        select(TaskMedia).where(TaskMedia.project_id == project_id, col(TaskMedia.name).in_(names))
    ).all()


def _of_lease(
    session: Session, lease_id: int, file: TaskMedia, made: datetime, since: datetime, at: datetime
) -> bool:
    lease = session.get(Assignment, lease_id)
    if lease is None or lease.project_id != file.project_id:
        return False
    last = max(made, lease.seen_at or made)
    return lease.state is State.ACTIVE and lease.due_at > at and last > since


def _of_sample(
    session: Session, sample_id: int, file: TaskMedia, made: datetime, since: datetime, at: datetime
) -> bool:
    sample = session.get(WorkSample, sample_id)
    if sample is None or sample.project_id != file.project_id:
        return False
    return sample.is_open(at) and made > since


def _of_member(
    session: Session, user_id: int, file: TaskMedia, made: datetime, since: datetime, _at: datetime
) -> bool:
    return made > since and file.organisation_id in organisations.ids_of(session, user_id)


def _of_answer(
    session: Session, lease_id: int, file: TaskMedia, made: datetime, since: datetime, at: datetime
) -> bool:
    lease = session.get(Assignment, lease_id)
    if lease is None or lease.project_id != file.project_id:
        return False
    return made > since and refusal.is_at_issue(session, lease, at)


def _signer(settings: Settings) -> URLSafeSerializer:
    return URLSafeSerializer(settings.secret_key.get_secret_value(), salt="task media")


def _read(given: str, settings: Settings) -> tuple[Holder, int, int, int]:
    try:
        holder, holder_id, media_id, made_at = _signer(settings).loads(given)
        return Holder(holder), int(holder_id), int(media_id), int(made_at)
    except (BadData, ValueError, TypeError):
        raise NotFound from None
