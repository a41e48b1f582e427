"""Sealed tables: whole or not at all, verified when read, private, and made again where a byte is not what it was."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

import pandas as pd
import pytest

from survey import Refused, open_study, store
from survey import panel as panels
from tests.survey.builders import write_study

FRAMES = {
    "one": pd.DataFrame({"a": pd.Series(["x", None], dtype="str"), "b": [1.5, float("nan")]}),
    "two": pd.DataFrame(
        {"t": pd.Series(["2024-03-05", None], dtype="datetime64[us]"), "n": pd.Series([1, 2], dtype="int64")}
    ),
}
META = {"calibration": {"totals": [[["x"], 3.5]]}}


def test_what_is_saved_comes_back_with_its_types(tmp_path: Path) -> None:
    store.save(tmp_path / "panel-1", FRAMES, META)
    frames, meta = store.load(tmp_path / "panel-1")
    for name, frame in FRAMES.items():
        pd.testing.assert_frame_equal(frames[name], frame)
    assert meta == META
    assert [p.name for p in tmp_path.iterdir()] == ["panel-1"]


@pytest.mark.parametrize("step", ["first", "second", "manifest", "rename"])
def test_a_run_that_stops_leaves_nothing_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    class Stopped(BaseException):
        pass

    def stop(*_: object, **__: object) -> None:
        raise Stopped

    written = pd.DataFrame.to_parquet
    if step == "second":
        monkeypatch.setattr(
            pd.DataFrame, "to_parquet", lambda f, p, **k: stop() if "two" in str(p) else written(f, p, **k)
        )
    else:
        target = {"first": (pd.DataFrame, "to_parquet"), "manifest": (Path, "write_text"), "rename": (Path, "rename")}
        monkeypatch.setattr(*target[step], stop)
    with pytest.raises(Stopped):
        store.save(tmp_path / "panel-1", FRAMES, META)
    assert store.load(tmp_path / "panel-1") is None
    assert not (tmp_path / "panel-1").exists()
    monkeypatch.undo()
    store.save(tmp_path / "panel-1", FRAMES, META)
    assert store.load(tmp_path / "panel-1") is not None


def test_every_flipped_byte_and_every_lost_file_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "panel-1"
    store.save(folder, FRAMES, META)
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        for at in range(0, len(data), 1 + len(data) // 40):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            loaded = store.load(folder)
            assert loaded is None or (path.suffix == ".json" and data[at : at + 1].isspace())
        path.write_bytes(data[: len(data) // 2])
        assert store.load(folder) is None
        path.unlink()
        assert store.load(folder) is None
        path.write_bytes(data)
    assert store.load(folder) is not None


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"files": [], "meta": {}, "sum": ""}', "\udcff"])
def test_a_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert store.load(tmp_path) is None


def test_tables_that_another_run_has_written_stay(tmp_path: Path) -> None:
    store.save(tmp_path / "panel-1", FRAMES, META)
    before = (tmp_path / "panel-1").stat().st_ino
    store.save(tmp_path / "panel-1", FRAMES, META)
    assert (tmp_path / "panel-1").stat().st_ino == before
    (tmp_path / "panel-1" / "one.parquet").write_bytes(b"no")
    store.save(tmp_path / "panel-1", FRAMES, META)
    assert store.load(tmp_path / "panel-1") is not None


def test_the_sweep_takes_what_is_left_over_and_not_what_is_at_work(tmp_path: Path) -> None:
    now = time.time()
    for n in range(6):
        (tmp_path / f"panel-{n}").mkdir()
        os.utime(tmp_path / f"panel-{n}", (now - n, now - n))
    for name, age in ((".building-old", 2 * store.STALE), (".building-new", 1)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (now - age, now - age))
    store.sweep(tmp_path, keep=4)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".building-new", *(f"panel-{n}" for n in range(4))]


def test_the_store_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    home = store.home("small")
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    store.save(home / "panel-1", FRAMES, META)
    assert stat.S_IMODE((home / "panel-1").stat().st_mode) == 0o700


def test_a_store_that_cannot_be_made_is_said_in_plain_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(Refused, match="WORKBENCH_HOME"):
        store.home("small")


def test_a_panel_is_built_again_where_its_store_was_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(panels, "_open", {})
    folder = write_study(tmp_path)
    first = open_study(folder).panel()
    path = next((tmp_path / "home").rglob("members.parquet"))
    manifest = json.loads(path.with_name("manifest.json").read_text("utf-8"))
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    monkeypatch.setattr(panels, "_open", {})
    again = open_study(folder).panel()
    assert again is not first
    pd.testing.assert_frame_equal(again.members, first.members)
    assert store.digest([path]) == manifest["files"]["members.parquet"]


def test_a_refused_wave_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    folder = write_study(tmp_path, {"2024": {"files": {"answers.csv": "nothing\n1\n"}}})
    with pytest.raises(Refused, match=r"2024/answers\.csv:1"):
        open_study(folder).panel()
    assert [p for p in (tmp_path / "home").rglob("*") if p.is_file()] == []
