"""After intake, raw files about people leave the office's hands: encrypted for a custodian, or deleted.

The format is that of age (https://age-encryption.org/v1), for a recipient's public key: who has sealed a file cannot open it again.
``sealed.json`` in the wave's folder says what became of each file. The order is always: sealed file whole on the disk, opened once
more and compared, record on the disk, original gone. A run that stops anywhere leaves the original or the sealed file with its
record, and the next run finishes.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pyrage

from survey import parts, store
from survey.faults import Fault, Refused, refuse_if
from survey.folder import place
from survey.identity import study_key
from survey.schema import FileEntry
from survey.sealed_record import DELETED, ENCRYPTED, PREFIX, RECORD, SealedFile, entries, read_record
from survey.sealed_record import add as add_to_record
from survey.store import settle_folder, sum_of, written
from survey.study import Study, Wave

ENDING = ".age"
SECRET = "AGE-SECRET-KEY-"
COUNTS_ONLY = ("registry",)  # what a file may hold that is about no single person
Keep = Callable[[Wave, FileEntry], bool]


@dataclass(frozen=True, slots=True)
class Sealing:
    """What a run did: files sealed now, files that were sealed before, and files of the folder that wave.yaml does not name."""

    now: tuple[SealedFile, ...]
    before: tuple[SealedFile, ...]
    unnamed: tuple[str, ...]


def about_people(wave: Wave) -> tuple[str, ...]:
    """Give the files of a wave that speak of single people, in the order of wave.yaml: all but registries."""
    return tuple(dict.fromkeys(e.file for e in wave.settings.files if e.holds not in COUNTS_ONLY))


def seal(study: Study, wave: Wave, keep: Keep, *, recipient: str | None) -> Sealing:
    """Encrypt a wave's files about people for a custodian, or delete them.

    Parameters
    ----------
    study : Study
    wave : Wave
    keep : callable
        Sees to it that the accepted rows of a file's entry stay in the store for good, and tells whether they do: nothing else is
        ever sealed. It is called for every file before the first one is touched.
    recipient : str or None
        The custodian's public key (``age1...``); None deletes.

    Raises
    ------
    survey.Refused
        Where a file's accepted rows are not kept, the key is none, a file cannot be read or written, or a sealed file is not what
        the record says. Files that were not yet sealed are as they were.

    Notes
    -----
    Deleting takes the name away and frees the place; copies in backups and snapshots of the disk stay.
    """
    if recipient is not None:
        recipient = public_key(recipient)
    with store.writing(store.home(study.name)):
        known = read_record(wave.folder)
        names = about_people(wave)
        refuse_if(_not_ready(wave, names, known, keep))
        with _told(wave):
            _sweep(wave.folder)
            now = [_sealed(wave, name, recipient) for name in names if (wave.folder / name).exists()]
    again = {one.file for one in now}
    return Sealing(tuple(now), tuple(one for name, one in known.items() if name not in again), unnamed(wave))


def keep_rows(study: Study) -> Keep:
    """Give what keeps the accepted rows of a study's files in the store, for `seal`; the study's panel must have been made."""
    key = study_key(study.name, synthetic=study.settings.synthetic, expected=store.key_of(store.home(study.name)))

    def kept(wave: Wave, entry: FileEntry) -> bool:
        found = (p for p in parts.of_waves(study, study.until(wave.name), key) if p.wave == wave and p.entry == entry)
        return all(store.keep(store.home(study.name), part.kept.key) for part in found)

    return kept


def public_key(text: str) -> str:
    """Give a recipient's public key as it is written; refuse what is none, a secret key above all.

    Raises
    ------
    survey.Refused
        In words that do not repeat what was given.
    """
    if text.strip().upper().startswith(SECRET):
        _refuse(
            "--to",
            "this is a secret key: whoever has it can open what is sealed. Give the custodian's public key (age1...), and have the "
            "custodian make a new pair, since this one has been seen here",
            "这是私钥：持有者可以解开封存的文件。请填写保管人的公钥（age1...）；该私钥已在此出现，请保管人重新生成一对",
        )
    try:
        return str(pyrage.x25519.Recipient.from_str(text.strip()))
    except pyrage.RecipientError:
        _refuse(
            "--to",
            "this is not the public key of a recipient: it begins with age1 and has 62 signs. The custodian makes the pair with "
            "age-keygen, keeps the secret key, and gives you the public one",
            "这不是接收人的公钥：公钥以 age1 开头，共 62 个字符。由保管人用 age-keygen 生成一对密钥，私钥自留，公钥交给您",
        )


def unnamed(wave: Wave) -> tuple[str, ...]:
    """Give the files of a wave's folder that wave.yaml does not name and the workbench did not write."""
    own = {"wave.yaml", RECORD, *(e.file for e in wave.settings.files), *(s.sealed for s in entries(wave.folder))}
    others = (p.name for p in sorted(wave.folder.iterdir()) if p.is_file() and p.name not in own)
    return tuple(n for n in others if not (n.startswith("checklist-") and n.endswith(".md")))


