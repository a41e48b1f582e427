"""Attraction counted by hand on eight careers; identities; a simulated truth; who returned in a real log."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from analysis.questions.attraction import fit_attraction
from analysis.tidy import COLUMNS, Result

EXACT = 1e-12  # counts divided by counts
SHARE = 1e-6  # the real log's share is printed to six decimals
SURE = 3  # Monte Carlo standard errors: a right estimator passes a check with 99.7 %; the seeds are fixed
REPLICATES = 200

TREE = pd.DataFrame({"code": ["p", "c1", "c2"], "parent": ["", "p", "p"], "level": ["province", "city", "city"]})
CAREERS = pd.DataFrame(
    [
        ("1", "ann", "g1", "c1", "online", "2024-01-01", "2024-01-05"),
        ("1", "ann", "g2", "c1", "site", "2024-01-01", None),  # the same moment: a joint activity, one time with each
        ("1", "bob", "g1", "c2", "online", "2024-02-01", None),  # once to each of two groups: returned to neither
        ("1", "bob", "g2", "c2", "online", "2024-03-01", None),
        ("1", "cat", "g1", "c2", "site", "2024-03-30", "2024-03-31"),  # a day before the log's end, and on its last
        ("1", "dan", "g2", "c2", "site", "2024-01-01", "2024-01-30"),  # again after 29 days
        ("1", "fay", "g2", "c2", "online", "2024-01-01", None),
        ("1", "eve", "g3", "c1", "site", "2024-01-01", None),  # seen, but her group did not report
    ],
    columns=["wave", "member", "group", "region", "channel", "first", "second"],
).astype({"first": "datetime64[us]", "second": "datetime64[us]"})
REGISTRY = pd.DataFrame(
    [("1", "g1", "c1", 10), ("1", "g1", "c2", 20), ("1", "g2", "p", 8), ("1", "g2", "c1", 3), ("1", "g3", "c1", 100)],
    columns=["wave", "group", "region", "members"],
)
OBSERVED = pd.DataFrame({"organisation": ["g1", "g2", "g3"], "reported": [True, True, False]})
OBSERVED = OBSERVED.assign(wave="1", end=pd.Timestamp("2024-03-31"))


def fitted(careers: pd.DataFrame = CAREERS, registry: pd.DataFrame | None = REGISTRY, **more) -> pd.DataFrame:
    options = {"observed": OBSERVED, "group": "group", "region": "region", "wave": "wave", "hierarchy": TREE} | more
    return fit_attraction(None, careers, None, registry, **options).tidy()


def row(table: pd.DataFrame, term: str, statistic: str, *, group="*", region="*", domain="*") -> pd.Series:
    keys = ["group", "region", "domain", "term", "statistic"]
    found = table[(table[keys] == [group, region, domain, term, statistic]).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


# By hand: of the eight careers eve's is silent, seven count: g1 ann, bob, cat; g2 ann, bob, dan, fay. Memberships: g1 10 + 20,
# g2 its own row of p, 8 (its 3 in c1 lie within), so 38. Second times with the same group: ann g1, cat g1, dan g2.
@pytest.mark.parametrize(
    ("place", "term", "statistic", "count", "n"),
    [
        ({}, "took_part", "conditional", 7, 38),  # (3 + 4) / (30 + 8): ann and bob are members of both
        ({}, "returned", "conditional", 3, 7),  # (2 + 1) / (3 + 4)
        ({}, "returned", "cumulative", 3, 38),
        ({"group": "g1"}, "took_part", "conditional", 3, 30),
        ({"group": "g1"}, "returned", "conditional", 2, 3),
        ({"group": "g2"}, "took_part", "conditional", 4, 8),
        ({"group": "g2"}, "returned", "conditional", 1, 4),
        ({"region": "p"}, "took_part", "conditional", 7, 38),
        ({"region": "c1"}, "took_part", "conditional", 2, 13),  # ann with g1 (of 10) and with g2 (of 3)
        ({"region": "c1"}, "returned", "conditional", 1, 2),
        ({"region": "c2"}, "took_part", "conditional", 2, 20),  # g2 has no count in c2: bob g1 and cat of g1's 20
        ({"region": "c2"}, "returned", "conditional", 2, 5),  # of bob g1, bob g2, cat, dan, fay: cat, dan
        ({"group": "g1", "region": "c2"}, "took_part", "conditional", 2, 20),
        ({"domain": "channel=online"}, "took_part", "conditional", 4, 38),  # ann g1, bob g1, bob g2, fay
        ({"domain": "channel=online"}, "returned", "conditional", 1, 4),
        ({"domain": "channel=site"}, "returned", "conditional", 2, 3),  # of ann g2, cat, dan: cat, dan
    ],
)
def test_shares_by_hand(place, term, statistic, count, n):
    found = row(fitted(), term, statistic, **place)
    assert found["status"] == "ok"
    assert found["estimate"] == pytest.approx(count / n, abs=EXACT)
    assert found["n"] == found["n_eff"] == n
    low, high = proportion_confint(count, n, method="wilson")
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx([low, high], abs=EXACT)


# Days from the first time to the log's end: ann 90 (two careers), dan 90, fay 90, bob 59 (g1) and 30 (g2), cat 1.
# Days from the first to the second: ann 4, dan 29, cat 1.
@pytest.mark.parametrize(
    ("days", "returned", "followed"),
    [
        (60, 2, 4),  # ann, ann, dan, fay; cat has come again, but began too late: she counts in neither number
        (59, 2, 5),  # and bob g1
        (28, 1, 6),  # and bob g2; dan returned after 29 days
        (1, 1, 7),  # and cat, the only one back within a day
    ],
)
def test_only_careers_followed_long_enough_count(days, returned, followed):
    table = fitted(returned_days=days)
    found = row(table, "returned", "conditional")
    assert found["n"] == followed
    assert found["estimate"] == pytest.approx(returned / followed, abs=EXACT)
    product = row(table, "returned", "cumulative")
    assert product["estimate"] == pytest.approx(7 / 38 * returned / followed, abs=EXACT)
    assert product["n"] == 38


def test_the_products_interval_by_hand():
    """p = 7/38 and r = 2/4: the variance of a product of shares, and Wilson on the n that has it."""
    found = row(fitted(returned_days=60), "returned", "cumulative")
    share, p, r = 3.5 / 38, 7 / 38, 1 / 2
    variance = r**2 * p * (1 - p) / 38 + p**2 * r * (1 - r) / 4
    assert found["std_error"] == pytest.approx(variance**0.5, abs=EXACT)
    assert found["n_eff"] == pytest.approx(share * (1 - share) / variance, abs=1e-9)
    low, high = proportion_confint(share * found["n_eff"], found["n_eff"], method="wilson")
    assert found[["conf_low", "conf_high"]].tolist() == pytest.approx([low, high], abs=EXACT)


def in_several_groups(seed: int) -> pd.DataFrame:
    """Careers of twelve people in two groups of three on average; about half come again before the log's end."""
    random = np.random.default_rng(seed)
    pairs = pd.DataFrame([(m, g) for m in "abcdefghijkl" for g in ("g1", "g2", "g3")], columns=["member", "group"])
    careers = pairs[random.random(len(pairs)) < 2 / 3].assign(wave="1")
    size = len(careers)
    first = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 90, size), unit="D")
    second = pd.Series(first + pd.to_timedelta(random.integers(0, 60, size), unit="D"), index=careers.index)
    places = {"region": random.choice(["c1", "c2", "p"], size), "channel": random.choice(["online", "site"], size)}
    return careers.assign(**places, first=first, second=second.where(second <= OBSERVED["end"].max()))


