"""What went on, who came, for whom it was the first time, by which way, and what was done together: from the log alone.

For the months between two surveys, where there is nobody's word for anything. Sources: `careers` (a row a wave, member and
organisation) and `observed` (a row a wave and organisation). Waves may be stretches of time, so that the same months of several
years stand beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.career_counts import NO_COUNTS, added_up, distinct_members, repeated
from analysis.methods.counts import among, keyed, of_cut, parents_of, place_people, require, silent_groups, wilson
from analysis.methods.series import mark_broken
from analysis.tidy import ALL, domain_key, tidy_frame

CUTS: tuple[tuple[str, ...], ...] = ((), ("group",), ("node",), ("group", "node"))
MARKS = ["known", "first_time", "told", "again"]


@dataclass(frozen=True, slots=True)
class ActivityFit:
    """What the log tells of some stretches of time.

    Attributes
    ----------
    rows : DataFrame
        Tidy table; counts, and shares in [0, 1].
    """

    rows: pd.DataFrame

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.rows["status"].value_counts().items())
        return f"ActivityFit(waves {sorted(set(self.rows['wave']))}; {states})"


def activity(
    careers: pd.DataFrame,
    *,
    observed: pd.DataFrame,
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
) -> ActivityFit:
    r"""Count activities and people, and say for how many it was the first time, by which way they came, and what was joint.

    ========== =========== ============================================================================================
    term       statistic   estimate
    ========== =========== ============================================================================================
    activities events      activities held; over organisations a joint one counts with each that holds it
    activities joint       share of these that others held too
    took_part  people      distinct members who came
    first_time proportion  careers that began in the wave / careers
    took_part  again       careers with two times or more / careers
    took_part  share       ``domain`` ``channel=...``: careers whose most used way it is / careers of which it is known
    ========== =========== ============================================================================================

    The log is a census of what happened; the intervals of shares (Wilson 1927, the score interval, 95 %, n = careers or
    activities) treat it as one of those that might have been, so that the same months of two years can be held against each
    other. Counts have none.

    Parameters
    ----------
    careers : DataFrame
        ``member, first, joined`` and the columns named by ``group, region, wave``, one row a wave, member and group; ``count`` and
        ``channel`` where known. A career began in the wave where ``joined`` is its ``first``; ``joined`` missing: not known, and
        where it is known of nobody in the cell the row is ``not_estimable``.
    observed : DataFrame
        ``organisation, reported``, the wave's column, and ``activities, joint`` where known. Organisations that did not report are
        ``not_reported``, and neither their activities nor their careers count.
    group, region, wave : str or None
        Column names; None: not cut by it.
    hierarchy : DataFrame or None
        ``code, parent``: a place stands for itself and all below it. With ``comparable_from``, earlier waves of places whose
        boundaries moved are ``series_broken``.

    Returns
    -------
    ActivityFit
        ``n``: what the share is of; for ``people`` themselves, for ``events`` the people who came. Cuts: all, group, region (every
        level), both; activities by organisation alone, since their places are those of who came; channels of all together.

    Raises
    ------
    ValueError
        For missing columns, several rows for a wave, member and group, a place that is its own ancestor.

    Examples
    --------
    >>> day = pd.to_datetime(["2024-07-01", "2024-08-01"])
    >>> came = pd.DataFrame({"member": ["a", "b"], "first": day, "joined": day - pd.to_timedelta([0, 90], "D")})
    >>> seen = pd.DataFrame({"organisation": ["*"], "reported": [True]})
    >>> found = activity(came, observed=seen, group=None, region=None, wave=None, hierarchy=None).tidy()
    >>> found.query("term == 'first_time'")["estimate"].item()
    0.5
    """
    columns = {"wave": wave, "group": group, "region": region}
    require("careers", careers, ["member", "first", "joined", *columns.values()])
    require("observed", observed, ["organisation", "reported", wave])
    told = [c for c in ("count", "channel") if c in careers]
    people = keyed(careers, columns, ["member", "first", "joined", *told])
    if repeated(people).any():
        raise ValueError("careers has several rows for a wave, member and group: give one each")
    silent, parents = silent_groups(observed, wave, people[["wave", "group"]]), parents_of(hierarchy, region)
    heard = _marked(people[~among(people, silent)])
    came = place_people(added_up(heard, ["wave", "group", "region", "channel"], MARKS), parents, NO_COUNTS)
    named = {"group": group is not None, "node": region is not None}
    cuts = [cut for cut in CUTS if all(named[c] for c in cut)]
    once = {cut: _distinct(heard, came, ["wave", *cut], parents) for cut in cuts}
    tables = [_activities(observed, wave, once, grouped=group is not None)]
    for cut in cuts:
        tables += [_people(once[cut], ["wave", *cut]), _shares(came, ["wave", *cut], silent)]
    if "channel" in told:
        tables.append(_ways(came[came["node"] == ALL]))
    rows = tidy_frame(pd.concat([t for t in tables if len(t)], ignore_index=True))
    return ActivityFit(mark_broken(rows, hierarchy))


def _marked(people: pd.DataFrame) -> pd.DataFrame:
    """Say of each career whether it is known whether it began here, whether it did, and whether it came again."""
    known = people["joined"].notna()
    marks = {
        "known": known,
        "first_time": known & (people["joined"] == people["first"]),
        "told": people["count"].notna() if "count" in people else False,
        "again": people["count"].ge(2) if "count" in people else False,
    }
    channel = people["channel"].fillna("") if "channel" in people else ""
    return people[["wave", "group", "region", "member"]].assign(channel=channel, **marks)


def _distinct(heard: pd.DataFrame, came: pd.DataFrame, by: list[str], parents: Mapping[str, str]) -> pd.DataFrame:
    """Count the distinct members of a cut; with one organisation each career is another member."""
    here = of_cut(came, by)
    if "group" in by:
        return here.groupby(by)["careers"].sum().rename("people").reset_index()
    found = distinct_members(heard, [*by, *([] if "node" in by else ["node"])], parents)
    return found[(found["node"] != ALL) == ("node" in by)][[*by, "people"]]


def _activities(
    observed: pd.DataFrame, wave: str | None, once: Mapping[tuple[str, ...], pd.DataFrame], *, grouped: bool
) -> pd.DataFrame:
    """Count activities by organisation and over all that reported, each with the people who came."""
    if "activities" not in observed:
        return tidy_frame([])
    seen = keyed(observed, {"wave": wave, "group": "organisation"}, ["reported", "activities", "joint"])
    seen = seen.assign(reported=seen["reported"].astype("bool"))
    whole = seen[seen["reported"]].groupby("wave", as_index=False)[["activities", "joint"]].sum()
    cells = pd.concat([whole.assign(reported=True, group=ALL), *([seen] if grouped else [])], ignore_index=True)
    keys = cells[["wave", "group"]]
    held = cells["activities"].where(cells["reported"])
    people = pd.concat([once[()].assign(group=ALL), *([once["group",]] if grouped else [])])
    n = keys.merge(people, on=["wave", "group"], how="left")["people"].fillna(0.0).where(cells["reported"])
    status = pd.Series("ok", index=cells.index, dtype=object).mask(~cells["reported"], "not_reported")
    events = keys.assign(term="activities", statistic="events", estimate=held, n=n, status=status)
    shares = wilson(cells["joint"], held)
    status = status.mask(cells["reported"] & shares["estimate"].isna(), "not_estimable")
    return pd.concat([events, keys.assign(term="activities", statistic="joint", status=status).join(shares)])


def _people(once: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Write the numbers of distinct members."""
    n = once["people"]
    return _keys(once, by).assign(term="took_part", statistic="people", estimate=n, n=n, n_eff=n, status="ok")


