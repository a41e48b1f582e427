"""Polychoric correlations, WLSMV and the ladder of ordered answers beside lavaan and semTools; on made data and on real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.core.ordinal import Ordered, below
from analysis.methods.design import Design
from analysis.methods.factor_fit import p_value
from analysis.methods.measurement import CfaFit, fit_cfa
from reports.reference import Line
from reports.reference.measurement import terms

CORRELATED = 1e-5  # lavaan's correlations stop at about 1e-8, and elements of their covariance can be near zero
FITTED = 3e-5
ERRORS = 1e-4
DIFFERENCES = 5e-3  # small differences of two statistics
STEPS: dict[str, tuple[str, ...]] = {
    "configural": (),
    "thresholds": ("thresholds",),
    "loadings": ("thresholds", "loadings"),
    "intercepts": ("thresholds", "loadings", "intercepts"),
    "residuals": ("thresholds", "loadings", "intercepts", "residuals"),
    "means": ("thresholds", "loadings", "intercepts", "residuals", "latent_means"),
}
INDICES = {
    "ntotal": "n",
    "df": "df",
    "chisq.scaled": "chisq",
    "chisq.scaling.factor": "scaling_factor",
    "cfi.scaled": "cfi",
    "tli.scaled": "tli",
    "rmsea.scaled": "rmsea",
    "srmr": "srmr",
}
FACTORS = {"f1": ("o1", "o2", "o3"), "f2": ("o4", "o5", "o6")}
LEADERS = {"lead": ("AP12", "AP17", "AP33", "AP34", "AS14")}
ACTS = tuple(f"S{s}Want{act}" for s in (1, 2) for act in ("Curse", "Scold", "Shout"))
Fits = dict[str, Callable[[], CfaFit]]


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare; the made data are always here."""
    table = pd.read_csv(home / "measurement_ordinal.csv")
    fits = _made(pd.read_csv(home / "ordinal_made_data.csv"))
    if data is not None and (data / "bhr2000").is_dir():
        leaders = pd.read_csv(data / "bhr2000" / "bhr2000.csv")
        fits["bhr2000 delta"] = partial(fit_cfa, leaders, factors=LEADERS, ordered=True)
    if data is not None and (data / "verbagg").is_dir():
        fits |= _anger(data / "verbagg")
    made = {name: fit() for name, fit in fits.items()}
    for name, fit in made.items():
        yield from _compared(table[table["model"] == name], fit)
        if name.endswith(" delta"):
            yield from _correlated(table[table["model"] == name.removesuffix(" delta")], fit)
    yield from _differences(table, made)


def _made(frame: pd.DataFrame) -> Fits:
    out: Fits = {
        "made 6 delta": partial(fit_cfa, frame, factors=FACTORS, ordered=True),
        "made 6 weighted delta": partial(
            fit_cfa, frame, factors=FACTORS, ordered=True, design=Design(weights="weight")
        ),
    }
    out |= _ladder("made ladder", frame, FACTORS, "group", "a")
    free = {"equal": STEPS["intercepts"], "free": (("intercepts", "o2"),)}
    out["made ladder partial"] = partial(_fit, frame, FACTORS, "group", "a", **free)
    both = {"f1": FACTORS["f1"], "f3": ("b1", "b2", "b3")}
    binary = _ladder("made binary ladder", frame, both, "group", "a")
    return out | {k: v for k, v in binary.items() if k.rsplit(" ", 1)[1] not in ("thresholds", "loadings")}


def _anger(home: Path) -> Fits:
    answers = pd.read_csv(home / "VerbAgg.csv")
    answers = answers[answers["item"].isin(ACTS)]
    coded = answers.assign(code=answers["resp"].map({"no": 1, "perhaps": 2, "yes": 3}))
    wide = coded.pivot_table(index=["id", "Gender"], columns="item", values="code").reset_index()
    asked: Mapping[str, Any] = {"factors": {"anger": ACTS}, "ordered": True}
    first = str(answers["Gender"].iloc[0])
    return {"verbagg delta": partial(fit_cfa, wide, **asked)} | _ladder(
        "verbagg ladder", wide, {"anger": ACTS}, "Gender", first
    )


def _ladder(name: str, frame: pd.DataFrame, factors: Mapping[str, Sequence[str]], group: str, reference: str) -> Fits:
    return {f"{name} {s}": partial(_fit, frame, factors, group, reference, equal=equal) for s, equal in STEPS.items()}


