"""How much of an answer is the unit's, and how far can units be told apart?  ICC and unit reliability.

Source: a frame with a row a person: one score and the group. See `analysis.core.agreement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, stats

from analysis.core import agreement as core
from analysis.core import mixed as core_mixed
from analysis.core import replicated
from analysis.core.agreement_errors import BLIND, clusters_in, deviate, times_taken
from analysis.methods.design import Design, levels, numeric, present, replicated_of
from analysis.methods.estimates import estimates
from analysis.methods.mixed import MixedFit, NotFittable, fit_mixed
from analysis.tidy import tidy_frame

METHODS = ("anova", "reml", "pairs")
ERRORS = ("pooled", "own")
LEVEL = 0.95
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Icc:
    """Intraclass correlation of a score by group."""

    method: str  #: one of `METHODS`
    rows: pd.DataFrame  #: tidy table, term = the score
    sizes: (
        pd.DataFrame
    )  #: size, groups, reliability, conf_low, conf_high: of a mean of that many members (Spearman-Brown)
    mean_reliability: float  #: mean over groups of tau^2 / (tau^2 + sigma^2 / n_j) (Raudenbush & Bryk 2002, eq. 4.20)

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        values = ", ".join(f"{r.statistic} {r.estimate:.4f}" for r in self.rows.itertuples())
        return f"Icc({self.method}: {values})"


@dataclass(frozen=True, slots=True, repr=False)
class UnitReliability:
    """Means of units, and how far each tells its unit from the others."""

    rows: pd.DataFrame  #: tidy table: mean and unit_reliability of every unit
    units: pd.DataFrame  #: group, n, mean, std_error, conf_low, conf_high, squared_error, reliability, rankable
    tau2: float  #: variance between units, the score's unit squared; NaN with fewer than two units
    tau2_interval: tuple[float, float]  #: by the Q-profile
    minimum: float  #: reliability from which a unit may be ranked

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        some = int(self.units["rankable"].sum())
        return f"UnitReliability({len(self.units)} units, {some} reliable enough to be ranked; between variance {self.tau2:.4g})"


def icc(
    frame: pd.DataFrame, *, outcome: str, group: str, method: str | None = None, design: Design | None = None
) -> Icc:
    r"""Give the share of a score's variance that lies between groups, and the reliability of group means.

    By anova: :math:`ICC(1) = (MSB - MSW) / (MSB + (k - 1) MSW)`, :math:`ICC(2) = (MSB - MSW) / MSB`, k the mean group
    size; icc1_unequal with :math:`k_0 = (N - \sum n^2/N)/(G - 1)`. By reml: :math:`ICC(1) = \tau^2/(\tau^2 + \sigma^2)`
    from a random-intercept model. By pairs: :math:`ICC(1) = 1 - D_w/D_b`, D the weighted mean of half the squared difference
    of two members of one group, of two groups. ICC(2) of these two by Spearman-Brown with the mean group size.

    Parameters
    ----------
    frame : DataFrame
        A row a person; rows with a missing score or group are left out.
    outcome, group : str
        Columns of the score (numbers) and of the unit.
    method : {"anova", "reml", "pairs"}, optional
        None: anova, with survey weights pairs.
    design : Design, optional
        Weights, and replicate weights for errors and intervals; nothing else of it. Only for pairs.

    Returns
    -------
    Icc
        ``tidy()``: term = `outcome`; statistic icc1, icc2, and icc1_unequal (anova only); ``n`` persons. Rows are
        ``not_estimable`` with fewer than two groups, no group of two, or a constant score; ``not_converged`` where the
        model is. ``sizes``: the reliability of a mean of as many members as each group has.
        Intervals, 95 %: anova by Wald's exact one, right for normal scores whatever the group sizes (icc1, of which
        icc1_unequal is the better estimate then, and icc2); reml where the restricted likelihood has fallen by the point of
        chi-squared; pairs by replicates and t in Fisher's z, with as many degrees of freedom as there are groups or
        independent replicates, less 1, whichever is fewer.

    Raises
    ------
    ValueError
        For unknown columns or methods, text as score, weights with anova or reml, a design with more than weights and
        replicates.

    Notes
    -----
    An ICC can be negative and is left so. Numbers as R's multilevel: ICC1, ICC2, mult.icc.

    Weights. Analysis of variance with weighted sums in place of sums overstates an ICC(1) of .02 by .16 where weights have a CV of
    1 and groups 3 to 5 people (by .05 with 3 to 30), and by .27 (.10) where the weights depend on the answers; with the weights'
    degrees of freedom it is right in the first case and still overstates by .14 (.05) in the second. Leaving weights out
    understates an ICC of .30 by .18 where the ends of the scale answer more readily. Pairs are off by less than .01 in all of
    these, and their intervals by a bootstrap of 100 groups hold the truth in 93.4 to 95.6 % (``python -m
    tests.simulation.agreement``). Limits: the price is a standard error a third larger than need be where weights of CV 1 tell
    nothing, and three times where they differ between whole groups of 3 to 5 alone, as a pair inside a group counts by both its
    weights; people of a group are taken as drawn independently; with weights all alike the result is not exactly anova's (third
    decimal), as groups count otherwise. Replicates that resample people inside fixed groups give the error of the people drawn;
    for that of the groups too, resample groups. With 40 groups of which most have 3 people and two 300, the exact interval holds
    94 %, the textbook's with the mean size 33 % at an ICC of .30.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0], "g": ["a", "a", "b", "b"]})
    >>> icc(frame, outcome="y", group="g").tidy()["estimate"].round(4).tolist()
    [0.8947, 0.9444, 0.8947]
    """
    design = design or Design()
    present(frame, [outcome, group, *([design.weights] if design.weights else [])], "icc")
    weights_only(design, "icc")
    method = method or ("anova" if design.weights is None else "pairs")
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; methods are {', '.join(METHODS)}")
    if design.weights is not None and method != "pairs":
        raise ValueError(f"{method} has no right answer under survey weights; leave method out, or say method='pairs'")
    score = _Score.read(frame, outcome, group, design)
    rows = {"anova": _anova_rows, "reml": _reml_rows, "pairs": _pairs_rows}[method](score)
    table = tidy_frame([{"term": outcome, "n": len(score.values)} | r for r in rows])
    sizes, mean = _reliabilities(rows, score.size)
    return Icc(method, table, sizes, mean)


def unit_reliability(
    frame: pd.DataFrame,
    *,
    outcome: str,
    group: str,
    design: Design | None = None,
    errors: str = "pooled",
    minimum: float = 0.7,
) -> UnitReliability:
    r"""Give each unit's mean with its interval, and whether it may be ranked: :math:`\tau^2 / (\tau^2 + SE_j^2)`.

    :math:`SE_j^2` is the design's squared error of the unit's mean, :math:`\tau^2` the variance between units that the means
    and these errors leave (Paule & Mandel 1982).

    Parameters
    ----------
    frame : DataFrame
        A row a person; rows with a missing score or group are left out.
    outcome, group : str
        Columns of the score (numbers) and of the unit.
    design : Design, optional
        As in `estimates`. Without strata, clusters or replicates the people of a unit count as drawn by themselves.
    errors : {"pooled", "own"}
        pooled: :math:`SE_j^2 = c / n_j`, n_j Kish's effective number and c the mean of all units' squared errors times
        n_j, weighted by their degrees of freedom, so that two members who chance to agree do not make a unit reliable.
        own: each unit's error alone, for units of some hundred.
    minimum : float
        Between 0 and 1: reliability from which a unit is ``rankable``.

    Returns
    -------
    UnitReliability
        ``tidy()``: term = `outcome`, a row a unit of statistic ``mean`` (as `estimates`: error, interval, n, n_eff) and
        one of ``unit_reliability``, 0..1, its interval that of :math:`\tau^2` with the errors held. ``units``: the same side
        by side, with ``rankable``. A low reliability forbids ranking and comparing, and nothing else: the mean stays.
        Reliability is ``not_estimable`` (and the unit not rankable) without an error, or with fewer than two units.

    Raises
    ------
    ValueError
        For unknown columns or options, text as score, `minimum` outside 0..1, and whatever `estimates` refuses.

    Notes
    -----
    Assumes unit means that are normal around one mean. For a simple random sample pooled is
    :math:`\tau^2/(\tau^2 + \sigma^2/n_j)` (Raudenbush & Bryk 2002, eq. 3.42). Interval of :math:`\tau^2`: Viechtbauer (2007).

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0, 8.0, 9.0], "unit": list("aabbcc")})
    >>> unit_reliability(frame, outcome="y", group="unit").units[["group", "mean", "rankable"]].values.tolist()
    [['a', 1.5, True], ['b', 4.5, True], ['c', 8.5, True]]
    """
    present(frame, [outcome, group], "unit_reliability")
    if errors not in ERRORS:
        raise ValueError(f"unknown errors {errors!r}; they are {', '.join(ERRORS)}")
    if not 0 <= minimum <= 1:
        raise ValueError(f"minimum must lie between 0 and 1, seen {minimum}")
    design = design or Design()
    if not (design.strata or design.cluster or design.fpc or design.replicates or design.calibration):
        frame, design = frame[frame[group].notna()], Design(weights=design.weights, strata=group)
    found = estimates(frame, variables=outcome, by={"group": group}, design=design, conf_level=LEVEL)
    means = found.tidy()
    squared = _squared_errors(means, found.df, errors)
    tau2, low, high = _between(means["estimate"].to_numpy(), squared)
    worth, ends = (_worth(t, squared) for t in (np.array([tau2]), np.array([[low], [high]])))
    rows = means.assign(
        statistic="unit_reliability", estimate=worth, std_error=np.nan, conf_low=ends[0], conf_high=ends[1]
    )
    rows["status"] = np.where(np.isnan(worth), "not_estimable", "ok")
    units = means[["group", "n", "estimate", "std_error", "conf_low", "conf_high"]].rename(columns={"estimate": "mean"})
    units = units.assign(squared_error=squared, reliability=worth, rankable=worth >= minimum)
    return UnitReliability(tidy_frame(pd.concat([means, rows], ignore_index=True)), units, tau2, (low, high), minimum)


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
    return _two_rows(ends, size, "ok" if fit.converged else "not_converged")


def _two_rows(ends: Sequence[float], size: float, status: str) -> list[dict[str, Any]]:
    """Rows icc1 and icc2 of (estimate, low, high)."""
    rows = []
    for statistic, values in (("icc1", ends), ("icc2", [core.spearman_brown(e, size) for e in ends])):
        numbers = dict(zip(("estimate", "conf_low", "conf_high"), values, strict=True))
        rows.append({"statistic": statistic, "status": status} | numbers)
    return rows


def weights_only(design: Design, what: str) -> None:
    """Refuse what a design has beside weights and replicates."""
    if design != Design(weights=design.weights, replicates=design.replicates):
        raise ValueError(
            f"{what} uses the design's weights only, and replicates; leave strata, cluster, fpc and the rest out"
        )


def weights_of(frame: pd.DataFrame, design: Design) -> tuple[Floats | None, replicated.Replicated | None]:
    """Read weights and replicate weights; None where the design has none."""
    if design.weights is None:
        return None, None
    weights = numeric(frame, design.weights)
    if np.isnan(weights).any() or (weights < 0).any():
        raise ValueError("weights must be numbers of at least zero and never missing")
    return weights, replicated_of(frame, design)


def rows_of(given: replicated.Replicated, keep: NDArray[np.bool_]) -> replicated.Replicated:
    """Keep the replicate weights of some rows."""
    return replicated.Replicated(given.weights[keep], given.coefficients, given.around_mean, given.df)


def renumbered(codes: Ints, count: int) -> tuple[Ints, Ints]:
    """Number the codes 0..count-1 that occur without gaps, and say which they were."""
    there = np.flatnonzero(np.bincount(codes, minlength=count))
    if len(there) == count:
        return codes.astype(np.int64, copy=False), there
    place = np.zeros(count, np.int64)
    place[there] = np.arange(len(there))
    return place[codes], there


@dataclass(frozen=True, slots=True)
class _Score:
    """A score by group."""

    values: Floats
    group: Ints
    size: Floats  #: (G,)
    weights: Floats
    replicates: replicated.Replicated | None

    @classmethod
    def read(cls, frame: pd.DataFrame, outcome: str, group: str, design: Design) -> _Score:
        """Read the rows with a score, a group and a weight above zero."""
        y, (codes, units) = numeric(frame, outcome), levels(frame[group])
        weights, replicates = weights_of(frame, design)
        keep = ~np.isnan(y) & (codes >= 0) & (True if weights is None else weights > 0)
        if not keep.all():
            y, codes, weights = y[keep], codes[keep], None if weights is None else weights[keep]
            replicates = None if replicates is None else rows_of(replicates, keep)
        dense, there = renumbered(codes, len(units))
        w = np.ones(len(dense)) if weights is None else weights
        return cls(y, dense, np.bincount(dense, minlength=len(there)).astype(float), w, replicates)


def _anova_rows(score: _Score) -> list[dict[str, Any]]:
    try:
        one = core.anova(score.values, score.group, len(score.size), LEVEL)
    except ValueError:
        return [{"statistic": s, "status": "not_estimable"} for s in ("icc1", "icc2", "icc1_unequal")]
    found = (
        ("icc1", one.icc1, one.icc1_interval),
        ("icc2", one.icc2, one.icc2_interval),
        ("icc1_unequal", one.icc1_unequal, one.icc1_interval),
    )
    return [{"statistic": s, "estimate": e, "conf_low": i[0], "conf_high": i[1]} for s, e, i in found]


def _reml_rows(score: _Score) -> list[dict[str, Any]]:
    try:
        fit = fit_mixed(pd.DataFrame({"score": score.values, "group": score.group}), outcome="score", random=("group",))
    except NotFittable:
        return [{"statistic": s, "status": "not_estimable"} for s in ("icc1", "icc2")]
    theta = np.array([float(fit.fit.theta[0]), *_profile(fit)])
    ends = theta**2 / (1 + theta**2)
    return _two_rows(ends, fit.n / len(score.size), "ok" if fit.converged else "not_converged")


def _profile(fit: MixedFit) -> tuple[float, float]:
    """Ends of theta = tau / sigma where twice the restricted log-likelihood has fallen by chi-squared's point."""
    best = float(fit.fit.theta[0])
    rise = float(stats.chi2.ppf(LEVEL, 1))

    def above(theta: float) -> float:
        return core_mixed.deviance(fit.moments, fit.fit.shape, np.array([theta]), reml=True) - fit.fit.deviance - rise

    low = 0.0 if best == 0 or above(0.0) <= 0 else optimize.brentq(above, 0.0, best, xtol=1e-10)
    high = max(2 * best, 0.1)
    while above(high) < 0 and high < 1e6:
        high *= 2
    return low, float(optimize.brentq(above, best, high, xtol=1e-10)) if above(high) > 0 else np.inf


