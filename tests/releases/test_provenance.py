"""Who is named in a release: those who agree when it is built, and nobody else."""

import pytest

from accounts import consents
from accounts.models import Purpose, User
from core.clock import now
from core.db import transaction
from releases import assembly, provenance, storage
from tests.factories.consents import make_consent
from tests.factories.releases import add_validated, build_release, make_work

NAME = "Ada *Lovelace*\n# of London"


@pytest.fixture
def desk(session):
    made = make_work(session, tasks=12)
    for expert in made.experts:
        session.get_one(User, expert.user_id).name = "zzsecret"
    session.get_one(User, made.experts[0].user_id).name = NAME
    session.commit()
    return made


def whole(settings, release):
    folder = storage.folder(settings.data_dir.resolve() / "releases", release)
    return "".join(
        path.read_bytes().decode("utf-8", "ignore") for path in folder.rglob("*") if path.is_file()
    )


def test_without_consent_nobody_is_named(app, session, settings, desk):
    release = build_release(app, session, desk)

    assert release.facts["named"] == []
    said = whole(settings, release)
    assert not [words for words in ("Lovelace", "zzsecret", "Named with") if words in said]


def test_who_agrees_is_named_in_card_and_manifest_beside_the_key(app, session, settings, desk):
    person = session.get_one(User, desk.experts[0].user_id)
    make_consent(session, person, Purpose.NAME_IN_PROVENANCE)
    session.commit()

    release = build_release(app, session, desk)

    [one] = release.facts["named"]
    assert one["name"] == "Ada *Lovelace* # of London"
    said = whole(settings, release)
    assert f"Named with their consent: Ada *Lovelace* # of London (`{one['annotator']}`)" in said
    assert "zzsecret" not in said


def test_withdrawing_holds_for_releases_to_come_only(app, session, settings, desk, sign_in):
    person = session.get_one(User, desk.experts[0].user_id)
    make_consent(session, person, Purpose.NAME_IN_PROVENANCE)
    session.commit()
    first = build_release(app, session, desk)
    client = sign_in(session.merge(person))

    page = client.get("/account/consents/name_in_provenance/withdraw").text
    assert "The 1 release that names you is published and keeps what it has." in page
    client.post("/account/consents/name_in_provenance/withdraw")

    add_validated(session, desk, 50)
    session.commit()
    second = build_release(app, session, desk)
    assert second.facts["named"] == []
    assert "Lovelace" in whole(settings, first)
    assert "Lovelace" not in whole(settings, second)
    assert provenance.naming(session, person.id) == 1


def test_an_erasure_says_beforehand_which_published_releases_keep_the_name(
    app, session, settings, desk, sign_in
):
    named, other = (session.get_one(User, one.user_id) for one in desk.experts[:2])
    make_consent(session, named, Purpose.NAME_IN_PROVENANCE)
    session.commit()
    build_release(app, session, desk)
    words = "Published datasets that name you in their credits"

    assert words in sign_in(session.merge(named)).get("/account/erase").text
    assert words not in sign_in(session.merge(other)).get("/account/erase").text


def test_sharing_with_owners_names_nobody_in_releases(app, session, desk):
    person = session.get_one(User, desk.experts[0].user_id)
    make_consent(session, person, Purpose.SHARE_PROFILE)
    session.commit()

    assert build_release(app, session, desk).facts["named"] == []


def test_who_did_no_work_in_it_is_not_named(app, session, desk):
    other = make_work(session, tasks=2)
    person = session.get_one(User, other.experts[0].user_id)
    person.name = "zzelsewhere"
    make_consent(session, person, Purpose.NAME_IN_PROVENANCE)
    session.commit()

    assert build_release(app, session, desk).facts["named"] == []


def test_who_withdraws_during_a_build_is_not_in_it(app, session, settings, desk, monkeypatch):
    person = session.get_one(User, desk.experts[0].user_id)
    make_consent(session, person, Purpose.NAME_IN_PROVENANCE)
    session.commit()
    assemble = assembly.assemble

    def slowly(*parts):
        with transaction() as other:
            consents.withdraw(other, person.id, Purpose.NAME_IN_PROVENANCE, address=None, at=now())
        return assemble(*parts)

    monkeypatch.setattr(assembly, "assemble", slowly)

    assert build_release(app, session, desk).facts["named"] == []
