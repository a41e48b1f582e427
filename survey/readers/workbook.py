"""XLSX and XLS workbooks as text: one sheet, as it was saved.

A damaged XLS, which carries no checksums, can make the reading library end the whole process: XLS is read in a process of its own.
"""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
import zipfile
import zlib
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import python_calamine

from survey.readers.raw import Grid, refuse
from survey.schema import Layout

MAX_INFLATED = 500 * 2**20
FREE_INFLATED = 20 * 2**20  # a table of this size may be packed as tightly as it likes
MAX_RATIO = 100
MAX_GRID = 50_000_000  # cells between the first and the last one that is filled
SECONDS = 300
_FORMULA = re.compile(rb"<f[\s>/]")
_NO_VALUE = re.compile(rb"<c\b[^>]*>\s*<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")
_FAR = re.compile(rb'\br="(?:[A-Z]{3,}\d+|[A-Z]+\d{6,})"')
_CELL = re.compile(rb'\br="([A-Z]+)(\d+)"')
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError)
_DAMAGED_WORDS = ("the workbook is damaged or incomplete; export it again", "工作簿已损坏或不完整；请重新导出")
_UNOPENED_WORDS = (
    "this workbook cannot be opened; it may be protected by a password or damaged: save it as XLSX without one",
    "无法打开工作簿，可能有密码或已损坏；请另存为无密码的 XLSX",
)


def read(path: Path, layout: Layout, *, zipped: bool) -> Grid:
    """Read one sheet of a workbook."""
    if zipped:
        _refuse_strange_archive(path)
    names, sheets = _modern(path, layout) if zipped else _old(path)
    name = _sheet(path, layout, names)
    rows = sheets[name]
    return Grid(path, rows, list(range(1, len(rows) + 1)), {"format": "workbook", "sheet": name})


def _modern(path: Path, layout: Layout) -> tuple[list[str], dict[str, list[list[str]]]]:
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))
        name = _sheet(path, layout, book.sheet_names)
        _refuse_strange_sheet(path, name)
        return book.sheet_names, {name: _rows(book, name)}
    except (python_calamine.CalamineError, OverflowError):
        refuse(path, *_UNOPENED_WORDS)


def _rows(book: python_calamine.CalamineWorkbook, name: str) -> list[list[str]]:
    sheet = book.get_sheet_by_name(name)
    return [[as_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]


def _old(path: Path) -> tuple[list[str], dict[str, list[list[str]]]]:
    command = [sys.executable, "-m", "survey.readers.workbook"]
    root = Path(__file__).resolve().parents[2]
    with path.open("rb") as file:
        try:
            done = subprocess.run(command, stdin=file, capture_output=True, cwd=root, timeout=SECONDS, check=True)
        except subprocess.SubprocessError:
            refuse(path, *_UNOPENED_WORDS)
    sheets: dict[str, list[list[str]]] = json.loads(done.stdout)
    return list(sheets), sheets


def main() -> None:
    """Read an XLS workbook from standard input and write its sheets as JSON: {sheet: rows of text}."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(json.dumps({name: _rows(book, name) for name in book.sheet_names}).encode())


def _sheet(path: Path, layout: Layout, names: list[str]) -> str:
    if not names:
        refuse(path, "the workbook has no sheet", "工作簿没有工作表")
    listed = ", ".join(names)
    if layout.sheet is None and len(names) > 1:
        refuse(
            path,
            f"the workbook has several sheets ({listed}); name one as layout: sheet in wave.yaml",
            f"工作簿有多个工作表（{listed}）；请在 wave.yaml 的 layout 中用 sheet 指明",
        )
    if layout.sheet is not None and layout.sheet not in names:
        refuse(
            path,
            f"there is no sheet “{layout.sheet}”; there are {listed}",
            f"没有工作表“{layout.sheet}”；现有 {listed}",
        )
    return layout.sheet or names[0]


def _refuse_strange_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            inflated = sum(info.file_size for info in archive.infolist())
            names = archive.namelist()
    except _DAMAGED:
        refuse(path, *_DAMAGED_WORDS)
    if inflated > MAX_INFLATED or inflated > max(MAX_RATIO * path.stat().st_size, FREE_INFLATED):
        refuse(
            path,
            "unpacked, the workbook would be far larger than a table of answers; save the sheet as CSV",
            "工作簿解压后过大，不像是答卷表；请把工作表另存为 CSV",
        )
    if any("vbaProject" in name for name in names):
        refuse(path, "the workbook holds macros; save it as XLSX", "工作簿含有宏；请另存为 XLSX")


def _refuse_strange_sheet(path: Path, sheet: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = _sheet_file(archive, sheet)
            data = archive.read(inside) if inside in archive.namelist() else b""
    except _DAMAGED:
        refuse(path, *_DAMAGED_WORDS)
    if _FORMULA.search(data) and _NO_VALUE.search(data):
        refuse(
            path,
            "the sheet has formulas without values; open it in a spreadsheet program and save it",
            "工作表中有未计算的公式；请用表格软件打开并保存",
        )
    if _FAR.search(data) and _grid(data) > MAX_GRID:
        refuse(
            path,
            "a cell lies far away from the table; delete the empty rows and columns behind the table, or save it as CSV",
            "有单元格远离表格；请删除表格之后的空行空列，或另存为 CSV",
        )


def _grid(data: bytes) -> int:
    """Cells of the rectangle that holds all cells of a sheet."""
    places = {(match[1], int(match[2])) for match in _CELL.finditer(data)}
    return max(row for _, row in places) * max(_column(letters) for letters, _ in places)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters[:4]:
        number = 26 * number + letter - ord("A") + 1
    return number


def _sheet_file(archive: zipfile.ZipFile, sheet: str) -> str:
    """Name of the file in the archive that holds a sheet; empty where it is not an XLSX."""
    try:
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    except (KeyError, ElementTree.ParseError):
        return ""
    ids = [e.get(_REL) for e in book.iter() if e.tag.endswith("}sheet") and e.get("name") == sheet]
    targets = [str(e.get("Target")) for e in links if e.get("Id") in ids]
    return "".join(t.removeprefix("/") if t.startswith("/") else f"xl/{t}" for t in targets[:1])


def as_text(cell: Any) -> str:
    """Write a typed cell as a reader would see it: whole numbers without a point, ISO times, nothing for an empty cell."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return _number_as_text(cell)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    return str(cell)


@lru_cache(maxsize=4096)
def _number_as_text(number: float) -> str:
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else str(number)


if __name__ == "__main__":
    main()
