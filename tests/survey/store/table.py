"""The table of faults as a page. `make faults` writes it to docs/faults.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.survey.store.faults import ROWS, Fault

PAGE = Path(__file__).resolve().parents[3] / "docs" / "faults.md"
HEAD = """# What becomes of faults

What may befall an intake or a store, what holds all the same, and how the tests bring it about. The words are what the product
says, in part; each test looks for them. `make faults` writes this page from `tests/survey/store/faults.py`. What becomes of bad
input stands in [bad-input.md](bad-input.md).

下列每一种故障都由测试实际制造；表中说明发生后仍然成立的保证，以及系统给出的提示（节选）。

| fault 故障 | what holds 保证 | how it is brought about 测试方法 | what is said 提示 | shown by 测试 |
|---|---|---|---|---|
"""


def page() -> str:
    """Give the whole page."""
    return HEAD + "".join(f"{_row(row)}\n" for row in ROWS)


def _row(row: Fault) -> str:
    tests = ", ".join(f"`{test.rpartition('/')[2].replace('.py::', ': ')}`" for test in row.tests)
    words = f"{row.en}<br>{row.zh}" if row.en else "-"
    return f"| {row.fault} | {row.guarantee} | {row.shown} | {words} | {tests} |"


def lacking(tests: Path) -> Iterator[str]:
    """Give the tests that a row names and that are not there.

    Parameters
    ----------
    tests : Path
        The folder of the tests.
    """
    for name in (test for row in ROWS for test in row.tests):
        file, _, test = name.partition("::")
        path = tests / file
        if not path.is_file() or f"def {test}(" not in path.read_text("utf-8"):
            yield name


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
