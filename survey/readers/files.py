"""Files as grids of text: CSV (UTF-8, UTF-16 with BOM, GB18030), XLSX, XLS, Parquet. Every cell as the text that was there."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from survey.readers import columnar, workbook
from survey.readers.raw import Grid, refuse
from survey.schema import Layout

DELIMITERS = (",", "\t", ";", "，")
SAMPLE = 20  # rows after the header by which a delimiter is recognised
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_ZIPPED, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PACKED = (b"\x1f\x8b", b"\x1f\x9d", b"BZh", b"\xfd7zXZ", b"Rar!", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd", b"PK\x05\x06")
# PDF, Arrow and Feather, SQLite, HDF, NumPy, and the pickles of Python, which are programs: none is ever opened.
_OTHERS = (b"%PDF", b"ARROW1", b"FEA1", b"SQLite f", b"\x89HDF", b"\x93NUMPY", *(b"\x80%c" % n for n in (2, 3, 4, 5)))
_NO_TABLES = (*_PACKED, *_OTHERS)
_SAS = (bytes(12) + b"\xc2\xea\x81\x60", b"HEADER R")  # its tables, its transport files


def open_grid(path: Path, layout: Layout) -> Grid:
    """Open a file by what its first bytes say that it is.

    Raises
    ------
    survey.Refused
        For what is no table of text, or cannot be read to its end.
    """
    with path.open("rb") as file:
        magic = file.read(16)
    if magic.startswith(b"PAR1"):
        return columnar.read(path)
    if magic.startswith((_ZIPPED, _OLE)):
        return workbook.read(path, layout, zipped=magic.startswith(_ZIPPED))
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
    return _csv(path, layout)


def _csv(path: Path, layout: Layout) -> Grid:
    text, encoding = _decode(path, path.read_bytes(), layout.encoding)
    if "\0" in text:
        refuse(path, "there is a NUL character; export the file again", "含有 NUL 字符；请重新导出", _line(text, "\0"))
    if text.lstrip()[:1] == "<":
        refuse(
            path,
            "this is a web page, not a table; open it and save it as XLSX",
            "这是网页，不是表格；请打开后另存为 XLSX",
            1,
        )
    delimiter = layout.delimiter or _delimiter(path, text, layout.header_row)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, numbers, line = [], [], 1
    try:
        for row in reader:
            rows.append(row)
            numbers.append(line)
            line = reader.line_num + 1
    except csv.Error:
        refuse(
            path,
            "a quote that opens in this row is not closed, one inside a cell is not doubled, or a cell is far too long",
            "此行的引号没有闭合，或单元格内的引号没有写成两个，或单元格过长",
            line,
        )
    return Grid(path, rows, numbers, {"format": "csv", "encoding": encoding, "delimiter": delimiter})


def _line(text: str, sign: str) -> int:
    return text.count("\n", 0, text.index(sign)) + 1


def _decode(path: Path, data: bytes, declared: str | None) -> tuple[str, str]:
    bom = next((name for sign, name in _BOMS.items() if data.startswith(sign)), None)
    encodings = [declared] if declared else [bom] if bom else ["utf-8", "gb18030"]
    for encoding in encodings:
        text, fails = _decoded(data, encoding)
        if text is not None:
            return text.removeprefix("\ufeff"), encoding
    return refuse(
        path,
        "from this line on the text is not in one of the encodings UTF-8 or GB18030, or not in the declared one; "
        "save the file as UTF-8, or declare layout: encoding in wave.yaml",
        "从此行起不是 UTF-8 或 GB18030（或所声明的）编码；请另存为 UTF-8，或在 wave.yaml 的 layout 中声明 encoding",
        fails,
    )


def _decoded(data: bytes, encoding: str) -> tuple[str | None, int]:
    """The text, or the line on which it cannot be read."""
    try:
        return data.decode(encoding), 0
    except UnicodeError as error:
        return None, data.count(b"\n", 0, getattr(error, "start", 0)) + 1


def _delimiter(path: Path, text: str, header_row: int) -> str:
    """The delimiter that cuts the first rows into as many fields as the header, for the largest share of them."""
    shares = {d: _share(text, d, header_row) for d in DELIMITERS}
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


def _share(text: str, delimiter: str, header_row: int) -> float:
    """Share of rows with as many fields as the header; -1 where the header has one field only."""
    try:
        widths = _widths(text, delimiter, header_row + SAMPLE)[header_row - 1 :]
    except csv.Error:
        return -1.0
    if not widths or widths[0] < 2:
        return -1.0
    full = [w for w in widths[1:] if w]
    return sum(w == widths[0] for w in full) / len(full) if full else 0.0


def _widths(text: str, delimiter: str, rows: int) -> Sequence[int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [len(row) for row, _ in zip(reader, range(rows), strict=False)]
