"""Real files through the instrument: what is accepted equals what a count of the file's own cells gives.

`ess7_norway_mixed`: ends of scales as labels beside numbers; `ethba_meetups`: attendance, with what its README counted. Counts
are made with the csv module from the codes of the European Social Survey's codebook. No figure has a tolerance but shares, which
the README prints to six decimals.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from survey import open_study
from survey.panel import Panel
from tests.survey.builders import adds_up, change_wave, check
from tests.survey.readers.exports import saved

PRINTED = 5.1e-7
Cells = dict[str, str]


def records(path: Path) -> list[Cells]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def rules(panel: Panel) -> dict[str, int]:
    """Rows of each rule that met some, and cells of each."""
    counted = panel.tally.groupby("rule")[["rows", "cells"]].sum().sum(axis=1)
    return {str(rule): int(n) for rule, n in counted.items() if n}


# --- ESS round 7, Norway: header, item, and what the words stand for in the codebook
AGREE = ["Agree strongly", "Agree", "Neither agree nor disagree", "Disagree", "Disagree strongly"]
HOURS = ["No time at all", "Less than 0,5 hour", "0,5 hour to 1 hour", "More than 1 hour, up to 1,5 hours"]
HOURS += [f"More than {a} hours, up to {b} hours" for a, b in (("1,5", "2"), ("2", "2,5"), ("2,5", "3"))]
HOURS += ["More than 3 hours"]
WORDS: dict[str, tuple[str, dict[str, int]]] = {
    "mbtru": ("union", {"Yes, currently": 1, "Yes, previously": 2, "No": 3}),
    "gndr": ("gender", {"Male": 1, "Female": 2}),
    "tvtot": ("television", dict(zip(HOURS, range(8), strict=True))),
    "ppltrst": ("trust", {"Most people can be trusted": 10}),
    "stflife": ("life", {"Extremely satisfied": 10}),
    "happy": ("happy", {"Extremely happy": 10}),
    "imwbcnt": ("immigration", {"Better place to live": 10}),
    "gincdif": ("incomes", dict(zip(AGREE, range(1, 6), strict=True))),
    "health": ("health", dict(zip(["Very good", "Good", "Fair", "Bad", "Very bad"], range(1, 6), strict=True))),
    "hinctnta": ("income", {f"{sign} - {n}{'st' if n == 1 else 'nd' if n == 2 else 'rd' if n == 3 else 'th'} decile": n
                            for n, sign in enumerate("JRCMFSKPDH", 1)}),
    "agea": ("age", {}),
    "height": ("height", {}),
    "weight": ("kilograms", {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def norway(real_study: Callable[[str], Path]) -> tuple[Panel, list[Cells]]:
    folder = real_study("ess7_norway_mixed")
    return open_study(folder).panel(), records(folder / "2014" / "ess7_norway.csv")


@pytest.mark.parametrize("header", WORDS)
def test_labels_and_numbers_of_one_column(norway: tuple[Panel, list[Cells]], header: str) -> None:
    panel, rows = norway
    item, words = WORDS[header]
    expected = Counter(float(words.get(row[header], row[header])) for row in rows if row[header])
    assert Counter(panel.members[item].dropna().astype(float)) == expected
    assert panel.members[item].isna().sum() == sum(row[header] == "" for row in rows)


def test_some_figures_of_norway_counted_by_hand(norway: tuple[Panel, list[Cells]]) -> None:
    members = norway[0].members
    assert rules(norway[0]) == {"read": 143, "as_is": 143}
    assert members["life"].value_counts().to_dict() == {8: 46, 9: 36, 10: 20, 7: 20, 6: 7, 5: 5, 2: 4, 3: 3, 4: 2}
    assert members["union"].value_counts().to_dict() == {"1": 56, "3": 55, "2": 32}
    # Norwegian spellings stand in the instrument beside the labels in the study's two languages.
    assert members["education"].value_counts().to_dict() == {
        9: 28, 4: 24, 2: 23, 3: 15, 12: 14, 10: 11, 8: 10, 5: 10, 11: 4, 1: 2, 7: 1, 6: 1
    }  # fmt: skip
    assert members["wellbeing"].tolist() == ((members["life"] + members["happy"]) / 2).tolist()


def test_missing_codes_and_spellings_that_the_instrument_does_not_have(
    tmp_path: Path, real_study: Callable[[str], Path]
) -> None:
    folder = shutil.copytree(real_study("ess7_norway_mixed"), tmp_path / "ess7_norway_mixed")
    rows = records(folder / "2014" / "ess7_norway.csv")
    before = Counter(row["stflife"] for row in rows[6:])
    said = ["77", "88", "99", "Don't know", "11", "Svært fornøyd"]
    for row, cell in zip(rows, said, strict=False):
        row["stflife"] = cell
    saved(folder / "2014" / "ess7_norway.csv", [list(rows[0]), *(list(row.values()) for row in rows)])
    change_wave(folder, "2014", decisions=[
        {"rule": "out_of_range_share", "accept": "ess7_norway.csv", "office": "test", "why": "test"}
    ])  # fmt: skip
    accepted = check(open_study(folder), "answers")
    assert adds_up(accepted)
    assert accepted.read == len(accepted.frame) == 143
    assert accepted.cells == {"missing_code": 4, "out_of_range": 1, "unknown_label": 1}
    assert accepted.frame["life"].isna().sum() == 6
    assert accepted.frame["life"].eq(10).sum() == before["Extremely satisfied"]


# --- Meetups in Buenos Aires
def test_attendance_as_it_arrived(real_study: Callable[[str], Path]) -> None:
    """Walk-ins have no day of signing up: 11 rows have no time, and are told; the others are all accepted."""
    folder = real_study("ethba_meetups")
    panel, rows = open_study(folder).panel(), records(folder / "2020" / "attendance.csv")
    timed = [row for row in rows if row["rsvp_date"]]
    of_meetings = Counter(row["meetup_id"] for row in timed)
    recorded = {row["meetup_id"] for row in rows if row["attended"] == "1"}
    unrecorded = sum(n for meeting, n in of_meetings.items() if meeting not in recorded)
    told = {"read": 2015, "as_is": 2004, "aside:no_time": 11, "note:attendance_not_recorded": unrecorded}
    assert (rules(panel), len(recorded), unrecorded) == (told, 3, 1697)
    assert len(timed) == 2004
    came = Counter(row["member_id"] for row in timed if row["attended"] == "1")
    assert sorted(panel.careers["count"]) == sorted(came.values())
    assert panel.careers["joined"].min() == datetime.fromisoformat(
        min(r["rsvp_date"] for r in timed if r["attended"] == "1")
    )


ZONE = ZoneInfo("America/Argentina/Buenos_Aires")
FORMS: dict[str, Callable[[str], str]] = {
    "iso": lambda day: f"{day} 18:30:00",
    "epoch_s": lambda day: f"{_evening(day).timestamp():.0f}",
    "epoch_ms": lambda day: f"{1000 * _evening(day).timestamp():.0f}",
    "excel": lambda day: str((_evening(day).replace(tzinfo=None) - datetime(1899, 12, 30)).total_seconds() / 86400),
}


def _evening(day: str) -> datetime:
    return datetime.fromisoformat(f"{day} 18:30:00").replace(tzinfo=ZONE)


def meetings(folder: Path, data: Path, form: str) -> Path:
    """The log with the day of each meeting for its time, as an office would put the two files together."""
    days = {row["id"]: row["date"] for row in records(data / "meetups.csv")}
    rows = records(data / "attendance.csv")
    lines = [[r["meetup_id"], r["member_id"], FORMS[form](days[r["meetup_id"]]), r["attended"]] for r in rows]
    saved(folder / "2020" / "attendance.csv", [["meetup_id", "member_id", "held", "attended"], *lines])
    columns = {"meetup_id": "activity", "member_id": "member", "held": "start", "attended": "response"}
    entry = {"file": "attendance.csv", "holds": "log", "columns": columns, "layout": {"times": form}}
    change_wave(folder, "2020", files=[entry | {"took_part": {"response": ["1"]}}])
    return folder


def test_attendance_with_the_meetings_own_days_gives_the_readmes_figures(
    tmp_path: Path, shared_data: Callable[[str], Path], real_study: Callable[[str], Path]
) -> None:
    folder = shutil.copytree(real_study("ethba_meetups"), tmp_path / "ethba_meetups")
    panel = open_study(meetings(folder, shared_data("ethba_meetups"), "iso")).panel()
    assert rules(panel) == {"read": 2015, "as_is": 2015, "note:attendance_not_recorded": 1697}
    assert panel.careers["count"].sum() / 2015 == pytest.approx(0.078412, abs=PRINTED)
    assert (len(panel.careers), panel.careers["count"].sum()) == (109, 158)
    assert (panel.careers["count"] > 1).mean() == pytest.approx(0.403670, abs=PRINTED)
    held = ["2019-12-19 18:30", "2020-01-16 18:30", "2020-02-27 18:30"]  # meetings 14 to 16
    assert sorted(panel.careers["joined"].unique()) == [pd.Timestamp(time) for time in held]
    # Months in which nobody was ticked off are not said to be months in which nobody came.
    assert panel.cells["month"].dt.strftime("%Y-%m").tolist() == ["2019-12", "2020-01", "2020-02"]
    assert panel.cells["events"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("form", ["epoch_s", "epoch_ms", "excel"])
def test_other_forms_of_the_same_times(
    tmp_path: Path, shared_data: Callable[[str], Path], real_study: Callable[[str], Path], form: str
) -> None:
    found = {}
    for name in ("iso", form):
        folder = shutil.copytree(real_study("ethba_meetups"), tmp_path / name / "ethba_meetups")
        found[name] = check(open_study(meetings(folder, shared_data("ethba_meetups"), name)), "log")
    assert adds_up(found[form])
    assert len(found[form].frame) == 2015
    pd.testing.assert_frame_equal(found[form].frame, found["iso"].frame)
