"""Pushes a release to the real Hub, or to any hub that speaks its protocol, as one commit.

`huggingface_hub` does it, which is no part of the instance: `pip install doyen[hub]`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.errors import DomainError
from releases import storage
from releases.models import Release

hub: Any = None
if find_spec("huggingface_hub") is not None:
    import huggingface_hub as hub


class Lacking(Exception):
    """The library huggingface_hub is not installed here: pip install doyen[hub]."""

    def __str__(self) -> str:
        """Say what is lacking."""
        return str(self.__doc__)


class PushRefused(DomainError):
    """The hub did not take it: %(words)s"""  # noqa: D400, D415

    status = 502


class HubSilent(DomainError):
    """%(endpoint)s does not answer (%(words)s). Push again later: nothing is sent there twice."""

    status = 502


@dataclass(frozen=True)
class Wish:
    """Where a release goes."""

    repository: str
    endpoint: str
    token: str
    public: bool


def push(folder: Path, release: Release, wish: Wish, extra: Mapping[str, Path]) -> str:
    """Push the files and set the tag; again, the hub finds nothing new. Return the commit."""
    if hub is None:
        raise Lacking
    client = hub.HfApi(endpoint=wish.endpoint, token=wish.token or None)
    adds = [
        hub.CommitOperationAdd(path.as_posix(), folder / path) for path in storage.files(folder)
    ] + [hub.CommitOperationAdd(name, file) for name, file in sorted(extra.items())]
    try:
        client.create_repo(
            wish.repository, repo_type="dataset", private=not wish.public, exist_ok=True
        )
        commit = client.create_commit(
            wish.repository,
            adds,
            repo_type="dataset",
            commit_message=f"Release {release.version}",
            commit_description=release.changelog,
        )
        client.create_tag(
            wish.repository,
            tag=f"v{release.version}",
            revision=commit.oid,
            repo_type="dataset",
            exist_ok=True,
        )
    except (hub.errors.HfHubHTTPError, OSError, ValueError) as error:
        raise PushRefused(words=str(error)) from error
    except hub.errors.HTTPError as error:  # no connection, or one that broke off
        raise HubSilent(endpoint=wish.endpoint, words=str(error)) from error
    return str(commit.oid)
