"""Every address as everybody against somebody else's row; see proofs/access.py."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_login import current_user
from sqlalchemy.engine import Engine
from sqlmodel import select

from app import create_app
from core.access import public, require, requires, signed_in
from core.db import Database, db_session, find
from experts.models import Licence
from interviews.models import Interview
from proofs import access
from proofs.access import ME, NO_ROW, Counts, NotRegistered, Route
from proofs.access_world import EXPERT, MEMBER, OWNER, STRANGERS
from tests.conftest import make_settings


@pytest.fixture(scope="module")
def counts(worker_app: Flask) -> Counts:
    return access.matrix(worker_app)


@pytest.mark.timeout(600)
def test_nobody_reads_or_changes_what_is_anothers(counts: Counts) -> None:
    print(counts)

    assert counts.gaps == []


def test_the_matrix_tries_every_address_as_everybody(counts: Counts, worker_app: Flask) -> None:
    assert counts.routes == len(list(worker_app.url_map.iter_rules()))
    assert counts.refused > 900
    assert counts.granted > 90
    assert counts.tried == counts.refused + counts.granted + counts.opened


def test_owners_open_their_pages_and_see_experts_by_pseudonyms_only(counts: Counts) -> None:
    # That neither name nor address stands there is among the gaps; here, that it was looked for.
    for actor in (OWNER, MEMBER):
        assert counts.pages[actor] > 25
        assert counts.pseudonyms[actor] >= 3
    assert not any("zzexpert" in gap for gap in counts.gaps)


def test_an_address_that_nobody_has_registered_is_told_with_what_to_add() -> None:
    app = Flask("planted")
    app.add_url_rule("/secrets/<int:secret_id>", "planted.secret", signed_in(lambda secret_id: ""))

    with pytest.raises(NotRegistered, match=r'"planted.secret": Route\(may, \{"secret_id": "…"\}'):
        access.require_registered(app)


def test_a_registered_address_that_is_gone_is_told(worker_app: Flask) -> None:
    known = {**access.ROUTES, "gone.away": Route(ME, {"x": "project"})}

    with pytest.raises(NotRegistered, match=r"no address of gone.away is left"):
        access.require_registered(worker_app, known)


def test_planted_gaps_of_every_kind_are_found(engine: Engine, tmp_path: Path) -> None:
    app = create_app(make_settings(tmp_path), Database(engine))
    planted = {name: Route(ME, {"row_id": row}) for name, row in PLANTED.items()}
    for name in PLANTED:
        view: Any = globals()[f"_{name}"]
        app.add_url_rule(f"/planted/{name}/<int:row_id>", name, view, methods=["GET", "POST"])
    app.add_url_rule("/planted/list", "open_list", signed_in(_open_list))

    def is_planted(rule: Any) -> bool:
        return rule.endpoint in planted or rule.endpoint == "open_list"

    counts = access.matrix(app, more=planted, only=is_planted)

    def told(name: str, words: str) -> set[str]:
        return {gap for gap in counts.gaps if f"/{name}" in gap and words in gap}

    assert len(told("open", "instead of refusing")) == 2 * 9
    assert told("open", "shows 'zzlicence-77'")
    assert told("writes_first", "changed rows of others in licence")
    assert told("refuses_all", f"as {EXPERT}: refused with 404, though they may")
    assert told("fails", "failed with ZeroDivisionError")
    assert {actor for actor in STRANGERS if told("list", f"as {actor}: shows 'zzlicence-77'")} == (
        STRANGERS - {"anonymous"}
    )
    assert not told("sound", "")


PLANTED = {
    "open": "licence",
    "writes_first": "licence",
    "refuses_all": "licence",
    "fails": "licence",
    "sound": "licence",
}


def test_nothing_is_excused_without_need(worker_app: Flask) -> None:
    rules = {rule.endpoint: rule for rule in worker_app.url_map.iter_rules() if rule.arguments}

    assert all(not any(name.endswith("_id") for name in NO_ROW[one]) for one in NO_ROW)
    assert set(NO_ROW) <= set(rules)


@public
def _open(row_id: int) -> str:
    return find(Licence, row_id).number


@public
def _writes_first(row_id: int) -> str:
    licence = find(Licence, row_id)
    licence.title = "mine now"
    return "done"


@signed_in
def _refuses_all(row_id: int) -> str:
    require("interview.take", Interview(expert_id=0))
    return "never"


@requires("profile.edit")
def _fails(row_id: int) -> str:
    require("profile.edit", find(Licence, row_id))
    return str(1 // 0)


@requires("profile.edit")
def _sound(row_id: int) -> str:
    licence = find(Licence, row_id)
    require("profile.edit", licence)
    return licence.number


def _open_list() -> str:
    assert current_user.is_authenticated
    return " ".join(one.number for one in db_session().exec(select(Licence)))
