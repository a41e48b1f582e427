"""How much do groups and regions differ, and what would each be if luck were taken out?  Linear mixed models.

Source: a frame with a row a person. Random intercepts, crossed or nested, of factors and of their combinations. The
rows are read once into cell statistics; see `analysis.core.mixed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats

from analysis.core import mixed as core
from analysis.methods.design import label, numeric
from analysis.tidy import concat, place_keys, tidy_frame

METHODS = ("reml", "ml")
FAMILIES_LATER = ("binomial",)
LEVEL = 0.95
Floats = NDArray[np.float64]
Term = str | tuple[str, ...]


class NotFittable(ValueError):
    """The data cannot carry the model; the message says why."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A random factor: one column, or the combinations of several."""

    name: str  #: column names joined by ``:``
    columns: tuple[str, ...]
    levels: dict[tuple[str, ...], int]  #: position of each level, in sorted order


@dataclass(frozen=True, slots=True)
class Fixed:
    """The fixed part: how to make its columns again from another frame."""

    terms: tuple[tuple[str, ...], ...]  #: columns of each term, several for an interaction
    codes: dict[str, tuple[str, ...]]  #: levels of each factor column, the first is the reference
    names: tuple[str, ...]  #: coefficient names, ``(Intercept)`` first
    centre: Floats  #: (p,) what was subtracted from each column before the fit, 0 for the intercept


@dataclass(frozen=True, slots=True, repr=False)
class MixedFit:
    """A fitted linear mixed model."""

    formula: str  #: ``outcome ~ fixed + (1 | factor)``
    method: str  #: reml or ml
    n: int  #: rows used
    components: pd.DataFrame  #: factor, term, variance, conf_low, conf_high (outcome's unit squared); last: residual
    coefficients: pd.DataFrame  #: term, estimate, std_error, df, conf_low, conf_high (outcome's unit)
    effects: pd.DataFrame  #: factor, level, term, estimate, std_error (prediction error), n (rows)
    log_likelihood: float  #: as lme4's logLik: under REML minus half the REML criterion
    converged: bool  #: the criterion is flat and curved upwards at the optimum
    singular: bool  #: some component is zero
    factors: tuple[Factor, ...]  #: in the caller's order
    fixed: Fixed
    moments: core.Moments
    fit: core.Fit

    def tidy(self) -> pd.DataFrame:
        """Return the coefficients (statistic coefficient), variances (variance) and effects (effect) as a tidy table.

        The level of an effect stands in wave, group or region where the factor's columns are so named, otherwise in
        ``domain``; its term is the factor's name. All rows are ``not_converged`` when the fit is.
        """
        found = concat([self._coefficient_rows(), self._component_rows(), self._effect_rows()])
        return found if self.converged else found.assign(status="not_converged")

    def cell_means(self, cells: pd.DataFrame) -> pd.DataFrame:
        r"""Predict the mean of each cell: fixed part plus the sum of its random effects (shrunken mean).

        Parameters
        ----------
        cells : DataFrame
            A row a cell: the factors' columns (and those of the fixed part). A factor whose columns are not all there
            is left at zero, its mean, and adds no error; an unknown level too, but it adds the factor's variance.

        Returns
        -------
        DataFrame
            Index of `cells`; ``estimate``, ``std_error`` in the outcome's unit. The error is that of prediction,
            :math:`\sigma^2 a' C^{-1} a` with C the mixed-model equations (Henderson 1975, Biometrics 31), the variance
            components taken as known.

        Raises
        ------
        ValueError
            When a column of the fixed part is absent or holds an unknown level or a missing value.
        """
        x = _fixed_columns(cells, self.fixed) - self.fixed.centre
        z, extra = self._picked(cells)
        estimate = x @ self.fit.beta + z @ self.fit.effects
        variance = np.empty(len(cells))
        for start in range(0, len(cells), 512):
            part = slice(start, start + 512)
            a = z[part].toarray().T
            effects, beta = core.inverse_times(self.moments, self.fit.solved, a, x[part].T)
            variance[part] = (a * effects).sum(axis=0) + (x[part].T * beta).sum(axis=0)
        std_error = self.fit.sigma * np.sqrt(variance + extra)
        return pd.DataFrame({"estimate": estimate, "std_error": std_error}, index=cells.index)

    def variance_of(self, factor: str) -> float:
        """Give the variance of a factor by name, or of ``residual``."""
        return float(self.components.set_index("factor")["variance"].loc[factor])

    def _picked(self, cells: pd.DataFrame) -> tuple[sparse.csr_array, Floats]:
        """Indicator rows of the cells' levels in elimination order, and theta^2 of each unknown level."""
        starts, rows, columns = self.moments.starts, [], []
        extra = np.zeros(len(cells))
        for j, k in enumerate(self.moments.order):
            factor = self.factors[k]
            if not set(factor.columns) <= set(cells.columns):
                continue
            at = np.array([factor.levels.get(key, -1) for key in _level_keys(cells, factor.columns)], dtype=np.int64)
            extra += np.where(at < 0, self.fit.theta[j] ** 2, 0.0)
            rows.append(np.flatnonzero(at >= 0))
            columns.append(at[at >= 0] + starts[j])
        row, column = (np.concatenate(v) if v else np.zeros(0, np.int64) for v in (rows, columns))
        return sparse.csr_array((np.ones(len(row)), (row, column)), shape=(len(cells), int(starts[-1]))), extra

    def _coefficient_rows(self) -> pd.DataFrame:
        rows = self.coefficients.drop(columns="df")
        return tidy_frame(rows.assign(statistic="coefficient", n=self.n))

    def _component_rows(self) -> pd.DataFrame:
        rows = self.components.drop(columns="term").rename(columns={"factor": "term", "variance": "estimate"})
        return tidy_frame(rows.assign(statistic="variance", n=self.n))

    def _effect_rows(self) -> pd.DataFrame:
        keys = [place_keys(f.columns, level) for f in self.factors for level in f.levels]
        rows = self.effects.drop(columns=["level", "term"]).rename(columns={"factor": "term"})
        return tidy_frame(
            pd.concat([pd.DataFrame(keys), rows.reset_index(drop=True)], axis=1).assign(statistic="effect")
        )

    def __repr__(self) -> str:
        state = "converged" if self.converged else "not converged"
        return f"MixedFit({self.formula}; {self.method}, n = {self.n}, {state}{', singular' if self.singular else ''})"


