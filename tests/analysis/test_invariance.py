"""The ladder of invariance: printed numbers, what is planted is found, and what is not planted is not."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special

from analysis.methods.design import Design
from analysis.methods.invariance import Invariance, _cutoffs, fit_invariance, invariance
from analysis.methods.measurement import fit_cfa

Folder = Callable[[str], Path]
HOLZINGER = {"visual": ("x1", "x2", "x3"), "textual": ("x4", "x5", "x6"), "speed": ("x7", "x8", "x9")}
ITEMS = list("abcde")
LADDER: dict[str, Any] = {"factors": {"f": ITEMS}, "group": "g"}
LOADINGS = np.array([0.8, 0.7, 0.6, 0.75, 0.65])
CUTS = np.array([-1.0, 0.0, 0.9])


def drawn(
    seed: int,
    groups: dict[str, dict[str, Any]],
    n: int = 400,
) -> pd.DataFrame:
    """Groups that differ in ``mean`` or ``spread`` of the factor, or in ``loadings``, ``intercepts`` or ``noise`` of items."""
    rng, parts = np.random.default_rng(seed), []
    for name, told in groups.items():
        loading = LOADINGS + told.get("loadings", 0)
        common = rng.normal(told.get("mean", 0), told.get("spread", 1), size=(n, 1))
        noise = rng.normal(size=(n, 5)) * np.sqrt(1 - LOADINGS**2) * told.get("noise", 1)
        parts.append(pd.DataFrame(common * loading + noise + told.get("intercepts", 0), columns=ITEMS).assign(g=name))
    return pd.concat(parts, ignore_index=True)


def only(item: str, by: float) -> np.ndarray:
    return np.array([by if i == item else 0.0 for i in ITEMS])


def cut(frame: pd.DataFrame, moved: dict[tuple[str, str], float] | None = None) -> pd.DataFrame:
    """Answers 1 to 4; thresholds of some items in some groups lie elsewhere."""
    out = frame.copy()
    for item in ITEMS:
        shift = frame["g"].map({g: by for (g, i), by in (moved or {}).items() if i == item}).fillna(0.0)
        out[item] = 1 + sum((frame[item] > c + shift).astype(int) for c in CUTS)
    return out


def verdicts(found: Invariance) -> list[tuple[str, str]]:
    return list(found.table[["step", "verdict"]].itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def pupils(shared_data: Folder) -> pd.DataFrame:
    return pd.read_csv(shared_data("holzinger1939") / "HolzingerSwineford1939.csv")


def test_printed_ladder_of_two_schools(pupils: pd.DataFrame) -> None:
    """As tutorials of lavaan and semTools print it, school by school."""
    steps = {"configural": (), "metric": ("loadings",), "scalar": ("loadings", "intercepts")}
    steps["strict"] = (*steps["scalar"], "residuals")
    fits = [fit_cfa(pupils, factors=HOLZINGER, group="school", equal=e) for e in steps.values()]
    assert [f.df for f in fits] == [48, 54, 60, 69]
    told = np.array([[f.chisq, f.cfi, f.rmsea] for f in fits])
    printed = [[115.851, 0.923, 0.097], [124.044, 0.921, 0.093], [164.103, 0.882, 0.107], [181.511, 0.873, 0.104]]
    np.testing.assert_allclose(told, printed, atol=5.1e-4)
    differences = [less.fit.sample.difference(less.fit, more.fit)[0] for more, less in itertools.pairwise(fits)]
    assert differences == pytest.approx([8.1922, 40.0593, 17.4085], abs=5.1e-5)
    means = fits[2].parameters.query("kind == 'latent_means' and free")
    assert means["estimate"].tolist() == pytest.approx([-0.148, 0.576, -0.177], abs=5.1e-4)
    assert means["std_error"].tolist() == pytest.approx([0.122, 0.117, 0.090], abs=5.1e-4)


def test_the_search_ends_at_the_partial_model_of_two_schools(pupils: pd.DataFrame) -> None:
    """Intercepts of x3 and x7, as semTools' partialInvariance has it; dMACS by the integral, computed in R."""
    found = fit_invariance(pupils, factors=HOLZINGER, group="school", last_step="scalar")
    table = found.table.set_index(["step", "verdict"])
    assert list(table.index) == [
        ("configural", "holds"),
        ("metric", "holds"),
        ("scalar", "fails"),
        ("scalar", "partial"),
    ]
    assert table["p_value"].iloc[1:3].tolist() == pytest.approx([0.224358, 4.43457e-07], rel=1e-4)
    assert set(found.freed["item"]) == {"x3", "x7"}
    harm = found.harm.set_index("item")["dmacs"]
    assert harm[["x3", "x7"]].tolist() == pytest.approx([0.481610, 0.414872], abs=1e-5)
    assert found.sizes == {"Pasteur": 156, "Grant-White": 145}


