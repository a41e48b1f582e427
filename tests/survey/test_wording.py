"""Headings without their numbering, how alike they are, and what a header that is gone is called now."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey.study import open_study
from survey.wording import alike, bare, guesses, parts
from tests.survey.builders import write_study


def test_a_renamed_header_is_guessed(tmp_path: Path) -> None:
    study = open_study(write_study(tmp_path))
    there = ["org", "place", "Member no.", "我属于这个地方", "xyz"]
    found = guesses({"q1": "bel1", "id": "member", "q9": "nothing"}, there, study, study.wave())
    assert found["q1"][0] == "我属于这个地方"
    assert 0.3 <= found["q1"][1] < 1
    assert "q9" not in found
    assert guesses({}, there, study, study.wave()) == {}
    assert guesses({"q1": "bel1"}, [], study, study.wave()) == {}
    assert guesses({"": "bel1=?"}, ["", "\n", "{0}", "a" * 10_000], study, study.wave()).keys() <= {""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7、您满意吗？[单选题]", "您满意吗"),
        ("Q7. memberNo", "member no"),
        ("第7题", ""),
        ("Q7", ""),
        ("q1_2) belong_1 *", "belong 1"),
        ("３．您的年龄", "您的年龄"),
        ("how[SQ001]", "how"),
        ("12 months ago", "12 months ago"),
    ],
)
def test_numbering_and_marks_are_cut(text: str, expected: str) -> None:
    assert bare(text) == expected


def test_a_heading_is_cut_into_stem_and_item() -> None:
    assert parts("7、对我们—服务") == ("7、对我们", "服务")
    assert parts("What? [Other (please specify)]") == ("What?", "Other (please specify)")
    assert parts("第6题(运动)") == ("第6题", "运动")
    assert parts("Q5") == ("Q5", "")


def test_likeness_is_one_for_equal_texts_less_where_numbers_differ_and_nought_for_strangers() -> None:
    found = alike(["1. item_1", "您满意吗？", "Q3"], ["item 1", "item 2", "您满意吗", "rain"])
    assert found[0, 0] == 1
    assert found[0, 1] <= 0.7
    assert found[1, 2] == 1
    assert found[1, 3] == 0
    assert (found[2] == 0).all()
