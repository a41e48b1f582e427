"""How well does a factor model fit?  Indices from the chi-square of the model and of the baseline (no covariances).

CFI: Bentler (1990), Psychological Bulletin 107; TLI: Tucker & Lewis (1973), Psychometrika 38; RMSEA and its interval: Steiger &
Lind (1980), Browne & Cudeck (1992), Sociological Methods & Research 21; SRMR: Bentler (1995). With a scaling factor c they are
those of Brosseau-Liard, Savalei & Li (2012), Multivariate Behavioral Research 47, and Brosseau-Liard & Savalei (2014), 49.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Test:
    """A chi-square that is not scaled, its degrees of freedom, and the factor by which it is too large."""

    chisq: float
    df: int
    factor: float = 1.0

    @property
    def excess(self) -> float:
        """What is left of the chi-square above its expectation, not below zero."""
        return max(self.chisq - self.factor * self.df, 0.0)


def cfi(model: Test, baseline: Test) -> float:
    """1 - excess of the model / excess of the baseline; 1 where neither has one."""
    worst = max(model.excess, baseline.excess)
    return 1.0 if worst == 0 else 1 - model.excess / worst


def tli(model: Test, baseline: Test) -> float:
    """1 - (excess / df) of the model / (excess / df) of the baseline, not cut at its ends."""
    if not model.df or not baseline.df:
        return 1.0
    own = (model.chisq - model.factor * model.df) / model.df
    other = (baseline.chisq - baseline.factor * baseline.df) / baseline.df
    return 1 - own / other if other else 1.0


def rmsea(model: Test, n: float, groups: int) -> float:
    """Root of groups x excess / (n df)."""
    return float(np.sqrt(groups * model.excess / (n * model.df))) if model.df else 0.0


def rmsea_interval(model: Test, n: float, groups: int, conf_level: float) -> tuple[float, float]:
    """Interval of `rmsea` by the non-central chi-square distribution."""
    if not model.df:
        return 0.0, 0.0
    if np.isnan(model.chisq / model.factor):
        return np.nan, np.nan
    tail, scaled = (1 - conf_level) / 2, model.chisq / model.factor
    ends = (_noncentrality(scaled, model.df, 1 - tail), _noncentrality(scaled, model.df, tail))
    low, high = (float(np.sqrt(groups * end * model.factor / (n * model.df))) for end in ends)
    return low, high


def _noncentrality(chisq: float, df: int, probability: float) -> float:
    """The non-centrality under which a smaller chi-square has this probability; 0 where there is none."""
    if stats.chi2.cdf(chisq, df) <= probability:
        return 0.0
    high = max(chisq, 1.0)
    while stats.ncx2.cdf(chisq, df, high) > probability:
        high *= 2
    return float(optimize.brentq(lambda at: stats.ncx2.cdf(chisq, df, at) - probability, 1e-12, high, xtol=1e-10))


def srmr(
    cov: Sequence[Floats],
    mean: Sequence[Floats],
    told: Sequence[Floats],
    told_mean: Sequence[Floats],
    n: Floats,
    means: bool,
) -> float:
    """Root mean square of residual correlations (and of standardised residual means), groups weighted by rows."""
    each = []
    for s, m, sigma, mu in zip(cov, mean, told, told_mean, strict=True):
        scale = np.sqrt(np.diag(s))
        rest = ((s - sigma) / np.outer(scale, scale))[np.tril_indices(len(s))]
        off = (m - mu) / scale if means else np.zeros(0)
        each.append(np.sqrt(np.mean(np.concatenate([rest, off]) ** 2)))
    return float(np.average(each, weights=n))
