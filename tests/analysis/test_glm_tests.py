"""Tests of terms and of two-way tables under a design against R's regTermTest and svychisq; the tail against quadrature.

Reference: tests/reference/estimates_designs.csv, estimates_made.csv (R 4.2.2, survey 4.1-1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import Design, Replicates, estimates, glm_test, rao_scott
from analysis.methods.glm import TAILS, DesignTest
from survey.weighting.raking import rake
from tests.analysis.samples import MADE, SCHOOLS, STYPE, WIDE, made, of_made, of_schools, schools

EXACT = 1e-8  # relative: the same algebra
STOPPED = 1e-5  # relative: R's iterations stop at a change of the deviance of 1e-8
TINY = 1e-9  # absolute: the integral's own error in a p-value
PRINTED = 1e-8  # relative: R's numbers with 11 digits or more
SADDLE = 2e-4  # relative to p: R finds the saddlepoint to its own tolerance

TESTED = {
    "gaussian": ("~meals", "~ell + meals"),
    "gaussian stype": ("~stype",),
    "logit": ("~meals", "~ell + meals"),
    "logit stype": ("~stype",),
    "poisson": ("~stype",),
}
MODELS: dict[str, dict] = {
    "gaussian": {"outcome": "api00", "predictors": ["ell", "meals", "mobility"]},
    "gaussian stype": {"outcome": "api00", "predictors": ["ell", "meals", "stype"]},
    "logit": {"outcome": "yes", "predictors": ["ell", "meals"], "family": "binomial"},
    "logit stype": {"outcome": "yes", "predictors": ["ell", "meals", "stype"], "family": "binomial"},
    "poisson": {"outcome": "api.stu", "predictors": ["ell", "meals", "stype"], "family": "poisson"},
}
IN_R = [(s, m, t) for s in ("apistrat", "clus1") for m in MODELS for t in TESTED[m]]
IN_R += [(s, m, t) for s in ("clus2", "strclus") for m in ("gaussian", "gaussian stype") for t in TESTED[m]]


@pytest.fixture(scope="module")
def frames(shared_data: Callable[[str], Path]) -> dict[str, pd.DataFrame]:
    return schools(shared_data)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return made()


def terms_of(label: str) -> list[str]:
    return label.removeprefix("~").split(" + ")


def assert_test(found: DesignTest, expected: pd.Series, statistic: str, tolerance: float) -> None:
    assert found.statistic == pytest.approx(expected[statistic], rel=tolerance)
    assert found.df_den == pytest.approx(expected["ddf"], rel=tolerance)
    assert found.df_num == pytest.approx(expected.get("df", expected.get("ndf")), rel=tolerance)
    p = expected.get("p exact", expected["p"])
    assert found.p_value == pytest.approx(p, rel=100 * tolerance, abs=TINY)
    assert found.tidy().iloc[-1][["statistic", "estimate"]].tolist() == ["p_value", found.p_value]


@pytest.mark.parametrize(("sample", "model", "label"), IN_R)
def test_wald(frames: dict[str, pd.DataFrame], sample: str, model: str, label: str) -> None:
    found = glm_test(frames[sample], terms=terms_of(label), design=SCHOOLS[sample], **MODELS[model])
    expected = of_schools(sample, f"{model} wald {label}")["estimate"]
    assert_test(found, expected, "F", EXACT if "gaussian" in model else 10 * STOPPED)
    assert found.tidy()["term"].unique().tolist() == ["+".join(terms_of(label))]


@pytest.mark.parametrize(("sample", "model", "label"), [one for one in IN_R if "gaussian" not in one[1]])
def test_likelihood_ratio(frames: dict[str, pd.DataFrame], sample: str, model: str, label: str) -> None:
    """By the integral as by quadrature in R; by the saddlepoint as R's survey has it."""
    asked = {"terms": terms_of(label), "design": SCHOOLS[sample], "method": "likelihood_ratio"} | MODELS[model]
    expected = of_schools(sample, f"{model} lrt {label}")["estimate"]
    found = glm_test(frames[sample], **asked)
    assert_test(found, expected, "2logLR", 10 * STOPPED)
    rough = glm_test(frames[sample], tail="saddlepoint", **asked)
    assert rough.p_value == pytest.approx(expected["p"], rel=100 * STOPPED, abs=TINY)
    assert rough.statistic == found.statistic


@pytest.mark.parametrize(("model", "family", "outcome"), [("gaussian", "gaussian", "y"), ("logit", "binomial", "z")])
@pytest.mark.parametrize("name", MADE)
def test_wald_of_made_data(frame: pd.DataFrame, name: str, model: str, family: str, outcome: str) -> None:
    asked = {"outcome": outcome, "predictors": ["x", "group"], "family": family, "design": MADE[name]}
    found = glm_test(frame, terms="group", **asked)
    expected = of_made(f"{name}: {model} wald ~group")["estimate"]
    assert_test(found, expected, "F", EXACT if family == "gaussian" else STOPPED)


