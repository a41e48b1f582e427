"""Accepted logs as small tables, written as the intake writes them, and one way to reduce them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from survey.activity import Activity, LogPart, reduce_wave, repeated

TEXTS = ("member", "activity", "groups", "region", "channel", "response", "role", "service")
KINDS = {
    "row": pa.int64(),
    **dict.fromkeys(TEXTS, pa.string()),
    **dict.fromkeys(("start", "end"), pa.timestamp("us")),
    "rating": pa.float64(),
    "took_part": pa.bool_(),
}
DEFAULTS = {"groups": "", "took_part": True}


def part(folder: Path, rows: pd.DataFrame | Sequence[dict], wave: str = "1", file: str = "log") -> LogPart:
    """Write rows as a part; what they do not say is its default, and rows are numbered from 1."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame([{**DEFAULTS, **row} for row in rows])
    columns = {}
    for name, kind in KINDS.items():
        given = frame[name] if name in frame else pd.Series([DEFAULTS.get(name)] * len(frame))
        if name == "row" and name not in frame:
            given = pd.Series(range(1, len(frame) + 1))
        values = (
            given.map(pd.Timestamp).astype("datetime64[us]") if name in ("start", "end") else given.astype("object")
        )
        array = pa.array(values.where(values.notna(), None), kind, from_pandas=True)
        columns[name] = array.dictionary_encode() if pa.types.is_string(kind) else array
    path = folder / f"{wave}-{file}.parquet"
    pq.write_table(pa.table(columns), path, write_page_checksum=True)
    return LogPart(wave, file, path)


def reduced(parts: Sequence[LogPart], wave: str = "1", **more) -> Activity:
    """Reduce with what the parts repeat of each other; the whole log unless `took_part_days` says otherwise."""
    options = {"took_part_days": None, "log_end": None, "not_reporting": []} | more
    again = options.pop("again", None)
    if again is None:
        again = repeated(parts, engine=options.get("engine"))
    return reduce_wave(parts, wave, again=again, **options)


def day(text: str) -> pd.Timestamp:
    """A moment."""
    return pd.Timestamp(text)


def listed(frame: pd.DataFrame, *columns: str) -> list[tuple]:
    """Rows of some columns, missing cells as None."""
    chosen = frame[list(columns)].astype("object")
    return list(chosen.where(chosen.notna(), None).itertuples(index=False, name=None))
