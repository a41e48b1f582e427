"""Mixed models of samples in which the chance of being asked depends on the answer: left alone, modelled, weighted.

40 organisations, all there. A person answers 1 + 0.5 x + b + g s + e; x is 0 or 1, s is -1, 0 or 1, each as often as the others.
People are asked with a chance of exp(a s) where x = 1, exp(a s / 3) where x = 0, so that samples of the same organisation have the
wrong level and the wrong slope; weights are the inverse of the chance, a makes their coefficient of variation. ``related``: g s is
half of the residual variance; ``apart``: g is 0. Truth: what asking everybody in these organisations would have given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

import survey
from analysis import Design, Replicates, fit_mixed, poststratified, pseudo_mixed
from analysis.methods.mixed import NotFittable

UNITS, TAU2, SIGMA2, MEAN, SLOPE = 40, 0.2, 0.8, 1.0, 0.5
REPLICATES = 40
STATES = np.array([-1.0, 0.0, 1.0])
TERMS = ("intercept", "slope", "variance", "residual")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A way of sampling."""

    size: int  #: people of an organisation
    cv: float
    kind: str

    @property
    def name(self) -> str:
        return f"{self.size} a unit, weights {self.kind}, CV {self.cv}"


CASES = tuple(Case(*c) for c in (*product((5, 30), (0.5, 1.0), ("related",)), (5, 1.0, "apart"), (30, 1.0, "apart")))


def chances(cv: float) -> np.ndarray:
    """Chance of being asked, (x, s), that makes weights of this coefficient of variation."""

    def made(a: float) -> np.ndarray:
        return np.exp(a * np.outer([1 / 3, 1.0], STATES))

    found = made(optimize.brentq(lambda a: made(a).mean() * (1 / made(a)).mean() - 1 - cv**2, 0.01, 5))
    return found / found.mean()


def drawn(rng: np.random.Generator, case: Case) -> tuple[pd.DataFrame, dict[str, float]]:
    """A sample, and the truth of these organisations."""
    chance = chances(case.cv)
    n = UNITS * case.size
    unit, at = np.repeat(np.arange(UNITS), case.size), rng.choice(6, n, p=chance.ravel() / 6)
    x, s = np.divmod(at, 3)
    g = np.sqrt(SIGMA2 / 2 / (2 / 3)) * (case.kind == "related")
    rest = np.sqrt(SIGMA2 - g**2 * 2 / 3)
    b = rng.normal(0, np.sqrt(TAU2), UNITS)
    y = MEAN + SLOPE * x + b[unit] + g * STATES[s] + rng.normal(0, rest, n)
    frame = pd.DataFrame({"unit": unit.astype(str), "x": x.astype(float), "s": s.astype(str), "y": y})
    truth = {"intercept": MEAN + b.mean(), "slope": SLOPE, "variance": float(b.var()), "residual": SIGMA2}
    return frame.assign(w=1 / chance[x, s]), truth


def estimated(rng: np.random.Generator, case: Case) -> Iterator[Row]:
    """One sample by every way: a row a way and number."""
    frame, truth = drawn(rng, case)
    made = survey.replicate(frame, [], base="w", strata="unit", replicates=REPLICATES, seed=int(rng.integers(2**31)))
    design = Design(weights="w", replicates=Replicates(**made.design))
    asked = {"outcome": "y", "fixed": ("x",), "random": ("unit",)}
    whole = pd.concat([frame, made.weights], axis=1)
    ways = {
        "no weights": _of_fit(fit_mixed(frame, **asked)),
        "design in the model": _of_poststratified(frame),
        "pseudo, overall": _of_pseudo(pseudo_mixed(whole, design=design, **asked)),
        "pseudo, by unit": _of_pseudo(pseudo_mixed(whole, design=design, scale_by="unit", **asked)),
    }
    for way, found in ways.items():
        for term, row in zip(TERMS, found, strict=False):
            inside = float(row["conf_low"] <= truth[term] <= row["conf_high"])
            others = float(row["conf_low"] <= MEAN <= row["conf_high"]) if term == "intercept" else np.nan
            yield {"way": way, "term": term, "off": row["estimate"] - truth[term], "inside": inside, "others": others}
            yield from [{"way": way, "term": "failed", "off": row["failed"]} for _ in "1" if "failed" in row]


def _of_fit(fit: Any) -> list[Row]:
    rows = fit.coefficients[["estimate", "conf_low", "conf_high"]].to_dict("records")
    parts = fit.components.rename(columns={"variance": "estimate"})
    return [*rows, *parts[["estimate", "conf_low", "conf_high"]].to_dict("records")]


def _of_pseudo(found: Any) -> list[Row]:
    rows = _of_fit(found)
    rows[0]["failed"] = found.failed / found.replicates
    return rows


def _of_poststratified(frame: pd.DataFrame) -> list[Row]:
    """Mean where x is 0, difference to where it is 1, and the variance between units."""
    text = frame.assign(x="x" + frame["x"].astype(int).astype(str))
    try:
        fit = fit_mixed(text, outcome="y", fixed=("x", "s", ("x", "s")), random=("unit",))
    except NotFittable:  # nobody of some x and s was asked: told, and counted by the runs that are missing
        return []
    registry = pd.DataFrame(product(sorted(set(text["unit"])), ("x0", "x1"), "012"), columns=["unit", "x", "s"]).assign(
        people=1.0
    )
    found = poststratified(fit, registry, count="people", by=["x"], answers=text)
    means, v = found.units.set_index("x")["estimate"], found.covariance
    rows = [
        _normal(means["x0"], np.sqrt(v[0, 0])),
        _normal(means["x1"] - means["x0"], np.sqrt(v[0, 0] + v[1, 1] - 2 * v[0, 1])),
    ]
    return [*rows, _of_fit(fit)[len(fit.coefficients)]]


def _normal(estimate: float, error: float) -> Row:
    return {"estimate": estimate, "conf_low": estimate - 1.96 * error, "conf_high": estimate + 1.96 * error}


def sampling(runs: int, seed: int, cases: tuple[Case, ...] = CASES) -> pd.DataFrame:
    """Bias, in the outcome's unit or unit squared, and coverage, by case, way and number."""
    rows = []
    for number, case in enumerate(cases):
        rng = np.random.default_rng([seed, 3, number])
        rows += [{"case": case.name, **r} for _ in range(runs) for r in estimated(rng, case)]
    return judged(pd.DataFrame(rows))


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """A row a case, way and number."""
    rows = []
    for (case, way, term), one in table.groupby(["case", "way", "term"], sort=False):
        runs, hits, others = len(one), one["inside"].mean(), one["others"].mean()
        if term == "failed":
            continue
        rows.append(
            {
                "sample": case,
                "way": way,
                "number": term,
                "runs": runs,
                "bias": one["off"].mean(),
                "MC error": one["off"].std() / np.sqrt(runs),
                "SD": one["off"].std(),
                "covers %": 100 * hits,
                "MC": 100 * np.sqrt(max(hits * (1 - hits), 1 / runs) / runs),
                "of any units %": 100 * others,
            }
        )
    return pd.DataFrame(rows)
