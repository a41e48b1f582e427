"""Factor models of answers as numbers: printed numbers, identities, derivatives, and what comes back in simulation."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.core import structural as core
from analysis.core.factor_data import moments_of, normal_information, patterns_of
from analysis.methods.design import Design
from analysis.methods.factor_fit import Fitted, Rows
from analysis.methods.factor_model import Outline, outlined
from analysis.methods.measurement import CfaFit, fit_cfa
from analysis.methods.moment_fit import _moved, sampled

SAME = 1e-7  # relative: two ways to one optimum
Folder = Callable[[str], Path]
HOLZINGER = {"visual": ("x1", "x2", "x3"), "textual": ("x4", "x5", "x6"), "speed": ("x7", "x8", "x9")}
FACTORS = {"f": ("a", "b", "c"), "h": ("d", "e", "i")}
ITEMS = [i for members in FACTORS.values() for i in members]
LOADINGS = np.array([0.8, 0.7, 0.6, 0.9, 0.5, 0.7])


def answers(n: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Two factors with correlation .4, three items each."""
    rng = np.random.default_rng(seed)
    common = rng.multivariate_normal([shift, -shift], [[1, 0.4], [0.4, 1]], size=n)
    return 3 + common[:, [0, 0, 0, 1, 1, 1]] * LOADINGS + rng.normal(size=(n, 6)) * np.sqrt(1 - LOADINGS**2)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rows = pd.DataFrame(np.vstack([answers(220, 1), answers(180, 2, 0.3)]), columns=ITEMS)
    weight = np.random.default_rng(3).integers(1, 4, len(rows)).astype(float)
    return rows.assign(g=["p"] * 220 + ["q"] * 180, w=weight)


@pytest.fixture(scope="module")
def gaps(frame: pd.DataFrame) -> pd.DataFrame:
    hidden = np.random.default_rng(4).random((len(frame), 3)) < 0.2
    return frame.assign(**{i: frame[i].mask(hidden[:, j]) for j, i in enumerate("abe")})


def alike(one: CfaFit, other: CfaFit, *, rel: float = SAME, errors: bool = True) -> None:
    """The same test and the same parameters, in whatever order they come."""
    keys = ["kind", "left", "right", "group"]
    a, b = (f.parameters.set_index(keys).sort_index() for f in (one, other))
    columns = ["estimate", "std_error"] if errors else ["estimate"]
    np.testing.assert_allclose(a[columns], b.loc[a.index, columns], rtol=rel, atol=1e-6)
    assert one.df == other.df
    assert one.chisq == pytest.approx(other.chisq, rel=rel, abs=1e-6)


@pytest.fixture(scope="module")
def pupils(shared_data: Folder) -> pd.DataFrame:
    return pd.read_csv(shared_data("holzinger1939") / "HolzingerSwineford1939.csv")


def test_printed_numbers_of_holzinger_and_swineford(pupils: pd.DataFrame) -> None:
    """As every lavaan tutorial prints them."""
    fit = fit_cfa(pupils, factors=HOLZINGER)
    assert (fit.n, fit.df, fit.left_out) == (301, 24, 0)
    told = [fit.chisq, fit.cfi, fit.tli, fit.rmsea, fit.rmsea_low, fit.rmsea_high, fit.srmr]
    assert told == pytest.approx([85.306, 0.931, 0.896, 0.092, 0.071, 0.114, 0.065], abs=5.1e-4)
    assert [fit.log_likelihood, fit.aic, fit.bic] == pytest.approx([-3737.745, 7517.490, 7595.339], abs=5.1e-4)
    loadings = fit.loadings.set_index("item")["estimate"]
    assert loadings[["x2", "x3", "x5", "x6", "x8", "x9"]].tolist() == pytest.approx(
        [0.554, 0.729, 1.113, 0.926, 1.180, 1.082], abs=5.1e-4
    )
    assert loadings[["x1", "x4", "x7"]].tolist() == [1, 1, 1]
    robust = fit_cfa(pupils, factors=HOLZINGER, estimator="MLR")
    told = [robust.chisq, robust.scaling_factor, robust.cfi, robust.rmsea]
    assert told == pytest.approx([87.132, 0.979, 0.930, 0.092], abs=6e-4)
    assert robust.loadings["estimate"].tolist() == pytest.approx(fit.loadings["estimate"].tolist(), rel=1e-9)


