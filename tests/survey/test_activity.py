"""The log reduced: a log small enough to count by hand, identities, and a real log's printed numbers."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.activity import Activity, reduce_log

SHARE = 1e-6  # the real log's share and mean are printed to six decimals

ENDS = {"1": pd.Timestamp("2024-06-30"), "2": pd.Timestamp("2025-06-30")}
LOG = pd.DataFrame(
    [
        # wave, member, activity, region, channel, response, took_part, start
        ("1", "ann", "fair", "r1", "online", "yes", True, "2023-01-10"),  # before the window of 365 days
        ("1", "ann", "run", "r1", "site", "yes", True, "2024-05-03"),
        ("1", "ann", "walk", "r2", "site", "yes", True, "2024-05-20"),
        ("1", "bob", "run", "r1", "site", "yes", True, "2024-05-03"),
        ("1", "cat", "run", "r1", "site", "no", False, "2024-05-03"),
        ("1", "dan", "late", "r1", "site", "yes", True, "2024-07-01"),  # after the log's end
        ("2", "ann", "walk", "r2", "site", "yes", True, "2024-05-20"),  # arrived again
        ("2", "ann", "fest", "r2", "online", "yes", True, "2025-01-01"),
        ("2", "bob", "fest", "r2", None, "yes", True, "2025-01-01"),
    ],
    columns=["wave", "member", "activity", "region", "channel", "response", "took_part", "start"],
).astype({"start": "datetime64[us]"})
ORGANISERS = pd.DataFrame(
    [
        ("1", "fair", "g1"),
        ("1", "run", "g1"),
        ("1", "run", "g2"),
        ("1", "walk", "g1"),
        ("1", "late", "g1"),
        ("2", "walk", "g1"),
        ("2", "fest", "g1"),
    ],
    columns=["wave", "activity", "group"],
)


def reduced(log: pd.DataFrame = LOG, organisers: pd.DataFrame | None = ORGANISERS, **more) -> Activity:
    options = {"windows": {"took_part": 365}, "log_end_per_wave": ENDS, "not_reporting": {"1": ["g9"]}} | more
    return reduce_log(log, organisers, **options)


def career(activity: Activity, wave: str, member: str, group: str) -> pd.Series:
    rows = activity.careers.set_index(["wave", "member", "group"])
    return rows.loc[(wave, member, group)]


def day(text: str) -> pd.Timestamp:
    return pd.Timestamp(text)


def test_careers_by_hand():
    found = reduced()
    keys = found.careers[["wave", "member", "group"]].to_numpy().tolist()
    assert keys == [
        ["1", "ann", "g1"],
        ["1", "ann", "g2"],
        ["1", "bob", "g1"],
        ["1", "bob", "g2"],
        ["2", "ann", "g1"],
        ["2", "bob", "g1"],
    ]
    ann = career(found, "1", "ann", "g1")
    assert ann[["joined", "first", "second", "last"]].tolist() == [
        day("2023-01-10"),
        day("2024-05-03"),
        day("2024-05-20"),
        day("2024-05-20"),
    ]
    assert ann["count"] == 2
    assert ann[["region", "channel"]].tolist() == ["r1", "site"]  # one time each: the first by code
    assert pd.isna(career(found, "1", "bob", "g2")["second"])


def test_a_later_wave_sees_earlier_ones_and_counts_what_came_twice_once():
    ann = career(reduced(windows={"took_part": None}), "2", "ann", "g1")
    assert ann["count"] == 4  # fair, run, walk (once), fest
    assert ann["second"] == day("2024-05-03")
    bob = career(reduced(), "2", "bob", "g1")
    assert bob["joined"] == day("2024-05-03")
    assert bob["first"] == day("2025-01-01")
    assert pd.isna(bob["channel"])


def test_the_window_leaves_out_its_far_end_and_keeps_its_near_one():
    log = LOG.head(2).assign(start=[ENDS["1"] - pd.Timedelta(days=365), ENDS["1"]])
    assert career(reduced(log), "1", "ann", "g1")["count"] == 1


def test_cells_by_hand():
    cells = reduced().cells.set_index(["wave", "group", "region", "channel", "month"])
    assert cells.loc[("1", "g1", "r1", "site", day("2024-05-01"))].to_dict() == {
        "events": 1,
        "people": 2,
        "first_time": 1,
        "returning": 1,
    }
    assert cells.loc[("1", "g2", "r1", "site", day("2024-05-01"))].to_dict() == {
        "events": 1,
        "people": 2,
        "first_time": 2,
        "returning": 0,
    }
    assert len(cells) == 4 + 3


def test_who_was_seen_and_who_did_not_report():
    observed = reduced().observed
    assert observed[["wave", "organisation", "reported"]].to_numpy().tolist() == [
        ["1", "g1", True],
        ["1", "g2", True],
        ["1", "g9", False],
        ["2", "g1", True],
    ]
    assert observed["start"].tolist()[:2] == [day("2023-01-10"), day("2024-05-03")]
    assert observed["end"].isna().tolist() == [False, False, True, False]


def test_a_group_that_did_not_report_is_not_seen_through_joint_activities():
    observed = reduced(not_reporting={"1": ["g2"]}).observed.set_index(["wave", "organisation"])["reported"]
    assert observed.to_dict() == {("1", "g1"): True, ("1", "g2"): False, ("2", "g1"): True}


def test_rows_that_count_nowhere_are_told():
    found = reduced()
    assert found.tally.to_numpy().tolist() == [["1", "after_end", "yes", 1], ["1", "not_taken_part", "no", 1]]


def test_without_groups_places_and_channels_the_columns_are_there_and_empty():
    bare = LOG.assign(
        region=pd.Series(pd.NA, index=LOG.index, dtype="str"), channel=pd.Series(pd.NA, index=LOG.index, dtype="str")
    )
    found = reduced(bare, None, not_reporting={})
    for frame in (found.cells, found.careers):
        assert frame[["group", "region", "channel"]].isna().all(axis=None)
    assert found.observed["organisation"].isna().all()


def test_a_series_is_one_activity_and_several_times():
    log = LOG.head(1).loc[[0, 0]].assign(start=[day("2024-05-01"), day("2024-05-08")])
    found = reduced(log)
    assert found.careers["count"].tolist() == [2]
    assert found.cells["events"].tolist() == [1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"log": LOG.drop(columns="channel")}, "lacks the columns.*channel"),
        ({"log": LOG.assign(member=None)}, "without a value.*'member': 9"),
        ({"organisers": ORGANISERS.iloc[1:]}, "1 activities of the log have no organiser"),
        ({"log_end_per_wave": {"1": ENDS["1"]}}, r"waves \['2'\] of the log have no end"),
        ({"windows": {"took_part": 0}}, "days above 0"),
        ({"windows": {"month": 1}}, "windows are"),
    ],
)
def test_refuses_what_it_cannot_count(change, words):
    with pytest.raises(ValueError, match=words):
        reduced(**change)


rows = st.tuples(
    st.sampled_from(["1", "2"]),
    st.sampled_from("abcd"),
    st.sampled_from(["e1", "e2", "e3"]),
    st.booleans(),
    st.integers(0, 900),
)


@given(st.lists(rows, min_size=1, max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_order_does_not_matter_and_every_row_is_accounted_for(made, random):
    log = pd.DataFrame(made, columns=["wave", "member", "activity", "took_part", "day"])
    log["start"] = (pd.Timestamp("2023-01-01") + pd.to_timedelta(log.pop("day"), unit="D")).astype("datetime64[us]")
    log = log.assign(region="r", channel="c", response=log["took_part"].map({True: "yes", False: "no"}))
    order = list(range(len(log)))
    random.shuffle(order)
    one = reduced(log, None, windows={"took_part": None}, not_reporting={})
    other = reduced(log.iloc[order], None, windows={"took_part": None}, not_reporting={})
    for name in ("cells", "careers", "observed", "tally"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert (one.cells["people"] == one.cells["first_time"] + one.cells["returning"]).all()
    kept = log[log["took_part"] & (log["start"] <= log["wave"].map(ENDS))]
    assert one.tally["rows"].sum() == len(log) - len(kept)
    last = one.careers[one.careers["wave"] == log["wave"].max()]
    assert last["count"].sum() == len(kept.drop_duplicates(["member", "activity", "start"]))


def test_the_real_log(shared_data):
    raw = pd.read_csv(shared_data("la_meetup_rsvps") / "rsvps.csv", dtype="str")
    start = pd.to_datetime(raw["created"].astype("int64"), unit="ms").astype("datetime64[us]")
    log = pd.DataFrame({"wave": "2016", "member": raw["member_id"], "activity": raw["event_id"], "start": start})
    log = log.assign(region=None, channel=None, response=raw["response"], took_part=raw["response"] == "yes")
    found = reduced(log, None, windows={"took_part": None}, log_end_per_wave={"2016": start.max()}, not_reporting={})
    assert len(found.careers) == 11284
    assert found.careers["second"].notna().mean() == pytest.approx(0.480681, abs=SHARE)
    assert found.careers["count"].mean() == pytest.approx(3.927774, abs=SHARE)
    assert found.careers["count"].sum() == 44321
    assert found.tally[["response", "rows"]].to_numpy().tolist() == [["no", 10903], ["waitlist", 1594]]
