"""Mixed models find what is there: reduced counts here, the whole in `make validate` (docs/validation-mixed.md)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.simulation import mixed, mixed_sampling
from tests.simulation.mixed import World, drawn, recovery, share
from tests.simulation.mixed_sampling import Case, chances, sampling

SEED = 7
SURE = 3.5  # Monte Carlo errors: one right figure in two thousand
FEW = World(6, 500, 0.10)
WORLDS = (FEW, World(8, 2000, 0.10), World(16, 5000, 0.30))


def below(covers: pd.Series, runs: pd.Series, least: float) -> pd.Series:
    """Where a coverage is lower than it may be by more than chance."""
    return covers < least - SURE * np.sqrt(least * (100 - least) / runs)


@pytest.mark.slow
def test_what_is_there_is_found() -> None:
    found = recovery(80, SEED, WORLDS)
    variances, coefficients, cells = (f(found) for f in (mixed.variances, mixed.coefficients, mixed.cells))
    print(variances.round(2).to_string(), coefficients.round(2).to_string(), cells.round(1).to_string(), sep="\n")
    # REML is free of bias but for those cut at zero
    assert (variances["bias %"].abs() < SURE * variances["MC "] + 2 + variances["at zero %"]).all()
    assert not below(variances["Wald covers %"], variances["runs"], 92).any()
    assert not below(coefficients["covers %"], coefficients["runs"], 94).any()
    assert (coefficients["bias in SD"].abs() < SURE * coefficients["MC "]).all()
    assert coefficients["SE ratio"].between(0.75, 1.25).all()
    assert (cells["cells cover %"] > [88, 91, 93]).all()  # variances are taken as known, of six organisations hardly so
    assert (cells["converged %"] >= 99).all()
    assert (cells["wrong and not told"] == 0).all()


@pytest.mark.slow
def test_shuffled_organisations_do_not_differ() -> None:
    table = mixed.control(150, SEED, (FEW, World(16, 5000, 0.30)))
    print(table.round(1).to_string())
    assert (table["said to differ %"] < 5 + SURE * np.sqrt(5 * 95 / table["runs"])).all()
    assert (table["profile above zero %"] <= table["said to differ %"]).all()


@pytest.mark.slow
def test_chances_that_depend_on_the_answer() -> None:
    table = sampling(40, SEED, (Case(30, 1.0, "related"),)).set_index(["way", "number"])
    print(table.round(3).to_string())
    apart = (table["bias"].abs() / table["MC error"])["no weights"]
    assert (apart[["intercept", "slope", "residual"]] > 10).all(), "the harness no longer sees what it was built to see"
    assert (table["bias"]["design in the model"].abs() < SURE * table["MC error"]["design in the model"] + 0.01).all()
    left = table["bias"].unstack("way").loc[["intercept", "slope"]]
    assert (left["pseudo, overall"].abs() < 0.3 * left["no weights"].abs()).all()
    judged = table.loc[["design in the model", "pseudo, overall"]].loc[pd.IndexSlice[:, ["intercept", "slope"]], :]
    assert not below(judged["covers %"], judged["runs"], 90).any()


@pytest.mark.slow
def test_laplace_understates_where_units_are_small() -> None:
    table = mixed.laplace(40, SEED)
    print(table.round(1).to_string())
    apart = table["quadrature: bias %"] - table["Laplace: bias %"]  # of the same samples: hardly any Monte Carlo error
    assert apart.iloc[0] > 10
    assert apart.is_monotonic_decreasing
    assert apart.iloc[-1] < 2
    assert (
        table["quadrature: bias %"].abs() < SURE * table["MC "] + 3
    ).all()  # maximum likelihood: one coefficient of 100


def test_the_harness_draws_what_it_says() -> None:
    rng = np.random.default_rng(SEED)
    world = World(16, 5000, 0.30)
    assert sum(world.variances.values()) == pytest.approx(1)
    frame, mean = drawn(rng, world)
    assert (frame["y"] - mean).var() == pytest.approx(world.variances["residual"], rel=0.1)
    sizes = frame.groupby("region").size()
    assert sizes.max() > 20 * sizes.min()
    for cv in (0.5, 1.0):
        weights = 1 / chances(cv)
        p = chances(cv) / 6
        assert np.sqrt((p * weights**2).sum() / (p * weights).sum() ** 2 - 1) == pytest.approx(cv)
    people, truth = mixed_sampling.drawn(rng, Case(2000, 1.0, "related"))
    level = np.average(people["y"], weights=people["w"] * (people["x"] == 0))
    assert level == pytest.approx(truth["intercept"], abs=0.02)


def test_a_wrong_fit_that_is_not_told_is_seen() -> None:
    frame, _ = drawn(np.random.default_rng(SEED), FEW)
    fit = mixed.fitted(frame, FEW)
    assert not mixed._unflagged(fit, FEW)
    worse = replace(fit, fit=replace(fit.fit, deviance=fit.fit.deviance + 100))
    assert mixed._unflagged(worse, FEW)
    assert not mixed._unflagged(replace(worse, converged=False), FEW)


def test_share() -> None:
    mean, error, runs = share(pd.Series([1.0, 1.0, 0.0, np.nan, 1.0]))
    assert (mean, runs) == (75.0, 4)
    assert error == pytest.approx(100 * np.sqrt(0.25 * 0.75 / 4))
    assert share(pd.Series([1.0] * 50))[1] > 0
    assert np.isnan(share(pd.Series([np.nan]))[0])
