"""What every reader is given (a grid of text) and gives: the answers as text, and what was seen of their form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa

from survey.faults import Fault, Refused
from survey.readers.encoded import Column, Encoder

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
HIDDEN = "… (numbers: data? 似为数据行)"  # in place of a header that looks like data
MARKS = ("unfinished", "preview", "test", "spam")
TOP = 200  # rows by which an export is recognised and its header is read
MAX_COLUMNS = 5000
MAX_FIELDS = 20_000  # of a header with empty ones at its end; a spreadsheet has 16,384
MAX_CELLS = 4_000_000_000  # a cell takes a byte or two of memory: four to eight GB
PART_ROWS, PART_CELLS = 8192, 2**16  # what is encoded at once
_DATUM = re.compile(r"(?=[\s.,:/+-]*\d)[\d\s.,:/+-]+[Xx]?|[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Grid:
    """A file's cells as text, before anybody knows which rows are headers.

    Attributes
    ----------
    path : Path
        The file, for messages (by its name alone).
    top : list of list of str
        The first `TOP` rows as they stand, the header's among them; they may differ in length. Of more than `MAX_COLUMNS` cells,
        one more is kept.
    rest : tuple of Column
        The rows below them, column by column; a row that ends early is empty to the right.
    numbers : array of int64
        Line in the file on which each row begins, of all rows; 0 for a header that is not a line (Parquet).
    lengths : array of int32
        Cells of each row, of all rows.
    form : dict
        What was seen: format, encoding, delimiter, sheet.
    whole : bool
        Whether these are all rows of the file; else the first ones, for its header.
    """

    path: Path
    top: list[list[str]]
    rest: tuple[Column, ...]
    numbers: np.ndarray
    lengths: np.ndarray
    form: dict[str, str]
    whole: bool = True

    def head(self, row: int = 1) -> list[str]:
        """Give a row's cells without blanks around them; empty where the file has fewer rows."""
        return [cell.strip() for cell in self.top[row - 1]] if len(self.top) >= row else []

    def columns(self, body: int) -> list[Column]:
        """Give the cells below the header, column by column; `body` rows are of the header."""
        rows = self.top[body:]
        above = _encoded(rows)
        below = len(self.numbers) - len(self.top)
        return [
            Column(_of(above, n, len(rows)).blocks + _of(self.rest, n, below).blocks)
            for n in range(max(len(above), len(self.rest)))
        ]


