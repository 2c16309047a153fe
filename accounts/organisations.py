"""Organisations and who belongs to them. There is always at least one admin."""

import re
import unicodedata
from datetime import datetime

from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts.models import (
    MemberInvitation,
    MemberRole,
    Membership,
    Organisation,
    OrganisationKind,
    Role,
    RoleName,
    User,
)
from core import audit, messages
from core.errors import Conflict, NotFound

ROLE_OF = {
    OrganisationKind.OWNER: RoleName.OWNER,
    OrganisationKind.ML_TEAM: RoleName.ML_TEAM,
}


class LastAdmin(Conflict):
    """An organisation needs an admin. Make somebody else an admin first."""


class AlreadyMember(Conflict):
    """This person is a member of the organisation already."""


class AlreadyAnswered(Conflict):
    """This invitation has been answered, or it was taken back."""


def found(
    session: Session, name: str, kind: OrganisationKind, *, by: User, at: datetime
) -> Organisation:
    """Make an organisation with its first admin."""
    organisation = Organisation(
        name=name.strip(), slug=_free_slug(session, name), kind=kind, created_at=at
    )
    session.add(organisation)
    session.flush()  # the membership needs the id
    assert organisation.id is not None
    assert by.id is not None
    _join(session, organisation, by, MemberRole.ADMIN, at)
    audit.record(
        session, "organisation.founded", by=by.id, subject=f"organisation:{organisation.id}"
    )
    return organisation


def of(session: Session, user_id: int, kind: OrganisationKind | None = None) -> list[Organisation]:
    """Return a person's organisations, the first joined first."""
    query = (
        select(Organisation)
        .join(Membership, col(Membership.organisation_id) == col(Organisation.id))
        .where(Membership.user_id == user_id)
        .order_by(col(Membership.joined_at), col(Organisation.id))
    )
    if kind is not None:
        query = query.where(Organisation.kind == kind)
    return list(session.exec(query))


def ids_of(session: Session, user_id: int | None) -> set[int]:
    """Return the ids of a person's organisations."""
    query = select(Membership.organisation_id).where(Membership.user_id == user_id)
    return set(session.exec(query))


def is_admin(session: Session, user_id: int | None, organisation_id: int | None) -> bool:
    """Return whether a person is an admin of an organisation."""
    # Asked of the database each time: what was read before a lock may have changed behind it.
    role = select(Membership.role).where(
        Membership.organisation_id == organisation_id, Membership.user_id == user_id
    )
    return session.exec(role).first() is MemberRole.ADMIN


def members(session: Session, organisation_id: int) -> list[tuple[Membership, User]]:
    """Return the members with their logins, in the order of joining."""
    query = (
        select(Membership, User)
        .join(User, col(User.id) == col(Membership.user_id))
        .where(Membership.organisation_id == organisation_id)
        .order_by(col(Membership.joined_at), col(User.id))
    )
    return list(session.exec(query))


def administered(session: Session, user_id: int) -> list[Organisation]:
    """Return the organisations that a person is an admin of, the first joined first."""
    return [one for one in of(session, user_id) if is_admin(session, user_id, one.id)]


def admins(session: Session, organisation_id: int) -> list[User]:
    """Return the admins, in the order of joining."""
    found = members(session, organisation_id)
    return [user for membership, user in found if membership.role is MemberRole.ADMIN]


def open_invitations(session: Session, organisation_id: int) -> list[MemberInvitation]:
    """Return the invitations that nobody has answered."""
    query = select(MemberInvitation).where(
        MemberInvitation.organisation_id == organisation_id,
        col(MemberInvitation.answered_at).is_(None),
    )
    return list(session.exec(query.order_by(col(MemberInvitation.id))))


def invitations_for(session: Session, user: User) -> list[MemberInvitation]:
    """Return the open invitations that were sent to somebody's address of now or of before."""
    query = select(MemberInvitation).where(
        or_(MemberInvitation.user_id == user.id, MemberInvitation.email == user.email),
        col(MemberInvitation.answered_at).is_(None),
    )
    return [
        one for one in session.exec(query.order_by(col(MemberInvitation.id))) if _is_to(one, user)
    ]


def require_addressee(invitation: MemberInvitation, user: User) -> None:
    """Refuse everybody but the person whom the invitation was sent to."""
    if not _is_to(invitation, user):
        raise NotFound


def invite(
    session: Session,
    organisation: Organisation,
    email: str,
    role: MemberRole,
    *,
    by: User,
    at: datetime,
) -> MemberInvitation:
    """Invite an address; inviting it again writes the letter again, no second invitation."""
    assert organisation.id is not None
    assert by.id is not None
    email = email.strip().lower()
    invited = session.exec(select(User).where(User.email == email)).first()
    if invited and session.get(Membership, (organisation.id, invited.id)):
        raise AlreadyMember
    invitation = session.exec(_open_for(organisation.id, email).with_for_update()).first()
    if invitation is None:
        invitation = MemberInvitation(
            organisation_id=organisation.id, email=email, invited_by=by.id, invited_at=at
        )
    if invited is not None and invitation.user_id != invited.id:
        invitation.user_id = None  # the address has passed to somebody else since
    invitation.role = role
    session.add(invitation)
    session.flush()  # the letter needs the id
    messages.write_to(
        session,
        address=email,
        user_id=invited.id if invited else None,
        language=(invited.locale if invited else by.locale) or "en",
        template="accounts/member_invitation",
        organisation=organisation,
        invitation=invitation,
        inviter=by,
        known=invited is not None,
    )
    audit.record(
        session, "organisation.invited", by=by.id, subject=f"organisation:{organisation.id}"
    )
    return invitation


