"""The whole way: files in, pages out; whole or not at all, and nothing out but what was released."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from reports.export import export
from reports.notebooks import FOLDER, NotebookFailed
from reports.pages import NotReleased
from survey import open_study
from tests.reports.html_check import Page

LANGUAGES = ("en", "zh")
REAL = {
    "bh1996": {
        "has": {"02-response", "10-satisfaction", "11-cohesion"},
        "lacks": {"04-measurement", "06-coverage", "07-attraction"},
    },
    "univer_2002": {
        "has": {"02-response", "04-measurement", "10-satisfaction"},
        "lacks": {"07-attraction", "11-cohesion"},
    },
    "la_meetup_rsvps": {"has": {"01-intake", "07-attraction"}, "lacks": {"02-response", "06-coverage", "11-cohesion"}},
    "ethba_meetups": {"has": {"01-intake", "07-attraction"}, "lacks": {"02-response", "11-cohesion"}},
    "nashville_membership": {"has": {"06-coverage", "07-attraction"}, "lacks": {"02-response", "11-cohesion"}},
}
# One of them in every `make test`, the longer ones in the slow tier.
STUDIES = [pytest.param(name, marks=[] if name == "la_meetup_rsvps" else [pytest.mark.slow]) for name in REAL]


def pages(report: Path) -> list[Path]:
    return sorted(report.glob("*/*.html"))


@pytest.mark.slow
def test_the_demo_has_every_chapter_in_both_languages(demo_report: Path) -> None:
    chapters = {p.stem for p in FOLDER.glob("*.ipynb")} - {"15-evaluation"} | {"index"}
    for language in LANGUAGES:
        assert {p.stem for p in demo_report.glob(f"{language}/*.html")} == chapters


@pytest.mark.slow
def test_every_page_of_the_demo_is_sound(demo_report: Path) -> None:
    assert {p.name: list(Page(p).faults()) for p in pages(demo_report) if list(Page(p).faults())} == {}


@pytest.mark.slow
def test_every_page_of_the_demo_says_synthetic(demo_report: Path) -> None:
    for language, word in (("en", "Synthetic"), ("zh", "合成数据")):
        assert [p.name for p in demo_report.glob(f"{language}/*.html") if word not in p.read_text("utf-8")] == []


@pytest.mark.slow
def test_code_is_not_in_the_pages(demo_report: Path) -> None:
    assert [p.name for p in pages(demo_report) if "analysis.release(" in p.read_text("utf-8")] == []


@pytest.mark.parametrize("name", STUDIES)
def test_a_real_study_shows_what_its_data_support(real_report: Callable[[str], Path], name: str) -> None:
    report = real_report(name)
    made = {p.stem for p in report.glob("en/*.html")}
    assert REAL[name]["has"] <= made
    assert not REAL[name]["lacks"] & made
    assert {p.name: list(Page(p).faults()) for p in pages(report) if list(Page(p).faults())} == {}


@pytest.mark.parametrize("name", STUDIES)
def test_the_first_page_says_in_a_line_what_is_missing(real_report: Callable[[str], Path], name: str) -> None:
    skipped = json.loads((real_report(name) / "record.json").read_text("utf-8"))["skipped"]
    assert REAL[name]["lacks"] <= set(skipped)
    for language, line in (("en", "This study has no "), ("zh", "本研究没有")):
        index = (real_report(name) / language / "index.html").read_text("utf-8")
        assert index.partition('class="skipped"')[2].count(line) == len(skipped)


@pytest.mark.slow
def test_shown_tables_are_there_as_csv(demo_report: Path) -> None:
    tables = sorted((demo_report / "en" / "tables").glob("*.csv"))
    assert len(tables) >= 7
    for table in tables:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        shown = [
            float(r["n"])
            for r in rows
            if r["status"] in ("ok", "pooled") and r["n"] and r["statistic"] not in ("count", "units")
        ]
        assert all(n >= 10 or n == 0 for n in shown)
        assert [r for r in rows if r["status"] == "withheld" and r["estimate"]] == []


@pytest.mark.slow
def test_the_record_tells_inputs_versions_and_rules(demo_report: Path) -> None:
    record = json.loads((demo_report / "record.json").read_text("utf-8"))
    assert {"inputs", "versions", "rules", "seed", "tally", "tables", "key_fingerprint", "code"} <= set(record)
    assert len(record["inputs"]) >= 12
    assert all(len(checksum) == 64 for checksum in record["inputs"].values())
    few = [line for line in record["tally"] if isinstance(line["rows"], int) and 0 < line["rows"] < 10]
    assert few == []


def one_cell(folder: Path, source: str) -> Path:
    """Copies of the notebooks where the first one ends with this cell."""
    shutil.copytree(FOLDER, folder)
    path = sorted(folder.glob("*.ipynb"))[0]
    book = nbformat.read(path, as_version=4)
    book.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(book, path)
    return folder


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("panel.careers.head()", NotReleased),
        pytest.param("print(len(panel.careers))", NotReleased, marks=pytest.mark.slow),
        ("raise KeyError('13800000000')", NotebookFailed),
    ],
)
def test_what_was_not_released_or_failed_leaves_no_report(
    real_study: Callable[[str], Path], tmp_path: Path, source: str, error: type[Exception]
) -> None:
    notebooks = one_cell(tmp_path / "notebooks", source)
    with pytest.raises(error) as raised:
        export(open_study(real_study("la_meetup_rsvps")), out=tmp_path / "out", folder=notebooks)
    assert "13800000000" not in str(raised.value)
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == []


@pytest.mark.slow
def test_months_between_waves_need_no_survey(real_study: Callable[[str], Path], tmp_path: Path) -> None:
    place = export(open_study(real_study("la_meetup_rsvps")), period="2016-05..06", out=tmp_path)
    assert place == tmp_path / "la_meetup_rsvps" / "2016-05..06"
    assert {p.stem for p in place.glob("en/*.html")} == {"index", "01-activity", "02-reach"}
    assert {p.name: list(Page(p).faults()) for p in pages(place) if list(Page(p).faults())} == {}
    assert "May to June 2015" in (place / "en" / "01-activity.html").read_text("utf-8")
    assert "2015年5—6月" in (place / "zh" / "01-activity.html").read_text("utf-8")


def test_a_failed_run_keeps_the_report_before(real_study: Callable[[str], Path], tmp_path: Path) -> None:
    study = open_study(real_study("la_meetup_rsvps"))
    place = export(study, out=tmp_path / "out", languages=("en",))
    before = (place / "en" / "index.html").read_bytes()
    with pytest.raises(NotebookFailed):
        export(study, out=tmp_path / "out", folder=one_cell(tmp_path / "notebooks", "1 / 0"))
    assert (place / "en" / "index.html").read_bytes() == before
    assert not (place / "zh").exists()


@pytest.mark.slow
def test_committed_notebooks_are_not_touched(demo_report: Path, project: Path) -> None:
    newest = max(p.stat().st_mtime for p in (project / "notebooks").glob("*.ipynb"))
    assert newest < (demo_report / "record.json").stat().st_mtime
    assert not list((project / "notebooks").glob(".*/*.ipynb"))


@pytest.mark.slow
def test_two_runs_give_the_same_bytes(demo_report: Path, project: Path, tmp_path: Path) -> None:
    again = export(open_study(project / "data" / "raw" / "demo"), out=tmp_path)
    files = sorted(p.relative_to(demo_report) for p in demo_report.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    assert [f for f in files if (demo_report / f).read_bytes() != (again / f).read_bytes()] == []


@pytest.mark.slow
def test_the_record_counts_the_withheld_rows_of_all_tables(demo_report: Path) -> None:
    hidden = 0
    for table in (demo_report / "en" / "tables").glob("*.csv"):
        with table.open(encoding="utf-8-sig", newline="") as file:
            hidden += sum(row["status"] == "withheld" for row in csv.DictReader(file))
    told = json.loads((demo_report / "record.json").read_text("utf-8"))["withheld_rows"]
    assert told == (5 * round(hidden / 5) if hidden >= 10 else "<10" if hidden else 0)
