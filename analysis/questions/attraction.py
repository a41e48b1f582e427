"""How many members come, and how many come again: attraction by organisation, place and channel, from the log.

The first form answers two steps of the way from being reached to staying: took part and returned. The other steps are
rows that say they were not asked. Sources: `careers` (a wave, member and organisation) and the registry's counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.methods.counts import (
    among,
    given,
    keyed,
    parents_of,
    place_people,
    require,
    roll_up,
    silent_groups,
    wilson,
)
from analysis.tidy import ALL, domain_key, tidy_frame

TERMS = ("reached", "joined", "took_part", "returned", "stayed", "volunteered", "intends")
ANSWERED = ("took_part", "returned")
PLACES = {"wave": "wave", "group": "group", "region": "node"}
COUNTS = ["people", "took_part", "followed", "returned", "followed_counted", "returned_counted"]
TOO_SMALL = "registry smaller than log"


@dataclass(frozen=True, slots=True)
class AttractionFit:
    """Attraction by wave, organisation, place and channel.

    Attributes
    ----------
    rows : DataFrame
        Tidy table; ``estimate`` is a share in [0, 1], or a number of people where ``statistic`` is ``people``.
    returned_days : int or None
        Days after the first time within which a second one counts; None: any second time in the window.
    """

    rows: pd.DataFrame
    returned_days: int | None

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        status = self.rows["status"].value_counts().to_dict()
        return f"AttractionFit(took_part, returned within {self.returned_days or 'any'} days; status {status})"


def fit_attraction(
    cells: pd.DataFrame | None,
    careers: pd.DataFrame,
    members: pd.DataFrame | None,
    registry: pd.DataFrame | None,
    *,
    observed: pd.DataFrame | None,
    design: Any = None,
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    returned_days: int | None = None,
) -> AttractionFit:
    r"""Estimate who took part and who returned.

    With :math:`T` the people who took part in the window, :math:`N` the registry's members, :math:`F` those of
    :math:`T` whom the log follows long enough (all, or with ``returned_days`` those whose first time lies at least that
    many days before the log's end), and :math:`R` those of :math:`F` with a second time (within ``returned_days`` of
    the first, where given):

    ========= =========== =====================================================
    term      statistic   estimate
    ========= =========== =====================================================
    took_part conditional :math:`T/N`
    took_part cumulative  :math:`T/N` (the first step that is measured)
    returned  conditional :math:`R/F`
    returned  cumulative  :math:`(T/N)(R/F)`, which is :math:`R/N` where F = T
    took_part people      :math:`T`, where there is no registry number
    ========= =========== =====================================================

    Whoever began too late to be followed counts in neither R nor F, also where they have come again already: taking the
    quick ones among them would lean the share upward. It is assumed that late beginners return like early ones.

    Intervals are Wilson's (1927, the score interval) at 95 % on the denominator; for the product on the effective n
    :math:`(1-pr) / \bigl(r(1-p)/N + p(1-r)/F\bigr)` with :math:`p = T/N, r = R/F`, which gives it the variance of a
    product of two independent shares (delta method) and is N where F = T. The log is a census of what happened; the
    interval treats the people seen as a draw from those who might come, and says nothing about gaps in the log.

    Parameters
    ----------
    cells : DataFrame or None
        Not read in this form (staying and trends will need it).
    careers : DataFrame
        ``member, first, second`` and the columns named by ``wave, group, region``; ``channel`` adds that cut.
    members : DataFrame or None
        Survey answers; not read in this form (reached, joined, volunteered, intends will need it).
    registry : DataFrame or None
        ``members`` (count) and the named columns. A place's number is its own row, else the sum right below it. None or
        empty: shares of members are ``not_asked``.
    observed : DataFrame or None
        ``organisation, end, reported`` (and the wave's column). Organisations that are not in it, or did not report, are
        ``not_reported``, and neither their people nor their members count in ``*``. None: all reported.
    design : Design, optional
        For terms from the survey; terms from the log are counts and do not use it.
    group, region, wave : str or None
        Column names; None: not cut by it.
    hierarchy : DataFrame or None
        ``code, parent``: a place stands for itself and all below it.
    returned_days : int, optional
        Positive. Only people followed that long count in returned, and only their second times within it. None: all
        people, any second time in the window.

    Returns
    -------
    AttractionFit
        ``n`` = people in the denominator (N or F), ``n_eff`` = n but for returned, cumulative. Cuts: all, group, region
        (every level), both, and ``channel=...`` (people with a career there whose most used channel it is, of all
        members).

    Raises
    ------
    ValueError
        For missing columns, a place that is its own ancestor, a hierarchy without ``region``, or ``returned_days``
        without ``observed``.

    Notes
    -----
    A person counts once in each cell, whatever the number of organisations; the registry counts memberships, so that
    shares over several organisations are shares of memberships, a lower bound for people. Two times at the very same
    moment with two organisations are one joint activity. People and members of a cell are taken from the same
    organisations: those that the registry counts there. More people than members is ``not_estimable``.

    Examples
    --------
    >>> when = pd.to_datetime(["2024-01-01", "2024-02-01"])
    >>> came = pd.DataFrame({"member": ["a", "b"], "first": when, "second": [when[1], None], "last": when[1]})
    >>> fit = fit_attraction(None, came, None, None, observed=None, group=None, region=None, wave=None, hierarchy=None)
    >>> fit.tidy().query("term == 'returned' and statistic == 'conditional'")["estimate"].item()
    0.5
    """
    columns = {"wave": wave, "group": group, "region": region}
    registry = given(registry)
    require("careers", careers, ["member", "first", "second", *columns.values()])
    require("registry", registry, ["members", *columns.values()])
    _check_days(returned_days, observed)
    parents = parents_of(hierarchy, region)
    people = _people(careers, observed, columns)
    counts = roll_up(None if registry is None else keyed(registry, columns, ["members"]), "members", parents)
    silent = silent_groups(observed, wave, pd.concat([people[["wave", "group"]], counts[["wave", "group"]]]))
    came = place_people(people[~among(people, silent)], parents, counts)
    by = [["wave", "node"], ["wave", "group", "node"]] + ([["wave", "channel"]] if "channel" in people else [])
    tables = [_cut(came, counts, silent, keys, returned_days) for keys in by]
    found = pd.concat(tables, ignore_index=True)
    rows = tidy_frame(pd.concat([_rows(found), _unasked(found)], ignore_index=True))
    return AttractionFit(rows, returned_days)


def _check_days(returned_days: int | None, observed: pd.DataFrame | None) -> None:
    if returned_days is not None and returned_days <= 0:
        raise ValueError(f"returned_days is a number of days above 0, or None; it is {returned_days}")
    if returned_days is not None and observed is None:
        raise ValueError(
            "returned_days needs observed: without the log's end nobody can say who still had time to return"
        )


def _people(careers: pd.DataFrame, observed: pd.DataFrame | None, columns: Mapping[str, str | None]) -> pd.DataFrame:
    """Key the careers and give each the end of the log that saw it."""
    people = keyed(careers, columns, [c for c in ("member", "first", "second", "channel") if c in careers])
    if observed is None:
        return people.assign(end=pd.Series(pd.NaT, index=people.index, dtype="datetime64[us]"))
    ends = keyed(observed, {"wave": columns["wave"]}, ["end"]).groupby("wave")["end"].max()
    return people.assign(end=people["wave"].map(ends))


def _cut(
    came: pd.DataFrame, counts: pd.DataFrame, silent: pd.MultiIndex, by: list[str], days: int | None
) -> pd.DataFrame:
    """Count people and members in each cell of one cut; cells of silent organisations alone are not reported."""
    here = came if "node" in by else came[came["node"] == ALL].dropna(subset=["channel"])
    here = here[here["group"] != ALL] if "group" in by else here
    places = [k for k in by if k != "channel"]
    known = counts if "node" in by else counts[counts["node"] == ALL]
    known = known[known["group"] != ALL] if "group" in by else known
    mute = among(known, silent)
    found = _counted(here, by, days)
    members = known[~mute].groupby(places)["members"].sum().reset_index()
    found = found.merge(members, on=places, how="outer" if "node" in by else "left")
    found[COUNTS] = found[COUNTS].fillna(0)
    quiet = silent.to_frame(index=False).assign(node=ALL)
    mine = pd.concat([known.loc[mute, places], quiet[quiet["group"] != ALL][places]]).drop_duplicates()
    mine = mine[~among(mine, pd.MultiIndex.from_frame(found[places]))] if "node" in by else mine[:0]
    return pd.concat([found.assign(reported=True), mine.assign(reported=False)], ignore_index=True)


def _counted(came: pd.DataFrame, by: list[str], days: int | None) -> pd.DataFrame:
    """Count in each cell the people, those followed long enough and those of them who returned, each person once."""
    person = came.groupby([*by, "member"], sort=False).ngroup()
    # Another organisation's first time is a second time, unless it is the same moment: a joint activity.
    later = came["first"].where(came["first"] > came["first"].groupby(person).transform("min"))
    again = came["second"].where(came["second"].le(later) | later.isna(), later)
    each = came.assign(again=again).groupby(person)
    one = each[[*by, "end"]].first().join(each[["first", "again"]].min()).join(each["counted"].any())
    within, followed = one["again"].notna(), pd.Series(True, index=one.index)
    if days is not None:
        limit = pd.Timedelta(days=days)
        followed = one["end"] - one["first"] >= limit
        within = followed & (one["again"] - one["first"] <= limit)
    shown: dict[str, Any] = {
        "people": 1,
        "took_part": one["counted"],
        "followed": followed,
        "returned": within,
        "followed_counted": followed & one["counted"],
        "returned_counted": within & one["counted"],
    }
    return one[by].assign(**shown).groupby(by)[COUNTS].sum().astype("float64").reset_index()


def _rows(cells: pd.DataFrame) -> pd.DataFrame:
    """Write the shares of every cell, the number of people where the registry has none."""
    keys = pd.DataFrame({k: cells.get(c, ALL) for k, c in PLACES.items()}, index=cells.index).fillna(ALL)
    if "channel" in cells:
        keys["domain"] = [ALL if pd.isna(c) else domain_key({"channel": c}) for c in cells["channel"]]
    took_part, returned = _took_part(cells), _returned(cells)
    shares = [
        ("took_part", "conditional", took_part),
        ("took_part", "cumulative", took_part),
        ("returned", "conditional", returned),
        ("returned", "cumulative", _returned_of_members(cells)),
    ]
    tables = [keys.assign(term=term, statistic=statistic).join(numbers) for term, statistic, numbers in shares]
    alone = cells["reported"] & cells["members"].isna()
    people = cells.loc[alone, "people"]
    heads = keys[alone].assign(
        term="took_part", statistic="people", estimate=people, n=people, n_eff=people, status="ok"
    )
    return pd.concat([*tables, heads]).sort_index(kind="stable")


def _took_part(cells: pd.DataFrame) -> pd.DataFrame:
    return _of_members(wilson(cells["took_part"], cells["members"]), cells)


def _returned(cells: pd.DataFrame) -> pd.DataFrame:
    status = pd.Series("ok", index=cells.index, dtype=object).mask(cells["followed"] == 0, "not_estimable")
    status = status.mask(~cells["reported"], "not_reported")
    return wilson(cells["returned"], cells["followed"]).assign(status=status, basis="")


def _returned_of_members(cells: pd.DataFrame) -> pd.DataFrame:
    """Took part times returned: the second share is that of the people followed."""
    members, followed = cells["members"], cells["followed_counted"]
    p = cells["took_part"] / members.where(members > 0)
    # Where nobody came the product is 0, whatever share might have returned.
    r = (cells["returned_counted"] / followed.where(followed > 0)).mask(cells["took_part"] == 0, 1.0)
    spread = r * (1 - p) / members + p * (1 - r) / followed.where(followed > 0, 1.0)
    n_eff = ((1 - p * r) / spread).where(spread > 0, followed).mask(followed == cells["took_part"], members)
    return _of_members(wilson(p * r * n_eff, n_eff).assign(n=members.where(members > 0)), cells)


def _of_members(numbers: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Say why a share of members cannot be given, and take its numbers away."""
    too_many = cells["took_part"] > cells["members"]
    status = pd.Series("ok", index=cells.index, dtype=object)
    status = status.mask(numbers["estimate"].isna() | too_many, "not_estimable")
    status = status.mask(cells["members"].isna(), "not_asked").mask(~cells["reported"], "not_reported")
    numbers.loc[status != "ok", ["estimate", "std_error", "conf_low", "conf_high"]] = None
    basis = pd.Series("", index=cells.index).mask((status == "not_estimable") & too_many, TOO_SMALL)
    return numbers.assign(status=status, basis=basis)


def _unasked(cells: pd.DataFrame) -> pd.DataFrame:
    waves = sorted(cells["wave"].unique()) or [ALL]
    rows = [(w, term, "cumulative", "not_asked") for w in waves for term in TERMS if term not in ANSWERED]
    return pd.DataFrame(rows, columns=["wave", "term", "statistic", "status"])