def test_the_largest_modification_index_is_the_one_in_every_tutorial(pupils: pd.DataFrame) -> None:
    """visual =~ x9, 36.411, then x7 with x8, 34.145."""
    table = fit_cfa(pupils, factors=HOLZINGER).modification_indices()
    assert table.loc[0, ["kind", "left", "right"]].tolist() == ["loadings", "x9", "visual"]
    assert table["mi"].head(2).tolist() == pytest.approx([36.411, 34.145], abs=5.1e-4)


@pytest.mark.parametrize("asked", [{}, {"group": "g"}, {"group": "g", "equal": ("loadings", "intercepts")}])
def test_order_and_names_change_nothing(frame: pd.DataFrame, asked: dict) -> None:
    fit = fit_cfa(frame, factors=FACTORS, **asked)
    alike(fit, fit_cfa(frame.sample(frac=1, random_state=1), factors=FACTORS, **asked))
    alike(fit, fit_cfa(frame.set_axis(np.zeros(len(frame)), axis=0), factors=FACTORS, **asked))
    turned = {"h": FACTORS["h"], "f": FACTORS["f"]}
    assert fit_cfa(frame, factors=turned, **asked).chisq == pytest.approx(fit.chisq, rel=SAME)
    backwards = {f: members[::-1] for f, members in FACTORS.items()}
    other = fit_cfa(frame, factors=backwards, **asked)
    assert other.chisq == pytest.approx(fit.chisq, rel=SAME)
    a, b = (f.loadings.set_index(["item", "group"])["standardised"] for f in (fit, other))
    np.testing.assert_allclose(a, b[a.index], rtol=1e-6)
    renamed = frame.assign(g=frame["g"].map({"p": 10, "q": 2}))
    told = fit_cfa(renamed, factors=FACTORS, **asked)
    assert told.chisq == pytest.approx(fit.chisq, rel=SAME)
    assert told.groups == (("10", "2") if "group" in asked else ("*",))


def test_the_reference_group_is_only_a_place_to_stand(frame: pd.DataFrame) -> None:
    asked = {"group": "g", "equal": ("loadings", "intercepts"), "identify": "marker"}
    fits = [fit_cfa(frame, factors=FACTORS, reference=g, **asked) for g in "pq"]
    assert fits[0].chisq == pytest.approx(fits[1].chisq, rel=SAME)
    means = [f.parameters.query("kind == 'latent_means' and free")["estimate"].to_numpy() for f in fits]
    np.testing.assert_allclose(means[0], -means[1], rtol=1e-5)


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e4, 1e8, 1e12])
def test_units_of_an_item_change_its_numbers_only(frame: pd.DataFrame, unit: float) -> None:
    fit = fit_cfa(frame, factors=FACTORS)
    for changed in (["b"], ["a"], ITEMS):
        other = fit_cfa(frame.assign(**{i: frame[i] * unit + 7 for i in changed}), factors=FACTORS)
        assert other.converged
        assert other.chisq == pytest.approx(fit.chisq, rel=1e-6)
        np.testing.assert_allclose(other.loadings["standardised"], fit.loadings["standardised"], rtol=1e-5)
        ratio = other.loadings.loc[1, "estimate"] / fit.loadings.loc[1, "estimate"]
        assert ratio == pytest.approx(
            {"b": unit, "a": 1 / unit}.get(changed[0] if len(changed) == 1 else "", 1), rel=1e-5
        )


