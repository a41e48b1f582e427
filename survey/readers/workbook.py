"""XLSX and XLS workbooks as text: one sheet, as it was saved.

A damaged XLS, which carries no checksums, can make the reading library end the whole process, and so can an XLSX that is built to
do so: an XLS, and an XLSX that is written in an unusual way, are read in a process of their own, with a limit of time and memory.
"""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

import python_calamine

from survey.readers import package
from survey.readers.apart import limit_memory
from survey.readers.raw import TOP, Gathering, Grid, refuse
from survey.schema import Layout

SECONDS = 120
MEMORY = 2**30  # bytes that a process of its own may take, beside four times the workbook's
MOST_TEXTS = 2**20
LARGE = 4  # how that process ends when it can say that the table is too large
_UNOPENED_WORDS = (
    "this workbook cannot be opened; it may be protected by a password or damaged: save it as XLSX without one",
    "无法打开工作簿，可能有密码或已损坏；请另存为无密码的 XLSX",
)


def read(path: Path, layout: Layout, *, zipped: bool, top: bool = False) -> Grid:
    """Read one sheet of a workbook; of a large XLSX, where the `top` is enough, only the first rows."""
    rows_wanted = layout.header_row - 1 + TOP if zipped and top else None
    name, rows, whole, hidden = _modern(path, layout, rows_wanted) if zipped else _old(path, layout)
    form = {"format": "workbook", "sheet": name} | ({"hidden_rows": str(hidden)} if hidden else {})
    gathering = Gathering(path, layout.header_row)
    gathering.add(rows, range(1, len(rows) + 1))
    return gathering.grid(form, whole=whole)


def _modern(path: Path, layout: Layout, rows: int | None) -> tuple[str, list[list[str]], bool, int]:
    """Name of the sheet, its rows, whether these are all, and how many of them are hidden."""
    book = package.open_package(path)
    name = _sheet(path, layout, list(book.sheets))
    sheet = package.read_sheet(book, name, rows)
    if not sheet.ordinary:
        return name, _apart(path, sheet.data, package.refuse_large)["1"], sheet.whole, sheet.hidden_rows
    try:
        made = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(sheet.data))
        return name, _rows(made, "1"), sheet.whole, sheet.hidden_rows
    except (python_calamine.CalamineError, OverflowError):
        refuse(path, *_UNOPENED_WORDS)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # the library gave up; it has no name for what it raises then
            raise
        refuse(path, *_UNOPENED_WORDS)


def _rows(book: python_calamine.CalamineWorkbook, name: str) -> list[list[str]]:
    rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    if any(bool in map(type, row) for row in rows):  # TRUE and 1 are equal, and so would have one text
        return [[as_text(cell) for cell in row] for row in rows]
    texts = _Texts()
    return [list(map(texts.__getitem__, row)) for row in rows]


class _Texts(dict[Any, str]):
    """The text of each different cell, written once, as long as there are not too many."""

    def __missing__(self, cell: Any) -> str:
        text = as_text(cell)
        if len(self) < MOST_TEXTS:
            self[cell] = text
        return text


def _old(path: Path, layout: Layout) -> tuple[str, list[list[str]], bool, int]:
    """The same; what is hidden in an XLS is not known."""
    sheets = _apart(path, path.read_bytes(), _refuse_unopened)
    name = _sheet(path, layout, list(sheets))
    return name, sheets[name], True, 0


def _apart(path: Path, data: bytes, refuse_it: Callable[[Path], NoReturn]) -> dict[str, list[list[str]]]:
    """Read all sheets of a workbook in a process of its own."""
    command = [sys.executable, "-m", "survey.readers.workbook"]
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(command, input=data, capture_output=True, cwd=root, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        refuse_it(path)
    if done.returncode == LARGE:
        package.refuse_large(path)
    if done.returncode:
        refuse_it(path)
    sheets: dict[str, list[list[str]]] = json.loads(done.stdout)
    return sheets


def _refuse_unopened(path: Path) -> NoReturn:
    refuse(path, *_UNOPENED_WORDS)


def main() -> None:
    """Read a workbook from standard input and write its sheets as JSON: {sheet: rows of text}."""
    data = sys.stdin.buffer.read()
    limit_memory(MEMORY + 4 * len(data))
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = {name: _rows(book, name) for name in book.sheet_names}
        if any(_is_large(rows, len(data)) for rows in sheets.values()):
            sys.exit(LARGE)
        sys.stdout.buffer.write(json.dumps(sheets).encode())
    except MemoryError:
        sys.exit(LARGE)


def _is_large(rows: list[list[str]], size: int) -> bool:
    """Whether a sheet has more cells than can be filled in a workbook of this size (4 bytes a cell), or very long texts."""
    return (
        sum(map(len, rows)) > max(package.FREE_GRID, 100 * size // 4)
        or sum(len(cell) for row in rows for cell in row) > package.MAX_TEXT
    )


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
