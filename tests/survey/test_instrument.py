"""Items: what their codes and limits are, and when two forms of one item mean the same."""

from __future__ import annotations

import math

import pytest

from survey.instrument import OPTIONAL, REQUIRED, Item, read_items
from survey.schema import Code, CodeSet, Scale, Text, is_column_name


def codes(*names: str) -> CodeSet:
    return CodeSet(codes={n: Code(en=f"e{n}", zh=f"z{n}") for n in names})


SETS = {
    "three": codes("1", "2", "3"),
    "again": codes("3", "2", "1"),
    "words": codes("NO", "12:30"),
    "odd": codes("inf", "1e3"),
}
SCALES = {"warmth": Scale(title=Text(en="Warmth", zh="温暖"), theme="cohesion")}


def rows(*given: dict[str, str]) -> list[dict[str, str]]:
    blank = dict.fromkeys((*REQUIRED, *OPTIONAL), "")
    fixed = {"item": "q1", "wording_en": "Good?", "wording_zh": "好吗？", "kind": "choice", "codes": "three"}
    return [blank | fixed | row | {"#line": str(n)} for n, row in enumerate(given, start=2)]


def item(**row: str) -> Item:
    items, faults = read_items(rows(row), SETS, SCALES)
    assert faults == []
    return items[0]


@pytest.mark.parametrize(
    ("row", "limits", "numeric", "names"),
    [
        ({}, (1, 3), True, ("1", "2", "3")),
        ({"codes": "-1..2"}, (-1, 2), True, ("-1", "0", "1", "2")),
        ({"codes": "words"}, None, False, ("NO", "12:30")),
        ({"codes": "odd"}, None, False, ("inf", "1e3")),
        ({"kind": "multiple"}, None, False, ("1", "2", "3")),
        ({"kind": "multiple", "codes": "1..4"}, None, False, ("1", "2", "3", "4")),
        ({"kind": "number", "codes": "", "lowest": "-0.5", "highest": "24"}, (-0.5, 24), True, ()),
        ({"kind": "text", "codes": ""}, None, False, ()),
        ({"kind": "region", "codes": ""}, None, False, ()),
    ],
)
def test_limits_and_codes(
    row: dict[str, str], limits: tuple[float, float] | None, numeric: bool, names: tuple[str, ...]
) -> None:
    found = item(**row)
    assert (found.numeric, found.code_names) == (numeric, names)
    assert (found.lowest, found.highest) == limits if limits else math.isnan(found.lowest)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"codes": "3..3"}, "give a code set"),
        ({"codes": "1..2000"}, "at most 1000"),
        ({"codes": "1...3"}, "give a code set"),
        ({"codes": ""}, "give a code set"),
        ({"lowest": "1", "highest": "3"}, "are for number"),
        ({"kind": "text"}, "codes are for choice"),
        ({"kind": "number", "codes": "", "lowest": "0", "highest": "inf"}, "lowest below highest"),
        ({"kind": "number", "codes": "", "lowest": "nan", "highest": "3"}, "lowest below highest"),
        ({"kind": "number", "codes": ""}, "lowest below highest"),
        ({"codes": "words", "reverse": "yes"}, "can be reversed"),
        ({"kind": "text", "codes": "", "reverse": "yes"}, "can be reversed"),
        ({"codes": "odd", "scale": "warmth"}, "can belong to a scale"),
        ({"kind": "multiple", "scale": "warmth"}, "can belong to a scale"),
        *(
            ({"topic": topic}, "are refused")
            for topic in ["belief", "loyalty", "party", "vote", "religion", "ethnicity"]
        ),
    ],
)
def test_rows_at_fault(row: dict[str, str], words: str) -> None:
    items, faults = read_items(rows(row), SETS, SCALES)
    assert items == []
    assert [words in fault.en for fault in faults] == [True]
    assert faults[0].line == 2


@pytest.mark.parametrize(
    "name", ["", "Q1", "q-1", "member", "weight", "mode", "wave", "_q", "q" * 41, "q 1", "题", "intends", "rows_read"]
)
def test_names_that_no_item_can_have(name: str) -> None:
    assert not is_column_name(name)
    items, faults = read_items(rows({"item": name}), SETS, SCALES)
    assert items == []
    assert len(faults) == 1


@pytest.mark.parametrize(
    ("versions", "twice"),
    [(("1", "2"), False), (("1 2", "3"), False), (("1 2", "2"), True), (("", "2"), True), (("", ""), True)],
)
def test_two_rows_for_one_version(versions: tuple[str, str], twice: bool) -> None:
    _, faults = read_items(rows(*({"version": v} for v in versions)), SETS, SCALES)
    assert [f.line for f in faults] == ([3] if twice else [])


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"wording_en": "Better?"}, True),
        ({"codes": "again"}, True),
        ({"codes": "1..3"}, True),
        ({"scale": "warmth"}, True),
        ({"codes": "1..4"}, False),
        ({"codes": "words"}, False),
        ({"reverse": "yes"}, False),
        ({"kind": "multiple"}, False),
        ({"kind": "number", "codes": "", "lowest": "1", "highest": "3"}, False),
    ],
)
def test_two_forms_mean_the_same_where_codes_and_limits_are_equal(other: dict[str, str], same: bool) -> None:
    assert item().same_form(item(**other)) is same
    assert item(**other).same_form(item()) is same


@pytest.mark.parametrize(
    "code_set",
    [
        {"codes": {"1": {"en": "Yes", "zh": "是"}, "2": {"en": "yes ", "zh": "否"}}},
        {"codes": {"1": {"en": "A", "zh": "甲"}, "2": {"en": "B", "zh": "乙", "also": ["1"]}}},
        {
            "codes": {"1": {"en": "A", "zh": "甲"}, "99": {"en": "B", "zh": "乙"}},
            "missing": {"99": {"en": "C", "zh": "丙"}},
        },
        {"codes": {"1": {"en": "A（x）", "zh": "甲"}, "2": {"en": "a(X)", "zh": "乙"}}},
    ],
)
def test_a_spelling_stands_for_one_code(code_set: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="two_meanings"):
        CodeSet.model_validate(code_set)
