"""How many members come, and how many come again: attraction by organisation, place and channel, from the log.

The first form answers two steps of the way from being reached to staying: took part and returned. The other steps are
rows that say they were not asked. Sources: `careers` (a wave, member and organisation) and the registry's counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import pandas as pd

from analysis.tidy import ALL, domain_key, tidy_frame

TERMS = ("reached", "joined", "took_part", "returned", "stayed", "volunteered", "intends")
ANSWERED = ("took_part", "returned")
Z = NormalDist().inv_cdf(0.975)
KEY = ["wave", "group", "node"]
PLACES = {"wave": "wave", "group": "group", "region": "node"}
COUNTS = ["people", "took_part", "followed", "returned", "returned_counted", "open"]
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

    With :math:`T` the people who took part in the window, :math:`R` those of them with a second time (within
    ``returned_days`` of the first where given), and :math:`N` the registry's members:

    ========= =========== ===========================================
    term      statistic   estimate
    ========= =========== ===========================================
    took_part conditional :math:`T/N`
    took_part cumulative  :math:`T/N` (the first step that is measured)
    returned  conditional :math:`R/T`
    returned  cumulative  :math:`R/N`
    took_part people      :math:`T`, where there is no registry number
    ========= =========== ===========================================

    Intervals are Wilson's (1927, the score interval) at 95 % on n. The log is a census of what happened; the interval
    treats the people seen as a draw from those who might come, and says nothing about gaps in the log.

    Parameters
    ----------
    cells : DataFrame or None
        Not read in this form (staying and trends will need it).
    careers : DataFrame
        ``member, first, second`` and the columns named by ``wave, group, region``; ``channel`` adds that cut.
    members : DataFrame or None
        Survey answers; not read in this form (reached, joined, volunteered, intends will need it).
    registry : DataFrame or None
        ``members`` (count) and the named columns. A place's number is its own row, else the sum right below it. None:
        cumulative rows are ``not_asked``.
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
        Positive. A person whose first time lies less than that before the log's end and who has not come again is
        not in the denominators of returned. Recent people who did return stay in, so that the share leans upward
        where many began late.

    Returns
    -------
    AttractionFit
        ``n`` = ``n_eff`` = people in the denominator. Cuts: all, group, region (every level), both, and ``channel=...``
        (people with a career there whose most used channel it is, of all members).

    Raises
    ------
    ValueError
        For missing columns, a place that is its own ancestor, or ``returned_days`` without ``observed``.

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
    _check(careers, registry, columns, observed, returned_days)
    parents = _parents(hierarchy)
    people = _people(careers, observed, columns)
    given = pd.DataFrame(columns=[*columns, "members"]) if registry is None else _keyed(registry, columns, ["members"])
    counts = _rolled(given, "members", parents)
    silent = _silent(observed, wave, pd.concat([people[["wave", "group"]], counts[["wave", "group"]]]))
    came = _placed(people[~_in(people, silent)], parents, counts)
    by = [["wave", "node"], ["wave", "group", "node"]] + ([["wave", "channel"]] if "channel" in people else [])
    tables = [_cut(came, counts, silent, keys, returned_days) for keys in by]
    cells_found = pd.concat(tables, ignore_index=True)
    return AttractionFit(
        tidy_frame(pd.concat([_rows(cells_found), _unasked(cells_found)], ignore_index=True)), returned_days
    )


def _check(
    careers: pd.DataFrame,
    registry: pd.DataFrame | None,
    columns: Mapping[str, str | None],
    observed: pd.DataFrame | None,
    returned_days: int | None,
) -> None:
    named = [c for c in columns.values() if c is not None]
    wanted = {"careers": (careers, ["member", "first", "second", *named]), "registry": (registry, ["members", *named])}
    for name, (frame, needed) in wanted.items():
        absent = [] if frame is None else [c for c in needed if c not in frame.columns]
        if absent:
            raise ValueError(f"the {name} frame lacks the columns {absent}; it needs {needed}")
    if returned_days is not None and returned_days <= 0:
        raise ValueError(f"returned_days is a number of days above 0, or None; it is {returned_days}")
    if returned_days is not None and observed is None:
        raise ValueError(
            "returned_days needs observed: without the log's end nobody can say who still had time to return"
        )


def _people(careers: pd.DataFrame, observed: pd.DataFrame | None, columns: Mapping[str, str | None]) -> pd.DataFrame:
    """Key the careers and give each the end of the log that saw it."""
    people = _keyed(careers, columns, [c for c in ("member", "first", "second", "channel") if c in careers])
    if observed is None:
        return people.assign(end=pd.Series(pd.NaT, index=people.index, dtype="datetime64[us]"))
    ends = _keyed(observed, {"wave": columns["wave"]}, ["end"]).groupby("wave")["end"].max()
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
    mute = _in(known, silent)
    found = _counted(here, by, days)
    members = known[~mute].groupby(places)["members"].sum().reset_index()
    found = found.merge(members, on=places, how="outer" if "node" in by else "left")
    found[COUNTS] = found[COUNTS].fillna(0)
    quiet = silent.to_frame(index=False).assign(node=ALL)
    mine = pd.concat([known.loc[mute, places], quiet[quiet["group"] != ALL][places]]).drop_duplicates()
    mine = mine[~_in(mine, pd.MultiIndex.from_frame(found[places]))] if "node" in by else mine[:0]
    return pd.concat([found.assign(reported=True), mine.assign(reported=False)], ignore_index=True)


def _counted(came: pd.DataFrame, by: list[str], days: int | None) -> pd.DataFrame:
    """Count in each cell the people, those who returned and those who still had time to, each person once."""
    person = came.groupby([*by, "member"], sort=False).ngroup()
    # Another organisation's first time is a second time, unless it is the same moment: a joint activity.
    later = came["first"].where(came["first"] > came["first"].groupby(person).transform("min"))
    again = came["second"].where(came["second"].le(later) | later.isna(), later)
    each = came.assign(again=again).groupby(person)
    one = each[[*by, "end"]].first().join(each[["first", "again"]].min()).join(each["counted"].any())
    within = one["again"].notna()
    censored = within & False
    if days is not None:
        limit = pd.Timedelta(days=days)
        censored = one["again"].isna() & (one["end"] - one["first"] < limit)
        within &= one["again"] - one["first"] <= limit
    shown: dict[str, Any] = {
        "people": 1,
        "took_part": one["counted"],
        "followed": ~censored,
        "returned": within,
        "returned_counted": within & one["counted"],
        "open": censored & one["counted"],
    }
    return one[by].assign(**shown).groupby(by)[COUNTS].sum().astype("float64").reset_index()


def _rows(cells: pd.DataFrame) -> pd.DataFrame:
    """Write the shares of every cell, the number of people where the registry has none."""
    keys = pd.DataFrame({k: cells.get(c, ALL) for k, c in PLACES.items()}, index=cells.index).fillna(ALL)
    if "channel" in cells:
        keys["domain"] = [ALL if pd.isna(c) else domain_key({"channel": c}) for c in cells["channel"]]
    came, members, open_ = cells["took_part"], cells["members"], cells["open"]
    shares = [
        ("took_part", "conditional", came, members),
        ("took_part", "cumulative", came, members),
        ("returned", "conditional", cells["returned"], cells["followed"]),
        ("returned", "cumulative", cells["returned_counted"], members - open_),
    ]
    tables = [
        keys.assign(term=term, statistic=statistic).join(_share(count, n, cells, statistic, term))
        for term, statistic, count, n in shares
    ]
    alone = cells["reported"] & members.isna()
    people = cells.loc[alone, "people"]
    heads = keys[alone].assign(
        term="took_part", statistic="people", estimate=people, n=people, n_eff=people, status="ok"
    )
    return pd.concat([*tables, heads]).sort_index(kind="stable")


def _share(count: pd.Series, n: pd.Series, cells: pd.DataFrame, statistic: str, term: str) -> pd.DataFrame:
    """One share of every cell, with the reason where it cannot be given."""
    of_log = (term, statistic) == ("returned", "conditional")
    status = pd.Series("ok", index=cells.index, dtype=object)
    status = status.mask(~(n > 0) | (count > n), "not_estimable")
    too_many = pd.Series(False, index=cells.index) if of_log else cells["took_part"] > cells["members"]
    status = status.mask(too_many, "not_estimable").mask(n.isna() & (not of_log), "not_asked")
    status = status.mask(~cells["reported"], "not_reported")
    numbers = _wilson(count, n.where(n > 0))
    numbers.loc[status != "ok", ["estimate", "std_error", "conf_low", "conf_high"]] = None
    basis = pd.Series("", index=cells.index).mask((status == "not_estimable") & too_many, TOO_SMALL)
    return numbers.assign(status=status, basis=basis)


def _unasked(cells: pd.DataFrame) -> pd.DataFrame:
    waves = sorted(cells["wave"].unique()) or [ALL]
    rows = [(w, term, "cumulative", "not_asked") for w in waves for term in TERMS if term not in ANSWERED]
    return pd.DataFrame(rows, columns=["wave", "term", "statistic", "status"])


def _keyed(frame: pd.DataFrame, columns: Mapping[str, str | None], kept: Sequence[str] = ()) -> pd.DataFrame:
    """Give the key columns under their own names as text, `*` where missing or not cut by, and the columns kept."""
    rows = frame.reset_index(drop=True)
    whole = pd.Series(ALL, index=rows.index, dtype="str")
    keys = {k: whole if c is None else rows[c].astype("str").fillna(ALL) for k, c in columns.items()}
    return pd.DataFrame(keys, index=rows.index).assign(**{c: rows[c] for c in kept})


def _parents(hierarchy: pd.DataFrame | None) -> dict[str, str]:
    """Give the parent of each place, `*` at the top; refuse a place that is its own ancestor."""
    if hierarchy is None:
        return {}
    codes = set(hierarchy["code"])
    above = hierarchy["parent"].where(hierarchy["parent"].isin(codes), ALL)
    parents = {str(c): str(p) for c, p in zip(hierarchy["code"], above, strict=True)}
    for code in parents:
        _path(code, parents)
    return parents


def _path(code: str, parents: Mapping[str, str]) -> list[str]:
    """Give a place and all above it, `*` last."""
    path = [code]
    while path[-1] != ALL:
        path.append(parents.get(path[-1], ALL))
        if len(path) > len(parents) + 2:
            raise ValueError(f"the place {code} is its own ancestor: mend the hierarchy's parents")
    return path


def _rolled(registry: pd.DataFrame, count: str, parents: Mapping[str, str]) -> pd.DataFrame:
    """Count each wave, group and node: its own row, else the sum right below it."""
    given = registry.dropna(subset=[count])
    own: dict[tuple[str, str, str], float] = {}
    for wave, group, place, value in zip(*(given[c] for c in ("wave", "group", "region", count)), strict=True):
        own[wave, group, place] = own.get((wave, group, place), 0.0) + float(value)
    known = dict(own)
    heads = sorted({(wave, group) for wave, group, _ in own})
    places = {*parents, *given["region"]} - {ALL}
    for place in sorted(places, key=lambda c: (-len(_path(c, parents)), c)):
        above = parents.get(place, ALL)
        for wave, group in heads:
            if (wave, group, place) in known and (wave, group, above) not in own:
                known[wave, group, above] = known.get((wave, group, above), 0.0) + known[wave, group, place]
    rows = [(*key, value) for key, value in sorted(known.items())]
    return pd.DataFrame(rows, columns=[*KEY, count]).astype(dict.fromkeys(KEY, "str") | {count: "float64"})


def _silent(observed: pd.DataFrame | None, wave: str | None, seen: pd.DataFrame) -> pd.MultiIndex:
    """Name the waves and groups whose log is not there: not observed, or observed as not reporting."""
    pairs = pd.MultiIndex.from_frame(seen[["wave", "group"]].drop_duplicates())
    if observed is None:
        return pairs[:0]
    keys = _keyed(observed, {"wave": wave, "group": "organisation"}, ["reported"])
    reported = keys.pop("reported").astype(bool)
    heard = pd.MultiIndex.from_frame(keys[reported])
    # A registry that is not cut by group belongs to whoever reported in its wave.
    any_group = pd.MultiIndex.from_product([heard.unique("wave"), [ALL]], names=["wave", "group"])
    return pairs.union(pd.MultiIndex.from_frame(keys)).difference(heard.union(any_group))


def _in(frame: pd.DataFrame, pairs: pd.MultiIndex) -> pd.Series:
    names = [str(n) for n in pairs.names]
    return pd.Series(pd.MultiIndex.from_frame(frame[names]).isin(pairs), index=frame.index)


def _placed(people: pd.DataFrame, parents: Mapping[str, str], counts: pd.DataFrame) -> pd.DataFrame:
    """Repeat each career at its place and all above it; mark those that the registry counts there."""
    lines = pd.DataFrame(
        [(c, n) for c in people["region"].unique() for n in _path(c, parents)], columns=["region", "node"]
    )
    came = people.merge(lines.astype("str"), on="region")
    there = _in(came, pd.MultiIndex.from_frame(counts[KEY]))
    return came.assign(counted=there | _in(came.assign(group=ALL), pd.MultiIndex.from_frame(counts[KEY])))


def _wilson(count: pd.Series, n: pd.Series) -> pd.DataFrame:
    """Share, its standard error and Wilson's interval."""
    p = count / n
    centre, half = (p + Z**2 / (2 * n)), Z * (p * (1 - p) / n + (Z / (2 * n)) ** 2).pow(0.5)
    low, high = (centre - half) / (1 + Z**2 / n), (centre + half) / (1 + Z**2 / n)
    numbers = {
        "estimate": p,
        "std_error": (p * (1 - p) / n).pow(0.5),
        "conf_low": low.clip(0),
        "conf_high": high.clip(upper=1),
    }
    return pd.DataFrame(numbers | {"n": n, "n_eff": n})
