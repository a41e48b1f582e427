"""Who may import whom: the table of docs/architecture.md, read off the source text of every module and notebook.

A module that stands in no row fails, so a new room has to be given its row. Imports inside functions, under
`TYPE_CHECKING` and through `import_module("...")` count like any other.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

OURS = ("survey", "analysis", "reports", "notebooks", "tests")
FRAMES = ("pandas", "numpy", "scipy")
READERS = ("python_calamine", "openpyxl", "pyreadstat")
# What draws the Chinese glyphs, and what a result shows itself with in a notebook.
FONT = ("noto_cjk_sans_otc",)
MODELS = ("statsmodels", "pingouin", "svy", "pyfixest", "networkx", "ordinalcorr")
NOTEBOOK_TOOLS = ("nbclient", "nbconvert", "nbformat", "jupyter_client", "traitlets", "IPython")
MACHINE_TOOLS = ("packaging", "jupyter_core")
PAGE_TOOLS = ("jinja2", "markupsafe", "typer", "rich", "fontTools", "brotli")
CORE = ("analysis.core", "analysis.core.*")
METHODS = ("analysis.methods", "analysis.methods.*")
# Packages whose `from package import name` always means a module below it: their own `__init__` holds nothing.
PACKAGES = ("analysis.core", "analysis.methods", "analysis.questions", "analysis.display")


@dataclass(frozen=True, slots=True)
class Room:
    """A row of the table: which modules it speaks of and what they may import beside the standard library."""

    modules: str
    may: tuple[str, ...]


# The first row that fits a module is its row. `*` in `may` stands for everything below a package.
TABLE = (
    # It makes waves and never reads one.
    Room("survey.simulate*", (*FRAMES, "yaml", "pyarrow", "survey.simulate", "survey.simulate.*", "survey.places")),
    Room("survey.activity*", ("pandas", "numpy", "pyarrow", "duckdb", "pyspark", "py4j", "survey", "survey.*")),
    Room("survey.sealing", ("pyrage", "survey", "survey.*")),
    Room("survey*", (*FRAMES, "pydantic", "yaml", "pyarrow", "duckdb", *READERS, "survey", "survey.*")),
    Room("analysis.core*", ("numpy", "scipy", *CORE)),
    Room("analysis.tidy", ("pandas", "numpy")),
    # The one place that speaks to svy, whose frames are polars'.
    Room("analysis.methods.svy_bridge", (*FRAMES, "svy", "polars", *CORE, *METHODS)),
    # The one place that speaks to pyarrow, which keeps pandas' text.
    Room("analysis.methods.arrow_text", ("numpy", "pyarrow")),
    Room("analysis.methods*", (*FRAMES, *MODELS, *CORE, "analysis.tidy", *METHODS)),
    # One question never imports another.
    Room("analysis.questions*", ("pandas", "numpy", *METHODS, *CORE, "analysis.tidy")),
    Room("analysis.disclosure*", (*FRAMES, *CORE, "analysis.tidy", "analysis.disclosure*")),
    Room(
        "analysis.display*",
        ("pandas", "matplotlib", "IPython", *FONT, "analysis.disclosure", "analysis.tidy", "analysis.display*"),
    ),
    # The lazy door of the house: it may name every verb's module, and loads none before it is asked.
    Room("analysis", ("analysis.methods.*", "analysis.questions.*", "analysis.disclosure*", "analysis.display*")),
    Room("notebooks*", ("survey", "survey.*", "analysis", "analysis.*")),
    # It holds our numbers against tables of others'.
    Room("reports.reference*", ("pandas", "numpy", "survey*", "analysis*", "reports*")),
    Room("reports*", ("survey*", "analysis*", "reports*", *NOTEBOOK_TOOLS, *PAGE_TOOLS, *MACHINE_TOOLS, *FONT)),
)


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the module that makes it, the line, and what it asks for."""

    module: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


def test_every_import_is_allowed(project: Path) -> None:
    found = list(imports_of(project))
    assert len(found) > 20, "the rooms were not found: nothing was looked at"
    assert [str(one) for one in found if not allowed(one)] == []


def test_nothing_imports_reports_or_tests(project: Path) -> None:
    outside = [one for one in imports_of(project) if not one.module.startswith("reports")]
    assert [str(one) for one in outside if one.target.split(".")[0] in ("reports", "tests", "notebooks")] == []


