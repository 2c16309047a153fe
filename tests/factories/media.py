"""Media files, valid by default, with a small picture in them."""

import io
from base64 import b64decode

from sqlmodel import Session

from accounts.models import User
from annotation import media
from annotation.media import Wanted
from annotation.media_models import MediaUpload, TaskMedia
from core.clock import now
from core.settings import Settings
from projects.models import Project

PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


def make_media_upload(
    session: Session,
    project: Project,
    *,
    by: User,
    settings: Settings,
    name: str = "b.png",
    size: int = 100,
) -> MediaUpload:
    """Make a file on its way in, of which nothing is here."""
    wanted = Wanted(name, size, "1")
    return media.begin(session, project, wanted, by=by.id, settings=settings, at=now())


def make_media(
    session: Session,
    project: Project,
    *,
    by: User,
    settings: Settings,
    name: str = "a.png",
    content: bytes = PIXEL,
    replaces: bool = False,
) -> TaskMedia:
    """Make a file of a project, with its content on the disk."""
    upload = make_media_upload(
        session, project, by=by, settings=settings, name=name, size=len(content)
    )
    store, stream = media.root(settings), io.BytesIO(content)
    media.receive(session, upload, stream, start=0, store=store, at=now())
    return media.finish(session, project, upload, replaces=replaces, settings=settings, at=now())
