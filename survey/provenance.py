"""What tables are made from, by checksums: the study's own files, what arrived, the workbench's code."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from survey import store
from survey.faults import Fault, Refused
from survey.identity import Key
from survey.readers import MAX_BYTES
from survey.study import Study, Wave


@cache
def code() -> str:
    """Give the checksum of the code that makes tables; 64 hex digits."""
    here = Path(__file__).parent
    return store.digest(sorted(here.rglob("*.py")) + sorted(here.glob("*.csv")))


def of_panel(study: Study, waves: Sequence[Wave], key: Key) -> dict[str, Any]:
    """Give all that a panel of these waves hangs on: ``study, waves, inputs`` ({file: SHA-256}), ``key`` (fingerprint), ``code``."""
    arrived = [w.folder / name for w in waves for name in ("wave.yaml", *sorted({e.file for e in w.settings.files}))]
    return {
        "study": study.name,
        "waves": [w.name for w in waves],
        "inputs": own_files(study) | {(name := os.path.relpath(p, study.folder)): of_file(p, name) for p in arrived},
        "key": key.fingerprint,
        "code": code(),
    }


def own_files(study: Study) -> dict[str, str]:
    """Give the checksums of the files that say what the study is: {name: SHA-256}."""
    own = sorted(p for p in study.folder.iterdir() if p.is_file() and p.suffix in (".yaml", ".csv"))
    return {p.name: of_file(p, p.name) for p in own}


def of_file(path: Path, name: str) -> str:
    """Give a file's SHA-256; empty for one that is too large to be read.

    Raises
    ------
    survey.Refused
        Where it cannot be read; `name` is what it is called then.
    """
    try:
        # What is too large is refused by its reader, which need not read it for that.
        return store.digest([path]) if path.stat().st_size <= MAX_BYTES else ""
    except OSError:
        en = "this file cannot be read; check its permissions and the disk"
        raise Refused([Fault(name, 0, en, "无法读取该文件；请检查权限和磁盘")]) from None
