"""What would a place's mean be if its people were made up as the registry says?  Poststratified predictions of a mixed model.

Source: a fitted model, and the registry's counts by every column that the model uses (multilevel regression and
poststratification).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, special, stats

from analysis.core import mixed as core
from analysis.methods.design import combinations, label, numeric, present
from analysis.methods.mixed import MixedFit
from analysis.tidy import place_keys, tidy_frame

SMALLEST = 10
BLOCK = 256  # units solved at once
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Poststratified:
    """Means of units by a model, weighted to the registry."""

    units: (
        pd.DataFrame
    )  #: a row a unit: its columns, count (registry), n (answers), estimate, std_error, borrowed, basis
    covariance: Floats  #: (U, U) of the units' estimates, before a small one shows its parent
    rows: pd.DataFrame  #: tidy table

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        small = int((self.units["basis"] != "").sum())
        return f"Poststratified({len(self.units)} units, {small} of which show the unit above)"


def poststratified(
    fit: MixedFit,
    registry: pd.DataFrame,
    *,
    count: str,
    by: Sequence[str],
    answers: pd.DataFrame,
    parents: Mapping[str, str] | None = None,
    minimum: int = SMALLEST,
    conf_level: float = 0.95,
) -> Poststratified:
    r"""Estimate the mean of every unit from a model and the registry: :math:`\hat\theta_u = \sum_c N_c \hat\mu_c / \sum_c N_c`.

    :math:`\hat\mu_c` is the model's prediction of cell c: of a gaussian model its mean, of a binomial one its probability.

    Parameters
    ----------
    fit : MixedFit
        A converged fit.
    registry : DataFrame
        A row a cell: the columns of the fixed part, of slopes, of the random factors and of `by`, and people. Levels of random
        factors that nobody answered from are predicted at their mean, with the factor's whole variance.
    count : str
        Column of the number of people, at least 0.
    by : sequence of str
        Columns of the registry that make the units; columns called wave, group or region fill these keys.
    answers : DataFrame
        The rows that were fitted, with the columns of `by`: to count each unit's answers.
    parents : mapping of str to str, optional
        Of a value of the last column in `by`, the unit above it: where fewer than `minimum` answered, the unit shows the
        poststratified mean of all of the parent's units. None: of all units with the same other columns.
    minimum : int
        Answers from which a unit shows its own estimate.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Poststratified
        ``tidy()``: a row a unit of statistic ``poststratified``, term = the fit's outcome, status ``pooled``, std_error by the
        model with its variances taken as known (binomial: delta method), interval normal (binomial: on the logit), n answers;
        basis: empty for an own estimate, otherwise the unit that is shown instead. A row of ``borrowed``: the share of an
        estimate that is not the unit's own, the variance that is left of its random effects over that before any answer, from
        0 to 1. Units without people in the registry are ``not_estimable``.

    Raises
    ------
    ValueError
        For a fit that did not converge, unknown columns, counts that are missing or below zero, values of the last `by` column
        that `parents` does not have, an unknown level or a hole in the fixed part.

    Notes
    -----
    Assumes that inside a cell those who answered are as those who did not. Design variables belong in the model; sampling weights
    are not used. Source: Gelman & Little (1997), Survey Methodology 23; Park, Gelman & Bafumi (2004), Political Analysis 12; the
    share that is borrowed: Gelman & Pardoe (2006), Technometrics 48, for one unit. Estimates of units need not add up to the
    direct estimate of the unit above: see `benchmarked`.

    Examples
    --------
    >>> from analysis.methods.mixed import fit_mixed
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 1.5, 4.0, 5.0, 4.5, 3.0, 2.5], "g": list("aaabbbcc")})
    >>> fit = fit_mixed(frame, outcome="y", random=("g",))
    >>> cells = pd.DataFrame({"g": list("abc"), "all": "*", "people": [50, 30, 20]})
    >>> found = poststratified(fit, cells, count="people", by=["all"], answers=frame.assign(all="*"), minimum=1)
    >>> found.units["estimate"].round(2).tolist()
    [2.66]
    """
    _check(fit, registry, count, by, answers, minimum, conf_level)
    people = numeric(registry, count)
    if np.isnan(people).any() or (people < 0).any():
        raise ValueError(f"counts in {count!r} must be numbers of at least zero and never missing")
    unit = combinations(registry, by)
    keys = registry[list(by)].iloc[_someone(unit)].reset_index(drop=True)
    own = _Sums.of(fit, registry, people, unit, len(keys))
    n = _answered(keys, answers, by)
    parent = _parents(keys, by, parents)
    above = _Sums.of(fit, registry, people, parent.codes[unit], len(parent.names))
    small = n < minimum
    units = keys.assign(count=own.people, n=n, estimate=own.estimate, std_error=own.std_error, borrowed=own.borrowed)
    for name in ("estimate", "std_error", "borrowed"):
        units[name] = np.where(small, getattr(above, name)[parent.codes], units[name])
    units["basis"] = np.where(small, np.array(parent.names, object)[parent.codes], "")
    return Poststratified(units, own.covariance, _rows(fit, units, by, conf_level))


@dataclass(frozen=True, slots=True)
class _Sums:
    """Estimates of units."""

    people: Floats
    estimate: Floats
    std_error: Floats
    borrowed: Floats
    covariance: Floats

    @classmethod
    def of(cls, fit: MixedFit, registry: pd.DataFrame, people: Floats, unit: Ints, units: int) -> _Sums:
        """Add the predictions of cells up to units."""
        x, (z, unseen) = fit.fixed.of(registry), fit.random_rows(registry)
        eta, total = x @ fit.fit.beta + z @ fit.fit.effects, np.bincount(unit, people, units)
        mu, slope = eta, np.ones(len(eta))
        if fit.family == "binomial":
            mu, slope = special.expit(eta), special.expit(eta) * special.expit(-eta)
        share = np.divide(people, total[unit], out=np.zeros(len(people)), where=total[unit] > 0)
        summed = sparse.csr_array((share * slope, (unit, np.arange(len(unit)))), shape=(units, len(unit)))
        new = (summed @ unseen).toarray()
        covariance, left, prior = (
            fit.fit.sigma**2 * v for v in _variances(fit, sparse.csr_array(summed @ z), summed @ x)
        )
        more = fit.fit.sigma**2 * new @ new.T
        covariance, left, prior = covariance + more, left + np.diag(more), prior + np.diag(more)
        estimate = np.where(total > 0, np.bincount(unit, share * mu, units), np.nan)
        error = np.where(total > 0, np.sqrt(np.diag(covariance)), np.nan)
        borrowed = np.divide(left, prior, out=np.ones(units), where=prior > 0)
        return cls(total.astype(float), estimate, error, np.clip(borrowed, 0.0, 1.0), covariance)


def _variances(fit: MixedFit, a: sparse.csr_array, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Of a'u + b'beta, over sigma^2: covariance of errors (U, U); of a'u: variance left (U,), and before any answer (U,)."""
    units = a.shape[0]
    covariance, left, prior = np.empty((units, units)), np.empty(units), np.empty(units)
    for start in range(0, units, BLOCK):
        part = slice(start, start + BLOCK)
        dense, x = a[part].toarray(), b[part]
        effects, beta = core.inverse_times(fit.moments, fit.triangles, fit.fit.solved, dense.T, x.T)
        covariance[:, part] = a @ effects + b @ beta
        alone, _ = core.inverse_times(
            fit.moments, fit.triangles, fit.fit.solved, dense.T, np.zeros((b.shape[1], len(x)))
        )
        left[part] = (dense.T * alone).sum(axis=0)
        layout = fit.moments.layout
        roots = [dense[:, layout.rows(k)].reshape(len(x), -1, len(t)) @ t for k, t in enumerate(fit.triangles)]
        prior[part] = sum((r**2).sum(axis=(1, 2)) for r in roots)
    return covariance, left, prior


