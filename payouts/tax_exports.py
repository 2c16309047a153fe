"""What operators report of a year: a file for DAC7 and one for forms 1099-NEC, line by line.

The figures are those of `totals.py`; the people those of the newest tax details. Whoever has none,
or not all, stands in the file and is marked, so that nobody is left out unseen.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlmodel import Session, col, select

from core.money import Money
from experts.models import Expert
from payouts import csv_lines, tax, tax_numbers, totals
from payouts.models import Payee
from payouts.tax import Details, Residence
from payouts.tax_models import TaxProfile
from payouts.totals import Year

AT_ONCE = 200
COUNTRIES = 3
PERSON = (
    "expert",
    "currency",
    "reportable",
    "first_name",
    "last_name",
    "birth_date",
    "birth_place",
    "street",
    "postal_code",
    "city",
    "region",
    "country",
)
RESIDENCE = ("residence_{n}", "tin_{n}", "no_tin_because_{n}")
QUARTER = (
    "q{n}_consideration",
    "q{n}_fees_charged_to_owners",
    "q{n}_fees_withheld",
    "q{n}_taxes_withheld",
    "q{n}_activities",
)
DAC7 = (
    *PERSON,
    *(name.format(n=n) for n in range(1, COUNTRIES + 1) for name in RESIDENCE),
    "vat_number",
    "financial_account",
    *(name.format(n=n) for n in range(1, 5) for name in QUARTER),
    "year_consideration",
    "year_activities",
    "details_complete",
    "details_version",
    "year_sent",
    "year_came_back",
)
NEC = (
    "expert",
    "currency",
    "recipient_tin",
    "tin_kind",
    "recipient_name",
    "street",
    "city",
    "state",
    "zip",
    "country",
    "box_1_nonemployee_compensation",
    "box_4_federal_income_tax_withheld",
    "box_5_state_tax_withheld",
    "box_7_state_income",
    "threshold",
    "form_due",
    "w9_on_file",
    "sent",
    "came_back",
    "came_back_of_earlier_years",
    "to_correct_in_earlier_years",
)
Found = tuple[Year, Expert | None, Payee | None, TaxProfile | None]


def dac7(session: Session, year: int) -> Iterator[str]:
    """Write a line for each expert and currency with something credited in a year."""
    yield csv_lines.line(*DAC7)
    for found, expert, payee, profile in _with_people(session, totals.of_year(session, year)):
        if found.whole.credited:
            details = tax.opened(profile)
            yield csv_lines.line(
                _name(found, expert),
                found.currency.upper(),
                _is_reportable(details),
                *_person(details),
                *_residences(details),
                details.vat_number,
                f"Stripe, ending {payee.bank_last4}" if payee and payee.bank_last4 else "",
                *(cell for one in found.quarters for cell in _quarter(one)),
                _plain(found.whole.credited),
                str(found.whole.activities),
                _yes(profile is not None and profile.is_complete),
                str(profile.version) if profile else "",
                _plain(found.whole.sent),
                _plain(found.whole.returned),
            )


def nec(session: Session, year: int, threshold: Money) -> Iterator[str]:
    """Write a line for each US person or account in the US with something paid in a year."""
    yield csv_lines.line(*NEC)
    for found, expert, payee, profile in _with_people(session, totals.of_year(session, year)):
        details = tax.opened(profile)
        if not (found.whole.sent or found.whole.returned) or not _is_american(details, payee):
            continue
        none = Money(0, found.currency)
        # A box is never below nothing: more that came back than left belongs to forms before.
        paid, beyond = max(found.whole.paid, none), max(-found.whole.paid, none)
        nothing = _plain(none)
        in_dollars = found.currency == threshold.currency
        yield csv_lines.line(
            _name(found, expert),
            found.currency.upper(),
            details.us_number,
            details.us_number_kind.upper(),
            details.name,
            details.street,
            details.city,
            details.region,
            details.postal_code,
            details.country,
            _plain(paid),
            nothing,
            nothing,
            _plain(paid),
            _plain(threshold),
            _yes(paid >= threshold) if in_dollars else "convert to USD first",
            _yes(details.statement == tax.W9 and bool(details.us_number)),
            _plain(found.whole.sent),
            _plain(found.whole.returned),
            _plain(found.whole.returned_earlier),
            _plain(beyond),
        )


def threshold(by_year: Mapping[int, int], year: int) -> Money:
    """Return from which amount a form is due for a year: the newest rule that holds by then."""
    holding = [since for since in by_year if since <= year]
    dollars = by_year[max(holding)] if holding else 0
    return Money(dollars * 100, "usd")


def counts(session: Session, year: int) -> dict[str, int]:
    """Count experts with something credited in a year, by how far their details are."""
    found: dict[str, set[int]] = {"complete": set(), "in_part": set(), "none": set()}
    for one, _expert, _payee, profile in _with_people(session, totals.of_year(session, year)):
        if one.whole.credited:
            kind = "none" if profile is None else "complete" if profile.is_complete else "in_part"
            found[kind].add(one.expert_id)
    return {kind: len(ids) for kind, ids in found.items()}


def _with_people(session: Session, years: Iterable[Year]) -> Iterator[Found]:
    waiting = iter(years)
    while some := list(islice(waiting, AT_ONCE)):
        ids = {one.expert_id for one in some}
        experts = _by_id(session, Expert, col(Expert.user_id), ids)
        payees = _by_id(session, Payee, col(Payee.expert_id), ids)
        profiles = _newest(session, ids)
        for one in some:
            who = one.expert_id
            yield one, experts.get(who), payees.get(who), profiles.get(who)


def _by_id(session: Session, kind: Any, key: Any, ids: set[int]) -> dict[int, Any]:
    rows = session.exec(select(kind).where(key.in_(ids)))
    return {getattr(row, key.key): row for row in rows}


def _newest(session: Session, ids: set[int]) -> dict[int, TaxProfile]:
    mine = select(TaxProfile).where(col(TaxProfile.expert_id).in_(ids))
    # Versions come in order, so the last one of a person is what stays.
    return {row.expert_id: row for row in session.exec(mine.order_by(col(TaxProfile.version)))}


def _name(found: Year, expert: Expert | None) -> str:
    return expert.pseudonym if expert else f"number {found.expert_id}"


def _is_reportable(details: Details) -> str:
    """Whether somebody is resident in a member state, as far as they have said where."""
    if not details.residences:
        return "unknown"
    return _yes(any(one.country in tax_numbers.EU for one in details.residences))


def _is_american(details: Details, payee: Payee | None) -> bool:
    said = details.us_person
    return said == "yes" or (not said and payee is not None and payee.country == "US")


def _person(details: Details) -> Iterator[str]:
    for name in ("first_name", "last_name", "born_on", "born_in", "street"):
        yield getattr(details, name)
    yield from (details.postal_code, details.city, details.region, details.country)


def _residences(details: Details) -> Iterator[str]:
    padding = (Residence(""),) * COUNTRIES
    for one in (*details.residences, *padding)[:COUNTRIES]:
        yield from (one.country, one.number, one.no_number)


def _quarter(one: totals.Quarter) -> tuple[str, ...]:
    nothing = _plain(Money(0, one.credited.currency))
    # Owners pay the fee on top, so that nothing is withheld from what an expert is credited.
    return (_plain(one.credited), _plain(one.fees), nothing, nothing, str(one.activities))


def _plain(amount: Money) -> str:
    return str(amount.decimal)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
