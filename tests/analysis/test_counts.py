"""Registry counts up a small tree and people placed in it, by hand; Wilson's interval against statsmodels and a paper."""

from __future__ import annotations

import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from analysis.methods.counts import (
    among,
    given,
    keyed,
    of_cut,
    parents_of,
    path_up,
    place_people,
    require,
    roll_up,
    silent_groups,
    wilson,
)

EXACT = 1e-12  # the same formula in another order of operations
PRINTED = 5e-5  # the paper prints four decimals

TREE = pd.DataFrame({"code": ["p", "c1", "c2", "d1"], "parent": [None, "p", "p", "c1"]})
PARENTS = {"p": "*", "c1": "p", "c2": "p", "d1": "c1"}
REGISTRY = pd.DataFrame(
    [
        ("1", "a", "c1", 10),  # its own row holds, though d1 below it has more
        ("1", "a", "d1", 12),
        ("1", "a", "c2", 5),
        ("1", "b", "d1", 3),
        ("1", "b", "d1", 4),  # two rows of one key are added
        ("1", "b", "c2", None),  # no number is no row
    ],
    columns=["wave", "group", "region", "members"],
)


@pytest.mark.parametrize(("count", "n"), [(0, 10), (8, 10), (10, 10), (1, 1), (377, 60000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_as_statsmodels(count, n, level):
    found = wilson(pd.Series([float(count)]), pd.Series([float(n)]), level).iloc[0]
    low, high = proportion_confint(count, n, alpha=1 - level, method="wilson")
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx([low, high], abs=EXACT)
    assert found["estimate"] == pytest.approx(count / n, abs=EXACT)


def test_wilson_as_printed():
    """Newcombe (1998, table I), method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    found = wilson(pd.Series([81.0, 15, 0, 1]), pd.Series([263.0, 148, 20, 29]))
    assert found["conf_low"].tolist() == pytest.approx([0.2553, 0.0624, 0.0000, 0.0061], abs=PRINTED)
    assert found["conf_high"].tolist() == pytest.approx([0.3662, 0.1605, 0.1611, 0.1718], abs=PRINTED)


def test_wilson_without_an_n_is_missing():
    found = wilson(pd.Series([0.0, 0.0]), pd.Series([0.0, None]))
    assert found.isna().all(axis=None)
    with pytest.raises(ValueError, match="conf_level"):
        wilson(pd.Series([1.0]), pd.Series([2.0]), 95)


def test_counts_by_hand():
    counts = roll_up(REGISTRY, "members", parents_of(TREE, "region")).set_index(["group", "node"])["members"]
    assert counts.to_dict() == {
        ("a", "*"): 15,
        ("a", "c1"): 10,
        ("a", "c2"): 5,
        ("a", "d1"): 12,
        ("a", "p"): 15,
        ("b", "*"): 7,
        ("b", "c1"): 7,
        ("b", "d1"): 7,
        ("b", "p"): 7,
    }
    assert roll_up(None, "members", PARENTS).empty


def test_people_are_at_their_place_and_all_above_it():
    people = pd.DataFrame({"wave": "1", "group": ["a", "b"], "region": ["d1", "c2"]})
    placed = place_people(people, PARENTS, roll_up(REGISTRY, "members", PARENTS))
    assert placed[["group", "node", "counted"]].to_numpy().tolist() == [
        ["a", "d1", True],
        ["a", "c1", True],
        ["a", "p", True],
        ["a", "*", True],
        ["b", "c2", False],  # the registry has no number of b there
        ["b", "p", True],
        ["b", "*", True],
    ]
    no_groups = roll_up(
        keyed(REGISTRY.head(3), {"wave": "wave", "group": None, "region": "region"}, ["members"]), "members", PARENTS
    )
    assert place_people(people, PARENTS, no_groups)["counted"].all()


def test_cuts_keep_their_rows():
    rows = pd.DataFrame({"group": ["*", "a", "*", "a"], "node": ["*", "*", "p", "p"]})
    assert of_cut(rows, ["wave"]).index.tolist() == [0, 1]
    assert of_cut(rows, ["wave", "group"]).index.tolist() == [1]
    assert of_cut(rows, ["wave", "node"]).index.tolist() == [2, 3]
    assert of_cut(rows, ["wave", "group", "node"]).index.tolist() == [3]


def test_the_tree():
    assert parents_of(TREE, "region") == PARENTS
    assert parents_of(None, None) == {}
    assert path_up("d1", PARENTS) == ["d1", "c1", "p", "*"]
    assert path_up("elsewhere", PARENTS) == ["elsewhere", "*"]
    with pytest.raises(ValueError, match="its own ancestor"):
        parents_of(pd.DataFrame({"code": ["x", "y"], "parent": ["y", "x"]}), "region")
    with pytest.raises(ValueError, match="changes nothing without region"):
        parents_of(TREE, None)


def test_who_did_not_report():
    seen = pd.DataFrame({"wave": ["1", "1", "1", "2"], "group": ["a", "b", "*", "a"]})
    observed = pd.DataFrame({"wave": "1", "organisation": ["a", "c"], "reported": [True, False]})
    silent = silent_groups(observed, "wave", seen)
    assert silent.tolist() == [("1", "b"), ("1", "c"), ("2", "a")]
    assert silent_groups(None, None, seen).empty
    assert among(seen, silent).tolist() == [False, True, False, True]


def test_frames_that_are_not_there_or_lack_columns():
    assert given(None) is None
    assert given(REGISTRY.head(0)) is None
    assert given(REGISTRY) is REGISTRY
    require("registry", None, ["members"])
    require("registry", REGISTRY, ["members", None])
    with pytest.raises(
        ValueError, match=r"the registry frame lacks the columns \['staff'\]; it needs \['wave', 'staff'\]"
    ):
        require("registry", REGISTRY, ["wave", None, "staff"])
