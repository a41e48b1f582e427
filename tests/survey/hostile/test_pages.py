"""Pages of Parquet that say another size than the footer, and files that are changed between the look at them and the reading.

What a page says is changed in its header, byte by byte, so that everything else of the file stays as it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from survey import read_table
from survey.readers import files
from survey.readers.pages import pages
from tests.survey.hostile.books import refused, text_of

KINDS = [
    {},
    {"use_dictionary": False},
    {"data_page_version": "2.0", "compression": "zstd"},
    {"compression": "none", "write_page_checksum": True},
    {"row_group_size": 700, "data_page_size": 1000, "compression": "gzip"},
]


def written(path: Path, **how: object) -> pa.Table:
    """A table of 3,000 rows as a Parquet file."""
    texts = ["ja", "nein", None] * 1000
    table = pa.table({"n": list(range(3000)), "t": texts, "x": [0.5] * 3000, "b": [True, None, False] * 1000})
    pq.write_table(table, path, **how)
    return table


@pytest.mark.parametrize("how", KINDS)
def test_headers_of_pages_are_read_as_the_library_wrote_them(tmp_path: Path, how: dict[str, object]) -> None:
    """Headers and pages fill each column's part of the file, to the byte: what they unpack to is what the footer says."""
    written(tmp_path / "a.parquet", **how)
    about = pq.ParquetFile(tmp_path / "a.parquet").metadata
    found = list(pages(tmp_path / "a.parquet", about))
    chunks = [about.row_group(g).column(c) for g in range(about.num_row_groups) for c in range(about.num_columns)]
    headers = sum(c.total_compressed_size for c in chunks) - sum(page.packed for page in found)
    assert sum(c.total_uncompressed_size for c in chunks) == sum(page.unpacked for page in found) + headers
    assert 0 < headers < 120 * len(found)
    assert sum(page.entries > 0 for page in found) == sum(c.has_dictionary_page for c in chunks)
    assert read_table(tmp_path / "a.parquet").frame["n"].tolist() == [str(n) for n in range(3000)]


def varint(number: int) -> bytes:
    """A whole number as Thrift's compact protocol writes it."""
    number, found = number << 1, bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


@pytest.mark.parametrize("what", ["unpacked", "entries"])
def test_a_page_that_says_more_than_the_footer_is_refused(tmp_path: Path, what: str) -> None:
    path = tmp_path / "a.parquet"
    text = "x" * 60_000  # so long that its size takes as many bytes as the lie
    pq.write_table(pa.table({"a": pa.array([text + str(n) for n in range(40)]), "b": ["y"] * 40}), path)
    page = next(pages(path, pq.ParquetFile(path).metadata))
    data = path.read_bytes()
    true, lie = varint(getattr(page, what)), varint(2**31 - 1)
    if what == "unpacked":
        lie = varint(2 ** (7 * len(true) - 1) - 1)  # as long as it was: nothing moves
        assert data.count(true, 0, 40) == 1
        path.write_bytes(data.replace(true, lie, 1))
    else:
        start = pq.ParquetFile(path).metadata.row_group(0).column(0).dictionary_page_offset
        at = data.index(true, start + 8)
        path.write_bytes(data[:at] + lie + data[at + len(true) :])
    assert "far larger" in refused(path)


def test_a_header_that_is_none_is_damage(tmp_path: Path) -> None:
    written(tmp_path / "a.parquet")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[4:12] = b"\xff" * 8
    (tmp_path / "a.parquet").write_bytes(data)
    assert "damaged or incomplete" in refused(tmp_path / "a.parquet")


def _swapped(path: Path, other: Path) -> Callable[..., int]:
    """A way to open that first puts a link to another file in a file's place."""
    real = os.open

    def opened(place: os.PathLike[str], *rest: int, **named: int) -> int:
        if place == path:
            path.unlink()
            path.symlink_to(other)
        return real(place, *rest, **named)

    return opened


def test_a_link_put_in_place_before_the_file_is_opened_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "a.csv", tmp_path / "secret.csv"
    for place in (path, other):
        place.write_text("a,b\n1,2\n", "utf-8")
    monkeypatch.setattr(os, "open", _swapped(path, other))
    assert "not a regular file" in refused(path)


@pytest.mark.parametrize("end", ["csv", "xlsx", "parquet"])
def test_what_is_put_in_place_while_a_file_is_read_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    path, other = tmp_path / f"a.{end}", tmp_path / "secret"
    table = pa.table({"a": ["1"], "b": ["2"]})
    if end == "parquet":
        pq.write_table(table, path)
    else:
        frame = table.to_pandas()
        frame.to_excel(path, index=False) if end == "xlsx" else frame.to_csv(path, index=False)
    other.write_text("a,b\n8,9\n", "utf-8")
    real = files.open_grid

    def opened(*given: object, **named: object) -> object:
        path.unlink(missing_ok=True)
        path.symlink_to(other)
        return real(*given, **named)

    monkeypatch.setattr(files, "open_grid", opened)
    assert text_of(path) == [["a", "b"], ["1", "2"]]


def test_a_file_that_is_written_anew_in_the_same_length_is_still_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n", "utf-8")
    real = files.open_grid

    def opened(*given: object, **named: object) -> object:
        found = real(*given, **named)
        path.write_text("a,b\n3,4\n", "utf-8")
        os.utime(path, ns=(1, 1))
        return found

    monkeypatch.setattr(files, "open_grid", opened)
    assert "still being written" in refused(path)