def totals(table: pd.DataFrame, rows: str) -> pd.DataFrame:
    """Numerators and denominators of the rows, added up within each place."""
    counts = table.query(rows).assign(count=table["estimate"] * table["n"])
    return counts.groupby(["region", "term", "statistic"])[["count", "n"]].sum()


@pytest.mark.parametrize("days", [None, 14])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_whole_is_the_weighted_average_of_its_groups_and_channels(seed, days):
    sizes = [("1", g, c, m) for g, m in (("g1", 19), ("g2", 40), ("g3", 200)) for c in ("c1", "c2")]
    registry = pd.DataFrame(sizes, columns=["wave", "group", "region", "members"])
    careers, observed = in_several_groups(seed), OBSERVED.assign(reported=True)
    table = fitted(careers, registry, observed=observed, returned_days=days)
    # A product of averages is no average: cumulative returned adds up only where everybody is followed, as R/N.
    kept = table[(table["statistic"] == "conditional") | ((table["term"] == "returned") & (days is None))]
    same = pd.testing.assert_frame_equal
    kept = kept[(kept["term"] != "stayed") & (kept["statistic"] != "shrunken_share")]  # nobody's yet; no sums
    same(totals(kept, "group != '*'"), totals(kept, "group == '*' and domain == '*'"), rtol=EXACT)
    came = table.query("region == '*' and term == 'returned' and statistic == 'conditional'")
    same(totals(came, "domain != '*'"), totals(came, "group == '*' and domain == '*'"), rtol=EXACT)
    if days is None:
        assert row(table, "returned", "conditional")["estimate"] == careers["second"].notna().mean()


