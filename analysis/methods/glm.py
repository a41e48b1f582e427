"""What goes with what, given how the sample was drawn?  Generalised linear models and tests under a design.

Coefficients and tests of tables come from `svy`; the errors of coefficients from `analysis.core`, as those of every estimate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, special, stats

from analysis.core import design as core
from analysis.core import linearised, replicated
from analysis.core.tails import TAILS
from analysis.methods import svy_bridge
from analysis.methods.design import Design, margins_of, names, numeric, present, replicated_of, sample_of
from analysis.tidy import tidy_frame

FAMILIES = ("gaussian", "binomial", "poisson")
STEPS = 100  # Newton's, from the full sample's coefficients
SETTLED = 1e-10  # relative move of the last one
TESTS = ("wald", "likelihood_ratio")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class GlmFit:
    """A generalised linear model with the design's errors."""

    formula: str  #: outcome ~ predictors, as fitted
    family: str  #: one of `FAMILIES`, with its canonical link
    rows: pd.DataFrame  #: tidy table, statistic ``coefficient``, on the link's scale
    covariance: pd.DataFrame  #: (K, K) of the coefficients, by term
    df: int  #: degrees of freedom: the design's less the coefficients besides the intercept

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        return f"GlmFit({self.family}: {self.formula}; n {self.rows['n'].max():.0f}, df {self.df})"


@dataclass(frozen=True, slots=True, repr=False)
class DesignTest:
    """A test under a design."""

    rows: pd.DataFrame  #: tidy table, a row a number of the test, the last one ``p_value``
    statistic: float  #: F, or 2 log likelihood ratio
    df_num: float  #: numerator degrees of freedom
    df_den: float  #: denominator degrees of freedom
    p_value: float  #: 0..1
    mixture: tuple[float, ...] = ()  #: lambda of a likelihood ratio, the design effects of what is tested

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        return f"DesignTest({self.statistic:.4g} on {self.df_num:.4g} and {self.df_den:.4g} df; p {self.p_value:.4g})"


def glm(
    frame: pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str] | str,
    family: str = "gaussian",
    design: Design | None = None,
    conf_level: float = 0.95,
) -> GlmFit:
    r"""Fit a generalised linear model by weighted estimating equations, errors by the design.

    Solves :math:`\sum_i w_i x_i (y_i - \mu_i) = 0` with the canonical link; the covariance is
    :math:`A^{-1} B A^{-1}` with :math:`A = \sum w_i \mu'_i x_i x_i^T` and B the design's variance of
    :math:`\sum_i w_i x_i (y_i - \mu_i)` (Binder 1983, International Statistical Review 51, 279-292).

    Parameters
    ----------
    frame : DataFrame
        A row a person; a row with a missing value in the outcome or a predictor stays for the
        design alone.
    outcome : str
        Numbers; for binomial 0/1 or bool.
    predictors : str or sequence of str
        Numbers are linear; text, categories and bool are factors, each against its first level.
    family : {"gaussian", "binomial", "poisson"}
        With identity, logit and log link.
    design : Design, optional
        Absent: a simple random sample.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    GlmFit
        ``tidy()``: a row a coefficient, terms ``(Intercept)``, ``x``, ``factor=level``; interval by Student's t.

    Raises
    ------
    ValueError
        For unknown columns or families, a binomial outcome other than 0 and 1, a factor with one level, predictors that
        say the same thing or tell the outcome without error, fewer clusters than coefficients.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.5, 4.0], "x": [0.0, 1.0, 2.0, 3.0]})
    >>> glm(frame, outcome="y", predictors="x").tidy()["estimate"].round(3).tolist()
    [1.05, 1.05]
    """
    design, predictors = design or Design(), names(predictors)
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")
    model = _fit(frame, outcome, predictors, family, design)
    std_error = np.sqrt(np.diag(model.covariance))
    reach = stats.t.ppf((1 + conf_level) / 2, model.df) * std_error
    rows = pd.DataFrame({"term": model.terms, "estimate": model.estimate, "std_error": std_error})
    low, high = model.estimate - reach, model.estimate + reach
    rows = rows.assign(statistic="coefficient", conf_low=low, conf_high=high, n=model.n, n_eff=model.n_eff)
    covariance = pd.DataFrame(model.covariance, index=list(model.terms), columns=list(model.terms))
    return GlmFit(_formula(outcome, predictors), family, tidy_frame(rows), covariance, model.df)


