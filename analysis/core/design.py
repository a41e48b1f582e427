"""How was the sample drawn?  Stages of clusters in strata, as arrays; the errors are in `analysis.core.linearised`.

Source: arrays of n rows. The first stage carries the variance between its clusters; a later stage adds the variance within a
cluster of the stage before, times that stage's sampling fraction, so it counts only where fractions are known.

Formulas: Sarndal, Swensson & Wretman (1992), Model Assisted Survey Sampling, chapters 3 and 4 (stratified, two-stage).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LONELY = ("adjust", "certainty", "refuse")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of n rows in C clusters in H strata."""

    cluster: Ints  #: (n,) cluster of each row, 0..C-1; a cluster lies in one stratum
    stratum: Ints  #: (C,) stratum of each cluster, 0..H-1
    clusters: Floats  #: (H,) clusters in each stratum
    factor: Floats  #: (H,) fractions of the stages before, times (1 - f) n / (n - 1); see `sample` for one cluster
    lonely: NDArray[np.bool_]  #: (H,) the stratum has one cluster

    @property
    def shrink(self) -> Floats:
        """Factor / n of every stratum, zero where it has one cluster, which is not centred: (H,)."""
        return np.where(self.lonely, 0.0, self.factor / self.clusters)

    def gather(self) -> sparse.csr_array:
        """Matrix that adds clusters up to strata, (H, C)."""
        return indicator(self.stratum, len(self.clusters))


@dataclass(frozen=True, slots=True)
class Sample:
    """What the design says of n rows."""

    weights: Floats  #: (n,) sampling weights, at least 0
    stages: tuple[Stage, ...]  #: the first stage, and those after it that add to the error

    @property
    def df(self) -> int:
        """Degrees of freedom of the design: first-stage clusters less strata, at least 1."""
        return max(len(self.stages[0].stratum) - len(self.stages[0].clusters), 1)


def sample(
    n: int,
    *,
    weights: Floats | None = None,
    strata: Sequence[Ints | None] = (),
    cluster: Sequence[Ints | None] = (),
    fpc: Sequence[Floats | None] = (),
    lonely: str = "adjust",
) -> Sample:
    """Gather the design of n rows.

    Parameters
    ----------
    n : int
        Rows.
    weights : (n,) float, optional
        Sampling weights. Absent: the inverse of the product of the sampling fractions where `fpc` is given, otherwise 1.
    strata, cluster : one (n,) array of int codes or None a stage
        Absent: one stratum; each row its own cluster. The same cluster code in two strata is two clusters, and in two
        clusters of the stage before too.
    fpc : one (n,) float or None a stage
        Clusters in the population of the row's stratum, or, where all of a stage are at most 1, the sampling fraction.
    lonely : {"adjust", "certainty", "refuse"}
        A stratum of the first stage with one cluster: its influence is taken around the grand mean; it adds nothing;
        it is an error. At later stages it adds nothing.

    Raises
    ------
    ValueError
        For weights below zero or not finite; an `fpc` that differs within a stratum or is smaller than the sample; a
        stratum with one cluster, where that is refused.
    """
    depth = max(len(strata), len(cluster), len(fpc), 1)
    parent, prior, stages, drawn = np.zeros(n, np.int64), np.ones(n), [], np.ones(n)
    for k in range(depth):
        rows = _at(strata, k), _at(cluster, k), _at(fpc, k)
        stage, fraction = _stage(n, parent, prior, *rows, lonely if k == 0 else "certainty")
        stages.append(stage)
        drawn = drawn * np.where(fraction > 0, fraction, 1.0)
        parent, prior = stage.cluster, prior * fraction
        if not prior.any():
            break
    if weights is None:
        weights = 1 / drawn
    return Sample(_checked(weights), tuple(stages))