@pytest.mark.parametrize("missing", ["listwise", "fiml"])
def test_weights_by_a_factor_and_as_repeated_rows(gaps: pd.DataFrame, missing: str) -> None:
    asked = {"factors": FACTORS, "group": "g", "equal": ("loadings",), "missing": missing}
    fit = fit_cfa(gaps, **asked, design=Design(weights="w"))
    alike(fit, fit_cfa(gaps.assign(w=gaps["w"] * 1e4), **asked, design=Design(weights="w")))
    # weights add up to the rows of each group, so that groups must weigh alike to be the same as repeated rows
    single = {k: v for k, v in asked.items() if k not in ("group", "equal")}
    weighted = fit_cfa(gaps, **single, design=Design(weights="w"))
    repeated = fit_cfa(gaps.loc[gaps.index.repeat(gaps["w"].astype(int))], **single)
    alike(weighted, replace(repeated, chisq=weighted.chisq), errors=False)
    zeros = gaps.assign(w=np.where(gaps.index < 30, 0.0, 1.0))
    alike(fit_cfa(zeros, **asked, design=Design(weights="w")), fit_cfa(gaps[30:], **asked, estimator="MLR"))


def test_twice_the_rows_twice_the_chi_square(gaps: pd.DataFrame) -> None:
    for missing in ("listwise", "fiml"):
        one = fit_cfa(gaps, factors=FACTORS, missing=missing)
        two = fit_cfa(pd.concat([gaps, gaps]), factors=FACTORS, missing=missing)
        np.testing.assert_allclose(two.parameters["estimate"], one.parameters["estimate"], rtol=1e-6, atol=1e-8)
        assert two.chisq == pytest.approx(2 * one.chisq, rel=1e-6)
        free = one.parameters["free"]
        ratio = one.parameters.loc[free, "std_error"] / two.parameters.loc[free, "std_error"]
        np.testing.assert_allclose(ratio, np.sqrt(2), rtol=1e-5)
    # rows that come twice and say so are one cluster: robust errors see through it, but for C / (C - 1)
    alone = fit_cfa(gaps, factors=FACTORS, estimator="MLR", missing="fiml")
    twins = pd.concat([gaps, gaps]).assign(k=lambda f: f.index)
    both = fit_cfa(twins, factors=FACTORS, design=Design(cluster="k"), missing="fiml")
    size = np.sqrt(len(gaps) / (len(gaps) - 1))
    free = alone.parameters["free"]
    ratio = both.parameters.loc[free, "std_error"] / alone.parameters.loc[free, "std_error"]
    np.testing.assert_allclose(ratio, size, rtol=1e-5)


def test_halves_with_everything_equal_are_the_whole(gaps: pd.DataFrame) -> None:
    equal = ("loadings", "intercepts", "residuals", "latent_variances", "latent_covariances", "latent_means")
    halves = gaps.assign(half=np.random.default_rng(9).permutation(len(gaps)) % 2)
    for missing in ("listwise", "fiml"):
        whole = fit_cfa(gaps, factors=FACTORS, missing=missing)
        cut = fit_cfa(halves, factors=FACTORS, missing=missing, group="half", equal=equal)
        one = cut.parameters[cut.parameters["group"] == cut.groups[0]]
        np.testing.assert_allclose(one["estimate"], whole.parameters["estimate"], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(one["std_error"], whole.parameters["std_error"], rtol=1e-5)
        assert cut.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-10)


def test_marker_or_variance_is_the_same_model(frame: pd.DataFrame) -> None:
    for equal in ((), ("loadings",), ("loadings", "intercepts"), ("loadings", "intercepts", "residuals")):
        fits = [fit_cfa(frame, factors=FACTORS, group="g", equal=equal, identify=i) for i in ("marker", "variance")]
        assert fits[0].chisq == pytest.approx(fits[1].chisq, rel=SAME)
        assert fits[0].df == fits[1].df
        columns = ["standardised", "standardised_error"]
        np.testing.assert_allclose(fits[0].loadings[columns], fits[1].loadings[columns], rtol=1e-5)


