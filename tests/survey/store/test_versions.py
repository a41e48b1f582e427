"""A corrected file becomes a version with what changed; old ones stay readable; what none needs goes; a wave can be erased."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd
import pytest

from survey import build as panels
from survey import open_study, store
from survey.store import manifest
from tests.survey.store.faults import said
from tests.survey.store.ground import snapshot, write


def one(value: int) -> dict[str, pd.DataFrame]:
    return {"t": pd.DataFrame({"v": [value]}), "same": pd.DataFrame({"s": [0]})}


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No panel that this process has opened before."""
    monkeypatch.setattr(panels, "_open", {})


def test_changes_say_which_files(home: Path) -> None:
    before, after = {"a": "1", "b": "1", "d": "3"}, {"b": "2", "c": "1", "d": "3"}
    assert store.changes(before, after) == {"added": ["c"], "removed": ["a"], "edited": ["b"]}


@pytest.mark.usefixtures("fresh")
def test_a_corrected_file_is_a_new_version_and_the_old_one_stays_readable(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "survey")
    first, second = write(tmp_path / "1", 20), write(tmp_path / "2", 24)
    (second / "2024" / "log.csv").write_bytes((first / "2024" / "log.csv").read_bytes())
    old = open_study(first).panel()
    objects = set(snapshot(home / "objects"))
    monkeypatch.setattr(panels, "_open", {})
    new = open_study(second).panel()
    one, two = store.versions(home)
    assert (one["number"], two["number"]) == (1, 2)
    assert two["changed"] == {"added": [], "removed": [], "edited": ["2024/answers.csv"]}
    assert one["there"]
    assert two["there"]
    sealed = store.load(home, one["of"])
    assert sealed is not None
    pd.testing.assert_frame_equal(sealed.frame("members"), old.members)
    assert len(new.members) == 24
    assert objects < set(snapshot(home / "objects"))
    assert len(snapshot(home / "objects")) < 2 * len(objects)  # what did not change is there once
    assert said("raw file edited after ingest", caplog.text)
    assert "edited: 2024/answers.csv" in caplog.text
    assert "改动：2024/answers.csv" in caplog.text


@pytest.mark.usefixtures("fresh")
def test_the_first_files_again_are_a_third_version_of_the_first_tables(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = write(tmp_path / "1", 20), write(tmp_path / "2", 24)
    for folder in (first, second, first):
        monkeypatch.setattr(panels, "_open", {})
        open_study(folder).panel()
    numbers = [(v["number"], v["of"]) for v in store.versions(home)]
    assert [n for n, _ in numbers] == [1, 2, 3]
    assert numbers[0][1] == numbers[2][1] != numbers[1][1]


def test_each_wave_has_versions_of_its_own(home: Path) -> None:
    for wave, sums in (("2023", "1"), ("2024", "1"), ("2023", "1"), ("2024", "2")):
        store.record(home, {"of": f"{wave}{sums}", "inputs": {"f": sums}, "code": "c", "wave": wave})
    assert [(v["number"], v["wave"]) for v in store.versions(home)] == [(1, "2023"), (2, "2024"), (3, "2024")]
    assert [v["number"] for v in store.versions(home, "2024")] == [2, 3]
    assert not any(v["there"] for v in store.versions(home))


def test_the_sweep_leaves_versions_kept_tables_and_the_newest(home: Path) -> None:
    for n in range(7):
        store.save(home, f"k{n}", one(n), {})
    store.save(home, "kept", one(-1), {}, keep=True)
    store.record(home, {"of": "k0", "inputs": {"f": "1"}, "code": "c"})
    store.sweep(home, keep=2)
    assert set(manifest.read(home).entries) == {"k0", "k5", "k6", "kept"}
    assert len(list((home / "objects").iterdir())) == 5  # four tables t, and the one that all have
    assert store.verify(home).faults == ()
    assert store.verify(home).leftovers == 0
    before = snapshot(home)
    store.sweep(home, keep=2)
    assert snapshot(home) == before


def test_of_versions_from_the_same_files_the_newest_keeps_its_tables(home: Path) -> None:
    for n, (of, sums) in enumerate((("old code", "1"), ("new code", "1"), ("other files", "2"))):
        store.save(home, of, one(n), {})
        store.record(home, {"of": of, "inputs": {"f": sums}, "code": of, "wave": "w"})
    store.sweep(home, keep=0)
    assert {v["of"]: v["there"] for v in store.versions(home)} == {
        "old code": False,
        "new code": True,
        "other files": True,
    }


def test_a_wave_is_erased_from_every_file(home: Path) -> None:
    waves = {"2022": ["2022"], "2023": ["2022", "2023"], "2024": ["2022", "2023", "2024"]}
    for n, (key, names) in enumerate(waves.items()):
        frames = one(n) | {"who": pd.DataFrame({"id": [f"planted{w}" for w in names]})}
        store.save(home, key, frames, {"waves": names}, keep=key == "2024")
        store.record(home, {"of": key, "inputs": {f"{key}/f": "1"}, "code": "c", "wave": key})
    assert store.holding(home, "2023") == ("2023", "2024")
    gone = store.purge(home, "2023")
    assert gone.keys == ("2023", "2024")
    assert gone.files == 4  # two tables t and two who; the one that all have stays for 2022
    assert gone.bytes > 0
    assert [p for p in home.rglob("*") if p.is_file() and b"planted2023" in p.read_bytes()] == []
    sealed = store.load(home, "2022")
    assert sealed is not None
    assert sealed.frame("who")["id"].tolist() == ["planted2022"]
    assert store.verify(home).faults == ()
    assert store.purge(home, "2023").keys == ()


def test_what_a_killed_run_left_goes_with_a_purge(home: Path) -> None:
    store.save(home, "k", one(1), {"waves": ["2024"]})
    (home / ".building-left").mkdir()
    (home / ".building-left" / "0.parquet").write_bytes(b"planted")
    store.purge(home, "2024")
    assert not (home / ".building-left").exists()
