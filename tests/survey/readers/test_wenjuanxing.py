"""Wenjuanxing's exports: 800 real answers in both forms, and the tool's other forms as rows written here.

Facts of the real files were counted in them by hand (tables of each column's values). No figure has a tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from survey import RawTable, Refused, read_table
from tests.survey.readers import exports
from tests.survey.readers.exports import WENJUANXING
from tests.survey.readers.exports import WENJUANXING_FIRST as FIRST
from tests.survey.readers.exports import WENJUANXING_OWN as OWN
from tests.survey.readers.exports import WENJUANXING_SECOND as SECOND

saved = WENJUANXING.save


def shown(folder: Path, head: list[str], *answers: list[str], own: list[str] = OWN, end: str = "csv") -> RawTable:
    """An export with the tool's own columns before these, read."""
    meta = [FIRST, SECOND, ["3", *SECOND[1:]], ["4", *SECOND[1:]]]
    rows = [[*own, *head], *([*meta[n][: len(own)], *answer] for n, answer in enumerate(answers))]
    return read_table(saved(folder / f"a.{end}", rows))


@pytest.mark.parametrize("end", [".xls", "_gb18030.csv"])
def test_the_real_text_form(real_table: Callable[[str, str], RawTable], end: str) -> None:
    raw = real_table("wjx_phone_survey", f"wjx_by_text{end}")
    assert (raw.platform, raw.frame.shape, raw.separator) == ("wenjuanxing", (800, 14), "┋")
    assert raw.multiple == {"6、兴趣爱好": ["6、兴趣爱好"], "8、关注资讯": ["8、关注资讯"]}
    assert list(raw.metadata.values()) == ["respondent", "submitted", "seconds", "source", "person", "person"]
    assert list(raw.metadata) == OWN
    assert (raw.marks, raw.no_answer, raw.ragged) == ({}, {}, ())
    assert raw.frame.loc[2, "6、兴趣爱好"] == "运动┋影视┋购物"
    assert "其他【请注明】〖我妈买的。〗" in set(raw.frame["2、手机价格"])


@pytest.mark.parametrize("end", [".xls", "_gb18030.csv"])
def test_the_real_number_form(real_table: Callable[[str, str], RawTable], end: str) -> None:
    raw = real_table("wjx_phone_survey", f"wjx_by_code{end}")
    assert (raw.platform, raw.frame.shape, raw.separator) == ("wenjuanxing", (800, 36), "")
    assert {question: len(columns) for question, columns in raw.multiple.items()} == {"第6题": 14, "第8题": 10}
    assert raw.multiple["第8题"][-2:] == ["第8题(ACG文化(动漫、游戏等))", "第8题(其他【请注明】)"]
    assert list(raw.metadata) == OWN
    assert raw.frame.loc[2, "2、手机价格"] == "7"


# Places of the options, as the questionnaire listed them; what is not here nobody chose.
PLACES = {
    "1、手机部数": ["1部", "2部", "3部", "4部及以上"],
    "3、性别": ["男", "女"],
    "4、年龄": ["", "16~19岁", "20~24岁", "25~29岁", "30~34岁", "35~39岁", "40~49岁", "50~59岁", "60岁以上"],
    "7、爱好投入占收入比重": ["没有投入", "10%左右", "20%左右", "30%左右", "40%左右", "50%左右", "超过50%"],
}


def test_both_forms_are_the_same_answers(real_table: Callable[[str, str], RawTable]) -> None:
    text, code = (
        real_table("wjx_phone_survey", "wjx_by_text.xls"),
        real_table("wjx_phone_survey", "wjx_by_code_gb18030.csv"),
    )
    assert text.frame["序号"].tolist() == code.frame["序号"].tolist()
    for question, options in PLACES.items():
        places = {option: str(n) for n, option in enumerate(options, start=1)}
        assert text.frame[question].map(places).tolist() == code.frame[question].tolist(), question
    for (joined,), columns in zip(text.multiple.values(), code.multiple.values(), strict=True):
        assert [_cut(cell) for cell in text.frame[joined]] == [
            _ticked(row) for _, row in code.frame[columns].iterrows()
        ]


def test_each_answer_of_a_single_choice_has_one_code(real_table: Callable[[str, str], RawTable]) -> None:
    text, code = (
        real_table("wjx_phone_survey", "wjx_by_text_gb18030.csv"),
        real_table("wjx_phone_survey", "wjx_by_code.xls"),
    )
    for question in ("2、手机价格", "5、月收入"):
        pairs = set(zip(text.frame[question].str.split("〖").str[0], code.frame[question], strict=True))
        assert len(pairs) == len({label for label, _ in pairs}) == len({number for _, number in pairs})
        assert len(pairs) == {"2、手机价格": 10, "5、月收入": 8}[question]


