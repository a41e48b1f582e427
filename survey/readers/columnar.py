"""Parquet files as grids of text."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from survey.readers.raw import Grid, check_header, refuse
from survey.readers.workbook import as_text


def read(path: Path) -> Grid:
    """Read a Parquet file; checksums of its pages are verified where it has them."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            header = [name.strip() for name in file.schema_arrow.names]
            check_header(path, header, 0, file.metadata.num_rows)
            _refuse_nested(path, file.schema_arrow)
            table = file.read()
            columns = [[as_text(v) for v in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError):
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
