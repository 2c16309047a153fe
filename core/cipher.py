"""What has to be read again and yet not lie open in the database: encrypted with our own key.

Each purpose has a key of its own, made from the instance's; what one purpose wrote, no other reads.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken

from core.settings import current_settings


class CannotBeRead(Exception):
    """This was written with another key: SECRET_KEY has changed since."""


def encrypt(purpose: str, words: str) -> str:
    """Return words as only this instance reads them."""
    return _fernet(purpose).encrypt(words.encode()).decode()


def decrypt(purpose: str, kept: str) -> str:
    """Return what was encrypted for a purpose, or raise `CannotBeRead`."""
    try:
        return _fernet(purpose).decrypt(kept.encode()).decode()
    except InvalidToken:
        raise CannotBeRead from None


def _fernet(purpose: str) -> Fernet:
    secret = current_settings().secret_key.get_secret_value()
    key = hashlib.sha256(f"{purpose}\0{secret}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
