"""What becomes of each row of a registry, and which places a row can name."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from survey.checks.registry import additive_gaps, fewer_members_than_answers, refused_gaps, without_a_count
from survey.schema import Decision, FileEntry, Rules, WaveFile, Weights
from survey.study import Wave
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


TREE = pd.DataFrame(
    [("p", ""), ("c", "p"), ("d", "p"), ("c1", "c"), ("c2", "c"), ("v", "c1")], columns=["code", "parent"]
)
ROWS = ("wave", "group", "region", "members")


def stratum(region: str | None, group: str = "g") -> pd.DataFrame:
    return pd.DataFrame({"wave": ["1"] * 3, "group": group, "region": region})


@pytest.mark.parametrize(
    ("rows", "place", "counted"),
    [
        ([("c1", 5)], "c1", True),
        ([("c1", 0)], "c1", False),
        ([("c1", None)], "c1", False),
        ([("c1", 5)], "c2", False),  # the registry tells the city's counties, and this one is not among them
        ([("c1", 5), ("c", 9)], "c2", False),
        ([("c", 9)], "c2", True),  # the city is told as a whole
        ([("c1", 5)], "v", True),
        ([("c1", 5)], "c", True),
        ([("c1", 0)], "c", False),
        ([("c1", 5)], "d", False),
        ([("p", 5)], "v", True),
        ([("p", 0)], "v", False),
    ],
)
def test_who_is_counted_by_the_registry(rows: list[tuple[str, float]], place: str, counted: bool) -> None:
    counts = pd.DataFrame([("1", "g", region, n) for region, n in rows], columns=ROWS)
    assert without_a_count(stratum(place), counts, TREE) == (not counted)
    assert without_a_count(stratum(place, "h"), counts, TREE) == 1  # another group is not counted at all


def test_a_wave_without_a_registry_lacks_no_count() -> None:
    counts = pd.DataFrame([("2", "g", "c1", 5)], columns=ROWS)
    assert without_a_count(stratum("c2"), counts, TREE) == 0


def test_a_study_without_places_is_counted_by_group() -> None:
    counts = pd.DataFrame([("1", "g", None, 5)], columns=ROWS)
    assert without_a_count(stratum(None), counts, TREE.iloc[:0]) == 0
    assert without_a_count(stratum(None, "h"), counts, TREE.iloc[:0]) == 1


def test_more_answers_than_members_in_a_place_and_those_below_it() -> None:
    answers = pd.concat([stratum("v"), stratum("c1"), stratum("d")], ignore_index=True)
    counts = pd.DataFrame([("1", "g", "c1", 5), ("1", "g", "c", 6), ("1", "g", "d", 3)], columns=ROWS)
    found = fewer_members_than_answers(answers, counts, TREE)
    assert found[["region", "members", "answers"]].to_numpy().tolist() == [["c1", 5, 6]]


def study_of(margins: list[list[str]], gap: float | None = None) -> SimpleNamespace:
    settings = SimpleNamespace(
        weights=Weights(margins=margins), rules=Rules(**({} if gap is None else {"registry_gap": gap}))
    )
    return SimpleNamespace(settings=settings)


def wave_of(*decisions: Decision) -> Wave:
    entry = FileEntry(file="registry.csv", holds="registry", columns={"n": "members"})
    fieldwork = {"start": "2024-03-01", "end": "2024-04-01"}
    settings = WaveFile(wave="1", fieldwork=fieldwork, files=[entry], decisions=decisions)
    return Wave("1", Path("1"), settings)


def gaps(own: float, count: str = "members") -> pd.DataFrame:
    rows = pd.DataFrame({"wave": "1", "group": "g", "region": ["c", "c1", "c2"], count: [own, 600.0, 400.0]})
    return additive_gaps(rows, TREE)


@pytest.mark.parametrize(
    ("own", "refused"), [(1010.0, False), (990.0, False), (1011.0, True), (989.0, True), (0.0, True)]
)
def test_a_gap_above_one_in_a_hundred_refuses_weights(own: float, refused: bool) -> None:
    study = study_of([["group"]])
    assert len(list(refused_gaps(study, [wave_of()], gaps(own)))) == refused
    assert list(refused_gaps(study_of([["group"]], gap=1), [wave_of()], gaps(own))) == []


def test_a_gap_is_told_with_its_place_and_both_counts_in_both_languages() -> None:
    (fault,) = refused_gaps(study_of([["group"]]), [wave_of()], gaps(1500))
    assert fault.file == "1/registry.csv"
    for text in (fault.en, fault.zh):
        assert "1,500" in text
        assert "1,000" in text
        assert "registry_gap" in text


def test_an_office_accepts_a_gap_and_other_counts_are_not_weighted_to() -> None:
    accepted = Decision(rule="registry_gap", accept="registry.csv", office="o", why="w")
    assert list(refused_gaps(study_of([["group"]]), [wave_of(accepted)], gaps(1500))) == []
    assert list(refused_gaps(study_of([["group"]]), [wave_of()], gaps(1500, "staff"))) == []
    unweighted = SimpleNamespace(settings=SimpleNamespace(weights=None, rules=Rules()))
    assert list(refused_gaps(unweighted, [wave_of()], gaps(1500))) == []


def test_gaps_of_every_count_level_and_group() -> None:
    rows = pd.DataFrame(
        [("p", 30, 5), ("c", 20, 3), ("d", 10, None), ("c1", 12, 1), ("c2", 7, 2)],
        columns=["region", "members", "venues"],
    ).assign(wave="1", group="g")
    found = additive_gaps(pd.concat([rows, rows.assign(group="h", members=1.0, venues=float("nan"))]), TREE)
    here = {
        (g, r, c): (own, below)
        for g, r, c, own, below in found[["group", "region", "count", "own", "children"]].to_numpy()
    }
    assert here == {
        ("g", "c", "members"): (20, 19),
        ("g", "p", "venues"): (5, 3),
        ("h", "p", "members"): (1, 2),
        ("h", "c", "members"): (1, 2),
    }


def test_more_established_than_organisations_is_noted(tmp_path: Path) -> None:
    entry = {
        "columns": REGISTRY["columns"]
        | {"due": "organisations", "set": "established", "team": "staff", "halls": "venues"}
    }
    rows = [
        {"due": "5", "set": "6", "team": "3", "halls": "2"},
        {"org": "league", "due": "5", "set": "5", "team": "", "halls": "0"},
    ]
    found = registry(tmp_path, rows, entry)
    assert dict(found.notes) == {"more_established": 1}
    assert found.frame[["organisations", "established", "venues"]].to_numpy().tolist() == [[5, 6, 2], [5, 5, 0]]
    assert found.frame["staff"].isna().tolist() == [False, True]
