"""Columns of text in little memory: each different text once, and for every cell the place of its text (a byte or two).

A column is a run of blocks, each with texts of its own, so that also a column of nothing but different texts (numbers of
answers, times, what people wrote) takes hardly more memory than its text does in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

MOST = 2**15 - 1  # different texts of a block: two bytes a cell
MANY = 2**21  # different texts of a column beyond which neighbouring blocks are not made one
SMALL = 2**7 - 1  # as many as one byte a cell can tell apart
_BYTE: np.dtype[Any] = np.dtype(np.int8)
_TWO_BYTES: np.dtype[Any] = np.dtype(np.int16)
_REPLACED = re.compile(b"\xef\xbf\xbd")  # U+FFFD in UTF-8


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring cells of a column.

    Attributes
    ----------
    codes : array of int8, int16 or int32
        Place of each cell's text.
    texts : pyarrow.LargeStringArray
        The texts, each once, and none that no cell has.
    """

    codes: np.ndarray
    texts: pa.LargeStringArray

    def take(self, kept: np.ndarray) -> Block:
        """Give the block of some of its cells."""
        used, first, codes = np.unique(self.codes[kept], return_index=True, return_inverse=True)
        order = np.argsort(first)  # as they first appear
        return Block(_small(np.argsort(order)[codes], len(used)), self.texts.take(pa.array(used[order])))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text; what is asked of its cells is asked of each different text once.

    Attributes
    ----------
    blocks : tuple of Block
        The cells from the first to the last.
    """

    blocks: tuple[Block, ...]

    @classmethod
    def of_arrow(cls, cells: pa.ChunkedArray) -> Column:
        """Encode text that is in Arrow's memory already; null is the empty text."""
        whole = cells.cast(pa.large_string()).combine_chunks().fill_null("").dictionary_encode()
        parts = whole.chunks if isinstance(whole, pa.ChunkedArray) else [whole]
        return cls(tuple(Block(_small(p.indices.to_numpy(), len(p.dictionary)), p.dictionary) for p in parts))

    @classmethod
    def blank(cls, rows: int) -> Column:
        """Give a column of empty cells, which takes no memory."""
        return cls(
            (Block(np.broadcast_to(np.zeros(1, np.int8), rows), pa.array([""], pa.large_string())),) if rows else ()
        )

    def __len__(self) -> int:
        return sum(len(block.codes) for block in self.blocks)

    def distinct(self) -> list[str]:
        """Give the different texts, in the order in which they first appear."""
        return list(dict.fromkeys(chain.from_iterable(block.texts.to_pylist() for block in self.blocks)))

    def counts(self) -> dict[str, int]:
        """Give the number of cells of each different text."""
        found: dict[str, int] = {}
        for block in self.blocks:
            for text, cells in zip(block.texts.to_pylist(), np.bincount(block.codes).tolist(), strict=True):
                found[text] = found.get(text, 0) + cells
        return found

    def map(self, convert: Callable[[str], Any], dtype: Any) -> np.ndarray:
        """Convert every cell, by one call a text."""
        parts = [
            np.array([convert(text) for text in block.texts.to_pylist()], dtype)[block.codes] for block in self.blocks
        ]
        return np.concatenate(parts) if parts else np.array([], dtype)

    def where(self, test: Callable[[str], Any]) -> np.ndarray:
        """Tell of every cell whether its text passes a test (array of bool)."""
        return self.map(lambda text: bool(test(text)), np.bool_)

    def any(self, test: Callable[[str], Any]) -> bool:
        """Tell whether a cell's text passes a test."""
        return any(test(text) for block in self.blocks for text in block.texts.to_pylist())

    def replaced(self) -> np.ndarray:
        """Tell of every cell whether it has U+FFFD, which stands where a program could not read a character."""
        found = [
            _has(block.texts)[block.codes]
            if _REPLACED.search(_bytes(block.texts))
            else np.zeros(len(block.codes), bool)
            for block in self.blocks
        ]
        return np.concatenate(found) if found else np.zeros(0, bool)

    def take(self, kept: np.ndarray) -> Column:
        """Give the column of some of its cells (array of bool)."""
        ends = np.cumsum([len(block.codes) for block in self.blocks])[:-1]
        parts = np.split(kept, ends) if self.blocks else []
        return Column(tuple(b.take(k) for b, k in zip(self.blocks, parts, strict=True) if k.any()))

    def text(self) -> Any:
        """Give the cells as a pandas array of dtype str."""
        parts = [block.texts.take(pa.array(block.codes)) for block in self.blocks]
        return pd.array(pa.chunked_array(parts, pa.large_string()), dtype="str")

    def category(self) -> pd.Categorical:
        """Give the cells as a Categorical over str; categories stand in the order in which they first appear."""
        if len(self.blocks) == 1:
            codes, texts = self.blocks[0].codes, self.blocks[0].texts
        else:
            parts = [pa.DictionaryArray.from_arrays(pa.array(b.codes.astype(np.int32)), b.texts) for b in self.blocks]
            kind = pa.dictionary(pa.int32(), pa.large_string())
            one = pa.chunked_array(parts, kind).unify_dictionaries().combine_chunks()
            one = one.chunk(0) if isinstance(one, pa.ChunkedArray) and one.num_chunks else one
            codes, texts = (one.indices.to_numpy(), one.dictionary) if len(one) else (np.array([], np.int8), [])
        return pd.Categorical.from_codes(codes, pd.Index(pd.array(texts, dtype="str")))


