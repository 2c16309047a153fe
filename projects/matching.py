"""Whom a project is offered to: hard criteria first, then a published score, then who waited.

Everything that counts is here, with its weight, and goes into the invitation as reasons that the
expert reads. What an expert is (age, sex, origin) is not known to us and cannot count.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, Integer, Row, Select, and_, case, cast, exists, func, literal, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col

from accounts.models import Membership, User
from accounts.privacy_models import Erasure
from core.clock import now
from experts.fields import Fluency
from experts.models import AccountStanding, Expert, ExpertLanguage, Skill
from projects.models import Answer, Invitation, Project, id_of

# The rule, version 1. The weights add up to 100.
RULE = "MR-1"
INTERVIEW, PRACTICE, LANGUAGE, NEWCOMER = 60, 15, 15, 10
# So many years above what a project asks for earn all points for practice.
FULL_PRACTICE = 10
# Who has taken part in nothing for so long has the newcomers' share.
NEW_FOR = timedelta(days=90)
FLUENT_SHARE = {Fluency.NATIVE: 1.0, Fluency.FLUENT: 0.8, Fluency.WORKING: 0.4}


@dataclass(frozen=True)
class Candidate:
    """An expert who meets every criterion, with the score and the reasons for it."""

    expert: Expert
    level: float
    score: int
    reasons: list[dict[str, Any]]


def shortlist(
    session: Session, project: Project, limit: int, *, at: datetime | None = None
) -> list[Candidate]:
    """Return the experts to invite next, the best first.

    With the same score the one comes first whose last invitation is longest ago, then a lot
    that is drawn once for each project and person.
    """
    at = at or now()
    found = session.execute(_ranked(project, at).limit(limit))
    return [_candidate(project, row) for row in found]


def count(session: Session, project: Project, *, at: datetime | None = None) -> int:
    """Return how many experts meet every criterion and were not invited yet."""
    ids = _eligible(project, at or now()).subquery()
    return int(session.execute(select(func.count()).select_from(ids)).scalar_one())


def ids(project: Project, at: datetime) -> Select[Any]:
    """Choose the ids of the experts who meet every criterion and were not invited yet."""
    return _eligible(project, at).with_only_columns(col(Expert.user_id), maintain_column_froms=True)


def requirements(project: Project) -> list[dict[str, Any]]:
    """Return the hard criteria as facts, for pages and letters to say in words."""
    found: list[dict[str, Any]] = [
        {"what": "skill", "field": project.field, "level": round(project.min_level * 100)}
    ]
    if project.min_years:
        found.append({"what": "years", "years": project.min_years})
    found.extend({"what": "language", "language": code} for code in project.languages)
    if project.countries:
        found.append({"what": "country", "countries": project.countries})
    return found


def _eligible(project: Project, at: datetime) -> Select[Any]:
    """Choose the experts who meet every criterion, with their best valid level."""
    proven = (
        select(
            col(Skill.expert_id).label("expert_id"),
            func.max(col(Skill.level)).label("level"),
            func.max(col(Skill.passed_at)).label("passed_at"),
        )
        .where(
            col(Skill.field) == project.field,
            col(Skill.level) >= project.min_level,
            col(Skill.passed_at) <= at,
            col(Skill.expires_at) > at,
        )
        .group_by(col(Skill.expert_id))
        .subquery("proven")
    )
    return (
        select(Expert, proven.c.level, proven.c.passed_at)
        .join(proven, proven.c.expert_id == col(Expert.user_id))
        .join(User, and_(col(User.id) == col(Expert.user_id), col(User.active)))
        .where(*_criteria(project))
    )


def _criteria(project: Project) -> Iterator[ColumnElement[bool]]:
    yield col(Expert.accepts_invitations).is_(True)
    yield col(Expert.standing) == AccountStanding.ACTIVE
    # Whoever has asked to be erased is offered nothing more.
    yield ~exists().where(
        col(Erasure.user_id) == col(Expert.user_id), col(Erasure.undone_at).is_(None)
    )
    if project.min_years:
        yield col(Expert.years) >= project.min_years
        yield col(Expert.field) == project.field
    if project.countries:
        yield col(Expert.country).in_(project.countries)
    for code in project.languages:
        yield exists().where(
            col(ExpertLanguage.expert_id) == col(Expert.user_id),
            col(ExpertLanguage.language) == code,
        )
    yield ~exists().where(
        col(Invitation.project_id) == project.id,
        col(Invitation.expert_id) == col(Expert.user_id),
    )
    # Nobody works for an organisation that they belong to: they would review themselves.
    yield ~exists().where(
        col(Membership.user_id) == col(Expert.user_id),
        col(Membership.organisation_id) == project.organisation_id,
    )


def _ranked(project: Project, at: datetime) -> Select[Any]:
    eligible = _eligible(project, at)
    level = eligible.selected_columns.level
    invited = (
        select(func.max(col(Invitation.offered_at)))
        .where(col(Invitation.expert_id) == col(Expert.user_id))
        .scalar_subquery()
    )
    points = {
        "interview": _points(INTERVIEW, level),
        "practice": _points(PRACTICE, _practice(project)),
        "language": _points(LANGUAGE, _fluency(project)),
        "newcomer": case((_takes_part(at), literal(0)), else_=literal(NEWCOMER)),
    }
    lot = func.md5(func.concat(id_of(project), ":", col(Expert.user_id)))
    score = sum(points.values(), start=literal(0))
    return eligible.add_columns(
        score.label("score"), *(value.label(name) for name, value in points.items())
    ).order_by(score.desc(), invited.asc().nulls_first(), lot)


def _points(weight: int, share: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.round(cast(share, Float) * weight), Integer)


def _practice(project: Project) -> ColumnElement[Any]:
    above = func.coalesce(col(Expert.years), 0) - project.min_years
    # Years in another field than the project's say nothing about this one.
    return case(
        (
            col(Expert.field) == project.field,
            cast(func.least(func.greatest(above, 0), FULL_PRACTICE), Float) / FULL_PRACTICE,
        ),
        else_=literal(0.0),
    )


def _fluency(project: Project) -> ColumnElement[Any]:
    share = case(
        *((col(ExpertLanguage.fluency) == fluency, part) for fluency, part in FLUENT_SHARE.items()),
        else_=literal(0.0),
    )
    spoken = select(share).where(
        col(ExpertLanguage.expert_id) == col(Expert.user_id),
        col(ExpertLanguage.language) == project.language,
    )
    return func.coalesce(spoken.scalar_subquery(), 0.0)


def _takes_part(at: datetime) -> ColumnElement[bool]:
    return exists().where(
        col(Invitation.expert_id) == col(Expert.user_id),
        col(Invitation.state) == Answer.ACCEPTED,
        col(Invitation.answered_at) > at - NEW_FOR,
    )


def _candidate(project: Project, row: Row[Any]) -> Candidate:
    expert: Expert = row[0]
    reasons = [
        {
            "what": "interview",
            "weight": INTERVIEW,
            "points": row.interview,
            "level": round(row.level * 100),
            "passed_at": row.passed_at.isoformat(),
        },
        {
            "what": "practice",
            "weight": PRACTICE,
            "points": row.practice,
            "years": expert.years if expert.field == project.field else None,
        },
        {
            "what": "language",
            "weight": LANGUAGE,
            "points": row.language,
            "language": project.language,
        },
        {"what": "newcomer", "weight": NEWCOMER, "points": row.newcomer},
    ]
    return Candidate(expert, row.level, row.score, reasons)
