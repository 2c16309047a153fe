"""People read the frozen set blind, as many as like to: each alone, and each once.

What they find counts from the next count of the judges on, beside what the others found. Several
may read the same answer at the same time: nobody waits for anybody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, func, select

from accounts.models import User
from core import audit
from core.errors import Conflict, NotAllowed, NotFound
from experts.fields import Field
from interviews import frozen, kappa, measures, rubrics
from interviews.frozen import Frozen
from interviews.judge_models import FrozenAnswer, FrozenReading, JudgeRun, JudgeRunReading

UNDO_FOR = timedelta(minutes=10)


class NotBlind(NotAllowed):
    """You gave this answer, or you have decided on its interview: others read it."""


class TooLate(Conflict):
    """This reading can no longer be undone: ten minutes have passed."""


@dataclass(frozen=True)
class OfField:
    """How far the reading of a field is, and what is left for one person."""

    field: Field
    answers: int
    by_one: int
    by_several: int
    left: int
    people: kappa.Agreement


@dataclass(frozen=True)
class Row:
    """What each reader says of one check; None where a judge has not read the answer."""

    words: str
    mine: bool
    forms: bool
    others: list[bool]
    judges: list[bool | None]

    @property
    def differs(self) -> bool:
        """Whether anybody else reads it in another way."""
        every = [self.forms, *self.others, *(one for one in self.judges if one is not None)]
        return any(one != self.mine for one in every)


def by_field(session: Session, user_id: int) -> list[OfField]:
    """Return how far each field is."""
    every = frozen.current(session)
    found = []
    for field in Field:
        some = [one for one in every if one.field is field]
        found.append(
            OfField(
                field,
                answers=len(some),
                by_one=sum(len(one.people) == 1 for one in some),
                by_several=sum(len(one.people) > 1 for one in some),
                left=len(open_to(some, user_id)),
                people=kappa.among([one.points for one in some]),
            )
        )
    return found


def open_to(answers: Sequence[Frozen], user_id: int) -> list[Frozen]:
    """Return which answers a person may read and has not, those with the fewest readers first."""
    some = [one for one in answers if user_id not in one.readers and one.may_be_read_by(user_id)]
    return sorted(some, key=lambda one: (len(one.readers), one.id))


def next_for(session: Session, user_id: int, field: Field | None) -> Frozen | None:
    """Return the answer that most needs another reader, of a field or of all."""
    every = frozen.current(session)
    some = open_to([one for one in every if field in (None, one.field)], user_id)
    return some[0] if some else None


def find(session: Session, frozen_id: int, user_id: int) -> Frozen:
    """Return an answer of the set; refuse whoever cannot read it blind."""
    some = frozen.current(session, only=frozen_id)
    if not some:
        raise NotFound
    if not some[0].may_be_read_by(user_id):
        raise NotBlind
    return some[0]


def of_reader(session: Session, frozen_id: int, user_id: int) -> FrozenReading | None:
    """Return what a person found in an answer."""
    query = select(FrozenReading).where(
        FrozenReading.frozen_id == frozen_id,
        FrozenReading.reader_id == user_id,
        col(FrozenReading.undone_at).is_(None),
    )
    return session.exec(query).first()


def read(
    session: Session, one: Frozen, met: Collection[str], *, by: User, at: datetime
) -> FrozenReading:
    """Keep which checks a person found met; sent twice, the first counts."""
    session.get_one(FrozenAnswer, one.id, with_for_update=True)
    keys = [key for key in rubrics.short(one.item).checks if key in met]
    made = session.execute(
        insert(FrozenReading)
        .values(frozen_id=one.id, reader_id=by.id, met=keys, read_at=at)
        .on_conflict_do_nothing()
        .returning(col(FrozenReading.id))
    ).scalar()
    if made is not None:
        audit.record(session, "frozen.read", by=by.id, subject=_subject(one.id))
    found = of_reader(session, one.id, by.id or 0)
    assert found is not None
    return found


def may_undo(reading: FrozenReading, at: datetime) -> bool:
    """Say whether a reading can still be taken back."""
    return reading.read_at is not None and at < reading.read_at + UNDO_FOR


def undo(session: Session, frozen_id: int, *, by: User, at: datetime) -> None:
    """Take a reading back; twice changes nothing."""
    session.get_one(FrozenAnswer, frozen_id, with_for_update=True)
    reading = of_reader(session, frozen_id, by.id or 0)
    if reading is None:
        return
    if not may_undo(reading, at):
        raise TooLate
    reading.undone_at = at
    session.add(reading)
    audit.record(session, "frozen.read_undone", by=by.id, subject=_subject(frozen_id))


def since(session: Session, at: datetime | None) -> int:
    """Return how many readings people have added or taken back since a time."""
    if at is None:
        return 0
    read, undone = col(FrozenReading.read_at), col(FrozenReading.undone_at)
    changed = ((read > at) & undone.is_(None)) | ((read <= at) & (undone > at))
    return session.exec(select(func.count()).select_from(FrozenReading).where(changed)).one()


def compared(
    session: Session, one: Frozen, mine: FrozenReading, run: JudgeRun | None, language: str
) -> list[Row]:
    """Return what a person found beside what the program, the others and the judges did."""
    forms = measures.by_forms(one)
    others = [met for _reader, met in other_readings(one, mine.reader_id)]
    judges = _judges(session, one, run)
    return [
        Row(
            words=check.words.in_(language),
            mine=key in mine.met,
            forms=key in forms,
            others=[key in met for met in others],
            judges=[None if met is None else key in met for met in judges],
        )
        for key, check in rubrics.short(one.item).checks.items()
    ]


def other_readings(one: Frozen, reader_id: int | None) -> list[tuple[int | None, frozenset[str]]]:
    """Return who else read an answer, and what they found."""
    every = zip(one.readers, one.people, strict=True)
    return [(reader, met) for reader, met in every if reader is None or reader != reader_id]


def names(session: Session, answers: Sequence[Frozen]) -> Mapping[int, str]:
    """Return the names of the people who read some answers."""
    ids = {reader for one in answers for reader in one.readers if reader is not None}
    rows = session.exec(select(User).where(col(User.id).in_(ids)))
    return {user.id or 0: user.name for user in rows}


def _judges(session: Session, one: Frozen, run: JudgeRun | None) -> list[frozenset[str] | None]:
    if run is None:
        return []
    query = select(JudgeRunReading).where(
        JudgeRunReading.run_id == run.id, JudgeRunReading.frozen_id == one.id
    )
    rows = session.exec(query.order_by(col(JudgeRunReading.judge)))
    return [frozenset(row.met) if row.met is not None else None for row in rows]


def _subject(frozen_id: int) -> str:
    return f"frozen_answer:{frozen_id}"
