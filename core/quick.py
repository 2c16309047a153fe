"""Rows of the session made of what `core.asking` has read, for questions that every request asks.

They are rows like any other: what was not read comes when it is asked for.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import inspect
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlmodel import Session

Row = TypeVar("Row")


@dataclass(frozen=True)
class Part(Generic[Row]):
    """Some columns of a table as they stand in a question, and the row that is made of them."""

    kind: type[Row]
    alias: str
    names: tuple[str, ...]

    @property
    def columns(self) -> str:
        """The columns for the question; the key of the table comes first."""
        return ", ".join(f"{self.alias}.{name} as {self.alias}_{name}" for name in self.names)

    def row(self, session: Session, found: Any) -> Row:
        """Return the row of the session that an answer holds."""
        return self.made(session, [getattr(found, label) for label in _labels(self)])

    def made(self, session: Session, values: Sequence[Any]) -> Row:
        """Return the row of the session with these values: a new one, or the known one as it is."""
        read = [
            (name, value if how is None else how(value))
            for name, how, value in zip(self.names, _readers(self), values, strict=True)
        ]
        mapper = _mapper(self)
        key = mapper.identity_key_from_primary_key([read[0][1]])
        row = session.identity_map.get(key)
        if row is None:
            # What SQLAlchemy does with a row that it has read, for one that it has not.
            row = mapper.class_manager.new_instance()
            row.__dict__.update(read)
            state = instance_state(row)
            state.key = key
            state.expired_attributes.update(_unread(self))
            session.identity_map.add(state)
            state.session_id = session.hash_key
        else:
            for name, value in read:
                set_committed_value(row, name, value)
        return row  # type: ignore[no-any-return]


@functools.cache
def _mapper(part: Part[Any]) -> Any:
    return inspect(part.kind)


@functools.cache
def _unread(part: Part[Any]) -> frozenset[str]:
    return frozenset(column.key for column in _mapper(part).column_attrs) - set(part.names)


@functools.cache
def _labels(part: Part[Any]) -> tuple[str, ...]:
    return tuple(f"{part.alias}_{name}" for name in part.names)


@functools.cache
def _readers(part: Part[Any]) -> tuple[Any, ...]:
    """Return how the type of each column reads a value, where it does not stay what it is."""
    return tuple(_reader(_mapper(part).columns[name].type) for name in part.names)


def _reader(column_type: Any) -> Any:
    process = getattr(column_type, "process_result_value", None)
    return functools.partial(process, dialect=None) if process is not None else None
