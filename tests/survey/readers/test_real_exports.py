"""Every real export at hand, as it is read, against what its data set's README says and what a plain count of its cells gives.

Rows, columns, multiple-response questions and marks are written down here and counted a second time from the files with the csv
module alone. No figure has a tolerance. `python -m pytest -s` on this file prints the table.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from survey import RawTable

Rows = list[list[str]]
NO_DAY = {"Date submitted": ("1980-01-01 00:00:00",)}


@dataclass(frozen=True)
class Real:
    """A real file: its platform, its answers and columns, the options of each multiple-response question, what is marked."""

    folder: str
    file: str
    platform: str
    rows: int
    columns: int
    multiple: tuple[int, ...] = ()
    separator: str = ""
    header: int = 1
    own: int = 0
    unfinished: int = 0


WJX, CNCF = "wjx_phone_survey", "cncf_member_surveys"
REAL = [
    Real(WJX, "wjx_by_text.xls", "wenjuanxing", 800, 14, (1, 1), "┋", own=6),
    Real(WJX, "wjx_by_text_gb18030.csv", "wenjuanxing", 800, 14, (1, 1), "┋", own=6),
    Real(WJX, "wjx_by_code.xls", "wenjuanxing", 800, 36, (14, 10), own=6),
    Real(WJX, "wjx_by_code_gb18030.csv", "wenjuanxing", 800, 36, (14, 10), own=6),
    # Its README counts 155 answers; the file has 159 records, three of them of the header.
    Real(
        "qualtrics_voting", "qualtrics_export.csv", "qualtrics", 156, 195, (1,), ",", header=3, own=135, unfinished=22
    ),
    Real("limesurvey_testquality", "results-survey.csv", "limesurvey", 70, 146, (5,), own=5),
    Real(CNCF, "CNCF_Ambassadors_Survey_2019_H1.csv", "surveymonkey", 21, 49, (35,), header=2, own=8),
    Real(CNCF, "CNCF_Ambassadors_Survey_2019_H2.csv", "surveymonkey", 42, 53, (43,), header=2, own=4),
    Real(CNCF, "CNCF_Ambassadors_Survey_2020_H1.csv", "surveymonkey", 44, 56, (45,), header=2, own=4),
    Real(CNCF, "CNCF_Ambassadors_Survey_2021.csv", "surveymonkey", 44, 18, header=2, own=4),
    Real(CNCF, "CNCF_TOC_Survey_2020_H1.csv", "surveymonkey", 28, 41, (7, 7), header=2, own=4),
    Real(CNCF, "CNCF_Marketing_and_Member_Survey_1H_2020.csv", "surveymonkey", 150, 64, (13, 5, 7, 6, 8), header=2),
    Real("carpentries_longterm", "longterm_October2017.csv", "plain", 476, 75),
    Real("ess7_norway_mixed", "ess7_norway.csv", "plain", 143, 22),
    Real("ethba_meetups", "attendance.csv", "plain", 2015, 4),
    Real("ethba_meetups", "meetups.csv", "plain", 20, 4),
]
each_file = pytest.mark.parametrize("real", REAL, ids=lambda real: real.file)


HEAD = ("file", "platform", "rows", "columns", "multiple (options)", "separator", "tool's columns", "marks")


def line(real: Real, raw: RawTable) -> tuple[str, ...]:
    """The file's line of the table: what the reader found."""
    options = " + ".join(str(len(columns)) for columns in raw.multiple.values())
    marks = ", ".join(f"{mark} {len(rows)}" for mark, rows in raw.marks.items())
    found = (len(raw.frame), raw.frame.shape[1], options or "-", raw.separator or "-", len(raw.metadata), marks or "-")
    return (real.file, raw.platform, *map(str, found))


@pytest.fixture(scope="module")
def shown() -> Iterator[list[tuple[str, ...]]]:
    """Lines of the table; printed when all files are read."""
    lines = [HEAD, tuple("-" * 3 for _ in HEAD)]
    yield lines
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in ["", *lines]:
        print(
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
            if cells
            else ""
        )


@each_file
def test_what_is_read(real_table: Callable[[str, str], RawTable], shown: list[tuple[str, ...]], real: Real) -> None:
    raw = real_table(real.folder, real.file)
    shown.append(line(real, raw))
    assert raw.platform == real.platform
    assert raw.frame.shape == (real.rows, real.columns)
    assert tuple(len(columns) for columns in raw.multiple.values()) == real.multiple
    assert (raw.separator, raw.ragged, raw.labels) == (real.separator, (), {})
    assert len(raw.metadata) == real.own
    assert {mark: len(rows) for mark, rows in raw.marks.items()} == (
        {"unfinished": real.unfinished} if real.unfinished else {}
    )
    assert raw.no_answer == (NO_DAY if real.platform == "limesurvey" else {})
    assert raw.frame.columns.is_unique


