"""Where a run is killed: at steps that have a name, at every call in turn, at random moments; and what must be true after it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey import store
from survey.store import manifest
from tests.survey.store.ground import NAME, Ground, done, snapshot
from tests.survey.store.worker import Worker

SEED = 20240305
SIGKILL = 9
Wanted = Callable[[tuple[str, ...]], bool]


@dataclass(frozen=True)
class Kill:
    """One kill: before or after a call, or so many seconds into the run (then there is no call)."""

    call: int = 0
    when: str = "before"
    after: float = 0.0

    def __str__(self) -> str:
        return f"{self.when} call {self.call}" if self.call else f"after {self.after:.3f} s"


def _is(name: str, *parts: str) -> Wanted:
    return lambda call: call[0] == name and all(part in " ".join(call[1:]) for part in parts)


# What happens at each step, and which of the calls that it fits is meant (0: the first, -1: the last), before or after it.
STEPS: dict[str, tuple[Wanted, int, str]] = {
    "the lock is taken and not signed": (_is("open", "lock"), 0, "after"),
    "a building folder is made": (_is("mkdir", ".building-"), 0, "after"),
    "half of the first table is written": (_is("write", "/0.parquet"), 4, "after"),
    "the first table, before it is on the disk": (_is("fsync", "/0.parquet"), 0, "before"),
    "the first table, on the disk": (_is("fsync", "/0.parquet"), 0, "after"),
    "before the first rename": (_is("replace", "objects/"), 0, "before"),
    "the first table in its place": (_is("replace", "objects/"), 0, "after"),
    "between the tables": (_is("replace", "objects/"), 5, "after"),
    "all tables in their places": (_is("replace", "objects/"), -1, "after"),
    "the names of the tables on the disk": (_is("fsync", "objects"), 0, "after"),
    "the copy of the manifest, before its rename": (_is("replace", "manifest.1.json"), 0, "before"),
    "the copy of the manifest, renamed": (_is("replace", "manifest.1.json"), 0, "after"),
    "the manifest, half written": (_is("write", "/manifest.json"), 0, "before"),
    "the manifest, before its rename": (_is("replace", "/manifest.json"), 0, "before"),
    "the manifest, renamed": (_is("replace", "/manifest.json"), 0, "after"),
    "the panel, its copy renamed": (_is("replace", "manifest.1.json"), 1, "after"),
    "the panel, kept": (_is("replace", "/manifest.json"), 1, "after"),
    "the version, its copy renamed": (_is("replace", "manifest.1.json"), 2, "after"),
    "the version recorded": (_is("replace", "/manifest.json"), 2, "after"),
    "the sweep, before its manifest": (_is("replace", "/manifest.json"), 3, "before"),
    "the sweep, before it deletes": (_is("unlink", "objects/"), 0, "before"),
    "the sweep, a table deleted": (_is("unlink", "objects/"), 0, "after"),
    "the lock is given up": (_is("unlink", "lock"), -1, "before"),
    "all is done": (_is("unlink", "lock"), -1, "after"),
}


def at_step(name: str, calls: tuple[tuple[str, ...], ...]) -> Kill:
    """Find a step among the calls of an undisturbed run."""
    wanted, which, when = STEPS[name]
    fitting = [n for n, call in enumerate(calls, 1) if wanted(call)]
    return Kill(fitting[which], when)


def plan(count: int, calls: int, seconds: float) -> list[Kill]:
    """Half of the kills at calls spread over the whole run, its two ends among them; half at random moments of it."""
    draw = random.Random(SEED)
    steps = count // 2
    at_calls = [Kill(1 + (2 * n + 1) * calls // (2 * steps), draw.choice(("before", "after"))) for n in range(steps)]
    at_calls[0], at_calls[-1] = Kill(1, "before"), Kill(calls, "after")
    return [*at_calls, *(Kill(after=draw.uniform(0.0, seconds)) for _ in range(count - steps))]


def killed(ground: Ground, worker: Worker, home: Path, kill: Kill) -> str:
    """Kill a run on the corrected files, look at what it left, run again; say what was found ("old", "new" or "between")."""
    spoil = {"kill": [kill.call, kill.when]} if kill.call else None
    ended = worker.run("ingest", study=ground.second, home=home, spoil=spoil, kill_after=kill.after or None)
    assert ended.signal == SIGKILL or (not kill.call and ended.gave is not None), (str(kill), ended)
    found = look(ground, home / "store" / NAME)
    done(worker.run("ingest", study=ground.second, home=home))
    assert snapshot(home) == ground.after, str(kill)
    return found


def look(ground: Ground, home: Path) -> str:
    """What a reader finds: the store is whole, and it is one of the states of an undisturbed run."""
    assert store.verify(home).faults == ()
    text = manifest.read(home).text().decode()
    assert text in ground.states
    known = manifest.read(home)
    for key, entry in known.entries.items():
        sealed = store.load(home, key)
        assert sealed is not None
        for name in sealed.names:
            sealed.frame(name)
        assert dict(sealed.sums) == dict(entry.frames)
    return {0: "old", len(ground.states) - 1: "new"}.get(ground.states.index(text), "between")


def seconds_of(worker: Worker, ground: Ground, place: Path) -> float:
    """How long an undisturbed run takes here and now."""
    start = time.perf_counter()
    given: dict[str, Any] = {"study": ground.second, "home": ground.copy(place)}
    done(worker.run("ingest", **given))
    return time.perf_counter() - start
