"""How much each answer counts: raking to known totals, and a wave's answers raked to its registry.

`rake` is iterative proportional fitting (Deming & Stephan 1940; Deville, Särndal & Sautory 1993), bounded where asked.
`weigh` takes the totals from the registry's counts and lays thin cells together before it rakes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.faults import Fault, Refused
from survey.places import ancestors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Cell = tuple[str, ...]

AGREE = 1e-6  # relative difference up to which two margins have the same total
FEWEST = 5  # answers below which a margin's cell is laid together with another
TALLY = ("wave", "file", "holds", "rule", "rows", "cells")


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


@dataclass(slots=True)
class _Pool:
    """Cells of a margin laid together: where they hang (root first), answers and target of all of them."""

    path: tuple[str, ...]
    cells: list[Cell]
    answers: int
    target: float

    @property
    def thin(self) -> bool:
        return self.answers < FEWEST or self.target <= 0

    @property
    def label(self) -> str:
        first = ":".join(min(self.cells))
        return first if len(self.cells) == 1 else f"{first}+{len(self.cells) - 1}"


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One margin of all weighted waves: each answer's cell, the targets, what was laid together."""

    labels: pd.Series
    targets: dict[Cell, float]
    collapsed: pd.Series
    laid: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Tree:
    """Places: the parent of each code ("" at the top), and for each level the code at that level of each place."""

    parents: dict[str, str]
    levels: dict[str, dict[str, str]]

    def at(self, level: str, place: str) -> str:
        """Give the place at a level that a place lies in; a place above that level stands for itself."""
        return self.levels[level].get(place, place)

    def path(self, place: str) -> tuple[str, ...]:
        """Give the places from the top down to a place, itself last."""
        path: tuple[str, ...] = ()
        while place:
            path, place = (place, *path), self.parents.get(place, "")
        return path


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


def weigh(
    members: pd.DataFrame,
    registry: pd.DataFrame | None,
    *,
    count: str,
    margins: Sequence[Sequence[str]],
    hierarchy: pd.DataFrame | None,
    bounds: tuple[float, float] | None = None,
) -> tuple[pd.DataFrame, Calibration | None, pd.DataFrame]:
    """Rake each wave's answers to its registry.

    A place's count is its own registry row; where it has none, the sum of the places right below it. What a place counts
    beyond the places below it is a cell of its own. A cell with fewer than 5 answers, or without a positive
    count, is laid together with the smallest other cell (fewest answers, then code) of the same group and the same
    parent place; where there is none, of the next place up, then of the same group, then of all. Where margins of a wave have
    different totals, the first margin's total holds and the others are scaled to it.

    Parameters
    ----------
    members : DataFrame
        ``wave, group, region`` as text; a column ``weight``, where it is there, holds the weights to start from.
    registry : DataFrame or None
        ``wave, group, region`` and the count; a missing count is no row.
    count : str
        The registry's column that answers are raked to.
    margins : sequence of sequences
        Each of ``group``, the name of one level of places, or both.
    hierarchy : DataFrame or None
        ``code, parent, level``, one row a code.
    bounds : (low, high), optional
        Limits of weight / starting weight, the starting weights scaled to the wave's total.

    Returns
    -------
    frame : DataFrame
        ``members`` with ``weight`` (1, or as it came, in waves without registry) and, for each margin that its own
        columns do not describe (cells laid together, waves not weighted), ``margin_1``, ...; missing there = not weighted.
    calibration : Calibration or None
        Margins crossed with ``wave``; None where no wave is weighted.
    tally : DataFrame
        ``wave, file, holds, rule, rows, cells`` with the rules ``weighted``, ``not_weighted``, ``collapsed`` (cells
        laid together and the answers in them), ``rescaled`` (cells).

    Raises
    ------
    Refused
        For margins that the study's places do not have, and where raking fails.
    """
    index, members = members.index, members.reset_index(drop=True)
    tree = _tree(hierarchy)
    _check_margins(margins, tree, count, registry)
    counts = {} if registry is None else {str(w): _rolled(r, count, tree) for w, r in registry.groupby("wave")}
    counts = {wave: known for wave, known in counts.items() if _whole(known) > 0}
    drawn = [_draw(members, counts, margin, tree) for margin in margins]
    totals, rescaled = _agreeing([d.targets for d in drawn])
    labels = pd.concat([d.labels.rename(f"margin_{n}") for n, d in enumerate(drawn, 1)], axis=1)
    frame, met = _raked(members, labels, totals, bounds)
    for margin, name in zip(margins, labels.columns, strict=True):
        if met is not None and not _plain(members, margin, labels[name]):
            frame[name] = labels[name]
        elif met is not None:
            met = _renamed(met, name, tuple(margin), members, labels)
    return frame.set_axis(index), met, _what_happened(members["wave"], drawn, rescaled)


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


