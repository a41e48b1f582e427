"""A wave's answers weighed to its registry, by hand: which count holds, what is laid together, what is told."""

from __future__ import annotations

import pandas as pd
import pytest

from survey.faults import Refused
from survey.weighting.margins import weigh

MET = 1e-8  # margins are met to this share of their target, the raking's own default

TREE = pd.DataFrame(
    {
        "code": ["p", "c1", "c2", "c3", "d1", "d2"],
        "parent": ["", "p", "p", "p", "c1", "c1"],
        "level": ["province", "city", "city", "city", "county", "county"],
    }
)


def answers(wave: str, counts: dict[tuple[str, str], int]) -> pd.DataFrame:
    rows = [(wave, g, r) for (g, r), n in counts.items() for _ in range(n)]
    return pd.DataFrame(rows, columns=["wave", "group", "region"])


def registry(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["wave", "group", "region", "members"])


def weighed(members, rows, margins, **more):
    return weigh(members, rows, count="members", margins=margins, hierarchy=TREE, **more)


def test_weighs_to_groups_and_cities_with_the_frames_own_columns():
    members = answers("1", {("a", "d1"): 6, ("a", "c2"): 6, ("b", "d1"): 6, ("b", "c2"): 12})
    members["city"] = members["region"].replace({"d1": "c1"})
    # c1's own row holds, not the sum of its counties; b has no row for c2's total but the city's.
    rows = registry(
        [("1", "a", "c1", 100), ("1", "a", "d1", 70), ("1", "a", "c2", 50), ("1", "b", "d1", 30), ("1", "b", "c2", 20)]
    )
    frame, met, tally = weighed(members, rows, [["group"], ["city"]])
    assert frame.groupby("group")["weight"].sum().to_dict() == pytest.approx({"a": 150, "b": 50}, rel=MET)
    assert frame.groupby("city")["weight"].sum().to_dict() == pytest.approx({"c1": 130, "c2": 70}, rel=MET)
    assert met.margins == (("wave", "group"), ("wave", "city"))
    assert met.totals[0] == pytest.approx({("1", "a"): 150, ("1", "b"): 50})
    assert tally[["rule", "rows", "cells"]].values.tolist() == [["weighted", 30, 0]]


def test_thin_cells_are_laid_together_and_told():
    members = answers("1", {("a", "c1"): 6, ("a", "c2"): 3, ("a", "c3"): 7})
    rows = registry([("1", "a", "c1", 10), ("1", "a", "c2", 20), ("1", "a", "c3", 30), ("1", "a", "p", 64)])
    frame, met, tally = weighed(members, rows, [["city"]])
    # c2 has 3 answers: with the place's own cell (4 members, no answer) and then with c1, the smallest other.
    assert frame.groupby("region")["weight"].first().to_dict() == pytest.approx(
        {"c1": 34 / 9, "c2": 34 / 9, "c3": 30 / 7}
    )
    assert met.margins == (("wave", "margin_1"),)
    assert frame["margin_1"].nunique() == 2
    assert tally[["rule", "rows", "cells"]].values.tolist() == [["weighted", 16, 0], ["collapsed", 9, 2]]


def test_group_by_city_cells_stay_in_their_group():
    members = answers("1", {("a", "c1"): 2, ("a", "c2"): 9, ("b", "c1"): 5, ("b", "c2"): 6})
    rows = registry(
        [("1", g, c, n) for g, c, n in [("a", "c1", 10), ("a", "c2", 20), ("b", "c1", 30), ("b", "c2", 40)]]
    )
    frame, met, _ = weighed(members, rows, [["group", "city"]])
    assert frame.groupby(["group", "region"])["weight"].sum().tolist() == pytest.approx([60 / 11, 270 / 11, 30, 40])
    assert set(met.totals[0]) == {("1", "a:c1+1"), ("1", "b:c1"), ("1", "b:c2")}


def test_a_wave_without_registry_counts_one_and_says_so():
    members = pd.concat(
        [answers("1", {("a", "c1"): 5, ("b", "c1"): 5}), answers("2", {("a", "c1"): 4})], ignore_index=True
    )
    frame, met, tally = weighed(members, registry([("1", "a", "c1", 30), ("1", "b", "c1", 20)]), [["group"]])
    assert frame.groupby(["wave", "group"])["weight"].first().tolist() == pytest.approx([6, 4, 1])
    assert frame.loc[frame["wave"] == "2", "margin_1"].isna().all()
    assert met.margins == (("wave", "margin_1"),)
    assert tally.query("wave == '2'")["rule"].tolist() == ["not_weighted"]
    alone, nothing, _ = weighed(members, None, [["group"]])
    assert nothing is None
    assert alone["weight"].eq(1).all()


def test_margins_that_disagree_are_scaled_to_the_first_and_told():
    members = answers("1", {("a", "c1"): 5, ("a", "c2"): 5})
    rows = registry([("1", "a", "p", 90), ("1", "a", "c1", 60), ("1", "a", "c2", 40)])
    frame, _, tally = weighed(members, rows, [["group"], ["city"]])
    assert frame.groupby("region")["weight"].sum().to_dict() == pytest.approx({"c1": 54, "c2": 36})
    assert tally.query("rule == 'rescaled'")["cells"].tolist() == [2]


