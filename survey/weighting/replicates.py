"""Replicate weights: resampled clusters, and the whole adjustment done again under each resample.

Rao & Wu (1988), JASA 83, 231-241 and Rao, Wu & Yue (1992), Survey Methodology 18, 209-217 (rescaled bootstrap, n_h - 1
clusters drawn with replacement); Wolter (2007), Introduction to Variance Estimation, chapter 4 (jackknife JKn).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy import sparse

from survey.weighting.cells import (
    COLLAPSE,
    CannotWeight,
    Floats,
    Ints,
    Margins,
    codes_of,
    common_total,
    crossed,
    margin_of,
)
from survey.weighting.classes import class_codes, who_answered
from survey.weighting.linear import INTERCEPT, auxiliaries
from survey.weighting.linear import check_options as check_linear
from survey.weighting.linear import fit as fit_linear
from survey.weighting.raking import check_options, fit

BLOCK = 25  # replicates adjusted side by side
AGAIN = 0.05  # share of replicates that may be drawn again because a cell had no answer
MOST_CLUSTERS = 2000  # of a jackknife: a set of weights each
METHODS = ("bootstrap", "jackknife")


Adjust = Callable[..., Floats]  # weights (n, R), times each row was drawn (n, R)


class Step(Protocol):
    """Part of an adjustment, able to be done under many sets of weights at once."""

    def prepare(self, frame: pd.DataFrame) -> Adjust:
        """Give what turns weights (n, R), and how often each row was drawn, into adjusted weights (n, R)."""
        ...


@dataclass(frozen=True, slots=True)
class Raking:
    """`rake` as a step; the arguments are those of `rake`, trimming at a value."""

    margins: Margins
    bounds: tuple[float, float] | None = None
    trim_at: float | None = None
    tol: float = 1e-8
    max_iter: int = 200

    @property
    def people(self) -> float | None:
        """Total of the margins."""
        return sum(map(float, next(iter(self.margins.values())).values())) if self.margins else None

    def prepare(self, frame: pd.DataFrame) -> Adjust:
        """Sort answers into cells once."""
        check_options(frame, self.margins, self.bounds, self.tol, self.max_iter, self.trim_at)
        wanted = tuple(margin_of(frame, columns, targets) for columns, targets in self.margins.items())
        common_total(wanted)
        codes = [codes_of(frame, m) for m in wanted]
        cross, row_of = crossed(codes)
        adder = sparse.csr_array(
            (np.ones(len(row_of)), (row_of, np.arange(len(row_of)))), shape=(len(cross), len(row_of))
        )
        low, high = self.bounds or (0.0, np.inf)

        def together(weights: Floats, times: Floats | None = None) -> Floats:
            ratio, _ = fit(cross, adder @ weights, wanted, (low, high), self.tol, self.max_iter)
            return weights * ratio[row_of]

        def one_by_one(weights: Floats, times: Floats | None = None) -> Floats:
            each, rows, top = np.column_stack(codes), [], np.inf if self.trim_at is None else self.trim_at
            for start, drawn in zip(weights.T, np.ones(weights.shape).T if times is None else times.T, strict=True):
                # a row drawn twice is two answers: the cap is on each
                cap = np.minimum(high, np.divide(top * drawn, start, where=start > 0, out=np.ones(len(start))))
                rows.append(start * fit(each, start, wanted, (low, cap), self.tol, self.max_iter)[0])
            return np.column_stack(rows)

        return together if self.trim_at is None else one_by_one


@dataclass(frozen=True, slots=True)
class Calibrating:
    """`calibrate` as a step; the arguments are those of `calibrate`."""

    totals: Mapping[str, float] | None = None
    margins: Margins | None = None
    bounds: tuple[float, float] | None = None
    tol: float = 1e-8
    max_iter: int = 200

    @property
    def people(self) -> float | None:
        """Total of the margins, or the number of people."""
        if self.margins:
            return sum(map(float, next(iter(self.margins.values())).values()))
        return (self.totals or {}).get(INTERCEPT)

    def prepare(self, frame: pd.DataFrame) -> Adjust:
        """Lay out the auxiliaries once."""
        check_linear(frame, self.totals, self.margins, self.bounds, self.tol, self.max_iter)
        wanted = tuple(margin_of(frame, columns, targets) for columns, targets in (self.margins or {}).items())
        given = auxiliaries(frame, wanted, dict(self.totals or {}))
        bounds = self.bounds or (-np.inf, np.inf)

        def apply(weights: Floats, times: Floats | None = None) -> Floats:
            ratios = [fit_linear(given, start, bounds, self.tol, self.max_iter)[0] for start in weights.T]
            if (below := sum(bool((r[w > 0] < 0).any()) for r, w in zip(ratios, weights.T, strict=True))) > 0:
                raise CannotWeight(
                    f"in {below} of {len(ratios)} resamples weights would be below zero: give bounds such as (0.2, 5), or "
                    "meet fewer totals"
                )
            return weights * np.column_stack(ratios)

        return apply


@dataclass(frozen=True, slots=True)
class Responding:
    """`adjust_nonresponse` as a step: those who did not answer come to weigh nothing."""

    answered: str
    classes: str | tuple[str, ...]

    def prepare(self, frame: pd.DataFrame) -> Adjust:
        """Sort everyone who was asked into classes once."""
        code, names = class_codes(frame, [self.classes] if isinstance(self.classes, str) else list(self.classes))
        there = who_answered(frame, self.answered)
        whole = sparse.csr_array((np.ones(len(code)), (code, np.arange(len(code)))), shape=(len(names), len(code)))
        known = whole @ sparse.diags_array(there.astype(float))

        def apply(weights: Floats, times: Floats | None = None) -> Floats:
            answers = known @ weights
            if (answers <= 0).any():
                raise CannotWeight(f"class {names[int(np.argwhere(answers <= 0)[0][0])]} has no answer; {COLLAPSE}")
            return weights * there[:, None] * ((whole @ weights) / answers)[code]

        return apply


@dataclass(frozen=True, slots=True)
class ReplicateWeights:
    """R sets of weights, and how deviations under them add up.

    Attributes
    ----------
    weights : DataFrame
        (n, R) float64 on the frame's index, columns ``rep_1`` ...; each whole, adjusted.
    scale : float
        Factor of all squared deviations.
    rscales : tuple of float
        Factor of each.
    tally : DataFrame
        ``quantity, value``: ``replicates, clusters, strata, lonely_strata`` (one cluster: not resampled), ``drawn_again``.
    """

    weights: pd.DataFrame
    scale: float
    rscales: tuple[float, ...]
    tally: pd.DataFrame

    @property
    def design(self) -> dict[str, Any]:
        """Arguments of `analysis.Replicates`."""
        return {"columns": tuple(self.weights.columns), "scale": self.scale, "rscales": self.rscales}

    def __repr__(self) -> str:
        return f"ReplicateWeights({self.weights.shape[1]} sets of {len(self.weights)})"


@dataclass(frozen=True, slots=True)
class _Clusters:
    """First-stage clusters in strata: of each row, and of each cluster, sorted by stratum."""

    of_row: Ints  # (n,)
    stratum: Ints  # (C,)
    first: Ints  # (H,) first cluster of each stratum
    sizes: Ints  # (H,)
    kept: Floats  # (H,) 1 - sampling fraction


def replicate(
    frame: pd.DataFrame,
    steps: Sequence[Step],
    *,
    base: str | None = None,
    strata: str | None = None,
    cluster: str | None = None,
    fraction: str | None = None,
    method: str = "bootstrap",
    replicates: int | None = None,
    seed: int | None = None,
) -> ReplicateWeights:
    r"""Make replicate weights that each carry the whole adjustment.

    Bootstrap: in stratum h, n_h - 1 clusters are drawn with replacement, a row of a cluster drawn m times weighs
    :math:`d_i (1 - \lambda_h + \lambda_h \frac{n_h}{n_h - 1} m)` with :math:`\lambda_h = \sqrt{1 - f_h}`, and all steps
    are done again. Jackknife: each cluster left out once, the others of its stratum weigh :math:`n_h / (n_h - 1)` as
    much.

    Parameters
    ----------
    frame : DataFrame
        A row an answer (with `Responding`, a row for everyone who was asked).
    steps : sequence of Step
        `Responding`, `Raking`, `Calibrating`, in their order.
    base : str, optional
        Column of weights to start from; absent: all alike.
    strata, cluster : str, optional
        Absent: one stratum; each row its own cluster.
    fraction : str, optional
        Sampling fraction of each row's stratum, 0..1.
    method : {"bootstrap", "jackknife"}
    replicates : int, optional
        Of a bootstrap; absent: 500. A jackknife has one a cluster.
    seed : int, optional
        Of a bootstrap; absent: 0.

    Returns
    -------
    ReplicateWeights

    Raises
    ------
    CannotWeight
        Where a step cannot be done: under the jackknife, a cell that rests on one cluster; under the bootstrap, cells
        without an answer in more than 5 % of the draws (fewer are drawn again, and told).
    ValueError
        For options that make no sense or would change nothing.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["f", "m"] * 20})
    >>> found = replicate(people, [Raking({"sex": {"f": 60, "m": 40}})], replicates=4)
    >>> found.weights.groupby(people["sex"]).sum().round(6).to_numpy().tolist()
    [[60.0, 60.0, 60.0, 60.0], [40.0, 40.0, 40.0, 40.0]]
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; seen {method!r}")
    if method == "jackknife" and (replicates is not None or seed is not None):
        raise ValueError("a jackknife has one replicate a cluster and draws nothing: leave out replicates and seed")
    count = 500 if replicates is None else replicates
    if count < 2:
        raise ValueError(f"a bootstrap needs at least 2 replicates; seen {count}")
    if not len(frame):
        raise CannotWeight("there are no answers to weight: give a frame with at least one row")
    clusters = _clusters(frame, strata, cluster, fraction)
    # as `rake` and `calibrate` start, so that bounds and trimming are of the same ratio
    people = getattr(steps[0], "people", None) if steps else None
    start = np.full(len(frame), (people or len(frame)) / len(frame)) if base is None else _numbers(frame, base)
    if not (np.isfinite(start).all() and (start >= 0).all()):
        raise CannotWeight(f"base weights in {base} are missing or below zero: set these answers aside or mend them")
    prepared = [step.prepare(frame) for step in steps]
    if method == "jackknife":
        columns, scale, rscales, again = *_jackknife(clusters, start, prepared), 0
    else:
        columns, again = _bootstrap(clusters, start, prepared, count, np.random.default_rng(seed or 0))
        scale, rscales = 1 / count, (1.0,) * count
    labels = [f"rep_{r}" for r in range(1, columns.shape[1] + 1)]
    told = {"replicates": columns.shape[1], "clusters": len(clusters.stratum), "strata": len(clusters.sizes)}
    told |= {"lonely_strata": int((clusters.sizes == 1).sum()), "drawn_again": again}
    tally = pd.DataFrame({"quantity": list(told), "value": [float(v) for v in told.values()]})
    return ReplicateWeights(pd.DataFrame(columns, index=frame.index, columns=labels, copy=False), scale, rscales, tally)