def _not_ready(wave: Wave, names: tuple[str, ...], known: Mapping[str, SealedFile], keep: Keep) -> Iterator[Fault]:
    for name in names:
        if not (wave.folder / name).exists() and name in known:
            continue
        place(wave.folder, name)  # a regular file inside the folder
        if not all(keep(wave, entry) for entry in wave.settings.files if entry.file == name):
            yield Fault(
                f"{wave.label}{name}",
                0,
                "the accepted rows of this file are not in the store, so it must stay as it arrived. Run workbench check for this "
                "wave, then seal again",
                "该文件已接受的记录不在存储中，不能封存。请先对本波次运行 workbench check，再重新封存",
            )


def _sealed(wave: Wave, name: str, recipient: str | None) -> SealedFile:
    """Seal one file that is there; one whose record was written before the run stopped is only taken away."""
    path, known = wave.folder / name, read_record(wave.folder).get(name)
    one = known
    if known is None or known.sha256 != sum_of(path) or not _is_done(wave.folder, known, recipient):
        one = _deleted(path) if recipient is None else _encrypted(path, recipient)
        add_to_record(wave.folder, one)
    if one is None or one.sha256 != sum_of(path):
        _refuse_changed(wave, name)
    path.unlink()
    settle_folder(wave.folder)
    return one


def _is_done(folder: Path, one: SealedFile, recipient: str | None) -> bool:
    if one.recipient != (recipient or ""):
        return False
    return one.method == DELETED or (
        (folder / one.sealed).is_file() and sum_of(folder / one.sealed) == one.sealed_sha256
    )


def _deleted(path: Path) -> SealedFile:
    return SealedFile(path.name, path.stat().st_size, sum_of(path), DELETED, "", "", "", _now())


def _encrypted(path: Path, recipient: str) -> SealedFile:
    """Write the sealed file beside the original; it is opened once more with a key that nobody keeps, and compared."""
    once = pyrage.x25519.Identity.generate()  # in memory only, for the comparison
    readers = [pyrage.x25519.Recipient.from_str(recipient), once.to_public()]
    draft = path.with_name(f"{PREFIX}{os.getpid()}-{hashlib.sha256(path.name.encode()).hexdigest()[:16]}")
    with path.open("rb") as file:
        sealed_sum = written(draft, lambda sink: pyrage.encrypt_io(file, sink, readers))
    plain = _Summing()
    with draft.open("rb") as file:
        pyrage.decrypt_io(file, plain, [once])
    if plain.digest != sum_of(path) or sum_of(draft) != sealed_sum:
        raise OSError(f"{path.name}: what was written is not what is read")
    target = _free(path)
    os.rename(draft, target)
    settle_folder(path.parent)
    return SealedFile(
        path.name, path.stat().st_size, plain.digest, ENCRYPTED, target.name, sealed_sum, recipient, _now()
    )


def _free(path: Path) -> Path:
    """A name for the sealed file that no recorded one has: a corrected file does not take an earlier one's place."""
    taken, number, name = {one.sealed for one in entries(path.parent)}, 1, f"{path.name}{ENDING}"
    while name in taken:
        number += 1
        name = f"{path.name}.{number}{ENDING}"
    return path.with_name(name)


class _Summing(io.RawIOBase):
    """Takes bytes for their checksum alone."""

    def __init__(self) -> None:
        self._sum = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._sum.update(data)
        return len(data)

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()


def _sweep(folder: Path) -> None:
    """Take away what a killed run left unfinished; the store's lock is held, so nobody else is at work here."""
    for left in folder.glob(f"{PREFIX}*"):
        left.unlink()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def _told(wave: Wave) -> Iterator[None]:
    """Say in words what the disk refuses to do."""
    try:
        yield
    except OSError as error:
        with contextlib.suppress(OSError):
            _sweep(wave.folder)
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        _refuse(
            wave.label.rstrip("/"),
            f"the disk did not do its part ({name}; full, read-only, or failing?): no file was taken away that is not sealed and "
            "recorded. Free space or check the permissions, and seal again: it goes on from here",
            f"磁盘操作失败（{name}；已满、只读或损坏？）：未封存并登记的文件都没有移走。"
            "请清理空间或检查权限后重新封存，系统会接着做",
        )


def _refuse_changed(wave: Wave, name: str) -> NoReturn:
    _refuse(
        f"{wave.label}{name}",
        "the file changed while it was sealed; it stays. Wait until nobody writes to it, run workbench check, and seal again",
        "封存过程中文件发生变化，已保留。请等无人写入后运行 workbench check，再重新封存",
    )


def _refuse(file: str, en: str, zh: str) -> NoReturn:
    raise Refused([Fault(file, 0, en, zh)]) from None
