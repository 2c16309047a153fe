"""Banks under work: what people write, kept as it is until it is published.

Whoever changes a bank holds its row (the caller locks it). Two people may work on two items at
once; on one item the second is told, and shown what the first wrote. An item is never deleted once
it was published: it is retired, and no other takes its number.
"""

import copy
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from core import audit
from core.errors import Conflict, Invalid, NotFound
from experts.fields import Field
from interviews import bank_forms, banks, items, kept
from interviews.bank_check import KINDS, Content
from interviews.bank_models import BankDraft, BankPublication
from interviews.items import Bank, Item

# Numbers below belong to the starter banks, so that a newer one cannot take that of another item.
OWN_FROM = 501
ITEMS_AT_MOST = 2000
RULES = ("template", "rule", "retakes", "competencies")


class ChangedMeanwhile(Conflict):
    """Somebody else has changed this in the meantime. Nothing of yours is lost."""


class StillAsked(Conflict):
    """This competency has items. Move or retire them first; then it can be removed."""


class WasPublished(Conflict):
    """This item was published, and interviews refer to it. It can be retired, not discarded."""


class TooMany(Conflict):
    """This bank has as many items as a bank may have."""


class NoSuchKind(Invalid):
    """Choose one of the kinds that the page shows."""


@dataclass(frozen=True)
class StarterNews:
    """A starter bank that came with an upgrade, and how it differs from the bank under work."""

    bank: Bank
    added: list[str]
    different: list[str]


def begin(
    session: Session, field: Field, organisation_id: int | None, *, by: int, at: datetime
) -> BankDraft:
    """Begin to edit a bank, or return the one that is there.

    The instance's begins as what counts now. An organisation's begins without items: it has the
    competencies and rules of the field, and none of the keys, which are not its own.
    """
    content = _first_content(session, field, organisation_id)
    starter = items.banks().get(field)
    made = session.execute(
        insert(BankDraft)
        .values(
            field=field,
            organisation_id=organisation_id,
            content=written(content),
            revision=1,
            starter=starter.digest if starter and organisation_id is None else None,
            made_by=by,
            made_at=at,
            edited_by=by,
            edited_at=at,
        )
        .on_conflict_do_nothing()
        .returning(col(BankDraft.id))
    ).scalar()
    draft = session.exec(
        select(BankDraft)
        .where(BankDraft.field == field, col(BankDraft.organisation_id) == organisation_id)
        .with_for_update()
    ).one()
    if made is not None:
        if organisation_id is not None:
            # So that a rule is cited by a name that no other bank has.
            content["rule"]["code"] = f"OB-{draft.id}"
            draft.content = written(content)
        _record(session, draft, "begun", by=by)
    return draft


def of(session: Session, field: Field, organisation_id: int | None) -> BankDraft | None:
    """Return the bank under work of a field, of the instance or of an organisation."""
    query = select(BankDraft).where(
        BankDraft.field == field, col(BankDraft.organisation_id) == organisation_id
    )
    return session.exec(query).first()


def content_of(draft: BankDraft) -> Content:
    """Return what a bank under work holds."""
    content: Content = json.loads(draft.content)
    return content


def item_of(content: Content, item_id: str) -> Content:
    """Return an item of a bank under work, retired or not."""
    for item in [*content["items"], *content["retired"]]:
        if item.get("id") == item_id:
            found: Content = item
            return found
    raise NotFound


def is_retired(content: Content, item_id: str) -> bool:
    """Return whether an item is asked no more."""
    return any(item.get("id") == item_id for item in content["retired"])


def canonical(item: Content) -> str:
    """Return the words of an item in the one form in which two can be compared."""
    try:
        shown = Item.model_validate(item).model_dump(mode="json")
    except ValidationError:
        shown = item
    question = shown.get("question") or {}
    if question.get("kind") == "ordering":
        options = dict(sorted((question.get("options") or {}).items()))
        shown = {**shown, "question": {**question, "options": options}}
    return json.dumps(shown, ensure_ascii=False)