class Encoder:
    """Takes a column's cells part by part."""

    __slots__ = ("_blocks", "_cells", "_codes", "_kind", "_known", "_waiting", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self._blocks: list[Block] = []
        self._waiting: list[pa.DictionaryArray] = []
        self._cells = 0  # that wait
        self._known, self._codes, self._kind = _Places(), bytearray(), _BYTE

    def add(self, cells: Sequence[str]) -> None:
        """Take the next cells, `MOST` at most."""
        if len(self._known) + len(cells) > MOST or self._waiting:
            self._close()
        codes = np.fromiter(map(self._known.__getitem__, cells), np.int16, len(cells))
        if self._kind is _BYTE and len(self._known) > SMALL:
            self._codes = bytearray(np.frombuffer(self._codes, np.int8).astype(np.int16).data)
            self._kind = _TWO_BYTES
        self._codes += codes.astype(self._kind, copy=False).data
        self.rows += len(cells)

    def add_encoded(self, cells: pa.DictionaryArray) -> None:
        """Take the next cells, each different text of which stands in its dictionary once."""
        if self._codes:
            self._close()
        self._waiting.append(cells)
        self._cells += len(cells)
        self.rows += len(cells)
        if self._cells > MANY:
            self._unify()

    def fill(self, rows: int) -> None:
        """Make the column as long as this by empty cells."""
        if rows > self.rows:
            self._close()
            self._blocks += Column.blank(rows - self.rows).blocks
            self.rows = rows

    def column(self) -> Column:
        """End the column."""
        self._close()
        return Column(tuple(self._blocks))

    def _unify(self) -> None:
        """Give the cells that wait one dictionary; where it is large, they wait no more."""
        chunks = pa.chunked_array(self._waiting).unify_dictionaries()
        one = pa.DictionaryArray.from_arrays(
            pa.concat_arrays([chunk.indices for chunk in chunks.chunks]), chunks.chunk(0).dictionary
        )
        self._waiting, self._cells = [one], 0
        if len(one.dictionary) > MANY:
            self._settle()

    def _settle(self) -> None:
        for cells in self._waiting:
            texts = cells.dictionary.cast(pa.large_string())
            self._blocks.append(Block(_small(cells.indices.to_numpy(), len(texts)), texts))
        self._waiting, self._cells = [], 0

    def _close(self) -> None:
        if self._waiting:
            self._unify()
            self._settle()
        if self._codes:
            texts = pa.array(list(self._known), pa.large_string())
            self._blocks.append(Block(np.frombuffer(self._codes, self._kind), texts))
            self._known, self._codes, self._kind = _Places(), bytearray(), _BYTE


class _Places(dict[str, int]):
    """The place of each text; a new one stands behind the others."""

    def __missing__(self, text: str) -> int:
        self[text] = place = len(self)
        return place


def _small(codes: np.ndarray, texts: int) -> np.ndarray:
    return codes.astype(np.int8 if texts <= SMALL else np.int16 if texts <= MOST else np.int32, copy=False)


def _bytes(texts: pa.LargeStringArray) -> Any:
    return texts.buffers()[2] or b""


def _has(texts: pa.LargeStringArray) -> np.ndarray:
    return np.array(["\ufffd" in text for text in texts.to_pylist()], bool)