def records(folder: Path, real: Real) -> Rows:
    """The file's records by the csv module; the old workbooks have their cells beside them as CSV."""
    name = real.file.replace(".xls", "_gb18030.csv")
    with (folder / name).open(encoding="gb18030" if folder.name == WJX else "utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@each_file
def test_no_cell_is_lost_or_changed(
    shared_data: Callable[[str], Path], real_table: Callable[[str, str], RawTable], real: Real
) -> None:
    rows, raw = records(shared_data(real.folder), real), real_table(real.folder, real.file)
    assert {len(row) for row in rows} == {real.columns}
    assert len(rows) == real.header + real.rows
    assert raw.frame.to_numpy().tolist() == rows[real.header :]


def by_text(rows: Rows) -> list[int]:
    """Columns of the text form with the sign between options in some cell."""
    return [1 for column in zip(*rows[1:], strict=True) if any("┋" in cell for cell in column)]


def by_number(rows: Rows) -> list[int]:
    numbers = [match[1] for match in (re.match(r"第(\d+)题\(", name) for name in rows[0]) if match]
    return [len(list(same)) for _, same in groupby(numbers)]


def by_codes(rows: Rows) -> list[int]:
    """Columns with several codes in some cell."""
    answers = zip(*rows[3:], strict=True)
    return [1 for column in answers if any(re.fullmatch(r"\d(,\d)+", cell) for cell in column)]


def by_yes_and_no(rows: Rows) -> list[int]:
    """Brackets behind one text whose cells are Yes, No or empty but for the last's own words."""
    stems = [name.partition(" [")[0] for name in rows[0]]
    runs = [[n for n, _ in run] for _, run in groupby(enumerate(stems), key=lambda pair: pair[1])]
    return [len(run) for run in runs if len(run) > 1 and said(rows[1:], run[:-1]) == {"Yes", "No", ""}]


def by_second_row(rows: Rows) -> list[int]:
    """Columns under one question of which three or more repeat the heading below it, without a comment that is no option."""
    found = []
    starts = [n for n, name in enumerate(rows[0]) if name] + [len(rows[0])]
    for start, end in pairwise(starts):
        own = [n for n in range(start, end) if said(rows[2:], [n]) == {"", rows[1][n]}]
        comment = "feedback" in rows[1][end - 1]
        found += [end - start - comment] if len(own) > 2 else []
    return found


def said(rows: Rows, columns: Sequence[int]) -> set[str]:
    return {row[n] for row in rows for n in columns}


COUNTS: dict[str, Callable[[Rows], list[int]]] = {"limesurvey": by_yes_and_no, "surveymonkey": by_second_row}
COUNTS |= {"qualtrics": by_codes, "plain": lambda _: []}


@each_file
def test_multiple_response_questions_and_marks_counted_in_the_file(
    shared_data: Callable[[str], Path], real: Real
) -> None:
    rows = records(shared_data(real.folder), real)
    count = COUNTS.get(real.platform) or (by_text if "text" in real.file else by_number)
    assert tuple(count(rows)) == real.multiple
    finished = [row[rows[0].index("Finished")] for row in rows[real.header :]] if "Finished" in rows[0] else []
    assert finished.count("0") == real.unfinished


def test_every_file_of_the_folders_is_in_the_table(shared_data: Callable[[str], Path]) -> None:
    for folder in {real.folder for real in REAL}:
        there = {path.name for path in shared_data(folder).iterdir() if path.suffix != ".md"}
        assert there == {real.file for real in REAL if real.folder == folder}


def test_what_the_readmes_say(shared_data: Callable[[str], Path]) -> None:
    """The sizes that the data sets' own pages give."""
    sizes = {real.file: (real.rows, real.columns) for real in REAL}
    page = {folder: (shared_data(folder) / "README.md").read_text("utf-8") for folder in {r.folder for r in REAL}}
    assert "800 x 14 / 800 x 36" in page[WJX]
    assert "70 answers, 146 columns" in page["limesurvey_testquality"]
    assert "195 columns" in page["qualtrics_voting"]
    assert "ambassadors 21+42+44+44 answers in 4 waves; TOC 28; members 150" in page[CNCF]
    assert "476 answers, 75 columns" in page["carpentries_longterm"]
    assert "143 respondents, 22 columns" in page["ess7_norway_mixed"]
    assert "20 meetups, 848 members, 2,015 RSVPs, 158 recorded attendances" in page["ethba_meetups"]
    assert [sizes[r.file][0] for r in REAL if "Ambassadors" in r.file] == [21, 42, 44, 44]