def _check(
    fit: MixedFit,
    registry: pd.DataFrame,
    count: str,
    by: Sequence[str],
    answers: pd.DataFrame,
    minimum: int,
    conf_level: float,
) -> None:
    if not fit.converged:
        raise ValueError("the fit did not converge; its predictions mean nothing")
    if isinstance(by, str) or not len(by):
        raise ValueError(f"by must list at least one column, seen {by!r}")
    if not 0 < conf_level < 1 or minimum < 1:
        raise ValueError(
            f"conf_level must lie between 0 and 1 and minimum be at least 1, seen {conf_level} and {minimum}"
        )
    present(registry, [count, *by, *(c for f in fit.factors for c in f.columns)], "poststratified's registry")
    present(answers, by, "poststratified's answers")
    holes = [c for c in by if registry[c].isna().any()]
    if holes:
        raise ValueError(f"the registry has rows without a value in {holes}; every cell belongs to a unit")


def _someone(codes: Ints) -> Ints:
    """A row of each code."""
    found = np.empty(int(codes.max(initial=-1)) + 1, np.int64)
    found[codes[::-1]] = np.arange(len(codes))[::-1]
    return found


def _answered(keys: pd.DataFrame, answers: pd.DataFrame, by: Sequence[str]) -> Floats:
    """Answers of each unit."""
    sizes = answers.groupby([answers[c].map(label) for c in by], observed=True).size()
    names = [tuple(label(v) for v in row) for row in keys.itertuples(index=False)]
    return np.array([float(sizes.get(n if len(n) > 1 else n[0], 0)) for n in names])


