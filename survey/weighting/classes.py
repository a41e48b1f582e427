"""Weights that make up for those who were asked and did not answer, or answered before and not again.

Weighting classes: Oh & Scheuren (1983), in Incomplete Data in Sample Surveys 2, 143-184; for panels Kalton & Brick (2000).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.weighting.cells import CannotWeight, Floats, Ints, base_weights, kish_effect

FEWEST = 5  # answers in a class from which its rate is taken


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Weights of those who answered, standing for all who were asked.

    Attributes
    ----------
    weights : Series
        float64, above 0, on the index of those who answered.
    tally : DataFrame
        ``class, asked, answered, rate, factor``: people, people, weighted share, 1 / rate; a row a class, and ``*`` for all
        with ``factor`` Kish's effect of the weights.
    """

    weights: pd.Series
    tally: pd.DataFrame

    def __repr__(self) -> str:
        whole = self.tally.iloc[-1]
        return f"Adjusted({len(self.weights)} of {whole['asked']:.0f} answered; classes {len(self.tally) - 1})"


def adjust_nonresponse(
    frame: pd.DataFrame, *, answered: str | pd.Series, classes: Sequence[str] | str, base: str | pd.Series | None = None
) -> Adjusted:
    r"""Let those who answered stand for those of their class who did not.

    :math:`w_i = d_i \sum_{j \in c} d_j / \sum_{j \in c, answered} d_j`. Within a class who answers is taken to be a
    matter of chance.

    Parameters
    ----------
    frame : DataFrame
        A row for everyone who was asked.
    answered : str or Series
        Bool: a column, or a Series on the frame's index.
    classes : str or sequence of str
        Columns known of everyone, whose combinations are the classes.
    base : str or Series, optional
        Weights of all who were asked; absent: 1.

    Returns
    -------
    Adjusted

    Raises
    ------
    CannotWeight
        For a class with fewer than 5 answers, named with the rule to collapse by; for missing classes or weights; for a
        frame in which everybody answered: nothing would change.

    Examples
    --------
    >>> asked = pd.DataFrame({"group": ["a"] * 20, "here": [True] * 10 + [False] * 10})
    >>> adjust_nonresponse(asked, answered="here", classes="group").weights.unique().tolist()
    [2.0]
    """
    columns = [classes] if isinstance(classes, str) else list(classes)
    there = who_answered(frame, answered)
    code, names = class_codes(frame, columns)
    start = base_weights(frame, base, float(len(frame)))
    rate, asked, known = _rates(code, names, there, start)
    weights = pd.Series(start[there] / rate[code[there]], index=frame.index[there], name="weight")
    tally = pd.DataFrame({"class": names, "asked": asked, "answered": known, "rate": rate, "factor": 1 / rate})
    whole = start[there].sum() / start.sum(), kish_effect(weights.to_numpy())
    tally.loc[len(tally)] = ["*", len(frame), int(there.sum()), *whole]
    return Adjusted(weights, tally)


def attrition_weights(
    earlier: pd.DataFrame, later: pd.Series, *, member: str, classes: Sequence[str] | str, base: str | None = None
) -> Adjusted:
    """Let those who answered again stand for all who answered before.

    Parameters
    ----------
    earlier : DataFrame
        Answers of the wave before, a row a person, with the person's (pseudonymous) key; rows without a key are left out:
        nobody can tell whether they came again.
    later : Series
        Keys of those who answered the later wave.
    member : str
        Column of the key.
    classes, base
        As for `adjust_nonresponse`; what was known of everyone in the wave before.

    Returns
    -------
    Adjusted
        Weights on the index of `earlier`, of those who answered both.

    Raises
    ------
    CannotWeight
        As `adjust_nonresponse`; for a key that stands twice.
    """
    if member not in earlier.columns:
        raise CannotWeight(f"the wave before has no column {member!r} of keys; it has {list(earlier.columns)}")
    known = earlier[earlier[member].notna()]
    if known[member].duplicated().any():
        raise CannotWeight(
            f"{int(known[member].duplicated().sum())} people stand twice in the wave before: keep one answer each"
        )
    again = known[member].isin(later.dropna())
    if not again.any():
        raise CannotWeight(
            f"nobody of the wave before is found in the later one: the keys there are {later.dtype}, here {known[member].dtype}; "
            "are they made in one way?"
        )
    return adjust_nonresponse(known, answered=again, classes=classes, base=base)


def who_answered(frame: pd.DataFrame, answered: str | pd.Series) -> np.ndarray:
    """Read who answered, (n,) bool.

    Raises
    ------
    CannotWeight
        For a column that is not there, holes, other values than True and False; where everybody answered, or nobody.
    """
    if isinstance(answered, str) and answered not in frame.columns:
        raise CannotWeight(f"the frame has no column {answered!r} that says who answered; it has {list(frame.columns)}")
    values = frame[answered] if isinstance(answered, str) else answered.reindex(frame.index)
    if values.isna().any():
        raise CannotWeight(
            f"{int(values.isna().sum())} rows do not say whether they answered; every row needs True or False"
        )
    if not values.isin((True, False)).all():
        raise CannotWeight(f"who answered must be True or False; seen {sorted(map(str, values.unique()))[:5]}")
    there = values.to_numpy(dtype=bool)
    if there.all() or not there.any():
        raise CannotWeight("everybody answered, or nobody: there is nothing to make up for")
    return there


def class_codes(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Ints, list[str]]:
    """Number each row's class; the classes' names.

    Raises
    ------
    CannotWeight
        For columns that are not there or have holes.
    """
    absent = [c for c in columns if c not in frame.columns]
    if absent or not columns:
        raise CannotWeight(f"classes need columns of the frame; not there: {absent}")
    holes = int(frame[list(columns)].isna().any(axis=1).sum())
    if holes:
        raise CannotWeight(f"{holes} rows have a missing value in {columns}: give the missing a class of their own")
    groups = frame.groupby(list(columns), observed=True, sort=True)
    code: Ints = groups.ngroup().to_numpy().astype(np.int64)
    first = frame[list(columns)].iloc[np.unique(code, return_index=True)[1]].astype("str")
    return code, [":".join(row) for row in first.itertuples(index=False)]


def _rates(code: Ints, names: Sequence[str], there: np.ndarray, start: Floats) -> tuple[Floats, Ints, Ints]:
    asked = np.bincount(code, minlength=len(names))
    known = np.bincount(code[there], minlength=len(names))
    thin = [names[int(c)] for c in np.flatnonzero(known < FEWEST)]
    if thin:
        raise CannotWeight(
            f"classes with fewer than {FEWEST} answers: {thin[:5]}; collapse each with the class whose members are most "
            "like them (same group or parent place, fewest answers first)"
        )
    rate = np.bincount(code[there], start[there], len(names)) / np.bincount(code, start, len(names))
    return rate, asked, known
