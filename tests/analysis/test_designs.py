"""Clusters, two stages, strata of clusters, with and without fractions, against R's survey on schools.

Reference: tests/reference/estimates_designs.R and .csv (R 4.2.2, survey 4.1-1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Design, Replicates, contrast, estimates
from survey.weighting.replicates import replicate
from tests.analysis.samples import SCHOOLS, assert_agrees, named, of_schools, schools

EXACT = 1e-10  # relative: the same arithmetic as R's, in another order; a difference of means loses three digits
DIGITS = 1e-12  # relative: nothing but the order of additions
PRINTED = 5e-6  # R's numbers as printed
LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
LIMITS = ("estimate", "std_error", "conf_low", "conf_high")

CASES: dict[str, dict] = {
    "mean": {"variables": "api00"},
    "total": {"variables": "enroll", "statistic": "total"},
    "ratio": {"variables": "api.stu", "statistic": "ratio", "denominator": "enroll"},
    "sch.wide": {"variables": "sch.wide", "statistic": "proportion"},
    "by stype": {"variables": "api00", "by": {"group": "stype"}},
    "by sch.wide": {"variables": "api00", "by": {"group": "sch.wide"}},
    "by stype and comp.imp": {"variables": "api00", "by": {"group": "stype", "region": "comp.imp"}},
    "total by stype": {"variables": "enroll", "statistic": "total", "by": {"group": "stype"}},
}
REPLICATED = ("mean", "total", "ratio", "by stype")


@pytest.fixture(scope="module")
def frames(shared_data: Callable[[str], Path]) -> dict[str, pd.DataFrame]:
    return schools(shared_data)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("sample", SCHOOLS)
def test_every_statistic_of_every_sample_is_as_r_has_it(
    frames: dict[str, pd.DataFrame], sample: str, case: str
) -> None:
    found = estimates(frames[sample], design=SCHOOLS[sample], **CASES[case])
    assert_agrees(named(found.tidy()), of_schools(sample, case), EXACT)


@pytest.mark.parametrize("sample", SCHOOLS)
def test_the_interval_has_students_t_on_the_designs_degrees_of_freedom(
    frames: dict[str, pd.DataFrame], sample: str
) -> None:
    found, expected = (
        estimates(frames[sample], variables="api00", design=SCHOOLS[sample]),
        of_schools(sample, "confint"),
    )
    assert_agrees(named(found.tidy()), expected, EXACT, LIMITS)
    assert found.df.tolist() == expected["df"].tolist()


@pytest.mark.parametrize("sample", SCHOOLS)
def test_changes_and_contrasts_know_what_their_sides_share(frames: dict[str, pd.DataFrame], sample: str) -> None:
    frame, design = frames[sample], SCHOOLS[sample]
    years = estimates(frame, variables=["api00", "api99"], design=design)
    change = contrast(years, [({"term": "api00"}, {"term": "api99"})]).tidy().set_index("term")
    assert_agrees(change, of_schools(sample, "change"), EXACT)
    types = estimates(frame, variables="api00", by={"group": "stype"}, design=design)
    difference = contrast(types, [({"group": "E"}, {"group": "H"})]).tidy().set_index("group")
    assert_agrees(difference, of_schools(sample, "contrast"), EXACT)
    both = years.covariance.to_numpy()
    assert both[0, 0] + both[1, 1] - 2 * both[0, 1] == pytest.approx(change["std_error"].iloc[0] ** 2, rel=EXACT)


@pytest.mark.parametrize("sample", ["apistrat", "clus1", "clus2"])
def test_quantiles_and_woodruffs_intervals(frames: dict[str, pd.DataFrame], sample: str) -> None:
    asked = {"variables": ["api00", "enroll"], "statistic": "quantile", "q": LEVELS, "design": SCHOOLS[sample]}
    found = estimates(frames[sample], **asked)
    expected = of_schools(sample, "quantile math")
    assert_agrees(named(found.tidy()), expected, EXACT, LIMITS)
    ours = dict(zip(named(found.tidy()).index, found.df, strict=True))
    assert ours == expected["df"].to_dict()


def test_a_distribution_that_reaches_q_exactly_has_reached_it(frames: dict[str, pd.DataFrame]) -> None:
    """25 of 50 weights of 15.1 are half, however their sum is rounded; R: svyby(~api00, ~stype, d, svyquantile)."""
    asked = {"variables": "api00", "statistic": "quantile", "q": 0.5, "design": SCHOOLS["apistrat"]}
    rows = estimates(frames["apistrat"], by={"group": "stype"}, **asked).tidy().set_index("group")
    assert rows["estimate"].to_dict() == {"E": 671, "H": 635, "M": 648}
    assert rows["std_error"].to_dict() == pytest.approx({"E": 20.66306, "H": 19.65590, "M": 18.66066}, abs=PRINTED)
    assert set(rows["statistic"]) == {"quantile"}


@pytest.mark.parametrize("weight", [1.0, 15.1, 0.1])
@pytest.mark.parametrize("n", [20, 50])
def test_the_kth_of_n_is_the_quantile_k_over_n(n: int, weight: float) -> None:
    frame = pd.DataFrame({"y": np.arange(1.0, n + 1), "w": weight})
    q = [k / n for k in range(1, n)]
    rows = estimates(frame, variables="y", statistic="quantile", q=q, design=Design(weights="w")).tidy()
    assert rows["estimate"].tolist() == list(range(1, n))


def test_fractions_give_the_quantiles_that_population_sizes_give(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["clus2"]
    drawn = frame.groupby("dnum")["cds"].transform("size")
    fractions = frame.assign(fpc1=frame["dnum"].nunique() / frame["fpc1"], fpc2=drawn / frame["fpc2"])
    asked = {"variables": "api00", "statistic": "quantile", "q": LEVELS, "design": SCHOOLS["clus2"]}
    ours, same = (named(estimates(f, **asked).tidy()) for f in (fractions, frame))
    assert_agrees(ours, same, DIGITS, LIMITS)


@pytest.mark.parametrize("sample", ["apistrat", "clus1", "clus2", "strclus"])
def test_design_effects(frames: dict[str, pd.DataFrame], sample: str) -> None:
    for case, asked in (("deff", CASES["mean"]), ("deff total", CASES["total"])):
        found = estimates(frames[sample], design=SCHOOLS[sample], **asked).deff
        np.testing.assert_allclose(found, of_schools(sample, case)["estimate"], rtol=EXACT)


def left_out(
    frame: pd.DataFrame, strata: str | None, cluster: str | None, fpc: str | None
) -> tuple[pd.DataFrame, list]:
    """Make the jackknife's weights by its definition, and its factors (1 - f) (n - 1) / n."""
    one = pd.Series(0, index=frame.index) if strata is None else frame[strata]
    own = pd.Series(frame.index, index=frame.index) if cluster is None else frame[cluster]
    columns, factors = {}, []
    for stratum in sorted(one.unique()):
        inside = one == stratum
        names = own[inside].unique()
        kept = 1 - (0 if fpc is None else len(names) / frame.loc[inside, fpc].iloc[0])
        for name in names:
            weights = frame["pw"].where(~inside, frame["pw"] * len(names) / (len(names) - 1))
            columns[f"r{len(columns)}"] = weights.mask(inside & (own == name), 0.0)
            factors.append(kept * (len(names) - 1) / len(names))
    return pd.concat([frame, pd.DataFrame(columns)], axis=1), factors


