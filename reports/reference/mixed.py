"""Mixed models against lme4: on data that we made ourselves, on lme4's data set cbpp, and on real ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import analysis
from analysis.methods.mixed import MixedFit
from reports.reference import Line

CELLS = ("group", "region", ("group", "region"))
MADE: dict[str, Asked] = {
    "reml": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS},
    "ml": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS, "method": "ml"},
    "weighted": {"outcome": "y", "fixed": ("x", "sex"), "random": CELLS, "prior_weights": "w"},
    "product": {"outcome": "y", "fixed": ("x", "sex", ("x", "sex")), "random": ("group", "region")},
}
Asked = dict[str, Any]
SCHOOLS = {"outcome": "mAch", "random": ("school",)}
SLOPE = SCHOOLS | {"fixed": ("cses",), "slopes": {"school": ("cses",)}}
PEOPLE = {"outcome": "WBEING", "random": ("GRP",)}
GROWTH = {"outcome": "JSAT", "fixed": ("TIME",), "random": ("SUBNUM",), "slopes": {"SUBNUM": ("TIME",)}}
WAGES = {"outcome": "lwage", "fixed": ("exper", "expersq", "married", "union"), "random": ("nr", "year")}
LOGIT = {"outcome": "yes", "fixed": ("Gender", "btype", "situ"), "family": "binomial"}
ANGER = LOGIT | {"fixed": ("Anger", "Gender", "btype", "situ"), "random": ("id", "item")}
WITHIN = LOGIT | {"random": ("id", ("id", "situ"))}
SITUATION = LOGIT | {"random": ("id",), "slopes": {"id": ("situ",)}}
OF_COUNTS = {"trials": "n"}
REAL: Mapping[str, tuple[str, Asked]] = {
    "hsb_null": ("hsb82", SCHOOLS),
    "hsb_slope": ("hsb82", SLOPE),
    "hsb_slope_ml": ("hsb82", SLOPE | {"method": "ml"}),
    "hsb_apart": ("hsb82", SLOPE | {"correlated": False}),
    "hsb_apart_ml": ("hsb82", SLOPE | {"correlated": False, "method": "ml"}),
    "hsb_sector": ("hsb82", SLOPE | {"fixed": ("cses", "sector", "meanses", ("cses", "sector"))}),
    "hsb_published": (
        "hsb82",
        SLOPE | {"fixed": ("meanses", "cses", "sector", ("meanses", "cses"), ("cses", "sector"))},
    ),
    "hsb_dummy": ("hsb82", SCHOOLS | {"fixed": ("sx",), "slopes": {"school": ("sx",)}}),
    "hsb_two": ("hsb82", SCHOOLS | {"fixed": ("sx", "cses"), "slopes": {"school": ("cses", "sx")}}),
    "hsb_weighted": ("hsb82", SLOPE | {"prior_weights": "w"}),
    "hsb_weighted_ml": ("hsb82", SLOPE | {"prior_weights": "w", "method": "ml"}),
    "hsb_small": ("hsb82_few", SLOPE),
    "bh_null": ("bh1996", PEOPLE),
    "bh_cohes": ("bh1996", PEOPLE | {"outcome": "COHES"}),
    "bh_hours": ("bh1996", PEOPLE | {"fixed": ("HRS", "G.HRS")}),
    "bh_leader": ("bh1996", PEOPLE | {"fixed": ("HRS", "LEAD", "G.HRS"), "slopes": {"GRP": ("LEAD",)}}),
    "bh_crosslevel": (
        "bh1996",
        PEOPLE | {"fixed": ("HRS", "LEAD", "G.HRS", ("LEAD", "G.HRS")), "slopes": {"GRP": ("LEAD",)}},
    ),
    "bh_three": ("bh1996", PEOPLE | {"fixed": ("HRS", "LEAD"), "slopes": {"GRP": ("HRS", "LEAD")}}),
    "bct_null": ("univbct", {"outcome": "JSAT", "random": ("SUBNUM",)}),
    "bct_growth": ("univbct", GROWTH),
    "bct_growth_ml": ("univbct", GROWTH | {"method": "ml"}),
    "bct_battalion": ("univbct", GROWTH | {"random": ("SUBNUM", "BTN")}),
    "bct_crossed": ("univbct", GROWTH | {"random": ("SUBNUM", "BTN", "COMPANY")}),
    "bct_nested": ("univbct", GROWTH | {"random": ("SUBNUM", "BTN", ("BTN", "COMPANY"))}),
    "ready_nested": ("univbct", GROWTH | {"outcome": "READY", "random": ("SUBNUM", "BTN", ("BTN", "COMPANY"))}),
    "wage": ("wagepan_union", WAGES),
    "wage_ml": ("wagepan_union", WAGES | {"method": "ml"}),
    "wage_small": ("wagepan_few", WAGES),
    "univer": (
        "univer_2002",
        {"outcome": "global", "fixed": ("informat", "willingn", "officeho", "compete"), "random": ("faculty",)},
    ),
    "verb_items": ("verbagg", ANGER),
    "verb_situ": ("verbagg", ANGER | {"slopes": {"id": ("situ",)}}),
    "verb_id_1": ("verbagg", LOGIT | {"random": ("id",)}),
    "verb_id_9": ("verbagg", LOGIT | {"random": ("id",), "method": "agq", "nodes": 9}),
    "verb_cells": ("verbagg", WITHIN),
    "verb_cells_counts": ("verbagg_people", WITHIN | OF_COUNTS),
    "verb_slope": ("verbagg", SITUATION),
    "verb_slope_counts": ("verbagg_people", SITUATION | OF_COUNTS),
    "verb_dif": ("verbagg", LOGIT | {"random": ("item",), "slopes": {"item": ("Gender",)}}),
    "verb_item": ("verbagg", LOGIT | {"random": ("item",)}),
    "verb_item_counts": ("verbagg_items", LOGIT | {"random": ("item",)} | OF_COUNTS),
}
THIN: Asked = {"outcome": "y", "fixed": ("x",), "random": ("person", "school")}
SPARSE: dict[str, Asked] = {"reml": THIN, "slope": THIN | {"slopes": {"school": ("x",)}, "method": "ml"}}
HERDS: Asked = {
    "outcome": "incidence",
    "trials": "size",
    "fixed": ("period",),
    "random": ("herd",),
    "family": "binomial",
}
HERD_FITS: dict[str, Asked] = {
    "cbpp_1": HERDS,
    "cbpp_9": HERDS | {"method": "agq", "nodes": 9},
    "cbpp_25": HERDS | {"method": "agq"},
}
PROFILED = ("wage_ml",)  # intervals of the variances; lme4 profiles correlated slopes too
FILES = {
    "hsb82": "hsb82/Hsb82.csv",
    "bh1996": "bh1996/bh1996.csv",
    "univbct": "univbct/univbct.csv",
    "wagepan_union": "wagepan_union/wagepan.csv",
    "univer_2002": "univer_2002/univer.csv",
    "verbagg": "verbagg/VerbAgg.csv",
}
IDS = ("school", "GRP", "SUBNUM", "BTN", "nr", "year", "faculty", "id")
# lme4 after Newton steps of its own deviance: 1e-7 of an error and less; binomial ones by its jumping deviance. Modes are compared
# in standard deviations of the factor. df: lmerTest's own steps leave up to 1e-3 where a variance is nearly nought, df_fine do not
TOLERANCE = {
    "log_likelihood": 1e-9,
    "log_likelihood_full": 1e-9,
    "covariance": 1e-5,
    "estimate": 1e-6,
    "std_error": 1e-6,
}
TOLERANCE |= {"variance": 1e-5, "effect": 1e-5, "df": 2e-3, "df_fine": 1e-5, "profile_low": 1e-5, "profile_high": 1e-5}
LOGIT_ERRORS = 1e-5  # both are differences of slopes or of a deviance


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; real data sets where they are."""
    made = pd.read_csv(home / "mixed_crossed_data.csv")
    fits = {k: analysis.fit_mixed(made, **v) for k, v in MADE.items()}
    yield from _compared("mixed", _table(home / "mixed_crossed.csv"), fits)
    thin = pd.read_csv(home / "mixed_sparse_data.csv")
    fits = {k: analysis.fit_mixed(thin, **v) for k, v in SPARSE.items()}
    yield from _compared("mixed_sparse", _with_terms(_table(home / "mixed_sparse.csv")), fits)
    herds = pd.read_csv(home / "mixed_cbpp.csv", dtype={"herd": "str", "period": "str"})
    fits = {k: analysis.fit_mixed(herds, **v) for k, v in HERD_FITS.items()}
    if data is not None:
        sets = real_sets(data)
        fits |= {k: analysis.fit_mixed(sets[name], **asked) for k, (name, asked) in REAL.items()}
    yield from _compared("mixed_real", _table(home / "mixed_real.csv"), fits)


