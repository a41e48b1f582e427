"""How soon do they come again, when do they leave and where to, and on how few does it all rest?  Time in careers.

Source: `careers` of one or several waves and the windows in which the log saw each organisation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.methods.career_counts import added_up, repeated
from analysis.methods.careers import ends_of, in_next_window, next_windows
from analysis.methods.concentration import concentration
from analysis.methods.counts import among, given, keyed, parents_of, require, roll_up, silent_groups
from analysis.methods.first_times import MONTH, first_times
from analysis.methods.hazards import hazards
from analysis.methods.survival import kaplan_meier
from analysis.tidy import ALL, concat, tidy_frame

DAYS = (7, *range(15, 361, 15), 365)
MEDIAN = "median_time"
DAY = 86_400  # seconds
YEAR = 12  # months of coming again that are told
LEFT, MOVED, STAYED, UNSEEN = "left", "moved", "stayed", "followed no further"


@dataclass(frozen=True, slots=True, repr=False)
class Retention:
    """Coming again, leaving and concentration, by wave and organisation."""

    rows: pd.DataFrame  #: tidy table

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        states = ", ".join(f"{k} {v}" for k, v in self.rows["status"].value_counts().items())
        return f"Retention({', '.join(self.rows['term'].unique())}; {states})"


def retention(
    careers: pd.DataFrame | None,
    *,
    observed: pd.DataFrame | None,
    group: str | None,
    wave: str | None,
    window_days: int | None = None,
    registry: pd.DataFrame | None = None,
    region: str | None = None,
    hierarchy: pd.DataFrame | None = None,
    at: Sequence[float] = DAYS,
) -> Retention:
    r"""Follow careers in time, each a member with an organisation.

    ========= ============================== ============================================================================
    term      statistic                      estimate
    ========= ============================== ============================================================================
    took_part hazard, cumulative_incidence   of the registry's members who had not come yet in the window, those who come for the
                                             first time in its k-th month (``period=k``, of 30 days), and of all by its end
    returned  cumulative (``time=days``),    share that has come again within so many days of their first (median days),
              survival, median_time          by Kaplan & Meier: who began late is followed as long as the log goes on
    returned  hazard                         of those who had not come again yet, those who do in the k-th month after their
                                             first time (``period=k``, of 30 days; a year of them)
    left      hazard, cumulative_incidence   of careers that lasted so many windows in a row (``period=windows``), those whose
                                             member was not seen in the next one, with no organisation
    moved     the same                       ... was seen with another organisation only: the competing way out
    stayed    survival (``period=windows``)  still there after so many windows, by whatever way
    times     gini, top_tenth, half          how much of the times comes from how few (`analysis.concentration`)
    ========= ============================== ============================================================================

    Parameters
    ----------
    careers : DataFrame or None
        ``member``, and ``first, second`` for returned, ``last`` for left where windows overlap, ``count`` for times; the columns
        named. None or empty: ``not_asked``.
    observed : DataFrame or None
        ``organisation, end, reported`` and the wave's column. Careers of organisations that did not report are left out; what
        was not seen because an organisation was silent is not an exit. None: no log end is known, and returned is not asked.
    group, wave : str or None
        Column names; None: not cut by it. Without `wave` nobody can be seen to leave.
    window_days : int, optional
        Length of each wave's window; the next window of a wave is that of the first later one that does not reach back.
    registry : DataFrame, optional
        ``members`` and the named columns. None, or no `window_days`: no took_part.
    region : str, optional
        Column of the registry that names places.
    hierarchy : DataFrame, optional
        ``code, parent``: an organisation's members are those of its own row, else the sum right below it.
    at : sequence of float
        Days at which the curve is told; those beyond the longest follow-up are ``not_estimable``.

    Returns
    -------
    Retention
        ``n``: careers at risk; for times participants. Greenwood's intervals on the log-log scale for returned, Wilson's for
        hazards, Aalen & Johansen's cumulative incidence. Cuts: all and group; returned and times by wave, left and moved over
        all waves.

    Raises
    ------
    ValueError
        For missing columns or several rows for a wave, member and group.

    Notes
    -----
    Censoring at the log's end is taken to have nothing to do with coming again. A career begins with the first window in which
    this panel sees it: what was before the first wave is not known. See `analysis.kaplan_meier`, `analysis.hazards`.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-01", "2024-01-11"])
    >>> came = pd.DataFrame({"member": ["a", "b"], "first": days[0], "second": [days[1], None], "count": [2, 1]})
    >>> seen = pd.DataFrame({"organisation": ["x"], "end": [pd.Timestamp("2024-03-01")], "reported": [True]})
    >>> fit = retention(came.assign(group="x"), observed=seen, group="group", wave=None, at=[30])
    >>> fit.tidy().query("statistic == 'cumulative' and group == 'x'")["estimate"].tolist()
    [0.5]
    """
    careers, registry = given(careers), given(registry)
    require("registry", registry, ["members", group, wave, region])
    if careers is None:
        rows = [
            {"term": t, "statistic": s, "status": "not_asked"} for t, s in (("returned", MEDIAN), ("times", "gini"))
        ]
        return Retention(tidy_frame(rows))
    columns = {"wave": wave, "group": group}
    require("careers", careers, ["member", *columns.values()])
    kept = [c for c in ("member", "first", "second", "last", "count") if c in careers]
    people = keyed(careers, columns, kept)
    if repeated(people).any():
        raise ValueError(
            "the careers frame has several rows for a wave, member and group; name its columns (wave=, group=)"
        )
    people["member"] = pd.factorize(people["member"])[0]  # numbers are compared faster than names
    silent = silent_groups(observed, wave, people)
    heard = people[~among(people, silent)].reset_index(drop=True)
    ends = ends_of(observed, wave)
    cuts = [["wave"], ["wave", "group"]] if group is not None else [["wave"]]
    tables = [_returned(heard, ends, cuts, at), _times(heard, cuts)]
    if registry is not None and ends and window_days is not None and "first" in heard and heard["first"].notna().any():
        whole = keyed(registry, columns | {"region": region}, ["members"])
        counts = roll_up(whole, "members", parents_of(hierarchy, region) or dict.fromkeys(whole["region"], ALL))
        tables.append(first_times(heard, counts, silent, ends, window_days, cuts))
    if wave is not None:
        tables.append(_leaving(heard, people, ends, silent, window_days, group is not None))
    quiet = silent.to_frame(index=False).query("group != '*'")
    mute = quiet.assign(term="returned", statistic=MEDIAN, status="not_reported")
    return Retention(_named(concat([*tables, tidy_frame(mute)]) if len(mute) else concat(tables), wave))


def _named(rows: pd.DataFrame, wave: str | None) -> pd.DataFrame:
    """Where no wave was asked for, the key is all of them."""
    return rows if wave is not None else rows.assign(wave=ALL)


def _returned(
    people: pd.DataFrame, ends: Mapping[str, pd.Timestamp], cuts: list[list[str]], at: Sequence[float]
) -> pd.DataFrame:
    """Days from the first to the second time, or to the end of the log."""
    if not ends or not {"first", "second"} <= set(people.columns) or people["first"].isna().all():
        return tidy_frame([{"term": "returned", "statistic": MEDIAN, "status": "not_asked"}])
    until = people["second"].fillna(people["wave"].map(dict(ends)).astype("datetime64[us]"))
    days = (until - people["first"]).dt.total_seconds() / DAY
    watched = people["wave"].map(dict(ends)).astype("datetime64[us]") - people["first"]
    marks = {"time": days, "watched": watched, "returned": people["second"].notna().astype(int)}
    frame = people[["wave", "group"]].assign(**marks)
    frame = frame[frame["time"] >= 0]  # and without those of whom it is not known when they came
    curves = [kaplan_meier(frame, time="time", event="returned", by=cut, at=list(at)).tidy() for cut in cuts]
    return concat([*curves, *(_by_month(frame, cut) for cut in cuts)])


def _by_month(frame: pd.DataFrame, cut: list[str]) -> pd.DataFrame:
    """Hazards of coming again, month by month since the first time; a month that was not watched to its end tells nothing."""
    whole = np.floor(frame["watched"].dt.total_seconds().to_numpy() / DAY / MONTH)
    month = np.maximum(np.ceil(frame["time"].to_numpy() / MONTH), 1)
    # of a month cut short the quick ones would count alone
    came = (frame["returned"].to_numpy() == 1) & (month <= whole)
    marks = {"period": np.where(came, month, whole), "event": came.astype(int)}
    cells = added_up(frame.assign(**marks), [*cut, "period", "event"], [])
    cells = cells[cells["period"] > 0]
    if not cells["event"].any():
        return tidy_frame([])
    until = int(min(YEAR, cells["period"].max()))
    rows = hazards(cells, period="period", event="event", by=cut, count="careers", until=until).tidy()
    return rows[rows["statistic"] == "hazard"].assign(term="returned")


def _times(people: pd.DataFrame, cuts: list[list[str]]) -> pd.DataFrame:
    if "count" not in people or people.empty:
        return tidy_frame([{"term": "times", "statistic": "gini", "status": "not_asked"}])
    frame = people[people["count"] > 0].rename(columns={"count": "times"})
    return concat([concentration(frame, count="times", by=cut).tidy() for cut in cuts])


def _leaving(
    heard: pd.DataFrame,
    people: pd.DataFrame,
    ends: Mapping[str, pd.Timestamp],
    silent: pd.MultiIndex,
    window_days: int | None,
    grouped: bool,
) -> pd.DataFrame:
    """Runs of windows in a row, each ended by leaving, by going elsewhere, or by not being followed."""
    seen = heard[heard["wave"].isin(_one_after_another({*people["wave"].unique(), *ends}, ends, window_days))]
    stayed, known, _ = in_next_window(seen, people, ends, silent, window_days)
    anywhere, _, _ = in_next_window(seen.assign(group=ALL), people.assign(group=ALL), ends, silent[:0], window_days)
    marks = {"goes_on": stayed & known, "out": known & ~stayed, "elsewhere": anywhere}
    runs = _counted_runs(seen[["wave", "member", "group"]].assign(**marks))
    over = runs[~runs["goes_on"]]
    if not over["out"].any():
        return tidy_frame([{"term": LEFT, "statistic": "hazard", "status": "not_estimable"}])
    way = np.where(over["out"], np.where(over["elsewhere"], MOVED, LEFT), UNSEEN)
    # after its last window a run that ends unseen was not watched any more
    frame = over.assign(way=way, period=over["period"] - (~over["out"]).astype(int))
    frame = frame[frame["period"] > 0]
    unseen = UNSEEN if (frame["way"] == UNSEEN).any() else None
    cuts: list[list[str]] = [[], ["group"]] if grouped else [[]]
    found = [hazards(frame, period="period", event="way", by=cut, censored=unseen).tidy() for cut in cuts]
    rows = concat(found)
    return rows.assign(term=rows["term"].str.removeprefix("way=").replace("way", STAYED))


def _one_after_another(waves: set[str], ends: Mapping[str, pd.Timestamp], days: int | None) -> list[str]:
    """Waves whose windows do not reach into one another, from the first on."""
    later, chain = next_windows(waves, ends, days), [min(waves)]
    while chain[-1] in later:
        chain.append(later[chain[-1]])
    return chain


def _counted_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """How many windows in a row each career has lasted when it is seen."""
    member, group = (pd.factorize(runs[c])[0] for c in ("member", "group"))
    wave = pd.factorize(runs["wave"], sort=True)[0]
    order = np.lexsort((wave, group, member))
    ordered = runs.iloc[order]
    began = np.ones(len(runs), bool)
    same = (np.diff(member[order]) == 0) & (np.diff(group[order]) == 0)
    began[1:] = ~(same & ordered["goes_on"].to_numpy()[:-1])
    place = np.arange(len(runs))
    return ordered.assign(period=place - np.maximum.accumulate(np.where(began, place, 0)) + 1)
