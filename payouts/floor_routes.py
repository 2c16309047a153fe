"""The operator's page of floors of pay: what counts today, what comes, who wrote what and when."""

from decimal import Decimal
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlmodel import col, select
from wtforms import DateField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, ValidationError

from accounts.models import User
from core import formats, once
from core.access import recently_signed_in, requires
from core.clock import now
from core.db import db_session
from core.money import Money
from core.web import Problems, page_of, read
from experts import places
from payouts import floors, policy
from payouts.blueprint import bp
from payouts.floor_models import PayFloor
from payouts.forms import amount_of


class FloorForm(FlaskForm):  # type: ignore[misc]
    """The least pay by the hour in a country, and from when on."""

    country = SelectField(_l("Country"), [InputRequired(_l("Choose one."))])
    currency = SelectField(
        _l("Currency"),
        [InputRequired(_l("Choose one."))],
        choices=[SelectChoice(code, code.upper()) for code in policy.CURRENCIES],
    )
    amount = StringField(
        _l("Least pay by the hour"), [InputRequired(_l("Say how much.")), Length(max=40)]
    )
    since = DateField(_l("From this day on"), [InputRequired(_l("Choose a day."))])
    words = TextAreaField(
        _l("Why"),
        [Length(min=floors.WORDS_AT_LEAST, max=1000, message=_l("Write 10 to 1,000 characters."))],
    )
    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        known = places.countries(formats.locale())
        self.country.choices = [
            SelectChoice("", _("Choose")),
            *(SelectChoice(code, name) for code, name in known),
        ]

    def validate_amount(self, field: StringField) -> None:
        """Take an amount of nothing or more, in the currency that is chosen."""
        code = self.currency.data
        if code not in policy.CURRENCIES:
            return  # said at the currency
        try:
            self.hourly = amount_of(field.data, code)
        except ValueError:
            example = formats.number(Decimal("12.02"), 2)
            raise ValidationError(
                _("Write an amount such as %(example)s.", example=example)
            ) from None
        if self.hourly > policy.most_deposit(code):
            raise ValidationError(_("This is too much for an hour."))

    def validate_since(self, field: DateField) -> None:
        """Take a day that is not over."""
        if field.data is not None and field.data < floors.today(now()):
            raise ValidationError(_("Choose today or a later day."))

    hourly: Money


@bp.get("/operator/money/floors")
@requires("money.see")
def floors_list() -> ResponseReturnValue:
    """Show the floors of today, those to come, and every change."""
    form = FloorForm(
        formdata=None, data={"key": once.new_key(), "since": floors.today(now()), "currency": "eur"}
    )
    return _page(form)


@bp.post("/operator/money/floors")
@requires("money.see")
@recently_signed_in
def write_floor() -> ResponseReturnValue:
    """Write a floor; the same form sent twice writes one."""
    form = read(FloorForm)
    if isinstance(form, Problems):
        return _page(form.form), 422
    asked = floors.Change(form.country.data, form.hourly, form.since.data, form.words.data)
    floors.write(db_session(), asked, key=form.key.data, by=current_user, at=now())
    flash(_("Written. It counts from the day that you chose."), "success")
    return redirect(url_for(".floors_list"))


def _page(form: FloorForm) -> str:
    session = db_session()
    history = page_of(select(PayFloor).order_by(col(PayFloor.id).desc()))
    ids = {row.written_by for row in history.rows}
    people = session.exec(select(User).where(col(User.id).in_(ids)))
    return render_template(
        "payouts/floors.html",
        standing=floors.standing(session, now()),
        to_come=floors.to_come(session, now()),
        history=history,
        names={one.id: one.name or one.email for one in people},
        form=form,
    )
