"""The manifest: which tables belong together under which key, and the versions; written last, twice, each whole or not at all."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from survey.store.atomic import building, written
from survey.store.place import guarded, note, refuse, settle_folder, sum_of

FORMAT = 1
NAME, COPY, OBJECTS = "manifest.json", "manifest.1.json", "objects"


@dataclass(frozen=True, slots=True)
class Entry:
    """Tables that were saved together.

    Attributes
    ----------
    frames : mapping
        Name of a table: SHA-256 of its Parquet file.
    meta : mapping
        What the caller wrote down with them; JSON.
    number : int
        Order in which entries were made, from 1.
    keep : bool
        Whether they cannot be built again from what arrived.
    """

    frames: Mapping[str, str]
    meta: Mapping[str, Any]
    number: int
    keep: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store holds.

    Attributes
    ----------
    entries : mapping
        `Entry` by key.
    versions : tuple of dict
        Oldest first (`survey.store.record`).
    key : str or None
        Fingerprint of the key by which its pseudonyms were made; None before the first save that tells it.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict)
    versions: tuple[dict[str, Any], ...] = ()
    key: str | None = None

    @property
    def sums(self) -> frozenset[str]:
        """Checksums of all tables that an entry names."""
        return frozenset(s for entry in self.entries.values() for s in entry.frames.values())

    def adding(self, key: str, entry: Entry) -> Manifest:
        """Give the manifest with an entry more, or in place of the one under this key."""
        return replace(self, entries={**self.entries, key: entry})

    def dropping(self, keys: frozenset[str]) -> Manifest:
        """Give the manifest without these entries."""
        return replace(self, entries={k: e for k, e in self.entries.items() if k not in keys})

    def text(self) -> bytes:
        """Write it: JSON with sorted keys and the checksum of all the rest; the same content is the same bytes."""
        content = {
            "format": FORMAT,
            "tool": _tool(),
            "key": self.key,
            "versions": list(self.versions),
            "entries": {key: _plain(entry) for key, entry in self.entries.items()},
        }
        return _rendered(content | {"sum": sum_of(_rendered(content))})


def _plain(entry: Entry) -> dict[str, Any]:
    return {"frames": dict(entry.frames), "meta": dict(entry.meta), "number": entry.number, "keep": entry.keep}


def _rendered(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def _tool() -> str:
    try:
        return importlib.metadata.version("cohesion-workbench")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def read(home: Path) -> Manifest:
    """Read a store's manifest, or its copy where it is damaged; an empty one where the store is new.

    Raises
    ------
    survey.Refused
        Where a newer workbench has written it, or both are damaged or lost.
    """
    found = whole(home / NAME)
    if found is not None:
        return found
    refuse_newer(home)
    if new(home):
        return Manifest()
    copy = whole(home / COPY)
    if copy is not None:
        note(
            home,
            f"{NAME} is missing or damaged; its copy is used.",
            f"{NAME} 缺失或损坏，改用其副本。",
        )
        return copy
    return refuse(
        home,
        f"{NAME} and its copy are both damaged or lost: nothing was changed. Restore the folder of this store from a backup; or, "
        "if every file that arrived is still there and no ids were sealed, move the folder away: it is built again",
        f"{NAME} 及其副本均已损坏或丢失：没有改动任何内容。请从备份恢复该存储文件夹；"
        "若收到的文件都还在、且没有封存过编号，可移走该文件夹，系统会重新生成",
    )


def whole(path: Path) -> Manifest | None:
    """Read one manifest file; None where it is absent, of another format, or not, byte for byte, what was written."""
    content = _content(path)
    if content is None or content["format"] != FORMAT:
        return None
    entries = {key: Entry(**entry) for key, entry in content["entries"].items()}
    return Manifest(entries, tuple(content["versions"]), content["key"])


def _content(path: Path) -> dict[str, Any] | None:
    """Give what a manifest of any format says, where its checksum is that of its bytes: all formats are rendered alike."""
    try:
        text = path.read_bytes()
        content = json.loads(text)
        said = content.pop("sum")
        good = said == sum_of(_rendered(content)) and text == _rendered(content | {"sum": said})
        return content if good and isinstance(content["format"], int) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def new(home: Path) -> bool:
    """Tell whether nothing was ever saved here: the first manifest, an empty one, is written before the first table.

    Its copy alone is what a run leaves that was stopped between the two.
    """
    if (home / NAME).exists() or (home / OBJECTS).exists():
        return False
    return not (home / COPY).exists() or whole(home / COPY) == Manifest()


def in_step(home: Path) -> bool:
    """Tell whether the manifest and its copy are the same bytes."""
    try:
        return (home / NAME).read_bytes() == (home / COPY).read_bytes()
    except OSError:
        return not any((home / name).exists() for name in (NAME, COPY))


def write(home: Path, manifest: Manifest) -> None:
    """Replace the copy, then the manifest, each in one step; whichever a stopped run leaves, every table of it is there.

    Raises
    ------
    survey.Refused
        Where the disk is full or the store may not be written.
    """
    text = manifest.text()
    with guarded(home), building(home) as folder:
        for name in (COPY, NAME):
            written(folder / name, lambda file: file.write(text))
            os.replace(folder / name, home / name)
            settle_folder(home)  # each before the next: no loss of power leaves the manifest without its copy


def refuse_newer(home: Path) -> None:
    """Refuse a store that a newer workbench has written, were it one of its two manifests only."""
    found = [content["format"] for name in (NAME, COPY) if (content := _content(home / name)) is not None]
    if max(found, default=FORMAT) > FORMAT:
        refuse(
            home,
            f"a newer version of the workbench has written this store (format {max(found)}; this one reads {FORMAT}): nothing "
            "was changed. Update the workbench, or set WORKBENCH_HOME to another folder",
            f"该存储由更新版本的工作台写入（格式 {max(found)}，本版本可读 {FORMAT}）：没有改动任何内容。"
            "请升级工作台，或用 WORKBENCH_HOME 指定其他文件夹",
        )
