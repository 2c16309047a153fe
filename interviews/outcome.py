"""What an interview comes to: passed, read by a person, or not passed with all that is owed.

The rule of the bank decides where it is sure; near the line a person does (`interviews.review`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlmodel import Session

from accounts import decisions
from core import audit, formats
from experts import skills
from interviews import (
    being_read,
    calibration,
    course,
    graded,
    grounds,
    integrity,
    letters,
    project_letters,
    proven,
    qualification,
    scoring,
    standing,
    template_words,
    unread,
)
from interviews.items import Bank
from interviews.models import Interview, Mode, ReasonCode, Response, State
from interviews.scoring import Scorecard, Verdict

READ_WITHIN = timedelta(days=7)


def settle(
    session: Session,
    interview: Interview,
    bank: Bank,
    responses: Sequence[Response],
    *,
    at: datetime,
) -> None:
    """Score an interview that has all its answers, and decide where the rule may.

    Once its answers were read, the same follows again from what was found.
    """
    was, card = interview.state, score(interview, bank, responses)
    verdict = _verdict(interview, card, bank, responses)
    if integrity.opens(session, interview, verdict, at=at):
        verdict = Verdict.NEAR  # signals never decide: a person looks
    interview.finished_at = interview.finished_at or at
    match verdict:
        case Verdict.PASSED:
            decide_by_rule(interview, bank, at)
            grounds.record_passed_by_rule(session, interview, bank, card, at=at)
            passed(session, interview, bank, card, at=at)
        case Verdict.FAILED:
            decide_by_rule(interview, bank, at)
            words = decisions.said(lambda: why(card, bank))
            change = decisions.said(lambda: what_would_change(card, bank))
            failed(session, interview, bank, responses, words=words, change=change, at=at)
        case Verdict.NEAR:
            interview.state = State.REVIEW
            read_by = interview.finished_at + READ_WITHIN
            being_read.near(session, interview, bank, responses, read_by=read_by, at=at)
    session.add(interview)
    if interview.state is not was:
        _record(session, interview, interview.decided_rule)


def score(interview: Interview, bank: Bank, responses: Sequence[Response]) -> Scorecard:
    """Write the scorecard of the answers as they are read now."""
    card = _card(interview, bank, responses)
    interview.scorecard = card.model_dump(mode="json")
    interview.level = card.total.share
    return card


def _card(
    interview: Interview, bank: Bank, responses: Sequence[Response], *, full: Sequence[str] = ()
) -> Scorecard:
    """Return the scorecard, with all points for the items of `full`."""
    if interview.is_adaptive:
        found = course.answered(interview, bank, responses, full=full)
        return graded.scorecard(found, bank, calibration.of(interview, bank))
    points = {one.item_id: 1.0 if one.item_id in full else one.points for one in responses}
    return scoring.scorecard(points, bank)


def card_of(interview: Interview) -> Scorecard:
    """Return the scorecard of a finished interview."""
    return Scorecard.model_validate(interview.scorecard)


def _verdict(
    interview: Interview, card: Scorecard, bank: Bank, responses: Sequence[Response]
) -> Verdict:
    """Return what the rule says; whoever asked for a person is decided on by one, always."""
    if interview.mode is Mode.PERSON:
        return Verdict.NEAR
    full = list(unread.points(bank, responses))
    best = _card(interview, bank, responses, full=full).total if full else None
    return scoring.verdict(card, bank.rule, best=best)


def decide_by_rule(interview: Interview, bank: Bank, at: datetime) -> None:
    """Note that the rule decided."""
    interview.decided_rule, interview.decided_at = bank.rule.name, at


def passed(
    session: Session, interview: Interview, bank: Bank, card: Scorecard, *, at: datetime
) -> None:
    """Let what was proven count. Who a person lets pass is at the mark, at least."""
    interview.state = State.PASSED
    interview.level = max(card.total.share, bank.rule.pass_mark)
    session.add(interview)
    found = qualification.by_interview(
        session, interview, proven.write(session, interview, bank, card, at), at
    )
    if interview.project_id is not None:
        # A project asks for a part of a field, so its interview proves that part, no more.
        until = found.expires_at if found else at + proven.VALID_FOR
        project_letters.tell_passed(session, interview, until)
        return
    skill = skills.prove(
        session, interview.expert_id, interview.field, interview.level, interview.id, at
    )
    letters.tell(session, interview, "passed", valid_until=skill.expires_at)


def failed(
    session: Session,
    interview: Interview,
    bank: Bank,
    responses: Sequence[Response],
    *,
    words: dict[str, str],
    change: dict[str, str],
    at: datetime,
) -> None:
    """Record a result against somebody with all that is owed to them."""
    card = card_of(interview)
    # The row is written whole or not at all: half of it is what the database refuses.
    with session.no_autoflush:
        interview.retake_from = standing.next_start(session, interview, bank, at)
    interview.state = State.FAILED
    interview.reason_code = code_of(card, bank)
    interview.reason_words, interview.would_change = words, change
    interview.evidence = evidence(card, responses)
    interview.contest_until = at + timedelta(days=bank.rule.contest_days)
    with session.no_autoflush:
        decision = grounds.record_failed(session, interview, bank, responses, at=at)
    interview.decision_id = decision.id
    session.add(interview)
    letters.tell(session, interview, "not_passed")


def code_of(card: Scorecard, bank: Bank) -> ReasonCode:
    """Return the code of what stands against a pass; the total comes first."""
    found = scoring.causes(card, bank.rule)
    return ReasonCode(found[0].value) if found else ReasonCode.TOTAL


def evidence(card: Scorecard, responses: Sequence[Response]) -> dict[str, Any]:
    """Return what a result rests on: the levels, and the points of each answer."""
    return {
        "scorecard": card.model_dump(mode="json"),
        "answers": [
            {"position": one.position, "item": one.item_id, "points": round(one.points, 4)}
            for one in responses
        ],
    }


def why(card: Scorecard, bank: Bank) -> str:
    """Say why the rule does not let pass."""
    words = _level(card, bank) if card.is_by_ability else _points(card, bank)
    floors = [_floor(card, bank, key) for key in scoring.weak(card, bank.rule)]
    return " ".join([words, *template_words.beside(bank), *floors])


def _level(card: Scorecard, bank: Bank) -> str:
    words: str = _(
        "Your answers show a level of %(share)s: so much of the points of all questions of this"
        " bank somebody with your answers would earn. With %(certainty)s certainty it lies between"
        " %(low)s and %(high)s, and %(needed)s are needed.",
        share=formats.percent_short_of(card.total.share, bank.rule.pass_mark),
        certainty=formats.percent(bank.rule.certainty),
        low=formats.percent(card.total.low),
        high=formats.percent_short_of(card.total.high, bank.rule.pass_mark),
        needed=formats.percent(bank.rule.pass_mark),
    )
    return words


def _points(card: Scorecard, bank: Bank) -> str:
    words: str = _(
        "Your answers earned %(points)s of %(of)s points; %(needed)s are needed. The whole range in"
        " which your level lies with %(certainty)s certainty is below the pass mark.",
        points=points(card.total.points),
        of=card.total.of,
        needed=points(bank.rule.pass_mark * card.total.of),
        certainty=formats.percent(bank.rule.certainty),
    )
    return words


def what_would_change(card: Scorecard, bank: Bank) -> str:
    """Say what more would have let pass."""
    found = []
    if scoring.below(card.total, bank.rule.pass_mark) and card.is_by_ability:
        words = _(
            "A level of %(needed)s instead of %(share)s would have passed.",
            needed=formats.percent(bank.rule.pass_mark),
            share=formats.percent_short_of(card.total.share, bank.rule.pass_mark),
        )
        found.append(words)
    elif scoring.below(card.total, bank.rule.pass_mark):
        words = _(
            "A total of %(needed)s points instead of %(points)s would have passed.",
            needed=points(bank.rule.pass_mark * card.total.of),
            points=points(card.total.points),
        )
        found.append(words)
    if found:
        found += template_words.beside(bank)
    found += [_more(card, bank, key) for key in scoring.weak(card, bank.rule)]
    return " ".join(found)


def points(value: float) -> str:
    """Return points as people read them: 4, 4.5, 4.3."""
    whole = abs(value - round(value)) < 0.05
    return formats.number(round(value) if whole else value, 0 if whole else 1)


def _floor(card: Scorecard, bank: Bank, key: str) -> str:
    if card.is_by_ability:
        said: str = _(
            "“%(competency)s”: a level of %(share)s, below the floor of %(floor)s.",
            competency=_name(bank, key),
            share=formats.percent_short_of(card.competencies[key].share, bank.rule.floor_of(key)),
            floor=formats.percent(bank.rule.floor_of(key)),
        )
        return said
    words: str = _(
        "“%(competency)s”: %(points)s of %(of)s points, below the floor of %(floor)s.",
        competency=_name(bank, key),
        points=points(card.competencies[key].points),
        of=card.competencies[key].of,
        floor=formats.percent(bank.rule.floor_of(key)),
    )
    return words


def _more(card: Scorecard, bank: Bank, key: str) -> str:
    if card.is_by_ability:
        said: str = _(
            "In “%(competency)s”, a level of %(floor)s instead of %(share)s was needed.",
            competency=_name(bank, key),
            share=formats.percent_short_of(card.competencies[key].share, bank.rule.floor_of(key)),
            floor=formats.percent(bank.rule.floor_of(key)),
        )
        return said
    words: str = _(
        "In “%(competency)s”, %(needed)s of %(of)s points instead of %(points)s were needed.",
        competency=_name(bank, key),
        needed=points(bank.rule.floor_of(key) * card.competencies[key].of),
        of=card.competencies[key].of,
        points=points(card.competencies[key].points),
    )
    return words


def _name(bank: Bank, key: str) -> str:
    return bank.competencies[key].label.in_(formats.locale().language)


def _record(session: Session, interview: Interview, rule: str | None) -> None:
    audit.record(
        session,
        f"interview.{interview.state}",
        by=None,
        subject=f"interview:{interview.id}",
        details={"rule": rule, "level": interview.level},
    )