def test_nobody_followed_is_not_estimable():
    table = fitted(returned_days=91)
    assert row(table, "returned", "conditional")["status"] == "not_estimable"
    assert row(table, "returned", "cumulative")["status"] == "not_estimable"
    # Where nobody came at all, the product is 0 whoever might have returned.
    nobody = fitted(CAREERS[CAREERS["region"] == "c1"], returned_days=30)
    assert row(nobody, "returned", "cumulative", region="c2")["estimate"] == 0


def simulated(seed: int, took_part: float, returned: float, size: int = 300) -> tuple[pd.DataFrame, ...]:
    """Groups are replicates: a year's log; who returns in 180 days does so evenly, some others return later."""
    random = np.random.default_rng(seed)
    group = np.repeat([f"g{i}" for i in range(REPLICATES)], random.binomial(size, took_part, REPLICATES))
    first = random.uniform(0, 365, len(group))
    soon = random.random(len(group)) < returned
    gap = np.where(soon, random.uniform(0, 180, len(group)), random.uniform(180, 700, len(group)))
    second = np.where(first + gap <= 365, first + gap, np.nan)
    start = pd.Timestamp("2024-01-01")
    days = pd.DataFrame({"first": first, "second": second}).apply(lambda d: start + pd.to_timedelta(d, unit="D"))
    careers = days.assign(member=[f"m{i}" for i in range(len(group))], group=group, wave="1")
    names = [f"g{i}" for i in range(REPLICATES)]
    end = start + pd.Timedelta(days=365)
    observed = pd.DataFrame({"wave": "1", "organisation": names, "end": end, "reported": True})
    return careers, pd.DataFrame({"wave": "1", "group": names, "members": size}), observed


@pytest.mark.parametrize(("seed", "took_part", "returned"), [(1, 0.5, 0.4), (2, 0.8, 0.15)])
def test_a_known_share_of_returners_comes_out(seed, took_part, returned):
    careers, registry, observed = simulated(seed, took_part, returned)
    table = fitted(careers, registry, observed=observed, region=None, hierarchy=None, returned_days=180)
    parts = table[(table["term"] == "returned") & (table["group"] != "*")]
    for statistic, truth in (("conditional", returned), ("cumulative", took_part * returned)):
        found = parts[parts["statistic"] == statistic]
        assert len(found) == REPLICATES
        spread = found["estimate"].std()
        assert abs(found["estimate"].mean() - truth) < SURE * spread / REPLICATES**0.5
        whole = row(table, "returned", statistic)
        assert abs(whole["estimate"] - truth) < SURE * whole["std_error"]
        # a standard deviation of 200 is known to 1 / sqrt(400) of itself
        assert found["std_error"].mean() == pytest.approx(spread, rel=SURE / (2 * REPLICATES) ** 0.5)
        covered = ((found["conf_low"] <= truth) & (truth <= found["conf_high"])).mean()
        assert covered > 0.95 - SURE * (0.95 * 0.05 / REPLICATES) ** 0.5


def test_a_group_that_did_not_report_is_never_zero():
    table = fitted()
    silent = table[table["group"] == "g3"]
    assert set(silent["region"]) == {"*", "c1", "p"}
    assert set(silent["status"]) == {"not_reported"}
    assert silent["estimate"].isna().all()
    unseen = fitted(observed=OBSERVED.head(1))
    assert set(unseen.loc[unseen["group"].isin(["g2", "g3"]), "status"]) == {"not_reported"}


def test_a_reporting_place_without_people_is_zero_not_missing():
    table = fitted(CAREERS[CAREERS["region"] == "c1"])
    assert row(table, "took_part", "conditional", group="g1", region="c2")["estimate"] == 0
    assert row(table, "returned", "conditional", group="g1", region="c2")["status"] == "not_estimable"


def test_a_registry_smaller_than_the_log_is_said():
    table = fitted(registry=REGISTRY.assign(members=1))
    found = row(table, "took_part", "cumulative", group="g1", region="c2")
    assert found[["status", "basis"]].tolist() == ["not_estimable", "registry smaller than log"]
    assert pd.isna(found["estimate"])


