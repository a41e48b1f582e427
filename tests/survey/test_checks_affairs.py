"""What becomes of visits by officers, members' proposals and rights cases: expected by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from survey import Refused
from survey.checks import Accepted
from tests.survey.builders import KEY, adds_up, affairs, reasons

PROPOSALS: dict[str, Any] = {
    "file": "proposals.csv",
    "holds": "proposals",
    "columns": {
        "no": "proposal",
        "who": "member",
        "org": "group",
        "place": "region",
        "on": "service",
        "at": "made",
        "said": "answered",
        "done": "adopted",
    },
}
ONE = {"no": "p1", "who": "m1", "org": "union", "place": "990102", "on": "legal", "at": "2024-03-05"}
CASES: dict[str, Any] = {
    "file": "cases.csv",
    "holds": "cases",
    "columns": {"org": "group", "place": "region", "at": "raised", "in": "accepted", "out": "resolved"},
}
VISITS: dict[str, Any] = {
    "file": "visits.csv",
    "holds": "visits",
    "columns": {"who": "officer", "org": "group", "place": "region", "at": "visited", "met": "people"},
}


def proposals(home: Path, *rows: dict[str, str], **changed: Any) -> Accepted:
    return affairs(home, PROPOSALS, [ONE | {"no": f"p{n}"} | row for n, row in enumerate(rows)], **changed)


def test_stages_are_days_or_yes_and_a_later_one_implies_the_one_before(tmp_path: Path) -> None:
    found = proposals(
        tmp_path,
        {"said": "2024-03-20", "done": "2024-04-01"},
        {"said": "是", "done": "否"},
        {"said": "", "done": "√"},
        {"said": "", "done": ""},
    )
    frame = found.frame
    assert frame["made"].tolist() == [pd.Timestamp("2024-03-05")] * 4
    assert frame["answered"].tolist() == [True, True, True, False]
    assert frame["adopted"].tolist() == [True, False, True, False]
    assert frame["answered_on"].isna().tolist() == [False, True, True, True]
    assert frame["adopted_on"].iloc[0] == pd.Timestamp("2024-04-01")
    assert dict(found.notes) == {"stage_implied": 1}
    assert adds_up(found)


def test_being_told_of_the_outcome_says_that_there_was_an_answer_and_not_that_it_was_yes(tmp_path: Path) -> None:
    columns = PROPOSALS["columns"] | {"back": "told"}
    rows = [{"back": "2024-04-09"}, {"done": "2024-04-01", "back": "是"}, {"back": ""}]
    found = affairs(
        tmp_path,
        PROPOSALS | {"columns": columns},
        [ONE | {"no": f"p{n}", "said": "", "done": ""} | r for n, r in enumerate(rows)],
    )
    assert found.frame["told"].tolist() == [True, True, False]
    assert found.frame["answered"].tolist() == [True, True, False]
    assert found.frame["adopted"].tolist() == [False, True, False]
    assert found.frame["told_on"].iloc[0] == pd.Timestamp("2024-04-09")
    assert dict(found.notes) == {"stage_implied": 2}


def test_each_reason_by_hand(tmp_path: Path) -> None:
    found = proposals(
        tmp_path,
        {},
        {"no": "p0"},  # again
        {"at": ""},
        {"said": "2024-03-01"},  # answered before it was made
        {"said": "2024-03-20", "done": "2024-03-10"},  # adopted before it was answered
        {"done": "2024-03-01"},  # adopted before it was made; nobody says when it was answered
        {"org": "navy"},
        {"place": "Atlantis"},
        {"at": "2026-03-05"},
        {"said": "2024-03-05"},  # on the day on which it was made
    )
    assert reasons(found) == {
        3: "duplicate",
        4: "no_time",
        5: "stages_out_of_order",
        6: "stages_out_of_order",
        7: "stages_out_of_order",
        8: "unknown_group",
        9: "unknown_region",
        10: "after_the_wave",
    }
    assert adds_up(found)


def test_who_proposed_is_whom_the_log_knows_and_an_officer_is_nobody_else(tmp_path: Path) -> None:
    found = proposals(tmp_path / "a", {"who": "Ｍ１"}, {"who": ""})
    known = KEY.pseudonyms(pd.Series(["m1"], dtype="str"), "log")
    assert found.frame["member"].tolist()[0] == known.iloc[0]
    assert found.frame["member"].isna().tolist() == [False, True]
    visit = {"who": "m1", "org": "union", "place": "990102", "at": "2024-03-05", "met": "12"}
    visited = affairs(tmp_path / "b", VISITS, [visit, visit | {"met": "-1"}])
    assert visited.frame["officer"].iloc[0] not in {known.iloc[0], "m1"}
    assert visited.frame["people"].fillna(-9).tolist() == [12, -9]
    assert dict(visited.cells) == {"out_of_range": 1}


def test_a_phone_number_may_name_an_officer_and_nothing_else(tmp_path: Path) -> None:
    phones = [f"139{n:08}" for n in range(20)]
    visits = [{"who": p, "org": "union", "place": "990102", "at": "2024-03-05", "met": "3"} for p in phones]
    assert len(affairs(tmp_path / "a", VISITS, visits).frame) == len(phones)
    with pytest.raises(Refused, match="phone numbers"):
        proposals(tmp_path / "b", *({"on": p} for p in phones))


def test_what_is_neither_a_day_nor_yes_or_no_is_counted_and_refuses_where_it_is_much(tmp_path: Path) -> None:
    found = proposals(tmp_path / "a", *[{"said": "是"}] * 60, {"said": "maybe"})
    assert dict(found.cells) == {"unknown_label": 1}
    assert not found.frame["answered"].iloc[-1]
    with pytest.raises(Refused, match="answered"):
        proposals(tmp_path / "b", *[{"said": "maybe"}] * 30, rules={})


def test_cases_without_a_number_are_one_where_all_is_equal(tmp_path: Path) -> None:
    row = {"org": "union", "place": "990102", "at": "2024-03-05", "in": "2024-03-06", "out": ""}
    found = affairs(tmp_path, CASES, [row, row, row | {"out": "2024-03-09"}])
    assert reasons(found) == {3: "duplicate"}
    assert found.frame["resolved"].tolist() == [False, True]


def test_a_study_with_groups_needs_them_and_the_first_day(tmp_path: Path) -> None:
    columns = {"no": "proposal", "place": "region"}
    with pytest.raises(Refused) as refused:
        affairs(tmp_path, PROPOSALS | {"columns": columns}, [ONE])
    said = str(refused.value)
    assert "“group”" in said
    assert "“made”" in said
