"""Logit mixed models: slopes, quadrature against plain integration, what glmer gives, and what the data cannot carry.

glmer's numbers on real data are compared by `workbench verify` (tests/reference/mixed_real.R); here cbpp of them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

from analysis import mixed_intervals
from analysis.core import mixed, mixed_binomial
from analysis.core.mixed import Shape, Term
from analysis.core.mixed_binomial import Rows
from analysis.methods.mixed import NotFittable, fit_mixed

SLOPE = 1e-6  # absolute, slopes of some hundred by central differences
GLMER = 1e-3  # relative: glmer's optimiser is without slopes
HOME = Path(__file__).resolve().parents[1] / "reference"
HERDS = {"outcome": "incidence", "trials": "size", "fixed": ("period",), "random": ("herd",), "family": "binomial"}


@pytest.fixture(scope="module")
def herds() -> pd.DataFrame:
    return pd.read_csv(HOME / "mixed_cbpp.csv", dtype={"herd": "str", "period": "str"})


def glmer(model: str, quantity: str) -> pd.Series:
    table = pd.read_csv(HOME / "mixed_real.csv", keep_default_na=False)
    chosen = table[(table["model"] == model) & (table["quantity"] == quantity)]
    return chosen.set_index("term")["value"].astype(float)


def made(seed: int, sloped: bool) -> tuple[Rows, Shape, np.ndarray, np.ndarray]:
    rng, n = np.random.default_rng(seed), 300
    codes = [np.unique(rng.integers(0, q, n), return_inverse=True)[1] for q in (14, 6)]
    u = np.column_stack([np.ones(n), rng.normal(size=n)])
    uses = [(0, 1), (0,)] if sloped else [(0,), (0,)]
    layout = mixed.laid_out([Term(c, int(c.max()) + 1, s) for c, s in zip(codes, uses, strict=True)])
    x, trials = np.column_stack([np.ones(n), rng.normal(size=n)]), rng.integers(1, 5, n).astype(float)
    eta = x @ [0.3, -0.5] + rng.normal(size=14)[codes[0]]
    successes = rng.binomial(trials.astype(int), special.expit(eta)).astype(float)
    rows = Rows(layout, successes, trials, x, u, mixed_binomial.constant(successes, trials))
    shape = mixed.shaped(layout, np.array([1.0, 0.1, 1.2])[: len(layout.products)])
    theta = rng.normal(0, 0.3, len(shape.term))
    return rows, shape, np.where(shape.bounded, np.abs(theta) + 0.2, theta), rng.normal(0, 0.4, 2)


@pytest.mark.parametrize("sloped", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_slopes(seed: int, sloped: bool) -> None:
    rows, shape, theta, beta = made(seed, sloped)
    _, by_theta, by_beta, mode = mixed_binomial.slopes(rows, shape, theta, beta)
    assert mode.settled
    both = np.concatenate([theta, beta])

    def value(v: np.ndarray) -> float:
        return mixed_binomial.deviance(rows, shape, v[: len(theta)], v[len(theta) :])[0]

    step = 1e-5 * np.eye(len(both))
    expected = [(value(both + h) - value(both - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(np.concatenate([by_theta, by_beta]), expected, atol=SLOPE)


def test_quadrature_is_the_integral(herds: pd.DataFrame) -> None:
    fit = fit_mixed(herds, **HERDS, method="agq")
    sd = np.sqrt(fit.variance_of("herd"))
    eta = fit.fixed.of(herds) @ fit.fit.beta
    total = 0.0
    for at in herds.groupby("herd").indices.values():
        k, n, base = (
            v.to_numpy()[at] if isinstance(v, pd.Series) else v[at] for v in (herds["incidence"], herds["size"], eta)
        )

        def density(u: float, k=k, n=n, base=base) -> float:
            law = special.comb(n, k) * special.expit(base + sd * u) ** k * special.expit(-base - sd * u) ** (n - k)
            return float(np.prod(law) * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi))

        total += np.log(integrate.quad(density, -9, 9, epsabs=0, epsrel=1e-11, points=[0.0])[0])
    assert fit.log_likelihood == pytest.approx(total, abs=1e-8)


def test_as_glmer(herds: pd.DataFrame) -> None:
    for model, method in (("cbpp_1", "laplace"), ("cbpp_25", "agq")):
        fit = fit_mixed(herds, **HERDS, method=method)
        table = fit.coefficients.set_index(fit.coefficients["term"].str.replace("=", ""))
        for quantity in ("estimate", "std_error"):
            np.testing.assert_allclose(table[quantity], glmer(model, quantity)[table.index], rtol=GLMER)
        assert fit.variance_of("herd") == pytest.approx(glmer(model, "covariance").iloc[0], rel=GLMER)
        modes = fit.effects.set_index("level")["estimate"]
        expected = glmer(model, "effect herd")
        names = [t.split(",")[0] for t in expected.index]
        np.testing.assert_allclose(modes[names], expected, atol=GLMER * np.sqrt(fit.variance_of("herd")))
        assert fit.converged
    assert fit_mixed(herds, **HERDS).log_likelihood == pytest.approx(
        glmer("cbpp_1", "log_likelihood").iloc[0], abs=1e-6
    )


def test_rows_and_cells_give_the_same(herds: pd.DataFrame) -> None:
    yes = herds.loc[herds.index.repeat(herds["incidence"])].assign(y=1)
    no = herds.loc[herds.index.repeat(herds["size"] - herds["incidence"])].assign(y=0)
    rows = pd.concat([yes, no], ignore_index=True)
    asked = {"outcome": "y", "fixed": ("period",), "random": ("herd",), "family": "binomial"}
    one, two = fit_mixed(rows, **asked), fit_mixed(herds, **HERDS)
    np.testing.assert_allclose(one.coefficients["estimate"], two.coefficients["estimate"], rtol=1e-7)
    assert one.n == herds["size"].sum()
    np.testing.assert_allclose(one.effects["n"], herds.groupby("herd")["size"].sum()[one.effects["level"]])
    assert fit_mixed(rows.assign(y=rows["y"] == 1), **asked).log_likelihood == pytest.approx(one.log_likelihood)


def test_yes_and_no_are_mirror_images(herds: pd.DataFrame) -> None:
    turned = herds.assign(incidence=herds["size"] - herds["incidence"])
    one, two = fit_mixed(herds, **HERDS), fit_mixed(turned, **HERDS)
    np.testing.assert_allclose(one.coefficients["estimate"], -two.coefficients["estimate"], rtol=1e-6)
    np.testing.assert_allclose(one.components["variance"], two.components["variance"], rtol=1e-6)


def test_separation_is_told(herds: pd.DataFrame) -> None:
    apart = herds.assign(incidence=np.where(herds["period"] == "1", 0, herds["incidence"]))
    with pytest.raises(NotFittable, match="separation"):
        fit_mixed(apart, **HERDS)


def test_no_difference_between_levels_is_told() -> None:
    frame = pd.DataFrame({"y": [0, 1] * 30, "g": np.repeat(list("abcdef"), 10)})
    fit = fit_mixed(frame, outcome="y", random=("g",), family="binomial")
    assert fit.singular
    assert fit.components.loc[0, "variance"] == 0
    assert 0 < fit.components.loc[0, "conf_high"] < np.inf
    assert any("zero" in p for p in fit.problems)


@pytest.mark.parametrize(
    ("change", "asked", "error", "said"),
    [
        ({"y": [0, 1, 2, 1]}, {}, ValueError, "0 and 1"),
        ({}, {"trials": "n", "outcome": "y"}, ValueError, "whole numbers from 0 to 'n'"),
        ({}, {"method": "reml"}, ValueError, "unknown method"),
        ({}, {"nodes": 9}, ValueError, "nodes changes nothing"),
        ({}, {"prior_weights": "n"}, ValueError, "prior_weights out"),
        ({"y": [1, 1, 1, 1]}, {}, NotFittable, "constant"),
        ({}, {"random": ("g", "h"), "method": "agq"}, ValueError, "one factor"),
    ],
)
def test_bad_questions(change: dict, asked: dict, error: type[Exception], said: str) -> None:
    frame = pd.DataFrame({"y": [0, 1, 0, 1], "n": [1, 0, 1, 1], "g": list("aabb"), "h": list("abab")}).assign(**change)
    with pytest.raises(error, match=said):
        fit_mixed(frame, **({"outcome": "y", "random": ("g",), "family": "binomial"} | asked))


def test_bootstrap_holds_the_estimate(herds: pd.DataFrame) -> None:
    one = mixed_intervals(fit_mixed(herds, **HERDS), method="bootstrap", frame=herds, draws=100, seed=1).table
    slopes = one[one["statistic"] == "coefficient"]
    assert ((slopes["conf_low"] < slopes["estimate"]) & (slopes["estimate"] < slopes["conf_high"])).all()
