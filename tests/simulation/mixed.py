"""Do mixed models find the truth, and say nothing where there is nothing?

``python -m tests.simulation.mixed_table [RUNS]`` writes the tables. Federations of organisations by 40 counties of very unequal
size; a person answers  1 + 0.3 x + b_organisation + b_county + b_both + e, beside covariates of organisations (z) and of
counties (c) that change nothing. ICC: variance of organisations; counties and combinations have half of it each; all with e
add up to 1 (logit: in the latent answer, whose residual is pi^2 / 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from analysis import fit_mixed, mixed_intervals
from analysis.core import mixed as core
from analysis.methods.mixed import MixedFit, NotFittable

REGIONS = 40
SLOPE, MEAN = 0.3, 1.0
PROFILED = 4  # every so many runs: a profile takes as long as twenty fits
FACTORS = ("group", "region", "group:region")
RANDOM = ("group", "region", ("group", "region"))
Z = 1.959963984540054
BOUNDARY, PLAIN = 2.705543454095404, 3.841458820694124  # 90 % and 95 % points of chi-squared with 1 degree of freedom
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """A kind of federation."""

    groups: int
    n: int
    icc: float
    logit: bool = False

    @property
    def name(self) -> str:
        return f"{self.groups} organisations, n {self.n:,}, ICC {self.icc:.2f}{', logit' if self.logit else ''}"

    @property
    def variances(self) -> dict[str, float]:
        """Variances by factor; a logit's residual is not among them."""
        parts = np.array([1.0, 0.5, 0.5]) * self.icc
        if self.logit:
            return dict(zip(FACTORS, parts / (1 - 2 * self.icc) * np.pi**2 / 3, strict=True))
        return dict(zip((*FACTORS, "residual"), [*parts, 1 - 2 * self.icc], strict=True))


WORLDS = (
    World(5, 1000, 0.10),
    World(6, 500, 0.10),
    World(8, 2000, 0.02),
    World(8, 2000, 0.10),
    World(16, 5000, 0.30),
    World(8, 2000, 0.10, logit=True),
    World(12, 5000, 0.05, logit=True),
)
CONTROLS = (World(6, 500, 0.10), World(8, 2000, 0.10), World(16, 5000, 0.30))


def drawn(rng: np.random.Generator, world: World) -> tuple[pd.DataFrame, pd.Series]:
    """A federation's answers, and the true mean (or logit) of each row's cell at its fixed part."""
    chance = np.outer(rng.lognormal(0, 0.7, world.groups), rng.lognormal(0, 0.8, REGIONS)).ravel()
    cell = rng.choice(chance.size, world.n, p=chance / chance.sum())
    group, region = np.divmod(cell, REGIONS)
    sizes, sd = (world.groups, REGIONS, chance.size), {k: np.sqrt(v) for k, v in world.variances.items()}
    b = [rng.normal(0, sd[f], q) for f, q in zip(FACTORS, sizes, strict=True)]
    x = rng.integers(0, 2, world.n) if world.logit else rng.normal(size=world.n).round(2)
    z, c = rng.normal(size=world.groups)[group], rng.normal(size=REGIONS)[region]
    mean = MEAN * (not world.logit) + SLOPE * x + b[0][group] + b[1][region] + b[2][cell]
    y = rng.binomial(1, special.expit(mean)) if world.logit else mean + rng.normal(0, sd["residual"], world.n)
    named = {"group": np.char.add("g", group.astype(str)), "region": np.char.add("r", region.astype(str))}
    return pd.DataFrame({**named, "x": x.astype(float), "z": z, "c": c, "y": y}), pd.Series(mean)


def fitted(frame: pd.DataFrame, world: World, **changed: Any) -> MixedFit:
    """The model that the federation was drawn by."""
    family = "binomial" if world.logit else "gaussian"
    return fit_mixed(
        frame, **({"outcome": "y", "fixed": ("x", "z", "c"), "random": RANDOM, "family": family} | changed)
    )


def recovered(rng: np.random.Generator, world: World, profile: bool) -> list[Row]:
    """One federation: a row a variance, a coefficient, the cells and the fit itself."""
    frame, mean = drawn(rng, world)
    try:
        fit = fitted(frame, world)
    except NotFittable:
        return [{"what": "fit", "term": "fit", "estimate": 0.0, "wrong": 0.0}]
    rows = [{"what": "fit", "term": "fit", "estimate": float(fit.converged), "wrong": float(_unflagged(fit, world))}]
    return [*rows, *_variances(fit, world, profile), *_coefficients(fit, world), _cells(fit, frame, mean)]


