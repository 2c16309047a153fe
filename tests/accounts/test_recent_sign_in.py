"""Money, tokens and protection ask for the password again, and lose nothing that was typed."""

import re
import time
from typing import Any

import pytest
from flask_security import hash_password
from sqlmodel import Session, select

from accounts.models import ApiToken
from payouts.models import Rhythm
from tests.accounts.newcomer import PASSWORD
from tests.clients import CheckedClient
from tests.factories.accounts import make_organisation, make_owner, make_user

# Flask-Security's own form still writes its choices as tuples.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")


def _late(client: CheckedClient) -> CheckedClient:
    with client.session_transaction() as cookie:
        cookie["fs_paa"] = time.time() - 16 * 60
    return client


def _fields(page: str) -> dict[str, str]:
    form = page[page.index('method="post" action="/tokens"') :]
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: value for name, value in hidden if name != "csrf_token"}


@pytest.fixture
def late(session: Session, sign_in: Any) -> Any:
    """An owner who signed in a while ago, and the organisation."""
    owner, organisation = make_owner(session)
    owner.password = hash_password(PASSWORD)
    session.commit()
    return _late(sign_in(owner)), organisation


TOKEN = {"name": "training pipeline", "scopes": "releases:read", "days": "90"}


def test_a_late_form_is_kept_and_goes_on_with_the_password(session: Session, late: Any) -> None:
    client, organisation = late
    given = TOKEN | {"organisation": str(organisation.id)}

    asked = client.post("/tokens", data=given)
    kept = _fields(asked.text)
    none_yet = session.exec(select(ApiToken)).first()
    done = client.post("/tokens", data=kept | {"confirm_with_password": PASSWORD})

    assert asked.status_code == 422
    assert none_yet is None
    assert kept == given
    assert done.status_code == 200
    assert session.exec(select(ApiToken)).one().name == "training pipeline"


def test_a_wrong_password_does_nothing_and_keeps_the_form(session: Session, late: Any) -> None:
    client, organisation = late
    given = TOKEN | {"organisation": str(organisation.id)}

    answer = client.post("/tokens", data=given | {"confirm_with_password": "not this one"})

    assert "This is not your password" in answer.text
    assert _fields(answer.text) == given
    assert "not this one" not in answer.text
    assert session.exec(select(ApiToken)).first() is None


def test_the_password_can_be_tried_ten_times(session: Session, late: Any) -> None:
    client, _ = late

    codes = [
        client.post("/tokens", data=TOKEN | {"confirm_with_password": "no"}).status_code
        for _ in range(11)
    ]

    assert codes == [422] * 10 + [429]


def test_markup_in_a_kept_field_stays_text(late: Any) -> None:
    client, _ = late

    page = client.post("/tokens", data=TOKEN | {"name": '"><script>alert(1)</script>'}).text

    assert "<script>alert" not in page


def test_a_page_that_is_opened_late_leads_to_the_password_and_back(
    session: Session, sign_in: Any
) -> None:
    expert = make_user(session, "expert", password=hash_password(PASSWORD))
    session.commit()
    client = _late(sign_in(expert))

    asked = client.get("/account/two-factor")
    sent = client.post(asked.location, data={"password": PASSWORD})

    assert asked.location.startswith("/verify?next=")
    assert sent.status_code == 302
    assert sent.location.endswith("/account/two-factor")
    assert client.get("/account/two-factor").status_code == 200


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_the_way_back_never_leads_away(session: Session, sign_in: Any, away: str) -> None:
    expert = make_user(session, "expert", password=hash_password(PASSWORD))
    session.commit()
    client = _late(sign_in(expert))

    sent = client.post(
        "/verify", query_string={"next": away}, data={"password": PASSWORD, "next": away}
    )

    assert sent.status_code == 302
    assert re.match(r"/[^/\\]", sent.location)


def test_a_program_is_told_so(late: Any) -> None:
    client, _ = late

    answer = client.post("/tokens", data=TOKEN, headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"


def test_an_experts_rhythm_of_pay_asks_again(session: Session, sign_in: Any) -> None:
    client = _late(sign_in(make_user(session, "expert")))

    answer = client.post("/earnings/rhythm", data={"rhythm": next(iter(Rhythm)).value})

    assert answer.status_code == 422
    assert "Confirm that it is you" in answer.text


def test_who_may_not_is_refused_before_being_asked(session: Session, sign_in: Any) -> None:
    make_organisation(session)
    client = _late(sign_in(make_user(session, "expert")))

    assert client.post("/operator/money/experts/1/withhold").status_code == 403
