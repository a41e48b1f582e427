"""Replicate weights that carry the whole adjustment: they meet the margins, and their errors are the right ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import Design, Replicates, estimates
from survey.weighting.cells import CannotWeight
from survey.weighting.classes import adjust_nonresponse
from survey.weighting.linear import calibrate
from survey.weighting.raking import rake
from survey.weighting.replicates import Calibrating, Raking, ReplicateWeights, Responding, replicate
from tests.analysis.samples import SCHOOLS, STYPE, WIDE, of_schools, schools

MET = 1e-8  # margins are met to this share of their target, the step's own default
EXACT = 1e-10  # relative: the same arithmetic, in another order
DRAWS = 0.11  # relative: 3.5 Monte Carlo errors of a standard error from 500 draws, 1 / sqrt(2 * 500) each
LINEAR = 0.03  # relative: what a jackknife and a linearised error of a smooth statistic may differ by
MARGINS = {"a": {"x": 50.0, "y": 60.0, "z": 50.0}, "b": {"u": 90.0, "v": 70.0}}


def sample(n: int = 120, seed: int = 5) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": random.choice(list("xyz"), n), "b": random.choice(list("uv"), n)})
    frame = frame.assign(s=np.arange(n) * 4 // n, c=np.arange(n) // 3, d=random.uniform(1, 2, n), f=0.3)
    return frame.assign(y=random.normal(10, 3, n) + 4 * (frame["a"] == "x"), here=random.random(n) < 0.75)


def design_of(sets: ReplicateWeights, weights: str = "new") -> Design:
    return Design(weights=weights, replicates=Replicates(**sets.design))


def error(frame: pd.DataFrame, sets: ReplicateWeights, full: pd.Series, variable: str = "y") -> float:
    whole = pd.concat([frame.assign(new=full), sets.weights], axis=1)
    row = estimates(whole, variables=variable, design=design_of(sets)).tidy().loc[0]
    return float(row["std_error"])


def gaps(frame: pd.DataFrame, weights: pd.DataFrame, margins: dict = MARGINS) -> float:
    """Largest relative gap of any cell in any replicate."""
    met = [weights.groupby(frame[c]).sum().div(pd.Series(t), axis=0) - 1 for c, t in margins.items()]
    return max(float(m.abs().to_numpy().max()) for m in met)


STEPS = {
    "raked": [Raking(MARGINS)],
    "raked within bounds": [Raking(MARGINS, bounds=(0.3, 4.0), max_iter=2000)],
    "raked and trimmed": [Raking(MARGINS, trim_at=6.0, max_iter=2000)],
    "calibrated": [Calibrating(totals={"y": 1800.0}, margins=MARGINS, bounds=(0.1, 10.0))],
    "responding, then raked": [Responding("here", ("b",)), Raking(MARGINS)],
}


@pytest.mark.parametrize("method", ["bootstrap", "jackknife"])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_each_replicate_meets_the_margins(steps: list, method: str) -> None:
    frame, asked = sample(), {"replicates": 20} if method == "bootstrap" else {}
    sets = replicate(frame, steps, base="d", strata="s", cluster="c", method=method, **asked)
    assert gaps(frame, sets.weights) <= MET
    assert (sets.weights >= 0).all(axis=None)
    if isinstance(steps[0], Responding):
        assert (sets.weights[~frame["here"]] == 0).all(axis=None)
    if isinstance(steps[0], Calibrating):
        np.testing.assert_allclose(sets.weights.T @ frame["y"], 1800, rtol=MET)
    if getattr(steps[-1], "trim_at", None):
        # the cap is of an answer: a row drawn twice is two
        times = replicate(frame, [], base="d", strata="s", cluster="c", method=method, **asked).weights.div(
            frame["d"], axis=0
        )
        assert (sets.weights <= 6 * times * (1 + MET)).all(axis=None)
        assert (sets.weights > 6 * times * (1 - MET)).any(axis=None) or method == "jackknife"


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_any_sample_any_seed_meets_the_margins(seed: int) -> None:
    frame = sample(150, seed)
    sets = replicate(frame, [Raking(MARGINS)], base="d", strata="s", replicates=6, seed=seed)
    assert gaps(frame, sets.weights) <= MET


def test_a_step_does_what_its_verb_does() -> None:
    """A replicate in which every cluster stays as it is would be the full-sample weights: apply the step to them."""
    frame = sample()
    start = frame[["d"]].to_numpy()
    raked = Raking(MARGINS).prepare(frame)(start)[:, 0]
    np.testing.assert_allclose(raked, rake(frame, MARGINS, base="d").weights, rtol=MET)
    trimmed = Raking(MARGINS, trim_at=2.2, max_iter=2000).prepare(frame)(start)[:, 0]
    np.testing.assert_allclose(trimmed, rake(frame, MARGINS, base="d", trim_at=2.2, max_iter=2000).weights, rtol=1e-6)
    linear = Calibrating(totals={"y": 1800.0}, margins=MARGINS).prepare(frame)(start)[:, 0]
    np.testing.assert_allclose(
        linear, calibrate(frame, totals={"y": 1800}, margins=MARGINS, base="d").weights, rtol=MET
    )
    answered = Responding("here", ("b",)).prepare(frame)(start)[:, 0]
    expected = adjust_nonresponse(frame, answered="here", classes="b", base="d").weights
    np.testing.assert_allclose(answered[frame["here"]], expected, rtol=EXACT)


def test_the_jackknife_by_hand() -> None:
    """Strata of 3 and 2 clusters: the others of the stratum weigh 3/2 and 2 as much; factors (n - 1) / n times 1 - f."""
    frame = pd.DataFrame({"s": list("aaabb"), "d": [1.0, 2.0, 3.0, 4.0, 5.0], "f": [0.4] * 3 + [0.0] * 2})
    sets = replicate(frame, [], base="d", strata="s", fraction="f", method="jackknife")
    expected = [[0, 3, 4.5, 4, 5], [1.5, 0, 4.5, 4, 5], [1.5, 3, 0, 4, 5], [1, 2, 3, 0, 10], [1, 2, 3, 8, 0]]
    np.testing.assert_allclose(sets.weights.to_numpy().T, expected, rtol=EXACT)
    assert sets.rscales == pytest.approx([0.4] * 3 + [0.5] * 2, rel=EXACT)
    assert sets.scale == 1
    assert sets.tally.set_index("quantity")["value"].to_dict() == {
        "replicates": 5, "clusters": 5, "strata": 2, "lonely_strata": 0, "drawn_again": 0,
    }  # fmt: skip


def test_lonely_clusters_are_left_alone_and_counted() -> None:
    frame = sample().assign(s=lambda f: f["s"].where(f["c"] > 0, 9))
    for method in ("jackknife", "bootstrap"):
        sets = replicate(frame, [], base="d", strata="s", cluster="c", method=method)
        alone = sets.weights[frame["s"] == 9]
        np.testing.assert_allclose(alone, np.tile(frame.loc[frame["s"] == 9, ["d"]], alone.shape[1]), rtol=EXACT)
        assert sets.tally.set_index("quantity").at["lonely_strata", "value"] == 1


def test_the_bootstrap_has_whole_clusters_the_right_mean_and_the_fraction() -> None:
    """9 of a stratum's 10 clusters with replacement: a factor is 1 - l + l m 10 / 9 with l = sqrt(1 - f)."""
    frame = sample()
    for fraction, moved in ((None, 1.0), ("f", np.sqrt(0.7))):
        sets = replicate(frame, [], base="d", strata="s", cluster="c", fraction=fraction, replicates=400)
        factor = sets.weights.div(frame["d"], axis=0)
        assert (factor.round(9).groupby(frame["c"]).nunique() == 1).all(axis=None)
        times = (factor - (1 - moved)) / (moved * 10 / 9)
        np.testing.assert_allclose(times, times.round(), atol=1e-9)
        drawn = times.groupby(frame["c"]).first().groupby(frame.groupby("c")["s"].first()).sum()
        np.testing.assert_allclose(drawn, 9, atol=1e-9)
        assert float(factor.to_numpy().mean()) == pytest.approx(1, rel=EXACT)
    assert [sets.scale, set(sets.rscales)] == [1 / 400, {1.0}]