def _check_margins(margins: Sequence[Sequence[str]], tree: _Tree, count: str, registry: pd.DataFrame | None) -> None:
    if not margins:
        raise ValueError("weighing needs at least one margin, e.g. [['group']]")
    known = {"group", *tree.levels}
    faults = [
        Fault(
            "study.yaml",
            0,
            f"weights.margins: {list(m)} - a margin is `group`, one level of the study's places, or both; "
            f"levels: {sorted(tree.levels)}",
            f"weights.margins：{list(m)} —— 每个边际只能是 group、一个地区层级，或两者；层级：{sorted(tree.levels)}",
        )
        for m in margins
        if not m or not set(m) <= known or len(m) != len(set(m)) or len(set(m) - {"group"}) > 1
    ]
    if registry is not None and count not in registry.columns:
        en, zh = f"weights.count: the registry has no column {count}", f"weights.count：登记表没有 {count} 列"
        faults.append(Fault("study.yaml", 0, en, zh))
    if faults:
        raise Refused(faults)


def _tree(hierarchy: pd.DataFrame | None) -> _Tree:
    if hierarchy is None or not len(hierarchy):
        return _Tree({}, {})
    places = hierarchy.assign(parent=hierarchy["parent"].fillna(""))
    lines = ancestors(places)
    return _Tree(
        dict(zip(places["code"], places["parent"], strict=True)),
        {str(name): {str(k): str(v) for k, v in line.dropna().items()} for name, line in lines.items()},
    )


def _rolled(rows: pd.DataFrame, count: str, tree: _Tree) -> dict[Cell, float]:
    """Count each (group, place): its own row, else the sum right below it; the place "" is the whole."""
    given = rows.dropna(subset=[count])
    own: dict[Cell, float] = {}
    for group, place, value in zip(_text(given, "group"), _text(given, "region"), given[count], strict=True):
        own[group, place] = own.get((group, place), 0.0) + float(value)
    known = dict(own)
    places = sorted({p for _, p in own} | set(tree.parents), key=lambda p: (-len(tree.path(p)), p))
    for place in places:
        above = tree.parents.get(place, "")
        for group in sorted({g for g, _ in own}) if place else ():
            if (group, place) in known and (group, above) not in own:
                known[group, above] = known.get((group, above), 0.0) + known[group, place]
    return known


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame.columns:
        return pd.Series("", index=frame.index, dtype="str", name=column)
    return frame[column].astype("str").fillna("")


def _whole(known: Mapping[Cell, float]) -> float:
    return sum(value for (_, place), value in known.items() if not place)


def _draw(members: pd.DataFrame, counts: Mapping[str, dict[Cell, float]], margin: Sequence[str], tree: _Tree) -> _Drawn:
    """Sort every answer of a wave with a registry into a cell of one margin, thin cells laid together."""
    cells = _cells(members, margin, tree)
    labels = pd.Series(pd.NA, index=members.index, dtype="str")
    collapsed = pd.Series(False, index=members.index)
    targets: dict[Cell, float] = {}
    laid: dict[str, int] = {}
    for wave in sorted(set(members["wave"]) & set(counts)):
        here = members["wave"] == wave
        pools = _pools(cells[here].value_counts().to_dict(), _targets(counts[wave], margin, tree), margin, tree)
        pool_of = {cell: pool for pool in pools for cell in pool.cells}
        labels[here] = cells[here].map(lambda c, of=pool_of: of[c].label)
        collapsed[here] = cells[here].map(lambda c, of=pool_of: len(of[c].cells) > 1)
        targets |= {(wave, pool.label): pool.target for pool in pools}
        laid[wave] = len(pool_of) - len(pools)
    return _Drawn(labels, targets, collapsed, laid)


