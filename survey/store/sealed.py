"""Tables saved together under a key, and read back: all of them with their own bytes, or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from survey.store import manifest, objects
from survey.store.atomic import building
from survey.store.lock import writing, writing_if_free
from survey.store.manifest import Entry, Manifest
from survey.store.place import guarded, note, refuse, settle_folder


@dataclass(frozen=True, slots=True)
class Sealed:
    """Tables that were saved under one key.

    Attributes
    ----------
    home : Path
        The store.
    key : str
        What they were saved under.
    meta : mapping
        What was written down with them.
    sums : mapping
        SHA-256 of each table's file, by the table's name.
    """

    home: Path
    key: str
    meta: Mapping[str, Any]
    sums: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tables, sorted."""
        return tuple(sorted(self.sums))

    def frame(self, name: str) -> pd.DataFrame:
        """Read a table; its checksum is computed anew, over the bytes that are read.

        Raises
        ------
        survey.Refused
            Where its file was changed or taken away since `load`.
        """
        data = objects.content(self.home, self.sums[name])
        return objects.read_frame(data) if data is not None else self._refuse(name)

    def path(self, name: str) -> Path:
        """Give a table's Parquet file, for an engine; its checksum is computed anew.

        Raises
        ------
        survey.Refused
            Where its file was changed or taken away since `load`.
        """
        if not objects.is_whole(self.home, self.sums[name]):
            self._refuse(name)
        return objects.path_of(self.home, self.sums[name])

    def _refuse(self, name: str) -> NoReturn:
        refuse_gone(self.home, name)


def refuse_gone(home: Path, name: str) -> NoReturn:
    """Refuse a table that is not there any more."""
    refuse(
        home,
        f"table {name} was changed or taken away since it was opened; run again: it is built anew",
        f"表 {name} 在打开后被改动或移走；请重新运行，系统会重新生成",
    )


def save(
    home: Path,
    key: str,
    frames: Mapping[str, pd.DataFrame | Path],
    meta: Mapping[str, Any],
    *,
    keep: bool = False,
    fingerprint: str | None = None,
) -> None:
    """Save tables under a key; whoever reads sees none of them or all.

    Parameters
    ----------
    home : Path
        The store's folder.
    key : str
        Says what the tables were made from: what lies under it, whole, is not written again.
    frames : mapping
        Name: DataFrame (without its index), or a Parquet file inside `building`, which is moved. Categories, lists, tuples and
        times come back as they were.
    meta : mapping
        JSON. ``waves``, a list of names, is what `purge` goes by.
    keep : bool
        Whether the tables cannot be built again: they are never swept, and damage to them is refused instead of mended.
    fingerprint : str, optional
        Of the key by which the pseudonyms in the tables were made; the first one is the store's (`expect`).

    Raises
    ------
    survey.Refused
        Where the disk is full, the store may not be written, was made with another key, or another process writes to it for too
        long.
    ValueError
        Where other tables are kept under this key.
    """
    with writing(home):
        before = manifest.read(home)
        if fingerprint is not None:
            expect(home, fingerprint)
        plain = json.loads(json.dumps(dict(meta)))
        known = before.entries.get(key)
        if known is not None and _is_the_same(home, known, plain, keep):
            return
        if manifest.new(home):
            manifest.write(home, before)
        sums = _put_all(home, frames)
        if known is not None and known.keep and dict(known.frames) != sums:
            raise ValueError(f"other tables are kept under {key!r}; save these under a key of their own")
        number = 1 + max((entry.number for entry in before.entries.values()), default=0)
        entry = Entry(sums, plain, known.number if known else number, keep)
        manifest.write(home, replace(before, key=before.key or fingerprint).adding(key, entry))


def _is_the_same(home: Path, known: Entry, meta: Mapping[str, Any], keep: bool) -> bool:
    same = known.meta == meta and known.keep == keep and manifest.in_step(home)
    return same and all(objects.is_whole(home, name) for name in known.frames.values())


