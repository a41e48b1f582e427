"""How much do groups and regions differ, and what would each be if luck were taken out?  Mixed models.

Source: a frame with a row a person. Random intercepts and slopes, crossed or nested, of factors and of their combinations.
The rows are read once into cell statistics; see `analysis.core.mixed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats

from analysis.core import mixed as core
from analysis.core import mixed_binomial as binomial
from analysis.core.mixed_cells import gathered
from analysis.core.mixed_rows import Sums
from analysis.methods.design import combinations, numeric
from analysis.methods.mixed_frame import Data, data_of
from analysis.methods.mixed_terms import Asked, Columns, Factor, Fixed, NotFittable, Slopes, Term, columns_of, repeats
from analysis.tidy import concat, place_keys, tidy_frame

METHODS = {"gaussian": ("reml", "ml"), "binomial": ("laplace", "agq")}  # the first is taken where none is named
NODES = 25  # of adaptive quadrature
LEVEL = 0.95
WIDEST_REACH = float(np.log(30))  # of a log variance, either way: beyond it the error is nearly twice the variance
FEW = 5  # levels below which the variance of a factor is hardly told from zero or from anything
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["FEW", "MixedFit", "NotFittable", "fit_mixed"]


@dataclass(frozen=True, slots=True, repr=False)
class MixedFit:
    """A fitted mixed model."""

    formula: str  #: ``outcome ~ fixed + (terms | factor)``
    method: str  #: reml, ml, laplace or agq
    n: int  #: rows used
    components: (
        pd.DataFrame
    )  #: factor, term, variance, conf_low, conf_high (outcome's unit squared, or logits'); last: residual
    correlations: pd.DataFrame  #: factor, one, other, covariance, correlation of its terms
    coefficients: pd.DataFrame  #: term, estimate, std_error, df, conf_low, conf_high (outcome's unit, or logits)
    log_likelihood: float  #: as lme4's logLik: under REML minus half the REML criterion
    converged: bool  #: the criterion is flat and curved upwards at the optimum
    singular: bool  #: some variance is zero, or some correlation one
    problems: tuple[str, ...]  #: what a reader must know, in words; empty where nothing is wrong
    factors: tuple[Factor, ...]  #: in the caller's order
    fixed: Fixed
    random: Columns  #: columns of the random terms
    moments: core.Moments
    fit: core.Fit
    call: Mapping[str, Any]  #: what `fit_mixed` was asked, the frame aside

    @property
    def family(self) -> str:
        """Distribution of the outcome: gaussian or binomial."""
        return next(name for name, methods in METHODS.items() if self.method in methods)

    @property
    def outcome(self) -> str:
        """Column of the outcome."""
        return str(self.call["outcome"])

    @property
    def columns(self) -> list[str]:
        """Columns of the frame that were used."""
        terms = [t for v in (self.call["slopes"] or {}).values() for t in v]
        terms = [*self.call["fixed"], *self.call["random"], *terms]
        extra = [c for c in (self.call["prior_weights"], self.call["trials"]) if c]
        return list(dict.fromkeys([self.outcome, *(c for t in terms for c in columns_of(t)), *extra]))

    @property
    def effects(self) -> pd.DataFrame:
        """Predicted random effects: factor, level, term, estimate, std_error (prediction error), n (rows)."""
        return pd.concat([self._effects_of(k) for k in range(len(self.factors))], ignore_index=True)

    @property
    def weighted(self) -> bool:
        """True for the fit inside a `PseudoMixed`: weights of the sample were counted, so that its own errors do not hold."""
        return "sampling_weights" in self.call

    @property
    def status(self) -> str:
        """The tidy status of its numbers: ok or not_converged."""
        return "ok" if self.converged else "not_converged"

    def tidy(self) -> pd.DataFrame:
        """Return the coefficients (statistic coefficient), variances (variance) and effects (effect) as a tidy table.

        The level of an effect stands in wave, group or region where the factor's columns are so named, otherwise in
        ``domain``; its term is the factor's name, with slopes ``factor|term``. All rows are ``not_converged`` when the fit
        is.
        """
        found = concat([self._coefficient_rows(), self._component_rows(), self._effect_rows()])
        return found if self.converged else found.assign(status="not_converged")

    def cell_means(self, cells: pd.DataFrame) -> pd.DataFrame:
        r"""Predict the mean of each cell: fixed part plus the sum of its random effects (shrunken mean).

        Parameters
        ----------
        cells : DataFrame
            A row a cell: the factors' columns (and those of the fixed part and of slopes). A factor whose columns are not
            all there is left at zero, its mean, and adds no error; an unknown level too, but it adds the factor's variance.

        Returns
        -------
        DataFrame
            Index of `cells`; ``estimate``, ``std_error`` in the outcome's unit, or logits. The error is that of prediction,
            :math:`\sigma^2 a' C^{-1} a` with C the mixed-model equations (Henderson 1975, Biometrics 31), the variance
            components taken as known.

        Raises
        ------
        ValueError
            When a column of the fixed part is absent or holds an unknown level or a missing value.
        """
        x = self.fixed.of(cells)
        z, unseen = self.random_rows(cells)
        estimate = x @ self.fit.beta + z @ self.fit.effects
        variance, triangles = np.empty(len(cells)), self.triangles
        for start in range(0, len(cells), 512):
            part = slice(start, start + 512)
            a = z[part].toarray().T
            effects, beta = core.inverse_times(self.moments, triangles, self.fit.solved, a, x[part].T)
            variance[part] = (a * effects).sum(axis=0) + (x[part].T * beta).sum(axis=0)
        std_error = self.fit.sigma * np.sqrt(variance + (unseen**2).sum(axis=1))
        return pd.DataFrame({"estimate": estimate, "std_error": std_error}, index=cells.index)

    def variance_of(self, factor: str, term: str = "(Intercept)") -> float:
        """Give the variance of a factor's term by name, or of ``residual``."""
        rows = self.components[self.components["factor"] == factor]
        return float(rows["variance"].iloc[0] if factor == "residual" else rows.set_index("term")["variance"].loc[term])

    @property
    def triangles(self) -> list[Floats]:
        """T of each factor in elimination order: sigma^2 T T' is the covariance of a level's terms."""
        return self.fit.shape.triangles(self.fit.theta)

    def random_rows(self, cells: pd.DataFrame) -> tuple[sparse.csr_array, sparse.csr_array]:
        """Rows of Z for cells, and of the levels that the fit has not seen.

        Parameters
        ----------
        cells : DataFrame
            The factors' columns and those of slopes; a factor whose columns are not all there is left at zero.

        Returns
        -------
        csr_array (n, q), csr_array (n, s)
            Z, columns in elimination order; and S, so that sigma^2 S S' is what unseen levels add to the covariance.
        """
        layout, seen, new = self.moments.layout, [], [sparse.csr_array((len(cells), 1))]
        for k, (j, t) in enumerate(zip(self.moments.order, self.triangles, strict=True)):
            factor = self.factors[j]
            if not set(factor.columns) <= set(cells.columns):
                seen.append(sparse.csr_array((len(cells), layout.levels[k] * layout.dims[k])))
                continue
            u = self.random.of(cells)[:, list(layout.uses[k])] if len(factor.slopes) > 1 else np.ones((len(cells), 1))
            at = factor.positions(cells)
            seen.append(_indicators(at, u, factor.size))
            if (at < 0).any():
                other = np.where(at < 0, combinations(cells, factor.columns), -1)
                new.append(_indicators(other, u @ t, int(other.max()) + 1))
        return sparse.csr_array(sparse.hstack(seen)), sparse.csr_array(sparse.hstack(new))

    def _effects_of(self, k: int) -> pd.DataFrame:
        factor, layout, j = self.factors[k], self.moments.layout, self.moments.order.index(k)
        blocks = core.prediction_variances(self.moments, self.fit)[j]
        std_error = self.fit.sigma * np.sqrt(np.einsum("qaa->qa", blocks))
        d = layout.dims[j]
        columns = {
            "factor": factor.name,
            "level": factor.level_names().repeat(d).to_numpy(),
            "term": np.tile(np.array(factor.slopes, object), factor.size),
            "estimate": self.fit.effects[layout.rows(j)],
            "std_error": std_error.ravel(),
            "n": self.moments.count[layout.rows(j)],
        }
        return pd.DataFrame(columns)

    def _coefficient_rows(self) -> pd.DataFrame:
        rows = self.coefficients.drop(columns="df")
        return tidy_frame(rows.assign(statistic="coefficient", n=self.n))

    def _component_rows(self) -> pd.DataFrame:
        term = with_term(self.components["factor"], self.components["term"])
        rows = self.components.drop(columns="factor").rename(columns={"variance": "estimate"})
        return tidy_frame(rows.assign(term=term, statistic="variance", n=self.n))

    def _effect_rows(self) -> pd.DataFrame:
        tables = []
        for k, factor in enumerate(self.factors):
            rows = self._effects_of(k).drop(columns=["level", "factor"])
            rows["term"] = with_term(pd.Series(factor.name, rows.index), rows["term"])
            labels = factor.level_labels()
            keys = pd.DataFrame([place_keys(labels, level) for level in zip(*labels.values(), strict=True)])
            keys = keys.loc[keys.index.repeat(len(factor.slopes))].reset_index(drop=True)
            tables.append(pd.concat([keys, rows], axis=1))
        return tidy_frame(pd.concat(tables, ignore_index=True).assign(statistic="effect"))

    def __repr__(self) -> str:
        state = "converged" if self.converged else "not converged"
        return f"MixedFit({self.formula}; {self.method}, n = {self.n}, {state}{', singular' if self.singular else ''})"


