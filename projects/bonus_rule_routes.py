"""The owner's page of bonuses by rule: who would get what, and giving exactly that."""

import hashlib
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlmodel import col, select
from wtforms import Form, HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from core import formats, once
from core.access import recently_signed_in, require, requires
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from core.form_parts import WholeNumberField
from core.web import Problems, page_of, read
from experts.forms import stripped
from experts.models import Expert
from payouts import bonus_rules, bonuses, budgets
from payouts.bonus_rules import Plan, Rule
from payouts.forms import amount_of
from projects.models import Project, id_of

bp = Blueprint("bonus_rules", __name__)


class RuleForm(Form):  # type: ignore[misc]
    """Who gets a bonus, and how much; asked for by GET, since it only shows."""

    tasks = WholeNumberField(
        _l("At least so many accepted tasks"),
        [
            InputRequired(_l("Say how many.")),
            NumberRange(1, 100_000, _l("Write a number from 1 on.")),
        ],
    )
    agreement = WholeNumberField(
        _l("At least so much agreement with others, in percent"),
        [Optional(), NumberRange(1, 100, _l("Write a number from 1 to 100."))],
    )
    kind = RadioField(
        _l("What each of them gets"),
        [InputRequired(_l("Choose one."))],
        choices=[
            SelectChoice("each", _l("The same for everybody")),
            SelectChoice("share", _l("A percentage of what each has earned here")),
        ],
    )
    value = StringField(
        _l("Amount or percentage"),
        [InputRequired(_l("Say how much.")), Length(max=40)],
        description=_l("An amount such as 25, or a percentage such as 5."),
        render_kw={"autocomplete": "off", "inputmode": "decimal"},
    )

    def __init__(self, project: Project, **more: Any) -> None:
        super().__init__(**more)
        self.project = project

    def validate_value(self, field: StringField) -> None:
        """Take an amount above zero, or a percentage up to 100."""
        try:
            self.each = self.share_bps = None
            if self.kind.data == "share":
                self.share_bps = _bps(field.data)
            else:
                self.each = amount_of(field.data, self.project.currency)
        except ValueError:
            raise ValidationError(
                _("Write an amount above zero, or a percentage up to 100.")
            ) from None
        if not (self.share_bps or self.each):
            raise ValidationError(_("Write an amount above zero, or a percentage up to 100."))

    @property
    def rule(self) -> Rule:
        """The rule as it was written."""
        return Rule(
            id_of(self.project),
            self.tasks.data or 0,
            self.agreement.data,
            self.each,
            self.share_bps,
        )

    each: Any
    share_bps: int | None


class GiveForm(FlaskForm):  # type: ignore[misc]
    """What the bonus is for, and what the page has shown."""

    words = TextAreaField(
        _l("What the bonus is for"),
        [
            Length(
                min=bonuses.WORDS_AT_LEAST,
                max=1000,
                message=_l("Write 20 to 1,000 characters: the expert reads it."),
            )
        ],
        filters=[stripped],
    )
    shown = HiddenField(validators=[InputRequired(), Length(max=64)])
    key = HiddenField(validators=[InputRequired(), Length(min=16, max=64)])


@bp.get("/projects/<int:project_id>/bonuses/rule")
@requires("budget.fund")
def bonus_rule(project_id: int) -> ResponseReturnValue:
    """Show the rule's form and, once it is filled in, who would get what."""
    return _page(_project(project_id), None)


@bp.post("/projects/<int:project_id>/bonuses/rule")
@requires("budget.fund")
@recently_signed_in
def give_by_rule(project_id: int) -> ResponseReturnValue:
    """Give what the page has shown, once; the rule stands in the address."""
    project = _project(project_id)
    asked = _asked(project)
    if not asked.validate():
        raise NotFound
    form = read(GiveForm)
    if isinstance(form, Problems):
        return _page(project, form.form), 422
    rule, number = asked.rule, _round(asked.rule)
    session = db_session()
    given = bonus_rules.already(session, rule, form.key.data)
    if given is None:
        plan = bonus_rules.plan(session, rule, number, fee_bps=project.fee_bps, by=current_user.id)
        if _mark(plan) != form.shown.data:
            raise bonus_rules.Changed
        try:
            given = bonus_rules.give(
                session,
                plan,
                form.words.data,
                fee_bps=project.fee_bps,
                key=form.key.data,
                by=current_user,
                at=now(),
            )
        except budgets.OutOfBudget:
            form.words.errors = [_("The budget does not hold these bonuses and the fee on them.")]
            return _page(project, form), 409
    flash(
        ngettext(
            "One expert gets %(amount)s, and has a letter with your words.",
            "%(num)s experts get %(amount)s together, and have letters with your words.",
            given.people,
            amount=formats.money(given.pay),
        ),
        "success",
    )
    return redirect(url_for("bonuses.project_bonuses", project_id=project_id))


def _project(project_id: int) -> Project:
    project = find(Project, project_id)
    require("budget.fund", project)
    return project


def _asked(project: Project) -> RuleForm:
    return RuleForm(project, formdata=request.args if "tasks" in request.args else None)


def _round(rule: Rule) -> int:
    """Read which round is meant: the newest, or the number in the address."""
    newest = max(1, bonus_rules.last_round(db_session(), rule))
    return request.args.get("round", newest, type=int)


def _page(project: Project, give: GiveForm | None) -> str:
    session = db_session()
    asked = _asked(project)
    plan = None
    if "tasks" in request.args and asked.validate():
        number = _round(asked.rule)
        plan = bonus_rules.plan(
            session, asked.rule, number, fee_bps=project.fee_bps, by=current_user.id
        )
    ids = [line.expert_id for line in plan.lines] if plan else []
    found = session.exec(select(Expert).where(col(Expert.user_id).in_(ids)))
    return render_template(
        "projects/bonus_rule.html",
        project=project,
        asked=asked,
        plan=plan,
        give=give
        or GiveForm(
            formdata=None, data={"key": once.new_key(), "shown": _mark(plan) if plan else ""}
        ),
        again={**request.args.to_dict(), "round": plan.round} if plan else {},
        last=bonus_rules.last_round(session, plan.rule) if plan else 0,
        names={one.user_id: one.pseudonym for one in found},
        available=budgets.available(session, id_of(project)),
        givings=page_of(bonus_rules.givings(id_of(project)), per=10),
    )


def _mark(plan: Plan) -> str:
    """Return the fingerprint of what a page shows, of one length whoever is in it."""
    return hashlib.sha256(bonus_rules.fingerprint(plan).encode()).hexdigest()[:32]


def _bps(typed: str) -> int:
    """Read a percentage with at most two digits after the point, as hundredths of a percent."""
    plain = "".join(typed.split()).rstrip("%").replace(",", ".")
    try:
        exact = Decimal(plain) * 100
    except InvalidOperation:
        raise ValueError(typed) from None
    if not (exact.is_finite() and exact == exact.to_integral_value() and 0 < exact <= 10_000):
        raise ValueError(typed)
    return int(exact)
