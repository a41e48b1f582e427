"""SPSS files: R's own reader sees the same cells and labels; missing codes, sets of answers and code pages are what they say.

No tolerance: text is compared with text.
"""

from __future__ import annotations

import csv
import re
import struct
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from survey import RawTable, Refused, read_table
from survey.readers import spss
from survey.schema import Layout
from tests.survey.readers.exports import told

pytestmark = pytest.mark.slow  # every read starts a process of its own

AGREE: dict[int | float, str] = {1: "很不同意", 2: "不同意", 5: "非常同意", 9: "不知道"}


def reference_file(path: Path) -> Path:
    """Write the file that tests/reference/labelled_files.R reads."""
    frame = pd.DataFrame(
        {
            "id": ["00123", "123456789012345678", " two  blanks", ""],
            "AgreeLongName": [1.0, 4.0, 9.0, np.nan],
            "share": [1.5, -0.25, 1e9, 98.0],
            "sex": ["f", "m", "f", "x"],
            "remark": ["好" * 80, "a", "", "ß"],
            "day": [date(2024, 2, 29), None, date(1949, 10, 1), date(1582, 10, 15)],
            "moment": [datetime(2024, 3, 5, 9, 30, 15), datetime(2000, 1, 1), None, datetime(1969, 12, 31, 23, 59, 59)],
        }
    )
    labels: Any = {"AgreeLongName": AGREE, "sex": {"f": "female", "m": "male"}, "share": {-0.25: "below"}}
    pyreadstat.write_sav(
        frame,
        path,
        row_compress=True,
        column_labels={"AgreeLongName": "我认同组织", "sex": "Sex", "day": "Day of joining"},
        variable_value_labels=labels,
        missing_ranges={"AgreeLongName": [9], "share": [{"lo": 90, "hi": 99}], "sex": ["x"]},
    )
    return path


def test_r_sees_the_same_cells_labels_and_wordings(tmp_path: Path, project: Path) -> None:
    raw = read_table(reference_file(tmp_path / "a.sav"))
    with (project / "tests/reference/labelled_sav.csv").open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    theirs: dict[str, dict[tuple[str, str], str]] = {"cell": {}, "label": {}, "wording": {}}
    for row in told:
        theirs[row["kind"]][row["column"], row["key"]] = row["text"]
    assert {(c, str(n)): raw.frame.loc[n, c] for c in raw.frame for n in raw.frame.index} == theirs["cell"]
    assert {(c, code): label for c, codes in raw.labels.items() for code, label in codes.items()} == theirs["label"]
    assert {(c, ""): text for c, text in raw.wording.items()} == theirs["wording"]


def test_what_r_does_not_say_of_it(tmp_path: Path) -> None:
    raw = read_table(reference_file(tmp_path / "a.sav"))
    assert (raw.platform, raw.frame.index.tolist()) == ("spss", [1, 2, 3, 4])
    assert (raw.frame.dtypes == "str").all()
    assert raw.no_answer == {"AgreeLongName": ("9",), "share": ("98",), "sex": ("x",)}
    assert raw.form == {"format": "spss", "encoding": "utf-8"}


def test_packed_by_zlib_and_in_a_csv_s_clothes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q": [1.0, 2.0] * 500, "s": ["甲" * 300, "乙 "] * 500})
    pyreadstat.write_sav(frame, tmp_path / "a.sav", compress=True)
    (tmp_path / "a.sav").rename(tmp_path / "-a 表.csv")
    raw = read_table(tmp_path / "-a 表.csv")
    assert (tmp_path / "-a 表.csv").read_bytes()[:4] == b"$FL3"
    assert raw.frame["q"].tolist() == ["1", "2"] * 500
    assert raw.frame["s"].tolist() == ["甲" * 300, "乙"] * 500


def test_labels_of_some_codes_leave_the_others_as_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [18.0, 99.5, 120.0, -1.0]})
    labels: Any = {"age": {120: "120 or more", -1: "refused"}}
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_value_labels=labels)
    raw = read_table(tmp_path / "a.sav")
    assert raw.frame["age"].tolist() == ["18", "99.5", "120", "-1"]
    assert raw.labels == {"age": {"120": "120 or more", "-1": "refused"}}


def test_a_range_and_a_code_are_missing_where_seen_or_labelled(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q": [1.0, -7.0, 93.5, 99.0], "free": [1.0, 2.0, 3.0, 4.0]})
    labels: Any = {"q": {90: "refused", -7: "skipped"}}
    ranges: dict[str, list[Any]] = {"q": [{"lo": 90, "hi": 1.7e308}, -7]}
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_value_labels=labels, missing_ranges=ranges)
    raw = read_table(tmp_path / "a.sav")
    assert raw.no_answer == {"q": ("-7", "90", "93.5", "99")}
    assert raw.frame["q"].tolist() == ["1", "-7", "93.5", "99"]


