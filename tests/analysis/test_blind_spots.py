"""Who is named: against scipy and statsmodels, the interval beside the name, and how often chance names anybody.

Chances are judged on 1,000 made tables; names are wrong in at most 0.025 of them by construction (Monte Carlo error 0.005), and
what is promised is 0.05.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from analysis.methods.blind_spots import ADJUST, below_reference, effective_size

EXACT = 1e-9  # two ways to the same beta distribution
RUNS = 1000
CHANCE, SURE = 0.05, 0.9
TAIL = 0.025


def units(count, n, reference=0.5, among="1") -> pd.DataFrame:
    size = np.asarray(n, dtype=float)
    return pd.DataFrame({"share": np.asarray(count) / size, "size": size, "reference": reference, "among": among})


def drawn(chance, n, seed: int, runs: int = RUNS) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.binomial(n, chance, (runs, len(n))), np.repeat(np.arange(runs), len(n))


@pytest.mark.parametrize(("adjust", "theirs"), [("holm", "holm"), ("bh", "fdr_bh")])
def test_p_values_are_exact_and_adjusted(adjust: str, theirs: str) -> None:
    count, n = np.array([3, 20, 0, 12, 40]), np.array([30, 40, 8, 60, 40])
    found = below_reference(units(count, n), adjust=adjust)
    p = multipletests(stats.binom.cdf(count, n, 0.5), method=theirs)[1]
    np.testing.assert_allclose(found["p_value"], p, atol=EXACT)
    assert found["named"].tolist() == (p <= TAIL).tolist()


def test_the_interval_is_clopper_and_pearsons_for_all_units_at_once() -> None:
    count, n = np.array([3, 20, 0, 60]), np.array([30, 40, 8, 60])
    found = below_reference(units(count, n, 0.9))
    low, high = proportion_confint(count, n, alpha=0.05 / 4, method="beta")
    np.testing.assert_allclose(found["conf_low"], low, atol=EXACT)
    np.testing.assert_allclose(found["conf_high"], np.where(found["named"], np.minimum(high, 0.9), high), atol=EXACT)


@pytest.mark.parametrize("adjust", ADJUST)
def test_the_interval_lies_below_the_reference_of_those_named_and_of_nobody_else(adjust: str) -> None:
    rng = np.random.default_rng(3)
    n = rng.integers(5, 400, 3000)
    count = rng.binomial(n, rng.choice([0.2, 0.35, 0.4], 3000))
    found = below_reference(units(count, n, 0.4, rng.integers(0, 150, 3000)), adjust=adjust)
    assert (found.loc[found["named"], "conf_high"] <= 0.4).all()
    assert (found.loc[~found["named"], "conf_high"] > 0.4).all()
    if adjust == "bh":
        assert (found.loc[found["named"], "conf_high"] < 0.4).all()
    assert 100 < found["named"].sum() < 2900


@pytest.mark.parametrize("reference", [0.15, 0.5, 0.9])
def test_chance_alone_rarely_names_anybody(reference: float) -> None:
    """Ninety units of 5 to 400 members, none below: also where the reference is high and normal intervals fail."""
    n = np.random.default_rng(1).integers(5, 400, 90)
    count, run = drawn(reference, n, 20261128)
    found = below_reference(units(count.ravel(), np.tile(n, RUNS), reference, run))
    assert found["named"].groupby(run).any().mean() <= CHANCE


def test_chance_alone_rarely_names_anybody_below_the_whole_that_they_are_part_of() -> None:
    n = np.random.default_rng(2).integers(20, 400, 12)
    count, run = drawn(0.4, n, 7)
    whole = np.repeat(count.sum(axis=1) / n.sum(), len(n))
    found = below_reference(units(count.ravel(), np.tile(n, RUNS), whole, run))
    assert found["named"].groupby(run).any().mean() <= CHANCE


def test_intervals_of_all_units_hold_together() -> None:
    n, truth = np.full(20, 120), np.linspace(0.2, 0.6, 20)
    count, run = drawn(truth, n, 5)
    found = below_reference(units(count.ravel(), np.tile(n, RUNS), 0.4, run))
    true = np.tile(truth, RUNS)
    misses = (found["conf_low"] > true) | (found["conf_high"] < true)
    assert misses.groupby(run).any().mean() <= CHANCE


@pytest.mark.parametrize("reference", [0.4, 0.5, 0.8])
def test_half_of_the_reference_is_seen_among_ninety(reference: float) -> None:
    """A unit of 200 members at half the reference."""
    n = np.full(90, 200)
    count, run = drawn(np.append(reference / 2, np.full(89, reference)), n, 11, 400)
    found = below_reference(units(count.ravel(), np.tile(n, 400), reference, run))
    assert found["named"].to_numpy().reshape(400, 90)[:, 0].mean() > SURE


def test_the_effective_size_is_korn_and_graubards() -> None:
    rows = pd.DataFrame(
        {
            "estimate": [0.5, 0.3, 0.0, 1.0, np.nan],
            "std_error": [0.05, 0.01, 0.0, 0.0, np.nan],
            "n": 80.0,
            "n_eff": 60.0,
        }
    )
    t = (stats.t.ppf(0.975, 79) / stats.t.ppf(0.975, 10)) ** 2
    found = effective_size(rows, np.full(5, 10.0))
    # 0.25 / 0.05^2 is 100, more than the 80 there are; so is 0.21 / 0.01^2
    assert found[:4].tolist() == pytest.approx([80 * t, 80 * t, 60 * t, 60 * t])
    assert np.isnan(found[4])
    one = pd.DataFrame({"estimate": [0.5], "std_error": [0.1], "n": [80.0], "n_eff": [60.0]})
    assert effective_size(one, np.array([79.0]))[0] == pytest.approx(25)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"adjust": "none"}, "adjust must be one of holm, bh"),
        ({"conf_level": 95}, "conf_level"),
        ({"units": units([1], [2]).drop(columns="among")}, r"lack the columns \['among'\]"),
        ({"units": units([1], [2]).assign(size=0.0)}, "size above 0"),
        ({"units": units([1], [2]).assign(reference=1.5)}, "at most 1"),
    ],
)
def test_refuses(change: dict, words: str) -> None:
    asked = {"units": units([1], [2])} | change
    with pytest.raises(ValueError, match=words):
        below_reference(asked.pop("units"), **asked)


def test_nobody_is_compared_with_nobody() -> None:
    assert below_reference(units([], [])).empty
