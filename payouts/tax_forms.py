"""The form of tax details. Nothing in it is required to save: what is missing is said beside it."""

from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    Form,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, Regexp, ValidationError

from core import formats
from core.clock import now
from experts import places
from payouts import tax, tax_numbers, tax_words
from payouts.tax import Details, Residence

COUNTRIES_AT_MOST = 3
SHORT = Length(max=100, message=_l("Write at most 100 characters."))
OLDEST = date(1900, 1, 1)


class ResidenceForm(Form):  # type: ignore[misc]
    """One country of residence for tax, with the number there."""

    country = SelectField(_l("Country"), validate_choice=False)
    number = StringField(
        _l("Tax number there"),
        [Length(max=40, message=_l("Write at most 40 characters."))],
    )
    no_number = SelectField(_l("Or why there is none"), validate_choice=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.country.choices = _countries()
        self.no_number.choices = [
            SelectChoice("", _("There is one")),
            *(SelectChoice(code, words) for code, words in tax_words.NO_NUMBER.items()),
        ]


class TaxForm(FlaskForm):  # type: ignore[misc]
    """What an expert states for tax."""

    first_name = StringField(_l("First names"), [SHORT])
    last_name = StringField(_l("Last name"), [SHORT])
    born_on = DateField(_l("Date of birth"), [Optional()])
    born_in = StringField(_l("Place of birth"), [SHORT])
    street = StringField(_l("Street and number"), [SHORT])
    postal_code = StringField(
        _l("Postal code"), [Length(max=20, message=_l("Write at most 20 characters."))]
    )
    city = StringField(_l("Town"), [SHORT])
    region = StringField(_l("State or region"), [SHORT])
    country = SelectField(_l("Country of your address"), validate_choice=False)
    residence_1 = FormField(ResidenceForm, _l("Country of residence for tax"))
    residence_2 = FormField(ResidenceForm, _l("A second country"))
    residence_3 = FormField(ResidenceForm, _l("A third country"))
    vat_number = StringField(
        _l("VAT number"), [Length(max=20, message=_l("Write at most 20 characters."))]
    )
    us_person = RadioField(
        _l("Are you a US person for tax?"),
        [Optional()],
        choices=[SelectChoice("no", _l("No")), SelectChoice("yes", _l("Yes"))],
        validate_choice=False,
    )
    us_number_kind = SelectField(_l("Kind of US number"), validate_choice=False)
    w9 = BooleanField(_l("I certify this under penalties of perjury (form W-9)"))
    w8 = BooleanField(_l("I certify this under penalties of perjury (form W-8)"))
    sure = BooleanField(_l("My numbers are right as they stand"))
    seen = HiddenField(validators=[InputRequired(), Regexp("^[0-9]{1,6}$")])

    def __init__(self, before: Details, **more: Any) -> None:
        super().__init__(**more)
        self.before = before
        self.country.choices = _countries()
        self.us_number_kind.choices = [
            SelectChoice("", _("Choose")),
            *(SelectChoice(code, words) for code, words in tax_words.US_NUMBERS.items()),
        ]

    def validate_born_on(self, field: DateField) -> None:
        """Take a day of the past."""
        if field.data and not OLDEST <= field.data < now().date():
            raise ValidationError(_("Choose the day when you were born."))

    @property
    def residences(self) -> tuple[Any, ...]:
        """The forms of the countries."""
        return (self.residence_1, self.residence_2, self.residence_3)

    def details(self, at: datetime) -> Details:
        """Return what was stated; a number that was left empty stays as it was."""
        kept = {one.country: one for one in self.before.residences}
        residences: dict[str, Residence] = {}
        for form in (one.form for one in self.residences):
            code = _code(form.country.data)
            if code:
                found = _residence(code, form, kept.get(code))
                residences.setdefault(code, found)
        us_person = self.us_person.data if self.us_person.data in ("yes", "no") else ""
        statement = self._statement(us_person)
        kind = self.us_number_kind.data
        made = Details(
            first_name=_text(self.first_name),
            last_name=_text(self.last_name),
            born_on=self.born_on.data.isoformat() if self.born_on.data else "",
            born_in=_text(self.born_in),
            street=_text(self.street),
            postal_code=_text(self.postal_code),
            city=_text(self.city),
            region=_text(self.region),
            country=_code(self.country.data),
            residences=tuple(residences.values()),
            vat_number=self._vat(),
            us_person=us_person,
            us_number_kind=kind if us_person == "yes" and kind in tax_words.US_NUMBERS else "",
            statement=statement,
            stated_at=at.isoformat() if statement else "",
            kept_though_odd=self.before.kept_though_odd,
        )
        odd = tuple(number for _country, number in tax.odd_numbers(made))
        if not (self.sure.data and odd):
            return made
        every = tuple(dict.fromkeys((*made.kept_though_odd, *odd)))
        return Details(**{**vars(made), "kept_though_odd": every})

    def _statement(self, us_person: str) -> str:
        if us_person == "yes" and self.w9.data:
            return tax.W9
        return tax.W8 if us_person == "no" and self.w8.data else ""

    def _vat(self) -> str:
        typed = _text(self.vat_number)
        if typed == "-":  # the way to take it away
            return ""
        return tax_numbers.plain(typed) or self.before.vat_number


def filled(before: Details, seen: int) -> TaxForm:
    """Return the form with what is known; numbers are not written into it."""
    values: dict[str, Any] = {
        name: getattr(before, name)
        for name in (
            "first_name",
            "last_name",
            "born_in",
            "street",
            "postal_code",
            "city",
            "region",
        )
    }
    values |= {
        "country": before.country,
        "born_on": tax.born(before),
        "us_person": before.us_person or None,
        "us_number_kind": before.us_number_kind,
        "w9": before.statement == tax.W9,
        "w8": before.statement == tax.W8,
        "seen": str(seen),
    }
    for number, one in enumerate(before.residences[:COUNTRIES_AT_MOST], start=1):
        values[f"residence_{number}"] = {"country": one.country, "no_number": one.no_number}
    return TaxForm(before, formdata=None, data=values)


def _residence(code: str, form: Any, kept: Residence | None) -> Residence:
    number = tax_numbers.plain(form.number.data or "")
    why = form.no_number.data if form.no_number.data in tax_words.NO_NUMBER else ""
    if number:
        return Residence(code, number)
    if why:
        return Residence(code, "", why)
    return Residence(code, kept.number if kept else "")


def _text(field: StringField) -> str:
    return " ".join((field.data or "").split())


def _code(typed: str | None) -> str:
    known = {code for code, _name in places.countries(formats.locale())}
    return typed if typed in known else ""


def _countries() -> list[SelectChoice]:
    known = places.countries(formats.locale())
    return [SelectChoice("", _("Choose")), *(SelectChoice(code, name) for code, name in known)]
