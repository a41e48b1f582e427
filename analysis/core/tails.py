"""How likely is a likelihood ratio under a design?  Tails of a weighted sum of chi-squares over an independent chi-square."""

from __future__ import annotations

import numpy as np
from scipy import integrate, optimize, stats

from analysis.core.design import Floats


def integral(value: float, weights: Floats, df: float) -> float:
    r"""P(sum of weights chi2_1 > value chi2_df / df): Imhof (1961), Biometrika 48, 419-426, formula 3.2 at 0."""
    terms, degrees = np.append(weights, -value / df), np.append(np.ones(len(weights)), df)

    def inside(u: float) -> float:
        angle = 0.5 * float((degrees * np.arctan(terms * u)).sum())
        return np.sin(angle) / (u * float(np.prod((1 + (terms * u) ** 2) ** (degrees / 4))))

    scale = 1 / np.abs(terms).max()
    area = sum(integrate.quad(inside, a * scale, b * scale, limit=500)[0] for a, b in ((1e-12, 1), (1, 100)))
    area += integrate.quad(inside, 100 * scale, np.inf, limit=1000)[0]
    return float(np.clip(0.5 + area / np.pi, 0, 1))


def saddlepoint(value: float, weights: Floats, df: float) -> float:
    """The same by Kuonen (1999), Biometrika 86, 929-935: cheaper, and wrong by some per cent."""
    terms, degrees = np.append(weights, -value / df), np.append(np.ones(len(weights)), df)
    low, high = 1 / (2 * terms.min()), 1 / (2 * terms.max())
    edge = 1e-9 * (high - low)
    at = optimize.brentq(lambda z: float((degrees * terms / (1 - 2 * z * terms)).sum()), low + edge, high - edge)
    k = -0.5 * float((degrees * np.log1p(-2 * at * terms)).sum())
    curve = 2 * float((degrees * terms**2 / (1 - 2 * at * terms) ** 2).sum())
    w, v = np.sign(at) * np.sqrt(max(-2 * k, 0.0)), at * np.sqrt(curve)
    if abs(w) < 1e-4:  # at the mean the formula has its limit, skewness / 6
        skewness = 8 * float((degrees * terms**3).sum()) / (2 * float((degrees * terms**2).sum())) ** 1.5
        return float(stats.norm.sf(skewness / 6))
    return float(stats.norm.sf(w + np.log(v / w) / w))


TAILS = {"integral": integral, "saddlepoint": saddlepoint}
