"""An open project of law with its owner, and an invited expert who has passed in the field."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from accounts.models import User
from core.clock import now
from experts.fields import Field
from interviews import conversation, items, qualification
from interviews.bank_models import BankDraft
from interviews.models import Interview, State
from projects.models import Invitation, Project
from tests.factories.annotation import Desk, make_desk
from tests.factories.experts import make_expert
from tests.factories.projects import make_invitation
from tests.factories.templates import make_own_bank, make_passed


@dataclass
class World:
    """The project's people, what the expert has passed, and the own bank where there is one."""

    desk: Desk
    user: User
    passed: Interview
    invitation: Invitation
    own_bank: BankDraft | None = None

    @property
    def project(self) -> Project:
        """The project."""
        return self.desk.project

    @property
    def id(self) -> int:
        """The number of the expert."""
        assert self.user.id is not None
        return self.user.id

    @property
    def bank(self) -> BankDraft:
        """The own bank of the project's organisation."""
        assert self.own_bank is not None
        return self.own_bank


def make_world(session: Session, *, own_bank: bool = False) -> World:
    """Make them all; with an own bank that is published, where a test is about one."""
    desk = make_desk(session, experts=0, tasks=3)
    desk.project.experts_needed = 5
    expert = make_expert(session)
    user = session.get_one(User, expert.user_id)
    passed = make_passed(session, user, at=now() - timedelta(days=1))
    assert passed.state is State.PASSED
    bank = make_own_bank(session, desk) if own_bank else None
    return World(desk, user, passed, make_invitation(session, desk.project, expert), bank)


def begin(session: Session, world: World, at: datetime | None = None) -> Interview:
    """Let the expert begin the interview of the project."""
    return conversation.start(
        session,
        world.id,
        world.project.field,
        consent_version="test",
        at=at or now(),
        project=world.project,
    )


def look(session: Session, world: World, project: Project | None = None) -> Any:
    """Return where the expert stands with the project, or with another."""
    return qualification.look(session, project or world.project, world.id, now())


def query(**changes: Any) -> dict[str, Any]:
    """Return what an owner's form of the interview sends: contracts twice, data protection once."""
    given = {"mark": 60, "least": 4, "most": 9, "follow_ups": 1, "months": 12}
    given |= {"attempts": 3, "delay": 14, "w_contract": 2, "w_data": 1}
    keys = items.banks()[Field.LAW].competencies
    blank = {f"w_{key}": 0 for key in keys} | {f"f_{key}": 40 for key in keys}
    return blank | given | changes
