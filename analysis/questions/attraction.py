"""Who is reached, who comes, who comes back and who stays: attraction by organisation, place, channel, kind of member and wave.

What is counted is the career, a member with an organisation, as the registry counts memberships: a row over several
organisations is then the average of theirs, each with its size. Sources: `careers` (a row a wave, member and organisation),
the registry's counts, and for what people say of themselves the survey's answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.career_counts import added_up, distinct_members
from analysis.methods.careers import lay_out, measured
from analysis.methods.counts import (
    among,
    given,
    keyed,
    of_cut,
    parents_of,
    place_people,
    require,
    roll_up,
    silent_groups,
    wilson,
)
from analysis.methods.design import Design
from analysis.methods.mixed import MixedFit
from analysis.methods.pooled_shares import TOO_SMALL, cells_of, pooled_shares
from analysis.methods.said import linked_shares, said_shares
from analysis.methods.series import mark_broken
from analysis.tidy import ALL, domain_key, tidy_frame

TERMS = ("reached", "joined", "took_part", "returned", "stayed", "volunteered", "intends")
SAID = ("reached", "intends")  # told by the survey
PLACES = {"wave": "wave", "group": "group", "region": "node"}


@dataclass(frozen=True, slots=True, repr=False)
class AttractionFit:
    """Attraction by wave, organisation, place, channel and kind of member."""

    rows: (
        pd.DataFrame
    )  #: tidy table; shares in [0, 1], or a number of distinct members where ``statistic`` is ``people``
    fits: dict[tuple[str, str], MixedFit]  #: (wave, term) to the model behind the shrunken shares
    returned_days: (
        int | None
    )  #: days after the first time within which a second one counts; None: any second time in the window

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        told = [t for t in TERMS if ((self.rows["term"] == t) & (self.rows["status"] != "not_asked")).any()]
        states = ", ".join(f"{k} {v}" for k, v in self.rows["status"].value_counts().items())
        days = "any time in the window" if self.returned_days is None else f"{self.returned_days} days"
        return f"AttractionFit({', '.join(told)}; returned within {days}; {len(self.fits)} models; {states})"


def fit_attraction(
    cells: pd.DataFrame | None,
    careers: pd.DataFrame,
    members: pd.DataFrame | None,
    registry: pd.DataFrame | None,
    *,
    observed: pd.DataFrame | None,
    design: Design | None = None,
    group: str | None,
    region: str | None,
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    returned_days: int | None = None,
    window_days: int | None = None,
    by: Sequence[str] = (),
    link: str = "log_member",
    min_reliability: float = 0.7,
) -> AttractionFit:
    r"""Estimate the steps from being reached to staying, each as a share of those before it and of all.

    Counted are careers: a member with an organisation, or in a study without organisations (``group=None``) a member.
    With :math:`N` the registry's memberships, :math:`E` those the organisation is there for (``eligible``), :math:`T` the
    careers with a time in the window, and of each later step :math:`F` those of T that the log could follow and :math:`S`
    those of F that took it:

    =========== ===================================================================== ===================== ==============
    term        who                                                                   conditional           cumulative
    =========== ===================================================================== ===================== ==============
    reached     members who say so (answers)                                          share of members      the same
    joined      memberships of those the organisation is there for                    :math:`N/E`           the same
    took_part   a time in the window                                                  :math:`T/N`           the same
    returned    a second time with the same organisation in the window, within        :math:`S/F`           :math:`(T/N)(S/F)`
                ``returned_days`` of the first; F: first times at least that many
                days before the log's end
    stayed      a time with the same organisation in the next window; F: of           :math:`S/F`           :math:`(T/N)(S/F)`
                organisations that reported then
    volunteered a time as a volunteer; F: of organisations whose log tells roles      :math:`S/F`           :math:`(T/N)(S/F)`
    intends     members who say that they mean to (answers)                           share of members      the same
    =========== ===================================================================== ===================== ==============

    The conditional share of the last three steps from the log is *of those who took part*. ``took_part`` also has
    ``people``, the distinct members of T, where there is no registry number. Conditional shares from the log have a third
    statistic, ``shrunken_share``: by a logit mixed model of organisations, places and their combinations, on the cells of the
    finest level of places that holds nine in ten (`analysis.methods.pooled_shares`); ``pooled`` where more than 1 less
    `min_reliability` of it is borrowed.

    T, N, F and S add up over organisations (T, F and S also over channels): the share of a row over several of them is
    the average of theirs, weighted by N or F. A career that began too late to be followed counts in neither S nor F,
    also where there is a second time already: taking the quick ones among them would lean the share upward. It is
    assumed that late beginners return like early ones. The next window of a wave is that of the first later wave that does not
    reach back into it: the last wave's ``stayed`` is ``not_estimable`` until there is one.

    Intervals of counts are Wilson's (1927, the score interval) at 95 % on the denominator; for the product on the effective n
    :math:`(1-pr) / \bigl(r(1-p)/N + p(1-r)/F\bigr)` with :math:`p = T/N, r = S/F`, which gives it the variance of a
    product of two independent shares (delta method) and is N where F = T. The log is a census of what happened; the
    interval treats the careers seen as independent draws from those there might be (over organisations it is somewhat
    too narrow where the same people are in several), and says nothing about gaps in the log. Shares of answers have the
    design's errors (`analysis.estimates`).

    Parameters
    ----------
    cells : DataFrame or None
        Not read: months by place do not say who came again.
    careers : DataFrame
        ``member``, ``second`` (with ``first``) or ``count`` (times), and the columns named by ``wave, group, region``, one row a
        wave, member and group; ``last``, ``channel`` and ``volunteered`` where known. ``second`` is the member's second time with
        that group; missing: none.
    members : DataFrame or None
        Answers: columns ``reached`` and ``intends`` (1, 0, missing) where they were asked, those of `by`, and `link`.
    registry : DataFrame or None
        ``members`` (count of memberships), ``eligible`` where known, and the named columns. A place's number is its own row,
        else the sum right below it. None or empty: shares of members are ``not_asked``.
    observed : DataFrame or None
        ``organisation, end, reported`` (and the wave's column), ``roles`` where known. Organisations that are not in it, or did
        not report, are ``not_reported``, and neither their careers nor their members count in ``*``. None: all reported.
    design : Design, optional
        Of the answers. None: a simple random sample.
    group, region, wave : str or None
        Column names; None: not cut by it.
    hierarchy : DataFrame or None
        ``code, parent``: a place stands for itself and all below it. With ``comparable_from``, earlier waves of places whose
        boundaries moved are ``series_broken`` (`analysis.methods.series`).
    returned_days : int, optional
        Positive. Only careers followed that long count in returned, and only their second times within it. None: all
        careers, any second time in the window.
    window_days : int, optional
        Positive. Length of each wave's window. None: no limit, the next window is then the next wave's.
    by : sequence of str
        Columns of `members` that the log does not have (kind of employer): steps from the log are then those of members who
        agreed to be linked, with the design's errors.
    link : str
        Column of `members`: the name in the log, missing where a member did not agree.
    min_reliability : float
        Between 0 and 1.

    Returns
    -------
    AttractionFit
        ``n`` = the denominator: memberships N or careers F, over several organisations often more than there are
        persons; for ``people`` the distinct members, for answers those who answered. ``n_eff`` = n but for products and
        answers. Cuts: all, group, region (every level), both, ``channel=...`` (careers whose most used channel it is, of all
        members), and ``column=...`` of `by`.

    Raises
    ------
    ValueError
        For missing columns, several rows for a wave, member and group, a place that is its own ancestor, a hierarchy
        without ``region``, windows without ``observed``, answers other than 1 and 0, or options that change nothing.

    Notes
    -----
    A person in two organisations counts twice over organisations, and coming once to each is not coming again. A joint
    activity is a time with each of its organisers. Careers and members of a cell are taken from the same organisations:
    those that the registry counts there; its rows without an organisation are taken to count memberships too. More
    careers than members is ``not_estimable``. An organisation that reported nothing is ``not_reported``, and one whose log does
    not tell roles has no volunteers that are known: neither is a zero. Those who agreed to be linked may differ from the rest.

    Examples
    --------
    >>> when = pd.to_datetime(["2024-01-01", "2024-02-01"])
    >>> came = pd.DataFrame({"member": ["a", "b"], "first": when, "second": [when[1], None], "last": when[1]})
    >>> fit = fit_attraction(None, came, None, None, observed=None, group=None, region=None, wave=None, hierarchy=None)
    >>> fit.tidy().query("term == 'returned' and statistic == 'conditional'")["estimate"].item()
    0.5
    """
    columns = {"wave": wave, "group": group, "region": region}
    registry, members = given(registry), given(members)
    if isinstance(by, str) or (by and members is None):
        raise ValueError(f"by is a list of columns of members, and needs them; it is {by!r}")
    require("registry", registry, ["members", *columns.values()])
    require("members", members, [wave, *(c for c in (group, region) if c is not None), *by, *([link] if by else [])])
    _check(careers, columns, observed, (returned_days, window_days))
    parents = parents_of(hierarchy, region)
    design = design or Design()
    tables = [_said(members, columns, hierarchy, by, design), _joined(registry, columns, parents)]
    fits: dict[tuple[str, str], MixedFit] = {}
    if len(careers):
        counts = roll_up(None if registry is None else keyed(registry, columns, ["members"]), "members", parents)
        silent = silent_groups(
            observed, wave, pd.concat([keyed(careers, columns)[["wave", "group"]], counts[["wave", "group"]]])
        )
        people = lay_out(careers, observed, columns, silent, returned_days=returned_days, window_days=window_days)
        steps = measured(people)
        found = _counts(people[~among(people, silent)], parents, counts, silent, steps)
        tables.append(_rows(found, steps))
        levels = None if hierarchy is None or "level" not in hierarchy else _levels(hierarchy)
        pooled, fits = _pooled(found, levels, group is not None, steps, min_reliability)
        tables.append(pooled)
        if by and members is not None:
            tables.append(linked_shares(members, people, steps, columns, by, link=link, silent=silent, design=design))
    rows = tidy_frame(pd.concat([t for t in tables if len(t)] or [tidy_frame([])], ignore_index=True))
    rows = tidy_frame(pd.concat([rows, _unasked(rows)], ignore_index=True))
    return AttractionFit(mark_broken(rows, hierarchy), fits, returned_days)


def _check(
    careers: pd.DataFrame,
    columns: Mapping[str, str | None],
    observed: pd.DataFrame | None,
    days: tuple[int | None, int | None],
) -> None:
    second = ["first", "second"] if "second" in careers or "count" not in careers else []
    require("careers", careers, ["member", *second, *columns.values()])
    for name, value in zip(("returned_days", "window_days"), days, strict=True):
        if value is not None and value <= 0:
            raise ValueError(f"{name} is a number of days above 0, or None; it is {value}")
        if value is not None and observed is None:
            raise ValueError(
                f"{name} needs observed: without the log's end nobody can say who still had time to return"
            )
    if days[0] is not None and not second:
        raise ValueError("returned_days needs the columns first and second of the careers")


def _levels(hierarchy: pd.DataFrame) -> dict[str, str]:
    return dict(zip(hierarchy["code"].astype("str"), hierarchy["level"].astype("str"), strict=True))


def _said(
    members: pd.DataFrame | None,
    columns: Mapping[str, str | None],
    hierarchy: pd.DataFrame | None,
    by: Sequence[str],
    design: Design,
) -> pd.DataFrame:
    terms = [] if members is None else [t for t in SAID if t in members and members[t].notna().any()]
    if members is None or not terms:
        return tidy_frame([])
    return said_shares(members, terms, columns, hierarchy, by, design)


def _joined(
    registry: pd.DataFrame | None, columns: Mapping[str, str | None], parents: Mapping[str, str]
) -> pd.DataFrame:
    """Memberships of those that the organisation is there for, both from the same rows of the registry."""
    if registry is None or "eligible" not in registry or registry["eligible"].isna().all():
        return tidy_frame([])
    whole = keyed(registry, columns, ["members", "eligible"]).dropna(subset=["members", "eligible"])
    keys = ["wave", "group", "node"]
    both = [roll_up(whole, count, parents).set_index(keys) for count in ("members", "eligible")]
    known = both[0].join(both[1]).reset_index()
    tables = []
    for by in (["wave"], ["wave", "group"], ["wave", "node"], keys):
        cells = of_cut(known, by).groupby(by)[["members", "eligible"]].sum().reset_index()
        too_many = cells["members"] > cells["eligible"]
        numbers = wilson(cells["members"], cells["eligible"])
        numbers.loc[too_many, ["estimate", "std_error", "conf_low", "conf_high"]] = None
        heads = pd.DataFrame({k: cells.get(c, ALL) for k, c in PLACES.items()}, index=cells.index).fillna(ALL)
        tables.append(heads.assign(term="joined").join(numbers))
    rows = pd.concat(tables, ignore_index=True)
    return pd.concat([rows.assign(statistic=s) for s in ("conditional", "cumulative")], ignore_index=True)


def _counts(
    people: pd.DataFrame,
    parents: Mapping[str, str],
    counts: pd.DataFrame,
    silent: pd.MultiIndex,
    steps: Sequence[str],
) -> pd.DataFrame:
    """Counts of every cell of every cut; a step that a wave cannot tell of anybody is not known of those who did not come."""
    ways = ["channel"] if "channel" in people else []
    flags = [f"{s}{part}" for s in steps for part in ("", "_followed", "_mute")]
    cells = added_up(people.fillna(dict.fromkeys(ways, "")), ["wave", "group", "region", *ways], flags)
    came = place_people(cells, parents, counts)
    by = [["wave", "node"], ["wave", "group", "node"], *([["wave", "channel"]] if ways else [])]
    tables = [_cut(came, counts, silent, keys, steps) for keys in by]
    found = pd.concat([_with_people(t, people, k, parents) for t, k in zip(tables, by, strict=True)], ignore_index=True)
    for step in steps:
        told = people.groupby("wave")[f"{step}_followed"].any()
        found[f"{step}_told"] = found["wave"].map(told).eq(True)
    return found


def _columns(steps: Sequence[str]) -> list[str]:
    """Counts of a cell."""
    own = [f"{s}{part}" for s in steps for part in ("", "_followed", "_mute", "_counted", "_followed_counted")]
    return ["took_part", "all_seen", *own]


def _cut(
    came: pd.DataFrame, counts: pd.DataFrame, silent: pd.MultiIndex, by: list[str], steps: Sequence[str]
) -> pd.DataFrame:
    """Count careers and members in each cell of one cut; cells of silent organisations alone are not reported."""
    here = came if "node" in by else came[(came["node"] == ALL) & (came["channel"] != "")]
    here = here[here["group"] != ALL] if "group" in by else here
    places = [k for k in by if k != "channel"]
    known = counts if "node" in by else counts[counts["node"] == ALL]
    known = known[known["group"] != ALL] if "group" in by else known
    mute = among(known, silent)
    found = _counted(here, by, steps)
    members = known[~mute].groupby(places)["members"].sum().reset_index()
    found = found.merge(members, on=places, how="outer" if "node" in by else "left")
    found[_columns(steps)] = found[_columns(steps)].fillna(0)
    quiet = silent.to_frame(index=False).assign(node=ALL)
    mine = pd.concat([known.loc[mute, places], quiet[quiet["group"] != ALL][places]]).drop_duplicates()
    mine = mine[~among(mine, pd.MultiIndex.from_frame(found[places]))] if "node" in by else mine[:0]
    return pd.concat([found.assign(reported=True), mine.assign(reported=False)], ignore_index=True)


def _counted(came: pd.DataFrame, by: list[str], steps: Sequence[str]) -> pd.DataFrame:
    """Count in each cell the careers, those followed and those of them that took the step."""
    shown = {"took_part": came["careers"].where(came["counted"], 0.0), "all_seen": came["careers"]}
    for s in steps:
        shown |= {part: came[part] for part in (s, f"{s}_followed", f"{s}_mute")}
        shown |= {f"{part}_counted": came[part].where(came["counted"], 0.0) for part in (s, f"{s}_followed")}
    return came[by].assign(**shown).groupby(by)[_columns(steps)].sum().reset_index()


def _with_people(cells: pd.DataFrame, people: pd.DataFrame, by: list[str], parents: Mapping[str, str]) -> pd.DataFrame:
    """Count the people of a cut, who are fewer than their careers where organisations are together, if some number is wanted."""
    if "group" in by or not (cells["reported"] & cells["members"].isna()).any():
        return cells.assign(people=cells["all_seen"])
    once = distinct_members(people, by, parents)
    return cells.merge(once, on=by, how="left").fillna({"people": 0.0})


def _rows(cells: pd.DataFrame, steps: Sequence[str]) -> pd.DataFrame:
    """Write the shares of every cell, the number of distinct people where the registry has none."""
    keys = pd.DataFrame({k: cells.get(c, ALL) for k, c in PLACES.items()}, index=cells.index).fillna(ALL)
    if "channel" in cells:
        keys["domain"] = [ALL if pd.isna(c) else domain_key({"channel": c}) for c in cells["channel"]]
    took_part = _of_members(wilson(cells["took_part"], cells["members"]), cells)
    shares = [("took_part", "conditional", took_part), ("took_part", "cumulative", took_part)]
    for step in steps:
        shares.append((step, "conditional", _of_those_seen(cells, step)))
        shares.append((step, "cumulative", _step_of_members(cells, step)))
    tables = [keys.assign(term=term, statistic=statistic).join(numbers) for term, statistic, numbers in shares]
    alone = cells["reported"] & cells["members"].isna()
    people = cells.loc[alone, "people"]
    heads = keys[alone].assign(
        term="took_part", statistic="people", estimate=people, n=people, n_eff=people, status="ok"
    )
    return pd.concat([*tables, heads]).sort_index(kind="stable")


def _of_those_seen(cells: pd.DataFrame, step: str) -> pd.DataFrame:
    """The step's share of the careers that the log could follow."""
    followed = cells[f"{step}_followed"]
    status = pd.Series("ok", index=cells.index, dtype=object).mask(followed == 0, "not_estimable")
    status = status.mask((followed == 0) & (cells[f"{step}_mute"] > 0), "not_reported")
    status = status.mask(~cells["reported"], "not_reported")
    return wilson(cells[step], followed).assign(status=status, basis="")


def _step_of_members(cells: pd.DataFrame, step: str) -> pd.DataFrame:
    """Took part times the step: the second share is that of the careers followed."""
    members, followed = cells["members"], cells[f"{step}_followed_counted"]
    p = cells["took_part"] / members.where(members > 0)
    # Where nobody came the product is 0, whatever share might have gone on; but for a step that is not known of anybody.
    none_came = (cells["took_part"] == 0) & cells[f"{step}_told"]
    r = (cells[f"{step}_counted"] / followed.where(followed > 0)).mask(none_came, 1.0)
    spread = r * (1 - p) / members + p * (1 - r) / followed.where(followed > 0, 1.0)
    n_eff = ((1 - p * r) / spread).where(spread > 0, followed).mask(followed == cells["took_part"], members)
    numbers = _of_members(wilson(p * r * n_eff, n_eff).assign(n=members.where(members > 0)), cells)
    silent = (followed == 0) & (cells[f"{step}_mute"] > 0) & (numbers["status"] == "not_estimable")
    return numbers.assign(status=numbers["status"].mask(silent, "not_reported"))


def _of_members(numbers: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Say why a share of members cannot be given, and take its numbers away."""
    too_many = cells["took_part"] > cells["members"]
    status = pd.Series("ok", index=cells.index, dtype=object)
    status = status.mask(numbers["estimate"].isna() | too_many, "not_estimable")
    status = status.mask(cells["members"].isna(), "not_asked").mask(~cells["reported"], "not_reported")
    numbers.loc[status != "ok", ["estimate", "std_error", "conf_low", "conf_high"]] = None
    basis = pd.Series("", index=cells.index).mask((status == "not_estimable") & too_many, TOO_SMALL)
    return numbers.assign(status=status, basis=basis)


def _pooled(
    cells: pd.DataFrame, levels: Mapping[str, str] | None, grouped: bool, steps: Sequence[str], min_reliability: float
) -> tuple[pd.DataFrame, dict[tuple[str, str], MixedFit]]:
    """Shares by a model of organisations and places, wave by wave and step by step."""
    own = cells[cells["reported"] & cells["node"].notna()]
    own = own[own["group"].notna()] if grouped else own[own["group"].isna()].assign(group=ALL)
    tables, fits = [tidy_frame([])], dict[tuple[str, str], MixedFit]()
    for wave, part in own.groupby("wave"):
        places = cells_of(part, levels)
        asked = {"took_part": ("took_part", "members", "members")}
        asked |= {s: (s, f"{s}_followed", "all_seen") for s in steps}
        for term, (done, trials, weight) in asked.items():
            some = places[places[trials].notna()]
            if some[trials].sum() > 0:
                rows, fit = pooled_shares(
                    some, done=done, trials=trials, weight=weight, term=term, min_reliability=min_reliability
                )
                tables.append(rows.assign(wave=wave))
                fits |= {} if fit is None else {(str(wave), term): fit}
    return pd.concat(tables, ignore_index=True), fits


def _unasked(rows: pd.DataFrame) -> pd.DataFrame:
    """A row of each wave for a step that nothing tells of."""
    waves = sorted(rows["wave"].unique()) or [ALL]
    told = set(zip(rows["wave"], rows["term"], strict=True))
    gone = [(w, t) for w in waves for t in TERMS if (w, t) not in told]
    found = pd.DataFrame(gone, columns=["wave", "term"])
    return found.assign(statistic="cumulative", status="not_asked")
