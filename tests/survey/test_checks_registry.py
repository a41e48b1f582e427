"""What becomes of each row of a registry, and which places a row can name."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from survey.checks.registry import additive_gaps
from tests.survey.builders import COUNTED, REGISTRY, adds_up, reasons, registry


def test_each_reason_and_each_count_by_hand(tmp_path: Path) -> None:
    rows = [
        {},
        {"org": "league", "n": "-5", "money": "1e3"},
        {"org": "women", "n": "many", "money": ""},
        {"n": "7"},  # the same group and place again
        {"org": "Union", "place": "东区"},  # and again, by its labels
        {"org": "navy"},
        {"place": "Atlantis"},
        {"org": "合计", "place": "", "n": "300"},
    ]
    found = registry(tmp_path, rows)
    assert reasons(found) == {5: "duplicate", 6: "duplicate", 7: "unknown_group", 8: "unknown_region", 9: "total"}
    assert found.frame["members"].fillna(-1).tolist() == [100, -1, -1]
    assert found.frame["funds"].fillna(-1).tolist() == [5.5, 1000, -1]
    assert dict(found.cells) == {"out_of_range": 1, "not_a_number": 1}
    assert adds_up(found)


def test_a_total_row_does_not_refuse_a_short_registry(tmp_path: Path) -> None:
    rows = [{}, {"org": "league"}, {"org": "总计", "place": "", "n": "200"}]
    assert adds_up(registry(tmp_path, rows, rules={"set_aside_share": 0.02}))


PLACES = {
    "990102": "990102", "９９０１０２": "990102", "990102000": "990102", "990102000000": "990102", "990104001000": "990104001",
    "990104001": "990104001", "990000": "990000", "990000000000": "990000", "East": "990102", "东区": "990102", " 湖市 ": "990100",
    "99": "990000", "9901": "990100",
}  # fmt: skip
NO_PLACES = [
    "",
    "99010",
    "9901020",
    "990102001",
    "990102000001",
    "North South",
    "西区",
    "990102.0",
    "9901 02",
]


def test_places_by_code_padded_code_and_label(tmp_path: Path) -> None:
    rows = [{"org": "union", "place": cell, "n": str(n)} for n, cell in enumerate([*PLACES, *NO_PLACES])]
    found = registry(tmp_path, rows, {"key": ["members"]})
    assert found.frame["region"].tolist() == list(PLACES.values())
    assert set(found.reasons.values()) == {"unknown_region"}
    assert len(found.reasons) == len(NO_PLACES)


def test_a_label_of_two_places_names_neither(tmp_path: Path) -> None:
    table = "code,parent,level,name_en,name_zh\n1,,land,Land,国\n11,1,part,Drum,鼓楼\n12,1,part,Drum,鼓楼区\n"
    found = registry(tmp_path, [{"place": p} for p in ("Drum", "鼓楼", "12")], {"key": ["region"]}, place_file=table)
    assert found.frame["region"].tolist() == ["11", "12"]
    assert reasons(found) == {2: "region_of_several"}


def test_short_codes_are_not_taken_for_cut_long_ones(tmp_path: Path) -> None:
    table = "code,parent,level,name_en,name_zh\n1,,land,Land,国\n10,1,part,One,一\n"
    found = registry(tmp_path, [{"place": "100000000"}], place_file=table)
    assert reasons(found) == {2: "unknown_region"}


def test_groups_with_a_pattern_are_any_code(tmp_path: Path) -> None:
    pattern = {"any": {"en": "Group {code}", "zh": "第{code}组"}}
    found = registry(tmp_path, [{"org": "7"}, {"org": ""}, {"org": "007"}], groups=pattern)
    assert (found.frame["group"].tolist(), reasons(found)) == (["7", "007"], {3: "unknown_group"})


def test_a_study_without_groups_and_places_has_one_row(tmp_path: Path) -> None:
    entry = {"columns": {"n": "members"}}
    found = registry(tmp_path, [{}, {"n": "90"}], entry, groups=None, places=None, cuts=[[]])
    assert (found.frame["members"].tolist(), reasons(found)) == ([100], {3: "duplicate"})
    assert found.frame[["group", "region"]].isna().all(axis=None)


def test_children_that_do_not_add_up_to_their_parent() -> None:
    tree = pd.DataFrame({"code": ["1", "11", "12"], "parent": ["", "1", "1"]})
    counts = pd.DataFrame({"wave": "1", "group": "g", "region": ["1", "11", "12"], "members": [10.0, 4.0, 5.0]})
    assert additive_gaps(counts, tree)[["region", "own", "children"]].to_numpy().tolist() == [["1", 10, 9]]
    counts.loc[0, "members"] = 9
    assert additive_gaps(counts, tree).empty


CELL = st.sampled_from(["", "union", "league", "navy", "990102", "Hill", "1", "-1", "x", "1e400", "总计"])


@settings(max_examples=12, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(COUNTED, CELL)), min_size=1, max_size=12))
def test_rows_always_add_up_and_counts_are_counts(tmp_path_factory: pytest.TempPathFactory, rows) -> None:
    assume(any(any(cell.strip() for cell in row.values()) for row in rows))
    found = registry(tmp_path_factory.mktemp("any"), rows)
    assert adds_up(found)
    assert not found.frame.duplicated(["group", "region"]).any()
    assert all(math.isnan(n) or 0 <= n < math.inf for n in found.frame[["members", "funds"]].to_numpy().ravel())
    assert list(REGISTRY["columns"].values()) == list(found.frame.columns)


def test_a_count_of_nought_is_a_count(tmp_path: Path) -> None:
    found = registry(tmp_path, [{"n": "0", "money": "0"}])
    assert found.frame[["members", "funds"]].to_numpy().tolist() == [[0.0, 0.0]]
    assert dict(found.cells) == {}
