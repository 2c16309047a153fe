"""Questions of experts, for owners: what waits, the answers, what is hidden."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm

from annotation import question_hiding, questions, shown
from annotation.forms import numbered
from annotation.label_config import parse
from annotation.models import Task
from annotation.question_forms import AnswerForm, HideForm
from annotation.question_models import AnswerFor, Question
from core.access import require, requires
from core.clock import now
from core.db import db_session, find
from core.web import Problems, page_of, read
from projects.models import Project

bp = Blueprint("questions_owner", __name__)
LISTS = ("waiting", "answered", "hidden")


@bp.get("/projects/<int:project_id>/questions")
@requires("project.see")
def of_project(project_id: int) -> ResponseReturnValue:
    """Show the questions of a project, those that wait first."""
    project = find(Project, project_id)
    require("project.see", project)
    return _page(project)


@bp.post("/questions/<int:question_id>/answer")
@requires("project.manage")
def answer(question_id: int) -> ResponseReturnValue:
    """Answer a question."""
    question, project = _held(question_id)
    form = read(AnswerForm)
    if isinstance(form, Problems):
        return _page(project, wrong=form.form, about=question_id), 422
    answer_for = AnswerFor(form.answer_for.data)
    words, at = form.answer.data, now()
    questions.answer(db_session(), question, words, answer_for=answer_for, by=current_user, at=at)
    flash(_("Your answer is sent. You can correct it for 15 minutes."), "success")
    return redirect(url_for(".of_project", project_id=project.id))


@bp.post("/questions/<int:question_id>/correct")
@requires("project.manage")
def correct(question_id: int) -> ResponseReturnValue:
    """Correct an answer shortly after it was given."""
    question, project = _held(question_id)
    form = read(AnswerForm)
    if isinstance(form, Problems):
        return _page(project, "answered", wrong=form.form, about=question_id), 422
    answer_for = AnswerFor(form.answer_for.data)
    words, at = form.answer.data, now()
    questions.change_answer(
        db_session(), question, words, answer_for=answer_for, by=current_user, at=at
    )
    flash(_("Your answer is corrected."), "success")
    return redirect(url_for(".of_project", project_id=project.id, which="answered"))


@bp.post("/questions/<int:question_id>/hide")
@requires("project.manage")
def hide(question_id: int) -> ResponseReturnValue:
    """Keep a question from the other experts."""
    question, project = _held(question_id)
    form = read(HideForm)
    if isinstance(form, Problems):
        return _page(project, _list_of(question), wrong=form.form, about=question_id), 422
    question_hiding.hide(db_session(), question, form.reason.data, by=current_user, at=now())
    flash(
        _("Hidden from the other experts. Whoever asked reads your reason and may contest it."),
        "success",
    )
    return redirect(url_for(".of_project", project_id=project.id, which="hidden"))


@bp.post("/questions/<int:question_id>/show")
@requires("project.manage")
def show(question_id: int) -> ResponseReturnValue:
    """Undo the hiding."""
    question, project = _held(question_id)
    question_hiding.show(db_session(), question, by=current_user)
    flash(_("No longer hidden."), "success")
    return redirect(url_for(".of_project", project_id=project.id, which=_list_of(question)))


def _held(question_id: int) -> tuple[Question, Project]:
    question = questions.held(db_session(), question_id)
    project = find(Project, question.project_id)
    require("project.manage", project)
    return question, project


def _list_of(question: Question) -> str:
    if question.hidden_at is not None:
        return "hidden"
    return "waiting" if question.answered_at is None else "answered"


def _page(
    project: Project,
    which: str | None = None,
    *,
    wrong: FlaskForm | None = None,
    about: int | None = None,
) -> str:
    """Render a list; with a form that is wrong in the place of the question that it is about."""
    which = which or request.args.get("which", "waiting")
    which = which if which in LISTS else "waiting"
    listing = page_of(questions.listed(project, which), per=10, scalars=False)
    config, at = parse(project.label_config), now()
    waiting, _since = questions.count_waiting(db_session(), project.id or 0)

    def form_of(kind: type[FlaskForm], question: Question) -> FlaskForm:
        if question.id == about and isinstance(wrong, kind):
            return numbered(wrong, question.id or 0)
        given = question if question.answer is not None else None
        return numbered(kind(formdata=None, obj=given), question.id or 0)

    def begins_with(task: Task) -> Any:
        return shown.text_of(config, task.data)[:300]

    return render_template(
        "annotation/project_questions.html",
        project=project,
        which=which,
        listing=listing,
        waiting=waiting,
        begins_with=begins_with,
        answer_form=lambda question: form_of(AnswerForm, question),
        hide_form=lambda question: form_of(HideForm, question),
        may_correct=lambda question: questions.may_change_answer(question, at),
        failed=wrong is not None,
        about=about,
        wrong=wrong,
    )
