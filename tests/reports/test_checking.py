"""What `workbench check` tells: every row accounted for, every rule in words, one screen for a hundred faults."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import survey
from reports import checking
from reports.check_words import WORDS
from survey.checks.accepted import CELL_RULES, NOTES
from survey.checks.reasons import REASONS
from survey.faults import Fault


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_demo_accounts_for_every_row(language: str) -> None:
    panel = survey.open_study("demo").panel()
    told = checking.account(panel, language)
    assert told.state == checking.WARNED
    files = [e.file for e in panel.study.wave(panel.wave).settings.files]
    assert [s.heading for s in told.sections][: len(files)] == files
    for section in told.sections[: len(files)]:
        read, as_is, repaired, aside = (int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", _read(section))[:4])
        here = panel.tally[(panel.tally["file"] == section.heading) & (panel.tally["wave"] == panel.wave)]
        assert read == as_is + repaired + aside
        assert read == here.loc[here["rule"] == "read", "rows"].item()
        assert len(section.lines) - section.lines.index(_read(section)) == 1 + len(here) - 3


def _read(section: checking.Section) -> str:
    """The line that says how many rows were read."""
    return next(line for line in section.lines if re.search(r"rows read:|读入", line))


def test_every_rule_has_words_in_both_languages() -> None:
    keys = [*(f"aside.{r}" for r in REASONS), *(f"cells.{r}" for r in CELL_RULES), *(f"note.{n}" for n in NOTES)]
    assert [k for k in keys if k not in WORDS] == []
    for key, (english, chinese) in WORDS.items():
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", chinese)), key
        assert re.search("[\u4e00-\u9fff]", chinese) or not re.sub(r"{\w+}|\W", "", english)
        assert not re.search("[\u4e00-\u9fff]", english), key


def test_a_hundred_faults_are_one_screen_and_all_of_them_one_page() -> None:
    faults = [Fault("2024/a.csv", row, f"fault {row}", f"错误 {row}") for row in range(1, 101)]
    short = checking.refusal(faults, "s", "2024", "en", checking.SCREEN).text()
    assert short.count("\n") < 24
    assert "100 fault(s)" in short
    assert "88 more" in short
    assert checking.refusal(faults, "s", "2024", "zh").text().count("错误") == 100


def test_what_is_only_mended_is_no_concern() -> None:
    panel = survey.open_study("demo").panel()
    fine = ["read", "as_is", "repaired", *checking.NO_CONCERN, "weighted"]
    lines = panel.tally[panel.tally["rule"].isin(fine)]
    assert not checking._concerns(lines)
    more = pd.concat([lines, panel.tally[panel.tally["rule"] == "aside:unknown_group"]])
    assert checking._concerns(more)
