"""Signed links to the files of a release: they end by themselves, and with the right to read.

For programs that cannot send a token, such as DuckDB and polars. A link speaks for the one who
made it: it opens nothing once they, or their organisation, may no longer read.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadData, URLSafeSerializer
from sqlmodel import Session

from accounts import organisations
from accounts.models import ApiToken, User
from core.errors import NotFound
from releases import grants
from releases.delivery_models import Way
from releases.downloads import Reader
from releases.models import Release

SALT = "release-link"


class LinkOver(NotFound):
    """This link is over. Open the page of the release, or ask the API, for new ones."""

    status = 410


class NotALink(NotFound):
    """This link is not one of ours, or who made it may no longer read the release."""


@dataclass(frozen=True)
class Opens:
    """What a link opens, and for whom."""

    release: Release
    reader: Reader


def make(secret: str, release: Release, reader: Reader, *, until: datetime) -> str:
    """Return the part of an address that opens the files of a release until then."""
    said = [release.id, reader.organisation_id, reader.user_id, reader.token_id]
    return str(_signer(secret).dumps([*said, int(until.timestamp())]))


def until(hours: int, *, at: datetime, most: int) -> datetime:
    """Return when a link ends that is asked for so many hours."""
    return at + timedelta(hours=max(1, min(hours, most)))


def open_(session: Session, secret: str, key: str, *, at: datetime) -> Opens:
    """Return what a link opens; whether its maker may still read is asked each time."""
    try:
        release_id, organisation_id, user_id, token_id, ends = _signer(secret).loads(key)
    except (BadData, ValueError, TypeError):
        raise NotALink from None
    # The last letter of a signature has bits that say nothing: one link has one form.
    said = [release_id, organisation_id, user_id, token_id, ends]
    if _signer(secret).dumps(said) != key:
        raise NotALink
    if at.timestamp() >= ends:
        raise LinkOver
    if not _speaks(session, organisation_id, user_id, token_id, at):
        raise NotALink
    wanted = grants.readable([organisation_id]).where(Release.id == release_id)
    release = session.exec(wanted).first()
    if release is None:
        raise NotALink
    return Opens(release, Reader(organisation_id, Way.LINK, user_id, token_id))


def _speaks(
    session: Session,
    organisation_id: int,
    user_id: int | None,
    token_id: int | None,
    at: datetime,
) -> bool:
    """Return whether the maker of a link still is who they were."""
    if token_id is not None:
        token = session.get(ApiToken, token_id)
        if token is None or token.is_over(at):
            return False
    if user_id is None:
        return token_id is not None
    user = session.get(User, user_id)
    is_active = user is not None and user.active
    return is_active and organisation_id in organisations.ids_of(session, user_id)


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=SALT)
