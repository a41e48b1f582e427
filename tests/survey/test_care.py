"""Indices of careless answering: the numbers of another program, cases computed by hand, and planted careless people."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from survey import care

NO = np.nan
HALVES = {"s": ["a", "b"], "t": ["c", "d"], "u": ["e", "f"]}


def table(*rows: list[float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list("abcdefghij")[: len(rows[0])], dtype="float64")


@pytest.fixture(scope="module")
def real(shared_data: Callable[[str], Path]) -> pd.DataFrame:
    return pd.read_csv(shared_data("careless") / "careless_dataset.csv")


def test_the_examples_of_the_docstrings() -> None:
    assert doctest.testmod(care) == (0, 9)


def test_the_numbers_of_the_r_package(real: pd.DataFrame) -> None:
    runs, distances = care.longstring(real), care.mahalanobis(real)["d2"]
    assert (round(runs.mean(), 2), runs.max()) == (5.87, 50)
    assert f"{care.irv(real).median():.4f}" == "0.9977"
    assert (round(distances.median(), 2), round(distances.max(), 2)) == (45.39, 120.86)


@pytest.mark.parametrize(
    ("row", "run", "all_one"),
    [
        ([1, 1, 1, 2, 2], 3, 0),
        ([1, 2, 1, 2, 1], 1, 0),
        ([4, 4, 4, 4, 4], 5, 5),
        ([2, 2, NO, 2, 2], 2, 4),
        ([NO, NO, 3, 3, NO], 2, 2),
        ([NO] * 5, 0, 0),
        ([1, 2, 2, 2, 2], 4, 0),
        ([np.inf, np.inf, 1, 1, 2], 2, 0),
    ],
)
def test_runs_and_one_code(row: list[float], run: int, all_one: int) -> None:
    assert care.longstring(table(row)).tolist() == [run]
    assert care.one_code(table(row)).tolist() == [all_one]


def test_the_spread_of_a_person_is_that_of_the_answered_items() -> None:
    found = care.irv(table([1, 5, 1, 5], [2, 2, 2, 2], [1, NO, NO, 3], [NO, NO, 4, NO], [NO] * 4))
    assert found.round(6).tolist()[:3] == [round(np.sqrt(16 / 3), 6), 0, round(np.sqrt(2), 6)]
    assert found.isna().tolist() == [False, False, False, True, True]


def test_distances_from_the_mean() -> None:
    """Two uncorrelated items of variance 1/2 and 1/2: (x - m)'(x - m) / (1/2)."""
    found = care.mahalanobis(table([1, 2], [2, 2], [3, 2], [2, 1], [2, 3]))
    assert found["d2"].round(9).tolist() == [2, 0, 2, 2, 2]
    assert found["rank"].tolist() == [2] * 5
    assert found["p"].round(9).tolist() == [round(chi2.sf(d, 2), 9) for d in (2, 0, 2, 2, 2)]


def noisy(rows: int, items: int, missing: float, seed: int = 1) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 1)) + draw.normal(size=(rows, items))
    return pd.DataFrame(np.where(draw.random(x.shape) < missing, NO, x))


def by_blocks(answers: pd.DataFrame) -> list[float]:
    """Distances by their definition, a row at a time."""
    mean, covariances, distances = answers.mean().to_numpy(), answers.cov().to_numpy(), []
    for row in answers.to_numpy():
        there = np.isfinite(row)
        rest = (row - mean)[there]
        distances.append(float(rest @ np.linalg.pinv(covariances[np.ix_(there, there)]) @ rest))
    return distances


def test_whoever_left_items_out_is_measured_by_the_others() -> None:
    answers = noisy(300, 7, 0.3)
    answers.loc[0] = NO
    found = care.mahalanobis(answers)
    assert found["d2"][1:].to_numpy() == pytest.approx(by_blocks(answers)[1:])
    assert found["rank"].tolist() == answers.notna().sum(axis=1).tolist()
    assert found.loc[0, ["d2", "p"]].isna().all()


def test_items_that_follow_from_others_add_no_distance() -> None:
    answers = noisy(200, 4, 0)
    known = care.mahalanobis(answers)
    doubled = answers.assign(twice=2 * answers[0], constant=3.0, sum=answers[1] + answers[2], nobody=NO)
    found = care.mahalanobis(doubled)
    assert found["d2"].to_numpy() == pytest.approx(known["d2"].to_numpy())
    assert found["rank"].tolist() == known["rank"].tolist() == [4] * 200
    assert care.mahalanobis(doubled.mask(doubled["twice"] > 1))["rank"].isin([0, 4]).all()  # rows without any answer


def test_where_items_follow_from_others_and_answers_are_missing() -> None:
    answers = noisy(60, 3, 0.2)
    answers["twice"] = 2 * answers[0]
    found = care.mahalanobis(answers)
    assert found["d2"].fillna(0).to_numpy() == pytest.approx(by_blocks(answers))
    assert found["rank"].tolist() == answers[[0, 1, 2]].notna().sum(axis=1).tolist()


def test_fewer_people_than_items_have_the_rank_of_the_people() -> None:
    found = care.mahalanobis(noisy(6, 20, 0))
    assert found["rank"].tolist() == [5] * 6
    assert found["d2"].to_numpy() == pytest.approx(np.full(6, 25 / 6))  # (n - 1)^2 / n each: all stand apart equally


