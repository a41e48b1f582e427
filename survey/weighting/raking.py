"""Weights whose margins equal known totals: raking, post-stratification, bounds and trimming.

Iterative proportional fitting (Deming & Stephan 1940; Deville, Särndal & Sautory 1993) on the margins' crossed cells, so that
a round costs nothing that grows with the number of answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from survey.weighting.cells import (
    COLLAPSE,
    Calibration,
    CannotWeight,
    Floats,
    Ints,
    Margin,
    Margins,
    Weighted,
    base_weights,
    cells_of,
    codes_of,
    common_total,
    crossed,
    kish_effect,
    margin_of,
)

HALVINGS = 64  # of a bracket: to the last bit
SEARCH = 40  # halvings of the cap that a design effect allows: to a millionth of a millionth
FAR = 1e150  # bounds that cannot hold together would let the factors run away
_BOUNDLESS = (0.0, np.inf)


@dataclass(frozen=True, slots=True)
class Trimming:
    """How far weights were trimmed."""

    cap: float  # largest weight
    untrimmed: float  # Kish's effect without it


def rake(
    frame: pd.DataFrame,
    margins: Margins,
    *,
    base: str | pd.Series | None = None,
    bounds: tuple[float, float] | None = None,
    tol: float = 1e-8,
    max_iter: int = 200,
    trim_at: float | None = None,
    trim_to_effect: float | None = None,
) -> Weighted:
    r"""Weight answers so that every margin's weighted counts equal its targets.

    Finds :math:`w_i = d_i\,g_i` with :math:`g_i = \prod_m f_{m,c_m(i)}` and :math:`\sum_{i \in c} w_i = T_c` for each
    cell :math:`c` of each margin :math:`m`, by scaling one margin after the other. With bounds,
    :math:`g_i = \min(U, \max(L, \prod f))` and each step solves its cell's equation with the clipped ratio, so that
    bounds hold at every step (truncated raking, Deville & Särndal 1992, the truncated form of their case 2). Trimming is
    a bound on :math:`w_i` in place of :math:`g_i`: the weight cut off goes to the other answers of the same cells, and
    the margins still hold.

    Parameters
    ----------
    frame : DataFrame
        One row an answer, with the margins' columns; order of rows does not matter.
    margins : mapping
        {column or tuple of columns: {value or tuple of values: total}}; totals positive, any unit, equal in sum.
    base : str or Series, optional
        Weights to start from: a column, or a Series on the frame's index; positive. Absent: total / number of rows.
    bounds : (low, high), optional
        Limits of weight / base; 0 and infinity leave a side open.
    tol : float
        Largest relative gap of a cell that counts as met.
    max_iter : int
        Rounds over all margins.
    trim_at : float, optional
        No weight is larger, in the targets' unit.
    trim_to_effect : float, optional
        The highest cap under which Kish's effect 1 + cv^2 is at most this.

    Returns
    -------
    Weighted

    Raises
    ------
    CannotWeight
        A ValueError, for: a target without answers, answers without a target or with a missing value in a margin's column,
        totals that differ by more than 1e-6, targets or base weights that are not above zero, bounds or a trimming that
        cannot hold, and for rounds that run out (the message names the worst cell and its gap).
    ValueError
        For options that make no sense or would change nothing.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["f", "f", "m"]})
    >>> rake(people, {"sex": {"f": 60, "m": 40}}).weights.tolist()
    [30.0, 30.0, 40.0]
    """
    check_options(frame, margins, bounds, tol, max_iter, trim_at, trim_to_effect)
    wanted = tuple(margin_of(frame, columns, targets) for columns, targets in margins.items())
    start = base_weights(frame, base, common_total(wanted))
    trimmed = None
    if trim_at is None and trim_to_effect is None:
        cross, row_of = cells_of(frame, wanted)
        mass: Floats = np.bincount(row_of, start).astype(np.float64)
        ratio, rounds = fit(cross, mass, wanted, bounds or _BOUNDLESS, tol, max_iter)
    else:
        _, cell = np.unique(start, return_inverse=True)
        cross, row_of = crossed([*(codes_of(frame, m) for m in wanted), cell])
        mass = np.bincount(row_of, start).astype(np.float64)
        each = mass / np.bincount(row_of)
        ratio, rounds, trimmed = _trimmed(
            cross[:, :-1], mass, each, wanted, bounds or _BOUNDLESS, tol, max_iter, trim_at, trim_to_effect
        )
        cross = cross[:, :-1]
    made = ratio.take(row_of)
    made *= start
    weights = pd.Series(made, index=frame.index, name="weight")
    at_bounds = int(np.isin(ratio, bounds)[row_of].sum()) if bounds else 0
    report = _whole(made, row_of, rounds, at_bounds, trimmed)
    gaps = {"gap_before": _gaps(cross, mass, wanted), "gap_after": _gaps(cross, mass * ratio, wanted)}
    met = Calibration(tuple(m.columns for m in wanted), totals_of(wanted), base=base if isinstance(base, str) else None)
    return Weighted(weights, met, report_table(report, wanted, gaps))


def poststratify(
    frame: pd.DataFrame, by: str | Sequence[str], totals: Mapping[Any, float], *, base: str | None = None
) -> Weighted:
    """Weight answers so that every cell of one cut has its total: :math:`w_i = d_i T_c / \\sum_{j \\in c} d_j`.

    Parameters
    ----------
    frame : DataFrame
    by : str or sequence of str
        The cut's columns; several are crossed.
    totals : mapping
        {value or tuple of values: total}.
    base : str, optional
        Column of weights to start from; absent: all alike.

    Returns
    -------
    Weighted

    Raises
    ------
    CannotWeight
        As `rake`.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["f", "f", "m"]})
    >>> poststratify(people, "sex", {"f": 60, "m": 40}).weights.tolist()
    [30.0, 30.0, 40.0]
    """
    found = rake(frame, {by if isinstance(by, str) else tuple(by): totals}, base=base)
    return replace(found, calibration=replace(found.calibration, linear=True, base=base))


def check_options(
    frame: pd.DataFrame,
    margins: Margins,
    bounds: tuple[float, float] | None,
    tol: float,
    max_iter: int,
    trim_at: float | None = None,
    trim_to_effect: float | None = None,
) -> None:
    """Refuse options of `rake` that make no sense or would change nothing."""
    if not len(frame):
        raise CannotWeight("there are no answers to weight: give a frame with at least one row")
    if not margins:
        raise ValueError("raking needs at least one margin: {column: {value: total}}")
    if not tol > 0 or max_iter < 1:
        raise ValueError(f"tol must be above 0 and max_iter at least 1; they are {tol} and {max_iter}")
    if trim_at is not None and trim_to_effect is not None:
        raise ValueError("trim at a value or to a design effect, not both")
    if trim_at is not None and not 0 < trim_at < np.inf:
        raise ValueError(f"trim_at must be a number above 0; it is {trim_at}")
    if trim_to_effect is not None and not 1 <= trim_to_effect < np.inf:
        raise ValueError(f"trim_to_effect must be at least 1 (equal weights); it is {trim_to_effect}")
    check_bounds(bounds)


def check_bounds(bounds: tuple[float, float] | None) -> None:
    """Refuse bounds that make no sense or would change nothing."""
    if bounds is None:
        return
    if not 0 <= bounds[0] < bounds[1]:
        raise ValueError(f"bounds are (low, high) with 0 <= low < high; they are {bounds}")
    if bounds[0] == 0 and np.isinf(bounds[1]):
        raise ValueError("bounds=(0, inf) change nothing: leave them out, or close one side")


def fit(
    cross: Ints,
    mass: Floats,
    wanted: Sequence[Margin],
    bounds: tuple[float | Floats, float | Floats],
    tol: float,
    max_iter: int,
) -> tuple[Floats, int]:
    """Scale margin after margin until all are met.

    Parameters
    ----------
    cross : (C, margins) int
        Cell of each crossed cell in each margin.
    mass : (C,) or (C, R) float
        Sum of starting weights; R sets are raked side by side.
    wanted : margins
    bounds : (low, high)
        Of the ratio; one number each, or one for each of C cells.
    tol, max_iter
        As for `rake`.

    Returns
    -------
    ratio : as mass
    rounds : int

    Raises
    ------
    CannotWeight
        For bounds that cannot hold, and where the rounds run out.
    """
    adders = [_adder(cross[:, m], len(margin.target)) for m, margin in enumerate(wanted)]
    for adder, margin in zip(adders, wanted, strict=True):
        if (bare := np.argwhere(adder @ mass <= 0)).size:
            raise CannotWeight(f"{margin.name(int(bare[0][0]))} has no answer with weight; {COLLAPSE}")
    low, high = (np.broadcast_to(np.reshape(b, (-1, *(1,) * (mass.ndim - 1))), mass.shape) for b in bounds)
    bounded = bool((low > 0).any() or np.isfinite(high).any())
    if bounded:
        _check_reach(adders, mass, wanted, low, high)
    free = np.ones(mass.shape)
    for rounds in range(1, max_iter + 1):
        for m, margin in enumerate(wanted):
            goal = margin.target.reshape(-1, *(1,) * (mass.ndim - 1))
            factor = goal / (adders[m] @ (mass * free))
            if bounded:
                factor = _clipped(factor, adders[m], cross[:, m], mass, free, goal, low, high)
            free = free * factor[cross[:, m]]
        free = np.clip(free, 1 / FAR, FAR)
        ratio = np.clip(free, low, high)
        worst = [
            np.abs(adder @ (mass * ratio) / _upright(m.target, mass) - 1).max()
            for adder, m in zip(adders, wanted, strict=True)
        ]
        if max(worst) <= tol:
            return ratio, rounds
    at = int(np.argmax(worst))
    gap = adders[at] @ (mass * ratio) / _upright(wanted[at].target, mass) - 1
    cell, *_ = np.unravel_index(int(np.abs(gap).argmax()), gap.shape)
    raise CannotWeight(
        f"raking did not converge in {max_iter} rounds: {wanted[at].name(int(cell))} is off by "
        f"{np.atleast_1d(gap.ravel())[np.abs(gap).argmax()]:+.2e} of its target; {COLLAPSE}, or loosen bounds or tol"
    )


def _upright(target: Floats, like: Floats) -> Floats:
    return target.reshape(-1, *(1,) * (like.ndim - 1))


def _adder(codes: Ints, cells: int) -> sparse.csr_array:
    """Matrix that adds crossed cells up to a margin's, (cells, C)."""
    return sparse.csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(cells, len(codes)))


