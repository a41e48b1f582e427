"""Children add up to their parent: by hand, by a general optimiser, and over several levels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

from analysis.methods.benchmark import Benchmarked, benchmarked
from analysis.methods.fay_herriot import fay_herriot
from analysis.methods.mixed import NotFittable
from analysis.tidy import COLUMNS, tidy_frame

PENCIL = 1e-12
SUMS = 1e-10  # promised
SEARCHED = 1e-5  # a general optimiser's digits


def table(values: dict[str, float], errors: dict[str, float] | float = 1.0, **other: Any) -> pd.DataFrame:
    rows = []
    for place, value in values.items():
        error = errors[place] if isinstance(errors, dict) else errors
        ends = {"conf_low": value - 2 * error, "conf_high": value + 2 * error}
        rows.append({"region": place, "estimate": value, "std_error": error, "n": 12, "status": "pooled"} | ends)
    return tidy_frame(pd.DataFrame(rows).assign(**{"term": "y", "statistic": "eblup", "basis": "*"} | other))


def ask(estimates: pd.DataFrame, **other: Any) -> Benchmarked:
    places = [p for p in estimates["region"] if p != "*"]
    asked = {"parents": dict.fromkeys(places, "top"), "weights": dict.fromkeys(places, 10), "targets": {"top": 3.0}}
    return benchmarked(estimates, **asked | other)


def after(found: Benchmarked) -> dict[str, float]:
    return dict(zip(found.changes["place"], found.changes["after"], strict=True))


def many(seed: int, k: int = 12) -> tuple[pd.DataFrame, dict[str, float]]:
    rng = np.random.default_rng(seed)
    names = [f"c{j}" for j in range(k)]
    values = dict(zip(names, rng.uniform(1.5, 4.5, k), strict=True))
    errors = dict(zip(names, rng.uniform(0.05, 0.6, k), strict=True))
    return table(values, errors), dict(zip(names, rng.integers(20, 900, k).astype(float), strict=True))


def test_the_difference_by_hand() -> None:
    """Shares 1/4, 3/4, MSE 4, 1: moves as 1 to 3/4. Missing 3 - 1.75 = 1.25 = s (1/4 + 9/16), s = 20/13."""
    found = ask(table({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 1.0}), weights={"a": 10, "b": 30})
    assert after(found) == pytest.approx({"a": 1 + 20 / 13, "b": 2 + 15 / 13}, rel=PENCIL)
    assert found.parents.to_dict("records") == [
        {
            "parent": "top",
            "target": 3.0,
            "before": 1.75,
            "after": pytest.approx(3.0, rel=PENCIL),
            "children": 2,
            "held": 0,
            "state": "met",
        }
    ]
    assert found.changes["change"].tolist() == pytest.approx([20 / 13, 15 / 13], rel=PENCIL)
    assert found.changes["share"].tolist() == [0.25, 0.75]


def test_the_ratio_by_hand() -> None:
    found = ask(table({"a": 1.0, "b": 2.0}), weights={"a": 10, "b": 30}, method="ratio")
    assert after(found) == pytest.approx({"a": 3 / 1.75, "b": 6 / 1.75}, rel=PENCIL)


def test_the_rows_tell_what_was_done() -> None:
    rows = ask(table({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 1.0}), weights={"a": 10, "b": 30}).tidy()
    assert rows.columns.tolist() == list(COLUMNS)
    first = rows.iloc[0]
    assert first[["region", "term", "statistic", "status", "basis", "n"]].tolist() == [
        "a",
        "y",
        "benchmarked",
        "pooled",
        "top",
        12,
    ]
    move = 20 / 13
    assert first["std_error"] == pytest.approx(np.hypot(2, move))
    wider = np.hypot(2, move) / 2
    assert first[["conf_low", "conf_high"]].tolist() == pytest.approx([1 + move - 4 * wider, 1 + move + 4 * wider])
    assert rows["statistic"].tolist() == ["benchmarked", "benchmarked", "change", "change"]
    assert rows.iloc[2]["estimate"] == pytest.approx(move)


@pytest.mark.parametrize("method", ["difference", "ratio"])
@pytest.mark.parametrize("bounds", [None, (1.0, 5.0)])
@pytest.mark.parametrize("seed", range(5))
def test_sums_are_exact(method: str, bounds: tuple[float, float] | None, seed: int) -> None:
    estimates, people = many(seed)
    target = float(np.random.default_rng(seed + 100).uniform(2, 4.9))
    found = ask(estimates, weights=people, targets={"top": target}, method=method, bounds=bounds)
    values = after(found)
    total = sum(values[c] * people[c] for c in people) / sum(people.values())
    assert total == pytest.approx(target, abs=SUMS)
    if bounds:
        assert min(values.values()) >= 1
        assert max(values.values()) <= 5


@pytest.mark.parametrize("bounds", [None, (1.0, 5.0)])
@pytest.mark.parametrize("seed", [31, 32, 33])
def test_no_other_move_is_smaller(seed: int, bounds: tuple[float, float] | None) -> None:
    estimates, people = many(seed)
    theta, mse = estimates["estimate"].to_numpy(), estimates["std_error"].to_numpy() ** 2
    share = np.array([people[c] for c in estimates["region"]])
    share = share / share.sum()
    found = ask(estimates, weights=people, targets={"top": 4.6}, bounds=bounds)
    best = optimize.minimize(
        lambda b: ((b - theta) ** 2 / mse).sum(),
        np.full(len(theta), 4.6),
        jac=lambda b: 2 * (b - theta) / mse,
        method="SLSQP",
        bounds=None if bounds is None else [bounds] * len(theta),
        constraints={"type": "eq", "fun": lambda b: share @ b - 4.6, "jac": lambda b: share},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert list(after(found).values()) == pytest.approx(best.x.tolist(), abs=SEARCHED)
    if bounds:
        assert found.parents["held"].tolist() == [int((best.x > 5 - SEARCHED).sum())]
        assert found.parents["held"].iloc[0] > 0


def test_from_the_city_down_to_the_townships() -> None:
    """The city's target moves the counties, what they became moves the townships; a county without a city stays."""
    estimates = table({"c1": 2.0, "c2": 4.0, "t1": 1.0, "t2": 2.0, "t3": 5.0, "alone": 3.0, "u1": 1.0})
    above = {"c1": "city", "c2": "city", "t1": "c1", "t2": "c1", "t3": "c2", "u1": "alone"}
    people = {"c1": 30, "c2": 10, "t1": 10, "t2": 20, "t3": 10, "u1": 5}
    hierarchy = pd.DataFrame({"code": [*above, "city"], "parent": [*above.values(), None], "level": "?"})
    for parents in (above, hierarchy, dict(reversed(above.items()))):
        found = benchmarked(estimates, parents=parents, weights=people, targets={"city": 3.0})
        values = after(found)
        assert (values["c1"] * 30 + values["c2"] * 10) / 40 == pytest.approx(3.0, abs=SUMS)
        assert (values["t1"] * 10 + values["t2"] * 20) / 30 == pytest.approx(values["c1"], abs=SUMS)
        assert values["t3"] == pytest.approx(values["c2"], abs=SUMS)
        assert sum(values[t] * people[t] for t in ("t1", "t2", "t3")) / 40 == pytest.approx(3.0, abs=SUMS)
        assert found.parents.set_index("parent")["state"].to_dict() == {
            "city": "met",
            "c1": "met",
            "c2": "met",
            "alone": "no_target",
        }
        left = found.tidy().set_index("region").loc[["alone", "u1"]]
        assert left["statistic"].tolist() == ["eblup", "eblup"]
        assert left["estimate"].tolist() == [3.0, 1.0]


