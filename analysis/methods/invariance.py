"""Does a scale measure the same thing in every group?  The ladder of measurement invariance, and what breaks it.

Source: a frame with the items and the groups (organisations, regions, waves), a row a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from analysis.core import ordinal
from analysis.core import structural as core
from analysis.methods.design import Design
from analysis.methods.factor_fit import Fitted, Sample
from analysis.methods.factor_input import prepared
from analysis.methods.factor_model import Free, Outline, outlined
from analysis.methods.measurement import fitted
from analysis.methods.moment_fit import sampled
from analysis.methods.ordinal_fit import OrderedSample, sampled_ordered
from analysis.tidy import place_keys, tidy_frame

Floats = NDArray[np.float64]
Ladder = dict[str, tuple[str, ...]]  # step to what is equal
NUMBERS: Ladder = {
    "configural": (),
    "metric": ("loadings",),
    "scalar": ("loadings", "intercepts"),
    "strict": ("loadings", "intercepts", "residuals"),
}
ORDERED: Ladder = {
    "configural": (),
    "thresholds": ("thresholds",),
    "metric": ("thresholds", "loadings"),
    "scalar": ("thresholds", "loadings", "intercepts"),
    "strict": ("thresholds", "loadings", "intercepts", "residuals"),
}
# A single threshold fixes nothing by itself: with items of two categories only everything at once can be tested.
BINARY: Ladder = {step: equal for step, equal in ORDERED.items() if step not in ("thresholds", "metric")}
# Two items cannot tell their loadings apart: they are taken as equal (tau-equivalent), and what is tested is whether the
# difference of the two answers is the same in every group.
PAIR: Ladder = {step: equal for step, equal in NUMBERS.items() if step != "metric"}
MEASURED = ("scalar", "strict")  # steps from which on latent means can be compared
SEARCHED = {"thresholds": "thresholds", "metric": "loadings", "scalar": "intercepts"}
AFTER = {"thresholds": ("loadings", "intercepts"), "loadings": ("intercepts",), "intercepts": ()}
VERDICTS = ("holds", "partial", "fails", "untested")
COLUMNS = (
    *("step", "chisq", "df", "cfi", "rmsea", "srmr", "d_chisq", "d_df", "p_value", "d_cfi", "d_rmsea", "d_srmr"),
    *("verdict", "freed"),
)
POOR_CFI, POOR_RMSEA = 0.90, 0.08  # beyond both, the factors themselves do not fit
ALPHA = 0.05
LEAST_DF = 10  # from which RMSEA says something (Kenny, Kaniskan & McCoach 2015)
MANY = 10  # groups
SMALL = 300  # rows of all groups
UNEQUAL = 2.0  # largest to smallest group
ANCHORS = 2  # items a factor keeps equal, and at least half of its items
LEVEL = 0.95
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """How far fit may worsen from one step to the next.

    Attributes
    ----------
    cfi, rmsea : float
        Largest loss of CFI and gain of RMSEA.
    source : str
    """

    cfi: float
    rmsea: float
    source: str


@dataclass(frozen=True, slots=True, repr=False)
class Invariance:
    """A ladder of invariance.

    Attributes
    ----------
    table : DataFrame
        ``step, chisq, df, cfi, rmsea, srmr, d_chisq, d_df, p_value, d_cfi, d_rmsea, d_srmr, verdict, freed``: a row a step that was
        fitted; a step that fails has a second row, verdict ``partial`` or ``fails``, for the model with the items in `freed` set
        free. Differences are against the last step that holds. ``untested``: the step has nothing to test, or did not converge.
    holds : str
        The last step that holds, in full or in part; empty where not even the first does.
    freed : DataFrame
        ``kind, item``: what is not the same in all groups.
    latent_means : DataFrame
        ``factor, group, estimate, std_error, conf_low, conf_high, standardised, standardised_error, marker, step``: means of the
        factors against the reference group, in units of the item `marker` and of the reference group's standard deviation; no
        rows where the scalar step does not hold at least in part.
    harm : DataFrame
        ``factor, item, group, dmacs, shift, step``: what the freed items do. `dmacs` is the expected difference of answers of the
        same standing on the factor, in standard deviations of the item; `shift` what the item adds to the mean of the whole
        scale in that group, in answer points. `step`: of the model it comes from.
    cutoffs : dict of str to Cutoffs
    sizes : dict of str to int
        Rows of each group; the first is the reference.
    left_out : int
        Rows that were not used.
    """

    table: pd.DataFrame
    holds: str
    freed: pd.DataFrame
    latent_means: pd.DataFrame
    harm: pd.DataFrame
    cutoffs: dict[str, Cutoffs]
    sizes: dict[str, int]
    left_out: int
    group: str

    def tidy(self) -> pd.DataFrame:
        """Return latent means, harm (statistics dmacs, shift) and each step's fit, columns as ``analysis.tidy.COLUMNS``."""
        return _tidied(self)

    def __repr__(self) -> str:
        steps = ", ".join(f"{r.step} {r.verdict}" for r in self.table.itertuples())
        freed = f"; free: {' '.join(map(str, self.freed['item'].unique()))}" if len(self.freed) else ""
        return f"Invariance({len(self.sizes)} groups, n {sum(self.sizes.values())}: {steps}{freed})"