def real_sets(data: Path) -> dict[str, pd.DataFrame]:
    """Read the real data sets, ids as text, as the script does."""
    found = {name: pd.read_csv(data / path) for name, path in FILES.items()}
    for frame in found.values():
        for column in set(IDS) & set(frame.columns):
            frame[column] = frame[column].map(lambda v: str(int(v)) if isinstance(v, float) else str(v))
    schools, wages, answers = (found[k] for k in ("hsb82", "wagepan_union", "verbagg"))
    schools["w"] = np.resize([0.5, 1.0, 2.0, 4.0], len(schools))
    answers["yes"] = (answers["r2"] == "Y").astype("int64")
    found |= {"hsb82_few": _first(schools, "school", 30), "wagepan_few": _first(wages, "nr", 60)}
    for name, by in (("verbagg_people", "id"), ("verbagg_items", "item")):
        cells = answers.groupby([by, "Gender", "btype", "situ"], as_index=False)
        found[name] = cells.agg(yes=("yes", "sum"), n=("yes", "size"))
    return found


def _first(frame: pd.DataFrame, column: str, count: int) -> pd.DataFrame:
    return frame[frame[column].isin(sorted(frame[column].unique())[:count])]


def _table(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, keep_default_na=False)
    return table.assign(term=table["term"].str.strip().replace("Residual", "residual"))