def _check_reach(
    adders: Sequence[sparse.csr_array], mass: Floats, wanted: Sequence[Margin], low: Floats, high: Floats
) -> None:
    for adder, margin in zip(adders, wanted, strict=True):
        target = _upright(margin.target, mass)
        least, most = adder @ (mass * low), adder @ (mass * np.where(mass > 0, high, 0.0))
        out = (target < least * (1 - 1e-12)) | (target > most * (1 + 1e-12))
        if out.any():
            c, *_ = np.argwhere(out)[0]
            held = float((adder @ mass)[tuple(np.argwhere(out)[0])])
            raise CannotWeight(
                f"{margin.name(int(c))} needs weights {margin.target[c] / held:.3f} times the base, "
                f"outside the bounds or the trimming: loosen them, or {COLLAPSE}"
            )


def _clipped(
    plain: Floats,
    adder: sparse.csr_array,
    codes: Ints,
    mass: Floats,
    free: Floats,
    goal: Floats,
    low: Floats,
    high: Floats,
) -> Floats:
    """Solve for each cell c of one margin: sum of mass x clip(factor x free, low, high) = target, by halving a bracket."""
    # An open side never clips, so that the plain factor brackets the root there.
    left = np.log(plain)
    right = left.copy()
    with np.errstate(divide="ignore"):
        least, most = np.log(low / free), np.log(high / free)
    np.minimum.at(left, codes, np.where(np.isfinite(least), least, np.inf))
    np.maximum.at(right, codes, np.where(np.isfinite(most), most, -np.inf))
    for _ in range(HALVINGS):
        middle = (left + right) / 2
        reached = adder @ (mass * np.clip(np.exp(middle)[codes] * free, low, high)) >= goal
        left, right = np.where(reached, left, middle), np.where(reached, middle, right)
    return np.exp((left + right) / 2)


