"""A factor model that met its data: what every kind of fit offers, whatever the answers are taken for.

Source: `moment_fit` (answers as numbers) and `ordinal_fit` (answers as ordered categories).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.core import fit_indices
from analysis.core.structural import Release, Scores
from analysis.methods.factor_model import FactorModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one group.

    Attributes
    ----------
    values : (n, p) float
        NaN where missing.
    weights : (n,) float, optional
    cluster : (n,) int, optional
    """

    values: Floats
    weights: Floats | None = None
    cluster: Ints | None = None


def p_value(chisq: float, df: int) -> float:
    """Upper tail of the chi-square distribution; NaN without degrees of freedom."""
    return float(stats.chi2.sf(chisq, df)) if df > 0 else np.nan


class Sample(Protocol):
    """Data of all groups, with what every model of them is compared with."""

    @property
    def items(self) -> tuple[str, ...]:
        """Names."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Names; the reference first."""

    @property
    def sizes(self) -> Floats:
        """Rows of each group."""

    @property
    def n(self) -> float:
        """Rows of all groups."""

    @property
    def rows(self) -> float:
        """What RMSEA divides by."""

    @property
    def baseline(self) -> fit_indices.Test:
        """Test of the model in which nothing correlates."""

    @property
    def variances(self) -> tuple[Floats, ...]:
        """Of the answers in each group."""

    @property
    def statistics(self) -> int:
        """How many means, covariances, thresholds, correlations there are to explain."""

    def fit(self, model: FactorModel, before: Fitted | None = None) -> Fitted:
        """Fit a model, starting from another one's solution where there is one."""

    def information(self, fit: Fitted) -> Floats:
        """Expected information on the parameters, up to a factor."""

    def difference(self, less: Fitted, more: Fitted) -> tuple[float, int]:
        """Difference test of nested fits, scaled where they are; chi-square and degrees of freedom."""

    def scores(self, fit: Fitted, releases: Sequence[Release]) -> Scores:
        """Score tests of releases."""

    def srmr(self, fit: Fitted, means: bool) -> float:
        """Root mean square of standardised residuals."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model.

    Attributes
    ----------
    sample : Sample
    model : FactorModel
    x : (q,)
    covariance : (q, q)
        Of the parameters.
    test : Test
        What fit indices are made of.
    chisq : float
        Scaled, where the fit is.
    raw : float
        Not scaled.
    scaling : float
        The scaling factor; 1 where there is none.
    minimum : float
        Of the function that was minimised.
    converged : bool
    rounds : int
    """

    sample: Sample
    model: FactorModel
    x: Floats
    covariance: Floats
    test: fit_indices.Test
    chisq: float
    raw: float
    scaling: float
    minimum: float
    converged: bool
    rounds: int

    def indices(self, means: bool) -> dict[str, float]:
        """Chi-square, its degrees of freedom, CFI, RMSEA and SRMR (with residual means or without)."""
        sample = self.sample
        return {
            "chisq": self.chisq,
            "df": self.test.df,
            "cfi": fit_indices.cfi(self.test, sample.baseline),
            "rmsea": fit_indices.rmsea(self.test, sample.rows, len(sample.groups)),
            "srmr": sample.srmr(self, means),
        }
