"""Templates of fields and projects: rows that never change, of which the last one counts.

An interview keeps the template that it began with, and what of it it asks. What a later version of
a bank lacks is left out of new interviews and told to those who wrote it (`interviews.gaps`).
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid
from experts.fields import Field
from interviews import banks, terms
from interviews.items import Bank
from interviews.models import Interview
from interviews.template_models import InterviewTemplate
from interviews.terms import Applied, Lacking, Part, Terms
from projects.models import Project, State, id_of

RULE_OF_PROJECT, RULE_OF_FIELD = "PI", "FI"
# Two operators at once: the second waits for the first, and then sees its version.
ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtextextended(:field, 7220511))")
# Versions written before the rule of `annotation.sample` name a work sample that nothing asked for.
FORMER = frozenset({"work_sample"})


class WrittenByAnother(Conflict):
    """Somebody else has changed this meanwhile. Nothing was stored; load the page again."""


class DoesNotFit(Invalid):
    """What is asked does not fit the questions of the field. Look at the form again."""


class Over(Conflict):
    """The project is completed, so what it asks for can no longer be changed."""


class NoOwnBank(Conflict):
    """Your organisation has no bank of its own in use in this field. Nothing was stored."""


@dataclass(frozen=True)
class Asking:
    """What a project asks beyond the proof in its field: as it was written, and as it can be now.

    Without a bank, nothing of it can be asked at the moment: the own bank is withdrawn, or has
    none of the competencies any more.
    """

    template: InterviewTemplate
    written: Terms
    terms: Terms
    lacking: Lacking
    bank: Bank | None


def of_project(session: Session, project_id: int) -> InterviewTemplate | None:
    """Return what a project asks now: the last version; None where it was never said."""
    return _last(session, col(InterviewTemplate.project_id) == project_id)


def of_field(session: Session, field: Field) -> InterviewTemplate | None:
    """Return the template of a field; None where the bank itself says what is asked."""
    last = last_of_field(session, field)
    return None if last is None or last.content is None else last


def last_of_field(session: Session, field: Field) -> InterviewTemplate | None:
    """Return the last version of a field, also one that leaves it to the bank."""
    ours = col(InterviewTemplate.project_id).is_(None)
    return _last(session, ours, col(InterviewTemplate.field) == field)


def versions(
    session: Session, *, field: Field | None = None, project_id: int | None = None
) -> Sequence[InterviewTemplate]:
    """Return all versions of a project's template, or of a field's, the newest first."""
    query = select(InterviewTemplate).where(col(InterviewTemplate.project_id) == project_id)
    if project_id is None:
        query = query.where(col(InterviewTemplate.field) == field)
    return session.exec(query.order_by(col(InterviewTemplate.version).desc())).all()


def asking(session: Session, project: Project) -> Asking | None:
    """Return what a project asks beyond the proof in its field, as far as it can; None: nothing."""
    template = of_project(session, id_of(project))
    # A draft whose field was changed asks nothing of the field that it had.
    if template is None or template.content is None or template.field is not project.field:
        return None
    return fitted(template, bank_of(session, template))


def fitted(template: InterviewTemplate, bank: Bank | None) -> Asking:
    """Return what of a template a bank can ask."""
    written = read(template)
    if bank is None:
        return Asking(template, written, written, Lacking(), None)
    gone, left = terms.lacking(written, bank), terms.narrowed(written, bank)
    return Asking(template, written, left or written, gone, bank if left is not None else None)


def asked_by(session: Session, project: Project) -> tuple[InterviewTemplate, Terms, Bank] | None:
    """Return what a project can ask now beyond the proof in its field, if anything."""
    found = asking(session, project)
    if found is None or found.bank is None:
        return None
    return found.template, found.terms, found.bank


def is_held_up(session: Session, project: Project) -> bool:
    """Say whether a project asks for more than it can ask at the moment, so nobody new gets in.

    What a project asks for never becomes less by itself.
    """
    found = asking(session, project)
    return found is not None and found.bank is None


def bank_of(session: Session, template: InterviewTemplate) -> Bank | None:
    """Return the bank that a template asks from now: that of its field, or the own one in use."""
    if template.bank_id is None:
        return banks.current(session, template.field)
    return banks.own_by_id(session, template.bank_id).in_use


def own_bank_id(session: Session, interview: Interview) -> int | None:
    """Return which organisation's bank an interview asks from; None for the bank of its field."""
    if interview.template_id is None:
        return None
    return session.get_one(InterviewTemplate, interview.template_id).bank_id


def asked_from(
    session: Session, interviews: Iterable[Interview], bank_id: int | None
) -> Collection[int]:
    """Return those of some interviews that asked from this own bank, or from that of the field."""
    listed = list(interviews)
    named = {one.template_id for one in listed if one.template_id is not None}
    query = select(InterviewTemplate.id, InterviewTemplate.bank_id).where(
        col(InterviewTemplate.id).in_(named)
    )
    own = dict(session.exec(query).all()) if named else {}
    return {one.key for one in listed if own.get(one.template_id) == bank_id}


