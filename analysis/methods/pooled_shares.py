"""What is the share of a unit too small for a number of its own?  Logit mixed models of counts by organisation and place.

Source: those who did and those who might have in every cell of organisation and place. Predictions of cells are put together
to units by the cells' own numbers (`analysis.methods.poststratify`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.methods.mixed import MixedFit, NotFittable, fit_mixed
from analysis.methods.poststratify import poststratified
from analysis.tidy import ALL, concat, tidy_frame

STATISTIC = "shrunken_share"
TOO_SMALL = "registry smaller than log"
NUMBERS = ["estimate", "std_error", "conf_low", "conf_high"]
KEYS = ("group", "region")
DONE, TRIALS, WEIGHT, OVER = "those who did", "those who might have", "people of the cell", "more than there are"
MOST_OVER = 0.05  # of those who did, the share that may be more than the cells count
COVERED = 0.9  # share of careers that a level of places must hold to be the model's
PER_CELL = 2  # cells a level must have on average for the combination to be a factor of its own


def pooled_shares(
    cells: pd.DataFrame, *, done: str, trials: str, weight: str, term: str, min_reliability: float
) -> tuple[pd.DataFrame, MixedFit | None]:
    r"""Estimate the share of every organisation, place and cell of both, each leaning on the others as far as it is small.

    :math:`y_{gr} \sim \mathrm{Bin}(n_{gr}, p_{gr})`, :math:`\mathrm{logit}\,p_{gr} = \beta + u_g + v_r + w_{gr}` with normal
    effects (`fit_mixed`, Laplace); of a unit :math:`\hat p_u = \sum N_{gr} \hat p_{gr} / \sum N_{gr}` over its cells.

    Parameters
    ----------
    cells : DataFrame
        A row a cell: ``group, region`` (text; ``*`` where there are none), and the columns below. Cells are apart: no person in
        two of them, but over organisations.
    done, trials : str
        Columns of those who did, and of those who might have and were seen.
    weight : str
        Column of what each cell counts in its units, at least 0: all who might have, also those whom the log could not follow.
    term : str
        Term of the rows.
    min_reliability : float
        Between 0 and 1. A unit more than 1 less this of whose number is borrowed is marked ``pooled``.

    Returns
    -------
    DataFrame
        Tidy table without wave of statistic ``shrunken_share``: by group, by region, by both; intervals at 95 % on the logit by the
        error of prediction, variances taken as known; ``n`` those who might have; basis of a pooled row: the organisation for a
        cell, else ``all``. A model that the data cannot carry is one row ``not_estimable``, one that did not converge
        ``not_converged``. No rows where there is one unit only.
    MixedFit or None
        The model.

    Notes
    -----
    The share of a unit that nobody was seen in is the others'. Where more did than a cell counts (guests of a joint activity),
    all of it is taken to have done; a unit with more than one such in twenty is ``not_estimable``. Draws within a cell are
    taken to be independent.
    """
    used = cells[cells[weight] > 0]
    did = np.minimum(used[done], used[trials])  # guests can make them more than those counted
    used = used.assign(**{DONE: did, TRIALS: used[trials], WEIGHT: used[weight], OVER: used[done] - did})
    kinds = [k for k in KEYS if used[k].nunique() > 1]
    if not kinds:
        return tidy_frame([]), None
    try:
        fit = fit_mixed(used, outcome=DONE, trials=TRIALS, random=_factors(used, kinds), family="binomial")
    except NotFittable:
        return _none(term, "not_estimable"), None
    if not fit.converged:
        return _none(term, "not_converged"), fit
    units = [(k,) for k in kinds] + ([KEYS] if len(kinds) == 2 else [])
    return concat([_units(fit, used, by, term, min_reliability) for by in units]), fit


def _factors(used: pd.DataFrame, kinds: list[str]) -> list[Any]:
    """Organisations, places, and their combinations where there are enough of each to tell them apart."""
    many = len(used) >= PER_CELL * max(used[k].nunique() for k in kinds)
    return [*kinds, tuple(kinds)] if len(kinds) == 2 and many else list(kinds)


def _none(term: str, status: str) -> pd.DataFrame:
    return tidy_frame([{"term": term, "statistic": STATISTIC, "status": status}])


def _units(fit: MixedFit, used: pd.DataFrame, by: tuple[str, ...], term: str, min_reliability: float) -> pd.DataFrame:
    rows = poststratified(fit, used, count=WEIGHT, by=by, answers=used[used[TRIALS] > 0], minimum=0).tidy()
    borrowed = rows[rows["statistic"] == "borrowed"].set_index(list(KEYS))["estimate"]
    found = rows[rows["statistic"] == "poststratified"].reset_index(drop=True)
    weak = borrowed.reindex(pd.MultiIndex.from_frame(found[list(KEYS)])).to_numpy() > 1 - min_reliability
    sums = used.groupby(list(by), as_index=False)[[TRIALS, DONE, OVER]].sum()
    sums = found[list(by)].merge(sums, on=list(by), how="left")
    over = (sums[OVER] > MOST_OVER * (sums[DONE] + sums[OVER])).to_numpy()
    found["n"], found["n_eff"] = sums[TRIALS].to_numpy(), np.nan
    found["basis"] = np.where(weak, found["group"] if len(by) == 2 else "all", "")
    found["status"] = np.where(weak, "pooled", "ok")
    found.loc[over, NUMBERS], found.loc[over, "status"], found.loc[over, "basis"] = np.nan, "not_estimable", TOO_SMALL
    return tidy_frame(found.assign(term=term, statistic=STATISTIC))


def cells_of(counted: pd.DataFrame, nodes: Mapping[str, str] | None) -> pd.DataFrame:
    """The cells of the finest level of places that holds nearly all: rows of a table of counts by wave, group and node.

    Parameters
    ----------
    counted : DataFrame
        ``wave, group, node`` and counts, ``all_seen`` (careers) among them; places of every level.
    nodes : mapping or None
        Level of each place; None: all places are one level.

    Returns
    -------
    DataFrame
        The rows of that level, ``node`` called ``region``; of the whole (``*``) where no level holds nine in ten.
    """
    named = counted["node"].map(nodes) if nodes is not None else counted["node"].where(counted["node"] == ALL, "place")
    level = named.fillna(ALL)
    sums, sizes = counted.groupby(level)["all_seen"].sum(), counted.groupby(level)["node"].nunique()
    whole = counted.loc[counted["node"] == ALL, "all_seen"].sum()
    fit = [k for k in sizes.index if k != ALL and sizes[k] > 1 and sums[k] >= COVERED * whole]
    chosen = max(fit, key=lambda k: sizes[k]) if fit else ALL
    return counted[level == chosen].rename(columns={"node": "region"})
