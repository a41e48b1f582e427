"""Reading block by block gives what Python's own csv module gives for the whole text, wherever a block ends; and what is known of
a file early is told early.

Expected cells come from `csv.reader` on the whole text. Two limits have a reason: LIMIT is half of what the cells of the large
file take as Python lists, 8 bytes each and the texts besides; SOON is the time that a refusal of a header may take.
"""

from __future__ import annotations

import csv
import io
import logging
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from survey import Refused, read_table, readers
from survey.readers import columnar, decoding, encoded, package, progress, raw, read_header
from survey.schema import Layout
from tests.survey.test_readers import refused, text_of

ROWS, COLUMNS = 500_000, 44
LIMIT, SOON = ROWS * COLUMNS * 8 // 2, 2.0
SMALL = {raw: {"TOP": 3, "PART_ROWS": 2, "PART_CELLS": 6}, encoded: {"MOST": 4, "SMALL": 2}, columnar: {"AT_ONCE": 4}}


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    """Let everything be done in the smallest steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK", size)
        patch.setattr("survey.readers.files.TOP", 3)
        patch.setattr("survey.readers.files.PART_CELLS", 6)
        for module, values in SMALL.items():
            for name, value in values.items():
                patch.setattr(module, name, value)
        yield


def whole(text: str) -> list[list[str]]:
    """What the csv module reads, short of blanks at the header; blank lines are rows of empty cells."""
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [[name.strip() for name in header], *([*row, *[""] * (len(header) - len(row))] for row in rows)]


TEXT = '编号,"说\r\n明",x\n1,"好\n\r\n，""𠀀""",\r\n2,,"é\r"\r\n\n3,𠀀𠀀,四\r5,六,七\n'


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be", "utf-7"])
def test_a_block_may_end_anywhere(tmp_path: Path, encoding: str, size: int) -> None:
    (tmp_path / "a.csv").write_bytes(TEXT.encode(encoding))
    declared = Layout(encoding=encoding) if encoding in ("utf-16-be", "utf-7") else None
    with blocks_of(size):
        found = read_table(tmp_path / "a.csv", layout=declared)
    assert text_of(found) == whole(TEXT)
    assert found.index.tolist() == [3, 6, 8, 9, 10]


CELLS = st.text('ab,"\r\n ;好é𠀀', max_size=5) | st.sampled_from(["", "1", "2", "满意", "x" * 30])


