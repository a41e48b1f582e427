"""Files as they arrived: the same text comes back, and what cannot be read for certain is refused in plain words."""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import RawTable, Refused, read_table
from survey.schema import Layout

TABLE = [["编号", "q 1"], ["00123", "NA"], ["123456789012345678", "None"], ["x", "null"], ["nan", " two  blanks "]]


def written(
    path: Path, rows: list[list[str]], delimiter: str = ",", encoding: str = "utf-8", end: str = "\r\n"
) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def text_of(raw: RawTable) -> list[list[str]]:
    return [list(raw.frame.columns), *raw.frame.to_numpy().tolist()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "，"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    path = written(tmp_path / "a.csv", TABLE, ",", encoding, end) if delimiter == "，" else None
    if path is None:
        path = written(tmp_path / "a.csv", TABLE, delimiter, encoding, end)
    else:
        path.write_bytes(path.read_bytes().decode(encoding).replace(",", "，").encode(encoding))
    raw = read_table(path)
    assert text_of(raw) == TABLE
    assert raw.form["delimiter"] == delimiter
    assert raw.frame.index.tolist() == [2, 3, 4, 5]
    assert (raw.frame.dtypes == "str").all()


CELLS = st.text(
    st.characters(blacklist_categories=("Cs", "Cn", "Co"), blacklist_characters="\0\ufeff\ufffd"), max_size=12
) | st.sampled_from(["00123", "1e5", "NA", "=1+1", "2024-03-05", '"', ",", ";", "\r\n", "\n", " ", "，"])


@settings(max_examples=120, deadline=None)
@given(
    rows=st.integers(2, 4).flatmap(lambda w: st.lists(st.lists(CELLS, min_size=w, max_size=w), min_size=1, max_size=5)),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)
def test_nothing_changes_silently(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str, encoding: str
) -> None:
    rows = [*rows, ["x"] * len(rows[0])]  # a file of nothing but blank rows is refused
    header = [f"c{n}" for n in range(len(rows[0]))]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *rows])
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    declared = None if encoding in ("utf-8-sig", "utf-16") else encoding
    assert text_of(read_table(path, layout=Layout(delimiter=delimiter, encoding=declared))) == [header, *rows]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.lists(st.text('ab1 ,;，"\n', max_size=4), min_size=2, max_size=2), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t，"),
)
def test_a_guessed_delimiter_gives_the_same_text_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    path = written(tmp_path_factory.mktemp("any") / "t.csv", [["one", "two"], *rows, ["x", "x"]], delimiter)
    assert text_of(read_table(path)) == [["one", "two"], *rows, ["x", "x"]]


def test_a_full_width_comma_in_a_question_is_no_delimiter(tmp_path: Path) -> None:
    rows = [["id", "您，满意吗，或者，不满意，呢"], ["1", "5"], ["2", "4"]]
    assert text_of(read_table(written(tmp_path / "a.csv", rows))) == rows


def test_line_breaks_in_cells_and_rows_known_by_the_line_they_begin_on(tmp_path: Path) -> None:
    rows = [["a\nb", "c"], ["1", "x\ny\nz"], [], ["2", "w"]]
    raw = read_table(written(tmp_path / "a.csv", rows))
    assert raw.frame.index.tolist() == [3, 6, 7]
    assert text_of(raw) == [["a\nb", "c"], ["1", "x\ny\nz"], ["", ""], ["2", "w"]]


def test_short_rows_are_kept_apart_and_empty_columns_at_the_end_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c,,\n1,2,3,,\n1,2\n1\n\n 4 ,5,6\n")
    raw = read_table(tmp_path / "a.csv")
    assert raw.ragged == (3, 4)
    assert text_of(raw) == [["a", "b", "c"], ["1", "2", "3"], ["", "", ""], [" 4 ", "5", "6"]]


