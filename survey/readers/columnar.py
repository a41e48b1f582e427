"""Parquet files as grids of text."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from survey.readers.raw import Grid, check_header, refuse
from survey.readers.workbook import as_text

FREE_CELLS, MAX_CELLS_A_BYTE = 2_000_000, 100
FREE_BYTES, MAX_RATIO = 64 * 2**20, 200
MAX_TEXT = 256 * 2**20  # bytes of all cells, where many cells share one long text


def read(path: Path) -> Grid:
    """Read a Parquet file; checksums of its pages are verified where it has them."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=_texts(path)) as file:
            header = [name.strip() for name in file.schema_arrow.names]
            check_header(path, header, 0, file.metadata.num_rows)
            _refuse_nested(path, file.schema_arrow)
            _refuse_packed(path, file.metadata)
            table = file.read()
            _refuse_shared(path, table)
            columns = [[as_text(v) for v in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError, MemoryError):
        refuse(
            path, "the Parquet file is damaged or incomplete; export it again", "Parquet 文件已损坏或不完整；请重新导出"
        )
    rows = [header, *map(list, zip(*columns, strict=True))]
    return Grid(path, rows, list(range(len(rows))), {"format": "parquet"})


def _refuse_nested(path: Path, schema: pa.Schema) -> None:
    for n, column in enumerate(schema):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            refuse(
                path,
                f"column {n + 1} holds lists or raw bytes; a table of text, numbers and times is needed",
                f"第 {n + 1} 列是列表或原始字节；需要文字、数字和时间组成的表格",
            )


def _texts(path: Path) -> list[str]:
    """Columns of text: they are read as the few texts that there are and which cell holds which."""
    schema = pq.read_schema(path)
    return [
        column.name for column in schema if pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    ]


def _refuse_packed(path: Path, about: pq.FileMetaData) -> None:
    """A file of some bytes can say that it has a thousand million rows; a table of answers has no more than so many a byte."""
    size = path.stat().st_size
    inflated = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
    cells = about.num_rows * about.num_columns
    if cells > max(FREE_CELLS, MAX_CELLS_A_BYTE * size) or inflated > max(FREE_BYTES, MAX_RATIO * size):
        _refuse_large(path)


def _refuse_shared(path: Path, table: pa.Table) -> None:
    """One long text that many cells share takes its room once in the file and once a cell as text."""
    total = 0
    for column in table.columns:
        for chunk in column.chunks if pa.types.is_dictionary(column.type) else ():
            if pa.types.is_string(chunk.dictionary.type) or pa.types.is_large_string(chunk.dictionary.type):
                lengths = pc.binary_length(chunk.dictionary).cast(pa.int64())
                total += pc.sum(lengths.take(chunk.indices)).as_py() or 0
    if total > max(MAX_TEXT, 10 * path.stat().st_size):
        _refuse_large(path)


def _refuse_large(path: Path) -> NoReturn:
    refuse(
        path,
        "unpacked, the Parquet file would be far larger than a table of answers; export it as CSV",
        "Parquet 文件展开后过大，不像是答卷表；请导出为 CSV",
    )
