"""Poststratified predictions: sums of predictions written out, closed forms, simulated truth, and small units."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import special

from analysis import poststratified
from analysis.methods.mixed import MixedFit, fit_mixed

EXACT = 1e-8  # the same sums in another order
COUNTIES, GROUPS, AGES = 12, 4, 3


def world(seed: int, n: int = 900, logit: bool = False) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Answers that leave the young out, the registry, and each county's true mean."""
    rng = np.random.default_rng(seed)
    county, group, age = rng.normal(0, 0.5, COUNTIES), rng.normal(0, 0.3, GROUPS), np.array([0.0, 0.4, 0.9])
    cells = pd.DataFrame(product(range(COUNTIES), range(GROUPS), range(AGES)), columns=["county", "group", "age"])
    cells["people"] = rng.integers(200, 3000, len(cells)).astype(float)
    cells["truth"] = county[cells["county"]] + group[cells["group"]] + age[cells["age"]] - (0.5 if logit else 0.0)
    if logit:
        cells["truth"] = special.expit(cells["truth"])
    chance = cells["people"] * np.array([1.0, 2.0, 4.0])[cells["age"]]
    drawn = cells.iloc[rng.choice(len(cells), n, p=chance / chance.sum())].reset_index(drop=True)
    drawn["y"] = rng.binomial(1, drawn["truth"]) if logit else drawn["truth"] + rng.normal(0, 1, n)
    named = [f.astype(dict.fromkeys(("county", "group", "age"), "str")) for f in (drawn, cells)]
    truth = cells.assign(w=cells["people"] * cells["truth"]).groupby("county")[["w", "people"]].sum()
    return named[0], named[1], (truth["w"] / truth["people"]).rename(index=str)


def fitted(frame: pd.DataFrame, family: str = "gaussian") -> MixedFit:
    return fit_mixed(frame, outcome="y", fixed=("age",), random=("county", "group"), family=family)


def test_a_unit_is_the_weighted_sum_of_its_cells() -> None:
    frame, cells, _ = world(1)
    fit = fitted(frame)
    found = poststratified(fit, cells, count="people", by=["county"], answers=frame).units.set_index("county")
    single = fit.cell_means(cells)
    for name, part in cells.groupby("county"):
        w = part["people"] / part["people"].sum()
        assert found.at[name, "estimate"] == pytest.approx(w @ single.loc[part.index, "estimate"], abs=EXACT)
        a = weights_of(fit, part)
        assert found.at[name, "std_error"] == pytest.approx(
            fit.fit.sigma * np.sqrt(a @ dense_inverse(fit) @ a), abs=EXACT
        )
        assert found.at[name, "count"] == part["people"].sum()
        assert found.at[name, "n"] == (frame["county"] == name).sum()


def weights_of(fit: MixedFit, cells: pd.DataFrame) -> np.ndarray:
    """Of random and fixed effects in the mean of some cells."""
    w = cells["people"].to_numpy() / cells["people"].sum()
    return np.concatenate([w @ fit.random_rows(cells)[0].toarray(), w @ fit.fixed.of(cells)])


def dense_inverse(fit: MixedFit) -> np.ndarray:
    """The mixed-model equations' inverse, from the variances."""
    moments, q = fit.moments, len(fit.fit.effects)
    zz = np.column_stack([moments.zz_times(e) for e in np.eye(q)])
    tau2 = [fit.variance_of(fit.factors[k].name) for k in moments.order]
    ratio = np.repeat(fit.fit.sigma**2 / np.array(tau2), moments.levels)
    top = np.hstack([zz + np.diag(ratio), moments.zx[:, :-1]])
    return np.linalg.inv(np.vstack([top, np.hstack([moments.zx[:, :-1].T, moments.xx[:-1, :-1]])]))


def test_covariance_of_units_is_that_of_their_difference() -> None:
    frame, cells, _ = world(2)
    fit = fitted(frame)
    found = poststratified(fit, cells, count="people", by=["county"], answers=frame)
    first, second = (cells[cells["county"] == c] for c in found.units["county"][:2])
    apart = weights_of(fit, first) - weights_of(fit, second)
    own = found.covariance[0, 0] + found.covariance[1, 1] - 2 * found.covariance[0, 1]
    assert own == pytest.approx(fit.fit.sigma**2 * apart @ dense_inverse(fit) @ apart, abs=EXACT)


def test_what_is_borrowed_has_a_closed_form() -> None:
    """One factor: 1 - gamma with gamma = n tau2 / (n tau2 + s2), less the unit's share (1 - gamma) / 400 in the mean."""
    rng = np.random.default_rng(3)
    group = np.repeat([f"g{k:03d}" for k in range(400)], 5)
    frame = pd.DataFrame({"g": group, "y": np.repeat(rng.normal(0, 1, 400), 5) + rng.normal(0, 1.5, 2000)})
    fit = fit_mixed(frame, outcome="y", random=("g",))
    cells = pd.DataFrame({"g": sorted(set(group)), "people": 10.0})
    found = poststratified(fit, cells, count="people", by=["g"], answers=frame, minimum=1).units
    tau2, s2 = fit.variance_of("g"), fit.variance_of("residual")
    gamma = 5 * tau2 / (5 * tau2 + s2)
    np.testing.assert_allclose(found["borrowed"], (1 - gamma) * (1 - 1 / 400), rtol=1e-8)


