"""Coverage counted by hand on a registry of two groups in three places; blind spots; identities."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from analysis.questions.coverage import coverage
from analysis.tidy import COLUMNS, Result

EXACT = 1e-12  # counts divided by counts

TREE = pd.DataFrame({"code": ["p", "c1", "c2"], "parent": ["", "p", "p"], "level": ["province", "city", "city"]})
REGISTRY = pd.DataFrame(
    [
        ("1", "g1", "p", 60, 12, 9),  # its own row, though the cities add to 50 members
        ("1", "g1", "c1", 20, 4, 4),
        ("1", "g1", "c2", 30, 6, 3),
        ("1", "g2", "c1", 10, 5, 1),
        ("1", "g2", "c2", 40, None, None),
        ("1", "g3", "c1", 25, 2, 3),
    ],
    columns=["wave", "group", "region", "members", "organisations", "established"],
)
CAREERS = pd.DataFrame(
    [("1", f"m{i}", "g1", "c1") for i in range(15)]
    + [("1", f"m{i}", "g2", "c1") for i in range(4)]  # four of them in both groups
    + [("1", "x1", "g2", "c2"), ("1", "x2", "g1", "p"), ("1", "y", "g3", "c1")],
    columns=["wave", "member", "group", "region"],
)
OBSERVED = pd.DataFrame({"wave": "1", "organisation": ["g1", "g2", "g3"], "reported": [True, True, False]})


def fitted(by=(), registry=REGISTRY, careers=CAREERS, **more) -> pd.DataFrame:
    options = {"observed": OBSERVED, "wave": "wave", "hierarchy": TREE, "target": None} | more
    return coverage(registry, careers, by=by, **options).tidy()


def row(table: pd.DataFrame, statistic: str, *, term: str | None = None, group="*", region="*") -> pd.Series:
    found = table[(table[["group", "region", "statistic"]] == [group, region, statistic]).all(axis=1)]
    found = found if term is None else found[found["term"] == term]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("by", "place", "count", "n"),
    [
        ((), {}, 21, 110),  # 16 with g1 and 5 with g2 (four people in both); 60 + 50 members; g3 did not report
        (["group"], {"group": "g1"}, 16, 60),
        (["group"], {"group": "g2"}, 5, 50),
        (["region"], {"region": "p"}, 21, 110),
        (["region"], {"region": "c1"}, 19, 30),
        (["region"], {"region": "c2"}, 1, 70),
        (["group", "region"], {"group": "g2", "region": "c1"}, 4, 10),
        (["group", "region"], {"group": "g1", "region": "c2"}, 0, 30),
    ],
)
def test_people_by_hand(by, place, count, n):
    found = row(fitted(by), "coverage", **place)
    assert found["term"] == "took_part"
    assert found["estimate"] == pytest.approx(count / n, abs=EXACT)
    assert found["n"] == n
    low, high = proportion_confint(count, n, method="wilson")
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx([low, high], abs=EXACT)


@pytest.mark.parametrize(
    ("by", "place", "count", "n"),
    [
        (["group"], {"group": "g1"}, 9, 12),
        (["group"], {"group": "g2"}, 1, 5),
        (["region"], {"region": "c2"}, 3, 6),
        (["group", "region"], {"group": "g1", "region": "c1"}, 4, 4),
    ],
)
def test_organisations_by_hand(by, place, count, n):
    found = row(fitted(by), "organisation_coverage", **place)
    assert found[["term", "status"]].tolist() == ["established", "ok"]
    assert found["estimate"] == pytest.approx(count / n, abs=EXACT)
    assert found["n"] == n


def test_impossible_counts_are_said():
    found = row(fitted(["group"]), "organisation_coverage", group="g3")
    assert found[["status", "basis"]].tolist() == ["not_estimable", "more established than organisations"]
    few = row(fitted(["group"], REGISTRY.assign(members=3)), "coverage", group="g1")
    assert few[["status", "basis"]].tolist() == ["not_estimable", "registry smaller than log"]


def test_a_group_that_did_not_report_is_never_zero():
    table = fitted(["group"])
    assert row(table, "coverage", group="g3")["status"] == "not_reported"
    assert pd.isna(row(table, "coverage", group="g3")["estimate"])
    everyone = row(fitted(["group"], observed=None), "coverage", group="g3")
    assert everyone["estimate"] == pytest.approx(1 / 25)


def test_gaps_and_blind_spots():
    table = fitted(["region"], target={"coverage": 0.4})
    gap = row(table, "gap_to_target", region="c1")
    share = row(table, "coverage", term="took_part", region="c1")
    assert gap["estimate"] == pytest.approx(19 / 30 - 0.4, abs=EXACT)
    assert gap["conf_low"] == pytest.approx(share["conf_low"] - 0.4, abs=EXACT)
    # c1 stands above; c2 (1 of 70) and p (21 of 110, at most 29 %) stand below, each by an exact test within its level.
    named = table[table["statistic"] == "blind_spot"].set_index("region")
    assert named["estimate"].to_dict() == pytest.approx({"c2": 1 / 70 - 0.4, "p": 21 / 110 - 0.4})
    low, high = proportion_confint(1, 70, alpha=0.05 / 2, method="beta")  # two cities are compared together
    assert named.loc["c2", ["conf_low", "conf_high"]].tolist() == pytest.approx([low - 0.4, high - 0.4], abs=1e-9)
    spots = table[(table["term"] == "blind_spot") & (table["domain"] == "measure=coverage")]
    assert spots[["wave", "statistic", "domain", "estimate", "n", "status"]].to_numpy().tolist() == [
        ["1", "units", "measure=coverage", 2, 30 + 70 + 110, "ok"]
    ]
    table = fitted(["region"], target={"region": 0.2})
    assert table[(table["term"] == "blind_spot") & (table["domain"] == "measure=coverage")]["estimate"].tolist() == [1]


def test_without_a_target_units_are_held_against_all():
    """g1 and g2 by all of their wave; places within their level, so that the one province is compared with nothing."""
    table = fitted(["region"])
    named = table[table["statistic"] == "blind_spot"].set_index("region")
    assert named["estimate"].to_dict() == pytest.approx({"c2": 1 / 70 - 21 / 110})
    units = table[table["domain"] == "measure=coverage"].iloc[0]
    assert units[["estimate", "n"]].tolist() == [1, 30 + 70]
    alone = fitted(["group"], REGISTRY[REGISTRY["group"] == "g1"], CAREERS[CAREERS["group"] == "g1"], observed=None)
    assert "blind_spot" not in set(alone["term"]) | set(alone["statistic"])
    assert "blind_spot" not in set(fitted()["term"])


def test_many_units_are_held_to_more():
    """4 of 20 below a half alone are named (p 0.006); among forty units, most of them at a half, they are not."""
    codes = [f"v{k}" for k in range(40)]
    tree = pd.DataFrame({"code": ["p", *codes], "parent": ["", *["p"] * 40], "level": ["county", *["village"] * 40]})
    registry = pd.DataFrame({"wave": "1", "group": "g", "region": codes, "members": 20})
    came = [("1", f"{c}-{k}", "g", c) for c in codes for k in range(4 if c == "v0" else 10)]
    careers = pd.DataFrame(came, columns=["wave", "member", "group", "region"])
    for some, named in ((1, ["v0"]), (40, [])):
        table = coverage(
            registry.head(some),
            careers,
            observed=None,
            by=["region"],
            wave="wave",
            hierarchy=tree,
            target={"coverage": 0.5},
        ).tidy()
        spots = table[(table["statistic"] == "blind_spot") & (table["region"] != "p")]
        assert spots["region"].tolist() == named
    eager = coverage(
        registry,
        careers,
        observed=None,
        by=["region"],
        wave="wave",
        hierarchy=tree,
        target={"coverage": 0.9},
        adjust="bh",
    ).tidy()
    assert (eager["statistic"] == "blind_spot").sum() == 41


def test_a_member_at_two_places_counts_once_above_them():
    twice = pd.concat([CAREERS, CAREERS.head(1).assign(region="c2")])
    pd.testing.assert_frame_equal(fitted(careers=twice), fitted())
    assert row(fitted(["region"], careers=twice), "coverage", region="c2")["estimate"] == pytest.approx(2 / 70)
    assert row(fitted(["region"], careers=twice), "coverage", region="p")["estimate"] == pytest.approx(21 / 110)


def test_blind_spots_of_both_measures_keep_apart():
    table = fitted(["group"], target={"coverage": 0.05, "organisation_coverage": 0.8})
    spots = table[table["term"] == "blind_spot"].set_index("domain")
    # g2 has 1 of 5 established (at most 62 %), g1 9 of 12 (at most 91 %); both groups reach more than 5 % of people
    assert spots["estimate"].to_dict() == {"measure=coverage": 0, "measure=organisation_coverage": 1}
    assert spots["n"].to_dict() == {"measure=coverage": 110, "measure=organisation_coverage": 17}


def test_a_cuts_own_target_goes_before_the_general_one():
    both = {"coverage": 0.9, "group": 0.1, "organisation_coverage": 0.5}
    fit = coverage(REGISTRY, CAREERS, observed=OBSERVED, by=["group"], wave="wave", hierarchy=TREE, target=both)
    assert fit.targets == {"coverage": 0.1, "organisation_coverage": 0.5}
    assert set(fit.tidy().query("statistic == 'gap_to_target'")["term"]) == {"took_part", "established"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"by": ["employer"]}, "by is"),
        ({"target": {"reach": 0.5}}, "not {'reach': 0.5}"),
        ({"target": {"coverage": 60}}, "shares above 0 and up to 1"),
        ({"target": {"region": 0.5}}, r"touch no row of the cut \*"),
        (
            {"target": {"organisation_coverage": 0.5}, "registry": REGISTRY.drop(columns="established")},
            "needs the registry",
        ),
        ({"careers": CAREERS.drop(columns="member")}, "careers frame lacks"),
    ],
)
def test_refuses(change, words):
    with pytest.raises(ValueError, match=words):
        fitted(**change)


def test_what_is_not_there_is_not_asked():
    assert fitted(registry=None)["status"].tolist() == ["not_asked"]
    for nothing in (REGISTRY.head(0), pd.DataFrame()):
        empty = fitted(registry=nothing, target={"coverage": 0.5})
        pd.testing.assert_frame_equal(empty, fitted(registry=None, target={"coverage": 0.5}))
    without_log = fitted(careers=None)
    assert without_log[["statistic", "status"]].to_numpy().tolist()[0] == ["coverage", "not_asked"]
    assert row(without_log, "organisation_coverage")["estimate"] == pytest.approx(13 / 19)
    plain = fitted(registry=REGISTRY.drop(columns=["organisations", "established"]))
    assert set(plain["statistic"]) == {"coverage"}


@given(st.permutations(range(len(CAREERS))), st.permutations(range(len(REGISTRY))))
@settings(max_examples=4, deadline=None)
def test_order_of_rows_does_not_matter(people, counts):
    turned = fitted(["group", "region"], REGISTRY.iloc[counts], CAREERS.iloc[people], target={"coverage": 0.5})
    pd.testing.assert_frame_equal(turned, fitted(["group", "region"], target={"coverage": 0.5}))


def test_an_empty_group_changes_nothing_else():
    more = pd.concat([REGISTRY, pd.DataFrame([("1", "g4", "c2", 0, 0, 0)], columns=REGISTRY.columns)])
    seen = pd.concat([OBSERVED, OBSERVED.head(1).assign(organisation="g4")])
    pd.testing.assert_frame_equal(fitted(registry=more, observed=seen), fitted())


def test_result_keeps_the_contract():
    fit = coverage(REGISTRY, CAREERS, observed=OBSERVED, by=(), wave="wave", hierarchy=TREE, target={"coverage": 0.5})
    assert isinstance(fit, Result)
    assert tuple(fit.tidy().columns) == COLUMNS
    assert "CoverageFit(by *" in repr(fit)