@pytest.mark.parametrize(
    ("shape", "seconds", "text"),
    [
        ("DATE11", 13_928_976_000, "2024-03-05"),
        ("EDATE10", 13_928_976_000, "2024-03-05"),
        ("SDATE10", 13_928_976_000 + 3661, "2024-03-05 01:01:01"),
        ("DATETIME23.2", 13_928_976_000 + 0.25, "2024-03-05 00:00:00.250000"),
        ("DATETIME17", 13_928_976_000, "2024-03-05 00:00:00"),
        ("YMDHMS19", 13_928_976_000 + 60, "2024-03-05 00:01:00"),
        ("TIME8", 3661, "01:01:01"),
        ("DTIME13", 2 * 86400 + 90.5, "48:01:30.500"),
        ("MTIME8", -61, "-00:01:01"),
        ("DATE11", 86400, "1582-10-15"),
        ("DATE11", 1e15, "1000000000000000"),
        ("DATE11", 99, "99"),
        ("WKDAY9", 3, "3"),
        ("F8.2", 13_928_976_000, "13928976000"),
        ("DOLLAR12.2", 5.5, "5.5"),
    ],
)
def test_dates_and_times_by_their_format(tmp_path: Path, shape: str, seconds: float, text: str) -> None:
    frame = pd.DataFrame({"x": [float(seconds), np.nan]})
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_format={"x": shape}, missing_ranges={"x": [99]})
    columns, _ = spss.tell(str(tmp_path / "a.sav"), None)
    assert columns == {"x": [text, ""]}


def test_times_of_day(tmp_path: Path) -> None:
    pyreadstat.write_sav(pd.DataFrame({"x": [time(23, 5), time(0, 0, 1)]}), tmp_path / "a.sav")
    assert read_table(tmp_path / "a.sav").frame["x"].tolist() == ["23:05:00", "00:00:01"]


def with_record(path: Path, subtype: int, text: str) -> Path:
    """Put a further record of type 7 before the one that ends the dictionary."""
    data, end = path.read_bytes(), struct.pack("<ii", 999, 0)
    record = struct.pack("<iiii", 7, subtype, 1, len(text.encode())) + text.encode()
    path.write_bytes(data.replace(end, record + end, 1))
    return path


@pytest.mark.parametrize(
    ("subtype", "declared"),
    [(7, "$wish=D1 1 6 愿望 q_a v2_a\n"), (7, "$wish=C 0  q_a v2_a\n"), (19, "$wish=E 1 1 1 4 Wish q_a v2_a\n")],
)
def test_multiple_response_sets_of_the_file(tmp_path: Path, subtype: int, declared: str) -> None:
    frame = pd.DataFrame({"Q_A": [1.0, 0.0], "b": [2.0, 2.0], "v2_A": [0.0, 1.0]})
    pyreadstat.write_sav(frame, tmp_path / "a.sav")
    with_record(tmp_path / "a.sav", subtype, declared + "$gone=C 0  nothing q_a\n$one=C 0  b\n")
    assert spss.tell(str(tmp_path / "a.sav"), None)[1].multiple == {"wish": ["Q_A", "v2_A"]}


NO_YES = {0: "No", 1: "Yes"}
UNCHOSEN = {0: "Not selected", 1: "Selected"}
CHOICES: dict[str, tuple[list[str], list[dict[int, str]], float, dict[str, list[str]]]] = {
    "not selected": (["Q7_1", "Q7_2"], [UNCHOSEN, UNCHOSEN], 0, {"Q7": ["Q7_1", "Q7_2"]}),
    "in Chinese": (["题3.A1", "题3.A2"], [{0: "未选中", 1: "选中"}] * 2, 0, {"题3": ["题3.A1", "题3.A2"]}),
    "one label each": (["Q7_1", "Q7_2"], [{1: "Sport"}, {1: "Music"}], np.nan, {"Q7": ["Q7_1", "Q7_2"]}),
    "one label, another code": (["Q7_1", "Q7_2"], [{1: "Sport"}, {1: "Music"}], 3, {}),
    "one label for all": (["Q7_1", "Q7_2"], [{1: "Agree"}, {1: "Agree"}], 0, {}),
    "yes and no": (["Q7_1", "Q7_2"], [NO_YES, NO_YES], 0, {}),
    "no stem": (["Q1", "Q2"], [UNCHOSEN, UNCHOSEN], 0, {}),
    "two stems": (["Q1_1", "Q2_1"], [UNCHOSEN, UNCHOSEN], 0, {}),
    "no labels": (["Q1_1", "Q1_2"], [{}, {}], 0, {}),
}


@pytest.mark.parametrize("name", CHOICES)
def test_columns_of_one_question_by_their_labels(tmp_path: Path, name: str) -> None:
    names, labels, other, expected = CHOICES[name]
    frame = pd.DataFrame({n: [1.0, float(other)] for n in names})
    by_name: dict[str, Any] = {n: codes for n, codes in zip(names, labels, strict=True) if codes}
    pyreadstat.write_sav(frame, tmp_path / "a.sav", variable_value_labels=by_name)
    assert spss.tell(str(tmp_path / "a.sav"), None)[1].multiple == expected


