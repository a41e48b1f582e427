"""Two cuts that share the groups: what one of them hides of a group, the other may not give away.

The judge is linear programming over the cells of one cut at a time; it shares no code with the plan. Tolerance: the solver's
1e-7 feasibility; intervals of whole people are compared to 1e-6.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from analysis.disclosure import plan_release

SOLVER = 1e-6
GROUPS, REGIONS, EMPLOYERS = "ghklm", "AB", "xyz"
CUTS = [(), ("group",), ("region",), ("employer",), ("group", "region"), ("group", "employer")]


def people(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for cell in product(GROUPS, REGIONS, EMPLOYERS):
        rows += [cell] * rng.poisson(9 * rng.gamma(0.35, 1))
    frame = pd.DataFrame(rows, columns=["group", "region", "employer"])
    return frame.assign(member=[f"m{i}" for i in range(len(frame))])


def leaks(frame: pd.DataFrame, look, other: str, variable: str = "trust") -> int:
    """Small sums, and hidden groups, that the shown cells of group x `other` pin closer than ten people."""
    count = frame.groupby(["group", other]).size()
    atoms = list(product(GROUPS, sorted(frame[other].unique())))
    n = np.array([count.get(atom, 0) for atom in atoms], float)
    sums = [({}, np.ones(len(atoms), bool))]
    sums += [({"group": g}, np.array([a == g for a, _ in atoms])) for g in GROUPS]
    sums += [({other: o}, np.array([b == o for _, b in atoms])) for o in sorted(frame[other].unique())]
    sums += [({"group": g, other: o}, np.array([a == (g, o) for a in atoms])) for g, o in atoms]
    hidden = [look(variable, cell)[0] for cell, _ in sums]
    known = np.array([mask for (_, mask), gone in zip(sums, hidden, strict=True) if not gone], float)
    groups = [gone and list(cell) == ["group"] for (cell, _), gone in zip(sums, hidden, strict=True)]
    targets = [m for (_, m), group in zip(sums, groups, strict=True) if group or 1 <= n[m].sum() <= 9]
    return sum(width(target.astype(float), known, n) < 10 - SOLVER for target in targets)


def width(target: np.ndarray, known: np.ndarray, n: np.ndarray) -> float:
    bounds = [(0, None if v else 0) for v in n]  # where nobody is, readers know that
    ends = [linprog(sign * target, A_eq=known, b_eq=known @ n, bounds=bounds) for sign in (1.0, -1.0)]
    assert all(end.status in (0, 3) for end in ends)
    return np.inf if any(end.status == 3 for end in ends) else -ends[1].fun - ends[0].fun


@pytest.mark.parametrize("seed", [0, 1, 19, 39])
def test_a_group_hidden_in_one_cut_does_not_follow_from_the_other(seed: int) -> None:
    frame = people(seed)
    variables = {"trust": ("survey", 1, 5)}
    plan = plan_release({"survey": frame}, variables=variables, cuts=CUTS, hierarchy=None, rules={})
    look = plan.sources["survey"].look
    assert any(look("trust", {"group": g})[0] for g in GROUPS)
    assert [leaks(frame, look, other) for other in ("region", "employer")] == [0, 0]


@pytest.mark.parametrize("seed", [37, 40, 324])
def test_nor_does_it_where_many_variables_are_of_nearly_the_same_people(seed: int) -> None:
    # such variables start from one pattern; the groups that one cut adds to another's are not in it, nor proved by it
    frame, names = people(seed), [f"v{i}" for i in range(6)]
    frame[names] = np.where(np.random.default_rng(seed).random((len(frame), 6)) < 0.96, 3.0, np.nan)
    variables = dict.fromkeys(names, ("survey", 1, 5))
    plan = plan_release({"survey": frame}, variables=variables, cuts=CUTS, hierarchy=None, rules={})
    look = plan.sources["survey"].look
    for v in ("v0", "v2", "v5"):
        found = [leaks(frame[frame[v].notna()], look, other, v) for other in ("region", "employer")]
        assert found == [0, 0]


@pytest.mark.parametrize("rules", [{"difference": 5}, {"minimum": 20}])
def test_what_is_hidden_reaches_the_minimum_together_too(rules: dict[str, int]) -> None:
    # three of 3 (or 6) people could be anything up to 9 (or 18) if only they were hidden: fewer than may be shown
    small = 3 if "difference" in rules else 6
    sizes = {"a": small, "b": small, "c": small, "d": 50}
    frame = pd.DataFrame({"group": [g for g, n in sizes.items() for _ in range(n)]})
    frame["member"] = [f"m{i}" for i in range(len(frame))]
    variables = {"came": ("survey", 0, 1)}
    plan = plan_release({"survey": frame}, variables=variables, cuts=[(), ("group",)], hierarchy=None, rules=rules)
    assert [plan.sources["survey"].look("came", {"group": g})[0] for g in "abcd"] == [True] * 4
