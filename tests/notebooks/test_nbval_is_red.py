"""`make test` sees a stored number that is wrong, and a point of a figure that lies elsewhere.

A committed notebook is copied three times, one thing is changed in the stored outputs of two copies, and all are run with the
options that stand in the Makefile: a looser option there makes these tests fail. The notebook is the smallest that stores a
table and a figure.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
# The digit that is changed is each pattern's group: of a table's cell, of a mark's place, of a line's first point.
NUMBER = re.compile(r"<t[dh][^>]*>(?:<[^>]*>)*[^<]*?(\d)(?=[^<\d]*<)")
MARK = re.compile(r'<use[^>]*?\sx="-?[\d.]*(\d)"[^>]*?\sy="')
LINE = re.compile(r'<path[^>]*?\sd="\s*M\s*-?[\d.]*(\d)')


@pytest.fixture(scope="module")
def outcomes(project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What became of the cells of each copy: {copy: {"passed", "failed"}}."""
    notebook, folder = smallest(project), tmp_path_factory.mktemp("copies")
    point = MARK if has(json.loads(notebook.read_text("utf-8")), MARK) else LINE
    copies = {"unchanged": None, "number": NUMBER, "point": point}
    for name, pattern in copies.items():
        (folder / name).mkdir()
        (folder / name / notebook.name).write_text(changed(notebook, pattern), "utf-8")
    report = run_nbval(project, folder)
    found = re.findall(rf"^(PASSED|FAILED|ERROR) \S*?({'|'.join(copies)})/\S+\.ipynb::", report, flags=re.MULTILINE)
    return {name: {outcome.lower() for outcome, copy in found if copy == name} for name in copies}


def test_an_unchanged_copy_is_green(outcomes: dict[str, set[str]]) -> None:
    assert outcomes["unchanged"] == {"passed"}


def test_one_changed_number_is_red(outcomes: dict[str, set[str]]) -> None:
    assert "failed" in outcomes["number"]


def test_one_moved_point_of_a_figure_is_red(outcomes: dict[str, set[str]]) -> None:
    assert "failed" in outcomes["point"]


def test_one_digit_is_changed_and_nothing_else() -> None:
    html = '<table><tr><th>n</th><td class="a"><b>4.15</b></td></tr></table><svg><path class="a" d="M 10.25 3 L 4 5"/>'
    html += '<use href="#m" x="7.5" y="2"/></svg>'
    for pattern, old, new in ((NUMBER, "4.15", "4.16"), (LINE, "10.25", "10.26"), (MARK, '"7.5"', '"7.6"')):
        book: dict[str, Any] = {"cells": [{"cell_type": "code", "outputs": [{"data": {"text/html": html}}]}]}
        change_digit(book, pattern)
        assert text_of(next(pages(book))) == html.replace(old, new)


def smallest(project: Path) -> Path:
    books = {path: json.loads(path.read_text("utf-8")) for path in (project / "notebooks").glob("*.ipynb")}
    fitting = [path for path, book in books.items() if has(book, NUMBER) and (has(book, MARK) or has(book, LINE))]
    assert fitting, "no notebook stores a table and a figure"
    return min(fitting, key=lambda path: path.stat().st_size)


def has(book: dict[str, Any], pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(text_of(data)) for data in pages(book))


def changed(notebook: Path, pattern: re.Pattern[str] | None) -> str:
    book = json.loads(notebook.read_text("utf-8"))
    if pattern is not None:
        change_digit(book, pattern)
    return json.dumps(book, ensure_ascii=False)


def change_digit(book: dict[str, Any], pattern: re.Pattern[str]) -> None:
    """Make the last digit of the first place that the pattern finds one larger (9 becomes 0)."""
    data, found = next((data, found) for data in pages(book) if (found := pattern.search(text_of(data))))
    text, at = text_of(data), found.start(1)
    data["text/html"] = f"{text[:at]}{(int(found[1]) + 1) % 10}{text[at + 1 :]}"


def pages(book: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the data of every output that has HTML."""
    outputs = [output for cell in book["cells"] for output in cell.get("outputs", [])]
    return (output["data"] for output in outputs if "text/html" in output.get("data", {}))


def text_of(data: dict[str, Any]) -> str:
    return "".join(data["text/html"])


def run_nbval(project: Path, folder: Path) -> str:
    """Run the copies as `make test` runs the notebooks, in a process of its own, and give what pytest says of each cell."""
    line = re.search(r"^NBVAL := (.*)$", (project / "Makefile").read_text("utf-8"), flags=re.MULTILINE)
    assert line is not None
    options = shlex.split(line[1].replace("nbval.cfg", shlex.quote(str(project / "nbval.cfg"))))
    alone = ["-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(folder), "-c", os.devnull, "--tb=no", "-rA"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", *alone, *options, str(folder)]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True).stdout
