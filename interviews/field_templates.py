"""What operators see of the templates of fields: what is asked, by which versions, by whom.

An interview keeps the version that it began with, so a change counts for those who begin later.
"""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlmodel import Session, col, func, select

from accounts.models import User
from core import formats
from experts.fields import Field
from interviews import banks, gaps, templates, terms
from interviews.gaps import Gap
from interviews.items import Bank
from interviews.models import Interview, State
from interviews.template_models import InterviewTemplate
from interviews.terms import Part, Terms


@dataclass(frozen=True)
class Here:
    """A field: its bank, the last version of its template, what counts now, what is lacking."""

    field: Field
    bank: Bank | None
    last: InterviewTemplate | None
    terms: Terms | None
    gap: Gap | None

    @property
    def is_own(self) -> bool:
        """Whether a template says what is asked, and not the bank alone."""
        return self.last is not None and self.last.content is not None


@dataclass(frozen=True)
class Running:
    """How many interviews are under way, by the version that they began with; None is the bank."""

    version: int | None
    count: int


@dataclass(frozen=True)
class Change:
    """A value that a version changes: what it is, what it was, what it is now."""

    name: str
    before: str
    after: str


def of(session: Session, field: Field) -> Here:
    """Return where a field stands."""
    bank, last = banks.current(session, field), templates.last_of_field(session, field)
    found = None
    if bank is not None:
        has_own = last is not None and last.content is not None
        found = templates.fitted(last, bank).terms if has_own and last else terms.of_bank(bank)
    return Here(field, bank, last, found, gaps.of_field(session, field))


def running(session: Session, field: Field) -> list[Running]:
    """Return how many interviews in a field are under way, the newest version first."""
    query = (
        select(InterviewTemplate.version, func.count())
        .select_from(Interview)
        .outerjoin(InterviewTemplate, col(InterviewTemplate.id) == col(Interview.template_id))
        .where(
            Interview.field == field,
            Interview.state == State.ACTIVE,
            col(Interview.project_id).is_(None),
        )
        .group_by(col(InterviewTemplate.version))
        .order_by(col(InterviewTemplate.version).desc().nulls_last())
    )
    return [Running(version, count) for version, count in session.exec(query)]


def minutes(wanted: Terms, bank: Bank) -> tuple[int, int]:
    """Return how long the shortest and the longest interview by some terms take."""
    shown = terms.applied(bank, wanted, code="FI-0", version=1)
    whole = terms.bounds(wanted, Part(asked=list(wanted.weights)), bank)
    return shown.minutes(whole.least), shown.minutes(whole.most)


def before(session: Session, template: InterviewTemplate) -> InterviewTemplate | None:
    """Return the version before one."""
    older = [
        one
        for one in templates.versions(session, field=template.field)
        if one.version < template.version
    ]
    return older[0] if older else None


def writers(session: Session, versions: list[InterviewTemplate]) -> dict[int, str]:
    """Return who wrote some versions, by name."""
    wanted = {one.written_by for one in versions}
    rows = session.exec(select(User).where(col(User.id).in_(wanted)))
    return {one.id: one.name or one.email for one in rows if one.id is not None}


def changes(old: Terms, new: Terms, bank: Bank | None) -> list[Change]:
    """Return what differs between two versions, in words."""
    was, now = dict(_values(old, bank)), dict(_values(new, bank))
    return [
        Change(name, was.get(name, "–"), now.get(name, "–"))
        for name in dict.fromkeys([*was, *now])
        if was.get(name) != now.get(name)
    ]


def _values(found: Terms, bank: Bank | None) -> list[tuple[str, str]]:
    number, percent, language = formats.number, formats.percent, formats.locale().language
    called = (
        {key: one.label.in_(language) for key, one in bank.competencies.items()} if bank else {}
    )
    titles = {item.id: item.title.in_(language) for item in bank.items} if bank else {}
    rows = []
    for key, weight in found.weights.items():
        rows.append((_("Weight of “%(name)s”", name=called.get(key, key)), number(weight)))
        floor = percent(found.floors[key])
        rows.append((_("Level at least in “%(name)s”", name=called.get(key, key)), floor))
    for_all = ", ".join(titles.get(key, key) for key in sorted(found.must_cover))
    rows += [
        (_("Level in all"), percent(found.pass_mark)),
        (_("Certainty with which the rule decides"), percent(found.certainty)),
        (_("Questions that everybody gets"), for_all or _("none")),
        (_("Questions at least"), number(found.adaptive.least)),
        (_("Questions at most"), number(found.adaptive.most)),
        (_("Minutes at most"), number(found.minutes)),
        (_("Hours that it stays open"), number(found.open_hours)),
        (_("Follow-up questions to an answer, at most"), number(found.follow_ups)),
        (_("Attempts at most"), number(found.retakes.attempts)),
        (_("Days in which attempts are counted"), number(found.retakes.within_days)),
        (_("Days between two attempts"), number(found.retakes.delay_days)),
        (
            _("Days after an attempt that was not finished"),
            number(found.retakes.delay_days_unfinished),
        ),
        (_("Other questions at a retake"), _yes(is_so=found.other_items)),
        (_("Free after a fault of ours"), _yes(is_so=found.free_after_outage)),
        (_("Days to contest a result"), number(found.contest_days)),
    ]
    return [(str(name), str(value)) for name, value in rows]


def _yes(*, is_so: bool) -> str:
    return str(_("yes") if is_so else _("no"))
