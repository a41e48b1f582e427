"""The answers of the healthy folder as workbooks and Parquet files, with what office programs put into them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.survey.catalogue.ground import Folder

Cell = str | int | float | None
Table = list[list[Cell]]
HEADER = 1  # row of the header in `table_of`


def table_of(f: Folder) -> Table:
    """Header and rows of the answers."""
    columns = list(dict.fromkeys(name for row in f.answers for name in row))
    rows: Table = [[row.get(c) or None for c in columns] for row in f.answers]
    return [[*columns], *rows]


def workbook(*sheets: Table, change: Callable[[Any], None] = lambda _: None) -> bytes:
    """An XLSX file: sheets S1, S2, ...; `change` is given the openpyxl workbook before it is saved."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for n, table in enumerate(sheets, start=1):
        sheet = made.create_sheet(f"S{n}")
        for row in table:
            sheet.append(row)
    change(made)
    saved = io.BytesIO()
    made.save(saved)
    return saved.getvalue()


def send(f: Folder, content: bytes, name: str = "answers.xlsx") -> None:
    """Let the answers arrive as this file."""
    f.send(content)
    f.rename(name)


def with_part(book: bytes, part: str, content: bytes | Callable[[bytes], bytes]) -> bytes:
    """A package with one part added, or changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in dict.fromkeys([*old.namelist(), part]):
            before = old.read(name) if name in old.namelist() else b""
            new.writestr(name, before if name != part else content(before) if callable(content) else content)
    return made.getvalue()


def with_cell(book: bytes, place: str, cell: str) -> bytes:
    """A workbook with one cell of its first sheet written anew, as XML."""

    def put(sheet: bytes) -> bytes:
        found, n = re.subn(rf'<c r="{place}"(?:[^>]*/>|.*?</c>)'.encode(), cell.encode(), sheet, flags=re.DOTALL)
        if n != 1:
            raise ValueError(f"no cell {place}")
        return found

    return with_part(book, "xl/worksheets/sheet1.xml", put)


def parquet(f: Folder, **options: Any) -> bytes:
    """A Parquet file of the answers, every column text."""
    header, *rows = table_of(f)
    columns: Sequence[Sequence[Cell]] = list(zip(*rows, strict=True))
    table = pa.table({str(name): pa.array(cells, pa.string()) for name, cells in zip(header, columns, strict=True)})
    saved = io.BytesIO()
    pq.write_table(table, saved, **options)
    return saved.getvalue()
