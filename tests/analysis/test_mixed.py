"""Mixed models against lme4 and lmerTest, statsmodels, published multilevel analyses, and closed forms.

Reference: tests/reference/mixed_crossed.R and .csv (R 4.2.2, lme4 1.1-31, lmerTest 3.1-3); bh1996 and univer_2002: lme4/nlme.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from analysis.core.mixed import upper_limit
from analysis.methods.mixed import MixedFit, NotFittable, fit_mixed
from analysis.methods.mixed_intervals import mixed_intervals

FIXED = 1e-6  # relative, fixed effects and their errors: lme4's own optimiser leaves 1e-7
VARIANCE = 1e-4  # relative, variance components: the criterion is flat at its optimum
LOWER = 1e-6  # log-likelihood: ours may not be lower by more
DEGREES = 1e-4  # relative, Satterthwaite: both differentiate numerically
EFFECT = 1e-3  # random effects, in standard deviations of the factor
PRINTED = 5e-5  # relative, numbers known to five to six digits

HOME = Path(__file__).resolve().parents[1] / "reference"
CELLS = ("group", "region", ("group", "region"))
MODELS = {
    "reml": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS},
    "ml": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS, "method": "ml"},
    "weighted": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS, "prior_weights": "w"},
    "product": {"outcome": "y", "fixed": ("x", "sex", ("x", "sex")), "random": ("group", "region")},
    "singular": {"outcome": "flat", "fixed": ("x",), "random": ("group", "region")},
}
Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def crossed() -> pd.DataFrame:
    return pd.read_csv(HOME / "mixed_crossed_data.csv")


@pytest.fixture(scope="module")
def fits(crossed: pd.DataFrame) -> dict[str, MixedFit]:
    return {name: fit_mixed(crossed, **model) for name, model in MODELS.items()}


def lme4(model: str, quantity: str) -> pd.Series:
    """lme4's numbers by term."""
    table = pd.read_csv(HOME / "mixed_crossed.csv", keep_default_na=False)
    chosen = table[(table["model"] == model) & (table["quantity"] == quantity)]
    return chosen.set_index("term")["value"].astype(float)


@pytest.mark.parametrize("model", MODELS)
def test_log_likelihood_and_components(fits: dict[str, MixedFit], model: str) -> None:
    fit = fits[model]
    assert fit.log_likelihood >= lme4(model, "log_likelihood").iloc[0] - LOWER
    assert fit.log_likelihood == pytest.approx(lme4(model, "log_likelihood").iloc[0], abs=1e-5)
    expected = lme4(model, "variance").rename({"Residual": "residual"})
    found = fit.components.set_index("factor")["variance"]
    np.testing.assert_allclose(found, expected[found.index], rtol=VARIANCE, atol=1e-10)
    assert fit.converged
    assert fit.singular == (model == "singular")


@pytest.mark.parametrize("model", MODELS)
def test_fixed_effects_with_satterthwaite(fits: dict[str, MixedFit], model: str) -> None:
    found = fits[model].coefficients.set_index(fits[model].coefficients["term"].str.replace("=", ""))
    for quantity, tolerance in (("estimate", FIXED), ("std_error", FIXED), ("df", DEGREES)):
        np.testing.assert_allclose(found[quantity], lme4(model, quantity)[found.index], rtol=tolerance)


@pytest.mark.parametrize("model", ["reml", "ml", "weighted", "product"])
def test_random_effects(fits: dict[str, MixedFit], model: str) -> None:
    for factor, part in fits[model].effects.groupby("factor"):
        expected = lme4(model, f"effect {factor}")[part["level"]]
        spread = np.sqrt(fits[model].variance_of(str(factor)))
        np.testing.assert_allclose(part["estimate"], expected, atol=EFFECT * spread)