def indicator(codes: Ints, levels: int) -> sparse.csr_array:
    """Matrix that adds n coded things up to their levels, (levels, n)."""
    n = len(codes)
    return sparse.csr_array((np.ones(n), (codes, np.arange(n))), shape=(levels, n))


def _at(given: Sequence[NDArray | None], k: int) -> NDArray | None:
    return given[k] if k < len(given) else None


def _stage(
    n: int, parent: Ints, prior: Floats, strata: Ints | None, cluster: Ints | None, fpc: Floats | None, lonely: str
) -> tuple[Stage, Floats]:
    """Give one stage, and the sampling fraction of each row's stratum."""
    of_row = _dense(parent) if strata is None else _dense(parent * _levels(strata) + strata)
    if cluster is None:
        code, stratum = np.arange(n), of_row
    else:
        rows = np.asarray(cluster, np.int64)
        found, code = compact(of_row * _levels(rows) + rows)
        stratum = found // _levels(rows)
    clusters = np.bincount(stratum).astype(float)
    fraction = np.zeros(len(clusters)) if fpc is None else _fraction(fpc, of_row, clusters)
    alone = clusters == 1
    if lonely == "refuse" and (alone & (fraction < 1)).any():
        raise ValueError(
            f"{int((alone & (fraction < 1)).sum())} of {len(clusters)} strata have one cluster, from which no error can "
            "be told: lay each together with another stratum, or choose lonely='adjust' or 'certainty'"
        )
    before = np.zeros(len(clusters))
    before[of_row] = prior
    spread = np.where(alone, 0.0 if lonely == "certainty" else 1.0, clusters / np.maximum(clusters - 1, 1))
    stage = Stage(code.astype(np.int64), stratum, clusters, before * (1 - fraction) * spread, alone)
    return stage, fraction[of_row]


def _levels(codes: Ints) -> int:
    return int(codes.max(initial=0)) + 1


def _dense(codes: Ints) -> Ints:
    return compact(np.asarray(codes, np.int64))[1]


def compact(codes: Ints) -> tuple[Ints, Ints]:
    """Values that occur, sorted, and each one's number among them; by counting where there are few possible values."""
    size = _levels(codes)
    if size > counters(len(codes)):
        found, number = np.unique(codes, return_inverse=True)
        return found, number.astype(np.int64)
    there = np.zeros(size, bool)
    there[codes] = True
    found = np.flatnonzero(there)
    place = np.empty(size, np.int64)
    place[found] = np.arange(len(found))
    return found, place.take(codes)


def counters(n: int) -> int:
    """Possible values up to which n numbers are sorted by counting: above, the counters cost more than a sort."""
    return 6 * n + 50_000


def _fraction(fpc: Floats, stratum_of_row: Ints, clusters: Floats) -> Floats:
    given = np.asarray(fpc, float)
    lowest, highest = np.full(len(clusters), np.inf), np.full(len(clusters), -np.inf)
    np.minimum.at(lowest, stratum_of_row, given)
    np.maximum.at(highest, stratum_of_row, given)
    if not np.isfinite(given).all() or (given <= 0).any():
        raise ValueError(
            "fpc must be above zero and never missing: clusters in the stratum's population, or a fraction"
        )
    if (lowest != highest).any():
        raise ValueError(f"fpc must be one number in each stratum; it differs within {int((lowest != highest).sum())}")
    fraction = lowest if (given <= 1).all() else clusters / lowest
    if (fraction > 1 + 1e-9).any():
        raise ValueError(
            "fpc says that a stratum's population has fewer clusters than the sample; give population sizes"
        )
    return np.minimum(fraction, 1.0)


def _checked(weights: Floats) -> Floats:
    weights = np.asarray(weights, float)
    if not np.isfinite(weights).all() or (weights < 0).any():
        bad = int((~np.isfinite(weights) | (weights < 0)).sum())
        raise ValueError(f"weights must be numbers of at least zero; {bad} of {len(weights)} are missing or below zero")
    return weights
