"""What would a mixed model of everybody have said, when some were more likely to be asked than others?  Pseudo-likelihood.

Source: a frame with a row a person, sampling weights and their replicates. The usual way is another: what the sample was drawn by
stands in the model, and the predictions are weighted to the registry (`poststratified`). This one is for when that cannot be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.core import mixed as core
from analysis.core import mixed_binomial as binomial
from analysis.core import replicated
from analysis.core.mixed_cells import Layout, as_rows, gathered
from analysis.methods.design import Design, combinations, numeric, present, replicated_of
from analysis.methods.mixed import (
    METHODS,
    SUCCESSES,
    TRIALS,
    MixedFit,
    binomial_fit,
    binomial_result,
    counts_of,
    gaussian_result,
    refuse_unfittable,
    together,
    with_term,
)
from analysis.methods.mixed_frame import Data, data_of
from analysis.methods.mixed_terms import Asked, Slopes, Term, columns_of, repeats
from analysis.tidy import concat, tidy_frame

FEW_FAILED = 0.05  # share of the replicates that may fail; more, and nothing of it counts as converged
TOO_LARGE = 0.1  # part of a variance that the weights are expected to add before it is told
MOST_ZERO = 0.05  # share of replicates with a variance of zero above which its interval begins at zero
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

__all__ = ["PseudoMixed", "pseudo_mixed"]


@dataclass(frozen=True, slots=True, repr=False)
class PseudoMixed:
    """A mixed model fitted by scaled pseudo-likelihood, with the errors of replicate weights."""

    fit: MixedFit  #: under the full weights; its estimates hold, its own errors and intervals do not
    coefficients: pd.DataFrame  #: term, estimate, std_error, df, conf_low, conf_high (outcome's unit, or logits)
    components: pd.DataFrame  #: factor, term, variance, std_error, conf_low, conf_high (unit squared); last: residual
    covariance: pd.DataFrame  #: (K, K) of the coefficients, by term
    scaling: str  #: where the weights add up to the rows: ``over all rows``, or ``by`` the columns of `scale_by`
    replicates: int  #: sets of weights
    failed: int  #: sets under which the fit did not converge: left out, the others count for them
    n: int  #: rows used, with a weight above zero
    n_eff: float  #: Kish's (sum w)^2 / sum w^2 of them
    problems: tuple[str, ...]  #: what a reader must know, in words; empty where nothing is wrong

    @property
    def status(self) -> str:
        """The tidy status of its numbers: ok; not_converged where the fit, or more than 5 % of the replicates, are not."""
        return "ok" if self.fit.converged and self.failed <= FEW_FAILED * self.replicates else "not_converged"

    def tidy(self) -> pd.DataFrame:
        """Return coefficients (statistic coefficient) and variances (variance), columns as ``analysis.tidy.COLUMNS``."""
        own = self.coefficients.drop(columns="df").assign(statistic="coefficient")
        term = with_term(self.components["factor"], self.components["term"])
        rows = self.components.drop(columns="factor").rename(columns={"variance": "estimate"})
        parts = (own, rows.assign(term=term, statistic="variance"))
        return concat([tidy_frame(p.assign(n=self.n, n_eff=self.n_eff, status=self.status)) for p in parts])

    def __repr__(self) -> str:
        told = f"{self.replicates} replicates, {self.failed} failed"
        return f"PseudoMixed({self.fit.formula}; weights scaled {self.scaling}, n = {self.n}, {told}, {self.status})"


def pseudo_mixed(
    frame: pd.DataFrame,
    *,
    outcome: str,
    fixed: Sequence[Term] = (),
    random: Sequence[Term],
    slopes: Slopes | None = None,
    correlated: bool = True,
    family: str = "gaussian",
    trials: str | None = None,
    nodes: int | None = None,
    design: Design,
    scale_by: Term | None = None,
    conf_level: float = 0.95,
) -> PseudoMixed:
    r"""Fit a mixed model by scaled pseudo-likelihood, with errors by replicate weights.

    :math:`\ell(\beta, \Sigma) = \log \int \exp\{\sum_i \tilde w_i \log f(y_i \mid b)\}\, \phi(b; \Sigma)\, db`, with
    :math:`\tilde w_i = w_i\, n_u / \sum_{k \in u} w_k` for each unit u of `scale_by` and its n_u rows; absent: all rows are one
    unit. A row so counts as :math:`\tilde w_i` rows.

    Parameters
    ----------
    frame : DataFrame
        A row a person. A row with a missing value in a column of the model, or a weight of zero, is left out.
    outcome, fixed, random, slopes, correlated, family, trials
        As for `fit_mixed`.
    nodes : int, optional
        Of adaptive quadrature, for binomial outcomes with one factor without slopes; absent: Laplace's approximation.
    design : Design
        Weights, at least 0, and replicate weights.
    scale_by : str or tuple, optional
        Column or columns whose combinations the weights are scaled within. It takes differences of weights between units
        away, so it is only for weights that differ inside units; see Notes.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    PseudoMixed
        ``tidy()``: coefficients in the outcome's unit (or logits), intervals by t with the replicates' rank less 1, less the
        coefficients besides the intercept. Variances in the unit squared, intervals by t on the log scale with the error
        std_error / variance; where the variance, or more than 5 % of its replicates, are zero, from 0 to variance + t
        std_error. All errors are :math:`\sum_r a_r (\hat\theta_r - c)^2` over refits under every set of weights, scaled anew:
        a row counts as :math:`w_{ir} / w_i` rows there; see `Replicates`. ``problems`` says what failed.

    Raises
    ------
    ValueError
        As for `fit_mixed`; for a design without replicates, weights missing or below zero, a `scale_by` that changes nothing,
        fewer degrees of freedom than coefficients.
    NotFittable
        As for `fit_mixed`.

    Notes
    -----
    Weights enter the density of the answers only. Organisations and places are all there, none was drawn: at their level every
    weight is 1. Hence, if the replicates draw people, errors are about what asking everybody would have given for these very
    organisations and places: the error of an intercept or of a covariate of organisations does not count that others could have
    been there (`fit_mixed` does). Gaussian: the integral is that of a model with precision weights, as
    :math:`\sum \tilde w_i \log N(y_i; \mu_i, \sigma^2) = \sum \log N(y_i; \mu_i, \sigma^2 / \tilde w_i) - \frac 1 2 \sum \log
    \tilde w_i` where weights sum to n: estimates are those of ``fit_mixed(method="ml", prior_weights=...)``, its errors are not.
    REML has no meaning here.
    Limits: consistent as units grow, not as their number does. In units of few rows the variance between units comes out too
    large and the residual's too small, the more the more weights vary inside units, related to the answers or not (by half at
    5 rows a unit and a coefficient of variation of 1: docs/validation-mixed.md); ``problems`` says by how much where it is more
    than a tenth. Scaled within units, coefficients of what goes with the weights inside units are biased there too: overall is
    the better choice unless units were asked with very unequal chances. A bootstrap of people shakes the means of small units,
    which moves the variance in its refits up; it counts that as error unless ``centre="mean"``. Source: Rabe-Hesketh & Skrondal
    (2006), JRSS A 169, 805-827 (scaling method 2, "size"); Pfeffermann, Skinner, Holmes, Goldstein & Rasbash (1998), JRSS B 60,
    23-40; weights that sum to n overall: Savitsky & Toth (2016), Electronic J. Statistics 10.

    Examples
    --------
    >>> from analysis import Replicates
    >>> rng = np.random.default_rng(0)
    >>> frame = pd.DataFrame({"y": rng.normal(size=60), "unit": list("abcdef") * 10, "w": [1.0, 2.0, 3.0] * 20})
    >>> sets = {f"r{k}": frame["w"] * rng.multinomial(59, np.full(60, 1 / 60)) * 60 / 59 for k in range(20)}
    >>> design = Design(weights="w", replicates=Replicates(tuple(sets)))
    >>> found = pseudo_mixed(frame.assign(**sets), outcome="y", random=("unit",), design=design)
    >>> found.coefficients["estimate"].round(3).tolist()
    [0.098]
    """
    _check(design, family, trials, nodes, conf_level)
    asked = Asked.read(frame, outcome, fixed, random, slopes, trials)
    given = replicated_of(frame, design)
    assert given is not None
    used, weights = _used(frame, asked, design, trials)
    scale = _Scale.of(frame[used], weights, scale_by)
    shape = {"fixed": fixed, "random": random, "slopes": slopes, "correlated": correlated}
    call = dict(outcome=outcome, family=family, trials=trials, method=None, prior_weights=None, **shape)
    call |= {"sampling_weights": design.weights}  # `fit_mixed` has no such argument: the fit is known by it
    model = _gaussian(frame[used], asked, call) if family == "gaussian" else _binomial(frame[used], asked, call, nodes)
    once = scale.scaled(weights, np.ones(len(weights)))
    fit, full = model.fitted(once)
    theta = np.array([_again(model, fit, scale.scaled(w, w / weights)) for w in given.weights[used].T])
    df = given.df + 1 - len(fit.fixed.names)
    if df < 1:
        raise ValueError(f"{len(fit.fixed.names)} coefficients need more sets of weights: their rank is {given.df + 1}")
    found = _result(fit, full, given, theta, df, weights, scale.name, conf_level)
    return replace(found, problems=(*found.problems, *_too_large(fit, frame[used], once)))


def _check(design: Design, family: str, trials: str | None, nodes: int | None, conf_level: float) -> None:
    if family not in METHODS:
        raise ValueError(f"unknown family {family!r}; families are {', '.join(METHODS)}")
    if (trials is not None or nodes is not None) and family != "binomial":
        raise ValueError("trials and nodes belong to binomial outcomes; leave them out, or say family='binomial'")
    if nodes is not None and (nodes != int(nodes) or not 2 <= nodes <= 100):
        raise ValueError(f"nodes must be a whole number from 2 to 100, seen {nodes}; leave it out for Laplace")
    if not design.replicates:
        raise ValueError(
            "errors of a pseudo-likelihood come from replicate weights: make them by survey.replicate(frame, steps) and name them,"
            " Design(weights=..., replicates=Replicates(**made.design)); or put what the sample was drawn by into fit_mixed"
        )
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")


def _used(frame: pd.DataFrame, asked: Asked, design: Design, trials: str | None) -> tuple[NDArray[np.bool_], Floats]:
    """Rows that are used, and their weights."""
    present(frame, [str(design.weights)], "the design")
    weights = numeric(frame, str(design.weights))
    if np.isnan(weights).any() or (weights < 0).any():
        raise ValueError(f"weights in {design.weights!r} must be numbers of at least zero, none missing")
    used = frame[asked.columns].notna().all(axis=1).to_numpy() & (weights > 0)
    if trials is not None:
        used &= np.nan_to_num(numeric(frame, trials)) != 0
    return used, weights[used]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Makes weights add up to the rows of each unit."""

    name: str
    unit: Ints  #: (n,)

    @classmethod
    def of(cls, frame: pd.DataFrame, weights: Floats, by: Term | None) -> _Scale:
        """Read the units; refuse those that change nothing."""
        whole = cls("over all rows", np.zeros(len(frame), np.int64))
        if by is None:
            return whole
        columns = columns_of(by)
        present(frame, columns, "scale_by")
        found = cls(f"by {':'.join(columns)}", combinations(frame, columns))
        if (found.unit < 0).any():
            raise ValueError(
                f"scale_by {':'.join(columns)!r} is missing in {int((found.unit < 0).sum())} rows that are used"
            )
        ones = np.ones(len(frame))
        if np.allclose(found.scaled(weights, ones), whole.scaled(weights, ones), rtol=1e-9, atol=0):
            raise ValueError(f"scale_by {':'.join(columns)!r} changes no weight: leave it out")
        return found

    def scaled(self, weights: Floats, rows: Floats) -> Floats:
        """Weights that add up to the rows in each unit; `rows`: as how many each row counts."""
        total, size = np.bincount(self.unit, weights), np.bincount(self.unit, rows)
        return weights * np.divide(size, total, out=np.zeros(len(total)), where=total > 0)[self.unit]


