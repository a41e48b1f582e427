"""From rows to sums by cell: the same numbers as with every column laid out; levels whatever they are kept as.

Expected: numpy on whole columns; pandas' own sorting of levels.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.core import mixed_rows
from analysis.core.mixed_cells import collect, gathered, laid_out
from analysis.methods.design import coded, levels
from analysis.methods.mixed_frame import Data, data_of
from analysis.methods.mixed_terms import Asked

EXACT = 1e-9  # both are exact but for rounding
FIXED = ("x", "wave", ("wave", "x"), ("sex", "wave"), ("x", "z"))
RANDOM = ("group", ("group", "region"))
SLOPES = {"group": ("x", "sex", ("sex", "z"))}


@pytest.fixture
def frame() -> pd.DataFrame:
    rng, n = np.random.default_rng(4), 900
    text = {"wave": ("w1", "w2", "w3"), "sex": ("f", "m"), "group": tuple("abcdefg"), "region": tuple("uvw")}
    found = pd.DataFrame({c: rng.choice(v, n) for c, v in text.items()})
    return found.assign(x=rng.normal(40, 2, n), z=rng.normal(-3, 1, n), y=rng.normal(7, 1, n), w=rng.uniform(0.5, 2, n))


def read(frame: pd.DataFrame) -> Data:
    return data_of(frame, Asked.read(frame, "y", FIXED, RANDOM, SLOPES, None), True, "y")


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("block", [2**16, 7])
def test_cells_say_what_rows_say(
    frame: pd.DataFrame, weighted: bool, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixed_rows, "BLOCK", block)
    data, weights = read(frame), frame["w"].to_numpy() if weighted else None
    terms, x, u = data.in_full()
    y = frame["y"].to_numpy() - frame["y"].mean()
    expected = collect(laid_out(terms), y, x, u, weights)
    found = gathered(laid_out(data.terms), data.products(data.sums(weights)))
    assert found.n == expected.n
    assert found.layout.levels == expected.layout.levels
    for name in ("store", "zx", "xx", "count", "log_weights"):
        one, two = np.asarray(getattr(found, name)), np.asarray(getattr(expected, name))
        np.testing.assert_allclose(one, two, rtol=EXACT, atol=EXACT * np.abs(two).max())


def test_columns_are_those_of_other_frames_less_their_centre(frame: pd.DataFrame) -> None:
    data = read(frame)
    _, x, u = data.in_full()
    np.testing.assert_allclose(x, data.fixed.of(frame), atol=EXACT)
    np.testing.assert_allclose(u, data.random.of(frame), atol=EXACT)
    assert np.abs(x[:, 1:].mean(axis=0)).max() < 1  # the numbers are about 40 and -3
    np.testing.assert_allclose(data.sums().cross(data.u), u.T @ u, rtol=EXACT)


def test_more_combinations_than_a_number_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [np.random.default_rng(k).integers(0, 5, 300) for k in range(6)]
    cells, parts = mixed_rows.sorted_into_cells(codes, [5] * 6)
    monkeypatch.setattr(mixed_rows, "MOST", 30.0)
    halves, others = mixed_rows.sorted_into_cells(codes, [5] * 6)
    for at, found in ((cells.of_rows(), parts), (halves.of_rows(), others)):
        assert all((part[at] == code).all() for part, code in zip(found, codes, strict=True))
    assert (cells.count == halves.count).all()


VALUES = {
    "text": pd.Series(["b", "a", None, "c", "a"], dtype="str"),
    "text in pieces": pd.concat([pd.Series(["b"], dtype="str"), pd.Series(["a", None, "é", "b"], dtype="str")]),
    "long text": pd.Series(["b", "a", None, "c"] * 30_000, dtype="str"),
    "long text with a rare level": pd.Series(["b", "a"] * 60_000 + ["é", None], dtype="str"),
    "long text of many levels": pd.Series([f"p{k // 3}" for k in range(120_000)], dtype="str"),
    "nullable text": pd.Series(["b", "a", None, "a"], dtype="string"),
    "objects": pd.Series(["b", None, "a"], dtype=object),
    "categories": pd.Series(pd.Categorical(["b", "a", None, "b"], categories=["c", "b", "a"])),
    "whole numbers": pd.Series([7, -2, 7, 1000], dtype="int32"),
    "far apart": pd.Series([7, -2, 10**15]),
    "numbers": pd.Series([2.5, np.nan, -1.0]),
    "bool": pd.Series([True, False, True]),
    "nothing": pd.Series([], dtype="str"),
}


@pytest.mark.parametrize("name", VALUES)
def test_levels(name: str) -> None:
    values = VALUES[name]
    codes, found = levels(values)
    expected, ordered = pd.factorize(values, sort=True)
    assert found.tolist() == list(ordered)
    assert codes.tolist() == expected.tolist()
    assert coded(values).in_order.dtype == np.int64
