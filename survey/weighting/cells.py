"""The cells that answers are weighted to: margins, their targets, and the cell of each answer."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Margins = Mapping[str | tuple[str, ...], Mapping[Any, float]]

NARROW = 10_000  # codes from the lowest to the highest that are looked up in one table
AGREE = 1e-6  # relative difference up to which two margins have the same total
# The rule by which `survey.weighting.margins` collapses the cells of a study by itself.
COLLAPSE = (
    "collapse it with a cell beside it (same group or parent place, fewest answers first), in answers and targets"
)


class CannotWeight(ValueError):
    """These answers cannot be weighted that way; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the weights were made to meet, so that errors can know it.

    Attributes
    ----------
    margins : tuple of tuples of str
        Column names of each margin; several columns are crossed.
    totals : tuple of dicts
        Per margin the target of each cell, keyed by the tuple of its values, in the targets' unit.
    auxiliaries : dict
        {column of numbers: its total}; ``(Intercept)`` is the number of people.
    linear : bool
        Whether the weights are linear in what they meet (`calibrate`, `poststratify`), or a product (`rake`).
    base : str, optional
        Column of the weights before; None: all alike.
    """

    margins: tuple[tuple[str, ...], ...]
    totals: tuple[dict[tuple[Hashable, ...], float], ...]
    auxiliaries: dict[str, float] = field(default_factory=dict)
    linear: bool = False
    base: str | None = None

    def __repr__(self) -> str:
        met = [":".join(m) for m in self.margins] + list(self.auxiliaries)
        return f"Calibration({', '.join(met)}; cells {[len(t) for t in self.totals]})"


@dataclass(frozen=True, slots=True)
class Weighted:
    """Weights with what they meet and what they cost.

    Attributes
    ----------
    weights : Series
        float64, at least 0, on the frame's index, in the targets' unit.
    calibration : Calibration
        For ``Design(calibration=...)``.
    tally : DataFrame
        ``quantity, margin, cell, value``: ``kish_effect`` (1 + cv^2), ``smallest``, ``largest``,
        ``largest_to_median``, ``iterations``, ``at_bounds`` (answers whose ratio stands at a bound), with trimming
        ``trimmed`` (answers at the cap), ``cap`` and ``kish_effect_untrimmed``, and for each cell ``gap_before`` and
        ``gap_after`` (sum of weights / target - 1).
    """

    weights: pd.Series
    calibration: Calibration
    tally: pd.DataFrame

    def __repr__(self) -> str:
        effect = float(self.tally.loc[self.tally["quantity"] == "kish_effect", "value"].iloc[0])
        return f"Weighted({self.calibration!r}; n {len(self.weights)}; Kish effect {effect:.4f})"


@dataclass(frozen=True, slots=True)
class Margin:
    """One margin: column names, the values of its cells, the target of each."""

    columns: tuple[str, ...]
    cells: tuple[tuple[Hashable, ...], ...]
    target: Floats

    def name(self, cell: int | None = None) -> str:
        """Name the margin, or a cell of it."""
        name = ":".join(self.columns)
        if cell is None:
            return name
        return f"{name}={_said(self.cells[cell])}"


def kish_effect(weights: Floats) -> float:
    """Kish's 1 + cv^2 of weights, n sum w^2 / (sum w)^2 (Kish 1965, Survey Sampling, 11.7)."""
    return float(len(weights) * (weights @ weights) / weights.sum() ** 2)


def margin_of(frame: pd.DataFrame, key: str | tuple[str, ...], targets: Mapping[Any, float]) -> Margin:
    """Read one margin.

    Raises
    ------
    CannotWeight
        For columns that are not there, and targets that are not above zero.
    """
    columns = (key,) if isinstance(key, str) else tuple(key)
    absent = [c for c in columns if c not in frame.columns]
    if absent:
        there = list(frame.columns)
        raise CannotWeight(f"margin {':'.join(columns)}: the frame has no column {absent}; it has {there}")
    cells = tuple(v if isinstance(v, tuple) else (v,) for v in targets)
    margin = Margin(columns, cells, np.array([float(t) for t in targets.values()]))
    wrong = np.flatnonzero(~(margin.target > 0) | np.isinf(margin.target))
    if len(wrong) or not cells:
        where = margin.name(int(wrong[0])) if len(wrong) else margin.name()
        raise CannotWeight(f"{where}: a target must be a number above zero; leave the cell out, or {COLLAPSE}")
    return margin


