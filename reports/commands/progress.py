"""How far the reading of a large file is, on the screen of whoever waits: ``answers.csv  35 %  (358 / 1,024 MB)``."""

from __future__ import annotations

import logging
import sys
import time

PAUSE = 5.0  # seconds between two lines: enough to see that it goes on, few enough for a log


class _Lines(logging.Handler):
    """Writes the records of `survey.readers.progress` to standard error, a line each, and no other records."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._next = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        progress = getattr(record, "progress", None)
        if progress is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PAUSE
        name, read, size = progress
        sys.stderr.write(f"{name}  {100 * read // size} %  ({read / 2**20:,.0f} / {size / 2**20:,.0f} MB)\n")
        sys.stderr.flush()


def show_progress() -> None:
    """Show from now on how far the reading of large files is."""
    log = logging.getLogger("survey")
    if not any(isinstance(handler, _Lines) for handler in log.handlers):
        log.addHandler(_Lines())
        log.setLevel(logging.INFO)
