"""What every page shares: headers, errors as pages or problem+json, reading forms, paging."""

import logging
import secrets
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Request, Response, current_app, jsonify, render_template, request, session
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from limits.errors import StorageError
from markupsafe import escape
from sqlalchemy import func, select
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
)
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException, UnsupportedMediaType
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.utils import cached_property

from core import problems
from core.db import db_session
from core.errors import DomainError, NotFound, TooOften
from core.settings import Settings

log = logging.getLogger(__name__)
TYPED_AT_LEAST = 20
_HIDDEN = ("csrf_token", "once", "key", "seen")
# What no page of ours asks a browser for, and what only our own pages may.
PERMISSIONS = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "hid=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self)"
)
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", PERMISSIONS),
    ("X-Permitted-Cross-Domain-Policies", "none"),
)
BARE = """<!doctype html><html lang="en"><title>This could not be done</title>
<h1>This could not be done</h1><p>{words} Nothing was changed half-way. If it fails again, write to
the operator. {code}</p></html>"""
# The database, or the Redis that counts tries, does not answer.
TOO_LARGE = "22003"  # the state of an error of PostgreSQL
LARGEST = 2**31 - 1  # of a column of whole numbers
AWAY = (OperationalError, InterfaceError, PendingRollbackError, StorageError)
AnyForm = TypeVar("AnyForm", bound=FlaskForm)
Row = TypeVar("Row")


