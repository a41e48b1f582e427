"""Two in a hundred answered: every page says so, and no organisation is ranked or held against the average."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import analysis
from reports import checking
from reports.commands import app
from reports.pages import Page
from reports.render import Report, render
from survey import open_study
from survey.panel import Panel
from tests.survey.builders import ANSWERS, FULL, REGISTRY, change_wave, csv_text, write_study

EACH = 60
SHARES = {"union": 0.2, "league": 0.5, "women": 0.8}  # of people who answer 5, the others answer 1


def panel(home: Path, monkeypatch: pytest.MonkeyPatch, members: int, **wave: Any) -> Panel:
    """Three groups of 60 answers each that differ far beyond chance, of so many members each."""
    rng = np.random.default_rng(3)
    rows = [
        FULL
        | {"id": f"{group}{n}", "org": group, "q1": (q := "5" if rng.random() < share else "1"), "q2": str(6 - int(q))}
        for group, share in SHARES.items()
        for n in range(EACH)
    ]
    counts = [{"org": group, "place": "990102", "n": str(members), "money": "1"} for group in SHARES]
    files = {name: csv_text(part, list(part[0])) for name, part in (("answers.csv", rows), ("registry.csv", counts))}
    folder = write_study(home, {"2024": {"files": files}}, cuts=[[], ["group"]])
    change_wave(folder, "2024", files=[ANSWERS, REGISTRY], **wave)
    monkeypatch.setenv("WORKBENCH_HOME", str(home / "home"))
    return open_study(folder).panel()


def front(panel: Panel, language: str) -> str:
    page = Page("index", "First", (), {}, {}, "")
    return render(Report(panel, language, "", page, (), {}, ()))["index"]


def drawn(panel: Panel) -> tuple[str, Any]:
    """The text of the means by group, and the finding of the first page."""
    plan = analysis.plan_release(**panel.release_inputs)
    show = analysis.display.Show(**panel.show_inputs)
    parts = [
        analysis.release(analysis.estimates(panel.members, variables="belonging", by=cut), plan, name="belonging")
        for cut in (("wave",), ("wave", "group"))
    ]
    figure = show.dots(parts, by="group", term="belonging", statistic="mean")
    return figure.text("en"), show.finding(parts, by="group", term="belonging", statistic="mean")


def test_many_answered_and_the_lowest_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = panel(tmp_path, monkeypatch, 500)
    text, finding = drawn(found)
    assert found.few_answered is None
    assert finding.row.keys["group"] == "union"
    assert "Union below the average" in text
    assert text.rindex("Women") < text.rindex("League") < text.rindex("Union")
    assert "ranked" not in front(found, "en")


def test_few_answered_and_nobody_is_ranked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = panel(tmp_path, monkeypatch, 3000)
    text, finding = drawn(found)
    assert found.few_answered == (180, 9000)
    assert finding.row is None
    assert finding.reference is None
    assert "average" not in text
    assert "Only 2.0% of those asked answered" in front(found, "en")
    assert "应答率仅 2.0%" in front(found, "zh")
    told = checking.account(found, "en")
    assert told.state == checking.WARNED
    for how in ("--lang=en", "--json"):
        assert CliRunner().invoke(app(), ["check", str(found.study.folder), how]).exit_code == checking.WARNED
    assert any("180 of 9,000 people asked answered" in line for part in told.sections for line in part.lines)


def test_a_sample_of_a_large_organisation_is_not_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert panel(tmp_path, monkeypatch, 3000, invited=400).few_answered is None