def test_a_family_with_a_hole_is_left_and_told() -> None:
    estimates = table({"a": 1.0, "b": 2.0})
    above, people = {"a": "top", "b": "top", "c": "top", "d": "top"}, {"a": 10, "b": 10, "c": 5}
    found = ask(estimates, parents=above, weights=people)
    assert found.parents["state"].tolist() == ["incomplete"]
    assert found.tidy()["statistic"].tolist() == ["eblup", "eblup"]
    assert found.tidy()["estimate"].tolist() == [1.0, 2.0]
    # where nobody lives, nobody is missing
    assert ask(estimates, parents=above, weights={"a": 10, "b": 10}).parents["state"].tolist() == ["met"]
    gone = ask(estimates.assign(estimate=[1.0, np.nan], status=["pooled", "not_estimable"]))
    assert gone.parents["state"].tolist() == ["incomplete"]


def test_at_the_end_of_the_scale_all_are_at_the_end() -> None:
    found = ask(table({"a": 1.0, "b": 2.0, "c": 4.0}), targets={"top": 5.0}, bounds=(1, 5))
    assert after(found) == {"a": 5.0, "b": 5.0, "c": 5.0}
    assert found.tidy()["conf_high"].max() == 5


def test_an_estimate_beyond_the_scale_is_brought_back() -> None:
    found = ask(table({"a": 0.5, "b": 2.0}), targets={"top": 1.25}, bounds=(1, 5))
    assert after(found) == pytest.approx({"a": 1.0, "b": 1.5}, rel=PENCIL)  # the sum was met already, the scale was not
    assert found.parents["held"].tolist() == [1]


def test_who_is_sure_does_not_move() -> None:
    found = ask(table({"a": 1.0, "b": 2.0}, {"a": 0.0, "b": 1.0}))
    assert after(found) == pytest.approx({"a": 1.0, "b": 5.0}, rel=PENCIL)
    assert found.tidy()["std_error"].iloc[0] == 0


