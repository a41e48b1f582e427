"""Spellings of one code in one column, ticks that hold words, lengths of time: read by the instrument's codes, or not at all.

What is expected stands beside each spelling. No figure has a tolerance.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey import open_study
from survey.checks import Accepted
from tests.survey.builders import ITEMS, STUDY, adds_up, answers, change_wave, check, write_study
from tests.survey.readers.exports import WENJUANXING, WENJUANXING_FIRST, WENJUANXING_OWN

SPELLINGS = {
    5: ["5", "５", " 5 ", "5.0", "五", "非常同意", "5-非常同意", "5.非常同意", "5、非常同意", "5：非常同意", "５－非常同意",
        "5. 非常同意", "非常同意（5）", "非常同意(5)", "完全同意（很）", "Strongly agree", "STRONGLY  AGREE", "5 - strongly agree"],
    4: ["4", "４", "四", "同意", "４、同意", "同意（４）", "Agree"],
    3: ["3", "三", "一般", "3-一般", "一般(3)"],
    2: ["2", "二", "两", "不同意", "2.不同意"],
    1: ["1", "一", "非常不同意", "１：非常不同意", "Strongly disagree"],
}  # fmt: skip
UNKNOWN = [
    "5-同意",
    "非常同意（4）",
    "非常满意",
    "5-非常满意",
    "非常赞同",
    "五分",
    "两个",
    "同意吗",
    "A",
    "五-非常同意",
]
OUTSIDE = ["6", "０", "六", "十", "十五", "七"]


def mixed(home: Path, column: str, cells: list[str], **changed: Any) -> Accepted:
    return answers(home, [{"id": f"m{n}", column: cell} for n, cell in enumerate(cells)], **changed)


def counts(accepted: Accepted) -> Counter[str]:
    return Counter({rule: n for rule, n in accepted.cells.items() if rule != "cleaned"})


def test_spellings_of_a_code_mixed_in_one_column(tmp_path: Path) -> None:
    cells = [(cell, code) for code, found in SPELLINGS.items() for cell in found]
    cells = cells[::2] + cells[1::2]
    accepted = mixed(tmp_path, "q1", [cell for cell, _ in cells])
    assert adds_up(accepted)
    assert dict(zip([c for c, _ in cells], accepted.frame["bel1"], strict=True)) == dict(cells)
    assert counts(accepted) == {}


def test_what_the_instrument_does_not_have_is_not_guessed(tmp_path: Path) -> None:
    cells = [*UNKNOWN, *OUTSIDE, "9", "说不清（不了解）", "九", "5"]
    accepted = mixed(tmp_path, "q1", cells)
    read = dict(zip(cells, accepted.frame["bel1"], strict=True))
    assert {cell for cell, code in read.items() if not math.isnan(code)} == {"5"}
    assert counts(accepted) == {"unknown_label": len(UNKNOWN), "out_of_range": len(OUTSIDE), "missing_code": 3}


def test_numerals_are_codes_only_where_the_instrument_has_numbers(tmp_path: Path) -> None:
    words = mixed(tmp_path / "words", "q3", ["NO", "一", "两", "0110"])  # codes of work: NO, 0110, 12:30
    assert words.frame["job"].tolist()[::3] == ["NO", "0110"]
    assert (words.frame["job"].isna().sum(), counts(words)) == (2, {"unknown_label": 2})
    ages = mixed(tmp_path / "ages", "q5", ["30", "三十", "５０"])
    assert (ages.frame["age"].dropna().tolist(), counts(ages)) == ([30, 50], {"not_a_number": 1})
    three = ITEMS.replace("choice,agree5,,,belonging,,,", "choice,1..3,,,,,,", 1)
    few = mixed(tmp_path / "few", "q1", ["三", "四", "非常同意", "２", "两"], items=three)
    assert (few.frame["bel1"].dropna().tolist(), counts(few)) == ([3, 2, 2], {"out_of_range": 1, "unknown_label": 1})


def test_a_label_goes_before_a_numeral(tmp_path: Path) -> None:
    labels = {"1": {"en": "Second", "zh": "二"}, "2": {"en": "First", "zh": "一"}, "3": {"en": "None", "zh": "无"}}
    sets = STUDY["code_sets"] | {"agree5": {"codes": labels}}
    accepted = mixed(tmp_path, "q1", ["二", "一", "三", "2"], code_sets=sets)
    assert accepted.frame["bel1"].tolist() == [1, 2, 3, 2]


# Ticks that hold the option's text, and how long something took
PLACES = {"会堂": "1", "俱乐部": "2", "院子": "3"}


@pytest.mark.parametrize("letters", ["", "ABC"])
def test_ticks_that_hold_the_options_text(tmp_path: Path, letters: str) -> None:
    """As Tencent Survey exports them: ``3.stem:option``, with the option's letter where letters are switched on."""
    lead = {option: f"{letter}." for option, letter in zip(PLACES, letters, strict=False)}
    said = {option: lead.get(option, "") + option for option in PLACES}
    sets = {**STUDY["code_sets"]}
    sets["places3"] = {
        "codes": {c: {"en": f"Place {c}", "zh": o, "also": [said[o]] if letters else []} for o, c in PLACES.items()}
    }
    heads = {option: f"3.去过:{said[option]}" for option in PLACES}
    chosen = [("会堂",), ("俱乐部", "院子"), (), ("会堂", "俱乐部", "院子")]
    rows = [{"id": f"m{n}", **{heads[o]: said[o] for o in ticked}} for n, ticked in enumerate(chosen)]
    rows.append({"id": "m9", heads["会堂"]: said["院子"], heads["院子"]: said["院子"]})
    columns = {"id": "member", "org": "group", "place": "region", "q1": "bel1"}
    columns |= {heads[option]: f"used={code}" for option, code in PLACES.items()}
    accepted = answers(tmp_path, rows, {"columns": columns}, code_sets=sets)
    shown = accepted.frame[["used=1", "used=2", "used=3"]].to_numpy().tolist()
    assert shown[:2] == [[1, 0, 0], [0, 1, 1]]
    assert all(map(math.isnan, shown[2]))  # nothing ticked: not answered
    assert shown[3] == [1, 1, 1]
    assert math.isnan(shown[4][0])  # another option's text is no tick of this one
    assert shown[4][1:] == [0, 1]
    assert counts(accepted) == {"unknown_label": 1}