def _clusters(frame: pd.DataFrame, strata: str | None, cluster: str | None, fraction: str | None) -> _Clusters:
    of_row = np.zeros(len(frame), np.int64) if strata is None else _coded(frame, strata)
    own = np.arange(len(frame)) if cluster is None else _coded(frame, cluster)
    pairs, row = np.unique(of_row * (int(own.max(initial=0)) + 1) + own, return_inverse=True)
    stratum = pairs // (int(own.max(initial=0)) + 1)
    _, stratum, sizes = np.unique(stratum, return_inverse=True, return_counts=True)
    if not (sizes > 1).any():
        raise ValueError("every stratum has one cluster: nothing can be resampled; lay strata together")
    kept = np.ones(len(sizes))
    if fraction is not None:
        given = _numbers(frame, fraction)
        if not ((given >= 0) & (given < 1)).all():
            raise ValueError("sampling fractions must lie from 0 to below 1, none missing")
        kept[stratum[row]] = 1 - given
        if (kept[stratum[row]] != 1 - given).any():
            raise ValueError(f"{fraction} must be one number in each stratum")
        if not given.any():
            raise ValueError(f"{fraction} is 0 everywhere and changes nothing: leave it out")
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return _Clusters(row, stratum, first, sizes, kept)


def _numbers(frame: pd.DataFrame, column: str) -> Floats:
    if column not in frame.columns:
        raise ValueError(f"the frame has no column {column!r}")
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise ValueError(f"column {column!r} must hold numbers, it holds {frame[column].dtype}")
    return frame[column].to_numpy(dtype=np.float64, na_value=np.nan)


