"""Too little memory: said in words wherever it is Python that is told; nothing is torn, and the next run goes through.

A library written in C may end the process instead of saying that it got no memory; then what was stored is as it was all the same.
"""

from __future__ import annotations

import errno
import shutil
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

PEOPLE = 50_000  # so that tables, not libraries, are what takes the memory
KINDS = (
    MemoryError("Unable to allocate 3 GiB"),
    np._core._exceptions._ArrayMemoryError((2**40,), np.dtype("float64")),
    pa.ArrowMemoryError("malloc of size 64 failed"),
    duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    RuntimeError("can't start new thread"),
    pa.ArrowException("Unknown error: Failed to launch worker thread: Resource temporarily unavailable"),
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

    monkeypatch.setattr(panels, "assemble", broken)
    with pytest.raises(type(kind)):
        open_study(folder).panel()


@pytest.mark.slow
def test_too_little_memory(worker: Worker, tmp_path: Path) -> None:
    folder, first = write(tmp_path, PEOPLE), tmp_path / "first"
    done(worker.run("ingest", study=write(tmp_path / "1", 20), home=first))
    before, found = snapshot(first / "store" / NAME / "objects"), Counter[str]()
    need = done(worker.run("ingest", study=folder, home=shutil.copytree(first, tmp_path / "free")))["memory"]
    for share in (0.02, 0.1, 0.25, 0.5, 0.75):
        home = shutil.copytree(first, tmp_path / f"at-{share}")
        ended = worker.run("ingest", study=folder, home=home, memory=share * need)
        found[_how(ended)] += 1
        assert store.verify(home / "store" / NAME).faults == ()
        assert before.items() <= snapshot(home / "store" / NAME / "objects").items()
        done(worker.run("ingest", study=folder, home=home))
        assert len(store.versions(home / "store" / NAME)) == 2
    print(f"\nat 2 to 75 % of the {need / 1e6:.0f} MB that it took: {dict(found)}; 0 torn")
    assert found["said in words"] > 0


def _how(ended: Ended) -> str:
    """How a run ended that had too little memory; much of what it takes otherwise it only reserves, so that it may go through."""
    if ended.gave is not None:
        return "went through"
    assert ended.raised is None or "MemoryError" in ended.raised, ended
    assert ended.refused is None or said("out of memory", ended.words), ended
    return "said in words" if ended.refused else "process ended"