@pytest.mark.parametrize("file", ["wjx_by_text_gb18030.csv", "wjx_by_code_gb18030.csv"])
@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
def test_the_real_forms_in_other_kinds_of_file(
    tmp_path: Path, real_table: Callable[[str, str], RawTable], file: str, ending: str
) -> None:
    """Re-saved as text, and with numbers as numbers: the same table, options and columns of the tool."""
    raw = real_table("wjx_phone_survey", file)
    rows = [list(raw.frame.columns), *raw.frame.to_numpy().tolist()]
    again = read_table(saved(tmp_path / f"a.{ending}", rows))
    assert again.frame.to_numpy().tolist() == raw.frame.to_numpy().tolist()
    assert list(again.frame.columns) == list(raw.frame.columns)
    assert (again.platform, again.multiple, again.separator) == (raw.platform, raw.multiple, raw.separator)
    assert (again.metadata, again.marks, again.no_answer) == (raw.metadata, raw.marks, raw.no_answer)


def _cut(cell: str) -> set[str]:
    return {part.split("〖")[0] for part in cell.split("┋")}


def _ticked(row: object) -> set[str]:
    return {name.partition("(")[2][:-1] for name, cell in row.items() if cell == "1"}  # type: ignore[attr-defined]


FORMS = {
    "第6题": ["第6题(运动)", "第6题(其他(请注明))"],
    "6": ["6(运动)", "6(其他(请注明))"],
    "6、爱好：（可多选）": ["6、爱好：（可多选）(运动)", "6(其他（请注明）:)"],
    "6、您的爱好": ["6、您的爱好(运动)", "6、您的爱好(其他(请注明))"],
    "6、爱好": ["6、爱好:运动", "6、爱好:其他(请注明)"],
    "6. 爱好": ["6. 爱好(运动)", "6 (看书)", "6 (A) 都不)"],
    "您的爱好": ["您的爱好(运动)", "(看书)"],
}


@pytest.mark.parametrize("question", FORMS)
@pytest.mark.parametrize("end", ["csv", "xlsx"])
def test_forms_of_option_headings(tmp_path: Path, question: str, end: str) -> None:
    columns = FORMS[question]
    head = ["5、性别(单选)", *columns, "7、年龄(岁)"]
    ones, zeros = ["1", *"0" * (len(columns) - 1)], ["0", *"1" * (len(columns) - 1)]
    raw = shown(tmp_path, head, ["1", *ones, "1"], ["2", *zeros, "1"], ["1", *["-3"] * len(columns), "-2"], end=end)
    assert raw.platform == "wenjuanxing"
    assert raw.multiple == {question: columns}
    assert raw.no_answer == {**dict.fromkeys(columns, ("-3",)), "7、年龄(岁)": ("-2",)}
    assert raw.frame.iloc[2, 7] == "-3"


def test_two_questions_without_a_stem_are_two(tmp_path: Path) -> None:
    head = ["6(甲)", "6(乙)", "7(甲)", "7(乙)", "9(甲)"]
    raw = shown(tmp_path, head, ["1", "0", "0", "1", "1"], ["0", "1", "1", "1", "0"])
    assert raw.multiple == {"6": ["6(甲)", "6(乙)"], "7": ["7(甲)", "7(乙)"]}


def test_rankings_and_matrices_are_no_multiple_response(tmp_path: Path) -> None:
    head = ["第1题(价格)", "第1题(质量)", "第2题(环境)", "第2题(服务)", "3、总体"]
    raw = shown(tmp_path, head, ["1", "2", "1", "1", "5"], ["2", "1", "1", "1〖好〗", "4"])
    assert raw.multiple == {}


def test_matrix_rows_alone_and_repeated(tmp_path: Path) -> None:
    head = ["7、请评价—环境", "服务", "8、平时—环境", "服务", "所在单位", "9、爱好(运动)", "9(看书)"]
    answers = [["4", "5", "1", "1", "x", "1", "0"], ["5", "5", "2", "1", "y", "0", "1"]]
    raw = shown(tmp_path, head, *answers)
    assert list(raw.frame.columns[6:]) == [*head[:3], "服务.2", *head[4:]]
    assert raw.wording == {"服务": "7、请评价—服务", "服务.2": "8、平时—服务", "9(看书)": "9、爱好(看书)"}
    assert raw.frame.iloc[:, 6:].to_numpy().tolist() == answers


def test_items_with_numbers_of_their_own_belong_to_their_matrix(tmp_path: Path) -> None:
    raw = shown(tmp_path, ["7、评价—1、环境", "2、服务", "8、年龄"], ["4", "5", "4"], ["5", "4", "5"])
    assert raw.wording == {"2、服务": "7、评价—2、服务"}


