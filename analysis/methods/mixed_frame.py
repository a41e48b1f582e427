"""A frame as what a mixed model asks of it: every column is read once, then rows are sorted into cells.

Source: the complete rows. Columns of levels become whole numbers, columns of numbers (and products of them, where a term is one)
become arrays less their means; what the fixed and the random part are made of is then laid out by cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core.mixed_cells import Layout, laid_out
from analysis.core.mixed_cells import Term as CoreTerm
from analysis.core.mixed_rows import Lines, Products, Rows, Sums, sorted_into_cells
from analysis.core.sparse_tail import TooLarge
from analysis.methods.design import as_text, coded, numeric
from analysis.methods.mixed_terms import (
    Asked,
    Columns,
    Factor,
    Fixed,
    NotFittable,
    columns_named,
    factors_of,
    is_factor,
    term_names,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Terms = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Data:
    """The complete rows, and the model's columns by cell."""

    rows: Rows
    factors: list[Factor]
    terms: list[CoreTerm]  #: codes are of cells
    fixed: Fixed
    x: Lines
    random: Columns
    u: Lines

    @property
    def varies(self) -> bool:
        """True where the outcome has more than one value."""
        y = self.rows.numbers[-1]
        return bool((y != y[:1]).any())

    def sums(self, weights: Floats | None = None) -> Sums:
        """Add the rows up."""
        uneven = [k for k in range(len(self.rows.numbers)) if (self.x.slope[:, self.x.number == k] != 1).any()]
        return self.rows.sums(weights, {*uneven, *self.u.number[self.u.number >= 0].tolist()})

    def products(self, sums: Sums) -> Products:
        """Products of all columns, the last number as outcome."""
        return Products(sums, self.x.beside(len(self.rows.numbers) - 1), self.u)

    def in_full(self) -> tuple[list[CoreTerm], Floats, Floats]:
        """Terms with the level of each row, x (n, p) and u (n, m)."""
        cell = self.rows.cells.of_rows()
        terms = [CoreTerm(t.codes[cell], t.levels, t.uses, t.correlated) for t in self.terms]
        return terms, self.rows.laid_out(self.x), self.rows.laid_out(self.u)

    def layout(self, terms: Sequence[CoreTerm] | None = None) -> Layout:
        """The layout of `terms`, those of the cells where none are named; says in words what does not go into memory."""
        try:
            return laid_out(self.terms if terms is None else terms)
        except TooLarge as large:
            named = " and ".join(f"{f.name!r} ({f.size:,} levels)" for f in self.factors)
            raise NotFittable(f"the factors {named} {large.why}") from None


def data_of(used: pd.DataFrame, asked: Asked, correlated: bool, outcome: str | None = None) -> Data:
    """Read the complete rows; the outcome, if there is one, becomes the last number."""
    in_random = list(dict.fromkeys(t for v in asked.slopes.values() for t in v))
    read = _Read.of(used, asked, [*asked.fixed, *in_random], outcome)
    codes = {c: found for c, found in read.texts.items() if is_factor(used[c])}
    fixed, random = columns_named(asked.fixed, codes), columns_named(in_random, codes)
    x, centre = read.lines(fixed, centred=True)
    u, _ = read.lines(random, centred=False)
    names = {k: tuple(n for t in v for n in term_names(t, random.codes)) for k, v in asked.slopes.items()}
    factors, levels = factors_of(read.levels, read.texts, asked.random, names)
    place = {n: i for i, n in enumerate(random.names)}
    terms = [
        CoreTerm(c, f.size, tuple(place[s] for s in f.slopes), correlated) for f, c in zip(factors, levels, strict=True)
    ]
    return Data(read.rows, factors, terms, Fixed(fixed, centre), x, random, u)


@dataclass(frozen=True, slots=True)
class _Read:
    """The columns, each read once."""

    rows: Rows
    texts: Mapping[str, pd.Index]  #: levels of each column of levels, in sorted order
    levels: Mapping[str, Ints]  #: (C,) level of each cell
    numbers: Mapping[tuple[str, ...], int]  #: place of each product of columns of numbers

    @classmethod
    def of(cls, frame: pd.DataFrame, asked: Asked, terms: Terms, outcome: str | None) -> _Read:
        """Read what is asked for."""
        sorts = {c: is_factor(frame[c]) for c in dict.fromkeys(c for t in terms for c in t)}
        columns = dict.fromkeys([*(c for t in asked.random for c in t), *(c for c, factor in sorts.items() if factor)])
        read = {c: coded(frame[c]) for c in columns}
        wanted = dict.fromkeys(numbers for t in terms if (numbers := tuple(c for c in t if not sorts[c])))
        arrays = tuple(_product(frame, c) for c in [*wanted, *([(outcome,)] if outcome else [])])
        means = np.array([a.mean() if len(a) else 0.0 for a in arrays])
        sizes = [max(len(r.levels), 1) for r in read.values()]
        cells, parts = sorted_into_cells([r.codes for r in read.values()], sizes)
        levels = {c: r.place.take(p) for (c, r), p in zip(read.items(), parts, strict=True)}
        texts = {c: as_text(r.levels) for c, r in read.items()}
        return cls(Rows(cells, arrays, means), texts, levels, {c: k for k, c in enumerate(wanted)})

    def lines(self, columns: Columns, *, centred: bool) -> tuple[Lines, Floats]:
        """The columns by cell, and what was subtracted from each: the mean of its indicator times that of its number."""
        parts = [(-1, 1.0, np.ones((len(self.rows.cells.keys), 1)))]
        for term in columns.terms:
            numbers = tuple(c for c in term if c not in columns.codes)
            place = self.numbers[numbers] if numbers else -1
            parts.append((place, float(self.rows.means[place]) if numbers else 1.0, self._indicators(term, columns)))
        flat = np.hstack([block for _, _, block in parts])
        number = np.repeat([k for k, _, _ in parts], [block.shape[1] for _, _, block in parts])
        mean = np.repeat([m for _, m, _ in parts], [block.shape[1] for _, _, block in parts])
        centre = np.zeros(flat.shape[1])
        if centred:
            centre = mean * (self.rows.cells.count @ flat) / max(len(self.rows.cells.key), 1)
            centre[0] = 0.0
        return Lines(number, mean * flat - centre, np.where(number >= 0, flat, 0.0)), centre

    def _indicators(self, term: tuple[str, ...], columns: Columns) -> Floats:
        """Products of the indicators of a term's columns of levels, (C, d); ones where it has none."""
        found = np.ones((len(self.rows.cells.keys), 1))
        for c in term:
            if c in columns.codes:
                one = (self.levels[c][:, None] == np.arange(1, len(columns.codes[c]))).astype(float)
                found = (found[:, :, None] * one[:, None, :]).reshape(len(found), -1)
        return found


def _product(frame: pd.DataFrame, columns: tuple[str, ...]) -> Floats:
    found = numeric(frame, columns[0])
    for c in columns[1:]:
        found = found * numeric(frame, c)
    return found
