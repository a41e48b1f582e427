"""What do members say, in every cut, and how sure are we?

Means, proportions, totals, ratios and quantiles with design-based errors. Source: a frame with a row a person. One pass over
the rows makes every domain of a cut; see `analysis.core.linearised`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats

from analysis.core import design as core
from analysis.core import linearised, replicated
from analysis.methods.design import (
    Design,
    combinations,
    label,
    margins_of,
    names,
    numeric,
    present,
    replicated_of,
    replicates_of,
    sample_of,
)
from analysis.tidy import KEYS, PLACES, domain_key, place_keys, tidy_frame

STATISTICS = ("mean", "proportion", "total", "ratio", "quantile")
WIDEST_COVARIANCE = 4000
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Spread = linearised.Spread | replicated.Spread


@dataclass(frozen=True, slots=True, repr=False)
class Estimates:
    """Estimates of one statistic in one level of cuts."""

    statistic: str  #: one of `STATISTICS`
    rows: pd.DataFrame  #: tidy table, a row a variable (or code, or quantile) and domain
    df: Floats  #: (rows,) degrees of freedom of each interval
    deff: (
        Floats  #: (rows,) design effect: variance / that of a simple random sample without replacement of as many rows
    )
    conf_level: float  #: level of the intervals, 0..1
    read: int  #: rows of the frame
    spread: Spread | None  #: how the estimates vary together; None for quantiles

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the rows with status ok, labelled by their position in `tidy()`.

        Raises
        ------
        ValueError
            For quantiles, and when there are more than 4,000 such rows: the matrix would not fit; `contrast` needs no matrix.
        """
        ok = np.flatnonzero(self.rows["status"] == "ok")
        if self.spread is None:
            raise ValueError("quantiles have no covariance; use replicate weights and take the difference yourself")
        if len(ok) > WIDEST_COVARIANCE:
            raise ValueError(
                f"a covariance of {len(ok)} estimates is too wide to hold; use contrast, or cut less finely"
            )
        return pd.DataFrame(self.spread.covariance(ok), index=ok, columns=ok)

    def beside(self, other: Estimates) -> Estimates:
        """These rows and those of another result of the same frame and design, as one result with its covariance.

        Raises
        ------
        ValueError
            For quantiles, or results of other frames, statistics or levels.
        """
        alike = (self.statistic, self.conf_level, self.read) == (other.statistic, other.conf_level, other.read)
        if self.spread is None or other.spread is None or type(self.spread) is not type(other.spread) or not alike:
            raise ValueError("only results of one frame, design, statistic and level stand beside each other")
        rows = pd.concat([self.rows, other.rows], ignore_index=True)
        df, deff = (np.concatenate([getattr(r, k) for r in (self, other)]) for k in ("df", "deff"))
        spread: Spread = self.spread.beside(other.spread)  # type: ignore[arg-type]
        return replace(self, rows=rows, df=df, deff=deff, spread=spread)

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.rows["status"].value_counts().items())
        return f"Estimates({self.statistic}, {len(self.rows)} rows: {states}; {self.read} rows read)"


@dataclass(frozen=True, slots=True)
class _Part:
    """One term in all domains."""

    term: str
    linear: linearised.Linearised
    std_error: Floats
    scores: list[sparse.csc_array] | Floats


@dataclass(frozen=True, slots=True)
class _Basis:
    """What all terms share."""

    sample: core.Sample
    where: linearised.Cut
    calibrated: linearised.Margins | None
    replicates: replicated.Replicated | None
    drawn: Ints | None  # cluster of each row, as the replicates tell
    total: bool


