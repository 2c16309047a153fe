"""Files of predictions: JSON or JSONL in Label Studio's format, read bit by bit. Pure.

An entry names a task by its id in the project (`task` or `id`), or by its whole `data`, and holds
a result, or several under `predictions`. A file that ends in .gz is unpacked while it is read.
"""

import codecs
import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from flask_babel import gettext as _

from annotation import task_files
from annotation.storable import is_storable
from annotation.task_files import MAX_ID, MAX_LINE, Trouble, UnreadableLine

MAX_BYTES = 4 * 1024**3  # unpacked
MAX_VERSION = 100
MAX_EACH = 20  # predictions of one entry
MOST_ANSWERS = 1000  # of a distribution
ROUNDED = 0.02  # so much may a distribution miss one
_CHUNK = 256 * 1024
_BLANK = " \t\r\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Entry:
    """A prediction as a file gives it."""

    number: int
    external_id: str
    model_version: str
    score: float | None
    doubt: float | None
    result: list[dict[str, Any]]


def read(name: str, stream: IO[bytes], model_version: str) -> Iterator[Entry | Trouble]:
    """Read a file by the ending of its name; `model_version` is that of entries without one."""
    lowered = name.lower()
    opened: IO[bytes] = stream
    if lowered.endswith(".gz"):
        lowered = lowered.removesuffix(".gz")
        opened = io.BufferedReader(_Bounded(gzip.GzipFile(fileobj=stream)))
    rows = _array(opened) if lowered.endswith(".json") else task_files.json_rows(opened)
    try:
        for number, row in rows:
            yield from _entries(number, row, model_version)
    except UnicodeDecodeError:
        yield Trouble(0, _("Save the file as UTF-8."))
    except (OSError, EOFError, zlib.error):
        yield Trouble(0, _("Pack the file again: it cannot be unpacked, or holds over 4 GB."))


def of(
    row: Mapping[str, Any], model_version: str
) -> tuple[str, float | None, float | None, list[Any]]:
    """Return version, score, doubt and result of one prediction, or raise `UnreadableLine`."""
    version = row.get("model_version") or model_version
    if not isinstance(version, str) or not 0 < len(version.strip()) <= MAX_VERSION:
        raise UnreadableLine(
            _("Name a model version, of %(most)s characters at most.", most=MAX_VERSION)
        )
    if not is_storable(version):
        raise UnreadableLine(_("Remove signs from “model_version” that cannot be kept."))
    result = row.get("result")
    if not isinstance(result, list) or not all(isinstance(part, dict) for part in result):
        raise UnreadableLine(_("Give each prediction a “result”, as a list of parts."))
    score, doubt = _score(row.get("score")), _doubt(row.get("probabilities"))
    return version.strip(), score, doubt, _with_ids(result)


def _entries(number: int, row: Any, model_version: str) -> Iterator[Entry | Trouble]:
    try:
        if isinstance(row, UnreadableLine):
            raise row
        if not isinstance(row, dict):
            raise UnreadableLine(_("Write each prediction as an object with a task and a result."))
        external_id = _task(row)
        some = row.get("predictions", [row])
        if not isinstance(some, list) or not 0 < len(some) <= MAX_EACH:
            raise UnreadableLine(
                _("Write “predictions” as a list of 1 to %(most)s results.", most=MAX_EACH)
            )
        for one in some:
            if not isinstance(one, dict):
                raise UnreadableLine(_("Write each prediction as an object with a result."))
            yield Entry(number, external_id, *of(one, model_version))
    except UnreadableLine as reason:
        yield Trouble(number, str(reason))


def _task(row: Mapping[str, Any]) -> str:
    given = row.get("task", row.get("id"))
    if given is None and isinstance(row.get("data"), dict):
        return task_files.name_of(row["data"])
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise UnreadableLine(_("Name the task: its id as “task”, or its whole “data”."))
    external_id = str(given).strip()
    if not 0 < len(external_id) <= MAX_ID or not is_storable(external_id):
        raise UnreadableLine(_("The project has no task “%(id)s”.", id=external_id[:MAX_ID]))
    return external_id


