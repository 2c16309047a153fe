"""Ways to send a letter: by SMTP, into files, or onto the console."""

import smtplib
import sys
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote, urlsplit

from core.ports import LetterRefused, Mailer, MailerDown

TIMEOUT = 20


class SmtpMailer:
    """Hands letters to an SMTP server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "127.0.0.1"
        self.tls_from_start = parts.scheme == "smtps"
        self.port = parts.port or (465 if self.tls_from_start else 25)
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")

    def send(self, letter: EmailMessage) -> None:
        """Hand one letter over; see `core.ports.Mailer`."""
        try:
            with self._connect() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as problem:
            codes = [code for code, _ in problem.recipients.values()]
            kind = LetterRefused if all(code >= 500 for code in codes) else MailerDown
            raise kind(str(codes)) from problem
        except (smtplib.SMTPException, OSError) as problem:
            raise MailerDown(type(problem).__name__) from problem

    def _connect(self) -> smtplib.SMTP:
        if self.tls_from_start:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls()
            server.ehlo()
        return server


class FileMailer:
    """Keeps each letter as a file, for demos and development."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, letter: EmailMessage) -> None:
        """Write one letter; the same letter again replaces its file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        name = str(letter["Message-ID"]).strip("<>").replace("/", "_")
        (self.folder / f"{name}.eml").write_bytes(letter.as_bytes())


class ConsoleMailer:
    """Prints each letter."""

    def send(self, letter: EmailMessage) -> None:
        """Print one letter."""
        sys.stdout.write(f"\n{letter.as_string()}\n")


def mailer(url: str, data_dir: Path) -> Mailer:
    """Return the mailer that an address names."""
    scheme = urlsplit(url).scheme
    if scheme in ("smtp", "smtps"):
        return SmtpMailer(url)
    if scheme == "file":
        return FileMailer(data_dir / "letters")
    if scheme == "console":
        return ConsoleMailer()
    raise ValueError("MAIL_URL begins with smtp:, smtps:, file: or console:")


def compose(*, sender: str, to: str, subject: str, body: str, letter_id: int) -> EmailMessage:
    """Return a letter as a mail; its id is the same at each attempt."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = formatdate()
    domain = sender.rpartition("@")[2].strip("> ") or "doyen.invalid"
    message["Message-ID"] = f"<letter-{letter_id}@{domain}>"
    message.set_content(body)
    return message