@pytest.mark.parametrize("fpc", [True, False])
@pytest.mark.parametrize(("sample", "kind"), [("apistrat", "JKn"), ("clus1", "JK1")])
def test_the_jackknife_by_its_definition_is_rs(
    frames: dict[str, pd.DataFrame], sample: str, kind: str, fpc: bool
) -> None:
    design, name = SCHOOLS[sample], kind if fpc else f"{kind} without fpc"
    frame, factors = left_out(frames[sample], design.strata, design.cluster, design.fpc if fpc else None)
    theirs = of_schools(sample, f"{name} scale")["estimate"]
    assert len(factors) == theirs["replicates"]
    spread = theirs["scale"] * theirs[["rscales min", "rscales max"]].to_numpy()
    np.testing.assert_allclose([min(factors), max(factors)], spread, rtol=EXACT)
    columns = tuple(c for c in frame if c[:1] == "r" and c[1:].isdigit())
    for mse, centre in (("TRUE", "estimate"), ("FALSE", "mean")):
        given = Replicates(columns, scale=1.0, rscales=tuple(factors), centre=centre)
        for case in REPLICATED:
            found = estimates(frame, design=Design(weights="pw", replicates=given), **CASES[case])
            assert_agrees(named(found.tidy()), of_schools(sample, f"{name} {case}, mse={mse}"), EXACT)


def test_the_jackknife_that_is_made_for_a_sample_is_rs(frames: dict[str, pd.DataFrame]) -> None:
    frame = frames["apistrat"]
    frame = frame.assign(f=frame.groupby("stype")["pw"].transform("size") / frame["fpc"])
    for name, fraction in (("JKn", "f"), ("JKn without fpc", None)):
        sets = replicate(frame, [], base="pw", strata="stype", fraction=fraction, method="jackknife")
        design = Design(weights="pw", replicates=Replicates(**sets.design))
        found = estimates(pd.concat([frame, sets.weights], axis=1), variables="api00", design=design).tidy()
        assert_agrees(named(found), of_schools("apistrat", f"{name} mean, mse=TRUE"), EXACT)
    assert found["std_error"].round(4).tolist() == [9.5361]


def test_a_panel_in_long_form_knows_that_schools_came_twice(frames: dict[str, pd.DataFrame]) -> None:
    keep = frames["apistrat"][["cds", "stype", "pw", "fpc"]]
    years = [keep.assign(wave=k, y=frames["apistrat"][c]) for k, c in ((1, "api99"), (2, "api00"))]
    design = replace(SCHOOLS["apistrat"], cluster="cds")
    result = estimates(pd.concat(years, ignore_index=True), variables="y", by="wave", design=design)
    assert_agrees(result.tidy().set_index("wave"), of_schools("apistrat", "panel by wave"), EXACT)
    change = contrast(result, [({"wave": 2}, {"wave": 1})]).tidy().set_index("wave")
    assert_agrees(change, of_schools("apistrat", "panel change"), EXACT)
    assert change.loc["2 - 1", ["estimate", "std_error"]].round(4).tolist() == [32.8925, 2.0511]
