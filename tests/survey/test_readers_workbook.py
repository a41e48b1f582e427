"""Workbooks: one sheet as it was saved, as text; what is hidden, far away, packed or damaged is refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from survey import read_table
from survey.schema import Layout
from tests.survey.test_readers import book, refused, text_of

TYPED = [
    ["id", "n", "share", "day", "at", "yes"],
    ["00123", 7, 0.1, date(2024, 3, 5), datetime(2024, 3, 5, 9, 30), True],
]
AS_TEXT = [TYPED[0], ["00123", "7", "0.1", "2024-03-05", "2024-03-05 09:30:00", "TRUE"]]


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.csv", "a"])
def test_a_workbook_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    book(tmp_path / "a.xlsx", TYPED).rename(tmp_path / name)
    raw = read_table(tmp_path / name)
    assert [[c.removesuffix(" 00:00:00") for c in row] for row in text_of(raw)] == AS_TEXT
    assert raw.form == {"format": "workbook", "sheet": "S1"}


def test_true_and_one_are_equal_and_have_texts_of_their_own(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [["a", "b"], [1, True], [True, 1], [0, False], ["1", 1.0]])
    assert text_of(read_table(path))[1:] == [["1", "TRUE"], ["TRUE", "1"], ["0", "FALSE"], ["1", "1"]]


def test_sheets_header_rows_and_gaps(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.xlsx", [["cover"]], [[], ["Title"], [None, "a", "b"], [None, 1, None], [], [None, 2, "x"]]
    )
    assert "several sheets (S1, S2)" in refused(path)
    assert "no sheet “S3”; there are S1, S2" in refused(path, layout=Layout(sheet="S3"))
    assert "column 1 has no name" in refused(path, 3, Layout(sheet="S2", header_row=3))
    path = book(tmp_path / "b.xlsx", [["Title"], ["a", "b"], [1, None], [], [2, "x"]])
    raw = read_table(path, layout=Layout(header_row=2))
    assert (raw.frame.index.tolist(), text_of(raw)) == ([3, 4, 5], [["a", "b"], ["1", ""], ["", ""], ["2", "x"]])


def test_formulas_without_values_and_merged_headers(tmp_path: Path) -> None:
    assert "formulas without values" in refused(book(tmp_path / "a.xlsx", [["a", "b"], [1, "=A2+1"]]))
    made = openpyxl.load_workbook(book(tmp_path / "b.xlsx", [["a", "b"], [1, 2]]))
    made["S1"].merge_cells("A1:B1")
    made.save(tmp_path / "b.xlsx")
    assert "column 2 has no name" in refused(tmp_path / "b.xlsx", 1)


def rezipped(path: Path, extra: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, data in extra.items():
            archive.writestr(name, data)
    return path


def test_a_cell_far_away_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    made = openpyxl.load_workbook(book(tmp_path / "a.xlsx", TYPED))
    made["S1"]["XFD1048576"] = 1
    made.save(tmp_path / "a.xlsx")
    assert "far away from the table" in refused(tmp_path / "a.xlsx")


def test_an_old_workbook_is_read_and_a_damaged_one_refused(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shared_data("wjx_phone_survey")
    raw = read_table(folder / "wjx_by_text.xls")
    assert raw.frame.shape == (800, 14)
    assert text_of(raw) == text_of(read_table(folder / "wjx_by_text_gb18030.csv"))
    data = (folder / "wjx_by_text.xls").read_bytes()
    (tmp_path / "a.xls").write_bytes(data[:90_000])
    assert "cannot be opened" in refused(tmp_path / "a.xls")


def test_macros_and_bombs(tmp_path: Path) -> None:
    assert "macros" in refused(rezipped(book(tmp_path / "a.xlsx", TYPED), {"xl/vbaProject.bin": b"x"}))
    assert "far larger" in refused(rezipped(book(tmp_path / "b.xlsx", TYPED), {"xl/media/x": bytes(60_000_000)}))
    same = book(tmp_path / "c.xlsx", [["a", "b"], *([[5, 5]] * 3000)])
    assert len(read_table(same).frame) == 3000
