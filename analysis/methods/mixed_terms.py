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
from analysis.methods.design import label, levels, numeric

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Term = str | tuple[str, ...]
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
            at = coded(frame[column], labels)
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


def columns_of(term: Term) -> tuple[str, ...]:
    """Columns of a term."""
    return (term,) if isinstance(term, str) else tuple(term)


def coded(values: pd.Series, labels: pd.Index) -> Ints:
    """Position of each value's text among labels, -1 where it is none of them."""
    codes, seen = pd.factorize(values)
    at = labels.get_indexer(pd.Index([label(v) for v in seen], dtype="str"))
    return np.append(at, -1).astype(np.int64)[codes]


def factors_of(
    frame: pd.DataFrame, terms: Sequence[tuple[str, ...]], slopes: Mapping[str, tuple[str, ...]]
) -> tuple[list[Factor], list[Ints]]:
    """Read the factors, and the level of each row in every one."""
    factors, codes = [], []
    read = {c: levels(frame[c]) for c in dict.fromkeys(c for t in terms for c in t)}
    texts = {c: pd.Index([label(v) for v in seen.tolist()], dtype="str") for c, (_, seen) in read.items()}
    for columns in terms:
        key = np.zeros(len(frame), np.int64)
        for c in columns:
            key = key * max(len(texts[c]), 1) + read[c][0]
        keys, code = compact(key)
        name = ":".join(columns)
        terms_of = (INTERCEPT, *slopes.get(name, ()))
        factors.append(Factor(name, columns, tuple(texts[c] for c in columns), keys, terms_of))
        codes.append(code)
    return factors, codes


def named_columns(frame: pd.DataFrame, terms: Sequence[tuple[str, ...]]) -> Columns:
    """Decide how terms become columns."""
    codes = {
        c: pd.Index([label(v) for v in levels(frame[c])[1].tolist()], dtype="str")
        for c in dict.fromkeys(c for t in terms for c in t)
        if is_factor(frame[c])
    }
    names = [INTERCEPT]
    for term in terms:
        names += term_names(term, codes)
    return Columns(tuple(terms), codes, tuple(names))


def fixed_part(frame: pd.DataFrame, terms: Sequence[tuple[str, ...]]) -> tuple[Fixed, Floats]:
    """Decide the fixed part, and make its centred columns."""
    columns = named_columns(frame, terms)
    x = columns.of(frame)
    centre = x.mean(axis=0) if len(x) else np.zeros(x.shape[1])
    centre[0] = 0.0
    return Fixed(columns, centre), x - centre


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


def repeats(x: Floats) -> list[int]:
    """Columns that earlier ones explain, by Gram-Schmidt on the scaled cross-products."""
    gram = x.T @ x
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
    at = coded(values, codes)
    if (at < 0).any():
        raise ValueError(f"column {column!r} holds levels that the fit has not seen; it has {len(codes)}")
    found = np.zeros((len(values), len(codes) - 1))
    others = np.flatnonzero(at > 0)
    found[others, at[others] - 1] = 1.0
    return found