def _unflagged(fit: MixedFit, world: World) -> bool:
    """Whether a fit that says it converged has numbers missing, or fits worse than the truth."""
    numbers = fit.coefficients[["estimate", "std_error"]].to_numpy()
    if not fit.converged:
        return False
    if world.logit:
        return not np.isfinite(numbers).all()
    sd = {k: np.sqrt(v / world.variances["residual"]) for k, v in world.variances.items()}
    theta = np.array([sd[fit.factors[k].name] for k in fit.moments.order])
    right = core.deviance(fit.moments, fit.fit.shape, theta, reml=True)
    return not np.isfinite(numbers).all() or fit.fit.deviance > right + 1e-6


def _variances(fit: MixedFit, world: World, profile: bool) -> list[Row]:
    rows, ends = [], {}
    if profile and not world.logit and fit.converged:
        table = mixed_intervals(fit).table
        ends = {r["factor"]: (r["conf_low"], r["conf_high"]) for r in table.to_dict("records")}
    for r in fit.components.to_dict("records"):
        truth, name = world.variances[r["factor"]], r["factor"]
        profiled = float(ends[name][0] <= truth <= ends[name][1]) if ends else np.nan
        inside = float(r["conf_low"] <= truth <= r["conf_high"])
        zero, told = float(r["variance"] == 0), {"what": "variance", "term": name, "truth": truth}
        rows.append(told | {"estimate": r["variance"], "inside": inside, "profile": profiled, "zero": zero})
    return rows


def _coefficients(fit: MixedFit, world: World) -> list[Row]:
    right = {"(Intercept)": MEAN * (not world.logit), "x": SLOPE, "z": 0.0, "c": 0.0}
    keys = ["term", "estimate", "std_error", "df", "conf_low", "conf_high"]
    found = []
    for r in fit.coefficients[keys].to_dict("records"):
        truth = right[r["term"]]
        inside = float(r["conf_low"] <= truth <= r["conf_high"])
        found.append({"what": "coefficient", "truth": truth, "inside": inside, "df": min(r["df"], 1e4)} | r)
    return found


def _cells(fit: MixedFit, frame: pd.DataFrame, mean: pd.Series) -> Row:
    """Share of cells of organisation and county whose interval holds their true mean."""
    first = frame.drop_duplicates(["group", "region"]).index
    found = fit.cell_means(frame.loc[first])
    off = (found["estimate"] - mean[first]).abs() / found["std_error"]
    n = frame.groupby(["group", "region"])["y"].transform("size")[first]
    few = float((off[n < 5] <= Z).mean())
    return {"what": "cells", "term": "cells", "estimate": 0.0, "inside": float((off <= Z).mean()), "few": few}