def test_halves_that_agree_are_high() -> None:
    found = care.even_odd(table([1, 1, 3, 3, 5, 5], [1, 5, 3, 3, 5, 1], [1, 2, 3, 2, 5, 5]), HALVES)
    r = np.corrcoef([1, 3, 5], [2, 2, 5])[0, 1]
    assert found.round(9).tolist() == [1, -1, round(2 * r / (1 + r), 9)]


def test_even_odd_needs_three_scales_with_both_halves_that_vary() -> None:
    rows = table([1, 1, 3, 3, 5, NO], [3, 3, 3, 3, 3, 3], [1, 2, 1, 4, 1, 5])
    assert care.even_odd(rows, HALVES).isna().all()
    assert care.even_odd(rows, {"s": ["a", "b"], "t": ["c", "d"], "one": ["e"]}).isna().all()


def test_an_even_odd_of_items_that_are_not_reversed_says_careless_of_the_careful() -> None:
    """Why reversed items must arrive reversed."""
    given = table([1, 5, 3, 3, 5, 1])
    assert care.even_odd(given, HALVES).tolist() == [-1]
    assert care.even_odd(given.assign(b=6 - given["b"], d=6 - given["d"], f=6 - given["f"]), HALVES).tolist() == [1]


def test_seconds_are_shared_out_over_answered_items() -> None:
    found = care.seconds_per_item(pd.Series([10.0, 10.0, NO, 10.0]), table([1, 2], [1, NO], [1, 2], [NO, NO]))
    assert found.fillna(-1).tolist() == [5, 10, -1, -1]


def test_copies_are_told_with_missing_answers_and_from_enough_items() -> None:
    rows = table([1, NO, 3], [1, NO, 3], [1, 2, 3], [2, 1, 3], [NO, NO, NO], [NO, NO, NO])
    assert care.copied(rows).tolist() == [True, True, False, False, False, False]
    assert care.copied(rows, keep="first").tolist() == [False, True, False, False, False, False]
    assert not care.copied(rows, least=3).any()
    assert care.copied(rows.astype("str"), least=2)[:2].all()


@pytest.mark.parametrize("shape", [(3, 1), (1, 3), (3, 0), (0, 3)])
def test_frames_with_one_item_one_row_or_nothing(shape: tuple[int, int]) -> None:
    frame = pd.DataFrame(np.full(shape, 2.0), index=range(5, 5 + shape[0]), columns=list("abc")[: shape[1]])
    assert care.longstring(frame).tolist() == [shape[1]] * shape[0]
    assert care.irv(frame).isna().all() == (shape[1] < 2 or not shape[0])
    assert (care.mahalanobis(frame)["rank"] == 0).all()
    assert care.mahalanobis(frame)["p"].isna().all()
    assert care.even_odd(frame, {}).isna().all()
    assert care.copied(frame).tolist() == [shape[0] > 1 and shape[1] > 0] * shape[0]
    assert care.longstring(frame).index.tolist() == frame.index.tolist()


def test_words_are_refused_by_the_name_of_their_column() -> None:
    with pytest.raises(TypeError, match="these columns are not: b") as caught:
        care.longstring(pd.DataFrame({"a": [1], "b": ["secret"]}))
    assert "secret" not in str(caught.value)


SCALES = {f"s{s}": [f"s{s}_{i}" for i in range(6)] for s in range(8)}
NAMES = [name for names in SCALES.values() for name in names]


def people(rows: int, careless: int) -> pd.DataFrame:
    """Answers 1 to 5 by eight traits; the last `careless` people answer at random (half), or one code with a slip (half)."""
    draw = np.random.default_rng(7)
    traits = draw.normal(size=(rows, len(SCALES)))
    said = np.repeat(traits, 6, axis=1) * 0.9 + draw.normal(size=(rows, 48)) * 0.6 + 3
    said[rows - careless : rows - careless // 2] = draw.integers(1, 6, (careless - careless // 2, 48))
    said[rows - careless // 2 :] = draw.integers(1, 6, (careless // 2, 1))
    said[rows - careless // 2 :, ::17] = 3
    return pd.DataFrame(np.clip(np.round(said), 1, 5), columns=NAMES)


def test_a_tenth_of_careless_people_is_found_among_the_careful() -> None:
    answers, planted = people(2000, 200), np.arange(2000) >= 1800
    runs, odd = care.longstring(answers) >= 10, care.even_odd(answers, SCALES) < 0.3
    unlikely, alike = care.mahalanobis(answers)["p"] < 0.001, care.irv(answers) < 0.5
    at_random, one_code = planted & (np.arange(2000) < 1900), np.arange(2000) >= 1900
    assert runs[one_code].mean() > 0.95
    assert alike[one_code].mean() > 0.6
    assert (odd | unlikely)[at_random].mean() > 0.9
    flagged = runs | odd | unlikely | alike
    assert flagged[planted].mean() > 0.9
    assert flagged[~planted].mean() < 0.05


def test_a_hundred_thousand_people_take_seconds() -> None:
    answers = noisy(100_000, 60, 0.05)
    answers.columns = [f"i{n}" for n in range(60)]
    start = perf_counter()
    for index in (care.longstring, care.irv, care.mahalanobis, care.copied, care.one_code):
        index(answers)
    care.even_odd(answers, {str(n): [f"i{6 * n + m}" for m in range(6)] for n in range(10)})
    assert perf_counter() - start < 30  # about three on an idle machine
