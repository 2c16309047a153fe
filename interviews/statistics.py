"""How items and interviews fare: what answers say of each question, and where people leave.

Figures are for operators who keep a bank. Nothing is decided by them. Under so many answers an item
has no figures of how it fares, since they would speak of single persons.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session

from experts.fields import Field
from interviews.items import Bank, Item
from interviews.models import Mode

ENOUGH = 10
LOOK_BACK = timedelta(days=365)
# `organisation` is whose bank the questions came from, 0 for the instance.
# By item: what was given, and how its points go with the level that the whole interview came to.
ITEMS = text("""
    with asked as (
        select id, level, texts_deleted_at from interview
        where field = :field and started_at >= :since and coalesce((
            select max(d.organisation_id)
            from bank_publication p join bank_draft d on d.id = p.bank_id
            where p.digest = interview.edition
        ), 0) = :organisation
    ), finished as (
        select id, level from asked where level is not null
    )
    select r.item_id as item, count(*) as answers, avg(r.points) as points,
        count(*) filter (where r.answer is null and i.texts_deleted_at is null) as blank,
        count(*) filter (where i.texts_deleted_at is null) as readable,
        count(*) filter (where r.remark <> '') as remarks,
        percentile_cont(0.5) within group (
            order by extract(epoch from r.answered_at - r.shown_at)
        ) as seconds,
        corr(r.points, f.level) as goes_with
    from interview_response r
    join asked i on i.id = r.interview_id
    left join finished f on f.id = i.id
    group by 1
""")
GIVEN = text("""
    with asked as (
        select plan from interview where field = :field and started_at >= :since and coalesce((
            select max(d.organisation_id)
            from bank_publication p join bank_draft d on d.id = p.bank_id
            where p.digest = interview.edition
        ), 0) = :organisation
    )
    select step ->> 'item' as item, count(*) as times, (select count(*) from asked) as interviews
    from asked, jsonb_array_elements(plan) as step group by 1
""")
WAY = text("""
    with counted as (
        select i.id, i.state, i.started_at, i.finished_at, i.decided_at, i.decided_rule,
            count(r.id) as answers
        from interview i left join interview_response r on r.interview_id = i.id
        where i.field = :field and i.started_at >= :since group by i.id
    )
    select count(*) as begun,
        count(*) filter (where answers > 0) as answered,
        count(*) filter (where state in ('review', 'passed', 'failed')) as finished,
        count(*) filter (where state = 'active') as active,
        count(*) filter (where state = 'abandoned') as left_early,
        count(*) filter (where state = 'expired') as expired,
        count(*) filter (where state = 'review') as waiting,
        count(*) filter (where state = 'passed') as passed,
        count(*) filter (where state = 'failed') as failed,
        count(*) filter (where decided_at is not null and decided_rule is null) as by_person,
        percentile_cont(0.5) within group (order by answers)
            filter (where state in ('review', 'passed', 'failed')) as questions,
        percentile_cont(0.5) within group (
            order by extract(epoch from finished_at - started_at)
        ) filter (where state in ('review', 'passed', 'failed')) as seconds,
        percentile_cont(0.5) within group (
            order by extract(epoch from decided_at - finished_at)
        ) filter (where decided_at is not null and decided_rule is null) as read_in
    from counted
""")
LEFT = text("""
    select answers, count(*) as people from (
        select i.id, count(r.id) as answers
        from interview i left join interview_response r on r.interview_id = i.id
        where i.field = :field and i.started_at >= :since and i.state in ('abandoned', 'expired')
        group by i.id
    ) left_early group by 1 order by 1
""")


GROUPS = text("""
    with counted as (
        select i.id, i.mode, i.state,
            mode() within group (order by r.language) as language, count(r.id) as answers,
            percentile_cont(0.5) within group (
                order by extract(epoch from r.answered_at - r.shown_at)) as each
        from interview i left join interview_response r on r.interview_id = i.id
        where i.field = :field and i.started_at >= :since group by i.id
    )
    select mode, language, count(*) as begun,
        count(*) filter (where state in ('review', 'passed', 'failed')) as finished,
        count(*) filter (where state in ('abandoned', 'expired')) as left_early,
        percentile_cont(0.5) within group (order by answers)
            filter (where state in ('abandoned', 'expired')) as left_after,
        percentile_cont(0.5) within group (order by each) as seconds
    from counted group by mode, language order by mode, language nulls last
