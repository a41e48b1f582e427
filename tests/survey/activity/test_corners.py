"""Corners of the log, one at a time: ends of months, joint activities, two exports, silence, attendance that nobody recorded."""

from __future__ import annotations

import numpy as np
import pytest

from survey.activity import repeated
from tests.survey.activity.logs import day, listed, part, reduced


def came(member: str, activity: str, start: str, **more) -> dict:
    return {"member": member, "activity": activity, "start": start, **more}


def test_a_month_ends_at_local_midnight(tmp_path):
    rows = [
        came("ann", "a", "2024-05-31 23:59:59.999999"),
        came("ann", "b", "2024-06-01"),
        came("bob", "b", "2024-06-01"),
    ]
    cells = reduced([part(tmp_path, rows)]).cells
    assert listed(cells, "month", "people", "first_time", "returning") == [
        (day("2024-05-01"), 1, 1, 0),
        (day("2024-06-01"), 2, 1, 1),
    ]
    assert cells["month"].dtype == "datetime64[us]"


def test_years_of_four_digits_have_their_months(tmp_path):
    rows = [came("ann", "a", "1899-12-31 23:00"), came("ann", "b", "1970-01-01"), came("ann", "c", "2261-12-31")]
    assert reduced([part(tmp_path, rows)]).cells["month"].tolist() == [
        day("1899-12-01"),
        day("1970-01-01"),
        day("2261-12-01"),
    ]


def test_the_same_row_in_two_exports_counts_once_and_in_the_first(tmp_path):
    row = came("ann", "a", "2024-05-01", groups="g1", took_part=True)
    parts = [part(tmp_path, [row], "1", "may"), part(tmp_path, [row, {**row, "activity": "b"}], "1", "june")]
    again = repeated(parts)
    assert {name: rows.tolist() for name, rows in again.items()} == {("1", "may"): [], ("1", "june"): [1]}
    assert again["1", "june"].dtype == np.int64
    found = reduced(parts, again=again)
    assert found.careers["count"].tolist() == [2]
    assert found.cells["events"].tolist() == [2]


def test_a_row_of_other_groups_is_not_the_same_row(tmp_path):
    row = came("ann", "a", "2024-05-01", groups="g1")
    parts = [part(tmp_path, [row], "1", "one"), part(tmp_path, [{**row, "groups": "g2"}], "1", "two")]
    assert repeated(parts)["1", "two"].tolist() == []
    found = reduced(parts)
    assert listed(found.careers, "group", "count") == [("g1", 1), ("g2", 1)]  # one joint activity, once for each
    assert listed(found.cells, "group", "events", "people") == [("g1", 1, 1), ("g2", 1, 1)]


def test_repeated_takes_missing_cells_as_equal_and_the_order_of_the_parts_as_said(tmp_path):
    row = came("ann", "a", "2024-05-01", region=None)
    one, two = part(tmp_path, [row], "1"), part(tmp_path, [row, {**row, "region": "r1"}], "2")
    assert repeated([one, two], ("member", "region"))["2", "log"].tolist() == [1]
    assert repeated([two, one], ("member", "region"))["1", "log"].tolist() == [1]
    assert repeated([one, two], ("end", "start"))["2", "log"].tolist() == [1, 2]
    assert repeated([one])["1", "log"].tolist() == []


@pytest.mark.parametrize("key", [(), ("row",), ("name of a study's column",)])
def test_repeated_refuses_a_key_that_is_no_column(tmp_path, key):
    with pytest.raises(ValueError, match="a key names one or more of"):
        repeated([part(tmp_path, [came("ann", "a", "2024-05-01")])], key)


def test_a_member_of_several_organisations_has_a_career_in_each(tmp_path):
    rows = [
        came("ann", "a", "2024-05-01", groups="g1"),
        came("ann", "b", "2024-05-02", groups="g2"),
        came("ann", "c", "2024-05-03", groups="g1;g2"),
    ]
    careers = reduced([part(tmp_path, rows)]).careers
    assert listed(careers, "group", "count", "joined", "second") == [
        ("g1", 2, day("2024-05-01"), day("2024-05-03")),
        ("g2", 2, day("2024-05-02"), day("2024-05-03")),
    ]


def test_an_activity_is_held_by_whom_its_own_wave_names(tmp_path):
    parts = [
        part(tmp_path, [came("ann", "a", "2024-05-01", groups="g1")], "1"),
        part(tmp_path, [came("bob", "a", "2024-05-01", groups="g2")], "2"),
    ]
    assert listed(reduced(parts, "2").careers, "member", "group") == [("ann", "g1"), ("bob", "g2")]


