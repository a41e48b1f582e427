"""The calls of the operating system by which a store is written, counted, and one of them spoilt; no hooks in the product."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = ("open", "write", "fsync", "replace", "mkdir", "unlink", "rmdir", "ftruncate", "pwrite", "close")
BY_NUMBER = ("write", "fsync", "ftruncate", "pwrite", "close")  # calls that are given a file's number


@dataclass(frozen=True)
class Call:
    """One call: its number from 1, its name, and the places below the store that it is about (``replace`` has two)."""

    number: int
    name: str
    places: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.number} {self.name} {' -> '.join(self.places)}"


Act = Callable[[Call, str], None]  # told each call, "before" and "after" it


class Tap:
    """Stands between the product and the operating system for all that lies below a folder."""

    def __init__(self, below: Path, act: Act, *, reads: bool = False) -> None:
        self.below, self.act, self.reads = str(below.resolve()), act, reads
        self.calls: list[Call] = []
        self._own: dict[str, Any] = {}
        self._reader: Any = None

    def __enter__(self) -> Tap:
        self._own = {name: getattr(os, name) for name in WRITES}
        for name in WRITES:
            setattr(os, name, self._wrapped(name, self._own[name]))
        self._reader = io.open
        if self.reads:
            io.open = self._wrapped("read", self._reader)
        return self

    def __exit__(self, *_: object) -> None:
        for name, call in self._own.items():
            setattr(os, name, call)
        io.open = self._reader

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def tapped(*given: Any, **named: Any) -> Any:
            places = self._places(name, given, named)
            if not places:
                return call(*given, **named)
            told = Call(len(self.calls) + 1, name, places)
            self.calls.append(told)
            self.act(told, "before")
            try:
                return call(*given, **named)
            finally:  # a call that fails, as of a folder that is there already, is over too
                self.act(told, "after")

        return tapped

    def _places(self, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[str, ...]:
        """Places that a call is about; none where one of them lies elsewhere."""
        if name in BY_NUMBER:
            full = [self._of(given[0])]
        else:
            paths = given[:2] if name == "replace" else given[:1]
            full = [self._resolved(path, named.get("dir_fd")) for path in paths]
        inside = [path[len(self.below) + 1 :] for path in full if path.startswith(self.below)]
        return tuple(inside) if len(inside) == len(full) else ()

    def _resolved(self, path: Any, folder: int | None) -> str:
        if isinstance(path, int):
            return self._of(path)
        text = os.fspath(path)
        text = os.fsdecode(text)
        return f"{self._of(folder)}/{text}" if folder is not None else os.path.abspath(text)

    @staticmethod
    def _of(number: int) -> str:
        try:
            return os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            return ""


def killing(number: int, when: str) -> Act:
    """Kill this process at a call, before or after it."""

    def act(call: Call, now: str) -> None:
        if (call.number, now) == (number, when):
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def failing(number: int, error: int, names: tuple[str, ...] = WRITES) -> Act:
    """Let the n-th call of these names fail once."""
    seen = 0

    def act(call: Call, now: str) -> None:
        nonlocal seen
        if (
            now == ("after" if call.name == "close" else "before") and call.name in names
        ):  # a number is free in any case
            seen += 1
            if seen == number:
                raise OSError(error, os.strerror(error))

    return act


def watching(_: Call, __: str) -> None:
    """Let every call pass."""
