"""Small areas: milk as printed by R's sae, metafor and plain matrices in R, by hand, and a truth that the seed chooses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.core import small_area as core
from analysis.methods.fay_herriot import METHODS, FayHerriot, fay_herriot
from analysis.methods.mixed import NotFittable
from analysis.tidy import COLUMNS
from reports.reference import small_area as reference

PRINTED = 6e-7  # absolute: sae's numbers are printed with seven digits
STOPPED = 2e-7  # absolute: sae stops when the refvar moves by a ten thousandth; small_area.R shows the same
PENCIL = 1e-12
SAME = 1e-9  # relative, of the same fit in another unit
SURE = 4.0  # Monte Carlo errors: one right figure in sixteen thousand
SHORT = 0.02  # what normal intervals miss with 60 areas: the docstring's table
HOME = Path("tests/reference")

Folder = Callable[[str], Path]


@pytest.fixture(scope="module")
def milk(shared_data: Folder) -> pd.DataFrame:
    frame = pd.read_csv(shared_data("milk") / "milk.csv").astype({"MajorArea": "str"})
    return frame.assign(v=frame["SD"] ** 2)


def fit(frame: pd.DataFrame, **other: object) -> FayHerriot:
    asked = {"estimate": "y", "variance": "v", "area": "region"} | other
    return fay_herriot(frame, **asked)  # type: ignore[arg-type]


def made(seed: int = 1, m: int = 20, refvar: float = 1.0) -> pd.DataFrame:
    """Areas with a known truth; the first two have no estimate, of the third all answered alike."""
    rng = np.random.default_rng(seed)
    x, v = rng.normal(size=m), rng.uniform(0.2, 2, m)
    truth = 1 + 0.5 * x + rng.normal(size=m) * np.sqrt(refvar)
    y = truth + rng.normal(size=m) * np.sqrt(v)
    y[:2], v[2] = np.nan, 0.0
    kind = np.where(np.arange(m) % 3 == 0, "a", "b")
    return pd.DataFrame({"region": [f"r{k}" for k in range(m)], "y": y, "v": v, "x": x, "kind": kind, "truth": truth})


def test_milk_as_sae_prints_it(milk: pd.DataFrame) -> None:
    found = fay_herriot(milk, estimate="yi", variance="v", covariates="MajorArea", area="SmallArea", n="ni")
    assert found.refvar == pytest.approx(0.01855022, abs=STOPPED)
    assert found.coefficients["term"].tolist() == ["(Intercept)", "MajorArea=2", "MajorArea=3", "MajorArea=4"]
    assert found.coefficients["estimate"].tolist() == pytest.approx(
        [0.9681890, 0.1327801, 0.2269462, -0.2413011], abs=PRINTED
    )
    assert found.areas["eblup"].tolist()[:3] == pytest.approx([1.021970, 1.047602, 1.067951], abs=PRINTED)
    assert found.areas["mse"].tolist()[:3] == pytest.approx([0.01346022, 0.00537288, 0.00570199], abs=STOPPED)
    rows = found.tidy()
    assert rows.columns.tolist() == list(COLUMNS)
    assert rows[rows["statistic"] == "eblup"]["n"].tolist() == milk["ni"].tolist()
    assert set(rows[rows["statistic"] == "eblup"]["basis"]) == {"MajorArea"}


def test_every_number_of_the_made_sets_as_in_r(project: Path) -> None:
    lines = list(reference.lines(project / HOME, None))
    assert [one.what for one in lines if not one.agrees] == []
    assert len(lines) == 900


@pytest.mark.parametrize("method", METHODS)
def test_every_number_of_milk_as_in_r(project: Path, shared_data: Folder, method: str) -> None:
    lines = reference.lines(project / HOME, shared_data("milk").parent)
    chosen = [one for one in lines if one.what.startswith(f"milk {method} ")]
    assert [one.what for one in chosen if not one.agrees] == []
    assert len(chosen) > 90


@pytest.mark.parametrize(("method", "refvar"), [("reml", 3.0), ("ml", 5 / 3), ("pr", 3.0)])
def test_equal_errors_by_hand(method: str, refvar: float) -> None:
    """1, 3, 5 with D = 1: SSE = 8, so A = 8 / 2 - 1 by REML and moments, 8 / 3 - 1 by ML; gamma = A / (A + 1)."""
    found = fit(pd.DataFrame({"region": list("abc"), "y": [1.0, 3.0, 5.0], "v": 1.0}), method=method)
    gamma, total = refvar / (refvar + 1), refvar + 1
    assert found.refvar == pytest.approx(refvar, rel=SAME)
    assert found.areas["eblup"].tolist() == pytest.approx([3 - 2 * gamma, 3, 3 + 2 * gamma], rel=SAME)
    bias = -total / 3 if method == "ml" else 0.0  # tr[(X'V^-1X)^-1 X'V^-2X] / tr V^-2 = (A + 1) / 3
    mse = gamma + (1 - gamma) ** 2 * (total / 3 + 2 * 2 * total**2 / 3 / total - bias)
    assert found.areas["mse"].tolist() == pytest.approx([mse] * 3, rel=SAME)
    assert (found.q, found.q_df) == (pytest.approx(8.0), 2)
    assert found.q_p == pytest.approx(np.exp(-4))  # chi-squared on 2
    # Q-profile: 8 / (A + 1) between the 2.5 and 97.5 % points, -2 log(.975) and -2 log(.025)
    ends = [8 / (-2 * np.log(p)) - 1 for p in (0.025, 0.975)]
    assert found.refvar_interval == pytest.approx((max(ends[0], 0), ends[1]), rel=SAME)


def test_intervals_by_hand() -> None:
    """As above: A + D = 4, B = 1/4, so g1 = 3/4, g2 = 4/3 / 16, 2 g3 = 16/3 / 16; the mean's error is sqrt(4/3)."""
    found = fit(pd.DataFrame({"region": list("abc"), "y": [1.0, 3.0, 5.0], "v": 1.0}), conf_level=0.9)
    rows = found.tidy().set_index("statistic")
    for statistic, error in (("eblup", np.sqrt(3 / 4 + (4 / 3 + 16 / 3) / 16)), ("coefficient", np.sqrt(4 / 3))):
        own = rows.loc[[statistic]]
        assert own["std_error"].tolist() == pytest.approx([error] * len(own), rel=SAME)
        assert (own["estimate"] - own["conf_low"]).tolist() == pytest.approx([1.6448536 * error] * len(own), rel=1e-7)
        assert (own["conf_high"] - own["estimate"]).tolist() == pytest.approx([1.6448536 * error] * len(own), rel=1e-7)


