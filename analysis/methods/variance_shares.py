"""How much of the differences between answers lies between organisations, between places, between waves, and between people?

Source: a fitted mixed model (`fit_mixed`): its components, and its fixed part where waves are in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.core import mixed as core
from analysis.methods.mixed import MixedFit
from analysis.tidy import domain_key, tidy_frame

Floats = NDArray[np.float64]
LEVEL = 0.95  # of the fit's own intervals
LOGIT_RESIDUAL = np.pi**2 / 3  # variance of the standard logistic law


@dataclass(frozen=True, slots=True, repr=False)
class VarianceShares:
    """Parts of a variance."""

    #: part, variance, variance_low, variance_high (outcome's unit squared), share, conf_low, conf_high
    parts: pd.DataFrame
    rows: pd.DataFrame  #: tidy table

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        return "VarianceShares(" + ", ".join(f"{r.part} {r.share:.3f}" for r in self.parts.itertuples()) + ")"


def variance_shares(
    fit: MixedFit, *, names: Mapping[str, str] | None = None, across: str | None = None, conf_level: float = 0.95
) -> VarianceShares:
    r"""Divide the variance of an outcome among the factors of a model: :math:`v_k / \sum_j v_j`.

    Parameters
    ----------
    fit : MixedFit
        Random intercepts only: with slopes a factor's variance depends on where one looks.
    names : mapping of str to str, optional
        What the parts are called; factors that it does not have keep their names, the last part is ``residual``.
    across : str, optional
        A column in the fixed part whose levels count as a part too (the waves): the variance of its effects over the rows, less
        what their errors add, :math:`\hat\beta' S \hat\beta - tr(S V)`, at least 0 (Nakagawa & Schielzeth 2013, Methods in Ecology
        and Evolution 4; S the covariance of its columns over the rows, V of the coefficients).
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    VarianceShares
        ``tidy()``: statistic ``variance_share``, domain ``part=...``, between 0 and 1, `n` rows of the fit. Of a binomial model
        the last part is the logistic law's :math:`\pi^2/3` and shares are of the logit's variance.

    Raises
    ------
    ValueError
        For a model with slopes, or an `across` that is not in its fixed part.

    Notes
    -----
    Other fixed effects are taken out and belong to no part. The interval of a variance is that of analysis of variance with as
    many groups: :math:`\hat v + \epsilon` is :math:`(v + \epsilon) \chi^2_{L-1} / (L - 1)`, L levels, with the noise
    :math:`\epsilon` such that the fit's standard error comes out; at a variance of zero from 0 to where the criterion has risen.
    A share's follows from those of its own part and of all others together as in MOVER (Zou & Donner 2008, Statistics in
    Medicine 27), on the log of their ratio; parts are taken as estimated independently of each other. In 300 made federations of
    5, 8 and 16 organisations by 40 counties 95 % intervals held the truth in 92 to 97 %.

    Examples
    --------
    >>> from analysis.methods.mixed import fit_mixed
    >>> frame = pd.DataFrame({"y": [1.0, 2.0, 1.5, 4.0, 5.0, 4.5, 3.0, 2.5], "g": list("aaabbbcc")})
    >>> variance_shares(fit_mixed(frame, outcome="y", random=("g",))).parts["share"].round(2).tolist()
    [0.91, 0.09]
    """
    if any(len(factor.slopes) > 1 for factor in fit.factors):
        raise ValueError("a model with slopes has no one variance for each factor; leave the slopes out")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")
    called, z = names or {}, float(stats.norm.ppf((1 + conf_level) / 2))
    levels = {factor.name: factor.size for factor in fit.factors} | {"residual": fit.n}
    parts = [_component(row, levels[row["factor"]], z) for row in fit.components.to_dict("records")]
    if fit.family == "binomial":
        parts.append(_Part("residual", LOGIT_RESIDUAL, LOGIT_RESIDUAL, LOGIT_RESIDUAL))
    if across is not None:
        parts.insert(-1, _waves(fit, across, z))
    table = _shared([_Part(called.get(p.name, p.name), p.variance, p.low, p.high) for p in parts])
    return VarianceShares(table, _rows(fit, table))


@dataclass(frozen=True, slots=True)
class _Part:
    """A variance and its interval."""

    name: str
    variance: float
    low: float
    high: float


def _component(row: Mapping[Any, Any], levels: int, z: float) -> _Part:
    """A component; the fit's own interval is Wald's on the log scale, and its width tells the error."""
    v, high = float(row["variance"]), float(row["conf_high"])
    if row["conf_low"] == 0:
        return _Part(str(row["factor"]), v, 0.0, high)
    error = v * np.log(high / v) / stats.norm.ppf((1 + LEVEL) / 2)
    return _Part(str(row["factor"]), v, *_ends(v, error, levels - 1, z))


def _ends(v: float, error: float, df: int, z: float) -> tuple[float, float]:
    """v + noise is (v + noise) chi-squared / df; the noise is what the error has beyond that of `df` known effects."""
    whole = max(error * np.sqrt(df / 2), v)
    ends = whole * df / stats.chi2.isf([stats.norm.sf(z), stats.norm.cdf(z)], df) - (whole - v)
    return max(float(ends[0]), 0.0), float(ends[1])


def _waves(fit: MixedFit, column: str, z: float) -> _Part:
    """The variance of a column's fixed effects over the rows; their spread is that of a quadratic form."""
    own = [k for k, name in enumerate(fit.fixed.names) if name.startswith(f"{column}=") or name == column]
    if not own:
        raise ValueError(f"{column!r} is not in the fixed part; it has {list(fit.fixed.names[1:])}")
    total = fit.moments.xx[0, 0]
    spread = (
        fit.moments.xx[np.ix_(own, own)] / total - np.outer(fit.moments.xx[0, own], fit.moments.xx[0, own]) / total**2
    )
    errors = fit.fit.sigma**2 * core.fixed_covariance(fit.moments, fit.fit.solved)[np.ix_(own, own)]
    beta = fit.fit.beta[own]
    raw, noise = float(beta @ spread @ beta), spread @ errors
    v = max(raw - float(np.trace(noise)), 0.0)
    error = np.sqrt(max(4 * float(beta @ noise @ spread @ beta) + 2 * float(np.trace(noise @ noise)), 0.0))
    root = np.sqrt(v)
    if root == 0:
        return _Part(column, v, 0.0, z * error)
    return _Part(column, v, max(root - z * error / (2 * root), 0.0) ** 2, (root + z * error / (2 * root)) ** 2)


