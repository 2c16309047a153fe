"""Pages that show an answer in the editor, read-only; they take nothing from anybody.

Who may see an answer: its expert; who may review the project's answers; who may see an appeal
about it. Everybody else is answered as if it were not there.
"""

from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from annotation import answer_view, desk, media_end, media_routes, refusal
from annotation.answer_view import Shown, Viewer
from annotation.media_links import Holder, Link
from annotation.mirror_models import OutsideEdit
from annotation.models import Assignment, Task
from annotation.sample_models import SampleState, WorkSample
from core import audit
from core.access import may, require, requires, signed_in
from core.clock import now
from core.db import db_session, find
from core.errors import NotFound
from experts.models import Expert
from projects import guidelines
from projects.models import Project

bp = Blueprint("answer_view", __name__)
# What of an address goes along, so that people come back to where they came from.
KEPT = ("page", "all", "from")


@dataclass(frozen=True)
class Look:
    """One person's look at one answer."""

    viewer: Viewer
    project: Project
    task: Task
    seen: Shown
    link: Link | None
    number: int
    is_known: bool = False
    more: dict[str, Any] = field(default_factory=dict)


@bp.get("/work/<int:assignment_id>/answer")
@signed_in
def given(assignment_id: int) -> ResponseReturnValue:
    """Show what was handed in with an assignment."""
    return _page(_of_lease(assignment_id))


@bp.get("/work/<int:assignment_id>/answer.json")
@signed_in
def given_json(assignment_id: int) -> ResponseReturnValue:
    """Give the frame what was handed in."""
    return _told(_of_lease(assignment_id))


@bp.get("/edits/<int:edit_id>/answer")
@requires("project.see")
def edited(edit_id: int) -> ResponseReturnValue:
    """Show what somebody left in Label Studio."""
    return _page(_of_edit(edit_id))


@bp.get("/edits/<int:edit_id>/answer.json")
@requires("project.see")
def edited_json(edit_id: int) -> ResponseReturnValue:
    """Give the frame what somebody left in Label Studio."""
    return _told(_of_edit(edit_id))


@bp.get("/work-samples/<int:sample_id>/tasks/<int:position>/answer")
@signed_in
def of_sample(sample_id: int, position: int) -> ResponseReturnValue:
    """Show what was answered to one task of a work sample."""
    return _page(_of_sample(sample_id, position))


@bp.get("/work-samples/<int:sample_id>/tasks/<int:position>/answer.json")
@signed_in
def of_sample_json(sample_id: int, position: int) -> ResponseReturnValue:
    """Give the frame what was answered to one task of a work sample."""
    return _told(_of_sample(sample_id, position))


def _page(look: Look) -> str:
    kept: dict[str, Any] = {name: request.args[name] for name in KEPT if name in request.args}
    here = url_for(f".{_view()}", **(request.view_args or {}), **kept)
    on = "&" if "?" in here else "?"
    known: dict[str, Any] = {"known": 1} if look.is_known else {}
    gone_at = media_end.removed_at(db_session(), look.project)
    return render_template(
        "annotation/answer.html",
        look=look,
        project=look.project,
        withheld=look.seen.has_files and (look.link is None or gone_at is not None),
        gone_at=gone_at,
        source=url_for(
            f".{_view()}_json",
            **(request.view_args or {}),
            **known,
        ),
        here=here,
        here_known=f"{here}{on}known=1",
        may_see_known=_may_see_known(look.viewer, look.task),
        kept=kept,
        **({"place": None, "lease": None, "edit": None, "sample": None} | look.more),
    )


def _told(look: Look) -> ResponseReturnValue:
    said = answer_view.told(db_session(), look.seen, look.link, look.number)
    response = jsonify(said)
    response.headers["Cache-Control"] = "no-store"
    return response


def _view() -> str:
    return str(request.endpoint).rpartition(".")[2].removesuffix("_json")


def _of_lease(assignment_id: int) -> Look:
    session = db_session()
    lease = find(Assignment, assignment_id)
    project = find(Project, lease.project_id)
    viewer, appeal_id = _viewer(lease, project)
    task = find(Task, lease.task_id)
    is_known = _asks_known(viewer, task)
    seen = answer_view.given(session, lease, project, task)
    return Look(
        viewer=viewer,
        project=project,
        task=task,
        seen=answer_view.known(project, task) if is_known else seen,
        link=_link(viewer, lease),
        number=assignment_id,
        is_known=is_known,
        more={
            "lease": lease,
            "pseudonym": session.get_one(Expert, lease.expert_id).pseudonym,
            "at": lease.submitted_at,
            "version": lease.terms["guidelines_version"],
            "guidelines": desk.guidelines_of(session, lease, project),
            "place": answer_view.place(session, lease) if viewer is Viewer.REVIEWER else None,
            "back": _back(viewer, lease, appeal_id),
        },
    )


