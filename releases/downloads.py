"""Who loaded what of a release: one row a day for each reader, file and way; no addresses.

It tells owners how their data is used, and readers' organisations what was loaded in their name.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts.models import Organisation
from accounts.tokens import Principal
from releases import grants
from releases.catalogue_models import ReleaseSummary
from releases.delivery_models import ReleaseDownload, Way
from releases.models import Release


@dataclass(frozen=True)
class Reader:
    """For whom a file is read, and by whom."""

    organisation_id: int
    way: Way
    user_id: int | None = None
    token_id: int | None = None


@dataclass(frozen=True)
class Usage:
    """How others than its owner use a dataset: whole loads, and by how many organisations."""

    loads: int
    organisations: int


UNUSED = Usage(0, 0)


@dataclass(frozen=True)
class Use:
    """What an organisation has loaded of a release."""

    organisation: str
    days: int
    times: int
    bytes: int
    last_at: datetime


def note(
    session: Session,
    release: Release,
    path: str,
    reader: Reader,
    *,
    sent: range,
    at: datetime,
    size: int | None = None,
) -> None:
    """Count that some bytes of a file were sent; the first part of a file counts as a time."""
    values: dict[str, Any] = {
        "release_id": release.id,
        "organisation_id": reader.organisation_id,
        "user_id": reader.user_id,
        "token_id": reader.token_id,
        "way": reader.way,
        "path": path,
        "day": at.date(),
        "times": int(sent.start == 0),
        "bytes": len(sent),
        "size": size,
        "first_at": at,
        "last_at": at,
    }
    new = insert(ReleaseDownload).values(values)
    counted = new.on_conflict_do_update(
        constraint="uq_release_download_once_a_day",
        set_={
            "times": ReleaseDownload.times + new.excluded.times,
            "bytes": ReleaseDownload.bytes + new.excluded.bytes,
            "size": new.excluded.size,
            "last_at": new.excluded.last_at,
        },
    )
    session.execute(counted)


def reader(
    session: Session,
    release: Release,
    principal: Principal,
    *,
    organisation_ids: Collection[int],
    way: Way,
) -> Reader:
    """Return for whom a token reads a release."""
    organisation_id = grants.reading_for(session, release, organisation_ids)
    return Reader(organisation_id, way, principal.user_id, principal.token_id)


def uses(session: Session, release_id: int) -> list[Use]:
    """Return what each organisation has loaded of a release, the latest first."""
    last = func.max(col(ReleaseDownload.last_at))
    rows = session.execute(
        sql_select(
            col(Organisation.name),
            func.count(func.distinct(col(ReleaseDownload.day))),
            func.sum(col(ReleaseDownload.times)),
            func.sum(col(ReleaseDownload.bytes)),
            last,
        )
        .join(Organisation, col(Organisation.id) == col(ReleaseDownload.organisation_id))
        .where(col(ReleaseDownload.release_id) == release_id)
        .group_by(col(Organisation.id), col(Organisation.name))
        .order_by(last.desc())
    )
    return [Use(row[0], row[1], int(row[2]), int(row[3]), row[4]) for row in rows]


def usage(session: Session, project_ids: Collection[int]) -> dict[int, Usage]:
    """Return how the releases of some projects are used, those that somebody has loaded.

    A load is whole: as often as every byte of every Parquet file of the rows went to somebody.
    Parts of a file, in however many requests, add up to it.
    """
    found = session.execute(loads(project_ids))
    return {row.project_id: Usage(int(row.loads), row.organisations) for row in found}


def loads(project_ids: Collection[int] | None = None) -> Any:
    """Select the whole loads of projects, or of all (None), and by how many organisations."""
    of_file = (
        sql_select(
            col(Release.project_id),
            col(ReleaseDownload.release_id),
            col(ReleaseDownload.organisation_id),
            func.div(func.sum(ReleaseDownload.bytes), func.max(ReleaseDownload.size)).label(
                "whole"
            ),
        )
        .join(Release, col(Release.id) == col(ReleaseDownload.release_id))
        .where(
            col(ReleaseDownload.organisation_id) != col(Release.organisation_id),
            col(ReleaseDownload.path).like("data/%.parquet"),
            col(ReleaseDownload.size) > 0,
        )
        .group_by(
            col(Release.project_id),
            col(ReleaseDownload.release_id),
            col(ReleaseDownload.organisation_id),
            col(ReleaseDownload.path),
        )
    )
    if project_ids is not None:
        of_file = of_file.where(col(Release.project_id).in_(project_ids))
    files = of_file.subquery()
    by_reader = (
        sql_select(
            files.c.project_id, files.c.organisation_id, func.min(files.c.whole).label("whole")
        )
        .join(ReleaseSummary, col(ReleaseSummary.release_id) == files.c.release_id)
        .group_by(
            files.c.project_id,
            files.c.release_id,
            files.c.organisation_id,
            col(ReleaseSummary.data_files),
        )
        .having(func.count() == col(ReleaseSummary.data_files), func.min(files.c.whole) > 0)
        .subquery()
    )
    return sql_select(
        by_reader.c.project_id,
        func.sum(by_reader.c.whole).label("loads"),
        func.count(func.distinct(by_reader.c.organisation_id)).label("organisations"),
    ).group_by(by_reader.c.project_id)


def log(
    *,
    project_id: int | None = None,
    organisation_ids: Collection[int] | None = None,
    version: str = "",
    organisation: str = "",
) -> Any:
    """Select the log of a project, or of some organisations' own loads, the latest first."""
    query = (
        sql_select(ReleaseDownload, Release, Organisation)
        .join(Release, col(Release.id) == col(ReleaseDownload.release_id))
        .join(Organisation, col(Organisation.id) == col(ReleaseDownload.organisation_id))
        .order_by(col(ReleaseDownload.last_at).desc(), col(ReleaseDownload.id).desc())
    )
    if project_id is not None:
        query = query.where(col(Release.project_id) == project_id)
    if organisation_ids is not None:
        query = query.where(col(ReleaseDownload.organisation_id).in_(organisation_ids))
    if version:
        query = query.where(col(Release.version) == version)
    if organisation:
        query = query.where(col(Organisation.slug) == organisation)
    return query


def loaders(session: Session, project_id: int) -> list[Organisation]:
    """Return the organisations that have loaded something of a project, by name."""
    loaded = (
        select(ReleaseDownload.organisation_id)
        .join(Release, col(Release.id) == col(ReleaseDownload.release_id))
        .where(Release.project_id == project_id)
    )
    found = select(Organisation).where(col(Organisation.id).in_(loaded))
    return list(session.exec(found.order_by(Organisation.name)))