def _cells(members: pd.DataFrame, margin: Sequence[str], tree: _Tree) -> pd.Series:
    region = _text(members, "region")
    columns = [_text(members, "group") if m == "group" else region.map(lambda p, m=m: tree.at(m, p)) for m in margin]
    return pd.Series(list(zip(*columns, strict=True)), index=members.index, dtype=object)


def _targets(known: Mapping[Cell, float], margin: Sequence[str], tree: _Tree) -> dict[Cell, float]:
    """Give each cell its count; what a place above the level counts beyond the places below it is a cell of its own."""
    level = next((m for m in margin if m != "group"), None)
    below: dict[Cell, float] = {}
    for (group, place), value in known.items():
        if place:
            key = (group, tree.parents.get(place, ""))
            below[key] = below.get(key, 0.0) + value
    targets: dict[Cell, float] = {}
    for (group, place), value in known.items():
        if level is None:
            value = 0.0 if place else value
        elif place not in tree.levels[level]:
            value -= below.get((group, place), 0.0)
        elif tree.at(level, place) != place:
            value = 0.0
        if value > 0:
            cell = tuple(group if m == "group" else place for m in margin)
            targets[cell] = targets.get(cell, 0.0) + value
    return targets


def _pools(
    answers: Mapping[Cell, int], targets: Mapping[Cell, float], margin: Sequence[str], tree: _Tree
) -> list[_Pool]:
    """Lay thin cells together, from the deepest common place up to the whole."""
    pools = [
        _Pool(_hang(cell, margin, tree), [cell], answers.get(cell, 0), targets.get(cell, 0.0))
        for cell in sorted({*answers, *targets})
    ]
    for depth in range(max(len(p.path) for p in pools), -1, -1):
        nests: dict[tuple[str, ...], list[_Pool]] = {}
        for pool in pools:
            nests.setdefault(pool.path[:depth], []).append(pool)
        # A path shorter than this depth hangs higher up: its turn comes later.
        pools = [p for path, nest in nests.items() for p in (_lay(nest) if len(path) == depth else nest)]
    return pools


def _hang(cell: Cell, margin: Sequence[str], tree: _Tree) -> tuple[str, ...]:
    """Say where a cell hangs: its group, then the places above it; cells of a place's own hang in that place."""
    groups = tuple(v for m, v in zip(margin, cell, strict=True) if m == "group" and len(margin) > 1)
    places: tuple[str, ...] = ()
    for level, place in zip(margin, cell, strict=True):
        if level != "group" and place:
            path = tree.path(place)
            places = path[:-1] if place in tree.levels[level] else path
    return groups + places


def _lay(nest: list[_Pool]) -> list[_Pool]:
    """Lay the smallest thin cell with the smallest other one until none is thin or one is left."""
    rest = sorted(nest, key=lambda p: (p.answers, p.label))
    while len(rest) > 1 and any(p.thin for p in rest):
        one = next(p for p in rest if p.thin)
        rest.remove(one)
        other = rest.pop(0)
        both = _Pool(one.path, one.cells + other.cells, one.answers + other.answers, one.target + other.target)
        rest = sorted([*rest, both], key=lambda p: (p.answers, p.label))
    return rest


def _agreeing(targets: Sequence[dict[Cell, float]]) -> tuple[list[dict[Cell, float]], dict[str, int]]:
    """Scale each wave's margins to the total of its first; say how many cells were scaled."""
    totals = [_by_wave(t) for t in targets]
    rescaled: dict[str, int] = {}
    for target, total in zip(targets[1:], totals[1:], strict=True):
        for wave, _ in target:
            if abs(total[wave] - totals[0][wave]) > AGREE * totals[0][wave]:
                rescaled[wave] = rescaled.get(wave, 0) + 1
    scaled = [
        {cell: value * totals[0][cell[0]] / total[cell[0]] for cell, value in target.items()}
        for target, total in zip(targets, totals, strict=True)
    ]
    return scaled, rescaled


