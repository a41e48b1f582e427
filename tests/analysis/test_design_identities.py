"""Identities that hold for every sample: generated designs, exact answers (validation level 1)."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.methods.contrasts import contrast
from analysis.methods.design import Design
from analysis.methods.estimates import estimates

SAME = {"rtol": 1e-10, "atol": 1e-10}  # identities differ by rounding alone; values are of the order of 1
FREE = {"rtol": 1e-7, "atol": 1e-8}  # under calibration variances are differences of larger numbers
CASES = int(os.environ.get("WORKBENCH_TEST_CASES", "25"))
FULL = Design(weights="w", strata="h", cluster="c")
every = settings(max_examples=CASES, deadline=None)


@st.composite
def samples(draw: st.DrawFn) -> pd.DataFrame:
    """A sample of 6 to 60 persons with unequal weights, up to 4 strata, clusters, 4 domains, some missing values."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(6, 60))
    frame = pd.DataFrame({"y": rng.normal(3, 1, n), "x": rng.uniform(1, 2, n), "w": rng.uniform(0.2, 5, n)})
    frame["h"] = rng.integers(0, draw(st.integers(1, 4)), n)
    frame["c"] = rng.integers(0, draw(st.integers(2, 15)), n)
    frame["d"] = rng.choice(list("abcd")[: draw(st.integers(1, 4))], n)
    frame["code"] = rng.integers(1, 6, n)
    frame.loc[rng.random(n) < draw(st.sampled_from([0, 0.2])), "y"] = np.nan
    frame.loc[0, "y"] = 3.0
    return frame


def numbers(result: object, *columns: str) -> np.ndarray:
    rows = result.tidy()  # type: ignore[attr-defined]
    return rows[list(columns or ("estimate", "std_error", "conf_low", "conf_high", "n", "n_eff"))].to_numpy()


@every
@given(samples())
def test_domain_totals_add_up(frame: pd.DataFrame) -> None:
    whole = estimates(frame, variables="y", statistic="total", design=FULL).tidy()["estimate"]
    parts = estimates(frame, variables="y", statistic="total", by="d", design=FULL).tidy()["estimate"]
    np.testing.assert_allclose(parts.sum(), whole.sum(), **SAME)


@every
@given(samples())
def test_the_variance_of_the_whole_is_the_sum_of_the_covariances(frame: pd.DataFrame) -> None:
    whole = estimates(frame, variables="y", statistic="total", design=FULL).tidy().loc[0, "std_error"]
    parts = estimates(frame, variables="y", statistic="total", by="d", design=FULL).covariance
    np.testing.assert_allclose(parts.to_numpy().sum(), whole**2, **SAME)


@every
@given(samples())
def test_a_domain_is_the_sample_with_zero_weights_outside(frame: pd.DataFrame) -> None:
    rows = numbers(estimates(frame, variables="y", by="d", design=FULL))
    for row, name in zip(rows, sorted(frame["d"].unique()), strict=True):
        inside = frame.assign(w=frame["w"].where(frame["d"] == name, 0.0))
        np.testing.assert_allclose(row, numbers(estimates(inside, variables="y", design=FULL))[0], **SAME)


@every
@given(samples(), st.floats(0.01, 100))
def test_the_unit_of_the_weights_does_not_matter(frame: pd.DataFrame, k: float) -> None:
    a = estimates(frame, variables="y", by="d", design=FULL)
    b = estimates(frame.assign(w=frame["w"] * k), variables="y", by="d", design=FULL)
    np.testing.assert_allclose(numbers(a), numbers(b), **SAME)


@every
@given(samples())
def test_every_record_twice_at_half_weight(frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame]).assign(w=lambda t: t["w"] / 2)
    a, b = (estimates(f, variables="y", by="d", design=FULL) for f in (frame, twice))
    np.testing.assert_allclose(numbers(a, "estimate", "std_error"), numbers(b, "estimate", "std_error"), **SAME)


@every
@given(samples(), st.randoms())
def test_order_and_names_do_not_matter(frame: pd.DataFrame, random: object) -> None:
    order = list(range(len(frame)))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = frame.iloc[order].assign(h=lambda t: "s" + t["h"].astype(str), c=lambda t: 100 - t["c"])
    a, b = (estimates(f, variables="y", by="d", design=FULL) for f in (frame, moved))
    np.testing.assert_allclose(numbers(a), numbers(b), **SAME)


