"""spaCy's DocBin, written without spaCy: what it reads is a zipped msgpack of few arrays.

Its library is heavy and binds its own versions of others, so that it is no part of ours; the proof
loads these files with the real one. Strings are named by the 64 bit MurmurHash that spaCy uses.
"""

import struct
import zlib
from collections.abc import Iterable
from typing import Any

from annotation.label_config import Control
from releases.format_source import Out, Row, Source
from releases.format_text import apart, marked, marked_text

DOCS_AT_ONCE = 5_000
# Numbers of attributes in spaCy: ORTH, SPACY, ENT_IOB, ENT_TYPE, in their order.
ORTH, ENT_IOB, ENT_TYPE, SPACY = 65, 77, 78, 76
ATTRIBUTES = sorted((ORTH, ENT_IOB, ENT_TYPE, SPACY))
IOB = {"I": 1, "O": 2, "B": 3}
_MASK = (1 << 64) - 1
_M = 0xC6A4A7935BD1E995


def docbin(source: Source, out: Out) -> None:
    """Write the texts with their marks as entities, and the label of each as its category."""
    name = _text(source)
    choices = [one for one in source.of_kind("Choices")[:1] if not one.is_multiple]
    for split in source.splits:
        docs: list[tuple[str, Row]] = []
        number = 0
        for row in source.rows(split):
            text = row.data.get(name)
            if not isinstance(text, str) or not text:
                out.left_out += 1
                continue
            docs.append((text, row))
            if len(docs) == DOCS_AT_ONCE:
                out.binary(f"{split}-{number:05d}.spacy", _packed(docs, choices))
                docs, number = [], number + 1
            out.rows += 1
        if docs:
            out.binary(f"{split}-{number:05d}.spacy", _packed(docs, choices))


def hash_of(text: str) -> int:
    """Return the number by which spaCy knows a string: MurmurHash64A with seed 1."""
    data = text.encode()
    if not data:
        return 0
    value = 1 ^ (len(data) * _M & _MASK)
    whole = len(data) // 8 * 8
    for (part,) in struct.iter_unpack("<Q", data[:whole]):
        part = part * _M & _MASK
        part ^= part >> 47
        value = (value ^ (part * _M & _MASK)) * _M & _MASK
    if data[whole:]:
        value = (value ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    value ^= value >> 47
    value = value * _M & _MASK
    return value ^ (value >> 47)


def _text(source: Source) -> str:
    if not marked(source):
        for control in source.of_kind("Choices"):
            return source.field_of(control, "Text")
    return marked_text(source)


def _packed(docs: list[tuple[str, Row]], choices: Iterable[Control]) -> bytes:
    strings: dict[str, int] = {}
    rows, spaces, lengths, cats = bytearray(), bytearray(), [], []

    def number(text: str) -> int:
        if text not in strings:
            strings[text] = hash_of(text)
        return strings[text]

    for text, row in docs:
        found = _pieces(text)
        tags = _tags(found, row.spans)
        for (start, end, space), (iob, label) in zip(found, tags, strict=True):
            values = {
                ORTH: number(text[start:end]),
                ENT_IOB: IOB[iob],
                ENT_TYPE: number(label) if label else 0,
                SPACY: int(space),
            }
            rows += struct.pack(f"<{len(ATTRIBUTES)}Q", *(values[one] for one in ATTRIBUTES))
            spaces.append(int(space))
        lengths.append(len(found))
        cats.append(_cats(row, choices))
    return zlib.compress(
        _msgpack(
            {
                "version": "0.1",
                "attrs": ATTRIBUTES,
                "tokens": bytes(rows),
                "spaces": bytes(spaces),
                "lengths": struct.pack(f"<{len(lengths)}i", *lengths),
                "strings": sorted(strings),
                "cats": cats,
                "flags": [{"has_unknown_spaces": False} for _doc in docs],
                "span_groups": [b"" for _doc in docs],
            }
        )
    )


def _cats(row: Row, choices: Iterable[Control]) -> dict[str, float]:
    """Return the options of a choice, one of them right; nothing where none was made."""
    made = ((one.options, row.choice(one.name)) for one in choices)
    return {one: float(one == chosen) for options, chosen in made if chosen for one in options}


def _pieces(text: str) -> list[tuple[int, int, bool]]:
    """Cut a text so that pieces and single spaces behind them give it back to the letter."""
    pieces: list[tuple[int, int, bool]] = []
    place = 0
    while place < len(text):
        start = place
        kind = _kind(text[place])
        place += 1
        while kind in ("word", "space") and place < len(text) and _kind(text[place]) == kind:
            place += 1
        space = kind != "space" and text[place : place + 1] == " "
        pieces.append((start, place, space))
        place += space
    return pieces


def _kind(sign: str) -> str:
    if sign.isspace():
        return "space"
    return "word" if sign.isalnum() or sign == "_" else "sign"


def _tags(
    pieces: list[tuple[int, int, bool]], spans: list[dict[str, Any]]
) -> list[tuple[str, str]]:
    tags, flat, before = [], apart(spans), None
    for start, end, _space in pieces:
        span = next((one for one in flat if one["start"] < end and start < one["end"]), None)
        tags.append(("I" if span is before else "B", str(span["label"])) if span else ("O", ""))
        before = span
    return tags


def _msgpack(value: Any) -> bytes:
    """Pack what a DocBin holds: maps, lists, text, bytes, small numbers."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return struct.pack(">BI", 0xCE, value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, bytes):
        return struct.pack(">BI", 0xC6, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return struct.pack(">BI", 0xDB, len(data)) + data
    if isinstance(value, dict):
        inner = b"".join(_msgpack(one) for pair in value.items() for one in pair)
        return struct.pack(">BI", 0xDF, len(value)) + inner
    return struct.pack(">BI", 0xDD, len(value)) + b"".join(map(_msgpack, value))