def _by_wave(target: Mapping[Cell, float]) -> dict[str, float]:
    total: dict[str, float] = {}
    for (wave, _), value in target.items():
        total[wave] = total.get(wave, 0.0) + value
    return total


def _raked(
    members: pd.DataFrame,
    labels: pd.DataFrame,
    targets: Sequence[dict[Cell, float]],
    bounds: tuple[float, float] | None,
) -> tuple[pd.DataFrame, Calibration | None]:
    start = _start(members)
    frame = members.assign(weight=start)
    part = labels[labels.iloc[:, 0].notna()]
    if not len(part):
        return frame, None
    wave = members.loc[part.index, "wave"]
    sums = start[part.index].groupby(wave).transform("sum")
    base = start[part.index] * wave.map(_by_wave(targets[0])) / sums
    wanted: dict[str | tuple[str, ...], Mapping[Any, float]] = {
        ("wave", name): target for name, target in zip(labels.columns, targets, strict=True)
    }
    try:
        raked = rake(part.assign(wave=wave), wanted, base=base, bounds=bounds)
    except CannotRake as reason:
        zh = f"weights：无法按登记表加权；请合并边际、放宽 bounds，或核对登记表（{reason}）"
        raise Refused([Fault("study.yaml", 0, f"weights: {reason}", zh)]) from reason
    frame.loc[part.index, "weight"] = raked.weights
    return frame, raked.calibration


def _start(members: pd.DataFrame) -> pd.Series:
    """Give the weights to start from: those that came, 1 in waves where none came."""
    if "weight" not in members.columns:
        return pd.Series(1.0, index=members.index)
    came = members["weight"].notna().groupby(members["wave"]).transform("any")
    return members["weight"].astype("float64").where(came, 1.0)


def _plain(members: pd.DataFrame, margin: Sequence[str], labels: pd.Series) -> bool:
    """Say whether the frame's own columns describe this margin's cells in every wave."""
    if not set(margin) <= set(members.columns) or members[list(margin)].isna().any(axis=None):
        return False
    joined = members[margin[0]].astype("str")
    for column in margin[1:]:
        joined = joined + ":" + members[column].astype("str")
    return bool(joined.eq(labels).all())


def _renamed(met: Calibration, name: str, margin: Cell, members: pd.DataFrame, labels: pd.DataFrame) -> Calibration:
    """Let a calibration name the frame's own columns where they describe a margin."""
    at = met.margins.index(("wave", name))
    cells = members[["wave", *margin]].assign(label=labels[name]).drop_duplicates()
    totals = {tuple(c[:-1]): met.totals[at][c[0], c[-1]] for c in cells.itertuples(index=False, name=None)}
    margins = (*met.margins[:at], ("wave", *margin), *met.margins[at + 1 :])
    return Calibration(margins, (*met.totals[:at], totals, *met.totals[at + 1 :]))


def _what_happened(waves: pd.Series, drawn: Sequence[_Drawn], rescaled: Mapping[str, int]) -> pd.DataFrame:
    weighted = drawn[0].labels.notna()
    collapsed = pd.concat([d.collapsed for d in drawn], axis=1).any(axis=1)
    rows = []
    for wave, here in waves.groupby(waves, sort=True):
        rule = "weighted" if weighted[here.index].all() else "not_weighted"
        rows.append((wave, "", "answers", rule, len(here), 0))
        laid = sum(d.laid.get(wave, 0) for d in drawn)
        if laid:
            rows.append((wave, "", "answers", "collapsed", int(collapsed[here.index].sum()), laid))
        if wave in rescaled:
            rows.append((wave, "", "registry", "rescaled", 0, rescaled[wave]))
    return pd.DataFrame(rows, columns=list(TALLY))
