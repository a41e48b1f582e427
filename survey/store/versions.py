"""Versions: which tables were made from which files, in which order, and what changed from one to the next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from survey.store import manifest
from survey.store.lock import writing
from survey.store.place import note


def record(home: Path, summary: Mapping[str, Any]) -> int:
    """Write down a version; the number that it has.

    Parameters
    ----------
    home : Path
        The store's folder.
    summary : mapping
        JSON: ``of``, the key under which its tables were saved; ``needs``, keys of the entries that they
        were made from; ``inputs``, {file: SHA-256}; ``code``; ``wave``, where the study
        has several panels; ``changed`` (`changes`), which alone does not make a version.

    Returns
    -------
    int
        From 1. Where the newest version of the same ``wave`` says the same, that one's; nothing is written then. Where files
        changed, that is told through the logger ``survey``.

    Raises
    ------
    survey.Refused
        Where the store cannot be written.
    """
    plain = json.loads(json.dumps(dict(summary)))
    if (known := _same(manifest.read(home), plain)) is not None:
        return known
    with writing(home):
        before = manifest.read(home)
        if (known := _same(before, plain)) is not None:
            return known
        number = 1 + max((version["number"] for version in before.versions), default=0)
        manifest.write(home, replace(before, versions=(*before.versions, {"number": number, **plain})))
    _tell_changes(home, number, plain.get("changed", {}))
    return number


def _tell_changes(home: Path, number: int, changed: Mapping[str, list[str]]) -> None:
    """Tell which files are others than before: nobody may have meant to change them."""
    words = {"edited": "改动", "added": "新增", "removed": "移走"}
    told = {what: ", ".join(changed[what]) for what in words if changed.get(what)}
    if told:
        en = "; ".join(f"{what}: {names}" for what, names in told.items())
        zh = "；".join(f"{words[what]}：{names}" for what, names in told.items())
        note(
            home,
            f"files differ from what the version before recorded ({en}); version {number} is made from them as they are now, the "
            "earlier one stays.",
            f"文件与上一版本的记录不同（{zh}）；已按现在的文件生成版本 {number}，旧版本仍保留。",
        )


def _same(before: manifest.Manifest, summary: Mapping[str, Any]) -> int | None:
    of_wave = [version for version in before.versions if version.get("wave") == summary.get("wave")]
    if not of_wave or _told(of_wave[-1]) != _told(summary):
        return None
    return int(of_wave[-1]["number"])


def _told(version: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in version.items() if name not in ("number", "changed")}


def versions(home: Path, wave: str | None = None) -> list[dict[str, Any]]:
    """Give the versions, oldest first, each as it was recorded with its ``number`` and ``there``: whether its tables still are.

    Parameters
    ----------
    home : Path
        The store's folder.
    wave : str, optional
        Only those of this wave's panel.
    """
    known = manifest.read(home)
    chosen = [version for version in known.versions if wave is None or version.get("wave") == wave]
    return [{**version, "there": version.get("of") in known.entries} for version in chosen]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """Say which files were added, removed or edited between two versions, by their checksums.

    Examples
    --------
    >>> changes({"a": "1", "b": "1"}, {"b": "2", "c": "1"})
    {'added': ['c'], 'removed': ['a'], 'edited': ['b']}
    """
    return {
        "added": sorted(set(after) - set(before)),
        "removed": sorted(set(before) - set(after)),
        "edited": sorted(name for name in set(before) & set(after) if before[name] != after[name]),
    }
