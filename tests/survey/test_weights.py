"""Raking against R, against targets, and against hand arithmetic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.weighting.cells import CannotWeight
from survey.weighting.raking import rake

PRINTED = 1e-6  # the reference numbers have six decimals
MET = 1e-8  # margins are met to this share of their target, the verb's own default

STYPE = {"E": 4421, "H": 755, "M": 1018}
WIDE = {"No": 1072, "Yes": 5122}


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
    with pytest.raises(CannotWeight, match=words):
        rake(FRAME, margins, **options)


@pytest.mark.parametrize("options", [{"bounds": (0, np.inf)}, {"bounds": (2, 1)}, {"tol": 0}, {"max_iter": 0}])
def test_refuses_options_that_change_nothing(options):
    with pytest.raises(ValueError):
        rake(FRAME, {"a": GOOD}, **options)


def test_a_missing_value_in_a_margin_is_refused():
    with pytest.raises(CannotWeight, match="1 answers have a missing value"):
        rake(pd.DataFrame({"a": ["x", None]}), {"a": {"x": 1.0}})


def test_totals_of_two_margins_may_differ_by_a_millionth():
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["u", "v"]})
    near = {"u": 100.0, "v": 100.0001}  # 5e-7 of the whole
    weights = rake(frame, {"a": {"x": 100.0, "y": 100.0}, "b": near}, tol=1e-5).weights
    assert weights.tolist() == pytest.approx([100, 100], rel=2e-6)
    with pytest.raises(CannotWeight, match="a and b have different totals"):
        rake(frame, {"a": {"x": 100.0, "y": 100.0}, "b": {"u": 100.0, "v": 100.001}}, tol=1e-4)
