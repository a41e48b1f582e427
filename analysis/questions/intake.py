"""What arrived and what became of it: rows read, taken as they are, repaired, set aside; cells that could not be read.

The source is the intake's tally. Rows are counted, not people; counts below the minimum are left to the reader's words.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.methods.counts import require
from analysis.tidy import domain_key, tidy_frame

TERMS = ("rows_read", "rows_as_is", "rows_repaired", "rows_set_aside", "cells_set_missing")
_PLAIN = {"read": "rows_read", "as_is": "rows_as_is", "repaired": "rows_repaired"}
UNREAD = ("sheet_error", "out_of_range", "unknown_label", "not_a_number", "not_a_time", "default_time", "not_asked")


@dataclass(frozen=True, slots=True)
class IntakeFit:
    """Counts of an intake.

    Attributes
    ----------
    rows : DataFrame
        Tidy table: term one of `TERMS`, statistic ``count`` (rows, or cells of the file), by wave and, as ``domain``,
        ``unit=`` what the file holds; where a wave has several of a kind, each has its number, ``unit=answers;file=2``.
    """

    rows: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        sums = self.rows.groupby("term")["estimate"].sum().reindex(list(TERMS), fill_value=0)
        return f"IntakeFit({', '.join(f'{term} {count:.0f}' for term, count in sums.items())})"


def intake(tally: pd.DataFrame) -> IntakeFit:
    """Sum an intake's tally by wave and file.

    Parameters
    ----------
    tally : DataFrame
        ``wave, file, holds, rule`` text, ``rows, cells`` counts; rules ``read``, ``as_is``, ``repaired``, ``aside:REASON``,
        ``cells:RULE``; of the last only values that could not be read (`UNREAD`) are counted, other rules are not.

    Returns
    -------
    IntakeFit
        ``rows_read = rows_as_is + rows_repaired + rows_set_aside`` in every cell; estimate and n are the count. An empty
        tally gives no rows.

    Raises
    ------
    ValueError
        For missing columns, and where that sum does not hold: a row was lost.

    Examples
    --------
    >>> lines = [("read", 9, 0), ("as_is", 8, 0), ("aside:blank", 1, 0)]
    >>> tally = pd.DataFrame(lines, columns=["rule", "rows", "cells"]).assign(wave="1", file="a.csv", holds="log")
    >>> fit = intake(tally)
    >>> fit.tidy().set_index("term")["estimate"].to_dict()
    {'rows_read': 9.0, 'rows_as_is': 8.0, 'rows_repaired': 0.0, 'rows_set_aside': 1.0, 'cells_set_missing': 0.0}
    """
    require("tally", tally, ["wave", "file", "holds", "rule", "rows", "cells"])
    rule = tally["rule"].astype("str").str.extract(r"^(?P<kind>[^:]*):?(?P<reason>.*)$")
    kind, reason = rule["kind"], rule["reason"]
    term = kind.map(_PLAIN).where(kind != "aside", "rows_set_aside")
    term = term.where(~((kind == "cells") & reason.isin(UNREAD)), "cells_set_missing")
    number = tally["rows"].where(kind != "cells", tally["cells"])
    counted = tally.assign(term=term, number=number).dropna(subset=["term"])
    sums = (
        counted.groupby(["wave", "holds", "file", "term"])["number"].sum().unstack("term").reindex(columns=list(TERMS))
    )
    sums = sums.fillna(0.0)
    kept = sums["rows_as_is"] + sums["rows_repaired"] + sums["rows_set_aside"]
    if lost := sums.index[sums["rows_read"] != kept].tolist():
        raise ValueError(
            f"rows read are not the rows as they are, repaired and set aside in {lost}: the tally lost rows; "
            "every rule that takes a row away must write its line"
        )
    long = sums.melt(ignore_index=False, value_name="estimate").reset_index()
    long = long.sort_values(["wave", "holds", "file"], kind="stable")
    files = long.groupby(["wave", "holds"])["file"]
    several, number = files.transform("nunique") > 1, files.rank("dense").astype("int64")
    domain = [
        domain_key({"unit": holds} | ({"file": n} if many else {}))
        for holds, n, many in zip(long["holds"], number, several, strict=True)
    ]
    rows = long[["wave", "term", "estimate"]].assign(statistic="count", domain=domain, n=long["estimate"])
    return IntakeFit(tidy_frame(rows))
