"""Generalised linear models under a design against R's svyglm, statsmodels and hand arithmetic; what is refused.

Reference: tests/reference/estimates_designs.csv, estimates_made.csv (R 4.2.2, survey 4.1-1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analysis import Design, Replicates, glm
from survey.weighting.raking import rake
from tests.analysis.samples import (
    MADE,
    SCHOOLS,
    STYPE,
    WIDE,
    assert_agrees,
    coefficients,
    made,
    of_made,
    of_schools,
    schools,
)

EXACT = 1e-9  # relative: least squares, another algebra
STOPPED = 2e-5  # relative: R's iterations stop at a change of the deviance of 1e-8, ours go to the end
PRINTED = 1e-8  # relative: R's numbers with 12 or more digits
REFITTED = 1e-5  # relative: statsmodels' iterations again, in differences of coefficients
OPINION = 1e-7  # relative: statsmodels' iterations stop there

MODELS: dict[str, dict] = {
    "gaussian": {"outcome": "api00", "predictors": ["ell", "meals", "mobility"]},
    "gaussian stype": {"outcome": "api00", "predictors": ["ell", "meals", "stype"]},
    "logit": {"outcome": "yes", "predictors": ["ell", "meals"], "family": "binomial"},
    "logit stype": {"outcome": "yes", "predictors": ["ell", "meals", "stype"], "family": "binomial"},
    "poisson": {"outcome": "api.stu", "predictors": ["ell", "meals", "stype"], "family": "poisson"},
}
IN_R = [(s, m) for s in ("apistrat", "clus1") for m in MODELS]
IN_R += [(s, m) for s in ("clus2", "strclus") for m in ("gaussian", "gaussian stype")]


@pytest.fixture(scope="module")
def frames(shared_data: Callable[[str], Path]) -> dict[str, pd.DataFrame]:
    return schools(shared_data)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return made()


@pytest.mark.parametrize(("sample", "model"), IN_R)
def test_models_of_schools(frames: dict[str, pd.DataFrame], sample: str, model: str) -> None:
    found = glm(frames[sample], design=SCHOOLS[sample], **MODELS[model])
    expected = of_schools(sample, model)
    assert_agrees(coefficients(found.tidy()), expected, EXACT if "gaussian" in model else STOPPED)
    assert {float(found.df)} == set(expected["df"])
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), found.tidy()["std_error"], rtol=EXACT)


def test_a_poisson_model_goes_where_r_goes_with_a_strict_stop(frames: dict[str, pd.DataFrame]) -> None:
    """R: svyglm(api.stu ~ ell + meals + stype, control = list(epsilon = 1e-15, maxit = 100))."""
    found = glm(frames["apistrat"], design=SCHOOLS["apistrat"], **MODELS["poisson"]).tidy()
    estimate = [5.6626719518897266, 0.0018529429154516, 0.0029949584106417, 1.1918347283504742, 0.7034009035456412]
    std_error = [0.0711823066108220, 0.0021108101292946, 0.0015668640947385, 0.0873042351637491, 0.0788818312512633]
    np.testing.assert_allclose(found["estimate"], estimate, rtol=PRINTED)
    np.testing.assert_allclose(found["std_error"], std_error, rtol=PRINTED)


@pytest.mark.parametrize(("model", "family", "outcome"), [("gaussian", "gaussian", "y"), ("logit", "binomial", "z")])
@pytest.mark.parametrize("name", MADE)
def test_models_of_made_data(frame: pd.DataFrame, name: str, model: str, family: str, outcome: str) -> None:
    """Of y some are missing; R leaves these rows out of the model, not out of the design."""
    found = glm(frame, outcome=outcome, predictors=["x", "group"], family=family, design=MADE[name])
    expected = of_made(f"{name}: {model}")
    assert_agrees(coefficients(found.tidy()), expected, EXACT if family == "gaussian" else STOPPED)
    assert {float(found.df)} == set(expected["df"])


def test_rows_with_a_missing_value_stay_in_the_design(frames: dict[str, pd.DataFrame]) -> None:
    """R: svyglm(api00m ~ ell + meals) with every seventh api00 missing; degrees of freedom are those of the rest."""
    frame = frames["apistrat"]
    holed = frame.assign(api00=frame["api00"].mask((np.arange(len(frame)) + 1) % 7 == 0))
    found = glm(holed, outcome="api00", predictors=["ell", "meals"], design=SCHOOLS["apistrat"])
    expected = [[831.10251919869722, 9.16164949138942], [-0.49182974193437, 0.40340728656506]]
    expected += [[-3.14965890569471, 0.29484203794064]]
    np.testing.assert_allclose(found.tidy()[["estimate", "std_error"]], expected, rtol=PRINTED)
    assert found.df == 167
    assert found.tidy()["n"].unique().tolist() == [172]
    weightless = frame.assign(pw=frame["pw"].where(holed["api00"].notna(), 0.0))
    same = glm(weightless, outcome="api00", predictors=["ell", "meals"], design=SCHOOLS["apistrat"])
    np.testing.assert_allclose(found.covariance, same.covariance, rtol=EXACT)
    assert found.df == same.df


def test_a_raked_design_makes_errors_smaller(frames: dict[str, pd.DataFrame]) -> None:
    """R: svyglm(api00 ~ ell + meals, rake(...)); with every seventh api00 missing, the margins are still the sample's."""
    frame = frames["apistrat"]
    raked = rake(frame, {"stype": STYPE, "sch.wide": WIDE}, base="pw", tol=1e-12)
    design = replace(SCHOOLS["apistrat"], weights="raked", calibration=raked.calibration)
    whole = frame.assign(raked=raked.weights)
    found = glm(whole, outcome="api00", predictors=["ell", "meals"], design=design).tidy()
    expected = [[823.813110924716, 8.684626749860], [-0.506557611139, 0.387639420464]]
    expected += [[-3.110304131880, 0.275711945638]]
    np.testing.assert_allclose(found[["estimate", "std_error"]], expected, rtol=PRINTED)
    holed = whole.assign(api00=whole["api00"].mask((np.arange(len(whole)) + 1) % 7 == 0))
    found = glm(holed, outcome="api00", predictors=["ell", "meals"], design=design).tidy()
    expected = [[831.06669652672872, 9.11201104130026], [-0.49271585167872, 0.40323585507485]]
    expected += [[-3.14937477957330, 0.29491715868118]]
    np.testing.assert_allclose(found[["estimate", "std_error"]], expected, rtol=PRINTED)


