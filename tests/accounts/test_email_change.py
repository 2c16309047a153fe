"""Another address for an account: asked for, proven by a letter, changed; nobody else is told."""

import json
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

import pytest
from flask_security import hash_password
from sqlalchemy import text
from sqlmodel import Session, col, select

from accounts import email_change, organisations
from accounts.models import EmailChange, MemberRole, SignIn, SignInEnd, User
from core import jobs as core_jobs
from core import messages
from core.clock import now
from core.models import AuditEvent, Letter
from proofs import own_data
from tests.accounts.newcomer import EMAIL, PASSWORD, last_letter, link_in
from tests.accounts.test_recent_sign_in import _late
from tests.clients import CheckedClient
from tests.conftest import Live
from tests.factories.accounts import (
    make_email_change,
    make_owner,
    make_user,
)

# Flask-Security's own form still writes its choices as tuples.
pytestmark = pytest.mark.filterwarnings("ignore:Passing SelectField choices:DeprecationWarning")
NEW = "countess@example.org"


@pytest.fixture
def ada(session: Session) -> User:
    """An expert with a password."""
    user = make_user(session, "expert", email=EMAIL, password=hash_password(PASSWORD))
    session.commit()
    return user


def _ask(client: CheckedClient, email: str = NEW) -> Any:
    return client.post("/account/email", data={"email": email})


def _link(session: Session, jobs: Any, client: CheckedClient, email: str = NEW) -> str:
    assert _ask(client, email).status_code == 302
    jobs()
    return link_in(last_letter(session, email))


def _address(session: Session, user: User) -> str:
    session.expire_all()
    return session.get_one(User, user.id).email


def _letters_to(session: Session, address: str) -> list[Letter]:
    return list(session.exec(select(Letter).where(Letter.address == address)))


def _actions(session: Session) -> list[str]:
    query = select(AuditEvent).order_by(col(AuditEvent.id))
    return [one.action for one in session.exec(query) if one.action.startswith("account.")]


