"""The report of a wave: notebooks run once, pages in each language, released tables, a record; whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import fonts, notebooks
from reports.notebooks import Chapter
from reports.pages import LANGUAGES, page, refuse_unreleased
from reports.record import provenance, record
from reports.render import Report, render

if TYPE_CHECKING:
    from analysis.disclosure.passed import Passed
    from survey import Panel, Study

ROOT = Path(__file__).resolve().parents[1]
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n", "\0")


def reports_home() -> Path:
    """Where reports go: ``reports/out``, or below ``WORKBENCH_HOME``."""
    base = os.environ.get("WORKBENCH_HOME")
    return Path(base) / "reports" / "out" if base else ROOT / "reports" / "out"


def export(
    study: Study,
    wave: str | None = None,
    languages: Sequence[str] = LANGUAGES,
    *,
    period: str | None = None,
    out: Path | None = None,
    folder: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Path:
    """Make the report of a study's wave, or of some months between waves.

    Parameters
    ----------
    study : Study
    wave : str, optional
        None: the latest.
    languages : sequence of {'en', 'zh'}
        Which to write; the notebooks are run once for all.
    period : str, optional
        Months in place of a wave (`survey.study.Study.period`), or ``last``.
    out : Path, optional
        Instead of `reports_home`.
    folder : Path, optional
        Where the notebooks lie. None: the committed ones, of waves or of periods.
    tell : callable
        Is told each step, for people who wait.

    Returns
    -------
    Path
        ``<out>/<study>/<wave or months>``, with a folder a language (``index.html``, a page a chapter, ``tables/``) and
        ``record.json``.

    Raises
    ------
    survey.Refused
        Where the study or its files are refused.
    NotebookFailed, NotReleased
        Where a notebook fails or shows what was not released; nothing of the report is there then.
    """
    return make(study, wave, languages, period=period, out=out, folder=folder, tell=tell).place


@dataclass(frozen=True, slots=True)
class Made:
    """A report that was made: where it lies, the panel, and a row for every number that passed the door on the way."""

    place: Path
    panel: Panel
    passed: Passed


def make(
    study: Study,
    wave: str | None,
    languages: Sequence[str] = LANGUAGES,
    *,
    period: str | None = None,
    out: Path | None = None,
    folder: Path | None = None,
    release: str = "",
    tell: Callable[[str], None],
) -> Made:
    """Make a report as `export` does; with the name of a release its pages say that, else that they are a draft."""
    chapters = notebooks.chapters(folder or (notebooks.PERIODS if period else notebooks.FOLDER))
    asked = {"WORKBENCH_PERIOD": period} if period else {"WORKBENCH_WAVE": study.wave(wave).name}
    panel, done, skipped, passed = _run(study, asked, chapters, tell)
    for chapter in done:
        refuse_unreleased(chapter)
    tell("pages")
    place = (out or reports_home()) / study.name / panel.wave
    place.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
    try:
        lacking = {c: skipped[c.name] for c in chapters if c.name in skipped}
        _write(building, panel, done, lacking, languages, release)
        _replace(building, place)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Made(place, panel, passed)


def _run(
    study: Study, asked: Mapping[str, str], chapters: Sequence[Chapter], tell: Callable[[str], None]
) -> tuple[Panel, list[Chapter], dict[str, tuple[str, ...]], Passed]:
    """Build the panel while the kernel warms up, then run the chapters that the panel supports; and what passed the door."""
    environment = {"WORKBENCH_STUDY": str(study.folder), **asked}
    with tempfile.TemporaryDirectory(prefix="workbench-") as name, notebooks.kernel(environment, Path(name)) as manager:
        tell("panel")
        months = asked.get("WORKBENCH_PERIOD")
        panel = study.period(months) if months else study.panel(asked["WORKBENCH_WAVE"])
        wanted, skipped = notebooks.supported(chapters, panel)
        done = notebooks.run(wanted, manager, Path(name), tell)
        return panel, done, skipped, notebooks.passed(manager, Path(name))


def _write(
    building: Path,
    panel: Panel,
    done: Sequence[Chapter],
    skipped: Mapping[Chapter, Sequence[str]],
    languages: Sequence[str],
    release: str,
) -> None:
    pages = {language: [page(chapter, language) for chapter in done] for language in languages}
    first = pages[languages[0]]
    tables = {f"{p.name}/{name}": table for p in first for name, table in p.tables.items()}
    withheld = sum(row["status"] == "withheld" for t in tables.values() for row in _records(t))
    about = record(panel, {c.name: needs for c, needs in skipped.items()}, tables, withheld)
    for language in languages:
        front = next(p for p, c in zip(pages[language], done, strict=True) if c.front)
        report = Report(
            panel=panel,
            language=language,
            other=next((other for other in languages if other != language), ""),
            front=front,
            pages=tuple(p for p in pages[language] if p is not front),
            skipped={c.title[language]: needs for c, needs in skipped.items()},
            provenance=provenance(about, language),
            release=release,
        )
        _write_language(building / language, report)
    (building / "record.json").write_text(
        json.dumps(about, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8"
    )


def _write_language(folder: Path, report: Report) -> None:
    (folder / "tables").mkdir(parents=True)
    face = fonts.face("".join(render(report).values()))
    for name, text in render(report, face).items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    for p in (report.front, *report.pages):
        for name, table in p.tables.items():
            (folder / "tables" / f"{p.name}-{name}.csv").write_text(_csv(table), "utf-8-sig")


def _records(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def _csv(table: Mapping[str, Any]) -> str:
    """Write a table as CSV; text that a spreadsheet would take for a formula gets an apostrophe."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in (table["columns"], *table["rows"]):
        writer.writerow(
            [f"'{v}" if isinstance(v, str) and v.startswith(_FORMULA) else "" if v is None else v for v in row]
        )
    return file.getvalue()


def _replace(building: Path, place: Path) -> None:
    """Put a finished report in place of the one before; the old one is gone only once the new one is whole."""
    building.chmod(0o755)
    old = building.with_name(f"{building.name}-old")
    if place.exists():
        place.rename(old)
    building.rename(place)
    shutil.rmtree(old, ignore_errors=True)
