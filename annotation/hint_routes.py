"""The address that Label Studio calls when something has changed there."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from annotation import hints
from core.access import public, takes_json
from core.clock import now
from core.db import db_session

bp = Blueprint("hints", __name__)


@bp.post("/webhooks/label-studio")
@public
@takes_json
def take() -> ResponseReturnValue:
    """Wake a look at a project; of what is sent only two headers are read, and no body."""
    given = request.headers
    hints.take(db_session(), given.get(hints.PROJECT, ""), given.get(hints.SECRET, ""), at=now())
    return "", 204
