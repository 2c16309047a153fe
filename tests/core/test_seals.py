"""The audit trail is a chain that shows what was changed, removed or slipped in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from core import audit, audit_commands, health, seals
from core.clock import now
from core.models import AuditCheck, AuditEvent, AuditSeal
from core.seals import Anchor, Breach
from tests.conftest import Live

# What somebody with all rights on the database may do, past every trigger.
AS_MASTER = "set local session_replication_role = replica"


def test_rows_are_sealed_in_order_and_the_chain_is_whole(session: Session) -> None:
    _events(session, 3)

    sealed = seals.seal_waiting(session, at=now())

    assert sealed == 3
    rows = session.exec(select(AuditSeal).order_by(col(AuditSeal.position))).all()
    assert [row.position for row in rows] == [1, 2, 3]
    assert rows[0].previous == seals.BEGINNING
    assert [row.previous for row in rows[1:]] == [row.hash for row in rows[:-1]]
    found = seals.verify(session)
    assert (found.broken, found.sealed, found.unsealed) == (None, 3, 0)
    assert seals.seal_waiting(session, at=now()) == 0


def test_a_row_that_waits_is_counted_and_breaks_nothing(session: Session) -> None:
    _events(session, 2)
    seals.seal_waiting(session, at=now())
    _events(session, 1)

    found = seals.verify(session)

    assert (found.broken, found.sealed, found.unsealed) == (None, 2, 1)
    assert seals.unsealed(session)[0] == 1


@pytest.mark.parametrize(
    ("deed", "breach"),
    [
        ("update audit_event set action = 'nothing.happened' where id = :id", Breach.CHANGED),
        ("update audit_event set details = '{\"n\": 7}' where id = :id", Breach.CHANGED),
        (
            "update audit_event set at = at + interval '1 microsecond' where id = :id",
            Breach.CHANGED,
        ),
        ("update audit_event set by_user_id = 999 where id = :id", Breach.CHANGED),
        ("update audit_event set address = null where id = :id", Breach.CHANGED),
        ("delete from audit_event where id = :id", Breach.MISSING),
        ("update audit_seal set content = repeat('a', 64) where event_id = :id", Breach.CHANGED),
        (
            "update audit_seal set sealed_at = sealed_at - interval '1 s' where event_id = :id",
            Breach.CHANGED,
        ),
        ("delete from audit_seal where event_id = :id", Breach.MISSING),
    ],
)
def test_what_somebody_with_all_rights_does_to_a_row_is_found_at_that_row(
    session: Session, deed: str, breach: Breach
) -> None:
    ids = _events(session, 5, address="192.0.2.1")
    seals.seal_waiting(session, at=now())

    session.execute(text(AS_MASTER))
    session.execute(text(deed), {"id": ids[2]})
    found = seals.verify(session)

    assert found.broken is not None
    assert (found.broken.breach, found.broken.position) == (breach, 3)
    assert found.sealed == 2


def test_a_row_slipped_in_past_the_trigger_is_found(session: Session) -> None:
    _events(session, 2)
    seals.seal_waiting(session, at=now())

    session.execute(text(AS_MASTER))
    [slipped] = _events(session, 1)
    found = seals.verify(session)

    assert found.broken is not None
    assert (found.broken.breach, found.broken.event_id) == (Breach.INSERTED, slipped)


def test_a_row_that_goes_before_it_is_sealed_is_found(session: Session) -> None:
    [gone] = _events(session, 1)

    session.execute(text(AS_MASTER))
    session.execute(text("delete from audit_event where id = :id"), {"id": gone})
    found = seals.verify(session)

    assert found.broken is not None
    assert (found.broken.breach, found.broken.event_id) == (Breach.MISSING, gone)


def test_a_chain_that_was_written_anew_is_found_by_an_anchor_only(session: Session) -> None:
    ids = _events(session, 4)
    seals.seal_waiting(session, at=now())
    anchor = seals.anchor(session)

    session.execute(text(AS_MASTER))
    session.execute(text("update audit_event set action = 'x' where id = :id"), {"id": ids[1]})
    session.execute(text("delete from audit_seal"))
    session.execute(text("insert into audit_unsealed select id from audit_event"))
    seals.seal_waiting(session, at=now())

    assert seals.verify(session).broken is None
    found = seals.verify(session, anchors=[anchor])
    assert found.broken is not None
    assert (found.broken.breach, found.broken.position) == (Breach.CHANGED, 4)


def test_a_chain_whose_end_was_cut_off_is_found_by_an_anchor(session: Session) -> None:
    ids = _events(session, 4)
    seals.seal_waiting(session, at=now())
    anchor = seals.anchor(session)

    session.execute(text(AS_MASTER))
    session.execute(text("delete from audit_event where id = :id"), {"id": ids[3]})
    session.execute(text("delete from audit_seal where position = 4"))

    assert seals.verify(session).broken is None
    found = seals.verify(session, anchors=[anchor])
    assert found.broken is not None
    assert (found.broken.breach, found.broken.position) == (Breach.MISSING, 4)


def test_reading_after_an_anchor_trusts_what_was_before_and_reads_what_follows(
    session: Session,
) -> None:
    ids = _events(session, 2)
    seals.seal_waiting(session, at=now())
    anchor = seals.anchor(session)
    _events(session, 3)
    seals.seal_waiting(session, at=now())

    session.execute(text(AS_MASTER))
    session.execute(text("update audit_event set action = 'x' where id = :id"), {"id": ids[0]})

    assert seals.verify(session).broken is not None
    after = seals.verify(session, anchors=[anchor], after=True)
    assert (after.broken, after.sealed) == (None, 3)
    other = seals.verify(session, anchors=[Anchor(2, "f" * 64)], after=True)
    assert other.broken is not None


@pytest.mark.parametrize(
    "deed",
    [
        "update audit_seal set hash = 'x'",
        "delete from audit_seal",
        "update audit_unsealed set event_id = 5",
        "delete from audit_unsealed",
        "delete from audit_check",
        "truncate audit_seal",
    ],
)
def test_the_database_refuses_to_change_the_chain_and_to_forget_what_waits(
    session: Session, deed: str
) -> None:
    _events(session, 1)
    seals.seal_waiting(session, at=now())
    _events(session, 1)
    seals.check(session, at=now())
    session.flush()

    with pytest.raises(DBAPIError, match=r"only ever added|not sealed yet"), session.begin_nested():
        session.execute(text(deed))


def test_many_connections_write_and_seal_at_once_and_the_chain_is_whole(live: Live) -> None:
    writers, each = 8, 25

    def write(number: int) -> None:
        for turn in range(each):
            with live.transaction() as session:
                audit.record(session, "test.done", by=number, subject=f"test:{turn}")
                session.flush()
                if turn % 5 == 4:
                    session.rollback()

    def seal(_number: int) -> None:
        for _ in range(20):
            with live.transaction() as session:
                seals.seal_waiting(session, at=now(), limit=7)

    with ThreadPoolExecutor(writers + 4) as pool:
        done = [pool.submit(write, n) for n in range(writers)]
        done += [pool.submit(seal, n) for n in range(4)]
    for one in done:
        one.result()  # raises what the thread raised
    with live.app.app_context():
        seals.seal_all()

    with live.transaction() as session:
        found = seals.verify(session)
    assert (found.broken, found.unsealed) == (None, 0)
    assert found.sealed == writers * each * 4 // 5


def test_a_row_committed_late_is_sealed_late_and_holds_up_nobody(live: Live) -> None:
    with live.transaction() as slow:
        audit.record(slow, "test.slow", by=1, subject="test:slow")
        slow.flush()
        with live.transaction() as quick:
            audit.record(quick, "test.quick", by=2, subject="test:quick")
        with live.app.app_context():
            first = seals.seal_all()  # does not wait for the open transaction
    with live.app.app_context():
        second = seals.seal_all()

    assert (first, second) == (1, 1)
    with live.transaction() as session:
        order = session.exec(
            select(AuditEvent.action)
            .join(AuditSeal, col(AuditSeal.event_id) == col(AuditEvent.id))
            .order_by(col(AuditSeal.position))
        ).all()
        assert list(order) == ["test.quick", "test.slow"]
        assert seals.verify(session).broken is None


def test_a_connection_killed_while_it_writes_or_seals_leaves_a_whole_chain(live: Live) -> None:
    with live.transaction() as session:
        _events(session, 3)

    for deed in ("write", "seal"):
        with live.engine.connect() as doomed:
            session = Session(doomed)
            if deed == "write":
                _events(session, 1)
            else:
                assert seals.seal_waiting(session, at=now()) == 3
            pid = session.execute(text("select pg_backend_pid()")).scalar_one()
            with live.transaction() as other:
                other.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            with pytest.raises(DBAPIError):
                session.execute(text("select 1"))
            doomed.invalidate()

    with live.app.app_context():
        assert seals.seal_all() == 3
    with live.transaction() as session:
        found = seals.verify(session)
        assert (found.broken, found.sealed, found.unsealed) == (None, 3, 0)


def test_the_command_says_whether_the_chain_is_whole_and_where_it_breaks(live: Live) -> None:
    with live.transaction() as session:
        ids = _events(session, 3)
    run = _runner(live.app)

    sealed, anchor, whole = run("seal"), run("anchor"), run("verify")
    kept = anchor.output.strip()
    with live.transaction() as session:
        session.execute(text(AS_MASTER))
        session.execute(text("update audit_event set action = 'x' where id = :id"), {"id": ids[1]})
    broken, after = run("verify", "--anchor", kept), run("verify", "--anchor", kept, "--after")

    assert "3 rows sealed" in sealed.output
    assert whole.exit_code == 0
    assert whole.output.startswith("whole: 3 rows sealed, 0 wait, last 3:")
    assert broken.exit_code == 1
    assert broken.output.startswith(f"broken: changed at link 2, row {ids[1]}")
    assert after.exit_code == 0
    assert run("verify", "--anchor", "nonsense").exit_code == 2
    assert run("verify", "--after").exit_code == 2


def test_the_daily_check_is_noted_and_the_health_page_tells_it(
    session: Session, app: Flask, jobs: Any
) -> None:
    ids = _events(session, 2)
    session.commit()

    with app.test_request_context():
        before = health.audit_trail(session)
    _run(app, "core.verify_audit")
    with app.test_request_context():
        whole = health.audit_trail(session)
    session.execute(text(AS_MASTER))
    session.execute(text("delete from audit_event where id = :id"), {"id": ids[0]})
    session.execute(text("set local session_replication_role = origin"))
    session.commit()
    _run(app, "core.verify_audit")
    with app.test_request_context():
        broken = health.audit_trail(session)

    assert before[0].tone == "ok"
    assert "2 rows. 0 wait" in whole[0].words
    assert broken[0].tone == "stop"
    assert "a row is missing" in broken[0].words
    assert len(session.exec(select(AuditCheck)).all()) == 2


def test_rows_that_wait_for_long_are_told(session: Session, app: Flask) -> None:
    session.add(AuditEvent(at=now() - timedelta(minutes=11), action="test.old", subject="test:1"))
    session.flush()

    with app.test_request_context():
        [finding] = health.audit_trail(session)

    assert finding.tone == "wait"
    assert "One row has waited" in finding.words


def _events(session: Session, count: int, **values: Any) -> list[int]:
    made = [
        AuditEvent(
            at=now(),
            action="test.done",
            subject=f"test:{number}",
            by_user_id=1,
            details={"n": number, "words": "é ☃", "level": 0.1},
            **values,
        )
        for number in range(count)
    ]
    for one in made:
        session.add(one)
        session.flush()
    return [one.id or 0 for one in made]


def _run(app: Flask, name: str) -> None:
    with app.app_context():
        app.extensions["doyen.tasks"][name].run()


def _runner(app: Flask) -> Any:
    group = audit_commands.group(lambda: app)
    return lambda *words: CliRunner().invoke(group, list(words))
