"""Series over waves: which rows of earlier waves cannot be compared with the latest one, because a boundary moved.

Source: the hierarchy's column ``comparable_from``, which the panel makes from the crosswalk of places.
"""

from __future__ import annotations

import pandas as pd

from analysis.tidy import NUMBERS

MEASURED = ("ok", "pooled", "not_estimable", "not_converged")


def mark_broken(rows: pd.DataFrame, hierarchy: pd.DataFrame | None) -> pd.DataFrame:
    """Take the numbers of earlier waves away from places whose boundaries moved since, and say so.

    Parameters
    ----------
    rows : DataFrame
        Tidy table; waves are ordered by name.
    hierarchy : DataFrame or None
        ``code`` and ``comparable_from``: the first wave from which on a place can be compared with the latest; empty or missing:
        all can. None, or without that column: nothing is broken.

    Returns
    -------
    DataFrame
        The rows, in their order. A row of a place and a wave before ``comparable_from`` has status ``series_broken``, no number
        and no basis; rows that were not asked for, or not reported, stay what they are, and so do rows of all places.

    Examples
    --------
    >>> from analysis.tidy import tidy_frame
    >>> row = {"term": "trust", "statistic": "mean", "estimate": 4.0}
    >>> rows = tidy_frame([{**row, "wave": wave, "region": "a"} for wave in ("1", "2")])
    >>> places = pd.DataFrame({"code": ["a"], "comparable_from": ["2"]})
    >>> mark_broken(rows, places)[["wave", "estimate", "status"]].to_numpy().tolist()
    [['1', nan, 'series_broken'], ['2', 4.0, 'ok']]
    """
    if hierarchy is None or "comparable_from" not in hierarchy:
        return rows
    given = hierarchy.loc[hierarchy["comparable_from"].notna(), ["code", "comparable_from"]].astype("str")
    since = rows["region"].map(dict(zip(given["code"], given["comparable_from"], strict=True))).fillna("")
    hit = (rows["wave"] < since) & rows["status"].isin(MEASURED)
    out = rows.copy()
    out.loc[hit, list(NUMBERS)] = float("nan")
    out.loc[hit, "status"], out.loc[hit, "basis"] = "series_broken", ""
    return out
