"""Editions of banks, read by their digest; one that was read lately is not read again."""

from sqlmodel import Session

from interviews.items import Bank
from interviews.models import BankEdition

# An edition is named by the hash of its words, so what is known of it never becomes wrong.
KNOWN_AT_MOST = 64


def by_digest(session: Session, digest: str) -> Bank:
    """Return a bank that was kept."""
    if digest not in _KNOWN:
        while len(_KNOWN) >= KNOWN_AT_MOST:
            _KNOWN.pop(next(iter(_KNOWN)), None)
        content = session.get_one(BankEdition, digest).content
        _KNOWN[digest] = Bank.model_validate_json(content)
    return _KNOWN[digest]


_KNOWN: dict[str, Bank] = {}
