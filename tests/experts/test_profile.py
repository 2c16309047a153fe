"""The profile: made once, whole or not, and its licences."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

from sqlalchemy import text

from core.clock import now
from experts import profile
from experts.fields import Fluency
from experts.models import Expert
from tests.factories.accounts import make_user
from tests.factories.experts import make_expert, make_licence


def test_the_first_visit_makes_an_expert_with_a_pseudonym(session):
    user = make_user(session, "expert")

    expert = profile.of(session, user.id)

    assert re.fullmatch(r"[A-HJ-NPR-Z]-\d{4}", expert.pseudonym)
    assert profile.of(session, user.id) is expert


def test_two_first_visits_at_once_make_one_expert(live):
    with live.transaction() as session:
        user_id = make_user(session, "expert").id

    def visit(_number):
        with live.transaction() as session:
            return profile.of(session, user_id).pseudonym

    with ThreadPoolExecutor(6) as pool:
        seen = set(pool.map(visit, range(12)))

    assert len(seen) == 1


def test_a_taken_pseudonym_is_not_given_again(session, monkeypatch):
    taken = make_expert(session, pseudonym="A-0001")
    drawn = iter([1, 1, 2])
    monkeypatch.setattr(
        profile,
        "secrets",
        SimpleNamespace(choice=lambda letters: letters[0], randbelow=lambda most: next(drawn)),
    )

    second = profile.of(session, make_user(session, "expert").id)

    assert (taken.pseudonym, second.pseudonym) == ("A-0001", "A-0002")


def test_pseudonyms_grow_when_the_short_ones_are_taken(session):
    session.execute(
        text("""
        insert into user_account (id, email, name, active, fs_uniquifier, created_at)
        select 1000000 + n, n || '@many.example', '', true, 'many-' || n, now()
        from generate_series(0, 3) n
        """)
    )
    drawn = [profile.of(session, 1000000 + number).pseudonym for number in range(4)]

    assert len(set(drawn)) == 4


def test_an_empty_profile_says_all_that_it_lacks(session):
    expert = profile.of(session, make_user(session, "expert").id)

    found = profile.completeness(session, expert)

    assert [part.where for part in found.missing] == [
        "field",
        "years",
        "country",
        "languages",
        "headline",
        "about",
    ]
    assert not found.is_whole


def test_no_years_of_practice_is_an_answer(session):
    expert = make_expert(session, years=0)

    assert profile.completeness(session, expert).is_whole


def test_languages_stand_with_the_best_spoken_first(session):
    expert = make_expert(session, languages={"en": Fluency.WORKING, "fr": Fluency.NATIVE})

    profile.speak(session, expert.user_id, "de", Fluency.FLUENT)
    profile.speak(session, expert.user_id, "de", Fluency.NATIVE)

    spoken = [(row.language, row.fluency) for row in profile.languages(session, expert.user_id)]
    assert spoken == [("de", "native"), ("fr", "native"), ("en", "working")]


def test_a_licence_that_was_taken_off_comes_back(session):
    expert = make_expert(session)
    licence = make_licence(session, expert)

    profile.take_off(session, licence, now())
    first = licence.removed_at
    profile.take_off(session, licence, now() + timedelta(hours=1))

    assert licence.removed_at == first
    assert profile.licences(session, expert.user_id) == []
    assert profile.removed_licences(session, expert.user_id, now()) == [licence]
    profile.put_back(session, licence)
    assert profile.licences(session, expert.user_id) == [licence]


def test_a_change_is_recorded_once_and_only_when_there_is_one(session):
    expert = make_expert(session, years=3)
    before = expert.updated_at

    profile.change(session, expert, now(), years=3)
    assert expert.updated_at == before

    profile.change(session, expert, now(), years=4)
    session.flush()
    found = session.execute(
        text("select details from audit_event where action = 'profile.changed'")
    ).scalars()
    assert list(found) == [{"parts": ["years"]}]
    assert session.get(Expert, expert.user_id).years == 4
