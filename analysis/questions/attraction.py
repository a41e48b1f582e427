"""How many members come, and how many come again: attraction by organisation, place and channel, from the log.

What is counted is the career, a member with an organisation, as the registry counts memberships: a row over several
organisations is then the average of theirs, each with its size. The first form answers two steps of the way from being
reached to staying: took part and returned. The other steps are rows that say they were not asked. Sources: `careers` (a
row a wave, member and organisation) and the registry's counts.
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
from analysis.methods.series import mark_broken
from analysis.tidy import ALL, domain_key, tidy_frame

TERMS = ("reached", "joined", "took_part", "returned", "stayed", "volunteered", "intends")
ANSWERED = ("took_part", "returned")
PLACES = {"wave": "wave", "group": "group", "region": "node"}
UNIT = ["wave", "member", "group"]
COUNTS = ["people", "took_part", "followed", "returned", "followed_counted", "returned_counted"]
TOO_SMALL = "registry smaller than log"


@dataclass(frozen=True, slots=True)
class AttractionFit:
    """Attraction by wave, organisation, place and channel.

    Attributes
    ----------
    rows : DataFrame
        Tidy table; ``estimate`` is a share of careers or memberships in [0, 1], or a number of distinct members where
        ``statistic`` is ``people``.
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

    Counted are careers: a member with an organisation, or in a study without organisations (``group=None``) a member.
    With :math:`T` the careers with a time in the window, :math:`N` the registry's memberships, :math:`F` those of
    :math:`T` that the log follows long enough (all, or with ``returned_days`` those whose first time lies at least that
    many days before the log's end), and :math:`R` those of :math:`F` with a second time *with the same organisation*
    (within ``returned_days`` of the first, where given):

    ========= =========== =====================================================
    term      statistic   estimate
    ========= =========== =====================================================
    took_part conditional :math:`T/N`
    took_part cumulative  :math:`T/N` (the first step that is measured)
    returned  conditional :math:`R/F`
    returned  cumulative  :math:`(T/N)(R/F)`, which is :math:`R/N` where F = T
    took_part people      distinct members of T, where there is no registry number
    ========= =========== =====================================================

    T, N, F and R add up over organisations (T, F and R also over channels): the share of a row over several of them is
    the average of theirs, weighted by N or F. A career that began too late to be followed counts in neither R nor F,
    also where there is a second time already: taking the quick ones among them would lean the share upward. It is
    assumed that late beginners return like early ones.

    Intervals are Wilson's (1927, the score interval) at 95 % on the denominator; for the product on the effective n
    :math:`(1-pr) / \bigl(r(1-p)/N + p(1-r)/F\bigr)` with :math:`p = T/N, r = R/F`, which gives it the variance of a
    product of two independent shares (delta method) and is N where F = T. The log is a census of what happened; the
    interval treats the careers seen as independent draws from those there might be (over organisations it is somewhat
    too narrow where the same people are in several), and says nothing about gaps in the log.

    Parameters
    ----------
    cells : DataFrame or None
        Not read in this form (staying and trends will need it).
    careers : DataFrame
        ``member, first, second`` and the columns named by ``wave, group, region``, one row a wave, member and group;
        ``channel`` adds that cut. ``second`` is the member's second time with that group; missing: none.
    members : DataFrame or None
        Survey answers; not read in this form (reached, joined, volunteered, intends will need it).
    registry : DataFrame or None
        ``members`` (count of memberships) and the named columns. A place's number is its own row, else the sum right
        below it. None or empty: shares of members are ``not_asked``.
    observed : DataFrame or None
        ``organisation, end, reported`` (and the wave's column). Organisations that are not in it, or did not report, are
        ``not_reported``, and neither their careers nor their members count in ``*``. None: all reported.
    design : Design, optional
        For terms from the survey; terms from the log are counts and do not use it.
    group, region, wave : str or None
        Column names; None: not cut by it.
    hierarchy : DataFrame or None
        ``code, parent``: a place stands for itself and all below it. With ``comparable_from``, earlier waves of places whose
        boundaries moved are ``series_broken`` (`analysis.methods.series`).
    returned_days : int, optional
        Positive. Only careers followed that long count in returned, and only their second times within it. None: all
        careers, any second time in the window.

    Returns
    -------
    AttractionFit
        ``n`` = the denominator: memberships N or careers F, over several organisations often more than there are
        persons; for ``people`` the distinct members. ``n_eff`` = n but for returned, cumulative. Cuts: all, group,
        region (every level), both, and ``channel=...`` (careers whose most used channel it is, of all members).

    Raises
    ------
    ValueError
        For missing columns, several rows for a wave, member and group, a place that is its own ancestor, a hierarchy
        without ``region``, or ``returned_days`` without ``observed``.

    Notes
    -----
    A person in two organisations counts twice over organisations, and coming once to each is not coming again. A joint
    activity is a time with each of its organisers. Careers and members of a cell are taken from the same organisations:
    those that the registry counts there; its rows without an organisation are taken to count memberships too. More
    careers than members is ``not_estimable``.

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
    if careers.empty:  # no log: nothing was asked of it
        unasked = [{"term": term, "statistic": "cumulative", "status": "not_asked"} for term in TERMS]
        return AttractionFit(tidy_frame(unasked), returned_days)
    parents = parents_of(hierarchy, region)
    people = _people(careers, observed, columns)
    counts = roll_up(None if registry is None else keyed(registry, columns, ["members"]), "members", parents)
    silent = silent_groups(observed, wave, pd.concat([people[["wave", "group"]], counts[["wave", "group"]]]))
    came = place_people(people[~among(people, silent)], parents, counts)
    by = [["wave", "node"], ["wave", "group", "node"]] + ([["wave", "channel"]] if "channel" in people else [])
    tables = [_cut(came, counts, silent, keys, returned_days) for keys in by]
    found = pd.concat(tables, ignore_index=True)
    rows = tidy_frame(pd.concat([_rows(found), _unasked(found)], ignore_index=True))
    return AttractionFit(mark_broken(rows, hierarchy), returned_days)


def _check_days(returned_days: int | None, observed: pd.DataFrame | None) -> None:
    if returned_days is not None and returned_days <= 0:
        raise ValueError(f"returned_days is a number of days above 0, or None; it is {returned_days}")
    if returned_days is not None and observed is None:
        raise ValueError(
            "returned_days needs observed: without the log's end nobody can say who still had time to return"
        )


def _people(careers: pd.DataFrame, observed: pd.DataFrame | None, columns: Mapping[str, str | None]) -> pd.DataFrame:
    """Key the careers, one a row, and give each the end of the log that saw it."""
    people = keyed(careers, columns, [c for c in ("member", "first", "second", "channel") if c in careers])
    extra = int(people.duplicated(UNIT).sum())
    if extra:
        raise ValueError(
            f"the careers frame has {extra} too many rows: one row a wave, member and group is needed;"
            " name its columns of waves and groups (wave=, group=), and take away rows that are there twice"
        )
    if observed is None:
        return people.assign(end=pd.Series(pd.NaT, index=people.index, dtype="datetime64[us]"))
    ends = keyed(observed, {"wave": columns["wave"]}, ["end"]).groupby("wave")["end"].max()
    return people.assign(end=people["wave"].map(ends))


def _cut(
    came: pd.DataFrame, counts: pd.DataFrame, silent: pd.MultiIndex, by: list[str], days: int | None
) -> pd.DataFrame:
    """Count careers and members in each cell of one cut; cells of silent organisations alone are not reported."""
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
    """Count in each cell the careers, those followed long enough and those of them with a second time; and the people."""
    within, followed = came["second"].notna(), pd.Series(True, index=came.index)
    if days is not None:
        limit = pd.Timedelta(days=days)
        followed = came["end"] - came["first"] >= limit
        within = followed & (came["second"] - came["first"] <= limit)
    shown: dict[str, Any] = {
        "people": ~came.duplicated([*by, "member"]),  # each person once, at the first of their careers in the cell
        "took_part": came["counted"],
        "followed": followed,
        "returned": within,
        "followed_counted": followed & came["counted"],
        "returned_counted": within & came["counted"],
    }
    return came[by].assign(**shown).groupby(by)[COUNTS].sum().astype("float64").reset_index()


def _rows(cells: pd.DataFrame) -> pd.DataFrame:
    """Write the shares of every cell, the number of distinct people where the registry has none."""
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
    """Took part times returned: the second share is that of the careers followed."""
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
