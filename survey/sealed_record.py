"""``sealed.json`` in a wave's folder: what became of files that are no longer there as they arrived."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NoReturn

from survey.faults import Fault, Refused
from survey.store import settle_folder, written

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


def refuse_sealed(path: Path, name: str) -> None:
    """Refuse to read a file that was sealed and whose accepted rows are lost, saying who can open it; `name` is what it is called.

    Raises
    ------
    survey.Refused
    """
    one = read_record(path.parent).get(path.name)
    if one is None or path.exists():
        return
    day = one.when[:10]
    if one.method == DELETED:
        en = (
            f"this file was deleted after intake ({day}), and its accepted rows, as wave.yaml maps them now, are not in this "
            "store. Put wave.yaml back as it was, or restore the store from a backup"
        )
        zh = (
            f"该文件在接收后已删除（{day}），而存储中没有按现在的 wave.yaml 接受的记录。"
            "请还原 wave.yaml，或从备份恢复存储"
        )
        raise Refused([Fault(name, 0, en, zh)])
    en = (
        f"this file was sealed ({day}), and its accepted rows, as wave.yaml maps them now, are not in this store. Put wave.yaml "
        f"back as it was, restore the store from a backup, or have the custodian open {one.sealed} (age -d) and put the file back"
    )
    zh = (
        f"该文件已封存（{day}），而存储中没有按现在的 wave.yaml 接受的记录。请还原 wave.yaml，或从备份恢复存储，"
        f"或请保管人解开 {one.sealed}（age -d）后放回"
    )
    raise Refused([Fault(name, 0, en, zh)])


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
