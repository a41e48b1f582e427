"""Do the numbers of places add up to the number of the place above them?  Estimates moved so that they do.

Source: a tidy table with a row a place, the place above each, the registry's counts as weights, and the direct estimates of the
places above. See `analysis.core.benchmark`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import benchmark as core
from analysis.methods.design import present
from analysis.methods.mixed import NotFittable
from analysis.tidy import ALL, KEYS, Result, concat, tidy_frame

METHODS = ("difference", "ratio")
PLACES = ("region", "group", "domain")
STATES = ("met", "no_target", "incomplete")
CHANGES = ("place", "parent", "share", "before", "after", "change", "held")
TOLD = ("parent", "target", "before", "after", "children", "held", "state")
ENDS = ["conf_low", "conf_high"]
EXACT = 1e-10  # largest relative difference between a target and what its children add up to
SHOWN = 5  # names in a message
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class Benchmarked:
    """Estimates that add up to those of the places above them."""

    method: str  #: difference or ratio
    changes: pd.DataFrame  #: place, parent, share of the parent's people, before, after, change, held at an end
    parents: pd.DataFrame  #: parent, target, before and after (children's weighted means), children, held, state
    rows: pd.DataFrame  #: tidy table

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.parents["state"].value_counts().items())
        return f"Benchmarked({self.method}; {len(self.changes)} areas moved; places above: {states or 'none'})"


def benchmarked(
    estimates: Result | pd.DataFrame,
    *,
    parents: Mapping[str, str] | pd.DataFrame,
    weights: Mapping[str, float] | pd.Series,
    targets: Mapping[str, float] | pd.Series,
    method: str = "difference",
    bounds: tuple[float, float] | None = None,
    area: str = "region",
    statistic: str = "eblup",
) -> Benchmarked:
    r"""Move means of areas so that, weighted by population, they equal the direct estimate of the place above.

    difference: of all :math:`b` with :math:`\sum w_i b_i = T` the one with the least
    :math:`\sum (b_i - \theta_i)^2 / MSE_i`, so :math:`b_i - \theta_i \propto w_i MSE_i`: who is least sure moves most (Wang,
    Fuller & Qu 2008; Bell, Datta & Ghosh 2013, phi = 1 / MSE). ratio: :math:`b_i = \theta_i T / \sum w_i \theta_i`.
    Several levels go from the top down: a county moved to fit its city is the target of its townships.

    Parameters
    ----------
    estimates : result or tidy table
        One row an area of `statistic`, all of one wave, term and so on; with errors for the difference. Other statistics of the
        table are left out.
    parents : mapping of str to str, or DataFrame
        The place above each area, or a hierarchy with columns ``code`` and ``parent``.
    weights : mapping of str to float, or Series
        People of each area, above zero; only their shares within a parent count.
    targets : mapping of str to float, or Series
        Direct estimates of places above, which have no row among the estimates.
    method : {"difference", "ratio"}
        ratio for outcomes above zero whose zero means none: it is another one when the outcome is shifted.
    bounds : (float, float), optional
        Lowest and highest of the scale: children that would leave it stay at its end and the others take up the rest, by the
        same sum of squares (or the same ratio).
    area : {"region", "group", "domain"}
        Key column that names the areas, as in `parents`, `weights`.
    statistic : str
        Which rows.

    Returns
    -------
    Benchmarked
        ``tidy()``: a row an area that was moved, statistic ``benchmarked``, `basis` the place whose estimate it was moved to, and
        one of statistic ``change``; rows of areas that were not moved as they came. ``changes``, ``parents``: what was done and
        where nothing could be: no target, or a child with people but without an estimate (``incomplete``).
        Sums are exact to 1e-10 of the target's size. ``std_error`` is the root of :math:`MSE_i + (b_i - \theta_i)^2` (Bell, Datta
        & Ghosh 2013: a move away from the best estimate costs its square), the interval grows with it and stays within
        the bounds; the target's own error is not in it.

    Raises
    ------
    ValueError
        For unknown options or columns.
    NotFittable
        For several rows of one area; a place above itself; weights that are zero, below or missing; targets for places above
        nothing, outside the bounds, missing, or for a place with a row of its own; errors missing (difference); estimates not
        above zero (ratio); a target that the bounds or errors of zero put out of reach.

    Examples
    --------
    >>> row = {"term": "y", "statistic": "eblup", "std_error": 1.0}
    >>> table = tidy_frame([row | {"region": "a", "estimate": 1.0}, row | {"region": "b", "estimate": 2.0}])
    >>> found = benchmarked(table, parents={"a": "c", "b": "c"}, weights={"a": 10, "b": 10}, targets={"c": 2.0})
    >>> found.changes["after"].tolist()
    [1.5, 2.5]
    """
    _check(method, bounds, area)
    table, others = _table(estimates, area, statistic)
    above, aims = _above(parents), {str(k): float(v) for k, v in dict(targets).items()}
    counts = {str(k): float(v) for k, v in dict(weights).items()}
    _known(table, above, aims, bounds)
    found = _Levels(table, counts, method, bounds).moved(_families(table, above, counts), aims)
    return Benchmarked(method, found.changes(), pd.DataFrame(found.told, columns=list(TOLD)), found.rows(area, others))


def _check(method: str, bounds: tuple[float, float] | None, area: str) -> None:
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; methods are {', '.join(METHODS)}")
    if area not in PLACES:
        raise ValueError(f"area must be one of {', '.join(PLACES)}; seen {area!r}")
    if bounds is not None and not bounds[0] < bounds[1]:
        raise ValueError(f"bounds must be the lowest and the highest of the scale; seen {bounds}")


def _table(estimates: Result | pd.DataFrame, area: str, statistic: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the statistic by area; and those of them that stand for no single area."""
    given = tidy_frame(estimates if isinstance(estimates, pd.DataFrame) else estimates.tidy())
    chosen = given[given["statistic"] == statistic]
    if chosen.empty:
        raise ValueError(f"there are no rows of statistic {statistic!r}; seen {sorted(given['statistic'].unique())}")
    of_all = chosen[area] == ALL
    table = chosen[~of_all]
    mixed = [k for k in KEYS if k != area and table[k].nunique() > 1]
    if mixed:
        raise NotFittable(f"rows differ in {', '.join(mixed)}: move the estimates of one of each at a time")
    twice = table[area][table[area].duplicated()]
    if len(twice):
        raise NotFittable(f"areas must stand in one row each; in several: {_some(list(twice.unique()))}")
    return table.set_index(area, drop=False), chosen[of_all]


