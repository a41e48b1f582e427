"""Stata files written by R, pandas and pyreadstat: the same cells and labels, missing codes, dates by their format, code pages.

No tolerance: text is compared with text. R's files: tests/reference/labelled_files.R.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from survey import Refused, read_table
from survey.readers import stata
from survey.schema import Layout
from tests.survey.readers.exports import told

pytestmark = pytest.mark.slow  # every read starts a process of its own


def test_a_file_that_r_wrote(project: Path) -> None:
    raw = read_table(project / "tests/reference/labelled_foreign.dta")
    assert raw.frame.to_dict("list") == {
        "id": ["007", "08", "x y"],
        "rating": ["1", "3", ".z"],  # R writes its NA of whole numbers as the largest one, which is Stata's .z
        "score": ["1.5", "", "-3"],
        "count": ["12", ".z", "40000"],
        "day": ["23435", "", "-1"],  # and days without the format of a date: 29 February 2024 is day 23,435 since 1960
    }
    assert raw.labels == {"rating": {"1": "low", "2": "mid", "3": "high"}}
    assert raw.no_answer == {"rating": (".z",), "count": (".z",)}
    assert raw.wording == {"id": "Number", "rating": "How satisfied", "score": "Score", "count": "Count", "day": "Day"}
    assert (raw.platform, raw.frame.index.tolist()) == ("stata", [1, 2, 3])
    assert (raw.frame.dtypes == "str").all()


def test_a_code_page_that_the_file_cannot_name_is_asked_for(project: Path, tmp_path: Path) -> None:
    path = project / "tests/reference/labelled_foreign_gb18030.dta"
    raw = read_table(path, layout=Layout(encoding="gb18030"))
    assert raw.frame["place"].tolist() == ["杭州", "宁波市"]
    assert raw.form == {"format": "stata", "encoding": "gb18030"}
    assert "declare layout: encoding" in told(path)
    assert "declare layout: encoding" in told(path, Layout(encoding="utf-16"))


STRINGS = ["", " x ", "好" * 700]


def days(*texts: str) -> pd.Series[Any]:
    return pd.Series([pd.Timestamp(text) if text else pd.NaT for text in texts], dtype="datetime64[ns]")


FRAME = pd.DataFrame(
    {
        "i": np.array([1, 0, -3], dtype="int8"),
        "big": np.array([123456789012345, 2, 3], dtype="float64"),
        "f": np.array([1.1, 2, np.nan], dtype="float32"),
        "s": STRINGS,
        "kind": pd.Categorical(["好", "差", None]),
        "d": days("2024-02-29", "", "1949-10-01"),
        "c": days("2024-03-05 09:30:15.250", "2000-01-01", ""),
        "m": days("2024-03-01", "1959-12-01", ""),
        "w": days("2024-03-01", "1960-01-01", ""),
        "q": days("2024-05-01", "1959-10-01", ""),
        "h": days("2024-07-01", "1959-01-01", ""),
        "y": days("2024-01-01", "1959-01-01", ""),
    }
)


@pytest.mark.parametrize("version", [114, 117, 118, 119])
def test_a_file_that_pandas_wrote(tmp_path: Path, version: Any) -> None:
    frame = FRAME if version > 117 else FRAME.assign(s=["", " x ", "y"], kind=pd.Categorical(["A", "B", None]))
    formats: dict[Any, Any] = {name: f"t{name}" for name in "dcmwqhy"}
    frame.to_stata(
        tmp_path / "a.dta",
        write_index=False,
        version=version,
        convert_dates=formats,
        variable_labels={"i": "满意" if version > 117 else "Satisfied"},
        value_labels={"i": {1: "yes"}},
        convert_strl=["s"] if version > 114 else None,
    )
    raw = read_table(tmp_path / "a.dta")
    assert raw.frame.drop(columns=["s", "kind"]).to_dict("list") == {
        "i": ["1", "0", "-3"],
        "big": ["123456789012345", "2", "3"],
        "f": ["1.1", "2", ""],
        "d": ["2024-02-29", "", "1949-10-01"],
        "c": ["2024-03-05 09:30:15.250000", "2000-01-01 00:00:00", ""],
        "m": ["2024-03", "1959-12", ""],
        "w": ["2024w9", "1960w1", ""],
        "q": ["2024q2", "1959q4", ""],
        "h": ["2024h2", "1959h1", ""],
        "y": ["2024", "1959", ""],
    }
    assert raw.frame["s"].tolist() == frame["s"].tolist()
    assert [raw.labels["kind"].get(code) for code in raw.frame["kind"]] == [
        *frame["kind"].tolist()[:2],
        None,
    ]
    assert raw.labels["i"] == {"1": "yes"}  # and the others stay numbers
    assert raw.wording == {"i": "满意" if version > 117 else "Satisfied"}


@pytest.mark.parametrize("version", [8, 10, 12, 13, 15])
def test_pandas_reads_the_same(tmp_path: Path, version: int) -> None:
    frame = pd.DataFrame(
        {"id": ["00123", "b"], "q": [1.0, 9.5], "d": [date(2024, 2, 29), None], "t": [datetime(2024, 3, 5, 9, 30)] * 2}
    )
    labels: Any = {"q": {1: "low", 9: "high"}}
    pyreadstat.write_dta(frame, tmp_path / "a.dta", version=version, variable_value_labels=labels)
    raw, theirs = read_table(tmp_path / "a.dta"), pd.read_stata(tmp_path / "a.dta", convert_categoricals=False)
    assert raw.frame["id"].tolist() == theirs["id"].tolist()
    assert raw.frame["q"].tolist() == [f"{x:g}" for x in theirs["q"]]
    assert pd.to_datetime(raw.frame["d"]).tolist() == theirs["d"].tolist()
    assert pd.to_datetime(raw.frame["t"]).tolist() == theirs["t"].tolist()
    (theirs_labels,) = pd.read_stata(tmp_path / "a.dta", iterator=True).value_labels().values()
    assert raw.labels == {"q": {str(code): label for code, label in theirs_labels.items()}}


def test_extended_missing_codes_stay_and_are_listed(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q": [1, "a", "z", None], "s": ["a", "z", "", ".a"]})
    labels: Any = {"q": {1: "是", "a": "拒答", "b": "不适用"}}
    codes = {"q": ["a", "b", "z"]}
    pyreadstat.write_dta(frame, tmp_path / "a.dta", variable_value_labels=labels, missing_user_values=codes)
    raw = read_table(tmp_path / "a.dta")
    assert raw.frame.to_dict("list") == {"q": ["1", ".a", ".z", ""], "s": ["a", "z", "", ".a"]}
    assert raw.no_answer == {"q": (".a", ".b", ".z")}
    assert raw.labels == {"q": {"1": "是", ".a": "拒答", ".b": "不适用"}}


@pytest.mark.parametrize(
    ("shape", "number", "text"),
    [
        ("%td", 0, "1960-01-01"),
        ("%-tdD_m_Y", -1, "1959-12-31"),
        ("%d", 23435, "2024-02-29"),
        ("%tdNN/DD/CCYY", 23435, "2024-02-29"),
        ("%tc", -1, "1959-12-31 23:59:59.999000"),
        # 27 leap seconds lie between 1960 and 2017, none before July 1972
        ("%tC", 1_704_067_200_000 + 315_619_200_000 + 27_000, "2024-01-01 00:00:00"),
        ("%tC", 86_400_000, "1960-01-02 00:00:00"),
        ("%tC", 394_416_000_000 + 1_000, "1972-07-01 00:00:00"),
        ("%tC", 394_416_000_000 - 1_000, "1972-06-30 23:59:59"),
        ("%tw", 3335, "2024w8"),
        ("%tmMonth_CCYY", 770, "2024-03"),
        ("%ty", 2024, "2024"),
        ("%tbcalendar", 12, "12"),
        ("%td", 1e12, "1000000000000"),
        ("%tc", -1e17, "-1e+17"),
        ("%9.0g", 23435, "23435"),
    ],
)
def test_dates_by_their_format(tmp_path: Path, shape: str, number: float, text: str) -> None:
    frame = pd.DataFrame({"x": [float(number), np.nan]})
    pyreadstat.write_dta(frame, tmp_path / "a.dta", variable_format={"x": shape})
    assert stata.tell(str(tmp_path / "a.dta"), None)[0] == {"x": [text, ""]}


def test_columns_of_one_question_by_their_labels(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q7_1": [1, 0], "q7_2": [0, 1], "q8_1": [0, 1], "q8_2": [1, 1]})
    chosen, yes = {0: "未选中", 1: "选中"}, {0: "No", 1: "Yes"}
    labels: Any = {"q7_1": chosen, "q7_2": chosen, "q8_1": yes, "q8_2": yes}
    pyreadstat.write_dta(frame, tmp_path / "a.dta", variable_value_labels=labels)
    assert read_table(tmp_path / "a.dta").multiple == {"q7": ["q7_1", "q7_2"]}


def test_what_is_damaged_or_none_is_told(project: Path, tmp_path: Path) -> None:
    data = (project / "tests/reference/labelled_foreign.dta").read_bytes()
    for name, hurt in {"cut": data[:600], "head": data[:40], "xml": b"<stata_dta><header><release>118"}.items():
        (tmp_path / name).write_bytes(hurt)
        assert "no file of Stata" in told(tmp_path / name)
    (tmp_path / "p.csv").write_text("a,b\n1,2\n")
    assert "no file of Stata" in told(tmp_path / "p.csv", platform="stata")
    (tmp_path / "a.dta").write_bytes(data)
    assert "no file of SPSS" in told(tmp_path / "a.dta", platform="spss")


def test_bytes_that_flipped_give_a_table_or_a_refusal(project: Path, tmp_path: Path) -> None:
    data, chance = (project / "tests/reference/labelled_foreign.dta").read_bytes(), np.random.default_rng(20240305)
    ends = set()
    for n in range(6):
        hurt = bytearray(data)
        for at in chance.integers(3, 300, size=1 + n % 3):
            hurt[at] = int(chance.integers(256))
        (tmp_path / "b.dta").write_bytes(hurt)
        try:
            ends.add(type(read_table(tmp_path / "b.dta")).__name__)
        except Refused:
            ends.add("Refused")
    assert ends == {"RawTable", "Refused"}


@pytest.mark.parametrize(
    "magic", [b"f,a\n1,2\n", b"f\x01", b"f\x03\x01\x00", b"\x65\x01\x01", b"<stata>", b"<html>", b"", b"s\x01\x02\x00"]
)
def test_what_is_no_stata_file(magic: bytes) -> None:
    assert not stata.recognises(magic)
