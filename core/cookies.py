"""The cookie of a session, and the word against forgery: the libraries' own, with less work.

What is derived from the secret key is derived once, and not with each request.
"""

from functools import cached_property

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from flask_wtf import CSRFProtect
from itsdangerous import Signer, TimestampSigner, URLSafeTimedSerializer
from itsdangerous.encoding import want_bytes


class KeptSigner(TimestampSigner):
    """A signer that derives its keys once."""

    @cached_property
    def _derived(self) -> dict[bytes, bytes]:
        return {key: TimestampSigner.derive_key(self, key) for key in self.secret_keys}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        """Return what signs with a secret; without one, with the newest."""
        return self._derived[self.secret_keys[-1] if secret_key is None else want_bytes(secret_key)]


class KeptSerializer(URLSafeTimedSerializer):
    """A serializer that makes its signer once."""

    default_signer = KeptSigner

    @cached_property
    def _signer(self) -> Signer:
        return super().make_signer()

    def make_signer(self, salt: str | bytes | None = None) -> Signer:
        """Return the signer; for the salt of another, one of its own."""
        return self._signer if salt in (None, self.salt) else super().make_signer(salt)


class CookieSessions(SecureCookieSessionInterface):
    """Sessions in a signed cookie, as Flask has them."""

    def __init__(self, app: Flask) -> None:
        made = super().get_signing_serializer(app)
        assert made is not None, "an app has a secret key"
        self._serializer = KeptSerializer(
            made.secret_keys,
            salt=made.salt,
            serializer=self.serializer,
            signer_kwargs=made.signer_kwargs,
        )

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer:
        """Return what signs the cookie."""
        return self._serializer


class AgainstForgery(CSRFProtect):  # type: ignore[misc]
    """Looks for the word against forgery where it can be: what is sent as JSON has no fields."""

    def _get_csrf_token(self) -> str | None:
        if not request.is_json:
            token: str | None = super()._get_csrf_token()
            return token
        return request.headers.get("X-CSRFToken") or request.headers.get("X-CSRF-Token")


def init_app(app: Flask) -> None:
    """Give an app its sessions; it has its secret key by now."""
    app.session_interface = CookieSessions(app)