@dataclass(frozen=True, slots=True)
class _Rung:
    """A fitted step."""

    step: str
    fit: Fitted
    indices: dict[str, float]


def invariance(
    items: pd.DataFrame,
    *,
    factors: Mapping[str, Sequence[str]],
    group: str,
    ordered: bool = False,
    missing: str = "listwise",
    reference: Any = None,
    design: Design | None = None,
) -> pd.DataFrame:
    """Give the ladder of invariance as a frame: `Invariance.table` of `fit_invariance`, which see for everything.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(600, 1)) + rng.normal(size=(600, 4)), columns=list("abcd"))
    >>> frame["unit"] = np.repeat(["x", "y"], 300)
    >>> invariance(frame, factors={"f": list("abcd")}, group="unit")["verdict"].tolist()
    ['holds', 'holds', 'holds', 'holds']
    """
    asked: dict[str, Any] = {"ordered": ordered, "missing": missing, "reference": reference, "design": design}
    return fit_invariance(items, factors=factors, group=group, **asked).table


def fit_invariance(
    items: pd.DataFrame,
    *,
    factors: Mapping[str, Sequence[str]],
    group: str,
    ordered: bool = False,
    missing: str = "listwise",
    reference: Any = None,
    design: Design | None = None,
    last_step: str = "strict",
) -> Invariance:
    r"""Climb the ladder: the same factors, the same loadings, the same intercepts, the same residual variances.

    A step fails where its difference test against the last step that holds rejects (5 %) *and* CFI falls or RMSEA rises by
    more than the published cut-offs (RMSEA from 10 degrees of freedom on, Kenny, Kaniskan & McCoach 2015, Sociological Methods &
    Research 44): without the test small samples fail by chance, without the indices large ones fail over trifles. Then items
    are set free one after the other, in all groups, the one with the largest joint score test first, until the step holds
    with the rest; each factor keeps at least two equal items and at least half of them. The ladder stops where that is not
    enough. The configural step fails where CFI is under .90 and RMSEA over .08. A scale of two items alone has no metric
    step: their loadings are taken as equal, and nothing can be set free.

    Parameters
    ----------
    items, factors, group, missing, reference, design
        As `fit_cfa`; with weights or clusters errors and tests are robust.
    ordered : bool
        Answers are ordered categories.
    last_step : {"strict", "scalar", "metric"}
        Where to stop at the latest; means need no more than ``scalar``.

    Returns
    -------
    Invariance

    Raises
    ------
    ValueError, NotFittable
        As `fit_cfa`; fewer than two groups.

    Notes
    -----
    Cut-offs for CFI and RMSEA: .010 and .015 (Chen 2007, Structural Equation Modeling 14); .005 and .010 with at most 300 rows
    in all and groups that differ more than twofold in size (same source); .020 and .030 for loadings over ten groups or more
    (Rutkowski & Svetina 2014, Educational and Psychological Measurement 74). Scaled differences: Satorra & Bentler 2001,
    Psychometrika 66, and 2010, 75, where the first is negative. dMACS: Nye & Drasgow 2011, J. Applied Psychology 96, with the
    group's own distribution of the factor and the standard deviation pooled with the reference group's.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame(rng.normal(size=(800, 1)) + rng.normal(size=(800, 4)), columns=list("abcd"))
    >>> frame["unit"] = np.repeat(["x", "y"], 400)
    >>> frame.loc[frame["unit"] == "y", "d"] += 1
    >>> fit_invariance(frame, factors={"f": list("abcd")}, group="unit").freed["item"].tolist()
    ['d']
    """
    pair = all(len(members) == 2 for members in factors.values()) and len(factors) == 1
    if pair and ordered:
        raise ValueError(
            "two ordered items alone cannot be tested: take them as numbers, or together with other scales"
        )
    if last_step not in ("metric", "scalar", "strict"):
        raise ValueError(f"last_step is metric, scalar or strict, seen {last_step!r}")
    identify = "equal" if pair else "variance"
    outline, rows, left_out = prepared(items, factors, group, reference, design, missing, identify=identify)
    if len(rows) < 2:
        raise ValueError(f"{group!r} has one group only; invariance compares two or more")
    sample: Sample
    if ordered:
        sample = sampled_ordered(outline.items, rows)
        outline = replace(outline, ordered=sample.thresholds)
    else:
        robust = design is not None and (design.weights is not None or design.cluster is not None)
        sample = sampled(outline.items, rows, robust=robust)
    ladder = _until(
        PAIR if pair else BINARY if 1 in outline.ordered.values() else ORDERED if ordered else NUMBERS, last_step
    )
    sizes = {g: len(one.values) for g, one in rows.items()}
    cutoffs = {step: _cutoffs(step, sizes) for step in list(ladder)[1:]}
    found, table = _climbed(sample, outline, ladder, cutoffs)
    return _result(found, table, outline, cutoffs, sizes, left_out, group)