class _Model(Protocol):
    """A model of some rows, to be fitted under any weights."""

    def fitted(self, weights: Floats) -> tuple[MixedFit, core.Fit]: ...

    def again(self, full: core.Fit, weights: Floats) -> core.Again: ...


@dataclass(frozen=True, slots=True)
class _Gaussian:
    """Answers with normal residuals."""

    asked: Asked
    data: Data
    call: dict[str, Any]
    layout: Layout

    def fitted(self, weights: Floats) -> tuple[MixedFit, core.Fit]:
        """The model under the full weights; its second part without the middle."""
        moments = replace(self._moments(weights), n=len(weights))
        fit = core.fit(moments, reml=False)
        beta = fit.beta.copy()
        beta[0] += self.data.rows.means[-1]
        full = replace(fit, beta=beta)
        return gaussian_result(self.asked, self.data, "ml", moments, full, self.call), full

    def again(self, full: core.Fit, weights: Floats) -> core.Again:
        """The optimum under other weights."""
        moments = self._moments(weights)
        if repeats(moments.xx[:-1, :-1]):
            raise np.linalg.LinAlgError
        found = core.fit_again(moments, full, reml=False)
        return replace(found, beta=found.beta + self.data.rows.means[-1] * (np.arange(len(found.beta)) == 0))

    def _moments(self, weights: Floats) -> core.Moments:
        moments = gathered(self.layout, self.data.products(self.data.sums(weights)))
        return as_rows(moments, float(weights.sum()))


