"""Elimination by stages against whole matrices laid out: criterion, slopes, inverse, solutions.

Expected: numpy on dense V = W^-1 + Z T T' Z'; slopes by central differences. Designs vary by seed.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from analysis.core import elimination, mixed, mixed_cells
from analysis.core.mixed import Moments, Shape, Term

EXACT = 1e-9  # both are exact but for rounding
SLOPE = 1e-6  # relative; central differences leave some 1e-8
N, P = 240, 3


def levels(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.unique(rng.integers(0, count, N), return_inverse=True)[1]


def term(codes: np.ndarray, uses: tuple[int, ...] = (0,), correlated: bool = True) -> Term:
    return Term(codes, int(codes.max()) + 1, uses, correlated)


def crossed(rng: np.random.Generator) -> list[Term]:
    group, region = levels(rng, 12), levels(rng, 5)
    both = np.unique(group * 5 + region, return_inverse=True)[1]
    return [term(group), term(region), term(both)]


def sloped(rng: np.random.Generator) -> list[Term]:
    return [term(levels(rng, 12), (0, 1, 2)), term(levels(rng, 7), (0, 2), correlated=False)]


def nested(rng: np.random.Generator) -> list[Term]:
    village = levels(rng, 40)
    parish = np.unique(village // 3, return_inverse=True)[1]
    return [term(village, (0, 1)), term(parish, (0, 2)), term(levels(rng, 6), (0, 1))]


CASES = {
    "one": (lambda rng: [term(levels(rng, 15))], {}),
    "crossed": (crossed, {}),
    "crossed in two steps": (crossed, {"SMALL": 0}),
    "slopes": (sloped, {}),
    "nested slopes in two steps": (nested, {"SMALL": 0}),
    "dense product": (sloped, {"MOST_PAIRS": 1}),
    "dense product of the last step": (nested, {"SMALL": 0, "MOST_PAIRS": 1}),
}


class Made:
    """A model at random parameters, and its matrices laid out."""

    def __init__(self, name: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(seed)
        make, limits = CASES[name]
        for limit, value in limits.items():
            monkeypatch.setattr(mixed_cells, limit, value)
        self.terms = make(rng)
        self.u = np.column_stack([np.ones(N), rng.normal(size=(N, 2))])
        self.x = np.column_stack([np.ones(N), rng.normal(size=(N, P - 1))])
        self.y, self.w = rng.normal(size=N), rng.uniform(0.5, 2, N)
        self.layout = mixed.laid_out(self.terms)
        self.moments: Moments = mixed.collect(self.layout, self.y, self.x, self.u, self.w)
        self.shape: Shape = mixed.shape_of(self.moments)
        theta = rng.normal(0, 0.3, len(self.shape.term))
        self.theta = np.where(self.shape.bounded, np.abs(theta) + 0.1, theta)
        self.triangles = self.shape.triangles(self.theta)

    def z(self) -> np.ndarray:
        blocks = []
        for k in self.layout.order:
            t = self.terms[k]
            block = np.zeros((N, t.levels, len(t.uses)))
            block[np.arange(N), t.codes] = self.u[:, list(t.uses)]
            blocks.append(block.reshape(N, -1))
        return np.hstack(blocks)

    def root(self) -> np.ndarray:
        counts = [self.terms[k].levels for k in self.layout.order]
        return linalg.block_diag(*(np.kron(np.eye(q), t) for q, t in zip(counts, self.triangles, strict=True)))

    def equations(self, fixed: bool) -> np.ndarray:
        """Inverse of the mixed-model equations."""
        z, root = self.z(), self.root()
        a = np.hstack([z @ root, self.x]) if fixed else z @ root
        inner = a.T @ (self.w[:, None] * a)
        inner[: root.shape[1], : root.shape[1]] += np.eye(root.shape[1])
        outer = linalg.block_diag(root, np.eye(P)) if fixed else root
        return outer @ np.linalg.inv(inner) @ outer.T


@pytest.fixture(params=[(name, seed) for name in CASES for seed in (1, 2)], ids=lambda p: f"{p[0]}, {p[1]}")
def made(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(*request.param, monkeypatch)


def test_the_ways_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(Made("crossed", 1, monkeypatch).layout.stages) == 1
    assert len(Made("crossed in two steps", 1, monkeypatch).layout.stages) == 2
    assert Made("dense product of the last step", 1, monkeypatch).layout.stages[-1].pairs is None


@pytest.mark.parametrize("reml", [True, False])
def test_criterion(made: Made, reml: bool) -> None:
    root = made.z() @ made.root()
    v = np.diag(1 / made.w) + root @ root.T
    precision = np.linalg.inv(v)
    information = made.x.T @ precision @ made.x
    left = made.y - made.x @ np.linalg.solve(information, made.x.T @ precision @ made.y)
    free = N - P if reml else N
    logs = np.linalg.slogdet(v)[1] + (np.linalg.slogdet(information)[1] if reml else 0.0)
    expected = logs + free * (1 + np.log(2 * np.pi * (left @ precision @ left) / free))
    assert mixed.deviance(made.moments, made.shape, made.theta, reml=reml) == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("reml", [True, False])
def test_slopes(made: Made, reml: bool) -> None:
    step = 1e-5 * np.eye(len(made.theta))
    ends = [[mixed.deviance(made.moments, made.shape, made.theta + s * h, reml=reml) for s in (1, -1)] for h in step]
    expected = np.array([(up - down) / 2e-5 for up, down in ends])
    found = mixed.slopes(made.moments, made.shape, made.theta, reml=reml).profiled
    np.testing.assert_allclose(found, expected, atol=SLOPE * np.abs(expected).max())


@pytest.mark.parametrize("fixed", [True, False])
def test_inverse_where_there_are_numbers(made: Made, fixed: bool) -> None:
    solved = mixed.solve(made.moments, made.triangles)
    found = elimination.inverse(made.moments, made.triangles, solved, fixed=fixed)
    whole = made.equations(fixed)
    for k, (q, d) in enumerate(zip(made.layout.levels, made.layout.dims, strict=True)):
        at = made.layout.starts[k] + np.arange(q * d).reshape(q, d)
        expected = whole[at[:, :, None], at[:, None, :]]
        np.testing.assert_allclose(elimination.own_blocks(made.layout, found.store, k), expected, atol=EXACT)
    z = made.z()
    through = mixed_cells.through_rows(made.layout, made.u, found.store)
    q = z.shape[1]
    np.testing.assert_allclose(through, np.einsum("ni,ij,nj->n", z, whole[:q, :q], z), atol=EXACT)
    if fixed:
        np.testing.assert_allclose(found.by_x, whole[:q, q:], atol=EXACT)


def test_solutions_and_products(made: Made) -> None:
    rng, z = np.random.default_rng(9), made.z()
    random, fixed = rng.normal(size=(z.shape[1], 2)), rng.normal(size=(P, 2))
    solved = mixed.solve(made.moments, made.triangles)
    found = np.vstack(elimination.inverse_times(made.moments, made.triangles, solved, random, fixed))
    np.testing.assert_allclose(found, made.equations(True) @ np.vstack([random, fixed]), atol=EXACT)
    v = rng.normal(size=z.shape[1])
    np.testing.assert_allclose(made.moments.zz_times(v), z.T @ (made.w * (z @ v)), atol=EXACT * 100)
    np.testing.assert_allclose(mixed_cells.z_times(made.layout, made.u, v), z @ v, atol=EXACT)
    np.testing.assert_allclose(mixed_cells.turned_times(made.layout, made.u, made.y), z.T @ made.y, atol=EXACT)
