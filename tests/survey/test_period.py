"""Months of the log as a panel: which years are compared, who is new, who has not reported, and a log that ends too early."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from survey import Panel, Refused, open_study
from tests.survey.builders import ANSWERS, COUNTED, FULL, LOG, LOGGED, REGISTRY, change_wave, csv_text, write_study


def times(*rows: tuple[str, str, str], **more: str) -> str:
    """A log: who, which organisation, when; every row an activity of its own where no other is named."""
    lines = [LOGGED | {"who": w, "org": o, "at": at, "what": f"a{n}-{at}"} | more for n, (w, o, at) in enumerate(rows)]
    return csv_text(lines, list(LOGGED))


def study(folder: Path, waves: dict[str, str], registry: dict[str, str] | None = None, **settings: object):
    """Write a study of which every wave brings a log, and a registry with so many members."""
    counts = {name: csv_text([COUNTED | {"n": (registry or {}).get(name, "100")}], list(COUNTED)) for name in waves}
    texts = {name: {"files": {"log.csv": log, "registry.csv": counts[name]}} for name, log in waves.items()}
    made = write_study(folder, texts, **settings)
    for name in waves:
        days = {"start": f"{name}-05-01", "end": f"{name}-05-31"}
        change_wave(made, name, files=[LOG, REGISTRY], fieldwork=days)
    return made


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("WORKBENCH_PERIOD", raising=False)


LOGS = {
    "2023": times(
        ("p", "union", "2021-12-01 10:00"), ("p", "union", "2022-07-04 10:00"), ("q", "union", "2022-08-30 10:00")
    ),
    "2024": times(
        ("p", "union", "2023-07-09 10:00"),
        ("p", "union", "2023-08-31 23:59"),
        ("q", "league", "2023-09-01 00:00"),
        ("r", "league", "2024-04-29 10:00"),
    ),
}


def who(panel: Panel, wave: str) -> list[str]:
    careers = panel.careers[panel.careers["wave"] == wave]
    return sorted(careers["group"] + ":" + careers["count"].astype(str))


def test_the_same_months_of_every_year_stand_beside_each_other(tmp_path: Path) -> None:
    panel = open_study(study(tmp_path, LOGS)).period("2023-07..08")
    assert panel.waves == ("2022-07..08", "2023-07..08")
    assert panel.wave == "2023-07..08"
    assert who(panel, "2022-07..08") == ["union:1", "union:1"]
    assert who(panel, "2023-07..08") == ["union:2"]  # the last minute of August is in, the first of September is not
    assert panel.members.empty
    assert panel.labels.set_index(["kind", "code"]).loc[("wave", "2023-07..08"), "zh"] == "2023年7—8月"


def test_a_first_time_is_none_in_the_year_before(tmp_path: Path) -> None:
    panel = open_study(study(tmp_path, LOGS)).period("2023-07..08")
    careers = panel.careers.set_index("wave")
    assert careers.loc["2022-07..08", "joined"].isna().all()  # the log begins seven months before: it is not known
    known = careers.loc[["2023-07..08"]]
    assert (
        known["joined"] == pd.Timestamp("2022-07-04 10:00")
    ).all()  # 365 days before July begin on the first of July


def test_whose_time_lies_further_back_is_new_again(tmp_path: Path) -> None:
    rows = (("p", "union", "2021-06-01 10:00"), ("p", "union", "2022-06-30 23:59"), ("p", "union", "2023-07-09 10:00"))
    panel = open_study(study(tmp_path, {"2024": times(*rows, ("q", "union", "2023-08-30 10:00"))})).period(
        "2023-07..08"
    )
    assert (panel.careers["joined"] == panel.careers["first"]).all()


def test_an_organisation_without_a_row_has_not_reported(tmp_path: Path) -> None:
    panel = open_study(study(tmp_path, LOGS)).period("2023-07..08")
    told = panel.observed[panel.observed["wave"] == "2023-07..08"].set_index("organisation")
    assert told["reported"].to_dict() == {"league": False, "union": True, "women": False}
    assert told.loc["union", ["activities", "joint"]].tolist() == [2.0, 0.0]


def test_who_said_to_have_sent_nothing_is_silent_in_what_arrived_then(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS)
    change_wave(made, "2023", not_reporting=["union"])
    panel = open_study(made).period("2023-07..08")
    told = panel.observed.set_index(["wave", "organisation"])["reported"]
    assert not told["2022-07..08", "union"]
    assert told["2023-07..08", "union"]


def test_one_wave_in_which_it_sent_its_log_is_enough(tmp_path: Path) -> None:
    both = {"2023": times(("p", "union", "2021-01-01 10:00"), ("p", "union", "2023-07-03 10:00")), "2024": LOGS["2024"]}
    made = study(tmp_path, both)
    change_wave(made, "2023", not_reporting=["union"])
    told = open_study(made).period("2023-07..08").observed.set_index(["wave", "organisation"])["reported"]
    assert told["2023-07..08", "union"]
    change_wave(made, "2024", not_reporting=["union"])
    told = open_study(made).period("2023-07..08").observed.set_index(["wave", "organisation"])["reported"]
    assert not told["2023-07..08", "union"]


def test_the_first_instant_is_in_and_the_one_before_is_not(tmp_path: Path) -> None:
    rows = (("p", "union", "2023-07-01 00:00"), ("q", "union", "2023-06-30 23:59:59.999999"))
    panel = open_study(study(tmp_path, {"2024": times(*rows)})).period("2023-07")
    assert who(panel, "2023-07") == ["union:1"]
    assert panel.careers["first"].tolist() == [pd.Timestamp("2023-07-01")]


def test_members_are_counted_by_the_newest_registry_of_the_day(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS, {"2023": "100", "2024": "140"})
    counts = open_study(made).period("2023-07..08").registry.set_index("wave")["members"]
    assert counts.to_dict() == {"2022-07..08": 100.0, "2023-07..08": 100.0}
    assert open_study(made).period("2024-04").registry["members"].tolist()[-1] == 100.0  # the next one begins in May
    later = {"2024": LOGS["2024"] + times(("p", "union", "2024-06-03 10:00")).split("\n", 1)[1], "2023": LOGS["2023"]}
    made = study(tmp_path / "later", later, {"2023": "100", "2024": "140"})
    assert open_study(made).period("2024-06").registry["members"].tolist() == [140.0]


def test_a_log_that_ends_too_early_is_compared_to_the_same_day(tmp_path: Path) -> None:
    rows = [("p", "union", "2021-01-01 10:00")]
    rows += [("p", "union", f"{year}-{day} 10:00") for year in (2022, 2023) for day in ("07-03", "08-10", "08-25")]
    panel = open_study(study(tmp_path, {"2024": times(*rows[:-1])})).period("2023-07..08")
    assert who(panel, "2022-07..08") == ["union:2"]
    assert panel.observed["end"].dropna().dt.strftime("%m-%d").unique().tolist() == ["08-10"]
    titles = panel.labels[panel.labels["kind"] == "wave"]["en"].tolist()
    assert titles == ["July to August 2022 (up to 2022-08-10)", "July to August 2023 (up to 2023-08-10)"]
    assert panel.study.settings.windows.took_part == 41


def test_windows_fit_into_the_months(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS, windows={"took_part": 365, "returned": 90})
    assert open_study(made).period("2023-07..08").study.settings.windows.model_dump() == {
        "took_part": 62,
        "returned": 31,
    }
    made = study(tmp_path / "short", LOGS, windows={"took_part": 365, "returned": 14})
    assert open_study(made).period("2023-07..08").study.settings.windows.returned == 14


def test_the_last_two_full_months_where_none_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = study(tmp_path, LOGS)
    assert open_study(made).period().wave == "2024-03..04"
    assert open_study(made).period("last").wave == "2024-03..04"
    monkeypatch.setenv("WORKBENCH_PERIOD", "2023-07")
    assert open_study(made).period().wave == "2023-07"


def test_months_of_which_nothing_is_there_are_refused(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS)
    with pytest.raises(
        Refused, match=r"nobody took part in anything in 2025-07\.\.08; the log goes from 2021-12 to 2024-04"
    ):
        open_study(made).period("2025-07..08")
    nobody = study(tmp_path / "none", {"2024": times(("p", "union", "2024-04-01 10:00"))})
    change_wave(nobody, "2024", files=[REGISTRY])
    with pytest.raises(Refused, match="this study has no activity log in which anybody took part"):
        open_study(nobody).period()


def test_a_fault_in_the_answers_is_none_of_the_months(tmp_path: Path) -> None:
    made = study(tmp_path, LOGS)
    (made / "2024" / "answers.csv").write_text(
        csv_text([FULL | {"q1": "none of the codes"}] * 2, list(FULL)[:-3]), "utf-8"
    )
    change_wave(made, "2024", files=[ANSWERS, LOG, REGISTRY])
    with pytest.raises(Refused):
        open_study(made).panel()
    assert len(open_study(made).period("2023-07..08").careers) == 3


def test_a_real_log_of_groups_without_members_or_registry(real_study: Callable[[str], Path]) -> None:
    panel = open_study(real_study("la_meetup_rsvps")).period("2016-05..06")
    assert panel.waves[-1] == "2016-05..06"
    assert panel.missing_inputs(["log", "registry", "survey"]) == ("registry", "survey")
    raw = pd.read_csv(next(real_study("la_meetup_rsvps").glob("2016/rsvps.csv")))
    moment = (
        pd.to_datetime(raw["created"], unit="ms", utc=True)
        .dt.tz_convert(panel.study.settings.time_zone)
        .dt.tz_localize(None)
    )
    here = raw[(raw["response"] == "yes") & moment.between("2016-05-01", "2016-06-30 23:59:59.999")]
    assert panel.came == here["member_id"].nunique()
