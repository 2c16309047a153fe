"""A copy of all that is held about a person, and the erasure of it, against the whole database."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from accounts import data_exports, erasure, organisations
from accounts.erasure import AccountClosing, SolveFirst
from accounts.models import MemberInvitation, MemberRole, User
from accounts.privacy_models import DataExport, Erasure, ExportState
from core import jobs as core_jobs
from core.clock import now
from core.models import Letter
from core.personal_data import Keep
from projects.models import Project
from proofs import own_data
from tests.conftest import Live
from tests.factories.accounts import make_member, make_owner, make_user
from tests.factories.annotation import make_assignment, make_desk
from tests.factories.decisions import contest, decision_of, make_refused
from tests.factories.everywhere import EMAIL, Everywhere
from tests.factories.payouts import make_budget, make_earning
from tests.factories.privacy import make_erasure
from tests.factories.webhooks import make_endpoint

OTHERS = ("Zzother", "zzother@", "Zzoperator", "Zzreviewer")


@pytest.fixture
def everywhere(live: Live) -> Everywhere:
    """A committed person with rows everywhere."""
    return own_data.everywhere(live)


def test_a_copy_holds_every_table_that_the_person_is_in_and_nobody_else(
    live: Live, everywhere: Everywhere
) -> None:
    archive = own_data.copy(live, everywhere.user)

    data = json.loads(archive.read("data.json"))
    in_copy = {name for name, rows in data["tables"].items() if rows}
    with live.transaction() as session:
        lead = own_data.tables_with(session, everywhere)
    assert lead - in_copy == set()
    assert lead >= {"letter", "decision", "appeal", "payout", "interview_response", "draft"}
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for words in everywhere.words:
        assert words in everything, words
    assert everywhere.user.fs_uniquifier not in everything
    # A letter is theirs as it was sent, even where it names who invited them.
    page = re.sub(
        r'<section id="letter">.*?</section>', "", archive.read("index.html").decode(), flags=re.S
    )
    del data["tables"]["letter"]
    for other in OTHERS:
        assert other not in json.dumps(data), other
        assert other not in page, other


def test_a_copy_says_what_each_table_and_column_is(live: Live, everywhere: Everywhere) -> None:
    archive = own_data.copy(live, everywhere.user)

    data = json.loads(archive.read("data.json"))
    for name, rows in data["tables"].items():
        columns = data["schema"][name]["columns"]
        assert data["schema"][name]["about"]
        for row in rows:
            assert set(row) <= set(columns), name
    account = data["tables"]["user_account"][0]
    assert account["email"] == EMAIL
    assert "password" not in account
    assert any(name.startswith("letters/") for name in archive.namelist())
    assert archive.read(next(n for n in archive.namelist() if n.startswith("files/"))) == (
        b"zqbytes of a file"
    )
    page = archive.read("index.html").decode()
    assert "<script" not in page
    assert "Reviewer R-" in page
    assert "Appeal received" in page
    assert page.index("Your account") < page.index("What you did here")


def test_an_owner_is_given_what_they_wrote_and_nothing_of_those_they_work_with(
    live: Live, everywhere: Everywhere
) -> None:
    archive = own_data.copy(live, everywhere.desk.owner)

    data = json.loads(archive.read("data.json"))["tables"]
    assert data["project"][0]["brief"] == everywhere.desk.project.brief
    assert data["project"][0]["created_by"] == "you"
    assert data["member_invitation"][0]["invited_by"] == "you"
    everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for words in everywhere.words:
        assert words not in everything, words


def test_a_reviewer_is_given_the_verdict_that_they_wrote_and_no_name(
    live: Live, everywhere: Everywhere
) -> None:
    data = json.loads(own_data.copy(live, everywhere.reviewer).read("data.json"))["tables"]

    (appeal,) = data["appeal"]
    assert appeal["answered_by"] == "you"
    assert "zqreply" in appeal["reply"]
    assert "words" not in appeal
    assert "zqreasons against" not in json.dumps(data)


def test_nobody_else_is_given_a_copy_and_a_double_click_makes_one(
    live: Live, everywhere: Everywhere
) -> None:
    client = live.client(everywhere.user)
    client.post("/account/data")
    client.post("/account/data")
    live.run_jobs()

    with live.transaction() as session:
        (export,) = session.exec(select(DataExport)).all()
    file = own_data.folder(live) / "exports" / f"{export.key}.zip"
    assert os.stat(file).st_mode & 0o777 == 0o600
    with client.get(f"/account/data/{export.id}") as answer:
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert live.client(everywhere.operator).get(f"/account/data/{export.id}").status_code == 404
    assert live.client().get(f"/account/data/{export.id}").status_code == 302


def test_a_killed_copy_is_taken_up_and_an_old_one_goes(live: Live, everywhere: Everywhere) -> None:
    with live.transaction() as session:
        export = data_exports.ask(
            session, session.get_one(User, everywhere.id), language="fr", at=now()
        )
        export.held_until, export.attempts = now() - timedelta(minutes=1), 1
        session.execute(text("delete from procrastinate_jobs"))
    part = own_data.folder(live) / "exports" / f"{export.key}.part2"
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(b"half of a file")

    core_jobs.run(live.app, "accounts.take_up_exports")
    live.run_jobs()

    with live.transaction() as session:
        made = session.get_one(DataExport, export.id)
        assert made.state is ExportState.READY
        assert "Tout ce qui" in own_data.archive_of(live, made).read("index.html").decode()
        made.expires_at = now() - timedelta(minutes=1)
    assert live.client(everywhere.user).get(f"/account/data/{export.id}").status_code == 404
    core_jobs.run(live.app, "accounts.take_up_exports")
    assert not (own_data.folder(live) / "exports" / f"{export.key}.zip").exists()
    with live.transaction() as session:
        assert session.get_one(DataExport, export.id).state is ExportState.GONE


def test_a_copy_that_is_being_made_is_left_alone_until_its_worker_is_gone(
    live: Live, everywhere: Everywhere
) -> None:
    with live.transaction() as session:
        export = data_exports.ask(
            session, session.get_one(User, everywhere.id), language="en", at=now()
        )
        # A worker that has written for longer than a claim holds.
        export.held_until, export.attempts = now() - timedelta(seconds=1), 1
    with live.engine.connect() as worker:
        worker.execute(
            text("select pg_advisory_xact_lock(:kind, :id)"),
            {"kind": data_exports.MAKING_LOCK, "id": export.id},
        )
        core_jobs.run(live.app, "accounts.take_up_exports")
        live.run_jobs()
        with live.transaction() as session:
            waiting = session.get_one(DataExport, export.id)
            assert (waiting.state, waiting.attempts) == (ExportState.MAKING, 1)
        worker.invalidate()  # its process was killed

    core_jobs.run(live.app, "accounts.take_up_exports")
    live.run_jobs()

    with live.transaction() as session:
        assert session.get_one(DataExport, export.id).state is ExportState.READY


def test_after_an_erasure_nothing_of_the_person_is_found_but_what_was_said_to_stay(
    live: Live, everywhere: Everywhere
) -> None:
    own_data.copy(live, everywhere.user)
    live.run_jobs()
    client = live.client(everywhere.user)

    said = client.post("/account/erase")
    assert said.status_code == 302, client.get("/account/erase").text
    money_before = own_data.money(live)
    own_data.carry_out(live)

    with live.transaction() as session:
        assert own_data.search(session, everywhere.words) == []
        shell = session.get_one(User, everywhere.id)
        assert shell.email.endswith("@erased.invalid")
        assert not shell.active
        done = session.exec(select(Erasure)).one()
        assert done.done_at
        assert done.files == []
        assert done.letter_id is None
    assert own_data.in_files(live, everywhere.words) == []
    assert own_data.money(live) == money_before
    answer = client.get("/account")
    assert answer.status_code == 302
    assert "/sign-in" in answer.headers["Location"]


def test_the_proof_finds_what_an_erasure_leaves_behind(live: Live) -> None:
    register = live.app.extensions["doyen.personal_data"]
    whole = register.tables["licence"]
    register.tables["licence"] = replace(whole, erase=Keep(whole.about))

    gaps = own_data.prove_in(live).gaps

    assert any(gap.startswith("licence: zqtitle of a licence") for gap in gaps)
    assert not any(gap.startswith("the copy") for gap in gaps)


def test_an_owner_and_an_operator_are_erased_and_their_organisation_keeps_its_work(
    live: Live, everywhere: Everywhere
) -> None:
    with live.transaction() as session:
        make_member(session, everywhere.desk.organisation)
        make_user(session, "operator")
        brief = everywhere.desk.project.brief
    for person in (everywhere.desk.owner, everywhere.operator):
        _ask(live, person)
    own_data.days_pass(live)
    core_jobs.run(live.app, "accounts.erase_due")
    live.run_jobs()
    core_jobs.run(live.app, "accounts.erase_due")

    with live.transaction() as session:
        assert own_data.search(session, ["Zzother", "zzother@", "Zzoperator"]) == []
        assert session.get_one(Project, everywhere.desk.project_id).brief == brief
        assert session.get_one(User, everywhere.id).email == EMAIL


def test_invitations_that_an_erased_admin_had_sent_are_taken_back(
    live: Live, everywhere: Everywhere
) -> None:
    with live.transaction() as session:
        going = everywhere.desk.owner
        organisation = everywhere.desk.organisation
        staying = make_member(session, organisation)
        own, theirs = make_user(session, "expert"), "else@example.org"
        own_id, own_address = own.id, own.email
        sender = session.get_one(User, going.id)
        for by, email in ((sender, own_address), (sender, "third@example.org"), (staying, theirs)):
            organisations.invite(session, organisation, email, MemberRole.ADMIN, by=by, at=now())
        [mine] = organisations.invitations_for(session, own)
        mine_id, organisation_id = mine.id, organisation.id
    _ask(live, going)
    with live.transaction() as session:  # while it can be undone they stand
        standing = organisations.open_invitations(session, organisation_id)
        assert {own_address, "third@example.org", theirs} <= {one.email for one in standing}
    own_data.days_pass(live)
    core_jobs.run(live.app, "accounts.erase_due")
    live.run_jobs()

    with live.transaction() as session:
        left = organisations.open_invitations(session, organisation_id)
        assert [one.email for one in left] == [theirs]
        invitation = session.get_one(MemberInvitation, mine_id)
        person = session.get_one(User, own_id)
        with pytest.raises(organisations.AlreadyAnswered):
            organisations.answer(session, invitation, accept=True, by=person, at=now())
        acts = text("select count(*) from audit_event where action = 'organisation.withdrew'")
        assert session.execute(acts).scalar_one() == len(standing) - 1


def test_the_pages_of_others_still_open_after_an_erasure(
    live: Live, everywhere: Everywhere
) -> None:
    _erased(live, everywhere)
    with live.transaction() as session:
        interviews = (
            session.execute(text("select id from interview where scorecard is not null"))
            .scalars()
            .all()
        )
        appeal = session.execute(text("select id from appeal")).scalar_one()
    project = everywhere.desk.project_id
    operator, owner = live.client(everywhere.operator), live.client(everywhere.desk.owner)

    for path in (
        "/operator",
        "/operator/people",
        "/operator/audit",
        "/operator/interviews",
        *(f"/operator/interviews/{one}" for one in interviews),
        f"/operator/experts/{everywhere.id}",
        f"/appeals/{appeal}",
        "/operator/money",
        "/operator/fair-hiring",
    ):
        assert operator.get(path).status_code == 200, path
    for path in (f"/appeals/{appeal}", f"/projects/{project}", "/review", "/experts"):
        assert owner.get(path).status_code == 200, path


def test_the_last_letter_is_sent_and_then_its_address_goes_too(
    live: Live, everywhere: Everywhere
) -> None:
    _erased(live, everywhere, finish=False)

    with live.transaction() as session:
        (last,) = session.exec(select(Letter).where(Letter.address == EMAIL)).all()
        assert last.subject == "Your account is erased"
        assert last.state == "sent"
    core_jobs.run(live.app, "accounts.erase_due")
    with live.transaction() as session:
        assert session.exec(select(Letter).where(Letter.address == EMAIL)).all() == []


def test_an_erasure_killed_before_its_files_went_is_finished_by_the_sweep(
    live: Live, everywhere: Everywhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ask(live, everywhere.user)
    own_data.days_pass(live)

    def killed(*_args: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "delete_files", killed)
        with pytest.raises(KeyboardInterrupt):
            core_jobs.run(live.app, "accounts.erase", erasure_id=_erasure(live).id)
    assert own_data.in_files(live, ["zqbytes of a file"])

    core_jobs.run(live.app, "accounts.erase_due")
    core_jobs.run(live.app, "accounts.erase", erasure_id=_erasure(live).id)

    assert own_data.in_files(live, ["zqbytes of a file"]) == []


def test_an_erasure_that_fails_half_way_has_done_nothing_and_is_done_later(
    live: Live, everywhere: Everywhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    _ask(live, everywhere.user)
    own_data.days_pass(live)

    def killed(*_args: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasure.messages, "write_to", killed)
        with pytest.raises(KeyboardInterrupt):
            core_jobs.run(live.app, "accounts.erase", erasure_id=_erasure(live).id)
    with live.transaction() as session:
        assert session.get_one(User, everywhere.id).email == EMAIL
        assert "draft" in own_data.tables_with(session, everywhere)

    core_jobs.run(live.app, "accounts.erase_due")
    live.run_jobs()
    assert _erasure(live).done_at


def test_two_workers_at_once_erase_once(live: Live, everywhere: Everywhere) -> None:
    _ask(live, everywhere.user)
    own_data.days_pass(live)
    id_ = _erasure(live).id

    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(core_jobs.run, live.app, "accounts.erase", erasure_id=id_) for _ in range(2)
        ]
        said = sorted(run.result() for run in runs)

    assert said == ["erased", "nothing to do"]
    with live.transaction() as session:
        letters = session.exec(select(Letter).where(Letter.template == "accounts/erasure_done"))
        assert len(letters.all()) == 1


def test_a_person_who_asked_may_undo_it_and_meanwhile_does_nothing_else(
    live: Live, everywhere: Everywhere
) -> None:
    client = live.client(everywhere.user)
    client.post("/account/erase")
    client.post("/account/erase")

    refused = client.post("/account", data={"name": "Another", "locale": "en"})
    assert refused.status_code == 409
    assert "closed to work" in refused.text
    assert client.get("/account").status_code == 200
    assert client.post("/account/erase/undo").status_code == 302

    own_data.days_pass(live)
    core_jobs.run(live.app, "accounts.erase_due")
    live.run_jobs()
    with live.transaction() as session:
        assert session.get_one(User, everywhere.id).email == EMAIL
        assert session.exec(select(Erasure)).one().undone_at
    assert client.post("/account", data={"name": "Another", "locale": "en"}).status_code == 302


def test_while_an_erasure_waits_one_only_ends_things(session: Session, sign_in: Any) -> None:
    owner, organisation = make_owner(session)
    path = f"/webhooks/{make_endpoint(session, organisation).id}"
    make_erasure(session, owner)
    session.commit()
    client = sign_in(owner)

    refused = ["/appeals/1", "/account/consents/credits/give", f"{path}/resume", f"{path}/test"]
    taken = [f"{path}/pause", f"{path}/end", "/account/sessions/end-others", "/theme"]

    assert [client.post(one).status_code for one in refused] == [409] * len(refused)
    assert 409 not in [client.post(one).status_code for one in taken]


def test_tasks_in_hand_go_back_when_an_erasure_is_asked_for(session: Session, app: Any) -> None:
    desk = make_desk(session)
    lease = make_assignment(session, desk.project, expert=desk.experts[0])

    _ask_in(session, app, session.get_one(User, desk.experts[0].user_id))

    session.refresh(lease)
    assert lease.state == "returned"


def test_money_owed_an_open_appeal_and_work_in_review_come_first(
    session: Session, app: Any
) -> None:
    desk = make_desk(session)
    expert = session.get_one(User, desk.experts[0].user_id)
    make_earning(session, make_budget(session, funded=50_000), expert.id or 0, pay=2000)
    contest(session, decision_of(session, make_refused(session, desk)))
    make_assignment(session, desk.project, expert=desk.experts[0], state="submitted")

    with app.test_request_context():
        said = [one.words for one in _blockers(session, app, expert)]

    assert any("€20.00 is owed to you" in words for words in said)
    assert any("appeal of yours is open" in words for words in said)
    assert any("waits for its verdict" in words for words in said)
    with app.test_request_context(), pytest.raises(SolveFirst):
        _ask_in(session, app, expert)


def test_the_last_admin_and_the_last_operator_cannot_go(session: Session, app: Any) -> None:
    desk = make_desk(session)
    alone, _organisation = make_owner(session)
    operator = make_user(session, "operator")

    with app.test_request_context():
        assert "last admin" in _blockers(session, app, desk.owner)[0].words
        assert _blockers(session, app, alone) == []
        assert "last operator" in _blockers(session, app, operator)[0].words
        make_user(session, "operator")
        assert _blockers(session, app, operator) == []


def test_what_came_up_meanwhile_holds_the_erasure_up(live: Live) -> None:
    with live.transaction() as session:
        user = make_user(session, "expert")
        session.flush()
        session.expunge(user)
    _ask(live, user)
    with live.transaction() as session:
        make_earning(session, make_budget(session, funded=50_000), user.id or 0, pay=2000)
    own_data.days_pass(live)

    core_jobs.run(live.app, "accounts.erase_due")
    live.run_jobs()

    assert _erasure(live).blocked_at
    assert _erasure(live).done_at is None


@pytest.mark.parametrize(
    "change",
    [
        'UPDATE decision SET reason_words = \'{"en": "other words"}\'',
        "UPDATE decision SET title = erased_words()",
        "UPDATE decision SET reason_code = 'x', title = erased_words(),"
        " reason_words = erased_words(), would_change = erased_words(),"
        " evidence = jsonb_build_array(jsonb_build_object('words', erased_words()))",
        "DELETE FROM decision",
        "UPDATE appeal SET words = 'twenty other characters'",
        "UPDATE appeal SET words = erased_words() ->> 'en', outcome = 'changed'",
        "UPDATE appeal SET reply = 'twenty other characters'",
        "DELETE FROM appeal",
    ],
)
def test_even_while_erasing_only_words_are_blanked(session: Session, change: str) -> None:
    desk = make_desk(session)
    contest(session, decision_of(session, make_refused(session, desk)))
    session.flush()
    session.execute(text("select set_config('doyen.erasing', 'on', true)"))

    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text(change))


def test_the_function_blanks_one_person_and_closes_behind_itself(session: Session) -> None:
    desk = make_desk(session, experts=2, tasks=4)
    mine = decision_of(session, make_refused(session, desk))
    other = decision_of(session, make_refused(session, desk, expert=desk.experts[1]))
    appeal = contest(session, mine)
    session.flush()

    session.execute(text("select erase_words(:id)"), {"id": mine.person_id})

    session.expire_all()
    assert mine.reason_words["en"] == "Erased with the account."
    assert other.reason_words["en"] != "Erased with the account."
    assert appeal.words == "Erased with the account."
    assert mine.reason_code
    with pytest.raises(DBAPIError), session.begin_nested():
        session.execute(text("update decision set title = erased_words()"))


def test_closing_is_an_error_that_people_can_read() -> None:
    assert "undo" in str(AccountClosing().words)


def _erased(live: Live, everywhere: Everywhere, *, finish: bool = True) -> None:
    _ask(live, everywhere.user)
    own_data.carry_out(live, finish=finish)


def _ask(live: Live, user: User) -> None:
    assert live.client(user).post("/account/erase").status_code == 302


def _ask_in(session: Session, app: Any, user: User) -> None:
    register = app.extensions["doyen.personal_data"]
    erasure.ask(session, register, user, language="en", wait=timedelta(days=7), at=now())
    session.flush()


def _blockers(session: Session, app: Any, user: User) -> list[Any]:
    session.flush()
    return erasure.blockers(session, app.extensions["doyen.personal_data"], user.id or 0)


def _erasure(live: Live) -> Erasure:
    with live.transaction() as session:
        return session.exec(select(Erasure)).one()
