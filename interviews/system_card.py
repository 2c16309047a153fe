"""The card of the interview system: what it is for, what it decides, with what, and how it fares.

Everything on it is read from the settings, the banks and the database at that moment; nothing is
said of what does not run here. Its content without figures is kept whenever it has changed.
Figures of people are those of the last twelve whole months, so that two readings of the card do
not tell of one person; small ones are not shown.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from accounts.models import DecisionKind
from core import formats, languages, periods, processors
from core.settings import Settings
from experts.fields import Field
from interviews import (
    banks,
    calibration,
    fairness,
    modes,
    outcome,
    system_card_judges,
    transcripts,
)
from interviews.fairness import Period
from interviews.items import Bank
from interviews.models import Mode
from interviews.system_card_models import SystemCard

AT_LEAST = 10  # people under which a figure of them is not shown, whatever the settings say
FIGURES = text("""
    select field,
        count(*) as begun,
        count(*) filter (where state in ('passed', 'failed')) as decided,
        count(*) filter (where state = 'passed') as passed,
        count(*) filter (where decided_at is not null and decided_rule is null) as by_person,
        avg((scorecard -> 'total' ->> 'deviation')::float) as error,
        percentile_cont(0.5) within group (order by jsonb_array_length(plan))
            filter (where state in ('passed', 'failed')) as questions
    from interview where finished_at >= :since and finished_at < :until group by field
""")
OWN_BANKS = text("""
    select b.field, count(distinct b.id) as banks
    from bank_draft b join bank_publication p on p.bank_id = b.id
    where b.organisation_id is not null
        and not exists (
            select 1 from bank_withdrawal w where w.bank_id = b.id and w.ended_at is null
        )
    group by b.field order by b.field
""")
APPEALS = text("""
    select count(*) as asked,
        count(*) filter (where a.outcome = 'changed') as changed,
        count(*) filter (where a.outcome = 'stands') as stands,
        count(*) filter (where a.outcome is null) as open
    from appeal a join decision d on d.id = a.decision_id
    where d.kind = :kind and a.asked_at >= :since and a.asked_at < :until
""")


@dataclass(frozen=True)
class Grid:
    """A small table: its columns, and rows of words."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A part of the card: sentences, names with words, and a table, whichever it needs."""

    key: str
    title: str
    words: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    grid: Grid | None = None


@dataclass(frozen=True)
class Card:
    """The card in one language: its content, and the figures of a moment."""

    at: datetime
    digest: str
    content: tuple[Section, ...]
    figures: tuple[Section, ...]


@dataclass(frozen=True)
class Change:
    """When the card began to say something else, and in which parts."""

    digest: str
    first_seen_at: datetime
    titles: list[str] = field(default_factory=list)


def card(session: Session, settings: Settings, *, at: datetime) -> Card:
    """Return the card as it is now, in the reader's language."""
    return Card(
        at=at,
        digest=_digest(everywhere(session, settings)),
        content=content(session, settings),
        figures=figures(session, settings, at=at),
    )


def keep(session: Session, settings: Settings, *, at: datetime) -> bool:
    """Keep the content where it is new; say whether it was."""
    said = everywhere(session, settings)
    made = session.execute(
        insert(SystemCard)
        .values(digest=_digest(said), content=said, first_seen_at=at)
        .on_conflict_do_nothing()
        .returning(col(SystemCard.digest))
    )
    return made.first() is not None


def changes(session: Session, language: str) -> list[Change]:
    """Return the kept contents, the newest first, with the parts that were new in each."""
    query = select(SystemCard).order_by(col(SystemCard.first_seen_at), col(SystemCard.digest))
    found: list[Change] = []
    before: dict[str, Any] = {}
    for kept in session.exec(query):
        said = json.loads(kept.content)
        parts = {one["key"]: one for one in said.get(language) or next(iter(said.values()))}
        new = [one["title"] for key, one in parts.items() if before.get(key) != one]
        gone = [one["title"] for key, one in before.items() if key not in parts]
        found.append(Change(kept.digest, kept.first_seen_at, [*new, *gone] if before else []))
        before = parts
    return found[::-1]


def version(session: Session, digest: str) -> SystemCard | None:
    """Return a content that was kept."""
    return session.get(SystemCard, digest)


def everywhere(session: Session, settings: Settings) -> str:
    """Return the content in each language of the instance, as it is kept."""
    said = {}
    for language in languages.offered():
        with force_locale(language):
            said[language] = [asdict(one) for one in content(session, settings)]
    return json.dumps(said, ensure_ascii=False, sort_keys=True)


def content(session: Session, settings: Settings) -> tuple[Section, ...]:
    """Return what the card says without figures."""
    found = list(banks.every(session).values())
    return (
        _purpose(),
        _decides(),
        _data(settings),
        _banks(found, own_banks(session)),
        _rules(found),
        _abilities(found, settings),
        _models(settings),
        Section("judges", _("Judges and gates"), terms=_judges(session, settings)),
        _limits(found),
        _oversight(settings, found),
    )


