"""Hazards and competing causes by hand, as shares where nobody is lost, against a loop; a real log's returns; refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from analysis import hazards, kaplan_meier
from analysis.tidy import COLUMNS, parse_domain

EXACT = 1e-12  # products of the same counts
FEW = pd.DataFrame(
    {
        "year": [1, 1, 2, 2, 2, 4, 1, 1],
        "way": ["moved", "left", "left", "still", "still", "left", "still", "still"],
        "org": list("aaaaaabb"),
    }
)


def told(frame: pd.DataFrame, statistic: str, term: str, **other: object) -> pd.DataFrame:
    asked = {"period": "year", "event": "way", "censored": "still"} | other
    rows = hazards(frame, **asked).tidy()  # type: ignore[arg-type]
    return rows[(rows["statistic"] == statistic) & (rows["term"] == term)].reset_index(drop=True)


def test_hazards_by_hand() -> None:
    """Org a: of 6 one moves and one leaves in year 1; of 4 one leaves in 2 and two are lost after it; one until 4."""
    rows = told(FEW, "hazard", "way=left", by="org")
    assert rows.columns.tolist() == list(COLUMNS)
    a = rows[:4]
    assert a["domain"].tolist() == [f"org=a;period={p}" for p in (1, 2, 3, 4)]
    assert a["estimate"].tolist() == pytest.approx([1 / 6, 1 / 4, 0, 1], abs=EXACT)
    assert a["n"].tolist() == [6, 4, 1, 1]
    assert a[["conf_low", "conf_high"]].iloc[0].tolist() == pytest.approx(proportion_confint(1, 6, method="wilson"))
    assert rows[4:]["status"].tolist() == ["ok", "not_estimable", "not_estimable", "not_estimable"]


def test_incidence_by_hand() -> None:
    """S is 4/6 after year 1, 3/6 after 2 and 3, 0 after 4."""
    left = told(FEW, "cumulative_incidence", "way=left", by="org")[:4]
    moved = told(FEW, "cumulative_incidence", "way=moved", by="org")[:4]
    stayed = told(FEW, "survival", "way", by="org")[:4]
    assert left["estimate"].tolist() == pytest.approx([1 / 6, 1 / 6 + 4 / 6 / 4, 2 / 6, 2 / 6 + 3 / 6], abs=EXACT)
    assert moved["estimate"].tolist() == pytest.approx([1 / 6] * 4, abs=EXACT)
    assert stayed["estimate"].tolist() == pytest.approx([4 / 6, 3 / 6, 3 / 6, 0], abs=EXACT)
    assert (left["estimate"] + moved["estimate"] + stayed["estimate"]).tolist() == pytest.approx([1] * 4, abs=EXACT)


def test_a_period_that_nobody_was_watched_in_ends_what_adds_up() -> None:
    """Two people until year 2, another one from 4 on: what happened in 3 nobody knows."""
    frame = pd.DataFrame({"year": [2, 2, 5, 5], "since": [0, 0, 3, 3], "way": ["still", "left", "left", "still"]})
    hazard = told(frame, "hazard", "way=left", entry="since")
    assert hazard["n"].tolist() == [2, 2, 0, 2, 2]
    assert hazard["status"].tolist() == ["ok", "ok", "not_estimable", "ok", "ok"]
    for statistic, term in (("cumulative_incidence", "way=left"), ("survival", "way")):
        rows = told(frame, statistic, term, entry="since")
        assert rows["status"].tolist() == ["ok", "ok", *["not_estimable"] * 3]
        assert rows["conf_high"][2:].isna().all()


def test_without_loss_incidence_is_a_share_and_its_error_that_of_a_share() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"year": rng.integers(1, 6, 300), "way": rng.integers(1, 4, 300)})
    for cause in (1, 2, 3):
        rows = told(frame, "cumulative_incidence", f"way={cause}", censored=0)
        p = np.array([((frame["year"] <= y) & (frame["way"] == cause)).mean() for y in range(1, 6)])
        assert rows["estimate"].to_numpy() == pytest.approx(p, abs=EXACT)
        assert rows["std_error"].to_numpy() == pytest.approx(np.sqrt(p * (1 - p) / 300), abs=EXACT)
        assert rows["n_eff"].to_numpy() == pytest.approx(np.full(5, 300))


def test_of_one_cause_it_is_kaplan_and_meier() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"year": rng.integers(1, 8, 90), "way": rng.integers(0, 2, 90)})
    curve = kaplan_meier(frame, time="year", event="way", at=range(1, 8)).curves
    stayed, came = told(frame, "survival", "way", censored=0), told(frame, "cumulative_incidence", "way=1", censored=0)
    assert stayed["estimate"].to_numpy() == pytest.approx(curve["survival"].to_numpy(), abs=EXACT)
    assert stayed["conf_low"].to_numpy() == pytest.approx(curve["conf_low"].to_numpy(), abs=EXACT)
    assert came["std_error"].to_numpy() == pytest.approx(curve["std_error"].to_numpy(), abs=EXACT)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_as_a_loop_over_persons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    frame = pd.DataFrame({"year": rng.integers(1, 7, n), "way": rng.integers(0, 3, n)})
    frame.loc[0, "way"] = 1
    rows = hazards(frame, period="year", event="way").tidy()
    stayed, share = 1.0, 0.0
    for year in range(1, int(frame["year"].max()) + 1):
        there = frame[frame["year"] >= year]
        here = there[there["year"] == year]["way"]
        share += stayed * (here == 1).sum() / len(there)
        stayed *= 1 - (here > 0).sum() / len(there)
        mine = rows[[parse_domain(d)["period"] == str(year) for d in rows["domain"]]].set_index(["statistic", "term"])
        assert mine.loc[("cumulative_incidence", "way=1"), "estimate"] == pytest.approx(share, abs=EXACT)
        assert mine.loc[("survival", "way"), "estimate"] == pytest.approx(stayed, abs=EXACT)


def test_until_cuts_and_lengthens_the_table_and_periods_may_begin_with_0() -> None:
    assert told(FEW, "hazard", "way=left", until=2)["domain"].tolist() == ["period=1", "period=2"]
    longer = told(FEW, "survival", "way", until=6)
    assert longer["status"].tolist() == ["ok"] * 6  # all had left by year 4: nobody can come back into it
    assert longer["estimate"][3:].tolist() == [0, 0, 0]
    assert told(FEW.assign(year=FEW["year"] - 1), "hazard", "way=left")["domain"].iloc[0] == "period=0"


def test_returns_of_a_real_log(shared_data: Callable[[str], Path]) -> None:
    """Months until the second yes of 11,284 members of a log: hazards counted by hand with groupby; 5,424 returned."""
    log = pd.read_csv(shared_data("la_meetup_rsvps") / "rsvps.csv")
    yes = log[log["response"] == "yes"].drop_duplicates(["member_id", "event_id"]).sort_values("created", kind="stable")
    when = pd.to_datetime(yes["created"], unit="ms")
    times = pd.DataFrame({"member": yes["member_id"], "when": when, "place": yes.groupby("member_id").cumcount()})
    first = times[times["place"] == 0].set_index("member")["when"]
    second = times[times["place"] == 1].set_index("member")["when"].reindex(first.index)
    days = (second.fillna(when.max()) - first).dt.days
    careers = pd.DataFrame({"month": days // 30, "returned": second.notna()})
    assert len(careers) == 11284
    found = hazards(careers, period="month", event="returned", until=24)
    rows = found.tidy()[lambda t: t["statistic"] == "hazard"]
    there = careers["month"].value_counts().sort_index(ascending=False).cumsum().sort_index()
    came = careers[careers["returned"]]["month"].value_counts().reindex(range(25), fill_value=0)
    assert rows["n"].tolist() == there.reindex(range(25)).tolist()
    assert rows["estimate"].to_numpy() == pytest.approx((came / there.reindex(range(25))).to_numpy(), abs=EXACT)
    curve = found.tidy()[lambda t: t["statistic"] == "survival"]["estimate"].to_numpy()
    # whoever began late had less time: the naive share is the lower one
    assert 1 - curve[-1] > (careers["returned"] & (careers["month"] <= 24)).mean()


def test_activities_that_recorded_nobody_are_not_absences(shared_data: Callable[[str], Path]) -> None:
    """Attendance was recorded at meetups 14 to 16 alone; who came first at 16 was watched no further."""
    log = pd.read_csv(shared_data("ethba_meetups") / "attendance.csv")
    recorded = log.groupby("meetup_id")["attended"].transform("max") > 0
    came = log[recorded & (log["attended"] == 1)].sort_values("meetup_id")
    first = came.groupby("member_id")["meetup_id"].first()
    second = came[came.duplicated("member_id")].groupby("member_id")["meetup_id"].first().reindex(first.index)
    last = int(log[recorded]["meetup_id"].max())
    careers = pd.DataFrame({"meetings": second.fillna(last) - first, "returned": second.notna()})
    watched = careers[careers["meetings"] > 0]
    rows = hazards(watched, period="meetings", event="returned").tidy()
    hazard = rows[rows["statistic"] == "hazard"]
    assert (len(first), int(second.notna().sum())) == (109, 44)
    assert hazard["n"].iloc[0] == len(watched) < 109
    assert hazard["estimate"].iloc[0] == pytest.approx(
        (careers["returned"] & (careers["meetings"] == 1)).sum() / len(watched)
    )
    assert rows["domain"].nunique() == last - 14  # nothing is said of meetups 17 to 20


@pytest.mark.parametrize(
    ("changed", "asked", "said"),
    [
        ({"year": 1.5}, {}, "no whole number in 8 rows"),
        ({"year": -1}, {}, "below 0 in 8 rows"),
        ({"way": [None, *FEW["way"][1:]]}, {}, "missing in 1 rows"),
        ({}, {"censored": 0}, "name it"),
        ({}, {"censored": "Still"}, "name it"),
        ({"way": "still"}, {}, "no event in 8 rows"),
        ({}, {"until": 0}, "from 1 on"),
        ({}, {"until": 2.5}, "a whole number"),
        ({}, {"by": "place"}, "does not have"),
        ({"since": 0}, {"entry": "since"}, "leave entry out"),
        ({"since": 1}, {"entry": "since"}, "not before"),
        ({}, {"conf_level": 0}, "above 0 and below 1"),
    ],
)
def test_refusals_say_what_was_seen(changed: dict, asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said) as info:
        told(FEW.assign(**changed), "hazard", "way=left", **asked)
    assert "moved" not in str(info.value)


def test_where_every_watch_ended_with_an_event_it_is_said_so() -> None:
    everyone = FEW[FEW["way"] != "still"]
    assert told(everyone, "hazard", "way=left", censored=None)["n"].tolist() == [4, 2, 1, 1]


@pytest.mark.parametrize("entry", [None, "since"])
def test_rows_that_stand_for_several_are_as_so_many_rows(entry: str | None) -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"p": rng.integers(2, 6, 60), "e": rng.integers(0, 3, 60), "g": rng.choice(["a", "b"], 60)})
    frame = frame.assign(since=rng.integers(0, 2, 60), n=rng.integers(0, 5, 60))
    asked = {"period": "p", "event": "e", "by": "g", "entry": entry}
    one = hazards(frame, count="n", **asked)
    other = hazards(frame.loc[frame.index.repeat(frame["n"])], **asked)
    pd.testing.assert_frame_equal(one.tidy(), other.tidy())
    pd.testing.assert_frame_equal(one.life_table, other.life_table)
    for wrong in (-1, 0.5, np.nan):
        with pytest.raises(ValueError, match="is no whole number of persons, at least 0, in 60 rows"):
            hazards(frame.assign(n=wrong), count="n", **asked)
