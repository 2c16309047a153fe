"""The operator reads the audit trail in words, and reading what is another's leaves a row."""

import ast
import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlmodel import Session, col, select

from app import PACKAGES
from core import audit
from core.clock import now
from core.models import AuditEvent, Letter
from tests.conftest import Live
from tests.core.test_seals import AS_MASTER
from tests.database import ROOT
from tests.factories.accounts import make_user
from tests.factories.experts import make_expert
from tests.factories.interviews import make_interview


def test_acts_rows_and_people_are_told_in_words(session: Session, sign_in: Any) -> None:
    operator = make_user(session, "operator", name="Ada \u202e evil")
    expert = make_expert(session)
    interview = make_interview(session)
    audit.record(session, "payout.sent", by=None, subject="payout:12")
    audit.record(session, "interview.passed", by=operator.id, subject=f"interview:{interview.id}")
    audit.record(session, "profile.changed", by=expert.user_id, subject=f"expert:{expert.user_id}")
    audit.record(session, "nobody.named", by=10_000_000, subject="thing:5")
    session.flush()

    page = sign_in(operator).get("/operator/audit").text

    assert "Payout sent" in page
    assert "the instance itself" in page
    assert f'href="/operator/interviews/{interview.id}"' in page
    assert f"<bdi>Expert {expert.pseudonym}</bdi>" in page
    assert "<bdi>Ada \u202e evil</bdi>" in page
    assert "Person 10000000" in page
    assert "nobody.named" in page
    assert "thing:5" in page


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("person={expert}", {"a"}),
        ("person={pseudonym}", {"a"}),
        ("person={email}", {"a"}),
        ("person=nobody@example.org", set()),
        ("act=payout.sent", {"b"}),
        ("row=payout:12", {"b"}),
        ("row=payout", {"b", "c"}),
        ("row=payout:1", set()),
        ("address=192.0.2.", {"c"}),
        ("since={today}&until={today}", {"a", "b", "c"}),
        ("until={yesterday}", {"old"}),
        ("until=9999-12-31", set()),  # not read, and said so
        ("since=0001-01-01&until=9999-12-30", {"a", "b", "c", "d", "old"}),
        ("since=nonsense&row=payout", set()),
        ("row=person:7", {"d"}),
        ("row=Person 7", {"d"}),
        ("row=user:7", {"d"}),
        ("person=Person {expert}", {"a"}),
    ],
)
def test_the_filters_choose_rows_and_the_csv_has_the_same(
    session: Session, sign_in: Any, asked: str, seen: set[str]
) -> None:
    session.execute(text(AS_MASTER))
    session.execute(text("delete from audit_event"))
    operator = make_user(session, "operator")
    expert = make_expert(session)
    email = session.get_one(type(operator), expert.user_id).email
    at = now().replace(hour=12)
    for name, values in {
        "a": {"by_user_id": expert.user_id, "action": "profile.changed", "subject": "expert:1"},
        "b": {"action": "payout.sent", "subject": "payout:12"},
        "c": {"action": "payout.paid", "subject": "payout:121", "address": "192.0.2.7"},
        "d": {"action": "y.z", "subject": "user:7", "at": at + timedelta(days=1)},
        "old": {"action": "x.y", "subject": "x:1", "at": at - timedelta(days=2)},
    }.items():
        session.add(AuditEvent(**({"at": at, "details": {"name": f"<{name}>"}} | values)))
    session.flush()
    session.execute(text("delete from audit_event where action = 'account.registered'"))
    asked = asked.format(
        expert=expert.user_id,
        pseudonym=expert.pseudonym,
        email=email,
        today=at.date(),
        yesterday=at.date() - timedelta(days=1),
    )
    client = sign_in(operator)

    page = client.get(f"/operator/audit?{asked}").text
    table = list(csv.DictReader(io.StringIO(client.get(f"/operator/audit.csv?{asked}").text)))

    names = {"a", "b", "c", "d", "old"}
    assert {name for name in names if f"&lt;{name}&gt;" in page} == seen
    told = " ".join(row["details"] for row in table)
    assert {name for name in names if f"<{name}>" in told} == seen
    assert email not in told


def test_the_second_page_keeps_the_filters(session: Session, sign_in: Any) -> None:
    for number in range(60):
        audit.record(session, "payout.sent", by=None, subject="payout:12", details={"n": number})
    session.flush()
    client = sign_in(make_user(session, "operator"))

    first = client.get("/operator/audit?row=payout:12").text
    second = client.get("/operator/audit?row=payout:12&page=2").text

    assert "row=payout:12&amp;page=2" in first.replace("%3A", ":") or "page=2" in first
    assert "<bdi>0</bdi>" in second
    assert "<bdi>59</bdi>" in first


def test_a_cell_that_a_spreadsheet_would_run_is_text(session: Session, sign_in: Any) -> None:
    audit.record(session, "x.y", by=None, subject="=1+1", details={})
    session.flush()
    client = sign_in(make_user(session, "operator"))

    [row] = csv.DictReader(io.StringIO(client.get("/operator/audit.csv?act=x.y").text))

    assert row["row"] == "'=1+1"


def test_a_transcript_that_an_operator_opens_is_noted_once_for_some_minutes(
    session: Session, sign_in: Any
) -> None:
    interview = make_interview(session)
    first, second = make_user(session, "operator"), make_user(session, "operator")
    session.flush()

    for _ in range(3):
        sign_in(first).get(f"/operator/interviews/{interview.id}")
    sign_in(second).get(f"/operator/interviews/{interview.id}")

    rows = _readings(session, "interview.read")
    assert [row.by_user_id for row in rows] == [first.id, second.id]
    assert rows[0].subject == f"interview:{interview.id}"
    assert rows[0].details == {"of": interview.expert_id}
    assert rows[0].address == "127.0.0.1"


