"""What a factor model is asked, checked, and the rows of each group.

Source: a frame with the items, a row a person, and names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.design import Design, label, numeric
from analysis.methods.factor_fit import Rows
from analysis.methods.factor_model import IDENTIFICATIONS, KINDS, Free, Outline
from analysis.methods.mixed import NotFittable
from analysis.tidy import ALL

Floats = NDArray[np.float64]
MISSING = ("listwise", "fiml")


def prepared(
    items: pd.DataFrame,
    factors: Mapping[str, Sequence[str]],
    group: str | None,
    reference: Any,
    design: Design | None,
    missing: str,
    *,
    equal: Sequence[str] = (),
    free: Sequence[tuple[str, ...]] = (),
    covariances: Sequence[tuple[str, str]] = (),
    identify: str = "marker",
) -> tuple[Outline, dict[str, Rows], int]:
    """Check what a factor model is asked, and split the rows by group, the reference first.

    Returns
    -------
    outline : Outline
    rows : dict of str to Rows
    left_out : int
    """
    design = design or Design()
    _check(items, factors, group, design, missing, equal)
    names = list(dict.fromkeys(i for members in factors.values() for i in members))
    values = np.column_stack([numeric(items, name) for name in names])
    weights = None if design.weights is None else numeric(items, design.weights)
    cluster = None if design.cluster is None else _clusters(items, _first(design.cluster))
    answered = ~np.isnan(values)
    kept = answered.any(axis=1) if missing == "fiml" else answered.all(axis=1)
    if weights is not None:
        if np.isnan(weights).any() or (weights < 0).any():
            raise ValueError("weights must be numbers of at least zero and never missing")
        kept &= weights > 0
    labels = pd.Series(ALL, index=items.index) if group is None else items[group]
    kept &= labels.notna().to_numpy()
    if not kept.any():
        every = "an answer to every item" if missing == "listwise" else "an answer"
        more = ["a group"] * (group is not None) + ["a weight above zero"] * (weights is not None)
        raise NotFittable(f"no row has {' and '.join([every, *more])}: look at these columns, or leave items out")
    told = labels[kept]
    places = (told if told.dtype == "str" else told.map(label)).to_numpy(dtype=str)
    chosen = np.flatnonzero(kept)
    rows = {g: _rows(values, weights, cluster, chosen[places == g]) for g in _order(places, reference)}
    for g, one in rows.items():
        if one.cluster is not None and len(np.unique(one.cluster)) < 2:
            where = "" if g == ALL else f" of group {g!r}"
            raise NotFittable(f"all rows{where} lie in one cluster: errors need two clusters or more, in every group")
    outline = Outline(
        {f: tuple(members) for f, members in factors.items()},
        tuple(rows),
        tuple(equal),
        tuple(_released(one, tuple(rows), names, equal) for one in free),
        tuple(covariances),
        identify,
    )
    _check_outline(outline, names)
    return outline, rows, int(len(items) - kept.sum())


def _rows(values: Floats, weights: Floats | None, cluster: Any, at: NDArray[np.int64]) -> Rows:
    return Rows(values[at], None if weights is None else weights[at], None if cluster is None else cluster[at])


def _clusters(items: pd.DataFrame, column: str) -> NDArray[np.int64]:
    if items[column].isna().any():
        raise ValueError(f"the column {column!r} of clusters has rows without a cluster")
    return np.asarray(pd.factorize(items[column])[0], dtype=np.int64)


def _first(cluster: str | tuple[str, ...]) -> str:
    return cluster if isinstance(cluster, str) else cluster[0]


def _order(places: NDArray[Any], reference: Any) -> list[str]:
    """Groups by name, the reference (or the largest) before the others."""
    names, counts = np.unique(places.astype(str), return_counts=True)
    first = str(names[counts.argmax()]) if reference is None else label(reference)
    if first not in names:
        raise ValueError(f"the reference {first!r} is not a group; they are {list(map(str, names))}")
    return [first, *(str(n) for n in names if n != first)]


def _released(one: tuple[str, ...], groups: tuple[str, ...], items: list[str], equal: Sequence[str]) -> Free:
    if len(one) not in (2, 3) or one[0] not in equal or one[1] not in items or (len(one) == 3 and one[2] not in groups):
        raise ValueError(f"free takes (kind, item) or (kind, item, group) of a kind in equal {list(equal)}; seen {one}")
    return Free(*one)


def _check(
    items: pd.DataFrame,
    factors: Mapping[str, Sequence[str]],
    group: str | None,
    design: Design,
    missing: str,
    equal: Sequence[str],
) -> None:
    if not factors:
        raise ValueError("no factors given; name at least one with its items")
    for factor, members in factors.items():
        if isinstance(members, str) or len(set(members)) < max(len(members), 2):
            raise ValueError(f"factor {factor!r} needs at least two different items, seen {members!r}")
    columns = {i for members in factors.values() for i in members}
    columns |= {c for c in (group, design.weights) if c is not None}
    columns |= set() if design.cluster is None else {_first(design.cluster)}
    absent = sorted(columns - set(items.columns), key=str)
    if absent:
        raise ValueError(f"the frame does not have the columns {absent}")
    if twice := sorted(columns & set(items.columns[items.columns.duplicated()]), key=str):
        raise ValueError(f"the frame has the columns {twice} more than once")
    if missing not in MISSING:
        raise ValueError(f"missing is one of {MISSING}, seen {missing!r}")
    if set(equal) - set(KINDS):
        raise ValueError(f"equal takes {KINDS}, seen {list(equal)}")
    if group is None and equal:
        raise ValueError("equal needs groups: name their column")
    if design != Design(weights=design.weights, cluster=design.cluster):
        raise ValueError(
            "a factor model uses the design's weights and cluster only; leave strata, fpc and the rest out"
        )


def _check_outline(outline: Outline, items: list[str]) -> None:
    if outline.identify not in IDENTIFICATIONS:
        raise ValueError(f"identify is one of {IDENTIFICATIONS}, seen {outline.identify!r}")
    if len({frozenset(pair) for pair in outline.covariances}) < len(outline.covariances):
        raise ValueError(f"covariances names a pair twice: {list(outline.covariances)}")
    for pair in outline.covariances:
        if len(set(pair)) != 2 or set(pair) - set(items):
            raise ValueError(f"covariances are pairs of two items of the factors, seen {pair}")
