"""A reader who tries to work out what was hidden: attacks A1, A2, A4, A6, A9, A15 and A25 of the design notes.

The reader here knows every shown count exactly (harder than the rounded ones) and that people exist only where a cell is not
known to be empty. The judge shares no code with the plan: one unknown per wave x group x place, one equation per shown cell.
Tolerance: the solver's 1e-7 feasibility; intervals of whole people are compared to 1e-6.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from analysis.disclosure import STATISTICS, plan, plan_release, release
from analysis.disclosure.rounding import FEW_OF, grid, round_count

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


def intervals(keys, counts, shown, targets):
    """Least and largest feasible count of each target, given the shown cells."""
    known = np.array([inside(keys, c) for c in shown], dtype=float).reshape(len(shown), len(keys))
    # a place that is truly empty is known to be: bounds nought
    bounds = [(0, None if n else 0) for n in counts]
    for target in targets:
        yield [end(target.astype(float), sign, known, known @ counts, bounds) for sign in (1.0, -1.0)]


def end(target, sign, known, values, bounds):
    answer = linprog(sign * target, A_eq=known, b_eq=values, bounds=bounds)
    assert answer.status in (0, 3), "the true counts fit, so there is an answer"
    return sign * answer.fun if answer.status == 0 else -sign * np.inf


def leaks(frame, made, variable="trust"):
    """Cells, or people left over at a place, of 1 to 9 that the reader pins."""
    keys, counts = atoms_of(frame)
    cells = list(all_cells())
    hidden = {i for i, c in enumerate(cells) if made.sources["survey"].look(variable, c)[0]}
    shown = [c for i, c in enumerate(cells) if i not in hidden]
    masks = [inside(keys, c) for c in cells] + list(np.eye(len(keys), dtype=bool))
    targets = [m for m in masks if 1 <= counts[m].sum() <= 9]
    ends = intervals(keys, counts, shown, targets)
    return sum(high < 10 - SOLVER or high - low < 10 - SOLVER for low, high in ends)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), mean=st.sampled_from([6, 15, 40]))
def test_nothing_under_ten_follows_from_all_shown_cells_of_all_waves(seed, mean):
    frame = random_people(seed, mean)
    assert leaks(frame, make_plan(frame)) == 0


@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 10**6), mean=st.sampled_from([15, 40]))
@example(seed=34465, mean=15)  # a cell that most of the variables fill and v2 does not: it protects nobody there
def test_many_variables_of_nearly_the_same_people_are_each_safe(seed, mean):
    frame = random_people(seed, mean)
    answered = np.random.default_rng(seed).random((len(frame), 6)) < 0.96
    names = [f"v{i}" for i in range(6)]
    frame[names] = np.where(answered, 3.0, np.nan)
    made = plan_release(
        {"survey": frame}, variables=dict.fromkeys(names, ("survey", 1, 5)), cuts=CUTS, hierarchy=TREE, rules={}
    )
    assert [leaks(frame[frame[v].notna()], made, v) for v in names[:3]] == [0, 0, 0]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), mean=st.sampled_from([6, 15, 40]))
def test_what_is_left_under_a_region_is_nobody_or_ten(seed, mean):
    frame = random_people(seed, mean)
    look = make_plan(frame).sources["survey"].look
    for wave, group, parent in product(WAVES, (None, *GROUPS), ("P", "A", "B")):
        base = {"wave": wave} | ({"group": group} if group else {})
        if not look("trust", base | {"region": parent})[0]:
            parts = [base | {"region": c} for c in TREE.loc[TREE["parent"] == parent, "code"]]
            shown = sum(inside(frame, p).sum() for p in parts if not look("trust", p)[0])
            left = inside(frame, base | {"region": parent}).sum() - shown
            assert left == 0 or left >= 10


def test_the_attack_succeeds_where_only_small_cells_are_hidden(monkeypatch):
    # breaking the rule on purpose: the same reader must find something when complementary suppression is off
    monkeypatch.setattr(
        plan.suppression, "protect", lambda table, people, *, never, sensitive, **_: (never | sensitive) & (people > 0)
    )
    assert sum(leaks(frame, make_plan(frame)) > 0 for frame in (random_people(s, 15) for s in range(3))) >= 2


def test_the_attack_succeeds_where_the_minimum_is_lower():
    assert sum(
        leaks(frame, make_plan(frame, minimum=5, difference=5)) for frame in (random_people(s, 15) for s in range(2))
    )


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


def test_a_mean_and_the_mean_less_one_hardly_ever_give_an_answer_away():
    # not nought: where the mean crosses a rounding edge a reader learns the side (measured 3 in 2,000; the lock below is shut)
    assert pinned_share(house_rule, trials=300) < 0.01
    assert pinned_share(two_decimals, trials=60) > 0.9


def test_a_group_and_the_same_group_less_one_are_never_both_shown():
    # the step is the second lock, this is the first: region P and its only city A, one person coded at P itself
    frame = pd.DataFrame({"region": ["A"] * 40 + ["P"], "member": [f"m{i}" for i in range(41)]})
    tree = TREE[TREE["code"].isin(["P", "A"])]
    made = plan_release(
        {"survey": frame}, variables={"trust": ("survey", 1, 5)}, cuts=[("region",)], hierarchy=tree, rules={}
    )
    look = made.sources["survey"].look
    assert not (not look("trust", {"region": "P"})[0] and not look("trust", {"region": "A"})[0])


def test_no_statistic_passes_below_ten():
    # A15: every statistic of the table, n = 1 to 12, in a cell that the plan shows and in one that it hides
    frame = pd.DataFrame({"member": [f"m{i}" for i in range(60)], "group": ["g"] * 4 + ["h"] * 16 + ["k"] * 40})
    made = plan_release(
        {"survey": frame}, variables={"trust": ("survey", 0, 1)}, cuts=[("group",)], hierarchy=None, rules={}
    )
    for statistic in STATISTICS:
        rows = pd.DataFrame(
            {"group": "k", "term": "trust", "statistic": statistic, "estimate": 0.5, "n": np.arange(1.0, 13)}
        )
        shown = release(rows, made).table
        # the most active tenth, or half, of a dozen are fewer than ten
        passes = statistic not in FEW_OF
        assert shown["n"].notna().tolist() == [n >= 10 and passes for n in range(1, 13)]
        assert release(rows.assign(group="g"), made).withheld == 12


def test_hidden_rows_look_alike_whatever_the_reason():
    # A25: too small by the plan, hidden along with it, too small by the row's own n
    frame = pd.DataFrame({"member": [f"m{i}" for i in range(60)], "group": ["g"] * 4 + ["h"] * 16 + ["k"] * 40})
    made = plan_release(
        {"survey": frame}, variables={"trust": ("survey", 1, 5)}, cuts=[("group",)], hierarchy=None, rules={}
    )
    rows = pd.DataFrame(
        {"group": ["g", "h", "k"], "term": "trust", "statistic": "mean", "estimate": 3.0, "n": [4.0, 16, 9]}
    )
    table = release(rows.assign(basis=["", "x", "y"]), made).table.drop(columns="group")
    assert len(table.drop_duplicates()) == 1
    assert table["status"].unique().tolist() == ["withheld"]


def test_a_pooled_row_needs_ten_people_of_its_own():
    # A16: an estimate shrunk towards its parent still tells of the unit
    frame = pd.DataFrame({"member": [f"m{i}" for i in range(60)], "group": ["g"] * 4 + ["h"] * 16 + ["k"] * 40})
    made = plan_release(
        {"survey": frame}, variables={"trust": ("survey", 1, 5)}, cuts=[("group",)], hierarchy=None, rules={}
    )
    rows = pd.DataFrame(
        {"group": ["g", "k"], "term": "trust", "statistic": "shrunken", "estimate": 3.0, "n": 60.0, "status": "pooled"}
    )
    assert release(rows, made).table["status"].tolist() == ["withheld", "pooled"]


@pytest.mark.parametrize("statistic", ["min", "max", "range", "median", "quantile"])
def test_ends_of_a_cell_never_pass(statistic):
    frame = pd.DataFrame({"member": [f"m{i}" for i in range(60)]})
    made = plan_release({"survey": frame}, variables={"trust": ("survey", 1, 5)}, cuts=[()], hierarchy=None, rules={})
    with pytest.raises(ValueError, match="never released"):
        release(pd.DataFrame({"term": ["trust"], "statistic": [statistic], "estimate": [3.0], "n": [60.0]}), made)
