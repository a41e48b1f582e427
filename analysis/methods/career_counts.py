"""How many came to whom, and how often: careers of members counted by wave, organisation and node of the hierarchy.

Source: `careers`, a row a wave, member and organisation. The rows are read once; all that follows works on the counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.counts import KEY, among, keyed, place_people
from analysis.tidy import ALL

ONE = ["wave", "member", "group"]
PLACE = ["wave", "group", "region"]
TIMES = ("times", "squares")
NO_COUNTS = pd.DataFrame({k: pd.Series(dtype="str") for k in KEY})
_ODD = 0x1E3779B97F4A7C15  # spreads small numbers over all bits


def career_counts(careers: pd.DataFrame, columns: Mapping[str, str | None], parents: Mapping[str, str]) -> pd.DataFrame:
    """Count the careers at every place and all above it.

    Parameters
    ----------
    careers : DataFrame
        ``member`` and the named columns; ``count``, the times a member came, may be there. A member who stands more than once
        with an organisation in a wave, at several places, counts once at each and once at what lies above them.
    columns : mapping
        {wave, group, region: column or None}.
    parents : mapping
        From `analysis.methods.counts.parents_of`.

    Returns
    -------
    DataFrame
        ``wave, group, node`` (str), ``people`` (careers, float64) and, with ``count``, ``times`` (their sum) and ``squares`` (the
        sum of their squares), float64.

    Examples
    --------
    >>> came = pd.DataFrame({"member": ["p", "q"], "group": "a", "region": ["x", "y"], "count": [1, 3]})
    >>> columns = {"wave": None, "group": "group", "region": "region"}
    >>> cells = career_counts(came, columns, {"x": "*", "y": "*"}).set_index("node")
    >>> cells.loc["*", ["people", "times", "squares"]].tolist()
    [2.0, 4.0, 10.0]
    """
    timed = "count" in careers
    people = keyed(careers, columns, ["member", *(["count"] if timed else [])])
    again = repeated(people)
    alone = people if not again.any() else people[~again]
    cells = place_people(_added(alone.assign(people=1.0), PLACE, timed), parents, NO_COUNTS)
    if again.any():
        several = place_people(people[again], parents, NO_COUNTS).assign(people=1.0)
        first = {"people": "first"} | ({"count": "sum"} if timed else {})
        once = several.groupby([*ONE, "node"], as_index=False).agg(first)
        cells = pd.concat([cells, _added(once, KEY, timed)])
    return cells.groupby(KEY, as_index=False)[["people", *(TIMES if timed else ())]].sum()


def counted(cells: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Keep the cells of which the registry has a number, of that organisation or of none: a share of it may count only these."""
    there = pd.MultiIndex.from_frame(counts[KEY])
    return cells[among(cells, there) | among(cells.assign(group=ALL), there)]


def _added(rows: pd.DataFrame, keys: list[str], timed: bool) -> pd.DataFrame:
    if timed:
        rows = rows.assign(times=rows["count"].astype("float64"), squares=rows["count"].astype("float64") ** 2)
    return rows.groupby(keys, as_index=False)[["people", *(TIMES if timed else ())]].sum()


def repeated(people: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which rows are of a wave, member and group that stands more than once.

    Rows in order of wave and member, as a panel has them, are compared with their neighbours; others by their hashes: where
    no two are equal no two rows are, and only else are members numbered.
    """
    wave, member = people["wave"].array, people["member"].array
    same = np.asarray(wave[1:] == wave[:-1], bool)
    in_order = np.asarray(wave[1:] > wave[:-1], bool) | (same & np.asarray(member[1:] >= member[:-1], bool))
    if not people["member"].isna().any() and in_order.all():
        close = same & np.asarray(member[1:] == member[:-1], bool)
        if not close.any():
            return np.zeros(len(people), bool)
        near = np.append(close, False) | np.append(False, close)  # members with several rows in a wave
        found = np.zeros(len(people), bool)
        found[near] = people.loc[near, ONE].duplicated(keep=False).to_numpy()
        return found
    unit = pd.factorize(people["wave"])[0] * len(people) + pd.factorize(people["group"])[0]
    hashes = np.fromiter(map(hash, people["member"].tolist()), np.int64, len(people)) ^ (unit * _ODD)
    hashes.sort()
    if not (hashes[1:] == hashes[:-1]).any():
        return np.zeros(len(people), bool)
    codes = [pd.factorize(people[c])[0] for c in ONE]
    key = (codes[0] * (codes[2].max(initial=0) + 1) + codes[2]) * (codes[1].max(initial=0) + 1) + codes[1]
    return pd.Series(key).duplicated(keep=False).to_numpy()
