"""Calibrations of banks: proposed from real answers, accepted by operators, used from then on.

An interview counts by the curves that were accepted when it began, however often they change
later: each step keeps its own, and the levels of the whole bank are those of that moment.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import object_session
from sqlmodel import Session, col, func, select

from accounts.models import User
from core import audit
from core.errors import Conflict, Invalid
from experts.fields import Field
from interviews import calibrating, curves, editions, girth_opinion, item_fit
from interviews.ability import Curve
from interviews.calibrating import Answers, Calibrated
from interviews.calibration_models import (
    CalibrationChoice,
    CalibrationRun,
    ChoiceKind,
    ItemCalibration,
    ItemVerdict,
)
from interviews.curves import NONE, Known
from interviews.girth_opinion import GirthAbsent, Opinion
from interviews.item_fit import Difference, Look
from interviews.items import Bank, Item
from interviews.models import BankEdition, Interview, State
from interviews.template_models import InterviewTemplate

log = logging.getLogger(__name__)

LATEST = 4_000  # interviews that a run looks at
FEW = 30  # answers under which nothing is said of an item
FINISHED = (State.PASSED, State.FAILED, State.REVIEW)
ONE_AT_A_TIME = text("select pg_try_advisory_xact_lock(hashtextextended(:field, 7220501))")
GIVEN = text("""
    select i.id, i.edition, r.position, r.item_id, r.points, r.language
    from (
        select id, edition, finished_at from interview
        where field = :field and state in ('passed', 'failed', 'review') and not exists (
            -- from an organisation's own bank
            select from interview_template t
            where t.id = interview.template_id and t.bank_id is not null
        )
        order by finished_at desc, id desc limit :latest
    ) i join interview_response r on r.interview_id = i.id
    order by i.finished_at, i.id, r.position
""")
# Apart from the answers: a plan is long, and would come again with each of them.
PLANS = text("select id, plan from interview where id = any(:ids)")
ONE_CHOICE = text("select pg_advisory_xact_lock(hashtextextended(:field, 7220502))")
CHOICES = text("""
    select distinct on (c.item) c.item, c.kind, c.run_id, k.content, k.discrimination, k.thresholds
    from calibration_choice c
    join calibration_run r on r.id = c.run_id
    join item_calibration k on k.run_id = c.run_id and k.item = c.item
    where r.field = :field and c.at <= :at
    order by c.item, c.id desc
