"""Signatures of manifests, keys and their change, signed links, and places elsewhere."""

import base64
import json
import shutil
import stat
from datetime import timedelta

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from core.clock import now
from releases import cli, grants, jobs, links, signing, storage, target, verifying
from releases.delivery_models import ReleaseFormat, ReleaseKey, ReleaseSignature, Way
from releases.downloads import Reader
from tests.conftest import make_settings
from tests.factories.releases import build_release, make_grant, make_ml_team, make_work


@pytest.fixture
def root(app):
    return app.extensions["doyen.settings"].data_dir.resolve() / "releases"


@pytest.fixture
def ours(app):
    return app.extensions["doyen.settings"]


@pytest.fixture
def release(app, session):
    return build_release(app, session, make_work(session, tasks=4))


def reading(root, release, changed=()):
    """Read a release from its folder, with what was said beside it; some files are changed."""

    def read(path):
        at = storage.beside(release, path) if path == signing.SIGNATURE else None
        file = root / (at or storage.place(release, path))
        yield file.read_bytes() + (b" " if path in changed else b"")

    return read


def keys(session):
    return verifying.keys_of(signing.told(signing.public_keys(session)))


def test_a_release_is_signed_and_whole(root, session, release):
    verdict = verifying.verify(reading(root, release), keys(session))

    assert verdict.troubles == []
    assert (verdict.version, verdict.commit) == (release.version, release.commit)
    assert verdict.key == signing.key_of(session, release.id)


def test_what_was_changed_is_named(root, session, release):
    card = verifying.verify(reading(root, release, {"README.md"}), keys(session))
    manifest = verifying.verify(reading(root, release, {"manifest.json"}), keys(session))
    more = verifying.verify(reading(root, release), keys(session), ["README.md", "evil.py"])
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    unknown = verifying.verify(reading(root, release), [verifying.Key(other)])

    assert card.troubles == ["changed: README.md"]
    assert manifest.troubles == ["manifest.json.sig was made by none of the keys"]
    assert more.troubles == ["not in the manifest: evil.py"]
    assert unknown.troubles == ["manifest.json.sig was made by none of the keys"]


def test_a_hostile_manifest_leads_nowhere():
    manifest = {
        "files": [{"path": "../../etc/passwd", "sha256": "0"}],
        "version": "1",
        "commit": "x",
        "organisation": {"slug": "a"},
        "name": "b",
    }
    read = lambda path: [json.dumps(manifest).encode() if path == "manifest.json" else b"x" * 64]  # noqa: E731

    verdict = verifying.verify(read, [])

    assert "not a path of a release: ../../etc/passwd" in verdict.troubles
    for text in (b"[]", b'{"files": []}'):
        assert verifying.verify(lambda path: [text], []).troubles == [  # noqa: B023
            "manifest.json is not a manifest"
        ]


def test_nothing_is_signed_that_the_database_does_not_know(app, session, root, ours, release):
    with app.app_context():
        (root / storage.place(release, "manifest.json")).write_text('{"forged": true}')

        with pytest.raises(storage.NotWhole):
            signing.sign(session, release, root, ours, at=now())


def test_an_old_key_goes_on_proving_and_one_given_away_does_not(app, session, root, ours, release):
    first = signing.key_of(session, release.id)
    with app.app_context():
        second = signing.rotate(session, ours, given_away=False, at=now())
        assert second != first
        assert verifying.verify(reading(root, release), keys(session)).troubles == []
        assert signing.unsigned(session) == []

        with pytest.raises(signing.SignsNow):
            signing.revoke(session, second, ours, at=now())
        signing.revoke(session, first, ours, at=now())
        assert (
            "was given away" in verifying.verify(reading(root, release), keys(session)).troubles[0]
        )
        assert signing.unsigned(session) == [release]

        signing.sign(session, release, root, ours, at=now())
    verdict = verifying.verify(reading(root, release), keys(session))
    assert (verdict.troubles, verdict.key) == ([], second)


def test_nothing_is_signed_with_a_key_that_was_given_away(app, session, root, ours, release):
    with app.app_context():
        session.get_one(ReleaseKey, signing.key_of(session, release.id)).revoked_at = now()

        with pytest.raises(signing.Revoked):
            signing.sign(session, release, root, ours, at=now())


def test_a_damaged_release_holds_up_neither_signatures_nor_formats(app, session, root, release):
    other = build_release(app, session, make_work(session, tasks=2))
    session.get_one(ReleaseKey, signing.key_of(session, release.id)).revoked_at = now()
    session.commit()
    shutil.rmtree(root / storage.place(release, ""))
    with app.app_context():
        ours = app.extensions["doyen.settings"]
        (ours.data_dir.resolve() / signing.KEY_FILE).unlink()

        assert jobs.sign_waiting() == 1
        session.execute(delete(ReleaseFormat))
        session.commit()
        assert jobs.make_formats() > 0

    assert [one.id for one in signing.unsigned(session)] == [release.id]
    tried = set(session.exec(select(ReleaseFormat.release_id)))
    assert tried == {other.id}


