"""Every example of a docstring runs, and says what it gives."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("survey", "analysis", "reports")
ELSEWHERE = {"survey.activity.spark", "survey.simulate.__main__"}  # an extra; runs when it is imported


def modules() -> Iterator[str]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            if ">>>" in path.read_text("utf-8") and name not in ELSEWHERE:
                yield name


@pytest.mark.parametrize("name", list(modules()))
def test_the_examples_of_a_module_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0