@settings(max_examples=150, deadline=None)
@given(
    rows=st.integers(1, 4).flatmap(lambda w: st.lists(st.lists(CELLS, min_size=w, max_size=w), max_size=12)),
    size=st.integers(1, 40),
    encoding=st.sampled_from(["utf-8", "gb18030", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_streamed_reading_is_that_of_the_whole_text(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], size: int, encoding: str, end: str
) -> None:
    width = len(rows[0]) if rows else 1
    made = io.StringIO(newline="")
    broken = any(sign in cell for row in rows for cell in row for sign in "\r\n")
    quoting = csv.QUOTE_ALL if broken else csv.QUOTE_MINIMAL  # the module does not quote a line end that is not its own
    csv.writer(made, lineterminator=end, quoting=quoting).writerows(
        [[f"c{n}" for n in range(width)], *rows, ["x"] * width]
    )
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(made.getvalue().encode(encoding))
    layout = Layout(delimiter=",", encoding="gb18030" if encoding == "gb18030" else None)
    with blocks_of(size):
        found = read_table(path, layout=layout)
        assert read_header(path, layout=layout) == found.columns
        categories = [found.column(name) for name in found.columns]
    assert text_of(found) == whole(made.getvalue())
    for column in categories:
        assert column.astype("str").equals(found.frame[column.name])
        assert set(column.cat.categories) == set(found.frame[column.name])


def test_rows_of_other_lengths_come_late(tmp_path: Path) -> None:
    body = "1,2\n" * 9 + "\n,,,,\n5\n" + "3,4\n" * 9
    (tmp_path / "a.csv").write_text("a,b\n" + body, "utf-8")
    (tmp_path / "b.csv").write_text("a,b\n" + body + "6,7,,8\n", "utf-8")
    with blocks_of(4):
        found = read_table(tmp_path / "a.csv")
        assert "1 rows have more fields" in refused(tmp_path / "b.csv", 23)
    assert (found.ragged, len(found.index)) == ((13,), 20)
    assert found.frame["a"].tolist() == ["1"] * 9 + ["", ""] + ["3"] * 9
    assert "5" not in found.column("a").cat.categories


def test_other_files_are_read_in_parts_too(tmp_path: Path) -> None:
    rows = [["a", "b"], *([str(n), "满意" if n % 3 else ""] for n in range(40))]
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    table = pa.table({name: [row[n] or None for row in rows[1:]] for n, name in enumerate(rows[0])})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=7)
    with blocks_of(9):
        for name in ("a.xlsx", "a.parquet"):
            assert text_of(read_table(tmp_path / name)) == rows
            assert read_header(tmp_path / name) == rows[0]
    top = package.read_sheet(package.open_package(tmp_path / "a.xlsx"), "Sheet", 5)
    assert not top.whole
    assert len(CalamineWorkbook.from_filelike(io.BytesIO(top.data)).get_sheet_by_name("1").to_python()) == 5


GOOD, ASCII = "编号,意见很好\n一,满意得很\n", "id,x\n1,2\n"
GLUED = {
    "utf-8 first": (GOOD.encode() + "二,满意\n".encode("gb18030"), 3),
    "gb18030 first": ("编号,意见\n二,满意\n".encode("gb18030") + "三,非常满意\n".encode(), 3),
    "one byte wrong": (GOOD.encode() + "三,\xff,满意\n".encode("latin-1", "ignore"), 3),
    "after plain signs": (ASCII.encode() * 3 + "满,意\n".encode("gb18030") + "满意,得很\n".encode(), 8),
}


@pytest.mark.parametrize("name", GLUED)
@pytest.mark.parametrize("size", [1, 7, 2**20])
def test_two_encodings_in_one_file(tmp_path: Path, name: str, size: int) -> None:
    data, line = GLUED[name]
    (tmp_path / "a.csv").write_bytes(data)
    with blocks_of(size):
        assert "two encodings in one file" in refused(tmp_path / "a.csv", line)


def test_another_encoding_far_down_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(ASCII.encode() + b"3,4\n" * 400_000 + b"5,\xff\xff\n")
    assert "not in one of the encodings" in refused(tmp_path / "a.csv", 400_003)
    (tmp_path / "b.csv").write_bytes(ASCII.encode() + b"3,4\n" * 400_000 + "5,满意\n".encode("gb18030"))
    found = read_table(tmp_path / "b.csv")
    assert (found.form["encoding"], found.frame["x"].iloc[-1]) == ("gb18030", "满意")


def test_what_only_looks_like_two_encodings(tmp_path: Path) -> None:
    # By chance a line or two of GB18030 is UTF-8: "中" of UTF-8 and a half sign are three bytes, which stand for 涓 and more.
    (tmp_path / "a.csv").write_bytes("编号,意见\n1,".encode("gb18030") + "中中".encode() + b"\n")
    assert read_table(tmp_path / "a.csv").form["encoding"] == "gb18030"


def test_characters_that_another_program_lost(tmp_path: Path) -> None:
    rows = [
        ["id", "x", "y"],
        *([str(n), "\ufffd\ufffd" if n % 2 else "好", "\ufffd" if n == 3 else "1"] for n in range(14)),
    ]
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    with blocks_of(5):
        said = refused(tmp_path / "a.csv", 3)
    assert "8 cells hold the sign U+FFFD (rows 3, 5, 7, 9, 11)" in said
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert "8 cells hold" in refused(tmp_path / "a.xlsx", 3)


@pytest.mark.parametrize("text", ['{"a": 1}', '[{"a": 1}]', '\n [\n  ["a"]]', "{}", "[]", "[1, 2]", '{\n "rows": []}'])
def test_json_is_refused_in_plain_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text, "utf-8")
    assert "this is JSON" in refused(tmp_path / "a.csv", 1)


