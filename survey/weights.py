"""How much each answer counts: raking to known totals.

`rake` is iterative proportional fitting (Deming & Stephan 1940; Deville, Särndal & Sautory 1993), bounded where asked.
`survey.margins` takes the totals from the registry.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AGREE = 1e-6  # relative difference up to which two margins have the same total


class CannotRake(ValueError):
    """These answers cannot be raked to these totals; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the weights were made to meet, so that errors can know it.

    Attributes
    ----------
    margins : tuple of tuples of str
        Column names of each margin; several columns are crossed.
    totals : tuple of dicts
        Per margin the target of each cell, keyed by the tuple of its values, in the targets' unit.
    """

    margins: tuple[tuple[str, ...], ...]
    totals: tuple[dict[tuple[Hashable, ...], float], ...]

    def __repr__(self) -> str:
        return f"Calibration({_names(self.margins)}; cells {[len(t) for t in self.totals]})"


@dataclass(frozen=True, slots=True)
class Raked:
    """Raked weights with what they meet and what they cost.

    Attributes
    ----------
    weights : Series
        float64, positive, on the frame's index, in the targets' unit.
    calibration : Calibration
        For ``Design(calibration=...)``.
    tally : DataFrame
        ``quantity, margin, cell, value``: ``kish_effect`` (1 + cv^2), ``smallest``, ``largest``,
        ``largest_to_median``, ``iterations``, ``at_bounds`` (answers whose ratio stands at a bound), and for each
        cell ``gap_before`` and ``gap_after`` (sum of weights / target - 1).
    """

    weights: pd.Series
    calibration: Calibration
    tally: pd.DataFrame

    def __repr__(self) -> str:
        effect = float(self.tally.loc[self.tally["quantity"] == "kish_effect", "value"].iloc[0])
        return f"Raked({self.calibration!r}; n {len(self.weights)}; Kish effect {effect:.4f})"


@dataclass(frozen=True, slots=True)
class _Margin:
    """One margin: column names, the values of its cells, the target of each."""

    columns: tuple[str, ...]
    cells: tuple[tuple[Hashable, ...], ...]
    target: Floats

    def name(self, cell: int | None = None) -> str:
        name = ":".join(self.columns)
        if cell is None:
            return name
        values = [str(v) for v in self.cells[cell]]
        return f"{name}={':'.join(values)}"


def rake(
    frame: pd.DataFrame,
    margins: Mapping[str | tuple[str, ...], Mapping[Any, float]],
    *,
    base: str | pd.Series | None = None,
    bounds: tuple[float, float] | None = None,
    tol: float = 1e-8,
    max_iter: int = 200,
) -> Raked:
    r"""Weight answers so that every margin's weighted counts equal its targets.

    Finds :math:`w_i = d_i\,g_i` with :math:`g_i = \prod_m f_{m,c_m(i)}` and :math:`\sum_{i \in c} w_i = T_c` for each
    cell :math:`c` of each margin :math:`m`, by scaling one margin after the other. With bounds,
    :math:`g_i = \min(U, \max(L, \prod f))` and each step solves its cell's equation with the clipped ratio, so that
    bounds hold at every step (truncated raking, Deville & Särndal 1992, the truncated form of their case 2).

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

    Returns
    -------
    Raked

    Raises
    ------
    CannotRake
        A ValueError, for: a target without answers, answers without a target or with a missing value in a margin's column,
        totals that differ by more than 1e-6, targets or base weights that are not above zero, bounds that cannot
        hold, and for rounds that run out (the message names the worst cell and its gap).
    ValueError
        For options that make no sense or would change nothing.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["f", "f", "m"]})
    >>> rake(people, {"sex": {"f": 60, "m": 40}}).weights.tolist()
    [30.0, 30.0, 40.0]
    """
    _check_options(frame, margins, bounds, tol, max_iter)
    wanted = tuple(_margin(frame, columns, targets) for columns, targets in margins.items())
    start = _base(frame, base, _common_total(wanted))
    cross, row_of = np.unique(np.column_stack([_codes(frame, m) for m in wanted]), axis=0, return_inverse=True)
    mass: Floats = np.bincount(row_of, start).astype(np.float64)
    ratio, rounds = _fit(cross, mass, wanted, bounds, tol, max_iter)
    weights = pd.Series(start * ratio[row_of], index=frame.index, name="weight")
    met = Calibration(
        tuple(m.columns for m in wanted),
        tuple(dict(zip(m.cells, m.target.tolist(), strict=True)) for m in wanted),
    )
    at_bounds = int(np.isin(ratio, bounds)[row_of].sum()) if bounds else 0
    before, after = _gaps(cross, mass, np.ones(len(mass)), wanted), _gaps(cross, mass, ratio, wanted)
    return Raked(weights, met, _report(weights, rounds, at_bounds, {"gap_before": before, "gap_after": after}))


def _names(margins: Sequence[tuple[str, ...]]) -> str:
    return ", ".join(":".join(m) for m in margins)


def _check_options(
    frame: pd.DataFrame, margins: Mapping[Any, Any], bounds: tuple[float, float] | None, tol: float, max_iter: int
) -> None:
    if not len(frame):
        raise CannotRake("there are no answers to weight: give a frame with at least one row")
    if not margins:
        raise ValueError("raking needs at least one margin: {column: {value: total}}")
    if not tol > 0 or max_iter < 1:
        raise ValueError(f"tol must be above 0 and max_iter at least 1; they are {tol} and {max_iter}")
    if bounds is None:
        return
    if not 0 <= bounds[0] < bounds[1]:
        raise ValueError(f"bounds are (low, high) with 0 <= low < high; they are {bounds}")
    if bounds[0] == 0 and np.isinf(bounds[1]):
        raise ValueError("bounds=(0, inf) change nothing: leave them out, or close one side")


def _margin(frame: pd.DataFrame, key: str | tuple[str, ...], targets: Mapping[Any, float]) -> _Margin:
    columns = (key,) if isinstance(key, str) else tuple(key)
    absent = [c for c in columns if c not in frame.columns]
    if absent:
        raise CannotRake(f"margin {':'.join(columns)}: the frame has no column {absent}; it has {list(frame.columns)}")
    cells = tuple(v if isinstance(v, tuple) else (v,) for v in targets)
    margin = _Margin(columns, cells, np.array([float(t) for t in targets.values()]))
    wrong = np.flatnonzero(~(margin.target > 0) | np.isinf(margin.target))
    if len(wrong) or not cells:
        where = margin.name(int(wrong[0])) if len(wrong) else margin.name()
        raise CannotRake(f"{where}: a target must be a number above zero; leave the cell out or collapse it")
    return margin


def _common_total(wanted: Sequence[_Margin]) -> float:
    total = float(wanted[0].target.sum())
    for margin in wanted[1:]:
        other = float(margin.target.sum())
        if abs(other - total) > AGREE * total:
            raise CannotRake(
                f"margins {wanted[0].name()} and {margin.name()} have different totals, {total:g} and {other:g}: "
                "take them from one source, or scale one to the other"
            )
    return total


def _base(frame: pd.DataFrame, base: str | pd.Series | None, total: float) -> Floats:
    if base is None:
        return np.full(len(frame), total / len(frame))
    values = frame[base] if isinstance(base, str) else base
    if not values.index.equals(frame.index):
        values = values.reindex(frame.index)
    start = values.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = int((~(start > 0) | np.isinf(start)).sum())
    if wrong:
        raise CannotRake(f"{wrong} base weights are missing or not above zero: set these answers aside or mend them")
    return start


def _codes(frame: pd.DataFrame, margin: _Margin) -> Ints:
    """Number each row's cell as the targets do; refuse rows and targets that do not meet."""
    part = frame[list(margin.columns)]
    holes = int(part.isna().any(axis=1).sum())
    if holes:
        raise CannotRake(
            f"margin {margin.name()}: {holes} answers have a missing value; set them aside or give a value"
        )
    codes, found = pd.factorize(pd.MultiIndex.from_frame(part))
    place = {cell: i for i, cell in enumerate(margin.cells)}
    extra = sorted({str(v) for v in found if v not in place})
    if extra:
        raise CannotRake(
            f"margin {margin.name()}: answers without a target: {extra[:5]}; add targets or collapse cells"
        )
    absent = sorted({str(v) for v in margin.cells} - {str(v) for v in found})
    if absent:
        raise CannotRake(f"margin {margin.name()}: targets without an answer: {absent[:5]}; collapse these cells")
    return np.array([place[v] for v in found], dtype=np.int64)[codes]


