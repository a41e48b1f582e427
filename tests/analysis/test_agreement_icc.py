"""ICC: its intervals for unequal groups, by pairs under weights, and the reliability of units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.core import mixed as core_mixed
from analysis.methods.design import Design, Replicates
from analysis.methods.estimates import estimates
from analysis.methods.icc import icc, unit_reliability
from analysis.methods.mixed import fit_mixed

PENCIL = 1e-10


def scores(seed: int = 2, sizes: tuple[int, ...] = (3, 4, 5, 8, 12, 20, 3, 6), tau: float = 0.6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    unit = np.repeat([f"u{k}" for k in range(len(sizes))], sizes)
    level = np.repeat(rng.normal(0, tau, len(sizes)), sizes)
    return pd.DataFrame(
        {"unit": unit, "y": 3 + level + rng.normal(0, 1, len(unit)), "w": rng.uniform(0.5, 2.5, len(unit))}
    )


def by(result: object) -> pd.DataFrame:
    return result.tidy().set_index("statistic")  # type: ignore[attr-defined]


def test_ends_of_reml_are_where_the_likelihood_has_fallen() -> None:
    frame = scores()
    rows = by(icc(frame, outcome="y", group="unit", method="reml"))
    fit = fit_mixed(frame, outcome="y", random=("unit",))
    assert rows.loc["icc1", "conf_low"] < rows.loc["icc1", "estimate"] < rows.loc["icc1", "conf_high"]
    for end in ("conf_low", "conf_high"):
        rho = rows.loc["icc1", end]
        if rho > 0:
            theta = np.array([np.sqrt(rho / (1 - rho))])
            rise = core_mixed.deviance(fit.moments, fit.fit.shape, theta, reml=True) - fit.fit.deviance
            assert rise == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-5)


def test_an_interval_may_reach_below_zero() -> None:
    """Equal units of 4, MSB 4 / 3 and MSW 5 / 3, F .8 on 3 and 12: (F / F(.975) - 1) / (F / F(.975) + 3), below zero."""
    frame = pd.DataFrame({"unit": np.repeat(list("abcd"), 4), "y": [1.0, 2, 3, 4] * 4})
    frame["y"] += np.repeat([0.5, -0.5, 0.5, -0.5], 4)
    row = by(icc(frame, outcome="y", group="unit")).loc["icc1"]
    ratios = [0.8, 0.8 / stats.f.ppf(0.975, 3, 12), 0.8 * stats.f.ppf(0.975, 12, 3)]
    expected = [(f - 1) / (f + 3) for f in ratios]
    assert row[["estimate", "conf_low", "conf_high"]].tolist() == pytest.approx(expected, rel=1e-6)
    assert expected[1] < 0 < expected[2]


def test_few_units_and_many_replicates_have_the_freedom_of_the_units() -> None:
    frame = scores(sizes=(12,) * 5)
    rng = np.random.default_rng(12)
    names = tuple(f"r{k}" for k in range(40))
    frame[list(names)] = frame["w"].to_numpy()[:, None] * rng.poisson(1, (60, 40))
    row = by(icc(frame, outcome="y", group="unit", design=Design(weights="w", replicates=names))).loc["icc1"]
    k = (frame.groupby("unit")["w"].sum() ** 2 / (frame["w"] ** 2).groupby(frame["unit"]).sum()).mean()

    def z(rho: float) -> float:
        return float(np.log((1 + (k - 1) * rho) / (1 - rho)) / 2)

    slope = k / 2 / ((1 - row["estimate"]) * (1 + (k - 1) * row["estimate"]))
    t = (z(row["conf_high"]) - z(row["estimate"])) / (slope * row["std_error"])
    assert t == pytest.approx(stats.t.ppf(0.975, 4), rel=1e-8)


def test_no_difference_between_units_starts_at_zero() -> None:
    """Units with one mean: REML's tau is zero, its upper end is not."""
    frame = pd.DataFrame({"unit": np.repeat(list("abcd"), 4), "y": [1.0, 2, 3, 4] * 4})
    row = by(icc(frame, outcome="y", group="unit", method="reml")).loc["icc1"]
    assert (row["estimate"], row["conf_low"]) == (0.0, 0.0)
    assert 0 < row["conf_high"] < 1
    anova = by(icc(frame, outcome="y", group="unit"))
    assert anova.loc["icc1", "estimate"] == pytest.approx(-1 / 3, rel=PENCIL)
    assert anova.loc["icc2", "status"] == "not_estimable"


def test_units_of_one_mind_are_all_of_the_variance() -> None:
    frame = pd.DataFrame({"unit": list("aabb"), "y": [1.0, 1, 4, 4]})
    rows = by(icc(frame, outcome="y", group="unit"))
    assert rows["estimate"].tolist() == [1.0, 1.0, 1.0]


