"""Pages where experts say who they are, and see what they have proven."""

from datetime import UTC

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from accounts import erasure
from core import once
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.formats import locale
from core.web import Problems, read
from experts import operator_routes, places, profile, skills
from experts.fields import Fluency
from experts.forms import LanguageForm, LicenceForm, ProfileForm
from experts.models import Expert, Licence

bp = Blueprint("experts", __name__)
MORE_BLUEPRINTS = (operator_routes.bp,)


@bp.record_once
def say_zones(setup: BlueprintSetupState) -> None:
    """Let pages show times in the zone of an expert who reads them."""
    setup.app.extensions["doyen.zone_of"] = lambda user: profile.zone_of(db_session(), user.id)


@bp.app_template_filter("country")
def country(code: str) -> str:
    """Return the name of a country in the language of the page."""
    return places.country_name(code, locale())


@bp.app_template_filter("language_name")
def language_name(code: str) -> str:
    """Return the name of a language in the language of the page."""
    return places.language_name(code, locale())


@bp.get("/profile")
@requires("profile.edit")
def my_profile() -> ResponseReturnValue:
    """Show one's own profile, and what it lacks."""
    session, expert, at = db_session(), _me(), now()
    return render_template(
        "experts/my_profile.html",
        expert=expert,
        completeness=profile.completeness(session, expert),
        languages=profile.languages(session, expert.user_id),
        licences=profile.licences(session, expert.user_id),
        removed=profile.removed_licences(session, expert.user_id, at),
        skills=skills.held(session, expert.user_id, at),
        past_skills=skills.past(session, expert.user_id, at),
        today=at.astimezone(UTC).date(),
        is_closing=erasure.open_of(session, expert.user_id) is not None,
    )


@bp.get("/profile/edit")
@requires("profile.edit")
def edit_profile() -> ResponseReturnValue:
    """Show the form of the profile."""
    return render_template("experts/edit_profile.html", form=ProfileForm(obj=_me()))


@bp.post("/profile/edit")
@requires("profile.edit")
def save_profile() -> ResponseReturnValue:
    """Change the profile."""
    form = read(ProfileForm)
    if isinstance(form, Problems):
        return render_template("experts/edit_profile.html", form=form.form), 422
    values = {field.name: field.data for field in form if field.name in Expert.model_fields}
    profile.change(db_session(), _me(), now(), **values)
    flash(_("Your profile is saved."), "success")
    return redirect(url_for(".my_profile"))


@bp.get("/profile/languages")
@requires("profile.edit")
def language_list() -> ResponseReturnValue:
    """Show one's languages and the form to add one."""
    return _languages_page(LanguageForm())


@bp.post("/profile/languages")
@requires("profile.edit")
def add_language() -> ResponseReturnValue:
    """Add a language, or change how well it is known."""
    form = read(LanguageForm)
    if isinstance(form, Problems):
        return _languages_page(form.form), 422
    fluency = Fluency(form.fluency.data)
    profile.speak(db_session(), _me().user_id, form.language.data, fluency)
    flash(
        _("%(language)s is on your profile.", language=language_name(form.language.data)), "success"
    )
    return redirect(url_for(".language_list"))


@bp.post("/profile/languages/<language>/remove")
@requires("profile.edit")
def remove_language(language: str) -> ResponseReturnValue:
    """Take a language off."""
    profile.stop_speaking(db_session(), _me().user_id, language)
    flash(_("%(language)s is taken off.", language=language_name(language)), "success")
    return redirect(url_for(".language_list"))


@bp.get("/profile/licences/new")
@requires("profile.edit")
def new_licence() -> ResponseReturnValue:
    """Show the form of a licence."""
    return render_template("experts/new_licence.html", form=LicenceForm())


@bp.post("/profile/licences/new")
@requires("profile.edit")
def add_licence() -> ResponseReturnValue:
    """Declare a licence; a second click declares no second one."""
    form = read(LicenceForm)
    if isinstance(form, Problems):
        return render_template("experts/new_licence.html", form=form.form), 422
    session, at, me = db_session(), now(), _me().user_id
    if once.first_use(session, form.once.data, user_id=me, at=at):
        profile.declare(
            session,
            me,
            title=form.title.data,
            issuer=form.issuer.data,
            jurisdiction=form.jurisdiction.data or None,
            number=form.number.data,
            valid_until=form.valid_until.data,
            at=at,
        )
        flash(_("The licence is on your profile."), "success")
    return redirect(url_for(".my_profile", _anchor="licences"))


@bp.post("/profile/licences/<int:licence_id>/remove")
@requires("profile.edit")
def remove_licence(licence_id: int) -> ResponseReturnValue:
    """Take a licence off; it can be put back."""
    profile.take_off(db_session(), _my_licence(licence_id), now())
    flash(_("The licence is taken off. You can put it back for 30 days."), "success")
    return redirect(url_for(".my_profile", _anchor="licences"))


@bp.post("/profile/licences/<int:licence_id>/restore")
@requires("profile.edit")
def restore_licence(licence_id: int) -> ResponseReturnValue:
    """Put a licence back."""
    profile.put_back(db_session(), _my_licence(licence_id))
    flash(_("The licence is on your profile again."), "success")
    return redirect(url_for(".my_profile", _anchor="licences"))


def _me() -> Expert:
    return profile.of(db_session(), current_user.id)


def _my_licence(licence_id: int) -> Licence:
    found = find(Licence, licence_id, lock=True)
    require("profile.edit", found)
    return found


def _languages_page(form: LanguageForm) -> str:
    spoken = profile.languages(db_session(), _me().user_id)
    return render_template("experts/language_list.html", form=form, languages=spoken)
