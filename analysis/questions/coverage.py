"""How many of those it is there for an organisation reaches: coverage of people and of organisations, and blind spots.

Two full coverages are asked for: of members (from `careers` against the registry's members) and of organisations
(the registry's established ones against all). Each unit is compared with its target, with its interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import pandas as pd

from analysis.tidy import ALL, tidy_frame

CUTS = ("group", "region")
TERMS = {"coverage": "took_part", "organisation_coverage": "established"}
PARTS = {"coverage": ("people", "members"), "organisation_coverage": ("established", "organisations")}
Z = NormalDist().inv_cdf(0.975)
KEY = ["wave", "group", "node"]
TOO_SMALL = "registry smaller than log"
TOO_MANY = "more established than organisations"
NUMBERS = ["estimate", "std_error", "conf_low", "conf_high"]


@dataclass(frozen=True, slots=True)
class CoverageFit:
    """Coverage of one cut.

    Attributes
    ----------
    rows : DataFrame
        Tidy table; shares in [0, 1], gaps in [-1, 1], blind spots a number of units.
    cut : str
        ``*``, ``group``, ``region`` or ``group:region``.
    targets : dict
        {statistic: share} that the rows were compared with.
    """

    rows: pd.DataFrame
    cut: str
    targets: dict[str, float]

    def tidy(self) -> pd.DataFrame:
        """Return the rows, one a number."""
        return self.rows.copy()

    def __repr__(self) -> str:
        status = self.rows["status"].value_counts().to_dict()
        return f"CoverageFit(by {self.cut}; targets {self.targets}; status {status})"


def coverage(
    registry: pd.DataFrame | None,
    careers: pd.DataFrame | None,
    *,
    observed: pd.DataFrame | None,
    by: Sequence[str],
    wave: str | None,
    hierarchy: pd.DataFrame | None,
    target: Mapping[str, float] | None = None,
) -> CoverageFit:
    r"""Compare who took part, and what is established, with the registry.

    ================= ===================== ==========================================================================
    term              statistic             estimate
    ================= ===================== ==========================================================================
    took_part         coverage              distinct people who took part / members
    established       organisation_coverage established / organisations (establishment rate)
    took_part, ...    gap_to_target         the share minus its target, its interval moved likewise
    blind_spot        coverage, ...         number of units whose share is below its target with certainty
                                            (``conf_high < target``); ``n``: the denominators of the units compared
    ================= ===================== ==========================================================================

    Intervals are Wilson's (1927, the score interval) at 95 % on the denominator. Both numerators are full counts without
    sampling error; the interval takes the units as a draw from a superpopulation, so that a rate carried by few is
    not called a blind spot by chance.

    Parameters
    ----------
    registry : DataFrame or None
        ``group, region`` and the wave's column; ``members`` for people, ``established`` and ``organisations`` for
        organisations. A place's number is its own row, else the sum right below it. None: ``not_asked``.
    careers : DataFrame or None
        ``member, group, region`` and the wave's column. None: coverage of people is ``not_asked``.
    observed : DataFrame or None
        ``organisation, reported`` and the wave's column. Organisations not in it, or that did not report, are
        ``not_reported`` and count neither as people nor as members; established ones count always. None: all reported.
    by : sequence of str
        ``()``, ``("group",)``, ``("region",)`` or both; region means places of every level.
    wave : str or None
        Column name.
    hierarchy : DataFrame or None
        ``code, parent``: a place stands for itself and all below it.
    target : mapping, optional
        {statistic or cut: share in (0, 1]}: ``coverage``, ``organisation_coverage``, or a cut's name (``*``,
        ``group``, ``region``, ``group:region``), which holds for people and goes before ``coverage``. Names of other
        cuts are for other calls.

    Returns
    -------
    CoverageFit
        ``n`` = ``n_eff`` = denominator: registry members, or organisations.

    Raises
    ------
    ValueError
        For cuts and targets that are not known, targets that touch no row of this call, missing columns.

    Notes
    -----
    A person counts once in each unit; registries count memberships, so that over several organisations the share is a lower
    bound. Units of every level count in ``blind_spot``: a place and the places below it, each.

    Examples
    --------
    >>> frame = pd.DataFrame({"group": ["a"], "region": ["x"], "members": [4]})
    >>> came = pd.DataFrame({"member": ["p"], "group": ["a"], "region": ["x"]})
    >>> fit = coverage(frame, came, observed=None, by=(), wave=None, hierarchy=None)
    >>> fit.tidy()["estimate"].tolist()
    [0.25]
    """
    targets = _targets(tuple(by), target, registry)
    parents = _parents(hierarchy)
    columns = {"wave": wave, "group": "group", "region": "region"}
    _check(registry, careers, columns)
    waves = [_keyed(f, {"wave": wave})["wave"] for f in (registry, careers, observed) if f is not None]
    tables = [_people_rows(registry, careers, observed, columns, parents, by, waves)]
    if registry is not None and {"established", "organisations"} <= set(registry.columns):
        tables.append(_organisation_rows(registry, columns, parents, by))
    shares = pd.concat(tables, ignore_index=True)
    compared = [_compared(shares, statistic, share) for statistic, share in targets.items()]
    return CoverageFit(tidy_frame(pd.concat([shares, *compared], ignore_index=True)), ":".join(by) or ALL, targets)


def _targets(
    by: tuple[str, ...], target: Mapping[str, float] | None, registry: pd.DataFrame | None
) -> dict[str, float]:
    """Choose the shares that this call's rows are compared with."""
    if by not in ((), ("group",), ("region",), ("group", "region")):
        raise ValueError(f"by is (), ('group',), ('region',) or ('group', 'region'); it is {by}")
    if not target:
        return {}
    cut = ":".join(by) or ALL
    wrong = {k: v for k, v in target.items() if k not in {*PARTS, ALL, *CUTS, "group:region"} or not 0 < v <= 1}
    if wrong:
        raise ValueError(f"targets are shares above 0 and up to 1 of {[*PARTS]} or a cut's name; not {wrong}")
    chosen = {s: target[s] for s in PARTS if s in target}
    if cut in target:
        chosen["coverage"] = target[cut]
    if not chosen:
        raise ValueError(f"the targets {list(target)} touch no row of the cut {cut}: leave them out here")
    counted = set() if registry is None else set(registry.columns)
    if "organisation_coverage" in chosen and not {"established", "organisations"} <= counted:
        raise ValueError("a target of organisation_coverage needs the registry's columns established and organisations")
    return chosen