def test_areas_without_their_own_number_are_the_models() -> None:
    frame = made()
    found = fit(frame, covariates=("x", "kind"))
    areas, beta = found.areas, found.coefficients["estimate"].to_numpy()
    line = beta[0] + beta[1] * frame["x"] + beta[2] * (frame["kind"] == "b")
    assert areas["synthetic"].tolist() == [True] * 3 + [False] * 17
    assert areas["eblup"][:3].tolist() == pytest.approx(line[:3].tolist(), rel=PENCIL)
    assert areas["own_share"].tolist()[:3] == [0, 0, 0]
    own = areas[3:]
    shares = found.refvar / (found.refvar + frame["v"][3:])
    assert own["own_share"].tolist() == pytest.approx(shares.tolist(), rel=PENCIL)
    assert own["eblup"].tolist() == pytest.approx((shares * frame["y"] + (1 - shares) * line)[3:].tolist(), rel=PENCIL)
    assert (areas["mse"][:3] > found.refvar).all()
    rows = found.tidy()
    eblup, borrowed = (rows[rows["statistic"] == s] for s in ("eblup", "borrowed"))
    assert set(eblup["status"]) == {"pooled"}
    assert set(eblup["basis"]) == {"x+kind"}
    assert eblup["region"].tolist() == frame["region"].tolist()
    assert borrowed["estimate"].tolist() == pytest.approx((1 - areas["own_share"]).tolist(), rel=PENCIL)
    assert set(borrowed["status"]) == {"ok"}
    assert found.fitted == 17


def test_a_synthetic_area_is_an_area_of_no_precision() -> None:
    frame = made()
    far = frame.assign(y=frame["y"].where(frame.index > 1, 1e3), v=frame["v"].where(frame.index > 1, 1e13))
    near, without = fit(far, covariates="x", method="ml"), fit(frame, covariates="x", method="ml")
    assert near.areas["mse"][:2].tolist() == pytest.approx(without.areas["mse"][:2].tolist(), rel=1e-6)
    assert near.areas["eblup"][:2].tolist() == pytest.approx(without.areas["eblup"][:2].tolist(), rel=1e-6)


def test_what_cannot_be_told_is_told() -> None:
    frame = made().assign(kind=lambda f: f["kind"].where(f.index != 0, "alone"))
    frame.loc[5, "x"] = np.nan
    found = fit(frame, covariates=("x", "kind"))
    rows = found.tidy().set_index("region")
    assert set(rows.loc[["r0", "r5"], "status"]) == {"not_estimable"}
    assert rows.loc[["r0", "r5"], "estimate"].isna().all()
    assert rows["status"].isin(["pooled", "ok"]).sum() == len(rows) - 4
    assert found.fitted == 16


