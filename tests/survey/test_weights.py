"""Raking against R, against targets, and against hand arithmetic; a wave weighed to its registry."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.faults import Refused
from survey.weights import CannotRake, rake, weigh

PRINTED = 1e-6  # the reference numbers have six decimals
MET = 1e-8  # margins are met to this share of their target, the verb's own default

STYPE = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}
TREE = pd.DataFrame(
    {
        "code": ["p", "c1", "c2", "c3", "d1", "d2"],
        "parent": ["", "p", "p", "p", "c1", "c1"],
        "level": ["province", "city", "city", "city", "county", "county"],
    }
)


def schools(shared_data) -> pd.DataFrame:
    return pd.read_csv(shared_data("api_strat") / "apistrat.csv")


def cells(frame: pd.DataFrame, weights: pd.Series) -> list[float]:
    return weights.groupby([frame["stype"], frame["sch.wide"]]).first().tolist()


def quantity(raked, name: str) -> float:
    return raked.tally.set_index("quantity").at[name, "value"]


def test_stops_where_r_stops(shared_data):
    """R's rake stops when no cell moves by one school: after three rounds, as ours does with this tolerance."""
    frame = schools(shared_data)
    raked = rake(frame, {"stype": STYPE, "sch.wide": WIDE}, base="pw", tol=1e-4)
    assert cells(frame, raked.weights) == pytest.approx(
        [44.541291, 44.176722, 15.165144, 15.041018, 20.477662, 20.310053], abs=PRINTED
    )
    assert quantity(raked, "kish_effect") == pytest.approx(1.186366, abs=PRINTED)
    assert raked.weights.agg(["min", "max"]).tolist() == pytest.approx([15.041018, 44.541291], abs=PRINTED)


def test_goes_to_the_end_as_r_with_a_strict_stop(shared_data):
    """R survey 4.1-1: rake(..., control = list(epsilon = 1e-9, maxit = 50)) on the same design."""
    frame = schools(shared_data)
    raked = rake(frame, {"stype": STYPE, "sch.wide": WIDE}, base="pw")
    assert cells(frame, raked.weights) == pytest.approx(
        [44.5425660202, 44.1771088521, 15.1646991265, 15.0402777361, 20.4776084521, 20.3095963805], abs=PRINTED
    )
    assert quantity(raked, "kish_effect") == pytest.approx(1.186379256, abs=PRINTED)
    assert np.average(frame["api00"], weights=raked.weights) == pytest.approx(662.2116504, abs=PRINTED)


def test_tally_by_hand():
    frame = pd.DataFrame({"sex": ["f", "f", "f", "m"]})
    raked = rake(frame, {"sex": {"f": 60, "m": 40}})
    assert raked.weights.tolist() == pytest.approx([20, 20, 20, 40])
    assert quantity(raked, "kish_effect") == pytest.approx(4 * 2800 / 100**2)
    assert quantity(raked, "largest_to_median") == pytest.approx(2)
    before = raked.tally.query("quantity == 'gap_before'").set_index("cell")["value"]
    assert before.to_dict() == pytest.approx({"f": 75 / 60 - 1, "m": 25 / 40 - 1})
    assert raked.calibration.margins == (("sex",),)
    assert raked.calibration.totals == ({("f",): 60.0, ("m",): 40.0},)


@st.composite
def samples(draw) -> tuple[pd.DataFrame, dict]:
    n = draw(st.integers(12, 60))
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"a": np.resize(["x", "y", "z"], n), "b": np.resize(["u", "v"], n), "d": random.uniform(1, 3, n)}
    )
    world = frame["d"] * random.uniform(0.7, 1.4, n)
    return frame, {c: world.groupby(frame[c]).sum().to_dict() for c in ("a", "b")}


