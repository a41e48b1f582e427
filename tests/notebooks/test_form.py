"""The form of every committed notebook: thin, in two languages, executed in order, with outputs that disclosure let through.

That the outputs are the demo study's, number for number, is nbval's part of `make test`: it runs the notebooks on the demo.
"""

from __future__ import annotations

import ast
import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

MARK = "application/vnd.cohesion-workbench.released+json"
REQUIRABLE = {"survey", "log", "registry", "scales", "items", "regions", "groups", "chain", "link", "kinds", "need"}
REQUIRABLE |= {"attraction", "cohesion", "detachment", "satisfaction", "contact"}
LINES = 6
LOOPS = (ast.For, ast.While, ast.AsyncFor, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
MADE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
BRANCHES = (ast.If, ast.IfExp, ast.Try, ast.Match, ast.With)
PLACE = re.compile(r"(?<![\w+/=.<-])/(?:home|root|Users|tmp|var|opt|usr|work|mnt|private)/|\b[A-Z]:\\\\?Users")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").rglob("*.ipynb"))
EXPECTED = {"intake", "response", "measurement", "coverage", "attraction", "cohesion", "evaluation"}


def test_the_chapters_are_there() -> None:
    names = " ".join(path.stem for path in NOTEBOOKS)
    assert {chapter for chapter in EXPECTED if chapter not in names} == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_the_form(path: Path) -> None:
    book = json.loads(path.read_text("utf-8"))
    nbformat.validate(nbformat.from_dict(book))
    assert list(faults(book)) == []


def test_nbval_leaves_no_number_out(project: Path) -> None:
    rules = re.findall(r"^regex: (.*)$", (project / "nbval.cfg").read_text("utf-8"), flags=re.MULTILINE)
    samples = ("0.6712", "12,345", "63.2 %", "<td>4.1</td>", "M 12.5 33.125 L 14 30", 'x="101.2"', "2024")
    assert [(rule, sample) for rule in rules for sample in samples if re.search(rule, sample)] == []


def faults(book: dict[str, Any]) -> Iterator[str]:
    """Give, in words, everything in which a notebook departs from the form."""
    cells = book["cells"]
    yield from metadata_faults(book)
    yield from id_faults(cells)
    yield from pair_faults(cells)
    counts = [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
    if not counts or counts != list(range(1, len(counts) + 1)):
        yield f"executed as {counts}, not in order from 1"
    for cell in cells:
        if cell["cell_type"] == "code":
            yield from (f"{cell.get('id')}: {fault}" for fault in [*code_faults(cell), *output_faults(cell)])


def metadata_faults(book: dict[str, Any]) -> Iterator[str]:
    about = book["metadata"].get("workbench", {})
    title, requires = about.get("title", {}), about.get("requires")
    if set(title) != {"en", "zh"} or not all(title.values()):
        yield "metadata.workbench.title needs en and zh"
    if not isinstance(requires, list) or not set(requires) <= REQUIRABLE:
        yield f"metadata.workbench.requires is {requires}, expected a list out of {sorted(REQUIRABLE)}"
    if '"iopub.' in json.dumps(book):
        yield "times of execution are stored"


def id_faults(cells: list[dict[str, Any]]) -> Iterator[str]:
    """A cell's name is given by a person: the eight random signs of an editor change with every copy."""
    names = [cell.get("id", "") for cell in cells]
    yield from (f"cell id {name!r} stands twice" for name, count in Counter(names).items() if count > 1)
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", name) or re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", name):
            yield f"cell id {name!r} is not a stable name"


def pair_faults(cells: list[dict[str, Any]]) -> Iterator[str]:
    """Markdown comes as `en` then `zh`; code stands right below such a pair that asks what the code answers."""
    before: list[str] = []
    question = ""
    for cell in cells:
        if cell["cell_type"] == "markdown":
            tags = [tag for tag in cell["metadata"].get("tags", []) if tag in ("en", "zh")]
            before += tags if len(tags) == 1 else ["?"]
            question += text(cell)
            continue
        if cell["cell_type"] != "code":
            yield f"{cell.get('id')}: a cell of kind {cell['cell_type']}"
        yield from unpaired(before, str(cell.get("id")))
        if "?" not in question or "？" not in question:
            yield f"{cell.get('id')}: no question in both languages above it"
        before, question = [], ""
    yield from unpaired(before, "the end", needed=False)


def unpaired(tags: list[str], place: str, *, needed: bool = True) -> Iterator[str]:
    if tags != ["en", "zh"] * (len(tags) // 2) or (needed and not tags):
        yield f"above {place} stand Markdown cells {tags}, expected en, zh"


def code_faults(cell: dict[str, Any]) -> Iterator[str]:
    source = text(cell)
    if len(source.splitlines()) > LINES:
        yield f"{len(source.splitlines())} lines, at most {LINES}"
    try:
        tree = ast.parse(source)
    except SyntaxError:
        yield "not plain Python"
        return
    for node in ast.walk(tree):
        if isinstance(node, (*LOOPS, *MADE, *BRANCHES)):
            yield f"a {type(node).__name__}: that belongs into a room"
        for name in imported(node):
            if name.split(".")[0] not in ("survey", "analysis"):
                yield f"imports {name}"
    if tree.body and shows(tree.body[-1]) and not cell["outputs"]:
        yield "shows something and has no output stored"


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or "."]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def shows(last: ast.stmt) -> bool:
    return isinstance(last, ast.Expr) and not isinstance(last.value, ast.Constant)


def output_faults(cell: dict[str, Any]) -> Iterator[str]:
    """Every output is displayed, carries the mark of disclosure, and comes once in each language."""
    shown: dict[str, list[str]] = {"en": [], "zh": []}
    for output in cell["outputs"]:
        data = output.get("data", {})
        mark = data.get(MARK)
        if output["output_type"] not in ("display_data", "execute_result") or not isinstance(mark, dict):
            yield f"an output of kind {output['output_type']} ({', '.join(data)}) without the mark of disclosure"
            continue
        shown.setdefault(mark.get("language", ""), []).append(f"{mark.get('kind')} {mark.get('name')}")
        if {"image/png", "image/jpeg"} & set(data):
            yield "a picture of pixels, which nbval does not compare"
    if shown != {"en": shown["en"], "zh": shown["en"]}:
        yield f"shown in one language and not in the other: {shown}"
    written = json.dumps([cell["source"], cell["outputs"]], ensure_ascii=False).replace("\\n", " ")
    yield from (
        f"{what} {found[0]}"
        for what, p in (("a place", PLACE), ("an address", ADDRESS))
        if (found := p.findall(written))
    )


def text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def a_good_notebook() -> dict[str, Any]:
    """The smallest notebook that has the form."""
    pair = [
        {"cell_type": "markdown", "id": f"q-{tag}", "metadata": {"tags": [tag]}, "source": f"# {words}"}
        for tag, words in (("en", "How many answered?"), ("zh", "有多少人作答？"))
    ]
    outputs = [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {MARK: {"kind": "table", "language": tag, "name": "n"}, "text/html": "<td>0.5</td>"},
        }
        for tag in ("en", "zh")
    ]
    code = {"cell_type": "code", "id": "answers", "metadata": {}, "execution_count": 1, "outputs": outputs}
    code["source"] = "import survey\nfrom analysis import display\ndisplay.table(survey.open_study())"
    metadata = {"workbench": {"title": {"en": "Response", "zh": "应答"}, "requires": ["survey"]}}
    return {"cells": [*pair, code], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def test_a_good_notebook_passes() -> None:
    assert list(faults(a_good_notebook())) == []


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Give a fault to plant: `path` is a way into the notebook, parted by `/` (`~` is a `/` within a part)."""

    def plant(book: dict[str, Any]) -> None:
        *way, last = (int(part) if part.isdigit() else part.replace("~", "/") for part in path.split("/"))
        place: Any = book
        for part in way:
            place = place[part]
        place[last] = value(place[last]) if callable(value) else value

    return plant


PLANTED = {
    "second count": change("cells/2/execution_count", 2),
    "never run": change("cells/2/execution_count", None),
    "def": change("cells/2/source", "def f():\n    return 1"),
    "loop": change("cells/2/source", "for x in y:\n    show(x)"),
    "comprehension": change("cells/2/source", "[show(x) for x in y]"),
    "lambda": change("cells/2/source", "f = lambda x: x"),
    "test for data": change("cells/2/source", "if panel.cells is None:\n    show(1)"),
    "magic": change("cells/2/source", "%matplotlib inline"),
    "seven lines": change("cells/2/source", "\n".join(["show(1)"] * 7)),
    "library": change("cells/2/source", "import pandas"),
    "library, from": change("cells/2/source", "from reports import export"),
    "no Chinese": change("cells", lambda cells: [cells[0], cells[2]]),
    "order of languages": change("cells", lambda cells: [cells[1], cells[0], cells[2]]),
    "no tag": change("cells/1/metadata", {}),
    "no question": change("cells/1/source", "有多少人作答。"),
    "nothing above": change("cells", lambda cells: cells[2:]),
    "two code cells": change("cells", lambda cells: [*cells, {**cells[2], "id": "more", "execution_count": 2}]),
    "no output": change("cells/2/outputs", []),
    "one language": change("cells/2/outputs", lambda outputs: outputs[:1]),
    "no mark": change("cells/2/outputs/0/data", {"text/html": "<td>1</td>"}),
    "error": change("cells/2/outputs/0", {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}),
    "print": change("cells/2/outputs/0", {"output_type": "stream", "name": "stdout", "text": "3"}),
    "pixels": change("cells/2/outputs/0/data/image~png", "aGVsbG8="),
    "place": change("cells/2/outputs/0/data/text~html", "read\n/home/someone/answers.csv"),
    "address": change("cells/2/outputs/0/data/text~html", "&lt;Panel object at 0x7f3a2c10&gt;"),
    "random id": change("cells/2/id", "1f2e3d4c"),
    "same id": change("cells/1/id", "q-en"),
    "no title": change("metadata/workbench/title", {"en": "Response"}),
    "unknown need": change("metadata/workbench/requires", ["weather"]),
    "times": change("cells/2/metadata", {"execution": {"iopub.status.busy": "2024"}}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_caught(name: str) -> None:
    book = copy.deepcopy(a_good_notebook())
    PLANTED[name](book)
    assert list(faults(book)), f"{name} passed"
