"""Who may: every view declares it, and one table (given by the app) answers.

A view carries exactly one of `@public`, `@signed_in`, `@requires("thing.act")` and
`@by_token("scope")`. When the answer depends on a row, it is asked again once the row is
found: `require("project.manage", project)`.
"""

import functools
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from flask import Flask, current_app, g, request
from flask_login import current_user
from werkzeug.wrappers.response import Response as BaseResponse

from core.errors import NotAllowed, NotFound

View = TypeVar("View", bound=Callable[..., Any])


class SignInNeeded(NotAllowed):
    """Sign in to see this page."""

    status = 401


class Permissions(Protocol):
    """The table that says whether a person may do something, to a row."""

    def __call__(self, user: Any, permission: str, row: object | None = None) -> bool:
        """Answer; an unknown permission is a `KeyError`."""


class TokenCheck(Protocol):
    """Finds whom a bearer token speaks for."""

    def __call__(self, header: str, scope: str) -> Any:
        """Return the principal, or raise one of our errors."""


def init_app(
    app: Flask,
    *,
    permissions: Permissions,
    token_check: TokenCheck,
    to_sign_in: Callable[[], BaseResponse],
    confirm: Callable[[], Any],
) -> None:
    """Give an app its table, its way to check tokens and its ways to ask who somebody is."""
    app.extensions["doyen.permissions"] = permissions
    app.extensions["doyen.token_check"] = token_check
    app.extensions["doyen.to_sign_in"] = to_sign_in
    app.extensions["doyen.confirm"] = confirm
    app.jinja_env.globals["may"] = may


def public(view: View) -> View:
    """Declare a view that everybody may open."""
    return _declared(view, "public")


def signed_in(view: View) -> View:
    """Declare a view for everybody who has signed in."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            return current_app.extensions["doyen.to_sign_in"]()
        return view(*args, **kwargs)

    return _declared(guarded, "signed_in")  # type: ignore[return-value]


def requires(permission: str) -> Callable[[View], View]:
    """Declare a view for those whom the table grants a permission."""

    def declare(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return current_app.extensions["doyen.to_sign_in"]()
            require(permission)
            return view(*args, **kwargs)

        return _declared(guarded, permission)  # type: ignore[return-value]

    return declare


def recently_signed_in(view: View) -> View:
    """Ask for the password again before a view, unless somebody has just signed in.

    Stands below the declaration of who may: `@requires("payout.request")`, then this.
    """

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        asked = current_app.extensions["doyen.confirm"]()
        return view(*args, **kwargs) if asked is None else asked

    return guarded  # type: ignore[return-value]


def by_token(scope: str) -> Callable[[View], View]:
    """Declare a view of the API; `g.principal` is whom the token speaks for.

    An empty scope means that any token will do.
    """

    def declare(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            check_token(scope)
            return view(*args, **kwargs)

        return _declared(guarded, f"token:{scope}")  # type: ignore[return-value]

    return declare


def check_token(scope: str) -> None:
    """Find out whom the request's token speaks for, once; only the header counts, never a cookie.

    The API asks before it reads anything that was sent, the view asks again.
    """
    if request.environ.get("doyen.token_checked") == scope:
        return
    header = request.headers.get("Authorization", "")
    g.principal = current_app.extensions["doyen.token_check"](header, scope)
    request.environ["doyen.token_checked"] = scope


def takes_json(view: View) -> View:
    """Declare a page's view that reads JSON; all others take forms only.

    Form libraries read JSON as well, and what stands in it is of any kind and any depth.
    """
    view.__takes_json__ = True  # type: ignore[attr-defined]
    return view


def may(permission: str, row: object | None = None) -> bool:
    """Return whether the person who asks has a permission, on a row where one is given."""
    answer: bool = current_app.extensions["doyen.permissions"](current_user, permission, row)
    return answer


def require(permission: str, row: object | None = None) -> None:
    """Refuse unless the person has a permission.

    Somebody else's row is answered as if it were not there: its existence is nobody's business.
    """
    if may(permission, row):
        return
    if row is not None and may(permission):
        raise NotFound
    raise NotAllowed


def _declared(view: View, access: str) -> View:
    view.__access__ = access  # type: ignore[attr-defined]
    return view
