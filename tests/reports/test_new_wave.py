"""`workbench new-wave` as a clerk meets it: one command, a short checklist in either language, plain words when it cannot be."""

from __future__ import annotations

from pathlib import Path

from tests.reports.test_commands import workbench
from tests.survey.proposal.test_new_wave import CANARIES, arrived, study

SCREEN = 60  # lines


def test_the_command_makes_a_proposal_and_prints_a_short_checklist(tmp_path: Path) -> None:
    folder, file = study(tmp_path), arrived(tmp_path)
    done = workbench("new-wave", str(folder), "2025", str(file), "--lang", "en")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) <= SCREEN
    assert "last time a24.csv (answers, plain, 90 rows); now a25.csv" in done.stdout
    assert "last time Office 7 accepted out_of_range_share for a24.csv, because: known" in done.stdout
    assert "Women (women): has it sent one now?" in done.stdout
    assert "asked last time: 7; found now: 7 (instrument 1)" in done.stdout
    assert "workbench check small 2025" in done.stdout
    both = [(folder / f"2025/checklist-{language}.md").read_text("utf-8") for language in ("en", "zh")]
    assert both[0].count("\n- ") == both[1].count("\n- ")
    assert both[0].count("\n## ") == both[1].count("\n## ") == 7
    assert "妇联 (women)" in both[1]
    refused = workbench("check", str(folder), "--lang", "zh")
    assert refused.returncode == 2
    assert "2025 波次还只是建议" in refused.stdout
    assert workbench("check", str(folder), "2024").returncode in (0, 1)


def test_no_cell_is_printed_and_a_second_run_is_refused(tmp_path: Path) -> None:
    folder = study(tmp_path)
    row = {"所属组织": "union", "地区": "990102", "I belong": "4", "电话": CANARIES[1]}
    rows = [{"会员号": f"{canary}{n}", **row} for canary in CANARIES for n in range(5)]
    done = workbench("new-wave", str(folder), "2025", str(arrived(tmp_path, rows=rows)), "--lang", "zh")
    assert done.returncode == 0, done.stderr
    written = done.stdout + "".join(p.read_text("utf-8") for p in (folder / "2025").iterdir() if p.suffix != ".csv")
    assert [canary for canary in CANARIES if canary in written] == []
    assert "没有找到对应列的题目：bel2" in done.stdout
    assert "电话 含可识别个人的信息" in done.stdout
    again = workbench("new-wave", str(folder), "2025", "--lang", "zh")
    assert again.returncode == 2
    assert "已有 wave.yaml" in again.stderr
    assert "Traceback" not in again.stderr


def test_a_language_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert workbench("new-wave", str(study(tmp_path)), "2025", "--lang", "fr").returncode == 2