def glm_test(
    frame: pd.DataFrame,
    *,
    outcome: str,
    predictors: Sequence[str] | str,
    terms: Sequence[str] | str,
    family: str = "gaussian",
    design: Design | None = None,
    method: str = "wald",
    tail: str = "integral",
) -> DesignTest:
    r"""Test whether some predictors of a model add nothing.

    Wald: :math:`F = b^T V^{-1} b / q` on q and the model's df. Likelihood ratio (Rao & Scott 1984, Annals of Statistics
    12, 46-60): :math:`2 \log LR` of the weighted likelihoods, weights with mean 1, against
    :math:`\sum_j \lambda_j \chi^2_1 / (\chi^2_{df} / df)`, with :math:`\lambda` the eigenvalues of
    :math:`V_0^{-1} V` of the coefficients tested, V_0 their covariance were the sample simple.

    Parameters
    ----------
    frame, outcome, predictors, family, design
        As for `glm`; the likelihood ratio for binomial and poisson.
    terms : str or sequence of str
        Predictors to be tested together.
    method : {"wald", "likelihood_ratio"}
    tail : {"integral", "saddlepoint"}
        How the likelihood ratio's p-value is computed: exactly, or as R's survey does.

    Returns
    -------
    DesignTest
        ``tidy()``: term the predictors joined by ``+``; statistics ``f`` or ``likelihood_ratio``, and ``p_value``.

    Raises
    ------
    ValueError
        As `glm`; for terms that are no predictors, a likelihood ratio of a gaussian model.
    """
    design, predictors, terms = design or Design(), names(predictors), names(terms)
    strange = [t for t in terms if t not in predictors]
    if strange or not terms:
        raise ValueError(f"terms to be tested must be predictors; not among them: {strange}")
    if method not in TESTS or (method == TESTS[1] and family == "gaussian"):
        raise ValueError(f"method must be one of {', '.join(TESTS)}; a gaussian model is tested by wald")
    if tail not in TAILS or (tail != "integral" and method == "wald"):
        raise ValueError(f"tail must be one of {', '.join(TAILS)}, and is for the likelihood ratio alone")
    model = _fit(frame, outcome, predictors, family, design)
    tested = np.array([owner in terms for owner in model.owners])
    v = model.covariance[np.ix_(tested, tested)]
    b = model.estimate[tested]
    if np.linalg.matrix_rank(v, hermitian=True) < len(b):
        raise ValueError(
            f"the design leaves no error of {', '.join(terms)}: all were asked, or a level lies in one cluster; there is nothing "
            "to test"
        )
    if method == "wald":
        value = float(b @ np.linalg.solve(v, b)) / len(b)
        found, mixture = {"f": value, "p_value": float(stats.f.sf(value, len(b), model.df))}, ()
    else:
        same = frame.assign(**{outcome: np.where(model.used, numeric(frame, outcome), np.nan)})
        smaller = _fit(same, outcome, tuple(c for c in predictors if c not in terms), family, design)
        simple = np.linalg.inv(model.information)[np.ix_(tested, tested)]
        weights = np.sort(np.linalg.eigvals(np.linalg.solve(simple, v)).real)[::-1]
        mixture = tuple(weights.tolist())
        # as R's survey has it: the statistic and the weights both over the weights' mean
        value = 2 * (model.log_likelihood - smaller.log_likelihood) / weights.mean()
        found = {"likelihood_ratio": value, "p_value": TAILS[tail](value, weights / weights.mean(), model.df)}
    return replace(_tested(terms, found, len(b), model.df, model.n, model.n_eff), mixture=mixture)


def rao_scott(frame: pd.DataFrame, *, rows: str, columns: str, design: Design | None = None) -> DesignTest:
    r"""Test whether two questions go together, in a sample with a design.

    Pearson's :math:`X^2` of the weighted table, divided by the mean design effect of its cells, as F with Satterthwaite's
    degrees of freedom (Rao & Scott 1981, JASA 76, 221-230; second-order correction). With replicate weights deviations are
    from the replicates' mean, whatever their centre.

    Parameters
    ----------
    frame : DataFrame
        A row a person; a row with either value missing stays for the design alone.
    rows, columns : str
        Columns of codes.
    design : Design, optional

    Returns
    -------
    DesignTest
        ``tidy()``: term ``rows:columns``; statistics ``chisq``, ``f``, ``p_value``.

    Raises
    ------
    ValueError
        For columns that are not there or that have one value.
    """
    design = design or Design()
    present(frame, [rows, columns], "rao_scott")
    used = _whole(frame, [rows, columns])
    ready = frame[used]
    for column in (rows, columns):
        if ready[column].nunique() < 2:
            raise ValueError(f"{column!r} has fewer than two values among the answers: there is nothing to test")
    found = svy_bridge.independence(frame, rows, columns, used, design)
    if not found["f"] > 0 and found["chisq"] > 1e-9:
        raise ValueError(
            f"no error of the table of {rows!r} by {columns!r} can be told: one answer gives the other away, or its cells lie "
            "in one cluster, or all were asked; show the table itself"
        )
    w = sample_of(frame, design).weights[used]
    values = {k: found[k] for k in ("chisq", "f", "p_value")}
    effective = float(w.sum() ** 2 / (w**2).sum())
    return _tested((f"{rows}:{columns}",), values, found["df_num"], found["df_den"], int((w > 0).sum()), effective)