def in_code_page(path: Path, texts: list[str], encoding: str, page: int | None) -> Path:
    """Write a file whose text is in a code page, and which names that page, another one or none."""
    cells = [f"{n}{'x' * (len(t.encode(encoding)) - 1)}" for n, t in enumerate(texts)]
    pyreadstat.write_sav(pd.DataFrame({"place": cells}), path)
    data = path.read_bytes()
    for cell, text in zip(cells, texts, strict=True):
        data = data.replace(cell.encode(), text.encode(encoding))
    data = re.sub(re.escape(struct.pack("<4i", 7, 20, 1, 5)) + b"UTF-8", b"", data)
    codes = struct.pack("<4i", 7, 3, 4, 8)
    at = data.index(codes) + len(codes)
    declared = data[:at] + data[at : at + 28] + struct.pack("<i", page or 0) + data[at + 32 :]
    path.write_bytes(declared if page else data[: at - len(codes)] + data[at + 32 :])
    return path


CHINESE = ["杭州市", "宁波"]


@pytest.mark.parametrize(
    ("texts", "encoding", "page"),
    [
        (CHINESE, "gb18030", 936),
        (CHINESE, "gb18030", 54936),
        (CHINESE, "big5", 950),
        (CHINESE, "utf-8", 1252),
        (["Größe", "für Ärzte", "übrig"], "cp1252", 1252),
    ],
)
def test_code_pages_that_the_file_names(tmp_path: Path, texts: list[str], encoding: str, page: int) -> None:
    path = in_code_page(tmp_path / "a.sav", texts, encoding, page)
    assert spss.tell(str(path), None)[0]["place"] == texts


@pytest.mark.parametrize(
    ("texts", "encoding", "page", "declared"),
    [
        (CHINESE, "gb18030", 1252, "gb18030"),
        (CHINESE, "gb18030", None, "gbk"),
        (CHINESE, "utf-8", None, "utf-8-sig"),
        (["café", "garçon"], "latin-1", None, "latin-1"),
    ],
)
def test_code_pages_that_the_study_names(
    tmp_path: Path, texts: list[str], encoding: str, page: int | None, declared: str
) -> None:
    path = in_code_page(tmp_path / "a.sav", texts, encoding, page)
    assert read_table(path, layout=Layout(encoding=declared)).frame["place"].tolist() == texts


@pytest.mark.parametrize("page", [1252, 2, None, 65001])
def test_a_code_page_that_is_not_said_or_not_true(tmp_path: Path, page: int | None) -> None:
    path = in_code_page(tmp_path / "a.sav", CHINESE, "gb18030", page)
    with pytest.raises(UnicodeError):
        spss.tell(str(path), None)


@pytest.mark.parametrize("declared", [None, "utf-8", "utf-16"])
def test_an_encoding_that_is_wrong_is_asked_for(tmp_path: Path, declared: str | None) -> None:
    path = in_code_page(tmp_path / "a.sav", CHINESE, "gb18030", 1252)
    assert "declare layout: encoding" in told(path, Layout(encoding=declared))


def test_what_is_damaged_or_none_is_told(tmp_path: Path) -> None:
    data = reference_file(tmp_path / "a.sav").read_bytes()
    for name, hurt in {"cut": data[:-40], "head": data[:300], "mark": b"$FL2@(#)"}.items():
        (tmp_path / name).write_bytes(hurt)
        assert "damaged or incomplete" in told(tmp_path / name)
    (tmp_path / "p.csv").write_text("a,b\n1,2\n")
    assert "no file of SPSS" in told(tmp_path / "p.csv", platform="spss")
    assert "file of spss, not of plain" in told(tmp_path / "a.sav", platform="plain")
    pyreadstat.write_sav(pd.DataFrame({"a": np.array([], dtype=float)}), tmp_path / "none.sav")
    assert "no rows" in told(tmp_path / "none.sav")


def test_a_table_too_wide_is_refused_by_its_head(tmp_path: Path) -> None:
    pyreadstat.write_sav(pd.DataFrame({f"q{n}": [1.0] for n in range(5001)}), tmp_path / "a.sav")
    assert "too large" in told(tmp_path / "a.sav")


def test_bytes_that_flipped_give_a_table_or_a_refusal(tmp_path: Path) -> None:
    data, chance, ends = reference_file(tmp_path / "a.sav").read_bytes(), np.random.default_rng(20240305), set()
    for n in range(6):
        hurt = bytearray(data)
        for at in chance.integers(4, len(hurt), size=1 + n % 3):
            hurt[at] = int(chance.integers(256))
        (tmp_path / "b.sav").write_bytes(hurt)
        ends.add(outcome(tmp_path / "b.sav"))
    assert ends <= {"RawTable", "Refused"}
    assert "Refused" in ends


def outcome(path: Path) -> str:
    try:
        raw: RawTable | Refused = read_table(path)
    except Refused as refusal:
        raw = refusal
    return type(raw).__name__


@pytest.mark.parametrize(
    "magic", [b"$FL2,b\n1,2\n", b"$FL3\n1\n", b"id,$FL2\n1,2\n", b"$FL4@(#) SPSS", b"", b"ASCII SPSS PORT F"]
)
def test_what_is_no_system_file(magic: bytes) -> None:
    assert not spss.recognises(magic)