def test_separate_groups_are_separate_fits(frame: pd.DataFrame) -> None:
    both = fit_cfa(frame, factors=FACTORS, group="g")
    each = [fit_cfa(frame[frame["g"] == g], factors=FACTORS) for g in "pq"]
    assert both.chisq == pytest.approx(sum(f.chisq for f in each), rel=SAME)
    assert both.log_likelihood == pytest.approx(sum(f.log_likelihood for f in each), rel=1e-10)
    assert both.df == sum(f.df for f in each)
    without = fit_cfa(frame, factors=FACTORS, group="g", mean_structure=False)
    assert both.aic - without.aic == pytest.approx(2 * 12)


def test_full_information_is_the_likelihood_of_what_is_there(frame: pd.DataFrame, gaps: pd.DataFrame) -> None:
    alike(fit_cfa(frame, factors=FACTORS, missing="fiml"), fit_cfa(frame, factors=FACTORS))
    fit = fit_cfa(gaps, factors=FACTORS, missing="fiml")
    mean, cov = fit.fit.model.blueprints[0].said(fit.fit.x)
    total = 0.0
    for row in gaps[ITEMS].to_numpy():
        there = ~np.isnan(row)
        if there.any():
            total += stats.multivariate_normal.logpdf(row[there], mean[there], cov[np.ix_(there, there)])
    assert fit.log_likelihood == pytest.approx(total, rel=1e-10)


def test_patterns_without_a_gap_are_moments() -> None:
    values = answers(80, 5)
    rng = np.random.default_rng(6)
    weights, cluster = rng.uniform(0.5, 2, 80), rng.integers(0, 9, 80)
    mean, cov = values.mean(axis=0) + 0.1, np.cov(values.T) + 0.2 * np.eye(6)
    moments, patterns = moments_of(values, weights, cluster, True), patterns_of(values, weights, cluster)
    assert patterns.value(mean, cov) == pytest.approx(moments.value(mean, cov), rel=1e-12)
    for one, other in (
        (patterns.slope(mean, cov), moments.slope(mean, cov)),
        (patterns.information(cov), moments.information(cov)),
        (patterns.meat(mean, cov), moments.meat(mean, cov)),
    ):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("equal", [(), ("loadings", "intercepts")])
@pytest.mark.parametrize("holes", [False, True])
def test_derivatives_are_those_of_the_function(gaps: pd.DataFrame, equal: tuple[str, ...], holes: bool) -> None:
    used = gaps if holes else gaps.dropna()
    fit = fit_cfa(used, factors=FACTORS, group="g", equal=equal, covariances=[("a", "d")], missing="fiml").fit
    prints, data = fit.model.blueprints, fit.sample.data  # type: ignore[attr-defined]
    x = fit.x + np.random.default_rng(1).uniform(-0.05, 0.05, len(fit.x))
    steps = np.eye(len(x)) * 1e-5
    slope = core.gradient(prints, data, x)
    numeric = [(core.discrepancy(prints, data, x + s) - core.discrepancy(prints, data, x - s)) / 2e-5 for s in steps]
    np.testing.assert_allclose(slope, numeric, atol=1e-7)
    curve = np.array([(core.gradient(prints, data, x + s) - core.gradient(prints, data, x - s)) / 2e-5 for s in steps])
    n = sum(d.n for d in data)
    np.testing.assert_allclose(
        core.observed_information(prints, data, x), curve * n / 2, rtol=1e-5, atol=1e-4 * n / 100
    )
    for one in prints:
        found = core.implied(one, x)
        below = np.tril_indices(6)
        ends = [
            [np.concatenate([m, c[below]]) for m, c in (one.said(x + s), one.said(x - s))] for s in steps[found.columns]
        ]
        np.testing.assert_allclose(found.jacobian.T, [(up - down) / 2e-5 for up, down in ends], atol=1e-8)


