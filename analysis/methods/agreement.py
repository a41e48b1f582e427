"""How far do members of one unit answer alike, and how much of an answer is the unit's?  Agreement and ICC.

Source: a frame with a row a person: the items of one scale (or one score) and the group. See `analysis.core.agreement`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import agreement as core
from analysis.methods.design import Design, label, numeric
from analysis.methods.mixed import MixedFit, fit_mixed
from analysis.tidy import tidy_frame

INDICES = ("rwg_j", "rwg", "rwg_j_lindell", "ad_m", "a_wg")
BOUNDED = ("rwg_j", "rwg", "rwg_j_lindell")
METHODS = ("anova", "reml")
LEVEL = 0.95
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class Agreement:
    """Agreement within groups."""

    index: str  #: one of `INDICES`
    null_variance: float  #: variance expected without any agreement (not used by ad_m and a_wg)
    rows: pd.DataFrame  #: tidy table
    out_of_range: pd.DataFrame  #: group, term, variance_ratio: groups whose spread exceeds the null; shown as 0

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        return f"Agreement({self.index}, {len(self.rows)} rows, {len(self.out_of_range)} groups out of range)"


@dataclass(frozen=True, slots=True, repr=False)
class Icc:
    """Intraclass correlation of a score by group."""

    method: str  #: anova or reml
    rows: pd.DataFrame  #: tidy table, term = the score

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        values = ", ".join(f"{r.statistic} {r.estimate:.4f}" for r in self.rows.itertuples())
        return f"Icc({self.method}: {values})"


def agreement(
    items: pd.DataFrame,
    *,
    group: str,
    n_options: int,
    lowest: float = 1,
    index: str = "rwg_j",
    null: str | float = "uniform",
    design: Design | None = None,
) -> Agreement:
    r"""Measure how far the members of each group agree.

    With :math:`s^2` an item's variance in the group (divisor n - 1) and :math:`\sigma^2` the null variance,
    rwg is :math:`1 - s^2/\sigma^2`, rwg_j :math:`J(1-m)/(J(1-m)+m)` with :math:`m = \overline{s^2}/\sigma^2`,
    rwg_j_lindell :math:`1 - m`; ad_m is the mean over items of the mean absolute deviation from the item's mean in
    the group; a_wg the mean over items of
    :math:`1 - 2 s^2 / ([(H+L)M - M^2 - HL]\, n/(n-1))`.

    Parameters
    ----------
    items : DataFrame
        The items of one scale, the group column, and the weight column if the design names one; nothing else.
    group : str
        Column of the unit. Rows where it is missing are left out.
    n_options : int
        Number of answers A of an item, at least 2; the uniform null has variance (A^2 - 1) / 12.
    lowest : float
        Lowest code of an item; the highest is ``lowest + n_options - 1``.
    index : {"rwg_j", "rwg", "rwg_j_lindell", "ad_m", "a_wg"}
        rwg gives a row for each item, the others one for the scale.
    null : "uniform" or float
        Null distribution, or the variance of another one; only for the three rwg indices.
    design : Design, optional
        Only its weights count: weighted means and variances in the group (variance n / (n - 1) times the weighted mean
        square).

    Returns
    -------
    Agreement
        ``tidy()``: a row a group, and group ``*``, the plain mean over groups; statistic = `index`; term = the item, or
        the items joined by ``+``; ``n`` persons with all items answered. Groups of one person are ``not_estimable``.
        A spread above the null gives 0, by the convention of James, Demaree & Wolf; such groups are listed in
        ``out_of_range`` and their share is the row ``<index>_out_of_range`` of group ``*``.

    Raises
    ------
    ValueError
        For unknown options or columns, codes outside the range, a `null` where it changes nothing, or a design with
        more than weights.

    Notes
    -----
    Rows with a missing item are left out (listwise). Assumes that the items have the same codes. Sources: see
    `analysis.core.agreement`; numbers as R's multilevel.

    Examples
    --------
    >>> frame = pd.DataFrame({"unit": ["a", "a", "b", "b"], "q1": [4, 5, 1, 5], "q2": [4, 4, 2, 5]})
    >>> agreement(frame, group="unit", n_options=5).tidy()["estimate"].round(3).tolist()
    [0.933, 0.0, 0.467, 0.5]
    """
    design = design or Design()
    names = [c for c in items.columns if c not in (group, design.weights)]
    _check(items, names, group, n_options, index, null, design)
    values, codes, units, weights = _complete(items, names, group, design, (lowest, lowest + n_options - 1))
    variance = (n_options**2 - 1) / 12 if null == "uniform" else float(null)
    one = core.spread(values, codes, len(units), weights)
    raw, terms = _index(index, one, variance, lowest, lowest + n_options - 1, names)
    raw[one.size < 2] = np.nan
    rows, outside = _rows(index, raw, terms, units, one, variance)
    return Agreement(index, variance, rows, outside)


def icc(frame: pd.DataFrame, *, outcome: str, group: str, method: str = "anova") -> Icc:
    r"""Give the share of a score's variance that lies between groups, and the reliability of group means.

    By anova: :math:`ICC(1) = (MSB - MSW) / (MSB + (k - 1) MSW)`, :math:`ICC(2) = (MSB - MSW) / MSB`, k the mean group
    size; icc1_unequal with :math:`k_0 = (N - \sum n^2/N)/(G - 1)`. By reml: :math:`ICC(1) = \tau^2/(\tau^2 + \sigma^2)`
    from a random-intercept model, ICC(2) by Spearman-Brown with the mean group size.

    Parameters
    ----------
    frame : DataFrame
        A row a person; rows with a missing score or group are left out.
    outcome, group : str
        Columns of the score (numbers) and of the unit.
    method : {"anova", "reml"}
    Returns
    -------
    Icc
        ``tidy()``: term = `outcome`; statistic icc1, icc2, and icc1_unequal (anova only); ``n`` persons. Rows are
        ``not_estimable`` with fewer than two groups, no group of two, or a constant score; ``not_converged`` where the
        model is.

    Raises
    ------
    ValueError
        For unknown columns or methods, or text as score.

    Notes
    -----
    An ICC by anova can be negative and is left so. Numbers as R's multilevel: ICC1, ICC2, mult.icc.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0], "g": ["a", "a", "b", "b"]})
    >>> icc(frame, outcome="y", group="g").tidy()["estimate"].round(4).tolist()
    [0.8947, 0.9444, 0.8947]
    """
    absent = [c for c in (outcome, group) if c not in frame.columns]
    if absent:
        raise ValueError(f"the frame does not have the columns {absent}")
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; methods are {', '.join(METHODS)}")
    used = frame[[outcome, group]].dropna()
    numeric(used, outcome)
    rows = (_anova_rows if method == "anova" else _reml_rows)(used, outcome, group)
    return Icc(method, tidy_frame([{"term": outcome, "n": len(used)} | r for r in rows]))


def _check(
    items: pd.DataFrame,
    names: list[str],
    group: str,
    n_options: int,
    index: str,
    null: str | float,
    design: Design,
) -> None:
    if index not in INDICES:
        raise ValueError(f"unknown index {index!r}; indices are {', '.join(INDICES)}")
    absent = [c for c in (group, design.weights) if c is not None and c not in items.columns]
    if absent or not names:
        raise ValueError(
            f"agreement needs the items and the columns of group and weights; absent: {absent or 'any item'}"
        )
    if n_options < 2:
        raise ValueError(f"n_options must be at least 2, seen {n_options}")
    if design != Design(weights=design.weights):
        raise ValueError("agreement uses the design's weights only; leave strata, cluster, fpc and the rest out")
    if null != "uniform" and (isinstance(null, str) or not null > 0):
        raise ValueError(f"null must be 'uniform' or a variance above zero, seen {null!r}")
    if null != "uniform" and index not in BOUNDED:
        raise ValueError(f"{index} has no null distribution; leave null out")


def _complete(
    items: pd.DataFrame, names: list[str], group: str, design: Design, limits: tuple[float, float]
) -> tuple[Floats, NDArray[np.int64], list[str], Floats]:
    values = np.column_stack([numeric(items, c) for c in names])
    codes, units = pd.factorize(items[group], sort=True)
    weights = np.ones(len(items)) if design.weights is None else numeric(items, design.weights)
    if np.isnan(weights).any() or (weights < 0).any():
        raise ValueError("weights must be numbers of at least zero and never missing")
    keep = ~np.isnan(values).any(axis=1) & (codes >= 0) & (weights > 0)
    if ((values[keep] < limits[0]) | (values[keep] > limits[1])).any():
        raise ValueError(f"items have codes outside {limits[0]:g} to {limits[1]:g}; check n_options and lowest")
    present, dense = np.unique(codes[keep], return_inverse=True)
    return values[keep], dense.astype(np.int64), [label(units[k]) for k in present], weights[keep]


def _index(
    index: str, one: core.Spread, null: float, lowest: float, highest: float, names: list[str]
) -> tuple[Floats, list[str]]:
    """The index before it is cut at zero, (groups, terms)."""
    if index == "rwg":
        return core.rwg(one.variance, null), names
    joined = ["+".join(names)]
    if index == "ad_m":
        return one.deviation.mean(axis=1)[:, None], joined
    if index == "a_wg":
        return core.a_wg(one, lowest, highest).mean(axis=1)[:, None], joined
    formula = core.rwg_j if index == "rwg_j" else core.rwg_j_lindell
    return formula(one.variance, null)[:, None], joined


def _rows(
    index: str, raw: Floats, terms: list[str], units: list[str], one: core.Spread, null: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    bounded = index in BOUNDED
    shown = np.maximum(raw, 0.0) if bounded else raw
    rows: list[dict[str, Any]] = []
    outside: list[dict[str, Any]] = []
    for j, term in enumerate(terms):
        key = {"term": term, "statistic": index}
        rows += [
            key | {"group": u, "estimate": e, "n": n} for u, e, n in zip(units, shown[:, j], one.size, strict=True)
        ]
        there = ~np.isnan(raw[:, j])
        total = {"n": one.size[there].sum()}
        rows.append(key | total | {"estimate": shown[there, j].mean() if there.any() else np.nan})
        if bounded:
            share = (raw[there, j] < 0).mean() if there.any() else np.nan
            rows.append(key | total | {"statistic": f"{index}_out_of_range", "estimate": share})
            ratio = (one.variance[:, j] if index == "rwg" else one.variance.mean(axis=1)) / null
            outside += [
                {"group": units[k], "term": term, "variance_ratio": ratio[k]} for k in np.flatnonzero(raw[:, j] < 0)
            ]
    return tidy_frame(rows), pd.DataFrame(outside, columns=["group", "term", "variance_ratio"])


def _anova_rows(used: pd.DataFrame, outcome: str, group: str) -> list[dict[str, Any]]:
    codes, units = pd.factorize(used[group], sort=True)
    try:
        one = core.anova(numeric(used, outcome), codes.astype(np.int64), len(units), LEVEL)
    except ValueError:
        return [{"statistic": s, "status": "not_estimable"} for s in ("icc1", "icc2", "icc1_unequal")]
    return [
        {
            "statistic": "icc1",
            "estimate": one.icc1,
            "conf_low": one.icc1_interval[0],
            "conf_high": one.icc1_interval[1],
        },
        {
            "statistic": "icc2",
            "estimate": one.icc2,
            "conf_low": one.icc2_interval[0],
            "conf_high": one.icc2_interval[1],
        },
        {"statistic": "icc1_unequal", "estimate": one.icc1_unequal},
    ]


def _reml_rows(used: pd.DataFrame, outcome: str, group: str) -> list[dict[str, Any]]:
    try:
        fit = fit_mixed(used, outcome=outcome, random=(group,))
    except ValueError:
        return [{"statistic": s, "status": "not_estimable"} for s in ("icc1", "icc2")]
    return icc_rows(fit, group, fit.n / used[group].nunique())


def icc_rows(fit: MixedFit, factor: str, size: float) -> list[dict[str, Any]]:
    """Make ICC(1) and ICC(2) out of a fitted model: the factor's variance over the total.

    Parameters
    ----------
    fit : MixedFit
        A model with `factor` among its random factors.
    factor : str
        Name of the random factor.
    size : float
        Group size for ICC(2), usually the mean one.

    Returns
    -------
    list of dict
        Rows icc1 and icc2 with estimate, conf_low, conf_high (the factor's interval, the others held), status.
    """
    table = fit.components.set_index("factor")[["variance", "conf_low", "conf_high"]]
    own = table.loc[factor].to_numpy(dtype=float)
    ends = own / (own + float(table["variance"].sum()) - own[0])
    status = "ok" if fit.converged else "not_converged"
    rows = []
    for statistic, values in (("icc1", ends), ("icc2", core.spearman_brown(ends, size))):
        numbers = dict(zip(("estimate", "conf_low", "conf_high"), values, strict=True))
        rows.append({"statistic": statistic, "status": status} | numbers)
    return rows
