"""Cohesion end to end: on real companies against R's numbers, on a small federation against its parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.agreement import agreement
from analysis.methods.design import Design
from analysis.methods.estimates import estimates
from analysis.methods.mixed import fit_mixed
from analysis.questions.cohesion import CohesionFit, fit_cohesion
from analysis.tidy import COLUMNS

PRINTED = 2e-6  # absolute: R's numbers are stored with six to seven digits
SAME = 1e-10  # relative: two routes through our own code
CLOSE = 1e-6  # relative: two optimisations of one criterion

Folder = Callable[[str], Path]
PLACES = pd.DataFrame(
    [("P", None, "province"), ("A", "P", "city"), ("B", "P", "city")]
    + [(f"{c}{k}", c, "county") for c in "AB" for k in range(1, 6)]
    + [(f"A1{k}", "A1", "township") for k in "xyz"],
    columns=["code", "parent", "level"],
)
ITEMS = ("q1", "q2", "q3")
NONE: dict = {"group": None, "region": None, "wave": None, "hierarchy": None, "design": None}


def federation(seed: int = 7, n: int = 1500) -> pd.DataFrame:
    """Two waves, four groups of unequal size, ten counties (one known down to townships), three items of 1 to 5."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"wave": rng.choice(["w1", "w2"], n), "group": rng.choice(list("efgh"), n, p=[0.5, 0.3, 0.17, 0.03])}
    )
    county = rng.choice(PLACES.loc[PLACES["level"] == "county", "code"], n)
    frame["region"] = np.where(county == "A1", np.char.add("A1", rng.choice(list("xyz"), n)), county)
    shift = frame["group"].map(dict(zip("efgh", [0.6, 0.0, -0.3, -0.5], strict=True))) + rng.normal(0, 0.5, n)
    shift += pd.Series(county).map(dict(zip(sorted(set(county)), rng.normal(0, 0.3, 10), strict=True)))
    for item in ITEMS:
        frame[item] = np.clip(np.round(3 + shift + rng.normal(0, 0.7, n)), 1, 5)
    frame["trust"] = frame[list(ITEMS)].mean(axis=1)
    frame["pride"] = np.clip(3 + shift, 1, 5).where(frame["wave"] == "w2")
    return frame.assign(weight=rng.uniform(0.5, 2, n))


@pytest.fixture(scope="module")
def members() -> pd.DataFrame:
    return federation()


@pytest.fixture(scope="module")
def fit(members: pd.DataFrame) -> CohesionFit:
    return fit_cohesion(
        members,
        scales={"trust": ITEMS, "pride": ()},
        limits={"trust": (1, 5), "pride": (1, 5)},
        group="group",
        region="region",
        wave="wave",
        hierarchy=PLACES,
        design=Design(weights="weight"),
    )


@pytest.fixture(scope="module")
def companies(shared_data: Folder) -> pd.DataFrame:
    return pd.read_csv(shared_data("bh1996") / "bh1996.csv")


@pytest.fixture(scope="module")
def company_rows(companies: pd.DataFrame) -> pd.DataFrame:
    asked = NONE | {"group": "GRP"}
    limits = {"WBEING": (0, 5), "LEAD": (1, 5)}
    return fit_cohesion(companies, scales={"WBEING": (), "LEAD": ()}, limits=limits, **asked).tidy()


def pick(rows: pd.DataFrame, **keys: str) -> pd.DataFrame:
    for key, value in keys.items():
        rows = rows[rows[key] == value]
    return rows.reset_index(drop=True)


def test_companies_have_the_known_icc(company_rows: pd.DataFrame) -> None:
    for scale, icc1, icc2 in (("LEAD", 0.1474614, 0.9280442), ("WBEING", 0.0433792, 0.7717556)):
        rows = pick(company_rows, term=scale, domain="unit=group").set_index("statistic")["estimate"]
        assert rows[["icc1", "icc2"]].tolist() == pytest.approx([icc1, icc2], abs=PRINTED)


def test_companies_shrink_by_their_reliability(companies: pd.DataFrame, company_rows: pd.DataFrame) -> None:
    """One factor: the shrunken mean is r * own mean + (1 - r) * fixed mean, r = unit reliability."""
    worth = pick(company_rows, term="WBEING", statistic="unit_reliability").set_index("group")["estimate"]
    shrunk = pick(company_rows, term="WBEING", statistic="shrunken").set_index("group")
    own = companies.assign(GRP=companies["GRP"].astype(str)).groupby("GRP")["WBEING"].agg(["mean", "size"])
    tau2, s2 = 0.03580079, 0.78949727
    np.testing.assert_allclose(worth[own.index], tau2 / (tau2 + s2 / own["size"]), rtol=1e-4)
    centre = fit_mixed(companies, outcome="WBEING", random=("GRP",)).coefficients.loc[0, "estimate"]
    expected = worth[own.index] * own["mean"] + (1 - worth[own.index]) * centre
    np.testing.assert_allclose(shrunk.loc[own.index, "estimate"], expected, rtol=CLOSE)
    weak = worth[own.index] < 0.7
    assert (shrunk.loc[own.index, "status"] == np.where(weak, "pooled", "ok")).all()
    assert set(shrunk["basis"]) == {"", "all"}
    assert 0 < weak.sum() < len(weak)


