"""An interview with a language model: its opening, and at most two questions after an answer.

What the candidate says is stored first. An answer of the bank is whole, and scored, once nothing
more is asked about it. Whoever has the model write the next turn holds a claim on it, so that two
windows never get two questions. Nothing here asks the network; `interviewer` does, in between.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from core import jobs, model_calls
from core.errors import Conflict
from core.models import CallOutcome
from core.ports import LanguageModel, ModelUse, Said
from core.settings import Settings
from experts import profile
from interviews import (
    conduct,
    conversation,
    editions,
    evidence,
    integrity,
    model_outages,
    openings,
    talk_prompts,
    turns,
)
from interviews.conduct import Ground
from interviews.conversation import Kept
from interviews.items import Item, Short
from interviews.models import Interview, Mode
from interviews.signals import Measured
from interviews.talk_models import Speaker, Talk, Turn, TurnKind, Writer

SPARE = timedelta(seconds=30)  # that a claim outlives the longest wait


class NotAsked(Conflict):
    """Nothing is asked now that this could answer. Nothing was stored; go on with the page."""


class BeingWritten(Conflict):
    """The next question is being written in another window. Open the page again in a moment."""


@dataclass(frozen=True)
class Sent:
    """What a candidate sends as the answer to a question."""

    given: dict[str, Any] | None
    language: str
    remark: str = ""
    measured: Measured | None = None


@dataclass(frozen=True)
class Line:
    """What the interviewer says next, and all that it may rest on."""

    interview_id: int
    number: int
    claim: str
    kind: TurnKind
    position: int | None
    language: str
    said: list[Said]
    ground: Ground
    template: str
    at: datetime

    @property
    def subject(self) -> str:
        """What its calls are about."""
        return f"interview:{self.interview_id}"

    @property
    def purpose(self) -> str:
        """What its calls are for."""
        return f"interview_{self.kind}"


@dataclass(frozen=True)
class Spoken:
    """What came of a line: its words, who wrote them, and what it took."""

    text: str
    written_by: Writer
    use: ModelUse
    outcome: CallOutcome
    sentences: list[str] = field(default_factory=list)


def of(session: Session, interview: Interview) -> Talk | None:
    """Return how an interview with a model goes, once it has begun to."""
    return session.get(Talk, interview.key)


def leads(interview: Interview, model: LanguageModel | None) -> bool:
    """Return whether the model that its person agreed to leads an interview."""
    is_same = model is not None and model.name == interview.llm_model
    return interview.mode is Mode.LLM and is_same


def begin(session: Session, interview: Interview, language: str, at: datetime) -> Talk:
    """Begin to talk, once: decide what the opening is about. `interview` is locked."""
    found = of(session, interview)
    if found is not None:
        return found
    topics = openings.topics(session, profile.of(session, interview.expert_id))
    has_begun = bool(editions.responses(session, interview))
    over = at if has_begun or not topics else None
    talk = Talk(interview_id=interview.key, language=language, topics=topics, opening_over_at=over)
    session.add(talk)
    session.flush()  # a turn may follow in the same request
    return talk


def is_on(session: Session, interview: Interview, model: LanguageModel | None) -> bool:
    """Return whether something else than the open question of the bank is talked about."""
    talk = of(session, interview)
    if talk is None:
        return leads(interview, model) and opens(session, interview)
    if _is_opening(interview, talk):
        return True
    return bool(turns.of(session, interview, conversation.position(session, interview)))


def opens(session: Session, interview: Interview) -> bool:
    """Return whether there is something to ask before the questions, which have not begun."""
    if editions.responses(session, interview):
        return False
    return bool(openings.topics(session, profile.of(session, interview.expert_id)))


def take(
    session: Session,
    interview: Interview,
    place: int,
    sent: Sent,
    *,
    model: LanguageModel | None,
    at: datetime,
) -> Kept | None:
    """Store an answer about which more may be asked, so that its question stays open for that.

    None where nothing is asked about it: it is stored as in every interview.
    """
    given = sent.given
    before = [
        one.text for one in turns.of(session, interview, place) if one.role is Speaker.CANDIDATE
    ]
    if before:
        return Kept.SAME if given and given.get("text") in before else Kept.FIRST
    is_current = interview.is_open(at) and place == conversation.position(session, interview)
    question = _item(session, interview, place).question
    if not (is_current and given and isinstance(question, Short) and leads(interview, model)):
        return None
    begin(session, interview, sent.language, at)
    turns.say(
        session,
        interview,
        place,
        given["text"],
        language=sent.language,
        remark=sent.remark,
        measured=sent.measured,
        at=at,
    )
    settle(session, interview, at)
    return Kept.STORED


def reply(
    session: Session,
    interview: Interview,
    number: int,
    text: str | None,
    *,
    at: datetime,
    measured: str | None = None,
) -> Kept:
    """Store what is answered to turn `number`, once; `interview` is locked by the caller.

    `measured` is what the page sent of how it was written.
    """
    said = turns.every(session, interview)
    after = next((one for one in said if one.number > number), None)
    if after is not None:
        return Kept.SAME if after.text == text else Kept.FIRST
    if not interview.is_open(at):
        conversation.expire(session, interview, at)
        return Kept.ENDED
    if not said or said[-1].number != number or said[-1].role is not Speaker.INTERVIEWER:
        raise NotAsked
    asked = said[-1]
    if asked.kind not in (TurnKind.OPENING, TurnKind.FOLLOW_UP):
        raise NotAsked
    counts = None
    if asked.position is not None and text:  # what is said of oneself beforehand is not measured
        counts = integrity.read(session, interview, measured, since=asked.at, at=at)
    turns.say(
        session,
        interview,
        asked.position,
        text,
        language=asked.language,
        measured=counts,
        at=at,
    )
    if asked.position is None:
        _end_opening_if_done(session, interview, at)
    else:
        # Who has nothing to add is not asked again about the same answer.
        settle(session, interview, at, is_final=text is None)
    return Kept.STORED


def skip_opening(session: Session, interview: Interview, at: datetime) -> None:
    """Go on to the questions of the bank; a second time changes nothing."""
    if not interview.is_open(at):
        return
    talk = begin(session, interview, "en", at)
    if talk.opening_over_at is not None:
        return
    model_outages.end(session, interview, at)
    _end_opening(session, interview, talk, at)


def speak_in(session: Session, interview: Interview, language: str, at: datetime) -> None:
    """Choose the language in which the model writes from now on."""
    if not interview.is_open(at):
        raise conversation.NotActive
    talk = begin(session, interview, language, at)
    talk.language = language
    session.add(talk)


def settle(session: Session, interview: Interview, at: datetime, *, is_final: bool = False) -> None:
    """Hand the open answer to the scoring if nothing more is asked about it."""
    place = conversation.position(session, interview)
    said = turns.of(session, interview, place)
    if is_final or not _follows(session, interview, place, said):
        conversation.close_said(session, interview, at)


def is_due(session: Session, interview: Interview, at: datetime) -> bool:
    """Return whether the interviewer has the next word."""
    talk = of(session, interview)
    return (
        talk is not None and interview.is_open(at) and _next(session, interview, talk) is not None
    )


def go_on_without(session: Session, interview: Interview, why: str, at: datetime) -> None:
    """Let an interview go on without the model, said in words; what was answered stays."""
    if interview.mode is not Mode.LLM or not interview.is_open(at):
        return
    talk = of(session, interview)
    language = _ours(talk.language) if talk else "en"
    _release(session, talk)
    conversation.switch(session, interview, Mode.STRUCTURED, at)
    turns.ask(
        session,
        interview,
        TurnKind.NOTICE,
        None,
        text=talk_prompts.WITHOUT[why].in_(language),
        language=language,
        written_by=Writer.TEMPLATE,
        at=at,
    )


def claim(
    session: Session,
    interview: Interview,
    *,
    model: LanguageModel | None,
    settings: Settings,
    at: datetime,
) -> Line | None:
    """Take the next word for the interviewer; None when there is none to take.

    `interview` is locked. A model that is gone, or a limit that is reached, ends the talk here.
    """
    talk = of(session, interview)
    if talk is None or not interview.is_open(at) or interview.mode is not Mode.LLM:
        return None
    due = _next(session, interview, talk)
    if due is None:
        return None
    if model is None or not leads(interview, model):
        go_on_without(session, interview, "gone", at)
        return None
    if not model_calls.may_ask(session, settings, subject=f"interview:{interview.id}", at=at):
        go_on_without(session, interview, "limit", at)
        return None
    number = turns.last_number(session, interview) + 1
    if is_claimed(talk, number, settings, at):
        raise BeingWritten
    talk.claim_number, talk.claim, talk.claimed_at = number, secrets.token_hex(8), at
    session.add(talk)
    return _line(session, interview, talk, due, at)


def is_claimed(talk: Talk, number: int, settings: Settings, at: datetime) -> bool:
    """Return whether somebody has the model write a turn at this moment."""
    if talk.claim_number != number or talk.claimed_at is None:
        return False
    return at < talk.claimed_at + timedelta(seconds=settings.llm_timeout) * 2 + SPARE


def record(
    session: Session,
    interview: Interview,
    line: Line,
    spoken: Spoken,
    settings: Settings,
    *,
    at: datetime,
) -> Turn | None:
    """Keep what the interviewer says, and what it took; None where it came too late."""
    call = model_calls.note(
        session,
        settings,
        purpose=line.purpose,
        subject=line.subject,
        use=spoken.use,
        outcome=spoken.outcome,
        at=at,
    )
    talk = of(session, interview)
    if talk is None or talk.claim != line.claim:
        return None
    _release(session, talk)
    if interview.mode is not Mode.LLM or not interview.is_open(at):
        return None
    model_outages.end(session, interview, at)
    session.flush()  # the turn names the call
    is_ours = spoken.written_by is Writer.TEMPLATE
    return turns.ask(
        session,
        interview,
        line.kind,
        line.position,
        text=spoken.text,
        language=_ours(line.language) if is_ours else line.language,
        written_by=spoken.written_by,
        model_call_id=call.id,
        at=at,
    )


def record_trouble(
    session: Session,
    interview: Interview,
    line: Line,
    settings: Settings,
    *,
    use: ModelUse | None,
    outcome: CallOutcome,
    at: datetime,
) -> None:
    """Keep that the model did not answer; no use means that it was not asked at all."""
    if use is not None:
        model_calls.note(
            session,
            settings,
            purpose=line.purpose,
            subject=line.subject,
            use=use,
            outcome=outcome,
            at=at,
        )
    talk = of(session, interview)
    if talk is not None and talk.claim == line.claim:
        _release(session, talk)
        if interview.is_open(at) and interview.mode is Mode.LLM:
            model_outages.begin(session, interview, line.at)


def give_back(session: Session, line: Line) -> None:
    """Let go of a claim whose window was closed."""
    talk = session.get(Talk, line.interview_id, with_for_update=True)
    if talk is not None and talk.claim == line.claim:
        _release(session, talk)


def told(session: Session, interview: Interview) -> str | None:
    """Return what its person was told last, where an interview goes on without the model."""
    if interview.begun_as is not Mode.LLM or interview.mode is Mode.LLM:
        return None
    said = [one for one in turns.every(session, interview) if one.kind is TurnKind.NOTICE]
    return said[-1].text if said else None


def missing(question: Short, text: str) -> list[str]:
    """Return the checks that an answer does not meet yet, none where it has the whole point."""
    readings = evidence.read(text, question.checks)
    if sum(one.met for one in readings) >= question.needed:
        return []
    return [one.check for one in readings if not one.met]


def _next(session: Session, interview: Interview, talk: Talk) -> int | str | None:
    """Return what the interviewer has to speak of: a question's place, or a topic; None if not."""
    if interview.mode is not Mode.LLM:
        return None
    if _is_opening(interview, talk):
        said = _opening_turns(session, interview)
        asked = sum(one.kind is TurnKind.OPENING for one in said)
        waits = bool(said) and said[-1].role is Speaker.INTERVIEWER
        return None if waits or asked >= len(talk.topics) else talk.topics[asked]
    place = conversation.position(session, interview)
    said = turns.of(session, interview, place)
    if not said or said[-1].role is Speaker.INTERVIEWER:
        return None
    return place if _follows(session, interview, place, said) else None


