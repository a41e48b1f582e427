"""What went through the door in this process: a report's run asks for it at its end.

Every number that was let out counts as read, shown on a page or not.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.tidy import KEYS, NUMBERED, tidy_frame

Passed = pd.DataFrame  # a tidy row a number
_COLUMNS = [*KEYS, "estimate", "status"]
_seen: list[pd.DataFrame] = []


def note(table: pd.DataFrame) -> None:
    """Note the rows with numbers of a table that is let out."""
    rows = table.loc[table["status"].isin(NUMBERED) & table["estimate"].notna(), _COLUMNS]
    _seen.append(rows)


def passed() -> pd.DataFrame:
    """Give a tidy row for each number that was let out, each place once."""
    if not _seen:
        return tidy_frame([])
    rows = pd.concat(_seen, ignore_index=True).drop_duplicates(list(KEYS), ignore_index=True)
    _seen[:] = [rows]
    return tidy_frame(rows)


def write(path: str | Path) -> None:
    """Write them to a file."""
    passed()[_COLUMNS].to_json(path, orient="split", index=False)


def read(path: str | Path) -> pd.DataFrame:
    """Read what `write` wrote."""
    return tidy_frame(pd.read_json(path, orient="split", dtype=False))
