"""How well does each scale measure?  Alpha, omega, and what each item adds.

Source: a frame with the items, a row a person. See `analysis.core.moments`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import moments as core
from analysis.methods.design import Design, numeric
from analysis.tidy import ALL, domain_key, tidy_frame

STATISTICS = ("alpha", "omega", "item_rest", "alpha_if_dropped")
LEVEL = 0.95
Floats = NDArray[np.float64]
Scales = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, repr=False)
class Reliability:
    """Reliability of scales."""

    rows: pd.DataFrame  #: tidy table: term = scale, or term = item in domain ``scale=...``
    faults: pd.DataFrame  #: wave, scale, item, fault (constant, duplicated, empty): items that spoil their scale
    loadings: pd.DataFrame  #: wave, scale, item, loading, unique (items' units); behind omega

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        found = self.rows[self.rows["statistic"] == "alpha"]
        values = ", ".join(f"{r.term} {r.estimate:.3f}" for r in found.itertuples())
        return f"Reliability(alpha: {values}; {len(self.faults)} faulty items)"


def reliability(
    items: pd.DataFrame,
    *,
    scales: Scales,
    reverse: Sequence[str] = (),
    design: Design | None = None,
    wave: str | None = None,
) -> Reliability:
    r"""Estimate the reliability of each scale's sum or mean.

    :math:`\alpha = \frac{J}{J-1}(1 - \sum s_j^2 / s_T^2)`;
    :math:`\omega = (\sum\lambda_j)^2 / ((\sum\lambda_j)^2 + \sum\theta_j)`: the denominator is the model's variance of
    the sum, not the observed one. The loadings come from one model by maximum likelihood in which each item loads on
    its scale's factor and the factors of all scales correlate (semTools' default omega); a scale handed in alone, or
    one that shares an item with another, has its own one-factor model.

    Parameters
    ----------
    items : DataFrame
        A row a person, items as numbers.
    scales : mapping of str to sequence of str
        Scale name to its items, at least two.
    reverse : sequence of str
        Items to turn round, x to min + max - x of the column; only for bare frames: a panel's items are turned already.
    design : Design, optional
        Only its weights count: weighted covariances.
    wave : str, optional
        Column: each of its values is measured by itself, in text order. None: all rows together, wave ``*``.

    Returns
    -------
    Reliability
        ``tidy()``: term = scale, statistic ``alpha`` (interval by Feldt 1965) and ``omega`` (no interval yet); term =
        item with domain ``scale=<name>``, statistic ``item_rest`` (correlation with the sum of the others) and
        ``alpha_if_dropped`` (three items or more). ``n`` is the smallest number of persons behind a covariance of the
        scale. An item that is constant, a copy of another or empty stays in alpha, makes omega and its own rows
        ``not_estimable`` and is named in ``faults``. Omega is ``not_converged`` where the
        model is, or an item's error variance is zero.

    Raises
    ------
    ValueError
        For unknown columns, text, a scale with fewer than two items or an item twice, an item in `reverse` that no
        scale has, or a design with more than weights.

    Notes
    -----
    Missing values: covariances are pairwise. Feldt's interval assumes persons drawn independently and ignores unequal
    weights. Numbers as R's psych (alpha) and semTools (omega).

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [1, 2, 3, 4, 5], "b": [2, 1, 4, 3, 5], "c": [1, 3, 2, 5, 4]})
    >>> reliability(frame, scales={"s": ("a", "b", "c")}).tidy().loc[0, "estimate"].round(4).item()
    0.8382
    """
    design = design or Design()
    _check(items, scales, reverse, design, wave)
    if wave is None:
        return _measured(items, scales, reverse, design, ALL)
    each = [_measured(f, scales, reverse, design, str(w)) for w, f in items.groupby(items[wave].astype(str))]
    tables = ([getattr(one, name) for one in each] for name in ("rows", "faults", "loadings"))
    return Reliability(*(pd.concat(t, ignore_index=True) for t in tables))


def _measured(items: pd.DataFrame, scales: Scales, reverse: Sequence[str], design: Design, wave: str) -> Reliability:
    names = list(dict.fromkeys(i for members in scales.values() for i in members))
    values = np.column_stack([_turned(items, i, i in reverse) for i in names])
    weights = np.ones(len(items)) if design.weights is None else numeric(items, design.weights)
    if np.isnan(weights).any() or (weights < 0).any():
        raise ValueError("weights must be numbers of at least zero and never missing")
    s, count = core.covariance(values, weights)
    faults = _faults(scales, names, s)
    loadings, states = _loadings(scales, names, s, faults)
    rows: list[dict[str, Any]] = []
    for scale, members in scales.items():
        at = [names.index(i) for i in members]
        part, n = s[np.ix_(at, at)], float(count[np.ix_(at, at)].min())
        rows += _scale_rows(scale, part, n, loadings[loadings["scale"] == scale], states[scale])
        rows += _item_rows(scale, list(members), part, n, set(faults.loc[faults["scale"] == scale, "item"]))
    for table in (faults, loadings):
        table.insert(0, "wave", wave)
    return Reliability(tidy_frame([row | {"wave": wave} for row in rows]), faults, loadings)


def _check(items: pd.DataFrame, scales: Scales, reverse: Sequence[str], design: Design, wave: str | None) -> None:
    named = {i for members in scales.values() for i in members}
    absent = sorted((named | {c for c in (design.weights, wave) if c is not None}) - set(items.columns))
    if absent:
        raise ValueError(f"the frame does not have the columns {absent}")
    if wave is not None and (items.empty or items[wave].isna().any()):
        raise ValueError(f"the column {wave} of waves has no rows, or rows without a wave")
    if not scales:
        raise ValueError("no scales given; name at least one with its items")
    for scale, members in scales.items():
        if len(set(members)) < len(members) or len(members) < 2:
            raise ValueError(f"scale {scale!r} needs at least two different items, seen {list(members)}")
    if set(reverse) - named:
        raise ValueError(f"reverse names items that no scale has: {sorted(set(reverse) - named)}")
    if design != Design(weights=design.weights):
        raise ValueError("reliability uses the design's weights only; leave strata, cluster, fpc and the rest out")


def _turned(items: pd.DataFrame, item: str, reverse: bool) -> Floats:
    values = numeric(items, item)
    if not reverse or np.isnan(values).all():
        return values
    return np.nanmin(values) + np.nanmax(values) - values


def _faults(scales: Scales, names: list[str], s: Floats) -> pd.DataFrame:
    """Items without variance or answers, and items that repeat an earlier one of their scale."""
    rows = []
    own = np.diag(s)
    for scale, members in scales.items():
        at = [names.index(i) for i in members]
        for k, j in enumerate(at):
            with np.errstate(divide="ignore", invalid="ignore"):
                same = [i for i in at[:k] if own[i] > 0 and abs(s[i, j] / np.sqrt(own[i] * own[j])) > 1 - 1e-10]
            fault = "empty" if np.isnan(own[j]) else "constant" if own[j] <= 1e-14 else "duplicated" if same else ""
            if fault:
                rows.append({"scale": scale, "item": names[j], "fault": fault})
    return pd.DataFrame(rows, columns=["scale", "item", "fault"])


def _loadings(scales: Scales, names: list[str], s: Floats, faults: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Loadings of each sound scale, and the status of its omega."""
    states = dict.fromkeys(scales, "not_estimable")
    sound = [k for k in scales if k not in set(faults["scale"])]
    used = [i for k in sound for i in scales[k]]
    together = len(set(used)) == len(used) and _definite(s, [names.index(i) for i in used])
    tables = []
    for batch in [sound] if together else [[k] for k in sound]:
        at = [names.index(i) for k in batch for i in scales[k]]
        if not batch or not _definite(s, at) or (len(batch) == 1 and len(at) < 3):
            continue
        factor = np.repeat(np.arange(len(batch)), [len(scales[k]) for k in batch])
        fit = core.fit_factors(s[np.ix_(at, at)], factor)
        for k, scale in enumerate(batch):
            states[scale] = "ok" if fit.converged and fit.proper[factor == k].all() else "not_converged"
        owner = [k for k in batch for _ in scales[k]]
        columns = {"scale": owner, "item": [names[i] for i in at], "loading": fit.loading, "unique": fit.unique}
        tables.append(pd.DataFrame(columns))
    empty = pd.DataFrame(columns=["scale", "item", "loading", "unique"])
    return (pd.concat(tables, ignore_index=True) if tables else empty), states