def _follows(session: Session, interview: Interview, place: int, said: Sequence[Turn]) -> bool:
    asked = sum(one.kind is TurnKind.FOLLOW_UP for one in said)
    question = _item(session, interview, place).question
    if interview.mode is not Mode.LLM or asked >= editions.of(session, interview).follow_ups:
        return False
    return isinstance(question, Short) and bool(missing(question, turns.joined(said)))


def _line(session: Session, interview: Interview, talk: Talk, due: int | str, at: datetime) -> Line:
    nonce = secrets.token_hex(6)
    if isinstance(due, str):
        return _opening_line(session, interview, talk, due, nonce, at)
    item, said = _item(session, interview, due), turns.of(session, interview, due)
    question, text = item.question, turns.joined(said)
    assert isinstance(question, Short)  # others have no questions after them
    before = [one.text for one in turns.every(session, interview) if _asks(one) and one.text]
    templates = [one.in_(_ours(talk.language)) for one in talk_prompts.FOLLOW_UPS]
    of_this = {one.text for one in said}
    return Line(
        interview_id=interview.key,
        number=turns.last_number(session, interview) + 1,
        claim=talk.claim or "",
        kind=TurnKind.FOLLOW_UP,
        position=due,
        language=talk.language,
        said=talk_prompts.follow_up(
            item,
            question,
            turns=_told(said),
            missing=next(iter(missing(question, text)), None),
            language=talk.language,
            nonce=nonce,
        ),
        ground=conduct.ground(item, question, said=text, language=talk.language, before=before),
        template=next(one for one in templates if one not in of_this),
        at=at,
    )