def test_a_ranking_behind_a_matrix_is_not_its_items(tmp_path: Path) -> None:
    assert shown(tmp_path, ["5、评价—环境", "6(价格)", "6(质量)"], ["1", "1", "2"], ["2", "2", "1"]).wording == {}


def test_options_that_come_again_are_the_next_row_of_a_matrix(tmp_path: Path) -> None:
    raw = shown(tmp_path, ["6、评价(好)", "6(差)", "6(好)", "6(差)"], ["1", "0", "0", "1"])
    assert raw.multiple == {"6、评价": ["6、评价(好)", "6(差)"], "6": ["6(好)", "6(差).2"]}


def test_numbers_of_the_text_form_are_no_codes(tmp_path: Path) -> None:
    raw = shown(tmp_path, ["1、满意", "2、温度", "3、年龄"], ["(跳过)", "-2", "3"], ["4", "5", "2"])
    assert raw.no_answer == {"*": ("(跳过)",)}


def test_repeated_numbers_of_a_matrix_stay_its_columns(tmp_path: Path) -> None:
    raw = shown(tmp_path, ["7、评价 - 环境", "7、评价 - 服务"], ["非常满意", "(跳过)"], ["一般", "(空)"])
    assert list(raw.frame.columns[6:]) == ["7、评价 - 环境", "7、评价 - 服务"]
    assert raw.no_answer == {"*": ("(跳过)", "(空)")}
    assert (raw.multiple, raw.wording) == ({}, {})


def test_joined_cells_of_the_text_form(tmp_path: Path) -> None:
    head = ["1、爱好", "2、填空", "3、排序", "4、渠道（可多选）", "5、评价（非多选）", "6、温度"]
    raw = shown(
        tmp_path,
        head,
        ["运动┋其他〖钓鱼〗", "甲┋(空)", "价格→质量", "报纸", "好", "-2"],
        ["看书", "乙┋丙", "质量", "网络", "一般", "5"],
    )
    assert raw.multiple == {"1、爱好": ["1、爱好"], "4、渠道（可多选）": ["4、渠道（可多选）"]}
    assert raw.separator == "┋"
    assert raw.no_answer == {}


def test_scores_below_zero_are_no_codes(tmp_path: Path) -> None:
    raw = shown(tmp_path, ["1、得分一", "2、得分二"], ["-2", "-2"], ["-1", "5"], ["1", "-3"])
    assert raw.no_answer == {"2、得分二": ("-3", "-2")}


def test_optional_columns_of_the_tool(tmp_path: Path) -> None:
    own = [
        "序号",
        "用户ID",
        "提交答卷时间",
        "用户信息(部门)",
        "所用时间",
        "来源",
        "来源详情",
        "来自IP",
        "总分",
        "姓名",
        "1、性别",
    ]
    rows = [own, ["1", "u1", FIRST[1], "x", "87秒", "微信", "y", FIRST[5], "80", "z", "男"]]
    raw = read_table(exports.saved(tmp_path / "a.csv", rows))
    kinds = ["respondent", "person", "submitted", "person", "seconds", "source", "person", "person", "other"]
    assert raw.metadata == dict(zip(own, kinds, strict=False))
    short = shown(tmp_path, ["1、性别"], ["男"], own=OWN[:2])
    assert (short.platform, list(short.metadata)) == ("wenjuanxing", OWN[:2])


def test_known_without_any_column_of_the_tool(tmp_path: Path) -> None:
    rows = [["1、性别", "2、爱好"], ["男", "运动┋看书"]]
    assert read_table(saved(tmp_path / "a.csv", rows)).platform == "wenjuanxing"
    rows = [["1、性别", "第2题(运动)", "第2题(看书)"], ["1", "0", "1"]]
    assert read_table(saved(tmp_path / "b.csv", rows)).multiple == {"第2题": rows[0][1:]}


def test_broken_exports_are_refused_or_plain(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no rows"):
        read_table(saved(tmp_path / "a.csv", [[*OWN, "1、性别"]]))
    with pytest.raises(Refused, match="column 7 has no name"):
        shown(tmp_path, ["", "1、性别", ""], ["x", "男", ""])
    assert read_table(saved(tmp_path / "b.csv", [[*FIRST, "男"], [*SECOND, "女"]])).platform == "plain"
    rows = [["1、性别", *OWN[::-1], "2、年龄"], ["男", *FIRST[::-1], "3"], ["女", *SECOND[::-1]]]
    shuffled = read_table(saved(tmp_path / "c.csv", rows))
    assert (shuffled.platform, sorted(shuffled.metadata), shuffled.ragged) == ("wenjuanxing", sorted(OWN), (3,))
    (tmp_path / "d.csv").write_bytes((tmp_path / "c.csv").read_bytes()[:61])
    with pytest.raises(Refused):
        read_table(tmp_path / "d.csv")