def _score(given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise UnreadableLine(_("Write “score” as a number from 0 to 1."))
    return float(given)


def _doubt(given: Any) -> float | None:
    """Return the entropy of a distribution, as a share of what it is where all is as likely."""
    if given is None:
        return None
    found = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(found, list) or not 2 <= len(found) <= MOST_ANSWERS:
        raise UnreadableLine(_wrong_distribution())
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in found):
        raise UnreadableLine(_wrong_distribution())
    if not all(0 <= one <= 1 for one in found) or abs(sum(found) - 1) > ROUNDED:
        raise UnreadableLine(_wrong_distribution())
    entropy: float = -sum(one * math.log(one) for one in found if one > 0)
    share: float = entropy / math.log(len(found))
    return min(max(share, 0.0), 1.0)


def _wrong_distribution() -> str:
    return str(
        _(
            "Write “probabilities” as what each answer is likely to be, from 0 to 1, together 1;"
            " 2 to %(most)s of them.",
            most=MOST_ANSWERS,
        )
    )


def _with_ids(result: list[Any]) -> list[Any]:
    """Give parts without an id one of their own: the editor needs it to show them."""
    return [
        part if part.get("id") else {**part, "id": f"p{number}"}
        for number, part in enumerate(result, start=1)
    ]


def _array(stream: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Yield the values of a JSON list, or a lone value, with the line where each begins."""
    text = _Text(stream)
    is_list = text.skip(_BLANK) and text.next == "["
    if is_list:
        text.take(1)
    while text.skip(_BLANK + ","):
        if is_list and text.next == "]":
            return
        number, value = text.line, text.value()
        yield number, value
        if isinstance(value, UnreadableLine):
            return  # where one value ends unread, nobody knows where the next begins


class _Text:
    """The text of a stream, of which no more is held than one value and a piece."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.line = 1
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._held, self._at, self._ended = "", 0, False

    @property
    def next(self) -> str:
        """The sign that comes next, where there is one."""
        return self._held[self._at]

    def take(self, count: int) -> None:
        """Go on by so many signs."""
        self.line += self._held.count("\n", self._at, self._at + count)
        self._at += count
        if self._at > _CHUNK:
            self._held, self._at = self._held[self._at :], 0

    def skip(self, signs: str) -> bool:
        """Go on to the next sign that is none of these; say whether there is one."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in signs:
                self.take(1)
            if self._at < len(self._held):
                return True
            if self._ended:
                return False
            self._read(_CHUNK)

    def value(self) -> Any:
        """Take the next JSON value, or return why it cannot be read."""
        more = _CHUNK
        while True:
            found, end = self._decoded()
            held = len(self._held) - self._at
            if not isinstance(found, UnreadableLine) and (end < len(self._held) or self._ended):
                is_long = end - self._at > MAX_LINE
                self.take(end - self._at)
                return _too_long() if is_long else found
            if self._ended:
                return found
            if held > 4 * MAX_LINE:
                return _too_long()
            try:
                self._read(more)
            except UnicodeDecodeError:
                return UnreadableLine(_("Save the file as UTF-8: this line is not."))
            more *= 2

    def _decoded(self) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self._held, self._at)
        except RecursionError:
            return UnreadableLine(_("Flatten this line: it is nested too deeply.")), 0
        except json.JSONDecodeError as problem:
            words = _(
                "Correct the JSON of this line, near its character %(place)s.",
                place=problem.pos - self._at + 1,
            )
            return UnreadableLine(words), 0
        except ValueError:
            # Python reads no number of more than some thousand digits.
            words = _("Shorten the numbers of this line, or write them as texts.")
            return UnreadableLine(words), 0

    def _read(self, count: int) -> None:
        raw = self._stream.read(count)
        self._ended = not raw
        self._held += self._decoder.decode(raw, final=self._ended)


class _Bounded(io.RawIOBase):
    """A packed file, unpacked while it is read, and no further than may be kept."""

    def __init__(self, packed: gzip.GzipFile) -> None:
        self._packed, self._left = packed, MAX_BYTES

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, room: Any) -> int:
        """Read what is next."""
        found = self._packed.read(len(room))
        self._left -= len(found)
        if self._left < 0:
            raise OSError("unpacked, it is too large")
        room[: len(found)] = found
        return len(found)


def _too_long() -> UnreadableLine:
    return UnreadableLine(_("Shorten this line: it is over a million bytes long."))
