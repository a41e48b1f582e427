"""Rows of the log that an earlier file has brought already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from survey.activity.engines import opened
from survey.activity.parts import OTHERS, TEXTS, LogPart, Rows, check_parts

# Texts are compared by number: a log has each of its members many times.
_NUMBERED = "SELECT DISTINCT {0} AS value FROM parts WHERE {0} IS NOT NULL"
_IN_ORDER = "SELECT value, CAST(ROW_NUMBER() OVER (ORDER BY value) AS INTEGER) AS number FROM ({0}) d"
_BROUGHT = "SELECT {0}, MIN(part) AS first_part FROM keyed GROUP BY {0} HAVING MIN(part) < MAX(part)"
_AGAIN = "SELECT k.part, k.line FROM keyed k JOIN brought b ON {0} WHERE k.part > b.first_part"


def repeated(
    parts: Sequence[LogPart], key: Sequence[str] = ("activity", "member"), *, engine: str | None = None
) -> dict[tuple[str, str], Rows]:
    """Find the rows of later parts whose key, held by the same groups, an earlier part has brought.

    Parameters
    ----------
    parts : sequence of LogPart
        Oldest first: a row is kept where it comes first in this order.
    key : sequence of str
        Columns of the parts that say which row is which; ``groups`` always belongs to them. Two missing cells are equal.
    engine : str or None
        As in `survey.activity.reduce_wave`.

    Returns
    -------
    dict
        {(wave, file): int64 numbers of rows, ascending} for every part, empty where nothing is repeated.

    Raises
    ------
    ValueError
        For a key that is no column of the parts, and for parts that are not what their contract says.
    survey.Refused
        Where the engine is not to be had, or memory or disk do not suffice.
    """
    columns = list(dict.fromkeys([*key, "groups"]))
    odd = [column for column in columns if column not in (*TEXTS, *OTHERS)]
    if odd or not key:
        raise ValueError(f"a key names one or more of {[*TEXTS, *OTHERS]}; it names {list(key)}")
    check_parts(parts)
    found = np.empty((0, 2), np.int64)
    if len(parts) > 1:
        found = _found(parts, columns, engine)
    return {part.name: np.sort(found[found[:, 0] == number, 1]) for number, part in enumerate(parts)}


def _found(parts: Sequence[LogPart], columns: Sequence[str], engine: str | None) -> Rows:
    """Give number of part and of row, a line a repeated row."""
    with opened(engine, [part.path for part in parts]) as run:
        for number, part in enumerate(parts):
            run.file(f"part_{number}", part.path)
        run.view("parts", "\nUNION ALL ".join(_keys_of(number, columns) for number in range(len(parts))))
        for place in _texts(columns):
            run.step(f"words_{place}", _IN_ORDER.format(_NUMBERED.format(f"k{place}")))
        run.step("keyed", _keyed(columns))
        run.step("brought", _BROUGHT.format(", ".join(f"k{place}" for place in range(len(columns)))))
        same = " AND ".join(f"k.k{place} IS NOT DISTINCT FROM b.k{place}" for place in range(len(columns)))
        table = run.fetch(_AGAIN.format(same))
    return np.column_stack([table["part"].to_numpy(), table["line"].to_numpy()]).astype(np.int64)


def _keys_of(number: int, columns: Sequence[str]) -> str:
    keys = ", ".join(f"p.{column} AS k{place}" for place, column in enumerate(columns))
    return f"SELECT {number} AS part, p.row AS line, {keys} FROM part_{number} p"


def _texts(columns: Sequence[str]) -> list[int]:
    return [place for place, column in enumerate(columns) if column in TEXTS]


def _keyed(columns: Sequence[str]) -> str:
    texts = _texts(columns)
    keys = [f"w{n}.number AS k{n}" if n in texts else f"p.k{n} AS k{n}" for n in range(len(columns))]
    joins = [f"LEFT JOIN words_{n} w{n} ON w{n}.value = p.k{n}" for n in texts]
    return "\n".join([f"SELECT p.part, p.line, {', '.join(keys)} FROM parts p", *joins])
