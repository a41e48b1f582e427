"""How many came to whom, and how often: careers of members counted by wave, organisation and node of the hierarchy.

Source: `careers`, a row a wave, member and organisation. The rows are read once; all that follows works on the counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.counts import KEY, among, cells_of, keyed, path_up, place_people
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
    cells = place_people(_added(alone, PLACE, timed), parents, NO_COUNTS)
    if again.any():
        several = place_people(people[again], parents, NO_COUNTS)
        sums = {"count": "sum"} if timed else {"counted": "first"}
        once = several.groupby([*ONE, "node"], as_index=False).agg(sums)
        cells = pd.concat([cells, _added(once, KEY, timed)])
    return cells.groupby(KEY, as_index=False)[["people", *(TIMES if timed else ())]].sum()


def added_up(people: pd.DataFrame, keys: Sequence[str], values: Sequence[str]) -> pd.DataFrame:
    """Add up columns of careers by cell, so that what follows works on the cells.

    Parameters
    ----------
    people : DataFrame
        A row a career; no key is missing.
    keys, values : sequence of str
        Columns; values are bool or numbers, a missing one counts 0.

    Returns
    -------
    DataFrame
        The keys, ``careers`` (their number) and the sums, float64, a row a cell.

    Examples
    --------
    >>> added_up(pd.DataFrame({"group": ["a", "b", "a"], "new": [True, True, False]}), ["group"], ["new"]).to_numpy().tolist()
    [['a', 2.0, 1.0], ['b', 1.0, 1.0]]
    """
    number, cells = cells_of(people, keys)
    sums = {v: np.bincount(number, people[v].fillna(0).to_numpy("float64"), len(cells)) for v in values}
    return cells.assign(careers=np.bincount(number, minlength=len(cells)).astype("float64"), **sums)


def distinct_members(people: pd.DataFrame, by: Sequence[str], parents: Mapping[str, str]) -> pd.DataFrame:
    """Count the distinct members of every cell of a cut, those of several organisations or places once.

    Parameters
    ----------
    people : DataFrame
        ``member`` and the columns of `by`, with ``region`` for ``node``; rows in which one is missing count nowhere.
    by : sequence of str
        ``node``: every place, what lies above it, and ``*``.
    parents : mapping
        From `analysis.methods.counts.parents_of`.

    Returns
    -------
    DataFrame
        `by` and ``people`` (float64).

    Examples
    --------
    >>> came = pd.DataFrame({"wave": "1", "member": ["p", "p", "q"], "region": ["x", "y", "x"]})
    >>> found = distinct_members(came, ["wave", "node"], {"x": "z", "y": "z", "z": "*"})
    >>> found.set_index("node")["people"].to_dict()
    {'*': 2.0, 'x': 2.0, 'y': 1.0, 'z': 2.0}
    """
    flat = [c for c in by if c != "node"]
    number, cells = cells_of(people, flat)
    member, members = pd.factorize(people["member"])
    if "node" not in by:
        n = _once(np.where((number < 0) | (member < 0), -1, number), member, len(members), len(cells))
        return cells.assign(people=n).query("people > 0").reset_index(drop=True)
    place, places = pd.factorize(people["region"])
    paths = [path_up(p, parents)[::-1] for p in places]
    nodes = {node: k for k, node in enumerate(sorted({node for path in paths for node in path}))}
    tables = [cells[:0].assign(node="", people=0.0)]
    for depth in range(max(map(len, paths), default=0)):
        at = np.array([nodes[path[depth]] if depth < len(path) else -1 for path in paths], np.int64)[place]
        lost = (at < 0) | (number < 0) | (member < 0) | (place < 0)
        n = _once(np.where(lost, -1, number * len(nodes) + at), member, len(members), len(cells) * len(nodes))
        seen = np.flatnonzero(n)
        found = cells.iloc[seen // len(nodes)].reset_index(drop=True)
        tables.append(found.assign(node=np.array(list(nodes), object)[seen % len(nodes)], people=n[seen]))
    found = pd.concat(tables, ignore_index=True).astype({"node": "str"})[[*by, "people"]]
    return found.sort_values(list(by), ignore_index=True)


def _once(cell: NDArray[np.int64], member: NDArray[np.int64], members: int, cells: int) -> NDArray[np.float64]:
    pairs = pd.unique((cell * members + member)[cell >= 0])
    return np.bincount(pairs // max(members, 1), minlength=cells).astype("float64")


def counted(cells: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Keep the cells of which the registry has a number, of that organisation or of none: a share of it may count only these."""
    there = pd.MultiIndex.from_frame(counts[KEY])
    return cells[among(cells, there) | among(cells.assign(group=ALL), there)]


def _added(rows: pd.DataFrame, keys: list[str], timed: bool) -> pd.DataFrame:
    if timed:
        rows = rows.assign(times=rows["count"].astype("float64"), squares=rows["count"].astype("float64") ** 2)
    return added_up(rows, keys, TIMES if timed else ()).rename(columns={"careers": "people"})


def repeated(people: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which rows are of a wave, member and group that stands more than once.

    Rows in order of wave, member and group, as a panel has them, are compared with their neighbours; others by their hashes: where
    no two are equal no two rows are, and only else are members numbered.
    """
    wave, member = people["wave"].array, people["member"].array
    same = np.asarray(wave[1:] == wave[:-1], bool)
    in_order = np.asarray(wave[1:] > wave[:-1], bool) | (same & np.asarray(member[1:] >= member[:-1], bool))
    if not people["member"].isna().any() and in_order.all():
        close = same & np.asarray(member[1:] == member[:-1], bool)
        after = np.asarray(people["group"].array[1:] > people["group"].array[:-1], bool)
        if not (close & ~after).any():
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
