"""How many answers each index of careless answering flagged, out of how many; nobody is left out for it.

The source is the intake's tally. The indices and their thresholds are the study's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.counts import require
from analysis.tidy import domain_key, tidy_frame

TERM = "careless"


@dataclass(frozen=True, slots=True)
class CarelessFit:
    """Answers flagged.

    Attributes
    ----------
    rows : DataFrame
        Tidy table, term ``careless``, by wave and, as ``domain``, ``unit=`` the index; statistics ``count`` (answers flagged;
        n is the count, so that a few are withheld) and ``proportion`` (of the answers accepted, which are its n).
    """

    rows: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        counts = self.rows[self.rows["statistic"] == "count"]
        said = zip(counts["wave"], counts["domain"], counts["estimate"], strict=True)
        return f"CarelessFit({', '.join(f'{wave} {domain} {count:.0f}' for wave, domain, count in said)})"


def careless(tally: pd.DataFrame, indices: Mapping[str, Sequence[str]]) -> CarelessFit:
    """Count, by wave, the answers that each index flagged.

    Parameters
    ----------
    tally : DataFrame
        ``wave, holds, rule`` text, ``rows`` counts; rules ``as_is``, ``repaired`` and ``note:INDEX`` of files of answers are read.
    indices : mapping
        {wave: indices that were looked at}: one that flagged nobody has no line in the tally, and is told with 0.

    Returns
    -------
    CarelessFit
        Waves and indices in the order given; an answer may be flagged by several. Flags are counted when a file is read; where
        an answer gave way to one in another file afterwards, it may be among them, and all accepted answers are the most.
        A wave without accepted answers has no rows.

    Raises
    ------
    ValueError
        For missing columns.

    Examples
    --------
    >>> lines = [("as_is", 90), ("repaired", 10), ("note:too_fast", 4)]
    >>> tally = pd.DataFrame(lines, columns=["rule", "rows"]).assign(wave="1", holds="answers")
    >>> careless(tally, {"1": ("too_fast", "careless_irv")}).tidy()["estimate"].tolist()
    [4.0, 0.04, 0.0, 0.0]
    """
    require("tally", tally, ["wave", "holds", "rule", "rows"])
    counts = tally[tally["holds"] == "answers"].groupby(["wave", "rule"])["rows"].sum()
    rows = []
    for wave, looked_at in indices.items():
        answers = sum(counts.get((wave, rule), 0) for rule in ("as_is", "repaired"))
        for index in looked_at if answers else ():
            flagged = min(counts.get((wave, f"note:{index}"), 0), answers)
            about = {"wave": wave, "domain": domain_key({"unit": index}), "term": TERM}
            rows += [about | {"statistic": "count", "estimate": flagged, "n": flagged}]
            rows += [about | {"statistic": "proportion", "estimate": flagged / answers, "n": answers}]
    return CarelessFit(tidy_frame(pd.DataFrame(rows, columns=["wave", "domain", "term", "statistic", "estimate", "n"])))
