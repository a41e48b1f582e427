"""Which estimates differ, given that they come from one sample?  Differences with their covariance; several tests at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats

from analysis.methods.design import label
from analysis.methods.estimates import Estimates
from analysis.methods.multiplicity import adjust_p
from analysis.tidy import KEYS, tidy_frame

ADJUST = {"none": "p_value", "holm": "p_holm", "bh": "p_bh"}
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Row = Mapping[str, Any] | int


@dataclass(frozen=True, slots=True, repr=False)
class Contrast:
    """Differences between estimates of one result, with their covariance taken into account."""

    rows: pd.DataFrame  #: tidy table, statistic ``difference``; with `adjust` also ``p_value``, ``p_holm`` or ``p_bh``
    df: Floats  #: (differences,) degrees of freedom, the smaller of the two

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        return f"Contrast({len(self.df)} differences)"


def contrast(result: Estimates, pairs: Iterable[tuple[Row, Row]], *, adjust: str | None = None) -> Contrast:
    r"""Give differences a - b between rows of one result, with :math:`v(a) + v(b) - 2 cov(a, b)`.

    Parameters
    ----------
    result : Estimates
        What `estimates` returned. Two waves with people in both: name the person as cluster, and cut by wave.
    pairs : iterable of (a, b)
        Each of a and b is a position in ``result.tidy()`` or a mapping of key columns (wave, group, region, domain,
        term) to values that names one row; keys left out match anything.
    adjust : {"none", "holm", "bh"}, optional
        Also give two-sided p-values of no difference: as they are; by Holm, so that a wrong finding among all pairs is as
        rare as in one test; by Benjamini and Hochberg, so that few of the findings are wrong. Absent: no p-values.

    Returns
    -------
    Contrast
        ``tidy()``: statistic ``difference``; key columns in which a and b differ read ``a - b``; interval by Student's
        t at the result's level, for each difference alone; ``n`` and ``n_eff`` are those of the smaller side. A pair
        with a row that is not ok, or without an error, is ``not_estimable`` and not counted among the tests. With
        `adjust`, below all differences, a row each with the p-value as ``estimate``.

    Raises
    ------
    ValueError
        When a mapping names no row or more than one, a position is outside the table, for quantiles, for an unknown
        `adjust`.

    See Also
    --------
    analysis.adjust_p : the two ways of adjusting.

    Examples
    --------
    >>> from analysis.methods.estimates import estimates
    >>> frame = pd.DataFrame({"now": [3.0, 4.0, 6.0], "then": [2.0, 4.0, 3.0]})
    >>> both = estimates(frame, variables=["now", "then"])
    >>> contrast(both, [({"term": "now"}, {"term": "then"})]).tidy()["term"].tolist()
    ['now - then']
    """
    if adjust is not None and adjust not in ADJUST:
        raise ValueError(f"adjust must be one of {', '.join(ADJUST)}; seen {adjust!r}")
    if result.spread is None and len(result.rows):
        raise ValueError("quantiles have no covariance, so that their difference has no error here")
    found = [(_position(result.rows, a), _position(result.rows, b)) for a, b in pairs]
    if not found:
        return Contrast(result.rows.iloc[:0].copy(), np.empty(0))
    left, right = (np.array(side, np.int64) for side in zip(*found, strict=True))
    df = np.minimum(result.df[left], result.df[right])
    rows, p = _differences(result, left, right, df)
    tables = [rows] if adjust is None else [rows, _p_values(rows, p, adjust)]
    return Contrast(tidy_frame(pd.concat(tables, ignore_index=True)), df)


def differences_from_all(whole: Estimates, units: Estimates, *, among: pd.Series | None = None) -> Contrast:
    r"""Which units differ from the whole that they are part of?  Differences with simultaneous intervals.

    Parameters
    ----------
    whole, units : Estimates
        Of one frame and design; `units` is cut further. A unit is held against the row of `whole` with the same term and wave.
    among : Series of bool, optional
        On the index of ``units.tidy()``: the units that may be compared at all (enough answers, reliable, comparable). None: all.

    Returns
    -------
    Contrast
        ``tidy()``: a row a unit, its keys, statistic ``difference_from_all``: the unit less the whole, its own people in both;
        `n` the unit's. Intervals hold together: of all units of a wave, at most 1 in 20 times is any wrong (at the result's
        level), by Student's t at :math:`1 - (1 - \alpha)^{1/m}`, m comparisons (Sidak 1967, JASA 62: right for independent
        units, on the safe side for others). A unit that is not `among` them, or has no error, is ``not_estimable`` and not counted.

    Raises
    ------
    ValueError
        For quantiles, results of other frames, or a unit of a wave or term that `whole` does not have.

    Examples
    --------
    >>> from analysis.methods.estimates import estimates
    >>> frame = pd.DataFrame({"score": [3.0, 4.0, 6.0, 1.0, 2.0, 2.0], "unit": list("aaabbb")})
    >>> parts = [estimates(frame, variables=["score"], by=by) for by in ((), ("unit",))]
    >>> differences_from_all(*parts).tidy()["estimate"].round(2).tolist()
    [1.33, -1.33]
    """
    both, given = whole.beside(units), units.rows
    right = pd.Series(np.arange(len(whole.rows)), pd.MultiIndex.from_frame(whole.rows[["wave", "term"]]))
    sides = right.reindex(pd.MultiIndex.from_frame(given[["wave", "term"]]))
    if sides.isna().any():
        raise ValueError("the whole lacks a wave or a term of its units")
    left = len(whole.rows) + np.arange(len(given))
    df = np.minimum(both.df[left], both.df[sides.to_numpy(np.int64)])
    rows, _ = _differences(both, left, sides.to_numpy(np.int64), df)
    compared = rows["estimate"].notna() & (True if among is None else among.reset_index(drop=True))
    many = compared.groupby(given["wave"].to_numpy()).transform("sum").clip(lower=1).to_numpy()
    level = 1 - whole.conf_level
    reach = stats.t.isf((1 - (1 - level) ** (1 / many)) / 2, df) * rows["std_error"]
    rows = rows.assign(**{k: given[k] for k in (*KEYS[:-1], "n", "n_eff")}, statistic="difference_from_all")
    rows["conf_low"], rows["conf_high"] = rows["estimate"] - reach, rows["estimate"] + reach
    rows.loc[~compared, ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
    return Contrast(tidy_frame(rows), df)


def _position(rows: pd.DataFrame, wanted: Row) -> int:
    if not isinstance(wanted, Mapping):
        if isinstance(wanted, bool) or not isinstance(wanted, int | np.integer):
            raise ValueError(f"a row is named by its position or by {', '.join(KEYS)}; seen {wanted!r}")
        if not 0 <= wanted < len(rows):
            raise ValueError(f"there is no row {wanted}; the result has {len(rows)}")
        return int(wanted)
    unknown = [k for k in wanted if k not in KEYS]
    if unknown:
        raise ValueError(f"a row is named by {', '.join(KEYS)}; not by {unknown}")
    hit = np.ones(len(rows), bool)
    for key, value in wanted.items():
        hit &= (rows[key] == label(value)).to_numpy()
    if hit.sum() != 1:
        raise ValueError(f"{dict(wanted)} names {int(hit.sum())} rows; a contrast needs exactly one on each side")
    return int(np.flatnonzero(hit)[0])


def _differences(result: Estimates, left: Ints, right: Ints, df: Floats) -> tuple[pd.DataFrame, Floats]:
    """Give a row a pair, and the p-value of each."""
    one, two = (result.rows.iloc[side].reset_index(drop=True) for side in (left, right))
    usable = ((one["status"] == "ok") & (two["status"] == "ok")).to_numpy()
    usable = usable & one["std_error"].notna().to_numpy() & two["std_error"].notna().to_numpy()
    # values that do not vary have an error of 0, which says nothing of those who were not asked
    blind = np.isnan(result.deff) & (result.rows["std_error"] == 0).to_numpy()
    usable &= ~(blind[left] | blind[right]) | (left == right)
    std_error = np.where(usable, np.sqrt(_variances(result, left, right)), np.nan)
    estimate = np.where(usable, one["estimate"] - two["estimate"], np.nan)
    reach = stats.t.ppf((1 + result.conf_level) / 2, df) * std_error
    rows = one[[k for k in KEYS if k != "statistic"]].copy()
    for key in rows:
        rows[key] = one[key].where(one[key] == two[key], one[key] + " - " + two[key])
    smaller = {k: np.minimum(one[k], two[k]) for k in ("n", "n_eff")}
    numbers = {
        "estimate": estimate,
        "std_error": std_error,
        "conf_low": estimate - reach,
        "conf_high": estimate + reach,
    }
    rows = rows.assign(statistic="difference", **numbers, **smaller)
    sure = np.divide(estimate, std_error, where=std_error > 0, out=np.where(estimate == 0, 0.0, np.inf))
    return rows, np.where(usable, 2 * stats.t.sf(np.abs(sure), df), np.nan)


def _variances(result: Estimates, left: Ints, right: Ints) -> Floats:
    pairs = np.arange(len(left))
    signs = np.repeat([1.0, -1.0], len(left))
    shape = (len(result.rows), len(left))
    combinations = sparse.csc_array((signs, (np.concatenate([left, right]), np.tile(pairs, 2))), shape=shape)
    return np.empty(0) if result.spread is None else result.spread.variances(combinations)


def _p_values(rows: pd.DataFrame, p: Floats, adjust: str) -> pd.DataFrame:
    without = rows.drop(columns=["std_error", "conf_low", "conf_high"])
    return without.assign(statistic=ADJUST[adjust], estimate=adjust_p(p, adjust))