def _indicators(at: Ints, values: Floats, levels: int) -> sparse.csr_array:
    """Each row's values in the columns of its level, (n, levels * d); nothing for a level of -1."""
    known, d = np.flatnonzero(at >= 0), values.shape[1]
    columns = (at[known][:, None] * d + np.arange(d)).ravel()
    where = (np.repeat(known, d), columns)
    return sparse.csr_array((values[known].ravel(), where), shape=(len(at), levels * d))


def with_term(factor: pd.Series, term: pd.Series) -> pd.Series:
    """A factor's name, and that of a slope of it."""
    return factor.where(term.isin(["(Intercept)", ""]), factor + "|" + term.astype("str"))


def fit_mixed(
    frame: pd.DataFrame,
    *,
    outcome: str,
    fixed: Sequence[Term] = (),
    random: Sequence[Term],
    slopes: Slopes | None = None,
    correlated: bool = True,
    family: str = "gaussian",
    trials: str | None = None,
    method: str | None = None,
    nodes: int = NODES,
    prior_weights: str | None = None,
) -> MixedFit:
    r"""Fit a linear or logit mixed model with random intercepts and slopes.

    :math:`y = X\beta + \sum_k Z_k b_k + e`, :math:`b_k \sim N(0, \Sigma_k)` for each level of factor k,
    :math:`e \sim N(0, \sigma^2 / w)`; binomial: :math:`logit P = X\beta + \sum_k Z_k b_k`.

    Parameters
    ----------
    frame : DataFrame
        A row a person. A row with a missing value in any column used is left out.
    outcome : str
        A column of numbers; for binomial outcomes 0 and 1, bool, or successes out of `trials`.
    fixed : sequence of str or tuple
        Text, category and bool columns are factors in treatment coding (first level in order is the reference, terms
        ``column=level``), numbers are linear, a tuple is a product, named ``a:b``. An intercept is always there.
    random : sequence of str or tuple
        Factors with a random intercept; a tuple is the combination of its columns.
    slopes : mapping of factor to sequence of str or tuple, optional
        What differs by level beside the intercept; a factor of several columns is named ``a:b``. Terms as in `fixed`.
    correlated : bool
        True: a level's intercept and slopes have any covariance; False: none.
    family : {"gaussian", "binomial"}
        binomial: a logit model of successes.
    trials : str, optional
        For binomial outcomes: column of whole numbers out of which `outcome` counts the successes; None: 0 and 1, or bool.
    method : {"reml", "ml"} or {"laplace", "agq"}, optional
        Criterion; None: reml, for binomial outcomes laplace. agq: adaptive Gauss-Hermite quadrature, for one factor without
        slopes.
    nodes : int
        Of the quadrature.
    prior_weights : str, optional
        Column of precisions w above zero; not sampling weights.

    Returns
    -------
    MixedFit
        Coefficients have Satterthwaite degrees of freedom and t intervals (Fai & Cornelius 1996; numerical derivatives).
        Intervals of variances are Wald's on the log scale; for a component that is zero, or less than about half its error,
        the low end is 0 and the high end where the criterion, the others held, has risen by the 95 % point of chi-squared with 1
        degree of freedom.
        Effects carry the standard error of prediction, which counts the fixed effects' error too. ``problems`` says in
        words what is singular, too few or not converged. Binomial: Wald intervals by the normal law, from the Hessian over
        variances and coefficients (as glmer's); a variance at zero has its far end where the criterion has risen.

    Raises
    ------
    ValueError
        For unknown columns or options, text as outcome, weights not above zero, slopes of a factor that is not in `random`.
    NotFittable
        When there are no complete rows or fewer than needed, the outcome is constant, a factor has fewer than two levels
        or as many levels (times terms) as there are rows, a fixed or random term repeats others, the fixed part tells yes from
        no without error (separation), or crossed factors meet so often that their equations do not go into memory.

    Notes
    -----
    Assumes normal, independent random effects and residuals. Source: Bates, Machler, Bolker & Walker (2015), J. Stat.
    Software 67(1), profiled criterion; tested against lme4. Binomial rows with equal covariates are put together first, so that
    categorical covariates cost what their cells cost. Laplace's approximation understates a variance where levels have few
    trials; agq does not.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 1.5, 4.0, 5.0, 4.5, 3.0, 2.5], "g": list("aaabbbcc")})
    >>> fit_mixed(frame, outcome="y", random=("g",)).components["factor"].tolist()
    ['g', 'residual']
    """
    call = {k: v for k, v in locals().items() if k != "frame"}
    method = _checked(family, trials, method, nodes, prior_weights)
    asked = Asked.read(frame, outcome, fixed, random, slopes, prior_weights or trials)
    if family == "binomial":
        return _binomial(frame, asked, call, method)
    used = asked.complete(frame)
    data = data_of(used, asked, correlated, outcome)
    weights = None if prior_weights is None else _positive(used, prior_weights)
    sums = data.sums(weights)
    refuse_unfittable(outcome, data.varies, data, sums, len(used))
    moments = gathered(data.layout(), data.products(sums))
    fit = core.fit(moments, reml=method == "reml")
    beta = fit.beta.copy()
    beta[0] += data.rows.means[-1]
    return gaussian_result(asked, data, method, moments, replace(fit, beta=beta), call)


