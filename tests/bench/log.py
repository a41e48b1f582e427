"""An accepted log of 10 million rows reduced to cells and careers, against DuckDB's own plain grouping of the same file.

usage: python tests/bench/log.py [ROWS] [RUNS] [ENGINE]     (not a test; run by hand on a quiet machine)

The two take turns, each in a process of its own with as many threads and as much memory; their answers are compared. Another
ENGINE (local[2]) is timed beside them, its start apart.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from log_data import write_log

ROOT = Path(__file__).resolve().parents[2]
DAYS = 365
REDUCED = """
import json, resource, sys, time
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
sys.path.insert(0, "tests/bench")
what, path, out, engine = sys.argv[1:]
began = 0.0
if what == "plain":
    from log_plain import grouped
else:
    from survey.activity import LogPart, engines, reduce_wave
    start = time.perf_counter()
    if engine != "duckdb":
        with engines.opened(engine, []):
            began = time.perf_counter() - start
start, used = time.perf_counter(), time.process_time()
if what == "plain":
    cells, careers = grouped(path, DAYS)
else:
    found = reduce_wave([LogPart("1", "log", Path(path))], "1", again={}, took_part_days=DAYS, log_end=None, not_reporting=[],
                        engine=engine, incidence=False)
    cells, careers = found.cells, found.careers
took, used = time.perf_counter() - start, time.process_time() - used
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
for name, table in (("cells", cells), ("careers", careers)):
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), f"{out}/{what}-{name}.parquet")
print(json.dumps({"seconds": took, "core": used, "peak": peak, "began": began, "cells": len(cells), "careers": len(careers)}))
"""
COMPARED = """
import sys
import pandas as pd
out, one, other = sys.argv[1:]
for name in ("cells", "careers"):
    a, b = (pd.read_parquet(f"{out}/{what}-{name}.parquet") for what in (one, other))
    keys = [c for c in ("member", "group", "region", "channel", "month") if c in a][: 2 if "member" in a else 4]
    a, b = (f.sort_values(keys, ignore_index=True) for f in (a, b))
    pd.testing.assert_frame_equal(a, b[a.columns], check_dtype=False, rtol=1e-12)
    print(f"  {name}: {len(a):,} rows, the same")
"""


def main(rows: int, runs: int, engine: str) -> None:
    """Print a line a run, the median of the paired ratios, and whether the answers are the same."""
    print(
        f"log: {rows:,} rows; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "log.parquet"
        share = rows / 10_000_000
        write_log(path, rows, members=int(300_000 * share), activities=int(120_000 * share))
        print(f"  {path.stat().st_size / 2**20:,.0f} MB of Parquet")
        found: dict[str, list[dict[str, float]]] = {"plain": [], "ours": []}
        for _ in range(runs):
            for what, results in found.items():
                results.append(_run(what, path, home, "duckdb"))
        for measure in ("seconds", "core"):
            ratios = [ours[measure] / plain[measure] for plain, ours in zip(*found.values(), strict=True)]
            print(
                f"  ours / plain, {measure}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            )
        _compare(home, "plain", "ours")
        if engine != "duckdb":
            _run(engine, path, home, engine)
            _compare(home, "ours", engine)


def _run(what: str, path: Path, home: str, engine: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(
        _python(REDUCED.replace("DAYS", str(DAYS)), what, str(path), home, engine).splitlines()[-1]
    )
    print(
        f"  {what:8}{found['seconds']:8.1f} s {found['core']:8.1f} s of a core, peak {found['peak']:.2f} GiB, "
        f"start {found['began']:.1f} s; {found['cells']:,} cells, {found['careers']:,} careers",
        flush=True,
    )
    return found


def _compare(home: str, one: str, other: str) -> None:
    print(_python(COMPARED, home, one, other), flush=True)


def _python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.rstrip()


if __name__ == "__main__":
    rows, runs, engine = (*sys.argv[1:], *("10000000", "3", "duckdb")[len(sys.argv) - 1 :])
    main(int(rows), int(runs), engine)
