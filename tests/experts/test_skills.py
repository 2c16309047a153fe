"""Skills: proven once, for a year, and never taken away."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from core.clock import now
from experts import skills
from experts.fields import Field
from experts.models import Skill
from tests.factories.accounts import make_user
from tests.factories.experts import make_expert, make_skill


def test_an_interview_proves_a_skill_once(session):
    user = make_user(session, "expert")

    first = skills.prove(session, user.id, Field.LAW, 0.7, 12, now())
    second = skills.prove(session, user.id, Field.LAW, 0.7, 12, now() + timedelta(hours=1))

    assert first is second
    assert first.expires_at - first.passed_at == skills.VALID_FOR


def test_two_workers_who_score_one_interview_prove_it_once(live):
    with live.transaction() as session:
        user_id = make_user(session, "expert").id
    at = now()

    def score(_number):
        with live.transaction() as session:
            return skills.prove(session, user_id, Field.LAW, 0.7, 5, at).id

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(score, range(6)))) == 1

    with live.transaction() as session:
        assert session.exec(select(func.count()).select_from(Skill)).one() == 1


def test_the_best_valid_proof_of_each_field_counts(session):
    expert = make_expert(session)
    long_ago = now() - timedelta(days=400)
    make_skill(session, expert, level=0.99, passed_at=long_ago, expires_at=now())
    make_skill(session, expert, level=0.7)
    best = make_skill(session, expert, level=0.8)
    other = make_skill(session, expert, level=0.9, field=Field.FINANCE)

    assert skills.held(session, expert.user_id) == [other, best]
    assert skills.level(session, expert.user_id, Field.LAW) == 0.8
    assert skills.level(session, expert.user_id, Field.SOFTWARE) == 0.0
    assert [skill.level for skill in skills.past(session, expert.user_id, now())] == [0.99]


def test_a_skill_is_over_when_it_expires_and_not_before(session):
    skill = make_skill(session, make_expert(session))

    assert skill.is_valid(skill.expires_at - timedelta(seconds=1))
    assert not skill.is_valid(skill.expires_at)


def test_the_database_refuses_a_level_above_one(session):
    with pytest.raises(IntegrityError, match="level_is_share"):
        make_skill(session, make_expert(session), level=1.2)
