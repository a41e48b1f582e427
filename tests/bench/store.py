"""How long it takes to save, read again and verify a large store.

usage: python tests/bench/store.py [MB]     (not a test; run by hand on a quiet machine; 1,024 MB by default)
"""

from __future__ import annotations

import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from survey import store

PART = 64  # MB of a table
GOAL = 60.0  # seconds for 1 GB


def main(size: int) -> None:
    """Print a line a step."""
    print(f"store: {size} MB, {os.cpu_count()} cores, Python {platform.python_version()}, pyarrow {pa.__version__}")
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "bench"
        home.mkdir(mode=0o700)
        tables = [_table(n) for n in range(2)]
        _timed("save", size, lambda: [_save(home, n, tables) for n in range(size // PART)])
        found = _timed("verify", size, lambda: store.verify(home))
        again = _timed("verify once more, from the memory of the system", size, lambda: store.verify(home))
        _timed("load and read every table", size, lambda: [_read(home, n) for n in range(size // PART)])
        print(f"  {found.files} files, {found.bytes / 2**20:,.0f} MB, {len(found.faults)} faults")
        slowest = max(found.seconds, again.seconds) * 1024 / size
        print(f"  verify of 1 GB: {slowest:.1f} s, goal {GOAL:.0f} s: {'reached' if slowest < GOAL else 'MISSED'}")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"  peak {peak:.2f} GiB")


def _table(seed: int) -> pd.DataFrame:
    """Numbers that no compression makes smaller: 32 MB."""
    return pd.DataFrame(np.random.default_rng(seed).standard_normal((2**18, 16)), columns=[f"v{n}" for n in range(16)])


def _save(home: Path, n: int, tables: list[pd.DataFrame]) -> None:
    frames: dict[str, pd.DataFrame | Path] = {f"t{i}": table + n for i, table in enumerate(tables)}
    store.save(home, f"k{n}", frames, {}, keep=True)


def _read(home: Path, n: int) -> int:
    sealed = store.load(home, f"k{n}")
    assert sealed is not None
    return sum(len(sealed.frame(name)) for name in sealed.names)


def _timed(what: str, size: int, do: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    given = do()
    seconds = time.perf_counter() - start
    print(f"  {what}: {seconds:.1f} s, {size / seconds:,.0f} MB/s", flush=True)
    return given


if __name__ == "__main__":
    main(int((sys.argv[1:] or ["1024"])[0]))
