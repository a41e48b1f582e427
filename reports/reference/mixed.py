"""Mixed models on data that we made ourselves, against lme4."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

import analysis
from analysis.methods.mixed import MixedFit
from reports.reference import Line

CELLS = ("group", "region", ("group", "region"))
MODELS = {
    "reml": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS},
    "ml": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS, "method": "ml"},
}
TOLERANCE = {"log_likelihood": 1e-8, "variance": 1e-4, "estimate": 1e-6, "std_error": 1e-6}


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; no other data are needed."""
    frame = pd.read_csv(home / "mixed_crossed_data.csv")
    table = pd.read_csv(home / "mixed_crossed.csv", keep_default_na=False)
    for name, asked in MODELS.items():
        ours = _numbers(analysis.fit_mixed(frame, **asked))
        for row in table[table["model"] == name].to_dict("records"):
            quantity, term = row["quantity"], row["term"].replace("Residual", "residual")
            if (quantity, term) in ours:
                what = " ".join(w for w in (name, quantity, term) if w)
                found = ours[quantity, term]
                yield Line("mixed", what, row["source"], float(row["value"]), found, TOLERANCE[quantity])


def _numbers(fit: MixedFit) -> dict[tuple[str, str], float]:
    found = {("log_likelihood", ""): fit.log_likelihood}
    found |= {("variance", r["factor"]): r["variance"] for r in fit.components.to_dict("records")}
    for row in fit.coefficients.to_dict("records"):
        term = row["term"].replace("=", "")
        found |= {("estimate", term): row["estimate"], ("std_error", term): row["std_error"]}
    return found
