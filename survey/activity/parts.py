"""Accepted rows of the log as they lie on disk: one Parquet file a raw file, and the SQL that reads several as one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from survey.activity.engines import unreadable

TEXTS = ("member", "activity", "groups", "region", "channel", "response", "role", "service")
OTHERS = ("start", "end", "rating", "took_part")
COLUMNS = ("row", *TEXTS, *OTHERS)
FILLED = ("row", "member", "activity", "groups", "start")  # no row of these may be missing
RATINGS = 1e6  # no rating is larger, on either side of 0: so many of them still make an exact sum

Rows = NDArray[np.int64]
Again = Mapping[tuple[str, str], Rows]

# `start`, `row` and `end` mean something in SQL: from here on they have other names.
_PART = """
SELECT {number} AS part, CAST({wave} AS INTEGER) AS wave_no, p.row AS line, p.member, p.activity, p.groups, p.region,
       p.start AS began, p.channel, p.response, p.role, p.rating, p.took_part
FROM part_{number} p"""
_NOT_AGAIN = "NOT EXISTS (SELECT 1 FROM again a WHERE a.part = {number} AND a.line = p.row)"


@dataclass(frozen=True, slots=True)
class LogPart:
    """The accepted rows of one raw file of the log.

    Attributes
    ----------
    wave : str
        The wave it arrived with; waves are ordered by name.
    file : str
        Name of the raw file; a wave and a file name one part.
    path : Path
        Parquet with the columns `COLUMNS`: ``row`` int64 (unique in the part); texts ``member, activity, groups`` (codes
        of the row's organisers joined by ``;``, ``""`` where the study has no groups) and, with missing ones, ``region,
        channel, response, role`` (took_part, volunteered, organised, proposed, designed; missing: took part),
        ``service``; ``start, end`` timestamp[us], local, without a zone; ``rating`` float64; ``took_part`` bool (missing:
        attendance of that activity was not recorded). Whoever hands it over has compared its checksum: engines read what they
        find.
    """

    wave: str
    file: str
    path: Path

    @property
    def name(self) -> tuple[str, str]:
        """Wave and file."""
        return self.wave, self.file


def check_parts(parts: Sequence[LogPart]) -> None:
    """See that the parts are what their contract says, from the ends of their files alone.

    Raises
    ------
    ValueError
        For two parts of one name, a missing column, a missing cell where there must be one, a rating too large to add.
    survey.Refused
        Where a file is damaged or gone.
    """
    names = [part.name for part in parts]
    if len(set(names)) < len(names):
        raise ValueError("two parts of the log have the same wave and file; give each raw file once")
    for part in parts:
        _check_part(part)


def _check_part(part: LogPart) -> None:
    try:
        about = pq.read_metadata(part.path)
    except (OSError, pa.ArrowInvalid):
        unreadable()
    absent = sorted(set(COLUMNS) - set(about.schema.names))
    if absent:
        raise ValueError(f"a part of the log lacks the columns {absent}; it needs {list(COLUMNS)}")
    holes = {c: _holes(about, c) for c in FILLED}
    if any(holes.values()):
        raise ValueError(f"a part of the log has rows without a value: {holes}; set them aside before they are counted")
    if any(max(abs(s.min), abs(s.max)) > RATINGS for s in _statistics(about, "rating") if s.has_min_max):
        raise ValueError(
            f"a part of the log has ratings beyond {RATINGS:,.0f}; make them missing before they are added"
        )


def _holes(about: pq.FileMetaData, column: str) -> int:
    return sum(found.null_count for found in _statistics(about, column))


def _statistics(about: pq.FileMetaData, column: str) -> list[pq.Statistics]:
    place = about.schema.names.index(column)
    found = [about.row_group(group).column(place).statistics for group in range(about.num_row_groups)]
    if any(one is None for one in found):
        raise ValueError(f"a part of the log was written without statistics of {column}; write it as the intake does")
    return found


def until(parts: Iterable[LogPart], wave: str) -> tuple[LogPart, ...]:
    """Give the parts of a wave and of those before it, oldest first: the order in which they are numbered."""
    return tuple(sorted((p for p in parts if p.wave <= wave), key=lambda p: p.name))


def as_one(waves: Sequence[str | int], again: Collection[int] = (), *, within: tuple[str, str] | None = None) -> str:
    """Give the SELECT that reads all parts as one table, without the rows in ``again(part, line)`` of those parts.

    Parameters
    ----------
    waves : sequence
        For each part in the order of their numbers, its wave's number, or SQL that says it of a row ``p``.
    again : collection of int
        Numbers of parts of which rows came before.
    within : two of str, optional
        SQL of two instants: rows up to the first and after the second are left out.
    """
    queries = []
    for number, wave in enumerate(waves):
        asked = [_NOT_AGAIN.format(number=number)] if number in again else []
        asked += [f"p.start > {within[0]} AND p.start <= {within[1]}"] if within else []
        where = f"\nWHERE {' AND '.join(asked)}" if asked else ""
        queries.append(_PART.format(number=number, wave=wave) + where)
    return "\nUNION ALL".join(queries)


def again_table(parts: Sequence[LogPart], again: Again) -> pa.Table:
    """Give the rows that an earlier part has brought: ``part`` (its number), ``line``."""
    rows = [np.asarray(again.get(part.name, ()), dtype=np.int64) for part in parts]
    numbers = np.repeat(np.arange(len(parts), dtype=np.int32), [len(found) for found in rows])
    lines = np.concatenate([*rows, np.empty(0, np.int64)])
    return pa.table({"part": pa.array(numbers, pa.int32()), "line": pa.array(lines, pa.int64())})