def _opening_line(
    session: Session, interview: Interview, talk: Talk, topic: str, nonce: str, at: datetime
) -> Line:
    expert = profile.of(session, interview.expert_id)
    said, told = _opening_turns(session, interview), openings.told(session, expert)
    language = talk.language
    return Line(
        interview_id=interview.key,
        number=turns.last_number(session, interview) + 1,
        claim=talk.claim or "",
        kind=TurnKind.OPENING,
        position=None,
        language=language,
        said=talk_prompts.opening(
            topic,
            field=interview.field.value,
            profile=told,
            turns=_told(said),
            language=language,
            nonce=nonce,
        ),
        ground=Ground(
            language=language,
            known=f"{told}\n{turns.joined(said)}",
            before=tuple(one.text for one in said if _asks(one) and one.text),
            may_name_profile=True,
        ),
        template=talk_prompts.TOPICS[topic][1].in_(_ours(language)),
        at=at,
    )


def _end_opening_if_done(session: Session, interview: Interview, at: datetime) -> None:
    talk = session.get_one(Talk, interview.key)
    asked = sum(one.kind is TurnKind.OPENING for one in _opening_turns(session, interview))
    if talk.opening_over_at is None and asked >= len(talk.topics):
        _end_opening(session, interview, talk, at)


def _end_opening(session: Session, interview: Interview, talk: Talk, at: datetime) -> None:
    said = _opening_turns(session, interview)
    talk.opening_over_at = at
    _release(session, talk)
    session.add(talk)
    if not said:
        return
    language = _ours(talk.language)
    turns.ask(
        session,
        interview,
        TurnKind.NOTICE,
        None,
        text=talk_prompts.TRANSITION.in_(language),
        language=language,
        written_by=Writer.TEMPLATE,
        at=at,
    )
    if turns.joined(said):
        jobs.defer(session, "interviews.suggest", interview_id=interview.key)


def _is_opening(interview: Interview, talk: Talk) -> bool:
    return talk.opening_over_at is None and interview.mode is Mode.LLM


def _opening_turns(session: Session, interview: Interview) -> Sequence[Turn]:
    return [one for one in turns.of(session, interview, None) if one.kind is not TurnKind.NOTICE]


def _told(said: Sequence[Turn]) -> list[Said]:
    return [
        Said("user" if one.role is Speaker.CANDIDATE else "assistant", one.text or "-")
        for one in said
    ]


def _asks(turn: Turn) -> bool:
    return turn.kind in (TurnKind.OPENING, TurnKind.FOLLOW_UP)


def _item(session: Session, interview: Interview, place: int) -> Item:
    return editions.asked(editions.of(session, interview), interview, place)[1]


def _release(session: Session, talk: Talk | None) -> None:
    if talk is not None:
        talk.claim_number = talk.claim = talk.claimed_at = None
        session.add(talk)


def _ours(language: str) -> str:
    """Return the language of what we have written: English where we have no other."""
    return language if language in ("en", "fr") else "en"