def test_the_command_names_the_file_that_is_missing(tmp_path):
    pem = tmp_path.with_suffix(".pem")
    pem.write_text(signing.pem(Ed25519PrivateKey.generate().public_key().public_bytes_raw()))

    said = CliRunner().invoke(cli.release, ["verify", str(tmp_path), "--key", str(pem)])

    assert "missing: manifest.json" in said.output


def test_the_key_is_made_once_and_is_for_our_eyes_only(tmp_path):
    settings = make_settings(tmp_path)

    made = signing.private_key(settings).private_bytes_raw()

    assert signing.private_key(settings).private_bytes_raw() == made
    path = tmp_path / signing.KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_key_of_the_settings_as_pem_or_in_base64(tmp_path):
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    raw = base64.b64encode(key.private_bytes_raw()).decode()
    for given in (pem, raw):
        found = signing.private_key(make_settings(tmp_path, release_signing_key=given))
        assert found.private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(signing.BadSigningKey):
        signing.private_key(make_settings(tmp_path, release_signing_key="short"))


def test_the_database_keeps_keys_and_signatures_as_they_are(session, release):
    for row, column in ((ReleaseKey, "public_key"), (ReleaseSignature, "signature")):
        found = session.exec(select(row)).first()
        other = getattr(found, column).swapcase()
        with pytest.raises(DBAPIError), session.begin_nested():
            session.execute(update(row).values({column: other}))
        assert getattr(found, column) != other


def test_the_public_keys_are_told(client, session, release):
    [told] = client.get("/.well-known/doyen-release-keys.json").json["keys"]

    assert told["id"] == signing.key_of(session, release.id)
    pem = client.get(f"/.well-known/doyen-release-keys/{told['id']}.pem").text
    assert pem == told["pem"]
    assert client.get("/.well-known/doyen-release-keys/x.pem").status_code == 404


@pytest.fixture
def linked(app, session, release):
    """A person of an ML team who may read, and how to make a link of theirs."""
    user, team = make_ml_team(session, name="Ada")
    granted = make_grant(session, type("D", (), {"project_id": release.project_id,
                                                 "owner": user})(), team)  # fmt: skip
    session.commit()
    reader = Reader(team.id, Way.LINK, user.id)

    def make(**ahead):
        until = now() + timedelta(**ahead)
        return f"/release-files/{links.make(app.secret_key, release, reader, until=until)}"

    return make, user, granted


def test_a_link_opens_files_without_a_token_in_parts_too(client, release, linked):
    make, _user, _granted = linked
    base = make(hours=1)

    whole = client.get(f"{base}/README.md", buffered=True)
    part = client.get(f"{base}/README.md", headers={"Range": "bytes=0-2"}, buffered=True)

    assert whole.status_code == 200
    assert (part.status_code, part.data) == (206, b"---")
    assert client.get(f"{base}/SHA256SUMS", buffered=True).status_code == 200
    assert client.get(f"{base}/../../x", buffered=True).status_code == 404


def test_a_link_ends_by_itself_and_cannot_be_forged(client, linked):
    base = linked[0](hours=1)

    assert client.get(f"{linked[0](seconds=-1)}/README.md").status_code == 410
    assert client.get(f"{base[:-1]}{'a' if base[-1] != 'a' else 'b'}/README.md").status_code == 404
    assert client.get("/release-files/x.y/README.md").status_code == 404


def test_a_link_ends_with_the_right_to_read(client, session, release, linked):
    make, _user, granted = linked
    base = make(hours=1)

    session.delete(granted)
    session.commit()
    assert client.get(f"{base}/README.md").status_code == 404
    assert grants.reader_ids(session, release) == []


def test_a_link_ends_with_its_makers_account(client, session, linked):
    make, user, _granted = linked
    user.active = False
    session.commit()

    assert client.get(f"{make(hours=1)}/README.md").status_code == 404


def test_the_page_makes_links(sign_in, session, release, linked):
    _make, user, _granted = linked

    page = sign_in(user).post(f"/releases/{release.id}/links")

    assert page.status_code == 200
    assert "scan_parquet" in page.text
    assert "/release-files/" in page.text


def test_a_place_elsewhere_gets_whole_releases_and_gives_them_back(tmp_path):
    place = target.of(make_settings(tmp_path, releases_url=f"file://{tmp_path}/there"))
    folder = tmp_path / "built"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "a.parquet").write_bytes(b"abc")
    (folder / target.LAST).write_bytes(b"sums")

    assert not place.has("1/c")
    place.put(folder, "1/c")
    place.fetch("1/c", tmp_path / "back")

    assert place.has("1/c")
    assert place.size("1/c", "data/a.parquet") == 3
    assert place.size("1/c", "no") is None
    with place.open("1/c", "data/a.parquet") as opened:
        opened.seek(1)
        assert opened.read() == b"bc"
    assert (tmp_path / "back" / "data" / "a.parquet").read_bytes() == b"abc"


def test_a_place_that_does_not_answer_says_so(tmp_path):
    (tmp_path / "there").write_text("a file where a folder should be")
    place = target.of(make_settings(tmp_path, releases_url=f"file://{tmp_path}/there/in"))
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / target.LAST).write_bytes(b"sums")

    with pytest.raises(target.Unreachable):
        place.put(tmp_path / "built", "1/c")
    assert target.of(make_settings(tmp_path)) is None