def _viewer(lease: Assignment, project: Project) -> tuple[Viewer, int | None]:
    """Return as whom the person may look, and the appeal about it; or refuse."""
    if may("assignment.see", lease):
        return Viewer.EXPERT, None
    decision, appeal_id = answer_view.contested(db_session(), lease) or (None, None)
    if may("assignment.review", project):
        return Viewer.REVIEWER, appeal_id
    if decision is None or not may("appeal.see", decision):
        raise NotFound
    audit.record_reading(
        "appeal.read", by=current_user.id, subject=decision.subject, of=decision.person_id
    )
    return Viewer.SECOND, appeal_id


def _link(viewer: Viewer, lease: Assignment) -> Link | None:
    """Return how the person gets the files of a task, if at all."""
    if viewer is Viewer.REVIEWER:
        return media_routes.link_for(Holder.MEMBER, current_user.id)
    if refusal.is_at_issue(db_session(), lease, now()):
        return media_routes.link_for(Holder.ANSWER, lease.id or 0)
    return None


def _back(viewer: Viewer, lease: Assignment, appeal_id: int | None) -> str:
    came = request.args.get("from")
    if appeal_id and (viewer is Viewer.SECOND or came == "appeal"):
        return url_for("decisions.appeal", appeal_id=appeal_id)
    if viewer is Viewer.EXPERT:
        return url_for("annotation.work_on", assignment_id=lease.id)
    if came == "edits":
        return url_for("outside_edits.edits", project_id=lease.project_id)
    page: dict[str, Any] = {
        name: request.args[name] for name in ("page", "all") if name in request.args
    }
    return url_for("annotation_owner.queue", project_id=lease.project_id, **page)


def _of_edit(edit_id: int) -> Look:
    edit = find(OutsideEdit, edit_id)
    project = find(Project, edit.project_id)
    require("project.see", project)
    task = find(Task, edit.task_id)
    return Look(
        viewer=Viewer.REVIEWER,
        project=project,
        task=task,
        seen=answer_view.other(project, task, None if edit.troubles else edit.result),
        link=media_routes.link_for(Holder.MEMBER, current_user.id),
        number=edit_id,
        more={
            "edit": edit,
            "at": edit.edited_at,
            "version": project.guidelines_version,
            "guidelines": project.guidelines,
            "back": url_for("outside_edits.edits", project_id=project.id),
        },
    )


def _of_sample(sample_id: int, position: int) -> Look:
    session = db_session()
    found = find(WorkSample, sample_id)
    project = find(Project, found.project_id)
    viewer = _sample_viewer(found, project)
    one, task = answer_view.sample_answer(session, found, position)
    is_known = _asks_known(viewer, task)
    seen = answer_view.other(project, task, one.result)
    is_owner = viewer is Viewer.REVIEWER or found.is_trial
    frozen = guidelines.version(session, found.project_id, found.guidelines_version)
    expert = session.get(Expert, found.expert_id) if found.expert_id else None
    return Look(
        viewer=viewer,
        project=project,
        task=task,
        seen=answer_view.known(project, task) if is_known else seen,
        link=media_routes.link_for(Holder.MEMBER, current_user.id) if is_owner else None,
        number=position,
        is_known=is_known,
        more={
            "sample": found,
            "pseudonym": expert.pseudonym if expert else None,
            "at": one.ended_at,
            "version": found.guidelines_version,
            "guidelines": project.guidelines if frozen is None else frozen.text,
            "back": _back_to_sample(viewer, found),
        },
    )


def _sample_viewer(found: WorkSample, project: Project) -> Viewer:
    """Return as whom the person may look at a work sample that is over; or refuse."""
    if found.state is SampleState.ACTIVE:
        raise NotFound
    if may("sample.take", found):
        return Viewer.EXPERT
    if not found.is_trial and may("assignment.review", project):
        return Viewer.REVIEWER
    raise NotFound


def _back_to_sample(viewer: Viewer, found: WorkSample) -> str:
    if viewer is Viewer.EXPERT:
        return url_for("samples.result", sample_id=found.id)
    return url_for("samples_owner.one", project_id=found.project_id, sample_id=found.id)


def _may_see_known(viewer: Viewer, task: Task) -> bool:
    return viewer is Viewer.REVIEWER and task.gold is not None


def _asks_known(viewer: Viewer, task: Task) -> bool:
    return "known" in request.args and _may_see_known(viewer, task)