def common_total(wanted: Sequence[Margin]) -> float:
    """Give the total of all margins.

    Raises
    ------
    CannotWeight
        Where two differ by more than `AGREE`.
    """
    total = float(wanted[0].target.sum())
    for margin in wanted[1:]:
        other = float(margin.target.sum())
        if abs(other - total) > AGREE * total:
            raise CannotWeight(
                f"margins {wanted[0].name()} and {margin.name()} have different totals, {total:g} and {other:g}: "
                "take them from one source, or scale one to the other"
            )
    return total


def base_weights(frame: pd.DataFrame, base: str | pd.Series | None, total: float) -> Floats:
    """Give the weights to start from; absent: all alike, with this sum.

    Raises
    ------
    CannotWeight
        For weights that are missing or not above zero.
    """
    if base is None:
        return np.full(len(frame), total / len(frame))
    if isinstance(base, str) and base not in frame.columns:
        raise CannotWeight(f"the frame has no column {base!r} of base weights; it has {list(frame.columns)}")
    values = frame[base] if isinstance(base, str) else base
    if not pd.api.types.is_numeric_dtype(values):
        raise CannotWeight(f"base weights must be numbers; {values.name!r} holds {values.dtype}")
    if not values.index.equals(frame.index):
        values = values.reindex(frame.index)
    start: Floats = (  # a plain column is not copied: a million rows cost more to lay out than to rake
        values.to_numpy() if values.dtype == np.float64 else values.to_numpy(dtype=np.float64, na_value=np.nan)
    )
    if not (start.min(initial=1.0) > 0 and start.max(initial=1.0) < np.inf):
        wrong = int((~(start > 0) | np.isinf(start)).sum())
        raise CannotWeight(f"{wrong} base weights are missing or not above zero: set these answers aside or mend them")
    return start


def codes_of(frame: pd.DataFrame, margin: Margin) -> Ints:
    """Number each row's cell as the targets do; refuse rows and targets that do not meet.

    Raises
    ------
    CannotWeight
        For a missing value, answers without a target, targets without an answer.
    """
    codes, found = _levels(frame, margin)
    if int((codes < 0).sum()):
        raise CannotWeight(
            f"margin {margin.name()}: {int((codes < 0).sum())} answers have a missing value; set them aside or give a value"
        )
    wide = sorted({len(c) for c in margin.cells} - {len(margin.columns)})
    if wide:
        raise CannotWeight(
            f"margin {margin.name()}: a target needs a value for each of its columns; seen {margin.cells[0]}"
        )
    place = {cell: i for i, cell in enumerate(margin.cells)}
    if not any(v in place for v in found) and len(found):
        seen, asked = ([type(v).__name__ for v in one] for one in (found[0], margin.cells[0]))
        if seen != asked:
            raise CannotWeight(
                f"margin {margin.name()}: the answers hold {':'.join(seen)} ({_said(found[0])}), the targets {':'.join(asked)} "
                f"({_said(margin.cells[0])}): write the targets as the answers are"
            )
    extra = sorted({_said(v) for v in found if v not in place})
    if extra:
        raise CannotWeight(
            f"margin {margin.name()}: answers without a target: {extra[:5]}; add targets, or for each {COLLAPSE}"
        )
    absent = sorted(map(_said, set(margin.cells) - set(found)))
    if absent:
        raise CannotWeight(f"margin {margin.name()}: targets without an answer: {absent[:5]}; for each {COLLAPSE}")
    return np.array([place[v] for v in found], dtype=np.int64).take(codes)


def _said(cell: tuple[Hashable, ...]) -> str:
    return ":".join(map(str, cell))


def _levels(frame: pd.DataFrame, margin: Margin) -> tuple[Ints, list[tuple[Hashable, ...]]]:
    """Number the combinations that occur; -1 where a value is missing. Column by column: frames have a million rows."""
    if len(margin.columns) == 1:
        codes, unique = pd.factorize(frame[margin.columns[0]])
        return codes, [(v,) for v in unique]
    whole, missing, values = np.zeros(len(frame), np.int64), np.zeros(len(frame), bool), []
    for column in margin.columns:
        codes, unique = pd.factorize(frame[column])
        missing |= codes < 0
        whole = whole * max(len(unique), 1) + codes
        values.append(list(unique))
    found, dense = np.unique(whole[~missing], return_inverse=True)
    codes = np.full(len(frame), -1, np.int64)
    codes[~missing] = dense
    parts = []
    for unique in reversed(values):
        found, part = np.divmod(found, len(unique))
        parts.append([unique[p] for p in part])
    return codes, list(zip(*reversed(parts), strict=True))