def test_parts_not_asked_for_are_rows(company_rows: pd.DataFrame) -> None:
    gone = company_rows[company_rows["status"] == "not_asked"]
    found = set(gone[["domain", "term", "statistic"]].itertuples(index=False, name=None))
    expected = {(d, t, s) for t in ("WBEING", "LEAD") for d, s in (("unit=region", "mean"), ("*", "rwg_j"))}
    assert found == expected


def test_means_are_the_design_based_ones(members: pd.DataFrame, fit: CohesionFit) -> None:
    rows = pick(fit.tidy(), statistic="mean", term="trust", wave="w1")
    design = Design(weights="weight")
    city = members["region"].str[0]
    for by, frame in (
        ({"wave": "wave", "group": "group"}, members),
        ({"wave": "wave", "region": "city"}, members.assign(city=city)),
        ({"wave": "wave", "group": "group", "region": "city"}, members.assign(city=city)),
    ):
        expected = pick(estimates(frame, variables="trust", by=by, design=design).tidy(), wave="w1")
        both = expected.merge(rows, on=["group", "region"], suffixes=("", "_found"))
        assert len(both) == len(expected)
        for column in ("estimate", "std_error", "conf_low", "n"):
            np.testing.assert_allclose(both[column], both[f"{column}_found"], rtol=SAME)


def test_every_level_of_places_is_there(fit: CohesionFit) -> None:
    assert fit.levels == ("province", "city", "county", "township")
    assert fit.unit_level == "county"
    regions = set(pick(fit.tidy(), statistic="mean", term="trust", wave="w2", group="*")["region"])
    assert regions == {"*", *PLACES["code"]}
    rows = pick(fit.tidy(), statistic="mean", term="trust", wave="w2", group="*").set_index("region")
    assert rows.loc[["A", "B"], "n"].sum() == rows.loc["P", "n"] == rows.loc["*", "n"]
    assert rows.loc[["A1x", "A1y", "A1z"], "n"].sum() == rows.loc["A1", "n"]


def test_a_scale_without_answers_in_a_wave_was_not_asked(fit: CohesionFit) -> None:
    rows = pick(fit.tidy(), term="pride", wave="w1")
    assert rows[["statistic", "status"]].to_numpy().tolist() == [["mean", "not_asked"]]
    assert set(pick(fit.tidy(), term="pride", wave="w2")["statistic"]) >= {
        "mean",
        "shrunken",
        "icc1",
        "unit_reliability",
    }


def test_shrunken_means_come_from_the_crossed_model(members: pd.DataFrame, fit: CohesionFit) -> None:
    part = members[members["wave"] == "w2"].assign(county=lambda t: t["region"].str[:2])
    model = fit_mixed(part, outcome="trust", random=("group", "county", ("group", "county")))
    rows = pick(fit.tidy(), statistic="shrunken", term="trust", wave="w2")
    cells = rows[(rows["group"] != "*") & (rows["region"] != "*")]
    expected = model.cell_means(cells.rename(columns={"region": "county"})[["group", "county"]])
    np.testing.assert_allclose(cells["estimate"], expected["estimate"], rtol=CLOSE)
    np.testing.assert_allclose(cells["std_error"], expected["std_error"], rtol=1e-4)
    assert len(cells) == part[["group", "county"]].drop_duplicates().shape[0]
    assert set(rows.loc[rows["group"] == "*", "region"]) == set(part["county"])
    assert fit.fits["w2", "trust"].n == len(part)


def test_small_units_lean_on_larger_ones(fit: CohesionFit) -> None:
    rows = pick(fit.tidy(), statistic="shrunken", term="trust")
    worth = pick(fit.tidy(), statistic="unit_reliability", term="trust")
    both = rows.merge(worth, on=["wave", "group", "region"], suffixes=("", "_worth"))
    assert len(both) == len(rows)
    assert ((both["estimate_worth"] < 0.7) == (both["status"] == "pooled")).all()
    pooled = both[both["status"] == "pooled"]
    cell = (pooled["group"] != "*") & (pooled["region"] != "*")
    assert cell.any()
    assert (pooled.loc[cell, "basis"] == pooled.loc[cell, "group"]).all()
    assert (pooled.loc[~cell, "basis"] == "all").all()


def test_agreement_is_that_of_the_items(members: pd.DataFrame, fit: CohesionFit) -> None:
    part = members.loc[members["wave"] == "w1", ["group", *ITEMS]]
    expected = agreement(part, group="group", n_options=5).tidy()
    found = fit.tidy().query("wave == 'w1' and statistic in ['rwg_j', 'rwg_j_out_of_range']").reset_index(drop=True)
    assert set(found["term"]) == {"trust"}
    pd.testing.assert_frame_equal(found.drop(columns=["wave", "term"]), expected.drop(columns=["wave", "term"]))


