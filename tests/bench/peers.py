"""Runs ours and others' programs on one file in turns, each in a process of its own, and lays the times side by side.

No bench by itself: `estimates.py` and `raking.py` use it. A peer's program prints one line of JSON last: ``seconds``,
``core`` (seconds of a core, for times that others' work does not swell), ``peak`` (GiB, of its process), ``more``
(GiB, by how much the timed call raised it) and what it has to say of its answers. `PYTHON_HEAD` gives Python programs
`timed` and `tell`.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300  # seconds a run may take
SLOW = 20  # seconds after which a peer is run once only
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
PYTHON_HEAD = """
import json, sys, time
import numpy as np, pandas as pd

def peak():  # not ru_maxrss, which a process takes over from the one that started it
    with open("/proc/self/status") as told:
        return next(int(line.split()[1]) for line in told if line.startswith("VmHWM")) / 2**20

def timed(work):
    start, used = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - start, time.process_time() - used

def tell(**said):
    print(json.dumps({"peak": peak()} | said))
"""


@dataclass
class Tool:
    """A program to time: how it is started (None: not installed), its code, and what it is called with."""

    name: str
    start: list[str] | None
    code: str
    arguments: Sequence[str] = ()
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def gone(self) -> str | None:
        """Why there is no time, if there is none."""
        if self.start is None:
            return "not installed"
        return next((r["gone"] for r in self.runs if "gone" in r), None)


def python(package: str) -> list[str] | None:
    """Start of a Python program that needs a package: this interpreter, or the one that BENCH_PYTHON names."""
    for interpreter in (sys.executable, os.environ.get("BENCH_PYTHON")):
        if interpreter and not subprocess.run([interpreter, "-c", f"import {package}"], capture_output=True).returncode:
            return [interpreter, "-c"]
    return None


def r(package: str) -> list[str] | None:
    """Start of an R program that needs a package."""
    found = shutil.which("Rscript")
    if not found or subprocess.run([found, "-e", f"library({package})"], capture_output=True).returncode:
        return None
    return [found, "-e"]


def version(start: list[str] | None, package: str) -> str:
    """Version of a package as the program's own interpreter has it."""
    if start is None:
        return f"{package} not installed"
    code = f"import importlib.metadata as m; print(m.version('{package}'), end='')"
    if start[0].endswith("Rscript"):
        code = f"cat(as.character(packageVersion('{package}')), 'in R', as.character(getRversion()))"
    return f"{package} {subprocess.run([*start, code], capture_output=True, text=True, check=True).stdout}"


def machine(versions: Sequence[str]) -> str:
    """Say what the times were taken on."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, " + ", ".join(
        versions
    )


def in_turns(tools: Sequence[Tool], runs: int) -> None:
    """Run all, one after the other, so often; one that is slow or fails not again."""
    for turn in range(runs):
        for tool in tools:
            if tool.gone or (turn and tool.runs[-1]["wall"] > SLOW):
                continue
            tool.runs.append(once(tool))


def once(tool: Tool) -> dict[str, Any]:
    """Run a program and read what it prints."""
    assert tool.start is not None
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [*tool.start, tool.code, *tool.arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT)
    except subprocess.TimeoutExpired:
        return {"gone": f"more than {PATIENCE} s"}
    if done.returncode:
        return {"gone": "failed: " + (done.stderr.strip().splitlines() or ["no word"])[-1][:90]}
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {"wall": said["seconds"], **said}


def line(label: str, tool: Tool, ours: Tool, words: str = "") -> None:
    """Print a tool's median times, the medians of their ratios to ours turn by turn, its peak, words on its answers."""
    if tool.gone:
        print(f"{label:24} {tool.name:22} {tool.gone}", flush=True)
        return
    seconds, core = (statistics.median(r[k] for r in tool.runs) for k in ("seconds", "core"))
    pairs = list(zip(ours.runs, tool.runs, strict=False))
    ratios = [statistics.median(t[k] / max(o[k], 1e-9) for o, t in pairs) for k in ("seconds", "core")]
    beside = "" if tool is ours else f"{ratios[0]:7.1f} x {ratios[1]:7.1f} x"
    peak = max(r["peak"] for r in tool.runs)
    more = max(r["more"] for r in tool.runs)
    print(
        f"{label:24} {tool.name:21} {seconds:9.4f} s {core:9.4f} s {beside:>19} {peak:5.2f} GiB (+{more:.2f})  "
        f"{len(tool.runs)}  {words}",
        flush=True,
    )


HEAD = (
    f"{'answers':24} {'tool':21} {'seconds':>11} {'of a core':>11} {'times ours, both':>19} "
    f"{'peak (of it the call)':>18}  runs"
)


def furthest(one: Mapping[Any, float] | Any, other: Any) -> float:
    """Largest relative difference of two arrays, where both have a number."""
    import numpy as np

    one, other = np.asarray(one, float), np.asarray(other, float)
    both = np.isfinite(one) & np.isfinite(other)
    scale = np.maximum(np.abs(one[both]), np.abs(other[both]))
    gap = np.abs(one[both] - other[both])
    return float(np.divide(gap, scale, out=np.zeros(len(gap)), where=scale > 0).max(initial=0.0))
