"""Who runs this instance: the people to write to, and to ask where two must agree."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from accounts.models import Role, RoleName, User, UserRole


def besides(session: Session, barred: Collection[int | None] = ()) -> list[User]:
    """Return the operators save those who are barred."""
    found = session.exec(
        select(User)
        .join(UserRole, col(UserRole.user_id) == col(User.id))
        .join(Role, col(Role.id) == col(UserRole.role_id))
        .where(Role.name == RoleName.OPERATOR, col(User.active))
        .order_by(col(User.id))
    )
    return [one for one in found if one.id not in barred]
