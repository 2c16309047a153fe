"""Tries are counted before they are looked at: known or not, alone or many at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask_security import hash_password
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import Session, select

from accounts import attempts
from app import create_app
from core import rate_limits
from core.db import Database
from core.models import Letter, RateCount
from core.settings import BadSettings
from tests import clients
from tests.accounts.newcomer import EMAIL, PASSWORD, settled, sign_in
from tests.clients import CheckedClient, shown
from tests.conftest import Live, make_settings
from tests.factories.accounts import make_user

LIMIT = 10


def _wrong(client: CheckedClient, email: str = EMAIL) -> Any:
    return client.post("/sign-in", data={"email": email, "password": "not the right one"})


def test_the_eleventh_try_is_answered_429_and_says_when_to_come_back(
    session: Session, client: CheckedClient
) -> None:
    answers = [_wrong(client) for _ in range(LIMIT + 1)]

    assert [one.status_code for one in answers] == [200] * LIMIT + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 900
    assert "You can try again at" in answers[-1].text
    assert "Nothing was changed" in answers[-1].text


def test_a_known_and_an_unknown_address_are_answered_alike(
    session: Session, client: CheckedClient
) -> None:
    make_user(session, email=EMAIL, password=None)

    known = [_wrong(client).status_code for _ in range(LIMIT + 2)]
    unknown = [_wrong(client, "nobody@example.org").status_code for _ in range(LIMIT + 2)]

    assert known == unknown


@pytest.mark.parametrize(
    "spelt", ["ADA@EXAMPLE.ORG", " ada@example.org ", "ada@ｅｘａｍｐｌｅ.org", "ada@example。org"]
)
def test_other_spellings_of_an_address_count_as_the_same(
    session: Session, client: CheckedClient, spelt: str
) -> None:
    for _ in range(LIMIT):
        _wrong(client)

    assert _wrong(client, spelt).status_code == 429


def test_a_program_reads_the_limit_as_a_problem(client: CheckedClient) -> None:
    for _ in range(LIMIT):
        _wrong(client)

    given = {"email": EMAIL, "password": "x"}
    answer = client.post("/sign-in", data=given, headers={"Accept": "application/json"})

    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert "try again" in answer.json["title"]


def test_the_right_password_does_not_help_once_there_were_too_many(
    session: Session, client: CheckedClient, app: Any
) -> None:
    settled(session, client)
    for _ in range(LIMIT):
        _wrong(client)

    assert sign_in(client).status_code == 429


def test_a_stranger_who_tries_passwords_does_not_keep_the_person_out(
    session: Session, client: CheckedClient, app: Any
) -> None:
    settled(session, client)
    sign_in(client)
    client.post("/sign-out")
    stranger: Any = app.test_client()

    strangers = [_wrong(stranger).status_code for _ in range(LIMIT + 1)]

    assert strangers[-1] == 429
    assert sign_in(client).status_code == 302


def test_a_known_browser_has_a_limit_too(session: Session, client: CheckedClient) -> None:
    settled(session, client)
    sign_in(client)
    client.post("/sign-out")

    assert [_wrong(client).status_code for _ in range(LIMIT + 1)][-1] == 429


def test_a_forged_cookie_makes_no_browser_known(session: Session, client: CheckedClient) -> None:
    client.set_cookie("doyen_known", "WyJhIiwiYiJd.forged")

    assert [_wrong(client).status_code for _ in range(LIMIT + 1)][-1] == 429


def test_signing_in_begins_the_count_anew(session: Session, client: CheckedClient) -> None:
    settled(session, client)
    for _ in range(3):
        for _ in range(LIMIT - 2):
            _wrong(client)
        assert sign_in(client).status_code == 302
        client.post("/sign-out")


def test_the_window_ends_by_itself(session: Session, client: CheckedClient) -> None:
    for _ in range(LIMIT + 1):
        _wrong(client)

    session.execute(text("update rate_count set ends_at = now() - interval '1 second'"))
    session.commit()

    assert _wrong(client).status_code == 200


def test_the_sweep_forgets_windows_that_are_over(
    session: Session, client: CheckedClient, app: Any
) -> None:
    _wrong(client)
    session.execute(text("update rate_count set ends_at = now() - interval '1 second'"))
    session.commit()

    assert rate_limits.sweep() == 2
    assert session.exec(select(RateCount)).all() == []


def test_nobody_can_be_read_from_the_counts(session: Session, client: CheckedClient) -> None:
    _wrong(client)

    assert all(EMAIL not in row.key for row in session.exec(select(RateCount)))


def test_many_wrong_sign_ins_at_once_are_no_more_than_the_limit(live: Live) -> None:
    strangers = [live.client() for _ in range(24)]

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda client: _wrong(client).status_code, strangers))

    assert codes.count(200) == LIMIT
    assert codes.count(429) == len(strangers) - LIMIT


def test_many_codes_at_once_are_no_more_than_the_limit(live: Live) -> None:
    strangers = [live.client() for _ in range(20)]
    for client in strangers:
        with client.session_transaction() as cookie:
            cookie.update(tf_user_id="somebody", tf_state="ready")

    def guess(client: CheckedClient) -> int:
        return int(client.post("/two-factor/recovery", data={"code": "0000-0000"}).status_code)

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(guess, strangers))

    assert codes.count(429) == len(strangers) - LIMIT


def test_letters_to_one_address_are_few(session: Session, client: CheckedClient, jobs: Any) -> None:
    make_user(session, email=EMAIL)

    answers = [
        client.post(path, data={"email": EMAIL}).status_code
        for path in ("/recover", "/confirm") * 3
    ]
    jobs()

    assert answers == [200] * 5 + [429]
    assert len(session.exec(select(Letter).where(Letter.address == EMAIL)).all()) == 3


def test_bad_tokens_are_counted_by_network_and_good_ones_are_not(
    session: Session, client: CheckedClient, app: Any
) -> None:
    bad = {"Authorization": "Bearer dy_wrong"}
    codes = [client.get("/api/v1/releases", headers=bad).status_code for _ in range(62)]

    assert codes[:60] == [401] * 60
    assert codes[60:] == [429] * 2


def test_each_guarded_address_is_one_of_ours(worker_app: Any) -> None:
    assert set(attempts.GUARDED) <= set(worker_app.view_functions)


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        (None, "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_an_address_is_counted_as_its_network(address: str | None, counted_as: str) -> None:
    assert rate_limits.network(address) == counted_as


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate_limits": {"sign_ins": "1 per day"}}, "no limit is called sign_ins"),
        ({"rate_limits": {"sign_in_account": "often"}}, "sign_in_account"),
        ({"rate_limit_url": SecretStr("memcached://x")}, "RATE_LIMIT_URL"),
    ],
)
def test_wrong_settings_are_named_at_start(
    engine: Any, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadSettings, match=words):
        create_app(make_settings(tmp_path, **changes), Database(engine))


def test_redis_without_its_library_is_said_at_start(
    engine: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    pytest.importorskip("limits")
    try:
        import redis  # noqa: F401

        pytest.skip("the library is installed")
    except ImportError:
        pass
    settings = make_settings(tmp_path, rate_limit_url=SecretStr("redis://127.0.0.1:1/0"))

    with pytest.raises(BadSettings, match="redis"):
        create_app(settings, Database(engine))


def test_a_setting_changes_a_number(live: Live, tmp_path: Path) -> None:
    settings = make_settings(tmp_path, rate_limits={"sign_in_account": "2 per hour"})
    app = create_app(settings, Database(live.engine))
    app.config["TESTING"] = True
    clients.use_in(app)
    client: Any = app.test_client()

    assert [_wrong(client).status_code for _ in range(3)] == [200, 200, 429]


def test_as_much_is_hashed_for_an_unknown_address_as_for_a_known_one(
    session: Session, client: CheckedClient, monkeypatch: Any
) -> None:
    make_user(session, email=EMAIL, password=hash_password(PASSWORD))
    work: list[str] = []
    monkeypatch.setattr("flask_security.forms.hash_password", lambda word: work.append("hash"))
    monkeypatch.setattr(
        "flask_security.core.verify_and_update_password",
        lambda *_given: bool(work.append("hash")),
        raising=False,
    )

    known = _wrong(client)
    of_known, _ = list(work), work.clear()
    unknown = _wrong(client, "nobody@example.org")

    assert of_known == work == ["hash"]
    assert shown(known.text, EMAIL) == shown(unknown.text, "nobody@example.org")


@pytest.mark.parametrize("path", ["/recover", "/confirm"])
def test_a_letter_is_one_job_whoever_is_asked_for(
    session: Session, client: CheckedClient, path: str
) -> None:
    make_user(session, email=EMAIL)

    def work(email: str) -> tuple[int, int, str]:
        page = client.post(path, data={"email": email}).text
        jobs = session.execute(text("select count(*) from procrastinate_jobs")).scalar_one()
        return jobs, len(session.exec(select(Letter)).all()), shown(page, email)

    first = work(EMAIL)
    second = work("nobody@example.org")

    assert (first[0], second[0]) == (1, 2)
    assert first[1:] == second[1:]


def test_a_window_is_not_longer_for_those_who_go_on_trying(
    session: Session, client: CheckedClient
) -> None:
    _wrong(client)
    before = {row.key: row.ends_at for row in session.exec(select(RateCount))}
    for _ in range(LIMIT + 3):
        _wrong(client)
    session.expire_all()

    after = {row.key: row.ends_at for row in session.exec(select(RateCount))}
    assert all(after[key] - at < timedelta(seconds=1) for key, at in before.items())
