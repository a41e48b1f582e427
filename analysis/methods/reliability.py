"""How well does each scale measure?  Alpha, omega, and what each item adds.

Source: a frame with the items, a row a person. See `analysis.core.moments`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import moments as core
from analysis.core import ordinal
from analysis.methods.design import Design, as_stored, numeric
from analysis.methods.factor_fit import Rows
from analysis.methods.factor_model import Outline, outlined
from analysis.methods.mixed import NotFittable
from analysis.methods.ordinal_fit import sampled_ordered
from analysis.tidy import ALL, domain_key, tidy_frame

OF_ITEMS, OF_PAIRS = ("item_rest", "alpha_if_dropped"), ("htmt",)
STATISTICS = ("alpha", "omega", "ave", "alpha_ordinal", "omega_categorical", *OF_ITEMS, *OF_PAIRS)
SPOILT = ("empty", "constant", "duplicated")  # a model of the scale cannot be fitted
FEW_ANSWERS = 7  # different answers up to which items are looked at as ordered categories too
AGAINST = -0.1  # correlation with the rest of the scale below which an item looks turned round
LEVEL = 0.95
Floats = NDArray[np.float64]
Scales = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, repr=False)
class Reliability:
    """Reliability of scales."""

    rows: pd.DataFrame  #: tidy table: term = scale, or term = item in domain ``scale=...``
    faults: pd.DataFrame  #: wave, scale, item, fault (empty, constant, duplicated, reversed): items to look at
    loadings: pd.DataFrame  #: wave, scale, item, loading, unique (items' units); behind omega

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    @property
    def of_scales(self) -> pd.DataFrame:
        """The rows of whole scales."""
        return self._of(*(s for s in STATISTICS if s not in (*OF_ITEMS, *OF_PAIRS)))

    @property
    def of_items(self) -> pd.DataFrame:
        """The rows of items."""
        return self._of(*OF_ITEMS)

    @property
    def of_pairs(self) -> pd.DataFrame:
        """The rows of pairs of scales."""
        return self._of(*OF_PAIRS)

    def _of(self, *statistics: str) -> pd.DataFrame:
        return self.rows[self.rows["statistic"].isin(statistics)].reset_index(drop=True)

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
    ordered: bool = True,
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
    ordered : bool
        Look at the answers as ordered categories too; that needs the rows, the rest needs their moments alone.

    Returns
    -------
    Reliability
        ``tidy()``: term = scale, statistics

        - ``alpha``, interval by Feldt (1965);
        - ``omega``, and ``ave``, the mean share of an item's variance that is the factor's:
          :math:`\sum\lambda_j^2 / \sum(\lambda_j^2 + \theta_j)` (Fornell & Larcker 1981);
        - ``alpha_ordinal`` and ``omega_categorical`` where no item has more than seven different answers: alpha of the
          polychoric correlations (Zumbo, Gadermann & Zeisser 2007: of the latent answers, not of the score), and Green &
          Yang's (2009) omega of the score as it is, over the variance by the polychoric correlations, from the scale's own
          factor by WLSMV;

        term = a scale with domain ``scale=<another>``, statistic ``htmt``: their correlation free of error and without its
        sign, as the ratio of the geometric means of the correlations between and within them (Henseler, Ringle & Sarstedt
        2015; Roemer, Schuberth & Henseler 2021: HTMT2);
        term = item with domain ``scale=<name>``, statistic ``item_rest`` (correlation with the sum of the others) and
        ``alpha_if_dropped`` (three items or more). ``n`` is the smallest number of persons behind a covariance of the
        scale. An item that is constant, a copy of another or empty stays in alpha, makes what rests on a model and its own rows
        ``not_estimable`` and is named in ``faults``; so is, as ``reversed``, one that runs against the rest of its scale: it is
        told, never turned. Omega is ``not_converged`` where the model is, or an item's error variance is zero.

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
        return _measured(items, scales, reverse, design, ALL, ordered)
    parts = items.groupby(items[wave].astype(str))
    each = [_measured(f, scales, reverse, design, str(w), ordered) for w, f in parts]
    tables = ([getattr(one, name) for one in each] for name in ("rows", "faults", "loadings"))
    return Reliability(*(pd.concat(t, ignore_index=True) for t in tables))


def _measured(
    items: pd.DataFrame, scales: Scales, reverse: Sequence[str], design: Design, wave: str, ordered: bool
) -> Reliability:
    names = list(dict.fromkeys(i for members in scales.values() for i in members))
    columns = [_turned(items, i, i in reverse) for i in names]
    weights = np.ones(len(items)) if design.weights is None else numeric(items, design.weights)
    if np.isnan(weights).any() or (weights < 0).any():
        raise ValueError("weights must be numbers of at least zero and never missing")
    s, count = core.covariance(columns, weights)
    faults = _faults(scales, names, s)
    models = _models(scales, names, s, faults)
    rows: list[dict[str, Any]] = []
    for scale, members in scales.items():
        at = [names.index(i) for i in members]
        part, n = s[np.ix_(at, at)], float(count[np.ix_(at, at)].min())
        spoilt = {item for of, item, fault in faults if of == scale and fault in SPOILT}
        rows += _scale_rows(scale, part, n, models[scale])
        if ordered and not spoilt:
            rows += _ordered_rows(scale, list(members), np.column_stack([columns[k] for k in at]), weights, n)
        rows += _item_rows(scale, list(members), part, n, spoilt)
    rows += _distinct_rows(scales, names, s, count)
    loadings = [
        (wave, scale, *row)
        for scale, m in models.items()
        for row in zip(scales[scale], m.loading, m.unique, strict=False)
    ]
    return Reliability(
        tidy_frame([row | {"wave": wave} for row in rows]),
        pd.DataFrame([(wave, *fault) for fault in faults], columns=["wave", "scale", "item", "fault"]),
        pd.DataFrame(loadings, columns=["wave", "scale", "item", "loading", "unique"]),
    )


def _check(items: pd.DataFrame, scales: Scales, reverse: Sequence[str], design: Design, wave: str | None) -> None:
    named = {i for members in scales.values() for i in members}
    absent = sorted((named | {c for c in (design.weights, wave) if c is not None}) - set(items.columns), key=str)
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
        raise ValueError(f"reverse names items that no scale has: {sorted(set(reverse) - named, key=str)}")
    if design != Design(weights=design.weights):
        raise ValueError("reliability uses the design's weights only; leave strata, cluster, fpc and the rest out")


def _turned(items: pd.DataFrame, item: str, reverse: bool) -> Floats:
    values = as_stored(items, item)
    if not reverse or np.isnan(values).all():
        return values
    return np.nanmin(values) + np.nanmax(values) - values


def _faults(scales: Scales, names: list[str], s: Floats) -> list[tuple[str, str, str]]:
    """Scale, item and fault: items without variance or answers, that repeat an earlier one or run against the others."""
    rows = []
    own = np.diag(s)
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = (np.abs(s / np.sqrt(np.outer(own, own))) > 1 - 1e-10) & (own > 0)
    for scale, members in scales.items():
        at = [names.index(i) for i in members]
        for k, j in enumerate(at):
            same = alike[j, at[:k]].any()
            fault = "empty" if np.isnan(own[j]) else "constant" if own[j] <= 1e-14 else "duplicated" if same else ""
            if fault:
                rows.append((scale, names[j], fault))
        rows += [(scale, i, "reversed") for i in _against(list(members), s[np.ix_(at, at)])]
    return rows


def _against(members: list[str], s: Floats) -> list[str]:
    """Items that run against the rest of their scale, while most do not."""
    if len(members) < 3 or not np.isfinite(s).all() or not (np.diag(s) > 0).all():
        return []
    with np.errstate(invalid="ignore"):  # pairwise covariances may give a sum without variance
        found = core.item_rest(s) < AGAINST
    return [i for i, turned in zip(members, found, strict=True) if turned] if 2 * found.sum() < len(members) else []


@dataclass(frozen=True, slots=True)
class _Model:
    """A scale's factor; without loadings where none was fitted."""

    state: str = "not_estimable"
    loading: Floats = field(default_factory=lambda: np.empty(0))
    unique: Floats = field(default_factory=lambda: np.empty(0))


