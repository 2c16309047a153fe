"""The API of the catalogue: what there is to read or to ask for, and one's own requests to read.

A request is made for a person's organisation by a token of that person: somebody accepts the terms
of the licence and gets the letter with the answer. Any token sees what its organisations asked for.
What owners do with requests is in `answer_api`.
"""

from datetime import datetime
from typing import Any

from flask import Response, g
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlmodel import col, select

from accounts import organisations, tokens
from accounts.models import Organisation, User
from accounts.tokens import Principal
from core import api as base
from core.access import by_token
from core.api import LARGEST_ID, ListAnswer, ListQuery, Problem, Sent
from core.clock import now
from core.db import db_session
from core.errors import Invalid, NotFound
from core.settings import current_settings
from releases import catalogue, requests
from releases.catalogue import Entry, Filters
from releases.catalogue_models import ReleaseRequest, RequestState, Use
from releases.forms import WORDS_MAX
from releases.models import Release, ReleaseSeries

READ, READ_REQUESTS, WRITE_REQUESTS = "releases:read", "requests:read", "requests:write"
EXAMPLE: dict[str, Any] = {
    "use": "training",
    "purpose": "A model that finds clauses.",
    "licence": "cc-by-4.0",
}
api = base.blueprint(
    "datasets_api", __name__, "datasets", "The catalogue, and requests to read what is in it"
)


class OtherLicence(Invalid):
    """It has the licence %(licence)s. Read it, and send this name to accept its terms."""


class WhichOrganisation(Invalid):
    """You are in several organisations, or not in this one. Name the one that asks."""


class DatasetInfo(BaseModel):
    """A dataset as the catalogue has it: nothing of what its rows hold."""

    id: int
    name: str = Field(description="organisation/name")
    title: str
    description: str
    version: str = Field(description="The newest one")
    rows: int
    language: str
    field: str
    labels: list[str]
    licence: str
    as_of: datetime
    may_read: bool = Field(description="Whether the token may read this version")
    is_asked: bool = Field(description="Whether a request of the token's organisations waits")


class DatasetList(ListAnswer):
    """Some datasets."""

    data: list[DatasetInfo]


class RequestInfo(BaseModel):
    """A request to read a dataset, and what came of it."""

    id: int
    dataset: int
    organisation: str = Field(description="Which asks, by its name in addresses")
    use: Use
    purpose: str
    licence: str = Field(description="Whose terms were accepted with it")
    state: RequestState
    asked_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None = Field(description="When the right to read was over")
    reason: str = Field(description="Why it was refused or taken back, from the owner")


class RequestList(ListAnswer):
    """Some requests."""

    data: list[RequestInfo]


class NewRequest(Sent):
    """What a team says when it asks."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    use: Use
    purpose: str = Field(
        min_length=1,
        max_length=WORDS_MAX,
        pattern=r"\S",
        description="What you build, for whom, and who will have access. The owner reads it.",
    )
    licence: str = Field(
        max_length=80, description="The dataset's licence; sending its name accepts its terms"
    )
    organisation: str | None = Field(
        None, max_length=80, description="Which asks, where you are in several"
    )

    @field_validator("purpose")
    @classmethod
    def _stripped(cls, purpose: str) -> str:
        return purpose.strip()


class DatasetQuery(ListQuery):
    """Which datasets to list."""

    q: str = Field("", max_length=200, description="Words that it is found by")


class RequestQuery(ListQuery):
    """Which requests to list."""

    state: RequestState | None = Field(None, description="Only those in this state")
    dataset: int | None = Field(None, ge=1, le=LARGEST_ID, description="Only those for this one")


class DatasetPath(BaseModel):
    """A dataset by its number."""

    dataset_id: int


class RequestPath(BaseModel):
    """A request by its number."""

    request_id: int


REFUSALS: dict[Any, Any] = {422: Problem}


@api.get("/datasets", responses={200: DatasetList, **REFUSALS}, summary="Datasets, newest first")
@by_token(READ)
def list_datasets(query: DatasetQuery) -> Response:
    """Those that the token's organisations may read or ask for, each with its newest release."""
    found = catalogue.query(_mine(), Filters(words=query.q), at=now())
    ids = found.with_only_columns(col(Release.id)).order_by(None)
    wanted = select(Release).where(col(Release.id).in_(ids))
    part = base.part(wanted, col(Release.id), query)
    rows = db_session().execute(found.where(col(Release.id).in_([one.id for one in part.rows])))
    entries = catalogue.entries(db_session(), rows.all(), _mine())
    newest_first = sorted(entries, key=lambda one: -(one.release.id or 0))
    data = [_info(one) for one in newest_first]
    return base.answer(DatasetList(data=data, next_cursor=part.next_cursor, next=part.next))


@api.get(
    "/datasets/<int:dataset_id>", responses={200: DatasetInfo, **REFUSALS}, summary="One dataset"
)
@by_token(READ)
def get_dataset(path: DatasetPath) -> Response:
    """Return what the catalogue says of a dataset."""
    return base.answer(_info(_listed(path.dataset_id)))