@pytest.mark.parametrize(("factor", "shift"), [(1e5, 0.0), (1e-5, 0.0), (1.0, -50.0), (-2.0, 7.0)])
def test_the_outcomes_unit_and_zero_do_not_matter(factor: float, shift: float) -> None:
    estimates, people = many(41)
    plain = after(ask(estimates, weights=people, targets={"top": 4.6}, bounds=(1.0, 5.0)))
    ends = sorted((1 * factor + shift, 5 * factor + shift))
    moved = estimates.assign(
        estimate=estimates["estimate"] * factor + shift, std_error=estimates["std_error"] * abs(factor)
    )
    other = after(ask(moved, weights=people, targets={"top": 4.6 * factor + shift}, bounds=tuple(ends)))
    assert [(v - shift) / factor for v in other.values()] == pytest.approx(list(plain.values()), rel=1e-9)


def test_the_model_and_then_the_sums() -> None:
    rng = np.random.default_rng(51)
    frame = pd.DataFrame({"group": "g", "region": [f"t{k}" for k in range(24)], "y": rng.normal(3, 0.5, 24), "v": 0.1})
    fit = fay_herriot(frame, estimate="y", variance="v", area=("group", "region"))
    above = {f"t{k}": f"c{k % 3}" for k in range(24)}
    people = pd.Series(rng.integers(50, 500, 24), index=list(above))
    targets = pd.Series({"c0": 3.1, "c1": 2.9, "c2": 3.0})
    found = benchmarked(fit, parents=above, weights=people, targets=targets)
    values = pd.Series(after(found))
    for county, target in targets.items():
        own = [t for t, c in above.items() if c == county]
        assert np.average(values[own], weights=people[own]) == pytest.approx(target, abs=SUMS)
    rows = found.tidy()
    assert set(rows["group"]) == {"g"}
    assert rows[rows["statistic"] == "benchmarked"]["region"].tolist() == frame["region"].tolist()
    assert "24 areas moved" in repr(found)


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"method": "raking"}, ValueError, "unknown method 'raking'"),
    ({"area": "wave"}, ValueError, "area must be one of region"),
    ({"bounds": (5, 1)}, ValueError, "lowest and the highest"),
    ({"statistic": "mean"}, ValueError, "no rows of statistic 'mean'; seen \\['eblup'\\]"),
    ({"weights": {"a": 10, "b": 0}}, NotFittable, "zero, below or missing: b"),
    ({"weights": {"a": -1, "b": 2}}, NotFittable, "zero, below or missing: a"),
    ({"weights": {"a": 10}}, NotFittable, "zero, below or missing: b"),
    ({"weights": {"a": 10, "b": np.nan}}, NotFittable, "zero, below or missing: b"),
    ({"targets": {"top": 3.0, "elsewhere": 1.0}}, NotFittable, "above no estimate: elsewhere"),
    ({"targets": {"top": np.nan}}, NotFittable, "missing or outside the scale: top"),
    ({"targets": {"top": 6.0}, "bounds": (1, 5)}, NotFittable, "missing or outside the scale: top"),
    ({"parents": {"a": "b", "b": "top"}, "targets": {"b": 1.0}}, NotFittable, "a target and a row of their own: b"),
    ({"parents": {"a": "b", "b": "a"}}, NotFittable, "stands above itself"),
    (
        {"parents": pd.DataFrame({"code": ["a", "a"], "parent": ["p", "q"]})},
        NotFittable,
        "several places above them: a",
    ),
    ({"parents": pd.DataFrame({"code": ["a"]})}, ValueError, "parents needs columns .* \\['parent'\\]"),
]


@pytest.mark.parametrize(("asked", "kind", "words"), WRONG)
def test_what_is_refused(asked: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        ask(table({"a": 1.0, "b": 2.0}), **asked)


def test_estimates_that_cannot_be_moved_are_refused() -> None:
    with pytest.raises(NotFittable, match="errors of zero"):
        ask(table({"a": 1.0, "b": 2.0}, 0.0))
    with pytest.raises(NotFittable, match="end of the scale"):
        ask(table({"a": 1.0, "b": 2.0}, {"a": 0.0, "b": 1.0}), targets={"top": 4.0}, bounds=(1, 5))
    with pytest.raises(NotFittable, match="standard error of every child; missing: a, b"):
        ask(table({"a": 1.0, "b": 2.0}, np.nan))
    with pytest.raises(NotFittable, match="above zero; not so: a"):
        ask(table({"a": -1.0, "b": 2.0}), method="ratio")
    with pytest.raises(NotFittable, match="rows differ in term"):
        ask(table({"a": 1.0, "b": 2.0}, term=["y", "z"]))
    twice = table({"a": 1.0, "b": 2.0}).iloc[[0, 1, 0]]
    with pytest.raises(NotFittable, match="in several: a"):
        ask(twice)
