"""Designs on data that we made ourselves, so that they can be verified wherever the workbench runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import analysis
import survey
from analysis.methods.design import Design
from reports.reference import Check, Line, compare
from reports.reference.schools import ends_of

EXACT = 1e-9
RAKED = 1e-7  # R's rake stops at 1e-10 of the sums
ROUNDED = 1e-5  # R's models stop at a relative change of the deviance of 1e-8
LIMITS = ("estimate", "std_error", "conf_low", "conf_high")
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
DESIGNS = {
    "no fpc": Design(weights="w", strata="stratum", cluster="psu"),
    "fpc1": Design(weights="w", strata="stratum", cluster="psu", fpc="fpc1"),
    "fpc2": Design(weights="w", strata="stratum", cluster=("psu", "ssu"), fpc=("fpc1", "fpc2")),
}
REPLICATES = {"BRR": ("b", 16), "JKn": ("k", 24), "bootstrap": ("s", 30)}


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; no other data are needed."""
    frame, table = pd.read_csv(home / "estimates_made_data.csv"), pd.read_csv(home / "estimates_made.csv")
    for check in _checks(frame, table):
        yield from compare(table, check)


def _checks(frame: pd.DataFrame, table: pd.DataFrame) -> Iterator[Check]:
    for name, design in DESIGNS.items():
        yield from _of_design(frame, name, design)
    for lonely in ("adjust", "certainty"):
        design = replace(DESIGNS["fpc1"], lonely=lonely)
        alone = _estimates(frame[frame["psu"] != 6], design)
        yield Check("lonely", f"fpc1: lonely {lonely} mean", alone("y"))
        yield Check("lonely", f"fpc1: lonely {lonely} by group", alone("y", by="group"))
    for name in REPLICATES:
        yield from _of_replicates(frame, table, name)
    for name in ("no fpc", "fpc2"):
        yield from _weighted(frame, table, name)
    given = table.loc[table["case"] == "p-values", "estimate"].to_numpy()
    for adjust, case in (("holm", "holm"), ("bh", "BH")):
        yield Check("multiplicity", case, partial(_adjusted, given, adjust), EXACT, ("estimate",))
    yield Check("kish", "kish", _kish, EXACT, ("estimate",))


def _estimates(frame: pd.DataFrame, design: Design) -> Callable[..., Callable[[], pd.DataFrame]]:
    def made(variable: Any, statistic: str = "mean", **asked: Any) -> Callable[[], pd.DataFrame]:
        return lambda: analysis.estimates(frame, variables=variable, statistic=statistic, design=design, **asked).tidy()

    return made


def _of_design(frame: pd.DataFrame, name: str, design: Design) -> Iterator[Check]:
    made = _estimates(frame, design)
    yield Check("mean", f"{name}: plain mean", made("y"))
    yield Check("total", f"{name}: plain total", made("x", "total"))
    yield Check("ratio", f"{name}: plain ratio", made("y", "ratio", denominator="x"))
    yield Check("domains", f"{name}: plain by group", made("y", by="group"))
    yield Check("proportion", f"{name}: proportion", made("z"))
    yield Check("change", f"{name}: change", partial(_change, frame, design))
    yield Check("quantile", f"{name}: quantile math", made(["y", "x"], "quantile", q=QUANTILES), columns=LIMITS)
    for case, family, outcome in (("gaussian", "gaussian", "y"), ("logit", "binomial", "z")):
        asked = {"outcome": outcome, "predictors": ["x", "group"], "family": family, "design": design}
        yield Check("glm", f"{name}: {case}", partial(_glm, frame, asked), ROUNDED)
        yield Check("wald", f"{name}: {case} wald ~group", partial(_wald, frame, asked), ROUNDED, ("estimate",))
    if name != "fpc2":  # the test of tables knows the first stage alone
        yield Check("rao_scott", f"{name}: chisq F", partial(_rao_scott, frame, design), EXACT, ("estimate",))


def _change(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    waves = analysis.estimates(frame, variables="x", by="wave", design=design)
    return analysis.contrast(waves, [(1, 0)]).tidy()


def _glm(frame: pd.DataFrame, asked: Mapping[str, Any]) -> pd.DataFrame:
    return analysis.glm(frame, **asked).tidy()


def _wald(frame: pd.DataFrame, asked: Mapping[str, Any]) -> pd.DataFrame:
    test = analysis.glm_test(frame, terms="group", **asked)
    return pd.DataFrame({"estimate": [test.statistic, test.df_num, test.df_den, test.p_value]})


def _rao_scott(frame: pd.DataFrame, design: Design) -> pd.DataFrame:
    test = analysis.rao_scott(frame, rows="group", columns="z", design=design)
    return pd.DataFrame({"estimate": [test.statistic, test.df_num, test.df_den, test.p_value]})


def _of_replicates(frame: pd.DataFrame, table: pd.DataFrame, name: str) -> Iterator[Check]:
    letter, count = REPLICATES[name]
    given = {
        "columns": tuple(f"{letter}{r}" for r in range(1, count + 1)),
        "scale": float(table.loc[table["case"] == f"{name} scale", "estimate"].iloc[0]),
        "rscales": tuple(
            table.loc[table["case"] == f"{name.replace('BRR', 'brr').replace('JKn', 'jkn')} rscales", "estimate"]
        ),
    }
    for mse, centre in (("FALSE", "mean"), ("TRUE", "estimate")):
        design = Design(weights="w", replicates=analysis.Replicates(**given, centre=centre))
        made = _estimates(frame, design)
        yield Check("replicates", f"{name}, mse={mse}: mean", made("y"))
        yield Check("replicates", f"{name}, mse={mse}: total", made("x", "total"))
        yield Check("replicates", f"{name}, mse={mse}: by group", made("y", by="group"))


def _weighted(frame: pd.DataFrame, table: pd.DataFrame, name: str) -> Iterator[Check]:
    totals = {case: table[table["case"] == case].set_index("term")["estimate"].to_dict() for case in set(table["case"])}
    group, county = totals["margin group"], totals["margin county"]
    x = totals["calibration totals"]["x"]
    for case, found in (
        ("raked", survey.rake(frame, {"group": group, "county": county}, base="w", tol=1e-12)),
        ("poststratified", survey.poststratify(frame, "group", group, base="w")),
        ("calibrated", survey.calibrate(frame, totals={"x": x}, margins={"group": group}, base="w", tol=1e-12)),
    ):
        design = replace(DESIGNS[name], weights="made", calibration=found.calibration)
        made = _estimates(frame.assign(made=found.weights), design)
        yield Check(case, f"{name}: {case} mean", made("y"), RAKED)
        yield Check(case, f"{name}: {case} by group", made("y", by="group"), RAKED)
        yield Check(case, f"{name}: {case} ratio", made("y", "ratio", denominator="x"), RAKED)
        yield Check(case, f"{name}: {case} weights", partial(ends_of, found.weights), RAKED, ("estimate",))


def _adjusted(given: np.ndarray, adjust: str) -> pd.DataFrame:
    return pd.DataFrame({"estimate": analysis.adjust_p(given, adjust)})


def _kish() -> pd.DataFrame:
    frame = pd.DataFrame({"y": 1.0, "w": [1.0] * 50 + [2.0] * 30 + [5.0] * 20})
    n_eff = analysis.estimates(frame, variables="y", design=Design(weights="w")).tidy().loc[0, "n_eff"]
    return pd.DataFrame({"estimate": [100 / n_eff, n_eff]})
