"""Crossed factors of many levels that seldom meet: sets of levels taken out, against the dense tail and lme4.

Expected: the same numbers with a dense tail (held to whole matrices in `test_elimination`); lme4 on seeded data.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.core import elimination, mixed, mixed_cells, sparse_tail
from analysis.core.mixed import Moments, Term
from analysis.methods.mixed import NotFittable
from analysis.methods.unit_models import Cuts, models
from reports.reference.mixed import SPARSE

EXACT = 1e-9  # both are exact but for rounding
N = 900
Make = Callable[[np.random.Generator], list[Term]]


def term(codes: np.ndarray, uses: tuple[int, ...] = (0,)) -> Term:
    found = np.unique(codes, return_inverse=True)[1]
    return Term(found, int(found.max()) + 1, uses)


def two(rng: np.random.Generator) -> list[Term]:
    return [term(rng.integers(0, 400, N)), term(rng.integers(0, 330, N))]


def three(rng: np.random.Generator) -> list[Term]:
    return [term(rng.integers(0, 400, N)), term(rng.integers(0, 330, N)), term(rng.integers(0, 150, N))]


def sloped(rng: np.random.Generator) -> list[Term]:
    return [term(rng.integers(0, 300, N), (0, 1)), term(rng.integers(0, 250, N), (0, 2)), term(rng.integers(0, 200, N))]


def stepped(rng: np.random.Generator) -> list[Term]:
    """Two whole terms, one within the other, before the sets."""
    village = rng.integers(0, 500, N)
    return [term(village), term(village // 2, (0, 1)), term(rng.integers(0, 200, N), (0, 2))]


@pytest.fixture(params=[two, three, sloped, stepped], ids=lambda make: str(make.__name__))
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Moments, Moments, np.ndarray]:
    """The same rows with a dense tail and with sets of levels, and u."""
    monkeypatch.setattr(sparse_tail, "WORTH", 0)
    monkeypatch.setattr(sparse_tail, "SHARE", 2)
    rng = np.random.default_rng(11)
    terms = request.param(rng)
    u, x = (np.column_stack([np.ones(N), rng.normal(size=(N, 2))]) for _ in range(2))
    y, w, found = rng.normal(size=N), rng.uniform(0.5, 2, N), []
    for start in (10**9, 0):
        monkeypatch.setattr(sparse_tail, "FROM", start)
        found.append(mixed.collect(mixed.laid_out(terms), y, x, u, w))
    return found[0], found[1], u


def test_sets_of_levels_are_taken_out(both: tuple[Moments, Moments, np.ndarray]) -> None:
    dense, thin, _ = both
    assert len(thin.layout.stages) > len(dense.layout.stages) + 3
    parts = thin.layout.parts
    assert sorted(parts.column) == list(range(int(parts.starts[-1])))  # type: ignore[arg-type]
    assert parts.tail.stop - parts.tail.start < (dense.layout.parts.tail.stop - dense.layout.parts.tail.start) / 3
    for k, stage in enumerate(parts.stages):  # no two levels of a set meet
        assert (stage.column >= parts.starts[k + 1]).all()


@pytest.mark.parametrize("reml", [True, False])
def test_criterion_and_slopes(both: tuple[Moments, Moments, np.ndarray], reml: bool) -> None:
    shape = mixed.shape_of(both[0])
    theta = np.where(shape.bounded, 0.4, -0.1) + 0.03 * np.arange(len(shape.term))
    expected, found = (mixed.slopes(m, shape, theta, reml=reml) for m in both[:2])
    np.testing.assert_allclose(found.value, expected.value, rtol=EXACT)
    np.testing.assert_allclose(found.by_log, expected.by_log, atol=EXACT * np.abs(expected.by_log).max())
    np.testing.assert_allclose(found.by_pwrss, expected.by_pwrss, atol=EXACT * np.abs(expected.by_pwrss).max())
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=EXACT, atol=1e-14)


def test_inverse_and_solutions(both: tuple[Moments, Moments, np.ndarray]) -> None:
    shape, u = mixed.shape_of(both[0]), both[2]
    triangles = shape.triangles(np.where(shape.bounded, 0.5, 0.2))
    rng = np.random.default_rng(3)
    random, fixed = rng.normal(size=(len(both[0].zx), 2)), rng.normal(size=(3, 2))
    told = []
    for m in both[:2]:
        solved = mixed.solve(m, triangles)
        found = elimination.inverse(m, triangles, solved, fixed=True)
        blocks = [elimination.own_blocks(m.layout, found.store, k).ravel() for k in range(len(m.levels))]
        times = np.vstack(elimination.inverse_times(m, triangles, solved, random, fixed)).ravel()
        through = mixed_cells.through_rows(m.layout, u, found.store)
        told.append(np.concatenate([*blocks, times, through, found.by_x.ravel()]))
    np.testing.assert_allclose(told[1], told[0], atol=EXACT)


def test_what_does_not_go_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    monkeypatch.setattr(sparse_tail, "FROM", 0)
    monkeypatch.setattr(sparse_tail, "MOST_BYTES", 1e5)
    with pytest.raises(sparse_tail.TooLarge, match=r"crossed factors of .* levels meet so often.*put levels together"):
        mixed.laid_out(two(rng))


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Rows whose model is more than is held in memory."""
    monkeypatch.setattr(sparse_tail, "FROM", 0)
    monkeypatch.setattr(sparse_tail, "MOST_BYTES", 1e5)
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"y": rng.normal(size=N), "x": rng.normal(size=N), "w": 1.0})
    for name, levels in (("person", 400), ("school", 330)):
        frame[name] = [f"{name} {k}" for k in [*range(levels), *rng.integers(0, levels, N - levels)]]
    sets = {f"r{k}": rng.multinomial(N, np.full(N, 1 / N)).astype(float) for k in range(4)}
    return frame.assign(yes=(frame["y"] > 0).astype("int64"), **sets)