def _until(ladder: Ladder, last: str) -> Ladder:
    order = [*ORDERED]
    return {step: equal for step, equal in ladder.items() if order.index(step) <= order.index(last)}


def _cutoffs(step: str, sizes: Mapping[str, int]) -> Cutoffs:
    if step == "metric" and len(sizes) >= MANY:
        return Cutoffs(0.020, 0.030, "Rutkowski & Svetina 2014")
    small = sum(sizes.values()) <= SMALL and max(sizes.values()) > UNEQUAL * min(sizes.values())
    return Cutoffs(0.005, 0.010, "Chen 2007, small") if small else Cutoffs(0.010, 0.015, "Chen 2007")


def _climbed(
    sample: Sample, outline: Outline, ladder: Ladder, cutoffs: Mapping[str, Cutoffs]
) -> tuple[tuple[_Rung | None, _Rung], list[dict[str, Any]]]:
    """Fit step after step; give the last that holds, the last fitted, and the table's rows."""
    last = _Rung("configural", (fit := fitted(sample, outline)), fit.indices(means=True))
    table = [_row(last, None, _configural(last))]
    if table[0]["verdict"] != "holds":
        return (None, last), table
    for step, equal in list(ladder.items())[1:]:
        freed = _carried(last.fit.model.outline, equal)
        rung = _rung(sample, replace(outline, equal=equal, free=freed), step, last.fit)
        table.append(_row(rung, last, _judged(rung, last, cutoffs[step])))
        if table[-1]["verdict"] == "fails" and step in SEARCHED:
            before, rung = rung, _searched(sample, rung, last, cutoffs[step])
            if rung is not before:
                verdict = _judged(rung, last, cutoffs[step])
                table.append(_row(rung, last, "partial" if verdict == "holds" else verdict))
        if table[-1]["verdict"] in ("fails", "untested"):
            return (last, rung), table
        last = rung
    return (last, last), table


def _carried(before: Outline, equal: Sequence[str]) -> tuple[Free, ...]:
    """Items stay free; one whose thresholds or loading are free has a free intercept too, or its intercept would mean nothing."""
    new = [
        Free(kind, f.left) for kind in equal if kind not in before.equal for f in before.free if kind in AFTER[f.kind]
    ]
    return tuple(dict.fromkeys([*before.free, *new]))


def _rung(sample: Sample, outline: Outline, step: str, before: Fitted | None = None) -> _Rung:
    fit = sample.fit(outlined(outline), before)
    return _Rung(step, fit, fit.indices(means=True))


def _configural(rung: _Rung) -> str:
    if not rung.fit.converged:
        return "untested"
    poor = rung.indices["cfi"] < POOR_CFI and rung.indices["rmsea"] > POOR_RMSEA
    return "fails" if poor else "holds"


def _judged(rung: _Rung, last: _Rung, cut: Cutoffs) -> str:
    chisq, df = rung.fit.sample.difference(rung.fit, last.fit)
    if not rung.fit.converged:
        return "untested"
    if df == 0:
        return "holds"  # the same model in other words
    if df < 0 or np.isnan(chisq):
        return "untested"
    rejected = stats.chi2.sf(chisq, df) < ALPHA
    by_cfi = last.indices["cfi"] - rung.indices["cfi"] > cut.cfi
    by_rmsea = rung.indices["rmsea"] - last.indices["rmsea"] > cut.rmsea and rung.fit.test.df >= LEAST_DF
    return "fails" if rejected and (by_cfi or by_rmsea) else "holds"


