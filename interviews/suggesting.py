"""Finding suggestions for a profile by a model, as a job: read, ask with nothing open, keep.

May run twice: a suggestion is kept once for each part and answer.
"""

import secrets
from dataclasses import dataclass

from core import model_calls
from core.clock import now
from core.db import transaction
from core.models import CallOutcome
from core.ports import LanguageModel, ModelDown, ModelNonsense, ModelRefused, ModelUse
from core.settings import current_settings
from interviews import suggestions, talk, talk_prompts
from interviews.models import Interview
from interviews.suggestions import Offers
from interviews.talk_models import Talk, Turn

PURPOSE = "interview_suggestions"
MOST_TOKENS = 500


@dataclass(frozen=True)
class _Answer:
    """An answer of the opening, with what it was asked for."""

    topic: str
    asked: str
    turn: Turn


def run(interview_id: int, model: LanguageModel | None) -> int:
    """Offer what was said in an opening; return how many offers there are."""
    for answer in _to_read(interview_id):
        offers = _found(interview_id, answer, model)
        with transaction() as session:
            interview = session.get_one(Interview, interview_id, with_for_update=True)
            text = answer.turn.text or ""
            if interview.texts_deleted_at is not None:
                return 0
            checked = [suggestions.checked(one, text) for one in offers[: suggestions.MOST]]
            by = model.name if model and any(checked) else None
            if not any(checked):
                checked = [suggestions.as_it_stands(answer.topic, text)]
            for one in checked:
                if one is not None:
                    suggestions.keep(session, interview, answer.turn, one, llm_model=by, at=now())
    with transaction() as session:
        return len(suggestions.of(session, session.get_one(Interview, interview_id)))


def _to_read(interview_id: int) -> list[_Answer]:
    with transaction() as session:
        interview = session.get(Interview, interview_id)
        found = session.get(Talk, interview_id)
        if interview is None or found is None or interview.texts_deleted_at is not None:
            return []
        return [
            _Answer(found.topics[place], asked.text or "", said)
            for place, asked, said in suggestions.answered(session, interview)
        ]


def _found(
    interview_id: int, answer: _Answer, model: LanguageModel | None
) -> list[suggestions.Offer]:
    """Ask the model, where it still leads and the limits allow; otherwise find nothing."""
    settings, subject = current_settings(), f"interview:{interview_id}"
    with transaction() as session:
        interview = session.get_one(Interview, interview_id)
        may = talk.leads(interview, model) and model_calls.may_ask(
            session, settings, subject=subject, at=now()
        )
    if model is None or not may:
        return []
    said = talk_prompts.suggestions(answer.asked, answer.turn.text or "", secrets.token_hex(6))
    use, outcome, offers = ModelUse(model.name, 0, 0, 0), CallOutcome.ANSWERED, []
    try:
        found = model.ask(said, Offers, most_tokens=MOST_TOKENS)
        use, offers = found.use, found.value.offers
    except ModelNonsense as nonsense:
        use, outcome = nonsense.use, CallOutcome.NONSENSE
    except ModelRefused:
        outcome = CallOutcome.REFUSED
    except ModelDown:
        outcome = CallOutcome.DOWN
    with transaction() as session:
        model_calls.note(
            session, settings, purpose=PURPOSE, subject=subject, use=use, outcome=outcome, at=now()
        )
    return offers
