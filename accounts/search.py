"""Finding people, for operators."""

from sqlmodel import col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from accounts.models import User


def people(asked: str) -> SelectOfScalar[User]:
    """Return the query of those whose id was asked, or whose address or name contains it."""
    query = select(User).order_by(col(User.id).desc())
    if asked:
        words = {"autoescape": True}
        contains = [col(field).icontains(asked, **words) for field in (User.email, User.name)]
        if asked.isdecimal() and len(asked) < 10:
            contains.append(col(User.id) == int(asked))
        query = query.where(or_(*contains))
    return query
