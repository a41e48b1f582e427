"""Full coverages of places, and means beside use and reach, counted by hand on a small tree of counties and townships."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from analysis.questions.coverage import coverage

EXACT = 1e-12  # counts divided by counts

TREE = pd.DataFrame(
    [
        ("p", "", "province", ""),
        ("a", "p", "county", ""),
        ("b", "p", "county", ""),
        ("old", "p", "county", "2020-01-01"),  # no place any more
        *[(f"a{k}", "a", "township", "") for k in range(3)],
        *[(f"b{k}", "b", "township", "") for k in range(2)],
    ],
    columns=["code", "parent", "level", "valid_to"],
)
REGISTRY = pd.DataFrame(
    [
        ("g", "a", 300, 5, 3, 6),  # its own row holds for the county
        ("g", "a0", 200, 3, 2, 4),
        ("g", "a1", 100, 0, 0, 2),  # no organisation, no venue
        ("g", "b0", 50, 1, 0, 1),
        ("h", "a", 40, 0, 0, 0),  # h knows counties alone
        ("h", "b", 60, 2, 4, 3),
        ("s", "b", 30, 1, 2, 1),  # s did not report its log
    ],
    columns=["group", "region", "members", "established", "venues", "staff"],
).assign(wave="1")
CAREERS = pd.DataFrame(
    [("m1", "g", "a0", 3), ("m2", "g", "a0", 1), ("m3", "g", "a1", 2), ("m1", "h", "b", 5), ("m9", "s", "b", 7)],
    columns=["member", "group", "region", "count"],
).assign(wave="1")
OBSERVED = pd.DataFrame({"wave": "1", "organisation": ["g", "h", "s"], "reported": [True, True, False]})


def fitted(by=(), registry=REGISTRY, careers=CAREERS, **more) -> pd.DataFrame:
    options = {"observed": OBSERVED, "wave": "wave", "hierarchy": TREE} | more
    return coverage(registry, careers, by=by, **options).tidy()


def one(table: pd.DataFrame, statistic: str, **keys: str) -> pd.Series:
    wanted = {"group": "*", "region": "*", "domain": "*", "statistic": statistic} | keys
    found = table[(table[list(wanted)] == list(wanted.values())).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("by", "keys", "with_organisation", "with_venue", "places"),
    [
        ((), {"domain": "level=county"}, 2, 2, 2),
        ((), {"domain": "level=township"}, 2, 1, 5),  # b0 has an organisation and no venue; a2 and b1 have no row
        (("group",), {"group": "g", "domain": "level=township"}, 2, 1, 5),
        (("group",), {"group": "g", "domain": "level=county"}, 2, 1, 2),
        (("group",), {"group": "h", "domain": "level=county"}, 1, 1, 2),
        (("region",), {"region": "a", "domain": "level=township"}, 1, 1, 3),
        (("region",), {"region": "b", "domain": "level=township"}, 1, 0, 2),
        (("region",), {"region": "p", "domain": "level=county"}, 2, 2, 2),
        (("group", "region"), {"group": "h", "region": "p", "domain": "level=county"}, 1, 1, 2),
    ],
)
def test_full_coverages_by_hand(by, keys, with_organisation, with_venue, places):
    table = fitted(by)
    for statistic, term, count in (
        ("organisation_full", "established", with_organisation),
        ("venue_full", "venues", with_venue),
    ):
        row = one(table, statistic, **keys)
        assert row[["term", "status", "n"]].tolist() == [term, "ok", places]
        assert row["estimate"] == pytest.approx(count / places, abs=EXACT)
        ends = proportion_confint(count, places, method="wilson")
        assert row[["conf_low", "conf_high"]].tolist() == pytest.approx(list(ends), abs=EXACT)


def test_a_level_that_rows_do_not_reach_is_not_measured():
    table = fitted(("group",))
    assert one(table, "organisation_full", group="h", domain="level=township")["status"] == "not_asked"
    counties = fitted(registry=REGISTRY[REGISTRY["region"].isin(["a", "b"])])
    assert set(counties.loc[counties["statistic"] == "venue_full", "domain"]) == {"level=county"}
    assert "level=province" not in set(table["domain"])  # there is one of it
    assert "venue_full" not in set(fitted(registry=REGISTRY.drop(columns="venues"))["statistic"])
    assert not fitted(hierarchy=None)["statistic"].str.endswith("_full").any()


@pytest.mark.parametrize(
    ("by", "keys", "staff", "members"),
    [
        ((), {}, 11, 480),  # own rows of a, the township b0 and the counties of h and s
        (("group",), {"group": "g"}, 7, 350),
        (("group",), {"group": "s"}, 1, 30),  # full counts also where there is no log
        (("region",), {"region": "a"}, 6, 340),
        (("group", "region"), {"group": "g", "region": "a1"}, 2, 100),
    ],
)
def test_means_for_a_hundred_members_by_hand(by, keys, staff, members):
    row = one(fitted(by), "per_100_members", term="staff", **keys)
    assert row["estimate"] == pytest.approx(100 * staff / members, abs=EXACT)
    assert row["n"] == members
    assert row[["std_error", "conf_low", "conf_high"]].isna().all()


@pytest.mark.parametrize(
    ("by", "keys", "counts", "venues"),
    [
        ((), {}, [3, 1, 2, 5], 7),  # neither the times nor the venues of s
        (("group",), {"group": "g"}, [3, 1, 2], 3),
        (("region",), {"region": "a"}, [3, 1, 2], 3),
        (("group", "region"), {"group": "h", "region": "b"}, [5], 4),
    ],
)
def test_times_for_each_venue_by_hand(by, keys, counts, venues):
    row = one(fitted(by), "times_per_venue", term="took_part", **keys)
    total, error = sum(counts), sum(c**2 for c in counts) ** 0.5
    assert row[["estimate", "n"]].tolist() == pytest.approx([total / venues, len(counts)], abs=EXACT)
    assert row["std_error"] == pytest.approx(error / venues, abs=EXACT)
    assert row["conf_high"] == pytest.approx(total / venues * np.exp(1.959963984540054 * error / total), rel=1e-9)


def test_the_interval_of_times_covers_made_times():
    """Careers come at random, each with its own number of times: 95 % of intervals hold the mean (error of 800 places: 0.8 %)."""
    rng, codes = np.random.default_rng(4), [f"v{k:03d}" for k in range(800)]
    tree = pd.DataFrame({"code": codes, "parent": "", "level": "village"})
    counts = pd.DataFrame({"group": "g", "region": codes, "members": 500, "venues": 4})
    place = np.repeat(codes, rng.poisson(60, len(codes)))
    came = pd.DataFrame({"member": [f"m{i}" for i in range(len(place))], "group": "g", "region": place})
    came = came.assign(count=rng.geometric(0.4, len(came)))
    fit = coverage(counts, came, observed=None, by=("region",), wave=None, hierarchy=tree, resources=("venues",))
    rows = fit.tidy().query("statistic == 'times_per_venue'")
    assert len(rows) == 800
    assert 0.92 <= ((rows["conf_low"] <= 60 / 0.4 / 4) & (rows["conf_high"] >= 60 / 0.4 / 4)).mean() <= 0.98


def test_use_without_venues_without_a_log_or_with_a_silent_one():
    table = fitted(("group", "region"))
    assert one(table, "times_per_venue", group="h", region="a")["status"] == "not_estimable"
    assert one(table, "times_per_venue", group="s", region="b")["status"] == "not_reported"
    for careers in (None, CAREERS.drop(columns="count")):
        assert one(fitted(careers=careers), "times_per_venue")["status"] == "not_asked"


def many(units: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Villages of 50 members with a staff and a number of people who came that go together, roughly."""
    rng = np.random.default_rng(8)
    codes = [f"v{k:02d}" for k in range(units)]
    staff, came = rng.integers(1, 40, units), rng.integers(0, 20, units)
    came = (came + staff // 3).astype(int)
    registry = pd.DataFrame({"group": "g", "region": codes, "members": 50, "staff": staff})
    rows = [(f"{code}-{k}", "g", code) for code, n in zip(codes, came, strict=True) for k in range(n)]
    tree = pd.DataFrame(
        {"code": ["top", *codes], "parent": ["", *["top"] * units], "level": ["town", *["village"] * units]}
    )
    return registry, pd.DataFrame(rows, columns=["member", "group", "region"]), tree


def test_more_means_more_reach_by_ranks():
    registry, careers, tree = many(30)
    table = coverage(registry, careers, observed=None, by=("region",), wave=None, hierarchy=tree).tidy()
    row = one(table, "rank_correlation", term="staff", domain="level=village")
    came = careers.groupby("region").size().reindex(registry["region"]).fillna(0)
    r = registry["staff"].rank().corr(came.reset_index(drop=True).rank())  # Pearson's, of the ranks
    assert row["estimate"] == pytest.approx(r, abs=1e-9)
    error = np.sqrt((1 + r**2 / 2) / 27)  # Bonett and Wright (2000), with 30 units
    ends = np.tanh([np.arctanh(r) - 1.959964 * error, np.arctanh(r) + 1.959964 * error])
    assert row[["conf_low", "conf_high"]].tolist() == pytest.approx(list(ends), abs=1e-6)
    assert row["n"] == 30
    assert one(table, "rank_correlation", term="staff", domain="level=town")["status"] == "not_estimable"


def test_few_units_have_no_correlation():
    registry, careers, tree = many(9)
    table = coverage(registry, careers, observed=None, by=("region",), wave=None, hierarchy=tree).tidy()
    assert one(table, "rank_correlation", domain="level=village")[["status", "n"]].tolist() == ["not_estimable", 9]
    assert "rank_correlation" not in set(fitted()["statistic"])  # one unit is no cut


def test_resources_are_chosen_or_none():
    assert set(fitted(resources=("staff",)).query("statistic == 'per_100_members'")["term"]) == {"staff"}
    assert not fitted(resources=())["statistic"].isin(["per_100_members", "times_per_venue"]).any()
    for asked, words in ((("gold",), "not \\['gold'\\]"), (("funds",), "no column \\['funds'\\]")):
        with pytest.raises(ValueError, match=words):
            fitted(resources=asked)
    with pytest.raises(ValueError, match="needs its column members"):
        fitted(registry=REGISTRY.drop(columns="members"), resources=("staff",))
