"""In which month of a window do members come for the first time?  Hazards of the registry's members, those who never came included.

Sources: the careers of a window, and the registry's count of members, who are all at risk from the window's beginning on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.methods.career_counts import added_up, counted
from analysis.methods.counts import among
from analysis.methods.hazards import hazards
from analysis.methods.registry_shares import TOO_SMALL
from analysis.tidy import ALL, concat, tidy_frame

TERM = "took_part"
MONTH = 30  # days
SHOWN = ("hazard", "cumulative_incidence")


def first_times(
    people: pd.DataFrame,
    members: pd.DataFrame,
    silent: pd.MultiIndex,
    ends: Mapping[str, pd.Timestamp],
    window_days: int,
    cuts: Sequence[list[str]],
) -> pd.DataFrame:
    """Give for each month of a window the share, of members who had not come yet, who come in it, and what that adds up to.

    Parameters
    ----------
    people : DataFrame
        ``wave, group, member, first``, a row a career of organisations that reported.
    members : DataFrame
        ``wave, group, node, members`` (`analysis.methods.counts.roll_up`), of which ``*`` is read.
    silent : MultiIndex
        ``wave, group`` of organisations that did not report.
    ends : mapping
        The end of each wave's log.
    window_days : int
        Length of a window. Its months have `MONTH` days from its beginning on, the last one what is left.
    cuts : sequence of list of str
        ``["wave"]``, ``["wave", "group"]``.

    Returns
    -------
    DataFrame
        Tidy table; ``hazard`` and ``cumulative_incidence`` (`analysis.hazards`), ``domain`` ``period=1``, ...; ``n`` members
        who had not come before. Units with more careers than members are ``not_estimable``.
    """
    people = people.dropna(subset=["first"])  # in a wave whose times are not known nobody is known to come late
    last = int(np.ceil(window_days / MONTH))
    opens = people["wave"].map(dict(ends)).astype("datetime64[us]") - pd.Timedelta(days=window_days)
    month = np.ceil((people["first"] - opens) / pd.Timedelta(days=MONTH))
    came = added_up(people.assign(period=month.clip(1, last), node=ALL), ["wave", "group", "node", "period"], [])
    counts = members[(members["node"] == ALL) & ~among(members, silent) & members["wave"].isin(people["wave"])]
    came = counted(came, counts).rename(columns={"careers": "n"})
    return concat([tidy_frame([]), *(_of_cut(came, counts, cut, last) for cut in cuts)])


def _of_cut(came: pd.DataFrame, counts: pd.DataFrame, cut: list[str], last: int) -> pd.DataFrame:
    named = {"group": counts["group"] != ALL} if "group" in cut else {}
    whole = (
        counts[named.get("group", pd.Series(True, index=counts.index))].groupby(cut, as_index=False)["members"].sum()
    )
    did = came.groupby([*cut, "period"], as_index=False)["n"].sum()
    both = whole.merge(did.groupby(cut, as_index=False)["n"].sum(), on=cut, how="left").fillna({"n": 0.0})
    over = both["n"] > both["members"].round()
    never = both[~over].assign(n=(both["members"].round() - both["n"])[~over], period=last, event=0)
    did = did.merge(both.loc[~over, cut], on=cut).assign(event=1)
    mute = both.loc[over, cut].assign(term=TERM, statistic=SHOWN[1], status="not_estimable", basis=TOO_SMALL)
    if did.empty:
        return tidy_frame(mute) if len(mute) else tidy_frame([])
    frame = pd.concat([did, never], ignore_index=True)[[*cut, "period", "event", "n"]]
    rows = hazards(frame, period="period", event="event", by=cut, count="n", until=last).tidy()
    rows = rows[rows["statistic"].isin(SHOWN)].assign(term=TERM)
    return concat([rows, tidy_frame(mute)]) if len(mute) else rows