def _pairs_rows(score: _Score) -> list[dict[str, Any]]:
    empty = not len(score.values)
    own = np.nan if empty else core.pairs_icc(score.values, score.group, score.size, score.weights)
    if np.isnan(own):
        return [{"statistic": s, "status": "not_estimable"} for s in ("icc1", "icc2")]
    weight, squares = (np.bincount(score.group, score.weights**p, len(score.size)).astype(float) for p in (1, 2))
    size = float((weight**2 / squares).mean())
    error, ends = _pairs_error(score, weight, own, size)
    rows = _two_rows([own, *ends], size, "ok")
    steeper = size / (1 + (size - 1) * own) ** 2  # slope of ICC(2) on ICC(1)
    return [r | {"std_error": error * f} for r, f in zip(rows, (1.0, steeper), strict=True)]


def _pairs_error(score: _Score, weight: Floats, own: float, size: float) -> tuple[float, tuple[float, float]]:
    given = score.replicates
    if given is None:
        return np.nan, (np.nan, np.nan)
    clusters = clusters_in(given, score.weights, score.group, len(score.size))
    values = np.full(given.weights.shape[1], np.nan)
    for r, w in enumerate(np.ascontiguousarray(given.weights.T)):
        if w.any():
            times = times_taken(np.bincount(score.group, w, len(weight)).astype(float), weight, clusters)
            values[r] = core.pairs_icc(score.values, score.group, score.size * np.where(times > 0, times, 1.0), w)
    error = float(deviate(given, values, np.array(own)))
    if np.isnan(values).mean() > BLIND or not error > 0:
        return np.nan, (np.nan, np.nan)
    t = float(stats.t.ppf((1 + LEVEL) / 2, max(min(len(score.size) - 1, given.df), 1)))
    return error, core.fisher_interval(own, error, size, t)


