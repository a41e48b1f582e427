"""Indices of careless answering on the simulated careless answers of another package."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from reports.reference import Check, Line, compare
from survey import care

PRINTED = 2e-4  # numbers printed to two decimals


def lines(home: Path, data: Path | None) -> Iterator[Line]:
    """Compare, where the data are here."""
    if data is None or not (data / "careless").is_dir():
        return
    answers = pd.read_csv(data / "careless" / "careless_dataset.csv")
    longest, spread, distance = care.longstring(answers), care.irv(answers), care.mahalanobis(answers)["d2"]
    table = pd.read_csv(home / "careless.csv")
    for case, numbers in (
        ("longstring", [longest.mean(), longest.max()]),
        ("irv", [spread.median()]),
        ("mahalanobis", [distance.median(), distance.max()]),
    ):
        made = partial(pd.DataFrame, {"estimate": numbers})
        yield from compare(table, Check("care", case, made, PRINTED, ("estimate",)))
