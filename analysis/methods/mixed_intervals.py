"""How sure are the variances of a mixed model?  Profile and bootstrap intervals.

Source: a fitted model; for the bootstrap the frame that it was fitted to, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special, stats

from analysis.core import mixed as core
from analysis.methods.mixed import MixedFit, NotFittable, fit_mixed
from analysis.tidy import tidy_frame

METHODS = ("profile", "bootstrap")
DRAWS = 500
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class MixedIntervals:
    """Intervals of a mixed model's numbers."""

    method: str  #: one of `METHODS`
    table: pd.DataFrame  #: statistic (variance, coefficient), factor, term, estimate, conf_low, conf_high, status
    draws: int  #: samples fitted; 0 for profiles
    failed: int  #: samples whose fit did not converge, left out
    n: int  #: rows of the fit

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``; a slope's variance is named ``factor|term``."""
        rows, plain = self.table, self.table["term"].isin(["(Intercept)", ""]) | (self.table["factor"] == "")
        name = (
            rows["factor"].where(plain, rows["factor"] + "|" + rows["term"]).where(rows["factor"] != "", rows["term"])
        )
        return tidy_frame(rows.drop(columns="factor").assign(term=name, n=self.n))

    def __repr__(self) -> str:
        told = f", {self.draws} draws, {self.failed} failed" if self.draws else ""
        return f"MixedIntervals({self.method}, {len(self.table)} rows{told})"


def mixed_intervals(
    fit: MixedFit,
    *,
    method: str = "profile",
    frame: pd.DataFrame | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    conf_level: float = 0.95,
) -> MixedIntervals:
    r"""Give intervals of the variances of a mixed model that know that a variance is not normal.

    Profile: all values of a standard deviation at which the criterion, all else fitted anew, lies less than the point of
    chi-squared with 1 degree of freedom above its minimum. Bootstrap: percentiles over samples drawn from the fitted model.

    Parameters
    ----------
    fit : MixedFit
        A converged fit; for profiles a gaussian one.
    method : {"profile", "bootstrap"}
        profile: variances of intercepts, of uncorrelated slopes and of the residual; those of correlated slopes are
        ``not_estimable`` this way. bootstrap: all variances and the coefficients.
    frame : DataFrame, optional
        The frame of the fit; only, and always, for the bootstrap.
    draws : int
        Samples; at least 100. Only for the bootstrap.
    seed : int
        Of the samples. Only for the bootstrap.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    MixedIntervals
        ``tidy()``: statistic variance (of the bootstrap also coefficient), in the units of `fit.components`. A low end of
        zero means that the criterion cannot tell the variance from zero.

    Raises
    ------
    ValueError
        For a fit that did not converge, unknown methods, options that change nothing, a frame that is not the fit's.

    Notes
    -----
    Source: Bates & Watts (1988), chapter 6; Bates et al. (2015), section 5.1. lme4 profiles the likelihood also of a REML
    fit; here the fit's own criterion is profiled, so fit by ``method="ml"`` to compare. Limits: profiles treat the variances
    one at a time; the parametric bootstrap believes the model.

    Examples
    --------
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 1.5, 4.0, 5.0, 4.5, 3.0, 2.5], "g": list("aaabbbcc")})
    >>> fit = fit_mixed(frame, outcome="y", random=("g",))
    >>> mixed_intervals(fit).table["conf_high"].round(2).tolist()
    [39.94, 1.06]
    """
    _check(fit, method, frame, draws, seed, conf_level)
    if frame is None:
        return MixedIntervals(method, _profiles(fit, conf_level), 0, 0, fit.n)
    return _bootstrap(fit, frame, draws, seed, conf_level)