def seal(item: Content) -> str:
    """Return what tells the state of an item in which somebody began to edit it."""
    return hashlib.sha256(canonical(item).encode()).hexdigest()[:32]


def save_item(draft: BankDraft, item: Content, *, seen: str, by: int, at: datetime) -> bool:
    """Keep an item as somebody typed it; False when nothing changes."""
    content = content_of(draft)
    before = item_of(content, item["id"])
    if canonical(before) == canonical(item):
        return False
    if seal(before) != seen:
        raise ChangedMeanwhile
    _put(content, item)
    _keep(draft, content, by=by, at=at)
    return True


def add_item(draft: BankDraft, kind: str, *, by: int, at: datetime) -> str:
    """Add an item of a kind, with nothing written yet; return its number."""
    if kind not in KINDS:
        raise NoSuchKind
    content = content_of(draft)
    first = next(iter(content["competencies"]), "")
    return _added(draft, content, bank_forms.new_item("", kind, first), by=by, at=at)


def copy_item(draft: BankDraft, item_id: str, *, by: int, at: datetime) -> str:
    """Add an item with the words of another; return its number."""
    content = content_of(draft)
    return _added(draft, content, {**item_of(content, item_id), "core": None}, by=by, at=at)


def retire(session: Session, draft: BankDraft, item_id: str, *, by: int, at: datetime) -> bool:
    """Let an item be asked no more, from the next version on."""
    return _move(session, draft, item_id, ("items", "retired"), by=by, at=at)


def restore(session: Session, draft: BankDraft, item_id: str, *, by: int, at: datetime) -> bool:
    """Let a retired item be asked again, from the next version on."""
    return _move(session, draft, item_id, ("retired", "items"), by=by, at=at)


def discard(session: Session, draft: BankDraft, item_id: str, *, by: int, at: datetime) -> None:
    """Forget an item that was never published."""
    if item_id in published_ids(session, draft):
        raise WasPublished
    content = content_of(draft)
    if not any(item.get("id") == item_id for item in [*content["items"], *content["retired"]]):
        raise NotFound
    for where in ("items", "retired"):
        content[where] = [item for item in content[where] if item.get("id") != item_id]
    _keep(draft, content, by=by, at=at)
    _record(session, draft, "item_discarded", by=by, item=item_id)


def save_rules(draft: BankDraft, rules: Content, *, seen: str, by: int, at: datetime) -> bool:
    """Keep competencies, rule, retakes and template as somebody typed them."""
    content = content_of(draft)
    if rules_seal(content) == rules_seal(rules):
        return False
    if rules_seal(content) != seen:
        raise ChangedMeanwhile
    asked = {item.get("competency") for item in content["items"]}
    if asked & (set(content["competencies"]) - set(rules["competencies"])):
        raise StillAsked
    _keep(draft, {**content, **{name: rules[name] for name in RULES}}, by=by, at=at)
    return True


def rules_seal(content: Content) -> str:
    """Return what tells the state of the rules in which somebody began to edit them."""
    parts = {name: content[name] for name in RULES}
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def replace_all(
    session: Session,
    draft: BankDraft,
    bank: Content,
    what: str,
    *,
    by: int,
    at: datetime,
    **said: Any,
) -> None:
    """Take a whole bank as the one under work; items that it lacks are retired."""
    before = content_of(draft)
    content = {**before, **bank, "version": before["version"], "field": before["field"]}
    code, version = before["rule"].get("code"), before["rule"].get("version")
    content["rule"] = {**content["rule"], "code": code, "version": version}
    active = {item.get("id") for item in content["items"]}
    kept = {
        item.get("id"): item
        for item in [*before["items"], *before["retired"], *(bank.get("retired") or [])]
        if item.get("id") not in active
    }
    content["retired"] = list(kept.values())
    _keep(draft, content, by=by, at=at)
    _record(session, draft, what, by=by, **said)


