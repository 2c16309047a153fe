"""The catalogue: datasets that somebody may read or ask for, found by words and filters.

What is private and not theirs is not there: not in a list, not in a count, not in a choice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from accounts.models import Organisation
from core.clock import now
from releases import downloads, grants, summaries
from releases.catalogue_models import ReleaseRequest, ReleaseSummary, RequestState
from releases.delivery_models import ReleaseFormat
from releases.models import Release, ReleaseSeries, State, Visibility

# Rows: at least, below.
SIZES = {
    "s": (0, 1_000),
    "m": (1_000, 10_000),
    "l": (10_000, 100_000),
    "xl": (100_000, 1_000_000),
    "xxl": (1_000_000, 10**18),
}
AGES = {"30": 30, "90": 90, "365": 365}
ORDERS = ("newest", "name", "rows", "agreement", "used")
KNOWN = ("language", "field", "licence", "task", "format", "size", "age", "mine")


@dataclass(frozen=True)
class Filters:
    """What somebody looks for; empty is anything."""

    words: str = ""
    field: str = ""
    language: str = ""
    licence: str = ""
    task: str = ""
    format: str = ""
    size: str = ""
    age: str = ""
    mine: str = ""
    order: str = ORDERS[0]

    @property
    def is_any(self) -> bool:
        """Whether nothing is narrowed."""
        return not self.words and not any(getattr(self, name) for name in KNOWN)


@dataclass(frozen=True)
class Entry:
    """A dataset in the catalogue."""

    release: Release
    series: ReleaseSeries
    owner: Organisation
    summary: ReleaseSummary
    may_read: bool
    is_asked: bool
    usage: downloads.Usage


def query(organisation_ids: Collection[int], filters: Filters, *, at: datetime) -> Any:
    """Select releases with series, owner and summary: the newest of each dataset, as filtered."""
    found = (
        sql_select(Release, ReleaseSeries, Organisation, ReleaseSummary)
        .join(ReleaseSeries, col(ReleaseSeries.project_id) == col(Release.project_id))
        .join(Organisation, col(Organisation.id) == col(Release.organisation_id))
        .join(ReleaseSummary, col(ReleaseSummary.release_id) == col(Release.id))
        .where(col(Release.id).in_(_newest(organisation_ids, filters.words)))
        .where(*_conditions(organisation_ids, filters, at))
    )
    return found.order_by(*_order(filters.order), col(Release.id).desc())


def entries(
    session: Session, rows: Sequence[Any], organisation_ids: Collection[int]
) -> list[Entry]:
    """Return what the catalogue says of some rows of the query."""
    ids = [release.project_id for release, *_rest in rows]
    readable = grants.readable(organisation_ids).where(col(Release.project_id).in_(ids))
    may = set(session.scalars(readable.with_only_columns(col(Release.project_id))))
    asked = set(
        session.exec(
            select(ReleaseRequest.project_id).where(
                col(ReleaseRequest.project_id).in_(ids),
                col(ReleaseRequest.organisation_id).in_(organisation_ids),
                ReleaseRequest.state == RequestState.OPEN,
            )
        )
    )
    usage = downloads.usage(session, ids)
    return [
        Entry(
            release,
            series,
            owner,
            summary,
            release.project_id in may,
            release.project_id in asked,
            usage.get(release.project_id, downloads.UNUSED),
        )
        for release, series, owner, summary in rows
    ]


def languages(session: Session, organisation_ids: Collection[int]) -> list[str]:
    """Return the languages of the datasets that somebody may see."""
    found = (
        select(ReleaseSummary.language)
        .where(col(ReleaseSummary.release_id).in_(_newest(organisation_ids)))
        .distinct()
        .order_by(ReleaseSummary.language)
    )
    return list(session.exec(found))


def shown(session: Session, project_id: int, organisation_ids: Collection[int]) -> Any:
    """Return the row of one dataset as the catalogue has it, or None where it has none."""
    wanted = query(organisation_ids, Filters(), at=now())
    return session.execute(wanted.where(col(Release.project_id) == project_id)).first()


def _newest(organisation_ids: Collection[int], words: str = "") -> Any:
    """Select the newest release of each dataset that somebody sees: as reader, or as listed.

    With words, only of those of which a release is found by them, as an index knows.
    """
    readable = grants.readable(organisation_ids).with_only_columns(col(Release.id))
    listed = select(ReleaseSeries.project_id).where(
        col(ReleaseSeries.visibility).in_((Visibility.LISTED, Visibility.OPEN))
    )
    found = select(func.max(Release.id)).group_by(col(Release.project_id))
    runs = summaries.runs(summaries.plain(words))
    if runs:
        known = select(ReleaseSummary.project_id).where(col(ReleaseSummary.runs).contains(runs))
        readable = readable.where(col(Release.project_id).in_(known))
        listed = listed.where(col(ReleaseSeries.project_id).in_(known))
        found = found.where(col(Release.project_id).in_(known))
    seen: list[Any] = [col(Release.id).in_(readable)]
    if organisation_ids:
        seen.append(and_(col(Release.state) == State.READY, col(Release.project_id).in_(listed)))
    return found.where(or_(*seen))


def _conditions(
    organisation_ids: Collection[int], filters: Filters, at: datetime
) -> list[ColumnElement[bool]]:
    found: list[Any] = [_has(word) for word in filters.words.split()]
    if filters.field:
        found.append(ReleaseSummary.field == filters.field)
    if filters.language:
        found.append(ReleaseSummary.language == filters.language)
    if filters.licence:
        found.append(Release.licence == filters.licence)
    if filters.task:
        found.append(col(ReleaseSummary.tasks).contains([filters.task]))
    if filters.format:
        found.append(_has_format(filters.format))
    if filters.size in SIZES:
        least, below = SIZES[filters.size]
        found.append(col(Release.row_count).between(least, below - 1))
    if filters.age in AGES:
        found.append(col(Release.asked_at) >= at - timedelta(days=AGES[filters.age]))
    if filters.mine:
        readable = grants.readable(organisation_ids).with_only_columns(col(Release.project_id))
        found.append(col(Release.project_id).in_(readable))
    return found


def _has(word: str) -> ColumnElement[bool]:
    """Whether a word stands in what a dataset is found by; capitals and accents do not count."""
    return col(ReleaseSummary.words).contains(summaries.plain(word), autoescape=True)


def _has_format(name: str) -> ColumnElement[bool]:
    made = select(ReleaseFormat.release_id).where(
        ReleaseFormat.name == name, col(ReleaseFormat.reason).is_(None)
    )
    return col(Release.id).in_(made)


def _order(order: str) -> list[Any]:
    if order == "name":
        return [func.lower(Release.title)]
    if order == "rows":
        return [col(Release.row_count).desc()]
    if order == "agreement":
        return [col(ReleaseSummary.agreement).desc().nulls_last()]
    if order == "used":
        used = downloads.loads().subquery()
        times = sql_select(used.c.loads).where(used.c.project_id == Release.project_id)
        return [times.scalar_subquery().desc().nulls_last()]
    return [col(Release.asked_at).desc()]