def test_what_cannot_be_modelled_is_a_row() -> None:
    frame = pd.DataFrame({"s": [3.0, 3.0, 3.0, 3.0], "g": list("aabb")})
    rows = fit_cohesion(frame, scales={"s": ()}, limits={"s": (1, 5)}, **(NONE | {"group": "g"})).tidy()
    states = rows[rows["domain"] != "unit=region"].groupby("statistic")["status"].unique().map(list).to_dict()
    models = ("icc1", "icc2", "shrunken", "unit_reliability", "variance_share", "difference_from_all")
    gone = {key: ["not_estimable"] for key in models}
    assert states == {"mean": ["ok"], "rwg_j": ["not_asked"], **gone}
    assert tuple(rows.columns) == COLUMNS


def test_no_groups_and_no_regions_leave_the_mean() -> None:
    rows = fit_cohesion(pd.DataFrame({"s": [1.0, 2.0, 3.0]}), scales={"s": ()}, limits={"s": (1, 5)}, **NONE).tidy()
    assert rows["status"].tolist() == ["not_asked", "not_asked", "ok"]
    assert rows.loc[2, "estimate"] == 2.0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"limits": {"s": (1, 2)}}, "1 scores"),
        ({"limits": {}}, "limits are missing"),
        ({"scales": {"z": ()}}, "do not have"),
        ({"min_reliability": 70}, "between 0 and 1"),
        ({"registry": pd.DataFrame()}, "need region="),
        ({"registry": pd.DataFrame({"g": ["a"], "r": ["A1"]}), "region": "t"}, "members"),
        ({"adjust": ["t"]}, "changes nothing without a registry"),
        ({"person": "t"}, "single wave"),
        ({"context": ["no"]}, "do not have"),
        ({"region": "r", "hierarchy": PLACES}, "not in the hierarchy"),
        ({"region": "r", "hierarchy": pd.concat([PLACES, PLACES])}, "a code twice"),
        ({"region": "t", "hierarchy": pd.DataFrame({"code": ["a", "b"], "parent": ["b", "a"], "level": "x"})}, "loop"),
    ],
)
def test_bad_questions(asked: dict, said: str) -> None:
    frame = pd.DataFrame({"s": [1.0, 2.0, 3.0], "g": list("aab"), "r": ["A1", "A1", "nowhere"], "t": "a"})
    with pytest.raises(ValueError, match=said):
        fit_cohesion(frame, **(NONE | {"scales": {"s": ()}, "limits": {"s": (1, 5)}, "group": "g"} | asked))


def test_a_cell_is_as_reliable_as_its_three_parts(members: pd.DataFrame, fit: CohesionFit) -> None:
    """Group, place and their combination over these and the residual's share: (g + p + gp) / (g + p + gp + s2 / n)."""
    part = members[members["wave"] == "w2"].assign(county=lambda t: t["region"].str[:2])
    model = fit_mixed(part, outcome="trust", random=("group", "county", ("group", "county")))
    between = sum(model.variance_of(f) for f in ("group", "county", "group:county"))
    rows = pick(fit.tidy(), statistic="unit_reliability", term="trust", wave="w2")
    cells = rows[(rows["group"] != "*") & (rows["region"] != "*")]
    size = part.groupby(["group", "county"]).size()[list(zip(cells["group"], cells["region"], strict=True))]
    assert cells["n"].tolist() == size.tolist()
    expected = between / (between + model.variance_of("residual") / size.to_numpy())
    np.testing.assert_allclose(cells["estimate"], expected, rtol=1e-4)


def test_a_level_that_places_nine_in_ten_stands_for_regions() -> None:
    """Eighteen of twenty are known down to a county, two to their city only; one less, and the cities stand for regions."""
    places = ["A1"] * 6 + ["A2"] * 3 + ["B1"] * 5 + ["B2"] * 4 + ["A", "B"]
    frame = pd.DataFrame({"s": np.tile([1.0, 2.0, 4.0, 5.0], 5), "r": places})
    asked = NONE | {"region": "r", "hierarchy": PLACES}
    assert fit_cohesion(frame, scales={"s": ()}, limits={"s": (1, 5)}, **asked).unit_level == "county"
    fewer = frame.assign(r=["A", *places[1:]])
    assert fit_cohesion(fewer, scales={"s": ()}, limits={"s": (1, 5)}, **asked).unit_level == "city"


def test_under_no_least_reliability_nothing_is_pooled() -> None:
    """Equal means: the groups' variance and reliability are nought, which is not under nought."""
    frame = pd.DataFrame({"s": [1.0, 2.0, 3.0] * 3, "g": np.repeat(list("abc"), 3)})
    asked = NONE | {"group": "g", "min_reliability": 0}
    rows = pick(fit_cohesion(frame, scales={"s": ()}, limits={"s": (1, 5)}, **asked).tidy(), statistic="shrunken")
    assert rows["status"].tolist() == ["ok"] * 3
    assert rows["estimate"].tolist() == pytest.approx([2.0] * 3)
