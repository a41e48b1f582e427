"""A population of 200,000 members in 20 strata and 1,000 townships, and ways to draw from it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

PEOPLE, TOWNSHIPS, STRATA = 200_000, 1_000, 20
SEED = 20261127


@cache
def population() -> pd.DataFrame:
    """Members with a skewed score, rare and common traits, groups that cross the strata; townships differ (ICC about .1)."""
    rng = np.random.default_rng(SEED)
    share = rng.dirichlet(np.full(TOWNSHIPS, 3.0)) * 0.8 + 0.2 / TOWNSHIPS
    town = np.sort(rng.choice(TOWNSHIPS, PEOPLE, p=share / share.sum()))
    frame = pd.DataFrame({"town": town, "stratum": town % STRATA})
    frame["group"] = rng.choice(list("abcdef"), PEOPLE, p=[0.35, 0.25, 0.2, 0.1, 0.07, 0.03])
    frame["age"] = rng.integers(0, 5, PEOPLE)
    place = rng.normal(0, 0.33, TOWNSHIPS)[town] + 0.2 * (frame["stratum"] % 4)
    raw = 3 + place + 0.15 * frame["age"] + (frame["group"] == "b") * 0.3 + rng.gamma(2.0, 0.6, PEOPLE) - 1.2
    frame["score"] = raw
    frame["rare"] = (rng.random(PEOPLE) < 0.03 * np.exp(0.3 * place)).astype(int)
    frame["usual"] = 1 - frame["rare"]
    frame["hours"] = rng.gamma(1.5, 2.0, PEOPLE) * (1 + 0.2 * frame["age"])
    frame["fpc1"] = frame.groupby("stratum")["town"].transform("nunique")
    frame["fpc2"] = frame.groupby("town")["town"].transform("size")
    return frame


@cache
def _towns() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Townships of each stratum; rows of each township."""
    whole = population()
    ends = np.searchsorted(whole["town"].to_numpy(), np.arange(TOWNSHIPS + 1))
    rows = [np.arange(ends[t], ends[t + 1]) for t in range(TOWNSHIPS)]
    there = np.array([len(r) > 0 for r in rows])
    return [np.flatnonzero(there & (np.arange(TOWNSHIPS) % STRATA == h)) for h in range(STRATA)], rows


def two_stage(rng: np.random.Generator, towns: int = 5, people: int = 12, strata: int = STRATA) -> pd.DataFrame:
    """Draw `towns` townships in each of the first `strata` strata, and `people` members of each; weights ``w``."""
    in_stratum, rows = _towns()
    drawn = [t for h in range(strata) for t in rng.choice(in_stratum[h], towns, replace=False)]
    chosen = [rng.choice(rows[t], min(people, len(rows[t])), replace=False) for t in drawn]
    frame = population().iloc[np.concatenate(chosen)]
    size = np.repeat([len(c) for c in chosen], [len(c) for c in chosen])
    return frame.assign(w=frame["fpc1"] / towns * frame["fpc2"] / size)


def simple(rng: np.random.Generator, people: int) -> pd.DataFrame:
    """Draw members one by one."""
    whole = population()
    return whole.iloc[rng.choice(len(whole), people, replace=False)].assign(w=len(whole) / people)


def willing(rng: np.random.Generator, asked: int) -> pd.DataFrame:
    """Ask members one by one; who answers depends on group and age alone."""
    frame = simple(rng, asked)
    chance = 0.25 + 0.09 * frame["age"] + 0.2 * (frame["group"] == "b") - 0.1 * (frame["group"] == "a")
    return frame[rng.random(len(frame)) < chance]