def fit_mixed(
    frame: pd.DataFrame,
    *,
    outcome: str,
    fixed: Sequence[Term] = (),
    random: Sequence[Term],
    slopes: dict[str, tuple[str, ...]] | None = None,
    family: str = "gaussian",
    trials: str | None = None,
    method: str = "reml",
    prior_weights: str | None = None,
) -> MixedFit:
    r"""Fit a linear mixed model with random intercepts.

    :math:`y = X\beta + \sum_k Z_k b_k + e`, :math:`b_k \sim N(0, \tau_k^2)`, :math:`e \sim N(0, \sigma^2 / w)`.

    Parameters
    ----------
    frame : DataFrame
        A row a person. A row with a missing value in any column used is left out.
    outcome : str
        A column of numbers.
    fixed : sequence of str or tuple
        Text, category and bool columns are factors in treatment coding (first level in order is the reference, terms
        ``column=level``), numbers are linear, a tuple is a product, named ``a:b``. An intercept is always there.
    random : sequence of str or tuple
        Factors with a random intercept; a tuple is the combination of its columns.
    slopes, family, trials
        Random slopes and families other than gaussian are not offered yet.
    method : {"reml", "ml"}
        Criterion.
    prior_weights : str, optional
        Column of precisions w above zero; not sampling weights.

    Returns
    -------
    MixedFit
        Coefficients have Satterthwaite degrees of freedom and t intervals (Fai & Cornelius 1996; numerical derivatives).
        Intervals of variances are Wald's on the log scale; for a component at zero the low end is 0 and the high end
        where the criterion, the others held, has risen by the 95 % point of chi-squared with 1 degree of freedom.
        Effects carry the standard error of prediction, which counts the fixed effects' error too.

    Raises
    ------
    ValueError
        For unknown columns or options, text as outcome, weights not above zero.
    NotFittable
        When there are no complete rows or fewer than needed, the outcome is constant, a factor has fewer than two levels
        or as many levels as there are rows, or a fixed term repeats others.

    Notes
    -----
    Assumes normal, independent random effects and residuals. Source: Bates, Machler, Bolker & Walker (2015), J. Stat.
    Software 67(1), profiled criterion; tested against lme4.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 1.5, 4.0, 5.0, 4.5, 3.0, 2.5], "g": list("aaabbbcc")})
    >>> fit_mixed(frame, outcome="y", random=("g",)).components["factor"].tolist()
    ['g', 'residual']
    """
    fixed_terms, random_terms = [_columns_of(t) for t in fixed], [_columns_of(t) for t in random]
    _check(frame, outcome, fixed_terms, random_terms, slopes, family, trials, method, prior_weights)
    used = _complete(frame, outcome, fixed_terms, random_terms, prior_weights)
    y = numeric(used, outcome)
    weights = None if prior_weights is None else _positive(used, prior_weights)
    factors, codes = _factors(used, random_terms)
    part, x = _fixed(used, fixed_terms)
    _estimable(outcome, y, x, part, factors)
    moments = core.collect(y - y.mean(), x, codes, [len(f.levels) for f in factors], weights)
    fit = core.fit(moments, reml=method == "reml")
    shifted = _shifted(fit, y.mean())
    return _result(_formula(outcome, fixed_terms, factors), method, factors, part, moments, shifted)