def _shares(came: pd.DataFrame, by: Sequence[str], silent: pd.MultiIndex) -> pd.DataFrame:
    """Give the shares of careers that began here and that came again; organisations that did not report are told."""
    cells = of_cut(came, by).groupby(list(by), as_index=False)[MARKS].sum()
    keys, tables = _keys(cells, by), []
    for done, of, head in (
        ("first_time", "known", {"term": "first_time", "statistic": "proportion"}),
        ("again", "told", {"term": "took_part", "statistic": "again"}),
    ):
        tables.append(keys.assign(**head).join(wilson(cells[done], cells[of])))
    if list(by) == ["wave", "group"]:
        mute = silent.to_frame(index=False)
        tables.append(mute.assign(term="took_part", statistic="people", status="not_reported"))
        tables.append(mute.assign(term="first_time", statistic="proportion", status="not_reported"))
    return pd.concat(tables, ignore_index=True)


def _ways(came: pd.DataFrame) -> pd.DataFrame:
    """Give the share of every channel, over all organisations and places."""
    each = came[came["channel"] != ""].groupby(["wave", "channel"], as_index=False)["careers"].sum()
    whole = each.groupby("wave")["careers"].transform("sum")
    keys = each[["wave"]].assign(domain=[domain_key({"channel": c}) for c in each["channel"]])
    return keys.assign(term="took_part", statistic="share").join(wilson(each["careers"], whole))


def _keys(cells: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    return cells[list(by)].rename(columns={"node": "region"})
