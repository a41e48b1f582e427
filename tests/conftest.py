"""Shared ground of all tests: where real data lies, and a home of their own for what a run builds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Give the folder of a real data set; skip, saying why, where it is absent."""
    home = Path(os.environ.get("WORKBENCH_TEST_DATA", ROOT.parent / "shared" / "data"))

    def folder(name: str) -> Path:
        place = home / name
        if not place.is_dir():
            pytest.skip(f"the real data set {name} is not here (WORKBENCH_TEST_DATA names its folder)")
        return place

    return folder


@pytest.fixture(scope="session")
def real_study(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Give the folder of a study of `tests/studies` with its real data put beside its wave.yaml."""

    def folder(name: str) -> Path:
        data = shared_data(name)
        study = tmp_path_factory.mktemp("studies") / name
        shutil.copytree(ROOT / "tests" / "studies" / name, study)
        for settings in study.glob("*/wave.yaml"):
            for entry in yaml.safe_load(settings.read_text("utf-8"))["files"]:
                shutil.copyfile(data / entry["file"], settings.parent / entry["file"])
        return study

    return folder


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Store, reports and keys of a test run lie in a folder of its own."""
    home = tmp_path_factory.mktemp("home")
    before = {name: os.environ.get(name) for name in ("WORKBENCH_HOME", "WORKBENCH_KEYS")}
    os.environ.update(WORKBENCH_HOME=str(home), WORKBENCH_KEYS=str(home / "keys"))
    yield home
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