def _columns_of(term: Term) -> tuple[str, ...]:
    return (term,) if isinstance(term, str) else tuple(term)


def _check(
    frame: pd.DataFrame,
    outcome: str,
    fixed: list[tuple[str, ...]],
    random: list[tuple[str, ...]],
    slopes: dict[str, tuple[str, ...]] | None,
    family: str,
    trials: str | None,
    method: str,
    prior_weights: str | None,
) -> None:
    if slopes:
        raise ValueError("random slopes are not offered yet; leave slopes out")
    if family != "gaussian" or trials is not None:
        raise ValueError(f"family {family!r} is not offered yet; fit_mixed takes gaussian outcomes without trials")
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; methods are {', '.join(METHODS)}")
    if not random:
        raise ValueError("a mixed model needs at least one random factor")
    if len({frozenset(r) for r in random}) < len(random):
        raise ValueError("random names the same factor twice")
    wanted = {outcome, *(c for t in (*fixed, *random) for c in t), *([prior_weights] if prior_weights else [])}
    absent = sorted(c for c in wanted if c not in frame.columns)
    if absent:
        raise ValueError(f"the frame does not have the columns {absent}")


def _complete(
    frame: pd.DataFrame,
    outcome: str,
    fixed: list[tuple[str, ...]],
    random: list[tuple[str, ...]],
    prior_weights: str | None,
) -> pd.DataFrame:
    wanted = [outcome, *(c for t in (*fixed, *random) for c in t), *([prior_weights] if prior_weights else [])]
    return frame[list(dict.fromkeys(wanted))].dropna()


def _positive(frame: pd.DataFrame, column: str) -> Floats:
    weights = numeric(frame, column)
    if (weights <= 0).any():
        raise ValueError(f"prior_weights must be above zero; {int((weights <= 0).sum())} of {len(weights)} are not")
    return weights


def _factors(frame: pd.DataFrame, terms: list[tuple[str, ...]]) -> tuple[list[Factor], list[NDArray[np.int64]]]:
    factors, codes = [], []
    coded = {c: pd.factorize(frame[c], sort=True) for t in terms for c in t}
    for columns in terms:
        key = np.zeros(len(frame), np.int64)
        for c in columns:
            key = key * max(len(coded[c][1]), 1) + coded[c][0]
        _, first, code = np.unique(key, return_index=True, return_inverse=True)
        keys = _level_keys(frame.iloc[first], columns)
        factors.append(Factor(":".join(columns), columns, {k: i for i, k in enumerate(keys)}))
        codes.append(code.astype(np.int64))
    return factors, codes


def _level_keys(frame: pd.DataFrame, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(zip(*([label(v) for v in frame[c]] for c in columns), strict=True))


def _is_factor(values: pd.Series) -> bool:
    return pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values)


