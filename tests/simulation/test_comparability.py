"""The verdict is right as often as it should be: reduced counts here, the whole in `make validate` (docs/validation.md)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulation.comparability import SCENARIOS, Scenario, simulate

RUNS = 60
SEED = 7
SURE = 3.3  # Monte Carlo errors


@pytest.mark.slow
def test_no_false_alarm_and_no_flaw_missed() -> None:
    table = simulate(RUNS, SEED)
    print(table.round(1).to_string())
    right = np.array([row[row["right"]] for row in table.to_dict("records")])
    least = table["least"].to_numpy()
    reach = SURE * np.sqrt(least * (100 - least) / RUNS)
    assert table.loc[right < least - reach, "scenario"].tolist() == []
    named = table["named"].to_numpy()
    assert table.loc[named < 80, "scenario"].tolist() == []


def test_the_harness_counts_wrong_verdicts() -> None:
    def always(rng: np.random.Generator, scenario: Scenario) -> tuple[str, str]:
        return "comparable", ""

    table = simulate(5, SEED, always)
    flawed = [s.name for s in SCENARIOS if s.right != "comparable"]
    wrong = [r["scenario"] for r in table.to_dict("records") if r[r["right"]] < r["least"]]
    assert wrong == flawed
