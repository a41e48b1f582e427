"""Weights that are linear in what they meet: calibration to counts of cells and to totals of numbers (GREG).

Deville & Särndal (1992), JASA 87, 376-382, the linear distance and its truncated form (cases 1 and 7 there).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.weighting.cells import (
    COLLAPSE,
    Calibration,
    CannotWeight,
    Floats,
    Margin,
    Margins,
    Weighted,
    base_weights,
    codes_of,
    common_total,
    kish_effect,
    margin_of,
)
from survey.weighting.raking import check_bounds, report_table, totals_of

STUCK = 15  # steps in a row that make the largest gap no smaller, after which none will
INTERCEPT = "(Intercept)"  # the number of people


@dataclass(frozen=True, slots=True)
class Auxiliaries:
    """What n answers bring to K totals."""

    columns: Floats  # (n, K)
    totals: Floats  # (K,)
    names: tuple[str, ...]  # (K,)


def calibrate(
    frame: pd.DataFrame,
    *,
    totals: Mapping[str, float] | None = None,
    margins: Margins | None = None,
    base: str | None = None,
    bounds: tuple[float, float] | None = None,
    tol: float = 1e-8,
    max_iter: int = 200,
) -> Weighted:
    r"""Weight answers so that counts of cells and totals of numbers are met, moving the starting weights least.

    :math:`w_i = d_i (1 + x_i^T \lambda)` with :math:`\sum_i w_i x_i = T`; with bounds, :math:`w_i / d_i` is cut to them
    and :math:`\lambda` found by Newton's method.

    Parameters
    ----------
    frame : DataFrame
        One row an answer.
    totals : mapping
        {column of numbers: total}; ``(Intercept)`` is the number of people.
    margins : mapping
        As for `rake`; counts of cells.
    base : str, optional
        Column of weights to start from. Absent: all alike, with the margins' total or that of ``(Intercept)``.
    bounds : (low, high), optional
        Limits of weight / base.
    tol : float
        Largest gap of a total that counts as met, relative to the sum of the absolute contributions to it.
    max_iter : int
        Steps.

    Returns
    -------
    Weighted
        ``gap_before`` and ``gap_after`` of a total of numbers stand under its column, cell ``*``.

    Raises
    ------
    CannotWeight
        As `rake`; for totals that contradict each other, and weights that would not be above zero (give bounds).
    ValueError
        For options that make no sense or would change nothing.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["f", "f", "m"], "age": [20.0, 40.0, 60.0]})
    >>> found = calibrate(people, totals={"age": 3900}, margins={"sex": {"f": 60, "m": 40}})
    >>> found.weights.round(6).tolist()
    [45.0, 15.0, 40.0]
    """
    check_options(frame, totals, margins, bounds, tol, max_iter)
    wanted = tuple(margin_of(frame, columns, targets) for columns, targets in (margins or {}).items())
    numbers = dict(totals or {})
    size = common_total(wanted) if wanted else numbers.get(INTERCEPT)
    if size is None and base is None:
        raise ValueError("give base weights, margins, or the number of people as totals={'(Intercept)': N}")
    start = base_weights(frame, base, size or 1.0)
    given = auxiliaries(frame, wanted, numbers)
    ratio, steps = fit(given, start, bounds or (-np.inf, np.inf), tol, max_iter)
    if (ratio <= 0).any():
        raise CannotWeight(
            f"{int((ratio <= 0).sum())} weights would not be above zero: give bounds such as (0.2, 5), or meet fewer totals"
        )
    weights = pd.Series(start * ratio, index=frame.index, name="weight")
    met = Calibration(tuple(m.columns for m in wanted), totals_of(wanted), numbers, linear=True, base=base)
    return Weighted(weights, met, _report(start * ratio, steps, ratio, bounds, given, start, wanted))


def check_options(
    frame: pd.DataFrame,
    totals: Mapping[str, float] | None,
    margins: Margins | None,
    bounds: tuple[float, float] | None,
    tol: float,
    max_iter: int,
) -> None:
    """Refuse options of `calibrate` that make no sense or would change nothing."""
    if not len(frame):
        raise CannotWeight("there are no answers to weight: give a frame with at least one row")
    if not (totals or margins):
        raise ValueError("calibration needs totals or margins")
    if not tol > 0 or max_iter < 1:
        raise ValueError(f"tol must be above 0 and max_iter at least 1; they are {tol} and {max_iter}")
    check_bounds(bounds)
    for column, total in (totals or {}).items():
        if (
            not isinstance(total, int | float | np.number)
            or not np.isfinite(total)
            or (column == INTERCEPT and total <= 0)
        ):
            raise CannotWeight(
                f"total of {column}: it must be a finite number, of people one above zero; it is {total}"
            )


def auxiliaries(frame: pd.DataFrame, wanted: Sequence[Margin], totals: Mapping[str, float]) -> Auxiliaries:
    """Lay out cells and numbers as columns.

    Raises
    ------
    CannotWeight
        For columns that are not there, hold no numbers or have holes.
    """
    columns: list[Floats] = []
    goals: list[float] = []
    labels: list[str] = []
    for margin in wanted:
        codes = codes_of(frame, margin)
        columns += [(codes == c).astype(np.float64) for c in range(len(margin.target))]
        goals += margin.target.tolist()
        labels += [margin.name(c) for c in range(len(margin.target))]
    for column, total in totals.items():
        columns.append(_numbers(frame, column))
        goals.append(float(total))
        labels.append(column)
    return Auxiliaries(np.column_stack(columns), np.array(goals), tuple(labels))


def _numbers(frame: pd.DataFrame, column: str) -> Floats:
    if column == INTERCEPT:
        return np.ones(len(frame))
    if column not in frame.columns:
        raise CannotWeight(f"total of {column}: the frame has no such column; it has {list(frame.columns)}")
    if not pd.api.types.is_numeric_dtype(frame[column]):
        raise CannotWeight(f"total of {column}: it holds no numbers; give it as a margin")
    values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
    holes = int((~np.isfinite(values)).sum())
    if holes:
        raise CannotWeight(f"total of {column}: {holes} answers have a missing value; set them aside or give a value")
    return values


def fit(
    given: Auxiliaries, start: Floats, bounds: tuple[float, float], tol: float, max_iter: int
) -> tuple[Floats, int]:
    """Find the ratios of weights to starting weights, (n,), and the steps it took.

    Raises
    ------
    CannotWeight
        Where the steps run out, which is also what totals that contradict each other come to.
    """
    x, size = given.columns, np.sqrt((start[:, None] * given.columns**2).sum(axis=0))
    x = x / np.where(size > 0, size, 1.0)
    goal = given.totals / np.where(size > 0, size, 1.0)
    unit = np.maximum(start @ np.abs(x), np.abs(goal))
    slope, ratio = np.zeros(x.shape[1]), np.ones(len(x))
    gap, stuck = goal - start @ x, 0
    for step in range(1, max_iter + 1):
        inside = (ratio > bounds[0]) & (ratio < bounds[1])
        used = x[inside] * np.sqrt(start[inside])[:, None]
        move = np.linalg.pinv(used.T @ used, rcond=1e-11, hermitian=True) @ gap
        before = np.abs(gap).max()
        slope, ratio, gap = _step(x, start, goal, bounds, slope, move, gap)
        if (np.abs(gap) <= tol * unit).all():
            return ratio, step
        stuck = 0 if np.abs(gap).max() < before * (1 - 1e-6) else stuck + 1
        if stuck == STUCK:
            break
    worst = int((np.abs(gap) / unit).argmax())
    raise CannotWeight(
        f"calibration did not converge in {step} steps: the total of {given.names[worst]} cannot be met together with "
        f"the others; check the totals against each other, loosen the bounds, or, where it is a cell, {COLLAPSE}"
    )


def _step(
    x: Floats, start: Floats, goal: Floats, bounds: tuple[float, float], slope: Floats, move: Floats, gap: Floats
) -> tuple[Floats, Floats, Floats]:
    """Newton's step, halved until the gap shrinks: at bounds the equations have kinks."""
    for _ in range(30):
        ratio = np.clip(1 + x @ (slope + move), *bounds)
        left = goal - (start * ratio) @ x
        if np.abs(left).max() < np.abs(gap).max():
            break
        move = move / 2
    return slope + move, ratio, left