@pytest.mark.parametrize("asked", [{"outcome": "y"}, {"outcome": "yes", "fixed": ("x",), "family": "binomial"}])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_refusal_names_the_factors(large: pd.DataFrame, asked: dict, weighted: bool) -> None:
    """Each as many levels as occur; 900 rows, where persons and schools meet nearly at random."""
    design = analysis.Design(weights="w", replicates=analysis.Replicates(tuple(f"r{k}" for k in range(4))))
    said = r"^the factors 'person' \(400 levels\) and 'school' \(330 levels\) meet so often that .* equations .* GB of memory"
    fitted, more = (analysis.pseudo_mixed, {"design": design}) if weighted else (analysis.fit_mixed, {})
    with pytest.raises(NotFittable, match=said):
        fitted(large, random=("person", "school"), **asked, **more)


def test_what_rests_on_a_refused_model_has_a_status(large: pd.DataFrame) -> None:
    rows = models(large, "y", Cuts(None, "person", {}, "school"), (), 0.7)[0]
    assert rows.set_index("statistic").loc[["shrunken", "variance_share"], "status"].tolist() == ["not_estimable"] * 2
    assert (rows.loc[rows["statistic"] == "icc1", "status"] == "ok").all()  # one factor at a time


HOME = Path(__file__).parents[1] / "reference"
# lme4's search stops where theta is right to some 1e-6, its own sums to 1e-9
TOLERANCE = {"log_likelihood": 1e-9, "variance": 2e-5, "estimate": 1e-6, "std_error": 1e-5, "df": 1e-4, "effect": 1e-5}


@pytest.mark.parametrize("model", list(SPARSE))
def test_against_lme4(model: str) -> None:
    rows = pd.read_csv(HOME / "mixed_sparse_data.csv")
    fit = analysis.fit_mixed(rows, **SPARSE[model])
    assert len(fit.moments.layout.stages) > 4  # sets were taken out
    assert fit.converged
    found = {("log_likelihood", ""): fit.log_likelihood}
    for r in fit.components.to_dict("records"):
        found["variance", f"{r['factor']} {r['term']}".replace("residual", "Residual")] = r["variance"]
    for r in fit.coefficients.to_dict("records"):
        found |= {(q, r["term"]): r[q] for q in ("estimate", "std_error", "df")}
    effects = fit.effects[fit.effects["term"] == "(Intercept)"]
    found |= {(f"effect {r['factor']}", r["level"]): r["estimate"] for r in effects.to_dict("records")}
    table = pd.read_csv(HOME / "mixed_sparse.csv", keep_default_na=False)
    expected = table[table["model"] == model].to_dict("records")
    assert len(expected) > 40
    for r in expected:
        kind = r["quantity"].split()[0]
        assert found[r["quantity"], r["term"]] == pytest.approx(
            float(r["value"]), rel=TOLERANCE[kind], abs=1e-5 * (kind == "effect")
        ), (r["quantity"], r["term"])
    value = float(table.loc[(table["model"] == model) & (table["quantity"] == "log_likelihood"), "value"].iloc[0])
    assert fit.log_likelihood > value - 1e-6
