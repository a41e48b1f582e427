"""Readers who try to work out what was hidden, each with a rule that can be turned off.

They know every shown count exactly (harder than the rounded ones) and that people exist only where a cell is not known to be
empty. The judges share no code with the plan: one unknown per wave x group x place and one equation per shown cell, or plain sets.
Tolerance: the solver's 1e-7 feasibility; intervals of whole people are compared to 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from analysis.core import suppression
from analysis.disclosure import clashes, plan, plan_release, published
from analysis.disclosure.rounding import grid, round_count
from analysis.tidy import tidy_frame

SOLVER = 1e-6
TREE = pd.DataFrame(
    [("P", None), ("A", "P"), ("B", "P"), ("A1", "A"), ("A2", "A"), ("A3", "A"), ("B1", "B")],
    columns=["code", "parent"],
)
BELOW = {c: {c, *TREE.loc[TREE["parent"] == c, "code"]} for c in TREE["code"]} | {"P": set(TREE["code"])}
CUTS = [(), ("group",), ("region",), ("group", "region")]
GROUPS, WAVES = ("g", "h", "k"), ("1", "2")


def random_people(seed, mean):
    """Answers of two waves; a few people have no group, no region or only a city. Members return."""
    rng = np.random.default_rng(seed)
    parts = []
    for wave, group, place in product(WAVES, (*GROUPS, None), (*TREE["code"], None)):
        sparse = group is None or place in ("P", "A", "B", None)
        size = rng.poisson(mean * rng.gamma(0.8, 1) * (0.1 if sparse else 1.0))
        parts.append(pd.DataFrame({"wave": wave, "group": group, "region": place}, index=range(size)))
    frame = pd.concat(parts, ignore_index=True)
    places = frame.groupby("wave").cumcount()
    return frame.assign(member=[f"m{i:05d}" for i in places], trust=3.0)


def make_plan(frame, **rules):
    return plan_release(
        {"survey": frame}, variables={"trust": ("survey", 1, 5)}, cuts=CUTS, hierarchy=TREE, rules=rules
    )


def all_cells():
    for wave, group, region in product((*WAVES, None), (*GROUPS, None), (*TREE["code"], None)):
        yield {k: v for k, v in (("wave", wave), ("group", group), ("region", region)) if v is not None}


def inside(frame, cell):
    """Which rows a cell takes in, by plain comparison."""
    mask = np.ones(len(frame), dtype=bool)
    for column, value in cell.items():
        mask &= (frame[column].isin(BELOW[value]) if column == "region" else frame[column] == value).to_numpy()
    return mask


def atoms_of(frame):
    """People by wave x group x finest place, empty ones too."""
    keys = pd.DataFrame(
        list(product(WAVES, (*GROUPS, None), (*TREE["code"], None))), columns=["wave", "group", "region"]
    ).astype(object)
    keys = keys.where(keys.notna(), None)
    found = frame[["wave", "group", "region"]].fillna("-").value_counts()
    return keys, np.array([found.get(tuple(row), 0) for row in keys.fillna("-").to_numpy()], dtype=float)


def intervals(keys, counts, shown, targets, atom=None):
    """Least and largest feasible count of each target, given the shown cells, and perhaps one atom."""
    cells = shown if atom is None else shown[:-1]
    known = np.array([inside(keys, c) for c in cells], dtype=float).reshape(len(cells), len(keys))
    if atom is not None:
        known = np.vstack([known, np.eye(len(keys))[atom]])
    # a place that is truly empty is known to be: bounds nought
    bounds = [(0, None if n else 0) for n in counts]
    for target in targets:
        yield [end(target.astype(float), sign, known, known @ counts, bounds) for sign in (1.0, -1.0)]


def end(target, sign, known, values, bounds):
    answer = linprog(sign * target, A_eq=known, b_eq=values, bounds=bounds)
    assert answer.status in (0, 3), "the true counts fit, so there is an answer"
    return sign * answer.fun if answer.status == 0 else -sign * np.inf


def leaks(frame, made, variable="trust"):
    """How many cells, or people left over at a place, of 1 to 9 the reader pins."""
    return attacked(frame, made, variable)[1]


def attacked(frame, made, variable="trust", insider=False):
    """How many cells, or people left over at a place, of 1 to 9 there are, and how many the reader pins.

    An insider also knows one of these that is of one person, the own one, and tries the others.
    """
    keys, counts = atoms_of(frame)
    cells = list(all_cells())
    hidden = {i for i, c in enumerate(cells) if made.sources["survey"].look(variable, c)[0]}
    shown = [c for i, c in enumerate(cells) if i not in hidden]
    masks = [inside(keys, c) for c in cells] + list(np.eye(len(keys), dtype=bool))
    targets = [m for m in masks if 1 <= counts[m].sum() <= 9]
    if not insider:
        return len(targets), pinned(intervals(keys, counts, shown, targets))
    alone = np.flatnonzero(counts == 1)[:3]
    tries, found = 0, 0
    for own in alone:
        others = [m for m in targets if not m[own]]
        known = [*shown, keys.iloc[own].to_dict()]
        tries += len(others)
        found += pinned(intervals(keys, counts, known, others, atom=own))
    return tries, found


def pinned(ends):
    """How many intervals are too narrow, or end below ten."""
    return sum(high < 10 - SOLVER or high - low < 10 - SOLVER for low, high in ends)


def house_rule(total, n):
    """What the door prints of a mean of answers from 1 to 5: the mean on its step, n to five."""
    return grid("own", 1, 5, n, error=np.nan, size=0, count_step=5).nearest(total / n), round_count(n, 5, 10)


def two_decimals(total, n):
    """What most tools print."""
    return round(total / n, 2), n


def pinned_share(printed, trials, seed=1):
    """Share of members whose answer follows from what is printed of a group, and of the group less that member (A9)."""
    rng = np.random.default_rng(seed)
    return np.mean(
        [len(answers_left(printed, rng.integers(1, 6, n).tolist())) == 1 for n in rng.integers(11, 81, trials)]
    )


def answers_left(printed, answers):
    """Answers of the first member that fit what is printed, whatever n and sum a reader thinks possible."""
    n, total = len(answers), sum(answers)
    seen = printed(total, n), printed(total - answers[0], n - 1)
    sizes = [
        m for m in range(max(n - 5, 11), n + 6) if (printed(m, m)[1], printed(m, m - 1)[1]) == (seen[0][1], seen[1][1])
    ]
    found = set()
    for m in sizes:
        wholes = [
            s
            for s in range(max(m, int((seen[0][0] - 0.3) * m)), int((seen[0][0] + 0.3) * m) + 2)
            if printed(s, m) == seen[0]
        ]
        found |= {a for a in range(1, 6) for s in wholes if a not in found and printed(s - a, m - 1) == seen[1]}
    return found


def with_jobs(seed):
    """A federation in which one job is nearly one place: all of it but for a few, and a few from elsewhere."""
    rng = np.random.default_rng(seed)
    frame = random_people(seed, 30)
    frame["job"] = rng.choice(["x", "y", "z"], len(frame))
    inside_one = frame["region"].eq("A1").to_numpy()
    frame.loc[inside_one, "job"] = "w"
    strays = rng.choice(np.flatnonzero(inside_one), min(int(inside_one.sum()), int(rng.integers(1, 5))), replace=False)
    frame.loc[frame.index[strays], "job"] = "x"
    return frame


def make_job_plan(frame, tree=TREE):
    """The plan of a federation that is cut by jobs too."""
    cuts = [*CUTS, ("job",), ("group", "job")]
    return plan_release({"survey": frame}, variables={"trust": ("survey", 1, 5)}, cuts=cuts, hierarchy=tree, rules={})


def job_cells(tree):
    """Every cell of that plan by wave."""
    for wave, group in product(WAVES, (*GROUPS, None)):
        base = {"wave": wave} | ({"group": group} if group else {})
        yield base
        yield from (base | {"region": code} for code in tree["code"])
        yield from (base | {"job": job} for job in "wxyz")


def below(tree):
    """Each place with all places below it, by walking up from every place."""
    above = dict(zip(tree["code"], tree["parent"].fillna(""), strict=True))
    found = {code: set() for code in above}
    for code in above:
        step = code
        while step:
            found[step].add(code)
            step = above[step]
    return found


def members_of(frame, cell, under):
    """The people of a cell by plain comparison, wave and number."""
    mask = np.ones(len(frame), dtype=bool)
    for column, value in cell.items():
        mask &= (frame[column].isin(under[value]) if column == "region" else frame[column] == value).to_numpy()
    return frozenset(frame["wave"][mask] + frame["member"][mask])


def shown_sets(frame, made, tree=TREE):
    """What a reader has: the shown cells with people, and, for the judge, who they are."""
    look, under = made.sources["survey"].look, below(tree)
    found = [(c, members_of(frame, c, under)) for c in job_cells(tree)]
    return [(cell, people) for cell, people in found if people and not look("trust", cell)[0]]


def few_apart(one, other):
    """Whether two sets that have somebody in common differ by one to nine people."""
    return bool(one & other) and 0 < len(one ^ other) < 10


def overlapping(seed):
    """Pairs of shown cells of nearly the same people."""
    frame = with_jobs(seed)
    pairs = list(combinations(shown_sets(frame, make_job_plan(frame)), 2))
    return len(pairs), sum(few_apart(a, b) for (_, a), (_, b) in pairs)


def let_out(frame, made, tree):
    """The log's entry of everything that is shown."""
    rows = [
        {**{k: c.get(k, "*") for k in ("wave", "group", "region")}, "domain": f"job={c['job']}" if "job" in c else "*"}
        | {"term": "trust", "statistic": "mean", "estimate": 3.0, "n": 50.0}
        for c, _ in shown_sets(frame, made, tree)
    ]
    return published({"survey": frame}, tidy_frame(rows), made, hierarchy=tree)