def _trimmed(
    cross: Ints,
    mass: Floats,
    each: Floats,
    wanted: Sequence[Margin],
    bounds: tuple[float, float],
    tol: float,
    max_iter: int,
    trim_at: float | None,
    trim_to_effect: float | None,
) -> tuple[Floats, int, Trimming]:
    """Rake under a cap on the weights of each crossed cell, `each` the starting weight in it."""
    number = mass / each
    plain, rounds = fit(cross, mass, wanted, bounds, tol, max_iter)
    untrimmed = _effect(number, each * plain)

    def under(cap: float) -> tuple[Floats, int]:
        high = np.minimum(bounds[1], cap / each)
        if (high <= bounds[0]).any():
            raise CannotWeight(
                f"trimming at {cap:g} goes below the lower bound {bounds[0]:g} of some weights: loosen one"
            )
        return fit(cross, mass, wanted, (bounds[0], high), tol, max_iter)

    if trim_at is not None:
        ratio, rounds = under(trim_at)
        return ratio, rounds, Trimming(trim_at, untrimmed)
    assert trim_to_effect is not None
    if untrimmed <= trim_to_effect:
        return plain, rounds, Trimming(float((each * plain).max()), untrimmed)
    lowest, highest, best = float(mass.sum() / number.sum()), float((each * plain).max()), None
    for _ in range(SEARCH):
        cap = float(np.sqrt(lowest * highest))
        try:
            ratio, rounds = under(cap)
        except CannotWeight:
            lowest = cap
            continue
        if _effect(number, each * ratio) <= trim_to_effect:
            lowest, best = cap, (ratio, rounds, Trimming(cap, untrimmed))
        else:
            highest = cap
    if best is None:
        raise CannotWeight(
            f"no trimming brings the design effect down to {trim_to_effect:g} with these margins (untrimmed {untrimmed:.3f}): "
            f"allow more, leave a margin out, or collapse cells"
        )
    return best