def test_pairs_in_a_frame_that_can_be_done_by_head() -> None:
    """Two units of two: pairs inside (1 - 2)^2 / 2 = (4 - 5)^2 / 2 = .5; across (9 + 16 + 4 + 9) / 2 / 4 = 4.75: 1 - .5 / 4.75."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 5.0], "g": list("aabb")})
    rows = by(icc(frame, outcome="y", group="g", method="pairs"))
    assert rows.loc["icc1", "estimate"] == pytest.approx(1 - 0.5 / 4.75, rel=PENCIL)
    assert rows.loc["icc2", "estimate"] == pytest.approx(2 * (1 - 0.5 / 4.75) / (2 - 0.5 / 4.75), rel=PENCIL)


def test_pairs_under_equal_weights_are_near_anova_and_the_scale_of_weights_is_nothing() -> None:
    frame = scores(sizes=(10,) * 30)
    plain = by(icc(frame, outcome="y", group="unit")).loc["icc1", "estimate"]
    found = [
        by(icc(frame.assign(w=v), outcome="y", group="unit", design=Design(weights="w"))).loc["icc1", "estimate"]
        for v in (1.0, 40.0)
    ]
    assert found[0] == pytest.approx(found[1], rel=PENCIL)
    assert found[0] == pytest.approx(plain, abs=0.003)


def jackknifed(frame: pd.DataFrame, column: str) -> tuple[pd.DataFrame, Design]:
    code = pd.factorize(frame[column])[0]
    count = int(code.max()) + 1
    names = tuple(f"r{k}" for k in range(count))
    kept = np.where(code[:, None] == np.arange(count), 0.0, count / (count - 1))
    weights = pd.DataFrame(frame["w"].to_numpy()[:, None] * kept, columns=names)
    return pd.concat([frame, weights], axis=1), Design(
        weights="w", replicates=Replicates(names, scale=(count - 1) / count)
    )


def test_error_of_pairs_by_leaving_out_one_unit_after_the_other() -> None:
    frame = scores()
    whole, design = jackknifed(frame, "unit")
    rows = by(icc(whole, outcome="y", group="unit", design=design))
    own = rows.loc["icc1", "estimate"]
    left = [
        by(icc(frame[frame["unit"] != u], outcome="y", group="unit", design=Design(weights="w"))).loc[
            "icc1", "estimate"
        ]
        for u in frame["unit"].unique()
    ]
    expected = np.sqrt(((np.array(left) - own) ** 2).sum() * 7 / 8)
    assert rows.loc["icc1", "std_error"] == pytest.approx(expected, rel=1e-8)
    w = frame.groupby("unit")["w"]
    k = (w.sum() ** 2 / w.agg(lambda v: (v**2).sum())).mean()
    z = np.log((1 + (k - 1) * own) / (1 - own)) / 2
    slope = k / 2 / ((1 - own) * (1 + (k - 1) * own))
    ends = z + np.array([-1, 1]) * stats.t.ppf(0.975, 7) * expected * slope
    wanted = (np.exp(2 * ends) - 1) / (np.exp(2 * ends) + k - 1)
    assert rows.loc["icc1", ["conf_low", "conf_high"]].tolist() == pytest.approx(wanted.tolist(), rel=1e-8)


def test_a_unit_drawn_twice_is_two_units() -> None:
    """Replicate weights 2, 1, 0 of units beside the pairs added up: those inside a unit taken twice count twice, not four times."""
    frame = scores(sizes=(6, 7, 8))
    times = frame["unit"].map({"u0": 2, "u1": 1, "u2": 0}).to_numpy()
    other = frame["unit"].map({"u0": 0, "u1": 1, "u2": 2}).to_numpy()
    made = frame.assign(r0=frame["w"] * times, r1=frame["w"] * other)
    design = Design(weights="w", replicates=Replicates(("r0", "r1"), scale=1.0))
    error = by(icc(made, outcome="y", group="unit", design=design)).loc["icc1", "std_error"]
    own = by(icc(frame, outcome="y", group="unit", design=Design(weights="w"))).loc["icc1", "estimate"]
    off = []
    for double in ("u0", "u2"):
        part = frame[frame["unit"].isin([double, "u1"])]
        off.append(_pairs(part, double) - own)
    assert error == pytest.approx(np.sqrt((np.array(off) ** 2).sum()), rel=1e-8)


def _pairs(part: pd.DataFrame, double: str) -> float:
    """Pairs one after the other; those inside `double` twice, those between the two units twice (once for each copy)."""
    inside, weight, across, count = 0.0, 0.0, 0.0, 0.0
    sizes = part.groupby("unit").size()
    rows = list(part.itertuples(index=False))
    for a, first in enumerate(rows):
        for second in rows[a + 1 :]:
            f, d = first.w * second.w, (first.y - second.y) ** 2 / 2
            if first.unit == second.unit:
                f *= (2 if first.unit == double else 1) / sizes[first.unit]
                inside, weight = inside + f * d, weight + f
            else:
                across, count = across + 2 * f * d, count + 2 * f
    return 1 - inside / weight / (across / count)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"method": "kappa"}, "unknown method"),
        ({"method": "anova", "design": Design(weights="w")}, "no right answer under survey weights"),
        ({"method": "reml", "design": Design(weights="w")}, "no right answer under survey weights"),
        ({"design": Design(weights="w", strata="unit")}, "weights only"),
        ({"design": Design(weights="v")}, r"\['v'\]"),
        ({"outcome": "z"}, r"\['z'\]"),
        ({"outcome": "unit"}, "must hold numbers"),
    ],
)
def test_bad_questions_about_icc(asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        icc(scores(), **({"outcome": "y", "group": "unit"} | asked))


def test_reliability_by_group_size() -> None:
    """Spearman-Brown of icc1_unequal for 3, 4 ... members, and its mean over the eight units."""
    found = icc(scores(), outcome="y", group="unit")
    rho = by(found).loc["icc1_unequal", "estimate"]
    table = found.sizes.set_index("size")
    assert table["groups"].to_dict() == {3: 2, 4: 1, 5: 1, 6: 1, 8: 1, 12: 1, 20: 1}
    assert table.loc[12, "reliability"] == pytest.approx(12 * rho / (1 + 11 * rho), rel=PENCIL)
    each = [n * rho / (1 + (n - 1) * rho) for n in (3, 4, 5, 8, 12, 20, 3, 6)]
    assert found.mean_reliability == pytest.approx(np.mean(each), rel=PENCIL)


def test_a_unit_is_as_reliable_as_its_size_makes_it() -> None:
    """Equal units: tau^2 = s^2 of means - MSW / n, reliability = 1 - MSW / MSB, that is ICC(2)."""
    frame = scores(sizes=(9,) * 12)
    found = unit_reliability(frame, outcome="y", group="unit")
    icc2 = by(icc(frame, outcome="y", group="unit")).loc["icc2", "estimate"]
    np.testing.assert_allclose(found.units["reliability"], icc2, rtol=1e-8)
    rows = found.tidy()
    assert set(rows["statistic"]) == {"mean", "unit_reliability"}
    assert ((rows["conf_low"] <= rows["estimate"]) & (rows["estimate"] <= rows["conf_high"])).all()


def test_means_stay_whatever_their_reliability() -> None:
    """Units without any difference: none may be ranked, and every mean and interval is there as `estimates` gives it."""
    frame = scores(tau=0.0, seed=4)
    found = unit_reliability(frame, outcome="y", group="unit")
    assert not found.units["rankable"].any()
    assert "0 reliable enough" in repr(found)
    own = estimates(frame, variables="y", by={"group": "unit"}, design=Design(strata="unit")).tidy()
    pd.testing.assert_frame_equal(found.tidy().query("statistic == 'mean'").reset_index(drop=True), own)
    assert own["status"].eq("ok").all()


def test_two_who_chance_to_agree_are_not_reliable() -> None:
    frame = pd.concat([scores(), pd.DataFrame({"unit": "pair", "y": [3.0, 3.0], "w": 1.0})], ignore_index=True)
    table = unit_reliability(frame, outcome="y", group="unit").units.set_index("group")
    assert table.loc["pair", "reliability"] == table["reliability"].min()
    own = unit_reliability(frame, outcome="y", group="unit", errors="own").units.set_index("group")
    assert np.isnan(own.loc["pair", "reliability"])
    assert not own.loc["pair", "rankable"]
    u4 = frame.loc[frame["unit"] == "u4", "y"]
    assert own.loc["u4", "squared_error"] == pytest.approx(u4.var() / len(u4), rel=PENCIL)


def test_a_unit_of_one_has_a_mean_and_its_size_makes_its_reliability() -> None:
    frame = pd.concat([scores(), pd.DataFrame({"unit": ["lone"], "y": [9.0], "w": [1.0]})], ignore_index=True)
    table = unit_reliability(frame, outcome="y", group="unit").units.set_index("group")
    assert table.loc["lone", "mean"] == 9.0
    assert np.isnan(table.loc["lone", "std_error"])
    assert table.loc["lone", "squared_error"] == pytest.approx(3 * table.loc["u0", "squared_error"], rel=PENCIL)
    alone = unit_reliability(frame[frame["unit"] == "u5"], outcome="y", group="unit")
    assert np.isnan(alone.tau2)
    assert alone.tidy()["status"].tolist() == ["ok", "not_estimable"]


def test_a_design_with_clusters_makes_units_less_reliable() -> None:
    """Answers of a cluster alike: the same means, larger errors, less reliability."""
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"unit": np.repeat(list("abcdefgh"), 40), "town": np.repeat(np.arange(64), 5)})
    level = np.repeat(rng.normal(0, 0.5, 8), 40) + np.repeat(rng.normal(0, 0.5, 64), 5)
    frame = frame.assign(y=level + rng.normal(0, 0.5, 320))
    plain = unit_reliability(frame, outcome="y", group="unit")
    nested = unit_reliability(frame, outcome="y", group="unit", design=Design(cluster="town", strata="unit"))
    assert (nested.units["reliability"] < plain.units["reliability"]).all()
    assert nested.units["mean"].tolist() == pytest.approx(plain.units["mean"].tolist(), rel=PENCIL)


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"errors": "some"}, "unknown errors"), ({"minimum": 2}, "between 0 and 1"), ({"group": "z"}, r"\['z'\]")],
)
def test_bad_questions_about_units(asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        unit_reliability(scores(), **({"outcome": "y", "group": "unit"} | asked))