def _coded(frame: pd.DataFrame, column: str) -> Ints:
    if column not in frame.columns:
        raise ValueError(f"the frame has no column {column!r}")
    codes, _ = pd.factorize(frame[column], sort=True)
    if (codes < 0).any():
        raise ValueError(
            f"design column {column!r} is missing in {int((codes < 0).sum())} rows; every row needs a value"
        )
    return codes.astype(np.int64)


def _adjusted(clusters: _Clusters, start: Floats, prepared: Sequence[Adjust], factors: Floats) -> Floats:
    """Weights (n, R) of clusters' factors (C, R)."""
    times = factors[clusters.of_row]
    weights = start[:, None] * times
    for step in prepared:
        weights = step(weights, times)
    return weights


def _drawn(clusters: _Clusters, count: int, rng: np.random.Generator) -> Floats:
    """Factors (C, count) of a rescaled bootstrap."""
    sizes = clusters.sizes
    draws = np.maximum(sizes - 1, 0)
    first, size = np.repeat(clusters.first, draws), np.repeat(sizes, draws)
    rescale = np.where(sizes > 1, sizes / np.maximum(draws, 1), 0.0)[clusters.stratum]
    moved = np.where(sizes > 1, np.sqrt(clusters.kept), 0.0)[clusters.stratum]
    factors = np.empty((len(clusters.stratum), count))
    for r in range(count):
        chosen = first + (rng.random(len(first)) * size).astype(np.int64)
        times = np.bincount(chosen, minlength=len(clusters.stratum))
        factors[:, r] = 1 - moved + moved * rescale * times
    return factors