def _report(
    w: Floats,
    steps: int,
    ratio: Floats,
    bounds: tuple[float, float] | None,
    given: Auxiliaries,
    start: Floats,
    wanted: Sequence[Margin],
) -> pd.DataFrame:
    whole = {
        "kish_effect": kish_effect(w),
        "smallest": w.min(),
        "largest": w.max(),
        "largest_to_median": w.max() / np.median(w),
        "iterations": steps,
        "at_bounds": int(np.isin(ratio, bounds).sum()) if bounds else 0,
    }
    safe = np.where(given.totals != 0, given.totals, 1.0)
    before, after = ((v @ given.columns - given.totals) / safe for v in (start, w))
    cells = sum(len(m.target) for m in wanted)
    ends = np.cumsum([len(m.target) for m in wanted])[:-1]
    parts = {k: np.split(v[:cells], ends) if wanted else [] for k, v in (("gap_before", before), ("gap_after", after))}
    table = report_table(whole, wanted, parts)
    numbers = [
        {"quantity": quantity, "margin": name, "cell": "*", "value": float(gap)}
        for quantity, gaps in (("gap_before", before), ("gap_after", after))
        for name, gap in zip(given.names[cells:], gaps[cells:], strict=True)
    ]
    return pd.concat([table, pd.DataFrame(numbers)], ignore_index=True) if numbers else table