def read(template: InterviewTemplate) -> Terms:
    """Return the terms of a template."""
    content = template.content or {}
    return Terms.model_validate({key: one for key, one in content.items() if key not in FORMER})


def set_of_project(
    session: Session,
    project: Project,
    wanted: Terms | None,
    *,
    seen: int,
    by: User,
    at: datetime,
    own: bool = False,
) -> InterviewTemplate | None:
    """Let a project ask this from now on; the row of the project is locked by the caller.

    None asks for no more than the proof in the field. `own` asks from the bank of the project's
    own organisation. `seen` is the version that the form was made from. Sending again what is
    there changes nothing, and writes nothing.
    """
    last = of_project(session, id_of(project))
    own = own and wanted is not None
    theirs = banks.own_of(session, project.field, project.organisation_id) if own else None
    bank_id = theirs.draft.id if theirs is not None else None
    if _is_said(last, wanted, project.field, bank_id):
        return last
    if seen != (last.version if last else 0):
        raise WrittenByAnother
    if project.state is State.COMPLETED:
        raise Over
    bank = banks.current(session, project.field)
    if own:
        bank = theirs.in_use if theirs is not None else None
        if bank is None:
            raise NoOwnBank
    if wanted is not None and (bank is None or terms.problems(wanted, bank)):
        raise DoesNotFit
    made = _add(session, last, wanted, project.field, id_of(project), by=by, at=at, bank_id=bank_id)
    audit.record(
        session,
        "project.interview_set",
        by=by.id,
        subject=f"project:{id_of(project)}",
        details={
            "version": made.version,
            "template": made.id,
            "own": wanted is not None,
            "own_bank": bank_id,
        },
    )
    return made


def set_of_field(
    session: Session, field: Field, wanted: Terms | None, *, seen: int, by: User, at: datetime
) -> InterviewTemplate | None:
    """Let interviews in a field ask this from now on; None leaves it to the bank again."""
    session.execute(ONE_AT_A_TIME, {"field": field})
    last = last_of_field(session, field)
    if _is_said(last, wanted, field, None):
        return last
    if seen != (last.version if last else 0):
        raise WrittenByAnother
    bank = banks.current(session, field)
    if wanted is not None and (bank is None or terms.problems(wanted, bank)):
        raise DoesNotFit
    made = _add(session, last, wanted, field, None, by=by, at=at)
    audit.record(
        session,
        "interview.template_set",
        by=by.id,
        subject=f"interview_template:{made.id}",
        details={"field": field, "version": made.version, "own": wanted is not None},
    )
    return made


def laid_over(session: Session, interview: Interview, bank: Bank) -> Bank:
    """Return the bank of an interview as its template asks it; the bank itself without one."""
    if interview.template_id is None:
        return bank
    template = session.get_one(InterviewTemplate, interview.template_id)
    return applied(template, bank, Part.model_validate(interview.part))


def applied(template: InterviewTemplate, bank: Bank, part: Part | None = None) -> Bank:
    """Return a bank as a template asks it; the bank itself where it has nothing of that."""
    wanted = terms.narrowed(read(template), bank)
    if wanted is None:
        return bank
    own = template.project_id is not None
    number = template.project_id if own else list(Field).index(template.field) + 1
    code = f"{RULE_OF_PROJECT if own else RULE_OF_FIELD}-{number}"
    return terms.applied(bank, wanted, code=code, version=template.version, part=part)


def columns(template: InterviewTemplate | None, bank: Bank) -> dict[str, Any]:
    """Return the columns of an interview that say what it asks, where it is not just a bank."""
    if template is None or not isinstance(bank, Applied):
        return {}
    return {
        "template_id": template.id,
        "project_id": template.project_id,
        "part": bank.part.model_dump(mode="json"),
    }


def _is_said(
    last: InterviewTemplate | None, wanted: Terms | None, field: Field, bank_id: int | None
) -> bool:
    if last is None:
        return wanted is None
    if last.content is None or wanted is None:
        same = last.content is None and wanted is None
    else:
        same = read(last).digest == wanted.digest and last.bank_id == bank_id
    return same and last.field is field


def _add(
    session: Session,
    last: InterviewTemplate | None,
    wanted: Terms | None,
    field: Field,
    project_id: int | None,
    *,
    by: User,
    at: datetime,
    bank_id: int | None = None,
) -> InterviewTemplate:
    content = wanted.model_dump(mode="json") if wanted else None
    digest = wanted.digest if wanted else hashlib.sha256(json.dumps(None).encode()).hexdigest()
    made = InterviewTemplate(
        field=field,
        project_id=project_id,
        version=last.version + 1 if last else 1,
        digest=digest,
        content=content,
        bank_id=bank_id,
        written_by=id_of(by),
        written_at=at,
    )
    session.add(made)
    session.flush()  # the audit names its id
    return made


def _last(session: Session, *conditions: Any) -> InterviewTemplate | None:
    query = select(InterviewTemplate).where(*conditions)
    return session.exec(query.order_by(col(InterviewTemplate.version).desc()).limit(1)).first()