def _put_all(home: Path, frames: Mapping[str, pd.DataFrame | Path]) -> dict[str, str]:
    place = home / manifest.OBJECTS
    with guarded(home), building(home) as folder:
        place.mkdir(exist_ok=True, mode=0o700)
        # All are written before the first is moved: what a full disk stops leaves nothing behind.
        drafts = {name: objects.drafted(folder, f"{n}", frame) for n, (name, frame) in enumerate(frames.items())}
        for draft, found in drafts.values():
            objects.put(home, draft, found)
        settle_folder(place)
        return {name: found for name, (_, found) in drafts.items()}


def load(home: Path, key: str) -> Sealed | None:
    """Give the tables that were saved under a key; None where there are none, or one is not what was written.

    Every checksum is computed anew. Damage is told through the logger ``survey``; `save` under the same key mends it.

    Raises
    ------
    survey.Refused
        Where tables are damaged that cannot be built again, or the store is not one that can be read.
    """
    known = _mended(home).entries.get(key)
    if known is None:
        return None
    damaged = [name for name, one in known.frames.items() if not objects.is_whole(home, one)]
    if not damaged:
        return Sealed(home, key, known.meta, known.frames)
    if key in manifest.read(home).entries:  # another run may have swept it in the meantime
        _tell_damage(home, known, damaged)
    return None


def _mended(home: Path) -> Manifest:
    """Read the manifest; one that is damaged is replaced by its copy, where the store may be written."""
    found = manifest.read(home)
    if not manifest.new(home) and manifest.whole(home / manifest.NAME) is None:
        with writing_if_free(home) as held:
            if held:
                found = manifest.read(home)  # another run may have written it in the meantime
                manifest.write(home, found)
    return found


def _tell_damage(home: Path, known: Entry, damaged: list[str]) -> None:
    names = ", ".join(sorted(damaged))
    if known.keep:
        refuse(
            home,
            f"tables are damaged or lost that cannot be built again: {names}. Restore the folder of this store from a backup",
            f"以下无法重新生成的表已损坏或丢失：{names}。请从备份恢复该存储文件夹",
        )
    note(
        home,
        f"tables are damaged or lost and are built again: {names}.",
        f"以下表已损坏或丢失，将重新生成：{names}。",
    )


def find(home: Path, **meta: Any) -> list[str]:
    """Give the keys of entries for good (``keep``) whose ``meta`` says all of this, the newest first."""
    known = manifest.read(home).entries
    found = [k for k, e in known.items() if e.keep and all(e.meta.get(name) == value for name, value in meta.items())]
    return sorted(found, key=lambda key: known[key].number, reverse=True)


def keep(home: Path, key: str) -> bool:
    """Let the tables under a key stay for good, as `save` does with ``keep=True``; tells whether they are there, and whole.

    Raises
    ------
    survey.Refused
        Where the store cannot be written.
    """
    with writing(home):
        before = manifest.read(home)
        known = before.entries.get(key)
        if known is None or not all(objects.is_whole(home, name) for name in known.frames.values()):
            return False
        if not known.keep:
            manifest.write(home, before.adding(key, replace(known, keep=True)))
        return True


def key_of(home: Path) -> str | None:
    """Give the fingerprint of the key by which a store's pseudonyms were made; None where there are none yet."""
    return manifest.read(home).key


def expect(home: Path, fingerprint: str) -> None:
    """Refuse where the store's pseudonyms were made with another key: old and new answers would never meet.

    Raises
    ------
    survey.Refused
        With both fingerprints, which give no key away.
    """
    known = manifest.read(home).key
    if known not in (None, fingerprint):
        refuse(
            home,
            f"the study's key (fingerprint {fingerprint}) is not the one this store was made with ({known}): people of earlier "
            "waves would become strangers. Put the old key back; or, to begin anew with this one, move the store's folder away",
            f"本研究的密钥（指纹 {fingerprint}）与建立该存储时的密钥（{known}）不同：以前波次的人会变成陌生人。"
            "请放回原来的密钥；若要用新密钥从头开始，请移走该存储文件夹",
        )