def test_without_a_registry_there_are_people_and_who_returned():
    table = fitted(registry=None)
    # Distinct people, whatever their careers: ann, bob, cat, dan, fay; g2 all but cat; c2 all but ann.
    assert row(table, "took_part", "people")[["estimate", "n", "status"]].tolist() == [5, 5, "ok"]
    assert row(table, "took_part", "people", group="g2")["estimate"] == 4
    assert row(table, "took_part", "people", region="c2")[["estimate", "n"]].tolist() == [4, 4]
    assert row(table, "took_part", "cumulative")["status"] == "not_asked"
    assert row(table, "returned", "cumulative")["status"] == "not_asked"
    assert row(table, "returned", "conditional")["estimate"] == pytest.approx(3 / 7)
    assert "people" not in set(fitted().query("group == '*' and region == '*'")["statistic"])


def test_steps_that_nothing_tells_of_are_rows_that_say_so():
    table = fitted()
    rest = table[~table["term"].isin(["took_part", "returned", "stayed"])]
    assert rest["term"].tolist() == ["reached", "joined", "volunteered", "intends"]
    assert set(rest["status"]) == {"not_asked"}
    assert rest["estimate"].isna().all()


def test_who_stays_is_not_known_before_the_next_window():
    table = fitted()
    last = table[table["term"] == "stayed"]
    assert set(last.query("statistic == 'conditional'")["status"]) == {"not_estimable", "not_reported"}
    assert set(last.loc[last["status"] == "not_reported", "group"]) == {"g3"}
    assert last["estimate"].isna().all()


def test_an_empty_registry_is_none():
    nothing = fitted(registry=REGISTRY.head(0), returned_days=30)
    pd.testing.assert_frame_equal(nothing, fitted(registry=None, returned_days=30))
    pd.testing.assert_frame_equal(fitted(registry=pd.DataFrame()), fitted(registry=None))


def test_a_registry_without_groups_gives_places():
    whole = pd.DataFrame({"wave": "1", "group": None, "region": ["c1", "c2"], "members": [50, 50]})
    assert row(fitted(registry=whole), "took_part", "conditional", region="c2")["estimate"] == pytest.approx(5 / 50)


def test_a_registry_of_another_wave_does_not_count():
    table = fitted(registry=REGISTRY.assign(wave="0"))
    assert row(table[table["wave"] == "1"], "took_part", "conditional")["status"] == "not_asked"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"returned_days": 0}, "above 0"),
        ({"returned_days": 9, "observed": None}, "needs observed"),
        ({"careers": CAREERS.drop(columns="second")}, "careers frame lacks.*second"),
        ({"hierarchy": TREE.assign(parent=["c1", "p", "p"])}, "its own ancestor"),
        ({"region": None}, "hierarchy changes nothing"),
        ({"group": None, "registry": None}, "2 too many rows.*name its columns"),  # ann and bob are in two groups
        ({"careers": pd.concat([CAREERS, CAREERS.head(1)])}, "1 too many rows"),
    ],
)
def test_refuses(change, words):
    with pytest.raises(ValueError, match=words):
        fitted(**change)


@given(st.permutations(range(len(CAREERS))), st.permutations(range(len(REGISTRY))))
@settings(max_examples=4, deadline=None)
def test_order_of_rows_does_not_matter(people, counts):
    turned = CAREERS.iloc[people].set_axis([0] * len(CAREERS))  # an index that repeats does no harm
    pd.testing.assert_frame_equal(fitted(turned, REGISTRY.iloc[counts]), fitted())


def test_result_keeps_the_contract():
    """A study without groups: a member is a unit; of g1's three, ann and cat came again."""
    options = {"observed": None, "group": None, "region": None, "wave": None, "hierarchy": None}
    fit = fit_attraction(None, CAREERS[CAREERS["group"] == "g1"].drop(columns="group"), None, None, **options)
    assert row(fit.tidy(), "returned", "conditional")[["estimate", "n"]].tolist() == pytest.approx([2 / 3, 3])
    assert isinstance(fit, Result)
    assert tuple(fit.tidy().columns) == COLUMNS
    assert "took_part" in repr(fit)


def test_the_real_log(shared_data):
    raw = pd.read_csv(shared_data("la_meetup_rsvps") / "rsvps.csv", dtype={"member_id": "str"})
    yes = raw[raw["response"] == "yes"].sort_values("created", kind="stable")
    yes = yes.assign(nth=yes.groupby("member_id").cumcount(), time=pd.to_datetime(yes["created"], unit="ms"))
    careers = yes.pivot(index="member_id", columns="nth", values="time")[[0, 1]].set_axis(["first", "second"], axis=1)
    careers = careers.reset_index(names="member")
    options = {"observed": None, "group": None, "region": None, "wave": None, "hierarchy": None}
    table = fit_attraction(None, careers, None, None, **options).tidy()
    assert row(table, "took_part", "people")["estimate"] == 11284
    assert row(table, "returned", "conditional")["estimate"] == pytest.approx(0.480681, abs=SHARE)
