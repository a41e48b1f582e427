"""Shares of the registry's counts: members who came, and organisations that are established, in every cell of a cut.

Sources: the registry, and the careers counted by `career_counts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis.methods.career_counts import career_counts, counted
from analysis.methods.counts import KEY, among, keyed, levels_of, of_cut, require, roll_up, silent_groups, wilson
from analysis.tidy import ALL

TERMS = {"coverage": "took_part", "organisation_coverage": "established"}
PARTS = {"coverage": ("people", "members"), "organisation_coverage": ("established", "organisations")}
TOO_SMALL = "registry smaller than log"
TOO_MANY = "more established than organisations"
NUMBERS = ["estimate", "std_error", "conf_low", "conf_high"]


def cut_keys(by: Sequence[str]) -> list[str]:
    """Name the columns of counts that a cut is made by."""
    return ["wave", *(["group"] if "group" in by else []), *(["node"] if "region" in by else [])]


def people_shares(counts: pd.DataFrame, came: pd.DataFrame, silent: pd.MultiIndex, by: Sequence[str]) -> pd.DataFrame:
    """Give the share of memberships that took part.

    Parameters
    ----------
    counts : DataFrame
        The registry's members, from `roll_up`.
    came : DataFrame
        From `career_counts`.
    silent : MultiIndex
        Waves and groups whose log is not there: they count in neither part, and are ``not_reported`` by themselves.
    by : sequence of str
        Of ``group, region``.

    Returns
    -------
    DataFrame
        Columns of a tidy table, with Wilson's interval; n = members. More people than members is ``not_estimable``.
    """
    keys = cut_keys(by)
    heads = of_cut(counts[~among(counts, silent)], keys).groupby(keys)["members"].sum().reset_index()
    seen = of_cut(counted(came[~among(came, silent)], counts), keys).groupby(keys)["people"].sum().reset_index()
    found = heads.merge(seen, on=keys, how="left").fillna({"people": 0})
    rows = _shares(found, "coverage", found["people"] > found["members"], TOO_SMALL)
    quiet = silent.to_frame(index=False).assign(node=ALL)
    mute = of_cut(pd.concat([counts.loc[among(counts, silent), KEY], quiet[quiet["group"] != ALL]]), keys)
    mute = mute[keys].drop_duplicates()
    mute = mute[~among(mute, pd.MultiIndex.from_frame(found[keys]))].rename(columns={"node": "region"})
    return pd.concat([rows, mute.assign(term=TERMS["coverage"], statistic="coverage", status="not_reported")])


def organisation_shares(
    registry: pd.DataFrame, columns: Mapping[str, str | None], parents: Mapping[str, str], by: Sequence[str]
) -> pd.DataFrame:
    """Give the share of organisations that are established: full counts, with Wilson's interval; n = organisations."""
    keys = cut_keys(by)
    rows = keyed(registry, columns, ["established", "organisations"])
    # A place's two numbers must come from the same rows, so rows that lack one are no rows here.
    whole = rows.dropna(subset=["established", "organisations"])
    tables = [roll_up(whole, count, parents).set_index(KEY) for count in ("established", "organisations")]
    both = of_cut(tables[0].join(tables[1]).reset_index(), keys)
    found = both.groupby(keys)[["established", "organisations"]].sum().reset_index()
    return _shares(found, "organisation_coverage", found["established"] > found["organisations"], TOO_MANY)


def _shares(found: pd.DataFrame, statistic: str, impossible: pd.Series, reason: str) -> pd.DataFrame:
    part, whole = PARTS[statistic]
    status = pd.Series("ok", index=found.index, dtype=object).mask(impossible | ~(found[whole] > 0), "not_estimable")
    numbers = wilson(found[part], found[whole])
    numbers.loc[status != "ok", NUMBERS] = None
    keys = found.drop(columns=[part, whole]).rename(columns={"node": "region"})
    basis = pd.Series("", index=found.index).mask(impossible, reason)
    return keys.assign(term=TERMS[statistic], statistic=statistic, status=status, basis=basis).join(numbers)


@dataclass(frozen=True, slots=True)
class Counts:
    """The registry and the careers, read once for all cuts."""

    registry: pd.DataFrame | None
    columns: dict[str, str | None]
    parents: dict[str, str]
    levels: dict[str, str]
    waves: list[str]
    members: pd.DataFrame  # the registry's, by wave, group and node
    came: pd.DataFrame | None  # None: people are not asked of
    silent: pd.MultiIndex | None

    def people(self, by: Sequence[str]) -> pd.DataFrame:
        """Give the share that took part in every cell of a cut, or say that it was not asked."""
        if self.came is None or self.silent is None:
            rows = {"wave": self.waves, "term": TERMS["coverage"], "statistic": "coverage", "status": "not_asked"}
            return pd.DataFrame(rows)
        return people_shares(self.members, self.came, self.silent, by)


def read_counts(
    registry: pd.DataFrame | None,
    careers: pd.DataFrame | None,
    observed: pd.DataFrame | None,
    wave: str | None,
    parents: dict[str, str],
    hierarchy: pd.DataFrame | None,
) -> Counts:
    """Read the registry and the log: what they count by wave, organisation and node.

    Raises
    ------
    ValueError
        For missing columns.
    """
    columns = {"wave": wave, "group": "group", "region": "region"}
    require("registry", registry, list(columns.values()))
    require("careers", careers, ["member", *columns.values()])
    levels = levels_of(hierarchy, parents)
    if registry is None or careers is None or "members" not in registry:
        waves = [keyed(f, {"wave": wave})["wave"].unique() for f in (registry, careers, observed) if f is not None]
        every = sorted(set().union(*waves)) or [ALL]
        return Counts(registry, columns, parents, levels, every, pd.DataFrame(), None, None)
    members = roll_up(keyed(registry, columns, ["members"]), "members", parents)
    came = career_counts(careers, columns, parents)
    silent = silent_groups(observed, wave, pd.concat([came[["wave", "group"]], members[["wave", "group"]]]))
    return Counts(registry, columns, parents, levels, [], members, came, silent)
