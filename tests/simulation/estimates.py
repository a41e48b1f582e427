"""Coverage of the intervals of estimates: means, domains, small proportions, calibrated totals, few clusters, replicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

import analysis
import survey
from analysis import Design
from tests.simulation.population import population, simple, two_stage, willing

TWO_STAGE = Design(weights="w", strata="stratum", cluster=("town", None), fpc=("fpc1", "fpc2"))
FIRST = Design(weights="w", strata="stratum", cluster="town")
Drawn = list[tuple[str, float, pd.Series]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to draw and to estimate.

    Attributes
    ----------
    name : str
    once : callable
        One run: rows (what, truth, tidy row).
    low, high : float
        Coverage that is right, in per cent, were the runs endless.
    share : float
        Part of the runs of the others that this one gets: some are slow.
    """

    name: str
    once: Callable[[np.random.Generator], Drawn]
    low: float = 94.0
    high: float = 96.0
    share: float = 1.0


def _row(result: object, position: int = 0) -> pd.Series:
    return result.tidy().iloc[position]  # type: ignore[attr-defined]


def _mean(rng: np.random.Generator) -> Drawn:
    frame, whole = two_stage(rng), population()
    ratio = analysis.estimates(frame, variables="hours", statistic="ratio", denominator="score", design=TWO_STAGE)
    return [
        ("mean", whole["score"].mean(), _row(analysis.estimates(frame, variables="score", design=TWO_STAGE))),
        (
            "mean, first stage alone",
            whole["score"].mean(),
            _row(analysis.estimates(frame, variables="score", design=FIRST)),
        ),
        ("ratio", whole["hours"].sum() / whole["score"].sum(), _row(ratio)),
    ]


def _domains(rng: np.random.Generator) -> Drawn:
    frame, whole = two_stage(rng), population()
    rows = analysis.estimates(frame, variables="score", by={"group": "group"}, design=TWO_STAGE)
    table = rows.tidy().set_index("group")
    found = [(f"domain {g}", whole.loc[whole["group"] == g, "score"].mean(), table.loc[g]) for g in "ace"]
    between = _row(analysis.contrast(rows, [({"group": "c"}, {"group": "d"})]))
    truth = whole.groupby("group")["score"].mean()
    return [*found, ("difference of domains", truth["c"] - truth["d"], between)]


def _proportion(people: int, trait: str) -> Callable[[np.random.Generator], Drawn]:
    def once(rng: np.random.Generator) -> Drawn:
        frame, truth = simple(rng, people), population()[trait].mean()
        rows = analysis.estimates(frame, variables=trait, statistic="proportion", design=Design(weights="w")).tidy()
        rows = rows[rows["term"] == f"{trait}=1"]
        if len(rows):
            return [(f"proportion {truth:.2f}, n {people}", truth, rows.iloc[0])]
        none = analysis.estimates(frame.assign(none=0), variables="none", statistic="proportion").tidy().iloc[0]
        # nobody had it: the interval of its opposite, turned round
        ends = pd.Series({"estimate": 0.0, "std_error": 0.0, "conf_low": 0.0, "conf_high": 1 - none["conf_low"]})
        return [(f"proportion {truth:.2f}, n {people}", truth, ends)]

    return once


def _clustered_proportion(rng: np.random.Generator) -> Drawn:
    frame, truth = two_stage(rng, people=30), population()["rare"].mean()
    return [("proportion 0.03, clustered", truth, _share(frame, TWO_STAGE))]


def _share(frame: pd.DataFrame, design: Design) -> pd.Series:
    rows = analysis.estimates(frame, variables="rare", statistic="proportion", design=design).tidy()
    return rows[rows["term"] == "rare=1"].iloc[0]


def _few(rng: np.random.Generator) -> Drawn:
    frame, whole = two_stage(rng, towns=8, people=20, strata=1), population()
    truth = whole.loc[whole["stratum"] < 1, "score"].mean()
    return [("mean of 8 clusters", truth, _row(analysis.estimates(frame, variables="score", design=TWO_STAGE)))]


