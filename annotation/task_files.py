"""Files of tasks, JSONL or CSV: read line by line, each line a task or what is wrong with it. Pure.

Whatever a file holds, a line is only ever data: it is capped, checked and kept as it is.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import IO, Any

from flask_babel import gettext as _

from annotation import media_kinds, results
from annotation.label_config import LabelConfig, parse

MAX_LINE = 1_000_000
# A cell may be as long as a line; Python would stop at an eighth of that.
csv.field_size_limit(MAX_LINE)
MAX_ID = 200
SPECIAL = ("id", "group")
GOLD = "gold."
KEYS = frozenset({"data", "gold", "group", "id", "priority"})


@dataclass(frozen=True)
class Line:
    """A task as a file gives it."""

    number: int
    external_id: str
    data: dict[str, Any]
    gold: list[dict[str, Any]] | None = None
    group: str | None = None
    priority: int = 0


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a line, and what to do."""

    number: int
    words: str


class UnreadableLine(ValueError):
    """A line holds no task; the text says why, to people."""


def read(
    name: str,
    stream: IO[bytes],
    label_config: str,
    media: Mapping[str, media_kinds.Family] = MappingProxyType({}),
) -> Iterator[Line | Trouble]:
    """Read a file by the ending of its name; anything but CSV is read as JSONL.

    `media` says what the files are that the tasks may name.
    """
    config = parse(label_config)
    rows = _csv_rows(stream) if name.lower().endswith(".csv") else json_rows(stream)
    for number, row in rows:
        try:
            if isinstance(row, UnreadableLine):
                raise row
            line = _line(number, row, config, label_config)
            _check_media(line.data, label_config, media)
            yield line
        except UnreadableLine as reason:
            yield Trouble(number, str(reason))


def _line(number: int, row: Any, config: LabelConfig, label_config: str) -> Line:
    if not isinstance(row, dict) or not isinstance(row.get("data"), dict):
        raise UnreadableLine(_('Write each line as an object with “data”: {"data": {…}}.'))
    if unknown := sorted(map(str, row.keys() - KEYS)):
        raise UnreadableLine(
            _("Move “%(key)s” into “data”, or remove it: a task has no such part.", key=unknown[0])
        )
    data = row["data"]
    if not results.is_storable(data):
        raise UnreadableLine(
            _("Remove signs that cannot be kept (NUL, broken characters, numbers without end).")
        )
    _check_shown(data, config)
    return Line(
        number=number,
        external_id=_external_id(row, data),
        data=data,
        gold=_gold(row.get("gold"), data, config, label_config),
        group=_group(row.get("group")),
        priority=_priority(row.get("priority", 0)),
    )


def name_of(data: Mapping[str, Any]) -> str:
    """Return the id of a task without one: its content, so that sending it again adds nothing."""
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False).encode(errors="surrogatepass")
    return "sha256:" + hashlib.sha256(canonical).hexdigest()[:32]


def _check_shown(data: Mapping[str, Any], config: LabelConfig) -> None:
    for name in config.required_variables:
        if data.get(name) in (None, "", [], {}):
            raise UnreadableLine(
                _(
                    "Add “%(name)s”: the label config shows it, and it is missing or empty.",
                    name=name,
                )
            )


def _check_media(
    data: Mapping[str, Any], label_config: str, media: Mapping[str, media_kinds.Family]
) -> None:
    """Refuse files that are not there or cannot be shown, and addresses of elsewhere."""
    if (field := media_kinds.elsewhere(data, label_config)) is not None:
        raise UnreadableLine(
            _(
                "Send the file of “%(field)s” to this project, on the page “Media files”, and "
                "write %(mark)s and its name here: the editor reaches no other address.",
                field=field,
                mark=media_kinds.SCHEME,
            )
        )
    may = media_kinds.fields(label_config)
    for field, name in media_kinds.names(data, label_config):
        if name not in media:
            raise UnreadableLine(
                _(
                    "Send “%(name)s” to this project first, on the page “Media files”: “%(field)s” "
                    "names it, and it is not there.",
                    name=name[:200],
                    field=field,
                )
            )
        if media[name] not in may[field]:
            raise UnreadableLine(
                _(
                    "Name another file in “%(field)s”: “%(name)s” is of a kind that the label "
                    "config does not show there.",
                    field=field,
                    name=name,
                )
            )


