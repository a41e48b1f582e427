"""The list of members: what becomes of its rows, and what it says of rows of the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey import Refused, open_study
from survey.checks.memberships import Roll
from survey.panel import Panel
from tests.survey.builders import LOG, LOGGED, adds_up, affairs, change_wave, csv_text, reasons, write_study

LIST: dict[str, Any] = {
    "file": "members.csv",
    "holds": "memberships",
    "columns": {"who": "member", "org": "group", "since": "joined", "until": "left", "n": "times"},
}
LISTED = {"who": "m1", "org": "union", "since": "2020-01-01", "until": "", "n": ""}


def test_each_reason_by_hand(tmp_path: Path) -> None:
    rows = [
        {},
        {"who": ""},
        {"who": "M-1"},  # the same member, organisation and day
        {"since": "2023-05-01"},  # left and came back
        {"org": "navy"},
        {"who": "m2", "since": "2022-01-01", "until": "2021-01-01"},
        {"who": "m3", "since": "", "n": "7"},
    ]
    found = affairs(tmp_path, LIST, [LISTED | row for row in rows])
    assert reasons(found) == {3: "no_member", 4: "duplicate", 6: "unknown_group", 7: "ends_before_start"}
    assert adds_up(found)
    assert found.frame["times"].tolist()[-1] == 7
    assert found.frame["joined"].isna().tolist() == [False, False, True]


def test_a_list_whose_days_cannot_be_read_is_refused(tmp_path: Path) -> None:
    rows = [LISTED | {"who": f"m{n}", "since": "05/03/2021"} for n in range(30)]
    with pytest.raises(Refused, match="joined"):
        affairs(tmp_path, LIST, rows, rules={"out_of_range_share": 0.02})


def panel(home: Path, listed: list[dict[str, str]], logged: list[dict[str, str]], **entry: object) -> Panel:
    texts = {
        "members.csv": csv_text([LISTED | row for row in listed], list(LISTED)),
        "log.csv": csv_text([LOGGED | row for row in logged], list(LOGGED)),
    }
    folder = write_study(home, {"2024": {"files": texts}})
    change_wave(folder, "2024", files=[LOG | entry, LIST])  # the log first: the list is read first all the same
    return open_study(folder).panel()


def test_rows_before_joining_and_after_leaving_are_set_aside(tmp_path: Path) -> None:
    listed = [
        {"since": "2024-03-05", "until": "2024-03-20"},
        {"who": "m2", "since": "2019-01-01", "until": "2020-01-01"},
        {"who": "m2", "since": "2024-01-01"},
    ]
    days = ["2024-03-04 23:59", "2024-03-05 00:00", "2024-03-20 23:00", "2024-03-21 00:00"]
    logged = [{"what": f"a{n}", "at": day} for n, day in enumerate(days)]
    logged += [{"who": "m2", "what": "b1", "at": "2023-12-31 10:00"}, {"who": "m2", "what": "b2"}]
    found = panel(tmp_path, listed, logged)
    assert found.aside[["row", "reason"]].to_numpy().tolist() == [[n, "outside_membership"] for n in (2, 5, 6)]
    assert found.careers["count"].tolist() == [2, 1] or found.careers["count"].tolist() == [1, 2]


def test_a_guest_of_another_organisation_is_no_stranger_and_who_is_on_no_list_is_told(tmp_path: Path) -> None:
    logged = [
        {"org": "league"},  # m1 is of the union
        {"what": "a2", "org": "union;league"},
        {"who": "m9", "what": "a3"},
    ]
    found = panel(tmp_path, [{}], logged)
    rows = found.tally.set_index("rule")["rows"]
    assert found.aside.empty
    assert rows["note:not_on_the_roll"] == 1
    assert found.careers["count"].sum() == 4


def test_of_a_joint_activity_one_membership_that_holds_is_enough(tmp_path: Path) -> None:
    listed = [{"until": "2023-12-31"}, {"org": "league", "since": "2024-01-01"}]
    found = panel(tmp_path, listed, [{"org": "union;league"}, {"what": "a2"}])
    assert found.aside[["row", "reason"]].to_numpy().tolist() == [[3, "outside_membership"]]


def test_the_roll_by_hand() -> None:
    roll = Roll(
        pd.DataFrame(
            {
                "member": ["a", "a", "b"],
                "group": ["u", "u", "w"],
                "joined": pd.to_datetime(["2020-01-01", "2022-06-01", None]),
                "left": pd.to_datetime(["2021-01-01", None, "2022-01-01"]),
            }
        )
    )
    who = pd.Series(["a", "a", "a", "b", "b", "c"]).astype("category")
    groups = pd.Series(["u", "u", "w;u", "w", "u", "u"]).astype("category")
    day = pd.Series(
        pd.to_datetime(
            ["2021-01-01 20:00", "2021-06-01", "2022-07-01", "2022-01-02", "2022-01-02", "2020-01-01"], format="ISO8601"
        )
    )
    assert roll.outside(who, groups, day).tolist() == [False, True, False, True, False, False]
    assert roll.knows(who).tolist() == [True, True, True, True, True, False]


def test_meetup_groups_of_a_city(real_study: Callable[[str], Path]) -> None:
    """Reference: 24,631 members, 602 groups, weights summing to 126,813; share in more than one group 0.333279."""
    found = open_study(real_study("nashville_membership")).panel()
    held = found.memberships
    assert (held["member"].nunique(), held["group"].nunique(), held["times"].sum()) == (24_631, 602, 126_813)
    assert (held["member"].value_counts() > 1).mean() == pytest.approx(0.333279, abs=5e-7)
    assert found.tally.set_index("rule")["rows"][["read", "as_is"]].tolist() == [45_583, 45_583]
