"""How long a workbook of answers takes to become a panel, and a fault of its header to be told; each in a process of its own.

usage: python tests/bench/intake.py [ANSWERS] [ITEMS]     (not a test; run by hand on a quiet machine)
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import openpyxl

ROOT = Path(__file__).resolve().parents[2]
HEAD = "item,version,module,wording_en,wording_zh,kind,codes,lowest,highest,scale,reverse,sensitive,topic\n"
ONCE = """
import sys, time
import survey.build
start = time.perf_counter()
try:
    panel = survey.open_study(sys.argv[1]).panel()
    said = f"{len(panel.members)} answers x {len(panel.items)} items"
except survey.Refused as refused:
    said = f"refused, {len(refused.faults)} fault(s)"
print(f"{said}: {time.perf_counter() - start:.2f} s after imports")
"""


def main(answers: int, items: int) -> None:
    """Print a line a run."""
    packages = ("pandas", "python-calamine", "pydantic")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    print(f"intake: {os.cpu_count()} cores, Python {platform.python_version()}, {versions}")
    with tempfile.TemporaryDirectory() as home:
        for label, lacking in (("panel built", False), ("header at fault", True)):
            print(f"{label}: {_run(_study(Path(home) / label.replace(' ', '_'), answers, items, lacking), home)}")


def _study(folder: Path, answers: int, items: int, lacking: bool) -> Path:
    (folder / "1").mkdir(parents=True)
    names = [f"q{i}" for i in range(items - 2)]
    title = {"en": "Bench", "zh": "基准"}
    settings = {"format": 1, "name": folder.name, "title": title, "synthetic": True, "groups": {"any": title}}
    (folder / "study.yaml").write_text(json.dumps(settings), "utf-8")
    (folder / "instrument.csv").write_text(
        HEAD + "".join(f"{n},,A,{n},{n},choice,1..5,,,,,,\n" for n in names), "utf-8"
    )
    columns = {"id": "member", "org": "group", **{n.upper(): n for n in names}}
    wave = {"wave": "1", "fieldwork": {"start": "2024-01-01", "end": "2024-01-31"}}
    wave |= {"files": [{"file": "answers.xlsx", "holds": "answers", "columns": columns}]}
    (folder / "1" / "wave.yaml").write_text(json.dumps(wave), "utf-8")
    book, draw = openpyxl.Workbook(write_only=True), random.Random(1)
    sheet = book.create_sheet("answers")
    sheet.append([*list(columns)[:-1], "Q_OTHER" if lacking else list(columns)[-1]])
    for row in range(answers):
        sheet.append([f"m{row:06d}", f"g{row % 20}", *(draw.randint(1, 5) for _ in names)])
    book.save(folder / "1" / "answers.xlsx")
    return folder


def _run(folder: Path, home: str) -> str:
    start = time.perf_counter()
    environment = {**os.environ, "WORKBENCH_HOME": home, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", ONCE, str(folder)]
    done = subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True, text=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    return f"{done.stdout.strip()}; whole process {time.perf_counter() - start:.1f} s, peak so far {peak:.2f} GiB"


if __name__ == "__main__":
    main(*(int(n) for n in (sys.argv[1:] + ["12000", "60"][len(sys.argv) - 1 :])))