def _above(parents: Mapping[str, str] | pd.DataFrame) -> dict[str, str]:
    """The place above each; a hierarchy's rows without one are the tops."""
    if isinstance(parents, pd.DataFrame):
        present(parents, ["code", "parent"], "parents")
        ready = parents.dropna(subset=["parent"])[["code", "parent"]].astype("str").drop_duplicates()
        twice = ready["code"][ready["code"].duplicated()]
        if len(twice):
            raise NotFittable(
                f"these places have several places above them: {_some(list(twice))}; give one day's hierarchy"
            )
        parents = dict(zip(ready["code"], ready["parent"], strict=True))
    above = {str(k): str(v) for k, v in parents.items() if str(v)}
    for start in above:
        seen, at = {start}, above[start]
        while at in above and at not in seen:
            seen.add(at)
            at = above[at]
        if at in seen:
            raise NotFittable(f"{at} stands above itself: mend parents")
    return above


def _known(
    table: pd.DataFrame, above: dict[str, str], aims: dict[str, float], bounds: tuple[float, float] | None
) -> None:
    """Refuse targets that cannot be meant."""
    strange = sorted(set(aims) - {above[c] for c in table.index if c in above})
    if strange:
        raise NotFittable(f"targets for places that stand above no estimate: {_some(strange)}; mend targets or parents")
    both = sorted(set(aims) & set(table.index))
    if both:
        raise NotFittable(f"these have a target and a row of their own: {_some(both)}; take one of them out")
    low, high = bounds or core.NO_BOUNDS
    wrong = sorted(k for k, v in aims.items() if not (np.isfinite(v) and low <= v <= high))
    if wrong:
        raise NotFittable(f"targets that are missing or outside the scale: {_some(wrong)}")


def _families(table: pd.DataFrame, above: dict[str, str], counts: dict[str, float]) -> dict[str, list[str]]:
    """Children of each place, from the top down: those with a row or with people."""
    families: dict[str, list[str]] = {}
    for child, parent in above.items():
        if child in table.index or counts.get(child, 0):
            families.setdefault(parent, []).append(child)

    def depth(place: str) -> int:
        return 1 + depth(above[place]) if place in above else 0

    with_rows = [p for p in families if any(c in table.index for c in families[p])]
    return {p: families[p] for p in sorted(with_rows, key=depth)}


def _some(found: list[str]) -> str:
    return ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")


