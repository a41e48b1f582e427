"""Tables of a fitted factor model: parameters, standardised loadings, improper solutions, modification indices."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import structural as core
from analysis.methods.factor_fit import Fitted

Floats = NDArray[np.float64]
LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
ADVICE = {
    "negative_variance": "a variance below zero: drop or merge items that say the same, or ask for fewer factors",
    "correlation_above_one": "two factors that are one: put their items into one factor",
    "negative_loading": "the item runs against its factor: see whether it should be reversed; it was not turned",
    "weak_loading": "the item shares less than a tenth of its variance with its factor",
    "few_rows": "fewer than five rows for each parameter: fit indices and errors are rough",
}
WEAK = 0.1  # of an item's variance
FEW = 5  # rows for each parameter of a group


def parameter_table(found: Fitted) -> pd.DataFrame:
    """Every element of the model with its error: ``kind, left, right, group, estimate, std_error, conf_low, conf_high, free``."""
    table = found.model.elements
    free = (table["number"] >= 0).to_numpy()
    at = table["number"].to_numpy()[free]
    estimate, error = table["value"].to_numpy(dtype=float, copy=True), np.full(len(table), np.nan)
    estimate[free] = found.x[at]
    error[free] = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))[at]
    if found.model.outline.ordered and not found.model.outline.scaled:
        _rest(found, table, estimate)
    out = table[["kind", "left", "right", "group"]].assign(estimate=estimate, std_error=error)
    return out.assign(conf_low=estimate - Z * error, conf_high=estimate + Z * error, free=free)


def _rest(found: Fitted, table: pd.DataFrame, estimate: Floats) -> None:
    """Residual variances of latent answers of variance 1: what the factors leave."""
    for group, one in zip(found.sample.groups, found.model.blueprints, strict=True):
        loading = one.loading.at(found.x)
        left = 1 - np.einsum("jk,km,jm->j", loading, one.factor.at(found.x), loading)
        estimate[((table["kind"] == "residuals") & (table["group"] == group)).to_numpy()] = left


def loading_table(found: Fitted, table: pd.DataFrame) -> pd.DataFrame:
    """Loadings as they are and standardised: ``factor, item, group, estimate, std_error, standardised, standardised_error``."""
    loadings = table[table["kind"] == "loadings"].reset_index(drop=True)
    with np.errstate(invalid="ignore"):  # a negative variance has no root; `problems` tells it
        value = _standardised(found, found.x)
    step = 1e-30
    slopes = np.array([_standardised(found, found.x + 1j * step * e).imag / step for e in np.eye(len(found.x))])
    error = np.sqrt(np.maximum(np.einsum("qk,qr,rk->k", slopes, found.covariance, slopes), 0.0))
    columns = {"factor": loadings["right"], "item": loadings["left"], "group": loadings["group"]}
    numbers = {"estimate": loadings["estimate"], "std_error": loadings["std_error"]}
    return pd.DataFrame(columns | numbers | {"standardised": value, "standardised_error": error})


def _standardised(found: Fitted, x: Any) -> Any:
    """Loadings with items and factors of variance 1, in the order of the elements."""
    factors, items = list(found.model.outline.factors), found.sample.items
    each = []
    for one in found.model.blueprints:
        _, cov = one.said(x)
        spread = np.sqrt(np.diag(cov)) if found.model.outline.scaled else np.ones(len(items))
        scaled = one.loading.at(x) * np.sqrt(np.diag(one.factor.at(x))) / spread[:, None]
        pairs = [(items.index(i), k) for k, f in enumerate(factors) for i in found.model.outline.factors[f]]
        each.append(np.array([scaled[pair] for pair in pairs]))
    return np.concatenate(each)


def problems(found: Fitted, table: pd.DataFrame, loadings: pd.DataFrame) -> pd.DataFrame:
    """Improper solutions and items to look at: ``problem, where, group, advice``."""
    rows: list[tuple[str, str, str]] = []
    variances = table[table["kind"].isin(["residuals", "latent_variances"]) & (table["estimate"] < 0)]
    rows += _named("negative_variance", variances, "left")
    for group, one in zip(found.sample.groups, found.model.blueprints, strict=True):
        rows += [("correlation_above_one", where, group) for where in _too_close(found, one.factor.at(found.x))]
    own = loadings["standardised"]
    share = (own < 0).groupby([loadings["factor"], loadings["group"]]).transform("mean")
    against = loadings[np.where(share > 0.5, own > 0, own < 0)]
    rows += _named("negative_loading", against, "item")
    weak = loadings[loadings["standardised"] ** 2 < WEAK]
    rows += _named("weak_loading", weak, "item")
    for group, one, n in zip(found.sample.groups, found.model.blueprints, found.sample.sizes, strict=True):
        if n < FEW * len(one.parameters()):
            rows.append(("few_rows", "", group))
    out = pd.DataFrame(rows, columns=["problem", "where", "group"])
    return out.assign(advice=out["problem"].map(ADVICE).astype("str"))


def _named(problem: str, table: pd.DataFrame, column: str) -> list[tuple[str, str, str]]:
    return [(problem, str(where), str(group)) for where, group in zip(table[column], table["group"], strict=True)]


def _too_close(found: Fitted, factor: Floats) -> list[str]:
    names, own = list(found.model.outline.factors), np.diag(factor)
    return [
        f"{names[i]}:{names[j]}"
        for i in range(len(names))
        for j in range(i)
        if own[i] > 0 and own[j] > 0 and factor[i, j] ** 2 > own[i] * own[j]
    ]


def modifications(found: Fitted) -> pd.DataFrame:
    """Score tests of what the model fixes or shares: ``kind, left, right, group, mi, epc``, largest first."""
    names, releases = [], []
    for g, group in enumerate(found.sample.groups):
        for kind, left, right, matrix, at in _candidates(found, g):
            names.append((kind, left, right, group))
            releases.append(core.Release(g, matrix, at))
    mi, epc = found.sample.scores(found, releases).single()
    out = pd.DataFrame(names, columns=["kind", "left", "right", "group"]).assign(mi=mi, epc=epc)
    return out.dropna(subset=["mi"]).sort_values("mi", ascending=False, ignore_index=True)


def _candidates(found: Fitted, g: int) -> list[tuple[str, str, str, str, tuple[int, ...]]]:
    """Elements of a group that are fixed at zero, or shared with another group."""
    one, items = found.model.blueprints[g], found.sample.items
    factors = list(found.model.outline.factors)
    out: list[tuple[str, str, str, str, tuple[int, ...]]] = []
    others = np.concatenate(
        [o.parameters() for k, o in enumerate(found.model.blueprints) if k != g] or [np.zeros(0, int)]
    )
    shared = set(others.tolist())
    for i, item in enumerate(items):
        for k, factor in enumerate(factors):
            number, fixed = one.loading.index[i, k], one.loading.value[i, k]
            if number in shared or (number < 0 and fixed == 0):
                out.append(("loadings", item, factor, "loading", (i, k)))
        if one.intercept.index[i] in shared:
            out.append(("intercepts", item, "", "intercept", (i,)))
        for j in range(i + 1):
            number = one.unique.index[i, j]
            if number in shared or number < 0:
                kind = "residuals" if i == j else "residual_covariances"
                out.append((kind, items[j], item, "unique", (i, j)))
    return out
