"""The parts of a mixed model from a frame: fixed columns, factors and slopes, and the same again for other frames.

Source: a frame with a row a person. Text, category and bool columns are factors in treatment coding, numbers are linear.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core.design import compact
from analysis.methods.design import as_text, coded, holes, numeric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Term = str | tuple[str, ...]
Slopes = Mapping[str, Sequence[Term]]
INTERCEPT = "(Intercept)"


class NotFittable(ValueError):
    """The data cannot carry the model; the message says why."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A random factor: one column, or the combinations of several, with its intercept and slopes."""

    name: str  #: column names joined by ``:``
    columns: tuple[str, ...]
    labels: tuple[pd.Index, ...]  #: text of each column's levels, in sorted order
    keys: Ints  #: (q,) each level as one number, ascending: its columns' positions written to the base of their counts
    slopes: tuple[str, ...]  #: names of its terms, the intercept first

    @property
    def size(self) -> int:
        """Number of levels."""
        return len(self.keys)

    def level_labels(self) -> dict[str, pd.Series]:
        """Text of every level, column by column, (q,)."""
        found, rest = {}, self.keys
        for column, labels in reversed(list(zip(self.columns, self.labels, strict=True))):
            rest, at = np.divmod(rest, max(len(labels), 1))
            found[column] = pd.Series(labels.take(at)).reset_index(drop=True)
        return {c: found[c] for c in self.columns}

    def level_names(self) -> pd.Series:
        """Text of every level, its columns joined by ``:``."""
        first, *others = self.level_labels().values()
        for other in others:
            first = first + ":" + other
        return first

    def positions(self, frame: pd.DataFrame) -> Ints:
        """Level of each row of another frame; -1 for a level that was not there."""
        key, known = np.zeros(len(frame), np.int64), np.ones(len(frame), bool)
        for column, labels in zip(self.columns, self.labels, strict=True):
            at = placed(frame[column], labels)
            key, known = key * max(len(labels), 1) + at, known & (at >= 0)
        place = np.minimum(np.searchsorted(self.keys, key), self.size - 1)
        return np.where(known & (self.keys[place] == key), place, -1)


@dataclass(frozen=True, slots=True)
class Columns:
    """How to make numeric columns of terms again from another frame."""

    terms: tuple[tuple[str, ...], ...]  #: columns of each term, several for an interaction
    codes: Mapping[str, pd.Index]  #: levels of each factor column, the first is the reference
    names: tuple[str, ...]  #: name of each column, the intercept first

    def of(self, frame: pd.DataFrame) -> Floats:
        """Make the columns, (n, p), the intercept first.

        Raises
        ------
        ValueError
            For absent columns, levels that the fit has not seen, and missing values.
        """
        absent = sorted({c for t in self.terms for c in t if c not in frame.columns})
        if absent:
            raise ValueError(f"the fixed part needs the columns {absent}")
        blocks = [np.ones((len(frame), 1))]
        for term in self.terms:
            block = np.ones((len(frame), 1))
            for c in term:
                one = _dummies(frame[c], c, self.codes[c]) if c in self.codes else numeric(frame, c)[:, None]
                block = one if len(term) == 1 else (block[:, :, None] * one[:, None, :]).reshape(len(frame), -1)
            blocks.append(block)
        x = np.hstack(blocks)
        if np.isnan(x).any():
            raise ValueError("the fixed part has missing values; every cell needs a value of each of its columns")
        return x


