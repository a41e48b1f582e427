"""A block that Arrow cuts is cut as the module `csv` cuts it; whatever else it holds is left to `csv`."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import Refused, read_table
from survey.readers import blocks, files
from survey.readers.raw import TOP


def by_csv(text: str, delimiter: str) -> list[list[str]] | None:
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return None


def by_arrow(text: str, delimiter: str) -> list[list[str]] | None:
    columns = blocks.cut(text, delimiter)
    return None if columns is None else [list(row) for row in zip(*(c.to_pylist() for c in columns), strict=True)]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        'a,b\n"1","2"\n',
        '"x, y",b\n"",2\n',
        "一,二\r\n三,四\r\n",
        "a,b\n1,2",
        'a,"NA"\nnull,NaN\n',
        ",\n,\n",
    ],
)
def test_what_is_plain_is_cut(text: str) -> None:
    assert by_arrow(text, ",") == by_csv(text, ",") is not None


@pytest.mark.parametrize(
    "text",
    [
        'a,"b\n1",2\n',  # a line break in a cell
        'a,"b""c"\n1,2\n',
        'a,b"c\n1,2\n',
        'a,"b"c\n1,2\n',
        'x",",y\nz,"w\n',  # quotes in pairs, not as cells have them
        "a,b\n\n1,2\n",
        "a,b\r1,2\r",
        "a,b\n1,2,3\n",
        "a\n1\n",  # one column: an empty line is an empty cell or none
        "a," + "b" * 140_000 + "\n",
        "",
    ],
)
def test_what_is_not_plain_is_left(text: str) -> None:
    assert by_arrow(text, ",") is None


CELL = st.text(st.sampled_from(list('ab1,;"\n\r \t中')), max_size=5)


@settings(max_examples=400, deadline=None)
@given(st.text(st.sampled_from(list('ab,;"\n\r中')), max_size=40), st.sampled_from(",;"))
def test_any_text_is_cut_as_csv_does_or_left(text: str, delimiter: str) -> None:
    found = by_arrow(text, delimiter)
    assert found is None or found == by_csv(text, delimiter)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=30),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    st.integers(1, 40),
)
def test_a_file_reads_the_same_with_and_without_blocks(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], quoting: int, size: int
) -> None:
    path = tmp_path_factory.mktemp("file") / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=quoting, lineterminator="\n")
        writer.writerow(["x", "y", "z"])
        writer.writerows([["0", str(n), "."] for n in range(TOP)])
        writer.writerows(rows)
        writer.writerows([["1", "中" * size, "."] for _ in range(5)])

    def told() -> object:
        try:
            raw = read_table(path, platform="plain")
            return raw.frame.to_numpy().tolist(), raw.index.tolist(), raw.ragged
        except Refused as refused:
            return refused.faults

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.decoding, "FIRST_BLOCK", 1500)
        patch.setattr(files.decoding, "BLOCK", 64 + size)
        fast = told()
        patch.setattr(files.blocks, "cut", lambda text, delimiter: None)
        assert fast == told()


def test_texts_beyond_the_top_are_each_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("who,what\n" + "".join(f"m{n % 700},a{n}\n" for n in range(9000)), "utf-8")
    monkeypatch.setattr(files.decoding, "FIRST_BLOCK", 4096)
    monkeypatch.setattr(files.decoding, "BLOCK", 4096)
    monkeypatch.setattr("survey.readers.encoded.MANY", 2000)
    raw = read_table(path)
    assert raw.frame["who"].tolist() == [f"m{n % 700}" for n in range(9000)]
    assert raw.frame["what"].tolist() == [f"a{n}" for n in range(9000)]
    # the top, what is left of the first block, and all that came behind it
    assert len(raw.of("who").blocks) == 3 < len(raw.of("what").blocks)