def _searched(sample: Sample, rung: _Rung, last: _Rung, cut: Cutoffs) -> _Rung:
    """Set items free, the worst first, until the step holds or no more may be freed."""
    kind = SEARCHED[rung.step]
    while _judged(rung, last, cut) == "fails":
        ranked = _ranked(rung.fit, kind)
        if not ranked:
            return rung
        outline = rung.fit.model.outline
        wider = replace(outline, free=(*outline.free, *_together(kind, ranked[0])))
        rung = _rung(sample, wider, rung.step, rung.fit)
    return rung


def _together(kind: str, item: str) -> tuple[Free, ...]:
    return (Free(kind, item),)


def _ranked(fit: Fitted, kind: str) -> list[str]:
    """Items that may be freed, by their joint score test over the groups, largest first."""
    outline = fit.model.outline
    freed = {f.left for f in outline.free if f.kind == kind}
    may = [i for i in outline.items if i not in freed and _anchored(outline, freed | {i})]
    tests: dict[str, float] = {}
    for item in may:
        releases = [r for g in range(1, len(outline.groups)) for r in _releases(outline, kind, item, g)]
        tests[item] = float(stats.chi2.logsf(*fit.sample.scores(fit, releases).joint(range(len(releases)))))
    return sorted(tests, key=lambda i: tests[i])  # by p, so that items with many thresholds have no advantage


def _anchored(outline: Outline, freed: set[str]) -> bool:
    kept = [(len(members), len(set(members) - freed)) for members in outline.factors.values()]
    return all(left >= max(ANCHORS, size / 2) for size, left in kept)


def _releases(outline: Outline, kind: str, item: str, g: int) -> list[core.Release]:
    i = outline.items.index(item)
    if kind == "intercepts":
        return [core.Release(g, "intercept", (i,))]
    if kind == "thresholds":
        first = sum(outline.ordered[before] for before in outline.items[:i])
        return [core.Release(g, "threshold", (first + t,)) for t in range(outline.ordered[item])]
    return [core.Release(g, "loading", (i, k)) for k, f in enumerate(outline.factors) if item in outline.factors[f]]


def _row(rung: _Rung, last: _Rung | None, verdict: str) -> dict[str, Any]:
    outline = rung.fit.model.outline
    kind = SEARCHED.get(rung.step, "intercepts")
    freed = (
        " ".join(dict.fromkeys(str(f.left) for f in outline.free if f.kind == kind))
        if rung.step != "configural"
        else ""
    )
    row: dict[str, Any] = {"step": rung.step, **rung.indices, "verdict": verdict, "freed": freed}
    if not rung.fit.converged:
        row |= dict.fromkeys(rung.indices, np.nan) | {"df": rung.fit.test.df}
    if last is not None:
        chisq, df = rung.fit.sample.difference(rung.fit, last.fit)
        p_value = float(stats.chi2.sf(chisq, df)) if df > 0 else np.nan
        row |= {"d_chisq": chisq, "d_df": df, "p_value": p_value}
        row |= {f"d_{i}": row[i] - last.indices[i] for i in ("cfi", "rmsea", "srmr")}
    return row


def _result(
    found: tuple[_Rung | None, _Rung],
    table: list[dict[str, Any]],
    outline: Outline,
    cutoffs: dict[str, Cutoffs],
    sizes: dict[str, int],
    left_out: int,
    group: str,
) -> Invariance:
    last, tried = found
    freed = [(f.kind, f.left) for f in tried.fit.model.outline.free]
    meant = last if last is not None and last.step in MEASURED else None
    harmed = tried if tried.step in MEASURED and tried.fit.converged else meant
    return Invariance(
        table=pd.DataFrame(table).reindex(columns=list(COLUMNS)),
        holds="" if last is None else last.step,
        freed=pd.DataFrame(freed, columns=["kind", "item"]),
        latent_means=_latent_means(meant),
        harm=_harm(harmed),
        cutoffs=cutoffs,
        sizes=sizes,
        left_out=left_out,
        group=group,
    )


def _latent_means(rung: _Rung | None) -> pd.DataFrame:
    """Latent means in units of the first item that is equal everywhere, and in standard deviations of the reference group."""
    rows = []
    if rung is not None:
        fit, outline = rung.fit, rung.fit.model.outline
        freed = {f.left for f in outline.free}
        for k, (factor, members) in enumerate(outline.factors.items()):
            marker = next(i for i in members if i not in freed)
            at = outline.items.index(marker)
            others = enumerate(outline.groups[1:], 1)
            rows += [(factor, name, *_in_units(fit, k, g, at), marker, rung.step) for g, name in others]
    columns = ["factor", "group", "estimate", "std_error", "standardised", "standardised_error", "marker", "step"]
    out = pd.DataFrame(rows, columns=columns)
    ends = {"conf_low": out["estimate"] - Z * out["std_error"], "conf_high": out["estimate"] + Z * out["std_error"]}
    return out.assign(**ends)[[*columns[:4], "conf_low", "conf_high", *columns[4:]]]


