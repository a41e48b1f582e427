"""The plan and the door: answers worked out by hand. Rounded numbers are compared exactly: they are decimals by construction."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import MIME, STATISTICS, Released, Rules, plan_release, release
from analysis.disclosure.rounding import grid, round_count, two_digits
from analysis.tidy import COLUMNS, NUMBERS, tidy_frame

TREE = pd.DataFrame(
    [("P", None), ("A", "P"), ("B", "P"), ("A1", "A"), ("A2", "A"), ("B1", "B"), ("B2", "B")],
    columns=["code", "parent"],
)
CUTS = [(), ("group",), ("region",), ("group", "region")]


def people_of(cells, **more):
    """One row a person from {(group, region): persons}."""
    rows = [(g, r) for (g, r), n in cells.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["group", "region"]).assign(**more)
    return frame.assign(member=[f"m{i:05d}" for i in range(len(frame))])


def plan_of(frame, *, cuts=CUTS, hierarchy=TREE, rules=None, variables=("trust",), source="survey"):
    declared = dict.fromkeys(variables, (source, 1, 5))
    return plan_release({source: frame}, variables=declared, cuts=cuts, hierarchy=hierarchy, rules=rules or {})


def hidden_in(plan, codes, key="region", variable="trust", **more):
    source = next(iter(plan.sources.values()))
    return [c for c in codes if source.look(variable, {key: c, **more})[0]]


def rows(**columns):
    base = {"term": "trust", "statistic": "mean", "estimate": 3.456, "n": 40.0}
    size = max((len(v) for v in columns.values() if isinstance(v, list)), default=1)
    return pd.DataFrame({k: v if isinstance(v, list) else [v] * size for k, v in (base | columns).items()})


WIDE = people_of({("g", "A1"): 40, ("g", "A2"): 30, ("h", "B1"): 25, ("h", "B2"): 45})


def test_what_is_left_at_a_region_is_nobody_or_ten():
    # A = 4 (A1) + 15 (A2) + 30 (A itself): hiding A1 leaves 34 hidden, enough
    plan = plan_of(people_of({("g", "A1"): 4, ("g", "A2"): 15, ("g", "A"): 30, ("g", "B1"): 20, ("g", "B2"): 20}))
    assert hidden_in(plan, TREE["code"]) == ["A1"]
    # nobody at A itself: A1 alone would be 19 - 15, so A2 goes with it
    plan = plan_of(people_of({("g", "A1"): 4, ("g", "A2"): 15, ("g", "B1"): 20, ("g", "B2"): 20}))
    assert hidden_in(plan, TREE["code"]) == ["A1", "A2"]


def test_a_few_people_coded_at_a_city_hide_one_of_its_counties():
    plan = plan_of(people_of({("g", "A1"): 40, ("g", "A2"): 50, ("g", "A"): 3, ("g", "B1"): 20, ("g", "B2"): 20}))
    assert hidden_in(plan, TREE["code"]) == ["A1"]


def test_a_small_group_in_a_county_is_not_the_county_less_the_others():
    cells = {(g, r): 30 for g in "ghk" for r in ("A1", "A2", "B1", "B2")} | {("g", "A1"): 5}
    plan = plan_of(people_of(cells))
    look = plan.sources["survey"].look
    inside = [(g, r) for g in "ghk" for r in ("A1", "A2", "B1", "B2") if look("trust", {"group": g, "region": r})[0]]
    # a square is the least: another group in A1, and the same two groups in the other county of A
    assert sorted(inside) == [("g", "A1"), ("g", "A2"), ("h", "A1"), ("h", "A2")]
    assert hidden_in(plan, TREE["code"]) == []


def test_a_set_is_who_answered():
    frame = WIDE.assign(trust=3.0, hope=3.0)
    frame.loc[frame.index[frame["region"] == "A1"][:34], "hope"] = np.nan
    plan = plan_of(frame, variables=("trust", "hope"))
    assert hidden_in(plan, TREE["code"], variable="trust") == []
    assert hidden_in(plan, TREE["code"], variable="hope") == ["A1", "A2"]


def test_all_waves_together_are_hidden_where_one_wave_is():
    later = WIDE.drop(index=WIDE.index[WIDE["region"] == "A1"][:35])
    plan = plan_of(pd.concat([WIDE.assign(wave="1"), later.assign(wave="2")], ignore_index=True))
    assert hidden_in(plan, TREE["code"], wave="1") == []
    assert hidden_in(plan, TREE["code"], wave="2") == ["A1", "A2"]
    assert hidden_in(plan, TREE["code"]) == ["A1", "A2"]


def test_the_log_counts_a_person_once_and_hides_a_group_that_nearly_is_the_whole():
    # 40 people in g; 37 of them and no other in h: the whole less h would be 3 people
    log = pd.DataFrame(
        {"member": [f"m{i}" for i in range(40)] + [f"m{i}" for i in range(37)], "group": ["g"] * 40 + ["h"] * 37}
    )
    plan = plan_of(pd.concat([log, log]), cuts=[(), ("group",)], hierarchy=None, source="log")
    assert plan.sources["log"].look("trust", {}) == (False, 40.0)
    assert hidden_in(plan, ["h"], key="group") == ["h"]


def test_rows_in_another_order_give_the_same_plan():
    rng = np.random.default_rng(4)
    frame = people_of({(g, r): int(rng.poisson(9)) for g in "ghk" for r in TREE["code"]})
    one, other = plan_of(frame), plan_of(frame.sample(frac=1, random_state=1))
    for a, b in zip(one.sources["survey"].hidden("trust"), other.sources["survey"].hidden("trust"), strict=True):
        assert np.array_equal(a, b)


def test_tally_counts_filled_and_hidden_cells():
    table = plan_of(people_of({("g", "A1"): 4, ("g", "A2"): 15, ("g", "B1"): 20})).tally().set_index("cut")
    assert table.loc["region", ["cells", "hidden"]].tolist() == [6, 2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": {"minimum": 4}}, "at least 5"),
        ({"rules": {"minimun": 10}}, "no such rule"),
        ({"cuts": [("office",)]}, "no source has that column"),
        ({"variables": {"trust": ("poll", 1, 5)}}, "people were given for"),
        ({"variables": {"trust": ("survey", 5, 1)}}, "lowest below a highest"),
        ({"people": {"survey": WIDE.drop(columns="member")}}, "no column member"),
        ({"people": {"survey": WIDE.assign(member=None)}}, "140 rows"),
        ({"people": {"survey": WIDE.assign(region="Z9")}}, "the hierarchy does not have"),
        ({"people": {"survey": WIDE.assign(group="*")}}, "rename it"),
        ({"hierarchy": pd.concat([TREE, TREE.tail(1).assign(parent="A")])}, "two parents"),
        ({"hierarchy": TREE.assign(parent=["A1", *TREE["parent"][1:]])}, "root"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_in_words(change, message):
    given = {
        "people": {"survey": WIDE},
        "variables": {"trust": ("survey", 1, 5)},
        "cuts": CUTS,
        "hierarchy": TREE,
        "rules": {},
    }
    given |= change
    with pytest.raises(ValueError, match=message):
        plan_release(given.pop("people"), **given)


@pytest.mark.parametrize(
    ("n", "low", "high", "step"),
    [
        (10, 1, 5, 0.5),
        (40, 1, 5, 0.1),
        (41, 1, 5, 0.1),
        (39, 1, 5, 0.2),
        (400, 1, 5, 0.01),
        (5000, 1, 5, 0.01),
        (100, 0, 100, 1.0),
    ],
)
def test_step_of_a_mean(n, low, high, step):
    assert grid("own", low, high, n, error=np.nan, size=0, count_step=5).step == step


@pytest.mark.parametrize(
    ("kind", "n", "step", "decimals"),
    [
        ("share", 50, 0.02, 2),
        ("share", 30, 0.05, 2),
        ("difference", 80, 0.1, 1),
        ("correlation", 20, 0.1, 1),
        ("variance", 40, 0.1, 1),
        ("count", 40, 5, 0),
    ],
)
def test_step_of_other_kinds(kind, n, step, decimals):
    on = grid(kind, 1, 5, n, error=np.nan, size=0, count_step=5)
    assert (on.step, on.decimals) == (step, decimals)


def test_every_statistic_has_a_grid():
    for kind in STATISTICS.values():
        assert grid(kind, 1, 5, 40, error=0.012, size=3, count_step=5).step > 0


def test_counts_and_errors():
    assert [round_count(n, 5, 10) for n in (0, 10, 12, 13, 17.5)] == [0, 10, 10, 15, 20]
    assert round_count(12, 10, 12) == 20
    assert [two_digits(e) for e in (0.12345, 0.0995, 12.34)] == [0.12, 0.1, 12.0]


def test_interval_ends_go_outward_and_stay_in_the_range():
    plan = plan_of(WIDE)
    shown = release(
        rows(estimate=[3.45, 4.93, 1.0], conf_low=[3.21, 4.81, 1.0], conf_high=[3.69, 5.05, 1.04], std_error=0.1234),
        plan,
    ).table
    assert shown["estimate"].tolist() == [3.4, 4.9, 1.0]
    assert shown["conf_low"].tolist() == [3.2, 4.8, 1.0]
    assert shown["conf_high"].tolist() == [3.7, 5.0, 1.1]
    assert shown["std_error"].tolist() == [0.12] * 3
    assert shown["decimals"].tolist() == [1] * 3


def test_no_negative_nought_and_coefficients_to_two_digits_of_their_error():
    shown = release(
        rows(statistic=["difference", "coefficient"], estimate=[-0.01, 1.23456], std_error=0.0345), plan_of(WIDE)
    ).table
    assert not np.signbit(shown["estimate"][0])
    assert shown["estimate"].tolist() == [0.0, 1.235]


def test_a_difference_needs_both_of_its_cells():
    plan = plan_of(people_of({("g", "A1"): 40, ("h", "A1"): 4, ("k", "A1"): 15, ("l", "A1"): 90}), cuts=[("group",)])
    shown = release(
        rows(statistic="difference", estimate=0.5, group=["g - l", "g - h", "k - g", "g - nobody"]), plan
    ).table
    assert shown["status"].tolist() == ["ok", "withheld", "withheld", "withheld"]


def test_counts_of_the_finest_regions_are_rounded_to_ten():
    shown = release(rows(region=["A1", "A"], n=[36.0, 66.0], n_eff=[24.0, 44.0]), plan_of(WIDE)).table
    assert shown["n"].tolist() == [40.0, 65.0]
    assert shown["n_eff"].tolist() == [20.0, 45.0]


def test_statuses():
    status = ["ok", "pooled", "not_asked", "not_converged", "not_estimable"]
    plan = plan_of(people_of({("g", "A1"): 40, ("h", "A1"): 4, ("k", "A1"): 90}), cuts=[("group",)])
    shown = release(
        rows(status=status, group="k", estimate=[3, 3, np.nan, 3, np.nan], n=[50.0, 50, 0, 50, 50], basis="P"), plan
    )
    assert shown.table["status"].tolist() == status
    assert shown.table[list(NUMBERS)].notna().any(axis=1).tolist() == [True, True, False, False, False]
    assert shown.withheld == 0
    hidden = release(rows(status=status, group="h", n=50.0, basis="P"), plan)
    assert hidden.table["status"].tolist() == ["withheld"] * 5
    assert hidden.withheld == 5


def test_terms_cuts_and_descriptors():
    plan = plan_of(WIDE)
    coded = release(rows(term="trust=4", statistic="proportion", estimate=0.123, n=140.0), plan).table
    assert coded["estimate"].tolist() == [0.12]
    assert len(release(rows(domain="unit=group"), plan).table) == 1
    for change, message in (
        ({"term": "hope"}, "'hope' was not planned"),
        ({"domain": "channel=online"}, "channel"),
        ({"wave": "2024"}, "wave"),
        ({"statistic": "kurtosis"}, "no scale is declared"),
        ({"statistic": "max"}, "never released"),
        ({"estimate": 7.0}, "outside the range"),
    ):
        with pytest.raises(ValueError, match=message):
            release(rows(**change), plan)


def test_registry_counts_are_rounded_and_not_hidden():
    people = {"registry": pd.DataFrame({"wave": ["1"], "group": ["g"], "region": ["A1"]})}
    plan = plan_release(
        people, variables={"members": ("registry", 0, 1)}, cuts=[("group", "region")], hierarchy=TREE, rules={}
    )
    shown = release(
        rows(term="members", statistic="count", wave="1", group="g", region="A1", estimate=[7.0, 126.0], n=np.nan), plan
    )
    assert shown.table["estimate"].tolist() == [10.0, 130.0]


def test_an_empty_cell_may_show_a_nought_and_no_mean():
    plan = plan_of(WIDE)
    shown = release(rows(region="B1", group="g", statistic=["count", "mean"], estimate=[0.0, 3.0], n=[0.0, 30.0]), plan)
    assert shown.table["status"].tolist() == ["ok", "withheld"]


def test_only_release_makes_a_released():
    done = release(rows(), plan_of(WIDE), name="trust")
    with pytest.raises(TypeError, match="nothing else"):
        Released(rows(), "x", Rules(), 0, object())
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(done, name="y")
    taken = done.table
    taken.loc[0, "estimate"] = 99.0
    assert done.table.loc[0, "estimate"] != 99.0
    assert copy.copy(done).table.equals(done.table)


def test_a_released_shows_its_mark_and_no_rows():
    done = release(rows(), plan_of(WIDE), name="trust")
    assert done._repr_mimebundle_() == {
        "text/plain": "Released trust: 1 rows, 0 withheld",
        MIME: {"kind": "released", "name": "trust", "rows": 1},
    }
    assert [*done.tidy().columns, "decimals"] == [*COLUMNS, "decimals"] == list(done.table.columns)


def test_anything_with_tidy_passes_and_rows_of_persons_do_not():
    class Fit:
        def tidy(self):
            return tidy_frame(rows())

    plan = plan_of(WIDE)
    assert len(release(Fit(), plan).table) == 1
    with pytest.raises(ValueError, match="rows of persons never pass"):
        release(WIDE, plan)
    with pytest.raises(ValueError, match="tidy table is needed"):
        release([1, 2], plan)


def test_a_sensitive_variable_needs_more_people_and_no_cut_by_place_and_group():
    frame = people_of({("g", "A1"): 60, ("g", "A2"): 50, ("h", "A1"): 25, ("h", "B1"): 80})
    options = {"variables": {"ill": ("survey", 0, 1), "trust": ("survey", 1, 5)}, "hierarchy": TREE}
    people = {"survey": frame.assign(ill=1.0, trust=3.0)}
    plan = plan_release(
        people, cuts=[(), ("group",), ("region",), ("group", "region")], rules={}, **options, sensitive=["ill"]
    )
    look = plan.sources["survey"].look
    assert look("trust", {"group": "g", "region": "A2"}) == (False, 50.0)
    assert look("ill", {"group": "g", "region": "A2"}) == (True, 50.0)
    assert look("trust", {"group": "h", "region": "A1"}) == (False, 25.0)
    assert not look("ill", {"group": "g"})[0]
    # 29 answers are too few even where the plan shows the cell
    row = {"group": "g", "term": "ill", "statistic": "proportion", "estimate": 0.5, "n": 29.0}
    assert release(tidy_frame([row]), plan).table["status"].tolist() == ["withheld"]
    assert release(tidy_frame([row | {"n": 31.0}]), plan).table["status"].tolist() == ["ok"]
    assert release(tidy_frame([row | {"term": "trust=1"}]), plan).table["status"].tolist() == ["ok"]


def test_small_sensitive_cells_are_protected_up_to_their_own_minimum():
    """25 of h: the next smallest group is hidden along, which nobody needs for another question."""
    frame = people_of({("g", "A1"): 90, ("k", "A1"): 60, ("h", "A1"): 25})
    options = {"variables": {"ill": ("survey", 0, 1), "trust": ("survey", 1, 5)}, "hierarchy": None}
    people = {"survey": frame.assign(ill=1.0, trust=3.0)}
    look = plan_release(people, cuts=[(), ("group",)], rules={}, **options, sensitive=["ill"]).sources["survey"].look
    assert [look("ill", {"group": g})[0] for g in "ghk"] == [False, True, True]
    assert [look("trust", {"group": g})[0] for g in "ghk"] == [False, False, False]


def test_what_is_called_sensitive_must_be_planned():
    with pytest.raises(ValueError, match="no variables of the plan"):
        plan_release(
            {"survey": people_of({("g", "A1"): 20})},
            variables={"trust": ("survey", 1, 5)},
            cuts=[()],
            hierarchy=None,
            rules={},
            sensitive=["ill"],
        )