def _fit(
    cross: Ints,
    mass: Floats,
    wanted: Sequence[_Margin],
    bounds: tuple[float, float] | None,
    tol: float,
    max_iter: int,
) -> tuple[Floats, int]:
    """Scale margin after margin until all are met; ratios per cross-cell and the rounds it took."""
    low, high = bounds or (0.0, np.inf)
    _check_reach(cross, mass, wanted, low, high)
    free = np.ones(len(mass))
    for rounds in range(1, max_iter + 1):
        for m, margin in enumerate(wanted):
            free *= _factors(cross[:, m], mass, free, margin.target, low, high)[cross[:, m]]
        free = np.clip(free, 1e-150, 1e150)  # bounds that cannot hold together would let the factors run away
        ratio = np.clip(free, low, high)
        gaps = _gaps(cross, mass, ratio, wanted)
        if max(np.abs(g).max() for _, g in gaps) <= tol:
            return ratio, rounds
    worst, gap = max(zip(wanted, (g for _, g in gaps), strict=True), key=lambda pair: np.abs(pair[1]).max())
    cell = int(np.abs(gap).argmax())
    raise CannotRake(
        f"raking did not converge in {max_iter} rounds: {worst.name(cell)} is off by {gap[cell]:+.2e} of its target; "
        "collapse thin cells, or loosen bounds or tol"
    )


