"""Tables that no platform may claim: the demo's files, those of the tests' studies, tables that look a little like exports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from survey import RawTable, read_table
from survey.schema import Layout
from tests.survey.readers.exports import DAY, saved

HOME = Path(__file__).resolve().parents[3]
KINDS = (".csv", ".xlsx", ".parquet")
OWN = [
    p for place in ("data/raw/demo", "tests/studies") for p in sorted((HOME / place).rglob("*")) if p.suffix in KINDS
]
TIMES = ["2024-03-05T10:00:00.000+08:00", "2024-03-05T10:09:00.000+08:00"]


def untouched(raw: RawTable) -> bool:
    return (raw.platform, raw.metadata, raw.multiple, raw.marks) == ("plain", {}, {}, {})


def layouts() -> dict[Path, Layout]:
    """What the demo's waves say of their files: one is a book with a cover sheet, and a title above the header."""
    waves = [(p, yaml.safe_load(p.read_text("utf-8"))) for p in (HOME / "data/raw/demo").glob("*/wave.yaml")]
    return {p.parent / e["file"]: Layout(**e["layout"]) for p, w in waves for e in w["files"] if "layout" in e}


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.relative_to(HOME).as_posix())
def test_the_demos_files_and_the_studies_stay_plain(path: Path) -> None:
    assert untouched(read_table(path, layout=layouts().get(path)))


def test_all_of_them_are_looked_at() -> None:
    assert {path.suffix for path in OWN} == set(KINDS)
    assert (
        len(OWN) >= 14
    )  # nine files of the demo's waves, its instrument, groups and places, two instruments of studies
    assert sum(path.suffix == ".xlsx" for path in OWN) == 1
    assert [layouts()[path] for path in OWN if path.suffix == ".xlsx"] == [Layout(sheet="answers", header_row=2)]


REAL = {"bh1996": "bh1996.csv", "la_meetup_rsvps": "rsvps.csv", "univer_2002": "univer.csv"}
REAL |= {"ess7_norway_mixed": "ess7_norway.csv", "ethba_meetups": "attendance.csv"}


@pytest.mark.parametrize("name", REAL)
def test_the_real_data_of_the_studies_stay_plain(shared_data: Callable[[str], Path], name: str) -> None:
    assert untouched(read_table(shared_data(name) / REAL[name]))


LOOKALIKES = {
    "kobo: log": [["key", "parent_key", "value"], ["1", "2", "5"]],
    "kobo: underscore": [["_id", "name", "_index"], ["1", "x", "1"]],
    "kobo: times": [["start", "end", "username", "deviceid"], [*TIMES, "u", "d"]],
    "kobo: one own": [["_id", "_uuid", "q"], ["1", "a", "5"]],
    "limesurvey: members": [["id", "joined", "age", "country", "post code", "q"], ["1", DAY, "33", "de", "10115", "5"]],
    "limesurvey: brackets": [["id", "Weight [kg]", "Height [cm]"], ["1", "70", "180"]],
    "limesurvey: one mark": [["id", "seed", "token", "q"], ["1", "12345", "x", "5"], ["2", "54321", "y", "4"]],
    "qualtrics: four names of ours": [["StartDate", "EndDate", "Status", "Finished", "Q1"], ["a", "b", "0", "1", "5"]],
    "qualtrics: ids alone": [["ResponseId", "Q1"], ["R_2sPsOsGV0GSrLJb", "4"]],
    "qualtrics: json in answers": [["id", "note"], ["1", '{"ImportId":"QID1"}'], ["2", ""]],
    "surveygizmo: register": [["Response ID", "Status", "Country", "City", "Language"], ["1", "Complete", *"abc"]],
    "surveygizmo: times alone": [["Time Started", "Date Submitted", "Name"], [DAY, DAY, "x"]],
    "surveygizmo: colons": [["Hall:Which?", "Yard:Which?"], ["Hall", "Yard"]],
    "surveymonkey: collectors": [["Collector ID", "Date", "Amount"], ["11", "2024", "5"]],
    "surveymonkey: a first answer": [["Name", "Kind"], ["x", "Response"], ["y", "Response"]],
    "surveymonkey: one row": [["Type", "Mode", "n"], ["Response", "Response", "3"], ["a", "b", "4"]],
    "wenjuanxing: numbered alone": [["1、性别", "2、年龄"], ["男", "3"]],
    "wenjuanxing: two words": [["填写者", "提交答卷时间", "所用时间"], ["a", "2024-03-05", "9"]],
    "wenjuanxing: one word": [["序号", "所用时间", "活动"], ["1", "9", "x"]],
    "wenjuanxing: the sign in one column": [["id", "1、备注"], ["1", "a┋b"]],
    "wenjuanxing: a register": [["序号", "来源", "总分"], ["1", "x", "2"]],
}


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("name", LOOKALIKES)
def test_what_is_not_certain_stays_plain(tmp_path: Path, name: str, delimiter: str) -> None:
    raw = read_table(saved(tmp_path / "a.csv", LOOKALIKES[name], delimiter))
    assert untouched(raw)
    assert len(raw.frame) == len(LOOKALIKES[name]) - 1
