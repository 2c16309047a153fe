"""Where personas take interviews: an app with a database of its own, nothing of it kept."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import inspect, text
from sqlmodel import Session, select

from accounts import organisations, sign_ins
from accounts.models import RoleName, User
from core.clock import now
from core.db import transaction
from core.models import CallOutcome, ModelCall
from experts import profile
from experts.fields import Field
from interviews.items import Bank, banks
from interviews.models import Interview, State
from interviews.personas import conduct
from interviews.personas.cast import PERSONAS, Persona
from interviews.personas.conduct import Broken, Talk, Turn
from interviews.personas.visit import Client, Stuck, Visit, address, seeded

ABOUT = "Independent practice since 2011, mostly advice to small firms."


@dataclass(frozen=True)
class Result:
    """What came of a persona's interview."""

    persona: Persona
    state: State | None
    asked: int
    answered: int
    said: int
    waited: int
    seconds: float
    broken: tuple[Broken, ...]
    trouble: str = ""

    @property
    def gaps(self) -> list[str]:
        """What must not be."""
        if self.trouble:
            return [self.trouble]
        gaps = [f"{one.check} (turn {one.number}): {one.words}" for one in self.broken]
        if self.state is None or not self.persona.must.holds(self.state):
            gaps.append(f"came to {self.state}, must {self.persona.must}")
        if self.asked != self.answered:
            gaps.append(f"{self.asked} questions, {self.answered} answers kept")
        return [f"{self.persona.name}: {gap}" for gap in gaps]


@dataclass(frozen=True)
class Calls:
    """How often the model was asked, and how often it said something that could be used."""

    all: int
    answered: int


class InApp:
    """A client of an app; each request has a context of its own, as at a web server.

    In one that is held around it, as by a command, the person of the request before would be known.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.inner: Any = app.test_client()

    def get(self, path: str, **how: Any) -> Any:
        """Open a page."""
        with self.app.app_context():
            return self.inner.get(path, **how)

    def post(self, path: str, **how: Any) -> Any:
        """Send a form."""
        with self.app.app_context():
            return self.inner.post(path, **how)


def play(
    app: Flask,
    field: Field,
    language: str,
    *,
    mode: str = "structured",
    personas: Sequence[Persona] = PERSONAS,
    seed: int = 1,
) -> list[Result]:
    """Let each persona take an interview over the pages of an app."""
    return [take(app, one, banks()[field], language, mode=mode, seed=seed) for one in personas]


def take(
    app: Flask,
    persona: Persona,
    bank: Bank,
    language: str,
    *,
    mode: str,
    seed: int,
    through: Callable[[Client], Client] = lambda client: client,
) -> Result:
    """Let one persona take an interview, and look at how it went.

    Its requests go `through` what a proof puts before its client, where it does.
    """
    client = through(_signed_in(app, persona, language))
    visit = Visit(client, persona, bank, language, seeded(persona, seed))
    begun, trouble = time.monotonic(), ""
    try:
        visit.take(mode)
    except Stuck as stuck:
        trouble = f"{persona.name}: {stuck}"
    seconds = time.monotonic() - begun
    with app.app_context(), transaction() as session:
        found = session.get(Interview, visit.interview_id)
        own = turns_of(session, visit.interview_id)
        kept = session.execute(ANSWERS, {"id": visit.interview_id}).scalar_one()
        state = found.state if found else None
    said = Talk(merged(visit.turns, own), visit.items, ABOUT)
    return Result(
        persona=persona,
        state=state,
        asked=len(visit.items),
        answered=kept,
        said=len(said.asked),
        waited=visit.refusals,
        seconds=seconds,
        broken=conduct.broken(said),
        trouble=trouble,
    )


ANSWERS = text("select count(*) from interview_response where interview_id = :id")
TURNS = text(
    "select role, kind, position, text, language from interview_turn"
    " where interview_id = :id order by number"
)


def turns_of(session: Session, interview_id: int) -> list[Turn]:
    """Return what an interview keeps of its talk, if it keeps any."""
    if not inspect(session.connection()).has_table("interview_turn"):
        return []
    rows = session.execute(TURNS, {"id": interview_id}).all()
    return [
        Turn(number, row.role, row.kind, row.position, row.text or "", row.language)
        for number, row in enumerate(rows, 1)
    ]


def merged(shown: Sequence[Turn], own: Sequence[Turn]) -> tuple[Turn, ...]:
    """Put the turns of a talk where they were said: after the question that they belong to."""
    order = sorted(
        [
            *((turn.position or 0, 0, turn.number, turn) for turn in shown),
            *((turn.position or 0, 1, turn.number, turn) for turn in own),
        ],
        key=lambda one: one[:3],
    )
    return tuple(
        Turn(number, one.role, one.kind, one.position, one.text, one.language)
        for number, (_place, _from, _number, one) in enumerate(order, 1)
    )


def table(results: Sequence[Result]) -> list[str]:
    """Return what came of each persona, and how often each check was broken."""
    rows = [
        f"{'persona':<12}{'result':>10}{'must':>10}{'questions':>11}{'kept':>6}{'said':>6}"
        f"{'waited':>8}{'seconds':>9}{'broken':>8}"
    ]
    rows += [
        f"{one.persona.name:<12}{one.state or 'none':>10}{one.persona.must:>10}{one.asked:>11}"
        f"{one.answered:>6}{one.said:>6}{one.waited:>8}{one.seconds:>9.1f}{len(one.broken):>8}"
        for one in results
    ]
    rows += ["", f"{'check':<34}" + "".join(f"{one.persona.name:>12}" for one in results)]
    return rows + conduct.table({one.persona.name: one.broken for one in results})


def calls(session: Session) -> Calls:
    """Return how often the model was asked here."""
    found = session.exec(select(ModelCall.outcome)).all()
    return Calls(len(found), sum(one is CallOutcome.ANSWERED for one in found))


def is_fresh(session: Session) -> bool:
    """Return whether nobody has an account here yet."""
    return session.exec(select(User.id).limit(1)).first() is None


def _signed_in(app: Flask, persona: Persona, language: str) -> Client:
    """Return a client that is signed in as a new expert."""
    with app.app_context(), transaction() as session:
        email = address(persona)
        user = User(
            email=email,
            name="Sam Doe",
            fs_uniquifier=email,
            confirmed_at=now(),
            locale=language,
        )
        session.add(user)
        session.flush()  # for the id
        organisations.give_role(session, user, RoleName.EXPERT)
        assert user.id is not None
        profile.of(session, user.id).about = ABOUT
        secret = sign_ins.begin(
            session, user, sign_ins.Browser("127.0.0.1", "Firefox", "Linux"), at=now()
        )
        mark = user.fs_uniquifier
    client = InApp(app)
    with client.inner.session_transaction() as kept:
        kept.update(sid=secret, _user_id=mark, _fresh=True, fs_cc="set", fs_paa=time.time())
    return client
