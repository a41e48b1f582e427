"""How many of how many: people and registry counts by wave, group and node of the hierarchy, and a share's interval.

Sources: frames with a row a person (answers, careers) and the registry's counts. A node is a place, or ``*`` for the whole;
the whole stands above all places. Keys are text; ``*`` also stands for a key that is missing or not cut by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.design import combinations
from analysis.tidy import ALL

KEY = ["wave", "group", "node"]


def wilson(count: pd.Series, n: pd.Series, conf_level: float = 0.95) -> pd.DataFrame:
    r"""Give shares with Wilson's score interval.

    With :math:`p = x/n` and :math:`z` the normal quantile of the level, the interval is
    :math:`\bigl(p + \tfrac{z^2}{2n} \pm z\sqrt{\tfrac{p(1-p)}{n} + \tfrac{z^2}{4n^2}}\bigr) / \bigl(1 + \tfrac{z^2}{n}\bigr)`
    and the standard error :math:`\sqrt{p(1-p)/n}` (Wilson 1927; Brown, Cai & DasGupta 2001, equation 4). It assumes
    independent draws; it never leaves [0, 1] and has a width where p is 0 or 1.

    Parameters
    ----------
    count : Series of float
        Those who did, 0 to n; a design's effective count (share x effective n) does as well.
    n : Series of float
        Those who might have, on the same index. A missing n, or n = 0, gives missing numbers.
    conf_level : float
        Above 0 and below 1.

    Returns
    -------
    DataFrame
        float64 ``estimate, std_error, conf_low, conf_high`` (shares in [0, 1]), ``n`` and ``n_eff`` (both n), on the index.

    Raises
    ------
    ValueError
        For a level outside (0, 1).

    Examples
    --------
    >>> wilson(pd.Series([8.0]), pd.Series([10.0])).round(4).loc[0, ["estimate", "conf_low", "conf_high"]].tolist()
    [0.8, 0.4902, 0.9433]
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level is a share above 0 and below 1; it is {conf_level}")
    z = NormalDist().inv_cdf((1 + conf_level) / 2)
    n = n.astype("float64").where(n > 0)
    p = count / n
    centre, half = p + z**2 / (2 * n), z * (p * (1 - p) / n + (z / (2 * n)) ** 2).pow(0.5)
    numbers = {
        "estimate": p,
        "std_error": (p * (1 - p) / n).pow(0.5),
        "conf_low": ((centre - half) / (1 + z**2 / n)).clip(lower=0),
        "conf_high": ((centre + half) / (1 + z**2 / n)).clip(upper=1),
    }
    return pd.DataFrame(numbers | {"n": n, "n_eff": n}, index=n.index, dtype="float64")


def given(frame: pd.DataFrame | None) -> pd.DataFrame | None:
    """Give a frame that has rows; None for None and for an empty one, which say the same."""
    return None if frame is None or frame.empty else frame


def require(name: str, frame: pd.DataFrame | None, columns: Sequence[str | None]) -> None:
    """Refuse a frame that lacks columns.

    Parameters
    ----------
    name : str
        What the message calls the frame.
    frame : DataFrame or None
        None lacks nothing.
    columns : sequence of str or None
        Names that must be there; None: not cut by, nothing needed.

    Raises
    ------
    ValueError
        That names the columns missing and those needed.
    """
    needed = [c for c in columns if c is not None]
    absent = [] if frame is None else [c for c in needed if c not in frame.columns]
    if absent:
        raise ValueError(f"the {name} frame lacks the columns {absent}; it needs {needed}")


def keyed(frame: pd.DataFrame, columns: Mapping[str, str | None], kept: Sequence[str] = ()) -> pd.DataFrame:
    """Give key columns under names of their own as text.

    Parameters
    ----------
    frame : DataFrame
        With the columns named.
    columns : mapping
        {key: column of the frame, or None: not cut by}.
    kept : sequence of str
        Further columns to keep as they are.

    Returns
    -------
    DataFrame
        The keys (dtype str; ``*`` where the value is missing or the key is not cut by) and the columns kept; index 0...

    Examples
    --------
    >>> keyed(pd.DataFrame({"org": ["a", None]}), {"group": "org", "region": None}).to_numpy().tolist()
    [['a', '*'], ['*', '*']]
    """
    rows = frame.reset_index(drop=True)
    whole = pd.Series(ALL, index=rows.index, dtype="str")
    keys = {k: whole if c is None else rows[c].astype("str").fillna(ALL) for k, c in columns.items()}
    return pd.DataFrame(keys, index=rows.index).assign(**{c: rows[c] for c in kept})


