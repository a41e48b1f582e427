"""Coverage by a column of the answers through the link to the log, its bounds, and the equity gap, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

import analysis
from analysis.questions.coverage import coverage

EXACT = 1e-12
TREE = pd.DataFrame({"code": ["p", "c"], "parent": ["", "p"], "level": ["province", "county"]})
ROWS = (
    [(f"k{i}", f"k{i}", "a", "kind1", 1, 1) for i in range(6)]  # the first four of them came
    + [(f"j{i}", f"j{i}", "a", "kind2", 0, 0) for i in range(5)]  # one of them came to a, one to b alone
    + [(f"u{i}", None, "a", "kind2", 0, 1) for i in range(3)]  # did not consent
    + [(f"s{i}", f"s{i}", "quiet", "kind1", 1, 0) for i in range(4)]  # their log is not there
)
MEMBERS = pd.DataFrame(ROWS, columns=["member", "log_member", "group", "work", "needy", "gained"]).assign(
    wave="1", region="c"
)
CAREERS = pd.DataFrame(
    [(f"k{i}", "a") for i in range(4)] + [("j0", "a"), ("j1", "b"), ("s0", "quiet"), ("stranger", "a")],
    columns=["member", "group"],
).assign(wave="1", region="c")
OBSERVED = pd.DataFrame({"wave": "1", "organisation": ["a", "b", "quiet"], "reported": [True, True, False]})


def fitted(by=("work",), members=MEMBERS, careers=CAREERS, **more) -> pd.DataFrame:
    options = {"observed": OBSERVED, "wave": "wave", "hierarchy": TREE} | more
    return coverage(None, careers, by=by, members=members, **options).tidy()


def one(table: pd.DataFrame, statistic: str, **keys: str) -> pd.Series:
    wanted = {"group": "*", "region": "*", "domain": "*", "statistic": statistic} | keys
    found = table[(table[list(wanted)] == list(wanted.values())).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


def test_coverage_of_those_linked_and_what_the_others_leave_open():
    table = fitted()
    first = one(table, "coverage", domain="work=kind1")
    assert first[["term", "estimate", "n"]].tolist() == [
        "took_part_linked",
        pytest.approx(4 / 6),
        6,
    ]  # not the four of quiet
    second = one(table, "coverage", domain="work=kind2")
    assert second[["estimate", "n"]].tolist() == pytest.approx(
        [1 / 5, 5]
    )  # who came to b did not come to the own organisation
    assert one(table, "coverage_lowest", domain="work=kind2")[["estimate", "n"]].tolist() == pytest.approx([1 / 8, 8])
    assert one(table, "coverage_highest", domain="work=kind2")[["estimate", "n"]].tolist() == pytest.approx([4 / 8, 8])
    assert "work=kind1" not in set(
        table.loc[table["statistic"] == "coverage_lowest", "domain"]
    )  # all of them are linked
    low, high = proportion_confint(4, 6, method="wilson")
    assert low > first["conf_low"] > 0  # Student's t in place of the normal: wider
    assert high < first["conf_high"] < 1


def test_without_groups_any_organisation_counts():
    table = fitted(members=MEMBERS.drop(columns="group"), observed=None)
    assert one(table, "coverage", domain="work=kind2")["estimate"] == pytest.approx(2 / 5)
    assert one(table, "coverage", domain="work=kind1")["estimate"] == pytest.approx(5 / 10)


def test_cuts_with_groups_and_places():
    table = fitted(("group", "work"))
    assert one(table, "coverage", group="a", domain="work=kind1")["estimate"] == pytest.approx(4 / 6)
    assert one(table, "coverage", group="quiet", domain="work=kind1")["status"] == "not_reported"
    places = fitted(("region", "work"))
    for region in ("p", "c"):
        assert one(places, "coverage", region=region, domain="work=kind2")["n"] == 5
    assert one(fitted(careers=None), "coverage")["status"] == "not_asked"


def test_weights_count():
    weighted = MEMBERS.assign(weight=np.where(MEMBERS["member"] == "j0", 5.0, 1.0))
    table = fitted(members=weighted, design=analysis.Design(weights="weight"))
    assert one(table, "coverage", domain="work=kind2")["estimate"] == pytest.approx(5 / 9)
    assert one(table, "coverage_highest", domain="work=kind2")["estimate"] == pytest.approx(8 / 12)


def test_nobody_came_is_a_blind_spot():
    """Sixty of a kind of which nobody came, beside 200 of whom half did: a share without any variance is named all the same."""
    rows = [("none", 0)] * 60 + [("half", k % 2) for k in range(200)]
    members = pd.DataFrame(rows, columns=["work", "came"]).assign(wave="1")
    members["log_member"] = [f"m{k}" for k in range(260)]
    careers = members.loc[members["came"] == 1, ["wave"]].assign(member=members["log_member"])
    table = coverage(None, careers, observed=None, by=("work",), wave="wave", hierarchy=None, members=members).tidy()
    spot = table[table["statistic"] == "blind_spot"]
    assert spot["domain"].tolist() == ["work=none"]
    assert spot["estimate"].tolist() == pytest.approx([-100 / 260])
    assert spot["conf_high"].item() < 0
    assert one(table, "units", domain="measure=coverage")["estimate"] == 1
    strict = coverage(
        None, careers, observed=None, by=("work",), wave="wave", hierarchy=None, members=members, target={"work": 0.9}
    ).tidy()
    assert set(strict.loc[strict["statistic"] == "blind_spot", "domain"]) == {"work=none", "work=half"}


def test_the_equity_gap_by_hand():
    """Unweighted shares of two kinds of people: their difference and its error, each from its own side."""
    table = fitted((), in_need="needy", benefit="gained", resources=())
    shares = [one(table, "share", term="took_part_linked", domain=f"in_need={k}") for k in "10"]
    assert [s["estimate"] for s in shares] == pytest.approx([4 / 6, 1 / 5])
    gap = one(table, "equity_gap", term="took_part_linked", domain="in_need=1 - 0")
    assert gap["estimate"] == pytest.approx(4 / 6 - 1 / 5)
    # v(p) = n/(n-1) p(1-p)/n in either side, with the 11 linked people of whom either side is a domain: n/(n-1) is 18/17
    p, q = 4 / 6, 1 / 5
    error = np.sqrt(18 / 17 * (p * (1 - p) / 6 + q * (1 - q) / 5))
    assert gap["std_error"] == pytest.approx(error, rel=1e-9)
    assert gap["n"] == 5
    benefit = one(table, "equity_gap", term="gained", domain="in_need=1 - 0")
    assert benefit["estimate"] == pytest.approx(6 / 10 - 3 / 8)
    same = analysis.estimates(MEMBERS, variables=["gained"], by=["needy"])
    theirs = analysis.contrast(same, [({"domain": "needy=1"}, {"domain": "needy=0"})]).tidy().iloc[0]
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "n"]
    assert benefit[numbers].tolist() == pytest.approx(theirs[numbers].tolist(), abs=EXACT)


def test_equity_by_group_and_place():
    table = fitted(("group",), in_need="needy", benefit="gained")
    assert one(table, "share", group="quiet", term="took_part_linked", domain="in_need=1")["status"] == "not_reported"
    lone = one(table, "equity_gap", group="quiet", term="gained", domain="in_need=1 - 0")
    assert lone["status"] == "not_estimable"  # nobody of quiet is among the rest
    places = fitted(("region",), in_need="needy", reach="gained")
    assert set(places.loc[places["statistic"] == "equity_gap", "region"]) == {"p", "c"}
    assert set(places.loc[places["statistic"] == "share", "term"]) == {"gained"}
    assert one(fitted((), careers=None, in_need="needy"), "equity_gap")["status"] == "not_asked"


@pytest.mark.parametrize("make", [lambda v: v == 1, lambda v: v.astype(str), lambda v: v.astype("boolean"), float])
def test_need_is_read_as_numbers_bool_or_text(make):
    column = MEMBERS["needy"].map(make) if make is float else make(MEMBERS["needy"])
    table = fitted((), members=MEMBERS.assign(needy=column), in_need="needy", benefit="gained")
    pd.testing.assert_frame_equal(table, fitted((), in_need="needy", benefit="gained"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"members": None}, "by is"),
        ({"by": ("trade",)}, r"lacks the columns \['trade'\]"),
        ({"by": ("work", "work")}, "by is"),
        ({"by": ("group",)}, "members= changes nothing"),
        ({"members": None, "by": (), "design": analysis.Design()}, r"\['design'\] changes nothing without members"),
        ({"members": None, "by": (), "in_need": "needy"}, r"\['in_need'\] changes nothing without members"),
        ({"benefit": "gained"}, "change nothing without in_need"),
        ({"resources": ("staff",)}, "resources= changes nothing"),
        ({"adjust": "none"}, "adjust must be one of"),
        ({"link": "other"}, "no column 'other' that links"),
        ({"in_need": "poor"}, "no column 'poor', named by in_need="),
        ({"in_need": "group"}, "must hold 1 and 0 .* 18 rows hold something else"),
        ({"target": {"organisation_coverage": 0.5}}, "touch no row of the cut work"),
    ],
)
def test_refuses(change, words):
    with pytest.raises(ValueError, match=words):
        fitted(**({"by": ("work",)} | change))
