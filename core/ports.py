"""The outside, in our words and types: one Protocol a neighbour, only the calls we make."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

from flask import current_app


class MailerDown(Exception):
    """The mail server cannot be reached or is busy; try again later."""


class LetterRefused(Exception):
    """The mail server will never take this letter for this address."""


class Mailer(Protocol):
    """Takes letters to people."""

    def send(self, letter: EmailMessage) -> None:
        """Send a letter.

        Raises `MailerDown` when a later attempt may help and `LetterRefused` when none will.
        """
