"""Fair hiring: what people declare of themselves, and how interviews came out by category.

Nothing that scores, matches or decides reads this; tests/interviews/test_fairness.py holds that.
The formulas are in `interviews.impact`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import product
from typing import Any

from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import Session, col, delete, func, select

from core import audit, formats
from experts.fields import Field
from interviews import impact
from interviews.impact import BOTH, ETHNICITY, SEX, By, Case, Key, Table
from interviews.models import Ethnicity, Interview, SelfDeclaration, Sex, State

SEX_WORDS: dict[Sex, LazyString] = {
    Sex.FEMALE: _l("Female"),
    Sex.MALE: _l("Male"),
    Sex.ANOTHER: _l("Another, or non-binary"),
    Sex.NOT_SAID: _l("I prefer not to say"),
}
ETHNICITY_WORDS: dict[Ethnicity, LazyString] = {
    Ethnicity.HISPANIC: _l("Hispanic or Latino"),
    Ethnicity.WHITE: _l("White"),
    Ethnicity.BLACK: _l("Black or African American"),
    Ethnicity.PACIFIC: _l("Native Hawaiian or other Pacific Islander"),
    Ethnicity.ASIAN: _l("Asian"),
    Ethnicity.NATIVE: _l("American Indian or Alaska Native"),
    Ethnicity.TWO_OR_MORE: _l("Two or more races"),
    Ethnicity.NOT_SAID: _l("I prefer not to say"),
}
SEXES = [sex for sex in Sex if sex is not Sex.NOT_SAID]
ETHNICITIES = [one for one in Ethnicity if one is not Ethnicity.NOT_SAID]
CATEGORIES: dict[By, list[Key]] = {
    SEX: [(sex.value,) for sex in SEXES],
    ETHNICITY: [(one.value,) for one in ETHNICITIES],
    BOTH: [(sex.value, one.value) for sex, one in product(SEXES, ETHNICITIES)],
}
RULE_OF_THUMB = Fraction(4, 5)


@dataclass(frozen=True)
class Period:
    """From when, inclusive, and until when, exclusive."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Report:
    """The rates of a period, by sex, by race or ethnicity, and by both."""

    period: Period
    assessed: int
    waiting: int
    middle: float | None
    selection: tuple[Table, ...]
    scoring: tuple[Table, ...]
    at_least: int = 0


def declared(session: Session, user_id: int) -> SelfDeclaration | None:
    """Return what a person has declared of themselves."""
    return session.get(SelfDeclaration, user_id)


def declare(
    session: Session, user_id: int, sex: Sex | None, ethnicity: Ethnicity | None, *, at: datetime
) -> None:
    """Keep what a person declares, instead of what they said before; nothing said is nothing kept.

    The audit trail says that they did, never what.
    """
    if sex is None and ethnicity is None:
        erase(session, user_id)
        return
    said = {"sex": sex, "ethnicity": ethnicity, "declared_at": at}
    row = insert(SelfDeclaration).values(user_id=user_id, **said)
    session.execute(row.on_conflict_do_update(index_elements=["user_id"], set_=said))
    audit.record(session, "declaration.made", by=user_id, subject=f"user:{user_id}")


def erase(session: Session, user_id: int) -> bool:
    """Forget what a person has declared; say whether there was something."""
    gone = session.execute(delete(SelfDeclaration).where(col(SelfDeclaration.user_id) == user_id))
    if not gone.rowcount:  # type: ignore[attr-defined]
        return False
    audit.record(session, "declaration.erased", by=user_id, subject=f"user:{user_id}")
    return True


def report(
    session: Session, period: Period, *, small: Fraction, field: Field | None = None
) -> Report:
    """Return the rates of interviews decided in a period.

    A person counts once for each field, by their last decided interview there. The score is the
    one of the scorecard; a result that a second look has changed counts as changed.
    """
    found = cases(session, period, field)
    return Report(
        period=period,
        assessed=len(found),
        waiting=_waiting(session, period, field),
        middle=impact.middle_score(found),
        selection=tuple(
            impact.selection(found, by, keys, small=small) for by, keys in CATEGORIES.items()
        ),
        scoring=tuple(
            impact.scoring(found, by, keys, small=small) for by, keys in CATEGORIES.items()
        ),
    )


def in_public(found: Report, at_least: int) -> Report:
    """Return a report in which nobody can be told from a small category."""
    if at_least < 2:
        return found
    return Report(
        period=found.period,
        assessed=found.assessed,
        waiting=found.waiting,
        middle=found.middle,
        selection=_tables_in_public(found.selection, at_least),
        scoring=_tables_in_public(found.scoring, at_least),
        at_least=at_least,
    )


