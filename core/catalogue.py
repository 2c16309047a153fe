"""The words of every package, and what they are in the other languages.

Each package has a catalogue of its own, `translations/<language>/<package>.po`. They are merged
into the one that pages use whenever a catalogue is newer than it.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from core.errors import DomainError, message_of

PACKAGES = (
    "core",
    "accounts",
    "experts",
    "payouts",
    "projects",
    "annotation",
    "interviews",
    "releases",
)
KEYWORDS = {
    "_": None,
    "gettext": None,
    "_l": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "_n": (1, 2),
    "_ln": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "_p": ((1, "c"), 2),
    "_lp": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
}
# Which template folders besides its own belong to a package.
FOLDERS = {"core": ("errors", "public"), "accounts": ("security",)}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%")


def ensure_compiled(folder: Path) -> None:
    """Merge the catalogues of each language that has changed."""
    for language in _languages(folder):
        merged = language / "LC_MESSAGES" / "messages.mo"
        sources = sorted(language.glob("*.po"))
        newest = max((source.stat().st_mtime_ns for source in sources), default=0)
        if sources and (not merged.exists() or merged.stat().st_mtime_ns < newest):
            _write(merged, _merge(language.name, sources))


def update(root: Path, package: str) -> dict[str, int]:
    """Bring a package's catalogues up to its code; return how many words lack in each language."""
    template = extract(root, package)
    lacking = {}
    for language in _languages(root / "translations"):
        file = language / f"{package}.po"
        catalog = _read(file, language.name)
        catalog.update(template, no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with file.open("wb") as out:
            write_po(out, catalog, include_lineno=False, sort_output=True, width=96)
        lacking[language.name] = sum(1 for _ in _untranslated(catalog))
    return lacking


def problems(root: Path) -> Iterator[str]:
    """Say what is missing, left over, or wrong in each catalogue."""
    yield from _said_otherwise(root / "translations")
    for package in PACKAGES:
        template = extract(root, package)
        for language in _languages(root / "translations"):
            catalog = _read(language / f"{package}.po", language.name)
            where = f"{language.name}/{package}"
            yield from _problems(where, template, catalog)


def extract(root: Path, package: str) -> Catalog:
    """Return the words of a package: its code, its templates and its errors."""
    catalog = Catalog(project="Doyen", copyright_holder="the Doyen authors", fuzzy=False)
    for file in sorted(_files(root, package)):
        method = "python" if file.suffix == ".py" else "jinja2.ext:babel_extract"
        found = extract_from_file(
            method,
            file,
            keywords=KEYWORDS,
            options={"trimmed": "true", "silent": "false"},
            strip_comment_tags=True,
        )
        for line, words, comments, context in found:
            where = [(str(file.relative_to(root)), line)]
            catalog.add(words, locations=where, auto_comments=comments, context=context)
    for error in _errors(root, package):
        catalog.add(message_of(error), locations=[(error.__module__.replace(".", "/") + ".py", 0)])
    return catalog


def _files(root: Path, package: str) -> Iterator[Path]:
    yield from (root / package).rglob("*.py")
    templates = root / "templates"
    for folder in (package, *FOLDERS.get(package, ())):
        yield from (file for file in (templates / folder).rglob("*") if file.is_file())
    yield from (file for file in (templates / "messages" / package).rglob("*.txt"))
    if package == "core":
        yield from templates.glob("*.html")
    if package == "accounts":
        yield from (templates / "messages" / "security").rglob("*.txt")


def _errors(root: Path, package: str) -> Iterator[type[DomainError]]:
    # Only classes that somebody has imported are known; a command has imported few.
    for file in sorted((root / package).rglob("*.py")):
        if "core.errors" in file.read_text("utf-8"):
            import_module(".".join(file.relative_to(root).with_suffix("").parts))
    for error in sorted(_below(DomainError), key=lambda error: error.__qualname__):
        if error.__module__.partition(".")[0] == package:
            yield error


def _below(kind: type[DomainError]) -> set[type[DomainError]]:
    return {kind} | {one for child in kind.__subclasses__() for one in _below(child)}


def _problems(where: str, template: Catalog, catalog: Catalog) -> Iterator[str]:
    for message in template:
        if not message.id:
            continue
        translated = catalog.get(message.id, message.context)
        if translated is None or not _whole(translated) or translated.string is None:
            yield f"{where}: not translated: {message.id!r}"
        elif _placeholders(message.id) != _placeholders(translated.string):
            yield f"{where}: other placeholders: {translated.string!r}"
        elif bare := _bare_signs(translated.string):
            yield f"{where}: no no-break space before {bare!r}: {translated.string!r}"
    for message in catalog:
        if message.id and template.get(message.id, message.context) is None:
            yield f"{where}: no longer used: {message.id!r}"


def _said_otherwise(folder: Path) -> Iterator[str]:
    """Find words that two packages translate differently: after the merge one would win."""
    for language in _languages(folder):
        said: dict[object, tuple[str, object]] = {}
        for source in sorted(language.glob("*.po")):
            for message in _read(source, language.name):
                if not message.id or not _whole(message):
                    continue
                key = (message.context, message.id)
                where, words = said.setdefault(key, (source.stem, message.string))
                if words != message.string:
                    place = f"{language.name}/{source.stem}"
                    yield f"{place}: {message.id!r} is translated otherwise in {where}"


def _placeholders(words: str | Iterable[str]) -> set[str]:
    # A plural may write the number in one of its forms only.
    every = [words] if isinstance(words, str) else list(words)
    return {match.group(0) for one in every for match in PLACEHOLDER.finditer(one)} - {"%(num)d"}


def _bare_signs(words: str | Iterable[str]) -> str:
    every = [words] if isinstance(words, str) else list(words)
    found = (re.search(r"(?:\w|») ?[;?!](?=\s|$)|\w ?:(?=\s|$)", one) for one in every)
    return next((match.group(0) for match in found if match), "")


def _untranslated(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id and not _whole(message))


def _whole(message: Message) -> bool:
    every = [message.string] if isinstance(message.string, str) else list(message.string or ())
    return bool(every) and all(every) and not message.fuzzy


def _merge(language: str, sources: list[Path]) -> Catalog:
    merged = Catalog(locale=language, fuzzy=False)
    for source in sources:
        for message in _read(source, language):
            if message.id and _whole(message):
                merged.add(message.id, message.string, context=message.context)
    return merged


def _read(file: Path, language: str) -> Catalog:
    if not file.exists():
        return Catalog(locale=language, project="Doyen", fuzzy=False)
    with file.open("rb") as source:
        return read_po(source, locale=language)


def _write(merged: Path, catalog: Catalog) -> None:
    # Several processes may start at once: each writes its own file and moves it into place.
    merged.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=merged.parent)
    with os.fdopen(handle, "wb") as out:
        write_mo(out, catalog)
    Path(name).replace(merged)


def _languages(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())
