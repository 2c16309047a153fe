"""Floors of pay: written by operators with a day, kept for ever, the setting only a seed."""

from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DatabaseError
from sqlmodel import select

from core.clock import now
from core.models import AuditEvent
from core.money import Money
from payouts import floors
from payouts.floor_models import PayFloor
from tests.factories.accounts import make_owner, make_user
from tests.factories.floors import make_floor
from tests.factories.payouts import eur, make_expert
from tests.payouts.conftest import new_key

WHY = "Follows the minimum wage."
TODAY = floors.today(now())


@pytest.fixture(autouse=True)
def seeded(app, monkeypatch):
    known = app.extensions["doyen.settings"]
    changed = known.model_copy(update={"pay_floors": {"FR": (1202, "eur"), "DE": (1282, "eur")}})
    monkeypatch.setitem(app.extensions, "doyen.settings", changed)


def write(session, country="FR", minor=1300, since=TODAY, key=None, by=None):
    asked = floors.Change(country, eur(minor), since, WHY)
    by = by or make_user(session, "operator")
    return floors.write(session, asked, key=key or new_key(), by=by, at=now())


def test_the_setting_counts_until_somebody_writes(session):
    assert floors.current(session) == {"FR": (1202, "eur"), "DE": (1282, "eur")}

    row = write(session)

    assert floors.current(session) == {"FR": (1300, "eur"), "DE": (1282, "eur")}
    assert row.before == eur(1202)


def test_a_later_day_counts_from_then_on_and_the_last_word_for_a_day_wins(session):
    later = TODAY + timedelta(days=30)
    write(session, minor=1400, since=later)
    second = write(session, minor=1350, since=later)

    assert floors.current(session)["FR"] == (1202, "eur")
    assert floors.current(session, at=now() + timedelta(days=31))["FR"] == (1350, "eur")
    assert second.before == eur(1400)
    assert [row.hourly for row in floors.to_come(session, now())] == [eur(1350)]


def test_nothing_takes_a_floor_away_also_that_of_the_setting(session):
    write(session, minor=0)

    assert "FR" not in floors.current(session)
    assert write(session, minor=900).before is None


def test_the_past_stays_and_a_reason_is_asked(session):
    with pytest.raises(floors.TooLate):
        write(session, since=TODAY - timedelta(days=1))
    with pytest.raises(floors.ReasonNeeded):
        floors.write(
            session,
            floors.Change("FR", eur(1300), TODAY, " short "),
            key=new_key(),
            by=make_user(session, "operator"),
            at=now(),
        )
    assert session.exec(select(PayFloor)).all() == []


def test_the_same_form_writes_once_and_not_other_terms(session):
    operator, key = make_user(session, "operator"), new_key()
    first = write(session, key=key, by=operator)

    assert write(session, key=key, by=operator).id == first.id
    with pytest.raises(floors.UsedForm):
        write(session, minor=1, key=key, by=operator)
    assert len(session.exec(select(PayFloor)).all()) == 1
    [event] = session.exec(select(AuditEvent).where(AuditEvent.action == "pay_floor.written"))
    assert (event.by_user_id, event.details["before_minor"]) == (operator.id, 1202)


def test_the_database_keeps_every_row_as_it_was(session):
    make_floor(session)
    for change in (update(PayFloor).values(hourly_minor=1), text("delete from pay_floor")):
        with pytest.raises(DatabaseError), session.begin_nested():
            session.execute(change)


def test_an_operator_writes_one_and_sees_who_wrote_what(session, sign_in):
    operator = make_user(session, "operator", name="Ada Martin")
    session.commit()
    client, where = sign_in(operator), "/operator/money/floors"
    form = {
        "country": "FR",
        "currency": "eur",
        "amount": "12,50",
        "since": TODAY.isoformat(),
        "words": WHY,
        "key": new_key(),
    }

    before = client.get(where).text
    wrong = [
        client.post(where, data={**form, **changed}).status_code
        for changed in (
            {"country": "ZZ"},
            {"currency": "xxx"},
            {"amount": "-1"},
            {"amount": "9999999"},
            {"since": "2020-01-01"},
            {"since": "x"},
            {"words": "law"},
        )
    ]
    for _click in range(2):
        assert client.post(where, data=form).status_code == 302
    after = client.get(where).text

    assert "from the settings" in before
    assert "€12.02/h" in before
    assert wrong == [422] * 7
    assert session.exec(select(PayFloor)).one().hourly == Money(1250, "eur")
    for words in ("€12.50/h", "€12.02/h", "Ada Martin", WHY):
        assert words in after


def test_nobody_but_operators_sees_or_writes_them(session, sign_in):
    people = make_owner(session)[0], make_expert(session)
    session.commit()
    for person in people:
        client = sign_in(person)
        assert client.get("/operator/money/floors").status_code in (403, 404)
        assert client.post("/operator/money/floors").status_code in (403, 404)