def test_statsmodels_agrees(crossed: pd.DataFrame) -> None:
    ours = fit_mixed(crossed, outcome="y", fixed=("x", "sex"), random=("region",))
    theirs = smf.mixedlm("y ~ x + sex", crossed, groups="region").fit(reml=True)
    assert ours.log_likelihood == pytest.approx(theirs.llf, abs=1e-4)
    assert ours.variance_of("region") == pytest.approx(float(theirs.cov_re.iloc[0, 0]), rel=1e-3)
    expected = theirs.fe_params[["Intercept", "x", "sex[T.m]"]]
    np.testing.assert_allclose(ours.coefficients["estimate"], expected, rtol=1e-4)


def test_contextual_model_of_bliese_and_halverson(shared_data: Folder) -> None:
    frame = pd.read_csv(shared_data("bh1996") / "bh1996.csv")
    fit = fit_mixed(frame, outcome="WBEING", fixed=("HRS", "G.HRS"), random=("GRP",))
    np.testing.assert_allclose(fit.coefficients["estimate"], [4.74083, -0.0464605, -0.1269261], rtol=PRINTED)
    np.testing.assert_allclose(fit.coefficients["std_error"], [0.213679, 0.0048880, 0.0194028], rtol=PRINTED)
    np.testing.assert_allclose(fit.components["variance"], [0.0135447, 0.7801054], rtol=VARIANCE)
    null = fit_mixed(frame, outcome="WBEING", random=("GRP",))
    np.testing.assert_allclose(null.components["variance"], [0.03580079, 0.78949727], rtol=VARIANCE)


def test_satisfaction_in_thirteen_faculties(shared_data: Folder) -> None:
    frame = pd.read_csv(shared_data("univer_2002") / "univer.csv")
    items = ("informat", "willingn", "officeho", "compete")
    fit = fit_mixed(frame, outcome="global", fixed=items, random=("faculty",))
    np.testing.assert_allclose(fit.components["variance"], [0.008026, 0.373857], rtol=VARIANCE)


def test_balanced_groups_have_a_closed_form() -> None:
    """With g groups of k: tau2 = (MSB - MSW) / k; BLUP = k tau2 / (k tau2 + s2) (group mean - mean)."""
    y = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [7.0, 8.0, 9.0], [5.0, 5.0, 8.0]])
    frame = pd.DataFrame({"y": y.ravel(), "g": np.repeat(list("abcd"), 3)})
    between, within = 3 * y.mean(axis=1).var(ddof=1), y.var(axis=1, ddof=1).mean()
    tau2 = (between - within) / 3
    fit = fit_mixed(frame, outcome="y", random=("g",))
    np.testing.assert_allclose(fit.components["variance"], [tau2, within], rtol=1e-6)
    shrunk = y.mean() + 3 * tau2 / (3 * tau2 + within) * (y.mean(axis=1) - y.mean())
    means = fit.cell_means(pd.DataFrame({"g": list("abcd")}))
    np.testing.assert_allclose(means["estimate"], shrunk, rtol=1e-6)
    error = tau2 * within / (3 * tau2 + within) + (within / (3 * tau2 + within)) ** 2 * (tau2 + within / 3) / 4
    np.testing.assert_allclose(means["std_error"], np.sqrt(error), rtol=1e-6)
    assert fit.coefficients.loc[0, "df"] == pytest.approx(3, rel=1e-3)


def test_a_group_nobody_has_seen_gets_the_mean_and_the_whole_spread(fits: dict[str, MixedFit]) -> None:
    fit = fits["reml"]
    cells = pd.DataFrame({"x": 0.5, "sex": "m", "group": ["g1", "new", "g1"], "region": ["r01", "new", "new"]})
    means = fit.cell_means(cells)
    bare = fit.cell_means(cells[["x", "sex"]])
    assert means["estimate"][1] == pytest.approx(bare["estimate"][1])
    spread = sum(fit.variance_of(k) for k in ("group", "region", "group:region"))
    assert means["std_error"][1] == pytest.approx(np.sqrt(bare["std_error"][1] ** 2 + spread))
    effects = fit.effects.set_index(["factor", "level"])["estimate"]
    assert means["estimate"][2] == pytest.approx(bare["estimate"][2] + effects["group", "g1"])
    parts = effects["group", "g1"] + effects["region", "r01"] + effects["group:region", "g1:r01"]
    assert means["estimate"][0] == pytest.approx(bare["estimate"][0] + parts)


