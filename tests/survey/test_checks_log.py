"""What becomes of each row of a log: reasons by hand, times in every form, organisers, what it means to take part."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from survey import Refused, open_study
from survey.panel import Panel
from tests.survey.builders import LOG, LOGGED, adds_up, change_wave, csv_text, log, reasons, write_study


def cells_of(accepted) -> dict[str, int]:
    return dict(accepted.cells)


def test_each_reason_by_hand(tmp_path: Path) -> None:
    rows = [
        {},
        dict.fromkeys(LOGGED, ""),
        {"who": "小计", "what": "12", "org": "", "place": "", "at": "", "re": ""},
        {"who": " "},
        {"who": "—"},  # no letter, no digit: no id
        {"what": ""},
        {"who": "m2", "org": "navy"},
        {"who": "m3", "org": ""},
        {"who": "m4", "place": "1"},
        {"who": "m5", "at": "soon"},
        {"who": "M-1", "re": "no"},  # the same activity and member again
        {"who": "m6", "org": "union;navy; 青年团"},
    ]
    found = log(tmp_path, rows)
    assert reasons(found) == {
        3: "blank",
        4: "total",
        5: "no_member",
        6: "no_member",
        7: "no_activity",
        8: "unknown_group",
        9: "unknown_group",
        10: "unknown_region",
        11: "no_time",
        12: "duplicate",
    }
    assert found.frame["groups"].tolist() == ["union", "league;union"]
    assert cells_of(found) == {"unknown_label": 1}
    assert adds_up(found)


def test_a_month_is_the_month_of_the_studys_own_zone(tmp_path: Path) -> None:
    late = {"at": "1711900800000"}  # 2024-03-31 16:00 UTC
    found = log(tmp_path, [late], {"layout": {"times": "epoch_ms"}})
    assert found.frame["start"].tolist() == [pd.Timestamp("2024-04-01")]


def test_rows_that_do_not_mean_taking_part_stay(tmp_path: Path) -> None:
    rows = [{"who": f"m{n}", "re": said} for n, said in enumerate(["yes", "no", "waitlist", "YES", "", "来了"])]
    values = {"response": {"来了": "yes"}}
    found = log(tmp_path, rows, {"took_part": {"response": ["yes"]}, "values": values})
    assert found.frame["took_part"].tolist() == [True, False, False, False, False, True]
    assert (found.reasons, len(found.frame)) == ({}, 6)
    assert log(tmp_path / "all", rows).frame["took_part"].all()


def test_a_declared_key_keeps_a_series(tmp_path: Path) -> None:
    rows = [{"at": "2024-03-05"}, {"at": "2024-03-12"}, {"at": "2024-03-12"}]
    assert reasons(log(tmp_path / "a", rows)) == {3: "duplicate", 4: "duplicate"}
    assert reasons(log(tmp_path / "b", rows, {"key": ["activity", "member", "start"]})) == {4: "duplicate"}


def test_organisers_with_any_separator_and_in_any_order(tmp_path: Path) -> None:
    rows = [{"who": f"m{n}", "org": org} for n, org in enumerate(["union||League", "妇联||union||union", "Women"])]
    found = log(tmp_path, rows, {"separator": "||"})
    assert found.frame["groups"].tolist() == ["league;union", "union;women", "women"]


def test_an_end_that_is_no_time_is_counted(tmp_path: Path) -> None:
    rows = [{"to": "2024-03-05 12:00"}, {"who": "m2", "to": "later"}, {"who": "m3", "to": ""}]
    found = log(tmp_path, rows, {"columns": LOG["columns"] | {"to": "end"}})
    assert cells_of(found) == {"not_a_time": 1}
    assert found.frame["end"].notna().tolist() == [True, False, False]


def two_files(home: Path, first: list[dict[str, str]], second: list[dict[str, str]], **entry: object) -> Panel:
    """The panel of two logs of one wave."""
    texts = {
        f"{n}.csv": csv_text([LOGGED | row for row in rows], list(LOGGED)) for n, rows in (("a", first), ("b", second))
    }
    folder = write_study(home, {"2024": {"files": texts}})
    change_wave(folder, "2024", files=[LOG | {"file": name} | entry for name in texts])
    return open_study(folder).panel()


def test_a_row_that_an_earlier_file_brought_is_a_duplicate(tmp_path: Path) -> None:
    panel = two_files(tmp_path, [{}, {"who": "m2"}], [{}, {"who": "m3"}, {"who": "m2", "org": "league"}])
    assert panel.aside[["file", "row", "reason"]].to_numpy().tolist() == [["b.csv", 2, "duplicate"]]
    rows = panel.tally.groupby("rule")["rows"].sum()
    assert (rows["read"], rows["as_is"], rows["aside:duplicate"]) == (5, 4, 1)
    held = panel.careers.groupby("group")["count"].sum()
    assert held.to_dict() == {"league": 3, "union": 3}, "both files hold it: a joint activity"


def test_across_files_too_the_declared_key_keeps_a_series(tmp_path: Path) -> None:
    panel = two_files(tmp_path, [{}], [{"at": "2024-03-12"}], key=["activity", "member", "start"])
    assert panel.aside.empty
    assert panel.careers["count"].tolist() == [2]


def test_too_many_rows_set_aside(tmp_path: Path) -> None:
    rows = [{"who": f"m{n}"} for n in range(20)] + [{"who": "secret", "at": "secret"}]
    with pytest.raises(
        Refused, match=r"4.76% of the rows would be set aside \(1 rows without a readable time; first rows 22\)"
    ) as caught:
        log(tmp_path, rows, rules={"set_aside_share": 0.02})
    assert "secret" not in str(caught.value)


CELL = st.sampled_from(
    ["", "-", "m1", "m2", "a1", "union", "union;navy", "navy", "990102", "Hill", "2024-03-05", "no", "总计"]
)


@settings(max_examples=12, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(dict.fromkeys(LOGGED, CELL)), min_size=1, max_size=12))
def test_rows_always_add_up_and_what_is_left_is_whole(tmp_path_factory: pytest.TempPathFactory, rows) -> None:
    assume(any(any(cell.strip() for cell in row.values()) for row in rows))
    found = log(tmp_path_factory.mktemp("any"), rows)
    assert adds_up(found)
    assert found.frame[["member", "activity", "start", "region"]].notna().all(axis=None)
    assert (found.frame["groups"] != "").all()


def test_a_third_file_is_compared_with_the_first_too(tmp_path: Path) -> None:
    texts = {
        f"{n}.csv": csv_text([LOGGED | {"who": who}], list(LOGGED))
        for n, who in (("a", "m1"), ("b", "m2"), ("c", "m1"))
    }
    folder = write_study(tmp_path, {"2024": {"files": texts}})
    change_wave(folder, "2024", files=[LOG | {"file": name} for name in texts])
    panel = open_study(folder).panel()
    assert panel.aside[["file", "row", "reason"]].to_numpy().tolist() == [["c.csv", 2, "duplicate"]]
    assert panel.careers["count"].tolist() == [1, 1]


def test_a_row_is_set_aside_for_the_first_reason_it_meets(tmp_path: Path) -> None:
    rows = [
        {"who": "", "what": "", "org": "navy"},
        {"what": "", "place": "1"},
        {"org": "navy", "place": "1", "at": "soon"},
    ]
    assert reasons(log(tmp_path, rows)) == {2: "no_member", 3: "no_activity", 4: "unknown_group"}
    rows = [{"who": "", "what": ""}] * 2  # nobody at nothing, twice
    assert set(reasons(log(tmp_path / "again", rows)).values()) == {"no_member"}