def _checked(family: str, trials: str | None, method: str | None, nodes: int, prior_weights: str | None) -> str:
    """The method; refuses what does not go together."""
    if family not in METHODS:
        raise ValueError(f"unknown family {family!r}; families are {', '.join(METHODS)}")
    found = method or METHODS[family][0]
    if found not in METHODS[family]:
        raise ValueError(f"unknown method {method!r} for {family} outcomes; methods are {', '.join(METHODS[family])}")
    if trials is not None and family != "binomial":
        raise ValueError("trials belongs to binomial outcomes; leave it out, or say family='binomial'")
    if prior_weights is not None and family == "binomial":
        raise ValueError("binomial outcomes take their precision from trials; leave prior_weights out")
    if nodes != NODES and found != "agq":
        raise ValueError("nodes changes nothing but adaptive quadrature; leave it out, or say method='agq'")
    if nodes != int(nodes) or not 1 <= nodes <= 100:
        raise ValueError(f"nodes must be a whole number from 1 to 100, seen {nodes}")
    return found


def _positive(frame: pd.DataFrame, column: str) -> Floats:
    weights = numeric(frame, column)
    if (weights <= 0).any():
        raise ValueError(f"prior_weights must be above zero; {int((weights <= 0).sum())} of {len(weights)} are not")
    return weights


