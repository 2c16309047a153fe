"""The API for owners: who asks to read their datasets, and the answers they give.

Any token of the owner's organisation sees the requests; a person answers, by a token of their own,
since a letter tells the other side and the audit trail names who it was.
"""

from datetime import date, datetime
from typing import Any

from flask import Response, g
from pydantic import ConfigDict, Field, field_validator
from sqlmodel import col, select

from accounts import permissions, tokens
from accounts.models import Organisation, User
from core import api as base
from core.access import by_token
from core.api import LARGEST_ID, ListAnswer, Problem, Sent
from core.clock import now
from core.db import db_session
from core.errors import NotFound
from projects.models import Project
from releases import dataset_api, grants, requests
from releases.catalogue_models import ReleaseRequest
from releases.dataset_api import REFUSALS, RequestInfo, RequestPath, RequestQuery
from releases.forms import WORDS_MAX
from releases.grants import Terms
from releases.models import ReleaseGrant

READ, ANSWER = "requests:read", "requests:answer"
REASON: dict[str, Any] = {"reason": "Training of models for sale is not what experts agreed to."}
api = base.blueprint(
    "answers_api", __name__, "received requests", "Who asks to read your datasets, and your answer"
)


class ReceivedRequest(RequestInfo):
    """A request to read a dataset of yours, and how far its organisation may read by now."""

    organisation_name: str
    may_read: bool = Field(description="Whether it may read the dataset now, in whole or in part")
    until: datetime | None = Field(description="When that right is over; null is for good")
    versions: list[str] | None = Field(description="Which versions; null is all, those to come too")


class ReceivedList(ListAnswer):
    """Some requests."""

    data: list[ReceivedRequest]


class Granting(Sent):
    """On what terms a request is granted."""

    until: date | None = Field(
        None, description="That day included; it ends at midnight, UTC. Null is for good"
    )
    versions: list[str] | None = Field(
        None, min_length=1, max_length=200, description="Null is all, those to come too"
    )


class Refusing(Sent):
    """Why a request is refused."""

    model_config = ConfigDict(json_schema_extra={"examples": [REASON]})

    reason: str = Field(
        min_length=1,
        max_length=WORDS_MAX,
        pattern=r"\S",
        description="The other side reads it, word for word",
    )

    @field_validator("reason")
    @classmethod
    def _stripped(cls, reason: str) -> str:
        return reason.strip()


@api.get(
    "/received-requests",
    responses={200: ReceivedList, **REFUSALS},
    summary="Requests to read your datasets, newest first",
)
@by_token(READ)
def list_received(query: RequestQuery) -> Response:
    """What others have asked of the token's organisations."""
    wanted = _received()
    if query.state is not None:
        wanted = wanted.where(ReleaseRequest.state == query.state)
    if query.dataset is not None:
        wanted = wanted.where(ReleaseRequest.project_id == query.dataset)
    part = base.part(wanted, col(ReleaseRequest.id), query)
    data = [_info(one) for one in part.rows]
    return base.answer(ReceivedList(data=data, next_cursor=part.next_cursor, next=part.next))


@api.get(
    "/received-requests/<int:request_id>",
    responses={200: ReceivedRequest, **REFUSALS},
    summary="One request to read a dataset of yours",
)
@by_token(READ)
def get_received(path: RequestPath) -> Response:
    """Return a request with what came of it."""
    return base.answer(_info(_found(path.request_id)))


@api.post(
    "/received-requests/<int:request_id>/grant",
    responses={200: ReceivedRequest, 409: Problem, **REFUSALS},
    summary="Grant a request",
    description="Its people get a letter. A second time changes nothing, not the terms either.",
)
@by_token(ANSWER)
@base.write
def grant(path: RequestPath, body: Granting) -> Response:
    """Let an organisation read, for good or until a day, all versions or some."""
    found, at = _to_answer(path.request_id), now()
    if body.until is not None:
        grants.check_day(body.until, today=at.date())
    terms = Terms.through(body.until, body.versions or ())
    requests.let_in(db_session(), found, terms, by=_person(), at=at)
    return base.answer(_info(found))


@api.post(
    "/received-requests/<int:request_id>/refuse",
    responses={200: ReceivedRequest, 409: Problem, **REFUSALS},
    summary="Refuse a request",
    description="With a reason that its people read. A second time changes nothing.",
)
@by_token(ANSWER)
@base.write
def refuse(path: RequestPath, body: Refusing) -> Response:
    """Refuse a request; who asked may ask again."""
    found = _to_answer(path.request_id)
    requests.refuse(db_session(), found, body.reason, by=_person(), at=now())
    return base.answer(_info(found))


def _person() -> User:
    """Return whose token it is; organisations hold none that answers."""
    return db_session().get_one(User, g.principal.user_id)


def _received() -> Any:
    mine = tokens.organisation_ids(db_session(), g.principal)
    own = select(Project.id).where(col(Project.organisation_id).in_(mine))
    return select(ReleaseRequest).where(col(ReleaseRequest.project_id).in_(own))


def _found(request_id: int) -> ReleaseRequest:
    """Return a request to the token's organisations; others are not there."""
    wanted = _received().where(ReleaseRequest.id == request_id)
    found: ReleaseRequest | None = (
        db_session().exec(wanted).first() if request_id <= LARGEST_ID else None
    )
    if found is None:
        raise NotFound
    return found


def _to_answer(request_id: int) -> ReleaseRequest:
    """Return a request for the person who answers it, as the pages do: an owner."""
    found = _found(request_id)
    project = db_session().get_one(Project, found.project_id)
    if not permissions.allowed(_person(), "release.build", project):
        raise NotFound
    return found


def _info(one: ReleaseRequest) -> ReceivedRequest:
    session = db_session()
    organisation = session.get_one(Organisation, one.organisation_id)
    held = session.get(ReleaseGrant, (one.project_id, one.organisation_id))
    is_held = held is not None and (held.until is None or held.until > now())
    return ReceivedRequest(
        **dataset_api.told(one, organisation.slug).model_dump(),
        organisation_name=organisation.name,
        may_read=is_held,
        until=held.until if held and is_held else None,
        versions=held.versions if held and is_held else None,
    )