def test_the_smaller_model_has_the_rows_and_the_design_of_the_larger(frame: pd.DataFrame) -> None:
    """A missing value in the tested predictor, a stratum that then keeps one cluster, weights that fractions tell."""
    holed = frame.assign(x=frame["x"].mask(frame["psu"] == 6))
    design = replace(MADE["fpc1"], weights=None, lonely="refuse")
    told = 1 / (frame.groupby("stratum")["psu"].transform("nunique") / frame["fpc1"])
    asked = {"outcome": "z", "predictors": ["x", "group"], "terms": "x", "family": "binomial"}
    asked["method"] = "likelihood_ratio"
    found = glm_test(holed, design=design, **asked)
    same = glm_test(holed.assign(w=told), design=replace(design, weights="w"), **asked)
    assert found.statistic == pytest.approx(same.statistic, rel=EXACT)
    assert found.tidy()["n"].unique().tolist() == [int(holed["x"].notna().sum())]


def test_rows_that_miss_a_tested_predictor_are_in_neither_model(frame: pd.DataFrame) -> None:
    """Without a design they change nothing but the errors' n / (n - 1), which the statistic is divided by."""
    holed = frame.assign(x=frame["x"].mask(frame["psu"] < 9))
    rest, asked = holed.dropna(subset="x"), {"outcome": "z", "predictors": ["x", "group"], "terms": "x"}
    asked |= {"family": "binomial", "method": "likelihood_ratio"}
    one, two = (glm_test(f, **asked).statistic * len(f) / (len(f) - 1) for f in (holed, rest))
    assert one == pytest.approx(two, rel=EXACT)


def test_one_weight_has_the_tail_of_students_t_and_equal_weights_that_of_f() -> None:
    for value in (0.1, 1.0, 4.0, 9.0):
        assert TAILS["integral"](value, np.ones(1), 17.0) == pytest.approx(stats.f.sf(value, 1, 17), abs=TINY)
        assert TAILS["integral"](3 * value, np.ones(3), 9.0) == pytest.approx(stats.f.sf(value, 3, 9), abs=TINY)


def test_the_tail_of_unequal_weights_by_simulation() -> None:
    random, weights = np.random.default_rng(11), np.array([1.7, 0.8, 0.5])
    sums = random.chisquare(1, (400_000, 3)) @ weights
    ratio = sums / (random.chisquare(12, 400_000) / 12)
    for value in (1.0, 3.0, 9.0):
        seen, exact = (ratio > value).mean(), TAILS["integral"](value, weights, 12.0)
        assert abs(seen - exact) < 5 * np.sqrt(exact * (1 - exact) / 400_000)  # five Monte Carlo errors
        assert TAILS["saddlepoint"](value, weights, 12.0) == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("sample", ["apistrat", "clus1", "strclus"])
def test_rao_scott(frames: dict[str, pd.DataFrame], sample: str) -> None:
    found = rao_scott(frames[sample], rows="sch.wide", columns="stype", design=SCHOOLS[sample])
    assert_test(found, of_schools(sample, "chisq F")["estimate"], "F", EXACT)
    numbers = found.tidy().set_index("statistic")["estimate"]
    assert numbers["chisq"] == pytest.approx(of_schools(sample, "chisq Chisq").at["X2", "estimate"], rel=EXACT)
    turned = rao_scott(frames[sample], rows="stype", columns="sch.wide", design=SCHOOLS[sample])
    assert turned.p_value == pytest.approx(found.p_value, rel=EXACT)


@pytest.mark.parametrize("name", ["no fpc", "fpc1"])
def test_rao_scott_of_made_data(frame: pd.DataFrame, name: str) -> None:
    found = rao_scott(frame, rows="group", columns="z", design=MADE[name])
    assert_test(found, of_made(f"{name}: chisq F")["estimate"], "F", EXACT)


def test_rao_scott_keeps_rows_with_a_missing_value_in_the_design(frames: dict[str, pd.DataFrame]) -> None:
    """R: svychisq(~t + stype), t = comp.imp with every seventh missing; R counts their clusters in ddf, we do not."""
    frame = frames["apistrat"]
    holed = frame.assign(t=frame["comp.imp"].mask((np.arange(len(frame)) + 1) % 7 == 0))
    found = rao_scott(holed, rows="t", columns="stype", design=SCHOOLS["apistrat"])
    assert found.statistic == pytest.approx(12.2512301439, rel=PRINTED)
    assert found.df_num == pytest.approx(1.88782555337, rel=PRINTED)
    assert found.df_den == pytest.approx(1.88782555337 * (172 - 3), rel=PRINTED)
    assert found.tidy()["n"].unique().tolist() == [172]


