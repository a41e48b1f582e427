"""Three designs, lonely clusters, replicate weights, calibrated weights and many tests at once on made data, against R's survey.

Reference: tests/reference/estimates_made.R and .csv (R 4.2.2, survey 4.1-1); the data lie beside them and are wholly synthetic.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import Design, Replicates, contrast, estimates
from analysis.methods.estimates import share_interval
from analysis.methods.multiplicity import adjust_p
from survey.weighting.cells import Weighted, kish_effect
from survey.weighting.linear import calibrate
from survey.weighting.raking import poststratify, rake
from tests.analysis.samples import MADE, assert_agrees, made, named, of_made

EXACT = 1e-10  # relative: the same arithmetic as R's, in another order
RAKED = 1e-7  # relative: R removes margins in sweeps that stop, and its rake stops at 1e-10
NOUGHT = 1e-8  # of the estimate: the error of a total that the weights meet, the root of a difference of equal numbers
ROUNDED = 1e-12  # R's p.adjust and prop.test, fifteen digits printed
LIMITS = ("estimate", "std_error", "conf_low", "conf_high")
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)

CASES: dict[str, dict] = {
    "plain mean": {"variables": "y"},
    "plain total": {"variables": "x", "statistic": "total"},
    "plain ratio": {"variables": "y", "statistic": "ratio", "denominator": "x"},
    "plain by group": {"variables": "y", "by": {"group": "group"}},
    "total": {"variables": "y", "statistic": "total"},
    "proportion": {"variables": "z"},
    "shares": {"variables": "group", "statistic": "proportion"},
    "total by group": {"variables": "x", "statistic": "total", "by": {"group": "group"}},
    "proportion by group": {"variables": "z", "by": {"group": "group"}},
    "by group and county": {"variables": "y", "by": {"group": "group", "region": "county"}},
}
FOUR = ("plain mean", "plain total", "plain ratio", "plain by group")
GROUPS = {"a": 1650, "b": 1000, "c": 850}
COUNTIES = {"c1": 650, "c2": 1300, "c3": 950, "c4": 600}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return made()


def asked(frame: pd.DataFrame, design: Design, case: str) -> pd.DataFrame:
    rows = named(estimates(frame, design=design, **CASES[case]).tidy())
    return rows.set_index(pd.Index(["y/x"])) if case == "plain ratio" else rows


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", MADE)
def test_three_designs(frame: pd.DataFrame, name: str, case: str) -> None:
    assert_agrees(asked(frame, MADE[name], case), of_made(f"{name}: {case}"), EXACT)


@pytest.mark.parametrize("name", MADE)
def test_differences_and_intervals(frame: pd.DataFrame, name: str) -> None:
    waves = estimates(frame, variables="x", by="wave", design=MADE[name])
    change = contrast(waves, [({"wave": 2}, {"wave": 1})]).tidy().set_index("wave")
    assert_agrees(change, of_made(f"{name}: change"), EXACT)
    groups = estimates(frame, variables="z", by={"group": "group"}, design=MADE[name])
    difference = contrast(groups, [({"group": "a"}, {"group": "b"})]).tidy().set_index("group")
    assert_agrees(difference, of_made(f"{name}: contrast"), EXACT)
    assert_agrees(asked(frame, MADE[name], "plain mean"), of_made(f"{name}: confint"), EXACT, LIMITS)
    share = asked(frame, MADE[name], "proportion")
    assert_agrees(share, of_made(f"{name}: proportion mean"), EXACT, LIMITS)


@pytest.mark.parametrize("name", MADE)
def test_quantiles(frame: pd.DataFrame, name: str) -> None:
    found = estimates(frame, variables=["y", "x"], statistic="quantile", q=LEVELS, design=MADE[name])
    assert_agrees(named(found.tidy()), of_made(f"{name}: quantile math"), EXACT, LIMITS)


@pytest.mark.parametrize("lonely", ["adjust", "certainty"])
@pytest.mark.parametrize("name", ["no fpc", "fpc1"])
def test_a_stratum_that_kept_one_cluster(frame: pd.DataFrame, name: str, lonely: str) -> None:
    left = frame[frame["psu"] != of_made("lonely")["estimate"].item()]
    for case in FOUR:
        found = asked(left, replace(MADE[name], lonely=lonely), case)
        assert_agrees(found, of_made(f"{name}: lonely {lonely} {case[6:]}"), EXACT)
    with pytest.raises(ValueError, match=r"1 of 12 strata have one cluster.*lay each together"):
        asked(left, replace(MADE[name], lonely="refuse"), "plain mean")


def test_a_lonely_cluster_that_is_the_whole_stratum_is_not_refused() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 9.0], "s": list("aaab"), "n": [9, 9, 9, 1]})
    row = estimates(frame, variables="y", design=Design(strata="s", fpc="n", lonely="refuse")).tidy().loc[0]
    assert row["status"] == "ok"


@pytest.mark.parametrize("mse", ["TRUE", "FALSE"])
@pytest.mark.parametrize(("name", "prefix"), [("BRR", "b"), ("JKn", "k"), ("bootstrap", "s")])
def test_replicate_weights_that_somebody_else_made(frame: pd.DataFrame, name: str, prefix: str, mse: str) -> None:
    design = replicated(name, prefix, "estimate" if mse == "TRUE" else "mean")
    for case in FOUR:
        assert_agrees(asked(frame, design, case), of_made(f"{name}, mse={mse}: {case[6:]}"), EXACT)
    df = of_made(f"{name}, mse={mse}: mean")["df"].tolist()
    assert estimates(frame, variables="y", design=design).df.tolist() == df


def replicated(name: str, prefix: str, centre: str) -> Design:
    scale, rscales = of_made(f"{name} scale")["estimate"].item(), of_made(f"{name.lower()} rscales")["estimate"]
    columns = tuple(f"{prefix}{r}" for r in rscales.index)
    return Design(weights="w", replicates=Replicates(columns, float(scale), tuple(rscales), centre))


def test_a_replicate_that_counts_nothing_does_not_move_the_mean_of_the_others(frame: pd.DataFrame) -> None:
    columns = tuple(f"k{r}" for r in range(1, 25))
    with_it = Replicates((*columns, "b1"), 1.0, (0.5,) * 24 + (0.0,), "mean")
    without = Replicates(columns, 1.0, (0.5,) * 24, "mean")
    one, two = (asked(frame, Design(weights="w", replicates=r), "plain ratio") for r in (with_it, without))
    assert_agrees(one, two, EXACT)


def test_names_of_replicate_columns_alone_are_a_brr(frame: pd.DataFrame) -> None:
    design = Design(weights="w", replicates=tuple(f"b{r}" for r in range(1, 17)))
    assert_agrees(asked(frame, design, "plain mean"), of_made("BRR, mse=TRUE: mean"), EXACT)


def test_differences_under_replicates_by_hand(frame: pd.DataFrame) -> None:
    result = estimates(frame, variables="x", by="wave", design=replicated("JKn", "k", "estimate"))
    row = contrast(result, [({"wave": 2}, {"wave": 1})]).tidy().loc[0]
    factors = of_made("jkn rscales")["estimate"].to_numpy()
    deviations = [change_of(frame, f"k{r}") - change_of(frame, "w") for r in range(1, 25)]
    assert row["estimate"] == pytest.approx(change_of(frame, "w"), rel=EXACT)
    assert row["std_error"] == pytest.approx(np.sqrt((factors * np.square(deviations)).sum()), rel=EXACT)


def change_of(frame: pd.DataFrame, weights: str) -> float:
    one, two = (frame[frame["wave"] == k] for k in (1, 2))
    return float(np.average(two["x"], weights=two[weights]) - np.average(one["x"], weights=one[weights]))


CALIBRATED = {
    "raked": lambda f: rake(f, {"group": GROUPS, "county": COUNTIES}, base="w", tol=1e-12),
    "poststratified": lambda f: poststratify(f, "group", GROUPS, base="w"),
    "calibrated": lambda f: calibrate(f, totals={"x": 27500}, margins={"group": GROUPS}, base="w", tol=1e-12),
}


@pytest.mark.parametrize("how", CALIBRATED)
@pytest.mark.parametrize("name", ["no fpc", "fpc2"])
def test_calibrated_weights_of_unequal_starting_weights(frame: pd.DataFrame, name: str, how: str) -> None:
    found: Weighted = CALIBRATED[how](frame)
    limits = [found.weights.min(), found.weights.max(), found.weights.sum()]
    theirs = of_made(f"{name}: {how} weights")["estimate"]
    np.testing.assert_allclose(limits, theirs[["min", "max", "sum"]], rtol=RAKED)
    design = replace(MADE[name], weights="new", calibration=found.calibration)
    for case in FOUR:
        rows = asked(frame.assign(new=found.weights), design, case)
        assert_agrees(rows, of_made(f"{name}: {how} {case[6:]}"), RAKED, nought=NOUGHT)


def test_adjusted_p_values_are_rs() -> None:
    p = of_made("p-values")["estimate"].to_numpy()
    for method, case in (("holm", "holm"), ("bh", "BH")):
        np.testing.assert_allclose(adjust_p(p, method), of_made(case)["estimate"], rtol=ROUNDED)
    assert adjust_p(p, "none").tolist() == p.tolist()
    holed = adjust_p([0.01, np.nan, 0.04], "holm")
    np.testing.assert_allclose(holed, [0.02, np.nan, 0.04], rtol=ROUNDED)


@pytest.mark.parametrize(("adjust", "statistic"), [("none", "p_value"), ("holm", "p_holm"), ("bh", "p_bh")])
def test_contrast_adjusts_the_tests_that_could_be_made(frame: pd.DataFrame, adjust: str, statistic: str) -> None:
    result = estimates(frame.assign(gone=np.nan), variables=["y", "gone"], by="county", design=MADE["fpc1"])
    pairs = [(0, 1), (0, 2), (4, 5), (1, 3), (2, 3)]  # rows 4 and 5 have no values
    rows = contrast(result, pairs, adjust=adjust).tidy()
    differences, tests = rows[rows["statistic"] == "difference"], rows[rows["statistic"] == statistic]
    assert len(rows) == len(differences) + len(tests)
    assert tests["status"].tolist() == ["ok", "ok", "not_estimable", "ok", "ok"]
    df = contrast(result, pairs).df
    plain = 2 * stats.t.sf(np.abs(differences["estimate"] / differences["std_error"]), df)
    np.testing.assert_allclose(tests["estimate"], adjust_p(plain, adjust), rtol=EXACT)


@pytest.mark.parametrize("adjust", ["bonferroni", "BH", ""])
def test_an_unknown_adjustment_is_refused(adjust: str) -> None:
    result = estimates(pd.DataFrame({"a": [1.0, 2.0], "b": [2.0, 5.0]}), variables=["a", "b"])
    with pytest.raises(ValueError, match="none, holm, bh"):
        contrast(result, [(0, 1)], adjust=adjust)


def test_quantiles_have_no_difference_here() -> None:
    result = estimates(pd.DataFrame({"a": [1.0, 2.0, 4.0]}), variables="a", statistic="quantile", q=(0.2, 0.5))
    with pytest.raises(ValueError, match="no covariance"):
        contrast(result, [(0, 1)])
    with pytest.raises(ValueError, match="no covariance"):
        _ = result.covariance


def test_kish() -> None:
    weights = np.repeat([1.0, 2.0, 5.0], [50, 30, 20])
    assert kish_effect(weights) == pytest.approx(of_made("kish").at["effect", "estimate"], rel=ROUNDED)
    frame = pd.DataFrame({"y": np.arange(100.0), "w": weights})
    row = estimates(frame, variables="y", design=Design(weights="w")).tidy().loc[0]
    assert row["n_eff"] == pytest.approx(of_made("kish").at["n_eff", "estimate"], rel=ROUNDED)


def test_wilson() -> None:
    """R's prop.test has the normal quantile where ours has Student's, so its quantile is given."""
    for case, row in of_made("wilson").iterrows():
        k, n = map(int, str(case).split("/"))
        p = np.array([k / n])
        low, high = share_interval(
            p, np.sqrt(p * (1 - p) / (n - 1)), np.array([n]), np.array([n]), stats.norm.ppf([0.975])
        )
        np.testing.assert_allclose([*low, *high], row[["conf_low", "conf_high"]].to_numpy(float), atol=ROUNDED)