def _bootstrap(
    clusters: _Clusters,
    start: Floats,
    prepared: Sequence[Adjust],
    count: int,
    rng: np.random.Generator,
) -> tuple[Floats, int]:
    """Draw until there are `count` sets that could be adjusted; how many could not."""
    found, again, done = np.empty((len(start), count), order="F"), 0, 0
    while done < count:
        factors = _drawn(clusters, min(BLOCK, count - done), rng)
        try:
            good = _adjusted(clusters, start, prepared, factors)
        except CannotWeight as reason:
            good, bad = _those_that_can(clusters, start, prepared, factors)
            again += bad
            if again > max(AGAIN * count, 1):
                raise CannotWeight(
                    f"more than {AGAIN:.0%} of the resamples cannot be adjusted; the last: {reason}. A cell rests on too few "
                    f"clusters: {COLLAPSE}"
                ) from reason
        found[:, done : done + good.shape[1]] = good
        done += good.shape[1]
    return found, again


def _those_that_can(
    clusters: _Clusters, start: Floats, prepared: Sequence[Adjust], factors: Floats
) -> tuple[Floats, int]:
    good = []
    for one in factors.T:
        try:
            good.append(_adjusted(clusters, start, prepared, one[:, None]))
        except CannotWeight:
            continue
    return np.hstack(good) if good else np.empty((len(start), 0)), factors.shape[1] - len(good)


def _jackknife(
    clusters: _Clusters, start: Floats, prepared: Sequence[Adjust]
) -> tuple[Floats, float, tuple[float, ...]]:
    """Leave every cluster out once, but those that are alone in their stratum."""
    sizes = clusters.sizes[clusters.stratum]
    out = np.flatnonzero(sizes > 1)
    if not 2 <= len(out) <= MOST_CLUSTERS:
        raise ValueError(
            f"a jackknife leaves out one cluster at a time: {len(out)} sets of weights; name clusters, or use the bootstrap "
            f"(at most {MOST_CLUSTERS}, at least 2)"
        )
    blocks = []
    for at in range(0, len(out), BLOCK):
        part = out[at : at + BLOCK]
        same = clusters.stratum[:, None] == clusters.stratum[part]
        factors = np.where(same, (sizes / np.maximum(sizes - 1, 1))[:, None], 1.0)
        factors[part, np.arange(len(part))] = 0.0
        blocks.append(_adjusted(clusters, start, prepared, factors))
    kept = clusters.kept[clusters.stratum][out]
    return np.hstack(blocks), 1.0, tuple((kept * (sizes[out] - 1) / sizes[out]).tolist())
