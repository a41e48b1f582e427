"""Blocks of lines cut into columns at once, by Arrow, where that can only come out as the module `csv` would cut them.

A block is cut so where each quote opens or closes a whole cell, lines end in one way, none is empty or very long, and all have as
many cells as the first. Every other block is left to `csv`, which is slower by an order of magnitude and says what is wrong.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv

from survey.readers.raw import MAX_COLUMNS

QUOTE, LINE_FEED, RETURN = 0x22, 0x0A, 0x0D


def cut(text: str, delimiter: str) -> Sequence[pa.DictionaryArray] | None:
    """Cut a block of whole lines.

    Parameters
    ----------
    text : str
        Lines, the last one with or without its end.
    delimiter : str
        One character.

    Returns
    -------
    sequence of DictionaryArray or None
        A column each, as long as there are lines; None where `csv` has to look.
    """
    try:
        data = text.encode()
    except UnicodeError:  # halves of characters
        return None
    signs = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(signs == LINE_FEED)
    if not data or not delimiter.isascii() or not _plain_lines(data, ends):
        return None
    if not _plain_quotes(signs, ends, ord(delimiter)):
        return None
    width = len(next(csv.reader([text[: text.find("\n") + 1 or None]], delimiter=delimiter), ()))
    return _cut(data, delimiter, width) if 1 < width <= MAX_COLUMNS else None


def _plain_lines(data: bytes, ends: np.ndarray) -> bool:
    """Whether all lines end alike, none is empty, and none can have a cell longer than `csv` takes."""
    returns = data.count(b"\r")
    if returns and (returns != data.count(b"\r\n") or returns != len(ends)):
        return False
    lengths = np.diff(ends, prepend=-1)  # with their ends
    rest = len(data) - 1 - ends[-1] if len(ends) else len(data)  # what stands behind the last end
    longest = max(lengths.max(initial=0), rest)
    return bool((lengths > 1 + bool(returns)).all()) and longest < csv.field_size_limit()


def _plain_quotes(signs: np.ndarray, ends: np.ndarray, delimiter: int) -> bool:
    """Whether quotes stand in pairs, the first at a cell's beginning, the second at the end of the same cell."""
    at = np.flatnonzero(signs == QUOTE)
    if not len(at):
        return True
    opens, closes = at[::2], at[1::2]
    if len(at) % 2 or (np.searchsorted(at, ends) % 2).any():  # a line that ends within a cell
        return False
    before = signs[np.maximum(opens - 1, 0)]
    begins = (before == delimiter) | (before == LINE_FEED) | (opens == 0)
    behind = signs[np.minimum(closes + 1, len(signs) - 1)]
    closed = (behind == delimiter) | (behind == LINE_FEED) | (behind == RETURN) | (closes == len(signs) - 1)
    return bool(begins.all() and closed.all())


def _cut(data: bytes, delimiter: str, width: int) -> Sequence[pa.DictionaryArray] | None:
    kind = pa.dictionary(pa.int32(), pa.string())
    try:
        table = pa.csv.read_csv(
            pa.py_buffer(data),
            pa.csv.ReadOptions(use_threads=False, block_size=len(data) + 1, autogenerate_column_names=True),
            pa.csv.ParseOptions(delimiter=delimiter, double_quote=False, ignore_empty_lines=False),
            pa.csv.ConvertOptions(
                check_utf8=False,
                column_types={f"f{n}": kind for n in range(width)},
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:  # lines of several lengths
        return None
    return [column.combine_chunks() for column in table.columns] if table.num_columns == width else None
