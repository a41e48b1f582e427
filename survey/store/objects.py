"""Tables as Parquet files named by their bytes: the same table is the same file, and a file that is not its name is damaged."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from survey.store.atomic import settled, written
from survey.store.manifest import OBJECTS
from survey.store.place import guarded, sum_of

ENDING = ".parquet"
PIECE = 2**20  # rows that are written at once
DICTIONARY = 2**25  # bytes of different texts of a piece and column beyond which each cell has its own
_CONTAINERS = b"containers"  # which columns hold tuples or lists: Parquet knows lists only


def path_of(home: Path, name: str) -> Path:
    """Give the file of the table with this checksum."""
    return home / OBJECTS / f"{name}{ENDING}"


def drafted(folder: Path, name: str, frame: pd.DataFrame | Path) -> tuple[Path, str]:
    """Bring a table, or a Parquet file that lies in the building folder, to the disk; give its file there and its SHA-256."""
    if isinstance(frame, Path):
        return frame, settled(frame)
    draft = folder / f"{name}{ENDING}"
    return draft, written(draft, lambda file: write_frame(file, frame))


def put(home: Path, draft: Path, name: str) -> None:
    """Move a table to where its checksum says."""
    os.replace(draft, path_of(home, name))


def draft(path: Path, frame: pd.DataFrame, order: np.ndarray | None = None) -> Path:
    """Write a table into the folder that `survey.store.building` gives, for `survey.store.save`; give its path."""
    with guarded(path.parent.parent), path.open("xb") as file:
        write_frame(file, frame, order)
    return path


def write_frame(file: Any, frame: pd.DataFrame, order: np.ndarray | None = None) -> None:
    """Write a table as Parquet with a checksum a page, its rows in another order where one is given; its index is not kept.

    Raises
    ------
    ValueError
        Where one column holds containers of several kinds, which could not come back as they were.
    """
    kinds = json.dumps(_containers(frame), sort_keys=True).encode()
    schema = pa.Schema.from_pandas(frame, preserve_index=False)
    schema = schema.with_metadata({**(schema.metadata or {}), _CONTAINERS: kinds})
    with pq.ParquetWriter(file, schema, write_page_checksum=True, dictionary_pagesize_limit=DICTIONARY) as writer:
        for start in range(0, max(len(frame), 1), PIECE):  # no second copy of a large table in memory
            here = slice(start, start + PIECE)
            piece = pa.Table.from_pandas(
                frame.iloc[here if order is None else order[here]], schema, preserve_index=False
            )
            # How a frame was put together must not show in the bytes.
            writer.write_table(piece.combine_chunks().replace_schema_metadata(schema.metadata))


def _containers(frame: pd.DataFrame) -> dict[str, str]:
    objects = [c for c in frame.columns if frame[c].dtype == object]
    kinds = {str(c): _kind(frame[c]) for c in objects}
    return {c: kind for c, kind in kinds.items() if kind}


def _kind(column: pd.Series) -> str:
    types = {type(value) for value in column if isinstance(value, tuple | list | np.ndarray)}
    if len(types) > 1:
        raise ValueError(f"column {column.name!r} holds lists of several types; use one of tuple, list, array")
    return types.pop().__name__ if types else ""


def read_frame(data: bytes) -> pd.DataFrame:
    """Read what `write_frame` wrote, with the types that the table had."""
    frame = pd.read_parquet(io.BytesIO(data), page_checksum_verification=True)
    metadata = pq.read_schema(io.BytesIO(data)).metadata or {}
    for column, kind in json.loads(metadata.get(_CONTAINERS, b"{}")).items():
        if kind != "ndarray":
            frame[column] = pd.Series(list(_as(kind, frame[column])), index=frame.index, dtype="object")
    return frame


def _as(kind: str, column: Iterable[Any]) -> Iterable[Any]:
    make = tuple if kind == "tuple" else list
    return (make(value.tolist()) if isinstance(value, np.ndarray) else None for value in column)


def is_whole(home: Path, name: str) -> bool:
    """Tell whether the table with this checksum is there and has it."""
    try:
        return sum_of(path_of(home, name)) == name
    except OSError:
        return False


def content(home: Path, name: str) -> bytes | None:
    """Give the bytes of the table with this checksum; None where they are not there or not those."""
    try:
        data = path_of(home, name).read_bytes()
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == name else None