def _binomial(frame: pd.DataFrame, asked: Asked, call: Mapping[str, Any], method: str) -> MixedFit:
    used = asked.complete(frame)
    counts = counts_of(used, asked.outcome, call["trials"])
    cells, constant = together(used, asked, *counts), binomial.constant(*counts)
    data = data_of(cells, asked, call["correlated"])
    successes, total = (cells[c].to_numpy(dtype=float) for c in (SUCCESSES, TRIALS))
    refuse_unfittable(asked.outcome, 0 < successes.sum() < total.sum(), data, data.sums(), int(total.sum()))
    if method == "agq" and (len(data.factors) > 1 or len(data.factors[0].slopes) > 1):
        raise ValueError(
            "adaptive quadrature is for one factor without slopes; leave method out for Laplace's approximation"
        )
    terms, x, u = data.in_full()
    rows = binomial.Rows(data.layout(terms), successes, total, x, u, constant)
    found = binomial_fit(rows, data, call["nodes"] if method == "agq" else None)
    return binomial_result(asked, data, method, len(used), rows, found, call)


def binomial_fit(rows: binomial.Rows, data: Data, nodes: int | None) -> binomial.Binomial:
    """Fit, and say in words where the fixed part separates."""
    try:
        return binomial.fit(rows, nodes=nodes)
    except binomial.Separated:
        raise NotFittable(
            f"the fixed terms {list(data.fixed.names[1:])} tell yes from no without error somewhere (separation), so that their"
            " coefficients have no finite value; put thin categories together, or leave a term out"
        ) from None