def _effect(number: Floats, weight: Floats) -> float:
    return float(number.sum() * (number * weight**2).sum() / (number * weight).sum() ** 2)


def totals_of(wanted: Sequence[Margin]) -> tuple[dict[tuple[Any, ...], float], ...]:
    """Give each margin's targets by cell."""
    return tuple(dict(zip(m.cells, m.target.tolist(), strict=True)) for m in wanted)


def _gaps(cross: Ints, mass: Floats, wanted: Sequence[Margin]) -> list[Floats]:
    """Give for each margin the relative gap of each cell."""
    return [np.bincount(cross[:, k], mass, len(m.target)) / m.target - 1 for k, m in enumerate(wanted)]


def _whole(w: Floats, room: Ints, rounds: int, at_bounds: int, trimmed: Trimming | None) -> dict[str, float]:
    report = {
        "kish_effect": kish_effect(w),
        "smallest": w.min(),
        "largest": w.max(),
        "largest_to_median": w.max() / _median(w, room),
        "iterations": rounds,
        "at_bounds": at_bounds,
    }
    if trimmed is None:
        return report
    at_cap = int((w >= trimmed.cap * (1 - 1e-9)).sum()) if trimmed.untrimmed > report["kish_effect"] * (1 + 1e-9) else 0
    return report | {"trimmed": at_cap, "cap": trimmed.cap, "kish_effect_untrimmed": trimmed.untrimmed}


def _median(values: Floats, room: Ints) -> float:
    """Median by one partition, in room that is done with: on a million, new memory costs more than the partition."""
    half = len(values) // 2
    parted = room.view(np.float64)
    np.copyto(parted, values)
    parted.partition(half)
    return float(parted[half] if len(values) % 2 else (parted[half] + parted[:half].max()) / 2)


def report_table(
    whole: Mapping[str, float], wanted: Sequence[Margin], gaps: Mapping[str, Sequence[Floats]]
) -> pd.DataFrame:
    """Lay out what is to be known of weights: ``quantity, margin, cell, value``."""
    rows: list[tuple[str, str, str, float]] = [(quantity, "*", "*", float(value)) for quantity, value in whole.items()]
    for quantity, of_margins in gaps.items():
        for margin, gap in zip(wanted, of_margins, strict=True):
            cells = [":".join(map(str, c)) for c in margin.cells]
            rows += [(quantity, margin.name(), c, float(g)) for c, g in zip(cells, gap, strict=True)]
    return pd.DataFrame(rows, columns=["quantity", "margin", "cell", "value"])
