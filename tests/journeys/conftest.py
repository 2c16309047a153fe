"""What stories need: the run's Label Studio, and an instance for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.instance import Instance, running
from tests.label_studio_server import Server, shared_server


@pytest.fixture(scope="session")
def label_studio(shared: Path) -> Server:
    """The run's Label Studio."""
    return shared_server(shared)


@pytest.fixture
def instance(postgres: str, tmp_path: Path, label_studio: Server) -> Iterator[Instance]:
    """An instance with everything that it needs."""
    with running(postgres, tmp_path, label_studio) as told:
        yield told