SUCCESSES, TRIALS = "successes ", "trials "  # with a blank, so as not to be a column of the frame


def counts_of(frame: pd.DataFrame, outcome: str, trials: str | None) -> tuple[Floats, Floats]:
    """Successes and trials of each row."""
    y = numeric(frame, outcome)
    n = np.ones(len(y)) if trials is None else numeric(frame, trials)
    if (y < 0).any() or (y > n).any() or (y != np.rint(y)).any() or (n != np.rint(n)).any():
        out_of = "0 and 1" if trials is None else f"whole numbers from 0 to {trials!r}"
        raise ValueError(f"binomial outcome {outcome!r} must hold {out_of}")
    return y, n


def together(frame: pd.DataFrame, asked: Asked, y: Floats, n: Floats) -> pd.DataFrame:
    """Rows with equal covariates as one; rows of no trial are left out."""
    columns = list(dict.fromkeys(c for t in asked.terms for c in t))
    cell = combinations(frame, columns)
    count = int(cell.max(initial=-1)) + 1
    someone = np.zeros(count, np.int64)
    someone[cell] = np.arange(len(cell))
    sums = {SUCCESSES: np.bincount(cell, y, count), TRIALS: np.bincount(cell, n, count)}
    found = frame[columns].iloc[someone].reset_index(drop=True).assign(**sums)
    return found[found[TRIALS] > 0].reset_index(drop=True)