""")


class NotTheLatest(Conflict):
    """A newer calibration is there. Look at that one; nothing was changed."""


class ItemChanged(Conflict):
    """An item has other words now than when people answered it. Nothing was changed."""


class NothingChosen(Invalid):
    """Choose at least one item whose curve is to count."""


class NotAccepted(Conflict):
    """This curve does not count now, so there is nothing to take back."""


@dataclass(frozen=True)
class Progress:
    """How many finished interviews there are for a calibration, and how many it needs."""

    finished: int
    needed: int
    new: int
    new_needed: int

    @property
    def is_enough(self) -> bool:
        """Whether there are answers enough to say anything."""
        return self.finished >= self.needed

    @property
    def is_due(self) -> bool:
        """Whether enough of them are new."""
        return self.is_enough and self.new >= self.new_needed


def in_force(session: Session, bank: Bank, at: datetime) -> Known:
    """Return the curves that count for an interview which begins at a time."""
    asked = {"field": bank.field, "at": at}
    words = contents(bank)
    found = {
        row.item: Curve(row.discrimination, tuple(row.thresholds))
        for row in session.execute(CHOICES, asked)
        if row.kind == ChoiceKind.ACCEPTED and words.get(row.item) == row.content
    }
    if not found:
        return NONE
    said = repr(sorted((key, one.slope, one.thresholds) for key, one in found.items()))
    return Known(hashlib.sha256(said.encode()).hexdigest(), found)


def of(interview: Interview, bank: Bank) -> Known:
    """Return the curves that count for an interview."""
    session = object_session(interview)
    if session is None:
        raise ValueError("the interview is not of a session")
    assert isinstance(session, Session)
    with session.no_autoflush:  # half-scored, it is what the database refuses
        return in_force(session, bank, interview.started_at)


def progress(session: Session, bank: Bank, needed: int) -> Progress:
    """Return how far the answers of a field are."""
    run = latest(session, bank.field)
    finished = session.exec(
        select(func.count()).select_from(Interview).where(*_of_field(bank))
    ).one()
    since = 0
    if run is not None:
        since = session.exec(
            select(func.count())
            .select_from(Interview)
            .where(
                *_of_field(bank),
                col(Interview.finished_at) > run.made_at,
            )
        ).one()
    return Progress(finished, needed, finished if run is None else since, max(1, needed // 4))


def propose(session: Session, bank: Bank, *, at: datetime) -> CalibrationRun | None:
    """Work out the curves of a bank from all answers; nothing where another does so just now.

    The same answers make one run, however often they are worked out.
    """
    if not session.execute(ONE_AT_A_TIME, {"field": bank.field}).scalar_one():
        return None
    rows, answers = _answers(session, bank)
    if not answers.people:
        return None
    editions.freeze(session, bank, at)
    priors = [curves.prior(item) for item in bank.items]
    found = calibrating.calibrate(answers, priors)
    looks = item_fit.look(answers, [one.curve for one in found.items])
    opinion = _opinion(answers, found.items)
    made = session.execute(
        insert(CalibrationRun)
        .values(
            field=bank.field,
            edition=bank.digest,
            answers_digest=_digest(bank, rows),
            interviews=answers.people,
            responses=int((answers.items >= 0).sum()),
            people_mean=found.people.mean,
            people_deviation=found.people.deviation,
            girth_agrees=opinion.agrees if opinion else None,
            girth_items=opinion.items if opinion else None,
            made_at=at,
        )
        .on_conflict_do_nothing(index_elements=["field", "answers_digest"])
        .returning(col(CalibrationRun.id))
    ).scalar()
    if made is None:
        return None
    before = _places_before(session, bank, made)
    words = contents(bank)
    for item, prior, one, seen in zip(bank.items, priors, found.items, looks, strict=True):
        row = _row(item, prior, one, seen, answers.people)
        session.add(
            ItemCalibration(
                run_id=made,
                content=words[item.id],
                before=before.get((item.id, words[item.id])),
                **row,
            )
        )
    session.flush()
    audit.record(
        session,
        "calibration.proposed",
        by=None,
        subject=f"calibration:{made}",
        details={"field": str(bank.field), "interviews": answers.people},
    )
    return session.get_one(CalibrationRun, made)


def latest(session: Session, field: Field) -> CalibrationRun | None:
    """Return the latest run of a field."""
    query = select(CalibrationRun).where(CalibrationRun.field == field)
    return session.exec(query.order_by(col(CalibrationRun.id).desc()).limit(1)).first()


def items_of(session: Session, run: CalibrationRun) -> Sequence[ItemCalibration]:
    """Return what a run found, by item."""
    query = select(ItemCalibration).where(ItemCalibration.run_id == run.key)
    return session.exec(query.order_by(col(ItemCalibration.item))).all()


def counting(session: Session, bank: Bank, at: datetime) -> dict[str, int]:
    """Return of which run the curve of an item counts, for those that do not have their prior."""
    words = contents(bank)
    return {
        row.item: row.run_id
        for row in session.execute(CHOICES, {"field": bank.field, "at": at})
        if row.kind == ChoiceKind.ACCEPTED and words.get(row.item) == row.content
    }


def accept(
    session: Session,
    run: CalibrationRun,
    chosen: Collection[str],
    bank: Bank,
    *,
    by: User,
    at: datetime,
) -> int:
    """Let curves count for interviews that begin from now on; `run` is locked by the caller."""
    _hold(session, run.field)
    newest = latest(session, run.field)
    if newest is None or newest.key != run.key:
        raise NotTheLatest
    if not chosen:
        raise NothingChosen
    known, there = contents(bank), {one.item: one for one in items_of(session, run)}
    if any(key not in there or known.get(key) != there[key].content for key in chosen):
        raise ItemChanged
    now_counting = counting(session, bank, at)
    new = [key for key in sorted(set(chosen)) if now_counting.get(key) != run.key]
    _choose(session, run, new, ChoiceKind.ACCEPTED, by, at)
    return len(new)


def withdraw(
    session: Session, run: CalibrationRun, item_id: str, bank: Bank, *, by: User, at: datetime
) -> None:
    """Let an item count by its prior again; `run` is locked by the caller."""
    _hold(session, run.field)
    if counting(session, bank, at).get(item_id) != run.key:
        raise NotAccepted
    _choose(session, run, [item_id], ChoiceKind.WITHDRAWN, by, at)


def content_of(item: Item) -> str:
    """Return the digest of what people read of an item: priors and rules may change beside it."""
    passage = item.passage.model_dump_json() if item.passage else ""
    return hashlib.sha256(f"{passage}{item.question.model_dump_json()}".encode()).hexdigest()


def verdict(one: Calibrated, seen: Look) -> ItemVerdict:
    """Return what is to be said of an item."""
    if seen.fit is not None and seen.fit.is_flagged:
        return ItemVerdict.MISFIT
    if seen.drift is not None and seen.drift.is_flagged:
        return ItemVerdict.DRIFT
    if seen.languages is not None and seen.languages.is_flagged:
        return ItemVerdict.LANGUAGE
    return ItemVerdict.FEW if one.answers < FEW else ItemVerdict.FINE


def _hold(session: Session, field: Field) -> None:
    """Let one at a time choose curves of a field: two runs may have the same item."""
    session.execute(ONE_CHOICE, {"field": field})


def _choose(
    session: Session,
    run: CalibrationRun,
    chosen: Iterable[str],
    kind: ChoiceKind,
    by: User,
    at: datetime,
) -> None:
    keys = list(chosen)
    for key in keys:
        session.add(
            CalibrationChoice(run_id=run.key, item=key, kind=kind, by_user_id=by.id or 0, at=at)
        )
    if keys:
        audit.record(
            session,
            f"calibration.{kind}",
            by=by.id,
            subject=f"calibration:{run.key}",
            details={"items": keys},
        )


def _answers(session: Session, bank: Bank) -> tuple[list[Any], Answers]:
    """Return the answers to items that have the same words still, by person, oldest first."""
    words = contents(bank)
    places = {item.id: number for number, item in enumerate(bank.items)}
    scales = {item.id: curves.prior(item) for item in bank.items}
    asked = {"field": bank.field, "latest": LATEST}
    kept = [
        row
        for row in session.execute(GIVEN, asked)
        if words.get(row.item_id, "") == _edition_contents(session, row.edition).get(row.item_id)
    ]
    rows, fixed, languages = [], [], []
    plans = _plans(session, {row.id for row in kept})
    for _key, group in groupby(kept, key=lambda row: row.id):
        of_one = list(group)
        rows.append(
            [(places[row.item_id], scales[row.item_id].category(row.points)) for row in of_one]
        )
        known = _fixed(_edition(session, of_one[0].edition), plans[of_one[0].id])
        fixed.append(sum(row.position <= known for row in of_one))
        languages.append(Counter(row.language for row in of_one).most_common(1)[0][0])
    return kept, item_fit.padded(rows, fixed, languages)


def _of_field(bank: Bank) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of finished interviews that asked from the bank of a field."""
    own = select(InterviewTemplate.id).where(
        col(InterviewTemplate.id) == col(Interview.template_id),
        col(InterviewTemplate.bank_id).is_not(None),
    )
    return (
        col(Interview.field) == bank.field,
        col(Interview.state).in_(FINISHED),
        ~own.exists(),
    )


