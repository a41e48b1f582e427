"""How far the reading of a large file is, for whoever waits: a line of the log a second, with the file's name alone."""

from __future__ import annotations

import logging
import time
from pathlib import Path

QUIET = 2.0  # seconds: what is read sooner says nothing
PAUSE = 1.0  # seconds between two lines at least
_LOG = logging.getLogger("survey")


class Progress:
    """Counts what was read of a file, and says so now and then.

    Each line is an INFO record of the logger ``survey``; its attribute ``progress`` is (file's name, bytes read, bytes of the
    file). MB are 2**20 bytes. Nothing of the file's content is in it.
    """

    def __init__(self, path: Path) -> None:
        self._name, self._size, self._done = path.name, max(path.stat().st_size, 1), 0.0
        self._next = time.monotonic() + QUIET

    def add(self, read: float) -> None:
        """Note that so many more bytes were read; a part of one where a file is read more than once."""
        self._done += read
        if (now := time.monotonic()) >= self._next:
            self._next = now + PAUSE
            read = min(int(self._done), self._size)
            percent, size = 100 * read // self._size, f"{self._size / 2**20:,.0f}"
            progress = {"progress": (self._name, read, self._size)}
            _LOG.info("%s: %d %% of %s MB read", self._name, percent, size, extra=progress)