def refuse_unfittable(outcome: str, various: bool, data: Data, sums: Sums, n: int) -> None:
    """Refuse what cannot be fitted, in words; `sums` of the rows, `n`: rows, or trials."""
    p = len(data.fixed.names)
    if n <= p + 1:
        raise NotFittable(f"{n} complete rows are too few for {p} fixed effects and a variance")
    if not various:
        raise NotFittable(f"the outcome {outcome!r} is constant; there is no variance to divide")
    for factor in data.factors:
        if factor.size < 2:
            raise NotFittable(f"factor {factor.name!r} has {factor.size} level; a variance needs at least two")
        if factor.size >= n:
            raise NotFittable(f"factor {factor.name!r} has a level for every row; it cannot be told from the residual")
        if factor.size * len(factor.slopes) >= n:
            raise NotFittable(
                f"factor {factor.name!r} has {factor.size} levels with {len(factor.slopes)} terms each, as many as the {n} rows"
                " or more; they cannot be told from the residual"
            )
    for what, x, names in (("fixed", data.x, data.fixed.names), ("random", data.u, data.random.names)):
        repeated = repeats(sums.cross(x))
        if repeated:
            raise NotFittable(
                f"{what} terms repeat others or are constant: {[names[j] for j in repeated]}; leave them out"
            )


def binomial_result(
    asked: Asked,
    data: Data,
    method: str,
    n: int,
    rows: binomial.Rows,
    found: binomial.Binomial,
    call: Mapping[str, Any],
) -> MixedFit:
    fit, m = found.fit, len(found.places)
    spread = np.pad(found.covariance[:m, :m], ((0, 1), (0, 1)))  # no residual variance to be unsure of
    far = partial(binomial.upper_limit, rows, fit)
    tables = _components(data.factors, found.moments, fit, (found.places, spread), far)
    coefficients = _coefficients(data.fixed, fit, found.covariance[m:, m:], lambda back: np.full(len(back), np.inf))
    sure = bool(np.isfinite(found.covariance).all())
    return _built(asked, data, call, method, n, tables, coefficients, sure, found.moments, fit)


def gaussian_result(
    asked: Asked, data: Data, method: str, moments: core.Moments, fit: core.Fit, call: Mapping[str, Any]
) -> MixedFit:
    spread = core.parameter_covariance(fit)
    far = partial(core.upper_limit, moments, fit, reml=method == "reml")
    components, correlations = _components(data.factors, moments, fit, spread, far)
    components = pd.concat([components, _residual_row(fit, spread[1])], ignore_index=True)
    covariance = fit.sigma**2 * core.fixed_covariance(moments, fit.solved)
    coefficients = _coefficients(data.fixed, fit, covariance, lambda back: core.satterthwaite(fit, back, spread[1]))
    sure = bool(np.isfinite(spread[1]).all())
    return _built(
        asked, data, call, method, int(moments.n), (components, correlations), coefficients, sure, moments, fit
    )


def _built(
    asked: Asked,
    data: Data,
    call: Mapping[str, Any],
    method: str,
    n: int,
    tables: tuple[pd.DataFrame, pd.DataFrame],
    coefficients: pd.DataFrame,
    sure: bool,
    moments: core.Moments,
    fit: core.Fit,
) -> MixedFit:
    """The result of either family; `sure`: the criterion is curved upwards."""
    converged, singular = fit.converged and sure, bool(fit.shape.held(fit.theta).any())
    return MixedFit(
        asked.formula,
        method,
        n,
        *tables,
        coefficients,
        -fit.deviance / 2,
        converged,
        singular,
        _problems(data.factors, *tables, converged, singular),
        tuple(data.factors),
        data.fixed,
        data.random,
        moments,
        fit,
        call,
    )


def _problems(
    factors: list[Factor], components: pd.DataFrame, correlations: pd.DataFrame, converged: bool, singular: bool
) -> tuple[str, ...]:
    found = []
    if not converged:
        found.append(
            "the fit did not converge: the criterion is not flat, or not curved upwards, where the search stopped"
        )
    empty = components[components["variance"] == 0]
    found += [f"the variance of {r.factor} ({r.term}) is zero" for r in empty.itertuples()]
    if singular and empty.empty:
        found.append("intercept and slopes of a factor are bound to each other: their correlation is one")
    found += [
        f"factor {f.name} has {f.size} levels; its variance is little more than a guess"
        for f in factors
        if f.size < FEW
    ]
    return tuple(found)


