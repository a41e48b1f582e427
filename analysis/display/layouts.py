"""Where tiles of places stand: a layout file, read and checked; those beside this module are looked at first.

A layout has the columns ``code, row, column, level``: row 1 is the northernmost, column 1 the westernmost, and each level of
places has a grid of its own. Without a layout for all places they stand in blocks of the place above, and the figure says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import pandas as pd

COLUMNS = ("code", "row", "column", "level")
Cells = Mapping[str, tuple[int, int]]


def layout_for(codes: Iterable[str], given: pd.DataFrame | None = None) -> Cells | None:
    """Find the cells (row, column) of places.

    Parameters
    ----------
    codes : iterable of str
        The places that are drawn.
    given : DataFrame, optional
        A layout; every place has to be in it. Default: the first layout beside this module that has all of them.

    Returns
    -------
    mapping of code to (row, column), or None
        None where nobody gave a layout and none beside this module has all places.

    Raises
    ------
    ValueError
        Where the layout given lacks places or columns, names a place twice, or puts two of a level in one cell.
    """
    wanted = set(codes)
    if given is not None:
        cells = checked(given)
        missing = sorted(wanted - set(cells))
        if missing:
            raise ValueError(f"the layout has no cell for {missing[:8]}; it needs a row for every place that is drawn")
        return {c: cells[c] for c in wanted}
    known = next((cells for cells in _beside() if wanted and wanted <= set(cells)), None)
    return {c: known[c] for c in wanted} if known is not None else None


def checked(frame: pd.DataFrame) -> Cells:
    """Read a layout; see `layout_for` for what is refused."""
    missing = [c for c in COLUMNS if c not in frame.columns]
    if missing:
        raise ValueError(f"a layout needs the columns {list(COLUMNS)}; missing: {missing}")
    twice = sorted(frame.loc[frame["code"].duplicated(), "code"].astype(str))
    if twice:
        raise ValueError(f"the layout names places twice: {twice[:8]}; each has one cell")
    shared = frame.loc[frame.duplicated(["level", "row", "column"], keep=False), "code"].astype(str)
    if len(shared):
        raise ValueError(f"the layout puts places of one level in one cell: {sorted(shared)[:8]}; move one of them")
    return {str(c): _cell(c, row, column) for c, row, column, _ in frame[list(COLUMNS)].itertuples(index=False)}


def _cell(code: object, row: object, column: object) -> tuple[int, int]:
    texts = [str(row).strip(), str(column).strip()]
    if not all(t.isdigit() and int(t) > 0 for t in texts):
        raise ValueError(
            f"the layout's cell of {code} is row {row!r}, column {column!r}; both are whole numbers from 1"
        )
    return int(texts[0]), int(texts[1])


@lru_cache(maxsize=1)
def _beside() -> tuple[Cells, ...]:
    files = sorted(Path(__file__).parent.glob("tiles_*.csv"))
    return tuple(checked(pd.read_csv(f, dtype={"code": str})) for f in files)
