"""What went on, who came, for whom it was the first time, by which way, and what was done together: from the log alone.

For the months between two surveys, where there is nobody's word for anything. Sources: `careers` (a row a wave, member and
organisation) and `observed` (a row a wave and organisation). Waves may be stretches of time, so that the same months of several
years stand beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.career_counts import repeated
from analysis.methods.counts import among, keyed, of_cut, parents_of, place_people, require, silent_groups, wilson
from analysis.methods.series import mark_broken
from analysis.tidy import ALL, domain_key, tidy_frame

CUTS: tuple[tuple[str, ...], ...] = ((), ("group",), ("node",), ("group", "node"))
_NO_COUNTS = pd.DataFrame({k: pd.Series(dtype="str") for k in ("wave", "group", "node")})


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
    silent = silent_groups(observed, wave, people[["wave", "group"]])
    heard = people[~among(people, silent)]
    came = place_people(_marked(heard), parents_of(hierarchy, region), _NO_COUNTS)
    tables = [_activities(observed, wave, came[came["node"] == ALL], grouped=group is not None)]
    for cut in CUTS:
        if ("group" in cut and group is None) or ("node" in cut and region is None):
            continue
        by = ["wave", *cut]
        here = of_cut(came, by)
        tables += [_people(here, by), _shares(here, by, silent)]
    if "channel" in told:
        tables.append(_ways(came[came["node"] == ALL]))
    rows = tidy_frame(pd.concat([t for t in tables if len(t)], ignore_index=True))
    return ActivityFit(mark_broken(rows, hierarchy))


def _marked(people: pd.DataFrame) -> pd.DataFrame:
    """Say of each career whether it began here, and whether it came again; missing where that is not known."""
    known = people["joined"].notna()
    new = people["joined"].eq(people["first"]).astype("float64").where(known)
    again = people["count"].ge(2).astype("float64") if "count" in people else float("nan")
    return people.assign(first_time=new, again=again).drop(columns=["first", "joined"])


def _activities(observed: pd.DataFrame, wave: str | None, came: pd.DataFrame, *, grouped: bool) -> pd.DataFrame:
    """Count activities by organisation and over all that reported, each with the people who came."""
    if "activities" not in observed:
        return tidy_frame([])
    seen = keyed(observed, {"wave": wave, "group": "organisation"}, ["reported", "activities", "joint"])
    seen = seen.assign(reported=seen["reported"].astype("bool"))
    heard = seen[seen["reported"]]
    tables = [heard.groupby("wave", as_index=False)[["activities", "joint"]].sum().assign(reported=True)]
    tables += [seen] if grouped else []
    cells = pd.concat(tables, ignore_index=True).reset_index(drop=True)
    keys = pd.DataFrame({"wave": cells["wave"], "group": cells.get("group", pd.Series(dtype="str"))}).fillna(ALL)
    held = cells["activities"].where(cells["reported"])
    status = pd.Series("ok", index=cells.index, dtype=object).mask(~cells["reported"], "not_reported")
    by_group = came.drop_duplicates(["wave", "group", "member"]).groupby(["wave", "group"]).size()
    people = pd.concat([came.groupby("wave")["member"].nunique().rename(lambda wave: (wave, ALL)), by_group])
    n = pd.MultiIndex.from_frame(keys).map(people.to_dict()).astype("float64").fillna(0.0)
    events = keys.assign(
        term="activities", statistic="events", estimate=held, n=n.where(cells["reported"]), status=status
    )
    shares = wilson(cells["joint"], held)
    status = status.mask(cells["reported"] & shares["estimate"].isna(), "not_estimable")
    return pd.concat([events, keys.assign(term="activities", statistic="joint", status=status).join(shares)])


def _people(came: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Count distinct members."""
    n = came.drop_duplicates([*by, "member"]).groupby(list(by)).size().astype("float64").reset_index(name="n")
    return _keys(n, by).assign(
        term="took_part", statistic="people", estimate=n["n"], n=n["n"], n_eff=n["n"], status="ok"
    )


def _shares(came: pd.DataFrame, by: Sequence[str], silent: pd.MultiIndex) -> pd.DataFrame:
    """Give the shares of careers that began here and that came again; organisations that did not report are told."""
    grouped = came.groupby(list(by))[["first_time", "again"]]
    those, known = grouped.sum(), grouped.count().astype("float64")
    keys = _keys(those.index.to_frame(index=False), by)
    tables = []
    for column, head in (
        ("first_time", {"term": "first_time", "statistic": "proportion"}),
        ("again", {"term": "took_part", "statistic": "again"}),
    ):
        tables.append(keys.assign(**head).join(wilson(those[column], known[column]).reset_index(drop=True)))
    if list(by) == ["wave", "group"]:
        mute = silent.to_frame(index=False)
        tables.append(mute.assign(term="took_part", statistic="people", status="not_reported"))
        tables.append(mute.assign(term="first_time", statistic="proportion", status="not_reported"))
    return pd.concat(tables, ignore_index=True)


def _ways(came: pd.DataFrame) -> pd.DataFrame:
    """Give the share of every channel, over all organisations and places."""
    known = came.dropna(subset=["channel"])
    each = known.groupby(["wave", "channel"]).size().astype("float64").reset_index(name="count")
    whole = each.groupby("wave")["count"].transform("sum")
    keys = each[["wave"]].assign(domain=[domain_key({"channel": c}) for c in each["channel"]])
    return keys.assign(term="took_part", statistic="share").join(wilson(each["count"], whole))


def _keys(cells: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    names: Mapping[str, str] = {"node": "region"}
    return cells[list(by)].rename(columns=names)
