"""Earlier waves in the boundaries of the latest one: people and counts are carried where the shares of the parts are known.

A count is shared out. A person goes to one place, drawn by the pseudonym with the shares as chances, so that the same person goes
to the same place in every wave and table. It is assumed that the people of a place are alike in all its parts. Places in a
place that went elsewhere go with it and lose their own code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from survey import store
from survey.activity import LogPart
from survey.intake import Intake
from survey.places_changes import Carried, between, path_up
from survey.schema import REGISTRY_COUNTS
from survey.study import Wave


def carry(intake: Intake, waves: Sequence[Wave], crosswalk: pd.DataFrame, tree: pd.DataFrame) -> tuple[Intake, int]:
    """Carry the answers, the registry and what else has places, of all waves, to the boundaries of the last one.

    Returns
    -------
    Intake
        The log, which may be large, is as it was: `carry_log` carries it part by part.
    int
        Answers that lie in another place now than where they were given.
    """
    answers, changed = {}, 0
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in intake.tables}
    for wave in waves:
        after = _since(wave, waves, crosswalk)
        for name, table in intake.tables.items():
            tables[name].append(_carried_table(name, table[table["wave"] == wave.name], after, tree))
        if wave.name in intake.answers:
            frame = intake.answers[wave.name]
            region = carry_people(frame["region"], frame["log_member"].fillna(frame["member"]), after, tree)
            changed += int(((region != frame["region"]) & region.notna()).sum())
            answers[wave.name] = frame.assign(region=region)
    together = {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}
    return replace(intake, answers=answers, tables=together), changed


def _carried_table(name: str, table: pd.DataFrame, after: Carried, tree: pd.DataFrame) -> pd.DataFrame:
    if name == "registry":
        return carry_counts(table, after, tree)
    who = next((column for column in ("member", "officer") if column in table), None)
    people = pd.Series(table.index.astype("str"), index=table.index) if who is None else table[who].fillna("")
    return table.assign(region=carry_people(table["region"], people, after, tree))


def _since(wave: Wave, waves: Sequence[Wave], crosswalk: pd.DataFrame) -> Carried:
    return between(crosswalk, wave.settings.fieldwork.end, waves[-1].settings.fieldwork.end)


def carry_log(
    logs: Sequence[LogPart], waves: Sequence[Wave], crosswalk: pd.DataFrame, tree: pd.DataFrame, folder: Path
) -> list[LogPart]:
    """Carry the log to the boundaries of the last wave; parts of which a row lies elsewhere now are written anew into a folder."""
    carried = []
    for n, log in enumerate(logs):
        after = next(_since(wave, waves, crosswalk) for wave in waves if wave.name == log.wave)
        named = pd.read_parquet(log.path, columns=["region"])["region"].astype("category")
        if set(named.cat.categories) & set(_leads(after, tree)):
            rows = pd.read_parquet(log.path)
            region = carry_people(rows["region"].astype("str"), rows["member"].astype("str"), after, tree)
            path = store.draft(folder / f"carried-{n}", rows.assign(region=region))
            log = replace(log, path=path)
        carried.append(log)
    return carried


def carry_people(region: pd.Series, people: pd.Series, carried: Carried, tree: pd.DataFrame) -> pd.Series:
    """Carry people's places to the later boundaries.

    Parameters
    ----------
    region : Series of str
        Codes; missing stays missing.
    people : Series of str
        Pseudonyms on the same index.
    carried : Carried
    tree : DataFrame
        ``code, parent``.

    Returns
    -------
    Series of str
    """
    leads = _leads(carried, tree)
    out = region.copy()
    for code, rows in region[region.isin(set(leads))].groupby(region):
        place = leads[str(code)]
        out[rows.index] = _drawn(people[rows.index], place, carried.moved[place])
    return out


def carry_counts(registry: pd.DataFrame, carried: Carried, tree: pd.DataFrame) -> pd.DataFrame:
    """Carry a wave's registry to the later boundaries.

    A place that went elsewhere gives its counts (its own row, else the sum right below it) by its shares; its rows and those of
    the places in it are gone. A count that one of the places that went there lacks is missing for the place they went to.

    Parameters
    ----------
    registry : DataFrame
        ``group, region`` and counts, one row a group and place.
    """
    gone, grown = set(_leads(carried, tree)), carried.grown
    if not registry["region"].isin(gone | grown).any():
        return registry
    below = {str(code): list(rows["code"]) for code, rows in tree.groupby("parent")}
    stays = registry[~registry["region"].isin(gone | grown)]
    given = [_given(rows, carried, below) for _, rows in registry.groupby("group", dropna=False, sort=False)]
    return pd.concat([stays, *given], ignore_index=True).reindex(columns=registry.columns)


def _given(rows: pd.DataFrame, carried: Carried, below: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Rows of one group, for the places that others went to: the sum of what each gives, its own people among them."""
    counts = rows.groupby("region")[[c for c in REGISTRY_COUNTS if c in rows]].sum(min_count=1)
    stay = {code: {code: 1.0} for code in carried.grown - set(carried.shares)}
    lines = []
    for code, at in ({**carried.shares, **stay}).items():
        own = _whole(code, counts, below)
        if own is not None:
            lines += [(own * share).rename(target) for target, share in at.items() if target in carried.grown]
    given = pd.DataFrame(lines, columns=counts.columns)
    summed = given.groupby(level=0).sum().mask(given.isna().groupby(level=0).any())
    rest = {str(c): rows[c].iloc[0] for c in rows if c not in counts and c != "region"}
    return summed.rename_axis("region").reset_index().assign(**rest)


def _whole(code: str, counts: pd.DataFrame, below: Mapping[str, Sequence[str]]) -> pd.Series | None:
    """A place's counts: its own row, else the sum of the places right below it; None where neither is there."""
    parts = [part for c in below.get(code, ()) if (part := _whole(c, counts, below)) is not None]
    summed = pd.DataFrame(parts).sum(min_count=1) if parts else None
    if code not in counts.index:
        return summed
    own = counts.loc[[code]].iloc[0]
    return own if summed is None else own.fillna(summed)


def _leads(carried: Carried, tree: pd.DataFrame) -> dict[str, str]:
    """Each place that is carried, with the place whose shares it follows: itself, or the nearest above that moved."""
    parent, moved = dict(zip(tree["code"], tree["parent"], strict=True)), carried.moved
    own = {code: code for code in parent if code in carried.shares or code in carried.unknown}
    leads = {}
    for code in parent:
        at = next((c for c in path_up(code, parent) if c in own), None)
        if at in moved:
            leads[code] = at
    return leads


def _drawn(people: pd.Series, place: str, shares: Mapping[str, float]) -> pd.Series:
    """Where each person of a place goes."""
    if len(shares) == 1:
        return pd.Series(next(iter(shares)), index=people.index, dtype="str")
    where = {person: _draw(_chance(str(person), place), shares) for person in people.unique()}
    return people.map(where).astype("str")


def _chance(person: str, place: str) -> float:
    """A number from 0 up to 1 that depends on the person and the place alone."""
    digest = hashlib.sha256(f"{person}\x1f{place}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _draw(chance: float, shares: Mapping[str, float]) -> str:
    upto = 0.0
    for target, share in sorted(shares.items()):
        upto += share
        if chance < upto:
            return target
    return max(shares)  # what rounding leaves beside the last share