def _plans(session: Session, ids: Collection[int]) -> dict[int, Sequence[Mapping[str, Any]]]:
    return {row.id: row.plan for row in session.execute(PLANS, {"ids": list(ids)})}


def _fixed(bank: Bank, steps: Sequence[Mapping[str, Any]]) -> int:
    """Return how many first questions of an interview did not follow from its answers."""
    if steps[0].get("curve") is None:
        return len(steps)
    return sum(bank.item(step["item"]).core is not None for step in steps)


def _digest(bank: Bank, rows: Sequence[Any]) -> str:
    found = hashlib.sha256(bank.digest.encode())
    for row in rows:
        found.update(f"{row.id}:{row.item_id}:{row.points:.4f};".encode())
    return found.hexdigest()


def _opinion(answers: Answers, found: Sequence[Calibrated]) -> Opinion | None:
    try:
        return girth_opinion.ask(answers, found)
    except GirthAbsent as absent:
        log.info("%s", absent)
        return None


def _places_before(session: Session, bank: Bank, made: int) -> dict[tuple[str, str], float]:
    before = session.exec(
        select(CalibrationRun)
        .where(CalibrationRun.field == bank.field, col(CalibrationRun.id) < made)
        .order_by(col(CalibrationRun.id).desc())
        .limit(1)
    ).first()
    if before is None:
        return {}
    return {(one.item, one.content): one.difficulty for one in items_of(session, before)}


def _row(item: Item, prior: Curve, one: Calibrated, seen: Look, people: int) -> dict[str, Any]:
    return {
        "item": item.id,
        "answers": one.answers,
        "exposure": one.answers / people,
        "difficulty": one.place,
        "difficulty_error": one.place_error,
        "discrimination": one.curve.slope,
        "discrimination_error": one.slope_error,
        "prior_difficulty": item.difficulty,
        "prior_discrimination": prior.slope,
        "thresholds": list(one.curve.thresholds),
        "infit": seen.fit.infit if seen.fit else None,
        "outfit": seen.fit.outfit if seen.fit else None,
        "misfit": seen.fit.score if seen.fit else None,
        "bins": [vars(bin_) for bin_ in seen.fit.bins] if seen.fit else [],
        "verdict": verdict(one, seen),
        **_difference("drift", seen.drift),
        **_difference("language", seen.languages),
    }


def _difference(name: str, found: Difference | None) -> dict[str, float | None]:
    return {
        name: found.size if found else None,
        f"{name}_error": found.error if found else None,
    }


def contents(bank: Bank) -> Mapping[str, str]:
    """Return the digests of what people read, by item."""
    if bank.digest not in _CONTENTS:
        _CONTENTS[bank.digest] = {item.id: content_of(item) for item in bank.items}
    return _CONTENTS[bank.digest]


def _edition(session: Session, digest: str) -> Bank:
    return _parsed(session.get_one(BankEdition, digest).content)


def _edition_contents(session: Session, digest: str) -> Mapping[str, str]:
    return _CONTENTS.get(digest) or contents(_edition(session, digest))


@lru_cache(maxsize=32)
def _parsed(content: str) -> Bank:
    return Bank.model_validate_json(content)


_CONTENTS: dict[str, Mapping[str, str]] = {}