@dataclass(frozen=True, slots=True)
class _Model:
    """A fitted model of K coefficients."""

    terms: tuple[str, ...]
    owners: tuple[str, ...]  # (K,) predictor of each term
    estimate: Floats  # (K,)
    covariance: Floats  # (K, K)
    information: Floats  # (K, K) expected, weights with mean 1
    log_likelihood: float  # up to a constant, weights with mean 1
    df: int
    used: NDArray[np.bool_]  # (rows of the frame,)
    n: int  # rows used with a weight above zero
    n_eff: float


def _fit(frame: pd.DataFrame, outcome: str, predictors: tuple[str, ...], family: str, design: Design) -> _Model:
    """Coefficients by svy; errors by the design in full, rows that are not complete as if outside the domain."""
    kinds, used = _checked(frame, outcome, predictors, family)
    ready = frame[used]
    first = {c: _first(ready[c]) for c in kinds if isinstance(ready[c].dtype, pd.CategoricalDtype)}
    ready = ready.assign(**{c: ready[c].astype("str") for c, factor in kinds.items() if factor})
    sample = sample_of(frame, design)
    w = sample.weights[used]
    if replicated_of(frame, design) is None:
        _refuse_lone_levels(ready, [c for c, factor in kinds.items() if factor], sample, used)
    fit = svy_bridge.fit(ready, outcome, kinds, family, w, design, first)
    x, y = _matrix(ready, fit), numeric(ready, outcome)
    eta = x @ fit.estimate
    mean, spread, log_likelihood = _moments(family, y, eta)
    bread = np.linalg.inv(x.T @ (x * (w * spread)[:, None]))
    replicates = replicated_of(frame, design)
    freedom = _freedom(sample, used) if replicates is None else replicates.df
    df = freedom + 1 - len(fit.terms)
    if df < 1:
        raise ValueError(
            f"{len(fit.terms)} coefficients need more clusters: the design has {freedom} degrees of freedom"
        )
    if replicates is None:
        influence = np.zeros((len(frame), len(fit.terms)))
        influence[used] = (x * (y - mean)[:, None]) @ bread
        covariance = _covariance(frame, sample, influence, design)
    else:
        covariance = _refitted(replicates, used, x, y, family, fit.estimate)
    unit = len(w) / w.sum()
    information = np.linalg.inv(bread) * unit
    effective = float(w.sum() ** 2 / (w**2).sum())
    likelihood = unit * float(w @ log_likelihood)
    return _Model(
        fit.terms,
        fit.owners,
        fit.estimate,
        covariance,
        information,
        likelihood,
        df,
        used,
        int((w > 0).sum()),
        effective,
    )


def _refuse_lone_levels(
    ready: pd.DataFrame, factors: Sequence[str], sample: core.Sample, used: NDArray[np.bool_]
) -> None:
    """Refuse levels in one cluster: what is left of them adds up to nothing there, and so would their error."""
    first = sample.stages[0]
    cluster, counted = first.cluster[used], sample.weights[used] > 0
    if not first.factor.any():
        return  # all were asked
    for column in factors:
        clusters = pd.Series(cluster[counted]).groupby(ready[column].to_numpy()[counted]).nunique()
        if (clusters < 2).any():
            level = clusters.index[clusters < 2][0]
            raise ValueError(
                f"{column}={level} lies in one cluster, from which no error can be told: lay it together with another level"
            )


def _first(values: pd.Series) -> str:
    """First category, in the categories' order, that occurs."""
    return str(values.cat.remove_unused_categories().cat.categories[0])


def _freedom(sample: core.Sample, used: NDArray[np.bool_]) -> int:
    """First-stage clusters less strata of the rows that are used, at least 1."""
    first = sample.stages[0]
    there = np.unique(first.cluster[used & (sample.weights > 0)])
    return max(len(there) - len(np.unique(first.stratum[there])), 1)