PLANTED = [
    ("survey/score.py", "import analysis"),
    ("survey/score.py", "import statsmodels.api as sm"),
    ("survey/panel.py", "from reports.export import build"),
    ("survey/simulate/log.py", "import duckdb"),
    ("survey/simulate/log.py", "from survey.readers.plain import read"),
    ("analysis/core/mixed.py", "import pandas as pd"),
    ("analysis/core/mixed.py", "from analysis.tidy import COLUMNS"),
    ("analysis/core/mixed.py", "from ..tidy import COLUMNS"),
    ("analysis/methods/icc.py", "from analysis.questions.cohesion import fit_cohesion"),
    ("analysis/methods/icc.py", "import matplotlib.pyplot as plt"),
    ("analysis/methods/icc.py", "def f():\n    import survey"),
    ("analysis/questions/cohesion.py", "from analysis.questions.coverage import coverage"),
    ("analysis/questions/cohesion.py", "from . import coverage"),
    ("analysis/questions/cohesion.py", "from analysis import release"),
    ("analysis/questions/cohesion.py", "import importlib\nimportlib.import_module('analysis.display')"),
    ("analysis/disclosure.py", "from analysis.methods.estimates import estimates"),
    ("analysis/display/figures.py", "import numpy as np"),
    ("analysis/display/figures.py", "from analysis.methods import estimates"),
    ("analysis/utilities.py", "import json"),
    ("notebooks/cohesion.ipynb", "import pandas"),
    ("notebooks/cohesion.ipynb", "from reports.export import build"),
]


@pytest.mark.parametrize(("place", "line"), PLANTED)
def test_a_planted_import_is_caught(tmp_path: Path, place: str, line: str) -> None:
    plant(tmp_path / place, line)
    assert [one for one in imports_of(tmp_path) if not allowed(one)], f"{line!r} passed in {place}"


ALLOWED = [
    ("survey/score.py", "from survey.study import Study\nfrom . import study\nimport numpy as np"),
    ("analysis/methods/icc.py", "from analysis.core import mixed\nfrom ..core.mixed import fit\nimport scipy.linalg"),
    ("analysis/questions/cohesion.py", "from analysis.methods import mixed\nfrom analysis.tidy import COLUMNS"),
    ("notebooks/cohesion.ipynb", "import survey\nfrom analysis import display, release"),
    ("reports/export.py", "import nbclient\nfrom survey.study import Study"),
]


@pytest.mark.parametrize(("place", "line"), ALLOWED)
def test_what_the_table_allows_passes(tmp_path: Path, place: str, line: str) -> None:
    plant(tmp_path / place, line)
    assert [str(one) for one in imports_of(tmp_path) if not allowed(one)] == []


def allowed(one: Import) -> bool:
    """True where the module's row names the target, or the target is the standard library's."""
    root = one.target.split(".")[0]
    if root in sys.stdlib_module_names:
        return room_of(one.module) is not None
    room = room_of(one.module)
    names = (one.target,) if root in OURS else (root,)
    return room is not None and any(fnmatchcase(name, pattern) for name in names for pattern in room.may)


def room_of(module: str) -> Room | None:
    return next((room for room in TABLE if fits(module, room.modules)), None)


def fits(module: str, pattern: str) -> bool:
    """`survey*` is survey and all below it, and not a package whose name only begins so."""
    if not pattern.endswith("*"):
        return module == pattern
    stem = pattern.removesuffix("*").removesuffix(".")
    return module == stem or module.startswith(f"{stem}.")


def imports_of(root: Path) -> Iterator[Import]:
    """Give every import of every module and notebook of the rooms, built folders left aside."""
    for folder in ("survey", "analysis", "reports", "notebooks"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".ipynb") and not {"out", ".ipynb_checkpoints"} & set(path.parts):
                yield from imports_in(path, root)


def imports_in(path: Path, root: Path) -> Iterator[Import]:
    parts = path.relative_to(root).with_suffix("").parts
    package = parts[:-1]
    module = ".".join(package if parts[-1] == "__init__" else parts)
    tree = ast.parse(source_of(path))
    yield Import(module, 1, "sys")  # a module without imports needs a row as well
    for node in ast.walk(tree):
        for target in targets(node, package, root):
            yield Import(module, getattr(node, "lineno", 1), target)


def source_of(path: Path) -> str:
    """Give a module's text, or a notebook's code cells one below the other."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")


def targets(node: ast.AST, package: tuple[str, ...], root: Path) -> list[str]:
    """Give the full names that a node imports; of `from a import b`, `a.b` where that is a module of ours, else `a`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
        base = ".".join(part for part in (above, node.module) if part)
        return sorted({inner(base, alias.name, root) for alias in node.names})
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
        return [str(argument.value) for argument in node.args[:1] if isinstance(argument, ast.Constant)]
    return []


def inner(base: str, name: str, root: Path) -> str:
    """`from analysis.questions import coverage` asks for the module, also where the planted file is not there."""
    place = root.joinpath(*base.split("."), name)
    is_module = place.is_dir() or place.with_suffix(".py").exists()
    return f"{base}.{name}" if is_module or base in PACKAGES else base


def plant(path: Path, source: str) -> None:
    """Write a module, or a notebook with one code cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = {"cells": [{"cell_type": "code", "source": source}]}
    path.write_text(json.dumps(notebook) if path.suffix == ".ipynb" else source, "utf-8")
