"""Pages about one's own account, organisations and tokens."""

from flask import (
    Blueprint,
    flash,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from accounts import (
    consent_routes,
    decision_routes,
    email_change_routes,
    erasure,
    organisations,
    people_marks,
    privacy_routes,
    search,
    session_routes,
    token_routes,
    tokens,
    webhook_routes,
    webhooks,
)
from accounts.forms import (
    AccountForm,
    InviteMemberForm,
    MemberRoleForm,
    OrganisationForm,
)
from accounts.models import (
    MemberInvitation,
    MemberRole,
    Membership,
    Organisation,
)
from core import audit
from core.access import public, recently_signed_in, require, requires, signed_in
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.settings import current_settings
from core.web import Problems, page_of, read

bp = Blueprint("accounts", __name__)
MORE_BLUEPRINTS = (
    consent_routes.bp,
    decision_routes.bp,
    email_change_routes.bp,
    privacy_routes.bp,
    session_routes.bp,
    token_routes.bp,
    webhook_routes.bp,
)


@bp.get("/registered")
@public
def registered() -> ResponseReturnValue:
    """Say that a letter is on its way, whoever asked."""
    get_flashed_messages()  # Flask-Security says the same in other words
    return render_template(
        "accounts/registered.html", letters_open=current_settings().letters_page_open
    )


@bp.get("/account")
@signed_in
def account() -> ResponseReturnValue:
    """Show the account."""
    return _account_page(AccountForm(obj=current_user))


@bp.post("/account")
@signed_in
def save_account() -> ResponseReturnValue:
    """Change name and language."""
    form = read(AccountForm)
    if isinstance(form, Problems):
        return _account_page(form.form), 422
    current_user.name = form.name.data.strip()
    current_user.locale = form.locale.data
    flash(_("Saved."), "success")
    return redirect(url_for(".account"))


@bp.get("/organisations/<int:organisation_id>")
@signed_in
def organisation(organisation_id: int) -> ResponseReturnValue:
    """Show an organisation and its members."""
    found = find(Organisation, organisation_id)
    require("organisation.see", found)
    return _organisation_page(found)


@bp.post("/organisations/<int:organisation_id>")
@signed_in
def rename_organisation(organisation_id: int) -> ResponseReturnValue:
    """Give an organisation another name."""
    found = _managed(organisation_id)
    form = read(OrganisationForm)
    if isinstance(form, Problems):
        return _organisation_page(found, naming=form.form), 422
    found.name = form.name.data.strip()
    flash(_("Saved."), "success")
    return redirect(url_for(".organisation", organisation_id=found.id))


@bp.post("/organisations/<int:organisation_id>/members")
@signed_in
@recently_signed_in
def invite_member(organisation_id: int) -> ResponseReturnValue:
    """Invite an address to join."""
    found = _managed(organisation_id, lock=True)
    form = read(InviteMemberForm)
    if isinstance(form, Problems):
        return _organisation_page(found, inviting=form.form), 422
    role = MemberRole(form.role.data)
    invitation = organisations.invite(
        db_session(), found, form.email.data, role, by=current_user, at=now()
    )
    flash(_("A letter with the invitation goes to %(email)s.", email=invitation.email), "success")
    return redirect(url_for(".organisation", organisation_id=found.id))


@bp.post("/organisations/<int:organisation_id>/members/<int:user_id>/role")
@signed_in
@recently_signed_in
def change_member_role(organisation_id: int, user_id: int) -> ResponseReturnValue:
    """Make a member an admin or the reverse."""
    found = _managed(organisation_id)
    membership = find(Membership, (found.id, user_id), lock=True)
    form = read(MemberRoleForm)
    if isinstance(form, Problems):
        return _organisation_page(found), 422
    organisations.change_role(db_session(), membership, MemberRole(form.role.data), by=current_user)
    flash(_("Saved."), "success")
    return redirect(url_for(".organisation", organisation_id=found.id))


@bp.post("/organisations/<int:organisation_id>/members/<int:user_id>/remove")
@signed_in
@recently_signed_in
def remove_member(organisation_id: int, user_id: int) -> ResponseReturnValue:
    """Take a member out; everybody may leave."""
    leaves = user_id == current_user.id
    found = find(Organisation, organisation_id) if leaves else _managed(organisation_id)
    require("organisation.see", found)
    membership = find(Membership, (found.id, user_id), lock=True)
    ended = organisations.remove(db_session(), membership, by=current_user, at=now())
    if leaves:
        flash(_("You have left %(name)s.", name=found.name), "success")
        return redirect(url_for(".account"))
    flash(_("The person is no longer a member. You can invite them again."), "success")
    _tell_what_is_left(organisation_id, user_id, ended)
    return redirect(url_for(".organisation", organisation_id=found.id))


@bp.post("/organisations/<int:organisation_id>/invitations/<int:invitation_id>/withdraw")
@signed_in
def withdraw_invitation(organisation_id: int, invitation_id: int) -> ResponseReturnValue:
    """Take an invitation back."""
    found = _managed(organisation_id)
    invitation = find(MemberInvitation, invitation_id, lock=True)
    if invitation.organisation_id != found.id:
        raise NotFound
    organisations.withdraw(db_session(), invitation, by=current_user, at=now())
    flash(_("The invitation is taken back."), "success")
    return redirect(url_for(".organisation", organisation_id=found.id))


@bp.get("/join/<int:invitation_id>")
@signed_in
def join(invitation_id: int) -> ResponseReturnValue:
    """Show an invitation to an organisation."""
    invitation = _mine(invitation_id)
    joined = find(Organisation, invitation.organisation_id)
    return render_template("accounts/join.html", invitation=invitation, organisation=joined)


@bp.post("/join/<int:invitation_id>/<any(accept, decline):answer>")
@signed_in
def answer_join(invitation_id: int, answer: str) -> ResponseReturnValue:
    """Join an organisation, or say no."""
    # The organisation first, as whoever invites or removes: the membership needs its row as well.
    find(Organisation, _mine(invitation_id).organisation_id, lock=True)
    invitation = _mine(invitation_id, lock=True)
    accept = answer == "accept"
    organisations.answer(db_session(), invitation, accept=accept, by=current_user, at=now())
    if not accept:
        flash(_("You have declined. Nothing else changes."), "success")
        return redirect(url_for(".account"))
    flash(_("You are now a member."), "success")
    return redirect(url_for(".organisation", organisation_id=invitation.organisation_id))


@bp.get("/operator/people")
@requires("operator.see")
def people() -> ResponseReturnValue:
    """Show who has an account here, the newest first; search by address or name."""
    asked = request.args.get("q", "").strip()
    page = page_of(search.people(asked))
    ids = [one.id for one in page.rows]
    audit.record_reading("people.read", by=current_user.id, subject="people:list", people=ids)
    leaving = {one.user_id: one for one in erasure.pending(db_session())}
    marks = people_marks.of(db_session(), ids)
    return render_template(
        "accounts/people.html", page=page, asked=asked, leaving=leaving, marks=marks
    )


def _managed(organisation_id: int, *, lock: bool = False) -> Organisation:
    found = find(Organisation, organisation_id, lock=lock)
    require("organisation.see", found)
    require("organisation.manage", found)
    return found


def _tell_what_is_left(organisation_id: int, user_id: int, ended: int) -> None:
    """Say what of a removed person ended with them, and what did not."""
    if ended:
        words = ngettext(
            "One open invitation that this person had sent is taken back.",
            "%(num)s open invitations that this person had sent are taken back.",
            ended,
        )
        flash(words, "warning")
    if left := tokens.left_behind(db_session(), organisation_id, user_id, at=now()):
        words = ngettext(
            "One token that this person made still works. They may have kept it: end it below if "
            "no program of yours needs it.",
            "%(num)s tokens that this person made still work. They may have kept them: end those "
            "below that no program of yours needs.",
            left,
        )
        flash(words, "warning")


def _mine(invitation_id: int, *, lock: bool = False) -> MemberInvitation:
    invitation = find(MemberInvitation, invitation_id, lock=lock)
    organisations.require_addressee(invitation, current_user)
    return invitation


def _account_page(form: AccountForm) -> str:
    return render_template(
        "accounts/account.html",
        form=form,
        organisations=organisations.of(db_session(), current_user.id),
        waiting=organisations.invitations_for(db_session(), current_user),
    )


def _organisation_page(
    found: Organisation,
    *,
    naming: OrganisationForm | None = None,
    inviting: InviteMemberForm | None = None,
) -> str:
    assert found.id is not None
    session = db_session()
    return render_template(
        "accounts/organisation.html",
        organisation=found,
        naming=naming or OrganisationForm(formdata=None, obj=found),
        inviting=inviting or InviteMemberForm(formdata=None),
        members=organisations.members(session, found.id),
        invitations=organisations.open_invitations(session, found.id),
        role_form=MemberRoleForm(formdata=None),
        tokens=list(session.exec(tokens.of_organisation(found.id))),
        webhooks=webhooks.of(session, found.id),
        now=now(),
    )