def _checked(
    frame: pd.DataFrame, outcome: str, predictors: tuple[str, ...], family: str
) -> tuple[dict[str, bool], NDArray[np.bool_]]:
    """Refuse what cannot be fitted; say which predictors are factors and which rows are complete."""
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r}; families are {', '.join(FAMILIES)}")
    present(frame, [outcome, *predictors], "the model")
    if len({outcome, *predictors}) < len(predictors) + 1:
        raise ValueError("the model names a column twice")
    used = _whole(frame, [outcome, *predictors])
    y = numeric(frame[used], outcome)
    if family == "binomial" and not np.isin(y, (0, 1)).all():
        raise ValueError(f"a binomial outcome is 0 or 1; {outcome!r} holds other values")
    if family == "poisson" and (y < 0).any():
        raise ValueError(f"a poisson outcome is at least 0; {outcome!r} holds values below")
    for column in (outcome, *predictors):
        if frame.loc[used, column].nunique() < 2:
            raise ValueError(f"{column!r} has one value among the complete rows: there is nothing to fit")
    kinds = frame[list(predictors)].dtypes
    number = {c: pd.api.types.is_numeric_dtype(t) and not pd.api.types.is_bool_dtype(t) for c, t in kinds.items()}
    return {str(c): not is_number for c, is_number in number.items()}, used


def _whole(frame: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.bool_]:
    there = frame[list(columns)].notna().all(axis=1).to_numpy()
    if not there.any():
        raise ValueError(f"no row has a value in all of {list(columns)}")
    return there


def _refitted(
    given: replicated.Replicated, used: NDArray[np.bool_], x: Floats, y: Floats, family: str, full: Floats
) -> Floats:
    """Covariance of the coefficients by fitting again under every set of weights, (K, K)."""
    theta = np.array([_newton(x, y, w, family, full) for w in given.weights[used].T])
    centre = theta[given.coefficients > 0].mean(axis=0) if given.around_mean else full
    off = (theta - centre) * np.sqrt(given.coefficients)[:, None]
    return off.T @ off


def _newton(x: Floats, y: Floats, w: Floats, family: str, start: Floats) -> Floats:
    """Solve the weighted estimating equations."""
    at = start
    for _ in range(STEPS):
        mean, spread, _ = _moments(family, y, x @ at)
        bread = x.T @ (x * (w * spread)[:, None])
        if np.linalg.matrix_rank(bread, hermitian=True) < len(at):
            break
        move = np.linalg.solve(bread, x.T @ (w * (y - mean)))
        at = at + move
        if (np.abs(move) <= SETTLED * (np.abs(at) + SETTLED)).all():
            return at
    raise ValueError("under some replicate weights the model cannot be fitted: a level or a number has too few answers")


def _moments(family: str, y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, variance function and log likelihood (up to a constant) of each row under the canonical link."""
    if family == "gaussian":
        return eta, np.ones(len(eta)), -0.5 * (y - eta) ** 2
    if family == "binomial":
        mean = special.expit(eta)
        return mean, mean * special.expit(-eta), y * eta - np.logaddexp(0, eta)
    return np.exp(eta), np.exp(eta), y * eta - np.exp(eta)


def _matrix(frame: pd.DataFrame, fit: svy_bridge.Fitted) -> Floats:
    """Columns of the model in the order of its terms, (n, K)."""
    columns: list[Floats] = []
    for owner, level in zip(fit.owners, fit.levels, strict=True):
        if not owner:
            columns.append(np.ones(len(frame)))
        else:
            columns.append(numeric(frame, owner) if level is None else (frame[owner] == level).to_numpy().astype(float))
    return np.column_stack(columns)


def _covariance(frame: pd.DataFrame, sample: core.Sample, influence: Floats, design: Design) -> Floats:
    """Covariance of the totals of the influences, (K, K)."""
    where = linearised.cut(sample, np.zeros(len(frame), np.int64), 1)
    calibrated = margins_of(frame, sample, design)
    parts = [linearised.linearise(sample, where, z, None, total=True, calibrated=calibrated) for z in influence.T]
    columns = [linearised.score_columns(sample, where, p.scores) for p in parts]
    scores = [sparse.hstack(stage, format="csc") for stage in zip(*columns, strict=True)]
    residual = None if calibrated is None else sparse.hstack([p.residual for p in parts], format="csc")
    return linearised.covariance(sample, scores, calibrated, residual)


def _tested(
    terms: Sequence[str], values: Mapping[str, float], df_num: float, df_den: float, n: int, n_eff: float
) -> DesignTest:
    rows = [{"term": "+".join(terms), "statistic": k, "estimate": v, "n": n, "n_eff": n_eff} for k, v in values.items()]
    statistic = values["likelihood_ratio"] if "likelihood_ratio" in values else values["f"]
    return DesignTest(tidy_frame(rows), statistic, df_num, df_den, values["p_value"])


def _formula(outcome: str, predictors: Sequence[str]) -> str:
    return f"{outcome} ~ {' + '.join(predictors) or '1'}"
