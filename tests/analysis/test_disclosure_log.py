"""A log's people stand in several rows: sums do not hold, and who is left over is found by subtraction. By hand."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.disclosure import plan_release

TREE = pd.DataFrame([("P", None), ("A", "P"), ("B", "P")], columns=["code", "parent"])
CUTS = [(), ("group",), ("region",), ("group", "region")]


def came(people: range, group: str, **more: str) -> pd.DataFrame:
    return pd.DataFrame({"member": [f"m{i}" for i in people], "group": group}).assign(region="A", **more)


def looks(log: pd.DataFrame, cuts=CUTS):
    plan = plan_release({"log": log}, variables={"came": ("log", 0, 1)}, cuts=cuts, hierarchy=TREE, rules={})
    return plan.sources["log"].look


@pytest.mark.parametrize(("both", "hidden"), [(37, True), (31, True), (30, False)])
def test_a_group_that_holds_all_but_a_few_is_hidden_beside_its_places(both: int, hidden: bool) -> None:
    # 40 people in g, some of them and no other in h: the whole less h are 3, 9 or 10 people
    look = looks(pd.concat([came(range(40), "g"), came(range(both), "h")]))
    assert look("came", {"group": "h"}) == (hidden, both)
    assert look("came", {"group": "h", "region": "A"}) == (hidden, both)


@pytest.mark.parametrize(("again", "hidden"), [(37, True), (31, True), (30, False)])
def test_all_waves_are_hidden_where_a_wave_holds_all_but_a_few(again: int, hidden: bool) -> None:
    # 40 people in the first wave, some of them and no other in the second: all waves less the second are 3, 9 or 10
    waves = [came(range(n), g, wave=w) for n, w in ((40, "1"), (again, "2")) for g in "gh"]
    look = looks(pd.concat(waves))
    assert look("came", {}) == (hidden, 40)
    assert [look("came", {"wave": w}) for w in "12"] == [(False, 40), (False, again)]