def parents_of(hierarchy: pd.DataFrame | None, region: str | None) -> dict[str, str]:
    """Give the parent of each place, ``*`` at the top.

    Parameters
    ----------
    hierarchy : DataFrame or None
        ``code, parent``; a parent that is missing or no code of the frame stands for the top. None: no places.
    region : str or None
        The column that names places; None: not cut by places.

    Raises
    ------
    ValueError
        For a place that is its own ancestor, and for a hierarchy without region: a registry that is added up without its
        places would count a place and those below it twice.
    """
    if hierarchy is None:
        return {}
    if region is None:
        raise ValueError("a hierarchy changes nothing without region: name the column of places, or leave both out")
    above = hierarchy["parent"].where(hierarchy["parent"].isin(set(hierarchy["code"])), ALL)
    parents = {str(c): str(p) for c, p in zip(hierarchy["code"], above, strict=True)}
    for code in parents:
        path_up(code, parents)
    return parents


def levels_of(hierarchy: pd.DataFrame | None, parents: Mapping[str, str]) -> dict[str, str]:
    """Give the level of each place: the hierarchy's column ``level``, else the number of places from the top; empty for None."""
    if hierarchy is None:
        return {}
    codes = hierarchy["code"].astype("str")
    level = hierarchy["level"] if "level" in hierarchy else codes.map({c: len(path_up(c, parents)) - 1 for c in codes})
    return dict(zip(codes, level.astype("str"), strict=True))


def path_up(place: str, parents: Mapping[str, str]) -> list[str]:
    """Give a place and all above it, ``*`` last; a place without parent stands right below ``*``.

    Raises
    ------
    ValueError
        For a place that is its own ancestor.
    """
    path = [place]
    while path[-1] != ALL:
        path.append(parents.get(path[-1], ALL))
        if len(path) > len(parents) + 2:
            raise ValueError(f"the place {place} is its own ancestor: mend the hierarchy's parents")
    return path


def roll_up(registry: pd.DataFrame | None, count: str, parents: Mapping[str, str]) -> pd.DataFrame:
    """Give the registry's count of each wave, group and node: its own row, else the sum right below it.

    Parameters
    ----------
    registry : DataFrame or None
        ``wave, group, region`` as `keyed` gives them, and the count; rows of one key are added, a missing count is no row.
    count : str
        Its column; any unit that adds up.
    parents : mapping
        From `parents_of`.

    Returns
    -------
    DataFrame
        ``wave, group, node`` and the count (float64), sorted, one row a key that has a number; empty for None.

    Examples
    --------
    >>> rows = pd.DataFrame({"wave": "1", "group": "a", "region": ["x", "y"], "members": [3, 4]})
    >>> roll_up(rows, "members", {"x": "p", "y": "p", "p": "*"})[["node", "members"]].to_numpy().tolist()
    [['*', 7.0], ['p', 7.0], ['x', 3.0], ['y', 4.0]]
    """
    rows = (
        pd.DataFrame(columns=["wave", "group", "region", count])
        if registry is None
        else registry.dropna(subset=[count])
    )
    places = sorted({*parents, *rows["region"].unique(), ALL})
    heads = pd.MultiIndex.from_frame(rows[["wave", "group"]].drop_duplicates().sort_values(["wave", "group"]))
    at = pd.Index(places).get_indexer(rows["region"])
    head = heads.get_indexer(pd.MultiIndex.from_frame(rows[["wave", "group"]]))
    own, there = np.zeros((len(places), len(heads))), np.zeros((len(places), len(heads)), bool)
    np.add.at(own, (at, head), rows[count].to_numpy(dtype="float64"))
    there[at, head] = True
    known, has = _added_up(own, there, places, parents)
    place, head = np.nonzero(has)
    keys = {
        "wave": heads.get_level_values(0)[head],
        "group": heads.get_level_values(1)[head],
        "node": np.array(places)[place],
    }
    cells = pd.DataFrame({**keys, count: known[place, head]}).astype(dict.fromkeys(KEY, "str") | {count: "float64"})
    return cells.sort_values(KEY, ignore_index=True)


