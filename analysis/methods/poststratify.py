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
WIDEST = 2000  # units whose covariance is kept
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Poststratified:
    """Means of units by a model, weighted to the registry."""

    units: (
        pd.DataFrame
    )  #: a row a unit: its columns, count (registry), n (answers), estimate, std_error, borrowed, basis
    covariance: (
        Floats | None
    )  #: (U, U) of the units' estimates, before a small one shows its parent; None for over 2,000
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
        The rows that were fitted, with the columns of `by`: to count each unit's answers, and what they weigh.
    parents : mapping of str to str, optional
        Of a value of the last column in `by`, the unit above it: where fewer than `minimum` answered, the unit shows the
        poststratified mean of all of the parent's units. None: of all units with the same other columns.
    minimum : int
        Answers from which a unit shows its own estimate; 0: every unit does, also one that nobody answered from.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Poststratified
        ``tidy()``: a row a unit of statistic ``poststratified``, term = the fit's outcome, status ``pooled``, std_error by the
        model with its variances taken as known (binomial: delta method), interval normal (binomial: on the logit), n answers;
        basis: empty for an own estimate, otherwise the unit that is shown instead. A row of ``borrowed``: the share of an
        estimate that is not the unit's own. An estimate is a sum of answers, each times a weight, and the weights add up to 1
        (binomial: of the last step's working answers); own is what the unit's own answers weigh, and the rest is borrowed, from 0
        to 1. Units without people in the registry are ``not_estimable``.

    Raises
    ------
    ValueError
        For a fit that did not converge, unknown columns, counts that are missing or below zero, values of the last `by` column
        that `parents` does not have, an unknown level or a hole in the fixed part.

    Notes
    -----
    Assumes that inside a cell those who answered are as those who did not. Design variables belong in the model; sampling weights
    are not used. Source: Gelman & Little (1997), Survey Methodology 23; Park, Gelman & Bafumi (2004), Political Analysis 12. With
    one factor the share that is borrowed is Fay & Herriot's 1 - gamma, less what the unit adds to the mean. Estimates of units
    need not add up to the direct estimate of the unit above: see `benchmarked`.

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
    parent = _parents(keys, by, parents)
    asked = _Asked(answers, _unit_of(keys, answers, by), len(keys))
    own = _Sums.of(fit, registry, people, unit, asked)
    n: Floats = np.bincount(asked.unit[asked.unit >= 0], minlength=len(keys)).astype(float)
    above = _Sums.of(fit, registry, people, parent.codes[unit], asked.put_into(parent))
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
    covariance: Floats | None

    @classmethod
    def of(cls, fit: MixedFit, registry: pd.DataFrame, people: Floats, unit: Ints, asked: _Asked) -> _Sums:
        """Add the predictions of cells up to units."""
        units = asked.units
        x, (z, unseen) = fit.fixed.of(registry), fit.random_rows(registry)
        eta, total = x @ fit.fit.beta + z @ fit.fit.effects, np.bincount(unit, people, units)
        mu, slope = eta, np.ones(len(eta))
        if fit.family == "binomial":
            mu, slope = special.expit(eta), special.expit(eta) * special.expit(-eta)
        share = np.divide(people, total[unit], out=np.zeros(len(people)), where=total[unit] > 0)
        summed = sparse.csr_array((share * slope, (unit, np.arange(len(unit)))), shape=(units, len(unit)))
        new, scale = sparse.csr_array(summed @ unseen), fit.fit.sigma**2
        found = _variances(fit, sparse.csr_array(summed @ z), summed @ x, asked)
        more = np.asarray(new.multiply(new).sum(axis=1)).ravel()
        variance = scale * (found.error + more)
        covariance = None if found.covariance is None else scale * (found.covariance + (new @ new.T).toarray())
        estimate = np.where(total > 0, np.bincount(unit, share * mu, units), np.nan)
        error = np.where(total > 0, np.sqrt(variance), np.nan)
        # the weights add up to what the sum's slopes do: 1, or p (1 - p) of a logit model
        weight = np.bincount(unit, share * slope, units)
        borrowed = 1 - np.divide(found.own, weight, out=np.zeros(units), where=weight > 0)
        return cls(total.astype(float), estimate, error, np.clip(borrowed, 0.0, 1.0), covariance)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The answers, and the unit of each."""

    answers: pd.DataFrame
    unit: Ints  #: (n,) -1 for an answer from no unit of the registry
    units: int

    def put_into(self, parent: _Parents) -> _Asked:
        """The same answers in the units above."""
        above = np.append(parent.codes, -1)[self.unit]
        return _Asked(self.answers, above, len(parent.names))

    def equations(self, fit: MixedFit) -> tuple[sparse.csr_array, Floats]:
        """What each unit's answers bring into the mixed-model equations if all answer 1: Z'W1 (U, q) and X'W1 (U, p)."""
        used = self.answers[fit.columns].notna().all(axis=1).to_numpy() & (self.unit >= 0)
        rows = self.answers[used]
        x, (z, _) = fit.fixed.of(rows), fit.random_rows(rows)
        where = (self.unit[used], np.arange(len(rows)))
        sums = sparse.csr_array((_weights(fit, rows, x, z), where), shape=(self.units, len(rows)))
        return sparse.csr_array(sums @ z), sums @ x


def _weights(fit: MixedFit, rows: pd.DataFrame, x: Floats, z: sparse.csr_array) -> Floats:
    """Precision of each answer in the equations: its prior weight, or n p (1 - p)."""
    if fit.family == "binomial":
        eta = x @ fit.fit.beta + z @ fit.fit.effects
        trials = fit.call["trials"]
        return (numeric(rows, trials) if trials else np.ones(len(rows))) * special.expit(eta) * special.expit(-eta)
    given = fit.call["prior_weights"]
    return numeric(rows, given) if given else np.ones(len(rows))


@dataclass(frozen=True, slots=True)
class _Variances:
    """Of U sums a'u + b'beta, over sigma^2."""

    error: Floats  #: (U,) variance of the error
    own: Floats  #: (U,) what the unit's own answers weigh in it (not over sigma^2)
    covariance: Floats | None  #: (U, U) of the errors


def _variances(fit: MixedFit, a: sparse.csr_array, b: Floats, asked: _Asked) -> _Variances:
    units, (own_z, own_x) = a.shape[0], asked.equations(fit)
    error, own = np.empty(units), np.empty(units)
    covariance = np.empty((units, units)) if units <= WIDEST else None
    for start in range(0, units, BLOCK):
        part = slice(start, start + BLOCK)
        dense, x = a[part].toarray(), b[part]
        effects, beta = core.inverse_times(fit.moments, fit.triangles, fit.fit.solved, dense.T, x.T)
        error[part] = (dense.T * effects).sum(axis=0) + (x.T * beta).sum(axis=0)
        own[part] = own_z[part].multiply(effects.T).sum(axis=1) + (own_x[part] * beta.T).sum(axis=1)
        if covariance is not None:
            covariance[:, part] = a @ effects + b @ beta
    return _Variances(error, own, covariance)


def _check(
    fit: MixedFit,
    registry: pd.DataFrame,
    count: str,
    by: Sequence[str],
    answers: pd.DataFrame,
    minimum: int,
    conf_level: float,
) -> None:
    if fit.weighted:
        raise ValueError("the fit counts sampling weights, so that its errors do not hold; fit by fit_mixed")
    if not fit.converged:
        raise ValueError("the fit did not converge; its predictions mean nothing")
    if isinstance(by, str) or not len(by):
        raise ValueError(f"by must list at least one column, seen {by!r}")
    if not 0 < conf_level < 1 or minimum < 0:
        raise ValueError(
            f"conf_level must lie between 0 and 1 and minimum be at least 0, seen {conf_level} and {minimum}"
        )
    present(registry, [count, *by, *(c for f in fit.factors for c in f.columns)], "poststratified's registry")
    present(answers, [*by, *fit.columns], "poststratified's answers")
    holes = [c for c in by if registry[c].isna().any()]
    if holes:
        raise ValueError(f"the registry has rows without a value in {holes}; every cell belongs to a unit")


def _someone(codes: Ints) -> Ints:
    """A row of each code."""
    found = np.empty(int(codes.max(initial=-1)) + 1, np.int64)
    found[codes[::-1]] = np.arange(len(codes))[::-1]
    return found


def _unit_of(keys: pd.DataFrame, answers: pd.DataFrame, by: Sequence[str]) -> Ints:
    """Unit of each answer, by the text of its columns."""
    units, seen = (pd.MultiIndex.from_arrays([t[c].map(label) for c in by]) for t in (keys, answers))
    return units.get_indexer(seen).astype(np.int64)


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
