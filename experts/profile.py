"""The profile of an expert: made on the first visit, filled in by its person alone."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, delete, select

from core import audit
from core.clock import now
from experts.fields import Fluency
from experts.models import Expert, ExpertLanguage, Licence

# Without I, O and Q, which are misread.
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
# For so long a licence that was taken off can be put back.
KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Missing:
    """Something that a profile lacks, and the part of the page where it is filled in."""

    words: LazyString
    where: str


@dataclass(frozen=True)
class Completeness:
    """How far a profile is, and all that it lacks."""

    missing: tuple[Missing, ...]
    parts: int

    @property
    def filled(self) -> int:
        """How many parts are there."""
        return self.parts - len(self.missing)

    @property
    def is_whole(self) -> bool:
        """Whether matching has all that it needs."""
        return not self.missing


@dataclass(frozen=True)
class Card:
    """The languages and the declared licences of an expert, as those read them who may."""

    languages: list[ExpertLanguage]
    licences: list[Licence]


def of(session: Session, user_id: int) -> Expert:
    """Return a person's expert row; made here, once, when it is first asked for."""
    found = session.get(Expert, user_id)
    while found is None:
        # The one who comes second, and a pseudonym that is taken, both insert nothing.
        session.execute(insert(Expert).values(_new_row(session, user_id)).on_conflict_do_nothing())
        found = session.get(Expert, user_id)
    return found


def by_pseudonym(session: Session, pseudonym: str) -> Expert | None:
    """Return the expert who bears a pseudonym."""
    return session.exec(select(Expert).where(Expert.pseudonym == pseudonym)).first()


def zone_of(session: Session, user_id: int) -> str | None:
    """Return the time zone of an expert; somebody else has none."""
    return session.exec(select(Expert.time_zone).where(Expert.user_id == user_id)).first()


def change(session: Session, expert: Expert, at: datetime, **values: object) -> None:
    """Write what the person has changed in the profile."""
    changed = {name for name, value in values.items() if getattr(expert, name) != value}
    for name in changed:
        setattr(expert, name, values[name])
    if changed:
        expert.updated_at = at
        _record(session, expert.user_id, "profile.changed", parts=sorted(changed))


def languages(session: Session, expert_id: int) -> list[ExpertLanguage]:
    """Return the languages of an expert, the best spoken first."""
    order = {Fluency.NATIVE: 0, Fluency.FLUENT: 1, Fluency.WORKING: 2}
    found = session.exec(select(ExpertLanguage).where(ExpertLanguage.expert_id == expert_id))
    return sorted(found, key=lambda row: (order[row.fluency], row.language))


def speak(session: Session, expert_id: int, language: str, fluency: Fluency) -> None:
    """Add a language, or change how well it is spoken."""
    row = insert(ExpertLanguage).values(expert_id=expert_id, language=language, fluency=fluency)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["expert_id", "language"], set_={"fluency": row.excluded.fluency}
        )
    )
    _record(session, expert_id, "profile.language_added", language=language)


def stop_speaking(session: Session, expert_id: int, language: str) -> None:
    """Take a language off; nothing happens when it is not there."""
    session.exec(
        delete(ExpertLanguage).where(
            col(ExpertLanguage.expert_id) == expert_id, col(ExpertLanguage.language) == language
        )
    )
    _record(session, expert_id, "profile.language_removed", language=language)


def licences(session: Session, expert_id: int) -> list[Licence]:
    """Return the licences that an expert declares, the last added first."""
    query = select(Licence).where(Licence.expert_id == expert_id, col(Licence.removed_at).is_(None))
    return list(session.exec(query.order_by(col(Licence.id).desc())))


def cards(session: Session, expert_ids: Iterable[int]) -> dict[int, Card]:
    """Return languages and licences of some experts."""
    ids = list(expert_ids)
    found = {expert_id: Card([], []) for expert_id in ids}
    spoken = select(ExpertLanguage).where(col(ExpertLanguage.expert_id).in_(ids))
    for row in session.exec(spoken.order_by(col(ExpertLanguage.language))):
        found[row.expert_id].languages.append(row)
    held = select(Licence).where(col(Licence.expert_id).in_(ids), col(Licence.removed_at).is_(None))
    for licence in session.exec(held.order_by(col(Licence.id))):
        found[licence.expert_id].licences.append(licence)
    return found


def removed_licences(session: Session, expert_id: int, at: datetime) -> list[Licence]:
    """Return the licences that were taken off lately and can be put back."""
    query = select(Licence).where(
        Licence.expert_id == expert_id, col(Licence.removed_at) > at - KEPT
    )
    return list(session.exec(query.order_by(col(Licence.removed_at).desc())))


def declare(
    session: Session,
    expert_id: int,
    *,
    title: str,
    issuer: str,
    jurisdiction: str | None,
    number: str,
    valid_until: date | None,
    at: datetime,
) -> Licence:
    """Add a licence that the person says they hold."""
    licence = Licence(
        expert_id=expert_id,
        title=title,
        issuer=issuer,
        jurisdiction=jurisdiction,
        number=number,
        valid_until=valid_until,
        added_at=at,
    )
    session.add(licence)
    session.flush()  # the audit trail names its id
    _record(session, expert_id, "profile.licence_added", licence_id=licence.id)
    return licence


def take_off(session: Session, licence: Licence, at: datetime) -> None:
    """Take a licence off the profile; a second time changes nothing."""
    if licence.removed_at is None:
        licence.removed_at = at
        _record(session, licence.expert_id, "profile.licence_removed", licence_id=licence.id)


def put_back(session: Session, licence: Licence) -> None:
    """Put a licence back on the profile."""
    if licence.removed_at is not None:
        licence.removed_at = None
        _record(session, licence.expert_id, "profile.licence_restored", licence_id=licence.id)


def completeness(session: Session, expert: Expert) -> Completeness:
    """Say what matching still needs to know of an expert."""
    spoken = languages(session, expert.user_id)
    parts = {
        "field": (expert.field, _l("Your field")),
        "years": (expert.years is not None, _l("Your years of practice")),
        "country": (expert.country, _l("The country where you practise")),
        "languages": (spoken, _l("The languages that you work in")),
        "headline": (expert.headline, _l("One line about your work")),
        "about": (expert.about, _l("A few sentences about your experience")),
    }
    missing = (Missing(words, where) for where, (there, words) in parts.items() if not there)
    return Completeness(tuple(missing), len(parts))


def _new_row(session: Session, user_id: int) -> dict[str, object]:
    at = now()
    return {
        "user_id": user_id,
        "pseudonym": _free_pseudonym(session),
        "time_zone": "UTC",
        "headline": "",
        "about": "",
        "accepts_invitations": True,
        "created_at": at,
        "updated_at": at,
    }


def _free_pseudonym(session: Session) -> str:
    """Return a pseudonym that tells nothing of its person; longer ones when the short are rare."""
    for digits in (4, 4, 4, 5, 5, 6):
        number = secrets.randbelow(10**digits)
        pseudonym = f"{secrets.choice(LETTERS)}-{number:0{digits}}"
        if by_pseudonym(session, pseudonym) is None:
            return pseudonym
    return f"{secrets.choice(LETTERS)}-{secrets.randbelow(10**9):09}"


def _record(session: Session, expert_id: int, action: str, **details: object) -> None:
    audit.record(session, action, by=expert_id, subject=f"expert:{expert_id}", details=details)
