"""What the door does with a row's own numbers, by hand. Rounded numbers are compared exactly: decimals by construction."""

from __future__ import annotations

import pandas as pd

from analysis.disclosure import plan_release, release


def people(n: int, **more: object) -> pd.DataFrame:
    return pd.DataFrame({"member": [f"m{i}" for i in range(n)]}).assign(**more)


def plan_of(frame: pd.DataFrame, *, cuts=((),), hierarchy=None):
    variables = {"trust": ("survey", 1, 5)}
    return plan_release({"survey": frame}, variables=variables, cuts=cuts, hierarchy=hierarchy, rules={})


def row(**columns: object) -> pd.DataFrame:
    return pd.DataFrame([{"term": "trust", "statistic": "mean", "estimate": 3.456, "n": 40.0} | columns])


def test_a_row_that_claims_more_people_than_there_are_is_rounded_for_those_there_are() -> None:
    """4 / 40 is a step of 0.1; the 4 / 400 of its own n would be 0.01."""
    shown = release(row(n=400.0), plan_of(people(40))).table.loc[0]
    assert shown["estimate"] == 3.5
    assert shown["decimals"] == 1


def test_places_of_one_level_are_no_finest_level() -> None:
    """Thirty-six are 35 on the step of five; ten is the step of the finest of several levels."""
    frame = people(72, region=["P", "Q"] * 36)
    tree = pd.DataFrame({"code": ["P", "Q"], "parent": [None, None]})
    shown = release(row(region="P", n=36.0), plan_of(frame, cuts=[("region",)], hierarchy=tree)).table
    assert shown["n"].tolist() == [35.0]


def test_all_waves_are_at_least_the_people_of_the_fullest() -> None:
    frame = pd.concat([people(40, wave="1"), people(12, wave="2")])
    assert plan_of(frame).sources["survey"].look("trust", {}) == (False, 40.0)