def _definite(s: Floats, at: list[int]) -> bool:
    part = s[np.ix_(at, at)]
    return bool(len(at) and np.isfinite(part).all() and np.linalg.eigvalsh(part).min() > 1e-9 * np.diag(part).max())


def _scale_rows(scale: str, s: Floats, n: float, loadings: pd.DataFrame, state: str) -> list[dict[str, Any]]:
    rows = [
        {"term": scale, "statistic": "alpha", "n": n},
        {"term": scale, "statistic": "omega", "n": n, "status": state},
    ]
    if np.isfinite(s).all() and s.sum() > 0:
        value = core.alpha(s)
        low, high = core.alpha_interval(value, n, len(s), LEVEL)
        rows[0] |= {"estimate": value, "conf_low": low, "conf_high": high}
    if state == "ok":
        columns = (loadings[c].to_numpy(dtype=float) for c in ("loading", "unique"))
        rows[1] |= {"estimate": core.omega(*columns)}
    return rows


def _item_rows(scale: str, members: list[str], s: Floats, n: float, faulty: set[str]) -> list[dict[str, Any]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = core.item_rest(s)
    rows = []
    for j, item in enumerate(members):
        key = {"domain": domain_key({"scale": scale}), "term": item, "n": n}
        others = np.delete(np.delete(s, j, 0), j, 1)
        values = {"item_rest": rest[j]}
        if len(members) > 2:
            values["alpha_if_dropped"] = core.alpha(others) if others.sum() > 0 else np.nan
        for statistic, value in values.items():
            bad = item in faulty or not np.isfinite(value)
            rows.append(key | {"statistic": statistic, "estimate": np.nan if bad else value})
    return rows
