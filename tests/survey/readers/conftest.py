"""Real exports, each read once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from survey import RawTable, read_table


@pytest.fixture(scope="session")
def real_table(shared_data: Callable[[str], Path]) -> Callable[[str, str], RawTable]:
    """Give a file of a real data set as it is read; nobody changes it."""
    return cache(lambda folder, file: read_table(shared_data(folder) / file))
