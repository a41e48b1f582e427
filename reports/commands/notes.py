"""What befell the store while a command ran (a table built again, a file that changed), on the screen of whoever waits."""

from __future__ import annotations

import logging
import sys


class _Notes(logging.Handler):
    """Writes the records of `survey.store` to standard error, in one language, and no other records."""

    def __init__(self, language: str) -> None:
        super().__init__(logging.INFO)
        self._which = 1 if language == "en" else 2

    def emit(self, record: logging.LogRecord) -> None:
        note = getattr(record, "note", None)
        if note is not None:
            sys.stderr.write(f"{note[0]}: {note[self._which]}\n")
            sys.stderr.flush()


def show_notes(language: str) -> None:
    """Show from now on what befalls a store.

    Parameters
    ----------
    language : {'en', 'zh'}
    """
    log = logging.getLogger("survey")
    if not any(isinstance(handler, _Notes) for handler in log.handlers):
        log.addHandler(_Notes(language))
        log.setLevel(logging.INFO)
