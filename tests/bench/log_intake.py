"""A log of 10 million rows as CSV taken in whole, against DuckDB's own reading and grouping of the same file.

usage: python tests/bench/log_intake.py [ROWS] [RUNS]     (not a test; run by hand on a quiet machine)

Ours: decode, pseudonyms, comparison with the list of members, account, Parquet in the store (`take_in`); then the panel, which
reduces the log; then the panel once more from the store. Theirs: `read_csv` of text and two GROUP BY, with two threads. The two
take turns, each in a process of its own; their counts are compared.
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

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

ROOT = Path(__file__).resolve().parents[2]
MEMBERS, ACTIVITIES, GROUPS, REGIONS, PART = 300_000, 120_000, 19, 100, 1_000_000
STUDY = """format: "1"
name: big
title: {en: Big, zh: 大}
synthetic: true
time_zone: Asia/Shanghai
groups: {file: groups.csv}
places: {file: places.csv}
windows: {took_part: 365, returned: 90}
cuts: [[], [group], [region]]
"""
WAVE = """wave: "2024"
fieldwork: {start: 2024-12-01, end: 2024-12-31}
files:
  - file: log.csv
    holds: log
    columns: {who: member, what: activity, org: group, place: region, at: start, by: channel, came: response}
    took_part: {response: ["yes"]}
  - file: members.csv
    holds: memberships
    columns: {who: member, org: group, since: joined}