def test_weights_that_came_are_where_raking_starts():
    members = answers("1", {("a", "c1"): 5, ("b", "c1"): 5}).assign(weight=[1.0, 2, 2, 2, 3] * 2)
    members.index = [7] * 10  # an index that repeats is kept and does no harm
    frame, _, _ = weighed(members, registry([("1", "a", "c1", 30), ("1", "b", "c1", 20)]), [["group"]])
    assert frame.index.tolist() == [7] * 10
    assert frame["weight"].tolist() == pytest.approx([3, 6, 6, 6, 9, 2, 4, 4, 4, 6])


def test_what_the_places_do_not_have_is_refused_in_both_languages():
    members = answers("1", {("a", "c1"): 5})
    with pytest.raises(Refused, match=r"(?s)one level of the study's places.*地区层级"):
        weighed(members, registry([("1", "a", "c1", 30)]), [["village"]])
    two = answers("1", {("a", "c1"): 5, ("b", "c1"): 5})
    with pytest.raises(Refused, match=r"(?s)outside the bounds.*无法按登记表加权"):
        weighed(two, registry([("1", "a", "c1", 90), ("1", "b", "c1", 10)]), [["group"]], bounds=(0.5, 1.5))


def test_four_answers_are_thin_and_five_are_not():
    rows = registry([("1", "a", "c1", 10), ("1", "a", "c2", 20), ("1", "a", "c3", 30)])
    for few, weights in ((5, [10 / 8, 20 / 5, 30 / 9]), (4, [30 / 12, 30 / 12, 30 / 9])):
        frame, _, _ = weighed(answers("1", {("a", "c1"): 8, ("a", "c2"): few, ("a", "c3"): 9}), rows, [["city"]])
        assert frame.groupby("region")["weight"].first().tolist() == pytest.approx(weights)


def test_a_weight_that_is_missing_beside_others_is_refused_not_guessed():
    members = answers("1", {("a", "c1"): 5, ("b", "c1"): 5}).assign(weight=[1.0, None, *[2.0] * 8])
    with pytest.raises(Refused, match="1 base weights are missing"):
        weighed(members, registry([("1", "a", "c1", 30), ("1", "b", "c1", 20)]), [["group"]])


@pytest.mark.parametrize("count", [6, 0, None])
def test_a_stratum_that_counts_fewer_than_answered_is_laid_with_its_neighbour(count):
    members = answers("1", {("a", "c1"): 10, ("a", "c2"): 10, ("a", "c3"): 20})
    rows = registry([("1", "a", "c1", count), ("1", "a", "c2", 30), ("1", "a", "c3", 90)])
    frame, met, tally = weighed(members, rows, [["city"]])
    assert frame.groupby("region")["weight"].first().to_dict() == pytest.approx(
        {"c1": ((count or 0) + 30) / 20, "c2": ((count or 0) + 30) / 20, "c3": 90 / 20}, rel=MET
    )
    assert set(met.totals[0]) == {("1", "c1+1"), ("1", "c3")}
    assert tally[["rule", "rows", "cells"]].values.tolist() == [["weighted", 40, 0], ["collapsed", 20, 1]]


def test_a_count_equal_to_its_answers_stands_alone():
    members = answers("1", {("a", "c1"): 10, ("a", "c2"): 10})
    frame, _, tally = weighed(members, registry([("1", "a", "c1", 10), ("1", "a", "c2", 30)]), [["city"]])
    assert frame.groupby("region")["weight"].first().to_dict() == pytest.approx({"c1": 1, "c2": 3}, rel=MET)
    assert tally["rule"].tolist() == ["weighted"]


def test_a_wave_that_counts_fewer_than_answered_is_not_weighted_and_the_other_wave_is():
    members = pd.concat([answers("1", {("a", "c1"): 10}), answers("2", {("a", "c1"): 10})], ignore_index=True)
    rows = registry([("1", "a", "c1", 9), ("2", "a", "c1", 50)])
    frame, _, tally = weighed(members, rows, [["group"]])
    assert frame.groupby("wave")["weight"].first().to_dict() == pytest.approx({"1": 1, "2": 5}, rel=MET)
    assert tally[["wave", "rule", "cells"]].values.tolist() == [
        ["1", "not_weighted", 0],
        ["1", "too_small", 1],
        ["2", "weighted", 0],
    ]


def test_a_place_without_the_margins_level_stands_for_itself():
    tree = pd.DataFrame(
        [("p", "", "province"), ("c1", "p", "city"), ("k", "p", "county"), ("d1", "c1", "county")],
        columns=["code", "parent", "level"],
    )  # k is a county that its province governs itself
    rows = registry([("1", "a", "p", 100), ("1", "a", "c1", 60), ("1", "a", "k", 40)])
    members = answers("1", {("a", "d1"): 6, ("a", "k"): 5})
    frame, met, _ = weigh(members, rows, count="members", margins=[["city"]], hierarchy=tree)
    assert frame.groupby("region")["weight"].first().to_dict() == pytest.approx({"d1": 10, "k": 8}, rel=MET)
    assert met.totals[0] == pytest.approx({("1", "c1"): 60, ("1", "k"): 40})
