"""Files that are whole or not there: written beside, brought to the disk, then renamed.

What is being built lies in a folder on which its process holds a lock of the operating system: what a killed process left can
be told from what a living one is at, whatever number either has.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from survey.store.place import guarded

PREFIX = ".building-"


@contextlib.contextmanager
def building(home: Path) -> Iterator[Path]:
    """Give a folder inside the store for what is not finished; it goes with all that is left in it.

    A Parquet file that an engine writes there can be handed to `save` without being copied.

    Raises
    ------
    survey.Refused
        Where the disk is full or the store may not be written.
    """
    with guarded(home):
        folder, held = _claimed(home)
    try:
        yield folder
    finally:
        _take_away(folder)
        let_go(held)


def _take_away(folder: Path) -> None:
    """Delete a building folder; what the disk does not let go now, the next sweep takes."""
    with contextlib.suppress(OSError):  # of closing what was opened to look into it
        shutil.rmtree(folder, ignore_errors=True)


def let_go(descriptor: int) -> None:
    """Close what was open for its lock alone: nothing was written through it, so that nothing is lost where that fails."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _claimed(home: Path) -> tuple[Path, int]:
    """Make a folder and lock it; once more where it was taken for a leftover before the lock was on it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
        held = _locked(folder, fcntl.LOCK_EX)
        if held is not None:
            return folder, held


def _locked(folder: Path, how: int) -> int | None:
    """Lock a folder; None where it is gone, or another process holds it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, how)
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def left_over(home: Path) -> bool:
    """Tell whether a process has left a building folder behind: nobody holds its lock."""
    return any(_nobodys(folder) for folder in home.glob(f"{PREFIX}*"))


def take_away_left_over(home: Path) -> None:
    """Delete the building folders that nobody is at work in."""
    for folder in sorted(home.glob(f"{PREFIX}*")):
        _nobodys(folder, delete=True)


def _nobodys(folder: Path, *, delete: bool = False) -> bool:
    held = _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if held is None:
        return False
    try:
        if delete:
            _take_away(folder)
    finally:
        let_go(held)
    return True


class _Draft(io.RawIOBase):
    """A new file; what is written to it is counted into its checksum."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._sum = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._sum.update(view)
        done = 0
        while done < len(view):
            done += os.write(self._descriptor, view[done:])
        return done

    def settle(self) -> str:
        os.fsync(self._descriptor)
        return self._sum.hexdigest()

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)  # which may be where a full disk is told


def written(path: Path, fill: Callable[[Any], object]) -> str:
    """Write a new file with what `fill` gives and bring it to the disk; give its SHA-256."""
    with _Draft(path) as draft:
        fill(draft)
        return draft.settle()


def settled(path: Path) -> str:
    """Bring a file to the disk that somebody else has written, private like all others; give its SHA-256."""
    with path.open("rb") as file:
        os.fchmod(file.fileno(), 0o600)
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()
