"""A file of the registry: counts of members, organisations, staff, venues and funds by group and place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from survey.checks import cells
from survey.checks.accepted import Accepted, first_of_each
from survey.checks.open_file import open_file
from survey.checks.units import settle_units
from survey.faults import Fault
from survey.identity import Key
from survey.places_changes import path_up
from survey.schema import REGISTRY_COUNTS, FileEntry
from survey.study import Study, Wave


def check_registry(study: Study, wave: Wave, entry: FileEntry, _key: Key) -> Accepted:
    """Check a file of the registry.

    Returns
    -------
    Accepted
        ``.frame``: ``group, region`` and the counts as float; a negative count, or one that is no number, is missing.
    """
    opened = open_file(study, wave, entry)
    book = opened.book
    frame = book.left(settle_units(study, wave, opened.frame, book))
    keys = list(entry.key or ("group", "region"))
    book.set_aside(frame.index[first_of_each(frame[keys])], "duplicate")
    frame = book.left(frame)
    out = frame[["group", "region"]].copy()
    for count in (c for c in REGISTRY_COUNTS if c in frame):
        column = frame[count]
        out[count], met = cells.within(column, cells.numbers(column, entry.layout), 0, math.inf)
        book.judge(count, column, met)
    if {"established", "organisations"} <= set(out):
        book.note("more_established", int((out["established"] > out["organisations"]).sum()))
    return book.close(out.astype({"group": "str", "region": "str"}))


def additive_gaps(registry: pd.DataFrame, hierarchy: pd.DataFrame) -> pd.DataFrame:
    """Compare each place's counts with the sums of the places right below it, per wave and group.

    Parameters
    ----------
    registry : DataFrame
        ``wave, group, region`` and counts of `survey.schema.REGISTRY_COUNTS`; a missing count is not compared.
    hierarchy : DataFrame
        ``code, parent``.

    Returns
    -------
    DataFrame
        ``wave, group, region, count, own, children`` where both are given and differ; ``children`` is the sum.
    """
    parent = dict(zip(hierarchy["code"], hierarchy["parent"], strict=True))
    counts = [c for c in REGISTRY_COUNTS if c in registry]
    keys = ["wave", "group", "region", "count"]
    long = registry.melt(["wave", "group", "region"], counts, var_name="count", value_name="own").dropna(subset=["own"])
    above = long.assign(region=long["region"].map(parent)).dropna(subset=["region"])
    children = above.groupby(keys, dropna=False)["own"].sum().rename("children").reset_index()
    both = long.astype({"count": "str"}).merge(children.astype({"count": "str"}), on=keys)
    return both[~np.isclose(both["own"], both["children"], rtol=1e-9, atol=1e-6)].reset_index(drop=True)


def refused_gaps(study: Study, waves: Sequence[Wave], gaps: pd.DataFrame) -> Iterator[Fault]:
    """Gaps in the count that answers are weighted to, too large to weight by and accepted by no office: a fault a wave."""
    weights, most = study.settings.weights, study.settings.rules.registry_gap
    if weights is None or not len(gaps):
        return
    size = (gaps["own"] - gaps["children"]).abs() / gaps[["own", "children"]].max(axis=1)
    large = gaps[(size > most) & (gaps["count"] == weights.count)].assign(size=size)
    for wave in waves:
        here = large[large["wave"] == wave.name]
        files = [e.file for e in wave.settings.files if e.holds == "registry"]
        if len(here) and not any(d.rule == "registry_gap" and d.accept in files for d in wave.settings.decisions):
            yield _gap_fault(f"{wave.label}{files[0]}", weights.count, here, most)


def _gap_fault(file: str, count: str, gaps: pd.DataFrame, most: float) -> Fault:
    worst = gaps.sort_values(["size", "region"], ascending=[False, True]).iloc[0]
    place, own, children = worst["region"], f"{worst['own']:,.0f}", f"{worst['children']:,.0f}"
    return Fault(
        file,
        0,
        f"{count}: in {len(gaps)} cases the places below a place differ from its own row by more than {most:.1%} (largest: {place} "
        f"has {own} in its own row, {children} below it). Answers are weighted to these counts, so one of them must be right: "
        "correct the registry, leave out the rows of the upper places, or accept this in wave.yaml under decisions (rule: "
        "registry_gap); then what a place counts beyond those below it is taken as its own",
        f"{count}：有 {len(gaps)} 处下级合计与上级本行相差超过 {most:.1%}（最大：{place} 本行为 {own}，下级合计为 {children}）。"
        "答卷按这些数目加权，必须以其中之一为准：请改正登记表，或去掉上级各行，或在 wave.yaml 的 decisions 中说明接受"
        "（rule: registry_gap），届时上级多出的部分视为其直属",
    )


def fewer_members_than_answers(answers: pd.DataFrame, registry: pd.DataFrame, hierarchy: pd.DataFrame) -> pd.DataFrame:
    """Give ``wave, group, region, members, answers`` where more people answered, in a place and those below it, than it counts."""
    keys = ["wave", "group", "region"]
    parent = dict(zip(hierarchy["code"], hierarchy["parent"], strict=True))
    up = {code: path_up(code, parent) for code in answers["region"].dropna().unique()}
    placed = answers[keys].assign(region=answers["region"].map(up)).explode("region", ignore_index=True)
    answered = placed.groupby(keys, dropna=False).size().rename("answers").reset_index()
    both = registry[[*keys, "members"]].merge(answered.astype(dict.fromkeys(keys, "str")), on=keys)
    return both[both["members"] < both["answers"]].reset_index(drop=True)


def without_a_count(answers: pd.DataFrame, registry: pd.DataFrame, hierarchy: pd.DataFrame) -> int:
    """Count the strata (wave, group, place) that answered, of waves with a registry, and of which it counts no member.

    A place is counted by its own row, by those of the places in it, or by that of a place above it of which the registry tells no
    parts.
    """
    parent = dict(zip(hierarchy["code"], hierarchy["parent"], strict=True))
    keys = ["wave", "group", "region"]
    given = _by_unit(registry.dropna(subset=["members"]).fillna({"region": "", "group": ""}))
    told = {unit: _parted(rows, parent) for unit, rows in given.items()}
    answered = answers.loc[answers["wave"].isin(registry["wave"]), keys].fillna("").astype("str").drop_duplicates()
    strata = answered.itertuples(index=False, name=None)
    return sum(not _counted(p, given.get((w, g), {}), told.get((w, g), {}), parent) for w, g, p in strata)


def _by_unit(rows: pd.DataFrame) -> dict[tuple[str, str], dict[str, float]]:
    """Members of each place, by wave and group."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for wave, group, place, members in zip(*(rows[c] for c in ("wave", "group", "region", "members")), strict=True):
        found.setdefault((str(wave), str(group)), {})[str(place)] = float(members)
    return found


def _parted(rows: Mapping[str, float], parent: Mapping[str, str]) -> dict[str, bool]:
    """Places of which the registry tells parts, and whether it counts somebody there."""
    told: dict[str, bool] = {}
    for place, members in rows.items():
        for above in path_up(place, parent)[1:]:
            told[above] = told.get(above, False) or members > 0
    return told


def _counted(place: str, rows: Mapping[str, float], told: Mapping[str, bool], parent: Mapping[str, str]) -> bool:
    if place in rows or place in told:
        return rows.get(place, 0) > 0 or told.get(place, False)
    nearest = next((above for above in path_up(place, parent)[1:] if above in rows or above in told), None)
    return nearest is not None and nearest not in told and rows[nearest] > 0