def _check(fit: MixedFit, method: str, frame: pd.DataFrame | None, draws: int, seed: int, conf_level: float) -> None:
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; methods are {', '.join(METHODS)}")
    if fit.weighted:
        raise ValueError(
            "sampling weights leave no such intervals: take those of the replicates, in PseudoMixed.tidy()"
        )
    if not fit.converged:
        raise ValueError("the fit did not converge; there is no optimum to put intervals around")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")
    if method == "profile" and (frame is not None or draws != DRAWS or seed != 0):
        raise ValueError("frame, draws and seed only serve the bootstrap; leave them out, or say method='bootstrap'")
    if method == "profile" and fit.family != "gaussian":
        raise ValueError("profiles are for gaussian outcomes; say method='bootstrap'")
    if method == "bootstrap" and frame is None:
        raise ValueError("the bootstrap draws new outcomes for the rows of the fit: hand in its frame")
    if method == "bootstrap" and (draws != int(draws) or draws < 100):
        raise ValueError(f"draws must be a whole number of at least 100, seen {draws}")


def _profiles(fit: MixedFit, conf_level: float) -> pd.DataFrame:
    profile = _Profile(fit, float(stats.chi2.ppf(conf_level, 1)))
    rows, shape = [], fit.fit.shape
    for row in fit.components.to_dict("records"):
        own: int | None = None
        alone = True
        if row["factor"] != "residual":
            k, factor = next((k, f) for k, f in enumerate(fit.factors) if f.name == row["factor"])
            j, a = fit.moments.order.index(k), factor.slopes.index(row["term"])
            places = np.flatnonzero((shape.term == j) & (shape.row == a))
            own, alone = int(places[0]), len(factor.slopes) == 1 or not fit.moments.layout.correlated[j]
        low, high = profile.ends(own, float(np.sqrt(row["variance"]))) if alone else (np.nan, np.nan)
        keys = {"statistic": "variance", "factor": row["factor"], "term": row["term"]}
        numbers = {"estimate": row["variance"] if alone else np.nan, "conf_low": low**2, "conf_high": high**2}
        rows.append(keys | numbers | {"status": "ok" if alone else "not_estimable"})
    return pd.DataFrame(rows)


@dataclass(frozen=True, slots=True)
class _Profile:
    """The criterion with one standard deviation held."""

    fit: MixedFit
    rise: float

    def ends(self, own: int | None, sd: float) -> tuple[float, float]:
        """Least and largest standard deviation at which the criterion has risen by no more; `own` None: the residual's."""
        unit = sd if sd > 0 else self.fit.fit.sigma * 0.1

        def above(value: float) -> float:
            return self.at(own, value) - self.fit.fit.deviance - self.rise

        low = 0.0
        if sd > 0 and (own is None or above(0.0) > 0):
            low = _root(above, sd, lambda v: v / 1.5, unit)
        return low, _root(above, max(sd, 1e-3 * unit), lambda v: v * 1.5, unit)

    def at(self, own: int | None, sd: float) -> float:
        """The criterion at a standard deviation, minimised over all else."""
        moments, reml, shape = self.fit.moments, self.fit.method == "reml", self.fit.fit.shape
        theta, sigma = self.fit.fit.theta, self.fit.fit.sigma
        others = np.array([j for j in range(len(theta)) if j != own], dtype=np.int64)

        def goal(z: Floats) -> tuple[float, Floats]:
            s = sd if own is None else sigma * float(np.exp(z[-1]))
            full = np.empty(len(theta))
            full[others] = z[: len(others)]
            if own is not None:
                full[own] = sd / s / shape.bases[shape.term[own]][shape.row[own], shape.row[own]]
            found = core.slopes(moments, shape, full, reml=reml)
            logs = found.value - found.free * (1 + np.log(2 * np.pi * found.pwrss / found.free))
            value = logs + found.free * np.log(2 * np.pi * s**2) + found.pwrss / s**2
            slope = found.by_log + found.by_pwrss / s**2
            if own is None:
                return value, slope[others]
            return value, np.append(slope[others], 2 * found.free - 2 * found.pwrss / s**2 - slope[own] * full[own])

        start = theta[others]
        bounds: list[tuple[float | None, float | None]] = [(0.0 if b else None, None) for b in shape.bounded[others]]
        if own is not None:
            start, bounds = np.append(start, 0.0), [*bounds, (-5.0, 5.0)]
        if not len(start):
            return goal(start)[0]
        found = optimize.minimize(
            goal,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-13, "gtol": 1e-6, "maxiter": 200},
        )
        return float(found.fun)


