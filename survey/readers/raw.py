"""What every reader gives: the file as text, and what was seen of its form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pandas as pd

from survey.faults import Fault, Refused
from survey.schema import Layout

MAX_COLUMNS = 5000
MAX_CELLS = 200_000_000
_DATUM = re.compile(r"[\d\s.,:/+-]*\d[\d\s.,:/+-]*[Xx]?|[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class RawTable:
    """A file as text.

    Attributes
    ----------
    frame : DataFrame of str
        One row an answer; columns = headers, blanks around them dropped; index = line in the file on which the row begins
        (1 = first line; for Parquet, which has no header line, 1 = first row).
    labels : dict
        Labels that the file itself brings: {column: {code: label}}; empty for plain files.
    platform : str
        Whose export it is.
    multiple : dict
        Multiple-response questions that the platform spreads over columns: {question: [columns]}.
    ragged : tuple of int
        Rows that are shorter than the header; they are not in the frame.
    form : dict
        What was seen: format, encoding, delimiter, sheet.
    """

    frame: pd.DataFrame
    platform: str
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    multiple: dict[str, list[str]] = field(default_factory=dict)
    ragged: tuple[int, ...] = ()
    form: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"RawTable ({self.platform}): {len(self.frame)} rows, {self.frame.shape[1]} columns; {self.form}"


def table(path: Path, rows: list[list[str]], numbers: list[int], layout: Layout, form: dict[str, str]) -> RawTable:
    """Make a table of rows of text: the header row is consumed, short rows are kept apart, long ones refuse the file."""
    if len(rows) < layout.header_row:
        refuse(path, "the file has fewer rows than its header row", "文件行数少于表头所在行")
    at = numbers[layout.header_row - 1]
    header = [cell.strip() for cell in rows[layout.header_row - 1]]
    body, numbers = rows[layout.header_row :], numbers[layout.header_row :]
    header = _without_empty_end(header, body)
    check_header(path, header, at, len(body))
    width = len(header)
    _refuse_long(path, body, numbers, width)
    short = {n for n, row in zip(numbers, body, strict=True) if len(row) < width and any(c.strip() for c in row)}
    kept = [(n, (row + [""] * width)[:width]) for n, row in zip(numbers, body, strict=True) if n not in short]
    frame = pd.DataFrame([row for _, row in kept], columns=header, index=[n for n, _ in kept], dtype="str")
    return RawTable(frame, "plain", ragged=tuple(sorted(short)), form=form)


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
        return "… (numbers: data? 似为数据行)"
    return ", ".join(name[:60] for name in names)


def refuse(path: Path, en: str, zh: str, line: int = 0) -> NoReturn:
    """Raise `Refused` for a file, by its name alone."""
    raise Refused([Fault(path.name, line, en, zh)]) from None