def test_many_nested_levels_take_the_sparse_way() -> None:
    """500 villages in 350 parishes: elimination in two steps gives what a dense likelihood gives."""
    rng = np.random.default_rng(5)
    village = rng.integers(0, 500, 1500)
    parish = village % 350
    y = rng.normal(size=500)[village] + rng.normal(size=350)[parish] + rng.normal(size=1500)
    frame = pd.DataFrame({"y": y, "village": village, "parish": parish})
    fit = fit_mixed(frame, outcome="y", random=("parish", "village"))
    assert fit.moments.layout.chain == 2
    v = np.eye(1500) * fit.variance_of("residual")
    for name, column in (("village", village), ("parish", parish)):
        v += fit.variance_of(name) * (column[:, None] == column)
    precision, one = np.linalg.inv(v), np.ones(1500)
    mean = (one @ precision @ y) / (one @ precision @ one)
    logs = np.linalg.slogdet(v)[1] + np.log(one @ precision @ one) + (y - mean) @ precision @ (y - mean)
    assert fit.log_likelihood == pytest.approx(-(logs + 1499 * np.log(2 * np.pi)) / 2, rel=1e-10)
    assert fit.coefficients.loc[0, "estimate"] == pytest.approx(mean, rel=1e-9)


def test_tidy_rows(fits: dict[str, MixedFit]) -> None:
    rows = fits["reml"].tidy()
    assert rows["statistic"].value_counts().to_dict() == {"effect": 6 + 14 + 83, "variance": 4, "coefficient": 3}
    cell = rows[(rows["term"] == "group:region") & (rows["statistic"] == "effect")].iloc[0]
    assert (cell["group"], cell["region"]) == ("g1", "r01")


def test_rows_with_holes_are_left_out(crossed: pd.DataFrame) -> None:
    holes = crossed.assign(x=crossed["x"].mask(crossed.index < 100))
    assert fit_mixed(holes, outcome="y", fixed=("x",), random=("group",)).n == 800


@pytest.mark.parametrize(
    ("change", "asked", "said"),
    [
        ({"y": 1.0}, {}, "constant"),
        ({"g": "a"}, {}, "1 level"),
        ({"g": list("abcdef")}, {}, "level for every row"),
        ({"y": np.nan}, {}, "too few"),
        ({"x": 2.0}, {"fixed": ("x",)}, "repeat others"),
    ],
)
def test_what_the_data_cannot_carry(change: dict, asked: dict, said: str) -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3, 5, 4, 6], "g": list("aabbcc"), "x": [1.0, 2, 1, 2, 1, 3]}).assign(**change)
    with pytest.raises(NotFittable, match=said):
        fit_mixed(frame, outcome="y", random=("g",), **asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"slopes": {"h": ("x",)}}, "does not have"),
        ({"family": "poisson"}, "unknown family"),
        ({"method": "bayes"}, "unknown method"),
        ({"random": ()}, "at least one random factor"),
        ({"random": ("z",)}, "does not have"),
        ({"outcome": "g"}, "must hold numbers"),
        ({"prior_weights": "x"}, "above zero"),
    ],
)
def test_bad_questions(asked: dict, said: str) -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3, 5], "g": list("aabb"), "x": [0.0, 1, 2, 3]})
    with pytest.raises(ValueError, match=said):
        fit_mixed(frame, **({"outcome": "y", "random": ("g",)} | asked))


