"""What the answers of a wave are weighted to: margins drawn from the registry's counts, thin cells laid together.

The sources are the answers' group and region, and the registry; `survey.weighting.raking` does the raking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from survey.faults import Fault, Refused
from survey.places import ancestors
from survey.weighting.cells import AGREE, Calibration, CannotWeight
from survey.weighting.linear import calibrate
from survey.weighting.raking import rake

Cell = tuple[str, ...]

FEWEST = 5  # answers below which a margin's cell is laid together with another
TALLY = ("wave", "file", "holds", "rule", "rows", "cells")
LIMITED = ("at_bounds", "trimmed")  # answers whose weights a limit holds


@dataclass(slots=True)
class _Pool:
    """Cells of a margin laid together: where they hang (root first), answers and target of all of them."""

    path: tuple[str, ...]
    cells: list[Cell]
    answers: int
    target: float

    @property
    def thin(self) -> bool:
        return self.answers < FEWEST or self.target <= 0 or self.target < self.answers

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


def weigh(
    members: pd.DataFrame,
    registry: pd.DataFrame | None,
    *,
    count: str,
    margins: Sequence[Sequence[str]],
    hierarchy: pd.DataFrame | None,
    method: str = "raking",
    bounds: tuple[float, float] | None = None,
    trim_at: float | None = None,
    trim_to_effect: float | None = None,
) -> tuple[pd.DataFrame, Calibration | None, pd.DataFrame]:
    """Rake each wave's answers to its registry.

    A place's count is its own registry row; where it has none, the sum of the places right below it. What a place counts
    beyond the places below it is a cell of its own. A cell with fewer than 5 answers, without a positive count, or with more
    answers than its count, is laid together with the smallest other cell (fewest answers, then code) of the same group and the
    same parent place; where there is none, of the next place up, then of the same group, then of all. Where margins of a wave
    have different totals, the first margin's total holds and the others are scaled to it. A wave of which the registry
    counts fewer people than answered is not weighted by it.

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
    method : {"raking", "linear"}
        `survey.rake` or `survey.calibrate`.
    bounds : (low, high), optional
        Limits of weight / starting weight, the starting weights scaled to the wave's total.
    trim_at, trim_to_effect : float, optional
        As for `survey.rake`, in every wave; not for linear.

    Returns
    -------
    frame : DataFrame
        ``members`` with ``weight`` (1, or as it came, in waves without registry) and, for each margin that its own
        columns do not describe (cells laid together, waves not weighted), ``margin_1``, ...; missing there = not weighted. Linear:
        also ``weight_before``, where it started.
    calibration : Calibration or None
        Margins crossed with ``wave``; None where no wave is weighted.
    tally : DataFrame
        ``wave, file, holds, rule, rows, cells`` with the rules ``weighted``, ``not_weighted``, ``too_small`` (the registry),
        ``collapsed`` (cells laid together and the answers in them), ``rescaled`` (cells), ``at_bounds`` and ``trimmed`` (answers).

    Raises
    ------
    Refused
        For margins that the study's places do not have, and where raking fails.
    ValueError
        For no margins.

    Examples
    --------
    >>> answers = pd.DataFrame({"wave": "1", "group": ["a"] * 5 + ["b"] * 5, "region": ""})
    >>> counts = pd.DataFrame({"wave": "1", "group": ["a", "b"], "region": "", "members": [30, 20]})
    >>> frame, met, tally = weigh(answers, counts, count="members", margins=[["group"]], hierarchy=None)
    >>> frame.groupby("group")["weight"].first().tolist()
    [6.0, 4.0]
    """
    index, members = members.index, members.reset_index(drop=True)
    tree = _tree(hierarchy)
    _check_margins(margins, tree, count, registry)
    counts = {} if registry is None else {str(w): _rolled(r, count, tree) for w, r in registry.groupby("wave")}
    answered = members["wave"].value_counts()
    small = {wave for wave, known in counts.items() if 0 < _whole(known) < answered.get(wave, 0)}
    counts = {wave: known for wave, known in counts.items() if _whole(known) > 0 and wave not in small}
    drawn = [_draw(members, counts, margin, tree) for margin in margins]
    totals, rescaled = _agreeing([d.targets for d in drawn])
    labels = pd.concat([d.labels.rename(f"margin_{n}") for n, d in enumerate(drawn, 1)], axis=1)
    limits = {"bounds": bounds, "trim_at": trim_at, "trim_to_effect": trim_to_effect}
    frame, met, costs = _weighted(members, labels, totals, method, limits)
    for margin, name in zip(margins, labels.columns, strict=True):
        if met is not None and not _plain(members, margin, labels[name]):
            frame[name] = labels[name]
        elif met is not None:
            met = _renamed(met, name, tuple(margin), members, labels)
    return frame.set_axis(index), met, _what_happened(members["wave"], drawn, rescaled, small, costs)


def member_totals(registry: pd.DataFrame, count: str, hierarchy: pd.DataFrame | None) -> dict[str, float]:
    """Give, by wave, how many the registry counts in all: of a group and place its own row, else the sum right below it."""
    tree = _tree(hierarchy)
    return {str(wave): _whole(_rolled(rows, count, tree)) for wave, rows in registry.groupby("wave")}


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


def _weighted(
    members: pd.DataFrame,
    labels: pd.DataFrame,
    targets: Sequence[dict[Cell, float]],
    method: str,
    limits: Mapping[str, Any],
) -> tuple[pd.DataFrame, Calibration | None, pd.DataFrame]:
    """Weight each wave by itself; one calibration of all, its margins crossed with the wave."""
    start = _start(members)
    frame = members.assign(weight=start)
    part = labels[labels.iloc[:, 0].notna()]
    faults, told = [], []
    for wave, here in part.groupby(members.loc[part.index, "wave"], sort=True):
        wanted: dict[str | tuple[str, ...], Mapping[Any, float]] = {
            str(name): {cell[1]: total for cell, total in target.items() if cell[0] == wave}
            for name, target in zip(labels.columns, targets, strict=True)
        }
        base = start[here.index] * (sum(wanted[labels.columns[0]].values()) / start[here.index].sum())
        try:
            if method == "linear":
                raked = calibrate(here.assign(before=base), margins=wanted, base="before", bounds=limits["bounds"])
            else:
                raked = rake(here, wanted, base=base, **limits)
        except CannotWeight as reason:
            en = f"weights, wave {wave}: {reason}"
            zh = f"weights：{wave} 波次无法按登记表加权；请合并边际、放宽 bounds 或 trim，或核对登记表（{reason}）"
            faults.append(Fault("study.yaml", 0, en, zh))
            continue
        frame.loc[here.index, "weight"] = raked.weights
        told.append(raked.tally.assign(wave=str(wave)))
    if faults:
        raise Refused(faults)
    if not told:
        return frame, None, pd.DataFrame()
    totals: tuple[Any, ...] = tuple(dict(t) for t in targets)
    met = Calibration(tuple(("wave", str(name)) for name in labels.columns), totals)
    if method == "linear":
        frame["weight_before"] = start
        met = replace(met, linear=True, base="weight_before")
    return frame, met, pd.concat(told, ignore_index=True)


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
    return replace(met, margins=margins, totals=(*met.totals[:at], totals, *met.totals[at + 1 :]))


def _what_happened(
    waves: pd.Series, drawn: Sequence[_Drawn], rescaled: Mapping[str, int], small: Set[str], costs: pd.DataFrame
) -> pd.DataFrame:
    weighted = drawn[0].labels.notna()
    collapsed = pd.concat([d.collapsed for d in drawn], axis=1).any(axis=1)
    rows = []
    for wave, here in waves.groupby(waves, sort=True):
        rule = "weighted" if weighted[here.index].all() else "not_weighted"
        rows.append((wave, "", "answers", rule, len(here), 0))
        if wave in small:
            rows.append((wave, "", "registry", "too_small", 0, 1))
        laid = sum(d.laid.get(wave, 0) for d in drawn)
        if laid:
            rows.append((wave, "", "answers", "collapsed", int(collapsed[here.index].sum()), laid))
        if wave in rescaled:
            rows.append((wave, "", "registry", "rescaled", 0, rescaled[wave]))
        rows += [(wave, "", "answers", rule, count, 0) for rule in LIMITED if (count := _count(costs, wave, rule))]
    return pd.DataFrame(rows, columns=list(TALLY))


def _count(costs: pd.DataFrame, wave: Any, quantity: str) -> int:
    if costs.empty:
        return 0
    return int(costs.loc[(costs["wave"] == wave) & (costs["quantity"] == quantity), "value"].sum())
