"""Parquet files as grids of text, read batch by batch."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from survey.faults import Refused
from survey.readers.progress import Progress
from survey.readers.raw import TOP, Gathering, Grid, check_header, refuse
from survey.readers.workbook import as_text
from survey.schema import Layout

AT_ONCE = 2_000_000  # cells that are read at once
FREE_CELLS, MAX_CELLS_A_BYTE = 2_000_000, 100
FREE_BYTES, MAX_RATIO = 64 * 2**20, 200
MAX_TEXT = 256 * 2**20  # bytes of all cells, where many cells share one long text


def read(path: Path, layout: Layout, *, top: bool) -> Grid:
    """Read a Parquet file, or its first rows; checksums of its pages are verified where it has them."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=_texts(path)) as file:
            header = [name.strip() for name in file.schema_arrow.names]
            check_header(path, header, 0, file.metadata.num_rows)
            _refuse_nested(path, file.schema_arrow)
            _refuse_packed(path, file.metadata)
            gathering = Gathering(path, layout.header_row)
            gathering.add([header], [0])
            read = _read_rows(path, file, gathering, layout.header_row - 1 + TOP if top else file.metadata.num_rows)
            whole = read == file.metadata.num_rows
    except Refused:  # which is a ValueError too
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError):
        refuse(
            path, "the Parquet file is damaged or incomplete; export it again", "Parquet 文件已损坏或不完整；请重新导出"
        )
    return gathering.grid({"format": "parquet"}, whole=whole)


def _read_rows(path: Path, file: pq.ParquetFile, gathering: Gathering, wanted: int) -> int:
    """Read so many rows, or some more; give their number."""
    about, size, read, text = file.metadata, path.stat().st_size, 0, 0
    progress = Progress(path)
    for batch in file.iter_batches(batch_size=max(min(AT_ONCE // max(about.num_columns, 1), wanted, 65536), 1)):
        text += _shared(batch)
        if text > max(MAX_TEXT, 10 * size):
            _refuse_large(path)
        rows = [list(row) for row in zip(*map(_as_texts, batch.columns), strict=True)]
        gathering.add(rows, range(read + 1, read + batch.num_rows + 1))
        read += batch.num_rows
        progress.add(size * batch.num_rows / about.num_rows)
        if read >= wanted:
            break
    return read


def _as_texts(cells: pa.Array) -> list[str]:
    """A column's cells as text; each different value is written once, where the library can tell which those are."""
    if pa.types.is_dictionary(cells.type) and len(cells.dictionary) > len(cells):
        cells = cells.dictionary_decode()
    try:
        coded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return [as_text(value) for value in cells.to_pylist()]
    texts = [as_text(value) for value in coded.dictionary.to_pylist()]
    return ["" if n is None else texts[n] for n in coded.indices.to_pylist()]


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


def _shared(batch: pa.RecordBatch) -> int:
    """Bytes of all cells of text: one long text that many cells share takes its room once in the file and once a cell as text."""
    total = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and (
            pa.types.is_string(column.dictionary.type) or pa.types.is_large_string(column.dictionary.type)
        ):
            lengths = pc.binary_length(column.dictionary).cast(pa.int64())
            total += pc.sum(lengths.take(column.indices)).as_py() or 0
    return total


def _refuse_large(path: Path) -> NoReturn:
    refuse(
        path,
        "unpacked, the Parquet file would be far larger than a table of answers; export it as CSV",
        "Parquet 文件展开后过大，不像是答卷表；请导出为 CSV",
    )
