"""Finding Label Studio's editor inside the bundle of its web app.

The editor is a webpack module like any other, and its numbers change with each version. They are
discovered here from the text of the files, and what is discovered is verified: a bundle that does
not look as expected is refused loudly, with what was missing. Pure.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Scripts that the frame loads before anything else, in this order.
SCRIPTS = ("runtime.js", "vendor.js", "main.js")
STYLE = "main.css"
_EDITOR_MARK = "window.LabelStudio="
_STYLES_MARK = "tailwindcss v3"
_ENTRY = re.compile(r"\.push\(\[\[(\d+)\]")
_EDITOR = re.compile(
    r"Promise\.all\(\[((?:\w+\.e\(\d+\),?)+)\]\)\.then\(\w+\.bind\(\w+,\s*(\d+)\)\)"
)
_CHUNK = re.compile(r"\b\w+\.[eu]\((\d+)\)")
_FILE = re.compile(r"\b\w+\.p\s*\+\s*\"([\w.\-]+)\"")
_STYLED = re.compile(r"\{((?:\d+:1,?)+)\}\[\w+\]")
_ROOTED = re.compile(r"url\(\s*[\"']?(/static/[\w./\-]+)[\"']?\s*\)")

Fetch = Callable[[str], bytes]


class EditorBroken(Exception):
    """The server's editor is not put together in a way that we know."""


@dataclass(frozen=True)
class Bundle:
    """The numbers by which the editor is found, and the files that it is made of."""

    entry: int
    chunks: tuple[int, ...]
    module: int
    files: dict[str, bytes]


def gather(fetch: Fetch) -> Bundle:
    """Fetch the editor's files and find its numbers, or raise `EditorBroken`."""
    files = {name: fetch(f"/react-app/{name}") for name in (*SCRIPTS, STYLE)}
    main = files["main.js"].decode()
    entry = _one(_ENTRY, main, "the entry of main.js")
    own = {_one(_ENTRY, files[name].decode(), f"the number of {name}") for name in SCRIPTS[1:]}
    styled = _styled(files["runtime.js"].decode())
    if _STYLES_MARK not in main:
        raise EditorBroken("main.js has lost the styles of the editor's controls")
    for chunks, module in _candidates(main):
        for chunk in (chunk for chunk in chunks if chunk not in own):
            _fetch_chunk(chunk, files, styled, fetch)
        editor = files.get(f"{chunks[-1]}.js", b"").decode()
        if _EDITOR_MARK in editor and re.search(rf"[{{,]{module}[:(]", editor):
            _fetch_rest(chunks, files, styled, fetch)
            return Bundle(entry, chunks, module, _with_own_addresses(files, fetch))
    raise EditorBroken("no part of main.js loads the editor")


def _one(pattern: re.Pattern[str], text: str, what: str) -> int:
    found = pattern.search(text)
    if found is None:
        raise EditorBroken(f"{what} is not where it was")
    return int(found[1])


def _candidates(main: str) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield what main.js loads lazily: chunks, and the module that starts them."""
    found = dict.fromkeys(_EDITOR.findall(main))
    for chunks, module in found:
        yield tuple(int(number) for number in _CHUNK.findall(chunks)), int(module)


def _styled(runtime: str) -> frozenset[int]:
    found = _STYLED.search(runtime)
    if found is None:
        raise EditorBroken("the list of style sheets in runtime.js is not where it was")
    return frozenset(int(pair.split(":")[0]) for pair in found[1].strip(",").split(","))


def _fetch_chunk(chunk: int, files: dict[str, bytes], styled: frozenset[int], fetch: Fetch) -> None:
    names = [f"{chunk}.js", *([f"{chunk}.css"] if chunk in styled else [])]
    for name in names:
        if name not in files:
            files[name] = fetch(f"/react-app/{name}")


def _fetch_rest(
    chunks: tuple[int, ...], files: dict[str, bytes], styled: frozenset[int], fetch: Fetch
) -> None:
    """Fetch what the editor itself loads later, such as the decoder of sounds."""
    waiting = [f"{chunk}.js" for chunk in chunks if f"{chunk}.js" in files] + ["vendor.js"]
    while waiting:
        text = files[waiting.pop()].decode()
        for number in map(int, _CHUNK.findall(text)):
            if f"{number}.js" not in files:
                _fetch_chunk(number, files, styled, fetch)
                waiting.append(f"{number}.js")
        for name in _FILE.findall(text):
            files.setdefault(name, fetch(f"/react-app/{name}"))


def _with_own_addresses(files: dict[str, bytes], fetch: Fetch) -> dict[str, bytes]:
    """Bring along what style sheets take from the server's root, such as fonts."""
    for name in [name for name in files if name.endswith(".css")]:
        text = files[name].decode()
        for address in dict.fromkeys(_ROOTED.findall(text)):
            files.setdefault(address.lstrip("/"), fetch(address))
            text = text.replace(address, address.lstrip("/"))
        files[name] = text.encode()
    return files
