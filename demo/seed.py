"""Fills a new demo with people and a project, by the pages that people use.

Each step that is done is noted, so that a start after a killed one goes on where it was.
"""

import json
from collections.abc import Callable
from pathlib import Path

from demo import cast, expert, licences, owner, state, words
from demo.owner import Terms
from demo.stack import Addresses
from demo.visitor import Visitor

TASKS = 60
KNOWN = 15
TERMS = Terms(experts=4, overlap=2, budget="400.00")
READY, FRESH = cast.EXPERTS[0], cast.EXPERTS[1]

Say = Callable[[str], None]


class Notes:
    """Which steps of the seeding are done, and what came of them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.done: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}

    def once(self, step: str, act: Callable[[], int | None] | Callable[[], None]) -> int:
        """Do a step unless it was done, and note it."""
        if step not in self.done:
            self.done[step] = act() or 0
            half = self.file.with_suffix(".half")
            half.write_text(json.dumps(self.done))
            half.replace(self.file)
        return self.done[step]


def run(addresses: Addresses, folder: Path, say: Say) -> None:
    """Seed the demo; what is there already is left alone."""
    notes = Notes(folder / "seeded.json")
    base = addresses.web
    if "ready" in notes.done:
        return
    say("People and a project: being made by the pages, as people make them")
    notes.once("operator", lambda: _ignore(cast.operator(base, folder)))
    notes.once("team", lambda: _ignore(cast.ml_team(base, folder)))
    boss = cast.owner(base, folder)
    project_id = notes.once("project", lambda: owner.post_project(boss, words.TITLE, TERMS))
    notes.once("tasks", lambda: _load(boss, project_id))
    notes.once("budget", lambda: _ignore(owner.pay_in(boss, project_id, TERMS.budget)))
    ready = cast.expert(base, folder, READY)
    notes.once("profile", lambda: expert.fill_profile(ready, READY))
    notes.once("interview", lambda: _ignore(expert.interview(ready, READY)))
    notes.once("publish", lambda: owner.publish(boss, project_id))
    notes.once("accept", lambda: expert.accept_invitation(ready, words.TITLE))
    notes.once("fresh", lambda: _ignore(cast.expert(base, folder, FRESH)))
    notes.once("ready", lambda: None)


def sign_ins(addresses: Addresses, folder: Path) -> str:
    """Return what the person at the terminal needs to look around."""
    password = state.load(folder).password
    rows = [
        ("expert", f"{READY.key}@{cast.DOMAIN}", "interviewed, with work waiting"),
        ("expert", f"{FRESH.key}@{cast.DOMAIN}", "new here: begins with profile and interview"),
        ("owner", f"owner@{cast.DOMAIN}", "one project, funded and published"),
        ("ML team", f"team@{cast.DOMAIN}", "reads releases once the owner grants them"),
        ("operator", f"operator@{cast.DOMAIN}", "health, money, people, audit trail"),
    ]
    lines = [f"    {kind:<9} {email:<24} {note}" for kind, email, note in rows]
    return "\n".join(
        [
            "",
            f"  Doyen            {addresses.web}",
            f"  Letters          {addresses.web}/letters",
            f"  Stripe sandbox   {addresses.sandbox}   (card 4242 4242 4242 4242)",
            f"  Label Studio     {addresses.label_studio}   (private: no expert signs in there)",
            "",
            f"  Sign in as, with the password {password}",
            *lines,
            "",
            "  make walk, in another terminal, runs the whole main job by itself.",
            "  Ctrl-C stops everything; make demo starts it again on the same data.",
        ]
    )


def _load(boss: Visitor, project_id: int) -> int:
    tasks = list(licences.passages(limit=TASKS, known=KNOWN))
    owner.load_tasks(boss, project_id, tasks)
    return len(tasks)


def _ignore(_result: object) -> None:
    return None