""")
STEPS = text("""
    select r.position, count(*) as answers,
        percentile_cont(0.5) within group (
            order by extract(epoch from r.answered_at - r.shown_at)) as seconds,
        percentile_cont(0.9) within group (
            order by extract(epoch from r.answered_at - r.shown_at)) as most
    from interview_response r join interview i on i.id = r.interview_id
    where i.field = :field and i.started_at >= :since
    group by 1 having count(*) >= :enough order by 1
""")


@dataclass(frozen=True)
class Group:
    """How far people came in one way and language; none where nothing was answered."""

    mode: Mode
    language: str | None
    begun: int
    finished: int
    left_early: int
    left_after: float | None
    seconds: float | None


@dataclass(frozen=True)
class Pace:
    """How long the question in one place takes: half of people, and nine of ten, at most."""

    position: int
    answers: int
    seconds: float
    most: float


@dataclass(frozen=True)
class ItemFigures:
    """What answers say of an item; `given` is the share of interviews that had it."""

    item: Item
    competency: str
    answers: int
    given: float
    points: float | None
    blank: float | None
    seconds: float | None
    goes_with: float | None
    remarks: int

    @property
    def oddities(self) -> list[str]:
        """What is worth a look, by name; the words are the page's."""
        found = []
        is_core, is_known = self.item.core is not None, self.answers >= 2 * ENOUGH
        if self.given > self.item.exposure_cap and is_known and not is_core:
            found.append("often")
        if self.points is not None and not 0.05 <= self.points <= 0.97:
            found.append("extreme")
        if self.goes_with is not None and self.goes_with < 0.1:
            found.append("flat")
        if self.remarks:
            found.append("remarks")
        return found


@dataclass(frozen=True)
class Way:
    """How far people came who began an interview."""

    begun: int
    answered: int
    finished: int
    active: int
    left_early: int
    expired: int
    waiting: int
    passed: int
    failed: int
    by_person: int
    questions: float | None
    took: timedelta | None
    read_in: timedelta | None
    left_after: dict[int, int]


def items(
    session: Session, bank: Bank, language: str, *, at: datetime, organisation_id: int | None = None
) -> list[ItemFigures]:
    """Return the figures of every item of a bank, those worth a look first."""
    asked = {"field": bank.field, "since": at - LOOK_BACK, "organisation": organisation_id or 0}
    rows = {row.item: row for row in session.execute(ITEMS, asked)}
    given = {row.item: row.times / row.interviews for row in session.execute(GIVEN, asked)}
    found = []
    for item in bank.items:
        row = rows.get(item.id)
        enough = row is not None and row.answers >= ENOUGH
        found.append(
            ItemFigures(
                item=item,
                competency=bank.competencies[item.competency].label.in_(language),
                answers=row.answers if row else 0,
                given=given.get(item.id, 0.0),
                points=float(row.points) if row and enough else None,
                blank=row.blank / row.readable if row and row.readable >= ENOUGH else None,
                seconds=float(row.seconds) if row and enough else None,
                goes_with=row.goes_with if row and enough else None,
                remarks=row.remarks if row else 0,
            )
        )
    return sorted(found, key=lambda one: (-len(one.oddities), one.item.id))


def groups(session: Session, field: Field, *, at: datetime) -> list[Group]:
    """Return how far people came, by way and language; few people have no times."""
    found = []
    for row in session.execute(GROUPS, {"field": field, "since": at - LOOK_BACK}):
        enough = row.begun >= ENOUGH
        found.append(
            Group(
                mode=Mode(row.mode),
                language=row.language,
                begun=row.begun,
                finished=row.finished,
                left_early=row.left_early,
                left_after=row.left_after if enough else None,
                seconds=float(row.seconds) if enough and row.seconds is not None else None,
            )
        )
    return found


def pace(session: Session, field: Field, *, at: datetime) -> list[Pace]:
    """Return how long each question takes, by its place; places of few people are left out."""
    asked = {"field": field, "since": at - LOOK_BACK, "enough": ENOUGH}
    return [
        Pace(row.position, row.answers, float(row.seconds), float(row.most))
        for row in session.execute(STEPS, asked)
    ]


def way(session: Session, field: Field, *, at: datetime) -> Way:
    """Return how far those came who began in a field."""
    asked = {"field": field, "since": at - LOOK_BACK}
    row = session.execute(WAY, asked).one()
    left = {one.answers: one.people for one in session.execute(LEFT, asked)}
    seen = row._asdict()
    seconds, read_in = seen.pop("seconds"), seen.pop("read_in")
    return Way(
        **seen,
        took=timedelta(seconds=float(seconds)) if seconds is not None else None,
        read_in=timedelta(seconds=float(read_in)) if read_in is not None else None,
        left_after=left,
    )
