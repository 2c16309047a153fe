"""What pages say of tax details: what is missing, and the statements that people agree to."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core import formats
from experts import places
from payouts import tax_numbers
from payouts.tax import Details

MISSING = {
    "first_name": _l("your first name"),
    "last_name": _l("your last name"),
    "born_on": _l("your date of birth"),
    "born_in": _l("your place of birth, since no country has given you a number"),
    "street": _l("your street and number"),
    "city": _l("your town"),
    "country": _l("the country of your address"),
    "residence": _l("a country where you are resident for tax"),
    "number": _l("a tax number, or the reason why there is none, for each country"),
    "us_person": _l("whether you are a US person for tax"),
    "us_number": _l("your US tax number: add the United States as a country of residence"),
    "w9": _l("the statement of form W-9"),
    "w8": _l("the statement that you are not a US person (form W-8)"),
}
NO_NUMBER = {
    "not_issued": _l("The country gives out none"),
    "applied": _l("Asked for, not there yet"),
    "not_required": _l("I need not have one there"),
}
US_NUMBERS = {
    "ssn": _l("Social security number (SSN)"),
    "ein": _l("Employer identification number (EIN)"),
    "itin": _l("Individual taxpayer number (ITIN)"),
}


def missing(names: list[str]) -> list[str]:
    """Say what is missing."""
    return [str(MISSING[name]) for name in names]


def country(code: str) -> str:
    """Say the name of a country."""
    return places.country_name(code, formats.locale())


def residences(details: Details, *, masked: bool = True) -> list[tuple[str, str]]:
    """Say each country and the number there, masked or in full, or why there is none."""
    return [
        (
            country(one.country),
            (tax_numbers.masked(one.number) if masked else one.number)
            or str(NO_NUMBER.get(one.no_number, _("missing"))),
        )
        for one in details.residences
    ]


def odd(found: list[tuple[str, str]]) -> str:
    """Say which numbers cannot be right."""
    names = [_("VAT") if code == "vat" else country(code) for code, _number in found]
    return str(
        _(
            "This number does not look like one of %(places)s. Compare it with a letter of your "
            "tax office. If it is right as it stands, tick the box at the end and save again.",
            places=", ".join(names),
        )
    )
