"""Scaled pseudo-likelihood: identities, plain integration, glmmTMB and lme4, refits from nothing, and what cannot be done.

Reference: tests/reference/mixed_weighted.R and .csv. Recovery and coverage: tests/simulation (docs/validation-mixed.md).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, optimize, special, stats

from analysis import Design, Replicates, fit_mixed, mixed_intervals, poststratified, pseudo_mixed
from analysis.core import mixed as core
from analysis.methods.mixed_weighted import PseudoMixed
from analysis.tidy import COLUMNS
from reports.reference import mixed_weighted as reference

SAME = 1e-6  # relative: two searches for one optimum
INTEGRAL = 1e-7  # of a log-likelihood, by a fine grid
REACHED = 1e-4  # what a search without slopes leaves
HOME = Path(__file__).resolve().parents[1] / "reference"
SETS = 24


def sample(seed: int = 1, n: int = 240, units: int = 8) -> pd.DataFrame:
    """Answers in units, weights, and sets that count half of the rows for 1.5 and half for 0.5."""
    rng = np.random.default_rng(seed)
    unit, x, w = rng.integers(0, units, n), rng.normal(size=n), rng.lognormal(0, 0.5, n)
    y = 2 + 0.5 * x + rng.normal(0, 0.7, units)[unit] + rng.normal(size=n)
    halves = {f"r{k}": w * rng.permutation(np.repeat([0.5, 1.5], n // 2)) for k in range(SETS)}
    named = {"unit": np.char.add("u", unit.astype(str)), "sex": rng.choice(["f", "m"], n)}
    return pd.DataFrame({**named, "x": x, "y": y, "yes": (y > 2).astype(int), "w": w, **halves})


def design(sets: int = SETS, **how: str) -> Design:
    return Design(
        weights="w", replicates=Replicates(tuple(f"r{k}" for k in range(sets)), **({"scale": 4 / sets} | how))
    )


ASKED = {"outcome": "y", "fixed": ("x", "sex"), "random": ("unit",)}
LOGIT = {"outcome": "yes", "fixed": ("sex",), "random": ("unit",), "family": "binomial"}


def numbers(found: PseudoMixed) -> np.ndarray:
    """Estimates, errors and ends of intervals."""
    parts = (found.coefficients.drop(columns="term"), found.components.drop(columns=["factor", "term"]))
    return np.concatenate([p.to_numpy().ravel() for p in parts])


def test_every_number_of_the_other_programs() -> None:
    found = list(reference.lines(HOME, None))
    assert len(found) > 50
    assert [one.what for one in found if not one.agrees] == []


@pytest.mark.parametrize("asked", [ASKED, LOGIT, ASKED | {"scale_by": "unit"}])
def test_weights_times_anything_leave_all_as_it_is(asked: dict) -> None:
    frame = sample()
    weights = ["w", *(f"r{k}" for k in range(SETS))]
    more = frame.assign(**{c: 1000 * frame[c] for c in weights})
    once, again = (pseudo_mixed(f, design=design(), **asked) for f in (frame, more))
    np.testing.assert_allclose(numbers(again), numbers(once), rtol=1e-8)
    assert again.n_eff == pytest.approx(once.n_eff)


@pytest.mark.parametrize(("asked", "method"), [(ASKED, "ml"), (LOGIT, "laplace")])
def test_equal_weights_are_no_weights(asked: dict, method: str) -> None:
    frame = sample().assign(w=3.0)
    found, plain = pseudo_mixed(frame, design=design(), **asked), fit_mixed(frame, method=method, **asked)
    np.testing.assert_allclose(found.coefficients["estimate"], plain.coefficients["estimate"], rtol=SAME)
    np.testing.assert_allclose(found.components["variance"], plain.components["variance"], rtol=SAME)
    assert found.fit.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)
    assert found.n_eff == pytest.approx(len(frame))


def test_weights_are_precisions_for_the_estimates_and_not_for_the_errors() -> None:
    frame = sample()
    found = pseudo_mixed(frame, design=design(), **ASKED)
    scaled = frame["w"] * len(frame) / frame["w"].sum()
    plain = fit_mixed(frame.assign(scaled=scaled), method="ml", prior_weights="scaled", **ASKED)
    np.testing.assert_allclose(found.coefficients["estimate"], plain.coefficients["estimate"], rtol=SAME)
    np.testing.assert_allclose(found.components["variance"], plain.components["variance"], rtol=SAME)
    assert found.fit.log_likelihood == pytest.approx(plain.log_likelihood - np.log(scaled).sum() / 2, abs=1e-7)
    assert not np.allclose(found.coefficients["std_error"], plain.coefficients["std_error"], rtol=0.01)


def test_a_row_of_weight_two_is_two_rows() -> None:
    """Before any scaling, which knows rows only."""
    frame = sample()
    w = np.where(np.arange(len(frame)) % 3 == 0, 2.0, 1.0)
    twice = frame.loc[frame.index.repeat(w.astype(int))]
    fits = []
    for f, weights in ((frame, w), (twice, np.ones(len(twice)))):
        codes = pd.factorize(f["unit"], sort=True)[0].astype(np.int64)
        x, y = np.column_stack([np.ones(len(f)), f["x"]]), f["y"].to_numpy()
        moments = core.counting(core.laid_out([core.Term(codes, 8)]), y, x, x[:, :1], weights)
        fits.append(core.fit(moments, reml=False))
    assert fits[0].deviance == pytest.approx(fits[1].deviance, abs=1e-8)
    for name in ("theta", "sigma", "beta"):
        np.testing.assert_allclose(getattr(fits[0], name), getattr(fits[1], name), rtol=SAME)


def tiny() -> pd.DataFrame:
    """24 rows of four units that are far apart."""
    frame = sample(5, 24, 4).assign(w=np.resize([0.3, 1.0, 2.5], 24), unit=np.resize(list("abcd"), 24))
    y = frame["unit"].map({"a": -1.6, "b": -0.3, "c": 0.4, "d": 1.8}) + np.random.default_rng(1).normal(size=24)
    return frame.assign(y=y, yes=(y > 0).astype(int))


Law = Callable[[np.ndarray, np.ndarray], np.ndarray]


def integrated(frame: pd.DataFrame, y: str, law: Law, sd: float) -> float:
    """Log of the product over units of the integral of exp(sum w log f) over a normal effect, on a fine grid."""
    w, b, total = frame["w"] * len(frame) / frame["w"].sum(), np.linspace(-9 * sd, 9 * sd, 2001), 0.0
    for _, part in frame.groupby("unit"):
        inside = w[part.index].to_numpy() @ law(part[y].to_numpy()[:, None], b) + stats.norm.logpdf(b, 0, sd)
        total += np.log(integrate.simpson(np.exp(inside), x=b))
    return total


def normal(z: np.ndarray) -> Law:
    return lambda y, b: stats.norm.logpdf(y, z[0] + b, np.exp(z[2]))


def logit(z: np.ndarray) -> Law:
    return lambda y, b: np.log(special.expit(np.where(y == 1, 1, -1) * (z[0] + b)))


@pytest.mark.parametrize(
    ("y", "law", "asked"),
    [("y", normal, {}), ("yes", logit, {"family": "binomial", "nodes": 40})],
    ids=["normal", "logit"],
)
def test_the_likelihood_is_the_integral_and_its_largest(y: str, law: Callable[..., Law], asked: dict) -> None:
    frame = tiny()
    found = pseudo_mixed(frame, outcome=y, random=("unit",), design=design(), **asked)
    logs = np.log(found.components["variance"]) / 2
    at = np.array([found.coefficients["estimate"].iloc[0], *logs])

    def value(z: np.ndarray) -> float:
        return integrated(frame, y, law(z), np.exp(z[1]))

    assert found.fit.log_likelihood == pytest.approx(value(at), abs=INTEGRAL)
    search = {"xatol": 1e-7, "fatol": 1e-11}
    best = optimize.minimize(lambda z: -value(z), at + 0.1, method="Nelder-Mead", options=search)
    np.testing.assert_allclose(best.x, at, atol=REACHED)


def test_two_trials_are_two_rows_of_one_weight() -> None:
    frame = sample()
    frame = frame.assign(n=2, yes=np.random.default_rng(2).binomial(2, 0.4 + 0.05 * pd.factorize(frame["unit"])[0]))
    rows = frame.loc[frame.index.repeat(2)].reset_index(drop=True)
    rows["yes"] = (rows.index % 2 < rows["yes"]).astype(int)
    counted, each = (
        pseudo_mixed(frame, trials="n", design=design(), **LOGIT),
        pseudo_mixed(rows, design=design(), **LOGIT),
    )
    np.testing.assert_allclose(numbers(counted), numbers(each), rtol=REACHED)


@pytest.mark.parametrize("asked", [ASKED, LOGIT, ASKED | {"random": ("unit", "sex"), "fixed": ("x",)}])
def test_errors_are_those_of_fits_from_nothing(asked: dict) -> None:
    """Each set counts as many rows as there are, so that it is scaled as weights of its own would be."""
    frame, sets = sample(), 10
    each = []
    for k in range(sets):
        one = pseudo_mixed(frame.assign(w=frame[f"r{k}"]), design=design(6), **asked)
        each.append(np.concatenate([one.coefficients["estimate"], one.components["variance"]]))
    found = pseudo_mixed(frame, design=design(sets), **asked)
    full = np.concatenate([found.coefficients["estimate"], found.components["variance"]])
    for centre, middle in (("estimate", full), ("mean", np.mean(each, axis=0))):
        again = pseudo_mixed(frame, design=design(sets, centre=centre), **asked)
        expected = np.sqrt(4 / sets * ((np.array(each) - middle) ** 2).sum(axis=0))
        errors = np.concatenate([again.coefficients["std_error"], again.components["std_error"]])
        np.testing.assert_allclose(errors, expected, rtol=1e-3)
        np.testing.assert_allclose(np.diag(again.covariance), again.coefficients["std_error"] ** 2)


def test_intervals_and_tidy() -> None:
    found = pseudo_mixed(sample(), design=design(), conf_level=0.9, **ASKED)
    table = found.tidy()
    assert tuple(table.columns) == COLUMNS
    assert table["statistic"].tolist() == ["coefficient"] * 3 + ["variance"] * 2
    assert set(table["status"]) == {"ok"}
    reach = stats.t.ppf(0.95, SETS - 3)  # the rank of the sets less 1, less two coefficients
    rows = table.set_index("term")
    assert rows.at["x", "conf_high"] == pytest.approx(rows.at["x", "estimate"] + reach * rows.at["x", "std_error"])
    unit = rows.loc["unit"]
    wide = np.exp(reach * unit["std_error"] / unit["estimate"])
    assert unit["conf_low"] == pytest.approx(unit["estimate"] / wide)
    assert unit["conf_high"] == pytest.approx(unit["estimate"] * wide)
    assert "24 replicates, 0 failed, ok" in repr(found)


def test_a_variance_at_zero_has_an_interval_from_zero() -> None:
    frame = sample().assign(y=lambda f: np.random.default_rng(12).normal(size=len(f)))
    frame["y"] -= frame.groupby("unit")["y"].transform("mean")
    found = pseudo_mixed(frame, design=design(), **ASKED)
    row = found.components.iloc[0]
    assert row["variance"] == 0
    assert row["conf_low"] == 0
    assert row["conf_high"] == pytest.approx(stats.t.ppf(0.975, SETS - 3) * row["std_error"])
    assert "the variance of unit ((Intercept)) is zero" in found.problems


@pytest.mark.parametrize(("wrong", "status"), [(1, "ok"), (4, "not_converged")])
def test_sets_without_a_fit_are_counted_and_told(wrong: int, status: str) -> None:
    frame = sample()
    for k in range(wrong):
        frame[f"r{k}"] = frame[f"r{k}"].where(frame["sex"] == "f", 0.0)  # nobody left of the other level
    found = pseudo_mixed(frame, design=design(), **ASKED)
    assert found.failed == wrong
    assert found.status == status
    assert set(found.tidy()["status"]) == {status}
    assert f"under {wrong} of 24 sets" in found.problems[-1]
    assert found.coefficients["std_error"].isna().all() == (status != "ok")
    assert found.coefficients["estimate"].notna().all()
    if status == "ok":
        rest = Replicates(tuple(f"r{k}" for k in range(1, SETS)), scale=4 / (SETS - 1))
        without = pseudo_mixed(frame, design=Design(weights="w", replicates=rest), **ASKED)
        np.testing.assert_allclose(found.coefficients["std_error"], without.coefficients["std_error"], rtol=1e-8)


def test_rows_without_weight_or_value_are_left_out() -> None:
    frame = sample()
    none = frame.index % 10 == 0
    weights = ["w", *(f"r{k}" for k in range(SETS))]
    zero = frame.assign(**{c: frame[c].where(~none, 0.0) for c in weights})
    gone = frame.assign(y=frame["y"].where(~none))
    kept = pseudo_mixed(frame[~none], design=design(), **ASKED)
    for other in (zero, gone):
        found = pseudo_mixed(other, design=design(), **ASKED)
        np.testing.assert_allclose(numbers(found), numbers(kept), rtol=1e-8)
        assert found.n == (~none).sum()


def test_units_of_few_rows_are_told() -> None:
    assert pseudo_mixed(sample(), design=design(), **ASKED).problems == ()
    frame = sample(n=240, units=80).assign(w=lambda f: np.random.default_rng(3).lognormal(0, 1, len(f)))
    found = pseudo_mixed(frame, design=design(), **ASKED)
    assert "the variance of unit is too large by about" in found.problems[-1]


def test_slopes_are_fitted_too() -> None:
    found = pseudo_mixed(sample(), slopes={"unit": ("x",)}, design=design(), **ASKED)
    assert found.components["term"].tolist() == ["(Intercept)", "x", ""]
    assert found.tidy()["term"].tolist()[-3:] == ["unit", "unit|x", "residual"]


def test_what_does_not_hold_for_weighted_fits_is_refused() -> None:
    frame = sample()
    fit = pseudo_mixed(frame, design=design(), **ASKED).fit
    with pytest.raises(ValueError, match="replicates"):
        mixed_intervals(fit)
    with pytest.raises(ValueError, match="errors do not hold"):
        poststratified(fit, frame.assign(people=1.0), count="people", by=["unit"], answers=frame)


@pytest.mark.parametrize(
    ("changed", "asked", "said"),
    [
        ({}, {"design": Design(weights="w")}, "survey.replicate"),
        ({}, {"design": Design()}, "survey.replicate"),
        ({"w": -1.0}, {}, "at least zero"),
        ({"w": np.nan}, {}, "none missing"),
        ({"r3": np.nan}, {}, "replicate weights must be"),
        ({}, {"scale_by": "town"}, "town"),
        ({"w": 1.0}, {"scale_by": "unit"}, "changes no weight"),
        ({}, {"trials": "n"}, "binomial"),
        ({}, {"nodes": 9}, "binomial"),
        ({}, {"family": "poisson"}, "unknown family"),
        ({}, {"conf_level": 1.0}, "between 0 and 1"),
        ({}, {"design": design(3)}, "more sets of weights"),
        ({}, {"family": "binomial", "outcome": "yes", "nodes": 1}, "from 2 to 100"),
        (
            {},
            {"family": "binomial", "outcome": "yes", "nodes": 9, "random": ("unit", "sex"), "fixed": ()},
            "one factor",
        ),
    ],
)
def test_bad_questions(changed: dict, asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        pseudo_mixed(sample().assign(**changed), **({"design": design()} | ASKED | asked))
