"""What a list of members stands in for: the registry's counts where no registry came, the log's careers where it counts times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from survey.activity.frames import CAREERS, COUNTS, OBSERVED, TIMES
from survey.reduction import last_instant
from survey.study import Wave

_UNIT = ["wave", "group", "region"]


def registry_of(memberships: pd.DataFrame, registry: pd.DataFrame, waves: Sequence[Wave]) -> pd.DataFrame:
    """Give the registry with rows for the waves that have a list and no registry.

    Parameters
    ----------
    memberships, registry : DataFrame
        The panel's tables.
    waves : sequence of Wave
        Who had joined by the last day of a wave's fieldwork and had not left before it is a member.

    Returns
    -------
    DataFrame
        Columns of the registry; of the rows that are new ``members`` alone is known.
    """
    found = []
    for wave in waves:
        listed = memberships[memberships["wave"] == wave.name]
        if len(listed) and not (registry["wave"] == wave.name).any():
            day = pd.Timestamp(wave.settings.fieldwork.end)
            held = listed[~(listed["joined"] >= day + pd.Timedelta(days=1)) & ~(listed["left"] < day)]
            counts = held.groupby(_UNIT, dropna=False)["member"].nunique().rename("members").astype("float64")
            found.append(counts.reset_index().reindex(columns=registry.columns).astype(registry.dtypes.to_dict()))
    return pd.concat([registry, *found], ignore_index=True) if found else registry


def careers_of(
    memberships: pd.DataFrame, log: Mapping[str, pd.DataFrame], waves: Sequence[Wave]
) -> dict[str, pd.DataFrame]:
    """Give the tables of the log with careers for the waves whose list counts times and that have no log.

    A career has ``count`` and, where the list says so, ``joined``; when its times were is not known. Who has no times is no
    career. Organisations of the list have reported; what they held is not known.

    Parameters
    ----------
    memberships : DataFrame
        The panel's table.
    log : dict of DataFrame
        ``careers, cells, observed``.
    waves : sequence of Wave

    Returns
    -------
    dict of DataFrame
    """
    careers, observed = [log["careers"]], [log["observed"]]
    for wave in waves:
        listed = memberships[memberships["wave"] == wave.name]
        if listed["times"].isna().all() or (log["careers"]["wave"] == wave.name).any():
            continue
        came = listed[listed["times"] > 0].sort_values(["member", "group"], kind="stable")
        came = came.assign(count=came["times"], **dict.fromkeys(COUNTS, 0))
        careers.append(_like(came, log["careers"], CAREERS))
        told = pd.DataFrame({"organisation": sorted(listed["group"].dropna().unique()) or [None]})
        told = told.assign(wave=wave.name, end=last_instant(wave), roles=False)
        told["reported"] = ~told["organisation"].isin(wave.settings.not_reporting)
        observed = [table[table["wave"] != wave.name] for table in observed]
        observed.append(_like(told, log["observed"], OBSERVED))
    return {
        **log,
        "careers": pd.concat(careers, ignore_index=True),
        "observed": pd.concat(observed, ignore_index=True),
    }


def _like(rows: pd.DataFrame, table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Rows with the columns and types of a table."""
    times = set(TIMES.values())
    kinds = {c: "datetime64[us]" if c in times else str(table[c].dtype) for c in columns}
    return rows.reindex(columns=list(columns)).astype(kinds).reset_index(drop=True)