def test_without_weights_the_fractions_tell_them(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["apistrat"]
    frame = frame.assign(own=frame["fpc"] / frame.groupby("stype")["pw"].transform("size"))
    asked = {"outcome": "yes", "predictors": ["ell", "meals"], "family": "binomial"}
    bare = glm(frame, design=Design(strata="stype", fpc="fpc"), **asked).tidy()
    told = glm(frame, design=Design(weights="own", strata="stype", fpc="fpc"), **asked).tidy()
    pd.testing.assert_frame_equal(bare, told, rtol=EXACT)


# R: svyglm(z ~ x + group) on svrepdesign of the rows that have y; standard errors
UNDER_REPLICATES = {
    ("JKn", "k", "estimate"): [0.35474642956272, 0.03761959169079, 0.30112630291367, 0.31960706134036],
    ("JKn", "k", "mean"): [0.35472474580443, 0.03761960808196, 0.30101460988455, 0.31950149848225],
    ("BRR", "b", "estimate"): [0.4308589387356, 0.0475470400778, 0.3662870448759, 0.4071070128929],
    ("bootstrap", "s", "mean"): [0.44022787952307, 0.04843912688154, 0.42775126709110, 0.46115715739812],
}


@pytest.mark.parametrize(("name", "prefix", "centre"), UNDER_REPLICATES)
def test_replicate_weights_that_somebody_else_made(frame: pd.DataFrame, name: str, prefix: str, centre: str) -> None:
    whole, rscales = frame.dropna(subset="y"), of_made(f"{name.lower()} rscales")["estimate"]
    scale = float(of_made(f"{name} scale")["estimate"].item())
    given = Replicates(tuple(f"{prefix}{r}" for r in rscales.index), scale, tuple(rscales), centre)
    asked = {"predictors": ["x", "group"], "design": Design(weights="w", replicates=given)}
    found = glm(whole, outcome="z", family="binomial", **asked)
    np.testing.assert_allclose(found.tidy()["std_error"], UNDER_REPLICATES[name, prefix, centre], rtol=OPINION)
    assert found.df == 9


@pytest.mark.parametrize(
    ("family", "outcome", "other"),
    [("gaussian", "y", sm.families.Gaussian()), ("binomial", "z", sm.families.Binomial()),
     ("poisson", "count", sm.families.Poisson())],
)  # fmt: skip
def test_coefficients_and_replicate_errors_by_refitting(
    frame: pd.DataFrame, family: str, outcome: str, other: sm.families.Family
) -> None:
    """Second opinion: statsmodels, refitted under every set of weights; JKn's factors (n - 1) / n without fractions."""
    whole = frame.assign(count=frame["x"].round()).dropna(subset="y").reset_index(drop=True)
    columns = tuple(f"k{r}" for r in range(1, 25))
    design = Design(weights="w", replicates=Replicates(columns, scale=1.0, rscales=(0.5,) * 24))
    found = glm(whole, outcome=outcome, predictors=["x", "group"], family=family, design=design)
    if family == "poisson":
        assert found.tidy()["term"].tolist() == ["(Intercept)", "x", "group=b", "group=c"]
    x = np.column_stack([np.ones(len(whole)), whole["x"], whole["group"] == "b", whole["group"] == "c"]).astype(float)

    def fitted(weights: str) -> np.ndarray:
        return sm.GLM(whole[outcome], x, family=other, freq_weights=whole[weights]).fit(tol=1e-14).params.to_numpy()

    full = fitted("w")
    deviations = np.array([fitted(c) - full for c in columns]) * np.sqrt(0.5)
    np.testing.assert_allclose(found.tidy()["estimate"], full, rtol=OPINION)
    np.testing.assert_allclose(found.covariance, deviations.T @ deviations, rtol=REFITTED)
    assert found.df == 12 + 1 - 4


def test_a_simple_sample_has_the_sandwich_with_n_over_n_less_one(frame: pd.DataFrame) -> None:
    found = glm(frame, outcome="z", predictors="x", family="binomial")
    x = sm.add_constant(frame["x"])
    plain = sm.Logit(frame["z"], x).fit(disp=0, cov_type="HC0", tol=1e-14)
    np.testing.assert_allclose(found.tidy()["estimate"], plain.params, rtol=OPINION)
    np.testing.assert_allclose(found.tidy()["std_error"], plain.bse * np.sqrt(223 / 222), rtol=OPINION)


def test_the_mean_is_a_model_without_predictors(frame: pd.DataFrame) -> None:
    found = glm(frame, outcome="y", predictors=[], design=MADE["fpc2"]).tidy()
    assert_agrees(found.set_index(pd.Index(["y"])), of_made("fpc2: plain mean"), EXACT)


def test_bool_and_text_are_factors_and_names_may_hold_equals_signs() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 4.0, 9.0, 7.0], "a=b": [0, 1, 2, 3, 4, 6], "f": [True, False] * 3})
    frame["g"] = pd.Categorical(["x=1", "x_2"] * 2 + ["x_2"] * 2)
    rows = glm(frame, outcome="y", predictors=["a=b", "f", "g"]).tidy()
    assert rows["term"].tolist() == ["(Intercept)", "a=b", "f=True", "g=x_2"]
    dummies = np.column_stack([np.ones(6), frame["a=b"], frame["f"], frame["g"] == "x_2"]).astype(float)
    np.testing.assert_allclose(rows["estimate"], np.linalg.lstsq(dummies, frame["y"])[0], rtol=EXACT)


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    random = np.random.default_rng(7)
    frame = pd.DataFrame({"x": random.normal(size=60), "g": np.resize(list("abc"), 60), "c": np.arange(60) // 20})
    frame["y"] = frame["x"] + random.normal(size=60)
    frame["z"] = (frame["y"] > 0).astype(int)
    frame["apart"] = (frame["x"] > 0).astype(int)
    frame["all a"] = np.where(frame["g"] == "a", 1, frame["z"])
    frame["no a"] = np.where(frame["g"] == "a", 0, frame["c"] + 1)
    return frame.assign(twice=2 * frame["x"], h=frame["g"].map({"a": "u", "b": "v", "c": "v"}), one=1.0, hole=np.nan)


REFUSED = [
    ({"family": "gamma"}, "unknown family 'gamma'; families are gaussian, binomial, poisson"),
    ({"family": "binomial"}, "a binomial outcome is 0 or 1; 'y'"),
    ({"family": "poisson"}, "a poisson outcome is at least 0; 'y'"),
    ({"predictors": ["x", "one"]}, "'one' has one value"),
    ({"outcome": "one"}, "'one' has one value"),
    ({"predictors": "hole"}, "no row has a value in all of"),
    ({"predictors": "gone"}, "the model needs columns.*gone"),
    ({"predictors": ["x", "x"]}, "twice"),
    ({"predictors": ["y"]}, "twice"),
    ({"outcome": "g"}, "'g' must hold numbers"),
    ({"conf_level": 1.0}, "conf_level must lie between 0 and 1"),
    ({"design": Design(cluster="c"), "predictors": ["x", "g"]}, "4 coefficients need more clusters.*2 degrees of freedom"),
    ({"predictors": ["x", "twice"]}, "twice can be told from the other predictors: leave it out"),
    ({"predictors": ["g", "h"]}, "h=v can be told from the other predictors"),
    ({"predictors": ["x", "twice"], "outcome": "z", "family": "binomial"}, "twice can be told from the other"),
    ({"outcome": "apart", "family": "binomial"}, r"without error in some rows, so that \(Intercept\), x would be infinite"),
    ({"outcome": "all a", "predictors": "g", "family": "binomial"}, "g=b, g=c would be infinite: lay levels together"),
    ({"outcome": "no a", "predictors": "g", "family": "poisson"}, "g=b, g=c would be infinite: lay levels together"),
]  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_models_that_cannot_be_are_refused_in_words(small: pd.DataFrame, asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        glm(small, **({"outcome": "y", "predictors": "x"} | asked))


def test_separation_in_a_replicate_is_refused_too(small: pd.DataFrame) -> None:
    frame = small.assign(rare=((small["g"] == "a") & (small.index < 6)).astype(int) | (small["g"] != "a") * small["z"])
    cases = frame.index[(frame["g"] == "a") & (frame["rare"] == 1)]
    sets = pd.DataFrame({f"r{k}": np.where(frame.index.isin(cases) & (k == 0), 0.0, 1.0) for k in range(8)})
    design = Design(weights="one", replicates=Replicates(tuple(sets)))
    with pytest.raises(ValueError, match="would be infinite"):
        glm(pd.concat([frame, sets], axis=1), outcome="rare", predictors="g", family="binomial", design=design)
