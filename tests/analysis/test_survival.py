"""Kaplan-Meier as R's survfit, by hand and against a loop over persons; who was not recorded; a truth that the seed chooses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import kaplan_meier
from analysis.core import survival as core
from analysis.tidy import COLUMNS, Result
from reports.reference import survival as reference

EXACT = 1e-12  # products of the same counts
SURE = 3.5  # Monte Carlo errors of a share of intervals: one right figure in two thousand
HOME = Path("tests/reference")
FEW = pd.DataFrame({"months": [1, 2, 2, 3, 5, 4, 6], "left": [1, 1, 0, 1, 0, 0, 1], "org": list("aaaaabb")})


def shares(frame: pd.DataFrame, **other: object) -> pd.DataFrame:
    rows = kaplan_meier(frame, **({"time": "months", "event": "left"} | other)).tidy()  # type: ignore[arg-type]
    return rows[rows["statistic"] == "survival"].reset_index(drop=True)


def slowly(time: np.ndarray, event: np.ndarray, entry: np.ndarray, t: float) -> tuple[float, float]:
    """S and Greenwood's error by a loop over times, each looking at every person."""
    share, spread = 1.0, 0.0
    for u in sorted(set(time[event == 1])):
        if u <= t:
            n = sum((entry < u) & (time >= u))
            d = sum((time == u) & (event == 1))
            share, spread = share * (1 - d / n), spread + (d / n / (n - d) if n > d else np.inf)
    return share, share * spread**0.5 if share else np.nan


def test_every_number_as_in_r(project: Path) -> None:
    lines = list(reference.lines(project / HOME, None))
    assert [one.what for one in lines if not one.agrees] == []
    assert len(lines) == 3840
    assert {one.what.split()[0] for one in lines} == {"long", "ties", "late", "ways", "both"}


def test_medians_as_printed(project: Path) -> None:
    """The medians that survfit prints, on its own scale of the interval."""
    people = pd.read_csv(project / HOME / "survival_data.csv")
    found = kaplan_meier(people[people["data"] == "long"], time="time", event="cause", by="group", conf_type="log")
    assert found.medians[["median", "conf_low", "conf_high"]].to_numpy().tolist() == [[353, 274, 451], [694, 492, 926]]
    assert found.medians[["n", "events"]].to_numpy().tolist() == [[138, 106], [90, 58]]


def test_by_hand() -> None:
    """Org a: 5 at risk, one leaves at 1; 4 at risk, one leaves and one is lost at 2; 2 at risk, one leaves at 3."""
    rows = shares(FEW, by="org")
    assert rows["domain"].tolist() == ["org=a;time=1", "org=a;time=2", "org=a;time=3", "org=b;time=6"]
    assert rows["estimate"].tolist() == pytest.approx([4 / 5, 3 / 5, 3 / 10, 0], abs=EXACT)
    assert rows["n"].tolist() == [5, 4, 2, 1]
    greenwood = 1 / 20 + 1 / 12 + 1 / 2
    assert rows["std_error"][2] == pytest.approx(0.3 * greenwood**0.5, abs=EXACT)
    width = 1.959963984540054 * greenwood**0.5 / np.log(0.3)
    assert rows["conf_low"][2] == pytest.approx(0.3 ** np.exp(-width), abs=EXACT)
    assert rows["conf_high"][2] == pytest.approx(0.3 ** np.exp(width), abs=EXACT)
    assert np.isnan(rows["std_error"][3])


def test_cumulative_mirrors_survival_and_n_eff_is_n_where_nobody_is_lost() -> None:
    frame = pd.DataFrame({"months": [1, 2, 3, 4, 5], "left": 1})
    rows = kaplan_meier(frame, time="months", event="left").tidy()
    assert rows.columns.tolist() == list(COLUMNS)
    stayed, left = (rows[rows["statistic"] == s].reset_index(drop=True) for s in ("survival", "cumulative"))
    assert (stayed["estimate"] + left["estimate"]).tolist() == [1] * 5
    assert (stayed["conf_low"] + left["conf_high"])[:4].tolist() == pytest.approx([1] * 4)
    assert stayed["n_eff"][:4].tolist() == pytest.approx([5] * 4)
    assert stayed["n"].tolist() == [5, 4, 3, 2, 1]


def test_not_recorded_is_not_stayed() -> None:
    """After the last time that anybody was watched nothing is known, unless all had left; and a half that is not reached."""
    rows = shares(FEW, by="org", at=[0, 2.5, 5, 9])
    a, b = rows[rows["domain"].str.startswith("org=a")], rows[rows["domain"].str.startswith("org=b")]
    assert a["status"].tolist() == ["ok", "ok", "ok", "not_estimable"]
    assert a["estimate"].tolist()[:3] == pytest.approx([1, 0.6, 0.3])
    assert a["n"].tolist() == [5, 2, 1, 0]
    assert b["status"].tolist() == ["ok"] * 4
    assert b["estimate"].tolist() == [1, 1, 1, 0]
    found = kaplan_meier(FEW.assign(left=[1, 0, 0, 0, 0, 0, 0]), time="months", event="left")
    median = found.tidy().iloc[0]
    assert (median["statistic"], median["status"], median["n"]) == ("median_time", "not_estimable", 7)
    assert np.isnan(median["conf_low"])
    assert isinstance(found, Result)


def test_at_the_own_times_is_what_is_told_without_at() -> None:
    frame = pd.DataFrame({"months": [3.5, 1, 2, 3.5, 7], "left": [1, 0, 1, 1, 1]})
    pd.testing.assert_frame_equal(shares(frame), shares(frame, at=[2, 3.5, 7]))