def answer(
    session: Session, invitation: MemberInvitation, *, accept: bool, by: User, at: datetime
) -> None:
    """Accept or decline an invitation that was sent to one's own confirmed address."""
    require_addressee(invitation, by)
    if invitation.answered_at is not None:
        if invitation.accepted == accept:
            return  # the second click
        raise AlreadyAnswered
    invitation.answered_at, invitation.accepted = at, accept
    organisation = session.get(Organisation, invitation.organisation_id)
    if accept and organisation is not None:
        _join(session, organisation, by, invitation.role, at)
    audit.record(
        session,
        "organisation.joined" if accept else "organisation.declined",
        by=by.id,
        subject=f"organisation:{invitation.organisation_id}",
    )


def withdraw(
    session: Session, invitation: MemberInvitation, *, by: User | None, at: datetime
) -> None:
    """Take an open invitation back; without `by` it goes with the account that had sent it."""
    if invitation.answered_at is None:
        invitation.answered_at, invitation.accepted = at, False
        audit.record(
            session,
            "organisation.withdrew",
            by=by.id if by is not None else None,
            subject=f"organisation:{invitation.organisation_id}",
        )


def withdraw_all_of(session: Session, user_id: int, *, at: datetime) -> int:
    """Take back every open invitation that somebody had sent, whose account goes; return how many.

    They may have invited another address of their own, and would be back.
    """
    question = select(MemberInvitation).where(
        MemberInvitation.invited_by == user_id, col(MemberInvitation.answered_at).is_(None)
    )
    sent = session.exec(
        question.order_by(col(MemberInvitation.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for invitation in sent:
        withdraw(session, invitation, by=None, at=at)
    return len(sent)


def change_role(session: Session, membership: Membership, role: MemberRole, *, by: User) -> None:
    """Make a member an admin or the reverse."""
    _lock(session, membership.organisation_id)
    if role is MemberRole.MEMBER:
        _keep_an_admin(session, membership)
    if role is MemberRole.ADMIN and membership.role is not role:
        _tell_admins(session, membership.organisation_id, session.get_one(User, membership.user_id))
    membership.role = role
    audit.record(
        session,
        f"organisation.role_{role}",
        by=by.id,
        subject=f"organisation:{membership.organisation_id}",
        details={"user_id": membership.user_id},
    )


def remove(session: Session, membership: Membership, *, by: User, at: datetime) -> int:
    """Take a member out, and back what they had sent; return how many invitations that were."""
    _lock(session, membership.organisation_id)
    _keep_an_admin(session, membership)
    session.delete(membership)
    audit.record(
        session,
        "organisation.removed",
        by=by.id,
        subject=f"organisation:{membership.organisation_id}",
        details={"user_id": membership.user_id},
    )
    # They may have invited another address of their own, and would be back.
    sent = session.exec(_open_of(membership).with_for_update()).all()
    for invitation in sent:
        withdraw(session, invitation, by=by, at=at)
    return len(sent)


def give_role(session: Session, user: User, name: RoleName) -> None:
    """Give a person a role; a role that they have is left alone."""
    if not user.has(name):
        role = session.exec(select(Role).where(Role.name == name)).one()
        user.roles.append(role)
        session.add(user)


def _join(
    session: Session, organisation: Organisation, user: User, role: MemberRole, at: datetime
) -> None:
    assert organisation.id is not None
    assert user.id is not None
    if session.get(Membership, (organisation.id, user.id)) is None:
        session.add(
            Membership(organisation_id=organisation.id, user_id=user.id, role=role, joined_at=at)
        )
        if role is MemberRole.ADMIN:
            _tell_admins(session, organisation.id, user)
    give_role(session, user, ROLE_OF[organisation.kind])
    session.flush()  # so that a rule asked next sees the membership


def _tell_admins(session: Session, organisation_id: int, joined: User) -> None:
    """Write to the other admins that somebody is one of them now."""
    organisation = session.get_one(Organisation, organisation_id)
    for admin in admins(session, organisation_id):
        if admin.id != joined.id:
            messages.write(
                session,
                to=admin,
                template="accounts/admin_joined",
                organisation=organisation,
                person=joined,
            )


def _is_to(invitation: MemberInvitation, user: User) -> bool:
    # Who has changed their address keeps what was sent to the old one; its next holder gets none.
    if invitation.user_id is not None:
        return invitation.user_id == user.id
    return invitation.email == user.email


def _lock(session: Session, organisation_id: int) -> None:
    # Two admins who remove each other at once would leave nobody.
    session.get(Organisation, organisation_id, with_for_update=True)


def _keep_an_admin(session: Session, leaving: Membership) -> None:
    admins = session.exec(
        select(Membership.user_id).where(
            Membership.organisation_id == leaving.organisation_id,
            Membership.role == MemberRole.ADMIN,
        )
    ).all()
    if list(admins) == [leaving.user_id]:
        raise LastAdmin


def _open_for(organisation_id: int, email: str) -> SelectOfScalar[MemberInvitation]:
    return select(MemberInvitation).where(
        MemberInvitation.organisation_id == organisation_id,
        MemberInvitation.email == email,
        col(MemberInvitation.answered_at).is_(None),
    )


def _open_of(membership: Membership) -> SelectOfScalar[MemberInvitation]:
    return select(MemberInvitation).where(
        MemberInvitation.organisation_id == membership.organisation_id,
        MemberInvitation.invited_by == membership.user_id,
        col(MemberInvitation.answered_at).is_(None),
    )


def _free_slug(session: Session, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "organisation"
    taken = set(
        session.exec(select(Organisation.slug).where(col(Organisation.slug).startswith(slug)))
    )
    numbered = (f"{slug}-{number}" for number in range(2, len(taken) + 3))
    return slug if slug not in taken else next(free for free in numbered if free not in taken)
