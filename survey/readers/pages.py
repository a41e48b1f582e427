"""What the pages of a Parquet file say of themselves, before a library makes room for them.

The size of a page stands in the file three times: in the footer, which is small and is read first, in the page's own header, by
which the library makes room, and in what the page truly unpacks to, which is never more than that room. A file can say little in
its footer and much in its pages. So the headers are read here first, in the compact protocol of Thrift in which they are written.
Source: the format's definition (parquet.thrift) and Thrift's compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow.parquet as pq

HEADER = 2**16  # bytes of a page's header; statistics in it are short texts
_DICTIONARY = 2
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_WHOLE = (4, 5, 6)  # numbers of two, four and eight bytes, all written in one way
_KIND, _UNPACKED, _PACKED, _OF_DICTIONARY, _VALUES = 1, 2, 3, 7, 1  # numbers of the fields


class Page(NamedTuple):
    """What a page's header says: bytes unpacked and packed, and entries of a dictionary (0 where it is none)."""

    unpacked: int
    packed: int
    entries: int


def pages(path: Path, about: pq.FileMetaData) -> Iterator[Page]:
    """Give the pages of all columns, in the file's order, by their headers alone.

    Raises
    ------
    ValueError
        For a header that is none.
    """
    with path.open("rb") as file:
        for group in range(about.num_row_groups):
            if not about.row_group(group).num_rows:
                continue  # nothing of it is read
            for column in range(about.num_columns):
                yield from _of_chunk(file, about.row_group(group).column(column))


def _of_chunk(file: BinaryIO, chunk: pq.ColumnChunkMetaData) -> Iterator[Page]:
    dictionary, at = chunk.dictionary_page_offset, chunk.data_page_offset
    if dictionary is not None and 0 < dictionary < at:
        at = dictionary
    end = at + chunk.total_compressed_size
    while at < end:
        file.seek(at)
        page, length = _page(file.read(HEADER))
        yield page
        at += length + page.packed


def _page(data: bytes) -> tuple[Page, int]:
    """A page's header, and its length."""
    reader = _Reader(data)
    try:
        found = reader.struct()
        kind, unpacked, packed = (found[field] for field in (_KIND, _UNPACKED, _PACKED))
    except (IndexError, KeyError):
        raise ValueError("this is no header of a page") from None
    if min(unpacked, packed) < 0:
        raise ValueError("a page says that it has less than no bytes")
    entries = found.get((_OF_DICTIONARY, _VALUES), 0) if kind == _DICTIONARY else 0
    return Page(unpacked, packed, entries), reader.at


class _Reader:
    """Reads the whole numbers of a struct in Thrift's compact protocol, and skips the rest."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def struct(self, depth: int = 0) -> dict[int | tuple[int, int], int]:
        """Whole numbers by field; of structs within it by both fields."""
        found: dict[int | tuple[int, int], int] = {}
        field = 0
        if depth > 8:
            raise ValueError("a header within a header within a header")
        while byte := self._byte():
            kind = byte & 15
            field = field + (byte >> 4) if byte >> 4 else self._whole()
            if kind in _WHOLE:
                found[field] = self._whole()
            elif kind == _STRUCT:
                inner = self.struct(depth + 1)
                found |= {(field, key): value for key, value in inner.items() if isinstance(key, int)}
            else:
                self._skip(kind)
        return found

    def _skip(self, kind: int) -> None:
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self.at += 1
        elif kind == _DOUBLE:
            self.at += 8
        elif kind == _BINARY:
            length = self._varint()
            self.at += length
        elif kind in (_LIST, _SET):
            self._skip_list()
        else:
            raise ValueError("a header of a page has a field of no known kind")

    def _skip_list(self) -> None:
        byte = self._byte()
        size, kind = byte >> 4, byte & 15
        for _ in range(self._varint() if size == 15 else size):
            if kind in _WHOLE:
                self._varint()
            elif kind in (_TRUE, _FALSE):
                self.at += 1
            elif kind == _STRUCT:
                self.struct(1)
            else:
                self._skip(kind)
            if self.at > len(self._data):
                raise ValueError("a list in a header of a page has no end")

    def _whole(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number
            if shift > 63:
                raise ValueError("a number in a header of a page has no end")

    def _byte(self, step: int = 1) -> int:
        byte = self._data[self.at]
        self.at += step
        return byte