def test_a_heading_in_brackets_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("[1] How old?,{b}\n30,2\n", "utf-8")
    assert read_table(tmp_path / "a.csv").columns == ["[1] How old?", "{b}"]


@pytest.mark.parametrize("text", ["id,q1\n1,5\n", "编号,满意度是多少\r\n一,好\r\n", "one\n1\n"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_has_to_be_declared(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert f"declare layout: encoding: {encoding}" in refused(tmp_path / "a.csv")
    assert text_of(read_table(tmp_path / "a.csv", layout=Layout(encoding=encoding))) == whole(text)


EXPORTS = (
    "wjx_phone_survey",
    "qualtrics_voting",
    "limesurvey_testquality",
    "cncf_member_surveys",
    "carpentries_longterm",
    "ess7_norway_mixed",
    "ethba_meetups",
)


@pytest.mark.parametrize("name", EXPORTS)
def test_headers_of_real_exports(shared_data: Callable[[str], Path], name: str) -> None:
    kinds = (".csv", ".xlsx", ".xls", ".parquet", ".sav", ".dta")
    for path in sorted(p for p in shared_data(name).iterdir() if p.suffix in kinds and p.stat().st_size < 20 * 2**20):
        assert read_header(path) == read_table(path).columns


def test_a_header_at_fault_is_told_before_the_body_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b,a\n" + b"1,2,3\n" * 5_000_000 + b"\0\xff")
    start = time.perf_counter()
    assert "stand twice in the header: a" in refused(tmp_path / "a.csv", 1)
    (tmp_path / "a.csv").write_bytes(b"a,b,c\n" + b"1,2,3\n" * 5_000_000 + b"\0\xff")
    assert read_header(tmp_path / "a.csv") == ["a", "b", "c"]
    assert time.perf_counter() - start < SOON


def test_a_file_that_is_too_large_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n" * 2000, "utf-8")
    monkeypatch.setattr(readers, "MAX_BYTES", 8000)
    assert "Parquet" in refused(tmp_path / "a.csv")
    monkeypatch.undo()
    monkeypatch.setattr(raw, "MAX_CELLS", 3000)
    assert "too large: more than 5,000 columns or 3,000 cells" in refused(tmp_path / "a.csv")


def test_long_reading_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.csv").write_text("a,b\n" + "1,2\n" * 1000, "utf-8")
    caplog.set_level(logging.INFO, "survey")
    read_table(tmp_path / "secret" / "a.csv")
    assert caplog.messages == []
    monkeypatch.setattr(progress, "QUIET", 0.0)
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    with blocks_of(1000):
        read_table(tmp_path / "secret" / "a.csv")
    assert caplog.messages[0].startswith("a.csv: ")
    assert caplog.messages[-1] == "a.csv: 100 % of 0 MB read"
    assert not any("secret" in message for message in caplog.messages)


@pytest.mark.slow
def test_memory_stays_far_below_that_of_the_cells(tmp_path: Path) -> None:
    line = ",".join(["5", "满意", "2024-03-05 10:00:00", *"1234512345" * 4])
    with (tmp_path / "a.csv").open("w", encoding="utf-8") as file:
        file.write(",".join(f"c{n}" for n in range(COLUMNS)) + "\n")
        for n in range(ROWS):
            file.write(f"m{n:08d},{line}\n")
    tracemalloc.start()
    arrow = pa.total_allocated_bytes()
    found = read_table(tmp_path / "a.csv")
    peak = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - arrow
    tracemalloc.stop()
    assert (tmp_path / "a.csv").stat().st_size > 55 * 2**20
    assert len(found.index) == ROWS
    assert peak < LIMIT, f"{peak / 2**20:.0f} MB"


def test_a_file_that_changes_between_two_looks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n3,\xff\n")
    monkeypatch.setattr(decoding, "encoding_of", lambda *_: "utf-8")
    with pytest.raises(Refused, match="still being written"):
        read_table(tmp_path / "a.csv")