def _with_terms(table: pd.DataFrame) -> pd.DataFrame:
    """Variances of "factor term" as covariances, and effects with the intercept's name: as they stand for the real data."""
    variance, effect = table["quantity"] == "variance", table["quantity"].str.startswith("effect")
    named = table["term"].str.replace(r"^(\S+) (\S+)$", r"\1:\2,\2", regex=True)
    term = table["term"].mask(variance, named).mask(effect, table["term"] + ",(Intercept)")
    return table.assign(term=term, quantity=table["quantity"].mask(variance, "covariance"))


def _compared(name: str, table: pd.DataFrame, fits: Mapping[str, MixedFit]) -> Iterator[Line]:
    for model, fit in fits.items():
        ours, full = _numbers(fit, model in PROFILED), fit.method == "agq"
        for row in table[table["model"] == model].to_dict("records"):
            quantity, _, factor = row["quantity"].partition(" ")
            key = (quantity, f"{factor}|{row['term']}" if factor else row["term"])
            if key not in ours or (
                quantity == "log_likelihood" and full
            ):  # lme4 leaves a constant out of the quadrature's
                continue
            value, found = float(row["value"]), ours[key]
            if quantity == "effect":
                unit = ours["covariance", f"{factor}:{{0}},{{0}}".format(row["term"].rsplit(",", 1)[-1])] ** 0.5
                value, found = 1 + value / unit, 1 + found / unit
            what = " ".join(w for w in (model, row["quantity"], row["term"]) if w)
            tolerance = LOGIT_ERRORS if (fit.family, quantity) == ("binomial", "std_error") else TOLERANCE[quantity]
            yield Line(name, what, row["source"], value, found, tolerance)


def _numbers(fit: MixedFit, profiled: bool) -> dict[tuple[str, str], float]:
    """Numbers by quantity and term, named as lme4's script names them."""
    found = {("log_likelihood", ""): fit.log_likelihood, ("log_likelihood_full", ""): fit.log_likelihood}
    for r in fit.components.to_dict("records"):
        term = r["term"].replace("=", "")
        found["covariance", f"{r['factor']}:{term},{term}" if term else "residual"] = r["variance"]
        found["variance", r["factor"]] = r["variance"]
    for r in fit.correlations.to_dict("records"):
        found["covariance", f"{r['factor']}:{r['one']},{r['other']}".replace("=", "")] = r["covariance"]
    for r in fit.coefficients.to_dict("records"):
        term = r["term"].replace("=", "")
        found |= {(q, term): r[q] for q in ("estimate", "std_error", "df")} | {("df_fine", term): r["df"]}
    for r in fit.effects.to_dict("records"):
        found["effect", f"{r['factor']}|{r['level']},{r['term'].replace('=', '')}"] = r["estimate"]
    for r in analysis.mixed_intervals(fit).table.to_dict("records") if profiled else []:
        name = "sigma" if r["factor"] == "residual" else f"sd_{r['term']}|{r['factor']}"
        found |= {("profile_low", name): r["conf_low"] ** 0.5, ("profile_high", name): r["conf_high"] ** 0.5}
    return found