def test_the_address_changes_when_the_button_behind_the_link_is_pressed(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    link = _link(session, jobs, client)

    shown = client.get(link)
    before = _address(session, ada)
    done = client.post(link, follow_redirects=True)

    assert NEW in shown.text
    assert shown.text.count("Change the address</span>") == 1
    assert before == EMAIL
    assert f"Your address is {NEW} now" in done.text
    assert _address(session, ada) == NEW
    assert client.get("/account").status_code == 200
    assert _actions(session) == ["account.email_asked", "account.email_changed"]


def test_one_signs_in_with_the_new_address_and_no_longer_with_the_old(
    session: Session, sign_in: Any, client: CheckedClient, jobs: Any, ada: User
) -> None:
    mine = sign_in(ada)
    mine.post(_link(session, jobs, mine))

    old = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    new = client.post("/sign-in", data={"email": NEW, "password": PASSWORD})

    assert old.status_code == 200
    assert new.status_code == 302


def test_the_old_address_is_told_and_other_devices_are_out(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    elsewhere, here = sign_in(ada), sign_in(ada)
    here.post(_link(session, jobs, here))

    told = last_letter(session)

    assert told.template == "accounts/email_changed"
    assert told.user_id == ada.id
    assert NEW not in told.body
    assert "If it was not you" in told.body
    assert elsewhere.get("/account").status_code == 302
    rows = session.exec(select(SignIn).where(SignIn.user_id == ada.id)).all()
    assert sorted(str(row.how_ended) for row in rows) == ["None", SignInEnd.SECURITY.value]


@pytest.mark.parametrize("whose", ["free", "taken", "own"])
def test_the_page_says_and_does_the_same_whoever_has_the_address(
    session: Session, sign_in: Any, ada: User, whose: str
) -> None:
    other = make_user(session, "owner")
    session.commit()
    email = {"free": NEW, "taken": other.email, "own": EMAIL}[whose]
    client = sign_in(ada)

    answer = _ask(client, email)
    page = client.get(answer.location).text

    waiting = session.exec(select(EmailChange)).one()
    left = session.execute(text("select task_name, args from procrastinate_jobs")).all()
    assert f"A letter goes to {email}." in page
    assert [one.task_name for one in left] == ["accounts.send_email_change_letter"]
    assert left[0].args == {"change_id": waiting.id, "language": "en"}
    assert _actions(session) == ["account.email_asked"]


def test_an_address_of_another_account_gets_a_letter_that_says_so(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    other = make_user(session, "owner", locale="fr")
    session.commit()
    client = sign_in(ada)

    _ask(client, other.email)
    jobs()

    letter = last_letter(session, other.email)
    assert letter.template == "accounts/email_has_account"
    assert letter.user_id == other.id
    assert EMAIL not in letter.body
    assert "/account/email/" not in letter.body
    assert _address(session, ada) == EMAIL
    assert f"A letter goes to {other.email}." in client.get("/account/email").text


def test_ones_own_address_gets_a_letter_that_says_so(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    _ask(sign_in(ada), EMAIL)
    jobs()

    assert last_letter(session).subject == "This is the address of your account already"


@pytest.mark.parametrize(
    "spelt", ["  Countess@Example.ORG ", "countess@ｅｘａｍｐｌｅ.org", "COUNTESS@example。org"]
)
def test_spellings_become_the_one_that_registration_keeps(
    session: Session, sign_in: Any, jobs: Any, ada: User, spelt: str
) -> None:
    client = sign_in(ada)
    _ask(client, spelt)
    jobs()

    client.post(link_in(last_letter(session, NEW)))

    assert _address(session, ada) == NEW


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "Write the new address."),
        ("   ", "Write the new address."),
        ("countess", "Write an address like name@example.org."),
        ("a@b@c.org", "Write an address like name@example.org."),
        ("countess@example.org\r\nBcc: x@y.org", "Write an address like name@example.org."),
        ("x" * 300 + "@example.org", "Write an address like name@example.org."),
        ("<script>alert(1)</script>@x.org", "Write an address like name@example.org."),
    ],
)
def test_what_is_no_address_is_answered_with_words(
    session: Session, sign_in: Any, ada: User, given: str, words: str
) -> None:
    page = _ask(sign_in(ada), given)

    assert page.status_code == 422
    assert words in page.text
    assert "<script>alert" not in page.text
    assert session.exec(select(EmailChange)).first() is None


@pytest.mark.parametrize("role", ["expert", "owner", "ml_team", "operator"])
def test_every_role_may_in_french_too(session: Session, sign_in: Any, jobs: Any, role: str) -> None:
    user = make_user(session, role, locale="fr")
    session.commit()
    client = sign_in(user)

    was, link = user.email, _link(session, jobs, client)
    page = client.get(link)
    client.post(link)

    assert '<html lang="fr"' in page.text
    assert _address(session, user) == NEW
    assert last_letter(session, was).subject == "L’adresse électronique de votre compte a changé"


def test_the_link_works_once_and_a_second_click_does_no_harm(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    link = _link(session, jobs, client)

    codes = [client.post(link).status_code for _ in range(2)]

    assert codes == [302, 302]
    assert _actions(session).count("account.email_changed") == 1
    assert len(_letters_to(session, EMAIL)) == 1
    again = client.get(link)
    assert "Change the address</span>" not in again.text


def test_a_used_link_does_not_bring_the_address_back(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    first = _link(session, jobs, client)
    client.post(first)
    client.post(_link(session, jobs, client, "third@example.org"))

    answer = client.post(first)

    assert answer.status_code == 404
    assert _address(session, ada) == "third@example.org"


def test_a_link_is_over_after_a_day(session: Session, sign_in: Any, jobs: Any, ada: User) -> None:
    client = sign_in(ada)
    link = _link(session, jobs, client)
    session.execute(
        text("update email_change set asked_at = asked_at - interval '2 days', expires_at = now()")
    )
    session.commit()

    answers = [client.get(link), client.post(link)]

    assert [one.status_code for one in answers] == [404, 404]
    assert "This link does not work here" in answers[0].text
    assert _address(session, ada) == EMAIL


def test_asking_for_another_ends_the_link_and_its_letter(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    link = _link(session, jobs, client)

    _ask(client, "other@example.org")

    assert client.post(link).status_code == 404
    assert _letters_to(session, NEW) == []


def test_taking_it_back_ends_the_link(session: Session, sign_in: Any, jobs: Any, ada: User) -> None:
    client = sign_in(ada)
    link = _link(session, jobs, client)

    codes = [client.post("/account/email/take-back").status_code for _ in range(2)]

    assert codes == [302, 302]
    assert client.get(link).status_code == 404
    assert _actions(session) == ["account.email_asked", "account.email_taken_back"]


def test_a_new_password_ends_the_link(session: Session, sign_in: Any, jobs: Any, ada: User) -> None:
    client, phrase = sign_in(ada), "another fine phrase"
    link = _link(session, jobs, client)

    client.post(
        "/account/password",
        data={"password": PASSWORD, "new_password": phrase, "new_password_confirm": phrase},
    )

    assert client.post(link).status_code == 404
    assert _address(session, ada) == EMAIL


def test_a_password_chosen_by_letter_ends_the_link(
    session: Session, sign_in: Any, client: CheckedClient, jobs: Any, ada: User
) -> None:
    _link(session, jobs, sign_in(ada))
    client.post("/recover", data={"email": EMAIL})
    jobs()

    client.post(
        link_in(last_letter(session)),
        data={"password": "another fine phrase", "password_confirm": "another fine phrase"},
    )

    assert session.exec(select(EmailChange)).first() is None


def test_a_letter_for_a_new_password_in_the_old_mailbox_opens_nothing(
    session: Session, sign_in: Any, client: CheckedClient, jobs: Any, ada: User
) -> None:
    client.post("/recover", data={"email": EMAIL})
    jobs()
    stolen = link_in(last_letter(session))
    mine = sign_in(ada)
    mine.post(_link(session, jobs, mine))

    was = session.get_one(User, ada.id).password
    client.post(
        stolen, data={"password": "a thief was here", "password_confirm": "a thief was here"}
    )

    session.expire_all()
    assert session.get_one(User, ada.id).password == was


def test_the_link_is_one_persons_and_leads_strangers_to_the_sign_in(
    session: Session, sign_in: Any, client: CheckedClient, jobs: Any, ada: User
) -> None:
    link = _link(session, jobs, sign_in(ada))
    other = make_user(session, "expert")
    session.commit()
    theirs = sign_in(other)

    answers = [theirs.get(link), theirs.post(link), client.get(link), client.post(link)]

    assert [one.status_code for one in answers] == [404, 404, 302, 302]
    assert "/sign-in" in answers[2].location
    assert _address(session, ada) == EMAIL


def test_it_asks_for_the_password_when_the_sign_in_is_old(
    session: Session, sign_in: Any, ada: User
) -> None:
    client = _late(sign_in(ada))

    opened, sent = client.get("/account/email"), _ask(client)
    none_yet = session.exec(select(EmailChange)).first()
    done = client.post("/account/email", data={"email": NEW, "confirm_with_password": PASSWORD})

    assert opened.location.startswith("/verify?next=")
    assert sent.status_code == 422
    assert none_yet is None
    assert done.status_code == 302
    assert session.exec(select(EmailChange)).one().email == NEW


def test_a_person_may_ask_a_few_times_only(session: Session, sign_in: Any, ada: User) -> None:
    client = sign_in(ada)

    codes = [_ask(client, f"new{number}@example.org").status_code for number in range(6)]

    assert codes == [302] * 5 + [429]


def test_a_double_click_writes_one_letter_and_a_job_that_runs_twice_too(
    session: Session, sign_in: Any, jobs: Any, app: Any, ada: User
) -> None:
    client = sign_in(ada)
    _ask(client)
    _ask(client)
    asked = session.exec(select(EmailChange)).one().id
    jobs()
    core_jobs.run(app, "accounts.send_email_change_letter", change_id=asked, language="en")

    assert len(_letters_to(session, NEW)) == 1


def test_an_address_that_was_registered_meanwhile_is_refused_with_words(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    link = _link(session, jobs, client)
    make_user(session, "owner", email=NEW)
    session.commit()

    answer = client.post(link)

    assert answer.status_code == 409
    assert "belongs to another account by now" in answer.text
    assert _address(session, ada) == EMAIL


def test_of_two_who_confirm_one_address_at_once_one_has_it(live: Live) -> None:
    with live.transaction() as session:
        people = [make_user(session, "expert") for _ in range(2)]
        session.flush()
        session.expunge_all()
    clients = [live.client(one) for one in people]
    for client in clients:
        _ask(client)
    live.run_jobs()
    with live.transaction() as session:
        letters = session.exec(select(Letter).where(Letter.address == NEW).order_by(col(Letter.id)))
        links = [link_in(letter) for letter in letters]

    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(lambda n: clients[n].post(links[n]).status_code, range(2)))

    assert sorted(codes) == [302, 409]
    with live.transaction() as session:
        assert len(session.exec(select(User).where(User.email == NEW)).all()) == 1


def test_the_letter_waits_for_the_person_before_it_holds_their_change(live: Live) -> None:
    with live.transaction() as session:
        ada = make_user(session, "expert", email=EMAIL)
        session.flush()
        session.expunge_all()
    _ask(live.client(ada))

    with ThreadPoolExecutor() as pool:
        with live.transaction() as session:
            session.get_one(User, ada.id, with_for_update=True)
            job = pool.submit(live.run_jobs)
            wait([job], timeout=1.0)
            # What `ask` and `confirm` do next: a job that held the change would never let them.
            session.execute(text("select 1 from email_change for update nowait"))
        job.result()

    with live.transaction() as session:
        assert last_letter(session, NEW)


def test_two_clicks_at_once_change_it_once(live: Live) -> None:
    with live.transaction() as session:
        ada = make_user(session, "expert", email=EMAIL)
        session.flush()
        session.expunge_all()
    client = live.client(ada)
    _ask(client)
    live.run_jobs()
    with live.transaction() as session:
        link = link_in(last_letter(session, NEW))
    cookie = client.get_cookie("doyen")
    assert cookie is not None

    def press(_number: int) -> tuple[str, int]:
        one = live.client()
        one.set_cookie("doyen", cookie.value)
        led_to = one.post(link).location
        return led_to.partition("?")[0], one.get("/account").status_code

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(press, range(4)))

    # The key of the session has changed too: who comes after the end is led to the sign-in page.
    assert ("/account", 200) in answers
    assert answers <= {("/account", 200), ("/sign-in", 302)}
    with live.transaction() as session:
        assert session.get_one(User, ada.id).email == NEW
        changed = select(AuditEvent).where(AuditEvent.action == "account.email_changed")
        assert len(session.exec(changed).all()) == 1


def test_invitations_and_letters_to_the_old_address_stay_ones_own(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    owner, organisation = make_owner(session)
    mine = organisations.invite(session, organisation, EMAIL, MemberRole.MEMBER, by=owner, at=now())
    unknown = Letter(
        address=EMAIL, language="en", template="x/y", subject="s", body="b", written_at=now()
    )
    session.add(unknown)
    session.commit()
    client = sign_in(ada)
    client.post(_link(session, jobs, client))

    listed = client.get("/account").text
    joined = client.post(f"/join/{mine.id}/accept")

    assert f'href="/join/{mine.id}"' in listed
    assert joined.status_code == 302
    session.expire_all()
    assert (mine.email, mine.user_id) == (EMAIL, ada.id)
    assert unknown.user_id == ada.id
    assert organisation.id in organisations.ids_of(session, ada.id)


def test_the_next_holder_of_the_old_address_gets_what_is_sent_from_then_on(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    owner, organisation = make_owner(session)
    invitation = organisations.invite(
        session, organisation, EMAIL, MemberRole.MEMBER, by=owner, at=now()
    )
    session.commit()
    client = sign_in(ada)
    client.post(_link(session, jobs, client))
    heir = make_user(session, "expert", email=EMAIL)
    session.commit()

    before = sign_in(heir).get(f"/join/{invitation.id}").status_code
    session.expire_all()
    organisations.invite(session, organisation, EMAIL, MemberRole.MEMBER, by=owner, at=now())
    session.commit()

    assert before == 404
    assert sign_in(heir).get(f"/join/{invitation.id}").status_code == 200
    assert client.get(f"/join/{invitation.id}").status_code == 404


def test_the_next_holder_of_the_old_address_neither_copies_nor_erases_what_went_to_it_before(
    live: Live,
) -> None:
    with live.transaction() as session:
        ada = make_user(session, "expert", email=EMAIL)
        row = {"user_id": ada.id, "address": EMAIL, "language": "en", "template": "x"}
        messages.post(session, subject="To Ada", body="Ada's own words.\n", **row)
        ada.email = NEW
        session.flush()  # the address is free before somebody else takes it
        heir = make_user(session, "expert", email=EMAIL)
        messages.post(session, subject="To nobody", body="Whoever.\n", **row | {"user_id": None})
        session.refresh(heir)
        session.expunge_all()

    archive = own_data.copy(live, heir)
    told = b"".join(archive.read(name) for name in archive.namelist()).decode()
    live.client(heir).post("/account/erase")
    own_data.carry_out(live)

    assert "To nobody" in told
    assert "Ada" not in told
    with live.transaction() as session:
        letters = select(Letter.subject).where(Letter.template == "x")
        assert session.exec(letters).all() == ["To Ada"]


def test_a_copy_of_ones_data_holds_no_link_and_does_not_tell_who_has_an_account(live: Live) -> None:
    with live.transaction() as session:
        one, two, other = (make_user(session, "expert") for _ in range(3))
        for user in (one, two, other):
            session.refresh(user)
        session.expunge_all()
    kept = {}
    for user, email in ((one, NEW), (two, other.email)):
        _ask(live.client(user), email)
        live.run_jobs()
        with live.transaction() as session:
            session.execute(text("delete from data_export"))
        archive = own_data.copy(live, user)
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
        row = json.loads(archive.read("data.json"))["tables"]["email_change"][0]
        kept[email] = set(row)
        assert row["email"] == email
        assert "/account/email/confirm/" not in everything

    assert (
        kept[NEW]
        == kept[other.email]
        == {"id", "user_id", "email", "asked_at", "expires_at", "done_at"}
    )


def test_no_address_is_in_jobs_or_in_the_audit_trail(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    link = _link(session, jobs, client)
    client.post(link)

    for table in ("procrastinate_jobs", "audit_event"):
        kept = session.execute(text(f"select to_jsonb(t)::text from {table} t")).scalars()
        told = " ".join(kept)
        assert EMAIL not in told
        assert NEW not in told
    token = link.rpartition("/")[2]
    assert token not in str(session.execute(text("select to_jsonb(t) from email_change t")).all())


def test_the_operator_finds_the_new_address_only(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    client.post(_link(session, jobs, client))
    operator = sign_in(make_user(session, "operator"))

    page = operator.get("/operator/people").text

    assert NEW in page
    assert EMAIL not in page


def test_the_sweep_forgets_what_was_not_confirmed(
    session: Session, sign_in: Any, jobs: Any, app: Any, ada: User
) -> None:
    _link(session, jobs, sign_in(ada))
    young = make_email_change(session, make_user(session, "expert"))

    gone = email_change.sweep(session, at=now() + timedelta(hours=24, minutes=-1))
    late = email_change.sweep(session, at=now() + timedelta(hours=24, minutes=1))

    assert (gone, late) == (0, 2)
    assert young.id
    assert _letters_to(session, NEW) == []
    assert core_jobs.run(app, "accounts.forget_email_changes") == 0


def test_the_browser_stays_known_under_the_new_address(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    client.post(_link(session, jobs, client))
    client.post("/sign-out")

    client.post("/sign-in", data={"email": NEW, "password": PASSWORD})

    assert [one.template for one in _letters_to(session, NEW)] == []


def test_an_account_that_is_to_be_erased_keeps_its_address(
    session: Session, sign_in: Any, jobs: Any, ada: User
) -> None:
    client = sign_in(ada)
    link = _link(session, jobs, client)
    client.post("/account/erase")

    assert client.post(link).status_code == 409
    assert _address(session, ada) == EMAIL
