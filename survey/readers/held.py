"""A file that is opened once and read from there, whatever is put in its place meanwhile.

What a name stands for can change between the look at it and the reading: a link to another file, or a newer copy of this one. So a
file is opened once, never through a link, and everything after that is read from what was opened.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from survey.readers.raw import refuse

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_IRREGULAR = ("this is not a regular file", "这不是普通文件")
_WRITING = ("the file is still being written; wait and try again", "文件仍在写入；请稍后再试")


class Held(type(Path())):  # type: ignore[misc]  # the kind of path of this system
    """The path of an open file, which in messages has the name under which it was opened."""

    called = ""

    @property
    def name(self) -> str:
        """The name under which the file was opened."""
        return self.called or str(super().name)


@contextmanager
def held(place: Path) -> Iterator[Path]:
    """Hold a regular file open while it is read.

    Parameters
    ----------
    place : Path

    Yields
    ------
    Path
        What was opened; where the system has no names for open files (Windows, macOS), `place` itself.

    Raises
    ------
    survey.Refused
        For what is no regular file, and where it was written to, or another file put in its place, before the end.
    OSError
        Where it cannot be opened or read.
    """
    if place.is_symlink():  # for systems that cannot open without following
        refuse(place, *_IRREGULAR)
    try:
        descriptor = os.open(place, _FLAGS)
    except OSError:
        if place.is_symlink() or not place.is_file():
            refuse(place, *_IRREGULAR)
        raise
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            refuse(place, *_IRREGULAR)
        yield _named(place, descriptor)
        if _state(os.fstat(descriptor)) != _state(before):
            refuse(place, *_WRITING)
    finally:
        os.close(descriptor)


def _named(place: Path, descriptor: int) -> Path:
    path = Held(f"/proc/{os.getpid()}/fd/{descriptor}")
    path.called = place.name
    return path if path.exists() else place


def _state(about: os.stat_result) -> tuple[int, int]:
    return about.st_size, about.st_mtime_ns
