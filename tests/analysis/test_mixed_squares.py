"""What a fit sums once, levels of equal counts together, against the elimination that sums at every theta.

Expected: the same criterion and slopes without the sums; those are held to whole matrices in `test_elimination`.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis.core import mixed, mixed_cells, mixed_squares
from analysis.core.mixed import Moments, Term

EXACT = 1e-10  # relative; sums in another order
N = 4000


def crossed(rng: np.random.Generator) -> list[Term]:
    one, two = rng.integers(0, 60, N), rng.integers(0, 11, N)
    both = np.unique(one * 11 + two, return_inverse=True)[1]
    return [Term(one, 60), Term(two, 11), Term(both, int(both.max()) + 1)]


def nested(rng: np.random.Generator) -> list[Term]:
    """The second step has slopes, and blocks of its own that lose what the first one takes."""
    village = np.unique(rng.integers(0, 900, N), return_inverse=True)[1]
    parish = village // 30
    return [
        Term(village, int(village.max()) + 1),
        Term(parish, int(parish.max()) + 1, (0, 1)),
        Term(village % 7, 7, (0, 1)),
    ]


def alone(rng: np.random.Generator) -> list[Term]:
    return [Term(np.unique(rng.integers(0, 300, N), return_inverse=True)[1], 300)]


def moments(make: object, seed: int, weights: bool = False) -> Moments:
    rng = np.random.default_rng(seed)
    terms = make(rng)  # type: ignore[operator]
    u = np.column_stack([np.ones(N), rng.normal(size=N)])
    x = np.column_stack([np.ones(N), rng.normal(size=(N, 2))])
    w = rng.choice([0.5, 1.0, 2.5], N) if weights else None
    return mixed.collect(mixed.laid_out(terms), rng.normal(size=N), x, u, w)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("small", [0, 300])
@pytest.mark.parametrize("make", [crossed, nested, alone])
def test_criterion_and_slopes(make: object, small: int, reml: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixed_cells, "SMALL", small)
    some = moments(make, 3)
    shape, shared = mixed.shape_of(some), mixed_squares.squares(some)
    assert shared is not None
    assert len(shared.own) < len(shared.kind) / mixed_squares.SHARED
    theta = np.where(shape.bounded, 0.4, -0.1) + 0.05 * np.arange(len(shape.term))
    expected, found = (mixed.slopes(some, shape, theta, reml=reml, shared=s) for s in (None, shared))
    np.testing.assert_allclose(found.value, expected.value, rtol=EXACT)
    np.testing.assert_allclose(found.profiled, expected.profiled, rtol=EXACT, atol=1e-8)
    np.testing.assert_allclose(found.covariance, expected.covariance, rtol=EXACT, atol=1e-14)


def test_there_are_no_sums_where_few_levels_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    layout = mixed.laid_out(crossed(rng))
    ones = np.ones((N, 1))
    some = mixed.collect(layout, rng.normal(size=N), ones, ones, rng.uniform(0.5, 2, N))
    assert mixed_squares.squares(some) is None
    even = mixed.collect(layout, rng.normal(size=N), ones, ones, np.full(N, 0.3))
    assert mixed_squares.squares(even) is not None
    monkeypatch.setattr(mixed_squares, "MOST", 1)
    assert mixed_squares.squares(even) is None
