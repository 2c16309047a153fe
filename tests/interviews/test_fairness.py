"""What people declare stays apart; the report counts it, and the public summary hides few."""

import ast
import csv
import io
import re
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlmodel import Session, select

from app import PACKAGES
from core.clock import now
from core.models import AuditEvent
from experts.fields import Field
from interviews import fairness
from interviews.fairness import Period
from interviews.models import Ethnicity, Interview, SelfDeclaration, Sex, State
from tests.database import ROOT
from tests.factories.accounts import make_user
from tests.factories.interviews import answer_all, make_interview, right, unknown

# What may know of declarations: the report, its edges, and what exports or erases all of a person.
MAY_KNOW = re.compile(r"interviews/(fairness(_\w+)?|models|personal_data|routes|system_card)\.py")


def test_a_person_declares_changes_and_erases(session: Session, sign_in: Any) -> None:
    user = make_user(session, "expert")
    client = sign_in(user)

    client.post("/account/fair-hiring", data={"sex": "female", "ethnicity": "asian"})
    client.post("/account/fair-hiring", data={"sex": "female", "ethnicity": "asian"})
    page = client.get("/account/fair-hiring").text
    session.expire_all()
    said = session.get_one(SelfDeclaration, user.id)
    assert (said.sex, said.ethnicity) == (Sex.FEMALE, Ethnicity.ASIAN)
    assert re.search(r'checked[^>]*value="asian"|value="asian"[^>]*checked', page)

    client.post("/account/fair-hiring", data={"sex": "not_said", "ethnicity": ""})
    session.expire_all()
    said = session.get_one(SelfDeclaration, user.id)
    assert (said.sex, said.ethnicity) == (Sex.NOT_SAID, None)

    client.post("/account/fair-hiring/erase")
    client.post("/account/fair-hiring/erase")
    session.expire_all()
    assert session.get(SelfDeclaration, user.id) is None


def test_declaring_nothing_keeps_nothing(session: Session, sign_in: Any) -> None:
    user = make_user(session, "expert")
    client = sign_in(user)
    client.post("/account/fair-hiring", data={"sex": "male"})

    client.post("/account/fair-hiring", data={"sex": "", "ethnicity": ""})

    session.expire_all()
    assert session.get(SelfDeclaration, user.id) is None
    assert client.post("/account/fair-hiring", data={"sex": "nonsense"}).status_code == 422


def test_the_audit_trail_says_that_somebody_declared_never_what(
    session: Session, sign_in: Any
) -> None:
    user = make_user(session, "expert")

    sign_in(user).post("/account/fair-hiring", data={"sex": "female", "ethnicity": "native"})

    rows = session.exec(select(AuditEvent).where(AuditEvent.by_user_id == user.id)).all()
    assert [row.action for row in rows] == ["declaration.made"]
    assert "female" not in str(rows)
    assert "native" not in str(rows)


def test_only_the_fairness_report_knows_of_declarations() -> None:
    found = [
        str(file.relative_to(ROOT))
        for package in ("core", *PACKAGES)
        for file in sorted((ROOT / package).rglob("*.py"))
        if _knows(file.read_text())
    ]

    assert [path for path in found if not MAY_KNOW.fullmatch(path)] == []
    assert "interviews/fairness.py" in found


@pytest.mark.parametrize(
    "source",
    [
        "from interviews.models import SelfDeclaration",
        "from interviews import fairness",
        "import interviews.fairness",
        "from interviews.fairness import cases",
        "session.execute(text('select sex from self_declaration'))",
        "x = models.SelfDeclaration",
    ],
)
def test_a_module_that_looks_at_declarations_is_found(source: str) -> None:
    assert _knows(source)


def test_the_report_counts_each_person_once_by_field_and_by_what_was_declared(
    session: Session, app: Flask
) -> None:
    passed = _decided(session, right, sex=Sex.FEMALE, ethnicity=Ethnicity.ASIAN)
    _decided(session, unknown, sex=Sex.MALE, ethnicity=Ethnicity.NOT_SAID)
    _decided(session, unknown)
    make_interview(session)  # under way: not assessed yet

    report = fairness.report(session, _now(), small=Fraction(0))
    elsewhere = fairness.report(session, _now(), small=Fraction(0), field=Field.MEDICINE)
    before = Period(now() - timedelta(days=9), now() - timedelta(days=8))

    by_sex, by_ethnicity, both = report.selection
    assert report.assessed == 3
    assert (by_sex.row("female").hits, by_sex.row("male").hits, by_sex.unknown) == (1, 0, 1)
    assert (by_ethnicity.row("asian").count, by_ethnicity.unknown) == (1, 2)
    assert (both.row("female", "asian").ratio, both.unknown) == (1, 2)
    assert report.scoring[0].row("female").rate == 1
    assert passed.level is not None
    assert elsewhere.assessed == fairness.report(session, before, small=Fraction(0)).assessed == 0


