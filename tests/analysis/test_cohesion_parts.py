"""Shares of the variance, effects of context, differences from the whole, small areas: by hand, by identities, by R's numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.methods.contextual import contextual
from analysis.methods.contrasts import differences_from_all
from analysis.methods.design import Design, Replicates
from analysis.methods.estimates import estimates
from analysis.methods.fay_herriot import fay_herriot
from analysis.methods.icc import icc
from analysis.methods.mixed import NotFittable, fit_mixed
from analysis.methods.variance_shares import variance_shares
from analysis.questions.cohesion import CohesionFit, fit_cohesion

PRINTED = 2e-6  # absolute: R's numbers are stored with six to seven digits
SAME = 1e-10  # relative: two routes through our own code
RATIO = 0.3  # three times the ratio's standard error at 1,200 people with two answers each
NEAR = 0.1  # relative: an interval by chi-squared beside the profile of the restricted likelihood

Folder = Callable[[str], Path]
PLACES = pd.DataFrame(
    [("P", None, "province"), ("A", "P", "city"), ("B", "P", "city")]
    + [(f"{c}{k}", c, "county") for c in "AB" for k in range(1, 7)]
    + [(f"A1{k}", "A1", "township") for k in "xyz"],
    columns=["code", "parent", "level"],
)


def federation(seed: int = 3, n: int = 2400, effect: float = 1.0) -> pd.DataFrame:
    """Two waves of a panel; three groups, twelve counties, one known down to townships; contact that goes with the score."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame({"person": np.arange(n // 2), "group": rng.choice(list("efg"), n // 2, p=[0.6, 0.3, 0.1])})
    county = rng.choice(PLACES.loc[PLACES["level"] == "county", "code"].to_numpy(), n // 2)
    people["region"] = np.where(
        county == "A1", np.char.add("A1", rng.choice(list("xyz"), n // 2, p=[0.9, 0.08, 0.02])), county
    )
    people["own"] = rng.normal(0, 0.4, n // 2)
    people["own"] += effect * people["group"].map(dict(zip("efg", [0.3, -0.2, -0.5], strict=True)))
    people["own"] += effect * pd.Series(county).map(dict(zip(sorted(set(county)), rng.normal(0, 0.3, 12), strict=True)))
    frame = pd.concat([people.assign(wave=w) for w in ("w1", "w2")], ignore_index=True)
    frame["contact"] = rng.integers(0, 2, n).astype(float)
    frame["trust"] = np.clip(3 + frame["own"] + 0.2 * frame["contact"] + rng.normal(0, 0.4, n), 1, 5)
    return frame.assign(weight=rng.uniform(0.5, 2, n))


def registry_of(frame: pd.DataFrame) -> pd.DataFrame:
    """Twenty members for each answer of a wave, and a county where nobody answered."""
    cells = frame[frame["wave"] == "w2"].groupby(["group", "region"]).size().mul(20).rename("members").reset_index()
    return pd.concat([cells, pd.DataFrame({"group": ["e"], "region": ["B9"], "members": [500]})], ignore_index=True)


@pytest.fixture(scope="module")
def members() -> pd.DataFrame:
    return federation()


WHERE = {"group": "group", "region": "region", "wave": "wave"}


@pytest.fixture(scope="module")
def fit(members: pd.DataFrame) -> CohesionFit:
    places = pd.concat([PLACES, pd.DataFrame([{"code": "B9", "parent": "B", "level": "county"}])], ignore_index=True)
    asked = {"scales": {"trust": ()}, "limits": {"trust": (1, 5)}, "hierarchy": places, "design": Design()}
    more = {"registry": registry_of(members), "context": ["contact"], "person": "person"}
    return fit_cohesion(members, **WHERE, **asked, **more)


def pick(rows: pd.DataFrame, **keys: str) -> pd.DataFrame:
    for key, value in keys.items():
        rows = rows[rows[key] == value]
    return rows.reset_index(drop=True)


# shares of the variance


def test_a_share_is_the_icc_and_its_interval_lies_near_the_profile(shared_data: Folder) -> None:
    frame = pd.read_csv(shared_data("bh1996") / "bh1996.csv")
    share = variance_shares(fit_mixed(frame, outcome="WBEING", random=("GRP",))).parts.iloc[0]
    reml = icc(frame, outcome="WBEING", group="GRP", method="reml").tidy().iloc[0]
    assert share["share"] == pytest.approx(0.0433792, abs=PRINTED)
    np.testing.assert_allclose(
        share[["conf_low", "conf_high"]].astype(float), reml[["conf_low", "conf_high"]].astype(float), rtol=NEAR
    )


def test_shares_add_up_and_waves_are_the_variance_of_their_means() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"wave": np.repeat(["1", "2", "3"], 4000), "g": np.tile(np.arange(40), 300).astype(str)})
    frame["y"] = (
        frame["wave"].map({"1": 0.0, "2": 0.6, "3": -0.3})
        + rng.normal(size=12000)
        + rng.normal(size=40)[frame["g"].astype(int)]
    )
    parts = variance_shares(
        fit_mixed(frame, outcome="y", fixed=("wave",), random=("g",)), across="wave"
    ).parts.set_index("part")
    assert parts["share"].sum() == pytest.approx(1, rel=SAME)
    means = frame.groupby("wave")["y"].mean()
    noise = (
        parts.loc["residual", "variance"] / 12000 * 2
    )  # (K - 1) sigma^2 / n is what errors add to the variance of K means
    assert parts.loc["wave", "variance"] == pytest.approx(float(means.var(ddof=0)) - noise, rel=1e-6)
    inside = (parts["conf_low"] <= parts["share"]) & (parts["share"] <= parts["conf_high"])
    assert inside.all()


def balanced() -> pd.DataFrame:
    """Five groups of 200: the between mean square has four degrees of freedom and the within one as good as any number."""
    rng = np.random.default_rng(11)
    return pd.DataFrame(
        {"g": np.repeat(list("abcde"), 200), "y": np.repeat(rng.normal(0, 1, 5), 200) + rng.normal(size=1000)}
    )


def test_the_interval_of_a_variance_is_that_of_analysis_of_variance() -> None:
    frame = balanced()
    parts = variance_shares(fit_mixed(frame, outcome="y", random=("g",))).parts.set_index("part")
    means, noise = frame.groupby("g")["y"].mean(), frame.groupby("g")["y"].var().mean() / 200
    ends = 4 * means.var() / stats.chi2.ppf([0.975, 0.025], 4) - noise
    np.testing.assert_allclose(parts.loc["g", ["variance_low", "variance_high"]].astype(float), ends, rtol=0.01)


def test_the_interval_of_a_share_is_that_of_a_ratio_of_its_part_to_the_rest() -> None:
    """The lower end takes its own part's lower and the rest's upper end, each on the log scale, their distances as legs."""
    a, b = variance_shares(fit_mixed(balanced(), outcome="y", random=("g",))).parts.to_dict("records")
    down = np.hypot(np.log(a["variance"] / a["variance_low"]), np.log(b["variance_high"] / b["variance"]))
    up = np.hypot(np.log(a["variance_high"] / a["variance"]), np.log(b["variance"] / b["variance_low"]))
    odds = a["variance"] / b["variance"] * np.exp(np.array([-down, up]))
    np.testing.assert_allclose([a["conf_low"], a["conf_high"]], odds / (1 + odds), rtol=SAME)


@pytest.mark.slow
def test_intervals_of_shares_hold_the_truth() -> None:
    """Eight organisations by forty counties: each part's interval within four Monte Carlo errors of 95 % in 150 federations."""
    held = np.array([_held(np.random.default_rng(seed)) for seed in range(150)])
    assert (np.abs(held.mean(axis=0) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 150)).all()


def _held(rng: np.random.Generator, n: int = 2000) -> list[bool]:
    group, region = rng.integers(0, 8, n), rng.choice(40, n, p=rng.dirichlet(np.ones(40)))
    truth = {"group": 0.1, "region": 0.05, "group:region": 0.05, "residual": 0.8}
    y = rng.normal(0, np.sqrt(0.1), 8)[group] + rng.normal(0, np.sqrt(0.05), 40)[region]
    y += rng.normal(0, np.sqrt(0.05), (8, 40))[group, region] + rng.normal(0, np.sqrt(0.8), n)
    frame = pd.DataFrame({"y": y, "group": group.astype(str), "region": region.astype(str)})
    parts = variance_shares(fit_mixed(frame, outcome="y", random=("group", "region", ("group", "region")))).parts
    return [bool(r.conf_low <= truth[r.part] <= r.conf_high) for r in parts.itertuples()]


def test_a_variance_of_zero_has_a_share_from_zero_to_somewhere() -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4, 1, 2, 3, 4, 4, 3, 2, 1], "g": np.repeat(list("abc"), 4)})
    share = variance_shares(fit_mixed(frame, outcome="y", random=("g",))).parts.iloc[0]
    assert share["share"] == share["conf_low"] == 0
    assert 0 < share["conf_high"] < 1


