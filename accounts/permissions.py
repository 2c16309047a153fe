"""The whole answer to "who may?": one table from permission to rules, any of which suffices.

A rule looks at the person and at the row's own attributes (`expert_id`, `organisation_id`);
without a row it answers whether the person is of the right kind at all.
"""

from collections.abc import Callable
from typing import Any

from accounts import organisations
from accounts.models import RoleName
from core.db import db_session

Rule = Callable[[Any, object | None], bool]


def operator(user: Any, row: object | None) -> bool:
    """Whoever runs the instance."""
    return bool(user.has(RoleName.OPERATOR))


def expert(user: Any, row: object | None) -> bool:
    """An expert; with a row, the one whose row it is."""
    return bool(user.has(RoleName.EXPERT)) and (
        row is None or getattr(row, "expert_id", None) == user.id
    )


def owner(user: Any, row: object | None) -> bool:
    """A member of an organisation that posts projects; with a row, of the row's."""
    return bool(user.has(RoleName.OWNER)) and _in_organisation(user, row)


def ml_team(user: Any, row: object | None) -> bool:
    """A member of an ML team; with a row, of the row's organisation."""
    return bool(user.has(RoleName.ML_TEAM)) and _in_organisation(user, row)


def reader(user: Any, row: object | None) -> bool:
    """A member of an organisation that a row names among its readers, or of any if it is open."""
    if not (user.has(RoleName.ML_TEAM) or user.has(RoleName.OWNER)):
        return False
    if getattr(row, "is_open", False):
        return bool(organisations.ids_of(db_session(), user.id))
    readers = getattr(row, "reader_organisation_ids", None)
    return row is None or bool(set(readers or ()) & organisations.ids_of(db_session(), user.id))


def organisation_admin(user: Any, row: object | None) -> bool:
    """An admin of the organisation itself."""
    return row is None or organisations.is_admin(db_session(), user.id, getattr(row, "id", None))


def organisation_member(user: Any, row: object | None) -> bool:
    """A member of the organisation itself."""
    return row is None or getattr(row, "id", None) in organisations.ids_of(db_session(), user.id)


def oneself(user: Any, row: object | None) -> bool:
    """The person whose row it is."""
    return row is None or getattr(row, "user_id", None) == user.id


def admin_of_its_organisation(user: Any, row: object | None) -> bool:
    """An admin of the organisation that a row belongs to."""
    owning = getattr(row, "organisation_id", None)
    if owning is None:
        return row is None and (user.has(RoleName.OWNER) or user.has(RoleName.ML_TEAM))
    return organisations.is_admin(db_session(), user.id, owning)


def decided_about(user: Any, row: object | None) -> bool:
    """The person whom a decision is about."""
    return row is None or getattr(row, "person_id", None) == user.id


def appeal_reader(user: Any, row: object | None) -> bool:
    """An operator, or a member of the organisation that decided; never the person it is about."""
    if row is not None and getattr(row, "person_id", None) == user.id:
        return False
    return operator(user, row) or owner(user, row)


def keeper_of_field_banks(user: Any, row: object | None) -> bool:
    """An operator; with a row, for item banks that belong to no organisation."""
    return operator(user, row) and getattr(row, "organisation_id", None) is None


def keeper_of_own_banks(user: Any, row: object | None) -> bool:
    """An owner who is an admin; with a row, of the organisation that the item bank belongs to."""
    return bool(user.has(RoleName.OWNER)) and admin_of_its_organisation(user, row)


def sample_trier(user: Any, row: object | None) -> bool:
    """An owner who tries a work sample out; with a row, the one who does."""
    return bool(user.has(RoleName.OWNER)) and (
        row is None or getattr(row, "tried_by", None) == user.id
    )


TABLE: dict[str, tuple[Rule, ...]] = {
    # accounts
    "account.manage": (oneself,),
    "organisation.see": (organisation_member,),
    "organisation.manage": (organisation_admin,),
    "session.manage": (oneself,),
    "token.manage": (oneself, admin_of_its_organisation),
    "webhook.manage": (admin_of_its_organisation,),
    "operator.see": (operator,),
    "decision.see": (decided_about,),
    "appeal.see": (appeal_reader,),
    # experts
    "profile.edit": (expert,),
    "expert.restrict": (operator,),
    # payouts
    "earnings.see": (expert,),
    "payout.request": (expert,),
    "budget.see": (owner,),
    "budget.fund": (owner,),
    "budget.refund": (owner,),
    "money.see": (operator,),
    # projects
    "project.create": (owner,),
    "project.see": (owner,),
    "project.manage": (owner,),
    "invitation.answer": (expert,),
    # annotation
    "work.do": (expert,),
    "assignment.see": (expert,),
    "assignment.work": (expert,),
    "assignment.review": (owner,),
    "sample.take": (expert, sample_trier),
    # interviews
    "interview.take": (expert,),
    "interview.review": (operator,),
    "item_bank.edit": (keeper_of_field_banks, keeper_of_own_banks),
    "interview_template.edit": (operator,),
    "accommodation.answer": (operator,),
    # releases
    "release.build": (owner,),
    "release.read": (owner, reader),
    "release.see_requests": (owner, operator),
    "release_request.withdraw": (owner, ml_team),
}


def allowed(user: Any, permission: str, row: object | None = None) -> bool:
    """Answer for the app; nobody who has not signed in has any permission."""
    rules = TABLE[permission]
    return bool(user.is_authenticated) and any(rule(user, row) for rule in rules)


def _in_organisation(user: Any, row: object | None) -> bool:
    return row is None or getattr(row, "organisation_id", None) in organisations.ids_of(
        db_session(), user.id
    )
