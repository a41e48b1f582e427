"""Design-based estimates against R's survey, and against tables small enough for a pencil.

Reference: tests/reference/estimates_api.R and .csv (R 4.2.2, survey 4.1-1), printed values from survey's own documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.methods.contrasts import contrast
from analysis.methods.design import Design
from analysis.methods.estimates import estimates

EXACT = 1e-9  # relative: the same arithmetic as R's, in another order
RAKED = 1e-7  # relative: R removes margins in 10 sweeps, we solve; its weights agree to 1e-10
PRINTED = 3e-5  # relative: R's default rake stops when no cell moves by more than one unit of weight
PENCIL = 1e-12  # hand arithmetic

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "estimates_api.csv"
API = Design(weights="pw", strata="stype", fpc="fpc")
ESS = Design(weights="dweight", strata="stratval", cluster="psu")
MARGINS = {"stype": {"E": 4421, "H": 755, "M": 1018}, "sch.wide": {"No": 1072, "Yes": 5122}}
Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def api(shared_data: Folder) -> pd.DataFrame:
    return pd.read_csv(shared_data("api_strat") / "apistrat.csv")


@pytest.fixture(scope="module")
def ess(shared_data: Folder) -> pd.DataFrame:
    return pd.read_csv(shared_data("ess4_britain") / "ess4_gb.csv").assign(one=1)


@pytest.fixture(scope="module")
def raked(api: pd.DataFrame) -> tuple[pd.DataFrame, Design]:
    weights = api["pw"].copy()
    for _ in range(200):
        for column, totals in MARGINS.items():
            weights *= api[column].map(totals) / weights.groupby(api[column]).transform("sum")
    calibration = SimpleNamespace(margins=(("stype",), ("sch.wide",)))
    return api.assign(raked=weights), Design(weights="raked", strata="stype", fpc="fpc", calibration=calibration)


def reference(case: str) -> pd.DataFrame:
    table = pd.read_csv(REFERENCE)
    return table[table["case"] == case].reset_index(drop=True)


def assert_agrees(rows: pd.DataFrame, case: str, tolerance: float) -> None:
    expected = reference(case)
    assert len(rows) == len(expected)
    for column in ("estimate", "std_error"):
        np.testing.assert_allclose(rows[column], expected[column], rtol=tolerance)


@pytest.mark.parametrize(
    ("case", "asked"),
    [
        ("mean", {"variables": "api00"}),
        ("total", {"variables": "enroll", "statistic": "total"}),
        ("by stype", {"variables": "api00", "by": "stype"}),
        ("by sch.wide", {"variables": "api00", "by": "sch.wide"}),
        ("total by stype", {"variables": "enroll", "statistic": "total", "by": "stype"}),
        ("ratio", {"variables": "api.stu", "statistic": "ratio", "denominator": "enroll"}),
        ("sch.wide", {"variables": "sch.wide", "statistic": "proportion"}),
    ],
)
def test_stratified_sample_with_fpc(api: pd.DataFrame, case: str, asked: dict) -> None:
    assert_agrees(estimates(api, design=API, **asked).tidy(), case, EXACT)


def test_fraction_or_no_weights_say_the_same_as_population_sizes(api: pd.DataFrame) -> None:
    fractions = api.assign(fraction=api.groupby("stype")["fpc"].transform("size") / api["fpc"])
    bare = estimates(fractions, variables="api00", design=Design(strata="stype", fpc="fraction"))
    assert_agrees(bare.tidy(), "mean", 1e-7)  # pw is printed with 9 digits in the data


def test_proportions_without_strata(api: pd.DataFrame) -> None:
    rows = estimates(api, variables="stype", statistic="proportion", design=Design(weights="pw")).tidy()
    assert_agrees(rows, "proportion", EXACT)
    assert rows["term"].tolist() == ["stype=E", "stype=H", "stype=M"]


@pytest.mark.parametrize(("case", "by"), [("clustered mean", ()), ("clustered by sch.wide", "sch.wide")])
def test_clusters_within_strata(api: pd.DataFrame, case: str, by: str) -> None:
    design = Design(weights="pw", strata="stype", cluster="dnum")
    assert_agrees(estimates(api, variables="api00", by=by, design=design).tidy(), case, EXACT)


def test_raking_makes_errors_smaller(raked: tuple[pd.DataFrame, Design]) -> None:
    frame, design = raked
    assert_agrees(estimates(frame, variables="api00", design=design).tidy(), "raked mean", RAKED)
    assert_agrees(estimates(frame, variables="enroll", statistic="total", design=design).tidy(), "raked total", RAKED)
    by = estimates(frame, variables="api00", by="stype", design=design)
    assert_agrees(by.tidy(), "raked by stype", RAKED)
    np.testing.assert_allclose(np.sqrt(np.diag(by.covariance)), by.tidy()["std_error"], rtol=EXACT)


def test_raked_numbers_as_printed(raked: tuple[pd.DataFrame, Design]) -> None:
    frame, design = raked
    mean = estimates(frame, variables="api00", design=design).tidy().loc[0]
    total = estimates(frame, variables="enroll", statistic="total", design=design).tidy().loc[0]
    found = [mean["estimate"], mean["std_error"], total["estimate"], total["std_error"]]
    np.testing.assert_allclose(found, [662.211495, 9.272853, 3688152.24, 115905.312], rtol=PRINTED)


def test_a_margin_that_was_raked_has_no_error(raked: tuple[pd.DataFrame, Design]) -> None:
    frame, design = raked
    rows = estimates(frame, variables="stype", statistic="proportion", design=design).tidy()
    np.testing.assert_allclose(rows["estimate"], np.array([4421, 755, 1018]) / 6194, rtol=EXACT)
    assert rows["std_error"].max() < 1e-7


def test_lonely_clusters_and_missing_values(ess: pd.DataFrame) -> None:
    items = ["gvjbevn", "gvhlthc", "gvslvol"]
    assert_agrees(estimates(ess, variables=items, design=ESS).tidy(), "ess item", EXACT)
    gone = ess[items].isna().any(axis=1)
    listwise = ess.assign(**{i: ess[i].mask(gone) for i in items})
    assert_agrees(estimates(listwise, variables=items, design=ESS).tidy(), "ess listwise", EXACT)
    rows = estimates(ess, variables="gvslvue", by="stratval", design=ESS).tidy()
    assert_agrees(rows[rows["domain"].str.contains("Avon")], "ess domain", EXACT)
    assert_agrees(estimates(ess, variables="sbprvpv", statistic="total", design=ESS).tidy(), "ess total", EXACT)
    assert_agrees(estimates(ess, variables="one", statistic="total", design=ESS).tidy(), "ess count", EXACT)


def test_change_of_the_same_schools(api: pd.DataFrame) -> None:
    result = estimates(api, variables=["api00", "api99"], design=API)
    rows = contrast(result, [({"term": "api00"}, {"term": "api99"}), (0, 1)]).tidy()
    assert_agrees(rows.iloc[[0]], "change", EXACT)
    pd.testing.assert_series_equal(rows.loc[0], rows.loc[1], check_names=False)
    assert rows.loc[0, "term"] == "api00 - api99"
    assert rows.loc[0, ["estimate", "std_error"]].round(3).tolist() == [32.893, 2.051]


def test_groups_that_share_nothing_have_no_covariance(api: pd.DataFrame) -> None:
    result = estimates(api, variables="api00", by={"group": "stype"}, design=API)
    rows = result.tidy()
    difference = contrast(result, [({"group": "E"}, {"group": "H"})]).tidy().loc[0]
    assert difference["group"] == "E - H"
    assert difference["std_error"] == pytest.approx(np.hypot(*rows["std_error"][:2]), rel=EXACT)


def test_mean_by_hand() -> None:
    """Weights 1, 1, 2: mean (1 + 2 + 2 * 5) / 4; influences w (y - mean) / 4 have variance n/(n-1) sum u^2."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 5.0], "w": [1.0, 1.0, 2.0]})
    row = estimates(frame, variables="y", design=Design(weights="w")).tidy().loc[0]
    influence = np.array([1 - 3.25, 2 - 3.25, 2 * (5 - 3.25)]) / 4
    assert row["estimate"] == pytest.approx(3.25, rel=PENCIL)
    assert row["std_error"] == pytest.approx(np.sqrt(1.5 * (influence**2).sum()), rel=PENCIL)
    assert row["n_eff"] == pytest.approx(16 / 6, rel=PENCIL)
    assert (row["conf_high"] - row["estimate"]) / row["std_error"] == pytest.approx(
        4.302652729911275, rel=EXACT
    )  # t, 2 df


