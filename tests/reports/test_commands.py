"""The command line: what a clerk types, and what comes back when something is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.commands.lab import copies


def workbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from reports.commands import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ), timeout=120)


def test_check_says_what_became_of_every_row(real_study: Callable[[str], Path]) -> None:
    done = workbench("check", str(real_study("univer_2002")), "--lang", "en")
    assert done.returncode == 0
    assert "2,179 rows read: 2,179 taken as they are, 0 mended, 0 set aside" in done.stdout
    assert "workbench report univer_2002 2002" in done.stdout


def test_a_broken_study_ends_in_plain_words(real_study: Callable[[str], Path], tmp_path: Path) -> None:
    folder = tmp_path / "univer_2002"
    shutil.copytree(real_study("univer_2002"), folder)
    settings = folder / "study.yaml"
    settings.write_text(settings.read_text("utf-8").replace("theme: satisfaction", "theme: happiness", 1), "utf-8")
    done = workbench("check", str(folder), "--lang", "zh")
    assert done.returncode == 2
    assert "study.yaml" in done.stdout
    assert "没有写入任何内容" in done.stdout
    assert "网页版" in done.stdout
    assert "Traceback" not in done.stderr
    assert workbench("report", str(folder)).returncode == 2


def test_an_unknown_study_names_those_that_are_there() -> None:
    done = workbench("report", "no_such_study")
    assert done.returncode == 2
    assert "demo" in done.stderr


@pytest.mark.parametrize("arguments", [("report", "demo", "--lang", "fr"), ("report", "demo", "1999")])
def test_what_cannot_be_is_refused_without_a_traceback(arguments: tuple[str, ...]) -> None:
    done = workbench(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_engine_is_chosen_by_option_and_refused_where_it_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_study: Callable[[str], Path]
) -> None:
    told = workbench("check", "demo", "--engine", "oracle")
    assert told.returncode == 2
    assert "--engine" in told.stderr
    assert "Traceback" not in told.stderr
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))  # a panel that was made already needs no engine
    lost = workbench("check", str(real_study("la_meetup_rsvps")), "--engine", "spark://127.0.0.1:7077", "--json")
    assert "WORKBENCH_EXCHANGE" in lost.stdout + lost.stderr
    assert lost.returncode == 2


def test_lab_copies_the_notebooks_and_keeps_changed_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    folder = copies("demo")
    first = sorted(folder.glob("*.ipynb"))[0]
    first.write_text("changed", "utf-8")
    assert copies("demo") == folder
    assert first.read_text("utf-8") == "changed"