def _check(registry: pd.DataFrame | None, careers: pd.DataFrame | None, columns: Mapping[str, str | None]) -> None:
    named = [c for c in columns.values() if c is not None]
    for name, frame, needed in (("registry", registry, named), ("careers", careers, ["member", *named])):
        absent = [] if frame is None else [c for c in needed if c not in frame.columns]
        if absent:
            raise ValueError(f"the {name} frame lacks the columns {absent}; it needs {needed}")


def _people_rows(
    registry: pd.DataFrame | None,
    careers: pd.DataFrame | None,
    observed: pd.DataFrame | None,
    columns: Mapping[str, str | None],
    parents: Mapping[str, str],
    by: Sequence[str],
    waves: Sequence[pd.Series],
) -> pd.DataFrame:
    if registry is None or careers is None or "members" not in registry.columns:
        every = sorted(set().union(*waves)) or [ALL]
        missing = pd.DataFrame(
            {"wave": every, "term": TERMS["coverage"], "statistic": "coverage", "status": "not_asked"}
        )
        return missing
    counts = _rolled(_keyed(registry, columns, ["members"]), "members", parents)
    people = _keyed(careers, columns, ["member"])
    silent = _silent(observed, columns["wave"], pd.concat([people[["wave", "group"]], counts[["wave", "group"]]]))
    came = _placed(people[~_in(people, silent)], parents, counts)
    keys = _keys(by)
    heads = _units(counts[~_in(counts, silent)], by).groupby(keys)["members"].sum().reset_index()
    seen = _units(came[came["counted"]], by).groupby(keys)["member"].nunique().rename("people").reset_index()
    found = heads.merge(seen, on=keys, how="left").fillna({"people": 0})
    shares = _shares(found, "coverage", found["people"] > found["members"], TOO_SMALL)
    quiet = silent.to_frame(index=False).assign(node=ALL)
    mute = _units(pd.concat([counts.loc[_in(counts, silent), KEY], quiet[quiet["group"] != ALL]]), by)
    mute = mute[keys].drop_duplicates()
    mute = mute[~_in(mute, pd.MultiIndex.from_frame(found[keys]))].rename(columns={"node": "region"})
    return pd.concat([shares, mute.assign(term=TERMS["coverage"], statistic="coverage", status="not_reported")])


def _organisation_rows(
    registry: pd.DataFrame, columns: Mapping[str, str | None], parents: Mapping[str, str], by: Sequence[str]
) -> pd.DataFrame:
    keyed = _keyed(registry, columns, ["established", "organisations"])
    # A place's two numbers must come from the same rows, so rows that lack one are no rows here.
    whole = keyed.dropna(subset=["established", "organisations"])
    tables = [_rolled(whole, count, parents).set_index(KEY) for count in ("established", "organisations")]
    both = _units(tables[0].join(tables[1]).reset_index(), by)
    found = both.groupby(_keys(by))[["established", "organisations"]].sum().reset_index()
    return _shares(found, "organisation_coverage", found["established"] > found["organisations"], TOO_MANY)


def _keys(by: Sequence[str]) -> list[str]:
    return ["wave", *(["group"] if "group" in by else []), *(["node"] if "region" in by else [])]


def _units(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Keep the rows of a cut: all places or the whole, groups or not."""
    rows = rows[rows["node"] != ALL] if "region" in by else rows[rows["node"] == ALL]
    return rows[rows["group"] != ALL] if "group" in by else rows


def _shares(found: pd.DataFrame, statistic: str, impossible: pd.Series, reason: str) -> pd.DataFrame:
    part, whole = PARTS[statistic]
    status = pd.Series("ok", index=found.index, dtype=object).mask(impossible | ~(found[whole] > 0), "not_estimable")
    numbers = _wilson(found[part], found[whole].where(found[whole] > 0))
    numbers.loc[status != "ok", NUMBERS] = None
    keys = found.drop(columns=[part, whole]).rename(columns={"node": "region"})
    basis = pd.Series("", index=found.index).mask(impossible, reason)
    return keys.assign(term=TERMS[statistic], statistic=statistic, status=status, basis=basis).join(numbers)


def _compared(shares: pd.DataFrame, statistic: str, target: float) -> pd.DataFrame:
    """Give each share's gap to its target, and the number of units below it with certainty."""
    rows = shares[shares["statistic"] == statistic]
    gaps = rows.assign(statistic="gap_to_target")
    moved = [c for c in ("estimate", "conf_low", "conf_high") if c in gaps]
    gaps[moved] = gaps[moved] - target
    sure = rows[rows["status"] == "ok"]
    if sure.empty:
        return gaps
    below = sure.assign(estimate=(sure["conf_high"] < target).astype(float)).groupby("wave")[["estimate", "n"]].sum()
    return pd.concat([gaps, below.reset_index().assign(term="blind_spot", statistic=statistic)])


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