TOOK = {
    "87秒": 87,
    "1分27秒": 87,
    "87": 87,
    "1小时2分3秒": 3723,
    "00:01:27": 87,
    "２分": 120,
    "很久": math.nan,
    "": math.nan,
}


def test_seconds_as_wenjuanxing_writes_them(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}", "所用时间": cell} for n, cell in enumerate(TOOK)]
    columns = {"id": "member", "org": "group", "place": "region", "q1": "bel1", "所用时间": "seconds"}
    accepted = answers(tmp_path, rows, {"columns": columns})
    assert [None if math.isnan(s) else s for s in accepted.frame["seconds"]] == [
        None if math.isnan(s) else s for s in TOOK.values()
    ]
    assert counts(accepted) == {"not_a_number": 1}


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_wenjuanxing_export_with_its_own_columns_as_roles(tmp_path: Path, ending: str) -> None:
    own = "".join(line for line in ITEMS.splitlines(keepends=True) if not line.startswith("home"))
    folder = write_study(tmp_path, groups=None, places=None, cuts=[[]], items=own)
    cells = [("非常同意", "会堂┋院子"), ("5-非常同意", "俱乐部"), ("(跳过)", "(空)"), ("四", "院子┋忘了")]
    body = [[str(n), *WENJUANXING_FIRST[1:], *answer] for n, answer in enumerate(cells)]
    WENJUANXING.save(folder / "2024" / f"a.{ending}", [[*WENJUANXING_OWN, "1、归属感", "2、去过"], *body])
    columns = {
        "序号": "member",
        "提交答卷时间": "submitted",
        "所用时间": "seconds",
        "1、归属感": "bel1",
        "2、去过": "used",
    }
    change_wave(folder, "2024", files=[{"file": f"a.{ending}", "holds": "answers", "columns": columns}])
    accepted = check(open_study(folder), "answers")
    answered = accepted.frame.dropna(subset=["bel1"])
    assert answered["bel1"].tolist() == [5, 5, 4]
    assert answered[["used=1", "used=2", "used=3"]].to_numpy().tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert set(answered["seconds"]) == {87}
    assert set(answered["submitted"]) == {pd.Timestamp("2024-03-05 10:00:00")}
    assert counts(accepted) == {"missing_code": 3}
    assert adds_up(accepted)
