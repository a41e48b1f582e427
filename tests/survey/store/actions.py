"""What a child process does in these tests: a real ingest, a save, a purge, with one call spoilt or under a limit."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from survey import Refused, open_study, store
from tests.survey.store.faults import said
from tests.survey.store.tap import WRITES, Act, Tap, failing, killing, watching


def ingest(study: str, home: str, spoil: dict[str, Any] | None = None, **ground: Any) -> dict[str, Any]:
    """Make a panel, as a command does; give what it holds and the calls that were made."""
    start = _memory("VmSize")
    with _ground(home, **ground), Tap(Path(home), _act(spoil)) as tap:
        panel = open_study(study).panel()
    taken = _memory("VmPeak") - start
    calls = [[c.name, *c.places] for c in tap.calls]
    return {"rows": len(panel.members), "waves": panel.waves, "calls": calls, "memory": taken}


def purge(home: str, wave: str, spoil: dict[str, Any] | None = None, **ground: Any) -> dict[str, Any]:
    """Erase a wave."""
    with _ground(home, **ground), Tap(Path(home), _act(spoil)) as tap:
        gone = store.purge(store.home("small"), wave)
    return {"keys": gone.keys, "calls": [[c.name, *c.places] for c in tap.calls]}


def save_many(home: str, writer: int, rounds: int) -> int:
    """Save tables of one's own again and again, each under a key of its own."""
    with _ground(home):
        place = store.home("small")
        for n in range(rounds):
            store.save(place, f"{writer}-{n}", {"t": table(writer, n)}, {"waves": []}, keep=True)
    return rounds


def swap(home: str, rounds: int, rows: int) -> int:
    """Save two tables under one key again and again: both say which round it is."""
    with _ground(home):
        place = store.home("small")
        for n in range(rounds):
            frames = {name: pd.DataFrame({"round": [n] * rows}) for name in ("a", "b")}
            store.save(place, "k", frames, {"round": n})
    return rounds


def read_on(home: str, until: int) -> dict[str, Any]:
    """Read what `swap` writes until a round has come; tell every reading in which the two tables were not of one round."""
    torn, seen, late = [], set(), 0
    with _ground(home):
        place, last = store.home("small"), -1
        while last < until:
            sealed = store.load(place, "k")
            if sealed is None:
                continue
            try:
                rounds = {n for name in ("a", "b") for n in sealed.frame(name)["round"].unique()} | {
                    sealed.meta["round"]
                }
            except Refused as error:  # a version that was swept in the meantime is refused, never half read
                late += 1
                torn += [] if said("reader during write", str(error)) else [str(error)]
                continue
            torn += [sorted(map(int, rounds))] if len(rounds) > 1 or int(max(rounds)) < last else []
            last = int(max(rounds))
            seen.add(last)
    return {"torn": torn, "seen": len(seen), "late": late}


def table(writer: int, n: int) -> pd.DataFrame:
    """A table that no other writer and round has."""
    return pd.DataFrame({"writer": [writer], "round": [n]})


@contextlib.contextmanager
def _ground(
    home: str,
    *,
    environment: dict[str, str] | None = None,
    file_size: int | None = None,
    memory: float | None = None,
    user: int | None = None,
    before: str | None = None,
) -> Iterator[None]:
    """The world in which a job runs: environment, limits, user; `before` is a function of `worlds` that changes it further."""
    os.environ.update({"WORKBENCH_HOME": home, **(environment or {})})
    if before is not None:
        from tests.survey.store import worlds

        getattr(worlds, before)()
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    if file_size is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    if memory is not None:
        size = _memory("VmSize") + int(memory)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    yield


def _memory(what: str) -> int:
    """Bytes of the address space, now (VmSize) or at most so far (VmPeak)."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))


def _act(spoil: dict[str, Any] | None) -> Act:
    if spoil is None:
        return watching
    if "kill" in spoil:
        return killing(*spoil["kill"])
    return failing(spoil["fail"], spoil["error"], tuple(spoil.get("names", WRITES)))
