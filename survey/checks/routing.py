"""Questions that were put only to those who gave a certain answer before (``asked_if`` in ``instrument.csv``)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from survey.checks.accepted import Book
from survey.instrument import Item


def follow(columns: Mapping[str, pd.Series], asked: Mapping[str, Item], book: Book) -> dict[str, pd.Series]:
    """Take out, and count, answers of people to whom the question was not put.

    Where the answer on which it hangs is missing, nobody knows, and the answer stays.
    """
    out = dict(columns)
    for name in columns:
        item = asked[name.partition("=")[0]]
        met = _met(item, columns, asked)
        if met is not None:
            stray = out[name].notna() & ~met
            book.count_cells("not_asked", name, stray)
            out[name] = out[name].where(~stray)
    return out


def _met(item: Item, columns: Mapping[str, pd.Series], asked: Mapping[str, Item]) -> pd.Series | None:
    """Whether the item may have been put to each person; None where that hangs on nothing in this file."""
    if item.asked_if is None:
        return None
    filter_name, codes = item.asked_if
    ticked = [columns[f"{filter_name}={code}"] for code in codes if f"{filter_name}={code}" in columns]
    if ticked:
        ticks = pd.concat(ticked, axis=1)
        return (ticks == 1).any(axis=1) | ticks.isna().all(axis=1)
    if filter_name not in columns:
        return None
    given = columns[filter_name]
    wanted: list[float] | list[str] = [float(c) for c in codes] if asked[filter_name].numeric else list(codes)
    return given.isin(wanted) | given.isna()