def _fit(frame: pd.DataFrame, factors: Mapping[str, Sequence[str]], group: str, reference: str, **asked: Any) -> CfaFit:
    given: Mapping[str, Any] = {"identify": "variance", "reference": reference, "ordered": True}
    return fit_cfa(frame, factors=factors, group=group, **given, **asked)


def _compared(rows: pd.DataFrame, fit: CfaFit) -> Iterator[Line]:
    for row in rows[rows["quantity"].isin(INDICES)].to_dict("records"):
        ours = float(getattr(fit, INDICES[row["quantity"]]))
        yield Line("wlsmv", f"{row['model']} {row['quantity']}", row["source"], float(row["value"]), ours, FITTED)
    own: dict[tuple[str, str, str], tuple[float, float]] = {}
    for r in fit.parameters[fit.parameters["free"]].to_dict("records"):
        own |= {("parameter", term, r["group"]): (r["estimate"], r["std_error"]) for term in terms(r)}
    for r in fit.loadings.to_dict("records"):
        own["standardised", f"{r['factor']}=~{r['item']}", r["group"]] = (r["standardised"], r["standardised_error"])
    wanted = ["parameter", "standardised"] if fit.fit.model.outline.scaled or len(fit.groups) == 1 else []
    for row in rows[rows["quantity"].isin(wanted)].to_dict("records"):
        group = str(row["group"]) if isinstance(row["group"], str) else "*"
        found = own.get((row["quantity"], row["term"], group))
        if found is not None:
            what = " ".join(w for w in (row["model"], row["quantity"], row["term"], group) if w != "*")
            yield Line("wlsmv", what, row["source"], float(row["value"]), found[0], ERRORS)
            yield Line("wlsmv", f"{what} std_error", row["source"], float(row["std_error"]), found[1], ERRORS)


def _correlated(rows: pd.DataFrame, fit: CfaFit) -> Iterator[Line]:
    """Thresholds, correlations and every element of their covariance."""
    sample = fit.fit.sample
    data: Ordered = sample.data[0]  # type: ignore[attr-defined]
    items = sample.items
    names = [f"{items[i]}|t{1 + int((data.item[:k] == i).sum())}" for k, i in enumerate(data.item)]
    names += [f"{items[j]}~~{items[i]}" for i, j in zip(*below(len(items)), strict=True)]
    place = {name: k for k, name in enumerate(names)}
    errors = np.sqrt(np.diag(data.gamma) / data.n)
    for row in rows[rows["quantity"].isin(["threshold", "polychoric", "gamma"])].to_dict("records"):
        left, _, right = str(row["term"]).partition(",")
        if left not in place or (right and right not in place):
            continue
        what = f"{row['model']} {row['quantity']} {row['term']}"
        ours = (
            data.gamma[place[left], place[right or left]]
            if row["quantity"] == "gamma"
            else data.statistics[place[left]]
        )
        yield Line("polychoric", what, row["source"], float(row["value"]), float(ours), CORRELATED)
        if row["quantity"] == "polychoric":
            error = float(errors[place[left]])
            yield Line("polychoric", f"{what} std_error", row["source"], float(row["std_error"]), error, CORRELATED)


def _differences(table: pd.DataFrame, made: Mapping[str, CfaFit]) -> Iterator[Line]:
    chosen = table[table["quantity"].str.startswith("difference") & table["source"].str.endswith("A delta")]
    for name, rows in chosen.groupby("model", sort=False):
        less, _, step = str(name).partition(" - ")
        more = f"{less.rsplit(' ', 1)[0]} {step}"
        if less not in made or more not in made:
            continue
        chisq, df = made[less].fit.sample.difference(made[less].fit, made[more].fit)
        if not df:
            continue
        ours = {"Chisq diff": chisq, "Df diff": df, "Pr(>Chisq)": p_value(chisq, df)}
        for row in rows.to_dict("records"):
            quantity = str(row["quantity"]).removeprefix("difference ")
            if quantity in ours and not (quantity == "Pr(>Chisq)" and row["value"] < 1e-6):
                value = float(row["value"])
                yield Line("invariance", f"{name} {quantity}", row["source"], value, ours[quantity], DIFFERENCES)
