"""Mixed models against lme4: on data that we made ourselves, on lme4's data set cbpp, and on real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

import analysis
from analysis.methods.mixed import MixedFit
from reports.reference import Line

CELLS = ("group", "region", ("group", "region"))
MADE = {
    "reml": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS},
    "ml": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS, "method": "ml"},
    "weighted": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS, "prior_weights": "w"},
    "product": {"outcome": "y", "fixed": ("x", "sex", ("x", "sex")), "random": ("group", "region")},
}
SCHOOLS = {"outcome": "mAch", "fixed": ("cses",), "random": ("school",)}
SLOPE = SCHOOLS | {"slopes": {"school": ("cses",)}}
LOGIT = {"outcome": "y", "family": "binomial"}
REAL: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "null": ("hsb82", {"outcome": "mAch", "random": ("school",)}),
    "slope": ("hsb82", SLOPE),
    "slope_ml": ("hsb82", SLOPE | {"method": "ml"}),
    "apart": ("hsb82", SLOPE | {"correlated": False}),
    "across": ("hsb82", SLOPE | {"fixed": ("meanses", "cses", "sector", ("meanses", "cses"), ("cses", "sector"))}),
    "dummy": ("hsb82", SCHOOLS | {"fixed": ("cses", "sx"), "slopes": {"school": ("sx",)}}),
    "two_slopes": ("hsb82", SCHOOLS | {"fixed": ("cses", "minrty"), "slopes": {"school": ("cses", "minrty")}}),
    "weighted": ("hsb82", SLOPE | {"prior_weights": "w"}),
    "few": ("hsb82_few", SCHOOLS | {"method": "ml"}),
    "cohesion": ("bh1996", {"outcome": "COHES", "random": ("GRP",)}),
    "context": (
        "bh1996",
        {"outcome": "WBEING", "fixed": ("HRS", "G.HRS"), "random": ("GRP",), "slopes": {"GRP": ("HRS",)}},
    ),
    "growth": (
        "univbct",
        {"outcome": "JSAT", "fixed": ("TIME",), "random": ("SUBNUM",), "slopes": {"SUBNUM": ("TIME",)}},
    ),
    "nested": ("univbct", {"outcome": "JSAT", "fixed": ("TIME",), "random": ("SUBNUM", "BTN", ("BTN", "COMPANY"))}),
    "wages": (
        "wagepan_union",
        {"outcome": "lwage", "fixed": ("educ", "exper", "expersq", "married", "union"), "random": ("nr", "year")},
    ),
    "wages_slope": (
        "wagepan_union",
        {"outcome": "lwage", "fixed": ("educ", "exper", "union"), "random": ("nr", "year")}
        | {"slopes": {"nr": ("union",)}, "method": "ml"},
    ),
    "anger": ("verbagg", LOGIT | {"fixed": ("Anger", "Gender", "btype", "situ"), "random": ("id", "item")}),
    "cells": (
        "verbagg_cells",
        {"outcome": "yes", "trials": "n", "family": "binomial"}
        | {"fixed": ("Gender", "situ", "btype", ("Gender", "situ")), "random": ("item", ("Gender", "item"))},
    ),
    "situation": (
        "verbagg",
        LOGIT | {"fixed": ("Gender", "btype", "situ"), "random": ("id",), "slopes": {"id": ("situ",)}},
    ),
}
HERDS = {"outcome": "incidence", "trials": "size", "fixed": ("period",), "random": ("herd",), "family": "binomial"}
BINOMIAL = ("anger", "cells", "situation", "herds", "herds_agq")
FILES = {
    "hsb82": "hsb82/Hsb82.csv",
    "bh1996": "bh1996/bh1996.csv",
    "univbct": "univbct/univbct.csv",
    "wagepan_union": "wagepan_union/wagepan.csv",
    "verbagg": "verbagg/VerbAgg.csv",
}
PREFIXES = {"school": "s", "GRP": "g", "BTN": "b", "SUBNUM": "b", "nr": "m", "year": "y", "id": "p"}  # as in the script
FEW = 30  # schools of the smallest set
# lme4's own optimisers leave 1e-7 of fixed effects and 1e-4 of variances; modes in standard deviations of the factor
TOLERANCE = {"log_likelihood": 1e-8, "variance": 1e-4, "covariance": 1e-4, "estimate": 1e-6, "std_error": 1e-6}
# lmerTest differentiates with steps of a tenth: where a variance is nearly nought that leaves 1e-3 of the degrees of freedom
# (ours do not move between steps of 1e-5 and 1e-3); ends of profiles are interpolated by lme4
TOLERANCE |= {"effect": 1e-3, "df": 2e-3, "profile_low": 1e-3, "profile_high": 1e-3}
LOOSER = {
    "log_likelihood": 1e-6,
    "variance": 1e-3,
    "covariance": 1e-3,
    "estimate": 1e-3,
    "std_error": 1e-3,
    "effect": 1e-3,
}


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; real data sets where they are."""
    made = pd.read_csv(home / "mixed_crossed_data.csv")
    yield from _compared(
        "mixed", home / "mixed_crossed.csv", {k: analysis.fit_mixed(made, **v) for k, v in MADE.items()}
    )
    herds = pd.read_csv(home / "mixed_cbpp.csv", dtype={"herd": "str", "period": "str"})
    fits = {"herds": analysis.fit_mixed(herds, **HERDS), "herds_agq": analysis.fit_mixed(herds, **HERDS, method="agq")}
    if data is not None:
        sets = real_sets(data)
        fits |= {k: analysis.fit_mixed(sets[name], **asked) for k, (name, asked) in REAL.items()}
    yield from _compared("mixed_real", home / "mixed_real.csv", fits)


