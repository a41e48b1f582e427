"""Who can read what: keys, raw files, stores. The evaluated must not hold the answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reports.doctor.findings import MEND, WARN, Finding, finding
from survey import sealing
from survey.identity import key_file
from survey.store import manifest
from survey.store.place import path_of

if TYPE_CHECKING:
    from survey import Study

KEY_BYTES = 32
SHOWN = 5  # files that are named
OTHERS, GROUP_AND_OTHERS = 0o007, 0o077
# Parts of a path by which programs that copy folders elsewhere are known.
SYNCED = (
    "dropbox",
    "onedrive",
    "google drive",
    "googledrive",
    "icloud",
    "mobile documents",
    "nextcloud",
    "owncloud",
    "seafile",
    "nutstore",
    "坚果云",
    "baidunetdisk",
    "百度网盘",
    "weiyun",
    "微云",
    "wpsdrive",
)
MARKS = (".stfolder", ".dropbox", ".dropbox.cache", ".owncloudsync.log", ".nextcloudsync.log")  # which they leave


def findings(study: Study | None) -> Iterator[Finding]:
    """Look at the keys, then at the stores, of one study or of all."""
    name = study.name if study else None
    yield from _keys(name)
    if study is not None and not study.settings.synthetic:
        yield from _of_study(study)
    yield from _stores(name)


def synced(folder: Path) -> str:
    """Name the program that seems to copy a folder elsewhere; empty: none."""
    for part in folder.resolve().parts:
        for sign in SYNCED:
            if sign in part.casefold():
                return part
    above = (folder, *folder.parents)
    return next((mark for place in above for mark in MARKS if (place / mark).exists()), "")


def _keys(study: str | None) -> Iterator[Finding]:
    folder = key_file(study or "any").parent
    if not folder.is_dir():
        return
    if any((place / ".git").exists() for place in (folder.resolve(), *folder.resolve().parents)):
        yield finding(MEND, "key_in_project")
    if what := synced(folder):
        yield finding(WARN, "key_synced", what=what)
    if folder.stat().st_mode & GROUP_AND_OTHERS:
        yield finding(WARN, "key_folder_open")
    for path in sorted(folder.glob("*.key")) if study is None else filter(Path.exists, [key_file(study)]):
        about = path.stat()
        if about.st_mode & GROUP_AND_OTHERS:
            yield finding(MEND, "key_open", file=path.name)
        if about.st_size != KEY_BYTES:
            yield finding(MEND, "key_broken", file=path.name)


def _of_study(study: Study) -> Iterator[Finding]:
    """A study's key against its store, and against its raw files."""
    key, home = key_file(study.name), path_of(study.name)
    made_with = manifest.read(home).key if home.is_dir() else None
    if made_with is not None and not key.exists():
        yield finding(MEND, "key_lost", study=study.name, fingerprint=made_with)
    raw = [w.folder / name for w in study.wave_list for name in sealing.about_people(w) if (w.folder / name).exists()]
    if key.exists() and key.stat().st_uid in {path.stat().st_uid for path in raw}:
        yield finding(WARN, "one_user", study=study.name)
    open_ones = [path for path in raw if _others_reach(path, study.folder)]
    if open_ones:
        names = [str(path.relative_to(study.folder)) for path in open_ones[:SHOWN]]
        yield finding(WARN, "raw_open", files=", ".join(names) + (" …" if len(open_ones) > SHOWN else ""))


def _others_reach(path: Path, top: Path) -> bool:
    """Whether other users can read a file: it is open, and so is every folder from the study's on."""
    folders = [top, *(p for p in path.parents if p.is_relative_to(top))]
    return bool(path.stat().st_mode & 0o004) and all(p.stat().st_mode & 0o001 for p in folders)


def _stores(study: str | None) -> Iterator[Finding]:
    base = path_of(study or "any").parent
    if what := synced(base):
        yield finding(WARN, "store_synced", what=what)
    homes = (
        sorted(p for p in base.iterdir() if p.is_dir())
        if study is None and base.is_dir()
        else [path_of(study or "any")]
    )
    for home in filter(Path.is_dir, homes):
        about = home.stat()
        if about.st_uid != os.geteuid():
            yield finding(MEND, "store_other", study=home.name)
        if about.st_mode & GROUP_AND_OTHERS:
            yield finding(MEND, "store_open", study=home.name)
