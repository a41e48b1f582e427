"""What every reader is given (a grid of text) and gives: the answers as text, and what was seen of their form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd

from survey.faults import Fault, Refused

METADATA = (
    "respondent",  # the platform's own number of the answer
    "submitted",
    "started",
    "seconds",
    "status",  # finished, preview, spam, last page
    "source",
    "language",
    "person",  # name, mail, address of a machine, place on the map: identifies, and is never stored
    "timing",  # clicks and seconds of single pages
    "other",
)
MARKS = ("unfinished", "preview", "test", "spam")
HIDDEN = "… (numbers: data? 似为数据行)"  # in place of a header that looks like data
MAX_COLUMNS = 5000
MAX_FIELDS = 20_000  # of a header with empty ones at its end; a spreadsheet has 16,384
MAX_CELLS = 200_000_000
_DATUM = re.compile(r"(?=[\s.,:/+-]*\d)[\d\s.,:/+-]+[Xx]?|[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Grid:
    """A file's cells as text, before anybody knows which rows are headers.

    Attributes
    ----------
    path : Path
        The file, for messages (by its name alone).
    rows : list of list of str
        Rows as they stand, the header's among them; they may differ in length.
    numbers : list of int
        Line in the file on which each row begins; 0 for a header that is not a line (Parquet).
    form : dict
        What was seen: format, encoding, delimiter, sheet.
    """

    path: Path
    rows: list[list[str]]
    numbers: list[int]
    form: dict[str, str]

    def below(self, row: int) -> Grid:
        """Give the grid that begins with a row of this one: what stands above a header is no data."""
        if len(self.rows) < row:
            refuse(self.path, "the file has fewer rows than its header row", "文件行数少于表头所在行")
        return self if row == 1 else replace(self, rows=self.rows[row - 1 :], numbers=self.numbers[row - 1 :])

    def head(self, row: int = 1) -> list[str]:
        """Give a row's cells without blanks around them; empty where the file has fewer rows."""
        return [cell.strip() for cell in self.rows[row - 1]] if len(self.rows) >= row else []


@dataclass(frozen=True, slots=True)
class RawTable:
    """A file as text.

    Attributes
    ----------
    frame : DataFrame of str
        One row an answer; columns = headers, blanks around them dropped; index = line in the file on which the row begins
        (1 = first line; for Parquet, SPSS and Stata, which have no header line, 1 = first row).
    platform : str
        Whose export it is.
    labels : dict
        Labels that the file itself brings: {column: {code: label}}; empty for plain files.
    wording : dict
        Questions that the file itself brings beside its column names: {column: wording}.
    multiple : dict
        Multiple-response questions: {question: [columns]}: one column an option, or one column that holds all options,
        cut by ``separator``.
    separator : str
        What the platform writes between the options of one cell; empty: nothing.
    metadata : dict
        Columns that the platform itself adds: {column: what it is}, one of `METADATA`.
    marks : dict
        Rows that are no finished answer of the field: {one of `MARKS`: lines}. They are in the frame.
    no_answer : dict
        Cells by which the platform says that there is no answer: {column, or ``*`` for all: texts}.
    ragged : tuple of int
        Rows that are shorter than the header; they are not in the frame.
    form : dict
        What was seen: format, encoding, delimiter, sheet.
    """

    frame: pd.DataFrame
    platform: str
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    wording: dict[str, str] = field(default_factory=dict)
    multiple: dict[str, list[str]] = field(default_factory=dict)
    separator: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    marks: dict[str, tuple[int, ...]] = field(default_factory=dict)
    no_answer: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ragged: tuple[int, ...] = ()
    form: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"RawTable ({self.platform}): {len(self.frame)} rows, {self.frame.shape[1]} columns; {self.form}"


def table(grid: Grid, platform: str, header: Sequence[str], body: int, **more: Any) -> RawTable:
    """Make a table: short rows are kept apart, rows longer than the header refuse the file.

    Parameters
    ----------
    grid : Grid
    platform : str
    header : sequence of str
        Names of the columns, each once.
    body : int
        How many rows of the grid, from its first, are not answers.
    **more
        Further attributes of `RawTable`.
    """
    path, at = grid.path, grid.numbers[max(body - 1, 0)]
    rows, numbers = grid.rows[body:], grid.numbers[body:]
    header = _without_empty_end(list(header), rows)
    check_header(path, header, at, len(rows))
    width = len(header)
    _refuse_long(path, rows, numbers, width)
    short = {n for n, row in zip(numbers, rows, strict=True) if len(row) < width and any(c.strip() for c in row)}
    kept = [(n, (row + [""] * width)[:width]) for n, row in zip(numbers, rows, strict=True) if n not in short]
    frame = pd.DataFrame([row for _, row in kept], columns=header, index=[n for n, _ in kept], dtype="str")
    return RawTable(frame, platform, ragged=tuple(sorted(short)), form=grid.form, **more)


def once(names: Sequence[str]) -> list[str]:
    """Make names different that a platform writes several times: the second becomes ``name.2``, and so on."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return found


def _without_empty_end(header: list[str], body: list[list[str]]) -> list[str]:
    """Leave out columns at the end that have neither a name nor a cell."""
    end = len(header)
    while end and not header[end - 1] and not any(row[end - 1].strip() for row in body if len(row) >= end):
        end -= 1
    return header[:end]


def _refuse_long(path: Path, body: list[list[str]], numbers: list[int], width: int) -> None:
    long = [n for n, row in zip(numbers, body, strict=True) if any(cell.strip() for cell in row[width:])]
    if long:
        refuse(
            path,
            f"{len(long)} rows have more fields than the header; check delimiters, quotes and layout: header_row",
            f"有 {len(long)} 行的字段数多于表头；请检查分隔符、引号和 layout 的 header_row",
            long[0],
        )


def check_header(path: Path, header: list[str], line: int, rows: int) -> None:
    """Refuse a table that is too large, and a header with unnamed, repeated or garbled columns."""
    if len(header) > MAX_COLUMNS or len(header) * rows > MAX_CELLS:
        refuse(
            path,
            f"the table is too large: more than {MAX_COLUMNS:,} columns or {MAX_CELLS:,} cells",
            f"表格过大：多于 {MAX_COLUMNS:,} 列或 {MAX_CELLS:,} 个单元格",
        )
    if not all(header):
        n = header.index("") + 1
        refuse(
            path,
            f"column {n} has no name; give it one, or delete it (title rows above the header: layout: header_row)",
            f"第 {n} 列没有列名；请补上或删除该列（表头之上有标题行时：layout 的 header_row）",
            line,
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        names = shown(twice[:3], header)
        refuse(path, f"columns stand twice in the header: {names}", f"表头有重复的列：{names}", line)
    if any("\ufffd" in name for name in header):
        refuse(path, "the header is garbled; save the file as UTF-8", "表头是乱码；请另存为 UTF-8", line)


def shown(names: Sequence[str], header: Sequence[str]) -> str:
    """Names of a header for a message; none where the header looks like data, so that nobody's answers are shown."""
    if any(_DATUM.fullmatch(name) for name in header):
        return HIDDEN
    return ", ".join(name[:60] for name in names)


def refuse(path: Path, en: str, zh: str, line: int = 0) -> NoReturn:
    """Raise `Refused` for a file, by its name alone."""
    raise Refused([Fault(path.name, line, en, zh)]) from None
