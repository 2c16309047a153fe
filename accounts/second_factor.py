"""What Flask-Security leaves to us about second factors: each code opens the door once.

Both kinds of code are read under a lock on the person's row, so that two sign-ins at the same
moment cannot share one.
"""

import base64
import hashlib
from typing import Any

from flask_security import SQLAlchemySessionUserDatastore
from flask_security.totp import Totp

from core import audit, messages
from core.db import db_session


class Datastore(SQLAlchemySessionUserDatastore):
    """People as Flask-Security asks for them, with recovery codes that are used up."""

    def tf_reset(self, user: Any) -> None:
        """Turn the second factor off, with all that belongs to it."""
        user.tf_primary_method = None
        user.tf_totp_secret = None
        user.tf_last_counter = None
        if not any(key.usage == "secondary" for key in user.webauthn):
            user.mf_recovery_codes = None  # a passkey as second factor may be lost as well
        self.put(user)  # type: ignore[no-untyped-call]

    def mf_set_recovery_codes(self, user: Any, rcs: list[str] | None) -> None:
        """Keep new codes, and tell the person by letter that there are some."""
        super().mf_set_recovery_codes(user, rcs)
        if rcs:
            act, subject = "account.recovery_codes_made", f"user:{user.id}"
            audit.record(db_session(), act, by=user.id, subject=subject)
            messages.write(db_session(), to=user, template="accounts/recovery_codes_made")

    def mf_get_recovery_codes(self, user: Any) -> list[str]:
        """Return the codes that are left, as they are kept."""
        _locked(user)
        return list(user.mf_recovery_codes or [])

    def mf_delete_recovery_code(self, user: Any, idx: int) -> bool:
        """Use a code up."""
        left = self.mf_get_recovery_codes(user)
        if not 0 <= idx < len(left):
            return False
        # A new list: a change inside the old one would not be seen, and not be written.
        user.mf_recovery_codes = left[:idx] + left[idx + 1 :]
        self.put(user)  # type: ignore[no-untyped-call]
        return True


class OneTimeTotp(Totp):
    """Six digits that are taken once, however long they stay on the screen (RFC 6238, 5.2)."""

    def verify_totp(self, token: str, totp_secret: str, user: Any, window: int = 0) -> bool:
        """Return whether a code is right and was not used before."""
        _locked(user)
        if totp_secret != user.tf_totp_secret:
            # The person is setting a new device up: what the old one showed says nothing.
            user.tf_last_counter = None
        return bool(super().verify_totp(token, totp_secret, user, window))

    def get_last_counter(self, user: Any) -> int | None:
        """Return the half minute of the last code that was taken."""
        counter: int | None = user.tf_last_counter
        return counter

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Remember the half minute of the code just taken."""
        user.tf_last_counter = tmatch.counter


def config(secret: str) -> dict[str, Any]:
    """Return the settings of Flask-Security for second factors.

    What is kept of both kinds of code is encrypted with keys made from the instance's own.
    """
    key = hashlib.sha256(b"recovery codes\0" + secret.encode()).digest()
    return {
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TOTP_ISSUER": "Doyen",
        "SECURITY_TOTP_SECRETS": {"1": secret},
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [base64.urlsafe_b64encode(key)],
    }


def _locked(user: Any) -> None:
    if user.id is not None:
        db_session().refresh(
            user,
            ["tf_totp_secret", "tf_last_counter", "mf_recovery_codes"],
            with_for_update=True,
        )