@pytest.mark.parametrize("ordered", [False, True])
def test_where_nothing_is_planted_nothing_is_found(ordered: bool) -> None:
    """Groups may differ in mean, spread and size: that is no bias of the items.

    Each of two or three searched steps rejects in 5 % of samples, so that of six ladders three with a name is rare.
    """
    named, apart = 0, []
    for seed in range(6):
        frame = drawn(50 + seed, {"x": {}, "y": {"mean": 0.5, "spread": 1.3}})
        frame = (cut(frame) if ordered else frame).drop(index=range(700, 800))
        found = fit_invariance(frame, **LADDER, ordered=ordered)
        named += len(found.freed) > 0
        assert found.freed.empty == found.harm.empty
        apart += [(r.standardised - 0.5) / r.standardised_error for r in found.latent_means.itertuples()]
    assert named <= 3
    assert len(apart) >= 5
    assert abs(np.mean(apart)) < 3 / np.sqrt(len(apart))
    assert np.abs(apart).max() < 3.5


def test_a_loading_that_differs_is_named() -> None:
    found = fit_invariance(drawn(1, {"x": {}, "y": {"loadings": only("d", -0.5), "mean": 0.3}}, n=3000), **LADDER)
    assert verdicts(found)[1:3] == [("metric", "fails"), ("metric", "partial")]
    # who has another loading has another intercept too
    assert found.freed.to_numpy().tolist() == [["loadings", "d"], ["intercepts", "d"]]
    assert found.harm.loc[0, "shift"] == pytest.approx(-0.5 * 0.3 / 5, abs=0.015)
    spread = (1 + np.sqrt(0.25**2 + 1 - 0.75**2)) / 2
    assert found.harm.loc[0, "dmacs"] == pytest.approx(0.5 * np.sqrt(1 + 0.3**2) / spread, rel=0.15)


@pytest.mark.parametrize(("item", "by"), [("a", 0.5), ("c", -0.5), ("e", 0.6)])
def test_an_intercept_that_differs_is_named_and_the_mean_is_saved(item: str, by: float) -> None:
    frame = drawn(2, {"x": {}, "y": {"intercepts": only(item, by), "mean": 0.4}}, n=600)
    found = fit_invariance(frame, **LADDER)
    assert found.freed.to_numpy().tolist() == [["intercepts", item]]
    assert found.harm[["item", "group"]].to_numpy().tolist() == [[item, "y"]]
    assert found.harm.loc[0, "shift"] == pytest.approx(by / 5, abs=0.03)
    assert found.harm.loc[0, "dmacs"] == pytest.approx(abs(by) / frame.groupby("g")[item].std().mean(), abs=0.15)
    row = found.latent_means.loc[0]
    assert row["standardised"] == pytest.approx(0.4, abs=0.18)
    assert row["marker"] == ("b" if item == "a" else "a")
    assert {"dmacs", "shift", "latent_mean"} < set(found.tidy()["statistic"])


