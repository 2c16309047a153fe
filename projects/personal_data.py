"""What the tables of projects hold of people."""

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from accounts import personal_data as of_accounts
from core.personal_data import Blank, Blocker, Table, nobody
from projects.models import Project, State

TABLES = (
    Table(
        "project",
        _l("Projects that you drafted for your organisation"),
        acts=("created_by",),
        words=("title", "brief", "guidelines"),
        codes=("language", "label_config", "currency", "languages", "countries"),
        own_words=("title", "brief", "guidelines"),
        subject="project",
    ),
    Table(
        "guideline_version",
        _l("Guidelines that you wrote for your organisation"),
        acts=("written_by",),
        words=("text",),
        own_words=("text",),
    ),
    nobody("project_rate", _l("Times that tasks of a project take, in sums")),
    Table(
        "invitation",
        _l("Projects that you were offered, and your answers"),
        whose="expert_id = :person",
        words=("words", "reasons"),
        subject="invitation",
        erase=Blank(
            {
                "words": "''",
                "reasons": "'[]'",
                "state": "CASE WHEN state = 'offered' THEN 'withdrawn' ELSE state END",
                "answered_at": "coalesce(answered_at, now())",
            },
            _l("That the random key was part of a project stays; your words and the reasons go."),
        ),
    ),
)


def blockers(session: Session, person: int) -> Iterable[Blocker]:
    """Say which organisations with projects would be left without an admin."""
    for organisation_id, name, has_others in of_accounts.left_alone(session, person):
        published = select(Project.id).where(
            Project.organisation_id == organisation_id, col(Project.state) != State.DRAFT
        )
        if not has_others and session.exec(published.limit(1)).first() is not None:
            yield of_accounts.last_admin(organisation_id, name)


BLOCKERS = (blockers,)
