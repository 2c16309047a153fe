"""Work that can be learned from, for the examples: clauses with doubt and marks, and answers.

Texts are made here from a few words, the same each time: three experts, of whom one errs often.
"""

import random

from sqlmodel import Session

from annotation.models import State
from tests.factories.annotation import Desk, choice, make_assignment, make_desk, make_task

PARTIES = ("The Licensee", "The Licensor", "The Buyer", "Each Contributor", "The Agency")
SAYS = {
    "grant": ("may use, copy and modify the work", "may sublicense the software without a fee"),
    "warranty": ("gives the work as is, without warranty", "promises no fitness for any purpose"),
    "liability": ("is not liable for any damages", "shall not answer for loss of profit"),
}
ENDS = ("in every country.", "for five years.", "unless the law says otherwise.", "at any time.")
ERRS = (0.05, 0.1, 0.35)


def clauses(session: Session, *, tasks: int) -> Desk:
    """Make a project of clauses; each names its party, which is marked."""
    made = random.Random(7)  # noqa: S311 - the same each time
    desk = make_desk(session, experts=len(ERRS), tasks=0, overlap=len(ERRS), funds=1_000_000)
    add_clauses(session, desk, range(tasks), made)
    return desk


def add_clauses(session: Session, desk: Desk, numbers: range, made: random.Random) -> None:
    """Add clauses that all have answered, each as often wrong as they are."""
    for number in numbers:
        label = made.choice(list(SAYS))
        party = made.choice(PARTIES)
        text = f"{number}. {party} {made.choice(SAYS[label])} {made.choice(ENDS)}"
        start = text.index(party)
        task = make_task(
            session,
            desk.project,
            external_id=f"clause-{number:04d}",
            group_key=f"contract-{number // 3}",
            data={"text": text},
        )
        for expert, errs in zip(desk.experts, ERRS, strict=True):
            said = made.choice(list(SAYS)) if made.random() < errs else label
            result = choice(said, (start, start + len(party), "Party"))
            make_assignment(
                session, desk.project, expert=expert, task=task, state=State.ACCEPTED, result=result
            )