def test_title_rows_above_the_header(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", [["Report 2024", ""], ["made, by us", ""], *TABLE])
    assert text_of(read_table(path, layout=Layout(header_row=3))) == TABLE


REFUSALS = {
    "nothing": (b"", 0, "0 bytes"),
    "header only": (b"a,b\n", 0, "no rows"),
    "blank rows only": (b"a,b\n,\n\n", 0, "no rows"),
    "all short": (b"a,b\n1\n2\n", 2, "shorter than the header"),
    "long": (b"a,b\n1,2\n1,2,3\n", 3, "more fields than the header"),
    "all one too many": (b"a,b\n1,2,3\n4,5,6\n", 2, "2 rows have more fields"),
    "unclosed": (b'a,b\n1,2\n3,"4\n5,6\n', 3, "is not closed"),
    "quote inside": (b'a,b\n1,"2"x\n', 2, "is not doubled"),
    "nul": (b"a,b\n1,2\n3,\0\n", 3, "NUL"),
    "duplicate": (b"a, a\n1,2\n", 1, "stand twice in the header: a"),
    "unnamed": (b"a,,c\n1,2,3\n", 1, "column 2 has no name"),
    "garbled": ("a,b\ufffd\n1,2\n".encode(), 1, "garbled"),
    "latin": (b"a,b\n1,2\n3,\xff\xff\n", 3, "not in one of the encodings"),
    "cut utf-16": ("a,b\n1,2".encode("utf-16") + b"x", 2, "not in one of the encodings"),
    "web page": (b"<html><table><tr><td>1</td></tr></table></html>", 1, "web page"),
    "packed": (b"\x1f\x8b\x08\x00 and more", 0, "packed"),
    "pdf": (b"%PDF-1.7 and more", 0, "packed, or not a table"),
    "parquet in name": (b"PAR1 and no more", 0, "damaged or incomplete"),
    "workbook in name": (b"PK\x03\x04 and no more", 0, "damaged or incomplete"),
    "old workbook in name": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and no more", 0, "cannot be opened"),
    "both": (b"a;b,c\n1;2,3\n", 1, "delimiter is not clear"),
    "one giant cell": (b"a,b\n1," + b"x" * 200_000 + b"\n", 2, "131,072 signs"),
    "too wide": (b",".join(b"c%d" % n for n in range(6000)) + b"\n" + b"1," * 5999 + b"1\n", 0, "too large"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    data, line, words = REFUSALS[name]
    (tmp_path / "f.csv").write_bytes(data)
    assert re.search(words, refused(tmp_path / "f.csv", line))


def refused(path: Path, line: int = 0, layout: Layout | None = None) -> str:
    with pytest.raises(Refused) as caught:
        read_table(path, layout=layout)
    fault = caught.value.faults[0]
    assert (fault.file, fault.line) == (path.name, line)
    assert re.search("[\u4e00-\u9fff]", fault.zh)
    return fault.en


def test_cells_of_a_wrong_header_row_are_not_shown(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", [["13800138000", "张三", "张三"], ["1", "2", "3"]])
    assert "张三" not in refused(tmp_path / "a.csv", 1)


def test_folders_links_and_unknown_platforms(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", TABLE)
    (tmp_path / "link.csv").symlink_to(path)
    assert "not a regular file" in refused(tmp_path / "link.csv")
    assert "not a regular file" in refused(tmp_path)
    with pytest.raises(Refused, match="platform “papyrus” is not known"):
        read_table(path, platform="papyrus")


def book(path: Path, *sheets: list[list[object]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for n, rows in enumerate(sheets, start=1):
        sheet = made.create_sheet(f"S{n}")
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


@settings(max_examples=60, deadline=None)
@given(
    at=st.floats(0, 0.999),
    value=st.integers(0, 255),
    cut=st.booleans(),
    kind=st.sampled_from(["xlsx", "parquet", "csv"]),
)
def test_damaged_files_are_refused_or_read_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, at: float, value: int, cut: bool, kind: str
) -> None:
    path = tmp_path_factory.mktemp("hurt") / f"a.{kind}"
    frame = pd.DataFrame({"a": ["1", "2"] * 20, "b": ["x", "好"] * 20}, dtype="str")
    if kind == "xlsx":
        book(path, [list(frame.columns), *frame.to_numpy().tolist()])
    elif kind == "csv":
        frame.to_csv(path, index=False)
    else:
        pq.write_table(pa.Table.from_pandas(frame), path, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] = value
    path.write_bytes(data[: int(at * len(data))] if cut else data)
    try:
        raw = read_table(path)
    except Refused as refusal:
        raw, told = None, refusal.faults
    assert raw is None or isinstance(raw.frame, pd.DataFrame)
    assert raw is not None or told[0].zh


def test_parquet_is_text_too(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([123456789012345678, None], pa.int64()),
            "x": pa.array([1.0, float("nan")]),
            "t": pa.array([datetime(2024, 3, 5, 9, 30), None], pa.timestamp("us")),
            "s": pa.array(["NA", ""]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "key=1.parquet")
    raw = read_table(tmp_path / "key=1.parquet")
    assert text_of(raw) == [["id", "x", "t", "s"], ["123456789012345678", "1", "2024-03-05 09:30:00", "NA"], [""] * 4]
    pq.write_table(pa.table({"a": [[1, 2]]}), tmp_path / "b.parquet")
    assert "column 1 holds lists" in refused(tmp_path / "b.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "c.parquet")
    assert "no rows" in refused(tmp_path / "c.parquet")


def test_a_flipped_byte_in_a_page_with_a_checksum_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"a": list(range(1000))}), path, compression="none", use_dictionary=False, write_page_checksum=True
    )
    data = bytearray(path.read_bytes())
    data[2000] ^= 1
    path.write_bytes(data)
    assert "damaged" in refused(path)
