"""What tables are made from, by checksums: the study's own files, what arrived, the workbench's code."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from survey import raw_files, store
from survey.identity import Key
from survey.study import Study, Wave


@cache
def code() -> str:
    """Give the checksum of the code that makes tables; 64 hex digits."""
    here = Path(__file__).parent
    return store.digest(sorted(here.rglob("*.py")) + sorted(here.glob("*.csv")))


def of_panel(study: Study, waves: Sequence[Wave], key: Key) -> dict[str, Any]:
    """Give all that a panel hangs on: ``study, waves, inputs`` ({file: SHA-256}), ``key`` (fingerprint), ``code``."""
    return {
        "study": study.name,
        "waves": [w.name for w in waves],
        "inputs": raw_files.sums(study, waves),
        "key": key.fingerprint,
        "code": code(),
    }
