"""Templates of fields and projects: rows that never change, of which the last one counts.

An interview keeps the template that it began with, and what of it it asks.
"""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid
from experts.fields import Field
from interviews import banks, terms
from interviews.items import Bank
from interviews.models import Interview
from interviews.template_models import InterviewTemplate
from interviews.terms import Applied, Part, Terms
from projects.models import Project, State, id_of

RULE_OF_PROJECT, RULE_OF_FIELD = "PI", "FI"


class WrittenByAnother(Conflict):
    """Somebody else has changed this meanwhile. Nothing was stored; load the page again."""


class DoesNotFit(Invalid):
    """What is asked does not fit the questions of the field. Look at the form again."""


class Over(Conflict):
    """The project is completed, so what it asks for can no longer be changed."""


def of_project(session: Session, project_id: int) -> InterviewTemplate | None:
    """Return what a project asks now: the last version; None where it was never said."""
    return _last(session, col(InterviewTemplate.project_id) == project_id)


def of_field(session: Session, field: Field) -> InterviewTemplate | None:
    """Return the template of a field; None where the bank itself says what is asked."""
    ours = col(InterviewTemplate.project_id).is_(None)
    return _last(session, ours, col(InterviewTemplate.field) == field)


def asked_by(session: Session, project: Project) -> tuple[InterviewTemplate, Terms, Bank] | None:
    """Return what a project asks beyond the proof in its field, if anything."""
    template = of_project(session, id_of(project))
    bank = banks.current(session, project.field)
    # A draft whose field was changed asks nothing of the field that it had.
    if template is None or template.content is None or template.field is not project.field:
        return None
    if bank is None:
        return None
    found = read(template)
    return None if terms.problems(found, bank) else (template, found, bank)


def read(template: InterviewTemplate) -> Terms:
    """Return the terms of a template."""
    return Terms.model_validate(template.content)


def set_of_project(
    session: Session,
    project: Project,
    wanted: Terms | None,
    *,
    seen: int,
    by: User,
    at: datetime,
) -> InterviewTemplate | None:
    """Let a project ask this from now on; the row of the project is locked by the caller.

    None asks for no more than the proof in the field. `seen` is the version that the form was
    made from. Sending again what is there changes nothing, and writes nothing.
    """
    last = of_project(session, id_of(project))
    if _is_said(last, wanted, project.field):
        return last
    if seen != (last.version if last else 0):
        raise WrittenByAnother
    if project.state is State.COMPLETED:
        raise Over
    bank = banks.current(session, project.field)
    if wanted is not None and (bank is None or terms.problems(wanted, bank)):
        raise DoesNotFit
    made = _add(session, last, wanted, project.field, id_of(project), by, at)
    audit.record(
        session,
        "project.interview_set",
        by=by.id,
        subject=f"project:{id_of(project)}",
        details={"version": made.version, "template": made.id, "own": wanted is not None},
    )
    return made


def set_of_field(
    session: Session, field: Field, wanted: Terms, *, seen: int, by: User, at: datetime
) -> InterviewTemplate:
    """Let interviews in a field ask this from now on."""
    last = of_field(session, field)
    if last is not None and last.digest == wanted.digest:
        return last
    if seen != (last.version if last else 0):
        raise WrittenByAnother
    bank = banks.current(session, field)
    if bank is None or terms.problems(wanted, bank):
        raise DoesNotFit
    made = _add(session, last, wanted, field, None, by, at)
    audit.record(
        session,
        "interview.template_set",
        by=by.id,
        subject=f"interview_template:{made.id}",
        details={"field": field, "version": made.version},
    )
    return made


def laid_over(session: Session, interview: Interview, bank: Bank) -> Bank:
    """Return the bank of an interview as its template asks it; the bank itself without one."""
    if interview.template_id is None:
        return bank
    template = session.get_one(InterviewTemplate, interview.template_id)
    return applied(template, bank, Part.model_validate(interview.part))


def applied(template: InterviewTemplate, bank: Bank, part: Part | None = None) -> Bank:
    """Return a bank as a template asks it."""
    own = template.project_id is not None
    number = template.project_id if own else list(Field).index(template.field) + 1
    code = f"{RULE_OF_PROJECT if own else RULE_OF_FIELD}-{number}"
    return terms.applied(bank, read(template), code=code, version=template.version, part=part)


def columns(template: InterviewTemplate | None, bank: Bank) -> dict[str, Any]:
    """Return the columns of an interview that say what it asks, where it is not just a bank."""
    if template is None or not isinstance(bank, Applied):
        return {}
    return {
        "template_id": template.id,
        "project_id": template.project_id,
        "part": bank.part.model_dump(mode="json"),
    }


def _is_said(last: InterviewTemplate | None, wanted: Terms | None, field: Field) -> bool:
    if last is None:
        return wanted is None
    same = last.content is None if wanted is None else last.digest == wanted.digest
    return same and last.field is field


def _add(
    session: Session,
    last: InterviewTemplate | None,
    wanted: Terms | None,
    field: Field,
    project_id: int | None,
    by: User,
    at: datetime,
) -> InterviewTemplate:
    content = wanted.model_dump(mode="json") if wanted else None
    digest = wanted.digest if wanted else hashlib.sha256(json.dumps(None).encode()).hexdigest()
    made = InterviewTemplate(
        field=field,
        project_id=project_id,
        version=last.version + 1 if last else 1,
        digest=digest,
        content=content,
        written_by=id_of(by),
        written_at=at,
    )
    session.add(made)
    session.flush()  # the audit names its id
    return made


def _last(session: Session, *conditions: Any) -> InterviewTemplate | None:
    query = select(InterviewTemplate).where(*conditions)
    return session.exec(query.order_by(col(InterviewTemplate.version).desc()).limit(1)).first()
