"""Letters about interviews: to the expert, and to those who read those near the line."""

from typing import Any

from sqlmodel import Session, col, select

from accounts.models import Role, RoleName, User, UserRole
from core import messages
from core.settings import current_settings
from interviews.models import Interview


def tell(session: Session, interview: Interview, template: str, **more: Any) -> None:
    """Write to the expert; a job may do so as well, so the address is made without a request."""
    messages.write(
        session,
        to=session.get_one(User, interview.expert_id),
        template=f"interviews/{template}",
        interview=interview,
        url=_address(f"/interviews/{interview.id}/result"),
        **more,
    )


def tell_readers(session: Session, interview: Interview, **more: Any) -> None:
    """Write to each operator that an interview waits for a person."""
    for person in operators(session):
        messages.write(
            session,
            to=person,
            template="interviews/to_read",
            interview=interview,
            url=_address(f"/operator/interviews/{interview.id}"),
            **more,
        )


def tell_late(session: Session, interview: Interview, **more: Any) -> None:
    """Write to each operator that an interview which waits for a person is about to be late."""
    for person in operators(session):
        messages.write(
            session,
            to=person,
            template="interviews/about_to_be_late",
            interview=interview,
            url=_address(f"/operator/interviews/{interview.id}"),
            **more,
        )


def operators(session: Session) -> list[User]:
    """Return those who run the instance."""
    query = (
        select(User)
        .join(UserRole, col(UserRole.user_id) == col(User.id))
        .join(Role, col(Role.id) == col(UserRole.role_id))
        .where(Role.name == RoleName.OPERATOR, col(User.active))
        .order_by(col(User.id))
    )
    return list(session.exec(query))


def _address(path: str) -> str:
    return f"{current_settings().public_url}{path}"