def test_before_the_first_entry_and_in_a_gap_nobody_is_known() -> None:
    frame = pd.DataFrame({"months": [4, 5, 9], "since": [2, 2, 7], "left": [1, 0, 1]})
    rows = shares(frame, entry="since", at=[1, 3, 4, 6, 8])
    assert rows["status"].tolist() == ["not_estimable", "ok", "ok", "not_estimable", "ok"]
    assert rows["estimate"].dropna().tolist() == [1, 0.5, 0.5]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_as_a_loop_over_persons(seed: int, whole: bool, late: bool) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    entry = rng.integers(0, 4, n) if late else np.full(n, -1)
    time = np.maximum(entry, 0) + (rng.integers(1, 9, n) if whole else rng.integers(1, 99, n) / 7)
    frame = pd.DataFrame({"months": time, "since": entry, "left": rng.integers(0, 2, n), "org": rng.integers(0, 3, n)})
    asked = {"entry": "since"} if late and frame["since"].any() else {}
    curves = kaplan_meier(frame, time="months", event="left", by="org", **asked).curves
    organisations = sorted(frame["org"].unique())
    for row in curves.to_dict("records"):
        own = frame[frame["org"] == organisations[row["unit"]]]
        since = own["since"].to_numpy() if asked else np.full(len(own), -1)
        share, error = slowly(own["months"].to_numpy(), own["left"].to_numpy(), since, row["time"])
        assert row["survival"] == pytest.approx(share, abs=EXACT)
        assert row["std_error"] == pytest.approx(error, abs=EXACT, nan_ok=True)


def test_groups_at_once_are_groups_one_by_one() -> None:
    """Also where the table of groups and times is too wide to count, so that rows are sorted."""
    rng = np.random.default_rng(3)
    time, cause, group = rng.exponential(size=4000).round(3), rng.integers(0, 3, 4000), rng.integers(0, 70, 4000)
    whole = core.life_table(time, cause, causes=2, group=group, groups=71)
    found, limit = core.aalen_johansen(whole), core.product_limit(whole)
    for g in (0, 33, 69):
        mine, rows = core.life_table(time[group == g], cause[group == g], causes=2), whole.group == g
        alone = core.aalen_johansen(mine)
        assert limit.survival[rows] == pytest.approx(core.product_limit(mine).survival, abs=EXACT)
        assert found.incidence[rows] == pytest.approx(alone.incidence, abs=EXACT)
        assert found.variance[rows] == pytest.approx(alone.variance, abs=EXACT)
        assert whole.at_risk[rows].tolist() == mine.at_risk.tolist()
    assert whole.persons[70] == 0


@pytest.mark.parametrize("kind", ["log-log", "log", "plain"])
def test_intervals_hold_the_truth(kind: str) -> None:
    """Exponential times with independent loss, 2,000 groups of 100; at the median the 95 % interval holds one half."""
    rng = np.random.default_rng(11)
    when, lost = rng.exponential(1, (2000, 100)), rng.exponential(2, (2000, 100))
    frame = pd.DataFrame({"months": np.minimum(when, lost).ravel(), "left": (when <= lost).ravel()})
    found = kaplan_meier(
        frame.assign(org=np.repeat(np.arange(2000), 100)),
        time="months",
        event="left",
        by="org",
        at=np.log(2),
        conf_type=kind,
    )
    held = ((found.curves["conf_low"] <= 0.5) & (found.curves["conf_high"] >= 0.5)).mean()
    of_median = ((found.medians["conf_low"] <= np.log(2)) & ~(found.medians["conf_high"] <= np.log(2))).mean()
    # the normal intervals of 100 people are a point off, which the seed's error comes on top of
    assert held == pytest.approx(0.95, abs=0.01 + SURE * 0.005)
    assert of_median == pytest.approx(0.95, abs=0.01 + SURE * 0.005)


@pytest.mark.parametrize(
    ("changed", "asked", "said"),
    [
        ({}, {"time": "weeks"}, "does not have: .'weeks'"),
        ({"months": [-1.0, 2, 2, 3, 5, 4, 6]}, {}, "below 0 in 1 rows"),
        ({"months": [None, 2, 2, 3, 5, 4, 6]}, {}, "missing in 1 rows"),
        ({"left": [None, 1, 0, 1, 0, 0, 1]}, {}, "not recorded has not stayed away"),
        ({"left": [2, 1, 0, 7, 0, 0, 1]}, {}, "neither 0 nor 1 in 2 rows"),
        ({"left": list("yynnyny")}, {}, "must hold numbers"),
        ({"since": [0, 0, 2, 0, 0, 0, 0]}, {"entry": "since"}, "not before the end of the watch in 1 rows"),
        ({"since": 0}, {"entry": "since"}, "leave entry out"),
        ({}, {"at": []}, "at needs one time"),
        ({}, {"at": [-1]}, "at least 0"),
        ({}, {"conf_type": "logit"}, "log-log, log, plain"),
        ({}, {"conf_level": 95}, "between 0 and 1"),
        ({}, {"by": "left"}, "two things"),
        ({"time": 1}, {"by": "time"}, "rename the column"),
    ],
)
def test_refusals_say_what_was_seen(changed: dict, asked: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said) as told:
        shares(FEW.assign(**changed), **asked)
    assert "7" not in str(told.value)  # the code of a person


def test_a_cut_that_is_missing_is_in_no_curve_and_an_empty_frame_gives_no_number() -> None:
    rows = shares(FEW.assign(org=["a", None, "a", "a", "a", "b", "b"]), by="org")
    assert rows["n"].tolist() == [4, 2, 1]
    assert shares(FEW[:0]).empty
    assert shares(FEW[:0], at=1)["status"].tolist() == ["not_estimable"]