@dataclass(frozen=True)
class Problems(Generic[AnyForm]):
    """A form that cannot be used yet, with everything that was typed and what is wrong."""

    form: AnyForm

    @property
    def errors(self) -> dict[str, Any]:
        """The errors by field."""
        errors: dict[str, Any] = self.form.errors
        return errors


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a long list; `more` says that there are more than `total`, uncounted."""

    rows: Sequence[Row]
    number: int
    per: int
    total: int
    more: bool = False

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.per))


class PlainRequest(Request):
    """A request whose fields hold no NUL: no text of ours may, and PostgreSQL keeps none.

    A line in a field ends with one character, as the browser counts it for `maxlength`, and not
    with the two that it sends.
    """

    def _load_form_data(self) -> None:
        super()._load_form_data()
        self.__dict__["form"] = _plain(self.__dict__["form"])

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """The parameters of the address."""
        return _plain(super().args)


def init_app(app: Flask, settings: Settings) -> None:
    """Give an app its headers and its error pages."""
    app.request_class = PlainRequest
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    address = urlsplit(settings.public_url)
    app.config["SERVER_NAME"] = address.netloc
    app.config["PREFERRED_URL_SCHEME"] = address.scheme
    app.config["TRUSTED_HOSTS"] = [address.hostname, *settings.trusted_hosts]
    app.extensions["doyen.csp"] = _policy(settings)
    app.before_request(_forms_only)
    app.after_request(_headers)
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(DataError, _of_data)
    app.register_error_handler(Exception, _our_fault)


def read(kind: type[AnyForm], **more: Any) -> AnyForm | Problems[AnyForm]:
    """Read a form from the request: the valid form, or its problems."""
    form = kind(**more)
    return form if form.validate_on_submit() else Problems(form)


def page_of(
    query: Any,
    *,
    per: int = 25,
    scalars: bool = True,
    total: int | None = None,
    most: int | None = None,
) -> Page[Any]:
    """Return the page of a query that `?page=` names; a page that is not there is the last.

    With `most`, only so many rows are counted and reached, for lists that are worked off from
    their beginning and may be very long. With `total`, whoever calls has counted.
    """
    session = db_session()
    if total is None:
        # In its order a long list is read from its beginning, and no further.
        counted = query.order_by(None) if most is None else query.limit(most + 1)
        total = session.execute(select(func.count()).select_from(counted.subquery())).scalar_one()
    more = most is not None and total > most
    total -= more
    last = max(1, -(-total // per))
    number = min(max(1, request.args.get("page", 1, type=int)), last)
    found = session.execute(query.limit(per).offset((number - 1) * per))
    rows = found.scalars().all() if scalars else found.all()
    return Page(rows, number, per, total, more)


def wants_json() -> bool:
    """Return whether the answer goes to a program."""
    if problems.is_api() or request.is_json:
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
    return best == "application/json"


def json_problem(status: int, title: str, **more: Any) -> Response:
    """Return an answer of RFC 9457: `application/problem+json`."""
    if problems.is_api():
        return problems.answer(status, title, **more)
    response = jsonify({"type": "about:blank", "status": status, "title": title, **more})
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def _plain(given: MultiDict[str, str]) -> MultiDict[str, str]:
    if not any("\0" in text or "\r\n" in text for pair in given.items(multi=True) for text in pair):
        return given
    return type(given)(
        (name.replace("\0", ""), value.replace("\0", "").replace("\r\n", "\n"))
        for name, value in given.items(multi=True)
    )


def _policy(settings: Settings) -> str:
    # A form may lead to Stripe's pages; Chromium holds redirects to form-action as well.
    stripe = settings.stripe_api_base or "https://checkout.stripe.com https://connect.stripe.com"
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "media-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            # A task's PDF is shown from memory: no sandboxed frame may show one.
            "frame-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            f"form-action 'self' {stripe}",
            "frame-ancestors 'none'",
        ]
    )


def _headers(response: Response) -> Response:
    present = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 - not a mapping
    add = [pair for pair in _of_all() if pair[0].lower() not in present]
    if request.endpoint != "static" and "cache-control" not in present:
        # A page belongs to one person: no shared cache keeps it, and Back asks again.
        add.append(("Cache-Control", "no-store"))
    response.headers.extend(add)
    return response


def _of_all() -> tuple[tuple[str, str], ...]:
    """Return the headers of every answer that has not said otherwise."""
    secure = request.is_secure or current_app.config["SESSION_COOKIE_SECURE"]
    return (
        ("Content-Security-Policy", current_app.extensions["doyen.csp"]),
        *HEADERS,
        *((("Strict-Transport-Security", "max-age=31536000"),) if secure else ()),
    )


def _forms_only() -> None:
    """Refuse JSON where a form is expected; the API, and views that say so, take it."""
    if not request.is_json or request.method in ("GET", "HEAD", "OPTIONS") or problems.is_api():
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if view is not None and not getattr(view, "__takes_json__", False):
        raise UnsupportedMediaType


def _domain_error(error: DomainError) -> ResponseReturnValue:
    _give_up()
    if error.status == 401 and not wants_json():
        signed: ResponseReturnValue = current_app.extensions["doyen.to_sign_in"]()
        return signed
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooOften) else {}
    if problems.is_api():
        slug, challenge = error.problem, error.challenge
        answer = problems.answer(error.status, error.words, slug=slug, challenge=challenge)
        answer.headers.update(headers)
        return answer
    if wants_json():
        problem = json_problem(error.status, error.words)
        problem.headers.update(headers)
        return problem
    page = render_template("error.html", status=error.status, words=error.words, typed=_typed())
    return page, error.status, headers


def _http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error
    cause = getattr(error, "original_exception", None)
    if cause is not None:  # raised after the view, by the commit for example
        return _our_fault(cause)
    _give_up()
    if wants_json():
        response = json_problem(status, _http_words(status))
    else:
        response = current_app.make_response((_error_page(status, _http_words(status)), status))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "Content-Range"):
            response.headers[name] = value
    return response


def _csrf_error(_error: CSRFError) -> ResponseReturnValue:
    words = _(
        "This form was open for too long, or you have signed in or out since it was opened. "
        "Nothing was changed. If you are signed out, sign in; then open the page again and send "
        "it once more."
    )
    if wants_json():
        return json_problem(400, words)
    page = render_template("error.html", status=400, words=words, typed=_typed(), reference="")
    return page, 400


def _of_data(error: DataError) -> ResponseReturnValue:
    """Answer that nothing is there, where the address has a number that no column holds."""
    numbers = [one for one in (request.view_args or {}).values() if isinstance(one, int)]
    is_too_large = getattr(error.orig, "sqlstate", None) == TOO_LARGE
    if is_too_large and any(one > LARGEST for one in numbers):
        return _domain_error(NotFound())
    return _our_fault(error)


def _our_fault(error: Exception) -> ResponseReturnValue:
    reference = problems.request_id() if problems.is_api() else secrets.token_hex(4)
    # The rule and not the address: a link from a letter holds a key. And of an error of the
    # database no words: they quote the values that were sent.
    where = (reference, request.method, request.url_rule)
    if isinstance(error, DBAPIError):
        log.error("failed, reference %s: %s %s: %s", *where, _of_database(error))
    else:
        log.error("failed, reference %s: %s %s", *where, exc_info=error)
    if current_app.testing:
        raise error
    _give_up()
    away = isinstance(error, AWAY)
    status = 503 if away else 500
    if wants_json():
        return json_problem(status, "Something failed on our side.", reference=reference)
    # Whether a commit was written before its connection was lost, nobody has heard.
    is_unsure = away and request.method != "GET"
    return _error_page(status, _unsure() if is_unsure else None, reference, is_unsure), status


def _unsure() -> str:
    return str(
        _(
            "The connection to our database was lost. What you asked for is done as a whole or not"
            " at all: open the page before, and send it once more if it is not there."
        )
    )


def _of_database(error: DBAPIError) -> str:
    """Say what failed in the database and where in the code, without any value."""
    diag = getattr(error.orig, "diag", None)
    what = f"{type(error.orig).__name__} {getattr(diag, 'constraint_name', '') or ''}"
    return f"{what}\n{''.join(traceback.format_tb(error.__traceback__))}"


def _typed() -> list[str]:
    """Return the longer texts of a form that was not taken, so that nobody writes them again."""
    if request.method != "POST":
        return []
    longer = (text.strip() for name, text in request.form.items() if not _is_hidden(name))
    return [text for text in longer if len(text) >= TYPED_AT_LEAST]


def _is_hidden(field: str) -> bool:
    return field in _HIDDEN or "password" in field or field == "code"


def _give_up() -> None:
    """Undo what the request did; where the database is away, that has happened already."""
    session.pop("_flashes", None)  # they tell what is now undone
    with suppress(DBAPIError):
        db_session().rollback()


def _error_page(
    status: int, words: str | None, reference: str = "", is_unsure: bool = False
) -> str:
    if request_ctx.url_adapter is None:  # a host that is not ours: no address can be made for it
        return BARE.format(words=escape(words or ""), code=reference)
    try:
        facts = {"status": status, "reference": reference, "is_unsure": is_unsure}
        return render_template("error.html", words=words, **facts)
    except Exception:
        # The page itself needs what has failed (the database, a host name that can be read):
        # say the least, in a page that needs nothing.
        log.exception("the page of the error failed too, reference %s", reference)
        return BARE.format(words=escape(words or "Please try again in a minute."), code=reference)


def _http_words(status: int) -> str:
    words = {
        400: _("Your browser sent something that cannot be read."),
        401: _("Sign in to see this page."),
        403: _("Your account may not do this."),
        404: _("There is nothing at this address, or it is not yours to see."),
        405: _("This address does not take what was sent to it."),
        413: _("What you sent is too large."),
        415: _("This address takes JSON only.")
        if problems.is_api()
        else _("This page takes forms, not JSON."),
        416: _("The file is shorter than the part that you asked for."),
        429: _("Too many attempts. Wait a little, then try again."),
        503: _("A part that this page needs is not there at the moment."),
    }
    return str(words.get(status, _("This could not be done.")))
