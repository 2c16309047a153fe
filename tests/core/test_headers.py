"""Every page of the URL map, for a stranger and for everybody else: the headers that guard."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature
from sqlmodel import Session

from app import create_app
from core.db import Database
from tests.conftest import make_settings
from tests.factories.accounts import make_member, make_organisation, make_user

EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}
# Flask-Security's own form still writes its choices as tuples.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")


def _addresses(app: Flask) -> list[tuple[str, str]]:
    return [
        (rule.endpoint, rule.rule)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments
    ]


def _lacks(response: Any, *, signed_in: bool, endpoint: str) -> list[str]:
    headers = response.headers
    policy = headers.get("Content-Security-Policy", "")
    wrong = [name for name, value in EXPECTED.items() if headers.get(name) != value]
    if "default-src 'none'" not in policy or "frame-ancestors" not in policy:
        wrong.append("Content-Security-Policy")
    if "unsafe-inline" in policy or "unsafe-eval" in policy:
        wrong.append("an unsafe policy")
    if "camera=()" not in headers.get("Permissions-Policy", ""):
        wrong.append("Permissions-Policy")
    private = headers.get("Cache-Control", "")
    if signed_in and response.mimetype == "text/html" and "no-store" not in private:
        wrong.append(f"Cache-Control: {private}")
    # The editor stands in a sandbox of its own, with a policy that annotation's tests hold.
    allowed = {"Referrer-Policy", "an unsafe policy"} if endpoint == "editor.frame" else set()
    return [f"{endpoint}: {one}" for one in wrong if one not in allowed]


def test_every_page_carries_the_headers_that_guard_it(
    session: Session, app: Flask, sign_in: Any
) -> None:
    owner = make_member(session, make_organisation(session))
    people = [None, owner, make_user(session, "expert"), make_user(session, "operator")]
    lacking: list[str] = []
    for person in people:
        client: Any = sign_in(person) if person is not None else app.test_client()
        for endpoint, path in _addresses(app):
            if endpoint.startswith("security.") and person is not None and "sign-out" in path:
                continue
            response = client.get(path)
            response.get_data()
            response.close()
            lacking += _lacks(response, signed_in=person is not None, endpoint=endpoint)
    assert sorted(set(lacking)) == []


def test_an_error_page_carries_them_too(client: Any) -> None:
    assert _lacks(client.get("/no-such-page"), signed_in=True, endpoint="404") == []


def test_over_https_alone_browsers_are_told_so_and_the_cookie_is_of_this_host(
    session: Session, engine: Any, tmp_path: Path
) -> None:
    app = create_app(make_settings(tmp_path, cookie_secure=True), Database(engine))
    answer = app.test_client().get("/sign-in")

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-doyen=")
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie


def test_without_https_no_browser_is_locked_into_it(client: Any) -> None:
    assert "Strict-Transport-Security" not in client.get("/sign-in").headers


def test_a_host_that_is_not_ours_is_refused(client: Any) -> None:
    answer = client.post("/recover", data={"email": "a@b.example"}, base_url="http://evil.example")

    assert answer.status_code == 400


def test_a_session_is_signed_as_flask_signs_it(app):
    ours, theirs = app.session_interface, SecureCookieSessionInterface()
    kept = {"sid": "secret"}

    assert (
        theirs.get_signing_serializer(app).loads(ours.get_signing_serializer(app).dumps(kept))
        == kept
    )
    signed = theirs.get_signing_serializer(app).dumps(kept)
    assert ours.get_signing_serializer(app).loads(signed, max_age=9) == kept
    with pytest.raises(BadSignature):
        ours.get_signing_serializer(app).loads(signed[:-3] + "AAA")
