"""Plain tables that Chinese web forms export: what the tool adds is told apart, options in columns are put together.

Headings are those that the tools write (Tencent Survey, Jinshuju, collection tables); the rows are written here.
No figure has a tolerance.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from survey import RawTable, read_table
from tests.survey.readers.exports import saved

FORM_HEADS = {
    "collection table": (
        ["提交者（自动）", "提交时间（自动）", "姓名（必填）", "满意度（必填）"],
        {"提交者（自动）": "person", "提交时间（自动）": "submitted"},
    ),
    "Jinshuju": (
        ["序号", "满意度", "提交人", "提交时间", "修改时间", "填写设备", "IP"],
        {
            "序号": "respondent",
            "提交人": "person",
            "提交时间": "submitted",
            "修改时间": "other",
            "填写设备": "other",
            "IP": "person",
        },
    ),
    "Tencent": (
        ["编号", "开始答题时间", "结束答题时间", "答题时长", "地理位置省", "自定义字段", "1.满意吗"],
        {
            "编号": "respondent",
            "开始答题时间": "started",
            "结束答题时间": "submitted",
            "答题时长": "seconds",
            "地理位置省": "person",
            "自定义字段": "other",
        },
    ),
    "with respondent": (
        ["ID", "答题人", "开始答题时间", "满意吗"],
        {"ID": "respondent", "答题人": "person", "开始答题时间": "started"},
    ),
    "no submitter": (["编号", "提交时间", "答题时长"], {}),
    "no time": (["编号", "提交人", "IP"], {}),
}


@pytest.mark.parametrize("name", FORM_HEADS)
@pytest.mark.parametrize("end", ["csv", "xlsx"])
def test_columns_that_web_forms_add(tmp_path: Path, name: str, end: str) -> None:
    head, expected = FORM_HEADS[name]
    raw = read_table(saved(tmp_path / f"a.{end}", [[*head, ""], [*(f"x{n}" for n in range(len(head))), ""]]))
    assert (raw.platform, raw.metadata, raw.multiple) == ("plain", expected, {})
    assert list(raw.frame.columns) == head


def form(folder: Path, head: list[str], *answers: list[str], own: tuple[str, ...] = ("填写人", "填写时间")) -> RawTable:
    return read_table(saved(folder / "a.csv", [[*own, *head], *(["x", "2024-03-05", *a] for a in answers)]))


def test_options_of_web_forms_where_the_cells_prove_them(tmp_path: Path) -> None:
    head = [
        "3.去过:A.书店",
        "3.去过:B.公园/广场",
        "3.去过:C.其他",
        "3.去过:C.其他_填空1",
        "4.评价:环境",
        "4.评价:服务",
        "爱好/读书",
        "爱好/政治/军事",
    ]
    raw = form(
        tmp_path,
        head,
        ["A.书店", "", "", "", "A.好", "A.好", "1", "0"],
        ["", "公园/广场", "C.其他", "钓鱼", "A.好", "B.差", "0", "0"],
    )
    assert raw.multiple == {"3.去过": head[:3], "爱好": head[6:]}
    assert raw.separator == ""


def test_options_without_proof_and_tables_of_no_form_have_none(tmp_path: Path) -> None:
    head = ["3.去过:书店", "3.去过:公园", "5.多少:甲", "5.多少:乙"]
    answers = ["书店", "", "1", "2"], ["书店", "", "0", "1"]
    assert form(tmp_path, head, *answers).multiple == {}
    assert form(tmp_path, head[2:], ["0", "0"], ["", "0"]).multiple == {}
    ticks = ["书店", "公园", "1", "0"], ["", "公园", "0", "1"]
    assert set(form(tmp_path, head, *ticks).multiple) == {"3.去过", "5.多少"}
    assert form(tmp_path, head, *ticks, own=("会员", "日期")).multiple == {}
