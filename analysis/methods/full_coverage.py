"""Of the places there are, how many have an organisation, and how many a venue: the two full coverages, level by level.

Sources: the registry's counts and the hierarchy, which says what places there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.methods.counts import keyed, levels_of, path_up, roll_up, wilson
from analysis.tidy import ALL, domain_key

FULL = {"established": ("established", "organisation_full"), "venues": ("venues", "venue_full")}


def full_coverage(
    registry: pd.DataFrame,
    columns: Mapping[str, str | None],
    parents: Mapping[str, str],
    hierarchy: pd.DataFrame | None,
    by: Sequence[str],
) -> pd.DataFrame:
    r"""Give the share of the places of each level that have at least one established organisation, or venue.

    =========== ================= ==========================================================================================
    term        statistic         estimate
    =========== ================= ==========================================================================================
    established organisation_full places of the level with an established organisation / places of the level
    venues      venue_full        places of the level with a venue / places of the level
    =========== ================= ==========================================================================================

    Parameters
    ----------
    registry : DataFrame
        The named columns, and ``established``, ``venues`` or both. A place's number is its own row, else the sum right below it.
    columns : mapping
        {wave, group, region: column or None}.
    parents : mapping
        From `analysis.methods.counts.parents_of`.
    hierarchy : DataFrame or None
        ``code, parent``; ``level`` (else levels are called by their depth) and ``valid_to`` (a place with a day there is
        no place any more). None: no rows.
    by : sequence of str
        ``group``: of each organisation, else of any; ``region``: in each place above the level, else everywhere.

    Returns
    -------
    DataFrame
        Rows with ``domain`` ``level=...``, Wilson's interval, n = places. A level is there where a row of the wave reaches it or
        a place below it, and where it has two places or more. A place without a row is one without; an organisation whose rows
        do not reach a level is ``not_asked`` there.

    Examples
    --------
    >>> tree = pd.DataFrame({"code": ["x", "y"], "parent": "", "level": "village"})
    >>> rows = pd.DataFrame({"group": ["a"], "region": ["x"], "venues": [2.0]})
    >>> columns = {"wave": None, "group": "group", "region": "region"}
    >>> full_coverage(rows, columns, {"x": "*", "y": "*"}, tree, ())[["domain", "statistic", "estimate", "n"]].to_numpy().tolist()
    [['level=village', 'venue_full', 0.5, 2.0]]
    """
    tables: list[pd.DataFrame] = []
    places = pd.DataFrame() if hierarchy is None else _places(hierarchy, parents)
    for count, names in FULL.items():
        if count in registry and len(places):
            rows = keyed(registry, columns, [count]).dropna(subset=[count])
            tables += [_of_count(rows, count, parents, places, by).assign(term=names[0], statistic=names[1])]
    return pd.concat([t for t in tables if len(t)], ignore_index=True) if any(map(len, tables)) else pd.DataFrame()


def _places(hierarchy: pd.DataFrame, parents: Mapping[str, str]) -> pd.DataFrame:
    """The places there are: ``node, level``, without levels of one place."""
    codes = hierarchy["code"].astype("str")
    places = pd.DataFrame({"node": codes, "level": codes.map(levels_of(hierarchy, parents)).astype("str")})
    if "valid_to" in hierarchy:
        ended = hierarchy["valid_to"].notna() & (hierarchy["valid_to"].astype("str") != "")
        places = places[~ended]
    places = places.drop_duplicates("node")
    return places[places.groupby("level")["node"].transform("size") > 1].reset_index(drop=True)


def _of_count(
    rows: pd.DataFrame, count: str, parents: Mapping[str, str], places: pd.DataFrame, by: Sequence[str]
) -> pd.DataFrame:
    level = dict(zip(places["node"], places["level"], strict=True))
    units = _reached_levels(rows, parents, level, "group" in by)
    if units.empty:
        return units
    asked = units.merge(places, on="level")
    there = roll_up(rows, count, parents)
    there = there[there[count] > 0].rename(columns={count: "has"}).assign(has=1.0)
    if "group" not in by:
        there = there.drop_duplicates(["wave", "node"]).assign(group=ALL)
    asked = asked.merge(there, on=["wave", "group", "node"], how="left").fillna({"has": 0.0})
    asked.loc[~asked["reached"], "has"] = np.nan
    keys = ["wave", "group", "level"]
    if "region" in by:
        above = [(node, up) for node in places["node"] for up in path_up(node, parents)[1:-1]]
        asked, keys = (
            asked.merge(pd.DataFrame(above, columns=["node", "region"], dtype="str"), on="node"),
            [*keys, "region"],
        )
    cells = asked.groupby([*keys, "reached"], as_index=False).agg(has=("has", "sum"), n=("has", "size"))
    numbers = wilson(cells["has"], cells["n"]).where(cells["reached"])
    status = np.where(cells["reached"], "ok", "not_asked")
    domain = [domain_key({"level": one}) for one in cells["level"]]
    return cells[[k for k in keys if k != "level"]].assign(domain=domain, status=status).join(numbers)


def _reached_levels(
    rows: pd.DataFrame, parents: Mapping[str, str], level: Mapping[str, str], each_group: bool
) -> pd.DataFrame:
    """The levels of each wave that rows reach, with every group, or all as one, and whether its own rows reach it."""
    regions = rows["region"].unique()
    reach = [(code, level[up]) for code in regions for up in path_up(code, parents) if up in level]
    pairs = (
        rows[["wave", "group", "region"]]
        .drop_duplicates()
        .merge(pd.DataFrame(reach, columns=["region", "level"], dtype="str"), on="region")
    )
    if not each_group:
        return pairs[["wave", "level"]].drop_duplicates().assign(group=ALL, reached=True)
    own = pairs.loc[pairs["group"] != ALL, ["wave", "group", "level"]].drop_duplicates().assign(reached=True)
    every = (
        pairs[["wave", "level"]]
        .drop_duplicates()
        .merge(rows.loc[rows["group"] != ALL, ["wave", "group"]].drop_duplicates(), on="wave")
    )
    both = every.merge(own, on=["wave", "group", "level"], how="left")
    return both.assign(reached=both["reached"].notna())
