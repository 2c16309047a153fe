"""Finding people, for operators."""

from sqlmodel import col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts.models import User


def people(asked: str) -> SelectOfScalar[User]:
    """Return the query of those whose address or name contains what was asked."""
    query = select(User).order_by(col(User.id).desc())
    if asked:
        words = {"autoescape": True}
        query = query.where(
            or_(col(User.email).icontains(asked, **words), col(User.name).icontains(asked, **words))
        )
    return query
