"""Publishing a bank: what changes, whether it is whole, and the version that new interviews use.

Interviews under way go on with the bank that they began with.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from core import audit
from core.errors import Conflict, Invalid
from interviews import bank_check, bank_drafts, bank_withdrawals, banks, editions
from interviews.bank_check import Content
from interviews.bank_models import BankDraft, BankPublication
from interviews.items import Bank, Rule

NOTE_AT_MOST = 2000


class NotWhole(Conflict):
    """This bank cannot be published yet. The page says what has to be put right."""


class NothingNew(Conflict):
    """Nothing has changed since the last version."""


class SayWhat(Invalid):
    """Say in a sentence what has changed and why, in at most 2,000 characters."""


@dataclass(frozen=True)
class Difference:
    """A value that differs: where, what it was, what it is."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Summary:
    """What a version changes."""

    added: list[str]
    changed: dict[str, list[Difference]]
    retired: list[str]
    returned: list[str]
    rules: list[Difference]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes at all."""
        return not (self.added or self.changed or self.retired or self.returned or self.rules)

    @property
    def changes_rule(self) -> bool:
        """Whether people are decided about by other numbers from then on."""
        return any(one.path.startswith("rule.") for one in self.rules)

    @property
    def kept(self) -> dict[str, Any]:
        """How it is kept with the version."""
        return {
            "added": self.added,
            "changed": list(self.changed),
            "retired": self.retired,
            "returned": self.returned,
            "rules": [one.path for one in self.rules],
        }


def summary(before: Content | None, after: Content) -> Summary:
    """Return what differs between two contents of a bank."""
    old = {item.get("id"): item for item in (before or {}).get("items", [])}
    gone = {item.get("id") for item in (before or {}).get("retired", [])}
    new = {item.get("id"): item for item in after["items"]}
    changed = {
        key: differences(old[key], new[key])
        for key in new
        if key in old and bank_drafts.canonical(old[key]) != bank_drafts.canonical(new[key])
    }
    return Summary(
        added=[key for key in new if key not in old and key not in gone],
        changed=changed,
        retired=[key for key in old if key not in new],
        returned=[key for key in new if key in gone],
        rules=_rules(before or {}, after),
    )


def differences(before: Content, after: Content) -> list[Difference]:
    """Return the values that differ, each with its place."""
    old, new = dict(bank_check.leaves(before)), dict(bank_check.leaves(after))
    return [
        Difference(path, old.get(path), new.get(path))
        for path in dict.fromkeys([*old, *new])
        if old.get(path) != new.get(path)
    ]


def content_of(bank: Bank | None) -> Content | None:
    """Return a bank in the form in which it is edited."""
    return bank.model_dump(mode="json") if bank is not None else None


def publish(
    session: Session, draft: BankDraft, note: str, *, revision: int, by: int, at: datetime
) -> BankPublication:
    """Make the bank under work the one that new interviews use; the caller holds its row."""
    said = note.strip()
    if draft.revision != revision:
        again = _sent_again(session, draft, said, revision, by)
        if again is None:
            raise bank_drafts.ChangedMeanwhile
        return again
    if not 1 <= len(said) <= NOTE_AT_MOST:
        raise SayWhat
    content = bank_drafts.content_of(draft)
    if bank_check.of_bank(content):
        raise NotWhole
    now = banks.now_of(session, draft.field, draft.organisation_id)
    found = summary(content_of(now), content)
    if found.is_empty and bank_withdrawals.of(session, draft) is None:
        raise NothingNew
    bank = _next(session, draft, content, now)
    row = BankPublication(
        bank_id=draft.key,
        version=bank.version,
        digest=editions.freeze(session, bank, at),
        note=said,
        summary=found.kept,
        published_by=by,
        published_at=at,
    )
    session.add(row)
    bank_drafts.keep_published(draft, bank, by=by, at=at)
    session.add(draft)
    bank_withdrawals.end(session, draft, by=by, at=at)
    bank_withdrawals.tell_owners(session)
    audit.record(
        session,
        "item_bank.published",
        by=by,
        subject=f"item_bank:{draft.id}",
        details={"version": bank.version, "rule": bank.rule.name, "digest": bank.digest},
    )
    return row


def _sent_again(
    session: Session, draft: BankDraft, said: str, revision: int, by: int
) -> BankPublication | None:
    """Return the version that the same click has made before: publishing is one revision."""
    latest = next(iter(bank_drafts.versions(session, draft)), None)
    same = latest is not None and (latest.published_by, latest.note) == (by, said)
    return latest if same and draft.revision == revision + 1 else None


def _next(session: Session, draft: BankDraft, content: Content, now: Bank | None) -> Bank:
    """Return the bank with its next version, and its rule with the next where that changes."""
    latest = [one.version for one in bank_drafts.versions(session, draft)][:1]
    version = max([*latest, now.version if now else 0]) + 1
    rule = Rule.model_validate(content["rule"])
    number = rule.version
    if now is not None:
        same = _numbers(now.rule) == _numbers(rule)
        number = now.rule.version if same else max(now.rule.version, rule.version) + 1
    changed = rule.model_dump(mode="json") | {"version": number}
    return Bank.model_validate({**content, "version": version, "rule": changed})


def _numbers(rule: Rule) -> dict[str, Any]:
    return rule.model_dump(exclude={"version"})


def _rules(before: Content, after: Content) -> list[Difference]:
    names = bank_drafts.RULES
    found = differences(
        {name: before.get(name) for name in names}, {name: after.get(name) for name in names}
    )
    # A version is given, nobody writes it.
    return [one for one in found if one.path != "rule.version"]