def after_each_other(first, second, tree, later, logged):
    """Pairs of an old and a new number of nearly the same people that a reader has; none where the log refuses the new ones."""
    before, after = make_job_plan(first, tree), make_job_plan(second, later)
    pairs = list(product(shown_sets(first, before, tree), shown_sets(second, after, later)))
    found = sum(few_apart(a, b) for (_, a), (_, b) in pairs)
    if logged:
        refused = any(clashes(let_out(second, after, later), {"1": let_out(first, before, tree)}, difference=10))
        assert refused == (found > 0)
        return len(pairs), 0 if refused else found
    return len(pairs), found


def corrected(seed, logged):
    """The same wave once more, less a few answers of one place."""
    rng = np.random.default_rng(seed)
    frame = with_jobs(seed)
    there = np.flatnonzero(frame["region"].isin(["A1", "A2", "B1"]))
    gone = rng.choice(there, min(len(there), int(rng.integers(1, 10))), replace=False)
    return after_each_other(frame, frame.drop(index=frame.index[gone]), TREE, TREE, logged)


def merged(seed, logged):
    """Places are merged into one, with a few people from next door: the new less the old ones is these few."""
    rng = np.random.default_rng(seed)
    frame = with_jobs(seed)
    later = TREE[~TREE["code"].isin(["A1", "A2"])]
    later = pd.concat([later, pd.DataFrame({"code": ["A4"], "parent": ["A"]})], ignore_index=True)
    moved = frame.assign(region=frame["region"].where(~frame["region"].isin(["A1", "A2", "A"]), "A4"))
    near = np.flatnonzero(moved["region"].eq("B1"))
    strays = rng.choice(near, min(len(near), int(rng.integers(1, 6))), replace=False)
    moved.loc[moved.index[strays], "region"] = "A4"
    return after_each_other(frame, moved, TREE, later, logged)