def test_shares_of_a_logit_model_count_the_logistic_law() -> None:
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(30), 40)
    frame = pd.DataFrame({"g": g.astype(str), "y": (rng.logistic(size=1200) < rng.normal(0, 1, 30)[g]).astype(int)})
    model = fit_mixed(frame, outcome="y", random=("g",), family="binomial")
    parts = variance_shares(model).parts
    v = model.variance_of("g")
    np.testing.assert_allclose(parts["share"], [v / (v + np.pi**2 / 3), np.pi**2 / 3 / (v + np.pi**2 / 3)], rtol=SAME)


def test_slopes_have_no_share() -> None:
    frame = federation()
    model = fit_mixed(frame, outcome="trust", fixed=("contact",), random=("region",), slopes={"region": ["contact"]})
    with pytest.raises(ValueError, match="slopes"):
        variance_shares(model)


def test_people_who_answered_twice_are_told_from_what_changes(members: pd.DataFrame, fit: CohesionFit) -> None:
    """Two answers of one person, a year apart: the truth is .16 between people and .17 within them."""
    shares = pick(fit.tidy(), statistic="variance_share", wave="*").set_index("domain")["estimate"]
    assert set(shares.index) == {f"part={p}" for p in ("group", "region", "group:region", "person", "wave", "residual")}
    assert shares["part=person"] / shares["part=residual"] == pytest.approx(0.16 / 0.17, abs=RATIO)
    one = pick(fit.tidy(), statistic="variance_share", wave="w1")
    assert one["estimate"].sum() == pytest.approx(1, rel=SAME)
    assert len(one) == 4