@dataclass(frozen=True, slots=True)
class _Binomial:
    """Successes out of trials, rows with equal covariates together."""

    asked: Asked
    data: Data
    call: dict[str, Any]
    layout: Layout
    x: Floats
    u: Floats
    cell: Ints  #: (n,)
    y: Floats
    n: Floats
    nodes: int | None

    def fitted(self, weights: Floats) -> tuple[MixedFit, core.Fit]:
        """The model under the full weights."""
        rows = self._rows(weights)
        found, method = binomial_fit(rows, self.data, self.nodes), "laplace" if self.nodes is None else "agq"
        return binomial_result(self.asked, self.data, method, len(self.y), rows, found, self.call), found.fit

    def again(self, full: core.Fit, weights: Floats) -> core.Again:
        """The optimum under other weights."""
        rows = self._rows(weights)
        if repeats(self.x.T @ (rows.trials[:, None] * self.x)):
            raise np.linalg.LinAlgError
        return binomial.fit_again(rows, full, nodes=self.nodes)

    def _rows(self, weights: Floats) -> binomial.Rows:
        size = len(self.x)
        successes, trials = (np.bincount(self.cell, weights * v, size).astype(float) for v in (self.y, self.n))
        constant = binomial.constant(self.y, self.n, weights)
        return binomial.Rows(self.layout, successes, trials, self.x, self.u, constant)


