"""The one place that speaks to `svy`: quantiles, generalised linear models, tests of independence under a design.

Columns go over under names of our own (svy has rules for names), and only those that are needed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.design import Design, names, numeric, present, replicated_of, replicates_of, sample_of, stages

if TYPE_CHECKING:
    import svy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SINGLETON = {"adjust": "center", "certainty": "skip"}
TIE = 1e-9  # a distribution this near below q has reached it: its weights are sums with rounding
COLUMNS = ["domain", "q", "estimate", "std_error", "conf_low", "conf_high"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Coefficients of a weighted generalised linear model."""

    terms: tuple[str, ...]  #: K names: ``(Intercept)``, a number's name, ``name=level``
    owners: tuple[str, ...]  #: (K,) column of each term; empty for the intercept
    levels: tuple[str | None, ...]  #: (K,) level of each term; None for the intercept and for numbers
    estimate: Floats  #: (K,)


def quantiles(
    frame: pd.DataFrame, variable: str, levels: Sequence[float], domain: Ints, design: Design, conf_level: float
) -> pd.DataFrame:
    """Give quantiles of a variable in every domain with Woodruff's intervals, columns `COLUMNS`.

    The quantile is the smallest value at which the weighted distribution function reaches q; the standard error is
    the interval's width over 2 t.
    """
    y = numeric(frame, variable)
    used = ~np.isnan(y) & (domain >= 0) & (sample_of(frame, design).weights > 0)
    if not used.any():
        return pd.DataFrame(columns=COLUMNS)
    # Rows in no domain stay, for the design's sake.
    own = {"y": np.where(np.isnan(y), 0.0, y), "domain": np.where(used, domain, -1)}
    sample = _sample(frame, design, own)
    reached = {p - min(TIE, p / 2): p for p in levels}
    found = sample.estimation.quantile(
        "y",
        p=tuple(reached),
        by="domain",
        q_method="higher",
        alpha=1 - conf_level,
        **_method(design),
        **_centre(design),
    )
    table = pd.DataFrame(found.to_polars().to_dict(as_series=False))
    table = table.rename(
        columns={"prob": "q", "est": "estimate", "se": "std_error", "lci": "conf_low", "uci": "conf_high"}
    )
    table["domain"], table["q"] = table["domain"].astype("int64"), table["q"].map(reached)
    return table.loc[table["domain"] >= 0, COLUMNS]


def fit(
    frame: pd.DataFrame,
    outcome: str,
    predictors: Mapping[str, bool],
    family: str,
    weights: Floats,
    design: Design,
    first: Mapping[str, str],
) -> Fitted:
    """Fit a generalised linear model; `predictors`: {column: whether it is a factor}, rows complete.

    `first`: {column: the level that the others are held against}; of other factors, the first of its levels as sorted.

    Of the design, the replicates, for separation under one of them: svy's errors leave out a second stage and know one
    centre of replicates.

    Raises
    ------
    ValueError
        For predictors that say the same thing, or tell the outcome without error; for a fit that does not settle.
    """
    import svy as package
    from svy.errors import ModelError, SvyUserWarning

    own = {f"x{k}": frame[c] for k, c in enumerate(predictors)}
    weighed = Design(weights=design.weights, replicates=design.replicates)
    sample = _sample(frame, weighed, {"y": numeric(frame, outcome), **own}, weights)
    x: list[Any] = [
        package.Cat(f"x{k}", ref=first.get(c)) if factor else f"x{k}"
        for k, (c, factor) in enumerate(predictors.items())
    ]
    asked: dict[str, Any] = dict(family=family, tol=1e-12, max_iter=200, **_method(design))
    back = {f"x{k}": c for k, c in enumerate(predictors)}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SvyUserWarning)  # what it says is told below
            fitted = cast(Any, sample.glm).fit("y", x=x or None, **asked)._ensure_fitted()
    except ModelError as reason:
        raise ValueError(_refusal(reason, back)) from reason
    _refuse_separation(sample, back)
    terms, owners, levels = zip(*(_named(c.term, back) for c in fitted.coefs), strict=True)
    estimate = np.array([c.est for c in fitted.coefs], float)
    return Fitted(terms, owners, levels, estimate)


def _named(term: str, back: Mapping[str, str]) -> tuple[str, str, str | None]:
    """Name a term as we do; its column; its level."""
    if term == "_intercept_":
        return "(Intercept)", "", None
    own, factor, level = term.partition("_")
    return back[own] + (f"={level}" if factor else ""), back[own], level if factor else None


def _refusal(reason: Any, back: Mapping[str, str]) -> str:
    said = re.search(r"'((?:x\d+)(?:_.*)?)' is collinear", reason.detail)
    if said:
        return f"{_named(said[1], back)[0]} can be told from the other predictors: leave it out, or one of those"
    return f"the model cannot be fitted: {reason.detail}"


def _refuse_separation(sample: svy.Sample, back: Mapping[str, str]) -> None:
    found = [w for w in sample.warnings if str(w.code) == "GLM_SEPARATION"]
    if found:
        lost = [_named(term, back)[0] for term in found[-1].got["not_identified"]]
        raise ValueError(
            f"the outcome is told without error in some rows, so that {', '.join(lost)} would be infinite: lay levels "
            "together or leave a predictor out"
        )


