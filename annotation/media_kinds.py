"""What a media file is, by its first bytes, and which tags of a label config show what. Pure.

Browsers show what is listed here. SVG and HTML are not: both are documents that can act.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from annotation.label_config import parse
from core import content

HEAD = 4096
SCHEME = "media:"
_VARIABLE = re.compile(r"\$(\w+)")
_ELSEWHERE = re.compile(r"\s*(?!data:|media:)([a-z][a-z0-9+.\-]*:\S|//|/\w|\\\\)", re.IGNORECASE)


class Family(StrEnum):
    """What kind of thing a file is."""

    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    TEXT = "text"


SOUND = frozenset({Family.AUDIO, Family.VIDEO})  # a container such as MP4 may hold sound alone
# By tag and attribute: what the file may be. Where a tag has a `valueType`, only "url" is a file.
SHOWN: Mapping[tuple[str, str], frozenset[Family]] = {
    ("Image", "value"): frozenset({Family.IMAGE}),
    ("Image", "valuelist"): frozenset({Family.IMAGE}),
    ("Audio", "value"): SOUND,
    ("AudioPlus", "value"): SOUND,
    ("Video", "value"): frozenset({Family.VIDEO}),
    ("Pdf", "value"): frozenset({Family.DOCUMENT}),
    ("TimeSeries", "value"): frozenset({Family.TEXT}),
    ("Paragraphs", "audiourl"): SOUND,
    ("Paragraphs", "value"): frozenset({Family.TEXT}),
    ("Text", "value"): frozenset({Family.TEXT}),
    ("HyperText", "value"): frozenset({Family.TEXT}),
    ("Table", "value"): frozenset({Family.TEXT}),
}
_BY_ADDRESS_ONLY = frozenset({"Paragraphs", "Text", "HyperText", "Table"})
_TEXTS = {
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".json": "application/json",
    # Never served as a page, whatever stands in it.
    **dict.fromkeys((".txt", ".md", ".html", ".htm"), "text/plain"),
}


def family(kind: str) -> Family:
    """Return what a file of a kind is."""
    if kind == "application/pdf":
        return Family.DOCUMENT
    first = kind.partition("/")[0]
    return Family(first) if first in ("image", "audio", "video") else Family.TEXT


def sniff(path: Path, name: str) -> str | None:
    """Return the kind of a file, by its bytes; None where it is nothing that is shown here."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    for kind in _by_head(head):
        return kind
    return _text_kind(path, name)


@lru_cache(maxsize=256)
def fields(config: str) -> Mapping[str, frozenset[Family]]:
    """Return the fields of a task that name files, each with what the files may be."""
    found: dict[str, frozenset[Family]] = {}
    for element in parse(config).root.iter():
        given = {key.lower(): value for key, value in element.attrib.items()}
        is_address = given.get("valuetype", "").lower() == "url"
        for key, value in given.items():
            may = SHOWN.get((str(element.tag), key))
            if may is None:
                continue
            if element.tag in _BY_ADDRESS_ONLY and key == "value" and not is_address:
                continue  # the field holds the words themselves
            for name in _VARIABLE.findall(value):
                found[name] = found.get(name, may) & may
    return found


def names(data: Mapping[str, Any], config: str) -> list[tuple[str, str]]:
    """Return the files that a task shows, each with the field that names it."""
    return [
        (field, text.removeprefix(SCHEME))
        for field in fields(config)
        for text in _texts(data.get(field))
        if text.startswith(SCHEME)
    ]


def elsewhere(data: Mapping[str, Any], config: str) -> str | None:
    """Return the first field that names an address which the editor's frame cannot reach."""
    for field in fields(config):
        if any(_ELSEWHERE.match(text) for text in _texts(data.get(field))):
            return field
    return None


def replaced(value: Any, by: Mapping[str, str]) -> Any:
    """Return a value with names of files replaced wherever one stands alone."""
    if isinstance(value, str):
        return by.get(value.removeprefix(SCHEME), value) if value.startswith(SCHEME) else value
    if isinstance(value, list):
        return [replaced(one, by) for one in value]
    if isinstance(value, dict):
        return {key: replaced(one, by) for key, one in value.items()}
    return value


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _by_head(head: bytes) -> Iterator[str]:
    """Yield what the first bytes say; they are those of the formats' own standards."""
    yield from (kind for begin, kind in _BEGINS if head.startswith(begin))
    if head.startswith(b"BM") and head[14:15] in (b"\x0c", b"\x28", b"\x6c", b"\x7c"):
        yield "image/bmp"
    if head.startswith(b"RIFF") and (kind := _RIFF.get(head[8:12])):
        yield kind
    if head.startswith(b"OggS"):
        yield "video/ogg" if b"theora" in head else "audio/ogg"
    if head.startswith(b"\x1aE\xdf\xa3") and b"webm" in head[:64]:
        yield "video/webm"
    if head[4:8] == b"ftyp" and (kind := _brand(head[8:12], head[16:64])):
        yield kind


_BEGINS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    *((b"\xff" + bytes([sync]), "audio/mpeg") for sync in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2)),
    (b"%PDF-", "application/pdf"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def _brand(brand: bytes, others: bytes) -> str | None:
    """Return what a container of ISO media is; a picture in HEIF is shown where it is AVIF too."""
    if brand in (b"avif", b"avis") or (brand in _HEIF and b"avif" in others):
        return "image/avif"
    if brand in _HEIF:
        return None
    return "audio/mp4" if brand in (b"M4A ", b"M4B ") else "video/mp4"


def _text_kind(path: Path, name: str) -> str | None:
    """Return the kind of a text by the end of its name, where every byte of it is text."""
    kind = _TEXTS.get(Path(name).suffix.lower())
    if kind is None:
        return None
    decoder = getincrementaldecoder("utf-8")()
    try:
        for piece in content.pieces(path):
            if b"\0" in piece:
                return None
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return kind
