"""Who of those who answered was reached, by the link to the log, for any column of the answers, and what silence leaves open.

Sources: answers with the log's pseudonym where the member consented to the link, the careers, and what the log observed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.methods.blind_spots import effective_size
from analysis.methods.counts import among, keyed, silent_groups
from analysis.methods.design import Design
from analysis.methods.estimates import estimates
from analysis.methods.lineage import ancestors
from analysis.tidy import KEYS, tidy_frame

TERM = "took_part_linked"
REACH, LOWEST, HIGHEST = "linked: reached", "linked: at least", "linked: at most"
BOUNDS = {"coverage_lowest": LOWEST, "coverage_highest": HIGHEST}


@dataclass(frozen=True, slots=True)
class Cuts:
    """Answers with the columns that they are cut by."""

    frame: pd.DataFrame
    each: tuple[dict[str, str], ...]  #: {key of the tidy table: column}; one a level of places, or the only one
    whole: dict[str, str]  #: the wave alone


def cuts_of(members: pd.DataFrame, by: Sequence[str], wave: str | None, hierarchy: pd.DataFrame | None) -> Cuts:
    """Lay out the cuts of answers; places once for every level of the hierarchy that holds their codes.

    Raises
    ------
    ValueError
        For columns that the answers lack, and codes that the hierarchy lacks.
    """
    whole = {} if wave is None else {"wave": wave}
    if absent := [c for c in (*by, *whole.values()) if c not in members]:
        raise ValueError(f"the members frame lacks the columns {absent} that it is to be cut by")
    plain = {c: c for c in by if c != "region"}
    if "region" not in by:
        return Cuts(members, (whole | plain,), whole)
    lineage = ancestors(members["region"], hierarchy)
    columns = {level: f"level of place: {level}" for level in lineage.columns}
    frame = members.assign(**{name: lineage[level].to_numpy() for level, name in columns.items()})
    return Cuts(frame, tuple(whole | plain | {"region": name} for name in columns.values()), whole)


def with_reach(
    members: pd.DataFrame, careers: pd.DataFrame, observed: pd.DataFrame | None, *, wave: str | None, link: str
) -> pd.DataFrame:
    """Look the answers up in the log.

    Parameters
    ----------
    members : DataFrame
        Answers: `link` (the log's pseudonym; missing: no consent), the wave's column, and perhaps ``group``.
    careers : DataFrame
        ``member``, the wave's column, and perhaps ``group``. Where both have groups, a career counts with the member's own.
    observed : DataFrame or None
        As in `analysis.methods.counts.silent_groups`.
    wave : str or None
    link : str

    Returns
    -------
    DataFrame
        The answers with three columns, float64 1 or 0: reached (missing: not linked), at least, at most (nobody, everybody of
        those not linked was reached); all missing where the organisation's log is not there.

    Raises
    ------
    ValueError
        Where the answers lack the link.
    """
    if link not in members:
        raise ValueError(f"the members frame has no column {link!r} that links an answer to the log; name it in link=")
    grouped = "group" in members and "group" in careers
    columns = {"wave": wave, "group": "group" if grouped else None}
    own = keyed(members.assign(link=members[link]), columns, ["link"])
    known = careers[careers["member"].isin(own["link"].dropna().unique())]
    came = keyed(known, columns, ["member"]).rename(columns={"member": "link"})
    pairs = careers[[c for c in columns.values() if c]].drop_duplicates() if any(columns.values()) else careers[:1]
    silent = silent_groups(observed, wave, pd.concat([own[["wave", "group"]], keyed(pairs, columns)]))
    came = came[~among(came, silent)]
    linked = own["link"].notna()
    with_own = among(own, pd.MultiIndex.from_frame(came[["wave", "group", "link"]].drop_duplicates()))
    with_any = among(own, pd.MultiIndex.from_frame(came[["wave", "link"]].drop_duplicates()))
    reached = with_own.where(own["group"] != "*", with_any) & linked
    heard = ~among(own, silent)
    one = pd.DataFrame({LOWEST: reached, REACH: reached, HIGHEST: reached | ~linked}).astype("float64").where(heard)
    one[REACH] = one[REACH].where(linked)
    return members.assign(**{c: one[c].to_numpy() for c in (LOWEST, REACH, HIGHEST)})


def linked_coverage(cuts: Cuts, design: Design) -> pd.DataFrame:
    """Give the share reached of those linked in every cell, and its bounds for all who answered.

    Parameters
    ----------
    cuts : Cuts
        Of answers that `with_reach` looked up.
    design : Design

    Returns
    -------
    DataFrame
        Tidy columns and ``size``, the effective number (`effective_size`). Statistic ``coverage``: design-based, Wilson's interval,
        n = people linked; ``coverage_lowest``, ``coverage_highest`` only where some are not linked, n = all. A cell of
        organisations whose log is not there is ``not_reported``.
    """
    tables = []
    for by in cuts.each:
        share = shares(cuts.frame, REACH, by, design)
        keys = [k for k in KEYS if k not in ("term", "statistic")]
        all_of = {name: shares(cuts.frame, column, by, design) for name, column in BOUNDS.items()}
        every = all_of["coverage_lowest"].set_index(keys)["n"].reindex(pd.MultiIndex.from_frame(share[keys])).fillna(0)
        share["status"] = share["status"].mask(every.to_numpy() == 0, "not_reported")
        tables.append(share.assign(term=TERM, statistic="coverage"))
        some = pd.MultiIndex.from_frame(share.loc[share["n"].fillna(0).to_numpy() < every.to_numpy(), keys])
        for name, rows in all_of.items():
            here = pd.MultiIndex.from_frame(rows[keys]).isin(some)
            tables.append(rows[here].assign(term=TERM, statistic=name))
    return pd.concat(tables, ignore_index=True)


def shares(frame: pd.DataFrame, variable: str, by: Mapping[str, str], design: Design) -> pd.DataFrame:
    """Give the share of ones of a column of 1, 0 and missing: rows of `estimates` and ``size``, the effective number."""
    result = estimates(frame, variables=[variable], statistic="proportion", by=by, design=design)
    rows = result.tidy()
    rows["size"] = effective_size(rows, result.df)
    ones = rows["term"] == f"{variable}=1"
    if ones.any() or not (rows["term"] == f"{variable}=0").any():
        return rows[ones] if ones.any() else rows
    # nobody has a one, so that the share of noughts is all that there is
    turned = {"estimate": 1 - rows["estimate"], "conf_low": 1 - rows["conf_high"], "conf_high": 1 - rows["conf_low"]}
    return rows.assign(**turned)


def mark_silent(rows: pd.DataFrame, frame: pd.DataFrame, wave: str | None, by: Sequence[str]) -> pd.DataFrame:
    """Call rows of the linked log ``not_reported`` where the log of nobody in their wave and group is there."""
    own = keyed(frame, {"wave": wave, "group": "group" if "group" in by else None}).assign(
        heard=frame[LOWEST].notna().to_numpy()
    )
    heard = own.groupby(["wave", "group"])["heard"].any()
    gone = among(rows, pd.MultiIndex.from_tuples(heard.index[~heard], names=["wave", "group"])) & (rows["term"] == TERM)
    return rows.assign(status=rows["status"].mask(gone, "not_reported"))


def unasked(members: pd.DataFrame, wave: str | None) -> pd.DataFrame:
    """Say of every wave that nobody was looked up: there is no log."""
    waves = sorted(keyed(members, {"wave": wave})["wave"].unique())
    return tidy_frame(pd.DataFrame({"wave": waves, "term": TERM, "statistic": "coverage", "status": "not_asked"}))


def indicator(frame: pd.DataFrame, column: str, role: str) -> pd.Series:
    """Read a column of 1 and 0, numbers, bool or text, as float64; missing stays missing.

    Raises
    ------
    ValueError
        For a column that is not there, or holds anything else.
    """
    if column not in frame:
        raise ValueError(f"the members frame has no column {column!r}, named by {role}=")
    given = frame[column]
    read = pd.to_numeric(given.astype("object").where(given.notna()), errors="coerce").astype("float64")
    wrong = int((given.notna() & ~read.isin([0.0, 1.0])).sum())
    if wrong:
        raise ValueError(
            f"{role}={column!r} must hold 1 and 0 (or yes and no as bool); {wrong} rows hold something else"
        )
    return pd.Series(np.asarray(read), index=frame.index)
