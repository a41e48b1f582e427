"""An executed notebook as the blocks of a page in one language; an output without the mark of release stops everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.disclosure import MIME

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from reports.notebooks import Chapter

LANGUAGES = ("en", "zh")


class NotReleased(RuntimeError):
    """A cell showed something that did not come through `analysis.release`; the report is not written."""


@dataclass(frozen=True, slots=True)
class Page:
    """A chapter in one language.

    Attributes
    ----------
    name, title : str
        File name without ending; the question it answers.
    blocks : tuple of str
        HTML in reading order.
    tables : dict
        Released tables by name: ``columns`` and ``rows``.
    """

    name: str
    title: str
    blocks: tuple[str, ...]
    tables: dict[str, dict[str, Any]]


def refuse_unreleased(chapter: Chapter) -> None:
    """Raise `NotReleased` where any output of a notebook lacks the mark, printed text and warnings included."""
    for number, cell in enumerate(chapter.notebook.cells, 1):
        for output in cell.get("outputs", ()):
            if MIME not in output.get("data", {}):
                raise NotReleased(
                    f"{chapter.name}, cell {number}: this output was not released ({output['output_type']}). Pass tables through "
                    "analysis.release and show them by analysis.display; do not print"
                )


def page(chapter: Chapter, language: str) -> Page:
    """Make the page of a chapter in one language from the outputs of its one run."""
    tables = {}
    for output in _shown(chapter.notebook, language):
        mark = output["data"][MIME]
        if mark["kind"] == "table":
            tables[mark["name"]] = {"columns": mark["columns"], "rows": mark["rows"]}
    return Page(chapter.name, chapter.title[language], tuple(_blocks(chapter.notebook, language)), tables)


def _blocks(notebook: NotebookNode, language: str) -> Iterator[str]:
    from nbconvert.filters import markdown2html

    for cell in notebook.cells:
        if cell.cell_type == "markdown" and language in cell.metadata.get("tags", ()):
            yield markdown2html(cell.source)
        for output in cell.get("outputs", ()):
            if output["data"][MIME].get("language") == language:
                yield "".join(output["data"].get("text/html", ""))


def _shown(notebook: NotebookNode, language: str) -> Iterator[Any]:
    for cell in notebook.cells:
        yield from (o for o in cell.get("outputs", ()) if o["data"][MIME].get("language") == language)
