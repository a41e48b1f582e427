"""A process that has imported everything and forks itself for each job, so that a run may be killed a thousand times.

One job a line comes in, one answer a line goes out. It starts no thread before it forks.
"""

from __future__ import annotations

import codecs
import dataclasses
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PRELOADED = ("survey.build", "survey.readers.plain", "pyarrow.parquet", "tests.survey.store.actions")


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a job ended: its signal (0: none), what it gave, the faults of what was refused, or what it raised."""

    signal: int
    gave: Any = None
    refused: tuple[tuple[str, str, str], ...] | None = None
    raised: str | None = None

    @property
    def words(self) -> str:
        """All that was said, in both languages."""
        return "\n".join(" ".join(fault) for fault in self.refused or ())


class Worker:
    """The process, seen from the test."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.survey.store.worker"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(command, cwd=ROOT, text=True, env={**os.environ, **one}, **pipes)  # type: ignore[call-overload]

    def run(self, action: str, /, *, kill_after: float | None = None, **given: Any) -> Ended:
        """Do one job of `actions` in a process of its own; kill it after so many seconds, if it still lives."""
        return self.together([(action, given)], kill_after)[0]

    def together(self, jobs: list[tuple[str, dict[str, Any]]], kill_after: float | None = None) -> list[Ended]:
        """Do jobs at the same time."""
        self._process.stdin.write(json.dumps({"jobs": jobs, "kill_after": kill_after}, default=str) + "\n")
        self._process.stdin.flush()
        answers = json.loads(self._process.stdout.readline())
        return [Ended(**{**a, "refused": _faults(a.get("refused"))}) for a in answers]

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)


def _faults(told: list[list[str]] | None) -> tuple[tuple[str, str, str], ...] | None:
    return None if told is None else tuple((f[0], f[1], f[2]) for f in told)


def main() -> None:
    """Serve until no more jobs come."""
    logging.getLogger("survey").addHandler(logging.NullHandler())
    for encoding in ("utf-8-sig", "utf-16", "gb18030", "ascii", "latin-1", "idna"):
        codecs.lookup(encoding)  # a job may be done as a user who cannot read the interpreter's folder
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        begun = [_begin(action, given) for action, given in asked["jobs"]]
        if asked["kill_after"] is not None:
            time.sleep(asked["kill_after"])
            for process, _ in begun:
                os.kill(process, signal.SIGKILL)
        sys.stdout.write(json.dumps([_ended(*one) for one in begun]) + "\n")
        sys.stdout.flush()


def _begin(action: str, given: dict[str, Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    os.close(reading)
    code = 1
    try:
        with os.fdopen(writing, "w") as pipe:
            pipe.write(json.dumps(_answer(action, given)))
        code = 0
    finally:
        os._exit(code)


def _answer(action: str, given: dict[str, Any]) -> dict[str, Any]:
    from survey import Refused
    from tests.survey.store import actions

    try:
        return {"gave": getattr(actions, action)(**given)}
    except Refused as refused:
        return {"refused": [[f.file, f.en, f.zh] for f in refused.faults]}
    except Exception as error:  # whatever it is, the test is told
        return {"raised": f"{type(error).__name__}: {error}"}


def _ended(process: int, reading: int) -> dict[str, Any]:
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(process, 0)
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return {"signal": number, **(json.loads(said) if said and not number else {})}


if __name__ == "__main__":
    main()
