"""What Flask-Security leaves to us about passkeys: names, which kinds of key, settings."""

import hashlib
import ipaddress
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from flask_security import Security, WebauthnUtil
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from core import once
from core.clock import now
from core.db import db_session

NAME_MAX = 64


class SecurityWithPasskeys(Security):
    """Flask-Security, without the cleaning of markup that it wants for names: ours has none."""

    def _check_modules(self, module: str, config_name: str) -> Any:
        return True if module == "nh3" else super()._check_modules(module, config_name)  # type: ignore[no-untyped-call]


class PasskeyOptions(WebauthnUtil):
    """Asks for keys of every kind; those that stand alone have to know their person."""

    def authenticator_selection(self, user: Any, usage: str) -> AuthenticatorSelectionCriteria:
        """Return which keys may be registered, for use instead of the password or after it."""
        first = usage == "first"
        return AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED
            if first
            else ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.REQUIRED
            if first
            else UserVerificationRequirement.DISCOURAGED,
        )

    def user_verification(self, user: Any, usage: list[str]) -> UserVerificationRequirement:
        """Return whether the device has to know its person: always where no password is asked."""
        if usage == ["first"]:
            return UserVerificationRequirement.REQUIRED
        return UserVerificationRequirement.DISCOURAGED

    def name_svn(self, value: str) -> tuple[str | None, str | None]:
        """Return what is wrong with a name, and the form in which it is kept."""
        name = " ".join(unicodedata.normalize("NFKC", value).split())
        if not name:
            return _("Give the passkey a name."), None
        if len(name) > NAME_MAX:
            return _("Choose a name of at most %(length)s characters.", length=NAME_MAX), None
        if any(unicodedata.category(sign).startswith("C") for sign in name):
            return _("Use letters, digits and signs that can be read."), None
        return None, name


def without_name(host: str) -> bool:
    """Return whether a host is the number of a machine: browsers keep passkeys only for names."""
    try:
        ipaddress.ip_address(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
    return True


def first_answer(challenge: str, user_id: int) -> bool:
    """Return whether a challenge is answered for the first time; at once or later, one counts."""
    key = hashlib.sha256(b"passkey\0" + challenge.encode()).hexdigest()
    return once.first_use(db_session(), key, user_id=user_id, at=now())


def config() -> dict[str, Any]:
    """Return the settings of Flask-Security for passkeys."""
    return {
        "SECURITY_WEBAUTHN": True,
        "SECURITY_WAN_RP_NAME": "Doyen",
        "SECURITY_WAN_ALLOW_USER_HINTS": False,
        "SECURITY_WAN_ALLOW_AS_MULTI_FACTOR": True,
        "SECURITY_WAN_REGISTER_URL": "/account/passkeys",
        "SECURITY_WAN_DELETE_URL": "/account/passkeys/delete",
        "SECURITY_WAN_SIGNIN_URL": "/sign-in/passkey",
        "SECURITY_WAN_VERIFY_URL": "/verify/passkey",
    }