def test_thresholds_that_differ_are_named_and_weighed() -> None:
    """One item is answered half a step lower in a group; its harm by the integral of what is expected of either group."""
    frame = cut(drawn(3, {"x": {}, "y": {"mean": 0.2}}, n=1500), {("y", "c"): 0.5})
    found = fit_invariance(frame, **LADDER, ordered=True)
    assert set(found.freed["item"]) == {"c"}
    standing = np.random.default_rng(1).normal(0.2, 1, 100_000)
    spread = np.sqrt(1 - LOADINGS[2] ** 2)
    each = [sum(special.ndtr((LOADINGS[2] * standing - c - s) / spread) for c in CUTS) for s in (0.0, 0.5)]
    gap = each[1] - each[0]
    assert found.harm.loc[0, "shift"] == pytest.approx(gap.mean() / 5, abs=0.025)
    size = np.sqrt((gap**2).mean()) / frame.groupby("g")["c"].std().mean()
    assert found.harm.loc[0, "dmacs"] == pytest.approx(size, abs=0.1)


def test_one_threshold_that_differs_is_found_on_its_own_step() -> None:
    frame = drawn(4, {"x": {}, "y": {}}, n=2500)
    answers = cut(frame)
    odd = (frame["g"] == "y") & frame["b"].between(0.0, 0.7)
    answers.loc[odd, "b"] = 2
    found = fit_invariance(answers, **LADDER, ordered=True)
    assert verdicts(found)[1:3] == [("thresholds", "fails"), ("thresholds", "partial")]
    # its loading and intercept mean nothing without equal thresholds
    assert found.freed.to_numpy().tolist() == [["thresholds", "b"], ["loadings", "b"], ["intercepts", "b"]]


def test_residuals_that_differ_stop_the_strict_step_only() -> None:
    frame = drawn(5, {"x": {}, "y": {"noise": 1.6}}, n=500)
    found = fit_invariance(frame, **LADDER)
    assert verdicts(found)[-2:] == [("scalar", "holds"), ("strict", "fails")]
    assert found.holds == "scalar"
    assert len(found.latent_means) == 1
    assert fit_invariance(frame, **LADDER, last_step="scalar").table["step"].tolist() == [
        "configural",
        "metric",
        "scalar",
    ]


def test_where_most_items_differ_the_ladder_stops() -> None:
    shifts = np.array([0.6, -0.6, 0.7, -0.7, 0.0])
    found = fit_invariance(drawn(6, {"x": {}, "y": {"intercepts": shifts}}, n=600), **LADDER)
    assert verdicts(found)[-1] == ("scalar", "fails")
    assert found.holds == "metric"
    assert found.latent_means.empty
    kept = set(ITEMS) - set(found.freed["item"])
    assert len(kept) >= 3


def test_an_item_free_in_three_groups_is_free_in_all() -> None:
    told = {"x": {}, "y": {"intercepts": only("b", 0.8)}, "z": {"mean": 0.5}}
    found = fit_invariance(drawn(7, told, n=2500), **LADDER, reference="x")
    assert found.freed.to_numpy().tolist() == [["intercepts", "b"]]
    harm = found.harm.set_index("group")["dmacs"]
    assert harm["y"] > 0.6
    assert harm["z"] < 0.2
    assert found.latent_means["group"].tolist() == ["y", "z"]
    assert found.latent_means.set_index("group").loc["z", "standardised"] == pytest.approx(0.5, abs=0.2)


def test_factors_that_do_not_fit_stop_at_once() -> None:
    frame = drawn(8, {"x": {}, "y": {}})
    rng = np.random.default_rng(9)
    other = rng.normal(size=len(frame))
    frame = frame.assign(d=other + 0.3 * rng.normal(size=len(frame)), e=other + 0.3 * rng.normal(size=len(frame)))
    found = fit_invariance(frame, **LADDER)
    assert verdicts(found) == [("configural", "fails")]
    assert found.holds == ""
    assert found.latent_means.empty


def test_two_items_have_no_metric_step() -> None:
    pair = {"factors": {"f": ("a", "b")}, "group": "g"}
    found = fit_invariance(drawn(9, {"x": {}, "y": {"mean": 0.4}}), **pair)
    assert [s for s, _ in verdicts(found)] == ["configural", "scalar", "strict"]
    apart = fit_invariance(drawn(9, {"x": {}, "y": {"intercepts": only("b", 1.0)}}), **pair)
    assert verdicts(apart)[-1] == ("scalar", "fails")
    assert apart.freed.empty


