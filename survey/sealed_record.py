"""``sealed.json`` in a wave's folder: what became of files that are no longer there as they arrived."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NoReturn

from survey.faults import Fault, Refused
from survey.store.atomic import settle_folder, written

RECORD = "sealed.json"
ENCRYPTED, DELETED = "encrypted", "deleted"
PREFIX = ".sealing-"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """What became of one file.

    Attributes
    ----------
    file : str
        Its name in wave.yaml.
    bytes : int
        Its size.
    sha256 : str
        Its checksum, as ``sha256sum`` prints it.
    method : {'encrypted', 'deleted'}
    sealed, sealed_sha256 : str
        Name and checksum of the encrypted file; empty where it was deleted.
    recipient : str
        The custodian's public key; empty where it was deleted.
    when : str
        UTC, ISO 8601.
    """

    file: str
    bytes: int
    sha256: str
    method: str
    sealed: str
    sealed_sha256: str
    recipient: str
    when: str

    @property
    def digest(self) -> str:
        """What `survey.store.digest` gave of the file alone: a panel made before it was sealed has this among its inputs."""
        return hashlib.sha256(bytes.fromhex(self.sha256)).hexdigest()


def read_record(folder: Path) -> dict[str, SealedFile]:
    """Read what was sealed in a wave's folder: the newest entry of each file; empty where nothing was.

    Raises
    ------
    survey.Refused
        Where the record is not one.
    """
    return {one.file: one for one in entries(folder)}


def entries(folder: Path) -> list[SealedFile]:
    """Read every entry, the oldest first: a corrected file may have been sealed after the first."""
    try:
        text = (folder / RECORD).read_text("utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError):
        _refuse_record(folder)
    names = {field.name for field in fields(SealedFile)}
    try:
        lines = json.loads(text)["files"]
        if any(set(line) != names or not isinstance(line["bytes"], int) for line in lines):
            _refuse_record(folder)
        return [SealedFile(**line) for line in lines]
    except (ValueError, KeyError, TypeError):
        _refuse_record(folder)


def add(folder: Path, one: SealedFile) -> None:
    """Write the record with one more entry: beside, to the disk, renamed."""
    lines = [asdict(each) for each in (*entries(folder), one)]
    text = json.dumps({"files": lines}, indent=1, ensure_ascii=False) + "\n"
    draft = folder / f"{PREFIX}{os.getpid()}-record"
    written(draft, lambda sink: sink.write(text.encode()))
    os.rename(draft, folder / RECORD)
    settle_folder(folder)


def _refuse_record(folder: Path) -> NoReturn:
    raise Refused(
        [
            Fault(
                f"{folder.name}/{RECORD}",
                0,
                "this is not a record of sealed files; restore it from a backup: it says what became of the files of this wave",
                "这不是封存登记；请从备份恢复，它记载了本波次文件的去向",
            )
        ]
    ) from None
