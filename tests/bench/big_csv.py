"""A large CSV of answers: how long it takes to read, how much memory, whether what was read is what was written, and how soon
a fault of its header is told; each in a process of its own.

usage: python tests/bench/big_csv.py [MB] [utf-8|gb18030]     (not a test; run by hand on a quiet machine)
"""

from __future__ import annotations

import os
import platform
import random
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAD = ["id", "group", "region", *(f"q{n:02d}" for n in range(1, 55)), "满意度", "意愿", "submitted"]
CHECKED = ("id", "q07", "满意度")
LABELS = ("非常不满意", "不满意", "一般", "满意", "非常满意")
TAILS, AT_ONCE = 4096, 65536
ONCE = """
import logging, resource, sys, time, zlib
import survey
from survey.readers import read_header
logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="  %(message)s")
path, what, *names = sys.argv[1:]
start = time.perf_counter()
try:
    if what == "header":
        print(f"{len(read_header(path))} names in {time.perf_counter() - start:.3f} s")
        sys.exit()
    raw = survey.read_table(path)
except survey.Refused as refused:
    print(f"refused in {time.perf_counter() - start:.3f} s: {refused.faults[0].en}")
    sys.exit()
took, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
print(f"{len(raw.index):,} rows x {len(raw.columns)} columns in {took:.1f} s ({used.ru_utime + used.ru_stime:.1f} s of a core), "
      f"peak {used.ru_maxrss / 2**20:.2f} GiB; {raw.form}")
for name in names:
    start, crc, column = time.perf_counter(), 0, raw.column(name)
    for n in range(0, len(column), 65536):
        crc = zlib.crc32("".join(cell + "\\n" for cell in column.iloc[n : n + 65536].tolist()).encode(), crc)
    print(f"{name}: {crc} ({len(column.cat.categories):,} texts, {time.perf_counter() - start:.1f} s)")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(f"peak with these columns {peak:.2f} GiB")
"""


def main(size: int, encoding: str) -> None:
    """Print a line a run."""
    print(f"big_csv: {size} MB, {encoding}; {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "answers.csv"
        written = _write(path, size * 2**20, encoding)
        print("  header alone:", _run(path, "header"))
        told = _run(path, "table", *CHECKED)
        print("  table:", told)
        for name, crc in written.items():
            print(f"  {name}: {'as written' if f'{name}: {crc} ' in told else 'NOT AS WRITTEN'}")
        with path.open("r+b") as file:  # a name that stands twice
            file.write(",".join(["id", "group", "region", "q02"]).encode())
        print("  header at fault:", _run(path, "table"))


def _write(path: Path, size: int, encoding: str) -> dict[str, int]:
    """Write answers whose rows come again but for their number; give the checksums of three columns."""
    draw, written = random.Random(1), 0
    rows = [_row(draw) for _ in range(TAILS)]
    tails = ["," + ",".join(row[1:]) + "\r\n" for row in rows]
    cells = {name: [row[HEAD.index(name)] for row in rows] for name in CHECKED[1:]}
    checks = dict.fromkeys(CHECKED, 0)
    with path.open("wb") as file:
        file.write((",".join(HEAD) + "\r\n").encode(encoding))
        while file.tell() < size:
            ids = [f"m{n:09d}" for n in range(written, written + AT_ONCE)]
            file.write("".join(map("".join, zip(ids, tails * (AT_ONCE // TAILS), strict=True))).encode(encoding))
            written += AT_ONCE
            for name in CHECKED:
                texts = ids if name == "id" else cells[name] * (AT_ONCE // TAILS)
                checks[name] = zlib.crc32("".join(f"{text}\n" for text in texts).encode(), checks[name])
    print(f"  {written:,} rows, {path.stat().st_size / 2**20:,.0f} MB")
    return checks


def _row(draw: random.Random) -> list[str]:
    codes = [str(draw.randint(1, 5)) for _ in range(54)]
    time = f"2024-03-{draw.randint(1, 28):02d} {draw.randint(8, 20):02d}:{draw.randint(0, 59):02d}:{draw.randint(0, 59):02d}"
    labels = [draw.choice(LABELS), draw.choice(("愿意", "不愿意", ""))]
    return ["", f"g{draw.randint(1, 19):02d}", f"3301{draw.randint(1, 90):02d}", *codes, *labels, time]


def _run(path: Path, *what: str) -> str:
    command = [sys.executable, "-c", ONCE, str(path), *what]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        command, check=True, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


if __name__ == "__main__":
    size, encoding = (*sys.argv[1:], *("1024", "gb18030")[len(sys.argv) - 1 :])
    main(int(size), encoding)
