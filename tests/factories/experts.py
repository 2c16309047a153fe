"""Rows of experts, valid by default."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session

from accounts.models import User
from core.clock import now
from experts import profile
from experts.fields import Field, Fluency
from experts.models import Expert, ExpertLanguage, Licence, Skill
from tests.factories.accounts import make_user


def make_expert(session: Session, user: User | None = None, **changes: Any) -> Expert:
    """Make an expert with a whole profile, who works in English and French."""
    user = user or make_user(session, "expert")
    assert user.id is not None
    spoken = changes.pop("languages", {"en": Fluency.NATIVE, "fr": Fluency.FLUENT})
    expert = profile.of(session, user.id)
    values: dict[str, Any] = {
        "field": Field.LAW,
        "years": 8,
        "country": "FR",
        "time_zone": "Europe/Paris",
        "headline": "Lawyer, software licences",
        "about": "Twelve years of contracts.",
    }
    for name, value in (values | changes).items():
        setattr(expert, name, value)
    session.flush()
    for language, fluency in spoken.items():
        session.add(ExpertLanguage(expert_id=user.id, language=language, fluency=fluency))
    session.flush()
    return expert


def make_skill(session: Session, expert: Expert, **changes: Any) -> Skill:
    """Make a skill in law, proven yesterday."""
    at = now() - timedelta(days=1)
    values: dict[str, Any] = {
        "expert_id": expert.user_id,
        "field": Field.LAW,
        "level": 0.8,
        "passed_at": at,
        "expires_at": at + timedelta(days=365),
    }
    skill = Skill(**(values | changes))
    session.add(skill)
    session.flush()
    return skill


def make_licence(session: Session, expert: Expert, **changes: Any) -> Licence:
    """Make a licence that is valid for good."""
    values: dict[str, Any] = {
        "expert_id": expert.user_id,
        "title": "Admitted to the Paris bar",
        "issuer": "Ordre des avocats de Paris",
        "jurisdiction": "FR",
        "number": "P-1234",
        "added_at": now(),
    }
    licence = Licence(**(values | changes))
    session.add(licence)
    session.flush()
    return licence
