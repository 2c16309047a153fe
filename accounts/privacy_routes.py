"""Pages of one's own data: a copy of it, erasure with its waiting time; and the operator's view.

A person who has asked to be erased may read everything and undo it, and do nothing else.
"""

from datetime import timedelta

from flask import Blueprint, flash, g, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import data_exports, erasure, retention
from accounts.erasure import AccountClosing
from accounts.privacy_models import DataExport
from core import audit, personal_data
from core.access import recently_signed_in, require, requires, signed_in
from core.clock import now
from core.db import db_session, find
from core.formats import locale
from core.settings import current_settings

bp = Blueprint("privacy", __name__)
# What a person does who leaves: for themselves only, and nothing that begins anew.
STILL_OPEN = {
    "privacy.ask_for_copy",
    "privacy.ask_to_erase",
    "privacy.undo",
    "sessions.end_session",
    "sessions.end_other_sessions",
    "look.language",
    "look.theme",
    "consents.withdraw",
    "decisions.file",
    "decisions.withdraw",
    # Ending what could still be used from outside.
    "tokens.revoke",
    "webhooks.end",
}


@bp.before_app_request
def closed_to_work() -> None:
    """Refuse every act of a person whose erasure waits, save those about just that."""
    if request.method in ("GET", "HEAD", "OPTIONS") or request.endpoint is None:
        return
    if _is_still_open() or not current_user.is_authenticated:
        return
    if g.get("doyen_closing", False):
        raise AccountClosing


@bp.get("/account/data")
@signed_in
def own_data() -> ResponseReturnValue:
    """Show the copies that were asked for, and the ways to another one and to erasure."""
    session = db_session()
    return render_template(
        "accounts/own_data.html",
        exports=data_exports.of(session, current_user.id),
        waiting=erasure.open_of(session, current_user.id),
        days=current_settings().export_days,
        tables=personal_data.of_app().of_people(),
        outside=personal_data.OUTSIDE,
        now=now(),
    )


@bp.post("/account/data")
@signed_in
@recently_signed_in
def ask_for_copy() -> ResponseReturnValue:
    """Ask for a copy of all that is held."""
    data_exports.ask(db_session(), current_user, language=str(locale().language), at=now())
    flash(_("Your copy is being made. A letter tells you when it is ready."), "success")
    return redirect(url_for(".own_data"))


@bp.get("/account/data/<int:export_id>")
@signed_in
@recently_signed_in
def download(export_id: int) -> ResponseReturnValue:
    """Give a copy to the person whose it is."""
    found = find(DataExport, export_id)
    require("account.manage", found)
    file = data_exports.file_of(found, current_settings().data_dir, at=now())
    audit.record(
        db_session(), "data.fetched", by=current_user.id, subject=f"user:{current_user.id}"
    )
    response = send_file(
        file.resolve(),
        "application/zip",
        as_attachment=True,
        download_name=f"doyen-data-{found.asked_at:%Y-%m-%d}.zip",
        max_age=0,
    )
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.get("/account/erase")
@signed_in
def erase() -> ResponseReturnValue:
    """Say what an erasure does and what stands against it, before anybody confirms."""
    return _erase_page()


@bp.post("/account/erase")
@signed_in
@recently_signed_in
def ask_to_erase() -> ResponseReturnValue:
    """Ask for the erasure; until it is due it can be undone."""
    erasure.ask(
        db_session(),
        personal_data.of_app(),
        current_user,
        language=str(locale().language),
        wait=timedelta(days=current_settings().erasure_wait_days),
        at=now(),
    )
    return redirect(url_for(".erase"))


@bp.post("/account/erase/undo")
@signed_in
def undo() -> ResponseReturnValue:
    """Take the erasure back."""
    if erasure.undo(db_session(), current_user, at=now()):
        flash(_("Nothing is erased. Your account is open again."), "success")
    return redirect(url_for(".own_data"))


@bp.get("/operator/privacy")
@requires("operator.see")
def operator_privacy() -> ResponseReturnValue:
    """Show the erasures that wait, the rules of retention and what the next run would do."""
    session = db_session()
    return render_template(
        "accounts/operator_privacy.html",
        pending=erasure.pending(session),
        rules=retention.foresee(
            session, personal_data.of_app(), current_settings().retention_days, at=now()
        ),
        last=retention.last_run(session),
    )


def _is_still_open() -> bool:
    """Return whether an act stays open: one of those named, or one about signing in and out."""
    pauses = request.endpoint == "webhooks.turn" and (request.view_args or {}).get("act") == "pause"
    return request.endpoint in STILL_OPEN or request.blueprint == "security" or pauses


def _erase_page() -> str:
    session, register = db_session(), personal_data.of_app()
    waiting = erasure.open_of(session, current_user.id)
    return render_template(
        "accounts/erase.html",
        waiting=waiting,
        blockers=erasure.blockers(session, register, current_user.id),
        plan=erasure.plan(session, register, current_user),
        days=current_settings().erasure_wait_days,
    )
