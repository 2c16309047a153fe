"""All versions of what a project has asked of experts: by whom, when, and what each changed."""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlmodel import Session

from core import formats
from interviews import banks, field_templates, templates
from interviews.field_templates import Change
from interviews.items import Bank
from interviews.template_models import InterviewTemplate
from projects.models import Project, id_of


@dataclass(frozen=True)
class Version:
    """One version, and what it changed from the one before; the first changes nothing."""

    template: InterviewTemplate
    writer: str
    asks: str
    changes: list[Change]


def of(session: Session, project: Project) -> list[Version]:
    """Return the versions of a project, the newest first."""
    every = list(templates.versions(session, project_id=id_of(project)))
    names = field_templates.writers(session, every)
    older = [*every[1:], None]
    return [
        Version(
            one,
            names.get(one.written_by, "–"),
            _asks(one),
            _changes(session, before, one),
        )
        for one, before in zip(every, older, strict=False)
    ]


def _asks(template: InterviewTemplate) -> str:
    """Say whose questions a version asks from, or that it asks for nothing more."""
    if template.content is None:
        return str(_("The proof in the field is enough"))
    if template.bank_id is not None:
        return str(_("the own bank of your organisation"))
    return str(_("the bank of the field: %(field)s", field=template.field.label))


def _changes(
    session: Session, before: InterviewTemplate | None, template: InterviewTemplate
) -> list[Change]:
    """Return what differs in words; first of all whose questions are asked."""
    if before is None:
        return []
    was, now = _asks(before), _asks(template)
    found = [Change(str(_("Questions from")), was, now)] if was != now else []
    if before.content is None or template.content is None:
        return found
    bank = _bank(session, template)
    old, new = templates.read(before), templates.read(template)
    if old.reuse_months != new.reuse_months:
        months = [formats.number(one.reuse_months) for one in (old, new)]
        found.append(Change(str(_("Months for which proofs count")), *months))
    return found + field_templates.changes(old, new, bank)


def _bank(session: Session, template: InterviewTemplate) -> Bank | None:
    """Return the bank whose words name competencies and questions, in use or not."""
    if template.bank_id is None:
        return banks.current(session, template.field)
    return banks.own_by_id(session, template.bank_id).bank