def test_rao_scott_of_a_raked_design(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["apistrat"]
    raked = rake(frame, {"stype": STYPE, "sch.wide": WIDE}, base="pw", tol=1e-12)
    design = replace(SCHOOLS["apistrat"], weights="raked", calibration=raked.calibration)
    found = rao_scott(frame.assign(raked=raked.weights), rows="comp.imp", columns="stype", design=design)
    assert found.statistic == pytest.approx(13.1906861663, rel=1e-7)
    assert [found.df_num, found.df_den] == pytest.approx([1.83371732921, 361.242313854], rel=1e-7)


def test_quantiles_of_a_raked_design(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["apistrat"]
    raked = rake(frame, {"stype": STYPE, "sch.wide": WIDE}, base="pw", tol=1e-12)
    design = replace(SCHOOLS["apistrat"], weights="raked", calibration=raked.calibration)
    asked = {"variables": "api00", "statistic": "quantile", "q": (0.25, 0.5), "design": design}
    rows = estimates(frame.assign(raked=raked.weights), **asked).tidy()
    assert rows["estimate"].tolist() == [565, 668]
    np.testing.assert_allclose(rows["std_error"], [14.7052929945, 13.1840557882], rtol=PRINTED)
    assert rows.loc[0, ["conf_low", "conf_high"]].tolist() == [539, 597]


def test_tests_and_quantiles_under_replicate_weights(frame: pd.DataFrame) -> None:
    """R: svychisq(~group + z), svyquantile(~y, interval.type = "quantile") on svrepdesign of rows with y, mse = FALSE."""
    whole, rscales = frame.dropna(subset="y"), of_made("jkn rscales")["estimate"]
    for name, prefix, scale, factors, f, error in (
        ("JKn", "k", 1.0, tuple(rscales), 2.1956163014169, [0.8927534219697, 1.9342160583714]),
        ("BRR", "b", 1 / 16, (1.0,) * 16, 1.726204179332, [0.9182351873975, 1.5492498184605]),
    ):
        columns = tuple(f"{prefix}{r}" for r in range(1, len(factors) + 1))
        design = Design(weights="w", replicates=Replicates(columns, scale, factors, "mean"))
        found = rao_scott(whole, rows="group", columns="z", design=design)
        assert found.statistic == pytest.approx(f, rel=PRINTED), name
        assert found.df_den / found.df_num == pytest.approx(12, rel=EXACT)
        rows = estimates(whole, variables="y", statistic="quantile", q=(0.25, 0.5), design=design).tidy()
        np.testing.assert_allclose(rows["std_error"], error, rtol=PRINTED)
        reach = (rows["conf_high"] - rows["estimate"]) / rows["std_error"]
        np.testing.assert_allclose(reach, stats.t.ppf(0.975, 12), rtol=EXACT)


def test_the_quantile_under_replicates_takes_its_centre(frame: pd.DataFrame) -> None:
    """R, mse = TRUE."""
    whole, rscales = frame.dropna(subset="y"), of_made("jkn rscales")["estimate"]
    given = Replicates(tuple(f"k{r}" for r in rscales.index), 1.0, tuple(rscales))
    asked = {"variables": "y", "statistic": "quantile", "q": 0.5}
    row = estimates(whole, design=Design(weights="w", replicates=given), **asked).tidy().loc[0]
    assert row["std_error"] == pytest.approx(1.9578432932057, rel=PRINTED)


REFUSED = [
    ({"terms": "gone"}, r"terms to be tested must be predictors; not among them: \['gone'\]"),
    ({"terms": []}, "terms to be tested must be predictors"),
    ({"method": "score"}, "method must be one of wald, likelihood_ratio"),
    ({"method": "likelihood_ratio", "family": "gaussian"}, "a gaussian model is tested by wald"),
    ({"tail": "saddlepoint"}, "tail.* is for the likelihood ratio alone"),
    ({"method": "likelihood_ratio", "tail": "normal"}, "tail must be one of integral, saddlepoint"),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_tests_that_cannot_be_are_refused_in_words(frame: pd.DataFrame, asked: dict, said: str) -> None:
    plain = {"outcome": "z", "predictors": ["x", "group"], "terms": "x", "family": "binomial"}
    with pytest.raises(ValueError, match=said):
        glm_test(frame, **(plain | asked))


def test_rao_scott_refuses_in_words(frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="knows the first stage alone: leave the later stages"):
        rao_scott(frame, rows="group", columns="z", design=MADE["fpc2"])
    with pytest.raises(ValueError, match="'one' has fewer than two values"):
        rao_scott(frame.assign(one=1), rows="group", columns="one", design=MADE["fpc1"])
    with pytest.raises(ValueError, match=r"does not have.*gone"):
        rao_scott(frame, rows="group", columns="gone")
