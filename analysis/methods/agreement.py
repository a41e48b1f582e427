"""How far do members of one unit answer alike?  Agreement within groups, and how much of it chance alone would make.

Source: a frame with a row a person: the items of one scale and the group. See `analysis.core.agreement`,
`analysis.core.agreement_null` for what chance makes, `analysis.core.agreement_errors` for errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import agreement as core
from analysis.core import agreement_null as chance
from analysis.core.agreement_errors import Answers, Errors, errors
from analysis.methods.design import Design, as_stored, label, levels, replicates_of
from analysis.methods.icc import renumbered, rows_of, weights_of, weights_only
from analysis.tidy import ALL, tidy_frame

INDICES = ("rwg_j", "rwg", "rwg_j_lindell", "ad_m", "a_wg")
LEVEL = 0.95
DRAWS = 10_000
Floats = NDArray[np.float64]
Texts = pd.api.extensions.ExtensionArray


@dataclass(frozen=True, slots=True, repr=False)
class Agreement:
    """Agreement within groups."""

    index: str  #: one of `INDICES`
    null_variance: float  #: variance expected without any agreement (not used by ad_m and a_wg)
    rows: pd.DataFrame  #: tidy table
    out_of_range: pd.DataFrame  #: group, term, variance_ratio: groups whose spread exceeds the null; shown as 0
    cutoffs: pd.DataFrame  #: size, cutoff, exact, practical: one row a group size; empty where not asked for
    groups: pd.DataFrame  #: group, term, n, estimate, cutoff, beyond_chance (bool, missing where nothing can be told)
    single: tuple[str, ...]  #: groups with one person, which cannot agree or differ
    read: int  #: rows of the frame
    used: int  #: rows with all items, a group and a weight above zero

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        told = f"{self.used} of {self.read} rows complete, {len(self.single)} groups of one"
        return f"Agreement({self.index}, {len(self.rows)} rows; {told}; {len(self.out_of_range)} groups out of range)"


def agreement(
    items: pd.DataFrame,
    *,
    group: str,
    n_options: int,
    lowest: float = 1,
    index: str = "rwg_j",
    null: str | float | Sequence[float] = "uniform",
    design: Design | None = None,
    cutoffs: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
    item_correlation: str | float | Floats | None = None,
) -> Agreement:
    r"""Measure how far the members of each group agree.

    With :math:`s^2` an item's variance in the group (divisor n - 1) and :math:`\sigma^2` the null variance,
    rwg is :math:`1 - s^2/\sigma^2`, rwg_j :math:`J(1-m)/(J(1-m)+m)` with :math:`m = \overline{s^2}/\sigma^2`,
    rwg_j_lindell :math:`1 - m`; ad_m is the mean over items of the mean absolute deviation from the item's mean in
    the group; a_wg the mean over items of
    :math:`1 - 2 s^2 / ([(H+L)M - M^2 - HL]\, n/(n-1))`.

    Parameters
    ----------
    items : DataFrame
        The items of one scale, the group column, and the design's columns; nothing else.
    group : str
        Column of the unit. Rows where it is missing are left out.
    n_options : int
        Number of answers A of an item, at least 2.
    lowest : float
        Lowest code of an item; the highest is ``lowest + n_options - 1``.
    index : {"rwg_j", "rwg", "rwg_j_lindell", "ad_m", "a_wg"}
        rwg gives a row for each item, the others one for the scale.
    null : str, float or sequence of float
        How an item is answered without any agreement. For any A: "uniform", variance (A^2 - 1) / 12; "triangular",
        (A^2 + 2A - 3) / 24 for odd and (A^2 + 2A - 2) / 24 for even A; "maximum", half at each end, (A - 1)^2 / 4. For 5
        to 11 options: "slight_skew" (1.34 for 5), "moderate_skew" (0.90), "heavy_skew" (0.44), "normal" (1.04). Or a
        variance, or a probability for each option, lowest first. For ad_m and a_wg it only serves the cut-offs.
    design : Design, optional
        Weights, and replicate weights for errors; nothing else of it.
    cutoffs : bool
        Also give, for every group size, the agreement that random answers out of the null reach in 5 % of groups.
    draws : int
        Random groups a size. One item in a small group is not drawn: all ways to answer are listed.
    seed : int
        Seed of the random groups.
    item_correlation : float, (J, J) array or "observed", optional
        Correlation of the normal variables behind the items of a random group; "observed": the items' correlations within
        the groups. None: independent items, which asks too little of a real scale (Cohen, Doveh & Nahum-Shani 2009).

    Returns
    -------
    Agreement
        ``tidy()``: a row a group, and group ``*``, the plain mean over groups; statistic = `index`; term = the item, or
        the items joined by ``+``; ``n`` persons with all items answered. Groups of one person are ``not_estimable`` and
        named in ``single``. A spread above the null gives 0, by the convention of James, Demaree & Wolf; such groups are
        listed in ``out_of_range`` and their share is the row ``<index>_out_of_range`` of group ``*``.
        With `cutoffs` also a row ``<index>_cutoff`` a group (highest ad_m, lowest of the others, that is beyond chance;
        ``not_estimable`` where no answers of so few people are) and ``<index>_beyond_chance``, the share of groups; the
        frames ``cutoffs`` by group size (``practical``: Burke & Dunlap's A / 6 for ad_m) and ``groups``.
        With replicate weights ``std_error``, and an interval by t on the log of what the index falls with (m, ad_m,
        1 - a_wg), so that it stays in range; degrees of freedom are the group's clusters less 1.

    Raises
    ------
    ValueError
        For unknown options or columns, text, codes outside the range, a null that is not defined for A options or has no
        probabilities where cut-offs need them, an option that changes nothing, a design with more than weights and
        replicates, and cut-offs of weighted answers, for which there is no null.

    Notes
    -----
    Rows with a missing item are left out (listwise); ``read`` and ``used`` count them. Assumes that the items have the
    same codes. Low agreement is a finding about a unit: it forbids "the unit shares this view", and takes no number away.

    Weights: :math:`s^2 = \sum w (x - \bar x_w)^2 / (W - Q/W)` with W and Q the sums of weights and of their squares, the mean over
    pairs of half the squared difference. It is unbiased where weights do not depend on the answers; n / (n - 1) in its place
    understates s^2 by 13 % in groups of 5, 7 % of 10, 3 % of 30 where weights have a CV of 1. Where they depend on the answers
    themselves, s^2 of a group is low by 8, 5 and 2 %, and rwg_j's intervals hold the truth in 91 % of groups of 10 and 87 % of
    30; otherwise in 92 % or more (``python -m tests.simulation.agreement``). rwg_j bends: in groups of 5 it reads .06 low on
    average, in groups of 10 .03, of 30 .01, with or without weights. ad_m has no factor for size: it reads as that of
    n / (1 + CV^2) people, and its errors are too large by 40 % in groups of 5. An error needs two clusters in the group, and
    replicates that leave two people in 95 % of the cases where they touch it.

    An item whose mean lies where a_wg has no meaning is left out of the group's mean, one on which all chose the same end
    counts as 1, as in R's multilevel. Triangular for 5 options is 4 / 3 (James, Demaree & Wolf); LeBreton & Senter print 1.32,
    from rounded probabilities. Sources: see `analysis.core.agreement` and `analysis.core.agreement_null`.

    Examples
    --------
    >>> frame = pd.DataFrame({"unit": ["a", "a", "b", "b"], "q1": [4, 5, 1, 5], "q2": [4, 4, 2, 5]})
    >>> agreement(frame, group="unit", n_options=5).tidy()["estimate"].round(3).tolist()
    [0.933, 0.0, 0.467, 0.5]
    >>> six = pd.DataFrame({"unit": list("aaaaaa"), "q1": [4, 4, 4, 5, 4, 4]})
    >>> agreement(six, group="unit", n_options=5, index="rwg", cutoffs=True).groups["beyond_chance"].tolist()
    [True]
    """
    design = design or Design()
    given = replicates_of(design)
    names = [c for c in items.columns if c not in {group, design.weights, *(given.columns if given else ())}]
    _check(items, names, group, n_options, index, design)
    _check_null(index, null, cutoffs, draws, seed, item_correlation, design)
    law = chance.null_of(null, n_options)
    answers, units = _complete(items, names, group, design, lowest, n_options)
    one = answers.spread(answers.weights)
    x = answers.dispersion(index, law.variance, one)
    found = _Found(index, units, names if index == "rwg" else ["+".join(names)], len(names), one.size, x)
    limits = _limits(answers, index, law, one, draws, seed, item_correlation) if cutoffs else None
    groups = _groups(found, limits)
    rows = _rows(found, groups, errors(answers, index, law.variance, x, LEVEL), limits is not None)
    single = tuple(units[one.size < 2])
    by_size = _by_size(found, limits, n_options)
    return Agreement(
        index, law.variance, rows, _outside(found), by_size, groups, single, len(items), len(answers.group)
    )


def _check(items: pd.DataFrame, names: list[str], group: str, n_options: int, index: str, design: Design) -> None:
    if index not in INDICES:
        raise ValueError(f"unknown index {index!r}; indices are {', '.join(INDICES)}")
    absent = [c for c in (group, design.weights) if c is not None and c not in items.columns]
    if absent or not names:
        raise ValueError(
            f"agreement needs the items and the columns of group and weights; absent: {absent or 'any item'}"
        )
    if n_options != int(n_options) or n_options < 2:
        raise ValueError(f"n_options must be a whole number of at least 2, seen {n_options}")
    weights_only(design, "agreement")


def _check_null(
    index: str, null: Any, cutoffs: bool, draws: int, seed: int, item_correlation: Any, design: Design
) -> None:
    plain = isinstance(null, str) and null == "uniform"
    if not plain and index not in core.BOUNDED and not cutoffs:
        raise ValueError(
            f"{index} has no null distribution but in its cut-offs; leave null out, or ask for cutoffs=True"
        )
    if not cutoffs and (draws != DRAWS or seed != 0 or item_correlation is not None):
        raise ValueError(
            "draws, seed and item_correlation only change cut-offs; leave them out, or ask for cutoffs=True"
        )
    if cutoffs and (draws != int(draws) or draws < 100):
        raise ValueError(f"draws must be a whole number of at least 100, seen {draws}")
    if cutoffs and design.weights is not None:
        raise ValueError("cut-offs are for answers that count alike; leave out the weights or the cut-offs")
    if item_correlation is not None and index == "rwg":
        raise ValueError("rwg takes each item by itself; leave item_correlation out")


def _complete(
    items: pd.DataFrame, names: list[str], group: str, design: Design, lowest: float, options: int
) -> tuple[Answers, Texts]:
    """Rows with all items, and the labels of their groups."""
    columns = [as_stored(items, name) for name in names]
    weights, replicates = weights_of(items, design)
    codes, units = levels(items[group])
    keep = (codes >= 0) & (True if weights is None else weights > 0)
    for column in columns:
        keep = keep & ~np.isnan(column) if column.dtype.kind == "f" else keep
    if not keep.all():
        columns, codes = [c[keep] for c in columns], codes[keep]
        weights = None if weights is None else weights[keep]
        replicates = None if replicates is None else rows_of(replicates, keep)
    if len(codes) and any(c.min() < lowest or c.max() > lowest + options - 1 for c in columns):
        raise ValueError(f"items have codes outside {lowest:g} to {lowest + options - 1:g}; check n_options and lowest")
    dense, there = renumbered(codes, len(units))
    found = units[there]
    labels = found.array if found.dtype == "str" else pd.array([label(v) for v in found.tolist()], dtype="str")
    values = _as_codes(columns, lowest, options) if _whole(columns, lowest) else np.column_stack(columns).astype(float)
    return Answers(values, dense, len(there), weights, replicates, lowest, options), labels


def _whole(columns: list[NDArray[Any]], lowest: float) -> bool:
    return lowest == int(lowest) and all(c.dtype.kind in "iu" or bool((c == np.rint(c)).all()) for c in columns)


def _as_codes(columns: list[NDArray[Any]], lowest: float, options: int) -> NDArray[Any]:
    """Options 0..A-1, an item after the other, in as few bytes as they need."""
    codes = np.empty((len(columns[0]), len(columns)), np.int8 if options <= 128 else np.int64, order="F")
    for k, column in enumerate(columns):
        np.subtract(column, int(lowest), out=codes[:, k], casting="unsafe")
    return codes


def _limits(
    answers: Answers, index: str, law: chance.Null, one: core.Spread, draws: int, seed: int, correlation: Any
) -> dict[int, float]:
    """Largest dispersion beyond chance, by group size."""
    if law.probabilities is None:
        raise ValueError(
            f"of the null {law.name!r} only the variance is known; cut-offs need its probabilities, one an option, as null="
        )
    items = 1 if index == "rwg" else answers.answers.shape[1]
    if correlation is not None and items == 1:
        raise ValueError("one item has nothing to correlate with; leave item_correlation out")
    if isinstance(correlation, str):
        if correlation != "observed":
            raise ValueError(f"item_correlation must be 'observed', a number or a matrix, seen {correlation!r}")
        correlation = answers.correlations(one)
    matrix = None if correlation is None else chance.correlation_of(correlation, items)
    asked = chance.Chance(index, items, law.probabilities, matrix, int(draws), seed)
    scale = law.variance if index in core.BOUNDED else 1.0
    return {int(n): chance.critical(asked, int(n)) / scale for n in np.unique(one.size) if n > 1}


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in every group."""

    index: str
    units: Texts  #: (G,)
    terms: list[str]
    items: int
    size: Floats  #: (G,)
    x: Floats  #: (G, T) dispersion

    def value(self, x: Floats) -> Floats:
        """The index that belongs to a dispersion, not cut."""
        return core.from_dispersion(self.index, x, self.items)

    @property
    def shown(self) -> Floats:
        """The index, (G, T)."""
        return core.shown(self.index, self.value(self.x))


def _groups(found: _Found, limits: dict[int, float] | None) -> pd.DataFrame:
    """One row a term and group; where no answers of so few people would be beyond chance, theirs are not."""
    sizes, place = np.unique(found.size, return_inverse=True)
    top = np.array([(limits or {}).get(int(n), np.nan) for n in sizes])[place]
    beyond = found.x <= top[:, None] * (1 + chance.ALIKE) + 1e-12
    unknown = np.isnan(found.x) | (limits is None)
    terms, units = np.indices((len(found.terms), len(found.units))).reshape(2, -1)
    columns = {
        "group": found.units.take(units),
        "term": pd.array(found.terms, dtype="str").take(terms),
        "n": np.tile(found.size, len(found.terms)),
        "estimate": found.shown.T.ravel(),
        "cutoff": np.tile(found.value(top), len(found.terms)),
        "beyond_chance": pd.arrays.BooleanArray(beyond.T.ravel(), unknown.T.ravel()),
    }
    return pd.DataFrame(columns)


def _by_size(found: _Found, limits: dict[int, float] | None, options: int) -> pd.DataFrame:
    pairs = sorted((limits or {}).items())
    top = np.array([x for _, x in pairs], dtype=float)
    practical = options / 6 if found.index == "ad_m" else np.nan
    sizes = np.array([n for n, _ in pairs], dtype=np.int64)
    return pd.DataFrame({"size": sizes, "cutoff": found.value(top), "practical": np.full(len(sizes), practical)})


def _rows(found: _Found, groups: pd.DataFrame, sure: Errors | None, cutoffs: bool) -> pd.DataFrame:
    """The tidy table, term by term: groups, their mean, and what is said of all."""
    index, beyond = found.index, groups["beyond_chance"].to_numpy(dtype=float, na_value=np.nan)
    by_term = {
        "beyond": beyond.reshape(len(found.terms), -1),
        "cutoff": groups["cutoff"].to_numpy().reshape(len(found.terms), -1),
    }
    shown, outside = found.shown, np.where(np.isnan(found.x), np.nan, found.x > 1)
    tables, units = [], np.arange(len(found.units))
    for t, term in enumerate(found.terms):
        own, every = {"estimate": shown[:, t]}, {"estimate": core.mean_over_groups(shown[:, t])}
        if sure is not None:
            own |= {k: getattr(sure, k)[:, t] for k in ("std_error", "conf_low", "conf_high")}
            ends = {"conf_low": every["estimate"] - sure.reach[t], "conf_high": every["estimate"] + sure.reach[t]}
            every |= {"std_error": sure.every[t]} | ends
        n = found.size[~np.isnan(found.x[:, t])].sum()
        parts = [(index, units, found.size, own), (index, [-1], [n], every)]
        if index in core.BOUNDED:
            parts.append((f"{index}_out_of_range", [-1], [n], {"estimate": core.mean_over_groups(outside[:, t])}))
        if cutoffs:
            parts.append((f"{index}_cutoff", units, found.size, {"estimate": by_term["cutoff"][t]}))
            share = core.mean_over_groups(by_term["beyond"][t])
            parts.append((f"{index}_beyond_chance", [-1], [n], {"estimate": share}))
        tables.append(_stacked(found.units, term, parts))
    return tidy_frame(pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0])