def test_wilson_by_hand() -> None:
    """7 of 10, t on 9 degrees of freedom in place of z: (p + t2/2n +- t sqrt(pq/n + t2/4n2)) / (1 + t2/n)."""
    row = estimates(pd.DataFrame({"a": [1] * 7 + [0] * 3}), variables="a", statistic="proportion").tidy().loc[1]
    t = 2.2621571628540993
    half = t * np.sqrt(0.7 * 0.3 / 10 + t**2 / 400) / (1 + t**2 / 10)
    middle = (0.7 + t**2 / 20) / (1 + t**2 / 10)
    assert row[["conf_low", "conf_high"]].tolist() == pytest.approx([middle - half, middle + half], rel=EXACT)


def test_rows_that_cannot_be_computed_are_there() -> None:
    frame = pd.DataFrame({"y": [1.0, None, 3.0, 4.0], "g": ["a", "b", "c", "c"], "w": [1.0, 1.0, 0.0, 0.0]})
    rows = estimates(frame, variables="y", by="g", design=Design(weights="w")).tidy()
    assert rows["status"].tolist() == ["ok", "not_estimable", "not_estimable"]
    assert rows["n"].tolist() == [1, 0, 0]
    gone = contrast(estimates(frame, variables="y", by="g"), [(0, 1)]).tidy()
    assert gone["status"].tolist() == ["not_estimable"]


