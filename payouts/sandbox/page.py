"""How a hosted page is written. The one rule: no script, and a form leads only where it must."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, render_template, request

from payouts.sandbox import money, texts
from payouts.sandbox.urls import origin

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)


class Page:
    """One page: the reader's language, and the addresses that its form may lead to."""

    def __init__(self, *leads_to: str | None, language: str | None = None) -> None:
        self.lang = texts.language(language)
        self.say = texts.sayer(self.lang)
        # Chromium holds the redirect after a form to form-action too.
        self.origins = sorted({origin(url) for url in leads_to if url})

    def answer(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return the page under its security policy."""
        html = render_template(
            f"{template}.html",
            t=self.say,
            lang=self.lang,
            here=request.args.to_dict(),
            languages=texts.LANGUAGES,
            money=self.money,
            **values,
        )
        response = Response(html, status, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = " ".join([_POLICY, *self.origins])
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def money(self, amount: int, code: str) -> str:
        """Return an amount for this reader."""
        return money.written(amount, code, self.lang)

    def nothing(self) -> Response:
        """Return the page for an address that leads nowhere."""
        return self.answer(
            "message",
            404,
            title=self.say("Nothing here"),
            words=self.say("This address leads nowhere in the sandbox."),
        )


def moment(at: int, form: str) -> str:
    """Return a time for a template, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime(form)


def go(url: str) -> Response:
    """Send the reader on."""
    return Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