def test_an_item_of_two_factors_counts_once() -> None:
    """Its harm is that of everything it measures, the same from either factor."""
    rng = np.random.default_rng(10)
    frame = drawn(10, {"x": {}, "y": {"intercepts": only("c", 0.7)}}, n=700)
    second = rng.normal(size=len(frame))
    noise = rng.normal(size=(len(frame), 4)) * 0.6
    more = {i: 0.8 * second + noise[:, k] for k, i in enumerate("hijk")}
    frame = frame.assign(**more, c=frame["c"] + 0.5 * second)
    found = fit_invariance(frame, factors={"f": ITEMS, "s": [*"hijk", "c"]}, group="g")
    assert set(found.freed["item"]) == {"c"}
    assert found.harm["factor"].tolist() == ["f", "s"]
    assert found.harm["shift"].tolist() == pytest.approx([0.7 / 5] * 2, abs=0.03)
    assert found.harm["dmacs"].nunique() == 1


def test_groups_in_any_order_with_any_weights() -> None:
    frame = drawn(11, {"x": {}, "y": {"intercepts": only("b", 0.5)}, "z": {"mean": 0.3}}).assign(w=1.0)
    plain = fit_invariance(frame, **LADDER, reference="x")
    shuffled = fit_invariance(frame.sample(frac=1, random_state=2), **LADDER, reference="x")
    named = frame.assign(g=frame["g"].map({"x": "3 last", "y": "1 first", "z": "2"}))
    for other in (shuffled, fit_invariance(named, **LADDER, reference="3 last")):
        np.testing.assert_allclose(other.table["chisq"], plain.table["chisq"], rtol=1e-6)
        assert other.table["verdict"].tolist() == plain.table["verdict"].tolist()
        np.testing.assert_allclose(other.latent_means["estimate"], plain.latent_means["estimate"], rtol=1e-4)
    # another reference: the same steps, the same items
    last = fit_invariance(frame, **LADDER, reference="z")
    np.testing.assert_allclose(last.table["chisq"], plain.table["chisq"], rtol=1e-6)
    assert last.freed.equals(plain.freed)
    weighed = [fit_invariance(frame.assign(w=k), **LADDER, design=Design(weights="w")) for k in (1.0, 1e5)]
    np.testing.assert_allclose(weighed[0].table["chisq"], weighed[1].table["chisq"], rtol=1e-7)
    pd.testing.assert_frame_equal(invariance(frame, **LADDER, reference="x"), plain.table)


@pytest.mark.parametrize(
    ("step", "sizes", "cfi", "rmsea"),
    [
        ("metric", [200, 200], 0.010, 0.015),
        ("metric", [200, 100], 0.010, 0.015),
        ("metric", [201, 99], 0.005, 0.010),
        ("scalar", [202, 99], 0.010, 0.015),
        ("metric", [60] * 10, 0.020, 0.030),
        ("metric", [60] * 9, 0.010, 0.015),
        ("scalar", [60] * 10, 0.010, 0.015),
    ],
)
def test_cutoffs_go_by_size_and_number_of_groups(step: str, sizes: list[int], cfi: float, rmsea: float) -> None:
    told = _cutoffs(step, {str(k): n for k, n in enumerate(sizes)})
    assert (told.cfi, told.rmsea) == (cfi, rmsea)


@pytest.mark.slow
def test_small_samples_fail_seldom_by_chance() -> None:
    """Two groups of 80, nothing planted: two steps at 5 % each; of 20 ladders, 2 are expected and 6 are three errors."""
    wrong = 0
    for seed in range(20):
        found = fit_invariance(drawn(100 + seed, {"x": {}, "y": {}}, n=80), **LADDER, last_step="scalar")
        wrong += bool(len(found.freed)) or found.holds != "scalar"
    assert wrong <= 6
