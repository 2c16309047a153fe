"""The editor's files: discovered, verified, kept by version, served to the frame."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from annotation import backend_checks, editor_assets, label_tags
from annotation.editor_assets import EditorUnreachable
from annotation.editor_bundle import EditorBroken, Fetch, gather
from core.clock import now
from tests.conftest import Live
from tests.label_studio_server import Server

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.xdist_group("label_studio"),
]


@pytest.fixture
def fetch(label_studio: Server) -> Fetch:
    return editor_assets.fetcher(label_studio.url)


def changed(fetch: Fetch, name: str, old: bytes, new: bytes) -> Fetch:
    """Serve one file otherwise than the server does."""

    def other(path: str) -> bytes:
        content = fetch(path)
        if path != f"/react-app/{name}":
            return content
        assert old in content
        return content.replace(old, new)

    return other


def gone(_path: str) -> bytes:
    raise EditorUnreachable("nobody is there")


def test_the_editor_is_found_in_the_bundle_of_the_server(fetch):
    bundle = gather(fetch)

    editor = bundle.files[f"{bundle.chunks[-1]}.js"]
    assert b"window.LabelStudio=" in editor
    assert {"runtime.js", "vendor.js", "main.js", "main.css", "decode-audio.wasm"} <= set(
        bundle.files
    )
    assert not any(b"url(/static/" in text for name, text in bundle.files.items() if "css" in name)


def test_our_list_of_tags_is_the_editors_own(fetch):
    bundle = gather(fetch)
    editor = bundle.files[f"{bundle.chunks[-1]}.js"].decode()
    registered = set(re.findall(r'addTag\("([a-z]+)"', editor))

    ours = label_tags.CONTROLS | label_tags.OBJECTS | label_tags.OPTION_TAGS | label_tags.OTHERS
    parts = {part.lower() for part in label_tags.REGION_PARTS}
    # It is registered, and shows nothing but an invitation to buy Enterprise.
    assert {tag.lower() for tag in ours} == registered - parts - {"custominterface"}


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("main.js", b".push([[", b".push([(", "entry of main.js"),
        ("main.js", b"Promise.all([", b"Promise.any([", "no part of main.js"),
        ("main.js", b"tailwindcss v3", b"tailwindcss v4", "styles"),
        ("runtime.js", b":1,", b":2,", "style sheets"),
        ("358.js", b"window.LabelStudio=", b"window.LabelStudia=", "no part of main.js"),
    ],
)
def test_a_bundle_put_together_otherwise_is_refused_with_the_reason(fetch, name, old, new, said):
    with pytest.raises(EditorBroken, match=said):
        gather(changed(fetch, name, old, new))


def test_a_version_is_kept_whole_and_used_until_there_is_another(tmp_path, fetch):
    asked: list[str] = []

    def counted(path: str) -> bytes:
        asked.append(path)
        return fetch(path)

    at = now()
    first = editor_assets.ready(tmp_path, counted, at)
    before = len(asked)

    assert editor_assets.ready(tmp_path, counted, at + timedelta(minutes=9)) == first
    assert len(asked) == before
    assert editor_assets.ready(tmp_path, counted, at + timedelta(minutes=11)) == first
    assert len(asked) == before + 3  # only whether it is still the same
    assert first.release == "1.23.2"
    assert (editor_assets.folder(tmp_path, first.version) / "main.js").is_file()


def test_the_last_good_version_stays_when_a_new_one_is_broken(tmp_path, fetch):
    good = editor_assets.refresh(tmp_path, fetch, now())

    def newer(path: str) -> bytes:
        content = fetch(path)
        if path == "/react-app/version.json":
            return content + b" "
        return content.replace(b"window.LabelStudio=", b"") if path.endswith("358.js") else content

    with pytest.raises(EditorBroken):
        editor_assets.refresh(tmp_path, newer, now())

    later = now() + timedelta(hours=1)
    assert editor_assets.ready(tmp_path, newer, later) == good
    assert editor_assets.ready(tmp_path, gone, later + timedelta(hours=1)) == good
    state = editor_assets.state(tmp_path)
    assert state.assets == good
    assert state.trouble == "nobody is there"


def test_a_newer_version_takes_its_place_beside_the_old(tmp_path, fetch):
    old = editor_assets.refresh(tmp_path, fetch, now())

    def newer(path: str) -> bytes:
        return fetch(path) + (b" " if path.endswith(("version.json", "main.css")) else b"")

    new = editor_assets.refresh(tmp_path, newer, now())

    assert new.version != old.version
    assert editor_assets.state(tmp_path).assets == new
    # A page that was opened before still finds its files.
    assert editor_assets.folder(tmp_path, old.version).is_dir()


def test_a_half_written_version_is_not_used(tmp_path, fetch):
    good = editor_assets.refresh(tmp_path, fetch, now())
    (tmp_path / "current.json").write_text('{"version": ')

    assert editor_assets.state(tmp_path).assets is None
    assert editor_assets.ready(tmp_path, fetch, now()) == good


@pytest.mark.parametrize("name", ["main.js", "main.css", "358.js"])
def test_a_version_that_lost_a_file_is_not_used_and_is_fetched_anew(tmp_path, fetch, name):
    good = editor_assets.refresh(tmp_path, fetch, now())
    (editor_assets.folder(tmp_path, good.version) / name).unlink()

    assert editor_assets.state(tmp_path).assets is None
    assert editor_assets.ready(tmp_path, fetch, now()) == good
    assert (editor_assets.folder(tmp_path, good.version) / name).is_file()


@pytest.mark.parametrize("kept", ["[]", "{}", '{"version": "1"}', '"x"', "null"])
def test_a_note_that_another_program_wrote_is_not_believed(tmp_path, kept):
    (tmp_path / "current.json").write_text(kept)

    assert editor_assets.state(tmp_path).assets is None


def test_the_operator_reads_why_a_new_version_cannot_be_used(tmp_path, fetch, app):
    good = editor_assets.refresh(tmp_path, fetch, now())
    newer = changed(fetch, "version.json", b"{", b"{ ")
    broken = changed(newer, "358.js", b"window.LabelStudio=", b"window.Other=")
    with pytest.raises(EditorBroken):
        editor_assets.refresh(tmp_path, broken, now())

    with app.test_request_context():
        said = backend_checks.editor(tmp_path)
        nothing = backend_checks.editor(tmp_path / "empty")

    assert said.tone == "wait"
    assert f"Version {good.release} is in use, the last good one" in said.words
    assert "no part of main.js loads the editor" in said.words
    assert "Go back to Label Studio 1.23.2" in said.to_do
    assert nothing.tone == "wait"


def test_without_any_version_it_is_said(tmp_path):
    with pytest.raises(EditorUnreachable):
        editor_assets.ready(tmp_path, gone, now())
    assert editor_assets.state(tmp_path).trouble == "nobody is there"


def test_the_frame_has_an_origin_of_its_own_and_a_narrow_policy(bench: Live):
    answer = bench.client().get("/editor/frame")

    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "sandbox allow-scripts;" in policy
    assert "default-src 'none'" in policy
    assert "'unsafe-eval'" not in policy
    assert "script-src" in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    assert "'self'" not in policy
    assert "Set-Cookie" not in answer.headers


def test_the_editors_files_may_be_kept_for_ever_by_everybody(bench: Live):
    client = bench.client()
    page = client.get("/editor/frame").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert len(addresses) == 8
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Set-Cookie" not in answer.headers
        answer.close()


@pytest.mark.parametrize(
    "path",
    [
        "/editor/assets/../current.json",
        "/editor/assets/..%2f/current.json",
        "/editor/assets/./current.json",
        "/editor/assets/1.0/main.js",
        "/editor/assets/.part-x/main.js",
        "/editor/scripts/x/..%2f..%2fdoyen.css",
        "/editor/scripts/x/nothing.js",
    ],
)
def test_nothing_else_is_served_from_there(bench: Live, path):
    bench.client().get("/editor/frame")

    assert bench.client().get(path).status_code in (404, 308)


def test_without_label_studio_the_frame_says_so(live: Live, tmp_path: Path):
    settings = live.app.extensions["doyen.settings"]
    live.app.extensions["doyen.settings"] = settings.model_copy(
        update={"label_studio_url": "http://127.0.0.1:9"}
    )

    answer = live.client().get("/editor/frame")

    assert answer.status_code == 503
    assert "mount.js" in answer.text  # which tells the page around
    assert editor_assets.state(tmp_path / "editor").trouble
