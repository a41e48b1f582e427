"""Exports of every platform, broken as files break on their way: read with every row accounted for, or refused in plain words.

No traceback, no half of a table, no word of an answer in a message. What each break must end in is said beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from survey import RawTable
from survey.faults import Fault
from tests.survey.readers.exports import EXPORTS, LIME_TEXTS, LIMESURVEY, WENJUANXING, Export, Rows, outcome

BY_NUMBER = ["1、性别", "第2题(运动)", "第2题(看书)", "3、评价—环境"]
CASES = {export.platform: export for export in EXPORTS} | {
    "limesurvey, two header rows": replace(LIMESURVEY, header=[LIME_TEXTS, *LIMESURVEY.header]),
    "wenjuanxing by number": replace(
        WENJUANXING,
        header=[[*WENJUANXING.header[0][:6], *BY_NUMBER]],
        body=[[*WENJUANXING.body[0][:6], "1", "1", "0", "-3"], [*WENJUANXING.body[1][:6], "2", "0", "1", "4"]],
    ),
}


def kind(end: RawTable | Fault) -> str:
    return "refused" if isinstance(end, Fault) else end.platform


def silent_about(export: Export, fault: Fault) -> bool:
    """Whether a refusal shows no cell of an answer that could be told from a word of the header."""
    known = " ".join(cell for row in export.header for cell in row)
    values = {cell for row in export.body for cell in row if len(cell) > 4 and cell not in known}
    assert len(values) > 1
    return not any(value in fault.en or value in fault.zh for value in values)


def all_rows(end: RawTable) -> int:
    return len([row for row in end.frame.to_numpy().tolist() if any(row)]) + len(end.ragged)


def _unnamed(export: Export) -> Rows:
    return [[*row[:2], "", *row[3:]] for row in export.header] + export.body


def _narrow(export: Export) -> Rows:
    return [row[:-2] for row in export.header] + export.body


def _shuffled(export: Export) -> Rows:
    rows = [*export.header, *export.body]
    width = len(rows[0])
    step = next(s for s in (5, 3, 2) if width % s)
    return [[row[(step * n + 1) % width] for n in range(width)] for row in rows]


def _moved(export: Export) -> Rows:
    """Answers one column to the right of their headings, as when a cell was inserted."""
    return export.header + [["", *row] for row in export.body]


# break: the rows that are left, and what may come of them; "own" stands for the export's platform
BREAKS: dict[str, tuple[Callable[[Export], Rows], set[str]]] = {
    "no header": (lambda e: e.body, {"plain", "refused"}),
    "headings of another kind": (
        lambda e: [[f"x{n}" for n in range(len(e.header[0]))], *e.body],
        {"plain", "refused"},
    ),
    "a header without rows": (lambda e: e.header, {"refused"}),
    "a column without a name": (_unnamed, {"refused", "own"}),
    "fewer headings than columns": (_narrow, {"refused", "own"}),
    "answers beside their headings": (_moved, {"refused", "own"}),
    "columns in another order": (_shuffled, {"own", "plain", "refused"}),
    "columns from last to first": (lambda e: [row[::-1] for row in e.header + e.body], {"own", "plain", "refused"}),
    "the last answer cut off": (lambda e: e.header + e.body + [e.body[0][:3]], {"own"}),
    "blank rows between": (lambda e: e.header + [row for b in e.body for row in (b, [""] * len(b))], {"own"}),
    "a heading that stands twice": (
        lambda e: [[*row[:1], row[0], *row[2:]] for row in e.header] + e.body,
        {"own", "plain", "refused"},
    ),
    "a row of totals": (lambda e: e.header + e.body + [["合计", *["7"] * (len(e.body[0]) - 1)]], {"own"}),
    "two exports in one": (lambda e: 2 * (e.header + e.body), {"own", "refused"}),
}
# Headings are left, and nothing of an answer's row is lost, wherever such a file is read.
COUNTED = {
    "the last answer cut off": lambda e: len(e.body) + 1,
    "blank rows between": lambda e: len(e.body),
    "a row of totals": lambda e: len(e.body) + 1,
    "two exports in one": lambda e: 2 * len(e.body) + len(e.header),
    "columns from last to first": lambda e: len(e.body),
    "headings of another kind": lambda e: len(e.body),
}


@pytest.mark.parametrize("broken", BREAKS)
@pytest.mark.parametrize("name", CASES)
def test_a_broken_export_ends_in_plain_words(tmp_path: Path, name: str, broken: str) -> None:
    export = CASES[name]
    make, allowed = BREAKS[broken]
    end = outcome(export.save(tmp_path / "a.csv", make(export)))
    assert kind(end) in {export.platform if each == "own" else each for each in allowed}
    if isinstance(end, Fault):
        assert silent_about(export, end)
    elif broken in COUNTED and end.platform == export.platform:
        assert all_rows(end) == COUNTED[broken](export)


@pytest.mark.parametrize("name", CASES)
def test_a_file_cut_off_is_read_or_refused(tmp_path: Path, name: str) -> None:
    export, ends = CASES[name], {}
    whole = export.save(tmp_path / "a.csv", export.header + export.body).read_bytes()
    for cut in range(0, len(whole), 37):
        (tmp_path / "a.csv").write_bytes(whole[:cut])
        end = outcome(tmp_path / "a.csv")
        assert kind(end) in (export.platform, "plain", "refused"), cut
        assert not isinstance(end, Fault) or silent_about(export, end), cut
        ends[cut] = kind(end)
    assert ends[0] == "refused"
    assert len(set(ends.values())) > 1 or len(ends) < 10


@pytest.mark.parametrize("ending", ["xlsx", "parquet"])
@pytest.mark.parametrize("name", CASES)
def test_damaged_bytes_are_refused_or_read(tmp_path: Path, name: str, ending: str) -> None:
    export = CASES[name]
    path = export.save(tmp_path / f"a.{ending}", export.header + export.body)
    whole = path.read_bytes()
    for cut in (1, len(whole) // 3, len(whole) - 30):
        path.write_bytes(whole[:cut])
        assert kind(outcome(path)) == "refused", cut
    path.write_bytes(whole)
    assert kind(outcome(path)) == export.platform


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("broken", ["no header", "a column without a name", "fewer headings than columns"])
def test_a_broken_export_whose_platform_is_declared(tmp_path: Path, name: str, broken: str) -> None:
    export = CASES[name]
    end = outcome(export.save(tmp_path / "a.csv", BREAKS[broken][0](export)), export.platform)
    assert kind(end) in (export.platform, "refused")
    assert not isinstance(end, Fault) or silent_about(export, end)
