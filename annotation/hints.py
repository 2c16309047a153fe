"""Hints of Label Studio that something has changed: each only wakes a look, and is never believed.

Whoever calls shows a secret of the project's own. What else is sent is not read.
"""

import hmac
from datetime import datetime
from hashlib import sha256

from sqlmodel import Session

from annotation import mirror_runs, pushing
from annotation.mirror_models import MirrorLook
from core.errors import NotFound
from core.settings import current_settings
from projects.models import Project

PROJECT = "X-Doyen-Project"
SECRET = "X-Doyen-Secret"  # noqa: S105 - the name of a header


def headers(project: Project) -> dict[str, str]:
    """Return what Label Studio is told to send with each hint."""
    return {PROJECT: str(project.id), SECRET: secret(project)}


def secret(project: Project) -> str:
    """Return a project's secret, which follows from the instance's own and is kept nowhere."""
    key = current_settings().secret_key.get_secret_value().encode()
    about = f"label-studio-hint {pushing.reference(project)}"
    return hmac.new(key, about.encode(), sha256).hexdigest()


def take(session: Session, project_id: str, shown: str, *, at: datetime) -> None:
    """Let a look begin soon, or raise `NotFound` for whoever does not know the secret."""
    number = int(project_id) if project_id.isascii() and project_id.isdigit() else 0
    project = session.get(Project, number) if 0 < number < 2**31 else None
    if project is None or not hmac.compare_digest(secret(project).encode(), shown.encode()):
        raise NotFound
    look = session.get(MirrorLook, number, with_for_update=True)
    if look is not None:
        look.try_at = min(look.try_at, at)
        mirror_runs.look_later(session, number)
