"""Reports made once for all tests that look at them: the demo's, and those of the real studies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.export import export
from survey import open_study


@pytest.fixture(scope="session")
def demo_report(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """The demo's report of its latest wave, both languages."""
    return export(open_study(project / "data" / "raw" / "demo"), out=tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def real_report(real_study: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the report of a real study."""
    made: dict[str, Path] = {}

    def report(name: str) -> Path:
        if name not in made:
            made[name] = export(open_study(real_study(name)), out=tmp_path_factory.mktemp(name))
        return made[name]

    return report
