"""SPSS and Stata files that end the process in which they are read, or would take too much: refused, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest

from survey.readers import labelled, spss
from tests.survey.readers.exports import told

pytestmark = pytest.mark.slow  # every read starts a process of its own


def written(path: Path) -> Path:
    labels: Any = {"Q1": {1: "x"}}
    pyreadstat.write_sav(pd.DataFrame({"Q1": [1.0, 2.0], "Q2": [1.5, 2.5]}), path, variable_value_labels=labels)
    return path


@pytest.mark.parametrize("width", [1, 255])
def test_one_byte_that_ends_the_reading_process(tmp_path: Path, width: int) -> None:
    """A labelled number that becomes a text of this width ended the process with pyreadstat 1.3.7 (signal 11)."""
    data = bytearray(written(tmp_path / "a.sav").read_bytes())
    data[data.index(b"Q1      ") - 20] = width
    (tmp_path / "a.sav").write_bytes(data)
    assert "damaged or incomplete" in told(tmp_path / "a.sav")


def test_a_reader_that_dies_or_does_not_end_refuses_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.sav")
    monkeypatch.setattr(labelled, "SECONDS", 0.01)
    assert "more memory" in told(path)
    monkeypatch.undo()
    (tmp_path / "dies").write_text("#!/bin/sh\nkill -SEGV $$\n")
    (tmp_path / "dies").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "dies"))
    assert "damaged or incomplete" in told(path)


def test_memory_that_a_table_may_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "MAX_CELLS", 3)
    with pytest.raises(MemoryError):
        spss.tell(str(written(tmp_path / "a.sav")), None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00"), (59.9996, "00:01:00"), (-3661.25, "-01:01:01.250"), (360_000, "100:00:00")],
)
def test_a_length_of_time(seconds: float, text: str) -> None:
    assert labelled.clock(seconds) == text