def _fixed(frame: pd.DataFrame, terms: list[tuple[str, ...]]) -> tuple[Fixed, Floats]:
    codes = {}
    for c in dict.fromkeys(c for t in terms for c in t):
        if _is_factor(frame[c]):
            codes[c] = tuple(label(v) for v in pd.factorize(frame[c], sort=True)[1])
    names = ["(Intercept)"]
    for term in terms:
        names += _term_names(term, codes)
    plain = Fixed(tuple(terms), codes, tuple(names), np.zeros(len(names)))
    x = _fixed_columns(frame, plain)
    centre = x.mean(axis=0) if len(x) else np.zeros(len(names))
    centre[0] = 0.0
    return Fixed(plain.terms, codes, plain.names, centre), x - centre


def _term_names(term: tuple[str, ...], codes: dict[str, tuple[str, ...]]) -> list[str]:
    names = [""]
    for c in term:
        parts = [f"{c}={v}" for v in codes[c][1:]] if c in codes else [c]
        names = [f"{n}:{p}" if n else p for n in names for p in parts]
    return names


def _fixed_columns(frame: pd.DataFrame, fixed: Fixed) -> Floats:
    absent = sorted({c for t in fixed.terms for c in t if c not in frame.columns})
    if absent:
        raise ValueError(f"the fixed part needs the columns {absent}")
    blocks = [np.ones((len(frame), 1))]
    for term in fixed.terms:
        block = np.ones((len(frame), 1))
        for c in term:
            one = _dummies(frame[c], c, fixed.codes[c]) if c in fixed.codes else numeric(frame, c)[:, None]
            block = (block[:, :, None] * one[:, None, :]).reshape(len(frame), -1)
        blocks.append(block)
    x = np.hstack(blocks)
    if np.isnan(x).any():
        raise ValueError("the fixed part has missing values; every cell needs a value of each of its columns")
    return x


def _dummies(values: pd.Series, column: str, codes: tuple[str, ...]) -> Floats:
    text = np.array([label(v) for v in values], dtype=object)
    if not np.isin(text, np.array(codes, dtype=object)).all():
        raise ValueError(f"column {column!r} holds levels that the fit has not seen; it has {len(codes)}")
    return (text[:, None] == np.array(codes[1:], dtype=object)).astype(float)


def _estimable(outcome: str, y: Floats, x: Floats, fixed: Fixed, factors: list[Factor]) -> None:
    n, p = x.shape
    if n <= p + 1:
        raise NotFittable(f"{n} complete rows are too few for {p} fixed effects and a variance")
    if np.ptp(y) == 0:
        raise NotFittable(f"the outcome {outcome!r} is constant; there is no variance to divide")
    for factor in factors:
        if len(factor.levels) < 2:
            raise NotFittable(f"factor {factor.name!r} has {len(factor.levels)} level; a variance needs at least two")
        if len(factor.levels) >= n:
            raise NotFittable(f"factor {factor.name!r} has a level for every row; it cannot be told from the residual")
    repeated = _repeats(x)
    if repeated:
        raise NotFittable(
            f"fixed terms repeat others or are constant: {[fixed.names[j] for j in repeated]}; leave them out"
        )


def _repeats(x: Floats) -> list[int]:
    """Columns that earlier ones explain, by Gram-Schmidt on the scaled cross-products."""
    scale = np.sqrt((x**2).sum(axis=0))
    gram = (x / np.where(scale > 0, scale, 1.0)).T @ (x / np.where(scale > 0, scale, 1.0))
    kept: list[int] = []
    for j in range(len(gram)):
        inner = gram[np.ix_(kept, kept)]
        left = gram[j, j] - gram[j, kept] @ np.linalg.solve(inner, gram[kept, j]) if kept else gram[j, j]
        if left > 1e-10:
            kept.append(j)
    return [j for j in range(len(gram)) if j not in kept]


def _shifted(fit: core.Fit, mean: float) -> core.Fit:
    """Put the outcome's mean, taken out before the fit, back into the intercept."""
    beta = fit.beta.copy()
    beta[0] += mean
    return core.Fit(fit.theta, fit.sigma, fit.deviance, fit.converged, fit.solved, beta, fit.effects)