def figures(session: Session, settings: Settings, *, at: datetime) -> tuple[Section, ...]:
    """Return how interviews fared in the last twelve whole months, and the items now."""
    period = _last_year(at)
    least = max(AT_LEAST, settings.fair_hiring_public_at_least)
    return (
        _results(session, period, least),
        _appeals(session, period, least),
        _groups(session, settings, period, least),
        _calibrated(session, at),
    )


def markdown(found: Card) -> str:
    """Return the card as Markdown."""
    lines = [f"# {_('System card: interviews')}", ""]
    lines += [_("As of %(time)s. Content %(digest)s.", **_stamp(found)), ""]
    for part in (*found.content, *found.figures):
        lines += [f"## {part.title}", ""]
        lines += [line for words in part.words for line in (_plain(words), "")]
        lines += [f"- **{_plain(name)}**: {_plain(words)}" for name, words in part.terms]
        lines += [""] if part.terms else []
        if part.grid is not None:
            lines += [_line(part.grid.columns), _line("---" for _column in part.grid.columns)]
            lines += [*(_line(row) for row in part.grid.rows), ""]
    return "\n".join(lines)


def as_json(found: Card, language: str) -> dict[str, Any]:
    """Return the card for programs."""
    return {
        "language": language,
        "at": found.at.isoformat(),
        "digest": found.digest,
        "content": [asdict(one) for one in found.content],
        "figures": [asdict(one) for one in found.figures],
    }


def _purpose() -> Section:
    return Section(
        "purpose",
        _("Purpose"),
        (
            _(
                "Interviews find out whether somebody knows a field well enough to be offered"
                " work of annotation in it. They look at answers to questions of that field, and"
                " at nothing else about a person."
            ),
            _(
                "A passed interview makes somebody eligible for projects that ask for it. It"
                " promises no work, and nothing else is made of it."
            ),
        ),
    )


def _decides() -> Section:
    return Section(
        "decides",
        _("What it decides, and what it never does"),
        terms=(
            (
                _("Decides by itself"),
                _(
                    "Passed, where the rule is met; not passed, only where the whole range of the"
                    " level lies below the pass mark and still would with every point that no"
                    " check found in answers in words."
                ),
            ),
            (
                _("Leaves to a person"),
                _(
                    "Everything near the mark, everything that fails on one competency alone, and"
                    " every interview of somebody who asked for a person."
                ),
            ),
            (
                _("Never"),
                _(
                    "It does not read name, address, profile, age, sex, origin or country; it"
                    " guesses no mood; it records no sound, picture, or other windows; how long"
                    " somebody takes does not count; it sets no pay and ends no account."
                ),
            ),
        ),
    )


def _data(settings: Settings) -> Section:
    days = periods.days(settings.retention_days, "transcripts")
    decisions_days = periods.days(settings.retention_days, "decisions")
    return Section(
        "data",
        _("Data, and how long it is kept"),
        terms=(
            (_("Used"), _("The answers, their time and language, and remarks on questions.")),
            (
                _("Answers"),
                _(
                    "Deleted once the result can no longer be contested or corrected: %(pass_days)s"
                    " days after a pass, at the end of the time to contest after a result against"
                    " somebody, later only while an appeal is open.",
                    pass_days=transcripts.AFTER_A_PASS.days,
                ),
            ),
            (
                _("Answers kept by consent"),
                ngettext(
                    "Kept for who agrees; those of interviews not passed go after %(num)s day.",
                    "Kept for who agrees; those of interviews not passed go after %(num)s days.",
                    days,
                )
                if days
                else _("Kept for who agrees, until they withdraw it."),
            ),
            (
                _("Points, levels and decisions"),
                ngettext(
                    "Kept; the grounds of decisions go after %(num)s day.",
                    "Kept; the grounds of decisions go after %(num)s days.",
                    decisions_days,
                )
                if decisions_days
                else _("Kept as the record of what was decided and why."),
            ),
        ),
    )


def _banks(banks: Sequence[Bank], own: tuple[str, ...]) -> Section:
    return Section(
        "banks",
        _("Banks of questions"),
        own,
        grid=Grid(
            (
                _("Field"),
                _("Version of the bank"),
                _("Edition"),
                _("Items"),
                _("Languages"),
                _("Questions"),
                _("Competencies"),
            ),
            tuple(
                (
                    str(bank.field.label),
                    str(bank.version),
                    bank.digest[:12],
                    formats.number(len(bank.items)),
                    _("English, French"),
                    _questions(bank),
                    ", ".join(
                        one.label.in_(formats.locale().language)
                        for one in bank.competencies.values()
                    ),
                )
                for bank in banks
            ),
        ),
    )


