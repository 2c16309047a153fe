"""Templates of projects and proofs of competencies, valid by default: two competencies of law."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from accounts.models import User
from core.clock import now
from experts.fields import Field
from interviews import editions, items, project_terms, proven, qualification, templates, terms
from interviews.bank_models import BankDraft
from interviews.gap_models import BankWithdrawal, TemplateGap
from interviews.items import Adaptive
from interviews.models import Interview
from interviews.template_models import (
    CompetencyProof,
    InterviewOutage,
    InterviewTemplate,
    ProjectQualification,
)
from interviews.terms import Terms
from projects.models import Project, id_of
from tests.factories.annotation import Desk
from tests.factories.banks import make_bank, make_publication, own_items
from tests.factories.interviews import answer_all, make_interview


def make_terms(**changes: Any) -> Terms:
    """Return terms: contracts count twice, data protection once, each at its floor."""
    values: dict[str, Any] = {
        "weights": {"contract": 2, "data": 1},
        "floors": {"contract": 0.5, "data": 0.4},
        "adaptive": Adaptive(least=4, most=9),
        "minutes": 9,
    }
    base = terms.of_bank(items.banks()[Field.LAW])
    return Terms.model_validate(base.model_dump() | values | changes)


def make_template(
    session: Session, project: Project, by: User, wanted: Terms | None = None, *, at: datetime
) -> InterviewTemplate:
    """Let a project ask for these terms."""
    last = qualification.templates.of_project(session, id_of(project))
    seen = last.version if last else 0
    said = project_terms.ask(session, project, wanted or make_terms(), seen=seen, by=by, at=at)
    assert said.template is not None
    return said.template


def make_field_template(
    session: Session, by: User, wanted: Terms | None = None, *, field: Field = Field.LAW
) -> InterviewTemplate:
    """Let interviews in a field ask these terms."""
    last = templates.last_of_field(session, field)
    seen = last.version if last else 0
    wanted = wanted or make_terms()
    made = templates.set_of_field(session, field, wanted, seen=seen, by=by, at=now())
    assert made is not None
    return made


def make_own_bank(session: Session, desk: Desk) -> BankDraft:
    """Publish an own bank in law for the organisation of a desk: the starter items, renumbered."""
    draft = make_bank(session, desk.organisation, by=desk.owner)
    own_items(draft, items.banks()[Field.LAW].model_dump(mode="json")["items"])
    session.flush()
    make_publication(session, draft, by=desk.owner)
    return draft


def make_withdrawal(session: Session, draft: BankDraft, by: User, **changes: Any) -> BankWithdrawal:
    """Make a withdrawal of an own bank."""
    values = {"words": "Its answers have leaked.", "withdrawn_by": by.id, "withdrawn_at": now()}
    row = BankWithdrawal(bank_id=draft.key, **(values | changes))
    session.add(row)
    session.flush()
    return row


def make_gap(session: Session, template: InterviewTemplate, **changes: Any) -> TemplateGap:
    """Make the note that owners were told of a gap."""
    values: dict[str, Any] = {"digest": "x", "lacking": {"must_cover": ["law-011"]}}
    row = TemplateGap(template_id=template.id, told_at=now(), **(values | changes))
    session.add(row)
    session.flush()
    return row


def make_passed(session: Session, user: User, *, at: datetime | None = None) -> Interview:
    """Let somebody pass the interview in law, with everything right."""
    at = at or now()
    return answer_all(session, make_interview(session, user, at=at), at=at + timedelta(minutes=9))


def make_proof(
    session: Session, interview: Interview, competency: str, **changes: Any
) -> CompetencyProof:
    """Make a proof of a competency, as if a passed interview had shown it."""
    at = changes.pop("proven_at", None) or now() - timedelta(days=1)
    values: dict[str, Any] = {
        "expert_id": interview.expert_id,
        "field": interview.field,
        "competency": competency,
        "level": 0.8,
        "low": 0.6,
        "high": 0.95,
        "interview_id": interview.id,
        "edition": editions.of(session, interview).origin,
        "rule": "LW-1/2",
        "proven_at": at,
        "expires_at": at + proven.VALID_FOR,
    }
    values |= changes
    values |= {
        "low": min(values["low"], values["level"]),
        "high": max(values["high"], values["level"]),
    }
    row = CompetencyProof(**values)
    session.add(row)
    session.flush()
    return row


def make_qualification(
    session: Session, template: InterviewTemplate, expert_id: int, **changes: Any
) -> ProjectQualification:
    """Make a qualification by proofs, good for a year."""
    values: dict[str, Any] = {
        "project_id": template.project_id,
        "expert_id": expert_id,
        "template_id": template.id,
        "basis": "proofs",
        "proofs": [],
        "levels": {"contract": 0.8},
        "reference": f"test:{expert_id}",
        "qualified_at": now(),
        "expires_at": now() + proven.VALID_FOR,
    }
    row = ProjectQualification(**(values | changes))
    session.add(row)
    session.flush()
    return row


def make_outage(session: Session, interview: Interview, **changes: Any) -> InterviewOutage:
    """Make the note that an interview broke off for a fault of ours."""
    values = {"words": "The server was away.", "noted_at": now()}
    row = InterviewOutage(interview_id=interview.key, **(values | changes))
    session.add(row)
    session.flush()
    return row
