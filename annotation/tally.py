"""How much work of a project is left and decided, without counting tasks.

Triggers note each change as a row of its own (migration 0109), so that no claim waits for another;
a job folds the rows of a project into one. The sum of its rows is always what a count would say.
"""

from dataclasses import dataclass

from sqlalchemy import func, text
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from annotation.models import WorkTally

FOLDED = 20_000  # rows at a time
NUMBERS = ("tasks", "slots_left", "untouched", "taken", "accepted", "partly_accepted")
LISTED = ", ".join(NUMBERS)
SUMS = ", ".join(f"sum({name})" for name in NUMBERS)
FOLD = text(f"""
    with many as (
        select project_id from work_tally group by project_id having count(*) > 1
    ), gone as (
        delete from work_tally where id in (
            select id from work_tally where project_id in (select project_id from many)
            order by project_id, id limit :most for update skip locked)
        returning project_id, {LISTED}
    )
    insert into work_tally (project_id, {LISTED})
    select project_id, {SUMS} from gone group by project_id
""")  # noqa: S608 - our own words
PROJECTS = text("select id from project where id > :after order by id limit :most")
# One statement sees tasks, answers and tallies as they are at one moment.
CORRECT = text(f"""
    with seen as (
        select (select count(*) from task where project_id = :project) as tasks,
            (select coalesce(sum(slots_left), 0) from task
             where project_id = :project and slots_left > 0) as slots_left,
            (select count(*) from task
             where project_id = :project and slots_left = slots) as untouched,
            (select count(*) from task where project_id = :project and slots_left = 0) as taken,
            (select count(*) from assignment
             where project_id = :project and state = 'accepted') as accepted,
            (select count(*) from assignment
             where project_id = :project and state = 'partly_accepted') as partly_accepted
    ), noted as (
        select {", ".join(f"coalesce(sum({name}), 0) as {name}" for name in NUMBERS)}
        from work_tally where project_id = :project
    )
    insert into work_tally (project_id, {LISTED})
    select :project, {", ".join(f"seen.{name} - noted.{name}" for name in NUMBERS)}
    from seen, noted
    where ({", ".join(f"seen.{name}" for name in NUMBERS)})
        <> ({", ".join(f"noted.{name}" for name in NUMBERS)})
""")  # noqa: S608 - our own words


@dataclass(frozen=True)
class Tally:
    """Tasks, answers that nobody has taken, and verdicts; `taken` tasks have no free slot."""

    tasks: int
    slots_left: int
    untouched: int
    taken: int
    accepted: int
    partly_accepted: int


def of(session: Session, project_id: int) -> Tally:
    """Return the tally of a project."""
    sums = (func.coalesce(func.sum(getattr(WorkTally, name)), 0) for name in NUMBERS)
    question = select_columns(*sums).where(col(WorkTally.project_id) == project_id)
    return Tally(*(int(number) for number in session.execute(question).one()))


def fold(session: Session) -> int:
    """Fold changes into one row for each project; return how many rows that left."""
    return int(session.execute(FOLD, {"most": FOLDED}).rowcount)  # type: ignore[attr-defined]


def projects(session: Session, *, after: int, most: int) -> list[int]:
    """Return the next projects in the order of their ids."""
    return list(session.execute(PROJECTS, {"after": after, "most": most}).scalars())


def correct(session: Session, project_id: int) -> bool:
    """Count a project anew; return whether its tally was wrong, which it never should be."""
    return bool(session.execute(CORRECT, {"project": project_id}).rowcount)  # type: ignore[attr-defined]
