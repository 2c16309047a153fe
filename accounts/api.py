"""The API of accounts: whom a token speaks for, one's own decisions, tokens."""

from datetime import datetime
from typing import Any

from flask import Response, g
from pydantic import BaseModel, Field
from sqlmodel import col

from accounts import appeals, decision_words, decisions, tokens, webhook_api
from accounts.models import ApiToken, Appeal, Decision, DecisionKind, Organisation, TokenKind, User
from accounts.tokens import Principal
from core import api as base
from core.access import by_token
from core.api import LARGEST_ID, ListAnswer, ListQuery, Problem
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.languages import choose
from core.settings import current_settings

api = base.blueprint("accounts_api", __name__, "account", "Whom a token speaks for")
MORE_APIS = (webhook_api.api,)


class Me(BaseModel):
    """Whom a token speaks for, and what it may do."""

    kind: TokenKind
    name: str = Field(description="The person's or the organisation's")
    organisation: str | None = Field(
        description="The organisation's name in addresses; none for a person"
    )
    scopes: list[str]
    expires_at: datetime


class DecisionInfo(BaseModel):
    """A decision about you."""

    id: int
    kind: DecisionKind
    title: str
    decided_at: datetime
    adverse: bool
    in_force: bool = Field(description="False once it was changed on appeal or ended by itself")
    contest_until: datetime | None
    appeal: str | None = Field(description="How far your appeal is, where you made one")
    url: str = Field(description="Its page, with the button to contest it")


class EvidenceInfo(BaseModel):
    """One thing that a decision rests on."""

    words: str
    quote: str
    url: str | None


class DecisionDetails(DecisionInfo):
    """A decision about you with its reasons."""

    decided: str = Field(description="What it does, and what it does not touch")
    reason_code: str
    reason: str
    evidence: list[EvidenceInfo]
    decided_by: str = Field(description="A person by their number, or a rule with its version")
    would_change: str


class DecisionList(ListAnswer):
    """Some decisions about you."""

    data: list[DecisionInfo]


class TokenInfo(BaseModel):
    """A token, without its secret."""

    id: int
    name: str
    begins_with: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    current: bool = Field(description="Whether it is the one that asks")


class TokenList(ListAnswer):
    """Some tokens."""

    data: list[TokenInfo]


class DecisionPath(BaseModel):
    """A decision by its number."""

    decision_id: int


class TokenPath(BaseModel):
    """A token by its number."""

    token_id: int


ERRORS: dict[Any, Any] = {422: Problem}


@api.get("/me", responses={200: Me, **ERRORS}, summary="Whom the token speaks for")
@by_token("")
def me() -> Response:
    """Any token may ask."""
    principal = _principal()
    token = find(ApiToken, principal.token_id)
    organisation = None
    if principal.organisation_id is not None:
        organisation = find(Organisation, principal.organisation_id)
    name = organisation.name if organisation else find(User, principal.user_id).name
    return base.answer(
        Me(
            kind=principal.kind,
            name=name,
            organisation=organisation.slug if organisation else None,
            scopes=sorted(principal.scopes),
            expires_at=token.expires_at,
        )
    )


@api.get(
    "/decisions",
    responses={200: DecisionList, **ERRORS},
    summary="Decisions about you, newest first",
)
@by_token("account:read")
def list_decisions(query: ListQuery) -> Response:
    """Every decision against you, and every one that a rule took alone."""
    part = base.part(decisions.about_person(_person_id()), col(Decision.id), query)
    against = appeals.against(db_session(), part.rows)
    data = [_decision(one, against.get(one.key)) for one in part.rows]
    return base.answer(DecisionList(data=data, next_cursor=part.next_cursor, next=part.next))


@api.get(
    "/decisions/<int:decision_id>",
    responses={200: DecisionDetails, **ERRORS},
    summary="One decision about you",
)
@by_token("account:read")
def get_decision(path: DecisionPath) -> Response:
    """All that its page shows: why, on what evidence, who decided, what would have changed it."""
    found = find(Decision, path.decision_id) if path.decision_id < 2**63 else None
    if found is None or found.person_id != _person_id():
        raise NotFound
    return base.answer(
        DecisionDetails(
            **_decision(found, appeals.of(db_session(), found.key)).model_dump(),
            decided=str(decision_words.KINDS[found.kind].does),
            reason_code=found.reason_code,
            reason=_said(found.reason_words),
            evidence=[_evidence(one) for one in found.evidence],
            decided_by=str(decision_words.who(found)),
            would_change=_said(found.would_change),
        )
    )


@api.get(
    "/tokens",
    responses={200: TokenList, **ERRORS},
    summary="Tokens that speak for the same",
)
@by_token("tokens:read")
def list_tokens(query: ListQuery) -> Response:
    """Those of the person, or of the organisation, whom this token speaks for; newest first."""
    part = base.part(tokens.of_holder(_principal()), col(ApiToken.id), query)
    data = [_token(one) for one in part.rows]
    return base.answer(TokenList(data=data, next_cursor=part.next_cursor, next=part.next))


@api.delete("/tokens/<int:token_id>", responses={204: None, **ERRORS}, summary="End a token")
@by_token("tokens:write")
@base.write
def end_token(path: TokenPath) -> Response:
    """It is refused from now on. A token may end itself; ending it twice changes nothing."""
    wanted = tokens.of_holder(_principal()).where(ApiToken.id == path.token_id)
    if path.token_id > LARGEST_ID:
        raise NotFound
    found = db_session().exec(wanted.with_for_update()).first()
    if found is None:
        raise NotFound
    tokens.revoke(db_session(), found, by=_principal().user_id, at=now())
    return base.nothing()


def _principal() -> Principal:
    principal: Principal = g.principal
    return principal


def _person_id() -> int:
    user_id = _principal().user_id
    if user_id is None:
        raise NotFound
    return user_id


def _decision(one: Decision, appeal: Appeal | None) -> DecisionInfo:
    return DecisionInfo(
        id=one.key,
        kind=one.kind,
        title=_said(one.title),
        decided_at=one.decided_at,
        adverse=one.is_adverse,
        in_force=appeals.is_in_force(db_session(), one, appeal),
        contest_until=one.contest_until,
        appeal=appeal.shown if appeal else None,
        url=f"{current_settings().public_url}/decisions/{one.key}",
    )


def _evidence(one: dict[str, Any]) -> EvidenceInfo:
    path = one.get("path")
    url = f"{current_settings().public_url}{path}" if path else None
    return EvidenceInfo(words=_said(one["words"]), quote=one.get("quote", ""), url=url)


def _said(words: dict[str, str]) -> str:
    return decisions.in_language(words, choose())[0]


def _token(one: ApiToken) -> TokenInfo:
    return TokenInfo(
        id=one.id or 0,
        name=one.name,
        begins_with=one.shown,
        scopes=[str(scope) for scope in one.scopes],
        created_at=one.created_at,
        expires_at=one.expires_at,
        last_used_at=one.last_used_at,
        revoked_at=one.revoked_at,
        current=one.id == _principal().token_id,
    )
