"""A bare app with our look and nothing behind it, and one page with every part."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask, render_template_string, request
from flask_login import LoginManager, UserMixin
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFProtect
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    EmailField,
    FileField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired
from wtforms.widgets import CheckboxInput, ListWidget

from core import charts, look
from core.clock import now
from core.money import Money
from core.states import STATES

ROOT = Path(__file__).parents[2]
SAMPLES = Path(__file__).parent / "look_samples.html"
NEEDED = [DataRequired()]


class SampleForm(FlaskForm):
    title = StringField("Title", NEEDED, description="Described by the form")
    email = EmailField("E-mail address", NEEDED)
    password = PasswordField("Password", NEEDED)
    brief = TextAreaField("Brief", NEEDED)
    overlap = IntegerField("Experts a task", NEEDED)
    price = DecimalField("Price a task", NEEDED)
    day = DateField("First day", NEEDED)
    field = SelectField(
        "Field", choices=[SelectChoice("law", "Law"), SelectChoice("finance", "Finance")]
    )
    verdict = RadioField(
        "Verdict", NEEDED, choices=[SelectChoice("a", "Accept"), SelectChoice("r", "Reject")]
    )
    languages = SelectMultipleField(
        "Languages",
        NEEDED,
        choices=[SelectChoice("en", "English"), SelectChoice("fr", "French")],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    consent = BooleanField("I agree", NEEDED)
    tasks = FileField("Tasks")
    link = StringField("Link")


class FilterForm(FlaskForm):
    kind = SelectField("Kind", choices=[SelectChoice("", "All"), SelectChoice("law", "Law")])


@dataclass
class Person(UserMixin):
    roles: tuple[str, ...]
    id: str = "1"
    email: str = "k.expert@practice.example"
    name: str = "K. Expert"
    locale: str | None = None
    theme: str | None = None
    changes: list[str] = field(default_factory=list)

    def has_role(self, role: str) -> bool:
        return role in self.roles


@dataclass(frozen=True)
class SamplePage:
    number: int = 2
    pages: int = 5


def make_app(**config: Any) -> Flask:
    """Return the app; `?as=expert,owner` says who asks."""
    app = Flask("app", root_path=str(ROOT))
    app.config.update(SECRET_KEY="look", TESTING=True, **config)
    CSRFProtect(app)
    LoginManager(app).request_loader(_person)
    look.init_app(app)
    app.add_url_rule("/samples", view_func=samples)
    app.add_url_rule("/failed/<int:status>", view_func=failed)
    for place in ("/interviews", "/work", "/invitations", "/earnings", "/profile", "/projects"):
        app.add_url_rule(place, endpoint=place[1:], view_func=_place)
    return app


def samples() -> tuple[str, int]:
    form = SampleForm(meta={"csrf": True})
    form.validate()
    weeks = ["5 Oct", "12 Oct", "19 Oct", "26 Oct", "2 Nov", "9 Nov"]
    paid = charts.Series("Paid", [120.0, 160.5, 90, 200, 240, 0])
    waiting = charts.Series("Waiting", [0, 0, 0, 10, 20, 70])
    plan = charts.Plan(
        "Earned by week", "Earnings by week", "Week of", weeks, [paid, waiting], half=True
    )
    page = render_template_string(
        SAMPLES.read_text("utf-8"),
        form=form,
        other=FilterForm(formdata=None, prefix="other-"),
        all_states=STATES,
        amount=Money(123_450, "eur"),
        deadlines=[
            now() + timedelta(minutes=m) for m in (-90, 12, 130, 900, 60 * 50, 60 * 24 * 20)
        ],
        bars=charts.bars(plan),
        lines=charts.lines(plan),
        page_of_rows=SamplePage(),
    )
    return page, 422


def failed(status: int) -> tuple[str, int]:
    words = None if status >= 500 else "This work already has a verdict."
    page = render_template_string(
        "{% include 'error.html' %}", status=status, words=words, reference="7f3a0914"
    )
    return page, status


def _place() -> str:
    return render_template_string(
        "{% extends 'base.html' %}{% block title %}A place{% endblock %}"
        "{% block content %}<h1>A place</h1>{% endblock %}"
    )


def _person(_request: object) -> Person | None:
    roles = request.args.get("as") or request.cookies.get("as")
    return Person(tuple(roles.split(","))) if roles else None
