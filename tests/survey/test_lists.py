"""A list of members in place of a registry that did not come, and of a log where it counts times; never where they came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis import coverage, fit_attraction
from survey import Panel, open_study
from tests.survey.builders import COUNTED, LOG, LOGGED, REGISTRY, change_wave, csv_text, write_study

LIST = {
    "file": "list.csv",
    "holds": "memberships",
    "columns": {"id": "member", "org": "group", "place": "region", "since": "joined", "until": "left", "came": "times"},
}
ROWS = [
    ("a", "union", "990102", "2020-01-01", "", "3"),
    ("b", "union", "990102", "", "", "1"),
    ("c", "union", "990104001", "2024-04-15", "", "0"),
    ("d", "union", "990102", "2024-04-16", "", "2"),  # joins a day after the fieldwork
    ("e", "league", "990102", "2020-01-01", "2024-04-14", "0"),  # left a day before its end
    ("a", "league", "990102", "2020-01-01", "2024-04-15", "5"),
]


def panel(
    folder: Path, *, times: bool = True, more: dict[str, str] | None = None, entries: tuple[dict, ...] = ()
) -> Panel:
    columns = list(LIST["columns"])
    text = csv_text([dict(zip(columns, row, strict=True)) for row in ROWS], columns)
    made = write_study(folder, {"2024": {"files": {"list.csv": text, **(more or {})}}})
    kept = {key: role for key, role in LIST["columns"].items() if times or role != "times"}
    change_wave(made, "2024", files=[LIST | {"columns": kept}, *entries])
    return open_study(made).panel()


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))


def test_members_are_those_of_the_last_day(tmp_path: Path) -> None:
    counts = panel(tmp_path).registry.set_index(["group", "region"])["members"]
    assert counts.to_dict() == {("league", "990102"): 1, ("union", "990102"): 2, ("union", "990104001"): 1}


def test_times_are_careers_of_which_it_is_not_known_when(tmp_path: Path) -> None:
    found = panel(tmp_path)
    assert sorted(zip(found.careers["group"], found.careers["count"], strict=True)) == [
        ("league", 5),
        ("union", 1),
        ("union", 2),
        ("union", 3),
    ]
    assert found.careers[["first", "second", "last"]].isna().all().all()
    assert found.careers["joined"].notna().sum() == 3
    told = found.observed.set_index("organisation")
    assert told["reported"].to_dict() == {"league": True, "union": True}
    assert not told["roles"].any()
    rows = fit_attraction(**found.log, **found.where).tidy().set_index(["group", "region", "term", "statistic"])
    assert rows.loc[("*", "*", "returned", "conditional"), "estimate"] == 3 / 4
    assert rows.loc[("*", "*", "volunteered", "conditional"), "status"] == "not_reported"


def test_within_how_many_days_a_list_does_not_tell(tmp_path: Path) -> None:
    found = panel(tmp_path)
    rows = fit_attraction(**found.log | {"returned_days": 30}, **found.where).tidy()
    rows = rows[(rows["term"] == "returned") & (rows["statistic"] == "conditional")]
    assert set(rows["status"]) == {"not_estimable"}


def test_what_came_goes_before_the_list(tmp_path: Path) -> None:
    more = {"log.csv": csv_text([LOGGED], list(LOGGED)), "registry.csv": csv_text([COUNTED], list(COUNTED))}
    found = panel(tmp_path, more=more, entries=(LOG, REGISTRY))
    assert found.registry["members"].tolist() == [100]
    assert found.careers["count"].tolist() == [1]
    assert not found.tally["rule"].eq("counted_from_list").any()


def test_a_list_without_times_makes_no_careers(tmp_path: Path) -> None:
    found = panel(tmp_path, times=False)
    assert found.careers.empty
    assert found.observed.empty
    assert len(found.registry) == 3


def test_it_is_told_where_the_members_come_from(tmp_path: Path) -> None:
    tally = panel(tmp_path).tally
    assert tally.loc[tally["rule"] == "counted_from_list", ["holds", "rows"]].values.tolist() == [["registry", 4]]


def test_a_registry_without_organisations_is_not_asked_of_them(tmp_path: Path) -> None:
    found = panel(tmp_path)
    where = {"observed": found.observed, "wave": "wave", "hierarchy": found.where["hierarchy"]}
    rows = coverage(found.registry, found.careers, by=("group",), **where).tidy()
    assert rows.loc[rows["term"] == "established", "status"].tolist() == ["not_asked"]


def test_a_real_list(real_study: Callable[[str], Path]) -> None:
    folder = real_study("nashville_membership")
    found = open_study(folder).panel()
    raw = pd.read_csv(folder / "2016" / "member_to_group.csv")
    assert found.registry["members"].sum() == len(raw)
    assert found.came == raw["member_id"].nunique()
    rows = fit_attraction(**found.log, **found.where).tidy()
    whole = rows[(rows["term"] == "returned") & (rows["statistic"] == "conditional") & (rows["group"] == "*")]
    assert whole["estimate"].item() == pytest.approx((raw["weight"] > 1).mean())
