"""What is the mean of a place too small for a number of its own?  Numbers that lean on a model, and add up.

Source: a wave's answers and a mixed model of them; the registry's people by organisation and place; design-based means of the
places above. Predictions are weighted to the registry (`poststratified`), moved until they add up to the direct mean above them
(`benchmarked`), and held against a model of the direct means alone (`fay_herriot`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from analysis.methods.benchmark import benchmarked
from analysis.methods.design import label, numeric
from analysis.methods.fay_herriot import fay_herriot
from analysis.methods.lineage import ancestors
from analysis.methods.mixed import MixedFit, NotFittable
from analysis.methods.poststratify import poststratified
from analysis.tidy import ALL, concat, tidy_frame

STATISTICS = ("poststratified", "small_area", "borrowed", "eblup")
COUNT = "people of the cell"  # working column; with blanks, so as not to be a column of a registry
CODE = "place as known"
NUMBERS = ["estimate", "std_error", "conf_low", "conf_high"]


@dataclass(frozen=True, slots=True)
class Tree:
    """The levels of places that small areas stand in; columns of the answers and of the registry alike."""

    group: str | None
    levels: Mapping[str, str]  #: level to its column, coarsest first
    unit: str  #: column of the level whose places are factors of the model

    @property
    def above(self) -> str | None:
        """Column of the level above the unit's; None where there is none."""
        columns = list(self.levels.values())
        at = columns.index(self.unit)
        return columns[at - 1] if at else None

    @property
    def below(self) -> list[str]:
        """Columns of finer levels."""
        columns = list(self.levels.values())
        return columns[columns.index(self.unit) + 1 :]


def registry_cells(
    registry: pd.DataFrame, tree: Tree, region: str, hierarchy: pd.DataFrame | None, count: str, extra: Sequence[str]
) -> pd.DataFrame:
    """The registry's people in each cell of a model: a row a group, place and combination of `extra`, with the places above.

    Rows of places above the unit's level are left out: they cannot be put into any unit.

    Raises
    ------
    ValueError
        For counts that are missing or below zero.
    """
    keys = [c for c in (tree.group, region) if c is not None]
    people = numeric(registry, count)
    if np.isnan(people).any() or (people < 0).any():
        raise ValueError(f"counts in {count!r} of the registry must be numbers of at least zero and never missing")
    lineage = ancestors(registry[region], hierarchy)
    places = {c: lineage[level].to_numpy() for level, c in tree.levels.items() if level in lineage}
    cells = registry[[*keys, *extra]].assign(**places, **{COUNT: people, CODE: finest_known(lineage).to_numpy()})
    cells = cells[cells[tree.unit].notna() & (cells[COUNT] > 0)].drop(columns=region)
    by = [c for c in cells.columns if c != COUNT]
    return cells.groupby(by, dropna=False, observed=True)[COUNT].sum().reset_index()


def finest_known(places: pd.DataFrame) -> pd.Series:
    """The finest place known of each row; columns coarsest first."""
    found = places.iloc[:, -1]
    for k in range(places.shape[1] - 2, -1, -1):
        found = found.where(found.notna(), places.iloc[:, k])
    return found


def small_areas(
    fit: MixedFit,
    answers: pd.DataFrame,
    cells: pd.DataFrame,
    tree: Tree,
    means: pd.DataFrame,
    *,
    minimum: int,
    limits: tuple[float, float],
) -> pd.DataFrame:
    r"""Give the means of places, and of organisations in places, by a model, the registry and the sums above.

    Parameters
    ----------
    fit : MixedFit
        A converged model of the answers.
    answers : DataFrame
        The rows that were fitted.
    cells : DataFrame
        From `registry_cells`.
    tree : Tree
        Levels and groups.
    means : DataFrame
        Tidy table of the wave's direct means, of all, of places and of groups.
    minimum : int
        Answers under which a unit shows the one above it.
    limits : (float, float)
        Ends of the scale.

    Returns
    -------
    DataFrame
        Tidy table without wave, for places of the unit's level and below, and for groups in places of the unit's level:

        - ``poststratified``: the model's prediction weighted to the registry;
        - ``small_area``: the same moved so that places add up to the direct mean of the place above, and places of an organisation
          to the direct mean of the organisation; under `minimum` answers the number of the place (or organisation) above, whose
          code is in `basis`, with its `n`;
        - ``borrowed``: the share of the prediction that is not the unit's own;
        - ``eblup``: for places of the unit's level, by the Fay-Herriot model of the direct means, their variances smoothed.
    """
    tables = [_of_places(fit, answers, cells, tree, means, minimum, limits)]
    if tree.group is not None:
        tables.append(_of_groups(fit, answers, cells, tree, means, minimum, limits))
    return concat([*tables, _by_direct_means(means, cells, tree)])


def _predicted(
    fit: MixedFit, answers: pd.DataFrame, cells: pd.DataFrame, places: str, group: str | None
) -> pd.DataFrame:
    """Predictions of the places of one level, of each group where there is one."""
    named = {"region": places} if group is None else {"group": group, "region": places}
    inside, seen = (
        part[part[places].notna()].assign(**{k: part.loc[part[places].notna(), c] for k, c in named.items()})
        for part in (cells, answers)
    )
    return poststratified(fit, inside, count=COUNT, by=list(named), answers=seen, minimum=0).tidy()