def independence(
    frame: pd.DataFrame, row: str, column: str, used: NDArray[np.bool_], design: Design
) -> dict[str, float]:
    """Rao and Scott's test of a two-way table of the rows `used`: ``chisq, df, f, df_num, df_den, p_value``.

    Raises
    ------
    ValueError
        For a second stage with fractions: svy's tables leave it out.
    """
    if sum(c is not None for c in stages(design.fpc)) > 1:
        raise ValueError(
            "this test knows the first stage alone: leave the later stages' columns out of the design, and say so"
        )
    import svy as package

    own: dict[str, Any] = {k: frame[c].astype("str").where(used, "") for k, c in (("row", row), ("column", column))}
    own["used"] = used.astype(np.int64)
    asked: dict[str, Any] = {} if used.all() else {"where": package.col("used") == 1}
    stats: Any = _sample(frame, design, own).categorical.tabulate("row", "column", **asked, **_method(design)).stats
    return {
        "chisq": float(stats.chisq.value),
        "df": float(stats.chisq.df),
        "f": float(stats.f.value),
        "df_num": float(stats.f.df_num),
        "df_den": float(stats.f.df_den),
        "p_value": float(stats.f.p_value),
    }


def _sample(frame: pd.DataFrame, design: Design, own: Mapping[str, Any], weights: Floats | None = None) -> svy.Sample:
    """Hand over a frame with these columns and those of the design; weights, where the frame is part of the sample."""
    import polars
    import svy as package

    columns: dict[str, Any] = {name: np.asarray(values) for name, values in own.items()}
    columns["w"] = sample_of(frame, design).weights if weights is None else weights
    asked: dict[str, Any] = {"wgt": "w"}
    for role, ours in (("stratum", "strata"), ("psu", "cluster")):
        first = stages(getattr(design, ours))[:1]
        if first and first[0] is not None:
            columns[role] = pd.factorize(frame[first[0]])[0]
            asked[role] = role
    asked |= _later_stages(frame, design, columns)
    asked |= _replicates(frame, design, columns)
    asked |= _calibration(frame, design, columns)
    if "stratum" in asked and design.lonely in SINGLETON:
        asked["singleton"] = SINGLETON[design.lonely]
    return package.Sample(polars.DataFrame(columns), package.Design(**asked))


def _later_stages(frame: pd.DataFrame, design: Design, columns: dict[str, Any]) -> dict[str, Any]:
    import svy as package

    given, clusters = stages(design.fpc), stages(design.cluster)
    if not given or given[0] is None:
        return {}  # without the first stage's fractions the later ones add nothing
    sizes = [_population(frame, design, k) for k, c in enumerate(given) if c is not None]
    if any(stages(design.strata)[1:]) or len(sizes) > 2:
        raise ValueError("quantiles, models and tests know strata of the first stage and two stages of fpc at most")
    columns |= {f"size{k}": s for k, s in enumerate(sizes)}
    if len(sizes) < 2:
        return {"pop_size": "size0"} if sizes else {}
    second = clusters[1] if len(clusters) > 1 else None
    columns["ssu"] = np.arange(len(frame)) if second is None else pd.factorize(frame[second])[0]
    return {"ssu": "ssu", "pop_size": package.PopSize(psu="size0", ssu="size1")}


def _population(frame: pd.DataFrame, design: Design, k: int) -> Floats:
    """Clusters in the population of each row's stratum at a stage; svy takes no fractions."""
    size = numeric(frame, stages(design.fpc)[k] or "")
    if (size > 1).any():
        return size
    stage = sample_of(frame, design).stages[k]
    return stage.clusters[stage.stratum[stage.cluster]] / size


def _replicates(frame: pd.DataFrame, design: Design, columns: dict[str, Any]) -> dict[str, Any]:
    import svy as package

    given = replicates_of(design)
    if given is None:
        return {}
    present(frame, given.columns, "the design")
    columns |= {f"r{k}": numeric(frame, c) for k, c in enumerate(given.columns, 1)}
    coefficients = tuple(float(a) for a in given.coefficients)
    weights = replicated_of(frame, design)
    df = None if weights is None else weights.df
    kind: Any = {"prefix": "r", "n_reps": len(given.columns), "padding": 0, "scale": coefficients, "df": df}
    return {"rep_wgts": package.BootstrapWgts(**kind, wgt="w")}


def _calibration(frame: pd.DataFrame, design: Design, columns: dict[str, Any]) -> dict[str, Any]:
    import svy as package

    if design.calibration is None:
        return {}
    calibration = design.calibration
    linear, base = getattr(calibration, "linear", False), getattr(calibration, "base", None)
    if linear and (len(calibration.margins) != 1 or getattr(calibration, "auxiliaries", {})):
        raise ValueError(
            "after linear calibration, quantiles and tests of tables need replicate weights: make them first"
        )
    for k, margin in enumerate(calibration.margins):
        columns[f"cell{k}"] = frame.groupby(list(names(margin)), sort=False).ngroup().to_numpy()
    # in raking, by R's rule, the weights before do not matter
    columns["before"] = numeric(frame, base) if linear and base else columns["w"]
    cells = tuple(f"cell{k}" for k in range(len(calibration.margins)))
    kind: Any = {"kind": "poststratification" if linear else "raking", "prev_wgt": "before", "new_wgt": "w"}
    return {"wgt_adjustment": package.WgtAdjustment(**kind, cells=cells)}


def _method(design: Design) -> dict[str, Any]:
    return {"method": "taylor" if replicates_of(design) is None else "replication"}


def _centre(design: Design) -> dict[str, Any]:
    given = replicates_of(design)
    if given is None:
        return {}
    return {"variance_center": "rep_mean" if given.centre == "mean" else "estimate"}
