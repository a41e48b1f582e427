"""Two states of one small study and what its store holds after each: the ground of the kill loop and of the faults."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from survey import store
from survey.store import manifest
from tests.survey.builders import ANSWERS, COUNTED, FULL, LOG, LOGGED, REGISTRY, change_wave, csv_text, write_study
from tests.survey.store.worker import Ended, Worker

NAME = "small"
WAVES = ("2024",)
SPARE = 5  # sets of tables that no version names: the sweep takes one of them


def write(place: Path, people: int, waves: tuple[str, ...] = WAVES) -> Path:
    """Write the study with so many answers a wave; more people are a corrected file."""
    folder = write_study(place, {wave: {"files": _files(wave, people)} for wave in waves})
    for wave in waves:
        change_wave(folder, wave, files=[ANSWERS, LOG, REGISTRY])
    return folder


def _files(wave: str, people: int) -> dict[str, str]:
    answers = [FULL | {"id": f"m{n}", "q1": str(1 + (n + int(wave)) % 5)} for n in range(people)]
    log = [LOGGED | {"who": f"m{n}", "what": f"{wave}-{n % 3}", "at": f"{wave}-03-05 10:00"} for n in range(8)]
    rows = ((ANSWERS, answers), (LOG, log), (REGISTRY, [COUNTED]))
    return {entry["file"]: csv_text(found, list(entry["columns"])) for entry, found in rows}


def snapshot(folder: Path) -> dict[str, str]:
    """Name and SHA-256 of every file below a folder, and every empty folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif not any(path.iterdir()):
            found[str(path.relative_to(folder))] = "empty folder"
    return found


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """When each file below a folder was written, and which file it is."""
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_ino) for p in sorted(folder.rglob("*"))}


@dataclass(frozen=True)
class Ground:
    """A study before and after a correction.

    Attributes
    ----------
    first, second : Path
        The study's folder with the first files and with the corrected ones.
    before : Path
        A home in which the first was taken in; besides it spare tables, one of which the next run sweeps.
    after : dict
        Snapshot of that home after an undisturbed run on the corrected files.
    states : tuple of str
        Texts of the manifests that such a run leaves one after the other.
    calls : tuple
        Calls of that run: name and places.
    """

    first: Path
    second: Path
    before: Path
    after: dict[str, str]
    states: tuple[str, ...]
    calls: tuple[tuple[str, ...], ...]

    def copy(self, place: Path) -> Path:
        """Copy the home to work on."""
        return Path(shutil.copytree(self.before, place))


def prepare(place: Path, worker: Worker) -> Ground:
    """Write both studies and run undisturbed."""
    first, second = write(place / "1", 20, WAVES), write(place / "2", 24, WAVES)
    before, after = place / "before", place / "after"
    done(worker.run("ingest", study=first, home=before))
    for n in range(SPARE):
        store.save(before / "store" / NAME, f"spare-{n}", {"t": pd.DataFrame({"n": [n]})}, {"waves": []})
    shutil.copytree(before, after)
    clean = done(worker.run("ingest", study=second, home=after))
    states = _states(after, before)
    return Ground(first, second, before, snapshot(after), states, tuple(map(tuple, clean["calls"])))


def _states(after: Path, before: Path) -> tuple[str, ...]:
    """The manifest before the run, with each set of new tables in turn, with the new version, without the spare tables."""
    old = manifest.read(before / "store" / NAME)
    new = manifest.read(after / "store" / NAME)
    states = [old]
    for key in sorted(set(new.entries) - set(old.entries), key=lambda key: new.entries[key].number):
        states.append(states[-1].adding(key, new.entries[key]))
    states += [manifest.replace(states[-1], versions=new.versions), new]
    return tuple(m.text().decode() for m in states)


def done(ended: Ended) -> dict[str, Any]:
    """Give what a job gave; it must have gone well."""
    assert ended.gave is not None, ended
    return dict(ended.gave)
