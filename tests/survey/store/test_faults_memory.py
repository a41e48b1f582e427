"""Too little memory: said in words wherever it is Python that is told; nothing is torn, and the next run goes through.

A library written in C may end the process instead of saying that it got no memory; then what was stored is as it was all the same.
"""

from __future__ import annotations

import errno
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from survey import Refused, open_study, store
from survey import build as panels
from tests.survey.store.faults import said
from tests.survey.store.ground import NAME, done, snapshot, write
from tests.survey.store.worker import Ended, Worker

PEOPLE = 20_000  # so that tables, not libraries, are what takes the memory
FIRST, STEPS = 64e6, 3  # bytes of the first limit that is tried; halvings by which the need is found
KINDS = (
    MemoryError("Unable to allocate 3 GiB"),
    np._core._exceptions._ArrayMemoryError((2**40,), np.dtype("float64")),
    pa.ArrowMemoryError("malloc of size 64 failed"),
    duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    RuntimeError("can't start new thread"),
    ImportError("x.so: failed to map segment from shared object"),
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_whoever_says_it_it_is_said_in_words(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Exception
) -> None:
    monkeypatch.setattr(panels, "_open", {})
    folder = write(tmp_path, 20)

    def scarce(*_: Any) -> None:
        raise kind

    monkeypatch.setattr(panels, "take_in", scarce)
    with pytest.raises(Refused) as refused:
        open_study(folder).panel()
    assert said("out of memory", str(refused.value))
    assert snapshot(home) == {}


@pytest.mark.parametrize(
    "kind", [OSError(errno.EIO, "-"), RuntimeError("a bug"), ImportError("no module"), KeyError("x")]
)
def test_other_errors_stay_what_they_are(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Exception
) -> None:
    monkeypatch.setattr(panels, "_open", {})
    folder = write(tmp_path, 20)

    def broken(*_: Any) -> None:
        raise kind

    monkeypatch.setattr(panels, "_build", broken)
    with pytest.raises(type(kind)):
        open_study(folder).panel()


@pytest.mark.slow
def test_too_little_memory(worker: Worker, tmp_path: Path) -> None:
    folder, home = write(tmp_path, PEOPLE), tmp_path / "home"
    done(worker.run("ingest", study=write(tmp_path / "1", 20), home=home))
    need, before, found = _need(worker, folder, tmp_path), snapshot(home / "store" / NAME / "objects"), Counter[str]()
    for share in (0.25, 0.5, 0.75):
        ended = worker.run("ingest", study=folder, home=home, memory=share * need)
        assert ended.gave is None
        assert ended.raised is None or "MemoryError" in ended.raised, ended
        assert ended.refused is None or said("out of memory", ended.words), ended
        found["said in words" if ended.refused else "process ended"] += 1
        assert store.verify(home / "store" / NAME).faults == ()
        assert before.items() <= snapshot(home / "store" / NAME / "objects").items()
    done(worker.run("ingest", study=folder, home=home))
    assert len(store.versions(home / "store" / NAME)) == 2
    print(f"\nat 25, 50 and 75 % of the {need / 1e6:.0f} MB that it needs: {dict(found)}; 0 torn")


def _need(worker: Worker, folder: Path, place: Path) -> float:
    """The least limit under which the run was seen to succeed."""

    def run(limit: float) -> Ended:
        return worker.run("ingest", study=folder, home=place / f"{limit}", memory=limit)

    enough = FIRST
    while run(enough).gave is None:
        enough *= 2
    short = enough / 2
    for _ in range(STEPS):
        middle = (short + enough) / 2
        short, enough = (short, middle) if run(middle).gave else (middle, enough)
    return enough
