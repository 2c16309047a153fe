"""Rows of projects, valid by default."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session, select

from accounts.models import Membership, Organisation, User
from core.clock import now
from experts.fields import Field
from experts.models import Expert
from payouts import budgets
from projects import config, guidelines
from projects.config import CLAUSES, PARTS, Kind
from projects.models import Answer, Invitation, Project, State, Validation
from tests.factories.accounts import make_member, make_organisation
from tests.factories.experts import make_expert
from tests.factories.payouts import make_deposit

GUIDELINES = "1. Choose the clause that the passage is mostly about.\n\n2. Mark each party once."


def make_project(
    session: Session,
    organisation: Organisation | None = None,
    *,
    funded: int = 0,
    **changes: Any,
) -> Project:
    """Make a whole draft; `funded` puts money in its budget, `state="open"` publishes it."""
    organisation = organisation or make_organisation(session)
    by = changes.pop("by", None) or _member(session, organisation)
    state = State(changes.pop("state", State.DRAFT))
    at = now() - timedelta(days=1)
    values: dict[str, Any] = {
        "organisation_id": organisation.id,
        "title": "Licence clauses",
        "field": Field.LAW,
        "language": "en",
        "brief": "Say what each passage of a software licence does.",
        "guidelines": GUIDELINES,
        "label_config": config.build(Kind.CLAUSES, CLAUSES, PARTS),
        "price_minor": 420,
        "currency": "eur",
        "fee_bps": 1500,
        "usual_minutes": 9,
        "overlap": 2,
        "lease_minutes": 120,
        "review_days": 7,
        "validation": Validation.AGREEMENT,
        "experts_needed": 3,
        "min_years": 0,
        "min_level": 0.6,
        "languages": ["en"],
        "countries": [],
        "task_count": 40,
        "created_by": by.id,
        "created_at": at,
        "saved_at": at,
        "state_at": at,
    }
    project = Project(**(values | changes))
    session.add(project)
    session.flush()
    assert project.id is not None
    budget = budgets.open(
        session,
        project_id=project.id,
        organisation_id=project.organisation_id,
        title=project.title,
        currency=project.currency,
    )
    if funded:
        make_deposit(session, budget, amount=funded)
    if state is not State.DRAFT:
        guidelines.publish(session, project, project.guidelines, by=by, at=at)
        project.published_at, project.state = at, state
    session.flush()
    return project


def make_invitation(
    session: Session, project: Project, expert: Expert | None = None, **changes: Any
) -> Invitation:
    """Make an invitation that waits for an answer; `state="accepted"` makes a member."""
    expert = expert or make_expert(session)
    at = now()
    state = Answer(changes.pop("state", Answer.OFFERED))
    values: dict[str, Any] = {
        "project_id": project.id,
        "expert_id": expert.user_id,
        "state": state,
        "score": 78,
        "reasons": [
            {
                "what": "interview",
                "weight": 60,
                "points": 48,
                "level": 80,
                "passed_at": at.isoformat(),
            },
            {"what": "practice", "weight": 15, "points": 12, "years": 8},
            {"what": "language", "weight": 15, "points": 15, "language": "en"},
            {"what": "newcomer", "weight": 10, "points": 3},
        ],
        "offered_at": at,
        "answer_by": at + timedelta(days=7),
        "answered_at": None if state is Answer.OFFERED else at,
    }
    invitation = Invitation(**(values | changes))
    session.add(invitation)
    session.flush()
    return invitation


def _member(session: Session, organisation: Organisation) -> User:
    query = select(User).join(Membership, Membership.user_id == User.id)  # type: ignore[arg-type]
    found = session.exec(query.where(Membership.organisation_id == organisation.id)).first()
    return found or make_member(session, organisation)