def _gaussian(used: pd.DataFrame, asked: Asked, call: dict[str, Any]) -> _Model:
    data = data_of(used, asked, call["correlated"], asked.outcome)
    refuse_unfittable(asked.outcome, data.varies, data, data.sums(), len(used))
    return _Gaussian(asked, data, call, data.layout())


def _binomial(used: pd.DataFrame, asked: Asked, call: dict[str, Any], nodes: int | None) -> _Model:
    y, n = counts_of(used, asked.outcome, call["trials"])
    cells = together(used, asked, y, n)
    data = data_of(cells, asked, call["correlated"])
    various = 0 < float(cells[SUCCESSES].sum()) < float(cells[TRIALS].sum())
    refuse_unfittable(asked.outcome, various, data, data.sums(), int(n.sum()))
    if nodes is not None and (len(data.factors) > 1 or len(data.factors[0].slopes) > 1):
        raise ValueError("adaptive quadrature is for one factor without slopes; leave nodes out")
    cell = combinations(used, list(dict.fromkeys(c for t in asked.terms for c in t)))
    terms, x, u = data.in_full()
    return _Binomial(asked, data, call, data.layout(terms), x, u, cell, y, n, nodes)


def _again(model: _Model, fit: MixedFit, weights: Floats) -> Floats:
    """All numbers under other weights; NaN where there are none."""
    try:
        found = model.again(fit.fit, weights)
    except (np.linalg.LinAlgError, binomial.Separated):
        found = None
    if found is None or not found.converged:
        return np.full(len(fit.fixed.names) + len(fit.components), np.nan)
    return _numbers(fit, found.theta, found.sigma, found.beta)


