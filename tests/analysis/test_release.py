"""What the door does with a row's own numbers, by hand. Rounded numbers are compared exactly: decimals by construction."""

from __future__ import annotations

import pandas as pd
import pytest

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


TREE = pd.DataFrame({"code": ["P", "Q", "R"], "parent": [None, "P", "P"], "level": ["city", "county", "county"]})


def lent(**small: object) -> pd.DataFrame:
    """A county with four people shows its city's number; `small` changes what it says."""
    city = row(region="P", statistic="mean", n=60.0, std_error=0.1)
    county = row(region="Q", statistic="small_area", n=60.0, std_error=0.1, status="pooled", basis="P").assign(**small)
    frame = people(60, region=["Q"] * 4 + ["R"] * 20 + ["P"] * 36)
    plan = plan_of(frame, cuts=[(), ("region",)], hierarchy=TREE)
    return release(pd.concat([city, county], ignore_index=True), plan).table


def test_a_place_that_shows_the_number_above_it_is_looked_at_as_that_place() -> None:
    shown = lent()
    assert shown["status"].tolist() == ["ok", "pooled"]
    assert shown.loc[1, "estimate"] == shown.loc[0, "estimate"]
    assert shown.loc[1, "basis"] == "P"


def test_a_number_of_its_own_is_not_lent_by_saying_so() -> None:
    for small in ({"estimate": 3.4}, {"n": 59.0}, {"basis": "R"}, {"basis": ""}, {"status": "ok"}):
        assert lent(**small)["status"].tolist() == ["ok", "withheld"], small


@pytest.mark.parametrize(
    ("statistic", "estimate", "n", "status"),
    [
        ("top_tenth", 0.4, 99.0, "withheld"),  # nine people and a bit
        ("top_tenth", 0.4, 100.0, "ok"),
        ("half", 0.04, 200.0, "withheld"),  # eight people
        ("half", 0.05, 200.0, "ok"),
        ("gini", 0.4, 20.0, "ok"),
    ],
)
def test_the_few_who_come_most_are_as_many_as_any_others_who_are_shown(statistic, estimate, n, status) -> None:
    shown = release(row(statistic=statistic, estimate=estimate, n=n), plan_of(people(400))).table
    assert shown["status"].tolist() == [status]


def test_a_time_in_a_domain_is_no_cut_and_what_became_of_the_last_is_not_told() -> None:
    shown = release(
        row(statistic="survival", term="trust=1", domain="time=30", estimate=0.4, n=30.0), plan_of(people(40))
    )
    assert shown.table["status"].tolist() == ["ok"]
    for n in (9.0, 0.0):
        gone = release(
            row(statistic="survival", term="trust=1", domain="time=60", estimate=0.0, n=n), plan_of(people(40))
        )
        assert gone.table["status"].tolist() == ["withheld"]
