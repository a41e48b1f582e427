"""Many processes at once: nothing is lost, nothing is half, and the end is that of one after the other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from survey import store
from survey.store import manifest
from tests.survey.store import actions
from tests.survey.store.ground import NAME, Ground, done, snapshot
from tests.survey.store.worker import Worker

AT_ONCE = 20
SLOW = pytest.mark.slow


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=SLOW)])
def test_twenty_processes_are_one_after_the_other(worker: Worker, tmp_path: Path, rounds: int) -> None:
    home = tmp_path / "many"
    jobs = [("save_many", {"home": home, "writer": w, "rounds": rounds}) for w in range(AT_ONCE)]
    assert [ended.gave for ended in worker.together(jobs)] == [rounds] * AT_ONCE
    known, place = manifest.read(home / "store" / NAME), home / "store" / NAME
    assert len(known.entries) == AT_ONCE * rounds
    assert sorted(e.number for e in known.entries.values()) == list(range(1, 1 + AT_ONCE * rounds))
    assert store.verify(place).faults == ()
    for key in known.entries:
        sealed = store.load(place, key)
        assert sealed is not None
        writer, n = map(int, key.split("-"))
        pd.testing.assert_frame_equal(sealed.frame("t"), actions.table(writer, n))
    serial = tmp_path / "serial" / "store" / NAME
    serial.mkdir(parents=True)
    for key in sorted(known.entries, key=lambda k: known.entries[k].number):
        frames = {"t": actions.table(*map(int, key.split("-")))}
        store.save(serial, key, frames, {"waves": []}, keep=True)
    assert snapshot(place) == snapshot(serial)


@SLOW
def test_twenty_ingests_at_once_are_one(ground: Ground, worker: Worker, tmp_path: Path) -> None:
    home = ground.copy(tmp_path / "home")
    jobs = [("ingest", {"home": home, "study": ground.second}) for _ in range(AT_ONCE)]
    assert {done(ended)["rows"] for ended in worker.together(jobs)} == {24}
    assert snapshot(home) == ground.after


@pytest.mark.parametrize("swaps", [40, pytest.param(500, marks=SLOW)])
def test_a_reader_sees_a_whole_version_during_many_swaps(worker: Worker, tmp_path: Path, swaps: int) -> None:
    jobs = [
        ("swap", {"home": tmp_path, "rounds": swaps, "rows": 50}),
        ("read_on", {"home": tmp_path, "until": swaps - 1}),
    ]
    swapped, read = worker.together(jobs)
    assert swapped.gave == swaps, swapped
    found = done(read)
    assert found["torn"] == []  # refusals in the words of "reader during write" are told apart there
    assert found["seen"] > swaps // 20
    print(f"\n{found['seen']} of {swaps} versions read, {found['late']} refused because a newer one was there, 0 torn")