def _root(above: Callable[[float], float], start: float, further: Callable[[float], float], unit: float) -> float:
    """Where the criterion has risen so far, outwards from the optimum."""
    end = further(start)
    while above(end) < 0:
        start, end = end, further(end)
        if end > 1e6 * unit or end < 1e-9 * unit:
            return end
    return float(optimize.brentq(above, min(start, end), max(start, end), xtol=1e-7 * unit))


def _bootstrap(fit: MixedFit, frame: pd.DataFrame, draws: int, seed: int, conf_level: float) -> MixedIntervals:
    used = frame[fit.columns].dropna()
    if len(used) != fit.n:
        raise ValueError(f"the fit has {fit.n} complete rows, the frame {len(used)}: hand in the frame that was fitted")
    sample, rng = _Sample.of(fit, used), np.random.default_rng(seed)
    kept, failed = [], 0
    for _ in range(draws):
        try:
            again = fit_mixed(used.assign(**{fit.outcome: sample.drawn(rng)}), **fit.call)
        except NotFittable:
            failed += 1
            continue
        failed += not again.converged
        if again.converged:
            kept.append(np.concatenate([again.components["variance"], again.coefficients["estimate"]]))
    if len(kept) < draws / 2:
        raise ValueError(
            f"{failed} of {draws} samples from the fitted model could not be fitted: it is too large for the data"
        )
    tail = (1 - conf_level) / 2
    low, high = np.quantile(np.array(kept), [tail, 1 - tail], axis=0)
    variances = fit.components[["factor", "term"]].assign(statistic="variance", estimate=fit.components["variance"])
    coefficients = fit.coefficients[["term", "estimate"]].assign(statistic="coefficient", factor="")
    table = pd.concat([variances, coefficients], ignore_index=True).assign(conf_low=low, conf_high=high, status="ok")
    return MixedIntervals("bootstrap", table, draws, failed, fit.n)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Draws outcomes from a fitted model."""

    fit: MixedFit
    base: Floats  #: (n,) fixed part
    codes: list[Any]  #: level of each row in every factor
    u: Floats  #: (n, m)
    spread: Floats  #: (n,) residual standard deviation; or trials

    @classmethod
    def of(cls, fit: MixedFit, frame: pd.DataFrame) -> _Sample:
        """Read the rows."""
        weights = fit.call.get("prior_weights") or fit.call.get("trials")
        w = np.ones(len(frame)) if weights is None else frame[weights].to_numpy(dtype=float)
        codes = [f.positions(frame) for f in fit.factors]
        if any((c < 0).any() for c in codes):
            raise ValueError("the frame has levels that the fit has not seen: hand in the frame that was fitted")
        spread = w if fit.family == "binomial" else fit.fit.sigma / np.sqrt(w)
        return cls(fit, fit.fixed.of(frame) @ fit.fit.beta, codes, fit.random.of(frame), spread)

    def drawn(self, rng: np.random.Generator) -> Floats:
        """One sample of the outcome."""
        fit, mean = self.fit, self.base.copy()
        triangles = fit.fit.shape.triangles(fit.fit.theta)
        for k, code in enumerate(self.codes):
            j = fit.moments.order.index(k)
            b = fit.fit.sigma * rng.normal(size=(fit.factors[k].size, len(triangles[j]))) @ triangles[j].T
            mean += (self.u[:, list(fit.moments.layout.uses[j])] * b[code]).sum(axis=1)
        if fit.family == "binomial":
            return rng.binomial(self.spread.astype(np.int64), special.expit(mean)).astype(float)
        return mean + rng.normal(size=len(mean)) * self.spread
