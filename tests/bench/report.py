"""How long the main job takes and how much memory, as a whole process: with the panel to build, and with it found built.

usage: python tests/bench/report.py [STUDY]     (not a test; run by hand on a quiet machine)
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(study: str) -> None:
    """Print a line a run: seconds, processor seconds, peak memory of the largest process."""
    packages = ("pandas", "numpy", "scipy", "nbclient", "matplotlib")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"report {study}: {os.cpu_count()} cores, Python {platform.python_version()}, {versions}")
    with tempfile.TemporaryDirectory() as home:
        for label in ("panel built", "panel found"):
            print(f"{label}: {_run(study, home)}")
        pages = list(Path(home).glob("reports/out/*/*/*/*.html"))
        size = sum(page.stat().st_size for page in pages) / 2**20
        print(f"{len(pages)} pages, {size:.1f} MiB")


def _run(study: str, home: str) -> str:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", "from reports.commands import main; main()", "report", study]
    environment = {**os.environ, "WORKBENCH_HOME": home, "OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{wall:.1f} s, processor {processor:.1f} s, peak {after.ru_maxrss / 2**20:.2f} GiB"


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "demo")
