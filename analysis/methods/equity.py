"""Are those in need reached, and do they benefit, as much as the rest?

Source: answers with a column of need; the difference is taken with its covariance (`analysis.contrast`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.methods.contrasts import contrast
from analysis.methods.design import Design
from analysis.methods.estimates import estimates
from analysis.methods.linked import Cuts, shares
from analysis.tidy import COLUMNS, KEYS, domain_key, parse_domain, tidy_frame

NEED = "in need: yes or no"
KEY = "in_need"
REST = [k for k in KEYS if k not in ("domain", "term", "statistic")]


def equity_gaps(cuts: Cuts, need: pd.Series, terms: Mapping[str, str], design: Design) -> pd.DataFrame:
    r"""Compare those in need with the rest, in every cell of a cut.

    ============ ====================== ========================================================================================
    statistic    domain                 estimate
    ============ ====================== ========================================================================================
    share        in_need=1, in_need=0   design-based share of those who have it, Wilson's interval
    equity_gap   in_need=1 - 0          share of those in need less share of the rest, with
                                        :math:`v(a) + v(b) - 2 cov(a, b)` and Student's t; n the smaller side
    ============ ====================== ========================================================================================

    Parameters
    ----------
    cuts : Cuts
        Answers and what they are cut by.
    need : Series of float
        1, 0 or missing (in neither), on the index of the answers.
    terms : mapping
        {term of the rows: column of 1, 0 and missing}.
    design : Design

    Returns
    -------
    DataFrame
        Tidy. A gap of which a side is not there, or does not vary with few, is ``not_estimable``.
    """
    frame = cuts.frame.assign(**{NEED: need.map({1.0: "1", 0.0: "0"}).astype("str")})
    tables = []
    for term, column in terms.items():
        for by in cuts.each:
            parts = by | {KEY: NEED}
            both = shares(frame, column, parts, design)
            tables.append(both[[c for c in COLUMNS if c in both]].assign(term=term, statistic="share"))
            tables.append(_gaps(frame, column, parts, design).assign(term=term, statistic="equity_gap"))
    return tidy_frame(pd.concat(tables, ignore_index=True))


def _gaps(frame: pd.DataFrame, column: str, by: Mapping[str, str], design: Design) -> pd.DataFrame:
    result = estimates(frame, variables=[column], by=by, design=design)
    rows = result.tidy()
    side = [parse_domain(key) for key in rows["domain"]]
    cell = [domain_key({k: v for k, v in one.items() if k != KEY}) for one in side]
    at = rows[REST].assign(cell=cell, need=[one[KEY] for one in side], position=np.arange(len(rows)))
    pairs = at.pivot(index=[*REST, "cell"], columns="need", values="position").reindex(columns=["1", "0"])
    there = pairs.dropna().astype("int64")
    found = contrast(result, list(there.itertuples(index=False, name=None))).tidy()
    keys = there.index.to_frame(index=False)
    gaps = pd.concat([keys[REST], found.drop(columns=[*REST, "domain"])], axis=1).assign(
        domain=[_gap_key(c) for c in keys["cell"]]
    )
    lone = pairs[pairs.isna().any(axis=1)].index.to_frame(index=False)
    alone = lone[REST].assign(domain=[_gap_key(c) for c in lone["cell"]], status="not_estimable")
    return pd.concat([gaps, alone], ignore_index=True)


def _gap_key(cell: str) -> str:
    return domain_key(parse_domain(cell) | {KEY: "1 - 0"})
