"""`workbench verify` without a study: our numbers beside other programs', and a wrong one is told."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reports import reference
from reports.commands import app
from reports.commands.verify import _width
from reports.reference_words import METHODS

run = CliRunner()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some modules are enough where it is not about the numbers."""
    monkeypatch.setattr(reference, "MODULES", ("schools", "made", "care"))


@pytest.mark.slow
def test_all_numbers_agree_and_none_is_left_out(shared_data: Callable[[str], Path]) -> None:
    found = run.invoke(app(), ["verify", "--json", "--data", str(shared_data("api_strat").parent)])
    told = json.loads(found.stdout)
    assert [one["what"] for one in told["numbers"] if not one["agrees"]] == []
    assert found.exit_code == 0
    assert len(told["numbers"]) > 8000
    assert {one["method"] for one in told["numbers"]} == set(METHODS)
    assert told["absent"] == []


def test_without_the_real_data_the_made_ones_are_compared_and_the_rest_is_named(few: None, tmp_path: Path) -> None:
    found = run.invoke(app(), ["verify", "--data", str(tmp_path)])
    assert found.exit_code == 0
    assert "api_strat, ess4_britain, careless" in found.stdout
    assert int(re.search(r"all ([\d,]+) numbers agree", found.stdout).group(1)) > 400  # type: ignore[union-attr]


def test_a_wrong_reference_number_is_told_in_both_languages(
    few: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "reference"
    shutil.copytree(reference.HOME, home)
    table = (home / "estimates_made.csv").read_text("utf-8")
    row = next(line for line in table.splitlines() if line.startswith('"fpc2: plain mean"'))
    estimate = row.split('","')[2]
    (home / "estimates_made.csv").write_text(table.replace(row, row.replace(estimate, "57.0")), "utf-8")
    monkeypatch.setattr(reference, "HOME", home)
    for language, said in (("en", "1 of 4"), ("zh", "有 1 个不一致")):
        found = run.invoke(app(), ["verify", "--data", str(tmp_path), "--lang", language])
        assert found.exit_code == 2
        assert said in found.stdout
        assert "fpc2: plain mean y  <<<" in found.stdout


def test_a_missing_number_on_one_side_does_not_agree() -> None:
    line = reference.Line("mean", "y", "R", 1.0, math.nan, 1.0)
    assert not line.agrees
    assert reference.Line("mean", "y", "R", math.nan, math.nan, 1.0).agrees
    assert not reference.Line("mean", "y", "R", 100.0, 101.0, 0.009).agrees


def test_columns_stand_under_each_other_in_chinese(few: None, tmp_path: Path) -> None:
    out = run.invoke(app(), ["verify", "--data", str(tmp_path), "--lang", "zh"]).stdout.splitlines()
    starts = [_width(line[: line.index("R 4.2.2")]) for line in out if "R 4.2.2" in line]
    assert len(starts) > 10
    assert set(starts) == {_width(out[1][: out[1].index("来源")])}


def test_a_study_takes_none_of_the_options_for_numbers(tmp_path: Path) -> None:
    assert run.invoke(app(), ["verify", "demo", "--all"]).exit_code == 2
