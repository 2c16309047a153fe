"""What experts state for tax: versions that are only added, encrypted, shown masked.

The newest version counts. Whoever else reads one is in the audit trail (`tax_routes.py`).
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from core import audit, cipher
from core.cipher import CannotBeRead
from core.errors import Conflict
from payouts import payees, tax_numbers
from payouts.tax_models import TaxProfile

PURPOSE = "tax-details"
W9, W8 = "w9-2024", "w8-foreign-2021"  # the edition of the form whose statement was agreed to


class ChangedMeanwhile(Conflict):
    """Your tax details were changed in another window. Load the page again; nothing was saved."""


@dataclass(frozen=True)
class Residence:
    """A country where somebody is resident for tax, and their number there or why there is none."""

    country: str
    number: str = ""
    no_number: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether there is a number, or a reason."""
        return bool(self.number or self.no_number)


@dataclass(frozen=True)
class Details:
    """What somebody has stated, whole or in part."""

    first_name: str = ""
    last_name: str = ""
    born_on: str = ""
    born_in: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    region: str = ""
    country: str = ""
    residences: tuple[Residence, ...] = ()
    vat_number: str = ""
    us_person: str = ""  # yes, no or not said
    us_number_kind: str = ""  # ssn, ein or itin
    statement: str = ""  # which form's statement was agreed to
    stated_at: str = ""
    kept_though_odd: tuple[str, ...] = field(default=())  # numbers confirmed against our check

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def us_number(self) -> str:
        """The number of a US person."""
        return next((one.number for one in self.residences if one.country == "US"), "")


def missing(details: Details, *, wants_w8: bool = False) -> list[str]:
    """Return what is still needed, by the names that `tax_words.MISSING` knows."""
    asked = ("first_name", "last_name", "born_on", "street", "city", "country")
    lacking = [name for name in asked if not getattr(details, name)]
    if not details.residences:
        lacking.append("residence")
    elif not all(one.is_settled for one in details.residences):
        lacking.append("number")
    elif not any(one.number for one in details.residences) and not details.born_in:
        lacking.append("born_in")
    return lacking + _missing_for_us(details, wants_w8)


def current(session: Session, expert_id: int) -> TaxProfile | None:
    """Return the newest version of an expert's details."""
    found: TaxProfile | None = session.exec(_versions(expert_id).limit(1)).first()
    return found


def history(session: Session, expert_id: int) -> list[TaxProfile]:
    """Return every version, newest first."""
    return list(session.exec(_versions(expert_id)))


def is_complete(session: Session, expert_id: int) -> bool:
    """Whether nothing is missing from an expert's details."""
    found = current(session, expert_id)
    return found is not None and found.is_complete


def opened(profile: TaxProfile | None) -> Details:
    """Return what was stated; nothing when there is none or it was written with another key."""
    if profile is None:
        return Details()
    try:
        kept = json.loads(cipher.decrypt(PURPOSE, profile.sealed))
    except CannotBeRead:
        return Details()
    residences = tuple(Residence(**one) for one in kept.pop("residences"))
    odd = tuple(kept.pop("kept_though_odd"))
    return Details(residences=residences, kept_though_odd=odd, **kept)


def readable(sealed: str) -> Any:
    """Return what was sealed, for the copy that a person gets of their own data."""
    try:
        return json.loads(cipher.decrypt(PURPOSE, sealed))
    except CannotBeRead:
        return None


def save(
    session: Session,
    expert_id: int,
    details: Details,
    *,
    seen: int,
    wants_w8: bool,
    at: datetime,
) -> TaxProfile:
    """Add a version; the same details again add none. `seen` is the version that was changed."""
    payees.locked(session, expert_id, at=at)  # one change at a time
    known = current(session, expert_id)
    before = opened(known)
    changed = _changed(before, details)
    if known is not None and not changed:
        return known
    if (known.version if known else 0) != seen:
        raise ChangedMeanwhile
    version = seen + 1
    made = TaxProfile(
        expert_id=expert_id,
        version=version,
        saved_at=at,
        residences=sorted({one.country for one in details.residences}),
        is_us_person=details.us_person == "yes",
        is_complete=not missing(details, wants_w8=wants_w8),
        sealed=cipher.encrypt(PURPOSE, json.dumps(asdict(details))),
    )
    session.add(made)
    session.flush()  # the database refuses a second version of this number
    audit.record(
        session,
        "tax.saved",
        by=expert_id,
        subject=f"expert:{expert_id}",
        details={"version": version, "changed": changed},  # which, never what
    )
    return made


def odd_numbers(details: Details) -> list[tuple[str, str]]:
    """Return country and number of each that cannot be right, unless it was confirmed; VAT too."""
    odd = [
        (one.country, one.number)
        for one in details.residences
        if one.number and tax_numbers.looks_wrong(one.country, one.number)
    ]
    if details.vat_number and tax_numbers.vat_looks_wrong(details.vat_number):
        odd.append(("vat", details.vat_number))
    return [one for one in odd if one[1] not in details.kept_though_odd]


def born(details: Details) -> date | None:
    """Return the date of birth."""
    return date.fromisoformat(details.born_on) if details.born_on else None


def _missing_for_us(details: Details, wants_w8: bool) -> list[str]:
    if details.us_person == "yes":
        lacking = [] if details.us_number else ["us_number"]
        return lacking if details.statement == W9 else [*lacking, "w9"]
    if not details.us_person:
        return ["us_person"]
    return ["w8"] if wants_w8 and details.statement != W8 else []


def _changed(before: Details, after: Details) -> list[str]:
    old, new = asdict(before), asdict(after)
    # Agreeing again to what was agreed to is no change.
    if old["statement"] == new["statement"]:
        old.pop("stated_at"), new.pop("stated_at")
    return sorted(name for name in new if new[name] != old[name])


def _versions(expert_id: int) -> Any:
    return (
        select(TaxProfile)
        .where(TaxProfile.expert_id == expert_id)
        .order_by(col(TaxProfile.version).desc())
    )
