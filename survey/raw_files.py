"""The files that a study's panel is made from: their checksums, and which of them are no longer what was recorded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from survey import store
from survey.faults import Fault, Refused, refuse_if
from survey.readers import MAX_BYTES
from survey.sealed_record import read_record
from survey.study import WAVE_FILE, Study, Wave

_OWN = (".yaml", ".csv")


def sums(study: Study, waves: Sequence[Wave]) -> dict[str, str]:
    """Give the SHA-256 of the study's own files and of all that arrived for these waves, by name relative to its folder.

    Raises
    ------
    survey.Refused
        Where one cannot be read.
    """
    arrived = [w.folder / name for w in waves for name in ("wave.yaml", *sorted({e.file for e in w.settings.files}))]
    paths = [*_own(study.folder), *arrived]
    return {(name := os.path.relpath(path, study.folder)): _sum(path, name) for path in paths}


def refuse_changed(study: Study, waves: Sequence[Wave], known: Mapping[str, str]) -> None:
    """Refuse where a file is another than before it was read: its tables would stand under the checksum of what it was.

    Raises
    ------
    survey.Refused
        With every such file.
    """
    changed = store.changes(known, sums(study, waves))
    refuse_if(
        Fault(
            name,
            0,
            "the file was changed while it was being read: nothing was stored. Wait until it is written to its end, and run again",
            "读取过程中文件发生了变化：没有保存任何内容。请等文件写完后重新运行",
        )
        for name in (*changed["edited"], *changed["added"], *changed["removed"])
    )


def differing(folder: Path, versions: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Say which files of a study are not what its versions recorded, the newest record of each file counting.

    Parameters
    ----------
    folder : Path
        The study's folder; nothing of it need be in order.
    versions : iterable of mapping
        `survey.store.versions`, oldest first.

    Returns
    -------
    dict
        Names of files under ``added`` (of the study itself), ``removed`` and ``edited``, as `survey.store.changes` gives them.
    """
    recorded = _recorded(versions)
    if not recorded:
        return store.changes({}, {})
    names = {*recorded, *(os.path.relpath(path, folder) for path in _own(folder))}
    return store.changes(recorded, {name: _sum(folder / name, name) for name in names if (folder / name).exists()})


def files_of(folder: Path, wave: str) -> list[Path]:
    """Give the files in a wave's folder; none where the study has no wave of this name, whatever the name is."""
    place = folder / wave
    if Path(wave).name != wave or wave.startswith(".") or place.is_symlink() or not (place / WAVE_FILE).is_file():
        return []
    return sorted(path for path in place.rglob("*") if not path.is_dir())


def take_away(folder: Path, wave: str) -> int:
    """Delete a wave's folder with all that arrived; gives how many files that were.

    Raises
    ------
    survey.Refused
        Where something in it cannot be deleted; run again once it can.
    """
    files = files_of(folder, wave)
    if not files:
        return 0
    try:
        for path in sorted(files, key=lambda path: path.name == WAVE_FILE):  # by it the wave is known: it goes last
            path.unlink()
        shutil.rmtree(folder / wave)
    except OSError:
        en = "a file of this wave cannot be deleted; have the permissions of its folder changed, and run again"
        raise Refused([Fault(f"{wave}/", 0, en, "无法删除该波次的文件；请修改文件夹权限后重新运行")]) from None
    return len(files)


def _recorded(versions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What was last written down of each file; a file that a correction left out is not looked for."""
    recorded: dict[str, str] = {}
    for version in versions:
        for name in version.get("changed", {}).get("removed", ()):
            recorded.pop(name, None)
        recorded |= version.get("inputs", {})
    return recorded


def _own(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in _OWN) if folder.is_dir() else []


def _sum(path: Path, name: str) -> str:
    sealed = None if path.exists() else read_record(path.parent).get(path.name)
    if sealed is not None:
        return sealed.digest
    try:
        # What is too large is refused by its reader, which need not read it for that.
        return store.digest([path]) if path.stat().st_size <= MAX_BYTES else ""
    except OSError:
        en = "this file cannot be read; check its permissions and the disk"
        raise Refused([Fault(name, 0, en, "无法读取该文件；请检查权限和磁盘")]) from None
