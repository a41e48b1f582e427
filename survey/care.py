"""What careless answering looks like: indices of a person's answers, each a function on a frame of numbers.

Rows are people, columns are items in the order in which they were asked, a missing answer is NaN (an infinite one counts as
missing). Nothing here says who was careless: an index is compared with a threshold that the study sets (`survey.checks.careless`).
The indices and what they catch are reviewed by Curran (2016), Journal of Experimental Social Psychology 66, 4-19.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from scipy.stats import chi2

from survey.care_distance import squared_distances

MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that the sign of a row hangs on the order of its answers
FEWEST_SCALES = 3  # two points are always on a line
NO_SPREAD = 1e-12  # what rounding leaves of a sum of squares that is nought
MADE_OF_NOISE = -1 / 3  # a correlation below it would be stepped up to less than -1


def one_code(answers: pd.DataFrame) -> pd.Series:
    """Count the answers of a person who gave one code to everything.

    Parameters
    ----------
    answers : DataFrame, shape (n, k)
        Items with the same codes, as given (not reversed).

    Returns
    -------
    Series of int, shape (n,)
        How many items were answered, where all answers are equal; 0 where two of them differ, or nothing was answered.

    Examples
    --------
    >>> one_code(pd.DataFrame([[3, 3, 3], [3, float("nan"), 3], [3, 3, 4]])).tolist()
    [3, 2, 0]
    """
    given, highest, lowest = (np.full(len(answers), start) for start in (0, -np.inf, np.inf))
    for column in _columns(answers):
        given += np.isfinite(column)
        highest, lowest = np.fmax(highest, column), np.fmin(lowest, column)
    return pd.Series(np.where(highest == lowest, given, 0).astype(np.int64), index=answers.index)


def longstring(answers: pd.DataFrame) -> pd.Series:
    """Count the longest run of equal answers that follow each other (Johnson 2005).

    Parameters
    ----------
    answers : DataFrame, shape (n, k)
        As given (not reversed), in the order asked.

    Returns
    -------
    Series of int, shape (n,)
        Items in the longest run, 0 to k. A missing answer ends a run and belongs to none, as in R's ``careless::longstring``
        (there a row without answers has 1, here 0).

    References
    ----------
    Johnson (2005), Journal of Research in Personality 39, 103-129.

    Examples
    --------
    >>> longstring(pd.DataFrame([[1, 1, 1, 2], [1, 1, float("nan"), 1], [1, 2, 1, 2]])).tolist()
    [3, 2, 1]
    """
    longest, run = np.zeros(len(answers), np.int64), np.zeros(len(answers), np.int64)
    before = np.full(len(answers), np.nan)
    for column in _columns(answers):
        run = np.where(column == before, run + 1, np.isfinite(column))
        longest, before = np.maximum(longest, run), column
    return pd.Series(longest, index=answers.index)


def irv(answers: pd.DataFrame) -> pd.Series:
    """Measure how far a person's answers spread: the intra-individual response variability.

    The standard deviation of a row, ``sqrt(sum((x - mean)**2) / (n - 1))`` over its n answered items. Low where somebody gave
    nearly one code to everything (Dunn et al. 2018); high where answers are random (Marjanovic et al. 2015).

    Parameters
    ----------
    answers : DataFrame, shape (n, k)
        Items with the same codes, as given (not reversed: whoever reads turns the answer round, which is what is looked for).

    Returns
    -------
    Series of float, shape (n,)
        In units of the code, 0 or more; NaN for fewer than two answers.

    References
    ----------
    Dunn, Heggestad, Shanock and Theilgard (2018), Journal of Business and Psychology 33, 105-121.
    Marjanovic, Holden, Struthers, Cribbie and Greenglass (2015), Personality and Individual Differences 84, 79-83.

    Examples
    --------
    >>> irv(pd.DataFrame([[3, 3, 3], [1, 3, 5], [1, float("nan"), 5]])).round(3).tolist()
    [0.0, 2.0, 2.828]
    """
    given, total, squares = (np.zeros(len(answers)) for _ in range(3))
    for column in _columns(answers):
        given += np.isfinite(column)
        total += np.nan_to_num(column)
    mean = total / np.maximum(given, 1)
    for column in _columns(answers):
        squares += np.nan_to_num(column - mean) ** 2
    spread = np.sqrt(squares / np.maximum(given - 1, 1))
    return pd.Series(np.where(given > 1, spread, np.nan), index=answers.index)


def mahalanobis(answers: pd.DataFrame) -> pd.DataFrame:
    """Measure how unusual a person's pattern of answers is: the squared distance from the mean (Mahalanobis 1936).

    ``d2 = (x - m)' inverse(S) (x - m)`` with the mean m of each item and the covariances S (n - 1; of two items over who
    answered both). With complete answers it is R's ``careless::mahad``. It tells
    patterns that few people have, and people who simply think otherwise too: it is a reason to look (Meade and Craig 2012).

    Parameters
    ----------
    answers : DataFrame, shape (n, k)
        As given; reversing items changes nothing.

    Returns
    -------
    DataFrame, shape (n, 3)
        ``d2`` (0 or more), ``rank`` (int) and ``p``, the chance of a chi-square of ``rank`` degrees of freedom above d2; NaN, 0
        and NaN where there is nothing to measure.

    Notes
    -----
    A person is measured by the items that they answered: by their part of the mean, and the inverse of their block of S. The
    rank is that of the block. Items that do not vary measure nobody and are left out. Where S is singular (an item follows from
    others, or there are fewer people than items) the generalised inverse of Moore and Penrose stands for the inverse. Two items
    that nobody answered together count as uncorrelated; negative eigenvalues, which covariances of pairs can have, as 0. The
    chi-square holds for normal answers; codes of five or fewer have other tails, so read p as a threshold, not as a chance.

    References
    ----------
    Mahalanobis (1936), Proceedings of the National Institute of Sciences of India 2, 49-55.
    Meade and Craig (2012), Psychological Methods 17, 437-455.

    Examples
    --------
    >>> found = mahalanobis(pd.DataFrame({"a": [1, 2, 3, 2, 2], "b": [2, 2, 2, 1, 3]}))
    >>> found["d2"].tolist(), found["rank"].tolist()
    ([2.0, 0.0, 2.0, 2.0, 2.0], [2, 2, 2, 2, 2])
    """
    distances, ranks = squared_distances(np.array([*_columns(answers)]).reshape(answers.shape[::-1]).T)
    p = np.where(ranks > 0, chi2.sf(distances, np.maximum(ranks, 1)), np.nan)
    return pd.DataFrame({"d2": distances, "rank": ranks, "p": p}, index=answers.index)


def even_odd(answers: pd.DataFrame, scales: Mapping[str, Sequence[str]]) -> pd.Series:
    """Measure how far the two halves of a person's scales say the same (Johnson 2005).

    Of each scale the mean of its first, third, ... item and that of its second, fourth, ... are taken, correlated within the
    person across scales, and stepped up for halved length by Spearman and Brown: ``2 r / (1 + r)``, never below -1.

    Parameters
    ----------
    answers : DataFrame, shape (n, k)
        Items that are scored against their scale **already reversed**; scales with different limits brought to one range, or
        the correlation is of the limits.
    scales : mapping
        {scale: its items}; those of one item are passed over.

    Returns
    -------
    Series of float, shape (n,)
        -1 to 1, **high = consistent**; R's ``careless::evenodd`` gives the negative of it since version 1.2 (high = careless).
        NaN for a person with both halves of fewer than three scales, or whose halves do not vary.

    References
    ----------
    Johnson (2005), Journal of Research in Personality 39, 103-129.

    Examples
    --------
    >>> said = pd.DataFrame([[1, 1, 3, 3, 5, 5], [1, 5, 3, 3, 5, 1]], columns=list("abcdef"))
    >>> even_odd(said, {"s": ["a", "b"], "t": ["c", "d"], "u": ["e", "f"]}).tolist()
    [1.0, -1.0]
    """
    pairs = [list(items) for items in scales.values() if len(items) > 1]
    if len(pairs) < FEWEST_SCALES:
        return pd.Series(np.nan, index=answers.index)
    odd, even = (np.stack([_mean(answers[items[start::2]]) for items in pairs], axis=1) for start in (0, 1))
    r = _within_rows(odd, even)
    stepped = np.where(r <= MADE_OF_NOISE, -1.0, 2 * r / np.maximum(1 + r, 1 + MADE_OF_NOISE))
    return pd.Series(np.where(np.isnan(r), np.nan, stepped), index=answers.index)


def seconds_per_item(seconds: pd.Series, answers: pd.DataFrame) -> pd.Series:
    """Give the time that a person took for an item that they answered.

    Two seconds an item is a limit that hardly anybody who reads stays under (Huang et al. 2012).

    Parameters
    ----------
    seconds : Series of float, shape (n,)
        Of the whole questionnaire; the index is that of `answers`.
    answers : DataFrame, shape (n, k)
        Of any type; one column an item.

    Returns
    -------
    Series of float, shape (n,)
        Seconds; NaN where nothing was answered or the time is not known.

    References
    ----------
    Huang, Curran, Keeney, Poposki and DeShon (2012), Journal of Business and Psychology 27, 99-114.

    Examples
    --------
    >>> seconds_per_item(pd.Series([12.0, 12.0]), pd.DataFrame([[1, 2], [1, None]])).tolist()
    [6.0, 12.0]
    """
    given = answers.notna().sum(axis=1)
    return seconds / given.where(given > 0)


def copied(answers: pd.DataFrame, least: int = 1, keep: Literal["first", False] = False) -> pd.Series:
    """Tell the rows whose answers are, all of them, another row's.

    Equal answers come up by chance where items are few or people think alike: choose `least` for that. Copies with changes
    (Kuriakose and Robbins 2016) are not looked for.

    Parameters
    ----------
    answers : DataFrame, shape (n, k)
        Of any type. A missing answer equals a missing one.
    least : int
        Answered items below which a row is nobody's copy; 1 or more.
    keep : {False, "first"}
        ``"first"``: of equal rows the first is not told.

    Returns
    -------
    Series of bool, shape (n,)

    References
    ----------
    Kuriakose and Robbins (2016), Statistical Journal of the IAOS 32, 283-291.

    Examples
    --------
    >>> copied(pd.DataFrame([[1, 2], [3, 4], [1, 2]])).tolist()
    [True, False, True]
    """
    filled, signs = np.zeros(len(answers), np.int32), np.zeros(len(answers), np.uint64)
    for column in _each(answers):
        filled += column.notna().to_numpy()
        signs = signs * MIX + pd.util.hash_array(pd.factorize(column)[0])
    full = np.flatnonzero(filled >= max(least, 1))
    again = full[pd.Series(signs[full]).duplicated(keep=False)]  # nearly: rows of one sign are looked at
    found = np.zeros(len(answers), bool)
    found[again] = answers.iloc[again].duplicated(keep=keep)
    return pd.Series(found, index=answers.index)


def _each(answers: pd.DataFrame) -> Iterator[pd.Series]:
    return (answers.iloc[:, n] for n in range(answers.shape[1]))


def _columns(answers: pd.DataFrame) -> Iterator[np.ndarray]:
    """The columns as numbers, one after the other, for files of millions."""
    words = [str(column.name) for column in _each(answers) if not _is_number(column)]
    if words:
        raise TypeError(f"answers must be numbers; these columns are not: {', '.join(words)}")
    for column in _each(answers):
        values = column.to_numpy(dtype="float64", na_value=np.nan)
        yield np.where(np.isfinite(values), values, np.nan)


def _is_number(column: pd.Series) -> bool:
    return is_numeric_dtype(column) and not is_bool_dtype(column)


def _mean(answers: pd.DataFrame) -> np.ndarray:
    """Mean of the answered items of each row; NaN where there is none."""
    given, total = np.zeros(len(answers)), np.zeros(len(answers))
    for column in _columns(answers):
        given += np.isfinite(column)
        total += np.nan_to_num(column)
    return np.where(given > 0, total / np.maximum(given, 1), np.nan)


def _within_rows(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation of two matrices, row by row, over the columns that both have; NaN for fewer than `FEWEST_SCALES`."""
    both = np.isfinite(one) & np.isfinite(other)
    n = both.sum(axis=1, keepdims=True)
    x, y = (np.where(both, side, 0.0) for side in (one, other))
    x, y = (np.where(both, side - side.sum(axis=1, keepdims=True) / np.maximum(n, 1), 0.0) for side in (x, y))
    squares = (x**2).sum(axis=1), (y**2).sum(axis=1)
    able = (n[:, 0] >= FEWEST_SCALES) & (np.minimum(*squares) > NO_SPREAD)
    spread = np.sqrt(np.where(able, squares[0] * squares[1], 1.0))
    return np.where(able, (x * y).sum(axis=1) / spread, np.nan)
