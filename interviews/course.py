"""The course of an interview whose questions follow from the answers (`interviews.adaptive`).

What the choice rests on is read from the database each time: the answers, what this person was
asked before, and which items the latest interviews had. The same answers lead to the same question,
so that a request that is sent again changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random

from sqlalchemy import text
from sqlmodel import Session, col, select

from interviews import (
    ability,
    adaptive,
    banks,
    calibration,
    curves,
    editions,
    graded,
    plan,
    scoring,
    templates,
    unread,
)
from interviews.adaptive import Candidate, Course
from interviews.curves import NONE, Known
from interviews.graded import Answered
from interviews.items import Bank
from interviews.models import Interview, Response
from interviews.plan import Step

LATEST = 200  # interviews whose items are counted
# Of the same bank: that of the field, or the own one of an organisation.
LATELY = text("""
    with latest as (
        select i.plan from interview i left join interview_template t on t.id = i.template_id
        where i.field = :field and t.bank_id is not distinct from cast(:own as integer)
        order by i.id desc limit :latest
    )
    select step ->> 'item' as item, count(*) as times, (select count(*) from latest) as interviews
    from latest, jsonb_array_elements(plan) as step group by 1
""")


def first(
    session: Session, bank: Bank, seed: str, *, attempt: int, seen: frozenset[str], at: datetime
) -> Step:
    """Return the question that an interview begins with."""
    known = calibration.in_force(session, bank, at)
    left = curves.pool(bank, plan.series_of(attempt), known)
    return _chosen(session, bank, known, [], left, [], f"{seed}:1", seen)


def following(
    session: Session, interview: Interview, bank: Bank, responses: Sequence[Response]
) -> Step | None:
    """Return the question after these answers, or None when enough is known."""
    known = calibration.in_force(session, bank, interview.started_at)
    pool = {one.id: one for one in curves.pool(bank, plan.series_of(interview.attempt), known)}
    steps = editions.steps(interview)
    asked = [pool[step.item] for step in steps]
    left = [one for key, one in pool.items() if key not in {step.item for step in steps}]
    given = answered(interview, bank, responses)
    missed = unread.points(bank, responses)
    full = [item_id for item_id, points in missed.items() if points > scoring.NOTHING]
    best = _shown(bank, answered(interview, bank, responses, full=full)) if full else None
    weak = _weak(bank, known, given)
    if adaptive.ending(of(bank, known), asked, left, _shown(bank, given), best, weak) is not None:
        return None
    if full:  # what nobody has read says nothing of what to ask next
        read = [one for one in responses if one.item_id not in full]
        given = answered(interview, bank, read)
    seed = f"{interview.seed}:{len(steps) + 1}"
    seen = _seen(session, interview) if bank.asks_others else frozenset()
    return _chosen(session, bank, known, asked, left, given, seed, seen)


def answered(
    interview: Interview, bank: Bank, responses: Sequence[Response], *, full: Sequence[str] = ()
) -> list[Answered]:
    """Return answers as they count; those to the items of `full` with all their points."""
    known = {step.item: step.curve for step in editions.steps(interview)}
    found = []
    for response in responses:
        curve, item_id = known[response.item_id], response.item_id
        assert curve is not None  # each step of a course has its curve
        points = 1.0 if item_id in full else response.points
        found.append(Answered(bank.item(item_id).competency, curve, points))
    return found


def of(bank: Bank, known: Known = NONE) -> Course:
    """Return the course of the interviews of a bank."""
    template = bank.template.adaptive
    if template is None:
        raise ValueError("the interviews of this bank are planned at their start")
    return Course(
        least=template.least,
        most=template.most,
        cut=graded.cut(bank, known),
        certainty=bank.rule.certainty,
        weights=bank.weights,
    )


def _chosen(
    session: Session,
    bank: Bank,
    known: Known,
    asked: Sequence[Candidate],
    left: Sequence[Candidate],
    given: Sequence[Answered],
    seed: str,
    seen: frozenset[str],
) -> Step:
    random = Random(f"{bank.digest}:{seed}")  # noqa: S311 - it guards nothing
    resting = _resting(session, bank) | seen
    shown = _shown(bank, given)
    weak = _weak(bank, known, given)
    found = adaptive.choose(of(bank, known), asked, left, shown, random, resting=resting, weak=weak)
    return plan.step(bank.item(found.id), found.curve, random)


def _shown(bank: Bank, given: Sequence[Answered]) -> ability.Estimate:
    return graded.whole(given, bank)


def _weak(bank: Bank, known: Known, given: Sequence[Answered]) -> frozenset[str]:
    return graded.below_high_floors(graded.scorecard(given, bank, known), bank)


def _resting(session: Session, bank: Bank) -> frozenset[str]:
    own = banks.owning(session, bank.origin)
    asked = {"field": bank.field, "own": own, "latest": LATEST}
    rows = session.execute(LATELY, asked).all()
    given = {row.item: row.times for row in rows}
    caps = {item.id: item.exposure_cap for item in bank.items}
    return adaptive.resting(given, caps, rows[0].interviews if rows else 0)


def _seen(session: Session, interview: Interview) -> frozenset[str]:
    """Return what somebody was asked in earlier interviews of the field."""
    query = select(Interview).where(
        Interview.expert_id == interview.expert_id,
        Interview.field == interview.field,
        col(Interview.id) < interview.key,
    )
    earlier = session.exec(query).all()
    own = templates.own_bank_id(session, interview)
    alike = templates.asked_from(session, earlier, own)
    return frozenset(step["item"] for one in earlier if one.id in alike for step in one.plan)
