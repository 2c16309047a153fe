"""An owner uploads predictions, shows them, and reads what experts made of them, in browsers."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlmodel import select

from accounts.models import User
from annotation import assignment
from annotation.models import Task
from core.clock import now
from tests.browser import window
from tests.factories.annotation import choice, claimed, make_desk
from tests.factories.loop import make_compared, make_model_run, make_prediction, show

pytestmark = pytest.mark.browser


@pytest.fixture
def story(live: Any) -> dict[str, Any]:
    """A project with answers beside predictions, and one whose answers are compared."""
    with live.transaction() as session:
        desk = make_desk(session, tasks=6, experts=2, overlap=2, title="Licence clauses")
        tasks = session.exec(select(Task).where(Task.project_id == desk.project_id)).all()
        run = make_model_run(session, desk, model_version="clauses-v3", kept=6, refused=1)
        run.troubles = [[7, "The project has no task “c-19”."]]
        for task in tasks:
            make_prediction(session, desk, task, run, model_version="clauses-v3")
        show(session, desk, version="clauses-v3")
        for expert, words in ((desk.experts[0], "grant"), (desk.experts[1], "patent")):
            lease = claimed(session, desk.project, expert.user_id, at=now())
            assignment.submit(session, lease, desk.project, choice(words), at=now())
        made_by, left = desk.owner.id, desk.experts[0].user_id
        pairs = make_compared(session, tasks=4, experts=1, title="Answers to patients")
        for _ in range(3):
            lease = claimed(session, pairs.project, pairs.experts[0].user_id, at=now())
            better = {"from_name": "better", "to_name": "one,two", "type": "pairwise"}
            result = [{**better, "value": {"selected": "left"}}]
            assignment.submit(session, lease, pairs.project, result, at=now())
        session.flush()
        return {
            "owner": session.get(User, made_by),
            "other": pairs.owner,
            "project": desk.project_id,
            "pairs": pairs.project_id,
            "task": tasks[0].external_id,
            "left": left,
        }


def enter(live: Any, opened: Any, user: Any, language: str = "en") -> None:
    """Let a window be a person's."""
    with live.transaction() as session:
        session.get(User, user.id).locale = language
    client = live.client(user)
    client.get("/account")
    cookie = client.get_cookie("doyen")
    opened.page.context.add_cookies([{"name": "doyen", "value": cookie.value, "url": opened.home}])


def test_an_owner_and_the_models_of_a_project(
    live: Any, chromium: Browser, live_url: str, story: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "p.jsonl"
    rows = [{"task": story["task"], "result": choice("warranty"), "score": 0.4}, {"task": "none"}]
    file.write_text("\n".join(json.dumps(row) for row in rows))
    with window(chromium, live_url) as owner:
        enter(live, owner, story["owner"])
        owner.open(f"/projects/{story['project']}/models")
        owner.look("models")
        owner.page.get_by_label("File of predictions").set_input_files(file)
        owner.page.get_by_label("Model version").last.fill("v4")
        owner.press("Upload")
        expect(owner.page.get_by_role("status")).to_contain_text("1 prediction kept.")
        owner.look("model-run")
        owner.press("Models", role="link")
        owner.page.get_by_label("What experts see").or_(
            owner.page.get_by_label("Nothing: the form is blank")
        ).last.check()
        owner.press("Save")
        expect(owner.page.get_by_role("main")).to_contain_text("answers are compared with it")
        owner.press("Order by doubt", role="button")
        expect(owner.page.get_by_role("main")).to_contain_text("Being put in order")
    with window(chromium, live_url) as other:
        enter(live, other, story["other"], "fr")
        other.open(f"/projects/{story['pairs']}/models")
        expect(other.page.get_by_role("main")).to_contain_text("Réponses comparées")
        other.look("models-compared-fr")
