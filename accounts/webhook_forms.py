"""What people send about webhooks."""

from datetime import UTC, datetime

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    SubmitField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from accounts.forms import one_line
from accounts.models import DeliveryState
from accounts.webhooks import Wanted
from core.once import new_key


class WebhookForm(FlaskForm):  # type: ignore[misc]
    """Where to send messages, and about what."""

    once = HiddenField(default=new_key)
    url = StringField(
        _l("Address"),
        description=_l("Begins with https. We do not send into private networks."),
        validators=[DataRequired(_l("Write the address of your server.")), Length(max=2000)],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    name = StringField(_l("Name for your list"), filters=[one_line], validators=[Length(max=80)])
    events = SelectMultipleField(
        _l("Tell of"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        validators=[DataRequired(_l("Choose at least one."))],
    )
    save = SubmitField(_l("Save"))

    def wanted(self) -> Wanted:
        """Return what was sent."""
        return Wanted(self.url.data.strip(), self.events.data, self.name.data or "")


class NewWebhookForm(WebhookForm):
    """A new one, which also says whose it is."""

    organisation = SelectField(_l("Organisation"), coerce=int)


class AgainForm(FlaskForm):  # type: ignore[misc]
    """Which messages to send again."""

    since = DateField(_l("Since"), validators=[DataRequired(_l("Choose a day."))])
    which = SelectField(
        _l("Which"),
        choices=[
            SelectChoice(DeliveryState.FAILED.value, _l("those that were given up")),
            SelectChoice("all", _l("all, also those that arrived")),
        ],
    )
    send = SubmitField(_l("Send again"))

    @property
    def state(self) -> DeliveryState | None:
        """Only these; None for all."""
        return None if self.which.data == "all" else DeliveryState.FAILED

    @property
    def from_when(self) -> datetime:
        """The beginning of the day."""
        day = self.since.data
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
