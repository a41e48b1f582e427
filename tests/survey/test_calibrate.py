"""Post-stratified, calibrated, bounded and raked weights against R, and against hand arithmetic.

Reference: tests/reference/estimates_designs.csv (R 4.2.2, survey 4.1-1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import estimates
from survey.weighting.cells import CannotWeight, Weighted
from survey.weighting.linear import calibrate
from survey.weighting.raking import poststratify, rake
from tests.analysis.samples import SCHOOLS, STYPE, WIDE, assert_agrees, named, of_schools, schools

EXACT = 1e-9  # relative: the same arithmetic, in another order
RAKED = 1e-8  # relative: R's rake stops at 1e-10 of the sums
MET = 1e-8  # totals are met to this share, the verb's own default
STRICT = 1e-12  # asked for, where R's numbers are met

Frames = dict[str, pd.DataFrame]
CASES: dict[str, dict] = {
    "mean": {"variables": "api00"},
    "total": {"variables": "enroll", "statistic": "total"},
    "by sch.wide": {"variables": "api00", "by": {"group": "sch.wide"}},
    "by stype": {"variables": "api00", "by": {"group": "stype"}},
}


@pytest.fixture(scope="module")
def frames(shared_data: Callable[[str], Path]) -> Frames:
    return schools(shared_data)


def weighted(frames: Frames, sample: str, how: str) -> Weighted:
    frame, total = frames[sample], of_schools(sample, "calibration totals").at["api99", "estimate"]
    limits = of_schools(sample, "bounded limits")["estimate"]
    asked = {"totals": {"api99": total}, "margins": {"stype": STYPE}, "base": "pw", "tol": STRICT}
    if how == "poststratified":
        return poststratify(frame, "stype", STYPE, base="pw")
    if how == "raked":
        return rake(frame, {"stype": STYPE, "sch.wide": WIDE}, base="pw", tol=STRICT)
    return calibrate(frame, bounds=(limits["lower"], limits["upper"]) if how == "bounded" else None, **asked)


@pytest.mark.parametrize("how", ["poststratified", "calibrated", "bounded", "raked"])
@pytest.mark.parametrize("sample", ["apistrat", "clus1"])
def test_weights_and_errors_are_rs(frames: Frames, sample: str, how: str) -> None:
    found = weighted(frames, sample, how)
    w, tolerance = found.weights, RAKED if how == "raked" else EXACT
    expected = of_schools(sample, f"{how} weights")["estimate"][["min", "max", "sum"]]
    assert [w.min(), w.max(), w.sum()] == pytest.approx(expected.tolist(), rel=tolerance)
    design = replace(SCHOOLS[sample], weights="new", calibration=found.calibration)
    for case, asked in CASES.items():
        rows = named(estimates(frames[sample].assign(new=w), design=design, **asked).tidy())
        assert_agrees(rows, of_schools(sample, f"{how} {case}"), tolerance)


@pytest.mark.parametrize("sample", ["apistrat", "clus1"])
def test_ratios_stand_at_the_bounds_as_often_as_rs(frames: Frames, sample: str) -> None:
    theirs, found = of_schools(sample, "bounded g")["estimate"], weighted(frames, sample, "bounded")
    ratio = found.weights / frames[sample]["pw"]
    assert [ratio.min(), ratio.max()] == pytest.approx([theirs["min"], theirs["max"]], rel=EXACT)
    tally = found.tally.set_index("quantity")["value"]
    assert tally["at_bounds"] == theirs["at lower"] + theirs["at upper"]
    free = weighted(frames, sample, "calibrated").weights / frames[sample]["pw"]
    expected = of_schools(sample, "calibrated g")["estimate"]
    assert [free.min(), free.max()] == pytest.approx([expected["min"], expected["max"]], rel=EXACT)


def test_calibration_by_hand() -> None:
    """Start 100 / 3 each; people stay 100, ages must be 4200 of 4000: slope 200 / sum d (age - 40)^2 = 200 / 26666.7."""
    frame = pd.DataFrame({"age": [20.0, 40.0, 60.0]})
    found = calibrate(frame, totals={"(Intercept)": 100, "age": 4200})
    assert found.weights.tolist() == pytest.approx([100 / 3 - 5, 100 / 3, 100 / 3 + 5], rel=EXACT)
    tally = found.tally.set_index(["quantity", "margin"])["value"]
    assert tally["gap_before", "age"] == pytest.approx(4000 / 4200 - 1, rel=EXACT)
    assert tally["gap_after", "age"] == pytest.approx(0, abs=MET)
    assert found.calibration.linear
    assert found.calibration.auxiliaries == {"(Intercept)": 100, "age": 4200}


def test_poststratification_by_hand_and_crossed() -> None:
    frame = pd.DataFrame({"a": list("xxyy"), "b": list("uvvv"), "d": [1.0, 3.0, 1.0, 3.0]})
    found = poststratify(frame, ["a", "b"], {("x", "u"): 5, ("x", "v"): 6, ("y", "v"): 8}, base="d")
    assert found.weights.tolist() == pytest.approx([5, 6, 2, 6], rel=EXACT)
    assert found.calibration.margins == (("a", "b"),)
    assert [found.calibration.linear, found.calibration.base] == [True, "d"]


def test_calibration_to_counts_alone_is_poststratification() -> None:
    frame = pd.DataFrame({"a": list("xxyyy"), "d": [1.0, 3.0, 1.0, 2.0, 2.0]})
    one, two = (
        calibrate(frame, margins={"a": {"x": 8, "y": 5}}, base="d"),
        poststratify(frame, "a", {"x": 8, "y": 5}, base="d"),
    )
    assert one.weights.tolist() == pytest.approx(two.weights.tolist(), rel=EXACT)


@st.composite
def samples(draw) -> tuple[pd.DataFrame, dict, dict]:
    n, random = draw(st.integers(20, 80)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame = pd.DataFrame({"a": np.resize(list("xyz"), n), "y": random.normal(50, 10, n), "d": random.uniform(1, 3, n)})
    world = frame["d"] * random.uniform(0.8, 1.25, n)
    return frame, {"a": world.groupby(frame["a"]).sum().to_dict()}, {"y": float((world * frame["y"]).sum())}


@given(samples())
@settings(max_examples=25, deadline=None)
def test_totals_are_met_and_order_does_not_matter(case) -> None:
    frame, margins, totals = case
    found = calibrate(frame, totals=totals, margins=margins, base="d", bounds=(0.2, 5)).weights
    assert found.groupby(frame["a"]).sum().to_dict() == pytest.approx(margins["a"], rel=MET)
    assert (found * frame["y"]).sum() == pytest.approx(totals["y"], rel=MET)
    turned = calibrate(frame.iloc[::-1], totals=totals, margins=margins, base="d", bounds=(0.2, 5)).weights
    assert turned.reindex(frame.index).tolist() == pytest.approx(found.tolist(), rel=1e-7)


@given(samples())
@settings(max_examples=25, deadline=None)
def test_bounds_hold_and_totals_are_met(case) -> None:
    frame, margins, totals = case
    low, high = 0.8, 1.25  # the truth that made the totals lies inside, so that a solution exists
    found = calibrate(frame, totals=totals, margins=margins, base="d", bounds=(low, high), max_iter=2000).weights
    ratio = found / frame["d"]
    assert low * (1 - 1e-12) <= ratio.min() <= ratio.max() <= high * (1 + 1e-12)
    assert (found * frame["y"]).sum() == pytest.approx(totals["y"], rel=MET)


FRAME = pd.DataFrame({"a": ["x", "x", "y"], "n": [1.0, 2.0, 3.0], "hole": [1.0, None, 2.0], "t": list("uvw")})
GOOD = {"x": 2.0, "y": 1.0}
CANNOT = [
    ({"totals": {"gone": 1.0}, "margins": {"a": GOOD}}, "total of gone: the frame has no such column"),
    ({"totals": {"t": 1.0}, "margins": {"a": GOOD}}, "total of t: it holds no numbers; give it as a margin"),
    ({"totals": {"hole": 1.0}, "margins": {"a": GOOD}}, "total of hole: 1 answers have a missing value"),
    ({"margins": {"a": {"x": 2.0}}}, "answers without a target.*y"),
    ({"margins": {"a": GOOD, "n": {1.0: 1.0, 2.0: 1.0, 3.0: 2.0}}}, "different totals, 3 and 4"),
    ({"totals": {"n": 60.0}, "margins": {"a": GOOD}}, "weights would not be above zero: give bounds such as"),
    ({"totals": {"(Intercept)": 4.0}, "margins": {"a": GOOD}}, "did not converge.*against each other"),
    ({"totals": {"n": 9.0}, "margins": {"a": GOOD}, "bounds": (0.9, 1.1)}, "did not converge.*total of n.*loosen the bounds"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "said"), CANNOT)
def test_refuses_by_name(asked: dict, said: str) -> None:
    with pytest.raises(CannotWeight, match=said):
        calibrate(FRAME, **asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "needs totals or margins"),
        ({"margins": {"a": GOOD}, "tol": 0}, "tol must be above 0"),
        ({"margins": {"a": GOOD}, "max_iter": 0}, "max_iter at least 1"),
        ({"margins": {"a": GOOD}, "bounds": (2, 1)}, "low < high"),
        ({"margins": {"a": GOOD}, "bounds": (0, np.inf)}, "change nothing"),
        ({"totals": {"n": 6.0}}, "give base weights, margins, or the number of people"),
    ],
)
def test_refuses_options_that_make_no_sense(asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        calibrate(FRAME, **asked)


def test_no_answers_cannot_be_weighted() -> None:
    for verb in (lambda f: calibrate(f, margins={"a": GOOD}), lambda f: poststratify(f, "a", GOOD)):
        with pytest.raises(CannotWeight, match="no answers to weight"):
            verb(FRAME.iloc[:0])
