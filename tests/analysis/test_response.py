"""Answers counted by hand on two groups in a small tree; the weights' cost; what is not there."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from analysis.questions.response import response
from analysis.tidy import COLUMNS, Result

EXACT = 1e-12  # counts divided by counts

TREE = pd.DataFrame({"code": ["p", "c1", "c2"], "parent": ["", "p", "p"], "level": ["province", "city", "city"]})
MEMBERS = pd.DataFrame(
    [("1", "a", "c1", 1.0)] * 3
    + [("1", "a", "c2", 2.0)] * 2
    + [("1", "b", "c1", 3.0)]
    + [("1", "b", None, 3.0)]  # place unknown: counts in the whole and in its group
    + [("2", "a", "c1", 5.0)] * 2,  # a wave without registry
    columns=["wave", "group", "region", "weight"],
)
REGISTRY = pd.DataFrame(
    [
        ("1", "a", "p", 40),  # its own row, though the cities add to 30
        ("1", "a", "c1", 10),
        ("1", "a", "c2", 20),
        ("1", "b", "c2", 8),  # nothing known of b in c1
        ("1", "c", "c2", 50),  # nobody answered
        ("0", "a", "p", 99),  # a wave without answers
    ],
    columns=["wave", "group", "region", "members"],
)


def fitted(members: pd.DataFrame = MEMBERS, registry: pd.DataFrame | None = REGISTRY, **more) -> pd.DataFrame:
    options = {"group": "group", "region": "region", "wave": "wave", "hierarchy": TREE} | more
    return response(members, registry, **options).tidy()


def row(table: pd.DataFrame, statistic: str, *, wave="1", group="*", region="*") -> pd.Series:
    keys = ["wave", "group", "region", "statistic"]
    found = table[(table[keys] == [wave, group, region, statistic]).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("place", "people", "count", "n"),
    [
        ({}, 7, 7, 98),
        ({"group": "a"}, 5, 5, 40),
        ({"group": "b"}, 2, 2, 8),
        ({"group": "c"}, 0, 0, 50),
        ({"region": "p"}, 6, 6, 98),
        ({"region": "c1"}, 4, 3, 10),  # b's answer there has no members of b to be compared with
        ({"region": "c2"}, 2, 2, 78),
    ],
)
def test_rates_by_hand(place, people, count, n):
    table = fitted()
    assert row(table, "people", **place)[["term", "estimate", "n"]].tolist() == ["response", people, people]
    found = row(table, "response_rate", **place)
    assert found[["status", "n", "n_eff"]].tolist() == ["ok", n, n]
    assert found["estimate"] == pytest.approx(count / n, abs=EXACT)
    low, high = proportion_confint(count, n, method="wilson")
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx([low, high], abs=EXACT)


def test_only_the_cuts_asked_for():
    table = fitted()
    assert not ((table["group"] != "*") & (table["region"] != "*")).any()
    groups = fitted(region=None, hierarchy=None, registry=REGISTRY[REGISTRY["region"] != "p"])
    assert set(groups["region"]) == {"*"}
    assert row(groups, "response_rate", group="a")["n"] == 30
    assert set(fitted(group=None)["group"]) == {"*"}
    whole = fitted(wave=None, group=None, region=None, hierarchy=None, registry=REGISTRY.tail(3))
    assert whole[["statistic", "estimate"]].to_numpy().tolist() == [["people", 9], ["response_rate", 9 / 157]]


def test_kish_by_hand():
    """Weights 1, 1, 1, 2, 2, 3, 3: 7 x 29 / 13^2; five and five cost nothing."""
    table = fitted(weights="weight")
    weights = table[table["term"] == "weights"]
    effective = weights[weights["statistic"] == "effective_n"].set_index("wave")["estimate"]
    assert effective.to_dict() == pytest.approx({"1": 169 / 29, "2": 2.0}, abs=EXACT)
    effect = weights[weights["statistic"] == "weight_effect"].set_index("wave")
    assert effect["estimate"].to_dict() == pytest.approx({"1": 7 * 29 / 169, "2": 1.0}, abs=EXACT)
    assert effect["n"].to_dict() == {"1": 7, "2": 2}
    assert set(effect["statistic"]) == {"weight_effect"}
    pd.testing.assert_frame_equal(table[table["term"] != "weights"], fitted())


def test_a_wave_without_registry_was_not_asked():
    table = fitted()
    assert set(table["wave"]) == {"1", "2"}
    later = row(table, "response_rate", wave="2")
    assert later["status"] == "not_asked"
    assert later[["estimate", "conf_low", "n"]].isna().all()
    assert row(table, "people", wave="2")["estimate"] == 2


@pytest.mark.parametrize("registry", [None, REGISTRY.head(0), pd.DataFrame()])
def test_without_a_registry_there_are_answers_only(registry):
    table = fitted(registry=registry)
    rates = table[table["statistic"] == "response_rate"]
    assert set(rates["status"]) == {"not_asked"}
    assert rates["estimate"].isna().all()
    assert row(table, "people", group="b")["estimate"] == 2
    assert len(rates) == (table["statistic"] == "people").sum() == 10


def test_more_answers_than_members_is_said():
    found = row(fitted(registry=REGISTRY.assign(members=1)), "response_rate", group="a")
    assert found[["status", "basis"]].tolist() == ["not_estimable", "registry smaller than answers"]
    assert pd.isna(found["estimate"])
    nobody = row(fitted(registry=REGISTRY.assign(members=0)), "response_rate", group="c")
    assert nobody[["status", "basis"]].tolist() == ["not_estimable", ""]


def test_no_answers_no_rows():
    assert fitted(MEMBERS.head(0), weights="weight").empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"members": MEMBERS.drop(columns="region")}, "members frame lacks.*region"),
        ({"registry": REGISTRY.drop(columns="members")}, "registry frame lacks.*members"),
        ({"weights": "heft"}, "members frame lacks.*heft"),
        ({"weights": "weight", "members": MEMBERS.assign(weight=[None, -1.0, *[1.0] * 7])}, "2 weights are missing"),
        ({"weights": "weight", "members": MEMBERS.assign(weight=0.0)}, "all of a wave are 0"),
        ({"hierarchy": TREE.assign(parent=["c1", "p", "p"])}, "its own ancestor"),
        ({"region": None}, "hierarchy changes nothing"),
    ],
)
def test_refuses(change, words):
    with pytest.raises(ValueError, match=words):
        fitted(**change)


@given(st.permutations(range(len(MEMBERS))), st.permutations(range(len(REGISTRY))))
@settings(max_examples=4, deadline=None)
def test_order_of_rows_does_not_matter(people, counts):
    turned = MEMBERS.iloc[people].set_axis([0] * len(MEMBERS))  # an index that repeats does no harm
    pd.testing.assert_frame_equal(fitted(turned, REGISTRY.iloc[counts], weights="weight"), fitted(weights="weight"))


def test_result_keeps_the_contract():
    fit = response(MEMBERS, None, group="group", region=None, wave="wave", hierarchy=None)
    assert isinstance(fit, Result)
    assert tuple(fit.tidy().columns) == COLUMNS
    assert "9 answers" in repr(fit)


def test_who_was_seen_again_by_hand() -> None:
    """Three of four of wave 1 came again, one of two of group a; nobody can tell of wave 2."""
    frame = pd.DataFrame({"wave": list("111122"), "group": ["a", "a", "b", "b", "a", "b"]})
    frame["again"] = ["again", "not_seen_again", "again", "again", None, None]
    asked = {"group": "group", "region": None, "wave": "wave", "hierarchy": None}
    table = response(frame, None, again="again", **asked).tidy().query("term == 'answered_again'")
    assert table.set_index(["wave", "group"])["estimate"].to_dict() == {
        ("1", "*"): 0.75,
        ("1", "a"): 0.5,
        ("1", "b"): 1.0,
    }
    assert table["n"].tolist() == [4, 2, 2]


def test_of_those_invited_where_that_is_known() -> None:
    frame = pd.DataFrame({"wave": ["1"] * 4 + ["2"] * 3})
    asked = {"group": None, "region": None, "wave": "wave", "hierarchy": None}
    table = response(frame, None, invited={"1": 8, "2": 2, "3": 5}, **asked).tidy().query("statistic == 'invited_rate'")
    assert table["wave"].tolist() == ["1", "2"]
    assert table["estimate"].iloc[0] == 0.5
    assert table["n"].iloc[0] == 8
    assert table["status"].tolist() == ["ok", "not_estimable"]