@pytest.mark.parametrize("method", ["reml", "ml", "pr"])
def test_a_refvar_of_zero_is_told(method: str) -> None:
    frame = pd.DataFrame({"region": list("abcde"), "y": [1.0, 1.1, 0.9, 1.0, 1.2], "v": [1.0, 2, 1, 3, 1]})
    found = fit(frame, method=method)
    assert found.refvar == 0.0
    assert found.boundary
    assert "refvar 0" in repr(found)
    pooled = np.average(frame["y"], weights=1 / frame["v"])
    assert found.areas["eblup"].tolist() == pytest.approx([pooled] * 5, rel=PENCIL)
    borrowed = found.tidy().query("statistic == 'borrowed'")["estimate"]
    assert borrowed.tolist() == [1.0] * 5
    assert np.isnan(found.refvar_interval).all()  # Q = .04 on 4: closer together than errors of this size allow
    lifted = fit(frame, method="amrl_yl")
    assert not lifted.boundary
    assert 0 < lifted.refvar < 0.5
    assert 0 < lifted.tidy().query("statistic == 'borrowed'")["estimate"].min() < 1


@pytest.mark.parametrize(("away", "peak"), [(8.0, 9.05), (7.0, 3.55e-6)])
def test_of_two_peaks_the_higher_is_taken(away: float, peak: float) -> None:
    """30 sure areas nearly alike, 6 unsure ones far apart: a peak next to zero, and one where the unsure ones are."""
    y, d = np.r_[np.tile([0.01, -0.01], 15), np.tile([away, -away], 3)], np.r_[np.full(30, 1e-4), np.full(6, 1.0)]
    one = core.areas(y, np.ones((36, 1)), d)
    grid = np.geomspace(1e-7, 100, 4000) / one.unit**2
    heights = np.array([core.log_likelihood(one, core.solve(one, a), restricted=True) for a in grid])
    tops = int(((heights[1:-1] > heights[:-2]) & (heights[1:-1] > heights[2:])).sum())
    found = core.fit(one, "reml")
    assert tops == 2
    assert found.a == pytest.approx(grid[heights.argmax()] * one.unit**2, rel=0.01)
    assert found.a == pytest.approx(peak, rel=0.05)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0.0), (1e-6, 0.0), (-3.0, 0.0), (1.0, 1e4), (10.0, -50.0)])