def _added_up(
    own: NDArray[np.float64], there: NDArray[np.bool_], places: Sequence[str], parents: Mapping[str, str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Add places up to the one above wherever that has no number of its own, the deepest first."""
    known, has = own.copy(), there.copy()
    position = {place: k for k, place in enumerate(places)}
    above = np.array([position[parents.get(place, ALL)] for place in places])
    depth = np.array([len(path_up(place, parents)) for place in places])
    for level in range(int(depth.max()), 1, -1):
        below = np.flatnonzero(depth == level)
        adds = has[below] & ~there[above[below]]
        np.add.at(known, above[below], np.where(adds, known[below], 0.0))
        np.logical_or.at(has, above[below], adds)
    return known, has


def place_people(people: pd.DataFrame, parents: Mapping[str, str], counts: pd.DataFrame) -> pd.DataFrame:
    """Repeat each person's row at its place and at all above it, and say where the registry counts such people.

    Parameters
    ----------
    people : DataFrame
        ``wave, group, region`` as `keyed` gives them, and any other columns.
    parents : mapping
        From `parents_of`.
    counts : DataFrame
        From `roll_up`; may be empty.

    Returns
    -------
    DataFrame
        The rows with ``node`` and ``counted`` (bool): the registry has a number for the wave and node, of that group or
        of no group. A share of the registry's number may count only these.
    """
    paths = [(place, node) for place in people["region"].unique() for node in path_up(place, parents)]
    placed = people.merge(pd.DataFrame(paths, columns=["region", "node"], dtype="str"), on="region")
    there = pd.MultiIndex.from_frame(counts[KEY])
    return placed.assign(counted=among(placed, there) | among(placed.assign(group=ALL), there))


def of_cut(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Keep the rows of one cut: places of every level with ``node`` in it, else the whole; named groups with ``group``."""
    rows = rows[rows["node"] != ALL] if "node" in by else rows[rows["node"] == ALL]
    return rows[rows["group"] != ALL] if "group" in by else rows


def silent_groups(observed: pd.DataFrame | None, wave: str | None, seen: pd.DataFrame) -> pd.MultiIndex:
    """Name the waves and groups whose log is not there: not observed, or observed as not reporting.

    Parameters
    ----------
    observed : DataFrame or None
        ``organisation, reported`` (bool) and the wave's column. None: all reported.
    wave : str or None
        Column of `observed`.
    seen : DataFrame
        ``wave, group`` as `keyed` gives them, of all people and counts.

    Returns
    -------
    MultiIndex
        ``wave, group``. Group ``*`` (a registry that is not cut by group) is silent only where nobody reported in its wave.
    """
    pairs = pd.MultiIndex.from_frame(seen[["wave", "group"]].drop_duplicates())
    if observed is None:
        return pairs[:0]
    keys = keyed(observed, {"wave": wave, "group": "organisation"}, ["reported"])
    reported = keys.pop("reported").astype(bool)
    heard = pd.MultiIndex.from_frame(keys[reported])
    any_group = pd.MultiIndex.from_product([heard.unique("wave"), [ALL]], names=["wave", "group"])
    return pairs.union(pd.MultiIndex.from_frame(keys)).difference(heard.union(any_group))


def among(frame: pd.DataFrame, keys: pd.MultiIndex) -> pd.Series:
    """Say of each row whether its values, in the columns that the keys are named by, are one of the keys; a missing one is none."""
    names = [str(n) for n in keys.names]
    if frame.empty:
        return pd.Series(False, index=frame.index)
    cell, cells = cells_of(frame, names)
    found = np.append(pd.MultiIndex.from_frame(cells).isin(keys), False)  # of a row with a missing value: -1, the last
    return pd.Series(found[cell], index=frame.index)


def cells_of(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[NDArray[np.int64], pd.DataFrame]:
    """Number the combinations of values that occur.

    Returns
    -------
    numbers : (rows,) int64
        In sorted order of the values; -1 where one is missing.
    cells : DataFrame
        Row k has the values of number k; the columns named.

    Examples
    --------
    >>> numbers, cells = cells_of(pd.DataFrame({"a": ["y", "x", "y"], "b": 1}), ["a", "b"])
    >>> numbers.tolist(), cells["a"].tolist()
    ([1, 0, 1], ['x', 'y'])
    """
    numbers = combinations(frame, columns)
    whole = np.flatnonzero(numbers >= 0)[::-1]
    first = np.zeros(int(numbers.max(initial=-1)) + 1, np.int64)
    first[numbers[whole]] = whole
    return numbers, frame[list(columns)].iloc[first].reset_index(drop=True)