@pytest.mark.parametrize("fraction", [None, "f"])
def test_the_bootstrap_of_a_plain_mean_has_the_linearised_error(fraction: str | None) -> None:
    frame = sample()
    sets = replicate(frame, [], base="d", strata="s", cluster="c", fraction=fraction)
    plain = Design(weights="d", strata="s", cluster="c", fpc=fraction)
    linear = estimates(frame, variables="y", design=plain).tidy().at[0, "std_error"]
    assert error(frame, sets, frame["d"]) == pytest.approx(linear, rel=DRAWS)


@pytest.fixture(scope="module")
def apistrat(shared_data: Callable[[str], Path]) -> pd.DataFrame:
    frame = schools(shared_data)["apistrat"]
    return frame.assign(f=frame.groupby("stype")["pw"].transform("size") / frame["fpc"])


def test_errors_of_raked_schools_are_rs(apistrat: pd.DataFrame) -> None:
    margins = {"stype": STYPE, "sch.wide": WIDE}
    raked, expected = rake(apistrat, margins, base="pw"), of_schools("apistrat", "raked mean").at["api00", "std_error"]
    asked = {"base": "pw", "strata": "stype", "fraction": "f"}
    drawn = replicate(apistrat, [Raking(margins)], **asked)
    assert error(apistrat, drawn, raked.weights, "api00") == pytest.approx(expected, rel=DRAWS)
    left_out = replicate(apistrat, [Raking(margins)], method="jackknife", **asked)
    assert error(apistrat, left_out, raked.weights, "api00") == pytest.approx(expected, rel=LINEAR)
    unadjusted = replicate(apistrat, [], **asked)
    assert error(apistrat, unadjusted, raked.weights, "api00") > expected