class _Levels:
    """Families moved one after the other; what became of each."""

    def __init__(
        self, table: pd.DataFrame, counts: dict[str, float], method: str, bounds: tuple[float, float] | None
    ) -> None:
        self.table, self.counts, self.method = table, counts, method
        self.bounds = bounds or core.NO_BOUNDS
        self.told: list[tuple[object, ...]] = []
        self.parts: list[pd.DataFrame] = []

    def moved(self, families: dict[str, list[str]], aims: dict[str, float]) -> _Levels:
        """Move each family whose target is known; what it became is the target of those below."""
        aims = dict(aims)
        for parent, children in families.items():
            theta = self.table["estimate"].reindex(children)
            if parent not in aims or theta.isna().any():
                state = "incomplete" if parent in aims else "no_target"
                self.told.append((parent, aims.get(parent, np.nan), np.nan, np.nan, len(children), 0, state))
                continue
            share = self._shares(children)
            after = self._meet(parent, children, theta.to_numpy(), share, aims[parent])
            aims |= dict(zip(children, after, strict=True))
            held = (after <= self.bounds[0]) | (after >= self.bounds[1])
            before, found = float(share @ theta), float(share @ after)
            self.told.append((parent, aims[parent], before, found, len(children), int(held.sum()), "met"))
            numbers = {"share": share, "before": theta.to_numpy(), "after": after, "change": after - theta.to_numpy()}
            self.parts.append(pd.DataFrame({"place": children, "parent": parent} | numbers | {"held": held}))
        return self

    def _shares(self, children: list[str]) -> Floats:
        wrong = [c for c in children if not (np.isfinite(self.counts.get(c, np.nan)) and self.counts[c] > 0)]
        if wrong:
            raise NotFittable(f"weights must be above zero; zero, below or missing: {_some(wrong)}")
        people = np.array([self.counts[c] for c in children])
        return people / people.sum()

    def _meet(self, parent: str, children: list[str], theta: Floats, share: Floats, target: float) -> Floats:
        line = core.Line(theta, self._direction(children, theta, share), share, self.bounds)
        after = core.meet(line, target)
        size = max(abs(target), float(np.abs(theta).max()))
        if abs(float(share @ after) - target) > EXACT * size:
            raise NotFittable(
                f"the children of {parent} cannot add up to its target: those that may move reach an end of the scale first, or "
                "have errors of zero"
            )
        return after

    def _direction(self, children: list[str], theta: Floats, share: Floats) -> Floats:
        if self.method == "ratio":
            low = [c for c, v in zip(children, theta, strict=True) if v <= 0]
            if low:
                raise NotFittable(f"a ratio needs estimates above zero; not so: {_some(low)}; take the difference")
            return theta
        errors = self.table["std_error"].reindex(children).to_numpy()
        wrong = [c for c, v in zip(children, errors, strict=True) if not v >= 0]
        if wrong:
            raise NotFittable(f"the difference needs a standard error of every child; missing: {_some(wrong)}")
        # in units of the largest: shares of the move, whatever the outcome's unit
        return share * (errors / (errors.max() or 1.0)) ** 2

    def changes(self) -> pd.DataFrame:
        """A row an area that was moved."""
        return pd.concat(self.parts, ignore_index=True) if self.parts else pd.DataFrame(columns=list(CHANGES))

    def rows(self, area: str, others: pd.DataFrame) -> pd.DataFrame:
        """Tidy rows: moved, their changes, and those left as they came."""
        moves = self.changes().set_index("place")
        old = self.table[self.table.index.isin(moves.index)]
        moves = moves.reindex(old.index)
        change = moves["change"].to_numpy(dtype=float)
        std_error = np.hypot(old["std_error"].to_numpy(), change)
        with np.errstate(divide="ignore", invalid="ignore"):
            wider = np.where(old["std_error"] > 0, std_error / old["std_error"].to_numpy(), 1.0)
        ends = {c: moves["after"].to_numpy(dtype=float) + wider * (old[c] - old["estimate"]).to_numpy() for c in ENDS}
        ends = {c: np.clip(v, *self.bounds) for c, v in ends.items()}
        new = old.assign(statistic="benchmarked", estimate=moves["after"], std_error=std_error)
        new = new.assign(status="pooled", basis=moves["parent"], **ends)
        told = old.assign(statistic="change", estimate=moves["change"], basis=moves["parent"], status="ok")
        told[["std_error", *ENDS]] = np.nan
        left = self.table.drop(index=list(moves.index))
        return concat([new, told, left, others])