class Gathering:
    """Makes a `Grid` of rows that come part by part.

    Parameters
    ----------
    path : Path
    header_row : int
        The first row of the grid: what stands above a header is no data.
    """

    def __init__(self, path: Path, header_row: int = 1) -> None:
        self._path, self._above = path, header_row - 1
        self._top: list[list[str]] = []
        self._encoders: list[Encoder] = []
        self._numbers: list[np.ndarray] = []
        self._lengths: list[np.ndarray] = []
        self._rows = self._cells = 0

    def add(self, rows: list[list[str]], numbers: Sequence[int]) -> None:
        """Take the next rows, and the lines on which they begin."""
        start, self._above = min(self._above, len(rows)), max(self._above - len(rows), 0)
        rows, numbers = rows[start:], numbers[start:]
        self._numbers.append(np.fromiter(numbers, np.int64, len(rows)))
        self._lengths.append(np.fromiter(map(len, rows), np.int32, len(rows)))
        self._cells += int(self._lengths[-1].sum())
        if self._cells > MAX_CELLS:
            refuse_large(self._path)
        if self._lengths[-1].max(initial=0) > MAX_COLUMNS:
            rows = [_cut(row) for row in rows]
        missing = TOP - len(self._top)
        self._top += rows[:missing]
        for part in _parts(rows[missing:]):
            self._encode(part)

    @property
    def takes_columns(self) -> bool:
        """Whether the top is complete: what comes now may come by columns."""
        return not self._above and len(self._top) == TOP

    def add_columns(self, columns: Sequence[pa.DictionaryArray], first: int) -> None:
        """Take the next lines, column by column, each line a row; `first` is the number of the first of them."""
        rows = len(columns[0])
        self._numbers.append(np.arange(first, first + rows, dtype=np.int64))
        self._lengths.append(np.full(rows, len(columns), np.int32))
        self._cells += rows * len(columns)
        if self._cells > MAX_CELLS:
            refuse_large(self._path)
        self._encoders += [Encoder() for _ in range(len(columns) - len(self._encoders))]
        for encoder, cells in zip(self._encoders, columns, strict=False):
            encoder.fill(self._rows)
            encoder.add_encoded(cells)
        self._rows += rows

    def grid(self, form: dict[str, str], *, whole: bool = True) -> Grid:
        """End it."""
        if not self._top:
            refuse(self._path, "the file has fewer rows than its header row", "文件行数少于表头所在行")
        numbers, lengths = np.concatenate(self._numbers), np.concatenate(self._lengths)
        for encoder in self._encoders:
            encoder.fill(self._rows)
        rest = tuple(encoder.column() for encoder in self._encoders)
        return Grid(self._path, self._top, rest, numbers, lengths, form, whole)

    def _encode(self, rows: list[list[str]]) -> None:
        columns = _across(rows)
        self._encoders += [Encoder() for _ in range(len(columns) - len(self._encoders))]
        for encoder, cells in zip(self._encoders, columns, strict=False):
            encoder.fill(self._rows)
            encoder.add(cells)
        self._rows += len(rows)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RawTable:
    """A file as text.

    Attributes
    ----------
    columns : list of str
        Headers, blanks around them dropped, each once.
    index : Index of int64
        Line in the file on which each row begins (1 = first line; for Parquet, SPSS and Stata, which have no header line,
        1 = first row).
    encoded : tuple of Column
        The cells, in the order of ``columns``.
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
        Rows that are no finished answer of the field: {one of `MARKS`: lines}. They are in the table.
    no_answer : dict
        Cells by which the platform says that there is no answer: {column, or ``*`` for all: texts}.
    ragged : tuple of int
        Rows that are shorter than the header; they are not in the table.
    form : dict
        What was seen: format, encoding, delimiter, sheet.
    """

    columns: list[str]
    index: pd.Index
    encoded: tuple[Column, ...]
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
    _built: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def frame(self) -> pd.DataFrame:
        """DataFrame of str: one row an answer, ``columns``, ``index``. It is made when it is first asked for, and kept."""
        if "frame" not in self._built:
            cells = {name: column.text() for name, column in zip(self.columns, self.encoded, strict=True)}
            self._built["frame"] = pd.DataFrame(cells, index=self.index, columns=pd.Index(self.columns, dtype="str"))
        return self._built["frame"]

    def column(self, name: str) -> pd.Series:
        """Give one column as a Series of category over str, in little memory; every category stands in some row.

        Raises
        ------
        KeyError
            Where there is no such column.
        """
        return pd.Series(self.of(name).category(), index=self.index, name=name)

    def of(self, name: str) -> Column:
        """Give one column as it is kept."""
        if name not in self.columns:
            raise KeyError(name)
        return self.encoded[self.columns.index(name)]

    def lines(self, rows: np.ndarray) -> tuple[int, ...]:
        """Give the lines of some rows (array of bool)."""
        return tuple(int(n) for n in self.index[rows])

    def written(self) -> np.ndarray:
        """Tell of each row whether any of its cells is not empty (array of bool)."""
        found = np.zeros(len(self.index), bool)
        for column in self.encoded:
            if found.all():
                break
            found |= column.where(bool)
        return found

    def __repr__(self) -> str:
        return f"RawTable ({self.platform}): {len(self.index)} rows, {len(self.columns)} columns; {self.form}"


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
    path, at = grid.path, int(grid.numbers[max(body - 1, 0)])
    columns, numbers, lengths = grid.columns(body), grid.numbers[body:], grid.lengths[body:]
    header = _without_empty_end(list(header), columns)
    check_header(path, header, at, len(numbers))
    width = len(header)
    columns += [Column.blank(len(numbers)) for _ in range(width - len(columns))]
    if grid.whole:
        _refuse_long(path, columns[width:], numbers)
        refuse_replaced(path, columns, numbers)
    short = (lengths < width) & _filled(columns[:width], len(numbers), only=lengths < width)
    kept = [column.take(~short) if short.any() else column for column in columns[:width]]
    ragged = tuple(int(n) for n in numbers[short])
    return RawTable(header, pd.Index(numbers[~short]), tuple(kept), platform, ragged=ragged, form=grid.form, **more)


