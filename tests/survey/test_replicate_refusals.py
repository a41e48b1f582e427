"""Replicate weights that cannot be, or options that would change nothing, are refused in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey.weighting.cells import CannotWeight
from survey.weighting.replicates import Calibrating, Raking, Responding, replicate

GOOD = {"a": {"x": 30.0, "y": 30.0}}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    frame = pd.DataFrame({"a": list("xy") * 30, "s": np.repeat([1, 2], 30), "own": range(60), "d": 1.0})
    frame = frame.assign(minus=-1.0, word="w", hole=frame["s"].where(frame["own"] > 0), f=0.2, nothing=0.0)
    frame = frame.assign(whole=1.0, uneven=np.linspace(0, 0.9, 60), v=np.resize([-1.0, 0.0, 1.0], 60))
    here = frame["own"] % 4 > 0
    return frame.assign(here=here, all=True, unsaid=here.astype(object).where(frame["own"] > 0))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "brr"}, "method must be one of bootstrap, jackknife; seen 'brr'"),
        ({"method": "jackknife", "replicates": 50}, "one replicate a cluster and draws nothing"),
        ({"method": "jackknife", "seed": 0}, "one replicate a cluster and draws nothing"),
        ({"replicates": 1}, "at least 2 replicates; seen 1"),
        ({"strata": "gone"}, "no column 'gone'"),
        ({"cluster": "gone"}, "no column 'gone'"),
        ({"base": "gone"}, "no column 'gone'"),
        ({"fraction": "gone"}, "no column 'gone'"),
        ({"base": "word"}, "'word' must hold numbers"),
        ({"base": "minus"}, "base weights in minus are missing or below zero"),
        ({"strata": "hole"}, "'hole' is missing in 1 rows"),
        ({"fraction": "whole"}, "from 0 to below 1"),
        ({"fraction": "hole"}, "from 0 to below 1"),
        ({"fraction": "uneven", "strata": "s"}, "uneven must be one number in each stratum"),
        ({"fraction": "nothing"}, "nothing is 0 everywhere and changes nothing"),
        ({"strata": "own"}, "every stratum has one cluster: nothing can be resampled"),
        ({"strata": "own", "method": "jackknife"}, "every stratum has one cluster: nothing can be resampled"),
    ],
)
def test_options_that_make_no_sense(frame: pd.DataFrame, asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replicate(frame, [Raking(GOOD)], **asked)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Raking({}), "at least one margin"),
        (Raking(GOOD, bounds=(2, 1)), "low < high"),
        (Raking(GOOD, bounds=(0, np.inf)), "change nothing"),
        (Raking(GOOD, trim_at=0), "trim_at must be a number above 0"),
        (Raking(GOOD, tol=0), "tol must be above 0"),
        (Raking({"gone": {"x": 1.0}}), "no column"),
        (Raking(GOOD | {"s": {1: 30.0, 2: 31.0}}), "different totals"),
        (Raking({"a": {"x": 30.0}}), "answers without a target"),
        (Calibrating(), "needs totals or margins"),
        (Calibrating(margins=GOOD, bounds=(0, np.inf)), "change nothing"),
        (Calibrating(margins=GOOD, max_iter=0), "max_iter at least 1"),
        (Calibrating(totals={"word": 3.0}), "total of word: it holds no numbers"),
        (Responding("gone", ("a",)), "no column 'gone' that says who answered"),
        (Responding("unsaid", ("a",)), "1 rows do not say whether they answered"),
        (Responding("all", ("a",)), "everybody answered, or nobody"),
        (Responding("here", ("gone",)), "classes need columns"),
        (Responding("here", ()), "classes need columns"),
    ],
)
def test_steps_that_make_no_sense(frame: pd.DataFrame, step: Raking | Calibrating | Responding, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replicate(frame, [step], replicates=10)


def test_calibrated_weights_below_zero_are_refused_with_what_to_do(frame: pd.DataFrame) -> None:
    far = Calibrating(totals={"v": 55.0}, margins={"a": {"x": 30.0, "y": 30.0}})
    with pytest.raises(CannotWeight, match="weights would be below zero: give bounds such as"):
        replicate(frame, [far], replicates=10)


def test_a_jackknife_of_too_many_clusters_points_to_the_bootstrap() -> None:
    frame = pd.DataFrame({"d": np.ones(2001)})
    with pytest.raises(ValueError, match="2001 sets of weights; name clusters, or use the bootstrap"):
        replicate(frame, [], method="jackknife")


def test_no_answers(frame: pd.DataFrame) -> None:
    with pytest.raises(CannotWeight, match="no answers to weight"):
        replicate(frame.iloc[:0], [Raking(GOOD)])
