"""A store of its own for each test, and the process that does what a test must not do itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from survey import store
from tests.survey.store.ground import Ground, prepare
from tests.survey.store.worker import Worker


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store."""
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    return store.home("small")


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """A process that forks itself for each job."""
    one = Worker()
    yield one
    one.close()


@pytest.fixture(scope="session")
def ground(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A study before and after a correction, run undisturbed."""
    return prepare(tmp_path_factory.mktemp("ground"), worker)
