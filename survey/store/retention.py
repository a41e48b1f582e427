"""What goes: leftovers, tables that no version needs, and a wave that must be erased."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey.store import manifest, objects
from survey.store.atomic import left_over, take_away_left_over
from survey.store.lock import NAME as LOCK
from survey.store.lock import writing, writing_if_free
from survey.store.manifest import Manifest
from survey.store.place import guarded, note, settle_folder


@dataclass(frozen=True, slots=True)
class Purged:
    """What was erased.

    Attributes
    ----------
    keys : tuple of str
        Keys of the entries that named the wave.
    files : int
        Parquet files deleted.
    bytes : int
        What they held.
    """

    keys: tuple[str, ...]
    files: int
    bytes: int


def sweep(home: Path, keep: int = 4) -> None:
    """Delete what nobody needs: leftovers of killed runs, and derived tables that no version needs, but the newest `keep`.

    A version needs its tables unless a later one was made from the same files, by other code.

    What living processes are at stays. Where another one writes to the store, or the store may not be written, this waits for the
    next run. Nothing is written where there is nothing to delete.

    Parameters
    ----------
    home : Path
        The store's folder.
    keep : int
        Entries that no version needs and that stay all the same, from 0; those saved with ``keep=True`` always do.

    Raises
    ------
    survey.Refused
        Where the disk reports an error.
    """
    with guarded(home):
        if _is_tidy(home, manifest.read(home), keep):
            return
    with writing_if_free(home) as held:
        if held:
            _tidy(home, keep)


def _is_tidy(home: Path, known: Manifest, keep: int) -> bool:
    if _spare(known, keep) or _unnamed(home, known) or not manifest.in_step(home):
        return False
    return not (left_over(home) or (home / LOCK).exists())  # a killed run's lock file goes with the next one's


def _tidy(home: Path, keep: int) -> None:
    known = manifest.read(home)
    wanted = known.dropping(_spare(known, keep))
    _tell_mended(home)
    if wanted != known or not manifest.in_step(home):
        manifest.write(home, wanted)
    with guarded(home):
        _delete(home, _unnamed(home, wanted))
        take_away_left_over(home)


def _tell_mended(home: Path) -> None:
    if not manifest.new(home) and manifest.whole(home / manifest.COPY) is None:
        note(
            home,
            f"{manifest.COPY} is missing or damaged; it is written again.",
            f"{manifest.COPY} 缺失或损坏，已重新写入。",
        )


def _spare(known: Manifest, keep: int) -> frozenset[str]:
    newest_of = {_made_from(version): version for version in known.versions}
    named = {key for version in newest_of.values() for key in (version.get("of"), *version.get("needs", ()))}
    free = [key for key, entry in known.entries.items() if not entry.keep and key not in named]
    newest = sorted(free, key=lambda key: known.entries[key].number, reverse=True)
    return frozenset(newest[keep:])


def _made_from(version: Mapping[str, Any]) -> str:
    return json.dumps([version.get("wave"), version.get("inputs")], sort_keys=True)


def _unnamed(home: Path, known: Manifest) -> list[Path]:
    return [path for path in (home / manifest.OBJECTS).glob(f"*{objects.ENDING}") if path.stem not in known.sums]


def _delete(home: Path, files: Iterable[Path]) -> tuple[int, int]:
    """Delete files of tables; how many, and their bytes."""
    sizes = []
    for path in files:
        sizes.append(path.stat().st_size)
        path.unlink()
    if sizes:
        settle_folder(home / manifest.OBJECTS)
    return len(sizes), sum(sizes)


def holding(home: Path, wave: str) -> tuple[str, ...]:
    """Give the keys of the entries whose ``meta["waves"]`` names a wave, sorted: what `purge` would erase.

    Parameters
    ----------
    home : Path
        The store's folder.
    wave : str
        The wave's name.
    """
    return _holding(manifest.read(home), wave)


def _holding(known: Manifest, wave: str) -> tuple[str, ...]:
    return tuple(sorted(key for key, entry in known.entries.items() if wave in entry.meta.get("waves", ())))


def purge(home: Path, wave: str) -> Purged:
    """Erase a wave: every entry whose ``meta["waves"]`` names it, kept or not, and every table that only such entries name.

    A panel of later waves holds the earlier ones and goes as well; it is built again, without the wave, once the wave's folder is
    gone from the study. The list of versions stays: it holds names of files and checksums, nothing of a person.

    Parameters
    ----------
    home : Path
        The store's folder.
    wave : str
        The wave's name.

    Raises
    ------
    survey.Refused
        Where the store cannot be written.
    """
    with writing(home):
        known = manifest.read(home)
        gone = _holding(known, wave)
        left = known.dropping(frozenset(gone))
        if gone or not manifest.in_step(home):
            manifest.write(home, left)
        with guarded(home):
            files, size = _delete(home, _unnamed(home, left))
            take_away_left_over(home)
        return Purged(gone, files, size)
