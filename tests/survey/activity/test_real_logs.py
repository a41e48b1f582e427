"""Real logs, read as a study reads them, and their reference numbers."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.survey.activity.logs import listed, part, reduced

SIX_DIGITS = 5e-7  # reference numbers are printed to six decimals


@pytest.fixture(scope="module")
def la(shared_data, tmp_path_factory):
    raw = pd.read_csv(shared_data("la_meetup_rsvps") / "rsvps.csv", dtype="str")
    # As the study's mapping says: milliseconds since 1970; a member and an activity are one row.
    start = pd.to_datetime(raw["created"].astype("int64"), unit="ms").astype("datetime64[us]")
    log = pd.DataFrame(
        {"member": raw["member_id"], "activity": raw["event_id"], "start": start, "response": raw["response"]}
    )
    return reduced([part(tmp_path_factory.mktemp("la"), log.assign(took_part=raw["response"] == "yes"))], again={})


def test_a_large_log_of_answers(la):
    assert len(la.careers) == 11284
    assert la.careers["second"].notna().mean() == pytest.approx(0.480681, abs=SIX_DIGITS)
    assert la.careers["count"].mean() == pytest.approx(3.927774, abs=SIX_DIGITS)
    assert la.careers["count"].sum() == len(la.incidence) == 44321
    assert listed(la.tally, "response", "rows") == [("no", 10903), ("waitlist", 1594)]


def test_a_log_whose_attendance_was_recorded_for_three_of_twenty_activities(shared_data, tmp_path):
    raw = pd.read_csv(shared_data("ethba_meetups") / "attendance.csv", dtype="str")
    dates = pd.read_csv(shared_data("ethba_meetups") / "meetups.csv", dtype="str").set_index("id")["date"]
    attended = raw["attended"] == "1"
    known = attended.groupby(raw["meetup_id"]).transform("any")
    log = pd.DataFrame({"member": raw["member_id"], "activity": raw["meetup_id"], "start": raw["meetup_id"].map(dates)})
    found = reduced(
        [part(tmp_path, log.assign(took_part=attended.astype(object).where(known), response=raw["attended"]))]
    )
    assert found.observed["recorded"].tolist() == [0.15]
    assert found.cells["events"].sum() == 3
    assert len(found.careers) == 109
    assert found.careers["second"].notna().mean() == pytest.approx(0.403670, abs=SIX_DIGITS)
    told = found.tally.set_index("reason")["rows"]
    assert told["not_recorded"] == (~known).sum()
    assert told.sum() == len(raw) - 158


def test_a_network_of_members_and_groups(shared_data, tmp_path):
    edges = pd.read_csv(shared_data("nashville_membership") / "member_to_group.csv", dtype="str")
    log = pd.DataFrame({"member": edges["member_id"], "activity": edges["group_id"], "start": "2018-01-01"})
    met = reduced([part(tmp_path, log.assign(groups="g" + log["activity"]))]).incidence.to_pandas()
    each = met.groupby("member", observed=True)["activity"].nunique()
    assert (len(met), len(each), met["activity"].nunique()) == (45583, 24631, 602)
    assert (each > 1).mean() == pytest.approx(0.333279, abs=SIX_DIGITS)