def _margins() -> dict[str | tuple[str, ...], dict[object, float]]:
    whole = population()
    return {c: {k: float(v) for k, v in whole[c].value_counts().items()} for c in ("group", "age")}


def _calibrated(rng: np.random.Generator) -> Drawn:
    frame, whole = willing(rng, 2500), population()
    raked = survey.rake(frame, _margins())
    design, frame = Design(weights="v", calibration=raked.calibration), frame.assign(v=raked.weights)
    total = analysis.estimates(frame, variables="hours", statistic="total", design=design)
    domain = (
        analysis.estimates(frame, variables="score", by={"group": "group"}, design=design).tidy().set_index("group")
    )
    linear = survey.calibrate(frame, margins=_margins(), bounds=(0.1, 20))
    exact = Design(weights="u", calibration=linear.calibration)
    greg = analysis.estimates(frame.assign(u=linear.weights), variables="hours", statistic="total", design=exact)
    return [
        ("raked total", whole["hours"].sum(), _row(total)),
        ("raked mean of a domain", whole.loc[whole["group"] == "d", "score"].mean(), domain.loc["d"]),
        ("calibrated total", whole["hours"].sum(), _row(greg)),
    ]


def _replicated(rng: np.random.Generator) -> Drawn:
    frame, whole = willing(rng, 1500), population()
    margins = _margins()
    raked = survey.rake(frame, margins)
    seed = int(rng.integers(2**31))
    made = survey.replicate(frame, [survey.Raking(margins)], replicates=200, seed=seed)
    design = Design(weights="v", replicates=analysis.Replicates(**made.design))
    frame = pd.concat([frame.assign(v=raked.weights), made.weights], axis=1)
    total = analysis.estimates(frame, variables="hours", statistic="total", design=design)
    return [("raked total, bootstrap", whole["hours"].sum(), _row(total))]


SCENARIOS = (
    Scenario("two-stage sample", _mean),
    Scenario("domains that cross strata", _domains),
    Scenario("small proportion", _proportion(30, "usual"), 89, 99.5),
    Scenario("small proportion", _proportion(60, "rare"), 89, 99.5),
    Scenario("small proportion", _proportion(300, "rare"), 93, 98),
    Scenario("small proportion", _clustered_proportion),
    Scenario("few clusters", _few, 93, 97),
    Scenario("calibration", _calibrated),
    Scenario("replicates", _replicated, share=0.8),
)


def simulate(runs: int, seed: int) -> pd.DataFrame:
    """Run every scenario.

    Returns
    -------
    DataFrame
        ``scenario, what, runs, truth, bias`` (of the estimate, in its standard deviations), ``se_ratio`` (mean standard error /
        standard deviation of the estimates), ``coverage`` and ``mc_error`` (per cent), ``low``, ``high``.
    """
    rows = []
    for number, scenario in enumerate(SCENARIOS):
        rng = np.random.default_rng([seed, number])
        drawn = [scenario.once(rng) for _ in range(max(int(runs * scenario.share), 1))]
        rows += list(judged(scenario, drawn))
    return pd.DataFrame(rows)


def judged(scenario: Scenario, drawn: list[Drawn]) -> Iterator[dict[str, object]]:
    """Give coverage, bias and the size of the errors of everything that a scenario estimates."""
    for k, (what, truth, _) in enumerate(drawn[0]):
        table = pd.DataFrame([one[k][2] for one in drawn])
        found = table["estimate"].astype(float)
        inside = ((table["conf_low"] <= truth) & (truth <= table["conf_high"])).mean()
        yield {
            "scenario": scenario.name,
            "what": what,
            "runs": len(drawn),
            "truth": truth,
            "bias": (found.mean() - truth) / found.std(),
            "se_ratio": table["std_error"].astype(float).mean() / found.std(),
            "coverage": 100 * inside,
            "mc_error": 100 * float(np.sqrt(inside * (1 - inside) / len(drawn))),
            "low": scenario.low,
            "high": scenario.high,
        }
