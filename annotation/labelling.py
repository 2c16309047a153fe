"""Which labelling backend an instance uses, connected when it is first asked for something.

The backend's SDK is several hundred megabytes of other people's code. Only workers ever ask, so
web processes never load it: it is imported by name, at the first call.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from core.ports import LabellingBackend
from core.settings import Settings


def labelling_backend(settings: Settings) -> LabellingBackend:
    """Return Label Studio as our port; nothing is loaded or asked yet."""

    def connect() -> LabellingBackend:
        module = import_module("annotation.label_studio")
        backend: LabellingBackend = module.LabelStudioBackend(
            settings.label_studio_url, settings.label_studio_token.get_secret_value()
        )
        return backend

    return cast(LabellingBackend, _WhenNeeded(connect))


class _WhenNeeded:
    """Stands for a port until its first use."""

    def __init__(self, connect: Callable[[], LabellingBackend]) -> None:
        self._connect = connect
        self._backend: LabellingBackend | None = None

    def __getattr__(self, name: str) -> Any:
        if self._backend is None:
            self._backend = self._connect()
        return getattr(self._backend, name)