def once(names: Sequence[str]) -> list[str]:
    """Make names different that a platform writes several times: the second becomes ``name.2``, and so on."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}.{seen[name]}")
    return found


def _parts(rows: list[list[str]]) -> Iterable[list[list[str]]]:
    """Rows by parts that are worth encoding at once."""
    width = max(map(len, rows), default=0)
    step = max(min(PART_ROWS, PART_CELLS // max(width, 1)), 1)
    return (rows[n : n + step] for n in range(0, len(rows), step))


def _across(rows: list[list[str]]) -> list[Sequence[str]]:
    """Columns of rows; a row that ends early is empty to the right."""
    width = max(map(len, rows), default=0)
    if any(len(row) != width for row in rows):
        rows = [row + [""] * (width - len(row)) for row in rows]
    return list(zip(*rows, strict=True))


def _cut(row: list[str]) -> list[str]:
    """A row with one cell more than `MAX_COLUMNS`, which says whether anything stands in it or behind it."""
    beyond = [next((cell for cell in row[MAX_COLUMNS:] if cell.strip()), "")]
    return row[:MAX_COLUMNS] + beyond if len(row) > MAX_COLUMNS else row


def _encoded(rows: list[list[str]]) -> list[Column]:
    encoders = [Encoder() for _ in range(max(map(len, rows), default=0))]
    for encoder, cells in zip(encoders, _across(rows), strict=True):
        encoder.add(cells)
    return [encoder.column() for encoder in encoders]


def _of(columns: Sequence[Column], n: int, rows: int) -> Column:
    return columns[n] if n < len(columns) else Column.blank(rows)


def _without_empty_end(header: list[str], body: list[Column]) -> list[str]:
    """Leave out columns at the end that have neither a name nor a cell."""
    end = len(header)
    while end and not header[end - 1] and not (end <= len(body) and body[end - 1].any(str.strip)):
        end -= 1
    return header[:end]


def _filled(columns: Sequence[Column], rows: int, only: np.ndarray) -> np.ndarray:
    """Rows of which any cell is not blank; looked at are those in `only`."""
    found = np.zeros(rows, bool)
    for column in columns:
        if found[only].all():
            break
        found |= column.where(str.strip)
    return found


def _refuse_long(path: Path, beyond: Sequence[Column], numbers: np.ndarray) -> None:
    long = numbers[_filled(beyond, len(numbers), np.ones(len(numbers), bool))]
    if len(long):
        refuse(
            path,
            f"{len(long)} rows have more fields than the header; check delimiters, quotes and layout: header_row",
            f"有 {len(long)} 行的字段数多于表头；请检查分隔符、引号和 layout 的 header_row",
            long[0],
        )


def refuse_replaced(path: Path, columns: Iterable[Column], numbers: np.ndarray) -> None:
    """Refuse cells in which another program lost characters."""
    cells, rows = 0, np.zeros(len(numbers), bool)
    for column in columns:
        lost = column.replaced()
        cells, rows = cells + int(lost.sum()), rows | lost
    if cells:
        first = ", ".join(str(n) for n in numbers[rows][:5])
        refuse(
            path,
            f"{cells} cells hold the sign U+FFFD (rows {first}): another program lost characters there when it converted the "
            "file; export it again from where it comes, as UTF-8 or XLSX",
            f"有 {cells} 个单元格含替换字符 U+FFFD（第 {first} 行）：其他程序转换时丢失了文字；请从原系统重新导出为 UTF-8 或 XLSX",
            numbers[rows][0],
        )


def refuse_large(path: Path) -> NoReturn:
    """Refuse a table that is too large."""
    refuse(
        path,
        f"the table is too large: more than {MAX_COLUMNS:,} columns or {MAX_CELLS:,} cells",
        f"表格过大：多于 {MAX_COLUMNS:,} 列或 {MAX_CELLS:,} 个单元格",
    )


def check_header(path: Path, header: list[str], line: int, rows: int) -> None:
    """Refuse a table that is too large, and a header with unnamed, repeated or garbled columns."""
    if len(header) > MAX_COLUMNS or len(header) * rows > MAX_CELLS:
        refuse_large(path)
    if not all(header):
        n = header.index("") + 1
        refuse(
            path,
            f"column {n} has no name; give it one, or delete it (title rows above the header: layout: header_row)",
            f"第 {n} 列没有列名；请补上或删除该列（表头之上有标题行时：layout 的 header_row）",
            line,
        )
    twice = sorted(name for name, times in Counter(header).items() if times > 1)
    if twice:
        names = shown(twice[:3], header)
        refuse(
            path,
            f"columns stand twice in the header: {names}; give each a name of its own, or delete the copy",
            f"表头有重复的列：{names}；请改成不同的列名，或删除多余的一列",
            line,
        )
    if any("\ufffd" in name for name in header):
        refuse(path, "the header is garbled; save the file as UTF-8", "表头是乱码；请另存为 UTF-8", line)


def shown(names: Sequence[str], header: Sequence[str]) -> str:
    """Names of a header for a message; none where the header looks like data, so that nobody's answers are shown."""
    if any(_DATUM.fullmatch(name) for name in header):
        return HIDDEN
    return ", ".join(name[:60] for name in names)


def refuse(path: Path, en: str, zh: str, line: int = 0) -> NoReturn:
    """Raise `Refused` for a file, by its name alone."""
    raise Refused([Fault(path.name, int(line), en, zh)]) from None
