"""Random slopes and profile intervals: lme4's numbers, and models that are the same written differently.

Real data beside lme4 in full: `workbench verify` (tests/reference/mixed_real.R).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import mixed_intervals
from analysis.methods.mixed import fit_mixed

LME4 = 1e-5  # relative; profiles are interpolated by lme4
SLOPE = {"outcome": "mAch", "fixed": ("cses",), "random": ("school",), "slopes": {"school": ("cses",)}}


def made(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(40), 12)
    x, z = rng.normal(size=(2, len(group)))
    b = rng.multivariate_normal(np.zeros(3), [[0.5, 0.2, 0.0], [0.2, 0.4, -0.1], [0.0, -0.1, 0.3]], 40)[group]
    y = 1 + 0.5 * x + b[:, 0] + b[:, 1] * x + b[:, 2] * z + rng.normal(size=len(group))
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": [f"g{k:02d}" for k in group]})


def test_as_lme4(shared_data: Callable[[str], Path]) -> None:
    """hsb_slope of mixed_real.csv."""
    table = pd.read_csv(Path(__file__).resolve().parents[1] / "reference" / "mixed_real.csv", keep_default_na=False)
    table = table[table["model"] == "hsb_slope"].set_index(["quantity", "term"])["value"].astype(float)
    fit = fit_mixed(pd.read_csv(shared_data("hsb82") / "Hsb82.csv"), **SLOPE)
    assert fit.log_likelihood == pytest.approx(table["log_likelihood"].iloc[0], abs=1e-6)
    expected = [table["covariance"][f"school:{a},{b}"] for a, b in (("(Intercept)", "(Intercept)"), ("cses", "cses"))]
    np.testing.assert_allclose(fit.components["variance"].iloc[:2], expected, rtol=1e-4)
    assert fit.correlations.loc[0, "covariance"] == pytest.approx(
        table["covariance"]["school:(Intercept),cses"], rel=1e-4
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_a_slope_has_its_zero_changes_nothing(seed: int) -> None:
    """b0 + b1 x = (b0 - 50 b1) + b1 (x + 50): intercept's variance and covariances move, all else stays."""
    frame = made(seed)
    asked = {"outcome": "y", "fixed": ("x",), "random": ("g",), "slopes": {"g": ("x", "z")}}
    one, two = fit_mixed(frame, **asked), fit_mixed(frame.assign(x=frame["x"] + 50), **asked)
    assert one.converged
    assert two.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-5)
    v1, v2, c1 = one.variance_of("g"), two.variance_of("g"), one.correlations.loc[0, "covariance"]
    assert v2 == pytest.approx(v1 - 100 * c1 + 2500 * one.variance_of("g", "x"), rel=1e-3)
    for name in ("x", "z"):
        assert two.variance_of("g", name) == pytest.approx(one.variance_of("g", name), rel=1e-3)


def test_scaled_slopes_give_scaled_variances() -> None:
    frame = made(4)
    asked = {"outcome": "y", "fixed": ("x",), "random": ("g",), "slopes": {"g": ("x",)}}
    one, two = fit_mixed(frame, **asked), fit_mixed(frame.assign(x=frame["x"] * 1000), **asked)
    assert two.variance_of("g", "x") * 1e6 == pytest.approx(one.variance_of("g", "x"), rel=1e-4)
    assert two.correlations.loc[0, "correlation"] == pytest.approx(one.correlations.loc[0, "correlation"], abs=1e-4)


def test_profile_intervals_are_lme4s() -> None:
    """R 4.2.2, lme4 1.1-31: confint(profile(lmer(y ~ 1 + (1 | g), REML = FALSE), delta = .1))^2."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 1.5, 4.0, 5.0, 4.5, 3.0, 2.5], "g": list("aaabbbcc")})
    table = mixed_intervals(fit_mixed(frame, outcome="y", random=("g",), method="ml")).table
    np.testing.assert_allclose(table["conf_low"], [0.341229675, 0.080314291], rtol=LME4)
    np.testing.assert_allclose(table["conf_high"], [13.2341747, 1.0463269], rtol=LME4)
