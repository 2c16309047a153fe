"""Questions that go to the driver itself, and those that are committed with their answer."""

from functools import partial

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session, select

from accounts.models import User
from core import asking, db, quick
from tests.conftest import Live
from tests.factories.accounts import make_user

NAME = "update user_account set name = %(name)s where id = %(id)s returning name"


def names(live: Live) -> list[str]:
    with Session(live.engine) as other:
        return list(other.exec(select(User.name).order_by(User.id)))


def test_what_is_asked_last_is_committed_with_all_that_came_before(live):
    with live.transaction() as session:
        first, second = make_user(session, name="First"), make_user(session, name="Second")
        ids = (first.id, second.id)

    with live.app.test_request_context():
        session = db.db_session()
        session.get_one(User, ids[0]).name = "One"
        found = asking.ask_and_commit(session, NAME, {"name": "Two; commit", "id": ids[1]})

        assert found.name == "Two; commit"
        assert names(live) == ["One", "Two; commit"]
        # What is written after it is a transaction of its own.
        session.get_one(User, ids[0]).name = "Undone"
        session.flush()
        session.rollback()
    assert names(live) == ["One", "Two; commit"]
    with Session(live.engine) as other:  # nothing of it stays with the connection
        assert other.execute(text("show synchronous_commit")).scalar_one() == "on"


def end_all(live: Live) -> None:
    """Let the server end all connections of the app."""
    with psycopg.connect(live.url, autocommit=True) as other:
        other.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("ask", [asking.ask, asking.ask_and_commit])
def test_an_error_is_sqlalchemys_without_the_values_and_nothing_is_kept(live, ask):
    with live.transaction() as session:
        made = make_user(session, name="First", email="first@example.org")
        other = make_user(session, name="Second")
        asked = {"email": made.email, "id": other.id}

    with live.app.test_request_context():
        session = db.db_session()
        session.get_one(User, asked["id"]).name = "Gone"
        session.flush()
        with pytest.raises(IntegrityError) as failed:
            ask(session, "update user_account set email = %(email)s where id = %(id)s", asked)
        session.rollback()

    assert failed.value.params is None
    assert failed.value.orig.sqlstate == "23505"
    assert names(live) == ["First", "Second"]


def state_of(session: Session) -> TransactionStatus:
    driver = session.connection().connection.driver_connection
    return driver.info.transaction_status


def test_what_only_reads_begins_nothing_and_the_last_question_begins_and_commits(live):
    with live.transaction() as session:
        made = make_user(session, name="First")
        asked = {"name": "Second", "id": made.id}

    with live.app.test_request_context():
        session = db.db_session()
        name = "select name from user_account where id = %(id)s"
        assert asking.ask(session, name, asked, reads=True).name == "First"
        assert state_of(session) == TransactionStatus.IDLE
        assert asking.ask_and_commit(session, NAME, asked).name == "Second"
        assert names(live) == ["Second"]
        # What comes later begins a transaction as ever, and a reader does not end it.
        session.get_one(User, asked["id"]).name = "Undone"
        session.flush()
        assert asking.ask(session, name, asked, reads=True).name == "Undone"
        assert state_of(session) == TransactionStatus.INTRANS
        session.rollback()
    assert names(live) == ["Second"]


@pytest.mark.parametrize("ask", [partial(asking.ask, reads=True), asking.ask_and_commit])
def test_after_an_error_with_nothing_begun_the_connection_goes_on(live, ask):
    with live.transaction() as session:
        made = make_user(session, name="First", email="first@example.org")
        other = make_user(session, name="Second")
        asked = {"email": made.email, "id": other.id, "name": "Third"}

    with live.app.test_request_context():
        session = db.db_session()
        with pytest.raises(IntegrityError):
            ask(session, "update user_account set email = %(email)s where id = %(id)s", asked)
        assert state_of(session) == TransactionStatus.IDLE
        assert asking.ask_and_commit(session, NAME, asked).name == "Third"
    assert names(live) == ["First", "Third"]


def test_a_connection_that_died_while_nobody_used_it_is_replaced(live):
    with live.transaction() as session:
        make_user(session, name="First")

    with live.app.test_request_context():
        session = db.db_session()
        end_all(live)
        assert asking.ask(session, "select name from user_account", {}).name == "First"
        end_all(live)  # in the middle of a transaction nobody can know what was lost
        with pytest.raises(OperationalError):
            asking.ask(session, "select name from user_account", {})
        session.rollback()
        assert asking.ask(session, "select name from user_account", {}).name == "First"


def test_a_row_made_of_an_answer_reads_the_rest_when_it_is_asked_for(session):
    made = make_user(session, name="First", email="first@example.org")
    session.flush()
    part = quick.Part(User, "u", ("id", "name"))
    number = made.id
    session.expunge_all()

    question = f"select {part.columns} from user_account u where id = %(id)s"
    row = part.row(session, asking.ask(session, question, {"id": number}))

    assert set(vars(row)) - {"_sa_instance_state"} == {"id", "name"}
    assert row.email == "first@example.org"
    assert session.get_one(User, number) is row
    assert not session.dirty