def _formula(outcome: str, fixed: list[tuple[str, ...]], factors: list[Factor]) -> str:
    parts = [":".join(t) for t in fixed] or ["1"]
    return f"{outcome} ~ {' + '.join([*parts, *(f'(1 | {f.name})' for f in factors)])}"


def _result(
    formula: str, method: str, factors: list[Factor], fixed: Fixed, moments: core.Moments, fit: core.Fit
) -> MixedFit:
    reml = method == "reml"
    live, spread = core.parameter_covariance(moments, fit, reml=reml)
    return MixedFit(
        formula,
        method,
        moments.n,
        _components(factors, moments, fit, live, spread, reml),
        _coefficients(fixed, moments, fit, live, spread),
        _effects(factors, moments, fit),
        -fit.deviance / 2,
        fit.converged and bool(np.isfinite(spread).all()),
        bool((fit.theta < core.SINGULAR).any()),
        tuple(factors),
        fixed,
        moments,
        fit,
    )


def _components(
    factors: list[Factor],
    moments: core.Moments,
    fit: core.Fit,
    live: NDArray[np.int64],
    spread: Floats,
    reml: bool,
) -> pd.DataFrame:
    z = stats.norm.ppf((1 + LEVEL) / 2)
    rows: dict[int, dict[str, Any]] = {}
    for j, k in enumerate(moments.order):
        variance = (fit.theta[j] * fit.sigma) ** 2
        at = np.flatnonzero(live == j)
        if len(at):
            gradient = np.zeros(len(spread))
            gradient[at[0]], gradient[-1] = 2 / fit.theta[j], 2 / fit.sigma
            reach = z * np.sqrt(gradient @ spread @ gradient)
            low, high = variance * np.exp(-reach), variance * np.exp(reach)
        else:
            rise = float(stats.chi2.ppf(LEVEL, 1))
            low, high = 0.0, (core.upper_limit(moments, fit, j, rise, reml=reml) * fit.sigma) ** 2
        rows[k] = {"factor": factors[k].name, "variance": variance, "conf_low": low, "conf_high": high}
    reach = z * 2 / fit.sigma * np.sqrt(spread[-1, -1])
    ends = fit.sigma**2 * np.exp(np.array([-reach, reach]))
    rows[len(factors)] = {"factor": "residual", "variance": fit.sigma**2, "conf_low": ends[0], "conf_high": ends[1]}
    table = pd.DataFrame([rows[k] for k in sorted(rows)])
    table.insert(1, "term", ["(Intercept)"] * len(factors) + [""])
    return table


def _coefficients(
    fixed: Fixed, moments: core.Moments, fit: core.Fit, live: NDArray[np.int64], spread: Floats
) -> pd.DataFrame:
    back = np.eye(len(fixed.names))
    back[0, 1:] = -fixed.centre[1:]
    estimate = back @ fit.beta
    unscaled = back @ core.fixed_covariance(moments, fit.solved) @ back.T
    std_error = fit.sigma * np.sqrt(np.diag(unscaled))
    df = core.satterthwaite(moments, fit, back, live, spread)
    reach = stats.t.ppf((1 + LEVEL) / 2, df) * std_error
    columns = {"estimate": estimate, "std_error": std_error, "df": df}
    return pd.DataFrame({"term": fixed.names} | columns | {"conf_low": estimate - reach, "conf_high": estimate + reach})


def _effects(factors: list[Factor], moments: core.Moments, fit: core.Fit) -> pd.DataFrame:
    std_error = fit.sigma * np.sqrt(core.prediction_variances(moments, fit.solved))
    position = {k: j for j, k in enumerate(moments.order)}
    tables = []
    for k, factor in enumerate(factors):
        part = slice(moments.starts[position[k]], moments.starts[position[k] + 1])
        columns = {"estimate": fit.effects[part], "std_error": std_error[part], "n": moments.count[part]}
        keys = {"factor": factor.name, "level": [":".join(v) for v in factor.levels], "term": "(Intercept)"}
        tables.append(pd.DataFrame(keys | columns))
    return pd.concat(tables, ignore_index=True)
