"""Sealed tables on disk: written whole or not at all, named by what they were made from, verified when read.

``data/store/<study>/`` is private to its owner. ``WORKBENCH_HOME`` moves it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
_MANIFEST = "manifest.json"


def home(study: str) -> Path:
    """Folder of a study's store; made, private to its owner."""
    base = os.environ.get("WORKBENCH_HOME")
    folder = (Path(base) / "store" if base else ROOT / "data" / "store") / study
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def digest(parts: Iterable[Path | str | bytes]) -> str:
    """SHA-256 over files (their names are not in it) and texts, in the order given."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        whole.update(hashlib.sha256(data).digest())
    return whole.hexdigest()


def save(folder: Path, frames: Mapping[str, pd.DataFrame], meta: Mapping[str, Any]) -> None:
    """Write tables and what is known of them; a run that stops half-way leaves nothing under the folder's name."""
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    try:
        for name, frame in frames.items():
            frame.to_parquet(building / f"{name}.parquet", index=False)
        sums = {path.name: digest([path]) for path in sorted(building.iterdir())}
        (building / _MANIFEST).write_text(json.dumps({"files": sums, "meta": meta}, indent=1, sort_keys=True), "utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def load(folder: Path) -> tuple[dict[str, pd.DataFrame], dict[str, Any]] | None:
    """Read what `save` wrote; None where it is absent or does not agree with its checksums."""
    manifest = folder / _MANIFEST
    if not manifest.is_file():
        return None
    known = json.loads(manifest.read_text("utf-8"))
    paths = {name: folder / name for name in known["files"]}
    if any(not p.is_file() or digest([p]) != known["files"][name] for name, p in paths.items()):
        return None
    return {Path(name).stem: pd.read_parquet(path) for name, path in paths.items()}, known["meta"]


def sweep(folder: Path, keep: int = 4) -> None:
    """Delete what a stopped run left, and all but the newest sealed tables."""
    for left in folder.glob(".building-*"):
        shutil.rmtree(left, ignore_errors=True)
    sealed = sorted(folder.glob("panel-*"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in sealed[keep:]:
        shutil.rmtree(old, ignore_errors=True)
