"""Organisations: inviting, joining, leaving; there is always an admin."""

from threading import Barrier, Thread
from typing import Any

from sqlmodel import Session, select

from accounts import organisations
from accounts.models import MemberInvitation, MemberRole, Membership, RoleName
from core.clock import now
from core.models import Letter
from tests.conftest import Live
from tests.factories.accounts import make_member, make_organisation, make_owner, make_user


def test_an_admin_invites_by_letter_and_the_person_joins(session: Session, sign_in: Any) -> None:
    owner, organisation = make_owner(session)
    guest = make_user(session, "expert", email="guest@example.org")

    sign_in(owner).post(
        f"/organisations/{organisation.id}/members",
        data={"email": "Guest@example.org", "role": "member"},
    )
    invitation = session.exec(select(MemberInvitation)).one()
    letter = session.exec(select(Letter).where(Letter.address == "guest@example.org")).one()
    page = sign_in(guest).get(f"/join/{invitation.id}")
    joined = sign_in(guest).post(f"/join/{invitation.id}/accept")

    assert f"/join/{invitation.id}" in letter.body
    assert organisation.name in page.text
    assert joined.status_code == 302
    session.expire_all()
    assert session.get(Membership, (organisation.id, guest.id))
    assert guest.has(RoleName.OWNER)


def test_inviting_twice_makes_one_invitation(session: Session, sign_in: Any) -> None:
    owner, organisation = make_owner(session)
    client = sign_in(owner)

    for _ in range(2):
        client.post(
            f"/organisations/{organisation.id}/members",
            data={"email": "guest@example.org", "role": "member"},
        )

    assert len(session.exec(select(MemberInvitation)).all()) == 1


def test_joining_twice_is_joining_once(session: Session, sign_in: Any) -> None:
    owner, organisation = make_owner(session)
    guest = make_user(session, email="guest@example.org")
    sign_in(owner).post(
        f"/organisations/{organisation.id}/members",
        data={"email": guest.email, "role": "admin"},
    )
    invitation = session.exec(select(MemberInvitation)).one()

    answers = [sign_in(guest).post(f"/join/{invitation.id}/accept") for _ in range(2)]
    after_all = sign_in(guest).post(f"/join/{invitation.id}/decline")

    assert [answer.status_code for answer in answers] == [302, 302]
    assert after_all.status_code == 409


def test_the_other_admins_hear_of_a_new_admin(session: Session, sign_in: Any) -> None:
    owner, organisation = make_owner(session)
    guest = make_user(session, email="guest@example.org", name="Grace Guest")
    member = make_member(session, organisation, MemberRole.MEMBER)
    sign_in(owner).post(
        f"/organisations/{organisation.id}/members", data={"email": guest.email, "role": "admin"}
    )
    invitation = session.exec(select(MemberInvitation)).one()
    told = select(Letter.address).where(Letter.template == "accounts/admin_joined")

    for _ in range(2):
        sign_in(guest).post(f"/join/{invitation.id}/accept")
    assert session.exec(told).all() == [owner.email]

    for _ in range(2):
        sign_in(guest).post(
            f"/organisations/{organisation.id}/members/{member.id}/role", data={"role": "admin"}
        )
    assert sorted(session.exec(told).all()) == sorted([owner.email, owner.email, guest.email])


def test_nobody_answers_an_invitation_to_somebody_else(session: Session, sign_in: Any) -> None:
    owner, organisation = make_owner(session)
    stranger = make_user(session, "expert")
    sign_in(owner).post(
        f"/organisations/{organisation.id}/members",
        data={"email": "guest@example.org", "role": "admin"},
    )
    invitation = session.exec(select(MemberInvitation)).one()

    assert sign_in(stranger).get(f"/join/{invitation.id}").status_code == 404
    assert sign_in(stranger).post(f"/join/{invitation.id}/accept").status_code == 404


def test_a_stranger_sees_no_organisation_and_a_member_does_not_manage(
    session: Session, sign_in: Any
) -> None:
    _, organisation = make_owner(session)
    member = make_member(session, organisation, role="member")
    stranger, _ = make_owner(session)
    path = f"/organisations/{organisation.id}"
    invite = {"email": "guest@example.org", "role": "admin"}

    assert sign_in(stranger).get(path).status_code == 404
    assert sign_in(stranger).post(f"{path}/members", data=invite).status_code == 404
    assert sign_in(member).get(path).status_code == 200
    assert sign_in(member).post(f"{path}/members", data=invite).status_code in (403, 404)
    assert session.exec(select(MemberInvitation)).all() == []


def test_a_member_may_leave(session: Session, sign_in: Any) -> None:
    _, organisation = make_owner(session)
    member = make_member(session, organisation, role="member")
    other = make_member(session, organisation, role="member")
    path = f"/organisations/{organisation.id}"
    client = sign_in(member)

    page = client.get(path)
    pushed = client.post(f"{path}/members/{other.id}/remove")
    left = client.post(f"{path}/members/{member.id}/remove")

    assert "Leave" in page.text
    assert pushed.status_code in (403, 404)
    assert left.location == "/account"
    assert session.get(Membership, (organisation.id, member.id)) is None
    assert session.get(Membership, (organisation.id, other.id)) is not None
    assert client.get(path).status_code == 404


def test_open_invitations_of_somebody_who_is_removed_are_taken_back(
    session: Session, sign_in: Any
) -> None:
    owner, organisation = make_owner(session)
    leaving = make_member(session, organisation)
    own = make_user(session, "expert")
    for by, email in ((leaving, own.email), (owner, "else@example.org")):
        organisations.invite(session, organisation, email, MemberRole.ADMIN, by=by, at=now())
    session.commit()
    [back] = organisations.invitations_for(session, own)

    page = sign_in(owner).post(
        f"/organisations/{organisation.id}/members/{leaving.id}/remove", follow_redirects=True
    )
    sign_in(own).post(f"/join/{back.id}/accept")

    assert "One open invitation that this person had sent is taken back" in page.text
    assert session.get(Membership, (organisation.id, own.id)) is None
    left = organisations.open_invitations(session, organisation.id or 0)
    assert [one.email for one in left] == ["else@example.org"]


def test_the_last_admin_stays(session: Session, sign_in: Any) -> None:
    owner, organisation = make_owner(session)

    response = sign_in(owner).post(f"/organisations/{organisation.id}/members/{owner.id}/remove")

    assert response.status_code == 409
    assert "needs an admin" in response.text
    assert session.get(Membership, (organisation.id, owner.id))


def test_two_admins_who_remove_each_other_leave_one(live: Live) -> None:
    with live.transaction() as session:
        organisation = make_organisation(session)
        admins = [make_member(session, organisation) for _ in range(2)]
        path = f"/organisations/{organisation.id}/members"
    start = Barrier(2)

    def remove(mine: int) -> None:
        client = live.client(admins[mine])
        start.wait()
        client.post(f"{path}/{admins[1 - mine].id}/remove")

    threads = [Thread(target=remove, args=(mine,)) for mine in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with live.transaction() as session:
        left = session.exec(select(Membership)).all()
    assert [membership.role for membership in left] == [MemberRole.ADMIN]


def test_a_bad_address_is_answered_beside_the_field(session: Session, sign_in: Any) -> None:
    owner, organisation = make_owner(session)

    response = sign_in(owner).post(
        f"/organisations/{organisation.id}/members", data={"email": "nonsense", "role": "member"}
    )

    assert response.status_code == 422
    assert "name@example.org" in response.text
    assert "nonsense" in response.text
