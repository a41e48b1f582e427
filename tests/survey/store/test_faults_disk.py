"""Faults of the disk: full, failing at any one call, not to be written. Words, the old state, and the run after it goes through."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from survey import Refused, store
from tests.survey.store.faults import said
from tests.survey.store.ground import NAME, Ground, done, snapshot, stamps, write
from tests.survey.store.tap import WRITES, Tap, failing
from tests.survey.store.worker import Worker

NOBODY = 65534
MOST = 200  # calls of the run below; it makes about a hundred


def begin(home: Path) -> None:
    """The old state: a version, and a table that the sweep of the run takes."""
    store.save(home, "old", {"t": pd.DataFrame({"v": [1]})}, {"waves": ["1"]})
    store.record(home, {"of": "old", "inputs": {"f": "1"}, "code": "c"})
    store.save(home, "spare", {"t": pd.DataFrame({"v": [0]})}, {})


def run(home: Path) -> None:
    """To the new state."""
    store.save(home, "new", {"t": pd.DataFrame({"v": [2]}), "u": pd.DataFrame({"v": [3]})}, {"waves": ["1"]})
    store.record(home, {"of": "new", "inputs": {"f": "2"}, "code": "c"})
    store.sweep(home, keep=0)


@pytest.fixture
def clean(home: Path, tmp_path: Path) -> dict[str, str]:
    """What the new state is."""
    begin(home)
    place = Path(shutil.copytree(home, tmp_path / "clean" / NAME))
    run(place)
    return snapshot(place)


@pytest.mark.slow
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
@pytest.mark.parametrize("names", [WRITES, ("read",)], ids=["writing", "reading"])
def test_an_error_at_each_call_in_turn(
    home: Path, tmp_path: Path, clean: dict[str, str], error: int, names: tuple[str, ...]
) -> None:
    words = set()
    for k in range(1, MOST):
        place = Path(shutil.copytree(home, tmp_path / f"{k}" / NAME))
        with Tap(place, failing(k, error, names), reads=True) as tap:
            try:
                run(place)
            except Refused as refused:
                words.update(f.en for f in refused.faults)
        if sum(call.name in names for call in tap.calls) < k:
            break
        assert store.verify(place).faults == (), str(tap.calls[-1])
        old = store.load(place, "old")
        assert old is not None
        assert old.frame("t")["v"].tolist() == [1]
        run(place)
        assert snapshot(place) == clean, str(tap.calls[-1])
    else:
        raise AssertionError("no run came to its end")
    assert k > (5 if names == ("read",) else 80), "hardly a call was spoilt"
    if names == WRITES:
        row = "I/O error on read, write, fsync" if error == errno.EIO else "disk full"
        assert [w for w in words if said(row, w)], words
    print(f"\n{errno.errorcode[error]}, {'/'.join(names[:2])}: {k - 1} runs, each with one call spoilt; 0 torn")


def test_a_limit_on_the_size_of_files(ground: Ground, worker: Worker, tmp_path: Path) -> None:
    home = ground.copy(tmp_path / "home")
    before = snapshot(home)
    ended = worker.run("ingest", study=ground.second, home=home, file_size=6000)
    assert said("disk full", ended.words), ended
    assert {k: v for k, v in snapshot(home).items() if k in before} == before
    assert store.verify(home / "store" / NAME).faults == ()
    done(worker.run("ingest", study=ground.second, home=home))
    assert snapshot(home) == ground.after


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("a file system cannot be mounted here; the other tests of a full disk do not need one")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_full(ground: Ground, worker: Worker, small_disk: Path) -> None:
    home = small_disk / "home"
    shutil.copytree(ground.before, home)
    before = snapshot(home)
    other = small_disk / "other"
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize
    other.write_bytes(b"x" * (free - 30_000))
    ended = worker.run("ingest", study=ground.second, home=home)
    assert said("disk full", ended.words), ended
    assert snapshot(home) == before
    assert os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize >= 30_000 - 4096
    other.unlink()
    done(worker.run("ingest", study=ground.second, home=home))
    assert snapshot(home) == ground.after


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that every user may look into."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    for folder in [place, *(p for p in place.rglob("*") if p.is_dir())]:
        folder.chmod(0o700)
    shutil.rmtree(place)


def _given(place: Path, user: int | None) -> None:
    for path in [place, *place.rglob("*")]:
        if user is not None:
            os.chown(path, user, user)


def test_a_folder_that_may_not_be_written(ground: Ground, worker: Worker, open_place: Path) -> None:
    """As an ordinary user: nothing forbids root to write."""
    user = NOBODY if os.geteuid() == 0 else None
    own = Path(store.__file__).resolve()
    if user is not None and not all(folder.stat().st_mode & 0o005 == 0o005 for folder in own.parents):
        pytest.skip("root's project lies in a folder that no other user may look into, so that none can run it")
    home = ground.copy(open_place / "home")
    first, second = write(open_place / "1", 20), write(open_place / "2", 24)
    _given(open_place, user)
    for path in (home / "store" / NAME / "objects", home / "store" / NAME):
        path.chmod(0o500)
    before, times = snapshot(home), stamps(home)
    ended = worker.run("ingest", study=second, home=home, user=user)
    assert said("read-only folder", ended.words), ended
    assert str(home / "store" / NAME) in ended.words
    assert done(worker.run("ingest", study=first, home=home, user=user))["rows"] == 20  # what is there can be read
    assert (snapshot(home), stamps(home)) == (before, times)


def test_a_place_where_no_store_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(Refused, match="WORKBENCH_HOME"):
        store.home("small")


def test_the_store_of_another_user(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = home.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(Refused) as refused:
        store.home("small")
    assert said("another user's store", str(refused.value))
    assert f"number {owner}, you are {owner + 1}" in str(refused.value)
