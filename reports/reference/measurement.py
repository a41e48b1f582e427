"""Factor models, their errors and tests, and ladders of invariance beside R's lavaan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.methods.design import Design
from analysis.methods.factor_fit import p_value
from analysis.methods.measurement import CfaFit, fit_cfa
from analysis.methods.moment_fit import MomentSample
from reports.reference import Line

FITTED = 1e-5  # of indices and estimates: lavaan stops where a slope is a millionth
ERRORS = 1e-4
SCHOOL: dict[str, tuple[str, ...]] = {
    "configural": (),
    "metric": ("loadings",),
    "scalar": ("loadings", "intercepts"),
    "strict": ("loadings", "intercepts", "residuals"),
    "means": ("loadings", "intercepts", "residuals", "latent_means"),
    "partial": ("loadings", "intercepts"),
}
INDICES = {
    "ntotal": "n",
    "chisq": "chisq",
    "df": "df",
    "cfi": "cfi",
    "tli": "tli",
    "rmsea": "rmsea",
    "rmsea.ci.lower": "rmsea_low",
    "rmsea.ci.upper": "rmsea_high",
    "srmr": "srmr",
    "logl": "log_likelihood",
    "aic": "aic",
    "bic": "bic",
}
SCALED = {
    "chisq.scaled": "chisq",
    "chisq.scaling.factor": "scaling_factor",
    "cfi.robust": "cfi",
    "tli.robust": "tli",
    "rmsea.robust": "rmsea",
    "rmsea.ci.lower.robust": "rmsea_low",
    "rmsea.ci.upper.robust": "rmsea_high",
}
HOLZINGER = {"visual": ("x1", "x2", "x3"), "textual": ("x4", "x5", "x6"), "speed": ("x7", "x8", "x9")}
BRITAIN = {
    "range": ("gvjbevn", "gvhlthc", "gvslvol", "gvslvue", "gvcldcr", "gvpdlwk"),
    "goals": ("sbprvpv", "sbeqsoc", "sbcwkfm"),
}
STUDENTS = {"sat": ("informat", "willingn", "officeho", "compete")}
WAVES = {
    name: tuple(f"{items}{w}" for w in "123")
    for name, items in (("job", "JOBSAT"), ("commit", "COMMIT"), ("ready", "READY"))
}
Fits = dict[str, Callable[[], CfaFit]]


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare the models whose data are here."""
    table = pd.read_csv(home / "measurement_cfa.csv")
    for name, fits in (
        ("holzinger1939", _schools),
        ("ess4_britain", _britain),
        ("bhr2000", _leaders),
        ("univer_2002", _students),
        ("univbct", _waves),
    ):
        if data is not None and (data / name).is_dir():
            made = {model: fit() for model, fit in fits(data / name).items()}
            for model, fit in made.items():
                yield from _compared(table[table["model"] == model], fit)
            yield from _differences(table, made)


def _schools(home: Path) -> Fits:
    whole = pd.read_csv(home / "HolzingerSwineford1939.csv")
    gaps = whole.copy()
    row = np.arange(len(gaps))
    for j in range(1, 10):
        gaps[f"x{j}"] = gaps[f"x{j}"].mask(((row + 2 * j) ** 2 + row * j) % 11 == 0)
    asked: Mapping[str, Any] = {"factors": HOLZINGER, "mean_structure": True}
    out: Fits = {
        "hs ml": partial(fit_cfa, whole, **asked),
        "hs mlr": partial(fit_cfa, whole, **asked, estimator="MLR"),
        "hs fiml ml": partial(fit_cfa, gaps, **asked, missing="fiml"),
        "hs fiml mlr": partial(fit_cfa, gaps, **asked, missing="fiml", estimator="MLR"),
    }
    for case, frame, more in (
        ("ml", whole, {}),
        ("mlr", whole, {"estimator": "MLR"}),
        ("fiml mlr", gaps, {"missing": "fiml", "estimator": "MLR"}),
    ):
        for step, equal in SCHOOL.items():
            free = (("intercepts", "x3"), ("intercepts", "x7")) if step == "partial" else ()
            # with missing answers lavaan stops short of the optimum where groups share parameters (slope .016)
            if case != "fiml mlr" or step == "configural":
                given = {**asked, **more, "group": "school", "equal": equal, "free": free}
                out[f"hs school {case} {step}"] = partial(fit_cfa, frame, **given)
    return out


def _britain(home: Path) -> Fits:
    frame = pd.read_csv(home / "ess4_gb.csv")
    designs = {
        "none": None,
        "weights": Design(weights="dweight"),
        "cluster": Design(cluster="psu"),
        "both": Design(weights="dweight", cluster="psu"),
    }
    out: Fits = {}
    for missing in ("listwise", "fiml"):
        asked: Mapping[str, Any] = {"factors": BRITAIN, "mean_structure": True, "missing": missing}
        out[f"ess4 {missing} ml none"] = partial(fit_cfa, frame, **asked)
        for name, design in designs.items():
            out[f"ess4 {missing} mlr {name}"] = partial(fit_cfa, frame, **asked, estimator="MLR", design=design)
    return out


def _leaders(home: Path) -> Fits:
    frame = pd.read_csv(home / "bhr2000.csv")
    asked: Mapping[str, Any] = {"factors": {"lead": tuple(frame.columns[1:12])}, "mean_structure": True}
    return {
        "bhr2000 ml": partial(fit_cfa, frame, **asked),
        "bhr2000 mlr": partial(fit_cfa, frame, **asked, estimator="MLR"),
        "bhr2000 mlr cluster": partial(fit_cfa, frame, **asked, design=Design(cluster="GRP")),
    }


