"""Shared ground of all tests: where real data lies, and a home of their own for what a run builds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

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