def test_the_same_reading_later_is_noted_again(session: Session, app: Flask) -> None:
    audit.record_reading("interview.read", by=1, subject="interview:5", of=2)
    session.execute(text(AS_MASTER))
    session.execute(text("update audit_event set at = at - interval '11 minutes'"))
    session.commit()
    audit.record_reading("interview.read", by=1, subject="interview:5", of=2)

    assert len(_readings(session, "interview.read")) == 2


def test_reading_ones_own_is_noted_nowhere(session: Session, app: Flask) -> None:
    audit.record_reading("interview.read", by=2, subject="interview:5", of=2)
    audit.record_reading("interview.read", by=None, subject="interview:5", of=2)

    assert _readings(session, "interview.read") == []


def test_many_tabs_that_open_at_once_are_one_reading(live: Live) -> None:

    def look(_number: int) -> None:
        with live.app.app_context():
            audit.record_reading("interview.read", by=1, subject="interview:5", of=2)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(16)))

    with live.transaction() as session:
        assert len(_readings(session, "interview.read")) == 1


def test_lists_of_people_and_letters_that_an_operator_opens_are_noted_with_ids_only(
    session: Session, sign_in: Any
) -> None:
    operator = make_user(session, "operator")
    other = make_user(session, name="Grace Hopper")
    letter = Letter(
        user_id=other.id,
        address=other.email,
        language="en",
        template="x",
        subject="Hello",
        body="Words",
        written_at=now(),
    )
    session.add(letter)
    session.flush()
    client = sign_in(operator)

    client.get("/operator/people?q=Grace")
    client.get(f"/letters/{letter.id}")

    [people], [read] = _readings(session, "people.read"), _readings(session, "letter.read")
    assert people.details == {"people": [other.id]}
    assert (read.subject, read.details) == (f"letter:{letter.id}", {"of": other.id})
    assert "Grace" not in str(people) + str(read)


def test_an_operator_who_opens_a_persons_pages_leaves_a_row(session: Session, sign_in: Any) -> None:
    operator, expert = make_user(session, "operator"), make_expert(session)
    session.commit()
    client = sign_in(operator)

    for path in ("experts", "money/experts"):
        assert client.get(f"/operator/{path}/{expert.user_id}").status_code == 200

    rows = session.exec(select(AuditEvent).where(AuditEvent.by_user_id == operator.id)).all()
    assert {row.action for row in rows} == {"expert.read", "money.read"}
    assert {row.details["of"] for row in rows} == {expert.user_id}


def test_only_operators_open_the_audit_trail(session: Session, sign_in: Any, client: Any) -> None:
    for path in ("/operator/audit", "/operator/audit.csv"):
        assert sign_in(make_user(session, "expert", "owner")).get(path).status_code == 403
        assert client.get(path).status_code == 302


def test_every_act_that_the_code_records_has_words(worker_app: Flask) -> None:
    known = set(worker_app.extensions["doyen.audit_words"].actions)

    lacking = {
        f"{where}: {act}" for where, act, whole in _acts() if not _is_known(act, whole, known)
    }

    assert not lacking, f"add words to ACTIONS in the package's audit_words.py for {lacking}"


def test_every_kind_of_row_that_the_code_records_has_words(worker_app: Flask) -> None:
    rows = worker_app.extensions["doyen.audit_words"].rows
    kinds = {kind for kind in _kinds() if kind not in rows}

    assert not kinds, f"add words to ROWS in the package's audit_words.py for {kinds}"


def _acts() -> Iterator[tuple[str, str, bool]]:
    """Each act in the source, as (file, act or its beginning, whether it is whole)."""
    for where, call in _calls():
        for argument in [*call.args, *(word.value for word in call.keywords)]:
            nodes = list(ast.walk(argument))
            parts = {
                id(part) for one in nodes if isinstance(one, ast.JoinedStr) for part in one.values
            }
            for node in nodes:
                if isinstance(node, ast.Constant) and id(node) not in parts and _is_act(node.value):
                    yield where, node.value, True
                if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                    start = str(node.values[0].value)
                    if "." in start and ":" not in start:
                        yield where, start, False


def _kinds() -> Iterator[str]:
    for _where, call in _calls():
        for word in call.keywords:
            if word.arg == "subject" and isinstance(word.value, ast.JoinedStr):
                yield str(getattr(word.value.values[0], "value", "")).rstrip(":")


def _calls() -> Iterator[tuple[str, ast.Call]]:
    for package in ("core", *PACKAGES):
        for file in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                    ("audit.record", "audit.record_reading", "_record", "_change")
                ):
                    yield str(file.relative_to(ROOT)), node


def _is_act(value: Any) -> bool:
    parts = value.split(".") if isinstance(value, str) else []
    return len(parts) == 2 and all(part.isidentifier() and part.islower() for part in parts)


def _is_known(act: str, whole: bool, known: set[str]) -> bool:
    return act in known if whole else any(one.startswith(act) for one in known)


def _readings(session: Session, action: str) -> list[AuditEvent]:
    session.expire_all()
    query = select(AuditEvent).where(AuditEvent.action == action).order_by(col(AuditEvent.id))
    return list(session.exec(query))