def _numbers(fit: MixedFit, theta: Floats, sigma: float, beta: Floats) -> Floats:
    """Coefficients of the columns as they are, then the variances in the order of `components`."""
    triangles, found = fit.fit.shape.triangles(theta), beta.copy()
    found[0] -= fit.fixed.centre[1:] @ beta[1:]
    parts = [found]
    for k in range(len(fit.factors)):
        t = triangles[fit.moments.order.index(k)]
        parts.append(sigma**2 * (t**2).sum(axis=1))
    return np.concatenate([*parts, [sigma**2] if fit.family == "gaussian" else []])


def _result(
    fit: MixedFit,
    full: core.Fit,
    given: replicated.Replicated,
    theta: Floats,
    df: int,
    weights: Floats,
    scaling: str,
    conf_level: float,
) -> PseudoMixed:
    p, failed = len(fit.fixed.names), int(np.isnan(theta).any(axis=1).sum())
    found = _numbers(fit, full.theta, full.sigma, full.beta)
    covariance = replicated.refitted(given, theta, found).covariance(np.arange(len(found)))
    covariance[:] = covariance if failed <= FEW_FAILED * len(theta) else np.nan
    std_error, reach = np.sqrt(np.diag(covariance)), float(stats.t.ppf((1 + conf_level) / 2, df))
    terms, ends = list(fit.fixed.names), reach * std_error[:p]
    coefficients = pd.DataFrame({"term": terms, "estimate": found[:p], "std_error": std_error[:p], "df": float(df)})
    coefficients = coefficients.assign(conf_low=found[:p] - ends, conf_high=found[:p] + ends)
    components = fit.components[["factor", "term", "variance"]].assign(std_error=std_error[p:])
    zeros = (
        (theta[~np.isnan(theta).any(axis=1), p:] == 0).mean(axis=0) if failed < len(theta) else np.ones(len(components))
    )
    components[["conf_low", "conf_high"]] = _variance_ends(found[p:], std_error[p:], zeros > MOST_ZERO, reach)
    return PseudoMixed(
        fit,
        coefficients,
        components,
        pd.DataFrame(covariance[:p, :p], index=terms, columns=terms),
        scaling,
        len(theta),
        failed,
        len(weights),
        float(weights.sum() ** 2 / (weights**2).sum()),
        (*fit.problems, *_failures(failed, len(theta))),
    )


def _variance_ends(variance: Floats, std_error: Floats, at_zero: NDArray[np.bool_], reach: float) -> Floats:
    """Intervals of variances, (V, 2): on the log scale; from zero where they, or many of their replicates, are zero."""
    plain = at_zero | (variance == 0)
    relative = np.divide(reach * std_error, variance, out=np.zeros(len(variance)), where=~plain)
    low = np.where(plain, 0.0, variance * np.exp(-relative))
    return np.column_stack([low, np.where(plain, variance + reach * std_error, variance * np.exp(relative))])


def _failures(failed: int, count: int) -> list[str]:
    if not failed:
        return []
    told = f"under {failed} of {count} sets of replicate weights the fit did not converge; "
    if failed > FEW_FAILED * count:
        return [told + f"more than {FEW_FAILED:.0%}: there are no errors"]
    return [told + "they are left out of the errors, and the others count for them"]


def _too_large(fit: MixedFit, used: pd.DataFrame, weights: Floats) -> list[str]:
    """Variances of intercepts to which the weights add: sigma^2 (sum w^2 / (sum w)^2 - 1 / sum w), levels weighted by sum w."""
    told = []
    for factor in fit.factors if fit.family == "gaussian" else ():
        at, variance = factor.positions(used), fit.variance_of(factor.name)
        total, squares = np.bincount(at, weights), np.bincount(at, weights**2)
        more = fit.variance_of("residual") * float((squares / total - 1).sum() / total.sum())
        if more > TOO_LARGE * variance > 0:
            rows = len(at) / factor.size
            told.append(
                f"the variance of {factor.name} is too large by about {more:.2g} (of {variance:.2g}): weights differ, and a level"
                f" has {rows:.0f} rows; put what the sample was drawn by into the model instead"
            )
    return told