@contextmanager
def small_cells_alone() -> Iterator[None]:
    """Only cells below the minimum are hidden, and none beside them."""

    def bare(table: Any, people: Any, *, never: Any, sensitive: Any, **_: Any) -> Any:
        return (never | sensitive) & (people > 0)

    with mock.patch.object(suppression, "protect", bare):
        yield


@contextmanager
def near_cells_shown() -> Iterator[None]:
    """Nobody looks whether two cells are of nearly the same people."""
    with mock.patch.object(plan, "near_pairs", return_value=np.empty((0, 2), dtype=np.int64)):
        yield


@contextmanager
def as_it_is() -> Iterator[None]:
    """Nothing is turned off."""
    yield


Tried = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack on a made federation, with the rule that closes it and without.

    Attributes
    ----------
    rows : str
        Which attacks of the list it is.
    en, zh : str
        What the reader does.
    rule : str
        The rule that is turned off.
    on, off : callable
        Given a seed: how often it was tried and how often it succeeded.
    """

    rows: str
    en: str
    zh: str
    rule: str
    on: Callable[[int], Tried]
    off: Callable[[int], Tried]


def margins(insider: bool, rule: Callable[[], Any]) -> Callable[[int], Tried]:
    """Attack all shown counts of a federation of either size."""

    def attack(seed: int) -> Tried:
        frame = random_people(seed, (6, 15, 40)[seed % 3])
        with rule():
            return attacked(frame, make_plan(frame), insider=insider)

    return attack


def answers(printed: Callable[..., Any]) -> Callable[[int], Tried]:
    """Attack the answer of one member, twenty times."""
    return lambda seed: (20, round(20 * pinned_share(printed, 20, seed)))


def without_near(seed: int) -> Tried:
    """The overlapping cells, where nobody looks at them."""
    with near_cells_shown():
        return overlapping(seed)


ATTACKS = (
    Attack(
        "A1 A2 A4 A6",
        "subtracts shown cells from their totals, over groups, nested places and waves at once, by linear programming",
        "用线性规划同时从各组织、各级地区和各波次的合计中减去已公布的单元",
        "complementary suppression 互补隐藏",
        margins(False, as_it_is),
        margins(False, small_cells_alone),
    ),
    Attack(
        "A3",
        "the same, as the only person of a hidden cell, who knows that cell",
        "同上，但攻击者是某个被隐藏单元中唯一的人，知道该单元",
        "complementary suppression 互补隐藏",
        margins(True, as_it_is),
        margins(True, small_cells_alone),
    ),
    Attack(
        "A7",
        "compares cells of different cuts that are of nearly the same people (a job that is nearly a place)",
        "比较不同划分下人员几乎相同的单元（如某职业几乎等于某地区）",
        "of two such cells one is shown 两个这样的单元只公布一个",
        overlapping,
        without_near,
    ),
    Attack(
        "A5",
        "compares a wave with the same wave published once more, less 1 to 9 answers",
        "比较同一波次的两次发布，后者少 1 至 9 份答卷",
        "release log 发布记录",
        lambda seed: corrected(seed, True),
        lambda seed: corrected(seed, False),
    ),
    Attack(
        "A8",
        "compares merged places with those they were made of",
        "比较合并后的地区与合并前的各地区",
        "release log 发布记录",
        lambda seed: merged(seed, True),
        lambda seed: merged(seed, False),
    ),
    Attack(
        "A9",
        "works out an answer from the mean of a group and the mean without that member, were both shown",
        "假如一组的均值与去掉一人后的均值都公布，推算该人的回答",
        "rounding step by n 按人数取整",
        answers(house_rule),
        answers(two_decimals),
    ),
)
