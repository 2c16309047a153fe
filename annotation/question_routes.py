"""Questions beside a task, for experts: the list, asking, changing, taking back.

Each address gives a whole page, or with `?part=1` the list alone, which the bench puts in place.
"""

from typing import Any
from uuid import UUID, uuid4

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from annotation import questions
from annotation.models import Assignment
from annotation.question_forms import QuestionForm, WordsForm
from annotation.question_models import About, Question
from core.access import require, requires, takes_json
from core.clock import now
from core.db import db_session, find
from core.web import Problems, page_of, read
from projects.models import Project

bp = Blueprint("questions", __name__)


@bp.get("/work/<int:assignment_id>/questions")
@requires("assignment.see")
def of_assignment(assignment_id: int) -> ResponseReturnValue:
    """Show what was asked and answered, and the form to ask."""
    return _page(_lease(assignment_id, "assignment.see"))


@bp.post("/work/<int:assignment_id>/questions")
@requires("assignment.work")
def ask(assignment_id: int) -> ResponseReturnValue:
    """Ask the owner."""
    lease = _lease(assignment_id, "assignment.work")
    form = read(QuestionForm)
    if isinstance(form, Problems):
        return _page(lease, form.form), 422
    questions.ask(
        db_session(),
        lease,
        about=About(form.about.data),
        words=form.words.data,
        reference=UUID(form.reference.data),
        at=now(),
    )
    return _done(lease, _("Your question is with the owner."))


@bp.post("/work/<int:assignment_id>/questions/seen")
@requires("assignment.work")
@takes_json
def seen(assignment_id: int) -> ResponseReturnValue:
    """Note that the answers are before the person."""
    questions.see(db_session(), _lease(assignment_id, "assignment.work"), at=now())
    return jsonify({})


@bp.post("/questions/<int:question_id>/change")
@requires("assignment.work")
def change(question_id: int) -> ResponseReturnValue:
    """Put a question in other words."""
    question, lease = _own(question_id)
    form = read(WordsForm)
    if isinstance(form, Problems):
        return _page(lease, wrong=(question_id, form.form)), 422
    questions.change(db_session(), question, form.words.data, at=now())
    return _done(lease, _("Your question is changed."))


@bp.post("/questions/<int:question_id>/take-back")
@requires("assignment.work")
def take_back(question_id: int) -> ResponseReturnValue:
    """Take a question back."""
    question, lease = _own(question_id)
    questions.take_back(db_session(), question)
    db_session().flush()  # the list below shows it no more
    return _done(lease, _("Your question is taken back."))


def _lease(assignment_id: int, permission: str) -> Assignment:
    lease = find(Assignment, assignment_id)
    require(permission, lease)
    return lease


def _own(question_id: int) -> tuple[Question, Assignment]:
    question = questions.held(db_session(), question_id)
    require("assignment.work", question)
    return question, find(Assignment, question.assignment_id)


def _done(lease: Assignment, words: str) -> ResponseReturnValue:
    if "part" in request.args:
        return _page(lease, said=words)
    flash(words, "success")
    return redirect(url_for(".of_assignment", assignment_id=lease.id))


def _page(
    lease: Assignment,
    form: FlaskForm | None = None,
    *,
    wrong: tuple[int, FlaskForm] | None = None,
    said: str = "",
) -> str:
    name = "_questions" if "part" in request.args else "questions"
    return render_template(
        f"annotation/{name}.html", **context(lease, form, wrong=wrong, said=said)
    )


def context(
    lease: Assignment,
    form: FlaskForm | None = None,
    *,
    wrong: tuple[int, FlaskForm] | None = None,
    said: str = "",
) -> dict[str, Any]:
    """Return what the list of questions shows; the bench includes it too."""
    session, at = db_session(), now()
    return {
        "lease": lease,
        "project": find(Project, lease.project_id),
        "beside": questions.beside(session, lease),
        "listing": page_of(questions.of_project(lease), per=10),
        "form": form or QuestionForm(formdata=None, reference=str(uuid4())),
        "wrong": wrong,
        "said": said,
        "newest": questions.newest(session, lease),
        "may_change": lambda one: questions.may_change(one, at),
        "changed_form": lambda one: _changed_form(one, wrong),
    }


def _changed_form(question: Question, wrong: tuple[int, FlaskForm] | None) -> FlaskForm:
    mine = wrong is not None and wrong[0] == question.id
    form = (
        wrong[1] if wrong is not None and mine else WordsForm(formdata=None, words=question.words)
    )
    form.words.id = f"words-{question.id}"
    form.words.label.field_id = form.words.id
    return form