def _stacked(units: Texts, term: str, parts: Sequence[tuple[str, Any, Any, dict[str, Any]]]) -> pd.DataFrame:
    """Parts (statistic, places of their units or -1 for all, sizes, numbers) under each other.

    Made of whole columns, since a frame put together of frames costs ten times as much.
    """
    sizes = [len(p[1]) for p in parts]
    which = np.repeat(np.arange(len(parts)), sizes)
    columns: dict[str, Any] = {
        "group": units.take(np.concatenate([p[1] for p in parts]), allow_fill=True, fill_value=ALL)
    }
    columns["term"] = pd.array([term], dtype="str").take(np.zeros_like(which))
    columns["statistic"] = pd.array([p[0] for p in parts], dtype="str").take(which)
    columns["n"] = np.concatenate([np.asarray(p[2], float) for p in parts])
    for name in dict.fromkeys(k for p in parts for k in p[3]):
        each = [
            np.broadcast_to(np.asarray(p[3].get(name, np.nan), float), n) for p, n in zip(parts, sizes, strict=True)
        ]
        columns[name] = np.concatenate(each)
    return pd.DataFrame(columns)


def _outside(found: _Found) -> pd.DataFrame:
    rows = [
        {"group": found.units[k], "term": term, "variance_ratio": found.x[k, j]}
        for j, term in enumerate(found.terms)
        for k in (np.flatnonzero(found.x[:, j] > 1) if found.index in core.BOUNDED else [])
    ]
    return pd.DataFrame(rows, columns=["group", "term", "variance_ratio"])
