"""Damage is found: a flipped byte anywhere, a file cut off or lost, what does not belong there; and mended where that can be."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from survey import Refused, open_study, store
from survey import build as panels
from survey.store import manifest
from tests.survey.store.faults import said
from tests.survey.store.ground import snapshot, write

FRAMES = {
    "members": pd.DataFrame({"member": [f"m{n}" for n in range(200)], "score": [n / 7 for n in range(200)]}),
    "labels": pd.DataFrame({"en": ["a", "b"], "zh": ["甲", "乙"]}),
}
KEEP = pytest.mark.parametrize("keep", [False, True], ids=["derived", "kept"])
FLIPS = 100  # in each file
BOOKS = (manifest.NAME, manifest.COPY)


@pytest.fixture
def filled(home: Path) -> Path:
    """A store with derived and kept tables and a version."""
    store.save(home, "derived", FRAMES, {"n": 1}, fingerprint="f" * 16)
    store.save(home, "kept", {"ids": pd.DataFrame({"id": ["x"]})}, {}, keep=True)
    store.record(home, {"of": "derived", "inputs": {"f": "1"}, "code": "c"})
    assert store.verify(home).faults == ()
    return home


def files(home: Path) -> list[Path]:
    return [path for path in sorted(home.rglob("*")) if path.is_file()]


def _loaded(home: Path) -> list[str]:
    """Keys whose tables a reader gets; those that are refused are not among them."""
    found = []
    for key in ("derived", "kept"):
        try:
            sealed = store.load(home, key)
        except Refused:
            continue
        found += [key] if sealed is not None else []
    return found


def test_a_flipped_byte_anywhere_is_found(filled: Path) -> None:
    draw = random.Random(7)
    flips = 0
    for path in files(filled):
        data = path.read_bytes()
        spots = {0, len(data) - 1, *(draw.randrange(len(data)) for _ in range(FLIPS))}
        for at in spots:
            path.write_bytes(data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :])
            faults = store.verify(filled).faults
            assert [path.name[:12] in f.file for f in faults].count(True) == 1, (path.name, at)
            if path.name not in BOOKS:
                assert len(_loaded(filled)) == 1, (path.name, at)
            flips += 1
        path.write_bytes(data)
    assert store.verify(filled).faults == ()
    assert flips > 4 * FLIPS * 0.8


@pytest.mark.parametrize("part", [0, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_found(filled: Path, part: float) -> None:
    for path in files(filled):
        data = path.read_bytes()
        path.write_bytes(data[: int(part * len(data))])
        assert len(store.verify(filled).faults) == 1, path.name
        if path.name not in BOOKS:
            assert len(_loaded(filled)) == 1, path.name
        path.write_bytes(data)


def test_any_file_that_is_lost_is_found_each_in_its_turn(filled: Path) -> None:
    for path in files(filled):
        data = path.read_bytes()
        path.unlink()
        (fault,) = store.verify(filled).faults
        assert path.name[:12] in fault.file
        assert any(word in fault.en for word in ("missing", "lost"))
        path.write_bytes(data)
    assert store.verify(filled).faults == ()


def test_what_does_not_belong_there_is_named(filled: Path) -> None:
    (filled / "notes.txt").write_text("x", "utf-8")
    (filled / "objects" / "copy of members.parquet").write_bytes(b"x")
    (filled / "objects" / f"{'0' * 64}.parquet").write_bytes(b"x")
    found = {f.file for f in store.verify(filled).faults}
    assert found == {
        "store/small/notes.txt",
        "store/small/objects/copy of members.parquet",
        f"store/small/objects/{'0' * 12}….parquet",
    }


def test_a_table_that_no_entry_names_is_a_leftover_and_no_fault(filled: Path) -> None:
    with store.building(filled) as folder:
        FRAMES["labels"].iloc[:1].to_parquet(folder / "x.parquet")
        store.save(filled, "gone", {"x": folder / "x.parquet"}, {})
        known = manifest.read(filled).dropping(frozenset({"gone"}))
        manifest.write(filled, known)
    found = store.verify(filled)
    assert (found.faults, found.leftovers) == ((), 1)
    store.sweep(filled)
    assert store.verify(filled).leftovers == 0


@pytest.mark.parametrize("spoil", ["flip", "cut", "lose"])
@pytest.mark.parametrize("name", BOOKS)
def test_of_two_manifests_one_is_enough_and_the_other_is_mended(
    filled: Path, name: str, spoil: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = snapshot(filled)
    path = filled / name
    if spoil == "lose":
        path.unlink()
    else:
        data = path.read_bytes()
        path.write_bytes(data[:-9] if spoil == "cut" else data.replace(b'"derived"', b'"derivec"', 1))
    (fault,) = store.verify(filled).faults
    assert fault.file == f"store/small/{name}"
    assert _loaded(filled) == ["derived", "kept"]
    store.sweep(filled)
    assert snapshot(filled) == before
    assert name in caplog.text


def test_with_both_manifests_damaged_nothing_is_touched(filled: Path) -> None:
    for name in BOOKS:
        (filled / name).write_bytes(b"{}")
    before = snapshot(filled)
    for act in (
        lambda: store.load(filled, "derived"),
        lambda: store.save(filled, "new", FRAMES, {}),
        lambda: store.sweep(filled),
        lambda: store.purge(filled, "2024"),
        lambda: store.versions(filled),
    ):
        with pytest.raises(Refused, match="backup") as refused:
            act()
        assert "备份" in refused.value.faults[0].zh
    found = store.verify(filled)
    assert {f.file for f in found.faults} == {f"store/small/{name}" for name in BOOKS}
    assert not found.readable
    assert snapshot(filled) == before


@KEEP
def test_damaged_tables_are_built_again_or_asked_back(home: Path, keep: bool, caplog: pytest.LogCaptureFixture) -> None:
    store.save(home, "k", FRAMES, {}, keep=keep)
    before = snapshot(home)
    path = next((home / "objects").iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    if keep:
        with pytest.raises(Refused, match=r"cannot be built again: (labels|members)\. Restore") as refused:
            store.load(home, "k")
        assert said("partial restore from a backup", str(refused.value))
    else:
        assert store.load(home, "k") is None
        assert "are built again" in caplog.text
    store.save(home, "k", FRAMES, {}, keep=keep)
    assert snapshot(home) == before


def test_a_table_that_changes_after_it_was_opened_is_refused(filled: Path) -> None:
    sealed = store.load(filled, "derived")
    assert sealed is not None
    for name in sealed.names:
        path = sealed.path(name)
        path.write_bytes(path.read_bytes() + b" ")
        for read in (sealed.frame, sealed.path):
            with pytest.raises(Refused, match=f"table {name}"):
                read(name)


def test_a_cache_with_three_hundred_flipped_bytes_is_built_again_as_it_was(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(tmp_path, 20)
    monkeypatch.setattr(panels, "_open", {})
    first, before = open_study(folder).panel(), snapshot(home)
    draw, objects = random.Random(3), sorted((home / "objects").iterdir())
    content = {path: bytearray(path.read_bytes()) for path in objects}
    for _ in range(300):
        path = draw.choice(objects)
        content[path][draw.randrange(len(content[path]))] ^= 1 + draw.randrange(255)
    for path, data in content.items():
        path.write_bytes(data)
    assert len({fault.file for fault in store.verify(home).faults}) == len(objects)  # two entries may name one table
    monkeypatch.setattr(panels, "_open", {})
    again = open_study(folder).panel()
    for name in panels.FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(first, name))
    assert snapshot(home) == before
    assert said("corrupted cache", caplog.text)
