"""Coming again, leaving and going elsewhere: by hand on few careers, against R's own definition, and a simulated truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis import kaplan_meier
from analysis.questions.retention import retention

EXACT = 1e-12
SURE = 3
ENDS = {str(k): pd.Timestamp(2020 + k, 1, 1) for k in range(1, 5)}


def seen(groups: tuple[str, ...] = ("g1", "g2"), silent: tuple[tuple[str, str], ...] = ()) -> pd.DataFrame:
    rows = [(w, g, end, (w, g) not in silent) for w, end in ENDS.items() for g in groups]
    return pd.DataFrame(rows, columns=["wave", "organisation", "end", "reported"])


# Windows of a year. Ann stays to the end; bob leaves after the first; cat goes to g2 after two; dan is new in the third and leaves.
CAME = pd.DataFrame(
    [(w, "ann", "g1") for w in "1234"]
    + [
        ("1", "bob", "g1"),
        ("1", "cat", "g1"),
        ("2", "cat", "g1"),
        ("3", "cat", "g2"),
        ("3", "dan", "g1"),
        ("4", "cat", "g2"),
    ],
    columns=["wave", "member", "group"],
)
CAME["last"] = CAME["wave"].map(ENDS) - pd.Timedelta(days=30)
CAME["count"] = 1


def fitted(careers: pd.DataFrame | None = CAME, **more) -> pd.DataFrame:
    options = {"observed": seen(), "group": "group", "wave": "wave", "window_days": 365} | more
    return retention(careers, **options).tidy()


def row(table: pd.DataFrame, term: str, statistic: str, domain: str, group: str = "*") -> pd.Series:
    found = table[(table[["term", "statistic", "domain", "group"]] == [term, statistic, domain, group]).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("term", "period", "group", "share", "n"),
    [
        # of g1 after one window: ann stays, bob left, cat stays, dan left; cat of g2 stays
        ("left", 1, "g1", 2 / 4, 4),
        ("moved", 1, "g1", 0, 4),
        ("left", 1, "*", 2 / 5, 5),
        # after two: ann stays, cat is seen with g2 only; cat's own run with g2 is not watched any further
        ("left", 2, "g1", 0, 2),
        ("moved", 2, "g1", 1 / 2, 2),
        ("left", 3, "g1", 0, 1),
    ],
)
def test_leaving_and_going_elsewhere_by_hand(term, period, group, share, n):
    found = row(fitted(), term, "hazard", f"period={period}", group)
    assert (found["estimate"], found["n"]) == (pytest.approx(share, abs=EXACT), n)


def test_the_ways_out_and_those_who_stay_add_up():
    table = fitted()
    for period, stayed in ((1, 2 / 4), (2, 2 / 4 * 1 / 2), (3, 2 / 4 * 1 / 2)):
        parts = [row(table, t, "cumulative_incidence", f"period={period}", "g1")["estimate"] for t in ("left", "moved")]
        assert row(table, "stayed", "survival", f"period={period}", "g1")["estimate"] == pytest.approx(
            stayed, abs=EXACT
        )
        assert sum(parts) + stayed == pytest.approx(1, abs=EXACT)


def test_silence_is_no_exit():
    """G1 sends no log in the second window: bob and cat have not left, and the runs end unwatched."""
    table = fitted(CAME.query("not (wave == '2' and group == 'g1')"), observed=seen(silent=(("2", "g1"),)))
    found = row(table, "left", "hazard", "period=1", "g1")
    assert (found["estimate"], found["n"]) == (1 / 2, 2)  # ann and dan after the third window


def test_windows_that_reach_back_are_passed_over():
    """With windows of 500 days the second wave's reaches into the first's: the first is followed by the third."""
    found = row(fitted(window_days=500), "left", "hazard", "period=1", "*")
    assert found["n"] == 3  # ann, bob, cat of the first window
    assert found["estimate"] == pytest.approx(1 / 3)  # bob; cat is elsewhere


def test_the_curve_is_kaplan_and_meiers():
    rng = np.random.default_rng(5)
    first = pd.Timestamp("2020-01-02") + pd.to_timedelta(rng.integers(0, 360, 400), unit="D")
    gap = rng.exponential(150, 400).round()
    second = first + pd.to_timedelta(gap, unit="D")
    late = second > ENDS["1"]
    careers = pd.DataFrame({"member": [f"m{k}" for k in range(400)], "group": "g1", "wave": "1", "first": first})
    careers["second"] = pd.Series(second).where(~late)
    table = retention(careers, observed=seen(), group="group", wave="wave", at=[90, 180]).tidy()
    days = np.where(late, (ENDS["1"] - first).days, gap)
    frame = pd.DataFrame({"days": days, "came": (~late).astype(int)})
    oracle = kaplan_meier(frame, time="days", event="came", at=[90, 180]).tidy()
    for day in (90, 180):
        ours = row(table, "returned", "cumulative", f"time={day}")
        theirs = oracle.query(
            "statistic == 'cumulative' and domain == @day_key", local_dict={"day_key": f"time={day}"}
        ).iloc[0]
        assert (
            ours[["estimate", "conf_low", "conf_high"]].tolist()
            == theirs[["estimate", "conf_low", "conf_high"]].tolist()
        )
        truth = 1 - np.exp(-day / 150)
        assert abs(ours["estimate"] - truth) < SURE * ours["std_error"] + 0.01  # days are rounded


def test_what_nothing_tells_of_is_not_asked():
    assert set(fitted(None)["status"]) == {"not_asked"}
    table = fitted(CAME.drop(columns="count"))
    assert row(table, "times", "gini", "*")["status"] == "not_asked"
    assert table.query("term == 'returned' and status == 'ok'").empty


def test_rows_twice_are_refused():
    with pytest.raises(ValueError, match="several rows"):
        fitted(pd.concat([CAME, CAME.head(1)]))


FIRST = pd.Timestamp("2020-01-01")  # the window of wave 1 opens the day after: 2020 has 366
NEW = pd.DataFrame(
    [("a", "g1", 3), ("b", "g1", 31), ("c", "g1", 40), ("d", "g1", 364), ("e", "g2", 100)],
    columns=["member", "group", "day"],
).assign(wave="1")
NEW["first"] = FIRST + pd.to_timedelta(NEW["day"], unit="D")
COUNTED = pd.DataFrame(
    {"wave": "1", "group": ["g1", "g2", "g2"], "region": ["x", "x", "y"], "members": [10.0, 3.0, 2.0]}
)


def joining(registry: pd.DataFrame = COUNTED, **more) -> pd.DataFrame:
    options = {"observed": seen(), "group": "group", "wave": "wave", "window_days": 365, "region": "region"} | more
    rows = retention(NEW, registry=registry, **options).tidy()
    return rows[rows["term"] == "took_part"].set_index(["group", "statistic", "domain"])


def test_first_times_by_hand() -> None:
    """Ten members: two come in the first month, one in the second, one in the thirteenth, which has five days; six never."""
    rows = joining()
    of = {d: rows.loc[("g1", "hazard", f"period={d}"), "estimate"] for d in (1, 2, 3, 13)}
    assert of == pytest.approx({1: 2 / 10, 2: 1 / 8, 3: 0.0, 13: 1 / 7})
    assert rows.loc[("g1", "hazard", "period=13"), "n"] == 7
    assert rows.loc[("g1", "cumulative_incidence", "period=13"), "estimate"] == pytest.approx(4 / 10)
    assert rows.loc[("*", "cumulative_incidence", "period=4"), "estimate"] == pytest.approx(4 / 15)


def test_first_times_know_the_silent_and_the_level_of_the_registry() -> None:
    rows = joining(observed=seen(silent=(("1", "g2"),)))
    assert rows.loc[("*", "hazard", "period=1"), "n"] == 10
    assert "g2" not in rows.index.get_level_values("group")
    tree = pd.DataFrame({"code": ["x", "y", "p"], "parent": ["p", "p", ""]})
    above = pd.concat([COUNTED, COUNTED[:1].assign(region="p", members=20.0)])
    assert joining(above, hierarchy=tree).loc[("g1", "hazard", "period=1"), "n"] == 20


def test_more_who_came_than_members_is_told() -> None:
    row = joining(COUNTED.assign(members=1.0)).loc[("g1", "cumulative_incidence", "*")]
    assert (row["status"], row["basis"]) == ("not_estimable", "registry smaller than log")


def test_first_times_need_a_registry_and_a_window() -> None:
    assert joining(window_days=None).empty
    assert joining(COUNTED[:0]).empty


def test_coming_again_month_by_month() -> None:
    """Of five, one comes again in the first month, one in the second; one is watched for twenty days only, two for three months.

    The sixth comes again within the first month, of which only 25 days were watched: that tells nothing of a whole month.
    """
    end = ENDS["1"]
    days, gap = [200, 200, 20, 95, 99, 25], [30, 31, None, None, None, 3]
    came = pd.DataFrame({"member": list("abcdef"), "wave": "1", "group": "g1"})
    came["first"] = end - pd.to_timedelta(pd.Series(days), unit="D")
    came["second"] = came["first"] + pd.to_timedelta(pd.Series(gap, dtype="float64"), unit="D")
    rows = retention(came, observed=seen(), group="group", wave="wave").tidy()
    rows = rows[(rows["statistic"] == "hazard") & (rows["term"] == "returned") & (rows["group"] == "g1")].set_index(
        "domain"
    )
    assert rows["estimate"].to_dict() == pytest.approx({"period=1": 1 / 4, "period=2": 1 / 3, "period=3": 0.0})
    assert rows["n"].tolist() == [4, 3, 2]