def test_expected_information_is_the_variance_of_slopes() -> None:
    values = answers(40_000, 8)
    cov = LOADINGS[:, None] * LOADINGS * np.kron([[1, 0.4], [0.4, 1]], np.ones((3, 3)))
    np.fill_diagonal(cov, 1.0)
    seen = moments_of(values, None, None, True).meat(np.full(6, 3.0), cov) / len(values)
    expected = normal_information(cov)
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((seen - expected) / size).max() < 0.06
    np.testing.assert_allclose(np.diag(seen), np.diag(expected), rtol=0.06)


@pytest.mark.parametrize("identify", ["marker", "variance"])
def test_a_wider_model_can_say_what_the_narrower_one_says(frame: pd.DataFrame, identify: str) -> None:
    """Which the difference test of Satorra & Bentler (2010) rests on."""
    ladder = [(), ("loadings",), ("loadings", "intercepts"), ("loadings", "intercepts", "residuals")]
    fits = [fit_cfa(frame, factors=FACTORS, group="g", equal=e, identify=identify).fit for e in ladder]
    for more, less in itertools.pairwise(fits):
        x = _moved(less, more)
        for wide, narrow in zip(more.model.blueprints, less.model.blueprints, strict=True):
            for ours, theirs in zip(wide.said(x), narrow.said(less.x), strict=True):
                np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_a_score_test_foretells_the_likelihood_ratio(frame: pd.DataFrame) -> None:
    """Small misfit: what freeing a residual covariance gains is near its modification index, and moves near its epc."""
    fit = fit_cfa(frame, factors=FACTORS)
    for row in fit.modification_indices().query("kind == 'residual_covariances'").head(4).to_dict("records"):
        freed = fit_cfa(frame, factors=FACTORS, covariances=[(row["left"], row["right"])])
        assert fit.chisq - freed.chisq == pytest.approx(row["mi"], rel=0.25)
    # a saturated model leaves nothing to gain, and says nothing of it
    assert fit_cfa(frame, factors={"f": FACTORS["f"]}).modification_indices().empty


@pytest.mark.slow
def test_loadings_and_latent_means_come_back_with_their_errors() -> None:
    """120 samples of two groups; the second lies .5 higher: bias, coverage, chi-square, each within three Monte Carlo errors."""
    loading, runs = np.array([0.8, 0.7, 0.6, 0.75]), 120
    model = outlined(Outline({"f": tuple("abcd")}, ("p", "q"), equal=("loadings", "intercepts")))
    rng, found, errors, tests = np.random.default_rng(11), [], [], []
    truth = [*loading[1:] / loading[0], 0.5 * loading[0]]
    names = model.elements.query("number >= 0 and (kind == 'loadings' or kind == 'latent_means')")
    at = names.drop_duplicates("number")["number"].to_numpy()
    for _ in range(runs):
        fit = _drawn(rng, loading, model)
        found.append(fit.x[at])
        errors.append(np.sqrt(np.diag(fit.covariance))[at])
        tests.append(fit.chisq)
    estimates, spread = np.array(found), np.array(errors)
    bias = estimates.mean(axis=0) - truth
    assert (np.abs(bias) < 3 * estimates.std(axis=0) / np.sqrt(runs) + 0.005).all()
    np.testing.assert_allclose(np.sqrt((spread**2).mean(axis=0)) / estimates.std(axis=0), 1, atol=0.2)
    covered = (np.abs(estimates - truth) < 1.96 * spread).mean(axis=0)
    assert (np.abs(covered - 0.95) < 0.06).all()
    df = 28 - model.size
    assert np.mean(tests) == pytest.approx(df, abs=3 * np.sqrt(2 * df / runs) + 0.2)


def _drawn(rng: np.random.Generator, loading: np.ndarray, model: object) -> Fitted:
    rows = {}
    for group, mean in (("p", 0.0), ("q", 0.5)):
        common = rng.normal(mean, 1, size=(150, 1))
        rows[group] = Rows(common * loading + rng.normal(size=(150, 4)) * np.sqrt(1 - loading**2))
    return sampled(tuple("abcd"), rows, robust=False).fit(model)  # type: ignore[arg-type]
