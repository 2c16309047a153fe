"""The public pages: what Doyen is, and what it promises to those who use it."""

from email.utils import parseaddr
from importlib.metadata import version

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from core import navigation
from core.access import public

bp = Blueprint("pages", __name__)


@bp.get("/")
@public
def landing() -> ResponseReturnValue:
    """Greet a visitor; send a person who has signed in to where their day begins."""
    home = navigation.home()
    return redirect(home) if home else render_template("public/landing.html")


@bp.get("/about")
@public
def about() -> ResponseReturnValue:
    """Say what Doyen is and how it decides and pays."""
    return render_template("public/about.html", version=version("doyen"))


@bp.get("/accessibility")
@public
def accessibility() -> ResponseReturnValue:
    """Say what works, for whom, and whom to write to when it does not."""
    return render_template("public/accessibility.html", contact=_contact())


@bp.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    """Say what is kept about people, why and for how long."""
    return render_template("public/privacy.html", contact=_contact())


@bp.get("/licence")
@public
def licence() -> ResponseReturnValue:
    """Say under which terms the software may be used."""
    return render_template("public/licence.html", version=version("doyen"))


@bp.get("/favicon.ico")
@public
def favicon() -> ResponseReturnValue:
    """Answer browsers that ask for an icon by its old name."""
    return redirect(url_for("static", filename="doyen.svg"), 301)


def _contact() -> str:
    """Return the address that letters of this instance come from."""
    settings = current_app.extensions.get("doyen.settings")
    return parseaddr(settings.mail_from)[1] if settings else ""