def put_items(
    session: Session, draft: BankDraft, found: list[Content], *, by: int, at: datetime
) -> tuple[int, int]:
    """Add items and replace those of the same number; return how many of each."""
    content = content_of(draft)
    there = {item.get("id") for item in [*content["items"], *content["retired"]]}
    added = 0
    for item in found:
        if item.get("id") in there:
            _put(content, item)
            continue
        if not item.get("id"):
            item = {**item, "id": _next_id(draft, content)}
        content["items"].append(item)
        added += 1
    if len(content["items"]) > ITEMS_AT_MOST:
        raise TooMany
    _keep(draft, content, by=by, at=at)
    _record(session, draft, "imported", by=by, added=added, replaced=len(found) - added)
    return added, len(found) - added


def take_item_back(
    session: Session, draft: BankDraft, item_id: str, version: int, *, by: int, at: datetime
) -> None:
    """Give an item the words that it had in a version."""
    published = of_version(session, draft, version)
    content = content_of(draft)
    item_of(content, item_id)
    for item in [*published.items, *published.retired]:
        if item.id == item_id:
            _put(content, item.model_dump(mode="json"))
            _keep(draft, content, by=by, at=at)
            _record(session, draft, "item_taken_back", by=by, item=item_id, version=version)
            return
    raise NotFound


def take_back(session: Session, draft: BankDraft, version: int, *, by: int, at: datetime) -> None:
    """Take the bank under work back to a version; items that came later are retired."""
    bank = of_version(session, draft, version).model_dump(mode="json")
    replace_all(session, draft, bank, "taken_back", by=by, at=at, version=version)


def versions(session: Session, draft: BankDraft) -> list[BankPublication]:
    """Return the published versions of a bank, the latest first."""
    query = select(BankPublication).where(BankPublication.bank_id == draft.key)
    return list(session.exec(query.order_by(col(BankPublication.version).desc())))


def of_version(session: Session, draft: BankDraft, version: int) -> Bank:
    """Return a bank as it was published."""
    query = select(BankPublication.digest).where(
        BankPublication.bank_id == draft.key, BankPublication.version == version
    )
    digest = session.exec(query).first()
    if digest is None:
        raise NotFound
    return kept.by_digest(session, digest)


def published_ids(session: Session, draft: BankDraft) -> set[str]:
    """Return the numbers of all items that interviews may have had."""
    found: set[str] = set()
    known = [kept.by_digest(session, one.digest) for one in versions(session, draft)]
    starter = items.banks().get(draft.field) if draft.organisation_id is None else None
    for bank in [*known, *([starter] if starter else [])]:
        found |= {item.id for item in [*bank.items, *bank.retired]}
    return found


def starter_news(draft: BankDraft) -> StarterNews | None:
    """Return the starter bank that nobody has looked at yet, if an upgrade brought one."""
    starter = items.banks().get(draft.field)
    if starter is None or draft.organisation_id is not None or draft.starter == starter.digest:
        return None
    content = content_of(draft)
    mine = {item.get("id"): item for item in [*content["items"], *content["retired"]]}
    theirs = {item.id: item.model_dump(mode="json") for item in starter.items}
    added = [key for key in theirs if key not in mine]
    different = [
        key for key in theirs if key in mine and canonical(mine[key]) != canonical(theirs[key])
    ]
    return StarterNews(starter, added, different)