# context


def test_contextual_effects_of_hours_are_those_of_the_books(shared_data: Folder) -> None:
    frame = pd.read_csv(shared_data("bh1996") / "bh1996.csv")
    rows = contextual(frame, outcome="WBEING", covariate="HRS", unit="GRP").tidy()
    expected = [[-0.0464605, 0.0048880], [-0.1269261, 0.0194028]]
    np.testing.assert_allclose(rows[["estimate", "std_error"]], expected, atol=PRINTED)


def test_a_covariate_without_context_is_refused() -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4], "x": [0, 1, 0, 1], "g": list("aabb")})
    with pytest.raises(NotFittable, match="same in every"):
        contextual(frame, outcome="y", covariate="x", unit="g")
    with pytest.raises(ValueError, match="among its factors"):
        contextual(frame, outcome="y", covariate="x", unit="g", random=("h",))


def test_context_is_asked_of_groups_and_of_regions(fit: CohesionFit) -> None:
    rows = pick(fit.tidy(), statistic="within", wave="w2")
    assert rows["domain"].tolist() == ["of=contact;unit=group", "of=contact;unit=region"]
    assert (rows["conf_low"] < 0.2).all()
    assert (rows["conf_high"] > 0.2).all()


# differences from the whole


def test_a_unit_is_held_against_the_whole_that_it_is_part_of() -> None:
    """By the influences: 1{in u} (y - m_u) / n_u - (y - m) / n, and the square root of their sum of squares n / (n - 1)."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"y": rng.normal(size=60), "u": np.repeat(list("abc"), [10, 20, 30])})
    parts = [estimates(frame, variables=["y"], by=by) for by in ((), ("u",))]
    found = differences_from_all(*parts).tidy()
    for unit, row in zip("abc", found.itertuples(), strict=True):
        own = (frame["u"] == unit).to_numpy()
        y = frame["y"].to_numpy()
        influence = own * (y - y[own].mean()) / own.sum() - (y - y.mean()) / 60
        assert row.estimate == pytest.approx(y[own].mean() - y.mean(), rel=SAME)
        assert row.std_error == pytest.approx(np.sqrt(60 / 59 * (influence**2).sum()), rel=SAME)
        t = stats.t.ppf(1 - (1 - 0.95 ** (1 / 3)) / 2, own.sum() - 1)
        assert row.conf_high == pytest.approx(row.estimate + t * row.std_error, rel=SAME)


def test_under_replicates_the_difference_is_that_of_each_replicate() -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"y": rng.normal(size=80), "u": np.repeat(list("ab"), 40), "w": 1.0})
    names = [f"r{k}" for k in range(30)]
    frame = frame.assign(**{k: rng.multinomial(80, np.full(80, 1 / 80)).astype(float) for k in names})
    design = Design(weights="w", replicates=Replicates(tuple(names)))
    parts = [estimates(frame, variables=["y"], by=by, design=design) for by in ((), ("u",))]
    found = differences_from_all(*parts).tidy()["std_error"].iloc[0]

    def difference(w: pd.Series) -> float:
        own = frame["u"] == "a"
        return float(np.average(frame["y"][own], weights=w[own]) - np.average(frame["y"], weights=w))

    draws = np.array([difference(frame[k]) for k in names]) - difference(frame["w"])
    assert found == pytest.approx(
        np.sqrt((draws**2).mean()), rel=0.05
    )  # beside how the replicates are scaled and centred


def test_units_that_may_not_be_compared_are_not_and_do_not_count(members: pd.DataFrame) -> None:
    parts = [estimates(members, variables=["trust"], by=by) for by in (("wave",), ("wave", "group"))]
    every = differences_from_all(*parts).tidy()
    among = every["group"] != "g"
    some = differences_from_all(*parts, among=among).tidy()
    assert some.loc[~among, "status"].tolist() == ["not_estimable"] * 2
    assert (some["conf_high"] - some["estimate"])[among].lt((every["conf_high"] - every["estimate"])[among]).all()
    with pytest.raises(ValueError, match="one frame"):
        differences_from_all(parts[0], estimates(members.iloc[:50], variables=["trust"], by=("wave", "group")))


def test_only_reliable_units_are_held_against_the_whole(members: pd.DataFrame) -> None:
    rare = (members["region"] == "B6") & (members.groupby("region").cumcount() >= 8)
    asked = {"scales": {"trust": ()}, "limits": {"trust": (1, 5)}, "hierarchy": PLACES, "design": None}
    rows = fit_cohesion(members[(members["wave"] == "w1") & ~rare], **(WHERE | {"wave": None}), **asked).tidy()
    told = pick(rows, statistic="difference_from_all").set_index(["group", "region"])
    reliability = (
        pick(rows, statistic="unit_reliability").set_index(["group", "region"])["estimate"].reindex(told.index)
    )
    assert reliability[("*", "B6")] < 0.7
    assert ((told["status"] == "ok") == (reliability >= 0.7)).all()
    assert told.loc[("e", "*"), "conf_low"] > 0


@pytest.mark.slow
def test_where_nothing_differs_hardly_ever_any_unit_does() -> None:
    """Organisations shuffled among people: at most one run in twenty finds any that differs, with its Monte Carlo error."""
    runs, wrong = 400, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {"y": np.round(rng.normal(3, 1, 600)).clip(1, 5), "g": rng.integers(0, 12, 600).astype(str)}
        )
        frame["w"] = rng.uniform(0.5, 2, 600)
        parts = [estimates(frame, variables=["y"], by=by, design=Design(weights="w")) for by in ((), ("g",))]
        rows = differences_from_all(*parts).tidy()
        wrong += bool(((rows["conf_low"] > 0) | (rows["conf_high"] < 0)).any())
    assert wrong / runs < 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
    assert wrong > 0


# small areas


def test_places_add_up_to_the_mean_above_them(members: pd.DataFrame, fit: CohesionFit) -> None:
    rows = pick(fit.tidy(), wave="w2", group="*")
    areas = pick(rows, statistic="small_area").set_index("region")
    direct = pick(rows, statistic="mean").set_index("region")["estimate"]
    cells = registry_of(members).assign(county=lambda t: t["region"].str[:2])
    people = cells.groupby("county")["members"].sum()
    for city in "A":  # B has a county where nobody answered, which shows the city's own number
        own = [c for c in people.index if c[0] == city]
        assert (people[own] * areas.loc[own, "estimate"]).sum() / people[own].sum() == pytest.approx(
            direct[city], rel=SAME
        )
    moved = pick(rows, statistic="poststratified").set_index("region")["estimate"]
    assert (moved[own] - areas.loc[own, "estimate"]).abs().max() > 0


def test_places_of_an_organisation_add_up_to_it(members: pd.DataFrame, fit: CohesionFit) -> None:
    rows = pick(fit.tidy(), wave="w2", group="f")
    areas = pick(rows, statistic="small_area").set_index("region")
    assert (areas["n"] >= 10).all()
    cells = registry_of(members).query("group == 'f'").assign(county=lambda t: t["region"].str[:2])
    people = cells.groupby("county")["members"].sum()
    direct = float(pick(rows, statistic="mean", region="*")["estimate"].iloc[0])
    assert (people * areas["estimate"]).sum() / people.sum() == pytest.approx(direct, rel=SAME)


def test_a_unit_with_few_answers_shows_the_one_above(fit: CohesionFit) -> None:
    rows = pick(fit.tidy(), wave="w2", group="*")
    areas = pick(rows, statistic="small_area").set_index("region")
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "n"]
    assert areas.loc["A1z", "basis"] == "A1"
    assert areas.loc["A1z", numbers].tolist() == areas.loc["A1", numbers].tolist()
    direct = pick(rows, statistic="mean").set_index("region")
    assert areas.loc["B9", "basis"] == "B"
    assert areas.loc["B9", numbers].tolist() == direct.loc["B", numbers].tolist()
    assert areas.loc["A1x", "basis"] == ""
    borrowed = pick(rows, statistic="borrowed").set_index("region")["estimate"]
    assert borrowed["B9"] == pytest.approx(1.0)
    assert borrowed["A1"] < borrowed["A1z"]


def test_the_second_opinion_is_fay_herriots(fit: CohesionFit) -> None:
    rows = pick(fit.tidy(), wave="w2", group="*")
    direct = pick(rows, statistic="mean")
    direct = direct[direct["region"].str.len() == 2].reset_index(drop=True)
    person = np.average(direct["std_error"] ** 2 * direct["n_eff"], weights=direct["n_eff"] - 1)
    frame = direct.assign(variance=person / direct["n_eff"])
    expected = fay_herriot(frame, estimate="estimate", variance="variance", area="region").areas
    found = pick(rows, statistic="eblup").set_index("region")["estimate"]
    np.testing.assert_allclose(found[expected["region"]], expected["eblup"], rtol=1e-9)


def test_variables_of_the_design_stand_in_the_model_and_are_weighted_to_the_registry() -> None:
    """The old answer more and feel otherwise; the registry says how many there are."""
    rng = np.random.default_rng(8)
    n = 4000
    frame = pd.DataFrame({"g": rng.choice(list("ef"), n), "r": rng.choice(["A1", "A2", "B1", "B2"], n)})
    frame["age"] = rng.choice(["old", "young"], n, p=[0.8, 0.2])
    frame["trust"] = np.clip(3 + 0.8 * (frame["age"] == "old") + rng.normal(0, 0.5, n), 1, 5)
    cells = pd.MultiIndex.from_product(
        [list("ef"), ["A1", "A2", "B1", "B2"], ["old", "young"]], names=["g", "r", "age"]
    )
    registry = pd.DataFrame({"members": 100}, index=cells).reset_index()
    asked = {
        "scales": {"trust": ()},
        "limits": {"trust": (1, 5)},
        "group": "g",
        "region": "r",
        "wave": None,
        "hierarchy": PLACES,
    }
    plain, adjusted = (
        fit_cohesion(frame, **asked, design=None, registry=registry, adjust=a).tidy() for a in ((), ("age",))
    )
    first, second = (pick(r, statistic="poststratified", group="*")["estimate"].mean() for r in (plain, adjusted))
    assert first == pytest.approx(3.64, abs=0.05)
    assert second == pytest.approx(3.40, abs=0.05)