def cases(session: Session, period: Period, field: Field | None = None) -> Sequence[Case]:
    """Return those who were assessed in a period."""
    last = (
        select(
            Interview.expert_id,
            Interview.state,
            col(Interview.scorecard)["total"]["share"].as_float().label("score"),
        )
        .where(
            col(Interview.state).in_((State.PASSED, State.FAILED)),
            col(Interview.decided_at) >= period.since,
            col(Interview.decided_at) < period.until,
            col(Interview.project_id).is_(None),  # who may work in a field is decided by the field
        )
        .ext(distinct_on(col(Interview.expert_id), col(Interview.field)))
        .order_by(col(Interview.expert_id), col(Interview.field), col(Interview.decided_at).desc())
    )
    if field is not None:
        last = last.where(Interview.field == field)
    one = last.subquery()
    query = select(
        SelfDeclaration.sex, SelfDeclaration.ethnicity, one.c.state, one.c.score
    ).select_from(one.outerjoin(SelfDeclaration, col(SelfDeclaration.user_id) == one.c.expert_id))
    return [_case(*row) for row in session.exec(query)]


def words_of(key: Key, by: By) -> str:
    """Return a category in words."""
    words: dict[str, dict[Any, LazyString]] = {"sex": SEX_WORDS, "ethnicity": ETHNICITY_WORDS}
    return ", ".join(str(words[name][value]) for name, value in zip(by, key, strict=True))


def summary(found: Report) -> list[str]:
    """Say in plain words what the tables show; first of all, how much they can show."""
    if not found.assessed:
        return [_("Nobody was assessed in this period, so there is nothing to compare.")]
    said = [ngettext("One person was assessed.", "%(num)s people were assessed.", found.assessed)]
    for table in found.selection[:2]:
        said.append(_known(table))
    said += [_of_table(table, is_score=False) for table in found.selection]
    said += [_of_table(table, is_score=True) for table in found.scoring]
    said.append(
        _(
            "An impact ratio of 1 is the category with the highest rate. Under 0.80 is often taken"
            " as a reason to look closer: a rule of thumb, neither a proof nor an acquittal, and"
            " with few people chance alone moves it far."
        )
    )
    return said


def _tables_in_public(tables: Sequence[Table], at_least: int) -> tuple[Table, ...]:
    """Hide small categories; where one is hidden, so is every crossing that adds up to it."""
    sexes, ethnicities, both = tables
    shown = [impact.in_public(sexes, at_least), impact.in_public(ethnicities, at_least)]
    gone = {row.key[0] for table in shown for row in table.rows if row.hidden}
    crossings = frozenset(row.key for row in both.rows if gone & set(row.key))
    return (*shown, impact.in_public(both, at_least, crossings))


def _known(table: Table) -> str:
    values = {
        "known": formats.number(table.known),
        "unknown": formats.number(table.unknown),
    }
    if table.by == SEX:
        return str(_("Of these %(known)s declared their sex, %(unknown)s did not.", **values))
    return str(_("%(known)s declared their race or ethnicity, %(unknown)s did not.", **values))


def _of_table(table: Table, *, is_score: bool) -> str:
    shown = [row for row in table.rows if row.ratio is not None]
    values: dict[str, Any] = {"what": _what(table.by, is_score)}
    if len(shown) < 2:
        return str(_("%(what)s: too few categories with enough people to compare.", **values))
    best = max(shown, key=lambda row: row.ratio or 0)
    worst = min(shown, key=lambda row: row.ratio or 0)
    values |= {
        "best": words_of(best.key, table.by),
        "best_rate": formats.percent(float(best.rate or 0), 1),
        "worst": words_of(worst.key, table.by),
        "worst_rate": formats.percent(float(worst.rate or 0), 1),
        "ratio": formats.number(float(worst.ratio or 0), 2),
    }
    if worst.ratio == 1:
        return str(_("%(what)s: the rates are equal, %(best_rate)s.", **values))
    words = _(
        "%(what)s: highest for “%(best)s” (%(best_rate)s), lowest for “%(worst)s”"
        " (%(worst_rate)s), an impact ratio of %(ratio)s.",
        **values,
    )
    below = sum((row.ratio or 0) < RULE_OF_THUMB for row in shown)
    if not below:
        return str(words)
    more = ngettext("One category is under 0.80.", "%(num)s categories are under 0.80.", below)
    return f"{words} {more}"


def _what(by: By, is_score: bool) -> str:
    words = {
        (SEX, False): _("Passing, by sex"),
        (ETHNICITY, False): _("Passing, by race or ethnicity"),
        (BOTH, False): _("Passing, by both"),
        (SEX, True): _("Scores above the median, by sex"),
        (ETHNICITY, True): _("Scores above the median, by race or ethnicity"),
        (BOTH, True): _("Scores above the median, by both"),
    }
    return str(words[by, is_score])


def _case(sex: Sex | None, ethnicity: Ethnicity | None, state: State, score: float) -> Case:
    return Case(
        sex=None if sex is Sex.NOT_SAID else sex,
        ethnicity=None if ethnicity is Ethnicity.NOT_SAID else ethnicity,
        selected=state is State.PASSED,
        score=score,
    )


def _waiting(session: Session, period: Period, field: Field | None) -> int:
    query = select(func.count()).where(
        Interview.state == State.REVIEW,
        col(Interview.project_id).is_(None),
        col(Interview.finished_at) >= period.since,
        col(Interview.finished_at) < period.until,
    )
    if field is not None:
        query = query.where(Interview.field == field)
    return session.exec(query).one()