def _shared(parts: list[_Part]) -> pd.DataFrame:
    v, low, high = (np.array([getattr(p, k) for p in parts]) for k in ("variance", "low", "high"))
    rest = v.sum() - v
    below, above = (np.sqrt((d**2).sum() - d**2) for d in (v - low, high - v))
    rest_low, rest_high = np.maximum(rest - below, 0.0), rest + above
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(v / rest)
        down = np.hypot(np.log(v / low), np.log(rest_high / rest))
        up = np.hypot(np.log(high / v), np.log(rest / rest_low))
        share_low = np.where(v > 0, 1 / (1 + np.exp(-(ratio - down))), 0.0)
        share_high = np.where(v > 0, 1 / (1 + np.exp(-(ratio + up))), high / (high + rest))
    numbers = {"share": v / v.sum(), "conf_low": share_low, "conf_high": share_high}
    return pd.DataFrame(
        {"part": [p.name for p in parts], "variance": v, "variance_low": low, "variance_high": high, **numbers}
    )


def _rows(fit: MixedFit, table: pd.DataFrame) -> pd.DataFrame:
    rows = table[["conf_low", "conf_high"]].assign(
        estimate=table["share"], domain=[domain_key({"part": p}) for p in table["part"]]
    )
    return tidy_frame(rows.assign(term=fit.outcome, statistic="variance_share", n=fit.n, status=fit.status))