@dataclass(frozen=True, slots=True)
class Fixed:
    """The fixed part: its columns, and what was subtracted from each before the fit."""

    columns: Columns
    centre: Floats  #: (p,) 0 for the intercept

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients."""
        return self.columns.names

    def of(self, frame: pd.DataFrame) -> Floats:
        """Make the centred columns of another frame."""
        return self.columns.of(frame) - self.centre


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be fitted."""

    outcome: str
    fixed: list[tuple[str, ...]]
    random: list[tuple[str, ...]]
    slopes: dict[str, list[tuple[str, ...]]]
    weights: str | None  #: prior weights, or trials

    @classmethod
    def read(
        cls,
        frame: pd.DataFrame,
        outcome: str,
        fixed: Sequence[Term],
        random: Sequence[Term],
        slopes: Slopes | None,
        weights: str | None,
    ) -> Asked:
        """Read the terms, and refuse what the frame does not have."""
        listed = {k: [columns_of(t) for t in v] for k, v in (slopes or {}).items()}
        asked = cls(outcome, [columns_of(t) for t in fixed], [columns_of(t) for t in random], listed, weights)
        asked.check(frame)
        return asked

    @property
    def terms(self) -> list[tuple[str, ...]]:
        """All terms."""
        return [*self.fixed, *self.random, *(t for v in self.slopes.values() for t in v)]

    @property
    def columns(self) -> list[str]:
        """All columns used."""
        terms = (*self.fixed, *self.random, *(t for v in self.slopes.values() for t in v))
        return list(
            dict.fromkeys([self.outcome, *(c for t in terms for c in t), *([self.weights] if self.weights else [])])
        )

    def complete(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows where none of the columns used is missing."""
        return frame[self.columns].dropna() if any(holes(frame[c]) for c in self.columns) else frame

    def check(self, frame: pd.DataFrame) -> None:
        """Refuse absent columns and factors."""
        if not self.random:
            raise ValueError("a mixed model needs at least one random factor")
        if len({frozenset(r) for r in self.random}) < len(self.random):
            raise ValueError("random names the same factor twice")
        names = [":".join(r) for r in self.random]
        wrong = sorted(set(self.slopes) - set(names))
        if wrong:
            raise ValueError(f"slopes names factors that random does not have: {wrong}; random has {names}")
        absent = sorted(c for c in self.columns if c not in frame.columns)
        if absent:
            raise ValueError(f"the frame does not have the columns {absent}")

    @property
    def formula(self) -> str:
        """The model in one line."""
        parts = [":".join(t) for t in self.fixed] or ["1"]
        for columns in self.random:
            name = ":".join(columns)
            inside = " + ".join(["1", *(":".join(t) for t in self.slopes.get(name, []))])
            parts.append(f"({inside} | {name})")
        return f"{self.outcome} ~ {' + '.join(parts)}"


def columns_of(term: Term) -> tuple[str, ...]:
    """Columns of a term."""
    return (term,) if isinstance(term, str) else tuple(term)


def placed(values: pd.Series, among: pd.Index) -> Ints:
    """Position of each value's text among labels, -1 where it is none of them."""
    found = coded(values)
    at = among.get_indexer(as_text(found.levels))
    return np.append(at.take(found.place), -1).astype(np.int64).take(found.codes)


def factors_of(
    levels: Mapping[str, Ints],
    texts: Mapping[str, pd.Index],
    terms: Sequence[tuple[str, ...]],
    slopes: Mapping[str, tuple[str, ...]],
) -> tuple[list[Factor], list[Ints]]:
    """Make the factors, and the level of each cell in every one, from the levels of cells in each column."""
    factors, codes = [], []
    for columns in terms:
        key = np.zeros(len(levels[columns[0]]), np.int64)
        for c in columns:
            key = key * max(len(texts[c]), 1) + levels[c]
        keys, code = compact(key)
        name = ":".join(columns)
        terms_of = (INTERCEPT, *slopes.get(name, ()))
        factors.append(Factor(name, columns, tuple(texts[c] for c in columns), keys, terms_of))
        codes.append(code)
    return factors, codes


def columns_named(terms: Sequence[tuple[str, ...]], texts: Mapping[str, pd.Index]) -> Columns:
    """Decide how terms become columns; `texts`: the levels of each column that is a factor."""
    codes = {c: texts[c] for c in dict.fromkeys(c for t in terms for c in t) if c in texts}
    names = [INTERCEPT]
    for term in terms:
        names += term_names(term, codes)
    return Columns(tuple(terms), codes, tuple(names))


def is_factor(values: pd.Series) -> bool:
    """True for text, category and bool columns."""
    return pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values)


def term_names(term: tuple[str, ...], codes: Mapping[str, pd.Index]) -> list[str]:
    """Names of a term's columns: ``column`` or ``column=level``, products joined by ``:``."""
    names = [""]
    for c in term:
        parts = [f"{c}={v}" for v in codes[c][1:]] if c in codes else [c]
        names = [f"{n}:{p}" if n else p for n in names for p in parts]
    return names


def repeats(gram: Floats) -> list[int]:
    """Columns that earlier ones explain, by Gram-Schmidt on the scaled cross-products."""
    scale = np.sqrt(np.diag(gram))
    scale = np.where(scale > 0, scale, 1.0)
    gram = gram / np.outer(scale, scale)
    kept: list[int] = []
    for j in range(len(gram)):
        inner = gram[np.ix_(kept, kept)]
        left = gram[j, j] - gram[j, kept] @ np.linalg.solve(inner, gram[kept, j]) if kept else gram[j, j]
        if left > 1e-10:
            kept.append(j)
    return [j for j in range(len(gram)) if j not in kept]


def _dummies(values: pd.Series, column: str, codes: pd.Index) -> Floats:
    if values.isna().any():
        raise ValueError("the fixed part has missing values; every cell needs a value of each of its columns")
    at = placed(values, codes)
    if (at < 0).any():
        raise ValueError(f"column {column!r} holds levels that the fit has not seen; it has {len(codes)}")
    found = np.zeros((len(values), len(codes) - 1))
    others = np.flatnonzero(at > 0)
    found[others, at[others] - 1] = 1.0
    return found
