"""Label Studio as our labelling backend, through its SDK; the only module that imports the SDK.

It translates and nothing more. Label Studio finds nothing twice by itself, so each call first
looks for what an earlier, interrupted call may have left there.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import islice
from typing import Any
from uuid import UUID

import httpx
from label_studio_sdk.client import LabelStudio
from label_studio_sdk.core.api_error import ApiError
from label_studio_sdk.core.request_options import RequestOptions
from label_studio_sdk.types import ImportApiRequest, PredictionRequest

from annotation import label_studio_facts, label_studio_reviews
from core.ports import (
    AnswerThere,
    BackendFacts,
    LabellingDown,
    LabellingLost,
    LabellingRefused,
    PredictionSent,
    PredictionThere,
    TaskThere,
    VerdictNote,
    VerdictsSent,
)

_OUR_TASK = "doyen_task"
# In a task's `meta` for programs, in its `data` as a line: only that is a column people see.
_VERDICTS = "doyen_verdicts"
_TITLE_LENGTH = 50
_LEAVE = "Doyen finds this project by this line. Add words as you like, but leave it here."
_TELLING = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "TASKS_DELETED")
# A conflict means "stored before": the SDK would only ask again, for seconds.
_ONCE = RequestOptions(max_retries=0)
# Worth another attempt: the server is busy or restarting, or the operator must renew the token.
_PASSING = frozenset({401, 403, 408, 425, 429}) | frozenset(range(500, 600))
# Of what an edition may lack, or not let our user do, this is an answer and no trouble.
_LACKING = frozenset({403, 404, 405})


class LabelStudioBackend:
    """One Label Studio, reached with the token of our service user."""

    def __init__(self, url: str, token: str, *, timeout: float = 60) -> None:
        self._url = url
        self._token = token
        self._timeout = timeout

    def version(self) -> str:
        """Return Label Studio's release, asked as our service user."""
        with _translated():
            self._api.users.whoami()
            return str(self._api.versions.get().release)

    def ensure_project(
        self, project_id: int, title: str, *, reference: str, label_config: str, overlap: int
    ) -> int:
        """Make or update the mirror of our project, which its description tells from others."""
        # Nothing but the label config and the overlap matters there; the rest stops Label Studio
        # from showing anybody what others answered.
        wanted: dict[str, Any] = {
            "title": f"{_mark(project_id)}{title}"[:_TITLE_LENGTH].rstrip(),
            "label_config": label_config,
            "maximum_annotations": overlap,
            "show_collab_predictions": False,
            "enable_empty_annotation": False,
        }
        with _translated():
            known = self._project_of(project_id, reference)
            if known is None:
                said = f"{reference} · {_LEAVE}"
                return _known(self._api.projects.create(description=said, **wanted).id)
            self._api.projects.update(id=known, **wanted)
            return known

    def import_tasks(
        self, labelling_project_id: int, tasks: Mapping[int, Mapping[str, Any]]
    ) -> dict[int, int]:
        """Import a batch; what an interrupted import of it has left is found and kept.

        Label Studio imports a batch whole or not at all, and one caller at a time works in a
        project: so a batch that was stored unseen is the newest there is.
        """
        with _translated():
            found = self._newest(labelling_project_id, tasks)
            missing = {ours: data for ours, data in tasks.items() if ours not in found}
            if missing:
                answer: Any = self._api.projects.import_tasks(
                    id=labelling_project_id,
                    request=[
                        ImportApiRequest(data=dict(data), meta={_OUR_TASK: ours})
                        for ours, data in missing.items()
                    ],
                    return_task_ids=True,
                    request_options=_ONCE,
                )
                found |= dict(zip(missing, answer.task_ids or (), strict=True))
        return found

    def ensure_shadow_user(self, pseudonym: str) -> int:
        """Return the user who stands for an expert: without a password, and without a person."""
        email = f"{pseudonym.lower()}@experts.invalid"
        with _translated():
            try:
                made = self._api.users.create(
                    username=pseudonym, email=email, first_name=pseudonym, request_options=_ONCE
                )
            except ApiError as refusal:
                known = self._user_with(email) if refusal.status_code == 400 else None
                if known is None:
                    raise
                return known
        return _known(made.id)

    def push_annotation(
        self,
        labelling_task_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        by: int,
        unique_id: UUID,
        lead_seconds: float,
        began_with: int | None = None,
    ) -> int | None:
        """Store an answer; its `unique_id` makes Label Studio take it once."""
        parts = [dict(part) for part in result]
        origin = {} if began_with is None else {"parent_prediction": began_with}
        return self._push(labelling_task_id, by, unique_id, lead_seconds, result=parts, **origin)

    def push_skip(
        self, labelling_task_id: int, *, by: int, unique_id: UUID, lead_seconds: float
    ) -> int | None:
        """Store a skip, which Label Studio keeps as a cancelled annotation."""
        return self._push(
            labelling_task_id, by, unique_id, lead_seconds, result=[], was_cancelled=True
        )

    def push_known(
        self, labelling_task_id: int, result: Sequence[Mapping[str, Any]], *, unique_id: UUID
    ) -> int | None:
        """Store a known answer, under our service user and marked as ground truth."""
        parts = [dict(part) for part in result]
        return self._push(
            labelling_task_id, self._me, unique_id, 0, result=parts, ground_truth=True
        )

    def push_predictions(
        self, labelling_project_id: int, predictions: Mapping[int, PredictionSent]
    ) -> dict[int, int]:
        """Store predictions; Label Studio takes any number of times, so each is looked for first.

        It stores a batch whole or not at all and tells no ids: they are read afterwards.
        """
        with _translated():
            known = self._predictions(labelling_project_id, predictions.values())
            missing = {
                ours: one
                for ours, one in predictions.items()
                if (one.task, one.model_version) not in known
            }
            for ours, one in predictions.items():
                if ours not in missing:
                    self._set_right(known[one.task, one.model_version], one)
            if missing:
                self._import_predictions(labelling_project_id, missing.values())
                known |= self._predictions(labelling_project_id, missing.values())
        lacking = [
            ours for ours, one in missing.items() if (one.task, one.model_version) not in known
        ]
        if lacking:
            raise LabellingDown(f"Label Studio has taken {len(lacking)} predictions and has none.")
        return {ours: known[one.task, one.model_version].id for ours, one in predictions.items()}

    def withdraw_prediction(self, labelling_prediction_id: int) -> None:
        """Take a prediction away; an answer that began with it stays."""
        with _translated():
            try:
                self._api.predictions.delete(labelling_prediction_id)
            except ApiError as refusal:
                if refusal.status_code != 404:
                    raise

    def push_verdicts(
        self, labelling_project_id: int, verdicts: Mapping[int, VerdictsSent]
    ) -> None:
        """Write verdicts into tasks, beside what else they hold there; what is said is left."""
        asked = {"selectedItems": {"all": False, "included": [v.task for v in verdicts.values()]}}
        listed = self._listed(labelling_project_id, asked, len(verdicts), 1)
        there = {int(one.id): one for one in listed}
        for ours, sent in verdicts.items():
            task = there.get(sent.task)
            if task is None or _task(task).ours != ours:
                raise LabellingLost(f"Label Studio has lost task {sent.task}.")
            if _task(task).verdicts == sent.note:
                continue
            with _translated():
                self._api.tasks.update(
                    str(sent.task),
                    meta={**task.meta, _VERDICTS: sent.note.rows},
                    data={**task.data, _VERDICTS: sent.note.line},
                    request_options=_ONCE,
                )

    def push_review(self, labelling_annotation_id: int, *, is_accepted: bool, words: str) -> int:
        """Store a review and its words, in the Enterprise edition."""
        with _translated(passing=_PASSING - _LACKING):
            return label_studio_reviews.ensure(
                self._api, self._me, labelling_annotation_id, is_accepted=is_accepted, words=words
            )

    def reviews(self, labelling_project_id: int) -> dict[int, bool]:
        """Return what our reviews say, in the Enterprise edition."""
        with _translated(passing=_PASSING - _LACKING):
            return label_studio_reviews.of_project(self._api, self._me, labelling_project_id)

    def put_back(self, labelling_annotation_id: int, result: Sequence[Mapping[str, Any]]) -> None:
        """Write an annotation over with what it said."""
        with _translated():
            self._api.annotations.update(
                labelling_annotation_id,
                result=[dict(part) for part in result],
                was_cancelled=False,
            )

    def watch(self, labelling_project_id: int, url: str, headers: Mapping[str, str]) -> bool:
        """Make a webhook of the project, unless it has one to this address."""
        with _translated():
            known = self._api.webhooks.list(project=str(labelling_project_id))
            if any(hook.url == url and hook.headers == dict(headers) for hook in known):
                return True
            try:
                self._api.webhooks.create(
                    project=labelling_project_id,
                    url=url,
                    headers=dict(headers),
                    send_for_all_actions=False,
                    send_payload=False,
                    actions=list(_TELLING),
                    request_options=_ONCE,
                )
            except ApiError as refusal:
                if _will_not_call(refusal):
                    return False
                raise
        return True

    def facts(self, hook: str = "") -> BackendFacts:
        """Return how the server is set up, as it can be seen from here."""
        with _translated():
            self._api.users.whoami()
            settings: Any = self._api.jwt_settings.get()
            calls_us = self._would_call(hook) if hook else None
        with _translated(), self._client() as client:
            found = label_studio_facts.ask(
                client, self._url, self._token, legacy=settings.legacy_api_tokens_enabled
            )
        takes_reviews = self._keeps_reviews() if found.edition == "Enterprise" else None
        return replace(found, calls_us=calls_us, takes_reviews=takes_reviews)

    def people(self) -> dict[int, str]:
        """Return everybody who has an account there."""
        with _translated():
            return {_known(user.id): str(user.email) for user in self._api.users.list()}

    def find_project(self, project_id: int, *, reference: str) -> int | None:
        """Return the mirror of a project of ours."""
        with _translated():
            return self._project_of(project_id, reference)

    def tasks_after(self, labelling_project_id: int, after: int, *, limit: int) -> list[TaskThere]:
        """Return tasks in the order of their ids."""
        above = {"filter": "filter:tasks:id", "operator": "greater", "value": after}
        asked = {"ordering": ["tasks:id"], "filters": _filters({**above, "type": "Number"})}
        return self._tasks(labelling_project_id, asked, limit, 1)

    def tasks_changed(
        self, labelling_project_id: int, since: datetime | None, *, limit: int, page: int = 1
    ) -> list[TaskThere]:
        """Return tasks in the order of their last change."""
        asked: dict[str, Any] = {"ordering": ["tasks:updated_at"]}
        if since is not None:
            later = {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal"}
            asked["filters"] = _filters({**later, "value": _stamp(since), "type": "Datetime"})
        return self._tasks(labelling_project_id, asked, limit, page)

    def answer(self, labelling_annotation_id: int) -> AnswerThere | None:
        """Return one annotation."""
        with _translated():
            try:
                return _answer(self._api.annotations.get(labelling_annotation_id))
            except ApiError as refusal:
                if refusal.status_code == 404:
                    return None
                raise

    def _tasks(
        self, project: int, asked: Mapping[str, Any], limit: int, page: int
    ) -> list[TaskThere]:
        return [_task(one) for one in self._listed(project, asked, limit, page)]

    def _listed(self, project: int, asked: Mapping[str, Any], limit: int, page: int) -> list[Any]:
        with _translated():
            try:
                listed: Any = self._api.tasks.list(
                    project=project,
                    page=page,
                    page_size=limit,
                    fields="all",
                    query=json.dumps(asked),
                    resolve_uri=False,  # what tasks hold, not where that leads for a while
                )
            except ApiError as refusal:
                if refusal.status_code != 404:
                    raise
                if page > 1 and "page" in str(refusal.body).lower():
                    return []  # there is no such page any more
                raise LabellingLost(f"Label Studio has no project {project}.") from refusal
        return list(listed.items or ())

    def _predictions(
        self, project: int, sent: Iterable[PredictionSent]
    ) -> dict[tuple[int, str], PredictionThere]:
        """Return what some tasks have of predictions, by task and model version."""
        ids = sorted({one.task for one in sent})
        asked = {"selectedItems": {"all": False, "included": ids}}
        return {
            (task.id, one.model_version): one
            for task in self._tasks(project, asked, len(ids), 1)
            for one in reversed(task.predictions)  # of two the first
        }

    def _set_right(self, there: PredictionThere, sent: PredictionSent) -> None:
        result = [dict(part) for part in sent.result]
        if (there.result, there.score) != (result, sent.score):
            self._api.predictions.update(there.id, result=result, score=sent.score)

    def _import_predictions(self, project: int, sent: Iterable[PredictionSent]) -> None:
        request = [
            PredictionRequest(
                task=one.task,
                model_version=one.model_version,
                score=one.score,
                result=[dict(part) for part in one.result],
            )
            for one in sent
        ]
        try:
            self._api.projects.import_predictions(
                id=project, request=request, request_options=_ONCE
            )
        except ApiError as refusal:
            if refusal.status_code == 400 and "not found in project" in str(refusal.body):
                raise LabellingLost(
                    f"Label Studio has lost tasks of project {project}."
                ) from refusal
            raise

    def _keeps_reviews(self) -> bool:
        """Ask for the reviews and the comments of no annotation."""
        with _translated():
            for place in (self._api.annotation_reviews, self._api.comments):
                try:
                    place.list(annotation=0)
                except ApiError as refusal:
                    if refusal.status_code in _LACKING:
                        return False
                    if refusal.status_code != 400:  # which says that there is none of this number
                        raise
        return True

    def _would_call(self, url: str) -> bool:
        """Offer a webhook of a project that cannot be: it is never made, but its address judged."""
        try:
            self._api.webhooks.create(project=0, url=url, request_options=_ONCE)
        except ApiError as refusal:
            if refusal.status_code == 400:
                return "url" not in str(refusal.body)
            if _will_not_call(refusal):
                return False
            raise
        return True

    @cached_property
    def _me(self) -> int:
        with _translated():
            return _known(self._api.users.whoami().id)

    def _push(
        self, task: int, by: int, unique_id: UUID, lead_seconds: float, **rest: Any
    ) -> int | None:
        with _translated():
            try:
                stored = self._api.annotations.create(
                    id=task,
                    completed_by=by,
                    unique_id=str(unique_id),
                    lead_time=round(lead_seconds, 3),
                    request_options=_ONCE,
                    **{"ground_truth": False, **rest},
                )
            except ApiError as refusal:
                if refusal.status_code == 409:
                    return None
                if _is_lost(refusal):
                    raise LabellingLost(
                        f"Label Studio has lost task {task} or user {by}."
                    ) from refusal
                raise
        return None if stored.id is None else int(stored.id)

    @cached_property
    def _api(self) -> LabelStudio:
        connect: Any = LabelStudio
        api: LabelStudio = connect(
            base_url=self._url, api_key=self._token, httpx_client=self._client()
        )
        return api

    def _client(self) -> httpx.Client:
        # A connection for each request: none is left behind when Label Studio restarts.
        return httpx.Client(
            timeout=self._timeout,
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=True,
        )

    def _project_of(self, project_id: int, reference: str) -> int | None:
        # It cannot be asked for by its description; the number in the title narrows the search,
        # unless somebody has given it another title. Words may be added to the description.
        whole = re.compile(rf"(?<![\w-]){re.escape(reference)}(?![\w-])")
        for title in (_mark(project_id), None):
            listed: Any = self._api.projects.list(title=title, page_size=100)
            for project in listed:
                if whole.search(project.description or ""):
                    return _known(project.id)
        return None

    def _newest(self, project: int, tasks: Mapping[int, Any]) -> dict[int, int]:
        """Return which of these tasks are among the newest of a project."""
        listed: Any = self._api.tasks.list(
            project=project,
            page_size=max(len(tasks), 1),
            fields="all",
            query=json.dumps({"ordering": ["-tasks:id"]}),
        )
        found = {(task.meta or {}).get(_OUR_TASK): task.id for task in islice(listed, len(tasks))}
        return {ours: _known(found[ours]) for ours in tasks if ours in found}

    def _user_with(self, email: str) -> int | None:
        users = self._api.users.list()
        return next((_known(user.id) for user in users if user.email == email), None)


def _filters(*items: Mapping[str, Any]) -> dict[str, Any]:
    return {"conjunction": "and", "items": list(items)}


def _task(told: Any) -> TaskThere:
    meta = told.meta if isinstance(told.meta, dict) else {}
    data = told.data if isinstance(told.data, dict) else {}
    ours = meta.get(_OUR_TASK)
    by = [one.get("user_id") for one in told.updated_by or () if isinstance(one, dict)]
    return TaskThere(
        id=_known(told.id),
        ours=ours if isinstance(ours, int) and not isinstance(ours, bool) else None,
        changed_by=by[0] if by else None,
        changed_at=_time(told.updated_at),
        answers=tuple(_answer(one) for one in told.annotations or ()),
        predictions=tuple(_prediction(one) for one in told.predictions or ()),
        verdicts=VerdictNote(meta.get(_VERDICTS), data.get(_VERDICTS)),
    )


def _prediction(told: Any) -> PredictionThere:
    given: Mapping[str, Any] = told if isinstance(told, dict) else told.dict()
    return PredictionThere(
        id=_known(given["id"]),
        model_version=str(given.get("model_version") or ""),
        result=given.get("result"),
        score=given.get("score"),
    )


def _answer(told: Any) -> AnswerThere:
    """Read an annotation, which the SDK gives as a model or as it came."""
    given: Mapping[str, Any] = told if isinstance(told, dict) else told.dict()
    by = given.get("completed_by")
    return AnswerThere(
        id=_known(given["id"]),
        result=given.get("result"),
        by=by.get("id") if isinstance(by, dict) else by,
        changed_by=given.get("updated_by"),
        changed_at=_time(given["updated_at"]),
        is_skip=bool(given.get("was_cancelled")),
        is_truth=bool(given.get("ground_truth")),
    )


def _time(told: Any) -> datetime:
    return told if isinstance(told, datetime) else datetime.fromisoformat(str(told))


def _stamp(at: datetime) -> str:
    # Label Studio takes a time in this form alone.
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _will_not_call(refusal: ApiError) -> bool:
    """Say whether an address is refused: a private one, or one whose name it does not know."""
    return refusal.status_code in (400, 403) or "resolve hostname" in str(refusal.body)


def _is_lost(refusal: ApiError) -> bool:
    """Say whether a task, user or prediction is not there; all else is about the answer itself."""
    about = str(refusal.body)
    return refusal.status_code == 404 or (
        refusal.status_code == 400
        and "Invalid pk" in about
        and ("completed_by" in about or "parent_prediction" in about)
    )


def _known(number: int | None) -> int:
    if number is None:
        raise LabellingDown("Label Studio answered without an id.")
    return int(number)


def _mark(project_id: int) -> str:
    return f"{project_id} · "


@contextmanager
def _translated(passing: frozenset[int] = _PASSING) -> Iterator[None]:
    """Turn the SDK's errors into ours."""
    try:
        yield
    except ApiError as refusal:
        words = f"Label Studio answered {refusal.status_code}: {str(refusal.body)[:500]}"
        if refusal.status_code is None or refusal.status_code in passing:
            raise LabellingDown(words) from refusal
        raise LabellingRefused(words) from refusal
    except (httpx.HTTPError, json.JSONDecodeError) as trouble:
        # What is not JSON comes from something in between, such as a proxy.
        raise LabellingDown(f"Label Studio cannot be reached: {trouble}") from trouble