@dataclass(frozen=True, slots=True)
class _Parents:
    """The unit above each unit."""

    codes: Ints
    names: list[str]


def _parents(keys: pd.DataFrame, by: Sequence[str], parents: Mapping[str, str] | None) -> _Parents:
    last, others = keys[by[-1]].map(label), keys[list(by[:-1])]
    if parents is None:
        above = pd.Series("all", keys.index)
    else:
        absent = sorted(set(last) - set(parents))
        if absent:
            raise ValueError(f"parents does not have {absent[:5]} of column {by[-1]!r}")
        above = last.map(dict(parents))
    table = pd.DataFrame({**{c: others[c].map(label) for c in others}, "above": above})
    codes, names = pd.factorize(pd.MultiIndex.from_frame(table))
    return _Parents(codes.astype(np.int64), [str(n[-1]) for n in names])


def _rows(fit: MixedFit, units: pd.DataFrame, by: Sequence[str], conf_level: float) -> pd.DataFrame:
    keys = pd.DataFrame([place_keys(by, [label(v) for v in row]) for row in units[list(by)].itertuples(index=False)])
    estimate, error = units["estimate"].to_numpy(), units["std_error"].to_numpy()
    z = float(stats.norm.ppf((1 + conf_level) / 2))
    if fit.family == "binomial":
        with np.errstate(invalid="ignore", divide="ignore"):
            at, reach = special.logit(estimate), z * error / (estimate * (1 - estimate))
        low, high = special.expit(at - reach), special.expit(at + reach)
    else:
        low, high = estimate - z * error, estimate + z * error
    there = ~np.isnan(estimate)
    basis = units["basis"].where(there, "").to_numpy()
    shared = keys.assign(
        term=fit.outcome, n=units["n"].to_numpy(), status=np.where(there, "pooled", "not_estimable"), basis=basis
    )
    means = shared.assign(statistic="poststratified", estimate=estimate, std_error=error, conf_low=low, conf_high=high)
    borrowed = shared.assign(statistic="borrowed", estimate=np.where(there, units["borrowed"], np.nan))
    return tidy_frame(pd.concat([means, borrowed], ignore_index=True))
