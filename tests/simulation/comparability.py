"""How often does the verdict cry wolf, and how often does it see the wolf?  Scales of five-point items with a known flaw.

usage: python -m tests.simulation.comparability [RUNS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.methods.comparability import comparability

ITEMS = ("q1", "q2", "q3", "q4")
CUTS = np.array([-1.4, -0.5, 0.4, 1.3])
LOADING = 0.75
MEANS = (0.0, 0.2, -0.2, 0.1, -0.1, 0.3, -0.3, 0.0)  # of the groups: true differences must not look like a flaw
WORDS = ("comparable", "linkable", "broken")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What one group answers otherwise, in latent standard deviations."""

    shift: Mapping[str, float] = field(default_factory=dict)  #: item to its intercept
    loading: Mapping[str, float] = field(default_factory=dict)  #: item to its loading
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A design and a flaw, and the verdict that is right.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        Answers of each group; the last has the flaw.
    items : tuple of str
    flaw : Flaw
    right : str
    named : str
        Items that the verdict should name.
    least : float
        Share of the runs, in per cent, in which the verdict has to be right.
    cut : {"group", "wave"}
    """

    name: str
    sizes: tuple[int, ...]
    flaw: Flaw
    right: str
    named: str = ""
    least: float = 95.0
    items: tuple[str, ...] = ITEMS
    cut: str = "group"


SCENARIOS = (
    Scenario("no flaw, 4 x 150", (150,) * 4, Flaw(), "comparable"),
    Scenario("no flaw, 4 x 1,000", (1000,) * 4, Flaw(), "comparable"),
    Scenario("no flaw, 8 x 400", (400,) * 8, Flaw(), "comparable"),
    Scenario("no flaw, 2,000 and 120", (2000, 120), Flaw(), "comparable"),
    Scenario("no flaw, two items, 4 x 500", (500,) * 4, Flaw(), "comparable", items=("q1", "q2")),
    Scenario("a trifle (0.1), 4 x 1,000", (1000,) * 4, Flaw({"q4": 0.1}), "comparable"),
    Scenario("one intercept by 0.5, 4 x 300", (300,) * 4, Flaw({"q4": 0.5}), "linkable", "q4", 80),
    Scenario("one intercept by 0.7, 4 x 300", (300,) * 4, Flaw({"q4": 0.7}), "linkable", "q4"),
    Scenario("one intercept by 0.5, 4 x 1,000", (1000,) * 4, Flaw({"q4": 0.5}), "linkable", "q4"),
    Scenario("three of four by 0.7, -0.7, 0.4", (600,) * 3, Flaw({"q2": 0.7, "q3": -0.7, "q4": 0.4}), "broken", "", 70),
    Scenario("two items, one by 0.7, 4 x 500", (500,) * 4, Flaw({"q2": 0.7}), "broken", items=("q1", "q2")),
    Scenario("wave turned round, 2 x 500", (500,) * 2, Flaw(turned=True), "broken", " ".join(ITEMS), 95, cut="wave"),
)


def answers(rng: np.random.Generator, scenario: Scenario) -> pd.DataFrame:
    """Draw the answers of all groups."""
    frames = []
    for g, size in enumerate(scenario.sizes):
        flaw = scenario.flaw if g == len(scenario.sizes) - 1 else Flaw()
        standing = MEANS[g] + rng.normal(size=size)
        values = {i: _item(rng, i, standing, flaw) for i in scenario.items}
        frames.append(pd.DataFrame(values).assign(unit=f"u{len(scenario.sizes) - g}"))
    return pd.concat(frames, ignore_index=True)


def _item(rng: np.random.Generator, item: str, standing: np.ndarray, flaw: Flaw) -> np.ndarray:
    loading = flaw.loading.get(item, LOADING)
    easy = {"q1": 0.4, "q2": 0.0, "q3": -0.5, "q4": 0.8}[item]
    latent = (
        easy + flaw.shift.get(item, 0.0) + loading * standing + np.sqrt(1 - LOADING**2) * rng.normal(size=len(standing))
    )
    found = 1.0 + np.searchsorted(CUTS, latent)
    return np.asarray(6 - found if flaw.turned else found)


def once(rng: np.random.Generator, scenario: Scenario) -> tuple[str, str]:
    """Give the verdict and the items it names."""
    where: dict[str, Any] = {"group": None, "region": None, "wave": None, scenario.cut: "unit"}
    found = comparability(answers(rng, scenario), scales={"s": scenario.items}, **where).verdicts.iloc[0]
    return str(found["verdict"]), str(found["items"])


def simulate(runs: int, seed: int, draw: Callable[..., tuple[str, str]] = once) -> pd.DataFrame:
    """Judge every scenario so often.

    Returns
    -------
    DataFrame
        ``scenario, right, runs, comparable, linkable, broken`` (per cent of the runs), ``named`` (per cent in which the right items
        are named, where there are some), ``mc_error`` (of the share of right verdicts), ``least``.
    """
    rows = []
    for k, scenario in enumerate(SCENARIOS):
        found = [draw(np.random.default_rng([seed, k, run]), scenario) for run in range(runs)]
        shares = {w: 100 * float(np.mean([v == w for v, _ in found])) for w in WORDS}
        named = 100 * float(np.mean([set(i.split()) == set(scenario.named.split()) for _, i in found]))
        error = float(np.sqrt(shares[scenario.right] * (100 - shares[scenario.right]) / runs))
        told = {"scenario": scenario.name, "right": scenario.right, "runs": runs, **shares}
        rows.append(told | {"named": named if scenario.named else np.nan, "mc_error": error, "least": scenario.least})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    given = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    print(simulate(given, 20261127).round(1).to_string(index=False))
