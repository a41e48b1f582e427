"""From a region's code up its tree: which place of each level holds it.

Source: the hierarchy of regions, ``code, parent, level``.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.methods.design import label


def ancestors(codes: pd.Series, hierarchy: pd.DataFrame | None) -> pd.DataFrame:
    """Give each code its ancestor at every level, or the code itself.

    Parameters
    ----------
    codes : Series
        Region codes; missing ones have no ancestors.
    hierarchy : DataFrame or None
        ``code, parent, level``, one row a code. None: the codes are one level.

    Returns
    -------
    DataFrame
        A column a level that occurs, coarsest first, on the index of `codes`.

    Raises
    ------
    ValueError
        For a code twice, unknown codes, or a loop.
    """
    text = codes.map(label, na_action="ignore").astype(object)
    if hierarchy is None:
        return pd.DataFrame({"region": text})
    known = [label(c) for c in hierarchy["code"]]
    if len(set(known)) < len(known):
        raise ValueError("the hierarchy has a code twice; give one row a code, valid for these waves")
    parent = {c: label(p) for c, p in zip(known, hierarchy["parent"], strict=True) if not pd.isna(p)}
    level = dict(zip(known, hierarchy["level"].astype(str), strict=True))
    chains = {c: _chain(c, parent) for c in text.dropna().unique()}
    unknown = sorted(c for c in chains if c not in level)
    if unknown:
        raise ValueError(f"{len(unknown)} region codes are not in the hierarchy, the first is {unknown[0]!r}")
    depth: dict[str, int] = {}
    for chain in chains.values():
        depth |= {level[c]: max(depth.get(level[c], 0), k) for k, c in enumerate(reversed(chain)) if c in level}
    at = {c: {level[a]: a for a in chain if a in level} for c, chain in chains.items()}
    return pd.DataFrame(
        {k: text.map({c: a.get(k) for c, a in at.items()}) for k in sorted(depth, key=lambda d: depth[d])}
    )


def _chain(code: str, parent: Mapping[str, str]) -> list[str]:
    """The code and its ancestors, nearest first."""
    chain = [code]
    while chain[-1] in parent and parent[chain[-1]] != chain[-1]:
        chain.append(parent[chain[-1]])
        if len(chain) > 20:
            raise ValueError(f"the hierarchy goes round in a loop above {code!r}")
    return chain


def every_cut(
    frame: pd.DataFrame, *, group: str | None, region: str | None, wave: str | None, hierarchy: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """Lay out the cuts of a report: all, group, region of every level, group x region; each by wave where there are waves.

    Parameters
    ----------
    frame : DataFrame
        A row a person, with the columns named.
    group, region, wave : str or None
        Column names; None: not cut by it.
    hierarchy : DataFrame or None
        As for `ancestors`.

    Returns
    -------
    DataFrame
        The frame with a column a level of places.
    list of dict
        Of each cut {key of a tidy table: column}, as `analysis.estimates` takes it; all together first.

    Examples
    --------
    >>> rows = pd.DataFrame({"org": ["a"], "town": ["x"]})
    >>> len(every_cut(rows, group="org", region="town", wave=None, hierarchy=None)[1])
    4
    """
    levels = pd.DataFrame(index=frame.index) if region is None else ancestors(frame[region], hierarchy)
    columns = {level: f"level of place: {level}" for level in levels.columns}
    placed = frame.assign(**{column: levels[level] for level, column in columns.items()})
    when = {} if wave is None else {"wave": wave}
    groups: list[dict[str, str]] = [{}] if group is None else [{}, {"group": group}]
    regions: list[dict[str, str]] = [{}, *({"region": column} for column in columns.values())]
    return placed, [when | g | r for r in regions for g in groups]
