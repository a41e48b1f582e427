"""Ordered answers: the bivariate normal, polychoric correlations, WLSMV; by other ways, by closed forms, in simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from analysis.core import ordinal as core
from analysis.methods.design import Design
from analysis.methods.factor_fit import Rows
from analysis.methods.factor_model import Outline, outlined
from analysis.methods.measurement import CfaFit, fit_cfa
from analysis.methods.ordinal_fit import sampled_ordered

FACTORS = {"f": ("a", "b", "c"), "h": ("d", "e", "i")}
ITEMS = [i for members in FACTORS.values() for i in members]
LOADINGS = np.array([0.8, 0.7, 0.6, 0.9, 0.5, 0.7])
CUTS = np.array([-0.9, 0.1, 0.8])
EDGES = [-np.inf, -3.0, -1.2, -1e-9, 0.0, 0.4, 2.5, np.inf]


def latent(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    common = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], size=n)
    return common[:, [0, 0, 0, 1, 1, 1]] * LOADINGS + rng.normal(size=(n, 6)) * np.sqrt(1 - LOADINGS**2)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    codes = np.digitize(latent(500, 1), CUTS) + 1
    weight = np.random.default_rng(2).integers(1, 4, 500).astype(float)
    return pd.DataFrame(codes, columns=ITEMS).assign(g=np.where(np.arange(500) < 280, "p", "q"), w=weight)


def numbers(fit: CfaFit) -> np.ndarray:
    return fit.parameters.loc[fit.parameters["free"], ["estimate", "std_error"]].to_numpy()


@pytest.mark.parametrize("rho", [-0.99, -0.6, 0.0, 0.3, 0.8, 0.985, 0.998])
def test_the_bivariate_normal_by_integration(rho: float) -> None:
    """P(X <= h, Y <= k) is the integral of phi(x) Phi((k - rho x) / root(1 - rho^2)) up to h."""
    root = np.sqrt(1 - rho**2)
    h, k = np.meshgrid(EDGES, EDGES)
    found = core.bivariate(h, k, rho)
    for i, j in np.ndindex(h.shape):
        if h[i, j] == -np.inf or k[i, j] == -np.inf:
            assert found[i, j] == 0
        elif np.isinf(k[i, j]) or np.isinf(h[i, j]):
            assert found[i, j] == pytest.approx(special.ndtr(min(h[i, j], k[i, j])), abs=1e-14)
        else:
            peak = [p for p in ({k[i, j] / rho} if rho else set()) if -9 < p < h[i, j]]
            one, _ = integrate.quad(
                lambda x, c=k[i, j]: stats.norm.pdf(x) * special.ndtr((c - rho * x) / root),
                -9,
                h[i, j],
                epsabs=1e-12,
                limit=200,
                points=peak or None,
            )
            assert found[i, j] == pytest.approx(one, abs=1e-9)


def test_the_bivariate_normal_beside_scipy() -> None:
    ends = np.array([-2.0, -0.5, 0.0, 0.7, 1.9])
    h, k = np.meshgrid(ends, ends)
    for rho in (-0.7, 0.2, 0.95):
        theirs = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(np.dstack([h, k]))
        np.testing.assert_allclose(core.bivariate(h, k, rho), theirs, atol=1e-6)
    # four quadrants: 1/4 + arcsin(rho) / 2 pi
    assert core.bivariate(np.zeros(1), np.zeros(1), 0.5)[0] == pytest.approx(
        0.25 + np.arcsin(0.5) / (2 * np.pi), abs=1e-13
    )


@pytest.mark.parametrize("rho", [-0.95, -0.5, 0.0, 0.02, 0.4, 0.9, 0.99])
@pytest.mark.parametrize(
    "cuts", [([0.0], [0.0]), ([-1.5], [1.0]), ([-1.0, 0.0, 1.2], [-0.3, 2.0]), ([-2.2, -1.8], [-2.5, -1.0])]
)
def test_a_table_of_probabilities_gives_its_correlation_back(rho: float, cuts: tuple[list[float], list[float]]) -> None:
    a, b = (np.array([-np.inf, *c, np.inf]) for c in cuts)
    table = np.diff(np.diff(core.bivariate(a[:, None], b[None, :], rho), axis=0), axis=1)
    if (table < 1e-12).any():  # nobody can be in a cell, which says nothing of how near one the correlation is
        assert np.sign(rho) * core.polychoric(1e6 * np.maximum(table, 0.0)) > 0.8
        return
    assert core.polychoric(1e6 * table) == pytest.approx(rho, abs=2e-5)
    assert core.polychoric(1e6 * table.T) == pytest.approx(rho, abs=2e-5)
    assert core.polychoric(1e6 * table[::-1]) == pytest.approx(-rho, abs=2e-5)


def test_a_large_simulated_table() -> None:
    x, y = np.random.default_rng(3).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=400_000).T
    table = np.histogram2d(np.digitize(x, [-1, 0.5]), np.digitize(y, [-0.2, 0.3, 1.5]), bins=(3, 4))[0]
    assert core.polychoric(table) == pytest.approx(0.6, abs=3 * 0.002)


def test_tetrachoric_at_the_medians_has_a_closed_form() -> None:
    for share in (0.3, 0.42, 0.17):
        table = np.array([[share, 0.5 - share], [0.5 - share, share]]) * 1000
        assert core.polychoric(table) == pytest.approx(np.sin(2 * np.pi * (share - 0.25)), abs=1e-9)


def test_an_empty_cell_of_four_gets_half_an_answer_with_margins_kept() -> None:
    for empty, filled in (
        ([[40, 10], [0, 50]], [[39.5, 10.5], [0.5, 49.5]]),
        ([[40, 0], [10, 50]], [[39.5, 0.5], [10.5, 49.5]]),
        ([[0, 40], [50, 10]], [[0.5, 39.5], [49.5, 10.5]]),
    ):
        one, other = (core.polychoric(np.array(t, dtype=float)) for t in (empty, filled))
        assert one == pytest.approx(other, abs=1e-12)
        assert abs(one) < 0.999
    # larger tables stay as they are: nobody at the far corners is what a high correlation looks like
    corners = np.array([[60, 10, 0], [10, 60, 10], [0, 10, 60]], dtype=float)
    assert 0.8 < core.polychoric(corners) < core.polychoric(corners - np.diag([1, 1, 1]) + 0) + 0.05


@pytest.mark.slow
def test_errors_of_thresholds_and_correlations_are_what_samples_show() -> None:
    """300 samples: standard deviation of each statistic beside its mean error, and the covariance of the first two."""
    seen, told = [], []
    for seed in range(300):
        codes = np.digitize(latent(300, 1000 + seed)[:, [0, 1, 3]], [-0.5, 0.7])
        one = core.ordered_of(codes, [3, 3, 3], None, None)
        seen.append(one.statistics)
        told.append(one.gamma / one.n)
    covariance, mean = np.cov(np.array(seen).T), np.mean(told, axis=0)
    np.testing.assert_allclose(np.sqrt(np.diag(mean) / np.diag(covariance)), 1, atol=0.13)
    size = np.sqrt(np.outer(np.diag(mean), np.diag(mean)))
    assert np.abs((covariance - mean) / size).max() < 0.2
    np.testing.assert_allclose(np.mean(seen, axis=0)[6:], [0.56, 0.8 * 0.9 * 0.4, 0.7 * 0.9 * 0.4], atol=0.015)


@pytest.mark.parametrize("scaled", [False, True])
def test_the_jacobian_is_that_of_what_is_said(frame: pd.DataFrame, scaled: bool) -> None:
    equal = ("thresholds", "loadings", "intercepts") if scaled else ()
    fit = fit_cfa(frame, factors=FACTORS, group="g", equal=equal, ordered=True, identify="variance").fit
    for model, data in zip(fit.model.blueprints, fit.sample.data, strict=True):  # type: ignore[attr-defined]
        _, jacobian, columns = core.said(model, fit.x, data.item, scaled)
        for column, number in enumerate(columns):
            step = np.eye(len(fit.x))[number] * 1e-5
            up, down = (core.said(model, fit.x + s, data.item, scaled)[0] for s in (step, -step))
            np.testing.assert_allclose(jacobian[:, column], (up - down) / 2e-5, atol=1e-8)


def test_codes_are_names_in_their_order(frame: pd.DataFrame) -> None:
    fit = fit_cfa(frame, factors=FACTORS, ordered=True)
    for change in (lambda x: 10 * x, lambda x: x**3 - 7, lambda x: x.astype("Int64"), lambda x: x.astype(float)):
        other = fit_cfa(frame.assign(**{i: change(frame[i]) for i in ITEMS}), factors=FACTORS, ordered=True)
        np.testing.assert_array_equal(numbers(fit), numbers(other))
        assert other.chisq == fit.chisq
    # read from the other end thresholds change sides
    back = fit_cfa(frame.assign(**{i: 5 - frame[i] for i in ITEMS}), factors=FACTORS, ordered=True)
    assert back.chisq == pytest.approx(fit.chisq, rel=1e-7)
    np.testing.assert_allclose(back.loadings["estimate"], fit.loadings["estimate"], rtol=1e-6)
    cuts = [f.parameters.query("kind == 'thresholds' and left == 'a'")["estimate"].to_numpy() for f in (fit, back)]
    np.testing.assert_allclose(cuts[0], -cuts[1][::-1], rtol=1e-9)


@pytest.mark.parametrize("equal", [(), ("thresholds", "loadings", "intercepts")])
def test_order_weights_and_repeated_rows(frame: pd.DataFrame, equal: tuple[str, ...]) -> None:
    asked = {"factors": FACTORS, "ordered": True} | ({"group": "g", "equal": equal} if equal else {})
    fit = fit_cfa(frame, **asked)
    shuffled = fit_cfa(frame.sample(frac=1, random_state=3), **asked)
    np.testing.assert_allclose(numbers(fit), numbers(shuffled), rtol=1e-6, atol=1e-9)
    backwards = fit_cfa(frame, **asked | {"factors": {f: m[::-1] for f, m in FACTORS.items()}})
    assert backwards.chisq == pytest.approx(fit.chisq, rel=1e-6)
    a, b = (f.loadings.set_index(["item", "group"])["standardised"] for f in (fit, backwards))
    np.testing.assert_allclose(a, b[a.index], rtol=1e-5)
    one, many = (fit_cfa(frame.assign(w=frame["w"] * k), **asked, design=Design(weights="w")) for k in (1, 1e6))
    np.testing.assert_allclose(numbers(one), numbers(many), rtol=1e-8, atol=1e-12)
    if not equal:  # weights of a group add up to its rows
        repeated = fit_cfa(frame.loc[frame.index.repeat(frame["w"].astype(int))], **asked)
        rows = [f.fit.sample.data[0] for f in (one, repeated)]  # type: ignore[attr-defined]
        np.testing.assert_allclose(rows[0].statistics, rows[1].statistics, rtol=1e-8, atol=1e-10)
    twice = fit_cfa(pd.concat([frame, frame]), **asked)
    np.testing.assert_allclose(twice.parameters["estimate"], fit.parameters["estimate"], rtol=0.02, atol=2e-3)
    clustered = fit_cfa(pd.concat([frame, frame]).assign(k=lambda f: f.index), **asked, design=Design(cluster="k"))
    np.testing.assert_allclose(numbers(clustered)[:, 1], numbers(fit)[:, 1], rtol=0.02)


def test_two_ways_to_name_a_scale_are_one_model(frame: pd.DataFrame) -> None:
    ladder = [(), ("thresholds",), ("thresholds", "loadings"), ("thresholds", "loadings", "intercepts")]
    for equal in ladder:
        asked = {"factors": FACTORS, "group": "g", "equal": equal, "ordered": True}
        fits = [fit_cfa(frame, **asked, identify=i) for i in ("marker", "variance")]
        assert fits[0].df == fits[1].df
        assert fits[0].fit.raw == pytest.approx(fits[1].fit.raw, rel=1e-6)
        assert fits[0].chisq == pytest.approx(fits[1].chisq, rel=1e-5)
        other = fit_cfa(frame, **asked, reference="q")
        assert other.fit.raw == pytest.approx(fits[0].fit.raw, rel=1e-6)


@pytest.mark.slow
def test_loadings_come_back_with_their_errors() -> None:
    """120 samples of one factor, three answers an item: bias, coverage and chi-square within Monte Carlo bounds."""
    loading, runs = np.array([0.8, 0.7, 0.6, 0.75]), 120
    model = None
    rng, found, errors, tests = np.random.default_rng(21), [], [], []
    for _ in range(runs):
        values = rng.normal(size=(400, 1)) * loading + rng.normal(size=(400, 4)) * np.sqrt(1 - loading**2)
        sample = sampled_ordered(tuple("abcd"), {"*": Rows(np.digitize(values, [-0.6, 0.5]).astype(float))})
        outline = Outline({"f": tuple("abcd")}, ("*",), identify="variance", ordered=sample.thresholds, scaled=False)
        model = model or outlined(outline)
        fit = sample.fit(model)
        assert fit.converged
        found.append(fit.x[:4])
        errors.append(np.sqrt(np.diag(fit.covariance))[:4])
        tests.append(fit.chisq)
    estimates, spread = np.array(found), np.array(errors)
    bias = estimates.mean(axis=0) - loading
    assert (np.abs(bias) < 3.5 * estimates.std(axis=0) / np.sqrt(runs) + 0.003).all()
    np.testing.assert_allclose(np.sqrt((spread**2).mean(axis=0)) / estimates.std(axis=0), 1, atol=0.2)
    covered = (np.abs(estimates - loading) < 1.96 * spread).mean(axis=0)
    assert (np.abs(covered - 0.95) < 0.062).all()
    assert np.mean(tests) == pytest.approx(2, abs=3 * np.sqrt(4 / runs) + 0.1)


def test_omega_of_a_score_is_the_correlation_of_two_parallel_ones() -> None:
    """200,000 persons answer four items twice, with the same standing and new errors."""
    loading, rng = np.array([0.8, 0.7, 0.6, 0.75]), np.random.default_rng(22)
    common = rng.normal(size=(200_000, 1))
    scores = [
        np.digitize(common * loading + rng.normal(size=(200_000, 4)) * np.sqrt(1 - loading**2), CUTS).sum(axis=1)
        for _ in range(2)
    ]
    correlation = np.outer(loading, loading) + np.diag(1 - loading**2)
    told = core.omega_categorical(loading, [CUTS] * 4, correlation)
    assert told == pytest.approx(np.corrcoef(scores)[0, 1], abs=0.004)


def test_variances_of_answers_by_their_thresholds(frame: pd.DataFrame) -> None:
    sample = sampled_ordered(tuple(ITEMS), {"*": Rows(frame[ITEMS].to_numpy(dtype=float))})
    np.testing.assert_allclose(sample.variances[0], frame[ITEMS].var(ddof=0), rtol=1e-9)
