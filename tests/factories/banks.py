"""Item banks, valid by default."""

from typing import Any

from sqlmodel import Session

from accounts.models import Organisation, User
from core.clock import now
from experts.fields import Field
from interviews import bank_drafts, bank_publishing
from interviews.bank_models import BankDraft, BankPublication
from tests.factories.accounts import make_user


def make_bank(
    session: Session,
    organisation: Organisation | None = None,
    *,
    field: Field = Field.LAW,
    by: User | None = None,
) -> BankDraft:
    """Begin to edit a bank: of the instance, or of an organisation."""
    by = by or make_user(session, "operator")
    owning = organisation.id if organisation else None
    assert by.id is not None
    draft = bank_drafts.begin(session, field, owning, by=by.id, at=now())
    session.flush()
    return draft


def make_publication(
    session: Session, draft: BankDraft, *, by: User | None = None, note: str = "A better title."
) -> BankPublication:
    """Publish a bank with a change in the title of its first item."""
    by = by or make_user(session, "operator")
    assert by.id is not None
    content = bank_drafts.content_of(draft)
    item = content["items"][0]
    item["title"]["en"] += " again"
    old = bank_drafts.seal(bank_drafts.item_of(bank_drafts.content_of(draft), item["id"]))
    bank_drafts.save_item(draft, item, seen=old, by=by.id, at=now())
    row = bank_publishing.publish(session, draft, note, revision=draft.revision, by=by.id, at=now())
    session.flush()
    return row


def own_items(draft: BankDraft, source: list[dict[str, Any]]) -> None:
    """Give an organisation's bank items, as if they were its own."""
    content = bank_drafts.content_of(draft)
    content["items"] = [{**item, "id": f"ola-{number:03}"} for number, item in enumerate(source, 1)]
    draft.content = bank_drafts.written(content)
    draft.revision += 1