def _students(home: Path) -> Fits:
    frame = pd.read_csv(home / "univer.csv")
    out: Fits = {"univer mlr": partial(fit_cfa, frame, factors=STUDENTS, estimator="MLR")}
    sizes = frame["faculty"].value_counts()
    big = frame[frame["faculty"].isin(sizes[sizes >= 100].index)].assign(
        faculty=lambda f: "f" + f["faculty"].astype(str)
    )
    for estimator in ("ML", "MLR"):
        for step in ("configural", "metric", "scalar", "strict", "means"):
            asked: Mapping[str, Any] = {
                "factors": STUDENTS,
                "group": "faculty",
                "equal": SCHOOL[step],
                "estimator": estimator,
            }
            first = big["faculty"].iloc[0]
            out[f"univer {estimator.lower()} {step}"] = partial(fit_cfa, big, **asked, reference=first)
    return out


def _waves(home: Path) -> Fits:
    frame = pd.read_csv(home / "univbct.csv").drop_duplicates("SUBNUM")
    asked: Mapping[str, Any] = {"factors": WAVES, "missing": "fiml"}
    return {
        "univbct fiml ml": partial(fit_cfa, frame, **asked),
        "univbct fiml mlr": partial(fit_cfa, frame, **asked, estimator="MLR"),
    }


def _compared(rows: pd.DataFrame, fit: CfaFit) -> Iterator[Line]:
    names = _names(fit)
    skipped = set(SCALED.values()) if fit.estimator == "MLR" else set()
    for row in rows[rows["quantity"].isin(names)].to_dict("records"):
        field = names[row["quantity"]]
        if row["quantity"] in SCALED or field not in skipped:
            what = f"{row['model']} {row['quantity']}"
            yield Line("cfa", what, row["source"], float(row["value"]), float(getattr(fit, field)), FITTED)
    own = _by_term(fit)
    for row in rows[rows["quantity"].isin(["parameter", "standardised", "mi", "epc"])].to_dict("records"):
        group = str(row["group"]) if isinstance(row["group"], str) else "*"
        found = own.get((row["quantity"], row["term"], group))
        if found is None:
            continue
        what = " ".join(w for w in (row["model"], row["quantity"], row["term"], group) if w != "*")
        yield Line("cfa", what, row["source"], float(row["value"]), found[0], ERRORS)
        if not pd.isna(row["std_error"]):
            yield Line("cfa", f"{what} std_error", row["source"], float(row["std_error"]), found[1], ERRORS)


def _names(fit: CfaFit) -> dict[str, str]:
    """Indices to compare, lavaan's name to ours."""
    if fit.estimator != "MLR":
        return INDICES
    if isinstance(fit.fit.sample, MomentSample) and not fit.fit.sample.patterned:
        return {**INDICES, **SCALED}
    # with missing answers lavaan's robust CFI and RMSEA are of another kind (Zhang & Savalei 2022)
    return {**INDICES, **{k: v for k, v in SCALED.items() if k.startswith("chisq")}}


def _by_term(fit: CfaFit) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Our numbers by lavaan's names."""
    out: dict[tuple[str, str, str], tuple[float, float]] = {}
    for r in fit.parameters.to_dict("records"):
        for term in terms(r):
            out["parameter", term, r["group"]] = (r["estimate"], r["std_error"])
    for r in fit.loadings.to_dict("records"):
        out["standardised", f"{r['factor']}=~{r['item']}", r["group"]] = (r["standardised"], r["standardised_error"])
    if fit.estimator == "ML" and len(fit.groups) == 1 and fit.left_out == 0:
        for r in fit.modification_indices().to_dict("records"):
            for term in terms(r):
                out["mi", term, r["group"]] = (r["mi"], np.nan)
                out["epc", term, r["group"]] = (r["epc"], np.nan)
    return out


def terms(row: Mapping[Any, Any]) -> list[str]:
    """Lavaan's names of an element of a model."""
    kind, left, right = row["kind"], row["left"], row["right"]
    if kind == "loadings":
        return [f"{right}=~{left}"]
    if kind == "thresholds":
        return [f"{left}|{right}"]
    if kind in ("intercepts", "latent_means"):
        return [f"{left}~1"]
    return [f"{left}~~{right}", f"{right}~~{left}"]


def _differences(table: pd.DataFrame, made: Mapping[str, CfaFit]) -> Iterator[Line]:
    chosen = table[table["quantity"].str.startswith("difference") & table["model"].str.contains(" - ")]
    for name, rows in chosen.groupby("model", sort=False):
        less, _, step = str(name).partition(" - ")
        more = f"{less.rsplit(' ', 1)[0]} {step}"
        if less not in made or more not in made:
            continue
        chisq, df = made[less].fit.sample.difference(made[less].fit, made[more].fit)
        ours = {"difference chisq": chisq, "difference df": df, "difference pvalue": p_value(chisq, df)}
        for row in rows.to_dict("records"):
            if row["quantity"] in ours and not row["source"].endswith(("2010", "satorra.2000")):
                what = f"{name} {row['quantity']}"
                yield Line("invariance", what, row["source"], float(row["value"]), ours[row["quantity"]], ERRORS)
