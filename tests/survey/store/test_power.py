"""A loss of power: only what was brought to the disk is certain. Every state that could be left is built, and must be whole.

The calls of a run are replayed on a disk that keeps as little as it may: a file holds what it held at its last fsync (nothing where
there was none); a folder's names are those of its last fsync, and of the changes since then all, none, or any single one is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from survey import store
from survey.store import manifest
from tests.survey.store.tap import Call, Tap

OBJECTS = "/" + manifest.OBJECTS
Names = dict[str, bytes]  # what lies in the store, but for the lock and what is being built


@dataclass
class Disk:
    """What is certain of a store, and what may or may not be there."""

    root: Path
    certain: Names = field(default_factory=dict)
    pending: list[tuple[str, bytes | None]] = field(default_factory=list)
    drafts: Names = field(default_factory=dict)
    left: list[Names] = field(default_factory=list)
    manifests: list[bytes] = field(default_factory=list)

    def __call__(self, call: Call, when: str) -> None:
        """Follow a call once it was made."""
        if when == "after":
            self._follow(call)
            self.left += self.possible()

    def _follow(self, call: Call) -> None:
        place = call.places[0]
        if call.name == "fsync" and (self.root / place).is_dir():
            self._settle(place)
        elif call.name == "fsync":
            self.drafts[place] = (self.root / place).read_bytes()
        elif call.name == "replace":
            self.pending.append((call.places[1], self.drafts.get(place, b"")))
            if call.places[1].endswith("/" + manifest.NAME):
                self.manifests.append((self.root / call.places[1]).read_bytes())
        elif call.name == "mkdir" and place.endswith(OBJECTS):
            self.pending.append((place, b""))
        elif call.name == "unlink" and place.endswith(".parquet"):
            self.pending.append((place, None))

    def _settle(self, folder: str) -> None:
        here = [one for one in self.pending if os.path.dirname(one[0]) == folder]
        self.pending = [one for one in self.pending if one not in here]
        _apply(self.certain, here)

    def possible(self) -> Iterator[Names]:
        """States in which the power may fail now."""
        for chosen in (self.pending, [], *([one] for one in self.pending)):
            state = dict(self.certain)
            _apply(state, chosen)
            yield state


def _apply(names: Names, changes: list[tuple[str, bytes | None]]) -> None:
    for name, content in changes:
        names.pop(name, None)
        if content is not None:
            names[name] = content


def table(n: int) -> dict[str, pd.DataFrame]:
    return {"t": pd.DataFrame({"v": [n]}), "same": pd.DataFrame({"s": [0]})}


def work(home: Path) -> None:
    """Everything by which a store is written."""
    for n in range(3):
        store.save(home, f"k{n}", table(n), {"waves": [f"w{n}"]}, fingerprint="f" * 16)
    with store.building(home) as folder:
        pd.DataFrame({"e": [1]}).to_parquet(folder / "engine.parquet")
        store.save(home, "kept", {"e": folder / "engine.parquet"}, {"waves": ["w0"]}, keep=True)
    store.record(home, {"of": "k0", "inputs": {"f": "1"}, "code": "c"})
    store.sweep(home, keep=1)
    store.purge(home, "w0")


def after(home: Path, disk: Disk) -> list[Names]:
    """Run on an ordinary disk under the eyes of the other one; give each state that could be left, once."""
    with Tap(disk.root, disk):
        work(home)
    different = {tuple(sorted(state.items())): state for state in disk.left}
    return list(different.values())


def test_whatever_a_loss_of_power_leaves_is_whole(home: Path, tmp_path: Path) -> None:
    disk = Disk(tmp_path / "home")
    states = after(home, disk)
    found = set()
    for n, state in enumerate(states):
        place = tmp_path / f"{n}" / "small"
        _write(place, state)
        assert store.verify(place).faults == (), sorted(state)
        known = manifest.read(place)
        found.add(known.text())
        for key in known.entries:
            assert store.load(place, key) is not None
    certain = {manifest.Manifest().text(), *disk.manifests}
    assert found == certain
    print(f"\n{len(states)} states after a loss of power, {len(certain)} manifests; 0 torn")


def test_what_is_done_is_on_the_disk(home: Path, tmp_path: Path) -> None:
    """When `save` and `record` have come back, no loss of power takes their work away."""
    disk = Disk(tmp_path / "home")
    steps: tuple[Callable[[], object], ...] = (
        lambda: store.save(home, "k", table(1), {}),
        lambda: store.record(home, {"of": "k", "inputs": {}, "code": "c"}),
        lambda: store.purge(home, "w"),
    )
    with Tap(disk.root, disk):
        for n, step in enumerate(steps):
            step()
            _write(tmp_path / f"{n}" / "small", disk.certain)
            assert manifest.read(tmp_path / f"{n}" / "small").text() == (home / manifest.NAME).read_bytes()
            assert store.load(tmp_path / f"{n}" / "small", "k") is not None


def test_the_store_s_own_folder_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "a" / "b"))
    with Tap(tmp_path, lambda *_: None) as tap:
        store.home("small")
    made = [c.places[0] for c in tap.calls if c.name == "mkdir"]
    last = max(n for n, c in enumerate(tap.calls) if c.name == "mkdir")
    settled = {c.places[0] for c in tap.calls[last:] if c.name == "fsync"}
    assert {os.path.dirname(path) for path in {"a", "a/b", "a/b/store", "a/b/store/small"} & set(made)} - {
        ""
    } <= settled
    assert "a/b/store/small" in made


def _write(place: Path, state: Names) -> None:
    """Write what is left; where the name of the folder of tables is not, they are not either."""
    place.mkdir(parents=True)
    folder = [name for name in state if name.endswith(OBJECTS)]
    for name, content in state.items():
        path = place / name.removeprefix("store/small/")
        if name in folder:
            path.mkdir(exist_ok=True)
        elif folder or f"{OBJECTS}/" not in name:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
