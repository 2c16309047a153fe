"""Letters: rows in the caller's transaction, delivered by a real SMTP server, never twice."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask, g
from sqlalchemy import text
from sqlmodel import Session, select

from core import formats, mail, messages, tasks
from core.clock import now
from core.jobs import run
from core.models import Letter, LetterState
from core.ports import MailerDown
from tests.conftest import Live
from tests.factories.accounts import make_user


class Inbox:
    """What a mail server took in."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names it
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such person"
        if address.startswith("later@"):
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        parsed = BytesParser(policy=default).parsebytes(envelope.content)
        self.letters.append(parsed)  # type: ignore[arg-type]
        return "250 OK"


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield inbox, f"smtp://127.0.0.1:{port}"
    controller.stop()


def write(session: Session, app: Flask, address: str = "ada@example.org") -> Letter:
    user = make_user(session, email=address)
    with app.test_request_context():
        return messages.post(
            session,
            address=user.email,
            user_id=user.id,
            language="en",
            template="x",
            subject="Zahlung über 5 €",
            body="Prêt.\n",
        )


def test_a_letter_is_handed_to_a_mail_server_as_it_was_written(
    session: Session, app: Flask, inbox: tuple[Inbox, str]
) -> None:
    box, url = inbox
    letter = write(session, app)
    mailer = mail.mailer(url, Path())

    first = messages.deliver(letter.id or 0, mailer, app.extensions["doyen.settings"])
    again = messages.deliver(letter.id or 0, mailer, app.extensions["doyen.settings"])

    assert (first, again) == ("sent", "nothing to do")
    [sent] = box.letters
    assert sent["Subject"] == "Zahlung über 5 €"
    assert sent["To"] == "ada@example.org"
    assert sent.get_content().strip() == "Prêt."
    assert sent["Message-ID"] == f"<letter-{letter.id}@localhost>"
    session.expire_all()
    assert letter.state is LetterState.SENT
    assert letter.sent_at is not None


def test_a_letter_that_the_server_will_never_take_is_kept_with_the_reason(
    session: Session, app: Flask, inbox: tuple[Inbox, str]
) -> None:
    letter = write(session, app, "nobody@example.org")

    done = messages.deliver(
        letter.id or 0, mail.mailer(inbox[1], Path()), app.extensions["doyen.settings"]
    )

    assert done == "refused"
    session.expire_all()
    assert letter.state is LetterState.REFUSED
    assert "550" in (letter.trouble or "")


def test_a_busy_or_absent_server_leaves_the_letter_waiting(
    session: Session, app: Flask, inbox: tuple[Inbox, str]
) -> None:
    letter = write(session, app, "later@example.org")
    settings = app.extensions["doyen.settings"]

    with pytest.raises(MailerDown):
        messages.deliver(letter.id or 0, mail.mailer(inbox[1], Path()), settings)
    with pytest.raises(MailerDown):
        messages.deliver(letter.id or 0, mail.mailer("smtp://127.0.0.1:9", Path()), settings)

    session.expire_all()
    assert letter.state is LetterState.WAITING
    assert letter.attempts == 2


def test_a_rolled_back_transaction_leaves_no_letter_and_no_job(live: Live) -> None:
    class Oops(Exception):
        pass

    def fail() -> None:
        with live.transaction() as session:
            write(session, live.app)
            raise Oops

    with pytest.raises(Oops):
        fail()

    assert live.run_jobs() == []
    with live.transaction() as session:
        assert session.exec(select(Letter)).all() == []


def test_a_letter_whose_job_was_lost_is_found_by_the_sweep(
    session: Session, app: Flask, jobs: Callable[..., list[str]]
) -> None:
    letter = write(session, app)
    session.execute(text("delete from procrastinate_jobs"))

    from_nothing = jobs()
    with app.app_context():
        found = tasks.deliver_waiting_letters()
    ran = jobs()

    assert from_nothing == []
    assert found == 1
    assert ran == ["core.deliver_letter"]
    session.expire_all()
    assert letter.state is LetterState.SENT


def test_a_letter_says_times_in_utc_whoever_asked_for_it(
    session: Session, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = datetime(2026, 12, 10, 20, 55, tzinfo=UTC)
    user = make_user(session)
    monkeypatch.setitem(app.extensions, "doyen.zone_of", lambda _user: "Asia/Tokyo")

    with app.test_request_context():
        g._login_user = user
        page = formats.date_time_long(due)
        letter = messages.write(session, to=user, template="accounts/erasure_asked", due=due)
        after = formats.date_time_long(due)

    assert "Thursday 10 December 2026, 20:55 (UTC)" in letter.body
    assert page == after == "Friday 11 December 2026, 05:55"


def test_a_link_that_opens_nothing_any_more_is_taken_out_of_its_letter(live: Live) -> None:
    text_with_key = "Choose here: https://x.example/recover/KEY\n"
    with live.transaction() as session:
        ada = make_user(session)
        of = {"address": ada.email, "user_id": ada.id, "language": "en", "subject": "x"}
        old, new, plain = (
            messages.post(session, **of, template=template, body=text_with_key)
            for template in ("security/reset_instructions",) * 2 + ("payouts/payout_sent",)
        )
        old.written_at = plain.written_at = now() - timedelta(days=5, minutes=1)

    assert run(live.app, "core.forget_keys_in_letters") == 1
    assert run(live.app, "core.forget_keys_in_letters") == 0

    with live.transaction() as session:
        assert session.get_one(Letter, old.id).body == (
            "Choose here: (the time of this link is over)\n"
        )
        for letter in (new, plain):
            assert session.get_one(Letter, letter.id).body == text_with_key


def test_files_and_console_are_ways_to_send_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = mail.compose(
        sender="Doyen <doyen@example.org>", to="a@example.org", subject="S", body="B", letter_id=3
    )

    mail.mailer("file:", tmp_path).send(letter)
    mail.mailer("console:", tmp_path).send(letter)

    [file] = (tmp_path / "letters").iterdir()
    assert b"Subject: S" in file.read_bytes()
    assert "Subject: S" in capsys.readouterr().out
    with pytest.raises(ValueError, match="MAIL_URL"):
        mail.mailer("pigeon:", tmp_path)