def _of_places(
    fit: MixedFit,
    answers: pd.DataFrame,
    cells: pd.DataFrame,
    tree: Tree,
    means: pd.DataFrame,
    minimum: int,
    limits: tuple[float, float],
) -> pd.DataFrame:
    levels = [tree.unit, *tree.below]
    levels = [c for c in levels if cells[c].notna().any()]
    rows = concat([_predicted(fit, answers, cells, c, None) for c in levels])
    direct = means[(means["group"] == ALL) & (means["status"] == "ok") & (means["n"] >= minimum)].set_index("region")
    above = _above(cells, [tree.above, *levels])
    people = pd.concat([cells.groupby(c, observed=True)[COUNT].sum() for c in levels])
    moved = _moved(rows, above, people, direct["estimate"], limits)
    return concat([rows, _shown(moved, above, direct, minimum)])


def _of_groups(
    fit: MixedFit,
    answers: pd.DataFrame,
    cells: pd.DataFrame,
    tree: Tree,
    means: pd.DataFrame,
    minimum: int,
    limits: tuple[float, float],
) -> pd.DataFrame:
    """Each organisation by itself: its places add up to it."""
    rows = _predicted(fit, answers, cells, tree.unit, tree.group)
    direct = means[
        (means["region"] == ALL) & (means["group"] != ALL) & (means["status"] == "ok") & (means["n"] >= minimum)
    ]
    tables = [rows]
    for group, own in rows.groupby("group", sort=True):
        mine = cells[cells[tree.group].map(label) == group]
        above = {str(place): str(group) for place in mine[tree.unit].dropna().unique()}
        whole = direct[direct["group"] == group].set_index("group")
        moved = _moved(own, above, mine.groupby(tree.unit, observed=True)[COUNT].sum(), whole["estimate"], limits)
        tables.append(_shown(moved, above, whole, minimum))
    return concat(tables)


def _above(cells: pd.DataFrame, levels: Sequence[str | None]) -> dict[str, str]:
    """The place above each place of the second level and below; all places where the first is None."""
    found: dict[str, str] = {}
    for over, under in pairwise(levels):
        pairs = cells[[under]].assign(above=ALL if over is None else cells[over]).dropna().drop_duplicates()
        found |= {str(p): str(a) for p, a in zip(pairs[under], pairs["above"], strict=True)}
    return found


def _moved(
    rows: pd.DataFrame, above: Mapping[str, str], people: pd.Series, targets: pd.Series, limits: tuple[float, float]
) -> pd.DataFrame:
    """Predictions moved to their targets; as they are where nothing above has a direct mean or the ends of the scale forbid it."""
    own = rows[rows["statistic"] == "poststratified"]
    over = {above[p] for p in own["region"] if p in above} - set(own["region"])
    aims = {str(k): float(v) for k, v in targets.items() if k in over}
    asked = partial(benchmarked, own, parents=above, weights=people, bounds=limits, statistic="poststratified")
    try:
        found = asked(targets=aims).tidy() if aims else own
    except NotFittable:
        found = own
    return found[found["statistic"].isin(["benchmarked", "poststratified"])].assign(statistic="small_area", basis="")


def _shown(rows: pd.DataFrame, above: Mapping[str, str], direct: pd.DataFrame, minimum: int) -> pd.DataFrame:
    """Rows with few answers show the number above them, the nearest with enough answers."""
    own = {str(row["region"]): _named(row) for row in rows.to_dict("records")}
    lenders = {
        str(place): _named(row) for place, row in zip(direct.index, direct.to_dict("records"), strict=True)
    } | own
    return tidy_frame([r if r["n"] >= minimum else _lent(r, above, lenders, minimum) for r in own.values()])


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(k): v for k, v in row.items()}


def _lent(
    row: dict[str, Any], above: Mapping[str, str], lenders: Mapping[str, dict[str, Any]], minimum: int
) -> dict[str, Any]:
    place = above.get(row["region"], ALL)
    while place in above and lenders.get(place, {"n": 0})["n"] < minimum:
        place = above[place]
    if place not in lenders:
        return row | dict.fromkeys(NUMBERS, np.nan) | {"status": "not_estimable"}
    return row | {k: lenders[place][k] for k in [*NUMBERS, "n", "n_eff"]} | {"status": "pooled", "basis": place}


def _by_direct_means(means: pd.DataFrame, cells: pd.DataFrame, tree: Tree) -> pd.DataFrame:
    """The Fay-Herriot model; variances are those of one person, pooled over the places, over each place's effective number."""
    places = set(cells[tree.unit].dropna())
    own = means[(means["group"] == ALL) & means["region"].isin(places) & (means["n"] > 0)]
    if own["std_error"].gt(0).sum() < 3:
        return tidy_frame([])
    size = own["n_eff"].where(own["n_eff"] > 0, own["n"])
    told = own["std_error"] > 0
    person = float(np.average((own["std_error"] ** 2 * size)[told], weights=size[told] - 1 + 1e-9))
    frame = own[["region", "estimate", "n"]].assign(variance=person / size)
    found = fay_herriot(
        frame, estimate="estimate", variance="variance", area="region", n="n", term=str(own["term"].iloc[0])
    )
    rows = found.tidy()
    return rows[rows["statistic"] == "eblup"]
