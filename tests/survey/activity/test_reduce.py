"""The log reduced: a log small enough to count by hand, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from survey.activity import LogPart, reduce_wave
from tests.survey.activity.logs import day, listed, part, reduced

ENDS = {"1": day("2024-06-30"), "2": day("2025-06-30")}
COLUMNS = ["wave", "member", "activity", "groups", "region", "channel", "response", "took_part", "start"]
LOG = pd.DataFrame(
    [
        ("1", "ann", "fair", "g1", "r1", "online", "yes", True, "2023-01-10"),  # before the window of 365 days
        ("1", "ann", "run", "g1", "r1", "site", "yes", True, "2024-05-03"),
        ("1", "ann", "walk", "g1", "r2", "site", "yes", True, "2024-05-20"),
        ("1", "bob", "run", "g1;g2", "r1", "site", "yes", True, "2024-05-03"),  # joint, as only this row says
        ("1", "cat", "run", "g1", "r1", "site", "no", False, "2024-05-03"),
        ("1", "dan", "late", "g1", "r1", "site", "yes", True, "2024-07-01"),  # after the log's end
        ("2", "ann", "walk", "g1", "r2", "site", "yes", True, "2024-05-20"),  # arrived again
        ("2", "ann", "fest", "g1", "r2", "online", "yes", True, "2025-01-01"),
        ("2", "bob", "fest", "g1", "r2", None, "yes", True, "2025-01-01"),
    ],
    columns=COLUMNS,
)


def parts_of(folder: Path, log: pd.DataFrame = LOG) -> list[LogPart]:
    return [part(folder, rows.reset_index(drop=True), str(wave)) for wave, rows in log.groupby("wave")]


def wave_of(folder: Path, wave: str = "1", log: pd.DataFrame = LOG, **more):
    return reduced(parts_of(folder, log), wave, **{"took_part_days": 365, "log_end": ENDS[wave]} | more)


def test_careers_by_hand(tmp_path):
    found = wave_of(tmp_path).careers
    assert listed(found, "wave", "member", "group", "count") == [
        ("1", "ann", "g1", 2),
        ("1", "ann", "g2", 1),
        ("1", "bob", "g1", 1),
        ("1", "bob", "g2", 1),
    ]
    ann = found.iloc[0]
    assert ann[["joined", "first", "second", "last"]].tolist() == [
        day("2023-01-10"),
        day("2024-05-03"),
        day("2024-05-20"),
        day("2024-05-20"),
    ]
    assert ann[["region", "channel"]].tolist() == ["r1", "site"]  # one time each: the first by code
    assert found["second"].isna().tolist() == [False, True, True, True]


def test_a_later_wave_sees_earlier_ones_and_counts_what_came_twice_once(tmp_path):
    whole = wave_of(tmp_path, "2", took_part_days=None).careers.set_index(["member", "group"])
    assert whole.loc[("ann", "g1"), "count"] == 4  # fair, run, walk (once), fest
    assert whole.loc[("ann", "g1"), "second"] == day("2024-05-03")
    assert whole.loc[("ann", "g2"), "count"] == 1  # run was joint in the first wave
    late = wave_of(tmp_path, "2").careers.set_index(["member", "group"])
    assert late.loc[("bob", "g1"), ["joined", "first"]].tolist() == [day("2024-05-03"), day("2025-01-01")]
    assert pd.isna(late.loc[("bob", "g1"), "channel"])
    assert late.loc[("dan", "g1"), "first"] == day("2024-07-01")  # by now it has happened


def test_what_arrived_again_is_in_no_cell_of_the_later_wave(tmp_path):
    assert listed(wave_of(tmp_path, "2").cells, "group", "month", "events", "people") == [
        ("g1", day("2025-01-01"), 1, 1),
        ("g1", day("2025-01-01"), 1, 1),
    ]
    kept = wave_of(tmp_path, "2", again={}).cells
    assert day("2024-05-01") in set(kept["month"])  # told that nothing came again, it counts what it is given


def test_a_wave_does_not_see_what_comes_after_it(tmp_path):
    alone = reduced(parts_of(tmp_path, LOG[LOG["wave"] == "1"]), "1")
    both = reduced(parts_of(tmp_path), "1")
    pd.testing.assert_frame_equal(alone.careers, both.careers)
    pd.testing.assert_frame_equal(alone.cells, both.cells)


def test_the_window_leaves_out_its_far_end_and_keeps_its_near_one(tmp_path):
    log = LOG.head(2).assign(start=[ENDS["1"] - pd.Timedelta(days=365), ENDS["1"]])
    assert listed(wave_of(tmp_path, log=log).careers, "member", "count") == [("ann", 1)]
    assert wave_of(tmp_path, log=log, took_part_days=366).careers["count"].tolist() == [2]


def test_cells_by_hand(tmp_path):
    cells = wave_of(tmp_path).cells.set_index(["group", "region", "channel", "month"])
    counts = ["events", "people", "first_time", "returning"]
    assert cells.loc[("g1", "r1", "site", day("2024-05-01")), counts].tolist() == [1, 2, 1, 1]
    assert cells.loc[("g2", "r1", "site", day("2024-05-01")), counts].tolist() == [1, 2, 2, 0]
    assert len(cells) == 4
    assert cells["rated"].eq(0).all()
    assert cells["rating"].isna().all()


def test_ratings_are_counted_and_averaged_for_each_organiser(tmp_path):
    rated = LOG.assign(rating=[5, 4, 3.5, 1, 2, 2, None, None, None])  # cat did not come, dan comes too late
    cells = wave_of(tmp_path, log=rated).cells.set_index(["group", "region", "channel", "month"])
    assert cells.loc[("g1", "r1", "site", day("2024-05-01")), ["rated", "rating"]].tolist() == [2, 2.5]
    assert cells.loc[("g2", "r1", "site", day("2024-05-01")), ["rated", "rating"]].tolist() == [2, 2.5]
    assert cells.loc[("g1", "r2", "site", day("2024-05-01")), ["rated", "rating"]].tolist() == [1, 3.5]


def test_roles_are_counted_in_the_window(tmp_path):
    roles = ["organised", "volunteered", "organised", "took_part", "designed", "designed", None, "proposed", "designed"]
    counts = ("count", "volunteered", "organised", "proposed", "designed")
    first = wave_of(tmp_path, log=LOG.assign(role=roles)).careers
    assert listed(first, *counts) == [(2, 1, 1, 0, 0), (1, 1, 0, 0, 0), (1, 0, 0, 0, 0), (1, 0, 0, 0, 0)]
    second = wave_of(tmp_path, "2", log=LOG.assign(role=roles)).careers
    assert listed(second, "member", *counts) == [("ann", 1, 0, 0, 1, 0), ("bob", 1, 0, 0, 0, 1), ("dan", 1, 0, 0, 0, 1)]


def test_who_was_seen_and_who_did_not_report(tmp_path):
    observed = wave_of(tmp_path, not_reporting=["g9"]).observed
    assert listed(observed, "wave", "organisation", "start", "end", "reported", "recorded") == [
        ("1", "g1", day("2023-01-10"), ENDS["1"], True, 1.0),
        ("1", "g2", day("2024-05-03"), ENDS["1"], True, 1.0),
        ("1", "g9", None, None, False, None),
    ]


def test_a_group_that_did_not_report_is_not_seen_through_joint_activities(tmp_path):
    observed = wave_of(tmp_path, not_reporting=["g2"]).observed
    assert listed(observed, "organisation", "reported") == [("g1", True), ("g2", False)]


def test_rows_that_count_nowhere_are_told(tmp_path):
    tally = wave_of(tmp_path).tally
    assert listed(tally, "wave", "reason", "response", "rows") == [
        ("1", "after_end", "yes", 1),
        ("1", "not_taken_part", "no", 1),
    ]


def test_without_groups_places_and_channels_the_columns_are_there_and_empty(tmp_path):
    found = wave_of(tmp_path, log=LOG.assign(groups="", region=None, channel=None))
    for frame in (found.cells, found.careers):
        assert len(frame) > 0
        assert frame[["group", "region", "channel"]].isna().all(axis=None)
    assert listed(found.observed, "organisation", "reported", "recorded") == [(None, True, 1.0)]


def test_a_wave_without_a_log_has_the_same_columns_and_types(tmp_path):
    full, silent = wave_of(tmp_path), wave_of(tmp_path, "1", log=LOG[LOG["wave"] == "2"], not_reporting=["g1"])
    for name in ("cells", "careers", "observed", "tally"):
        pd.testing.assert_series_equal(getattr(full, name).dtypes, getattr(silent, name).dtypes)
    assert silent.incidence.schema.equals(full.incidence.schema)
    assert listed(silent.observed, "organisation", "reported", "start") == [("g1", False, None)]
    assert len(silent.cells) + len(silent.careers) + len(silent.tally) + len(silent.incidence) == 0


def test_incidence_is_who_was_at_what_in_the_window(tmp_path):
    found = wave_of(tmp_path).incidence.to_pandas().astype("str")
    assert listed(found, "wave", "member", "activity") == [
        ("1", "ann", "run"),
        ("1", "ann", "walk"),
        ("1", "bob", "run"),
    ]
    assert wave_of(tmp_path, incidence=False).incidence is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"member": [None, *LOG["member"][1:]]}, "rows without a value: .*'member': 1"),
        ({"start": None}, "'start': "),
        ({"groups": ["", *LOG["groups"][1:]]}, "1 activities of the log have no organiser"),
        ({"rating": 2e6}, "ratings beyond 1,000,000"),
    ],
)
def test_refuses_what_it_cannot_count(tmp_path, change, words):
    with pytest.raises(ValueError, match=words):
        wave_of(tmp_path, log=LOG.assign(**change))


def test_refuses_a_window_of_nothing_and_two_parts_of_one_name(tmp_path):
    parts = parts_of(tmp_path)
    options = {"again": {}, "took_part_days": None, "log_end": None, "not_reporting": []}
    with pytest.raises(ValueError, match="days above 0"):
        reduce_wave(parts, "1", **options | {"took_part_days": 0})
    with pytest.raises(ValueError, match="same wave and file"):
        reduce_wave([*parts, parts[0]], "1", **options)


def test_refuses_a_part_that_lacks_a_column(tmp_path):
    whole = parts_of(tmp_path)[0]
    pd.read_parquet(whole.path).drop(columns="channel").to_parquet(whole.path)
    with pytest.raises(ValueError, match=r"lacks the columns.*channel"):
        reduced([whole])
