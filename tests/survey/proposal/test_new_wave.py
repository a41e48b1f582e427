"""A new wave's folder: whole or not at all, files untouched, a proposal that does not run; no cell of a file is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from survey import Refused, open_study
from survey.proposal.new_wave import Draft, new_wave
from survey.proposal.text import remark, scalar
from tests.survey.builders import ANSWERS, change_wave, csv_text, write_study
from tests.survey.proposal.test_mapping import PEOPLE

CANARIES = ("张三丰", "13800138000", "someone@example.org", "canary words")
DECIDED = {"rule": "out_of_range_share", "accept": "a24.csv", "office": "Office 7", "why": "known"}
LAST = {
    "files": [ANSWERS | {"file": "a24.csv", "values": {"group": {"TU": "union"}}}],
    "decisions": [DECIDED],
    "not_reporting": ["women"],
}


def study(home: Path) -> Path:
    """A study with one wave, for which an office decided something and from which a group sent no log."""
    folder = write_study(home)
    change_wave(folder, "2024", **LAST)
    (folder / "2024/answers.csv").unlink()
    (folder / "2024/a24.csv").write_text(csv_text(PEOPLE, list(PEOPLE[0])), "utf-8")
    return folder


def arrived(home: Path, name: str = "a25.csv", rows: list[dict[str, str]] | None = None) -> Path:
    file = home / name
    rows = rows or [row | {"at": f"2025-03-{1 + n % 28:02d} 10:00"} for n, row in enumerate(PEOPLE)]
    file.write_text(csv_text(rows, list(rows[0])), "utf-8")
    return file


def make(folder: Path, wave: str, *files: Path) -> Draft:
    return new_wave(open_study(folder, first=True), wave, files, lambda _: {"checklist-en.md": "x"})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in sorted(folder.rglob("*"))}


def test_a_wave_is_proposed_and_runs_once_it_is_confirmed(tmp_path: Path) -> None:
    folder, file = study(tmp_path), arrived(tmp_path)
    draft = make(folder, "2025", file)
    assert (folder / "2025/a25.csv").read_bytes() == file.read_bytes()
    settings = folder / "2025/wave.yaml"
    said = yaml.safe_load(settings.read_text("utf-8"))
    assert said["files"][0]["columns"] == ANSWERS["columns"]
    assert said["files"][0]["values"] == {"group": {"TU": "union"}}
    assert (draft.version, said["mode"], draft.last_files[0].rows, draft.last_files[0].now) == (
        "1",
        "online",
        90,
        "a25.csv",
    )
    opened = open_study(folder)
    assert opened.waves() == ("2024",)
    assert len(opened.panel("2024").members) == 90
    text = settings.read_text("utf-8").replace("start: ", "start: 2025-03-01").replace("end: ", "end: 2025-03-28")
    settings.write_text("".join(line for line in text.splitlines(True) if not line.startswith("status:")), "utf-8")
    assert len(open_study(folder).panel("2025").current) == 90


def test_a_proposal_refuses_to_run_by_file_and_line_and_says_what_else_is_wrong(tmp_path: Path) -> None:
    folder = study(tmp_path)
    make(folder, "2025", arrived(tmp_path))
    line = (folder / "2025/wave.yaml").read_text("utf-8").splitlines().index("wave: '2025'") + 2
    for wave in (None, "2025"):
        with pytest.raises(Refused) as caught:
            open_study(folder).panel(wave)
        first = next(f for f in caught.value.faults if "is a proposal" in f.en)
        assert (first.file, first.line) == ("2025/wave.yaml", line)
        assert "建议" in first.zh
        assert any("fieldwork" in f.en for f in caught.value.faults)
    with pytest.raises(Refused, match="no wave of this name"):
        open_study(folder).panel("1999")


def test_a_wave_after_a_proposal_does_not_run_without_it(tmp_path: Path) -> None:
    folder = study(tmp_path)
    make(folder, "2025", arrived(tmp_path))
    later = folder / "2026"
    later.mkdir()
    for path in (folder / "2024").iterdir():
        (later / path.name).write_text(path.read_text("utf-8").replace("'2024'", "'2026'"), "utf-8")
    with pytest.raises(Refused, match="wave 2025 is a proposal"):
        open_study(folder).panel("2026")


def test_the_first_wave_of_a_study_can_be_proposed(tmp_path: Path) -> None:
    folder = study(tmp_path)
    for path in (folder / "2024").iterdir():
        path.unlink()
    (folder / "2024").rmdir()
    draft = make(folder, "2025", arrived(tmp_path, rows=[{"所属组织": r["org"], "I belong": r["q1"]} for r in PEOPLE]))
    assert draft.last is None
    assert draft.files[0].proposal.columns == {"所属组织": "group", "I belong": "bel1"}
    with pytest.raises(Refused, match="is a proposal"):
        open_study(folder).panel()


def test_files_that_lie_in_the_folder_are_taken_as_they_are(tmp_path: Path) -> None:
    folder = study(tmp_path)
    (folder / "2025").mkdir()
    there = arrived(folder / "2025")
    before = there.stat().st_ino
    rows = [
        {
            "会员编号": r["id"],
            "活动编号": f"a{n % 5}",
            "主办单位": r["org"],
            "地区": r["place"],
            "开始时间": "2025-02-01 09:00",
        }
        for n, r in enumerate(PEOPLE)
    ]
    draft = make(folder, "2025", arrived(tmp_path, "log25.csv", rows))
    assert there.stat().st_ino == before
    assert {f.file: f.proposal.holds for f in draft.files} == {"a25.csv": "answers", "log25.csv": "log"}
    assert sorted(os.listdir(folder / "2025")) == ["a25.csv", "checklist-en.md", "log25.csv", "wave.yaml"]
    assert list(draft.files[1].proposal.columns.values()) == ["member", "activity", "group", "region", "start"]


@pytest.mark.parametrize("wave", ["2024", "2023", "20 25", "../x", "Wave", "group", ""])
def test_a_wave_that_cannot_be_is_refused(tmp_path: Path, wave: str) -> None:
    folder, file = study(tmp_path), arrived(tmp_path)
    before = contents(folder)
    with pytest.raises(Refused):
        make(folder, wave, file)
    assert contents(folder) == before


def test_files_that_cannot_be_taken_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    folder, good = study(tmp_path), arrived(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(good)
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "data.csv").write_text("1,2,3\n4,5,6\n", "utf-8")
    (tmp_path / "named.csv").write_text("13800138000,x\n13900139000,y\n", "utf-8")
    os.mkfifo(tmp_path / "pipe.csv")
    twin = arrived(tmp_path / "sub", "A25.csv")
    before = contents(folder)
    bad = [tmp_path / n for n in ("sub", "link.csv", "empty.csv", "data.csv", "named.csv", "pipe.csv", "gone.csv")]
    for files in ([good, twin], [], *([good, path] for path in bad)):
        with pytest.raises(Refused) as caught:
            make(folder, "2025", *files)
        assert "13800138000" not in str(caught.value)
        assert all(any("一" <= sign <= "鿿" for sign in fault.zh) for fault in caught.value.faults)
        assert contents(folder) == before


def test_a_failure_while_writing_leaves_nothing(tmp_path: Path) -> None:
    folder = study(tmp_path)
    before = contents(folder)
    with pytest.raises(ZeroDivisionError):
        new_wave(open_study(folder), "2025", [arrived(tmp_path)], lambda _: {"x": str(1 / 0)})
    assert contents(folder) == before


def test_titles_above_the_header_are_skipped_and_told(tmp_path: Path) -> None:
    folder, file = study(tmp_path), arrived(tmp_path)
    file.write_text("会员问卷,,,,,,,,,,,\n" + file.read_text("utf-8"), "utf-8")
    draft = make(folder, "2025", file)
    assert draft.files[0].layout.header_row == 2
    assert "header_row: '2'" in (folder / "2025/wave.yaml").read_text("utf-8")


def test_no_cell_is_in_what_is_written(tmp_path: Path) -> None:
    folder = study(tmp_path)
    rows = [
        row | dict(zip(("name", "phone", "x", "q7"), CANARIES, strict=True)) | {"id": f"secret{n}"}
        for n, row in enumerate(PEOPLE)
    ]
    draft = make(folder, "2025", arrived(tmp_path, rows=rows))
    text = (folder / "2025/wave.yaml").read_text("utf-8") + repr(draft.files[0].proposal)
    assert [c for c in (*CANARIES, "secret") if c in text] == []
    assert {r.header for r in draft.files[0].proposal.rows if r.barred} >= {"name", "phone"}


NAMES = [
    "a: b",
    "# c",
    "- d",
    "{0}",
    "'e'",
    '"f"',
    "g\nh",
    "i\x1b[31m",
    "=cmd|x",
    "? j",
    "k" * 1500,
    "NO",
    "12:30",
    "题：一",
    "\u2028l",
    "&m",
]


def test_any_header_is_written_so_that_it_reads_back(tmp_path: Path) -> None:
    folder = study(tmp_path)
    for name in NAMES:
        assert yaml.safe_load(scalar(name)) == name or yaml.safe_load(f"[{scalar(name)}]") in ([False], [750])
        assert "\n" not in scalar(name)
    rows = [dict.fromkeys(NAMES, row["q1"]) | {"org": row["org"], "place": row["place"]} for row in PEOPLE]
    make(folder, "2025", arrived(tmp_path, rows=rows))
    said = yaml.safe_load((folder / "2025/wave.yaml").read_text("utf-8"))
    assert {"org": "group", "place": "region"}.items() <= said["files"][0]["columns"].items()
    assert remark("a\nb\x1b[0m  c") == "a b[0m c"
