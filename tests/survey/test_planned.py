"""Events that are planned, to which members have said yes, are not what happened: a wave's log ends with its fieldwork."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from survey import open_study
from tests.survey.builders import LOG, LOGGED, change_wave, csv_text, write_study

DAYS = (
    "2023-05-10",
    "2024-03-05",
    "2024-04-15",
    "2024-04-16",
    "2024-07-01",
)  # the fieldwork ends on the fifteenth of April


@pytest.mark.parametrize(("days", "end"), [(DAYS, "2024-04-15 23:59:59.999999"), (DAYS[:2], "2024-03-05 18:30")])
def test_what_is_planned_moves_no_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: tuple[str, ...], end: str
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    rows = [LOGGED | {"what": day, "at": f"{day} 18:30"} for day in days]
    made = write_study(
        tmp_path, {"2024": {"files": {"log.csv": csv_text(rows, list(LOGGED))}}}, windows={"took_part": 365}
    )
    change_wave(made, "2024", files=[LOG])
    panel = open_study(made).panel()
    assert panel.observed["end"].tolist() == [pd.Timestamp(end)]
    past = [pd.Timestamp(f"{day} 18:30") for day in days if pd.Timestamp(day) <= pd.Timestamp(end)]
    assert panel.careers["count"].tolist() == [len(past)]
    assert panel.careers["last"].tolist() == [max(past)]
    assert panel.careers["joined"].tolist() == [past[0]]