def _check_reach(cross: Ints, mass: Floats, wanted: Sequence[_Margin], low: float, high: float) -> None:
    for m, margin in enumerate(wanted):
        held = np.bincount(cross[:, m], mass)
        out = np.flatnonzero((margin.target < low * held * (1 - 1e-12)) | (margin.target > high * held * (1 + 1e-12)))
        if len(out):
            c = int(out[0])
            raise CannotRake(
                f"{margin.name(c)} needs weights {margin.target[c] / held[c]:.3f} times the base, outside the bounds "
                f"{low:g} to {high:g}: loosen the bounds or collapse this cell"
            )


def _factors(codes: Ints, mass: Floats, free: Floats, target: Floats, low: float, high: float) -> Floats:
    """Solve for each cell c of one margin: sum of mass x clip(factor x free, low, high) = target."""
    plain = target / np.bincount(codes, mass * free)
    if low == 0 and np.isinf(high):
        return plain
    # An open side never clips, so that the plain factor brackets the root there.
    least, most = np.full(len(target), np.inf), np.zeros(len(target))
    np.minimum.at(least, codes, free)
    np.maximum.at(most, codes, free)
    left = np.log(low / most) if low > 0 else np.log(plain)
    right = np.log(high / least) if np.isfinite(high) else np.log(plain)
    for _ in range(64):
        middle = (left + right) / 2
        reached = np.bincount(codes, mass * np.clip(np.exp(middle)[codes] * free, low, high)) >= target
        left, right = np.where(reached, left, middle), np.where(reached, middle, right)
    return np.exp((left + right) / 2)


def _gaps(cross: Ints, mass: Floats, ratio: Floats, wanted: Sequence[_Margin]) -> list[tuple[_Margin, Floats]]:
    """Give for each margin the relative gap of each cell."""
    return [(m, np.bincount(cross[:, k], mass * ratio) / m.target - 1) for k, m in enumerate(wanted)]


def _report(
    weights: pd.Series, rounds: int, at_bounds: int, gaps: Mapping[str, list[tuple[_Margin, Floats]]]
) -> pd.DataFrame:
    w = weights.to_numpy()
    whole = {
        "kish_effect": len(w) * (w**2).sum() / w.sum() ** 2,
        "smallest": w.min(),
        "largest": w.max(),
        "largest_to_median": w.max() / np.median(w),
        "iterations": rounds,
        "at_bounds": at_bounds,
    }
    rows: list[tuple[str, str, str, float]] = [(quantity, "*", "*", float(value)) for quantity, value in whole.items()]
    for quantity, pairs in gaps.items():
        for margin, gap in pairs:
            cells = [":".join(map(str, c)) for c in margin.cells]
            rows += [(quantity, margin.name(), c, float(g)) for c, g in zip(cells, gap, strict=True)]
    return pd.DataFrame(rows, columns=["quantity", "margin", "cell", "value"])