@every
@given(samples(), st.floats(-5, 5), st.floats(0.1, 10))
def test_a_change_of_scale_carries_through(frame: pd.DataFrame, a: float, b: float) -> None:
    old = numbers(estimates(frame, variables="y", by="d", design=FULL))
    new = numbers(estimates(frame.assign(y=a + b * frame["y"]), variables="y", by="d", design=FULL))
    np.testing.assert_allclose(new[:, 0], a + b * old[:, 0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(new[:, 1], b * old[:, 1], rtol=1e-9, atol=1e-9)


@every
@given(samples())
def test_an_empty_group_changes_nothing(frame: pd.DataFrame) -> None:
    more = frame.assign(d=pd.Categorical(frame["d"], categories=list("abcdz")))
    a, b = (estimates(f, variables="y", by="d", design=FULL) for f in (frame, more))
    np.testing.assert_array_equal(numbers(a), numbers(b))


@every
@given(samples())
def test_a_mean_is_the_ratio_to_one_and_a_proportion_the_mean_of_ones(frame: pd.DataFrame) -> None:
    mean = estimates(frame, variables="y", design=FULL)
    ratio = estimates(frame.assign(one=1), variables="y", statistic="ratio", denominator="one", design=FULL)
    np.testing.assert_allclose(numbers(mean), numbers(ratio), **SAME)
    code = frame["code"].iloc[0]
    ones = estimates(frame.assign(is_it=frame["code"] == code), variables="is_it", design=FULL)
    shares = estimates(frame, variables="code", statistic="proportion", design=FULL).tidy()
    found = shares.loc[shares["term"] == f"code={code}", ["estimate", "std_error"]].to_numpy()
    np.testing.assert_allclose(found, numbers(ones, "estimate", "std_error"), **SAME)
    assert shares["estimate"].sum() == pytest.approx(1, rel=1e-12)


@every
@given(samples())
def test_intervals_hold_their_estimates(frame: pd.DataFrame) -> None:
    for statistic, variable in (("mean", "y"), ("total", "y"), ("proportion", "code")):
        rows = estimates(frame, variables=variable, statistic=statistic, by="d", design=FULL).tidy()
        rows = rows.dropna(subset=["std_error"])  # a domain within one cluster has none
        assert (rows["conf_low"] <= rows["estimate"]).all()
        assert (rows["estimate"] <= rows["conf_high"]).all()
        if statistic == "proportion":
            assert rows[["conf_low", "conf_high"]].stack().between(0, 1).all()


@every
@given(samples())
def test_a_difference_is_the_total_of_the_differences(frame: pd.DataFrame) -> None:
    there = frame.dropna(subset=["y"]).assign(z=lambda t: t["y"] - t["x"])
    assume(there.groupby(["h", "c"]).ngroups > 1)
    pair = contrast(estimates(there, variables=["y", "x"], design=FULL), [(0, 1)])
    alone = estimates(there, variables="z", design=FULL)
    np.testing.assert_allclose(numbers(pair, "estimate", "std_error"), numbers(alone, "estimate", "std_error"), **SAME)


@every
@given(samples())
def test_what_was_calibrated_on_is_known_without_error(frame: pd.DataFrame) -> None:
    design = Design(
        weights="w", strata="h", cluster="c", calibration=SimpleNamespace(margins={"d": {}, ("h", "code"): {}})
    )
    sizes = estimates(frame.assign(one=1.0), variables="one", statistic="total", by="d", design=design)
    np.testing.assert_allclose(numbers(sizes, "std_error"), 0, atol=1e-4)
    blocks = estimates(frame, variables=["x", "y"], by="d", design=design)
    shown = blocks.tidy()
    known = shown.loc[blocks.covariance.index, "std_error"].notna().to_numpy()
    found = np.diag(blocks.covariance)[known]
    np.testing.assert_allclose(found, shown["std_error"].dropna() ** 2, **FREE)


@every
@given(samples())
def test_calibration_residuals_by_a_dense_route(frame: pd.DataFrame) -> None:
    """The variance of a total under calibration is that of the total of w times the least-squares residual."""
    design = Design(weights="w", strata="h", cluster="c", calibration=SimpleNamespace(margins=("d", "code")))
    columns = pd.get_dummies(frame[["d", "code"]].astype(str)).to_numpy(dtype=float)
    left = frame["x"] - columns @ np.linalg.lstsq(columns, frame["x"], rcond=None)[0]
    a = estimates(frame, variables="x", statistic="total", design=design)
    b = estimates(frame.assign(e=left), variables="e", statistic="total", design=FULL)
    np.testing.assert_allclose(numbers(a, "std_error"), numbers(b, "std_error"), rtol=1e-6, atol=1e-5)
