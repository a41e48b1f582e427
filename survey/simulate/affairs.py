"""Proposals that members make and rights cases that they raise, and what became of them.

Who makes one is drawn by the rates of the truth; each later stage happens with its chance, some days after the one before, and
what would be later than the file's last day is still open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from survey.simulate.population import People, present
from survey.simulate.template import Template

KINDS = {"proposals": ("proposal", "made"), "cases": ("case", "raised")}


def draw_affairs(plan: Template, people: People, wave: str, kind: str) -> pd.DataFrame:
    """Draw the proposals or cases of the year before a wave.

    Returns
    -------
    pandas.DataFrame
        A row one of them: its number, ``member, group, region`` (codes), the first stage's day, and of each later stage its
        day (datetime64, missing where it has not happened), in the order of the truth.
    """
    truth, rng = plan.truth["affairs"][kind], plan.stream("affairs", kind, wave)
    number, first = KINDS[kind]
    person = np.flatnonzero(present(plan, people, wave) & (rng.random(len(people.ids)) < float(truth["rate"])))
    when = plan.truth["waves"][wave]
    start, end = pd.Timestamp(when["log_start"]), pd.Timestamp(when["log_end"])
    made = start + pd.to_timedelta(rng.integers(0, (end - start).days, len(person)), unit="D")
    codes = plan.groups["code"].to_numpy()[people.group[person]]
    rows = pd.DataFrame({"member": people.ids[person], "group": codes})
    rows["region"] = plan.regions["code"].to_numpy()[people.region[person]]
    days = pd.DataFrame({first: made})
    for stage, how in truth["stages"].items():
        needs, *others = how.get("after", [first])
        before = days[[needs, *others]].max(axis=1).where(days[needs].notna())  # others: not before they were
        days[stage] = _after(before, codes, how, rng)
    days = days.where(days < end)
    order = np.argsort(days[first].to_numpy(), kind="stable")
    rows.insert(0, number, [f"{kind[0].upper()}{wave[-2:]}{k:05d}" for k in rng.permutation(len(rows))])
    return rows.join(days).iloc[order].reset_index(drop=True)


def _after(before: pd.Series, codes: np.ndarray, how: Mapping[str, Any], rng: np.random.Generator) -> pd.Series:
    """The day of a stage: with its chance, so many days after the one that it follows."""
    chance = np.array([float(how.get("groups", {}).get(code, how["chance"])) for code in codes])
    happens = rng.random(len(before)) < chance
    days = np.ceil(rng.gamma(2.0, float(how["days"]) / 2, len(before)))
    return (before + pd.to_timedelta(days, unit="D")).where(happens & before.notna())