@dataclass(frozen=True, slots=True)
class _Coded:
    """One column as small numbers, without a look at each value."""

    values: NDArray[np.integer[Any]]  # (n,)
    least: int
    size: int  # values lie from least to least + size - 1
    cell: Ints  # (size,) the target's number of each, -1 for none


def cells_of(frame: pd.DataFrame, wanted: Sequence[Margin]) -> tuple[Ints, Ints]:
    """Give the crossed cells of all margins that occur, (C, margins), numbered as the targets, and each row's number among them.

    Columns that are small numbers already are crossed as they are, and the few crossed cells looked up, not the rows.

    Raises
    ------
    CannotWeight
        As `codes_of`.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:  # Arrow looks text up without holding the others back
        coded = list(pool.map(lambda margin: _coded(frame, margin), wanted))
    ready = [c for c in coded if c is not None]
    if len(ready) == len(wanted) and _few([c.size for c in ready], len(frame)):
        found, row_of = _crossed([c.values for c in ready], [c.size for c in ready], [c.least for c in ready])
        cross = np.column_stack([c.cell.take(found[:, k]) for k, c in enumerate(ready)])
        there = [len(np.unique(cross[:, k])) == len(m.target) for k, m in enumerate(wanted)]
        if (cross >= 0).all() and all(there):
            return cross, row_of
    return crossed([codes_of(frame, m) for m in wanted])


def _coded(frame: pd.DataFrame, margin: Margin) -> _Coded | None:
    """Code one column of text, categories or small numbers; None where that is not all there is to it."""
    values, wanted = frame[margin.columns[0]], [c[0] for c in margin.cells]
    if len(margin.columns) > 1 or any(len(c) > 1 for c in margin.cells):
        return None
    place = {cell: i for i, cell in enumerate(wanted)}
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = [place.get(c, -1) for c in values.cat.categories]
        return _Coded(values.cat.codes.to_numpy(), -1, len(levels) + 1, np.array([-1, *levels]))  # -1: missing
    if values.dtype == "str" and all(isinstance(t, str) for t in wanted):
        column = pa.array(values)
        found = pc.index_in(column, value_set=pa.array(wanted, type=column.type))
        return None if found.null_count else _Coded(found.to_numpy(), 0, len(wanted), np.arange(len(wanted)))
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu" and len(values):
        numbers = values.to_numpy()
        low, high = int(numbers.min()), int(numbers.max())
        if high - low <= NARROW:
            cell = np.array([place.get(v, -1) for v in range(low, high + 1)])
            return _Coded(numbers, low, high - low + 1, cell)
    return None


def crossed(codes: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Give the combinations of several codings that occur, (C, margins), and each row's number among them."""
    return _crossed(codes, [int(c.max(initial=0)) + 1 for c in codes], [0] * len(codes))


def _crossed(
    codes: Sequence[NDArray[np.integer[Any]]], sizes: Sequence[int], least: Sequence[int]
) -> tuple[Ints, Ints]:
    whole, shift = codes[0].astype(np.int64), least[0]
    for one, size, low in zip(codes[1:], sizes[1:], least[1:], strict=True):
        whole *= size
        whole += one
        shift = shift * size + low
    whole -= shift
    found, row_of = _compact(whole, int(np.prod([float(s) for s in sizes])))
    columns = []
    for size in reversed(sizes):
        found, column = np.divmod(found, size)
        columns.append(column)
    return np.column_stack(columns[::-1]), row_of


def _few(sizes: Sequence[int], rows: int) -> bool:
    return float(np.prod([float(s) for s in sizes])) <= 4 * rows + 1000


def _compact(whole: Ints, size: int) -> tuple[Ints, Ints]:
    """Values that occur, and each row's number among them; by counting where there are few possible values."""
    if not _few([size], len(whole)):
        return np.unique(whole, return_inverse=True)
    there = np.bincount(whole, minlength=size) > 0
    return np.flatnonzero(there), (np.cumsum(there) - 1).take(whole, out=whole, mode="clip")  # in place
