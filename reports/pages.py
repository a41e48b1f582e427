"""An executed notebook as the blocks of a page in one language; an output without the mark of release stops everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analysis.disclosure import MIME
from reports.words import say

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from reports.notebooks import Chapter

LANGUAGES = ("en", "zh")
SETUP = "setup"  # a question that only somebody in the notebook asks
NOTHING = "nothing"  # an output that says that there are no data for it


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
    sections : dict
        For the first page: HTML by section (found, changed, first, cannot).
    line : str
        The chapter's answer in a sentence: the first sentence or figure title that its notebook showed.
    """

    name: str
    title: str
    blocks: tuple[str, ...]
    tables: dict[str, dict[str, Any]]
    sections: dict[str, str]
    line: str


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
    tables: dict[str, dict[str, Any]] = {}
    sections: dict[str, str] = {}
    lines: list[str] = []
    for data in _shown(chapter.notebook, language):
        mark = data[MIME]
        if mark["kind"] == "table":
            table = tables.setdefault(mark["name"], {"columns": mark["columns"], "rows": []})
            table["rows"] += [row for row in mark["rows"] if row not in table["rows"]]
        elif mark["kind"] == "findings":
            sections[mark["section"]] = sections.get(mark["section"], "") + "".join(data["text/html"])
        elif mark["kind"] != NOTHING:
            lines.append(mark.get("title") or "".join(data["text/plain"]))
    blocks = tuple(_blocks(chapter.notebook, language))
    return Page(chapter.name, chapter.title[language], blocks, tables, sections, lines[0] if lines else "")


def _blocks(notebook: NotebookNode, language: str) -> Iterator[str]:
    """Texts and what was shown; questions to which there was nothing to show are named together at the end."""
    from nbconvert.filters import markdown2html

    unanswered = []
    for text, shown in _parts(notebook, language):
        if text and shown and all(data[MIME]["kind"] == NOTHING for data in shown):
            unanswered.append(text)
            continue
        if text:
            yield markdown2html(text)
        yield from ("".join(data.get("text/html", "")) for data in shown)
    if unanswered:
        questions = (" " if language == "en" else "").join(unanswered)
        yield f"<p>{escape(say('unanswered', language, questions=questions))}</p>"


def _parts(notebook: NotebookNode, language: str) -> list[tuple[str, list[Any]]]:
    """Each text with what is shown below it."""
    parts: list[tuple[str, list[Any]]] = [("", [])]
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", ())
        if cell.cell_type == "markdown" and language in tags and SETUP not in tags:
            parts.append((cell.source, []))
        parts[-1][1].extend(_of_cell(cell, language))
    return parts


def _shown(notebook: NotebookNode, language: str) -> Iterator[Any]:
    for cell in notebook.cells:
        yield from _of_cell(cell, language)


def _of_cell(cell: Any, language: str) -> list[Any]:
    return [o["data"] for o in cell.get("outputs", ()) if o["data"][MIME].get("language") == language]
