"""Shares of members by what they say of themselves, and by the log of those who agreed to be linked to it.

Source: answers with a column a statement (1, 0, missing) and the link to the log; a design for their errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.methods.counts import keyed
from analysis.methods.design import Design
from analysis.methods.estimates import estimates
from analysis.methods.lineage import ancestors
from analysis.tidy import concat, tidy_frame

WAYS = ("conditional", "cumulative")
UNIT = ["wave", "member", "group"]


def shares(frame: pd.DataFrame, columns: Sequence[str], by: Mapping[str, str], design: Design) -> pd.DataFrame:
    """Design-based shares of ones in columns of 1, 0 and missing: tidy rows, term = column, without a statistic's name of its own.

    Intervals are those of `analysis.estimates` for proportions.

    Raises
    ------
    ValueError
        For other values.
    """
    for column in columns:
        values = frame[column].dropna()
        wrong = int((~values.astype("float64").isin([0.0, 1.0])).sum())
        if wrong:
            raise ValueError(f"column {column!r} says yes by 1 and no by 0; {wrong} answers are neither")
    told = [c for c in columns if frame[c].notna().any()]
    if not told:
        return tidy_frame([])
    ones = frame.assign(**{c: frame[c].astype("float64") for c in told})
    rows = estimates(ones, variables=told, statistic="proportion", by=by, design=design).tidy()
    found = []
    for column in told:
        yes = rows[rows["term"] == f"{column}=1"]
        found.append((yes if len(yes) else _none_of(rows[rows["term"] == f"{column}=0"])).assign(term=column))
    return concat(found)


def _none_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Shares of yes from those of no, where nobody said yes."""
    turned = {"estimate": 1 - rows["estimate"], "conf_low": 1 - rows["conf_high"], "conf_high": 1 - rows["conf_low"]}
    return rows.assign(**turned)


def said_shares(
    members: pd.DataFrame,
    terms: Sequence[str],
    columns: Mapping[str, str | None],
    hierarchy: pd.DataFrame | None,
    by: Sequence[str],
    design: Design,
) -> pd.DataFrame:
    """What members say of themselves: for all, by group, by place of every level, by both, and by each further column.

    Parameters
    ----------
    members : DataFrame
        Answers with a column a term: 1 yes, 0 no, missing not asked or not answered.
    terms : sequence of str
        Columns of it.
    columns : mapping
        ``wave, group, region`` to columns of answers, or None.
    hierarchy : DataFrame or None
        ``code, parent, level``.
    by : sequence of str
        Further columns to cut by, one at a time.
    design : Design

    Returns
    -------
    DataFrame
        Tidy rows of the statistics conditional and cumulative, which are the same: both are shares of the members.
    """
    frame, region = members, columns["region"]
    levels: dict[str, str] = {}
    if region is not None:
        lineage = ancestors(members[region], hierarchy)
        levels = {str(level): f"level of place: {level}" for level in lineage}
        frame = members.assign(**{levels[k]: lineage[k].to_numpy() for k in levels})
    when = {} if columns["wave"] is None else {"wave": columns["wave"]}
    group = {} if columns["group"] is None else {"group": columns["group"]}
    cuts = [{}, *([group] if group else [])]
    cuts += [g | {"region": c} for c in levels.values() for g in ({}, *([group] if group else []))]
    cuts += [{c: c} for c in by]
    rows = concat([shares(frame, terms, when | cut, design) for cut in cuts])
    return concat([rows.assign(statistic=way) for way in WAYS])


def linked_shares(
    members: pd.DataFrame,
    people: pd.DataFrame,
    steps: Sequence[str],
    columns: Mapping[str, str | None],
    by: Sequence[str],
    *,
    link: str,
    silent: pd.MultiIndex,
    design: Design,
) -> pd.DataFrame:
    """What the log holds of those who answered and agreed to be linked, by columns that only answers have.

    Parameters
    ----------
    members : DataFrame
        Answers.
    people : DataFrame
        From `analysis.methods.careers.lay_out`.
    steps : sequence of str
        Steps after taking part.
    columns : mapping
        ``wave, group, region`` to columns, or None.
    by : sequence of str
        Columns of answers to cut by, one at a time.
    link : str
        Column of the member's name in the log; missing: not linked.
    silent : MultiIndex
        ``wave, group`` of organisations without a log: their members' careers are not known and they are left out.
    design : Design

    Returns
    -------
    DataFrame
        Tidy rows: took_part of those linked (conditional), the steps of those of them who took part (conditional).
    """
    told = linked_steps(members, people, steps, columns, link=link, silent=silent)
    frame = members.drop(columns=[c for c in told if c in members]).join(told)
    when = {} if columns["wave"] is None else {"wave": columns["wave"]}
    flags = ["took_part", *steps]
    rows = concat([shares(frame, flags, when | {c: c}, design) for c in by])
    return rows.assign(statistic="conditional")


def linked_steps(
    members: pd.DataFrame,
    people: pd.DataFrame,
    steps: Sequence[str],
    columns: Mapping[str, str | None],
    *,
    link: str,
    silent: pd.MultiIndex,
) -> pd.DataFrame:
    """Whether each answer's member took part, and took the steps after it, with the organisation that the answer is of.

    Parameters
    ----------
    members, people, steps, columns, link, silent
        As in `linked_shares`.

    Returns
    -------
    DataFrame
        On the index of `members`: ``took_part`` and the steps, 1 or 0; missing where not linked or not known.
    """
    answers = keyed(members, {"wave": columns["wave"], "group": columns["group"], "member": link})
    linked = members[link].notna().to_numpy() & ~pd.MultiIndex.from_frame(answers[["wave", "group"]]).isin(silent)
    careers = people[[*UNIT, *(c for s in steps for c in (s, f"{s}_followed"))]].assign(took_part=True)
    found = answers.merge(careers, on=UNIT, how="left")
    came = found["took_part"].notna().to_numpy()
    told = {"took_part": np.where(linked, came.astype(float), np.nan)}
    for step in steps:
        seen = linked & came & found[f"{step}_followed"].eq(True).to_numpy()
        told[step] = np.where(seen, found[step].eq(True).to_numpy().astype(float), np.nan)
    return pd.DataFrame(told, index=members.index)
