"""Coverage on the demo and federations of its kind: planted kinds are found, no others, and what is found passes the door."""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import pytest

import analysis
import survey
from analysis.questions.coverage import coverage
from survey.panel import Panel
from tests.analysis.federations import HARDLY_FOUND, PLANTED, federation, level_truth

SEEDS = (3, 17, 20261128)


@cache
def panel() -> Panel:
    return survey.open_study("demo").panel()


@cache
def plan() -> Any:
    inputs = panel().release_inputs
    return analysis.plan_release(**{**inputs, "cuts": (*inputs["cuts"], ("in_need", "group"))})


def covered(by: tuple[str, ...] = (), *, asked: bool = False, **more: Any) -> Any:
    demo = panel()
    where = {"observed": demo.observed, "wave": "wave", "hierarchy": demo.where["hierarchy"]}
    answers = {"members": demo.members, "design": analysis.Design(**demo.design)} if asked else {}
    return coverage(demo.registry, demo.careers, by=by, **where, **answers, **more)


def kinds_named(frames: dict[str, pd.DataFrame]) -> list[str]:
    rows = coverage(
        None, frames["careers"], observed=None, by=("employer",), wave=None, hierarchy=None, members=frames["members"]
    ).tidy()
    return rows.loc[rows["statistic"] == "blind_spot", "domain"].str.removeprefix("employer=").tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_exactly_the_planted_kinds_are_named(seed: int) -> None:
    frames = federation(seed)
    assert kinds_named(frames) == PLANTED
    rows = coverage(
        frames["registry"], frames["careers"], observed=None, by=("group",), wave=None, hierarchy=None, resources=()
    ).tidy()
    people = rows[(rows["term"] == "took_part") & (rows["statistic"] == "blind_spot")].set_index("group")["estimate"]
    assert people.idxmin() == HARDLY_FOUND


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_is_named_where_kinds_do_not_differ(seed: int) -> None:
    assert kinds_named(federation(seed, level_truth())) == []


def test_the_demo_has_the_kinds_that_were_planted() -> None:
    rows = covered(("employer",), asked=True).tidy()
    named = rows[(rows["statistic"] == "blind_spot") & (rows["wave"] == panel().wave)]
    assert named["domain"].tolist() == [f"employer={code}" for code in PLANTED]
    assert (named["conf_high"] < 0).all()


@pytest.mark.parametrize(
    ("by", "asked", "more", "statistics"),
    [
        ((), False, {}, {"coverage", "organisation_full", "venue_full", "per_100_members", "times_per_venue"}),
        (("group",), False, {}, {"coverage", "organisation_full", "blind_spot", "units", "times_per_venue"}),
        (("region",), False, {}, {"coverage", "venue_full", "blind_spot", "per_100_members", "rank_correlation"}),
        (("employer",), True, {}, {"coverage", "coverage_lowest", "coverage_highest", "blind_spot", "units"}),
        ((), True, {"in_need": "in_need", "benefit": "benefited"}, {"share", "equity_gap"}),
        (("group",), True, {"in_need": "in_need", "reach": "joined_in"}, {"share", "equity_gap"}),
    ],
)
def test_every_new_table_passes_the_door(by: Any, asked: bool, more: dict[str, Any], statistics: set[str]) -> None:
    table = analysis.release(covered(by, asked=asked, **more), plan()).table
    assert statistics <= set(table.loc[table["status"] == "ok", "statistic"])
    people = table[table["term"].isin(["took_part", "took_part_linked"]) & (table["status"] == "ok")]
    assert (people["n"].isna() | (people["n"] == 0) | (people["n"] >= 10)).all()


def test_the_item_of_need_is_the_studys() -> None:
    assert panel().in_need == "in_need"
    assert set(panel().release_inputs["people"]["survey"]["in_need"].dropna()) == {"0", "1"}
    hardly = plan().sources["survey"].look("took_part_linked", {"wave": "2023", "group": "literary_art"})
    assert hardly[1] == 0  # its log did not come: nobody stands behind reach by the link there


def test_cells_of_few_people_are_hidden() -> None:
    """Before the door there are cells of 1 to 9 people in places; behind it there is none."""
    inputs = panel().release_inputs
    by_place = analysis.plan_release(**{**inputs, "cuts": ((), ("region",), ("in_need", "region"))})
    fit = covered(("region",), asked=True, in_need="in_need", benefit="benefited").tidy()
    table = analysis.release(fit, by_place).table
    few = (fit["n"] > 0) & (fit["n"] < 10)
    for statistic in ("share", "equity_gap", "times_per_venue", "per_100_members"):
        here = few & (fit["statistic"] == statistic)
        assert here.any()
        assert set(table.loc[here, "status"]) <= {"withheld", "not_estimable"}
        assert table.loc[here, ["estimate", "n"]].isna().all(axis=None)


def test_a_gap_is_shown_only_where_both_its_sides_are() -> None:
    people = pd.DataFrame({"member": [f"m{k}" for k in range(60)], "in_need": ["1"] * 5 + ["0"] * 55})
    small = analysis.plan_release(
        {"survey": people}, variables={"gained": ("survey", 0, 1)}, cuts=[(), ("in_need",)], hierarchy=None, rules={}
    )
    row = {"term": "gained", "statistic": "equity_gap", "domain": "in_need=1 - 0", "estimate": 0.2, "n": 30.0}
    assert analysis.release(pd.DataFrame([row]), small).table["status"].tolist() == ["withheld"]
    large = analysis.plan_release(
        {"survey": people.assign(in_need=["1"] * 25 + ["0"] * 35)},
        variables={"gained": ("survey", 0, 1)},
        cuts=[(), ("in_need",)],
        hierarchy=None,
        rules={},
    )
    shown = analysis.release(pd.DataFrame([row]), large).table
    assert shown[["status", "estimate", "n"]].to_numpy().tolist() == [["ok", 0.2, 30.0]]