def test_the_last_decided_interview_of_a_person_in_a_field_counts(
    session: Session, app: Flask
) -> None:
    user = make_user(session, "expert")
    long_ago = now() - timedelta(days=200)
    first = answer_all(session, make_interview(session, user, at=long_ago), unknown, at=long_ago)
    _decided(session, right, user=user, sex=Sex.MALE)

    report = fairness.report(session, Period(long_ago, now()), small=Fraction(0))

    assert first.state is State.FAILED
    assert (report.assessed, report.selection[0].row("male").hits) == (1, 1)


def test_the_operator_sees_rates_words_and_csv_and_is_noted(session: Session, sign_in: Any) -> None:
    _decided(session, right, sex=Sex.FEMALE, ethnicity=Ethnicity.ASIAN)
    _decided(session, unknown, sex=Sex.MALE, ethnicity=Ethnicity.WHITE)
    session.flush()
    operator = make_user(session, "operator")
    client = sign_in(operator)

    page = client.get("/operator/fair-hiring").text
    table = list(csv.DictReader(io.StringIO(client.get("/operator/fair-hiring.csv").text)))
    narrow = client.get("/operator/fair-hiring?since=2001-01-01&until=2001-01-02&field=law")

    assert "Passing, by sex: highest for “Female” (100.0%), lowest for “Male” (0.0%)" in page
    [row] = [
        row
        for row in table
        if (row["table"], row["by"], row["category"]) == ("selection", "sex", "male")
    ]
    assert (row["people"], row["rate"], row["impact_ratio"]) == ("1", "0.0000", "0.0000")
    assert "Nobody was assessed" in narrow.text
    query = select(AuditEvent).where(AuditEvent.action == "fairness.read")
    assert {event.by_user_id for event in session.exec(query)} == {operator.id}


@pytest.mark.parametrize(
    "asked", ["since=nonsense", "until=9999-12-31", "since=2030-01-01&until=1"]
)
def test_a_period_that_makes_no_sense_is_survived(
    session: Session, sign_in: Any, asked: str
) -> None:
    client = sign_in(make_user(session, "operator"))

    assert client.get(f"/operator/fair-hiring?{asked}").status_code == 200


def test_the_summary_is_public_only_where_the_operator_says_so(
    session: Session, app: Flask, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        _decided(session, right if number % 2 else unknown, sex=Sex.FEMALE)
    _decided(session, right, sex=Sex.MALE)
    session.execute(text("update interview set decided_at = decided_at - interval '40 days'"))
    session.flush()

    closed = client.get("/fair-hiring")
    open_ = app.extensions["doyen.settings"].model_copy(update={"fair_hiring_public": True})
    monkeypatch.setitem(app.extensions, "doyen.settings", open_)
    page = client.get("/fair-hiring?since=2020-01-01&field=law").text

    assert closed.status_code == 404
    assert "13 people were assessed" in page
    # Of the two sexes one is too small to be shown, and the other would give it away.
    assert page.count("not shown") >= 2
    assert "50.0%" not in page.split("Selection, by race")[0].split("Selection, by sex")[-1]


def test_owners_and_experts_do_not_open_the_report(session: Session, sign_in: Any) -> None:
    for role in ("expert", "owner", "ml_team"):
        client = sign_in(make_user(session, role))
        assert client.get("/operator/fair-hiring").status_code == 403
        assert client.get("/operator/fair-hiring.csv").status_code == 403
    assert sign_in(make_user(session, "owner")).get("/account/fair-hiring").status_code == 403


def _decided(
    session: Session,
    how: Any,
    *,
    user: Any = None,
    sex: Sex | None = None,
    ethnicity: Ethnicity | None = None,
) -> Interview:
    user = user or make_user(session, "expert")
    interview = answer_all(session, make_interview(session, user), how)
    assert interview.state in (State.PASSED, State.FAILED)
    if sex or ethnicity:
        fairness.declare(session, user.id, sex, ethnicity, at=now())
    session.flush()
    return interview


def _now() -> Period:
    return Period(now() - timedelta(hours=1), now() + timedelta(hours=1))


def _knows(source: str) -> bool:
    """Whether a module imports the report or names the table of declarations."""
    if "SelfDeclaration" in source or "self_declaration" in source:
        return True
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        if any(name.startswith("interviews.fairness") for name in names):
            return True
    return False