def _external_id(row: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    given = row.get("id")
    if given is None or given == "":
        return name_of(data)
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise UnreadableLine(_("Write “id” as a text or a whole number."))
    external_id = str(given).strip()
    if not 0 < len(external_id) <= MAX_ID or not results.is_storable(external_id):
        raise UnreadableLine(
            _("Shorten “id”: it may have %(most)s characters at most.", most=MAX_ID)
        )
    return external_id


def _group(given: Any) -> str | None:
    if given is None or given == "":
        return None
    if not isinstance(given, str | int) or len(str(given)) > MAX_ID:
        raise UnreadableLine(
            _("Write “group” as a text of %(most)s characters at most.", most=MAX_ID)
        )
    if not results.is_storable(str(given)):
        raise UnreadableLine(_("Remove signs from “group” that cannot be kept."))
    return str(given)


def _priority(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or abs(given) > 1000:
        raise UnreadableLine(_("Write “priority” as a whole number from -1000 to 1000."))
    return given


def _gold(
    given: Any, data: Mapping[str, Any], config: LabelConfig, label_config: str
) -> list[dict[str, Any]] | None:
    if given is None or given == {}:
        return None
    gold = _short_gold(given, config) if isinstance(given, dict) else given
    wrong = results.problems(label_config, data, gold)
    if wrong:
        raise UnreadableLine(_("Correct the known answer: %(problem)s", problem=wrong[0].words))
    known: list[dict[str, Any]] = gold
    return known


def _short_gold(given: Mapping[str, Any], config: LabelConfig) -> list[dict[str, Any]]:
    """Return a known answer from its short form: control and choice."""
    gold = []
    for name, chosen in given.items():
        control = config.controls.get(name)
        if control is None or control.kind != "Choices":
            raise UnreadableLine(
                _("Correct “gold”: the label config has no choices named “%(name)s”.", name=name)
            )
        gold.append(
            {
                "from_name": name,
                "to_name": control.to_names[0],
                "type": "choices",
                "value": {"choices": chosen if isinstance(chosen, list) else [str(chosen)]},
            }
        )
    return gold


def json_rows(stream: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """Yield the lines of a file as JSON, or why they cannot be read, with their numbers."""
    for number, raw in _lines(stream):
        if isinstance(raw, UnreadableLine):
            yield number, raw
        elif raw.strip():
            yield number, _json(raw)


def _json(raw: str) -> Any:
    try:
        return json.loads(raw)
    except RecursionError:
        return UnreadableLine(_("Flatten this line: it is nested too deeply."))
    except json.JSONDecodeError as problem:
        return UnreadableLine(
            _("Correct the JSON of this line, near its character %(place)s.", place=problem.pos + 1)
        )
    except ValueError:
        # Python reads no number of more than some thousand digits.
        return UnreadableLine(_("Shorten the numbers of this line, or write them as texts."))


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, str | UnreadableLine]]:
    """Yield the lines of a file, whatever its length, none longer than may be kept."""
    number = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(MAX_LINE)
            yield number, UnreadableLine(_("Shorten this line: it is over a million bytes long."))
            continue
        try:
            yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            yield number, UnreadableLine(_("Save the file as UTF-8: this line is not."))


def _csv_rows(stream: IO[bytes]) -> Iterator[tuple[int, Any]]:
    lines = _CsvLines(stream)
    reader = csv.reader(lines, strict=True, delimiter=lines.delimiter)
    header: list[str] = []
    while True:
        started = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            words = _(
                "Correct the quotes here: a text with a comma, a quote or a line break in it "
                "stands between quotes, and a quote inside it is doubled."
            )
            yield started, UnreadableLine(words)
            return
        except UnreadableLine as problem:
            yield started, problem
            return
        if not header:
            header = [cell.strip() for cell in cells]
            if (wrong := _header_trouble(header)) is not None:
                yield started, wrong
                return
        elif any(cells):
            yield started, _from_cells(header, cells)


class _CsvLines:
    """The lines of a file for the CSV reader, and how far it has read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.number = 0
        rest = _lines(stream)
        first = next(rest, None)
        self._rest = rest if first is None else chain([first], rest)
        self.delimiter = _delimiter(first[1] if first else "")

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        self.number, line = next(self._rest)
        if isinstance(line, UnreadableLine):
            raise line
        return line


def _delimiter(header: str | UnreadableLine) -> str:
    """Return what stands between the columns: a comma, or what Excel writes in many countries."""
    if isinstance(header, UnreadableLine) or "," in header:
        return ","
    return max(";\t", key=header.count) if any(sign in header for sign in ";\t") else ","


def _header_trouble(header: list[str]) -> UnreadableLine | None:
    if "" in header or len(set(header)) != len(header):
        return UnreadableLine(_("Give each column of the first line a name of its own."))
    return None


def _from_cells(header: list[str], cells: list[str]) -> Any:
    if len(cells) != len(header):
        return UnreadableLine(
            _(
                "Give this line %(wanted)s cells, as in the first line: it has %(found)s.",
                wanted=len(header),
                found=len(cells),
            )
        )
    row = dict(zip(header, cells, strict=True))
    gold = {
        name.removeprefix(GOLD): value
        for name, value in row.items()
        if name.startswith(GOLD) and value
    }
    data = {
        name: value
        for name, value in row.items()
        if name not in SPECIAL and not name.startswith(GOLD)
    }
    special = {name: row[name] for name in SPECIAL if row.get(name)}
    return {"data": data, "gold": gold or None, **special}


def example(
    label_config: str, kind: str, media: Mapping[str, media_kinds.Family] = MappingProxyType({})
) -> str:
    """Return a small file that a project would take, to start from; it names files that are in."""
    config = parse(label_config)
    names = config.required_variables or ["text"]
    may = media_kinds.fields(label_config)
    files = {
        name: [file for file, family in media.items() if family in may[name]][:2] for name in may
    }
    choices = [one for one in config.controls.values() if one.kind == "Choices" and one.options]
    rows = [
        {
            name: media_kinds.SCHEME + files[name][(number - 1) % len(files[name])]
            if files.get(name)
            else _("Example of %(name)s, %(number)s", name=name, number=number)
            for name in names
        }
        for number in (1, 2)
    ]
    gold = {one.name: one.options[0] for one in choices if not one.is_dynamic}
    return _csv_example(rows, gold) if kind == "csv" else _json_example(rows, gold)


def _json_example(rows: Iterable[Mapping[str, str]], gold: Mapping[str, str]) -> str:
    lines = []
    for number, row in enumerate(rows, start=1):
        task: dict[str, Any] = {"id": f"example-{number}", "group": "a", "data": row}
        if number == 1 and gold:
            task["gold"] = gold
        lines.append(json.dumps(task, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def _csv_example(rows: list[dict[str, str]], gold: Mapping[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "group", *rows[0], *(GOLD + name for name in gold)])
    for number, row in enumerate(rows, start=1):
        known = gold.values() if number == 1 else ["" for _name in gold]
        writer.writerow([f"example-{number}", "a", *row.values(), *known])
    return out.getvalue()