def test_the_outcomes_unit_and_zero_do_not_matter(method: str, factor: float, shift: float) -> None:
    frame = made(7)
    plain = fit(frame, covariates=("x", "kind"), method=method)
    other = fit(
        frame.assign(y=frame["y"] * factor + shift, v=frame["v"] * factor**2), covariates=("x", "kind"), method=method
    )
    assert other.refvar == pytest.approx(plain.refvar * factor**2, rel=1e-7)
    back = (other.areas["eblup"] - shift) / factor
    np.testing.assert_allclose(back, plain.areas["eblup"], rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(other.areas["mse"] / factor**2, plain.areas["mse"], rtol=1e-7)
    np.testing.assert_allclose(np.array(other.refvar_interval) / factor**2, plain.refvar_interval, rtol=1e-7)


def test_the_covariates_unit_coding_and_order_do_not_matter() -> None:
    frame = made(8)
    plain = fit(frame, covariates=("x", "kind")).areas["eblup"]
    shuffled = frame.sample(frac=1, random_state=1)
    moved = fit(shuffled.assign(x=2000 + shuffled["x"] / 1e3), covariates=("kind", "x")).areas
    again = moved.set_index("region")["eblup"].loc[frame["region"]].to_numpy()
    np.testing.assert_allclose(again, plain, rtol=1e-8)  # seven digits of x are gone
    flag = fit(frame.assign(kind=frame["kind"] == "b"), covariates=("x", "kind"))
    np.testing.assert_allclose(flag.areas["eblup"], plain, rtol=SAME)
    order = pd.Categorical(frame["kind"], categories=["b", "a"])
    turned = fit(frame.assign(kind=order), covariates=("x", "kind"))
    assert turned.coefficients["term"].tolist()[-1] == "kind=a"
    np.testing.assert_allclose(turned.areas["eblup"], plain, rtol=SAME)


def test_a_product_of_covariates() -> None:
    frame = made(9)
    found = fit(frame, covariates=("x", "kind", ("x", "kind")))
    by_hand = fit(
        frame.assign(b=frame["kind"] == "b", xb=frame["x"] * (frame["kind"] == "b")), covariates=("x", "b", "xb")
    )
    assert found.coefficients["term"].tolist()[-1] == "x:kind=b"
    assert found.areas["eblup"].tolist() == pytest.approx(by_hand.areas["eblup"].tolist(), rel=SAME)
    assert found.formula == "y ~ x + kind + x:kind + (1 | region)"


def test_several_columns_name_an_area() -> None:
    frame = made().assign(group="g", wave=2024, age="old")
    rows = fit(frame, area=("wave", "group", "region", "age"), term="trust").tidy()
    first = rows.iloc[0]
    assert first[["wave", "group", "region", "domain", "term"]].tolist() == ["2024", "g", "r0", "age=old", "trust"]
    assert rows["basis"].iloc[0] == "*"


WRONG = [
    ({"method": "mle"}, ValueError, "unknown method 'mle'; methods are reml, ml"),
    ({"mse": "none"}, ValueError, "unknown mse"),
    ({"conf_level": 95}, ValueError, "between 0 and 1"),
    ({"covariates": "z"}, ValueError, "does not have: \\['z'\\]"),
    ({"estimate": "kind"}, ValueError, "must hold numbers"),
    ({"covariates": ("x", "twice")}, NotFittable, "covariates repeat others or are constant: \\['twice'\\]"),
    ({"covariates": ("one",)}, NotFittable, "constant: \\['one'\\]"),
    ({"covariates": ("kind", "same")}, NotFittable, "\\['same=q'\\]"),
    ({"covariates": ("region",)}, NotFittable, "17 areas .* 17 coefficients and a refvar need at least 18"),
    ({"area": "kind"}, NotFittable, "in several: b, a"),
    ({"area": "hole"}, NotFittable, "1 rows do not say which area"),
    ({"variance": "below"}, NotFittable, "below zero: r4"),
    ({"variance": "missing"}, NotFittable, "an estimate without variance: r4"),
]


@pytest.mark.parametrize(("asked", "kind", "words"), WRONG)
def test_what_is_refused(asked: dict[str, object], kind: type[Exception], words: str) -> None:
    frame = made().assign(twice=lambda f: 3 - 2 * f["x"], one=1.0, same=lambda f: f["kind"].map({"a": "p", "b": "q"}))
    there = frame.index != 4
    frame = frame.assign(below=frame["v"].where(there, -1.0), missing=frame["v"].where(there))
    frame["hole"] = frame["region"].where(there)
    with pytest.raises(kind, match=words):
        fit(frame, **asked)


@pytest.mark.parametrize("seed", [11, 12])
def test_intervals_hold_the_truth(seed: int) -> None:
    """60 areas, a refvar from .4 to 1.5: about 95 % of areas, refvars and coefficients lie inside; mse is right on average."""
    rng = np.random.default_rng(seed)
    refvar, m, runs = rng.uniform(0.4, 1.5), 60, 250
    d, x = rng.uniform(0.2, 2, m), np.column_stack([np.ones(m), rng.normal(size=m)])
    shown = np.where(np.arange(m) < 10, np.inf, d)
    own, beta = np.isfinite(shown), rng.normal(size=2)
    hits, squares, told = np.zeros((runs, 4)), np.zeros((runs, m)), np.zeros((runs, m))
    for k in range(runs):
        truth = x @ beta + rng.normal(size=m) * np.sqrt(refvar)
        y = truth + rng.normal(size=m) * np.sqrt(d)
        one = core.areas(y[own], x[own], d[own])
        found = core.fit(one, "reml")
        said = core.predict(one, found, y, x, shown)
        squares[k], told[k] = (said.theta - truth) ** 2, said.mse
        inside = squares[k] <= 1.959964**2 * said.mse
        low, high = core.q_profile(one, 0.95)
        off = abs(found.beta[1] - beta[1]) / np.sqrt(found.covariance[1, 1])
        hits[k] = inside[own].mean(), inside[~own].mean(), low <= refvar <= high, off < 1.959964
    error = hits.std(axis=0, ddof=1) / np.sqrt(runs)
    assert (np.abs(hits.mean(axis=0) - 0.95) < SURE * error + SHORT).all()
    for part in (own, ~own):
        ratio = (squares[:, part] - told[:, part]).mean(axis=1)
        assert abs(ratio.mean()) < SURE * ratio.std(ddof=1) / np.sqrt(runs) + 0.03 * told[:, part].mean()


@pytest.mark.parametrize("seed", [21, 22])
def test_borrowing_is_nearer_to_the_truth(seed: int) -> None:
    frames = [made(seed * 100 + k, 40, 0.3) for k in range(30)]
    direct, own, model = [], [], []
    for frame in frames:
        found, there = fit(frame, covariates="x"), frame["v"].gt(0) & frame["y"].notna()
        direct.append(((frame["y"] - frame["truth"])[there] ** 2).mean())
        own.append(((found.areas["eblup"] - frame["truth"])[there] ** 2).mean())
        model.append(found.refvar)
    assert np.mean(own) < 0.5 * np.mean(direct)
    assert np.mean(model) == pytest.approx(0.3, abs=SURE * np.std(model) / np.sqrt(len(model)) + 0.05)
