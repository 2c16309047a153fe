"""Interviews with a language model near the line, judges that say what a script says, readings."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from accounts import consent_texts, consents
from accounts.models import Purpose, User
from core import language_model
from core.clock import now
from core.settings import Settings
from experts.fields import Field
from interviews import conversation, editions, frozen, items, judge_runs, judges, rubrics
from interviews.items import Item
from interviews.judge_models import (
    AnswerJudging,
    BeingRead,
    FrozenAnswer,
    FrozenReading,
    Gate,
    Judged,
    JudgeRun,
    JudgeRunReading,
    JudgeVersion,
    PersonReading,
    Phase,
    ReadFor,
    ToRead,
    Why,
)
from interviews.models import Interview, Mode, Response
from tests.factories.accounts import make_user
from tests.factories.interviews import answer_all, right

OWN_WORDS = "In my own sentences, as I put it after years in practice."


def consent(session: Session, user: User, purpose: Purpose) -> None:
    """Give a consent."""
    consents.give(
        session,
        user.id,
        purpose,
        version=consent_texts.current(purpose).version,
        language="en",
        address=None,
        at=now(),
    )


def make_near(
    session: Session,
    user: User | None = None,
    *,
    mode: Mode = Mode.LLM,
    words: str = OWN_WORDS,
    closed: int = 8,
    at: datetime | None = None,
) -> Interview:
    """Take an interview near the line, whose answers in words no form could read."""

    known: set[str] = set()

    def how(place: int, item: Item) -> dict[str, Any] | None:
        if item.kind == "short":
            return {"text": words}
        return right(place, item) if item.id in known else None

    while True:
        person = user or make_user(session, "expert")
        if mode is Mode.LLM:
            consent(session, person, Purpose.AI_INTERVIEW)
        interview = conversation.start(
            session,
            person.id,
            Field.LAW,
            consent_version="test",
            at=at or now(),
            mode=mode,
            llm_model="tiny" if mode is Mode.LLM else None,
        )
        asked = [editions.of(session, interview).item(step["item"]) for step in interview.plan]
        if user is not None or sum(item.kind == "short" for item in asked) > 1:
            break
    # One in each competency, so that no floor stands against a pass; then the first ones.
    others = [item for item in asked if item.kind != "short"]
    known |= {item.id for item in {one.competency: one for one in reversed(others)}.values()}
    known |= {
        item.id for item in [one for one in others if one.id not in known][: closed - len(known)]
    }
    return answer_all(session, interview, how, at=at)


def in_words(session: Session, interview: Interview) -> list[Response]:
    """Return the answers in words of an interview."""
    bank = editions.of(session, interview)
    return [
        one
        for one in editions.responses(session, interview)
        if bank.item(one.item_id).kind == "short"
    ]


def use_judges(app: Any, base_url: str, *, second: str = "") -> judges.Judges:
    """Give an app judges behind an address; the caller puts its ports back."""
    settings: Settings = app.extensions["doyen.settings"]
    with_model = settings.model_copy(
        update={"llm_base_url": base_url, "llm_model": "tiny", "llm_second_model": second}
    )
    with_model = with_model.model_copy(update={"llm_timeout": 2.0})
    first, other = language_model.first(with_model), language_model.second(with_model)
    for model in (first, other):
        if model is not None:
            model._client = model._client.with_options(max_retries=0)
    app.extensions["doyen.ports"] = replace(
        app.extensions["doyen.ports"], language_model=first, second_model=other
    )
    found = judges.of(app.extensions["doyen.ports"], settings)
    assert found is not None
    return found


GOOD = {"answers": 60, "read": 60, "judges": {"kappa": 0.9, "bias": 0.0, "error": 0.05}}


def open_gate(session: Session, having: judges.Judges, field: Field = Field.LAW) -> JudgeRun:
    """Open the gate of a field, as a run does that has measured every question."""
    judges.keep(session, having, now())
    bank = items.banks()[field]
    measured = {rubrics.digest(item): {"read": 2} for item in rubrics.in_words(bank)}
    run = JudgeRun(
        version=having.version,
        begun_at=now(),
        finished_at=now(),
        results={"rubrics": measured, "fields": {str(field): GOOD}, "whole": GOOD},
    )
    session.add(run)
    session.flush()
    session.add(Gate(version=having.version, field=field, is_open=True, run_id=run.id, at=now()))
    session.flush()
    return run


def keys_of(asked: dict[str, Any]) -> list[str]:
    """Return the checks that a judge is asked about."""
    form = asked["response_format"]["json_schema"]["schema"]
    return list(form["properties"])


def answer_of(asked: dict[str, Any]) -> str:
    """Return the answer that a judge is given."""
    said = asked["messages"][-1]["content"]
    found = re.search(r"<words-(\w+)>\n(.*)\n</words-\1>", said, re.DOTALL)
    assert found is not None
    return found.group(2)


def is_second(asked: dict[str, Any]) -> bool:
    """Say whether it is the second judge that is asked."""
    return "second reading" in asked["messages"][0]["content"]


def reading(met: Callable[[str], bool], quote: str) -> Callable[[dict[str, Any]], str]:
    """Return a script that finds some checks met, with a quote."""

    def script(asked: dict[str, Any]) -> str:
        return json.dumps(
            {key: {"met": met(key), "quote": quote if met(key) else ""} for key in keys_of(asked)}
        )

    return script


def make_judge_version(session: Session, **changes: Any) -> JudgeVersion:
    """Keep a version of judges."""
    given = {"digest": "v1", "prompts": "p", "models": ["a", "b"], "form": "json_schema"}
    row = JudgeVersion(**(given | {"first_used_at": now()} | changes))
    session.add(row)
    session.flush()
    return row


def make_answer_judging(session: Session, response: Response, **changes: Any) -> AnswerJudging:
    """Keep what a judge read."""
    given: dict[str, Any] = {"judge": 1, "outcome": Judged.READ, "readings": [], "at": now()}
    row = AnswerJudging(response_id=response.id, **(given | changes))
    session.add(row)
    session.flush()
    return row


def to_read(session: Session, interview: Interview) -> list[ToRead]:
    """Return what of an interview waits, or waited, for people."""
    ids = [one.id for one in editions.responses(session, interview)]
    query = select(ToRead).where(ToRead.response_id.in_(ids)).order_by(ToRead.id)
    return list(session.exec(query))


def being_read(session: Session, interview: Interview) -> BeingRead:
    """Return how far the reading of an interview is."""
    return session.get_one(BeingRead, interview.id)


def load_starter(session: Session) -> list[FrozenAnswer]:
    """Load the starter set."""
    frozen.load_starter(session, now())
    return list(session.exec(select(FrozenAnswer)))


def make_run(session: Session, having: judges.Judges) -> JudgeRun:
    """Begin a run."""
    return judge_runs.begin(session, having, by=None, at=now())


def like_authors(answer: frozen.Frozen) -> Iterable[str]:
    """Return what the first reader found."""
    return answer.people[0]


def finish_run(
    session: Session,
    having: judges.Judges,
    settings: Settings,
    said: Callable[[frozen.Frozen], Iterable[str]] = like_authors,
) -> JudgeRun:
    """Let both judges have read the set so, without asking any of them, and count it."""
    frozen.load_starter(session, now())
    run = make_run(session, having)
    session.add_all(
        JudgeRunReading(
            run_id=run.key,
            frozen_id=answer.id,
            judge=judge,
            outcome=Judged.READ,
            met=sorted(said(answer)),
            at=now(),
        )
        for answer in frozen.current(session)
        for judge in judges.BOTH
    )
    session.flush()
    judge_runs.finish(session, run.key, settings, now())
    session.flush()
    return run


def read_everywhere(session: Session, person: User, reader_id: int, words: str) -> None:
    """Let an answer of somebody be judged, read and put up for the frozen set."""
    query = select(Response, Interview).join(Interview, Interview.id == Response.interview_id)
    response, interview = session.exec(query.where(Interview.expert_id == person.id)).first()
    version = make_judge_version(session)
    said = [{"check": "agent", "met": True, "quote": words}]
    make_answer_judging(session, response, version=version.digest, readings=said)
    session.add(
        BeingRead(
            interview_id=interview.id, phase=Phase.READ, begun_at=now(), due_at=now(), why=None
        )
    )
    make_to_read(session, response, read_at=now())
    make_person_reading(session, response, reader_id, readings=said)
    frozen_answer = FrozenAnswer(
        key=f"response:{response.id}",
        field=interview.field,
        item_id=response.item_id,
        rubric="r",
        language="en",
        response_id=response.id,
        added_by=reader_id,
        added_at=now(),
    )
    session.add(frozen_answer)
    session.flush()
    met = ["agent"]
    session.add(FrozenReading(frozen_id=frozen_answer.id, reader_id=reader_id, met=met))
    session.flush()
    frozen_answer.frozen_at = now()
    run = JudgeRun(version=version.digest, asked_by=reader_id, begun_at=now())
    session.add(run)
    session.flush()
    session.add(
        JudgeRunReading(
            run_id=run.id,
            frozen_id=frozen_answer.id,
            judge=1,
            outcome=Judged.READ,
            met=met,
            at=now(),
        )
    )
    session.flush()


def make_to_read(session: Session, response: Response, **changes: Any) -> ToRead:
    """Let an answer wait for a person."""
    given: dict[str, Any] = {
        "purpose": ReadFor.OUTCOME,
        "why": Why.POINTS,
        "added_at": now(),
        "due_at": now(),
    }
    row = ToRead(response_id=response.id, **(given | changes))
    session.add(row)
    session.flush()
    return row


def make_person_reading(
    session: Session, response: Response, reader_id: int, **changes: Any
) -> PersonReading:
    """Keep what a person read in an answer."""
    given: dict[str, Any] = {
        "purpose": ReadFor.OUTCOME,
        "readings": [],
        "points": 0.5,
        "forms": {},
        "read_at": now(),
    }
    row = PersonReading(response_id=response.id, reader_id=reader_id, **(given | changes))
    session.add(row)
    session.flush()
    return row


def make_answer_in_words(
    session: Session, interview: Interview, item_id: str = "law-006", **changes: Any
) -> Response:
    """Give an interview one answer in words, wherever its questions stand."""
    given: dict[str, Any] = {
        "position": 1,
        "item_id": item_id,
        "language": "en",
        "answer": {"text": OWN_WORDS},
        "points": 0.0,
        "mark": {"points": 0.0},
        "shown_at": now(),
        "answered_at": now(),
    }
    row = Response(interview_id=interview.id, **(given | changes))
    session.add(row)
    session.flush()
    return row
