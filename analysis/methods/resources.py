"""What organisations have to work with for each member, how much it is used, and whether more of it goes with more reach.

Sources: the registry's counts of members, staff, venues and funds, and the careers counted by `career_counts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
import pandas as pd
from scipy import stats

from analysis.methods.career_counts import counted
from analysis.methods.counts import among, keyed, of_cut, roll_up
from analysis.methods.registry_shares import Counts, cut_keys
from analysis.tidy import domain_key

RESOURCES = ("staff", "venues", "funds")
LEAST_UNITS = 10
Z = NormalDist().inv_cdf(0.975)


def chosen_resources(registry: pd.DataFrame | None, resources: Sequence[str] | None) -> tuple[str, ...]:
    """Give the resources asked for, or those that the registry has.

    Raises
    ------
    ValueError
        For one that is not known, or that the registry lacks.
    """
    there = tuple(r for r in RESOURCES if registry is not None and r in registry)
    if resources is None:
        return there if registry is not None and "members" in registry else ()
    if unknown := [r for r in resources if r not in RESOURCES]:
        raise ValueError(f"resources are {', '.join(RESOURCES)}; not {unknown}")
    if absent := [r for r in resources if r not in there]:
        raise ValueError(f"the registry has no column {absent}; it has {list(there) or 'none of the resources'}")
    if resources and (registry is None or "members" not in registry):
        raise ValueError("resources are told for each member: the registry needs its column members")
    return tuple(resources)


def means(counts: Counts, by: Sequence[str], resources: Sequence[str], shares: pd.DataFrame) -> list[pd.DataFrame]:
    """Give what there is to work with, how much venues are used, and whether more goes with more reach."""
    if counts.registry is None or not resources:
        return []
    keys = cut_keys(by)
    there = per_members(counts.registry, counts.columns, counts.parents, keys, resources)
    there = there.rename(columns={"node": "region"})
    tables = [there]
    if "venues" in resources and counts.came is not None and counts.silent is not None and "times" in counts.came:
        used = times_per_venue(counts.registry, counts.columns, counts.parents, counts.came, counts.silent, keys)
        tables.append(used.rename(columns={"node": "region"}))
    elif "venues" in resources:
        waves = sorted(there["wave"].unique())
        unasked_use = {"wave": waves, "term": "took_part", "statistic": "times_per_venue", "status": "not_asked"}
        tables.append(pd.DataFrame(unasked_use))
    people = shares[shares["statistic"] == "coverage"]
    return [*tables, rank_correlations(there, people, counts.levels or None)]


def per_members(
    registry: pd.DataFrame,
    columns: Mapping[str, str | None],
    parents: Mapping[str, str],
    keys: Sequence[str],
    resources: Sequence[str],
) -> pd.DataFrame:
    """Give each unit's staff, venues or funds for a hundred members, from rows of the registry that have both numbers.

    Parameters
    ----------
    registry : DataFrame
        The named columns, ``members`` and the resources.
    columns, parents
        As in `analysis.methods.full_coverage`.
    keys : sequence of str
        The cut: ``wave`` and of ``group, node``.
    resources : sequence of str
        Of ``staff, venues, funds``.

    Returns
    -------
    DataFrame
        The keys, ``term``, statistic ``per_100_members``, ``estimate`` (counts, or the funds' own unit), n = members; no
        interval, as both are full counts. Without members: ``not_estimable``.
    """
    tables = []
    for resource in resources:
        rows = keyed(registry, columns, [resource, "members"]).dropna(subset=[resource, "members"])
        both = [of_cut(roll_up(rows, c, parents), keys).groupby(list(keys))[c].sum() for c in (resource, "members")]
        found = pd.concat(both, axis=1).reset_index()
        n = found["members"].where(found["members"] > 0)
        numbers = {"estimate": 100 * found[resource] / n, "n": n, "n_eff": n}
        tables.append(found[list(keys)].assign(term=resource, statistic="per_100_members", **numbers))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def times_per_venue(
    registry: pd.DataFrame,
    columns: Mapping[str, str | None],
    parents: Mapping[str, str],
    came: pd.DataFrame,
    silent: pd.MultiIndex,
    keys: Sequence[str],
) -> pd.DataFrame:
    r"""Give how often people took part for each venue that the registry counts.

    Parameters
    ----------
    registry : DataFrame
        The named columns and ``venues``.
    columns, parents, keys
        As in `per_members`.
    came : DataFrame
        Careers with their times, from `career_counts`.
    silent : MultiIndex
        Waves and groups whose log is not there: neither their times nor their venues count.

    Returns
    -------
    DataFrame
        The keys, term ``took_part``, statistic ``times_per_venue``: :math:`T/V` with :math:`T = \sum_i c_i` over the careers; n =
        careers. The interval takes careers as coming at random (Poisson) and each with its own number of times, so that
        :math:`v(T) = \sum_i c_i^2` (compound Poisson), on the log scale: one of times alone would be too narrow, as one
        person's are no independent draws. Venues are counted, not drawn. Units with no venues are ``not_estimable``, those
        of silent organisations alone ``not_reported``.
    """
    venues = roll_up(keyed(registry, columns, ["venues"]), "venues", parents)
    mute = among(venues, silent)
    found = of_cut(venues[~mute], keys).groupby(list(keys))["venues"].sum().reset_index()
    used = of_cut(counted(came[~among(came, silent)], venues), keys)
    used = used.groupby(list(keys))[["people", "times", "squares"]].sum().reset_index()
    found = found.merge(used, on=list(keys), how="left").fillna({"people": 0.0, "times": 0.0, "squares": 0.0})
    v = found["venues"].where(found["venues"] > 0)
    relative = found["squares"].pow(0.5) / found["times"].where(found["times"] > 0)
    ratio = found["times"] / v
    numbers = {
        "estimate": ratio,
        "std_error": found["squares"].pow(0.5) / v,
        "conf_low": ratio * np.exp(-Z * relative),
        "conf_high": ratio * np.exp(Z * relative),
        "n": found["people"],
        "n_eff": found["people"],
    }
    rows = found[list(keys)].assign(status=np.where(v.notna(), "ok", "not_estimable"), **numbers)
    rows.loc[v.isna(), ["std_error", "conf_low", "conf_high"]] = np.nan
    quiet = of_cut(venues[mute], keys)[list(keys)].drop_duplicates()
    quiet = quiet[~among(quiet, pd.MultiIndex.from_frame(found[list(keys)]))].assign(status="not_reported")
    return pd.concat([rows, quiet], ignore_index=True).assign(term="took_part", statistic="times_per_venue")


def rank_correlations(resources: pd.DataFrame, shares: pd.DataFrame, level: Mapping[str, str] | None) -> pd.DataFrame:
    r"""Say whether units with more for each member reach more of them.

    Spearman's correlation :math:`r` of a resource for a hundred members with coverage, over the units of a wave; interval by
    Fisher's z, :math:`\tanh\bigl(\operatorname{artanh} r \pm 1.96 \sqrt{(1 + r^2/2)/(k - 3)}\bigr)` for :math:`k` units (Bonett &
    Wright 2000, Psychometrika 65, 23-28).

    Parameters
    ----------
    resources : DataFrame
        From `per_members`, with the keys ``wave``, ``group``, ``region`` that it has.
    shares : DataFrame
        Rows of coverage with the same keys.
    level : mapping or None
        Level of each place: places of one level are compared with each other (``domain`` ``level=...``). None: no places.

    Returns
    -------
    DataFrame
        A row a wave, level and resource, statistic ``rank_correlation``, n = units. Fewer than 10 units that have both numbers,
        or no differences between them: ``not_estimable``. An association over units, which says nothing of causes.
    """
    keys = [k for k in ("wave", "group", "region") if k in resources and k in shares]
    if keys == ["wave"] or not keys:
        return pd.DataFrame()
    sure = shares[shares["status"] == "ok"]
    both = resources.dropna(subset=["estimate"]).merge(sure[[*keys, "estimate"]], on=keys, suffixes=("", "_reach"))
    domain = {} if level is None else {p: domain_key({"level": one}) for p, one in level.items()}
    both["domain"] = both["region"].map(domain).astype("str") if level is not None and "region" in both else "*"
    both = both[both["domain"].ne("nan") & both["domain"].notna()]
    rows = [
        {"wave": wave, "domain": place, "term": term, **_correlation(part["estimate"], part["estimate_reach"])}
        for (wave, place, term), part in both.groupby(["wave", "domain", "term"], sort=True)
    ]
    return pd.DataFrame(rows).assign(statistic="rank_correlation") if rows else pd.DataFrame()


def _correlation(one: pd.Series, other: pd.Series) -> dict[str, object]:
    k = len(one)
    if k < LEAST_UNITS or one.nunique() < 2 or other.nunique() < 2:
        return {"status": "not_estimable", "n": float(k)}
    r = float(np.clip(stats.spearmanr(one, other).statistic, -1, 1))
    error = ((1 + r**2 / 2) / (k - 3)) ** 0.5
    z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    low, high = np.tanh([z - Z * error, z + Z * error])
    numbers = {"estimate": r, "std_error": (1 - r**2) * error, "conf_low": min(low, r), "conf_high": max(high, r)}
    return {**numbers, "n": float(k), "n_eff": float(k), "status": "ok"}