"""
OURS = """
import json, resource, sys, time
from survey import open_study
from survey.identity import study_key
from survey.intake import take_in
study = open_study(sys.argv[1])
start, used = time.perf_counter(), time.process_time()
found = take_in(study, study.wave_list, study_key("big", synthetic=True))
told = {"seconds": time.perf_counter() - start, "core": time.process_time() - used}
told |= {"rows": int(found.tally.query("holds == 'log' and rule == 'read'")["rows"].sum())}
start = time.perf_counter()
panel = study.panel()
told |= {"reduced": time.perf_counter() - start, "careers": len(panel.careers)}
told["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps(told))
"""
AGAIN = """
import json, sys, time
from survey import open_study
start = time.perf_counter()
panel = open_study(sys.argv[1]).panel()
print(json.dumps({"seconds": time.perf_counter() - start, "careers": len(panel.careers)}))
"""
THEIRS = """
import json, resource, sys, time
import duckdb
start, used = time.perf_counter(), time.process_time()
engine = duckdb.connect(config={"threads": 2})
engine.execute("SET enable_progress_bar = false")
engine.execute(f"CREATE TABLE log AS SELECT * FROM read_csv('{sys.argv[1]}/2024/log.csv', all_varchar=true)")
engine.execute("CREATE TABLE held AS SELECT DISTINCT what, unnest(string_split(org, ';')) AS organiser FROM log")
cells = engine.execute('''SELECT organiser, place, "by", substr("at", 1, 7), COUNT(DISTINCT what), COUNT(DISTINCT who)
    FROM log JOIN held USING (what) WHERE came = 'yes' GROUP BY ALL''').fetchnumpy()
careers = engine.execute('''SELECT who, organiser, MIN("at"), MAX("at"), COUNT(DISTINCT "at")
    FROM log JOIN held USING (what) WHERE came = 'yes' GROUP BY ALL''').fetchnumpy()
took, used = time.perf_counter() - start, time.process_time() - used
rows = engine.execute("SELECT COUNT(*) FROM log").fetchone()[0]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(json.dumps({"seconds": took, "core": used, "rows": rows, "careers": len(careers["who"]), "peak": peak}))
"""


def main(rows: int = 10_000_000, runs: int = 2) -> None:
    """Measure and print."""
    print(f"{rows:,} rows; Python {platform.python_version()}, DuckDB {duckdb.__version__}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as place:
        folder = write(Path(place) / "big", rows)
        print(f"log.csv: {(folder / '2024' / 'log.csv').stat().st_size / 2**20:,.0f} MiB")
        ours, theirs, again = [], [], []
        for n in range(runs):
            home = Path(place) / f"home-{n}"
            theirs.append(ran(THEIRS, folder, home))
            ours.append(ran(OURS, folder, home))
            again.append(ran(AGAIN, folder, home))
            print(json.dumps({"theirs": theirs[-1], "ours": ours[-1], "again": again[-1]}))
        ratios = [a["seconds"] / b["seconds"] for a, b in zip(ours, theirs, strict=True)]
        second = [a["seconds"] / b["seconds"] for a, b in zip(ours, again, strict=True)]
        print(
            f"taken in / DuckDB's reading and grouping: {statistics.median(ratios):.2f}; peak {ours[0]['peak']:.2f} GiB"
        )
        print(f"second use: {statistics.median(second):.0f} times faster than reading the log")
        assert ours[0]["rows"] == theirs[0]["rows"] == rows


def ran(code: str, folder: Path, home: Path) -> dict[str, float]:
    """Run in a process of its own."""
    environment = {**os.environ, "WORKBENCH_HOME": str(home), "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def write(folder: Path, rows: int) -> Path:
    """Write the study: its log, and a list of those members who are in it."""
    (folder / "2024").mkdir(parents=True)
    (folder / "study.yaml").write_text(STUDY, "utf-8")
    (folder / "2024" / "wave.yaml").write_text(WAVE, "utf-8")
    groups = "".join(f"g{n:02},Organisation {n},组织{n}\n" for n in range(GROUPS))
    (folder / "groups.csv").write_text("code,name_en,name_zh\n" + groups, "utf-8")
    places = "".join(f"3301{n:02},3301,county,County {n},县{n}\n" for n in range(REGIONS))
    (folder / "places.csv").write_text(f"code,parent,level,name_en,name_zh\n3301,,city,City,市\n{places}", "utf-8")
    draw = np.random.default_rng(7)
    held = {name: draw.integers(0, most, ACTIVITIES) for name, most in (("g", GROUPS), ("r", REGIONS), ("c", 3))}
    begins = np.datetime64("2023-01-01T08:00") + draw.integers(0, 730 * 96, ACTIVITIES) * np.timedelta64(15, "m")
    names = np.array(
        [f"g{g:02};g{(g + 1) % GROUPS:02}" if n % 20 == 0 else f"g{g:02}" for n, g in enumerate(held["g"])]
    )
    _write_members(folder / "2024" / "members.csv", draw)
    with _writer(folder / "2024" / "log.csv") as writer:
        for start in range(0, rows, PART):
            count = min(PART, rows - start)
            who = (MEMBERS * draw.beta(0.6, 2.0, count)).astype(np.int64)
            what = draw.integers(0, ACTIVITIES, count)
            at = pd.Series(begins[what] + draw.integers(0, 20, count) * np.timedelta64(1, "m"))
            columns = {
                "who": np.char.add("3301", np.char.zfill(who.astype(str), 8)),
                "what": np.char.add("a", what.astype(str)),
                "org": names[what],
                "place": np.char.add("3301", np.char.zfill(held["r"][what].astype(str), 2)),
                "at": at.dt.strftime("%Y-%m-%d %H:%M").to_numpy(dtype=str),
                "by": np.array(["online", "on_site", "mixed"])[held["c"][what]],
                "came": np.where(draw.random(count) < 0.85, "yes", "no"),
            }
            writer.write(pa.table({name: pa.array(list(values), pa.string()) for name, values in columns.items()}))
    return folder


def _writer(path: Path) -> pa.csv.CSVWriter:
    names = ("who", "what", "org", "place", "at", "by", "came")
    return pa.csv.CSVWriter(path, pa.schema([(name, pa.string()) for name in names]))


def _write_members(path: Path, draw: np.random.Generator) -> None:
    who = np.char.add("3301", np.char.zfill(np.arange(MEMBERS).astype(str), 8))
    org = np.char.add("g", np.char.zfill(draw.integers(0, GROUPS, MEMBERS).astype(str), 2))
    since = np.where(draw.random(MEMBERS) < 0.05, "2023-06-01", "2020-01-01")
    pd.DataFrame({"who": who, "org": org, "since": since}).to_csv(path, index=False)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