def test_keys_of_the_table() -> None:
    frame = pd.DataFrame({"y": [1.0, 2.0], "wave": [2023.0, 2024.0], "kind": ["a=b", "c"], "group": ["x", "x"]})
    rows = estimates(frame, variables="y", by=["wave", "group", "kind"]).tidy()
    assert rows.loc[0, ["wave", "group", "region", "domain"]].tolist() == ["2023", "x", "*", r"kind=a\=b"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"statistic": "quantile"}, "needs q"),
        ({"q": 0.5}, "needs q"),
        ({"statistic": "quantile", "q": 1.5}, "between 0 and 1"),
        ({"statistic": "median"}, "unknown statistic"),
        ({"statistic": "ratio"}, "denominator"),
        ({"denominator": "w"}, "denominator"),
        ({"variables": "z"}, "does not have"),
        ({"by": ["g", "g"]}, "twice"),
        ({"variables": "g"}, "must hold numbers"),
        ({"conf_level": 95}, "between 0 and 1"),
        ({"design": Design(weights="minus")}, "at least zero"),
        ({"design": Design(strata="hole")}, "missing in 1 rows"),
        ({"design": Design(fpc="w")}, "one number in each stratum"),
        ({"design": Design(weights="w", replicates=("minus",))}, "at least zero"),
        ({"design": Design(weights="w", replicates=("gone",))}, "does not have"),
        ({"design": Design(calibration=SimpleNamespace(margins=("g",)))}, "needs the weights"),
    ],
)
def test_bad_questions_are_refused_in_plain_words(asked: dict, said: str) -> None:
    columns = {"y": [1.0, 2.0, 4.0], "g": list("aab"), "w": [1, 2, 3], "minus": [1, -1, 1], "hole": ["s", None, "s"]}
    with pytest.raises(ValueError, match=said):
        estimates(pd.DataFrame(columns), **({"variables": "y"} | asked))


def test_contrast_needs_exactly_one_row_on_each_side() -> None:
    result = estimates(pd.DataFrame({"y": [1.0, 2.0], "z": [1.0, 3.0]}), variables=["y", "z"])
    with pytest.raises(ValueError, match="names 2 rows"):
        contrast(result, [({"domain": "*"}, 0)])


def test_a_lonely_cluster_counts_its_distance_from_nought() -> None:
    """Mean 10 / 3; influences -7/9, -1/9 in the stratum of two, 8/9 alone: 2 * 2 * (3/9)^2 + (8/9)^2 = (10/9)^2."""
    frame = pd.DataFrame({"y": [1.0, 3.0, 6.0], "s": list("aab")})
    row = estimates(frame, variables="y", design=Design(strata="s")).tidy().loc[0]
    assert row["std_error"] == pytest.approx(10 / 9, rel=PENCIL)


def test_a_whole_population_has_no_error() -> None:
    """An fpc of 1 is a sampling fraction: everybody was asked."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 6.0], "f": 1.0})
    row = estimates(frame, variables="y", design=Design(fpc="f")).tidy().loc[0]
    assert row[["estimate", "std_error"]].tolist() == [3.0, 0.0]


def test_a_difference_has_the_people_and_the_freedom_of_its_smaller_side() -> None:
    """Variances of the means 1 / 3 (three people) and 2 / 2 (two): the interval has t on 1 degree of freedom."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 5.0, 7.0], "g": list("aaabb"), "s": list("aaabb")})
    result = estimates(frame, variables="y", by={"group": "g"}, design=Design(strata="s"))
    row = contrast(result, [({"group": "b"}, {"group": "a"})]).tidy().loc[0]
    assert row[["estimate", "n", "n_eff"]].tolist() == [4.0, 2.0, 2.0]
    assert row["std_error"] == pytest.approx(np.sqrt(1 / 3 + 1), rel=PENCIL)
    assert (row["conf_high"] - 4) / row["std_error"] == pytest.approx(12.706204736432095, rel=EXACT)  # t, 1 df
