"""The public pages: what Doyen is, and what it promises to those who use it."""

from email.utils import parseaddr
from importlib.metadata import version

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from core import navigation, periods
from core.access import public
from core.processors import of as of_settings
from core.settings import Settings, current_settings

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
    return render_template(
        "public/privacy.html", contact=_contact(), asks_model=_asks_model(), **_periods()
    )


@bp.get("/privacy/processors")
@public
def processors() -> ResponseReturnValue:
    """Say who processes which data for this instance, from its live settings."""
    told = of_settings(current_settings(), asks_model=_asks_model())
    return render_template("public/processors.html", processors=told)


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


def _asks_model() -> bool:
    """Return whether interviews may be led by a language model here."""
    settings = _settings()
    named = bool(settings and settings.llm_base_url and settings.llm_model)
    return named and bool(current_app.extensions.get("doyen.llm_interviewer"))


def _periods() -> dict[str, int]:
    """Return how many days copies, undoing and letters last, as the settings say."""
    settings = _settings()
    if settings is None:
        return {}
    return {
        "export_days": settings.export_days,
        "wait_days": settings.erasure_wait_days,
        "letter_days": periods.days(settings.retention_days, "letters"),
    }


def _contact() -> str:
    """Return the address that letters of this instance come from."""
    settings = _settings()
    return parseaddr(settings.mail_from)[1] if settings else ""


def _settings() -> Settings | None:
    return current_app.extensions.get("doyen.settings")