def _in_units(fit: Fitted, k: int, g: int, marker: int) -> tuple[float, float, float, float]:
    """A latent mean times the marker's loading, its error, and both in standard deviations of the reference group."""
    one, first = fit.model.blueprints[g], fit.model.blueprints[0]
    mean, loading = float(one.mean.at(fit.x)[k]), float(first.loading.at(fit.x)[marker, k])
    variance = float(first.factor.at(fit.x)[k, k])
    numbers = (int(one.mean.index[k]), int(first.loading.index[marker, k]), int(first.factor.index[k, k]))
    units = _error(fit, numbers, (loading, mean, 0.0))
    root = float(np.sqrt(variance)) if variance > 0 else np.nan
    return mean * loading, units, mean / root, _error(fit, numbers, (1 / root, 0.0, -mean / (2 * variance * root)))


def _error(fit: Fitted, numbers: tuple[int, ...], slopes: tuple[float, ...]) -> float:
    """By the delta method; elements that are fixed have no error."""
    free = [(n, s) for n, s in zip(numbers, slopes, strict=True) if n >= 0]
    at, slope = np.array([n for n, _ in free]), np.array([s for _, s in free])
    return float(np.sqrt(slope @ fit.covariance[np.ix_(at, at)] @ slope))


def _harm(rung: _Rung | None) -> pd.DataFrame:
    columns = ["factor", "item", "group", "dmacs", "shift", "step"]
    if rung is None:
        return pd.DataFrame(columns=columns)
    fit, outline = rung.fit, rung.fit.model.outline
    freed = dict.fromkeys(f.left for f in outline.free)
    rows = []
    for item in freed:
        for factor, members in outline.factors.items():
            if item in members:
                both = ((outline.groups[g], *_dmacs(fit, item, g)) for g in range(1, len(outline.groups)))
                rows += [(factor, item, g, size, gap / len(members), rung.step) for g, size, gap in both]
    return pd.DataFrame(rows, columns=columns)


def _dmacs(fit: Fitted, item: str, g: int) -> tuple[float, float]:
    """Root mean square difference of expected answers in pooled standard deviations, and the mean difference in answer points."""
    i = fit.sample.items.index(item)
    reference, own = fit.model.blueprints[0], fit.model.blueprints[g]
    if isinstance(fit.sample, OrderedSample):
        size, gap = ordinal.apart(own, reference, fit.x, fit.sample.data[g].item, i)
    else:
        by = own.loading.at(fit.x)[i] - reference.loading.at(fit.x)[i]
        gap = float(own.intercept.at(fit.x)[i] - reference.intercept.at(fit.x)[i] + by @ own.mean.at(fit.x))
        size = float(np.sqrt(gap**2 + max(by @ own.factor.at(fit.x) @ by, 0.0)))
    sizes = fit.sample.sizes[[0, g]]
    spreads = np.sqrt([fit.sample.variances[0][i], fit.sample.variances[g][i]])
    pooled = float((sizes - 1) @ spreads / (sizes.sum() - 2))
    return size / pooled, gap


def _tidied(found: Invariance) -> pd.DataFrame:
    n = sum(found.sizes.values())
    rows: list[dict[str, Any]] = []
    for r in found.table.to_dict("records"):
        part = "; partial" if r["freed"] else ""
        key = {"term": f"{r['step']}{part}", "n": n}
        rows += [key | {"statistic": i, "estimate": r[i]} for i in ("chisq", "df", "cfi", "rmsea", "srmr")]
    for r in found.latent_means.to_dict("records"):
        numbers = {k: r[k] for k in ("estimate", "std_error", "conf_low", "conf_high")}
        place = place_keys([found.group], [r["group"]]) | {"term": r["factor"], "statistic": "latent_mean"}
        rows.append(place | numbers | {"n": found.sizes[r["group"]]})
    for r in found.harm.to_dict("records"):
        place = place_keys([found.group], [r["group"]]) | {"term": r["item"], "n": found.sizes[r["group"]]}
        rows += [place | {"statistic": s, "estimate": r[s]} for s in ("dmacs", "shift")]
    return tidy_frame(rows)
