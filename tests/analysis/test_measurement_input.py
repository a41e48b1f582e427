"""What factor models are asked and cannot do: each said in plain words; and what they take although it looks odd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.methods.design import Design
from analysis.methods.invariance import fit_invariance
from analysis.methods.measurement import fit_cfa
from analysis.methods.mixed import NotFittable
from analysis.methods.reliability import reliability

ABCD = list("abcd")
LOADINGS = np.array([0.8, 0.7, 0.6, 0.75])
Change = Callable[[pd.DataFrame], pd.DataFrame]
CFA: dict[str, Any] = {"factors": {"f": ABCD}}
LADDER: dict[str, Any] = {"factors": {"f": ABCD}, "group": "g"}


def made(n: int = 150, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2 * n, 1)) * LOADINGS + rng.normal(size=(2 * n, 4)) * np.sqrt(1 - LOADINGS**2)
    return pd.DataFrame(values, columns=ABCD).assign(g=["x"] * n + ["y"] * n, w=1.0, k=np.arange(2 * n) // 5)


def cut(frame: pd.DataFrame, ends: tuple[float, ...] = (-1.2, -0.4, 0.4, 1.2)) -> pd.DataFrame:
    return frame.assign(**{i: np.digitize(frame[i], ends) + 1 for i in ABCD})


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return made()


@pytest.fixture(scope="module")
def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    return cut(frame)


ANSWERS: list[tuple[Change, dict[str, Any], str]] = [
    (lambda f: f.assign(a=f["a"].where(f["g"] == "x", 1.0)), {}, r"group 'y': everybody gave the same answer.*\['a'\]"),
    (lambda f: f.assign(b=f["a"]), {}, r"\['a', 'b'\] determine one another \(a copy"),
    (lambda f: f.assign(d=f["a"] + f["b"] - f["c"]), {}, r"\['a', 'b', 'c', 'd'\] determine one another"),
    (lambda f: f.assign(b=10 - 2 * f["a"]), {}, r"\['a', 'b'\] determine one another"),
    (lambda f: f.groupby("g").head(4), {}, "group 'x': 4 rows for 4 items; a factor model needs more rows than items"),
    (lambda f: f.drop(columns="d"), {}, r"does not have the columns \['d'\]"),
    (lambda f: f.assign(a="often"), {}, "column 'a' must hold numbers"),
    (lambda f: f.assign(a=f["a"].astype(str).astype("category")), {}, "column 'a' must hold numbers"),
    (lambda f: f.assign(a=f["a"].where(f.index > 0, np.inf)), {}, "column 'a' holds infinite values"),
    (lambda f: f.assign(a=np.nan), {}, "no row has an answer to every item and a group"),
    (lambda f: f.assign(a=np.nan), {"missing": "fiml"}, "group 'x': everybody gave the same answer, or none"),
    (lambda f: f[:0], {}, "no row has an answer"),
    (lambda f: f.assign(g=np.nan), {}, "no row has an answer to every item and a group"),
    (lambda f: pd.concat([f, f[["a"]]], axis=1), {}, r"has the columns \['a'\] more than once"),
    (
        lambda f: f.assign(w=f["w"].where(f.index > 0)),
        {"design": Design(weights="w")},
        "at least zero and never missing",
    ),
    (lambda f: f.assign(w=-f["w"]), {"design": Design(weights="w")}, "at least zero and never missing"),
    (lambda f: f.assign(w=0.0), {"design": Design(weights="w")}, "and a weight above zero"),
    (lambda f: f.assign(w=np.inf), {"design": Design(weights="w")}, "infinite values"),
    (lambda f: f.assign(w="heavy"), {"design": Design(weights="w")}, "must hold numbers"),
    (
        lambda f: f.assign(k=f["k"].where(f.index > 9)),
        {"design": Design(cluster="k")},
        "'k' of clusters has rows without",
    ),
    (lambda f: f.assign(k=f["g"]), {"design": Design(cluster="k")}, "all rows of group 'x' lie in one cluster"),
]


@pytest.mark.parametrize(("change", "asked", "said"), ANSWERS)
def test_answers_that_carry_no_model(frame: pd.DataFrame, change: Change, asked: dict[str, Any], said: str) -> None:
    changed = change(frame)
    for ask in (fit_invariance, fit_cfa):
        with pytest.raises(ValueError, match=said):
            ask(changed, **LADDER | asked)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda f: f.assign(a=f["a"].where((f["g"] == "x") | (f["a"] < 5), 4)),
            "in group 'y' nobody gave the answer 5 to 'a'",
        ),
        (
            lambda f: f.assign(a=f["a"].where(f["g"] == "x", 1)),
            "everybody gave the same|nobody gave the answer 2 to 'a'",
        ),
        (lambda f: f.assign(a=1), "everybody gave the same answer|'a' has 1 different answers"),
        (lambda f: f.assign(a=np.arange(len(f)) % 21), "'a' has 21 different answers; ordered categories are 2 to 20"),
        (
            lambda f: f.assign(b=f["a"]),
            "determine one another|have a correlation of one, or none that could be told: one is a copy",
        ),
        (lambda f: f.assign(a=(f["a"] > 3) * 1, b=(f["a"] > 3) * 5), "determine one another|have a correlation of one"),
    ],
)
def test_categories_that_carry_no_model(ordered: pd.DataFrame, change: Change, said: str) -> None:
    for ask in (fit_invariance, fit_cfa):
        with pytest.raises(NotFittable, match=said):
            ask(change(ordered), **LADDER, ordered=True)


def test_missing_ordered_answers_are_left_out_or_refused_by_name(ordered: pd.DataFrame) -> None:
    holes = ordered.assign(b=ordered["b"].mask(ordered.index % 9 == 0))
    fit = fit_cfa(holes, **CFA, ordered=True)
    assert (fit.n, fit.left_out) == (266, 34)
    for ask in (fit_invariance, fit_cfa):
        with pytest.raises(NotFittable, match=r"'b' has missing answers.*missing='listwise'"):
            ask(holes, **LADDER, ordered=True, missing="fiml")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"factors": {}}, "no factors given"),
        ({"factors": {"f": ["a"]}}, "at least two different items"),
        ({"factors": {"f": ["a", "a", "b"]}}, "at least two different items"),
        ({"factors": {"f": "abcd"}}, "at least two different items"),
        ({"factors": {"f": ["a", "b"]}}, "6 parameters are more than the data have"),
        ({"factors": {"f": ["a", "b", "c"], "h": ["b", "c", "d"]}}, "15 parameters are more than the data have"),
        ({"covariances": [("a", "b"), ("c", "d")]}, r"cannot tell these apart: \['loadings"),
        ({"covariances": [("a", "b"), ("b", "a")]}, "names a pair twice"),
        ({"covariances": [("a", "a")]}, "pairs of two items"),
        ({"covariances": [("a", "w")]}, "pairs of two items"),
        ({"equal": ("loadings",)}, "equal needs groups"),
        ({"equal": ("slopes",), "group": "g"}, "equal takes"),
        ({"equal": ("thresholds",), "group": "g"}, "thresholds are for ordered=True"),
        ({"equal": ("latent_means",), "group": "g"}, "only where intercepts are equal"),
        ({"equal": ("intercepts",), "group": "g", "mean_structure": False}, "leave mean_structure out"),
        ({"free": (("loadings", "b"),), "group": "g"}, "of a kind in equal"),
        ({"free": (("loadings", "b"),), "equal": ("intercepts",), "group": "g"}, "of a kind in equal"),
        ({"free": (("loadings", "b", "z"),), "equal": ("loadings",), "group": "g"}, "of a kind in equal"),
        ({"reference": "z", "group": "g"}, r"'z' is not a group; they are \['x', 'y'\]"),
        ({"estimator": "WLSMV"}, "WLSMV is for ordered=True"),
        ({"estimator": "ML", "ordered": True}, "WLSMV is for ordered=True"),
        ({"estimator": "ML", "design": Design(weights="w")}, "need robust errors"),
        ({"estimator": "bayes"}, "estimator is one of"),
        ({"missing": "mean"}, "missing is one of"),
        ({"identify": "first"}, "identify is"),
        ({"design": Design(strata="g")}, "weights and cluster only"),
        ({"design": Design(weights="v")}, r"does not have the columns \['v'\]"),
        ({"group": "v"}, r"does not have the columns \['v'\]"),
    ],
)
def test_questions_that_make_no_sense(frame: pd.DataFrame, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit_cfa(frame, **CFA | asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"group": "one"}, "'one' has one group only"),
        ({"factors": {"f": ["a", "b", "c"], "h": ["b", "c", "d"]}}, "30 parameters are more than the data have"),
        ({"factors": {"f": ["a", "b"]}, "ordered": True}, "two ordered items alone"),
        ({"last_step": "top"}, "last_step is"),
    ],
)
def test_ladders_that_cannot_be_climbed(frame: pd.DataFrame, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit_invariance(frame.assign(one="x"), **LADDER | asked)


def test_what_is_improper_is_told(frame: pd.DataFrame) -> None:
    """r12 = r13 = .8, r23 = .5: the first loading squared is .8 * .8 / .5 = 1.28, above the whole."""
    r = np.array([[1, 0.8, 0.8, 0.4], [0.8, 1, 0.5, 0.3], [0.8, 0.5, 1, 0.3], [0.4, 0.3, 0.3, 1]])
    z = np.random.default_rng(2).normal(size=(300, 4))
    z = (z - z.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T
    heywood = pd.DataFrame(z @ np.linalg.cholesky(r).T, columns=ABCD)
    for asked in ({}, {"identify": "variance"}):
        found = fit_cfa(heywood, **CFA, **asked).problems
        assert found[["problem", "where"]].to_numpy().tolist() == [["negative_variance", "a"]]
        assert "drop or merge" in found.loc[0, "advice"]
    categories = fit_cfa(cut(heywood), **CFA, ordered=True)
    assert categories.problems[["problem", "where"]].to_numpy().tolist() == [["negative_variance", "a"]]
    left = categories.parameters.query("kind == 'residuals'")["estimate"].to_numpy()
    np.testing.assert_allclose(left, 1 - categories.loadings["standardised"] ** 2, rtol=1e-9)


def test_an_item_turned_round_is_told_and_not_turned(frame: pd.DataFrame) -> None:
    straight = fit_cfa(frame, **CFA)
    for item in ("a", "d"):
        fit = fit_cfa(frame.assign(**{item: -frame[item]}), **CFA)
        assert fit.problems[["problem", "where"]].to_numpy().tolist() == [["negative_loading", item]]
        assert "not turned" in fit.problems.loc[0, "advice"]
        assert fit.chisq == pytest.approx(straight.chisq, rel=1e-7)
    # in one group only: the step of equal loadings finds it
    rng = np.random.default_rng(5)
    wide = frame.assign(**{i: frame["c"] + frame["d"] + rng.normal(size=len(frame)) for i in ("e", "f")})
    turned = wide.assign(a=wide["a"].where(wide["g"] == "x", -wide["a"]))
    found = fit_invariance(turned, factors={"f": [*"abef"]}, group="g")
    assert found.freed[found.freed["kind"] == "loadings"]["item"].tolist() == ["a"]


def test_noise_does_not_pass_for_a_factor() -> None:
    rng = np.random.default_rng(1)
    noise = pd.DataFrame(rng.normal(size=(300, 4)), columns=ABCD).assign(g=["x", "y"] * 150)
    fit = fit_cfa(noise, **CFA, identify="variance")
    assert not fit.converged or len(fit.problems)
    if not fit.converged:
        assert fit.loadings[["estimate", "standardised"]].isna().all(axis=None)
        assert np.isnan([fit.chisq, fit.cfi, fit.rmsea]).all()
        assert set(fit.tidy()["status"]) == {"not_converged"}


def test_a_marker_that_measures_nothing_costs_steps_not_the_answer(frame: pd.DataFrame) -> None:
    for seed in (0, 2, 3):
        noise = frame.assign(a=np.random.default_rng(seed).normal(size=len(frame)))
        one, other = (fit_cfa(noise, **CFA, identify=i) for i in ("marker", "variance"))
        assert one.converged
        assert one.chisq == pytest.approx(other.chisq, rel=1e-5, abs=1e-5)
        assert "a" in set(one.problems["where"])


KINDS: list[tuple[Change, str | None]] = [
    (lambda f: f.assign(g=f["g"].astype("category")), None),
    (lambda f: f.assign(g=pd.Categorical(f["g"], categories=["z", "y", "x"])), None),
    (lambda f: f.assign(g=f["g"] == "x"), "True"),
    (lambda f: f.assign(g=(f["g"] == "x").astype("boolean")), "True"),
    (lambda f: f.assign(g=np.where(f["g"] == "x", 1.0, 2.0)), "1"),
    (lambda f: f.assign(g=pd.array(np.where(f["g"] == "x", 1, 2), dtype="Int64")), "1"),
    (lambda f: f.convert_dtypes(dtype_backend="pyarrow"), None),
    (lambda f: f.astype(dict.fromkeys(ABCD, "Float64")), None),
    (lambda f: f.set_axis(np.zeros(len(f)), axis=0), None),
]


@pytest.mark.parametrize(("change", "reference"), KINDS)
def test_groups_and_numbers_of_every_kind(frame: pd.DataFrame, change: Change, reference: str | None) -> None:
    plain = fit_invariance(frame, **LADDER, reference="x")
    found = fit_invariance(change(frame), **LADDER, reference=reference or "x")
    np.testing.assert_allclose(found.table["chisq"], plain.table["chisq"], rtol=1e-7)
    np.testing.assert_allclose(found.latent_means["estimate"], plain.latent_means["estimate"], rtol=1e-5, atol=1e-7)
    assert len(found.tidy()) == len(plain.tidy())


def test_rows_without_a_group_or_an_answer_are_counted(frame: pd.DataFrame, ordered: pd.DataFrame) -> None:
    some = frame.assign(g=frame["g"].where(frame.index > 9), a=frame["a"].where(frame.index < 280))
    assert fit_invariance(some, **LADDER).left_out == 30
    assert fit_invariance(some, **LADDER, missing="fiml").left_out == 10
    whole = ordered.astype(dict.fromkeys(ABCD, "Int64"))
    whole.loc[[3, 4], "a"] = pd.NA
    for more in ({}, {"ordered": True}):
        fit = fit_cfa(whole, **CFA, **more)
        assert (fit.n, fit.left_out) == (298, 2)
        alone = fit_cfa(ordered.drop(index=[3, 4]), **CFA, **more)
        assert fit.chisq == pytest.approx(alone.chisq, rel=1e-9)
    assert fit_cfa(whole, **CFA, missing="fiml").left_out == 0


def test_columns_whose_names_are_numbers(frame: pd.DataFrame) -> None:
    shifted = frame.assign(d=frame["d"] + (frame["g"] == "x"))
    named = shifted.rename(columns=dict(zip(ABCD, range(4), strict=True)))
    factors = {"f": [0, 1, 2, 3]}
    plain = fit_cfa(shifted, **CFA)
    fit = fit_cfa(named, factors=factors)  # type: ignore[dict-item]
    assert fit.chisq == pytest.approx(plain.chisq, rel=1e-9)
    assert fit.tidy()["term"].tolist()[0] == "0"
    found = fit_invariance(named, factors=factors, group="g")  # type: ignore[dict-item]
    assert "3" in repr(found)
    assert found.table["freed"].tolist()[-1] == "3"
    assert reliability(named, scales=factors).tidy()["estimate"].notna().any()  # type: ignore[dict-item]
    for ask, words in ((fit_cfa, "factors"), (reliability, "scales")):
        with pytest.raises(ValueError, match=r"does not have the columns \[9, 'q'\]"):
            ask(named, **{words: {"f": [0, 1, "q", 9]}})


def test_huge_samples_keep_their_intervals() -> None:
    """A million rows, a wrong model: chi-square in the hundred thousands, RMSEA between its ends."""
    frame = made(100_000, 3)
    frame["b"] += frame["a"]
    frame = pd.concat([frame] * 5, ignore_index=True)
    fit = fit_cfa(
        frame.assign(e=frame["a"] - frame["c"] + np.resize([0.3, -0.4, 0.1], len(frame))), factors={"f": [*ABCD, "e"]}
    )
    assert fit.chisq > 1e5
    assert fit.p_value == 0
    assert fit.rmsea_low < fit.rmsea < fit.rmsea_high < fit.rmsea_low + 0.01
