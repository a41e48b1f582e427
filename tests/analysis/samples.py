"""The samples that R's numbers are about: schools drawn from a population, and made data; numbers are met by term."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from reports.reference.made import DESIGNS as MADE
from reports.reference.schools import DESIGNS as SCHOOLS
from reports.reference.schools import TOTALS as STYPE
from reports.reference.schools import WIDE, frames

__all__ = ["MADE", "SCHOOLS", "STYPE", "WIDE"]
HOME = Path(__file__).resolve().parents[1] / "reference"


def schools(shared_data: Callable[[str], Path]) -> dict[str, pd.DataFrame]:
    """Give every sample of schools by name; skip where the population is absent."""
    return frames(HOME, shared_data("api_strat").parent)


def made() -> pd.DataFrame:
    """Give the made data."""
    return pd.read_csv(HOME / "estimates_made_data.csv")


@cache
def _table(file: str) -> pd.DataFrame:
    return pd.read_csv(HOME / file, dtype={"term": "str", "case": "str"})


def of_schools(sample: str, case: str) -> pd.DataFrame:
    """Give R's numbers of one case, by R's terms."""
    table = _table("estimates_designs.csv")
    return _by_term(table[(table["sample"] == sample) & (table["case"] == case)])


def of_made(case: str) -> pd.DataFrame:
    """Give R's numbers of one case of the made data, by R's terms."""
    table = _table("estimates_made.csv")
    return _by_term(table[table["case"] == case])


def _by_term(rows: pd.DataFrame) -> pd.DataFrame:
    assert len(rows), "R has no such case"
    assert rows["term"].is_unique
    return rows.set_index("term")


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Name our rows as R does: by cut (group:region) where there is one, else by code or term; quantiles term and q."""
    cut = [":".join(v for v in pair if v != "*") for pair in zip(rows["group"], rows["region"], strict=True)]
    term = rows["term"].str.replace(r"^.*=", "", regex=True)
    q = rows["statistic"].where(rows["statistic"].str.startswith("quantile_"), "").str.replace("quantile_", " ")
    return rows.set_index(pd.Index([c or f"{t}{p}" for c, t, p in zip(cut, term, q, strict=True)]))


def coefficients(rows: pd.DataFrame) -> pd.DataFrame:
    """Name our rows as R names coefficients: ``stypeH`` for ``stype=H``."""
    return rows.set_index(rows["term"].str.replace("=", ""))


def assert_agrees(
    ours: pd.DataFrame,
    theirs: pd.DataFrame,
    tolerance: float,
    columns: tuple[str, ...] = ("estimate", "std_error"),
    *,
    nought: float = 0.0,
) -> None:
    """Compare by term, nothing left over on either side; an error up to `nought` times the estimate counts as none."""
    assert sorted(ours.index) == sorted(theirs.index)
    for column in columns:
        one, two = (table.loc[theirs.index, column].to_numpy(float) for table in (ours, theirs))
        slack = nought * theirs["estimate"].abs().to_numpy(float) if column == "std_error" else 0.0
        same = (np.abs(one - two) <= tolerance * np.abs(two) + slack) | (np.isnan(one) & np.isnan(two))
        assert same.all(), f"{column}: {one} is not {two}"
