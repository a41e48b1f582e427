"""One writer at a time: a lock of the operating system, which ends with its process, however that ends.

The file ``lock`` says who holds it; it alone locks nothing. It is taken away when its holder is done, so what is found there
without a lock is a killed process's.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from survey.faults import Refused
from survey.store.atomic import let_go
from survey.store.place import guarded, label, note, refuse

NAME = "lock"
WAIT = 600.0  # seconds: longer than any study's intake that was measured
PAUSE, QUIET = 0.05, 0.5  # seconds: between two looks; of waiting that nobody is told of
_holders: dict[Path, tuple[int, int]] = {}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock: process, machine, since when (local time with its offset)."""

    pid: int
    host: str
    since: str

    @classmethod
    def here(cls) -> Self:
        """Give this process."""
        now = dt.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), now)

    @classmethod
    def told(cls, text: bytes) -> Self | None:
        """Read what a holder wrote; None where it has not come to write it."""
        try:
            said = json.loads(text)
            return cls(int(said["pid"]), str(said["host"]), str(said["since"]))
        except (ValueError, KeyError, TypeError):
            return None

    def text(self) -> bytes:
        """Write what others read."""
        return json.dumps({"pid": self.pid, "host": self.host, "since": self.since}).encode()


@contextlib.contextmanager
def writing(home: Path, *, wait: float = WAIT, say: Callable[[str], object] | None = None) -> Iterator[None]:
    """Hold the store's lock: whoever else wants to write waits or is refused.

    Within one thread it may be taken again; another thread of the same process waits like another process.

    Parameters
    ----------
    home : Path
        The store's folder.
    wait : float
        Seconds to wait for another process; ``WORKBENCH_WAIT`` in the environment goes before it. Below 0: not at all, whatever
        the environment says.
    say : callable, optional
        Is told once, in English and Chinese, for whom one waits; the logger ``survey`` (INFO) where it is None.

    Raises
    ------
    survey.Refused
        Where the other one is still at work after that time: with its number, machine and since when.
    """
    place, me = home.resolve(), (os.getpid(), threading.get_ident())
    if _holders.get(place) == me:
        yield
        return
    descriptor = _acquired(home, _patience(home, wait), say)
    _holders[place] = me
    try:
        yield
    finally:
        del _holders[place]
        with contextlib.suppress(OSError):  # a file that stays locks nothing
            (home / NAME).unlink(missing_ok=True)  # before the lock goes, so that nobody's new one is taken away
        let_go(descriptor)


@contextlib.contextmanager
def writing_if_free(home: Path) -> Iterator[bool]:
    """Hold the store's lock where nobody else does and the store may be written; gives whether it is held."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(writing(home, wait=-1.0))
            held = True
        except Refused:
            held = False
        yield held


def _patience(home: Path, wait: float) -> float:
    given = os.environ.get("WORKBENCH_WAIT")
    try:
        return max(0.0, float(given)) if given and wait >= 0 else wait
    except ValueError:
        refuse(
            home,
            "WORKBENCH_WAIT is no number of seconds; write one, such as 60",
            "WORKBENCH_WAIT 不是秒数；请写一个数字，如 60",
        )


def _acquired(home: Path, wait: float, say: Callable[[str], object] | None) -> int:
    start, told = time.monotonic(), False
    while True:
        descriptor, other = _tried(home)
        if descriptor is not None:
            return descriptor
        waited = time.monotonic() - start
        if waited >= wait:
            _refuse_busy(home, other)
        if waited >= QUIET and not told:
            _tell(home, other, say)
            told = True
        time.sleep(PAUSE)


def _tried(home: Path) -> tuple[int | None, Holder | None]:
    """Give the held lock's descriptor, or None and who holds it."""
    with guarded(home):
        descriptor = os.open(home / NAME, os.O_RDWR | os.O_CREAT, 0o600)
        got = False
        try:
            before = Holder.told(os.pread(descriptor, 4096, 0))
            got = _locked(descriptor) and _still_there(descriptor, home / NAME)
            if got:
                _sign(home, descriptor)
            return (descriptor, None) if got else (None, before)
        except OSError:
            got = False
            raise
        finally:
            if not got:
                os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_there(descriptor: int, path: Path) -> bool:
    """Whether it is the file of this name that was locked: the last holder may have taken that one away."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _sign(home: Path, descriptor: int) -> None:
    left = Holder.told(os.pread(descriptor, 4096, 0))
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, Holder.here().text(), 0)
    if left is not None:
        note(
            home,
            f"the lock of process {left.pid} on {left.host} (since {left.since}), which has ended, was taken over.",
            f"已接管进程 {left.pid}（{left.host}，始于 {left.since}）遗留的锁，该进程已结束。",
            logging.INFO,
        )


def _tell(home: Path, other: Holder | None, say: Callable[[str], object] | None) -> None:
    who, who_zh = _named(other)
    en, zh = f"waiting for {who}, who is writing to this store.", f"正在等待{who_zh}完成写入。"
    if say is None:
        note(home, en, zh, logging.INFO)
    else:
        say(f"{label(home)}: {en} {zh}")


def _refuse_busy(home: Path, other: Holder | None) -> None:
    who, who_zh = _named(other)
    refuse(
        home,
        f"{who} is writing to this store; wait until it is done and run again, or end it if it hangs",
        f"{who_zh}正在写入该存储；请等其完成后重新运行，若已卡死请结束该进程",
    )


def _named(other: Holder | None) -> tuple[str, str]:
    if other is None:
        return "another process", "另一进程"
    zh = f"进程 {other.pid}（{other.host}，始于 {other.since}）"
    return f"process {other.pid} ({other.host}, since {other.since})", zh
