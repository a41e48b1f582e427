"""Counts in a report's frame and record are as coarse as those in its tables: by hand on a study of 23 answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.pages import Page
from reports.record import record
from reports.render import Report, render
from survey import open_study
from survey.panel import Panel
from tests.survey.builders import FULL, csv_text, write_study


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    """26 rows: 23 answers, 3 of them with an answer out of range, and 3 rows of a group that nobody knows."""
    rows = [
        FULL | {"id": f"m{n}", "org": "navy" if n < 3 else "union", "q1": "7" if n > 22 else "4"} for n in range(26)
    ]
    return open_study(write_study(tmp_path, {"2024": {"files": {"answers.csv": csv_text(rows, list(FULL))}}})).panel()


def test_the_records_tally_shows_no_small_count(panel: Panel) -> None:
    lines = {line["rule"]: line for line in record(panel, {}, {}, 0)["tally"]}
    assert [lines[rule]["rows"] for rule in ("read", "as_is", "repaired")] == [25, 25, 0]
    assert lines["aside:unknown_group"]["rows"] == "<10"
    assert lines["cells:out_of_range"]["cells"] == "<10"


@pytest.mark.parametrize(("withheld", "told"), [(0, 0), (1, "<10"), (9, "<10"), (10, 10), (13, 15)])
def test_withheld_rows_are_told_from_ten_in_fives(panel: Panel, withheld: int, told: int | str) -> None:
    assert record(panel, {}, {}, withheld)["withheld_rows"] == told


def test_the_first_page_says_about_how_many_answered(panel: Panel) -> None:
    front = Page("index", "First", (), {}, {}, "")
    html = render(Report(panel, "en", "zh", front, (), {}, ()))["index"]
    assert "25 answers" in html
    assert "23 answers" not in html