def real_sets(data: Path) -> dict[str, pd.DataFrame]:
    """Read the real data sets, ids as text, as the script does."""
    found = {name: pd.read_csv(data / path) for name, path in FILES.items()}
    for frame in found.values():
        for column in set(PREFIXES) & set(frame.columns):
            frame[column] = PREFIXES[column] + frame[column].astype("int64").astype("str")
    schools = found["hsb82"].assign(w=(found["hsb82"]["minrty"] == "Yes").map({True: 0.5, False: 1.5}))
    some = sorted(schools["school"].unique())[:FEW]
    found |= {"hsb82": schools, "hsb82_few": schools[schools["school"].isin(some)]}
    answers = found["verbagg"]
    answers["y"] = (answers["r2"] == "Y").astype("int64")
    by = answers.groupby(["Gender", "item", "situ", "btype"], as_index=False)
    return found | {"verbagg_cells": by.agg(yes=("y", "sum"), n=("y", "size"))}


def _compared(name: str, path: Path, fits: Mapping[str, MixedFit]) -> Iterator[Line]:
    table = pd.read_csv(path, keep_default_na=False)
    table["term"] = table["term"].replace("Residual", "residual")
    for model, fit in fits.items():
        ours, tolerance = _numbers(fit), LOOSER if model in BINOMIAL else TOLERANCE
        spread = fit.components.set_index(["factor", "term"])["variance"] ** 0.5
        for row in table[table["model"] == model].to_dict("records"):
            quantity, term = row["quantity"], row["term"]
            if (quantity, term) not in ours or (model, quantity) == ("herds_agq", "log_likelihood"):
                continue  # lme4 leaves the constant out of the quadrature's
            value, found = float(row["value"]), ours[quantity, term]
            if quantity == "effect":
                factor, _, slope = term.split("|")
                unit = spread[factor, _dotted(fit, slope)] or 1.0
                value, found = 1 + value / unit, 1 + found / unit  # compared in standard deviations, absolutely
            what = " ".join(w for w in (model, quantity, term) if w)
            yield Line(name, what, row["source"], value, found, tolerance[quantity])


def _dotted(fit: MixedFit, slope: str) -> str:
    return next(n for n in fit.random.names if n.replace("=", "") == slope)


def _numbers(fit: MixedFit) -> dict[tuple[str, str], float]:
    found = {("log_likelihood", ""): fit.log_likelihood}
    for r in fit.components.to_dict("records"):
        name = "|".join(p for p in (r["factor"], r["term"].replace("=", "")) if p)
        found |= {("variance", name): r["variance"], ("variance", r["factor"]): r["variance"]}
    for r in fit.correlations.to_dict("records"):
        found["covariance", f"{r['factor']}|{r['one']}|{r['other']}".replace("=", "")] = r["covariance"]
    for r in fit.coefficients.to_dict("records"):
        term = r["term"].replace("=", "")
        found |= {("estimate", term): r["estimate"], ("std_error", term): r["std_error"], ("df", term): r["df"]}
    for r in fit.effects.to_dict("records"):
        found["effect", f"{r['factor']}|{r['level']}|{r['term'].replace('=', '')}"] = r["estimate"]
    if fit.method == "ml" and fit.n < 2000:
        for r in analysis.mixed_intervals(fit).table.to_dict("records"):
            name = "|".join(p for p in (r["factor"], r["term"]) if p)
            found |= {("profile_low", name): r["conf_low"], ("profile_high", name): r["conf_high"]}
    return found