def test_errors_of_calibrated_schools_are_rs(apistrat: pd.DataFrame) -> None:
    total = of_schools("apistrat", "calibration totals").at["api99", "estimate"]
    asked = {"totals": {"api99": total}, "margins": {"stype": STYPE}}
    full, expected = calibrate(apistrat, base="pw", **asked), of_schools("apistrat", "calibrated mean")
    sets = replicate(apistrat, [Calibrating(**asked)], base="pw", strata="stype", fraction="f", method="jackknife")
    assert error(apistrat, sets, full.weights, "api00") == pytest.approx(expected.at["api00", "std_error"], rel=LINEAR)


def test_the_jackknife_of_an_unadjusted_stratified_sample_is_rs(apistrat: pd.DataFrame) -> None:
    sets = replicate(apistrat, [], base="pw", strata="stype", method="jackknife")
    expected = of_schools("apistrat", "JKn without fpc mean, mse=TRUE").at["api00", "std_error"]
    assert error(apistrat, sets, apistrat["pw"], "api00") == pytest.approx(expected, rel=EXACT)
    assert SCHOOLS["apistrat"].strata == "stype"


def test_a_seed_repeats_and_another_differs() -> None:
    frame, steps = sample(), [Raking(MARGINS)]
    one, two, three = (replicate(frame, steps, strata="s", replicates=30, seed=k).weights for k in (3, 3, 4))
    pd.testing.assert_frame_equal(one, two)
    assert not np.allclose(one, three)
    default = replicate(frame, steps, strata="s", replicates=30).weights
    pd.testing.assert_frame_equal(default, replicate(frame, steps, strata="s", replicates=30, seed=0).weights)


def test_a_few_resamples_without_an_answer_are_drawn_again_and_told() -> None:
    frame = pd.DataFrame({"a": ["x"] * 4 + ["y"] * 60, "d": 1.0})
    sets = replicate(frame, [Raking({"a": {"x": 10.0, "y": 50.0}})], replicates=400)
    told = sets.tally.set_index("quantity")["value"]
    assert 0 < told["drawn_again"] <= 20  # a resample leaves four out with a chance of exp(-4), one in 55
    assert gaps(frame, sets.weights, {"a": {"x": 10.0, "y": 50.0}}) <= MET
    assert sets.weights.shape == (64, 400)


def test_a_cell_that_rests_on_one_cluster_is_refused_with_the_rule() -> None:
    frame = sample().assign(k=lambda f: np.where(f["c"] == 0, "rare", "often"))
    thin = [Raking({"k": {"rare": 5.0, "often": 100.0}})]
    with pytest.raises(
        CannotWeight, match=r"more than 5% of the resamples cannot.*k=rare has no answer.*collapse it with a cell"
    ):
        replicate(frame, thin, strata="s", cluster="c", replicates=40)
    with pytest.raises(CannotWeight, match="k=rare has no answer with weight; collapse it with a cell beside it"):
        replicate(frame, thin, strata="s", cluster="c", method="jackknife")
    with pytest.raises(CannotWeight, match="class rare has no answer; collapse it"):
        replicate(frame.assign(here=frame["here"] | (frame["c"] == 0)), [Responding("here", ("k",))],
                  cluster="c", method="jackknife")  # fmt: skip
