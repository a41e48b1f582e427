"""Who is missing among those who answered, and how far that could mislead.

Sources: the answers of the panel with their weights, and the registry's counts of members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.methods.counts import given, keyed, of_cut, parents_of, path_up, place_people, require, roll_up
from analysis.methods.series import mark_broken
from analysis.tidy import tidy_frame

TERM = "balance"
SHARES = {"share_registry": "members", "share_answers": "people", "share_weighted": "weight"}
Limits = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Missing:
    """Shares, or bounds.

    Attributes
    ----------
    rows : DataFrame
        Tidy table, statistics as the verb says.
    """

    rows: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        return f"Missing({len(self.rows)} rows; status {self.rows['status'].value_counts().to_dict()})"


def balance(
    members: pd.DataFrame,
    registry: pd.DataFrame | None,
    *,
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    weights: str,
) -> Missing:
    r"""Hold the make-up of the answers, before and after weighting, against that of the members.

    ============== ==================================================== ============================
    statistic      estimate                                             n
    ============== ==================================================== ============================
    share_registry members of the unit / all members                    members that are counted
    share_answers  answers from it / all answers                        answers of the wave
    share_weighted weights of them / all weights                        answers of the wave
    r_indicator    :math:`1 - 2 S(\rho)`: 1 where all answered alike    answers of the wave
    ============== ==================================================== ============================

    with :math:`S(\rho)` the spread of the response rates over members, between cells of the registry (group by the highest
    level with several places), their sampling variance taken off (Schouten, Cobben & Bethlehem 2009).

    Parameters
    ----------
    members : DataFrame
        One row an answer, with the columns named; a missing group or region is of no unit.
    registry : DataFrame or None
        As for `analysis.response`; without a number for a unit, its share of the members is ``not_asked``.
    group, region, wave : str or None
        Column names; None: not cut by it.
    hierarchy : DataFrame or None
        As for `analysis.response`.
    weights : str
        Column of weights, 0 or more, none missing.

    Returns
    -------
    Missing
        Term ``balance``, by wave and group, and by wave and region at every level; r_indicator by wave. Errors are missing: the
        shares are counts.

    Raises
    ------
    ValueError
        For missing columns or weights.

    Examples
    --------
    >>> answers = pd.DataFrame({"wave": "1", "group": ["a", "a", "a", "b"], "w": [1.0, 1.0, 1.0, 3.0]})
    >>> counts = pd.DataFrame({"wave": "1", "group": ["a", "b"], "members": [50, 50]})
    >>> fit = balance(answers, counts, group="group", region=None, wave="wave", hierarchy=None, weights="w")
    >>> fit.tidy().query("group == 'b'").set_index("statistic")["estimate"].to_dict()
    {'share_registry': 0.5, 'share_answers': 0.25, 'share_weighted': 0.5}
    """
    columns = {"wave": wave, "group": group, "region": region}
    registry = given(registry)
    require("members", members, [*columns.values(), weights])
    require("registry", registry, ["members", *columns.values()])
    _check_weights(members, weights)
    parents = parents_of(hierarchy, region)
    answers = keyed(members, columns, [weights]).rename(columns={weights: "weight"}).assign(people=1.0)
    counts = roll_up(None if registry is None else keyed(registry, columns, ["members"]), "members", parents)
    counts = counts[counts["wave"].isin(answers["wave"].unique())]
    placed = place_people(answers, parents, counts)
    whole = answers.groupby("wave")[["weight", "people"]].sum().join(_of_waves(counts))
    tables = [
        _shares(placed, counts, whole, key)
        for key, column in (("group", group), ("node", region))
        if column is not None
    ]
    rates = _rates(placed, counts, parents)
    tables.append(pd.DataFrame([_evenness(str(name), rates, int(n)) for name, n in whole["people"].items()]))
    return Missing(mark_broken(tidy_frame(pd.concat(tables, ignore_index=True)), hierarchy))


def _check_weights(members: pd.DataFrame, weights: str) -> None:
    if not pd.api.types.is_numeric_dtype(members[weights]):
        raise ValueError(f"weights must be numbers; {weights} holds {members[weights].dtype}")
    if wrong := int((~(members[weights] >= 0)).sum()):
        raise ValueError(f"weights are missing or below 0 in {wrong} rows: mend {weights}")


def _evenness(wave: str, rates: pd.DataFrame, answers: int) -> dict[str, object]:
    spread = _spread(rates[rates["wave"] == wave])
    status = "not_asked" if np.isnan(spread) else "ok"
    keys = {"wave": wave, "term": TERM, "statistic": "r_indicator"}
    return {**keys, "estimate": 1 - 2 * spread, "n": answers, "status": status}


def _of_waves(counts: pd.DataFrame) -> pd.DataFrame:
    """Give all members of each wave."""
    return of_cut(counts, ["wave"]).groupby("wave")[["members"]].sum()


def _shares(placed: pd.DataFrame, counts: pd.DataFrame, whole: pd.DataFrame, key: str) -> pd.DataFrame:
    by = ["wave", key]
    units = of_cut(placed, by).groupby(by)[["people", "weight"]].sum()
    units = units.join(of_cut(counts, by).groupby(by)[["members"]].sum(), how="outer").reset_index()
    units[["people", "weight"]] = units[["people", "weight"]].fillna(0.0)
    all_of = whole.reindex(units["wave"]).reset_index(drop=True)
    keys = units[by].rename(columns={"node": "region"}).assign(term=TERM)
    parts = []
    for statistic, column in SHARES.items():
        part = keys.assign(statistic=statistic, estimate=units[column] / all_of[column])
        part["n"] = all_of["members" if column == "members" else "people"]
        parts.append(part.assign(status=np.where(part["estimate"].isna(), "not_asked", "ok")))
    return pd.concat(parts)


def nonresponse_bias(
    members: pd.DataFrame,
    registry: pd.DataFrame | None,
    *,
    variables: Sequence[str],
    limits: Limits,
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
) -> Missing:
    r"""Say how far those who did not answer could move a mean.

    ============== ===================================================================================================
    statistic      estimate
    ============== ===================================================================================================
    mean_lowest    :math:`r \bar y + (1 - r) L`: all who did not answer stand at the lowest end (Manski 1989)
    mean_highest   :math:`r \bar y + (1 - r) U`: at the highest
    bias_at_most   :math:`S(\rho) S(y) / \bar\rho`: largest bias of the unweighted mean, had the chance to answer differed
                   within cells of the registry as little as the rates between them tell (Schouten, Cobben & Bethlehem 2009)
    ============== ===================================================================================================

    with r the share of members who answered the question, :math:`\bar y` their plain mean, :math:`\rho` the rates of
    the registry's cells as in `balance`.

    Parameters
    ----------
    members, registry, group, region, wave, hierarchy
        As for `balance`.
    variables : sequence of str
        Columns of numbers.
    limits : mapping
        {variable: (lowest, highest) possible}.

    Returns
    -------
    Missing
        By wave; ``n`` is answers with a value. A wave without registry is ``not_asked``; one that
        counts fewer members than answered is ``not_estimable``.

    Raises
    ------
    ValueError
        For missing columns, and a variable without limits or outside them.

    Notes
    -----
    Everyone the registry counts is taken to have been asked. The first two hold whatever the others think, and are wide; the
    third holds only as far as the registry's cells tell who answers.

    Examples
    --------
    >>> answers = pd.DataFrame({"wave": "1", "group": ["a", "a", "b", "b"], "y": [4.0, 5.0, 3.0, 4.0]})
    >>> counts = pd.DataFrame({"wave": "1", "group": ["a", "b"], "members": [4, 4]})
    >>> asked = {"group": "group", "region": None, "wave": "wave", "hierarchy": None}
    >>> fit = nonresponse_bias(answers, counts, variables=["y"], limits={"y": (1, 5)}, **asked)
    >>> fit.tidy().set_index("statistic")["estimate"].to_dict()
    {'mean_lowest': 2.5, 'mean_highest': 4.5, 'bias_at_most': 0.0}
    """
    columns = {"wave": wave, "group": group, "region": region}
    registry = given(registry)
    require("members", members, [*columns.values(), *variables])
    require("registry", registry, ["members", *columns.values()])
    if unlimited := [v for v in variables if v not in limits]:
        raise ValueError(f"limits= must give the lowest and highest value of each variable; absent: {unlimited}")
    parents = parents_of(hierarchy, region)
    counts = roll_up(None if registry is None else keyed(registry, columns, ["members"]), "members", parents)
    answers = keyed(members, columns, variables)
    whole = _of_waves(counts)["members"]
    rates = _rates(place_people(answers, parents, counts), counts, parents)
    rows = []
    for name, here in answers.groupby("wave", sort=True):
        known, cells = float(whole.get(name, np.nan)), rates[rates["wave"] == name]
        spread = _spread(cells)
        status = "not_asked" if np.isnan(known) else "not_estimable" if known < len(here) else "ok"
        for variable in variables:
            rows += _bounds(str(name), variable, here[[variable]], limits[variable], known, spread, status)
    table = pd.DataFrame(rows)
    if len(table):
        table.loc[table["status"] != "ok", "estimate"] = np.nan
    return Missing(tidy_frame(table))


def _rates(placed: pd.DataFrame, counts: pd.DataFrame, parents: Mapping[str, str]) -> pd.DataFrame:
    """Members and answers of each cell: group by the highest level that has several places."""
    depth = {node: len(path_up(node, parents)) for node in counts["node"].unique()}
    level = counts["node"].map(depth).astype("int64")
    many = counts.groupby(level)["node"].nunique()
    chosen = counts[level == (many[many > 1].index.min() if (many > 1).any() else level.min())]
    key = ["wave", "group", "node"]
    answered = placed.groupby(key).size().rename("answers")
    return chosen.merge(answered.reset_index(), on=key, how="left").fillna({"answers": 0.0})


def _spread(cells: pd.DataFrame) -> float:
    """Standard deviation of the cells' rates over members, their sampling variance taken off."""
    size = cells["members"].to_numpy(dtype=np.float64)
    use = size > 0
    size = size[use]
    if not len(size):
        return float("nan")
    rate = np.minimum(cells["answers"].to_numpy(dtype=np.float64)[use] / size, 1.0)
    mean = (size * rate).sum() / size.sum()
    share = size / size.sum()
    # of a rate about the mean of all, which has a part of the cell in it
    chance = (share * (1 - share) * rate * (1 - rate) / np.maximum(size - 1, 1)).sum()
    return float(np.sqrt(max((size * (rate - mean) ** 2).sum() / size.sum() - chance, 0.0)))


def _bounds(
    wave: str, variable: str, here: pd.DataFrame, limits: tuple[float, float], known: float, spread: float, status: str
) -> list[dict[str, object]]:
    y = here[variable].dropna().to_numpy(dtype=np.float64)
    if len(y) and not (limits[0] <= y.min() and y.max() <= limits[1]):
        raise ValueError(f"{variable} holds values outside {limits[0]:g} to {limits[1]:g}, its limits")
    keys, rate = {"wave": wave, "term": variable, "n": len(y)}, len(y) / known
    if not len(y):
        y, status = np.array([np.nan]), status if status != "ok" else "not_estimable"
    mean = float(y.mean())
    bias = spread * float(np.std(y)) / (len(here) / known)
    numbers = {
        "mean_lowest": rate * mean + (1 - rate) * limits[0],
        "mean_highest": rate * mean + (1 - rate) * limits[1],
    }
    numbers["bias_at_most"] = bias
    return [keys | {"statistic": k, "estimate": v, "status": status} for k, v in numbers.items()]
