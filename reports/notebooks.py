"""Run the notebooks for one study and wave in one warm kernel; the committed ones are never touched.

Every notebook starts from an emptied name space; its metadata says what it requires, and one whose needs the data do not
meet is not run.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from analysis.disclosure.passed import Passed
    from survey import Panel

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
PERIODS = FOLDER / "period"  # those of the months between two waves
SECONDS_A_CELL = 600
_WARM_UP = "import analysis.display, analysis.disclosure, analysis.questions.cohesion, survey.panel"


class NotebookFailed(RuntimeError):
    """A cell of a notebook raised; nothing of the report is written. The message names the cell, not the data."""


@dataclass(frozen=True, slots=True, eq=False)
class Chapter:
    """A notebook as a chapter of the report.

    Attributes
    ----------
    name : str
        File name without its ending.
    title : dict
        The question it answers, ``en`` and ``zh``.
    requires : tuple of str
        What the data must have (`survey.Panel.missing_inputs`).
    front : bool
        Whether it is the report's first page.
    notebook : NotebookNode
        Its cells; after `run`, with outputs.
    """

    name: str
    title: Mapping[str, str]
    requires: tuple[str, ...]
    front: bool
    notebook: NotebookNode


def chapters(folder: Path = FOLDER) -> list[Chapter]:
    """Read the notebooks in the order of their names."""
    import nbformat

    found = []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        about = notebook.metadata["workbench"]
        found.append(
            Chapter(
                path.stem, dict(about["title"]), tuple(about["requires"]), bool(about.get("front", False)), notebook
            )
        )
    if sum(chapter.front for chapter in found) != 1:
        raise ValueError(
            "one notebook, and only one, must say `front: true` in its metadata: it is the report's first page"
        )
    return found


def supported(all_chapters: Sequence[Chapter], panel: Panel) -> tuple[list[Chapter], dict[str, tuple[str, ...]]]:
    """Split chapters into those that the panel's data support, and the needs of the others that are not met."""
    missing = {c.name: panel.missing_inputs(c.requires) for c in all_chapters}
    return [c for c in all_chapters if not missing[c.name]], {name: needs for name, needs in missing.items() if needs}


def run(wanted: Sequence[Chapter], manager: Any, workdir: Path, tell: Callable[[str], None]) -> list[Chapter]:
    """Execute the notebooks one after the other in the kernel that `kernel` started.

    Raises
    ------
    NotebookFailed
        At the first cell that raises.
    """
    return [_executed(chapter, manager, workdir, tell) for chapter in wanted]


def passed(manager: Any, workdir: Path) -> Passed:
    """Give a row for every number that the kernel's notebooks let out through the door (`analysis.disclosure.passed`)."""
    import nbformat
    from nbclient import NotebookClient

    from analysis.disclosure.passed import read

    path = workdir / "passed.json"
    code = f"import analysis.disclosure.passed as door\ndoor.write({str(path)!r})"
    asking = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(asking, km=manager, timeout=SECONDS_A_CELL, record_timing=False).execute(cleanup_kc=False)
    return read(path)


def refresh(folder: Path, environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Execute every notebook of a folder and store its outputs in it, in the form that is committed."""
    import nbformat

    with tempfile.TemporaryDirectory(prefix="workbench-") as name, kernel(environment, Path(name)) as manager:
        done = run(chapters(folder), manager, Path(name), tell)
    for chapter in done:
        code = (cell for cell in chapter.notebook.cells if cell.cell_type == "code")
        for number, cell in enumerate(code, 1):
            cell.execution_count = number
            cell.metadata = {}
            for output in cell.outputs:
                output.metadata = {}
        path = folder / f"{chapter.name}.ipynb"
        chapter.notebook.metadata = nbformat.read(path, as_version=4).metadata
        nbformat.write(chapter.notebook, path)


@contextmanager
def kernel(environment: Mapping[str, str], workdir: Path) -> Iterator[Any]:
    """Start the one kernel of a report; it warms up by itself while the caller does something else."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(workdir / "kernel"))
    quiet = ["--HistoryManager.enabled=False", "--InteractiveShell.history_length=0"]
    warm = [f"--IPKernelApp.exec_lines={_WARM_UP}"]
    kernel_environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg", **environment}
    manager.start_kernel(extra_arguments=[*quiet, *warm], env=kernel_environment, cwd=str(workdir))
    try:
        yield manager
    finally:
        manager.shutdown_kernel(now=True)


def _executed(chapter: Chapter, manager: Any, workdir: Path, tell: Callable[[str], None]) -> Chapter:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    tell(chapter.name)
    cells = [nbformat.v4.new_code_cell("%reset -f"), *(nbformat.from_dict(c) for c in chapter.notebook.cells)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=chapter.notebook.metadata)
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=SECONDS_A_CELL,
        record_timing=False,
        resources={"metadata": {"path": str(workdir)}},
    )
    try:
        client.execute(cleanup_kc=False)
    except CellExecutionError as error:
        raise NotebookFailed(f"{chapter.name}: a cell raised {error.ename}: {_harmless(error)}") from None
    del notebook.cells[0]
    return Chapter(chapter.name, chapter.title, chapter.requires, chapter.front, notebook)


def _harmless(error: Any) -> str:
    """Our own errors never hold a value of the data, those of libraries may: their text stays in the kernel."""
    return (
        str(error.evalue) if error.ename in ("Refused", "ValueError") else "run the notebook in `make lab` to see where"
    )