def _models(scales: Scales, names: list[str], s: Floats, faults: list[tuple[str, str, str]]) -> dict[str, _Model]:
    """The factor of each scale."""
    models = {scale: _Model() for scale in scales}
    spoilt = {scale for scale, _, fault in faults if fault in SPOILT}
    sound = [k for k in scales if k not in spoilt]
    used = [i for k in sound for i in scales[k]]
    together = len(set(used)) == len(used) and _definite(s, [names.index(i) for i in used])
    for batch in [sound] if together else [[k] for k in sound]:
        at = [names.index(i) for k in batch for i in scales[k]]
        if not batch or not _definite(s, at) or (len(batch) == 1 and len(at) < 3):
            continue
        factor = np.repeat(np.arange(len(batch)), [len(scales[k]) for k in batch])
        fit = core.fit_factors(s[np.ix_(at, at)], factor)
        for k, scale in enumerate(batch):
            own = factor == k
            state = "ok" if fit.converged and fit.proper[own].all() else "not_converged"
            models[scale] = _Model(state, fit.loading[own], fit.unique[own])
    return models


def _definite(s: Floats, at: list[int]) -> bool:
    part = s[np.ix_(at, at)]
    return bool(len(at) and np.isfinite(part).all() and np.linalg.eigvalsh(part).min() > 1e-9 * np.diag(part).max())


def _scale_rows(scale: str, s: Floats, n: float, fitted: _Model) -> list[dict[str, Any]]:
    model = {"n": n, "status": fitted.state}
    rows = [
        {"term": scale, "statistic": "alpha", "n": n},
        {"term": scale, "statistic": "omega", **model},
        {"term": scale, "statistic": "ave", **model},
    ]
    if np.isfinite(s).all() and s.sum() > 0:
        value = core.alpha(s)
        low, high = core.alpha_interval(value, n, len(s), LEVEL)
        rows[0] |= {"estimate": value, "conf_low": low, "conf_high": high}
    if fitted.state == "ok":
        loading, unique = fitted.loading, fitted.unique
        rows[1] |= {"estimate": core.omega(loading, unique)}
        rows[2] |= {"estimate": float(loading @ loading / (loading @ loading + unique.sum()))}
    return rows


def _ordered_rows(scale: str, members: list[str], values: Floats, weights: Floats, n: float) -> list[dict[str, Any]]:
    """Of the answers as ordered categories; none where there are too many to be that."""
    kept = ~np.isnan(values).any(axis=1) & (weights > 0)
    rows = {
        s: {"term": scale, "statistic": s, "n": n, "estimate": np.nan} for s in ("alpha_ordinal", "omega_categorical")
    }
    if not kept.any() or max(len(np.unique(column)) for column in values[kept].T) > FEW_ANSWERS:
        return []
    try:
        sample = sampled_ordered(members, {ALL: Rows(values[kept], weights[kept])})
    except NotFittable:
        return list(rows.values())
    one = sample.data[0]
    rows["alpha_ordinal"]["estimate"] = core.alpha(one.correlation)
    if len(members) > 2:
        outline = Outline({scale: tuple(members)}, (ALL,), identify="variance", ordered=sample.thresholds, scaled=False)
        fit = sample.fit(outlined(outline))
        loading = fit.model.blueprints[0].loading.at(fit.x)[:, 0]
        proper = fit.converged and bool((np.abs(loading) < 1).all())
        cuts = [one.thresholds[one.item == j] for j in range(len(members))]
        value = ordinal.omega_categorical(loading, cuts, one.correlation) if proper else np.nan
        proper = proper and value <= 1
        value = value if proper else np.nan
        rows["omega_categorical"] |= {"estimate": value, "status": "ok" if proper else "not_converged"}
    return list(rows.values())


def _distinct_rows(scales: Scales, names: list[str], s: Floats, count: Floats) -> list[dict[str, Any]]:
    """Heterotrait-monotrait ratios of each two scales that share no item."""
    places = {scale: [names.index(i) for i in members] for scale, members in scales.items()}
    spread = np.sqrt(np.diag(s))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = s / np.outer(spread, spread)
    rows = []
    for first, second in itertools.combinations(scales, 2):
        i, j = places[first], places[second]
        if not set(i) & set(j):
            rows.append(
                {
                    "term": first,
                    "domain": domain_key({"scale": second}),
                    "statistic": "htmt",
                    "estimate": core.htmt(r[np.ix_(i, i)], r[np.ix_(j, j)], r[np.ix_(i, j)]),
                    "n": float(count[np.ix_(i + j, i + j)].min()),
                }
            )
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
