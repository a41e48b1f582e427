"""A file of the registry: counts of members, organisations, staff, venues and funds by group and place."""

from __future__ import annotations

import math

import pandas as pd

from survey.checks import cells
from survey.checks.accepted import Accepted, first_of_each
from survey.checks.open_file import open_file
from survey.checks.units import settle_units
from survey.identity import Key
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
    return book.close(out.astype({"group": "str", "region": "str"}))


def additive_gaps(registry: pd.DataFrame, hierarchy: pd.DataFrame) -> pd.DataFrame:
    """Compare each parent's members with the sum of its children's, per wave and group.

    Returns
    -------
    DataFrame
        ``wave, group, region, own, children`` where both are given and differ.
    """
    parent = dict(zip(hierarchy["code"], hierarchy["parent"], strict=True))
    with_parent = registry.assign(parent=registry["region"].map(parent))
    keys = ["wave", "group"]
    children = with_parent.groupby([*keys, "parent"], dropna=False)["members"].sum().rename("children").reset_index()
    both = registry.merge(children, left_on=[*keys, "region"], right_on=[*keys, "parent"])
    both = both.rename(columns={"members": "own"})
    return both.loc[both["own"] != both["children"], [*keys, "region", "own", "children"]].reset_index(drop=True)


def fewer_members_than_answers(answers: pd.DataFrame, registry: pd.DataFrame) -> pd.DataFrame:
    """Give ``wave, group, region, members, answers`` where more people answered than the registry counts."""
    keys = ["wave", "group", "region"]
    answered = answers.groupby(keys, dropna=False).size().rename("answers").reset_index()
    both = registry[[*keys, "members"]].merge(answered.astype(dict.fromkeys(keys, "str")), on=keys)
    return both[both["members"] < both["answers"]].reset_index(drop=True)
