"""The frozen set: answers in words with what people found in them, by which judges are measured.

We wrote a starter set for each bank; it is loaded once. Operators add answers of real interviews,
whose text stays in the interview and goes with it: here is only a reference.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from accounts import consents
from accounts.models import Purpose, User
from core import audit
from core.errors import Conflict, NotAllowed
from experts.fields import Field
from interviews import being_read, editions, items, rubrics
from interviews.items import Bank, Item, Short
from interviews.judge_models import (
    FrozenAnswer,
    FrozenReading,
    PersonReading,
    ReadFor,
    Why,
)
from interviews.models import Interview, Response

STARTER = Path(__file__).resolve().parent / "frozen"
READ_WITHIN = timedelta(days=30)
READERS = 2
NEEDED = (Purpose.TRANSCRIPTS, Purpose.AI_INTERVIEW)


class NotForTheSet(NotAllowed):
    """Its person has not agreed that answers are kept and read by a language model."""


class NothingToFreeze(Conflict):
    """The answer is deleted, or was not given in words."""


@dataclass(frozen=True)
class Frozen:
    """An answer of the set as judges get it, with what each person found met."""

    id: int
    field: Field
    item: Item
    rubric: str
    language: str
    text: str
    people: tuple[frozenset[str], ...]
    # Who read it, in the same order; None are the authors of the banks.
    readers: tuple[int | None, ...]
    # The interview that it was given in; None for ours.
    interview: Interview | None

    @property
    def is_ours(self) -> bool:
        """Whether the authors of the banks wrote it."""
        return self.interview is None

    def is_of(self, user_id: int) -> bool:
        """Whether a person gave it."""
        return self.interview is not None and self.interview.expert_id == user_id

    def may_be_read_by(self, user_id: int) -> bool:
        """Whether a person may read it blind: not who gave it, nor who decided on it."""
        if self.interview is None:
            return True
        return user_id not in (self.interview.expert_id, self.interview.decided_by)

    @property
    def points(self) -> list[float]:
        """The points that each person gave."""
        return [rubrics.points(self.item, len(met)) for met in self.people]


def load_starter(session: Session, at: datetime) -> int:
    """Load the answers that we wrote, each once; return how many were new."""
    loaded = 0
    for one in starter():
        bank = items.banks().get(Field(one["field"]))
        item = _item(bank, one["item"]) if bank else None
        if item is None or rubrics.digest(item) != one["rubric"]:
            continue  # written for another edition of the question
        row = {
            "key": one["key"],
            "field": one["field"],
            "item_id": one["item"],
            "rubric": one["rubric"],
            "language": one["language"],
            "words": one["words"],
            "added_at": at,
        }
        made = session.execute(
            insert(FrozenAnswer)
            .values(row)
            .on_conflict_do_nothing()
            .returning(col(FrozenAnswer.id))
        ).scalar()
        if made is None:
            continue
        session.add(FrozenReading(frozen_id=made, reader_id=None, met=one["met"]))
        session.flush()  # what follows closes it
        session.get_one(FrozenAnswer, made).frozen_at = at
        loaded += 1
    return loaded


@cache
def starter() -> tuple[dict[str, Any], ...]:
    """Return the answers that we wrote, each with what its authors find met in it."""
    found = []
    for file in sorted(STARTER.glob("*.json")):
        found += json.loads(file.read_bytes())
    return tuple(found)


def current(session: Session, *, only: int | None = None) -> list[Frozen]:
    """Return the frozen answers whose question is as it was, and whose text is still there."""
    people = _people(session, only)
    agreeing = or_(col(FrozenAnswer.response_id).is_(None), agreed(col(Interview.expert_id)))
    query = (
        select(FrozenAnswer, Response, Interview)
        .outerjoin(Response, col(Response.id) == col(FrozenAnswer.response_id))
        .outerjoin(Interview, col(Interview.id) == col(Response.interview_id))
        .where(col(FrozenAnswer.frozen_at).is_not(None), agreeing)
        .order_by(col(FrozenAnswer.id))
    )
    if only is not None:
        query = query.where(FrozenAnswer.id == only)
    found = []
    for row, response, interview in session.exec(query):
        item, text = _item(items.banks().get(row.field), row.item_id), _text(row, response)
        if item is None or not text or rubrics.digest(item) != row.rubric:
            continue
        assert row.id is not None
        frozen = Frozen(
            id=row.id,
            field=row.field,
            item=item,
            rubric=row.rubric,
            language=row.language,
            text=text,
            people=tuple(frozenset(one.met) for one in people[row.id]),
            readers=tuple(one.reader_id for one in people[row.id]),
            interview=interview,
        )
        found.append(frozen)
    return found


def propose(session: Session, response: Response, *, by: User, at: datetime) -> FrozenAnswer:
    """Put an answer of an interview up for the set; two people have to have read it."""
    interview = session.get_one(Interview, response.interview_id)
    bank = editions.of(session, interview)
    item = bank.item(response.item_id)
    if response.answer is None or not isinstance(item.question, Short):
        raise NothingToFreeze
    if not may_be_frozen(session, response):
        raise NotForTheSet
    row = {
        "key": f"response:{response.id}",
        "field": interview.field,
        "item_id": item.id,
        "rubric": rubrics.digest(item),
        "language": response.language,
        "response_id": response.id,
        "added_by": by.id,
        "added_at": at,
    }
    made = session.execute(insert(FrozenAnswer).values(row).on_conflict_do_nothing())
    if made.rowcount:  # type: ignore[attr-defined]
        audit.record(session, "frozen.proposed", by=by.id, subject=f"interview:{interview.id}")
        due_at = at + READ_WITHIN
        being_read.put(session, response, Why.FROZEN, due_at=due_at, at=at, purpose=ReadFor.FROZEN)
    found = of_response(session, response)
    assert found is not None
    freeze_if_read(session, response, at)
    return found


def of_response(session: Session, response: Response) -> FrozenAnswer | None:
    """Return the place of an answer in the set."""
    query = select(FrozenAnswer).where(FrozenAnswer.response_id == response.id)
    return session.exec(query).first()


def may_be_read(session: Session, expert_id: int) -> bool:
    """Say whether a person agrees that answers are kept and that a model reads them."""
    return all(consents.given(session, expert_id, purpose) for purpose in NEEDED)


def agreed(expert_id: Mapped[int]) -> ColumnElement[bool]:
    """Return the condition of an answer whose person agrees to both still."""
    return and_(*(expert_id.in_(consents.givers(purpose)) for purpose in NEEDED))


def is_there(session: Session, frozen_id: int) -> bool:
    """Say whether an answer is still in the set, and hold it there."""
    return session.get(FrozenAnswer, frozen_id, with_for_update={"read": True}) is not None


def may_be_asked(session: Session, frozen_id: int) -> bool:
    """Say whether an answer is still there, and its person still agrees that a model reads it."""
    row = session.get(FrozenAnswer, frozen_id)
    if row is None or row.response_id is None:
        return row is not None
    response = session.get(Response, row.response_id, populate_existing=True)
    return bool(response and response.answer and may_be_frozen(session, response))


def freeze_if_read(session: Session, response: Response, at: datetime) -> bool:
    """Freeze an answer that was put up and that two people have read."""
    row = of_response(session, response)
    if row is None or row.frozen_at is not None or not may_be_frozen(session, response):
        return False
    read = select(PersonReading).where(
        PersonReading.response_id == response.id, col(PersonReading.undone_at).is_(None)
    )
    readings = session.exec(read.order_by(col(PersonReading.id)).limit(READERS)).all()
    if len(readings) < READERS:
        return False
    assert row.id is not None
    for one in readings:
        met = [reading["check"] for reading in one.readings if reading["met"]]
        session.add(FrozenReading(frozen_id=row.id, reader_id=one.reader_id, met=met))
    session.flush()  # before the row is closed
    row.frozen_at = at
    session.add(row)
    return True


def may_be_frozen(session: Session, response: Response) -> bool:
    """Say whether the person of an answer agrees to both."""
    return may_be_read(session, session.get_one(Interview, response.interview_id).expert_id)


def _people(session: Session, only: int | None) -> dict[int, list[FrozenReading]]:
    people: dict[int, list[FrozenReading]] = defaultdict(list)
    counting = select(FrozenReading).where(col(FrozenReading.undone_at).is_(None))
    if only is not None:
        counting = counting.where(FrozenReading.frozen_id == only)
    for one in session.exec(counting.order_by(col(FrozenReading.id))):
        people[one.frozen_id].append(one)
    return people


def _text(row: FrozenAnswer, response: Response | None) -> str:
    if response is None:
        return row.words or ""
    return str((response.answer or {}).get("text", ""))


def _item(bank: Bank | None, item_id: str) -> Item | None:
    every: Sequence[Item] = rubrics.in_words(bank) if bank else ()
    return next((item for item in every if item.id == item_id), None)
