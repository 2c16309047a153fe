"""Tax details, valid by default: a person in France, whose number has the right check digits."""

from datetime import timedelta
from typing import Any

from sqlmodel import Session

from core.clock import now
from payouts import tax
from payouts.tax import Details, Residence
from payouts.tax_models import TaxProfile, TaxRequest

FRENCH = "3023217600053"


def make_details(**changes: Any) -> Details:
    """Return details to which nothing lacks."""
    values: dict[str, Any] = {
        "first_name": "Ada",
        "last_name": "Martin",
        "born_on": "1980-05-04",
        "street": "3 rue des Lilas",
        "postal_code": "69001",
        "city": "Lyon",
        "country": "FR",
        "residences": (Residence("FR", FRENCH),),
        "us_person": "no",
    }
    return Details(**(values | changes))


def make_tax_profile(session: Session, expert_id: int, **changes: Any) -> TaxProfile:
    """Save details of an expert."""
    known = tax.current(session, expert_id)
    seen = known.version if known else 0
    details = make_details(**changes)
    return tax.save(session, expert_id, details, seen=seen, wants_w8=False, at=now())


def make_tax_request(session: Session, expert_id: int, **changes: Any) -> TaxRequest:
    """Make a request for details, as if it had just been sent."""
    at = now()
    values: dict[str, Any] = {
        "currency": "eur",
        "credited_minor": 60_000,
        "asked_at": at,
        "remind_at": at + timedelta(days=20),
        "remind_again_at": at + timedelta(days=40),
        "hold_from": at + timedelta(days=60),
    }
    row = TaxRequest(expert_id=expert_id, **(values | changes))
    session.add(row)
    session.flush()
    return row