def test_intervals_of_balanced_components_have_a_closed_form() -> None:
    """The mean squares are independent: var(s2) = 2 s2^2 / (N - g), var(MSB) = 2 MSB^2 / (g - 1), tau2 = (MSB - s2) / k.

    Wald on the log scale: variance * exp(+- 1.96 * error / variance).
    """
    y = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [7.0, 8.0, 9.0], [5.0, 5.0, 8.0]])
    frame = pd.DataFrame({"y": y.ravel(), "g": np.repeat(list("abcd"), 3)})
    between, within = 3 * y.mean(axis=1).var(ddof=1), y.var(axis=1, ddof=1).mean()
    tau2 = (between - within) / 3
    error = np.sqrt(2 * between**2 / 3 + 2 * within**2 / 8) / 3
    reach = 1.959963984540054 * np.array([error / tau2, np.sqrt(2 / 8)])
    table = fit_mixed(frame, outcome="y", random=("g",)).components
    np.testing.assert_allclose(table["conf_low"], np.array([tau2, within]) * np.exp(-reach), rtol=DEGREES)
    np.testing.assert_allclose(table["conf_high"], np.array([tau2, within]) * np.exp(reach), rtol=DEGREES)


def test_far_end_of_a_component_at_zero_has_a_closed_form() -> None:
    """Equal means of g = 3 groups of k = 3: the criterion rises by (g - 1) log(1 + k theta^2); chi-squared's 95 % is 3.8415."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0] * 3, "g": np.repeat(list("abc"), 3)})
    row = fit_mixed(frame, outcome="y", random=("g",)).components.loc[0]
    assert row["variance"] == row["conf_low"] == 0
    high = 6 / 8 * (np.exp(3.841458820694124 / 2) - 1) / 3
    assert row["conf_high"] == pytest.approx(high, rel=1e-6)


@pytest.mark.parametrize(("method", "rises"), [("reml", False), ("ml", True)])
def test_where_the_criterion_never_rises_the_far_end_is_infinite(method: str, rises: bool) -> None:
    """Every group has a coefficient of its own: whatever the variance is, the restricted likelihood is the same."""
    frame = pd.DataFrame(
        {"y": [1.0, 2, 3, 4, 2, 5, 7, 8, 9], "g": np.repeat(list("abc"), 3), "x": np.repeat(list("def"), 3)}
    )
    fit = fit_mixed(frame, outcome="y", fixed=("x",), random=("g",), method=method)
    assert np.isfinite(upper_limit(fit.moments, fit.fit, 0, 3.84, reml=method == "reml")) == rises


def test_a_variance_that_is_nearly_zero_has_a_far_end_within_reason() -> None:
    """Data whose groups differ by exactly as much as chance lets them, and a hair more: not zero, and not infinite either."""
    wave = np.tile([-1.0, 1.0], 150)
    shape = np.linspace(-1, 1, 30) / np.linspace(-1, 1, 30).std(ddof=1)
    for lift in (0.0, 1e-6, 1e-4, 1e-2, 0.1):
        offsets = shape * np.sqrt(300 / 270 / 10 * (1 + lift))  # within: 300 over 30 * 9 degrees of freedom
        frame = pd.DataFrame({"g": np.repeat(np.arange(30), 10).astype(str), "y": wave + np.repeat(offsets, 10)})
        found = fit_mixed(frame, outcome="y", random=("g",)).components.iloc[0]
        assert found["conf_low"] <= found["variance"] <= found["conf_high"] < 1, lift


def test_a_bootstrap_has_a_seed() -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(
        {"g": np.repeat(np.arange(12), 8).astype(str), "y": np.repeat(rng.normal(size=12), 8) + rng.normal(size=96)}
    )
    fit = fit_mixed(frame, outcome="y", random=("g",))
    one, two, three = (
        mixed_intervals(fit, method="bootstrap", frame=frame, draws=100, seed=s).table for s in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, two)
    assert not np.allclose(one["conf_low"], three["conf_low"])
