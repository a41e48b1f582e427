"""How many of those it is there for an organisation reaches: coverage of people and of organisations, and blind spots.

Two full coverages are asked for: of members (from `careers` against the registry's members) and of organisations
(the registry's established ones against all). Each unit is compared with its target, with its interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.counts import (
    KEY,
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
from analysis.methods.series import mark_broken
from analysis.tidy import ALL, domain_key, tidy_frame

CUTS = ("group", "region")
TERMS = {"coverage": "took_part", "organisation_coverage": "established"}
PARTS = {"coverage": ("people", "members"), "organisation_coverage": ("established", "organisations")}
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
    took_part         coverage              memberships (person x organisation) that took part / members
    established       organisation_coverage established / organisations (establishment rate)
    took_part, ...    gap_to_target         the share minus its target, its interval moved likewise
    blind_spot        units                 number of units whose share is below its target with certainty
                                            (``conf_high < target``); ``domain`` is ``measure=coverage`` or
                                            ``measure=organisation_coverage``; ``n``: denominators of the units compared
    ================= ===================== ==========================================================================

    Intervals are Wilson's (1927, the score interval) at 95 % on the denominator. Both numerators are full counts without
    sampling error; the interval takes the units as a draw from a superpopulation, so that a rate carried by few is
    not called a blind spot by chance.

    Parameters
    ----------
    registry : DataFrame or None
        ``group, region`` and the wave's column; ``members`` for people, ``established`` and ``organisations`` for
        organisations. A place's number is its own row, else the sum right below it. None or
        empty: ``not_asked``.
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
        ``code, parent``: a place stands for itself and all below it. With ``comparable_from``, earlier waves of places whose
        boundaries moved are ``series_broken`` (`analysis.methods.series`).
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
    Registries count memberships, so a person counts once with each organisation, as in `fit_attraction`; rows of the
    registry without an organisation are taken to count memberships too. Units of every level count in ``blind_spot``: a
    place and the places below it, each.

    Examples
    --------
    >>> frame = pd.DataFrame({"group": ["a"], "region": ["x"], "members": [4]})
    >>> came = pd.DataFrame({"member": ["p"], "group": ["a"], "region": ["x"]})
    >>> fit = coverage(frame, came, observed=None, by=(), wave=None, hierarchy=None)
    >>> fit.tidy()["estimate"].tolist()
    [0.25]
    """
    registry = given(registry)
    targets = _targets(tuple(by), target, registry)
    parents = parents_of(hierarchy, "region")
    columns = {"wave": wave, "group": "group", "region": "region"}
    require("registry", registry, list(columns.values()))
    require("careers", careers, ["member", *columns.values()])
    waves = [keyed(f, {"wave": wave})["wave"] for f in (registry, careers, observed) if f is not None]
    tables = [_people_rows(registry, careers, observed, columns, parents, by, waves)]
    if registry is not None and {"established", "organisations"} <= set(registry.columns):
        tables.append(_organisation_rows(registry, columns, parents, by))
    shares = pd.concat(tables, ignore_index=True)
    compared = [_compared(shares, statistic, share) for statistic, share in targets.items()]
    rows = mark_broken(tidy_frame(pd.concat([shares, *compared], ignore_index=True)), hierarchy)
    return CoverageFit(rows, ":".join(by) or ALL, targets)


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
        return pd.DataFrame({"wave": every, "term": TERMS["coverage"], "statistic": "coverage", "status": "not_asked"})
    counts = roll_up(keyed(registry, columns, ["members"]), "members", parents)
    people = keyed(careers, columns, ["member"])
    silent = silent_groups(observed, columns["wave"], pd.concat([people[["wave", "group"]], counts[["wave", "group"]]]))
    came = place_people(people[~among(people, silent)], parents, counts)
    keys = _keys(by)
    heads = of_cut(counts[~among(counts, silent)], keys).groupby(keys)["members"].sum().reset_index()
    seen = of_cut(came[came["counted"]], keys).drop_duplicates([*keys, "member", "group"])
    seen = seen.groupby(keys).size().rename("people").reset_index()
    found = heads.merge(seen, on=keys, how="left").fillna({"people": 0})
    shares = _shares(found, "coverage", found["people"] > found["members"], TOO_SMALL)
    quiet = silent.to_frame(index=False).assign(node=ALL)
    mute = of_cut(pd.concat([counts.loc[among(counts, silent), KEY], quiet[quiet["group"] != ALL]]), keys)
    mute = mute[keys].drop_duplicates()
    mute = mute[~among(mute, pd.MultiIndex.from_frame(found[keys]))].rename(columns={"node": "region"})
    return pd.concat([shares, mute.assign(term=TERMS["coverage"], statistic="coverage", status="not_reported")])


def _organisation_rows(
    registry: pd.DataFrame, columns: Mapping[str, str | None], parents: Mapping[str, str], by: Sequence[str]
) -> pd.DataFrame:
    rows = keyed(registry, columns, ["established", "organisations"])
    # A place's two numbers must come from the same rows, so rows that lack one are no rows here.
    whole = rows.dropna(subset=["established", "organisations"])
    tables = [roll_up(whole, count, parents).set_index(KEY) for count in ("established", "organisations")]
    both = of_cut(tables[0].join(tables[1]).reset_index(), _keys(by))
    found = both.groupby(_keys(by))[["established", "organisations"]].sum().reset_index()
    return _shares(found, "organisation_coverage", found["established"] > found["organisations"], TOO_MANY)


def _keys(by: Sequence[str]) -> list[str]:
    return ["wave", *(["group"] if "group" in by else []), *(["node"] if "region" in by else [])]


def _shares(found: pd.DataFrame, statistic: str, impossible: pd.Series, reason: str) -> pd.DataFrame:
    part, whole = PARTS[statistic]
    status = pd.Series("ok", index=found.index, dtype=object).mask(impossible | ~(found[whole] > 0), "not_estimable")
    numbers = wilson(found[part], found[whole])
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
    domain = domain_key({"measure": statistic})
    return pd.concat([gaps, below.reset_index().assign(term="blind_spot", statistic="units", domain=domain)])