@given(samples())
@settings(max_examples=25, deadline=None)
def test_margins_are_met_and_order_does_not_matter(case):
    frame, margins = case
    raked = rake(frame, margins, base="d")
    for column, targets in margins.items():
        sums = raked.weights.groupby(frame[column]).sum()
        assert sums.to_dict() == pytest.approx(targets, rel=MET)
    turned = rake(frame.iloc[::-1], margins, base="d").weights
    assert turned.reindex(frame.index).tolist() == pytest.approx(raked.weights.tolist(), rel=1e-9)


@given(samples())
@settings(max_examples=25, deadline=None)
def test_bounds_hold_and_margins_are_met(case):
    frame, margins = case
    low, high = 0.7, 1.4  # the truth that made the targets lies inside, so that a solution exists
    raked = rake(frame, margins, base="d", bounds=(low, high), max_iter=5000)
    ratio = raked.weights / frame["d"]
    assert ratio.min() >= low * (1 - 1e-12)
    assert ratio.max() <= high * (1 + 1e-12)
    for column, targets in margins.items():
        assert raked.weights.groupby(frame[column]).sum().to_dict() == pytest.approx(targets, rel=MET)


def test_a_bound_that_binds_by_hand():
    """Free ratios would be 1.8 and .6; x, u is held at 1.5, so that x, v and y, u take up the rest."""
    frame = pd.DataFrame({"a": list("xxyy"), "b": list("uvuv"), "d": 1.0})
    free = rake(frame, {"a": {"x": 2.6, "y": 1.4}, "b": {"u": 2.6, "v": 1.4}}, base="d")
    assert free.weights.tolist() == pytest.approx([1.69, 0.91, 0.91, 0.49])
    held = rake(frame, {"a": {"x": 2.6, "y": 1.4}, "b": {"u": 2.6, "v": 1.4}}, base="d", bounds=(0.1, 1.5))
    assert held.weights.tolist() == pytest.approx([1.5, 1.1, 1.1, 0.3])
    assert quantity(held, "at_bounds") == 1
    floored = rake(frame, {"a": {"x": 2.6, "y": 1.4}, "b": {"u": 2.6, "v": 1.4}}, base="d", bounds=(0.55, np.inf))
    assert floored.weights.tolist() == pytest.approx([1.75, 0.85, 0.85, 0.55])


FRAME = pd.DataFrame({"a": ["x", "x", "y"], "b": ["u", "v", "v"], "d": [1.0, 1.0, 0.0]})
GOOD = {"x": 2.0, "y": 1.0}


@pytest.mark.parametrize(
    ("margins", "options", "words"),
    [
        ({"a": {**GOOD, "z": 1.0}}, {}, "a: targets without an answer.*z.*collapse"),
        ({"a": {"x": 2.0}}, {}, "a: answers without a target.*y"),
        ({"a": GOOD, "b": {"u": 1.0, "v": 3.0}}, {}, "a and b have different totals, 3 and 4"),
        ({"a": {"x": 0.0, "y": 1.0}}, {}, "a=x: a target must be a number above zero"),
        ({"a": GOOD}, {"base": "d"}, "1 base weights are missing or not above zero"),
        ({"c": GOOD}, {}, "no column"),
        ({"a": GOOD}, {"bounds": (0.99, 1.0), "base": pd.Series([1.0, 1.0, 2.0])}, "a=y.*outside the bounds"),
        ({"a": {"x": 1.0, "y": 2.0}, "b": {"u": 1.5, "v": 1.5}}, {"max_iter": 50}, "did not converge.*[ab]=.*collapse"),
    ],
)
def test_refuses_by_name(margins, options, words):
    with pytest.raises(CannotRake, match=words):
        rake(FRAME, margins, **options)


@pytest.mark.parametrize("options", [{"bounds": (0, np.inf)}, {"bounds": (2, 1)}, {"tol": 0}, {"max_iter": 0}])
def test_refuses_options_that_change_nothing(options):
    with pytest.raises(ValueError):
        rake(FRAME, {"a": GOOD}, **options)


def test_a_missing_value_in_a_margin_is_refused():
    with pytest.raises(CannotRake, match="1 answers have a missing value"):
        rake(pd.DataFrame({"a": ["x", None]}), {"a": {"x": 1.0}})


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
