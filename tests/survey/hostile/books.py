"""Workbooks written part by part, as nobody's spreadsheet program would, and what becomes of them."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from survey import Refused, read_table

SECONDS = 10.0  # that a case may take; on a quiet machine the slowest takes 2
MEMORY = 2**30  # bytes that it may take beside what the process had
ROOT = Path(__file__).resolve().parents[3]
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET, BOOK, RELS = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
STRINGS, STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
READ = [["id", "q1"], ["x1", "4"]]


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


HEAD = f'<row r="1">{cell("A1", "id")}{cell("B1", "q1")}</row>'
ROWS = f'{HEAD}<row r="2">{cell("A2", "x1")}{cell("B2", "4")}</row>'
SHARED = f'{HEAD}<row r="2">{cell("A2", "x1")}<c r="B2" t="s"><v>0</v></c></row>'


def sheet(rows: str = ROWS, before: str = "", after: str = "", head: str = "") -> str:
    return f'{head}<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def strings(inside: str, head: str = "") -> str:
    return f'{head}<sst xmlns="{MAIN}">{inside}</sst>'


def links(target: str = "worksheets/sheet1.xml", more: str = "") -> str:
    kinds = f'<Relationship Id="r2" Type="{LINKS}/sharedStrings" Target="sharedStrings.xml"/>'
    kinds += f'<Relationship Id="r3" Type="{LINKS}/styles" Target="styles.xml"/>'
    first = f'<Relationship Id="r1" Type="{LINKS}/worksheet" Target="{target}"/>'
    return f'<Relationships xmlns="x">{first}{kinds}{more}</Relationships>'


def workbook(name: str = "S1", head: str = "", more: str = "") -> str:
    listed = f'<sheets><sheet name="{name}" sheetId="1" r:id="r1"/></sheets>'
    return f'{head}<workbook xmlns="{MAIN}" xmlns:r="{LINKS}">{more}{listed}</workbook>'


def made(path: Path, parts: dict[str, str | bytes], *more: tuple[str, str | bytes]) -> Path:
    whole = {BOOK: workbook(), RELS: links(), SHEET: sheet()} | parts
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (*whole.items(), *more):
            archive.writestr(name, data)
    return path


def refused(path: Path) -> str:
    start = time.perf_counter()
    with pytest.raises(Refused) as caught:
        read_table(path)
    assert time.perf_counter() - start < SECONDS
    fault = caught.value.faults[0]
    assert fault.file == path.name
    assert re.search("[\u4e00-\u9fff]", fault.zh)
    return fault.en


def text_of(path: Path) -> list[list[str]]:
    start = time.perf_counter()
    raw = read_table(path)
    assert time.perf_counter() - start < SECONDS
    return [list(raw.frame.columns), *raw.frame.to_numpy().tolist()]


LIMITED = """
import resource, sys
from survey import read_table, Refused
from survey.readers.apart import limit_memory
limit_memory(4 * int(sys.argv[2]))  # what is only reserved counts in this limit
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    raw = read_table(sys.argv[1])
    print("read", raw.frame.shape)
except Refused as refused:
    print(refused.faults[0].en)
assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < int(sys.argv[2])
"""


def apart(path: Path, memory: int = MEMORY) -> str:
    """What becomes of a file in a process that may take so much memory and no more; ended by it is a failure."""
    command = [sys.executable, "-c", LIMITED, str(path), str(memory)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout
