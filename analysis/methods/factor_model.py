"""A factor model by names: which item belongs to which factor, what is equal in all groups, what is let free again.

Source: factors and groups by name. Gives `analysis.core.structural` its blueprints, and each parameter its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core.structural import Blueprint, Part

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = (
    "thresholds",
    "loadings",
    "intercepts",
    "residuals",
    "residual_covariances",
    "latent_variances",
    "latent_covariances",
    "latent_means",
)
SYMMETRIC = ("residuals", "residual_covariances", "latent_variances", "latent_covariances")
SHARED = 0.8  # of an axis that is taken for the factor's, to start from
LEAST = 0.05  # size of a standardised loading to start from
IDENTIFICATIONS = ("marker", "variance", "equal")


@dataclass(frozen=True, slots=True)
class Free:
    """What is not held equal although its kind is: in one group, or in all."""

    kind: str
    left: str  #: an item
    group: str | None = None  #: None: in every group its own


@dataclass(frozen=True, slots=True)
class Outline:
    """A factor model before it meets data.

    Attributes
    ----------
    factors : mapping
        Factor to its items.
    groups : tuple of str
        The first is the one that latent means are compared with.
    equal : tuple of str
        Kinds (`KINDS`) that are the same in every group.
    free : tuple of Free
    covariances : tuple of pairs of str
        Items whose residuals correlate.
    identify : str
        ``marker``: a factor's first loading is 1; ``variance``: its variance is 1 in the first group; ``equal``: all loadings
        are 1 (tau-equivalent items, for factors of two).
    alone : tuple of str
        Items without a factor.
    ordered : mapping
        Item to its number of thresholds, where answers are ordered categories; the model is of latent answers behind them.
    scaled : bool
        For ordered answers: residual variances are 1 in the first group (theta parameterization), and those of others free where
        thresholds are equal. False: latent answers have variance 1 in every group (delta), for models without equal thresholds.
    """

    factors: Mapping[str, tuple[str, ...]]
    groups: tuple[str, ...]
    equal: tuple[str, ...] = ()
    free: tuple[Free, ...] = ()
    covariances: tuple[tuple[str, str], ...] = ()
    identify: str = "marker"
    alone: tuple[str, ...] = ()
    ordered: Mapping[str, int] = field(default_factory=dict)
    scaled: bool = True

    @property
    def items(self) -> tuple[str, ...]:
        """Items in the order of the factors, then those without one."""
        return tuple(dict.fromkeys([*(i for members in self.factors.values() for i in members), *self.alone]))


@dataclass(slots=True)
class _Builder:
    """Numbers parameters; an element that is shared gets the number it has already."""

    outline: Outline
    numbers: dict[tuple[str, ...], int] = field(default_factory=dict)
    elements: list[tuple[str, str, str, str, int, float]] = field(default_factory=list)

    def place(self, part: Part, at: tuple[int, ...], kind: str, left: str, right: str, group: str) -> None:
        """Make an element free."""
        key = (kind, left, right) if self._shared(kind, left, group) else (kind, left, right, group)
        number = self.numbers.setdefault(key, len(self.numbers))
        part.index[at] = number
        if kind in SYMMETRIC:
            part.index[at[::-1]] = number
        self.elements.append((kind, left, right, group, number, np.nan))

    def fix(self, part: Part, at: tuple[int, ...], kind: str, left: str, right: str, group: str, value: float) -> None:
        """Give an element a value."""
        part.value[at] = value
        self.elements.append((kind, left, right, group, -1, value))

    def _shared(self, kind: str, left: str, group: str) -> bool:
        return kind in self.outline.equal and not self.released(kind, left, group)

    def released(self, kind: str, left: str, group: str) -> bool:
        """Whether an item is an exception."""
        return bool({Free(kind, left), Free(kind, left, group)} & set(self.outline.free))


@dataclass(frozen=True, slots=True)
class FactorModel:
    """A factor model with its parameters numbered.

    Attributes
    ----------
    outline : Outline
    blueprints : tuple of Blueprint
        One a group.
    elements : DataFrame
        ``kind, left, right, group, number, value``: every element; number -1 where it is fixed at the value.
    """

    outline: Outline
    blueprints: tuple[Blueprint, ...]
    elements: pd.DataFrame

    @property
    def size(self) -> int:
        """Number of parameters."""
        return int(self.elements["number"].max()) + 1


def outlined(outline: Outline) -> FactorModel:
    """Number the parameters of a model, matrix by matrix and group by group."""
    builder = _Builder(outline)
    prints = tuple(_group(builder, group) for group in outline.groups)
    columns = ["kind", "left", "right", "group", "number", "value"]
    return FactorModel(outline, prints, pd.DataFrame(builder.elements, columns=columns))


def _group(builder: _Builder, group: str) -> Blueprint:
    items, factors = builder.outline.items, list(builder.outline.factors)
    p, f = len(items), len(factors)
    one = Blueprint(
        _part(p, f), _part(p), _part(p, p), _part(f, f), _part(f), _part(sum(builder.outline.ordered.values()))
    )
    first = group == builder.outline.groups[0]
    for k, (factor, members) in enumerate(builder.outline.factors.items()):
        for item in members:
            at, how = (items.index(item), k), builder.outline.identify
            if how == "equal" or (how == "marker" and item == members[0]):
                builder.fix(one.loading, at, "loadings", item, factor, group, 1.0)
            else:
                builder.place(one.loading, at, "loadings", item, factor, group)
    if builder.outline.ordered:
        _behind(builder, one, group, first)
    else:
        for j, item in enumerate(items):
            builder.place(one.intercept, (j,), "intercepts", item, "", group)
            builder.place(one.unique, (j, j), "residuals", item, item, group)
    for left, right in builder.outline.covariances:
        builder.place(one.unique, (items.index(left), items.index(right)), "residual_covariances", left, right, group)
    _latent(builder, one, factors, group, first)
    return one.settled()


def _behind(builder: _Builder, one: Blueprint, group: str, first: bool) -> None:
    """Thresholds, and means and residual variances of the latent answers (Wu & Estabrook 2016, Psychometrika 81).

    Two equal thresholds or more fix the scale of an item, so that mean and variance are free in the other groups; a single one
    fixes nothing before loadings and intercepts are equal too.
    """
    outline, t = builder.outline, 0
    for j, item in enumerate(outline.items):
        for k in range(outline.ordered[item]):
            builder.place(one.threshold, (t,), "thresholds", item, f"t{k + 1}", group)
            t += 1
        shared = "thresholds" in outline.equal and not builder.released("thresholds", item, group) and not first
        held, several = "intercepts" in outline.equal, outline.ordered[item] > 1
        if shared and ((several and not held) or builder.released("intercepts", item, group)):
            builder.place(one.intercept, (j,), "intercepts", item, "", group)
        else:
            builder.fix(one.intercept, (j,), "intercepts", item, "", group, 0.0)
        alike = "residuals" in outline.equal and not builder.released("residuals", item, group)
        if shared and outline.scaled and not alike and (several or held):
            builder.place(one.unique, (j, j), "residuals", item, item, group)
        else:
            builder.fix(one.unique, (j, j), "residuals", item, item, group, 1.0)


def _latent(builder: _Builder, one: Blueprint, factors: Sequence[str], group: str, first: bool) -> None:
    outline = builder.outline
    scaled = outline.identify == "variance" and (first or "loadings" not in outline.equal)
    means = "intercepts" in outline.equal and "latent_means" not in outline.equal and not first
    for k, left in enumerate(factors):
        if scaled:
            builder.fix(one.factor, (k, k), "latent_variances", left, left, group, 1.0)
        else:
            builder.place(one.factor, (k, k), "latent_variances", left, left, group)
        for m in range(k):
            builder.place(one.factor, (k, m), "latent_covariances", left, factors[m], group)
        if means:
            builder.place(one.mean, (k,), "latent_means", left, "", group)
        else:
            builder.fix(one.mean, (k,), "latent_means", left, "", group, 0.0)


def _part(*shape: int) -> Part:
    return Part(np.full(shape, -1, dtype=np.int64), np.zeros(shape))


def start(model: FactorModel, means: Sequence[Floats], covs: Sequence[Floats]) -> Floats:
    """Values to start from: loadings along the first axis of a factor's items, of all groups together."""
    total, times = np.zeros(model.size), np.zeros(model.size)
    axes = _axes(model.blueprints[0], covs)
    for one, mean, cov in zip(model.blueprints, means, covs, strict=True):
        for part, values in _starts(one, mean, cov, axes):
            there = part.index >= 0
            np.add.at(total, part.index[there], values[there])
            np.add.at(times, part.index[there], 1.0)
    return total / np.maximum(times, 1.0)


def near(model: FactorModel, before: FactorModel, x: Floats) -> Floats:
    """Values to start from: those of another model of the same elements, averaged where they are equal now."""
    then, now = (m.elements["number"].to_numpy() for m in (before, model))
    values = np.where(then >= 0, x[np.maximum(then, 0)], before.elements["value"].to_numpy(dtype=float))
    free = now >= 0
    return np.bincount(now[free], values[free], model.size) / np.bincount(now[free], minlength=model.size)


def _belongs(one: Blueprint) -> NDArray[np.bool_]:
    return np.asarray((one.loading.index >= 0) | (one.loading.value != 0))


def _axes(one: Blueprint, covs: Sequence[Floats]) -> Floats:
    """Standardised loadings on the first axis of the correlations of a factor's items, (p, f); the first item's is above zero."""
    correlations = np.mean([c / np.sqrt(np.outer(np.diag(c), np.diag(c))) for c in covs], axis=0)
    belongs = _belongs(one)
    out = np.zeros(belongs.shape)
    for k, own in enumerate(belongs.T):
        at = np.flatnonzero(own)
        values, vectors = np.linalg.eigh(correlations[np.ix_(at, at)])
        axis = vectors[:, -1] * np.sqrt(values[-1] * SHARED)
        axis = np.where(axis < 0, -1, 1) * np.maximum(np.abs(axis), LEAST)
        out[at, k] = axis * np.sign(axis[0])
    return out


def _starts(one: Blueprint, mean: Floats, cov: Floats, axes: Floats) -> Iterator[tuple[Part, Floats]]:
    spread = np.sqrt(np.diag(cov))
    marked = (one.loading.index < 0) & (one.loading.value != 0)
    first = _belongs(one).argmax(axis=0)
    size = spread[first] * axes[first, np.arange(len(first))] if marked.any() else np.ones(len(first))
    yield one.loading, axes * spread[:, None] / size
    yield one.intercept, mean
    yield one.unique, np.diag(spread**2) / 2
    yield one.factor, np.diag(size**2)
    yield one.mean, np.zeros(len(first))


def start_ordered(model: FactorModel, correlations: Sequence[Floats], thresholds: Sequence[Floats]) -> Floats:
    """Values to start from, for latent answers of variance 1."""
    out = start(model, [np.zeros(len(c)) for c in correlations], correlations)
    total, times = np.zeros(model.size), np.zeros(model.size)
    for one, cuts in zip(model.blueprints, thresholds, strict=True):
        np.add.at(total, one.threshold.index, cuts * (np.sqrt(2.0) if model.outline.scaled else 1.0))
        np.add.at(times, one.threshold.index, 1.0)
    return np.where(times > 0, total / np.maximum(times, 1.0), out)
