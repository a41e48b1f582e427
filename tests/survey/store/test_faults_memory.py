"""Too little memory: said in words, nothing stored, and the next run goes through."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.survey.store.faults import said
from tests.survey.store.ground import NAME, done, snapshot, write
from tests.survey.store.worker import Worker

PEOPLE = 20_000  # so that tables, not libraries, are what takes the memory


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_too_little_memory(worker: Worker, tmp_path: Path, share: float) -> None:
    folder, home = write(tmp_path, PEOPLE), tmp_path / "home"
    need = done(worker.run("ingest", study=folder, home=tmp_path / "other"))["memory"]
    done(worker.run("ingest", study=write(tmp_path / "1", 20), home=home))
    before = snapshot(home)
    ended = worker.run("ingest", study=folder, home=home, memory=share * need)
    assert said("out of memory", ended.words), ended
    assert snapshot(home) == before
    done(worker.run("ingest", study=folder, home=home))
    assert len(list((home / "store" / NAME / "objects").iterdir())) > len(before) - 2
