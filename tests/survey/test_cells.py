"""The cells of answers are the same, however a column is held; and so are the refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.weighting.cells import CannotWeight, cells_of, codes_of, crossed, margin_of
from survey.weighting.raking import rake

SAME = 1e-12  # relative: the same sums in another order
FIRST = {"k": 3, "m": -7, "q": 100}  # lowest code of each column of numbers
SIZES = {"k": 4, "m": 3, "q": 5}


def numbers(seed: int) -> tuple[pd.DataFrame, dict[str, dict[int, float]]]:
    """Answers to three questions with codes that begin anywhere, and totals that they do not meet yet."""
    rng = np.random.default_rng(seed)
    codes = {c: FIRST[c] + np.r_[np.arange(size), rng.integers(0, size, 300 - size)] for c, size in SIZES.items()}
    shares = {c: rng.dirichlet(np.full(size, 30.0)) * 1000 for c, size in SIZES.items()}
    margins = {c: {FIRST[c] + k: float(t) for k, t in enumerate(v)} for c, v in shares.items()}
    return pd.DataFrame(codes).assign(d=rng.uniform(1, 2, 300)), margins


def held(frame: pd.DataFrame, margins: dict[str, dict[int, float]], how: str) -> tuple[pd.DataFrame, dict]:
    """The same answers as text, as categories (one of which nobody has), or some of each."""
    kinds = dict(zip(SIZES, {"mixed": ("text", "categories", "numbers")}.get(how, (how,) * 3), strict=True))
    targets: dict[str, dict] = {}
    for column, kind in kinds.items():
        if kind == "numbers":
            targets[column] = margins[column]
            continue
        frame = frame.assign(**{column: frame[column].map(lambda v: f"code {v}").astype("str")})
        targets[column] = {f"code {v}": t for v, t in margins[column].items()}
        if kind == "categories":
            levels = ["nobody", *reversed(targets[column])]
            frame = frame.assign(**{column: pd.Categorical(frame[column], categories=levels)})
    return frame, targets


@pytest.mark.parametrize("how", ["text", "categories", "mixed"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_weights_do_not_hang_on_how_a_column_is_held(how: str, seed: int) -> None:
    frame, margins = numbers(seed)
    plain = frame.assign(**{c: frame[c].astype(object) for c in SIZES})  # by the slow way
    expected = rake(plain, margins, base="d").weights
    other, targets = held(frame, margins, how)
    for one, wanted in ((frame, margins), (other, targets)):
        np.testing.assert_allclose(rake(one, wanted, base="d").weights, expected, rtol=SAME)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_each_row_lies_in_the_cells_that_its_codes_say(seed: int) -> None:
    frame, margins = numbers(seed)
    other, targets = held(frame, margins, "mixed")
    wanted = [margin_of(other, c, t) for c, t in targets.items()]
    cross, row_of = cells_of(other, wanted)
    codes = [codes_of(other, m) for m in wanted]
    np.testing.assert_array_equal(cross[row_of], np.column_stack(codes))
    assert len(cross) == len(crossed(codes)[0])


@pytest.mark.parametrize("how", ["numbers", "text", "categories"])
def test_refusals_are_the_same(how: str) -> None:
    frame, margins = numbers(1)
    frame, targets = held(frame, margins, how)
    last = list(targets["k"])[-1]
    without = targets | {"k": {v: t for v, t in targets["k"].items() if v != last}}
    scale = sum(targets["m"].values()) / sum(without["k"].values())
    without["k"] = {v: t * scale for v, t in without["k"].items()}
    with pytest.raises(CannotWeight, match="answers without a target"):
        rake(frame, without, base="d")
    with pytest.raises(CannotWeight, match="targets without an answer"):
        rake(frame[frame["k"] != last], targets, base="d")
    if how != "numbers":
        with pytest.raises(CannotWeight, match="1 answers have a missing value"):
            rake(frame.assign(k=frame["k"].where(frame.index > 0)), targets, base="d")
