"""Files that are whole or not there: written beside, brought to the disk, then renamed.

What is being built lies in a folder named after its process, which holds a lock of the operating system on it: what a killed
process left can be told from what a living one is at.
"""

from __future__ import annotations

import contextlib
import errno
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
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=home))
        held = os.open(folder, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def left_over(home: Path) -> list[Path]:
    """Give the building folders that nobody is at work in: their process has ended and nobody holds their lock."""
    return [folder for folder in sorted(home.glob(f"{PREFIX}*")) if not (_lives(folder) or _held(folder))]


def alive(process: int) -> bool:
    """Tell whether a process of this machine lives."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _lives(folder: Path) -> bool:
    process = folder.name.removeprefix(PREFIX).partition("-")[0]
    return process.isdecimal() and alive(int(process))


def _held(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return True  # its owner has just taken it away
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


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
    """Bring a file to the disk that somebody else has written; give its SHA-256."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def settle_folder(folder: Path) -> None:
    """Bring to the disk which names a folder holds; without this a rename may be undone by a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that cannot do it for folders
            raise
    finally:
        os.close(descriptor)