def take_starter(
    session: Session, draft: BankDraft, how: str, *, by: int, at: datetime
) -> StarterNews | None:
    """Take over the new items of a newer starter bank, or all of it, or leave it."""
    news = starter_news(draft)
    if news is None:
        return None
    content, wanted = content_of(draft), set(news.added)
    if how == "all":
        wanted |= set(news.different)
        dump = news.bank.model_dump(mode="json")
        content |= {name: dump[name] for name in ("template", "retakes")}
        content["rule"] = {**dump["rule"], "version": content["rule"]["version"]}
        content["competencies"] = {**content["competencies"], **dump["competencies"]}
    there = {item.get("id") for item in [*content["items"], *content["retired"]]}
    for item in news.bank.items if how in ("new", "all") else []:
        if item.id not in wanted:
            continue
        label = news.bank.competencies[item.competency].model_dump(mode="json")
        content["competencies"].setdefault(item.competency, label)
        if item.id in there:
            _put(content, item.model_dump(mode="json"))
        else:
            # A bank has its core items: another would be one too many.
            core = None if how == "new" and _has_core(content, item) else item.core
            content["items"].append({**item.model_dump(mode="json"), "core": core})
    draft.starter = news.bank.digest
    _keep(draft, content, by=by, at=at)
    _record(session, draft, "starter_taken", by=by, how=how, version=news.bank.version)
    return news


def keep_published(draft: BankDraft, bank: Bank, *, by: int, at: datetime) -> None:
    """Go on from what was published."""
    _keep(draft, bank.model_dump(mode="json"), by=by, at=at)


def written(content: Content) -> str:
    """Return a content as it is stored."""
    return json.dumps(content, ensure_ascii=False)


def _first_content(session: Session, field: Field, organisation_id: int | None) -> Content:
    bank = banks.current(session, field)
    if bank is None:
        raise banks.NoBank
    content = bank.model_dump(mode="json")
    if organisation_id is not None:
        content |= {"items": [], "retired": [], "version": 1}
        content["rule"]["version"] = 1
    return content


def _added(draft: BankDraft, content: Content, item: Content, *, by: int, at: datetime) -> str:
    if len(content["items"]) >= ITEMS_AT_MOST:
        raise TooMany
    item_id = _next_id(draft, content)
    content["items"].append({**copy.deepcopy(item), "id": item_id})
    _keep(draft, content, by=by, at=at)
    return item_id


def _next_id(draft: BankDraft, content: Content) -> str:
    own = draft.organisation_id is not None
    # Other letters than the instance's bank: what somebody was asked is known by the number.
    letters = f"o{draft.field.value[:2]}" if own else draft.field.value[:3]
    taken = [
        int(str(item.get("id"))[4:])
        for item in [*content["items"], *content["retired"]]
        if str(item.get("id")).startswith(f"{letters}-") and str(item.get("id"))[4:].isdecimal()
    ]
    number = max([*taken, 0 if own else OWN_FROM - 1]) + 1
    return f"{letters}-{number:03}"


def _put(content: Content, item: Content) -> None:
    for where in ("items", "retired"):
        content[where] = [
            item if before.get("id") == item["id"] else before for before in content[where]
        ]


def _move(
    session: Session,
    draft: BankDraft,
    item_id: str,
    way: tuple[str, str],
    *,
    by: int,
    at: datetime,
) -> bool:
    content, (start, end) = content_of(draft), way
    item = item_of(content, item_id)
    if any(one.get("id") == item_id for one in content[end]):
        return False  # the second click
    content[start] = [one for one in content[start] if one.get("id") != item_id]
    # A core item that returns may have been replaced.
    core = None if end == "items" and _has_core(content, item) else item.get("core")
    content[end] = [*content[end], {**item, "core": core}]
    _keep(draft, content, by=by, at=at)
    what = "item_retired" if end == "retired" else "item_restored"
    _record(session, draft, what, by=by, item=item_id)
    return True


def _has_core(content: Content, item: Any) -> bool:
    core, competency = (
        (item.core, item.competency)
        if isinstance(item, Item)
        else (item.get("core"), item.get("competency"))
    )
    return core is not None and any(
        one.get("core") == core and one.get("competency") == competency for one in content["items"]
    )


def _keep(draft: BankDraft, content: Content, *, by: int, at: datetime) -> None:
    draft.content = written(content)
    draft.revision += 1
    draft.edited_by, draft.edited_at = by, at


def _record(session: Session, draft: BankDraft, what: str, *, by: int, **details: Any) -> None:
    audit.record(
        session, f"item_bank.{what}", by=by, subject=f"item_bank:{draft.id}", details=details
    )
