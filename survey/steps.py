"""Steps of a way as members tell of them: answers to one or several items read as yes or no.

A step is what the study says it is (``steps`` in study.yaml); it is read wave by wave, before answers are reversed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from survey.schema import Step


def read_steps(answers: pd.DataFrame, steps: Mapping[str, Step], not_comparable: Collection[str]) -> pd.DataFrame:
    """Read every step of one wave's answers.

    Parameters
    ----------
    answers : DataFrame
        A row a person, a column an item as it was answered; of an item with several answers ``item=code``, 1 or 0.
    steps : mapping
        From the study.
    not_comparable : collection of str
        Items that this wave asked in another form than the newest: they are not read.

    Returns
    -------
    DataFrame
        float64, a column a step, 1 yes, 0 no, missing where none of its items was answered (a step without codes: where none
        was asked in this wave).
    """
    found = {name: _read(answers, step, not_comparable) for name, step in steps.items()}
    return pd.DataFrame(found, index=answers.index, dtype="float64")


def _read(answers: pd.DataFrame, step: Step, not_comparable: Collection[str]) -> pd.Series:
    asked = [i for i in step.items if i not in not_comparable]
    columns = [(i, c) for i in asked for c in answers.columns if c == i or c.startswith(f"{i}=")]
    yes, told = np.zeros(len(answers), bool), np.zeros(len(answers), bool)
    for item, column in columns:
        there = answers[column].notna().to_numpy()
        told |= there
        yes |= there if step.codes is None and column == item else _says(answers[column], column, item, step.codes)
    known = told if step.codes is not None else np.full(len(answers), bool(columns))
    return pd.Series(np.where(known, yes.astype(float), np.nan), index=answers.index)


def _says(values: pd.Series, column: str, item: str, codes: Sequence[str] | None) -> np.ndarray:
    """Whether an answer is one of the codes; of an item with several answers, whether one of them was chosen."""
    if column != item:
        chosen = codes is None or column.removeprefix(f"{item}=") in codes
        return (values == 1).to_numpy() & chosen
    wanted = set(codes or ())
    if values.dtype.kind == "f":
        return values.isin([float(c) for c in wanted if _is_number(c)]).to_numpy()
    return values.isin(list(wanted)).to_numpy()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
