"""Do the numbers of this installation agree with other programs'?  What `workbench verify` prints.

Reference numbers, and the scripts that made them, stand in ``tests/reference``; the made data lie beside them, the real data
sets are read where they are at hand.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

HOME = Path(__file__).resolve().parents[2] / "tests" / "reference"


@dataclass(frozen=True, slots=True)
class Line:
    """One number of another program, and ours.

    Attributes
    ----------
    method : str
        A key of `reports.reference_words`.
    what : str
        Case and term, and whether it is an estimate or an error.
    source : str
        Program and version.
    reference, ours : float
    tolerance : float
        Relative difference up to which they agree; absolute where the reference is 0.
    """

    method: str
    what: str
    source: str
    reference: float
    ours: float
    tolerance: float

    @property
    def difference(self) -> float:
        """Relative difference; absolute where the reference is below a millionth of a millionth."""
        size = abs(self.reference) if abs(self.reference) > 1e-12 else 1.0
        return abs(self.ours - self.reference) / size

    @property
    def agrees(self) -> bool:
        """Whether they agree; a number that is missing on one side alone does not."""
        if pd.isna(self.reference) or pd.isna(self.ours):
            return bool(pd.isna(self.reference) and pd.isna(self.ours))
        return bool(self.difference <= self.tolerance)


@dataclass(frozen=True, slots=True)
class Check:
    """A case of a reference table, and what makes our numbers of it.

    Attributes
    ----------
    method : str
    case : str
        As in the table's column ``case``.
    make : callable
        Gives our rows in the table's order, with the columns compared.
    tolerance : float
    columns : tuple of str
        Of the table, and of our rows.
    sample : str
        As in the table's column ``sample``, where it has one.
    """

    method: str
    case: str
    make: Callable[[], pd.DataFrame]
    tolerance: float = 1e-9
    columns: tuple[str, ...] = ("estimate", "std_error")
    sample: str = ""


def compare(table: pd.DataFrame, check: Check) -> Iterator[Line]:
    """Give the lines of one check.

    Raises
    ------
    ValueError
        Where the table lacks the case, or we make another number of rows.
    """
    chosen = table[table["case"] == check.case]
    if check.sample:
        chosen = chosen[chosen["sample"] == check.sample]
    ours = check.make()
    if len(chosen) != len(ours) or chosen.empty:
        raise ValueError(f"{check.sample} {check.case}: {len(chosen)} reference numbers, {len(ours)} of ours")
    for row, own in zip(chosen.to_dict("records"), ours.to_dict("records"), strict=True):
        for column in check.columns:
            words = (check.sample, check.case, str(row["term"]), "" if column == "estimate" else column)
            what = " ".join(w for w in words if w)
            yield Line(check.method, what, row["source"], float(row[column]), float(own[column]), check.tolerance)


MODULES = (
    "schools",
    "made",
    "mixed",
    "mixed_weighted",
    "care",
    "reliability",
    "measurement",
    "measurement_ordinal",
    "agreement",
    "small_area",
    "survival",
)


def lines(data: Path | None) -> Iterator[Line]:
    """Compare everything that can be compared here; `data`: folder of the real data sets, where there is one."""
    for name in MODULES:
        yield from importlib.import_module(f"reports.reference.{name}").lines(HOME, data)


def without_data(data: Path | None) -> list[str]:
    """Real data sets that reference numbers belong to and that are not here."""
    names = (
        "api_strat",
        "ess4_britain",
        "careless",
        "holzinger1939",
        "bhr2000",
        "univer_2002",
        "univbct",
        "verbagg",
        "bh1996",
        "milk",
    )
    return [name for name in names if data is None or not (data / name).is_dir()]