def own_banks(session: Session) -> tuple[str, ...]:
    """Say how many organisations ask from banks of their own, and what holds for those."""
    rows = session.execute(OWN_BANKS).all()
    if not rows:
        return (_("No organisation asks from a bank of its own."),)
    counted = ", ".join(
        ngettext("%(field)s: %(num)s bank", "%(field)s: %(num)s banks", row.banks, field=name)
        for row in rows
        for name in [str(Field(row.field).label)]
    )
    return (
        _(
            "Organisations ask for their projects from banks of their own (%(counted)s).",
            counted=counted,
        ),
        _(
            "Their questions are not on this card. They pass the same checks before they are"
            " published, are frozen with each interview, and what they show counts only for the"
            " projects of that organisation. The same rules of decision, reading and appeal hold."
        ),
    )


def _rules(banks: Sequence[Bank]) -> Section:
    return Section(
        "rules",
        _("Rules, marks and floors"),
        (
            _(
                "Each competency of a field weighs the same. The level is a share of the points"
                " of all questions; the pass mark is for the whole, the floor for each competency."
            ),
        ),
        grid=Grid(
            (
                _("Field"),
                _("Rule"),
                _("Pass mark"),
                _("Floor"),
                _("Certainty"),
                _("Days to contest"),
                _("Attempts"),
            ),
            tuple(
                (
                    str(bank.field.label),
                    bank.rule.name,
                    formats.percent(bank.rule.pass_mark),
                    formats.percent(bank.rule.floor),
                    formats.percent(bank.rule.certainty),
                    formats.number(bank.rule.contest_days),
                    _(
                        "%(num)s in %(days)s days",
                        num=bank.retakes.attempts,
                        days=bank.retakes.within_days,
                    ),
                )
                for bank in banks
            ),
        ),
    )


def _abilities(banks: Sequence[Bank], settings: Settings) -> Section:
    words = []
    if any(bank.template.adaptive for bank in banks):
        words.append(
            _(
                "Where questions follow from answers, an ability is estimated by the graded"
                " response model (Samejima), as the mean of what is left of a normal prior after"
                " the answers (EAP). The next question is one that tells most about the ability as"
                " it looks then, chosen by lot between a few."
            )
        )
    if any(bank.template.adaptive is None for bank in banks):
        words.append(_("Where questions are drawn by lot, a level is the share of points earned."))
    words.append(
        ngettext(
            "How hard items are is what their authors said, until at least %(num)s finished"
            " interview of the field calibrates them and an operator accepts that.",
            "How hard items are is what their authors said, until at least %(num)s finished"
            " interviews of the field calibrate them and an operator accepts that.",
            settings.calibration_interviews,
        )
    )
    return Section("abilities", _("How abilities are estimated"), tuple(words))


def _models(settings: Settings) -> Section:
    model = modes.model_of(settings)
    if model is None:
        return Section(
            "models", _("Language models"), (_("None is set up. Answers stay on this instance."),)
        )
    use = (
        _("leads interviews of those who choose it and agree")
        if Mode.LLM in modes.offered(model)
        else _("set up on this instance, but no interview uses it")
    )
    terms = [(model.name, f"{processors.place(settings.llm_base_url)}: {use}")]
    if settings.llm_second_model:
        place = processors.place(settings.llm_second_base_url or settings.llm_base_url)
        terms.append((settings.llm_second_model, _("%(place)s: second model", place=place)))
    if settings.llm_transcribe_model:
        place = processors.place(settings.llm_base_url)
        terms.append(
            (settings.llm_transcribe_model, _("%(place)s: turns speech into words", place=place))
        )
    return Section("models", _("Language models"), terms=tuple(terms))


def _judges(session: Session, settings: Settings) -> tuple[tuple[str, str], ...]:
    return tuple(system_card_judges.lines(session, settings))


def _limits(banks: Sequence[Bank]) -> Section:
    words = [
        _(
            "A short interview measures with an error; the range of each level is shown with it,"
            " and near the mark a person decides."
        ),
        _(
            "Answers in words are read by checks for certain expressions. A right answer in other"
            " words can be missed; so points that no check found never decide against anybody"
            " without a person."
        ),
        _(
            "Questions are in English and French only, and cover the competencies named above; they"
            " say nothing of other skills, or of how somebody works."
        ),
        _("Nobody watches who answers, or with what help, so a result is no proof of identity."),
    ]
    return Section("limits", _("Known limits"), tuple(words))