def _reliabilities(rows: list[dict[str, Any]], size: Floats) -> tuple[pd.DataFrame, float]:
    """Spearman-Brown for each group size, and its mean over groups; an ICC below zero counts as zero."""
    own = next((r for r in rows if r["statistic"] == "icc1_unequal"), rows[0])
    sizes, groups = np.unique(size, return_counts=True)
    columns: dict[str, Any] = {"size": sizes.astype(np.int64), "groups": groups}
    for name, source in (("reliability", "estimate"), ("conf_low", "conf_low"), ("conf_high", "conf_high")):
        columns[name] = [core.spearman_brown(max(own.get(source, np.nan), 0.0), n) for n in sizes.tolist()]
    return pd.DataFrame(columns), float(np.average(columns["reliability"], weights=groups)) if len(sizes) else np.nan


def _squared_errors(means: pd.DataFrame, df: Floats, errors: str) -> Floats:
    """Squared error of each unit's mean; NaN where there is none."""
    own, size = means["std_error"].to_numpy() ** 2, means["n_eff"].to_numpy()
    if errors == "own":
        return np.where(own > 0, own, np.nan)
    some = ~np.isnan(own)
    if not some.any():
        return np.full(len(own), np.nan)
    pooled = float((df[some] * own[some] * size[some]).sum() / df[some].sum())
    return np.where(size > 0, pooled / np.where(size > 0, size, np.nan), np.nan)


def _between(mean: Floats, squared: Floats) -> tuple[float, float, float]:
    some = ~np.isnan(mean) & ~np.isnan(squared)
    if some.sum() < 2:
        return np.nan, np.nan, np.nan
    return core.between_variance(mean[some], squared[some], LEVEL)


def _worth(tau2: Floats, squared: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.where((tau2 == 0) & (squared == 0), 0.0, tau2 / (tau2 + squared))
