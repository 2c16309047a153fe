"""What projects and fields ask that their banks no longer have: found, shown, and told once.

A project goes on asking what is left; where nothing is left it lets nobody new in. Its owners see
that on its pages and are written to once for each thing that is lacking; operators see all of it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts import organisations
from accounts.models import Organisation
from core import audit, formats, messages
from core.settings import current_settings
from experts.fields import Field
from interviews import banks, items, kept, templates, terms
from interviews.bank_models import BankDraft, BankPublication
from interviews.gap_models import BankWithdrawal, TemplateGap
from interviews.items import Bank, Text
from interviews.template_models import InterviewTemplate
from interviews.terms import Lacking
from projects.models import Project, State, id_of

RUNNING = (State.OPEN, State.PAUSED)
LOOKED_AT = 20  # versions in which names are looked for


@dataclass(frozen=True)
class Gap:
    """What a template asks and cannot be asked now. `asked_up_to` is how long it was to be.

    `is_held_up`: nothing of it can be asked; `withdrawal` says why, where the bank is withdrawn.
    """

    template: InterviewTemplate
    lacking: Lacking
    asked_up_to: int
    is_held_up: bool
    withdrawal: BankWithdrawal | None
    names: Mapping[str, Text]

    @property
    def told(self) -> dict[str, Any]:
        """How it is kept; what is the same is told once."""
        return {
            "competencies": list(self.lacking.competencies),
            "must_cover": list(self.lacking.must_cover),
            "few": self.lacking.few,
            "held_up": self.is_held_up,
            "withdrawal": self.withdrawal.id if self.withdrawal else None,
        }

    @property
    def lines(self) -> list[str]:
        """What is lacking, each in a sentence."""
        found = []
        if self.withdrawal is not None:
            words = _(
                "The organisation has taken its own bank out of use on %(day)s: “%(words)s”",
                day=formats.day_long(self.withdrawal.withdrawn_at),
                words=self.withdrawal.words,
            )
            found.append(words)
        if self.lacking.competencies:
            words = ngettext(
                "The bank no longer has this competency: %(names)s.",
                "The bank no longer has these competencies: %(names)s.",
                len(self.lacking.competencies),
                names=self._named(self.lacking.competencies),
            )
            found.append(words)
        if self.lacking.must_cover:
            words = ngettext(
                "The bank no longer has this question, which everybody was to get: %(names)s.",
                "The bank no longer has these questions, which everybody was to get: %(names)s.",
                len(self.lacking.must_cover),
                names=self._named(self.lacking.must_cover),
            )
            found.append(words)
        if self.lacking.few is not None and not self.is_held_up:
            words = _(
                "The bank has %(there)s questions for one interview, and you ask up to %(most)s."
                " Interviews end earlier, and a person decides more often.",
                there=formats.number(self.lacking.few),
                most=formats.number(self.asked_up_to),
            )
            found.append(words)
        return [str(one) for one in found]

    @property
    def outcome(self) -> str:
        """What happens while it is so."""
        if self.is_held_up:
            return str(
                _(
                    "Nothing of what you ask can be asked now. Until you change it nobody new is"
                    " let in; who takes part stays, and interviews under way end as they began."
                )
            )
        return str(_("The rest is asked as you wrote it. Interviews under way end as they began."))

    def _named(self, keys: tuple[str, ...]) -> str:
        # In the language of whoever reads it: a letter may have another than the page.
        language = formats.locale().language
        called = {key: one.in_(language) for key, one in self.names.items()}
        shown = (_("“%(name)s”", name=called[key]) if key in called else key for key in keys)
        return ", ".join(str(one) for one in shown)


def of_project(session: Session, project: Project) -> Gap | None:
    """Return what a project asks and cannot ask now; nothing where all is well."""
    found = templates.asking(session, project)
    return _gap(session, found) if found is not None else None


def of_field(session: Session, field: Field) -> Gap | None:
    """Return what the template of a field asks that its bank no longer has."""
    template = templates.of_field(session, field)
    if template is None:
        return None
    return _gap(session, templates.fitted(template, banks.current(session, field)))


def of_projects(session: Session) -> list[tuple[Project, Organisation, Gap]]:
    """Return every project that runs and asks for what cannot be asked now."""
    found = []
    for project in _asking_more(session):
        gap = of_project(session, project)
        if gap is not None:
            organisation = session.get_one(Organisation, project.organisation_id)
            found.append((project, organisation, gap))
    return found


def after(session: Session, draft: BankDraft, bank: Bank) -> list[tuple[Project, Lacking]]:
    """Return the projects that would lack something if this were the next version of a bank."""
    found = []
    for project in _asking_more(session):
        asking = templates.asking(session, project)
        own = draft.id if draft.organisation_id is not None else None
        if asking is None or project.field is not draft.field or asking.template.bank_id != own:
            continue
        lacking = terms.lacking(asking.written, bank)
        if not lacking.is_nothing:
            found.append((project, lacking))
    return found


def field_after(session: Session, draft: BankDraft, bank: Bank) -> Lacking | None:
    """Return what the template of a field would lack if this were the next version of its bank."""
    template = templates.of_field(session, draft.field)
    if template is None or draft.organisation_id is not None:
        return None
    lacking = terms.lacking(templates.read(template), bank)
    return None if lacking.is_nothing else lacking


def from_bank(session: Session, draft: BankDraft) -> list[Project]:
    """Return the projects that ask from an organisation's own bank."""
    found = []
    for project in _asking_more(session):
        asking = templates.asking(session, project)
        if asking is not None and asking.template.bank_id == draft.id:
            found.append(project)
    return found