def estimates(
    frame: pd.DataFrame,
    *,
    variables: Sequence[str] | str,
    statistic: str = "mean",
    denominator: str | None = None,
    q: float | Sequence[float] | None = None,
    by: Sequence[str] | str | Mapping[str, str] = (),
    design: Design | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    r"""Estimate a statistic of each variable in each combination of the cut columns.

    Mean and ratio are :math:`\hat R = \sum w y / \sum w x` (x = 1 for the mean), the total is :math:`\sum w y`. Errors
    are linearised: the influence :math:`u_i = w_i (y_i - \hat R x_i) / \sum w x` (total: :math:`w_i y_i`) is added up
    within clusters, and
    :math:`v = \sum_h (1 - f_h) \frac{n_h}{n_h - 1} \sum_c (u_{hc} - \bar u_h)^2`, with the strata's full number of
    clusters, so that a domain counts as the full sample with weights of zero outside it. A second stage adds
    :math:`f_h` times the same within each cluster, where `fpc` gives the fractions of both. With a calibration, u is
    replaced by its residual on what the weights meet. With replicate weights,
    :math:`v = \sum_r a_r (\hat\theta_r - c)^2`; see `analysis.Replicates`.

    Parameters
    ----------
    frame : DataFrame
        A row a person.
    variables : str or sequence of str
        Columns; numbers or bool, any type for proportions. None named: no rows.
    statistic : {"mean", "proportion", "total", "ratio", "quantile"}
        A proportion gives a row for every code that the column has anywhere, term ``variable=code``. A quantile is the
        smallest value at which the weighted distribution reaches q (through `svy`), term ``variable`` and statistic
        ``quantile`` for one q, ``quantile_0.25`` and so on for several.
    denominator : str, optional
        Column x of a ratio, and only of a ratio.
    q : float or sequence of float, optional
        For quantiles, between 0 and 1.
    by : str, sequence of str or mapping of str to str
        Cut columns; one level of cuts a call. A mapping gives each column, its value, the name it has in the table, its
        key. Combinations without rows do not appear; rows where a cut is missing are in no domain.
    design : Design, optional
        Column names of weights, strata, clusters, fpc or replicate weights; the calibration. Absent: a simple random
        sample.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Estimates
        ``tidy()``: ``estimate`` and ``std_error`` in the variable's unit; ``conf_low``, ``conf_high`` by Student's t,
        proportions by Wilson's interval with t on the effective number (so within 0..1), quantiles by Woodruff's, with
        replicate weights by t on the quantiles under each (which a jackknife does not get right);
        degrees of freedom are the clusters less the strata that the domain has, at least 1 (replicates: their rank less
        1, at most the rows less 1); ``n`` rows with a value and a weight above zero;
        ``n_eff`` Kish's (sum w)^2 / sum w^2 of those rows, the loss by unequal weights alone. Rows are ordered by
        variable, then by cut. A domain without values is ``not_estimable``; small domains are left as they are. A mean
        or ratio of a domain that lies in one cluster has no error: none can be told from it.
        ``covariance`` holds the covariance of all rows with status ok; ``deff`` their design effects.

    Raises
    ------
    ValueError
        For unknown columns, text where numbers are needed, weights below zero or missing, a design column with holes,
        or an option that would change nothing.

    Notes
    -----
    Assumes clusters drawn with replacement, or without and `fpc` given. A missing value takes the row out of the domain
    for that variable alone. The interval of a proportion: Korn & Graubard (1998), Survey Methodology 24, with Wilson's
    form (Dean & Pagano 2015, J. Survey Statistics and Methodology 3).

    Examples
    --------
    >>> frame = pd.DataFrame({"score": [1.0, 2.0, 3.0, 4.0], "group": ["a", "a", "b", "b"]})
    >>> estimates(frame, variables="score", by="group").tidy()["estimate"].tolist()
    [1.5, 3.5]
    """
    design = design or Design()
    variables, columns = names(variables), tuple(by.values()) if isinstance(by, Mapping) else names(by)
    _check(variables, statistic, denominator, q, conf_level)
    _once_and_present(frame, variables, columns, denominator)
    cuts = by if isinstance(by, Mapping) else {c: c for c in columns}
    sample = sample_of(frame, design)
    if not variables:
        return Estimates(statistic, tidy_frame([]), np.empty(0), np.empty(0), conf_level, len(frame), None)
    domain, keys = domains(frame, cuts)
    where = linearised.cut(sample, domain, len(keys))
    if q is not None:
        return _quantiles(frame, variables, _levels(q), domain, keys, where, sample, design, conf_level)
    total = statistic == "total"
    replicates = replicated_of(frame, design)
    drawn = None if replicates is None else replicated.clusters_of(replicates, sample.weights)
    basis = _Basis(sample, where, margins_of(frame, sample, design), replicates, drawn, total)
    parts = [_part(basis, *column) for column in _columns(frame, variables, statistic, denominator)]
    rows, df = _rows(parts, keys, statistic, conf_level)
    simple = np.concatenate([p.linear.simple for p in parts])
    deff = np.divide(
        np.concatenate([p.std_error for p in parts]) ** 2, simple, where=simple > 0, out=np.full(len(df), np.nan)
    )
    return Estimates(statistic, rows, df, deff, conf_level, len(frame), _spread(basis, parts))


def _levels(q: float | Sequence[float]) -> tuple[float, ...]:
    return tuple(float(p) for p in np.atleast_1d(np.asarray(q, float)))


def _check(
    variables: tuple[str, ...],
    statistic: str,
    denominator: str | None,
    q: float | Sequence[float] | None,
    conf_level: float,
) -> None:
    if statistic not in STATISTICS:
        raise ValueError(f"unknown statistic {statistic!r}; statistics are {', '.join(STATISTICS)}")
    if (statistic == "quantile") != (q is not None):
        raise ValueError("a quantile needs q=, and only a quantile takes it")
    if q is not None and not (_levels(q) and all(0 < p < 1 for p in _levels(q))):
        raise ValueError(f"q must lie between 0 and 1, seen {q}")
    if (statistic == "ratio") != (denominator is not None):
        raise ValueError("a ratio needs denominator=, and only a ratio takes one")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")


def _once_and_present(
    frame: pd.DataFrame, variables: tuple[str, ...], cuts: tuple[str, ...], denominator: str | None
) -> None:
    for role, columns in (("variables", variables), ("by", cuts)):
        if len(set(columns)) < len(columns):
            raise ValueError(f"{role} names a column twice: {list(columns)}")
    present(frame, [*variables, *cuts, *([denominator] if denominator else [])], "estimates")


def domains(frame: pd.DataFrame, by: Mapping[str, str]) -> tuple[Ints, pd.DataFrame]:
    """Number the combinations of the cut columns that occur, in sorted order; their key columns, a row each."""
    domain = combinations(frame, tuple(by.values()))
    count = int(domain.max(initial=-1)) + 1 if by else 1
    first = np.full(count, -1, np.int64)
    first[domain[domain >= 0][::-1]] = np.flatnonzero(domain >= 0)[::-1]
    if not by:
        return domain, pd.DataFrame([place_keys((), ())])
    values = {name: _labels(frame[column].iloc[first]) for name, column in by.items()}
    keys: dict[str, object] = {name: v for name, v in values.items() if name in PLACES}
    others = [name for name in values if name not in PLACES]
    if others:
        keys["domain"] = [
            domain_key(dict(zip(others, v, strict=True))) for v in zip(*(values[o] for o in others), strict=True)
        ]
    return domain, pd.DataFrame(keys, columns=[k for k in KEYS if k in keys], dtype="str")


def _labels(values: pd.Series) -> NDArray[np.object_]:
    codes, unique = pd.factorize(values)
    return np.array([label(v) for v in unique], dtype=object)[codes]


def _columns(
    frame: pd.DataFrame, variables: tuple[str, ...], statistic: str, denominator: str | None
) -> Iterable[tuple[str, Floats, Floats | None]]:
    """Yield term, values and denominator of every row of the result, one domain set at a time."""
    if statistic != "proportion":
        x = None if denominator is None else numeric(frame, denominator)
        yield from ((v, numeric(frame, v), x) for v in variables)
        return
    for variable in variables:
        codes, unique = pd.factorize(frame[variable], sort=True)
        for k, code in enumerate(unique):
            yield f"{variable}={label(code)}", np.where(codes < 0, np.nan, (codes == k).astype(float)), None
        if not len(unique):
            yield variable, np.full(len(frame), np.nan), None


def _part(basis: _Basis, term: str, y: Floats, x: Floats | None) -> _Part:
    sample, where = basis.sample, basis.where
    linear = linearised.linearise(sample, where, y, x, total=basis.total, calibrated=basis.calibrated)
    if basis.replicates is None or basis.drawn is None:
        std_error = np.sqrt(linearised.variances(sample, where, linear, basis.calibrated))
        return _Part(term, linear, std_error, linearised.score_columns(sample, where, linear.scores))
    off = replicated.deviations(basis.replicates, where, y, x, linear.estimate, total=basis.total)
    counted = linearised.valid(sample.weights, where, y, x)[2] > 0
    clusters = replicated.drawn_clusters(basis.drawn, where, counted)
    linear = replace(linear, clusters=clusters, df=np.clip(clusters - 1, 1, basis.replicates.df))
    return _Part(term, linear, np.sqrt((off**2).sum(axis=0)), off)


def _spread(basis: _Basis, parts: Sequence[_Part]) -> Spread:
    if basis.replicates is not None:
        return replicated.Spread(np.hstack([p.scores for p in parts]))
    scores = tuple(sparse.hstack(stage, format="csc") for stage in zip(*(p.scores for p in parts), strict=True))
    none = basis.calibrated is None
    residual = None if none else sparse.hstack([p.linear.residual for p in parts], format="csc")
    return linearised.Spread(basis.sample, scores, basis.calibrated, residual)


def _rows(
    parts: Sequence[_Part],
    keys: pd.DataFrame,
    statistic: str,
    conf_level: float,
) -> tuple[pd.DataFrame, Floats]:
    linear = [p.linear for p in parts]
    estimate = np.concatenate([p.estimate for p in linear])
    n, n_eff, df, clusters = (
        np.concatenate([getattr(p, a) for p in linear]) for a in ("count", "effective", "df", "clusters")
    )
    # within one cluster the influences of a mean add up to nothing: that says nothing of its error
    blind = (clusters <= 1) & (statistic != "total") & ((n > 1) | (statistic != "proportion"))
    std_error = np.where(np.isnan(estimate) | blind, np.nan, np.concatenate([p.std_error for p in parts]))
    t = stats.t.ppf((1 + conf_level) / 2, df)
    if statistic == "proportion":
        low, high = share_interval(estimate, std_error, n, n_eff, t)
    else:
        low, high = estimate - t * std_error, estimate + t * std_error
    rows = pd.concat([keys] * len(parts), ignore_index=True)
    rows["term"] = np.repeat(np.array([p.term for p in parts], dtype=object), len(keys))
    numbers = {"estimate": estimate, "std_error": std_error, "conf_low": low, "conf_high": high, "n": n, "n_eff": n_eff}
    return tidy_frame(rows.assign(statistic=statistic, **numbers)), df


def share_interval(p: Floats, std_error: Floats, n: Floats, kish: Floats, t: Floats) -> tuple[Floats, Floats]:
    """Wilson's interval on n / deff with deff = v / (p (1 - p) / (n - 1)); on Kish's number where v is zero."""
    some = (std_error > 1e-12) & (p > 0) & (p < 1) & (n > 1)
    variance = np.where(some, std_error, 1.0) ** 2
    size = np.maximum(np.where(some, p * (1 - p) / variance * n / np.maximum(n - 1, 1), kish), 1e-12)
    size = np.where(np.isnan(std_error), np.nan, size)
    square = t**2 / size
    centre = (p + square / 2) / (1 + square)
    half = t / (1 + square) * np.sqrt(p * (1 - p) / size + square / (4 * size))
    return np.clip(np.minimum(centre - half, p), 0, 1), np.clip(np.maximum(centre + half, p), 0, 1)


def _quantiles(
    frame: pd.DataFrame,
    variables: Sequence[str],
    levels: tuple[float, ...],
    domain: Ints,
    keys: pd.DataFrame,
    where: linearised.Cut,
    sample: core.Sample,
    design: Design,
    conf_level: float,
) -> Estimates:
    """Quantiles have no influence that can be added up: `svy` inverts the interval of the distribution function."""
    from analysis.methods import svy_bridge

    tables, df = [], []
    for variable in variables:
        y = numeric(frame, variable)
        linear = linearised.linearise(sample, where, y, None)
        found = svy_bridge.quantiles(frame.assign(**{variable: y}), variable, levels, domain, design, conf_level)
        for p in levels:
            part = keys.assign(term=variable, statistic="quantile" if len(levels) == 1 else f"quantile_{p:g}")
            numbers = found[found["q"] == p].set_index("domain").reindex(range(len(keys))).drop(columns="q")
            if replicates_of(design) is None:
                numbers.loc[linear.clusters <= 1, "std_error"] = np.nan
            tables.append(part.assign(n=linear.count, n_eff=linear.effective).join(numbers))
            df.append(linear.df)
    rows = tidy_frame(pd.concat(tables, ignore_index=True))
    degrees = np.concatenate(df)
    return Estimates("quantile", rows, degrees, np.full(len(rows), np.nan), conf_level, len(frame), None)
