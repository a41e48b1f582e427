"""Exports in versions and options of the tools of which no file was at hand: what was asked in several columns, or in one cell.

Headings and cells are those that the tools write by their own accounts; what must be found was written down before it was read.
No figure has a tolerance.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from survey import RawTable, read_table
from tests.survey.readers.exports import (
    DAY,
    MONKEY_FIXED,
    QUALTRICS_FIXED,
    WENJUANXING_FIRST,
    WENJUANXING_OWN,
    WENJUANXING_SECOND,
    Rows,
    monkey_answer,
    qualtrics_answer,
    saved,
)

LIME_TEXTS = ["Response ID", "Date submitted", "Last page", "Start language", "Seed"]


def read(folder: Path, header: Rows, body: Rows, end: str = "csv", delimiter: str = ",") -> RawTable:
    """Read rows saved as a file; no cell below the header may be another."""
    raw = read_table(saved(folder / f"a.{end}", header + body, delimiter))
    assert raw.frame.to_numpy().tolist() == body
    return raw


def qualtrics(folder: Path, asked: dict[str, dict[str, str]], *answers: list[str]) -> RawTable:
    """An export of these questions, {column: ImportId object}."""
    fixed = QUALTRICS_FIXED.values()
    ids = [*({"ImportId": id_} for _, id_ in fixed), *asked.values()]
    header = [[*QUALTRICS_FIXED, *asked], [*(text for text, _ in fixed), *asked], [json.dumps(i) for i in ids]]
    return read(folder, header, [qualtrics_answer(n, answer) for n, answer in enumerate(answers)])


@pytest.mark.parametrize("gap", ["", " "])
@pytest.mark.parametrize("end", ["csv", "xlsx"])
def test_limesurvey_comments_to_options_by_text(tmp_path: Path, gap: str, end: str) -> None:
    asked = ["Used? [Hall]", f"Used? [Hall]{gap}[Comment]", "Used? [Yard]", f"Used? [Yard]{gap}[Comment]"]
    asked += ["Used? [Other]", f"Used? [Other]{gap}[Comment]"]
    body = [
        ["1", DAY, "3", "en", "11111", "Yes", "warm", "No", "", "", ""],
        ["2", "", "1", "en", "22222", "No", "", "Yes", "", "the roof", "windy"],
    ]
    raw = read(tmp_path, [[*LIME_TEXTS, *asked]], body, end)
    assert (raw.platform, raw.multiple, raw.marks) == ("limesurvey", {"Used?": asked[::2]}, {"unfinished": (3,)})


@pytest.mark.parametrize("fixed", [["id"], ["id", "submitdate"], ["id", "submitdate", "token"]])
def test_limesurvey_of_which_most_fixed_columns_were_left_out(tmp_path: Path, fixed: list[str]) -> None:
    body = [
        [*["1", DAY, "k1"][: len(fixed)], "Y", "", "A1", "x"],
        [*["2", "", "k2"][: len(fixed)], "", "Y", "A2", "y"],
    ]
    raw = read(tmp_path, [[*fixed, "Q1[SQ001]", "Q1[SQ002]", "Q2", "email"]], body, delimiter=";")
    kinds = dict(zip(("id", "submitdate", "token"), ("respondent", "submitted", "person"), strict=True))
    assert (raw.platform, raw.metadata) == ("limesurvey", {name: kinds[name] for name in fixed})
    assert raw.multiple == {"Q1": ["Q1[SQ001]", "Q1[SQ002]"]}
    assert raw.marks == ({"unfinished": (3,)} if "submitdate" in fixed else {})


def test_limesurvey_words_that_are_known_in_part(tmp_path: Path) -> None:
    """What the interface calls the rest is told by where it stands and what it holds."""
    own = ["答复 ID", "提交日期", "最后一页", "开始语言", "种子"]
    body = [["1", DAY, "3", "zh-Hans", "11111", "是", "否"], ["2", DAY, "3", "zh-Hans", "22222", "否", "是"]]
    raw = read(tmp_path, [[*own, "用过？ [会堂]", "用过？ [院子]"]], body, "xlsx")
    kinds = ["respondent", "submitted", "status", "language", "other"]
    assert raw.metadata == dict(zip(own, kinds, strict=True))


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["Hall,Other (please say, shortly)", "Other (please say, shortly)", "Hall"], True),
        (["Books, films,Hall", "Hall", "Books, films"], True),
        (["Yes, always", "No", "Yes, always"], False),  # a comma within a choice
    ],
)
def test_qualtrics_choices_with_commas_in_one_column(tmp_path: Path, cells: list[str], found: bool) -> None:
    raw = qualtrics(tmp_path, {"Q1": {"ImportId": "QID1"}}, *([cell] for cell in cells))
    assert (raw.multiple, raw.separator) == (({"Q1": ["Q1"]}, ",") if found else ({}, ""))


def test_qualtrics_rows_of_a_matrix_are_of_one_kind(tmp_path: Path) -> None:
    asked = {f"Q7_{n}": {"ImportId": f"QID7_{n}"} for n in (1, 2)} | {"Q8_1": {"ImportId": "QID8_1"}}
    raw = qualtrics(tmp_path, asked, ["1,2", "3", "3,5"], ["1", "1,2,3", "4,2"], ["", "2", "1"])
    assert raw.multiple == {"Q7_1": ["Q7_1"], "Q7_2": ["Q7_2"]}  # 3,5 on a slider is a decimal comma


def test_qualtrics_oldest_form_names_people(tmp_path: Path) -> None:
    names = [
        "ResponseID",
        "ResponseSet",
        "Name",
        "ExternalDataReference",
        "EmailAddress",
        "IPAddress",
        "Status",
        "Finished",
    ]
    header = [[*(f"V{n + 1}" for n in range(len(names))), "Q1"], [*names, "Name"]]
    raw = read(tmp_path, header, [["R_aaaaaaaaaaaaaa1", "Default", "x", "", "a@b.example", "192.0.2.1", "0", "1", "y"]])
    assert [raw.metadata.get(column) for column in ("V3", "V5", "Q1")] == ["person", "person", None]


def test_surveymonkey_in_chinese_with_a_word_not_known(tmp_path: Path) -> None:
    own = ["受访者 ID", "收集器 ID", "开始日期", "结束日期", "IP 地址", "电子邮件地址", "名字", "姓氏", "自定义数据 1"]
    header = [[*own, "用过？", "", "满意？"], [*[""] * 9, "会堂", "其他（请注明）", "作答"]]
    body = [monkey_answer(1, ["会堂", "", "好"]), monkey_answer(2, ["", "院子", "差"])]
    raw = read(tmp_path, header, body, "xlsx")
    assert raw.platform == "surveymonkey"
    assert list(raw.metadata.values()) == ["respondent", "source", "started", "submitted", *["person"] * 5]
    assert raw.multiple == {"用过？": ["用过？ [会堂]", "用过？ [其他（请注明）]"]}


def test_surveymonkey_matrix_with_several_choices_a_row(tmp_path: Path) -> None:
    options = ["Mon - am", "Mon - pm", "Tue - am", "Tue - pm"]
    header = [[*MONKEY_FIXED, "When?", "", "", "", "Rate?", ""], [*[""] * 9, *options, "Hall - old", "Hall - new"]]
    body = [
        monkey_answer(1, ["am", "", "am", "pm", "Good", "Poor"]),
        monkey_answer(2, ["", "pm", "", "", "Poor", "Poor"]),
    ]
    raw = read(tmp_path, header, body)
    named = [f"When? [{option}]" for option in options]
    assert raw.multiple == {"When? [Mon]": named[:2], "When? [Tue]": named[2:]}


@pytest.mark.parametrize(
    ("own", "no"),
    [
        (["_uuid", "_submission_time", "_validation_status"], "validation_status_not_approved"),
        (["KEY", "SubmissionDate", "ReviewState", "SubmitterID", "FormVersion"], "rejected"),
    ],
)
def test_kobo_answers_that_the_office_did_not_accept(tmp_path: Path, own: list[str], no: str) -> None:
    def fixed(n: int, said: str) -> list[str]:
        return [f"u{n}", DAY, said, "5", "v1"][: len(own)]

    body = [["north", *fixed(1, "")], ["south", *fixed(2, no)], ["north", *fixed(3, "approved")]]
    raw = read(tmp_path, [["office", *own]], body)
    assert (raw.platform, raw.marks) == ("kobo", {"spam": (3,)})


def test_kobo_labels_in_chinese_in_one_column(tmp_path: Path) -> None:
    own = ["_uuid", "_submission_time", "_validation_status"]
    cells = ["会堂 院子", "会堂", "院子", "会堂 院子"]
    raw = read(tmp_path, [["用过哪些", *own]], [[cell, f"u{n}", DAY, ""] for n, cell in enumerate(cells)])
    assert (raw.multiple, raw.separator) == ({"用过哪些": ["用过哪些"]}, " ")


def test_wenjuanxing_columns_behind_the_address(tmp_path: Path) -> None:
    more, asked = ["省份", "城市", "浏览器", "用户ID"], ["1、性别", "2、城市"]
    header = [[*WENJUANXING_OWN, *more, *asked]]
    body = [
        [*WENJUANXING_FIRST, "浙江", "杭州", "微信", "u1", "男", "甲"],
        [*WENJUANXING_SECOND, *["x"] * 4, "女", "乙"],
    ]
    raw = read(tmp_path, header, body)
    assert [raw.metadata[name] for name in more] == ["person", "person", "other", "person"]
    assert set(raw.metadata).isdisjoint(asked)
    plain = read(tmp_path, [[*WENJUANXING_OWN, "城市", "性别"]], [[*WENJUANXING_FIRST, "甲", "男"]])
    assert "城市" not in plain.metadata  # numbers are switched off: it may have been asked


@pytest.mark.parametrize(
    ("sign", "end"), [("┋", "xlsx"), (",", "xlsx"), (";", "csv"), ("\n", "xlsx"), ("、", "parquet")]
)
def test_forms_with_all_options_in_a_cell(tmp_path: Path, sign: str, end: str) -> None:
    header = [["提交人", "提交时间", "去过", "说明", "数"]]
    texts = [f"讲座{sign}比赛", "讲座", f"讲座{sign}比赛", f"讲座{sign}展览"]
    body = [["匿名", DAY, cell, f"第{n}条，很长", "1,000"] for n, cell in enumerate(texts)]
    raw = read(tmp_path, header, body, end)
    assert (raw.platform, raw.multiple, raw.separator) == ("plain", {"去过": ["去过"]}, sign)


@pytest.mark.parametrize(
    "cells",
    [
        ["很好，谢谢", "谢谢，很好", "很好"],  # in another order: people wrote it
        ["甲，乙", "丙，丁", "戊"],  # nothing comes again
        ["讲座，", "讲座", "讲座"],
    ],
)
def test_forms_in_which_people_wrote_commas(tmp_path: Path, cells: list[str]) -> None:
    raw = read(tmp_path, [["提交人", "提交时间", "说明"]], [["匿名", DAY, cell] for cell in cells])
    assert (raw.multiple, raw.separator) == ({}, "")


def test_tencent_says_what_is_invalid_and_what_was_written_to_an_option(tmp_path: Path) -> None:
    own = ["编号", "开始答题时间", "结束答题时间", "语言", "清洗数据结果"]
    asked = ["2.去过:书店", "2.去过:其他", "2.去过:其他[选项填空]"]
    body = [
        ["1", DAY, DAY, "简体中文", "有效", "书店", "其他", "屋顶"],
        ["2", DAY, DAY, "简体中文", "无效", "书店", "", ""],
    ]
    raw = read(tmp_path, [[*own, *asked]], body, "xlsx")
    assert raw.multiple == {"2.去过": asked[:2]}
    assert (raw.marks, raw.metadata["语言"]) == ({"spam": (3,)}, "language")