@api.post(
    "/datasets/<int:dataset_id>/requests",
    responses={200: RequestInfo, 201: RequestInfo, 409: Problem, **REFUSALS},
    summary="Ask to read",
    description="200 and the request that waits already, where your organisation has asked.",
)
@by_token(WRITE_REQUESTS)
@base.write
def ask(path: DatasetPath, body: NewRequest) -> Response:
    """Ask the owner to let an organisation read; a letter and a webhook tell the answer."""
    session, entry = db_session(), _listed(path.dataset_id)
    if body.licence != entry.release.licence:
        raise OtherLicence(licence=entry.release.licence)
    organisation, by = _asking(body.organisation), _person()
    # The series first, as `requests.ask` holds it: so one of two at once finds the other's request.
    series = session.get_one(ReleaseSeries, path.dataset_id, with_for_update=True)
    before = requests.open_of(session, path.dataset_id, organisation.id)
    asked = requests.Asked(body.use, body.purpose)
    made = before or requests.ask(session, series, organisation, asked, by=by, at=now())
    location = f"{current_settings().public_url}/api/v1/access-requests/{made.id}"
    return base.answer(told(made, organisation.slug), 200 if before else 201, location=location)


@api.get(
    "/access-requests",
    responses={200: RequestList, **REFUSALS},
    summary="Requests to read, newest first",
)
@by_token(READ_REQUESTS)
def list_requests(query: RequestQuery) -> Response:
    """What the token's organisations have asked for, by whomever of them."""
    wanted = _own_requests()
    if query.state is not None:
        wanted = wanted.where(ReleaseRequest.state == query.state)
    if query.dataset is not None:
        wanted = wanted.where(ReleaseRequest.project_id == query.dataset)
    part = base.part(wanted, col(ReleaseRequest.id), query)
    slugs = _slugs()
    data = [told(one, slugs[one.organisation_id]) for one in part.rows]
    return base.answer(RequestList(data=data, next_cursor=part.next_cursor, next=part.next))


@api.get(
    "/access-requests/<int:request_id>",
    responses={200: RequestInfo, **REFUSALS},
    summary="One request to read",
)
@by_token(READ_REQUESTS)
def get_request(path: RequestPath) -> Response:
    """Return a request with what came of it."""
    found = _own_request(path.request_id)
    return base.answer(told(found, _slugs()[found.organisation_id]))


@api.delete(
    "/access-requests/<int:request_id>",
    responses={204: None, 409: Problem, **REFUSALS},
    summary="Withdraw a request",
)
@by_token(WRITE_REQUESTS)
@base.write
def withdraw(path: RequestPath) -> Response:
    """Take a request back that waits; twice is the same as once."""
    found = _own_request(path.request_id)
    requests.withdraw(db_session(), found, by=_person(), at=now())
    return base.nothing()


def told(one: ReleaseRequest, slug: str) -> RequestInfo:
    """Return what both sides are told of a request."""
    return RequestInfo(
        id=one.id or 0,
        dataset=one.project_id,
        organisation=slug,
        use=one.use,
        purpose=one.purpose,
        licence=one.licence,
        state=one.state,
        asked_at=one.asked_at,
        answered_at=one.answered_at,
        ended_at=one.ended_at,
        reason=one.reason,
    )


def _mine() -> set[int]:
    principal: Principal = g.principal
    return tokens.organisation_ids(db_session(), principal)


def _person() -> User:
    """Return whose token it is; organisations hold none that writes requests."""
    return db_session().get_one(User, g.principal.user_id)


def _listed(dataset_id: int) -> Entry:
    """Return a dataset as the catalogue has it; what is private is not there."""
    session, mine = db_session(), _mine()
    row = catalogue.shown(session, dataset_id, mine) if dataset_id <= LARGEST_ID else None
    if row is None:
        raise NotFound
    return catalogue.entries(session, [row], mine)[0]


def _asking(slug: str | None) -> Organisation:
    mine = organisations.of(db_session(), g.principal.user_id)
    fitting = [one for one in mine if slug is None or one.slug == slug]
    if len(fitting) != 1:
        raise WhichOrganisation
    return fitting[0]


def _own_requests() -> Any:
    return select(ReleaseRequest).where(col(ReleaseRequest.organisation_id).in_(_mine()))


def _own_request(request_id: int) -> ReleaseRequest:
    """Return a request of the token's organisations; others are not there."""
    wanted = _own_requests().where(ReleaseRequest.id == request_id)
    found: ReleaseRequest | None = (
        db_session().exec(wanted).first() if request_id <= LARGEST_ID else None
    )
    if found is None:
        raise NotFound
    return found


def _slugs() -> dict[int | None, str]:
    found = select(Organisation).where(col(Organisation.id).in_(_mine()))
    return {one.id: one.slug for one in db_session().exec(found)}


def _info(entry: Entry) -> DatasetInfo:
    release, summary = entry.release, entry.summary
    return DatasetInfo(
        id=release.project_id,
        name=f"{entry.owner.slug}/{entry.series.name}",
        title=release.title,
        description=entry.series.description,
        version=str(release.version),
        rows=release.row_count,
        language=summary.language,
        field=summary.field,
        labels=summary.labels,
        licence=release.licence,
        as_of=release.asked_at,
        may_read=entry.may_read,
        is_asked=entry.is_asked,
    )
