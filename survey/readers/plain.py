"""Plain tables: CSV in UTF-8, UTF-16 with BOM or GB18030; XLSX and XLS; Parquet. Every cell as the text that was there."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from survey.faults import Fault, Refused
from survey.readers.raw import RawTable
from survey.schema import Layout

MAX_INFLATED = 200 * 2**20
MAX_RATIO = 100
MAX_CELLS = 200_000_000
DELIMITERS = (",", "\t", ";", "，")
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read(path: Path, layout: Layout | None = None) -> RawTable:
    """Read a plain table; see `survey.read_table`."""
    layout = layout or Layout()
    if path.is_symlink() or not path.is_file():
        _refuse(path, "this is not a regular file", "这不是普通文件")
    before = path.stat().st_size
    if before == 0:
        _refuse(path, "the file is empty (0 bytes); export it again", "文件为空（0 字节）；请重新导出")
    with path.open("rb") as file:
        magic = file.read(8)
    if magic.startswith(b"PAR1"):
        raw = _parquet(path)
    elif magic.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raw = _workbook(path, layout, zipped=magic.startswith(b"PK"))
    else:
        raw = _csv(path, layout)
    if path.stat().st_size != before:
        _refuse(path, "the file is still being written; wait and try again", "文件仍在写入；请稍后再试")
    if raw.frame.empty:
        _refuse(path, "there is a header but no rows; export it again", "只有表头，没有数据行；请重新导出")
    return raw


def _csv(path: Path, layout: Layout) -> RawTable:
    data = path.read_bytes()
    text, encoding = _decode(path, data, layout.encoding)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        _refuse(path, "there is a NUL character; export the file again", "含有 NUL 字符；请重新导出", line)
    delimiter = layout.delimiter or _delimiter(path, text, layout.header_row)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, numbers = [], []
    try:
        for row in reader:
            rows.append(row)
            numbers.append(reader.line_num)
    except csv.Error:
        start = numbers[-1] + 1 if numbers else 1
        _refuse(path, "a quote that opens here is not closed", "从此处开始的引号没有闭合", start)
    return _table(path, rows, numbers, layout, {"format": "csv", "encoding": encoding, "delimiter": delimiter})


def _decode(path: Path, data: bytes, declared: str | None) -> tuple[str, str]:
    bom = next((name for sign, name in _BOMS.items() if data.startswith(sign)), None)
    for encoding in [declared] if declared else [bom] if bom else ["utf-8", "gb18030"]:
        try:
            text = data.decode(encoding)
        except LookupError:
            _refuse(path, f"the encoding “{encoding}” is not known", f"未知的编码“{encoding}”")
        except UnicodeDecodeError as error:
            fails = data[: error.start].count(b"\n") + 1
            continue
        return text, encoding
    _refuse(
        path,
        "from this line on the text is not in one of the encodings UTF-8 or GB18030, or not in the declared one; "
        "save the file as UTF-8, or declare layout: encoding in wave.yaml",
        "从此行起不是 UTF-8 或 GB18030（或所声明的）编码；请另存为 UTF-8，或在 wave.yaml 的 layout 中声明 encoding",
        fails,
    )
    raise AssertionError


def _delimiter(path: Path, text: str, header_row: int) -> str:
    lines = [line for line in text.splitlines()[header_row - 1 : header_row + 20] if line.strip()]
    counts = {d: _fields(lines, d) for d in DELIMITERS}
    fitting = {d: n[0] for d, n in counts.items() if n and n[0] > 1}
    if not fitting:
        return ","
    best = max(fitting.values())
    winners = [d for d, n in fitting.items() if n == best]
    if len(winners) > 1:
        _refuse(
            path,
            "the delimiter is not clear; declare layout: delimiter in wave.yaml",
            "无法判断分隔符；请在 wave.yaml 的 layout 中声明 delimiter",
        )
    return winners[0]


def _fields(lines: Sequence[str], delimiter: str) -> list[int]:
    return [len(row) for row in csv.reader(lines, delimiter=delimiter)]


def _workbook(path: Path, layout: Layout, *, zipped: bool) -> RawTable:
    import python_calamine

    if zipped:
        _refuse_bomb(path)
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
    except (python_calamine.CalamineError, OSError):
        _refuse(
            path,
            "this workbook cannot be opened; it may be protected by a password or damaged: save it as XLSX without one",
            "无法打开工作簿，可能有密码或已损坏；请另存为无密码的 XLSX",
        )
    sheet = layout.sheet
    if sheet is None and len(book.sheet_names) > 1:
        names = ", ".join(book.sheet_names)
        _refuse(
            path,
            f"the workbook has several sheets ({names}); name one as layout: sheet in wave.yaml",
            f"工作簿有多个工作表（{names}）；请在 wave.yaml 的 layout 中用 sheet 指明",
        )
    if sheet is not None and sheet not in book.sheet_names:
        _refuse(path, f"there is no sheet “{sheet}”", f"没有工作表“{sheet}”")
    table = book.get_sheet_by_name(sheet or book.sheet_names[0])
    rows = [[_text(cell) for cell in row] for row in table.to_python(skip_empty_area=False)]
    return _table(path, rows, list(range(1, len(rows) + 1)), layout, {"format": "workbook", "sheet": table.name})


def _refuse_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            inflated = sum(info.file_size for info in archive.infolist())
            names = archive.namelist()
    except zipfile.BadZipFile:
        _refuse(path, "the workbook is damaged or incomplete; export it again", "工作簿已损坏或不完整；请重新导出")
    if inflated > MAX_INFLATED or inflated > MAX_RATIO * path.stat().st_size:
        _refuse(
            path,
            "unpacked, the workbook would be far larger than a table of answers; save the sheet as CSV",
            "工作簿解压后过大，不像是答卷表；请把工作表另存为 CSV",
        )
    if any("vbaProject" in name for name in names):
        _refuse(path, "the workbook holds macros; save it as XLSX", "工作簿含有宏；请另存为 XLSX")


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat(sep=" ") if isinstance(cell, datetime) else cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return "" if cell is None else str(cell)


def _parquet(path: Path) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError):
        _refuse(
            path, "the Parquet file is damaged or incomplete; export it again", "Parquet 文件已损坏或不完整；请重新导出"
        )
    columns = [[_text(v) for v in table.column(i).to_pylist()] for i in range(table.num_columns)]
    header = [name.strip() for name in table.column_names]
    _refuse_header(path, header)
    frame = pd.DataFrame(dict(zip(header, columns, strict=True)), dtype="str")
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return RawTable(frame, "plain", form={"format": "parquet"})


def _table(path: Path, rows: list[list[str]], numbers: list[int], layout: Layout, form: dict[str, str]) -> RawTable:
    if len(rows) < layout.header_row:
        _refuse(path, "the file has fewer rows than its header row", "文件行数少于表头所在行")
    header = [cell.strip() for cell in rows[layout.header_row - 1]]
    body, numbers = rows[layout.header_row :], numbers[layout.header_row :]
    while (
        header and not header[-1] and not any(row[len(header) - 1].strip() for row in body if len(row) >= len(header))
    ):
        header = header[:-1]
    _refuse_header(path, header)
    width = len(header)
    long = [n for n, row in zip(numbers, body, strict=True) if any(cell.strip() for cell in row[width:])]
    if long:
        _refuse(
            path,
            f"{len(long)} rows have more fields than the header; check delimiters and quotes",
            f"有 {len(long)} 行的字段数多于表头；请检查分隔符和引号",
            long[0],
        )
    short = {n for n, row in zip(numbers, body, strict=True) if 1 < len(row) < width}
    kept = [(n, (row + [""] * width)[:width]) for n, row in zip(numbers, body, strict=True) if n not in short]
    frame = pd.DataFrame([row for _, row in kept], columns=header, index=[n for n, _ in kept], dtype="str")
    return RawTable(frame, "plain", ragged=tuple(sorted(short)), form=form)


def _refuse_header(path: Path, header: list[str]) -> None:
    if not all(header):
        column = header.index("") + 1
        _refuse(
            path,
            f"column {column} has no name; give it one, or delete it",
            f"第 {column} 列没有列名；请补上列名或删除该列",
            1,
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        names = ", ".join(twice[:3])
        _refuse(path, f"columns stand twice in the header: {names}", f"表头有重复的列：{names}", 1)
    if any("\ufffd" in name for name in header):
        _refuse(path, "the header is garbled; save the file as UTF-8", "表头是乱码；请另存为 UTF-8", 1)


def _refuse(path: Path, en: str, zh: str, line: int = 0) -> None:
    raise Refused([Fault(path.name, line, en, zh)]) from None