def _components(
    factors: list[Factor],
    moments: core.Moments,
    fit: core.Fit,
    spread: tuple[Ints, Floats],
    far: Callable[[int, float], float],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, pairs, triangles = [], [], fit.shape.triangles(fit.theta)
    for k, factor in enumerate(factors):
        j = moments.order.index(k)
        covariance = fit.sigma**2 * triangles[j] @ triangles[j].T
        for a, term in enumerate(factor.slopes):
            ends = _variance_interval(fit, spread, (j, a, covariance[a, a]), far)
            rows.append({"factor": factor.name, "term": term, "variance": covariance[a, a], **ends})
        pairs += _pairs(factor, covariance) if moments.layout.correlated[j] else []
    return pd.DataFrame(rows), pd.DataFrame(pairs, columns=["factor", "one", "other", "covariance", "correlation"])


def _residual_row(fit: core.Fit, spread: Floats) -> pd.DataFrame:
    reach = stats.norm.ppf((1 + LEVEL) / 2) * 2 / fit.sigma * np.sqrt(spread[-1, -1])
    low, high = fit.sigma**2 * np.exp(np.array([-reach, reach]))
    row = {"factor": "residual", "term": "", "variance": fit.sigma**2, "conf_low": low, "conf_high": high}
    return pd.DataFrame([row])


def _pairs(factor: Factor, covariance: Floats) -> list[dict[str, Any]]:
    rows, sd = [], np.sqrt(np.diag(covariance))
    for i in range(len(sd)):
        for j in range(i + 1, len(sd)):
            r = covariance[i, j] / (sd[i] * sd[j]) if sd[i] * sd[j] > 0 else np.nan
            keys = {"factor": factor.name, "one": factor.slopes[i], "other": factor.slopes[j]}
            rows.append(keys | {"covariance": covariance[i, j], "correlation": r})
    return rows


def _variance_interval(
    fit: core.Fit,
    spread: tuple[Ints, Floats],
    place: tuple[int, int, float],
    far: Callable[[int, float], float],
) -> dict[str, float]:
    """Wald's on the log of the variance; where that says nothing (zero, or nearly), from zero to where the criterion has risen."""
    j, a, variance = place
    reach = _log_reach(fit, spread, place) if variance > 0 else np.inf
    shape = fit.shape
    if reach > WIDEST_REACH:
        own = np.flatnonzero((shape.term == j) & (shape.row == a) & shape.bounded)
        top = np.array(fit.theta)
        end = far(int(own[0]), float(stats.chi2.ppf(LEVEL, 1)))
        if np.isinf(end):
            return {"conf_low": 0.0, "conf_high": np.inf}
        top[own] = end
        return {"conf_low": 0.0, "conf_high": float((shape.triangles(top)[j][a] ** 2).sum()) * fit.sigma**2}
    return {"conf_low": variance * np.exp(-reach), "conf_high": variance * np.exp(reach)}


def _log_reach(fit: core.Fit, spread: tuple[Ints, Floats], place: tuple[int, int, float]) -> float:
    """Half the width of Wald's interval of the log of a variance."""
    (j, a, variance), (places, covariance) = place, spread
    slopes = fit.shape.variance_slopes(fit.theta, j, a)[places] * fit.sigma**2
    gradient = np.append(slopes, 2 * variance / fit.sigma)
    return float(stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(gradient @ covariance @ gradient) / variance)


def _coefficients(fixed: Fixed, fit: core.Fit, covariance: Floats, degrees: Callable[[Floats], Floats]) -> pd.DataFrame:
    back = np.eye(len(fixed.names))
    back[0, 1:] = -fixed.centre[1:]
    std_error = np.sqrt(np.diag(back @ covariance @ back.T))
    df = degrees(back)
    reach = stats.t.ppf((1 + LEVEL) / 2, df) * std_error
    estimate = back @ fit.beta
    columns = {"estimate": estimate, "std_error": std_error, "df": df}
    return pd.DataFrame({"term": fixed.names} | columns | {"conf_low": estimate - reach, "conf_high": estimate + reach})
