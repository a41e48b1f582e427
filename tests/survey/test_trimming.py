"""Trimmed raking: the cap holds, the margins still do, and what cannot be is refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.weighting.cells import CannotWeight, Weighted, kish_effect
from survey.weighting.raking import rake

MET = 1e-8  # margins are met to this share of their target, the verb's own default
CAPPED = 1e-9  # relative: no weight passes the cap by more
NEAR = 1e-3  # an effect that binds comes this near to its target
PENCIL = 1e-7  # hand arithmetic, met to the verb's tolerance


@st.composite
def samples(draw) -> tuple[pd.DataFrame, dict[str, dict]]:
    n, random = draw(st.integers(40, 120)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame = pd.DataFrame({"a": np.resize(list("xyz"), n), "b": np.resize(list("uv"), n)})
    frame["d"] = random.lognormal(0, 0.6, n)
    world = frame["d"] * random.uniform(0.8, 1.25, n)
    return frame, {c: (world.groupby(frame[c]).sum() / world.sum() * n).to_dict() for c in "ab"}


def tally_of(found: Weighted) -> pd.Series:
    return found.tally[found.tally["margin"] == "*"].set_index("quantity")["value"]


def assert_met(found: Weighted, frame: pd.DataFrame, margins: dict[str, dict]) -> None:
    for column, targets in margins.items():
        assert found.weights.groupby(frame[column]).sum().to_dict() == pytest.approx(targets, rel=MET)


@given(samples(), st.floats(0.4, 1.2))
@settings(max_examples=25, deadline=None)
def test_the_cap_holds_and_margins_are_met(case: tuple[pd.DataFrame, dict], part: float) -> None:
    frame, margins = case
    free = rake(frame, margins, base="d").weights
    lowest = free.groupby([frame["a"], frame["b"]]).mean().max()  # weights alike in each crossed cell would do
    cap = float(lowest + part * (free.max() - lowest))
    found = rake(frame, margins, base="d", trim_at=cap, max_iter=5000)
    assert found.weights.max() <= cap * (1 + CAPPED)
    assert_met(found, frame, margins)
    told = tally_of(found)
    assert told["cap"] == cap
    assert told["trimmed"] == ((found.weights >= cap * (1 - CAPPED)).sum() if free.max() > cap else 0)
    assert told["kish_effect_untrimmed"] == pytest.approx(kish_effect(free.to_numpy()), rel=MET)
    assert told["kish_effect"] == pytest.approx(kish_effect(found.weights.to_numpy()), rel=MET)


@given(samples(), st.sampled_from([0.85, 0.9, 0.97, 1.2]))
@settings(max_examples=6, deadline=None)  # each rakes some forty times
def test_an_effect_is_reached_from_below_and_no_further(case: tuple[pd.DataFrame, dict], part: float) -> None:
    frame, margins = case
    free = rake(frame, margins, base="d")
    untrimmed = tally_of(free)["kish_effect"]
    target = 1 + part * (untrimmed - 1)
    found = rake(frame, margins, base="d", trim_to_effect=target)
    effect = kish_effect(found.weights.to_numpy())
    assert effect <= target * (1 + 1e-9)
    assert_met(found, frame, margins)
    if target < untrimmed:
        assert effect == pytest.approx(target, abs=NEAR)
        assert found.weights.max() <= tally_of(found)["cap"] * (1 + CAPPED)
        assert tally_of(found)["trimmed"] > 0
    else:
        pd.testing.assert_series_equal(found.weights, free.weights, rtol=MET)
        assert tally_of(found)["trimmed"] == 0


def test_what_is_cut_off_goes_to_the_others_of_the_cell_by_hand() -> None:
    """One of 6 is cut to 4; the other two share 8 as 1 to 2 of their starting weights: 8/3 and 16/3, cut to 4 again."""
    frame = pd.DataFrame({"a": ["x"] * 3 + ["y"] * 2, "d": [2.0, 1.0, 1.0, 1.0, 1.0]})
    margins = {"a": {"x": 12.0, "y": 4.0}}
    assert rake(frame, margins, base="d").weights.tolist() == pytest.approx([6, 3, 3, 2, 2], rel=PENCIL)
    found = rake(frame, margins, base="d", trim_at=5.0)
    assert found.weights.tolist() == pytest.approx([5, 3.5, 3.5, 2, 2], rel=PENCIL)
    assert tally_of(found)["trimmed"] == 1
    all_of_them = rake(frame, margins, base="d", trim_at=4.0)
    assert all_of_them.weights.tolist() == pytest.approx([4, 4, 4, 2, 2], rel=PENCIL)


def test_a_cap_above_all_weights_trims_nobody_and_says_so() -> None:
    frame = pd.DataFrame({"a": list("xxy")})
    told = tally_of(rake(frame, {"a": {"x": 4.0, "y": 3.0}}, trim_at=50.0))
    assert [told["trimmed"], told["cap"], told["largest"]] == [0, 50, 3]


def test_trimming_and_bounds_hold_together() -> None:
    frame = pd.DataFrame({"a": ["x"] * 4 + ["y"] * 4, "d": [1.0, 1.0, 2.0, 4.0] * 2})
    margins = {"a": {"x": 10.0, "y": 6.0}}
    found = rake(frame, margins, base="d", bounds=(0.5, 1.6), trim_at=4.2, max_iter=5000)
    ratio = found.weights / frame["d"]
    assert found.weights.max() <= 4.2 * (1 + CAPPED)
    assert 0.5 * (1 - CAPPED) <= ratio.min() <= ratio.max() <= 1.6 * (1 + CAPPED)
    assert_met(found, frame, margins)


FRAME = pd.DataFrame({"a": ["x", "x", "y"], "d": [1.0, 3.0, 2.0]})
GOOD = {"a": {"x": 6.0, "y": 2.0}}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"trim_at": 2.9}, "a=x needs weights .* outside the bounds or the trimming: loosen them, or collapse"),
        ({"trim_at": 1.4, "bounds": (0.5, 2.0)}, "trimming at 1.4 goes below the lower bound 0.5"),
        ({"trim_to_effect": 1.0}, "no trimming brings the design effect down to 1 with these margins"),
    ],
)
def test_a_trimming_that_cannot_be_is_refused_by_name(asked: dict, said: str) -> None:
    with pytest.raises(CannotWeight, match=said):
        rake(FRAME, GOOD, base="d", **asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"trim_at": 5.0, "trim_to_effect": 1.2}, "not both"),
        ({"trim_at": 0.0}, "trim_at must be a number above 0"),
        ({"trim_at": np.inf}, "trim_at must be a number above 0"),
        ({"trim_at": np.nan}, "trim_at must be a number above 0"),
        ({"trim_to_effect": 0.9}, "at least 1"),
        ({"trim_to_effect": np.inf}, "at least 1"),
    ],
)
def test_trimmings_that_make_no_sense_are_refused(asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rake(FRAME, GOOD, base="d", **asked)


def test_a_trimmed_calibration_still_names_what_it_meets() -> None:
    found = rake(FRAME, GOOD, base="d", trim_at=4.0)
    assert found.calibration.margins == (("a",),)
    assert [found.calibration.linear, found.calibration.base] == [False, "d"]
    gaps = found.tally[found.tally["quantity"] == "gap_after"]
    assert gaps["cell"].tolist() == ["x", "y"]
    assert gaps["value"].abs().max() <= MET
