"""Every checksum of a store computed anew: what is missing, what was changed, what does not belong there."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from survey.faults import Fault
from survey.store import manifest, objects
from survey.store.atomic import PREFIX
from survey.store.lock import NAME as LOCK
from survey.store.manifest import Manifest
from survey.store.place import RELEASES, label, sum_of

THREADS = 4  # hashing leaves the interpreter to others
_OBJECT = re.compile(r"[0-9a-f]{64}\.parquet")


@dataclass(frozen=True, slots=True)
class Verified:
    """What a store was found to be.

    Attributes
    ----------
    files : int
        Files whose checksum was computed: the manifest, its copy, tables.
    bytes : int
        What they hold.
    faults : tuple of Fault
        What is missing, changed or foreign; empty where all is well.
    readable : bool
        Whether one of the two manifests is whole, so that the rest can be read.
    leftovers : int
        Tables and folders of runs that were stopped; no fault, `survey.store.sweep` takes them away.
    seconds : float
        How long it took.
    """

    files: int
    bytes: int
    faults: tuple[Fault, ...]
    readable: bool
    leftovers: int
    seconds: float


def verify(home: Path) -> Verified:
    """Compute every checksum of a store anew. Nothing is written, and no lock is taken.

    Raises
    ------
    survey.Refused
        Where a newer workbench has written the store.

    Examples
    --------
    >>> from survey import store
    >>> store.verify(store.home("demo")).faults
    ()
    """
    start = time.perf_counter()
    manifest.refuse_newer(home)
    there = _files(home)
    wrong = frozenset(name for name, good in _compared(there).items() if not good)
    known = _known(home)
    readable = known is not None or manifest.new(home)
    known = known or Manifest()
    faults = [*_manifest_faults(home), *_table_faults(home, known, there, wrong), *_foreign(home, wrong - known.sums)]
    books = [home / name for name in (manifest.NAME, manifest.COPY) if (home / name).exists()]
    size = sum(path.stat().st_size for path in (*there.values(), *books) if path.exists())
    left = sum(name not in known.sums for name in there if name not in wrong)
    left += sum(path.name.startswith(PREFIX) for path in home.iterdir())
    return Verified(
        len(there) + len(books), size, tuple(sorted(set(faults))), readable, left, time.perf_counter() - start
    )


def _known(home: Path) -> Manifest | None:
    return manifest.whole(home / manifest.NAME) or manifest.whole(home / manifest.COPY)


def _files(home: Path) -> dict[str, Path]:
    """Files of tables by the checksum that their name says."""
    folder = home / manifest.OBJECTS
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.stem: path for path in paths if _OBJECT.fullmatch(path.name)}


def _compared(there: dict[str, Path]) -> dict[str, bool]:
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as threads:
        return dict(zip(there, threads.map(_is_its_name, there.values()), strict=True))


def _is_its_name(path: Path) -> bool:
    try:
        return sum_of(path) == path.stem
    except FileNotFoundError:
        return True  # swept in the meantime; the manifest tells whether it should be there
    except OSError:
        return False


def _manifest_faults(home: Path) -> Iterator[Fault]:
    if manifest.new(home):
        return
    for name in (manifest.NAME, manifest.COPY):
        if manifest.whole(home / name) is None:
            yield Fault(
                f"{label(home)}/{name}",
                0,
                "this file is damaged or lost; run workbench check for this study: it is mended from its other copy, or you are "
                "told what to do",
                "该文件已损坏或丢失；请对本研究运行 workbench check：系统会用另一份副本修复，或提示如何处理",
            )


def _table_faults(home: Path, known: Manifest, there: dict[str, Path], wrong: frozenset[str]) -> Iterator[Fault]:
    for entry in known.entries.values():
        for name, one in entry.frames.items():
            if one in wrong:
                yield _table_fault(home, one, name, entry.keep, "was changed", "已被改动")
            elif one not in there and not objects.path_of(home, one).exists() and one in _still_named(home):
                yield _table_fault(home, one, name, entry.keep, "is missing", "已丢失")


def _still_named(home: Path) -> frozenset[str]:
    """Tables of the manifest as it is now: another run may have swept since it was read."""
    found = _known(home)
    return found.sums if found else frozenset()


def _table_fault(home: Path, one: str, name: str, keep: bool, en: str, zh: str) -> Fault:
    what = "restore it from a backup: it cannot be built again" if keep else "run workbench check: it is built again"
    what_zh = "无法重新生成，请从备份恢复" if keep else "请运行 workbench check，系统会重新生成"
    file = f"{label(home)}/{manifest.OBJECTS}/{one[:12]}…{objects.ENDING}"
    return Fault(file, 0, f"table {name} {en}; {what}", f"表 {name} {zh}；{what_zh}")


def _foreign(home: Path, wrong: frozenset[str]) -> Iterator[Fault]:
    """Files that no run of the workbench leaves: of other names, or under a checksum that is neither theirs nor known."""
    own = (manifest.NAME, manifest.COPY, manifest.OBJECTS, LOCK, RELEASES)
    names = [path.name for path in home.iterdir() if path.name not in own and not path.name.startswith(PREFIX)]
    folder = home / manifest.OBJECTS
    inside = folder.iterdir() if folder.is_dir() else ()
    names += [f"{manifest.OBJECTS}/{path.name}" for path in inside if not _OBJECT.fullmatch(path.name)]
    names += [f"{manifest.OBJECTS}/{one[:12]}…{objects.ENDING}" for one in wrong]
    for name in names:
        yield Fault(
            f"{label(home)}/{name}",
            0,
            "this does not belong to the store; look what it is and take it away",
            "这不属于该存储；请查明来源并移走",
        )