def test_what_arrives_later_does_not_alter_an_earlier_wave(tmp_path):
    late = [came("ann", "b", "2024-04-01", groups="g2"), came("ann", "c", "2025-05-01", groups="g1")]
    parts = [part(tmp_path, [came("ann", "a", "2024-05-01", groups="g1")], "1"), part(tmp_path, late, "2")]
    assert listed(reduced(parts, "1").careers, "group", "count", "joined") == [("g1", 1, day("2024-05-01"))]
    assert listed(reduced(parts, "2").careers, "group", "count") == [("g1", 2), ("g2", 1)]


def test_a_time_whose_two_rows_name_two_places_is_one_time(tmp_path):
    row = came("ann", "a", "2024-05-01", groups="g1", region="r2", role="organised")
    other = {**row, "groups": "g2", "region": "r1", "role": None}
    careers = reduced([part(tmp_path, [row, other, came("ann", "b", "2024-05-02", groups="g1;g2")])]).careers
    assert listed(careers, "group", "count", "region", "organised") == [("g1", 2, "r1", 1), ("g2", 2, "r1", 1)]


def test_a_series_is_one_activity_and_several_times(tmp_path):
    rows = [came("ann", "a", f"2024-05-{number:02d}") for number in (1, 8, 8, 15)]
    found = reduced([part(tmp_path, rows)])
    assert listed(found.careers, "count", "second", "last") == [(3, day("2024-05-08"), day("2024-05-15"))]
    assert listed(found.cells, "events", "people") == [(1, 1)]


def test_two_activities_at_one_time_are_two_times(tmp_path):
    rows = [came("ann", name, "2024-05-01") for name in "abc"]
    found = reduced([part(tmp_path, rows)]).careers
    assert listed(found, "count", "first", "second") == [(3, day("2024-05-01"), day("2024-05-01"))]


def test_the_place_most_used_is_the_first_of_those_used_as_much(tmp_path):
    rows = [
        came("ann", f"a{n}", f"2024-05-{n:02d}", region=r)
        for n, r in enumerate(["r2", "r1", "r3", "r3", None, None, None], 1)
    ]
    assert reduced([part(tmp_path, rows)]).careers["region"].tolist() == ["r3"]
    assert reduced([part(tmp_path, rows[:3])]).careers["region"].tolist() == ["r1"]


def test_an_organisation_that_sent_nothing_is_not_one_without_activity(tmp_path):
    found = reduced([part(tmp_path, [came("ann", "a", "2024-05-01", groups="g1")])], not_reporting=["g2"])
    assert listed(found.observed, "organisation", "reported", "recorded") == [("g1", True, 1.0), ("g2", False, None)]
    assert set(found.cells["group"]) == {"g1"}


def test_attendance_that_was_not_recorded_is_not_absence(tmp_path):
    rows = [
        came("ann", "a", "2024-05-01", groups="g1"),
        came("bob", "a", "2024-05-01", groups="g1", took_part=False),
        *(came("ann", name, "2024-05-02", groups="g1", took_part=None) for name in "bcd"),
        came("ann", "e", "2024-05-03", groups="g2", took_part=None),
    ]
    found = reduced([part(tmp_path, rows)])
    assert listed(found.observed, "organisation", "reported", "recorded") == [("g1", True, 0.25), ("g2", True, 0.0)]
    assert listed(found.tally, "reason", "rows") == [("not_recorded", 4), ("not_taken_part", 1)]
    assert listed(found.cells, "group", "events", "people") == [("g1", 1, 1)]


def test_what_is_still_to_come_at_the_logs_end_is_told_and_not_counted(tmp_path):
    rows = [
        came("ann", "a", "2024-05-01", groups="g1"),
        came("ann", "b", "2024-07-01", groups="g1", took_part=None),
        came("bob", "b", "2024-07-01", groups="g2"),
    ]
    found = reduced([part(tmp_path, rows)], log_end=day("2024-06-30"))
    assert listed(found.tally, "reason", "rows") == [("after_end", 2)]
    assert found.careers["count"].tolist() == [1]
    # It is no activity of which attendance could have been recorded.
    assert listed(found.observed, "organisation", "end", "recorded") == [
        ("g1", day("2024-06-30"), 1.0),
        ("g2", day("2024-06-30"), None),
    ]


def test_a_mean_of_ratings_does_not_depend_on_their_order(tmp_path):
    ratings = [0.1, 0.2, 0.3, 1e6, -1e6, float("nan")] * 3
    rows = [came(f"m{n}", "a", "2024-05-01", rating=rating) for n, rating in enumerate(ratings)]
    one, other = (reduced([part(tmp_path, order)]).cells for order in (rows, rows[::-1]))
    assert listed(one, "rated", "rating") == listed(other, "rated", "rating") == [(15, 0.12)]
