"""Files as grids of text: CSV (UTF-8, UTF-16, GB18030), XLSX, XLS, Parquet. Every cell as the text that was there.

CSV and Parquet are read part by part, so that the memory they take grows with the different texts of a file, not with its size.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from survey.readers import blocks, columnar, decoding, workbook
from survey.readers.progress import Progress
from survey.readers.raw import PART_CELLS, TOP, Gathering, Grid, refuse
from survey.schema import Layout

DELIMITERS = (",", "\t", ";", "，")
SAMPLE = 20  # rows after the header by which a delimiter is recognised
LOOK = 0.1  # share of the reading that finding the encoding is, for those who wait
_ZIPPED, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PACKED = (b"\x1f\x8b", b"\x1f\x9d", b"BZh", b"\xfd7zXZ", b"Rar!", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd", b"PK\x05\x06")
# PDF, Arrow and Feather, SQLite, HDF, NumPy, and the pickles of Python, which are programs: none is ever opened.
_OTHERS = (b"%PDF", b"ARROW1", b"FEA1", b"SQLite f", b"\x89HDF", b"\x93NUMPY", *(b"\x80%c" % n for n in (2, 3, 4, 5)))
_NO_TABLES = (*_PACKED, *_OTHERS)
_SAS = (bytes(12) + b"\xc2\xea\x81\x60", b"HEADER R")  # its tables, its transport files


def open_grid(path: Path, layout: Layout, *, top: bool = False) -> Grid:
    """Open a file by what its first bytes say that it is.

    Parameters
    ----------
    path : Path
    layout : Layout
    top : bool
        Whether the first rows are enough, for the header's sake. Where they cannot be read so, and where it costs little, the
        whole file is opened all the same: see ``whole`` of what is given.

    Raises
    ------
    survey.Refused
        For what is no table of text, or cannot be read to its end.
    """
    with path.open("rb") as file:
        magic = file.read(16)
    if magic.startswith(b"PAR1"):
        return columnar.read(path, layout, top=top)
    if magic.startswith((_ZIPPED, _OLE)):
        return workbook.read(path, layout, zipped=magic.startswith(_ZIPPED), top=top)
    if magic.startswith(_SAS):
        refuse(
            path,
            "this is a file of SAS; export it there as CSV or XLSX",
            "这是 SAS 文件；请在 SAS 中导出为 CSV 或 XLSX",
        )
    if magic.startswith(_NO_TABLES):
        refuse(
            path,
            "this is packed, or not a table; unpack it, or export CSV or XLSX",
            "这是压缩包或不是表格；请解压，或导出 CSV、XLSX",
        )
    decoding.refuse_other_kinds(path, layout.encoding)
    return (_csv_top(path, layout) if top else None) or _csv(path, layout)


def _csv(path: Path, layout: Layout) -> Grid:
    progress = Progress(path)
    encoding = decoding.encoding_of(path, layout.encoding, lambda size: progress.add(LOOK * size))
    lines = decoding.Lines(path, encoding, lambda size: progress.add((1 - LOOK) * size))
    delimiter = layout.delimiter or _delimiter(path, encoding, layout.header_row)
    gathering = Gathering(path, layout.header_row)
    try:
        _gather(path, lines, delimiter, gathering)
    except UnicodeError:  # it could be read a moment ago
        refuse(path, "the file is still being written; wait and try again", "文件仍在写入；请稍后再试")
    return gathering.grid({"format": "csv", "encoding": encoding, "delimiter": delimiter})


def _csv_top(path: Path, layout: Layout) -> Grid | None:
    encoding = decoding.probable(path, layout.encoding)
    if encoding is None:
        return None
    delimiter = layout.delimiter or _delimiter(path, encoding, layout.header_row)
    reader = _reader(decoding.Lines(path, encoding), delimiter, strict=True)
    gathering = Gathering(path, layout.header_row)
    try:
        for row in islice(reader, layout.header_row - 1 + TOP):
            gathering.add([row], [reader.line_num])
    except (csv.Error, UnicodeError):
        return None
    return gathering.grid({"format": "csv", "encoding": encoding, "delimiter": delimiter}, whole=False)


def _gather(path: Path, lines: decoding.Lines, delimiter: str, gathering: Gathering) -> None:
    """Gather all rows: block by block where `blocks` can cut them, else row by row until a block ends together with a row."""
    line, numbered = 1, iter(lines)
    feed = decoding.Feed(numbered)
    try:
        for block in numbered:
            columns = blocks.cut(block, delimiter) if gathering.takes_columns else None
            if columns is not None:
                gathering.add_columns(columns, line)
                line, lines.since = line + len(columns[0]), 0
            else:
                feed.take(block)
                line = _gather_rows(path, feed, lines, delimiter, gathering, line)
    except csv.Error:
        _refuse_quotes(path, line)


def _gather_rows(
    path: Path, feed: decoding.Feed, lines: decoding.Lines, delimiter: str, gathering: Gathering, first: int
) -> int:
    """Gather rows, each with the line on which it begins, until no block is begun; give the number of the next line."""
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    numbers: list[int] = []
    line, room = first, PART_CELLS
    try:
        while not feed.is_empty:
            row = next(reader)
            rows.append(row)
            numbers.append(line)
            line, lines.since, room = first + reader.line_num, 0, room - len(row) - 1
            if room < 0:
                gathering.add(rows, numbers)
                rows, numbers, room = [], [], PART_CELLS
    except csv.Error:
        _refuse_quotes(path, line)
    gathering.add(rows, numbers)
    return line


def _refuse_quotes(path: Path, line: int) -> NoReturn:
    refuse(
        path,
        "a quote that opens in this row is not closed, one inside a cell is not doubled, or a cell has more than 131,072 signs; "
        "mend this row, or export the file again",
        "此行的引号没有闭合，或单元格内的引号没有写成两个，或单元格超过 131,072 个字符；请修改此行，或重新导出",
        line,
    )


def _reader(lines: decoding.Lines, delimiter: str, *, strict: bool) -> Any:
    return csv.reader(decoding.Feed(iter(lines)), delimiter=delimiter, strict=strict)


def _delimiter(path: Path, encoding: str, header_row: int) -> str:
    """The delimiter that cuts the first rows into as many fields as the header, for the largest share of them."""
    shares = {d: _share(decoding.Lines(path, encoding), d, header_row) for d in DELIMITERS}
    best = max(shares.values())
    winners = [d for d, share in shares.items() if share == best]
    if best < 0:
        return ","
    if len(winners) > 1:
        refuse(
            path,
            "the delimiter is not clear; declare layout: delimiter in wave.yaml",
            "无法判断分隔符；请在 wave.yaml 的 layout 中声明 delimiter",
            header_row,
        )
    return winners[0]


def _share(lines: decoding.Lines, delimiter: str, header_row: int) -> float:
    """Share of rows with as many fields as the header; -1 where the header has one field only."""
    try:
        widths = _widths(lines, delimiter, header_row + SAMPLE)[header_row - 1 :]
    except (csv.Error, UnicodeError):
        return -1.0
    if not widths or widths[0] < 2:
        return -1.0
    full = [w for w in widths[1:] if w]
    return sum(w == widths[0] for w in full) / len(full) if full else 0.0


def _widths(lines: decoding.Lines, delimiter: str, rows: int) -> Sequence[int]:
    return [len(row) for row in islice(_reader(lines, delimiter, strict=False), rows)]