def recovery(runs: int, seed: int, worlds: tuple[World, ...] = WORLDS) -> pd.DataFrame:
    """Every number of every run: world, run and the columns of `recovered`; logit federations half of the runs."""
    rows: list[Row] = []
    for number, world in enumerate(worlds):
        rng = np.random.default_rng([seed, 1, number])
        for run in range(max(runs // 2, 1) if world.logit else runs):
            found = recovered(rng, world, run % PROFILED == 0)
            rows += [{"world": world.name, "run": run, **r} for r in found]
    return pd.DataFrame(rows)


def share(values: pd.Series, least: float = 0.0) -> tuple[float, float, int]:
    """Mean of hits in per cent, its Monte Carlo error by runs, their number."""
    v = values.dropna().to_numpy(float)
    if not len(v):
        return np.nan, np.nan, 0
    spread = max(float(v.std()), np.sqrt(1 / len(v)) * (1 - 1 / len(v)) ** 0.5) if set(v) <= {0.0, 1.0} else v.std()
    return 100 * float(v.mean()), 100 * float(spread / np.sqrt(len(v))), len(v)


def variances(table: pd.DataFrame) -> pd.DataFrame:
    """Bias of variances in per cent of the truth, and coverage of Wald's and of profile intervals."""
    rows = []
    chosen = table[table["what"] == "variance"]
    for (world, term), one in chosen.groupby(["world", "term"], sort=False):
        truth = one["truth"].iloc[0]
        wald, profile = share(one["inside"]), share(one["profile"])
        rows.append(
            {
                "federation": world,
                "variance of": term,
                "truth": truth,
                "runs": len(one),
                "bias %": 100 * (one["estimate"].mean() / truth - 1),
                "MC ": 100 * one["estimate"].std() / truth / np.sqrt(len(one)),
                "at zero %": 100 * one["zero"].mean(),
                "Wald covers %": wald[0],
                "MC": wald[1],
                "profile covers %": profile[0],
                "MC error": profile[1],
            }
        )
    return pd.DataFrame(rows)


def coefficients(table: pd.DataFrame) -> pd.DataFrame:
    """Bias of coefficients in their standard deviations, coverage, error against spread; of z and c 100 - coverage is type I."""
    rows = []
    chosen = table[table["what"] == "coefficient"]
    for (world, term), one in chosen.groupby(["world", "term"], sort=False):
        sd, covered = one["estimate"].std(), share(one["inside"])
        rows.append(
            {
                "federation": world,
                "term": term,
                "runs": len(one),
                "bias in SD": (one["estimate"].mean() - one["truth"].iloc[0]) / sd,
                "MC ": 1 / np.sqrt(len(one)),
                "SE ratio": one["std_error"].mean() / sd,
                "df": one["df"].median(),
                "covers %": covered[0],
                "MC": covered[1],
                "type I %": 100 - covered[0] if term in ("z", "c") else np.nan,
            }
        )
    return pd.DataFrame(rows)


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """Coverage of shrunken means of cells, all and with fewer than five answers; how many fits converged."""
    rows = []
    for world, one in table.groupby("world", sort=False):
        inside, few = (share(one.loc[one["what"] == "cells", k]) for k in ("inside", "few"))
        fit = one[one["what"] == "fit"]
        rows.append(
            {
                "federation": world,
                "runs": len(fit),
                "cells cover %": inside[0],
                "MC": inside[1],
                "of fewer than 5 %": few[0],
                "MC ": few[1],
                "converged %": 100 * fit["estimate"].mean(),
                "wrong and not told": float(fit["wrong"].sum()),
            }
        )
    return pd.DataFrame(rows)


def control(runs: int, seed: int, worlds: tuple[World, ...] = CONTROLS) -> pd.DataFrame:
    """Organisations' labels shuffled among people: how often the likelihood ratio says that organisations differ.

    The ratio's law at the boundary is half a point at zero, half chi-squared with 1 degree of freedom: 5 % above 2.71. An interval
    of the profile lies above zero where it is above 3.84.
    """
    rows = []
    for number, world in enumerate(worlds):
        rng, ratio = np.random.default_rng([seed, 2, number]), np.empty(runs)
        for run in range(runs):
            frame, _ = drawn(rng, world)
            frame["group"] = rng.permutation(frame["group"].to_numpy())
            both = (fitted(frame, world, fixed=("x",), random=r) for r in (("group", "region"), ("region",)))
            ratio[run] = max(2 * (next(both).log_likelihood - next(both).log_likelihood), 0.0)
        said, above = (share(pd.Series(ratio > v, dtype=float)) for v in (BOUNDARY, PLAIN))
        rows.append(
            {
                "federation": world.name,
                "runs": runs,
                "variance at zero %": 100 * float((ratio < 1e-6).mean()),
                "said to differ %": said[0],
                "MC": said[1],
                "profile above zero %": above[0],
                "MC ": above[1],
            }
        )
    return pd.DataFrame(rows)


def laplace(runs: int, seed: int) -> pd.DataFrame:
    """Laplace's approximation beside quadrature: 100 organisations of so many people, variance 1, log odds 0 at the middle."""
    rows = []
    for number, size in enumerate((4, 10, 30)):
        rng, found = np.random.default_rng([seed, 4, number]), np.empty((runs, 2))
        for run in range(runs):
            b = rng.normal(size=100)
            frame = pd.DataFrame(
                {"unit": np.arange(100).astype(str), "n": size, "y": rng.binomial(size, special.expit(b))}
            )
            asked = {"outcome": "y", "trials": "n", "random": ("unit",), "family": "binomial"}
            fits = (fit_mixed(frame, method=m, **asked) for m in ("laplace", "agq"))
            found[run] = [f.variance_of("unit") for f in fits]
        off, error = 100 * (found.mean(axis=0) - 1), 100 * found.std(axis=0, ddof=1) / np.sqrt(runs)
        rows.append(
            {
                "people a unit": size,
                "runs": runs,
                "Laplace: bias %": off[0],
                "MC": error[0],
                "quadrature: bias %": off[1],
                "MC ": error[1],
            }
        )
    return pd.DataFrame(rows)
