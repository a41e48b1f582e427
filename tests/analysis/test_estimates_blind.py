"""What a sample cannot tell: errors from one cluster, of constants, of other rows than those that were weighted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey
from analysis import Design, Replicates, contrast, estimates, glm, rao_scott

TOTALS = {"a": {0: 300.0, 1: 300.0}}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"c": np.repeat(np.arange(12), 10), "a": rng.integers(0, 2, 120), "y": rng.normal(3, 1, 120)})
    return rows.assign(d=np.where(rows["c"] < 1, "one", np.where(rows["c"] < 4, "few", "many")), z=rows["y"] > 3)


@pytest.mark.parametrize("method", ["bootstrap", "jackknife"])
@pytest.mark.parametrize("statistic", ["mean", "proportion"])
def test_a_domain_within_one_cluster_has_no_error_under_replicates_either(
    frame: pd.DataFrame, method: str, statistic: str
) -> None:
    raked = survey.rake(frame, TOTALS)
    made = survey.replicate(frame, [survey.Raking(TOTALS)], cluster="c", method=method)
    whole = pd.concat([frame.assign(w=raked.weights), made.weights], axis=1)
    design = Design(weights="w", replicates=Replicates(**made.design))
    variable = "y" if statistic == "mean" else "z"
    result = estimates(whole, variables=variable, statistic=statistic, by={"group": "d"}, design=design)
    table = result.tidy().assign(df=result.df).set_index("group")
    assert table.loc["one", ["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    assert (table.loc[["few", "many"], "std_error"] > 1e-3).all()
    # three clusters have two degrees of freedom, whatever the rank of raked weights
    assert set(np.atleast_1d(table.loc["few", "df"])) == {2.0}


def test_a_perfect_association_is_refused_not_called_chance() -> None:
    both = pd.DataFrame({"a": [0] * 40 + [1] * 40, "b": [0] * 40 + [1] * 40})
    with pytest.raises(ValueError, match="one answer gives the other away"):
        rao_scott(both, rows="a", columns="b")
    assert rao_scott(both.assign(b=[*both["b"][:-1], 0]), rows="a", columns="b").p_value < 1e-10


def test_a_calibration_is_not_taken_for_other_rows(frame: pd.DataFrame) -> None:
    raked = survey.rake(frame, TOTALS)
    whole = frame.assign(w=raked.weights)
    design = Design(weights="w", calibration=raked.calibration)
    inside = estimates(whole, variables="y", by={"group": "d"}, design=design).tidy()
    assert inside.query("group == 'many'")["std_error"].iloc[0] > 0
    with pytest.raises(ValueError, match=r"do not meet the calibration.*cut it by a column \(by=\)"):
        estimates(whole[whole["y"] > 3], variables="y", design=design)
    with pytest.raises(ValueError, match="do not meet the calibration"):
        estimates(whole.assign(w=1.0 + whole["a"]), variables="y", design=design)
    # in another unit they still meet it
    scaled = estimates(whole.assign(w=whole["w"] / 600), variables="y", design=design).tidy()
    assert scaled["std_error"].iloc[0] > 0


def test_linear_weights_meet_the_number_of_people_too(frame: pd.DataFrame) -> None:
    found = survey.calibrate(frame, totals={"(Intercept)": 600, "y": 1800})
    design = Design(weights="w", calibration=found.calibration)
    size = estimates(frame.assign(w=found.weights, one=1.0), variables="one", statistic="total", design=design).tidy()
    assert size["std_error"].iloc[0] < 1e-4
    assert size["estimate"].iloc[0] == pytest.approx(600)


def test_the_difference_of_two_constants_has_no_p_value() -> None:
    frame = pd.DataFrame({"g": list("aaaaabbbbb"), "y": [1.0] * 5 + [0.0] * 5})
    result = estimates(frame, variables="y", by={"group": "g"})
    told = contrast(result, [(0, 1)], adjust="none").tidy()
    assert set(told["status"]) == {"not_estimable"}


def test_a_level_within_one_cluster_is_refused_in_a_model(frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="d=one lies in one cluster"):
        glm(frame, outcome="y", predictors="d", design=Design(cluster="c"))


def test_categories_are_held_against_their_own_first() -> None:
    rng = np.random.default_rng(1)
    level = pd.Categorical(rng.choice(["low", "mid", "high"], 90), categories=["low", "mid", "high"])
    fit = glm(pd.DataFrame({"y": rng.normal(size=90), "q": level}), outcome="y", predictors="q")
    assert set(fit.tidy()["term"]) == {"(Intercept)", "q=mid", "q=high"}


def test_replicates_start_where_raking_starts(frame: pd.DataFrame) -> None:
    """Bounds are limits of weight / base, and without a base that is total / rows, as for `rake`."""
    bounds = (0.5, 2.0)
    survey.rake(frame, TOTALS, bounds=bounds)
    made = survey.replicate(frame, [survey.Raking(TOTALS, bounds=bounds)], cluster="c", replicates=20)
    for column in made.weights:
        sums = made.weights[column].groupby(frame["a"]).sum()
        assert sums.to_dict() == pytest.approx(TOTALS["a"], rel=1e-7)


@pytest.mark.parametrize("column", [pd.Series([1.0, 2.0] * 6), pd.Series([True, False] * 6)])
def test_numbers_meet_targets_of_their_value(column: pd.Series) -> None:
    targets = {1: 60.0, 2: 40.0} if column.dtype.kind == "f" else {1: 60.0, 0: 40.0}
    weights = survey.rake(pd.DataFrame({"k": column}), {"k": targets}).weights
    assert weights.groupby(column).sum().sort_values().tolist() == pytest.approx([40, 60])


def test_text_against_numbers_is_told_as_what_it_is() -> None:
    people = pd.DataFrame({"k": ["1", "2"] * 6})
    with pytest.raises(survey.CannotWeight, match=r"answers hold str \(1\), the targets int \(1\)"):
        survey.rake(people, {"k": {1: 60, 2: 40}})