def tell(session: Session, project: Project, at: datetime) -> bool:
    """Write to the owners of a project about what it lacks, once; say whether it was new."""
    gap = of_project(session, project)
    if gap is None:
        return False
    digest = hashlib.sha256(json.dumps(gap.told, sort_keys=True).encode()).hexdigest()
    made = session.execute(
        insert(TemplateGap)
        .values(template_id=gap.template.id, digest=digest, lacking=gap.told, told_at=at)
        .on_conflict_do_nothing()
        .returning(col(TemplateGap.id))
    ).scalar()
    if made is None:
        return False
    for _one, person in organisations.members(session, project.organisation_id):
        messages.write(
            session,
            to=person,
            template="interviews/gap",
            project=project,
            gap=gap,
            url=f"{current_settings().public_url}/projects/{id_of(project)}/interview",
        )
    audit.record(
        session,
        "project.interview_gap",
        by=None,
        subject=f"project:{id_of(project)}",
        details=gap.told,
    )
    return True


def running(session: Session) -> list[int]:
    """Return the projects that may lack something, by their number."""
    return [id_of(one) for one in _asking_more(session)]


def told_at(session: Session, gap: Gap) -> datetime | None:
    """Return when the owners were last written to about a template."""
    query = select(TemplateGap.told_at).where(TemplateGap.template_id == gap.template.id)
    return session.exec(query.order_by(col(TemplateGap.id).desc()).limit(1)).first()


def _asking_more(session: Session) -> Iterator[Project]:
    has_one = select(InterviewTemplate.id).where(
        col(InterviewTemplate.project_id) == col(Project.id),
        col(InterviewTemplate.content).is_not(None),
    )
    query = select(Project).where(col(Project.state).in_(RUNNING), has_one.exists())
    yield from session.exec(query.order_by(col(Project.id))).all()


def _gap(session: Session, found: templates.Asking) -> Gap | None:
    held_up = found.bank is None
    if found.lacking.is_nothing and not held_up:
        return None
    own = found.template.bank_id
    theirs = banks.own_by_id(session, own) if own is not None else None
    return Gap(
        template=found.template,
        lacking=found.lacking,
        asked_up_to=found.written.adaptive.most,
        is_held_up=held_up,
        withdrawal=theirs.withdrawal if theirs is not None else None,
        names=_names(session, found),
    )


def _names(session: Session, found: templates.Asking) -> dict[str, Text]:
    """Return what the things were called that are lacking, by the last edition that had them."""
    gone = {*found.lacking.competencies, *found.lacking.must_cover}
    names: dict[str, Text] = {}
    for bank in _editions(session, found.template) if gone else ():
        called = {item.id: item.title for item in [*bank.items, *bank.retired]}
        called |= {key: one.label for key, one in bank.competencies.items()}
        names = {key: called[key] for key in gone & called.keys()} | names
        if gone <= names.keys():
            break
    return names


def _editions(session: Session, template: InterviewTemplate) -> Iterator[Bank]:
    """Return the last versions of a template's bank, the newest first."""
    of_bank = (
        col(BankDraft.id) == template.bank_id
        if template.bank_id is not None
        else (col(BankDraft.field) == template.field) & col(BankDraft.organisation_id).is_(None)
    )
    query = (
        select(BankPublication.digest)
        .join(BankDraft, col(BankDraft.id) == col(BankPublication.bank_id))
        .where(of_bank)
        .order_by(col(BankPublication.version).desc())
    )
    for digest in session.exec(query.limit(LOOKED_AT)):
        yield kept.by_digest(session, digest)
    starter = items.banks().get(template.field)
    if template.bank_id is None and starter is not None:
        yield starter
