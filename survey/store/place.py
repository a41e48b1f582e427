"""Where a study's store lies and whose it is; what is said where the disk does not do its part."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from survey.faults import Fault, Refused, printable

ROOT = Path(__file__).resolve().parents[2]
RELEASES = "releases"  # the folder of `survey.releases` in a store
_LOG = logging.getLogger("survey")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


def home(study: str) -> Path:
    """Give the folder of a study's store; made where there is none, private to its owner.

    Parameters
    ----------
    study : str
        The study's name.

    Raises
    ------
    survey.Refused
        Where it cannot be made, and where it belongs to another user of the machine.

    Examples
    --------
    >>> home("demo").name
    'demo'
    """
    folder = path_of(study)
    with guarded(folder):
        if not folder.is_dir():
            _make(folder)
        about = folder.stat()
        _refuse_other_owner(folder, about.st_uid)
        if about.st_mode & 0o077:
            folder.chmod(about.st_mode & 0o700)
    return folder


def _make(folder: Path) -> None:
    """Make a folder and those above it; each name is brought to the disk, or a loss of power would take all below along."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in missing:
        settle_folder(path.parent)


def settle_folder(folder: Path) -> None:
    """Bring to the disk which names a folder holds; without this a rename may be undone by a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that cannot do it for folders
            raise
    finally:
        os.close(descriptor)


def path_of(study: str) -> Path:
    """Say where a study's store lies, or would; nothing is made."""
    base = os.environ.get("WORKBENCH_HOME")
    return (Path(base) / "store" if base else ROOT / "data" / "store") / study


def _refuse_other_owner(folder: Path, owner: int) -> None:
    if owner != os.geteuid():
        refuse(
            folder,
            f"this store belongs to another user of this machine (number {owner}, you are {os.geteuid()}); work as that user, or "
            "set WORKBENCH_HOME to a folder of your own",
            f"该存储属于本机的另一用户（编号 {owner}，您是 {os.geteuid()}）；请以该用户身份运行，"
            "或用 WORKBENCH_HOME 指定自己的文件夹",
        )


def digest(parts: Iterable[Path | str | bytes]) -> str:
    """Give the SHA-256 over files (their names are not in it) and texts, in the order given; 64 hex digits.

    Examples
    --------
    >>> digest(["a", "b"]) == digest([b"a", b"b"]) != digest(["ab"])
    True
    """
    whole = hashlib.sha256()
    for part in parts:
        whole.update(bytes.fromhex(sum_of(part)))
    return whole.hexdigest()


def sum_of(part: Path | str | bytes) -> str:
    """Give the SHA-256 of one file or text, as ``sha256sum`` prints it."""
    if isinstance(part, Path):
        with part.open("rb") as file:  # which may be larger than the memory
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(part.encode() if isinstance(part, str) else part).hexdigest()


@contextlib.contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """Say in words what the disk refuses to do with a store."""
    try:
        yield
    except OSError as error:
        _refuse_disk(folder, error)


def _refuse_disk(folder: Path, error: OSError) -> NoReturn:
    if error.errno in _FULL:
        refuse(
            folder,
            "the disk is full, or a limit on the size of files is reached: the store is as it was. Free space, or set "
            "WORKBENCH_HOME to a folder on a larger disk, and run again",
            "磁盘已满，或已达到文件大小上限：存储保持原状。请清理空间，或用 WORKBENCH_HOME 指定更大磁盘上的文件夹，再重新运行",
        )
    if error.errno in _FORBIDDEN:
        refuse(
            folder,
            f"the store cannot be written: you may not write to the folder {folder}. Set WORKBENCH_HOME to a folder of your own, "
            "or have its permissions changed",
            f"无法写入存储文件夹 {folder}：没有写入权限。请用 WORKBENCH_HOME 指定自己的文件夹，或请管理员修改权限",
        )
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    refuse(
        folder,
        f"the disk reports an error ({name}): the store is as it was. Check the disk and the network drive, and run again",
        f"磁盘报告错误（{name}）：存储保持原状。请检查磁盘或网络盘，再重新运行",
    )


def refuse(folder: Path, en: str, zh: str) -> NoReturn:
    """Raise `Refused` with one fault of a store."""
    raise Refused([Fault(label(folder), 0, en, zh)])


def label(folder: Path) -> str:
    """Name a store in messages, wherever it lies."""
    return f"store/{folder.name}"


def note(folder: Path, en: str, zh: str, level: int = logging.WARNING) -> None:
    """Tell, through the logger ``survey``, what befell a store; the record's attribute ``note`` is (place, en, zh)."""
    said = tuple(printable(part) for part in (label(folder), en, zh))
    _LOG.log(level, "%s: %s %s", *said, extra={"note": said})
