"""What would agreement be if nobody agreed?  Null distributions of an answer, and the least agreement that is beyond chance.

Source: the number of options A, the group's size n and the number of items J. Null distributions: James, Demaree & Wolf
(1984), J. Applied Psychology 69 (uniform (A^2 - 1) / 12, triangular, slight skew); LeBreton & Senter (2008), Organizational
Research Methods 11, table 2 (skewed and normal ones, their error variances for 5 to 11 options; the numbers as in the
authors' R package WGA); Lindell, Brandt & Whitney (1999) (largest variance). Cut-offs: Dunlap, Burke & Smith-Crowe (2003),
J. Applied Psychology 88; Cohen, Doveh & Eick (2001), Psychological Methods 6; Cohen, Doveh & Nahum-Shani (2009),
Organizational Research Methods 12 (items that correlate).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from scipy import special, stats

from analysis.core.agreement import Floats, dispersion, spread_of_counts

FIVE = {
    "slight_skew": (0.05, 0.15, 0.20, 0.35, 0.25),
    "moderate_skew": (0.00, 0.10, 0.15, 0.40, 0.35),
    "heavy_skew": (0.00, 0.00, 0.10, 0.40, 0.50),
    "normal": (0.07, 0.24, 0.38, 0.24, 0.07),
}
# Error variances for 6 to 11 options, whose response probabilities the paper does not lead to here.
MORE = {
    "slight_skew": (1.85, 2.90, 3.47, 5.66, 6.30, 7.31),
    "moderate_skew": (1.26, 2.14, 2.79, 4.73, 5.09, 6.32),
    "heavy_skew": (0.69, 1.39, 2.35, 3.16, 3.46, 4.02),
    "normal": (1.25, 1.40, 1.73, 1.58, 1.45, 1.40),
}
NULLS = ("uniform", "triangular", "maximum", *FIVE)
TAIL = 0.05
ENUMERATED = 60_000  # ways to answer that are listed one by one
BLOCK = 4_000_000  # answers drawn at a time
ALIKE = 1e-9  # relative difference of two dispersions that are one


@dataclass(frozen=True, slots=True)
class Null:
    """How an item is answered where nobody agrees."""

    name: str  #: one of `NULLS`, ``variance`` or ``probabilities``
    variance: float
    probabilities: tuple[float, ...] | None  #: of the options, lowest first; None: only the variance is known


@dataclass(frozen=True, slots=True)
class Chance:
    """What is drawn to see how much agreement chance makes."""

    index: str
    items: int
    probabilities: tuple[float, ...]
    correlation: (
        tuple[tuple[float, ...], ...] | None
    )  #: (J, J) of the normal variables behind the answers; None: independent
    draws: int
    seed: int


def null_of(null: str | float | Sequence[float], options: int) -> Null:
    """Resolve a null distribution for A options.

    Raises
    ------
    ValueError
        For an unknown name, a name that the literature does not define for A options, a variance not above zero, or
        probabilities that are not A numbers adding up to one, or all on one option.
    """
    if isinstance(null, str):
        return _named(null, options)
    if np.ndim(null) == 0:
        value = float(null)  # type: ignore[arg-type]
        if not (np.isfinite(value) and value > 0):
            raise ValueError(f"a null variance must be a number above zero, seen {value:g}")
        return Null("variance", value, None)
    given = np.asarray(null, float)
    if given.shape != (options,) or not (given >= 0).all() or abs(given.sum() - 1) > 1e-6:
        raise ValueError(f"null needs {options} probabilities, one an option, that add up to 1; seen {list(given)}")
    return _from_probabilities("probabilities", given / given.sum())


def _named(name: str, options: int) -> Null:
    if name == "uniform":
        return _from_probabilities(name, np.full(options, 1 / options))
    if name == "triangular":
        rise = np.minimum(np.arange(1, options + 1), np.arange(options, 0, -1))
        return _from_probabilities(name, rise / rise.sum())
    if name == "maximum":
        ends = np.zeros(options)
        ends[[0, -1]] = 0.5
        return _from_probabilities(name, ends)
    if name not in FIVE:
        raise ValueError(
            f"unknown null {name!r}; nulls are {', '.join(NULLS)}, a variance, or probabilities of the options"
        )
    if options == 5:
        return _from_probabilities(name, np.array(FIVE[name]))
    if not 6 <= options <= 11:
        raise ValueError(f"the null {name!r} is defined for 5 to 11 options, not for {options}; give its probabilities")
    return Null(name, MORE[name][options - 6], None)


def _from_probabilities(name: str, p: Floats) -> Null:
    at = np.arange(len(p))
    variance = float(p @ at**2 - (p @ at) ** 2)
    if variance <= 1e-12:
        raise ValueError("the null has all its probability on one option; its variance must be above zero")
    return Null(name, variance, tuple(p.tolist()))


def correlation_of(given: float | Floats, items: int) -> tuple[tuple[float, ...], ...]:
    """Lay out a correlation of all pairs of items, or check a matrix.

    Raises
    ------
    ValueError
        For a matrix that is not J by J, symmetric, with ones on the diagonal and without negative roots.
    """
    matrix = np.asarray(given, float)
    if matrix.ndim == 0:
        matrix = np.full((items, items), float(matrix))
        np.fill_diagonal(matrix, 1.0)
    sound = matrix.shape == (items, items) and np.isfinite(matrix).all() and np.allclose(matrix, matrix.T)
    if not (sound and np.allclose(np.diag(matrix), 1) and np.linalg.eigvalsh(matrix).min() > -1e-8):
        raise ValueError(f"item_correlation must be one correlation, or a correlation matrix of the {items} items")
    return tuple(tuple(row) for row in matrix.tolist())


def is_exact(chance: Chance, size: int) -> bool:
    """True where all ways to answer can be listed: one item, few options, a small group."""
    options = len(chance.probabilities)
    return chance.items == 1 and comb(size + options - 1, options - 1) <= ENUMERATED


@lru_cache(maxsize=4096)
def critical(chance: Chance, size: int) -> float:
    """Largest dispersion x of a group of `size` with P(X <= x) <= .05 under the null; NaN where there is none.

    By listing all ways to answer where `is_exact`, otherwise from `draws` random groups. The random numbers depend on seed
    and size alone, so that a group's cut-off does not depend on the other groups.
    """
    table, p = _listed(chance, size) if is_exact(chance, size) else _drawn(chance, size)
    options = len(chance.probabilities)
    one = spread_of_counts(
        table, np.arange(options, dtype=float), np.full(len(table), float(size)), np.full(len(table), float(size))
    )
    x = dispersion(chance.index, one, 1.0, 0.0, options - 1.0)[:, 0]
    return _quantile(x[~np.isnan(x)], p[~np.isnan(x)])


def _quantile(x: Floats, p: Floats) -> float:
    order = np.argsort(x, kind="stable")
    x, p = x[order], p[order]
    last = np.append(np.flatnonzero(np.diff(x) > ALIKE * np.maximum(np.abs(x[1:]), ALIKE)), len(x) - 1)
    reached = np.cumsum(p)[last] / p.sum() <= TAIL + 1e-12
    return float(x[last][reached][-1]) if reached.any() else np.nan


def _listed(chance: Chance, size: int) -> tuple[Floats, Floats]:
    """All ways in which `size` people can spread over the options, (T, 1, A), and their probabilities."""
    options = len(chance.probabilities)
    bars = np.array(list(combinations(range(size + options - 1), options - 1)), dtype=np.int64).reshape(-1, options - 1)
    ends = np.hstack([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), size + options - 1)])
    table = np.diff(ends, axis=1) - 1.0
    with np.errstate(divide="ignore"):
        logs = special.xlogy(table, np.array(chance.probabilities)).sum(axis=1)
    p = np.exp(special.gammaln(size + 1) - special.gammaln(table + 1).sum(axis=1) + logs)
    return table[p > 0][:, None, :], p[p > 0]


def _drawn(chance: Chance, size: int) -> tuple[Floats, Floats]:
    """Random groups, (draws, J, A), all of one probability."""
    rng = np.random.default_rng([chance.seed, size])
    if chance.correlation is None:
        table = rng.multinomial(size, chance.probabilities, size=(chance.draws, chance.items)).astype(float)
    else:
        step = max(BLOCK // (size * chance.items), 1)
        parts = [_correlated(rng, chance, size, min(step, chance.draws - k)) for k in range(0, chance.draws, step)]
        table = np.concatenate(parts)
    return table, np.full(len(table), 1 / len(table))


def _correlated(rng: np.random.Generator, chance: Chance, size: int, draws: int) -> Floats:
    """Answers cut out of normal variables that correlate, counted: (draws, J, A)."""
    roots, vectors = np.linalg.eigh(np.array(chance.correlation))
    mix = vectors * np.sqrt(np.maximum(roots, 0))
    z = rng.standard_normal((draws, size, chance.items)) @ mix.T
    cuts = stats.norm.ppf(np.minimum(np.cumsum(chance.probabilities)[:-1], 1.0))
    above = np.stack([np.full((draws, chance.items), size), *((z > c).sum(axis=1) for c in cuts)], axis=2)
    return np.concatenate([-np.diff(above, axis=2), above[:, :, -1:]], axis=2).astype(float)
