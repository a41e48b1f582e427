"""The table of faults: every row is shown by tests that are there, and the page is the one that would be written."""

from __future__ import annotations

from pathlib import Path

from tests.survey.store import table
from tests.survey.store.faults import BY_NAME, ROWS, said


def test_every_row_names_tests_that_are_there(project: Path) -> None:
    assert list(table.lacking(project / "tests")) == []
    assert len(BY_NAME) == len(ROWS)
    assert all(row.tests and row.guarantee and row.shown for row in ROWS)
    assert all(bool(row.en) == bool(row.zh) for row in ROWS)


def test_every_row_s_words_are_looked_for(project: Path) -> None:
    """A row that promises words names a test whose file asks for them, by the row's name or word for word."""
    for row in (row for row in ROWS if row.en):
        files = {project / "tests" / test.partition("::")[0] for test in row.tests}
        texts = " ".join(path.read_text("utf-8") for path in files)
        assert f'"{row.fault}"' in texts, row.fault


def test_words_of_one_language_do_not_do_for_both() -> None:
    row = BY_NAME["disk full"]
    assert said(row.fault, f"x {row.en} y")
    assert said(row.fault, f"{row.en} {row.zh}")
    assert not said(row.fault, f"{row.en} 别的")
    assert not said(row.fault, row.zh)


def test_the_page_in_the_documents_is_this_one() -> None:
    assert table.PAGE.read_text("utf-8") == table.page(), "docs/faults.md says something else: make faults"