@pytest.mark.parametrize("logit", [False, True])
def test_answers_of_all_units_together_borrow_nothing(logit: bool) -> None:
    frame, cells, _ = world(7, 700, logit)
    fit = fitted(frame, "binomial" if logit else "gaussian")
    whole = {"count": "people", "by": ["all"], "answers": frame.assign(all="x")}
    assert poststratified(fit, cells.assign(all="x"), **whole).units["borrowed"].tolist() == pytest.approx(
        [0.0], abs=1e-6
    )
    parts = poststratified(fit, cells, count="people", by=["county"], answers=frame, minimum=1).units["borrowed"]
    assert parts.between(0.001, 0.999).all()


def test_a_level_that_nobody_answered_from_is_all_borrowed() -> None:
    frame, cells, _ = world(4)
    fit = fitted(frame[frame["county"] != "3"])
    found = poststratified(fit, cells, count="people", by=["county"], answers=frame[frame["county"] != "3"], minimum=1)
    row = found.units.set_index("county").loc["3"]
    assert row["n"] == 0
    assert row["basis"] == "all"
    alone = poststratified(
        fit,
        cells[cells["county"] == "3"],
        count="people",
        by=["county"],
        answers=frame[frame["county"] != "3"],
        minimum=1,
    ).units
    assert alone["std_error"].iloc[0] > np.sqrt(fit.variance_of("county"))
    assert alone["borrowed"].iloc[0] == 1


def test_a_small_unit_shows_its_parent() -> None:
    frame, cells, _ = world(5)
    few = frame[(frame["county"] != "7") | (frame.groupby("county").cumcount() < 9)]
    cities = {str(c): f"city {c // 4}" for c in range(COUNTIES)}
    fit = fitted(few)
    asked = {"count": "people", "answers": few}
    rows = poststratified(fit, cells, by=["county"], parents=cities, **asked).units.set_index("county")
    up = cells.assign(city=cells["county"].map(cities))
    city = poststratified(fit, up, by=["city"], count="people", answers=few.assign(city=few["county"].map(cities)))
    expected = city.units.set_index("city").loc["city 1"]
    assert rows.at["7", "basis"] == "city 1"
    assert rows.at["6", "basis"] == ""
    for name in ("estimate", "std_error"):
        assert rows.at["7", name] == pytest.approx(expected[name], abs=EXACT)
    by_region = {"count": "people", "answers": few.assign(region=few["county"]), "by": ["region"], "parents": cities}
    tidy = poststratified(fit, cells.assign(region=cells["county"]), **by_region).tidy()
    assert set(tidy["status"]) == {"pooled"}
    assert set(tidy["statistic"]) == {"poststratified", "borrowed"}
    assert tidy.query("region == '7'")["basis"].tolist() == ["city 1", "city 1"]


@pytest.mark.slow
@pytest.mark.parametrize("logit", [False, True])
def test_the_truth_lies_inside_as_often_as_said_and_nearer_than_the_raw_mean(logit: bool) -> None:
    """40 worlds of 12 counties: coverage within 4 Monte Carlo errors (counties of a world counted as a fifth of one)."""
    inside, model, raw = [], [], []
    for seed in range(100, 140):
        frame, cells, truth = world(seed, 700, logit)
        fit = fitted(frame, "binomial" if logit else "gaussian")
        rows = poststratified(fit, cells, count="people", by=["county"], answers=frame, minimum=1).tidy()
        rows = rows[rows["statistic"] == "poststratified"]
        rows = rows.set_index(rows["domain"].str.removeprefix("county=")).reindex(truth.index)
        inside.append(((rows["conf_low"] <= truth) & (truth <= rows["conf_high"])).mean())
        model.append(((rows["estimate"] - truth) ** 2).mean())
        raw.append(((frame.groupby("county")["y"].mean() - truth) ** 2).mean())
    assert np.mean(inside) == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 * 5 / (40 * COUNTIES)))
    assert np.mean(model) < 0.5 * np.mean(raw)


@pytest.mark.parametrize(
    ("change", "asked", "said"),
    [
        ({"people": -1.0}, {}, "at least zero"),
        ({}, {"by": "county"}, "list at least one"),
        ({}, {"parents": {"0": "a"}}, "does not have"),
        ({"county": None}, {}, "without a value"),
        ({}, {"minimum": -1}, "at least 0"),
        ({}, {"count": "heads"}, "heads"),
    ],
)
def test_bad_questions(change: dict, asked: dict, said: str) -> None:
    frame, cells, _ = world(6)
    with pytest.raises(ValueError, match=said):
        poststratified(
            fitted(frame), cells.assign(**change), **({"count": "people", "by": ["county"], "answers": frame} | asked)
        )
