"""Interviews with a language model: turns, talks, outages, suggestions."""

from typing import Any

from sqlmodel import Session

from accounts.models import Purpose, User
from core.clock import now
from experts.fields import Field
from interviews import conversation, plan
from interviews.items import Bank, banks
from interviews.models import Interview, Mode
from interviews.talk_models import (
    ModelOutage,
    ProfilePart,
    Speaker,
    Suggestion,
    Talk,
    Turn,
    TurnKind,
    Writer,
)
from tests.factories.consents import make_consent

MODEL = "small-1"


def make_led_interview(session: Session, user: User, *, field: Field = Field.LAW) -> Interview:
    """Start an interview that a language model leads, with its person's consent."""
    make_consent(session, user, Purpose.AI_INTERVIEW)
    assert user.id is not None
    return conversation.start(
        session,
        user.id,
        field,
        consent_version="test",
        mode=Mode.LLM,
        llm_model=MODEL,
        at=now(),
    )


def make_talk(session: Session, interview: Interview, **changes: Any) -> Talk:
    """Let the opening be over, or as a test likes."""
    values: dict[str, Any] = {"language": "en", "topics": [], "opening_over_at": now()}
    talk = Talk(interview_id=interview.key, **(values | changes))
    session.add(talk)
    session.flush()
    return talk


def make_turn(session: Session, interview: Interview, **changes: Any) -> Turn:
    """Add a question about the profile, or another turn."""
    values: dict[str, Any] = {
        "number": 1,
        "role": Speaker.INTERVIEWER,
        "kind": TurnKind.OPENING,
        "text": "What did you study?",
        "language": "en",
        "written_by": Writer.TEMPLATE,
        "at": now(),
    }
    turn = Turn(interview_id=interview.key, **(values | changes))
    session.add(turn)
    session.flush()
    return turn


def make_answer_turn(session: Session, interview: Interview, text: str, **changes: Any) -> Turn:
    """Add what the candidate says."""
    said = {"role": Speaker.CANDIDATE, "kind": TurnKind.ANSWER, "written_by": None, "text": text}
    return make_turn(session, interview, **({"number": 2} | said | changes))


def make_model_outage(session: Session, interview: Interview, **changes: Any) -> ModelOutage:
    """Let the model be away since now."""
    outage = ModelOutage(interview_id=interview.key, **({"began_at": now()} | changes))
    session.add(outage)
    session.flush()
    return outage


def make_suggestion(
    session: Session, interview: Interview, turn: Turn, **changes: Any
) -> Suggestion:
    """Suggest for a profile what a turn says."""
    values: dict[str, Any] = {
        "part": ProfilePart.ABOUT,
        "value": {"text": turn.text},
        "quote": turn.text,
        "made_at": now(),
    }
    one = Suggestion(interview_id=interview.key, turn_id=turn.id, **(values | changes))
    session.add(one)
    session.flush()
    return one


def ask_first(interview: Interview, item_id: str, bank: Bank | None = None) -> None:
    """Let the open question be this one: the first of the plan."""
    bank = bank or banks()[interview.field]
    step = next(
        one.model_dump(mode="json")
        for seed in range(3000)
        for one in plan.draw(bank, str(seed), attempt=1 + seed % 2)
        if one.item == item_id
    )
    rest = [one for one in interview.plan[1:] if one["item"] != item_id]
    interview.plan = [step, *rest]
