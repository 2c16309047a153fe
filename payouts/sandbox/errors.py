"""Refusals in Stripe's own form. The one rule: what a client reads, Stripe could have said.

Texts and codes follow Stripe's documentation and public issue threads; the API description
itself does not list them, so they are assumptions that a run against a real key can check.
"""

from typing import Any


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        status: int = 400,
        kind: str = "invalid_request_error",
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.status = status
        self.kind = kind
        self.more = more

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the answer's body; API v1 and v2 agree on this much of it."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://docs.stripe.com/error-codes#{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        return {"error": {**error, "request_log_url": f"/#{request_id}", **self.more}}


class Declined(Refusal):
    """A card said no. What the attempt left behind (a failed charge) stays."""

    def __init__(self, message: str, *, code: str, decline_code: str | None, **more: Any) -> None:
        extra = {"decline_code": decline_code} if decline_code else {}
        super().__init__(message, code=code, status=402, kind="card_error", **extra, **more)


def missing(kind: str, id_: str, *, param: str = "id", status: int = 404) -> Refusal:
    """Return the refusal for an id that names nothing."""
    words = kind.replace("_", " ")
    return Refusal(f"No such {words}: '{id_}'", code="resource_missing", param=param, status=status)
