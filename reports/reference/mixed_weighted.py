"""Mixed models under sampling weights against glmmTMB, whose weights multiply the log density of a row, and lme4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import analysis
from analysis import Design, Replicates
from analysis.methods.mixed_weighted import PseudoMixed
from reports.reference import Line

LINEAR: dict[str, Any] = {"outcome": "y", "fixed": ("x", "sex"), "random": ("group", "region")}
LOGIT = LINEAR | {"outcome": "high", "family": "binomial"}
CASES: Mapping[str, dict[str, Any]] = {
    "overall": LINEAR,
    "by group": LINEAR | {"scale_by": "group"},
    "logit overall": LOGIT,
    "logit by cell": LOGIT | {"scale_by": ("group", "region")},
}
# glmmTMB's optimisers leave 1e-7 of an estimate; an error is made of 14 differences of estimates
TOLERANCE = {"log_likelihood": 1e-10, "estimate": 1e-5, "variance": 1e-5, "std_error": 1e-4, "variance_error": 2e-4}


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare."""
    frame, design = made(home)
    table = pd.read_csv(home / "mixed_weighted.csv", keep_default_na=False)
    for case, asked in CASES.items():
        ours = _numbers(analysis.pseudo_mixed(frame, design=design, **asked))
        for row in table[table["model"] == case].to_dict("records"):
            what, quantity = " ".join((case, row["quantity"], row["term"])).strip(), row["quantity"]
            found = ours[quantity, row["term"]]
            yield Line("mixed_weighted", what, row["source"], float(row["value"]), found, TOLERANCE[quantity])


def made(home: Path) -> tuple[pd.DataFrame, Design]:
    """The made data, and replicates that leave out one region each."""
    frame = pd.read_csv(home / "mixed_crossed_data.csv")
    regions = sorted(frame["region"].unique())
    more = len(regions) / (len(regions) - 1)
    sets = {f"without {r}": frame["w"] * (frame["region"] != r) * more for r in regions}
    design = Design(weights="w", replicates=Replicates(tuple(sets), scale=1 / more))
    return frame.assign(high=(frame["y"] > 3).astype("int64"), **sets), design


def _numbers(found: PseudoMixed) -> dict[tuple[str, str], float]:
    """Numbers by quantity and term, named as the script names them."""
    ours = {("log_likelihood", ""): found.fit.log_likelihood}
    for r in found.coefficients.to_dict("records"):
        ours |= {(q, r["term"].replace("=", "")): r[q] for q in ("estimate", "std_error")}
    for r in found.components.to_dict("records"):
        ours |= {("variance", r["factor"]): r["variance"], ("variance_error", r["factor"]): r["std_error"]}
    return ours