def _oversight(settings: Settings, banks: Sequence[Bank]) -> Section:
    contact = settings.interview_contact or _(
        "The operator has named none; decisions are contested on their own pages."
    )
    days = {formats.number(bank.rule.contest_days) for bank in banks}
    return Section(
        "oversight",
        _("People who watch over it, and contact"),
        terms=(
            (
                _("A person decides"),
                _(
                    "within %(days)s days, seeing answers, checks and points, with reasons in"
                    " words; what waits and for how long is on a page of the operators.",
                    days=outcome.READ_WITHIN.days,
                ),
            ),
            (
                _("Contesting"),
                _(
                    "Every result against somebody names reason, evidence and who decided, and can"
                    " be contested for %(days)s days; another look is taken by a person.",
                    days=", ".join(sorted(days)) or "–",
                ),
            ),
            (
                _("Watching"),
                _(
                    "Operators see how items fare, changes over time, differences between the"
                    " languages, and outcomes by group; a curve counts only once one accepted it."
                ),
            ),
            (_("Contact"), contact),
        ),
    )


def _results(session: Session, period: Period, least: int) -> Section:
    rows = {row.field: row for row in session.execute(FIGURES, _asked(period))}
    return Section(
        "results",
        _("Results"),
        (_of_period(period, least),),
        grid=Grid(
            (
                _("Field"),
                _("Interviews ended"),
                _("Decided"),
                _("Passed"),
                _("By a person"),
                _("Questions"),
                _("Error of an ability"),
            ),
            tuple(
                _result(bank, rows.get(bank.field), least) for bank in banks.every(session).values()
            ),
        ),
    )


def _result(bank: Bank, row: Any, least: int) -> tuple[str, ...]:
    name = str(bank.field.label)
    if row is None or row.decided < least:
        few = _("fewer than %(num)s", num=least)
        return (
            name,
            few if row is None or row.begun < least else formats.number(row.begun),
            few,
        ) + ("–",) * 4
    return (
        name,
        formats.number(row.begun),
        formats.number(row.decided),
        formats.percent(row.passed / row.decided),
        formats.percent(row.by_person / row.decided),
        formats.number(row.questions or 0),
        formats.number(row.error, 2) if row.error is not None else "–",
    )


def _appeals(session: Session, period: Period, least: int) -> Section:
    asked = {**_asked(period), "kind": DecisionKind.INTERVIEW_FAILED}
    row = session.execute(APPEALS, asked).one()
    if row.asked < least:
        few = _("Fewer than %(num)s in this period, so no figures are shown.", num=least)
        return Section("appeals", _("Appeals against results"), (few,))
    return Section(
        "appeals",
        _("Appeals against results"),
        terms=(
            (_("Appeals asked for"), formats.number(row.asked)),
            (_("Result changed"), formats.number(row.changed)),
            (_("Result stands"), formats.number(row.stands)),
            (_("Still open"), formats.number(row.open)),
        ),
    )


def _groups(session: Session, settings: Settings, period: Period, least: int) -> Section:
    title = _("Outcomes by group")
    if not settings.fair_hiring_public:
        words = _("The operator of this instance has not made figures by group public.")
        return Section("groups", title, (words,))
    small = Fraction(str(settings.fair_hiring_small_share))
    found = fairness.in_public(fairness.report(session, period, small=small), least)
    return Section("groups", title, tuple(fairness.summary(found)))


def _calibrated(session: Session, at: datetime) -> Section:
    rows = []
    for bank in banks.every(session).values():
        run = calibration.latest(session, bank.field)
        counting = calibration.counting(session, bank, at)
        rows.append(
            (
                str(bank.field.label),
                formats.number(len(counting)),
                formats.number(len(bank.items)),
                formats.day(run.made_at) if run else _("none yet"),
            )
        )
    columns = (_("Field"), _("Items by answers"), _("Of all"), _("Last calibration"))
    return Section("calibrated", _("Items calibrated now"), grid=Grid(columns, tuple(rows)))


def _questions(bank: Bank) -> str:
    if bank.template.adaptive is None:
        return formats.number(bank.questions)
    return str(_("%(least)s to %(most)s", least=bank.questions_least, most=bank.questions))


def _of_period(period: Period, least: int) -> str:
    return str(
        _(
            "The last twelve whole months, until %(until)s. Figures of fewer than %(num)s people"
            " are not shown.",
            until=formats.day_long(period.until),
            num=least,
        )
    )


def _last_year(at: datetime) -> Period:
    until = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period(until.replace(year=until.year - 1), until)


def _asked(period: Period) -> dict[str, datetime]:
    return {"since": period.since, "until": period.until}


def _digest(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()


def _stamp(found: Card) -> dict[str, str]:
    return {"time": formats.date_time_long(found.at), "digest": found.digest[:12]}


def _plain(words: str) -> str:
    """Return words that Markdown does not read as marks or as HTML."""
    escaped = "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in words)
    return " ".join(escaped.split())


def _line(cells: Iterable[str]) -> str:
    found = [one if one == "---" else _plain(one) for one in cells]
    return f"| {' | '.join(found)} |"
