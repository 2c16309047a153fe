"""Every address of the API against its own description, with all checks of schemathesis.

Data that fits and data that does not, with a token and without. Each request is undone, so that all
of them meet the same rows.
"""

import gc
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from schemathesis.generation import GenerationMode
from sqlalchemy.engine import Engine

from accounts.models import OrganisationKind, TokenKind, User
from accounts.webhook_sender import HttpSender
from annotation.models import State
from core.ports import Ports
from tests.api.conftest import every_scope
from tests.factories.accounts import make_member, make_organisation
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.catalogue import make_request, make_series
from tests.factories.releases import build_release, make_work
from tests.factories.tokens import make_token
from tests.factories.webhooks import make_delivery, make_endpoint

EXAMPLES = 12
pytestmark = [
    pytest.mark.timeout(600),
    # They share the rows of `world`, and count together what was tried.
    pytest.mark.xdist_group("api_contract"),
    # schemathesis reads the files of a release and leaves them to be closed by themselves.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _files_closed() -> Iterator[None]:
    """Let what schemathesis left open be closed here, and not in the middle of another test."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def world(worker_app: Flask, engine: Engine) -> Iterator[dict[str, Any]]:
    """Rows of an owner's organisation and of an expert, and a token of each."""
    known = worker_app.extensions["doyen.db"]
    ports: Ports = worker_app.extensions["doyen.ports"]
    anywhere = HttpSender([ip_network("127.0.0.0/8")], resolve=lambda _h, _p: ["127.0.0.1"])
    worker_app.extensions["doyen.ports"] = replace(ports, webhooks=anywhere)
    with engine.connect() as connection:
        outer = connection.begin()
        known.make_session.configure(bind=connection, join_transaction_mode="create_savepoint")
        with worker_app.app_context():
            made = _rows(worker_app, known.make_session())
        yield made | {"connection": connection, "done": set()}
        known.make_session.configure(bind=engine, join_transaction_mode="conditional_savepoint")
        outer.rollback()
    worker_app.extensions["doyen.ports"] = ports


def _rows(app: Flask, session: Any) -> dict[str, Any]:
    desk = make_work(session, tasks=6)
    release = build_release(app, session, desk)
    expert = session.get_one(User, desk.experts[0].user_id)
    refused = make_assignment(session, desk.project, expert=desk.experts[0], state=State.REJECTED)
    for _ in range(2):
        endpoint = make_endpoint(session, desk.organisation)
        delivery = make_delivery(session, endpoint)
    token, _secret = make_token(session, desk.owner, desk.organisation)
    team = make_organisation(session, kind=OrganisationKind.ML_TEAM)
    asker = make_member(session, team)
    make_token(session, asker, team)
    make_series(session, desk)
    other = make_desk(session)
    make_series(session, other)
    bearers = {
        TokenKind.ORGANISATION: make_token(
            session,
            desk.owner,
            desk.organisation,
            scopes=every_scope(TokenKind.ORGANISATION),
        )[1],
        TokenKind.PERSONAL: make_token(session, expert, scopes=every_scope(TokenKind.PERSONAL))[1],
    }
    rows = {
        "release_id": release.id,
        "dataset_id": desk.project_id,
        "request_id": make_request(session, other, team, asked_by=asker.id).id,
        "path": "README.md",
        "decision_id": refused.decision_id,
        "token_id": token.id,
        "webhook_id": endpoint.id,
        "delivery_id": delivery.id,
    }
    asking = make_token(session, asker, scopes=every_scope(TokenKind.PERSONAL))[1]
    asked = make_token(session, other.owner, scopes=every_scope(TokenKind.PERSONAL))[1]
    session.commit()
    session.close()
    return {"bearers": bearers, "asker": asking, "asked": asked, "rows": rows}


@pytest.fixture(scope="module")
def api_schema(worker_app: Flask, world: dict[str, Any]) -> Any:
    """The description, as a program loads it."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", worker_app)
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    return schema


schema = schemathesis.pytest.from_fixture("api_schema")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_address_keeps_to_the_description(case: Any, world: dict[str, Any]) -> None:
    kind = TokenKind.PERSONAL if "/decisions" in case.path else TokenKind.ORGANISATION
    bearer = world["asker"] if "requests" in case.path else world["bearers"][kind]
    if case.path.startswith("/received-requests"):
        bearer = world["asked"]
    if case.meta.generation.mode.is_positive:
        # What a description cannot say: which rows there are, and which cursors were signed.
        case.path_parameters = {name: world["rows"][name] for name in case.path_parameters or {}}
        case.query = {k: v for k, v in (case.query or {}).items() if k != "cursor"}
        if case.path.endswith("/requests"):
            case.body |= {"licence": "cc-by-4.0", "organisation": None}
        if case.path.endswith("/grant"):
            case.body = {}  # versions that there are, and days to come
    with world["connection"].begin_nested() as savepoint:
        headers = {"Authorization": f"Bearer {bearer}"}
        response = case.call_and_validate(headers=headers)
        savepoint.rollback()
    if response.status_code < 300:
        world["done"].add(case.operation.label)


def test_every_address_did_what_it_is_for(world: dict[str, Any], api_schema: Any) -> None:
    described = {one.ok().label for one in api_schema.get_all_operations()}

    assert world["done"] == described


@schema.parametrize()
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_without_a_token_nothing_is_said(case: Any, world: dict[str, Any]) -> None:
    with world["connection"].begin_nested() as savepoint:
        response = case.call(headers={"Authorization": ""})
        savepoint.rollback()

    assert response.status_code in (401, 404, 405)
    if response.status_code == 401:
        assert response.headers["content-type"] == ["application/problem+json"]
