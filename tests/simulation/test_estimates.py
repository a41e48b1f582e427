"""Intervals hold the truth as often as they say: reduced counts here, the whole in `make validate` (docs/validation.md)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import Design, estimates
from tests.simulation.estimates import SCENARIOS, Scenario, judged, simulate
from tests.simulation.population import simple

RUNS = 400
SEED = 7
SURE = 3.3  # Monte Carlo errors beyond which a coverage is wrong: one right figure in a thousand


@pytest.mark.slow
def test_every_interval_covers_what_it_says() -> None:
    table = simulate(RUNS, SEED)
    print(table.round(3).to_string())
    reach = SURE * np.sqrt(table["coverage"].clip(80, 97) * (100 - table["coverage"].clip(80, 97)) / table["runs"])
    off = table[(table["coverage"] < table["low"] - reach) | (table["coverage"] > table["high"] + reach)]
    assert off[["what", "coverage", "mc_error"]].to_dict("records") == []
    assert table["bias"].abs().max() < 0.25  # of a standard deviation; 4 Monte Carlo errors and more
    assert set(table["scenario"]) == {s.name for s in SCENARIOS}


def test_the_harness_sees_an_interval_that_is_too_short() -> None:
    """Wald's interval of a share of 0.97 in 30 people covers about 60 %: the judge has to say so."""

    def wald(rng: np.random.Generator) -> list[tuple[str, float, pd.Series]]:
        row = estimates(simple(rng, 30), variables="usual", design=Design(weights="w")).tidy().iloc[0]
        return [("wald", 0.97, row)]

    rng = np.random.default_rng(SEED)
    told = next(iter(judged(Scenario("wrong", wald), [wald(rng) for _ in range(200)])))
    assert float(str(told["coverage"])) + SURE * float(str(told["mc_error"])) < 89
