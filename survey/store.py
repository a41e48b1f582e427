"""Sealed tables on disk: written whole or not at all, named by what they were made from, verified when read.

``data/store/<study>/`` is private to its owner. ``WORKBENCH_HOME`` moves it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from survey.faults import Fault, Refused

ROOT = Path(__file__).resolve().parents[1]
STALE = 3600.0
_MANIFEST, _BUILDING = "manifest.json", ".building-"


def home(study: str) -> Path:
    """Folder of a study's store; made, private to its owner."""
    base = os.environ.get("WORKBENCH_HOME")
    folder = (Path(base) / "store" if base else ROOT / "data" / "store") / study
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError:
        raise Refused(
            [
                Fault(
                    str(folder.name),
                    0,
                    "the store cannot be written; set WORKBENCH_HOME to a folder of your own, or free space on the disk",
                    "无法写入存储文件夹；请用 WORKBENCH_HOME 指定自己的文件夹，或清理磁盘空间",
                )
            ]
        ) from None
    return folder


def digest(parts: Iterable[Path | str | bytes]) -> str:
    """SHA-256 over files (their names are not in it) and texts, in the order given."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(_digest_of(part))
    return whole.hexdigest()


def _digest_of(part: Path | str | bytes) -> bytes:
    if isinstance(part, Path):
        with part.open("rb") as file:  # which may be larger than the memory
            return hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(part.encode() if isinstance(part, str) else part).digest()


def save(folder: Path, frames: Mapping[str, pd.DataFrame], meta: Mapping[str, Any]) -> None:
    """Write tables and what is known of them; a run that stops half-way leaves nothing under the folder's name.

    Where another run has written the same tables in the meantime, its whole ones stay.
    """
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder.parent))
    try:
        for name, frame in frames.items():
            frame.to_parquet(building / f"{name}.parquet", index=False)
        sums = {path.name: digest([path]) for path in sorted(building.iterdir())}
        known = {"files": sums, "meta": meta, "sum": _sum(sums, meta)}
        (building / _MANIFEST).write_text(json.dumps(known, indent=1, sort_keys=True), "utf-8")
        if folder.exists() and load(folder) is None:
            shutil.rmtree(folder)
        with contextlib.suppress(FileExistsError):
            _rename(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _rename(building: Path, folder: Path) -> None:
    try:
        building.rename(folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise FileExistsError(folder) from None
        raise


def _sum(sums: Mapping[str, str], meta: Mapping[str, Any]) -> str:
    return digest([json.dumps([sums, meta], sort_keys=True)])


def load(folder: Path) -> tuple[dict[str, pd.DataFrame], dict[str, Any]] | None:
    """Read what `save` wrote; None where it is absent or does not agree with its checksums."""
    try:
        known = json.loads((folder / _MANIFEST).read_text("utf-8"))
        sums, meta = known["files"], known["meta"]
        whole = known["sum"] == _sum(sums, meta) and all(digest([folder / n]) == s for n, s in sums.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return ({Path(name).stem: pd.read_parquet(folder / name) for name in sums}, meta) if whole else None


def sweep(folder: Path, keep: int = 4) -> None:
    """Delete what a stopped run left (nothing younger than an hour: it may be at work), and all but the newest sealed tables."""
    for left in folder.glob(f"{_BUILDING}*"):
        if _age(left) > STALE:
            shutil.rmtree(left, ignore_errors=True)
    sealed = sorted(folder.glob("panel-*"), key=_age)
    for old in sealed[keep:]:
        shutil.rmtree(old, ignore_errors=True)


def _age(path: Path) -> float:
    """Seconds since the path was written; none where another run has just taken it away."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
